//! The metrics of thresholds, by name: `sign_in.p99`, `failed.rate`.

use std::fmt;

use crate::scenario::values::{Rate, Share, TextValue as _, Time};
use poolproof_cognito::protocol::SignInStep;
use poolproof_cognito::time::as_us;

/// A metric of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Metric {
    /// `decisions.…`: number of decisions.
    Decisions(DecisionStat),
    /// `sign_ins.…`: number of sign-ins.
    SignIns(SignInStat),
    /// `sign_in.…`: latency of a whole sign-in from its intended start.
    SignIn(LatencyStat),
    /// `service.…`: latency of a whole sign-in from its actual start.
    Service(LatencyStat),
    /// `lag.…`: delay of the actual start of sign-ins after the intended one.
    Lag(LatencyStat),
    /// `PASSWORD_VERIFIER.…` and the like: latency of a step.
    SignInStep(SignInStep, LatencyStat),
    /// `failed.rate`: share of sign-ins without a decision: abandoned or failed in transport.
    FailedRate,
    /// `refused.rate`: share of sign-ins that the pool refused.
    RefusedRate,
    /// `throttled.rate`: share of requests that the pool throttled.
    ThrottledRate,
    /// `dropped.rate`: share of arrivals that could not start because no user was idle.
    DroppedRate,
    /// `throughput.…`: sign-ins per second.
    Throughput(ThroughputStat),
}

macro_rules! stats {
    ($($(#[$doc:meta])* $name:ident { $($(#[$stat_doc:meta])* $stat:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name { $($(#[$stat_doc])* $stat,)* }

        impl $name {
            /// All statistics, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$stat,)*];

            /// Returns the name in a threshold.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$stat => $text,)* }
            }
        }
    )*};
}

stats! {
    /// Statistics of decisions.
    DecisionStat {
        /// Decisions that the oracle checked.
        Checked = "checked",
        /// Decisions in which pool and oracle differ.
        Mismatched = "mismatched",
    }

    /// Statistics of sign-ins.
    SignInStat {
        /// All sign-ins.
        Started = "started",
        /// Sign-ins that ended with tokens.
        Completed = "completed",
        /// Sign-ins that the pool refused.
        Refused = "refused",
        /// Sign-ins that the user abandoned.
        Abandoned = "abandoned",
        /// Sign-ins without a response.
        TransportFailed = "transport_failed",
    }

    /// Rates of sign-ins.
    ThroughputStat {
        /// Sign-ins started per second.
        Offered = "offered",
        /// Sign-ins completed or refused per second.
        Achieved = "achieved",
    }
}

/// A statistic of a latency distribution.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LatencyStat {
    /// The time that this share of the sign-ins does not exceed, in thousandths of a percent: 1 to 99,999.
    Percentile(u32),
    /// The maximum.
    Max,
    /// The mean.
    Mean,
}

impl LatencyStat {
    /// The statistics that messages and the schema name. Every other percentile is allowed too.
    pub const ALL: [Self; 7] = [
        Self::Percentile(50_000),
        Self::Percentile(90_000),
        Self::Percentile(95_000),
        Self::Percentile(99_000),
        Self::P999,
        Self::Max,
        Self::Mean,
    ];
    /// The 99.9th percentile, which is also written `p999`.
    const P999: Self = Self::Percentile(99_900);

    /// Parses the name in a threshold: `max`, `mean`, or a percentile such as `p99` or `p99.95`.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let Some(percent) = name.strip_prefix('p') else {
            return match name {
                "max" => Some(Self::Max),
                "mean" => Some(Self::Mean),
                _ => None,
            };
        };
        if percent == "999" {
            return Some(Self::P999);
        }
        let (whole, decimals) = percent.split_once('.').unwrap_or((percent, "0"));
        let is_number = |text: &str, longest| {
            (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !is_number(whole, 2) || !is_number(decimals, 3) {
            return None;
        }
        let thousandths: u32 = format!("{whole}{decimals:0<3}").parse().ok()?;
        (thousandths > 0).then_some(Self::Percentile(thousandths))
    }
}

impl fmt::Display for LatencyStat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::P999 => f.write_str("p999"),
            Self::Percentile(thousandths) => write!(f, "p{}", f64::from(thousandths) / 1000.0),
            Self::Max => f.write_str("max"),
            Self::Mean => f.write_str("mean"),
        }
    }
}

/// The unit of a metric, which decides how its limit is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// A time in µs; written `400ms`.
    Time,
    /// A share from 0 to 1; written `0.1%`.
    Share,
    /// A rate per second; written `100/s`.
    PerSecond,
    /// A count; written `0`.
    Count,
}

impl Metric {
    /// Parses a name such as `sign_in.p99`.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (family, stat) = name.split_once('.').unwrap_or((name, ""));
        let time = match family {
            "sign_in" => Some(Self::SignIn as fn(LatencyStat) -> Self),
            "service" => Some(Self::Service as fn(LatencyStat) -> Self),
            "lag" => Some(Self::Lag as fn(LatencyStat) -> Self),
            _ => None,
        };
        if let Some(time) = time {
            return LatencyStat::parse(stat).map(time);
        }
        if let Some(step) = SignInStep::ALL.iter().find(|step| step.to_string() == family) {
            return LatencyStat::parse(stat).map(|stat| Self::SignInStep(*step, stat));
        }
        Self::all().into_iter().find(|metric| metric.to_string() == name)
    }

    /// Returns the metrics that messages and the schema name: all except unusual percentiles.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        all.extend(DecisionStat::ALL.iter().copied().map(Self::Decisions));
        all.extend(SignInStat::ALL.iter().copied().map(Self::SignIns));
        for metric in [Self::SignIn, Self::Service, Self::Lag] {
            all.extend(LatencyStat::ALL.map(metric));
        }
        for &step in SignInStep::ALL {
            all.extend(LatencyStat::ALL.map(|stat| Self::SignInStep(step, stat)));
        }
        all.extend([Self::FailedRate, Self::RefusedRate, Self::ThrottledRate, Self::DroppedRate]);
        all.extend(ThroughputStat::ALL.iter().copied().map(Self::Throughput));
        all
    }

    /// Returns the unit.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Decisions(_) | Self::SignIns(_) => Unit::Count,
            Self::SignIn(_) | Self::Service(_) | Self::Lag(_) | Self::SignInStep(..) => Unit::Time,
            Self::FailedRate | Self::RefusedRate | Self::ThrottledRate | Self::DroppedRate => Unit::Share,
            Self::Throughput(_) => Unit::PerSecond,
        }
    }

    /// Whether a selector may name a rule. The rule of a failed sign-in is unknown, so rates do not support
    /// it.
    pub const fn supports_rule_selector(self) -> bool {
        matches!(self.unit(), Unit::Time) || matches!(self, Self::Decisions(_))
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decisions(stat) => write!(f, "decisions.{}", stat.as_str()),
            Self::SignIns(stat) => write!(f, "sign_ins.{}", stat.as_str()),
            Self::SignIn(stat) => write!(f, "sign_in.{stat}"),
            Self::Service(stat) => write!(f, "service.{stat}"),
            Self::Lag(stat) => write!(f, "lag.{stat}"),
            Self::SignInStep(step, stat) => write!(f, "{step}.{stat}"),
            Self::FailedRate => f.write_str("failed.rate"),
            Self::RefusedRate => f.write_str("refused.rate"),
            Self::ThrottledRate => f.write_str("throttled.rate"),
            Self::DroppedRate => f.write_str("dropped.rate"),
            Self::Throughput(stat) => write!(f, "throughput.{}", stat.as_str()),
        }
    }
}

impl Unit {
    pub(super) const ALL: [Self; 4] = [Self::Time, Self::Share, Self::PerSecond, Self::Count];

    /// Returns a description of the unit and an example of a limit.
    pub(super) const fn example(self) -> (&'static str, &'static str) {
        match self {
            Self::Time => ("a time", "400ms"),
            Self::Share => ("a share", "0.1%"),
            Self::PerSecond => ("a rate", "100/s"),
            Self::Count => ("a count", "0"),
        }
    }

    /// Returns a regular expression of the limit.
    pub(super) fn pattern(self) -> &'static str {
        let anchored = match self {
            Self::Time => Time::PATTERN,
            Self::Share => Share::PATTERN,
            Self::PerSecond => Rate::PATTERN,
            Self::Count => "^[0-9]+$",
        };
        anchored.trim_start_matches('^').trim_end_matches('$')
    }

    /// Parses a limit.
    pub(super) fn parse(self, limit: &str) -> Result<f64, String> {
        match self {
            Self::Time => Time::parse(limit).map(|time| as_us(time.0) as f64),
            Self::Share => Share::parse(limit).map(|share| share.0),
            Self::PerSecond => Rate::parse(limit).map(|rate| rate.0),
            Self::Count => match limit.parse::<u32>() {
                Ok(count) if !limit.starts_with('+') => Ok(f64::from(count)),
                _ => Err(format!("`{limit}` is not a count such as `0`")),
            },
        }
    }
}
