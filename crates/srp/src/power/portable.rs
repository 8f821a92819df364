//! Modular powers on any CPU, with `num-bigint`.
//!
//! The portable backend computes g^e as a product of one table entry for every five bits of e, without
//! squarings. The table has 6,560 entries and 3 MB, and is built at first use. Secret bits select the
//! entries, so the time is not constant.

use std::iter::successors;
use std::sync::LazyLock;

use num_bigint::BigUint;

use super::super::prime;
use super::{ExponentClass, Modexp, window};

/// Bits of a window.
const WINDOW: u32 = 5;

/// For each window, the powers 0 to 31 of g^(2^(5·window)).
static TABLE: LazyLock<Vec<Vec<BigUint>>> = LazyLock::new(|| {
    let windows = ExponentClass::Bits1025.bits().div_ceil(WINDOW) as usize;
    let next_base = |base: &BigUint| Some(base.modpow(&BigUint::from(1u8 << WINDOW), prime::n()));
    let row = |base: BigUint| {
        successors(Some(BigUint::from(1u8)), |last| Some(last * &base % prime::n()))
            .take(1 << WINDOW)
            .collect()
    };
    successors(Some(prime::g().clone()), next_base).take(windows).map(row).collect()
});

/// Computes a power with `modpow`. The reference backend uses only this function.
pub(super) fn reference(power: &Modexp) -> BigUint {
    power.base.as_ref().unwrap_or_else(|| prime::g()).modpow(&power.exponent, prime::n())
}

/// Computes a power with the table if the base is g, otherwise with `modpow`.
pub(super) fn raise(power: &Modexp) -> BigUint {
    if power.base.is_some() || power.exponent.bits() > u64::from(ExponentClass::Bits1025.bits()) {
        return reference(power);
    }
    let limbs: Vec<u64> = power.exponent.iter_u64_digits().collect();
    (0..).step_by(WINDOW as usize).zip(TABLE.iter()).fold(BigUint::from(1u8), |product, (at, row)| {
        match window(&limbs, at, WINDOW) {
            0 => product,
            digit => product * &row[digit as usize] % prime::n(),
        }
    })
}
