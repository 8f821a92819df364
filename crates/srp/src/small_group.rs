//! Groups whose modulus fits a machine word: for judging millions of decisions, and for trying every case there is.
//!
//! The protocol above is the very same; only these products and powers are cheaper.

use num_bigint::BigUint;

/// A group modulo a safe prime below 2^64.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SmallGroup {
    n: u64,
    g: u64,
}

impl SmallGroup {
    /// 2^61 − 3153, the largest safe prime below 2^61 that is 7 modulo 8, and 2: as in Cognito's own group, 2 is then a
    /// square and generates the large subgroup, of prime order (N − 1) / 2.
    pub(super) const TOY: Self = Self { n: 2_305_843_009_213_690_799, g: 2 };

    /// The group modulo `n` with generator `g`, if `n` is a safe prime above 5 and `g` has a large order.
    pub(super) fn new(n: u64, g: u64) -> Option<Self> {
        let safe_prime = n > 5 && is_prime(n) && is_prime((n - 1) / 2);
        // Modulo a safe prime all elements but 1 and N − 1 have order (N − 1) / 2 or N − 1.
        (safe_prime && (2..n - 1).contains(&g)).then_some(Self { n, g })
    }

    pub(super) const fn n(self) -> u64 {
        self.n
    }

    pub(super) const fn g(self) -> u64 {
        self.g
    }

    pub(super) fn reduce(self, number: &BigUint) -> u64 {
        u64::try_from(number).map_or_else(|_| remainder(number, self.n), |number| number % self.n)
    }

    pub(super) fn add(self, left: u64, right: u64) -> u64 {
        narrow((u128::from(left) + u128::from(right)) % u128::from(self.n))
    }

    pub(super) fn sub(self, left: u64, right: u64) -> u64 {
        self.add(left, self.n - right % self.n)
    }

    pub(super) fn mul(self, left: u64, right: u64) -> u64 {
        mul_mod(left, right, self.n)
    }

    pub(super) fn pow(self, base: u64, exponent: &BigUint) -> u64 {
        if base == 0 {
            // Fermat's reduction below does not hold for zero.
            return u64::from(*exponent == BigUint::ZERO);
        }
        let order = self.n - 1;
        pow_mod(
            base,
            u64::try_from(exponent).map_or_else(|_| remainder(exponent, order), |e| e % order),
            self.n,
        )
    }
}

/// `number` modulo `n`.
fn remainder(number: &BigUint, n: u64) -> u64 {
    number
        .iter_u64_digits()
        .rev()
        .fold(0, |rest, digit| narrow(((u128::from(rest) << 64) | u128::from(digit)) % u128::from(n)))
}

fn mul_mod(left: u64, right: u64, n: u64) -> u64 {
    narrow(u128::from(left) * u128::from(right) % u128::from(n))
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

/// A remainder modulo a `u64`, which fits one.
#[expect(clippy::cast_possible_truncation, reason = "every caller has just reduced it modulo a u64")]
const fn narrow(remainder: u128) -> u64 {
    remainder as u64
}

/// Whether `n` is prime: Miller and Rabin's test to the twelve bases that settle it for every `u64`.
fn is_prime(n: u64) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_distinguished_from_composites() {
        let by_division = |n: u64| n > 1 && (2..n).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d));
        for n in 0..10_000 {
            assert_eq!(is_prime(n), by_division(n), "{n}");
        }
        // Strong pseudoprimes to the first bases, and the ends of the range.
        for composite in [3_215_031_751, 3_825_123_056_546_413_051, u64::MAX] {
            assert!(!is_prime(composite), "{composite}");
        }
        assert!(is_prime(18_446_744_073_709_551_557));
    }

    #[test]
    fn the_toy_group_is_what_it_says() {
        let SmallGroup { n, g } = SmallGroup::TOY;
        assert_eq!(
            SmallGroup::new(n, g),
            Some(SmallGroup::TOY),
            "a safe prime and a generator of a large subgroup"
        );
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
    fn words_and_bignums_agree() {
        let big = |number: u64| BigUint::from(number);
        let long = (BigUint::from(3u8).pow(300), BigUint::from(u64::MAX) << 128usize);
        // The last is the largest safe prime below 2^64: sums of its residues do not fit a word.
        for n in [23, 47, SmallGroup::TOY.n, 18_446_744_073_709_550_147] {
            let group = SmallGroup { n, g: 2 };
            for left in [0, 1, 2, n / 2, n - 2, n - 1] {
                for right in [0, 1, 2, n / 3, n - 1] {
                    assert_eq!(big(group.add(left, right)), (big(left) + big(right)) % n);
                    assert_eq!(big(group.sub(left, right)), (big(left) + big(n) - big(right)) % n);
                    assert_eq!(big(group.mul(left, right)), big(left) * big(right) % n);
                }
                for exponent in
                    [big(0), big(1), big(n - 1), big(n), big(u64::MAX), long.0.clone(), long.1.clone()]
                {
                    let expected = big(left).modpow(&exponent, &big(n));
                    assert_eq!(big(group.pow(left, &exponent)), expected, "{left}^{exponent} mod {n}");
                    assert_eq!(big(group.reduce(&exponent)), exponent % n);
                }
            }
        }
    }
}
