//! Operations on pools and their app clients. The owner of several pools executes them, not a single pool.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::app_client::{ClientCall, ClientDescription, ClientSpec, ClientSummary, ListUserPoolClients};
use super::profile::{AccountRecoverySetting, UserAttributeUpdateSettings};
use super::tags::{TagResource, TagsCall, UntagResource};
use crate::policy::MfaMode;
use crate::time::Timestamp;
use crate::wire;

/// A request about a pool, as the client wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ManagementRequest {
    /// Creates a pool.
    CreateUserPool(PoolSpec),
    /// Describes a pool.
    DescribeUserPool(PoolCall),
    /// Changes a pool; absent settings are reset to their defaults.
    UpdateUserPool(PoolSpec),
    /// Lists pools.
    ListUserPools(ListUserPools),
    /// Deletes a pool and all its data.
    DeleteUserPool(PoolCall),
    /// Sets when a second factor is required.
    SetUserPoolMfaConfig(MfaConfig),
    /// Returns when a second factor is required.
    GetUserPoolMfaConfig(PoolCall),
    /// Sets the actions for risk.
    SetRiskConfiguration(RiskConfiguration),
    /// Returns the actions for risk.
    DescribeRiskConfiguration(ClientCall),
    /// Creates an app client.
    CreateUserPoolClient(ClientSpec),
    /// Describes an app client.
    DescribeUserPoolClient(ClientCall),
    /// Changes an app client; absent settings are reset to their defaults.
    UpdateUserPoolClient(ClientSpec),
    /// Lists app clients.
    ListUserPoolClients(ListUserPoolClients),
    /// Deletes an app client.
    DeleteUserPoolClient(ClientCall),
    /// Tags a pool.
    TagResource(TagResource),
    /// Removes tags of a pool.
    UntagResource(UntagResource),
    /// Lists the tags of a pool.
    ListTagsForResource(TagsCall),
}

/// Input of the operations that take only a pool.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PoolCall {
    /// `UserPoolId`.
    pub user_pool_id: String,
}

/// `CreateUserPool` and `UpdateUserPool`: the settings that have an effect here, and all.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PoolSpec {
    /// `UserPoolId` of an existing pool.
    pub user_pool_id: Option<String>,
    /// `PoolName`.
    #[serde(rename = "PoolName")]
    pub name: Option<String>,
    /// `DeviceConfiguration`; if it is absent, the pool does not track devices.
    #[serde(rename = "DeviceConfiguration")]
    pub devices: Option<DeviceConfiguration>,
    /// `MfaConfiguration`: `OFF`, `OPTIONAL` or `ON`.
    #[serde(rename = "MfaConfiguration")]
    pub mfa: Option<String>,
    /// `UserPoolAddOns`.
    #[serde(rename = "UserPoolAddOns")]
    pub add_ons: Option<AddOns>,
    /// `Policies`.
    pub policies: Option<Policies>,
    /// `UsernameAttributes`: `email`, `phone_number`. Only `CreateUserPool` has it, as well as the next two.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub username_attributes: Vec<String>,
    /// `AliasAttributes`: `email`, `phone_number`, `preferred_username`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alias_attributes: Vec<String>,
    /// `UsernameConfiguration`.
    pub username_configuration: Option<UsernameConfiguration>,
    /// `AccountRecoverySetting`.
    pub account_recovery_setting: Option<AccountRecoverySetting>,
    /// `UserAttributeUpdateSettings`.
    pub user_attribute_update_settings: Option<UserAttributeUpdateSettings>,
    /// `UserPoolTier`: `LITE`, `ESSENTIALS` or `PLUS`.
    #[serde(rename = "UserPoolTier")]
    pub tier: Option<String>,
    /// `UserPoolTags`.
    #[serde(rename = "UserPoolTags")]
    pub tags: Option<BTreeMap<String, String>>,
    /// All members as requested, for `DescribeUserPool`.
    #[serde(rename = "$all", default)]
    pub all: Map<String, Value>,
}

/// `UsernameConfigurationType`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UsernameConfiguration {
    /// `CaseSensitive`.
    pub case_sensitive: bool,
}

/// `Policies`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policies {
    /// `PasswordPolicy`.
    #[serde(rename = "PasswordPolicy")]
    pub password: Option<PasswordPolicySpec>,
    /// `SignInPolicy`.
    #[serde(rename = "SignInPolicy")]
    pub sign_in: Option<SignInPolicy>,
}

/// `SignInPolicyType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SignInPolicy {
    /// `AllowedFirstAuthFactors`: `PASSWORD`, `EMAIL_OTP`, `SMS_OTP`, `WEB_AUTHN`.
    #[serde(default)]
    pub allowed_first_auth_factors: Vec<String>,
}

/// `PasswordPolicyType`. Absent requirements are off, and the default length is Cognito's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PasswordPolicySpec {
    /// `MinimumLength`, 6 to 99.
    pub minimum_length: Option<u32>,
    /// `RequireUppercase`.
    #[serde(rename = "RequireUppercase")]
    pub uppercase: Option<bool>,
    /// `RequireLowercase`.
    #[serde(rename = "RequireLowercase")]
    pub lowercase: Option<bool>,
    /// `RequireNumbers`.
    #[serde(rename = "RequireNumbers")]
    pub numbers: Option<bool>,
    /// `RequireSymbols`.
    #[serde(rename = "RequireSymbols")]
    pub symbols: Option<bool>,
    /// `TemporaryPasswordValidityDays`, 0 to 365.
    #[serde(rename = "TemporaryPasswordValidityDays")]
    pub temporary_days: Option<u32>,
}

/// `DeviceConfiguration`. Any property, even if false, turns tracking on (docs/semantics.md,
/// SEMANTICS c.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeviceConfiguration {
    /// `ChallengeRequiredOnNewDevice`.
    pub challenge_required_on_new_device: Option<bool>,
    /// `DeviceOnlyRememberedOnUserPrompt`.
    pub device_only_remembered_on_user_prompt: Option<bool>,
}

/// `UserPoolAddOns`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AddOns {
    /// `AdvancedSecurityMode`: `OFF`, `AUDIT` or `ENFORCED`.
    pub advanced_security_mode: String,
}

/// `ListUserPools`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListUserPools {
    /// `MaxResults`, 1 to 60.
    pub max_results: Option<u32>,
    /// `NextToken` of the previous page.
    pub next_token: Option<String>,
}

/// The request of `SetUserPoolMfaConfig`, and the response of that operation and of `GetUserPoolMfaConfig`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MfaConfig {
    /// `UserPoolId`; absent in responses.
    pub user_pool_id: String,
    /// `MfaConfiguration`.
    #[serde(rename = "MfaConfiguration")]
    pub mfa: Option<String>,
    /// `SoftwareTokenMfaConfiguration`.
    #[serde(rename = "SoftwareTokenMfaConfiguration")]
    pub software_token: Option<SoftwareTokenConfig>,
    /// `SmsMfaConfiguration`.
    #[serde(rename = "SmsMfaConfiguration")]
    pub sms: Option<SmsConfig>,
    /// `EmailMfaConfiguration`.
    #[serde(rename = "EmailMfaConfiguration")]
    pub email: Option<EmailConfig>,
}

/// `SoftwareTokenMfaConfiguration`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SoftwareTokenConfig {
    /// `Enabled`.
    pub enabled: Option<bool>,
}

/// `SmsMfaConfiguration`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SmsConfig {
    /// `SmsAuthenticationMessage`.
    #[serde(rename = "SmsAuthenticationMessage")]
    pub message: Option<String>,
    /// `SmsConfiguration`.
    #[serde(rename = "SmsConfiguration")]
    pub sender: Option<SmsSender>,
}

/// `SmsConfiguration`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SmsSender {
    /// `SnsCallerArn`.
    pub sns_caller_arn: String,
}

/// `EmailMfaConfiguration`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EmailConfig {
    /// `Message`.
    pub message: Option<String>,
    /// `Subject`.
    pub subject: Option<String>,
}

/// `SetRiskConfiguration`, and the response of this operation and of `DescribeRiskConfiguration`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RiskConfiguration {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `ClientId`, if the configuration is for this client only.
    pub client_id: Option<String>,
    /// `CompromisedCredentialsRiskConfiguration`.
    #[serde(rename = "CompromisedCredentialsRiskConfiguration")]
    pub compromised: Option<CompromisedCredentials>,
    /// `AccountTakeoverRiskConfiguration`.
    #[serde(rename = "AccountTakeoverRiskConfiguration")]
    pub account_takeover: Option<AccountTakeover>,
    /// `RiskExceptionConfiguration`.
    #[serde(rename = "RiskExceptionConfiguration")]
    pub exceptions: Option<RiskExceptionLists>,
}

/// `CompromisedCredentialsRiskConfiguration`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CompromisedCredentials {
    /// `EventFilter`: `SIGN_IN`, `PASSWORD_CHANGE`, `SIGN_UP`; an empty list means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_filter: Vec<String>,
    /// `Actions`.
    pub actions: Option<CompromisedActions>,
}

/// `CompromisedCredentialsActionsType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CompromisedActions {
    /// `EventAction`: `BLOCK` or `NO_ACTION`.
    pub event_action: String,
}

/// `RiskExceptionConfiguration`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RiskExceptionLists {
    /// `BlockedIPRangeList`.
    #[serde(rename = "BlockedIPRangeList", default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<String>,
    /// `SkippedIPRangeList`.
    #[serde(rename = "SkippedIPRangeList", default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
}

/// `AccountTakeoverRiskConfiguration`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccountTakeover {
    /// `NotifyConfiguration`; this server sends no notifications.
    #[serde(rename = "NotifyConfiguration")]
    pub notify: Option<Box<NotifyConfiguration>>,
    /// `Actions`.
    pub actions: Option<TakeoverActions>,
}

/// `NotifyConfigurationType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NotifyConfiguration {
    /// `From`.
    pub from: Option<String>,
    /// `ReplyTo`.
    pub reply_to: Option<String>,
    /// `SourceArn`.
    pub source_arn: String,
    /// `BlockEmail`.
    #[serde(rename = "BlockEmail")]
    pub block: Option<NotifyEmail>,
    /// `NoActionEmail`.
    #[serde(rename = "NoActionEmail")]
    pub no_action: Option<NotifyEmail>,
    /// `MfaEmail`.
    #[serde(rename = "MfaEmail")]
    pub mfa: Option<NotifyEmail>,
}

/// `NotifyEmailType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NotifyEmail {
    /// `Subject`.
    pub subject: String,
    /// `HtmlBody`.
    #[serde(rename = "HtmlBody")]
    pub html: Option<String>,
    /// `TextBody`.
    #[serde(rename = "TextBody")]
    pub text: Option<String>,
}

/// `AccountTakeoverActionsType`: `EventAction` at each level.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TakeoverActions {
    /// `LowAction`.
    #[serde(rename = "LowAction")]
    pub low: Option<TakeoverAction>,
    /// `MediumAction`.
    #[serde(rename = "MediumAction")]
    pub medium: Option<TakeoverAction>,
    /// `HighAction`.
    #[serde(rename = "HighAction")]
    pub high: Option<TakeoverAction>,
}

/// `AccountTakeoverActionType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TakeoverAction {
    /// `EventAction`: `NO_ACTION`, `MFA_IF_CONFIGURED`, `MFA_REQUIRED` or `BLOCK`.
    pub event_action: String,
    /// `Notify`; this server sends no notifications.
    pub notify: Option<bool>,
}

/// A successful response to a request about a pool.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all_fields = "PascalCase")]
pub enum ManagementResponse {
    /// The response of `CreateUserPool` and `DescribeUserPool`.
    #[serde(rename = "UserPool")]
    Pool(PoolDescription),
    /// The response of `SetRiskConfiguration` and `DescribeRiskConfiguration`.
    #[serde(rename = "RiskConfiguration")]
    Risk(RiskConfiguration),
    /// The response of `ListTagsForResource`.
    Tags(BTreeMap<String, String>),
    /// The response of `CreateUserPoolClient`, `DescribeUserPoolClient` and `UpdateUserPoolClient`.
    #[serde(rename = "UserPoolClient")]
    Client(ClientDescription),
    /// The response of `SetUserPoolMfaConfig` and `GetUserPoolMfaConfig`.
    #[serde(untagged, serialize_with = "without_pool_id")]
    Mfa(MfaConfig),
    /// The response of `ListUserPools`.
    #[serde(untagged)]
    Pools {
        /// The pools of one page.
        #[serde(rename = "UserPools")]
        pools: Vec<PoolSummary>,
        /// `NextToken` for the next page, if there is one.
        next_token: Option<String>,
    },
    /// The response of `ListUserPoolClients`.
    #[serde(untagged)]
    Clients {
        /// The clients of one page.
        #[serde(rename = "UserPoolClients")]
        clients: Vec<ClientSummary>,
        /// `NextToken` for the next page, if there is one.
        next_token: Option<String>,
    },
    /// The response of operations without output.
    #[serde(untagged)]
    Empty,
}

/// The response has the keys of the request except `UserPoolId`.
fn without_pool_id<S: Serializer>(config: &MfaConfig, serializer: S) -> Result<S::Ok, S::Error> {
    let mut keys = wire::to_value(config);
    if let Some(keys) = keys.as_object_mut() {
        keys.remove("UserPoolId");
    }
    keys.serialize(serializer)
}

/// `UserPoolType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PoolDescription {
    /// `Id`.
    pub id: String,
    /// `Name`.
    #[serde(default)]
    pub name: String,
    /// `Arn`.
    #[serde(default)]
    pub arn: String,
    /// `CreationDate`.
    #[serde(rename = "CreationDate", default, with = "crate::time::seconds")]
    pub created: Timestamp,
    /// `LastModifiedDate`.
    #[serde(rename = "LastModifiedDate", default, with = "crate::time::seconds")]
    pub modified: Timestamp,
    /// The number of users in the pool (`EstimatedNumberOfUsers`).
    #[serde(rename = "EstimatedNumberOfUsers", default)]
    pub users: u32,
    /// `MfaConfiguration`.
    #[serde(rename = "MfaConfiguration")]
    pub mfa: Option<String>,
    /// `DeviceConfiguration`; absent means no tracking.
    #[serde(rename = "DeviceConfiguration")]
    pub devices: Option<DeviceConfiguration>,
    /// `UserPoolAddOns`.
    #[serde(rename = "UserPoolAddOns")]
    pub add_ons: Option<AddOns>,
    /// `Policies`.
    pub policies: Option<Policies>,
    /// The attributes that serve as user names: `email`, `phone_number` (`UsernameAttributes`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub username_attributes: Vec<String>,
    /// `AliasAttributes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alias_attributes: Vec<String>,
    /// `UsernameConfiguration`.
    pub username_configuration: Option<UsernameConfiguration>,
    /// `AccountRecoverySetting`.
    pub account_recovery_setting: Option<AccountRecoverySetting>,
    /// `UserAttributeUpdateSettings`.
    pub user_attribute_update_settings: Option<UserAttributeUpdateSettings>,
    /// `UserPoolTags`.
    #[serde(rename = "UserPoolTags", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// All members, with those that have no effect here. Clients do not read them.
    #[serde(rename = "$all", skip_deserializing)]
    pub all: Map<String, Value>,
}

/// `UserPoolDescriptionType`: a pool in a list.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PoolSummary {
    /// `Id`.
    pub id: String,
    /// `Name`.
    #[serde(default)]
    pub name: String,
    /// `CreationDate`.
    #[serde(rename = "CreationDate", default, with = "crate::time::seconds")]
    pub created: Timestamp,
    /// `LastModifiedDate`.
    #[serde(rename = "LastModifiedDate", default, with = "crate::time::seconds")]
    pub modified: Timestamp,
}

/// Returns the API's name for an MFA mode.
pub const fn mfa_mode_name(mode: MfaMode) -> &'static str {
    match mode {
        MfaMode::Off => "OFF",
        MfaMode::Optional => "OPTIONAL",
        MfaMode::On => "ON",
    }
}
