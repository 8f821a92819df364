//! Powers of any base, by windows of the exponent. How many products there are depends on the length class alone, and which table
//! entry is wanted is hidden by reading all of them.

use std::arch::x86_64::*;

use super::super::digits::{DIGITS, Digits};
use super::super::{ExponentClass, Power, offer_core, window};
use super::lanes::{self, Four, Lanes, doubles, integers};
use super::single::{One, Single, VECTORS};

/// An exponent, cut into windows.
pub(super) struct Windows {
    pub(super) limbs: Vec<u64>,
    bits: u32,
}

impl Windows {
    pub(super) fn of(power: &Power<'_>) -> Self {
        let needed = u32::try_from(power.exponent.bits()).unwrap_or(u32::MAX);
        Self { limbs: power.exponent.iter_u64_digits().collect(), bits: power.class.bits().max(needed) }
    }

    /// Whether the exponent has no more than so many bits.
    pub(super) const fn fit(&self, class: ExponentClass) -> bool {
        self.bits <= class.bits()
    }

    /// Bits of a window for bases of all kinds: longer exponents repay a larger table.
    const fn width(&self) -> u32 {
        if self.bits > 256 { 5 } else { 4 }
    }

    const fn count(&self, width: u32) -> u32 {
        self.bits.div_ceil(width)
    }

    fn at(&self, index: u32, width: u32) -> u64 {
        window(&self.limbs, index * width, width).into()
    }
}

/// The windows of four exponents.
#[target_feature(enable = "avx2,fma")]
fn four_at(windows: &[Windows; 4], index: u32, width: u32) -> __m256i {
    let [a, b, c, d] = [0, 1, 2, 3].map(|lane: usize| windows[lane].at(index, width).cast_signed());
    _mm256_setr_epi64x(a, b, c, d)
}

/// All ones in the lanes where `wanted` is `index`.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn mask(wanted: __m256i, index: usize) -> __m256d {
    _mm256_castsi256_pd(_mm256_cmpeq_epi64(wanted, integers(index as u64)))
}

/// base^exponent, both as plain numbers.
#[target_feature(enable = "avx2,fma")]
pub(super) fn raise(single: &Single, base: &Digits, exponent: &Windows) -> Digits {
    let width = exponent.width();
    let base = single.enter(base);
    let mut table = vec![single.one.clone(), base.clone()];
    for index in 2..1 << width {
        let next = if index % 2 == 0 {
            single.square(&table[index / 2])
        } else {
            single.mul(&table[index - 1], &base)
        };
        table.push(next);
    }
    let mut power: Option<One> = None;
    for index in (0..exponent.count(width)).rev() {
        offer_core(index);
        let factor = pick(&table, exponent.at(index, width));
        power = Some(match power {
            None => factor,
            Some(mut power) => {
                for _ in 0..width {
                    power = single.square(&power);
                }
                single.mul(&power, &factor)
            }
        });
    }
    single.leave(power.as_ref().unwrap_or(&single.one))
}

/// Four powers at once. The exponents are cut alike: by the longest.
#[target_feature(enable = "avx2,fma")]
pub(super) fn raise_four(lanes: &Lanes, bases: &[Digits; 4], exponents: &[Windows; 4]) -> [Digits; 4] {
    let longest = &exponents[0];
    let width = longest.width();
    let base = lanes.mul(&lanes::gather(bases.each_ref()), &lanes.enter);
    let table = table_of(lanes, &base, 1 << width);
    let mut power: Option<Four> = None;
    for index in (0..longest.count(width)).rev() {
        offer_core(index);
        let factor = pick_four(&table, four_at(exponents, index, width));
        power = Some(match power {
            None => factor,
            Some(mut power) => {
                for _ in 0..width {
                    power = lanes.square(&power);
                }
                lanes.mul(&power, &factor)
            }
        });
    }
    lanes::scatter(&lanes.mul(power.as_ref().unwrap_or(&lanes.one), &lanes.leave))
}

/// The powers 0 to `count` − 1 of a base, digit by digit: so the table is read from front to back.
#[target_feature(enable = "avx2,fma")]
fn table_of(lanes: &Lanes, base: &Four, count: usize) -> Vec<__m256d> {
    let mut table = vec![doubles(0.0); count * DIGITS];
    let mut powers = vec![lanes.one, *base];
    for index in 0..count {
        if index > 1 {
            let half = &powers[index / 2];
            powers.push(if index % 2 == 0 {
                lanes.square(half)
            } else {
                lanes.mul(&powers[index - 1], base)
            });
        }
        for (entries, digit) in table.chunks_mut(count).zip(powers[index]) {
            entries[index] = digit;
        }
    }
    table
}

/// An entry of the table; all of it is read.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn pick(table: &[One], wanted: u64) -> One {
    let wanted = integers(wanted);
    let mut picked = One::ZERO;
    for vector in 0..VECTORS {
        let mut sum = doubles(0.0);
        for (index, entry) in table.iter().enumerate() {
            sum = _mm256_or_pd(sum, _mm256_and_pd(entry.vector(vector), mask(wanted, index)));
        }
        picked.set_vector(vector, sum);
    }
    picked
}

/// An entry of the table for each lane; all of it is read.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn pick_four(table: &[__m256d], wanted: __m256i) -> Four {
    let (low, high) = (choice_bits(wanted), sign(wanted, 4));
    let mut picked = [doubles(0.0); DIGITS];
    for (picked, entries) in picked.iter_mut().zip(table.chunks(table.len() / DIGITS)) {
        let (sixteen, more) =
            entries.as_chunks::<16>().0.split_first().unwrap_or_else(|| unreachable!("16 or 32"));
        *picked = choose(|index| sixteen[index], &low);
        if let Some(more) = more.first() {
            *picked = _mm256_blendv_pd(*picked, choose(|index| more[index], &low), high);
        }
    }
    picked
}

/// A bit of each lane, where blends look for it.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn sign(wanted: __m256i, bit: u32) -> __m256d {
    _mm256_castsi256_pd(_mm256_sllv_epi64(wanted, integers(63 - u64::from(bit))))
}

/// The four low bits of each lane, for [`choose`].
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn choice_bits(wanted: __m256i) -> [__m256d; 4] {
    [sign(wanted, 0), sign(wanted, 1), sign(wanted, 2), sign(wanted, 3)]
}

/// One of sixteen for each lane. All are taken, and blended two by two.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn choose(choice: impl Fn(usize) -> __m256d, bits: &[__m256d; 4]) -> __m256d {
    let mut left = [doubles(0.0); 8];
    for (index, left) in left.iter_mut().enumerate() {
        *left = _mm256_blendv_pd(choice(2 * index), choice(2 * index + 1), bits[0]);
    }
    for (bit, count) in [(1, 4), (2, 2), (3, 1)] {
        for index in 0..count {
            left[index] = _mm256_blendv_pd(left[2 * index], left[2 * index + 1], bits[bit]);
        }
    }
    left[0]
}
