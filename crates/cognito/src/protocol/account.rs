//! Operations on users instead of devices: sign-up, profile and administration.

use super::{ChallengeName, Parameters};
use crate::ids::{Sub, Username};
use crate::time::Timestamp;

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
}

/// A user's attributes: names and values, in their original order.
pub type Attributes = Vec<(String, String)>;

/// `AdminCreateUser`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AdminCreateUser {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
    /// `UserAttributes`.
    pub attributes: Attributes,
    /// `TemporaryPassword`; if it is absent, the pool generates a password and sends it.
    pub temporary_password: Option<String>,
    /// `MessageAction`: `SUPPRESS` sends nothing, `RESEND` generates a new password for an existing user.
    pub message_action: Option<String>,
}

/// `AdminSetUserPassword`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
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

/// Input of the operations that take only a user.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AdminUserCall {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
}

/// Input of the operations that take only an access token.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BearerCall {
    /// `AccessToken`.
    pub access_token: String,
}

/// `SMSMfaSettings`, `SoftwareTokenMfaSettings` or `EmailMfaSettings`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MfaPreference {
    /// `Enabled`.
    pub enabled: Option<bool>,
    /// `PreferredMfa`.
    pub preferred: Option<bool>,
}

/// Preferences for each factor. An absent factor does not change.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MfaPreferences {
    /// `SMSMfaSettings`.
    pub sms: Option<MfaPreference>,
    /// `SoftwareTokenMfaSettings`.
    pub software_token: Option<MfaPreference>,
    /// `EmailMfaSettings`.
    pub email: Option<MfaPreference>,
}

/// `AdminSetUserMFAPreference`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AdminSetUserMfaPreference {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
    /// The preferences for each factor.
    pub preferences: MfaPreferences,
}

/// `SetUserMFAPreference`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SetUserMfaPreference {
    /// `AccessToken`.
    pub access_token: String,
    /// The preferences for each factor.
    pub preferences: MfaPreferences,
}

/// `SignUp`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
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
    pub attributes: Attributes,
}

/// `ConfirmSignUp`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
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
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ChangePassword {
    /// `AccessToken`.
    pub access_token: String,
    /// `PreviousPassword`.
    pub previous_password: Option<String>,
    /// `ProposedPassword`.
    pub proposed_password: String,
}

/// `ListUsers`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
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
    pub attributes_to_get: Vec<String>,
}

/// `AdminInitiateAuth`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AdminInitiateAuth {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `ClientId`.
    pub client_id: String,
    /// `AuthFlow`.
    pub auth_flow: String,
    /// `AuthParameters`.
    pub auth_parameters: Parameters,
}

/// `AdminRespondToAuthChallenge`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
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
    pub challenge_responses: Parameters,
}

/// `VerifySoftwareToken` with an access token.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VerifyOwnSoftwareToken {
    /// `AccessToken`.
    pub access_token: String,
    /// `UserCode`: six digits.
    pub user_code: String,
}

/// A successful response to a request about a user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccountResponse {
    /// The response of `AdminCreateUser`.
    Created(UserDescription),
    /// The response of `AdminGetUser`.
    User(UserDescription),
    /// The response of `GetUser`.
    Profile(UserDescription),
    /// The response of `ListUsers`.
    Users {
        /// The users of one page.
        users: Vec<UserDescription>,
        /// `PaginationToken` for the next page, if there is one.
        pagination_token: Option<String>,
    },
    /// The response of `SignUp`.
    SignedUp {
        /// `UserSub`.
        sub: Sub,
        /// `CodeDeliveryDetails`, if the pool sent a code.
        delivery: Option<CodeDelivery>,
    },
    /// The response of `AssociateSoftwareToken` with an access token: `SecretCode`, RFC 4648 base32 without
    /// padding.
    SecretCode(String),
    /// The response of `VerifySoftwareToken` with an access token, if the code was right.
    SoftwareTokenVerified,
}

/// `UserType`, and the response of `GetUser`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UserDescription {
    /// `Username`.
    pub username: Username,
    /// `UserAttributes`.
    pub attributes: Attributes,
    /// `UserCreateDate`.
    pub created: Timestamp,
    /// `UserLastModifiedDate`.
    pub modified: Timestamp,
    /// `Enabled`.
    pub enabled: bool,
    /// `UserStatus`.
    pub status: &'static str,
    /// `UserMFASettingList`.
    pub factors: Vec<ChallengeName>,
    /// `PreferredMfaSetting`.
    pub preferred: Option<ChallengeName>,
}

/// `CodeDeliveryDetailsType`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CodeDelivery {
    /// `Destination`, mostly masked.
    pub destination: String,
    /// `DeliveryMedium`: `SMS` or `EMAIL`.
    pub medium: &'static str,
    /// `AttributeName`.
    pub attribute: &'static str,
}
