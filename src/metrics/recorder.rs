//! Records finished sign-ins: one recorder per playing thread.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::failure::Failures;

use super::watch::StoredWatch;
use super::{DueSignIn, MeasuredLoad, SignInCounts, SignInRecord, Snapshot, Summary, Watch, WorkerLoad};

/// Records finished sign-ins.
#[derive(Clone, Debug)]
pub struct Recorder {
    snapshot: Snapshot,
    watches: Vec<Watch>,
    /// The loads that ended before their planned time: workload and end.
    load_ends: Vec<(u16, Duration)>,
    /// The end of the last second that was closed.
    elapsed: Duration,
}

/// What a recorder has recorded, to be stored and merged with other parts of the run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredRecorder {
    snapshot: Snapshot,
    watches: Vec<StoredWatch>,
    load_ends: Vec<(u16, Duration)>,
    elapsed: Duration,
}

/// Live figures for a progress bar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiveStats {
    /// Finished sign-ins.
    pub started: u64,
    /// Completed ones.
    pub completed: u64,
    /// Refused ones.
    pub refused: u64,
    /// Abandoned ones and transport failures.
    pub failed: u64,
    /// Decisions that do not match their rules.
    pub mismatched: u64,
    /// 99th percentile of the latency so far; `None` below a hundred.
    pub p99: Option<Duration>,
    /// Sign-ins by result.
    pub ends: SignInCounts,
    /// Arrivals that could not start.
    pub dropped: u64,
    /// Judged decisions.
    pub checked: u64,
    /// Median and 90th percentile so far; `None` before the first sign-in.
    pub p50_p90: [Option<Duration>; 2],
    /// Failed requests by cause.
    pub failures: Failures,
}

impl StoredRecorder {
    /// Returns the finished sign-ins, warm-up included.
    pub const fn sign_ins(&self) -> u64 {
        self.snapshot.all.started
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// Creates an empty recorder.
    pub fn new() -> Self {
        Self::with_watches(Vec::new())
    }

    /// Creates an empty recorder with these watches.
    pub fn with_watches(watches: Vec<Watch>) -> Self {
        let (load_ends, elapsed) = (Vec::new(), Duration::ZERO);
        Self { snapshot: Snapshot::empty(), watches, load_ends, elapsed }
    }

    /// Distinguishes workloads, if there are several.
    pub fn with_workloads(self, count: usize) -> Self {
        Self { snapshot: Snapshot::with_workloads(count), ..self }
    }

    /// Sets the times of the load of the run and of each workload, where they are known. Rates then refer to
    /// them.
    pub fn with_loads(mut self, run: Option<MeasuredLoad>, workloads: &[Option<MeasuredLoad>]) -> Self {
        self.snapshot.set_loads(run, workloads);
        self.watches.iter_mut().for_each(|watch| watch.set_loads(run, workloads));
        self
    }

    /// Keeps what [`Self::stored`] needs, which grows with the length of the run if there are windows.
    pub fn with_history(mut self) -> Self {
        self.watches.iter_mut().for_each(Watch::keep_history);
        self
    }

    /// Returns what was recorded since [`Self::with_history`], to be stored.
    pub fn stored(&self) -> StoredRecorder {
        StoredRecorder {
            snapshot: self.snapshot.clone(),
            watches: self.watches.iter().map(Watch::stored).collect(),
            load_ends: self.load_ends.clone(),
            elapsed: self.elapsed,
        }
    }

    /// Adds what another part of the run recorded. [`Self::complete_merge`] ends the merge.
    ///
    /// # Errors
    ///
    /// `other` is of another scenario, or its sums do not agree.
    pub fn merge(&mut self, other: &StoredRecorder) -> Result<(), &'static str> {
        if !self.snapshot.can_merge(&other.snapshot) {
            return Err("its sums do not agree");
        }
        self.snapshot.merge(&other.snapshot);
        let same = self.watches.len() == other.watches.len();
        if !same || !self.watches.iter_mut().zip(&other.watches).all(|(watch, other)| watch.merge(other)) {
            return Err("it has other thresholds");
        }
        for (workload, at) in &other.load_ends {
            if !self.load_ends.contains(&(*workload, *at)) {
                self.end_load(*workload, *at);
            }
        }
        self.elapsed = self.elapsed.max(other.elapsed);
        Ok(())
    }

    /// Evaluates the windows of everything that was merged.
    pub fn complete_merge(&mut self) {
        self.watches.iter_mut().for_each(Watch::replay_history);
        self.tick(self.elapsed);
    }

    /// Records one finished sign-in.
    pub fn sign_in(&mut self, sign_in: &SignInRecord) {
        self.snapshot.record(sign_in);
        self.watches.iter_mut().for_each(|watch| watch.record(sign_in));
        // A complete `is_consistent` would take longer than the sign-in.
        debug_assert!(self.snapshot.all.is_consistent() && self.snapshot.measured.is_consistent());
    }

    /// Records an arrival that is due.
    pub fn due(&mut self, due: DueSignIn) {
        self.measured(due, Watch::record_due);
    }

    /// Records an arrival that could not start; it counts as offered.
    pub fn dropped(&mut self, due: DueSignIn) {
        self.snapshot.record_dropped(due);
        self.measured(due, Watch::record_dropped);
    }

    /// Records an arrival whose outcome is unknown because the run was canceled; it counts as offered.
    pub fn unfinished(&mut self, due: DueSignIn) {
        self.snapshot.unfinished(due);
        self.measured(due, Watch::unfinished);
    }

    fn measured(&mut self, due: DueSignIn, note: impl Fn(&mut Watch, DueSignIn)) {
        if !due.is_excluded() {
            self.watches.iter_mut().for_each(|watch| note(watch, due));
        }
    }

    /// Ends the load of this workload at a future time: windows end before it.
    pub fn end_load(&mut self, workload: u16, at: Duration) {
        self.load_ends.push((workload, at));
        self.watches.iter_mut().for_each(|watch| watch.end_load(workload, at));
    }

    /// Returns the loads that ended before their planned time, by workload, with their ends.
    pub fn load_ends(&self) -> &[(u16, Duration)] {
        &self.load_ends
    }

    /// Closes all seconds before `elapsed`.
    pub fn tick(&mut self, elapsed: Duration) {
        self.elapsed = self.elapsed.max(elapsed);
        self.snapshot.elapse(elapsed);
        self.watches.iter_mut().for_each(|watch| watch.tick(elapsed));
    }

    /// Ends a run that was not canceled: its load lasted to its end.
    pub fn complete(&mut self) {
        const LONGER_THAN_ANY_RUN: Duration = Duration::from_secs(1 << 32);
        self.snapshot.elapse(LONGER_THAN_ANY_RUN);
        self.watches.iter_mut().for_each(|watch| watch.elapse(LONGER_THAN_ANY_RUN));
    }

    /// Records the load of the worker threads since the last call.
    pub fn load(&mut self, elapsed: Duration, load: WorkerLoad) {
        self.snapshot.timeline.load(elapsed, load);
    }

    /// Returns the summary of everything so far, for reports and thresholds.
    pub const fn summary(&self) -> Summary<'_> {
        self.snapshot.summary()
    }

    /// Returns the watches in order.
    pub fn watches(&self) -> &[Watch] {
        &self.watches
    }

    /// Returns a copy of everything so far.
    pub fn snapshot(&self) -> Snapshot {
        debug_assert!(self.snapshot.is_consistent());
        self.snapshot.clone()
    }

    /// Returns everything and ends the recorder.
    pub fn into_snapshot(self) -> Snapshot {
        debug_assert!(self.snapshot.is_consistent());
        self.snapshot
    }

    /// Returns the bytes on the heap that can grow.
    pub fn heap_bytes(&self) -> usize {
        let watches: usize = self.watches.iter().map(Watch::heap_bytes).sum();
        self.snapshot.heap_bytes() + watches
    }

    /// Returns the live figures.
    pub fn live(&self) -> LiveStats {
        let all = &self.snapshot.all;
        let latency = |quantile| self.snapshot.intended.quantile_us(quantile).map(Duration::from_micros);
        LiveStats {
            started: all.started,
            completed: all.completed,
            refused: all.refused,
            failed: all.failed(),
            mismatched: self.snapshot.decisions.mismatched(),
            p99: latency(0.99),
            ends: *all,
            dropped: self.snapshot.unresolved.dropped,
            checked: self.snapshot.decisions.checked(),
            p50_p90: [0.5, 0.9].map(latency),
            failures: self.snapshot.failures.clone(),
        }
    }
}
