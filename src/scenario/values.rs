//! Values as typed: numbers with their unit or their limits, each refusing what it cannot mean.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::MAX_TIME;
use poolproof_cognito::addresses::AddressRange;

/// A value that is typed as text, such as `8s`.
pub(super) trait Text: Sized + fmt::Display {
    /// Its name in the schema.
    const NAME: &str;
    /// What belongs here, with an example.
    const EXPECTED: &str;
    /// What the text looks like, as a regular expression.
    const PATTERN: &str;
    /// The value, or why this is none.
    fn read(text: &str) -> Result<Self, String>;
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: Text> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::read(text).map_err(E::custom)
    }
}

macro_rules! text {
    ($($name:ty),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // "any", so that a number is called a number and not taken for text.
                deserializer.deserialize_any(TextVisitor(PhantomData))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                Self::NAME.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let expected = <Self as Text>::EXPECTED;
                json_schema!({ "type": "string", "pattern": Self::PATTERN, "description": expected })
            }
        }
    )*};
}

text!(Time, Rate, WholeRate, Share, Name, Cidr, Multiple);

/// The number at the start of `text` and the unit after it.
fn number_and_unit(text: &str) -> (&str, &str) {
    let unit = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+')).unwrap_or(text.len());
    text.split_at(unit)
}

/// A number of digits with at most one point; what `what` is for the message.
fn decimal(number: &str, whole: &str, what: &str, example: &str) -> Result<f64, String> {
    if number.starts_with('-') {
        return Err(format!("`{whole}` is negative; {what} is not"));
    }
    let digits = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let edges = number.starts_with('.') || number.ends_with('.');
    match number.parse::<f64>() {
        Ok(value) if digits && !edges => Ok(value),
        _ => Err(format!("`{whole}` is not {what} such as `{example}`")),
    }
}

/// A length of time, to the microsecond.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Time(pub(super) Duration);

/// Units of time in microseconds, the longest first.
const UNITS: [(&str, u64); 5] =
    [("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1000), ("us", 1)];

impl Text for Time {
    const NAME: &str = "Time";
    const EXPECTED: &str = "a time such as `8s` (units us, ms, s, m, h)";
    const PATTERN: &str = r"^[0-9]+(\.[0-9]+)?(us|ms|s|m|h)$";

    fn read(text: &str) -> Result<Self, String> {
        let (number, unit) = number_and_unit(text);
        let value = decimal(number, text, "a time", "8s")?;
        let Some((_, unit_us)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(format!("`{text}` has no unit of time: write one of us, ms, s, m, h, as in `8s`"));
        };
        let us = value * *unit_us as f64;
        if us > MAX_TIME.as_micros() as f64 {
            return Err(format!("`{text}` is longer than 24 hours"));
        }
        Ok(Self(Duration::from_micros(us.round() as u64)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = poolproof_cognito::time::as_us(self.0);
        match UNITS.iter().find(|(_, unit_us)| us > 0 && us.is_multiple_of(*unit_us)) {
            Some((unit, unit_us)) => write!(f, "{}{unit}", us / unit_us),
            None => f.write_str("0s"),
        }
    }
}

/// Times a second, more than zero.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Rate(pub(super) f64);

impl Rate {
    /// More than this a second is a slip of the pen.
    const MAX: f64 = 1e6;
}

impl Text for Rate {
    const NAME: &str = "Rate";
    const EXPECTED: &str = "a rate such as `20/s`";
    const PATTERN: &str = r"^(0*[1-9][0-9]*(\.[0-9]+)?|0+\.0*[1-9][0-9]*)/s$";

    fn read(text: &str) -> Result<Self, String> {
        let (number, unit) = number_and_unit(text);
        let value = decimal(number, text, "a rate", "20/s")?;
        if unit != "/s" {
            Err(format!("`{text}` is not a rate: write how often a second, as in `20/s`"))
        } else if value <= 0.0 {
            Err(format!("`{text}` is nothing at all; a rate is more than zero"))
        } else if value > Self::MAX {
            Err(format!("`{text}` is more than 1000000/s"))
        } else {
            Ok(Self(value))
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

/// A whole number of times a second, at least one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct WholeRate(pub(super) u32);

impl Text for WholeRate {
    const NAME: &str = "WholeRate";
    const EXPECTED: &str = "a whole rate such as `120/s`";
    const PATTERN: &str = r"^[0-9]*[1-9][0-9]*(\.0+)?/s$";

    fn read(text: &str) -> Result<Self, String> {
        let Rate(value) = Rate::read(text)?;
        if value.fract() == 0.0 {
            Ok(Self(value as u32))
        } else {
            Err(format!("`{text}` is not a whole number a second"))
        }
    }
}

impl fmt::Display for WholeRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

/// A part of the whole, 0 to 1, typed as a percentage.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Share(pub(super) f64);

impl Text for Share {
    const NAME: &str = "Share";
    const EXPECTED: &str = "a share such as `60%`";
    const PATTERN: &str = r"^0*(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%$";

    fn read(text: &str) -> Result<Self, String> {
        let (number, unit) = number_and_unit(text);
        let value = decimal(number, text, "a share", "60%")?;
        if unit != "%" {
            Err(format!("`{text}` is not a share: write a percentage, as in `60%`"))
        } else if value > 100.0 {
            Err(format!("`{text}` is more than all"))
        } else {
            Ok(Self(value / 100.0))
        }
    }
}

impl fmt::Display for Share {
    /// The shortest percentage that reads as this share again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.0 * 100.0;
        let text = (0..17).map(|digits| format!("{percent:.digits$}%"));
        match text.into_iter().find(|text| Self::read(text).as_ref() == Ok(self)) {
            Some(text) => f.write_str(&text),
            None => write!(f, "{percent}%"),
        }
    }
}

/// A scenario's name, which is a folder's name too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Name(pub(super) String);

impl Text for Name {
    const NAME: &str = "Name";
    const EXPECTED: &str = "a name of 1 to 64 of a-z, 0-9 and `-`, such as `opt-in-mfa`";
    const PATTERN: &str = "^[a-z0-9][a-z0-9-]{0,63}$";

    fn read(text: &str) -> Result<Self, String> {
        let letters = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if letters && !text.is_empty() && text.len() <= 64 && !text.starts_with('-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` cannot name a folder: use 1 to 64 of a-z, 0-9 and `-`, and no `-` first"))
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many times as much.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Multiple(pub(super) f64);

impl Multiple {
    /// More than this is a slip of the pen.
    const MAX: f64 = 1000.0;
}

impl Text for Multiple {
    const NAME: &str = "Times";
    const EXPECTED: &str = "a multiple such as `5x`, more than `1x`";
    const PATTERN: &str = r"^[0-9]+(\.[0-9]+)?x$";

    fn read(text: &str) -> Result<Self, String> {
        let (number, unit) = number_and_unit(text);
        let value = decimal(number, text, "a multiple", "5x")?;
        if unit != "x" {
            Err(format!("`{text}` is not a multiple: write how many times as much, as in `5x`"))
        } else if value <= 1.0 || value > Self::MAX {
            Err(format!("`{text}` is not more than `1x` and at most `{}x`", Self::MAX))
        } else {
            Ok(Self(value))
        }
    }
}

impl fmt::Display for Multiple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x", self.0)
    }
}

/// A range of addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cidr(pub(super) AddressRange);

impl Text for Cidr {
    const NAME: &str = "Range";
    const EXPECTED: &str = "a range of addresses such as `192.0.2.0/24` or `2001:db8::/32`";
    const PATTERN: &str = r"^[0-9a-fA-F:.]+/(0|[1-9][0-9]{0,2})$";

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|()| match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => format!("`{text}` is an address: write the range as `{text}/32`"),
            Ok(IpAddr::V6(_)) => format!("`{text}` is an address: write the range as `{text}/128`"),
            Err(_) => format!("`{text}` is not {}", Self::EXPECTED),
        })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BoundedInt<const MIN: u64, const MAX: u64>(pub(super) u64);

impl<const MIN: u64, const MAX: u64> BoundedInt<MIN, MAX> {
    /// The number. Limits that are used are far below `u32::MAX`.
    pub(super) fn get(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for BoundedInt<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BoundedIntVisitor::<MIN, MAX>)
    }
}

pub(super) struct BoundedIntVisitor<const MIN: u64, const MAX: u64>;

impl<const MIN: u64, const MAX: u64> Visitor<'_> for BoundedIntVisitor<MIN, MAX> {
    type Value = BoundedInt<MIN, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if MIN == MAX {
            write!(f, "{MIN}")
        } else if MAX == u64::MAX {
            write!(f, "a whole number from {MIN} up")
        } else {
            write!(f, "a whole number from {MIN} to {MAX}")
        }
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        if (MIN..=MAX).contains(&number) {
            Ok(BoundedInt(number))
        } else {
            Err(E::invalid_value(Unexpected::Unsigned(number), &self))
        }
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Err(E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u128<E: de::Error>(self, number: u128) -> Result<Self::Value, E> {
        let expected: &dyn de::Expected = &self;
        Err(E::custom(format_args!("invalid value: integer `{number}`, expected {expected}")))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        // `Debug`, because it writes 1e308 as such and not with all its zeros.
        let expected: &dyn de::Expected = &self;
        Err(E::custom(format_args!("invalid type: number `{number:?}`, expected {expected}")))
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

/// A number that is not negative and not more than `MAX`.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct BoundedNumber<const MAX: u64>(pub(super) f64);

impl<const MAX: u64> BoundedNumber<MAX> {
    pub(super) fn is_zero(&self) -> bool {
        self.0 == 0.0
    }
}

struct BoundedNumberVisitor<const MAX: u64>;

impl<const MAX: u64> Visitor<'_> for BoundedNumberVisitor<MAX> {
    type Value = BoundedNumber<MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number from 0 to {MAX}")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        if number <= MAX {
            Ok(BoundedNumber(number as f64))
        } else {
            Err(E::invalid_value(Unexpected::Unsigned(number), &self))
        }
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Err(E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        if (0.0..=MAX as f64).contains(&number) {
            Ok(BoundedNumber(number.abs()))
        } else {
            let expected: &dyn de::Expected = &self;
            Err(E::custom(format_args!("invalid value: number `{number:?}`, expected {expected}")))
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
        // A whole number is written as people write it: 40, not 40.0. MAX is far below 2^53.
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
        format!("AmountTo{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_told_in_their_units() {
        for (text, us, displayed) in [
            ("340us", 340, "340us"),
            ("5ms", 5000, "5ms"),
            ("8s", 8_000_000, "8s"),
            ("1.5s", 1_500_000, "1500ms"),
            ("1.1s", 1_100_000, "1100ms"),
            ("180s", 180_000_000, "3m"),
            ("24h", 86_400_000_000, "24h"),
            ("0s", 0, "0s"),
        ] {
            let time = Time::read(text).unwrap();
            assert_eq!((time.0.as_micros(), time.to_string().as_str()), (us, displayed));
        }
        for bad in
            ["", "8", "8 s", "-8s", "+8s", ".5s", "5.s", "1.2.3s", "1e3s", "25h", "8sec", "infs", "NaNs"]
        {
            assert!(Time::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shares_are_told_as_the_percentage_that_was_typed() {
        for thousandth in 0..=100_000 {
            let typed = format!("{}%", f64::from(thousandth) / 1000.0);
            assert_eq!(Share::read(&typed).unwrap().to_string(), typed);
        }
        for bad in ["60", "101%", "-1%", "0.6", "%", "6 %"] {
            assert!(Share::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rates_are_more_than_nothing() {
        assert_eq!(Rate::read("0.5/s"), Ok(Rate(0.5)));
        for bad in ["20", "0/s", "0.0/s", "-1/s", "1000001/s", "inf/s", "NaN/s", "20/min", "1e3/s"] {
            assert!(Rate::read(bad).is_err(), "{bad}");
        }
        assert!(WholeRate::read("0.5/s").is_err());
    }
}
