//! Statistics of sign-ins, and the counts that they derive from.

use serde::{Deserialize, Serialize};

use super::rate_window::RateWindow;
use super::{Latencies, SignInCounts, SignInRecord};
use poolproof_cognito::protocol::SignInStep;

/// A time that every sign-in has, or each of its steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timing {
    /// Latency from the intended start.
    Intended,
    /// Latency from the actual start.
    Service,
    /// Generator lag.
    Lag,
    /// Latency of a step.
    SignInStep(SignInStep),
}

/// Something that is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counter {
    /// Judged decisions.
    Checked,
    /// Decisions that do not match their rules.
    Mismatched,
    /// Sign-ins with any result.
    Started,
    /// Completed ones.
    Completed,
    /// Refused ones.
    Refused,
    /// Abandoned ones.
    Abandoned,
    /// Those without a response.
    TransportFailed,
    /// The last two.
    Failed,
    /// Completed and refused ones.
    Answered,
    /// Arrivals that were due.
    Offered,
    /// Arrivals that could not start.
    Dropped,
    /// Responses with `TooManyRequestsException`.
    Throttled,
    /// Requests.
    Requests,
}

/// A statistic of sign-ins: times in µs, rates from 0 to 1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Statistic {
    /// The time that this share (0 to 1; 1 is the maximum) does not exceed.
    Quantile(Timing, f64),
    /// The mean of a time.
    Mean(Timing),
    /// A count.
    Count(Counter),
    /// The ratio of the first count to the second.
    Share(Counter, Counter),
    /// A rate per second: offered or answered.
    PerSecond(Counter),
}

impl Statistic {
    /// Returns the time that it is about, if any.
    pub(super) const fn timing(self) -> Option<Timing> {
        match self {
            Self::Quantile(timing, _) | Self::Mean(timing) => Some(timing),
            Self::Count(_) | Self::Share(..) | Self::PerSecond(_) => None,
        }
    }

    /// Returns whether it includes the warm-up: counts do, measurements do not.
    pub(super) const fn includes_warm_up(self) -> bool {
        matches!(self, Self::Count(_) | Self::Share(Counter::Throttled, _))
    }
}

/// Counts of everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) sign_ins: SignInCounts,
    pub(super) checked: u64,
    pub(super) mismatched: u64,
    pub(super) throttled: u64,
    pub(super) requests: u64,
    /// Arrivals that were due.
    pub(super) offered: u64,
    /// Arrivals that could not start.
    pub(super) dropped: u64,
}

impl Counts {
    /// Adds the result of a sign-in and those of its decisions that `rule` applies to.
    pub(super) fn record(&mut self, sign_in: &SignInRecord, rule: Option<&str>) {
        self.sign_ins.count(sign_in.end);
        self.throttled += sign_in.throttled.len() as u64;
        self.requests += u64::from(sign_in.requests);
        for verdict in sign_in.judgements.iter().filter(|verdict| rule.is_none_or(|id| verdict.rule.id == id))
        {
            self.checked += 1;
            self.mismatched += u64::from(!verdict.matches());
        }
    }

    pub(super) const fn add(&mut self, other: &Self) {
        self.sign_ins.add(&other.sign_ins);
        self.checked += other.checked;
        self.mismatched += other.mismatched;
        self.throttled += other.throttled;
        self.requests += other.requests;
        self.offered += other.offered;
        self.dropped += other.dropped;
    }

    /// Removes what was added.
    pub(super) const fn subtract(&mut self, other: &Self) {
        self.sign_ins.subtract(&other.sign_ins);
        self.checked -= other.checked;
        self.mismatched -= other.mismatched;
        self.throttled -= other.throttled;
        self.requests -= other.requests;
        self.offered -= other.offered;
        self.dropped -= other.dropped;
    }

    const fn of(&self, counted: Counter) -> u64 {
        match counted {
            Counter::Checked => self.checked,
            Counter::Mismatched => self.mismatched,
            Counter::Started => self.sign_ins.started,
            Counter::Completed => self.sign_ins.completed,
            Counter::Refused => self.sign_ins.refused,
            Counter::Abandoned => self.sign_ins.abandoned,
            Counter::TransportFailed => self.sign_ins.transport_failed,
            Counter::Failed => self.sign_ins.failed(),
            Counter::Answered => self.sign_ins.answered(),
            Counter::Offered => self.offered,
            Counter::Dropped => self.dropped,
            Counter::Throttled => self.throttled,
            Counter::Requests => self.requests,
        }
    }
}

/// The time that counts refer to.
#[derive(Clone, Copy, Debug)]
pub(super) enum RatePeriod {
    /// A run whose sign-ins took place in this period.
    Run(Option<RateWindow>),
    /// This many seconds.
    Seconds(f64),
}

/// Some sign-ins, to compute a statistic of.
#[derive(Clone, Copy, Debug)]
pub(super) struct StatisticInput<'a> {
    pub(super) counts: Counts,
    /// The times that the statistic is about.
    pub(super) latencies: Option<&'a Latencies>,
    pub(super) over: RatePeriod,
}

impl StatisticInput<'_> {
    /// Returns the value; `None` if there are too few samples.
    pub(super) fn value(&self, statistic: Statistic) -> Option<f64> {
        match statistic {
            Statistic::Quantile(_, quantile) => self.latencies?.quantile_us(quantile).map(|us| us as f64),
            Statistic::Mean(_) => self.latencies?.mean_us(),
            // If nothing was checked, nothing is shown to match.
            Statistic::Count(Counter::Mismatched) if self.counts.checked == 0 => None,
            Statistic::Count(counted) => Some(self.counts.of(counted) as f64),
            Statistic::Share(part, _) => {
                let all = self.denominator(statistic).filter(|all| *all > 0)?;
                Some(self.counts.of(part) as f64 / all as f64)
            }
            Statistic::PerSecond(counted) => match (self.over, counted) {
                (RatePeriod::Seconds(seconds), _) => Some(self.counts.of(counted) as f64 / seconds),
                (RatePeriod::Run(window), Counter::Offered) => window?.offered_per_s(self.counts.offered),
                (RatePeriod::Run(window), _) => {
                    window?.achieved_per_s(self.counts.offered, self.counts.of(counted))
                }
            },
        }
    }

    /// Returns the ratio's denominator.
    pub(super) const fn denominator(&self, statistic: Statistic) -> Option<u64> {
        match statistic {
            Statistic::Share(_, all) => Some(self.counts.of(all)),
            _ => None,
        }
    }
}
