//! Lockout after repeated failures (docs/semantics.md, SEMANTICS d): 2^(n−5) seconds from the fifth failure
//! on, at most 15 minutes.

use std::time::Duration;

use poolproof_cognito::time::Timestamp;

/// Longest lockout. After the same time without attempts, all failures are reset.
const MAX_LOCKOUT: Duration = Duration::from_secs(900);

/// A user's failed attempts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Failures {
    pub(super) count: u32,
    pub(super) locked_until: Timestamp,
    pub(super) last_attempt: Timestamp,
}

/// The key of an unknown user's failures.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct FailureKey(pub(super) [u8; 16]);

impl Failures {
    /// Records an attempt. Returns false if the user is locked out; then the attempt is not evaluated and
    /// does not count.
    pub(super) fn record_attempt(&mut self, now: Timestamp) -> bool {
        if now.since(self.last_attempt) >= MAX_LOCKOUT {
            self.count = 0;
        }
        // A clock that steps back must not shorten a lockout.
        self.last_attempt = self.last_attempt.max(now);
        !self.is_locked(now)
    }

    /// Returns whether the user is locked out, for an attempt that was admitted before.
    pub(super) fn is_locked(&self, now: Timestamp) -> bool {
        now < self.locked_until
    }

    /// Records that the attempt failed. The failure with number `first_locking_failure` is the first that
    /// locks.
    pub(super) fn record_failure(&mut self, now: Timestamp, first_locking_failure: u32) {
        self.count = self.count.saturating_add(1);
        if self.count >= first_locking_failure {
            let doublings = (self.count - first_locking_failure).min(16);
            self.locked_until = now.plus(Duration::from_secs(1 << doublings).min(MAX_LOCKOUT));
        }
    }

    /// Returns the number of failures that count.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// Resets the failures after a completed sign-in.
    pub(super) const fn reset(&mut self) {
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(seconds: u64) -> Timestamp {
        Timestamp::from_us(seconds * 1_000_000)
    }

    #[test]
    fn lockout_times_match_cognito() {
        let mut failures = Failures::default();
        let mut now = second(10_000);
        let mut waits = Vec::new();
        for _ in 0..15 {
            assert!(failures.record_attempt(now));
            failures.record_failure(now, 5);
            waits.push(failures.locked_until.since(now).as_secs());
            now = now.max(failures.locked_until);
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]);
    }

    #[test]
    fn attempts_while_locked_do_not_count_and_a_clock_that_steps_back_unlocks_no_user() {
        let mut failures = Failures::default();
        for _ in 0..5 {
            assert!(failures.record_attempt(second(1000)));
            failures.record_failure(second(1000), 5);
        }
        assert!(!failures.record_attempt(second(1000)));
        assert!(!failures.record_attempt(second(5)));
        assert!(failures.record_attempt(second(1001)));
        assert_eq!(failures.count, 5);
    }

    #[test]
    fn failures_expire_after_exactly_15_minutes_without_attempts() {
        let mut failures = Failures::default();
        for _ in 0..4 {
            failures.record_attempt(second(0));
            failures.record_failure(second(0), 5);
        }
        failures.record_attempt(second(899));
        assert_eq!(failures.count, 4);
        failures.record_attempt(second(899 + 900));
        assert_eq!(failures.count, 0);
    }
}
