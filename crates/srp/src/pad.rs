//! Numbers as bytes and as digits, the way Cognito's clients write them.
//!
//! PAD is what most implementations get wrong: RFC 5054 pads to the length of N, Cognito never does.

/// PAD: the minimal big-endian two's-complement bytes of the number that `bytes` spell, as Java's
/// `BigInteger.toByteArray` gives them: no leading zero byte but one where the top bit would say "negative".
pub(super) fn pad(bytes: &[u8]) -> Vec<u8> {
    let minimal = strip(bytes);
    let mut padded = Vec::with_capacity(minimal.len() + 1);
    if minimal.first().is_none_or(|first| first & 0x80 != 0) {
        padded.push(0);
    }
    padded.extend_from_slice(minimal);
    padded
}

/// The minimal lower-case hexadecimal digits of the number that `bytes` spell; "0" for zero.
pub(super) fn minimal_hex(bytes: &[u8]) -> String {
    let digits = hex::encode(bytes);
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        minimal => minimal.to_owned(),
    }
}

/// The bytes of the number that ASCII hexadecimal digits spell, without leading zero bytes; none for zero.
/// `None` when there is no digit, or anything but digits: a bignum's own parser would let `+` and `_` pass.
pub(super) fn parse_hex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() {
        return None;
    }
    let digits = text.trim_start_matches('0');
    let even = if digits.len().is_multiple_of(2) { digits.to_owned() } else { format!("0{digits}") };
    hex::decode(even).ok()
}

/// `bytes` without leading zero bytes.
fn strip(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
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
            assert_eq!(pad(number), padded, "{number:02x?}");
        }
    }

    #[test]
    fn digits_are_minimal() {
        for (number, digits) in [(&[][..], "0"), (&[0, 0], "0"), (&[0, 0x0a, 0xbc], "abc"), (&[0x10], "10")] {
            assert_eq!(minimal_hex(number), digits, "{number:02x?}");
        }
    }

    #[test]
    fn only_digits_are_parsed() {
        assert_eq!(parse_hex("0aBc"), Some(vec![0x0a, 0xbc]));
        assert_eq!(parse_hex("abc"), Some(vec![0x0a, 0xbc]));
        assert_eq!(parse_hex("000"), Some(vec![]));
        for text in ["", "0x1", "-1", "+1", "1_0", " 1", "1 ", "1\0", "g", "\u{ff11}", "\u{661}"] {
            assert_eq!(parse_hex(text), None, "{text:?}");
        }
    }
}
