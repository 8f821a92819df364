//! Thresholds, the conditions that a run must meet: `sign_in.p99 < 400ms`, `sign_in{workload:storm}.p99[10s]
//! < 1s`.

mod metric;
mod parse;
mod raw;

use std::time::Duration;

pub use metric::{DecisionStat, LatencyStat, Metric, SignInStat, ThroughputStat, Unit};
pub(super) use raw::RawThreshold;

/// A condition that a run must meet.
#[derive(Clone, PartialEq, Debug)]
pub struct Threshold {
    /// The text as given.
    pub text: String,
    /// The metric.
    pub metric: Metric,
    /// The sign-ins that count.
    pub selector: Selector,
    /// Length of the time windows in which the condition must hold, in whole seconds; `None`: the whole run.
    pub window: Option<Duration>,
    /// The comparison of the metric with the limit.
    pub op: Comparison,
    /// The limit: µs for latencies, a share from 0 to 1 for rates, a rate per second for throughput, else a
    /// count.
    pub limit: f64,
    /// Whether the run stops when the condition does not hold.
    pub abort: bool,
    /// Time of the measured part during which the threshold does not stop the run.
    pub after: Duration,
}

/// The sign-ins that a threshold selects; the default selects all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Selector {
    /// Only sign-ins to which the rule with this id applied.
    pub rule: Option<&'static str>,
    /// Only sign-ins of the workload with this index.
    pub workload: Option<u16>,
}

impl Threshold {
    /// The longest window. The run keeps measurements of this length in memory.
    pub const MAX_WINDOW: Duration = Duration::from_secs(600);
}

/// The comparison of a value with a limit.
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
    /// All comparisons with their signs.
    pub(super) const ALL: [(&str, Self); 5] = [
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("==", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    /// Whether the comparison of `value` with `limit` holds. It never holds for NaN.
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
    fn no_comparison_holds_for_nan() {
        assert!(Comparison::ALL.iter().all(|(_, op)| !op.holds(f64::NAN, 1.0)));
        assert!(Comparison::LessOrEqual.holds(1.0, 1.0) && !Comparison::Less.holds(1.0, 1.0));
    }
}
