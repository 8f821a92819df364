//! Pages besides the operations: health, metrics, outbox, and token keys.

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::call::{add_cors_headers, error_response};
use super::linger::close_lingering;
use super::{AppState, is_empty, lock};
use crate::compute::Side;
use crate::http::prometheus::{CONTENT_TYPE, MetricKind, MetricsPage};
use poolproof_cognito::protocol::{ApiError, ErrorKind};

fn json_page(body: String) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    add_cors_headers(&mut response);
    response.insert_header((header::CONTENT_TYPE, "application/json")).body(body)
}

/// `GET /health`.
pub(super) async fn health() -> HttpResponse {
    json_page(json!({ "status": "ok" }).to_string())
}

/// `GET /metrics`.
pub(super) async fn metrics(state: web::Data<AppState>) -> HttpResponse {
    let mut page = MetricsPage::default();
    state.request_counts.write_metrics(&mut page);
    let ((pools, users), evicted_count) = {
        let provider = lock(&state.provider);
        (provider.counts(), provider.evicted_count())
    };
    let usage = state.compute.usage(Side::Server);
    let cpu = usage.cpu.unwrap_or_default().as_secs_f64();
    let mut one = |name, kind, help, value: String| page.metric(name, kind, help).sample(&[], value);
    one("poolproof_pools", MetricKind::Gauge, "User pools.", pools.to_string());
    one("poolproof_users", MetricKind::Gauge, "Users of all pools.", users.to_string());
    let forgotten = "Challenges that were removed before they expired, because the pool was full.";
    one("poolproof_challenges_crowded_out_total", MetricKind::Counter, forgotten, evicted_count.to_string());
    let jobs = "Finished SRP jobs.";
    one("poolproof_srp_jobs_total", MetricKind::Counter, jobs, usage.jobs.to_string());
    let powers = "Finished modular exponentiations.";
    one("poolproof_srp_modexps_total", MetricKind::Counter, powers, usage.modexps.to_string());
    let spent = "CPU time of SRP jobs.";
    one("poolproof_srp_cpu_seconds_total", MetricKind::Counter, spent, format!("{cpu:.6}"));
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, CONTENT_TYPE)).body(page.into_text())
}

/// `GET /outbox`, or `GET /outbox?username=NAME`.
pub(super) async fn outbox(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    let query = web::Query::<std::collections::BTreeMap<String, String>>::from_query(request.query_string());
    let query = query.map(web::Query::into_inner).unwrap_or_default();
    let body = lock(&state.outbox).to_json(query.get("username").map(String::as_str));
    json_page(body.to_string())
}

/// `GET /<UserPoolId>/.well-known/jwks.json`.
pub(super) async fn jwks(pool: web::Path<String>, state: web::Data<AppState>) -> HttpResponse {
    let found = lock(&state.provider).issuer(&pool);
    found.map_or_else(no_pool, |(_, jwks)| json_page(jwks))
}

/// `GET /<UserPoolId>/.well-known/openid-configuration`.
pub(super) async fn openid(pool: web::Path<String>, state: web::Data<AppState>) -> HttpResponse {
    let found = lock(&state.provider).issuer(&pool);
    found.map_or_else(no_pool, |(issuer, _)| {
        let body = json!({
            "issuer": issuer,
            "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "token"],
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "subject_types_supported": ["public"],
        });
        json_page(body.to_string())
    })
}

fn no_pool() -> HttpResponse {
    let error =
        ApiError::new(ErrorKind::ResourceNotFound, "User pool does not exist, or its tokens are opaque.");
    error_response(StatusCode::NOT_FOUND, &error)
}

/// Every other path and method.
pub(super) async fn fallback(request: HttpRequest, unread: web::Payload) -> HttpResponse {
    if *request.method() == Method::OPTIONS && is_empty(request.head()) {
        let mut response = HttpResponse::NoContent();
        add_cors_headers(&mut response);
        return response
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "POST, GET, OPTIONS"))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
            .finish();
    }
    let known = request.path() == "/";
    let status = if known { StatusCode::METHOD_NOT_ALLOWED } else { StatusCode::NOT_FOUND };
    let error = ApiError::new(
        ErrorKind::UnknownOperation,
        "Send operations by POST to / with X-Amz-Target: AWSCognitoIdentityProviderService.<Operation>.",
    );
    close_lingering(error_response(status, &error), unread)
}

/// Headers that browser SDKs send.
const ALLOWED_HEADERS: &str = "content-type, x-amz-target, x-amz-user-agent, cache-control, authorization, x-amz-date, \
    x-amz-security-token, x-amz-content-sha256, amz-sdk-invocation-id, amz-sdk-request, x-poolproof-risk";
