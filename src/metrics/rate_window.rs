//! The period of a run that rates refer to.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::SignInRecord;
use poolproof_cognito::time::as_us;

/// Start and end of a load, since the start of the run.
pub type MeasuredLoad = (Duration, Duration);

/// The period in which measured sign-ins took place, in µs since the start of the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct RateWindow {
    pub(super) first_intended_us: u64,
    pub(super) last_intended_us: u64,
    /// The latest intended start plus latency; human time does not extend the period.
    pub(super) last_end_us: u64,
    /// The load's time, if it is known.
    load: Option<Load>,
}

/// The time in which a scenario asks for measured sign-ins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Load {
    from_us: u64,
    to_us: u64,
    /// The end so far: a run can be canceled.
    until_us: u64,
}

impl RateWindow {
    /// Returns the period of a load from `from` to `to`, before its first sign-in.
    pub(super) fn planned((from, to): (Duration, Duration)) -> Self {
        let load = Load { from_us: as_us(from), to_us: as_us(to), until_us: as_us(from) };
        Self { load: Some(load), ..Self::at(from) }
    }

    /// Sets the time up to which the load lasted.
    pub(super) fn elapse(&mut self, elapsed: Duration) {
        if let Some(load) = &mut self.load {
            load.until_us = as_us(elapsed).clamp(load.from_us, load.to_us.max(load.from_us));
        }
    }

    /// Returns the period of one sign-in.
    pub(super) fn of(sign_in: &SignInRecord) -> Self {
        Self {
            first_intended_us: as_us(sign_in.intended),
            last_intended_us: as_us(sign_in.intended),
            last_end_us: as_us(sign_in.intended.saturating_add(sign_in.latency)),
            load: None,
        }
    }

    /// Returns the period of an arrival without an outcome.
    pub(super) fn at(intended: Duration) -> Self {
        let us = as_us(intended);
        Self { first_intended_us: us, last_intended_us: us, last_end_us: us, load: None }
    }

    /// Returns the shortest period that contains both.
    pub(super) fn merged(one: Option<Self>, two: Option<Self>) -> Option<Self> {
        match (one, two) {
            (Some(one), Some(two)) => Some(one.around(two)),
            (one, two) => one.or(two),
        }
    }

    /// Returns the rate of `n` arrivals; `None` below two or if all were due at one moment.
    pub(super) fn offered_per_s(self, n: u64) -> Option<f64> {
        per_second(n, self.offered_us(n)?)
    }

    /// Returns the rate of answered sign-ins, from the first intended start to the last end.
    pub(super) fn achieved_per_s(self, n: u64, answered: u64) -> Option<f64> {
        let until_last_end = self.last_end_us.saturating_sub(self.first_intended_us);
        per_second(answered, self.offered_us(n)?.max(until_last_end as f64))
    }

    /// Returns the time of `n` arrivals: that of the load. If that is unknown, from the first to the last
    /// plus one mean gap, so that n arrivals have n gaps.
    fn offered_us(self, n: u64) -> Option<f64> {
        if let Some(load) = self.load {
            let time_us = load.until_us.saturating_sub(load.from_us);
            return (n > 1 && time_us > 0).then_some(time_us as f64);
        }
        let span_us = self.last_intended_us.saturating_sub(self.first_intended_us);
        (n > 1 && span_us > 0).then(|| span_us as f64 * n as f64 / (n - 1) as f64)
    }

    fn around(self, other: Self) -> Self {
        Self {
            first_intended_us: self.first_intended_us.min(other.first_intended_us),
            last_intended_us: self.last_intended_us.max(other.last_intended_us),
            last_end_us: self.last_end_us.max(other.last_end_us),
            load: Load::longest(self.load, other.load),
        }
    }
}

impl Load {
    /// Returns the load that lasted longer: the parts of one run have the same load and can end at different
    /// times.
    fn longest(one: Option<Self>, two: Option<Self>) -> Option<Self> {
        [one, two].into_iter().flatten().max_by_key(|load| load.until_us)
    }
}

fn per_second(count: u64, time_us: f64) -> Option<f64> {
    (time_us > 0.0).then(|| count as f64 * 1e6 / time_us)
}
