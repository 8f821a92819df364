//! Numbers with limits, in their raw form.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// The error for a number outside of its limits.
fn out_of_range<T, E: de::Error>(number: impl fmt::Display, expected: &dyn de::Expected) -> Result<T, E> {
    Err(E::custom(format_args!("invalid value: number `{number}`, expected {expected}")))
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BoundedInt<const MIN: u64, const MAX: u64>(pub(super) u64);

impl<const MIN: u64, const MAX: u64> BoundedInt<MIN, MAX> {
    /// Returns the number as `u32`; larger numbers saturate.
    pub(super) fn get(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }
}

struct BoundedIntVisitor<const MIN: u64, const MAX: u64>;

impl<const MIN: u64, const MAX: u64> Visitor<'_> for BoundedIntVisitor<MIN, MAX> {
    type Value = BoundedInt<MIN, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match MAX {
            _ if MIN == MAX => write!(f, "the number {MIN}"),
            u64::MAX => write!(f, "a whole number, at least {MIN}"),
            _ => write!(f, "a whole number from {MIN} to {MAX}"),
        }
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        if (MIN..=MAX).contains(&number) { Ok(BoundedInt(number)) } else { out_of_range(number, &self) }
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        out_of_range(number, &self)
    }

    fn visit_u128<E: de::Error>(self, number: u128) -> Result<Self::Value, E> {
        out_of_range(number, &self)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        // `Debug` writes 1e308 as such and not with all its zeros.
        out_of_range(format_args!("{number:?}"), &self)
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for BoundedInt<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BoundedIntVisitor::<MIN, MAX>)
    }
}

impl<const MIN: u64, const MAX: u64> Serialize for BoundedInt<MIN, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for BoundedInt<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Whole{MIN}To{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// A number from zero to `MAX`.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct BoundedNumber<const MAX: u64>(pub(super) f64);

struct BoundedNumberVisitor<const MAX: u64>;

impl<const MAX: u64> Visitor<'_> for BoundedNumberVisitor<MAX> {
    type Value = BoundedNumber<MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number from 0 to {MAX}")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        if number <= MAX { Ok(BoundedNumber(number as f64)) } else { out_of_range(number, &self) }
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        out_of_range(number, &self)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        if (0.0..=MAX as f64).contains(&number) {
            Ok(BoundedNumber(number.abs()))
        } else {
            out_of_range(format_args!("{number:?}"), &self)
        }
    }
}

impl<'de, const MAX: u64> Deserialize<'de> for BoundedNumber<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BoundedNumberVisitor::<MAX>)
    }
}

impl<const MAX: u64> Serialize for BoundedNumber<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Writes 40, not 40.0. MAX is far below 2^53.
        if self.0.fract() == 0.0 {
            serializer.serialize_u64(self.0 as u64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

impl<const MAX: u64> JsonSchema for BoundedNumber<MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("NumberTo{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": MAX })
    }
}

/// The weight of one entry of a map of weights: a number, or a percentage such as `60%`.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Weight(pub(super) f64);

impl Weight {
    const MAX: u64 = 1_000_000_000;

    pub(super) fn is_zero(&self) -> bool {
        self.0 == 0.0
    }
}

struct WeightVisitor;

impl Visitor<'_> for WeightVisitor {
    type Value = Weight;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number from 0 to {}", Weight::MAX)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Weight, E> {
        let number = text.strip_suffix('%').unwrap_or(text).trim_end();
        let is_decimal = number.starts_with(|c: char| c.is_ascii_digit())
            && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        match number.parse() {
            Ok(weight) if is_decimal => self.visit_f64(weight),
            _ => Err(E::invalid_value(Unexpected::Str(text), &"a weight such as `60` or `60%`")),
        }
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Weight, E> {
        BoundedNumberVisitor::<{ Weight::MAX }>.visit_u64(number).map(|BoundedNumber(weight)| Weight(weight))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Weight, E> {
        out_of_range(number, &self)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Weight, E> {
        BoundedNumberVisitor::<{ Weight::MAX }>.visit_f64(number).map(|BoundedNumber(weight)| Weight(weight))
    }
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WeightVisitor)
    }
}

impl Serialize for Weight {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        BoundedNumber::<{ Self::MAX }>(self.0).serialize(serializer)
    }
}

impl JsonSchema for Weight {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Weight".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let number = json_schema!({ "type": "number", "minimum": 0, "maximum": Self::MAX });
        let text = json_schema!({ "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?%?$" });
        json_schema!({ "anyOf": [number, text] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_numbers_or_percentages() {
        let parse = |text: &str| crate::scenario::yaml::read::<Weight>(text).ok();
        for (text, weight) in
            [("60", 60.0), ("60%", 60.0), ("'60 %'", 60.0), ("0.5", 0.5), ("12.5%", 12.5), ("'7'", 7.0)]
        {
            assert_eq!(parse(text), Some(Weight(weight)), "{text}");
        }
        for text in
            ["-1", "-1%", "1e3%", "%", "''", "60%%", "inf%", "NaN", "1000000001", "many", "+5%", ".5%"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
