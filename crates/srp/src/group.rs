//! Groups, and the arithmetic modulo N that SRP needs.
//!
//! Powers take nearly all the time; the `power` module computes them. Sums and products use `num-bigint`,
//! whose time depends on the numbers. This crate serves synthetic users and does not protect real secrets.

use std::fmt;
use std::sync::LazyLock;

use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

use super::pad::pad;
#[cfg(test)]
use super::power::ExponentClass;
use super::power::{Backend, Modexp};
use super::prime;
use super::small_group::SmallGroup;

/// A group for SRP. Two groups are equal if their modulus and generator are equal.
#[derive(Clone, Copy)]
pub struct Group {
    /// A small group; `None` for Cognito's group.
    small: Option<SmallGroup>,
    /// The backend for powers in Cognito's group; `None` for the fastest one.
    backend: Option<Backend>,
}

impl PartialEq for Group {
    fn eq(&self, other: &Self) -> bool {
        self.small == other.small
    }
}

impl Eq for Group {}

/// Computes k = SHA256(PAD(N) ‖ PAD(g)) mod N.
fn multiplier(n: &BigUint, g: &BigUint) -> BigUint {
    let hash = Sha256::new().chain_update(pad(n)).chain_update(pad(g));
    BigUint::from_bytes_be(&hash.finalize()) % n
}

impl Group {
    /// Returns Cognito's group: 3072 bits, g = 2. See docs/semantics.md, section "SRP".
    pub const fn cognito() -> Self {
        Self { small: None, backend: None }
    }

    /// Returns Cognito's group with a fixed backend. On a machine that cannot run it, the portable backend is
    /// used.
    pub const fn cognito_with_backend(backend: Backend) -> Self {
        Self { small: None, backend: Some(backend) }
    }

    /// Returns a group of 61 bits: N = 2^61 − 3153, g = 2. It makes millions of sign-ins cheap and protects
    /// nothing.
    pub const fn toy() -> Self {
        Self { small: Some(SmallGroup::TOY), backend: None }
    }

    /// Returns the group modulo `n` with generator `g`, for exhaustive tests.
    ///
    /// Returns `None` unless `n` is a safe prime from 7 to 65,535 and 1 < g < n − 1.
    pub fn from_safe_prime(n: u64, g: u64) -> Option<Self> {
        SmallGroup::new(n, g).map(|small| Self { small: Some(small), backend: None })
    }

    /// Returns the backend that computes powers, or `None` for small groups.
    pub fn backend(self) -> Option<Backend> {
        self.small.is_none().then(|| self.backend.unwrap_or_else(Backend::best))
    }

    /// Returns `cognito`, `toy` or `small`.
    pub fn name(self) -> &'static str {
        match self.small {
            None => "cognito",
            Some(SmallGroup::TOY) => "toy",
            Some(_) => "small",
        }
    }

    /// Returns N in minimal lower-case hexadecimal digits.
    pub fn modulus_hex(self) -> String {
        format!("{:x}", self.n())
    }

    /// Returns the multiplier k.
    pub(super) fn k(self) -> BigUint {
        static COGNITO_K: LazyLock<BigUint> = LazyLock::new(|| multiplier(prime::n(), prime::g()));
        static TOY_K: LazyLock<BigUint> =
            LazyLock::new(|| multiplier(&SmallGroup::TOY.n.into(), &SmallGroup::TOY.g.into()));
        match self.small {
            None => COGNITO_K.clone(),
            Some(SmallGroup::TOY) => TOY_K.clone(),
            Some(small) => multiplier(&small.n.into(), &small.g.into()),
        }
    }

    /// Reports whether a number is below N.
    pub(super) fn contains(self, number: &BigUint) -> bool {
        *number < self.n()
    }

    /// Reports whether `number` is 1 or N − 1, whose powers are trivial to list.
    pub(super) fn is_small_order(self, number: &BigUint) -> bool {
        *number == BigUint::from(1u8) || number + 1u8 == self.n()
    }

    /// Computes powers modulo N, in the given order. Powers of one class are computed together where that is
    /// faster.
    pub(super) fn raise_all(self, powers: &[Modexp]) -> Vec<BigUint> {
        match self.small {
            None => self.backend.unwrap_or_else(Backend::best).raise(powers),
            Some(small) => powers.iter().map(|power| small.raise(power)).collect(),
        }
    }

    /// Computes one power modulo N.
    pub(super) fn raise(self, power: Modexp) -> BigUint {
        self.raise_all(&[power]).pop().unwrap_or_else(|| unreachable!("one result for each power"))
    }

    /// Computes left − right mod N, which is never negative.
    pub(super) fn sub(self, left: &BigUint, right: &BigUint) -> BigUint {
        self.reduce(&(left + self.n() - self.reduce(right)))
    }

    /// Computes a number modulo N.
    pub(super) fn reduce(self, number: &BigUint) -> BigUint {
        self.small.map_or_else(|| number % prime::n(), |small| number % small.n)
    }

    fn n(self) -> BigUint {
        self.small.map_or_else(|| prime::n().clone(), |small| small.n.into())
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.small {
            Some(small) if small != SmallGroup::TOY => write!(f, "Group({} mod {})", small.g, small.n),
            _ => write!(f, "Group({})", self.name()),
        }
    }
}

#[cfg(test)]
impl Group {
    /// Computes g^e mod N.
    pub(super) fn pow_g(self, e: &BigUint) -> BigUint {
        self.raise(Modexp { base: None, exponent: e.clone(), class: ExponentClass::of(e.bits() as u32) })
    }

    /// Computes base^e mod N.
    pub(super) fn pow(self, base: &BigUint, e: &BigUint) -> BigUint {
        let class = ExponentClass::of(e.bits() as u32);
        self.raise(Modexp { base: Some(base.clone()), exponent: e.clone(), class })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// k as the sources of Cognito's clients state it.
    const PUBLISHED_K: &str = "538282c4354742d7cbbde2359fcf67f9f5b3a6b08791e5011b43b8a5b66d9ee6";

    #[test]
    fn cognito_has_the_published_n_and_k() {
        let group = Group::cognito();
        assert_eq!(group.modulus_hex(), prime::DIGITS.to_lowercase());
        assert_eq!(group.modulus_hex().len(), 768);
        assert_eq!(format!("{:x}", group.k()), PUBLISHED_K);
        // k = SHA256(00 ‖ N ‖ 02).
        let input = hex::decode(format!("00{}02", prime::DIGITS)).unwrap();
        assert_eq!(hex::encode(Sha256::digest(input)), PUBLISHED_K);
    }

    #[test]
    fn two_generates_the_large_subgroup_of_cognito() {
        let q = (prime::n() - 1u8) / 2u8;
        assert_eq!(Group::cognito().pow_g(&q), 1u8.into());
    }

    #[test]
    fn groups_have_names_and_no_two_are_equal() {
        let small = Group::from_safe_prime(23, 5).unwrap();
        assert_eq!([Group::cognito(), Group::toy(), small].map(Group::name), ["cognito", "toy", "small"]);
        assert_eq!(format!("{:?} {small:?}", Group::toy()), "Group(toy) Group(5 mod 23)");
        assert_ne!(small, Group::from_safe_prime(23, 7).unwrap());
        assert_ne!(Group::toy(), Group::cognito());
        assert_eq!(Group::cognito_with_backend(Backend::Reference), Group::cognito());
    }

    #[test]
    fn differences_are_never_negative() {
        for group in [Group::cognito(), Group::toy(), Group::from_safe_prime(47, 5).unwrap()] {
            let (one, zero) = (BigUint::from(1u8), BigUint::ZERO);
            let minus_one = group.sub(&zero, &one);
            assert!(group.contains(&minus_one) && !group.contains(&(&minus_one + 1u8)));
            assert!(group.is_small_order(&minus_one) && group.is_small_order(&one));
            assert_eq!(group.reduce(&(&minus_one + &one)), zero);
            assert_eq!(group.reduce(&(&minus_one * &minus_one)), one);
            assert!(!group.is_small_order(&group.pow_g(&one)));
        }
    }

    #[test]
    fn small_groups_subtract() {
        for (group, n) in [(Group::toy(), SmallGroup::TOY.n), (Group::from_safe_prime(47, 5).unwrap(), 47)] {
            let big = |number: u64| BigUint::from(number);
            for left in [0, 1, 2, n / 2, n - 2, n - 1] {
                for right in [0, 1, 2, n / 3, n - 1] {
                    assert_eq!(group.sub(&big(left), &big(right)), (big(left) + big(n) - big(right)) % n);
                }
            }
        }
    }

    #[test]
    fn products_of_powers_add_their_exponents() {
        for group in [Group::cognito(), Group::toy()] {
            let (a, b) = (BigUint::from_bytes_be(&[0xa5; 24]), BigUint::from_bytes_be(&[0x5a; 16]));
            let product = group.reduce(&(group.pow_g(&a) * group.pow_g(&b)));
            assert_eq!(group.pow_g(&(&a + &b)), product);
            assert_eq!(group.pow(&group.pow_g(&a), &b), group.pow(&group.pow_g(&b), &a));
        }
    }
}
