//! Shutdown of `serve`: gracefully on the first signal, immediately on the second.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::serve::summary;
use crate::server_process::{ServerProcess, answer, is_closed, request};

#[test]
fn a_signal_shuts_down_gracefully() {
    for signal in ["-INT", "-TERM"] {
        let served = ServerProcess::start(&["--request-timeout", "60"]);
        assert!(served.is_healthy());
        let whole = request("GetUser", br#"{"AccessToken":"x"}"#);
        let (first, rest) = whole.split_at(whole.len() - 3);
        let mut stream = served.connect();
        stream.write_all(first).unwrap();
        // The server has read the earlier bytes when it answers this request, because one thread reads all
        // connections.
        assert!(served.is_healthy());
        served.send_signal(signal);
        while TcpStream::connect(&served.address).is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
        stream.write_all(rest).unwrap();
        assert_eq!(
            summary(answer(&mut stream)),
            "400 NotAuthorizedException: Invalid Access Token",
            "{signal}"
        );
        assert!(is_closed(&mut stream));
        assert_eq!(served.ended(), Some(0), "{signal}");
    }
}

#[test]
fn a_second_signal_exits_immediately() {
    let served = ServerProcess::start(&["--request-timeout", "60"]);
    let whole = request("GetUser", b"{}");
    let mut stream = served.connect();
    stream.write_all(&whole[..whole.len() - 1]).unwrap();
    assert!(served.is_healthy());
    for signal in ["-INT", "-TERM"] {
        served.send_signal(signal);
        while signal == "-INT" && TcpStream::connect(&served.address).is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
        // The server counts signals within a short time as one.
        thread::sleep(Duration::from_millis(300));
    }
    assert!(answer(&mut stream).is_none(), "the server answered the unfinished request");
    assert_eq!(served.ended(), Some(105), "wrong exit code");
}

#[test]
fn simultaneous_signals_count_as_one() {
    let served = ServerProcess::start(&["--request-timeout", "60"]);
    let whole = request("GetUser", br#"{"AccessToken":"x"}"#);
    let (first, rest) = whole.split_at(whole.len() - 3);
    let mut stream = served.connect();
    stream.write_all(first).unwrap();
    assert!(served.is_healthy());
    // A supervisor can signal a process and then its process group.
    let both = format!("kill -TERM {id}; sleep 0.02; kill -INT {id}", id = served.id());
    assert!(Command::new("sh").args(["-c", &both]).status().unwrap().success());
    while TcpStream::connect(&served.address).is_ok() {
        thread::sleep(Duration::from_millis(10));
    }
    stream.write_all(rest).unwrap();
    assert_eq!(summary(answer(&mut stream)), "400 NotAuthorizedException: Invalid Access Token");
    assert_eq!(served.ended(), Some(0));
}
