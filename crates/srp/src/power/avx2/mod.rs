//! Powers by vectors of four doubles, with AVX2 and FMA.
//!
//! | file | what it does |
//! |---|---|
//! | `lanes` | four products at once, one to a lane: most work done in a given time |
//! | `single` | one product spread over the lanes: soonest done |
//! | `select` | numbers out of tables, without a trace of which |
//! | `digits` | numbers as these have them |
//!
//! This is the one file of the kernel that holds unsafe code, of two kinds. Functions that use the vector instructions
//! are called through a [`Kernel`], which exists only where the machine has them. And four neighbouring numbers of a slice
//! are loaded or stored at once, at any place, after the slice was asked whether it has them.

#![expect(
    unsafe_code,
    reason = "vector instructions need a machine that has them, and loads of four a pointer"
)]

pub(super) mod digits;
mod lanes;
mod select;
mod single;

use std::arch::x86_64::*;
use std::sync::LazyLock;

use num_bigint::BigUint;

use super::super::prime;
use super::comb::{Comb, Combs};
use super::fixed_window::{self, MontgomeryArithmetic, TableSelect, WindowedExponent};
use super::{ExponentClass, Power};
use digits::{Digits, Modulus, join, split};
use lanes::{LaneDigits, Lanes};
use select::Choices;
use single::{PaddedDigits, Single};

/// Below so many powers of one kind, each is computed by itself: it is sooner done.
const MIN_POWERS_FOR_LANES: usize = 3;

/// The kernels, on a machine that can run them. Only [`Kernel::get`] makes one.
pub(super) struct Kernel {
    modulus: Modulus,
    lanes: Lanes,
    single: Single,
    combs: Combs<Vec<Choices>>,
}

impl Kernel {
    /// The kernels, if this machine has AVX2 and FMA.
    pub(super) fn get() -> Option<&'static Self> {
        static KERNEL: LazyLock<Option<Kernel>> = LazyLock::new(|| {
            let able = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let modulus = Modulus::of(prime::n()).filter(|_| able)?;
            // SAFETY: the machine was just asked for both features.
            let (lanes, single) = unsafe { (Lanes::new(&modulus), Single::new(&modulus)) };
            Some(Kernel { modulus, lanes, single, combs: Default::default() })
        });
        KERNEL.as_ref()
    }

    fn comb(&self, class: ExponentClass) -> &Comb<Vec<Choices>> {
        let build_table = |entries: Vec<PaddedDigits>| select::build_comb_table(&entries);
        let build =
            || Comb::new(&self.single, self.to_montgomery(prime::g()), class, select::TEETH, build_table);
        self.combs[class as usize].get_or_init(build)
    }

    fn to_montgomery(&self, number: &BigUint) -> PaddedDigits {
        // SAFETY: a kernel exists only where both features do.
        unsafe { self.single.to_montgomery(&split(number)) }
    }

    /// Computes powers, four of one kind at a time; what is left of a kind, fewer than three, one by one.
    pub(super) fn raise_all(&self, powers: &[Power<'_>]) -> Vec<BigUint> {
        let mut results = vec![BigUint::ZERO; powers.len()];
        let kind = |power: &Power<'_>| (power.base.is_some(), power.class);
        let mut order: Vec<usize> = (0..powers.len()).collect();
        order.sort_by_key(|index| kind(&powers[*index]));
        for same in order.chunk_by(|left, right| kind(&powers[*left]) == kind(&powers[*right])) {
            for some in same.chunks(4) {
                let group: Vec<&Power<'_>> = some.iter().map(|index| &powers[*index]).collect();
                let digits = if group.len() < MIN_POWERS_FOR_LANES {
                    group.iter().map(|power| self.raise(power)).collect()
                } else {
                    self.raise_four(&group)
                };
                for (index, digits) in some.iter().zip(digits) {
                    results[*index] = join(&digits, &self.modulus.n);
                }
            }
        }
        results
    }

    fn raise(&self, power: &Power<'_>) -> Digits {
        let windows = [WindowedExponent::of(power)];
        let number = match power.base {
            None if windows[0].fit(power.class) => self.comb(power.class).raise(&self.single, &windows),
            base => fixed_window::raise(
                &self.single,
                &self.to_montgomery(base.unwrap_or_else(|| prime::g())),
                &windows,
            ),
        };
        // SAFETY: a kernel exists only where both features do.
        unsafe { self.single.from_montgomery(&number) }
    }

    /// Up to four powers of one kind. Lanes that are left over do the first once more.
    fn raise_four(&self, powers: &[&Power<'_>]) -> Vec<Digits> {
        let lane = |index: usize| powers.get(index).unwrap_or(&powers[0]);
        let windows: [WindowedExponent; 4] = std::array::from_fn(|index| WindowedExponent::of(lane(index)));
        let class = powers[0].class;
        if windows.iter().any(|windows| !windows.fit(class)) {
            return powers.iter().map(|power| self.raise(power)).collect();
        }
        let four = if powers[0].base.is_none() {
            self.comb(class).raise(&self.lanes, &windows)
        } else {
            let bases: [Digits; 4] =
                std::array::from_fn(|index| split(lane(index).base.unwrap_or_else(|| prime::g())));
            // SAFETY: a kernel exists only where both features do.
            let bases =
                unsafe { self.lanes.mul(&lanes::gather(bases.each_ref()), &self.lanes.to_montgomery) };
            fixed_window::raise(&self.lanes, &bases, &windows)
        };
        // SAFETY: as above.
        let all = unsafe { lanes::scatter(&self.lanes.mul(&four, &self.lanes.from_montgomery)) };
        all.into_iter().take(powers.len()).collect()
    }
}

impl MontgomeryArithmetic for Single {
    type Number = PaddedDigits;
    type Table = Vec<PaddedDigits>;
    const ROUNDS_PER_YIELD: u32 = 4;

    fn one(&self) -> PaddedDigits {
        self.one.clone()
    }

    fn mul(&self, a: &PaddedDigits, b: &PaddedDigits) -> PaddedDigits {
        // SAFETY: these products exist in a kernel only, and that only where both features do.
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

impl MontgomeryArithmetic for Lanes {
    type Number = LaneDigits;
    type Table = Vec<__m256d>;
    const ROUNDS_PER_YIELD: u32 = 4;

    fn one(&self) -> LaneDigits {
        self.one
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
    /// a · b / R by lanes, and a · a / R where there is no b.
    pub(super) fn product_by_lanes(&self, a: &[Digits; 4], b: Option<&[Digits; 4]>) -> [Digits; 4] {
        // SAFETY: a kernel exists only where both features do.
        unsafe {
            let a = lanes::gather(a.each_ref());
            let b = b.map(|b| lanes::gather(b.each_ref()));
            lanes::scatter(&b.map_or_else(|| self.lanes.square(&a), |b| self.lanes.mul(&a, &b)))
        }
    }

    /// The same of one number, by itself.
    pub(super) fn product(&self, a: &Digits, b: Option<&Digits>) -> Digits {
        let (a, b) = (PaddedDigits::of(a), b.map(PaddedDigits::of));
        // SAFETY: a kernel exists only where both features do.
        unsafe { b.map_or_else(|| self.single.square(&a), |b| self.single.mul(&a, &b)) }.digits()
    }
}

/// Four neighbours of a slice, from `at` on.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn load(slice: &[f64], at: usize) -> __m256d {
    let four: &[f64; 4] =
        slice[at..].first_chunk().unwrap_or_else(|| unreachable!("four numbers from {at} on"));
    // SAFETY: four doubles are read from an array of four; any alignment will do.
    unsafe { _mm256_loadu_pd(four.as_ptr()) }
}

/// Puts four neighbours into a slice, from `at` on.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn store(slice: &mut [f64], at: usize, numbers: __m256d) {
    let four: &mut [f64; 4] =
        slice[at..].first_chunk_mut().unwrap_or_else(|| unreachable!("four numbers from {at} on"));
    // SAFETY: four doubles are written to an array of four; any alignment will do.
    unsafe { _mm256_storeu_pd(four.as_mut_ptr(), numbers) }
}

/// Four neighbours of a slice of integers, from `at` on.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn load_integers(slice: &[i64], at: usize) -> __m256i {
    let four: &[i64; 4] =
        slice[at..].first_chunk().unwrap_or_else(|| unreachable!("four numbers from {at} on"));
    // SAFETY: four integers are read from an array of four; any alignment will do.
    unsafe { _mm256_loadu_si256(four.as_ptr().cast()) }
}

/// Puts four neighbours into a slice of integers, from `at` on.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn store_integers(slice: &mut [i64], at: usize, numbers: __m256i) {
    let four: &mut [i64; 4] =
        slice[at..].first_chunk_mut().unwrap_or_else(|| unreachable!("four numbers from {at} on"));
    // SAFETY: four integers are written to an array of four; any alignment will do.
    unsafe { _mm256_storeu_si256(four.as_mut_ptr().cast(), numbers) }
}
