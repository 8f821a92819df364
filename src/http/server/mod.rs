//! The pools over HTTP, for stock clients.
//!
//! One thread does I/O and owns the pools. SRP and RSA run on other threads, so a sign-in does not block
//! others. Whatever a client sends or omits, it is answered or disconnected within limits on time and memory.

mod access;
mod body;
mod call;
mod connection;
mod durable;
mod outbox;
mod page_server;
mod pages;
mod request_counts;
mod service;
mod shutdown;
mod signers;
mod triggers;

use std::collections::BTreeSet;
use std::net::{IpAddr, TcpListener};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use crate::clock::{Clock, ClockKind};
use crate::compute::Compute;
use crate::store::StateWriteError;
use poolproof_pool::provider::Provider;

use outbox::Outbox;
use request_counts::RequestCounts;
use service::Listening;
use signers::Signers;

pub use access::WebAccess;
pub use durable::{DurableState, RestoreProvider};
pub use page_server::{Page, PageRequest, PageServerHandle, RespondPage, Senders, serve_pages};
pub use shutdown::ShutdownKind;
pub use triggers::TriggerEndpoint;

/// Limits of the server, and what it refuses.
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
    /// Whether fields of requests that are not simulated are ignored instead of refused. Each is logged once.
    pub ignore_unsimulated: bool,
    /// The names and the pages that can use the server.
    pub web_access: WebAccess,
}

impl ServerLimits {
    /// Limits for a machine of a few cores.
    pub const DEFAULT: Self = Self {
        workers: 1,
        connections: 8192,
        request: Duration::from_secs(5),
        idle: Duration::from_secs(30),
        shutdown: Duration::from_secs(10),
        ignore_unsimulated: false,
        web_access: WebAccess::LOOPBACK,
    };
}

/// Receives each message that a pool sends, as one line: user, medium and code; and notices about requests.
pub type MessageSink = Arc<dyn Fn(&str) + Send + Sync>;

/// The state that all requests share.
struct AppState {
    provider: Mutex<Provider>,
    outbox: Mutex<Outbox>,
    request_counts: RequestCounts,
    message_sink: MessageSink,
    clock: Clock,
    compute: Compute,
    signers: Signers,
    durable: Option<DurableState>,
    triggers: Option<TriggerEndpoint>,
    limits: ServerLimits,
    listen: IpAddr,
    /// The URL of the server, without a trailing slash.
    url: String,
    /// One answer at a time that can have megabytes is built and encoded.
    large_answers: Semaphore,
    /// The fields that were ignored and logged: operation and name.
    ignored_fields: Mutex<BTreeSet<(String, String)>>,
}

impl AppState {
    /// Locks and returns the account. After a failed write, it is first restored once from the state on disk.
    fn provider(&self) -> MutexGuard<'_, Provider> {
        let mut provider = lock(&self.provider);
        let durable = self.durable.as_ref();
        if let Some(line) = durable.and_then(|durable| durable.roll_back(&mut provider)) {
            (self.message_sink)(&line);
        }
        provider
    }

    /// Returns the write error after which changes are refused, if there was one.
    fn write_failure(&self) -> Option<&StateWriteError> {
        self.durable.as_ref().and_then(DurableState::failure)
    }
}

/// Serves until SIGINT or SIGTERM, then finishes the requests in flight, unless a second signal arrives.
/// With a `durable` state, no request is answered before its changes are on disk. `triggers` answers for the
/// triggers of custom challenges.
///
/// # Errors
///
/// Threads cannot be started, or the listener cannot be used.
pub fn serve(
    provider: Provider,
    listener: TcpListener,
    limits: ServerLimits,
    message_sink: MessageSink,
    durable: Option<DurableState>,
    triggers: Option<TriggerEndpoint>,
) -> std::io::Result<ShutdownKind> {
    let writer_to_close = durable.as_ref().map(|durable| Arc::clone(&durable.writer));
    let mut seed = [0; 32];
    aws_lc_rs::rand::fill(&mut seed)
        .map_err(|_| std::io::Error::other("cannot read random bytes from the operating system"))?;
    let mut rng = poolproof_cognito::seed::rng_from_bytes(seed);
    let state = Rc::new(AppState {
        provider: Mutex::new(provider),
        outbox: Mutex::default(),
        request_counts: RequestCounts::default(),
        message_sink,
        clock: Clock::start(ClockKind::Wall),
        // The client side has nothing to do.
        compute: Compute::threads(1, limits.workers, &mut rng)?,
        signers: Signers::start(limits.workers)?,
        durable,
        triggers,
        limits: limits.clone(),
        listen: listener.local_addr()?.ip(),
        url: format!("http://{}", listener.local_addr()?),
        large_answers: Semaphore::new(1),
        ignored_fields: Mutex::default(),
    });
    let ended = Listening::new(listener)?.block_on(move |listener| async move {
        let (stop_sender, stop_receiver) = oneshot::channel();
        let respond = move |request, peer| pages::respond(request, peer, Rc::clone(&state));
        shutdown::run(service::run(listener, &limits, stop_receiver, respond), stop_sender).await
    });
    if let Some(writer) = writer_to_close {
        writer.close();
    }
    ended
}

/// Locks a mutex even if it is poisoned: the guarded state is consistent after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
