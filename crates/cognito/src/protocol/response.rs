//! Responses of pools.

use super::{AccountResponse, ApiError, ChallengeName, Parameters};
use crate::ids::{AccessToken, DeviceGroupKey, DeviceKey, Session};
use crate::time::Timestamp;

/// A response or an error. An error is an ordinary value: a refusal is not a failure of the pool.
pub type Reply = Result<Response, ApiError>;

/// A successful response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Response {
    /// The response of `InitiateAuth` and `RespondToAuthChallenge`.
    Auth(AuthOutcome),
    /// The response of `AssociateSoftwareToken`: the secret and the next session.
    SecretCode {
        /// The secret for the authenticator app (`SecretCode`), RFC 4648 base32 without padding.
        secret_code: String,
        /// The next session.
        session: Session,
    },
    /// The response of `VerifySoftwareToken` if the code was right.
    SoftwareTokenVerified {
        /// The session for the response to `MFA_SETUP`.
        session: Session,
    },
    /// The response of `ConfirmDevice`.
    DeviceConfirmed {
        /// `UserConfirmationNecessary`: true if the pool remembers the device only after the user opts in.
        user_confirmation_necessary: bool,
    },
    /// The response of `GetDevice` and `AdminGetDevice`.
    Device(DeviceDescription),
    /// The response of `ListDevices` and `AdminListDevices`.
    Devices {
        /// The devices of one page.
        devices: Vec<DeviceDescription>,
        /// `PaginationToken` for the next page, if there is one.
        pagination_token: Option<String>,
    },
    /// A response about a user.
    Account(AccountResponse),
    /// The response of operations without output.
    Empty,
}

/// The state of a sign-in after a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AuthOutcome {
    /// The pool requires another step.
    Challenge(Challenge),
    /// The user is signed in.
    Tokens(AuthenticationResult),
}

/// A challenge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    /// `ChallengeName`.
    pub name: ChallengeName,
    /// `Session`; absent for `PASSWORD_VERIFIER`, as on AWS.
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
    /// `RefreshToken`; absent if a refresh token was exchanged.
    pub refresh_token: Option<String>,
    /// `ExpiresIn`, seconds.
    pub expires_in_s: u32,
    /// `NewDeviceMetadata`, if the pool tracks devices and the request named none.
    pub new_device: Option<NewDeviceMetadata>,
}

/// `NewDeviceMetadata`: the key for a device that the pool does not know yet.
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
    /// `DeviceAttributes`: names and values. Administrators see more attributes than users.
    pub attributes: Vec<(&'static str, String)>,
    /// `DeviceCreateDate`.
    pub created: Timestamp,
    /// `DeviceLastModifiedDate`.
    pub modified: Timestamp,
    /// `DeviceLastAuthenticatedDate`.
    pub authenticated: Timestamp,
}
