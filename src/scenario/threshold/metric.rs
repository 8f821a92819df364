//! What can be asked of a run, by name: `sign_in.p99`, `failed.rate`.

use std::fmt;

use crate::scenario::values::{Rate, Share, Text as _, Time};
use poolproof_cognito::protocol::SignInStep;
use poolproof_cognito::time::as_us;

/// What a threshold looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Metric {
    /// `decisions.…`: how many decisions.
    Decisions(DecisionStat),
    /// `sign_ins.…`: how many sign-ins.
    SignIns(SignInStat),
    /// `sign_in.…`: latency of a whole sign-in, from its intended start.
    SignIn(LatencyStat),
    /// `service.…`: the same from the actual start.
    Service(LatencyStat),
    /// `lag.…`: how late the generator started sign-ins.
    Lag(LatencyStat),
    /// `PASSWORD_VERIFIER.…` and the like: latency of a step.
    SignInStep(SignInStep, LatencyStat),
    /// `failed.rate`: share of sign-ins that got no decision: abandoned or failed in transport.
    FailedRate,
    /// `refused.rate`: share of sign-ins that the pool refused.
    RefusedRate,
    /// `throttled.rate`: share of requests that the pool throttled.
    ThrottledRate,
    /// `offered_missed.rate`: share of the sign-ins that were due and could not start, since nobody was free.
    DroppedRate,
    /// `throughput.…`: sign-ins a second.
    Throughput(ThroughputStat),
}

macro_rules! stats {
    ($($(#[$doc:meta])* $name:ident { $($(#[$stat_doc:meta])* $stat:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name { $($(#[$stat_doc])* $stat,)* }

        impl $name {
            /// All of them, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$stat,)*];

            /// The word in a threshold.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$stat => $text,)* }
            }
        }
    )*};
}

stats! {
    /// Counts of decisions.
    DecisionStat {
        /// Decisions that the oracle checked.
        Checked = "checked",
        /// Decisions in which pool and oracle differ.
        Mismatched = "mismatched",
    }

    /// Counts of sign-ins.
    SignInStat {
        /// All.
        Started = "started",
        /// Those that led to tokens.
        Completed = "completed",
        /// Those that the pool refused.
        Refused = "refused",
        /// Those that the user gave up.
        Abandoned = "abandoned",
        /// Those that got no answer.
        TransportFailed = "transport_failed",
    }

    /// Figures of a latency distribution.
    LatencyStat {
        /// The median.
        P50 = "p50",
        /// Nine of ten are not slower.
        P90 = "p90",
        /// 95 of 100.
        P95 = "p95",
        /// 99 of 100.
        P99 = "p99",
        /// 999 of 1000.
        P999 = "p999",
        /// The slowest.
        Max = "max",
        /// The mean.
        Mean = "mean",
    }

    /// Rates of sign-ins.
    ThroughputStat {
        /// Sign-ins a second that were started.
        Offered = "offered",
        /// Sign-ins a second that were completed or refused.
        Achieved = "achieved",
    }
}

/// What kind of number a metric is, and so how its limit is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// A time in µs; written `400ms`.
    Time,
    /// A share from 0 to 1; written `0.1%`.
    Share,
    /// Times a second; written `100/s`.
    PerSecond,
    /// How many; written `0`.
    Count,
}

impl Metric {
    /// Every metric.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        all.extend(DecisionStat::ALL.iter().copied().map(Self::Decisions));
        all.extend(SignInStat::ALL.iter().copied().map(Self::SignIns));
        for of in [Self::SignIn, Self::Service, Self::Lag] {
            all.extend(LatencyStat::ALL.iter().copied().map(of));
        }
        for &step in SignInStep::ALL {
            all.extend(LatencyStat::ALL.iter().map(|&stat| Self::SignInStep(step, stat)));
        }
        all.extend([Self::FailedRate, Self::RefusedRate, Self::ThrottledRate, Self::DroppedRate]);
        all.extend(ThroughputStat::ALL.iter().copied().map(Self::Throughput));
        all
    }

    /// What kind of number it is.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Decisions(_) | Self::SignIns(_) => Unit::Count,
            Self::SignIn(_) | Self::Service(_) | Self::Lag(_) | Self::SignInStep(..) => Unit::Time,
            Self::FailedRate | Self::RefusedRate | Self::ThrottledRate | Self::DroppedRate => Unit::Share,
            Self::Throughput(_) => Unit::PerSecond,
        }
    }

    /// Whether it can be asked of those sign-ins alone in which a rule applied: of one that failed, none is known.
    pub const fn supports_rule_selector(self) -> bool {
        matches!(self.unit(), Unit::Time) || matches!(self, Self::Decisions(_))
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decisions(stat) => write!(f, "decisions.{}", stat.as_str()),
            Self::SignIns(stat) => write!(f, "sign_ins.{}", stat.as_str()),
            Self::SignIn(stat) => write!(f, "sign_in.{}", stat.as_str()),
            Self::Service(stat) => write!(f, "service.{}", stat.as_str()),
            Self::Lag(stat) => write!(f, "lag.{}", stat.as_str()),
            Self::SignInStep(step, stat) => write!(f, "{step}.{}", stat.as_str()),
            Self::FailedRate => f.write_str("failed.rate"),
            Self::RefusedRate => f.write_str("refused.rate"),
            Self::ThrottledRate => f.write_str("throttled.rate"),
            Self::DroppedRate => f.write_str("offered_missed.rate"),
            Self::Throughput(stat) => write!(f, "throughput.{}", stat.as_str()),
        }
    }
}

impl Unit {
    pub(super) const ALL: [Self; 4] = [Self::Time, Self::Share, Self::PerSecond, Self::Count];

    /// What it is, and a limit as an example.
    pub(super) const fn example(self) -> (&'static str, &'static str) {
        match self {
            Self::Time => ("a time", "400ms"),
            Self::Share => ("a share", "0.1%"),
            Self::PerSecond => ("a rate", "100/s"),
            Self::Count => ("a count", "0"),
        }
    }

    /// What the limit looks like, as a regular expression.
    pub(super) fn pattern(self) -> &'static str {
        let anchored = match self {
            Self::Time => Time::PATTERN,
            Self::Share => Share::PATTERN,
            Self::PerSecond => Rate::PATTERN,
            Self::Count => "^[0-9]+$",
        };
        anchored.trim_start_matches('^').trim_end_matches('$')
    }

    /// The limit as a number.
    pub(super) fn read(self, limit: &str) -> Result<f64, String> {
        match self {
            Self::Time => Time::read(limit).map(|time| as_us(time.0) as f64),
            Self::Share => Share::read(limit).map(|share| share.0),
            Self::PerSecond => Rate::read(limit).map(|rate| rate.0),
            Self::Count => match limit.parse::<u32>() {
                Ok(count) if !limit.starts_with('+') => Ok(f64::from(count)),
                _ => Err(format!("`{limit}` is not a count such as `0`")),
            },
        }
    }
}
