//! Refresh tokens and token revocation (docs/semantics.md, refresh, sign-out and revocation).

use super::account::{AccountId, RotatedToken};
use super::sign_in::required;
use super::token::{Claims, TokenUse};
use super::{AppClient, Pool};
use poolproof_cognito::ids::{ClientId, DeviceKey};
use poolproof_cognito::protocol::{
    ApiError, AuthOutcome, ErrorKind, GetTokensFromRefreshToken, GlobalSignOut, Parameters, Reply, Response,
    RevokeToken, keys,
};
use poolproof_cognito::time::Timestamp;

/// Most revoked sign-ins stored for one user until their tokens expire; further ones are not revoked
/// individually.
const MAX_REVOKED_SIGN_INS: usize = 1000;

/// Most sign-ins with rotated refresh tokens stored for one user; further ones cannot refresh.
const MAX_ROTATED_SIGN_INS: usize = 1000;

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
        let usable = account.rotated.get(&claims.origin_id).is_none_or(|rotated| {
            rotated.current == claims.token_id
                || rotated.previous == claims.token_id && now < rotated.usable_until
        });
        if !usable {
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
    /// old one can be used until the grace period ends, and leads to the same new one.
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
            let rotated = &mut self.directory.account_mut(id).rotated;
            rotated.retain(|_, token| token.expires > now);
            let known = rotated.get(&claims.origin_id);
            if known.is_none() && rotated.len() >= MAX_ROTATED_SIGN_INS {
                return Err(ApiError::too_many_requests());
            }
            let again = known.filter(|known| known.previous == claims.token_id);
            let next = again.map_or(token_id, |known| known.current.clone());
            if again.is_none() {
                let token = RotatedToken {
                    current: next.clone(),
                    previous: claims.token_id.clone(),
                    usable_until: now.plus(grace),
                    expires: claims.expires,
                };
                rotated.insert(claims.origin_id.clone(), token);
            }
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
                    let revoked = &mut self.directory.account_mut(id).revoked;
                    revoked.retain(|_, until| *until > now);
                    if revoked.len() >= MAX_REVOKED_SIGN_INS && !revoked.contains_key(&claims.origin_id) {
                        return Err(ApiError::too_many_requests());
                    }
                    revoked.insert(claims.origin_id, claims.expires);
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
