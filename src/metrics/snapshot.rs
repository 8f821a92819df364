//! Everything that was recorded up to a moment.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Counts, Decisions, Due, End, Latencies, SignInRecord, Summary, Tally, Timeline};
use crate::clock::as_us;
use crate::protocol::Step;

/// Sign-ins by how they ended. `started` is always the sum of the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SignIns {
    /// All.
    pub started: u64,
    /// Ended with tokens.
    pub completed: u64,
    /// Ended with a refusal.
    pub refused: u64,
    /// Given up by the user.
    pub abandoned: u64,
    /// Got no answer.
    pub transport_failed: u64,
}

impl SignIns {
    /// Those that the pool decided: completed and refused.
    pub const fn answered(&self) -> u64 {
        self.completed + self.refused
    }

    /// Those that it did not: abandoned and transport failures.
    pub const fn failed(&self) -> u64 {
        self.abandoned + self.transport_failed
    }

    /// Whether every sign-in ended in exactly one way.
    pub const fn add_up(&self) -> bool {
        self.started == self.answered() + self.failed()
    }

    pub(super) const fn count(&mut self, end: End) {
        self.started += 1;
        match end {
            End::Completed => self.completed += 1,
            End::Refused => self.refused += 1,
            End::Abandoned => self.abandoned += 1,
            End::TransportFailed => self.transport_failed += 1,
        }
    }

    pub(super) const fn add(&mut self, other: &Self) {
        self.started += other.started;
        self.completed += other.completed;
        self.refused += other.refused;
        self.abandoned += other.abandoned;
        self.transport_failed += other.transport_failed;
    }

    pub(super) const fn take_out(&mut self, other: &Self) {
        self.started -= other.started;
        self.completed -= other.completed;
        self.refused -= other.refused;
        self.abandoned -= other.abandoned;
        self.transport_failed -= other.transport_failed;
    }
}

/// Sign-ins that were due and have no end: none of [`SignIns`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Unended {
    /// They could not start, since nobody was free.
    pub missed: u64,
    /// They were under way, or waited for somebody, when the run was cut short.
    pub cut_off: u64,
}

impl Unended {
    /// All.
    pub const fn count(&self) -> u64 {
        self.missed + self.cut_off
    }

    pub(super) const fn add(&mut self, other: &Self) {
        self.missed += other.missed;
        self.cut_off += other.cut_off;
    }
}

/// The stretch of the run in which measured sign-ins took place, in µs since the start of the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Window {
    pub(super) first_intended_us: u64,
    pub(super) last_intended_us: u64,
    /// The latest intended start plus latency: the time that people take stretches no window.
    pub(super) last_end_us: u64,
}

impl Window {
    /// That of one sign-in.
    pub(super) fn of(sign_in: &SignInRecord) -> Self {
        Self {
            first_intended_us: as_us(sign_in.intended),
            last_intended_us: as_us(sign_in.intended),
            last_end_us: as_us(sign_in.intended.saturating_add(sign_in.latency)),
        }
    }

    /// That of a sign-in that was meant to start then and has no end.
    pub(super) fn at(intended: Duration) -> Self {
        let us = as_us(intended);
        Self { first_intended_us: us, last_intended_us: us, last_end_us: us }
    }

    /// The shortest that has both, where there are both.
    pub(super) fn joined(one: Option<Self>, two: Option<Self>) -> Option<Self> {
        match (one, two) {
            (Some(one), Some(two)) => Some(one.around(two)),
            (one, two) => one.or(two),
        }
    }

    /// Of `n` sign-ins meant to start in it, how many a second; `None` below two or when all were meant for one moment.
    pub(super) fn offered_per_s(self, n: u64) -> Option<f64> {
        per_second(n, self.offered_us(n)?)
    }

    /// The same of those that were answered, from the first intended start to the last end.
    pub(super) fn achieved_per_s(self, n: u64, answered: u64) -> Option<f64> {
        let until_last_end = self.last_end_us.saturating_sub(self.first_intended_us);
        per_second(answered, self.offered_us(n)?.max(until_last_end as f64))
    }

    /// The time that `n` arrivals took: from the first to the last, and one mean gap more, so that n arrivals have n gaps.
    fn offered_us(self, n: u64) -> Option<f64> {
        let span_us = self.last_intended_us - self.first_intended_us;
        (n > 1 && span_us > 0).then(|| span_us as f64 * n as f64 / (n - 1) as f64)
    }

    fn around(self, other: Self) -> Self {
        Self {
            first_intended_us: self.first_intended_us.min(other.first_intended_us),
            last_intended_us: self.last_intended_us.max(other.last_intended_us),
            last_end_us: self.last_end_us.max(other.last_end_us),
        }
    }
}

fn per_second(count: u64, time_us: f64) -> Option<f64> {
    (time_us > 0.0).then(|| count as f64 * 1e6 / time_us)
}

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

    /// What can be asked of it.
    pub const fn summary(&self) -> Summary<'_> {
        Summary::of(self)
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
