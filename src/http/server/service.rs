//! Accepts connections on one thread, within limits, and serves them with hyper.

use std::convert::Infallible;
use std::io::{Error, ErrorKind, Result};
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::LocalSet;

use super::ServerLimits;
use super::body::RequestBody;
use super::connection::{Connection, Connections, TICK};

pub(super) type Request = hyper::Request<RequestBody>;
pub(super) type Response = hyper::Response<Full<Bytes>>;

/// Maximum size of a request's head in bytes.
const MAX_HEAD: usize = 128 * 1024;
/// The pause after the system has refused to accept a connection, for example because of too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener and the runtime of one thread that serves it.
pub(super) struct Listening {
    runtime: Runtime,
    listener: TcpListener,
}

impl Listening {
    pub(super) fn new(listener: std::net::TcpListener) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        listener.set_nonblocking(true)?;
        let listener = {
            let _context = runtime.enter();
            TcpListener::from_std(listener)?
        };
        Ok(Self { runtime, listener })
    }

    /// Runs a future that uses the listener, on this thread. All connections end with it.
    pub(super) fn block_on<A: Future>(self, future: impl FnOnce(TcpListener) -> A) -> A::Output {
        let Self { runtime, listener } = self;
        LocalSet::new().block_on(&runtime, async { future(listener).await })
    }
}

/// Serves until `stop` ends, then until the requests in flight are answered.
///
/// `respond` answers a request of the client with this address.
pub(super) async fn run<F, A>(listener: TcpListener, limits: &ServerLimits, stop: impl Future, respond: F)
where
    F: Fn(Request, Option<IpAddr>) -> A + 'static,
    A: Future<Output = Response> + 'static,
{
    let (all, respond, mut stop) = (Rc::new(Connections::new(limits)), Rc::new(respond), pin!(stop));
    let most = limits.connections.min(Semaphore::MAX_PERMITS);
    let permits = Arc::new(Semaphore::new(most));
    let timer = tokio::task::spawn_local(tick(Rc::clone(&all)));
    loop {
        tokio::select! {
            accepted = accept(&listener, &permits, &all) => match accepted {
                Ok((stream, permit)) => {
                    let peer = stream.peer_addr().ok().map(|peer| peer.ip());
                    // Counts from now on, also if other connections are accepted before it is served.
                    let connection = Connection::new(stream, Rc::clone(&all));
                    let served = serve_connection(connection, peer, Rc::clone(&all), Rc::clone(&respond));
                    tokio::task::spawn_local(async move {
                        served.await;
                        drop(permit);
                    });
                }
                // The client has ended the connection already.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            _ = &mut stop => break,
        }
    }
    drop(listener);
    all.shut_down();
    let all_ended = permits.acquire_many(u32::try_from(most).unwrap_or(u32::MAX));
    drop(tokio::time::timeout(limits.shutdown, all_ended).await);
    timer.abort();
}

/// Accepts a connection as soon as the limit allows it. At the limit, connections that wait for a request
/// make room.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
    all: &Connections,
) -> Result<(TcpStream, OwnedSemaphorePermit)> {
    let (stream, peer) = listener.accept().await?;
    if let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
        return Ok((stream, permit));
    }
    loop {
        all.evict(Some(peer.ip()));
        let permit = tokio::time::timeout(TICK, Arc::clone(permits).acquire_owned());
        if let Ok(permit) = permit.await {
            return Ok((stream, permit.map_err(Error::other)?));
        }
    }
}

async fn tick(all: Rc<Connections>) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        all.tick();
    }
}

/// Serves a connection until it closes.
async fn serve_connection<F, A>(
    connection: Connection,
    peer: Option<IpAddr>,
    all: Rc<Connections>,
    respond: Rc<F>,
) where
    F: Fn(Request, Option<IpAddr>) -> A + 'static,
    A: Future<Output = Response> + 'static,
{
    let state = connection.state();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        state.begin_body(all.now());
        let request = request.map(|body| RequestBody::new(body, Rc::clone(&state)));
        // hyper hides a Content-Length beside chunks. RFC 9112, section 6.1 requires that such a connection
        // ends.
        let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
        let response = respond(request, peer);
        let (state, all) = (Rc::clone(&state), Rc::clone(&all));
        async move {
            let response = response.await;
            state.end_request();
            let is_last = is_chunked || all.is_shutting_down();
            Ok::<_, Infallible>(if is_last { close_after(response) } else { response })
        }
    });
    let mut http = Builder::new();
    // The connection has deadlines of its own. A client may end its side before it reads the response.
    http.header_read_timeout(None).half_close(true).max_buf_size(MAX_HEAD);
    // An error ends the connection; no other request is affected.
    drop(http.serve_connection(TokioIo::new(connection), service).await);
}

/// Makes a response the last one of its connection. An unread rest of the request is discarded.
pub(super) fn close_after(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
