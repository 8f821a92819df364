//! A small server for live metrics, on a thread of its own.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hyper::{Response as HttpResponse, StatusCode};
use tokio::sync::oneshot;

use super::service::{Listening, Request, Response, close_after, run};
use super::{ServerLimits, pages};
use crate::http::prometheus;

/// Creates the page for each request.
pub type MetricsSource = Arc<dyn Fn() -> prometheus::MetricsPage + Send + Sync>;

/// Serves `/metrics` until it is dropped.
#[derive(Debug)]
pub struct MetricsServerHandle {
    /// The server stops when it is dropped.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Serves a page of metrics at `/metrics`.
///
/// # Errors
///
/// The thread cannot be started, or the listener cannot be used.
pub fn serve_metrics(listener: TcpListener, metrics: MetricsSource) -> std::io::Result<MetricsServerHandle> {
    let listening = Listening::new(listener)?;
    let (stop_sender, stop_receiver) = oneshot::channel();
    let thread = thread::Builder::new().name("metrics".to_owned()).spawn(move || {
        let limits = ServerLimits { connections: 64, shutdown: Duration::ZERO, ..ServerLimits::DEFAULT };
        let respond = move |request, _| std::future::ready(respond(&request, &metrics));
        listening.block_on(|listener| async { run(listener, &limits, stop_receiver, respond).await });
    })?;
    Ok(MetricsServerHandle { stop: Some(stop_sender), thread: Some(thread) })
}

impl Drop for MetricsServerHandle {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn respond(request: &Request, metrics: &MetricsSource) -> Response {
    if pages::is_get(request) && request.uri().path() == "/metrics" {
        return pages::text_page(metrics());
    }
    let mut response = HttpResponse::new("Metrics are at GET /metrics.\n".into());
    *response.status_mut() = StatusCode::NOT_FOUND;
    close_after(response)
}
