//! Responses and errors as HTTP status, headers and text.

use serde_json::{Map, Value, json};

use super::{parse_object, table};
use poolproof_cognito::protocol::{ApiError, ErrorKind, OperationResponse};
use poolproof_cognito::wire::to_value;

/// An encoded response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EncodedResponse {
    /// The HTTP status: 200, 400, or 500 for an internal error.
    pub status: u16,
    /// `x-amzn-ErrorType` (with a trailing colon) and `x-amzn-ErrorMessage` of an error.
    pub error: Option<(String, String)>,
    /// The body.
    pub body: String,
}

/// The reason why a response does not follow the protocol. It says nothing about the outcome of the request.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidResponse(pub String);

/// Encodes a response or an error for the wire.
pub fn encode_response(response: &Result<OperationResponse, ApiError>) -> EncodedResponse {
    match response {
        Ok(response) => {
            let body = match to_value(response) {
                // A response without fields.
                Value::Null => Value::Object(Map::new()),
                body => body,
            };
            EncodedResponse { status: 200, error: None, body: body.to_string() }
        }
        Err(error) => encode_error(error),
    }
}

fn encode_error(error: &ApiError) -> EncodedResponse {
    let kind = error.kind.as_str();
    let status = if error.kind == ErrorKind::InternalError { 500 } else { 400 };
    // A header is one line of printable ASCII. The body contains the whole message.
    let line = error.message.chars().take(512);
    let line = line.map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect();
    let body = json!({ "__type": kind, "message": error.message });
    EncodedResponse { status, error: Some((format!("{kind}:"), line)), body: body.to_string() }
}

/// Decodes the response to the operation of this name from its status, `x-amzn-ErrorType` and body.
///
/// A response that follows the protocol but has content that no pool may send becomes an error of kind
/// [`Other`](ErrorKind::Other). The run can then check it against the rules.
///
/// # Errors
///
/// The response is a server failure (5xx), a redirect, a web page, or otherwise not a response of the
/// protocol.
pub fn decode_response(
    name: &str,
    status: u16,
    error_type: Option<&str>,
    body: &[u8],
) -> Result<Result<OperationResponse, ApiError>, InvalidResponse> {
    if status == 429 {
        return Ok(Err(ApiError::too_many_requests()));
    }
    if !(200..500).contains(&status) || (300..400).contains(&status) {
        return Err(InvalidResponse(format!("HTTP status {status}")));
    }
    // Some endpoints send no body when a response has no fields.
    let body = if body.is_empty() && status < 300 { b"{}" } else { body };
    let Ok(body) = parse_object(body) else {
        return Err(InvalidResponse(format!("HTTP status {status} with a body that is no JSON object")));
    };
    if status >= 400 {
        return decode_error(status, error_type, &body).map(Err);
    }
    Ok(table::decode_response(name, &body).map_err(|error| {
        let message = format!("an answer to {name} that cannot be read: {error}");
        ApiError::new(ErrorKind::Other, message)
    }))
}

/// Names of exceptions that mean the same as `TooManyRequestsException`.
const THROTTLING: [&str; 3] = ["ThrottlingException", "Throttling", "RequestLimitExceeded"];

fn decode_error(status: u16, error_type: Option<&str>, body: &Value) -> Result<ApiError, InvalidResponse> {
    let text = |keys: [&str; 2]| keys.into_iter().find_map(|key| body.get(key)?.as_str());
    let Some(error_type) = text(["__type", "code"]).or(error_type) else {
        return Err(InvalidResponse(format!("HTTP status {status} without __type")));
    };
    // `com.amazonaws.cognitoidentityprovider#Name` and `Name:http://…` are other forms of `Name`.
    let name = error_type.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default();
    let message = text(["message", "Message"]).unwrap_or_default();
    Ok(match ErrorKind::from_name(name) {
        _ if THROTTLING.contains(&name) => ApiError::new(ErrorKind::TooManyRequests, message),
        Some(kind) => ApiError::new(kind, message),
        None => ApiError::new(ErrorKind::Other, format!("{name}: {message}")),
    })
}
