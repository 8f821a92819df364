//! The limit on connections: those that wait make room, and each address has a share.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use crate::server_process::{ServerProcess, answer, is_closed};

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Connections that wait for a request make room for another client, who would otherwise wait until they are
/// closed as idle.
#[test]
fn idle_connections_make_room_for_another_client() {
    let served = ServerProcess::start(&["--connections", "20", "--idle-timeout", "3600"]);
    let mut idle: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = served.connect();
            stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            assert_eq!(answer(&mut stream).unwrap().status, 200);
            stream
        })
        .collect();
    assert!(served.is_healthy());
    assert!(is_closed(&mut idle[0]), "the one that waits longest is closed");
    let last = idle.last_mut().unwrap();
    last.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(answer(last).unwrap().status, 200, "the others stay");
}

/// Connects from one of the addresses of this machine. Only Linux has all of 127.0.0.0/8.
#[cfg(target_os = "linux")]
fn connect_from(served: &ServerProcess, address: [u8; 4]) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((address, 0).into()).unwrap();
        socket.connect(served.address.parse().unwrap()).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// An address that holds all connections in the middle of a body, and more that wait, makes room for others.
/// The only connection of a third address stays.
#[cfg(target_os = "linux")]
#[test]
fn connections_in_the_middle_of_a_body_make_room_for_other_addresses() {
    let (attacker, third, other) = ([127, 0, 0, 2], [127, 0, 0, 3], [127, 0, 0, 4]);
    // Without a share the connections end by this time limit, which is longer than that of a read.
    let flags = ["--connections", "20", "--request-timeout", "60", "--idle-timeout", "60"];
    let served = ServerProcess::start(&flags);
    let ask = |stream: &mut TcpStream| {
        stream.write_all(HEALTH).unwrap();
        answer(stream).unwrap().status
    };
    let mut idle = connect_from(&served, third);
    assert_eq!(ask(&mut idle), 200);
    let begin_body = |_| {
        let mut stream = connect_from(&served, attacker);
        let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\n\
                    X-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth\r\nContent-Length: 100\r\n\r\n{";
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let mut attackers: Vec<_> = (0..40).map(begin_body).collect();
    assert_eq!(ask(&mut connect_from(&served, other)), 200);
    assert_eq!(ask(&mut idle), 200, "an address with one connection keeps it");
    let late = answer(&mut attackers[0]).unwrap();
    assert_eq!(late.status, 408);
    let message = "The connection was closed before the body was complete, because the server has too many connections.";
    assert_eq!(late.refusal(), format!("408 SerializationException: {message}"));
    assert!(is_closed(&mut attackers[0]));
    // The last ones are still read, and their requests are answered when they are complete.
    let last = attackers.last_mut().unwrap();
    last.write_all(&[b' '; 99]).unwrap();
    assert_eq!(answer(last).unwrap().status, 400);
}
