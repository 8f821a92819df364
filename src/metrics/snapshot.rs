//! Everything that was recorded up to a moment.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::rate_window::RateWindow;
use super::{
    Decisions, DueSignIn, Latencies, MeasuredLoad, SignInCounts, SignInRecord, SignInStatus, SparseHistogram,
    Timeline, UnresolvedCounts, WorkloadTotals,
};
use crate::failure::Failures;
use poolproof_cognito::protocol::SignInStep;

/// Everything that one recorder recorded, or several after [`Snapshot::merge`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    pub(super) all: SignInCounts,
    pub(super) measured: SignInCounts,
    pub(super) cool_down: u64,
    pub(super) throttled: BTreeMap<SignInStep, u64>,
    pub(super) requests: u64,
    pub(super) failures: Failures,
    pub(super) unresolved: UnresolvedCounts,
    /// The unresolved sign-ins between warm-up and cool-down.
    pub(super) measured_unresolved: UnresolvedCounts,
    /// The unresolved sign-ins in the cool-down.
    cool_down_unresolved: u64,
    pub(super) window: Option<RateWindow>,
    pub(super) intended: Latencies,
    pub(super) service: Latencies,
    /// From the intended start to the end of sign-ins without a decision.
    pub(super) undecided: Latencies,
    pub(super) lag: Latencies,
    pub(super) steps: BTreeMap<SignInStep, Latencies>,
    pub(super) decisions: Decisions,
    pub(super) timeline: Timeline,
    /// One per workload if there are several; otherwise empty.
    pub(super) workload_totals: Vec<WorkloadTotals>,
}

impl Snapshot {
    /// Creates an empty snapshot.
    pub fn empty() -> Self {
        Self {
            all: SignInCounts::default(),
            measured: SignInCounts::default(),
            cool_down: 0,
            throttled: BTreeMap::new(),
            requests: 0,
            failures: Failures::default(),
            unresolved: UnresolvedCounts::default(),
            measured_unresolved: UnresolvedCounts::default(),
            cool_down_unresolved: 0,
            window: None,
            intended: Latencies::fine(),
            service: Latencies::fine(),
            undecided: Latencies::fine(),
            lag: Latencies::fine(),
            steps: BTreeMap::new(),
            decisions: Decisions::default(),
            timeline: Timeline::default(),
            workload_totals: Vec::new(),
        }
    }

    /// Creates an empty snapshot for this many workloads.
    pub(super) fn with_workloads(count: usize) -> Self {
        let apart = if count > 1 { count } else { 0 };
        Self { workload_totals: vec![WorkloadTotals::empty(); apart], ..Self::empty() }
    }

    /// Sets the times of the load of the run and of each workload, where they are known.
    pub(super) fn set_loads(&mut self, run: Option<MeasuredLoad>, workloads: &[Option<MeasuredLoad>]) {
        self.window = run.map(RateWindow::planned);
        for (totals, load) in self.workload_totals.iter_mut().zip(workloads) {
            totals.window = load.map(RateWindow::planned);
        }
    }

    /// Sets the time up to which the run lasted.
    pub(super) fn elapse(&mut self, elapsed: Duration) {
        let totals = self.workload_totals.iter_mut().map(|totals| &mut totals.window);
        for window in totals.chain([&mut self.window]).flatten() {
            window.elapse(elapsed);
        }
    }

    /// Adds everything in `other`.
    pub fn merge(&mut self, other: &Self) {
        self.all.add(&other.all);
        self.measured.add(&other.measured);
        self.cool_down += other.cool_down;
        for (step, count) in &other.throttled {
            *self.throttled.entry(*step).or_default() += count;
        }
        self.requests += other.requests;
        self.failures.merge(&other.failures);
        self.unresolved.add(&other.unresolved);
        self.measured_unresolved.add(&other.measured_unresolved);
        self.cool_down_unresolved += other.cool_down_unresolved;
        self.widen(other.window);
        self.intended.merge(&other.intended);
        self.service.merge(&other.service);
        self.undecided.merge(&other.undecided);
        self.lag.merge(&other.lag);
        for (step, latencies) in &other.steps {
            self.steps.entry(*step).or_insert_with(Latencies::fine).merge(latencies);
        }
        self.decisions.merge(&other.decisions);
        self.timeline.merge(&other.timeline);
        if self.workload_totals.len() < other.workload_totals.len() {
            self.workload_totals.resize_with(other.workload_totals.len(), WorkloadTotals::empty);
        }
        for (totals, more) in self.workload_totals.iter_mut().zip(&other.workload_totals) {
            totals.merge(more);
        }
        debug_assert!(self.is_consistent());
    }

    /// Returns whether the sums agree: every sign-in has one result, every measured one has a lag and either
    /// latencies or an undecided time, every decision has one rule, and the timeline contains all.
    pub fn is_consistent(&self) -> bool {
        let sum =
            |count: fn(&super::Interval) -> u64| self.timeline.intervals().iter().map(count).sum::<u64>();
        self.all.is_consistent()
            && self.measured.is_consistent()
            && self.lag.count() == self.measured.started
            && [&self.intended, &self.service].map(Latencies::count) == [self.measured.answered(); 2]
            && self.undecided.count() == self.measured.failed()
            && self.decisions.is_consistent()
            && sum(|interval| interval.offered) == self.all.started + self.unresolved.count()
            && sum(|interval| interval.offered - interval.warm_up - interval.cool_down) == self.offered()
            && sum(|interval| interval.cool_down) == self.cool_down + self.cool_down_unresolved
            && sum(|interval| interval.dropped) == self.unresolved.dropped
            && sum(|interval| interval.unfinished) == self.unresolved.unfinished
            && (self.workload_totals.is_empty()
                || self.workload_totals.iter().map(|totals| totals.sign_ins().started).sum::<u64>()
                    == self.all.started)
            && sum(|interval| interval.completed) == self.all.completed
            && sum(|interval| interval.refused) == self.all.refused
            && sum(|interval| interval.failed) == self.all.failed()
            && self
                .steps
                .iter()
                .all(|(step, latencies)| sum_of_steps(&self.timeline, *step) == latencies.count())
    }

    /// Returns whether `other` can be merged into this: it has the same workloads, its histograms have the
    /// same precision, and its sums agree.
    pub(super) fn can_merge(&self, other: &Self) -> bool {
        let fine = [&other.intended, &other.service, &other.undecided, &other.lag];
        other.workload_totals.len() == self.workload_totals.len()
            && other.workload_totals.iter().all(WorkloadTotals::is_fine)
            && fine.into_iter().chain(other.steps.values()).all(Latencies::is_fine)
            && other.timeline.is_valid()
            && other.is_consistent()
    }

    /// Returns the bytes on the heap that can grow.
    pub(super) fn heap_bytes(&self) -> usize {
        let steps: usize = self.steps.values().map(Latencies::heap_bytes).sum();
        let whole = [&self.intended, &self.service, &self.undecided, &self.lag].map(Latencies::heap_bytes);
        let workload_totals: usize = self.workload_totals.iter().map(WorkloadTotals::heap_bytes).sum();
        whole.iter().sum::<usize>()
            + workload_totals
            + steps
            + self.decisions.heap_bytes()
            + self.timeline.heap_bytes()
    }

    /// Returns the measured arrivals.
    pub(super) const fn offered(&self) -> u64 {
        self.measured.started + self.measured_unresolved.count()
    }

    /// Records an arrival that could not start.
    pub(super) fn record_dropped(&mut self, due: DueSignIn) {
        self.timeline.record_dropped(due);
        self.unresolved(due, UnresolvedCounts { dropped: 1, unfinished: 0 });
    }

    /// Records an arrival whose outcome is unknown because the run was canceled.
    pub(super) fn unfinished(&mut self, due: DueSignIn) {
        self.timeline.unfinished(due);
        self.unresolved(due, UnresolvedCounts { dropped: 0, unfinished: 1 });
    }

    fn unresolved(&mut self, due: DueSignIn, one: UnresolvedCounts) {
        self.unresolved.add(&one);
        self.cool_down_unresolved += u64::from(due.cool_down);
        if !due.is_excluded() {
            self.measured_unresolved.add(&one);
            self.widen(Some(RateWindow::at(due.intended)));
        }
        if let Some(totals) = self.workload_totals.get_mut(usize::from(due.workload)) {
            totals.unresolved(due, one);
        }
    }

    /// Records one sign-in.
    pub(super) fn record(&mut self, sign_in: &SignInRecord) {
        self.all.count(sign_in.end);
        for step in &sign_in.throttled {
            *self.throttled.entry(*step).or_default() += 1;
        }
        self.requests += u64::from(sign_in.requests);
        let ended = sign_in.end == SignInStatus::TransportFailed;
        self.failures.record(&sign_in.failures, ended, !sign_in.is_excluded());
        self.decisions.record(sign_in);
        self.timeline.record(sign_in);
        if let Some(totals) = self.workload_totals.get_mut(usize::from(sign_in.workload)) {
            totals.record(sign_in);
        }
        self.cool_down += u64::from(sign_in.cool_down);
        if sign_in.is_excluded() {
            return;
        }
        self.measured.count(sign_in.end);
        if sign_in.has_latency() {
            self.intended.record(sign_in.latency);
            self.service.record(sign_in.service);
        } else {
            self.undecided.record(sign_in.latency);
        }
        self.lag.record(sign_in.lag);
        for (step, time) in &sign_in.steps {
            self.steps.entry(*step).or_insert_with(Latencies::fine).record(*time);
        }
        self.widen(Some(RateWindow::of(sign_in)));
    }

    fn widen(&mut self, other: Option<RateWindow>) {
        self.window = RateWindow::merged(self.window, other);
    }
}

/// Returns how many latencies of a step the intervals contain.
fn sum_of_steps(timeline: &Timeline, step: SignInStep) -> u64 {
    timeline
        .intervals()
        .iter()
        .filter_map(|interval| interval.steps.get(&step))
        .map(SparseHistogram::count)
        .sum()
}
