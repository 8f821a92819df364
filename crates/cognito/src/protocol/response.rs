//! What a pool may answer.

use super::{AccountResponse, ApiError, ChallengeName, Parameters};
use crate::ids::{AccessToken, DeviceGroupKey, DeviceKey, Session};
use crate::time::Timestamp;

/// An answer or a refusal. A refusal is a value like any other: nothing has gone wrong when a pool refuses.
pub type Reply = Result<Response, ApiError>;

/// One answer that is not a refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Response {
    /// Of `InitiateAuth` and `RespondToAuthChallenge`.
    Auth(AuthOutcome),
    /// Of `AssociateSoftwareToken`: `SecretCode` in base32, and the session to go on with.
    SecretCode {
        /// The secret that goes into the authenticator app, RFC 4648 base32 without padding.
        secret_code: String,
        /// The session to go on with.
        session: Session,
    },
    /// Of `VerifySoftwareToken` when the code was right.
    SoftwareTokenVerified {
        /// The session to answer `MFA_SETUP` with.
        session: Session,
    },
    /// Of `ConfirmDevice`.
    DeviceConfirmed {
        /// `UserConfirmationNecessary`: true when the user must opt in before the device is remembered.
        user_confirmation_necessary: bool,
    },
    /// Of `GetDevice` and `AdminGetDevice`.
    Device(DeviceDescription),
    /// Of `ListDevices` and `AdminListDevices`.
    Devices {
        /// One page.
        devices: Vec<DeviceDescription>,
        /// `PaginationToken` for the next page, if there is one.
        pagination_token: Option<String>,
    },
    /// About a user.
    Account(AccountResponse),
    /// Of operations that answer with nothing.
    Empty,
}

/// Where a sign-in stands after a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AuthOutcome {
    /// Something more is asked for.
    Challenge(Challenge),
    /// Signed in.
    Tokens(AuthenticationResult),
}

/// A challenge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    /// `ChallengeName`.
    pub name: ChallengeName,
    /// `Session`; `PASSWORD_VERIFIER` comes without one, as on AWS.
    pub session: Option<Session>,
    /// `ChallengeParameters`.
    pub parameters: Parameters,
}

/// `AuthenticationResult`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuthenticationResult {
    /// `AccessToken`.
    pub access_token: AccessToken,
    /// `IdToken`.
    pub id_token: String,
    /// `RefreshToken`; none comes for a refresh token.
    pub refresh_token: Option<String>,
    /// `ExpiresIn`, seconds.
    pub expires_in_s: u32,
    /// `NewDeviceMetadata`, when the pool tracks devices and none was named.
    pub new_device: Option<NewDeviceMetadata>,
}

/// `NewDeviceMetadata`: a key for a device that the pool does not know yet.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewDeviceMetadata {
    /// `DeviceKey`.
    pub device_key: DeviceKey,
    /// `DeviceGroupKey`.
    pub device_group_key: DeviceGroupKey,
}

/// `DeviceType`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeviceDescription {
    /// `DeviceKey`.
    pub device_key: DeviceKey,
    /// `DeviceAttributes`: names and values. Administrators see more of them than users.
    pub attributes: Vec<(&'static str, String)>,
    /// `DeviceCreateDate`.
    pub created: Timestamp,
    /// `DeviceLastModifiedDate`.
    pub modified: Timestamp,
    /// `DeviceLastAuthenticatedDate`.
    pub authenticated: Timestamp,
}
