//! poolproof simulates and load-tests user pools that remember devices. It is such a pool, drives users and
//! devices, judges every sign-in against an independent table of rules, and measures it.
//!
//! Modules, from the command line down:
//!
//! | modules | subject |
//! |---|---|---|
//! | 8 threshold | [`cli`] | what is typed becomes work, its end an exit code |
//! | 7 search | [`capacity`] | many runs: the rate up to which an objective holds |
//! | 6 weave | [`run`], [`matrix`], [`advise`], [`compare`] | scenario → workload → actors → report; every cell; what settings do to users; one build beside another |
//! | 5 doors | [`http`], [`report`] | AWS JSON 1.1 for stock clients; one report: JSON, page, terminal |
//! | 4 motion | [`actors`], [`pair`], [`store`] | conductor, users, devices, pool; or one pool and one client, driven by hand; what is kept on the disk |
//! | 3 plans, ports, instruments | [`scenario`], [`workload`], [`target`], [`compute`], [`metrics`], [`provider`] | what is to happen, where it goes, where arithmetic runs, what is counted |
//! | 2 machines and judge | [`pool`], [`client`], [`oracle`] | none of the three knows another |
//! | 1 proof and protocol | [`srp`], [`totp`], [`jwt`], [`protocol`] | numbers and bytes; Cognito's operations as types |
//! | 0 words | [`clock`], [`seed`], [`rounding`], [`ids`], [`addresses`], [`policy`], [`input`] | time, chance, numbers, names, settings; files of strangers |
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
pub mod harness;
pub mod http;
pub mod input;
pub mod matrix;
pub mod metrics;
pub mod report;
pub mod rounding;
pub mod run;
pub mod scenario;
pub mod settings;
pub mod store;
pub mod target;
pub mod text;
pub mod workload;
