//! Powers by vectors of eight integers, with AVX-512 IFMA: products of 52 bits, multiplied and added at once.
//!
//! | file | what it does |
//! |---|---|
//! | `product` | one product, spread over eight vectors |
//! | `digits` | numbers as it has them |
//!
//! This is the one file of the kernel that holds unsafe code, of two kinds. Functions that use the vector instructions are
//! called through a [`Kernel`], which exists only where the machine has them. And arrays of eight numbers are loaded and stored at
//! once.

#![expect(
    unsafe_code,
    reason = "vector instructions need a machine that has them, and loads of eight a pointer"
)]

pub(super) mod digits;
mod product;
mod select;

use std::arch::x86_64::*;
use std::sync::LazyLock;

use num_bigint::BigUint;

use super::super::prime;
use super::comb::{Comb, Combs};
use super::fixed_window::{self, TableSelect, WindowedExponent};
use super::{ExponentClass, Power};
use digits::{Digits, LANES, Modulus};
use product::MontgomeryArithmetic;

/// Teeth of a comb.
const TEETH: u32 = 5;

/// The kernel, on a machine that can run it. Only [`Kernel::get`] makes one.
pub(super) struct Kernel {
    n: BigUint,
    products: MontgomeryArithmetic,
    combs: Combs<Vec<Digits>>,
}

impl Kernel {
    /// The kernel, if this machine has AVX-512 with IFMA.
    pub(super) fn get() -> Option<&'static Self> {
        static KERNEL: LazyLock<Option<Kernel>> = LazyLock::new(|| {
            let able = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma");
            let modulus = Modulus::of(prime::n()).filter(|_| able)?;
            // SAFETY: the machine was just asked for both features.
            let products = unsafe { MontgomeryArithmetic::new(&modulus) };
            Some(Kernel { n: modulus.n, products, combs: Combs::default() })
        });
        KERNEL.as_ref()
    }

    /// Computes powers, one by one: together they would be no sooner done.
    pub(super) fn raise_all(&self, powers: &[Power<'_>]) -> Vec<BigUint> {
        powers.iter().map(|power| self.raise(power)).collect()
    }

    fn raise(&self, power: &Power<'_>) -> BigUint {
        let windows = [WindowedExponent::of(power)];
        let number = match power.base {
            None if windows[0].fit(power.class) => self.comb(power.class).raise(&self.products, &windows),
            base => fixed_window::raise(
                &self.products,
                &self.to_montgomery(base.unwrap_or_else(|| prime::g())),
                &windows,
            ),
        };
        // SAFETY: a kernel exists only where both features do.
        unsafe { self.products.from_montgomery(&number) }.join(&self.n)
    }

    fn to_montgomery(&self, number: &BigUint) -> Digits {
        // SAFETY: a kernel exists only where both features do.
        unsafe { self.products.to_montgomery(&Digits::split(number)) }
    }

    fn comb(&self, class: ExponentClass) -> &Comb<Vec<Digits>> {
        let build =
            || Comb::new(&self.products, self.to_montgomery(prime::g()), class, TEETH, |entries| entries);
        self.combs[class as usize].get_or_init(build)
    }
}

impl fixed_window::MontgomeryArithmetic for MontgomeryArithmetic {
    type Number = Digits;
    type Table = Vec<Digits>;
    const ROUNDS_PER_YIELD: u32 = 32;

    fn one(&self) -> Digits {
        self.one.clone()
    }

    fn mul(&self, a: &Digits, b: &Digits) -> Digits {
        // SAFETY: these products exist in a kernel only, and that only where both features do.
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

impl TableSelect<Vec<Digits>> for MontgomeryArithmetic {
    fn select(&self, table: &Vec<Digits>, secret_index: impl Fn(usize) -> u64) -> Digits {
        // SAFETY: as above.
        unsafe { select::entry(table, secret_index(0)) }
    }
}

#[cfg(test)]
impl Kernel {
    /// a · b / R, and a · a / R where there is no b.
    pub(super) fn product(&self, a: &Digits, b: Option<&Digits>) -> Digits {
        // SAFETY: a kernel exists only where both features do.
        unsafe { b.map_or_else(|| self.products.square(a), |b| self.products.mul(a, b)) }
    }
}

/// Eight numbers at once.
#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn load(numbers: &[u64; LANES]) -> __m512i {
    // SAFETY: eight integers are read from an array of eight; any alignment will do.
    unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) }
}

/// Puts eight numbers into an array.
#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn store(numbers: &mut [u64; LANES], vector: __m512i) {
    // SAFETY: eight integers are written to an array of eight; any alignment will do.
    unsafe { _mm512_storeu_si512(numbers.as_mut_ptr().cast(), vector) }
}
