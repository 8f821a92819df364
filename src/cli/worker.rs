//! `poolproof worker` and `poolproof locustfile`.

use std::sync::Arc;

use super::open_files::raise_open_file_limit;
use super::run::exit_for_run_error;
use super::target_args::MAX_CONNECTIONS;
use super::worker_args::WorkerArgs;
use super::{Exit, invalid_scenario, print_error, print_stderr, print_stdout, signals};
use crate::endpoint::PoolSource;
use crate::http::client::EndpointUrl;
use crate::locust::{EngineConfig, EngineError, LOCUSTFILE, RunEngine, SessionConfig, WorkerError, work};
use crate::run::{DEFAULT_DRAIN, RunOptions};

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
