//! The judge's own book on lock-outs (SEMANTICS d), kept from outside the pool.
//!
//! From outside, a moment is known only to lie between sending a request and hearing the answer. So the book keeps
//! both ends, and says [`LockoutState::Uncertain`] where they disagree.

use std::time::Duration;

use super::facts::LockoutState;
use poolproof_cognito::time::Timestamp;

/// From this failure on, the user is locked out.
const FIRST_LOCKING_FAILURE: u32 = 5;
/// The longest lock-out, and the quiet time after which failures are forgotten.
const MAX_LOCKOUT: Duration = Duration::from_secs(15 * 60);

/// Between which moments something happened at the pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestInterval {
    /// When the request was sent.
    pub sent: Timestamp,
    /// When the answer was heard.
    pub answered: Timestamp,
}

/// The failures of one user, as far as an outsider can know.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LockoutTracker {
    /// Failures that surely count, and failures that may count.
    failures: (u32, u32),
    /// When the last attempt was.
    last: Option<RequestInterval>,
    /// When the last failure that counted was.
    failed: Option<RequestInterval>,
}

impl LockoutTracker {
    /// Whether the user is locked out for a request that reaches the pool at `when`.
    pub fn status(&self, when: RequestInterval) -> LockoutState {
        let failures = self.failures_at(when);
        let Some(failed) = self.failed else { return LockoutState::Unlocked };
        let surely = failures.0 >= FIRST_LOCKING_FAILURE
            && when.answered < failed.sent.plus(lockout_duration(failures.0));
        let maybe = failures.1 >= FIRST_LOCKING_FAILURE
            && when.sent < failed.answered.plus(lockout_duration(failures.1));
        match (surely, maybe) {
            (true, _) => LockoutState::Locked,
            (false, true) => LockoutState::Uncertain,
            (false, false) => LockoutState::Unlocked,
        }
    }

    /// Notes an attempt that the pool refused because of the lock-out; it does not count.
    pub fn record_refused(&mut self, when: RequestInterval) {
        self.failures = self.failures_at(when);
        self.last = Some(when);
    }

    /// Notes a failure that counts.
    pub fn failed(&mut self, when: RequestInterval) {
        let (sure, maybe) = self.failures_at(when);
        self.failures = (sure.saturating_add(1), maybe.saturating_add(1));
        self.last = Some(when);
        self.failed = Some(when);
    }

    /// Notes an attempt with the right password that has not led to tokens yet.
    pub fn record_attempt(&mut self, when: RequestInterval) {
        self.record_refused(when);
    }

    /// Notes a completed sign-in, which forgets all failures.
    pub fn record_success(&mut self) {
        *self = Self::default();
    }

    /// Failures that surely and that may still count at `when`: a quiet quarter of an hour forgets them.
    fn failures_at(&self, when: RequestInterval) -> (u32, u32) {
        let Some(last) = self.last else { return self.failures };
        let quiet_at_least = when.sent.since(last.answered);
        let quiet_at_most = when.answered.since(last.sent);
        let (sure, maybe) = self.failures;
        (
            if quiet_at_most >= MAX_LOCKOUT { 0 } else { sure },
            if quiet_at_least >= MAX_LOCKOUT { 0 } else { maybe },
        )
    }
}

/// How long the failure with this number locks out.
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
    fn the_fifth_failure_locks_for_a_second_and_each_further_one_doubles_it() {
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
    fn a_quiet_quarter_of_an_hour_forgets() {
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
