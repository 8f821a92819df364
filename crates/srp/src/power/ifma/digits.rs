//! Numbers modulo N as this kernel has them: 64 digits to the base 2^50, each in a `u64`.
//!
//! The machine multiplies numbers of 52 bits. Two of these are left free: a digit may be a little larger than 2^50, so that
//! none waits for the carry of the one before, and it may be doubled. 64 digits have 3200 bits and N has 3072, so numbers are
//! seldom below N; what counts is what they are congruent to. Montgomery's R is 2^(50 · 56) = 2^2800.
//!
//! Converting looks at the number and takes time that depends on it; the products in between do not.

use num_bigint::BigUint;

use super::super::window;

/// Digits of a number.
pub(super) const DIGITS: usize = 64;
/// Bits of a digit.
pub(in super::super) const WIDTH: u32 = 50;
/// Digits of a vector.
pub(super) const LANES: usize = 8;

/// Σ dᵢ · 2^(50·i), every dᵢ at most 2^50 + 2^10; by vectors.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(in super::super) struct Digits(pub(in super::super) [[u64; LANES]; DIGITS / LANES]);

impl Digits {
    pub(super) const ZERO: Self = Self([[0; LANES]; DIGITS / LANES]);

    /// A number of these digits.
    pub(in super::super) fn of(mut digit: impl FnMut(usize) -> u64) -> Self {
        let mut digits = Self::ZERO;
        for (place, slot) in digits.0.as_flattened_mut().iter_mut().enumerate() {
            *slot = digit(place);
        }
        digits
    }

    /// The digits of a number below 2^3200, each below 2^50.
    pub(in super::super) fn split(number: &BigUint) -> Self {
        let limbs: Vec<u64> = number.iter_u64_digits().collect();
        Self::of(|place| window(&limbs, place as u32 * WIDTH, WIDTH))
    }

    /// The number from 0 to N − 1 that is congruent to these digits.
    pub(super) fn join(&self, n: &BigUint) -> BigUint {
        // In words of 32 bits, as `num-bigint` takes them.
        let mut words = Vec::with_capacity(DIGITS * WIDTH as usize / 32 + 1);
        let (mut bits, mut held) = (0u128, 0);
        for digit in self.0.as_flattened() {
            bits += u128::from(*digit) << held;
            held += WIDTH;
            while held >= 32 {
                words.push((bits & u128::from(u32::MAX)) as u32);
                bits >>= 32;
                held -= 32;
            }
        }
        words.push((bits & u128::from(u32::MAX)) as u32);
        BigUint::new(words) % n
    }
}

/// What products must know of the modulus.
pub(super) struct Modulus {
    pub(super) n: BigUint,
    /// (M + 1) / 2^400 for the multiple M of N that is −1 modulo 2^400: eight digits are their own quotient by it.
    pub(super) multiple: Digits,
    /// 2^(50 · (64 + i)) mod N.
    pub(super) places: [Digits; LANES],
    /// R: one in Montgomery's form.
    pub(super) one: Digits,
    /// R² mod N: multiplying by it leads into Montgomery's form.
    pub(super) to_montgomery: Digits,
    /// 1: multiplying by it leads out.
    pub(super) from_montgomery: Digits,
}

impl Modulus {
    /// What there is to know of `n`. `None` unless `n` is odd and has 3072 bits.
    pub(super) fn of(n: &BigUint) -> Option<Self> {
        let one = BigUint::from(1u8);
        let power = |digits: usize| &one << (digits * WIDTH as usize);
        let factor = power(LANES) - n.modinv(&power(LANES)).filter(|_| n.bits() == 3072)?;
        Some(Self {
            multiple: Digits::split(&((factor * n + &one) / power(LANES))),
            places: std::array::from_fn(|place| Digits::split(&(power(DIGITS + place) % n))),
            one: Digits::split(&power(DIGITS - LANES)),
            to_montgomery: Digits::split(&(power(2 * (DIGITS - LANES)) % n)),
            from_montgomery: Digits::split(&one),
            n: n.clone(),
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
    fn digits_are_small_and_spell_the_number() {
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
    fn untidy_digits_are_joined_too() {
        let largest = Digits::of(|_| (1 << 50) + (1 << 10));
        assert_eq!(largest.join(prime::n()), value(&largest) % prime::n());
        let full = Digits::of(|_| (1 << 52) - 1);
        assert_eq!(full.join(prime::n()), value(&full) % prime::n());
    }

    #[test]
    fn other_moduli_are_refused() {
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
