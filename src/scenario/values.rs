//! Raw values: text with a unit, and numbers with limits.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::MAX_TIME;
use super::numbers::BoundedNumber;
use poolproof_cognito::addresses::AddressRange;

/// A value with a text form, such as `8s`.
pub(super) trait TextValue: Sized + fmt::Display {
    /// Name in the schema.
    const NAME: &str;
    /// Description of the accepted text, with an example.
    const EXPECTED: &str;
    /// Regular expression of the accepted text.
    const PATTERN: &str;
    /// Parses the text; the error says what is wrong with it.
    fn parse(text: &str) -> Result<Self, String>;
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: TextValue> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::parse(text).map_err(E::custom)
    }
}

macro_rules! text_values {
    ($($name:ty),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // Not `deserialize_str`, which would accept a number as text.
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
                let expected = <Self as TextValue>::EXPECTED;
                json_schema!({ "type": "string", "pattern": Self::PATTERN, "description": expected })
            }
        }
    )*};
}

text_values!(Time, Rate, LoadRate, WholeRate, Name, Cidr, Multiple);

/// Splits `text` into a number and the unit after it.
fn number_and_unit(text: &str) -> (&str, &str) {
    let unit = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+')).unwrap_or(text.len());
    text.split_at(unit)
}

/// Parses digits with at most one decimal point. `what` and `example` describe the value in the error.
fn decimal(number: &str, whole: &str, what: &str, example: &str) -> Result<f64, String> {
    if number.starts_with('-') {
        return Err(format!("`{whole}` is negative: write {what} such as `{example}`"));
    }
    let digits = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let edges = number.starts_with('.') || number.ends_with('.');
    match number.parse::<f64>() {
        Ok(value) if digits && !edges => Ok(value),
        _ => Err(format!("`{whole}` is not {what} such as `{example}`")),
    }
}

/// A length of time, in whole microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Time(pub(super) Duration);

/// Units of time and their length in microseconds, longest first. A time is written with the first name of
/// its unit.
const UNITS: [(&str, u64); 7] = [
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("min", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1000),
    ("us", 1),
    ("µs", 1),
];

impl TextValue for Time {
    const NAME: &str = "Time";
    const EXPECTED: &str = "a time such as `8s` or `1m30s` (units us, ms, s, m, h)";
    const PATTERN: &str =
        r"^[0-9]+(\.[0-9]+)? ?(us|µs|ms|s|m|min|h)( ?[0-9]+(\.[0-9]+)? ?(us|µs|ms|s|m|min|h))*$";

    fn parse(text: &str) -> Result<Self, String> {
        let mut total_us = 0.0;
        let mut longest_us = u64::MAX;
        let mut rest = text;
        loop {
            let (number, after) = number_and_unit(rest);
            let value = decimal(number, text, "a time", "8s")?;
            let after = after.strip_prefix(' ').unwrap_or(after);
            let (unit, next) =
                after.split_at(after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len()));
            let Some((_, unit_us)) = UNITS.iter().find(|(name, _)| *name == unit) else {
                return Err(format!("`{text}` has no unit of time: add one of us, ms, s, m, h, as in `8s`"));
            };
            if *unit_us >= longest_us {
                return Err(format!("`{text}` is not a time: write longer units first, as in `1m30s`"));
            }
            longest_us = *unit_us;
            total_us += value * *unit_us as f64;
            if total_us > MAX_TIME.as_micros() as f64 {
                return Err(format!("`{text}` is longer than 24 hours"));
            }
            if next.is_empty() {
                return Ok(Self(Duration::from_micros(total_us.round() as u64)));
            }
            rest = next.strip_prefix(' ').unwrap_or(next);
        }
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

/// A rate per second; more than zero.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Rate(pub(super) f64);

impl Rate {
    const MAX: f64 = 1e6;
}

impl TextValue for Rate {
    const NAME: &str = "Rate";
    const EXPECTED: &str = "a rate such as `20/s`";
    const PATTERN: &str = r"^(0*[1-9][0-9]*(\.[0-9]+)?|0+\.0*[1-9][0-9]*)/s$";

    fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = number_and_unit(text);
        let value = decimal(number, text, "a rate", "20/s")?;
        if unit != "/s" {
            Err(format!("`{text}` is not a rate: write a number per second, as in `20/s`"))
        } else if value <= 0.0 {
            Err(format!("`{text}` is zero; a rate must be more than zero"))
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

/// A rate of a stage or a schedule, which can be zero for a while.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct LoadRate(pub(super) f64);

impl TextValue for LoadRate {
    const NAME: &str = "LoadRate";
    const EXPECTED: &str = Rate::EXPECTED;
    const PATTERN: &str = r"^[0-9]+(\.[0-9]+)?/s$";

    fn parse(text: &str) -> Result<Self, String> {
        let zero = text.strip_suffix("/s").and_then(|number| decimal(number, text, "a rate", "20/s").ok());
        if zero == Some(0.0) { Ok(Self(0.0)) } else { Rate::parse(text).map(|Rate(rate)| Self(rate)) }
    }
}

impl fmt::Display for LoadRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Rate(self.0).fmt(f)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct WholeRate(pub(super) u32);

impl TextValue for WholeRate {
    const NAME: &str = "WholeRate";
    const EXPECTED: &str = "a whole rate such as `120/s`";
    const PATTERN: &str = r"^[0-9]*[1-9][0-9]*(\.0+)?/s$";

    fn parse(text: &str) -> Result<Self, String> {
        let Rate(value) = Rate::parse(text)?;
        if value.fract() == 0.0 {
            Ok(Self(value as u32))
        } else {
            Err(format!("`{text}` is not a whole number per second"))
        }
    }
}

impl fmt::Display for WholeRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

/// A share from 0 to 1, written as a percentage. A file can leave `%` out.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Share(pub(super) f64);

impl TextValue for Share {
    const NAME: &str = "Share";
    const EXPECTED: &str = "a share such as `60%` or `60`";
    const PATTERN: &str = r"^0*(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%$";

    fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = number_and_unit(text);
        let value = decimal(number, text, "a share", "60%")?;
        if unit != "%" {
            Err(format!("`{text}` is not a share: write a percentage, as in `60%`"))
        } else if value > 100.0 {
            Err(format!("`{text}` is more than 100%"))
        } else {
            Ok(Self(value / 100.0))
        }
    }
}

impl fmt::Display for Share {
    /// Writes the shortest percentage that parses to this share.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.0 * 100.0;
        let text = (0..17).map(|digits| format!("{percent:.digits$}%"));
        match text.into_iter().find(|text| Self::parse(text).as_ref() == Ok(self)) {
            Some(text) => f.write_str(&text),
            None => write!(f, "{percent}%"),
        }
    }
}

struct ShareVisitor;

impl Visitor<'_> for ShareVisitor {
    type Value = Share;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Share::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Share, E> {
        let without_sign = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let text = if without_sign { format!("{text}%") } else { text.to_owned() };
        Share::parse(&text).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Share, E> {
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Share, E> {
        self.visit_f64(number as f64)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Share, E> {
        // 0.6 is 60 % in some tools and 0.6 % in others.
        if number > 0.0 && number <= 1.0 {
            let (as_share, as_percent) = (Share(number), Share(number / 100.0));
            return Err(E::custom(format_args!(
                "`{number}` is ambiguous: write `{as_share}` or `{as_percent}`"
            )));
        }
        Share::parse(&format!("{number}%")).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShareVisitor)
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Share {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Self::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = json_schema!({ "type": "string", "pattern": r"^0*(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%?$" });
        let number = json_schema!({ "type": "number", "minimum": 0, "maximum": 100 });
        json_schema!({ "description": Self::EXPECTED, "anyOf": [text, number] })
    }
}

/// The name of a scenario or workload, which is also a directory name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Name(pub(super) String);

impl TextValue for Name {
    const NAME: &str = "Name";
    const EXPECTED: &str = "a name of 1 to 64 of a-z, 0-9 and `-`, such as `opt-in-mfa`";
    const PATTERN: &str = "^[a-z0-9][a-z0-9-]{0,63}$";

    fn parse(text: &str) -> Result<Self, String> {
        let letters = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if letters && !text.is_empty() && text.len() <= 64 && !text.starts_with('-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` is not a name: use 1 to 64 of a-z, 0-9 and `-`, not starting with `-`"))
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Multiple(pub(super) f64);

impl Multiple {
    const MAX: f64 = 1000.0;
}

impl TextValue for Multiple {
    const NAME: &str = "Times";
    const EXPECTED: &str = "a multiple such as `5x`, more than `1x`";
    const PATTERN: &str = r"^[0-9]+(\.[0-9]+)?x$";

    fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = number_and_unit(text);
        let value = decimal(number, text, "a multiple", "5x")?;
        if unit != "x" {
            Err(format!("`{text}` is not a multiple: write a number and `x`, as in `5x`"))
        } else if value <= 1.0 || value > Self::MAX {
            Err(format!("`{text}` is out of range: use more than `1x` and at most `{}x`", Self::MAX))
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

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cidr(pub(super) AddressRange);

impl TextValue for Cidr {
    const NAME: &str = "Range";
    const EXPECTED: &str = "a range of addresses such as `192.0.2.0/24` or `2001:db8::/32`";
    const PATTERN: &str = r"^[0-9a-fA-F:.]+/(0|[1-9][0-9]{0,2})$";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|()| match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => format!("`{text}` is a single address: write the range as `{text}/32`"),
            Ok(IpAddr::V6(_)) => format!("`{text}` is a single address: write the range as `{text}/128`"),
            Err(_) => format!("`{text}` is not {}", Self::EXPECTED),
        })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Lets a field of type `$value` use the form of `$name` by `#[serde(with = "…")]`.
macro_rules! field_forms {
    ($($name:ty as $value:ty),*) => {$(
        impl $name {
            pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$value, D::Error> {
                <Self as Deserialize>::deserialize(deserializer).map(|Self(value)| value)
            }

            pub(super) fn serialize<S: Serializer>(value: &$value, serializer: S) -> Result<S::Ok, S::Error> {
                <Self as Serialize>::serialize(&Self(*value), serializer)
            }
        }
    )*};
}

field_forms!(Time as Duration, Multiple as f64, BoundedNumber<5> as f64, BoundedNumber<8> as f64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_round_trip_through_their_text() {
        for (text, us, displayed) in [
            ("340us", 340, "340us"),
            ("5ms", 5000, "5ms"),
            ("8s", 8_000_000, "8s"),
            ("1.5s", 1_500_000, "1500ms"),
            ("1.1s", 1_100_000, "1100ms"),
            ("180s", 180_000_000, "3m"),
            ("24h", 86_400_000_000, "24h"),
            ("0s", 0, "0s"),
            ("1m30s", 90_000_000, "90s"),
            ("1h 5 min 2.5s", 3_902_500_000, "3902500ms"),
            ("300 ms", 300_000, "300ms"),
            ("5 min", 300_000_000, "5m"),
            ("20µs", 20, "20us"),
        ] {
            let time = Time::parse(text).unwrap();
            assert_eq!((time.0.as_micros(), time.to_string().as_str()), (us, displayed));
        }
        for bad in [
            "", "8", "8  s", "-8s", "+8s", ".5s", "5.s", "1.2.3s", "1e3s", "25h", "8sec", "infs", "NaNs",
            "1s30m", "1m2m", "1m-2s", "23h60m1s", "1m30", "1m ", "1m  2s",
        ] {
            assert!(Time::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shares_are_written_as_the_shortest_percentage() {
        for thousandth in 0..=100_000 {
            let text = format!("{}%", f64::from(thousandth) / 1000.0);
            assert_eq!(Share::parse(&text).unwrap().to_string(), text);
        }
        for bad in ["60", "101%", "-1%", "0.6", "%", "6 %"] {
            assert!(Share::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rates_must_be_more_than_zero() {
        assert_eq!(Rate::parse("0.5/s"), Ok(Rate(0.5)));
        for bad in ["20", "0/s", "0.0/s", "-1/s", "1000001/s", "inf/s", "NaN/s", "20/min", "1e3/s"] {
            assert!(Rate::parse(bad).is_err(), "{bad}");
        }
        assert!(WholeRate::parse("0.5/s").is_err() && WholeRate::parse("0/s").is_err());
        assert_eq!(
            (LoadRate::parse("0/s"), LoadRate::parse("0.0/s")),
            (Ok(LoadRate(0.0)), Ok(LoadRate(0.0)))
        );
        for bad in ["0", "-0/s", "0/h", "20", "+0/s", "./s", "1000001/s"] {
            assert!(LoadRate::parse(bad).is_err(), "{bad}");
        }
    }
}
