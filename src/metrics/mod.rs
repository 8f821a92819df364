//! What was measured: a [`Recorder`] takes finished sign-ins in, a [`Snapshot`] holds them, a [`Summary`] answers questions.
//!
//! Nothing here grows with the length of a run: latencies go into HDR histograms, the course of the run into at most
//! [`Timeline::MOST`] intervals, and of the mismatches only the first [`Decisions::KEPT`] are kept in full, though all
//! are counted; a [`Watch`] keeps as much as its windows are long. Two snapshots merge without loss: the result is what one recorder would have seen.

mod aim;
mod cases;
mod counts;
mod decisions;
mod ends;
mod figure;
mod latencies;
mod record;
mod recorder;
mod sliding;
mod snapshot;
mod summary;
mod tally;
mod timeline;
mod watch;
mod window;

pub use aim::{Aim, Seen, Span, Windows, Worse, joined};
pub use cases::{Case, Cases, Decided};
pub use counts::Counts;
pub use decisions::{Cell, Decisions, Mismatch, RuleCount};
pub use ends::{SignIns, Unended};
pub use figure::{Counted, Figure, Timed};
pub use latencies::Latencies;
pub use record::{Due, End, SignInRecord};
pub use recorder::{Live, Recorder};
pub use snapshot::Snapshot;
pub use summary::Summary;
pub use tally::Tally;
pub use timeline::{Interval, Load, Timeline};
pub use watch::Watch;
