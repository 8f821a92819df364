//! Accepts connections: a server of one thread, with limits, over [`Connection`]s.

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

use super::ServerLimits;
use super::connection::{Connection, UnsentBytes};
use super::pipeline::{ActiveRequest, ConnectionActivity};

/// Builds a server of `app` on this listener.
pub(super) fn build_server<F, I, S, B>(
    listener: TcpListener,
    limits: &ServerLimits,
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
    let (shutdown_signal, limits) = (server.graceful_shutdown_signal(), limits.clone());
    server.listen("http", listener, move || {
        let (shutdown_signal, limits) = (shutdown_signal.clone(), limits.clone());
        let tracked = apply_fn_factory(app(), |request: Request, app: &S::Service| {
            let activity = request.conn_data::<Rc<ConnectionActivity>>().map(Rc::clone);
            let active_request = activity.map(|activity| ActiveRequest::begin(activity, request.head()));
            let answer = app.call(request);
            async move {
                let answer = answer.await;
                drop(active_request);
                answer
            }
        });
        let app = tracked.map_err(|error| error.into().error_response());
        let http = HttpServiceBuilder::default()
            // As in actix-web's own server: idle connections end at shutdown.
            .graceful_shutdown_signal(move || {
                let shutdown_signal = shutdown_signal.clone();
                async move { shutdown_signal.notified().await }
            })
            .keep_alive(KeepAlive::Timeout(limits.idle))
            .client_request_timeout(limits.request)
            // actix-http's own lingering has no limit of bytes; `linger` replaces it.
            .client_disconnect_timeout(Duration::ZERO)
            .on_connect_ext(|connection: &Connection, data| drop(data.insert(connection.activity())))
            .h1(map_config(app, |()| AppConfig::default()));
        let unsent = UnsentBytes::default();
        let connections = fn_service(move |stream: TcpStream| {
            let peer = stream.peer_addr().ok();
            let connection = Connection::new(stream, &limits, Rc::clone(&unsent));
            async move { Ok::<_, DispatchError>((connection, peer)) }
        });
        connections.and_then(http)
    })
}
