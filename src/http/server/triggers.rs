//! The endpoint that answers for the triggers of custom challenges.

use std::error::Error as _;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request as HttpRequest, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::http::client::EndpointUrl;
use poolproof_pool::{TriggerCall, TriggerFailure};

/// The time for all triggers of one request: a little less than the five seconds of AWS, so that the client
/// has its answer within them.
pub(super) const TRIGGER_LIMIT: Duration = Duration::from_millis(4800);

/// Largest output of a trigger in bytes. A part of it is kept with the sign-in.
const MAX_OUTPUT: usize = 16 * 1024;

/// Most characters of an endpoint's error message.
const MAX_MESSAGE: usize = 256;

/// An endpoint on this machine that gets the events of the triggers by POST and answers as Lambda functions
/// do.
pub struct TriggerEndpoint {
    address: EndpointUrl,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl TriggerEndpoint {
    /// Parses the address of an endpoint such as `http://127.0.0.1:9000/triggers`.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong: the address is invalid, needs TLS or is not on this machine.
    pub fn parse(text: &str) -> Result<Self, String> {
        let address = EndpointUrl::parse(text)?;
        if address.is_tls() || !address.is_loopback() {
            return Err(format!(
                "`{text}` is not an http:// address on this machine, such as http://127.0.0.1:9000"
            ));
        }
        // A connection for each call, because an endpoint may close an idle one at any time.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        Ok(Self { address, client })
    }

    /// Calls a trigger. The whole exchange ends after `limit`.
    pub(super) async fn call(&self, call: &TriggerCall, limit: Duration) -> Result<Vec<u8>, TriggerFailure> {
        match tokio::time::timeout(limit, self.exchange(call)).await {
            Ok(answer) => answer,
            Err(_) => {
                Err(TriggerFailure::Unreachable("Socket timeout while invoking Lambda function".to_owned()))
            }
        }
    }

    async fn exchange(&self, call: &TriggerCall) -> Result<Vec<u8>, TriggerFailure> {
        let request = HttpRequest::builder()
            .method(Method::POST)
            .uri(self.address.uri())
            .header("content-type", "application/json")
            .body(Full::from(call.event.to_string()));
        let request = request.map_err(|error| TriggerFailure::Unreachable(error.to_string()))?;
        let response = self.client.request(request).await.map_err(|error| {
            let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            TriggerFailure::Unreachable(cause)
        })?;
        let (head, body) = response.into_parts();
        let body = match Limited::new(body, MAX_OUTPUT).collect().await {
            Ok(body) => body.to_bytes(),
            // The pool refuses an empty output as invalid, so it has the same effect.
            Err(error) if error.is::<LengthLimitError>() => Bytes::new(),
            Err(error) => return Err(TriggerFailure::Unreachable(error.to_string())),
        };
        if head.status.is_success() { Ok(body.into()) } else { Err(refused(head.status, &body)) }
    }
}

/// Returns the failure of a trigger that answers with an error: `errorMessage`, as Lambda has it, else the
/// text.
fn refused(status: StatusCode, body: &[u8]) -> TriggerFailure {
    let message = match serde_json::from_slice::<Value>(body) {
        Ok(value) => value["errorMessage"].as_str().map(str::to_owned),
        Err(_) => Some(String::from_utf8_lossy(body).trim().to_owned()),
    };
    let message = message.filter(|message| !message.is_empty()).unwrap_or_else(|| status.to_string());
    TriggerFailure::Refused(message.chars().filter(|letter| !letter.is_control()).take(MAX_MESSAGE).collect())
}

impl std::fmt::Debug for TriggerEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TriggerEndpoint({})", self.address)
    }
}
