//! A sparse latency distribution, for many small ones.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Latencies;
use super::latencies::LONGEST_US;
use poolproof_cognito::time::as_us;

/// Below this a bucket is 1 µs wide; above it is 1/256 to 1/128 of the time wide, as in
/// [`Latencies::coarse`].
const EXACT_US: u32 = 256;

/// The counts of [`Latencies::coarse`] without zeros: 8 bytes per used bucket.
///
/// Times of one step within a second are similar: about a hundred buckets, where a histogram has 3,328.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SparseHistogram {
    /// The lower bound of a bucket in µs and its count, in increasing order.
    buckets: Vec<(u32, u32)>,
}

impl SparseHistogram {
    /// Records one time.
    pub fn record(&mut self, time: Duration) {
        self.add(bucket(as_us(time)), 1);
    }

    /// Returns how many were recorded.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// Adds everything in `other`.
    pub fn merge(&mut self, other: &Self) {
        if self.buckets.is_empty() {
            self.buckets.clone_from(&other.buckets);
            return;
        }
        other.buckets.iter().for_each(|(bucket, count)| self.add(*bucket, *count));
    }

    /// Returns the same as a histogram.
    pub fn latencies(&self) -> Latencies {
        let mut latencies = Latencies::coarse();
        for (us, count) in &self.buckets {
            latencies.record_many(Duration::from_micros((*us).into()), (*count).into());
        }
        latencies
    }

    /// Returns the bytes of its buckets; the capacity may be twice that.
    pub(super) fn heap_bytes(&self) -> usize {
        self.buckets.len() * size_of::<(u32, u32)>()
    }

    fn add(&mut self, bucket: u32, more: u32) {
        match self.buckets.binary_search_by_key(&bucket, |(us, _)| *us) {
            Ok(at) => self.buckets[at].1 = self.buckets[at].1.saturating_add(more),
            Err(at) => self.buckets.insert(at, (bucket, more)),
        }
    }
}

/// Returns the lower bound of a time's bucket: its upper eight bits.
fn bucket(us: u64) -> u32 {
    let us = u32::try_from(us.min(LONGEST_US)).unwrap_or(u32::MAX);
    let spare = (u32::BITS - us.leading_zeros()).saturating_sub(EXACT_US.trailing_zeros());
    us >> spare << spare
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolproof_cognito::seed::Seed;
    use rand::RngExt as _;

    fn both(times: &[u64]) -> (SparseHistogram, Latencies) {
        let (mut counts, mut latencies) = (SparseHistogram::default(), Latencies::coarse());
        for us in times {
            counts.record(Duration::from_micros(*us));
            latencies.record(Duration::from_micros(*us));
        }
        (counts, latencies)
    }

    #[test]
    fn the_sparse_histogram_equals_the_dense_one() {
        let mut random = Seed::new(1).rng("counts", 0);
        let mut times: Vec<u64> =
            (0..20_000).map(|_| 10_f64.powf(random.random_range(0.0..9.9)) as u64).collect();
        times.extend([0, 1, 127, 128, 255, 256, 257, 511, 512, 4_000_000_000, u64::MAX]);
        let (counts, latencies) = both(&times);
        assert_eq!(counts.count(), times.len() as u64);
        assert!(counts.latencies().histogram() == latencies.histogram());
    }

    #[test]
    fn merged_parts_equal_the_whole() {
        let times: Vec<u64> = (0..3000).map(|n| n * n % 70_001).collect();
        let (whole, _) = both(&times);
        let (mut one, _) = both(&times[..1100]);
        one.merge(&both(&times[1100..]).0);
        assert_eq!(one, whole);
        let mut none = SparseHistogram::default();
        none.merge(&whole);
        assert_eq!(none, whole);
    }

    #[test]
    fn similar_values_share_buckets() {
        let times: Vec<u64> = (0..100_000).map(|n| 4000 + n % 2000).collect();
        assert!(both(&times).0.buckets.len() < 130);
    }
}
