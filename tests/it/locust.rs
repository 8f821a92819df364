//! Workers of Locust with a master that these tests play.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::Duration;

use poolproof::run::ShardFile;
use serde::de::{IgnoredAny, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::timeout;
use zeromq::{RouterSocket, Socket as _, SocketRecv as _, SocketSend as _, ZmqMessage};

use crate::cli::{output, poolproof};
use crate::target_cli::Running;

/// A scenario whose sign-ins cost little and take no time of people.
pub(crate) const LIVE: &str = "version: 1
name: live
group: toy
clock: wall
pool: { remember: always, suppress_mfa: true, mfa: optional }
population: { users: 400, factors: { none: 50, totp: 50 }, devices: 1 }
workload:
  stages: [ { for: 1s, rate: 1/s } ]
  mix: { known_device: 80, new_device: 10, wrong_password: 10 }
";

/// Time for anything that a worker has to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A message of a worker. Bytes and numbers as keys have no form in JSON, so the parts that matter are read.
#[derive(Deserialize, Debug)]
#[serde(untagged)]
enum WorkerMessage {
    Report(String, Box<Report>, String),
    Other(String, IgnoredAny, String),
}

#[derive(Deserialize, Debug)]
struct Report {
    sequence: u64,
    test: u64,
    shard: u32,
    last: bool,
    stats: Stats,
    state: Bytes,
}

#[derive(Deserialize, Debug)]
struct Stats {
    stats: Vec<Row>,
    stats_total: Row,
    errors: BTreeMap<String, IgnoredAny>,
    user_count: u32,
}

#[derive(Deserialize, Debug)]
struct Row {
    name: String,
    method: String,
    num_requests: u64,
    response_times: BTreeMap<u64, u64>,
}

#[derive(Debug)]
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl Visitor<'_> for BytesVisitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

/// A master that a test plays.
struct Master {
    socket: RouterSocket,
    address: String,
}

impl Master {
    async fn bind() -> Self {
        let mut socket = RouterSocket::new();
        let endpoint = socket.bind("tcp://127.0.0.1:0").await.unwrap().to_string();
        Self { socket, address: endpoint.trim_start_matches("tcp://").to_owned() }
    }

    /// Starts a worker of this master.
    fn worker(&self, arguments: &[&str]) -> Running {
        let mut command = poolproof();
        command.args(["worker", "--locust", &self.address]).args(arguments);
        Running(command.stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Returns the next message besides heartbeats, which are echoed, and the id of its worker.
    async fn next(&mut self) -> (String, Option<Box<Report>>, String) {
        loop {
            let message = timeout(PATIENCE, self.socket.recv()).await.expect("no message").unwrap();
            let id = String::from_utf8(message.get(0).unwrap().to_vec()).unwrap();
            let (kind, report, node) = match rmp_serde::from_slice(message.get(1).unwrap()).unwrap() {
                WorkerMessage::Report(kind, report, node) => (kind, Some(report), node),
                WorkerMessage::Other(kind, _, node) => (kind, None, node),
            };
            assert_eq!(id, node, "the identity of the socket is the id of the worker");
            if kind == "heartbeat" {
                self.send(&id, "heartbeat", ()).await;
                continue;
            }
            return (kind, report, id);
        }
    }

    /// Returns the id of the worker whose next message is of this kind.
    async fn expect(&mut self, wanted: &str) -> String {
        let (kind, _, id) = self.next().await;
        assert_eq!(kind, wanted);
        id
    }

    async fn send(&mut self, id: &str, kind: &str, data: impl Serialize) {
        self.send_frame(id, rmp_serde::to_vec_named(&(kind, data, id)).unwrap()).await;
    }

    async fn send_frame(&mut self, id: &str, frame: Vec<u8>) {
        let mut message = ZmqMessage::from(id.as_bytes().to_vec());
        message.push_back(frame.into());
        self.socket.send(message).await.unwrap();
    }

    /// Assigns the scenario and registers the worker.
    async fn register(&mut self, session: &str) -> String {
        let id = self.expect("poolproof_hello").await;
        self.assign(&id, session, LIVE).await;
        assert_eq!(self.expect("client_ready").await, id);
        self.send(&id, "ack", json!({ "index": 0 })).await;
        id
    }

    async fn assign(&mut self, id: &str, session: &str, scenario: &str) {
        self.assign_in(id, (session, None), scenario).await;
    }

    /// Assigns a scenario while this test runs.
    async fn assign_in(&mut self, id: &str, (session, test): (&str, Option<u64>), scenario: &str) {
        let assignment = json!({
            "protocol": 1, "session": session, "test": test, "shard": 1, "shards": 2, "file": "live.yaml", "scenario": scenario,
            "set": [], "target": null,
        });
        self.send(id, "poolproof_assignment", assignment).await;
    }

    async fn spawn(&mut self, id: &str, test: u64, timestamp: f64, users: u32) {
        let spawn = json!({
            "timestamp": timestamp, "user_classes_count": { "Poolproof": users }, "host": null, "stop_timeout": 0.0,
            "parsed_options": { "poolproof_test": test, "rate_per_user": 10.0, "headless": true },
        });
        self.send(id, "spawn", spawn).await;
        assert_eq!(self.expect("spawning").await, id);
        assert_eq!(self.expect("spawning_complete").await, id);
    }

    async fn acknowledge(&mut self, id: &str, report: &Report) {
        self.send(id, "poolproof_ack", json!({ "sequence": report.sequence })).await;
    }
}

/// Waits for the end of a worker. Returns its exit code and what it printed to standard error.
async fn ended(mut worker: Running) -> (Option<i32>, String) {
    // The sockets of the master need the thread meanwhile.
    let wait = move || {
        let mut text = String::new();
        let child: &mut Child = &mut worker.0;
        child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        (child.wait().unwrap().code(), text)
    };
    tokio::task::spawn_blocking(wait).await.unwrap()
}

fn sign_ins(report: &Report) -> u64 {
    ShardFile::parse(std::str::from_utf8(&report.state.0).unwrap()).unwrap().sign_ins()
}

#[tokio::test]
async fn reports_sum_to_the_lossless_state() {
    let mut master = Master::bind().await;
    let worker = master.worker(&[]);
    let id = master.register("session").await;
    master.spawn(&id, 1, 1.0, 3).await;
    let (mut sum, mut by_rows, mut number) = (0, 0, 0);
    let mut changes = [(2.0, 5), (3.0, 0)].into_iter();
    let last = loop {
        let (kind, report, _) = master.next().await;
        let report = report.unwrap_or_else(|| panic!("{kind}"));
        number += 1;
        assert_eq!((report.sequence, report.test, report.shard), (number, 1, 1));
        let total = &report.stats.stats_total;
        assert_eq!((total.name.as_str(), total.method.as_str()), ("Aggregated", ""));
        sum += total.num_requests;
        by_rows += report
            .stats
            .stats
            .iter()
            .filter(|row| row.method == "sign-in")
            .map(|row| row.num_requests)
            .sum::<u64>();
        assert_eq!(total.response_times.values().sum::<u64>(), total.num_requests);
        assert_eq!(sign_ins(&report), sum, "both are of the same moment");
        master.acknowledge(&id, &report).await;
        if report.last {
            break report;
        }
        match changes.next() {
            Some((timestamp, users)) => master.spawn(&id, 1, timestamp, users).await,
            None => master.send(&id, "poolproof_finish", ()).await,
        }
    };
    assert!(sum > 50 && by_rows == sum, "{sum} sign-ins, {by_rows} in rows");
    assert_eq!(last.stats.user_count, 0);
    master.send(&id, "quit", ()).await;
    let (code, text) = ended(worker).await;
    assert_eq!(code, Some(0), "{text}");
}

#[tokio::test]
async fn a_worker_serves_one_test_after_the_other() {
    let mut master = Master::bind().await;
    let worker = master.worker(&["--id", "one"]);
    for test in 1..3 {
        let id = master.register("session").await;
        assert_eq!(id, "one");
        // A stop before the start changes nothing.
        master.send(&id, "stop", ()).await;
        master.expect("client_stopped").await;
        master.expect("client_ready").await;
        master.send(&id, "ack", json!({ "index": 0 })).await;
        master.spawn(&id, test, 1.0, 2).await;
        master.send(&id, "stop", ()).await;
        let (_, report, _) = master.next().await;
        let report = report.unwrap();
        assert!(report.last && report.test == test);
        master.acknowledge(&id, &report).await;
        master.expect("client_stopped").await;
    }
    let id = master.expect("poolproof_hello").await;
    master.send(&id, "quit", ()).await;
    assert_eq!(ended(worker).await.0, Some(0));
}

#[tokio::test]
async fn errors_are_counted_by_rule() {
    let mut master = Master::bind().await;
    let worker = master.worker(&[]);
    let id = master.expect("poolproof_hello").await;
    master.assign(&id, "session", &LIVE.replace("wrong_password: 10", "wrong_password: 900")).await;
    master.expect("client_ready").await;
    master.send(&id, "ack", json!({ "index": 0 })).await;
    master.spawn(&id, 1, 1.0, 5).await;
    let (_, report, _) = master.next().await;
    let errors: Vec<String> = report.unwrap().stats.errors.into_keys().collect();
    assert!(errors.iter().any(|error| error.contains("refused.wrong-password: ")), "{errors:?}");
    master.send(&id, "quit", ()).await;
    drop(worker);
}

#[tokio::test]
async fn a_lost_report_is_sent_again() {
    let mut master = Master::bind().await;
    let worker = master.worker(&[]);
    let id = master.register("session").await;
    master.spawn(&id, 1, 1.0, 3).await;
    let (_, first, _) = master.next().await;
    let first = first.unwrap();
    // The master asks for a new connection, and has not counted the report.
    master.send(&id, "reconnect", ()).await;
    assert_eq!(master.expect("poolproof_hello").await, id);
    master.assign_in(&id, ("session", Some(1)), LIVE).await;
    master.expect("client_ready").await;
    master.send(&id, "ack", json!({ "index": 0 })).await;
    let (_, again, _) = master.next().await;
    let again = again.unwrap();
    assert_eq!((again.sequence, &again.state.0), (first.sequence, &first.state.0));
    master.acknowledge(&id, &again).await;
    master.spawn(&id, 1, 2.0, 3).await;
    master.send(&id, "quit", ()).await;
    let (_, last, _) = master.next().await;
    let last = last.unwrap();
    let counted = again.stats.stats_total.num_requests + last.stats.stats_total.num_requests;
    assert!(last.last && sign_ins(&last) == counted, "{} of {counted}", sign_ins(&last));
    master.acknowledge(&id, &last).await;
    assert_eq!(ended(worker).await.0, Some(0));
}

#[tokio::test]
async fn what_cannot_run_is_refused() {
    let both = LIVE.split("workload:").next().unwrap().to_owned()
        + "workloads:\n  - { name: open, stages: [ { for: 1s, rate: 1/s } ] }\n  \
           - { name: closed, model: closed, stages: [ { for: 1s, users: 1 } ] }\n";
    for (scenario, code, wanted) in [
        (LIVE.replace("clock: wall", "clock: virtual"), 2, "--set clock=wall"),
        (LIVE.replace("mix:", "mixture:"), 104, "unknown"),
        (both, 2, "must be all open or all closed"),
    ] {
        let mut master = Master::bind().await;
        let worker = master.worker(&[]);
        let id = master.expect("poolproof_hello").await;
        master.assign(&id, "session", &scenario).await;
        // The message is in Locust's table of exceptions too.
        assert_eq!(master.expect("exception").await, id);
        let (ended, text) = ended(worker).await;
        assert!(ended == Some(code) && text.contains(wanted), "{ended:?} {text}");
    }
}

#[tokio::test]
async fn frames_that_are_no_messages_end_the_worker() {
    let mut master = Master::bind().await;
    let worker = master.worker(&[]);
    let id = master.expect("poolproof_hello").await;
    for _ in 0..16 {
        master.send_frame(&id, b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await;
    }
    let (code, text) = ended(worker).await;
    assert!(code == Some(107) && text.contains("is no Locust master: 16 frames in a row"), "{code:?} {text}");
}

#[tokio::test]
async fn a_flood_of_messages_is_survived() {
    let mut master = Master::bind().await;
    let worker = master.worker(&[]);
    let id = master.register("session").await;
    for number in 0..20_000 {
        let kind = ["heartbeat", "ack", "update_user_class", "poolproof_finish"][number % 4];
        master.send(&id, kind, ()).await;
    }
    master.spawn(&id, 1, 1.0, 1).await;
    master.send(&id, "quit", ()).await;
    let (_, report, _) = master.next().await;
    master.acknowledge(&id, &report.unwrap()).await;
    assert_eq!(ended(worker).await.0, Some(0));
}

#[test]
fn a_port_of_another_protocol_is_no_master() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // Accepts connections and is silent.
    std::thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    let (code, _, text) =
        output(poolproof().args(["worker", "--locust", &address, "--connect-timeout", "3s"]));
    assert!(
        code == 107 && text.contains(&format!("no Locust master at {address} within 3s")),
        "{code} {text}"
    );
    assert!(text.contains("it does not speak ZeroMQ"), "{text}");
}

#[test]
fn a_worker_without_a_master_names_it_and_exits_107() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (code, _, text) = output(poolproof().args(["worker", "--locust", &free, "--connect-timeout", "1s"]));
    assert_eq!(code, 107);
    assert!(text.contains(&format!("waiting for the Locust master at {free} (at most 1s)")), "{text}");
    assert!(text.contains(&format!("no Locust master at {free} within 1s")), "{text}");
    for wrong in ["http://127.0.0.1:5557", "127.0.0.1", ":5557", "127.0.0.1:99999"] {
        let (code, _, text) = output(poolproof().args(["worker", "--locust", wrong]));
        assert!(code == 2 && text.contains("expected HOST:PORT"), "{text}");
    }
}

#[test]
fn the_locustfile_is_printed() {
    let (code, text, _) = output(poolproof().arg("locustfile"));
    assert_eq!((code, text.as_str()), (0, poolproof::locust::LOCUSTFILE));
}
