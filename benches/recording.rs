//! The cost of recording a sign-in: alone, with three windowed thresholds, and relative to the arithmetic of
//! a sign-in.
//!
//! The sign-ins come from the sample of the tests, a thousand a second, each with its steps and its verdict.
//!
//! `cargo bench --bench recording` ends with lines `recording_ns <name> <value>` and `ratio <name> <value>`.

#![allow(clippy::print_stdout, clippy::panic, reason = "a bench prints results and panics on errors")]

#[path = "support/exchange.rs"]
mod exchange;
#[path = "support/interleaved.rs"]
mod interleaved;
#[allow(dead_code, clippy::unwrap_used, reason = "the tests use all of it")]
#[path = "../tests/it/sample.rs"]
mod sample;

use std::hint::black_box;
use std::time::Duration;

use cpu_time::ThreadTime;
use poolproof::metrics::{
    Counter, DueSignIn, LoadSpan, Recorder, SignInRecord, Statistic, Timing, Watch, WatchSpec, WindowSpec,
    WorseDirection,
};
use poolproof_cognito::protocol::SignInStep;

use exchange::Exchange;
use interleaved::{cpu_us, median};

/// The number of sign-ins in a round, and their rate.
const COUNT: u64 = 200_000;
const PER_S: u64 = 1000;
const ROUNDS: usize = 11;

fn main() {
    let records = records();
    println!("{COUNT} sign-ins at {PER_S}/s, {ROUNDS} alternating rounds; CPU time of the recording thread");
    let short_windows = || {
        [
            Statistic::Quantile(Timing::Intended, 0.99),
            Statistic::Quantile(Timing::SignInStep(SignInStep::PasswordVerifier), 0.95),
            Statistic::Share(Counter::Failed, Counter::Started),
        ]
        .map(|statistic| watch(statistic, 10))
        .to_vec()
    };
    let long_windows = || {
        [Timing::Intended, Timing::Service, Timing::Lag]
            .map(|timing| watch(Statistic::Quantile(timing, 0.99), 600))
            .to_vec()
    };
    let candidates: [(&str, &dyn Fn() -> Vec<Watch>); 3] = [
        ("plain", &Vec::new),
        ("three_windows_of_10s", &short_windows),
        ("three_windows_of_10m", &long_windows),
    ];
    let mut times = [const { Vec::new() }; 3];
    let mut kernel = Vec::new();
    let exchange = Exchange::new(256, 4);
    for _ in 0..ROUNDS {
        for ((_, watches), times) in candidates.iter().zip(&mut times) {
            times.push(round(&records, watches()));
        }
        kernel.push(cpu_us(4, || exchange.sign_ins()));
    }
    let kernel_ns = 1e3 * median(kernel);
    for ((name, _), times) in candidates.iter().zip(&times) {
        let min = times.iter().copied().fold(f64::INFINITY, f64::min);
        println!("recording_ns {name} {:.0} (min {min:.0})", median(times.clone()));
    }
    println!("arithmetic of a sign-in, both sides: {:.0} µs", kernel_ns / 1e3);
    for ((name, _), times) in candidates.iter().zip(&times) {
        println!("ratio recording_{name}/sign_in {:.6}", median(times.clone()) / kernel_ns);
    }
}

fn watch(statistic: Statistic, seconds: u32) -> Watch {
    let windows = WindowSpec {
        seconds,
        worse: WorseDirection::Higher,
        min_samples: 1,
        load: vec![LoadSpan { workload: 0, from: Duration::ZERO, until: Duration::from_secs(COUNT / PER_S) }],
    };
    Watch::new(WatchSpec { statistic, rule: None, workload: None, windows: Some(windows) })
}

/// Returns [`COUNT`] evenly spread sign-ins, which repeat the sample.
fn records() -> Vec<SignInRecord> {
    let sample = sample::sign_ins(7, 5000, false);
    (0..COUNT)
        .zip(sample.iter().cycle())
        .map(|(number, record)| {
            let finished = Duration::from_micros(number * 1_000_000 / PER_S);
            let intended = finished.saturating_sub(record.latency);
            SignInRecord { number, finished, intended, warm_up: false, ..record.clone() }
        })
        .collect()
}

/// Returns the CPU time in ns that a recorder with these watches takes for each sign-in.
fn round(records: &[SignInRecord], watches: Vec<Watch>) -> f64 {
    let mut recorder = Recorder::with_watches(watches);
    let start = ThreadTime::now();
    for record in records {
        recorder.due(DueSignIn { intended: record.finished, workload: 0, warm_up: false, cool_down: false });
        recorder.sign_in(black_box(record));
    }
    let spent = start.elapsed();
    assert_eq!(recorder.summary().sign_ins().started, records.len() as u64);
    black_box(recorder.watches());
    spent.as_secs_f64() * 1e9 / records.len() as f64
}
