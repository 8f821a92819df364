//! Measurements: a [`Recorder`] records finished sign-ins, a [`Snapshot`] stores them, a [`Summary`] answers
//! questions.
//!
//! Nothing here grows with the length of a run. Latencies go into HDR histograms, the timeline has at most
//! [`Timeline::MAX_INTERVALS`] intervals, only the first [`Decisions::MAX_KEPT_MISMATCHES`] mismatches are
//! kept in full, and a [`Watch`] keeps its windows. Two snapshots merge without loss.

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
mod stored_decisions;
mod summary;
mod timeline;
mod totals;
mod watch;
mod watch_spec;

pub use cases::{CaseKey, Cases, DecisionCount};
pub use decisions::{ConfusionCell, Decisions, Mismatch, RuleCount};
pub use latencies::Latencies;
pub use rate_window::MeasuredLoad;
pub use record::{DueSignIn, SignInRecord, SignInStatus};
pub use recorder::{LiveStats, Recorder, StoredRecorder};
pub use sign_in_counts::{SignInCounts, UnresolvedCounts};
pub use snapshot::Snapshot;
pub use sparse_histogram::SparseHistogram;
pub use statistic::{Counter, Statistic, Timing};
pub use summary::Summary;
pub use timeline::{Interval, Timeline, WorkerLoad};
pub use totals::WorkloadTotals;
pub use watch::Watch;
pub use watch_spec::{LoadSpan, WatchSpec, WindowSpec, WindowValue, WorseDirection, merged_spans};
