//! The settings of pools and app clients as they were requested, so that they can be described again.

use serde_json::{Map, Value};

use super::{HostedPool, Provider};
use poolproof_cognito::protocol::{ApiError, ErrorKind};
use poolproof_cognito::schema::Schema;
use poolproof_cognito::wire::to_value;

/// Maximum size in bytes of the requested settings of all pools and app clients of an account.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Requested settings: those that have no effect, and those that only the provider applies.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct RequestedSettings {
    /// The members as JSON.
    text: String,
    /// `DeletionProtection`.
    pub(super) is_protected: bool,
    /// `AdminCreateUserConfig.AllowAdminCreateUserOnly`.
    pub(super) only_administrators_create: bool,
}

impl RequestedSettings {
    /// Takes the members of a request or of a description.
    pub(super) fn new(mut members: Map<String, Value>) -> Self {
        if let Some(schema) = members.remove("Schema") {
            members.insert("SchemaAttributes".to_owned(), Schema::to_description(schema));
        }
        let members = Value::Object(members);
        let is_protected = members.get("DeletionProtection").is_some_and(|value| value == "ACTIVE");
        let only = members.pointer("/AdminCreateUserConfig/AllowAdminCreateUserOnly");
        let only_administrators_create = only.and_then(Value::as_bool) == Some(true);
        Self { text: members.to_string(), is_protected, only_administrators_create }
    }

    /// Reads stored settings.
    pub(super) fn from_text(text: &str) -> Self {
        Self::new(Self::members_of(text))
    }

    pub(super) fn as_text(&self) -> &str {
        &self.text
    }

    pub(super) const fn len(&self) -> usize {
        self.text.len()
    }

    /// Returns the attributes of the pool's users. Settings that were not requested have none.
    ///
    /// # Errors
    ///
    /// AWS does not allow an attribute.
    pub(super) fn schema(&self) -> Result<Option<Schema>, ApiError> {
        let members = Self::members_of(&self.text);
        members.get("SchemaAttributes").map(Schema::parse).transpose()
    }

    /// Returns these settings of a new pool, which has the standard attributes if the request lists none.
    pub(super) fn of_pool(mut members: Map<String, Value>) -> Self {
        if !members.contains_key("Schema") {
            members.entry("SchemaAttributes").or_insert_with(|| Value::Array(Vec::new()));
        }
        Self::new(members)
    }

    /// Returns `AllowedFirstAuthFactors` as it was requested, with values that are not simulated.
    pub(super) fn first_factors(&self) -> Option<Vec<String>> {
        let members = Value::Object(Self::members_of(&self.text));
        let allowed = members.pointer("/Policies/SignInPolicy/AllowedFirstAuthFactors")?.as_array()?;
        Some(allowed.iter().filter_map(|factor| factor.as_str().map(str::to_owned)).collect())
    }

    fn members_of(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Returns these settings with the members of `older` that only a creation can set.
    pub(super) fn with_fixed_members_of(self, older: &Self) -> Self {
        let mut members = Self::members_of(&self.text);
        members.extend(Self::members_of(&older.text).remove_entry("SchemaAttributes"));
        Self::new(members)
    }

    /// Returns the members of a description, and the requested ones that it does not have of its own.
    pub(super) fn describe(&self, described: &impl serde::Serialize) -> Map<String, Value> {
        let Value::Object(mut all) = to_value(described) else { return Map::new() };
        let mut requested = Self::members_of(&self.text);
        // Tags change by operations of their own, and the other members are only in requests.
        for other in
            ["PoolName", "UserPoolId", "GenerateSecret", "PublishSecretsInAWSSecretsManager", "UserPoolTags"]
        {
            requested.remove(other);
        }
        add_missing(&mut all, requested);
        all
    }
}

fn add_missing(all: &mut Map<String, Value>, more: Map<String, Value>) {
    for (key, value) in more {
        match (all.get_mut(&key), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => add_missing(inner, more),
            (Some(_), _) => {}
            (None, value) => {
                all.insert(key, value);
            }
        }
    }
}

impl HostedPool {
    /// Returns the bytes of the requested settings of this pool and its clients.
    pub(super) fn settings_bytes(&self) -> usize {
        self.settings.len() + self.clients.values().map(|record| record.settings.len()).sum::<usize>()
    }
}

impl Provider {
    /// Counts requested settings that replace others, or refuses them if the account has too many.
    pub(super) fn count_settings(&mut self, before: usize, after: usize) -> Result<(), ApiError> {
        let bytes = self.settings_bytes.saturating_sub(before) + after;
        if bytes > MAX_BYTES {
            let message = "You have exceeded the limit for the settings of user pools and app clients.";
            return Err(ApiError::new(ErrorKind::LimitExceeded, message));
        }
        self.settings_bytes = bytes;
        Ok(())
    }
}
