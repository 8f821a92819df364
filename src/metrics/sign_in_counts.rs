//! Sign-ins counted by how they ended, and those that have no end.

use super::SignInStatus;

/// Sign-ins by how they ended. `started` is always the sum of the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SignInCounts {
    /// All.
    pub started: u64,
    /// Ended with tokens.
    pub completed: u64,
    /// Ended with a refusal.
    pub refused: u64,
    /// Given up by the user.
    pub abandoned: u64,
    /// Got no answer.
    pub transport_failed: u64,
}

impl SignInCounts {
    /// Those that the pool decided: completed and refused.
    pub const fn answered(&self) -> u64 {
        self.completed + self.refused
    }

    /// Those that it did not: abandoned and transport failures.
    pub const fn failed(&self) -> u64 {
        self.abandoned + self.transport_failed
    }

    /// Whether every sign-in ended in exactly one way.
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

/// Sign-ins that were due and have no end: none of [`SignInCounts`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UnresolvedCounts {
    /// They could not start, since nobody was free.
    pub dropped: u64,
    /// They were under way, or waited for somebody, when the run was cut short.
    pub unfinished: u64,
}

impl UnresolvedCounts {
    /// All.
    pub const fn count(&self) -> u64 {
        self.dropped + self.unfinished
    }

    pub(super) const fn add(&mut self, other: &Self) {
        self.dropped += other.dropped;
        self.unfinished += other.unfinished;
    }
}
