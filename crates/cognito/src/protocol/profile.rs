//! Operations around sign-in: password recovery, attributes and their verification, deletion, and recorded
//! sign-ins.

use serde::{Deserialize, Serialize};

use super::attributes;
use super::auth_event::{ListUserAuthEvents, UpdateAuthEventFeedback};
use super::user::{AdminUserCall, Attributes, BearerCall};

/// A request about a user's password recovery, attributes or recorded sign-ins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProfileRequest {
    /// Sends a code that allows a new password.
    ForgotPassword(ClientUserCall),
    /// Sets a new password with the code.
    ConfirmForgotPassword(ConfirmForgotPassword),
    /// Invalidates a user's password and sends a code, as an administrator.
    AdminResetUserPassword(AdminUserCall),
    /// Sends the code of a sign-up again.
    ResendConfirmationCode(ClientUserCall),
    /// Changes the caller's attributes.
    UpdateUserAttributes(UpdateUserAttributes),
    /// Changes a user's attributes, as an administrator.
    AdminUpdateUserAttributes(AdminUpdateUserAttributes),
    /// Deletes attributes of the caller.
    DeleteUserAttributes(DeleteUserAttributes),
    /// Deletes attributes of a user, as an administrator.
    AdminDeleteUserAttributes(AdminDeleteUserAttributes),
    /// Sends a code that verifies an address of the caller.
    GetUserAttributeVerificationCode(GetUserAttributeVerificationCode),
    /// Verifies an address of the caller with the code.
    VerifyUserAttribute(VerifyUserAttribute),
    /// Deletes the caller.
    DeleteUser(BearerCall),
    /// Lists the recorded sign-ins of a user.
    AdminListUserAuthEvents(ListUserAuthEvents),
    /// Stores whether a recorded sign-in was the user's.
    AdminUpdateAuthEventFeedback(UpdateAuthEventFeedback),
}

/// `ForgotPassword` and `ResendConfirmationCode`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClientUserCall {
    /// `ClientId`.
    pub client_id: String,
    /// `SecretHash`, for a client with a secret.
    pub secret_hash: Option<String>,
    /// `Username`.
    pub username: String,
}

/// `ConfirmForgotPassword`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ConfirmForgotPassword {
    /// `ClientId`.
    pub client_id: String,
    /// `SecretHash`, for a client with a secret.
    pub secret_hash: Option<String>,
    /// `Username`.
    pub username: String,
    /// `ConfirmationCode`.
    pub confirmation_code: String,
    /// `Password`: the new one.
    pub password: String,
}

/// `UpdateUserAttributes`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateUserAttributes {
    /// `AccessToken`.
    pub access_token: String,
    /// `UserAttributes`; an empty value deletes the attribute.
    #[serde(rename = "UserAttributes", with = "attributes")]
    pub attributes: Attributes,
}

/// `AdminUpdateUserAttributes`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdminUpdateUserAttributes {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
    /// `UserAttributes`; an empty value deletes the attribute.
    #[serde(rename = "UserAttributes", with = "attributes")]
    pub attributes: Attributes,
}

/// `DeleteUserAttributes`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteUserAttributes {
    /// `AccessToken`.
    pub access_token: String,
    /// `UserAttributeNames`.
    #[serde(rename = "UserAttributeNames")]
    pub names: Vec<String>,
}

/// `AdminDeleteUserAttributes`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdminDeleteUserAttributes {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
    /// `UserAttributeNames`.
    #[serde(rename = "UserAttributeNames")]
    pub names: Vec<String>,
}

/// `GetUserAttributeVerificationCode`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetUserAttributeVerificationCode {
    /// `AccessToken`.
    pub access_token: String,
    /// `AttributeName`: `email` or `phone_number`.
    pub attribute_name: String,
}

/// `VerifyUserAttribute`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VerifyUserAttribute {
    /// `AccessToken`.
    pub access_token: String,
    /// `AttributeName`: `email` or `phone_number`.
    pub attribute_name: String,
    /// `Code`.
    pub code: String,
}

/// `AccountRecoverySettingType`: the addresses to which a recovery code can be sent.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccountRecoverySetting {
    /// `RecoveryMechanisms`, one or two.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovery_mechanisms: Vec<RecoveryOption>,
}

/// `RecoveryOptionType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RecoveryOption {
    /// `Priority`, 1 or 2; the lowest number is tried first.
    pub priority: u32,
    /// `Name`: `verified_email`, `verified_phone_number` or `admin_only`.
    pub name: String,
}

/// `UserAttributeUpdateSettingsType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UserAttributeUpdateSettings {
    /// `AttributesRequireVerificationBeforeUpdate`: `email`, `phone_number`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes_require_verification_before_update: Vec<String>,
}
