//! What a watch is told to look at, and what it says that it saw.

use std::cmp::Ordering;
use std::time::Duration;

use super::Statistic;

/// What a watch looks at.
#[derive(Clone, PartialEq, Debug)]
pub struct WatchSpec {
    /// The number that is asked for.
    pub statistic: Statistic,
    /// Of sign-ins in which this rule applied; of their decisions, those that it applied to.
    pub rule: Option<&'static str>,
    /// Of sign-ins of this workload.
    pub workload: Option<u16>,
    /// In each window, or in the run as a whole.
    pub windows: Option<WindowSpec>,
}

/// Windows: every stretch of so many seconds that begins with a full second of the run, and in all of which the load is on.
///
/// Before and afterwards there is less of everything: few sign-ins make large shares, and no throughput.
#[derive(Clone, PartialEq, Debug)]
pub struct WindowSpec {
    /// Their length, at least 1.
    pub seconds: u32,
    /// Which of two values is the worse.
    pub worse: WorseDirection,
    /// Of fewer than this a share is not told.
    pub min_samples: u64,
    /// When the load is on: in any of these, which may overlap.
    pub load: Vec<LoadSpan>,
}

/// The time between a workload's warm-up and its cool-down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoadSpan {
    /// The number of the workload in the scenario.
    pub workload: u16,
    /// Its start, since the start of the run.
    pub from: Duration,
    /// Its end.
    pub until: Duration,
}

/// Which of two values is the worse.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum WorseDirection {
    /// The higher one.
    Higher,
    /// The lower one.
    Lower,
    /// The one farther from this.
    FartherFrom(f64),
}

impl WorseDirection {
    /// Whether `value` is worse than `other`.
    pub(super) fn is(self, value: f64, other: f64) -> bool {
        match self {
            Self::Higher => value > other,
            Self::Lower => value < other,
            Self::FartherFrom(limit) => (value - limit).abs() > (other - limit).abs(),
        }
    }
}

/// What was seen in one window. Moments count from the start of the run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct WindowValue {
    /// The figure.
    pub value: f64,
    /// When the window began.
    pub from_us: u64,
    /// When it ended.
    pub to_us: u64,
}

/// Spans from one moment to another without those that are empty, rising and apart from one another: what overlaps or meets is one.
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
