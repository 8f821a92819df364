//! The log of requests that `-v` prints: what was asked, how long it took, and how it ended.
//!
//! Names, addresses, passwords, codes and tokens are no arguments, so none can be logged.

use std::time::Duration;

use tracing::field::display;

use crate::rounding::rounded;

/// The target of the log's events.
pub const TARGET: &str = "poolproof::request";

/// A request that has ended.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LoggedRequest<'a> {
    /// The operation of the API, or the step of a sign-in as reports name it.
    pub operation: &'a str,
    /// From the request to its answer, by the clock of the run.
    pub duration: Duration,
    /// `ok`, the exception, or the cause of a failure.
    pub outcome: &'a str,
    /// The id in `x-amzn-requestid`, if the request was sent over HTTP and answered.
    pub request_id: Option<&'a str>,
}

impl LoggedRequest<'_> {
    /// Logs the request, if the log is on.
    pub fn log(&self) {
        let duration_ms = rounded(self.duration.as_secs_f64() * 1000.0, 3);
        let Self { operation, outcome, request_id, .. } = *self;
        let request_id = request_id.map(display);
        tracing::info!(target: TARGET, %operation, %outcome, duration_ms, request_id);
    }
}
