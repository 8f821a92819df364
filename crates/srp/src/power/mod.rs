//! Powers modulo Cognito's N, which take nearly all the time of SRP. Four backends compute them.
//!
//! | backend | method | purpose |
//! |---|---|---|
//! | [`Backend::Reference`] | `num-bigint`, one power at a time | easy to read; checks the others |
//! | [`Backend::Portable`] | the same, with a table for g | machines without AVX2 |
//! | [`Backend::Avx2`] | four powers at once, or one spread over a vector | x86-64 with AVX2 and FMA |
//! | [`Backend::Ifma`] | one power at a time, spread over eight vectors | x86-64 with AVX-512 IFMA |
//!
//! All backends return the same numbers, and tests compare them. A [`super::Group`] can select a backend.
//! Otherwise the fastest one that the machine supports is used. Both vector kernels share `fixed_window` and
//! `comb`.
//!
//! The vector kernels' instruction sequence depends only on the public length class, and they read whole
//! tables under a mask. Everything that `num-bigint` computes takes time that depends on the numbers: the
//! other two backends, the conversions around every power, and the sums and products of the protocol.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod comb;
#[cfg(target_arch = "x86_64")]
mod fixed_window;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod portable;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use num_bigint::BigUint;

/// The maximum length of an exponent. The actual exponent stays secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ExponentClass {
    /// x, u, b, and a of up to 256 bits.
    Bits256,
    /// a + u·x with a of up to 512 bits.
    Bits513,
    /// a of up to 1024 bits, and a + u·x with such an a.
    Bits1025,
}

impl ExponentClass {
    /// Returns the class of exponents of at most `bits` bits. No exponent of the protocol exceeds 1025 bits.
    pub(super) const fn of(bits: u32) -> Self {
        match bits {
            0..=256 => Self::Bits256,
            257..=513 => Self::Bits513,
            _ => Self::Bits1025,
        }
    }

    /// Returns the maximum length of an exponent in bits.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Bits256 => 256,
            Self::Bits513 => 513,
            Self::Bits1025 => 1025,
        }
    }
}

/// A modular exponentiation to compute. It has no `Debug` form, because exponents are secret.
#[derive(Clone)]
pub struct Modexp {
    /// The base, below N; `None` for g.
    pub base: Option<BigUint>,
    /// The exponent, which is never reduced.
    pub exponent: BigUint,
    /// The public class of the exponent. A longer exponent is correct and slower.
    pub class: ExponentClass,
}

/// A way to compute powers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backend {
    /// `num-bigint`.
    Reference,
    /// `num-bigint` with a table for g.
    Portable,
    /// Vectors of four doubles.
    Avx2,
    /// Vectors of eight integers, with one instruction for multiplication and addition.
    Ifma,
}

impl Backend {
    /// All backends, from the slowest to the fastest.
    pub const ALL: [Self; 4] = [Self::Reference, Self::Portable, Self::Avx2, Self::Ifma];

    /// Returns the fastest backend that this machine supports.
    pub fn best() -> Self {
        static BEST: LazyLock<Backend> = LazyLock::new(|| {
            let available = Backend::ALL.into_iter().rev().find(|backend| backend.is_available());
            available.unwrap_or(Backend::Portable)
        });
        *BEST
    }

    /// Reports whether this machine supports the backend.
    pub fn is_available(self) -> bool {
        match self {
            Self::Reference | Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::Kernel::get().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Ifma => ifma::Kernel::get().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Ifma => false,
        }
    }

    /// Returns `reference`, `portable`, `avx2` or `ifma`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Ifma => "ifma",
        }
    }

    /// Computes powers modulo Cognito's N, in the given order. Powers of one class are computed together
    /// where possible.
    ///
    /// On a machine without the backend, the portable backend computes them.
    pub fn raise(self, powers: &[Modexp]) -> Vec<BigUint> {
        let portable = || powers.iter().map(portable::raise).collect();
        match self {
            Self::Reference => powers.iter().map(portable::reference).collect(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::Kernel::get().map_or_else(portable, |kernel| kernel.raise_all(powers)),
            #[cfg(target_arch = "x86_64")]
            Self::Ifma => ifma::Kernel::get().map_or_else(portable, |kernel| kernel.raise_all(powers)),
            _ => portable(),
        }
    }

    /// Returns the preferred number of powers of one kind per batch.
    ///
    /// AVX2 computes four together. IFMA is so fast that handing powers over one by one takes a noticeable
    /// share.
    pub const fn lanes(self) -> usize {
        match self {
            Self::Reference | Self::Portable => 1,
            Self::Avx2 | Self::Ifma => 4,
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Backend {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|backend| backend.as_str() == text).ok_or(())
    }
}

/// Returns `width` bits of a number from bit `at` on. `limbs` starts with the least significant; `width` is
/// below 64.
fn window(limbs: &[u64], at: u32, width: u32) -> u64 {
    let limb = |index: u32| limbs.get(index as usize).copied().unwrap_or(0);
    let (index, shift) = (at / 64, at % 64);
    let above = if shift == 0 { 0 } else { limb(index + 1) << (64 - shift) };
    (limb(index) >> shift | above) & ((1 << width) - 1)
}
