//! Counts of the entries that a pool stores.

use super::Pool;

/// Numbers of entries that a pool stores. Under steady load none of them grows once challenges have begun to
/// expire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EntryCounts {
    /// `PASSWORD_VERIFIER` challenges that can be answered.
    pub challenges: usize,
    /// Sessions, including answered ones.
    pub sessions: usize,
    /// Sessions that can be found by other values that clients send.
    pub handles: usize,
    /// Challenges and sessions that have not expired.
    pub expiry_queue: usize,
    /// Unused codes and undelivered messages.
    pub codes: usize,
    /// Unknown user names whose failures are stored.
    pub unknown_users: usize,
    /// Devices of all users, confirmed or not.
    pub devices: usize,
    /// Revoked refresh tokens that have not expired.
    pub revoked: usize,
    /// Sign-ins with rotated refresh tokens that have not expired.
    pub rotated: usize,
    /// Recorded sign-ins of all users.
    pub events: usize,
    /// Groups.
    pub groups: usize,
    /// Memberships of users in groups.
    pub memberships: usize,
    /// Codes of users for a new password and for addresses.
    pub user_codes: usize,
}

impl Pool {
    /// Returns the numbers of stored entries other than users.
    pub fn entry_counts(&self) -> EntryCounts {
        let accounts = || self.directory.from(0).map(|(_, account)| account);
        EntryCounts {
            devices: accounts().map(|account| account.devices.len()).sum(),
            revoked: accounts().map(|account| account.revoked.len()).sum(),
            rotated: accounts().map(|account| account.rotated.len()).sum(),
            events: accounts().map(|account| account.events.len()).sum(),
            groups: self.groups.count(),
            memberships: accounts().map(|account| account.groups.len()).sum(),
            user_codes: accounts().map(|account| account.codes.count()).sum(),
            ..self.session_store.entry_counts()
        }
    }
}
