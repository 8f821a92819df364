//! One seed for a whole run, and a stream of chance of its own for everyone in it.
//!
//! Streams are named. Two streams with different names or numbers are independent, so that adding one user,
//! or one more draw to one user, disturbs nobody else. ChaCha8 is used because its output is fixed by its
//! definition: the same seed gives the same run on every machine and with every version of the `rand` crates.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use sha2::{Digest as _, Sha256};

/// A stream of random numbers that belongs to one part of a run.
pub type Rng = ChaCha8Rng;

/// The number from which every random choice of a run follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// A seed from the number that the scenario or the command line gives.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number itself, for reports.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The stream called `name`, number `index`: the same for the same three values, independent of all
    /// others.
    pub fn rng(self, name: &str, index: u64) -> Rng {
        let mut hash = Sha256::new();
        hash.update(b"poolproof stream v1\0");
        hash.update(self.0.to_be_bytes());
        hash.update(index.to_be_bytes());
        hash.update(name.as_bytes());
        Rng::from_seed(hash.finalize().into())
    }
}

/// The stream of these bytes, which came from the operating system's chance or from another stream: as good
/// as unforeseeable, and not to be had again.
pub fn rng_from_bytes(bytes: [u8; 32]) -> Rng {
    Rng::from_seed(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng as _;

    #[test]
    fn rngs_are_fixed_for_ever() {
        // A change here changes every golden report: do it on purpose or not at all.
        assert_eq!(Seed::new(7).rng("user", 0).next_u64(), 1_030_974_642_154_495_946);
    }

    #[test]
    fn names_and_numbers_separate_rngs() {
        let draw = |name, index| Seed::new(7).rng(name, index).next_u64();
        assert_ne!(draw("user", 0), draw("user", 1));
        assert_ne!(draw("user", 0), draw("device", 0));
        assert_eq!(draw("user", 3), draw("user", 3));
    }
}
