//! RS256 tokens: JSON claims with signatures that other parties can verify (RFC 7515, RFC 7519).
//!
//! Signing is the only expensive operation: it takes tenths of a millisecond. It is therefore a separate
//! function, [`Keys::sign`], which the caller can run at another time or on another thread. Checking a
//! signature takes tens of microseconds.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// Upper bound for tokens, in bytes; this server never issues a longer one.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The use of a token. As on Cognito, each use has its own key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenUse {
    /// Authorizes the operations of the user pool.
    Access,
    /// Identifies the signed-in user to an application.
    Id,
}

/// Two keys: one for access tokens and one for ID tokens. They are stored only in the state file of a server.
pub struct Keys {
    access: Key,
    id: Key,
}

struct Key {
    pair: RsaKeyPair,
    kid: String,
    public_der: Vec<u8>,
}

/// The error if the keys cannot be generated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cannot read random bytes from the operating system")]
pub struct KeyGenerationError;

impl Keys {
    /// Generates two 2048-bit keys from the operating system's random numbers, never from a seed. This takes
    /// some tenths of a second.
    ///
    /// # Errors
    ///
    /// The operating system cannot provide random bytes.
    pub fn generate() -> Result<Self, KeyGenerationError> {
        Ok(Self { access: Key::generate()?, id: Key::generate()? })
    }

    /// Returns the private keys for access tokens and ID tokens as PKCS #8, or `None` if they cannot be
    /// encoded.
    pub fn to_pkcs8(&self) -> Option<[Vec<u8>; 2]> {
        Some([self.access.to_pkcs8()?, self.id.to_pkcs8()?])
    }

    /// Reads the keys that [`Self::to_pkcs8`] wrote. Returns `None` if they are invalid.
    pub fn from_pkcs8(access: &[u8], id: &[u8]) -> Option<Self> {
        let read = |bytes: &[u8]| Key::new(RsaKeyPair::from_pkcs8(bytes).ok()?).ok();
        Some(Self { access: read(access)?, id: read(id)? })
    }

    /// Returns the public keys as a JSON Web Key Set (RFC 7517), as in `/.well-known/jwks.json`.
    pub fn jwks(&self) -> String {
        json!({ "keys": [self.id.jwk(), self.access.jwk()] }).to_string()
    }

    /// Returns an unsigned token with these claims.
    pub fn unsigned(&self, token_use: TokenUse, claims: &Map<String, Value>) -> String {
        let header = json!({ "kid": self.key_for(token_use).kid, "alg": "RS256" }).to_string();
        let claims = Value::Object(claims.clone()).to_string();
        format!("{}.{}", BASE64URL_NOPAD.encode(header.as_bytes()), BASE64URL_NOPAD.encode(claims.as_bytes()))
    }

    /// Returns an unsigned token with its signature. Returns `None` if the operating system provides no
    /// random bytes for the blinding of RSA.
    pub fn sign(&self, token_use: TokenUse, unsigned: &str) -> Option<String> {
        let key = self.key_for(token_use);
        let mut signature = vec![0; key.pair.public_modulus_len()];
        key.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), unsigned.as_bytes(), &mut signature).ok()?;
        Some(format!("{unsigned}.{}", BASE64URL_NOPAD.encode(&signature)))
    }

    /// Returns the claims of a token if it has a valid signature with the key of this use.
    pub fn read(&self, token_use: TokenUse, token: &str) -> Option<Map<String, Value>> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (text, signature) = token.rsplit_once('.')?;
        let (header, claims) = text.split_once('.')?;
        let key = self.key_for(token_use);
        // The key and the algorithm are fixed, so the token's header cannot choose them.
        let header: Value = serde_json::from_slice(&BASE64URL_NOPAD.decode(header.as_bytes()).ok()?).ok()?;
        if header["kid"] != key.kid || header["alg"] != "RS256" {
            return None;
        }
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key.public_der);
        public.verify(text.as_bytes(), &signature).ok()?;
        serde_json::from_slice(&BASE64URL_NOPAD.decode(claims.as_bytes()).ok()?).ok()
    }

    const fn key_for(&self, token_use: TokenUse) -> &Key {
        match token_use {
            TokenUse::Access => &self.access,
            TokenUse::Id => &self.id,
        }
    }
}

/// Returns a token's claims without verifying the signature. Use them only to find the pool that can verify
/// the token.
pub fn unverified_claims(token: &str) -> Option<Map<String, Value>> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let (_, rest) = token.split_once('.')?;
    let (claims, _) = rest.split_once('.')?;
    serde_json::from_slice(&BASE64URL_NOPAD.decode(claims.as_bytes()).ok()?).ok()
}

impl Key {
    fn generate() -> Result<Self, KeyGenerationError> {
        Self::new(RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyGenerationError)?)
    }

    fn new(pair: RsaKeyPair) -> Result<Self, KeyGenerationError> {
        let public_der = pair.public_key().as_der().map_err(|_| KeyGenerationError)?.as_ref().to_vec();
        let kid = data_encoding::BASE64.encode(&Sha256::digest(&public_der));
        Ok(Self { pair, kid, public_der })
    }

    fn to_pkcs8(&self) -> Option<Vec<u8>> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().ok()?;
        Some(der.as_ref().to_vec())
    }

    fn jwk(&self) -> Value {
        let public = self.pair.public_key();
        json!({
            "alg": "RS256",
            "e": BASE64URL_NOPAD.encode(public.exponent().big_endian_without_leading_zero()),
            "kid": self.kid,
            "kty": "RSA",
            "n": BASE64URL_NOPAD.encode(public.modulus().big_endian_without_leading_zero()),
            "use": "sig",
        })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Map<String, Value> {
        json!({ "sub": "s", "token_use": "access" }).as_object().unwrap().clone()
    }

    #[test]
    fn a_token_is_valid_only_for_its_use() {
        let (keys, others) = (Keys::generate().unwrap(), Keys::generate().unwrap());
        let token = keys.sign(TokenUse::Access, &keys.unsigned(TokenUse::Access, &claims())).unwrap();
        assert_eq!(keys.read(TokenUse::Access, &token), Some(claims()));
        assert_eq!(unverified_claims(&token), Some(claims()));
        assert_eq!(keys.read(TokenUse::Id, &token), None);
        assert_eq!(others.read(TokenUse::Access, &token), None);
        let jwks: Value = serde_json::from_str(&keys.jwks()).unwrap();
        let kids: Vec<_> = jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect();
        assert_eq!(kids.len(), 2);
        assert_ne!(kids[0], kids[1]);
        assert_eq!(format!("{keys:?}"), "Keys(…)");
    }

    #[test]
    fn damaged_tokens_and_other_algorithms_are_refused() {
        let keys = Keys::generate().unwrap();
        let token = keys.sign(TokenUse::Access, &keys.unsigned(TokenUse::Access, &claims())).unwrap();
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= 1;
            if let Ok(text) = String::from_utf8(bytes) {
                assert_eq!(keys.read(TokenUse::Access, &text), None, "bit {at}");
            }
        }
        let (_, rest) = token.split_once('.').unwrap();
        for alg in ["none", "HS256", "rs256"] {
            let header = json!({ "kid": keys.access.kid, "alg": alg }).to_string();
            let forged = format!("{}.{rest}", BASE64URL_NOPAD.encode(header.as_bytes()));
            assert_eq!(keys.read(TokenUse::Access, &forged), None, "{alg}");
        }
        let long = ".".repeat(MAX_TOKEN_BYTES + 1);
        for bad in ["", ".", "..", "a.b.c", "\u{1f}", long.as_str()] {
            assert_eq!(keys.read(TokenUse::Access, bad), None);
            assert_eq!(unverified_claims(bad), None);
        }
    }
}
