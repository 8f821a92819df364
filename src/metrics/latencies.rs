//! A latency distribution of constant size.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize, Serializer};

use poolproof_cognito::time::as_us;

/// The longest distinguished time in µs: one hour. Longer times count as an hour.
pub(super) const LONGEST_US: u64 = 3_600_000_000;

/// Times from 1 µs to 1 h in an HDR histogram, and the exact shortest and longest one. A longer time counts
/// as an hour.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(try_from = "StoredLatencies")]
pub struct Latencies {
    histogram: Histogram<u64>,
    /// The shortest and the longest time in µs. Without times, the shortest is the greater one.
    extremes: (u64, u64),
}

/// The extremes of no times.
const NONE: (u64, u64) = (u64::MAX, 0);

/// The stored form: without empty buckets.
#[derive(Serialize, Deserialize)]
struct StoredLatencies {
    /// Significant figures: 2 or 3.
    figures: u8,
    /// The shortest and the longest time in µs.
    extremes: Option<(u64, u64)>,
    /// A time of each used bucket in µs, and its count.
    buckets: Vec<(u64, u64)>,
}

impl Serialize for Latencies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let buckets = self.histogram.iter_recorded();
        let stored = StoredLatencies {
            figures: self.histogram.sigfig(),
            extremes: (self.count() > 0).then_some(self.extremes),
            buckets: buckets.map(|one| (one.value_iterated_to(), one.count_at_value())).collect(),
        };
        stored.serialize(serializer)
    }
}

impl TryFrom<StoredLatencies> for Latencies {
    type Error = &'static str;

    fn try_from(stored: StoredLatencies) -> Result<Self, Self::Error> {
        if !matches!(stored.figures, 2 | 3) {
            return Err("a histogram has 2 or 3 significant figures");
        }
        let mut latencies = Self::with_figures(stored.figures);
        for (us, count) in stored.buckets {
            latencies.record_us(us, count);
        }
        let (shortest, longest) = stored.extremes.unwrap_or(NONE);
        if stored.extremes.is_some() != (latencies.count() > 0)
            || stored.extremes.is_some_and(|_| shortest > longest)
        {
            return Err("the shortest and the longest time of a histogram do not fit its counts");
        }
        latencies.set_extremes(stored.extremes);
        Ok(latencies)
    }
}

impl Latencies {
    /// An empty histogram with quantiles within 0.1 % (three significant figures, 184 KiB).
    pub fn fine() -> Self {
        Self::with_figures(3)
    }

    /// An empty histogram with quantiles within 1 % (two significant figures, 26 KiB).
    pub fn coarse() -> Self {
        Self::with_figures(2)
    }

    fn with_figures(figures: u8) -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, figures);
        let histogram = histogram.expect("both callers pass valid bounds and figures");
        Self { histogram, extremes: NONE }
    }

    /// Records one time.
    pub fn record(&mut self, time: Duration) {
        self.record_many(time, 1);
    }

    /// Records a time `times` times.
    pub fn record_many(&mut self, time: Duration, times: u64) {
        self.record_us(as_us(time), times);
    }

    /// Returns the histogram, for exports.
    pub const fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }

    /// Returns whether it has the precision of [`Self::fine`].
    pub(super) fn is_fine(&self) -> bool {
        self.histogram.sigfig() == 3
    }

    /// Returns how many times were recorded.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// Returns the time in µs that the share `quantile` (0 to 1) does not exceed.
    ///
    /// `None` if there are too few: above the 90th percentile at least one must lie beyond the quantile. So
    /// p99 needs 100 and p99.9 needs 1000. Quantile 1, the maximum, needs one and is exact, like quantile 0.
    pub fn quantile_us(&self, quantile: f64) -> Option<u64> {
        let beyond = (1.0 - quantile) * self.count() as f64;
        // The tolerance is for binary fractions: 0.999 of 1000 leaves one, not 0.999….
        let supported = quantile <= 0.9 || quantile >= 1.0 || beyond > 1.0 - 1e-6;
        let (shortest, longest) = self.extremes;
        (self.count() > 0 && supported).then(|| match quantile {
            ..=0.0 => shortest,
            1.0.. => longest,
            // A bucket of the histogram can reach beyond its longest time.
            _ => self.histogram.value_at_quantile(quantile).clamp(shortest, longest),
        })
    }

    /// Returns the maximum in µs, if there is any.
    pub fn max_us(&self) -> Option<u64> {
        self.quantile_us(1.0)
    }

    /// Returns the mean in µs, if there is any.
    pub fn mean_us(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.histogram.mean())
    }

    /// Returns the shortest time in µs in the same bucket as `us`.
    pub(super) fn lowest_equivalent_us(&self, us: u64) -> u64 {
        self.histogram.lowest_equivalent(us.min(LONGEST_US))
    }

    /// Records a time in µs, `times` times.
    pub(super) fn record_us(&mut self, us: u64, times: u64) {
        let us = us.min(LONGEST_US);
        self.histogram.saturating_record_n(us, times);
        if times > 0 {
            self.extremes = (self.extremes.0.min(us), self.extremes.1.max(us));
        }
    }

    /// Removes everything in `other`, which was recorded before. Set the extremes afterwards.
    pub(super) fn subtract(&mut self, other: &Self) {
        let removed = self.histogram.subtract(&other.histogram);
        removed.expect("it was recorded before, and both have the same bounds");
    }

    /// Sets the shortest and the longest time in µs, for callers that record rounded times or remove some.
    pub(super) fn set_extremes(&mut self, extremes: Option<(u64, u64)>) {
        self.extremes = extremes.unwrap_or(NONE);
    }

    /// Removes everything.
    pub(super) fn clear(&mut self) {
        self.histogram.reset();
        self.extremes = NONE;
    }

    /// Returns the bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.histogram.distinct_values() * size_of::<u64>()
    }

    /// Returns the distribution: the lower bound of a bucket in µs, five per decade, and its count. Empty
    /// buckets are omitted.
    pub fn spread(&self) -> BTreeMap<u64, u64> {
        let mut spread = BTreeMap::new();
        for step in self.histogram.iter_recorded() {
            let fifth = (step.value_iterated_to().max(1) as f64).log10() * 5.0;
            // A value on a boundary belongs to the bucket above it, whatever the logarithm's rounding.
            let lower = 10_f64.powf((fifth + 1e-9).floor() / 5.0).round() as u64;
            *spread.entry(lower).or_default() += step.count_at_value();
        }
        spread
    }

    /// Adds everything in `other`. Both must have the same precision.
    pub fn merge(&mut self, other: &Self) {
        self.histogram.add(&other.histogram).expect("both have the same bounds");
        let (shortest, longest) = other.extremes;
        self.extremes = (self.extremes.0.min(shortest), self.extremes.1.max(longest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolproof_cognito::seed::Seed;
    use rand::RngExt as _;

    #[test]
    fn quantiles_are_within_a_thousandth_of_exact() {
        let mut random = Seed::new(1).rng("latencies", 0);
        // Eight orders of magnitude, evenly distributed.
        let mut exact: Vec<u64> =
            (0..50_000).map(|_| 10_f64.powf(random.random_range(0.0..8.5)) as u64).collect();
        let mut latencies = Latencies::fine();
        exact.iter().for_each(|us| latencies.record(Duration::from_micros(*us)));
        exact.sort_unstable();
        for quantile in [0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0] {
            let rank = (quantile * exact.len() as f64).ceil() as usize - 1;
            let (is, should) = (latencies.quantile_us(quantile).unwrap() as f64, exact[rank] as f64);
            assert!((is - should).abs() <= should * 0.001, "{quantile}: {is} instead of {should}");
        }
    }

    #[test]
    fn shortest_and_longest_time_are_exact() {
        // Public report: 4,690 µs, the only time, was shown and compared as 4,691 µs.
        for mut latencies in [Latencies::fine(), Latencies::coarse()] {
            latencies.record(Duration::from_micros(4690));
            assert_eq!([0.0, 0.5, 1.0].map(|quantile| latencies.quantile_us(quantile)), [Some(4690); 3]);
            let mut merged = Latencies::fine();
            merged.record(Duration::from_micros(1_234_567));
            if latencies.histogram().sigfig() == 3 {
                merged.merge(&latencies);
                assert_eq!((merged.quantile_us(0.0), merged.max_us()), (Some(4690), Some(1_234_567)));
            }
        }
    }

    #[test]
    fn a_quantile_needs_enough_samples() {
        for (quantile, needed) in [(0.5, 1), (0.9, 1), (0.99, 100), (0.999, 1000), (0.9999, 10_000), (1.0, 1)]
        {
            let mut latencies = Latencies::fine();
            for count in 1..=needed {
                assert_eq!(latencies.quantile_us(quantile), None, "{quantile} of {}", count - 1);
                latencies.record(Duration::from_micros(count));
            }
            assert!(latencies.quantile_us(quantile).is_some(), "{quantile} of {needed}");
        }
    }

    #[test]
    fn no_time_is_too_short_or_too_long() {
        let mut latencies = Latencies::fine();
        for time in [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(7200), Duration::MAX] {
            latencies.record(time);
        }
        assert_eq!(latencies.count(), 4);
        assert_eq!((latencies.quantile_us(0.0), latencies.max_us()), (Some(0), Some(LONGEST_US)));
    }
}
