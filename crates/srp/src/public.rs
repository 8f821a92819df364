//! The public values A and B. Their types exclude every value that an honest peer does not send.

use std::fmt;

use num_bigint::BigUint;

use super::error::BadPublicValue;
use super::group::Group;
use super::pad::parse_hex;

/// The maximum number of digits: the 768 of N, and two for the zero byte that some clients prepend.
pub(super) const MAX_DIGITS: usize = 770;

macro_rules! public_values {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name {
            pub(super) group: Group,
            pub(super) value: BigUint,
        }

        impl $name {
            /// Parses hexadecimal digits of either case. Leading zeros and odd lengths are accepted.
            ///
            /// # Errors
            ///
            /// The text is not 1 to 770 ASCII digits, or its value is not from 1 to N − 1. A longer text is
            /// rejected before any arithmetic.
            pub fn parse_hex(group: Group, text: &str) -> Result<Self, BadPublicValue> {
                parse(group, text).map(|value| Self { group, value })
            }

            /// Returns `None` for zero. The value must be below N.
            pub(super) fn new(group: Group, value: BigUint) -> Option<Self> {
                (value != BigUint::ZERO).then_some(Self { group, value })
            }

            /// Returns minimal lower-case hexadecimal digits.
            pub fn to_hex(&self) -> String {
                format!("{:x}", self.value)
            }

            /// Reports whether the value is 1 or N − 1, whose powers are trivial to list.
            ///
            /// Parsing accepts these values and the pool rejects them.
            pub fn is_small_order(&self) -> bool {
                self.group.is_small_order(&self.value)
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
    /// The client's public value A = g^a mod N (`SRP_A`), 0 < A < N.
    PublicA;
    /// The server's public value B = (k·v + g^b) mod N (`SRP_B`), 0 < B < N.
    PublicB;
}

fn parse(group: Group, text: &str) -> Result<BigUint, BadPublicValue> {
    match text.len() {
        0 => return Err(BadPublicValue::Empty),
        length if length > MAX_DIGITS => return Err(BadPublicValue::TooLong { length }),
        _ => {}
    }
    let value = parse_hex(text).ok_or(BadPublicValue::NotHex)?;
    if value == BigUint::ZERO {
        return Err(BadPublicValue::Zero);
    }
    if group.contains(&value) { Ok(value) } else { Err(BadPublicValue::NotBelowModulus) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_orders_parse_and_are_reported() {
        for group in [Group::cognito(), Group::toy(), Group::from_safe_prime(23, 5).unwrap()] {
            let last = format!("{:x}", group.sub(&BigUint::ZERO, &1u8.into()));
            for (text, small) in [("1", true), (last.as_str(), true), ("2", false), ("3", false)] {
                let a = PublicA::parse_hex(group, text).unwrap();
                assert_eq!(a.is_small_order(), small, "{a:?} of {group:?}");
            }
        }
    }

    #[test]
    fn printed_digits_are_minimal() {
        let text = format!("{:0>770}", "0ABCdef");
        assert_eq!(PublicB::parse_hex(Group::cognito(), &text).unwrap().to_hex(), "abcdef");
    }
}
