//! Facts and what was seen in, a verdict out.

use super::decision::{Decision, Judgement, Outcome, RuleId, Situation};
use super::facts::{AddressStatus, Circumstances, Facts, Flow, LockoutState};
use super::refresh::refresh_rules;
use super::rules::{
    ADDRESS_ALLOWED, COMPROMISED_SRP, Effect, OVERRIDING_RULES, RULES, Rule, WRONG_DEVICE_SECRET,
    has_consequence,
};
use poolproof_cognito::policy::Factors;
use poolproof_cognito::protocol::ChallengeName;

/// The decision that the documentation asks for in this situation, and the rule that says so.
///
/// Someone at the [edge](LockoutState::Uncertain) of a lock-out counts as not locked out.
pub fn expect(facts: &Facts) -> (RuleId, Decision) {
    let Some(rule) = applicable_rule(facts) else {
        // Enumerated in the tests: every situation has its rule.
        unreachable!("no rule for {facts}");
    };
    let mut challenges = password(facts);
    match rule.then {
        Effect::Refuse(outcome) => {
            let name = overriding_rule(facts, outcome).unwrap_or(rule.name);
            (name, Decision { challenges, outcome, new_device: false })
        }
        Effect::Tokens { mfa, device_proof, new_device } => {
            if mfa {
                challenges.extend_from_slice(second_factor(facts.factors));
            }
            if device_proof {
                challenges.extend([ChallengeName::DeviceSrpAuth, ChallengeName::DevicePasswordVerifier]);
            }
            if device_proof && !facts.device_secret_valid {
                return (
                    WRONG_DEVICE_SECRET,
                    Decision { challenges, outcome: Outcome::Incorrect, new_device: false },
                );
            }
            let name = overriding_rule(facts, Outcome::Tokens).unwrap_or(rule.name);
            (name, Decision { challenges, outcome: Outcome::Tokens, new_device })
        }
    }
}

/// The challenge that a password answers, where it answers one.
fn password(facts: &Facts) -> Vec<ChallengeName> {
    match facts.circumstances.flow {
        Flow::Srp => vec![ChallengeName::PasswordVerifier],
        Flow::Password => Vec::new(),
    }
}

/// The rule that says why a reason to refuse or to ask was not looked at, where there was one.
fn overriding_rule(facts: &Facts, outcome: Outcome) -> Option<RuleId> {
    let Circumstances { flow, compromised, address, .. } = facts.circumstances;
    if !matches!(outcome, Outcome::Tokens | Outcome::DeviceNotFound) {
        return None;
    }
    let risky = has_consequence(facts.risk) || compromised && flow == Flow::Password;
    if address == AddressStatus::Skipped && risky {
        return Some(ADDRESS_ALLOWED);
    }
    (compromised && flow == Flow::Srp).then_some(COMPROMISED_SRP)
}

/// Judges what was `seen` in this situation.
pub fn judge(facts: Facts, seen: Decision) -> Judgement {
    let facts = match (facts.lock, seen.outcome) {
        // Both answers are right there: take the one that was given.
        (LockoutState::Uncertain, Outcome::LockedOut) => Facts { lock: LockoutState::Locked, ..facts },
        _ => facts,
    };
    let (rule, expected) = expect(&facts);
    Judgement { rule, situation: Situation::SignIn(facts), expected, seen }
}

/// All rules: on sign-ins in the order of their table, then those that stand over it, then those on refresh tokens.
pub fn rules() -> impl Iterator<Item = RuleId> {
    sign_in_rules().chain(refresh_rules()).map(|(rule, _)| rule)
}

fn sign_in_rules() -> impl Iterator<Item = (RuleId, &'static str)> {
    RULES.iter().map(|rule| (rule.name, rule.description)).chain(OVERRIDING_RULES)
}

/// This rule in one sentence; nothing for a rule that is not in the table.
pub fn description(rule: RuleId) -> &'static str {
    sign_in_rules()
        .chain(refresh_rules())
        .find(|(known, _)| known.id == rule.id)
        .map_or("", |(_, description)| description)
}

pub(super) fn applicable_rule(facts: &Facts) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.when.fits(facts))
}

#[cfg(test)]
fn refused(outcome: Outcome) -> Decision {
    Decision { challenges: vec![ChallengeName::PasswordVerifier], outcome, new_device: false }
}

/// The challenges of a user's second factor. Of several, the users of poolproof choose the authenticator app.
const fn second_factor(factors: Factors) -> &'static [ChallengeName] {
    match factors {
        Factors::None => &[ChallengeName::MfaSetup],
        Factors::Sms => &[ChallengeName::SmsMfa],
        Factors::Totp => &[ChallengeName::SoftwareTokenMfa],
        Factors::SmsAndTotp => &[ChallengeName::SelectMfaType, ChallengeName::SoftwareTokenMfa],
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Claim, Device};
    use poolproof_cognito::policy::{MfaMode, RememberMode, RiskAction, RiskLevel, RiskNote};

    /// Every situation there is: the cells of the matrix times switches, claims, locks and damaged secrets.
    pub(crate) fn every_situation() -> Vec<Facts> {
        let mut all = Vec::new();
        let mut risks = vec![None];
        risks.extend(RiskLevel::ALL.iter().flat_map(|l| RiskAction::ALL.map(|a| Some((*l, a)))));
        let both = [false, true];
        for remember in RememberMode::ALL {
            for suppress_mfa in both {
                for mfa in MfaMode::ALL {
                    for factors in Factors::ALL {
                        for device in Device::ALL {
                            for &risk in &risks {
                                let facts = Facts {
                                    remember,
                                    suppress_mfa,
                                    mfa,
                                    risk_note: RiskNote::Pool,
                                    strict_mfa_binding: false,
                                    factors,
                                    claim: Claim::Right,
                                    device,
                                    mfa_bound: true,
                                    device_secret_valid: true,
                                    risk,
                                    lock: LockoutState::Unlocked,
                                    circumstances: Circumstances::default(),
                                };
                                all.push(facts);
                            }
                        }
                    }
                }
            }
        }
        assert_eq!(all.len(), 4680, "the cells of the matrix");
        let mut every = Vec::new();
        for facts in all {
            for risk_note in [RiskNote::Pool, RiskNote::Device, RiskNote::Off] {
                for (strict_mfa_binding, mfa_bound) in [(false, true), (true, true), (true, false)] {
                    for (claim, lock, device_secret_valid) in [
                        (Claim::Right, LockoutState::Unlocked, true),
                        (Claim::Right, LockoutState::Unlocked, false),
                        (Claim::Wrong, LockoutState::Unlocked, true),
                        (Claim::Replayed, LockoutState::Uncertain, true),
                        (Claim::Right, LockoutState::Locked, true),
                    ] {
                        every.push(Facts {
                            risk_note,
                            strict_mfa_binding,
                            mfa_bound,
                            claim,
                            lock,
                            device_secret_valid,
                            ..facts
                        });
                    }
                }
            }
        }
        every
    }

    /// Every fifth situation in every circumstance.
    fn in_all_circumstances() -> impl Iterator<Item = Facts> {
        let both = [false, true];
        every_situation().into_iter().step_by(5).flat_map(move |facts| {
            [Flow::Srp, Flow::Password].into_iter().flat_map(move |flow| {
                both.into_iter().flat_map(move |compromised| {
                    both.into_iter().flat_map(move |reset_required| {
                        [AddressStatus::Any, AddressStatus::Blocked, AddressStatus::Skipped].into_iter().map(
                            move |address| {
                                let circumstances =
                                    Circumstances { flow, compromised, reset_required, address };
                                Facts { circumstances, ..facts }
                            },
                        )
                    })
                })
            })
        })
    }

    #[test]
    fn every_situation_has_a_rule_and_no_rule_is_dead() {
        let mut met = BTreeSet::new();
        for facts in every_situation().into_iter().chain(in_all_circumstances()) {
            assert!(applicable_rule(&facts).is_some(), "no rule for {facts}");
            met.insert(expect(&facts).0.id);
        }
        let all: BTreeSet<_> = sign_in_rules().map(|(rule, _)| rule.id).collect();
        assert_eq!(met, all, "a rule that never applies says nothing");
        let ids: BTreeSet<_> = rules().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), rules().count(), "ids are unique");
    }

    #[test]
    fn every_rule_says_something_of_its_own_in_one_sentence() {
        let sentences: BTreeSet<_> = rules().map(description).collect();
        assert_eq!(sentences.len(), rules().count());
        for sentence in sentences {
            assert!(sentence.len() > 20 && sentence.ends_with('.'), "{sentence}");
            assert!(sentence.starts_with(char::is_uppercase), "{sentence}");
        }
    }

    #[test]
    fn a_proof_of_the_device_never_stands_alone_and_never_with_a_new_device() {
        for facts in every_situation() {
            let (_, decision) = expect(&facts);
            assert_eq!(decision.challenges[0], ChallengeName::PasswordVerifier);
            let proof = decision.challenges.contains(&ChallengeName::DeviceSrpAuth);
            assert!(!(proof && decision.new_device), "{facts}");
            assert!(!proof || facts.device == Device::Remembered, "{facts}");
            assert!(!decision.new_device || facts.remember.tracks(), "{facts}");
        }
    }

    #[test]
    fn at_the_edge_of_a_lockout_both_answers_are_right() {
        let facts = Facts { lock: LockoutState::Uncertain, ..every_situation()[0] };
        let open = expect(&facts).1;
        assert!(judge(facts, open).matches());
        assert!(judge(facts, refused(Outcome::LockedOut)).matches());
        assert!(!judge(facts, refused(Outcome::Blocked)).matches());
        assert!(
            !judge(Facts { lock: LockoutState::Unlocked, ..facts }, refused(Outcome::LockedOut)).matches()
        );
    }
}
