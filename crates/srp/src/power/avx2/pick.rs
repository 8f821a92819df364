//! Numbers out of tables, without a trace of which: all of a table is read, and what is wanted is kept by masks or blends.

use std::arch::x86_64::*;

use super::digits::DIGITS;
use super::lanes::{Four, doubles, integers};
use super::load;
use super::single::{One, VECTORS};

/// Teeth of a comb.
pub(super) const TEETH: u32 = 6;
const CHOICES: usize = 1 << TEETH;

/// One digit of all choices of a comb's block: the block is read digit by digit, from front to back.
pub(super) type Choices = [f64; CHOICES];

/// A comb's block, by digits.
pub(super) fn lay_choices(entries: &[One]) -> Vec<Choices> {
    let mut table = vec![[0.0; CHOICES]; DIGITS];
    for (choice, entry) in entries.iter().enumerate() {
        for (choices, digit) in table.iter_mut().zip(entry.digits()) {
            choices[choice] = digit;
        }
    }
    table
}

/// Numbers of four lanes, digit by digit.
#[target_feature(enable = "avx2,fma")]
pub(super) fn lay_four(entries: &[Four]) -> Vec<__m256d> {
    let mut table = vec![doubles(0.0); entries.len() * DIGITS];
    for (index, entry) in entries.iter().enumerate() {
        for (entries, digit) in table.chunks_mut(entries.len()).zip(entry) {
            entries[index] = *digit;
        }
    }
    table
}

/// All ones in the lanes where `wanted` is `index`.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn mask(wanted: __m256i, index: usize) -> __m256d {
    _mm256_castsi256_pd(_mm256_cmpeq_epi64(wanted, integers(index as u64)))
}

/// An entry of the table.
#[target_feature(enable = "avx2,fma")]
pub(super) fn entry(table: &[One], wanted: u64) -> One {
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

/// An entry of the table for each lane.
#[target_feature(enable = "avx2,fma")]
pub(super) fn four_entries(table: &[__m256d], wanted: [u64; 4]) -> Four {
    let wanted = lanes_of(wanted);
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

/// A choice of a comb's block.
#[target_feature(enable = "avx2,fma")]
pub(super) fn choice(table: &[Choices], wanted: u64) -> One {
    let mut masks = [doubles(0.0); CHOICES / 4];
    for (quad, mask) in masks.iter_mut().enumerate() {
        let first = 4 * quad as i64;
        let choices = _mm256_setr_epi64x(first, first + 1, first + 2, first + 3);
        *mask = _mm256_castsi256_pd(_mm256_cmpeq_epi64(integers(wanted), choices));
    }
    let mut digits = [0.0; DIGITS];
    for (digit, choices) in digits.iter_mut().zip(table) {
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
pub(super) fn four_choices(table: &[Choices], wanted: [u64; 4]) -> Four {
    let wanted = lanes_of(wanted);
    let within = _mm256_slli_epi64::<1>(_mm256_and_si256(wanted, integers(3)));
    // A double is moved as two halves, with a place each.
    let places = _mm256_or_si256(within, _mm256_slli_epi64::<32>(within));
    let places = _mm256_or_si256(places, integers(1 << 32));
    let quads = choice_bits(_mm256_srli_epi64::<2>(wanted));
    let mut picked = [doubles(0.0); DIGITS];
    for (picked, choices) in picked.iter_mut().zip(table) {
        let quad = |quad: usize| _mm256_castpd_ps(load(choices, 4 * quad));
        let permuted = |index| _mm256_castps_pd(_mm256_permutevar8x32_ps(quad(index), places));
        *picked = choose(permuted, &quads);
    }
    picked
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn lanes_of(wanted: [u64; 4]) -> __m256i {
    let [a, b, c, d] = wanted.map(u64::cast_signed);
    _mm256_setr_epi64x(a, b, c, d)
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
fn choice_bits(wanted: __m256i) -> [__m256d; 4] {
    [sign(wanted, 0), sign(wanted, 1), sign(wanted, 2), sign(wanted, 3)]
}

/// One of sixteen for each lane. All are taken, and blended two by two.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn choose(choice: impl Fn(usize) -> __m256d, bits: &[__m256d; 4]) -> __m256d {
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
