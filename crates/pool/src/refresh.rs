//! Refresh tokens and token revocation (docs/semantics.md, refresh, sign-out and revocation).

use std::collections::BTreeMap;
use std::time::Duration;

use super::account::{Account, AccountId, RotatedToken};
use super::sign_in::required;
use super::token::{Claims, TokenUse};
use super::{AppClient, Pool};
use poolproof_cognito::ids::{ClientId, DeviceKey};
use poolproof_cognito::protocol::{
    ApiError, AuthOutcome, ErrorKind, GetTokensFromRefreshToken, GlobalSignOut, Parameters, Reply, Response,
    RevokeToken, keys,
};
use poolproof_cognito::time::Timestamp;

/// Most revoked sign-ins stored for one user until their tokens expire. At the limit, the one that expires
/// first is deleted.
const MAX_REVOKED_SIGN_INS: usize = 1000;

/// Most sign-ins with rotated refresh tokens stored for one user. Beyond it the one that expires first is
/// revoked.
const MAX_ROTATED_SIGN_INS: usize = 1000;

/// Most earlier refresh tokens of one sign-in that can be in their grace period.
const MAX_PREVIOUS_TOKENS: usize = 32;

impl RotatedToken {
    /// Returns whether the token with this `jti` can be exchanged.
    fn admits(&self, now: Timestamp, token_id: &str) -> bool {
        self.current == token_id || self.previous.get(token_id).is_some_and(|until| now < *until)
    }

    /// Makes `next` the current token. The one before it can be used until `usable_until`.
    fn exchange(&mut self, now: Timestamp, next: String, usable_until: Timestamp) {
        self.previous.retain(|_, until| now < *until);
        if self.previous.len() >= MAX_PREVIOUS_TOKENS {
            remove_first_expiring(&mut self.previous, |until| *until);
        }
        let before = std::mem::replace(&mut self.current, next);
        self.previous.insert(before, usable_until);
    }
}

impl Account {
    /// Revokes the tokens of a sign-in.
    fn revoke(&mut self, now: Timestamp, origin_id: String, expires: Timestamp) {
        self.revoked.retain(|_, until| *until > now);
        if self.revoked.len() >= MAX_REVOKED_SIGN_INS && !self.revoked.contains_key(&origin_id) {
            remove_first_expiring(&mut self.revoked, |until| *until);
        }
        self.revoked.insert(origin_id, expires);
    }

    /// Exchanges a refresh token and returns the `jti` of the one that replaces it: `next`, or the current
    /// one if the token was exchanged before.
    fn rotate(&mut self, now: Timestamp, claims: &Claims, next: String, grace: Duration) -> String {
        self.rotated.retain(|_, token| token.expires > now);
        if !self.rotated.contains_key(&claims.origin_id) && self.rotated.len() >= MAX_ROTATED_SIGN_INS {
            let oldest = remove_first_expiring(&mut self.rotated, |token| token.expires);
            if let Some((origin_id, token)) = oldest {
                self.revoke(now, origin_id, token.expires);
            }
        }
        let new = || RotatedToken {
            current: claims.token_id.clone(),
            previous: BTreeMap::new(),
            expires: claims.expires,
        };
        let token = self.rotated.entry(claims.origin_id.clone()).or_insert_with(new);
        if token.current == claims.token_id {
            token.exchange(now, next, now.plus(grace));
        }
        token.current.clone()
    }
}

/// Removes and returns the entry that expires first.
fn remove_first_expiring<V>(
    entries: &mut BTreeMap<String, V>,
    expiry: impl Fn(&V) -> Timestamp,
) -> Option<(String, V)> {
    let first = entries.iter().min_by_key(|(_, value)| expiry(value)).map(|(key, _)| key.clone())?;
    entries.remove_entry(&first)
}

impl Pool {
    /// `REFRESH_TOKEN_AUTH`.
    pub(super) fn refresh_auth(
        &mut self,
        now: Timestamp,
        client: &AppClient,
        parameters: &Parameters,
    ) -> Reply {
        let token = required(parameters, keys::REFRESH_TOKEN)?;
        let device_key = parameters.value(keys::DEVICE_KEY).map(DeviceKey::new);
        let (id, claims) = self.read_refresh(now, &client.id, token, device_key.as_ref())?;
        client.check_hash(parameters, self.directory.account(id).username.as_str())?;
        self.refreshed_tokens(now, client, id, &claims)
    }

    /// `GetTokensFromRefreshToken`.
    pub(super) fn get_tokens(&mut self, now: Timestamp, request: &GetTokensFromRefreshToken) -> Reply {
        let client = self.client(&request.client_id)?;
        client.check_secret(request.client_secret.as_deref())?;
        let device_key = request.device_key.as_deref().map(DeviceKey::new);
        let (id, claims) = self.read_refresh(now, &client.id, &request.refresh_token, device_key.as_ref())?;
        self.refreshed_tokens(now, &client, id, &claims)
    }

    /// Returns the claims of a valid refresh token. In a pool that tracks devices the token is bound to its
    /// device. That device must be confirmed, and the request must name it.
    fn read_refresh(
        &self,
        now: Timestamp,
        client_id: &ClientId,
        token: &str,
        device_key: Option<&DeviceKey>,
    ) -> Result<(AccountId, Claims), ApiError> {
        let invalid_parameter = || ApiError::not_authorized("Invalid Refresh Token.");
        let (token_use, claims) = self.signer.read(token).ok_or_else(invalid_parameter)?;
        if token_use != TokenUse::Refresh {
            return Err(invalid_parameter());
        }
        let id = self.directory.find(claims.username.as_str()).ok_or_else(invalid_parameter)?;
        if claims.client_id != *client_id {
            return Err(invalid_parameter());
        }
        if now >= claims.expires {
            return Err(ApiError::not_authorized("Refresh Token has expired"));
        }
        if self.is_revoked(id, &claims) {
            return Err(ApiError::not_authorized("Refresh Token has been revoked"));
        }
        let account = self.directory.account(id);
        if account.disabled {
            return Err(ApiError::not_authorized("User is disabled."));
        }
        let rotated = account.rotated.get(&claims.origin_id);
        if rotated.is_some_and(|rotated| !rotated.admits(now, &claims.token_id)) {
            let message = "Refresh token has been used already.";
            return Err(ApiError::new(ErrorKind::RefreshTokenReuse, message));
        }
        let bound = claims.device_key.as_ref().filter(|_| self.policy.remember.tracks());
        let valid = |bound| device_key == Some(bound) && account.confirmed(bound).is_some();
        if bound.is_some_and(|bound| !valid(bound)) {
            return Err(invalid_parameter());
        }
        Ok((id, claims))
    }

    /// Returns new tokens. With rotation they include a refresh token for the rest of the old one's life. The
    /// old one can be used until its grace period ends, and then leads to the current one.
    fn refreshed_tokens(
        &mut self,
        now: Timestamp,
        client: &AppClient,
        id: AccountId,
        claims: &Claims,
    ) -> Reply {
        let mut tokens = self.tokens(now, claims, None);
        if let Some(grace) = client.rotation {
            let token_id = self.new_uuid();
            let next = self.directory.account_mut(id).rotate(now, claims, token_id, grace);
            let next = Claims { token_id: next, ..claims.clone() };
            tokens.refresh_token = Some(self.signer.token(TokenUse::Refresh, &next));
        }
        Ok(Response::Auth(AuthOutcome::Tokens(tokens)))
    }

    /// `RevokeToken`.
    pub(super) fn revoke_token(&mut self, now: Timestamp, request: &RevokeToken) -> Reply {
        let client = self.client(&request.client_id)?;
        client.check_secret(request.client_secret.as_deref())?;
        if !client.token_revocation {
            let message = "Token revocation is not enabled for this client.";
            return Err(ApiError::new(ErrorKind::UnsupportedOperation, message));
        }
        match self.signer.read(&request.token) {
            Some((TokenUse::Refresh, claims)) if claims.client_id != client.id => {
                Err(ApiError::new(ErrorKind::Unauthorized, "The token belongs to another app client."))
            }
            Some((TokenUse::Refresh, claims)) => {
                if let Some(id) = self.directory.find(claims.username.as_str()) {
                    self.directory.account_mut(id).revoke(now, claims.origin_id, claims.expires);
                }
                Ok(Response::Empty)
            }
            // An invalid token needs no revocation.
            None if !self.is_signed_token(&request.token) => Ok(Response::Empty),
            None | Some((TokenUse::Access | TokenUse::Id, _)) => {
                Err(ApiError::new(ErrorKind::UnsupportedTokenType, "Only refresh tokens can be revoked."))
            }
        }
    }

    /// `GlobalSignOut`.
    pub(super) fn global_sign_out(&mut self, now: Timestamp, request: &GlobalSignOut) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        self.directory.account_mut(id).sign_out();
        Ok(Response::Empty)
    }

    /// Returns whether these tokens were revoked.
    fn is_revoked(&self, id: AccountId, claims: &Claims) -> bool {
        let account = self.directory.account(id);
        account.generation != claims.generation || account.revoked.contains_key(&claims.origin_id)
    }

    /// Returns the user and the claims of an access token.
    pub(super) fn bearer(&self, access_token: &str, now: Timestamp) -> Result<(AccountId, Claims), ApiError> {
        let claims = self.read_access(access_token, now)?;
        let id = self.directory.find(claims.username.as_str()).ok_or_else(ApiError::user_not_found)?;
        if self.directory.account(id).disabled {
            return Err(ApiError::not_authorized("User is disabled."));
        }
        let revocations = self.directory.account(id).access_revocations;
        if self.is_revoked(id, &claims) || !self.signer.is_access_id(&claims.token_id, revocations) {
            return Err(ApiError::not_authorized("Access Token has been revoked"));
        }
        Ok((id, claims))
    }
}
