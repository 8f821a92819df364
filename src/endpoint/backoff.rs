//! Backoff after throttling.

use std::time::Duration;

use rand::RngExt as _;

use poolproof_cognito::seed::Rng;

/// Upper bound of the first wait.
const FIRST: Duration = Duration::from_millis(100);
/// Upper bound of every wait.
const LONGEST: Duration = Duration::from_secs(20);

/// Waits between tries, drawn from zero to a bound that doubles with every try (full jitter, as in the AWS
/// SDKs).
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self(FIRST)
    }

    /// Returns the next wait. If the endpoint asks for one, the wait is that long, up to the bound of every
    /// wait, and the drawn time longer.
    pub(crate) fn wait(&mut self, rng: &mut Rng, retry_after: Option<Duration>) -> Duration {
        self.draw(rng) + retry_after.unwrap_or_default().min(LONGEST)
    }

    /// Returns the next wait.
    fn draw(&mut self, rng: &mut Rng) -> Duration {
        let wait = rng.random_range(Duration::ZERO..=self.0);
        self.0 = (self.0 * 2).min(LONGEST);
        wait
    }
}
