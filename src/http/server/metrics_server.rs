//! A small server for live metrics, on a thread of its own.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

use actix_server::ServerBuilder;
use actix_web::dev::ServerHandle;
use actix_web::http::{StatusCode, header};
use actix_web::{App, HttpResponse, web};

use super::linger::close_lingering;
use super::{ServerLimits, get_route, service};
use crate::http::prometheus;

/// Creates the page for each request.
pub type MetricsSource = Arc<dyn Fn() -> prometheus::MetricsPage + Send + Sync>;

/// Serves `/metrics` until it is dropped.
#[derive(Debug)]
pub struct MetricsServerHandle {
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// Serves a page of metrics at `/metrics`.
///
/// # Errors
///
/// The thread cannot be started, or the listener cannot be used.
pub fn serve_metrics(listener: TcpListener, metrics: MetricsSource) -> std::io::Result<MetricsServerHandle> {
    let app = move || {
        App::new()
            .app_data(web::Data::new(Arc::clone(&metrics)))
            .route("/metrics", get_route().to(metrics_page))
            .default_service(web::to(fallback))
    };
    let (ready_sender, ready_receiver) = channel();
    let thread = thread::Builder::new().name("metrics".to_owned()).spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let limits = ServerLimits { connections: 64, ..ServerLimits::DEFAULT };
            // The run handles signals itself.
            match service::build_server(listener, &limits, app).map(ServerBuilder::disable_signals) {
                Ok(server) => {
                    let server = server.run();
                    drop(ready_sender.send(Ok(server.handle())));
                    drop(server.await);
                }
                Err(error) => drop(ready_sender.send(Err(error))),
            }
        });
    })?;
    let handle =
        ready_receiver.recv().map_err(|_| std::io::Error::other("the metrics thread has stopped"))??;
    Ok(MetricsServerHandle { handle, thread: Some(thread) })
}

impl Drop for MetricsServerHandle {
    fn drop(&mut self) {
        // The message is sent at once; the future would only wait for the end, as the thread does.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn metrics_page(metrics: web::Data<MetricsSource>) -> HttpResponse {
    let text = metrics().into_text();
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, prometheus::CONTENT_TYPE)).body(text)
}

async fn fallback(unread: web::Payload) -> HttpResponse {
    close_lingering(HttpResponse::build(StatusCode::NOT_FOUND).body("Metrics are at GET /metrics.\n"), unread)
}
