//! The types of the Cognito user pools API, and the base types that the other crates share.
//!
//! This crate has identifiers ([`ids`]), operations and errors ([`protocol`]), constraints ([`model`]), pool
//! settings ([`policy`], [`addresses`]) and tokens ([`jwt`]). It also has one-time codes ([`totp`]), time
//! ([`time`]) and seeded random numbers ([`seed`]). It does no I/O and decides nothing.

pub mod addresses;
pub mod ids;
pub mod jwt;
pub mod model;
pub mod policy;
pub mod protocol;
mod quota;
pub mod seed;
pub mod time;
pub mod totp;
mod user_settings;
pub mod wire;
