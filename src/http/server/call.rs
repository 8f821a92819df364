//! One operation: from the bytes of its request to the bytes of its response.

use std::net::IpAddr;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use futures_util::StreamExt as _;

use super::linger::close_lingering;
use super::{AppState, lock};
use crate::compute::Side;
use crate::http::codec::{CONTENT_TYPE, MAX_BODY, TARGET_PREFIX, decode, encode_response};
use crate::store::PendingWrite;
use poolproof_cognito::ids::PoolId;
use poolproof_cognito::policy::RiskLevel;
use poolproof_cognito::protocol::{ApiError, ErrorKind, OperationResponse, Origin};
use poolproof_pool::provider::{Handled, Provider, Step, to_operation_response};

/// Sets the risk level of a sign-in: `low`, `medium`, `high` or `none`.
const RISK_HEADER: &str = "x-poolproof-risk";

/// A request that is refused before it is read completely.
struct RejectedRequest {
    status: StatusCode,
    error: ApiError,
    /// Whether the connection is closed instead of reading the rest.
    close: bool,
}

impl RejectedRequest {
    fn new(kind: ErrorKind, message: &str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error: ApiError::new(kind, message), close: false }
    }
}

/// `POST /`.
pub(super) async fn call(
    request: HttpRequest,
    mut payload: web::Payload,
    state: web::Data<AppState>,
) -> HttpResponse {
    let target = target(&request);
    let operation_name = target.as_deref().unwrap_or_default().to_owned();
    let body = match target.and_then(|name| validate_headers(&request).map(|origin| (name, origin))) {
        Ok((name, origin)) => body(&mut payload, &state).await.map(|body| (name, origin, body)),
        // The rest is read within limits, so that the next request on the connection is found.
        Err(rejected) if !rejected.close => {
            let rest = body(&mut payload, &state).await;
            Err(RejectedRequest { close: rest.is_err(), ..rejected })
        }
        Err(rejected) => Err(rejected),
    };
    let answer = match body {
        Ok((name, origin, body)) => answer(&state, &name, origin, &body).await,
        Err(RejectedRequest { status, error, close }) => {
            state.request_counts.count(&operation_name, error.kind.as_str());
            let response = error_response(status, &error);
            return if close { close_lingering(response, payload) } else { response };
        }
    };
    state
        .request_counts
        .count(&operation_name, answer.as_ref().map_or_else(|error| error.kind.as_str(), |_| "ok"));
    build_response(None, &answer)
}

/// Returns the operation that `X-Amz-Target` names.
fn target(request: &HttpRequest) -> Result<String, RejectedRequest> {
    let mut given = request.headers().get_all("x-amz-target");
    let unknown = |message| RejectedRequest::new(ErrorKind::UnknownOperation, message);
    let first = given.next().ok_or_else(|| unknown("X-Amz-Target is missing."))?;
    if given.next().is_some() {
        return Err(unknown("X-Amz-Target is given twice."));
    }
    let name = first.to_str().ok().and_then(|target| target.strip_prefix(TARGET_PREFIX));
    let name =
        name.ok_or_else(|| unknown("X-Amz-Target does not begin with AWSCognitoIdentityProviderService."))?;
    Ok(name.to_owned())
}

/// Checks the other headers and returns what they say about the client.
fn validate_headers(request: &HttpRequest) -> Result<Origin, RejectedRequest> {
    let text = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    let content_type = text("content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(CONTENT_TYPE) {
        let message = "Content-Type must be application/x-amz-json-1.1.";
        return Err(RejectedRequest::new(ErrorKind::Serialization, message));
    }
    if text("content-encoding").is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        let rejected = RejectedRequest::new(ErrorKind::Serialization, "Content-Encoding is not supported.");
        return Err(RejectedRequest { close: true, ..rejected });
    }
    let risk = match text(RISK_HEADER) {
        None | Some("none") => None,
        Some(level) => Some(level.parse::<RiskLevel>().map_err(|()| {
            let message = "X-Poolproof-Risk must be none, low, medium or high.";
            RejectedRequest::new(ErrorKind::InvalidParameter, message)
        })?),
    };
    let address: Option<IpAddr> = request.peer_addr().map(|peer| peer.ip());
    Ok(Origin { risk, address })
}

/// Reads the body, with a size limit and a deadline.
async fn body(payload: &mut web::Payload, state: &AppState) -> Result<Vec<u8>, RejectedRequest> {
    let too_long = || RejectedRequest {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        error: ApiError::new(
            ErrorKind::Serialization,
            format!("The request is longer than {MAX_BODY} bytes."),
        ),
        close: true,
    };
    let read = async {
        let mut body = Vec::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| RejectedRequest {
                close: true,
                ..RejectedRequest::new(ErrorKind::Serialization, "The body could not be read.")
            })?;
            if body.len() + chunk.len() > MAX_BODY {
                return Err(too_long());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    match tokio::time::timeout(state.limits.request, read).await {
        Ok(read) => read,
        Err(_) => Err(RejectedRequest {
            status: StatusCode::REQUEST_TIMEOUT,
            error: ApiError::new(ErrorKind::Serialization, "The body did not arrive in time."),
            close: true,
        }),
    }
}

/// Executes the operation, including its jobs, and returns the response.
async fn answer(
    state: &AppState,
    name: &str,
    origin: Origin,
    body: &[u8],
) -> Result<OperationResponse, ApiError> {
    let operation = decode(name, body)?;
    let now = state.clock.now();
    let mut pending_write = None;
    let mut handled = run_step(state, &mut pending_write, |provider| provider.handle(now, origin, operation));
    let answer = loop {
        if let Some(pool_id) = &handled.pool_id {
            publish_deliveries(state, pool_id);
        }
        match handled.step {
            Step::Reply(answer) => break answer,
            Step::Sign(signing) => break to_operation_response(state.signers.sign(signing).await),
            Step::Compute(job, pending) => {
                let done = state.compute.run(Side::Server, job).await;
                let now = state.clock.now();
                handled = run_step(state, &mut pending_write, |provider| provider.resume(now, pending, done));
            }
        }
    };
    match pending_write {
        // A refusal can change state too: a failed attempt counts.
        Some(pending_write) => match pending_write.committed().await {
            Ok(()) => answer,
            Err(error) => Err(ApiError::internal(error.to_string())),
        },
        None => answer,
    }
}

/// Takes one step and queues its changes for the disk. Changes of all requests are queued in order, so the
/// last write of a request covers its earlier ones.
fn run_step(
    state: &AppState,
    pending_write: &mut Option<PendingWrite>,
    step: impl FnOnce(&mut Provider) -> Handled,
) -> Handled {
    let mut provider = lock(&state.provider);
    let handled = step(&mut provider);
    if let Some(state_writer) = &state.state_writer {
        let changes = provider.take_changes(handled.pool_id.as_ref());
        if !changes.is_empty() {
            *pending_write = Some(state_writer.enqueue(changes));
        }
    }
    handled
}

/// Moves sent messages to the outbox.
fn publish_deliveries(state: &AppState, pool_id: &PoolId) {
    let deliveries = lock(&state.provider).take_deliveries(pool_id);
    for delivery in deliveries {
        // Names and addresses come from clients; debug form keeps them on one line.
        (state.message_sink)(&format!(
            "{} to {:?} ({:?}, {pool_id}): {:?}",
            delivery.medium,
            delivery.username.as_str(),
            delivery.destination,
            delivery.code
        ));
        lock(&state.outbox).put(state.clock.now(), pool_id.clone(), delivery);
    }
}

/// Allows pages of any origin to read a response, as Cognito does; all users here are made up.
pub(super) fn add_cors_headers(response: &mut HttpResponseBuilder) {
    response
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "x-amzn-RequestId, x-amzn-ErrorType, x-amzn-ErrorMessage, Date",
        ))
        .insert_header((header::CACHE_CONTROL, "no-store"));
}

/// A refusal with its HTTP status.
pub(super) fn error_response(status: StatusCode, error: &ApiError) -> HttpResponse {
    build_response(Some(status), &Err(error.clone()))
}

fn build_response(status: Option<StatusCode>, answer: &Result<OperationResponse, ApiError>) -> HttpResponse {
    let encoded = encode_response(answer);
    let default_status = StatusCode::from_u16(encoded.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status.unwrap_or(default_status));
    add_cors_headers(&mut response);
    response.insert_header((header::CONTENT_TYPE, CONTENT_TYPE));
    response.insert_header(("x-amzn-RequestId", request_id()));
    if let Some((kind, message)) = encoded.error {
        response.insert_header(("x-amzn-ErrorType", kind)).insert_header(("x-amzn-ErrorMessage", message));
    }
    response.body(encoded.body)
}

/// Returns a request id, which only identifies the response.
fn request_id() -> String {
    let mut bytes = [0; 16];
    // Without random bytes all responses have the same id, which is harmless.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}
