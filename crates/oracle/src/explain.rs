//! Explains a decision: which questions lead to it, and the answer to each.
//!
//! The answers come from the table of rules, so that an explanation always agrees with the decision of
//! [`expect`].

use super::decision::{Decision, Outcome, RuleId};
use super::facts::{Circumstances, Claim, Device, Facts, LockoutState};
use super::judge::{applicable_rule, description, expect};
use super::rules::{Effect, mfa_binding_met, note_applies, pool_mfa_due, risk_requires_mfa, switched};
use poolproof_cognito::policy::{
    Factors, MfaMode, ProofAfterMfa, RememberMode, RiskAction, RiskLevel, RiskNote,
};

/// A question that leads to the decision, with its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The question.
    pub question: &'static str,
    /// The answer in a word or two.
    pub answer: &'static str,
    /// The reason, in full sentences.
    pub why: String,
}

/// Another setting of a switch that changes the decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alternative {
    /// The setting.
    pub setting: &'static str,
    /// The rule that applies with it.
    pub rule: RuleId,
    /// The decision with it.
    pub decision: Decision,
}

/// A decision with the reasons for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The questions in order. The list ends with the last question that matters.
    pub answers: Vec<Answer>,
    /// The rule that decides.
    pub rule: RuleId,
    /// The rule in one sentence.
    pub description: &'static str,
    /// The decision.
    pub decision: Decision,
    /// Settings of switches that would change the decision.
    pub alternatives: Vec<Alternative>,
}

/// Explains the decision that the documentation requires.
pub fn explain(facts: &Facts) -> Explanation {
    let (rule, decision) = expect(facts);
    let answers = answers(facts, &decision);
    let alternatives = alternatives(facts, &decision);
    Explanation { answers, rule, description: description(rule), decision, alternatives }
}

fn answer(question: &'static str, answer: &'static str, why: impl Into<String>) -> Answer {
    Answer { question, answer, why: why.into() }
}

const fn yes_no(yes: bool) -> &'static str {
    if yes { "Yes" } else { "No" }
}

fn answers(facts: &Facts, decision: &Decision) -> Vec<Answer> {
    let mut all = vec![password(facts)];
    if facts.lock == LockoutState::Locked || facts.claim != Claim::Right {
        return all;
    }
    all.push(risk_block(facts));
    if decision.outcome == Outcome::Blocked && matches!(facts.risk, Some((_, RiskAction::Block))) {
        return all;
    }
    all.push(device(facts));
    if decision.outcome == Outcome::DeviceNotFound {
        return all;
    }
    all.push(pool_mfa(facts));
    all.push(risk_mfa(facts));
    if risk_requires_mfa(facts) {
        all.push(note(facts));
    }
    let then = applicable_rule(facts).map(|rule| switched(rule, facts).1);
    let Some(Effect::Tokens { mfa, device_proof, new_device }) = then else {
        all.push(mfa_impossible(facts));
        return all;
    };
    let usable_factor = facts.factors.is_registered() && facts.mfa != MfaMode::Off;
    if pool_mfa_due(facts) || risk_requires_mfa(facts) && !note_applies(facts) && usable_factor {
        all.push(mfa_replaced(facts, mfa));
    }
    all.push(second_factor(facts, mfa));
    all.push(device_proof_due(facts, mfa, device_proof));
    if decision.outcome == Outcome::Tokens {
        all.push(new_key(facts, new_device));
    }
    all
}

fn password(facts: &Facts) -> Answer {
    let (short, why) = match (facts.lock, facts.claim) {
        (LockoutState::Locked, _) => ("Not checked", "Earlier failures have locked the user out."),
        (_, Claim::Wrong) => ("No", "The client used a wrong password."),
        (_, Claim::Replayed) => ("No", "The claim has led to tokens before."),
        (_, Claim::Right) => ("Yes", "The client must always prove the password first."),
    };
    answer("Is the password claim valid?", short, why)
}

fn risk_block(facts: &Facts) -> Answer {
    let (blocks, why) = match facts.risk {
        None => (false, "There is no risk, or the pool takes no action on it.".to_owned()),
        Some((level, RiskAction::Block)) => {
            (true, format!("The action for {level} risk is block. The pool does not check the device key."))
        }
        Some((level, action)) => (false, format!("The action for {level} risk is {action}.")),
    };
    answer("Does risk block the sign-in?", yes_no(blocks), why)
}

fn device(facts: &Facts) -> Answer {
    let (short, why) = match (facts.remember, facts.device) {
        (RememberMode::No, Device::None) => ("Not checked", "The pool remembers no devices."),
        (RememberMode::No, _) => ("Not checked", "The pool remembers no devices and ignores the device key."),
        (_, Device::None) => ("No", "The client sends no device key: the pool treats the device as new."),
        (RememberMode::Always, Device::Remembered) => {
            ("Remembered", "The device is confirmed, and this pool remembers all confirmed devices.")
        }
        (RememberMode::OptIn, Device::Remembered) => {
            ("Remembered", "The device is confirmed, and the user chose to remember it.")
        }
        (_, Device::NotRemembered) => {
            ("Yes", "The device is confirmed but not remembered: it replaces no MFA and proves no secret.")
        }
        (_, Device::Issued) => {
            ("No", "The device key was never confirmed: for the pool the device does not exist.")
        }
        (_, Device::Forgotten) => (
            "No",
            "The device was forgotten, never existed, or belongs to another user. The client can send the \
             same claim again without the key.",
        ),
    };
    answer("Does the pool know the device?", short, why)
}

fn pool_mfa(facts: &Facts) -> Answer {
    let why = match (facts.mfa, facts.factors.is_active()) {
        (MfaMode::Off, _) => "MFA is off in this pool.",
        (MfaMode::Optional, false) => "MFA is optional, and the user has no active second factor.",
        (MfaMode::Optional, true) => "MFA is optional, and the user has an active second factor.",
        (MfaMode::On, false) => "MFA is on: a user without a second factor must set one up.",
        (MfaMode::On, true) => "MFA is on: every user needs one.",
    };
    answer("Does the pool require an MFA?", yes_no(pool_mfa_due(facts)), why)
}

fn risk_mfa(facts: &Facts) -> Answer {
    let (required, why) = match facts.risk {
        None => (false, "There is no risk."),
        Some((_, RiskAction::NoAction)) => (false, "The action for this level is no_action."),
        Some((_, RiskAction::MfaIfConfigured)) if facts.mfa == MfaMode::Off => {
            (false, "mfa_if_configured has no effect in a pool without MFA.")
        }
        Some((_, RiskAction::MfaIfConfigured)) if facts.factors.is_registered() => {
            (true, "mfa_if_configured applies to users who have a registered factor, and this user has one.")
        }
        Some((_, RiskAction::MfaIfConfigured)) if facts.circumstances.risk_mfa_setup => {
            (true, "The user has no registered factor, and risk asks for the setup of one (risk_mfa_setup).")
        }
        Some((_, RiskAction::MfaIfConfigured)) => (
            false,
            "mfa_if_configured applies to users who have a registered factor, and this user has none.",
        ),
        Some((_, RiskAction::MfaRequired)) => (true, "mfa_required applies to every user."),
        Some((_, RiskAction::Block)) => (false, "Risk blocks the sign-in."),
    };
    answer("Does risk require an MFA?", yes_no(required), why)
}

fn note(facts: &Facts) -> Answer {
    let question = "Does AWS's Note waive that MFA?";
    if note_applies(facts) {
        let sign_ins = match facts.risk_note {
            RiskNote::Device => "from remembered devices (risk_note: device)",
            RiskNote::Pool | RiskNote::Off => "in the whole pool (risk_note: pool)",
        };
        let why = format!(
            "With remember always and suppress_mfa, the pool ignores the MFA settings of medium and high risk \
             for sign-ins {sign_ins}."
        );
        return answer(question, "Yes", why);
    }
    let why = if facts.risk_note == RiskNote::Off {
        "The Note is switched off (risk_note: off)."
    } else if facts.remember != RememberMode::Always {
        "The Note covers only pools that always remember devices."
    } else if !facts.suppress_mfa {
        "The Note covers only pools in which a remembered device replaces the MFA; suppress_mfa is false."
    } else if facts.mfa == MfaMode::Off {
        "The Note is about MFA, and this pool has none."
    } else if matches!(facts.risk, Some((RiskLevel::Low, _))) {
        "The Note covers medium and high risk; this risk is low."
    } else {
        "The Note covers only remembered devices (risk_note: device)."
    };
    answer(question, "No", why)
}

fn mfa_impossible(facts: &Facts) -> Answer {
    let why = match facts.mfa {
        MfaMode::Off => "Risk requires an MFA and the pool has none: it refuses the sign-in.",
        MfaMode::Optional | MfaMode::On => {
            "Risk requires an MFA and the user has no second factor: the pool refuses the sign-in."
        }
    };
    answer("Can the user complete that MFA?", "No", why)
}

fn mfa_replaced(facts: &Facts, mfa: bool) -> Answer {
    let why = if !facts.remember.tracks() {
        "The pool remembers no devices."
    } else if !mfa {
        "A remembered device replaces the MFA that the pool requires (suppress_mfa)."
    } else if facts.device != Device::Remembered {
        "Only a remembered device replaces an MFA."
    } else if !facts.suppress_mfa {
        "In this pool no device replaces an MFA (suppress_mfa: false)."
    } else if facts.circumstances.email_mfa_kept && facts.factors == Factors::Email {
        "No device replaces an MFA by e-mail (email_mfa_suppressed: false)."
    } else if !mfa_binding_met(facts) {
        "The device has not completed an MFA itself (strict_mfa_binding)."
    } else {
        "The device replaces the MFA that the pool requires, but not the one that risk requires."
    };
    answer("Does the device replace the MFA?", yes_no(!mfa), why)
}

fn second_factor(facts: &Facts, mfa: bool) -> Answer {
    let (short, why) = match facts.factors {
        _ if !mfa => ("None", "No MFA is due."),
        Factors::None => ("MFA_SETUP", "The user has no second factor and sets one up."),
        Factors::Phone | Factors::Sms => ("SMS_MFA", "The user's phone receives a code."),
        Factors::Email => ("EMAIL_OTP", "The user receives a code by e-mail."),
        Factors::Totp => ("SOFTWARE_TOKEN_MFA", "The user has an authenticator app."),
        Factors::SmsAndTotp => (
            "SELECT_MFA_TYPE",
            "The user has two factors without a preference and must choose; simulated users choose the app.",
        ),
    };
    answer("Which second factor is required?", short, why)
}

fn device_proof_due(facts: &Facts, mfa: bool, device_proof: bool) -> Answer {
    let why = match (device_proof, mfa) {
        (true, _) if !facts.device_secret_valid => {
            "The device is remembered, but its secret is damaged and the proof fails."
        }
        (true, false) => "The device is remembered: its SRP proof follows the password.",
        (true, true) if facts.device == Device::NotRemembered => {
            "The device is confirmed, and the MFA answer names it (proof_after_mfa: confirmed)."
        }
        (true, true) => "The device is remembered: its SRP proof follows the MFA.",
        (false, _) if !facts.remember.tracks() => "The pool remembers no devices.",
        (false, _) => "Only a remembered device must prove its secret.",
    };
    answer("Must the device prove its secret?", yes_no(device_proof), why)
}

fn new_key(facts: &Facts, new_device: bool) -> Answer {
    let why = match (facts.remember, facts.device) {
        (RememberMode::No, _) => "The pool remembers no devices.",
        (_, Device::None) => "The pool remembers devices, and the client sent no key.",
        _ => "The client sent a key.",
    };
    answer("Do the tokens include a new device key?", yes_no(new_device), why)
}

/// Returns the other settings of the switches that lead to another decision.
fn alternatives(facts: &Facts, decision: &Decision) -> Vec<Alternative> {
    let with = |circumstances| Facts { circumstances, ..*facts };
    let noted = |risk_note| Facts { risk_note, ..*facts };
    let unbound = Facts { strict_mfa_binding: true, mfa_bound: false, ..*facts };
    let others = [
        ("risk_note: pool", noted(RiskNote::Pool)),
        ("risk_note: device", noted(RiskNote::Device)),
        ("risk_note: off", noted(RiskNote::Off)),
        ("strict_mfa_binding: false", Facts { strict_mfa_binding: false, ..*facts }),
        ("strict_mfa_binding: true, and a device that has not completed an MFA", unbound),
        ("email_mfa_suppressed: false", with(Circumstances { email_mfa_kept: true, ..facts.circumstances })),
        (
            "proof_after_mfa: confirmed",
            with(Circumstances { proof_after_mfa: ProofAfterMfa::Confirmed, ..facts.circumstances }),
        ),
        ("risk_mfa_setup: true", with(Circumstances { risk_mfa_setup: true, ..facts.circumstances })),
    ];
    let decided = others.into_iter().map(|(setting, facts)| (setting, expect(&facts)));
    decided
        .filter(|(_, (_, other))| other != decision)
        .map(|(setting, (rule, decision))| Alternative { setting, rule, decision })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::tests::every_situation;
    use poolproof_cognito::protocol::ChallengeName;

    /// Returns the answer to the question that starts with `question`.
    fn answer_to(explanation: &Explanation, question: &str) -> Option<&'static str> {
        let found = explanation.answers.iter().find(|answer| answer.question.starts_with(question));
        found.map(|answer| answer.answer)
    }

    #[test]
    fn answers_agree_with_the_decision_in_every_situation() {
        for facts in every_situation() {
            let explanation = explain(&facts);
            let challenges = &explanation.decision.challenges;
            let refused =
                explanation.decision.challenges.len() == 1 && explanation.decision.outcome != Outcome::Tokens;
            assert_eq!(answer_to(&explanation, "Which").is_none(), refused, "{facts}");
            if refused {
                continue;
            }
            let mfa = answer_to(&explanation, "Which").filter(|answer| *answer != "None");
            let asked = challenges.get(1).filter(|name| **name != ChallengeName::DeviceSrpAuth);
            assert_eq!(mfa, asked.map(|name| name.as_str()), "{facts}");
            let proves = challenges.contains(&ChallengeName::DeviceSrpAuth);
            assert_eq!(answer_to(&explanation, "Must"), Some(yes_no(proves)), "{facts}");
            // An MFA is due if pool or risk requires it and neither the device nor the Note waives it.
            let by_risk = answer_to(&explanation, "Does risk require") == Some("Yes")
                && answer_to(&explanation, "Does AWS's Note") == Some("No");
            let by_pool = answer_to(&explanation, "Does the pool require") == Some("Yes");
            let mfa_replaced = answer_to(&explanation, "Does the device replace") == Some("Yes");
            assert_eq!((by_pool || by_risk) && !mfa_replaced, mfa.is_some(), "{facts}");
            assert!(!(mfa_replaced && by_risk), "{facts}");
        }
    }

    #[test]
    fn every_answer_has_a_reason() {
        for facts in every_situation() {
            for answer in explain(&facts).answers {
                assert!(answer.why.ends_with('.'), "{facts}: {answer:?}");
            }
        }
    }
}
