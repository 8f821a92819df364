//! Memory of a server with a budget under requests with the longest values that Cognito's API allows.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server_process::{ServerProcess, answer, request};

const REQUESTS: usize = 100_000;
const CONNECTIONS: usize = 8;
const BUDGET: &str = "128MB";
/// A text of one field that the API model does not limit. The whole request has at most 128 KiB.
const UNLIMITED: usize = 120_000;

/// Returns a name of 128 characters of four bytes, the longest.
fn name(number: usize) -> String {
    let number = format!("{number:08}");
    "𝔘".repeat(128 - number.len()) + &number
}

/// Returns a request of the attack. Its client hides which users exist.
fn attack(number: usize, client: &str) -> (&'static str, Value) {
    let (name, key) = (name(number), format!("us-east-1_{}", "a".repeat(UNLIMITED)));
    let short_key = format!("us-east-1_{number:045x}");
    let srp_a = "ab".repeat(384);
    let start = |flow: &str, parameters: Value| json!({ "ClientId": client, "AuthFlow": flow, "AuthParameters": parameters });
    let attribute = |n: usize| json!({ "Name": format!("custom:{n:025}"), "Value": "v".repeat(2048) });
    let attributes: Vec<Value> = (0..54).map(attribute).collect();
    let named = json!({ "ClientId": client, "Username": name });
    match number % 10 {
        0 => (
            "InitiateAuth",
            start("USER_SRP_AUTH", json!({ "USERNAME": name, "SRP_A": srp_a, "DEVICE_KEY": key })),
        ),
        1..=3 => (
            "InitiateAuth",
            start("USER_SRP_AUTH", json!({ "USERNAME": name, "SRP_A": srp_a, "DEVICE_KEY": short_key })),
        ),
        4 | 5 => ("InitiateAuth", start("USER_AUTH", json!({ "USERNAME": name, "DEVICE_KEY": short_key }))),
        6 => ("ForgotPassword", named),
        7 => ("ResendConfirmationCode", named),
        8 => (
            "SignUp",
            json!({ "ClientId": client, "Username": name, "Password": format!("Aa1!{}", "p".repeat(252)),
                "UserAttributes": attributes }),
        ),
        _ => (
            "RespondToAuthChallenge",
            json!({ "ClientId": client, "ChallengeName": "SELECT_CHALLENGE", "Session": "s".repeat(4096),
                "ChallengeResponses": { "USERNAME": name, "ANSWER": "PASSWORD_SRP", "DEVICE_KEY": key } }),
        ),
    }
}

/// Returns the value of a sample of `/metrics`.
fn metric(page: &str, sample: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {sample} in {page}")).parse().unwrap()
}

fn metrics(server: &ServerProcess) -> String {
    server.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap().body
}

/// Returns a client of the server's pool that hides which users exist.
fn hiding_client(server: &ServerProcess) -> String {
    let body = json!({ "UserPoolId": "us-east-1_Poolproof", "ClientName": "c",
        "PreventUserExistenceErrors": "ENABLED",
        "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_AUTH"] });
    let created = server.call("CreateUserPoolClient", &body);
    let created: Value = serde_json::from_str(&created.body).unwrap();
    created["UserPoolClient"]["ClientId"].as_str().unwrap().to_owned()
}

/// Sends every eighth request of the attack over one connection. Returns the numbers of accepted and of
/// refused ones, and the largest resident memory that it has seen, in KiB.
fn attack_over(mut stream: TcpStream, first: usize, client: &str, server: &ServerProcess) -> [u64; 3] {
    let (mut accepted, mut refused, mut most) = (0, 0, 0);
    for number in (first..REQUESTS).step_by(CONNECTIONS) {
        let (operation, body) = attack(number, client);
        stream.write_all(&request(operation, body.to_string().as_bytes())).unwrap();
        let reply = answer(&mut stream).unwrap();
        assert!(reply.status < 500, "{operation}: {}", reply.body);
        if reply.status == 200 {
            accepted += 1;
        } else {
            refused += 1;
        }
        if number % 1000 < CONNECTIONS {
            most = most.max(server.resident_kib().unwrap());
        }
    }
    [accepted, refused, most]
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test prints a duration and does not compare it")]
#[ignore = "100,000 requests take minutes: cargo test --test it -- --ignored attacks_memory --nocapture"]
fn the_longest_values_do_not_exceed_the_budget() {
    let server = ServerProcess::start(&["--memory", BUDGET, "--tokens", "opaque"]);
    let client = hiding_client(&server);
    let before = server.resident_kib().unwrap();
    let start = Instant::now();
    let sums = std::thread::scope(|scope| {
        let attackers: Vec<_> = (0..CONNECTIONS)
            .map(|first| {
                let (stream, client, server) = (server.connect(), client.as_str(), &server);
                scope.spawn(move || attack_over(stream, first, client, server))
            })
            .collect();
        attackers.into_iter().map(|attacker| attacker.join().unwrap()).collect::<Vec<_>>()
    });
    let sum = |at: usize| sums.iter().map(|counts| counts[at]).sum::<u64>();
    let most = sums.iter().map(|counts| counts[2]).max().unwrap();
    let after = server.resident_kib().unwrap();
    let page = metrics(&server);
    println!(
        "{} accepted, {} refused in {:?}; resident memory before {before} KiB, at most {most} KiB, after {after} KiB",
        sum(0),
        sum(1),
        Duration::from_secs(start.elapsed().as_secs())
    );
    page.lines().filter(|line| line.starts_with("poolproof_memory")).for_each(|line| println!("{line}"));
    assert!(most.max(after) <= before + 200 * 1_000_000 / 1024, "{before} KiB, then {most} and {after}");
    let kept = metric(&page, "poolproof_memory_bytes{kind=\"accounts\"}")
        + metric(&page, "poolproof_memory_bytes{kind=\"sign_ins\"}");
    assert!(kept <= metric(&page, "poolproof_memory_budget_bytes") && kept > 64e6, "{page}");
    for sample in ["dropped_total", "dropped_bytes_total", "refused_total"] {
        assert!(metric(&page, &format!("poolproof_memory_{sample}")) > 0.0, "{sample}: {page}");
    }
    assert!(server.is_healthy());
}
