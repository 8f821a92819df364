//! What was measured: a [`Recorder`] takes finished sign-ins in, a [`Snapshot`] holds them, a [`Summary`] answers questions.
//!
//! Nothing here grows with the length of a run: latencies go into HDR histograms, the course of the run into at most
//! [`Timeline::MAX_INTERVALS`] intervals, and of the mismatches only the first [`Decisions::MAX_KEPT_MISMATCHES`] are kept in full, though all
//! are counted; a [`Watch`] keeps as much as its windows are long. Two snapshots merge without loss: the result is what one recorder would have seen.

mod cases;
mod decisions;
mod latencies;
mod rate_window;
mod record;
mod recorder;
mod sign_in_counts;
mod sliding_window;
mod snapshot;
mod sparse_histogram;
mod statistic;
mod summary;
mod timeline;
mod totals;
mod watch;
mod watch_spec;

pub use cases::{CaseKey, Cases, DecisionCount};
pub use decisions::{ConfusionCell, Decisions, Mismatch, RuleCount};
pub use latencies::Latencies;
pub use record::{DueSignIn, SignInRecord, SignInStatus};
pub use recorder::{LiveStats, Recorder};
pub use sign_in_counts::{SignInCounts, UnresolvedCounts};
pub use snapshot::Snapshot;
pub use sparse_histogram::SparseHistogram;
pub use statistic::{Counter, Statistic, Timing};
pub use summary::Summary;
pub use timeline::{Interval, Timeline, WorkerLoad};
pub use totals::WorkloadTotals;
pub use watch::Watch;
pub use watch_spec::{LoadSpan, WatchSpec, WindowSpec, WindowValue, WorseDirection, merged_spans};
