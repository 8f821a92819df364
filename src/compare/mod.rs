//! Two sets of reports against each other: decisions exactly, speed by paired runs.
//!
//! [`reports`] holds one run against one run, which proves nothing about speed. An [`Experiment`] takes pairs
//! of runs in the order of a [`plan`] and has each metric judged: *regressed*, *improved*, *equivalent* or
//! *inconclusive*. Nothing here runs or reads anything.
//!
//! The methods and where they are from: runs and not requests as the unit, in random and balanced order (Y.
//! Zhang et al., "Treadmill: Attributing the Source of Tail Latency through Precise Load Testing and
//! Statistical Inference", ISCA 2016: quantiles of each run, then over runs, since runs differ by more than
//! their requests tell); intervals by the BCa bootstrap (Efron 1987), widened for few pairs (Hesterberg
//! 2015); equivalence by two one-sided tests (Schuirmann 1987); several metrics by Holm's method (1979);
//! several looks by sharing the error among them (Bonferroni).
//!
//! | file | what it does |
//! |---|---|
//! | `statistics`, `distributions` | what can be said of paired numbers |
//! | `verdict` | metrics, effects that matter, verdicts |
//! | `plan`, `experiment` | which arm runs when; pairs in, comparison out |
//! | `comparable`, `decisions` | what must be the same, and what was decided |
//! | `reports` | one run against one run |
//! | `model`, `words`, `text`, `markdown` | the comparison as data and for people |

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
    ComparedValue, Comparison, Conditions, DecisionComparison, ScenarioComparison, ValueUnit, Verdict,
};
pub use plan::{Arm, Slot, plan};
pub use reports::{ADVISORY, Incomparable, Reports, reports};
pub use statistics::{Estimate, Interval, MIN_PAIRS, estimate, holm, noise_floor};
pub use text::text;
pub use verdict::{
    ComparisonOptions, Metric, MetricResult, MetricVerdict, Pair, RunMetrics, Series, judge_metrics, overall,
};
