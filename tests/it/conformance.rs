//! `matrix --against URL`: rules that the endpoint follows, rules that it breaks, and trials that cannot be
//! run.

use serde_json::Value;

use poolproof_cognito::policy::PoolPolicy;
use poolproof_pool::Defect;

use crate::cli::{output, poolproof};
use crate::fault_proxy::{FaultProxy, ProxyAction};
use crate::server_process::ServerProcess;
use crate::target::planted;

/// Runs `poolproof matrix --against`. Returns the exit code, and standard output followed by standard error.
fn against(address: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = poolproof().args(["matrix", "--against", address]).args(arguments).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap() + &err)
}

#[test]
fn our_server_follows_every_sampled_rule() {
    let server = ServerProcess::start(&[]);
    let address = format!("http://{}", server.address);
    let (code, text) = against(&address, &["--sample", "90", "--format", "json"]);
    let report: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
    let broken: Vec<&Value> =
        report["rules"].as_array().unwrap().iter().filter(|rule| rule["standing"] != "followed").collect();
    assert_eq!((code, broken), (Some(0), Vec::new()));
    // Some devices have completed an MFA and replace it, others have not.
    for rule in ["suppressed", "note-device", "suppression-unbound", "note-device-unbound"] {
        assert!(
            report["rules"].as_array().unwrap().iter().any(|found| found["id"] == rule),
            "{rule}: {text}"
        );
    }
    assert_eq!(report["trials"], serde_json::json!({ "followed": 90, "broken": 0, "untried": 0 }));
    assert_eq!((&report["takes_risk"], &report["rules_left_out"]), (&Value::from(true), &Value::from(0)));
    let (_, text) = against(&address, &["--sample", "3"]);
    let all = report["rules"].as_array().unwrap().len();
    assert!(text.contains(&format!("The sample leaves out {} rules.", all - 3)), "{text}");
    assert!(text.contains("  1 trial\n"), "{text}");
    let pools = server.call("ListUserPools", &serde_json::json!({ "MaxResults": 60 })).json();
    assert_eq!(pools["UserPools"].as_array().unwrap().len(), 1, "{pools}");
}

#[test]
#[ignore = "all cells take minutes: --ignored, in a release build"]
fn our_server_follows_every_rule_in_every_cell() {
    let server = ServerProcess::start(&[]);
    let (code, text) = against(&format!("http://{}", server.address), &["--format", "json"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    // There is a trial for every cell. Each of the 18 configurations without risk also has a trial with a
    // wrong password, 12 of them have one with a wrong device secret, and the 4 in which a device replaces
    // TOTP have one with a device that was enrolled before TOTP.
    let trials = 7020 + 18 + 12 + 4;
    assert_eq!(report["trials"], serde_json::json!({ "followed": trials, "broken": 0, "untried": 0 }));
    assert_eq!(code, Some(0));
}

#[test]
fn unusable_and_remote_endpoints_are_rejected() {
    let (code, text) = against("http://127.0.0.1:9", &[]);
    assert_eq!(code, Some(107), "{text}");
    let (code, text) = against("http://192.0.2.1", &[]);
    assert_eq!(code, Some(2));
    assert!(text.contains("add --allow-remote if you may"), "{text}");
    let (code, text) = against("http://127.0.0.1:9", &["--format", "csv"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("the formats are table, json and markdown"), "{text}");
}

#[test]
fn a_sample_counts_the_trials_that_were_run() {
    let server = ServerProcess::start(&[]);
    // An endpoint without this page accepts no risk level.
    let proxy = FaultProxy::to(&server, |operation, _| match operation {
        "" => ProxyAction::reply(404, "{}"),
        _ => ProxyAction::Forward,
    });
    let (code, text) = against(&proxy.url, &["--sample", "2", "--format", "json"]);
    let report: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
    assert_eq!(report["trials"], serde_json::json!({ "followed": 2, "broken": 0, "untried": 0 }), "{text}");
    assert_eq!((code, &report["takes_risk"]), (Some(0), &Value::from(false)), "{text}");
    assert!(report["risk_trials_left_out"].as_u64().unwrap() > 6000, "{text}");
    let (_, text) = against(&proxy.url, &["--sample", "2"]);
    assert!(text.contains("2 trials: 2 followed the rules, 0 broke a rule, 0 could not be run."), "{text}");
    assert!(text.contains("trials with a risk level, which the endpoint does not accept."), "{text}");
}

#[test]
fn the_first_answer_of_another_server_ends_the_matrix() {
    let server = ServerProcess::start(&[]);
    let proxy = FaultProxy::to(&server, |_, _| ProxyAction::reply(501, "<html>no</html>"));
    let (code, out, err) = output(poolproof().args(["matrix", "--sample", "5", "--against", &proxy.url]));
    assert_eq!((code, out.as_str()), (107, ""), "{err}");
    assert!(err.contains("which is no answer of Cognito; check the URL"), "{err}");
    assert!(
        proxy.asked("CreateUserPool") < 10,
        "one request and its retries: {}",
        proxy.asked("CreateUserPool")
    );
}

#[test]
fn undeleted_pools_are_reported_with_the_result() {
    let server = ServerProcess::start(&[]);
    for (operations, trials_are_run) in
        [(&["DeleteUserPool"][..], true), (&["CreateUserPoolClient", "DeleteUserPool"], false)]
    {
        let proxy = FaultProxy::to(&server, move |operation, _| {
            let refused = operations.contains(&operation);
            if refused { ProxyAction::reject("NotAuthorizedException") } else { ProxyAction::Forward }
        });
        let mut command = poolproof();
        command.args(["matrix", "--sample", "3", "--format", "json", "--against", &proxy.url]);
        let (code, out, err) = output(&mut command);
        let report: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
        assert_eq!((code, report["trials"]["followed"] == 3), (107, trials_are_run), "{out}{err}");
        let left_behind = report["left_behind"].as_array().unwrap();
        assert_eq!(left_behind.len(), proxy.asked("CreateUserPool"), "{report}");
        for pool in left_behind.iter().map(|pool| pool.as_str().unwrap()) {
            assert!(pool.starts_with("cannot remove the pool us-east-1_"), "{pool}");
            assert!(err.contains(&format!("not deleted at {}: {pool}", proxy.url)), "{err}");
        }
    }
}

#[test]
fn a_broken_rule_is_reported_with_an_example() {
    let expected = [(Defect::PasswordClaimUnchecked, vec!["wrong-password"], 80)];
    for (defect, rules, exit_code) in expected {
        let address = planted(PoolPolicy::DEFAULT, Some(defect)).to_string();
        let (code, text) = against(&address, &["--sample", "60", "--format", "json"]);
        let report: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
        let broken: Vec<&Value> =
            report["rules"].as_array().unwrap().iter().filter(|rule| rule["standing"] == "broken").collect();
        let ids: Vec<&str> = broken.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
        assert_eq!((ids, code), (rules, Some(exit_code)), "{defect:?}");
        let example = &broken[0]["example"];
        assert!(example["came"].as_str().unwrap().starts_with("PASSWORD_VERIFIER → "), "{example}");
        assert_eq!(example["expected"], "PASSWORD_VERIFIER → incorrect");
        let situation = example["done"].as_str().unwrap();
        assert!(situation.ends_with("; wrong password"), "{situation}");
        let (code, text) = against(&address, &["--sample", "60"]);
        assert_eq!(code, Some(exit_code));
        let line = format!("✗ {} (", broken[0]["id"].as_str().unwrap());
        assert!(
            text.contains(&line) && text.contains("  expected  PASSWORD_VERIFIER → incorrect\n"),
            "{text}"
        );
    }
}
