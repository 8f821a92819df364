//! Formats numbers for pages and terminals.

use serde::{Deserialize, Serialize};

pub(crate) use crate::text::group_digits as count;

/// The unit of a threshold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Microseconds.
    Us,
    /// A share from 0 to 1.
    Share,
    /// Events per second.
    PerS,
    /// A count.
    Count,
}

/// The placeholder for an unknown value.
pub(crate) const UNKNOWN: &str = "–";

/// Formats a time with about three significant figures: `340 µs`, `12.3 ms`, `4.56 s`, `2 min 5 s`,
/// `3 h 7 min`.
pub(crate) fn time(us: u64) -> String {
    let seconds = us / 1_000_000;
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..999_500 => three_digits(us as f64 / 1e3, "ms"),
        999_500..59_950_000 => three_digits(us as f64 / 1e6, "s"),
        59_950_000..3_600_000_000 => {
            let seconds = us.div_ceil(1_000_000).min(3599);
            pair(seconds / 60, "min", seconds % 60, "s")
        }
        _ => pair(seconds / 3600, "h", seconds % 3600 / 60, "min"),
    }
}

/// A time that may be unknown.
pub(super) fn time_or_unknown(us: Option<u64>) -> String {
    us.map_or_else(|| UNKNOWN.to_owned(), time)
}

/// Formats a moment or an axis label without trailing zeros: `2 ms`, `2.5 s`, `1 h 16 s`.
pub(crate) fn tick(us: u64) -> String {
    let seconds = us / 1_000_000;
    match us {
        0 => "0".to_owned(),
        1..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", us as f64 / 1e3),
        1_000_000..60_000_000 => format!("{} s", us as f64 / 1e6),
        _ => [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")]
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, unit)| format!("{number} {unit}"))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// `123/s`, `1.23/s`, or the placeholder for unknown.
pub(super) fn rate(per_s: Option<f64>) -> String {
    per_s.map_or_else(|| UNKNOWN.to_owned(), |rate| format!("{}/s", number(rate)))
}

/// `12.3 %` of `whole`, or the placeholder for unknown if `whole` is zero.
pub(super) fn share(part: u64, whole: u64) -> String {
    match whole {
        0 => UNKNOWN.to_owned(),
        _ => percent(part as f64 / whole as f64),
    }
}

/// Formats a threshold's number with its unit.
pub(crate) fn measured(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Us => time(value.round().max(0.0) as u64),
        Unit::Share => percent(value),
        Unit::PerS => rate(Some(value)),
        Unit::Count => number(value),
    }
}

/// Formats all integer digits, and decimals up to three significant figures.
pub(crate) fn number(value: f64) -> String {
    let magnitude = value.abs();
    let text = if magnitude >= 99.95 {
        return format!("{}{}", if value < 0.0 { "-" } else { "" }, count(magnitude.round() as u64));
    } else if magnitude >= 9.995 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let text = number(percent);
    // A small nonzero share must not look like zero.
    if text == "0" && percent > 0.0 { "< 0.01 %".to_owned() } else { format!("{text} %") }
}

/// Formats a number with all its decimals: `1,023`, `102.4`, `0.1667`. It is not negative.
pub(crate) fn exact_number(value: f64) -> String {
    let text = value.to_string();
    let (whole, rest) = text.find('.').map_or((text.as_str(), ""), |at| text.split_at(at));
    whole.parse().map_or_else(|_| text.clone(), |whole| format!("{}{rest}", count(whole)))
}

fn three_digits(value: f64, unit: &str) -> String {
    if value < 9.995 {
        format!("{value:.2} {unit}")
    } else if value < 99.95 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

fn pair(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    match small {
        0 => format!("{large} {large_unit}"),
        _ => format!("{large} {large_unit} {small} {small_unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_figures_and_the_unit_that_fits() {
        let cases = [
            (0, "0 µs"),
            (340, "340 µs"),
            (999, "999 µs"),
            (1000, "1.00 ms"),
            (12_345, "12.3 ms"),
            (99_960, "100 ms"),
            (999_499, "999 ms"),
            (999_500, "1.00 s"),
            (4_560_000, "4.56 s"),
            (59_949_999, "59.9 s"),
            (59_950_000, "1 min"),
            (125_000_000, "2 min 5 s"),
            (3_599_999_999, "59 min 59 s"),
            (3_600_000_000, "1 h"),
            (11_220_000_000, "3 h 7 min"),
        ];
        for (us, text) in cases {
            assert_eq!(time(us), text, "{us} µs");
        }
    }

    #[test]
    fn moments_are_rounded_to_the_second() {
        let cases = [
            (0, "0"),
            (2_500_000, "2.5 s"),
            (60_000_000, "1 min"),
            (90_000_000, "1 min 30 s"),
            (3_600_000_000, "1 h"),
            (3_616_000_000, "1 h 16 s"),
            (90_061_999_999, "25 h 1 min 1 s"),
        ];
        for (us, text) in cases {
            assert_eq!(tick(us), text, "{us} µs");
        }
    }

    #[test]
    fn small_shares_are_not_shown_as_zero() {
        assert_eq!(share(0, 10), "0 %");
        assert_eq!(share(1, 1_000_000), "< 0.01 %");
        assert_eq!(share(1, 3), "33.3 %");
        assert_eq!(share(10, 10), "100 %");
        assert_eq!(share(0, 0), UNKNOWN);
    }

    #[test]
    fn numbers_have_significant_digits() {
        assert_eq!(number(0.0), "0");
        assert_eq!(number(20.0), "20");
        assert_eq!(number(19.987), "20");
        assert_eq!(number(1.5), "1.5");
        assert_eq!(number(123.4), "123");
        assert_eq!(rate(None), UNKNOWN);
        let cases = [(0.1667, "0.1667"), (102.4, "102.4"), (1023.0, "1,023"), (1234.5, "1,234.5")];
        for (value, text) in cases {
            assert_eq!(exact_number(value), text);
        }
    }
}
