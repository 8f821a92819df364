//! Numbers modulo N in the kernel's representation: 64 digits in base 2^50, each in a `u64`.
//!
//! The machine multiplies integers of 52 bits. The two spare bits let a digit slightly exceed 2^50, so that
//! it does not wait for a carry, and let it be doubled. 64 digits have 3200 bits and N has 3072, so numbers
//! usually exceed N. Only their residue modulo N matters. Montgomery's R is 2^(50 · 56) = 2^2800.
//!
//! The time of conversions depends on the number. The time of products does not.

use std::arch::x86_64::*;

use num_bigint::BigUint;

use super::super::fixed_window::{Constants, join};
use super::super::window;
use super::{load, store};

/// Digits of a number.
pub(super) const DIGITS: usize = 64;
/// Bits of a digit.
pub(in super::super) const WIDTH: u32 = 50;
/// Digits of a vector.
pub(super) const LANES: usize = 8;
/// Vectors of a number.
pub(super) const VECTORS: usize = DIGITS / LANES;

/// The number Σ dᵢ · 2^(50·i), stored by vectors. Every dᵢ is at most 2^50 + 2^10.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(in super::super) struct Digits(pub(in super::super) [[u64; LANES]; VECTORS]);

impl Digits {
    pub(super) const ZERO: Self = Self([[0; LANES]; VECTORS]);

    /// Returns a number with the digit `digit(place)` at each place.
    pub(in super::super) fn of(mut digit: impl FnMut(usize) -> u64) -> Self {
        Self(std::array::from_fn(|vector| std::array::from_fn(|lane| digit(LANES * vector + lane))))
    }

    /// Returns the digits of a number below 2^3200, each below 2^50.
    pub(in super::super) fn split(number: &BigUint) -> Self {
        let limbs: Vec<u64> = number.iter_u64_digits().collect();
        Self::of(|place| window(&limbs, place as u32 * WIDTH, WIDTH))
    }

    /// Returns the number from 0 to N − 1 that is congruent to these digits.
    pub(super) fn join(&self, n: &BigUint) -> BigUint {
        join(self.0.as_flattened().iter().map(|digit| digit.cast_signed()), WIDTH, n)
    }
}

/// Returns an entry of the table. It reads all entries and keeps the selected one by a mask.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn select(table: &[Digits], secret_index: u64) -> Digits {
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

/// The values that products need for their modulus.
pub(super) struct Modulus {
    /// (M + 1) / 2^400 for the multiple M of N that is −1 modulo 2^400. Eight digits are their own quotient
    /// by M.
    pub(super) multiple: Digits,
    /// 2^(50 · (64 + i)) mod N.
    pub(super) places: [Digits; LANES],
    pub(super) constants: Constants<Digits>,
}

impl Modulus {
    /// Returns the values for `n`, or `None` unless `n` is odd and has 3072 bits.
    pub(super) fn of(n: &BigUint) -> Option<Self> {
        let one = BigUint::from(1u8);
        let power = |digits: usize| &one << (digits * WIDTH as usize);
        let factor = power(LANES) - n.modinv(&power(LANES)).filter(|_| n.bits() == 3072)?;
        Some(Self {
            multiple: Digits::split(&((factor * n + &one) / power(LANES))),
            places: std::array::from_fn(|place| Digits::split(&(power(DIGITS + place) % n))),
            constants: Constants::new(&power(DIGITS - LANES), n).map(Digits::split),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::prime;
    use super::*;

    fn value(digits: &Digits) -> BigUint {
        digits.0.as_flattened().iter().rev().fold(BigUint::ZERO, |sum, digit| (sum << WIDTH) + *digit)
    }

    #[test]
    fn digits_are_small_and_represent_the_number() {
        let (n, one) = (prime::n(), BigUint::from(1u8));
        let mut numbers = vec![BigUint::ZERO, one.clone(), n - &one, n.clone()];
        for bit in [49u32, 50, 63, 64, 100, 399, 400, 2800, 3071, 3199] {
            numbers.extend([&one << bit, (&one << bit) - &one]);
        }
        for number in numbers {
            let digits = Digits::split(&number);
            assert!(digits.0.as_flattened().iter().all(|digit| *digit < 1 << WIDTH), "{number}");
            assert_eq!(value(&digits), number);
            assert_eq!(digits.join(n), number % n);
        }
    }

    #[test]
    fn digits_that_are_not_normalized_are_joined_too() {
        let largest = Digits::of(|_| (1 << 50) + (1 << 10));
        assert_eq!(largest.join(prime::n()), value(&largest) % prime::n());
        let full = Digits::of(|_| (1 << 52) - 1);
        assert_eq!(full.join(prime::n()), value(&full) % prime::n());
    }

    #[test]
    fn other_moduli_are_rejected() {
        assert!(Modulus::of(prime::n()).is_some());
        let one = BigUint::from(1u8);
        for n in [prime::n() - &one, prime::n() >> 1u32, BigUint::from(23u8), BigUint::ZERO] {
            assert!(Modulus::of(&n).is_none(), "{n}");
        }
    }

    #[test]
    fn the_multiple_clears_a_block() {
        let modulus = Modulus::of(prime::n()).unwrap();
        let multiple = (value(&modulus.multiple) << (WIDTH * LANES as u32)) - BigUint::from(1u8);
        assert_eq!(multiple % prime::n(), BigUint::ZERO);
    }
}
