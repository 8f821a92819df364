//! Third-party clients sign in to the server: boto3, pycognito, amazon-cognito-identity-js, Amplify and
//! cognito-srp-helper. Third-party emulators are checked against the rules: moto and MiniStack.
//!
//! These tests are ignored by default, because they need python3, node 20 and npm and install packages into
//! `target/interop`. Run them with `cargo test --test it -- --ignored interop::`, or a single one by its
//! name. The tests with a hundred or more handshakes take minutes. Together they cover encodings that occur
//! only once in 256 handshakes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use poolproof::endpoint::{EndpointConfig, PoolSource};
use poolproof::http::client::{ClientLimits, Credentials, EndpointUrl};
use poolproof::run::{CancellationToken, RunEvent, RunOptions, run};

use crate::cli::poolproof;
use crate::run_fixture::{root, run_options, scenario};
use crate::server_process::ServerProcess;

/// Locked while packages are installed.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Returns the folder for installed packages.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("interop");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs a command in the project's folder and returns its standard output. Panics if the command fails.
pub(crate) fn run_ok(command: &mut Command) -> String {
    let output = command.current_dir(root()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
    out
}

/// Calls `install` unless it has already installed the packages in the file `list`.
fn installed(list: &str, into: &Path, install: impl Fn()) {
    let _guard = INSTALLING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let wanted = fs::read_to_string(root().join("tests/interop").join(list)).unwrap();
    let marker = into.join(format!("installed-{list}"));
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return;
    }
    install();
    fs::write(marker, wanted).unwrap();
}

/// Returns the path of a Python that has the clients.
fn python() -> PathBuf {
    python_with("requirements.txt", "venv")
}

/// Returns the path of a Python that has the packages in the file `list`.
pub(crate) fn python_with(list: &str, venv: &str) -> PathBuf {
    let venv = folder().join(venv);
    let python = venv.join("bin/python");
    installed(list, &folder(), || {
        run_ok(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
        let flags = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
        run_ok(Command::new(&python).args(flags).arg(Path::new("tests/interop").join(list)));
    });
    python
}

fn python_scenes(handshakes: u32) {
    let python = python();
    let server = ServerProcess::start(&[]);
    let endpoint = format!("http://{}", server.address);
    let out = run_ok(
        Command::new(python).arg("tests/interop/scenes.py").args([&endpoint, &handshakes.to_string()]),
    );
    assert!(out.ends_with(&format!("16 scenes, {handshakes} device handshakes\n")), "{out}");
}

/// Runs a script of `tests/interop` in Node against a new server, and checks the last line that it prints.
fn run_script(script: &str, handshakes: u32, last_line: &str) {
    let modules = folder().join("npm");
    installed("package.json", &folder(), || {
        fs::create_dir_all(&modules).unwrap();
        fs::copy(root().join("tests/interop/package.json"), modules.join("package.json")).unwrap();
        run_ok(
            Command::new("npm")
                .args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"])
                .arg(&modules),
        );
    });
    let server = ServerProcess::start(&[]);
    let endpoint = format!("http://{}", server.address);
    let mut node = Command::new("node");
    node.env("NODE_PATH", modules.join("node_modules"));
    node.arg(Path::new("tests/interop").join(script)).args([&endpoint, &handshakes.to_string()]);
    let out = run_ok(&mut node);
    assert!(out.ends_with(&format!("{last_line}\n")), "{out}");
}

fn node_scenes(handshakes: u32) {
    run_script("scenes.cjs", handshakes, &format!("8 scenes, {handshakes} device handshakes"));
}

#[test]
#[ignore = "needs python3 or node and installs packages: --ignored interop::"]
fn request_keys_match_the_api_model() {
    let out = run_ok(Command::new(python()).arg("tests/interop/model.py"));
    assert!(out.ends_with("operations are the model's\n"), "{out}");
}

#[test]
#[ignore = "needs python3 or node and installs packages: --ignored interop::"]
fn boto3_and_pycognito_play_every_scene() {
    python_scenes(10);
}

#[test]
#[ignore = "needs python3 or node and installs packages: --ignored interop::"]
fn boto3_calls_the_operations_around_sign_in() {
    let python = python();
    let server = ServerProcess::start(&[]);
    let endpoint = format!("http://{}", server.address);
    let out = run_ok(Command::new(python).arg("tests/interop/accounts.py").arg(&endpoint));
    assert!(out.ends_with("7 scenes\n"), "{out}");
}

#[test]
#[ignore = "needs python3 or node and installs packages: --ignored interop::"]
fn amazon_cognito_identity_js_plays_every_scene() {
    node_scenes(2);
}

#[test]
#[ignore = "a thousand handshakes take minutes: --ignored"]
fn a_thousand_handshakes_of_pycognito() {
    python_scenes(1000);
}

#[test]
#[ignore = "a hundred handshakes in plain JavaScript take minutes: --ignored"]
fn a_hundred_handshakes_of_amazon_cognito_identity_js() {
    node_scenes(100);
}

/// A confirmed device replaces the user's TOTP in the following sign-ins, and each of forty devices
/// completes a handshake. This takes a minute. Run it with
/// `cargo test --test it -- --ignored interop::amplify_signs_in_with_many_devices`.
#[test]
#[ignore = "needs node and installs packages: --ignored interop::"]
fn amplify_signs_in_with_many_devices() {
    run_script("amplify.mjs", 40, "4 scenes, 40 device handshakes");
}

/// Each of sixty devices completes a handshake, with an app client that has a secret. This takes a minute.
/// Run it with
/// `cargo test --test it -- --ignored interop::cognito_srp_helper_signs_in_with_many_devices`.
#[test]
#[ignore = "needs node and installs packages: --ignored interop::"]
fn cognito_srp_helper_signs_in_with_many_devices() {
    run_script("srp-helper.mjs", 60, "60 device handshakes");
}

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
        let other = ["wrong-password", "replayed-claim", "untracked-mfa", "untracked"];
        assert_eq!((broken, followed), (words(&[&other[..], &new_device].concat()), Vec::new()));
    }
    if let Some((broken, followed)) = conformance_results("ministack", 5156) {
        let other: &[&str] = &["replayed-claim", "untracked-mfa"];
        let expected = (words(&[other, &new_device].concat()), words(&["wrong-password", "untracked"]));
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
