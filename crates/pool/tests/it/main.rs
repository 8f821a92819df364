//! Tests of the pool without a server. The first lines of each module describe what it tests.
//!
//! Two cases cannot occur. A sent code never expires before its session (`ExpiredCodeException`), because
//! both are valid equally long. A Rust string cannot contain an unpaired surrogate.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests report failures by panicking, also in helper functions"
)]

mod accounts;
mod admin_changes;
mod attributes;
mod choice;
mod clients;
mod codes;
mod credentials;
mod custom_auth;
mod device_calls;
mod devices;
mod events;
mod factors;
mod field_reports;
mod field_reports_histories;
mod fixture;
mod groups;
mod hidden_users;
mod histories;
mod lockout;
mod memory;
mod mfa_switches;
mod new_password;
mod parallel;
mod parallel_requests;
mod pending_steps;
mod pool_settings;
mod races;
mod recovery;
mod replays;
mod requests;
mod risk;
mod rotation;
mod schema;
mod sign_in;
mod software_token;
mod tokens;
mod transitions;
mod trigger_requests;
mod user_attributes;
mod users;
