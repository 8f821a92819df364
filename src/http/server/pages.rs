//! Pages besides the operations: health, metrics, outbox, and token keys.

use std::net::IpAddr;
use std::rc::Rc;

use hyper::body::Body as _;
use hyper::header::{self, HeaderValue};
use hyper::{Method, StatusCode};
use serde_json::json;

use super::access::allow_origin;
use super::call::{call, error_response, in_background, refuse, uncached_response};
use super::outbox::to_json;
use super::service::{Request, Response, close_after};
use super::{AppState, lock};
use crate::compute::Side;
use crate::http::prometheus::{CONTENT_TYPE, MetricKind, MetricsPage};
use poolproof_cognito::protocol::{ApiError, ErrorKind};
use poolproof_pool::provider::MemoryStatus;

/// Answers a request by its method and path.
pub(super) async fn respond(request: Request, peer: Option<IpAddr>, state: Rc<AppState>) -> Response {
    let (origin, refusal) = state.limits.web_access.check(&request, state.listen);
    let mut response = match refusal {
        Some(error) => refuse(&request, &error, &state),
        None if request.method() == Method::POST && request.uri().path() == "/" => {
            call(request, peer, &state).await
        }
        None => get_page(&request, &state).await.unwrap_or_else(|| fallback(&request)),
    };
    if let Some(origin) = origin {
        allow_origin(response.headers_mut(), origin);
    }
    response
}

/// Returns the page that a request names, if there is one.
async fn get_page(request: &Request, state: &AppState) -> Option<Response> {
    if !is_get(request) {
        return None;
    }
    match request.uri().path() {
        "/health" => Some(health(state)),
        "/metrics" => Some(text_page(metrics(state))),
        "/outbox" => outbox(request, state).await,
        path => {
            let (pool, document) = path.strip_prefix('/')?.split_once("/.well-known/")?;
            match document {
                "jwks.json" => Some(jwks(pool, state)),
                "openid-configuration" => Some(openid(pool, state)),
                _ => None,
            }
        }
    }
}

/// Returns whether a request is `GET` or `HEAD` without a body; a body would have no reader.
pub(super) fn is_get(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD) && request.body().is_end_stream()
}

fn json_page(body: String) -> Response {
    page(uncached_response(StatusCode::OK, body), "application/json")
}

/// `GET /health`.
fn health(state: &AppState) -> Response {
    let Some(failure) = state.write_failure() else {
        return json_page(json!({ "status": "ok" }).to_string());
    };
    let body = json!({ "status": "degraded", "reason": failure.to_string() });
    let mut response = json_page(body.to_string());
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

/// A page of metrics.
pub(super) fn text_page(metrics: MetricsPage) -> Response {
    page(Response::new(metrics.into_text().into()), CONTENT_TYPE)
}

fn page(mut response: Response, content_type: &'static str) -> Response {
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// `GET /metrics`.
fn metrics(state: &AppState) -> MetricsPage {
    let mut page = MetricsPage::default();
    state.request_counts.write_metrics(&mut page);
    let ((pools, users), evicted_count, memory) = {
        let mut provider = state.provider();
        (provider.counts(), provider.evicted_count(), provider.memory_status())
    };
    let usage = state.compute.usage(Side::Server);
    let cpu = usage.cpu.unwrap_or_default().as_secs_f64();
    let mut one = |name, kind, help, value: String| page.metric(name, kind, help).sample(&[], value);
    one("poolproof_pools", MetricKind::Gauge, "User pools.", pools.to_string());
    one("poolproof_users", MetricKind::Gauge, "Users of all pools.", users.to_string());
    let forgotten =
        "Challenges and sessions removed before they expired, because all pools together had too many.";
    one("poolproof_challenges_evicted_total", MetricKind::Counter, forgotten, evicted_count.to_string());
    let jobs = "Finished SRP jobs.";
    one("poolproof_srp_jobs_total", MetricKind::Counter, jobs, usage.jobs.to_string());
    let powers = "Finished modular exponentiations.";
    one("poolproof_srp_modexps_total", MetricKind::Counter, powers, usage.modexps.to_string());
    let spent = "CPU time of SRP jobs.";
    one("poolproof_srp_cpu_seconds_total", MetricKind::Counter, spent, format!("{cpu:.6}"));
    write_memory(&mut page, &memory);
    page
}

fn write_memory(page: &mut MetricsPage, memory: &MemoryStatus) {
    let kept = "Estimated memory of what is kept.";
    let mut bytes = page.metric("poolproof_memory_bytes", MetricKind::Gauge, kept);
    bytes.sample(&[("kind", "accounts")], memory.used.accounts);
    bytes.sample(&[("kind", "sign_ins")], memory.used.sign_ins);
    let budget = "Most memory for what is kept (--memory).";
    page.metric("poolproof_memory_budget_bytes", MetricKind::Gauge, budget).sample(&[], memory.budget);
    let dropped =
        "Challenges and sessions that were removed before they expired, because the memory budget was full.";
    page.metric("poolproof_memory_dropped_total", MetricKind::Counter, dropped).sample(&[], memory.dropped);
    let dropped = "Estimated memory of these challenges and sessions.";
    page.metric("poolproof_memory_dropped_bytes_total", MetricKind::Counter, dropped)
        .sample(&[], memory.dropped_bytes);
    let refused = "Requests that were refused because the memory budget was full.";
    page.metric("poolproof_memory_refused_total", MetricKind::Counter, refused).sample(&[], memory.refused);
}

/// `GET /outbox`, or `GET /outbox?username=NAME`.
async fn outbox(request: &Request, state: &AppState) -> Option<Response> {
    let query = request.uri().query().unwrap_or_default();
    let username = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == "username").last();
    // All messages together can have megabytes.
    let _turn = state.large_answers.acquire().await;
    let messages = lock(&state.outbox).messages(username.as_ref().map(|(_, name)| &**name));
    in_background(move || to_json(&messages).to_string()).await.map(json_page)
}

/// `GET /<UserPoolId>/.well-known/jwks.json`.
fn jwks(pool: &str, state: &AppState) -> Response {
    let found = state.provider().issuer(pool);
    found.map_or_else(no_pool, |(_, jwks)| json_page(jwks))
}

/// `GET /<UserPoolId>/.well-known/openid-configuration`.
fn openid(pool: &str, state: &AppState) -> Response {
    let found = state.provider().issuer(pool);
    found.map_or_else(no_pool, |(issuer, _)| {
        let body = json!({
            "issuer": issuer,
            // The issuer can be another address, but the keys are here.
            "jwks_uri": format!("{}/{pool}/.well-known/jwks.json", state.url),
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "token"],
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "subject_types_supported": ["public"],
        });
        json_page(body.to_string())
    })
}

fn no_pool() -> Response {
    let error =
        ApiError::new(ErrorKind::ResourceNotFound, "User pool does not exist, or its tokens are opaque.");
    error_response(StatusCode::NOT_FOUND, &error)
}

/// Every other path and method.
fn fallback(request: &Request) -> Response {
    if request.method() == Method::OPTIONS && request.body().is_end_stream() {
        let mut response = uncached_response(StatusCode::NO_CONTENT, "");
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "POST, GET, OPTIONS"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
            (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        return response;
    }
    let known = request.uri().path() == "/";
    let status = if known { StatusCode::METHOD_NOT_ALLOWED } else { StatusCode::NOT_FOUND };
    let error = ApiError::new(
        ErrorKind::UnknownOperation,
        "Send operations by POST to / with X-Amz-Target: AWSCognitoIdentityProviderService.<Operation>.",
    );
    close_after(error_response(status, &error))
}

/// Headers that browser SDKs send.
const ALLOWED_HEADERS: &str = "content-type, x-amz-target, x-amz-user-agent, cache-control, authorization, x-amz-date, \
    x-amz-security-token, x-amz-content-sha256, amz-sdk-invocation-id, amz-sdk-request, x-poolproof-risk";
