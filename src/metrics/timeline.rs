//! The course of a run in a bounded number of intervals.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{DueSignIn, Latencies, SignInRecord, SignInStatus, SparseHistogram};
use poolproof_cognito::protocol::SignInStep;
use poolproof_cognito::time::as_us;

/// The load of the worker threads: the clients', then the pool's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct WorkerLoad {
    /// Most jobs that waited at the same time.
    pub max_queue_depth: [usize; 2],
    /// CPU time.
    pub cpu: [Duration; 2],
}

impl WorkerLoad {
    fn add(&mut self, other: &Self) {
        for side in 0..2 {
            self.max_queue_depth[side] = self.max_queue_depth[side].max(other.max_queue_depth[side]);
            self.cpu[side] += other.cpu[side];
        }
    }
}

/// The counts of one interval.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Interval {
    /// Arrivals due in it, warm-up and those without a result included.
    pub offered: u64,
    /// Those that are warm-up.
    pub warm_up: u64,
    /// Those that are cool-down.
    pub cool_down: u64,
    /// Those that could not start.
    pub dropped: u64,
    /// Those whose outcome is unknown because the run was canceled.
    pub unfinished: u64,
    /// Sign-ins completed in it.
    pub completed: u64,
    /// Sign-ins refused in it.
    pub refused: u64,
    /// Sign-ins abandoned or failed in transport in it.
    pub failed: u64,
    /// Responses with `TooManyRequestsException` of sign-ins that ended in it.
    pub throttled: u64,
    /// Latencies of decided sign-ins by intended start, without warm-up and cool-down; `None` if there are
    /// none.
    pub latency: Option<Latencies>,
    /// Latencies of decided steps by intended start of their sign-in, within 1 %.
    pub steps: BTreeMap<SignInStep, SparseHistogram>,
    /// The load of the worker threads, if there are any.
    pub load: Option<WorkerLoad>,
}

impl Interval {
    fn add(&mut self, other: &Self) {
        self.offered += other.offered;
        self.warm_up += other.warm_up;
        self.cool_down += other.cool_down;
        self.dropped += other.dropped;
        self.unfinished += other.unfinished;
        self.completed += other.completed;
        self.refused += other.refused;
        self.failed += other.failed;
        self.throttled += other.throttled;
        if let Some(latency) = &other.latency {
            self.latency.get_or_insert_with(Latencies::coarse).merge(latency);
        }
        for (step, counts) in &other.steps {
            self.steps.entry(*step).or_default().merge(counts);
        }
        if let Some(load) = &other.load {
            self.load.get_or_insert_default().add(load);
        }
    }
}

/// A run in intervals of equal width: one second, doubled whenever there would be too many.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Timeline {
    width_us: u64,
    intervals: Vec<Interval>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { width_us: 1_000_000, intervals: Vec::new() }
    }
}

impl Timeline {
    /// Most intervals.
    pub const MAX_INTERVALS: usize = 240;

    /// Returns the width of an interval in µs.
    pub const fn width_us(&self) -> u64 {
        self.width_us
    }

    /// Returns the intervals from the start of the run.
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// Records one sign-in: start and latencies at its intended start, the result at its end.
    pub(super) fn record(&mut self, sign_in: &SignInRecord) {
        let start = self.record_due(sign_in.due());
        if !sign_in.is_excluded() {
            if sign_in.has_latency() {
                start.latency.get_or_insert_with(Latencies::coarse).record(sign_in.latency);
            }
            for (step, time) in &sign_in.steps {
                start.steps.entry(*step).or_default().record(*time);
            }
        }
        let end = self.at(sign_in.finished);
        end.throttled += sign_in.throttled.len() as u64;
        match sign_in.end {
            SignInStatus::Completed => end.completed += 1,
            SignInStatus::Refused => end.refused += 1,
            SignInStatus::Abandoned | SignInStatus::TransportFailed => end.failed += 1,
        }
    }

    /// Records an arrival that could not start, at its intended start.
    pub(super) fn record_dropped(&mut self, due: DueSignIn) {
        self.record_due(due).dropped += 1;
    }

    /// Records an arrival without an outcome, at its intended start.
    pub(super) fn unfinished(&mut self, due: DueSignIn) {
        self.record_due(due).unfinished += 1;
    }

    /// Returns the interval of an arrival, which it counts.
    fn record_due(&mut self, due: DueSignIn) -> &mut Interval {
        let interval = self.at(due.intended);
        interval.offered += 1;
        interval.warm_up += u64::from(due.warm_up);
        interval.cool_down += u64::from(due.cool_down);
        interval
    }

    /// Records the load of the worker threads around `moment`.
    pub(super) fn load(&mut self, moment: Duration, load: WorkerLoad) {
        self.at(moment).load.get_or_insert_default().add(&load);
    }

    /// Returns whether the intervals are as a run records them.
    pub(super) fn is_valid(&self) -> bool {
        let seconds = self.width_us / 1_000_000;
        let interval = |interval: &Interval| {
            interval.warm_up + interval.cool_down <= interval.offered
                && interval.latency.as_ref().is_none_or(|latency| !latency.is_fine())
        };
        seconds.is_power_of_two()
            && seconds * 1_000_000 == self.width_us
            && self.intervals.len() <= Self::MAX_INTERVALS
            && self.intervals.iter().all(interval)
    }

    /// Returns the bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        let latency = |interval: &Interval| interval.latency.as_ref().map_or(0, Latencies::heap_bytes);
        let steps =
            |interval: &Interval| interval.steps.values().map(SparseHistogram::heap_bytes).sum::<usize>();
        self.intervals.iter().map(|one| size_of::<Interval>() + latency(one) + steps(one)).sum()
    }

    /// Adds everything in `other`.
    pub(super) fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        while self.width_us < other.width_us {
            self.widen();
        }
        while other.width_us < self.width_us {
            other.widen();
        }
        if self.intervals.len() < other.intervals.len() {
            self.intervals.resize_with(other.intervals.len(), Interval::default);
        }
        for (interval, more) in self.intervals.iter_mut().zip(&other.intervals) {
            interval.add(more);
        }
    }

    /// Returns the interval of a moment.
    fn at(&mut self, moment: Duration) -> &mut Interval {
        let moment = as_us(moment);
        let index = loop {
            match usize::try_from(moment / self.width_us) {
                Ok(index) if index < Self::MAX_INTERVALS => break index,
                _ => self.widen(),
            }
        };
        if self.intervals.len() <= index {
            self.intervals.resize_with(index + 1, Interval::default);
        }
        &mut self.intervals[index]
    }

    /// Merges every two intervals.
    fn widen(&mut self) {
        self.width_us *= 2;
        self.intervals = self
            .intervals
            .chunks(2)
            .map(|pair| {
                let mut wide = pair[0].clone();
                pair[1..].iter().for_each(|other| wide.add(other));
                wide
            })
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign_in(number: u64, at_s: u64, end: SignInStatus) -> SignInRecord {
        let at = Duration::from_secs(at_s);
        let took = Duration::from_micros(1000 + number);
        SignInRecord {
            number,
            user: 0,
            workload: 0,
            intent: poolproof_client::Intent::KnownDevice,
            warm_up: number.is_multiple_of(7),
            cool_down: false,
            end,
            intended: at,
            finished: at + took,
            latency: took,
            service: took,
            lag: Duration::ZERO,
            steps: vec![(SignInStep::InitiateAuth, took / 4), (SignInStep::Mfa, took / 2)],
            judgements: Vec::new(),
            throttled: Vec::new(),
            requests: 0,
            failures: Vec::new(),
        }
    }

    #[test]
    fn a_long_run_gets_wider_intervals_and_loses_nothing() {
        let mut timeline = Timeline::default();
        for number in 0..10_000 {
            timeline.record(&sign_in(number, number * 3, SignInStatus::ALL[(number % 4) as usize]));
        }
        assert!(timeline.intervals().len() <= Timeline::MAX_INTERVALS);
        assert_eq!(timeline.width_us(), 128_000_000);
        let sum = |count: fn(&Interval) -> u64| timeline.intervals().iter().map(count).sum::<u64>();
        assert_eq!(sum(|interval| interval.offered), 10_000);
        assert_eq!(sum(|interval| interval.completed + interval.refused + interval.failed), 10_000);
        // Two of the four ends are decisions, and one of seven sign-ins is warm-up.
        let decided = sum(|interval| interval.latency.as_ref().map_or(0, Latencies::count));
        assert_eq!(decided, (0..10_000).filter(|number| number % 4 < 2 && number % 7 != 0).count() as u64);
        let measured = 10_000 - sum(|interval| interval.warm_up);
        for step in [SignInStep::InitiateAuth, SignInStep::Mfa] {
            let steps = timeline.intervals().iter().filter_map(|interval| interval.steps.get(&step));
            assert_eq!(steps.map(SparseHistogram::count).sum::<u64>(), measured, "{step}");
        }
    }

    #[test]
    fn the_latest_possible_time_has_an_interval() {
        let mut timeline = Timeline::default();
        timeline.record(&sign_in(1, u64::MAX / 2, SignInStatus::Completed));
        timeline.record(&sign_in(2, 0, SignInStatus::Refused));
        assert!(timeline.intervals().len() <= Timeline::MAX_INTERVALS);
        assert_eq!((timeline.intervals()[0].offered, timeline.intervals()[0].refused), (1, 1));
    }
}
