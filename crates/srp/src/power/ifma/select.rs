//! Numbers out of tables, without a trace of which: all of a table is read, and what is wanted is kept by a mask.

use std::arch::x86_64::*;

use super::digits::Digits;
use super::product::VECTORS;
use super::{load, store};

/// An entry of the table.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn entry(table: &[Digits], secret_index: u64) -> Digits {
    let secret_index = _mm512_set1_epi64(secret_index.cast_signed());
    let mut selected = [_mm512_setzero_si512(); VECTORS];
    let mut index = _mm512_setzero_si512();
    for entry in table {
        let mask = _mm512_cmpeq_epi64_mask(index, secret_index);
        for (selected, vector) in selected.iter_mut().zip(&entry.0) {
            *selected = _mm512_mask_mov_epi64(*selected, mask, load(vector));
        }
        index = _mm512_add_epi64(index, _mm512_set1_epi64(1));
    }
    let mut digits = Digits::ZERO;
    for (digits, vector) in digits.0.iter_mut().zip(selected) {
        store(digits, vector);
    }
    digits
}
