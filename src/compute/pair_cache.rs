//! Pairs of an exponent and its power of g that idle workers prepare.

use poolproof_srp::{PairShape, PreparedPair};

/// Maximum number of pairs of one shape, enough for a burst of sign-ins before a worker is idle again.
const MAX_PAIRS: usize = 64;
/// Maximum number of shapes. A run has one for each side.
const MAX_SHAPES: usize = 4;

/// The prepared pairs of the first few shapes that jobs need.
#[derive(Debug, Default)]
pub(super) struct PairCache {
    buckets: Vec<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    shape: PairShape,
    ready: Vec<PreparedPair>,
    /// Pairs that workers are preparing.
    pending: usize,
}

impl PairCache {
    /// Removes a pair of this shape. An unknown shape is added, so that workers prepare pairs for it.
    pub(super) fn take(&mut self, shape: PairShape) -> Option<PreparedPair> {
        if let Some(bucket) = self.bucket(shape) {
            return bucket.ready.pop();
        }
        if self.buckets.len() < MAX_SHAPES {
            self.buckets.push(Bucket { shape, ready: Vec::new(), pending: 0 });
        }
        None
    }

    /// Returns the shape with the fewest pairs, if there is room for `pairs` more. The caller must insert
    /// them.
    pub(super) fn reserve(&mut self, pairs: usize) -> Option<PairShape> {
        let count = |bucket: &Bucket| bucket.ready.len() + bucket.pending;
        let emptiest = self.buckets.iter_mut().min_by_key(|bucket| count(bucket))?;
        (count(emptiest) + pairs <= MAX_PAIRS).then(|| {
            emptiest.pending += pairs;
            emptiest.shape
        })
    }

    /// Inserts reserved pairs.
    pub(super) fn insert(&mut self, shape: PairShape, pairs: Vec<PreparedPair>) {
        if let Some(bucket) = self.bucket(shape) {
            bucket.pending = bucket.pending.saturating_sub(pairs.len());
            bucket.ready.extend(pairs);
        }
    }

    fn bucket(&mut self, shape: PairShape) -> Option<&mut Bucket> {
        self.buckets.iter_mut().find(|bucket| bucket.shape == shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolproof_cognito::seed::{Rng, Seed};
    use poolproof_srp::{Ephemeral, Group, Job, JobResult};

    fn job(bits: u32, rng: &mut Rng) -> Job {
        Job::ClientPublic { group: Group::toy(), a: Ephemeral::draw(bits, rng) }
    }

    fn shape(bits: u32, rng: &mut Rng) -> PairShape {
        PairShape::of(&job(bits, rng)).expect("the job computes A")
    }

    #[test]
    fn the_cache_fills_with_requested_shapes_up_to_its_limit() {
        let rng = &mut Seed::new(1).rng("pair cache", 0);
        let mut pair_cache = PairCache::default();
        assert_eq!(pair_cache.reserve(4), None, "no shape is known");
        let (short, long) = (shape(100, rng), shape(200, rng));
        assert!(pair_cache.take(short).is_none() && pair_cache.take(long).is_none());
        let mut made = 0;
        while let Some(shape) = pair_cache.reserve(4) {
            pair_cache.insert(shape, PreparedPair::generate(shape, 4, rng));
            made += 4;
        }
        assert_eq!(made, 2 * MAX_PAIRS);
        assert!(pair_cache.take(short).is_some());
        assert_eq!(pair_cache.reserve(4), None, "no room for four");
        assert_eq!(pair_cache.reserve(1), Some(short));
        assert_eq!(pair_cache.reserve(1), None, "the reserved pair takes the last place");
    }

    #[test]
    fn shapes_beyond_the_limit_are_not_stored() {
        let rng = &mut Seed::new(1).rng("pair cache", 1);
        let mut pair_cache = PairCache::default();
        for bits in 1..=10 {
            assert!(pair_cache.take(shape(bits, rng)).is_none());
        }
        let mut made = 0;
        while pair_cache.reserve(MAX_PAIRS).is_some() {
            made += 1;
        }
        assert_eq!(made, MAX_SHAPES);
    }

    #[test]
    fn each_pair_is_taken_once() {
        let rng = &mut Seed::new(1).rng("pair cache", 2);
        let mut pair_cache = PairCache::default();
        let shape = shape(256, rng);
        assert!(pair_cache.take(shape).is_none());
        while let Some(shape) = pair_cache.reserve(4) {
            pair_cache.insert(shape, PreparedPair::generate(shape, 4, rng));
        }
        let mut seen = Vec::new();
        while let Some(pair) = pair_cache.take(shape) {
            let JobResult::PublicA { a, .. } = pair.complete(job(256, rng)) else { panic!("no A") };
            assert!(!seen.contains(&a));
            seen.push(a);
        }
        assert_eq!(seen.len(), MAX_PAIRS);
    }
}
