//! The log of requests that `-v` prints: what was asked, how long it took, and how it ended.
//!
//! Names, addresses, passwords, codes and tokens are no arguments, so none can be logged.

use std::time::Duration;

use crate::rounding::rounded;
use poolproof_cognito::protocol::ApiError;

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
        let Self { operation, duration, outcome, request_id } = *self;
        // The fields are computed only if the log is on.
        tracing::info!(
            target: TARGET,
            %operation,
            %outcome,
            duration_ms = rounded(duration.as_secs_f64() * 1000.0, 3),
            request_id = request_id.map(tracing::field::display),
        );
    }
}

/// Returns the outcome of an answer: `ok`, or the name of the exception.
pub fn outcome<T>(answer: &Result<T, ApiError>) -> &'static str {
    answer.as_ref().map_or_else(|error| error.kind.as_str(), |_| "ok")
}
