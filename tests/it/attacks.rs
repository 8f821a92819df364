//! Attacks on a server by clients that follow no rules: other clients are answered as fast as before. The
//! tests measure times and are ignored by default. Run all with
//! `cargo test --release --test it -- --ignored --nocapture --test-threads 1 attacks::`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::server_process::{ServerProcess, request};

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// Requests of each kind while an attack runs, and before.
const PROBES: usize = 400;
/// The longest wait that any other client may have.
const MAX_WAIT: Duration = Duration::from_millis(250);
/// How much an attack may prolong the 99th percentile.
const MAX_FACTOR: u32 = 10;

/// The times of some requests: the 99th percentile and the longest.
#[derive(Clone, Copy, Debug)]
struct Latency {
    p99: Duration,
    max: Duration,
}

/// Measures requests over a new connection each.
#[expect(clippy::disallowed_methods, reason = "the test measures the server with its own clock")]
fn measure(served: &ServerProcess, bytes: &[u8]) -> Latency {
    let mut times: Vec<Duration> = (0..PROBES)
        .map(|_| {
            let start = Instant::now();
            let answered = served.send(bytes);
            let time = start.elapsed();
            assert_eq!(answered.map(|answered| answered.status), Some(200));
            thread::sleep(Duration::from_millis(2));
            time
        })
        .collect();
    times.sort();
    Latency { p99: times[PROBES * 99 / 100], max: times[PROBES - 1] }
}

fn initiate_auth() -> Vec<u8> {
    let body = json!({ "ClientId": "poolproof", "AuthFlow": "USER_SRP_AUTH",
        "AuthParameters": { "USERNAME": "ann-0", "SRP_A": "abcdef" } });
    request("InitiateAuth", body.to_string().as_bytes())
}

/// Measures other clients before an attack and beside it. `attack` runs on some threads until its argument is
/// true.
#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn check(
    name: &str,
    flags: &[&str],
    attack: impl Fn(&str, &AtomicBool) + Send + Sync + 'static,
    threads: usize,
) {
    let served = ServerProcess::start(flags);
    for number in 0..60 {
        let attributes: Vec<_> = (0..55)
            .map(|number| json!({ "Name": format!("custom:{number}"), "Value": "x".repeat(2048) }))
            .collect();
        let user = json!({ "UserPoolId": "us-east-1_Poolproof", "Username": format!("ann-{number}"),
            "MessageAction": "SUPPRESS", "UserAttributes": attributes });
        served.call("AdminCreateUser", &user).json();
    }
    let probes = [("/health", HEALTH.to_vec()), ("InitiateAuth", initiate_auth())];
    let alone = probes.clone().map(|(_, bytes)| measure(&served, &bytes));
    let (stop, attack) = (Arc::new(AtomicBool::new(false)), Arc::new(attack));
    let attackers: Vec<_> = (0..threads)
        .map(|_| {
            let (stop, attack, address) = (Arc::clone(&stop), Arc::clone(&attack), served.address.clone());
            thread::spawn(move || attack(&address, &stop))
        })
        .collect();
    thread::sleep(Duration::from_secs(1));
    let beside = probes.clone().map(|(_, bytes)| measure(&served, &bytes));
    stop.store(true, Ordering::Relaxed);
    attackers.into_iter().for_each(|attacker| attacker.join().unwrap());
    assert!(served.is_healthy());
    let mut failures = Vec::new();
    for ((probe, _), (alone, beside)) in probes.iter().zip(alone.into_iter().zip(beside)) {
        let line = format!("{name}, {probe}: alone {alone:?}, beside {beside:?}");
        println!("{line}");
        if beside.max >= MAX_WAIT || beside.p99 >= alone.p99 * MAX_FACTOR {
            failures.push(line);
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

fn connect(address: &str) -> Option<TcpStream> {
    let stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    stream.set_write_timeout(Some(Duration::from_secs(60))).ok()?;
    Some(stream)
}

/// Sends a request over a number of connections at once, and reads the answers one after the other.
fn burst(address: &str, bytes: &[u8], count: usize) {
    let mut streams: Vec<_> = (0..count).filter_map(|_| connect(address)).collect();
    streams.iter_mut().for_each(|stream| drop(stream.write_all(bytes)));
    for mut stream in streams {
        drop(stream.shutdown(std::net::Shutdown::Write));
        let mut chunk = vec![0; 1 << 20];
        while stream.read(&mut chunk).is_ok_and(|count| count > 0) {}
    }
}

#[test]
#[ignore = "an attack that measures times: --ignored attacks::"]
fn five_hundred_answers_of_seven_megabytes() {
    let list = request("ListUsers", json!({ "UserPoolId": "us-east-1_Poolproof" }).to_string().as_bytes());
    let attack = move |address: &str, stop: &AtomicBool| {
        while !stop.load(Ordering::Relaxed) {
            burst(address, &list, 500);
        }
    };
    check("500 answers of 7 MB", &[], attack, 1);
}

#[test]
#[ignore = "an attack that measures times: --ignored attacks::"]
fn answers_of_seven_megabytes_that_no_client_reads() {
    let list = request("ListUsers", json!({ "UserPoolId": "us-east-1_Poolproof" }).to_string().as_bytes());
    let attack = move |address: &str, stop: &AtomicBool| {
        while !stop.load(Ordering::Relaxed) {
            let mut streams: Vec<_> = (0..100).filter_map(|_| connect(address)).collect();
            streams.iter_mut().for_each(|stream| drop(stream.write_all(&list)));
            thread::sleep(Duration::from_millis(500));
        }
    };
    check("7 MB unread", &[], attack, 1);
}

/// Keeps connections open after one request each. With fewer, it opens more.
fn hold(address: &str, bytes: &[u8], count: usize, stop: &AtomicBool) {
    let mut streams = Vec::new();
    while streams.len() < count && !stop.load(Ordering::Relaxed) {
        if let Some(mut stream) = connect(address) {
            drop(stream.write_all(bytes));
            streams.push(stream);
        }
    }
    while !stop.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
#[ignore = "an attack that measures times: --ignored attacks::"]
fn more_idle_connections_than_the_limit() {
    let _ = rlimit::increase_nofile_limit(10_000);
    check("8,250 idle connections", &[], |address, stop| hold(address, HEALTH, 8250, stop), 1);
}

#[test]
#[ignore = "an attack that measures times: --ignored attacks::"]
fn more_incomplete_heads_than_the_limit() {
    let _ = rlimit::increase_nofile_limit(10_000);
    let flags = ["--request-timeout", "60"];
    check("8,250 incomplete heads", &flags, |address, stop| hold(address, &HEALTH[..20], 8250, stop), 1);
}

#[test]
#[ignore = "an attack that measures times: --ignored attacks::"]
fn long_invalid_bodies() {
    let body = json!({ "ClientId": "poolproof", "Unknown": "x".repeat(120_000) });
    let long = request("InitiateAuth", body.to_string().as_bytes());
    let attack = move |address: &str, stop: &AtomicBool| {
        while !stop.load(Ordering::Relaxed) {
            burst(address, &long, 20);
        }
    };
    check("bodies of 120 KB", &[], attack, 2);
}
