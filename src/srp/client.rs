//! The client's half: it has the password, and it must not trust B.

use super::group::{Element, Exponent, Group};

/// A = g^a mod N. Never zero.
pub(super) fn public_value(group: Group, a: &Exponent) -> Element {
    group.pow_g(a)
}

/// v = g^x mod N.
pub(super) fn verifier(group: Group, x: &Exponent) -> Element {
    group.pow_g(x)
}

/// S = (B − k·g^x)^(a + u·x) mod N. Zero only when B is k·v, which an honest server cannot send.
pub(super) fn shared(group: Group, a: &Exponent, public_b: &Element, x: &Exponent, u: &Exponent) -> Element {
    let base = group.sub(public_b, &group.mul(&group.k(), &group.pow_g(x)));
    group.pow(&base, &a.plus_product(u, x))
}
