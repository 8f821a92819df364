//! Operations on users themselves rather than on their devices: sign-up, profile, and what administrators do.

use super::{ChallengeName, Parameters};
use crate::ids::{Sub, Username};
use crate::time::Timestamp;

/// One request about a user, as the client wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccountRequest {
    /// Adds a user who will choose a password at the first sign-in.
    AdminCreateUser(AdminCreateUser),
    /// Gives a user a password, for good or until the next sign-in.
    AdminSetUserPassword(AdminSetUserPassword),
    /// Describes a user.
    AdminGetUser(AdminUserCall),
    /// Removes a user with everything that is theirs.
    AdminDeleteUser(AdminUserCall),
    /// Lets a disabled user sign in again.
    AdminEnableUser(AdminUserCall),
    /// Keeps a user from signing in, and ends their tokens.
    AdminDisableUser(AdminUserCall),
    /// Confirms a user who signed up, without a code.
    AdminConfirmSignUp(AdminUserCall),
    /// Ends all of a user's tokens.
    AdminUserGlobalSignOut(AdminUserCall),
    /// Chooses a user's second factors.
    AdminSetUserMfaPreference(AdminSetUserMfaPreference),
    /// Chooses one's own second factors.
    SetUserMfaPreference(SetUserMfaPreference),
    /// Signs up.
    SignUp(SignUp),
    /// Confirms a sign-up with the code that was sent.
    ConfirmSignUp(ConfirmSignUp),
    /// Describes oneself.
    GetUser(BearerCall),
    /// Changes one's password.
    ChangePassword(ChangePassword),
    /// Lists users.
    ListUsers(ListUsers),
    /// Starts a sign-in in the administrator's name.
    AdminInitiateAuth(AdminInitiateAuth),
    /// Answers a challenge in the administrator's name.
    AdminRespondToAuthChallenge(AdminRespondToAuthChallenge),
    /// `AssociateSoftwareToken` outside of a sign-in, with an access token.
    AssociateSoftwareToken(BearerCall),
    /// `VerifySoftwareToken` outside of a sign-in, with an access token.
    VerifySoftwareToken(VerifyOwnSoftwareToken),
}

/// A user's attributes: names and values, in the order in which they were written.
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
    /// `TemporaryPassword`; without one the pool draws one and sends it.
    pub temporary_password: Option<String>,
    /// `MessageAction`: `SUPPRESS` sends nothing, `RESEND` draws a new password for a user who is there.
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
    /// `Permanent`; otherwise the user must choose another at the next sign-in.
    pub permanent: Option<bool>,
}

/// The operations that name a user and say no more.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AdminUserCall {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
}

/// The operations that carry an access token and say no more.
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

/// What is said about each factor; one that is not mentioned stays as it is.
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
    /// The factors.
    pub preferences: MfaPreferences,
}

/// `SetUserMFAPreference`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SetUserMfaPreference {
    /// `AccessToken`.
    pub access_token: String,
    /// The factors.
    pub preferences: MfaPreferences,
}

/// `SignUp`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SignUp {
    /// `ClientId`.
    pub client_id: String,
    /// `SecretHash`, of a client with a secret.
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
    /// `SecretHash`, of a client with a secret.
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
    /// `Limit`, 0 to 60; absent or 0 is the default page.
    pub limit: Option<u32>,
    /// `PaginationToken` of the page before.
    pub pagination_token: Option<String>,
    /// `Filter`: `name = "value"`, or `^=` for the beginning of one.
    pub filter: Option<String>,
    /// `AttributesToGet`; empty is all.
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

/// One answer to a request about a user that is not a refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccountResponse {
    /// Of `AdminCreateUser`.
    Created(UserDescription),
    /// Of `AdminGetUser`.
    User(UserDescription),
    /// Of `GetUser`.
    Profile(UserDescription),
    /// Of `ListUsers`.
    Users {
        /// One page.
        users: Vec<UserDescription>,
        /// `PaginationToken` for the next page, if there is one.
        pagination_token: Option<String>,
    },
    /// Of `SignUp`.
    SignedUp {
        /// `UserSub`.
        sub: Sub,
        /// `CodeDeliveryDetails`, where a code was sent.
        delivery: Option<CodeDelivery>,
    },
    /// Of `AssociateSoftwareToken` with an access token: `SecretCode`, RFC 4648 base32 without padding.
    SecretCode(String),
    /// Of `VerifySoftwareToken` with an access token, when the code was right.
    SoftwareTokenVerified,
}

/// `UserType`, and what `GetUser` tells.
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
    /// `Destination`, with most of it hidden.
    pub destination: String,
    /// `DeliveryMedium`: `SMS` or `EMAIL`.
    pub medium: &'static str,
    /// `AttributeName`.
    pub attribute: &'static str,
}
