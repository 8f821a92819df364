//! Everything that was recorded up to a moment.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Counts, Decisions, End, Latencies, SignInRecord, Summary, Timeline};
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

    const fn count(&mut self, end: End) {
        self.started += 1;
        match end {
            End::Completed => self.completed += 1,
            End::Refused => self.refused += 1,
            End::Abandoned => self.abandoned += 1,
            End::TransportFailed => self.transport_failed += 1,
        }
    }

    const fn add(&mut self, other: &Self) {
        self.started += other.started;
        self.completed += other.completed;
        self.refused += other.refused;
        self.abandoned += other.abandoned;
        self.transport_failed += other.transport_failed;
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
    fn around(self, other: Self) -> Self {
        Self {
            first_intended_us: self.first_intended_us.min(other.first_intended_us),
            last_intended_us: self.last_intended_us.max(other.last_intended_us),
            last_end_us: self.last_end_us.max(other.last_end_us),
        }
    }
}

/// Everything that one recorder, or several after [`Snapshot::merge`], have seen.
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
    pub(super) all: SignIns,
    pub(super) measured: SignIns,
    pub(super) throttled: BTreeMap<Step, u64>,
    pub(super) requests: u64,
    /// Sign-ins that could not start, without warm-up.
    pub(super) missed: u64,
    pub(super) window: Option<Window>,
    pub(super) intended: Latencies,
    pub(super) service: Latencies,
    pub(super) lag: Latencies,
    pub(super) steps: BTreeMap<Step, Latencies>,
    pub(super) decisions: Decisions,
    pub(super) timeline: Timeline,
}

impl Snapshot {
    /// Nothing seen yet.
    pub fn empty() -> Self {
        Self {
            all: SignIns::default(),
            measured: SignIns::default(),
            throttled: BTreeMap::new(),
            requests: 0,
            missed: 0,
            window: None,
            intended: Latencies::fine(),
            service: Latencies::fine(),
            lag: Latencies::fine(),
            steps: BTreeMap::new(),
            decisions: Decisions::default(),
            timeline: Timeline::default(),
        }
    }

    /// What can be asked of it.
    pub const fn summary(&self) -> Summary<'_> {
        Summary::of(self)
    }

    /// Puts in all that `other` has seen, as if this had seen it itself.
    pub fn merge(&mut self, other: &Self) {
        self.all.add(&other.all);
        self.measured.add(&other.measured);
        for (step, count) in &other.throttled {
            *self.throttled.entry(*step).or_default() += count;
        }
        self.requests += other.requests;
        self.missed += other.missed;
        self.widen(other.window);
        self.intended.merge(&other.intended);
        self.service.merge(&other.service);
        self.lag.merge(&other.lag);
        for (step, latencies) in &other.steps {
            self.steps.entry(*step).or_insert_with(Latencies::fine).merge(latencies);
        }
        self.decisions.merge(&other.decisions);
        self.timeline.merge(&other.timeline);
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
            && sum(|interval| interval.offered) == self.all.started
            && sum(|interval| interval.warm_up) == self.all.started - self.measured.started
            && sum(|interval| interval.completed) == self.all.completed
            && sum(|interval| interval.refused) == self.all.refused
            && sum(|interval| interval.failed) == self.all.failed()
            && self
                .steps
                .iter()
                .all(|(step, latencies)| sum_of_steps(&self.timeline, *step) == latencies.count())
    }

    /// Notes that a sign-in could not start when it was meant to.
    pub(super) fn miss(&mut self, intended: Duration) {
        let us = as_us(intended);
        self.missed += 1;
        self.widen(Some(Window { first_intended_us: us, last_intended_us: us, last_end_us: us }));
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
        if sign_in.warm_up {
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
        self.widen(Some(Window {
            first_intended_us: as_us(sign_in.intended),
            last_intended_us: as_us(sign_in.intended),
            last_end_us: as_us(sign_in.intended.saturating_add(sign_in.latency)),
        }));
    }

    fn widen(&mut self, other: Option<Window>) {
        self.window = match (self.window, other) {
            (Some(one), Some(two)) => Some(one.around(two)),
            (one, two) => one.or(two),
        };
    }
}

/// How many latencies of a step the intervals have.
fn sum_of_steps(timeline: &Timeline, step: Step) -> u64 {
    timeline.intervals().iter().filter_map(|interval| interval.steps.get(&step)).map(Counts::count).sum()
}
