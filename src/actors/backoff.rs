//! How long whoever was told that it is too much waits before asking again.

use std::time::Duration;

use rand::RngExt as _;

use poolproof_cognito::seed::Rng;

/// The first wait, at most.
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(20);

/// Waits between tries, each drawn from zero to a bound that doubles from try to try (the SDKs' full jitter).
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    pub(super) const fn new() -> Self {
        Self(FIRST)
    }

    /// The next wait.
    pub(super) fn draw(&mut self, rng: &mut Rng) -> Duration {
        let wait = rng.random_range(Duration::ZERO..=self.0);
        self.0 = (self.0 * 2).min(LONGEST);
        wait
    }
}
