//! poolproof proves user pools that remember devices: it *is* one, *plays* its users and their devices, *judges* every
//! sign-in against an independent table of rules, and *measures* it.
//!
//! The house has floors, and a module may look only at floors below its own (a test sees to it):
//!
//! | floor | modules | what is there |
//! |---|---|---|
//! | 8 threshold | [`cli`] | what is typed becomes work, its end an exit code |
//! | 7 search | [`capacity`] | many runs: the rate up to which an objective holds |
//! | 6 weave | [`run`], [`matrix`], [`advise`], [`compare`] | scenario → workload → actors → report; every cell; what settings do to users; one build beside another |
//! | 5 doors | [`http`], [`report`] | AWS JSON 1.1 for stock clients; one report: JSON, page, terminal |
//! | 4 motion | [`actors`], [`pair`], [`store`] | conductor, users, devices, pool; or one pool and one client, driven by hand; what is kept on the disk |
//! | 3 plans, ports, instruments | [`scenario`], [`workload`], [`target`], [`compute`], [`metrics`], [`provider`] | what is to happen, where it goes, where arithmetic runs, what is counted |
//! | 2 machines and judge | [`pool`], [`client`], [`oracle`] | none of the three knows another |
//! | 1 proof and protocol | [`srp`], [`totp`], [`jwt`], [`protocol`] | numbers and bytes; Cognito's operations as types |
//! | 0 words | [`clock`], [`seed`], [`digits`], [`ids`], [`addresses`], [`policy`], [`input`] | time, chance, numbers, names, settings; files of strangers |
//!
//! One sign-in goes this way:
//!
//! ```text
//! scenarios/x.yaml ─▶ Scenario ─ + Seed ▶ Arrival ─▶ Conductor ─▶ User ─ SignIn::next ▶ Request
//!     ▶ Target ─▶ Pool::handle(now, request) ▶ Reply ▶ SignIn::next … ▶ Attempt
//!     Attempt + what the user knows ▶ Facts ▶ poolproof_oracle::judge ▶ Verdict
//!     Verdict + times ▶ Recorder ▶ Summary ▶ Report ▶ files, exit code
//! ```
//!
//! Where to start reading: [`oracle`] for what is asked of a pool, [`pool`] for one that does it, [`client`] for who
//! comes to it, [`run::run`] for how they meet.

pub mod actors;
pub mod advise;
pub mod capacity;
pub mod cli;
pub mod clock;
pub mod compare;
pub mod compute;
pub mod digits;
pub mod harness;
pub mod http;
pub mod input;
pub mod matrix;
pub mod metrics;
pub mod report;
pub mod run;
pub mod scenario;
pub mod settings;
pub mod store;
pub mod target;
pub mod workload;
