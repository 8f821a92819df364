//! A page for whoever watches a run: a small server beside it, on a thread of its own.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

use actix_server::ServerBuilder;
use actix_web::dev::ServerHandle;
use actix_web::http::{StatusCode, header};
use actix_web::{App, HttpResponse, web};

use super::linger::last;
use super::{Limits, door, page};
use crate::http::prometheus;

/// Writes the page anew for each who asks.
pub type Metrics = Arc<dyn Fn() -> prometheus::Page + Send + Sync>;

/// A page that is shown at `/metrics` until this is dropped.
#[derive(Debug)]
pub struct Shown {
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// Shows a page of metrics at `/metrics`.
///
/// # Errors
///
/// No thread can be had, or the listener cannot be used.
pub fn show(listener: TcpListener, metrics: Metrics) -> std::io::Result<Shown> {
    let app = move || {
        App::new()
            .app_data(web::Data::new(Arc::clone(&metrics)))
            .route("/metrics", page().to(told))
            .default_service(web::to(elsewhere))
    };
    let (tell, heard) = channel();
    let thread = thread::Builder::new().name("metrics".to_owned()).spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let limits = Limits { connections: 64, ..Limits::DEFAULT };
            // The run has its own ear for signals.
            match door::serving(listener, &limits, app).map(ServerBuilder::disable_signals) {
                Ok(server) => {
                    let server = server.run();
                    drop(tell.send(Ok(server.handle())));
                    drop(server.await);
                }
                Err(error) => drop(tell.send(Err(error))),
            }
        });
    })?;
    let handle = heard.recv().map_err(|_| std::io::Error::other("the thread of the metrics has died"))??;
    Ok(Shown { handle, thread: Some(thread) })
}

impl Drop for Shown {
    fn drop(&mut self) {
        // Told at once; the future would only wait for the end, as the thread does.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn told(metrics: web::Data<Metrics>) -> HttpResponse {
    let text = metrics().into_text();
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, prometheus::CONTENT_TYPE)).body(text)
}

async fn elsewhere(unread: web::Payload) -> HttpResponse {
    last(HttpResponse::build(StatusCode::NOT_FOUND).body("Metrics are at GET /metrics.\n"), unread)
}
