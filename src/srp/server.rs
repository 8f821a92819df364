//! The server's half: it has the verifier, and it must not trust A.

use super::group::{Element, Exponent, Group};

/// B = (k·v + g^b) mod N. May be zero, if hardly ever: then another b is due.
pub(super) fn public_value(group: Group, b: &Exponent, v: &Element) -> Element {
    group.add(&group.mul(&group.k(), v), &group.pow_g(b))
}

/// S = (A · v^u)^b mod N. Zero exactly when N divides A, which [`super::PublicA`] cannot hold.
pub(super) fn shared(group: Group, b: &Exponent, v: &Element, public_a: &Element, u: &Exponent) -> Element {
    group.pow(&group.mul(public_a, &group.pow(v, u)), b)
}
