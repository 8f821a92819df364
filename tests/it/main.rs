//! The integration tests. The first lines of each module describe what it tests. Those of the pool alone are
//! in `crates/pool/tests`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests report failures by panicking, also in helper functions"
)]

mod advise;
mod attacks;
mod attacks_memory;
mod browser;
mod capacity;
mod ci_readers;
mod ci_results;
mod cli;
mod client_responses;
mod codec;
mod compare;
mod compare_verdicts;
mod conformance;
mod connection_shares;
mod constraints;
mod defects;
mod described_pools;
mod drain;
mod failure_causes;
mod fault_proxy;
mod field_reports_served;
mod field_reports_settings;
mod formats;
mod golden;
mod import_cycles;
mod interop;
mod issuer;
mod load_reports;
#[cfg(unix)]
mod locust;
#[cfg(unix)]
mod locust_master;
mod matrix;
mod matrix_switches;
mod memory;
mod metrics;
#[path = "../../benches/support/noise.rs"]
mod noise;
mod packaging;
mod page;
mod page_layout;
mod page_values;
mod peers;
mod provider;
mod provider_accounts;
mod provider_settings;
mod quotas;
mod random_scenarios;
mod recipes;
mod report;
mod report_command;
mod request_logs;
mod run_fixture;
mod run_output;
mod run_pages;
mod runs;
mod sample;
mod scenario_files;
mod scenario_input;
mod serve;
#[cfg(unix)]
mod serve_shutdown;
mod serve_triggers;
mod serve_web;
mod server_process;
mod settings;
mod shards;
mod shards_cli;
mod sources;
mod stall;
mod state;
mod state_files;
mod state_timing;
mod store;
mod target;
mod target_cli;
mod target_failures;
mod target_faults;
mod target_settings;
mod target_tls;
mod thresholds;
mod tidy;
mod untrusted_text;
mod watches;
mod workload;
mod workloads;
