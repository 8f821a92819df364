//! Takes finished sign-ins in: one recorder for each thread that plays them.

use std::time::Duration;

use super::{DueSignIn, SignInCounts, SignInRecord, Snapshot, Summary, Watch, WorkerLoad};

/// Records finished sign-ins.
#[derive(Clone, Debug)]
pub struct Recorder {
    snapshot: Snapshot,
    watches: Vec<Watch>,
}

/// How a run is going, for a progress bar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LiveStats {
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
    /// Sign-ins by how they ended.
    pub ends: SignInCounts,
    /// Those that could not start when they were meant to.
    pub dropped: u64,
    /// Decisions that were held against a rule.
    pub checked: u64,
    /// Median and 90th percentile of the latency so far; `None` until there is one.
    pub p50_p90: [Option<Duration>; 2],
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// A recorder that has seen nothing.
    pub fn new() -> Self {
        Self::with_watches(Vec::new())
    }

    /// A recorder that has seen nothing, with these watches.
    pub fn with_watches(watches: Vec<Watch>) -> Self {
        Self { snapshot: Snapshot::empty(), watches }
    }

    /// The same, of a run with so many workloads: where these are several, it tells them apart.
    pub fn with_workloads(self, count: usize) -> Self {
        Self { snapshot: Snapshot::with_workloads(count), ..self }
    }

    /// Puts one finished sign-in in.
    pub fn sign_in(&mut self, sign_in: &SignInRecord) {
        self.snapshot.record(sign_in);
        self.watches.iter_mut().for_each(|watch| watch.record(sign_in));
        // The whole of `is_consistent` would take longer than the sign-in.
        debug_assert!(self.snapshot.all.is_consistent() && self.snapshot.measured.is_consistent());
    }

    /// Notes that a sign-in is due.
    pub fn due(&mut self, due: DueSignIn) {
        self.measured(due, Watch::record_due);
    }

    /// Notes that it could not start when it was meant to: it was offered all the same.
    pub fn dropped(&mut self, due: DueSignIn) {
        self.snapshot.record_dropped(due);
        self.measured(due, Watch::record_dropped);
    }

    /// Notes that it had not ended when the run was cut short: it was offered, and how it would have ended is not known.
    pub fn unfinished(&mut self, due: DueSignIn) {
        self.snapshot.unfinished(due);
        self.measured(due, Watch::unfinished);
    }

    fn measured(&mut self, due: DueSignIn, note: impl Fn(&mut Watch, DueSignIn)) {
        if !due.is_excluded() {
            self.watches.iter_mut().for_each(|watch| note(watch, due));
        }
    }

    /// No more sign-ins of this workload are due from a moment on, which is not over yet: windows end before it.
    pub fn end_load(&mut self, workload: u16, at: Duration) {
        self.watches.iter_mut().for_each(|watch| watch.end_load(workload, at));
    }

    /// It is `elapsed` since the start of the run: whatever seconds are over, are over.
    pub fn tick(&mut self, elapsed: Duration) {
        self.watches.iter_mut().for_each(|watch| watch.tick(elapsed));
    }

    /// Notes what the run's worker threads had to do up to `elapsed`, since it was last noted.
    pub fn load(&mut self, elapsed: Duration, load: WorkerLoad) {
        self.snapshot.timeline.load(elapsed, load);
    }

    /// What can be asked of everything seen so far: what reports tell, and what thresholds are to judge.
    pub const fn summary(&self) -> Summary<'_> {
        self.snapshot.summary()
    }

    /// The watches, in their order.
    pub fn watches(&self) -> &[Watch] {
        &self.watches
    }

    /// Everything seen so far.
    pub fn snapshot(&self) -> Snapshot {
        debug_assert!(self.snapshot.is_consistent());
        self.snapshot.clone()
    }

    /// Everything seen; the recorder is done.
    pub fn into_snapshot(self) -> Snapshot {
        debug_assert!(self.snapshot.is_consistent());
        self.snapshot
    }

    /// Bytes on the heap, as far as they can come to be more.
    pub fn heap_bytes(&self) -> usize {
        let watches: usize = self.watches.iter().map(Watch::heap_bytes).sum();
        self.snapshot.heap_bytes() + watches
    }

    /// How it is going.
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
        }
    }
}
