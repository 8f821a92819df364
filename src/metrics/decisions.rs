//! Decisions by rule and by outcome, with the first mismatches in full.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::SignInRecord;
use super::cases::Cases;
use poolproof_oracle::{Judgement, Outcome, RuleId};

/// How often a rule applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RuleCount {
    /// Decisions under the rule.
    pub seen: u64,
    /// Decisions that do not match it.
    pub mismatched: u64,
}

/// How often an outcome was expected and an outcome observed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ConfusionCell {
    /// Decisions.
    pub count: u64,
    /// Decisions that do not match: with equal outcomes, in the challenges or in the new device.
    pub mismatched: u64,
}

/// A decision that does not match its rule, with its place in the run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mismatch {
    /// Index of the sign-in in the run's schedule.
    pub number: u64,
    /// Index of the user in the population.
    pub user: u32,
    /// Index of the workload in the scenario.
    pub workload: u16,
    /// The kind of the sign-in, as a scenario names it.
    pub intent: String,
    /// End of the sign-in, since the start of the run.
    pub ended_at: Duration,
    /// Index of the judgement within the sign-in.
    pub index: usize,
    /// The id of the rule.
    pub rule: String,
    /// The situation in words.
    pub situation: String,
    /// The decision that the rule requires.
    pub expected: String,
    /// The decision that the pool made.
    pub seen: String,
}

impl Mismatch {
    fn new(sign_in: &SignInRecord, index: usize, verdict: &Judgement) -> Self {
        Self {
            number: sign_in.number,
            user: sign_in.user,
            workload: sign_in.workload,
            intent: sign_in.intent.as_str().to_owned(),
            ended_at: sign_in.finished,
            index,
            rule: verdict.rule.id.to_owned(),
            situation: verdict.situation.to_string(),
            expected: verdict.expected.to_string(),
            seen: verdict.seen.to_string(),
        }
    }

    /// The order of mismatches: that of the run, not that of recording.
    const fn order(&self) -> (Duration, u64, usize) {
        (self.ended_at, self.number, self.index)
    }
}

/// All decisions of a run, warm-up included.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Decisions {
    pub(super) checked: u64,
    pub(super) mismatched: u64,
    pub(super) rules: BTreeMap<RuleId, RuleCount>,
    pub(super) confusion: BTreeMap<(Outcome, Outcome), ConfusionCell>,
    pub(super) cases: Cases,
    pub(super) mismatches: Vec<Mismatch>,
}

impl Decisions {
    /// Most mismatches that are kept in full.
    pub const MAX_KEPT_MISMATCHES: usize = 100;

    /// Returns how many decisions were judged.
    pub const fn checked(&self) -> u64 {
        self.checked
    }

    /// Returns how many do not match their rules.
    pub const fn mismatched(&self) -> u64 {
        self.mismatched
    }

    /// Returns the rules that applied, ordered by id.
    pub fn rules(&self) -> impl Iterator<Item = (&RuleId, &RuleCount)> {
        self.rules.iter()
    }

    /// Returns expected outcome, actual outcome and count, in the order of [`Outcome::ALL`], without zeros.
    pub fn confusion(&self) -> impl Iterator<Item = (Outcome, Outcome, &ConfusionCell)> {
        self.confusion.iter().map(|((expected, seen), cell)| (*expected, *seen, cell))
    }

    /// Returns the decisions about sign-ins by situation.
    pub const fn cases(&self) -> &Cases {
        &self.cases
    }

    /// Returns the first mismatches of the run, at most [`Decisions::MAX_KEPT_MISMATCHES`].
    pub fn mismatches(&self) -> &[Mismatch] {
        &self.mismatches
    }

    /// Counts the judgements of one sign-in.
    pub(super) fn record(&mut self, sign_in: &SignInRecord) {
        for (index, verdict) in sign_in.judgements.iter().enumerate() {
            let mismatched = u64::from(!verdict.matches());
            self.checked += 1;
            self.mismatched += mismatched;
            let rule = self.rules.entry(verdict.rule).or_default();
            rule.seen += 1;
            rule.mismatched += mismatched;
            let cell = self.confusion.entry((verdict.expected.outcome, verdict.seen.outcome)).or_default();
            cell.count += 1;
            cell.mismatched += mismatched;
            self.cases.record(verdict);
            if mismatched > 0 {
                self.keep(Mismatch::new(sign_in, index, verdict));
            }
        }
    }

    /// Adds everything in `other`.
    pub(super) fn merge(&mut self, other: &Self) {
        self.checked += other.checked;
        self.mismatched += other.mismatched;
        for (id, count) in &other.rules {
            let rule = self.rules.entry(*id).or_default();
            rule.seen += count.seen;
            rule.mismatched += count.mismatched;
        }
        for (pair, more) in &other.confusion {
            let cell = self.confusion.entry(*pair).or_default();
            cell.count += more.count;
            cell.mismatched += more.mismatched;
        }
        self.cases.merge(&other.cases);
        other.mismatches.iter().for_each(|mismatch| self.keep(mismatch.clone()));
    }

    /// Returns the bytes on the heap, without the texts of mismatches.
    pub(super) fn heap_bytes(&self) -> usize {
        self.rules.len() * size_of::<(RuleId, RuleCount)>()
            + self.confusion.len() * size_of::<((Outcome, Outcome), ConfusionCell)>()
            + self.mismatches.capacity() * size_of::<Mismatch>()
    }

    /// Returns whether every decision is counted once by rule and once by outcome.
    pub(super) fn is_consistent(&self) -> bool {
        let by_rule: u64 = self.rules.values().map(|rule| rule.seen).sum();
        let by_outcome: u64 = self.confusion.values().map(|cell| cell.count).sum();
        let wrong_by_rule: u64 = self.rules.values().map(|rule| rule.mismatched).sum();
        let wrong_by_outcome: u64 = self.confusion.values().map(|cell| cell.mismatched).sum();
        by_rule == self.checked
            && by_outcome == self.checked
            && self.cases.count() == self.checked
            && wrong_by_rule == self.mismatched
            && wrong_by_outcome == self.mismatched
            && self.mismatches.len() as u64 == self.mismatched.min(Self::MAX_KEPT_MISMATCHES as u64)
    }

    fn keep(&mut self, mismatch: Mismatch) {
        let index = self.mismatches.partition_point(|kept| kept.order() <= mismatch.order());
        if index < Self::MAX_KEPT_MISMATCHES {
            self.mismatches.insert(index, mismatch);
            self.mismatches.truncate(Self::MAX_KEPT_MISMATCHES);
        }
    }
}
