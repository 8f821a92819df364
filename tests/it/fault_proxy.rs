//! A proxy for a served pool. A test decides for each request whether the proxy forwards it, answers it or
//! drops it.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::server_process::ServerProcess;

/// The proxy's action for a request.
pub(crate) enum ProxyAction {
    /// Forwards the request and its response.
    Forward,
    /// Sends these bytes as the response and does not forward the request.
    Reply(String),
    /// Forwards the request and sends this text in place of its response.
    ReplaceResponse(String),
    /// Forwards the request and closes the connection before the response.
    DropResponse,
    /// Closes the connection and does not forward the request.
    DropRequest,
    /// Forwards the request after this time.
    ForwardAfter(Duration),
    /// Keeps the connection open and never answers.
    Hang,
}

impl ProxyAction {
    /// Answers with this status and body, without forwarding the request.
    pub(crate) fn reply(status: u16, body: &str) -> Self {
        Self::Reply(response(status, body))
    }

    /// Forwards the request and answers with status 200 and this body.
    pub(crate) fn replace_response(body: &str) -> Self {
        Self::ReplaceResponse(response(200, body))
    }

    /// Answers with an error of this type.
    pub(crate) fn reject(kind: &str) -> Self {
        Self::reply(400, &format!("{{\"__type\":\"{kind}\",\"message\":\"no\"}}"))
    }

    /// Answers that there are too many requests.
    pub(crate) fn throttle() -> Self {
        Self::reject("TooManyRequestsException")
    }
}

fn response(status: u16, body: &str) -> String {
    let head = "Content-Type: application/x-amz-json-1.1\r\nContent-Length";
    format!("HTTP/1.1 {status} x\r\n{head}: {}\r\n\r\n{body}", body.len())
}

/// A running proxy. Its threads end with the test process.
pub(crate) struct FaultProxy {
    pub(crate) url: String,
    operations: Arc<Mutex<Vec<String>>>,
}

impl FaultProxy {
    /// Starts a proxy for this pool. `action` receives the operation and the body of each request. The
    /// operation of a request for a page is empty.
    pub(crate) fn to(
        server: &ServerProcess,
        action: impl FnMut(&str, &str) -> ProxyAction + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let operations = Arc::new(Mutex::new(Vec::new()));
        let (upstream, action, seen) =
            (server.address.clone(), Arc::new(Mutex::new(action)), Arc::clone(&operations));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (upstream, action, seen) = (upstream.clone(), Arc::clone(&action), Arc::clone(&seen));
                std::thread::spawn(move || {
                    let mut client = client.unwrap();
                    while let Some(request) = message(&mut client) {
                        let text = String::from_utf8_lossy(&request);
                        let (head, body) = text.split_once("\r\n\r\n").unwrap();
                        let target =
                            head.lines().find(|line| line.to_lowercase().starts_with("x-amz-target"));
                        let operation = target.and_then(|line| line.rsplit('.').next()).unwrap_or_default();
                        seen.lock().unwrap().push(operation.to_owned());
                        let action = (action.lock().unwrap())(operation, body);
                        let Some(response) = respond(&upstream, &request, action) else { return };
                        if client.write_all(&response).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, operations }
    }

    /// Returns the number of requests for this operation.
    pub(crate) fn asked(&self, operation: &str) -> usize {
        self.operations.lock().unwrap().iter().filter(|seen| *seen == operation).count()
    }
}

/// Returns the bytes to send to the client, or `None` if the proxy closes the connection.
fn respond(upstream: &str, request: &[u8], action: ProxyAction) -> Option<Vec<u8>> {
    if let ProxyAction::Reply(bytes) = action {
        return Some(bytes.into_bytes());
    }
    if matches!(action, ProxyAction::DropRequest) {
        return None;
    }
    match action {
        ProxyAction::ForwardAfter(time) => std::thread::sleep(time),
        // The thread ends with the process.
        ProxyAction::Hang => loop {
            std::thread::park();
        },
        _ => {}
    }
    let mut server = TcpStream::connect(upstream).ok()?;
    server.write_all(request).ok()?;
    let response = message(&mut server)?;
    match action {
        ProxyAction::Forward | ProxyAction::ForwardAfter(_) => Some(response),
        ProxyAction::ReplaceResponse(text) => Some(text.into_bytes()),
        _ => None,
    }
}

/// Reads one request or response with its body. Returns `None` if the stream ends.
pub(crate) fn message(stream: &mut impl std::io::Read) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes.clone()).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).ok()?;
    bytes.extend(body);
    Some(bytes)
}
