//! AWS JSON 1.1: requests and answers as text, and text as requests.
//!
//! The text of a request is untrusted. It is read in bounded work and room: at most [`MAX_BODY`] bytes,
//! [`MAX_DEPTH`] levels and [`MAX_VALUES`] values; keys that nobody knows are ignored, null is the same as
//! absent, and a key that is said twice is refused, since two readers could take different ones (ASSURANCE
//! W1, W2). What the words mean is for the pool to find out.

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

/// The content type of requests and answers.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// What stands before the operation's name in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "AWSCognitoIdentityProviderService.";

/// Bytes of an answer that are read at most. A page of the longest list has less unless its users have
/// attributes of eight kilobytes each; 128 are possible. One that has more is no answer to a client here, as
/// if nothing had come.
pub const MAX_ANSWER: usize = 512 * 1024;

/// A map of parameters has at most this many keys, and a list this many values.
pub const MAX_ENTRIES: usize = 64;
