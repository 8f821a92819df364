//! Sign-ins counted by how they ended, and those that have no end.

use super::End;

/// Sign-ins by how they ended. `started` is always the sum of the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SignIns {
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

impl SignIns {
    /// Those that the pool decided: completed and refused.
    pub const fn answered(&self) -> u64 {
        self.completed + self.refused
    }

    /// Those that it did not: abandoned and transport failures.
    pub const fn failed(&self) -> u64 {
        self.abandoned + self.transport_failed
    }

    /// Whether every sign-in ended in exactly one way.
    pub const fn add_up(&self) -> bool {
        self.started == self.answered() + self.failed()
    }

    pub(super) const fn count(&mut self, end: End) {
        self.started += 1;
        match end {
            End::Completed => self.completed += 1,
            End::Refused => self.refused += 1,
            End::Abandoned => self.abandoned += 1,
            End::TransportFailed => self.transport_failed += 1,
        }
    }

    pub(super) const fn add(&mut self, other: &Self) {
        self.started += other.started;
        self.completed += other.completed;
        self.refused += other.refused;
        self.abandoned += other.abandoned;
        self.transport_failed += other.transport_failed;
    }

    pub(super) const fn take_out(&mut self, other: &Self) {
        self.started -= other.started;
        self.completed -= other.completed;
        self.refused -= other.refused;
        self.abandoned -= other.abandoned;
        self.transport_failed -= other.transport_failed;
    }
}

/// Sign-ins that were due and have no end: none of [`SignIns`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Unended {
    /// They could not start, since nobody was free.
    pub missed: u64,
    /// They were under way, or waited for somebody, when the run was cut short.
    pub cut_off: u64,
}

impl Unended {
    /// All.
    pub const fn count(&self) -> u64 {
        self.missed + self.cut_off
    }

    pub(super) const fn add(&mut self, other: &Self) {
        self.missed += other.missed;
        self.cut_off += other.cut_off;
    }
}
