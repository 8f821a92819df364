//! Powers with AVX-512 IFMA: vectors of eight integers, multiplied by 52 bits and added in one instruction.
//!
//! | file | contents |
//! |---|---|
//! | `product` | one product, spread over eight vectors |
//! | `digits` | the representation of numbers, and table lookups |
//!
//! Only this file of the kernel contains unsafe code, of two kinds. Functions that use vector instructions
//! are called through a [`Kernel`], which exists only on machines that support them. Arrays of eight numbers
//! are loaded and stored through pointers.

#![expect(
    unsafe_code,
    reason = "vector instructions depend on the machine, and loads of eight take a pointer"
)]

pub(super) mod digits;
mod product;

use std::arch::x86_64::*;
use std::sync::LazyLock;

use num_bigint::BigUint;

use super::super::prime;
use super::Modexp;
use super::comb::{Combs, SingleArithmetic, raise_one};
use super::fixed_window::{Constants, MontgomeryArithmetic, TableSelect};
use digits::{Digits, LANES, Modulus};
use product::VectorArithmetic;

/// The kernel. Only [`Kernel::get`] creates it, on a machine that can run it.
pub(super) struct Kernel {
    products: VectorArithmetic,
    combs: Combs<Vec<Digits>>,
}

impl Kernel {
    /// Returns the kernel, or `None` on a machine without AVX-512 and IFMA.
    pub(super) fn get() -> Option<&'static Self> {
        static KERNEL: LazyLock<Option<Kernel>> = LazyLock::new(|| {
            let able = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma");
            let modulus = Modulus::of(prime::n()).filter(|_| able)?;
            // SAFETY: the machine has both features, as just detected.
            let products = unsafe { VectorArithmetic::new(modulus) };
            Some(Kernel { products, combs: Combs::new() })
        });
        KERNEL.as_ref()
    }

    /// Computes powers one by one, because computing several together is not faster.
    pub(super) fn raise_all(&self, powers: &[Modexp]) -> Vec<BigUint> {
        powers.iter().map(|power| raise_one(&self.products, &self.combs, power).join(prime::n())).collect()
    }
}

impl MontgomeryArithmetic for VectorArithmetic {
    type Number = Digits;
    type Table = Vec<Digits>;
    const ROUNDS_PER_YIELD: u32 = 32;

    fn constants(&self) -> &Constants<Digits> {
        &self.constants
    }

    fn mul(&self, a: &Digits, b: &Digits) -> Digits {
        // SAFETY: this type exists only in a kernel, and a kernel only where both features exist.
        unsafe { Self::mul(self, a, b) }
    }

    fn square(&self, a: &Digits) -> Digits {
        // SAFETY: as above.
        unsafe { Self::square(self, a) }
    }

    fn table(&self, entries: Vec<Digits>) -> Vec<Digits> {
        entries
    }
}

impl TableSelect<Vec<Digits>> for VectorArithmetic {
    fn select(&self, table: &Vec<Digits>, secret_index: impl Fn(usize) -> u64) -> Digits {
        // SAFETY: as above.
        unsafe { digits::select(table, secret_index(0)) }
    }
}

impl SingleArithmetic<Vec<Digits>> for VectorArithmetic {
    const TEETH: u32 = 5;

    fn split(number: &BigUint) -> Digits {
        Digits::split(number)
    }

    fn comb_table(entries: Vec<Digits>) -> Vec<Digits> {
        entries
    }
}

#[cfg(test)]
impl Kernel {
    /// Computes a · b / R, or a · a / R without a b.
    pub(super) fn product(&self, a: &Digits, b: Option<&Digits>) -> Digits {
        let products = &self.products;
        // SAFETY: a kernel exists only where both features exist.
        unsafe { b.map_or_else(|| products.square(a), |b| products.mul(a, b)) }
    }
}

/// Loads eight numbers.
#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn load(numbers: &[u64; LANES]) -> __m512i {
    // SAFETY: eight integers are read from an array of eight, and any alignment is valid.
    unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) }
}

/// Stores eight numbers.
#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn store(numbers: &mut [u64; LANES], vector: __m512i) {
    // SAFETY: eight integers are written to an array of eight, and any alignment is valid.
    unsafe { _mm512_storeu_si512(numbers.as_mut_ptr().cast(), vector) }
}
