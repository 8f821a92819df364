//! The oracle's own account of lockouts, see rule `locked-out` in docs/semantics.md.
//!
//! A client knows only that the pool handled a request between sending it and receiving the answer. The
//! tracker therefore counts with both ends of that interval. Where they disagree, the state is
//! [`LockoutState::Uncertain`].

use std::time::Duration;

use super::facts::LockoutState;
use poolproof_cognito::time::Timestamp;

/// From this failure on, a failure locks the user out.
const FIRST_LOCKING_FAILURE: u32 = 5;
/// The longest lockout, and the time without attempts after which failures no longer count.
const MAX_LOCKOUT: Duration = Duration::from_secs(15 * 60);

/// The interval in which the pool handled a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestInterval {
    /// When the client sent the request.
    pub sent: Timestamp,
    /// When the client received the answer.
    pub answered: Timestamp,
}

/// Tracks the failures of one user as far as the client can know them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LockoutTracker {
    /// How many failures count at least, and at most.
    failures: (u32, u32),
    /// When the pool handled the last attempt.
    last_attempt: Option<RequestInterval>,
    /// When the pool handled the last failure that counts.
    last_failure: Option<RequestInterval>,
}

impl LockoutTracker {
    /// Returns whether the user is locked out for a request that the pool handles during `when`.
    pub fn status(&self, when: RequestInterval) -> LockoutState {
        let Some(failed) = self.last_failure else { return LockoutState::Unlocked };
        let (least, most) = self.failures_at(when);
        let surely =
            least >= FIRST_LOCKING_FAILURE && when.answered < failed.sent.plus(lockout_duration(least));
        let maybe = most >= FIRST_LOCKING_FAILURE && when.sent < failed.answered.plus(lockout_duration(most));
        match (surely, maybe) {
            (true, _) => LockoutState::Locked,
            (false, true) => LockoutState::Uncertain,
            (false, false) => LockoutState::Unlocked,
        }
    }

    /// Records an attempt that the pool refused because of the lockout. It does not count as a failure.
    pub fn record_refused(&mut self, when: RequestInterval) {
        self.record_attempt(when);
    }

    /// Records a failure that counts.
    pub fn failed(&mut self, when: RequestInterval) {
        self.record_attempt(when);
        let (least, most) = self.failures;
        self.failures = (least.saturating_add(1), most.saturating_add(1));
        self.last_failure = Some(when);
    }

    /// Records an attempt with the right password that has not led to tokens yet.
    pub fn record_attempt(&mut self, when: RequestInterval) {
        self.failures = self.failures_at(when);
        self.last_attempt = Some(when);
    }

    /// Records a completed sign-in, which clears all failures.
    pub fn record_success(&mut self) {
        *self = Self::default();
    }

    /// Returns how many failures count at `when`, at least and at most.
    fn failures_at(&self, when: RequestInterval) -> (u32, u32) {
        let Some(last) = self.last_attempt else { return self.failures };
        let quiet_at_least = when.sent.since(last.answered);
        let quiet_at_most = when.answered.since(last.sent);
        let (least, most) = self.failures;
        (
            if quiet_at_most >= MAX_LOCKOUT { 0 } else { least },
            if quiet_at_least >= MAX_LOCKOUT { 0 } else { most },
        )
    }
}

/// Returns how long the failure with this number (from 1) locks the user out.
fn lockout_duration(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(FIRST_LOCKING_FAILURE).min(30);
    Duration::from_secs(1 << doublings).min(MAX_LOCKOUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> RequestInterval {
        let moment = Timestamp::from_us(seconds * 1_000_000);
        RequestInterval { sent: moment, answered: moment.plus(Duration::from_millis(10)) }
    }

    #[test]
    fn fifth_failure_locks_for_1_s_and_each_further_failure_doubles_the_time() {
        let mut tracker = LockoutTracker::default();
        for second in 0..4 {
            tracker.failed(at(second));
            assert_eq!(tracker.status(at(second)), LockoutState::Unlocked);
        }
        tracker.failed(at(10));
        assert_eq!(tracker.status(at(10)), LockoutState::Locked);
        assert_eq!(tracker.status(at(11)), LockoutState::Uncertain);
        assert_eq!(tracker.status(at(12)), LockoutState::Unlocked);
        tracker.failed(at(12));
        assert_eq!(tracker.status(at(13)), LockoutState::Locked);
        assert_eq!(tracker.status(at(15)), LockoutState::Unlocked);
        tracker.record_success();
        assert_eq!(tracker, LockoutTracker::default());
    }

    #[test]
    fn failures_expire_after_15_minutes_without_attempts() {
        let mut tracker = LockoutTracker::default();
        for _ in 0..20 {
            tracker.failed(at(0));
        }
        assert_eq!(tracker.status(at(899)), LockoutState::Locked);
        assert_eq!(tracker.status(at(901)), LockoutState::Unlocked);
        tracker.failed(at(901));
        assert_eq!(tracker.failures, (1, 1));
    }
}
