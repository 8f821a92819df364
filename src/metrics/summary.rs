//! Answers about a snapshot: what thresholds are checked against and reports are made of.

use super::statistic::{Counts, RatePeriod, StatisticInput};
use super::{Decisions, Latencies, SignInCounts, Snapshot, Statistic, Timeline, Timing, WorkloadTotals};
use poolproof_cognito::protocol::SignInStep;

/// A view of a snapshot. Latencies in µs, shares from 0 to 1, rates per second; `None` is "cannot be said".
#[derive(Clone, Copy, Debug)]
pub struct Summary<'a>(&'a Snapshot);

impl Snapshot {
    /// What can be asked of it.
    pub const fn summary(&self) -> Summary<'_> {
        Summary::of(self)
    }
}

impl<'a> Summary<'a> {
    pub(super) const fn of(snapshot: &'a Snapshot) -> Self {
        Self(snapshot)
    }

    /// All sign-ins, warm-up too.
    pub const fn sign_ins(&self) -> SignInCounts {
        self.0.all
    }

    /// Sign-ins between warm-up and cool-down.
    pub const fn measured(&self) -> SignInCounts {
        self.0.measured
    }

    /// Sign-ins of the cool-down.
    pub const fn cool_down(&self) -> u64 {
        self.0.cool_down
    }

    /// What each workload came to, in the scenario's order; nothing where there is only one.
    pub fn workload_totals(&self) -> &'a [WorkloadTotals] {
        &self.0.workload_totals
    }

    /// Decisions, warm-up too.
    pub const fn decisions(&self) -> &'a Decisions {
        &self.0.decisions
    }

    /// The course of the run.
    pub const fn timeline(&self) -> &'a Timeline {
        &self.0.timeline
    }

    /// Latency of whole sign-ins from the intended start.
    pub const fn intended(&self) -> &'a Latencies {
        &self.0.intended
    }

    /// Latency of whole sign-ins from the actual start.
    pub const fn service(&self) -> &'a Latencies {
        &self.0.service
    }

    /// How late the generator started them.
    pub const fn lag(&self) -> &'a Latencies {
        &self.0.lag
    }

    /// Latency of one step; `None` if it never happened.
    pub fn step(&self, step: SignInStep) -> Option<&'a Latencies> {
        self.0.steps.get(&step)
    }

    /// A quantile (0 to 1; 1 is the longest) of a step's latency, or of whole sign-ins' from the intended start.
    /// `None` where the count does not support it, see [`Latencies::quantile_us`].
    pub fn latency_us(&self, step: Option<SignInStep>, quantile: f64) -> Option<u64> {
        self.latencies(step)?.quantile_us(quantile)
    }

    /// How many latencies of a step, or of whole sign-ins, there are.
    pub fn latency_count(&self, step: Option<SignInStep>) -> u64 {
        self.latencies(step).map_or(0, Latencies::count)
    }

    fn latencies(&self, step: Option<SignInStep>) -> Option<&'a Latencies> {
        match step {
            None => Some(self.intended()),
            Some(step) => self.step(step),
        }
    }

    /// The share of the measured sign-ins that were abandoned or failed on the way.
    pub fn failed_share(&self) -> Option<f64> {
        ratio(self.0.measured.failed(), self.0.measured.started)
    }

    /// The share of the measured sign-ins that were refused.
    pub fn refused_share(&self) -> Option<f64> {
        ratio(self.0.measured.refused, self.0.measured.started)
    }

    /// Measured sign-ins that were due, whether they ended or not.
    pub const fn offered(&self) -> u64 {
        self.0.offered()
    }

    /// Measured sign-ins meant to start, those that never ended too, per second; `None` below two or when all were meant for one
    /// moment.
    pub fn offered_per_s(&self) -> Option<f64> {
        self.0.window?.offered_per_s(self.0.offered())
    }

    /// Measured sign-ins that the pool answered, per second from the first intended start to the last end.
    ///
    /// A backlog that is worked off after the last arrival lowers it; the time that people take does not.
    pub fn achieved_per_s(&self) -> Option<f64> {
        self.0.window?.achieved_per_s(self.0.offered(), self.0.measured.answered())
    }

    /// Sign-ins that could not start when they were meant to, without warm-up and cool-down.
    pub const fn dropped(&self) -> u64 {
        self.0.measured_unresolved.dropped
    }

    /// Sign-ins that had not ended when the run was cut short, warm-up too.
    pub const fn unfinished(&self) -> u64 {
        self.0.unresolved.unfinished
    }

    /// Answers with `TooManyRequestsException`, warm-up too.
    pub fn throttled(&self) -> u64 {
        self.0.throttled.values().sum()
    }

    /// The same, by the step that was throttled.
    pub fn throttled_steps(&self) -> impl Iterator<Item = (SignInStep, u64)> {
        self.0.throttled.iter().map(|(step, count)| (*step, *count))
    }

    /// The share of all requests that were throttled, warm-up too.
    pub fn throttled_share(&self) -> Option<f64> {
        ratio(self.throttled(), self.0.requests)
    }

    /// A figure of the whole run, as a threshold asks for it; `None` where there is too little to say.
    pub fn value(&self, statistic: Statistic) -> Option<f64> {
        let part = StatisticInput {
            counts: self.counts(statistic),
            latencies: statistic.timing().and_then(|timing| self.timing(timing)),
            over: RatePeriod::Run(self.0.window),
        };
        part.value(statistic)
    }

    /// Of how many the share is that a figure asks for, as [`Summary::value`] takes them.
    pub fn denominator(&self, statistic: Statistic) -> Option<u64> {
        StatisticInput { counts: self.counts(statistic), latencies: None, over: RatePeriod::Run(None) }
            .denominator(statistic)
    }

    fn timing(&self, timing: Timing) -> Option<&'a Latencies> {
        match timing {
            Timing::Intended => Some(self.intended()),
            Timing::Service => Some(self.service()),
            Timing::Lag => Some(self.lag()),
            Timing::SignInStep(step) => self.step(step),
        }
    }

    fn counts(&self, statistic: Statistic) -> Counts {
        let with_warm_up = statistic.includes_warm_up();
        let sign_ins = if with_warm_up { self.0.all } else { self.0.measured };
        Counts {
            sign_ins,
            checked: self.0.decisions.checked,
            mismatched: self.0.decisions.mismatched,
            throttled: self.throttled(),
            requests: self.0.requests,
            offered: sign_ins.started + self.0.measured_unresolved.count(),
            dropped: self.0.measured_unresolved.dropped,
        }
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
