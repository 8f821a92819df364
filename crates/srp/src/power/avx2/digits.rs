//! Numbers modulo N as the vector kernels have them: 61 signed digits to the base 2^51, each in a `f64`.
//!
//! A fused multiply-add of doubles gives the upper half of a 102-bit product, a second one the lower half, both exact.
//! Signed digits leave room for a sum or a doubling before the next product, and let every digit be normalised by itself:
//! no carry runs through a number. Montgomery's R is 2^(51 · 61) = 2^3111.
//!
//! Converting looks at the number and takes time that depends on it; the kernels in between do not.

use num_bigint::BigUint;

use super::super::window;

/// Digits of a number.
pub(in super::super) const DIGITS: usize = 61;
/// Bits of a digit.
pub(in super::super) const WIDTH: u32 = 51;
/// Digits that one step of the reduction clears.
pub(super) const BLOCK: usize = 4;

/// A number between −N and N: Σ dᵢ · 2^(51·i), every |dᵢ| at most 2^50 + 2^13.
pub(in super::super) type Digits = [f64; DIGITS];

const BASE: i64 = 1 << WIDTH;

/// The digits of a number below 2^3072, each from −2^50 to 2^50.
pub(in super::super) fn split(number: &BigUint) -> Digits {
    let limbs: Vec<u64> = number.iter_u64_digits().collect();
    let mut carry = 0;
    std::array::from_fn(|place| {
        let chunk = window(&limbs, place as u32 * WIDTH, WIDTH).cast_signed() + carry;
        // The last digit keeps what is left: it has 12 bits.
        carry = if place + 1 < DIGITS { (chunk + BASE / 2) >> WIDTH } else { 0 };
        (chunk - carry * BASE) as f64
    })
}

/// The number from 0 to N − 1 that is congruent to these digits, if their value is between −N and N.
pub(super) fn join(digits: &Digits, n: &BigUint) -> BigUint {
    let mut limbs = vec![0u64; (DIGITS * WIDTH as usize).div_ceil(64)];
    let mut carry = 0i64;
    for (place, digit) in digits.iter().enumerate() {
        #[expect(clippy::cast_possible_truncation, reason = "a digit is a whole number below 2^52")]
        let sum = *digit as i64 + carry;
        carry = sum >> WIDTH;
        or_bits_at(&mut limbs, place * WIDTH as usize, sum & (BASE - 1));
    }
    let number = BigUint::from_slice(&limbs.iter().flat_map(|limb| halves(*limb)).collect::<Vec<_>>());
    // A negative number has come out as its complement to 2^3111.
    if carry < 0 { number + n - (BigUint::from(1u8) << (DIGITS * WIDTH as usize)) } else { number }
}

#[expect(clippy::cast_possible_truncation, reason = "halves are what is asked for")]
const fn halves(limb: u64) -> [u32; 2] {
    [limb as u32, (limb >> 32) as u32]
}

fn or_bits_at(limbs: &mut [u64], at: usize, bits: i64) {
    let both = u128::from(bits.unsigned_abs()) << (at % 64);
    for (limb, part) in limbs.iter_mut().skip(at / 64).zip([both & u128::from(u64::MAX), both >> 64]) {
        *limb |= u64::try_from(part).unwrap_or(0);
    }
}

/// What the kernels must know of the modulus.
pub(super) struct Modulus {
    pub(super) n: BigUint,
    /// (M + 1) / 2^204 for the multiple M of N that is −1 modulo 2^204: a block of four digits is its own quotient by it.
    pub(super) block: Digits,
    /// (N + 1) / 2^51. The last digit is zero.
    pub(super) single: Digits,
    /// R mod N: one in Montgomery's form.
    pub(super) one: Digits,
    /// R² mod N: multiplying by it leads into Montgomery's form.
    pub(super) to_montgomery: Digits,
    /// 1: multiplying by it leads out.
    pub(super) from_montgomery: Digits,
}

impl Modulus {
    /// What there is to know of `n`. `None` unless `n` has 3072 bits and is −1 modulo 2^64, as RFC 3526's prime is.
    pub(super) fn of(n: &BigUint) -> Option<Self> {
        let one = BigUint::from(1u8);
        let fits = n.bits() == 3072 && (n + &one) % (&one << 64u32) == BigUint::ZERO;
        let modulo = &one << (BLOCK * WIDTH as usize);
        let factor = &modulo - n.modinv(&modulo).filter(|_| fits)?;
        let r = (&one << (DIGITS * WIDTH as usize)) % n;
        Some(Self {
            block: split(&((factor * n + &one) / &modulo)),
            single: split(&((n + &one) >> WIDTH)),
            to_montgomery: split(&(&r * &r % n)),
            one: split(&r),
            from_montgomery: split(&one),
            n: n.clone(),
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
    fn digits_are_small_and_spell_the_number() {
        for number in edges() {
            let digits = split(&number);
            assert!(digits.iter().all(|digit| digit.abs() <= (BASE / 2) as f64), "{number}");
            assert_eq!(value(&digits), number.clone().into());
            assert_eq!(join(&digits, prime::n()), number);
        }
    }

    #[test]
    fn negative_and_untidy_digits_are_joined_too() {
        for number in edges().into_iter().filter(|number| *number != BigUint::ZERO) {
            let negated = split(&number).map(|digit| -digit);
            assert_eq!(join(&negated, prime::n()), prime::n() - &number);
            let mut untidy = split(&number);
            untidy[7] += BASE as f64;
            untidy[8] -= 1.0;
            assert_eq!(join(&untidy, prime::n()), number);
        }
    }

    #[test]
    fn other_moduli_are_refused() {
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
