//! A small server for pages about a run, on a thread of its own.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use hyper::body::{Body as _, Bytes};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use tokio::sync::oneshot;

use super::ServerLimits;
use super::access::foreign_sender;
use super::call::uncached_response;
use super::service::{Listening, Request, Response, close_after, run};
use crate::http::prometheus;

/// Time for the last answers at the end.
const SHUTDOWN: Duration = Duration::from_secs(2);

/// A request without a body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PageRequest {
    /// Whether it is a POST; otherwise it is a GET or a HEAD.
    pub is_post: bool,
    /// The path, without the query.
    pub path: String,
}

/// An answer.
#[derive(Debug)]
pub struct Page(Response);

impl Page {
    /// A page for a browser, which no other page can put into a frame.
    pub fn html(body: Bytes) -> Self {
        let mut response = uncached_response(StatusCode::OK, body);
        for (name, value) in [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        Self(response)
    }

    /// A text.
    pub fn text(body: impl Into<Bytes>) -> Self {
        Self::with_status(StatusCode::OK, body)
    }

    /// Metrics.
    pub fn metrics(metrics: prometheus::MetricsPage) -> Self {
        Self(super::pages::text_page(metrics))
    }

    /// Sends a browser to another path.
    pub fn redirect(path: &'static str) -> Self {
        let Self(mut response) = Self::with_status(StatusCode::SEE_OTHER, "");
        response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(path));
        Self(response)
    }

    /// There is no such page; `help` names the pages that exist.
    pub fn not_found(help: &'static str) -> Self {
        Self::with_status(StatusCode::NOT_FOUND, help).last()
    }

    /// The request is refused.
    pub fn forbidden(why: impl Into<Bytes>) -> Self {
        Self::with_status(StatusCode::FORBIDDEN, why).last()
    }

    /// Makes it the last answer of its connection.
    pub fn last(self) -> Self {
        Self(close_after(self.0))
    }

    fn with_status(status: StatusCode, body: impl Into<Bytes>) -> Self {
        let mut response = uncached_response(status, body);
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
        Self(response)
    }
}

/// The senders whose requests are answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Senders {
    /// Every program and every page that reaches the address.
    All,
    /// Programs, and the pages of this server, under a name that cannot lead elsewhere.
    OwnPages,
}

/// Answers a request.
pub type RespondPage = Arc<dyn Fn(PageRequest) -> LocalBoxFuture<'static, Page> + Send + Sync>;

/// Serves pages until it is dropped.
#[derive(Debug)]
pub struct PageServerHandle {
    /// The server stops when it is dropped.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Serves pages on a thread of this name.
///
/// # Errors
///
/// The thread cannot be started, or the listener cannot be used.
pub fn serve_pages(
    name: &str,
    listener: TcpListener,
    senders: Senders,
    respond: RespondPage,
) -> std::io::Result<PageServerHandle> {
    let listen = listener.local_addr()?.ip();
    let listening = Listening::new(listener)?;
    let (stop_sender, stop_receiver) = oneshot::channel();
    let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
        let limits = ServerLimits { connections: 64, shutdown: SHUTDOWN, ..ServerLimits::DEFAULT };
        let respond = move |request: Request, _| {
            let refusal = (senders == Senders::OwnPages).then(|| foreign_sender(&request, listen)).flatten();
            let respond = Arc::clone(&respond);
            async move {
                let Page(response) = match (refusal, page_request(&request)) {
                    (Some(why), _) => Page::forbidden(why),
                    (None, Some(page_request)) => respond(page_request).await,
                    (None, None) => {
                        let refused = "This server takes GET and POST without a body.\n";
                        Page::with_status(StatusCode::METHOD_NOT_ALLOWED, refused).last()
                    }
                };
                response
            }
        };
        listening.block_on(|listener| async { run(listener, &limits, stop_receiver, respond).await });
    })?;
    Ok(PageServerHandle { stop: Some(stop_sender), thread: Some(thread) })
}

fn page_request(request: &Request) -> Option<PageRequest> {
    let is_post = match *request.method() {
        Method::POST => true,
        Method::GET | Method::HEAD => false,
        _ => return None,
    };
    // A body would have no reader.
    request.body().is_end_stream().then(|| PageRequest { is_post, path: request.uri().path().to_owned() })
}

impl Drop for PageServerHandle {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
