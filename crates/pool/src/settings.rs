//! Settings of a pool: its policy, clients, custom challenges, address lists, names, passwords, recovery and
//! schema.

use std::sync::Arc;

use super::trigger::CustomAuth;
use super::{AppClient, Pool};
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::ClientId;
use poolproof_cognito::policy::{AccountSettings, PasswordPolicy, PoolPolicy, UsernameSettings};
use poolproof_cognito::schema::Schema;

impl Pool {
    /// Returns this pool with address lists that threat protection, if enforced, always blocks or never
    /// assesses.
    #[must_use]
    pub fn with_exceptions(mut self, exceptions: RiskExceptions) -> Self {
        self.exceptions = exceptions;
        self
    }

    /// Returns this pool with these settings for user names. A pool that has users keeps its own.
    #[must_use]
    pub fn with_usernames(mut self, usernames: UsernameSettings) -> Self {
        self.set_usernames(usernames);
        self
    }

    /// Sets how users are named. A pool that has users keeps its setting.
    pub(crate) fn set_usernames(&mut self, usernames: UsernameSettings) {
        if self.directory.count() == 0 {
            self.directory.set_usernames(usernames);
        }
    }

    /// Returns how the pool's users are named.
    pub const fn usernames(&self) -> UsernameSettings {
        self.directory.usernames()
    }

    /// Changes the address lists, as an administrator does.
    pub fn set_exceptions(&mut self, exceptions: RiskExceptions) {
        self.exceptions = exceptions;
    }

    /// Returns the address lists that threat protection always blocks or never assesses.
    pub const fn exceptions(&self) -> &RiskExceptions {
        &self.exceptions
    }

    /// Changes the password policy, as an administrator does.
    pub const fn set_passwords(&mut self, passwords: PasswordPolicy) {
        self.passwords = passwords;
    }

    /// Returns the password policy.
    pub const fn passwords(&self) -> PasswordPolicy {
        self.passwords
    }

    /// Changes the settings for password recovery and changes of addresses, as an administrator does.
    pub const fn set_account_settings(&mut self, account_settings: AccountSettings) {
        self.account_settings = account_settings;
    }

    /// Returns the settings for password recovery and changes of addresses.
    pub const fn account_settings(&self) -> AccountSettings {
        self.account_settings
    }

    /// Sets the attributes that users can have. Without a schema every attribute is accepted.
    pub fn set_schema(&mut self, schema: Option<Schema>) {
        self.schema = schema;
    }

    /// Returns the attributes that users can have.
    pub const fn schema(&self) -> Option<&Schema> {
        self.schema.as_ref()
    }

    /// Sets what decides about custom challenges. Without it, `CUSTOM_AUTH` is refused.
    #[must_use]
    pub fn with_custom_auth(mut self, custom_auth: Option<CustomAuth>) -> Self {
        self.set_custom_auth(custom_auth);
        self
    }

    /// Changes what decides about custom challenges.
    pub(crate) fn set_custom_auth(&mut self, custom_auth: Option<CustomAuth>) {
        self.custom_auth = custom_auth;
    }

    /// Changes the settings, as an administrator does. Users, their devices and sign-ins in progress are
    /// kept.
    pub const fn set_policy(&mut self, policy: PoolPolicy) {
        self.policy = policy;
    }

    /// Returns the settings.
    pub const fn policy(&self) -> &PoolPolicy {
        &self.policy
    }

    /// Adds an app client or replaces the one with the same id.
    pub fn put_client(&mut self, client: AppClient) {
        self.clients.insert(client.id.clone(), Arc::new(client));
    }

    /// Removes an app client. Sign-ins that it started cannot continue.
    pub fn remove_client(&mut self, id: &ClientId) {
        self.clients.remove(id);
    }
}
