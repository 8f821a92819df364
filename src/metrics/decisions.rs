//! What the pool decided, counted by rule and by outcome, with the first mismatches in full.

use std::collections::BTreeMap;
use std::time::Duration;

use super::SignInRecord;
use super::cases::Cases;
use poolproof_oracle::{Judgement, Outcome, RuleId};

/// How often a rule applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RuleCount {
    /// Decisions that it applied to.
    pub seen: u64,
    /// Those of them that differ from what it asks.
    pub mismatched: u64,
}

/// How often an outcome was expected and another, or the same, was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ConfusionCell {
    /// Decisions.
    pub count: u64,
    /// Those of them that differ: with equal outcomes, in the challenges or in the new device.
    pub mismatched: u64,
}

/// A decision that differs from what its rule asks, and where in the run it was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// The number of the sign-in in the run's plan.
    pub number: u64,
    /// The number of the user in the population.
    pub user: u32,
    /// When the sign-in ended, since the start of the run.
    pub ended_at: Duration,
    /// The place of the verdict among the sign-in's own.
    pub index: usize,
    /// Rule, situation, what was expected and what was seen.
    pub verdict: Judgement,
}

impl Mismatch {
    /// Mismatches stand in the order of the run, and not in the order in which recorders hear of them.
    const fn order(&self) -> (Duration, u64, usize) {
        (self.ended_at, self.number, self.index)
    }
}

/// All decisions of a run, warm-up too.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Decisions {
    pub(super) checked: u64,
    pub(super) mismatched: u64,
    rules: BTreeMap<RuleId, RuleCount>,
    confusion: BTreeMap<(Outcome, Outcome), ConfusionCell>,
    cases: Cases,
    mismatches: Vec<Mismatch>,
}

impl Decisions {
    /// The most mismatches that are kept in full.
    pub const MAX_KEPT_MISMATCHES: usize = 100;

    /// How many were judged.
    pub const fn checked(&self) -> u64 {
        self.checked
    }

    /// How many differ from what their rules ask.
    pub const fn mismatched(&self) -> u64 {
        self.mismatched
    }

    /// The rules that applied, in the order of their ids.
    pub fn rules(&self) -> impl Iterator<Item = (&RuleId, &RuleCount)> {
        self.rules.iter()
    }

    /// Expected outcome, seen outcome, and how often, in the order of [`Outcome::ALL`]; what never happened is left out.
    pub fn confusion(&self) -> impl Iterator<Item = (Outcome, Outcome, &ConfusionCell)> {
        self.confusion.iter().map(|((expected, seen), cell)| (*expected, *seen, cell))
    }

    /// What was decided about sign-ins, by situation.
    pub const fn cases(&self) -> &Cases {
        &self.cases
    }

    /// The first mismatches of the run, at most [`Decisions::MAX_KEPT_MISMATCHES`], in the order of the run.
    pub fn mismatches(&self) -> &[Mismatch] {
        &self.mismatches
    }

    /// Counts the verdicts of one sign-in.
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
                self.keep(Mismatch {
                    number: sign_in.number,
                    user: sign_in.user,
                    ended_at: sign_in.finished,
                    index,
                    verdict: verdict.clone(),
                });
            }
        }
    }

    /// Puts in all that `other` has.
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

    /// Bytes on the heap, without those of what mismatches tell.
    pub(super) fn heap_bytes(&self) -> usize {
        self.rules.len() * size_of::<(RuleId, RuleCount)>()
            + self.confusion.len() * size_of::<((Outcome, Outcome), ConfusionCell)>()
            + self.mismatches.capacity() * size_of::<Mismatch>()
    }

    /// Whether every decision is counted once by rule and once by outcome.
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
