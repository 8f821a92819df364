//! The latency of sign-ins while two thousand other connections are idle or send single bytes.
//!
//! A separate process serves the pool. Each round runs the same open workload over HTTP, first alone and then
//! with the other connections. Half of them have sent one request and are idle. The other half send an
//! endless request head, a byte every half second. A connection that the server closes at a deadline
//! reconnects immediately.
//!
//! `cargo bench --bench idle` ends with the line `ratio idle_p99 <value>`: p99 of whole sign-ins with the
//! other connections, divided by p99 without them.

#![allow(clippy::print_stdout, clippy::panic, reason = "a bench prints results and panics on errors")]

#[path = "support/interleaved.rs"]
mod interleaved;
#[path = "support/play.rs"]
mod play;

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use poolproof::endpoint::EndpointConfig;
use poolproof::http::client::EndpointUrl;
use poolproof::report::Report;

use interleaved::median;
use play::{endpoint_at, play};

const ROUNDS: usize = 5;
const BACKGROUND_CONNECTIONS: usize = 2000;
/// The time between two bytes of an endless request head.
const PAUSE: Duration = Duration::from_millis(500);
const PARTIAL_HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

const SCENARIO: &str = "version: 1
name: bench
clock: wall
pool: { remember: always, suppress_mfa: true, mfa: optional }
population: { users: 64, devices: 1 }
client: { ephemeral_bits: 256 }
workload: { stages: [ { for: 2s, rate: 60/s, warm_up: true }, { for: 8s, rate: 60/s } ], mix: { known_device: 100 } }
";

fn main() {
    rlimit::increase_nofile_limit(2 * BACKGROUND_CONNECTIONS as u64)
        .expect("the system permits enough open files");
    let server = ServerProcess::start();
    println!(
        "device sign-ins over HTTP, 60/s, alone and with {BACKGROUND_CONNECTIONS} idle or slow connections"
    );
    println!(
        "{:>10} {:>12} {:>8} {:>10} {:>12} {:>6}",
        "alone ms", "others ms", "ratio", "sign-ins", "reconnects", "failed"
    );
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let alone = play(SCENARIO, Some(server.endpoint())).0;
        let others = BackgroundConnections::open(&server.address);
        let with_others = play(SCENARIO, Some(server.endpoint())).0;
        let reconnects = others.close();
        let [alone_us, with_others_us] = [&alone, &with_others].map(p99_us);
        let ratio = with_others_us / alone_us;
        println!(
            "{:>10.2} {:>12.2} {ratio:>8.2} {:>10} {reconnects:>12} {:>6}",
            alone_us / 1e3,
            with_others_us / 1e3,
            alone.sign_ins.completed + with_others.sign_ins.completed,
            [&alone, &with_others].map(failed).iter().sum::<u64>(),
        );
        ratios.push(ratio);
    }
    println!("ratio idle_p99 {:.2}", median(ratios));
}

fn p99_us(report: &Report) -> f64 {
    report.latency.sign_in.intended.p99_us.expect("enough sign-ins for a p99") as f64
}

/// Returns the number of sign-ins with an unexpected outcome.
fn failed(report: &Report) -> u64 {
    report.decisions.mismatched + report.sign_ins.started - report.sign_ins.completed
}

/// A process that serves a pool and ends with the bench.
struct ServerProcess {
    child: Child,
    address: String,
}

impl ServerProcess {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_poolproof"));
        command.args(["serve", "scenarios/serve.yaml", "--listen", "127.0.0.1:0", "--tokens", "opaque"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("the output is a pipe"));
        let mut first = String::new();
        lines.read_line(&mut first).expect("the server prints its URL");
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let (_, address) = first.trim().rsplit_once("http://").unwrap_or_else(|| panic!("{first}"));
        Self { child, address: address.to_owned() }
    }

    fn endpoint(&self) -> EndpointConfig {
        let url = format!("http://{}", self.address);
        endpoint_at(&EndpointUrl::parse(&url).unwrap_or_else(|error| panic!("{error}")))
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The other connections, which a thread keeps open.
struct BackgroundConnections {
    stop: Arc<AtomicBool>,
    reconnects: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl BackgroundConnections {
    /// Opens all connections before it returns.
    fn open(address: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let reconnects = Arc::new(AtomicU64::new(0));
        let mut all: Vec<BackgroundConnection> = (0..BACKGROUND_CONNECTIONS)
            .map(|number| BackgroundConnection::open(address, number % 2 == 0))
            .collect();
        let (stop_flag, reconnect_count, address) =
            (Arc::clone(&stop), Arc::clone(&reconnects), address.to_owned());
        let thread = std::thread::spawn(move || {
            while !stop_flag.load(Ordering::Relaxed) {
                std::thread::sleep(PAUSE);
                for other in &mut all {
                    if !other.is_open() {
                        *other = BackgroundConnection::open(&address, other.idle);
                        reconnect_count.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        });
        Self { stop, reconnects, thread }
    }

    /// Closes the connections and returns the number of reconnects.
    fn close(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the thread does not panic");
        self.reconnects.load(Ordering::Relaxed)
    }
}

struct BackgroundConnection {
    stream: TcpStream,
    idle: bool,
}

impl BackgroundConnection {
    fn open(address: &str, idle: bool) -> Self {
        let mut stream = TcpStream::connect(address).expect("the server accepts connections");
        stream.write_all(if idle { HEALTH } else { PARTIAL_HEAD }).expect("the server reads");
        if idle {
            assert!(
                stream.read(&mut [0; 4096]).expect("the server responds") > 0,
                "the server closed the connection"
            );
        }
        stream.set_nonblocking(true).expect("the socket becomes non-blocking");
        Self { stream, idle }
    }

    /// Sends a byte on a slow connection. Returns whether the connection is still open.
    fn is_open(&mut self) -> bool {
        let is_sent = self.idle || self.stream.write_all(b"x").is_ok();
        let is_kept =
            self.stream.read(&mut [0; 64]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        is_sent && is_kept
    }
}
