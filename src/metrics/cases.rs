//! Decisions by situation: one entry for each kind of situation that occurred in a run.

use std::collections::BTreeMap;

use poolproof_cognito::policy::{Factors, MfaMode, RiskAction, RiskLevel};
use poolproof_oracle::{
    AddressStatus, Claim, Decision, Device, Facts, Flow, Judgement, LockoutState, RuleId, Situation,
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

/// The fault of an attempt in words, and whether it applies.
type Fault = (&'static str, fn(&Facts) -> bool);

/// The faults of attempts, the most severe one first.
const FAULTS: [Fault; 17] = [
    ("locked out", |facts| facts.lock == LockoutState::Locked),
    ("at the edge of a lockout", |facts| facts.lock == LockoutState::Uncertain),
    ("address always blocked", |facts| facts.circumstances.address == AddressStatus::Blocked),
    ("wrong password", |facts| facts.claim == Claim::Wrong),
    ("claim used before", |facts| facts.claim == Claim::Replayed),
    ("password to be reset", |facts| facts.circumstances.reset_required),
    ("compromised password", |facts| facts.circumstances.compromised),
    ("device secret damaged", |facts| facts.device != Device::None && !facts.device_secret_valid),
    ("device without MFA", lacks_mfa_binding),
    ("no device key in the MFA answer", |facts| facts.circumstances.key_omitted_after_mfa),
    ("address always allowed", |facts| facts.circumstances.address == AddressStatus::Skipped),
    ("wrong custom answers", |facts| facts.circumstances.wrong_custom_answer),
    ("password sent as it is", |facts| facts.circumstances.flow == Flow::Password),
    ("SMS code as the first factor", |facts| facts.circumstances.flow == Flow::SmsCode),
    ("e-mail code as the first factor", |facts| facts.circumstances.flow == Flow::EmailCode),
    ("custom challenges", |facts| facts.circumstances.flow == Flow::Custom),
    ("custom challenges after the password", |facts| facts.circumstances.flow == Flow::CustomAfterPassword),
];

/// Returns whether a remembered device cannot replace the MFA that is due, because it was remembered without
/// one.
fn lacks_mfa_binding(facts: &Facts) -> bool {
    let unbound = facts.strict_mfa_binding && facts.device == Device::Remembered && !facts.mfa_bound;
    let mfa_due = facts.mfa == MfaMode::On || facts.mfa == MfaMode::Optional && facts.factors.is_active();
    unbound && facts.suppress_mfa && mfa_due
}

/// Returns the faults in words, and the empty text of an attempt without one.
pub(super) fn attempts() -> impl Iterator<Item = &'static str> {
    FAULTS.into_iter().map(|(words, _)| words).chain([""])
}

/// Returns the most severe fault of an attempt.
fn attempt(facts: &Facts) -> &'static str {
    FAULTS.into_iter().find_map(|(words, applies)| applies(facts).then_some(words)).unwrap_or_default()
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
    pub(super) refreshes: u64,
}

impl Cases {
    /// Returns the cases in order, each with its decisions.
    pub fn iter(&self) -> impl Iterator<Item = (&CaseKey, &[DecisionCount])> {
        self.cases.iter().map(|(case, seen)| (case, seen.as_slice()))
    }

    /// Returns the number of decisions in all cases and about refresh tokens.
    pub(super) fn count(&self) -> u64 {
        self.cases.values().flatten().map(|seen| seen.count).fold(self.refreshes, u64::saturating_add)
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

    pub(super) fn add(
        &mut self,
        case: CaseKey,
        rule: RuleId,
        expected: &Decision,
        seen: &Decision,
        count: u64,
    ) {
        let all = self.cases.entry(case).or_default();
        // Kept in order, so that the result does not depend on the order of recording.
        match all.binary_search_by(|one| (one.rule, &one.expected, &one.seen).cmp(&(rule, expected, seen))) {
            Ok(at) => all[at].count = all[at].count.saturating_add(count),
            Err(at) => {
                all.insert(at, DecisionCount { rule, expected: expected.clone(), seen: seen.clone(), count });
            }
        }
    }
}
