//! The pools over HTTP, for stock clients.
//!
//! One thread reads and writes, and keeps the pools; SRP's arithmetic and RSA's signatures run on threads of their own, so that a
//! sign-in that computes keeps nobody waiting. Whatever a client sends or leaves out, it is answered or let go of in
//! bounded time and room (ASSURANCE W3–W8).

mod call;
mod door;
mod ending;
mod linger;
mod outbox;
mod pace;
mod pages;
mod signers;
mod tally;
mod watch;
mod wire;

use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::dev::RequestHead;
use actix_web::http::header;
use actix_web::{App, Route, guard, web};

use crate::clock::{Clock, ClockKind};
use crate::compute::Compute;
use crate::store::Keeper;
use poolproof_pool::provider::Provider;

use outbox::Outbox;
use signers::Signers;
use tally::Tally;

pub use ending::Ended;
pub use watch::{Metrics, Shown, show};

/// How the server treats those who come.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Threads for SRP's arithmetic.
    pub workers: usize,
    /// Connections that are kept at once; others wait to be accepted.
    pub connections: usize,
    /// How long a request's head may take, and again its body.
    pub request: Duration,
    /// How long a connection may be idle between two requests, and how long an answer may lie there untaken.
    pub idle: Duration,
    /// How long requests at hand may take to finish at the end.
    pub shutdown: Duration,
}

impl Limits {
    /// Enough for a machine of a few cores, and not more than it can bear.
    pub const DEFAULT: Self = Self {
        workers: 1,
        connections: 8192,
        request: Duration::from_secs(5),
        idle: Duration::from_secs(30),
        shutdown: Duration::from_secs(10),
    };
}

/// What hears of each message that a pool sends, as one line: who, by which medium, and the code.
pub type Teller = Arc<dyn Fn(&str) + Send + Sync>;

/// What all requests share.
struct Here {
    provider: Arc<Mutex<Provider>>,
    outbox: Arc<Mutex<Outbox>>,
    tally: Arc<Tally>,
    teller: Teller,
    clock: Clock,
    compute: Compute,
    signers: Arc<Signers>,
    keeper: Option<Arc<Keeper>>,
    limits: Limits,
}

impl std::fmt::Debug for Here {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Here(…)")
    }
}

/// Serves until the program is told to end (SIGINT, SIGTERM), then finishes the requests at hand, unless it is told again. Where there is a `keeper`, no
/// request is answered before what it has changed is on the disk.
///
/// # Errors
///
/// No threads can be had, or the listener cannot be used.
pub fn serve(
    provider: Provider,
    listener: TcpListener,
    limits: Limits,
    teller: Teller,
    keeper: Option<Keeper>,
) -> std::io::Result<Ended> {
    let keeper = keeper.map(Arc::new);
    let kept = keeper.clone();
    let provider = Arc::new(Mutex::new(provider));
    let outbox = Arc::new(Mutex::new(Outbox::default()));
    let tally = Arc::new(Tally::default());
    let clock = Clock::start(ClockKind::Wall);
    let signers = Arc::new(Signers::start(limits.workers)?);
    let (workers, of_server) = (limits.workers, limits.clone());
    let mut seed = [0; 32];
    aws_lc_rs::rand::fill(&mut seed)
        .map_err(|_| std::io::Error::other("the operating system gives no chance"))?;
    let app = move || {
        // Called once, on the one thread that serves. Its clients' side has nothing to do.
        let compute = Compute::threads(1, workers, &mut poolproof_cognito::seed::from_entropy(seed));
        let compute = compute.unwrap_or_else(|error| unreachable!("no threads could be started: {error}"));
        let here = Here {
            provider: Arc::clone(&provider),
            outbox: Arc::clone(&outbox),
            tally: Arc::clone(&tally),
            teller: Arc::clone(&teller),
            clock,
            compute,
            signers: Arc::clone(&signers),
            keeper: keeper.clone(),
            limits: limits.clone(),
        };
        App::new()
            .app_data(web::Data::new(here))
            .route("/", web::post().to(call::call))
            .route("/health", page().to(pages::health))
            .route("/metrics", page().to(pages::metrics))
            .route("/outbox", page().to(pages::outbox))
            .route("/{pool}/.well-known/jwks.json", page().to(pages::jwks))
            .route("/{pool}/.well-known/openid-configuration", page().to(pages::openid))
            .default_service(web::to(pages::elsewhere))
    };
    let server = door::serving(listener, &of_server, app)?;
    let ended = actix_web::rt::System::new().block_on(ending::run(server));
    if let Some(keeper) = kept {
        keeper.close();
    }
    ended
}

/// `GET` or `HEAD` without a body. One that has a body is for nobody: who would read it to its end?
fn page() -> Route {
    let asks = guard::Any(guard::Get()).or(guard::Head());
    web::route().guard(asks).guard(guard::fn_guard(|asked| is_empty(asked.head())))
}

/// Whether nothing follows a request's head.
fn is_empty(head: &RequestHead) -> bool {
    let empty = head.headers().get(header::CONTENT_LENGTH).is_none_or(|length| length == "0");
    empty && !head.headers().contains_key(header::TRANSFER_ENCODING)
}

/// A lock is never given up on: what it guards is whole after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
