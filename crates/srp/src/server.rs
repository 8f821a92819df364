//! The server's half: it has the verifier, and it must not trust A.

use super::group::{Element, Group};

/// B = (k·v + g^b) mod N, given g^b. May be zero, if hardly ever: then another b is due.
pub(super) fn public_value(group: Group, power_of_b: &Element, v: &Element) -> Element {
    group.add(&group.mul(&group.k(), v), power_of_b)
}

/// A·v^u, given v^u: to the power b it is S, which is zero exactly when N divides A. [`super::PublicA`] cannot hold such.
pub(super) fn base(group: Group, public_a: &Element, power_of_v: &Element) -> Element {
    group.mul(public_a, power_of_v)
}
