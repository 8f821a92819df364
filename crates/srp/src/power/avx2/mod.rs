//! Powers with AVX2 and FMA: vectors of four doubles.
//!
//! | file | contents |
//! |---|---|
//! | `lanes` | four products at once, one per lane: highest throughput |
//! | `single` | one product spread over the lanes: lowest latency |
//! | `select` | table lookups that hide the index |
//! | `digits` | the representation of numbers |
//!
//! Only this file of the kernel contains unsafe code, of two kinds. Functions that use vector instructions
//! are called through a [`Kernel`], which exists only on machines that support them. Four neighboring numbers
//! of a slice are loaded or stored through a pointer after a bounds check.

#![expect(
    unsafe_code,
    reason = "vector instructions depend on the machine, and loads of four take a pointer"
)]

pub(super) mod digits;
mod lanes;
mod select;
mod single;

use std::arch::x86_64::*;
use std::sync::LazyLock;

use num_bigint::BigUint;

use super::super::prime;
use super::Modexp;
use super::comb::{Combs, SingleArithmetic, raise_one};
use super::fixed_window::{self, Constants, MontgomeryArithmetic, TableSelect, WindowedExponent};
use digits::{Digits, Modulus, join, split};
use lanes::{LaneDigits, Lanes};
use select::Choices;
use single::{PaddedDigits, Single};

/// The minimum number of powers of one kind for `lanes`. Fewer powers finish sooner one by one.
const MIN_POWERS_FOR_LANES: usize = 3;

/// The kernel. Only [`Kernel::get`] creates it, on a machine that can run it.
pub(super) struct Kernel {
    lanes: Lanes,
    single: Single,
    combs: Combs<Vec<Choices>>,
}

impl Kernel {
    /// Returns the kernel, or `None` on a machine without AVX2 and FMA.
    pub(super) fn get() -> Option<&'static Self> {
        static KERNEL: LazyLock<Option<Kernel>> = LazyLock::new(|| {
            let able = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let modulus = Modulus::of(prime::n()).filter(|_| able)?;
            // SAFETY: the machine has both features, as just detected.
            let (lanes, single) = unsafe { (Lanes::new(&modulus), Single::new(&modulus)) };
            Some(Kernel { lanes, single, combs: Combs::new() })
        });
        KERNEL.as_ref()
    }

    /// Computes powers of one kind in groups of four. A remainder of one or two is computed one by one.
    pub(super) fn raise_all(&self, powers: &[Modexp]) -> Vec<BigUint> {
        let mut results = vec![BigUint::ZERO; powers.len()];
        let kind = |index: &usize| (powers[*index].base.is_some(), powers[*index].class);
        let mut order: Vec<usize> = (0..powers.len()).collect();
        order.sort_by_key(kind);
        for same in order.chunk_by(|left, right| kind(left) == kind(right)) {
            for some in same.chunks(4) {
                let group: Vec<&Modexp> = some.iter().map(|index| &powers[*index]).collect();
                for (index, digits) in some.iter().zip(self.raise_group(&group)) {
                    results[*index] = join(&digits, prime::n());
                }
            }
        }
        results
    }

    /// Computes up to four powers of one kind. Spare lanes compute the first power again.
    fn raise_group(&self, powers: &[&Modexp]) -> Vec<Digits> {
        let class = powers[0].class;
        let lane = |index: usize| powers.get(index).unwrap_or(&powers[0]);
        let exponents: [_; 4] = std::array::from_fn(|index| WindowedExponent::of(lane(index)));
        if powers.len() < MIN_POWERS_FOR_LANES || exponents.iter().any(|exponent| !exponent.fit(class)) {
            let raise = |power: &&Modexp| raise_one(&self.single, &self.combs, power).digits();
            return powers.iter().map(raise).collect();
        }
        let four = if powers[0].base.is_none() {
            self.combs.get(&self.single, class).raise(&self.lanes, &exponents)
        } else {
            let bases: [Digits; 4] =
                std::array::from_fn(|index| split(lane(index).base.as_ref().unwrap_or_else(|| prime::g())));
            // SAFETY: a kernel exists only where both features exist.
            let bases = unsafe { lanes::gather(bases.each_ref()) };
            fixed_window::raise(&self.lanes, &self.lanes.to_montgomery(&bases), &exponents)
        };
        // SAFETY: as above.
        let all = unsafe { lanes::scatter(&self.lanes.montgomery_reduce(&four)) };
        all.into_iter().take(powers.len()).collect()
    }
}

impl MontgomeryArithmetic for Single {
    type Number = PaddedDigits;
    type Table = Vec<PaddedDigits>;
    const ROUNDS_PER_YIELD: u32 = 4;

    fn constants(&self) -> &Constants<PaddedDigits> {
        &self.constants
    }

    fn mul(&self, a: &PaddedDigits, b: &PaddedDigits) -> PaddedDigits {
        // SAFETY: this type exists only in a kernel, and a kernel only where both features exist.
        unsafe { Self::mul(self, a, b) }
    }

    fn square(&self, a: &PaddedDigits) -> PaddedDigits {
        // SAFETY: as above.
        unsafe { Self::square(self, a) }
    }

    fn table(&self, entries: Vec<PaddedDigits>) -> Vec<PaddedDigits> {
        entries
    }
}

impl TableSelect<Vec<PaddedDigits>> for Single {
    fn select(&self, table: &Vec<PaddedDigits>, secret_index: impl Fn(usize) -> u64) -> PaddedDigits {
        // SAFETY: as above.
        unsafe { select::entry(table, secret_index(0)) }
    }
}

impl TableSelect<Vec<Choices>> for Single {
    fn select(&self, table: &Vec<Choices>, secret_index: impl Fn(usize) -> u64) -> PaddedDigits {
        // SAFETY: as above.
        unsafe { select::choice(table, secret_index(0)) }
    }
}

impl SingleArithmetic<Vec<Choices>> for Single {
    const TEETH: u32 = select::TEETH;

    fn split(number: &BigUint) -> PaddedDigits {
        PaddedDigits::of(&split(number))
    }

    fn comb_table(entries: Vec<PaddedDigits>) -> Vec<Choices> {
        select::build_comb_table(&entries)
    }
}

impl MontgomeryArithmetic for Lanes {
    type Number = LaneDigits;
    type Table = Vec<__m256d>;
    const ROUNDS_PER_YIELD: u32 = 4;

    fn constants(&self) -> &Constants<LaneDigits> {
        &self.constants
    }

    fn mul(&self, a: &LaneDigits, b: &LaneDigits) -> LaneDigits {
        // SAFETY: as above.
        unsafe { Self::mul(self, a, b) }
    }

    fn square(&self, a: &LaneDigits) -> LaneDigits {
        // SAFETY: as above.
        unsafe { Self::square(self, a) }
    }

    fn table(&self, entries: Vec<LaneDigits>) -> Vec<__m256d> {
        // SAFETY: as above.
        unsafe { select::build_lane_table(&entries) }
    }
}

impl TableSelect<Vec<__m256d>> for Lanes {
    fn select(&self, table: &Vec<__m256d>, secret_index: impl Fn(usize) -> u64) -> LaneDigits {
        // SAFETY: as above.
        unsafe { select::four_entries(table, [0, 1, 2, 3].map(secret_index)) }
    }
}

impl TableSelect<Vec<Choices>> for Lanes {
    fn select(&self, table: &Vec<Choices>, secret_index: impl Fn(usize) -> u64) -> LaneDigits {
        // SAFETY: as above.
        unsafe { select::four_choices(table, [0, 1, 2, 3].map(secret_index)) }
    }
}

#[cfg(test)]
impl Kernel {
    /// Computes a · b / R in all lanes, or a · a / R without a b.
    pub(super) fn product_by_lanes(&self, a: &[Digits; 4], b: Option<&[Digits; 4]>) -> [Digits; 4] {
        // SAFETY: a kernel exists only where both features exist.
        unsafe {
            let a = lanes::gather(a.each_ref());
            let b = b.map(|b| lanes::gather(b.each_ref()));
            lanes::scatter(&b.map_or_else(|| self.lanes.square(&a), |b| self.lanes.mul(&a, &b)))
        }
    }

    /// Computes a · b / R for one number, or a · a / R without a b, with the kernel for single numbers.
    pub(super) fn product(&self, a: &Digits, b: Option<&Digits>) -> Digits {
        let (a, b) = (PaddedDigits::of(a), b.map(PaddedDigits::of));
        // SAFETY: a kernel exists only where both features exist.
        unsafe { b.map_or_else(|| self.single.square(&a), |b| self.single.mul(&a, &b)) }.digits()
    }
}

/// Borrows four neighbors of a slice, from `at` on.
#[inline(always)]
fn four<T>(slice: &[T], at: usize) -> &[T; 4] {
    slice[at..].first_chunk().unwrap_or_else(|| unreachable!("four numbers from {at} on"))
}

/// Borrows four neighbors of a slice mutably, from `at` on.
#[inline(always)]
fn four_mut<T>(slice: &mut [T], at: usize) -> &mut [T; 4] {
    slice[at..].first_chunk_mut().unwrap_or_else(|| unreachable!("four numbers from {at} on"))
}

/// Loads four neighbors of a slice, from `at` on.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn load(slice: &[f64], at: usize) -> __m256d {
    // SAFETY: four doubles are read from an array of four, and any alignment is valid.
    unsafe { _mm256_loadu_pd(four(slice, at).as_ptr()) }
}

/// Stores four numbers next to each other into a slice, starting at index `at`.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn store(slice: &mut [f64], at: usize, numbers: __m256d) {
    // SAFETY: four doubles are written to an array of four, and any alignment is valid.
    unsafe { _mm256_storeu_pd(four_mut(slice, at).as_mut_ptr(), numbers) }
}

/// Loads four neighbors of a slice of integers, from `at` on.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn load_integers(slice: &[i64], at: usize) -> __m256i {
    // SAFETY: four integers are read from an array of four, and any alignment is valid.
    unsafe { _mm256_loadu_si256(four(slice, at).as_ptr().cast()) }
}

/// Stores four neighbors into a slice of integers, from `at` on.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn store_integers(slice: &mut [i64], at: usize, numbers: __m256i) {
    // SAFETY: four integers are written to an array of four, and any alignment is valid.
    unsafe { _mm256_storeu_si256(four_mut(slice, at).as_mut_ptr().cast(), numbers) }
}
