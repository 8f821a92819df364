//! The verifier v = g^x mod N: what the pool keeps in the password's place.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::Rng;

use super::error::BadVerifier;
use super::group::{Element, Group};
use super::pad::pad;

/// A verifier: 0 < v < N. Whoever steals it can try passwords, so it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    group: Group,
    value: Element,
}

/// Characters of base64 that a verifier may have: the 385 bytes of the longest PAD need 516.
const MAX_CHARACTERS: usize = 520;

impl Verifier {
    pub(super) const fn new(group: Group, value: Element) -> Self {
        Self { group, value }
    }

    /// A verifier of nobody's secret, from 56 random bits: B = k·v + g^b is as random with it as with any other.
    pub fn draw(group: Group, rng: &mut impl Rng) -> Self {
        loop {
            let mut bytes = [0; 7];
            rng.fill_bytes(&mut bytes);
            match group.element(&bytes) {
                Some(value) if !value.is_zero() && !group.is_small_order(&value) => {
                    return Self { group, value };
                }
                _ => {}
            }
        }
    }

    /// The verifier that standard base64 of its PAD form spells, as `ConfirmDevice` sends it. Zero bytes in front are
    /// taken. A wrong verifier is not seen here: it shows at the device's next proof.
    ///
    /// # Errors
    ///
    /// Not base64, too long, negative in two's complement (which clients have really sent), or 0, 1, N − 1, N and above.
    pub fn from_base64(group: Group, text: &str) -> Result<Self, BadVerifier> {
        if text.len() > MAX_CHARACTERS {
            return Err(BadVerifier::TooLong);
        }
        let bytes = STANDARD.decode(text).map_err(|_| BadVerifier::NotBase64)?;
        match bytes.first() {
            None => return Err(BadVerifier::NotBase64),
            Some(first) if first & 0x80 != 0 => return Err(BadVerifier::Negative),
            Some(_) => {}
        }
        let value = group.element(&bytes).ok_or(BadVerifier::OutOfRange)?;
        if value.is_zero() || group.is_small_order(&value) {
            return Err(BadVerifier::OutOfRange);
        }
        Ok(Self { group, value })
    }

    /// Standard base64 of PAD, as `ConfirmDevice` asks for.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(pad(&self.value.to_bytes()))
    }

    pub(super) const fn group(&self) -> Group {
        self.group
    }

    pub(super) const fn value(&self) -> &Element {
        &self.value
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
    fn verifiers_out_of_range_are_refused() {
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
        assert_eq!(parse(&pad(&n)), Err(BadVerifier::OutOfRange));
        let mut below = pad(&n);
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
