//! Turns pairs of runs into a comparison.

use std::collections::{BTreeMap, BTreeSet};

use super::comparable::differences;
use super::decisions::{DecisionCounts, Decisions, decisions};
use super::model::{Comparison, Conditions, DecisionComparison, ScenarioComparison, Verdict};
use super::plan::Slot;
use super::reports::{Incomparable, Reports, same_scenarios};
use super::verdict::{
    ComparisonOptions, MetricResult, MetricVerdict, Pair, RunMetrics, Series, judge_metrics, overall,
};
use crate::report::figures::percent;
use crate::report::{MAX_STEAL, MAX_THROTTLED, Report};
use crate::rounding::rounded;

/// The pairs of runs so far.
#[derive(Clone, Debug)]
pub struct Experiment {
    options: ComparisonOptions,
    /// Share of CPU steal above which a pair's times are excluded.
    max_steal: f64,
    scenarios: BTreeMap<String, ScenarioRecord>,
    /// Pairs whose times did not count.
    steal_excluded: u32,
    /// Whether a used-up CPU quota was the reason for some of them.
    throttled: bool,
    /// Excluded pairs without a successful repetition: whether of the same arm, and their number.
    missing: BTreeSet<(bool, u32)>,
}

/// Whether the times of a pair count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum PairStatus {
    /// They count.
    Accepted,
    /// A run had too much CPU steal, or used up its CPU quota: only its decisions count.
    StealExcluded,
}

#[derive(Clone, Debug)]
struct ScenarioRecord {
    /// One of the reports, for the data that all have in common.
    first: Report,
    series: Series,
    decisions: DecisionComparison,
    saturated: u32,
}

impl Experiment {
    /// Creates an experiment without runs.
    pub const fn new(options: ComparisonOptions) -> Self {
        Self {
            options,
            max_steal: MAX_STEAL,
            scenarios: BTreeMap::new(),
            steal_excluded: 0,
            throttled: false,
            missing: BTreeSet::new(),
        }
    }

    /// Sets the limit of CPU steal, as a share of the cores' time.
    #[must_use]
    pub fn max_steal(self, share: f64) -> Self {
        Self { max_steal: share, ..self }
    }

    /// Adds the reports of a pair, by scenario; for base against base, `head` is the second run of the base.
    /// A pair excluded for CPU steal may be run and added again.
    ///
    /// # Errors
    ///
    /// Returns an error and adds nothing if the reports are not comparable with each other or with earlier
    /// ones.
    pub fn add(&mut self, slot: &Slot, base: &Reports, head: &Reports) -> Result<PairStatus, Incomparable> {
        same_scenarios(base, head)?;
        for (name, one) in base {
            let found = differences(one, &head[name]);
            if !found.is_empty() {
                return Err(Incomparable { scenario: Some(name.clone()), differences: found });
            }
        }
        if !self.scenarios.is_empty() {
            let stray = |name: &&String| base.contains_key(*name) != self.scenarios.contains_key(*name);
            if let Some(name) = self.scenarios.keys().chain(base.keys()).find(stray) {
                return Err(Incomparable::inconsistent_scenario(name));
            }
        }
        let max_steal = self.max_steal;
        let both = || base.values().chain(head.values());
        let throttled = both().any(is_throttled);
        self.throttled |= throttled;
        let steal_excluded = |report: &Report| steal_share_of(report).is_some_and(|share| share > max_steal);
        let taken = if throttled || both().any(steal_excluded) {
            PairStatus::StealExcluded
        } else {
            PairStatus::Accepted
        };
        for (name, one) in base {
            let record = self.scenarios.entry(name.clone()).or_insert_with(|| ScenarioRecord::new(one));
            record.decide(slot, one, &head[name]);
            if taken == PairStatus::Accepted {
                record.time(slot, one, &head[name]);
            }
        }
        let place = (slot.is_aa(), slot.number);
        match taken {
            PairStatus::Accepted => {
                self.missing.remove(&place);
            }
            PairStatus::StealExcluded => {
                self.steal_excluded += 1;
                self.missing.insert(place);
            }
        }
        Ok(taken)
    }

    /// Returns the comparison of all pairs so far; `base` and `head` are the names from the command line.
    pub fn comparison(&self, base: &str, head: &str) -> Comparison {
        let series: Vec<Series> = self.scenarios.values().map(|record| record.series.clone()).collect();
        let judged = judge_metrics(&series, &self.options);
        let speed = overall(&judged);
        let pairs = series.iter().map(|one| one.pairs.len()).max().unwrap_or(0);
        let saturated = self.scenarios.values().map(|record| record.saturated).sum();
        let conditions = Conditions {
            seed: self.options.seed.number(),
            pairs,
            same_pairs: series.iter().map(|one| one.same.len()).max().unwrap_or(0),
            looks: self.options.looks,
            confidence: rounded(1.0 - self.options.error_per_look(), 6),
            resamples: self.options.resamples,
            min_effect: self.options.min_effect,
            saturated_runs: saturated,
            max_steal: self.max_steal,
            steal_excluded_pairs: self.steal_excluded,
            left_out_pairs: self.missing.len(),
        };
        let verdict = self.verdict(speed, &judged, saturated);
        let scenarios = self.scenarios.iter().zip(judged);
        let scenarios = scenarios.map(|((name, record), metrics)| ScenarioComparison {
            scenario: name.clone(),
            clock: record.first.clock,
            group: record.first.group.clone(),
            target: record.first.target.clone(),
            seed: None,
            decisions: record.decisions.clone(),
            metrics,
            numbers: Vec::new(),
        });
        Comparison {
            schema_version: Comparison::SCHEMA_VERSION,
            base: base.to_owned(),
            head: head.to_owned(),
            verdict,
            experiment: Some(conditions),
            scenarios: scenarios.collect(),
            not_compared: Vec::new(),
        }
    }

    fn verdict(&self, speed: MetricVerdict, judged: &[Vec<MetricResult>], saturated: u32) -> Verdict {
        let mut sentences = Vec::new();
        let differing: Vec<&str> = self
            .scenarios
            .iter()
            .filter(|(_, record)| !record.decisions.first.identical)
            .map(|(name, _)| name.as_str())
            .collect();
        if !differing.is_empty() {
            sentences.push(format!("Decisions differ in {}.", differing.join(", ")));
        }
        for judgement in [MetricVerdict::Regressed, MetricVerdict::Improved, MetricVerdict::Inconclusive] {
            sentences.extend(named(judgement, self.scenarios.keys(), judged));
        }
        let silent = judged.iter().flatten().filter(|one| one.change.is_none()).count();
        if silent > 0 {
            let are = if silent == 1 { "1 metric is" } else { &format!("{silent} metrics are") };
            sentences.push(format!("{are} not judged: too few sign-ins in a run, or too few pairs."));
        }
        if saturated > 0 {
            let runs = if saturated == 1 { "1 run".to_owned() } else { format!("{saturated} runs") };
            sentences.push(format!("The generator could not keep up in {runs}, whose times are not valid."));
        }
        if sentences.is_empty() {
            sentences.push("Decisions are identical, and every metric is equivalent.".to_owned());
        }
        sentences.extend(self.steal_summary());
        let exit_code = match speed {
            _ if !differing.is_empty() => Verdict::DECISIONS_DIFFER,
            MetricVerdict::Regressed => Verdict::REGRESSED,
            _ if saturated > 0 => Verdict::SATURATED,
            MetricVerdict::Inconclusive => Verdict::INCONCLUSIVE,
            MetricVerdict::Equivalent | MetricVerdict::Improved => Verdict::PASS,
        };
        let word = if differing.is_empty() { speed.to_string() } else { "decisions differ".to_owned() };
        Verdict { word, exit_code, sentences }
    }

    /// Describes the excluded pairs.
    fn steal_summary(&self) -> Option<String> {
        let pairs = |count: u32| if count == 1 { "1 pair".to_owned() } else { format!("{count} pairs") };
        let left_out = match self.missing.len() {
            0 => String::new(),
            1 => ", and 1 of them stayed above the limit and is excluded".to_owned(),
            count => format!(", and {count} of them stayed above the limit and are excluded"),
        };
        let throttled = if self.throttled { ", or the CPU quota was used up" } else { "" };
        (self.steal_excluded > 0).then(|| {
            format!(
                "The times of {} do not count: steal was above {} of the CPU time{throttled}{left_out}.",
                pairs(self.steal_excluded),
                percent(self.max_steal)
            )
        })
    }

    /// Returns whether more pairs could change an inconclusive verdict.
    pub fn is_open(&self) -> bool {
        let comparison = self.comparison("", "");
        comparison.verdict.exit_code == Verdict::INCONCLUSIVE
    }
}

/// Returns the share of CPU steal, if the report has it.
fn steal_share_of(report: &Report) -> Option<f64> {
    report.generator.machine?.steal_share
}

/// Returns whether the run used up its CPU quota too often.
fn is_throttled(report: &Report) -> bool {
    report
        .generator
        .machine
        .and_then(|machine| machine.throttled_share)
        .is_some_and(|share| share > MAX_THROTTLED)
}

fn named<'n>(
    judgement: MetricVerdict,
    names: impl Iterator<Item = &'n String>,
    judged: &[Vec<MetricResult>],
) -> Option<String> {
    let mut found = Vec::new();
    for (name, metrics) in names.zip(judged) {
        let of = |one: &&MetricResult| one.judgement == judgement && one.change.is_some();
        let metrics: Vec<&str> = metrics.iter().filter(of).map(|one| one.metric.as_str()).collect();
        if !metrics.is_empty() {
            found.push(format!("{name} {}", metrics.join(", ")));
        }
    }
    let word = match judgement {
        MetricVerdict::Regressed => "Regressed",
        MetricVerdict::Improved => "Improved",
        MetricVerdict::Inconclusive => "Inconclusive",
        MetricVerdict::Equivalent => "Equivalent",
    };
    (!found.is_empty()).then(|| format!("{word}: {}.", found.join("; ")))
}

impl ScenarioRecord {
    fn new(first: &Report) -> Self {
        let none = Decisions {
            identical: true,
            base: DecisionCounts::default(),
            head: DecisionCounts::default(),
            differing: Vec::new(),
            shifted: Vec::new(),
        };
        let decisions =
            DecisionComparison { first: none, pairs: 0, differing_pairs: 0, base_differs_from_itself: false };
        Self { first: first.clone(), series: Series::default(), decisions, saturated: 0 }
    }

    /// Adds the times of a pair.
    fn time(&mut self, slot: &Slot, base: &Report, head: &Report) {
        let pair = Pair { base: RunMetrics::of(base), head: RunMetrics::of(head) };
        self.saturated +=
            [base, head].into_iter().filter(|one| one.generator.saturated.is_some()).count() as u32;
        if slot.is_aa() { self.series.same.push(pair) } else { self.series.pairs.push(pair) }
    }

    /// Adds the decisions of a pair.
    fn decide(&mut self, slot: &Slot, base: &Report, head: &Report) {
        let seen = decisions(base, head);
        if slot.is_aa() {
            self.decisions.base_differs_from_itself |= !seen.identical;
            return;
        }
        self.decisions.pairs += 1;
        self.decisions.differing_pairs += u32::from(!seen.identical);
        // Sums over all pairs; details of the first pair that differs.
        let totals = &mut self.decisions.first;
        totals.base = totals.base.plus(seen.base);
        totals.head = totals.head.plus(seen.head);
        if totals.identical && !seen.identical {
            totals.identical = false;
            totals.differing = seen.differing;
        }
        if totals.shifted.is_empty() {
            totals.shifted = seen.shifted;
        }
    }
}
