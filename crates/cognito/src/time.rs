//! Timestamps and durations in whole microseconds.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The start of virtual time in every run: 2026-01-01T00:00:00Z.
    pub const VIRTUAL_START: Self = Self(1_767_225_600_000_000);

    /// Creates the timestamp `us` microseconds after 1970-01-01T00:00:00Z.
    pub const fn from_us(us: u64) -> Self {
        Self(us)
    }

    /// Returns the microseconds since 1970-01-01T00:00:00Z.
    pub const fn as_us(self) -> u64 {
        self.0
    }

    /// Returns the whole seconds since 1970-01-01T00:00:00Z.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Returns the timestamp as a `SystemTime`.
    pub fn as_system_time(self) -> std::time::SystemTime {
        std::time::SystemTime::UNIX_EPOCH + Duration::from_micros(self.0)
    }

    /// Returns the time since `earlier`, or zero if `earlier` is later, because clocks can step back.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Returns this timestamp plus `time`, saturating at the maximum.
    #[must_use]
    pub fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(as_us(time)))
    }

    /// Returns this timestamp minus `time`, saturating at 1970.
    #[must_use]
    pub fn minus(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(as_us(time)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match i64::try_from(self.0).map(jiff::Timestamp::from_microsecond) {
            Ok(Ok(moment)) => write!(f, "{}", moment.strftime("%Y-%m-%dT%H:%M:%SZ")),
            _ => write!(f, "{} µs after 1970", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = ();

    /// Parses a time with a date and an offset (RFC 3339), from 1970 on.
    fn from_str(text: &str) -> Result<Self, ()> {
        let moment: jiff::Timestamp = text.parse().map_err(drop)?;
        u64::try_from(moment.as_microsecond()).map(Self).map_err(drop)
    }
}

/// The API's form of a [`Timestamp`]: seconds since 1970 with milliseconds as fraction.
pub(crate) mod seconds {
    use super::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(clippy::cast_precision_loss, reason = "53 bits hold milliseconds until the year 287,000")]
        let seconds = (moment.as_us() / 1000) as f64 / 1000.0;
        serializer.serialize_f64(seconds)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let ms = (seconds * 1000.0).round() as u64;
        Ok(Timestamp::from_us(ms.saturating_mul(1000)))
    }
}

/// Returns a duration in whole microseconds, saturating at `u64::MAX`.
pub fn as_us(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backward_clock_step_gives_no_negative_time() {
        let (early, late) = (Timestamp::from_us(5), Timestamp::from_us(9));
        assert_eq!(late.since(early), Duration::from_micros(4));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(early.minus(Duration::from_secs(1)), Timestamp::from_us(0));
    }

    #[test]
    fn times_with_an_offset_are_parsed() {
        let noon = Timestamp::from_us(1_767_225_600_000_000 + 12 * 3_600_000_000);
        assert_eq!(["2026-01-01T12:00:00Z", "2026-01-01T13:00:00+01:00"].map(str::parse), [Ok(noon); 2]);
        for text in ["", "12:00", "2026-01-01", "2026-01-01T12:00:00", "1969-12-31T00:00:00Z", "now"] {
            assert_eq!(text.parse::<Timestamp>(), Err(()), "{text}");
        }
    }

    #[test]
    fn timestamps_are_printed_in_utc() {
        assert_eq!(Timestamp::VIRTUAL_START.to_string(), "2026-01-01T00:00:00Z");
    }
}
