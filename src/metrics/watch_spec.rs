//! The specification and the result of a watch.

use std::cmp::Ordering;
use std::time::Duration;

use super::Statistic;

/// The sign-ins and the statistic that a watch observes.
#[derive(Clone, PartialEq, Debug)]
pub struct WatchSpec {
    /// The statistic.
    pub statistic: Statistic,
    /// Only sign-ins in which this rule applied, and only its decisions.
    pub rule: Option<&'static str>,
    /// Only sign-ins of this workload.
    pub workload: Option<u16>,
    /// Each window, or the whole run.
    pub windows: Option<WindowSpec>,
}

/// Windows: every period of this many seconds that starts with a full second of the run and during which the
/// load is on.
///
/// Before and after the load there are few sign-ins, whose rates are not representative.
#[derive(Clone, PartialEq, Debug)]
pub struct WindowSpec {
    /// Length, at least 1.
    pub seconds: u32,
    /// Which of two values is worse.
    pub worse: WorseDirection,
    /// Fewest samples of a rate.
    pub min_samples: u64,
    /// When the load is on: in any of these spans, which may overlap.
    pub load: Vec<LoadSpan>,
}

/// The time between a workload's warm-up and its cool-down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoadSpan {
    /// Index of the workload in the scenario.
    pub workload: u16,
    /// Start, since the start of the run.
    pub from: Duration,
    /// End.
    pub until: Duration,
}

/// Which of two values is worse.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum WorseDirection {
    /// The higher one.
    Higher,
    /// The lower one.
    Lower,
    /// The one farther from this value.
    FartherFrom(f64),
}

impl WorseDirection {
    /// Returns whether `value` is worse than `other`.
    pub(super) fn is(self, value: f64, other: f64) -> bool {
        match self {
            Self::Higher => value > other,
            Self::Lower => value < other,
            Self::FartherFrom(limit) => (value - limit).abs() > (other - limit).abs(),
        }
    }
}

/// The value of one window. Times count from the start of the run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct WindowValue {
    /// The value.
    pub value: f64,
    /// Start of the window.
    pub from_us: u64,
    /// End of the window.
    pub to_us: u64,
}

/// Merges overlapping and adjacent spans; drops empty ones. The result is increasing and disjoint.
pub fn merged_spans<T: PartialOrd + Copy>(spans: impl IntoIterator<Item = (T, T)>) -> Vec<(T, T)> {
    let mut spans: Vec<(T, T)> = spans.into_iter().filter(|(from, until)| from < until).collect();
    spans.sort_by(|one, other| one.0.partial_cmp(&other.0).unwrap_or(Ordering::Equal));
    let mut merged_spans: Vec<(T, T)> = Vec::new();
    for (from, until) in spans {
        match merged_spans.last_mut() {
            Some((_, end)) if from <= *end => *end = if until > *end { until } else { *end },
            _ => merged_spans.push((from, until)),
        }
    }
    merged_spans
}
