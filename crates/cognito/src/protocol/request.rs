//! What a client may say.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{ChallengeName, SignInStep};
use crate::policy::RiskLevel;

/// `AuthParameters`, `ChallengeParameters` or `ChallengeResponses`: text by key. A JSON null is an absent
/// key.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// These parameters and one more; a second value for a key replaces the first.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// These parameters without `key`.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.0.remove(key);
        self
    }

    /// The value of `key`, if it is there.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys and values in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// One request, as the client wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// Starts a sign-in.
    InitiateAuth(InitiateAuth),
    /// Answers a challenge.
    RespondToAuthChallenge(RespondToAuthChallenge),
    /// Starts to set up an authenticator app.
    AssociateSoftwareToken(AssociateSoftwareToken),
    /// Proves that the authenticator app has the secret.
    VerifySoftwareToken(VerifySoftwareToken),
    /// Gives a new device its secret.
    ConfirmDevice(ConfirmDevice),
    /// Remembers a device, or stops to.
    UpdateDeviceStatus(UpdateDeviceStatus),
    /// Describes a device.
    GetDevice(DeviceCall),
    /// Lists the user's devices.
    ListDevices(ListDevices),
    /// Removes a device.
    ForgetDevice(DeviceCall),
    /// Removes a user's device, in the administrator's name.
    AdminForgetDevice(AdminDeviceCall),
    /// Describes a user's device, remembered or not.
    AdminGetDevice(AdminDeviceCall),
    /// Lists a user's devices, remembered or not.
    AdminListDevices(AdminListDevices),
    /// Remembers a user's device, or stops to.
    AdminUpdateDeviceStatus(AdminUpdateDeviceStatus),
    /// New tokens for a refresh token.
    GetTokensFromRefreshToken(GetTokensFromRefreshToken),
    /// Ends a refresh token and the access tokens that came of it.
    RevokeToken(RevokeToken),
    /// Ends all of a user's tokens.
    GlobalSignOut(GlobalSignOut),
}

/// `InitiateAuth`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct InitiateAuth {
    /// `ClientId`.
    pub client_id: String,
    /// `AuthFlow`; only `USER_SRP_AUTH` proves by SRP.
    pub auth_flow: String,
    /// `AuthParameters`.
    pub auth_parameters: Parameters,
}

/// `RespondToAuthChallenge`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RespondToAuthChallenge {
    /// `ClientId`.
    pub client_id: String,
    /// `ChallengeName`.
    pub challenge_name: String,
    /// `Session`; normally absent with `PASSWORD_VERIFIER`.
    pub session: Option<String>,
    /// `ChallengeResponses`.
    pub challenge_responses: Parameters,
}

/// `AssociateSoftwareToken`, in the course of `MFA_SETUP`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AssociateSoftwareToken {
    /// `Session` of the `MFA_SETUP` challenge.
    pub session: Option<String>,
}

/// `VerifySoftwareToken`, in the course of `MFA_SETUP`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VerifySoftwareToken {
    /// `Session` that `AssociateSoftwareToken` gave.
    pub session: Option<String>,
    /// `UserCode`: six digits.
    pub user_code: String,
}

/// `ConfirmDevice`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConfirmDevice {
    /// `AccessToken` of the sign-in that the device key came with.
    pub access_token: String,
    /// `DeviceKey`.
    pub device_key: String,
    /// `DeviceName`, 1 to 1024 characters.
    pub device_name: Option<String>,
    /// `DeviceSecretVerifierConfig`.
    pub secret_verifier: Option<SecretVerifierConfig>,
}

/// `DeviceSecretVerifierConfig`: what the pool keeps to verify the device by.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SecretVerifierConfig {
    /// `PasswordVerifier`: standard base64 of the verifier's minimal two's-complement bytes.
    pub password_verifier: String,
    /// `Salt`: standard base64 of the salt.
    pub salt: String,
}

/// `UpdateDeviceStatus`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UpdateDeviceStatus {
    /// `AccessToken`.
    pub access_token: String,
    /// `DeviceKey`.
    pub device_key: String,
    /// `DeviceRememberedStatus`: `remembered` or `not_remembered`.
    pub status: Option<String>,
}

/// `GetDevice` and `ForgetDevice`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeviceCall {
    /// `AccessToken`.
    pub access_token: String,
    /// `DeviceKey`.
    pub device_key: String,
}

/// `ListDevices`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListDevices {
    /// `AccessToken`.
    pub access_token: String,
    /// `Limit`, 0 to 60; absent or 0 is the default page.
    pub limit: Option<u32>,
    /// `PaginationToken` of the page before.
    pub pagination_token: Option<String>,
}

/// `AdminForgetDevice` and `AdminGetDevice`. Who may say this is the door's business.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AdminDeviceCall {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
    /// `DeviceKey`.
    pub device_key: String,
}

/// `AdminListDevices`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AdminListDevices {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
    /// `Limit`, 0 to 60; absent or 0 is the default page.
    pub limit: Option<u32>,
    /// `PaginationToken` of the page before.
    pub pagination_token: Option<String>,
}

/// `AdminUpdateDeviceStatus`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AdminUpdateDeviceStatus {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
    /// `DeviceKey`.
    pub device_key: String,
    /// `DeviceRememberedStatus`: `remembered` or `not_remembered`.
    pub status: Option<String>,
}

/// `GetTokensFromRefreshToken`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GetTokensFromRefreshToken {
    /// `RefreshToken`.
    pub refresh_token: String,
    /// `ClientId`.
    pub client_id: String,
    /// `ClientSecret`, of a client that has one.
    pub client_secret: Option<String>,
    /// `DeviceKey` of the sign-in that the token came from.
    pub device_key: Option<String>,
}

/// `RevokeToken`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RevokeToken {
    /// `Token`: a refresh token.
    pub token: String,
    /// `ClientId`.
    pub client_id: String,
    /// `ClientSecret`, of a client that has one.
    pub client_secret: Option<String>,
}

/// `GlobalSignOut`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GlobalSignOut {
    /// `AccessToken`.
    pub access_token: String,
}

impl Request {
    /// `ClientId`, of the requests that have one.
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Self::InitiateAuth(request) => Some(&request.client_id),
            Self::RespondToAuthChallenge(request) => Some(&request.client_id),
            Self::GetTokensFromRefreshToken(request) => Some(&request.client_id),
            Self::RevokeToken(request) => Some(&request.client_id),
            _ => None,
        }
    }

    /// The step of a sign-in that this request is, for measuring.
    pub fn step(&self) -> SignInStep {
        match self {
            Self::InitiateAuth(start) if start.auth_flow.starts_with("REFRESH_TOKEN") => {
                SignInStep::RefreshTokens
            }
            Self::InitiateAuth(_) => SignInStep::InitiateAuth,
            Self::RespondToAuthChallenge(answer) => match answer.challenge_name.parse() {
                Ok(ChallengeName::DeviceSrpAuth) => SignInStep::DeviceSrpAuth,
                Ok(ChallengeName::DevicePasswordVerifier) => SignInStep::DevicePasswordVerifier,
                Ok(ChallengeName::PasswordVerifier | ChallengeName::NewPasswordRequired) | Err(()) => {
                    SignInStep::PasswordVerifier
                }
                Ok(_) => SignInStep::Mfa,
            },
            Self::AssociateSoftwareToken(_) | Self::VerifySoftwareToken(_) => SignInStep::Mfa,
            Self::ConfirmDevice(_) => SignInStep::ConfirmDevice,
            Self::UpdateDeviceStatus(_) | Self::AdminUpdateDeviceStatus(_) => SignInStep::UpdateDeviceStatus,
            Self::GetDevice(_)
            | Self::ListDevices(_)
            | Self::AdminGetDevice(_)
            | Self::AdminListDevices(_) => SignInStep::ReadDevices,
            Self::GetTokensFromRefreshToken(_) => SignInStep::RefreshTokens,
            Self::RevokeToken(_) | Self::GlobalSignOut(_) => SignInStep::SignOut,
            Self::ForgetDevice(_) | Self::AdminForgetDevice(_) => SignInStep::ForgetDevice,
        }
    }
}

/// What the door knows of a request besides its words. The client cannot say it, so it can be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Origin {
    /// How risky the attempt looks to whoever estimates that; `None` is no risk.
    pub risk: Option<RiskLevel>,
    /// The address that the request came from, if there is one.
    pub address: Option<IpAddr>,
}
