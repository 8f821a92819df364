//! Converts numbers to bytes and back, as Cognito's clients do.

use num_bigint::{BigInt, BigUint};

/// Returns PAD of a number: its minimal big-endian two's-complement bytes, as Java's `BigInteger.toByteArray`
/// does.
///
/// A zero byte precedes a first byte whose top bit is set, because that bit would mark a negative number. RFC
/// 5054 pads to the length of N instead, and Cognito does not.
pub(super) fn pad(number: &BigUint) -> Vec<u8> {
    BigInt::from(number.clone()).to_signed_bytes_be()
}

/// Parses ASCII hexadecimal digits. Returns `None` for an empty text and for any other character.
pub(super) fn parse_hex(text: &str) -> Option<BigUint> {
    // `BigUint` alone would accept `+` and `_`.
    let only_digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    only_digits.then(|| BigUint::parse_bytes(text.as_bytes(), 16)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pad_is_two_complement_and_minimal() {
        for (number, padded) in [
            (&[][..], &[0][..]),
            (&[0, 0], &[0]),
            (&[0x7f], &[0x7f]),
            (&[0x80], &[0, 0x80]),
            (&[0, 0x80], &[0, 0x80]),
            (&[0, 0, 0x12, 0], &[0x12, 0]),
        ] {
            assert_eq!(pad(&BigUint::from_bytes_be(number)), padded, "{number:02x?}");
        }
    }

    #[test]
    fn only_digits_are_parsed() {
        assert_eq!(parse_hex("0aBc"), Some(0xabcu32.into()));
        assert_eq!(parse_hex("abc"), Some(0xabcu32.into()));
        assert_eq!(parse_hex("000"), Some(BigUint::ZERO));
        for text in ["", "0x1", "-1", "+1", "1_0", " 1", "1 ", "1\0", "g", "\u{ff11}", "\u{661}"] {
            assert_eq!(parse_hex(text), None, "{text:?}");
        }
    }
}
