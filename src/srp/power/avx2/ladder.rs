//! Powers by windows of the exponent. How many products there are depends on the length class alone, and which table
//! entry is wanted is hidden by reading all of them.

use std::arch::x86_64::*;

use super::super::digits::{DIGITS, Digits};
use super::super::{ExponentClass, Power, window};
use super::lanes::{self, Four, Lanes, doubles, integers};
use super::load;
use super::single::{One, Single, VECTORS};

/// An exponent, cut into windows.
pub(super) struct Windows {
    limbs: Vec<u64>,
    bits: u32,
}

impl Windows {
    pub(super) fn of(power: &Power<'_>) -> Self {
        let needed = u32::try_from(power.exponent.bits()).unwrap_or(u32::MAX);
        Self { limbs: power.exponent.iter_u64_digits().collect(), bits: power.class.bits().max(needed) }
    }

    /// Whether [`FixedBase`] has a window for every bit.
    pub(super) const fn fit_table(&self) -> bool {
        self.bits <= FixedBase::WINDOWS * FixedBase::WIDTH
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
    let mut table = vec![lanes.one, base];
    for index in 2..1 << width {
        let next = if index % 2 == 0 {
            lanes.square(&table[index / 2])
        } else {
            lanes.mul(&table[index - 1], &base)
        };
        table.push(next);
    }
    let mut power: Option<Four> = None;
    for index in (0..longest.count(width)).rev() {
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
fn pick_four(table: &[Four], wanted: __m256i) -> Four {
    let mut picked = [doubles(0.0); DIGITS];
    for (index, entry) in table.iter().enumerate() {
        let mask = mask(wanted, index);
        for (sum, digits) in picked.iter_mut().zip(entry) {
            *sum = _mm256_or_pd(*sum, _mm256_and_pd(*digits, mask));
        }
    }
    picked
}

/// An entry of a row, with zeros up to whole vectors.
type Entry = [f64; 4 * VECTORS];

/// Powers of one base: for each window of six bits, the base to all that may stand in it. No squaring is left to do.
pub(super) struct FixedBase {
    /// 64 entries to a window, in Montgomery's form.
    entries: Vec<Entry>,
}

impl FixedBase {
    const WIDTH: u32 = 6;
    const WINDOWS: u32 = ExponentClass::Bits1025.bits().div_ceil(Self::WIDTH);

    /// A table of nothing.
    pub(super) const fn empty() -> Self {
        Self { entries: Vec::new() }
    }

    /// The table of this base: 171 windows, 5.6 MB.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn new(lanes: &Lanes, single: &Single, base: &Digits) -> Self {
        // The bases of the windows, each the 64th power of the one before.
        let mut bases = vec![single.enter(base)];
        for index in 1..Self::WINDOWS.next_multiple_of(4) as usize {
            let mut next = bases[index - 1].clone();
            for _ in 0..Self::WIDTH {
                next = single.square(&next);
            }
            bases.push(next);
        }
        let mut entries = vec![[0.0; 4 * VECTORS]; bases.len() << Self::WIDTH];
        for (group, bases) in bases.as_chunks::<4>().0.iter().enumerate() {
            let bases =
                lanes::gather([&bases[0], &bases[1], &bases[2], &bases[3]].map(One::digits).each_ref());
            let mut power = lanes.one;
            for index in 0..1usize << Self::WIDTH {
                for (lane, digits) in lanes::scatter(&power).iter().enumerate() {
                    entries[((4 * group + lane) << Self::WIDTH) + index][..DIGITS].copy_from_slice(digits);
                }
                power = lanes.mul(&power, &bases);
            }
        }
        Self { entries }
    }

    fn row(&self, window: u32) -> &[Entry] {
        &self.entries[(window as usize) << Self::WIDTH..][..1 << Self::WIDTH]
    }

    /// The base to this power.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn raise(&self, single: &Single, exponent: &Windows) -> Digits {
        let mut power = single.one.clone();
        for window in 0..exponent.count(Self::WIDTH) {
            let wanted = integers(exponent.at(window, Self::WIDTH));
            let row = self.row(window);
            let mut factor = One::ZERO;
            for vector in 0..VECTORS {
                let mut sum = doubles(0.0);
                for (index, entry) in row.iter().enumerate() {
                    sum = _mm256_or_pd(sum, _mm256_and_pd(load(entry, 4 * vector), mask(wanted, index)));
                }
                factor.set_vector(vector, sum);
            }
            power = if window == 0 { factor } else { single.mul(&power, &factor) };
        }
        single.leave(&power)
    }

    /// The base to four powers at once.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn raise_four(&self, lanes: &Lanes, exponents: &[Windows; 4]) -> [Digits; 4] {
        let mut power = lanes.one;
        for window in 0..exponents[0].count(Self::WIDTH) {
            let factor = self.pick_four(window, four_at(exponents, window, Self::WIDTH));
            power = if window == 0 { factor } else { lanes.mul(&power, &factor) };
        }
        lanes::scatter(&lanes.mul(&power, &lanes.leave))
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn pick_four(&self, window: u32, wanted: __m256i) -> Four {
        /// Digits that are picked at a time: as many as there are registers for.
        const SPAN: usize = 8;
        let row = self.row(window);
        let mut picked = [doubles(0.0); DIGITS];
        for (span, picked) in picked.chunks_mut(SPAN).enumerate() {
            let mut sums = [doubles(0.0); SPAN];
            for (index, entry) in row.iter().enumerate() {
                let mask = mask(wanted, index);
                let digits: &[f64; SPAN] = entry[SPAN * span..].first_chunk().unwrap_or(&[0.0; SPAN]);
                for (sum, digit) in sums.iter_mut().zip(digits) {
                    *sum = _mm256_or_pd(*sum, _mm256_and_pd(doubles(*digit), mask));
                }
            }
            picked.copy_from_slice(&sums[..picked.len()]);
        }
        picked
    }
}
