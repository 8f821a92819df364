//! The report as data: the fields of `report.json`, in its order.
//!
//! Times are integers in µs, shares are from 0 to 1, other fractions have three decimals. `null` means
//! unknown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Environment;
use super::format::Unit;
use super::generator::Generator;
use super::stages::{StageSummary, StepTimeline};
use crate::clock::ClockKind;

/// The report of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The version of this format. It increases when a field changes its meaning or is removed.
    pub schema_version: u32,
    /// What was run.
    pub scenario: Scenario,
    /// The seed that everything random follows from.
    pub seed: u64,
    /// The clock of the run.
    pub clock: ClockKind,
    /// The SRP group: `cognito` or `toy`.
    pub group: String,
    /// The pool under test: `embedded`, or a URL.
    pub target: String,
    /// Other target options of the command line, word by word; omitted if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_options: Vec<String>,
    /// Whether the run was canceled, so that the report is incomplete.
    pub partial: bool,
    /// How it came out.
    pub verdict: Verdict,
    /// Sign-ins by how they ended.
    pub sign_ins: SignIns,
    /// What the pool decided, judged.
    pub decisions: Decisions,
    /// How long it took.
    pub latency: Latency,
    /// How much it was.
    pub throughput: Throughput,
    /// What each workload came to, in the scenario's order. Left out where there is only one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<Workload>,
    /// The stages of all workloads, one workload after the other.
    #[serde(default)]
    pub stages: Vec<StageSummary>,
    /// What it cost.
    pub cpu: Cpu,
    /// The threshold results.
    pub thresholds: Vec<ThresholdResult>,
    /// How well the generator kept its own times.
    pub generator: Generator,
    /// The course of the run.
    pub timeline: Timeline,
    /// The machine. Left out under the virtual clock, so that the report is the same on every machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
}

/// What was run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// Why it exists.
    pub about: String,
    /// Its file as the command line named it.
    pub file: String,
    /// Its text.
    pub yaml: String,
    /// The files that it names: rates over time. Left out where it names none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<NamedFile>,
}

/// A file that a scenario names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NamedFile {
    /// Its path as the scenario gives it.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// What one workload of several came to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// Its sign-ins by how they ended.
    pub sign_ins: SignIns,
    /// Mean rate that it asks for in its measured part; `null` when its users set the pace (closed model).
    pub asked_per_s: Option<f64>,
    /// Measured sign-ins meant to start, per second, as `throughput.offered_per_s`.
    pub offered_per_s: Option<f64>,
    /// Measured sign-ins that the pool answered, per second.
    pub achieved_per_s: Option<f64>,
    /// Measured sign-ins that could not start.
    pub dropped: u64,
    /// Latency from the intended start.
    pub intended: Quantiles,
    /// Latency from the actual start.
    pub service: Quantiles,
}

/// Whether a count is left out.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// How a run came out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// The exit code of the run; 0 is passed.
    pub exit_code: u8,
    /// Whether everything is as it should be.
    pub passed: bool,
    /// Why: one sentence for each reason, the one that set the exit code first.
    pub sentences: Vec<String>,
}

/// Sign-ins, warm-up too. `started` is always `completed + refused + abandoned + transport_failed`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SignIns {
    /// All.
    pub started: u64,
    /// Ended with tokens.
    pub completed: u64,
    /// Ended with a refusal.
    pub refused: u64,
    /// Given up by the user.
    pub abandoned: u64,
    /// Got no answer.
    pub transport_failed: u64,
    /// How many of `started` were warm-up: not in `latency`, `throughput` and `generator`.
    pub warm_up: u64,
    /// How many were cool-down, of which the same holds. Left out where there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cool_down: u64,
    /// Sign-ins that were in flight or waiting for a user when the run was canceled; not in `started`.
    /// Omitted if zero.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unfinished: u64,
}

impl SignIns {
    /// Those that the pool decided: completed and refused.
    pub const fn answered(&self) -> u64 {
        self.completed + self.refused
    }
}

/// Decisions, warm-up too.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decisions {
    /// How many were judged.
    pub checked: u64,
    /// How many differ from what their rules ask.
    pub mismatched: u64,
    /// The rules that applied, by id.
    pub rules: Vec<Rule>,
    /// Expected against seen outcomes; pairs that never happened are left out.
    pub confusion: Vec<ConfusionCell>,
    /// What was decided about sign-ins, by situation.
    #[serde(default)]
    pub cases: Vec<PolicyCase>,
    /// The first hundred that differ, in the order of the run.
    pub mismatches: Vec<Mismatch>,
}

/// A rule and how often it applied.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// Where it comes from.
    pub source: String,
    /// How well it is known: `documented`, `observed` or `inferred`.
    pub confidence: String,
    /// Decisions that it applied to.
    pub seen: u64,
    /// Those of them that differ.
    pub mismatched: u64,
}

/// How often an outcome was expected and another, or the same, seen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConfusionCell {
    /// The outcome that the rule asks for.
    pub expected: String,
    /// The outcome that was seen.
    pub seen: String,
    /// How often.
    pub count: u64,
    /// How many of them differ: where the outcomes are equal, in the challenges or in the new device.
    pub mismatched: u64,
}

/// A situation that the run has met, with one rule that applied in it. What is the same for all sign-ins of
/// the pool is not named.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PolicyCase {
    /// The device that is named: `none`, `remembered`, `not_remembered`, `issued`, `forgotten`.
    pub device: String,
    /// The user's factors.
    pub factors: String,
    /// The level of the risk that the pool sees and what it does about it; null where there is none.
    pub risk: Option<String>,
    /// What else is the matter with the attempt; empty where nothing is.
    pub attempt: String,
    /// The id of the rule.
    pub rule: String,
    /// What it asks for.
    pub expected: String,
    /// Decisions in this situation.
    pub count: u64,
    /// Those of them that differ.
    pub mismatched: u64,
    /// The other decisions that were observed.
    #[serde(rename = "instead")]
    pub unexpected: Vec<UnexpectedDecision>,
}

/// What was seen instead of what was expected.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UnexpectedDecision {
    /// The decision.
    pub decision: String,
    /// How often.
    pub count: u64,
}

/// One decision that differs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mismatch {
    /// The number of the sign-in in the run's plan.
    pub number: u64,
    /// The number of the user in the population.
    pub user: u32,
    /// When the sign-in ended, since the start of the run.
    pub at_us: u64,
    /// The id of the rule.
    pub rule: String,
    /// The situation.
    pub situation: String,
    /// What the rule asks for.
    pub expected: String,
    /// What was seen.
    pub seen: String,
}

/// How long sign-ins and their steps took, without the time that people take and without warm-up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Latency {
    /// Whole sign-ins, however they ended.
    pub sign_in: SignInLatency,
    /// Steps by name; a step that never happened is left out.
    pub steps: BTreeMap<String, Quantiles>,
}

/// Whole sign-ins.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SignInLatency {
    /// From the moment at which the plan meant them to start: what users feel.
    pub intended: Quantiles,
    /// From the moment at which they did start.
    pub service: Quantiles,
    /// The two distributions, as far out as their count reaches.
    pub curve: Vec<CurvePoint>,
}

/// A distribution. A quantile is null where less than one sample lies beyond it: p99 below 100, p99.9 below
/// 1000.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Quantiles {
    /// Samples.
    pub count: u64,
    /// Median.
    pub p50_us: Option<u64>,
    /// 90th percentile.
    pub p90_us: Option<u64>,
    /// 99th percentile.
    pub p99_us: Option<u64>,
    /// 99.9th percentile.
    pub p999_us: Option<u64>,
    /// Longest.
    pub max_us: Option<u64>,
}

/// One point of the latency curve.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Sign-ins in a million that may take longer.
    pub beyond_ppm: u32,
    /// What the others do not exceed, from the intended start.
    pub intended_us: u64,
    /// What the others do not exceed, from the actual start.
    pub service_us: u64,
}

/// Sign-ins per second, without warm-up. Null where there are too few to say.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Throughput {
    /// What the scenario asks for; null when the users set the pace.
    pub asked_per_s: Option<f64>,
    /// What the generator offered: sign-ins that were due, whether they could start or not.
    pub offered_per_s: Option<f64>,
    /// What the pool answered, with tokens or a refusal, from the first intended start to the last end.
    pub achieved_per_s: Option<f64>,
    /// Answers with `TooManyRequestsException`, warm-up too.
    pub throttled: u64,
    /// The same, by the step that was throttled.
    pub throttled_steps: BTreeMap<String, u64>,
}

/// Cost of a sign-in, warm-up too. The times are null under the virtual clock.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Cpu {
    /// CPU time of the client's side.
    pub client_us_per_sign_in: Option<u64>,
    /// CPU time of the pool's side.
    pub server_us_per_sign_in: Option<u64>,
    /// Modular exponentiations, both sides.
    pub modexps_per_sign_in: Option<f64>,
}

/// One threshold and how it came out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ThresholdResult {
    /// As the scenario has it.
    pub text: String,
    /// What was measured, of the worst window where there are windows; null when there were too few samples
    /// to say.
    pub value: Option<f64>,
    /// The limit.
    pub limit: f64,
    /// The unit of both.
    pub unit: Unit,
    /// Whether it holds.
    pub passed: bool,
    /// The first of the worst windows; absent where the threshold is on the whole run, or no window could be
    /// told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WorstWindow>,
    /// When it canceled the run, since the start of the run; absent if it did not.
    #[serde(default, rename = "cut_at_us", skip_serializing_if = "Option::is_none")]
    pub canceled_at_us: Option<u64>,
}

/// A window of a run. Moments count from its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WorstWindow {
    /// When it began.
    pub from_us: u64,
    /// When it ended.
    pub to_us: u64,
}

/// The course of the run, warm-up too.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Timeline {
    /// How long each interval is.
    pub interval_us: u64,
    /// The intervals, at most 240, from the start of the run on.
    pub intervals: Vec<TimelineInterval>,
    /// The same of each step, in fewer intervals; absent where no step was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<StepTimeline>,
}

impl Timeline {
    /// How long all intervals together are.
    pub fn duration_us(&self) -> u64 {
        self.interval_us.saturating_mul(self.intervals.len() as u64)
    }
}

/// One interval.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TimelineInterval {
    /// Sign-ins meant to start in it, whether they could or not.
    pub offered: u64,
    /// Those of them that are warm-up.
    pub warm_up: u64,
    /// Of them cool-down; left out where there are none, as are the next two.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cool_down: u64,
    /// Of them those that could not start.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped: u64,
    /// Of them those that had not ended when the run was cut short.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unfinished: u64,
    /// Sign-ins completed in it.
    pub completed: u64,
    /// Sign-ins refused in it.
    pub refused: u64,
    /// Sign-ins abandoned in it, or failed on the way.
    pub failed: u64,
    /// Median latency of those meant to start in it, within 1 %, as are the next two; warm-up left out.
    pub p50_us: Option<u64>,
    /// 99th percentile; null below 100 sign-ins.
    pub p99_us: Option<u64>,
    /// Longest.
    pub max_us: Option<u64>,
    /// Answers with `TooManyRequestsException` to those that ended in it.
    #[serde(default)]
    pub throttled: u64,
    /// How the latencies spread: the lower end of a bucket in µs, five to a decade, and how many fell into
    /// it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub spread: BTreeMap<u64, u64>,
    /// What the worker threads had to do in it; absent under the virtual clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<IntervalLoad>,
}

/// What the worker threads had to do in an interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IntervalLoad {
    /// Jobs of the clients that waited at the same time, at most.
    pub client_queue: usize,
    /// Jobs of the pool that did.
    pub server_queue: usize,
    /// CPU time of the clients' threads.
    pub client_cpu_us: u64,
    /// CPU time of the pool's.
    pub server_cpu_us: u64,
}
