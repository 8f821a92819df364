//! Operations on pools and their app clients. They are for whoever owns several pools: no pool answers them
//! itself.

use crate::policy::{MfaMode, PasswordPolicy, PoolPolicy};
use crate::time::Timestamp;

/// One request about a pool, as the client wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ManagementRequest {
    /// Makes a pool.
    CreateUserPool(PoolSpec),
    /// Describes a pool.
    DescribeUserPool(PoolCall),
    /// Changes a pool; what is not mentioned gets its default again.
    UpdateUserPool(PoolSpec),
    /// Lists pools.
    ListUserPools(ListUserPools),
    /// Removes a pool with everything in it.
    DeleteUserPool(PoolCall),
    /// Says when a second factor is asked for.
    SetUserPoolMfaConfig(MfaConfig),
    /// Tells when a second factor is asked for.
    GetUserPoolMfaConfig(PoolCall),
    /// Says what risk does.
    SetRiskConfiguration(RiskConfiguration),
    /// Tells what risk does.
    DescribeRiskConfiguration(ClientCall),
    /// Makes an app client.
    CreateUserPoolClient(ClientSpec),
    /// Describes an app client.
    DescribeUserPoolClient(ClientCall),
    /// Changes an app client; what is not mentioned gets its default again.
    UpdateUserPoolClient(ClientSpec),
    /// Lists app clients.
    ListUserPoolClients(ListUserPoolClients),
    /// Removes an app client.
    DeleteUserPoolClient(ClientCall),
}

/// The operations that name a pool and say no more.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PoolCall {
    /// `UserPoolId`.
    pub user_pool_id: String,
}

/// The operations that name an app client, or leave it open.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClientCall {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `ClientId`.
    pub client_id: Option<String>,
}

/// `CreateUserPool` and `UpdateUserPool`, as far as a setting decides something here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PoolSpec {
    /// `UserPoolId`, of a pool that is there.
    pub user_pool_id: Option<String>,
    /// `PoolName`.
    pub name: Option<String>,
    /// `DeviceConfiguration`; absent is no tracking.
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

/// `PasswordPolicyType`. What is not said is not asked of passwords, and the length is Cognito's default.
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

/// `DeviceConfiguration`. Any property, even a false one, turns tracking on (SEMANTICS c.1).
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
    /// `NextToken` of the page before.
    pub next_token: Option<String>,
}

/// `ListUserPoolClients`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListUserPoolClients {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `MaxResults`, 1 to 60.
    pub max_results: Option<u32>,
    /// `NextToken` of the page before.
    pub next_token: Option<String>,
}

/// `SetUserPoolMfaConfig`, and what it and `GetUserPoolMfaConfig` answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MfaConfig {
    /// `UserPoolId`; not in answers.
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

/// `SetRiskConfiguration`, and what it and `DescribeRiskConfiguration` answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RiskConfiguration {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `ClientId`; the pools here have one risk configuration each.
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
    /// `EventFilter`: `SIGN_IN`, `PASSWORD_CHANGE`, `SIGN_UP`; none of them is all.
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
    /// `NotifyConfiguration`; nobody is notified here.
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
    /// `Notify`; nobody is notified here.
    pub notify: Option<bool>,
}

/// `CreateUserPoolClient` and `UpdateUserPoolClient`, as far as a setting decides something here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClientSpec {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `ClientId`, of a client that is there.
    pub client_id: Option<String>,
    /// `ClientName`.
    pub name: Option<String>,
    /// `GenerateSecret`.
    pub generate_secret: Option<bool>,
    /// `ExplicitAuthFlows`.
    pub auth_flows: Vec<String>,
    /// `PreventUserExistenceErrors`: `ENABLED` or `LEGACY`.
    pub prevent_user_existence_errors: Option<String>,
    /// How long sessions and tokens are good.
    pub validity: ValiditySpec,
}

/// How long sessions and tokens of a client are good, as it was said.
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
    /// `TokenValidityUnits`: hours and, for refresh tokens, days where they are not said.
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

/// One answer to a request about a pool that is not a refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ManagementResponse {
    /// Of `CreateUserPool` and `DescribeUserPool`.
    Pool(PoolDescription),
    /// Of `ListUserPools`.
    Pools {
        /// One page.
        pools: Vec<PoolDescription>,
        /// `NextToken` for the next page, if there is one.
        next_token: Option<String>,
    },
    /// Of `SetUserPoolMfaConfig` and `GetUserPoolMfaConfig`.
    Mfa(MfaConfig),
    /// Of `SetRiskConfiguration` and `DescribeRiskConfiguration`.
    Risk(RiskConfiguration),
    /// Of `CreateUserPoolClient`, `DescribeUserPoolClient` and `UpdateUserPoolClient`.
    Client(ClientDescription),
    /// Of `ListUserPoolClients`.
    Clients {
        /// One page.
        clients: Vec<ClientDescription>,
        /// `NextToken` for the next page, if there is one.
        next_token: Option<String>,
    },
    /// Of operations that answer with nothing.
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
    /// Its settings: `DeviceConfiguration`, `MfaConfiguration` and `UserPoolAddOns` come of them.
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
    /// `ClientSecret`, if it has one.
    pub secret: Option<String>,
    /// `ExplicitAuthFlows`.
    pub auth_flows: Vec<String>,
    /// `PreventUserExistenceErrors = ENABLED`.
    pub prevents_user_existence_errors: bool,
    /// How long its sessions and tokens are good.
    pub validity: ValiditySpec,
    /// `CreationDate`.
    pub created: Timestamp,
    /// `LastModifiedDate`.
    pub modified: Timestamp,
}

/// The word of the API for when a second factor is asked for.
pub const fn mfa_mode_name(mode: MfaMode) -> &'static str {
    match mode {
        MfaMode::Off => "OFF",
        MfaMode::Optional => "OPTIONAL",
        MfaMode::On => "ON",
    }
}
