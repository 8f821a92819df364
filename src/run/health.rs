//! Whether the generator kept up: numbers that it spoiled itself must not be believed.

use std::time::Duration;

use crate::clock::as_us;
use crate::compute::Usage;
use crate::metrics::Summary;

/// Of 100 sign-ins, 99 must start within this time of their intended start.
const LATEST_START: Duration = Duration::from_millis(50);
/// Of 100 of the clients' computations, 99 must find a worker within this time.
const LONGEST_WAIT: Duration = Duration::from_millis(250);
/// Of the sign-ins asked for, this share must have been started.
const LEAST_STARTED: f64 = 0.99;

/// Why this run's numbers cannot be trusted, if they cannot.
pub(super) fn saturated(summary: &Summary<'_>, client: &Usage, missed: u64) -> Option<String> {
    let started = summary.sign_ins().started;
    let asked = started + missed;
    if missed > 0 && (started as f64) < LEAST_STARTED * asked as f64 {
        return Some(format!(
            "The generator ran out of users: {missed} of {asked} sign-ins found nobody free. \
             Raise population.users or lower the rate."
        ));
    }
    let lag = summary.lag().quantile_us(0.99).unwrap_or_default();
    if lag > as_us(LATEST_START) {
        return Some(format!(
            "The generator could not keep its own times: 1 of 100 sign-ins started more than {} ms late. \
             Lower the rate or give it more cores.",
            lag / 1000
        ));
    }
    let waited = client.waited_us.value_at_quantile(0.99);
    if waited > as_us(LONGEST_WAIT) {
        return Some(format!(
            "The generator could not keep up: 1 of 100 of the clients' own computations waited more than {} ms \
             for a core, so that the latencies tell of the generator and not of the pool. Lower the rate or give \
             it more cores.",
            waited / 1000
        ));
    }
    None
}
