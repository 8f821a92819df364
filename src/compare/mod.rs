//! Compares two sets of reports: decisions exactly, speed by paired runs.
//!
//! [`reports`] compares one run with one run, without a verdict on speed. An [`Experiment`] takes pairs of
//! runs in the order of a [`plan`] and judges each metric: *regressed*, *improved*, *equivalent* or
//! *inconclusive*. This module runs and reads nothing.
//!
//! Methods: the unit is the run, not the request, in random and balanced order (Y. Zhang et al., "Treadmill:
//! Attributing the Source of Tail Latency through Precise Load Testing and Statistical Inference", ISCA
//! 2016). Intervals use the BCa bootstrap (Efron 1987), widened for few pairs (Hesterberg 2015). Equivalence
//! uses two one-sided tests (Schuirmann 1987). Holm's method (1979) corrects for several metrics, a
//! Bonferroni split for several looks.
//!
//! | file | what it does |
//! |---|---|
//! | `statistics`, `distributions` | statistics of paired numbers |
//! | `verdict` | metrics, relevant effects, verdicts |
//! | `plan`, `experiment` | the order of runs; from pairs to a comparison |
//! | `comparable`, `decisions` | comparability and decisions |
//! | `reports` | one run against one run |
//! | `model`, `render`, `text`, `markdown` | the comparison as data and for people |

mod comparable;
mod decisions;
mod distributions;
mod experiment;
mod markdown;
mod model;
mod plan;
mod render;
mod reports;
mod statistics;
mod text;
mod verdict;

pub use comparable::{Difference, differences};
pub use decisions::{CountChange, DecisionCounts, Decisions, decisions};
pub use experiment::{Experiment, PairStatus};
pub use markdown::markdown;
pub use model::{
    ComparedValue, Comparison, Conditions, DecisionComparison, NotCompared, ScenarioComparison, ValueUnit,
    Verdict,
};
pub use plan::{Arm, Slot, plan};
pub use reports::{ADVISORY, Incomparable, Reports, reports};
pub use statistics::{Estimate, Interval, MIN_PAIRS, estimate, holm, noise_floor};
pub use text::text;
pub use verdict::{
    ComparisonOptions, Metric, MetricResult, MetricVerdict, Pair, RunMetrics, Series, judge_metrics, overall,
};
