//! Third-party clients sign in to the server: boto3, pycognito, the AWS CLI, amazon-cognito-identity-js,
//! Amplify in Node and in a browser, cognito-srp-helper, and the AWS SDK for Rust with aws-cognito-srp.
//! aws-jwt-verify checks tokens.
//!
//! These tests are ignored by default, because they need python3, node 20, npm and Chromium and install
//! packages into `target/interop`. Run them with `cargo test --test it -- --ignored interop::`, or a single
//! one by its name. The tests with a hundred or more handshakes take minutes. Together they cover encodings
//! that occur only once in 256 handshakes. POOLPROOF_HANDSHAKES sets another number of handshakes.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::json;

use crate::browser::Browser;
use crate::run_fixture::root;
use crate::server_process::ServerProcess;

/// Locked while packages are installed.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Returns the folder for installed packages.
pub(crate) fn folder() -> PathBuf {
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

/// Returns POOLPROOF_HANDSHAKES, or `few` if it is not set.
fn handshakes(few: u32) -> u32 {
    std::env::var("POOLPROOF_HANDSHAKES").map_or(few, |number| number.parse().unwrap())
}

/// Returns a command that runs a script of `tests/interop` in Node with the installed packages.
fn node(script: &str) -> Command {
    node_with("package.json", "npm", script)
}

/// Returns a command that runs a script in Node with the packages in the file `list`.
pub(crate) fn node_with(list: &str, modules: &str, script: &str) -> Command {
    let modules = folder().join(modules);
    installed(list, &folder(), || {
        fs::create_dir_all(&modules).unwrap();
        fs::copy(root().join("tests/interop").join(list), modules.join("package.json")).unwrap();
        run_ok(
            Command::new("npm")
                .args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"])
                .arg(&modules),
        );
    });
    let mut node = Command::new("node");
    node.env("NODE_PATH", modules.join("node_modules")).arg(Path::new("tests/interop").join(script));
    node
}

/// Runs a script of `tests/interop` in Node against a new server, and checks the last line that it prints.
fn run_script(script: &str, handshakes: u32, last_line: &str) {
    let server = ServerProcess::start(&[]);
    let endpoint = format!("http://{}", server.address);
    let out = run_ok(node(script).args([&endpoint, &handshakes.to_string()]));
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
fn boto3_calls_the_other_operations() {
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
/// completes a handshake (report A1: amplify-js#14349). This takes a minute. Run it with
/// `cargo test --test it -- --ignored interop::amplify_signs_in_with_many_devices`.
#[test]
#[ignore = "needs node and installs packages: --ignored interop::"]
fn amplify_signs_in_with_many_devices() {
    let count = handshakes(40);
    run_script("amplify.mjs", count, &format!("4 scenes, {count} device handshakes"));
}

/// Each of sixty devices completes a handshake, with an app client that has a secret. This takes a minute.
/// Run it with
/// `cargo test --test it -- --ignored interop::cognito_srp_helper_signs_in_with_many_devices`.
#[test]
#[ignore = "needs node and installs packages: --ignored interop::"]
fn cognito_srp_helper_signs_in_with_many_devices() {
    let count = handshakes(60);
    run_script("srp-helper.mjs", count, &format!("{count} device handshakes"));
}

/// A verifier that derives the issuer from the pool id accepts the tokens, and refuses those of a server that
/// names its own address.
#[test]
#[ignore = "needs node and installs packages: --ignored interop::"]
fn aws_jwt_verify_accepts_tokens_with_the_issuer_of_aws() {
    let verify = |flags: &[&str]| {
        let server = ServerProcess::start(flags);
        let mut node = node("jwt-verify.mjs");
        node.current_dir(root()).arg(format!("http://{}", server.address)).output().unwrap()
    };
    let accepted = verify(&["--issuer", "aws"]);
    assert!(accepted.status.success(), "{accepted:?}");
    assert_eq!(accepted.stdout, b"2 tokens verified\n");
    let refused = verify(&[]);
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && error.contains("issuer not configured"), "{error}");
}

/// The lines for the AWS CLI in docs/serve.md run as they are, at another address.
#[test]
#[ignore = "needs python3 and installs packages: --ignored interop::"]
fn the_aws_cli_commands_of_the_documentation_work() {
    let page = fs::read_to_string(root().join("docs/serve.md")).unwrap();
    let mut blocks = page.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
    let lines = blocks.find(|block| block.contains("aws cognito-idp")).unwrap();
    let server = ServerProcess::start(&[]);
    let address = "http://127.0.0.1:9229";
    assert!(lines.contains(address), "{lines}");
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", &lines.replace(address, &format!("http://{}", server.address))]);
    let path = format!("{}:{}", python().parent().unwrap().display(), std::env::var("PATH").unwrap());
    bash.env("PATH", path)
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    let out = run_ok(&mut bash);
    for expected in [
        "\"UserStatus\": \"FORCE_CHANGE_PASSWORD\"",
        "\"Username\": \"cleo\"",
        "\"Devices\": []",
        "\"ChallengeRequiredOnNewDevice\": true",
    ] {
        assert!(out.contains(expected), "no {expected} in:\n{out}");
    }
}

/// Serves one page at every path of an address, which it returns.
pub(crate) fn serve_page(page: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().filter_map(Result::ok) {
            // The head of a browser's request arrives at once.
            drop(stream.read(&mut [0; 8192]));
            let length = page.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&page)));
        }
    });
    address
}

/// Amplify signs in from a page of another origin, so that the browser asks the server for permission (CORS).
/// The second sign-in proves the device of the first.
#[test]
#[ignore = "needs node and Chromium and installs packages: --ignored interop::"]
fn amplify_signs_in_from_a_page() {
    let folder = folder().join("page");
    fs::create_dir_all(&folder).unwrap();
    run_ok(node("page.mjs").arg(&folder));
    let server = ServerProcess::start(&[]);
    let user = json!({ "UserPoolId": "us-east-1_Poolproof", "Username": "pam" });
    server.call("AdminCreateUser", &user).json();
    let mut password = user;
    password["Password"] = json!("Correct-Horse-1");
    password["Permanent"] = json!(true);
    server.call("AdminSetUserPassword", &password).json();
    let mut browser = Browser::start("amplify");
    browser.navigate(&serve_page(fs::read(folder.join("index.html")).unwrap()));
    let arguments = json!({
        "userPoolId": "us-east-1_Poolproof", "userPoolClientId": "poolproof",
        "endpoint": format!("http://{}", server.address),
        "username": "pam", "password": "Correct-Horse-1",
    });
    let keys = browser.evaluate(&format!("signInTwice({arguments})"));
    let first = keys["first"].as_str().unwrap();
    assert!(first.starts_with("us-east-1_"), "{keys}");
    assert_eq!(keys, json!({ "first": first, "second": first, "listed": [first] }));
    let errors = browser.console_errors();
    assert!(!errors.iter().any(|error| error.contains("CORS") || error.contains("Failed")), "{errors:?}");
}

/// The AWS SDK for Rust and aws-cognito-srp, in a crate that is no part of the workspace: each of twenty
/// devices completes a handshake. The first run builds the SDK, which takes minutes.
#[test]
#[ignore = "builds the AWS SDK: --ignored interop::"]
fn the_rust_sdk_signs_in_with_many_devices() {
    let target = folder().join("rust-client");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--locked", "--quiet", "--manifest-path", "tests/interop/rust-client/Cargo.toml"]);
    run_ok(cargo.arg("--target-dir").arg(&target));
    let (server, count) = (ServerProcess::start(&[]), handshakes(20).to_string());
    let endpoint = format!("http://{}", server.address);
    let out = run_ok(Command::new(target.join("debug/poolproof-rust-client")).args([&endpoint, &count]));
    assert_eq!(out, format!("{count} device handshakes\n"));
}
