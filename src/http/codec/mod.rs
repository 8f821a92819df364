//! AWS JSON 1.1: encodes requests and responses, and decodes requests.
//!
//! The text of a request is untrusted. Decoding has bounds: at most [`MAX_BODY`] bytes, [`MAX_DEPTH`] levels
//! and [`MAX_VALUES`] values. Unknown keys are ignored, and null counts as absent. Duplicate keys are
//! refused, because two parsers could use different values. The pool validates the values.

mod account;
mod answer;
mod form;
mod json;
mod manage;
mod shapes;
mod sign_in;
mod table;

pub use answer::{InvalidResponse, Wire, decode_answer, encode_answer};
pub use json::{MAX_BODY, MAX_DEPTH, MAX_VALUES};
pub use table::{OPERATIONS, decode, encode};

/// The content type of requests and responses.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The prefix of the operation name in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "AWSCognitoIdentityProviderService.";

/// Maximum size of a response in bytes that a client reads. A page of the longest list exceeds it only if
/// each user has more than about 8 kilobytes of attributes. Up to 128 kilobytes are possible. A longer
/// response counts as no response.
pub const MAX_ANSWER: usize = 512 * 1024;

/// Maximum number of keys in a parameter map and of values in a list.
pub const MAX_ENTRIES: usize = 64;
