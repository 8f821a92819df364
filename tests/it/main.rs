//! The integration tests. The first lines of each module describe what it tests.
//!
//! Two cases cannot occur. A sent code never expires before its session (`ExpiredCodeException`), because
//! both are valid equally long. A Rust string cannot contain an unpaired surrogate.

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
mod constraints;
mod defects;
mod described_pools;
mod fault_proxy;
mod field_reports;
mod field_reports_served;
mod formats;
mod golden;
mod import_cycles;
mod interop;
mod issuer;
mod matrix;
mod memory;
mod metrics;
#[path = "../../benches/support/noise.rs"]
mod noise;
mod page;
mod page_layout;
mod page_values;
mod peers;
mod pool_accounts;
mod pool_admin_changes;
mod pool_attributes;
mod pool_choice;
mod pool_clients;
mod pool_credentials;
mod pool_custom_auth;
mod pool_device_calls;
mod pool_devices;
mod pool_events;
mod pool_factors;
mod pool_fixture;
mod pool_groups;
mod pool_histories;
mod pool_lockout;
mod pool_recovery;
mod pool_replays;
mod pool_requests;
mod pool_risk;
mod pool_sign_in;
mod pool_tokens;
mod pool_transitions;
mod pool_users;
mod provider;
mod provider_accounts;
mod provider_settings;
mod quotas;
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
mod serve_triggers;
mod server_process;
mod settings;
mod sources;
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
