//! Pairs of an exponent and its power of g that workers make while they have nothing else to do. Never more than a few dozen of
//! each shape, and of the first few shapes only that anybody asks for.

use poolproof_srp::{PairShape, PreparedPair};

/// Pairs of one shape, at most: what a burst of sign-ins takes before anybody is idle again.
const MAX_PAIRS: usize = 64;
/// Shapes, at most. A run has one a side.
const MAX_SHAPES: usize = 4;

/// What is ready.
#[derive(Debug, Default)]
pub(super) struct PairCache {
    buckets: Vec<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    shape: PairShape,
    ready: Vec<PreparedPair>,
    /// Pairs that somebody is making.
    pending: usize,
}

impl PairCache {
    /// A pair that nobody else gets. Who asks for a shape makes it known.
    pub(super) fn take(&mut self, shape: PairShape) -> Option<PreparedPair> {
        match self.bucket(shape) {
            Some(bucket) => bucket.ready.pop(),
            None => {
                if self.buckets.len() < MAX_SHAPES {
                    self.buckets.push(Bucket { shape, ready: Vec::new(), pending: 0 });
                }
                None
            }
        }
    }

    /// The shape that lacks most, if there is room for so many more; whoever is told makes and brings them.
    pub(super) fn reserve(&mut self, pairs: usize) -> Option<PairShape> {
        let emptiest = self.buckets.iter_mut().min_by_key(|bucket| bucket.ready.len() + bucket.pending)?;
        let fits = emptiest.ready.len() + emptiest.pending + pairs <= MAX_PAIRS;
        fits.then(|| {
            emptiest.pending += pairs;
            emptiest.shape
        })
    }

    /// Takes what was ordered.
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
        PairShape::of(&job(bits, rng)).expect("it begins an exchange")
    }

    #[test]
    fn it_is_filled_with_what_was_asked_for_and_no_further() {
        let rng = &mut Seed::new(1).rng("stash", 0);
        let mut pair_cache = PairCache::default();
        assert_eq!(pair_cache.reserve(4), None, "nobody has asked");
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
        assert_eq!(pair_cache.reserve(1), None, "the one is on its way");
    }

    #[test]
    fn a_shape_too_many_is_not_kept() {
        let rng = &mut Seed::new(1).rng("stash", 1);
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
        let rng = &mut Seed::new(1).rng("stash", 2);
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
