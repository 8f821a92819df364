//! The run behind a worker, as its session sees it.

use std::time::Duration;

use super::protocol::Assignment;
use super::stats::Counts;
use crate::run::RunError;
use crate::scenario::Diagnostic;

/// A moment of a run.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sample {
    /// Everything that Locust counts.
    pub counts: Counts,
    /// The lossless state at the same moment.
    pub state: Vec<u8>,
}

/// A run could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The scenario is invalid.
    #[error("{0}")]
    Scenario(Box<Diagnostic>),
    /// The scenario, the target or an option cannot be used by a worker.
    #[error("{0}")]
    Unsupported(String),
    /// The run could not start.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// An event of a run.
#[derive(Debug)]
pub enum EngineEvent {
    /// The users exist.
    Prepared,
    /// The run could not start or go on.
    Failed(EngineError),
    /// The answer to [`LoadEngine::sample`].
    Sample(Sample),
    /// The run has ended.
    Finished(Sample),
}

/// A run whose number of users changes while it goes on. Its events arrive through a channel of the session's
/// driver, with the number of the run.
pub trait LoadEngine {
    /// Prepares a run with this number, and starts it without users.
    fn prepare(&mut self, run: u64, assignment: Assignment);
    /// Sets the number of users, and the arrivals per second of each.
    fn set_users(&mut self, users: u32, rate_per_user: f64);
    /// Asks for a sample.
    fn sample(&mut self);
    /// Ends the load. Sign-ins in flight get this time.
    fn finish(&mut self, drain: Duration);
    /// Aborts the run.
    fn discard(&mut self);
    /// Waits for the end of the run and of its clean-up.
    fn close(&mut self) -> impl Future<Output = ()>;
}
