//! The report as data: the fields of `report.json`, in its order.
//!
//! Times are integers in µs, shares are from 0 to 1, other fractions have three decimals. `null` means that
//! the value is unknown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Environment;
use super::devices::Devices;
use super::failures::Failures;
use super::format::Unit;
use super::generator::Generator;
use super::shards::Shards;
use super::stages::{StageSummary, StepTimeline};
use crate::clock::ClockKind;

/// The report on a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The version of this format. It increases when a field changes its meaning or is removed.
    pub schema_version: u32,
    /// The scenario of the run.
    pub scenario: Scenario,
    /// The seed of all random values.
    pub seed: u64,
    /// The seed as text, because JavaScript rounds numbers above 2⁵³.
    #[serde(default)]
    pub seed_text: String,
    /// The clock of the run.
    pub clock: ClockKind,
    /// The SRP group: `cognito` or `toy`.
    pub group: String,
    /// The pool under test: `embedded`, or a URL.
    pub target: String,
    /// Options of the command line that change the scenario or the end of the run, word by word; omitted if
    /// there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Other target options of the command line, word by word; omitted if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_options: Vec<String>,
    /// Whether the run was canceled, so that the report is incomplete.
    pub partial: bool,
    /// Whether the run passed, and why.
    pub verdict: Verdict,
    /// Sign-ins by their end.
    pub sign_ins: SignIns,
    /// Requests without a usable answer by cause, warm-up included. Omitted if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failures>,
    /// The pool's decisions, compared with the rules.
    pub decisions: Decisions,
    /// The devices that users have collected. Omitted if no user has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<Devices>,
    /// Latencies of sign-ins and steps.
    pub latency: Latency,
    /// Rates of sign-ins.
    pub throughput: Throughput,
    /// How the run was divided into shards. Omitted if the report is the same as that of an undivided run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<Shards>,
    /// The results of each workload, in the scenario's order. Omitted if there is only one workload.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<Workload>,
    /// The stages of all workloads, one workload after the other.
    #[serde(default)]
    pub stages: Vec<StageSummary>,
    /// The cost of a sign-in.
    pub cpu: Cpu,
    /// The threshold results.
    pub thresholds: Vec<ThresholdResult>,
    /// How exactly the generator started sign-ins at their scheduled times.
    pub generator: Generator,
    /// The run over time.
    pub timeline: Timeline,
    /// The machine. Omitted under the virtual clock, so that the report is the same on every machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
}

/// The scenario of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// Its description: why it exists.
    pub about: String,
    /// Its path as the command line gives it.
    pub file: String,
    /// Its text.
    pub yaml: String,
    /// The files that it refers to, which contain rates over time. Omitted if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<NamedFile>,
}

/// A file that a scenario refers to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NamedFile {
    /// Its path as the scenario gives it.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// The results of one of several workloads.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// Its sign-ins by outcome.
    pub sign_ins: SignIns,
    /// Mean configured rate of its measured part; `null` in a closed model, where the users determine the
    /// rate.
    pub asked_per_s: Option<f64>,
    /// Measured sign-ins that were due per second, as in `throughput.offered_per_s`.
    pub offered_per_s: Option<f64>,
    /// Measured sign-ins per second that the pool answered.
    pub achieved_per_s: Option<f64>,
    /// Measured arrivals that could not start.
    pub dropped: u64,
    /// Latency from the intended start.
    pub intended: Quantiles,
    /// Latency from the actual start.
    pub service: Quantiles,
}

/// Returns whether a count is zero, so that the report omits it.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The verdict on a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// The exit code of the run; 0 is passed.
    pub exit_code: u8,
    /// Whether all checks passed.
    pub passed: bool,
    /// The reasons, one sentence each. The first one determines the exit code.
    pub sentences: Vec<String>,
}

/// Counts of sign-ins, including warm-up. `started` is always `completed + refused + abandoned +
/// transport_failed`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SignIns {
    /// Sign-ins that started.
    pub started: u64,
    /// Sign-ins that returned tokens.
    pub completed: u64,
    /// Sign-ins that the pool refused.
    pub refused: u64,
    /// Sign-ins that the user gave up.
    pub abandoned: u64,
    /// Sign-ins without an answer.
    pub transport_failed: u64,
    /// Sign-ins of `started` in the warm-up: not in `latency`, `throughput` and `generator`.
    pub warm_up: u64,
    /// Sign-ins of `started` in the cool-down: excluded like the warm-up. Omitted if zero.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cool_down: u64,
    /// Sign-ins that were in flight or waiting for a user when the run was canceled; not in `started`.
    /// Omitted if zero.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unfinished: u64,
}

impl SignIns {
    /// Returns the number of sign-ins that the pool decided: completed and refused.
    pub const fn answered(&self) -> u64 {
        self.completed + self.refused
    }
}

/// Decisions, including those in the warm-up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decisions {
    /// Decisions that were compared with the rules.
    pub checked: u64,
    /// Decisions that differ from the rules.
    pub mismatched: u64,
    /// The rules that applied, sorted by id.
    pub rules: Vec<Rule>,
    /// Counts of expected and actual outcomes. Pairs that did not occur are omitted.
    pub confusion: Vec<ConfusionCell>,
    /// Decisions about sign-ins by situation.
    #[serde(default)]
    pub cases: Vec<PolicyCase>,
    /// The first hundred mismatches, in the order of the run.
    pub mismatches: Vec<Mismatch>,
}

/// A rule and how often it applied.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// The document that states it.
    pub source: String,
    /// How certain it is: `documented`, `formerly_documented`, `observed` or `inferred`.
    pub confidence: String,
    /// Decisions that it applied to.
    pub seen: u64,
    /// Decisions that differ from it.
    pub mismatched: u64,
}

/// How often an expected outcome met an actual outcome.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConfusionCell {
    /// The outcome that the rule requires.
    pub expected: String,
    /// The actual outcome.
    pub seen: String,
    /// Number of decisions.
    pub count: u64,
    /// Decisions of `count` that differ. If the outcomes are equal, the challenges or the new device differ.
    pub mismatched: u64,
}

/// A situation that occurred in the run, with one rule that applied in it. Properties that all sign-ins of
/// the pool share are omitted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PolicyCase {
    /// The device that the client sends: `none`, `remembered`, `not_remembered`, `issued`, `forgotten`.
    pub device: String,
    /// The user's factors.
    pub factors: String,
    /// The risk level that the pool estimates and its action; null if there is none.
    pub risk: Option<String>,
    /// Other properties of the attempt; empty if there are none.
    pub attempt: String,
    /// The id of the rule.
    pub rule: String,
    /// The decision that the rule requires.
    pub expected: String,
    /// Decisions in this situation.
    pub count: u64,
    /// Decisions of `count` that differ.
    pub mismatched: u64,
    /// The decisions that differ, with their counts.
    #[serde(rename = "instead")]
    pub unexpected: Vec<UnexpectedDecision>,
}

/// An actual decision that differs from the expected one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UnexpectedDecision {
    /// The decision.
    pub decision: String,
    /// Number of times.
    pub count: u64,
}

/// One decision that differs from its rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mismatch {
    /// The index of the sign-in in the run's plan.
    pub number: u64,
    /// The index of the user in the population.
    pub user: u32,
    /// The name of the workload.
    #[serde(default)]
    pub workload: String,
    /// The kind of the sign-in: a key of `mix`.
    #[serde(default)]
    pub intent: String,
    /// When the sign-in ended, since the start of the run.
    pub at_us: u64,
    /// The id of the rule.
    pub rule: String,
    /// The situation.
    pub situation: String,
    /// The decision that the rule requires.
    pub expected: String,
    /// The actual decision.
    pub seen: String,
}

/// Latencies of sign-ins and their steps, without warm-up and without the users' own delays.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Latency {
    /// Whole sign-ins that the pool decided: completed and refused ones.
    pub sign_in: SignInLatency,
    /// Time from the intended start to the end of sign-ins without a decision, which are in no other latency.
    /// Omitted if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undecided: Option<Quantiles>,
    /// Decided steps by name. Steps that did not occur are omitted.
    pub steps: BTreeMap<String, Quantiles>,
}

impl Latency {
    /// Returns the number of measured sign-ins without a decision and their share, if there are any.
    pub fn undecided_share(&self) -> Option<(u64, f64)> {
        let undecided = self.undecided?.count;
        Some((undecided, undecided as f64 / (undecided + self.sign_in.intended.count) as f64))
    }
}

/// Latency of whole sign-ins.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SignInLatency {
    /// From the scheduled start: the latency that users notice.
    pub intended: Quantiles,
    /// From the actual start.
    pub service: Quantiles,
    /// Both distributions as a curve, up to the percentile that the number of samples supports.
    pub curve: Vec<CurvePoint>,
}

/// A distribution. A quantile is null if fewer than one sample is beyond it: p99 below 100 samples, p99.9
/// below 1000.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Quantiles {
    /// Number of samples.
    pub count: u64,
    /// Median.
    pub p50_us: Option<u64>,
    /// 90th percentile.
    pub p90_us: Option<u64>,
    /// 99th percentile.
    pub p99_us: Option<u64>,
    /// 99.9th percentile.
    pub p999_us: Option<u64>,
    /// Maximum.
    pub max_us: Option<u64>,
}

/// One point of the latency curve.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Sign-ins in a million that can take longer.
    pub beyond_ppm: u32,
    /// The longest latency of the other sign-ins, from the scheduled start.
    pub intended_us: u64,
    /// The longest latency of the other sign-ins, from the actual start.
    pub service_us: u64,
}

/// Sign-ins per second, without warm-up. Null if there are too few samples.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Throughput {
    /// The configured rate; null in a closed model, where the users determine the rate.
    pub asked_per_s: Option<f64>,
    /// The offered rate: sign-ins that were due, whether they could start or not.
    pub offered_per_s: Option<f64>,
    /// The rate of sign-ins that ended with tokens or a refusal, from the first scheduled start to the last
    /// end.
    pub achieved_per_s: Option<f64>,
    /// Answers with `TooManyRequestsException`, including those in the warm-up.
    pub throttled: u64,
    /// Throttled answers by step.
    pub throttled_steps: BTreeMap<String, u64>,
}

/// Cost of a sign-in, including the warm-up. Times are null under the virtual clock.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Cpu {
    /// CPU time of the client side.
    pub client_us_per_sign_in: Option<u64>,
    /// CPU time of the pool side.
    pub server_us_per_sign_in: Option<u64>,
    /// Modular exponentiations of both sides.
    pub modexps_per_sign_in: Option<f64>,
}

/// A threshold and its result.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ThresholdResult {
    /// Its text in the scenario.
    pub text: String,
    /// The measured value, in the worst window if there are windows; null if there were too few samples.
    pub value: Option<f64>,
    /// The limit.
    pub limit: f64,
    /// The unit of `value` and `limit`.
    pub unit: Unit,
    /// Whether the threshold is met.
    pub passed: bool,
    /// The first of the worst windows. Omitted if the threshold has no windows or no window has enough
    /// samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WorstWindow>,
    /// When it canceled the run, since the start of the run; omitted if it did not.
    #[serde(default, rename = "cut_at_us", skip_serializing_if = "Option::is_none")]
    pub canceled_at_us: Option<u64>,
}

/// A time window of a run. Times count from the start of the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WorstWindow {
    /// Its start.
    pub from_us: u64,
    /// Its end.
    pub to_us: u64,
}

/// The run over time, including the warm-up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Timeline {
    /// Length of each interval.
    pub interval_us: u64,
    /// The intervals from the start of the run, at most 240.
    pub intervals: Vec<TimelineInterval>,
    /// The steps over time, in fewer intervals. Omitted if no step was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<StepTimeline>,
}

impl Timeline {
    /// Returns the length of all intervals together.
    pub fn duration_us(&self) -> u64 {
        self.interval_us.saturating_mul(self.intervals.len() as u64)
    }
}

/// One interval of the timeline.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TimelineInterval {
    /// Sign-ins that were due in it, whether they could start or not.
    pub offered: u64,
    /// Sign-ins of `offered` in the warm-up.
    pub warm_up: u64,
    /// Sign-ins of `offered` in the cool-down; omitted if zero.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cool_down: u64,
    /// Arrivals of `offered` that could not start; omitted if zero.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped: u64,
    /// Sign-ins of `offered` that had not ended when the run was canceled; omitted if zero.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unfinished: u64,
    /// Sign-ins that completed in it.
    pub completed: u64,
    /// Sign-ins that the pool refused in it.
    pub refused: u64,
    /// Sign-ins that users gave up in it, or that failed in transport.
    pub failed: u64,
    /// Median latency of the measured sign-ins that were due in it, within 1 %, as are the next two.
    pub p50_us: Option<u64>,
    /// 99th percentile; null below 100 sign-ins.
    pub p99_us: Option<u64>,
    /// Maximum.
    pub max_us: Option<u64>,
    /// Answers with `TooManyRequestsException` to sign-ins that ended in it.
    #[serde(default)]
    pub throttled: u64,
    /// The histogram of the latencies: the lower bound of a bucket in µs, five buckets per decade, and its
    /// count.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub spread: BTreeMap<u64, u64>,
    /// Load of the worker threads in it; omitted under the virtual clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<IntervalLoad>,
}

/// Load of the worker threads in an interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IntervalLoad {
    /// Maximum number of client jobs that waited at the same time.
    pub client_queue: usize,
    /// Maximum number of pool jobs that waited at the same time.
    pub server_queue: usize,
    /// CPU time of the client threads.
    pub client_cpu_us: u64,
    /// CPU time of the pool threads.
    pub server_cpu_us: u64,
}
