//! The HTTP server: it answers or closes every connection, and one client does not affect the others (W3–W8).

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use poolproof::http::codec::MAX_BODY;
use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::cli::{output, poolproof};
use crate::server_process::{HttpResponse, ServerProcess, answer, is_closed, request, serve_command};

/// Timeouts that are short enough for tests.
const QUICK: [&str; 4] = ["--request-timeout", "1", "--idle-timeout", "2"];

pub(crate) fn summary(answered: Option<HttpResponse>) -> String {
    answered.map_or_else(|| "closed".to_owned(), |answered| answered.refusal())
}

#[test]
fn a_too_long_body_gets_413_at_the_exact_limit() {
    let served = ServerProcess::start(&QUICK);
    let long = "413 SerializationException: The request is longer than 131072 bytes.";
    let spaces = vec![b' '; 10 << 20];
    let sent = |length: usize| summary(served.send(request("GetUser", &spaces[..length])));
    assert_eq!(sent(MAX_BODY), "400 SerializationException: The request is not JSON text.");
    assert_eq!(sent(MAX_BODY + 1), long);
    // The server discards the first chunk that exceeds the limit, whatever length the header announces.
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: \
                AWSCognitoIdentityProviderService.GetUser\r\n";
    let announced = format!("{head}Content-Length: 1000000000000\r\n\r\n").into_bytes();
    assert_eq!(summary(served.send([announced, spaces[..MAX_BODY + 1].to_vec()].concat())), long);
    // Buffers of the operating system and discarded data are some megabytes. Without a limit, a second would
    // transfer hundreds.
    let most = 24 << 20;
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 65_536], b"\r\n".to_vec()].concat();
    for head in [
        head.to_owned(),
        "POST /nowhere HTTP/1.1\r\nHost: localhost\r\n".to_owned(),
        head.replace(".GetUser", ".NoOperation"),
        head.replace("x-amz-json-1.1", "json"),
        head.replace("X-Amz-Target", "X-Other"),
        "GET /health HTTP/1.1\r\nHost: localhost\r\n".to_owned(),
        "GET /outbox HTTP/1.1\r\nHost: localhost\r\n".to_owned(),
        "HEAD /health HTTP/1.1\r\nHost: localhost\r\n".to_owned(),
        "OPTIONS / HTTP/1.1\r\nHost: localhost\r\n".to_owned(),
    ] {
        let mut stream = served.connect();
        write!(stream, "{head}Transfer-Encoding: chunked\r\n\r\n").unwrap();
        let mut taken = 0;
        while stream.write_all(&chunk).is_ok() {
            taken += chunk.len();
            assert!(taken < most, "the server reads {taken} bytes of chunks after {head}");
        }
        assert!(is_closed(&mut stream), "endless chunks after {head}");
        let mut stream = served.connect();
        write!(stream, "{head}Content-Length: 1000\r\n\r\n").unwrap();
        // A response to HEAD has no body.
        let answered = head.starts_with("HEAD") || answer(&mut stream).is_some();
        assert!(answered && is_closed(&mut stream), "a missing body after {head}");
    }
    assert!(served.is_healthy());
}

#[test]
fn invalid_requests_get_an_error_response() {
    let served = ServerProcess::start(&[]);
    let unknown = |message: &str| format!("400 UnknownOperationException: {message}");
    let post = |headers: &str| {
        let head = format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n{headers}\r\n{{}}");
        summary(served.send(head))
    };
    let kind = "Content-Type: application/x-amz-json-1.1\r\n";
    let target = "X-Amz-Target: AWSCognitoIdentityProviderService.GetUser\r\n";
    let absent = "400 InvalidParameterException: 1 validation error detected: Value at 'accessToken' failed to \
                  satisfy constraint: Member must not be null";
    assert_eq!(post(&format!("{kind}{target}")), absent);
    assert_eq!(post(&format!("{target}Content-Type: Application/X-AMZ-JSON-1.1; charset=utf-8\r\n")), absent);
    assert_eq!(post(kind), unknown("X-Amz-Target is missing."));
    assert_eq!(post(&format!("{kind}{target}{target}")), unknown("X-Amz-Target is given twice."));
    let foreign = format!("{kind}X-Amz-Target: DynamoDB_20120810.ListTables\r\n");
    let prefix = "X-Amz-Target does not begin with AWSCognitoIdentityProviderService.";
    assert_eq!(post(&foreign), unknown(prefix));
    assert_eq!(post(&format!("{kind}{}", target.to_lowercase())), unknown(prefix));
    let named =
        |name: &str| post(&format!("{kind}X-Amz-Target: AWSCognitoIdentityProviderService.{name}\r\n"));
    assert_eq!(named("getUser"), unknown("Unknown operation: getUser"));
    assert_eq!(named(&"x".repeat(10_000)), unknown(&format!("Unknown operation: {}", "x".repeat(64))));
    let content = "400 SerializationException: Content-Type must be application/x-amz-json-1.1.";
    assert_eq!(post(target), content);
    assert_eq!(post(&format!("{target}Content-Type: application/json\r\n")), content);
    assert_eq!(
        post(&format!("{kind}{target}Content-Encoding: gzip\r\n")),
        "400 SerializationException: Content-Encoding is not supported."
    );
    assert_eq!(
        post(&format!("{kind}{target}X-Poolproof-Risk: huge\r\n")),
        "400 InvalidParameterException: X-Poolproof-Risk must be none, low, medium or high."
    );
    let whole = format!(
        "POST http://elsewhere/ HTTP/1.1\r\nHost: localhost\r\n{kind}{target}Content-Length: 2\r\n\r\n{{}}"
    );
    assert_eq!(summary(served.send(whole)), absent, "a request in absolute form, as for proxies");
    let bare =
        |line: &str| served.send(format!("{line} HTTP/1.1\r\nHost: localhost\r\n\r\n")).unwrap().status;
    assert_eq!([bare("GET /"), bare("PUT /"), bare("TRACE /"), bare("DELETE /health")], [405, 405, 405, 404]);
    assert_eq!([bare("GET /nowhere"), bare("POST /x"), bare("GET /../etc/passwd")], [404, 404, 404]);
    assert_eq!(
        [bare("GET /no_Pool/.well-known/jwks.json"), bare("GET /health"), bare("GET /outbox")],
        [404, 200, 200]
    );
}

#[test]
fn non_http_connections_are_closed() {
    let served = ServerProcess::start(&QUICK);
    let get = "GET /health HTTP/1.1\r\nHost: localhost\r\n";
    let many: String = (0..1000).map(|at| format!("X-{at}: y\r\n")).collect();
    let cases: [(&str, Vec<u8>); 8] = [
        ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(40)),
        ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("noise", (0..=255).cycle().take(4096).collect()),
        ("a thousand headers", format!("{get}{many}\r\n").into_bytes()),
        ("a header of a megabyte", format!("{get}X: {}\r\n\r\n", "y".repeat(1 << 20)).into_bytes()),
        ("a NUL in a header", format!("{get}X: a\0b\r\n\r\n").into_bytes()),
        ("a folded header", format!("{get}X: a\r\n b\r\n\r\n").into_bytes()),
        (
            "two lengths",
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"
                .to_vec(),
        ),
    ];
    for (what, bytes) in cases {
        let mut stream = served.connect();
        drop(stream.write_all(&bytes));
        let status = answer(&mut stream).map(|answer| answer.status);
        assert!(matches!(status, None | Some(400 | 408 | 431 | 505)), "{what}: {status:?}");
        assert!(is_closed(&mut stream), "{what}");
    }
    // Content-Length together with chunks is ambiguous. The server must not read two requests.
    let smuggled = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 44\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET \
                    /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut stream = served.connect();
    stream.write_all(smuggled.as_bytes()).unwrap();
    let first = answer(&mut stream).map(|answer| answer.status);
    assert!(matches!(first, None | Some(400)), "{first:?}");
    assert!(is_closed(&mut stream), "the server answered a second request");
    assert!(served.is_healthy());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test measures the server's timeout with its own clock")]
fn slow_clients_are_closed_without_affecting_others() {
    let served = ServerProcess::start(&QUICK);
    let whole = request("GetUser", br#"{"AccessToken":"x"}"#);
    let mut slow = Vec::new();
    for part in [0, 1, 20, whole.len() - 5] {
        for _ in 0..50 {
            let mut stream = served.connect();
            stream.write_all(&whole[..part]).unwrap();
            slow.push((part, stream));
        }
    }
    let start = Instant::now();
    for _ in 0..20 {
        assert!(served.is_healthy());
    }
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "two hundred slow clients delay others: {:?}",
        start.elapsed()
    );
    for (part, stream) in &mut slow {
        assert!(is_closed(stream), "after {part} bytes");
    }
    assert!(start.elapsed() < Duration::from_secs(8), "the timeout is too late: {:?}", start.elapsed());
    let mut dripping = served.connect();
    for byte in &whole[..60] {
        thread::sleep(Duration::from_millis(50));
        if dripping.write_all(&[*byte]).is_err() {
            break;
        }
    }
    assert!(is_closed(&mut dripping), "single bytes must not extend the timeout");
}

#[test]
fn later_requests_on_a_connection_have_a_timeout_too() {
    let served = ServerProcess::start(&QUICK);
    for begun in ["G", "GET /health HTTP/1.1\r\nHost: localhost\r\n", "\r\n"] {
        let mut stream = served.connect();
        for _ in 0..3 {
            stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            assert_eq!(answer(&mut stream).unwrap().status, 200);
        }
        stream.write_all(begun.as_bytes()).unwrap();
        assert!(is_closed(&mut stream), "after {begun:?}");
    }
}

/// Returns a connection with a small receive buffer.
fn small_window_stream(served: &ServerProcess) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&served.address.parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.into()
}

#[test]
fn clients_that_do_not_read_are_closed() {
    let served = ServerProcess::start(&QUICK);
    let (long, body) = ("x".repeat(1000), vec![b'['; 50_000]);
    let requests = [
        "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000).into_bytes(),
        "OPTIONS / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000).into_bytes(),
        format!("GET /nowhere/{long} HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(20).into_bytes(),
        request("GetUser", &body),
    ];
    let before = served.resident_kib();
    let writers: Vec<_> = (0..12)
        .map(|number| {
            let (mut stream, requests) =
                (small_window_stream(&served), requests[number % requests.len()].clone());
            thread::spawn(move || {
                std::iter::repeat_with(|| stream.write_all(&requests))
                    .find_map(Result::err)
                    .map(|error| error.kind())
            })
        })
        .collect();
    let mut most = before;
    while writers.iter().any(|writer| !writer.is_finished()) {
        most = most.max(served.resident_kib());
        thread::sleep(Duration::from_millis(20));
    }
    for writer in writers {
        let ended = writer.join().unwrap();
        assert!(matches!(ended, Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)), "{ended:?}");
    }
    if let (Some(before), Some(most)) = (before, most) {
        assert!(most < before + 24 * 1024, "{before} KiB, then {most} KiB");
    }
    assert!(served.is_healthy());
}

#[test]
fn concurrent_connections_are_answered() {
    let served = ServerProcess::start(&[]);
    for (length, count) in [(10, 3000), (1000, 200), (33_000, 60), (120_000, 20)] {
        let body = json!({ "MaxResults": 1, "Unknown": "a".repeat(length) }).to_string();
        let requests = request("ListUserPools", body.as_bytes()).repeat(count);
        let mut stream = served.connect();
        let mut writer = stream.try_clone().unwrap();
        let writing = thread::spawn(move || writer.write_all(&requests));
        for number in 0..count {
            let answered = answer(&mut stream).map(|answered| answered.status);
            assert_eq!(answered, Some(200), "number {number} of {count} with {length} bytes each");
        }
        writing.join().unwrap().unwrap();
    }
}

#[test]
fn a_blocked_stdout_reader_does_not_block_the_server() {
    let mut command = serve_command("127.0.0.1:0");
    command.args(["--tokens", "opaque"]);
    let (served, mut lines) = ServerProcess::start_with_output(&mut command);
    // A kilobyte per line: together more than the pipe and the server's buffer hold.
    let long = "\u{4e00}";
    let (name, password) = (long.repeat(100), format!("aA1!{}", long.repeat(240)));
    let count = 600;
    for number in 0..count {
        let user = json!({ "UserPoolId": "us-east-1_Poolproof", "Username": format!("{name}{number}"),
            "TemporaryPassword": password, "DesiredDeliveryMediums": ["EMAIL"],
            "UserAttributes": [{ "Name": "email", "Value": format!("ann{number}@example.com") }] });
        assert_eq!(served.call("AdminCreateUser", &user).status, 200);
    }
    assert!(served.is_healthy());
    let reading = thread::spawn(move || {
        let mut output = String::new();
        lines.read_to_string(&mut output).map(|_| output)
    });
    // The server prints the buffered lines when the test reads again.
    #[cfg(unix)]
    assert_eq!(served.signal("-TERM"), Some(0));
    #[cfg(not(unix))]
    drop(served);
    let output = reading.join().unwrap().unwrap();
    let missed =
        output.lines().find_map(|line| line.strip_prefix("… ")?.strip_suffix(" lines were not shown"));
    let missed: usize =
        missed.unwrap_or_else(|| panic!("no dropped lines in {} bytes", output.len())).parse().unwrap();
    assert_eq!(output.lines().filter(|line| line.starts_with("EMAIL to ")).count() + missed, count);
}

/// Shells often set a low soft limit of open files and a higher hard limit.
#[cfg(unix)]
#[test]
fn the_open_file_limit_is_raised_for_connections() {
    let limited = |limit: &str| {
        let mut shell = std::process::Command::new("sh");
        shell.current_dir(crate::run_fixture::root()).env("CI", "true");
        shell.args(["-c", &format!("ulimit {limit} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_poolproof")]);
        shell.args(["serve", "scenarios/serve.yaml", "--listen", "127.0.0.1:0"]);
        shell.args(["--request-timeout", "60", "--connections", "500"]);
        ServerProcess::start_command(&mut shell)
    };
    let served = limited("-Sn 100");
    let mut others: Vec<_> = (0..300).map(|_| served.connect()).collect();
    assert!(served.is_healthy());
    for other in &mut others {
        other.set_nonblocking(true).unwrap();
        let kept = other.read(&mut [0]);
        assert!(kept.is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "a connection was closed");
    }
    // If the hard limit is low too, later connections wait until others close.
    let served = limited("-n 100");
    drop((0..300).map(|_| served.connect()).collect::<Vec<_>>());
    assert!(served.is_healthy());
}

#[test]
fn aborted_connections_do_not_affect_others() {
    let served = ServerProcess::start(&[]);
    let whole = request("GetUser", br#"{"AccessToken":"x"}"#);
    let mut half = served.connect();
    half.write_all(&whole).unwrap();
    half.shutdown(Shutdown::Write).unwrap();
    assert_eq!(
        summary(answer(&mut half)),
        "400 NotAuthorizedException: Invalid Access Token",
        "a half-closed connection"
    );
    for part in 0..200 {
        let mut stream = served.connect();
        stream.write_all(&whole[..part % whole.len()]).unwrap();
        drop(stream);
    }
    assert!(served.is_healthy());
}

#[test]
fn requests_on_one_connection_are_answered_in_order() {
    let served = ServerProcess::start(&[]);
    let mut stream = served.connect();
    let mut requests = Vec::new();
    for number in 0..100 {
        requests.extend(request(
            "DescribeUserPool",
            json!({ "UserPoolId": format!("r_{number}") }).to_string().as_bytes(),
        ));
    }
    stream.write_all(&requests).unwrap();
    for number in 0..100 {
        let wanted = format!("400 ResourceNotFoundException: User pool r_{number} does not exist.");
        assert_eq!(summary(answer(&mut stream)), wanted);
    }
    let before = served.resident_kib();
    for _ in 0..10_000 {
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        assert_eq!(answer(&mut stream).unwrap().status, 200);
    }
    if let (Some(before), Some(after)) = (before, served.resident_kib()) {
        assert!(after < before + 4096, "{before} KiB, then {after} KiB");
    }
}

/// A request that offers another protocol is an ordinary one.
#[test]
fn an_offered_protocol_is_ignored() {
    let served = ServerProcess::start(&[]);
    let mut stream = served.connect();
    let whole = request("GetUser", br#"{"AccessToken":"x"}"#);
    let upgrade = String::from_utf8(whole).unwrap();
    let upgrade = upgrade.replace("Host: ", "Connection: Upgrade\r\nUpgrade: websocket\r\nHost: ");
    for _ in 0..2 {
        stream.write_all(upgrade.as_bytes()).unwrap();
        assert_eq!(summary(answer(&mut stream)), "400 NotAuthorizedException: Invalid Access Token");
    }
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(answer(&mut stream).unwrap().status, 200);
}

#[test]
fn repeated_invalid_requests_do_not_use_more_memory() {
    let served = ServerProcess::start(&[]);
    let body = json!({ "ClientId": "poolproof", "AuthFlow": "USER_SRP_AUTH",
        "AuthParameters": { "USERNAME": "x".repeat(100_000), "SRP_A": "0" } });
    let ask = || served.call("InitiateAuth", &body).status;
    assert_eq!(ask(), 400);
    let before = served.resident_kib();
    for _ in 0..1000 {
        assert_eq!(ask(), 400);
    }
    if let (Some(before), Some(after)) = (before, served.resident_kib()) {
        assert!(after < before + 8192, "{before} KiB, then {after} KiB");
    }
}

#[test]
fn metrics_and_outbox_show_activity() {
    let served = ServerProcess::start(&["--tokens", "opaque", "--memory", "50MB"]);
    let user = json!({ "UserPoolId": "us-east-1_Poolproof", "Username": "ann",
        "UserAttributes": [{ "Name": "phone_number", "Value": "+15550100" }] });
    assert_eq!(served.call("AdminCreateUser", &user).json()["User"]["UserStatus"], "FORCE_CHANGE_PASSWORD");
    served.call("GetUser", &json!({ "AccessToken": "x" }));
    served.call("Nonsense", &json!({}));
    let get =
        |path: &str| served.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).unwrap().body;
    let metrics = get("/metrics");
    for wanted in [
        "poolproof_requests_total{operation=\"AdminCreateUser\",outcome=\"ok\"} 1\n",
        "poolproof_requests_total{operation=\"GetUser\",outcome=\"NotAuthorizedException\"} 1\n",
        "poolproof_requests_total{operation=\"other\",outcome=\"UnknownOperationException\"} 1\n",
        "poolproof_users 1\n",
        "poolproof_srp_jobs_total 1\n",
        "poolproof_memory_budget_bytes 50000000\n",
        "poolproof_memory_dropped_total 0\n",
        "poolproof_memory_refused_total 0\n",
    ] {
        assert!(metrics.contains(wanted), "no {wanted} in {metrics}");
    }
    let outbox: serde_json::Value = serde_json::from_str(&get("/outbox?username=ann")).unwrap();
    assert_eq!(outbox["messages"][0]["destination"], "+15550100");
    assert_eq!(outbox["messages"][0]["medium"], "SMS");
    assert_eq!(get("/outbox?username=bob"), r#"{"messages":[]}"#);
    let head = |line: &str| {
        let mut stream = served.connect();
        write!(stream, "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    let health = head("HEAD /health");
    assert!(health.starts_with("HTTP/1.1 200") && health.ends_with("\r\n\r\n"), "{health}");
    assert!(health.contains("content-length: 15\r\n"), "the length of a GET response: {health}");
    let no_keys =
        served.send("GET /us-east-1_Poolproof/.well-known/jwks.json HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(no_keys.unwrap().status, 404, "opaque tokens have no keys");
}

#[test]
fn unsafe_serve_options_are_rejected() {
    let serve = |flags: &[&str]| output(poolproof().arg("serve").args(flags));
    let (code, out, err) = serve(&["scenarios/serve.yaml", "--listen", "0.0.0.0:0"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("other machines can reach") && err.contains("--expose"), "{err}");
    let toy = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("serve-toy.yaml");
    let text = std::fs::read_to_string(crate::run_fixture::root().join("scenarios/serve.yaml")).unwrap();
    std::fs::write(&toy, text.replace("clock: wall", "clock: wall\ngroup: toy")).unwrap();
    let (code, out, err) = serve(&[toy.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    assert_eq!((code, out.as_str()), (104, ""));
    assert!(err.contains("gives no protection"), "{err}");
    for flags in [
        &["--pool-id", "nope"][..],
        &["--client-id", "a b"],
        &["--listen", "nowhere"],
        &["--workers", "0"],
        &["--memory", "1.5GB"],
        &["--memory", "15MB"],
    ] {
        let (code, out, err) = serve(&[&["scenarios/serve.yaml"], flags].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{flags:?}");
        assert!(err.contains("error:"), "{err}");
    }
    let (_, help, _) = serve(&["--help"]);
    assert!(help.contains("administrator") && help.contains("/outbox"), "{help}");
    let mut taken = ServerProcess::start(&[]).connect();
    drop(taken.read(&mut [0]));
}
