//! Runs against an endpoint: decisions over HTTP match those of the embedded pool, and failed requests are
//! not checked.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use poolproof::clock::{Clock, ClockKind};
use poolproof::endpoint::{EndpointConfig, ExistingUser, PoolSource};
use poolproof::http::client::{ClientLimits, Credentials, EndpointUrl};
use poolproof::http::server;
use poolproof::report::Report;
use poolproof::run::{CancellationToken, RunError, RunOptions, RunOutput, run};
use poolproof::scenario::Scenario;
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::policy::{PoolPolicy, Switches};
use poolproof_cognito::seed::Seed;
use poolproof_pool::provider::{AccountLimits, Issuer, Provider, ProviderConfig, Tokens};
use poolproof_pool::{AppClient, Defect, PasswordFlow};
use poolproof_srp::Group;

use crate::cli::poolproof;
use crate::run_fixture::{play, run_options, scenario};
use crate::server_process::ServerProcess;

const POOL_ID: &str = "us-east-1_Target";
const CLIENT_ID: &str = "target";

/// Starts a server in this process whose pool has this defect, and returns its address. The server runs until
/// the process ends.
pub(crate) fn planted(policy: PoolPolicy, defect: Option<Defect>) -> EndpointUrl {
    let now = Clock::start(ClockKind::Wall).now();
    let group = Group::cognito();
    let hosting = ProviderConfig {
        region: "us-east-1".to_owned(),
        issuer: Issuer::Url("http://127.0.0.1".to_owned()),
        tokens: Tokens::Opaque,
        group,
        limits: AccountLimits::DEFAULT,
        switches: Switches::DEFAULT,
        quotas: policy.quotas,
    };
    let provider = Provider::new(hosting, Seed::new(1).rng("provider", 0));
    let mut provider = provider.with_defect(defect);
    let (pool_id, client_id) = (PoolId::new(POOL_ID), ClientId::new(CLIENT_ID));
    provider.add_pool(now, pool_id.clone(), "target", policy, RiskExceptions::default());
    let client = AppClient { password_flow: PasswordFlow::WithDevices, ..AppClient::public(client_id) };
    provider.add_client(now, &pool_id, client, "target", &["ALLOW_USER_SRP_AUTH"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        server::serve(provider, listener, server::ServerLimits::DEFAULT, Arc::new(|_: &str| {}), None, None)
            .unwrap();
    });
    EndpointUrl::parse(&format!("http://{address}")).unwrap()
}

fn at(address: &EndpointUrl, pool_source: PoolSource) -> RunOptions {
    let endpoint = EndpointConfig {
        address: address.clone(),
        credentials: Some(Credentials::dummy()),
        limits: ClientLimits { request: Duration::from_secs(5), ..ClientLimits::DEFAULT },
        pool_source,
        options: Vec::new(),
    };
    // Longer than users wait for their next TOTP codes.
    RunOptions { endpoint: Some(endpoint), drain: Some(Duration::from_secs(60)), ..run_options(None) }
}

fn existing() -> PoolSource {
    let (pool_id, client_id) = (PoolId::new(POOL_ID), ClientId::new(CLIENT_ID));
    PoolSource::Existing { pool_id, client_id, existing_users: None }
}

pub(crate) fn played(scenario: &Scenario, address: &EndpointUrl, pool_source: PoolSource) -> Report {
    run(scenario, &at(address, pool_source), &CancellationToken::default()).unwrap().report
}

/// Returns a scenario with all kinds of sign-ins that a target supports.
fn mixed_scenario(pool: &str, rate: u32, seconds: u32) -> Scenario {
    scenario(&format!(
        "version: 1
name: everyone
seed: 5
clock: wall
pool: {pool}
population: {{ users: 24, factors: {{ none: 60, totp: 25, sms: 15 }}, devices: 1, opt_in: 50% }}
workload:
  stages: [ {{ for: {seconds}s, rate: {rate}/s }} ]
  mix: {{ known_device: 60, new_device: 10, wrong_password: 5, forgotten_device: 5, wrong_device_secret: 5, key_omitted_after_mfa: 5, plain_password: 5, refresh: 5 }}
  risk: {{ none: 70, low: 10, medium: 10, high: 10 }}
client: {{ ephemeral_bits: 256, mfa_delay: 0s }}
"
    ))
}

const PROTECTED: &str = "{ remember: opt_in, suppress_mfa: true, mfa: optional, risk: { mode: enforced, low: no_action, medium: \
                         mfa_if_configured, high: block } }";

#[test]
fn an_endpoint_run_matches_the_embedded_run_and_cleans_up() {
    let served = ServerProcess::start(&[]);
    let address = EndpointUrl::parse(&format!("http://{}", served.address)).unwrap();
    let scenario = mixed_scenario(PROTECTED, 15, 6);
    let report = played(&scenario, &address, PoolSource::New);
    assert_eq!(report.decisions.mismatches, []);
    assert_eq!(report.target, address.to_string());
    assert_eq!(report.sign_ins.transport_failed, 0);
    let embedded = play(&scenario);
    assert_eq!(report.sign_ins.started, embedded.sign_ins.started);
    // At an endpoint devices are enrolled before their users have a factor, so they are not MFA-bound yet.
    // These rules therefore depend on which device signs in first.
    let binding = ["suppressed", "suppression-unbound", "not-remembered-mfa"];
    let rules = |report: &Report| -> Vec<String> {
        let ids = report.decisions.rules.iter().map(|rule| rule.id.clone());
        ids.filter(|id| !binding.contains(&id.as_str())).collect()
    };
    assert_eq!(rules(&report), rules(&embedded), "the rules that applied differ");
    assert!(report.decisions.rules.len() > 10, "{:?}", rules(&report));
    let pools = served.call("ListUserPools", &serde_json::json!({ "MaxResults": 60 })).json();
    assert_eq!(pools["UserPools"].as_array().unwrap().len(), 1, "{pools}");
}

#[test]
fn defects_are_found_over_http_and_reported_under_the_right_rule() {
    let found = [
        (Defect::PasswordClaimUnchecked, "wrong-password"),
        (Defect::ForgottenDeviceAccepted, "device-unknown"),
        (Defect::DeviceClaimUnchecked, "wrong-device-secret"),
        (Defect::ClaimReusable, "replayed-claim"),
    ];
    let scenario = scenario(
        "version: 1
name: faults
seed: 5
clock: wall
pool: { remember: always, switches: { claims: once } }
population: { users: 16, devices: 1 }
workload:
  stages: [ { for: 4s, rate: 15/s } ]
  mix: { known_device: 20, wrong_password: 20, forgotten_device: 20, wrong_device_secret: 20, replayed_claim: 20 }
",
    );
    for (defect, rule) in found {
        let address = planted(scenario.pool, Some(defect));
        let report = played(&scenario, &address, existing());
        let wrong: Vec<&str> = report
            .decisions
            .rules
            .iter()
            .filter(|rule| rule.mismatched > 0)
            .map(|rule| rule.id.as_str())
            .collect();
        assert_eq!(wrong, [rule], "{defect:?}");
        assert_eq!(report.verdict.exit_code, 80, "{defect:?}");
        assert!(report.decisions.mismatched > 1, "{defect:?}");
    }
    let report = played(&scenario, &planted(scenario.pool, None), existing());
    assert_eq!((report.decisions.mismatches, report.verdict.exit_code), (Vec::new(), 0), "without a defect");
}

/// Runs known-device sign-ins and checks that all of them succeed.
fn handshakes(rate: u32, seconds: u32) {
    let scenario = scenario(&format!(
        "version: 1
name: handshakes
clock: wall
pool: {{ remember: always, suppress_mfa: true }}
population: {{ users: 64, devices: 1 }}
workload: {{ arrivals: constant, stages: [ {{ for: {seconds}s, rate: {rate}/s }} ], mix: {{ known_device: 100 }} }}
"
    ));
    let report = played(&scenario, &planted(PoolPolicy::DEFAULT, None), PoolSource::New);
    let all = u64::from(rate * seconds);
    assert_eq!((report.sign_ins.started, report.sign_ins.completed), (all, all));
    assert_eq!((report.decisions.checked, report.decisions.mismatched), (all, 0));
    let embedded = play(&scenario);
    assert_eq!(report.decisions, embedded.decisions);
}

#[test]
fn a_hundred_handshakes_over_http_are_decided_as_in_the_embedded_run() {
    handshakes(25, 4);
}

#[test]
#[ignore = "ten thousand handshakes take minutes: --ignored, in a release build"]
fn ten_thousand_handshakes_over_http_are_decided_as_in_the_embedded_run() {
    handshakes(50, 200);
}

/// Starts a server that sends these bytes as the answer to each request.
fn serve_fixed_answer(answer: &'static str) -> (EndpointUrl, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = EndpointUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let request_count = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&request_count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let count = Arc::clone(&count);
            std::thread::spawn(move || send_answers(stream.unwrap(), answer, &count));
        }
    });
    (address, request_count)
}

/// Answers each request of a connection, including the initial check of the endpoint.
fn send_answers(mut stream: TcpStream, answer: &str, count: &AtomicUsize) {
    let mut bytes = [0; 4096];
    while stream.read(&mut bytes).is_ok_and(|read| read > 0) {
        count.fetch_add(1, Ordering::SeqCst);
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn small_scenario() -> Scenario {
    scenario(
        "version: 1
name: few
clock: wall
pool: { remember: no }
population: { users: 4, devices: 0 }
client: { retries: 1 }
workload: { stages: [ { for: 1s, rate: 4/s } ], mix: { new_device: 100 } }
",
    )
}

fn new_pool() -> PoolSource {
    let existing_user = |name: &str| ExistingUser {
        username: poolproof_cognito::ids::Username::new(name),
        password: poolproof_cognito::ids::Password::new("x"),
        totp: None,
    };
    let (pool_id, client_id) = (PoolId::new(POOL_ID), ClientId::new(CLIENT_ID));
    PoolSource::Existing {
        pool_id,
        client_id,
        existing_users: Some(["a", "b", "c", "d"].map(existing_user).to_vec()),
    }
}

#[test]
fn invalid_responses_are_counted_but_not_checked() {
    for answer in [
        "HTTP/1.1 500 x\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
        "HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{",
        "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n{",
        "SSH-2.0-x\r\n",
    ] {
        let (address, request_count) = serve_fixed_answer(answer);
        let scenario = small_scenario();
        let mut run_options = at(&address, new_pool());
        if let Some(at) = &mut run_options.endpoint {
            at.limits.request = Duration::from_millis(300);
        }
        match run(&scenario, &run_options, &CancellationToken::default()) {
            Ok(RunOutput { report, .. }) => {
                let all = report.sign_ins.started;
                assert_eq!(
                    (report.sign_ins.transport_failed, report.decisions.checked),
                    (all, 0),
                    "{answer}"
                );
                assert_eq!(report.verdict.exit_code, 107, "{answer}");
                assert!(request_count.load(Ordering::SeqCst) < 40, "too many requests: {answer}");
            }
            // An endpoint that does not speak HTTP fails before the first sign-in.
            Err(error) => assert!(matches!(error, RunError::Target(_)), "{answer}: {error}"),
        }
    }
}

#[test]
fn throttled_requests_are_retried_and_then_abandoned() {
    let (address, request_count) = serve_fixed_answer("HTTP/1.1 429 x\r\nContent-Length: 2\r\n\r\n{}");
    let report = played(&small_scenario(), &address, new_pool());
    let all = report.sign_ins.started;
    assert_eq!((report.sign_ins.abandoned, report.sign_ins.transport_failed), (all, 0));
    assert_eq!(report.decisions.checked, 0);
    assert_eq!(report.throughput.throttled, 2 * all, "one request and one retry per sign-in");
    assert_eq!(
        request_count.load(Ordering::SeqCst) as u64,
        1 + 2 * all,
        "the sign-ins and the initial check"
    );
}

/// Runs `poolproof run` and returns its exit code and standard error.
fn run_and_capture(arguments: &[&str]) -> (Option<i32>, String) {
    let output = poolproof().arg("run").args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn an_invalid_target_is_rejected_before_any_request() {
    let smoke = "scenarios/smoke.yaml";
    let refused = |arguments: &[&str], words: &str| {
        let (code, text) = run_and_capture(arguments);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(words), "{text}");
    };
    refused(&[smoke, "--target", "http://192.0.2.1:9"], "add --allow-remote if you may");
    refused(&[smoke, "--target", "127.0.0.1:9"], "does not start with http:// or https://");
    refused(&[smoke, "--target", "http://127.0.0.1:92290"], "the port `92290`; expected a number from 1 to");
    refused(&[smoke, "--target", "http://127.0.0.1:"], "the port ``; expected a number from 1 to");
    refused(&["scenarios/opt-in.yaml", "--target", "http://127.0.0.1:9"], "clock: wall");
    refused(&[smoke, "--pool-id", "x"], "--target");
    let flows = ["scenarios/custom-auth.yaml", "--clock", "wall", "--target", "http://127.0.0.1:9"];
    refused(&flows, "the workload `challenges` has `flow: custom_auth`, so run it without --target");
    let (code, text) =
        run_and_capture(&[smoke, "--target", "http://127.0.0.1:9", "--out", env!("CARGO_TARGET_TMPDIR")]);
    assert_eq!(code, Some(107), "{text}");
    assert!(text.contains("the target cannot be used: http://127.0.0.1:9: "), "{text}");
}

#[test]
fn a_virtual_clock_and_the_toy_group_are_refused_at_a_target() {
    let address = EndpointUrl::parse("http://127.0.0.1:9").unwrap();
    let refused = |text: &str| {
        let scenario = scenario(&format!(
            "version: 1\nname: x\n{text}population: {{ users: 1 }}\nworkload: {{ stages: [ {{ for: 1s, rate: 1/s }} ] }}\n"
        ));
        run(&scenario, &at(&address, PoolSource::New), &CancellationToken::default()).unwrap_err().to_string()
    };
    assert!(refused("clock: virtual\npool: { remember: no }\n").starts_with("a target needs real time"));
    assert!(
        refused("clock: wall\ngroup: toy\npool: { remember: no }\n")
            .starts_with("a target needs `group: cognito`")
    );
    let estimated = "clock: wall\npool: { remember: no, risk: { mode: enforced, levels: estimated } }\n";
    assert!(refused(estimated).starts_with("`levels: estimated` is poolproof's own rule"));
}
