//! Operations on users instead of devices: sign-up, profile and administration.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::user::{all_as_listed, as_listed, as_profile};
use super::{
    AdminUserCall, Attributes, AuthEvent, BearerCall, GroupRequest, GroupResponse, Parameters,
    ProfileRequest, UserDescription, Word, attributes, known_word,
};
use crate::ids::{Session, Sub};

/// A request about a user, as the client wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccountRequest {
    /// Creates a user who chooses a password at the first sign-in.
    AdminCreateUser(AdminCreateUser),
    /// Sets a user's password, permanently or until the next sign-in.
    AdminSetUserPassword(AdminSetUserPassword),
    /// Describes a user.
    AdminGetUser(AdminUserCall),
    /// Deletes a user and all their data.
    AdminDeleteUser(AdminUserCall),
    /// Allows a disabled user to sign in again.
    AdminEnableUser(AdminUserCall),
    /// Prevents a user from signing in and revokes their tokens.
    AdminDisableUser(AdminUserCall),
    /// Confirms a user's sign-up without a code.
    AdminConfirmSignUp(AdminUserCall),
    /// Revokes all tokens of a user.
    AdminUserGlobalSignOut(AdminUserCall),
    /// Removes a user's authenticator app.
    AdminDeleteSoftwareToken(AdminUserCall),
    /// Sets a user's second factors.
    AdminSetUserMfaPreference(AdminSetUserMfaPreference),
    /// Sets the caller's own second factors.
    SetUserMfaPreference(SetUserMfaPreference),
    /// Signs up a user.
    SignUp(SignUp),
    /// Confirms a sign-up with the code that the pool sent.
    ConfirmSignUp(ConfirmSignUp),
    /// Describes the caller.
    GetUser(BearerCall),
    /// Changes the caller's password.
    ChangePassword(ChangePassword),
    /// Lists users.
    ListUsers(ListUsers),
    /// Starts a sign-in on behalf of a user, as an administrator.
    AdminInitiateAuth(AdminInitiateAuth),
    /// Responds to a challenge on behalf of a user, as an administrator.
    AdminRespondToAuthChallenge(AdminRespondToAuthChallenge),
    /// `AssociateSoftwareToken` outside a sign-in, with an access token.
    AssociateSoftwareToken(BearerCall),
    /// `VerifySoftwareToken` outside a sign-in, with an access token.
    VerifySoftwareToken(VerifyOwnSoftwareToken),
    /// Password recovery, attributes and deletion.
    Profile(ProfileRequest),
    /// Groups.
    Group(GroupRequest),
}

/// `AdminCreateUser`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdminCreateUser {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
    /// `UserAttributes`.
    #[serde(rename = "UserAttributes", default, with = "attributes", skip_serializing_if = "Vec::is_empty")]
    pub attributes: Attributes,
    /// `TemporaryPassword`; if it is absent, the pool generates a password and sends it.
    pub temporary_password: Option<String>,
    /// `MessageAction`: `SUPPRESS` sends nothing, `RESEND` generates a new password for an existing user.
    pub message_action: Option<String>,
}

/// `AdminSetUserPassword`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdminSetUserPassword {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
    /// `Password`.
    pub password: String,
    /// `Permanent`; if it is not true, the user must choose a new password at the next sign-in.
    pub permanent: Option<bool>,
}

/// `SMSMfaSettings`, `SoftwareTokenMfaSettings` or `EmailMfaSettings`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MfaPreference {
    /// `Enabled`.
    pub enabled: Option<bool>,
    /// `PreferredMfa`.
    #[serde(rename = "PreferredMfa")]
    pub preferred: Option<bool>,
}

/// Preferences for each factor. An absent factor does not change.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MfaPreferences {
    /// `SMSMfaSettings`.
    #[serde(rename = "SMSMfaSettings")]
    pub sms: Option<MfaPreference>,
    /// `SoftwareTokenMfaSettings`.
    #[serde(rename = "SoftwareTokenMfaSettings")]
    pub software_token: Option<MfaPreference>,
    /// `EmailMfaSettings`.
    #[serde(rename = "EmailMfaSettings")]
    pub email: Option<MfaPreference>,
}

/// `AdminSetUserMFAPreference`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdminSetUserMfaPreference {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
    /// The preferences for each factor.
    #[serde(rename = "$flatten")]
    pub preferences: MfaPreferences,
}

/// `SetUserMFAPreference`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SetUserMfaPreference {
    /// `AccessToken`.
    pub access_token: String,
    /// The preferences for each factor.
    #[serde(rename = "$flatten")]
    pub preferences: MfaPreferences,
}

/// `SignUp`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SignUp {
    /// `ClientId`.
    pub client_id: String,
    /// `SecretHash`, for a client with a secret.
    pub secret_hash: Option<String>,
    /// `Username`.
    pub username: String,
    /// `Password`.
    pub password: Option<String>,
    /// `UserAttributes`.
    #[serde(rename = "UserAttributes", default, with = "attributes", skip_serializing_if = "Vec::is_empty")]
    pub attributes: Attributes,
}

/// `ConfirmSignUp`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ConfirmSignUp {
    /// `ClientId`.
    pub client_id: String,
    /// `SecretHash`, for a client with a secret.
    pub secret_hash: Option<String>,
    /// `Username`.
    pub username: String,
    /// `ConfirmationCode`.
    pub confirmation_code: String,
}

/// `ChangePassword`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ChangePassword {
    /// `AccessToken`.
    pub access_token: String,
    /// `PreviousPassword`.
    pub previous_password: Option<String>,
    /// `ProposedPassword`.
    pub proposed_password: String,
}

/// `ListUsers`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListUsers {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Limit`, 0 to 60; absent or 0 means the default page size.
    pub limit: Option<u32>,
    /// `PaginationToken` of the previous page.
    pub pagination_token: Option<String>,
    /// `Filter`: `name = "value"`, or `^=` to match a prefix.
    pub filter: Option<String>,
    /// `AttributesToGet`; an empty list means all attributes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes_to_get: Vec<String>,
}

/// `AdminInitiateAuth`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdminInitiateAuth {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `ClientId`.
    pub client_id: String,
    /// `AuthFlow`.
    pub auth_flow: String,
    /// `AuthParameters`.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub auth_parameters: Parameters,
}

/// `AdminRespondToAuthChallenge`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdminRespondToAuthChallenge {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `ClientId`.
    pub client_id: String,
    /// `ChallengeName`.
    pub challenge_name: String,
    /// `Session`.
    pub session: Option<String>,
    /// `ChallengeResponses`.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub challenge_responses: Parameters,
    /// `ClientMetadata`, for the triggers of custom challenges.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub client_metadata: Parameters,
}

/// `VerifySoftwareToken` with an access token.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VerifyOwnSoftwareToken {
    /// `AccessToken`.
    pub access_token: String,
    /// `UserCode`: six digits.
    pub user_code: String,
    /// `FriendlyDeviceName`: the app's name in later challenges.
    pub friendly_device_name: Option<String>,
}

/// A successful response to a request about a user.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all_fields = "PascalCase")]
pub enum AccountResponse {
    /// The response of `AdminCreateUser`.
    #[serde(rename = "User", serialize_with = "as_listed")]
    Created(UserDescription),
    /// The response of `AssociateSoftwareToken` with an access token: `SecretCode`, RFC 4648 base32 without
    /// padding.
    SecretCode(String),
    /// The response of `ForgotPassword`, `ResendConfirmationCode` and `GetUserAttributeVerificationCode`.
    #[serde(rename = "CodeDeliveryDetails")]
    CodeSent(CodeDelivery),
    /// The response of `UpdateUserAttributes`.
    #[serde(rename = "CodeDeliveryDetailsList")]
    CodesSent(Vec<CodeDelivery>),
    /// The response of `AdminListUserAuthEvents`.
    #[serde(untagged)]
    AuthEvents {
        /// The events of one page, the latest first.
        auth_events: Vec<AuthEvent>,
        /// `NextToken` for the next page, if there is one.
        next_token: Option<String>,
    },
    /// A response about groups.
    #[serde(untagged)]
    Group(GroupResponse),
    /// The response of `AdminGetUser`.
    #[serde(untagged)]
    User(UserDescription),
    /// The response of `GetUser`.
    #[serde(untagged, serialize_with = "as_profile")]
    Profile(UserDescription),
    /// The response of `ListUsers`.
    #[serde(untagged)]
    Users {
        /// The users of one page.
        #[serde(serialize_with = "all_as_listed")]
        users: Vec<UserDescription>,
        /// `PaginationToken` for the next page, if there is one.
        pagination_token: Option<String>,
    },
    /// The response of `SignUp`.
    #[serde(untagged)]
    SignedUp {
        /// `UserConfirmed`.
        user_confirmed: bool,
        /// `UserSub`.
        #[serde(rename = "UserSub")]
        sub: Sub,
        /// `CodeDeliveryDetails`, if the pool sent a code.
        #[serde(rename = "CodeDeliveryDetails")]
        delivery: Option<CodeDelivery>,
    },
    /// The response of `VerifySoftwareToken` with an access token, if the code was right.
    #[serde(untagged, serialize_with = "as_verified")]
    SoftwareTokenVerified,
}

/// The response of `VerifySoftwareToken`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SoftwareTokenStatus {
    /// `Status`: `SUCCESS`.
    pub status: String,
    /// `Session`, during a sign-in.
    pub session: Option<Session>,
}

impl SoftwareTokenStatus {
    /// Returns the response to a correct code.
    pub fn success(session: Option<Session>) -> Self {
        Self { status: "SUCCESS".to_owned(), session }
    }
}

fn as_verified<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    SoftwareTokenStatus::success(None).serialize(serializer)
}

/// `CodeDeliveryDetailsType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CodeDelivery {
    /// `Destination`, mostly masked.
    #[serde(default)]
    pub destination: String,
    /// `DeliveryMedium`: `SMS` or `EMAIL`.
    #[serde(rename = "DeliveryMedium", default = "unknown_medium", deserialize_with = "delivery_medium")]
    pub medium: Word,
    /// `AttributeName`.
    #[serde(
        rename = "AttributeName",
        default = "unknown_attribute",
        deserialize_with = "delivery_attribute"
    )]
    pub attribute: Word,
}

const fn unknown_medium() -> Word {
    "UNKNOWN"
}

const fn unknown_attribute() -> Word {
    "unknown"
}

fn delivery_medium<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
    known_word(deserializer, &["SMS", "EMAIL", "UNKNOWN"])
}

fn delivery_attribute<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
    known_word(deserializer, &["phone_number", "email", "unknown"])
}
