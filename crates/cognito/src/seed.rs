//! The seed of a run and its independent random number generators.
//!
//! Generators have names. Generators with different names or indexes are independent, so an additional user
//! or draw does not change the random numbers of other users. ChaCha8 has an output fixed by its
//! specification. The same seed gives the same run on every machine and with every version of the `rand`
//! crates.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use sha2::{Digest as _, Sha256};

/// The random number generator of one part of a run.
pub type Rng = ChaCha8Rng;

/// The number that determines all random choices of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// Creates a seed from the number in the scenario or on the command line.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number, for reports.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Returns the generator `name` with number `index`. Its output depends only on these and the seed, and
    /// is independent of all other generators.
    pub fn rng(self, name: &str, index: u64) -> Rng {
        let mut hash = Sha256::new();
        hash.update(b"poolproof stream v1\0");
        hash.update(self.0.to_be_bytes());
        hash.update(index.to_be_bytes());
        hash.update(name.as_bytes());
        Rng::from_seed(hash.finalize().into())
    }
}

/// Creates a generator from random bytes of the operating system or of another generator. It cannot be
/// recreated from the seed.
pub fn rng_from_bytes(bytes: [u8; 32]) -> Rng {
    Rng::from_seed(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng as _;

    #[test]
    fn rng_output_is_fixed() {
        // A change of this value changes every golden report, so it must be deliberate.
        assert_eq!(Seed::new(7).rng("user", 0).next_u64(), 1_030_974_642_154_495_946);
    }

    #[test]
    fn rngs_with_other_names_or_numbers_differ() {
        let draw = |name, index| Seed::new(7).rng(name, index).next_u64();
        assert_ne!(draw("user", 0), draw("user", 1));
        assert_ne!(draw("user", 0), draw("device", 0));
        assert_eq!(draw("user", 3), draw("user", 3));
    }
}
