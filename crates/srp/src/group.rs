//! Arithmetic modulo N: all that SRP does with numbers goes through the few functions here.
//!
//! Callers see [`Element`]s and [`Exponent`]s and never what they are made of. Powers, which are nearly all the work, are
//! [`super::power`]'s; sums and products are `num-bigint`'s and take time that depends on the numbers: this is a model for
//! synthetic users, not a vault.

use std::fmt;
use std::sync::LazyLock;

use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

use super::pad::{minimal_hex, pad};
use super::power::{self, Backend, ExponentClass, Power};
use super::prime;
use super::small_group::SmallGroup;

/// A group to do SRP in: a small value to copy about, compared by modulus and generator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Group(Kind);

#[derive(Clone, Copy)]
enum Kind {
    /// Its powers by this backend, or by the best there is.
    Cognito(Option<Backend>),
    SmallGroup(SmallGroup),
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Cognito(_), Self::Cognito(_)) => true,
            (Self::SmallGroup(one), Self::SmallGroup(other)) => one == other,
            (Self::Cognito(_), Self::SmallGroup(_)) | (Self::SmallGroup(_), Self::Cognito(_)) => false,
        }
    }
}

impl Eq for Kind {}

/// k of Cognito's group.
static COGNITO_K: LazyLock<BigUint> = LazyLock::new(|| multiplier(prime::n(), prime::g()));

/// k = SHA256(PAD(N) ‖ PAD(g)) mod N.
fn multiplier(n: &BigUint, g: &BigUint) -> BigUint {
    let mut hash = Sha256::new();
    hash.update(pad(&n.to_bytes_be()));
    hash.update(pad(&g.to_bytes_be()));
    BigUint::from_bytes_be(&hash.finalize()) % n
}

impl Group {
    /// Cognito's group: 3072 bits, g = 2 (SEMANTICS b). For load, and for all that talks to the outside.
    pub const fn cognito() -> Self {
        Self(Kind::Cognito(None))
    }

    /// The same group, its powers computed in this way; where the machine cannot, by the portable one.
    pub const fn cognito_with_backend(backend: Backend) -> Self {
        Self(Kind::Cognito(Some(backend)))
    }

    /// How powers are computed; `None` for small groups, where it matters to nobody.
    pub fn backend(self) -> Option<Backend> {
        match self.0 {
            Kind::Cognito(chosen) => Some(chosen.unwrap_or_else(Backend::best)),
            Kind::SmallGroup(_) => None,
        }
    }

    /// A group of 61 bits, N = 2^61 − 3153 and g = 2, which generates the large subgroup as in Cognito's. For judging
    /// millions of decisions; protects nothing.
    pub const fn toy() -> Self {
        Self(Kind::SmallGroup(SmallGroup::TOY))
    }

    /// The group modulo `n` with generator `g`, small enough to try every case of it. `None` unless `n` is a safe prime
    /// above 5 and 1 < g < n − 1.
    pub fn from_safe_prime(n: u64, g: u64) -> Option<Self> {
        SmallGroup::new(n, g).map(|small| Self(Kind::SmallGroup(small)))
    }

    /// `cognito`, `toy` or `small`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Cognito(_) => "cognito",
            Kind::SmallGroup(SmallGroup::TOY) => "toy",
            Kind::SmallGroup(_) => "small",
        }
    }

    /// N in minimal lower-case hexadecimal digits: what attacks on the public values start from.
    pub fn modulus_hex(self) -> String {
        minimal_hex(&self.n().to_bytes_be())
    }

    /// k, the multiplier that keeps A and v apart, as an element.
    pub(super) fn k(self) -> Element {
        Element(match self.0 {
            Kind::Cognito(_) => COGNITO_K.clone(),
            Kind::SmallGroup(small) => multiplier(&small.n().into(), &small.g().into()),
        })
    }

    /// The number that big-endian `bytes` spell, if it is below N.
    pub(super) fn element(self, bytes: &[u8]) -> Option<Element> {
        let number = BigUint::from_bytes_be(bytes);
        (number < self.n()).then_some(Element(number))
    }

    /// Whether `x` is 1 or N − 1, whose powers anyone can list.
    pub(super) fn is_small_order(self, x: &Element) -> bool {
        x.0 == BigUint::from(1u8) || &x.0 + 1u8 == self.n()
    }

    /// Powers modulo N, in their order. Those of one kind are computed together where that is quicker.
    pub(super) fn raise_all(self, raises: &[Modexp]) -> Vec<Element> {
        let powers = match self.0 {
            Kind::Cognito(chosen) => {
                let powers: Vec<_> = raises.iter().map(Modexp::as_power).collect();
                power::raise_all(chosen.unwrap_or_else(Backend::best), &powers)
            }
            Kind::SmallGroup(small) => raises
                .iter()
                .map(|raise| {
                    let base = raise.base.as_ref().map_or_else(|| small.g(), |base| small.reduce(&base.0));
                    small.pow(base, &raise.exponent.0).into()
                })
                .collect(),
        };
        powers.into_iter().map(Element).collect()
    }

    /// One power modulo N.
    pub(super) fn raise(self, raise: Modexp) -> Element {
        self.raise_all(&[raise]).pop().unwrap_or_else(|| unreachable!("as many results as there are powers"))
    }

    /// left · right mod N.
    pub(super) fn mul(self, left: &Element, right: &Element) -> Element {
        Element(match self.0 {
            Kind::Cognito(_) => &left.0 * &right.0 % prime::n(),
            Kind::SmallGroup(small) => small.mul(small.reduce(&left.0), small.reduce(&right.0)).into(),
        })
    }

    /// left + right mod N.
    pub(super) fn add(self, left: &Element, right: &Element) -> Element {
        Element(match self.0 {
            Kind::Cognito(_) => (&left.0 + &right.0) % prime::n(),
            Kind::SmallGroup(small) => small.add(small.reduce(&left.0), small.reduce(&right.0)).into(),
        })
    }

    /// left − right mod N, never negative.
    pub(super) fn sub(self, left: &Element, right: &Element) -> Element {
        Element(match self.0 {
            Kind::Cognito(_) => (&left.0 + prime::n() - &right.0 % prime::n()) % prime::n(),
            Kind::SmallGroup(small) => small.sub(small.reduce(&left.0), small.reduce(&right.0)).into(),
        })
    }

    fn n(self) -> BigUint {
        match self.0 {
            Kind::Cognito(_) => prime::n().clone(),
            Kind::SmallGroup(small) => small.n().into(),
        }
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::SmallGroup(small) if small != SmallGroup::TOY => {
                write!(f, "Group({} mod {})", small.g(), small.n())
            }
            _ => write!(f, "Group({})", self.name()),
        }
    }
}

/// A power to be computed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Modexp {
    /// What is raised; g if there is none.
    pub(super) base: Option<Element>,
    pub(super) exponent: Exponent,
    /// What may be known of the exponent's length.
    pub(super) class: ExponentClass,
}

impl Modexp {
    const fn as_power(&self) -> Power<'_> {
        let base = match &self.base {
            Some(base) => Some(&base.0),
            None => None,
        };
        Power { base, exponent: &self.exponent.0, class: self.class }
    }
}

/// A number modulo some group's N. It may be zero, and it may be secret: what wraps it says.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Element(BigUint);

impl Element {
    pub(super) fn is_zero(&self) -> bool {
        self.0 == BigUint::ZERO
    }

    /// Big-endian bytes, minimal; one zero byte for zero.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes_be()
    }

    pub(super) fn to_hex(&self) -> String {
        minimal_hex(&self.to_bytes())
    }
}

/// A natural number to raise elements to. Never reduced: its length is what decides the cost.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Exponent(BigUint);

impl Exponent {
    /// The number that big-endian `bytes` spell.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        Self(BigUint::from_bytes_be(bytes))
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0 == BigUint::ZERO
    }

    /// Length in bits; 0 for zero.
    pub(super) fn bits(&self) -> u32 {
        u32::try_from(self.0.bits()).unwrap_or(u32::MAX)
    }

    /// self + left · right.
    pub(super) fn plus_product(&self, left: &Self, right: &Self) -> Self {
        Self(&self.0 + &left.0 * &right.0)
    }

    /// Big-endian bytes, minimal; one zero byte for zero.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes_be()
    }
}

#[cfg(test)]
impl Group {
    /// g^e mod N.
    pub(super) fn pow_g(self, e: &Exponent) -> Element {
        self.raise(Modexp { base: None, exponent: e.clone(), class: ExponentClass::of(e.bits()) })
    }

    /// base^e mod N.
    pub(super) fn pow(self, base: &Element, e: &Exponent) -> Element {
        self.raise(Modexp {
            base: Some(base.clone()),
            exponent: e.clone(),
            class: ExponentClass::of(e.bits()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Cognito's clients have it in their sources (SEMANTICS b).
    const PUBLISHED_K: &str = "538282c4354742d7cbbde2359fcf67f9f5b3a6b08791e5011b43b8a5b66d9ee6";

    #[test]
    fn cognito_has_the_published_n_and_k() {
        let group = Group::cognito();
        assert_eq!(group.modulus_hex(), prime::DIGITS.to_lowercase());
        assert_eq!(group.modulus_hex().len(), 768);
        assert_eq!(group.k().to_hex(), PUBLISHED_K);
        // k = SHA256(00 ‖ N ‖ 02), spelt out.
        let spelt = hex::decode(format!("00{}02", prime::DIGITS)).unwrap();
        assert_eq!(hex::encode(Sha256::digest(spelt)), PUBLISHED_K);
    }

    #[test]
    fn two_generates_the_large_subgroup_of_cognito() {
        let group = Group::cognito();
        let q = Exponent((prime::n() - 1u8) / 2u8);
        assert_eq!(group.pow_g(&q).to_hex(), "1");
    }

    #[test]
    fn groups_have_names_and_no_two_are_equal() {
        let small = Group::from_safe_prime(23, 5).unwrap();
        assert_eq!([Group::cognito(), Group::toy(), small].map(Group::name), ["cognito", "toy", "small"]);
        assert_eq!(format!("{:?} {small:?}", Group::toy()), "Group(toy) Group(5 mod 23)");
        assert_ne!(small, Group::from_safe_prime(23, 7).unwrap());
        assert_ne!(Group::toy(), Group::cognito());
    }

    #[test]
    fn differences_never_go_below_zero() {
        for group in [Group::cognito(), Group::toy(), Group::from_safe_prime(47, 5).unwrap()] {
            let (one, zero) = (group.element(&[1]).unwrap(), group.element(&[]).unwrap());
            let minus_one = group.sub(&zero, &one);
            assert!(group.is_small_order(&minus_one) && group.is_small_order(&one));
            assert!(group.add(&minus_one, &one).is_zero());
            assert_eq!(group.mul(&minus_one, &minus_one).to_hex(), "1");
            assert!(!group.is_small_order(&group.pow_g(&Exponent::from_bytes(&[1]))));
        }
    }

    #[test]
    fn powers_add_up() {
        for group in [Group::cognito(), Group::toy()] {
            let (a, b) = (Exponent::from_bytes(&[0xa5; 24]), Exponent::from_bytes(&[0x5a; 16]));
            let product = group.mul(&group.pow_g(&a), &group.pow_g(&b));
            assert!(group.pow_g(&a.plus_product(&b, &Exponent::from_bytes(&[1]))) == product);
            assert!(group.pow(&group.pow_g(&a), &b) == group.pow(&group.pow_g(&b), &a));
        }
    }
}
