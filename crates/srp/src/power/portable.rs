//! Powers on any machine: `num-bigint`, with a table of g's powers.
//!
//! g^e is the product of one table entry for each five bits of e, and takes no squaring at all. The table has 6,560
//! entries and 3 MB, and is built when the first such power is asked for. Entries are looked up by secret bits: this
//! backend claims nothing about timing.

use std::sync::LazyLock;

use num_bigint::BigUint;

use super::super::prime;
use super::{ExponentClass, Power, reference, window};

/// Bits of a window.
const WINDOW: u32 = 5;

/// For each window, g^(2^(5·window)) to the powers 0 to 31.
static TABLE: LazyLock<Vec<Vec<BigUint>>> = LazyLock::new(|| {
    let windows = ExponentClass::Bits1025.bits().div_ceil(WINDOW);
    let mut base = prime::g().clone();
    (0..windows)
        .map(|_| {
            let row: Vec<_> =
                std::iter::successors(Some(BigUint::from(1u8)), |last| Some(last * &base % prime::n()))
                    .take(1 << WINDOW)
                    .collect();
            base = base.modpow(&BigUint::from(1u8 << WINDOW), prime::n());
            row
        })
        .collect()
});

/// What this power is.
pub(super) fn raise(power: &Power<'_>) -> BigUint {
    if power.base.is_some() || power.exponent.bits() > u64::from(ExponentClass::Bits1025.bits()) {
        return reference::raise(power);
    }
    let limbs: Vec<u64> = power.exponent.iter_u64_digits().collect();
    (0..).step_by(WINDOW as usize).zip(TABLE.iter()).fold(BigUint::from(1u8), |product, (at, row)| {
        match window(&limbs, at, WINDOW) {
            0 => product,
            digit => product * &row[digit as usize] % prime::n(),
        }
    })
}
