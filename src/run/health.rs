//! Whether the generator kept up: numbers that it spoiled itself must not be believed.

use std::time::Duration;

use crate::clock::{ClockKind, as_us};
use crate::compute::Usage;
use crate::metrics::Summary;

/// Of 100 sign-ins, 99 must start within this time of their intended start.
const LATEST_START: Duration = Duration::from_millis(50);
/// Of 100 of the clients' computations, 99 must find a worker within this time.
const LONGEST_WAIT: Duration = Duration::from_millis(250);
/// Of the sign-ins asked for, this share must have started without waiting for a user.
const LEAST_AT_ONCE: f64 = 0.99;

/// Why this run's numbers cannot be trusted, if they cannot. `waited` sign-ins found no suitable user free at once.
pub(super) fn saturated(
    clock: ClockKind,
    summary: &Summary<'_>,
    client: &Usage,
    waited: u64,
) -> Option<String> {
    let missed = summary.missed();
    let asked = summary.sign_ins().started + missed;
    let kept_up = ((asked - missed).saturating_sub(waited)) as f64 >= LEAST_AT_ONCE * asked as f64;
    if !kept_up {
        return Some(format!(
            "The generator ran out of users: of {asked} sign-ins, {waited} had to wait until a suitable user was free \
             and {missed} could not start at all. Raise population.users or lower the rate."
        ));
    }
    if clock == ClockKind::Virtual {
        // Where time stands still while there is work to do, only people are ever late.
        return None;
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
