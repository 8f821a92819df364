//! Opaque tokens: what they say, and a signature that only this pool can make.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::Rng as _;
use sha2::Sha256;

use crate::clock::Timestamp;
use crate::ids::{AccessToken, DeviceKey, Username};
use crate::protocol::ApiError;
use crate::seed::Stream;

/// How long an access token is good for: Cognito's default.
pub(super) const ACCESS_TOKEN_VALIDITY: Duration = Duration::from_secs(3600);

/// What an access token says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct AccessClaims {
    pub(super) username: Username,
    /// The token's own id.
    pub(super) token_id: String,
    /// The device that signed in, or that was issued with these tokens.
    pub(super) device_key: Option<DeviceKey>,
    pub(super) expires: Timestamp,
}

/// Makes and checks tokens.
pub(super) struct Signer(Hmac<Sha256>);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(…)")
    }
}

/// Stands between the fields of a token: no field can contain it.
const SEPARATOR: char = '\u{1f}';

impl Signer {
    /// A signer with a key of its own.
    pub(super) fn new(chance: &mut Stream) -> Self {
        let mut key = [0; 32];
        chance.fill_bytes(&mut key);
        let mac =
            Hmac::new_from_slice(&key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        Self(mac)
    }

    /// The access token that says `claims`.
    pub(super) fn access(&self, claims: &AccessClaims) -> AccessToken {
        let device = claims.device_key.as_ref().map_or("", DeviceKey::as_str);
        let expires = claims.expires.as_us();
        let name = &claims.username;
        let text = format!(
            "access{SEPARATOR}{}{SEPARATOR}{device}{SEPARATOR}{expires}{SEPARATOR}{name}",
            claims.token_id
        );
        AccessToken::new(self.sign(&text))
    }

    /// A token of another use, which nothing in this pool reads.
    pub(super) fn other(&self, usage: &str, claims: &AccessClaims) -> String {
        self.sign(&format!("{usage}{SEPARATOR}{}{SEPARATOR}{}", claims.token_id, claims.username))
    }

    /// What an access token says, if this pool made it and it is still good.
    pub(super) fn read_access(&self, token: &str, now: Timestamp) -> Result<AccessClaims, ApiError> {
        let claims = self.verified(token).and_then(|text| parse_access(&text));
        let claims = claims.ok_or_else(|| not_authorized("Invalid Access Token"))?;
        if now >= claims.expires {
            return Err(not_authorized("Access Token has expired"));
        }
        Ok(claims)
    }

    fn sign(&self, text: &str) -> String {
        let signature = self.0.clone().chain_update(text.as_bytes()).finalize().into_bytes();
        format!("{}.{}", BASE64URL_NOPAD.encode(text.as_bytes()), BASE64URL_NOPAD.encode(&signature))
    }

    fn verified(&self, token: &str) -> Option<String> {
        let (text, signature) = token.split_once('.')?;
        let text = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
        self.0.clone().chain_update(&text).verify_slice(&signature).ok()?;
        String::from_utf8(text).ok()
    }
}

fn parse_access(text: &str) -> Option<AccessClaims> {
    let mut fields = text.splitn(5, SEPARATOR);
    if fields.next()? != "access" {
        return None;
    }
    let token_id = fields.next()?.to_owned();
    let device_key = fields.next().filter(|key| !key.is_empty()).map(DeviceKey::new);
    let expires = Timestamp::from_us(fields.next()?.parse().ok()?);
    Some(AccessClaims { username: Username::new(fields.next()?), token_id, device_key, expires })
}

fn not_authorized(message: &str) -> ApiError {
    ApiError::new(crate::protocol::ErrorKind::NotAuthorized, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn claims() -> AccessClaims {
        AccessClaims {
            username: Username::new("ann\u{1f}e"),
            token_id: "t".to_owned(),
            device_key: Some(DeviceKey::new("r_1")),
            expires: Timestamp::from_us(10),
        }
    }

    #[test]
    fn a_token_says_what_was_signed_until_it_expires() {
        let signer = Signer::new(&mut Seed::new(1).stream("pool", 0));
        let token = signer.access(&claims());
        assert_eq!(signer.read_access(token.as_str(), Timestamp::from_us(9)), Ok(claims()));
        let late = signer.read_access(token.as_str(), Timestamp::from_us(10)).unwrap_err();
        assert_eq!(late.message, "Access Token has expired");
    }

    #[test]
    fn tokens_of_other_pools_and_uses_and_any_flipped_bit_are_refused() {
        let signer = Signer::new(&mut Seed::new(1).stream("pool", 0));
        let other = Signer::new(&mut Seed::new(2).stream("pool", 0));
        let refused = |token: &str| signer.read_access(token, Timestamp::from_us(1)).unwrap_err().message;
        assert_eq!(refused(other.access(&claims()).as_str()), "Invalid Access Token");
        assert_eq!(refused(&signer.other("id", &claims())), "Invalid Access Token");
        let good = signer.access(&claims()).as_str().to_owned();
        for at in 0..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= 1;
            if let Ok(text) = String::from_utf8(bytes) {
                assert_eq!(refused(&text), "Invalid Access Token", "bit {at}");
            }
        }
        assert_eq!(refused(""), "Invalid Access Token");
    }
}
