//! The options and the output of a run.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::live::LiveReports;
use super::shard_file::ShardFile;
use super::shard_options::ShardOptions;
use crate::actors::RunProgress;
use crate::endpoint::EndpointConfig;
use crate::metrics::Snapshot;
use crate::report::Report;
use poolproof_cognito::time::Timestamp;
use poolproof_pool::Defect;
use poolproof_srp::Backend;

/// An event of a run.
#[derive(Clone, Debug)]
pub enum RunEvent {
    /// Users are being provisioned.
    Provisioned {
        /// Users so far.
        done: u64,
        /// All users.
        users: u64,
    },
    /// Sign-ins are under way.
    Running {
        /// Counts so far.
        progress: RunProgress,
        /// Length of the workload.
        length: Duration,
    },
}

/// Receives events of a run. Called from several threads while users are provisioned.
pub type Observer = Arc<dyn Fn(RunEvent) + Send + Sync>;

/// How long requests may take after the end of the load, by default.
pub const DEFAULT_DRAIN: Duration = Duration::from_secs(10);

/// The options of a run besides its scenario.
#[derive(Clone)]
pub struct RunOptions {
    /// The scenario's file as named by the user.
    pub file: String,
    /// The scenario's text.
    pub text: String,
    /// The command line, for the report.
    pub command: String,
    /// The options of the command line that a repetition of the run needs besides seed, clock and target.
    pub replay_options: Vec<String>,
    /// Worker threads of clients and pool under the wall clock. By default each side has half of the cores;
    /// at an endpoint, the clients have all cores.
    pub workers: Option<(usize, usize)>,
    /// The SRP backend; by default the fastest.
    pub backend: Option<Backend>,
    /// A fault to plant in the pool, in tests only.
    pub defect: Option<Defect>,
    /// An endpoint instead of the embedded pool.
    pub endpoint: Option<EndpointConfig>,
    /// The part of the run to play; `None` is all.
    pub shard: Option<ShardOptions>,
    /// When the sign-ins begin; `None` is as soon as the users are ready.
    pub start_at: Option<Timestamp>,
    /// How long requests may take after the end of the load. By default [`DEFAULT_DRAIN`] under the wall
    /// clock; under the virtual clock every answer is awaited.
    pub drain: Option<Duration>,
    /// Receives the events.
    pub observer: Observer,
    /// Requests for the report while the run is in progress.
    pub live: Option<LiveReports>,
}

/// The whole run of the embedded pool, without observers.
impl Default for RunOptions {
    fn default() -> Self {
        Self {
            file: String::new(),
            text: String::new(),
            command: String::new(),
            replay_options: Vec::new(),
            workers: None,
            backend: None,
            defect: None,
            endpoint: None,
            shard: None,
            start_at: None,
            drain: None,
            observer: Arc::new(|_| {}),
            live: None,
        }
    }
}

/// A run could not be started.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Threads or a runtime cannot be created.
    #[error("cannot start worker threads: {0}")]
    Threads(#[from] io::Error),
    /// The endpoint does not answer, or it refuses the setup.
    #[error("the target cannot be used: {0}")]
    Target(String),
    /// The start was missed, or clocks differ.
    #[error("{0}")]
    Start(String),
    /// The scenario cannot run at an endpoint, or cannot be divided into shards.
    #[error("{0}")]
    Unsupported(String),
}

/// A completed run: its report and its measurements.
#[derive(Clone, Debug)]
pub struct RunOutput {
    /// The report.
    pub report: Report,
    /// The histograms, of which the report contains some quantiles.
    pub measured: Snapshot,
    /// Start of the run's time.
    pub started: Timestamp,
    /// The resources that the run created at its target and could not delete, with the reason.
    pub left_behind: Option<String>,
    /// What a shard stores to be merged with the others.
    pub shard: Option<ShardFile>,
}
