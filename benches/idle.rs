//! What those who sign in notice of two thousand others who hold connections and say nothing, or a byte now and then.
//!
//! A pool is served by a process of its own. Each round plays the same open workload over HTTP, alone and beside the others, in
//! turns. Half of the others have asked once and are idle since; half send a head that never ends, a byte every half second. Whom
//! the server has let go of by its deadlines comes back at once.
//!
//! `cargo bench --bench idle` ends with the line `ratio idle_p99 <value>`: p99 of whole sign-ins beside the others, by p99 alone.

#![allow(clippy::print_stdout, clippy::panic, reason = "a bench prints, and stops where its premises fail")]

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

use poolproof::http::client::EndpointUrl;
use poolproof::report::Report;
use poolproof::run::EndpointConfig;

use interleaved::median;
use play::{endpoint_at, play};

const ROUNDS: usize = 5;
const BACKGROUND_CONNECTIONS: usize = 2000;
/// Between two bytes of a head that never ends.
const PAUSE: Duration = Duration::from_millis(500);
const PARTIAL_HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: x\r\nX-Slow: ";
const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n";

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
        .expect("the system tells how many files may be open");
    let served = ServerProcess::start();
    println!(
        "device sign-ins over HTTP, 60 a second, alone and beside {BACKGROUND_CONNECTIONS} connections, idle or slow"
    );
    println!(
        "{:>10} {:>12} {:>8} {:>10} {:>12} {:>6}",
        "alone ms", "beside ms", "ratio", "sign-ins", "came back", "wrong"
    );
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let alone = play(SCENARIO, Some(served.endpoint())).0;
        let others = BackgroundConnections::open(&served.address);
        let beside = play(SCENARIO, Some(served.endpoint())).0;
        let reconnects = others.close();
        let [alone_us, beside_us] = [&alone, &beside].map(p99_us);
        let ratio = beside_us / alone_us;
        println!(
            "{:>10.2} {:>12.2} {ratio:>8.2} {:>10} {reconnects:>12} {:>6}",
            alone_us / 1e3,
            beside_us / 1e3,
            alone.sign_ins.completed + beside.sign_ins.completed,
            [&alone, &beside].map(wrong).iter().sum::<u64>(),
        );
        ratios.push(ratio);
    }
    println!("ratio idle_p99 {:.2}", median(ratios));
}

fn p99_us(report: &Report) -> f64 {
    report.latency.sign_in.intended.p99_us.expect("enough sign-ins for a p99") as f64
}

/// Sign-ins that did not come out as they should.
fn wrong(report: &Report) -> u64 {
    report.decisions.mismatched + report.sign_ins.started - report.sign_ins.completed
}

/// A pool that is served; it ends with the bench.
struct ServerProcess {
    child: Child,
    address: String,
}

impl ServerProcess {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_poolproof"));
        command.args(["serve", "scenarios/serve.yaml", "--listen", "127.0.0.1:0", "--tokens", "opaque"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output is read"));
        let mut first = String::new();
        lines.read_line(&mut first).expect("it tells where it is");
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let (_, address) = first.trim().rsplit_once("http://").unwrap_or_else(|| panic!("{first}"));
        Self { child, address: address.to_owned() }
    }

    fn endpoint(&self) -> EndpointConfig {
        let url = format!("http://{}", self.address);
        endpoint_at(&EndpointUrl::parse(&url).unwrap_or_else(|wrong| panic!("{wrong}")))
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Those who hold connections; they know when to go.
struct BackgroundConnections {
    stop: Arc<AtomicBool>,
    reconnects: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl BackgroundConnections {
    /// All are there when this returns.
    fn open(address: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let reconnects = Arc::new(AtomicU64::new(0));
        let mut all: Vec<BackgroundConnection> = (0..BACKGROUND_CONNECTIONS)
            .map(|number| BackgroundConnection::open(address, number % 2 == 0))
            .collect();
        let (stop_flag, counted, address) = (Arc::clone(&stop), Arc::clone(&reconnects), address.to_owned());
        let thread = std::thread::spawn(move || {
            while !stop_flag.load(Ordering::Relaxed) {
                std::thread::sleep(PAUSE);
                for other in &mut all {
                    if !other.is_open() {
                        *other = BackgroundConnection::open(&address, other.idle);
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        });
        Self { stop, reconnects, thread }
    }

    /// How often one of them was let go of and came back.
    fn close(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("nobody panics");
        self.reconnects.load(Ordering::Relaxed)
    }
}

struct BackgroundConnection {
    stream: TcpStream,
    idle: bool,
}

impl BackgroundConnection {
    fn open(address: &str, idle: bool) -> Self {
        let mut stream = TcpStream::connect(address).expect("the server takes connections");
        stream.write_all(if idle { HEALTH } else { PARTIAL_HEAD }).expect("the server reads");
        if idle {
            assert!(stream.read(&mut [0; 4096]).expect("an answer") > 0, "the server answers");
        }
        stream.set_nonblocking(true).expect("a socket");
        Self { stream, idle }
    }

    /// Sends its byte, if it is one who does; whether the server still has it.
    fn is_open(&mut self) -> bool {
        let sent = self.idle || self.stream.write_all(b"x").is_ok();
        let kept = self.stream.read(&mut [0; 64]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        sent && kept
    }
}
