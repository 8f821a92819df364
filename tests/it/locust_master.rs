//! Workers of Locust with a real Locust master, and its web interface.
//!
//! These tests are ignored by default, because they need python3 and install Locust into `target/interop`.
//! Run them with `cargo test --test it -- --ignored locust_master::`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use poolproof::report::Report;
use serde_json::Value;

use crate::cli::poolproof;
use crate::interop::python_with;
use crate::locust::LIVE;
use crate::run_fixture::empty_folder;
use crate::target_cli::{Running, wait_until};

/// Locust with our locustfile, and its workers.
struct Locust {
    folder: PathBuf,
    port: u16,
    web: u16,
}

impl Locust {
    fn new(name: &str) -> Self {
        let folder = empty_folder("locust", name);
        let locustfile = poolproof().arg("locustfile").output().unwrap();
        fs::write(folder.join("locustfile.py"), locustfile.stdout).unwrap();
        fs::write(folder.join("live.yaml"), LIVE).unwrap();
        Self { folder, port: free_port(), web: free_port() }
    }

    /// Starts a master for this many workers.
    fn master(&self, workers: u32, arguments: &[&str]) -> Running {
        let mut command = Command::new(python_with("locust.txt", "locust"));
        command.args(["-m", "locust", "--master", "-f", "locustfile.py", "--scenario", "live.yaml"]);
        command.args(["--master-bind-host", "127.0.0.1", "--master-bind-port", &self.port.to_string()]);
        command.args(["--web-host", "127.0.0.1", "--web-port", &self.web.to_string()]);
        command.args([
            "--expect-workers",
            &workers.to_string(),
            "--poolproof",
            env!("CARGO_BIN_EXE_poolproof"),
        ]);
        command
            .args(["--json-file", "stats", "--poolproof-out", "out", "--rate-per-user", "5"])
            .args(arguments);
        let log = fs::File::create(self.folder.join("master.log")).unwrap();
        command.current_dir(&self.folder).stdin(Stdio::null());
        Running(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
    }

    fn workers(&self, count: u32) -> Vec<Running> {
        let worker = |nth| {
            let mut command = poolproof();
            command.args(["worker", "--locust", &format!("127.0.0.1:{}", self.port)]);
            command.args(["--id", &format!("worker-{nth}")]);
            let log = fs::File::create(self.folder.join(format!("worker-{nth}.log"))).unwrap();
            Running(command.stderr(log).spawn().unwrap())
        };
        (0..count).map(worker).collect()
    }

    /// Returns everything that all processes have printed, for messages.
    fn logs(&self) -> String {
        let log =
            |path: &Path| format!("{}:\n{}\n", path.display(), fs::read_to_string(path).unwrap_or_default());
        let paths = fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|one| one == "log")).map(|path| log(&path)).collect()
    }

    fn report(&self) -> Report {
        let path = self.folder.join("out/live/report.json");
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{error}\n{}", self.logs()));
        serde_json::from_str(&text).unwrap()
    }

    /// Waits for the end of these processes. Returns their exit codes.
    fn end(&self, processes: Vec<Running>) -> Vec<Option<i32>> {
        let end = |mut process: Running| {
            wait_until("the end of a process", || process.0.try_wait().unwrap().is_some());
            process.0.wait().unwrap().code()
        };
        processes.into_iter().map(end).collect()
    }

    /// Checks that Locust has counted the sign-ins of the report, and their latencies as far as it rounds.
    fn assert_counted(&self) {
        let (report, logs) = (self.report(), self.logs());
        let rows: Vec<Value> =
            serde_json::from_str(&fs::read_to_string(self.folder.join("stats.json")).unwrap()).unwrap();
        let [row] = rows.iter().filter(|row| row["method"] == "sign-in").collect::<Vec<_>>()[..] else {
            panic!("{rows:?}\n{logs}")
        };
        assert_eq!(row["num_requests"], report.sign_ins.started, "{logs}");
        assert_eq!(row["num_failures"], report.sign_ins.refused, "{logs}");
        let times = row["response_times"].as_object().unwrap().values();
        let times: u64 = times.map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(times, report.latency.sign_in.intended.count, "{logs}");
        let intended = &report.latency.sign_in.intended;
        for (quantile, us) in [(0.5, intended.p50_us), (0.9, intended.p90_us), (1.0, intended.max_us)] {
            let (locust, ms) = (percentile(row, quantile), us.unwrap() as f64 / 1000.0);
            // Its buckets are 1 ms wide, and 10 % from 10 ms on.
            assert!(
                (locust - ms).abs() <= (ms * 0.1).max(1.0),
                "p{quantile}: {locust} ms and {ms} ms\n{logs}"
            );
        }
        for row in rows.iter().filter(|row| row["method"] == "step") {
            let step = &report.latency.steps[row["name"].as_str().unwrap()];
            assert_eq!(row["num_requests"], step.count, "{row}");
        }
    }

    /// Sends a request to the web interface and returns the body of the response.
    fn web(&self, request: &str, body: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.web)).ok()?;
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        text.starts_with("HTTP/1.1 200")
            .then(|| text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()))?
    }

    /// Returns the statistics of the web interface.
    fn statistics(&self) -> Option<Value> {
        serde_json::from_str(&self.web("GET /stats/requests", "")?).ok()
    }

    /// Waits until the web interface shows this many workers that are ready, and then this many requests.
    fn wait_for(&self, workers: usize, requests: u64) {
        wait_until("workers and requests", || {
            self.statistics().is_some_and(|all| {
                let total =
                    all["stats"].as_array().unwrap().iter().find(|row| row["name"] == "Aggregated").cloned();
                all["workers"].as_array().is_some_and(|all| all.len() == workers)
                    && total.is_some_and(|row| row["num_requests"].as_u64() >= Some(requests))
            })
        });
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Computes a percentile as Locust does.
fn percentile(row: &Value, quantile: f64) -> f64 {
    let times = row["response_times"].as_object().unwrap().iter();
    let mut times: Vec<(u64, u64)> =
        times.map(|(ms, count)| (ms.parse().unwrap(), count.as_u64().unwrap())).collect();
    times.sort_unstable();
    let all = row["num_requests"].as_u64().unwrap();
    let below = (all as f64 * quantile) as u64;
    let mut processed = 0;
    for (ms, count) in times.into_iter().rev() {
        processed += count;
        if all - processed <= below {
            return ms as f64;
        }
    }
    0.0
}

/// Exit codes of a master whose run was judged: passed, or the machine was too slow for exact figures.
const JUDGED: [Option<i32>; 2] = [Some(0), Some(83)];

#[test]
#[ignore = "needs python3 and installs Locust"]
fn two_and_four_workers_are_counted_exactly() {
    for count in [2, 4] {
        let locust = Locust::new(&format!("exact-{count}"));
        let master = locust.master(count, &["--headless", "-u", "9", "-r", "3", "-t", "8s"]);
        let workers = locust.workers(count);
        assert!(locust.end(workers).iter().all(|code| *code == Some(0)), "{}", locust.logs());
        assert!(JUDGED.contains(&locust.end(vec![master])[0]), "{}", locust.logs());
        locust.assert_counted();
        let report = locust.report();
        assert!(report.sign_ins.started > 100 && report.sign_ins.unfinished == 0, "{}", locust.logs());
        assert_eq!(report.shards.map(|shards| (shards.count, shards.missing.len())), Some((count, 0)));
    }
}

#[test]
#[ignore = "needs python3 and installs Locust"]
fn closed_scenarios_have_a_loop_for_each_user() {
    let locust = Locust::new("closed");
    let closed = LIVE.replace(
        "stages: [ { for: 1s, rate: 1/s } ]",
        "model: closed\n  think_time: 50ms\n  stages: [ { for: 1s, users: 1 } ]",
    );
    fs::write(locust.folder.join("live.yaml"), closed).unwrap();
    let master = locust.master(2, &["--headless", "-u", "8", "-r", "8", "-t", "6s"]);
    assert!(locust.end(locust.workers(2)).iter().all(|code| *code == Some(0)), "{}", locust.logs());
    assert!(JUDGED.contains(&locust.end(vec![master])[0]), "{}", locust.logs());
    locust.assert_counted();
    assert!(locust.report().sign_ins.started > 50, "{}", locust.logs());
}

#[test]
#[ignore = "needs python3 and installs Locust"]
fn the_others_go_on_without_a_killed_worker() {
    let locust = Locust::new("killed");
    let master = locust.master(2, &["-u", "6", "-r", "6"]);
    let mut workers = locust.workers(2);
    locust.wait_for(2, 0);
    locust.web("POST /swarm", "user_count=6&spawn_rate=6").unwrap();
    locust.wait_for(2, 60);
    drop(workers.pop());
    locust.wait_for(2, 150);
    locust.web("POST /stop", "").unwrap_or_default();
    let partial = || fs::read_to_string(locust.folder.join("out/live/report.json")).is_ok();
    wait_until("the report", partial);
    let stop = Command::new("kill").args(["-TERM", &master.0.id().to_string()]).status();
    assert!(stop.unwrap().success());
    assert_eq!(locust.end(workers), [Some(0)], "{}", locust.logs());
    assert_eq!(locust.end(vec![master]), [Some(105)], "{}", locust.logs());
    locust.assert_counted();
    let report = locust.report();
    let sentence = &report.verdict.sentences[0];
    assert!(sentence.contains("of 2 ended early; figures include its sign-ins until then."), "{sentence}");
}

#[test]
#[ignore = "needs python3 and installs Locust"]
fn workers_come_back_to_a_restarted_master() {
    let locust = Locust::new("restarted");
    let first = locust.master(2, &["--headless", "-u", "6", "-r", "6", "-t", "10m"]);
    let workers = locust.workers(2);
    let log = || fs::read_to_string(locust.folder.join("master.log")).unwrap_or_default();
    wait_until("the first test", || log().contains("sign-in "));
    drop(first);
    let second = locust.master(2, &["--headless", "-u", "6", "-r", "6", "-t", "6s"]);
    assert_eq!(locust.end(workers), [Some(0), Some(0)], "{}", locust.logs());
    assert!(JUDGED.contains(&locust.end(vec![second])[0]), "{}", locust.logs());
    // Nothing of the first test is in the counts of the second.
    locust.assert_counted();
    assert_eq!(locust.report().sign_ins.unfinished, 0);
}

#[test]
#[ignore = "needs python3 and installs Locust"]
fn the_web_interface_starts_and_stops_tests() {
    let locust = Locust::new("web");
    let master = locust.master(2, &[]);
    let workers = locust.workers(2);
    let mut reports = Vec::new();
    for users in [4, 8] {
        locust.wait_for(2, 0);
        locust.web("POST /swarm", &format!("user_count={users}&spawn_rate=8")).unwrap();
        // The interface shows statistics that can be two seconds old.
        wait_until("the users", || locust.statistics().is_some_and(|all| all["user_count"] == users));
        locust.wait_for(2, 40);
        locust.web("POST /swarm", &format!("user_count={}&spawn_rate=8", users / 2)).unwrap();
        wait_until("requests per second", || {
            locust.statistics().is_some_and(|all| all["total_rps"].as_f64() > Some(0.0))
        });
        locust.web("POST /stop", "").unwrap();
        wait_until("the report of the same count", || {
            let counted = locust.statistics().and_then(|all| {
                let rows = all["stats"].as_array()?.iter();
                rows.filter(|row| row["name"] == "Aggregated").find_map(|row| row["num_requests"].as_u64())
            });
            let path = locust.folder.join("out/live/report.json");
            let report = fs::read_to_string(path).ok();
            let report = report.and_then(|text| serde_json::from_str::<Report>(&text).ok());
            counted.is_some() && report.map(|report| report.sign_ins.started) == counted
        });
        let report = locust.report();
        reports.push(report.environment.unwrap().started_at);
    }
    assert_ne!(reports[0], reports[1], "each test has its own report");
    let stop = Command::new("kill").args(["-TERM", &master.0.id().to_string()]).status();
    assert!(stop.unwrap().success());
    assert_eq!(locust.end(workers), [Some(0), Some(0)], "{}", locust.logs());
    assert!(JUDGED.contains(&locust.end(vec![master])[0]), "{}", locust.logs());
}

#[test]
#[ignore = "needs python3 and installs Locust"]
fn more_workers_than_shards_are_refused() {
    let locust = Locust::new("too-many");
    let arguments = ["--headless", "-u", "2", "-t", "3s", "--poolproof-shards", "1"];
    let master = locust.master(1, &arguments);
    let workers = locust.workers(2);
    let mut codes = locust.end(workers);
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(2)], "{}", locust.logs());
    assert!(locust.logs().contains("all 1 shards have workers"), "{}", locust.logs());
    assert!(JUDGED.contains(&locust.end(vec![master])[0]), "{}", locust.logs());
}
