//! `poolproof worker` and `poolproof locustfile`.

use std::sync::Arc;
use std::time::Duration;

use super::open_files::raise_open_file_limit;
use super::run::exit_for_run_error;
use super::target_args::{MAX_CONNECTIONS, RemoteArgs};
use super::values::workers;
use super::{Exit, print_error, print_stderr, print_stdout, signals};
use super::{args, invalid_scenario};
use crate::endpoint::PoolSource;
use crate::http::client::EndpointUrl;
use crate::locust::{EngineConfig, EngineError, LOCUSTFILE, RunEngine, SessionConfig, WorkerError, work};
use crate::run::{DEFAULT_DRAIN, RunOptions};
use poolproof_srp::Backend;

pub(super) const WORKER_EXAMPLES: &str = "\
The master runs Locust with the file that `poolproof locustfile` prints. It
names the scenario, the target and the number of shards. Locust has no
authentication: use it in a private network only.

Examples:
  poolproof locustfile > locustfile.py
  locust --master -f locustfile.py --headless --expect-workers 2 -u 20 -t 1m
    --scenario scenarios/smoke.yaml --poolproof-out reports/locust
  poolproof worker --locust 127.0.0.1:5557        on each machine";

pub(super) const LOCUSTFILE_EXAMPLES: &str = "\
Examples:
  poolproof locustfile > locustfile.py
  locust --master -f locustfile.py --scenario scenarios/smoke.yaml";

/// Longest id: the identity of a ZeroMQ socket has at most 255 bytes.
const MAX_ID: usize = 200;

#[derive(clap::Args, Debug)]
pub(super) struct WorkerArgs {
    /// The Locust master's address for workers.
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    locust: String,
    /// How long to try to reach the master, at first and after it was lost.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = args::duration)]
    connect_timeout: Duration,
    /// Name of this worker in Locust's tables; no other worker may have it [default: process id and a random
    /// number].
    #[arg(long, value_name = "NAME", value_parser = id)]
    id: Option<String>,
    #[command(flatten)]
    remote_args: RemoteArgs,
    /// Worker threads of clients and pool [default: half of the cores each; with a target, all cores for the
    /// clients].
    #[arg(long, value_name = "CLIENTS,POOL", value_parser = workers)]
    workers: Option<(usize, usize)>,
    /// Backend for SRP exponentiations [default: the fastest that this CPU supports].
    #[arg(long, value_name = "reference|portable|avx2|ifma", value_parser = args::backend)]
    srp: Option<Backend>,
    /// How long requests may take after the end of a test before they are canceled [default: 10s].
    #[arg(long, value_name = "TIME", value_parser = args::duration)]
    drain: Option<Duration>,
    /// Print only errors.
    #[arg(long, short)]
    quiet: bool,
}

fn address(text: &str) -> Result<String, String> {
    let valid = text.rsplit_once(':').filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    match valid {
        Some(_) if !text.contains('/') => Ok(text.to_owned()),
        _ => Err("expected HOST:PORT without a scheme, such as 127.0.0.1:5557".to_owned()),
    }
}

fn id(text: &str) -> Result<String, String> {
    let printable = text.chars().all(|c| c.is_ascii_graphic());
    if (1..=MAX_ID).contains(&text.len()) && printable {
        return Ok(text.to_owned());
    }
    Err(format!("expected 1 to {MAX_ID} printable ASCII characters without spaces"))
}

/// Prints the locustfile.
pub(super) fn locustfile() -> Exit {
    print_stdout(LOCUSTFILE)
}

/// Works for a Locust master until it ends.
pub(super) fn worker(args: &WorkerArgs) -> Result<Exit, Exit> {
    raise_open_file_limit(MAX_CONNECTIONS);
    let cancel_token = signals::cancel_token()?;
    let node = match &args.id {
        Some(id) => id.clone(),
        None => random_id()?,
    };
    let quiet = args.quiet;
    let log = move |line: &str| {
        if !quiet {
            print_stderr(&crate::report::markup::plain(line));
        }
    };
    let session = SessionConfig {
        master: args.locust.clone(),
        node,
        connect_timeout: args.connect_timeout,
        drain: args.drain.unwrap_or(DEFAULT_DRAIN),
    };
    let (mut engine, mut events) = RunEngine::new(engine_config(args, Arc::new(log)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        print_error(format_args!("cannot start a runtime: {error}"));
        Exit::Internal
    })?;
    let end = runtime.block_on(work(session, &mut engine, &mut events, &cancel_token, &log));
    Ok(exit(end))
}

/// Returns an id that no other worker has.
fn random_id() -> Result<String, Exit> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| {
        print_error("cannot read random bytes from the operating system");
        Exit::Internal
    })?;
    Ok(format!("poolproof-{}-{:016x}", std::process::id(), u64::from_le_bytes(bytes)))
}

fn engine_config(args: &WorkerArgs, log: Arc<dyn Fn(&str) + Send + Sync>) -> EngineConfig {
    let remote_args = args.remote_args.clone();
    EngineConfig {
        options: RunOptions {
            file: String::new(),
            text: String::new(),
            command: super::command_line(),
            replay_options: Vec::new(),
            workers: args.workers,
            backend: args.srp,
            defect: None,
            endpoint: None,
            shard: None,
            start_at: None,
            drain: args.drain,
            observer: Arc::new(|_| {}),
            live: None,
        },
        make_endpoint: Arc::new(move |target| {
            let address = EndpointUrl::parse(target).map_err(|error| format!("target {target}: {error}"))?;
            remote_args.endpoint(address, PoolSource::New)
        }),
        log,
    }
}

/// Prints why a worker ended and returns the exit.
fn exit(end: Result<(), WorkerError>) -> Exit {
    let Err(error) = end else { return Exit::Pass };
    if let WorkerError::Engine(EngineError::Scenario(diagnostic)) = &error {
        return invalid_scenario(diagnostic);
    }
    print_error(&error);
    match &error {
        WorkerError::NoMaster(_) => Exit::Unreachable,
        WorkerError::Interrupted => Exit::Interrupted,
        WorkerError::Engine(EngineError::Run(error)) => exit_for_run_error(error),
        WorkerError::Refused(_) | WorkerError::Engine(_) => Exit::Usage,
    }
}
