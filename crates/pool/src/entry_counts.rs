//! How much a pool keeps.

use super::Pool;

/// How much a pool keeps, in entries. Under steady load none of it grows once challenges have begun to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EntryCounts {
    /// `PASSWORD_VERIFIER` challenges that can be answered.
    pub challenges: usize,
    /// Sessions, those too that were answered.
    pub sessions: usize,
    /// Sessions that can be found by what clients send instead.
    pub handles: usize,
    /// Ends of challenges and sessions that are to come.
    pub expiry_queue: usize,
    /// Codes that were not used yet, and messages that nobody has fetched.
    pub codes: usize,
    /// Names of nobody whose failures are kept.
    pub unknown_users: usize,
    /// Devices of all users, confirmed or not.
    pub devices: usize,
    /// Refresh tokens that were revoked and would be good otherwise.
    pub revoked: usize,
}

impl Pool {
    /// How much it keeps besides its users.
    pub fn entry_counts(&self) -> EntryCounts {
        let accounts = || self.directory.from(0).map(|(_, account)| account);
        EntryCounts {
            devices: accounts().map(|account| account.devices.len()).sum(),
            revoked: accounts().map(|account| account.revoked.len()).sum(),
            ..self.session_store.entry_counts()
        }
    }
}
