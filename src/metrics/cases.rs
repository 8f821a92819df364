//! Decisions by situation: one entry for each kind of situation that occurred in a run.

use std::collections::BTreeMap;

use poolproof_cognito::policy::{Factors, MfaMode, RiskAction, RiskLevel};
use poolproof_oracle::{
    AddressStatus, Circumstances, Claim, Decision, Device, Facts, Flow, Judgement, LockoutState, RuleId,
    Situation,
};

/// The facts that distinguish situations within a run. The pool's settings are the same for all situations.
/// Refresh tokens are not included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct CaseKey {
    /// The device that the client named.
    pub device: Device,
    /// The user's factors.
    pub factors: Factors,
    /// The risk level and the pool's action.
    pub risk: Option<(RiskLevel, RiskAction)>,
    /// The fault of the attempt; empty if there is none.
    pub attempt: &'static str,
}

impl CaseKey {
    fn of(facts: &Facts) -> Self {
        let Facts { device, factors, risk, .. } = *facts;
        Self { device, factors, risk, attempt: attempt(facts) }
    }
}

/// Returns the most severe fault of an attempt.
fn attempt(facts: &Facts) -> &'static str {
    let Circumstances { flow, compromised, reset_required, address, .. } = facts.circumstances;
    let Circumstances { key_omitted_after_mfa, wrong_custom_answer, .. } = facts.circumstances;
    let unbound = facts.strict_mfa_binding && facts.device == Device::Remembered && !facts.mfa_bound;
    let mfa_due = facts.mfa == MfaMode::On || facts.mfa == MfaMode::Optional && facts.factors.is_active();
    let all = [
        (facts.lock == LockoutState::Locked, "locked out"),
        (facts.lock == LockoutState::Uncertain, "at the edge of a lockout"),
        (address == AddressStatus::Blocked, "address always blocked"),
        (facts.claim == Claim::Wrong, "wrong password"),
        (facts.claim == Claim::Replayed, "claim used before"),
        (reset_required, "password to be reset"),
        (compromised, "compromised password"),
        (facts.device != Device::None && !facts.device_secret_valid, "device secret damaged"),
        (unbound && facts.suppress_mfa && mfa_due, "device without MFA"),
        (key_omitted_after_mfa, "no device key in the MFA answer"),
        (address == AddressStatus::Skipped, "address always allowed"),
        (wrong_custom_answer, "wrong custom answers"),
        (flow == Flow::Password, "password sent as it is"),
        (flow == Flow::SmsCode, "SMS code as the first factor"),
        (flow == Flow::EmailCode, "e-mail code as the first factor"),
        (flow == Flow::Custom, "custom challenges"),
        (flow == Flow::CustomAfterPassword, "custom challenges after the password"),
    ];
    all.into_iter().find_map(|(holds, words)| holds.then_some(words)).unwrap_or("")
}

/// An expected and an actual decision, and how often they occurred.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecisionCount {
    /// The rule that applied.
    pub rule: RuleId,
    /// The expected decision.
    pub expected: Decision,
    /// The actual decision.
    pub seen: Decision,
    /// The count.
    pub count: u64,
}

impl DecisionCount {
    /// Returns whether both are equal.
    pub fn matches(&self) -> bool {
        self.expected == self.seen
    }
}

/// All cases of a run. Their number does not depend on its length.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cases {
    cases: BTreeMap<CaseKey, Vec<DecisionCount>>,
    /// Decisions about refresh tokens, which are no cases.
    refreshes: u64,
}

impl Cases {
    /// Returns the cases in order, each with its decisions.
    pub fn iter(&self) -> impl Iterator<Item = (&CaseKey, &[DecisionCount])> {
        self.cases.iter().map(|(case, seen)| (case, seen.as_slice()))
    }

    /// Returns the number of decisions in all cases and about refresh tokens.
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
        // Kept in order, so that the result does not depend on the order of recording.
        match all.binary_search_by(|one| (one.rule, &one.expected, &one.seen).cmp(&(rule, expected, seen))) {
            Ok(at) => all[at].count += count,
            Err(at) => {
                all.insert(at, DecisionCount { rule, expected: expected.clone(), seen: seen.clone(), count });
            }
        }
    }
}
