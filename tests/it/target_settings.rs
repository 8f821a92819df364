//! Runs against an endpoint with settings of the app client and of user names: rotating refresh tokens, and
//! sign-ins by an address. The embedded pool decides the same.

use poolproof::endpoint::PoolSource;
use poolproof::http::client::EndpointUrl;
use poolproof::report::Report;
use poolproof::scenario::Scenario;
use serde_json::json;

use crate::run_fixture::{play, scenario};
use crate::server_process::ServerProcess;
use crate::target::played;

/// Plays the scenario at a server, in a pool that the run creates and deletes. Checks that every decision is
/// the expected one and that as many sign-ins complete as in the embedded pool.
fn played_as_embedded(scenario: &Scenario) -> Report {
    let served = ServerProcess::start(&[]);
    let address = EndpointUrl::parse(&format!("http://{}", served.address)).unwrap();
    let report = played(scenario, &address, PoolSource::New);
    assert_eq!(report.decisions.mismatches, [], "{}", scenario.name);
    assert_eq!(report.sign_ins.transport_failed, 0, "{}", scenario.name);
    assert!(report.decisions.checked > 0, "{}", scenario.name);
    let embedded = play(scenario);
    assert_eq!(embedded.decisions.mismatches, [], "{}", scenario.name);
    assert_eq!(report.sign_ins.completed, embedded.sign_ins.completed, "{}", scenario.name);
    let pools = served.call("ListUserPools", &json!({ "MaxResults": 60 })).json();
    assert_eq!(pools["UserPools"].as_array().unwrap().len(), 1, "the run deletes its pool: {pools}");
    report
}

fn seen(report: &Report, rule: &str) -> u64 {
    report.decisions.rules.iter().find(|one| one.id == rule).map_or(0, |one| one.seen)
}

#[test]
fn refresh_tokens_rotate_at_an_endpoint() {
    let report = played_as_embedded(&scenario(
        "version: 1
name: rotating
seed: 5
clock: wall
pool: { remember: always, refresh_token_rotation: { grace_period: 1s } }
population: { users: 8, devices: 1 }
workload:
  stages: [ { for: 6s, rate: 8/s } ]
  mix: { known_device: 20, refresh: 30, refresh_reuse: 40, refresh_after_revoke: 10 }
",
    ));
    for rule in ["refresh", "refresh-in-grace", "refresh-reused", "refresh-revoked"] {
        assert!(seen(&report, rule) > 0, "{rule}");
    }
}

/// Users sign in by `email` or by an `alias`.
fn play_sign_ins_by(address: &str) {
    let report = played_as_embedded(&scenario(&format!(
        "version: 1
name: by-{address}
seed: 5
clock: wall
pool: {{ remember: always, suppress_mfa: true, mfa: optional }}
population: {{ users: 12, sign_in_by: {address}, factors: {{ none: 50, totp: 50 }}, devices: 1 }}
workload:
  stages: [ {{ for: 4s, rate: 10/s }} ]
  mix: {{ known_device: 60, new_device: 20, wrong_password: 20 }}
client: {{ mfa_delay: 0s }}
"
    )));
    for rule in ["remembered-always", "wrong-password"] {
        assert!(seen(&report, rule) > 0, "{rule}");
    }
}

#[test]
fn users_sign_in_by_email_at_an_endpoint() {
    play_sign_ins_by("email");
}

#[test]
fn users_sign_in_by_alias_at_an_endpoint() {
    play_sign_ins_by("alias");
}
