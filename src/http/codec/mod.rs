//! AWS JSON 1.1: encodes and decodes requests and responses.
//!
//! The text of a request is untrusted. Decoding has bounds: at most [`MAX_BODY`] bytes, [`MAX_DEPTH`] levels
//! and [`MAX_VALUES`] values. Unknown keys are ignored, and null counts as absent. Duplicate keys are
//! refused, because two parsers could use different values. Values are checked against the constraints of the
//! API model, and fields that are not simulated are refused.

mod response;
mod table;

use serde_json::Value;

use poolproof_cognito::protocol::{ApiError, ErrorKind};
use poolproof_cognito::wire::{Limits, ParseErrorKind, parse};

pub use response::{EncodedResponse, InvalidResponse, decode_response, encode_response};
pub use table::{OPERATIONS, decode, decode_with_unsimulated, encode};

/// The content type of requests and responses.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The prefix of the operation name in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "AWSCognitoIdentityProviderService.";

/// Maximum size of a request in bytes.
pub const MAX_BODY: usize = 128 * 1024;

/// Maximum nesting depth of a request. Valid requests need at most 5.
pub const MAX_DEPTH: usize = 16;

/// Maximum number of values in a request.
pub const MAX_VALUES: usize = 4096;

/// Maximum number of keys in a parameter map and of values in a list. The longest lists of the API model are
/// those of address ranges.
pub const MAX_ENTRIES: usize = 200;

/// Maximum size of a response in bytes that a client reads. A page of the longest list exceeds it only if
/// each user has more than about 8 kilobytes of attributes. Up to 128 kilobytes are possible. A longer
/// response counts as no response.
pub const MAX_RESPONSE: usize = 512 * 1024;

/// Parses a JSON object within the limits.
fn parse_object(body: &[u8]) -> Result<Value, ApiError> {
    let message = match parse(body, Limits { depth: MAX_DEPTH, values: MAX_VALUES }) {
        Ok(object @ Value::Object(_)) => return Ok(object),
        Ok(_) => "The request is not a structure.".to_owned(),
        Err(error) => match error.kind {
            ParseErrorKind::Syntax => "The request is not JSON text.".to_owned(),
            ParseErrorKind::DuplicateKey(key) => {
                format!("Field '{}' is given twice.", key.chars().take(64).collect::<String>())
            }
            ParseErrorKind::TooDeep => format!("The request is nested deeper than {MAX_DEPTH} levels."),
            ParseErrorKind::TooManyValues => format!("The request has more than {MAX_VALUES} values."),
        },
    };
    Err(ApiError::new(ErrorKind::Serialization, message))
}
