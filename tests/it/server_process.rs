//! A server process that tests start, and functions for its requests and responses.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::cli::poolproof;

/// A server process. It is killed on drop.
pub(crate) struct ServerProcess {
    child: Child,
    /// `host:port`.
    pub(crate) address: String,
}

/// An HTTP response.
#[derive(Debug)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    /// The status line and headers, in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl ServerProcess {
    /// Starts a server with these flags on a free port.
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", flags)
    }

    /// Starts a server with these flags on this address.
    pub(crate) fn start_at(address: &str, flags: &[&str]) -> Self {
        Self::start_command(serve_command(address).args(flags))
    }

    /// Starts a server with this command.
    pub(crate) fn start_command(command: &mut Command) -> Self {
        let (served, mut lines) = Self::start_with_output(command);
        // Reads the rest of the output, because the server reports lines that nothing reads as not shown.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        served
    }

    /// Starts a server with this command and returns the rest of its output for reading.
    pub(crate) fn start_with_output(command: &mut Command) -> (Self, BufReader<ChildStdout>) {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        let address = first.trim().rsplit_once("http://").unwrap_or_else(|| panic!("{first}")).1.to_owned();
        (Self { child, address }, lines)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends bytes over a new connection and reads one response; `None` if there is none.
    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) -> Option<HttpResponse> {
        let mut stream = self.connect();
        // The server can close the connection before it has read all bytes.
        drop(stream.write_all(bytes.as_ref()));
        answer(&mut stream)
    }

    /// Calls an operation.
    pub(crate) fn call(&self, operation: &str, body: &Value) -> HttpResponse {
        let body = body.to_string();
        self.send(request(operation, body.as_bytes())).unwrap_or_else(|| panic!("no answer to {operation}"))
    }

    /// Sends a signal and returns the exit code.
    #[cfg(unix)]
    pub(crate) fn signal(self, signal: &str) -> Option<i32> {
        self.send_signal(signal);
        self.ended()
    }

    /// Sends a signal.
    #[cfg(unix)]
    pub(crate) fn send_signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Waits for the end of the process and returns its exit code.
    pub(crate) fn ended(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Returns the standard error of a server whose command pipes it.
    pub(crate) fn take_stderr(&mut self) -> ChildStderr {
        self.child.stderr.take().unwrap()
    }

    /// Returns the process ID.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process with SIGKILL, so that it cannot clean up.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Returns whether the server answers.
    pub(crate) fn is_healthy(&self) -> bool {
        self.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .is_some_and(|answer| answer.status == 200)
    }

    /// Returns the resident memory in KiB, if the operating system reports it.
    pub(crate) fn resident_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns the command that starts a server on this address.
pub(crate) fn serve_command(address: &str) -> Command {
    let mut command = poolproof();
    command.args(["serve", "scenarios/serve.yaml", "--listen", address]);
    command
}

/// Returns the bytes of a request.
pub(crate) fn request(operation: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: \
         AWSCognitoIdentityProviderService.{operation}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Reads one response; `None` if the connection ends before.
pub(crate) fn answer(stream: &mut TcpStream) -> Option<HttpResponse> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            end => {
                #[expect(
                    clippy::print_stderr,
                    reason = "a failed test shows what it received instead of a response"
                )]
                let () = eprintln!("no answer: {end:?} after {:?}", String::from_utf8_lossy(&head));
                return None;
            }
        }
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    Some(HttpResponse { status, head, body: String::from_utf8(body).unwrap() })
}

/// Returns whether the server closes the connection before the read timeout.
pub(crate) fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

impl HttpResponse {
    /// Returns the status, `__type` and `message` of a refusal.
    pub(crate) fn refusal(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let word = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        format!("{} {}: {}", self.status, word("__type"), word("message"))
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }
}
