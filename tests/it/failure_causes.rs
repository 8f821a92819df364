//! The causes of failed requests, as the HTTP client reports them, and which requests it repeats.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use poolproof::actors::system;
use poolproof::clock::{Clock, ClockKind};
use poolproof::failure::FailureCause;
use poolproof::http::client::{ClientLimits, EndpointUrl, HttpTarget};
use poolproof::target::{Target as _, TransportError};
use poolproof_cognito::protocol::{
    ErrorKind, InitiateAuth, Origin, Parameters, Reply, Request, RespondToAuthChallenge,
};
use socket2::SockRef;

use crate::fault_proxy::message;

/// A server's behavior for a request.
#[derive(Clone, Copy)]
enum Behavior {
    Answer(&'static str),
    Close,
    Reset,
    Hang,
}

const CHALLENGE: &str = r#"{"ChallengeName":"SMS_MFA","Session":"s","ChallengeParameters":{}}"#;

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Starts a server that treats the n-th request on a connection as `behaviors` says, and later ones as the
/// last. Returns its address and the number of requests.
fn server(behaviors: &'static [Behavior]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&requests);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, seen) = (client.unwrap(), Arc::clone(&seen));
            std::thread::spawn(move || serve(&mut client, behaviors, &seen));
        }
    });
    (address, requests)
}

fn serve(client: &mut TcpStream, behaviors: &[Behavior], seen: &AtomicUsize) {
    for number in 0.. {
        if message(client).is_none() {
            return;
        }
        seen.fetch_add(1, Ordering::SeqCst);
        match behaviors[behaviors.len().min(number + 1) - 1] {
            Behavior::Answer("") => client.write_all(ok(CHALLENGE).as_bytes()).unwrap(),
            Behavior::Answer(text) => client.write_all(text.as_bytes()).unwrap(),
            Behavior::Close => return,
            Behavior::Reset => {
                SockRef::from(&*client).set_linger(Some(Duration::ZERO)).unwrap();
                return;
            }
            Behavior::Hang => drop(client.read(&mut [0])),
        }
    }
}

fn start() -> Request {
    let auth_flow = "USER_SRP_AUTH".to_owned();
    Request::InitiateAuth(InitiateAuth {
        client_id: "c".to_owned(),
        auth_flow,
        auth_parameters: Parameters::new(),
    })
}

fn answer() -> Request {
    Request::RespondToAuthChallenge(RespondToAuthChallenge {
        client_id: "c".to_owned(),
        challenge_name: "SMS_MFA".to_owned(),
        session: None,
        challenge_responses: Parameters::new(),
        client_metadata: Parameters::new(),
    })
}

/// Sends these requests one after the other.
fn send(url: &str, requests: Vec<Request>) -> Vec<Result<Reply, TransportError>> {
    let url = EndpointUrl::parse(url).unwrap();
    system(ClockKind::Wall).unwrap().block_on(async move {
        let limits = ClientLimits { request: Duration::from_millis(700), ..ClientLimits::DEFAULT };
        let target = HttpTarget::new(url, None, Clock::start(ClockKind::Wall), limits).unwrap();
        let mut replies = Vec::new();
        for request in requests {
            replies.push(target.call(Origin::default(), request).await);
        }
        replies
    })
}

#[test]
fn every_failure_has_its_cause() {
    let cases: [(&'static [Behavior], FailureCause, &str); 8] = [
        (&[Behavior::Close], FailureCause::ConnectionClosed, "closed"),
        (&[Behavior::Reset], FailureCause::ConnectionReset, "reset"),
        (&[Behavior::Hang], FailureCause::Timeout, "no response within 700ms"),
        (
            &[Behavior::Answer("HTTP/1.1 503 x\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n")],
            FailureCause::HttpStatus,
            "HTTP status 503",
        ),
        (
            &[Behavior::Answer("HTTP/1.1 404 x\r\nContent-Length: 6\r\n\r\n<html>")],
            FailureCause::HttpStatus,
            "HTTP status 404 with a body that is no JSON object",
        ),
        (
            &[Behavior::Answer("HTTP/1.1 200 x\r\nContent-Length: 6\r\n\r\n<html>")],
            FailureCause::UnreadableAnswer,
            "no JSON object",
        ),
        (&[Behavior::Answer("SSH-2.0-x\r\n\r\n")], FailureCause::UnreadableAnswer, "HTTP version"),
        (
            &[Behavior::Answer("HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\n{"), Behavior::Close],
            FailureCause::Timeout,
            "",
        ),
    ];
    for (behaviors, cause, words) in cases {
        let (address, _) = server(behaviors);
        let error = send(&format!("http://{address}"), vec![start()]).remove(0).unwrap_err();
        assert_eq!(error.cause, cause, "{error}");
        assert!(error.why.contains(words), "{error}");
        let wait = (error.status == Some(503)).then_some(Duration::from_secs(7));
        assert_eq!(error.retry_after, wait, "{error}");
    }
    let without_tls = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = without_tls.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut client, _) = without_tls.accept().unwrap();
        client.write_all(b"HTTP/1.1 400 x\r\n\r\n").unwrap();
        drop(client.read(&mut [0; 999]));
    });
    let error = send(&format!("https://{address}"), vec![start()]).remove(0).unwrap_err();
    assert_eq!(error.cause, FailureCause::Tls, "a server without TLS: {error}");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = send(&format!("http://{closed}"), vec![start()]).remove(0).unwrap_err();
    assert_eq!(error.cause, FailureCause::ConnectionRefused, "{error}");
}

#[test]
fn a_request_that_may_be_done_twice_is_repeated_once_if_its_reused_connection_ends() {
    for end in [&[Behavior::Answer(""), Behavior::Close], &[Behavior::Answer(""), Behavior::Reset]] {
        let (address, requests) = server(end);
        let url = format!("http://{address}");
        let replies = send(&url, vec![start(), start(), start(), start()]);
        assert!(replies.iter().all(Result::is_ok), "{replies:?}");
        assert_eq!(requests.load(Ordering::SeqCst), 7, "each but the first is sent twice");
        // The server may have used up the session of the first request.
        let replies = send(&url, vec![start(), answer()]);
        assert!(replies[0].is_ok() && replies[1].is_err(), "{replies:?}");
        assert_eq!(requests.load(Ordering::SeqCst), 9);
    }
    // A new connection that ends is a failure of the server.
    let (address, requests) = server(&[Behavior::Close]);
    assert!(send(&format!("http://{address}"), vec![start()])[0].is_err());
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[test]
fn throttling_has_the_time_to_wait() {
    let (address, _) = server(&[Behavior::Answer(
        "HTTP/1.1 400 x\r\nRetry-After: 2\r\nContent-Length: 37\r\n\r\n{\"__type\":\"TooManyRequestsException\"}",
    )]);
    let refusal = send(&format!("http://{address}"), vec![start()]).remove(0).unwrap().unwrap_err();
    assert_eq!(
        (refusal.kind, refusal.retry_after),
        (ErrorKind::TooManyRequests, Some(Duration::from_secs(2)))
    );
}
