//! The public values A and B: types that can hold nothing an honest peer would not send.

use std::fmt;

use super::error::BadPublicValue;
use super::group::{Element, Group};
use super::pad::parse_hex;

/// Digits that a public value may have: the 768 of N, and two for the zero byte that some clients put in front.
pub(super) const MAX_DIGITS: usize = 770;

macro_rules! public_values {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name {
            group: Group,
            value: Element,
        }

        impl $name {
            /// The value that hexadecimal digits of either case spell, leading zeros and odd lengths included.
            ///
            /// # Errors
            ///
            /// Everything but 1 to 770 ASCII digits that spell a number from 1 to N − 1. Longer texts are refused before
            /// any arithmetic.
            pub fn parse_hex(group: Group, text: &str) -> Result<Self, BadPublicValue> {
                parse(group, text).map(|value| Self { group, value })
            }

            /// This element, unless it is zero.
            pub(super) fn new(group: Group, value: Element) -> Option<Self> {
                (!value.is_zero()).then_some(Self { group, value })
            }

            /// Minimal lower-case hexadecimal digits.
            pub fn to_hex(&self) -> String {
                self.value.to_hex()
            }

            /// Whether it is 1 or N − 1, whose powers anyone can list. Parsing accepts them; the pool refuses them.
            pub fn is_small_order(&self) -> bool {
                self.group.is_small_order(&self.value)
            }

            pub(super) const fn group(&self) -> Group {
                self.group
            }

            pub(super) const fn value(&self) -> &Element {
                &self.value
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.to_hex())
            }
        }
    )*};
}

public_values! {
    /// A = g^a mod N, the client's public value (`SRP_A`): 0 < A < N.
    PublicA;
    /// B = (k·v + g^b) mod N, the server's public value (`SRP_B`): 0 < B < N.
    PublicB;
}

fn parse(group: Group, text: &str) -> Result<Element, BadPublicValue> {
    match text.len() {
        0 => return Err(BadPublicValue::Empty),
        length if length > MAX_DIGITS => return Err(BadPublicValue::TooLong { length }),
        _ => {}
    }
    let bytes = parse_hex(text).ok_or(BadPublicValue::NotHex)?;
    let value = group.element(&bytes).ok_or(BadPublicValue::NotBelowModulus)?;
    if value.is_zero() { Err(BadPublicValue::Zero) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_orders_parse_and_are_reported() {
        for group in [Group::cognito(), Group::toy(), Group::from_safe_prime(23, 5).unwrap()] {
            let (zero, one) = (group.element(&[]).unwrap(), group.element(&[1]).unwrap());
            let last = group.sub(&zero, &one).to_hex();
            for (text, small) in [("1", true), (last.as_str(), true), ("2", false), ("3", false)] {
                let a = PublicA::parse_hex(group, text).unwrap();
                assert_eq!(a.is_small_order(), small, "{a:?} of {group:?}");
            }
        }
    }

    #[test]
    fn digits_come_back_minimal() {
        let text = format!("{:0>770}", "0ABCdef");
        assert_eq!(PublicB::parse_hex(Group::cognito(), &text).unwrap().to_hex(), "abcdef");
    }
}
