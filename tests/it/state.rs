//! `serve --state`: acknowledged changes survive any end of the process, and an invalid file is refused and
//! not changed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use data_encoding::BASE64;
use poolproof::clock::{Clock, ClockKind};
use poolproof_cognito::seed::Seed;
use poolproof_srp::{Group, Verifier};
use redb::{Database, TableDefinition};
use serde_json::{Value, json};

use crate::cli::{output, poolproof};
use crate::run_fixture::empty_folder;
use crate::server_process::{HttpResponse, ServerProcess, answer, request, serve_command};

const POOL: &str = "us-east-1_Poolproof";

/// Returns the path of this test's own state file, which does not exist yet.
pub(crate) fn state(name: &str) -> PathBuf {
    let folder = empty_folder("state", name);
    folder.join("pool.redb")
}

/// Sends a request over a new connection; `None` if the server is gone.
fn ask(address: &str, operation: &str, body: &Value) -> Option<HttpResponse> {
    let mut stream = std::net::TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    stream.write_all(&request(operation, body.to_string().as_bytes())).ok()?;
    answer(&mut stream)
}

/// A client's view of a user: the acknowledged changes, and the last request without an answer.
#[derive(Default, Debug)]
struct ClientModel {
    user: String,
    exists: bool,
    password: String,
    /// Devices by key with their status, or `None` if the client forgot them.
    devices: BTreeMap<String, Option<&'static str>>,
    /// The subject of the unanswered request: a device or a password.
    open: Option<String>,
    access_token: Option<String>,
}

impl ClientModel {
    fn named(user: String) -> Self {
        Self { user, password: "Password-0".to_owned(), ..Self::default() }
    }

    /// Requests a change of `subject`; `None` if the server does not answer.
    fn change(&mut self, address: &str, operation: &str, body: &Value, subject: &str) -> Option<Value> {
        self.open = Some(subject.to_owned());
        let answered = ask(address, operation, body)?.json();
        self.open = None;
        Some(answered)
    }

    /// Signs in with the password.
    fn sign_in(&self, address: &str, password: &str) -> Option<HttpResponse> {
        let parameters = json!({ "USERNAME": self.user, "PASSWORD": password });
        let body = json!({ "ClientId": "poolproof", "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
        ask(address, "InitiateAuth", &body)
    }

    /// Sends changes until the server does not answer.
    fn run_until_disconnected(mut self, address: &str) -> Self {
        let _ = self.run(address);
        self
    }

    fn run(&mut self, address: &str) -> Option<()> {
        let user = json!({ "UserPoolId": POOL, "Username": self.user, "MessageAction": "SUPPRESS" });
        if !self.exists {
            self.change(address, "AdminCreateUser", &user, "user")?;
            let password = json!({ "UserPoolId": POOL, "Username": self.user, "Password": self.password, "Permanent": true });
            self.exists = true;
            self.change(address, "AdminSetUserPassword", &password, "first password")?;
        }
        let mut verifiers = Seed::new(7).rng(&self.user, 0);
        for turn in 0.. {
            let tokens =
                self.sign_in(address, &self.password.clone())?.json()["AuthenticationResult"].clone();
            let token = tokens["AccessToken"].as_str().unwrap().to_owned();
            self.access_token = Some(token.clone());
            let key = tokens["NewDeviceMetadata"]["DeviceKey"].as_str().unwrap().to_owned();
            let verifier = Verifier::draw(Group::cognito(), &mut verifiers).to_base64();
            let config = json!({ "PasswordVerifier": verifier, "Salt": BASE64.encode(&[7; 16]) });
            let body =
                json!({ "AccessToken": token, "DeviceKey": key, "DeviceSecretVerifierConfig": config });
            self.change(address, "ConfirmDevice", &body, &key)?;
            self.devices.insert(key.clone(), Some("remembered"));
            let device = json!({ "AccessToken": token, "DeviceKey": key });
            match turn % 3 {
                0 => {
                    let mut body = device.clone();
                    body["DeviceRememberedStatus"] = "not_remembered".into();
                    self.change(address, "UpdateDeviceStatus", &body, &key)?;
                    self.devices.insert(key, Some("not_remembered"));
                }
                1 => {
                    self.change(address, "ForgetDevice", &device, &key)?;
                    self.devices.insert(key, None);
                }
                _ => {
                    let new = format!("Password-{turn}-{}", &key[key.len() - 6..]);
                    // A user may call ChangePassword only five times an hour.
                    let body = json!({ "UserPoolId": POOL, "Username": self.user, "Password": new, "Permanent": true });
                    self.change(address, "AdminSetUserPassword", &body, &new)?;
                    self.password = new;
                }
            }
        }
        None
    }

    /// Compares the acknowledged changes with the server's state.
    fn check(&self, served: &ServerProcess) {
        let who = &self.user;
        if !self.exists {
            return;
        }
        let listed = served.call("AdminListDevices", &json!({ "UserPoolId": POOL, "Username": who })).json();
        let mut found = BTreeMap::new();
        let mut listed = listed;
        loop {
            for device in listed["Devices"].as_array().unwrap() {
                let attributes = device["DeviceAttributes"].as_array().unwrap();
                let status = attributes
                    .iter()
                    .find(|one| one["Name"] == "dev:device_remembered_status")
                    .unwrap()["Value"]
                    .clone();
                found.insert(device["DeviceKey"].as_str().unwrap().to_owned(), status);
            }
            let Some(next) = listed["PaginationToken"].as_str() else { break };
            let body = json!({ "UserPoolId": POOL, "Username": who, "PaginationToken": next });
            listed = served.call("AdminListDevices", &body).json();
        }
        for (key, status) in &self.devices {
            if self.open.as_ref() == Some(key) {
                continue;
            }
            assert_eq!(found.get(key).and_then(Value::as_str), *status, "{who}, device {key}");
        }
        let known = |key: &String| self.devices.contains_key(key) || self.open.as_ref() == Some(key);
        assert!(found.keys().all(known), "{who} has devices that were never confirmed");
        if self.open.as_deref() == Some("first password") {
            return;
        }
        let signed_in = |password: &str| self.sign_in(&served.address, password).unwrap().status == 200;
        let new = self.open.as_deref().is_some_and(|open| open.starts_with("Password-") && signed_in(open));
        assert!(new || signed_in(&self.password), "{who}'s password {} is lost", self.password);
        if let Some(token) = &self.access_token {
            let profile = served.call("GetUser", &json!({ "AccessToken": token })).json();
            assert_eq!(profile["Username"], json!(who), "an access token of the previous process");
        }
    }
}

#[test]
fn answered_changes_survive_a_kill_under_load() {
    assert!(confirmed_devices_after_kills("kill", 3, 1500) > 40, "too few devices for this test");
    let (_, out, _) = output(poolproof().args(["serve", "--help"]));
    assert!(out.contains("--state <FILE>"));
}

/// The long version: `cargo test --test it -- --ignored state::answered_changes_survive_a_hundred`.
#[test]
#[ignore = "a hundred kills take minutes: --ignored state::"]
fn answered_changes_survive_a_hundred_kills() {
    assert!(confirmed_devices_after_kills("kills", 100, 300) > 100, "too few devices for this test");
}

/// Kills the process in each round while eight users send requests. All acknowledged changes must exist after
/// each restart. Returns the number of confirmed devices.
fn confirmed_devices_after_kills(folder: &str, rounds: u64, least_ms: u64) -> usize {
    let file = state(folder);
    let flags = ["--state", file.to_str().unwrap()];
    let mut served = ServerProcess::start(&flags);
    let address = served.address.clone();
    let jwks = |served: &ServerProcess| {
        let page =
            served.send(format!("GET /{POOL}/.well-known/jwks.json HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        page.unwrap().body
    };
    let keys = jwks(&served);
    let (mut confirmed, mut everyone) = (0, Vec::<ClientModel>::new());
    for round in 0..rounds {
        let users: Vec<_> = (0..8).map(|n| ClientModel::named(format!("user-{round}-{n}"))).collect();
        let threads: Vec<_> = users
            .into_iter()
            .map(|client| {
                let address = address.clone();
                thread::spawn(move || client.run_until_disconnected(&address))
            })
            .collect();
        thread::sleep(Duration::from_millis(least_ms + 170 * (round % 4)));
        served.kill();
        everyone.extend(threads.into_iter().map(|thread| thread.join().unwrap()));
        served = ServerProcess::start_at(&address, &flags);
        assert_eq!(jwks(&served), keys, "the signing keys changed");
        // Users of earlier rounds have survived several kills.
        everyone.iter().for_each(|client| client.check(&served));
        confirmed = everyone.iter().map(|client| client.devices.len()).sum();
    }
    drop(served);
    confirmed
}

/// A graceful end also keeps everything and releases the file at once.
#[cfg(unix)]
#[test]
fn restored_pools_take_precedence_over_the_scenario_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = state("pools");
    let flags = ["--state", file.to_str().unwrap()];
    let served = ServerProcess::start(&flags);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let made = served.call("CreateUserPool", &json!({ "PoolName": "second" })).json();
    let second = made["UserPool"]["Id"].clone();
    let client = json!({ "UserPoolId": second, "ClientName": "c", "GenerateSecret": true,
        "LogoutURLs": ["https://example.org/"] });
    let client = served.call("CreateUserPoolClient", &client).json()["UserPoolClient"].clone();
    let third =
        served.call("CreateUserPool", &json!({ "PoolName": "third" })).json()["UserPool"]["Id"].clone();
    served.call("CreateUserPoolClient", &json!({ "UserPoolId": third, "ClientName": "gone" })).json();
    served.call("DeleteUserPool", &json!({ "UserPoolId": third })).json();
    let update = json!({ "UserPoolId": POOL, "MfaConfiguration": "ON", "UserPoolTier": "PLUS" });
    served.call("UpdateUserPool", &update).json();
    let described = |served: &ServerProcess| {
        let pool = served.call("DescribeUserPool", &json!({ "UserPoolId": POOL })).json();
        let body = json!({ "UserPoolId": second, "ClientId": client["ClientId"] });
        (
            pool,
            served.call("DescribeUserPoolClient", &body).json(),
            served.call("ListUserPools", &json!({ "MaxResults": 9 })).json(),
        )
    };
    let before = described(&served);
    assert_eq!(before.0["UserPool"]["MfaConfiguration"], "ON");
    // Settings that have no effect are stored too.
    assert_eq!(before.0["UserPool"]["UserPoolTier"], "PLUS");
    assert!(before.1["UserPoolClient"]["LogoutURLs"].is_array());
    assert_eq!(served.signal("-TERM"), Some(0));
    let served = ServerProcess::start(&flags);
    let after = described(&served);
    assert_eq!(before, after);
    assert_eq!(after.2["UserPools"].as_array().unwrap().len(), 2);
}

/// Starts `serve` with this file and returns its exit code and output.
pub(crate) fn served_with(file: &Path) -> (Option<i32>, String, String) {
    let mut command = serve_command("127.0.0.1:0");
    command.arg("--state").arg(file);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A server that accepts the file says where its state is and does not end by itself.
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut out = String::new();
    while stdout.read_line(&mut out).unwrap() > 0 && !out.contains("State in ") {}
    if out.contains("State in ") {
        drop(child.kill());
    }
    let output = child.wait_with_output().unwrap();
    (output.status.code(), out, String::from_utf8(output.stderr).unwrap())
}

/// Returns the error message of `serve` for this file. Checks that the file does not change.
pub(crate) fn refusal(file: &Path) -> String {
    let before = fs::read(file).ok();
    let (code, out, err) = served_with(file);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
    assert_eq!(fs::read(file).ok(), before, "the file changed");
    assert!(!err.contains("panicked"), "the database panicked: {err}");
    let line = err.lines().find(|line| line.starts_with("error: ")).unwrap_or_else(|| panic!("{err}"));
    line.replace(file.to_str().unwrap(), "FILE")
}

/// Creates a state file with a pool and users, after a graceful end or a kill.
pub(crate) fn used_state_file(name: &str, killed: bool) -> PathBuf {
    let file = state(name);
    let mut served = ServerProcess::start(&["--state", file.to_str().unwrap()]);
    for n in 0..30 {
        let user = json!({ "UserPoolId": POOL, "Username": format!("ann-{n}"), "MessageAction": "SUPPRESS" });
        served.call("AdminCreateUser", &user).json();
    }
    if killed {
        served.kill();
    } else {
        assert_eq!(served.signal("-TERM"), Some(0));
    }
    file
}

#[cfg(unix)]
#[test]
fn an_invalid_state_file_is_rejected_unchanged_with_help() {
    let foreign = "error: --state FILE: it is not a state file of poolproof; choose another name";
    let file = state("foreign");
    fs::write(&file, "version: 1\nname: no state\n").unwrap();
    assert_eq!(refusal(&file), foreign);
    let file = state("foreign-database");
    let database = Database::create(&file).unwrap();
    let transaction = database.begin_write().unwrap();
    const OTHER: TableDefinition<'_, &str, u64> = TableDefinition::new("poolproof");
    transaction.open_table(OTHER).unwrap().insert("format", 1).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert_eq!(refusal(&file), foreign);

    let file = used_state_file("newer", false);
    let database = Database::open(&file).unwrap();
    let transaction = database.begin_write().unwrap();
    const HEAD: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("poolproof");
    transaction.open_table(HEAD).unwrap().insert("format", 4_u32.to_le_bytes().as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert_eq!(
        refusal(&file),
        "error: --state FILE: it has format 4, and this version supports format 3; use the version that wrote it"
    );

    let file = state("locked");
    let served = ServerProcess::start(&["--state", file.to_str().unwrap()]);
    assert_eq!(
        refusal(&file),
        "error: --state FILE: another process uses it; stop that process, or choose another file"
    );
    assert!(served.is_healthy());

    let nowhere = state("nowhere").with_file_name("no-folder").join("pool.redb");
    assert!(refusal(&nowhere).contains("No such file or directory"), "{}", refusal(&nowhere));
    let folder = state("folder").parent().unwrap().to_owned();
    let (code, _, err) = served_with(&folder);
    assert!(code == Some(2) && err.contains("Is a directory"), "{code:?} {err}");
}

/// Truncations and changed bytes in files after a graceful end and after a kill.
#[cfg(unix)]
#[test]
fn a_corrupted_state_file_is_rejected() {
    for killed in [false, true] {
        let file = used_state_file(if killed { "damaged-killed" } else { "damaged" }, killed);
        let whole = fs::read(&file).unwrap();
        let damaged = "error: --state FILE: it is damaged (";
        let advice = "); replace it with a backup, or choose another name to start without users";
        for length in [whole.len() / 2, whole.len() - 1, 4096, 320, 9] {
            fs::write(&file, &whole[..length]).unwrap();
            let message = refusal(&file);
            assert!(message.starts_with(damaged) && message.ends_with(advice), "cut to {length}: {message}");
        }
        // Changes a byte in every copy of a user record, in a field name and in a value, so that the record
        // could still be parsed. Copies in pages that no commit uses do not matter.
        let records: Vec<usize> =
            (0..whole.len()).filter(|at| whole[*at..].starts_with(b"username\":\"ann-")).collect();
        assert!(!records.is_empty());
        for place in [0, 11] {
            let mut flipped = whole.clone();
            records.iter().for_each(|at| flipped[at + place] ^= 1);
            fs::write(&file, &flipped).unwrap();
            let message = refusal(&file);
            assert!(message.starts_with(damaged) && message.ends_with(advice), "{message}");
        }
        fs::write(&file, &whole).unwrap();
        let served = ServerProcess::start(&["--state", file.to_str().unwrap()]);
        served.call("AdminGetUser", &json!({ "UserPoolId": POOL, "Username": "ann-29" })).json();
    }
}

/// Creates a user with long attributes and returns the status of the response.
pub(crate) fn added(served: &ServerProcess, name: &str) -> u16 {
    let note = "x".repeat(2000);
    let attributes: Vec<Value> =
        (0..5).map(|number| json!({ "Name": format!("custom:{number}"), "Value": note })).collect();
    let user = json!({ "UserPoolId": POOL, "Username": name, "MessageAction": "SUPPRESS", "UserAttributes": attributes });
    let answered = served.call("AdminCreateUser", &user);
    if answered.status != 200 {
        assert!(
            answered.refusal().starts_with("500 InternalErrorException: cannot write the state: "),
            "{answered:?}"
        );
    }
    answered.status
}

/// Returns a command that serves with this state file. A limit of file sizes, in units of 512 bytes,
/// simulates a full disk.
#[cfg(unix)]
pub(crate) fn serve_with_size_limit(file: &Path, most: u64) -> Command {
    let mut command = Command::new("sh");
    // The signal would end a process that does not ignore it. A full disk does not send one.
    let script = format!("trap '' XFSZ; ulimit -f {most}; exec \"$0\" \"$@\"");
    command.arg("-c").arg(script).arg(poolproof().get_program()).current_dir(crate::run_fixture::root());
    command.args(["serve", "scenarios/serve.yaml", "--listen", "127.0.0.1:0", "--state"]).arg(file);
    command
}

/// A file size limit simulates a full disk. The server refuses changes that do not fit and loses no
/// acknowledged change.
#[cfg(unix)]
#[test]
fn a_full_disk_rejects_changes_and_loses_nothing() {
    let file = used_state_file("full", false);
    // The current size and another megabyte, in units of 512 bytes.
    let most = fs::metadata(&file).unwrap().len().div_ceil(512) + 2048;
    let mut served = ServerProcess::start_command(&mut serve_with_size_limit(&file, most));
    let kept = (0..5000).take_while(|number| added(&served, &format!("bob-{number}")) == 200).count();
    assert!((10..5000).contains(&kept), "{kept}");
    assert_eq!(added(&served, "cyd"), 500, "later changes must fail too");
    let get = |served: &ServerProcess, name: &str| {
        served.call("AdminGetUser", &json!({ "UserPoolId": POOL, "Username": name })).status
    };
    assert_eq!((get(&served, "ann-0"), get(&served, "bob-0")), (200, 200), "reads must succeed");
    served.kill();
    let served = ServerProcess::start(&["--state", file.to_str().unwrap()]);
    let lost: Vec<usize> = (0..kept).filter(|number| get(&served, &format!("bob-{number}")) != 200).collect();
    assert_eq!(lost, Vec::<usize>::new());
    assert_eq!((get(&served, "ann-29"), added(&served, "dan")), (200, 200), "changes must succeed again");
}

/// Returns a request that updates the status of a device of its own user. The server stores each update.
fn update_request(served: &ServerProcess, number: usize) -> Vec<u8> {
    let client = ClientModel::named(format!("user-{number}"));
    let user = json!({ "UserPoolId": POOL, "Username": client.user, "MessageAction": "SUPPRESS" });
    served.call("AdminCreateUser", &user).json();
    let password = json!({ "UserPoolId": POOL, "Username": client.user, "Password": client.password, "Permanent": true });
    served.call("AdminSetUserPassword", &password).json();
    let tokens =
        client.sign_in(&served.address, &client.password).unwrap().json()["AuthenticationResult"].clone();
    let verifier =
        Verifier::draw(Group::cognito(), &mut Seed::new(7).rng("verifier", number as u64)).to_base64();
    let config = json!({ "PasswordVerifier": verifier, "Salt": BASE64.encode(&[7; 16]) });
    let device = &tokens["NewDeviceMetadata"]["DeviceKey"];
    let body = json!({ "AccessToken": tokens["AccessToken"], "DeviceKey": device, "DeviceSecretVerifierConfig": config });
    served.call("ConfirmDevice", &body).json();
    let body = json!({ "AccessToken": tokens["AccessToken"], "DeviceKey": device, "DeviceRememberedStatus": "remembered" });
    request("UpdateDeviceStatus", body.to_string().as_bytes())
}

/// Sends UpdateDeviceStatus requests for some seconds, sequentially and in parallel, and prints their rate.
#[test]
#[ignore = "a measurement"]
fn cost_of_state() {
    let measure = |flags: &[&str], parallel: usize| {
        let served = ServerProcess::start(flags);
        let requests: Vec<_> = (0..parallel).map(|number| update_request(&served, number)).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let clock = Clock::start(ClockKind::Wall);
        let started = clock.now();
        let clients: Vec<_> = requests
            .into_iter()
            .map(|bytes| {
                let (mut stream, stop) = (served.connect(), Arc::clone(&stop));
                thread::spawn(move || {
                    let mut answered = 0_u32;
                    while !stop.load(Ordering::Relaxed) {
                        stream.write_all(&bytes).unwrap();
                        let response = answer(&mut stream).unwrap();
                        assert_eq!(response.status, 200, "{}", response.body);
                        answered += 1;
                    }
                    answered
                })
            })
            .collect();
        thread::sleep(Duration::from_secs(3));
        stop.store(true, Ordering::Relaxed);
        let answered: u32 = clients.into_iter().map(|client| client.join().unwrap()).sum();
        f64::from(answered) / clock.now().since(started).as_secs_f64()
    };
    for parallel in [1, 8, 64] {
        let file = state("cost");
        let (with, without) =
            (measure(&["--state", file.to_str().unwrap()], parallel), measure(&[], parallel));
        eprintln!(
            "{parallel} in parallel: {with:.0} device updates per second with a state, {without:.0} without"
        );
    }
}
