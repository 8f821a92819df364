//! The private key x, the scrambler u, the session key K, and the signature made with K.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::error::{BadSignature, SrpError};
use super::pad::pad;
use super::public::{PublicA, PublicB};
use super::salt::Salt;

/// A user of a pool, or a device of a device group. Both use the same arithmetic with different names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The pool's name, or the device group's key.
    pool_name: String,
    name: String,
}

impl Identity {
    /// Returns a user's identity: the part of the pool id after the first `_`, and `USER_ID_FOR_SRP`
    /// unchanged.
    pub fn user(pool_name: &str, user_id_for_srp: &str) -> Self {
        Self { pool_name: pool_name.to_owned(), name: user_id_for_srp.to_owned() }
    }

    /// Returns a device's identity: the key of its group, and its own key.
    pub fn device(device_group_key: &str, device_key: &str) -> Self {
        Self::user(device_group_key, device_key)
    }

    /// Computes x = SHA256(PAD(salt) ‖ SHA256(pool name ‖ name ‖ ":" ‖ password)).
    pub(super) fn private_key(&self, salt: &Salt, password: &str) -> BigUint {
        let inner = Sha256::digest([&self.pool_name, &self.name, ":", password].concat());
        let outer = Sha256::new().chain_update(salt.padded()).chain_update(inner);
        BigUint::from_bytes_be(&outer.finalize())
    }
}

/// The scrambler u, which binds the key to both public values. It is never zero.
pub(super) struct Scrambler(pub(super) BigUint);

impl Scrambler {
    /// Computes u = SHA256(PAD(A) ‖ PAD(B)).
    pub(super) fn of(a: &PublicA, b: &PublicB) -> Result<Self, SrpError> {
        let hash = Sha256::new().chain_update(pad(&a.value)).chain_update(pad(&b.value));
        Self::new(BigUint::from_bytes_be(&hash.finalize()))
    }

    fn new(u: BigUint) -> Result<Self, SrpError> {
        if u == BigUint::ZERO { Err(SrpError::ScramblerIsZero) } else { Ok(Self(u)) }
    }
}

/// The session key K: 16 bytes that both sides share if the password is correct.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKey(pub(super) [u8; 16]);

impl SessionKey {
    /// Computes K = HKDF-SHA256(salt = PAD(u), input = PAD(S), info = "Caldera Derived Key"), cut to 16
    /// bytes.
    pub(super) fn derive(u: &Scrambler, shared: &BigUint) -> Result<Self, SrpError> {
        if *shared == BigUint::ZERO {
            return Err(SrpError::SharedIsZero);
        }
        let extracted = hmac(&pad(&u.0), &[&pad(shared)]);
        let expanded = hmac(&extracted, &[b"Caldera Derived Key", &[1]]);
        Ok(Self(std::array::from_fn(|index| expanded[index])))
    }

    /// Computes `PASSWORD_CLAIM_SIGNATURE` = HMAC-SHA256(K, pool name ‖ name ‖ secret block ‖ timestamp).
    ///
    /// `secret_block` is the decoded `SECRET_BLOCK`. `timestamp` is a text of [`super::ClaimTimestamp`].
    pub fn sign(&self, identity: &Identity, secret_block: &[u8], timestamp: &str) -> Signature {
        let (pool_name, name) = (identity.pool_name.as_bytes(), identity.name.as_bytes());
        Signature(hmac(&self.0, &[pool_name, name, secret_block, timestamp.as_bytes()]))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(secret)")
    }
}

/// A `PASSWORD_CLAIM_SIGNATURE` of 32 bytes. Only [`Signature::verify`] compares it, in constant time.
#[derive(Clone, Debug)]
pub struct Signature([u8; 32]);

impl Signature {
    /// Returns standard base64, 44 characters.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Parses standard base64.
    ///
    /// # Errors
    ///
    /// [`BadSignature::NotBase64`], which Cognito reports as an invalid parameter, or
    /// [`BadSignature::Length`], which Cognito treats as a wrong password.
    pub fn from_base64(text: &str) -> Result<Self, BadSignature> {
        let bytes = STANDARD.decode(text).map_err(|_| BadSignature::NotBase64)?;
        let length = bytes.len();
        bytes.try_into().map(Self).map_err(|_| BadSignature::Length(length))
    }

    /// Reports whether `claimed` equals this signature, in constant time.
    pub fn verify(&self, claimed: &Self) -> bool {
        self.0.ct_eq(&claimed.0).into()
    }
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC accepts keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_scrambler_or_secret_is_an_error() {
        assert_eq!(Scrambler::new(BigUint::ZERO).err(), Some(SrpError::ScramblerIsZero));
        let one = Scrambler::new(1u8.into()).unwrap();
        assert_eq!(SessionKey::derive(&one, &BigUint::ZERO), Err(SrpError::SharedIsZero));
    }

    #[test]
    fn any_flipped_bit_is_detected() {
        let identity = Identity::user("AbC", "ann");
        let signature = SessionKey([7; 16]).sign(&identity, b"block", "Tue Jun 2 09:05:03 UTC 2026");
        assert!(signature.verify(&signature.clone()));
        for bit in 0..256 {
            let mut wrong = signature.clone();
            wrong.0[bit / 8] ^= 1 << (bit % 8);
            assert!(!signature.verify(&wrong), "bit {bit}");
        }
    }

    #[test]
    fn every_part_is_signed() {
        let (key, when) = (SessionKey([7; 16]), "Tue Jun 2 09:05:03 UTC 2026");
        let user = |pool: &str, name| Identity::user(pool, name);
        let signature = key.sign(&user("AbC", "ann"), b"block", when);
        for wrong in [
            SessionKey([8; 16]).sign(&user("AbC", "ann"), b"block", when),
            key.sign(&user("AbD", "ann"), b"block", when),
            key.sign(&user("AbC", "bob"), b"block", when),
            key.sign(&user("ann", "AbC"), b"block", when),
            key.sign(&user("AbC", "ann"), b"clock", when),
            key.sign(&user("AbC", "ann"), b"block", "Tue Jun 02 09:05:03 UTC 2026"),
        ] {
            assert!(!signature.verify(&wrong));
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
