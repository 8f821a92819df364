//! Powers as `num-bigint` computes them: to be read, and to check the other backends by.

use num_bigint::BigUint;

use super::super::prime;
use super::Power;

/// What this power is.
pub(super) fn raise(power: &Power<'_>) -> BigUint {
    power.base.unwrap_or_else(|| prime::g()).modpow(power.exponent, prime::n())
}
