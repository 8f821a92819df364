//! `run --target` against faulty endpoints: they decide too early, refuse requests, throttle, or fail to
//! delete what the run created.

use serde_json::{Value, json};

use crate::cli::output;
use crate::fault_proxy::{FaultProxy, ProxyAction};
use crate::server_process::ServerProcess;
use crate::target_cli::{POOL, add, passed_or_saturated, report, run, scenario};

const STAGE: &str = "for: 1s, rate: 6/s";
const TOKENS: &str = r#"{"AuthenticationResult":{"AccessToken":"a","IdToken":"b","RefreshToken":"c","ExpiresIn":3600,"TokenType":"Bearer"},"ChallengeParameters":{}}"#;

/// Returns the names of the pools.
fn pools(served: &ServerProcess) -> Vec<String> {
    let listed = served.call("ListUserPools", &json!({ "MaxResults": 60 })).json();
    listed["UserPools"].as_array().unwrap().iter().map(|pool| pool["Name"].to_string()).collect()
}

fn users(served: &ServerProcess) -> Vec<String> {
    let listed = served.call("ListUsers", &json!({ "UserPoolId": POOL })).json();
    let mut names: Vec<String> = listed["Users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["Username"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn decisions_before_the_password_proof_are_checked() {
    let challenge = |name: &str, parameters: &str| {
        format!(r#"{{"ChallengeName":"{name}","Session":"s","ChallengeParameters":{parameters}}}"#)
    };
    let zero = r#"{"SRP_B":"0","SALT":"00","SECRET_BLOCK":"AA==","USER_ID_FOR_SRP":"u","USERNAME":"u"}"#;
    let refused = r#"{"__type":"UserNotFoundException","message":"x"}"#;
    let (first, proof) = ("InitiateAuth", "RespondToAuthChallenge");
    let cases = [
        (first, 200, TOKENS.to_owned(), "tokens"),
        (first, 400, refused.to_owned(), "other"),
        (first, 200, "{}".to_owned(), "other"),
        (first, 200, challenge("UNKNOWN_CHALLENGE", "{}"), "other"),
        (first, 200, challenge("CUSTOM_CHALLENGE", "{}"), "CUSTOM_CHALLENGE → other"),
        (first, 200, challenge("SMS_MFA", "{}"), "SMS_MFA → other"),
        (first, 200, challenge("PASSWORD_VERIFIER", zero), "PASSWORD_VERIFIER → other"),
        // The users have no TOTP app and cannot answer. They must not abandon the sign-in for that reason.
        (proof, 200, challenge("SOFTWARE_TOKEN_MFA", "{}"), "PASSWORD_VERIFIER → SOFTWARE_TOKEN_MFA → other"),
    ];
    let served = ServerProcess::start(&[]);
    for (number, (at, status, body, seen)) in cases.into_iter().enumerate() {
        let mut settled = false;
        let answer = body.clone();
        let proxy = FaultProxy::to(&served, move |operation, _| {
            settled |= operation == "UpdateUserPool";
            if settled && operation == at {
                ProxyAction::reply(status, &answer)
            } else {
                ProxyAction::Forward
            }
        });
        let file = scenario(&format!("early-{number}"), 4, STAGE);
        let (code, out, err) = output(&mut run(&file, &["--target", &proxy.url]));
        assert_eq!(code, 80, "{body}: {out}{err}");
        let result = report(&file);
        let all = result.sign_ins.started;
        assert!(all > 0 && result.sign_ins.completed == 0, "{body}: {out}");
        assert_eq!((result.decisions.checked, result.decisions.mismatched), (all, all), "{body}: {out}");
        let first = &result.decisions.mismatches[0];
        assert_eq!(first.seen, seen, "{body}");
        assert!(first.expected.starts_with("PASSWORD_VERIFIER → "), "{}", first.expected);
    }
}

#[test]
fn client_side_failures_are_not_checked() {
    // This endpoint has no outbox, so clients cannot read sent codes.
    let served = ServerProcess::start(&[]);
    let proxy = FaultProxy::to(&served, |operation, _| match operation {
        "" => ProxyAction::reply(404, ""),
        _ => ProxyAction::Forward,
    });
    let file = scenario("no-code", 4, STAGE);
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("devices: 1", "devices: 0, factors: { sms: 100 }");
    std::fs::write(&file, text.replace("known_device: 80, new_device: 20", "new_device: 100")).unwrap();
    let (_, out, err) = output(&mut run(&file, &["--target", &proxy.url]));
    let result = report(&file);
    let all = result.sign_ins.started;
    assert!(all > 0, "{out}{err}");
    assert_eq!((result.sign_ins.abandoned, result.decisions.checked), (all, 0), "{out}{err}");
}

#[test]
fn only_created_users_are_deleted() {
    let served = ServerProcess::start(&[]);
    let existing_pool = ["--pool-id", POOL, "--client-id", "poolproof", "--target"];
    let play = |name: &str, url: &str| {
        let file = scenario(name, 4, STAGE);
        output(&mut run(&file, &[&existing_pool[..], &[url]].concat()))
    };
    add(&served, "ann", "Correct-Horse-1");
    add(&served, "user-000002", "Correct-Horse-2");
    let before = users(&served);
    let (code, _, err) = play("there-already", &format!("http://{}", served.address));
    assert_eq!(code, 107, "{err}");
    assert!(err.contains("AdminCreateUser: user user-000002 exists and was left unchanged;"), "{err}");
    assert_eq!(users(&served), before);
    let parameters = json!({ "USERNAME": "user-000002", "PASSWORD": "Correct-Horse-2" });
    let body =
        json!({ "ClientId": "poolproof", "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    assert!(served.call("InitiateAuth", &body).json()["AuthenticationResult"].is_object());

    // The run does not know whether these requests created a user. The first user existed before; the others
    // are created.
    for (name, user, action) in [
        ("lost", "user-000002", (|| ProxyAction::DropRequest) as fn() -> ProxyAction),
        ("unanswered", "user-000001", || ProxyAction::DropResponse),
        ("unreadable", "user-000001", || ProxyAction::replace_response("{}")),
    ] {
        let proxy = FaultProxy::to(&served, move |operation, body| {
            if operation == "AdminCreateUser" && body.contains(user) {
                action()
            } else {
                ProxyAction::Forward
            }
        });
        let (code, _, err) = play(name, &proxy.url);
        assert_eq!(code, 107, "{err}");
        assert_eq!(users(&served), before, "{name}");
        assert!(proxy.asked("AdminCreateUser") <= 4, "a user was created twice");
    }

    // An invited user without a password existed before the run, so the run must not delete it.
    let invited = json!({ "UserPoolId": POOL, "Username": "user-000003", "MessageAction": "SUPPRESS" });
    served.call("AdminCreateUser", &invited).json();
    let with_invited = users(&served);
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let proxy = FaultProxy::to(&served, |operation, body| {
        let is_invited = operation == "AdminCreateUser" && body.contains("user-000003");
        if is_invited { ProxyAction::DropRequest } else { ProxyAction::Forward }
    });
    let (code, _, err) = play("invited", &proxy.url);
    assert_eq!((code, users(&served)), (107, with_invited), "{err}");
    served.call("AdminDeleteUser", &json!({ "UserPoolId": POOL, "Username": "user-000003" }));

    // The command reports users that it could not delete, in addition to the results of the run.
    let delete = json!({ "UserPoolId": POOL, "Username": "user-000002" });
    served.call("AdminDeleteUser", &delete);
    let proxy = FaultProxy::to(&served, |operation, _| match operation {
        "AdminDeleteUser" => ProxyAction::reject("NotAuthorizedException"),
        _ => ProxyAction::Forward,
    });
    let (code, out, err) = play("stay", &proxy.url);
    assert_eq!(code, 107, "{out}{err}");
    let names = "4 of 4 users (user-000000, user-000001, user-000002, user-000003) in the pool";
    assert!(out.contains(names) && out.contains(": AdminDeleteUser: Not"), "{out}");
}

#[test]
fn a_run_is_reported_when_cleanup_fails() {
    let served = ServerProcess::start(&[]);
    let refused: fn(&str) -> ProxyAction = |_| ProxyAction::reject("NotAuthorizedException");
    let at = |operations: &'static [&'static str]| {
        FaultProxy::to(&served, move |operation, _| {
            if operations.contains(&operation) { refused(operation) } else { ProxyAction::Forward }
        })
    };
    let left = "the pool us-east-1_";
    let file = scenario("left", 4, STAGE);
    let (code, out, _) = output(&mut run(&file, &["--target", &at(&["DeleteUserPool"]).url]));
    assert_eq!(code, 107, "{out}");
    let result = report(&file);
    assert!(result.decisions.checked > 0 && result.decisions.mismatched == 0, "{out}");
    assert_eq!((result.verdict.exit_code, result.partial), (107, false));
    let sentence = &result.verdict.sentences[0];
    assert!(sentence.starts_with(&format!("Not deleted at the target: cannot remove {left}")), "{sentence}");
    assert!(sentence.ends_with(": DeleteUserPool: NotAuthorizedException: no."));
    assert!(out.contains(sentence), "{out}");

    let proxy = FaultProxy::to(&served, |operation, _| match operation {
        "DeleteUserPool" => ProxyAction::DropRequest,
        _ => ProxyAction::Forward,
    });
    let file = scenario("lost-delete", 4, STAGE);
    let (code, out, _) = output(&mut run(&file, &["--target", &proxy.url]));
    assert_eq!((code, report(&file).verdict.exit_code), (107, 107), "{out}");
    assert!(
        report(&file).decisions.checked > 0
            && out.contains(&format!("Not deleted at the target: cannot remove {left}"))
    );

    for (name, operations) in [
        ("client", &["CreateUserPoolClient", "DeleteUserPool"]),
        ("update", &["UpdateUserPool", "DeleteUserPool"]),
    ] {
        let file = scenario(name, 4, STAGE);
        let (code, _, err) = output(&mut run(&file, &["--target", &at(operations).url]));
        assert_eq!(code, 107, "{err}");
        let why = format!("{}: NotAuthorizedException: no; cannot remove {left}", operations[0]);
        assert!(err.contains(&why) && err.contains(": DeleteUserPool: "), "{err}");
    }
    assert_eq!(pools(&served).len(), 5, "the pool of the server and the four that remain");
}

#[test]
fn throttled_admin_requests_are_retried() {
    let served = ServerProcess::start(&[]);
    let busy = [
        "CreateUserPool",
        "SetUserPoolMfaConfig",
        "CreateUserPoolClient",
        "AdminCreateUser",
        "AdminSetUserPassword",
        "UpdateUserPool",
        "DeleteUserPool",
    ];
    let mut asked: Vec<String> = Vec::new();
    let proxy = FaultProxy::to(&served, move |operation, _| {
        let before = asked.iter().filter(|one| *one == operation).count();
        asked.push(operation.to_owned());
        match (operation, before) {
            ("AdminSetUserPassword", 0) => ProxyAction::reply(429, "<html>"),
            ("DeleteUserPool", 1) => ProxyAction::reply(503, "busy"),
            (operation, 0) if busy.contains(&operation) => ProxyAction::throttle(),
            _ => ProxyAction::Forward,
        }
    });
    let file = scenario("busy", 4, STAGE);
    let (code, out, err) = output(&mut run(&file, &["--target", &proxy.url]));
    assert!(passed_or_saturated(code), "{out}{err}");
    let result = report(&file);
    assert_eq!((result.sign_ins.completed, result.decisions.mismatched), (result.sign_ins.started, 0));
    let counts = busy.map(|operation| proxy.asked(operation));
    assert_eq!(counts, [2, 3, 2, 5, 5, 2, 3], "one retry per throttled response");
    assert_eq!(pools(&served).len(), 1);
}

#[test]
fn endpoint_text_is_escaped_in_output() {
    let served = ServerProcess::start(&[]);
    let message =
        "{\"__type\":\"NotAuthorizedException\",\"message\":\"\\u001b[2Jgone\\u009b31m\\r\\nerror: no\"}";
    let proxy = FaultProxy::to(&served, move |operation, _| match operation {
        "CreateUserPool" => ProxyAction::reply(400, message),
        _ => ProxyAction::Forward,
    });
    let file = scenario("steers", 4, STAGE);
    let (code, out, err) = output(&mut run(&file, &["--target", &proxy.url]));
    assert_eq!((code, out.as_str()), (107, ""), "{err}");
    assert!(err.contains("\u{fffd}[2Jgone\u{fffd}31m"), "{err}");
    assert!(err.chars().all(|letter| letter == '\n' || !letter.is_control()), "{err:?}");
    let mut command = crate::cli::poolproof();
    let (code, out, err) = output(command.args(["matrix", "--sample", "2", "--against", &proxy.url]));
    assert_eq!(code, 107, "{out}{err}");
    assert!(err.contains("error: no situation could be tried at "), "{err}");
    let both = out + &err;
    assert!(both.chars().all(|letter| letter == '\n' || !letter.is_control()), "{both:?}");
    let json: Value = {
        let mut command = crate::cli::poolproof();
        let arguments = ["matrix", "--format", "json", "--sample", "2", "--against", &proxy.url];
        let (code, out, _) = output(command.args(arguments));
        assert_eq!(code, 107, "{out}");
        serde_json::from_str(&out).unwrap()
    };
    assert_eq!(json["trials"]["untried"].as_u64().map(|untried| untried > 0), Some(true), "{json}");
}
