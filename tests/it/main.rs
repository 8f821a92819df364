//! The promises of the house, one module each.
//!
//! What a pool must refuse is listed in groups (ASSURANCE section 4); a test says the row that it is for.
//! Which file holds what:
//!
//! | group | where |
//! |---|---|
//! | K numbers | `crates/srp/tests/public_values.rs`, `pool_sign_in`, `pool_devices` for verifiers of devices |
//! | S sessions, claims, replays | `pool_replays`; S6 `pool_transitions` too; S9 another client and S13 before success `pool_sign_in` |
//! | D devices | `pool_devices`; D8 and D9 from users and administrators `pool_device_calls`; D4, D7 and D14 between two steps `pool_between` |
//! | M factors, risk, lock-out | M1–M7 `pool_factors`, M8 `pool_risk`, M9 `pool_lockout` and, of strangers, `pool_users`; M10 is the bound in `pool_lockout` |
//! | E enumeration | `pool_users` |
//! | N names | `pool_users`; N4 `report`, `foreign_text`, `matrix` and `advise` |
//! | SEMANTICS d, texts of refusals | `pool_sign_in`, `pool_tokens`, `pool_device_calls`; each session's in `pool_replays`; codes in `pool_factors` |
//!
//! Not reachable: a sent code that is expired (`ExpiredCodeException`), since it lives exactly as long as its
//! session, and an unpaired surrogate (N1), which no text of this program can hold.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test tells what it found, in the functions that tests share too"
)]

/// What surprises in a pool's settings is told, counted, and nothing else is.
mod advise;
/// A Chromium to look at pages with.
mod browser;
/// How much a pool takes: found where theory says it lies, and what is said where there is nothing to find.
mod capacity;
/// The command says what it should, and ends as it should.
mod cli;
/// Answers are read as they were written.
mod client_responses;
/// Requests and answers as AWS JSON 1.1.
mod codec;
/// Two sets of reports, or two commands in pairs: refused, equal, or told apart.
mod compare;
/// What pairs of runs prove, and how it is told.
mod compare_verdicts;
/// Which rules an endpoint follows is told.
mod conformance;
/// Planted faults are found, and named by the right rule.
mod defects;
/// A detour to a served pool, on which something may happen to requests.
mod fault_proxy;
mod field_reports;
mod field_reports_served;
/// Every form of a report tells the same, and is read by others' tools.
mod formats;
/// The bundled scenarios come out as committed.
mod golden;
/// No module imports a module that imports it back.
mod import_cycles;
/// Stock clients sign in.
mod interop;
/// The matrix is complete, is what the pool does, and says what changed; a decision is explained as it is
/// taken.
mod matrix;
/// What a run holds does not grow with its length.
mod memory;
/// Merged snapshots are what one recorder would have seen, and their sums hold.
mod metrics;
/// What experiments on a noisy machine say.
#[path = "../../benches/support/noise.rs"]
mod noise;
/// Every number on the page is one of report.json's.
mod page;
/// The page looks as it should on every screen, and its script does what it says.
mod page_layout;
/// The numbers of report.json are on the page in their places.
mod page_values;
/// Users: made, signed up, changed, disabled, removed; by themselves and by administrators.
mod pool_accounts;
/// What an administrator does between two steps of a sign-in is judged at the next.
mod pool_admin_changes;
/// App clients of one pool, and pools of one issuer: none can go on with what another began.
mod pool_clients;
/// The operations on devices: refusals, pages, and who sees what.
mod pool_device_calls;
/// Devices in sign-ins: who is trusted, and when that is judged.
mod pool_devices;
/// Second factors: codes, choice, set-up, and lock-outs.
mod pool_factors;
/// A small world to try a pool in.
mod pool_fixture;
/// Random histories break no promise.
mod pool_histories;
/// Lock-outs: how many failures, for how long, and what ends them.
mod pool_lockout;
/// Nothing that was answered, stolen, swapped or late moves a sign-in.
mod pool_replays;
/// Requests as clients write them, and how answers are read.
mod pool_requests;
/// Threat protection: lists of addresses, compromised passwords, the estimate.
mod pool_risk;
/// The way in: field names, refusals with their texts, and what real clients are forgiven.
mod pool_sign_in;
/// Refresh tokens and the end of tokens.
mod pool_tokens;
/// Every answer in every state of a sign-in.
mod pool_transitions;
/// Who may sign in how, and what a stranger learns.
mod pool_users;
/// Several pools under one roof.
mod provider;
/// Settings of pools and clients that are given by requests are kept, told and applied, and nothing grows
/// without bound.
mod provider_settings;
/// A sound pool is never found wrong, whatever the scenario.
mod random_scenarios;
/// What the README says to write into a CI's file works there.
mod recipes;
/// Page, terminal and report.json tell the same, and nothing from outside becomes more than text.
mod report;
/// `poolproof report`, folders of scenarios, and what tells of all runs together.
mod report_command;
/// What the tests of whole runs share.
mod run_fixture;
/// Whole runs add up and can be replayed.
mod runs;
/// A run as a recorder sees it, drawn from a seed.
mod sample;
/// Scenario files are parsed, or refused with position and reason.
mod scenario_files;
/// The pool over HTTP: whatever is sent, it is answered or let go of.
mod serve;
/// `serve` is told to end: once in order, twice at once.
#[cfg(unix)]
mod serve_shutdown;
/// A pool that is served, in a process of its own.
mod server_process;
/// A pool's settings are read from a scenario or from AWS's own JSON, or refused with the place.
mod settings;
/// A target that stops for a while is seen by all who were to come meanwhile.
mod stall;
/// What was answered is kept, whenever the process ends, and a bad file is refused and left as it is.
mod state;
/// A file of state is made whole, is its owner's alone, and nothing else is written to.
mod state_files;
/// Records are what was written down, and an account made of them behaves as the one that was.
mod store;
/// A run at an endpoint is judged like any other, and what gives no answer is not.
mod target;
/// A run at a target as people type it, and one that is watched.
mod target_cli;
/// A run at endpoints that decide too early, are too busy, or keep what was made.
mod target_faults;
/// Thresholds with windows and selectors; a failed one can stop the run.
mod thresholds;
/// Words, line lengths, file sizes, references.
mod tidy;
/// Text from outside stays text in every form of a report.
mod untrusted_text;
/// Watches have the values of the records in their windows, and store only these.
mod watches;
/// The same scenario and seed give the same users and sign-ins.
mod workload;
mod workloads;
