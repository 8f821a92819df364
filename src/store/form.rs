//! The encoding of records: JSON. A record with a missing or unknown field is refused.

use serde::Serialize;
use serde::de::DeserializeOwned;

use poolproof_cognito::wire::to_value;

/// Encodes a record.
pub fn encode(record: &impl Serialize) -> Vec<u8> {
    to_value(record).to_string().into_bytes()
}

/// Decodes a record; `None` if the bytes are not a record of this version.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok()
}
