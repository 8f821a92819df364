//! One product spread over the lanes. Workers use it when fewer than three powers of one kind are due.
//!
//! The arithmetic is that of `lanes`. A vector holds four neighboring columns. The upper halves of products
//! belong one column higher and are summed separately, so that nothing is shifted before the end.

use std::arch::x86_64::*;

use super::super::fixed_window::Constants;
use super::digits::{BLOCK, DIGITS, Digits, Modulus, WIDTH};
use super::lanes::{
    BIAS, BIAS_CARRY, HALF, LAST, LOWER, UPPER, add, bias_at, carry, doubles, halves, integers, low,
    remove_bias,
};
use super::{load, load_integers, store, store_integers};

/// Zeros before the first digit, which allow rows to be shifted against it.
const LEADING_ZEROS: usize = 4;
/// Vectors of four that hold a number.
pub(super) const VECTORS: usize = DIGITS.div_ceil(4);
/// The length of a number with its zeros.
const PADDED: usize = LEADING_ZEROS + 4 * VECTORS;
/// Columns of a product, rounded up.
const COLUMNS: usize = 8 * VECTORS;

/// A number with zeros before and after it.
#[derive(Clone)]
#[repr(align(32))]
pub(super) struct PaddedDigits([f64; PADDED]);

/// The columns of a product: Σ lower[c] · 2^(51·c) + upper[c + 4] · 2^(51·(c + 1)).
#[derive(Clone)]
#[repr(align(32))]
struct ColumnSums {
    lower: [i64; COLUMNS],
    upper: [i64; LEADING_ZEROS + COLUMNS],
}

/// The arithmetic of one modulus for single numbers.
pub(super) struct Single {
    block: PaddedDigits,
    modulus_plus_one: PaddedDigits,
    pub(super) constants: Constants<PaddedDigits>,
    after_product: ColumnSums,
    after_square: ColumnSums,
}

impl PaddedDigits {
    pub(super) const ZERO: Self = Self([0.0; PADDED]);

    pub(super) fn of(digits: &Digits) -> Self {
        let mut one = Self::ZERO;
        one.0[LEADING_ZEROS..LEADING_ZEROS + DIGITS].copy_from_slice(digits);
        one
    }

    pub(super) fn digits(&self) -> Digits {
        std::array::from_fn(|place| self.0[LEADING_ZEROS + place])
    }

    /// Returns digits 4·vector to 4·vector + 3.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(super) fn vector(&self, vector: usize) -> __m256d {
        load(&self.0, LEADING_ZEROS + 4 * vector)
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(super) fn set_vector(&mut self, vector: usize, digits: __m256d) {
        store(&mut self.0, LEADING_ZEROS + 4 * vector, digits);
    }

    /// Returns a digit in all lanes.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn row(&self, place: usize) -> __m256d {
        doubles(self.0[LEADING_ZEROS + place])
    }

    /// Returns the four digits of a block, each in all lanes.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn rows(&self, block: usize) -> [__m256d; 4] {
        [self.row(4 * block), self.row(4 * block + 1), self.row(4 * block + 2), self.row(4 * block + 3)]
    }
}

/// Returns both halves of one product, without the bits of the constants.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn scalar_halves(a: f64, b: f64) -> (u64, u64) {
    let upper = a.mul_add(b, UPPER);
    let lower = a.mul_add(b, (UPPER + LOWER) - upper);
    (upper.to_bits().wrapping_sub(UPPER.to_bits()), lower.to_bits().wrapping_sub(LOWER.to_bits()))
}

impl ColumnSums {
    const ZERO: Self = Self { lower: [0; COLUMNS], upper: [0; LEADING_ZEROS + COLUMNS] };

    /// Returns columns `at` to `at` + 3.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn columns(&self, at: usize) -> __m256i {
        add(load_integers(&self.lower, at), load_integers(&self.upper, LEADING_ZEROS + at - 1))
    }

    fn column(&self, at: usize) -> u64 {
        self.lower[at].wrapping_add(self.upper[LEADING_ZEROS + at - 1]).cast_unsigned()
    }

    /// Adds the products of the rows with one vector of digits.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn add_vector<const ROWS: usize>(
        &mut self,
        at: usize,
        rows: &[__m256d; ROWS],
        digits: &PaddedDigits,
        vector: usize,
    ) {
        let mut lower = load_integers(&self.lower, at + 4 * vector);
        let mut upper = load_integers(&self.upper, LEADING_ZEROS + at + 4 * vector);
        for (row, factor) in rows.iter().enumerate() {
            let (above, below) = halves(*factor, load(&digits.0, LEADING_ZEROS + 4 * vector - row));
            lower = add(lower, below);
            upper = add(upper, above);
        }
        store_integers(&mut self.lower, at + 4 * vector, lower);
        store_integers(&mut self.upper, LEADING_ZEROS + at + 4 * vector, upper);
    }

    /// Adds `rows` · `digits` from column `at` on.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn add_rows<const ROWS: usize>(&mut self, at: usize, rows: &[__m256d; ROWS], digits: &PaddedDigits) {
        for vector in 0..VECTORS {
            self.add_vector(at, rows, digits, vector);
        }
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn add_product(&mut self, a: &PaddedDigits, b: &PaddedDigits) {
        for block in 0..VECTORS - 1 {
            self.add_rows(4 * block, &a.rows(block), b);
        }
        self.add_rows(DIGITS - 1, &[a.row(DIGITS - 1)], b);
    }

    /// Adds a · a. A block of rows skips the digits before it, multiplies its own once, and doubles those
    /// after it.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn add_square(&mut self, a: &PaddedDigits) {
        let mut multiplicand = PaddedDigits(a.0.map(|digit| digit + digit));
        for block in 0..VECTORS {
            multiplicand.set_vector(block, a.vector(block));
            if block > 0 {
                multiplicand.set_vector(block - 1, doubles(0.0));
            }
            if block + 1 == VECTORS {
                self.add_vector(4 * block, &[a.row(4 * block)], &multiplicand, block);
                return;
            }
            let rows = a.rows(block);
            // The vector that was just stored is loaded last.
            for vector in (block..VECTORS).rev() {
                self.add_vector(4 * block, &rows, &multiplicand, vector);
            }
        }
    }

    /// Clears the columns below [`LAST`], four at a time.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn clear_blocks(&mut self, block: &PaddedDigits) {
        for at in (0..LAST).step_by(BLOCK) {
            let column = self.columns(at);
            let carried = carry(column);
            // Each digit takes the carry of the one before. The first already has its carry.
            let moved = _mm256_permute4x64_epi64::<0b10_01_00_00>(carried);
            let moved = _mm256_blend_epi32::<0b0000_0011>(moved, integers(0));
            let out =
                _mm256_blend_epi32::<0b0000_0011>(integers(0), _mm256_permute4x64_epi64::<0b11>(carried));
            let lifts =
                [HALF, HALF + BIAS_CARRY, HALF + BIAS_CARRY, HALF + BIAS_CARRY].map(|bias| bias as f64);
            let digits = remove_bias(add(low(column), moved), load(&lifts, 0));
            let rows = [
                _mm256_permute4x64_pd::<0b00_00_00_00>(digits),
                _mm256_permute4x64_pd::<0b01_01_01_01>(digits),
                _mm256_permute4x64_pd::<0b10_10_10_10>(digits),
                _mm256_permute4x64_pd::<0b11_11_11_11>(digits),
            ];
            let next = add(load_integers(&self.lower, at + BLOCK), out);
            store_integers(&mut self.lower, at + BLOCK, next);
            self.add_rows(at + BLOCK, &rows, block);
        }
    }

    /// Computes the quotient of the last five digits by N. Each of its digits changes the columns of the next
    /// one.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn last_quotient(&mut self, modulus_plus_one: &PaddedDigits) -> [f64; 5] {
        let mut column: [u64; 6] = std::array::from_fn(|place| self.column(LAST + place));
        let mut quotient = [0.0; 5];
        for i in 0..5 {
            quotient[i] = (column[i] & ((1 << WIDTH) - 1)) as f64 - HALF as f64;
            let carried = column[i] >> WIDTH;
            column[i + 1] = column[i + 1].wrapping_add(carried);
            if i == 4 {
                self.lower[DIGITS] = self.lower[DIGITS].wrapping_add(carried.cast_signed());
            }
            for j in i + 1..5 {
                let (upper, lower) = scalar_halves(quotient[i], modulus_plus_one.0[LEADING_ZEROS + j - i]);
                column[j] = column[j].wrapping_add(lower);
                column[j + 1] = column[j + 1].wrapping_add(upper);
            }
        }
        quotient
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn clear_last(&mut self, quotient: [f64; 5], modulus_plus_one: &PaddedDigits) {
        let [a, b, c, d, e] = quotient.map(|digit| doubles(digit));
        self.add_rows(LAST, &[a, b, c, d], modulus_plus_one);
        self.add_rows(LAST + BLOCK, &[e], modulus_plus_one);
    }

    /// Returns the digits of the upper half, as in `lanes`.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn normalized(&mut self) -> PaddedDigits {
        // The carry of column 60 is already in the next one.
        self.lower[DIGITS - 1] = BIAS.cast_signed();
        self.upper[LEADING_ZEROS + DIGITS - 2] = 0;
        let mut one = PaddedDigits::ZERO;
        for vector in 0..VECTORS {
            let (column, before) = (self.columns(DIGITS + 4 * vector), self.columns(DIGITS + 4 * vector - 1));
            let bits = add(low(column), carry(before));
            one.set_vector(vector, remove_bias(bits, doubles((HALF + BIAS_CARRY) as f64)));
        }
        let carried = self.column(2 * DIGITS - 2) >> WIDTH;
        let last = self.column(2 * DIGITS - 1).wrapping_add(carried).wrapping_sub(BIAS + BIAS_CARRY);
        one.0[LEADING_ZEROS + DIGITS - 1] = last.cast_signed() as f64;
        one.0[LEADING_ZEROS + DIGITS..].fill(0.0);
        one
    }
}

impl Single {
    /// Converts the values of the modulus to padded digits.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn new(modulus: &Modulus) -> Self {
        // N + 1 has the first digit zero.
        let mut modulus_plus_one = PaddedDigits::of(&modulus.single);
        modulus_plus_one.0.rotate_right(1);
        let mut product = ColumnSums::ZERO;
        product.add_product(&PaddedDigits::ZERO, &PaddedDigits::ZERO);
        let mut square = ColumnSums::ZERO;
        square.add_square(&PaddedDigits::ZERO);
        Self {
            block: PaddedDigits::of(&modulus.block),
            modulus_plus_one,
            constants: modulus.constants.map(PaddedDigits::of),
            after_product: Self::start(product),
            after_square: Self::start(square),
        }
    }

    /// Returns the start value of sums: minus the sums that multiplying zeros leaves, plus the bias.
    #[target_feature(enable = "avx2,fma")]
    fn start(mut sums: ColumnSums) -> ColumnSums {
        for at in (0..LAST).step_by(BLOCK) {
            sums.add_rows(at + BLOCK, &[doubles(0.0); 4], &PaddedDigits::ZERO);
        }
        let before = sums.clone();
        sums.clear_last([0.0; 5], &PaddedDigits::ZERO);
        // The last five columns are read before a multiple of N is added to them.
        sums.lower[..DIGITS].copy_from_slice(&before.lower[..DIGITS]);
        sums.upper[..LEADING_ZEROS + DIGITS - 1].copy_from_slice(&before.upper[..LEADING_ZEROS + DIGITS - 1]);
        for (at, sum) in sums.lower.iter_mut().enumerate() {
            *sum = bias_at(at).cast_signed().wrapping_sub(*sum);
        }
        sums.upper.iter_mut().for_each(|sum| *sum = sum.wrapping_neg());
        sums
    }

    /// Computes a · b / R.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn mul(&self, a: &PaddedDigits, b: &PaddedDigits) -> PaddedDigits {
        let mut sums = self.after_product.clone();
        sums.add_product(a, b);
        self.reduce(sums)
    }

    /// Computes a · a / R.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn square(&self, a: &PaddedDigits) -> PaddedDigits {
        let mut sums = self.after_square.clone();
        sums.add_square(a);
        self.reduce(sums)
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn reduce(&self, mut sums: ColumnSums) -> PaddedDigits {
        sums.clear_blocks(&self.block);
        let quotient = sums.last_quotient(&self.modulus_plus_one);
        sums.clear_last(quotient, &self.modulus_plus_one);
        sums.normalized()
    }
}
