//! Groups whose modulus fits in 64 bits. Simulations of millions of sign-ins and exhaustive tests use them.

use num_bigint::BigUint;

use super::power::Modexp;

/// A group modulo a safe prime below 2^64.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SmallGroup {
    pub(super) n: u64,
    pub(super) g: u64,
}

impl SmallGroup {
    /// N = 2^61 − 3153, the largest safe prime below 2^61 that is 7 modulo 8, and g = 2.
    ///
    /// As in Cognito's group, 2 is a square and generates the subgroup of prime order (N − 1) / 2.
    pub(super) const TOY: Self = Self { n: 2_305_843_009_213_690_799, g: 2 };

    /// Returns the group modulo `n`, if `n` is a safe prime from 7 to 65,535 and `g` has a large order.
    pub(super) fn new(n: u64, g: u64) -> Option<Self> {
        let safe_prime = (7..1 << 16).contains(&n) && is_prime(n) && is_prime((n - 1) / 2);
        // Modulo a safe prime all elements but 1 and N − 1 have order (N − 1) / 2 or N − 1.
        (safe_prime && (2..n - 1).contains(&g)).then_some(Self { n, g })
    }

    pub(super) fn raise(self, power: &Modexp) -> BigUint {
        let base = power.base.as_ref().map_or(self.g, |base| word(&(base % self.n)));
        let power = if base == 0 {
            // Reducing the exponent modulo N − 1 is wrong for base 0.
            u64::from(power.exponent == BigUint::ZERO)
        } else {
            pow_mod(base, word(&(&power.exponent % (self.n - 1))), self.n)
        };
        power.into()
    }
}

/// Returns the lowest 64 bits of a number.
fn word(number: &BigUint) -> u64 {
    number.iter_u64_digits().next().unwrap_or_default()
}

#[expect(clippy::cast_possible_truncation, reason = "a remainder modulo a u64 fits in a u64")]
fn mul_mod(left: u64, right: u64, n: u64) -> u64 {
    (u128::from(left) * u128::from(right) % u128::from(n)) as u64
}

fn pow_mod(base: u64, mut exponent: u64, n: u64) -> u64 {
    let (mut power, mut square) = (1 % n, base % n);
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = mul_mod(power, square, n);
        }
        square = mul_mod(square, square, n);
        exponent >>= 1;
    }
    power
}

fn is_prime(n: u64) -> bool {
    n > 1 && (2..n).take_while(|divisor| divisor * divisor <= n).all(|divisor| !n.is_multiple_of(divisor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ExponentClass;

    /// The Miller–Rabin test with the twelve bases that are sufficient for every `u64`.
    fn is_large_prime(n: u64) -> bool {
        const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
        if n < 2 || BASES.iter().any(|base| n.is_multiple_of(*base)) {
            return BASES.contains(&n);
        }
        let twos = (n - 1).trailing_zeros();
        BASES.iter().all(|base| {
            let mut power = pow_mod(*base, (n - 1) >> twos, n);
            if power == 1 || power == n - 1 {
                return true;
            }
            (1..twos).any(|_| {
                power = mul_mod(power, power, n);
                power == n - 1
            })
        })
    }

    #[test]
    fn primes_are_distinguished_from_composites() {
        for n in 0..10_000 {
            assert_eq!(is_large_prime(n), is_prime(n), "{n}");
        }
        // Strong pseudoprimes to the first bases, and the ends of the range.
        for composite in [3_215_031_751, 3_825_123_056_546_413_051, u64::MAX] {
            assert!(!is_large_prime(composite), "{composite}");
        }
        assert!(is_large_prime(18_446_744_073_709_551_557));
    }

    #[test]
    fn the_toy_group_has_a_safe_prime_and_a_generator_of_the_large_subgroup() {
        let SmallGroup { n, g } = SmallGroup::TOY;
        assert!(is_large_prime(n) && is_large_prime((n - 1) / 2));
        assert_eq!((64 - n.leading_zeros(), n % 8, pow_mod(g, (n - 1) / 2, n)), (61, 7, 1));
    }

    #[test]
    fn only_safe_primes_and_useful_generators_make_a_group() {
        let safe: Vec<u64> = (0..120).filter(|n| SmallGroup::new(*n, 2).is_some()).collect();
        assert_eq!(safe, [7, 11, 23, 47, 59, 83, 107]);
        for g in [0, 1, 22, 23, 24] {
            assert_eq!(SmallGroup::new(23, g), None, "g = {g}");
        }
    }

    #[test]
    fn powers_agree_with_num_bigint() {
        let big = |number: u64| BigUint::from(number);
        let long = (BigUint::from(3u8).pow(300), BigUint::from(u64::MAX) << 128usize);
        // The last modulus is the largest safe prime below 2^64.
        for n in [23, 47, SmallGroup::TOY.n, 18_446_744_073_709_550_147] {
            let group = SmallGroup { n, g: 2 };
            for base in [0, 1, 2, n / 2, n - 2, n - 1] {
                for exponent in
                    [big(0), big(1), big(n - 1), big(n), big(u64::MAX), long.0.clone(), long.1.clone()]
                {
                    let expected = big(base).modpow(&exponent, &big(n));
                    let power = Modexp { base: Some(big(base)), exponent, class: ExponentClass::Bits1025 };
                    assert_eq!(group.raise(&power), expected, "{base}^{} mod {n}", power.exponent);
                }
            }
        }
    }
}
