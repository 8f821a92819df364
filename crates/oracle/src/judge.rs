//! Looks up the rule for the facts of a sign-in, and compares the pool's decision with it.

use super::decision::{Decision, Judgement, Outcome, RuleId, Situation};
use super::facts::{AddressStatus, Circumstances, Claim, Device, Facts, Flow, LockoutState};
use super::flow_rules::{
    CODE_NOT_OFFERED, CODE_WITHOUT_PROOF, CUSTOM_ANSWERED, CUSTOM_DEVICE_PROOF, CUSTOM_DEVICE_UNKNOWN,
    CUSTOM_MFA, CUSTOM_NEW_DEVICE, CUSTOM_NO_NEW_DEVICE, CUSTOM_WRONG_ANSWER, FLOW_RULES,
};
use super::refresh::refresh_rules;
use super::rules::{
    ADDRESS_ALLOWED, COMPROMISED_SRP, Effect, MFA_ANSWER_WITHOUT_KEY, OVERRIDING_RULES, RULES, Rule,
    WRONG_DEVICE_SECRET, has_consequence, switched,
};
use poolproof_cognito::policy::{CustomAuthDevices, Factors, MfaMode};
use poolproof_cognito::protocol::ChallengeName;

const DEVICE_PROOF: [ChallengeName; 2] =
    [ChallengeName::DeviceSrpAuth, ChallengeName::DevicePasswordVerifier];

/// Number of wrong answers to custom challenges after which the sign-in is refused.
const WRONG_CUSTOM_ANSWERS: usize = 3;

/// Returns the decision that the documentation requires, and the rule behind it.
///
/// A user whose lockout is [uncertain](LockoutState::Uncertain) counts as not locked out.
pub fn expect(facts: &Facts) -> (RuleId, Decision) {
    match facts.circumstances.flow {
        Flow::Srp | Flow::Password => expect_after_password(facts),
        Flow::SmsCode => expect_by_code(facts, ChallengeName::SmsOtp, facts.factors.has_phone()),
        Flow::EmailCode => expect_by_code(facts, ChallengeName::EmailOtp, facts.factors.has_email()),
        Flow::Custom | Flow::CustomAfterPassword => expect_custom(facts),
    }
}

/// Returns the decision about a sign-in by a code as the first factor. `reachable` is whether the user has an
/// address for it.
fn expect_by_code(facts: &Facts, code: ChallengeName, reachable: bool) -> (RuleId, Decision) {
    let mfa_would_follow = match facts.mfa {
        MfaMode::Off => false,
        MfaMode::Optional => facts.factors.is_active(),
        MfaMode::On => true,
    };
    let offered = reachable && !mfa_would_follow;
    let circumstances = Circumstances {
        flow: Flow::Srp,
        // A code reveals no password.
        compromised: facts.circumstances.compromised && !offered,
        ..facts.circumstances
    };
    let (name, decision) = expect_after_password(&Facts { circumstances, ..*facts });
    let rest = &decision.challenges[1..];
    if !offered {
        let name = if decision.outcome == Outcome::Tokens { CODE_NOT_OFFERED } else { name };
        let challenges = [&[ChallengeName::SelectChallenge, ChallengeName::PasswordVerifier], rest].concat();
        return (name, Decision { challenges, ..decision });
    }
    let first = [ChallengeName::SelectChallenge, code];
    let mfa_only = rest.strip_suffix(&DEVICE_PROOF).filter(|_| !circumstances.passwordless_device_proof);
    match mfa_only {
        // Without a proof a damaged secret is not noticed.
        Some(mfa) => {
            let (outcome, new_device) = (Outcome::Tokens, false);
            (CODE_WITHOUT_PROOF, Decision { challenges: [&first, mfa].concat(), outcome, new_device })
        }
        None => (name, Decision { challenges: [&first, rest].concat(), ..decision }),
    }
}

/// Returns the decision about a sign-in with custom challenges. Risk is not evaluated there.
fn expect_custom(facts: &Facts) -> (RuleId, Decision) {
    let after_password = facts.circumstances.flow == Flow::CustomAfterPassword;
    let circumstances = Circumstances {
        flow: Flow::Srp,
        compromised: false,
        address: AddressStatus::Any,
        key_omitted_after_mfa: false,
        ..facts.circumstances
    };
    let facts = Facts { risk: None, circumstances, ..*facts };
    // Without a password there is neither a lockout nor an MFA.
    let (lock, claim, mfa) = match after_password {
        true => (facts.lock, facts.claim, facts.mfa),
        false => (LockoutState::Unlocked, Claim::Right, MfaMode::Off),
    };
    let (name, decision) = expect_after_password(&Facts { lock, claim, mfa, ..facts });
    let keys = circumstances.custom_auth_devices;
    let enrolls =
        keys == CustomAuthDevices::Always || after_password && keys == CustomAuthDevices::AfterPassword;
    let new_device = decision.new_device && enrolls;
    let password = &decision.challenges[..usize::from(after_password)];
    let rest = &decision.challenges[1..];
    if after_password && rest.is_empty() && decision.outcome != Outcome::Tokens {
        return (name, decision);
    }
    if rest.first().is_some_and(|next| *next != ChallengeName::DeviceSrpAuth) {
        let name = if decision.outcome == Outcome::Tokens { CUSTOM_MFA } else { name };
        return (name, Decision { new_device, ..decision });
    }
    let asked = |count: usize| [password, &vec![ChallengeName::CustomChallenge; count]].concat();
    if circumstances.wrong_custom_answer {
        let challenges = asked(WRONG_CUSTOM_ANSWERS);
        return (
            CUSTOM_WRONG_ANSWER,
            Decision { challenges, outcome: Outcome::Incorrect, new_device: false },
        );
    }
    let name = match decision.outcome {
        Outcome::DeviceNotFound => CUSTOM_DEVICE_UNKNOWN,
        Outcome::Tokens if !rest.is_empty() => CUSTOM_DEVICE_PROOF,
        Outcome::Tokens if new_device => CUSTOM_NEW_DEVICE,
        Outcome::Tokens if decision.new_device => CUSTOM_NO_NEW_DEVICE,
        Outcome::Tokens => CUSTOM_ANSWERED,
        _ => name,
    };
    let challenges = [&asked(circumstances.custom_challenges.into()), rest].concat();
    (name, Decision { challenges, outcome: decision.outcome, new_device })
}

/// Returns the decision about a sign-in with a password.
fn expect_after_password(facts: &Facts) -> (RuleId, Decision) {
    let Some(rule) = applicable_rule(facts) else {
        // A unit test enumerates all situations.
        unreachable!("no rule for {facts}");
    };
    let mut challenges = match facts.circumstances.flow {
        Flow::Srp => vec![ChallengeName::PasswordVerifier],
        _ => Vec::new(),
    };
    let (name, then) = switched(rule, facts);
    match then {
        Effect::Refuse(outcome) => {
            let name = overriding_rule(facts, outcome).unwrap_or(name);
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
                challenges.extend(DEVICE_PROOF);
            }
            if device_proof && !facts.device_secret_valid {
                return (
                    WRONG_DEVICE_SECRET,
                    Decision { challenges, outcome: Outcome::Incorrect, new_device: false },
                );
            }
            let name = overriding_rule(facts, Outcome::Tokens).unwrap_or(name);
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
    RULES.iter().map(|rule| (rule.name, rule.description)).chain(OVERRIDING_RULES).chain(FLOW_RULES)
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
    use poolproof_cognito::policy::{ProofAfterMfa, RememberMode, RiskAction, RiskLevel, RiskNote};

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
            Flow::ALL.into_iter().flat_map(move |flow| {
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
                                    custom_challenges: 2,
                                    wrong_custom_answer: compromised,
                                    custom_auth_devices: match reset_required {
                                        false if address == AddressStatus::Any => CustomAuthDevices::Always,
                                        _ => CustomAuthDevices::Never,
                                    },
                                    passwordless_device_proof: false,
                                    email_mfa_kept: !compromised,
                                    proof_after_mfa: match reset_required {
                                        true => ProofAfterMfa::Remembered,
                                        false => ProofAfterMfa::Confirmed,
                                    },
                                    risk_mfa_setup: address == AddressStatus::Any,
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
