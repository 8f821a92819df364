//! Four products at once, one per lane. Workers use them when at least three powers of one kind are due.
//!
//! A product is a triangle of digit products, summed in columns. Two fused multiply-adds split each digit
//! product. `a·b + 1.5·2^103` rounds to a multiple of 2^51 and has it in its low bits. The remainder is
//! added to 1.5·2^52 and is then in the low bits of that sum. Both halves are summed as integers, including
//! the bits of these two constants. [`Lanes::new`] multiplies zeros to find the sums of the constants, and
//! every product starts from minus these sums.
//!
//! Columns stay far below 2^62: 122 products of |a·b| ≤ 2^102 add at most 2^51 + 2^50 each to a column.

use std::arch::x86_64::*;

use super::super::fixed_window::Constants;
use super::digits::{BLOCK, DIGITS, Digits, Modulus, WIDTH};
use super::store;

/// Four numbers, digit by digit.
pub(super) type LaneDigits = [__m256d; DIGITS];
/// The columns of a product.
type Columns = [__m256i; 2 * DIGITS];

/// The low bits of this double count multiples of 2^51.
pub(super) const UPPER: f64 = 1.5 * ((1u64 << 52) as f64) * ((1u64 << WIDTH) as f64);
/// The low bits of this double count ones.
pub(super) const LOWER: f64 = 1.5 * ((1u64 << 52) as f64);
/// The bias makes columns positive, so that a logical shift replaces an arithmetic one, and rounds digits to
/// the nearest.
pub(super) const BIAS: u64 = (1 << 62) + HALF;
/// The carry of [`BIAS`] into the next column.
pub(super) const BIAS_CARRY: u64 = 1 << (62 - WIDTH);
pub(super) const HALF: u64 = 1 << (WIDTH - 1);
const MASK: u64 = (1 << WIDTH) - 1;
/// The column of the last block. N itself clears the last five columns, so that the result is between −N and
/// N.
pub(super) const LAST: usize = DIGITS - 1 - BLOCK;

/// The arithmetic of one modulus in four lanes.
pub(super) struct Lanes {
    block: LaneDigits,
    single: LaneDigits,
    pub(super) constants: Constants<LaneDigits>,
    after_product: Columns,
    after_square: Columns,
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn doubles(value: f64) -> __m256d {
    _mm256_set1_pd(value)
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn integers(value: u64) -> __m256i {
    _mm256_set1_epi64x(value.cast_signed())
}

/// Returns the same number in all lanes.
#[target_feature(enable = "avx2,fma")]
pub(super) fn broadcast(digits: &Digits) -> LaneDigits {
    let mut four = [doubles(0.0); DIGITS];
    for (all, digit) in four.iter_mut().zip(digits) {
        *all = doubles(*digit);
    }
    four
}

/// Returns four numbers, one per lane.
#[target_feature(enable = "avx2,fma")]
pub(super) fn gather(numbers: [&Digits; 4]) -> LaneDigits {
    let mut four = [doubles(0.0); DIGITS];
    for (place, all) in four.iter_mut().enumerate() {
        let [a, b, c, d] = numbers.map(|digits| digits[place]);
        *all = _mm256_setr_pd(a, b, c, d);
    }
    four
}

/// Returns the numbers of the lanes.
#[target_feature(enable = "avx2,fma")]
pub(super) fn scatter(four: &LaneDigits) -> [Digits; 4] {
    let mut numbers = [[0.0; DIGITS]; 4];
    for (place, all) in four.iter().enumerate() {
        let mut digits = [0.0; 4];
        store(&mut digits, 0, *all);
        for (number, digit) in numbers.iter_mut().zip(digits) {
            number[place] = digit;
        }
    }
    numbers
}

/// Returns the upper and the lower half of a · b, each including the bits of its constant.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn halves(a: __m256d, b: __m256d) -> (__m256i, __m256i) {
    let upper = _mm256_fmadd_pd(a, b, doubles(UPPER));
    let lower = _mm256_fmadd_pd(a, b, _mm256_sub_pd(doubles(UPPER + LOWER), upper));
    (_mm256_castpd_si256(upper), _mm256_castpd_si256(lower))
}

#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn add(a: __m256i, b: __m256i) -> __m256i {
    _mm256_add_epi64(a, b)
}

/// Returns the low 51 bits of a biased column.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn low(column: __m256i) -> __m256i {
    _mm256_and_si256(column, integers(MASK))
}

/// Returns the carry of a biased column into the next one.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn carry(column: __m256i) -> __m256i {
    _mm256_srli_epi64::<{ WIDTH as i32 }>(column)
}

/// Returns the whole numbers from 0 to 2^52 in these bits, minus `bias`.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn remove_bias(bits: __m256i, bias: __m256d) -> __m256d {
    const TWO_52: f64 = (1u64 << 52) as f64;
    let number = _mm256_castsi256_pd(_mm256_or_si256(bits, _mm256_castpd_si256(doubles(TWO_52))));
    _mm256_sub_pd(number, _mm256_add_pd(doubles(TWO_52), bias))
}

/// Does the same with one bias for all lanes.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn remove_uniform_bias(bits: __m256i, bias: u64) -> __m256d {
    remove_bias(bits, doubles(bias as f64))
}

/// Returns the last digit from its column. It may be negative and keeps all its bits.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn last_digit(column: __m256i, carried: __m256i) -> __m256d {
    let value = _mm256_sub_epi64(add(column, carried), integers(BIAS + BIAS_CARRY));
    let bits = add(value, _mm256_castpd_si256(doubles(LOWER)));
    _mm256_sub_pd(_mm256_castsi256_pd(bits), doubles(LOWER))
}

/// Adds `rows[0..4]` · `digits` to the columns from the first on. `columns` has four more than `digits`.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn add_four_rows(columns: &mut [__m256i], rows: [__m256d; 4], digits: &[__m256d]) {
    // Each digit completes one column while four more are open. Five variables rotate through these roles.
    macro_rules! column {
        ($columns:ident, $digits:ident, $at:literal, $a:ident $b:ident $c:ident $d:ident $e:ident) => {
            $e = $columns[$at + 4];
            let (upper, lower) = halves(rows[0], $digits[$at]);
            ($a, $b) = (add($a, lower), add($b, upper));
            $columns[$at] = $a;
            let (upper, lower) = halves(rows[1], $digits[$at]);
            ($b, $c) = (add($b, lower), add($c, upper));
            let (upper, lower) = halves(rows[2], $digits[$at]);
            ($c, $d) = (add($c, lower), add($d, upper));
            let (upper, lower) = halves(rows[3], $digits[$at]);
            ($d, $e) = (add($d, lower), add($e, upper));
        };
    }
    let columns = &mut columns[..digits.len() + 4];
    let (mut a, mut b, mut c, mut d) = (columns[0], columns[1], columns[2], columns[3]);
    let mut e;
    let (fives, rest) = digits.as_chunks::<5>();
    let mut at = 0;
    for five in fives {
        let Some(columns) = columns[at..].first_chunk_mut::<9>() else {
            unreachable!("four more than digits")
        };
        column!(columns, five, 0, a b c d e);
        column!(columns, five, 1, b c d e a);
        column!(columns, five, 2, c d e a b);
        column!(columns, five, 3, d e a b c);
        column!(columns, five, 4, e a b c d);
        at += 5;
    }
    for one in rest.as_chunks::<1>().0 {
        let Some(columns) = columns[at..].first_chunk_mut::<5>() else {
            unreachable!("four more than digits")
        };
        column!(columns, one, 0, a b c d e);
        (a, b, c, d) = (b, c, d, e);
        at += 1;
    }
    columns[at..].copy_from_slice(&[a, b, c, d]);
}

/// Adds `row` · `digits` to the columns from the first on. `columns` has one more than `digits`.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn add_row(columns: &mut [__m256i], row: __m256d, digits: &[__m256d]) {
    let columns = &mut columns[..=digits.len()];
    let mut sum = columns[0];
    for (at, digit) in digits.iter().enumerate() {
        let (upper, lower) = halves(row, *digit);
        columns[at] = add(sum, lower);
        sum = add(columns[at + 1], upper);
    }
    columns[digits.len()] = sum;
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn add_product(columns: &mut Columns, a: &LaneDigits, b: &LaneDigits) {
    let (rows, last) = a.as_chunks::<4>();
    for (block, row) in rows.iter().enumerate() {
        add_four_rows(&mut columns[4 * block..], *row, b);
    }
    add_row(&mut columns[DIGITS - 1..], last[0], b);
}

/// Adds a · a, with every product of two different digits computed once and doubled.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn add_square(columns: &mut Columns, a: &LaneDigits) {
    let (rows, last) = a.as_chunks::<4>();
    for (block, row) in rows.iter().enumerate() {
        let at = 8 * block;
        let doubled = row.map(|digit| _mm256_add_pd(digit, digit));
        let Some(corner) = columns[at..].first_chunk_mut::<8>() else {
            unreachable!("columns for every row")
        };
        for i in 0..4 {
            for j in i..4 {
                let (upper, lower) = halves(if i == j { row[i] } else { doubled[i] }, row[j]);
                corner[i + j] = add(corner[i + j], lower);
                corner[i + j + 1] = add(corner[i + j + 1], upper);
            }
        }
        add_four_rows(&mut columns[at + 4..], doubled, &a[4 * (block + 1)..]);
    }
    add_row(&mut columns[2 * (DIGITS - 1)..], last[0], &last[..1]);
}

/// Returns the bias of a column at the start of a product. Columns that take a carry lack the bias's own
/// carry.
pub(super) const fn bias_at(column: usize) -> u64 {
    let carried =
        (column > 0 && column <= LAST && column.is_multiple_of(BLOCK)) || (LAST < column && column <= DIGITS);
    BIAS - if carried { BIAS_CARRY } else { 0 }
}

impl Lanes {
    /// Converts the values of the modulus to lanes.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn new(modulus: &Modulus) -> Self {
        let zero = [doubles(0.0); DIGITS];
        let (mut product, mut square) = ([integers(0); 2 * DIGITS], [integers(0); 2 * DIGITS]);
        add_product(&mut product, &zero, &zero);
        add_square(&mut square, &zero);
        Self {
            block: broadcast(&modulus.block),
            single: broadcast(&modulus.single),
            constants: modulus.constants.map(|digits| broadcast(digits)),
            after_product: Self::start(product),
            after_square: Self::start(square),
        }
    }

    /// Returns the start value of sums: minus the sums that multiplying zeros leaves, plus the bias.
    #[target_feature(enable = "avx2,fma")]
    fn start(mut sums: Columns) -> Columns {
        let zero = [doubles(0.0); DIGITS];
        for at in (0..LAST).step_by(BLOCK) {
            add_four_rows(&mut sums[at + BLOCK..], [doubles(0.0); 4], &zero);
        }
        add_four_rows(&mut sums[LAST + 1..], [doubles(0.0); 4], &zero[..DIGITS - 1]);
        add_row(&mut sums[DIGITS..], doubles(0.0), &zero[..DIGITS - 1]);
        for (at, sum) in sums.iter_mut().enumerate() {
            *sum = _mm256_sub_epi64(integers(bias_at(at)), *sum);
        }
        sums
    }

    /// Computes a · b / R.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn mul(&self, a: &LaneDigits, b: &LaneDigits) -> LaneDigits {
        let mut columns = self.after_product;
        add_product(&mut columns, a, b);
        self.reduce(columns)
    }

    /// Computes a · a / R.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn square(&self, a: &LaneDigits) -> LaneDigits {
        let mut columns = self.after_square;
        add_square(&mut columns, a);
        self.reduce(columns)
    }

    /// Adds multiples of N until the lower half is zero. Returns the upper half, which is between −N and N.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn reduce(&self, mut columns: Columns) -> LaneDigits {
        for at in (0..LAST).step_by(BLOCK) {
            let column: [__m256i; 4] = std::array::from_fn(|place| columns[at + place]);
            let mut quotient = [doubles(0.0); 4];
            let mut carried = integers(BIAS_CARRY);
            for (place, column) in column.into_iter().enumerate() {
                // The first digit takes no carry, because the block before added it to the column.
                let bias = if place == 0 { HALF } else { HALF + BIAS_CARRY };
                let bits = if place == 0 { low(column) } else { add(low(column), carried) };
                quotient[place] = remove_uniform_bias(bits, bias);
                carried = carry(column);
            }
            columns[at + BLOCK] = add(columns[at + BLOCK], carried);
            add_four_rows(&mut columns[at + BLOCK..], quotient, &self.block);
        }
        let quotient = self.last_quotient(&mut columns);
        add_four_rows(&mut columns[LAST + 1..], quotient, &self.single[..DIGITS - 1]);
        let column = columns[DIGITS - 1];
        columns[DIGITS] = add(columns[DIGITS], carry(column));
        add_row(&mut columns[DIGITS..], remove_uniform_bias(low(column), HALF), &self.single[..DIGITS - 1]);
        normalized(&columns)
    }

    /// Computes the quotient of the last block by N. Each of its digits changes the columns of the next one.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn last_quotient(&self, columns: &mut Columns) -> [__m256d; 4] {
        let at = LAST;
        let mut column = [columns[at], columns[at + 1], columns[at + 2], columns[at + 3], columns[at + 4]];
        let mut quotient = [doubles(0.0); 4];
        for i in 0..4 {
            quotient[i] = remove_uniform_bias(low(column[i]), HALF);
            column[i + 1] = add(column[i + 1], carry(column[i]));
            for j in i + 1..4 {
                let (upper, lower) = halves(quotient[i], self.single[j - i - 1]);
                column[j] = add(column[j], lower);
                // The product with the whole quotient changes the next block's columns later.
                if j < 3 {
                    column[j + 1] = add(column[j + 1], upper);
                }
            }
        }
        columns[at + 4] = column[4];
        quotient
    }
}

/// Returns the digits of the upper half. Each digit keeps its low bits and takes the carry of the one before,
/// which makes it slightly larger than 2^50 at most. No carry propagates further.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn normalized(columns: &Columns) -> LaneDigits {
    let mut four = [doubles(0.0); DIGITS];
    let mut carried = integers(BIAS_CARRY);
    for (digit, column) in four.iter_mut().zip(&columns[DIGITS..2 * DIGITS - 1]) {
        *digit = remove_uniform_bias(add(low(*column), carried), HALF + BIAS_CARRY);
        carried = carry(*column);
    }
    four[DIGITS - 1] = last_digit(columns[2 * DIGITS - 1], carried);
    four
}
