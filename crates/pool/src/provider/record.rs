//! The stored records of pools and app clients, as plain data. User records are in the pools' own module.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ClientRecord, HostedPool, Provider, RequestedSettings};
use crate::{AccountChange, AccountRecord, GroupRecord, RecordError};
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::{ClientId, PoolId, Sub};
use poolproof_cognito::policy::{AccountSettings, PasswordPolicy, PoolPolicy, UsernameSettings};
use poolproof_cognito::protocol::{MfaConfig, RiskConfiguration};
use poolproof_cognito::time::Timestamp;

/// A stored pool, without its clients and users.
///
/// It does not implement `Debug`: the seed allows anyone to forge tokens.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolRecord {
    /// `Id`.
    pub id: PoolId,
    /// `Name`.
    pub name: String,
    /// `CreationDate`.
    pub created: Timestamp,
    /// `LastModifiedDate`.
    pub modified: Timestamp,
    /// The seed of the pool's secrets: the key of opaque and refresh tokens, and the data of unknown users.
    #[serde(with = "hex::serde")]
    pub seed: [u8; 32],
    /// The first token generation of new users.
    pub first_generation: u64,
    /// The settings.
    pub policy: PoolPolicy,
    /// `RiskExceptionConfiguration`.
    pub exceptions: RiskExceptions,
    /// `PasswordPolicy`.
    pub passwords: PasswordPolicy,
    /// How users are named.
    pub usernames: UsernameSettings,
    /// Password recovery and changes of addresses.
    #[serde(default)]
    pub account_settings: AccountSettings,
    /// The MFA configuration as requested.
    pub mfa: MfaConfig,
    /// The risk configuration as requested.
    pub risk: RiskConfiguration,
    /// `UserPoolTags`.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// All requested settings as JSON, to be described again.
    #[serde(default)]
    pub settings: String,
}

impl std::fmt::Debug for PoolRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PoolRecord({}, …)", self.id)
    }
}

/// A change of a pool, a client, a user or a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProviderChange {
    /// The pool was created or changed.
    Pool(Box<PoolRecord>),
    /// The pool was removed, with its clients and users.
    PoolRemoved(PoolId),
    /// The client of this pool was created or changed.
    Client(PoolId, Box<ClientRecord>),
    /// The client of this pool was removed.
    ClientRemoved(PoolId, ClientId),
    /// The user of this pool was created or changed.
    Account(PoolId, Box<AccountRecord>),
    /// The user of this pool was removed.
    AccountRemoved(PoolId, Sub),
    /// The group of this pool was created or changed.
    Group(PoolId, GroupRecord),
    /// The group of this pool and name was removed.
    GroupRemoved(PoolId, String),
}

/// All stored records.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProviderSnapshot {
    /// The pools.
    pub pools: Vec<PoolRecord>,
    /// The clients, each with its pool.
    pub clients: Vec<(PoolId, ClientRecord)>,
    /// The users, each with its pool.
    pub accounts: Vec<(PoolId, AccountRecord)>,
    /// The groups, each with its pool.
    pub groups: Vec<(PoolId, GroupRecord)>,
}

/// Entries changed since the last query.
#[derive(Debug, Default)]
pub(super) struct ChangeLog {
    pools: Vec<PoolId>,
    clients: Vec<(PoolId, ClientId)>,
}

impl HostedPool {
    pub(super) fn record(&self, id: &PoolId) -> PoolRecord {
        PoolRecord {
            id: id.clone(),
            name: self.name.clone(),
            created: self.created,
            modified: self.modified,
            seed: self.seed,
            first_generation: self.pool.first_generation(),
            policy: *self.pool.policy(),
            exceptions: self.pool.exceptions().clone(),
            passwords: self.pool.passwords(),
            usernames: self.pool.usernames(),
            account_settings: self.pool.account_settings(),
            mfa: self.mfa.clone(),
            risk: self.risk.clone(),
            tags: self.tags.clone(),
            settings: self.settings.as_text().to_owned(),
        }
    }
}

impl Provider {
    /// Returns this account with change recording enabled, for [`Self::take_changes`].
    #[must_use]
    pub fn with_change_log(mut self) -> Self {
        self.change_log = Some(ChangeLog::default());
        self
    }

    pub(super) fn mark_pool_changed(&mut self, pool_id: &PoolId) {
        self.memory.mark_changed(pool_id, None);
        if let Some(change_log) = &mut self.change_log {
            change_log.pools.push(pool_id.clone());
        }
    }

    pub(super) fn mark_client_changed(&mut self, pool_id: &PoolId, client_id: &ClientId) {
        self.memory.mark_changed(pool_id, Some(client_id));
        if let Some(change_log) = &mut self.change_log {
            change_log.clients.push((pool_id.clone(), client_id.clone()));
        }
    }

    /// Removes and returns the changes of pools and app clients, and those of the users of pool `pool_id`.
    /// Call it after every request. Returns nothing if this account has no change log.
    pub fn take_changes(&mut self, pool_id: Option<&PoolId>) -> Vec<ProviderChange> {
        let Some(change_log) = &mut self.change_log else { return Vec::new() };
        let ChangeLog { mut pools, clients } = std::mem::take(change_log);
        let mut users = Vec::new();
        let hosted = pool_id.and_then(|id| Some((id, self.hosted_pool_mut(id)?)));
        if let Some((id, hosted)) = hosted {
            for change in hosted.pool.take_changes() {
                users.push(match change {
                    AccountChange::Put(record) => ProviderChange::Account(id.clone(), record),
                    AccountChange::Group(record) => ProviderChange::Group(id.clone(), record),
                    AccountChange::GroupRemoved(name) => ProviderChange::GroupRemoved(id.clone(), name),
                    AccountChange::Removed(sub) => {
                        // The pool stores the first valid token generation for the successor of a removed
                        // user.
                        pools.push(id.clone());
                        ProviderChange::AccountRemoved(id.clone(), sub)
                    }
                });
            }
        }
        self.collect_changes(pools, clients, users)
    }

    fn collect_changes(
        &self,
        pools: Vec<PoolId>,
        clients: Vec<(PoolId, ClientId)>,
        users: Vec<ProviderChange>,
    ) -> Vec<ProviderChange> {
        let pools = pools.into_iter().map(|id| match self.pools.get(&id) {
            Some(hosted) => ProviderChange::Pool(Box::new(hosted.record(&id))),
            None => ProviderChange::PoolRemoved(id),
        });
        let clients = clients.into_iter().filter_map(|(pool_id, id)| {
            let hosted = self.pools.get(&pool_id)?;
            Some(match hosted.clients.get(&id) {
                Some(record) => ProviderChange::Client(pool_id, Box::new(record.clone())),
                None => ProviderChange::ClientRemoved(pool_id, id),
            })
        });
        pools.chain(clients).chain(users).collect()
    }

    /// Restores these records into an account without pools. They do not count as changes.
    ///
    /// # Errors
    ///
    /// Fails if the records were not written by an account.
    pub fn restore(&mut self, records: ProviderSnapshot) -> Result<(), RecordError> {
        let mut accounts: BTreeMap<PoolId, Vec<AccountRecord>> = BTreeMap::new();
        for (pool_id, record) in records.accounts {
            accounts.entry(pool_id).or_default().push(record);
        }
        for record in records.pools {
            if self.pools.contains_key(&record.id) {
                return Err(RecordError::Inconsistent);
            }
            let mut hosted = self.host(record.created, &record.id, &record.name, record.policy, record.seed);
            hosted.pool = hosted.pool.with_exceptions(record.exceptions).with_rng(self.new_rng());
            hosted.pool.set_usernames(record.usernames);
            hosted.pool.restore(accounts.remove(&record.id).unwrap_or_default(), record.first_generation)?;
            hosted.pool.set_passwords(record.passwords);
            hosted.pool.set_account_settings(record.account_settings);
            hosted.modified = record.modified;
            hosted.mfa = record.mfa;
            hosted.risk = record.risk;
            hosted.tags = record.tags;
            hosted.settings = RequestedSettings::from_text(&record.settings);
            hosted.pool.set_schema(hosted.settings.schema().map_err(|_| RecordError::Inconsistent)?);
            self.settings_bytes += hosted.settings.len();
            self.memory.mark_changed(&record.id, None);
            self.pools.insert(record.id, hosted);
        }
        for (pool_id, record) in records.clients {
            let id = record.client.id.clone();
            self.settings_bytes += record.settings.len();
            self.memory.mark_changed(&pool_id, Some(&id));
            let taken = self.client_pools.insert(id, pool_id.clone()).is_some();
            let hosted =
                self.hosted_pool_mut(&pool_id).filter(|_| !taken).ok_or(RecordError::Inconsistent)?;
            hosted.put_client(record);
        }
        for (pool_id, record) in records.groups {
            let hosted = self.hosted_pool_mut(&pool_id).ok_or(RecordError::Inconsistent)?;
            hosted.pool.restore_groups(vec![record]);
        }
        if accounts.is_empty() { Ok(()) } else { Err(RecordError::Inconsistent) }
    }
}
