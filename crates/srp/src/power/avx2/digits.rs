//! Numbers modulo N in the kernel's representation: 61 signed digits in base 2^51, each in an `f64`.
//!
//! A fused multiply-add of doubles computes the upper half of a 102-bit product exactly, and a second one the
//! lower half. Signed digits leave room for a sum or a doubling before the next product. Each digit is
//! normalized independently, so that no carry propagates through a number. Montgomery's R is 2^(51 · 61) =
//! 2^3111.
//!
//! The time of conversions depends on the number. The time of products does not.

use num_bigint::BigUint;

use super::super::fixed_window::{self, Constants};
use super::super::window;

/// Digits of a number.
pub(in super::super) const DIGITS: usize = 61;
/// Bits of a digit.
pub(in super::super) const WIDTH: u32 = 51;
/// Digits that one step of the reduction clears.
pub(super) const BLOCK: usize = 4;

/// The number Σ dᵢ · 2^(51·i), which is between −N and N. Every |dᵢ| is at most 2^50 + 2^13.
pub(in super::super) type Digits = [f64; DIGITS];

const BASE: i64 = 1 << WIDTH;

/// Returns the digits of a number below 2^3072, each from −2^50 to 2^50.
pub(in super::super) fn split(number: &BigUint) -> Digits {
    let limbs: Vec<u64> = number.iter_u64_digits().collect();
    let mut carry = 0;
    std::array::from_fn(|place| {
        let chunk = window(&limbs, place as u32 * WIDTH, WIDTH).cast_signed() + carry;
        // The last digit has 12 bits and no successor that could take a carry.
        carry = if place + 1 < DIGITS { (chunk + BASE / 2) >> WIDTH } else { 0 };
        (chunk - carry * BASE) as f64
    })
}

/// Returns the number from 0 to N − 1 that is congruent to these digits. Their value must be between −N and
/// N.
pub(super) fn join(digits: &Digits, n: &BigUint) -> BigUint {
    fixed_window::join(digits.iter().map(|digit| *digit as i64), WIDTH, n)
}

/// The values that products need for their modulus.
pub(super) struct Modulus {
    /// (M + 1) / 2^204 for the multiple M of N that is −1 modulo 2^204. A block of four digits is its own
    /// quotient by M.
    pub(super) block: Digits,
    /// (N + 1) / 2^51. The last digit is zero.
    pub(super) single: Digits,
    pub(super) constants: Constants<Digits>,
}

impl Modulus {
    /// Returns the values for `n`, or `None` unless `n` has 3072 bits and is −1 modulo 2^64, as RFC 3526's
    /// prime is.
    pub(super) fn of(n: &BigUint) -> Option<Self> {
        let one = BigUint::from(1u8);
        let fits = n.bits() == 3072 && (n + &one) % (&one << 64u32) == BigUint::ZERO;
        let modulo = &one << (BLOCK * WIDTH as usize);
        let factor = &modulo - n.modinv(&modulo).filter(|_| fits)?;
        Some(Self {
            block: split(&((factor * n + &one) / &modulo)),
            single: split(&((n + &one) >> WIDTH)),
            constants: Constants::new(&(&one << (DIGITS * WIDTH as usize)), n).map(split),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::prime;
    use super::*;

    fn value(digits: &Digits) -> num_bigint::BigInt {
        digits.iter().rev().fold(0.into(), |sum: num_bigint::BigInt, digit| (sum << WIDTH) + *digit as i64)
    }

    fn edges() -> Vec<BigUint> {
        let (n, one) = (prime::n(), BigUint::from(1u8));
        let mut all = vec![BigUint::ZERO, one.clone(), n - &one, n / 2u8, n / 2u8 + &one];
        for bit in [50, 51, 52, 63, 64, 101, 102, 203, 204, 1530, 3009, 3059, 3060, 3071] {
            all.extend([&one << bit, (&one << bit) - &one]);
        }
        all
    }

    #[test]
    fn digits_are_small_and_represent_the_number() {
        for number in edges() {
            let digits = split(&number);
            assert!(digits.iter().all(|digit| digit.abs() <= (BASE / 2) as f64), "{number}");
            assert_eq!(value(&digits), number.clone().into());
            assert_eq!(join(&digits, prime::n()), number);
        }
    }

    #[test]
    fn negative_and_unnormalized_digits_are_joined_too() {
        for number in edges().into_iter().filter(|number| *number != BigUint::ZERO) {
            let negated = split(&number).map(|digit| -digit);
            assert_eq!(join(&negated, prime::n()), prime::n() - &number);
            let mut unnormalized = split(&number);
            unnormalized[7] += BASE as f64;
            unnormalized[8] -= 1.0;
            assert_eq!(join(&unnormalized, prime::n()), number);
        }
    }

    #[test]
    fn other_moduli_are_rejected() {
        assert!(Modulus::of(prime::n()).is_some());
        let two = BigUint::from(2u8);
        for n in [prime::n() - &two, prime::n() >> 1u32, BigUint::from(23u8), BigUint::ZERO] {
            assert!(Modulus::of(&n).is_none(), "{n}");
        }
    }

    #[test]
    fn the_multiple_clears_a_block() {
        let modulus = Modulus::of(prime::n()).unwrap();
        let shift = BLOCK * WIDTH as usize;
        let multiple = (value(&modulus.block) << shift) - 1;
        assert_eq!(multiple % num_bigint::BigInt::from(prime::n().clone()), 0.into());
        assert_eq!((value(&modulus.single) << WIDTH) - 1, prime::n().clone().into());
        assert_eq!(modulus.single[DIGITS - 1], 0.0);
    }
}
