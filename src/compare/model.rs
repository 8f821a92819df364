//! A comparison as data: the fields of `--format json`, in its order.
//!
//! Times are in µs, shares are from 0 to 1, `null` means unknown.

use serde::Serialize;

use super::decisions::Decisions;
use super::verdict::MetricResult;
use crate::clock::ClockKind;

/// A comparison of base and head.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Comparison {
    /// The version of this format. It increases when a field changes its meaning or is removed.
    pub schema_version: u32,
    /// The base: a directory or a command line.
    pub base: String,
    /// The head: a directory or a command line.
    pub head: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The conditions of the experiment; absent for one run against one run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<Conditions>,
    /// The scenarios, by name.
    pub scenarios: Vec<ScenarioComparison>,
    /// The scenarios that only one side has, or whose reports are incomparable; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_compared: Vec<NotCompared>,
}

/// A scenario that was not compared.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NotCompared {
    /// Its name.
    pub scenario: String,
    /// Why: `only in base`, `only in head`, or the differences.
    pub reasons: Vec<String>,
}

/// The verdict of a comparison.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verdict {
    /// `decisions differ`, `regressed`, `inconclusive`, `improved` or `equivalent`; for two single runs only
    /// `decisions differ` or `decisions identical`.
    pub word: String,
    /// The exit code.
    pub exit_code: u8,
    /// The reasons.
    pub sentences: Vec<String>,
}

impl Verdict {
    /// No finding against the head.
    pub const PASS: u8 = 0;
    /// Decisions differ.
    pub const DECISIONS_DIFFER: u8 = 80;
    /// The head is significantly slower by a relevant amount.
    pub const REGRESSED: u8 = 81;
    /// The result is inconclusive.
    pub const INCONCLUSIVE: u8 = 82;
    /// The generator could not keep up.
    pub const SATURATED: u8 = 83;
}

/// The conditions of an experiment.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Conditions {
    /// The seed of the order, the scenario seeds and the resamples.
    pub seed: u64,
    /// Pairs of base and head.
    pub pairs: usize,
    /// Pairs of base and base.
    pub same_pairs: usize,
    /// Number of planned looks; they share the error probability.
    pub looks: u32,
    /// Confidence of the intervals in this look.
    pub confidence: f64,
    /// Resamples of the bootstrap.
    pub resamples: usize,
    /// The smallest relevant effect.
    pub min_effect: f64,
    /// Runs whose generator could not keep up.
    pub saturated_runs: u32,
    /// Share of CPU steal above which a pair's times are excluded.
    #[serde(rename = "most_stolen")]
    pub max_steal: f64,
    /// Pairs excluded for CPU steal; each was run again, a limited number of times.
    pub steal_excluded_pairs: u32,
    /// Pairs without any run that counts.
    pub left_out_pairs: usize,
}

/// One scenario.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ScenarioComparison {
    /// Its name.
    pub scenario: String,
    /// The clock of both sides.
    pub clock: ClockKind,
    /// The SRP group of both sides.
    pub group: String,
    /// The target of both sides.
    pub target: String,
    /// The seed of both sides; absent in an experiment, where each pair has its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The decisions.
    pub decisions: DecisionComparison,
    /// The metrics with verdicts; empty for one run against one run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<MetricResult>,
    /// Times side by side; empty in an experiment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<ComparedValue>,
}

/// The decisions of one scenario.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DecisionComparison {
    /// Sums over all pairs, and the differences of the first pair that differs.
    #[serde(flatten)]
    pub first: Decisions,
    /// Pairs whose decisions were compared, including pairs with excluded times.
    pub pairs: u32,
    /// Number of pairs whose decisions differ.
    pub differing_pairs: u32,
    /// Whether two runs of the base already differ, so that nothing follows about the head.
    pub base_differs_from_itself: bool,
}

/// A number of both runs.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ComparedValue {
    /// The subject: `sign_in p99`, `PASSWORD_VERIFIER p50`, `throughput`.
    pub what: String,
    /// Its unit: `us`, `per_s`, `count`.
    pub unit: ValueUnit,
    /// The value of the base.
    pub base: Option<f64>,
    /// The value of the head.
    pub head: Option<f64>,
    /// Head divided by base, to three decimals.
    pub ratio: Option<f64>,
}

/// The unit of a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueUnit {
    /// Microseconds.
    Us,
    /// Events per second.
    PerS,
    /// A count.
    Count,
}

impl Comparison {
    /// The version of the format.
    pub const SCHEMA_VERSION: u32 = 2;

    /// Returns the comparison as JSON: indented, with a final newline.
    pub fn to_json(&self) -> String {
        // Keys are strings and numbers are finite, so serialization cannot fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
