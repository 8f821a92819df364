//! The client's half: it has the password, and it must not trust B.
//!
//! A = g^a and v = g^x are powers and nothing else. What is left is S = (B − k·g^x)^(a + u·x) mod N.

use super::group::{Element, Exponent, Group};

/// B − k·g^x, given g^x. Zero only when B is k·v, which an honest server cannot send.
pub(super) fn base(group: Group, public_b: &Element, power_of_x: &Element) -> Element {
    group.sub(public_b, &group.mul(&group.k(), power_of_x))
}

/// a + u·x.
pub(super) fn exponent(a: &Exponent, u: &Exponent, x: &Exponent) -> Exponent {
    a.plus_product(u, x)
}
