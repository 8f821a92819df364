//! The options of `poolproof serve`.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use super::log_args::LogArgs;
use super::memory_size::memory_size;
use super::values::whole;
use clap::ValueEnum;
use hyper::Uri;
use poolproof_pool::provider::Issuer;
use socket2::{Domain, Protocol, Socket, Type};

use crate::http::server::WebAccess;

pub(super) const SERVE_EXAMPLES: &str =
    "The pool has the settings of FILE: a scenario, of which only `pool` is used, or
the JSON of describe-user-pool. Optional further files are the JSON of
get-user-pool-mfa-config, of describe-risk-configuration, and of
describe-user-pool-client for each app client. The pool starts without users.
CreateUserPool creates more pools. Nothing is kept when the program ends, unless
--state names a file. Then each request is answered only after its changes are
in that file. The stored settings of a pool take precedence over FILE.

Admin operations need no signature: every client that reaches the port is an
administrator. Messages are not sent: codes are printed and can be read at
/outbox. The header X-Poolproof-Risk sets the risk level of a sign-in.

Examples:
  poolproof serve scenarios/serve.yaml
  poolproof serve pool.json mfa.json risk.json client.json
  aws cognito-idp list-user-pools --max-results 9 \\
    --endpoint-url http://127.0.0.1:9229
  curl http://127.0.0.1:9229/outbox
  poolproof serve scenarios/serve.yaml --state pool.redb";

/// What to do about an address that other machines can reach.
pub(super) const EXPOSE_HINT: &str = "add --expose to allow that";

pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "expected an IP address and a port, such as 127.0.0.1:9229 or [::1]:9229".to_owned())
}

fn issuer(text: &str) -> Result<Issuer, String> {
    if text == "aws" {
        return Ok(Issuer::Aws);
    }
    let url = text.strip_suffix('/').unwrap_or(text);
    let parsed: Option<Uri> = url.parse().ok().filter(|_| url.len() <= 512 && !url.contains('#'));
    let is_base = |uri: &Uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.query().is_none()
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
    };
    match parsed.filter(is_base) {
        Some(_) => Ok(Issuer::Url(url.to_owned())),
        None => Err("expected `aws`, or a URL such as https://auth.example.com".to_owned()),
    }
}

/// Connections that can wait to be accepted. Beyond them the system drops the first packet, and the client
/// retries after a second.
const ACCEPT_BACKLOG: i32 = 4096;

/// Listens on the address of option `flag` and returns where that is.
pub(super) fn bind_listener(address: SocketAddr, flag: &str) -> Result<(SocketAddr, TcpListener), String> {
    bind_socket(address).and_then(|listener| Ok((listener.local_addr()?, listener))).map_err(|error| {
        format!(
            "cannot listen on {address}: {error}\n  Choose another address with {flag}; port 0 takes a \
            free one"
        )
    })
}

fn bind_socket(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // On other systems this option lets two programs share a port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(ACCEPT_BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

#[derive(clap::Args, Debug)]
pub(super) struct ServeArgs {
    /// A scenario file, or the JSON documents of one pool on AWS.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9229", value_parser = listen)]
    pub(super) listen: SocketAddr,
    /// Allow --listen on an address that other machines can reach. Every client there is an administrator of
    /// the pools, can read all codes and passwords that are sent, and sees the unencrypted traffic. Use
    /// made-up users only.
    #[arg(long)]
    pub(super) expose: bool,
    /// Serve requests whose Host header has this name (without a port); repeatable. By default the names are
    /// localhost, loopback addresses and the address of --listen; with 0.0.0.0 or [::] every IP address.
    #[arg(long, value_name = "NAME", value_parser = WebAccess::parse_host)]
    pub(super) allow_host: Vec<String>,
    /// Let web pages of this origin call the operations of users, such as https://app.example.com;
    /// repeatable. Pages of this machine (http://localhost:3000) always can. No page can call operations that
    /// need AWS credentials, or read /outbox and /metrics.
    #[arg(long, value_name = "ORIGIN", value_parser = WebAccess::parse_origin)]
    pub(super) allow_origin: Vec<String>,
    /// Form of access and id tokens.
    #[arg(long, value_enum, default_value = "rs256")]
    pub(super) tokens: TokensArg,
    /// Issuer of the tokens: `aws` is https://cognito-idp.<region>.amazonaws.com/<UserPoolId>, which
    /// verifiers derive from the pool id; a URL is put before /<UserPoolId> [default: the server's address].
    #[arg(long, value_name = "URL|aws", value_parser = issuer)]
    pub(super) issuer: Option<Issuer>,
    /// `UserPoolId` of the pool; the region is the part before `_` [default: that of describe-user-pool, or
    /// us-east-1_Poolproof].
    #[arg(long, value_name = "ID")]
    pub(super) pool_id: Option<String>,
    /// `ClientId` of an app client without a secret that allows SRP and plain passwords [default: poolproof,
    /// or none if there are describe-user-pool-client documents].
    #[arg(long, value_name = "ID")]
    pub(super) client_id: Option<String>,
    /// Derive ids, salts, codes and secrets from this seed instead of the operating system's random numbers;
    /// they are then predictable. Keys of RS256 tokens never derive from it.
    #[arg(long, value_name = "N", value_parser = whole::<u64>(0, u64::MAX))]
    pub(super) seed: Option<u64>,
    /// Keep pools, clients, users, devices and keys in this file, which is created if missing. A request is
    /// answered when its changes are on disk. Sign-ins in progress and messages are not kept. One process at
    /// a time uses the file; it contains secrets, and only its owner can read it.
    #[arg(long, value_name = "FILE", conflicts_with = "seed")]
    pub(super) state: Option<PathBuf>,
    /// Do not print messages to users, such as codes; they are at /outbox.
    #[arg(long, short)]
    pub(super) quiet: bool,
    #[command(flatten)]
    pub(super) log: LogArgs,
    /// Ignore settings and fields of requests that are not simulated, instead of refusing them. Each is
    /// printed once.
    #[arg(long)]
    pub(super) ignore_unsimulated: bool,
    /// Call the triggers of custom challenges (CUSTOM_AUTH) at this address on this machine, such as
    /// http://127.0.0.1:9000. It gets each event by POST and answers as a Lambda function does. All
    /// triggers of a request together have 5 seconds.
    #[arg(long, value_name = "URL")]
    pub(super) triggers: Option<String>,
    /// Threads for SRP [default: the number of cores].
    #[arg(long, value_name = "N", value_parser = whole::<u16>(1, 1024))]
    pub(super) workers: Option<u16>,
    /// Maximum number of users in all pools. Each takes about 10 KB with some devices, plus up to 128 KB of
    /// attributes.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = whole::<u32>(1, 100_000_000))]
    pub(super) users: u32,
    /// Maximum memory for records: pools, users and sign-ins in progress. At the limit the server drops the
    /// oldest sign-ins in progress. At three quarters of it the server refuses requests that add users or
    /// other data [default: a quarter of the machine's memory].
    #[arg(long, value_name = "SIZE", value_parser = memory_size)]
    pub(super) memory: Option<u64>,
    /// Maximum number of connections. At the limit the server closes connections that wait for a request, of
    /// the address that has the most. If there are none, new connections wait.
    #[arg(long, value_name = "N", default_value_t = 8192, value_parser = whole::<u32>(1, 1_000_000))]
    pub(super) connections: u32,
    /// Seconds for the head of a request, and again for its body.
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = whole::<u16>(1, 3600))]
    pub(super) request_timeout: u16,
    /// Seconds that a connection may be idle between two requests, or that a response may be unread.
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = whole::<u16>(1, 3600))]
    pub(super) idle_timeout: u16,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TokensArg {
    /// Signed; the keys are at /<UserPoolId>/.well-known/jwks.json.
    Rs256,
    /// Readable by the pool only, and faster to create.
    Opaque,
}
