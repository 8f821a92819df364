//! Tokens that other parties can verify: RS256, with Cognito's claims.
//!
//! Refresh tokens are opaque, as on Cognito: only the pool reads them.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::token::Claims;
use super::{Pool, Step};
use poolproof_cognito::ids::{AccessToken, ClientId, DeviceKey, Username};
use poolproof_cognito::jwt::{Keys, TokenUse};
use poolproof_cognito::protocol::{ApiError, AuthOutcome, AuthenticationResult, Reply, Response};
use poolproof_cognito::time::Timestamp;

/// Cognito's scope for the operations of the user pool.
const SCOPE: &str = "aws.cognito.signin.user.admin";

/// The signing keys and issuer of a pool's tokens.
#[derive(Clone, Debug)]
pub struct Rs256 {
    /// The keys.
    pub keys: Arc<Keys>,
    /// `iss`, the prefix of `/.well-known/jwks.json` and `/.well-known/openid-configuration`.
    pub issuer: String,
}

/// An answer with unsigned tokens. Signing takes about a millisecond and can run on another thread.
#[derive(Debug)]
pub struct SigningJob {
    keys: Arc<Keys>,
    pub(super) tokens: AuthenticationResult,
}

impl SigningJob {
    /// Returns the answer with its signed tokens.
    pub fn run(self) -> Reply {
        let sign = |token_use, unsigned: &str| {
            self.keys.sign(token_use, unsigned).ok_or_else(|| ApiError::internal("cannot sign the tokens"))
        };
        let access_token = AccessToken::new(sign(TokenUse::Access, self.tokens.access_token.as_str())?);
        let id_token = sign(TokenUse::Id, &self.tokens.id_token)?;
        let tokens = AuthenticationResult { access_token, id_token, ..self.tokens };
        Ok(Response::Auth(AuthOutcome::Tokens(tokens)))
    }
}

impl Pool {
    /// Returns this pool with RS256 tokens in place of opaque ones.
    #[must_use]
    pub fn with_rs256(mut self, rs256: Rs256) -> Self {
        self.rs256 = Some(rs256);
        self
    }

    /// Returns whether this pool issued this opaque token.
    pub fn issued_opaque_token(&self, token: &str) -> bool {
        self.signer.read(token).is_some()
    }

    /// Returns the signing job of a step that has RS256 tokens, and every other step as it is.
    pub(super) fn defer_signing(&self, step: Step) -> Step {
        match (step, &self.rs256) {
            (Step::Reply(Ok(Response::Auth(AuthOutcome::Tokens(tokens)))), Some(rs256)) => {
                Step::Sign(Box::new(SigningJob { keys: Arc::clone(&rs256.keys), tokens }))
            }
            (step, _) => step,
        }
    }

    /// Returns the access and the id token with these claims and without signatures, or `None` if tokens are
    /// opaque.
    pub(super) fn unsigned_tokens(
        &self,
        now: Timestamp,
        claims: &Claims,
        id_claims: &Claims,
    ) -> Option<(AccessToken, String)> {
        let Rs256 { keys, issuer } = self.rs256.as_ref()?;
        let account = self.directory.find(claims.username.as_str()).map(|id| self.directory.account(id))?;
        let mut both = Map::new();
        let mut put = |key: &str, value: Value| drop(both.insert(key.to_owned(), value));
        put("sub", account.sub.as_str().into());
        put("iss", issuer.as_str().into());
        if self.clients.get(&claims.client_id).is_none_or(|client| client.token_revocation) {
            put("origin_jti", claims.origin_id.as_str().into());
        }
        put("event_id", claims.event_id.as_str().into());
        put("jti", claims.token_id.as_str().into());
        put("auth_time", claims.signed_in.as_secs().into());
        put("iat", now.as_secs().into());
        put("exp", claims.expires.as_secs().into());
        let mut id = Map::new();
        self.groups.add_claims(account, &mut both, &mut id);
        let mut access = both.clone();
        access.extend([
            ("token_use".to_owned(), json!("access")),
            ("scope".to_owned(), json!(SCOPE)),
            ("client_id".to_owned(), json!(claims.client_id.as_str())),
            ("username".to_owned(), json!(claims.username.as_str())),
        ]);
        if let Some(device_key) = &claims.device_key {
            access.insert("device_key".to_owned(), json!(device_key.as_str()));
        }
        // The standard claims come last, so that no attribute can replace one.
        for (name, value) in account.attributes.iter().filter(|(name, _)| !name.starts_with("cognito:")) {
            id.insert(name.clone(), attribute(name, value));
        }
        let known = [("email", &account.email), ("phone_number", &account.phone)];
        for (name, value) in known.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            id.insert(name.to_owned(), json!(value));
        }
        id.extend(both);
        id.extend([
            ("jti".to_owned(), json!(id_claims.token_id)),
            ("exp".to_owned(), json!(id_claims.expires.as_secs())),
            ("token_use".to_owned(), json!("id")),
            ("aud".to_owned(), json!(claims.client_id.as_str())),
            ("cognito:username".to_owned(), json!(claims.username.as_str())),
        ]);
        let access = AccessToken::new(keys.unsigned(TokenUse::Access, &access));
        Some((access, keys.unsigned(TokenUse::Id, &id)))
    }

    /// Returns whether this is an RS256 access or id token of the pool's account.
    pub(super) fn is_signed_token(&self, token: &str) -> bool {
        self.rs256.as_ref().is_some_and(|rs256| {
            [TokenUse::Access, TokenUse::Id]
                .into_iter()
                .any(|token_use| rs256.keys.read(token_use, token).is_some())
        })
    }

    /// Returns the claims of an access token that this pool issued and that has not expired.
    pub(super) fn read_access(&self, token: &str, now: Timestamp) -> Result<Claims, ApiError> {
        let Some(Rs256 { keys, issuer }) = &self.rs256 else { return self.signer.read_access(token, now) };
        let invalid_parameter = || ApiError::not_authorized("Invalid Access Token");
        let claims = keys.read(TokenUse::Access, token).ok_or_else(invalid_parameter)?;
        if claims.get("iss").and_then(Value::as_str) != Some(issuer) {
            // Pools of one account share their keys.
            return Err(invalid_parameter());
        }
        let mut claims = read(&claims).ok_or_else(invalid_parameter)?;
        let generation =
            self.directory.find(claims.username.as_str()).map(|id| self.directory.account(id).generation);
        let current =
            generation.filter(|generation| self.signer.is_of_generation(&claims.event_id, *generation));
        claims.generation = current.unwrap_or(u64::MAX);
        if now >= claims.expires {
            return Err(ApiError::not_authorized("Access Token has expired"));
        }
        Ok(claims)
    }
}

/// Whether an address is verified is a boolean in tokens and a string everywhere else.
fn attribute(name: &str, value: &str) -> Value {
    match (name.ends_with("_verified"), value) {
        (true, "true") => true.into(),
        (true, "false") => false.into(),
        _ => value.into(),
    }
}

/// Reads the claims of an access token. They do not contain the generation; the caller determines it.
fn read(claims: &Map<String, Value>) -> Option<Claims> {
    let text = |key: &str| claims.get(key).and_then(Value::as_str);
    let whole = |key: &str| claims.get(key).and_then(Value::as_u64);
    let moment = |key: &str| whole(key)?.checked_mul(1_000_000).map(Timestamp::from_us);
    Some(Claims {
        token_id: text("jti")?.to_owned(),
        client_id: ClientId::new(text("client_id")?),
        signed_in: moment("auth_time")?,
        username: Username::new(text("username")?),
        origin_id: text("origin_jti").unwrap_or_default().to_owned(),
        device_key: text("device_key").map(DeviceKey::new),
        generation: u64::MAX,
        event_id: text("event_id")?.to_owned(),
        expires: moment("exp")?,
    })
}
