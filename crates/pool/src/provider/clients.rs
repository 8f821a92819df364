//! Operations on app clients.

use std::time::Duration;

use super::pools::page_size;
use super::{MAX_POOLS_OR_CLIENTS, Provider, RequestedSettings, validity, word};
use crate::{AppClient, PasswordFlow};
use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::protocol::{
    ApiError, ClientCall, ClientDescription, ClientSpec, ClientSummary, ErrorKind, ListUserPoolClients,
    ManagementResponse, RefreshTokenRotation, RiskConfiguration, ValiditySpec,
};
use poolproof_cognito::time::Timestamp;

const REFRESH_FLOW: &str = "ALLOW_REFRESH_TOKEN_AUTH";
/// The default flows of a client (API model).
pub const DEFAULT_FLOWS: [&str; 3] = [REFRESH_FLOW, "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"];

/// A flow that a value of `ExplicitAuthFlows` allows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Srp,
    Password,
    Admin,
    Refresh,
    Choice,
    Custom,
    /// The legacy values; they also allow SRP.
    LegacyPassword,
    LegacyAdmin,
    LegacyCustom,
    /// A flow that has no effect here.
    Other,
}

const FLOWS: [(&str, Flow); 11] = [
    ("ALLOW_USER_SRP_AUTH", Flow::Srp),
    ("ALLOW_USER_PASSWORD_AUTH", Flow::Password),
    ("ALLOW_ADMIN_USER_PASSWORD_AUTH", Flow::Admin),
    ("ALLOW_REFRESH_TOKEN_AUTH", Flow::Refresh),
    ("ALLOW_CUSTOM_AUTH", Flow::Custom),
    ("ALLOW_USER_AUTH", Flow::Choice),
    ("ALLOW_TOKEN_EXCHANGE_DELEGATION", Flow::Other),
    ("ALLOW_TOKEN_EXCHANGE_IMPERSONATION", Flow::Other),
    ("USER_PASSWORD_AUTH", Flow::LegacyPassword),
    ("ADMIN_NO_SRP_AUTH", Flow::LegacyAdmin),
    ("CUSTOM_AUTH_FLOW_ONLY", Flow::LegacyCustom),
];

/// An app client with its metadata.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientRecord {
    /// The client's settings.
    pub client: AppClient,
    /// `ClientName`.
    pub name: String,
    /// `ExplicitAuthFlows`.
    pub flows: Vec<String>,
    /// `CreationDate`.
    pub created: Timestamp,
    /// `LastModifiedDate`.
    pub modified: Timestamp,
    /// The validities as requested; `client` contains the resulting ones.
    pub validity: ValiditySpec,
    /// The client's own risk configuration as requested, if it has one.
    #[serde(default)]
    pub risk: Option<RiskConfiguration>,
    /// All requested settings as JSON, to be described again.
    #[serde(default)]
    pub settings: String,
}

impl ClientRecord {
    fn description(&self, user_pool_id: &str) -> ClientDescription {
        let described = self.own_description(user_pool_id);
        let all = RequestedSettings::from_text(&self.settings).describe(&described);
        ClientDescription { all, ..described }
    }

    /// Returns the description without settings that have no effect here.
    fn own_description(&self, user_pool_id: &str) -> ClientDescription {
        ClientDescription {
            user_pool_id: user_pool_id.to_owned(),
            client_id: self.client.id.as_str().to_owned(),
            name: self.name.clone(),
            secret: self.client.secret.clone(),
            auth_flows: self.flows.clone(),
            prevent_user_existence_errors: if self.client.prevents_user_existence_errors {
                "ENABLED".to_owned()
            } else {
                "LEGACY".to_owned()
            },
            enable_token_revocation: self.client.token_revocation,
            refresh_token_rotation: self.client.rotation.map(|grace| RefreshTokenRotation {
                feature: "ENABLED".to_owned(),
                retry_grace_period_seconds: Some(grace.as_secs()),
            }),
            validity: validity::described(&self.validity),
            created: self.created,
            modified: self.modified,
            all: serde_json::Map::new(),
        }
    }
}

/// Returns the flows that a client may have and the client with them applied.
pub(super) fn with_flows(client: AppClient, spec: &ClientSpec) -> Result<(AppClient, Vec<String>), ApiError> {
    let rotation = rotation(spec)?;
    let flows = if spec.auth_flows.is_empty() {
        let defaults = DEFAULT_FLOWS.into_iter().filter(|flow| rotation.is_none() || *flow != REFRESH_FLOW);
        defaults.map(str::to_owned).collect::<Vec<_>>()
    } else {
        // A repeated flow counts once.
        let first = |at: usize| !spec.auth_flows[..at].contains(&spec.auth_flows[at]);
        (0..spec.auth_flows.len()).filter(|at| first(*at)).map(|at| spec.auth_flows[at].clone()).collect()
    };
    let allows = |flow: &String| flow.starts_with("ALLOW_");
    if flows.iter().any(allows) && !flows.iter().all(allows) {
        return Err(ApiError::invalid_parameter(
            "ExplicitAuthFlows cannot contain legacy values together with values that begin with ALLOW_.",
        ));
    }
    let read = |flow: &String| word(&FLOWS, "explicitAuthFlows", flow);
    let parsed_flows: Vec<Flow> = flows.iter().map(read).collect::<Result<_, _>>()?;
    let any = |wanted: &[Flow]| parsed_flows.iter().any(|flow| wanted.contains(flow));
    let password = any(&[Flow::Password, Flow::LegacyPassword]);
    if rotation.is_some() && any(&[Flow::Refresh]) {
        return Err(ApiError::invalid_parameter(
            "Refresh token rotation cannot be enabled together with ALLOW_REFRESH_TOKEN_AUTH.",
        ));
    }
    let prevents_user_existence_errors = match spec.prevent_user_existence_errors.as_deref() {
        None => false,
        Some(text) => word(&[("ENABLED", true), ("LEGACY", false)], "preventUserExistenceErrors", text)?,
    };
    let client = AppClient {
        validity: validity::parse(&spec.validity)?,
        prevents_user_existence_errors,
        password_flow: if password { PasswordFlow::WithDevices } else { PasswordFlow::Off },
        srp_flow: any(&[Flow::Srp, Flow::LegacyPassword, Flow::LegacyAdmin]),
        choice_flow: any(&[Flow::Choice]),
        custom_flow: any(&[Flow::Custom, Flow::LegacyCustom]),
        admin_flow: any(&[Flow::Admin, Flow::LegacyAdmin]),
        // The legacy values allow it implicitly.
        refresh_flow: any(&[Flow::Refresh, Flow::LegacyPassword, Flow::LegacyAdmin, Flow::LegacyCustom]),
        token_revocation: spec.token_revocation.unwrap_or(true),
        rotation,
        ..client
    };
    Ok((client, flows))
}

/// Returns the grace period of rotated refresh tokens, or `None` if they are not rotated.
fn rotation(spec: &ClientSpec) -> Result<Option<Duration>, ApiError> {
    let Some(rotation) = &spec.refresh_token_rotation else { return Ok(None) };
    let on =
        word(&[("ENABLED", true), ("DISABLED", false)], "refreshTokenRotation.feature", &rotation.feature)?;
    Ok(on.then(|| Duration::from_secs(rotation.retry_grace_period_seconds.unwrap_or(0))))
}

pub(super) fn client_not_found(client_id: &str) -> ApiError {
    let shown: String = client_id.chars().take(128).collect();
    ApiError::new(ErrorKind::ResourceNotFound, format!("User pool client {shown} does not exist."))
}

impl Provider {
    pub(super) fn create_client(
        &mut self,
        now: Timestamp,
        spec: &ClientSpec,
    ) -> Result<ManagementResponse, ApiError> {
        let name = spec.name.clone().unwrap_or_default();
        let many = self.hosted(&spec.user_pool_id)?.clients.len() >= MAX_POOLS_OR_CLIENTS;
        let id = ClientId::new(self.random_text(26, true));
        let generated = (spec.generate_secret == Some(true)).then(|| self.random_text(52, true));
        let secret = spec.client_secret.clone().or(generated);
        let (client, flows) = with_flows(AppClient { secret, ..AppClient::public(id.clone()) }, spec)?;
        if many {
            return Err(ApiError::new(ErrorKind::LimitExceeded, "You have exceeded your app client limit"));
        }
        let settings = RequestedSettings::new(spec.all.clone()).as_text().to_owned();
        self.count_settings(0, settings.len())?;
        let validity = spec.validity.clone();
        let record =
            ClientRecord { client, name, flows, created: now, modified: now, validity, risk: None, settings };
        let described = record.description(&spec.user_pool_id);
        self.put_new_client(&PoolId::new(&spec.user_pool_id), record);
        Ok(ManagementResponse::Client(described))
    }

    pub(super) fn client_record(
        &self,
        user_pool_id: &str,
        client_id: Option<&str>,
    ) -> Result<&ClientRecord, ApiError> {
        let client_id = client_id.unwrap_or_default();
        let hosted = self.hosted(user_pool_id)?;
        hosted.clients.get(&ClientId::new(client_id)).ok_or_else(|| client_not_found(client_id))
    }

    pub(super) fn describe_client(&self, call: &ClientCall) -> Result<ManagementResponse, ApiError> {
        let record = self.client_record(&call.user_pool_id, call.client_id.as_deref())?;
        Ok(ManagementResponse::Client(record.description(&call.user_pool_id)))
    }

    pub(super) fn update_client(
        &mut self,
        now: Timestamp,
        spec: &ClientSpec,
    ) -> Result<ManagementResponse, ApiError> {
        let before = self.client_record(&spec.user_pool_id, spec.client_id.as_deref())?.clone();
        let (client, flows) = with_flows(before.client, spec)?;
        let name = spec.name.clone().unwrap_or(before.name);
        let validity = spec.validity.clone();
        let settings = RequestedSettings::new(spec.all.clone()).as_text().to_owned();
        self.count_settings(before.settings.len(), settings.len())?;
        let (created, risk) = (before.created, before.risk);
        let record = ClientRecord { client, name, flows, created, modified: now, validity, risk, settings };
        let described = record.description(&spec.user_pool_id);
        let id = record.client.id.clone();
        self.hosted_mut(&spec.user_pool_id)?.put_client(record);
        self.mark_client_changed(&PoolId::new(&spec.user_pool_id), &id);
        Ok(ManagementResponse::Client(described))
    }

    pub(super) fn list_clients(&self, request: &ListUserPoolClients) -> Result<ManagementResponse, ApiError> {
        let hosted = self.hosted(&request.user_pool_id)?;
        let most = page_size(request.max_results);
        let after = request.next_token.as_deref().unwrap_or_default();
        let mut rest = hosted.clients.iter().filter(|(id, _)| id.as_str() > after);
        let described = rest.by_ref().take(most).map(|(_, record)| ClientSummary {
            user_pool_id: request.user_pool_id.clone(),
            client_id: record.client.id.as_str().to_owned(),
            name: record.name.clone(),
        });
        let clients: Vec<_> = described.collect();
        let more = rest.next().is_some();
        let next_token = clients.last().map(|client| client.client_id.clone()).filter(|_| more);
        Ok(ManagementResponse::Clients { clients, next_token })
    }

    pub(super) fn delete_client(&mut self, call: &ClientCall) -> Result<ManagementResponse, ApiError> {
        let record = self.client_record(&call.user_pool_id, call.client_id.as_deref())?;
        let (id, bytes) = (record.client.id.clone(), record.settings.len());
        self.settings_bytes -= bytes;
        let hosted = self.hosted_mut(&call.user_pool_id)?;
        hosted.clients.remove(&id);
        hosted.pool.remove_client(&id);
        self.client_pools.remove(&id);
        self.mark_client_changed(&PoolId::new(&call.user_pool_id), &id);
        Ok(ManagementResponse::Empty)
    }
}
