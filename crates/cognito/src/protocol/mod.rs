//! Cognito's operations as types: the requests of clients and the responses of pools.
//!
//! Requests are untrusted. Their fields have the names and types of Cognito's API model of 2016-04-18, and
//! the pool validates the values. Attacks can therefore be written as requests and take the same path as
//! valid ones. Errors are values ([`ApiError`]).

mod account;
mod app_client;
mod auth_event;
mod error;
mod group;
mod management;
mod names;
mod profile;
mod request;
mod response;
mod tags;
mod user;

use serde::{Deserialize as _, Deserializer};

pub use account::{
    AccountRequest, AccountResponse, AdminCreateUser, AdminInitiateAuth, AdminRespondToAuthChallenge,
    AdminSetUserMfaPreference, AdminSetUserPassword, ChangePassword, CodeDelivery, ConfirmSignUp, ListUsers,
    MfaPreference, MfaPreferences, SetUserMfaPreference, SignUp, SoftwareTokenStatus, VerifyOwnSoftwareToken,
};
pub use app_client::{
    ClientCall, ClientDescription, ClientSpec, ClientSummary, ListUserPoolClients, RefreshTokenRotation,
    ValiditySpec, ValidityUnits,
};
pub use auth_event::{
    AuthEvent, ChallengeResponse, EventContextData, EventFeedback, EventRisk, ListUserAuthEvents,
    UpdateAuthEventFeedback,
};
pub use error::{ApiError, ErrorKind};
pub use group::{
    GroupCall, GroupDescription, GroupRequest, GroupResponse, GroupSpec, GroupUserCall, ListGroups,
    ListGroupsForUser, ListUsersInGroup,
};
pub use management::{
    AccountTakeover, AddOns, CompromisedActions, CompromisedCredentials, DeviceConfiguration, EmailConfig,
    ListUserPools, ManagementRequest, ManagementResponse, MfaConfig, NotifyConfiguration, NotifyEmail,
    PasswordPolicySpec, Policies, PoolCall, PoolDescription, PoolSpec, PoolSummary, RiskConfiguration,
    RiskExceptionLists, SignInPolicy, SmsConfig, SmsSender, SoftwareTokenConfig, TakeoverAction,
    TakeoverActions, UsernameConfiguration, mfa_mode_name,
};
pub use names::{ChallengeName, DeviceStatus, SignInStep, keys};
pub use profile::{
    AccountRecoverySetting, AdminDeleteUserAttributes, AdminUpdateUserAttributes, ClientUserCall,
    ConfirmForgotPassword, DeleteUserAttributes, GetUserAttributeVerificationCode, ProfileRequest,
    RecoveryOption, UpdateUserAttributes, UserAttributeUpdateSettings, VerifyUserAttribute,
};
pub use request::{
    AdminDeviceCall, AdminListDevices, AdminUpdateDeviceStatus, AssociateSoftwareToken, ConfirmDevice,
    DeviceCall, GetTokensFromRefreshToken, GlobalSignOut, InitiateAuth, ListDevices, Origin, Parameters,
    Request, RespondToAuthChallenge, RevokeToken, SecretVerifierConfig, UpdateDeviceStatus,
    VerifySoftwareToken,
};
pub use response::{
    AuthOutcome, AuthenticationResult, Challenge, DeviceDescription, NewDeviceMetadata, Reply, Response,
};
pub use tags::{TagResource, TagsCall, UntagResource};
pub use user::{AdminUserCall, Attributes, BearerCall, SharedAttributes, UserDescription};

/// Any operation that the owner of the pools can execute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// An operation of sign-in, on devices or on tokens.
    Pool(Request),
    /// An operation on a user.
    Account(AccountRequest),
    /// An operation on a pool or an app client.
    Management(ManagementRequest),
}

/// A successful response to an [`Operation`].
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "a response is passed on and never stored")]
pub enum OperationResponse {
    /// A response from a pool.
    Pool(Response),
    /// A response about a pool or an app client.
    Management(ManagementResponse),
}

/// The API's form of names and values: a list of objects with `Name` and `Value`.
mod attributes {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Attribute<T> {
        name: T,
        #[serde(default)]
        value: T,
    }

    pub(super) fn serialize<S: Serializer, N: AsRef<str>, V: AsRef<str>>(
        list: &[(N, V)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        fn attribute<N: AsRef<str>, V: AsRef<str>>((name, value): &(N, V)) -> Attribute<&str> {
            Attribute { name: name.as_ref(), value: value.as_ref() }
        }
        serializer.collect_seq(list.iter().map(attribute))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, V: From<String>>(
        deserializer: D,
    ) -> Result<Vec<(String, V)>, D::Error> {
        let list = Vec::<Attribute<String>>::deserialize(deserializer)?;
        Ok(list.into_iter().map(|Attribute { name, value }| (name, value.into())).collect())
    }
}

/// One of a fixed list of words.
///
/// The alias keeps serde from borrowing the word from the input.
type Word = &'static str;

/// Reads one of these words; another word is read as the last one.
fn known_word<'de, D: Deserializer<'de>>(
    deserializer: D,
    words: &[&'static str],
) -> Result<&'static str, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(words.iter().find(|word| **word == text).or_else(|| words.last()).copied().unwrap_or_default())
}
