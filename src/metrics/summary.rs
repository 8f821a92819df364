//! Answers about a snapshot: what thresholds are checked against and reports are made of.

use super::{Decisions, Latencies, SignIns, Snapshot, Timeline};
use crate::protocol::Step;

/// A view of a snapshot. Latencies in µs, shares from 0 to 1, rates per second; `None` is "cannot be said".
#[derive(Clone, Copy, Debug)]
pub struct Summary<'a>(&'a Snapshot);

impl<'a> Summary<'a> {
    pub(super) const fn of(snapshot: &'a Snapshot) -> Self {
        Self(snapshot)
    }

    /// All sign-ins, warm-up too.
    pub const fn sign_ins(&self) -> SignIns {
        self.0.all
    }

    /// Sign-ins after the warm-up.
    pub const fn measured(&self) -> SignIns {
        self.0.measured
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
    pub fn step(&self, step: Step) -> Option<&'a Latencies> {
        self.0.steps.get(&step)
    }

    /// A quantile (0 to 1; 1 is the longest) of a step's latency, or of whole sign-ins' from the intended start.
    /// `None` where the count does not support it, see [`Latencies::quantile_us`].
    pub fn latency_us(&self, step: Option<Step>, quantile: f64) -> Option<u64> {
        self.latencies(step)?.quantile_us(quantile)
    }

    /// How many latencies of a step, or of whole sign-ins, there are.
    pub fn latency_count(&self, step: Option<Step>) -> u64 {
        self.latencies(step).map_or(0, Latencies::count)
    }

    fn latencies(&self, step: Option<Step>) -> Option<&'a Latencies> {
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

    /// Measured sign-ins meant to start, per second; `None` below two or when all were meant for one moment.
    pub fn offered_per_s(&self) -> Option<f64> {
        per_second(self.0.measured.started + self.0.missed, self.offered_us()?)
    }

    /// Measured sign-ins that the pool answered, per second from the first intended start to the last end.
    ///
    /// A backlog that is worked off after the last arrival lowers it; the time that people take does not.
    pub fn achieved_per_s(&self) -> Option<f64> {
        let window = self.0.window?;
        let until_last_end = window.last_end_us.saturating_sub(window.first_intended_us);
        let time_us = self.offered_us()?.max(until_last_end as f64);
        per_second(self.0.measured.answered(), time_us)
    }

    /// Sign-ins that could not start when they were meant to, without warm-up.
    pub const fn missed(&self) -> u64 {
        self.0.missed
    }

    /// Answers with `TooManyRequestsException`, warm-up too.
    pub fn throttled(&self) -> u64 {
        self.0.throttled.values().sum()
    }

    /// The same, by the step that was throttled.
    pub fn throttled_steps(&self) -> impl Iterator<Item = (Step, u64)> {
        self.0.throttled.iter().map(|(step, count)| (*step, *count))
    }

    /// The share of all requests that were throttled, warm-up too.
    pub fn throttled_share(&self) -> Option<f64> {
        ratio(self.throttled(), self.0.requests)
    }

    /// The time that arrivals took: from the first to the last, and one mean gap more, so that n arrivals have n gaps.
    fn offered_us(&self) -> Option<f64> {
        let window = self.0.window?;
        let (n, span_us) =
            (self.0.measured.started + self.0.missed, window.last_intended_us - window.first_intended_us);
        (n > 1 && span_us > 0).then(|| span_us as f64 * n as f64 / (n - 1) as f64)
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn per_second(count: u64, time_us: f64) -> Option<f64> {
    (time_us > 0.0).then(|| count as f64 * 1e6 / time_us)
}
