//! Requests of the tests' clients, and functions that read the replies.

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use poolproof_cognito::ids::{AccessToken, DeviceKey};
use poolproof_cognito::protocol::{
    ApiError, AuthOutcome, AuthenticationResult, Challenge, ConfirmDevice, DeviceCall, InitiateAuth,
    Parameters, Reply, Request, RespondToAuthChallenge, Response, SecretVerifierConfig, UpdateDeviceStatus,
};
use sha2::Sha256;

pub(crate) const POOL: &str = "us-east-1_AbCdEf123";
pub(crate) const CLIENT: &str = "4q3example";
pub(crate) const PASSWORD: &str = "correct horse battery";
/// The refusal of every wrong user name or password.
pub(crate) const INCORRECT: &str = "NotAuthorizedException: Incorrect username or password.";
pub(crate) const NO_SUCH_DEVICE: &str = "ResourceNotFoundException: Device does not exist.";
pub(crate) const BAD_SESSION: &str = "NotAuthorizedException: Invalid session for the user.";
pub(crate) const USED_SESSION: &str =
    "NotAuthorizedException: Invalid session for the user, session can only be used once.";
pub(crate) const LATE_SESSION: &str =
    "NotAuthorizedException: Invalid session for the user, session is expired.";
pub(crate) const LOCKED: &str = "NotAuthorizedException: Password attempts exceeded";
pub(crate) const WRONG_CODE: &str = "CodeMismatchException: Invalid code received for user";

/// Returns `InitiateAuth` of the tests' client.
pub(crate) fn initiate(flow: &str, parameters: Parameters) -> Request {
    let (client_id, auth_flow) = (CLIENT.to_owned(), flow.to_owned());
    Request::InitiateAuth(InitiateAuth { client_id, auth_flow, auth_parameters: parameters })
}

/// Returns `RespondToAuthChallenge` of the tests' client.
pub(crate) fn respond(name: &str, session: Option<&str>, answers: Parameters) -> Request {
    Request::RespondToAuthChallenge(RespondToAuthChallenge {
        client_id: CLIENT.to_owned(),
        challenge_name: name.to_owned(),
        session: session.map(str::to_owned),
        challenge_responses: answers,
        client_metadata: Parameters::new(),
    })
}

pub(crate) fn confirm_device(token: &AccessToken, key: &DeviceKey, config: SecretVerifierConfig) -> Request {
    Request::ConfirmDevice(ConfirmDevice {
        access_token: token.as_str().to_owned(),
        device_key: key.as_str().to_owned(),
        device_name: Some("phone".to_owned()),
        secret_verifier: Some(config),
    })
}

/// Returns `UpdateDeviceStatus`.
pub(crate) fn set_status(token: &AccessToken, key: &DeviceKey, status: &str) -> Request {
    Request::UpdateDeviceStatus(UpdateDeviceStatus {
        access_token: token.as_str().to_owned(),
        device_key: key.as_str().to_owned(),
        status: Some(status.to_owned()),
    })
}

pub(crate) fn call(token: &AccessToken, key: &DeviceKey) -> DeviceCall {
    DeviceCall { access_token: token.as_str().to_owned(), device_key: key.as_str().to_owned() }
}

/// Returns `SECRET_HASH` of a client with this secret.
pub(crate) fn secret_hash(secret: &str, name: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    BASE64.encode(&mac.chain_update(name).chain_update(CLIENT).finalize().into_bytes())
}

/// Returns the challenge parameter with this key.
pub(crate) fn parameter<'a>(challenge: &'a Challenge, key: &str) -> &'a str {
    challenge.parameters.value(key).unwrap_or_else(|| panic!("no {key} in {challenge:?}"))
}

pub(crate) fn challenge(reply: Reply) -> Challenge {
    match reply {
        Ok(Response::Auth(AuthOutcome::Challenge(challenge))) => challenge,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn tokens(reply: Reply) -> AuthenticationResult {
    match reply {
        Ok(Response::Auth(AuthOutcome::Tokens(tokens))) => tokens,
        other => panic!("{other:?}"),
    }
}

/// Returns the refusal as text.
pub(crate) fn refusal<T: std::fmt::Debug>(reply: Result<T, ApiError>) -> String {
    match reply {
        Err(error) => error.to_string(),
        Ok(answer) => panic!("{answer:?}"),
    }
}
