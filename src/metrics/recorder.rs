//! Takes finished sign-ins in: one recorder for each thread that plays them.

use std::time::Duration;

use super::{SignInRecord, Snapshot};

/// Records finished sign-ins.
#[derive(Clone, Debug)]
pub struct Recorder(Snapshot);

/// How a run is going, for a progress bar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Live {
    /// Sign-ins that have come to an end.
    pub started: u64,
    /// Those with tokens.
    pub completed: u64,
    /// Those refused.
    pub refused: u64,
    /// Those abandoned or failed on the way.
    pub failed: u64,
    /// Decisions that differ from what their rules ask.
    pub mismatched: u64,
    /// 99th percentile of the latency so far; `None` until there are a hundred.
    pub p99: Option<Duration>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// A recorder that has seen nothing.
    pub fn new() -> Self {
        Self(Snapshot::empty())
    }

    /// A recorder that has seen nothing, of a run with so many workloads: where these are several, it tells them apart.
    pub fn of_workloads(count: usize) -> Self {
        Self(Snapshot::of_workloads(count))
    }

    /// Puts one finished sign-in in.
    pub fn sign_in(&mut self, sign_in: &SignInRecord) {
        self.0.record(sign_in);
        // The whole of `add_up` would take longer than the sign-in.
        debug_assert!(self.0.all.add_up() && self.0.measured.add_up());
    }

    /// Notes a sign-in of a workload, to be measured, that could not start when it was meant to: it was offered all the same.
    pub fn missed(&mut self, workload: u16, intended: Duration) {
        self.0.miss(workload, intended);
    }

    /// Everything seen so far.
    pub fn snapshot(&self) -> Snapshot {
        debug_assert!(self.0.add_up());
        self.0.clone()
    }

    /// Everything seen; the recorder is done.
    pub fn into_snapshot(self) -> Snapshot {
        debug_assert!(self.0.add_up());
        self.0
    }

    /// How it is going.
    pub fn live(&self) -> Live {
        let all = &self.0.all;
        Live {
            started: all.started,
            completed: all.completed,
            refused: all.refused,
            failed: all.failed(),
            mismatched: self.0.decisions.mismatched(),
            p99: self.0.intended.quantile_us(0.99).map(Duration::from_micros),
        }
    }
}
