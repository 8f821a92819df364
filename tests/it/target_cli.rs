//! The command line of `run --target`: interrupts, users from a file, TLS; and `run --prometheus`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use poolproof::clock::{Clock, ClockKind};
use poolproof::report::{Report, read};
use poolproof_cognito::totp::{TotpSecret, step_at};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::cli::{output, poolproof};
use crate::fault_proxy::message;
use crate::run_fixture::empty_folder;
use crate::server_process::ServerProcess;

pub(crate) const POOL: &str = "us-east-1_Poolproof";

/// Writes a scenario for this number of users to an empty folder of this test and returns its path.
pub(crate) fn scenario(name: &str, users: u32, stage: &str) -> PathBuf {
    let folder = empty_folder("abroad", name);
    let text = format!(
        "version: 1
name: abroad
clock: wall
pool: {{ remember: always, suppress_mfa: true, mfa: optional }}
population: {{ users: {users}, devices: 1 }}
workload: {{ stages: [ {{ {stage} }} ], mix: {{ known_device: 80, new_device: 20 }} }}
"
    );
    let file = folder.join("abroad.yaml");
    fs::write(&file, text).unwrap();
    file
}

/// Returns the command `poolproof run` for this file, with its reports in the same folder.
pub(crate) fn run(file: &Path, arguments: &[&str]) -> Command {
    let mut command = poolproof();
    command.arg("run").arg(file).arg("--out").arg(file.with_file_name("out")).args(arguments);
    // The environment of the developer must not affect the test.
    let credentials = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let proxies = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let others = ["SSL_CERT_FILE", "SSL_CERT_DIR", "NO_PROXY", "no_proxy"];
    for name in credentials.iter().chain(&proxies).chain(&others) {
        command.env_remove(name);
    }
    command.env("AWS_SHARED_CREDENTIALS_FILE", file.with_file_name("no-credentials"));
    command
}

/// Returns whether the run passed. On a busy machine the generator can be late (83), which is allowed.
pub(crate) const fn passed_or_saturated(code: i32) -> bool {
    matches!(code, 0 | 83)
}

pub(crate) fn report(file: &Path) -> Report {
    read(&file.with_file_name("out").join("abroad/report.json")).unwrap()
}

pub(crate) fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// Waits until the condition is true, for at most one minute.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..600 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("timeout: {what}");
}

/// A run that is killed on drop.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[cfg(unix)]
pub(crate) fn interrupt_and_wait(mut running: Running) -> Option<i32> {
    let id = running.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    running.0.wait().unwrap().code()
}

#[cfg(unix)]
#[test]
fn an_interrupt_removes_created_users_and_pools() {
    let served = ServerProcess::start(&[]);
    let url = format!("http://{}", served.address);
    let pools = || {
        let listed = served.call("ListUserPools", &json!({ "MaxResults": 60 })).json();
        listed["UserPools"].as_array().unwrap().len()
    };
    let start = |file: &Path, arguments: &[&str]| {
        let mut command = run(file, &[&["--target", &url], arguments].concat());
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    };
    let asked = |operation: &str| {
        let line = format!("poolproof_requests_total{{operation=\"{operation}\",outcome=\"ok\"}}");
        get(&served.address, "/metrics").lines().any(|text| text.starts_with(&line))
    };

    // Interrupt during the set-up of users.
    let file = scenario("moving", 10_000, "for: 1h, rate: 5/s");
    let running = start(&file, &[]);
    wait_until("a user has a device", || asked("ConfirmDevice"));
    assert_eq!(pools(), 2);
    assert_eq!(interrupt_and_wait(running), Some(105));
    assert_eq!((pools(), report(&file).partial, report(&file).sign_ins.started), (1, true, 0));

    // Interrupt during sign-ins: the pool has its final settings.
    let file = scenario("signing-in", 4, "for: 1h, rate: 20/s");
    let running = start(&file, &[]);
    wait_until("the pool has its settings", || asked("UpdateUserPool"));
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(pools(), 2);
    assert_eq!(interrupt_and_wait(running), Some(105));
    let report = report(&file);
    assert_eq!((pools(), report.partial, report.decisions.mismatched), (1, true, 0));
    assert!(report.sign_ins.started > 0);

    // In an existing pool, the run deletes its users only.
    let users = || served.call("ListUsers", &json!({ "UserPoolId": POOL })).json()["Users"].clone();
    let file = scenario("existing-pool", 12, "for: 1h, rate: 5/s");
    let running = start(&file, &["--pool-id", POOL, "--client-id", "poolproof"]);
    wait_until("the run created a user", || users() != json!([]));
    assert_eq!(interrupt_and_wait(running), Some(105));
    assert_eq!((users(), pools()), (json!([]), 1));
}

/// Creates a user with a permanent password.
pub(crate) fn add(served: &ServerProcess, name: &str, password: &str) {
    let user = json!({ "UserPoolId": POOL, "Username": name, "MessageAction": "SUPPRESS" });
    served.call("AdminCreateUser", &user).json();
    let password = json!({ "UserPoolId": POOL, "Username": name, "Password": password, "Permanent": true });
    served.call("AdminSetUserPassword", &password).json();
}

/// Registers a TOTP app for a user and returns its secret.
fn add_with_app(served: &ServerProcess, name: &str, password: &str) -> String {
    let parameters = json!({ "USERNAME": name, "PASSWORD": password });
    let body =
        json!({ "ClientId": "poolproof", "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let token = served.call("InitiateAuth", &body).json()["AuthenticationResult"]["AccessToken"].clone();
    let secret =
        served.call("AssociateSoftwareToken", &json!({ "AccessToken": token })).json()["SecretCode"].clone();
    let secret = secret.as_str().unwrap().to_owned();
    // Uses the code of the previous time step, so that the run can use the current one.
    let step = step_at(Clock::start(ClockKind::Wall).now()) - 1;
    let code = TotpSecret::from_base32(&secret).unwrap().code(step);
    served.call("VerifySoftwareToken", &json!({ "AccessToken": token, "UserCode": code })).json();
    let on = json!({ "Enabled": true, "PreferredMfa": true });
    let body = json!({ "AccessToken": token, "SoftwareTokenMfaSettings": on });
    served.call("SetUserMFAPreference", &body).json();
    secret
}

#[test]
fn users_from_a_csv_file_sign_in_and_are_not_deleted() {
    let served = ServerProcess::start(&[]);
    let url = format!("http://{}", served.address);
    let people = [("ann", "Correct-Horse-1"), ("bob", "a,\"b\"-Horse-2"), ("José", "Correct-Horse-3")];
    for (name, password) in people {
        add(&served, name, password);
    }
    let secret = add_with_app(&served, "ann", people[0].1);
    let file = scenario("users", 1, "for: 4s, rate: 5/s");
    let csv = file.with_file_name("users.csv");
    let lines = format!(
        "username,password,totp\r\nann,Correct-Horse-1,{secret}\r\nbob,\"a,\"\"b\"\"-Horse-2\"\r\nJosé,Correct-Horse-3,\r\n"
    );
    fs::write(&csv, lines).unwrap();
    let arguments = ["--target", &url, "--pool-id", POOL, "--client-id", "poolproof", "--users"];
    let mut command = run(&file, &arguments);
    // Longer than ann waits for her next code.
    let (code, out, err) = output(command.arg(&csv).args(["--drain", "60s"]));
    assert!(passed_or_saturated(code), "{out}{err}");
    let result = report(&file);
    assert_eq!(result.sign_ins.started, result.sign_ins.completed);
    assert!(result.decisions.checked > 10 && result.decisions.mismatched == 0, "{out}");
    let users = served.call("ListUsers", &json!({ "UserPoolId": POOL })).json();
    let names: Vec<&Value> =
        users["Users"].as_array().unwrap().iter().map(|user| &user["Username"]).collect();
    assert_eq!(names, ["ann", "bob", "José"], "existing users must not be deleted");
    // The report contains the options to reproduce the run.
    let again = format!("--target {url} --pool-id {POOL} --client-id poolproof --users {}", csv.display());
    assert!(result.replay().ends_with(&again), "{}", result.replay());
    // A user that cannot sign in is reported before the run.
    fs::write(&csv, "bob,Wrong-Horse-1\n").unwrap();
    let mut command = run(&file, &arguments);
    let (code, out, err) = output(command.arg(&csv));
    assert_eq!((code, out.as_str()), (107, ""), "{err}");
    assert!(err.contains("a sign-in of bob: ") && err.contains("Incorrect username or password"), "{err}");
    fs::write(&csv, "ann\n").unwrap();
    let mut command = run(&file, &arguments);
    let (code, _, err) = output(command.arg(&csv));
    assert_eq!(code, 2);
    assert!(err.contains("users.csv:1:1: expected username and password"), "{err}");
}

/// Starts a TLS proxy with this certificate for this address and returns its port.
pub(crate) fn tls_proxy(
    address: &str,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> u16 {
    let config = ServerConfig::builder().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let address = address.to_owned();
    std::thread::spawn(move || {
        for outer in listener.incoming() {
            let (config, address) = (Arc::clone(&config), address.clone());
            std::thread::spawn(move || {
                let connection = ServerConnection::new(config).unwrap();
                let mut outer = StreamOwned::new(connection, outer.unwrap());
                while let Some(asked) = message(&mut outer) {
                    let mut inner = TcpStream::connect(&address).unwrap();
                    inner.write_all(&asked).unwrap();
                    let Some(response) = message(&mut inner) else { return };
                    if outer.write_all(&response).is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

#[test]
fn a_certificate_is_trusted_only_when_configured() {
    let served = ServerProcess::start(&[]);
    let generated = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(generated.signing_key.serialize_der()).unwrap();
    let port = tls_proxy(&served.address, generated.cert.der().clone(), key);
    let file = scenario("tls", 4, "for: 2s, rate: 5/s");
    let (own, other) = (file.with_file_name("own.pem"), file.with_file_name("other.pem"));
    fs::write(&own, generated.cert.pem()).unwrap();
    let mut other_name = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    other_name.distinguished_name.push(rcgen::DnType::CommonName, "another name");
    let other_certificate = other_name.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
    fs::write(&other, other_certificate.pem()).unwrap();
    let played = |host: &str, trusted: &Path| {
        let url = format!("https://{host}:{port}");
        output(run(&file, &["--target", &url]).env("SSL_CERT_FILE", trusted))
    };
    let (code, _, err) = played("localhost", &other);
    assert_eq!(code, 107, "{err}");
    assert!(err.contains("invalid peer certificate") && err.contains("SSL_CERT_FILE"), "{err}");
    let (code, _, err) = played("127.0.0.1", &own);
    assert_eq!(code, 107, "the certificate has another name: {err}");
    assert!(err.contains("not valid for name"), "{err}");
    let (code, out, err) = played("localhost", &own);
    assert!(passed_or_saturated(code) && err.is_empty(), "{out}{err}");
    let result = report(&file);
    assert_eq!((result.sign_ins.started, result.decisions.mismatched), (result.sign_ins.completed, 0));
    assert!(result.decisions.checked > 5, "{out}");
}

/// Returns the value of a sample of a metrics page.
pub(crate) fn sample(page: &str, name: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[cfg(unix)]
#[test]
fn prometheus_metrics_show_a_running_run() {
    let file = scenario("watched", 8, "for: 1h, rate: 20/s");
    let mut command = run(&file, &["--prometheus", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let running = Running(child);
    let first_line = lines.next().unwrap().unwrap();
    let address = first_line
        .strip_prefix("Metrics are at http://")
        .unwrap()
        .strip_suffix("/metrics")
        .unwrap()
        .to_owned();
    let (completed, left) = (
        "poolproof_sign_ins_total{scenario=\"abroad\",end=\"completed\"}",
        "poolproof_run_seconds_left{scenario=\"abroad\"}",
    );
    let page = || get(&address, "/metrics");
    wait_until("forty sign-ins", || sample(&page(), completed).is_some_and(|count| count >= 40.0));
    let first = page();
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{first}");
    assert!(first.contains("content-type: text/plain; version=0.0.4\r\n"), "{first}");
    let info = "poolproof_run_info{scenario=\"abroad\",seed=\"1\",clock=\"wall\",target=\"embedded\"}";
    let own = |name: &str| sample(&first, &format!("{name}{{scenario=\"abroad\"}}"));
    assert_eq!((sample(&first, info), own("poolproof_run_users")), (Some(1.0), Some(8.0)), "{first}");
    let of = |end: &str| {
        sample(&first, &format!("poolproof_sign_ins_total{{scenario=\"abroad\",end=\"{end}\"}}")).unwrap()
    };
    let ended: f64 = ["completed", "refused", "abandoned", "transport_failed"].into_iter().map(of).sum();
    let started =
        own("poolproof_sign_ins_in_flight").unwrap() + own("poolproof_sign_ins_waiting").unwrap() + ended;
    let offered = started + own("poolproof_sign_ins_dropped_total").unwrap();
    assert_eq!(own("poolproof_sign_ins_offered_total"), Some(offered), "{first}");
    let decided = |verdict: &str| {
        sample(&first, &format!("poolproof_decisions_total{{scenario=\"abroad\",verdict=\"{verdict}\"}}"))
    };
    assert_eq!((decided("expected"), decided("mismatched")), (Some(ended), Some(0.0)), "{first}");
    let quantile = |one: &str| {
        sample(
            &first,
            &format!("poolproof_sign_in_latency_seconds{{scenario=\"abroad\",quantile=\"{one}\"}}"),
        )
    };
    assert!(quantile("0.5").unwrap() > 0.0 && quantile("0.5") <= quantile("0.9"), "{first}");
    wait_until("the counters change", || {
        let next = page();
        sample(&next, completed) > sample(&first, completed) && sample(&next, left) < sample(&first, left)
    });
    assert!(get(&address, "/").starts_with("HTTP/1.1 404"));
    assert_eq!(interrupt_and_wait(running), Some(105));
    assert!(TcpStream::connect(&address).is_err(), "the metrics server runs after the run");
}

#[test]
fn prometheus_needs_expose_for_a_public_address() {
    let file = scenario("exposed", 1, "for: 1s, rate: 1/s");
    let error = |arguments: &[&str]| {
        let (code, out, err) = output(&mut run(&file, arguments));
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        err
    };
    assert!(error(&["--prometheus", "0.0.0.0:0"]).contains("; add --expose"));
    assert!(error(&["--live", "[::]:0"]).contains("reach --live [::]:0; add --expose"));
    let alone = error(&["--expose"]);
    assert!(alone.contains("--prometheus") && alone.contains("--live"), "{alone}");
    assert!(error(&["--prometheus", "nowhere"]).contains("expected an IP address and a port"));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert!(error(&["--prometheus", &address]).contains("Choose another address with --prometheus"));
}
