//! `run --target` at endpoints that decide before anything is proved, refuse, are too busy, or do not let go
//! of what was made.

use serde_json::{Value, json};

use crate::cli::output;
use crate::fault_proxy::{FaultProxy, ProxyAction};
use crate::server_process::ServerProcess;
use crate::target_cli::{POOL, add, passed_or_saturated, report, run, scenario};

const STAGE: &str = "for: 1s, rate: 6/s";
const TOKENS: &str = r#"{"AuthenticationResult":{"AccessToken":"a","IdToken":"b","RefreshToken":"c","ExpiresIn":3600,"TokenType":"Bearer"},"ChallengeParameters":{}}"#;

/// The names of pools that are there.
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
fn decisions_before_the_password_proof_are_judged() {
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
        (first, 200, challenge("CUSTOM_CHALLENGE", "{}"), "other"),
        (first, 200, challenge("SMS_MFA", "{}"), "SMS_MFA → other"),
        (first, 200, challenge("PASSWORD_VERIFIER", zero), "PASSWORD_VERIFIER → other"),
        // Nobody has an app, and so nobody can answer: that is no reason of theirs to go.
        (proof, 200, challenge("SOFTWARE_TOKEN_MFA", "{}"), "PASSWORD_VERIFIER → SOFTWARE_TOKEN_MFA → other"),
    ];
    let served = ServerProcess::start(&[]);
    for (number, (at, status, body, seen)) in cases.into_iter().enumerate() {
        let mut settled = false;
        let answer = body.clone();
        let detour = FaultProxy::to(&served, move |operation, _| {
            settled |= operation == "UpdateUserPool";
            if settled && operation == at {
                ProxyAction::reply(status, &answer)
            } else {
                ProxyAction::Forward
            }
        });
        let file = scenario(&format!("early-{number}"), 4, STAGE);
        let (code, out, err) = output(&mut run(&file, &["--target", &detour.url]));
        assert_eq!(code, 80, "{body}: {out}{err}");
        let told = report(&file);
        let all = told.sign_ins.started;
        assert!(all > 0 && told.sign_ins.completed == 0, "{body}: {out}");
        assert_eq!((told.decisions.checked, told.decisions.mismatched), (all, all), "{body}: {out}");
        let first = &told.decisions.mismatches[0];
        assert_eq!(first.seen, seen, "{body}");
        assert!(first.expected.starts_with("PASSWORD_VERIFIER → "), "{}", first.expected);
    }
}

#[test]
fn client_side_failures_are_not_judged() {
    // The phone shows no code, since this endpoint has no outbox that could be looked at.
    let served = ServerProcess::start(&[]);
    let detour = FaultProxy::to(&served, |operation, _| match operation {
        "" => ProxyAction::reply(404, ""),
        _ => ProxyAction::Forward,
    });
    let file = scenario("no-code", 4, STAGE);
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("devices: 1", "devices: 0, factors: { sms: 100 }");
    std::fs::write(&file, text.replace("known_device: 80, new_device: 20", "new_device: 100")).unwrap();
    let (_, out, err) = output(&mut run(&file, &["--target", &detour.url]));
    let told = report(&file);
    let all = told.sign_ins.started;
    assert!(all > 0, "{out}{err}");
    assert_eq!((told.sign_ins.abandoned, told.decisions.checked), (all, 0), "{out}{err}");
}

#[test]
fn only_created_users_are_deleted() {
    let served = ServerProcess::start(&[]);
    let guests = ["--pool-id", POOL, "--client-id", "poolproof", "--target"];
    let play = |name: &str, url: &str| {
        let file = scenario(name, 4, STAGE);
        output(&mut run(&file, &[&guests[..], &[url]].concat()))
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

    // Whether they were made is not known: one was there before, and the other was made indeed.
    for (name, user, fate) in [
        ("lost", "user-000002", (|| ProxyAction::DropRequest) as fn() -> ProxyAction),
        ("unanswered", "user-000001", || ProxyAction::DropResponse),
        ("unreadable", "user-000001", || ProxyAction::replace_response("{}")),
    ] {
        let detour = FaultProxy::to(&served, move |operation, body| {
            if operation == "AdminCreateUser" && body.contains(user) { fate() } else { ProxyAction::Forward }
        });
        let (code, _, err) = play(name, &detour.url);
        assert_eq!(code, 107, "{err}");
        assert_eq!(users(&served), before, "{name}");
        assert!(detour.asked("AdminCreateUser") <= 4, "nobody is made twice");
    }

    // Whom others have invited before, and who has no password yet, is not ours either.
    let invited = json!({ "UserPoolId": POOL, "Username": "user-000003", "MessageAction": "SUPPRESS" });
    served.call("AdminCreateUser", &invited).json();
    let with_guest = users(&served);
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let detour = FaultProxy::to(&served, |operation, body| {
        let theirs = operation == "AdminCreateUser" && body.contains("user-000003");
        if theirs { ProxyAction::DropRequest } else { ProxyAction::Forward }
    });
    let (code, _, err) = play("invited", &detour.url);
    assert_eq!((code, users(&served)), (107, with_guest), "{err}");
    served.call("AdminDeleteUser", &json!({ "UserPoolId": POOL, "Username": "user-000003" }));

    // Who cannot be removed is told, beside the report of the run.
    let delete = json!({ "UserPoolId": POOL, "Username": "user-000002" });
    served.call("AdminDeleteUser", &delete);
    let detour = FaultProxy::to(&served, |operation, _| match operation {
        "AdminDeleteUser" => ProxyAction::reject("NotAuthorizedException"),
        _ => ProxyAction::Forward,
    });
    let (code, out, err) = play("stay", &detour.url);
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
    let told = report(&file);
    assert!(told.decisions.checked > 0 && told.decisions.mismatched == 0, "{out}");
    assert_eq!((told.verdict.exit_code, told.partial), (107, false));
    let sentence = &told.verdict.sentences[0];
    assert!(sentence.starts_with(&format!("Not deleted at the target: cannot remove {left}")), "{sentence}");
    assert!(sentence.ends_with(": DeleteUserPool: NotAuthorizedException: no."));
    assert!(out.contains(sentence), "{out}");

    let detour = FaultProxy::to(&served, |operation, _| match operation {
        "DeleteUserPool" => ProxyAction::DropRequest,
        _ => ProxyAction::Forward,
    });
    let file = scenario("lost-delete", 4, STAGE);
    let (code, out, _) = output(&mut run(&file, &["--target", &detour.url]));
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
    assert_eq!(pools(&served).len(), 5, "the one that is served, and four that were left");
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
    let detour = FaultProxy::to(&served, move |operation, _| {
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
    let (code, out, err) = output(&mut run(&file, &["--target", &detour.url]));
    assert!(passed_or_saturated(code), "{out}{err}");
    let told = report(&file);
    assert_eq!((told.sign_ins.completed, told.decisions.mismatched), (told.sign_ins.started, 0));
    let counts = busy.map(|operation| detour.asked(operation));
    assert_eq!(counts, [2, 3, 2, 5, 5, 2, 3], "each once more");
    assert_eq!(pools(&served).len(), 1);
}

#[test]
fn endpoint_text_is_escaped_in_output() {
    let served = ServerProcess::start(&[]);
    let message =
        "{\"__type\":\"NotAuthorizedException\",\"message\":\"\\u001b[2Jgone\\u009b31m\\r\\nerror: no\"}";
    let detour = FaultProxy::to(&served, move |operation, _| match operation {
        "CreateUserPool" => ProxyAction::reply(400, message),
        _ => ProxyAction::Forward,
    });
    let file = scenario("steers", 4, STAGE);
    let (code, out, err) = output(&mut run(&file, &["--target", &detour.url]));
    assert_eq!((code, out.as_str()), (107, ""), "{err}");
    assert!(err.contains("\u{fffd}[2Jgone\u{fffd}31m"), "{err}");
    assert!(err.chars().all(|letter| letter == '\n' || !letter.is_control()), "{err:?}");
    let mut command = crate::cli::poolproof();
    let (code, out, err) = output(command.args(["matrix", "--sample", "2", "--against", &detour.url]));
    assert_eq!(code, 107, "{out}{err}");
    assert!(err.contains("error: no situation could be tried at "), "{err}");
    let both = out + &err;
    assert!(both.chars().all(|letter| letter == '\n' || !letter.is_control()), "{both:?}");
    let json: Value = {
        let mut command = crate::cli::poolproof();
        let arguments = ["matrix", "--format", "json", "--sample", "2", "--against", &detour.url];
        let (code, out, _) = output(command.args(arguments));
        assert_eq!(code, 107, "{out}");
        serde_json::from_str(&out).unwrap()
    };
    assert_eq!(json["trials"]["untried"].as_u64().map(|untried| untried > 0), Some(true), "{json}");
}
