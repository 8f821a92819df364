//! Operations on pools and their app clients. The owner of several pools executes them, not a single pool.

use crate::policy::{MfaMode, PasswordPolicy, PoolPolicy};
use crate::time::Timestamp;

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
}

/// Input of the operations that take only a pool.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PoolCall {
    /// `UserPoolId`.
    pub user_pool_id: String,
}

/// Input of the operations that take an app client, which is optional for some.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClientCall {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `ClientId`.
    pub client_id: Option<String>,
}

/// `CreateUserPool` and `UpdateUserPool`, limited to the settings that have an effect here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PoolSpec {
    /// `UserPoolId` of an existing pool.
    pub user_pool_id: Option<String>,
    /// `PoolName`.
    pub name: Option<String>,
    /// `DeviceConfiguration`; if it is absent, the pool does not track devices.
    pub devices: Option<DeviceConfiguration>,
    /// `MfaConfiguration`: `OFF`, `OPTIONAL` or `ON`.
    pub mfa: Option<String>,
    /// `UserPoolAddOns`.
    pub add_ons: Option<AddOns>,
    /// `Policies`.
    pub policies: Option<Policies>,
}

/// `Policies`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Policies {
    /// `PasswordPolicy`.
    pub password: Option<PasswordPolicySpec>,
}

/// `PasswordPolicyType`. Absent requirements are off, and the default length is Cognito's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PasswordPolicySpec {
    /// `MinimumLength`, 6 to 99.
    pub minimum_length: Option<u32>,
    /// `RequireUppercase`.
    pub uppercase: Option<bool>,
    /// `RequireLowercase`.
    pub lowercase: Option<bool>,
    /// `RequireNumbers`.
    pub numbers: Option<bool>,
    /// `RequireSymbols`.
    pub symbols: Option<bool>,
    /// `TemporaryPasswordValidityDays`, 0 to 365.
    pub temporary_days: Option<u32>,
}

/// `DeviceConfiguration`. Any property, even if false, turns tracking on (docs/semantics.md, device
/// configuration).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DeviceConfiguration {
    /// `ChallengeRequiredOnNewDevice`.
    pub challenge_required_on_new_device: Option<bool>,
    /// `DeviceOnlyRememberedOnUserPrompt`.
    pub device_only_remembered_on_user_prompt: Option<bool>,
}

/// `UserPoolAddOns`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AddOns {
    /// `AdvancedSecurityMode`: `OFF`, `AUDIT` or `ENFORCED`.
    pub advanced_security_mode: String,
}

/// `ListUserPools`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListUserPools {
    /// `MaxResults`, 1 to 60.
    pub max_results: Option<u32>,
    /// `NextToken` of the previous page.
    pub next_token: Option<String>,
}

/// `ListUserPoolClients`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListUserPoolClients {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `MaxResults`, 1 to 60.
    pub max_results: Option<u32>,
    /// `NextToken` of the previous page.
    pub next_token: Option<String>,
}

/// `SetUserPoolMfaConfig`, and the response of this operation and of `GetUserPoolMfaConfig`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MfaConfig {
    /// `UserPoolId`; absent in responses.
    pub user_pool_id: String,
    /// `MfaConfiguration`.
    pub mfa: Option<String>,
    /// `SoftwareTokenMfaConfiguration`.
    pub software_token: Option<SoftwareTokenConfig>,
    /// `SmsMfaConfiguration`.
    pub sms: Option<SmsConfig>,
    /// `EmailMfaConfiguration`.
    pub email: Option<EmailConfig>,
}

/// `SoftwareTokenMfaConfiguration`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SoftwareTokenConfig {
    /// `Enabled`.
    pub enabled: Option<bool>,
}

/// `SmsMfaConfiguration`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SmsConfig {
    /// `SmsAuthenticationMessage`.
    pub message: Option<String>,
    /// `SmsConfiguration`.
    pub sender: Option<SmsSender>,
}

/// `SmsConfiguration`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SmsSender {
    /// `SnsCallerArn`.
    pub sns_caller_arn: String,
}

/// `EmailMfaConfiguration`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EmailConfig {
    /// `Message`.
    pub message: Option<String>,
    /// `Subject`.
    pub subject: Option<String>,
}

/// `SetRiskConfiguration`, and the response of this operation and of `DescribeRiskConfiguration`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RiskConfiguration {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `ClientId`; each pool here has a single risk configuration.
    pub client_id: Option<String>,
    /// `CompromisedCredentialsRiskConfiguration`.
    pub compromised: Option<CompromisedCredentials>,
    /// `AccountTakeoverRiskConfiguration`.
    pub account_takeover: Option<AccountTakeover>,
    /// `RiskExceptionConfiguration`.
    pub exceptions: Option<RiskExceptionLists>,
}

/// `CompromisedCredentialsRiskConfiguration`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CompromisedCredentials {
    /// `EventFilter`: `SIGN_IN`, `PASSWORD_CHANGE`, `SIGN_UP`; an empty list means all.
    pub event_filter: Vec<String>,
    /// `Actions`.
    pub actions: Option<CompromisedActions>,
}

/// `CompromisedCredentialsActionsType`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CompromisedActions {
    /// `EventAction`: `BLOCK` or `NO_ACTION`.
    pub event_action: String,
}

/// `RiskExceptionConfiguration`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RiskExceptionLists {
    /// `BlockedIPRangeList`.
    pub blocked: Vec<String>,
    /// `SkippedIPRangeList`.
    pub skipped: Vec<String>,
}

/// `AccountTakeoverRiskConfiguration`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AccountTakeover {
    /// `NotifyConfiguration`; this server sends no notifications.
    pub notify: Option<Box<NotifyConfiguration>>,
    /// `Actions`.
    pub actions: Option<TakeoverActions>,
}

/// `NotifyConfigurationType`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NotifyConfiguration {
    /// `From`.
    pub from: Option<String>,
    /// `ReplyTo`.
    pub reply_to: Option<String>,
    /// `SourceArn`.
    pub source_arn: String,
    /// `BlockEmail`.
    pub block: Option<NotifyEmail>,
    /// `NoActionEmail`.
    pub no_action: Option<NotifyEmail>,
    /// `MfaEmail`.
    pub mfa: Option<NotifyEmail>,
}

/// `NotifyEmailType`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NotifyEmail {
    /// `Subject`.
    pub subject: String,
    /// `HtmlBody`.
    pub html: Option<String>,
    /// `TextBody`.
    pub text: Option<String>,
}

/// `AccountTakeoverActionsType`: `EventAction` at each level.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TakeoverActions {
    /// `LowAction`.
    pub low: Option<TakeoverAction>,
    /// `MediumAction`.
    pub medium: Option<TakeoverAction>,
    /// `HighAction`.
    pub high: Option<TakeoverAction>,
}

/// `AccountTakeoverActionType`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TakeoverAction {
    /// `EventAction`: `NO_ACTION`, `MFA_IF_CONFIGURED`, `MFA_REQUIRED` or `BLOCK`.
    pub event_action: String,
    /// `Notify`; this server sends no notifications.
    pub notify: Option<bool>,
}

/// `CreateUserPoolClient` and `UpdateUserPoolClient`, limited to the settings that have an effect here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClientSpec {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `ClientId` of an existing client.
    pub client_id: Option<String>,
    /// `ClientName`.
    pub name: Option<String>,
    /// `GenerateSecret`.
    pub generate_secret: Option<bool>,
    /// `ExplicitAuthFlows`.
    pub auth_flows: Vec<String>,
    /// `PreventUserExistenceErrors`: `ENABLED` or `LEGACY`.
    pub prevent_user_existence_errors: Option<String>,
    /// Validity of sessions and tokens.
    pub validity: ValiditySpec,
}

/// Validity of a client's sessions and tokens, as in the request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ValiditySpec {
    /// `AuthSessionValidity`, 3 to 15 minutes.
    pub session: Option<u32>,
    /// `AccessTokenValidity`.
    pub access: Option<u32>,
    /// `IdTokenValidity`.
    pub id: Option<u32>,
    /// `RefreshTokenValidity`.
    pub refresh: Option<u32>,
    /// `TokenValidityUnits`; the default is hours, and days for refresh tokens.
    pub units: Option<ValidityUnits>,
}

/// `TokenValidityUnitsType`: `seconds`, `minutes`, `hours` or `days`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ValidityUnits {
    /// `AccessToken`.
    pub access: Option<String>,
    /// `IdToken`.
    pub id: Option<String>,
    /// `RefreshToken`.
    pub refresh: Option<String>,
}

/// A successful response to a request about a pool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ManagementResponse {
    /// The response of `CreateUserPool` and `DescribeUserPool`.
    Pool(PoolDescription),
    /// The response of `ListUserPools`.
    Pools {
        /// The pools of one page.
        pools: Vec<PoolDescription>,
        /// `NextToken` for the next page, if there is one.
        next_token: Option<String>,
    },
    /// The response of `SetUserPoolMfaConfig` and `GetUserPoolMfaConfig`.
    Mfa(MfaConfig),
    /// The response of `SetRiskConfiguration` and `DescribeRiskConfiguration`.
    Risk(RiskConfiguration),
    /// The response of `CreateUserPoolClient`, `DescribeUserPoolClient` and `UpdateUserPoolClient`.
    Client(ClientDescription),
    /// The response of `ListUserPoolClients`.
    Clients {
        /// The clients of one page.
        clients: Vec<ClientDescription>,
        /// `NextToken` for the next page, if there is one.
        next_token: Option<String>,
    },
    /// The response of operations without output.
    Empty,
}

/// `UserPoolType`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PoolDescription {
    /// `Id`.
    pub id: String,
    /// `Name`.
    pub name: String,
    /// `Arn`.
    pub arn: String,
    /// `CreationDate`.
    pub created: Timestamp,
    /// `LastModifiedDate`.
    pub modified: Timestamp,
    /// `EstimatedNumberOfUsers`.
    pub users: usize,
    /// The settings, the source of `DeviceConfiguration`, `MfaConfiguration` and `UserPoolAddOns`.
    pub policy: PoolPolicy,
    /// `Policies.PasswordPolicy`.
    pub passwords: PasswordPolicy,
}

/// `UserPoolClientType`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClientDescription {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `ClientId`.
    pub client_id: String,
    /// `ClientName`.
    pub name: String,
    /// `ClientSecret`, if the client has one.
    pub secret: Option<String>,
    /// `ExplicitAuthFlows`.
    pub auth_flows: Vec<String>,
    /// `PreventUserExistenceErrors = ENABLED`.
    pub prevents_user_existence_errors: bool,
    /// Validity of sessions and tokens.
    pub validity: ValiditySpec,
    /// `CreationDate`.
    pub created: Timestamp,
    /// `LastModifiedDate`.
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
