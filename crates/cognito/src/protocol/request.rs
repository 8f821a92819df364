//! Requests of clients.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{ChallengeName, SignInStep};
use crate::policy::RiskLevel;

/// `AuthParameters`, `ChallengeParameters` or `ChallengeResponses`: a map from keys to text. A JSON null
/// counts as an absent key.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Creates an empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the parameters with one more; a second value for a key replaces the first.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Returns the parameters without `key`.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.0.remove(key);
        self
    }

    /// Returns the value of `key`, if present.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Returns whether there are no parameters.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the keys and values, ordered by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// A request, as the client wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// Starts a sign-in.
    InitiateAuth(InitiateAuth),
    /// Responds to a challenge.
    RespondToAuthChallenge(RespondToAuthChallenge),
    /// Starts the setup of an authenticator app.
    AssociateSoftwareToken(AssociateSoftwareToken),
    /// Verifies that the authenticator app has the secret.
    VerifySoftwareToken(VerifySoftwareToken),
    /// Confirms a new device and sets its verifier.
    ConfirmDevice(ConfirmDevice),
    /// Opts a device in or out of being remembered.
    UpdateDeviceStatus(UpdateDeviceStatus),
    /// Describes a device.
    GetDevice(DeviceCall),
    /// Lists the user's devices.
    ListDevices(ListDevices),
    /// Forgets a device.
    ForgetDevice(DeviceCall),
    /// Forgets a user's device, as an administrator.
    AdminForgetDevice(AdminDeviceCall),
    /// Describes a user's device, remembered or not, as an administrator.
    AdminGetDevice(AdminDeviceCall),
    /// Lists a user's devices, remembered or not, as an administrator.
    AdminListDevices(AdminListDevices),
    /// Opts a user's device in or out of being remembered, as an administrator.
    AdminUpdateDeviceStatus(AdminUpdateDeviceStatus),
    /// Exchanges a refresh token for new tokens.
    GetTokensFromRefreshToken(GetTokensFromRefreshToken),
    /// Revokes a refresh token and the access tokens issued with it.
    RevokeToken(RevokeToken),
    /// Revokes all tokens of a user.
    GlobalSignOut(GlobalSignOut),
}

/// `InitiateAuth`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InitiateAuth {
    /// `ClientId`.
    pub client_id: String,
    /// `AuthFlow`; only `USER_SRP_AUTH` uses SRP.
    pub auth_flow: String,
    /// `AuthParameters`.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub auth_parameters: Parameters,
}

/// `RespondToAuthChallenge`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RespondToAuthChallenge {
    /// `ClientId`.
    pub client_id: String,
    /// `ChallengeName`.
    pub challenge_name: String,
    /// `Session`; normally absent with `PASSWORD_VERIFIER`.
    pub session: Option<String>,
    /// `ChallengeResponses`.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub challenge_responses: Parameters,
    /// `ClientMetadata`, for the triggers of custom challenges.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub client_metadata: Parameters,
}

/// `AssociateSoftwareToken` during `MFA_SETUP`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AssociateSoftwareToken {
    /// `Session` of the `MFA_SETUP` challenge.
    pub session: Option<String>,
}

/// `VerifySoftwareToken` during `MFA_SETUP`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VerifySoftwareToken {
    /// `Session` from the response of `AssociateSoftwareToken`.
    pub session: Option<String>,
    /// `UserCode`: six digits.
    pub user_code: String,
    /// `FriendlyDeviceName`: the app's name in later challenges.
    pub friendly_device_name: Option<String>,
}

/// `ConfirmDevice`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ConfirmDevice {
    /// `AccessToken` of the sign-in that issued the device key.
    pub access_token: String,
    /// `DeviceKey`.
    pub device_key: String,
    /// `DeviceName`, 1 to 1024 characters.
    pub device_name: Option<String>,
    /// `DeviceSecretVerifierConfig`.
    #[serde(rename = "DeviceSecretVerifierConfig")]
    pub secret_verifier: Option<SecretVerifierConfig>,
}

/// `DeviceSecretVerifierConfig`: the data by which the pool verifies the device.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SecretVerifierConfig {
    /// `PasswordVerifier`: standard base64 of the verifier's minimal two's-complement bytes.
    #[serde(default)]
    pub password_verifier: String,
    /// `Salt`: standard base64 of the salt.
    #[serde(default)]
    pub salt: String,
}

/// `UpdateDeviceStatus`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateDeviceStatus {
    /// `AccessToken`.
    pub access_token: String,
    /// `DeviceKey`.
    pub device_key: String,
    /// `DeviceRememberedStatus`: `remembered` or `not_remembered`.
    #[serde(rename = "DeviceRememberedStatus")]
    pub status: Option<String>,
}

/// `GetDevice` and `ForgetDevice`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeviceCall {
    /// `AccessToken`.
    #[serde(default)]
    pub access_token: String,
    /// `DeviceKey`.
    pub device_key: String,
}

/// `ListDevices`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListDevices {
    /// `AccessToken`.
    pub access_token: String,
    /// `Limit`, 0 to 60; absent or 0 means the default page size.
    pub limit: Option<u32>,
    /// `PaginationToken` of the previous page.
    pub pagination_token: Option<String>,
}

/// `AdminForgetDevice` and `AdminGetDevice`. The server authorizes them before the pool receives them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdminDeviceCall {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
    /// `DeviceKey`.
    pub device_key: String,
}

/// `AdminListDevices`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdminListDevices {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
    /// `Limit`, 0 to 60; absent or 0 means the default page size.
    pub limit: Option<u32>,
    /// `PaginationToken` of the previous page.
    pub pagination_token: Option<String>,
}

/// `AdminUpdateDeviceStatus`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdminUpdateDeviceStatus {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
    /// `DeviceKey`.
    pub device_key: String,
    /// `DeviceRememberedStatus`: `remembered` or `not_remembered`.
    #[serde(rename = "DeviceRememberedStatus")]
    pub status: Option<String>,
}

/// `GetTokensFromRefreshToken`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetTokensFromRefreshToken {
    /// `RefreshToken`.
    pub refresh_token: String,
    /// `ClientId`.
    pub client_id: String,
    /// `ClientSecret`, for a client with a secret.
    pub client_secret: Option<String>,
    /// `DeviceKey` of the sign-in that issued the token.
    pub device_key: Option<String>,
}

/// `RevokeToken`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RevokeToken {
    /// `Token`: a refresh token.
    pub token: String,
    /// `ClientId`.
    pub client_id: String,
    /// `ClientSecret`, for a client with a secret.
    pub client_secret: Option<String>,
}

/// `GlobalSignOut`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GlobalSignOut {
    /// `AccessToken`.
    pub access_token: String,
}

impl Request {
    /// Returns `ClientId`, for requests that have one.
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Self::InitiateAuth(request) => Some(&request.client_id),
            Self::RespondToAuthChallenge(request) => Some(&request.client_id),
            Self::GetTokensFromRefreshToken(request) => Some(&request.client_id),
            Self::RevokeToken(request) => Some(&request.client_id),
            _ => None,
        }
    }

    /// Returns the sign-in step that the request is measured as.
    pub fn step(&self) -> SignInStep {
        match self {
            Self::InitiateAuth(start) if start.auth_flow.starts_with("REFRESH_TOKEN") => {
                SignInStep::RefreshTokens
            }
            Self::InitiateAuth(_) => SignInStep::InitiateAuth,
            Self::RespondToAuthChallenge(answer) => match answer.challenge_name.parse() {
                Ok(ChallengeName::DeviceSrpAuth) => SignInStep::DeviceSrpAuth,
                Ok(ChallengeName::DevicePasswordVerifier) => SignInStep::DevicePasswordVerifier,
                Ok(
                    ChallengeName::PasswordVerifier
                    | ChallengeName::NewPasswordRequired
                    | ChallengeName::Password,
                )
                | Err(()) => SignInStep::PasswordVerifier,
                Ok(ChallengeName::SelectChallenge | ChallengeName::PasswordSrp) => {
                    SignInStep::SelectChallenge
                }
                Ok(ChallengeName::CustomChallenge) => SignInStep::CustomChallenge,
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

/// The server's own information about a request. Clients cannot set it, so it is trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Origin {
    /// The estimated risk level; `None` is no risk.
    pub risk: Option<RiskLevel>,
    /// The client's address, if known.
    pub address: Option<IpAddr>,
}
