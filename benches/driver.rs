//! The load generator alone, with the pool in another process: its CPU time for a sign-in, compared with the
//! client's arithmetic; and two shards with a worker each, compared with one process with two workers.
//!
//! `cargo bench --bench driver` ends with lines `ratio <name> <value>`.

#![allow(clippy::print_stdout, clippy::panic, reason = "a bench prints results and panics on errors")]

#[path = "support/exchange.rs"]
mod exchange;
#[path = "support/interleaved.rs"]
mod interleaved;
#[path = "support/play.rs"]
mod play;
#[path = "support/server.rs"]
mod server;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use poolproof::http::client::EndpointUrl;
use poolproof::run::{ShardOptions, ShardQuotas};
use poolproof_srp::Backend;

use exchange::Exchange;
use interleaved::{cpu_us, median};
use play::{endpoint_at, play, play_shard};

const ROUNDS: usize = 5;
/// The length of `a` in bits.
const BITS: u32 = 256;
/// The variable that makes this program a server or a shard.
const ROLE: &str = "POOLPROOF_BENCH_ROLE";

const SCENARIO: &str = "version: 1
name: bench
clock: wall
pool: { remember: always, suppress_mfa: true, mfa: optional }
population: { users: 128, devices: 1 }
client: { ephemeral_bits: 256 }
workload: { model: closed, stages: [ { for: 1s, users: 64, warm_up: true }, { for: 6s, users: 64 } ], mix: { known_device: 100 } }
";

fn main() {
    match std::env::var(ROLE).as_deref() {
        Ok("server") => return serve(),
        Ok(role) => return play_part(role),
        Err(_) => {}
    }
    let mut server = child("server");
    let mut address = String::new();
    let out = server.stdout.take().unwrap_or_else(|| panic!("the server has an output"));
    BufReader::new(out).read_line(&mut address).unwrap_or_else(|error| panic!("{error}"));
    let address = address.trim();
    println!("device sign-ins over the 3072-bit group, a of {BITS} bits, {} kernel", Backend::best());
    println!(
        "{:>10} {:>10} {:>8} {:>14} {:>14} {:>8}",
        "kernel µs", "driver µs", "share", "one process/s", "two shards/s", "ratio"
    );
    let (mut shares, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let kernel_us = kernel_us();
        let (report, driver_us) = play(SCENARIO, Some(endpoint_at(&url(address))));
        assert_eq!(report.sign_ins.transport_failed + report.decisions.mismatched, 0);
        let one = rate_of(vec![child(&format!("2 - {address}"))]);
        let two = rate_of(vec![child(&format!("1 0/2 {address}")), child(&format!("1 1/2 {address}"))]);
        println!(
            "{kernel_us:>10.0} {driver_us:>10.0} {:>8.3} {one:>14.1} {two:>14.1} {:>8.3}",
            kernel_us / driver_us,
            two / one
        );
        shares.push(kernel_us / driver_us);
        ratios.push(two / one);
    }
    drop(server.kill().and_then(|()| server.wait()));
    println!("ratio driver/client_kernel {:.3}", median(shares));
    println!("ratio two_shards/one_process {:.3}", median(ratios));
}

/// Starts this program in another role.
fn child(role: &str) -> Child {
    let program = std::env::current_exe().unwrap_or_else(|error| panic!("{error}"));
    let mut command = Command::new(program);
    command.env(ROLE, role).stdin(Stdio::null()).stdout(Stdio::piped());
    command.spawn().unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the sign-ins a second of all these generators together.
fn rate_of(children: Vec<Child>) -> f64 {
    let rate = |mut child: Child| {
        let mut text = String::new();
        let out = child.stdout.as_mut().unwrap_or_else(|| panic!("a generator has an output"));
        out.read_to_string(&mut text).unwrap_or_else(|error| panic!("{error}"));
        drop(child.wait());
        text.trim().parse::<f64>().unwrap_or_else(|_| panic!("a generator printed `{text}`"))
    };
    children.into_iter().map(rate).sum()
}

/// The role `WORKERS SHARD ADDRESS`: plays a shard, or all if it is `-`, and prints the sign-ins a second.
fn play_part(role: &str) {
    let [workers, shard, address] = role.split(' ').collect::<Vec<_>>()[..] else { panic!("{role}") };
    let workers = workers.parse().unwrap_or_else(|_| panic!("{role}"));
    let options = |shard| ShardOptions { shard, allow_coupled: true, quotas: ShardQuotas::Divided };
    let (report, _) =
        play_shard(SCENARIO, Some(endpoint_at(&url(address))), workers, shard.parse().ok().map(options));
    assert_eq!(report.sign_ins.transport_failed + report.decisions.mismatched, 0);
    println!("{}", report.throughput.achieved_per_s.unwrap_or_default());
}

/// The role `server`: prints its address and serves until it is killed.
fn serve() {
    let url = server::start();
    println!("{url}");
    loop {
        std::thread::park();
    }
}

fn url(address: &str) -> EndpointUrl {
    EndpointUrl::parse(address).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the CPU time in µs of the client's arithmetic of one sign-in, computed four at a time.
fn kernel_us() -> f64 {
    let exchange = Exchange::new(BITS, 4);
    let answers = exchange.answers();
    let measured = (0..15).map(|_| cpu_us(4, || exchange.client_sign_ins(&answers)));
    median(measured.collect())
}
