//! Refreshes and revocations of tokens after a sign-in.

use super::context::UserContext;
use super::driver::SignInDriver;
use poolproof_client::{Intent, SignIn};
use poolproof_cognito::ids::DeviceKey;
use poolproof_cognito::protocol::{
    AuthOutcome, DeviceCall, ErrorKind, GetTokensFromRefreshToken, GlobalSignOut, InitiateAuth, Parameters,
    Reply, Request, Response, RevokeToken, keys,
};
use poolproof_oracle::{BoundDevice, Outcome, RequestInterval};

/// A refresh token.
#[derive(Clone, Debug)]
pub(super) struct HeldToken {
    /// The sign-in that returned it.
    pub(super) number: u64,
    token: String,
    /// The token that was exchanged for this one.
    used: Option<String>,
    /// The device that it is bound to, and whether that is confirmed.
    pub(super) device: Option<(DeviceKey, BoundDevice)>,
}

/// One action with tokens.
#[derive(Clone, Debug)]
pub(super) enum TokenAction {
    /// Refresh with the token of this sign-in and this device key. `used` is the token that was exchanged
    /// before.
    Refresh { number: u64, named: Option<DeviceKey>, used: bool },
    /// Forget this device.
    Forget(DeviceKey),
    /// Revoke the refresh token of this sign-in.
    Revoke(u64),
    /// Sign out everywhere.
    SignOut,
}

/// An action and the pool's reply.
#[derive(Debug)]
pub(super) struct TokenReply {
    pub(super) action: TokenAction,
    pub(super) when: RequestInterval,
    /// The reply; `None` if there was none.
    pub(super) reply: Option<Reply>,
}

impl HeldToken {
    /// Replaces the token by the one of a refresh, if it returned one, and keeps the used one.
    pub(super) fn exchange(&mut self, reply: &Reply) {
        if let Some(next) = rotated_token(reply) {
            self.used = Some(std::mem::replace(&mut self.token, next));
        }
    }
}

/// Returns the refresh token of a refresh.
pub(super) fn rotated_token(reply: &Reply) -> Option<String> {
    match reply {
        Ok(Response::Auth(AuthOutcome::Tokens(tokens))) => tokens.refresh_token.clone(),
        _ => None,
    }
}

/// Returns the refresh token of a sign-in, if it got one.
pub(super) fn held(number: u64, machine: &SignIn) -> Option<HeldToken> {
    let token = machine.tokens()?.refresh_token.clone()?;
    let named = machine.attempts().iter().rfind(|attempt| !attempt.replayed)?.device.clone();
    let device = match machine.enrollment() {
        Some(new) if new.confirmed => Some((new.metadata.device_key.clone(), BoundDevice::Confirmed)),
        Some(new) => Some((new.metadata.device_key.clone(), BoundDevice::Unconfirmed)),
        None => named.map(|key| (key, BoundDevice::Confirmed)),
    };
    Some(HeldToken { number, token, used: None, device })
}

/// Performs the token actions of this intent after a sign-in; `oldest` is an earlier token.
pub(super) async fn run(
    driver: &mut SignInDriver,
    intent: Intent,
    number: u64,
    machine: &SignIn,
    oldest: Option<HeldToken>,
) -> Vec<TokenReply> {
    let mut done = Vec::new();
    let (true, Some(mine), Some(tokens)) = (intent.uses_tokens(), held(number, machine), machine.tokens())
    else {
        return done;
    };
    let access_token = tokens.access_token.as_str().to_owned();
    for (action, token) in plan(intent, &mine, oldest.as_ref()) {
        // A token that no refresh has exchanged is not a used one.
        let exchanged =
            |one: &TokenReply| one.reply.as_ref().is_some_and(|reply| rotated_token(reply).is_some());
        let again = matches!(&action, TokenAction::Refresh { number: of, used: true, .. } if *of == number);
        if again && !done.iter().any(exchanged) {
            continue;
        }
        let request = request(&driver.context, &action, token, &access_token);
        let sent = driver.context.clock.now();
        let reply = driver.send(request).await.ok();
        let when = RequestInterval { sent, answered: driver.context.clock.now() };
        done.push(TokenReply { action, when, reply });
    }
    done
}

/// Returns the actions, each with its refresh token.
fn plan<'h>(
    intent: Intent,
    mine: &'h HeldToken,
    oldest: Option<&'h HeldToken>,
) -> Vec<(TokenAction, &'h str)> {
    let key = |held: &HeldToken| held.device.as_ref().map(|(key, _)| key.clone());
    let refresh = |held: &'h HeldToken| {
        (TokenAction::Refresh { number: held.number, named: key(held), used: false }, held.token.as_str())
    };
    let reuse = |number: u64, named: Option<DeviceKey>, token: &'h str| {
        (TokenAction::Refresh { number, named, used: true }, token)
    };
    let first = match intent {
        Intent::RefreshWithoutDevice => {
            let action = TokenAction::Refresh { number: mine.number, named: None, used: false };
            return vec![(action, &mine.token)];
        }
        Intent::RefreshReuse => {
            let again = reuse(mine.number, key(mine), &mine.token);
            let oldest =
                oldest.and_then(|oldest| Some(reuse(oldest.number, key(oldest), oldest.used.as_deref()?)));
            return [refresh(mine), again].into_iter().chain(oldest).collect();
        }
        Intent::RefreshAfterForget => key(mine).map(TokenAction::Forget),
        Intent::RefreshAfterRevoke => Some(TokenAction::Revoke(mine.number)),
        Intent::RefreshAfterSignOut => Some(TokenAction::SignOut),
        _ => None,
    };
    let first = first.map(|action| (action, mine.token.as_str()));
    first.into_iter().chain([refresh(mine)]).chain(oldest.map(refresh)).collect()
}

fn request(context: &UserContext, action: &TokenAction, token: &str, access_token: &str) -> Request {
    let client_id = context.client_id.as_str().to_owned();
    let access_token = access_token.to_owned();
    match action {
        TokenAction::Refresh { number, named, .. } => {
            let device_key = named.as_ref().map(|key| key.as_str().to_owned());
            // Both refresh operations are used. With rotation Cognito allows one.
            if context.rotation.is_some() || number.is_multiple_of(2) {
                let refresh_token = token.to_owned();
                return Request::GetTokensFromRefreshToken(GetTokensFromRefreshToken {
                    refresh_token,
                    client_id,
                    client_secret: None,
                    device_key,
                });
            }
            let mut auth_parameters = Parameters::new().with(keys::REFRESH_TOKEN, token);
            if let Some(key) = device_key {
                auth_parameters = auth_parameters.with(keys::DEVICE_KEY, key);
            }
            let auth_flow = "REFRESH_TOKEN_AUTH".to_owned();
            Request::InitiateAuth(InitiateAuth { client_id, auth_flow, auth_parameters })
        }
        TokenAction::Forget(key) => {
            Request::ForgetDevice(DeviceCall { access_token, device_key: key.as_str().to_owned() })
        }
        TokenAction::Revoke(_) => {
            Request::RevokeToken(RevokeToken { token: token.to_owned(), client_id, client_secret: None })
        }
        TokenAction::SignOut => Request::GlobalSignOut(GlobalSignOut { access_token }),
    }
}

/// Returns what a client learns from a refresh response; `None` if the token was not checked. With rotation
/// the tokens include a new refresh token, and otherwise none.
pub(super) fn outcome(reply: &Reply, rotates: bool) -> Option<Outcome> {
    Some(match reply {
        Ok(Response::Auth(AuthOutcome::Tokens(tokens))) if tokens.refresh_token.is_some() == rotates => {
            Outcome::Tokens
        }
        Ok(_) => Outcome::Other,
        Err(error) => match (error.kind, error.message.as_str()) {
            (ErrorKind::TooManyRequests, _) => return None,
            (ErrorKind::NotAuthorized, "Invalid Refresh Token.") => Outcome::RefreshInvalid,
            (ErrorKind::NotAuthorized, "Refresh Token has been revoked") => Outcome::RefreshRevoked,
            (ErrorKind::RefreshTokenReuse, _) => Outcome::RefreshReused,
            _ => Outcome::Other,
        },
    })
}
