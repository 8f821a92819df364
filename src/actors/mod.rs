//! Motion: the conductor, the users, their devices and the pool, as actix actors on one thread.
//!
//! The actors decide nothing. What a user says is decided by [`poolproof_client`], what the pool answers by
//! [`poolproof_pool`], what was right by [`poolproof_oracle`]; the actors carry messages between them, wait, and keep count.
//!
//! ```text
//! Conductor ── SignIn ──▶ User ── Ask ──▶ Device          (the secret stays there)
//!     ▲                    │  ╲
//!     └── Settled ─────────┘   ╲── Target::call ──▶ Pool ── Compute
//! ```

mod administrator;
mod backoff;
mod conductor;
mod device;
mod drive;
mod errands;
mod guests;
mod idle;
mod ledger;
mod moving;
mod pool;
mod ports;
mod premises;
mod provision;
mod system;
mod user;

pub use administrator::{Administrator, Left, Unwelcome};
pub use conductor::{Conductor, Course, Cut, Desk, Finished, Interrupt, Observer, Pace, Progress, Pulse};
pub use guests::Guests;
pub use ledger::{seen, seen_by_then};
pub use moving::Visit;
pub use pool::{PoolActor, PoolTarget};
pub use ports::Ports;
pub use premises::Premises;
pub use provision::{Belongings, Newcomer, Resident, Setting, provision};
pub use system::system;
pub use user::User;
