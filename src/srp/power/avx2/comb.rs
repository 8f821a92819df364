//! Powers of one base that is known beforehand, by Lim and Lee's comb: from a table that a core's own cache holds.
//!
//! The exponent's bits are laid out in six rows, the comb's teeth, and each row is cut into blocks. One look into the
//! table takes a bit of every tooth; squarings are shared by all blocks. Larger tables without squarings are slower: they
//! must be read whole, and come from memory.
//!
//! | class | blocks | products | squarings | table |
//! |---|---|---|---|---|
//! | 256 bits | 4 | 44 | 11 | 125 KB |
//! | 513 bits | 4 | 88 | 22 | 125 KB |
//! | 1025 bits | 8 | 176 | 22 | 250 KB |
//!
//! C. H. Lim and P. J. Lee, "More flexible exponentiation with precomputation", CRYPTO '94.

use std::arch::x86_64::*;

use super::super::digits::{DIGITS, Digits};
use super::super::{ExponentClass, offer_core, window};
use super::ladder::{Windows, choice_bits, choose};
use super::lanes::{self, Four, Lanes, doubles, integers};
use super::load;
use super::single::{One, Single};

/// Rows of the exponent.
const TEETH: u32 = 6;
/// What one look into the table may find.
const CHOICES: usize = 1 << TEETH;

/// One digit of all choices: a block's table is read digit by digit, from front to back.
type Choices = [f64; CHOICES];

/// The table of one base and one class.
pub(super) struct Comb {
    /// Bits from tooth to tooth.
    tooth: u32,
    /// Bits from block to block.
    block: u32,
    blocks: u32,
    /// In Montgomery's form; [`DIGITS`] to a block.
    table: Vec<Choices>,
}

impl Comb {
    /// The comb of this base for exponents of this class.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn new(lanes: &Lanes, single: &Single, base: &Digits, class: ExponentClass) -> Self {
        let blocks = if matches!(class, ExponentClass::Bits1025) { 8 } else { 4 };
        let tooth = class.bits().div_ceil(TEETH);
        let mut comb = Self { tooth, block: tooth.div_ceil(blocks), blocks, table: Vec::new() };
        comb.table = vec![[0.0; CHOICES]; blocks as usize * DIGITS];
        // The base to the powers 2^0, 2^1, 2^2 …
        let mut squares = vec![single.enter(base)];
        for index in 1..(TEETH * tooth + comb.block * blocks) as usize {
            squares.push(single.square(&squares[index - 1]));
        }
        for group in 0..blocks / 4 {
            let four: [u32; 4] = std::array::from_fn(|lane| 4 * group + lane as u32);
            let unit = |tooth_number: u32| {
                let at = four.map(|block| (tooth_number * comb.tooth + block * comb.block) as usize);
                at.map(|at| squares[at].digits())
            };
            comb.fill(lanes, group, &std::array::from_fn(|tooth| unit(tooth as u32)));
        }
        comb
    }

    /// Fills four blocks: every choice is the product of the units of its bits.
    #[target_feature(enable = "avx2,fma")]
    fn fill(&mut self, lanes: &Lanes, group: u32, units: &[[Digits; 4]; TEETH as usize]) {
        let mut products = vec![lanes.one];
        for choice in 1..CHOICES {
            let unit = lanes::gather(units[choice.trailing_zeros() as usize].each_ref());
            products.push(lanes.mul(&products[choice & (choice - 1)], &unit));
        }
        let tables = self.table[4 * group as usize * DIGITS..].chunks_mut(DIGITS);
        for (lane, table) in tables.take(4).enumerate() {
            for (choice, product) in products.iter().enumerate() {
                for (choices, digit) in table.iter_mut().zip(lanes::scatter(product)[lane]) {
                    choices[choice] = digit;
                }
            }
        }
    }

    /// The digits of a block's choices.
    fn choices(&self, block: u32) -> &[Choices] {
        &self.table[block as usize * DIGITS..][..DIGITS]
    }

    /// Which choice this exponent makes in this block's column.
    fn wanted(&self, exponent: &Windows, block: u32, column: u32) -> u64 {
        let within = block * self.block + column;
        if within >= self.tooth {
            return 0;
        }
        let bit = |tooth: u32| u64::from(window(&exponent.limbs, tooth * self.tooth + within, 1)) << tooth;
        (0..TEETH).map(bit).sum()
    }

    /// The base to this power.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn raise(&self, single: &Single, exponent: &Windows) -> Digits {
        let mut power = single.one.clone();
        for column in (0..self.block).rev() {
            offer_core(column);
            power = single.square(&power);
            for block in 0..self.blocks {
                power = single.mul(&power, &self.pick(block, self.wanted(exponent, block, column)));
            }
        }
        single.leave(&power)
    }

    /// The base to four powers at once.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn raise_four(&self, lanes: &Lanes, exponents: &[Windows; 4]) -> [Digits; 4] {
        let mut power = lanes.one;
        for column in (0..self.block).rev() {
            offer_core(column);
            power = lanes.square(&power);
            for block in 0..self.blocks {
                let [a, b, c, d] = exponents.each_ref().map(|e| self.wanted(e, block, column).cast_signed());
                power = lanes.mul(&power, &self.pick_four(block, _mm256_setr_epi64x(a, b, c, d)));
            }
        }
        lanes::scatter(&lanes.mul(&power, &lanes.leave))
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn pick(&self, block: u32, wanted: u64) -> One {
        let mut masks = [doubles(0.0); CHOICES / 4];
        for (quad, mask) in masks.iter_mut().enumerate() {
            let first = 4 * quad as i64;
            let choices = _mm256_setr_epi64x(first, first + 1, first + 2, first + 3);
            *mask = _mm256_castsi256_pd(_mm256_cmpeq_epi64(integers(wanted), choices));
        }
        let mut digits = [0.0; DIGITS];
        for (digit, choices) in digits.iter_mut().zip(self.choices(block)) {
            let mut sum = doubles(0.0);
            for (quad, mask) in masks.iter().enumerate() {
                sum = _mm256_or_pd(sum, _mm256_and_pd(load(choices, 4 * quad), *mask));
            }
            // Three lanes are zero.
            let half = _mm_or_pd(_mm256_castpd256_pd128(sum), _mm256_extractf128_pd::<1>(sum));
            *digit = _mm_cvtsd_f64(_mm_or_pd(half, _mm_unpackhi_pd(half, half)));
        }
        One::of(&digits)
    }

    /// A choice for each lane: of four neighbours by a permutation, and of sixteen such fours by blends.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn pick_four(&self, block: u32, wanted: __m256i) -> Four {
        let within = _mm256_slli_epi64::<1>(_mm256_and_si256(wanted, integers(3)));
        // A double is moved as two halves, with a place each.
        let places = _mm256_or_si256(within, _mm256_slli_epi64::<32>(within));
        let places = _mm256_or_si256(places, integers(1 << 32));
        let quads = choice_bits(_mm256_srli_epi64::<2>(wanted));
        let mut picked = [doubles(0.0); DIGITS];
        for (picked, choices) in picked.iter_mut().zip(self.choices(block)) {
            let quad = |quad: usize| _mm256_castpd_ps(load(choices, 4 * quad));
            let permuted = |index| _mm256_castps_pd(_mm256_permutevar8x32_ps(quad(index), places));
            *picked = choose(permuted, &quads);
        }
        picked
    }
}
