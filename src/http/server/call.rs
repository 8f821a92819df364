//! One operation: from the bytes of its request to the bytes of its response.

use std::net::IpAddr;
use std::rc::Rc;

use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Response as HttpResponse, StatusCode};

use super::body::{BodyError, RequestBody, read_body};
use super::durable::is_read;
use super::service::{Request, Response, close_after};
use super::triggers::TRIGGER_LIMIT;
use super::{AppState, lock};
use crate::compute::Side;
use crate::http::codec::{
    CONTENT_TYPE, EncodedResponse, TARGET_PREFIX, decode, decode_with_unsimulated, encode_response,
};
use crate::request_log::{LoggedRequest, outcome};
use crate::store::{PendingWrite, StateWriteError};
use poolproof_cognito::ids::PoolId;
use poolproof_cognito::policy::RiskLevel;
use poolproof_cognito::protocol::{ApiError, ErrorKind, Operation, OperationResponse, Origin};
use poolproof_cognito::time::Timestamp;
use poolproof_pool::provider::{Handled, Provider, Step, to_operation_response};
use poolproof_pool::{Delivery, TriggerFailure};

/// Sets the risk level of a sign-in: `low`, `medium`, `high` or `none`.
const RISK_HEADER: &str = "x-poolproof-risk";

/// The header with the id of a request.
const REQUEST_ID: &str = "x-amzn-requestid";

/// Operations whose answers can have megabytes: sixty users with 128 KiB of attributes each.
const LARGE_ANSWERS: [&str; 2] = ["ListUsers", "ListUsersInGroup"];

/// A request that is refused before it is read completely.
pub(super) struct RejectedRequest {
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
pub(super) async fn call(request: Request, peer: Option<IpAddr>, state: &Rc<AppState>) -> Response {
    let start = state.clock.now();
    let target = target(request.headers());
    let operation_name = target.as_deref().unwrap_or_default().to_owned();
    let (outcome, response) = respond(request, target, peer, state).await;
    record(state, &operation_name, outcome, start, &response);
    response
}

/// Answers a request for the operation `target`; also returns its outcome, `ok` or the exception.
async fn respond(
    request: Request,
    target: Result<String, RejectedRequest>,
    peer: Option<IpAddr>,
    state: &Rc<AppState>,
) -> (&'static str, Response) {
    let (head, unread) = request.into_parts();
    let headers = target.and_then(|name| Ok((name, Origin { address: peer, risk: risk(&head.headers)? })));
    let body = match headers {
        Ok((name, origin)) => body(unread, state).await.map(|body| (name, origin, body)),
        // The rest is read within limits, so that the next request on the connection is found.
        Err(rejected) if !rejected.close => {
            let rest = body(unread, state).await;
            Err(RejectedRequest { close: rest.is_err(), ..rejected })
        }
        Err(rejected) => Err(rejected),
    };
    // Held until the answer is encoded.
    let turn = match &body {
        Ok((name, ..)) if LARGE_ANSWERS.contains(&name.as_str()) => state.large_answers.acquire().await.ok(),
        _ => None,
    };
    let answer = match body {
        Ok((name, origin, body)) => answer(state, &name, origin, &body).await,
        Err(RejectedRequest { status, error, close }) => {
            let response = error_response(status, &error);
            let response = if close { close_after(response) } else { response };
            return (error.kind.as_str(), response);
        }
    };
    let outcome = outcome(&answer);
    let encoded = match turn {
        Some(_turn) => in_background(move || encode_response(&answer)).await,
        None => Some(encode_response(&answer)),
    };
    let stopped = || encode_response(&Err(ApiError::internal("the response cannot be encoded")));
    (outcome, build_response(None, encoded.unwrap_or_else(stopped)))
}

/// Counts and logs a request that was answered.
fn record(
    state: &AppState,
    operation_name: &str,
    outcome: &'static str,
    start: Timestamp,
    response: &Response,
) {
    let operation = state.request_counts.count(operation_name, outcome);
    let request_id = response.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let duration = state.clock.now().since(start);
    LoggedRequest { operation, duration, outcome, request_id }.log();
}

/// Runs what takes long on another thread, so that other clients do not wait. `None` if it fails.
pub(super) async fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

/// Returns the operation that `X-Amz-Target` names.
pub(super) fn target(headers: &HeaderMap) -> Result<String, RejectedRequest> {
    let mut given = headers.get_all("x-amz-target").iter();
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

/// Checks the other headers and returns the risk level that they set.
fn risk(headers: &HeaderMap) -> Result<Option<RiskLevel>, RejectedRequest> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
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
    match text(RISK_HEADER) {
        None | Some("none") => Ok(None),
        Some(level) => level.parse().map(Some).map_err(|()| {
            let message = "X-Poolproof-Risk must be none, low, medium or high.";
            RejectedRequest::new(ErrorKind::InvalidParameter, message)
        }),
    }
}

/// Reads the body, with a size limit and a deadline.
async fn body(unread: RequestBody, state: &AppState) -> Result<Bytes, RejectedRequest> {
    read_body(unread, state.limits.request).await.map_err(|error| {
        let status = match error {
            BodyError::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::Incomplete => StatusCode::BAD_REQUEST,
            BodyError::Late | BodyError::Evicted => StatusCode::REQUEST_TIMEOUT,
        };
        let error = ApiError::new(ErrorKind::Serialization, error.to_string());
        RejectedRequest { status, error, close: true }
    })
}

/// Executes the operation, including its jobs, and returns the response.
async fn answer(
    state: &Rc<AppState>,
    name: &str,
    origin: Origin,
    body: &[u8],
) -> Result<OperationResponse, ApiError> {
    let operation = decode_operation(state, name, body)?;
    let now = state.clock.now();
    let mut effects = Effects::default();
    let mut handled = run_step(state, name, &mut effects, |provider| provider.handle(now, origin, operation));
    let answer = loop {
        match handled.step {
            Step::Reply(answer) => break answer,
            Step::Sign(signing) => break to_operation_response(state.signers.sign(signing).await),
            Step::Trigger(call, pending) => {
                let left = TRIGGER_LIMIT.saturating_sub(state.clock.now().since(now));
                let output = match &state.triggers {
                    Some(endpoint) => endpoint.call(&call, left).await,
                    None => Err(TriggerFailure::no_endpoint()),
                };
                let now = state.clock.now();
                handled = run_step(state, name, &mut effects, |provider| {
                    provider.resume_trigger(now, pending, output)
                });
            }
            Step::Compute(job, pending) => {
                let done = state.compute.run(Side::Server, job).await;
                let now = state.clock.now();
                handled = run_step(state, name, &mut effects, |provider| provider.resume(now, pending, done));
            }
        }
    };
    if let (None, Some(durable)) = (&effects.write, &state.durable)
        && is_as_slow_as_a_change(name, &answer)
        && let Some(pool_id) = handled.pool_id
    {
        effects.write = Some(durable.writer.enqueue_rewrite(pool_id));
    }
    // A refusal can change state too: a failed attempt counts.
    finish(state, effects).await.and(answer)
}

/// What a request has caused. No client sees it before it is on disk.
#[derive(Default)]
struct Effects {
    write: Option<PendingWrite>,
    messages: Vec<(PoolId, Delivery)>,
}

/// Waits for the disk, and then moves sent messages to the outbox. If the change cannot be written, it is
/// undone, and nothing is sent.
async fn finish(state: &Rc<AppState>, Effects { write, messages }: Effects) -> Result<(), ApiError> {
    let refused = |error: StateWriteError| ApiError::internal(error.to_string());
    match write {
        None => {
            publish(state, messages);
            Ok(())
        }
        Some(write) if messages.is_empty() => write.committed().await.map_err(refused),
        Some(write) => {
            let state = Rc::clone(state);
            // A task of its own also ends if the client closes the connection.
            let task = tokio::task::spawn_local(async move {
                write.committed().await.map(|()| publish(&state, messages)).map_err(refused)
            });
            task.await.unwrap_or_else(|_| Err(ApiError::internal("the request was canceled")))
        }
    }
}

/// Returns whether the answer must wait for the disk even if the request changed no state. The failures and
/// codes of existing users are stored on disk, those of unknown names are not. Without the wait, the response
/// time would reveal which users exist.
fn is_as_slow_as_a_change(operation_name: &str, answer: &Result<OperationResponse, ApiError>) -> bool {
    match operation_name {
        "ForgotPassword" | "ResendConfirmationCode" => true,
        "InitiateAuth" | "RespondToAuthChallenge" | "ConfirmForgotPassword" | "ConfirmSignUp" => {
            answer.is_err()
        }
        _ => false,
    }
}

/// Decodes the operation. A field that is not simulated is refused, or ignored and logged once.
fn decode_operation(state: &AppState, name: &str, body: &[u8]) -> Result<Operation, ApiError> {
    if !state.limits.ignore_unsimulated {
        return decode(name, body);
    }
    let (operation, unsimulated) = decode_with_unsimulated(name, body)?;
    for field in unsimulated {
        let line = format!("note: {name}: {field} is not simulated and was ignored");
        if lock(&state.ignored_fields).insert((name.to_owned(), field)) {
            (state.message_sink)(&line);
        }
    }
    Ok(operation)
}

/// Takes one step and queues its changes for the disk. Changes of all requests are queued in order, so the
/// last write of a request covers its earlier ones.
fn run_step(
    state: &AppState,
    operation_name: &str,
    effects: &mut Effects,
    step: impl FnOnce(&mut Provider) -> Handled,
) -> Handled {
    // This undoes changes that could not be written. Later ones are refused before they are made.
    let mut provider = state.provider();
    if let Some(failure) = state.write_failure().filter(|_| !is_read(operation_name)) {
        let refusal = ApiError::internal(failure.to_string());
        return Handled { pool_id: None, step: Step::Reply(Err(refusal)) };
    }
    let handled = step(&mut provider);
    if let Some(pool_id) = &handled.pool_id {
        let messages = provider.take_deliveries(pool_id).into_iter();
        effects.messages.extend(messages.map(|message| (pool_id.clone(), message)));
    }
    if let Some(durable) = &state.durable {
        let changes = provider.take_changes(handled.pool_id.as_ref());
        if !changes.is_empty() {
            effects.write = Some(durable.writer.enqueue(changes));
        }
    }
    handled
}

/// Moves sent messages to the outbox.
fn publish(state: &AppState, messages: Vec<(PoolId, Delivery)>) {
    for (pool_id, delivery) in messages {
        // Names and addresses come from clients; debug form keeps them on one line.
        (state.message_sink)(&format!(
            "{} to {:?} ({:?}, {pool_id}): {:?}",
            delivery.medium,
            delivery.username.as_str(),
            delivery.destination,
            delivery.code
        ));
        lock(&state.outbox).put(state.clock.now(), pool_id, delivery);
    }
}

/// A response that no cache keeps.
pub(super) fn uncached_response(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let mut response = HttpResponse::new(body.into().into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Refuses a request because of its sender. The connection ends, and the request is not read.
pub(super) fn refuse(request: &Request, error: &ApiError, state: &AppState) -> Response {
    let response = error_response(StatusCode::FORBIDDEN, error);
    if request.method() == Method::POST {
        let operation_name = target(request.headers()).unwrap_or_default();
        record(state, &operation_name, error.kind.as_str(), state.clock.now(), &response);
    }
    close_after(response)
}

/// A refusal with its HTTP status.
pub(super) fn error_response(status: StatusCode, error: &ApiError) -> Response {
    build_response(Some(status), encode_response(&Err(error.clone())))
}

fn build_response(status: Option<StatusCode>, encoded: EncodedResponse) -> Response {
    let default_status = StatusCode::from_u16(encoded.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = uncached_response(status.unwrap_or(default_status), encoded.body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    let (kind, message) = encoded.error.unzip();
    for (name, value) in
        [(REQUEST_ID, Some(request_id())), ("x-amzn-errortype", kind), ("x-amzn-errormessage", message)]
    {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}

/// Returns a request id, which only identifies the response.
fn request_id() -> String {
    let mut bytes = [0; 16];
    // Without random bytes all responses have the same id, which is harmless.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}
