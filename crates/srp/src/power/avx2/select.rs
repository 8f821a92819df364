//! Table lookups that hide the index: they read the whole table and select by masks or blends.

use std::arch::x86_64::*;

use super::digits::DIGITS;
use super::lanes::{LaneDigits, doubles, integers};
use super::load;
use super::single::{PaddedDigits, VECTORS};

/// The number of teeth of a comb.
pub(super) const TEETH: u32 = 6;
const CHOICES: usize = 1 << TEETH;

/// One digit of all entries of a comb's block. A block is read digit by digit, from front to back.
pub(super) type Choices = [f64; CHOICES];

/// Returns the table of one block of a comb: item n contains digit n of all entries.
pub(super) fn build_comb_table(entries: &[PaddedDigits]) -> Vec<Choices> {
    let mut table = vec![[0.0; CHOICES]; DIGITS];
    for (choice, entry) in entries.iter().enumerate() {
        for (choices, digit) in table.iter_mut().zip(entry.digits()) {
            choices[choice] = digit;
        }
    }
    table
}

/// Returns the table of numbers of four lanes, digit by digit.
#[target_feature(enable = "avx2,fma")]
pub(super) fn build_lane_table(entries: &[LaneDigits]) -> Vec<__m256d> {
    let mut table = vec![doubles(0.0); entries.len() * DIGITS];
    for (index, entry) in entries.iter().enumerate() {
        for (entries, digit) in table.chunks_mut(entries.len()).zip(entry) {
            entries[index] = *digit;
        }
    }
    table
}

/// Returns all ones in the lanes where `secret_index` is `index`.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn mask(secret_index: __m256i, index: usize) -> __m256d {
    _mm256_castsi256_pd(_mm256_cmpeq_epi64(secret_index, integers(index as u64)))
}

/// Returns an entry of the table.
#[target_feature(enable = "avx2,fma")]
pub(super) fn entry(table: &[PaddedDigits], secret_index: u64) -> PaddedDigits {
    let secret_index = integers(secret_index);
    let mut selected = PaddedDigits::ZERO;
    for vector in 0..VECTORS {
        let mut sum = doubles(0.0);
        for (index, entry) in table.iter().enumerate() {
            sum = _mm256_or_pd(sum, _mm256_and_pd(entry.vector(vector), mask(secret_index, index)));
        }
        selected.set_vector(vector, sum);
    }
    selected
}

/// Returns an entry of the table for each lane.
#[target_feature(enable = "avx2,fma")]
pub(super) fn four_entries(table: &[__m256d], secret_index: [u64; 4]) -> LaneDigits {
    let secret_index = lanes_of(secret_index);
    let (low, high) = (choice_bits(secret_index), sign(secret_index, 4));
    let mut selected = [doubles(0.0); DIGITS];
    for (selected, entries) in selected.iter_mut().zip(table.chunks(table.len() / DIGITS)) {
        let (sixteen, more) =
            entries.as_chunks::<16>().0.split_first().unwrap_or_else(|| unreachable!("16 or 32"));
        *selected = choose(|index| sixteen[index], &low);
        if let Some(more) = more.first() {
            *selected = _mm256_blendv_pd(*selected, choose(|index| more[index], &low), high);
        }
    }
    selected
}

/// Returns an entry of a comb's block.
#[target_feature(enable = "avx2,fma")]
pub(super) fn choice(table: &[Choices], secret_index: u64) -> PaddedDigits {
    let mut masks = [doubles(0.0); CHOICES / 4];
    for (quad, mask) in masks.iter_mut().enumerate() {
        let first = 4 * quad as i64;
        let choices = _mm256_setr_epi64x(first, first + 1, first + 2, first + 3);
        *mask = _mm256_castsi256_pd(_mm256_cmpeq_epi64(integers(secret_index), choices));
    }
    let mut digits = [0.0; DIGITS];
    for (digit, choices) in digits.iter_mut().zip(table) {
        let mut sum = doubles(0.0);
        for (quad, mask) in masks.iter().enumerate() {
            sum = _mm256_or_pd(sum, _mm256_and_pd(load(choices, 4 * quad), *mask));
        }
        // Three of the four lanes are zero.
        let half = _mm_or_pd(_mm256_castpd256_pd128(sum), _mm256_extractf128_pd::<1>(sum));
        *digit = _mm_cvtsd_f64(_mm_or_pd(half, _mm_unpackhi_pd(half, half)));
    }
    PaddedDigits::of(&digits)
}

/// Returns an entry for each lane: a permutation selects from four neighbors, and blends select from sixteen
/// such results.
#[target_feature(enable = "avx2,fma")]
pub(super) fn four_choices(table: &[Choices], secret_index: [u64; 4]) -> LaneDigits {
    let secret_index = lanes_of(secret_index);
    let within = _mm256_slli_epi64::<1>(_mm256_and_si256(secret_index, integers(3)));
    // A double is permuted as two halves, each with its own index.
    let places = _mm256_or_si256(within, _mm256_slli_epi64::<32>(within));
    let places = _mm256_or_si256(places, integers(1 << 32));
    let quads = choice_bits(_mm256_srli_epi64::<2>(secret_index));
    let mut selected = [doubles(0.0); DIGITS];
    for (selected, choices) in selected.iter_mut().zip(table) {
        let quad = |quad: usize| _mm256_castpd_ps(load(choices, 4 * quad));
        let permuted = |index| _mm256_castps_pd(_mm256_permutevar8x32_ps(quad(index), places));
        *selected = choose(permuted, &quads);
    }
    selected
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn lanes_of(secret_index: [u64; 4]) -> __m256i {
    let [a, b, c, d] = secret_index.map(u64::cast_signed);
    _mm256_setr_epi64x(a, b, c, d)
}

/// Returns one bit of each lane as the sign bit, which blends read.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn sign(secret_index: __m256i, bit: u32) -> __m256d {
    _mm256_castsi256_pd(_mm256_sllv_epi64(secret_index, integers(63 - u64::from(bit))))
}

/// Returns the four low bits of each lane, for [`choose`].
#[target_feature(enable = "avx2,fma")]
#[inline]
fn choice_bits(secret_index: __m256i) -> [__m256d; 4] {
    [sign(secret_index, 0), sign(secret_index, 1), sign(secret_index, 2), sign(secret_index, 3)]
}

/// Returns one of sixteen values for each lane. It computes all of them and blends them pairwise.
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
