//! The pools over HTTP, for stock clients.
//!
//! One thread does I/O and owns the pools. SRP and RSA run on other threads, so a sign-in does not block
//! others. Whatever a client sends or omits, it is answered or disconnected within limits on time and memory.

mod call;
mod connection;
mod linger;
mod metrics_server;
mod outbox;
mod pages;
mod pipeline;
mod request_counts;
mod service;
mod shutdown;
mod signers;

use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::dev::RequestHead;
use actix_web::http::header;
use actix_web::{App, Route, guard, web};

use crate::clock::{Clock, ClockKind};
use crate::compute::Compute;
use crate::store::StateWriter;
use poolproof_pool::provider::Provider;

use outbox::Outbox;
use request_counts::RequestCounts;
use signers::Signers;

pub use metrics_server::{MetricsServerHandle, MetricsSource, serve_metrics};
pub use shutdown::ShutdownKind;

/// Limits of the server.
#[derive(Clone, Debug)]
pub struct ServerLimits {
    /// Threads for SRP.
    pub workers: usize,
    /// Most connections; others wait to be accepted.
    pub connections: usize,
    /// Time for a request's head, and again for its body.
    pub request: Duration,
    /// Time that a connection may be idle between requests, and that a response may be unread.
    pub idle: Duration,
    /// Time for requests in flight at shutdown.
    pub shutdown: Duration,
}

impl ServerLimits {
    /// Limits for a machine of a few cores.
    pub const DEFAULT: Self = Self {
        workers: 1,
        connections: 8192,
        request: Duration::from_secs(5),
        idle: Duration::from_secs(30),
        shutdown: Duration::from_secs(10),
    };
}

/// Receives each message that a pool sends, as one line: user, medium and code.
pub type MessageSink = Arc<dyn Fn(&str) + Send + Sync>;

/// What all requests share.
struct AppState {
    provider: Arc<Mutex<Provider>>,
    outbox: Arc<Mutex<Outbox>>,
    request_counts: Arc<RequestCounts>,
    message_sink: MessageSink,
    clock: Clock,
    compute: Compute,
    signers: Arc<Signers>,
    state_writer: Option<Arc<StateWriter>>,
    limits: ServerLimits,
}

impl std::fmt::Debug for AppState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Here(…)")
    }
}

/// Serves until SIGINT or SIGTERM, then finishes the requests in flight, unless a second signal arrives. With
/// a `state_writer`, no request is answered before its changes are on disk.
///
/// # Errors
///
/// Threads cannot be started, or the listener cannot be used.
pub fn serve(
    provider: Provider,
    listener: TcpListener,
    limits: ServerLimits,
    message_sink: MessageSink,
    state_writer: Option<StateWriter>,
) -> std::io::Result<ShutdownKind> {
    let state_writer = state_writer.map(Arc::new);
    let writer_to_close = state_writer.clone();
    let provider = Arc::new(Mutex::new(provider));
    let outbox = Arc::new(Mutex::new(Outbox::default()));
    let request_counts = Arc::new(RequestCounts::default());
    let clock = Clock::start(ClockKind::Wall);
    let signers = Arc::new(Signers::start(limits.workers)?);
    let (workers, server_limits) = (limits.workers, limits.clone());
    let mut seed = [0; 32];
    aws_lc_rs::rand::fill(&mut seed)
        .map_err(|_| std::io::Error::other("cannot read random bytes from the operating system"))?;
    let app = move || {
        // Called once, on the serving thread. The client side has nothing to do.
        let compute = Compute::threads(1, workers, &mut poolproof_cognito::seed::rng_from_bytes(seed));
        let compute = compute.unwrap_or_else(|error| unreachable!("cannot start threads: {error}"));
        let state = AppState {
            provider: Arc::clone(&provider),
            outbox: Arc::clone(&outbox),
            request_counts: Arc::clone(&request_counts),
            message_sink: Arc::clone(&message_sink),
            clock,
            compute,
            signers: Arc::clone(&signers),
            state_writer: state_writer.clone(),
            limits: limits.clone(),
        };
        App::new()
            .app_data(web::Data::new(state))
            .route("/", web::post().to(call::call))
            .route("/health", get_route().to(pages::health))
            .route("/metrics", get_route().to(pages::metrics))
            .route("/outbox", get_route().to(pages::outbox))
            .route("/{pool}/.well-known/jwks.json", get_route().to(pages::jwks))
            .route("/{pool}/.well-known/openid-configuration", get_route().to(pages::openid))
            .default_service(web::to(pages::fallback))
    };
    let server = service::build_server(listener, &server_limits, app)?;
    let ended = actix_web::rt::System::new().block_on(shutdown::run(server));
    if let Some(state_writer) = writer_to_close {
        state_writer.close();
    }
    ended
}

/// `GET` or `HEAD` without a body; a body would have no reader.
fn get_route() -> Route {
    let method = guard::Any(guard::Get()).or(guard::Head());
    web::route().guard(method).guard(guard::fn_guard(|context| is_empty(context.head())))
}

/// Returns whether nothing follows a request's head.
fn is_empty(head: &RequestHead) -> bool {
    let empty = head.headers().get(header::CONTENT_LENGTH).is_none_or(|length| length == "0");
    empty && !head.headers().contains_key(header::TRANSFER_ENCODING)
}

/// Locks a mutex even if it is poisoned: the guarded state is consistent after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
