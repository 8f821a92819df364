//! The memory budget of an account: the limit in bytes for the data of its pools.
//!
//! Users, pools and app clients cannot be dropped, so requests that add to them are refused above a part of
//! the budget: those of users at five eighths, those of administrators at three quarters. An administrator
//! can therefore still close a pool that clients without an account have filled. The rest is for sign-ins in
//! progress, of which the oldest are dropped.

use std::collections::BTreeMap;

use super::{ClientRecord, HostedPool, Provider};
use crate::memory::map_entry;
use crate::{MemoryUse, Pool};
use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::protocol::{
    AccountRequest, ApiError, ErrorKind, GroupRequest, ManagementRequest, Operation, ProfileRequest, Request,
};
use poolproof_cognito::time::Timestamp;

/// Most bytes that one request adds to users, pools and app clients. Requests have at most 128 KiB of text.
const MAX_REQUEST_GROWTH: usize = 256 * 1024;

/// Bytes of a pool without its records: its keys, tables and buckets.
const POOL_BYTES: usize = 16 * 1024;

/// The memory that an account uses, its budget, and what the budget has caused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemoryStatus {
    /// Most bytes of all records; `usize::MAX` without a budget.
    pub budget: usize,
    /// The estimated bytes of all records.
    pub used: MemoryUse,
    /// Entries that were dropped because the budget was full.
    pub dropped: u64,
    /// Their bytes.
    pub dropped_bytes: u64,
    /// Requests that were refused because the budget was full.
    pub refused: u64,
}

impl MemoryStatus {
    /// Returns whether users can sign in: what they add fits into the budget.
    pub const fn admits_sign_ins(&self) -> bool {
        self.used.accounts.saturating_add(MAX_REQUEST_GROWTH) <= Growth::SignIn.limit(self.budget)
    }

    /// Returns whether users can sign up.
    pub const fn admits_sign_ups(&self) -> bool {
        self.used.accounts.saturating_add(MAX_REQUEST_GROWTH) <= Growth::ByUser.limit(self.budget)
    }

    /// Returns a budget with which users can sign up.
    pub const fn sufficient_budget(&self) -> usize {
        self.used.accounts.saturating_add(2 * MAX_REQUEST_GROWTH) / 5 * 8
    }
}

/// The counts of an account's memory.
#[derive(Debug, Default)]
pub(super) struct MemoryCounts {
    /// Bytes of the settings of each pool, and of each of its app clients.
    records: BTreeMap<(PoolId, Option<ClientId>), usize>,
    /// The sum of `records`.
    record_bytes: usize,
    /// Pools and app clients that have changed since they were counted.
    changed: Vec<(PoolId, Option<ClientId>)>,
    /// The stored data of each pool.
    pools: BTreeMap<PoolId, MemoryUse>,
    /// The sum of `pools`.
    pools_total: MemoryUse,
    /// Pools whose records can have changed since they were counted.
    stale: Vec<PoolId>,
    dropped: u64,
    dropped_bytes: u64,
    refused: u64,
}

impl MemoryCounts {
    /// Notes that a pool or an app client was created, changed or removed.
    pub(super) fn mark_changed(&mut self, pool_id: &PoolId, client_id: Option<&ClientId>) {
        self.changed.push((pool_id.clone(), client_id.cloned()));
        self.mark_stale(pool_id);
    }

    /// Notes that the users, groups or sign-ins of a pool can have changed.
    pub(super) fn mark_stale(&mut self, pool_id: &PoolId) {
        if self.stale.last() != Some(pool_id) {
            self.stale.push(pool_id.clone());
        }
    }

    fn set_pool(&mut self, pool_id: PoolId, counted: Option<MemoryUse>) {
        let before = match counted {
            Some(counted) => self.pools.insert(pool_id, counted),
            None => self.pools.remove(&pool_id),
        };
        let (before, counted) = (before.unwrap_or_default(), counted.unwrap_or_default());
        let MemoryUse { accounts, sign_ins } = self.pools_total + counted;
        self.pools_total =
            MemoryUse { accounts: accounts - before.accounts, sign_ins: sign_ins - before.sign_ins };
    }

    fn set(&mut self, key: (PoolId, Option<ClientId>), bytes: Option<usize>) {
        self.record_bytes += bytes.unwrap_or_default();
        let before = match bytes {
            Some(bytes) => self.records.insert(key, bytes),
            None => self.records.remove(&key),
        };
        self.record_bytes -= before.unwrap_or_default();
    }
}

/// The kind of data that a request adds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Growth {
    /// Nothing.
    None,
    /// Codes, tokens, devices and events, whose number is limited for each user.
    SignIn,
    /// New texts in the settings of a pool or an app client, whose length has a limit of its own.
    Settings,
    /// Records of an administrator, with texts of the request.
    ByAdministrator,
    /// Records of a user, with texts of the request. Everybody can sign up.
    ByUser,
}

impl Growth {
    const fn of(operation: &Operation) -> Self {
        match operation {
            Operation::Pool(Request::ConfirmDevice(_) | Request::VerifySoftwareToken(_))
            | Operation::Account(
                AccountRequest::SignUp(_)
                | AccountRequest::VerifySoftwareToken(_)
                | AccountRequest::Profile(ProfileRequest::UpdateUserAttributes(_)),
            ) => Self::ByUser,
            Operation::Account(
                AccountRequest::AdminCreateUser(_)
                | AccountRequest::Group(
                    GroupRequest::CreateGroup(_)
                    | GroupRequest::UpdateGroup(_)
                    | GroupRequest::AdminAddUserToGroup(_),
                )
                | AccountRequest::Profile(ProfileRequest::AdminUpdateUserAttributes(_)),
            )
            | Operation::Management(
                ManagementRequest::CreateUserPool(_) | ManagementRequest::CreateUserPoolClient(_),
            ) => Self::ByAdministrator,
            Operation::Management(
                ManagementRequest::UpdateUserPool(_)
                | ManagementRequest::SetUserPoolMfaConfig(_)
                | ManagementRequest::SetRiskConfiguration(_)
                | ManagementRequest::UpdateUserPoolClient(_)
                | ManagementRequest::TagResource(_),
            ) => Self::Settings,
            Operation::Pool(
                Request::InitiateAuth(_)
                | Request::RespondToAuthChallenge(_)
                | Request::GetTokensFromRefreshToken(_)
                | Request::RevokeToken(_),
            )
            | Operation::Account(
                AccountRequest::AdminInitiateAuth(_)
                | AccountRequest::AdminRespondToAuthChallenge(_)
                | AccountRequest::Profile(
                    ProfileRequest::ForgotPassword(_)
                    | ProfileRequest::AdminResetUserPassword(_)
                    | ProfileRequest::ResendConfirmationCode(_)
                    | ProfileRequest::GetUserAttributeVerificationCode(_),
                ),
            ) => Self::SignIn,
            _ => Self::None,
        }
    }

    /// Returns how much of the budget users, pools and app clients can use after the request.
    const fn limit(self, budget: usize) -> usize {
        match self {
            Self::None | Self::SignIn | Self::Settings => budget,
            Self::ByAdministrator => budget / 4 * 3,
            Self::ByUser => budget / 8 * 5,
        }
    }
}

impl Provider {
    /// Returns the memory that the account uses, and its budget.
    pub fn memory_status(&mut self) -> MemoryStatus {
        let used = self.memory_use();
        let MemoryCounts { dropped, dropped_bytes, refused, .. } = self.memory;
        MemoryStatus { budget: self.config.limits.memory, used, dropped, dropped_bytes, refused }
    }

    fn memory_use(&mut self) -> MemoryUse {
        self.count_records();
        MemoryUse { accounts: self.memory.record_bytes, sign_ins: 0 } + self.memory.pools_total
    }

    /// Returns the same, but counts all records anew. Tests compare both.
    pub fn recounted_memory_use(&self) -> MemoryUse {
        let mut total = MemoryUse::default();
        for (pool_id, hosted) in &self.pools {
            let clients = hosted.clients.values().filter_map(client_bytes);
            let accounts = hosted.record_bytes(pool_id).into_iter().chain(clients).sum();
            total = total + MemoryUse { accounts, sign_ins: 0 } + hosted.pool.recounted_memory_use();
        }
        total
    }

    /// Returns a pool to change it.
    pub(super) fn hosted_pool_mut(&mut self, pool_id: &PoolId) -> Option<&mut HostedPool> {
        let hosted = self.pools.get_mut(pool_id)?;
        self.memory.mark_stale(pool_id);
        Some(hosted)
    }

    /// Removes the expired entries of all pools.
    pub(super) fn remove_expired(&mut self, now: Timestamp) {
        for (pool_id, hosted) in &mut self.pools {
            hosted.pool.remove_expired(now);
            self.memory.mark_stale(pool_id);
        }
    }

    /// Returns the pool with the most of something, to remove from it.
    pub(super) fn fullest_pool(&mut self, most: impl Fn(&Pool) -> usize) -> Option<&mut Pool> {
        let (pool_id, hosted) = self.pools.iter_mut().max_by_key(|(_, hosted)| most(&hosted.pool))?;
        self.memory.mark_stale(pool_id);
        Some(&mut hosted.pool)
    }

    /// Counts what has changed.
    fn count_records(&mut self) {
        for pool_id in std::mem::take(&mut self.memory.stale) {
            let counted = self.pools.get_mut(&pool_id).map(|hosted| hosted.pool.memory_use());
            self.memory.set_pool(pool_id, counted);
        }
        for key in std::mem::take(&mut self.memory.changed) {
            let Some(hosted) = self.pools.get(&key.0) else {
                let removed = self.memory.records.range((key.0.clone(), None)..);
                let removed: Vec<_> = removed
                    .map(|(key, _)| key.clone())
                    .take_while(|(pool_id, _)| *pool_id == key.0)
                    .collect();
                removed.into_iter().for_each(|key| self.memory.set(key, None));
                continue;
            };
            let bytes = match &key.1 {
                None => hosted.record_bytes(&key.0),
                Some(client_id) => hosted.clients.get(client_id).and_then(client_bytes),
            };
            self.memory.set(key, bytes);
        }
    }

    /// Refuses a request that adds to users, pools or app clients if the budget has no room for them.
    pub(super) fn check_memory(&mut self, operation: &Operation) -> Result<(), ApiError> {
        match Growth::of(operation) {
            Growth::None => Ok(()),
            growth => self.check_room(growth),
        }
    }

    /// Refuses another user if the budget has no room for it.
    pub(super) fn check_room_for_user(&mut self, signs_up: bool) -> Result<(), ApiError> {
        self.check_room(if signs_up { Growth::ByUser } else { Growth::ByAdministrator })
    }

    fn check_room(&mut self, growth: Growth) -> Result<(), ApiError> {
        let budget = self.config.limits.memory;
        if budget == usize::MAX {
            return Ok(());
        }
        let (used, limit) = (self.memory_use().accounts, growth.limit(budget));
        if used.saturating_add(MAX_REQUEST_GROWTH) <= limit {
            return Ok(());
        }
        self.memory.refused += 1;
        let room = if limit < budget { format!("can use {limit}") } else { format!("use {used}") };
        Err(ApiError::new(
            ErrorKind::LimitExceeded,
            format!(
                "You have exceeded the memory budget: users, pools and app clients {room} of {budget} bytes \
                 (--memory)."
            ),
        ))
    }

    /// Drops entries while the budget is exceeded: the expired ones, then always the oldest of the pool whose
    /// sign-ins use the most memory.
    pub(super) fn enforce_memory(&mut self, now: Timestamp) {
        self.count_records();
        let budget = self.config.limits.memory;
        if budget == usize::MAX || self.memory_use().total() <= budget {
            return;
        }
        self.remove_expired(now);
        let mut total = self.memory_use().total();
        while total > budget {
            if !self.fullest_pool(Pool::droppable_bytes).is_some_and(Pool::drop_oldest) {
                break;
            }
            let left = self.memory_use().total();
            self.memory.dropped += 1;
            self.memory.dropped_bytes += u64::try_from(total.saturating_sub(left)).unwrap_or_default();
            total = left;
        }
    }
}

impl HostedPool {
    /// Returns the estimated bytes of the settings. The pool has them twice: as requested and as read.
    fn record_bytes(&self, pool_id: &PoolId) -> Option<usize> {
        let json = serde_json::to_string(&self.record(pool_id)).ok()?;
        Some(2 * json.len() + POOL_BYTES)
    }
}

/// Returns the estimated bytes of an app client, which the pool has twice too.
fn client_bytes(record: &ClientRecord) -> Option<usize> {
    let json = serde_json::to_string(record).ok()?;
    Some(2 * json.len() + map_entry::<ClientId, ClientRecord>() * 2)
}
