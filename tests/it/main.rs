//! The integration tests. The first lines of each module describe what it tests.
//!
//! Comments in the tests of the pool refer to requirements by a letter and a number. The letter is the group:
//!
//! | group | modules |
//! |---|---|
//! | K public values | `crates/srp/tests/public_values.rs`, `pool_sign_in`; device verifiers: `pool_devices` |
//! | S sessions, claims, replays | `pool_replays`; S6: also `pool_transitions`; S9 (another client) and S13 (before success): `pool_sign_in` |
//! | D devices | `pool_devices`; D8 and D9 for users and administrators: `pool_device_calls`; D4, D7 and D14 between two steps: `pool_admin_changes` |
//! | M factors, risk, lock-out | M1–M7: `pool_factors`; M8: `pool_risk`; M9: `pool_lockout`, for unknown users `pool_users`; M10 is the limit in `pool_lockout` |
//! | E enumeration | `pool_users` |
//! | N names | `pool_users`; N4: `report`, `untrusted_text`, `matrix` and `advise` |
//! | SEMANTICS d, texts of refusals | `pool_sign_in`, `pool_tokens`, `pool_device_calls`; sessions: `pool_replays`; codes: `pool_factors` |
//!
//! Two cases cannot occur. A sent code never expires before its session (`ExpiredCodeException`), because
//! both are valid equally long. A Rust string cannot contain an unpaired surrogate (N1).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests report failures by panicking, also in helper functions"
)]

mod advise;
mod browser;
mod capacity;
mod cli;
mod client_responses;
mod codec;
mod compare;
mod compare_verdicts;
mod conformance;
mod defects;
mod fault_proxy;
mod field_reports;
mod field_reports_served;
mod formats;
mod golden;
mod import_cycles;
mod interop;
mod matrix;
mod memory;
mod metrics;
#[path = "../../benches/support/noise.rs"]
mod noise;
mod page;
mod page_layout;
mod page_values;
mod pool_accounts;
mod pool_admin_changes;
mod pool_clients;
mod pool_device_calls;
mod pool_devices;
mod pool_factors;
mod pool_fixture;
mod pool_histories;
mod pool_lockout;
mod pool_replays;
mod pool_requests;
mod pool_risk;
mod pool_sign_in;
mod pool_tokens;
mod pool_transitions;
mod pool_users;
mod provider;
mod provider_settings;
mod random_scenarios;
mod recipes;
mod report;
mod report_command;
mod run_fixture;
mod runs;
mod sample;
mod scenario_files;
mod serve;
#[cfg(unix)]
mod serve_shutdown;
mod server_process;
mod settings;
mod stall;
mod state;
mod state_files;
mod store;
mod target;
mod target_cli;
mod target_faults;
mod thresholds;
mod tidy;
mod untrusted_text;
mod watches;
mod workload;
mod workloads;
