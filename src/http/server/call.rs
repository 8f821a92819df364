//! One operation: from the bytes of its request to those of its answer.

use std::net::IpAddr;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use futures_util::StreamExt as _;

use super::linger::last;
use super::{Here, lock};
use crate::compute::Side;
use crate::http::codec::{CONTENT_TYPE, MAX_BODY, TARGET_PREFIX, decode, encode_answer};
use crate::store::Ticket;
use poolproof_cognito::policy::RiskLevel;
use poolproof_cognito::protocol::{Answer, ApiError, ErrorKind, Origin};
use poolproof_pool::provider::{Provider, Step, answered};

/// How risky an attempt is to look: `low`, `medium`, `high` or `none`. Whoever tests says so.
const RISK_HEADER: &str = "x-poolproof-risk";

/// A request that is refused before it is read whole.
struct Unread {
    status: StatusCode,
    error: ApiError,
    /// Whether the rest of what is sent is not worth waiting for.
    close: bool,
}

impl Unread {
    fn new(kind: ErrorKind, message: &str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error: ApiError::new(kind, message), close: false }
    }
}

/// `POST /`.
pub(super) async fn call(
    request: HttpRequest,
    mut payload: web::Payload,
    here: web::Data<Here>,
) -> HttpResponse {
    let target = target(&request);
    let named = target.as_deref().unwrap_or_default().to_owned();
    let body = match target.and_then(|name| checked(&request).map(|origin| (name, origin))) {
        Ok((name, origin)) => body(&mut payload, &here).await.map(|body| (name, origin, body)),
        // What follows is read all the same, in bounds, so that the next request on the connection is found.
        Err(unread) if !unread.close => {
            let rest = body(&mut payload, &here).await;
            Err(Unread { close: rest.is_err(), ..unread })
        }
        Err(unread) => Err(unread),
    };
    let answer = match body {
        Ok((name, origin, body)) => answer(&here, &name, origin, &body).await,
        Err(Unread { status, error, close }) => {
            here.tally.count(&named, error.kind.as_str());
            let response = refused(status, &error);
            return if close { last(response, payload) } else { response };
        }
    };
    here.tally.count(&named, answer.as_ref().map_or_else(|error| error.kind.as_str(), |_| "ok"));
    written(None, &answer)
}

/// The operation that `X-Amz-Target` names.
fn target(request: &HttpRequest) -> Result<String, Unread> {
    let mut given = request.headers().get_all("x-amz-target");
    let unknown = |message| Unread::new(ErrorKind::UnknownOperation, message);
    let first = given.next().ok_or_else(|| unknown("X-Amz-Target is missing."))?;
    if given.next().is_some() {
        return Err(unknown("X-Amz-Target is given twice."));
    }
    let name = first.to_str().ok().and_then(|target| target.strip_prefix(TARGET_PREFIX));
    let name =
        name.ok_or_else(|| unknown("X-Amz-Target does not begin with AWSCognitoIdentityProviderService."))?;
    Ok(name.to_owned())
}

/// Checks the other headers; what they tell of where the request comes from.
fn checked(request: &HttpRequest) -> Result<Origin, Unread> {
    let text = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    let content_type = text("content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(CONTENT_TYPE) {
        let message = "Content-Type must be application/x-amz-json-1.1.";
        return Err(Unread::new(ErrorKind::Serialization, message));
    }
    if text("content-encoding").is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        let unread = Unread::new(ErrorKind::Serialization, "Content-Encoding is not supported.");
        return Err(Unread { close: true, ..unread });
    }
    let risk = match text(RISK_HEADER) {
        None | Some("none") => None,
        Some(level) => Some(level.parse::<RiskLevel>().map_err(|()| {
            let message = "X-Poolproof-Risk must be none, low, medium or high.";
            Unread::new(ErrorKind::InvalidParameter, message)
        })?),
    };
    let address: Option<IpAddr> = request.peer_addr().map(|peer| peer.ip());
    Ok(Origin { risk, address })
}

/// The body, if it is not too long and comes in time.
async fn body(payload: &mut web::Payload, here: &Here) -> Result<Vec<u8>, Unread> {
    let long = || Unread {
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
            let chunk = chunk.map_err(|_| Unread {
                close: true,
                ..Unread::new(ErrorKind::Serialization, "The body could not be read.")
            })?;
            if body.len() + chunk.len() > MAX_BODY {
                return Err(long());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    match tokio::time::timeout(here.limits.request, read).await {
        Ok(read) => read,
        Err(_) => Err(Unread {
            status: StatusCode::REQUEST_TIMEOUT,
            error: ApiError::new(ErrorKind::Serialization, "The body did not come in time."),
            close: true,
        }),
    }
}

/// The answer, after whatever arithmetic it takes.
async fn answer(here: &Here, name: &str, origin: Origin, body: &[u8]) -> Result<Answer, ApiError> {
    let operation = decode(name, body)?;
    let now = here.clock.now();
    let mut ticket = None;
    let mut step = changing(here, &mut ticket, |provider| provider.handle(now, origin, operation));
    let answer = loop {
        deliver(here);
        match step {
            Step::Answer(answer) => break answer,
            Step::Sign(signing) => break answered(here.signers.sign(signing).await),
            Step::Compute(job, pending) => {
                let done = here.compute.run(Side::Server, job).await;
                let now = here.clock.now();
                step = changing(here, &mut ticket, |provider| provider.resume(now, pending, done));
            }
        }
    };
    match ticket {
        // What a refusal has changed is kept as well: a failed attempt counts.
        Some(ticket) => match ticket.kept().await {
            Ok(()) => answer,
            Err(lost) => Err(ApiError::internal(lost.to_string())),
        },
        None => answer,
    }
}

/// Takes one step, and has written down what it changes. The changes of all requests are kept in the order in which they were
/// made, so that the last ticket of a request stands for its earlier ones.
fn changing(here: &Here, ticket: &mut Option<Ticket>, step: impl FnOnce(&mut Provider) -> Step) -> Step {
    let mut provider = lock(&here.provider);
    let step = step(&mut provider);
    if let Some(keeper) = &here.keeper {
        let changes = provider.take_changes();
        if !changes.is_empty() {
            *ticket = Some(keeper.keep(changes));
        }
    }
    step
}

/// Puts what the pool has sent where it can be read.
fn deliver(here: &Here) {
    let deliveries = lock(&here.provider).take_deliveries();
    for (pool_id, delivery) in deliveries {
        // Names and addresses are whatever clients wrote: debug form keeps them on one line.
        (here.teller)(&format!(
            "{} to {:?} ({:?}, {pool_id}): {:?}",
            delivery.medium,
            delivery.username.as_str(),
            delivery.destination,
            delivery.code
        ));
        lock(&here.outbox).put(here.clock.now(), pool_id, delivery);
    }
}

/// Lets pages of any origin read an answer: there is nothing here but made-up users, and Cognito does so too.
pub(super) fn cors(response: &mut HttpResponseBuilder) {
    response
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "x-amzn-RequestId, x-amzn-ErrorType, x-amzn-ErrorMessage, Date",
        ))
        .insert_header((header::CACHE_CONTROL, "no-store"));
}

/// A refusal with a status of its own.
pub(super) fn refused(status: StatusCode, error: &ApiError) -> HttpResponse {
    written(Some(status), &Err(error.clone()))
}

fn written(status: Option<StatusCode>, answer: &Result<Answer, ApiError>) -> HttpResponse {
    let wire = encode_answer(answer);
    let own = StatusCode::from_u16(wire.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status.unwrap_or(own));
    cors(&mut response);
    response.insert_header((header::CONTENT_TYPE, CONTENT_TYPE));
    response.insert_header(("x-amzn-RequestId", request_id()));
    if let Some((kind, message)) = wire.error {
        response.insert_header(("x-amzn-ErrorType", kind)).insert_header(("x-amzn-ErrorMessage", message));
    }
    response.body(wire.body)
}

/// A number for the answer. It is for finding the answer again and for nothing else.
fn request_id() -> String {
    let mut bytes = [0; 16];
    // Without chance all answers have the same number, which harms nobody.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}
