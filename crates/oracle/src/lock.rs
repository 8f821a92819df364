//! The judge's own book on lock-outs (SEMANTICS d), kept from outside the pool.
//!
//! From outside, a moment is known only to lie between sending a request and hearing the answer. So the book keeps
//! both ends, and says [`Lock::Edge`] where they disagree.

use std::time::Duration;

use super::facts::Lock;
use poolproof_cognito::time::Timestamp;

/// From this failure on, the user is locked out.
const FIRST_LOCKING_FAILURE: u32 = 5;
/// The longest lock-out, and the quiet time after which failures are forgotten.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Between which moments something happened at the pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Between {
    /// When the request was sent.
    pub sent: Timestamp,
    /// When the answer was heard.
    pub heard: Timestamp,
}

/// The failures of one user, as far as an outsider can know.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LockBook {
    /// Failures that surely count, and failures that may count.
    failures: (u32, u32),
    /// When the last attempt was.
    last: Option<Between>,
    /// When the last failure that counted was.
    failed: Option<Between>,
}

impl LockBook {
    /// Whether the user is locked out for a request that reaches the pool at `when`.
    pub fn standing(&self, when: Between) -> Lock {
        let failures = self.failures_at(when);
        let Some(failed) = self.failed else { return Lock::Open };
        let surely = failures.0 >= FIRST_LOCKING_FAILURE && when.heard < failed.sent.plus(length(failures.0));
        let maybe = failures.1 >= FIRST_LOCKING_FAILURE && when.sent < failed.heard.plus(length(failures.1));
        match (surely, maybe) {
            (true, _) => Lock::Locked,
            (false, true) => Lock::Edge,
            (false, false) => Lock::Open,
        }
    }

    /// Notes an attempt that the pool refused because of the lock-out; it does not count.
    pub fn refused_by_lock(&mut self, when: Between) {
        self.failures = self.failures_at(when);
        self.last = Some(when);
    }

    /// Notes a failure that counts.
    pub fn failed(&mut self, when: Between) {
        let (sure, maybe) = self.failures_at(when);
        self.failures = (sure.saturating_add(1), maybe.saturating_add(1));
        self.last = Some(when);
        self.failed = Some(when);
    }

    /// Notes an attempt with the right password that has not led to tokens yet.
    pub fn attempted(&mut self, when: Between) {
        self.refused_by_lock(when);
    }

    /// Notes a completed sign-in, which forgets all failures.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// Failures that surely and that may still count at `when`: a quiet quarter of an hour forgets them.
    fn failures_at(&self, when: Between) -> (u32, u32) {
        let Some(last) = self.last else { return self.failures };
        let quiet_at_least = when.sent.since(last.heard);
        let quiet_at_most = when.heard.since(last.sent);
        let (sure, maybe) = self.failures;
        (if quiet_at_most >= LONGEST { 0 } else { sure }, if quiet_at_least >= LONGEST { 0 } else { maybe })
    }
}

/// How long the failure with this number locks out.
fn length(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(FIRST_LOCKING_FAILURE).min(30);
    Duration::from_secs(1 << doublings).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Between {
        let moment = Timestamp::from_us(seconds * 1_000_000);
        Between { sent: moment, heard: moment.plus(Duration::from_millis(10)) }
    }

    #[test]
    fn the_fifth_failure_locks_for_a_second_and_each_further_one_doubles_it() {
        let mut book = LockBook::default();
        for second in 0..4 {
            book.failed(at(second));
            assert_eq!(book.standing(at(second)), Lock::Open);
        }
        book.failed(at(10));
        assert_eq!(book.standing(at(10)), Lock::Locked);
        assert_eq!(book.standing(at(11)), Lock::Edge);
        assert_eq!(book.standing(at(12)), Lock::Open);
        book.failed(at(12));
        assert_eq!(book.standing(at(13)), Lock::Locked);
        assert_eq!(book.standing(at(15)), Lock::Open);
        book.succeeded();
        assert_eq!(book, LockBook::default());
    }

    #[test]
    fn a_quiet_quarter_of_an_hour_forgets() {
        let mut book = LockBook::default();
        for _ in 0..20 {
            book.failed(at(0));
        }
        assert_eq!(book.standing(at(899)), Lock::Locked);
        assert_eq!(book.standing(at(901)), Lock::Open);
        book.failed(at(901));
        assert_eq!(book.failures, (1, 1));
    }
}
