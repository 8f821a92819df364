//! The claim's `TIMESTAMP`, which Cognito parses leniently and signs in one canonical form.

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// The time of a claim, and the canonical text that the signature covers.
///
/// AWS parses `EEE MMM d HH:mm:ss z yyyy` leniently: names in any case, a day of one or two digits. It
/// computes the signature over the canonical form, so `Jun 02` parses and then the proof fails. See
/// docs/semantics.md, section "SRP".
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimTimestamp {
    unix_seconds: u64,
    canonical: String,
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl ClaimTimestamp {
    /// Formats seconds since 1970 in UTC as clients do: `Tue Jun 2 09:05:03 UTC 2026`.
    ///
    /// A time after the year 9999 is formatted as the last time that has a text.
    pub fn format(unix_seconds: u64) -> String {
        let time = i64::try_from(unix_seconds).ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
        let civil = Offset::UTC.to_datetime(time.unwrap_or(jiff::Timestamp::MAX));
        civil.strftime("%a %b %-d %H:%M:%S UTC %Y").to_string()
    }

    /// Parses a client's text: names in any case, a day of one or two digits, any weekday, `UTC` or `GMT` in
    /// capitals.
    ///
    /// Returns `None` for other zones and languages, years without four digits or before 1970, invalid days
    /// of a month, and second 60.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let [weekday, month, day, time, zone, year] =
            std::array::from_fn(|_| words.next().unwrap_or_default());
        if words.next().is_some() || position(&DAYS, weekday).is_none() || !matches!(zone, "UTC" | "GMT") {
            return None;
        }
        let month = i8::try_from(position(&MONTHS, month)? + 1).ok()?;
        let (year, day) = (number(year, 4..=4)?, i8::try_from(number(day, 1..=2)?).ok()?);
        let mut time = time.split(':');
        let [hour, minute, second] = std::array::from_fn(|_| {
            time.next().and_then(|part| number(part, 2..=2)).and_then(|number| i8::try_from(number).ok())
        });
        if time.next().is_some() {
            return None;
        }
        let civil = DateTime::new(year, month, day, hour?, minute?, second?, 0).ok()?;
        let unix_seconds = u64::try_from(Offset::UTC.to_timestamp(civil).ok()?.as_second()).ok()?;
        Some(Self { unix_seconds, canonical: Self::format(unix_seconds) })
    }

    /// Returns the text that the signature covers, in place of the client's own text.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Returns seconds since 1970.
    pub const fn unix_seconds(&self) -> u64 {
        self.unix_seconds
    }
}

/// Returns the index of `name` in `names`, in any case.
fn position(names: &[&str], name: &str) -> Option<usize> {
    names.iter().position(|candidate| candidate.eq_ignore_ascii_case(name))
}

/// Parses ASCII digits whose count is within `lengths`.
fn number(digits: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<i16> {
    let plain = lengths.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "Tue Jun 2 09:05:03 UTC 2026";

    #[test]
    fn times_are_formatted_as_clients_format_them() {
        assert_eq!(ClaimTimestamp::format(1_780_391_103), PLAIN);
        for (text, expected) in [
            (1_767_225_600, "Thu Jan 1 00:00:00 UTC 2026"),
            (0, "Thu Jan 1 00:00:00 UTC 1970"),
            (u64::MAX, "Thu Dec 30 22:00:00 UTC 9999"),
        ] {
            assert_eq!(ClaimTimestamp::format(text), expected);
        }
    }

    #[test]
    fn accepted_texts_have_a_canonical_form() {
        // Texts that AWS accepts, with the text that its signature covers.
        for (text, canonical) in [
            (PLAIN, PLAIN),
            ("Tue Jun 02 09:05:03 UTC 2026", PLAIN),
            ("Sat Sep 05 00:00:00 UTC 2026", "Sat Sep 5 00:00:00 UTC 2026"),
            ("Mon Jun 2 09:05:03 UTC 2026", PLAIN),
            ("tue jun 2 09:05:03 UTC 2026", PLAIN),
            ("TUE JUN 2 09:05:03 UTC 2026", PLAIN),
            ("Tue Jun 2 09:05:03 GMT 2026", PLAIN),
            ("Tue Feb 29 23:59:59 UTC 2028", "Tue Feb 29 23:59:59 UTC 2028"),
            ("Wed Dec 31 00:00:00 UTC 2036", "Wed Dec 31 00:00:00 UTC 2036"),
            ("Thu Jun 2 09:05:03 UTC 2016", "Thu Jun 2 09:05:03 UTC 2016"),
        ] {
            let parsed = ClaimTimestamp::parse(text).unwrap_or_else(|| panic!("{text} is rejected"));
            assert_eq!(parsed.canonical(), canonical, "{text}");
            assert_eq!(ClaimTimestamp::format(parsed.unix_seconds()), canonical, "{text}");
        }
    }

    #[test]
    fn other_texts_are_rejected() {
        for text in [
            "",
            " ",
            "Tue Jun 2 09:05:03 CEST 2026",
            "Tue Jun 2 09:05:03 utc 2026",
            "Tue Jun 2 09:05:03 Z 2026",
            "Tue Jun 2 09:05:03 +0000 2026",
            "Di Jun 2 09:05:03 UTC 2026",
            "mar. juin 2 09:05:03 UTC 2026",
            "Tuesday Jun 2 09:05:03 UTC 2026",
            "Tue June 2 09:05:03 UTC 2026",
            "Tue Jun 2 09:05:03 UTC 26",
            "Tue Jun 2 09:05:03 UTC 02026",
            "Tue Jun 2 09:05:03 UTC 1969",
            "Mon Feb 30 09:05:03 UTC 2026",
            "Sun Feb 29 09:05:03 UTC 2026",
            "Tue Jun 0 09:05:03 UTC 2026",
            "Tue Jun 002 09:05:03 UTC 2026",
            "Tue Jun +2 09:05:03 UTC 2026",
            "Tue Jun 2 23:59:60 UTC 2026",
            "Tue Jun 2 24:00:00 UTC 2026",
            "Tue Jun 2 09:60:03 UTC 2026",
            "Tue Jun 2 9:05:03 UTC 2026",
            "Tue Jun 2 09:05 UTC 2026",
            "Tue Jun 2 09:05:03:00 UTC 2026",
            "Tue Jun 2 09:05:03.5 UTC 2026",
            "Tue Jun  2 09:05:03 UTC 2026",
            " Tue Jun 2 09:05:03 UTC 2026",
            "Tue Jun 2 09:05:03 UTC 2026 ",
            "Tue Jun 2 09:05:03 UTC",
            "Tue Jun \u{662} 09:05:03 UTC 2026",
            "2026-06-02T09:05:03Z",
        ] {
            assert_eq!(ClaimTimestamp::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_day_round_trips() {
        for day in 0..40_000 {
            let time = day * 86_400 + day % 86_400;
            let text = ClaimTimestamp::format(time);
            let parsed = ClaimTimestamp::parse(&text).unwrap_or_else(|| panic!("{text} is rejected"));
            assert_eq!((parsed.unix_seconds(), parsed.canonical()), (time, text.as_str()));
        }
    }
}
