//! A worker of Locust: a Locust master starts, changes and ends its load and shows its counts.
//!
//! | module | subject |
//! |---|---|
//! | `protocol` | the messages of both sides, and their msgpack form |
//! | `session`, `action` | what a worker does with each message; without I/O |
//! | `stats` | rows and errors of Locust's tables since the report before |
//! | `connection` | the ZeroMQ socket, built again whenever it fails |
//! | `engine`, `run_engine` | the run as the session sees it, and the real one |
//! | `worker` | drives a session with connection, run and time |
//!
//! The master runs Locust with our locustfile ([`LOCUSTFILE`]). It assigns scenario and shard to each worker,
//! counts the reports, keeps the newest lossless state of each worker, and merges the states at the end.

mod action;
mod connection;
mod engine;
mod protocol;
mod run_engine;
mod session;
mod stats;
mod worker;

pub use action::{Action, SessionConfig, WorkerError};
pub use engine::{EngineError, EngineEvent, LoadEngine, Sample};
pub use protocol::{
    Assignment, Bytes, Heartbeat, MasterMessage, PROTOCOL, ParsedOptions, ProtocolError, Report, Spawn,
    WorkerMessage,
};
pub use run_engine::{EngineConfig, MakeEndpoint, RunEngine};
pub use session::Session;
pub use stats::{Counts, RowCounts, StatsReport};
pub use worker::{EngineEvents, work};

/// The locustfile of a master that poolproof workers serve.
pub const LOCUSTFILE: &str = include_str!("locustfile.py");
