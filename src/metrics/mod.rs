//! What was measured: a [`Recorder`] takes finished sign-ins in, a [`Snapshot`] holds them, a [`Summary`] answers questions.
//!
//! Nothing here grows with the length of a run: latencies go into HDR histograms, the course of the run into at most
//! [`Timeline::MOST`] intervals, and of the mismatches only the first [`Decisions::KEPT`] are kept in full, though all
//! are counted. Two snapshots merge without loss: the result is what one recorder would have seen.

mod decisions;
mod latencies;
mod load;
mod record;
mod recorder;
mod snapshot;
mod summary;
mod timeline;

pub use decisions::{Cell, Decisions, Mismatch, RuleCount};
pub use latencies::Latencies;
pub use load::Load;
pub use record::{End, SignInRecord};
pub use recorder::{Live, Recorder};
pub use snapshot::{SignIns, Snapshot};
pub use summary::Summary;
pub use timeline::{Interval, Timeline};
