//! Questions about a snapshot, for thresholds and reports.

use super::statistic::{Counts, RatePeriod, StatisticInput};
use super::{Decisions, Latencies, SignInCounts, Snapshot, Statistic, Timeline, Timing, WorkloadTotals};
use crate::failure::Failures;
use poolproof_cognito::protocol::SignInStep;

/// A view of a snapshot. Latencies in µs, rates from 0 to 1, frequencies per second; `None` means too few
/// samples.
#[derive(Clone, Copy, Debug)]
pub struct Summary<'a>(&'a Snapshot);

impl Snapshot {
    /// Returns its summary.
    pub const fn summary(&self) -> Summary<'_> {
        Summary::of(self)
    }
}

impl<'a> Summary<'a> {
    pub(super) const fn of(snapshot: &'a Snapshot) -> Self {
        Self(snapshot)
    }

    /// Returns all sign-ins, warm-up included.
    pub const fn sign_ins(&self) -> SignInCounts {
        self.0.all
    }

    /// Returns sign-ins between warm-up and cool-down.
    pub const fn measured(&self) -> SignInCounts {
        self.0.measured
    }

    /// Returns sign-ins of the cool-down.
    pub const fn cool_down(&self) -> u64 {
        self.0.cool_down
    }

    /// Returns the failed requests by cause, warm-up included.
    pub const fn failures(&self) -> &'a Failures {
        &self.0.failures
    }

    /// Returns the totals of each workload in the scenario's order; empty if there is only one.
    pub fn workload_totals(&self) -> &'a [WorkloadTotals] {
        &self.0.workload_totals
    }

    /// Returns the decisions, warm-up included.
    pub const fn decisions(&self) -> &'a Decisions {
        &self.0.decisions
    }

    /// Returns the timeline.
    pub const fn timeline(&self) -> &'a Timeline {
        &self.0.timeline
    }

    /// Returns the latency of whole sign-ins from the intended start.
    pub const fn intended(&self) -> &'a Latencies {
        &self.0.intended
    }

    /// Returns the latency of whole sign-ins from the actual start.
    pub const fn service(&self) -> &'a Latencies {
        &self.0.service
    }

    /// Returns the time from the intended start to the end of sign-ins without a decision. They have no
    /// latency.
    pub const fn undecided(&self) -> &'a Latencies {
        &self.0.undecided
    }

    /// Returns the generator lag.
    pub const fn lag(&self) -> &'a Latencies {
        &self.0.lag
    }

    /// Returns the latency of one step; `None` if it never happened.
    pub fn step(&self, step: SignInStep) -> Option<&'a Latencies> {
        self.0.steps.get(&step)
    }

    /// Returns a quantile (0 to 1; 1 is the maximum) of a step's latency, or of whole sign-ins from the
    /// intended start. `None` if there are too few, see [`Latencies::quantile_us`].
    pub fn latency_us(&self, step: Option<SignInStep>, quantile: f64) -> Option<u64> {
        self.latencies(step)?.quantile_us(quantile)
    }

    /// Returns the number of latencies of a step, or of whole sign-ins.
    pub fn latency_count(&self, step: Option<SignInStep>) -> u64 {
        self.latencies(step).map_or(0, Latencies::count)
    }

    fn latencies(&self, step: Option<SignInStep>) -> Option<&'a Latencies> {
        match step {
            None => Some(self.intended()),
            Some(step) => self.step(step),
        }
    }

    /// Returns the share of measured sign-ins that were abandoned or failed in transport.
    pub fn failed_share(&self) -> Option<f64> {
        ratio(self.0.measured.failed(), self.0.measured.started)
    }

    /// Returns the share of measured sign-ins that were refused.
    pub fn refused_share(&self) -> Option<f64> {
        ratio(self.0.measured.refused, self.0.measured.started)
    }

    /// Returns the measured arrivals, with or without a result.
    pub const fn offered(&self) -> u64 {
        self.0.offered()
    }

    /// Returns the measured arrivals per second; `None` below two or if all were due at one moment.
    pub fn offered_per_s(&self) -> Option<f64> {
        self.0.window?.offered_per_s(self.0.offered())
    }

    /// Returns the answered sign-ins per second, from the first intended start to the last end.
    ///
    /// A backlog after the last arrival lowers it; human time does not.
    pub fn achieved_per_s(&self) -> Option<f64> {
        self.0.window?.achieved_per_s(self.0.offered(), self.0.measured.answered())
    }

    /// Returns the arrivals that could not start, without warm-up and cool-down.
    pub const fn dropped(&self) -> u64 {
        self.0.measured_unresolved.dropped
    }

    /// Returns the arrivals without an outcome after a cancel, warm-up included.
    pub const fn unfinished(&self) -> u64 {
        self.0.unresolved.unfinished
    }

    /// Returns the responses with `TooManyRequestsException`, warm-up included.
    pub fn throttled(&self) -> u64 {
        self.0.throttled.values().sum()
    }

    /// Returns the same by step.
    pub fn throttled_steps(&self) -> impl Iterator<Item = (SignInStep, u64)> {
        self.0.throttled.iter().map(|(step, count)| (*step, *count))
    }

    /// Returns the share of throttled requests, warm-up included.
    pub fn throttled_share(&self) -> Option<f64> {
        ratio(self.throttled(), self.0.requests)
    }

    /// Returns a statistic of the whole run; `None` if there are too few samples.
    pub fn value(&self, statistic: Statistic) -> Option<f64> {
        let part = StatisticInput {
            counts: self.counts(statistic),
            latencies: statistic.timing().and_then(|timing| self.timing(timing)),
            over: RatePeriod::Run(self.0.window),
        };
        part.value(statistic)
    }

    /// Returns the ratio's denominator in [`Summary::value`].
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
