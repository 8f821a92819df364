//! App clients in the operations that create, change and describe them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::time::Timestamp;

/// Input of the operations that take an app client, which is optional for some.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClientCall {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `ClientId`.
    pub client_id: Option<String>,
}

/// `ListUserPoolClients`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListUserPoolClients {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `MaxResults`, 1 to 60.
    pub max_results: Option<u32>,
    /// `NextToken` of the previous page.
    pub next_token: Option<String>,
}

/// `CreateUserPoolClient` and `UpdateUserPoolClient`: the settings that have an effect here, and all.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClientSpec {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `ClientId` of an existing client.
    pub client_id: Option<String>,
    /// `ClientName`.
    #[serde(rename = "ClientName")]
    pub name: Option<String>,
    /// `ClientSecret`, instead of a generated one.
    pub client_secret: Option<String>,
    /// `GenerateSecret`.
    pub generate_secret: Option<bool>,
    /// `ExplicitAuthFlows`.
    #[serde(rename = "ExplicitAuthFlows", default, skip_serializing_if = "Vec::is_empty")]
    pub auth_flows: Vec<String>,
    /// `PreventUserExistenceErrors`: `ENABLED` or `LEGACY`.
    pub prevent_user_existence_errors: Option<String>,
    /// `EnableTokenRevocation`; the default is true.
    #[serde(rename = "EnableTokenRevocation")]
    pub token_revocation: Option<bool>,
    /// `RefreshTokenRotation`.
    pub refresh_token_rotation: Option<RefreshTokenRotation>,
    /// Validity of sessions and tokens.
    #[serde(rename = "$flatten")]
    pub validity: ValiditySpec,
    /// All members as requested, for `DescribeUserPoolClient`.
    #[serde(rename = "$all", default)]
    pub all: Map<String, Value>,
}

/// `RefreshTokenRotationType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RefreshTokenRotation {
    /// `Feature`: `ENABLED` or `DISABLED`.
    pub feature: String,
    /// `RetryGracePeriodSeconds`, 0 to 60.
    pub retry_grace_period_seconds: Option<u64>,
}

/// Validity of a client's sessions and tokens, as in the request.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ValiditySpec {
    /// `AuthSessionValidity`, 3 to 15 minutes.
    #[serde(rename = "AuthSessionValidity")]
    pub session: Option<u32>,
    /// `AccessTokenValidity`.
    #[serde(rename = "AccessTokenValidity")]
    pub access: Option<u32>,
    /// `IdTokenValidity`.
    #[serde(rename = "IdTokenValidity")]
    pub id: Option<u32>,
    /// `RefreshTokenValidity`.
    #[serde(rename = "RefreshTokenValidity")]
    pub refresh: Option<u32>,
    /// `TokenValidityUnits`; the default is hours, and days for refresh tokens.
    #[serde(rename = "TokenValidityUnits")]
    pub units: Option<ValidityUnits>,
}

/// `TokenValidityUnitsType`: `seconds`, `minutes`, `hours` or `days`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ValidityUnits {
    /// `AccessToken`.
    #[serde(rename = "AccessToken")]
    pub access: Option<String>,
    /// `IdToken`.
    #[serde(rename = "IdToken")]
    pub id: Option<String>,
    /// `RefreshToken`.
    #[serde(rename = "RefreshToken")]
    pub refresh: Option<String>,
}

/// `UserPoolClientType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClientDescription {
    /// `UserPoolId`.
    #[serde(default)]
    pub user_pool_id: String,
    /// `ClientId`.
    pub client_id: String,
    /// `ClientName`.
    #[serde(rename = "ClientName", default)]
    pub name: String,
    /// `ClientSecret`, if the client has one.
    #[serde(rename = "ClientSecret")]
    pub secret: Option<String>,
    /// `ExplicitAuthFlows`.
    #[serde(rename = "ExplicitAuthFlows", default)]
    pub auth_flows: Vec<String>,
    /// `PreventUserExistenceErrors`: `ENABLED` or `LEGACY`.
    #[serde(default)]
    pub prevent_user_existence_errors: String,
    /// `EnableTokenRevocation`.
    #[serde(default)]
    pub enable_token_revocation: bool,
    /// `RefreshTokenRotation`.
    pub refresh_token_rotation: Option<RefreshTokenRotation>,
    /// Validity of sessions and tokens.
    #[serde(rename = "$flatten")]
    pub validity: ValiditySpec,
    /// `CreationDate`.
    #[serde(rename = "CreationDate", default, with = "crate::time::seconds")]
    pub created: Timestamp,
    /// `LastModifiedDate`.
    #[serde(rename = "LastModifiedDate", default, with = "crate::time::seconds")]
    pub modified: Timestamp,
    /// All members, with those that have no effect here. Clients do not read them.
    #[serde(rename = "$all", skip_deserializing)]
    pub all: Map<String, Value>,
}

/// `UserPoolClientDescription`: a client in a list.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClientSummary {
    /// `UserPoolId`.
    #[serde(default)]
    pub user_pool_id: String,
    /// `ClientId`.
    pub client_id: String,
    /// `ClientName`.
    #[serde(rename = "ClientName", default)]
    pub name: String,
}
