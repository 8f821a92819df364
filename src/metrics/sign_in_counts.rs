//! Sign-ins by result, and arrivals without a result.

use serde::{Deserialize, Serialize};

use super::SignInStatus;

/// Sign-ins by result. `started` is always the sum of the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SignInCounts {
    /// All.
    pub started: u64,
    /// Ended with tokens.
    pub completed: u64,
    /// Ended with a refusal.
    pub refused: u64,
    /// Abandoned by the user.
    pub abandoned: u64,
    /// Got no response.
    pub transport_failed: u64,
}

impl SignInCounts {
    /// Returns the decided ones: completed and refused.
    pub const fn answered(&self) -> u64 {
        self.completed + self.refused
    }

    /// Returns the undecided ones: abandoned and transport failures.
    pub const fn failed(&self) -> u64 {
        self.abandoned + self.transport_failed
    }

    /// Returns whether every sign-in has one result.
    pub const fn is_consistent(&self) -> bool {
        self.started == self.answered() + self.failed()
    }

    pub(super) const fn count(&mut self, end: SignInStatus) {
        self.started += 1;
        match end {
            SignInStatus::Completed => self.completed += 1,
            SignInStatus::Refused => self.refused += 1,
            SignInStatus::Abandoned => self.abandoned += 1,
            SignInStatus::TransportFailed => self.transport_failed += 1,
        }
    }

    pub(super) const fn add(&mut self, other: &Self) {
        self.started += other.started;
        self.completed += other.completed;
        self.refused += other.refused;
        self.abandoned += other.abandoned;
        self.transport_failed += other.transport_failed;
    }

    pub(super) const fn subtract(&mut self, other: &Self) {
        self.started -= other.started;
        self.completed -= other.completed;
        self.refused -= other.refused;
        self.abandoned -= other.abandoned;
        self.transport_failed -= other.transport_failed;
    }
}

/// Arrivals without a result, which are not in [`SignInCounts`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct UnresolvedCounts {
    /// They could not start because no user was idle.
    pub dropped: u64,
    /// They were in flight or waiting when the run was canceled.
    pub unfinished: u64,
}

impl UnresolvedCounts {
    /// Returns the sum.
    pub const fn count(&self) -> u64 {
        self.dropped + self.unfinished
    }

    pub(super) const fn add(&mut self, other: &Self) {
        self.dropped += other.dropped;
        self.unfinished += other.unfinished;
    }
}
