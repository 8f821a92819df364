//! A scenario played whole, with the CPU time that it took.

#![allow(dead_code, reason = "each bench uses what it needs")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cpu_time::ProcessTime;
use poolproof::http::client::{ClientLimits, Credentials, EndpointUrl};
use poolproof::report::Report;
use poolproof::run::{CancellationToken, EndpointConfig, PoolSource, RunEvent, RunOptions, run};
use poolproof::scenario;

/// Plays a scenario with one worker of each side, embedded or at an endpoint. The report, and the CPU time of this process in µs
/// for each sign-in, from the first telling of how it goes to the last: what is made and removed around the run is not counted.
pub(crate) fn play(text: &str, endpoint: Option<EndpointConfig>) -> (Report, f64) {
    let scenario = scenario::parse("bench.yaml", text.as_bytes()).unwrap_or_else(|wrong| panic!("{wrong}"));
    let started = Arc::new(Mutex::new(None));
    let spent = Arc::new(Mutex::new((0, Duration::ZERO)));
    let (first, last) = (Arc::clone(&started), Arc::clone(&spent));
    let observer = Arc::new(move |event| {
        let RunEvent::Running { progress, .. } = event else { return };
        let mut first = first.lock().expect("nobody panics");
        let (since, before) = first.get_or_insert_with(|| (ProcessTime::now(), progress.live.started));
        *last.lock().expect("nobody panics") = (progress.live.started - *before, since.elapsed());
    });
    let run_options = RunOptions {
        file: "bench.yaml".to_owned(),
        text: String::new(),
        command: String::new(),
        workers: Some((1, 1)),
        backend: None,
        defect: None,
        endpoint,
        observer,
    };
    let report =
        run(&scenario, &run_options, &CancellationToken::default()).unwrap_or_else(|wrong| panic!("{wrong}"));
    let (sign_ins, spent) = *spent.lock().expect("nobody panics");
    (report, spent.as_secs_f64() * 1e6 / sign_ins as f64)
}

/// The server at this address, which makes a pool for the run.
pub(crate) fn endpoint_at(address: &EndpointUrl) -> EndpointConfig {
    EndpointConfig {
        address: address.clone(),
        credentials: Some(Credentials::dummy()),
        limits: ClientLimits::DEFAULT,
        pool_source: PoolSource::New,
        options: Vec::new(),
    }
}
