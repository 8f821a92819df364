//! Everything that was recorded up to a moment.

use std::collections::BTreeMap;

use super::window::Window;
use super::{Counts, Decisions, Due, Latencies, SignInRecord, SignIns, Tally, Timeline, Unended};
use poolproof_cognito::protocol::Step;

/// Everything that one recorder, or several after [`Snapshot::merge`], have seen.
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
    pub(super) all: SignIns,
    pub(super) measured: SignIns,
    pub(super) cool_down: u64,
    pub(super) throttled: BTreeMap<Step, u64>,
    pub(super) requests: u64,
    pub(super) unended: Unended,
    /// Of them those between warm-up and cool-down.
    pub(super) measured_unended: Unended,
    /// How many of them were cool-down.
    cool_down_unended: u64,
    pub(super) window: Option<Window>,
    pub(super) intended: Latencies,
    pub(super) service: Latencies,
    pub(super) lag: Latencies,
    pub(super) steps: BTreeMap<Step, Latencies>,
    pub(super) decisions: Decisions,
    pub(super) timeline: Timeline,
    /// One for each workload where there are several; else none.
    pub(super) tallies: Vec<Tally>,
}

impl Snapshot {
    /// Nothing seen yet.
    pub fn empty() -> Self {
        Self {
            all: SignIns::default(),
            measured: SignIns::default(),
            cool_down: 0,
            throttled: BTreeMap::new(),
            requests: 0,
            unended: Unended::default(),
            measured_unended: Unended::default(),
            cool_down_unended: 0,
            window: None,
            intended: Latencies::fine(),
            service: Latencies::fine(),
            lag: Latencies::fine(),
            steps: BTreeMap::new(),
            decisions: Decisions::default(),
            timeline: Timeline::default(),
            tallies: Vec::new(),
        }
    }

    /// Nothing seen yet, of a run with so many workloads.
    pub(super) fn of_workloads(count: usize) -> Self {
        let apart = if count > 1 { count } else { 0 };
        Self { tallies: vec![Tally::empty(); apart], ..Self::empty() }
    }

    /// Puts in all that `other` has seen, as if this had seen it itself.
    pub fn merge(&mut self, other: &Self) {
        self.all.add(&other.all);
        self.measured.add(&other.measured);
        self.cool_down += other.cool_down;
        for (step, count) in &other.throttled {
            *self.throttled.entry(*step).or_default() += count;
        }
        self.requests += other.requests;
        self.unended.add(&other.unended);
        self.measured_unended.add(&other.measured_unended);
        self.cool_down_unended += other.cool_down_unended;
        self.widen(other.window);
        self.intended.merge(&other.intended);
        self.service.merge(&other.service);
        self.lag.merge(&other.lag);
        for (step, latencies) in &other.steps {
            self.steps.entry(*step).or_insert_with(Latencies::fine).merge(latencies);
        }
        self.decisions.merge(&other.decisions);
        self.timeline.merge(&other.timeline);
        if self.tallies.len() < other.tallies.len() {
            self.tallies.resize_with(other.tallies.len(), Tally::empty);
        }
        for (tally, more) in self.tallies.iter_mut().zip(&other.tallies) {
            tally.merge(more);
        }
        debug_assert!(self.add_up());
    }

    /// Whether the sums hold (ASSURANCE P12): every sign-in has one end, every measured one is in each histogram
    /// once, every decision has one rule, and the timeline has them all.
    pub fn add_up(&self) -> bool {
        let sum =
            |count: fn(&super::Interval) -> u64| self.timeline.intervals().iter().map(count).sum::<u64>();
        self.all.add_up()
            && self.measured.add_up()
            && [&self.intended, &self.service, &self.lag].map(Latencies::count) == [self.measured.started; 3]
            && self.decisions.add_up()
            && sum(|interval| interval.offered) == self.all.started + self.unended.count()
            && sum(|interval| interval.offered - interval.warm_up - interval.cool_down) == self.offered()
            && sum(|interval| interval.cool_down) == self.cool_down + self.cool_down_unended
            && sum(|interval| interval.missed) == self.unended.missed
            && sum(|interval| interval.cut_off) == self.unended.cut_off
            && (self.tallies.is_empty()
                || self.tallies.iter().map(|tally| tally.sign_ins().started).sum::<u64>() == self.all.started)
            && sum(|interval| interval.completed) == self.all.completed
            && sum(|interval| interval.refused) == self.all.refused
            && sum(|interval| interval.failed) == self.all.failed()
            && self
                .steps
                .iter()
                .all(|(step, latencies)| sum_of_steps(&self.timeline, *step) == latencies.count())
    }

    /// Bytes on the heap, as far as they can come to be more.
    pub(super) fn heap_bytes(&self) -> usize {
        let steps: usize = self.steps.values().map(Latencies::heap_bytes).sum();
        let whole = [&self.intended, &self.service, &self.lag].map(Latencies::heap_bytes);
        let tallies: usize = self.tallies.iter().map(Tally::heap_bytes).sum();
        whole.iter().sum::<usize>()
            + tallies
            + steps
            + self.decisions.heap_bytes()
            + self.timeline.heap_bytes()
    }

    /// Measured sign-ins that were due.
    pub(super) const fn offered(&self) -> u64 {
        self.measured.started + self.measured_unended.count()
    }

    /// Notes that a sign-in could not start when it was meant to.
    pub(super) fn miss(&mut self, due: Due) {
        self.timeline.miss(due);
        self.unended(due, Unended { missed: 1, cut_off: 0 });
    }

    /// Notes that a sign-in had not ended when the run was cut short.
    pub(super) fn cut_off(&mut self, due: Due) {
        self.timeline.cut_off(due);
        self.unended(due, Unended { missed: 0, cut_off: 1 });
    }

    fn unended(&mut self, due: Due, one: Unended) {
        self.unended.add(&one);
        self.cool_down_unended += u64::from(due.cool_down);
        if !due.left_out() {
            self.measured_unended.add(&one);
            self.widen(Some(Window::at(due.intended)));
        }
        if let Some(tally) = self.tallies.get_mut(usize::from(due.workload)) {
            tally.unended(due, one);
        }
    }

    /// Puts one sign-in in.
    pub(super) fn record(&mut self, sign_in: &SignInRecord) {
        self.all.count(sign_in.end);
        for step in &sign_in.throttled {
            *self.throttled.entry(*step).or_default() += 1;
        }
        self.requests += u64::from(sign_in.requests);
        self.decisions.record(sign_in);
        self.timeline.record(sign_in);
        if let Some(tally) = self.tallies.get_mut(usize::from(sign_in.workload)) {
            tally.record(sign_in);
        }
        self.cool_down += u64::from(sign_in.cool_down);
        if sign_in.left_out() {
            return;
        }
        self.measured.count(sign_in.end);
        // Failed ones too, whatever their latency: leaving them out would hide every time-out.
        self.intended.record(sign_in.latency);
        self.service.record(sign_in.service);
        self.lag.record(sign_in.lag);
        for (step, time) in &sign_in.steps {
            self.steps.entry(*step).or_insert_with(Latencies::fine).record(*time);
        }
        self.widen(Some(Window::of(sign_in)));
    }

    fn widen(&mut self, other: Option<Window>) {
        self.window = Window::joined(self.window, other);
    }
}

/// How many latencies of a step the intervals have.
fn sum_of_steps(timeline: &Timeline, step: Step) -> u64 {
    timeline.intervals().iter().filter_map(|interval| interval.steps.get(&step)).map(Counts::count).sum()
}
