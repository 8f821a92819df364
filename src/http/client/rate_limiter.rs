//! The rate limit of an endpoint.

use std::cell::Cell;
use std::time::Duration;

use crate::clock::Clock;
use poolproof_cognito::time::Timestamp;

/// Grants turns at a limited rate, in the order of the requests.
#[derive(Debug)]
pub(super) struct RateLimiter {
    clock: Clock,
    /// Time between two turns.
    interval: Option<Duration>,
    next: Cell<Timestamp>,
}

impl RateLimiter {
    pub(super) fn new(clock: Clock, per_second: Option<u32>) -> Self {
        let interval = per_second.map(|rate| Duration::from_secs(1) / rate.max(1));
        Self { clock, interval, next: Cell::new(Timestamp::default()) }
    }

    /// Waits for the next turn.
    pub(super) async fn acquire(&self) {
        let Some(interval) = self.interval else { return };
        let scheduled = self.next.get().max(self.clock.now());
        self.next.set(scheduled.plus(interval));
        self.clock.sleep_until(scheduled).await;
    }
}
