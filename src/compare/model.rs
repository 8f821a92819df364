//! A comparison as data: the fields of `--format json`, in its order.
//!
//! Times are in µs, shares go from 0 to 1, `null` is "cannot be said".

use serde::Serialize;

use super::decisions::Decisions;
use super::verdict::MetricResult;
use crate::clock::ClockKind;

/// Base and head side by side.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Comparison {
    /// The version of this form: 1. It rises when a field changes its meaning or goes.
    pub schema_version: u32,
    /// What the base is: a folder, or a command line.
    pub base: String,
    /// What the head is.
    pub head: String,
    /// How it came out.
    pub verdict: Verdict,
    /// How it was found out; absent where one run stands against one run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<Conditions>,
    /// The scenarios, by name.
    pub scenarios: Vec<ScenarioComparison>,
}

/// How a comparison came out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verdict {
    /// `decisions differ`, `regressed`, `inconclusive`, `improved`, `equivalent`; of two runs only `decisions
    /// differ` or `decisions identical`.
    pub word: String,
    /// The exit code.
    pub exit_code: u8,
    /// Why.
    pub sentences: Vec<String>,
}

impl Verdict {
    /// Nothing speaks against the head.
    pub const PASS: u8 = 0;
    /// Decisions are not the same.
    pub const DECISIONS_DIFFER: u8 = 80;
    /// The head is slower by enough to matter, and not by chance.
    pub const REGRESSED: u8 = 81;
    /// It cannot be said.
    pub const INCONCLUSIVE: u8 = 82;
    /// The generator could not keep up.
    pub const SATURATED: u8 = 83;
}

/// How an experiment was made.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Conditions {
    /// What order, scenario seeds and resamples follow from.
    pub seed: u64,
    /// Pairs of base and head.
    pub pairs: usize,
    /// Pairs of base and base.
    pub same_pairs: usize,
    /// How often it might have been looked at: the error is shared among the looks.
    pub looks: u32,
    /// The confidence of the intervals, in this look.
    pub confidence: f64,
    /// Resamples of the bootstrap.
    pub resamples: usize,
    /// What was said to be too little to matter.
    pub min_effect: f64,
    /// Runs whose generator could not keep up.
    pub saturated_runs: u32,
    /// From how much of the cores' time on, had by others on the machine's host (steal), the times of a pair
    /// do not count.
    #[serde(rename = "most_stolen")]
    pub max_steal: f64,
    /// Pairs whose times do not count for that; each was run again, a few times.
    pub steal_excluded_pairs: u32,
    /// Pairs of which no run counts.
    pub left_out_pairs: usize,
}

/// One scenario.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ScenarioComparison {
    /// Its name.
    pub scenario: String,
    /// The clock of both.
    pub clock: ClockKind,
    /// The SRP group of both.
    pub group: String,
    /// The pool under test of both.
    pub target: String,
    /// The seed of both; absent in an experiment, where each pair has one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What was decided.
    pub decisions: DecisionComparison,
    /// How quick it was, judged; empty where one run stands against one run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<MetricResult>,
    /// How quick it was, side by side; empty in an experiment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<ComparedValue>,
}

/// The decisions of one scenario.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DecisionComparison {
    /// The sums of all pairs, and what differs in the first pair that does.
    #[serde(flatten)]
    pub first: Decisions,
    /// Pairs whose decisions were held against each other, those whose times do not count too.
    pub pairs: u32,
    /// In how many of them something differs.
    pub differing_pairs: u32,
    /// Whether two runs of the base differ already: then nothing is known of the head.
    pub base_differs_from_itself: bool,
}

/// A number of one run beside that of the other.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ComparedValue {
    /// What it is: `sign_in p99`, `PASSWORD_VERIFIER p50`, `throughput`.
    pub what: String,
    /// Its unit: `us`, `per_s`, `count`.
    pub unit: ValueUnit,
    /// The base's.
    pub base: Option<f64>,
    /// The head's.
    pub head: Option<f64>,
    /// The head's by the base's, to three places.
    pub ratio: Option<f64>,
}

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueUnit {
    /// Microseconds.
    Us,
    /// Things a second.
    PerS,
    /// Things.
    Count,
}

impl Comparison {
    /// The version of the form.
    pub const SCHEMA_VERSION: u32 = 2;

    /// The comparison as JSON: indented, with a line end at the end.
    pub fn to_json(&self) -> String {
        // Keys are text and numbers finite: nothing here can fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
