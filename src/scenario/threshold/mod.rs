//! What must hold of a run: `sign_in.p99 < 400ms`, `sign_in{workload:storm}.p99[10s] < 1s`.

mod metric;
mod parse;
mod raw;

use std::time::Duration;

pub use metric::{DecisionStat, LatencyStat, Metric, SignInStat, ThroughputStat, Unit};
pub(super) use raw::RawThreshold;

/// One thing that must hold.
#[derive(Clone, PartialEq, Debug)]
pub struct Threshold {
    /// As it was written.
    pub text: String,
    /// What is looked at.
    pub metric: Metric,
    /// Of which sign-ins.
    pub of: Selector,
    /// In each stretch of this length, whole seconds; `None`: in the run as a whole.
    pub window: Option<Duration>,
    /// How it compares.
    pub op: Comparison,
    /// With what: µs for latencies, a share from 0 to 1 for rates, times a second for throughput, else a count.
    pub limit: f64,
    /// Whether the run is cut short when it does not hold.
    pub abort: bool,
    /// The run is not cut short before so much of its measured part is over.
    pub after: Duration,
}

/// Which sign-ins a threshold looks at: all, unless it says more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Selector {
    /// The id of a rule: those in which it applied.
    pub rule: Option<&'static str>,
    /// The number of a workload in the scenario, from 0.
    pub workload: Option<u16>,
}

impl Threshold {
    /// The longest window: so much of a run is kept in memory.
    pub const MAX_WINDOW: Duration = Duration::from_secs(600);
}

/// How a value compares with its limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
}

impl Comparison {
    /// All of them, two signs before one: so they are found in a text.
    pub(super) const ALL: [(&str, Self); 5] = [
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("==", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    /// Whether `value` compares so with `limit`. A value that is no number never does.
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Less => value < limit,
            Self::LessOrEqual => value <= limit,
            Self::Greater => value > limit,
            Self::GreaterOrEqual => value >= limit,
            Self::Equal => value == limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_satisfies_nothing() {
        assert!(Comparison::ALL.iter().all(|(_, op)| !op.holds(f64::NAN, 1.0)));
        assert!(Comparison::LessOrEqual.holds(1.0, 1.0) && !Comparison::Less.holds(1.0, 1.0));
    }
}
