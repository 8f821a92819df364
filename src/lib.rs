//! poolproof simulates and load-tests user pools that remember devices. It is such a pool, drives users and
//! devices, judges every sign-in against an independent table of rules, and measures it.
//!
//! Modules, from the command line down:
//!
//! | modules | subject |
//! |---|---|
//! | [`cli`] | arguments become work and an exit code |
//! | [`capacity`] | many runs: the highest rate that meets the objectives |
//! | [`run`], [`matrix`], [`advise`], [`compare`] | one run; every cell of the policy; surprises in settings; builds compared |
//! | [`locust`] | a worker of a Locust master |
//! | [`http`], [`report`] | AWS JSON 1.1 as server and client; the report in all its forms |
//! | [`actors`], [`store`] | conductor, users, devices and pool; the state file |
//! | [`endpoint`] | a session at an endpoint: its pool, the users created there, their deletion |
//! | [`scenario`], [`workload`], [`settings`], [`target`], [`compute`], [`metrics`], [`failure`] | what happens, when, where arithmetic runs, what is counted, why requests fail |
//! | [`poolproof_pool`], [`poolproof_client`], [`poolproof_oracle`] | pool, client and oracle, independent of each other |
//! | [`poolproof_srp`], [`poolproof_cognito`] | SRP; the API as types |
//! | [`clock`], [`control_groups`], [`input`], [`rounding`], [`text`] | clocks; quotas of the machine; reading files; numbers and text |
//!
//! One sign-in:
//!
//! ```text
//! scenarios/x.yaml ─▶ Scenario ─ + Seed ▶ Arrival ─▶ Conductor ─▶ User ─ SignIn::next ▶ Request
//!     ▶ Target ─▶ Pool::handle(now, request) ▶ Reply ▶ SignIn::next … ▶ Attempt
//!     Attempt + what the user knows ▶ Facts ▶ poolproof_oracle::judge ▶ Verdict
//!     Verdict + times ▶ Recorder ▶ Summary ▶ Report ▶ files, exit code
//! ```
//!
//! Start reading with [`poolproof_oracle`] for the rules, [`poolproof_pool`] for the pool, and [`run::run`]
//! for a run.

pub mod actors;
pub mod advise;
pub mod capacity;
pub mod cli;
pub mod clock;
pub mod compare;
pub mod compute;
pub mod control_groups;
pub mod endpoint;
pub mod failure;
pub mod http;
pub mod input;
pub mod locust;
pub mod matrix;
pub mod metrics;
pub mod report;
pub mod request_log;
pub mod rounding;
pub mod run;
pub mod scenario;
pub mod settings;
mod signals;
pub mod store;
pub mod target;
pub mod text;
pub mod workload;
