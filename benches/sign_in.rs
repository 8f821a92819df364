//! Whole sign-ins through actors, pool, oracle and histograms, compared with the arithmetic alone.
//!
//! A closed workload keeps one worker of each side busy, so that their jobs form full batches. Each round
//! measures the CPU time of the whole process, and that of the kernel for the same exchanges. Then an open
//! workload runs at 80 % of the achieved rate, and the bench prints how late its sign-ins start.
//!
//! `cargo bench --bench sign_in` ends with lines `ratio <name> <value>`.

#![allow(clippy::print_stdout, clippy::panic, reason = "a bench prints results and panics on errors")]

#[path = "support/exchange.rs"]
mod exchange;
#[path = "support/interleaved.rs"]
mod interleaved;
#[path = "support/play.rs"]
mod play;

use poolproof_srp::Backend;

use exchange::Exchange;
use interleaved::{cpu_us, median};
use play::play;

const ROUNDS: usize = 5;
/// The length of `a` in bits. It gives both sides about the same work, so that both workers are busy.
const BITS: u32 = 256;

fn main() {
    println!("device sign-ins over the 3072-bit group, a of {BITS} bits, {} kernel", Backend::best());
    let mut shares = Vec::new();
    let mut rates = Vec::new();
    println!(
        "{:>10} {:>10} {:>10} {:>12} {:>8} {:>12}",
        "kernel µs", "workers µs", "whole µs", "sign-ins/s", "share", "mismatched"
    );
    for _ in 0..ROUNDS {
        let kernel_us = kernel_us();
        let (report, whole_us) = play(&closed(), None);
        let rate = report.throughput.achieved_per_s.unwrap_or_default();
        let workers_us = report.cpu.client_us_per_sign_in.unwrap_or_default()
            + report.cpu.server_us_per_sign_in.unwrap_or_default();
        println!(
            "{kernel_us:>10.0} {workers_us:>10} {whole_us:>10.0} {rate:>12.1} {:>8.3} {:>12}",
            kernel_us / whole_us,
            report.decisions.mismatched
        );
        shares.push(kernel_us / whole_us);
        rates.push(rate);
    }
    let rate = median(rates);
    let (report, _) = play(&open(0.8 * rate), None);
    let lag = |us: Option<u64>| us.map_or_else(|| "–".to_owned(), |us| format!("{:.2} ms", us as f64 / 1e3));
    println!(
        "open loop at {:.0}/s: start lag p50 {}, p99 {}, max {}",
        0.8 * rate,
        lag(report.generator.lag_p50_us),
        lag(report.generator.lag_p99_us),
        lag(report.generator.lag_max_us)
    );
    println!("sign_ins_per_core_second {:.0}", 1e6 * median(shares.clone()) / kernel_us());
    println!("open_loop_lag_p99_us {}", report.generator.lag_p99_us.unwrap_or_default());
    println!("ratio end_to_end/kernel_ceiling {:.3}", median(shares));
}

/// Returns the CPU time in µs of the arithmetic of one sign-in, computed four at a time.
fn kernel_us() -> f64 {
    let exchange = Exchange::new(BITS, 4);
    let measured = (0..15).map(|_| cpu_us(4, || exchange.sign_ins()));
    median(measured.collect())
}

fn scenario_of(workload: &str) -> String {
    format!(
        "version: 1
name: bench
clock: wall
pool: {{ remember: always, suppress_mfa: true, mfa: optional }}
population: {{ users: 256, devices: 1 }}
client: {{ ephemeral_bits: {BITS} }}
workload: {workload}
"
    )
}

fn closed() -> String {
    scenario_of(
        "{ model: closed, stages: [ { for: 1s, users: 64, warm_up: true }, { for: 6s, users: 64 } ], mix: { known_device: 100 } }",
    )
}

fn open(rate: f64) -> String {
    scenario_of(&format!(
        "{{ arrivals: poisson, stages: [ {{ for: 1s, rate: {rate:.0}/s, warm_up: true }}, {{ for: 10s, rate: {rate:.0}/s }} ], mix: {{ known_device: 100 }} }}"
    ))
}
