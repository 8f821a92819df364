//! The Cognito user pools API as types, and the base types that the other crates share.
//!
//! This crate knows names ([`ids`]), operations and errors ([`protocol`]), pool settings ([`policy`],
//! [`addresses`]), tokens ([`jwt`]), one-time codes ([`totp`]), time ([`time`]) and seeded random numbers
//! ([`seed`]). It does no I/O and makes no decision.

pub mod addresses;
pub mod ids;
pub mod jwt;
pub mod policy;
pub mod protocol;
pub mod seed;
pub mod time;
pub mod totp;
