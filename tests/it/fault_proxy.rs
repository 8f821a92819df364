//! A detour to a served pool: requests pass, but for those that somebody answers otherwise or loses.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::server_process::ServerProcess;

/// What becomes of a request.
pub(crate) enum ProxyAction {
    /// It passes, and so does its answer.
    Forward,
    /// It is answered by these bytes, and does not pass.
    Reply(String),
    /// It passes, and is answered by this in place of its answer.
    ReplaceResponse(String),
    /// It passes, and the connection ends before its answer.
    DropResponse,
    /// The connection ends before it passes.
    DropRequest,
}

impl ProxyAction {
    /// This status with this body.
    pub(crate) fn reply(status: u16, body: &str) -> Self {
        Self::Reply(answer(status, body))
    }

    /// It passes, and this body is what comes back.
    pub(crate) fn replace_response(body: &str) -> Self {
        Self::ReplaceResponse(answer(200, body))
    }

    /// A refusal of this kind.
    pub(crate) fn reject(kind: &str) -> Self {
        Self::reply(400, &format!("{{\"__type\":\"{kind}\",\"message\":\"no\"}}"))
    }

    /// Too many requests.
    pub(crate) fn throttle() -> Self {
        Self::reject("TooManyRequestsException")
    }
}

fn answer(status: u16, body: &str) -> String {
    let head = "Content-Type: application/x-amz-json-1.1\r\nContent-Length";
    format!("HTTP/1.1 {status} x\r\n{head}: {}\r\n\r\n{body}", body.len())
}

/// A detour; it stays as long as the tests do.
pub(crate) struct FaultProxy {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl FaultProxy {
    /// A detour to this pool: `action` hears each request's operation (of a page, nothing) and its body.
    pub(crate) fn to(
        served: &ServerProcess,
        action: impl FnMut(&str, &str) -> ProxyAction + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (upstream, action, operations) =
            (served.address.clone(), Arc::new(Mutex::new(action)), Arc::clone(&asked));
        std::thread::spawn(move || {
            for outer in listener.incoming() {
                let (upstream, action, operations) =
                    (upstream.clone(), Arc::clone(&action), Arc::clone(&operations));
                std::thread::spawn(move || {
                    let mut outer = outer.unwrap();
                    while let Some(asked) = message(&mut outer) {
                        let text = String::from_utf8_lossy(&asked);
                        let (head, body) = text.split_once("\r\n\r\n").unwrap();
                        let target =
                            head.lines().find(|line| line.to_lowercase().starts_with("x-amz-target"));
                        let operation = target.and_then(|line| line.rsplit('.').next()).unwrap_or_default();
                        operations.lock().unwrap().push(operation.to_owned());
                        let action = (action.lock().unwrap())(operation, body);
                        let Some(told) = told(&upstream, &asked, action) else { return };
                        if outer.write_all(&told).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, asked }
    }

    /// How often this operation was asked for.
    pub(crate) fn asked(&self, operation: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == operation).count()
    }
}

fn told(upstream: &str, asked: &[u8], action: ProxyAction) -> Option<Vec<u8>> {
    if let ProxyAction::Reply(bytes) = action {
        return Some(bytes.into_bytes());
    }
    if matches!(action, ProxyAction::DropRequest) {
        return None;
    }
    let mut inner = TcpStream::connect(upstream).ok()?;
    inner.write_all(asked).ok()?;
    let told = message(&mut inner)?;
    match action {
        ProxyAction::Forward => Some(told),
        ProxyAction::ReplaceResponse(text) => Some(text.into_bytes()),
        _ => None,
    }
}

/// One request or answer, with its body; `None` if there is none.
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
