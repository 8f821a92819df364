//! The cost of HTTP: whole sign-ins over HTTP on loopback, compared with the embedded pool.
//!
//! Client and server share one process, so its CPU time covers both. Each round runs the same closed workload
//! embedded and then over HTTP. The share is the additional CPU time of a sign-in over HTTP, divided by that
//! of an embedded one. Tokens are opaque on both sides, because RSA is not a cost of HTTP.
//!
//! `cargo bench --bench http` ends with the line `ratio http_share <value>`.

#![allow(clippy::print_stdout, clippy::panic, reason = "a bench prints results and panics on errors")]

#[path = "support/interleaved.rs"]
mod interleaved;
#[path = "support/play.rs"]
mod play;
#[path = "support/server.rs"]
mod server;

use poolproof::report::Report;
use poolproof_srp::Backend;

use interleaved::median;
use play::{endpoint_at, play};

const ROUNDS: usize = 5;

const SCENARIO: &str = "version: 1
name: bench
clock: wall
pool: { remember: always, suppress_mfa: true, mfa: optional }
population: { users: 64, devices: 1 }
client: { ephemeral_bits: 256 }
workload: { model: closed, stages: [ { for: 1s, users: 64, warm_up: true }, { for: 6s, users: 64 } ], mix: { known_device: 100 } }
";

fn main() {
    println!(
        "device sign-ins over the 3072-bit group, {} kernel, embedded and over HTTP on loopback",
        Backend::best()
    );
    println!(
        "{:>12} {:>12} {:>12} {:>12} {:>8} {:>10}",
        "embedded µs", "HTTP µs", "embedded/s", "HTTP/s", "share", "failed"
    );
    let address = server::start();
    let mut shares = Vec::new();
    for _ in 0..ROUNDS {
        let (embedded, embedded_us) = play(SCENARIO, None);
        let (remote, remote_us) = play(SCENARIO, Some(endpoint_at(&address)));
        let share = remote_us / embedded_us - 1.0;
        let rate = |report: &Report| report.throughput.achieved_per_s.unwrap_or_default();
        println!(
            "{embedded_us:>12.0} {remote_us:>12.0} {:>12.1} {:>12.1} {share:>8.3} {:>10}",
            rate(&embedded),
            rate(&remote),
            embedded.decisions.mismatched + remote.decisions.mismatched + remote.sign_ins.transport_failed
        );
        shares.push(share);
    }
    println!("ratio http_share {:.3}", median(shares));
}
