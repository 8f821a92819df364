//! Facts and what was seen in, a verdict out.

use super::decision::{Decision, Outcome, RuleId, Verdict};
use super::facts::{Facts, Lock};
use super::rules::{RULES, Rule, Then, WRONG_DEVICE_SECRET, WRONG_DEVICE_SECRET_SAYS};
use crate::policy::Factors;
use crate::protocol::ChallengeName;

/// The decision that the documentation asks for in this situation, and the rule that says so.
///
/// Someone at the [edge](Lock::Edge) of a lock-out counts as not locked out.
pub fn expect(facts: &Facts) -> (RuleId, Decision) {
    let Some(rule) = applicable(facts) else {
        // Enumerated in the tests: every situation has its rule.
        unreachable!("no rule for {facts}");
    };
    match rule.then {
        Then::Refuse(outcome) => (rule.name, refused(outcome)),
        Then::Tokens { mfa, device_proof, new_device } => {
            let mut challenges = vec![ChallengeName::PasswordVerifier];
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
            (rule.name, Decision { challenges, outcome: Outcome::Tokens, new_device })
        }
    }
}

/// Judges what was `seen` in this situation.
pub fn judge(facts: Facts, seen: Decision) -> Verdict {
    let facts = match (facts.lock, seen.outcome) {
        // Both answers are right there: take the one that was given.
        (Lock::Edge, Outcome::LockedOut) => Facts { lock: Lock::Locked, ..facts },
        _ => facts,
    };
    let (rule, expected) = expect(&facts);
    Verdict { rule, facts, expected, seen }
}

/// All rules, in the order of the table.
pub fn rules() -> impl Iterator<Item = RuleId> {
    RULES.iter().map(|rule| rule.name).chain([WRONG_DEVICE_SECRET])
}

/// This rule in one sentence; nothing for a rule that is not in the table.
pub fn says(rule: RuleId) -> &'static str {
    if rule.id == WRONG_DEVICE_SECRET.id {
        return WRONG_DEVICE_SECRET_SAYS;
    }
    RULES.iter().find(|known| known.name.id == rule.id).map_or("", |known| known.says)
}

pub(super) fn applicable(facts: &Facts) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.when.fits(facts))
}

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
    use crate::oracle::{Claim, Device};
    use crate::policy::{MfaMode, RememberMode, RiskAction, RiskLevel, RiskNote};

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

    #[test]
    fn every_situation_has_a_rule_and_no_rule_is_dead() {
        let mut met = BTreeSet::new();
        for facts in every_situation() {
            assert!(applicable(&facts).is_some(), "no rule for {facts}");
            met.insert(expect(&facts).0.id);
        }
        let all: BTreeSet<_> = rules().map(|rule| rule.id).collect();
        assert_eq!(met, all, "a rule that never applies says nothing");
        assert_eq!(all.len(), rules().count(), "ids are unique");
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
