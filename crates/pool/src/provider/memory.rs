//! The memory budget of an account: what its pools keep, in bytes.
//!
//! Users, pools and app clients cannot be dropped, so requests that add to them are refused at three quarters
//! of the budget. The rest is for sign-ins in progress, of which the oldest are dropped.

use std::collections::BTreeMap;

use super::Provider;
use crate::MemoryUse;
use crate::memory::map_entry;
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

/// The counts of an account's memory.
#[derive(Debug, Default)]
pub(super) struct MemoryCounts {
    /// Bytes of the settings of each pool, and of each of its app clients.
    records: BTreeMap<(PoolId, Option<ClientId>), usize>,
    /// The sum of `records`.
    record_bytes: usize,
    /// Pools and app clients that have changed since they were counted.
    changed: Vec<(PoolId, Option<ClientId>)>,
    dropped: u64,
    dropped_bytes: u64,
    refused: u64,
}

impl MemoryCounts {
    /// Notes that a pool or an app client was created, changed or removed.
    pub(super) fn mark_changed(&mut self, pool_id: &PoolId, client_id: Option<&ClientId>) {
        self.changed.push((pool_id.clone(), client_id.cloned()));
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

/// What a request adds to users, pools and app clients.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Growth {
    /// Nothing.
    None,
    /// Codes, tokens, devices and events, whose number is limited for each user.
    SignIn,
    /// Records with texts of the request.
    Records,
}

impl Growth {
    const fn of(operation: &Operation) -> Self {
        match operation {
            Operation::Pool(Request::ConfirmDevice(_) | Request::VerifySoftwareToken(_))
            | Operation::Account(
                AccountRequest::AdminCreateUser(_)
                | AccountRequest::SignUp(_)
                | AccountRequest::VerifySoftwareToken(_)
                | AccountRequest::Group(
                    GroupRequest::CreateGroup(_)
                    | GroupRequest::UpdateGroup(_)
                    | GroupRequest::AdminAddUserToGroup(_),
                )
                | AccountRequest::Profile(
                    ProfileRequest::UpdateUserAttributes(_) | ProfileRequest::AdminUpdateUserAttributes(_),
                ),
            )
            | Operation::Management(
                ManagementRequest::CreateUserPool(_)
                | ManagementRequest::UpdateUserPool(_)
                | ManagementRequest::SetUserPoolMfaConfig(_)
                | ManagementRequest::SetRiskConfiguration(_)
                | ManagementRequest::CreateUserPoolClient(_)
                | ManagementRequest::UpdateUserPoolClient(_)
                | ManagementRequest::TagResource(_),
            ) => Self::Records,
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
        let pools = self.pools.values_mut().map(|hosted| hosted.pool.memory_use());
        let records = MemoryUse { accounts: self.memory.record_bytes, sign_ins: 0 };
        pools.fold(records, std::ops::Add::add)
    }

    /// Counts the settings of pools and app clients that have changed.
    fn count_records(&mut self) {
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
            // The pool has the settings twice: as requested and as read.
            let json = match &key.1 {
                None => serde_json::to_string(&hosted.record(&key.0)).ok(),
                Some(client_id) => {
                    hosted.clients.get(client_id).and_then(|record| serde_json::to_string(record).ok())
                }
            };
            let fixed =
                if key.1.is_none() { POOL_BYTES } else { map_entry::<ClientId, super::ClientRecord>() * 2 };
            self.memory.set(key, json.map(|json| 2 * json.len() + fixed));
        }
    }

    /// Refuses a request that adds to users, pools or app clients if the budget has no room for them.
    pub(super) fn check_memory(&mut self, operation: &Operation) -> Result<(), ApiError> {
        match Growth::of(operation) {
            Growth::None => Ok(()),
            Growth::SignIn => self.check_room(self.config.limits.memory),
            Growth::Records => self.check_room_for_records(),
        }
    }

    /// Refuses another user, pool or app client if the budget has no room for it.
    pub(super) fn check_room_for_records(&mut self) -> Result<(), ApiError> {
        self.check_room(self.record_limit())
    }

    /// Returns the bytes that users, pools and app clients can use.
    const fn record_limit(&self) -> usize {
        self.config.limits.memory / 4 * 3
    }

    fn check_room(&mut self, limit: usize) -> Result<(), ApiError> {
        let budget = self.config.limits.memory;
        if budget == usize::MAX || self.memory_use().accounts.saturating_add(MAX_REQUEST_GROWTH) <= limit {
            return Ok(());
        }
        self.memory.refused += 1;
        let limit = self.record_limit();
        Err(ApiError::new(
            ErrorKind::LimitExceeded,
            format!(
                "You have exceeded the memory budget: users, pools and app clients can use {limit} of {budget} \
                 bytes (--memory)."
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
        self.pools.values_mut().for_each(|hosted| hosted.pool.remove_expired(now));
        let mut total = self.memory_use().total();
        while total > budget {
            let fullest = self.pools.values_mut().max_by_key(|hosted| hosted.pool.droppable_bytes());
            if !fullest.is_some_and(|hosted| hosted.pool.drop_oldest()) {
                break;
            }
            let left = self.memory_use().total();
            self.memory.dropped += 1;
            self.memory.dropped_bytes += u64::try_from(total.saturating_sub(left)).unwrap_or_default();
            total = left;
        }
    }
}
