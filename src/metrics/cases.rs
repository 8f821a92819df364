//! What the pool decided, by situation: one line for each kind of situation that a run has met.

use std::collections::BTreeMap;

use poolproof_cognito::policy::{Factors, RiskAction, RiskLevel};
use poolproof_oracle::{
    AddressStatus, Circumstances, Claim, Decision, Device, Facts, Flow, Judgement, LockoutState, RuleId,
    Situation,
};

/// What tells situations of one run apart; the pool's settings are the same for all. Refresh tokens are not among them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct CaseKey {
    /// The device that is named.
    pub device: Device,
    /// The user's factors.
    pub factors: Factors,
    /// The risk that the pool sees and what it does about it.
    pub risk: Option<(RiskLevel, RiskAction)>,
    /// What else is the matter; empty where nothing is.
    pub attempt: &'static str,
}

impl CaseKey {
    fn of(facts: &Facts) -> Self {
        let Facts { device, factors, risk, .. } = *facts;
        Self { device, factors, risk, attempt: attempt(facts) }
    }
}

/// The gravest thing that is the matter with an attempt.
fn attempt(facts: &Facts) -> &'static str {
    let Circumstances { flow, compromised, reset_required, address } = facts.circumstances;
    let all = [
        (facts.lock == LockoutState::Locked, "locked out"),
        (facts.lock == LockoutState::Uncertain, "at the edge of a lockout"),
        (address == AddressStatus::Blocked, "address always blocked"),
        (facts.claim == Claim::Wrong, "wrong password"),
        (facts.claim == Claim::Replayed, "claim used before"),
        (reset_required, "password to be reset"),
        (compromised, "compromised password"),
        (facts.device != Device::None && !facts.device_secret_valid, "device secret damaged"),
        (
            facts.strict_mfa_binding && facts.device == Device::Remembered && !facts.mfa_bound,
            "device without MFA",
        ),
        (address == AddressStatus::Skipped, "address always allowed"),
        (flow == Flow::Password, "password sent as it is"),
    ];
    all.into_iter().find_map(|(holds, words)| holds.then_some(words)).unwrap_or("")
}

/// What was expected in a case and what was seen, how often.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecisionCount {
    /// The rule that applied.
    pub rule: RuleId,
    /// What it asks for.
    pub expected: Decision,
    /// What was seen.
    pub seen: Decision,
    /// How often.
    pub count: u64,
}

impl DecisionCount {
    /// Whether both are the same.
    pub fn matches(&self) -> bool {
        self.expected == self.seen
    }
}

/// All cases of a run. Their number depends on what can be told apart, and not on the length of the run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cases {
    cases: BTreeMap<CaseKey, Vec<DecisionCount>>,
    /// Decisions about refresh tokens, which are no cases.
    refreshes: u64,
}

impl Cases {
    /// The cases in their order, each with what was seen in it.
    pub fn iter(&self) -> impl Iterator<Item = (&CaseKey, &[DecisionCount])> {
        self.cases.iter().map(|(case, seen)| (case, seen.as_slice()))
    }

    /// How many decisions there are, in all cases and about refresh tokens.
    pub(super) fn count(&self) -> u64 {
        self.cases.values().flatten().map(|seen| seen.count).sum::<u64>() + self.refreshes
    }

    pub(super) fn record(&mut self, verdict: &Judgement) {
        let Situation::SignIn(facts) = &verdict.situation else {
            self.refreshes += 1;
            return;
        };
        let Judgement { rule, expected, seen, .. } = verdict;
        self.add(CaseKey::of(facts), *rule, expected, seen, 1);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.refreshes += other.refreshes;
        for (case, seen) in &other.cases {
            for one in seen {
                self.add(*case, one.rule, &one.expected, &one.seen, one.count);
            }
        }
    }

    fn add(&mut self, case: CaseKey, rule: RuleId, expected: &Decision, seen: &Decision, count: u64) {
        let all = self.cases.entry(case).or_default();
        // In order, so that it is told alike in whatever order recorders heard of it.
        match all.binary_search_by(|one| (one.rule, &one.expected, &one.seen).cmp(&(rule, expected, seen))) {
            Ok(at) => all[at].count += count,
            Err(at) => {
                all.insert(at, DecisionCount { rule, expected: expected.clone(), seen: seen.clone(), count });
            }
        }
    }
}
