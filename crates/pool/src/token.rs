//! Opaque tokens: their claims, and a signature that only this pool can create.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::Rng as _;
use sha2::Sha256;

use poolproof_cognito::ids::{AccessToken, ClientId, DeviceKey, Username};
use poolproof_cognito::protocol::ApiError;
use poolproof_cognito::seed::Rng;
use poolproof_cognito::time::Timestamp;

/// The claims of a token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Claims {
    /// `jti`, which makes the token unique.
    pub(super) token_id: String,
    /// The app client that signed in.
    pub(super) client_id: ClientId,
    /// Time of the sign-in (`auth_time`); a refreshed token keeps it.
    pub(super) signed_in: Timestamp,
    pub(super) username: Username,
    /// The original sign-in (`origin_jti`); a refreshed token keeps it.
    pub(super) origin_id: String,
    /// The device that signed in, or that was issued with these tokens.
    pub(super) device_key: Option<DeviceKey>,
    /// The number of earlier global sign-outs.
    pub(super) generation: u64,
    /// Identifies the sign-in in the records of threat protection (`event_id`); a refreshed token keeps it.
    pub(super) event_id: String,
    pub(super) expires: Timestamp,
}

/// The purpose of a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TokenUse {
    Access,
    Id,
    Refresh,
}

impl TokenUse {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Id => "id",
            Self::Refresh => "refresh",
        }
    }
}

/// Creates and checks tokens.
pub(super) struct Signer(Hmac<Sha256>);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(…)")
    }
}

/// Separates the fields of a token; only the last field, the name, could contain it.
const SEPARATOR: char = '\u{1f}';

impl Signer {
    /// Returns a signer with a new key.
    pub(super) fn new(rng: &mut Rng) -> Self {
        let mut key = [0; 32];
        rng.fill_bytes(&mut key);
        let mac =
            Hmac::new_from_slice(&key).unwrap_or_else(|_| unreachable!("HMAC accepts keys of any length"));
        Self(mac)
    }

    /// Returns the token for this use with these claims.
    pub(super) fn token(&self, token_use: TokenUse, claims: &Claims) -> String {
        let device = claims.device_key.as_ref().map_or("", DeviceKey::as_str);
        let (generation, expires) = (claims.generation.to_string(), claims.expires.as_us().to_string());
        let name = claims.username.as_str();
        let (client_id, signed_in) = (claims.client_id.as_str(), claims.signed_in.as_us().to_string());
        let origin_id = claims.origin_id.as_str();
        let fields = [
            token_use.as_str(),
            &claims.token_id,
            client_id,
            &signed_in,
            origin_id,
            device,
            &generation,
            &expires,
            &claims.event_id,
            name,
        ];
        let text = fields.join(&SEPARATOR.to_string());
        let signature = self.0.clone().chain_update(text.as_bytes()).finalize().into_bytes();
        format!("{}.{}", BASE64URL_NOPAD.encode(text.as_bytes()), BASE64URL_NOPAD.encode(&signature))
    }

    /// Returns the `event_id` of a sign-in: a UUID whose second half authenticates the first half together
    /// with the number of earlier global sign-outs. So RS256 tokens need no claim that Cognito does not have.
    pub(super) fn event_id(&self, random: [u8; 8], generation: u64) -> String {
        self.tagged_id(b"event", random, generation)
    }

    /// Returns whether a sign-in with this `event_id` came after this number of global sign-outs.
    pub(super) fn is_of_generation(&self, event_id: &str, generation: u64) -> bool {
        self.has_tag(b"event", event_id, generation)
    }

    /// Returns the `jti` of an access token: a UUID like the `event_id`, which authenticates how often the
    /// user's access tokens were revoked before.
    pub(super) fn access_id(&self, random: [u8; 8], revocations: u64) -> String {
        self.tagged_id(b"access", random, revocations)
    }

    /// Returns whether an access token with this `jti` was issued after this number of revocations.
    pub(super) fn is_access_id(&self, token_id: &str, revocations: u64) -> bool {
        self.has_tag(b"access", token_id, revocations)
    }

    fn tagged_id(&self, label: &[u8], random: [u8; 8], number: u64) -> String {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&random);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        let tag = self.0.clone().chain_update(label).chain_update(&bytes[..8]);
        let tag = tag.chain_update(number.to_be_bytes()).finalize().into_bytes();
        bytes[8..].copy_from_slice(&tag[..8]);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    fn has_tag(&self, label: &[u8], id: &str, number: u64) -> bool {
        let Ok(parsed) = uuid::Uuid::try_parse(id) else { return false };
        let mut random = [0; 8];
        random.copy_from_slice(&parsed.as_bytes()[..8]);
        self.tagged_id(label, random, number) == id
    }

    /// Returns the access token with these claims.
    pub(super) fn access(&self, claims: &Claims) -> AccessToken {
        AccessToken::new(self.token(TokenUse::Access, claims))
    }

    /// Returns the claims of an access token that this pool issued and that has not expired.
    pub(super) fn read_access(&self, token: &str, now: Timestamp) -> Result<Claims, ApiError> {
        let (token_use, claims) =
            self.read(token).ok_or_else(|| ApiError::not_authorized("Invalid Access Token"))?;
        if token_use != TokenUse::Access {
            return Err(ApiError::not_authorized("Invalid Access Token"));
        }
        if now >= claims.expires {
            return Err(ApiError::not_authorized("Access Token has expired"));
        }
        Ok(claims)
    }

    /// Returns the use and the claims of a token that this pool issued.
    pub(super) fn read(&self, token: &str) -> Option<(TokenUse, Claims)> {
        let (text, signature) = token.split_once('.')?;
        let text = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
        self.0.clone().chain_update(&text).verify_slice(&signature).ok()?;
        parse(&String::from_utf8(text).ok()?)
    }
}

fn parse(text: &str) -> Option<(TokenUse, Claims)> {
    let mut fields = text.splitn(10, SEPARATOR);
    let token_use = fields.next()?;
    let token_use = [TokenUse::Access, TokenUse::Id, TokenUse::Refresh]
        .into_iter()
        .find(|one| one.as_str() == token_use)?;
    let token_id = fields.next()?.to_owned();
    let client_id = ClientId::new(fields.next()?);
    let signed_in = Timestamp::from_us(fields.next()?.parse().ok()?);
    let origin_id = fields.next()?.to_owned();
    let device_key = Some(fields.next()?).filter(|key| !key.is_empty()).map(DeviceKey::new);
    let generation = fields.next()?.parse().ok()?;
    let expires = Timestamp::from_us(fields.next()?.parse().ok()?);
    let event_id = fields.next()?.to_owned();
    let username = Username::new(fields.next()?);
    let claims = Claims {
        token_id,
        client_id,
        signed_in,
        username,
        origin_id,
        device_key,
        generation,
        event_id,
        expires,
    };
    Some((token_use, claims))
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolproof_cognito::seed::Seed;

    fn claims() -> Claims {
        Claims {
            token_id: "t".to_owned(),
            client_id: ClientId::new("c"),
            signed_in: Timestamp::from_us(1),
            username: Username::new("ann\u{1f}e"),
            origin_id: "o".to_owned(),
            device_key: Some(DeviceKey::new("r_1")),
            generation: 3,
            event_id: "e".to_owned(),
            expires: Timestamp::from_us(10),
        }
    }

    #[test]
    fn a_token_is_readable_until_it_expires() {
        let signer = Signer::new(&mut Seed::new(1).rng("pool", 0));
        let token = signer.access(&claims());
        assert_eq!(signer.read_access(token.as_str(), Timestamp::from_us(9)), Ok(claims()));
        let late = signer.read_access(token.as_str(), Timestamp::from_us(10)).unwrap_err();
        assert_eq!(late.message, "Access Token has expired");
        let refresh = signer.token(TokenUse::Refresh, &claims());
        assert_eq!(signer.read(&refresh), Some((TokenUse::Refresh, claims())));
    }

    #[test]
    fn tokens_of_other_pools_and_uses_and_any_flipped_bit_are_refused() {
        let signer = Signer::new(&mut Seed::new(1).rng("pool", 0));
        let other = Signer::new(&mut Seed::new(2).rng("pool", 0));
        let refused = |token: &str| signer.read_access(token, Timestamp::from_us(1)).unwrap_err().message;
        assert_eq!(refused(other.access(&claims()).as_str()), "Invalid Access Token");
        assert_eq!(refused(&signer.token(TokenUse::Id, &claims())), "Invalid Access Token");
        assert_eq!(refused(&signer.token(TokenUse::Refresh, &claims())), "Invalid Access Token");
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

    #[test]
    fn event_id_is_valid_for_its_generation_only() {
        let signer = Signer::new(&mut Seed::new(1).rng("pool", 0));
        let id = signer.event_id([7; 8], 3);
        assert!(signer.is_of_generation(&id, 3));
        assert!(!signer.is_of_generation(&id, 4));
        assert!(!Signer::new(&mut Seed::new(2).rng("pool", 0)).is_of_generation(&id, 3));
        assert!(!signer.is_of_generation("no UUID", 3));
    }
}
