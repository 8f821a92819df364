//! Third-party emulators are checked against the rules and measured: moto and MiniStack.
//!
//! These tests are ignored by default, because they install packages into `target/interop`. Run them with
//! `cargo test --test it -- --ignored peers::`.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use poolproof::endpoint::{EndpointConfig, PoolSource};
use poolproof::http::client::{ClientLimits, Credentials, EndpointUrl};
use poolproof::run::{CancellationToken, RunEvent, RunOptions, run};

use crate::cli::poolproof;
use crate::interop::{folder, python_with};
use crate::run_fixture::{run_options, scenario};
use crate::server_process::ServerProcess;

/// The process of a third-party emulator. Dropping it kills the process.
struct Emulator(Child);

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts a third-party emulator and waits until it accepts connections.
fn emulator(program: &str, port: u16) -> Option<Emulator> {
    let python = python_with("peers.txt", "peers");
    let mut command = Command::new(python.with_file_name(program));
    if program == "moto_server" {
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    }
    command.env("GATEWAY_PORT", port.to_string()).stdout(Stdio::null()).stderr(Stdio::null());
    let emulator = Emulator(command.current_dir(folder()).spawn().unwrap());
    let is_listening = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    (0..300)
        .find(|_| {
            is_listening() || {
                std::thread::sleep(std::time::Duration::from_millis(100));
                false
            }
        })
        .unwrap();
    Some(emulator)
}

/// Returns the rules that an emulator breaks, and those that it follows.
fn conformance_results(program: &str, port: u16) -> Option<(Vec<String>, Vec<String>)> {
    let _emulator = emulator(program, port)?;
    let url = format!("http://127.0.0.1:{port}");
    let arguments = ["matrix", "--against", &url, "--format", "json"];
    let output = poolproof().args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(80));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rules_with = |standing: &str| {
        let rules = report["rules"].as_array().unwrap().iter().filter(|rule| rule["standing"] == standing);
        rules.map(|rule| rule["id"].as_str().unwrap().to_owned()).collect()
    };
    Some((rules_with("broken"), rules_with("followed")))
}

#[test]
#[ignore = "installs and starts other emulators: --ignored"]
fn emulators_break_the_rules_listed_in_the_readme() {
    let new_device = ["new-device-mfa", "new-device-mfa-setup", "new-device"];
    if let Some((broken, followed)) = conformance_results("moto_server", 5155) {
        let other = ["wrong-password", "untracked-mfa", "untracked"];
        assert_eq!((broken, followed), (words(&[&other[..], &new_device].concat()), Vec::new()));
    }
    if let Some((broken, followed)) = conformance_results("ministack", 5156) {
        let expected =
            (words(&[&["untracked-mfa"], &new_device[..]].concat()), words(&["wrong-password", "untracked"]));
        assert_eq!((broken, followed), expected);
    }
}

/// Returns the CPU time of a process in seconds. Linux reports it in hundredths.
#[cfg(target_os = "linux")]
fn cpu_of(id: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    // The process name in parentheses can contain any character. The state and ten more fields follow it.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    [fields[11], fields[12]].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

/// Runs password sign-ins over SRP for this many seconds. Returns their number per second of the server's CPU
/// time, and in total.
#[cfg(target_os = "linux")]
fn sign_ins_per_cpu_second(url: &str, id: u32, seconds: u32) -> (f64, u64) {
    let scenario = scenario(&format!(
        "version: 1
name: beside
clock: wall
pool: {{ remember: no }}
population: {{ users: 8, devices: 0 }}
workload: {{ model: closed, stages: [ {{ for: {seconds}s, users: 8 }} ], mix: {{ new_device: 100 }} }}
"
    ));
    // Measure from the first progress event to the last, without setup and cleanup.
    let measured = Arc::new(Mutex::new((None, (0, 0.0))));
    let shared = Arc::clone(&measured);
    let observer = Arc::new(move |event| {
        let RunEvent::Running { progress, .. } = event else { return };
        let now = (progress.live.started, cpu_of(id));
        let mut measured = shared.lock().unwrap();
        let (first, _) = *measured.0.get_or_insert(now);
        let cpu = now.1 - measured.0.unwrap().1;
        measured.1 = (now.0 - first, cpu);
    });
    let endpoint = EndpointConfig {
        address: EndpointUrl::parse(url).unwrap(),
        credentials: Some(Credentials::dummy()),
        limits: ClientLimits::DEFAULT,
        pool_source: PoolSource::New,
        options: Vec::new(),
    };
    let run_options = RunOptions { endpoint: Some(endpoint), observer, ..run_options(None) };
    let report = run(&scenario, &run_options, &CancellationToken::default()).unwrap().report;
    assert_eq!((report.sign_ins.completed, report.decisions.mismatched), (report.sign_ins.started, 0));
    let (count, cpu) = measured.lock().unwrap().1;
    (count as f64 / cpu, count)
}

/// Compares the servers one after the other, twice. Both verify a password claim and sign two tokens with
/// RS256.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "a measurement: --ignored --nocapture, in a release build"]
fn sign_in_throughput_compared_with_ministack() {
    for _ in 0..2 {
        let Some(emulator) = emulator("ministack", 5157) else { return };
        let (theirs, their_count) = sign_ins_per_cpu_second("http://127.0.0.1:5157", emulator.0.id(), 20);
        drop(emulator);
        let server = ServerProcess::start(&[]);
        let (ours, our_count) =
            sign_ins_per_cpu_second(&format!("http://{}", server.address), server.id(), 10);
        eprintln!(
            "sign-ins for each second of the server's CPU: MiniStack {theirs:.2} ({their_count}), poolproof {ours:.0} ({our_count}), ratio {:.0}",
            ours / theirs
        );
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
