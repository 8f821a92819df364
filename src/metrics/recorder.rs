//! Takes finished sign-ins in: one recorder for each thread that plays them.

use std::time::Duration;

use super::{Load, SignInRecord, SignIns, Snapshot, Summary, Watch};

/// Records finished sign-ins.
#[derive(Clone, Debug)]
pub struct Recorder {
    snapshot: Snapshot,
    watches: Vec<Watch>,
    /// What had been seen when the run was cut short.
    before_cut: Option<Box<Snapshot>>,
}

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
    /// Sign-ins by how they ended.
    pub ends: SignIns,
    /// Those that could not start when they were meant to.
    pub missed: u64,
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
        Self::watching(Vec::new())
    }

    /// A recorder that has seen nothing, with these watches.
    pub fn watching(watches: Vec<Watch>) -> Self {
        Self { snapshot: Snapshot::empty(), watches, before_cut: None }
    }

    /// The same, of a run with so many workloads: where these are several, it tells them apart.
    pub fn of_workloads(self, count: usize) -> Self {
        Self { snapshot: Snapshot::of_workloads(count), ..self }
    }

    /// Puts one finished sign-in in.
    pub fn sign_in(&mut self, sign_in: &SignInRecord) {
        self.snapshot.record(sign_in);
        if self.before_cut.is_none() {
            self.watches.iter_mut().for_each(|watch| watch.record(sign_in));
        }
        // The whole of `add_up` would take longer than the sign-in.
        debug_assert!(self.snapshot.all.add_up() && self.snapshot.measured.add_up());
    }

    /// Notes that a sign-in of this workload, of neither warm-up nor cool-down, is due.
    pub fn due(&mut self, intended: Duration, workload: u16) {
        self.watches.iter_mut().for_each(|watch| watch.offer(intended, workload));
    }

    /// Notes that it could not start when it was meant to: it was offered all the same.
    pub fn missed(&mut self, intended: Duration, workload: u16) {
        self.snapshot.miss(intended, workload);
        self.watches.iter_mut().for_each(|watch| watch.miss(intended, workload));
    }

    /// It is `elapsed` since the start of the run: whatever seconds are over, are over.
    pub fn tick(&mut self, elapsed: Duration) {
        self.watches.iter_mut().for_each(|watch| watch.tick(elapsed));
    }

    /// Notes what the run's worker threads had to do up to `elapsed`, since it was last noted.
    pub fn load(&mut self, elapsed: Duration, load: Load) {
        self.snapshot.timeline.load(elapsed, load);
    }

    /// The run is cut short: what is recorded from now on is what was in flight, and nothing that thresholds are to judge.
    pub fn cut(&mut self) {
        self.before_cut.get_or_insert_with(|| Box::new(self.snapshot.clone()));
    }

    /// What thresholds are to judge: all, or what there was when the run was cut short.
    pub fn judged(&self) -> Summary<'_> {
        self.before_cut.as_deref().unwrap_or(&self.snapshot).summary()
    }

    /// The watches, in their order.
    pub fn watches(&self) -> &[Watch] {
        &self.watches
    }

    /// Everything seen so far.
    pub fn snapshot(&self) -> Snapshot {
        debug_assert!(self.snapshot.add_up());
        self.snapshot.clone()
    }

    /// Everything seen; the recorder is done.
    pub fn into_snapshot(self) -> Snapshot {
        debug_assert!(self.snapshot.add_up());
        self.snapshot
    }

    /// Bytes on the heap, as far as they can come to be more.
    pub fn heap_bytes(&self) -> usize {
        let watches: usize = self.watches.iter().map(Watch::heap_bytes).sum();
        self.snapshot.heap_bytes() + watches
    }

    /// How it is going.
    pub fn live(&self) -> Live {
        let all = &self.snapshot.all;
        let latency = |quantile| self.snapshot.intended.quantile_us(quantile).map(Duration::from_micros);
        Live {
            started: all.started,
            completed: all.completed,
            refused: all.refused,
            failed: all.failed(),
            mismatched: self.snapshot.decisions.mismatched(),
            p99: latency(0.99),
            ends: *all,
            missed: self.snapshot.missed,
            checked: self.snapshot.decisions.checked(),
            p50_p90: [0.5, 0.9].map(latency),
        }
    }
}
