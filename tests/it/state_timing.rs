//! With `--state`, the time of a refusal does not show whether a user exists. The test measures times and is
//! ignored by default.

use std::io::Write as _;
use std::time::{Duration, Instant};

use poolproof_cognito::seed::Seed;
use rand::seq::SliceRandom as _;
use serde_json::{Value, json};

use crate::server_process::{HttpResponse, ServerProcess, answer, request};
use crate::state::state;

const POOL: &str = "us-east-1_Poolproof";
/// Requests of each kind, for training and for the test.
const SAMPLES: usize = 1000;
/// The classifier divides the times into so many parts.
const BINS: usize = 16;
/// The share of right guesses must not be greater.
const MAX_SHARE: f64 = 0.55;

/// A measured request: its time, and whether the user exists.
type Sample = (Duration, bool);
/// Returns the body of a request about a user name.
type Body<'b> = &'b dyn Fn(&str) -> Value;

/// Calls an operation on a connection that stays open, and returns the time too.
#[expect(clippy::disallowed_methods, reason = "the test measures the server with its own clock")]
fn timed(stream: &mut std::net::TcpStream, operation: &str, body: &Value) -> (Duration, HttpResponse) {
    let bytes = request(operation, body.to_string().as_bytes());
    let start = Instant::now();
    stream.write_all(&bytes).unwrap();
    let answered = answer(stream).unwrap();
    (start.elapsed(), answered)
}

/// Returns the share of right guesses on the second half of the samples. The first half trains the
/// classifier: for each part of the range of times, it guesses what was more frequent there.
fn guessed_share(samples: &[Sample]) -> f64 {
    let (training, test) = samples.split_at(samples.len() / 2);
    let mut times: Vec<Duration> = training.iter().map(|(time, _)| *time).collect();
    times.sort();
    let edges: Vec<Duration> = (1..BINS).map(|bin| times[bin * times.len() / BINS]).collect();
    let bin = |time: &Duration| edges.partition_point(|edge| edge <= time);
    let mut votes = [0_i32; BINS];
    for (time, exists) in training {
        votes[bin(time)] += if *exists { 1 } else { -1 };
    }
    let right = test.iter().filter(|(time, exists)| (votes[bin(time)] > 0) == *exists).count();
    f64::from(u32::try_from(right).unwrap()) / f64::from(u32::try_from(test.len()).unwrap())
}

/// Run it with `cargo test --release --test it -- --ignored --nocapture state_timing::`.
#[test]
#[ignore = "it measures times: --ignored state_timing::"]
fn the_time_of_a_refusal_does_not_show_who_exists() {
    let file = state("timing");
    let served = ServerProcess::start(&["--state", file.to_str().unwrap()]);
    let client = served.call(
        "CreateUserPoolClient",
        &json!({ "UserPoolId": POOL, "ClientName": "hides", "PreventUserExistenceErrors": "ENABLED",
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"] }),
    );
    let client = client.json()["UserPoolClient"]["ClientId"].clone();
    let mut stream = served.connect();
    for number in 0..SAMPLES {
        let attributes = json!([{ "Name": "email", "Value": format!("{number}@example.com") },
            { "Name": "email_verified", "Value": "true" }]);
        let user = json!({ "UserPoolId": POOL, "Username": format!("known-{number:04}"),
            "MessageAction": "SUPPRESS", "UserAttributes": attributes });
        assert_eq!(timed(&mut stream, "AdminCreateUser", &user).1.status, 200);
        let password = json!({ "UserPoolId": POOL, "Username": user["Username"],
            "Password": "Correct-Horse-1", "Permanent": true });
        assert_eq!(timed(&mut stream, "AdminSetUserPassword", &password).1.status, 200);
    }
    let password = |name: &str| {
        json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": { "USERNAME": name, "PASSWORD": "Wrong-Horse-1" } })
    };
    let forgotten = |name: &str| json!({ "ClientId": client, "Username": name });
    let kinds: [(_, _, Body<'_>); 2] =
        [("InitiateAuth", 400, &password), ("ForgotPassword", 200, &forgotten)];
    let mut too_clear = Vec::new();
    for (operation, status, body) in kinds {
        let mut names: Vec<(usize, bool)> = (0..SAMPLES).flat_map(|n| [(n, true), (n, false)]).collect();
        names.shuffle(&mut Seed::new(7).rng("timing", 0));
        let samples: Vec<Sample> = names
            .into_iter()
            .map(|(number, exists)| {
                let name = format!("{}-{number:04}", if exists { "known" } else { "other" });
                let (time, answered) = timed(&mut stream, operation, &body(&name));
                assert_eq!(answered.status, status, "{answered:?}");
                (time, exists)
            })
            .collect();
        let share = guessed_share(&samples);
        let median = |wanted: bool| {
            let mut times: Vec<_> = samples.iter().filter(|(_, exists)| *exists == wanted).collect();
            times.sort();
            times[times.len() / 2].0
        };
        println!(
            "{operation}: {:.1} % right, medians {:?} and {:?}",
            share * 100.0,
            median(true),
            median(false)
        );
        if share > MAX_SHARE {
            too_clear.push((operation, share));
        }
    }
    assert!(too_clear.is_empty(), "{too_clear:?}");
}
