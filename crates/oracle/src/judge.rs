//! Looks up the rule for the facts of a sign-in, and compares the pool's decision with it.

use super::decision::{Decision, Judgement, Outcome, RuleId, Situation};
use super::facts::{AddressStatus, Circumstances, Device, Facts, Flow, LockoutState};
use super::refresh::refresh_rules;
use super::rules::{
    ADDRESS_ALLOWED, COMPROMISED_SRP, Effect, MFA_ANSWER_WITHOUT_KEY, OVERRIDING_RULES, RULES, Rule,
    WRONG_DEVICE_SECRET, has_consequence,
};
use poolproof_cognito::policy::Factors;
use poolproof_cognito::protocol::ChallengeName;

/// Returns the decision that the documentation requires, and the rule behind it.
///
/// A user whose lockout is [uncertain](LockoutState::Uncertain) counts as not locked out.
pub fn expect(facts: &Facts) -> (RuleId, Decision) {
    let Some(rule) = applicable_rule(facts) else {
        // A unit test enumerates all situations.
        unreachable!("no rule for {facts}");
    };
    let mut challenges = match facts.circumstances.flow {
        Flow::Srp => vec![ChallengeName::PasswordVerifier],
        Flow::Password => Vec::new(),
    };
    match rule.then {
        Effect::Refuse(outcome) => {
            let name = overriding_rule(facts, outcome).unwrap_or(rule.name);
            (name, Decision { challenges, outcome, new_device: false })
        }
        Effect::Tokens { mfa: true, .. } if answers_as_new_device(facts) => {
            challenges.extend_from_slice(second_factor(facts.factors));
            (MFA_ANSWER_WITHOUT_KEY, Decision { challenges, outcome: Outcome::Tokens, new_device: true })
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

/// Returns whether the client sends the key of a known device with the password and not with the MFA answer.
fn answers_as_new_device(facts: &Facts) -> bool {
    let known = matches!(facts.device, Device::Remembered | Device::NotRemembered);
    facts.remember.tracks() && known && facts.circumstances.key_omitted_after_mfa
}

/// Returns the rule that explains why the pool did not act on a risk or on a compromised password.
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

/// Compares the decision that the pool made, `seen`, with the one that the rules require.
pub fn judge(facts: Facts, seen: Decision) -> Judgement {
    let facts = match (facts.lock, seen.outcome) {
        // Both answers are right: accept the one that the pool gave.
        (LockoutState::Uncertain, Outcome::LockedOut) => Facts { lock: LockoutState::Locked, ..facts },
        _ => facts,
    };
    let (rule, expected) = expect(&facts);
    Judgement { rule, situation: Situation::SignIn(facts), expected, seen }
}

/// Returns all rules: those on sign-ins in order of precedence, the overriding ones, then those on refresh
/// tokens.
pub fn rules() -> impl Iterator<Item = RuleId> {
    described_rules().map(|(rule, _)| rule)
}

fn described_rules() -> impl Iterator<Item = (RuleId, &'static str)> {
    sign_in_rules().chain(refresh_rules())
}

fn sign_in_rules() -> impl Iterator<Item = (RuleId, &'static str)> {
    RULES.iter().map(|rule| (rule.name, rule.description)).chain(OVERRIDING_RULES)
}

/// Returns the rule in one sentence, or an empty string if the id is unknown.
pub fn description(rule: RuleId) -> &'static str {
    described_rules().find(|(known, _)| known.id == rule.id).map_or("", |(_, description)| description)
}

/// Returns the first rule whose condition fits.
pub(super) fn applicable_rule(facts: &Facts) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.when.fits(facts))
}

/// Returns the challenges of the user's second factor. Simulated users with several factors choose the
/// authenticator app.
const fn second_factor(factors: Factors) -> &'static [ChallengeName] {
    match factors {
        Factors::None => &[ChallengeName::MfaSetup],
        Factors::Phone | Factors::Sms => &[ChallengeName::SmsMfa],
        Factors::Email => &[ChallengeName::EmailOtp],
        Factors::Totp => &[ChallengeName::SoftwareTokenMfa],
        Factors::SmsAndTotp => &[ChallengeName::SelectMfaType, ChallengeName::SoftwareTokenMfa],
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Claim;
    use poolproof_cognito::policy::{MfaMode, RememberMode, RiskAction, RiskLevel, RiskNote};

    fn refused(outcome: Outcome) -> Decision {
        Decision { challenges: vec![ChallengeName::PasswordVerifier], outcome, new_device: false }
    }

    /// Returns the cells of the matrix, each with all switches, claims, lockout states and damaged secrets.
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
        assert_eq!(all.len(), 7020, "the cells of the matrix");
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

    /// Returns every fifth situation with all circumstances.
    fn in_all_circumstances() -> impl Iterator<Item = Facts> {
        let both = [false, true];
        every_situation().into_iter().step_by(5).flat_map(move |facts| {
            [Flow::Srp, Flow::Password].into_iter().flat_map(move |flow| {
                both.into_iter().flat_map(move |compromised| {
                    both.into_iter().flat_map(move |reset_required| {
                        [AddressStatus::Any, AddressStatus::Blocked, AddressStatus::Skipped].into_iter().map(
                            move |address| {
                                let key_omitted_after_mfa = compromised != reset_required;
                                let circumstances = Circumstances {
                                    flow,
                                    compromised,
                                    reset_required,
                                    address,
                                    key_omitted_after_mfa,
                                };
                                Facts { circumstances, ..facts }
                            },
                        )
                    })
                })
            })
        })
    }

    #[test]
    fn every_situation_has_a_rule_and_every_rule_applies_somewhere() {
        let mut met = BTreeSet::new();
        for facts in every_situation().into_iter().chain(in_all_circumstances()) {
            assert!(applicable_rule(&facts).is_some(), "no rule for {facts}");
            met.insert(expect(&facts).0.id);
        }
        let all: BTreeSet<_> = sign_in_rules().map(|(rule, _)| rule.id).collect();
        assert_eq!(met, all, "every rule applies somewhere");
        let ids: BTreeSet<_> = rules().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), rules().count(), "ids are unique");
    }

    #[test]
    fn every_rule_has_its_own_description() {
        let sentences: BTreeSet<_> = rules().map(description).collect();
        assert_eq!(sentences.len(), rules().count());
        for sentence in sentences {
            assert!(sentence.len() > 20 && sentence.ends_with('.'), "{sentence}");
            assert!(sentence.starts_with(char::is_uppercase), "{sentence}");
        }
    }

    #[test]
    fn device_proof_follows_the_password_and_excludes_a_new_device() {
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
    fn both_answers_match_if_the_lockout_is_uncertain() {
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
