//! The verifier v = g^x mod N, which the pool stores instead of the password.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use num_bigint::BigUint;
use rand_core::Rng;

use super::error::BadVerifier;
use super::group::Group;
use super::pad::pad;

/// A verifier, 0 < v < N. An attacker who has it can test passwords offline, so `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    pub(super) group: Group,
    pub(super) value: BigUint,
}

/// The maximum length of the base64 text. The longest PAD has 385 bytes, which need 516 characters.
const MAX_CHARACTERS: usize = 520;

impl Verifier {
    /// Returns a verifier from 2 to N − 2, or `None`.
    fn in_range(group: Group, value: BigUint) -> Option<Self> {
        let valid = value != BigUint::ZERO && group.contains(&value) && !group.is_small_order(&value);
        valid.then_some(Self { group, value })
    }

    /// Draws a verifier of 56 random bits that belongs to no password. B = k·v + g^b is as random as with any
    /// other v.
    pub fn draw(group: Group, rng: &mut impl Rng) -> Self {
        loop {
            let mut bytes = [0; 7];
            rng.fill_bytes(&mut bytes);
            if let Some(verifier) = Self::in_range(group, BigUint::from_bytes_be(&bytes)) {
                return verifier;
            }
        }
    }

    /// Parses standard base64 of PAD, as `ConfirmDevice` sends it. Leading zero bytes are accepted.
    ///
    /// Parsing cannot detect a verifier of another password; the device's next sign-in fails instead.
    ///
    /// # Errors
    ///
    /// The text is not base64, too long, negative in two's complement (which some clients send), or out of
    /// range: 0, 1, N − 1, or at least N.
    pub fn from_base64(group: Group, text: &str) -> Result<Self, BadVerifier> {
        if text.len() > MAX_CHARACTERS {
            return Err(BadVerifier::TooLong);
        }
        let bytes = STANDARD.decode(text).map_err(|_| BadVerifier::NotBase64)?;
        let first = bytes.first().ok_or(BadVerifier::NotBase64)?;
        if first & 0x80 != 0 {
            return Err(BadVerifier::Negative);
        }
        Self::in_range(group, BigUint::from_bytes_be(&bytes)).ok_or(BadVerifier::OutOfRange)
    }

    /// Returns standard base64 of PAD, as `ConfirmDevice` requires.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(pad(&self.value))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifiers_out_of_range_are_rejected() {
        let group = Group::from_safe_prime(47, 5).unwrap();
        let parse = |bytes: &[u8]| Verifier::from_base64(group, &STANDARD.encode(bytes));
        for v in 0..128 {
            let expected = if (2..46).contains(&v) { None } else { Some(BadVerifier::OutOfRange) };
            assert_eq!(parse(&[v]).err(), expected, "v = {v}");
        }
        assert_eq!(parse(&[0x80]), Err(BadVerifier::Negative));
        assert_eq!(parse(&[0, 0x80]), Err(BadVerifier::OutOfRange));
        assert_eq!(parse(&[0, 0, 2]), parse(&[2]));
        assert_eq!(parse(&[]), Err(BadVerifier::NotBase64));
    }

    #[test]
    fn verifiers_are_base64_of_pad() {
        let group = Group::cognito();
        let n = hex::decode(group.modulus_hex()).unwrap();
        let parse = |bytes: &[u8]| Verifier::from_base64(group, &STANDARD.encode(bytes));
        assert_eq!(parse(&n), Err(BadVerifier::Negative));
        let mut below = [&[0], n.as_slice()].concat();
        assert_eq!(parse(&below), Err(BadVerifier::OutOfRange));
        *below.last_mut().unwrap() -= 2;
        let v = parse(&below).unwrap();
        assert_eq!(v.to_base64(), STANDARD.encode(&below));
        assert_eq!(format!("{v:?}"), "Verifier(secret)");
        assert_eq!(Verifier::from_base64(group, &"A".repeat(524)), Err(BadVerifier::TooLong));
        for text in ["AA", "AA-_", "AAA=\n", "*"] {
            assert_eq!(Verifier::from_base64(group, text), Err(BadVerifier::NotBase64), "{text:?}");
        }
    }
}
