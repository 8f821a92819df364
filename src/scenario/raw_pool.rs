//! Parts of the raw form of a pool: first factors and custom challenges.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A first factor besides the password.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "FirstFactor")]
pub(super) enum RawFirstFactor {
    /// A code sent by e-mail.
    EmailOtp,
    /// A code sent to a phone.
    SmsOtp,
}

/// A challenge of `CUSTOM_AUTH`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the keys `challenge` and `answer`")]
#[schemars(rename = "CustomChallenge")]
pub(super) struct RawCustomChallenge {
    /// Name of the challenge: its parameter `challenge`, 1 to 64 characters.
    #[schemars(length(min = 1, max = 64))]
    pub(super) challenge: String,
    /// The right answer, 1 to 256 characters.
    #[schemars(length(min = 1, max = 256))]
    pub(super) answer: String,
}
