//! Responses of pools.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{AccountResponse, ApiError, ChallengeName, Parameters, SoftwareTokenStatus, attributes};
use crate::ids::{AccessToken, DeviceGroupKey, DeviceKey, Session};
use crate::time::Timestamp;

/// A response or an error. An error is an ordinary value: a refusal is not a failure of the pool.
pub type Reply = Result<Response, ApiError>;

/// A successful response.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all_fields = "PascalCase")]
pub enum Response {
    /// The response of `GetDevice` and `AdminGetDevice`.
    Device(DeviceDescription),
    /// The response of `InitiateAuth`, `RespondToAuthChallenge` and `GetTokensFromRefreshToken`.
    #[serde(untagged)]
    Auth(AuthOutcome),
    /// The response of `AssociateSoftwareToken`: the secret and the next session.
    #[serde(untagged)]
    SecretCode {
        /// The secret for the authenticator app (`SecretCode`), RFC 4648 base32 without padding.
        secret_code: String,
        /// The next session.
        session: Session,
    },
    /// The response of `VerifySoftwareToken` if the code was right.
    #[serde(untagged, serialize_with = "as_verified")]
    SoftwareTokenVerified {
        /// The session for the response to `MFA_SETUP`.
        session: Session,
    },
    /// The response of `ConfirmDevice`.
    #[serde(untagged)]
    DeviceConfirmed {
        /// `UserConfirmationNecessary`: true if the pool remembers the device only after the user opts in.
        user_confirmation_necessary: bool,
    },
    /// The response of `ListDevices` and `AdminListDevices`.
    #[serde(untagged)]
    Devices {
        /// The devices of one page.
        devices: Vec<DeviceDescription>,
        /// `PaginationToken` for the next page, if there is one.
        pagination_token: Option<String>,
    },
    /// A response about a user.
    #[serde(untagged)]
    Account(AccountResponse),
    /// The response of operations without output.
    #[serde(untagged)]
    Empty,
}

fn as_verified<S: Serializer>(session: &Session, serializer: S) -> Result<S::Ok, S::Error> {
    SoftwareTokenStatus::success(Some(session.clone())).serialize(serializer)
}

/// The state of a sign-in after a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "AuthBody", try_from = "AuthBody")]
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
    /// `AvailableChallenges` of `SELECT_CHALLENGE`; otherwise empty.
    pub available: Vec<ChallengeName>,
}

/// The keys of an [`AuthOutcome`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AuthBody {
    challenge_name: Option<String>,
    session: Option<Session>,
    #[serde(default)]
    challenge_parameters: Parameters,
    authentication_result: Option<TypedResult>,
    available_challenges: Option<Vec<String>>,
}

/// `AuthenticationResult` with its constant `TokenType`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TypedResult {
    #[serde(rename = "$flatten")]
    result: AuthenticationResult,
    #[serde(skip_deserializing)]
    token_type: &'static str,
}

impl From<AuthOutcome> for AuthBody {
    fn from(outcome: AuthOutcome) -> Self {
        match outcome {
            AuthOutcome::Challenge(Challenge { name, session, parameters, available }) => Self {
                challenge_name: Some(name.to_string()),
                session,
                challenge_parameters: parameters,
                authentication_result: None,
                available_challenges: (!available.is_empty())
                    .then(|| available.iter().map(ToString::to_string).collect()),
            },
            AuthOutcome::Tokens(result) => Self {
                challenge_name: None,
                session: None,
                challenge_parameters: Parameters::new(),
                authentication_result: Some(TypedResult { result, token_type: "Bearer" }),
                available_challenges: None,
            },
        }
    }
}

impl TryFrom<AuthBody> for AuthOutcome {
    type Error = String;

    fn try_from(body: AuthBody) -> Result<Self, String> {
        if let Some(TypedResult { result, .. }) = body.authentication_result {
            return Ok(Self::Tokens(result));
        }
        let name = body.challenge_name.ok_or("ChallengeName is missing")?;
        let name = name.parse().map_err(|()| format!("ChallengeName is {name}"))?;
        let AuthBody { session, challenge_parameters: parameters, available_challenges, .. } = body;
        let available = available_challenges.unwrap_or_default();
        let available = available.iter().map(|name| name.parse()).collect::<Result<_, ()>>();
        let available = available.map_err(|()| "AvailableChallenges contains an unknown name")?;
        Ok(Self::Challenge(Challenge { name, session, parameters, available }))
    }
}

/// `AuthenticationResult`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AuthenticationResult {
    /// `AccessToken`.
    pub access_token: AccessToken,
    /// `IdToken`.
    #[serde(default)]
    pub id_token: String,
    /// `RefreshToken`; absent if a refresh token was exchanged.
    pub refresh_token: Option<String>,
    /// `ExpiresIn`, seconds.
    #[serde(rename = "ExpiresIn", default)]
    pub expires_in_s: u32,
    /// `NewDeviceMetadata`, if the pool tracks devices and the request named none.
    #[serde(rename = "NewDeviceMetadata")]
    pub new_device: Option<NewDeviceMetadata>,
}

/// `NewDeviceMetadata`: the key for a device that the pool does not know yet.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewDeviceMetadata {
    /// `DeviceKey`.
    pub device_key: DeviceKey,
    /// `DeviceGroupKey`.
    pub device_group_key: DeviceGroupKey,
}

/// `DeviceType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeviceDescription {
    /// `DeviceKey`.
    pub device_key: DeviceKey,
    /// `DeviceAttributes`: names and values. Administrators see more attributes than users.
    #[serde(rename = "DeviceAttributes", serialize_with = "attributes::serialize")]
    #[serde(default, deserialize_with = "device_attributes")]
    pub attributes: Vec<(&'static str, String)>,
    /// `DeviceCreateDate`.
    #[serde(rename = "DeviceCreateDate", default, with = "crate::time::seconds")]
    pub created: Timestamp,
    /// `DeviceLastModifiedDate`.
    #[serde(rename = "DeviceLastModifiedDate", default, with = "crate::time::seconds")]
    pub modified: Timestamp,
    /// `DeviceLastAuthenticatedDate`.
    #[serde(rename = "DeviceLastAuthenticatedDate", default, with = "crate::time::seconds")]
    pub authenticated: Timestamp,
}

/// The names of device attributes. Others are ignored.
const DEVICE_ATTRIBUTES: [&str; 6] = [
    "device_status",
    "device_name",
    "last_ip_used",
    "dev:device_arn",
    "dev:device_owner",
    "dev:device_remembered_status",
];

fn device_attributes<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(&'static str, String)>, D::Error> {
    let known = |name: &str| DEVICE_ATTRIBUTES.into_iter().find(|known| *known == name);
    let all: Vec<(String, String)> = attributes::deserialize(deserializer)?;
    Ok(all.into_iter().filter_map(|(name, value)| Some((known(&name)?, value))).collect())
}
