//! The HTTP client: an endpoint as a target.
//!
//! Connections are reused. A request without a response in time, or with one that is not valid protocol, is a
//! [`TransportError`]: nothing was decided, and it is not judged. "Too many requests" is an ordinary
//! response, after which the caller waits and retries. If a reused connection ends before the response, a
//! request that may be done twice is sent once more, because servers close idle connections at any time.

mod cause;
mod clock_offset;
mod credentials;
mod endpoint_url;
mod proxy;
mod rate_limiter;
mod sign;
mod tls;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use http_body_util::{BodyExt as _, Collected, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::{Extensions, HeaderMap};
use hyper::{Method, Request as HttpRequest, Response as HttpResponse};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{HttpConnector, HttpInfo};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub use credentials::{Credentials, CredentialsError};
pub use endpoint_url::EndpointUrl;

use crate::clock::Clock;
use crate::failure::FailureCause;
use crate::http::codec::{
    CONTENT_TYPE, InvalidResponse, MAX_RESPONSE, TARGET_PREFIX, decode_response, encode,
};
use crate::request_log::{LoggedRequest, outcome};
use crate::target::{AdminTarget, Target, TransportError};
use poolproof_cognito::ids::{PoolId, Username};
use poolproof_cognito::protocol::{
    AccountRequest, ApiError, Operation, OperationResponse, Origin, Reply, Request,
};
use poolproof_cognito::time::Timestamp;

use cause::{body_error, connection_error};
use clock_offset::ClockOffset;
use rate_limiter::RateLimiter;
use sign::Signer;

/// Timeouts and rate limit of an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientLimits {
    /// Timeout for connecting.
    pub connect: Duration,
    /// Timeout for a request, from its first byte to the last byte of the response.
    pub request: Duration,
    /// How long an idle connection is kept.
    pub idle: Duration,
    /// Most requests a second; `None` is no limit.
    pub per_second: Option<u32>,
}

impl ClientLimits {
    /// Long enough for a busy server, and shorter than the server's idle timeout.
    pub const DEFAULT: Self = Self {
        connect: Duration::from_secs(5),
        request: Duration::from_secs(30),
        idle: Duration::from_secs(4),
        per_second: None,
    };
}

/// An endpoint that speaks Cognito's protocol.
pub struct HttpTarget {
    connections: Connections,
    address: EndpointUrl,
    /// The pool whose codes are read.
    pool_id: OnceCell<PoolId>,
    signer: Signer,
    rate_limiter: RateLimiter,
    clock: Clock,
    limits: ClientLimits,
    accepts_risk_level: bool,
    /// The connections that have had a response, by their local address.
    used: RefCell<BTreeSet<SocketAddr>>,
    last_response: Cell<Option<Timestamp>>,
    clock_offset: ClockOffset,
}

impl std::fmt::Debug for HttpTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HttpTarget({})", self.address)
    }
}

/// Without TLS the system's certificates are not needed.
enum Connections {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Tls(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
    Tunnel(Client<HttpsConnector<Tunnel<HttpConnector>>, Full<Bytes>>),
}

impl HttpTarget {
    /// Creates a client for this address; administrators' requests are signed with these credentials. Must be
    /// called inside the runtime of `clock`.
    ///
    /// # Errors
    ///
    /// The address is https, and the trusted certificates cannot be read; or the environment names a proxy
    /// that cannot be used.
    pub fn new(
        address: EndpointUrl,
        credentials: Option<Credentials>,
        clock: Clock,
        limits: ClientLimits,
    ) -> std::io::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(limits.connect));
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_idle_timeout(limits.idle).pool_timer(TokioTimer::new());
        let proxy = proxy::proxy(&address)?;
        let connections = if address.is_tls() {
            let tls =
                HttpsConnectorBuilder::new().with_tls_config(tls::config()?).https_only().enable_http1();
            match proxy {
                None => Connections::Tls(builder.build(tls.wrap_connector(tcp))),
                Some(proxy) => {
                    let tunnel = Tunnel::new(proxy.address, tcp);
                    let tunnel = match proxy.authorization {
                        Some(authorization) => tunnel.with_auth(authorization),
                        None => tunnel,
                    };
                    Connections::Tunnel(builder.build(tls.wrap_connector(tunnel)))
                }
            }
        } else {
            Connections::Plain(builder.build(tcp))
        };
        let signer = Signer::new(credentials, &address);
        let rate_limiter = RateLimiter::new(clock, limits.per_second);
        Ok(Self {
            connections,
            address,
            pool_id: OnceCell::new(),
            signer,
            rate_limiter,
            clock,
            limits,
            accepts_risk_level: false,
            used: RefCell::default(),
            last_response: Cell::new(None),
            clock_offset: ClockOffset::default(),
        })
    }

    /// Sets the pool whose users' codes can be read. It is set once.
    pub fn set_pool(&self, pool_id: PoolId) {
        self.pool_id.get_or_init(|| pool_id);
    }

    /// Checks that the endpoint answers, and whether it is a served poolproof, which accepts risk levels and
    /// shows codes.
    ///
    /// # Errors
    ///
    /// The endpoint does not answer.
    pub async fn probe(&mut self) -> Result<(), TransportError> {
        let metrics = self.page("/metrics").await?;
        self.accepts_risk_level = metrics.windows(15).any(|word| word == b"poolproof_pools");
        Ok(())
    }

    /// Returns whether there was no response since this time.
    pub fn is_silent_since(&self, time: Timestamp) -> bool {
        self.last_response.get().is_none_or(|last| last < time)
    }

    /// Returns the smallest difference between the endpoint's clock and this machine's that its answers
    /// allow, in µs: positive if the endpoint's is ahead. `None` if no answer had a date.
    pub fn clock_offset_us(&self) -> Option<i64> {
        self.clock_offset.least_us()
    }

    /// Gets a page of the endpoint, whatever its status.
    async fn page(&self, path: &str) -> Result<Bytes, TransportError> {
        let request = HttpRequest::builder().method(Method::GET).uri(self.address.with_path(path));
        let request = request.body(Full::default()).map_err(invalid_request)?;
        Ok(self.send(request, true).await?.into_body())
    }

    /// Sends a request and reads the complete response, both in time. A request that may be done twice is
    /// sent again if its connection was used before and ended before the response.
    async fn send(
        &self,
        request: HttpRequest<Full<Bytes>>,
        repeatable: bool,
    ) -> Result<HttpResponse<Bytes>, TransportError> {
        self.rate_limiter.acquire().await;
        let copy = repeatable.then(|| request.clone());
        match (self.send_once(request).await, copy) {
            (Err((_, true)), Some(copy)) => self.send_once(copy).await.map_err(|(error, _)| error),
            (answer, _) => answer.map_err(|(error, _)| error),
        }
    }

    /// Sends a request once. An error says whether a connection that was used before ended before the
    /// response.
    async fn send_once(
        &self,
        request: HttpRequest<Full<Bytes>>,
    ) -> Result<HttpResponse<Bytes>, (TransportError, bool)> {
        let sent = self.clock.now();
        let exchange = async {
            let response = match &self.connections {
                Connections::Plain(client) => client.request(request).await,
                Connections::Tls(client) => client.request(request).await,
                Connections::Tunnel(client) => client.request(request).await,
            };
            let (head, body) = response
                .map_err(|error| (connection_error(&error), self.ended_when_reused(&error)))?
                .into_parts();
            let received = self.clock.now();
            self.last_response.set(Some(received));
            self.clock_offset.record(&head.headers, sent, received);
            if let Some(connection) = head.extensions.get::<HttpInfo>() {
                self.used.borrow_mut().insert(connection.local_addr());
            }
            let body = read(body).await.map_err(|error| (error, false))?;
            Ok(HttpResponse::from_parts(head, body))
        };
        match tokio::time::timeout(self.limits.request, exchange).await {
            Ok(answer) => answer,
            Err(_) => {
                let why = format!("no response within {:?}", self.limits.request);
                Err((TransportError::new(FailureCause::Timeout, why), false))
            }
        }
    }

    /// Returns whether this is the error of a connection that had responses before, and forgets the
    /// connection.
    fn ended_when_reused(&self, error: &ClientError) -> bool {
        let mut extensions = Extensions::new();
        if let Some(connection) = error.connect_info() {
            connection.get_extras(&mut extensions);
        }
        let connection = extensions.get::<HttpInfo>().map(HttpInfo::local_addr);
        connection.is_some_and(|address| self.used.borrow_mut().remove(&address))
    }

    /// Builds the request for an operation; also returns the operation's name.
    fn request(
        &self,
        origin: Origin,
        operation: &Operation,
    ) -> Result<(&'static str, HttpRequest<Full<Bytes>>), TransportError> {
        let (name, body) = encode(operation);
        let mut request = HttpRequest::builder()
            .method(Method::POST)
            .uri(self.address.uri())
            // The Host header that is sent is the one that is signed.
            .header("host", self.address.host_header())
            .header("content-type", CONTENT_TYPE)
            .header("x-amz-target", format!("{TARGET_PREFIX}{name}"));
        if let Some(level) = origin.risk.filter(|_| self.accepts_risk_level) {
            request = request.header("x-poolproof-risk", level.as_str());
        }
        if requires_signature(name, operation) {
            for (key, value) in self.signer.sign(self.clock.now(), name, body.as_bytes())? {
                request = request.header(key, value);
            }
        }
        Ok((name, request.body(Full::from(body)).map_err(invalid_request)?))
    }

    /// Sends an operation and decodes the response. Logs the request.
    async fn exchange(
        &self,
        origin: Origin,
        operation: &Operation,
    ) -> Result<Result<OperationResponse, ApiError>, TransportError> {
        let (name, request) = self.request(origin, operation)?;
        let start = self.clock.now();
        let response = self.send(request, is_repeatable(operation)).await;
        let request_id =
            response.as_ref().ok().and_then(|response| text_header(response, "x-amzn-requestid"));
        let answer = match &response {
            Ok(response) => decoded(name, response),
            Err(error) => Err(error.clone()),
        };
        let logged = LoggedRequest {
            operation: match operation {
                Operation::Pool(request) => request.step().as_str(),
                _ => name,
            },
            duration: self.clock.now().since(start),
            outcome: answer.as_ref().map_or_else(|error| error.cause.as_str(), outcome),
            request_id,
        };
        logged.log();
        answer
    }

    /// Returns the code that was last sent to this user, if the endpoint shows it.
    async fn outbox(&self, username: &Username) -> Option<String> {
        let path = format!("/outbox?username={}", endpoint_url::percent_encoded(username.as_str()));
        let page = self.page(&path).await.ok()?;
        let page: serde_json::Value = serde_json::from_slice(&page).ok()?;
        let pool_id = self.pool_id.get()?;
        let mine = |message: &&serde_json::Value| {
            message["user_pool_id"] == pool_id.as_str() && message["username"] == username.as_str()
        };
        let last = page["messages"].as_array()?.iter().rev().find(mine)?;
        Some(last["code"].as_str()?.to_owned())
    }
}

fn text_header<'r>(response: &'r HttpResponse<Bytes>, name: &str) -> Option<&'r str> {
    response.headers().get(name)?.to_str().ok()
}

/// Decodes the response to an operation of this name.
fn decoded(
    name: &str,
    response: &HttpResponse<Bytes>,
) -> Result<Result<OperationResponse, ApiError>, TransportError> {
    let error_type = text_header(response, "x-amzn-errortype");
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    match decode_response(name, status, error_type, response.body()) {
        Ok(answer) => Ok(answer.map_err(|error| ApiError { retry_after, ..error })),
        Err(InvalidResponse(why)) => {
            let cause = match status {
                200..300 => FailureCause::UnreadableAnswer,
                _ => FailureCause::HttpStatus,
            };
            Err(TransportError { cause, why, status: Some(status), retry_after })
        }
    }
}

/// Returns whether AWS requires a signature for this operation: administrators' operations only.
fn requires_signature(name: &str, operation: &Operation) -> bool {
    name.starts_with("Admin")
        || matches!(operation, Operation::Management(_) | Operation::Account(AccountRequest::ListUsers(_)))
}

/// Returns whether a user's operation can be done twice without another result. Others may count a wrong
/// password twice, or use up a session.
fn is_repeatable(operation: &Operation) -> bool {
    let Operation::Pool(request) = operation else { return false };
    match request {
        Request::InitiateAuth(start) => start.auth_flow == "USER_SRP_AUTH",
        Request::UpdateDeviceStatus(_)
        | Request::GetDevice(_)
        | Request::ListDevices(_)
        | Request::RevokeToken(_) => true,
        _ => false,
    }
}

/// Returns the seconds of the header `Retry-After`. Its other form, a date, is ignored.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get("retry-after")?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

async fn read(body: Incoming) -> Result<Bytes, TransportError> {
    let whole = Limited::new(body, MAX_RESPONSE).collect().await;
    whole.map(Collected::to_bytes).map_err(|error| body_error(&*error))
}

fn invalid_request(error: impl std::fmt::Display) -> TransportError {
    TransportError::new(FailureCause::UnreadableAnswer, format!("cannot write the request: {error}"))
}

impl Target for HttpTarget {
    fn call(&self, origin: Origin, request: Request) -> LocalBoxFuture<'_, Result<Reply, TransportError>> {
        async move {
            let answer = self.exchange(origin, &Operation::Pool(request)).await?;
            Ok(answer.and_then(|answer| match answer {
                OperationResponse::Pool(response) => Ok(response),
                OperationResponse::Management(_) => Err(ApiError::internal(
                    "the endpoint answered a user's request with a response about \
                        pools",
                )),
            }))
        }
        .boxed_local()
    }

    fn delivered_code(&self, username: &Username) -> LocalBoxFuture<'_, Option<String>> {
        let username = username.clone();
        async move { if self.accepts_risk_level { self.outbox(&username).await } else { None } }.boxed_local()
    }
}

impl AdminTarget for HttpTarget {
    fn execute(
        &self,
        operation: Operation,
    ) -> LocalBoxFuture<'_, Result<Result<OperationResponse, ApiError>, TransportError>> {
        async move { self.exchange(Origin::default(), &operation).await }.boxed_local()
    }

    fn accepts_risk_level(&self) -> bool {
        self.accepts_risk_level
    }
}
