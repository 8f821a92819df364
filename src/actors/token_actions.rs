//! What users do with tokens after a sign-in: refresh and revoke them.

use super::context::UserContext;
use super::driver::SignInDriver;
use poolproof_client::{Intent, SignIn};
use poolproof_cognito::ids::DeviceKey;
use poolproof_cognito::protocol::{
    AuthOutcome, DeviceCall, ErrorKind, GetTokensFromRefreshToken, GlobalSignOut, InitiateAuth, Parameters,
    Reply, Request, Response, RevokeToken, keys,
};
use poolproof_oracle::{BoundDevice, Outcome};

/// A refresh token.
#[derive(Clone, Debug)]
pub(super) struct HeldToken {
    /// The sign-in that returned it.
    pub(super) number: u64,
    token: String,
    /// The device that it is bound to, and whether that is confirmed.
    pub(super) device: Option<(DeviceKey, BoundDevice)>,
}

/// One action with tokens.
#[derive(Clone, Debug)]
pub(super) enum TokenAction {
    /// Refresh with the token of this sign-in and this device key.
    Refresh { number: u64, named: Option<DeviceKey> },
    /// Forget this device.
    Forget(DeviceKey),
    /// Revoke the refresh token of this sign-in.
    Revoke(u64),
    /// Sign out everywhere.
    SignOut,
}

/// The actions in order, each with the pool's reply.
pub(super) type TokenReplies = Vec<(TokenAction, Reply)>;

/// Returns the refresh token of a sign-in, if it got one.
pub(super) fn held(number: u64, machine: &SignIn) -> Option<HeldToken> {
    let token = machine.tokens()?.refresh_token.clone()?;
    let named = machine.attempts().iter().rfind(|attempt| !attempt.replayed)?.device.clone();
    let device = match machine.enrollment() {
        Some(new) if new.confirmed => Some((new.metadata.device_key.clone(), BoundDevice::Confirmed)),
        Some(new) => Some((new.metadata.device_key.clone(), BoundDevice::Unconfirmed)),
        None => named.map(|key| (key, BoundDevice::Confirmed)),
    };
    Some(HeldToken { number, token, device })
}

/// Performs the token actions of this intent after a sign-in; `oldest` is an earlier token.
pub(super) async fn run(
    driver: &mut SignInDriver,
    intent: Intent,
    number: u64,
    machine: &SignIn,
    oldest: Option<HeldToken>,
) -> TokenReplies {
    let mut done = Vec::new();
    let (true, Some(mine), Some(tokens)) = (intent.uses_tokens(), held(number, machine), machine.tokens())
    else {
        return done;
    };
    let access_token = tokens.access_token.as_str().to_owned();
    for (action, token) in plan(intent, &mine, oldest.as_ref()) {
        let request = request(&driver.context, &action, token, &access_token);
        if let Ok(reply) = driver.send(request).await {
            done.push((action, reply));
        }
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
        (TokenAction::Refresh { number: held.number, named: key(held) }, held.token.as_str())
    };
    let first = match intent {
        Intent::RefreshWithoutDevice => {
            return vec![(TokenAction::Refresh { number: mine.number, named: None }, &mine.token)];
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
        TokenAction::Refresh { number, named } => {
            let device_key = named.as_ref().map(|key| key.as_str().to_owned());
            // Both refresh operations are used.
            if number.is_multiple_of(2) {
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

/// Returns what a client learns from a refresh response; `None` if the token was not checked.
pub(super) fn outcome(reply: &Reply) -> Option<Outcome> {
    Some(match reply {
        Ok(Response::Auth(AuthOutcome::Tokens(_))) => Outcome::Tokens,
        Ok(_) => Outcome::Other,
        Err(error) => match (error.kind, error.message.as_str()) {
            (ErrorKind::TooManyRequests, _) => return None,
            (ErrorKind::NotAuthorized, "Invalid Refresh Token.") => Outcome::RefreshInvalid,
            (ErrorKind::NotAuthorized, "Refresh Token has been revoked") => Outcome::RefreshRevoked,
            _ => Outcome::Other,
        },
    })
}
