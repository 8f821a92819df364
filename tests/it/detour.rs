//! A detour to a served pool: requests pass, but for those that somebody answers otherwise or loses.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::served::Served;

/// What becomes of a request.
pub(crate) enum Fate {
    /// It passes, and so does its answer.
    Passes,
    /// It is answered by these bytes, and does not pass.
    Answered(String),
    /// It passes, and is answered by this in place of its answer.
    Garbled(String),
    /// It passes, and the connection ends before its answer.
    Unanswered,
    /// The connection ends before it passes.
    Lost,
}

impl Fate {
    /// This status with this body.
    pub(crate) fn says(status: u16, body: &str) -> Self {
        Self::Answered(answer(status, body))
    }

    /// It passes, and this body is what comes back.
    pub(crate) fn garbles(body: &str) -> Self {
        Self::Garbled(answer(200, body))
    }

    /// A refusal of this kind.
    pub(crate) fn refuses(kind: &str) -> Self {
        Self::says(400, &format!("{{\"__type\":\"{kind}\",\"message\":\"no\"}}"))
    }

    /// Too many requests.
    pub(crate) fn throttles() -> Self {
        Self::refuses("TooManyRequestsException")
    }
}

fn answer(status: u16, body: &str) -> String {
    let head = "Content-Type: application/x-amz-json-1.1\r\nContent-Length";
    format!("HTTP/1.1 {status} x\r\n{head}: {}\r\n\r\n{body}", body.len())
}

/// A detour; it stays as long as the tests do.
pub(crate) struct Detour {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Detour {
    /// A detour to this pool: `fate` hears each request's operation (of a page, nothing) and its body.
    pub(crate) fn to(served: &Served, fate: impl FnMut(&str, &str) -> Fate + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (behind, fate, heard) = (served.address.clone(), Arc::new(Mutex::new(fate)), Arc::clone(&asked));
        std::thread::spawn(move || {
            for outer in listener.incoming() {
                let (behind, fate, heard) = (behind.clone(), Arc::clone(&fate), Arc::clone(&heard));
                std::thread::spawn(move || {
                    let mut outer = outer.unwrap();
                    while let Some(asked) = message(&mut outer) {
                        let text = String::from_utf8_lossy(&asked);
                        let (head, body) = text.split_once("\r\n\r\n").unwrap();
                        let target =
                            head.lines().find(|line| line.to_lowercase().starts_with("x-amz-target"));
                        let operation = target.and_then(|line| line.rsplit('.').next()).unwrap_or_default();
                        heard.lock().unwrap().push(operation.to_owned());
                        let fate = (fate.lock().unwrap())(operation, body);
                        let Some(told) = told(&behind, &asked, fate) else { return };
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

fn told(behind: &str, asked: &[u8], fate: Fate) -> Option<Vec<u8>> {
    if let Fate::Answered(bytes) = fate {
        return Some(bytes.into_bytes());
    }
    if matches!(fate, Fate::Lost) {
        return None;
    }
    let mut inner = TcpStream::connect(behind).ok()?;
    inner.write_all(asked).ok()?;
    let told = message(&mut inner)?;
    match fate {
        Fate::Passes => Some(told),
        Fate::Garbled(text) => Some(text.into_bytes()),
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
