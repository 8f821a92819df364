//! Pools and app clients that are created from the JSON documents of AWS tools.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::clients::with_flows;
use super::pools::{passwords, usernames};
use super::settings::RequestedSettings;
use super::{ClientRecord, Provider, account_settings, tags};
use crate::AppClient;
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::model;
use poolproof_cognito::policy::PoolPolicy;
use poolproof_cognito::protocol::{ApiError, ClientSpec, MfaConfig, PoolSpec};
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::wire::from_value;

/// The documents of a pool that add to its policy.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Description {
    /// `UserPool` of describe-user-pool.
    pub pool: Map<String, Value>,
    /// get-user-pool-mfa-config.
    pub mfa: Option<Map<String, Value>>,
    /// `UserPoolClient` of each describe-user-pool-client.
    pub clients: Vec<Map<String, Value>>,
}

impl Provider {
    /// Adds a pool or replaces the one with the same id. Its name, password policy, user names and other
    /// settings are those of the description. It has no client yet.
    ///
    /// # Errors
    ///
    /// A value of the description is not one of the API.
    pub fn add_described_pool(
        &mut self,
        now: Timestamp,
        pool_id: &PoolId,
        description: &Description,
        policy: PoolPolicy,
        exceptions: RiskExceptions,
    ) -> Result<(), ApiError> {
        let mut members = model::known_members("UserPool", &description.pool);
        if let Some(name) = members.remove("Name") {
            members.insert("PoolName".to_owned(), name);
        }
        let spec: PoolSpec = from_value(&Value::Object(members.clone()), usize::MAX)?;
        let (passwords, usernames) = (passwords(&spec), usernames(&spec)?);
        let mfa = description.mfa.clone().map(|mut mfa| {
            mfa.insert("UserPoolId".to_owned(), pool_id.as_str().into());
            from_value::<MfaConfig>(&Value::Object(mfa), usize::MAX)
        });
        let mfa = mfa.transpose()?;
        let account_settings = account_settings::parse(&spec)?;
        tags::check(spec.tags.as_ref().unwrap_or(&BTreeMap::new()))?;
        let settings = RequestedSettings::of_pool(members);
        let schema = settings.schema()?;
        self.count_settings(0, settings.len())?;
        let name = spec.name.as_deref().unwrap_or_else(|| pool_id.as_str());
        self.add_pool(now, pool_id.clone(), name, policy, exceptions);
        let hosted = self.hosted_mut(pool_id.as_str())?;
        hosted.pool.set_passwords(passwords);
        hosted.pool.set_usernames(usernames);
        hosted.pool.set_account_settings(account_settings);
        hosted.pool.set_schema(schema);
        hosted.tags = spec.tags.unwrap_or_default();
        hosted.settings = settings;
        hosted.mfa = mfa.unwrap_or_else(|| hosted.mfa.clone());
        Ok(())
    }

    /// Adds an app client as it is described. Returns its id.
    ///
    /// # Errors
    ///
    /// A value of the description is not one of the API, or the pool does not exist.
    pub fn add_described_client(
        &mut self,
        now: Timestamp,
        pool_id: &PoolId,
        description: &Map<String, Value>,
    ) -> Result<ClientId, ApiError> {
        let mut members = model::known_members("UserPoolClient", description);
        members.insert("UserPoolId".to_owned(), pool_id.as_str().into());
        let spec: ClientSpec = from_value(&Value::Object(members.clone()), usize::MAX)?;
        let id =
            ClientId::new(spec.client_id.as_deref().ok_or_else(|| ApiError::missing_parameter("ClientId"))?);
        let secret = spec.client_secret.clone();
        let (client, flows) = with_flows(AppClient { secret, ..AppClient::public(id.clone()) }, &spec)?;
        let settings = RequestedSettings::new(members).as_text().to_owned();
        self.hosted(pool_id.as_str())?;
        self.count_settings(0, settings.len())?;
        let name = spec.name.unwrap_or_else(|| id.as_str().to_owned());
        let validity = spec.validity;
        self.put_new_client(
            pool_id,
            ClientRecord { client, name, flows, created: now, modified: now, validity, risk: None, settings },
        );
        Ok(id)
    }
}
