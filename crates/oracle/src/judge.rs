//! Facts and what was seen in, a verdict out.

use super::decision::{Decision, Outcome, RuleId, Situation, Verdict};
use super::facts::{Address, Circumstances, Facts, Flow, Lock};
use super::rules::{
    ADDRESS_ALLOWED, COMPROMISED_SRP, RULES, Rule, STANDING_OVER, Then, WRONG_DEVICE_SECRET, has_consequence,
};
use super::tokens::refresh_rules;
use poolproof_cognito::policy::Factors;
use poolproof_cognito::protocol::ChallengeName;

/// The decision that the documentation asks for in this situation, and the rule that says so.
///
/// Someone at the [edge](Lock::Edge) of a lock-out counts as not locked out.
pub fn expect(facts: &Facts) -> (RuleId, Decision) {
    let Some(rule) = applicable(facts) else {
        // Enumerated in the tests: every situation has its rule.
        unreachable!("no rule for {facts}");
    };
    let mut challenges = password(facts);
    match rule.then {
        Then::Refuse(outcome) => {
            let name = standing_over(facts, outcome).unwrap_or(rule.name);
            (name, Decision { challenges, outcome, new_device: false })
        }
        Then::Tokens { mfa, device_proof, new_device } => {
            if mfa {
                challenges.extend_from_slice(second_factor(facts.factors));
            }
            if device_proof {
                challenges.extend([ChallengeName::DeviceSrpAuth, ChallengeName::DevicePasswordVerifier]);
            }
            if device_proof && !facts.device_secret_right {
                return (
                    WRONG_DEVICE_SECRET,
                    Decision { challenges, outcome: Outcome::Incorrect, new_device: false },
                );
            }
            let name = standing_over(facts, Outcome::Tokens).unwrap_or(rule.name);
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
fn standing_over(facts: &Facts, outcome: Outcome) -> Option<RuleId> {
    let Circumstances { flow, compromised, address, .. } = facts.circumstances;
    if !matches!(outcome, Outcome::Tokens | Outcome::DeviceNotFound) {
        return None;
    }
    let risky = has_consequence(facts.risk) || compromised && flow == Flow::Password;
    if address == Address::Skipped && risky {
        return Some(ADDRESS_ALLOWED);
    }
    (compromised && flow == Flow::Srp).then_some(COMPROMISED_SRP)
}

/// Judges what was `seen` in this situation.
pub fn judge(facts: Facts, seen: Decision) -> Verdict {
    let facts = match (facts.lock, seen.outcome) {
        // Both answers are right there: take the one that was given.
        (Lock::Edge, Outcome::LockedOut) => Facts { lock: Lock::Locked, ..facts },
        _ => facts,
    };
    let (rule, expected) = expect(&facts);
    Verdict { rule, situation: Situation::SignIn(facts), expected, seen }
}

/// All rules: on sign-ins in the order of their table, then those that stand over it, then those on refresh tokens.
pub fn rules() -> impl Iterator<Item = RuleId> {
    sign_in_rules().chain(refresh_rules()).map(|(rule, _)| rule)
}

fn sign_in_rules() -> impl Iterator<Item = (RuleId, &'static str)> {
    RULES.iter().map(|rule| (rule.name, rule.says)).chain(STANDING_OVER)
}

/// This rule in one sentence; nothing for a rule that is not in the table.
pub fn says(rule: RuleId) -> &'static str {
    sign_in_rules().chain(refresh_rules()).find(|(known, _)| known.id == rule.id).map_or("", |(_, says)| says)
}

pub(super) fn applicable(facts: &Facts) -> Option<&'static Rule> {
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
                                    device_secret_right: true,
                                    risk,
                                    lock: Lock::Open,
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
                    for (claim, lock, device_secret_right) in [
                        (Claim::Right, Lock::Open, true),
                        (Claim::Right, Lock::Open, false),
                        (Claim::Wrong, Lock::Open, true),
                        (Claim::Replayed, Lock::Edge, true),
                        (Claim::Right, Lock::Locked, true),
                    ] {
                        every.push(Facts {
                            risk_note,
                            strict_mfa_binding,
                            mfa_bound,
                            claim,
                            lock,
                            device_secret_right,
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
                        [Address::Any, Address::Blocked, Address::Skipped].into_iter().map(move |address| {
                            let circumstances = Circumstances { flow, compromised, reset_required, address };
                            Facts { circumstances, ..facts }
                        })
                    })
                })
            })
        })
    }

    #[test]
    fn every_situation_has_a_rule_and_no_rule_is_dead() {
        let mut met = BTreeSet::new();
        for facts in every_situation().into_iter().chain(in_all_circumstances()) {
            assert!(applicable(&facts).is_some(), "no rule for {facts}");
            met.insert(expect(&facts).0.id);
        }
        let all: BTreeSet<_> = sign_in_rules().map(|(rule, _)| rule.id).collect();
        assert_eq!(met, all, "a rule that never applies says nothing");
        let ids: BTreeSet<_> = rules().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), rules().count(), "ids are unique");
    }

    #[test]
    fn every_rule_says_something_of_its_own_in_one_sentence() {
        let sentences: BTreeSet<_> = rules().map(says).collect();
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
        let facts = Facts { lock: Lock::Edge, ..every_situation()[0] };
        let open = expect(&facts).1;
        assert!(judge(facts, open).matches());
        assert!(judge(facts, refused(Outcome::LockedOut)).matches());
        assert!(!judge(facts, refused(Outcome::Blocked)).matches());
        assert!(!judge(Facts { lock: Lock::Open, ..facts }, refused(Outcome::LockedOut)).matches());
    }
}
