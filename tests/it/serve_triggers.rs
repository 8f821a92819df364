//! `serve --triggers`: custom challenges whose triggers are at an endpoint on this machine.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::{output, poolproof};
use crate::server_process::ServerProcess;

/// Starts an endpoint that answers each event by `answer`, and returns its address. Without an answer it
/// closes the connection.
fn endpoint(answer: impl Fn(Value) -> Option<(u16, String)> + Send + Sync + Copy + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer_one(stream, answer));
        }
    });
    format!("http://{address}/triggers")
}

fn answer_one(mut stream: TcpStream, answer: impl Fn(Value) -> Option<(u16, String)>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body).unwrap();
    if let Some((status, body)) = answer(serde_json::from_slice(&body).unwrap()) {
        let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n", body.len());
        drop(stream.write_all((head + &body).as_bytes()));
    }
}

/// Answers as the example functions of the developer guide do: one challenge, whose answer is 5.
fn captcha(mut event: Value) -> Option<(u16, String)> {
    let session = event["request"]["session"].as_array().cloned().unwrap_or_default();
    event["response"] = match event["triggerSource"].as_str().unwrap() {
        "DefineAuthChallenge_Authentication" => match session.last() {
            None => {
                json!({ "challengeName": "CUSTOM_CHALLENGE", "issueTokens": false, "failAuthentication": false })
            }
            Some(last) => {
                let right = last["challengeResult"] == true;
                json!({ "issueTokens": right, "failAuthentication": !right })
            }
        },
        "CreateAuthChallenge_Authentication" => json!({
            "publicChallengeParameters": { "captchaUrl": "url/123.jpg" },
            "privateChallengeParameters": { "answer": "5" },
        }),
        _ => {
            let request = &event["request"];
            json!({ "answerCorrect": request["challengeAnswer"] == request["privateChallengeParameters"]["answer"] })
        }
    };
    Some((200, event.to_string()))
}

/// A server whose triggers are at this address, with the user `ann`.
fn served(address: &str) -> ServerProcess {
    let served = ServerProcess::start(&["--triggers", address, "--tokens", "opaque"]);
    let user = json!({ "UserPoolId": "us-east-1_Poolproof", "Username": "ann", "MessageAction": "SUPPRESS" });
    served.call("AdminCreateUser", &user).json();
    served
}

/// The body of an answer, or the refusal in words.
fn call(served: &ServerProcess, operation: &str, body: &Value) -> Value {
    let answer = served.call(operation, body);
    if answer.status == 200 { answer.json() } else { json!(answer.refusal()) }
}

fn start(served: &ServerProcess) -> Value {
    let parameters = json!({ "USERNAME": "ann" });
    let body = json!({ "ClientId": "poolproof", "AuthFlow": "CUSTOM_AUTH", "AuthParameters": parameters });
    call(served, "InitiateAuth", &body)
}

fn respond(served: &ServerProcess, asked: &Value, answer: &str) -> Value {
    let body = json!({
        "ClientId": "poolproof", "ChallengeName": "CUSTOM_CHALLENGE", "Session": asked["Session"],
        "ChallengeResponses": { "USERNAME": "ann", "ANSWER": answer },
    });
    call(served, "RespondToAuthChallenge", &body)
}

#[test]
fn an_endpoint_decides_about_custom_challenges() {
    let served = served(&endpoint(captcha));
    let asked = start(&served);
    assert_eq!(asked["ChallengeName"], "CUSTOM_CHALLENGE");
    assert_eq!(asked["ChallengeParameters"]["captchaUrl"], "url/123.jpg");
    assert_eq!(asked["ChallengeParameters"]["answer"], Value::Null);
    let wrong = respond(&served, &asked, "6");
    assert_eq!(wrong, "400 NotAuthorizedException: Incorrect username or password.");
    let right = respond(&served, &start(&served), "5");
    assert!(right["AuthenticationResult"]["AccessToken"].is_string(), "{right}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test measures the server's limit with its own clock")]
fn a_failing_trigger_endpoint_ends_the_sign_in_within_five_seconds() {
    let unexpected = "400 UnexpectedLambdaException: DefineAuthChallenge invocation failed due to error ";
    let invalid = "400 InvalidLambdaResponseException: ";
    let refused = "400 UserLambdaValidationException: DefineAuthChallenge failed with error ";
    let check = |address: String, expected: &str| {
        let served = served(&address);
        let before = Instant::now();
        let answer = start(&served);
        assert!(before.elapsed() < Duration::from_secs(5), "{expected}: {:?}", before.elapsed());
        assert!(answer.as_str().is_some_and(|text| text.starts_with(expected)), "{expected}: {answer}");
        assert!(served.is_healthy());
    };
    check(
        endpoint(|_| {
            thread::sleep(Duration::from_secs(20));
            None
        }),
        &format!("{unexpected}Socket timeout while invoking Lambda function."),
    );
    check(endpoint(|_| None), unexpected);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    check(format!("http://{free}"), unexpected);
    check(
        endpoint(|_| Some((200, "hello".to_owned()))),
        &format!("{invalid}Invalid lambda function output : Invalid JSON"),
    );
    check(endpoint(|_| Some((200, "{}".to_owned()))), &format!("{invalid}Unrecognizable lambda output"));
    check(endpoint(|_| Some((200, " ".repeat(100_000)))), invalid);
    check(
        endpoint(|_| Some((500, json!({ "errorMessage": "no robots", "errorType": "Error" }).to_string()))),
        &format!("{refused}no robots."),
    );
    check(
        endpoint(|_| Some((200, json!({ "errorMessage": "no robots", "errorType": "Error" }).to_string()))),
        &format!("{refused}no robots."),
    );
    check(endpoint(|_| Some((502, "<html>\n\u{1b}[31mbad".to_owned()))), &format!("{refused}<html>[31mbad."));
}

/// Several triggers of one request share the limit.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test measures the server's limit with its own clock")]
fn slow_triggers_share_the_five_seconds_of_a_request() {
    let served = served(&endpoint(|event| {
        thread::sleep(Duration::from_secs(3));
        captcha(event)
    }));
    let before = Instant::now();
    let answer = start(&served);
    assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
    let expected = "400 UnexpectedLambdaException: CreateAuthChallenge invocation failed due to error Socket timeout while \
                    invoking Lambda function.";
    assert_eq!(answer, expected);
}

#[test]
fn only_an_endpoint_on_this_machine_is_called() {
    for address in
        ["http://192.0.2.1:9000", "https://127.0.0.1:9000", "ftp://127.0.0.1", "http://user@127.0.0.1"]
    {
        let (code, _, message) =
            output(poolproof().args(["serve", "scenarios/serve.yaml", "--triggers", address]));
        assert_eq!(code, 2, "{address}");
        assert!(message.starts_with(&format!("error: --triggers `{address}`")), "{message}");
    }
    let both = ["serve", "scenarios/custom-auth.yaml", "--triggers", "http://127.0.0.1:9"];
    let (code, _, message) = output(poolproof().args(both));
    let expected = "error: give either --triggers or `pool.custom_auth` in the scenario";
    assert_eq!((code, message.trim()), (2, expected));
}

/// A scenario's challenges work in the served pool, and a pool that is created has none.
#[test]
fn a_served_scenario_has_its_custom_challenges() {
    let served = ServerProcess::start_command(poolproof().args([
        "serve",
        "scenarios/custom-auth.yaml",
        "--listen",
        "127.0.0.1:0",
        "--tokens",
        "opaque",
    ]));
    let user = json!({ "UserPoolId": "us-east-1_Poolproof", "Username": "ann", "MessageAction": "SUPPRESS" });
    served.call("AdminCreateUser", &user).json();
    let second = respond(&served, &start(&served), "42");
    assert_eq!(second["ChallengeParameters"]["challenge"], "motto");
    let tokens = respond(&served, &second, "semper");
    assert!(tokens["AuthenticationResult"]["AccessToken"].is_string(), "{tokens}");
    let choice =
        json!({ "ClientId": "poolproof", "AuthFlow": "USER_AUTH", "AuthParameters": { "USERNAME": "ann" } });
    let offer = served.call("InitiateAuth", &choice).json();
    assert_eq!(offer["AvailableChallenges"], json!(["PASSWORD_SRP", "PASSWORD"]));
}
