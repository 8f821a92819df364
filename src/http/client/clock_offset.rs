//! How far the endpoint's clock is from this machine's, as far as its answers show.

use std::cell::Cell;
use std::time::{Duration, UNIX_EPOCH};

use hyper::http::HeaderMap;
use hyper::http::header::DATE;

use poolproof_cognito::time::{Timestamp, as_us};

/// The precision of a `Date` header.
const DATE_US: i64 = 1_000_000;

/// Bounds of the endpoint's time minus this machine's, in µs. Every answer can narrow them.
#[derive(Debug, Default)]
pub(super) struct ClockOffset(Cell<Option<(i64, i64)>>);

impl ClockOffset {
    /// Considers the `Date` header of an answer to a request that was sent at `sent` and answered at
    /// `received`.
    pub(super) fn record(&self, headers: &HeaderMap, sent: Timestamp, received: Timestamp) {
        let date = headers.get(DATE).and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok());
        let Some(date) = date.and_then(|date| date.duration_since(UNIX_EPOCH).ok()) else { return };
        let us = |since: Duration| i64::try_from(as_us(since)).unwrap_or(i64::MAX);
        let (date, sent, received) =
            (us(date), us(sent.since(Timestamp::default())), us(received.since(Timestamp::default())));
        let (least, most) =
            (date.saturating_sub(received), (date.saturating_add(DATE_US)).saturating_sub(sent));
        self.0.set(Some(match self.0.get() {
            Some((old_least, old_most)) => (least.max(old_least), most.min(old_most)),
            None => (least, most),
        }));
    }

    /// Returns the smallest difference that the answers allow, in µs: positive if the endpoint's clock is
    /// ahead. `None` if no answer had a date.
    pub(super) fn least_us(&self) -> Option<i64> {
        let (least, most) = self.0.get()?;
        Some(if least > 0 { least } else { most.min(0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_796_126_400_000_000;

    fn offset(answers: &[(&str, u64, u64)]) -> Option<i64> {
        let offset = ClockOffset::default();
        for (date, sent, received) in answers {
            let headers = HeaderMap::from_iter([(DATE, date.parse().unwrap())]);
            offset.record(&headers, Timestamp::from_us(NOON + sent), Timestamp::from_us(NOON + received));
        }
        offset.least_us()
    }

    #[test]
    fn answers_bound_the_difference() {
        const DATE: &str = "Tue, 01 Dec 2026 12:00:00 GMT";
        assert_eq!(offset(&[]), None);
        assert_eq!(offset(&[("yesterday", 0, 0)]), None);
        assert_eq!(offset(&[(DATE, 100_000, 200_000)]), Some(0), "within a second");
        // Sent 3.1 s after the date: this clock is at least 2.1 s ahead.
        assert_eq!(offset(&[(DATE, 3_100_000, 3_200_000)]), Some(-2_100_000));
        // Two answers around a full second of the endpoint narrow the difference to 0.1 s.
        let two = [
            ("Tue, 01 Dec 2026 12:00:09 GMT", 4_900_000, 4_950_000),
            ("Tue, 01 Dec 2026 12:00:10 GMT", 4_960_000, 5_000_000),
        ];
        assert_eq!(offset(&two), Some(5_000_000));
    }
}
