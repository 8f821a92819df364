//! Where connections come in: a server of one thread, with limits, over [`Wire`]s.

use std::net::TcpListener;
use std::rc::Rc;
use std::time::Duration;

use actix_http::{HttpServiceBuilder, KeepAlive, Request, Response};
use actix_server::ServerBuilder;
use actix_service::{
    IntoServiceFactory, Service as _, ServiceFactory, ServiceFactoryExt as _, apply_fn_factory, fn_service,
    map_config,
};
use actix_web::body::MessageBody;
use actix_web::dev::AppConfig;
use actix_web::error::DispatchError;
use tokio::net::TcpStream;

use super::Limits;
use super::pace::{Pulse, Turn};
use super::wire::{Unsent, Wire};

/// A server of `app` at this listener, which is yet to be run.
pub(super) fn serving<F, I, S, B>(
    listener: TcpListener,
    limits: &Limits,
    app: F,
) -> std::io::Result<ServerBuilder>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: std::fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    B: MessageBody + 'static,
{
    let server = ServerBuilder::new()
        .workers(1)
        .max_concurrent_connections(limits.connections)
        .shutdown_timeout(limits.shutdown.as_secs());
    let (ends, limits) = (server.graceful_shutdown_signal(), limits.clone());
    server.listen("http", listener, move || {
        let (ends, limits) = (ends.clone(), limits.clone());
        let counted = apply_fn_factory(app(), |request: Request, app: &S::Service| {
            let pulse = request.conn_data::<Rc<Pulse>>().map(Rc::clone);
            let turn = pulse.map(|pulse| Turn::begin(pulse, request.head()));
            let answer = app.call(request);
            async move {
                let answer = answer.await;
                drop(turn);
                answer
            }
        });
        let app = counted.map_err(|error| error.into().error_response());
        let http = HttpServiceBuilder::default()
            // As actix-web's own server does it: connections that are at rest end with the server.
            .graceful_shutdown_signal(move || {
                let ends = ends.clone();
                async move { ends.notified().await }
            })
            .keep_alive(KeepAlive::Timeout(limits.idle))
            .client_request_timeout(limits.request)
            // The server's own way to linger has a bound of time and none of bytes: `linger` is in its place.
            .client_disconnect_timeout(Duration::ZERO)
            .on_connect_ext(|wire: &Wire, data| drop(data.insert(wire.pulse())))
            .h1(map_config(app, |()| AppConfig::default()));
        let unsent = Unsent::default();
        let wires = fn_service(move |stream: TcpStream| {
            let peer = stream.peer_addr().ok();
            let wire = Wire::new(stream, &limits, Rc::clone(&unsent));
            async move { Ok::<_, DispatchError>((wire, peer)) }
        });
        wires.and_then(http)
    })
}
