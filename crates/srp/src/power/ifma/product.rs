//! Products modulo N, each spread over eight vectors of eight digits.
//!
//! A product is summed in columns of 64 bits, a block of eight rows at a time. Each row is one digit of a
//! number, in all lanes, multiplied by windows of the other number. A window is eight neighboring digits from
//! any place on. [`SlidingWindows`] contains all of them, so that nothing is shifted during the summation.
//! Lower and upper halves of digit products are summed separately. An upper half counts four times, because a
//! half has 52 bits and a digit 50.
//!
//! Montgomery's method then clears the lower 56 columns, eight at a time, with a multiple M of N that is −1
//! modulo 2^400. Eight digits are their own quotient by M. The result has 72 digits. The upper eight are
//! folded back: each is replaced by its multiple of its place value modulo N. No carry propagates and no
//! number is compared with N, because 64 digits have 128 bits more than N.
//!
//! Columns stay below 2^60. They sum 64 + 64 lower halves below 2^52, and as many upper halves of at most
//! 2^49, four times.

use std::arch::x86_64::*;

use super::super::fixed_window::Constants;
use super::digits::{DIGITS, Digits, LANES, Modulus, VECTORS, WIDTH};
use super::{load, store};

/// Blocks of columns that Montgomery's method clears.
const REDUCED_BLOCKS: usize = VECTORS - 1;
const MASK: u64 = (1 << WIDTH) - 1;

/// The digits of a number, by vectors.
type Vectors = [__m512i; VECTORS];
/// Eight digits, each in all lanes.
type Rows = [__m512i; LANES];

/// The columns of a product: Σ (lower[c] + 4 · upper[c]) · 2^(50·c).
struct Columns {
    lower: [__m512i; 2 * VECTORS],
    upper: [__m512i; 2 * VECTORS],
}

/// All windows of a number. The window at `LANES + x` has the digits x to x + 7, and zeros outside the
/// number.
struct SlidingWindows([__m512i; DIGITS + LANES + 1]);

/// The arithmetic of one modulus.
pub(super) struct VectorArithmetic {
    /// (M + 1) / 2^400.
    multiple: SlidingWindows,
    /// The values of the places 64 to 71 modulo N, and the same values one digit higher.
    fold_constants: [[Vectors; 2]; LANES],
    pub(super) constants: Constants<Digits>,
}

#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn all(value: u64) -> __m512i {
    _mm512_set1_epi64(value.cast_signed())
}

#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn vectors(digits: &Digits) -> Vectors {
    std::array::from_fn(|vector| load(&digits.0[vector]))
}

/// Returns the eight digits of a vector in memory, each in all lanes.
#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn rows(digits: &[u64; LANES]) -> Rows {
    digits.map(|digit| all(digit))
}

/// Returns the low 50 bits of each column plus the carry of the column before. A carry propagates no further.
/// Both arguments are columns, already summed, and `before` is the vector below.
#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn propagate_carry(columns: __m512i, mask: __m512i, before: __m512i) -> __m512i {
    let (carry, carried) = (shifted(columns), shifted(before));
    _mm512_add_epi64(_mm512_and_si512(columns, mask), _mm512_alignr_epi64::<7>(carry, carried))
}

#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn shifted(columns: __m512i) -> __m512i {
    _mm512_srli_epi64::<WIDTH>(columns)
}

impl SlidingWindows {
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn of(number: &Vectors) -> Self {
        let zero = _mm512_setzero_si512();
        let mut slide = [zero; DIGITS + LANES + 1];
        let mut before = zero;
        for (windows, vector) in slide.as_chunks_mut::<LANES>().0.iter_mut().zip(number.iter().chain([&zero]))
        {
            *windows = [
                before,
                _mm512_alignr_epi64::<1>(*vector, before),
                _mm512_alignr_epi64::<2>(*vector, before),
                _mm512_alignr_epi64::<3>(*vector, before),
                _mm512_alignr_epi64::<4>(*vector, before),
                _mm512_alignr_epi64::<5>(*vector, before),
                _mm512_alignr_epi64::<6>(*vector, before),
                _mm512_alignr_epi64::<7>(*vector, before),
            ];
            before = *vector;
        }
        Self(slide)
    }

    /// Returns the windows that the lower half of row 0 to the upper half of row 7 use in a block's vector
    /// `place`.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn at(&self, place: usize) -> &[__m512i; LANES + 1] {
        self.0[LANES * place..].first_chunk().unwrap_or_else(|| unreachable!("nine windows from {place} on"))
    }
}

impl Columns {
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn empty() -> Self {
        let zero = [_mm512_setzero_si512(); 2 * VECTORS];
        Self { lower: zero, upper: zero }
    }

    /// Returns the columns of this vector, each as one sum.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn sum(&self, vector: usize) -> __m512i {
        _mm512_add_epi64(self.lower[vector], _mm512_slli_epi64::<2>(self.upper[vector]))
    }

    /// Adds the part of rows · number that belongs to `SOME` vectors of columns, from vector `at + place` on.
    /// The sums of several vectors run side by side, because each addition to a sum waits for the one before.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn add_some<const SOME: usize>(&mut self, at: usize, rows: &Rows, slide: &SlidingWindows, place: usize) {
        let lower = self.lower[at + place..].first_chunk_mut::<SOME>();
        let upper = self.upper[at + place..].first_chunk_mut::<SOME>();
        let (Some(lower), Some(upper)) = (lower, upper) else { unreachable!("columns for every row") };
        let (mut low, mut high) = (*lower, *upper);
        for (row, digit) in rows.iter().enumerate() {
            for some in 0..SOME {
                let windows = slide.at(place + some);
                low[some] = _mm512_madd52lo_epu64(low[some], *digit, windows[LANES - row]);
                high[some] = _mm512_madd52hi_epu64(high[some], *digit, windows[LANES - row - 1]);
            }
        }
        (*lower, *upper) = (low, high);
    }

    /// Adds rows · number from vector `at` on.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn add_rows(&mut self, at: usize, rows: &Rows, slide: &SlidingWindows) {
        self.add_some::<1>(at, rows, slide, 0);
        self.add_some::<4>(at, rows, slide, 1);
        self.add_some::<4>(at, rows, slide, 5);
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn of_product(a: &Digits, b: &Digits) -> Self {
        let mut columns = Self::empty();
        let slide = SlidingWindows::of(&vectors(b));
        for (block, digits) in a.0.iter().enumerate() {
            columns.add_rows(block, &rows(digits), &slide);
        }
        columns
    }

    /// Computes a · a, with every product of two different digits computed once and doubled.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn of_square(a: &Digits) -> Self {
        let number = vectors(a);
        let mut columns = Self::empty();
        let slide = SlidingWindows::of(&number);
        for (block, digits) in a.0.iter().enumerate() {
            let rows = rows(&digits.map(|digit| 2 * digit));
            columns.add_corner(block, &rows, number[block], &slide);
            let mut place = block + 2;
            while place + 3 <= VECTORS + 1 {
                columns.add_some::<3>(block, &rows, &slide, place);
                place += 3;
            }
            if place + 2 <= VECTORS + 1 {
                columns.add_some::<2>(block, &rows, &slide, place);
                place += 2;
            }
            if place < VECTORS + 1 {
                columns.add_some::<1>(block, &rows, &slide, place);
            }
        }
        columns
    }

    /// Adds the squares of a block's digits, and the products of its rows with later digits in the two
    /// vectors that other products share.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn add_corner(&mut self, block: usize, rows: &Rows, digits: __m512i, slide: &SlidingWindows) {
        let first = 2 * block;
        // The squares of the block's digits, which take two columns each.
        let zero = _mm512_setzero_si512();
        let squares = _mm512_madd52lo_epu64(zero, digits, digits);
        let above = _mm512_slli_epi64::<2>(_mm512_madd52hi_epu64(zero, digits, digits));
        let places =
            [_mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15)];
        let (mut low, mut high) =
            ([self.lower[first], self.lower[first + 1]], [self.upper[first], self.upper[first + 1]]);
        for (row, digit) in rows.iter().enumerate() {
            for place in 0..2 {
                let windows = slide.at(block + place);
                // In 16 lanes, digits behind the row begin at 2 · row + 1, and one further up for upper
                // halves.
                let lanes = |from: usize| ((0xffff_u32 << from) & 0xffff) as u16;
                let [lower, upper] = [2 * row + 1, 2 * row + 2].map(|from| lanes(from).to_le_bytes()[place]);
                if lower != 0 {
                    low[place] = _mm512_mask_madd52lo_epu64(low[place], lower, *digit, windows[LANES - row]);
                }
                if upper != 0 {
                    high[place] =
                        _mm512_mask_madd52hi_epu64(high[place], upper, *digit, windows[LANES - row - 1]);
                }
            }
        }
        for (low, places) in low.iter_mut().zip(places) {
            *low = _mm512_add_epi64(*low, _mm512_permutex2var_epi64(squares, places, above));
        }
        [self.lower[first], self.lower[first + 1]] = low;
        [self.upper[first], self.upper[first + 1]] = high;
    }
}

impl VectorArithmetic {
    /// Converts the values of the modulus to vectors.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn new(modulus: Modulus) -> Self {
        let fold = |digits: &Digits| {
            let number = vectors(digits);
            let slide = SlidingWindows::of(&number);
            [number, std::array::from_fn(|vector| slide.at(vector)[LANES - 1])]
        };
        Self {
            multiple: SlidingWindows::of(&vectors(&modulus.multiple)),
            fold_constants: std::array::from_fn(|place| fold(&modulus.places[place])),
            constants: modulus.constants,
        }
    }

    /// Computes a · b / R.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn mul(&self, a: &Digits, b: &Digits) -> Digits {
        self.reduce(Columns::of_product(a, b))
    }

    /// Computes a · a / R.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn square(&self, a: &Digits) -> Digits {
        self.reduce(Columns::of_square(a))
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn reduce(&self, mut columns: Columns) -> Digits {
        let mask = all(MASK);
        let mut before = _mm512_setzero_si512();
        let mut quotient = [0; LANES];
        for block in 0..REDUCED_BLOCKS {
            let sum = columns.sum(block);
            store(&mut quotient, propagate_carry(sum, mask, before));
            before = sum;
            columns.add_rows(block + 1, &rows(&quotient), &self.multiple);
        }
        self.fold(&mut columns);
        let mut digits = Digits::ZERO;
        for (vector, digits) in digits.0.iter_mut().enumerate() {
            let sum = columns.sum(REDUCED_BLOCKS + vector);
            store(digits, propagate_carry(sum, mask, before));
            before = sum;
        }
        digits
    }

    /// Replaces the last vector of columns by its value in lower places.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn fold(&self, columns: &mut Columns) {
        const LAST: usize = 2 * VECTORS - 1;
        let mask = all(MASK);
        // The very last digit keeps all its bits.
        let top = _mm512_mask_set1_epi64(mask, 0b1000_0000, -1);
        let (last, before) = (columns.sum(LAST), columns.sum(LAST - 1));
        let mut above = [0; LANES];
        store(&mut above, propagate_carry(last, top, before));
        // The carry of the column below is already in the digits.
        columns.lower[LAST - 1] = _mm512_mask_and_epi64(before, 0b1000_0000, before, mask);
        columns.upper[LAST - 1] = _mm512_setzero_si512();
        let rows = rows(&above);
        for vector in 0..VECTORS {
            let (mut low, mut high) =
                (columns.lower[REDUCED_BLOCKS + vector], columns.upper[REDUCED_BLOCKS + vector]);
            for (digit, [residue, shifted_residue]) in rows.iter().zip(&self.fold_constants) {
                low = _mm512_madd52lo_epu64(low, *digit, residue[vector]);
                high = _mm512_madd52hi_epu64(high, *digit, shifted_residue[vector]);
            }
            columns.lower[REDUCED_BLOCKS + vector] = low;
            columns.upper[REDUCED_BLOCKS + vector] = high;
        }
    }
}
