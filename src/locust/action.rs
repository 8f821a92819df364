//! What a session needs, what its driver has to do, and how a worker ends.

use std::time::Duration;

use super::engine::EngineError;
use super::protocol::{Assignment, WorkerMessage};

/// The limits of a session.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// The master's address, for messages.
    pub master: String,
    /// The id of the worker.
    pub node: String,
    /// How long the worker tries to register.
    pub connect_timeout: Duration,
    /// How long requests may take after the end of the load.
    pub drain: Duration,
}

/// How a worker ended.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// There is no master.
    #[error("{0}")]
    NoMaster(String),
    /// The master has nothing for this worker to run.
    #[error("{0}")]
    Refused(String),
    /// The run could not start or go on.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A signal ended the worker.
    #[error("interrupted; the master has the last report")]
    Interrupted,
}

/// What the driver of a session has to do.
#[derive(Debug)]
pub enum Action {
    /// Send this message.
    Send(WorkerMessage),
    /// Send a heartbeat with this state.
    Heartbeat(&'static str),
    /// Close the connection and connect again.
    Reconnect,
    /// Prepare the run with this number.
    Prepare(u64, Box<Assignment>),
    /// Set the number of users and the arrivals per second of each.
    SetUsers(u32, f64),
    /// Take a sample of the run.
    Sample,
    /// End the load. Sign-ins in flight get this time.
    Finish(Duration),
    /// Abort the run. Its results are not needed.
    Discard,
    /// Print this line.
    Log(String),
    /// End the worker.
    Exit(Result<(), WorkerError>),
}
