//! Records finished sign-ins: one recorder per playing thread.

use std::time::Duration;

use crate::failure::Failures;

use super::{DueSignIn, MeasuredLoad, SignInCounts, SignInRecord, Snapshot, Summary, Watch, WorkerLoad};

/// Records finished sign-ins.
#[derive(Clone, Debug)]
pub struct Recorder {
    snapshot: Snapshot,
    watches: Vec<Watch>,
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
        Self { snapshot: Snapshot::empty(), watches }
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
        self.watches.iter_mut().for_each(|watch| watch.end_load(workload, at));
    }

    /// Closes all seconds before `elapsed`.
    pub fn tick(&mut self, elapsed: Duration) {
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
