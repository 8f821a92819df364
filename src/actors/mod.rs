//! Conductor, users, devices and pool as actix actors on one thread.
//!
//! Actors decide nothing. [`poolproof_client`] decides what a user sends, [`poolproof_pool`] what the pool
//! answers, and [`poolproof_oracle`] what was right. Actors pass messages, wait and count.
//!
//! ```text
//! Conductor ── SignIn ──▶ User ── Ask ──▶ Device          (the secret stays there)
//!     ▲                    │  ╲
//!     └── SignInResult ─────────┘   ╲── Target::call ──▶ Pool ── Compute
//! ```

mod conductor;
mod context;
mod device;
mod drain;
mod driver;
mod idle;
mod planned;
mod pool;
mod provision;
mod run_context;
mod system;
mod token_actions;
mod user;
mod user_setup;
mod user_state;

pub use conductor::{Conductor, Interrupt};
pub use context::UserContext;
pub use drain::Drain;
pub use planned::{PlanLog, PlannedSignIn, PlannedStart, Wait};
pub use pool::{PoolActor, PoolTarget};
pub use provision::{NewUser, ProvisionConfig, TestUser, UserCredentials, provision};
pub use run_context::{
    ArrivalCounts, Finished, LiveSchedule, LoadUpdate, Observer, RunContext, RunProgress, Schedule,
    SnapshotReader, ThresholdAbort, Tick,
};
pub use system::system;
pub use user::{StartedUser, User};
pub use user_setup::SignInVariation;
pub use user_state::{observed_decision_given, seen};
