//! Powers modulo Cognito's N: nearly all that SRP costs, and so the one thing that is computed in more than one way.
//!
//! | backend | how | for |
//! |---|---|---|
//! | [`Backend::Reference`] | `num-bigint`, power by power | reading, and checking the others |
//! | [`Backend::Portable`] | the same, with a table for g | machines without AVX2 |
//! | [`Backend::Avx2`] | four powers at once, or one spread over a vector | x86-64 with AVX2 and FMA: all since 2013 or so |
//! | [`Backend::Ifma`] | one at a time, spread over eight vectors | x86-64 with AVX-512 IFMA: Ice Lake, Zen 4 and later |
//!
//! All give the same numbers; tests see to it. Which one runs is decided when a power is asked for, by what the machine
//! can do, unless a [`super::Group`] was made for one of them.
//!
//! `ladder` and `comb` are written once, over the products of either vector kernel.
//!
//! What is constant in time: the vector kernels' schedule depends on the public length class alone, and tables are read
//! whole, under a mask. What is not: everything that goes through `num-bigint`, which is the other two backends and, around
//! every power, its conversion and the sums and products of the protocol.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(test)]
mod check;
#[cfg(target_arch = "x86_64")]
mod comb;
#[cfg(target_arch = "x86_64")]
mod fixed_window;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod portable;
mod reference;

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use num_bigint::BigUint;

/// How long an exponent can be at most; the number actually drawn stays secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ExponentClass {
    /// x, u, b, and a of 256 bits.
    Bits256,
    /// a + u·x with a of up to 512 bits.
    Bits513,
    /// a of up to 1024 bits, and a + u·x with such an a.
    Bits1025,
}

impl ExponentClass {
    /// The class of exponents of at most `bits` bits. Nothing in the protocol is longer than 1025.
    pub(super) const fn of(bits: u32) -> Self {
        match bits {
            0..=256 => Self::Bits256,
            257..=513 => Self::Bits513,
            _ => Self::Bits1025,
        }
    }

    /// The longest exponent of the class, in bits.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Bits256 => 256,
            Self::Bits513 => 513,
            Self::Bits1025 => 1025,
        }
    }
}

/// A way to compute powers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backend {
    /// `num-bigint`, to be read.
    Reference,
    /// `num-bigint` with a table for g.
    Portable,
    /// Vectors of four doubles.
    Avx2,
    /// Vectors of eight integers, which are multiplied and added at once.
    Ifma,
}

impl Backend {
    /// All, from the plainest to the quickest.
    pub const ALL: [Self; 4] = [Self::Reference, Self::Portable, Self::Avx2, Self::Ifma];

    /// The quickest that this machine can do.
    pub fn best() -> Self {
        static BEST: LazyLock<Backend> = LazyLock::new(|| {
            let able = Backend::ALL.into_iter().rev().find(|backend| backend.is_available());
            able.unwrap_or(Backend::Portable)
        });
        *BEST
    }

    /// Whether this machine can do it.
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

    /// `reference`, `portable`, `avx2` or `ifma`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Ifma => "ifma",
        }
    }

    /// The powers of these bases, or of g where there is none, modulo Cognito's N: the arithmetic by itself, for benches and
    /// comparisons. Bases are below N; exponents may be of any length, and are expected in `class`.
    pub fn raise(self, powers: &[(Option<BigUint>, BigUint)], class: ExponentClass) -> Vec<BigUint> {
        let powers: Vec<Power<'_>> =
            powers.iter().map(|(base, exponent)| Power { base: base.as_ref(), exponent, class }).collect();
        raise_all(self, &powers)
    }

    /// How many powers of one kind it likes to be given at once: more than one where they are sooner done together, or so quickly
    /// that handing them over one by one is a part of the work.
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

/// A power to be computed modulo Cognito's N.
#[derive(Clone, Copy)]
pub(super) struct Power<'a> {
    /// Below N; g if there is none.
    pub(super) base: Option<&'a BigUint>,
    /// Never reduced.
    pub(super) exponent: &'a BigUint,
    /// What may be known of the exponent's length.
    pub(super) class: ExponentClass,
}

/// Computes powers, in their order. Those of one class are computed together where the backend can.
pub(super) fn raise_all(backend: Backend, powers: &[Power<'_>]) -> Vec<BigUint> {
    let portable_fallback = || powers.iter().map(portable::raise).collect();
    match backend {
        Backend::Reference => powers.iter().map(reference::raise).collect(),
        #[cfg(target_arch = "x86_64")]
        Backend::Avx2 => {
            avx2::Kernel::get().map_or_else(portable_fallback, |kernel| kernel.raise_all(powers))
        }
        #[cfg(target_arch = "x86_64")]
        Backend::Ifma => {
            ifma::Kernel::get().map_or_else(portable_fallback, |kernel| kernel.raise_all(powers))
        }
        _ => portable_fallback(),
    }
}

/// Lets somebody else have the core who waits for it, once in so many of a power's rounds. A power takes up to milliseconds, which a
/// scheduler lets pass before it turns to a thread that has just woken; and an open workload's next sign-in is such a thread. Asking
/// takes half a microsecond.
#[cfg(target_arch = "x86_64")]
fn yield_periodically(round: u32, every: u32) {
    if round.is_multiple_of(every) {
        std::thread::yield_now();
    }
}

/// The `width` bits of a number from bit `at` on, fewer than 64; least significant limb first.
fn window(limbs: &[u64], at: u32, width: u32) -> u64 {
    let limb = |index: u32| limbs.get(index as usize).copied().unwrap_or(0);
    let (index, shift) = (at / 64, at % 64);
    let above = if shift == 0 { 0 } else { limb(index + 1) << (64 - shift) };
    (limb(index) >> shift | above) & ((1 << width) - 1)
}
