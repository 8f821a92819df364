//! The time at which a run starts: shards on several machines begin together.

use std::time::Duration;

use super::{Prepared, RunError};
use crate::clock::Clock;
use poolproof_cognito::time::Timestamp;

/// How late a shard may start, and how far clocks may be apart.
const TOLERANCE: Duration = Duration::from_secs(1);

/// Waits for the start that the options give, if they do.
///
/// # Errors
///
/// The start was missed, or the clock of the target differs by more than a second. What was created at the
/// target is deleted again.
pub(super) async fn wait_for_start(prepared: Prepared<'_>) -> Result<Prepared<'_>, RunError> {
    let Some(start_at) = prepared.inputs.options.start_at else { return Ok(prepared) };
    let offset_us = prepared.session.as_ref().and_then(|session| session.target.clock_offset_us());
    let problem = different_clocks(offset_us).or_else(|| missed(prepared.clock, start_at));
    if let Some(problem) = problem {
        if let Some(session) = prepared.session
            && let Err(left_behind) = session.close().await
        {
            return Err(RunError::Start(format!("{problem}. Not deleted at the target: {left_behind}")));
        }
        return Err(RunError::Start(problem));
    }
    // A canceled run is played and ends at once.
    prepared.inputs.cancel_token.run_until_cancelled(prepared.clock.sleep_until(start_at)).await;
    Ok(prepared)
}

fn different_clocks(offset_us: Option<i64>) -> Option<String> {
    let apart = Duration::from_micros(offset_us?.unsigned_abs());
    let direction = if offset_us? > 0 { "behind" } else { "ahead of" };
    (apart > TOLERANCE).then(|| {
        format!(
            "the clock of this machine is at least {:.1} s {direction} that of the target, so the shards would not start \
             together: synchronize the clocks, or leave out --start-at",
            apart.as_secs_f64()
        )
    })
}

fn missed(clock: Clock, start_at: Timestamp) -> Option<String> {
    let late = clock.now().since(start_at);
    (late > TOLERANCE).then(|| {
        format!(
            "the shard was ready {:.1} s after {start_at}: choose a later --start-at, which leaves time to create the users",
            late.as_secs_f64()
        )
    })
}
