//! Runs a scenario and measures its CPU time.

#![allow(dead_code, reason = "each bench uses what it needs")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cpu_time::ProcessTime;
use poolproof::endpoint::{EndpointConfig, PoolSource};
use poolproof::http::client::{ClientLimits, Credentials, EndpointUrl};
use poolproof::report::Report;
use poolproof::run::{CancellationToken, RunEvent, RunOptions, ShardOptions, run};
use poolproof::scenario;

/// Runs a scenario with one worker of each side, embedded or at an endpoint. Returns the report and the CPU
/// time of this process in µs for each sign-in. The time counts from the first progress event to the last,
/// without setup and cleanup.
pub(crate) fn play(text: &str, endpoint: Option<EndpointConfig>) -> (Report, f64) {
    play_shard(text, endpoint, 1, None)
}

/// The same with this many client workers, and only a shard if one is given.
pub(crate) fn play_shard(
    text: &str,
    endpoint: Option<EndpointConfig>,
    client_workers: usize,
    shard: Option<ShardOptions>,
) -> (Report, f64) {
    let scenario = scenario::parse("bench.yaml", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let started = Arc::new(Mutex::new(None));
    let spent = Arc::new(Mutex::new((0, Duration::ZERO)));
    let (first, last) = (Arc::clone(&started), Arc::clone(&spent));
    let observer = Arc::new(move |event| {
        let RunEvent::Running { progress, .. } = event else { return };
        let mut first = first.lock().expect("no thread panics");
        let (since, before) = first.get_or_insert_with(|| (ProcessTime::now(), progress.live.started));
        *last.lock().expect("no thread panics") = (progress.live.started - *before, since.elapsed());
    });
    let run_options = RunOptions {
        file: "bench.yaml".to_owned(),
        workers: Some((client_workers, 1)),
        endpoint,
        shard,
        observer,
        ..RunOptions::default()
    };
    let output =
        run(&scenario, &run_options, &CancellationToken::default()).unwrap_or_else(|error| panic!("{error}"));
    let (sign_ins, spent) = *spent.lock().expect("no thread panics");
    (output.report, spent.as_secs_f64() * 1e6 / sign_ins as f64)
}

/// Returns the configuration of the server at this URL, which creates a pool for the run.
pub(crate) fn endpoint_at(address: &EndpointUrl) -> EndpointConfig {
    EndpointConfig {
        address: address.clone(),
        credentials: Some(Credentials::dummy()),
        limits: ClientLimits::DEFAULT,
        pool_source: PoolSource::New,
        options: Vec::new(),
    }
}
