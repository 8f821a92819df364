//! The types of the Cognito user pools API, and the base types that the other crates share.
//!
//! This crate has identifiers ([`ids`]), operations and errors ([`protocol`]), constraints ([`model`]), pool
//! settings ([`policy`], [`schema`], [`addresses`]) and tokens ([`jwt`]). It also has one-time codes
//! ([`totp`]), words ([`boolean_word`]), time ([`time`]) and seeded random numbers ([`seed`]). It does no I/O
//! and decides nothing.
//!
//! ```
//! use poolproof_cognito::totp::{TotpSecret, step_at};
//! use poolproof_cognito::time::Timestamp;
//!
//! // A test vector of RFC 6238, shortened to six digits.
//! let secret = TotpSecret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
//! let now = Timestamp::from_us(59 * 1_000_000);
//! assert_eq!(secret.code(step_at(now)), "287082");
//! ```

pub mod addresses;
pub mod boolean_word;
pub mod ids;
pub mod jwt;
pub mod model;
pub mod policy;
pub mod protocol;
mod quota;
pub mod schema;
pub mod seed;
pub mod time;
pub mod totp;
mod user_settings;
pub mod wire;
