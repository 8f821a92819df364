//! The log of requests of `-v` and `--log-format`: complete, readable by programs, and without secrets.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::cli::{TOY, output, poolproof};
use crate::run_fixture::empty_folder;
use crate::server_process::{ServerProcess, serve_command};

#[test]
fn a_run_logs_every_request_of_its_sign_ins() {
    let folder = empty_folder("request_logs", "run");
    let file = folder.join("toy.yaml");
    std::fs::write(&file, TOY).unwrap();
    let run =
        |flags: &[&str]| output(poolproof().arg("run").arg(&file).arg("--out").arg(&folder).args(flags));
    let (code, _, log) = run(&["--quiet", "--log-format", "json"]);
    assert_eq!(code, 0, "{log}");
    let report = std::fs::read(folder.join("toy/report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let steps: BTreeSet<&str> =
        report["latency"]["steps"].as_object().unwrap().keys().map(String::as_str).collect();
    let logged: BTreeSet<&str> = lines.iter().map(|line| line["operation"].as_str().unwrap()).collect();
    assert_eq!(logged, steps);
    for line in &lines {
        assert_eq!(line["outcome"], "ok");
        assert!(line["duration_ms"].is_f64() && line["timestamp"].is_string(), "{line}");
    }
    // The text form has the same lines, and without the options there is none.
    let (_, _, text) = run(&["--quiet", "-v"]);
    assert_eq!(text.lines().count(), lines.len());
    assert!(
        text.lines().all(|line| line.contains("Z operation=") && line.contains(" outcome=ok duration_ms="))
    );
    assert_eq!(run(&["--quiet"]).2, "");
}

#[cfg(unix)]
#[test]
fn a_server_logs_requests_without_what_they_contain() {
    let mut command = serve_command("127.0.0.1:0");
    command.args(["--quiet", "--log-format", "json"]).stderr(Stdio::piped());
    let mut served = ServerProcess::start_command(&mut command);
    let mut stderr = served.take_stderr();
    let pool_id = "us-east-1_Poolproof";
    let user =
        json!({ "UserPoolId": pool_id, "Username": "hidden-name", "TemporaryPassword": "Hidden-pass-1" });
    let created = served.call("AdminCreateUser", &user);
    let auth = json!({ "USERNAME": "hidden-name", "PASSWORD": "Hidden-pass-2" });
    let refused = served.call(
        "InitiateAuth",
        &json!({ "ClientId": "poolproof", "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": auth }),
    );
    let unknown = served.call("HiddenOperation", &json!({}));
    assert_eq!((created.status, refused.status, unknown.status), (200, 400, 400));
    assert_eq!(served.signal("-TERM"), Some(0));
    let mut log = String::new();
    stderr.read_to_string(&mut log).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let logged =
        |key: &str| lines.iter().map(|line| line[key].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(logged("operation"), ["AdminCreateUser", "InitiateAuth", "other"]);
    assert_eq!(logged("outcome"), ["ok", "NotAuthorizedException", "UnknownOperationException"]);
    for (id, response) in logged("request_id").iter().zip([created, refused, unknown]) {
        assert!(response.head.contains(&format!("x-amzn-requestid: {id}\r\n")), "{id}: {}", response.head);
    }
    assert!(!log.contains("idden"), "{log}");
}
