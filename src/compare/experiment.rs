//! An experiment: pairs of runs come in, a comparison comes out.

use std::collections::{BTreeMap, BTreeSet};

use super::comparable::differences;
use super::decisions::{Decisions, Tally, decisions};
use super::model::{Compared, Comparison, Conditions, DecisionsCompared, Verdict};
use super::plan::Slot;
use super::reports::{Incomparable, Reports, same_scenarios};
use super::verdict::{Judged, Judgement, Measured, Pair, Rules, Series, judge, overall};
use crate::digits::rounded;
use crate::report::figures::percent;
use crate::report::{MOST_STOLEN, Report};

/// The pairs of runs so far.
#[derive(Clone, Debug)]
pub struct Experiment {
    rules: Rules,
    /// From how much steal on a pair's times do not count, as a share.
    most_stolen: f64,
    scenarios: BTreeMap<String, Record>,
    /// Pairs whose times did not count.
    robbed: u32,
    /// Those of them that have not come out well since: of the same arm or not, and their number.
    missing: BTreeSet<(bool, u32)>,
}

/// What became of the times of a pair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Taken {
    /// They count.
    Whole,
    /// Others on the machine's host had too much of its cores' time (steal) in one of the runs: only the decisions count.
    Robbed,
}

#[derive(Clone, Debug)]
struct Record {
    /// Any of the reports, for what all have in common.
    first: Report,
    series: Series,
    decisions: DecisionsCompared,
    saturated: u32,
}

impl Experiment {
    /// Without any runs yet.
    pub const fn new(rules: Rules) -> Self {
        Self {
            rules,
            most_stolen: MOST_STOLEN,
            scenarios: BTreeMap::new(),
            robbed: 0,
            missing: BTreeSet::new(),
        }
    }

    /// With another bound on steal, a share of the cores' time.
    #[must_use]
    pub fn most_stolen(self, share: f64) -> Self {
        Self { most_stolen: share, ..self }
    }

    /// Takes the reports of a pair, by scenario; of base against base `head` is the other run of the base. A pair that was robbed may be
    /// run again and given once more.
    ///
    /// # Errors
    ///
    /// What keeps them from being compared with each other, or with those before; nothing is taken then.
    pub fn add(&mut self, slot: &Slot, base: &Reports, head: &Reports) -> Result<Taken, Incomparable> {
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
                return Err(Incomparable::changing(name));
            }
        }
        let most_stolen = self.most_stolen;
        let robbed = |report: &Report| stolen(report).is_some_and(|share| share > most_stolen);
        let taken = if base.values().chain(head.values()).any(robbed) { Taken::Robbed } else { Taken::Whole };
        for (name, one) in base {
            let record = self.scenarios.entry(name.clone()).or_insert_with(|| Record::new(one));
            record.decide(slot, one, &head[name]);
            if taken == Taken::Whole {
                record.time(slot, one, &head[name]);
            }
        }
        let place = (slot.is_same(), slot.number);
        match taken {
            Taken::Whole => {
                self.missing.remove(&place);
            }
            Taken::Robbed => {
                self.robbed += 1;
                self.missing.insert(place);
            }
        }
        Ok(taken)
    }

    /// What is to be said of all pairs so far, of `base` and `head` as the command line has them.
    pub fn comparison(&self, base: &str, head: &str) -> Comparison {
        let series: Vec<Series> = self.scenarios.values().map(|record| record.series.clone()).collect();
        let judged = judge(&series, &self.rules);
        let speed = overall(&judged);
        let pairs = series.iter().map(|one| one.pairs.len()).max().unwrap_or(0);
        let saturated = self.scenarios.values().map(|record| record.saturated).sum();
        let conditions = Conditions {
            seed: self.rules.seed.number(),
            pairs,
            same_pairs: series.iter().map(|one| one.same.len()).max().unwrap_or(0),
            looks: self.rules.looks,
            confidence: rounded(1.0 - self.rules.error_of_a_look(), 6),
            resamples: self.rules.resamples,
            min_effect: self.rules.min_effect,
            saturated_runs: saturated,
            most_stolen: self.most_stolen,
            robbed_pairs: self.robbed,
            left_out_pairs: self.missing.len(),
        };
        let verdict = self.verdict(speed, &judged, saturated);
        let scenarios = self.scenarios.iter().zip(judged);
        let scenarios = scenarios.map(|((name, record), metrics)| Compared {
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
        }
    }

    fn verdict(&self, speed: Judgement, judged: &[Vec<Judged>], saturated: u32) -> Verdict {
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
        for judgement in [Judgement::Regressed, Judgement::Improved, Judgement::Inconclusive] {
            sentences.extend(named(judgement, self.scenarios.keys(), judged));
        }
        let silent = judged.iter().flatten().filter(|one| one.change.is_none()).count();
        if silent > 0 {
            let are = if silent == 1 { "1 metric is" } else { &format!("{silent} metrics are") };
            sentences.push(format!("{are} not judged: too few sign-ins in a run, or too few pairs."));
        }
        if saturated > 0 {
            let runs = if saturated == 1 { "1 run".to_owned() } else { format!("{saturated} runs") };
            sentences.push(format!("The generator could not keep up in {runs}: distrust the times."));
        }
        if sentences.is_empty() {
            sentences.push("Decisions are identical, and every metric is equivalent.".to_owned());
        }
        sentences.extend(self.robberies());
        let exit_code = match speed {
            _ if !differing.is_empty() => Verdict::DECISIONS_DIFFER,
            Judgement::Regressed => Verdict::REGRESSED,
            _ if saturated > 0 => Verdict::SATURATED,
            Judgement::Inconclusive => Verdict::INCONCLUSIVE,
            Judgement::Equivalent | Judgement::Improved => Verdict::PASS,
        };
        let word = if differing.is_empty() { speed.to_string() } else { "decisions differ".to_owned() };
        Verdict { word, exit_code, sentences }
    }

    /// What was taken from the machine, and what came of it.
    fn robberies(&self) -> Option<String> {
        let pairs = |count: u32| if count == 1 { "1 pair".to_owned() } else { format!("{count} pairs") };
        let left_out = match self.missing.len() {
            0 => String::new(),
            1 => ", and 1 of them never came out well: it is left out".to_owned(),
            count => format!(", and {count} of them never came out well: they are left out"),
        };
        (self.robbed > 0).then(|| {
            format!(
                "Times of {} do not count, since others on the host had more than {} of the CPU time (steal){left_out}.",
                pairs(self.robbed),
                percent(self.most_stolen)
            )
        })
    }

    /// Whether more pairs could tell more.
    pub fn is_open(&self) -> bool {
        let comparison = self.comparison("", "");
        comparison.verdict.exit_code == Verdict::INCONCLUSIVE
    }
}

/// The share of the cores' time that others on the machine's host had, where the report tells.
fn stolen(report: &Report) -> Option<f64> {
    report.generator.machine?.steal_share
}

fn named<'n>(
    judgement: Judgement,
    names: impl Iterator<Item = &'n String>,
    judged: &[Vec<Judged>],
) -> Option<String> {
    let mut found = Vec::new();
    for (name, metrics) in names.zip(judged) {
        let of = |one: &&Judged| one.judgement == judgement && one.change.is_some();
        let metrics: Vec<&str> = metrics.iter().filter(of).map(|one| one.metric.as_str()).collect();
        if !metrics.is_empty() {
            found.push(format!("{name} {}", metrics.join(", ")));
        }
    }
    let word = match judgement {
        Judgement::Regressed => "Regressed",
        Judgement::Improved => "Improved",
        Judgement::Inconclusive => "Inconclusive",
        Judgement::Equivalent => "Equivalent",
    };
    (!found.is_empty()).then(|| format!("{word}: {}.", found.join("; ")))
}

impl Record {
    fn new(first: &Report) -> Self {
        let none = Decisions {
            identical: true,
            base: Tally::default(),
            head: Tally::default(),
            differing: Vec::new(),
            shifted: Vec::new(),
        };
        let decisions =
            DecisionsCompared { first: none, pairs: 0, differing_pairs: 0, base_differs_from_itself: false };
        Self { first: first.clone(), series: Series::default(), decisions, saturated: 0 }
    }

    /// Takes the times of a pair.
    fn time(&mut self, slot: &Slot, base: &Report, head: &Report) {
        let pair = Pair { base: Measured::of(base), head: Measured::of(head) };
        self.saturated +=
            [base, head].into_iter().filter(|one| one.generator.saturated.is_some()).count() as u32;
        if slot.is_same() { self.series.same.push(pair) } else { self.series.pairs.push(pair) }
    }

    /// Takes the decisions of a pair.
    fn decide(&mut self, slot: &Slot, base: &Report, head: &Report) {
        let seen = decisions(base, head);
        if slot.is_same() {
            self.decisions.base_differs_from_itself |= !seen.identical;
            return;
        }
        self.decisions.pairs += 1;
        self.decisions.differing_pairs += u32::from(!seen.identical);
        // The sums of all pairs; in detail the first pair that differs.
        let told = &mut self.decisions.first;
        told.base = told.base.and(seen.base);
        told.head = told.head.and(seen.head);
        if told.identical && !seen.identical {
            told.identical = false;
            told.differing = seen.differing;
        }
        if told.shifted.is_empty() {
            told.shifted = seen.shifted;
        }
    }
}
