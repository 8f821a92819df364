//! The scrambler u, the session key K, and the signature that proves K.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::error::{BadSignature, SrpError};
use super::group::{Element, Exponent};
use super::identity::Identity;
use super::pad::pad;
use super::public::{PublicA, PublicB};

/// u, the scrambler: it ties the key to both public values, and it is never zero.
pub(super) struct Scrambler(Exponent);

impl Scrambler {
    /// u = SHA256(PAD(A) ‖ PAD(B)).
    pub(super) fn of(a: &PublicA, b: &PublicB) -> Result<Self, SrpError> {
        let mut hash = Sha256::new();
        hash.update(pad(&a.value().to_bytes()));
        hash.update(pad(&b.value().to_bytes()));
        Self::new(Exponent::from_bytes(&hash.finalize()))
    }

    pub(super) fn new(u: Exponent) -> Result<Self, SrpError> {
        if u.is_zero() { Err(SrpError::ScramblerIsZero) } else { Ok(Self(u)) }
    }

    pub(super) const fn exponent(&self) -> &Exponent {
        &self.0
    }
}

/// K, what both sides share when the password was right: 16 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKey([u8; 16]);

impl SessionKey {
    /// K = HKDF-SHA256(salt = PAD(u), input = PAD(S), info = "Caldera Derived Key", 16 bytes), which is one block.
    pub(super) fn derive(u: &Scrambler, shared: &Element) -> Result<Self, SrpError> {
        if shared.is_zero() {
            return Err(SrpError::SharedIsZero);
        }
        let extracted = hmac(&pad(&u.exponent().to_bytes()), &[&pad(&shared.to_bytes())]);
        let expanded = hmac(&extracted, &[b"Caldera Derived Key", &[1]]);
        let mut key = [0; 16];
        key.iter_mut().zip(expanded).for_each(|(to, from)| *to = from);
        Ok(Self(key))
    }

    /// HMAC-SHA256(K, left ‖ name ‖ secret block ‖ timestamp), without separators: `PASSWORD_CLAIM_SIGNATURE`.
    ///
    /// `secret_block` is what the base64 of `SECRET_BLOCK` decodes to; `timestamp` is the text of
    /// [`super::ClaimTimestamp`].
    pub fn sign(&self, identity: &Identity, secret_block: &[u8], timestamp: &str) -> Signature {
        let parts =
            [identity.pool_name().as_bytes(), identity.name().as_bytes(), secret_block, timestamp.as_bytes()];
        Signature(hmac(&self.0, &parts))
    }

    /// K in hexadecimal, for [`super::IntermediateValues`].
    pub(super) fn to_hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(secret)")
    }
}

/// `PASSWORD_CLAIM_SIGNATURE`: 32 bytes. Compared by [`Signature::verify`] alone, in constant time.
#[derive(Clone, Debug)]
pub struct Signature([u8; 32]);

impl Signature {
    /// Standard base64, 44 characters.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// The signature that standard base64 spells.
    ///
    /// # Errors
    ///
    /// Not base64, which Cognito blames on the parameter, or not of 32 bytes, which is merely a wrong claim.
    pub fn from_base64(text: &str) -> Result<Self, BadSignature> {
        let bytes = STANDARD.decode(text).map_err(|_| BadSignature::NotBase64)?;
        let length = bytes.len();
        bytes.try_into().map(Self).map_err(|_| BadSignature::Length(length))
    }

    /// Whether `claimed` is this signature, found out in constant time.
    pub fn verify(&self, claimed: &Self) -> bool {
        self.0.ct_eq(&claimed.0).into()
    }
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(
        clippy::expect_used,
        reason = "the only error is a key of a wrong length, and every length is right"
    )]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::super::group::Group;
    use super::*;

    #[test]
    fn a_zero_scrambler_or_secret_is_an_error() {
        assert_eq!(Scrambler::new(Exponent::from_bytes(&[0])).err(), Some(SrpError::ScramblerIsZero));
        let one = Scrambler::new(Exponent::from_bytes(&[1])).unwrap();
        let zero = Group::toy().element(&[]).unwrap();
        assert_eq!(SessionKey::derive(&one, &zero), Err(SrpError::SharedIsZero));
    }

    #[test]
    fn a_flipped_bit_anywhere_is_seen() {
        let identity = Identity::user("AbC", "ann");
        let right = SessionKey([7; 16]).sign(&identity, b"block", "Tue Jun 2 09:05:03 UTC 2026");
        assert!(right.verify(&right.clone()));
        for bit in 0..256 {
            let mut wrong = right.clone();
            wrong.0[bit / 8] ^= 1 << (bit % 8);
            assert!(!right.verify(&wrong), "bit {bit}");
        }
    }

    #[test]
    fn every_part_is_signed() {
        let (key, when) = (SessionKey([7; 16]), "Tue Jun 2 09:05:03 UTC 2026");
        let user = |pool: &str, name| Identity::user(pool, name);
        let right = key.sign(&user("AbC", "ann"), b"block", when);
        for wrong in [
            SessionKey([8; 16]).sign(&user("AbC", "ann"), b"block", when),
            key.sign(&user("AbD", "ann"), b"block", when),
            key.sign(&user("AbC", "bob"), b"block", when),
            key.sign(&user("ann", "AbC"), b"block", when),
            key.sign(&user("AbC", "ann"), b"clock", when),
            key.sign(&user("AbC", "ann"), b"block", "Tue Jun 02 09:05:03 UTC 2026"),
        ] {
            assert!(!right.verify(&wrong));
        }
    }

    #[test]
    fn signatures_are_32_bytes_of_base64() {
        for length in [0, 31, 33, 64] {
            let text = STANDARD.encode(vec![7; length]);
            assert_eq!(Signature::from_base64(&text).err(), Some(BadSignature::Length(length)));
        }
        let text = STANDARD.encode([0xfb; 32]);
        assert_eq!(Signature::from_base64(&text).unwrap().to_base64(), text);
        let url_safe = text.replace('+', "-").replace('/', "_");
        for text in [url_safe.as_str(), text.trim_end_matches('='), &format!("{text}\n"), "é"] {
            assert_eq!(Signature::from_base64(text).err(), Some(BadSignature::NotBase64), "{text:?}");
        }
    }
}
