//! A decision put into words: which questions it goes through, and what each answers.
//!
//! The answers are read off the table: its columns say what is asked, the rule that applies says what came of it. So
//! the words cannot tell of another decision than the one that [`expect`] gives.

use super::decision::{Confidence, Decision, Outcome, RuleId};
use super::facts::{Claim, Device, Facts, LockoutState};
use super::judge::{applicable_rule, description, expect};
use super::rules::{Effect, mfa_binding_met, note_applies, pool_mfa_due, risk_requires_mfa};
use poolproof_cognito::policy::{Factors, MfaMode, RememberMode, RiskAction, RiskLevel, RiskNote};

/// A question on the way to a decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The question.
    pub question: &'static str,
    /// The answer in a word or two.
    pub answer: &'static str,
    /// Why, in a sentence.
    pub why: String,
}

/// What the decision would be with a switch set otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alternative {
    /// The other setting.
    pub setting: &'static str,
    /// The rule that would apply.
    pub rule: RuleId,
    /// What it would ask for.
    pub decision: Decision,
}

/// A decision, and how it comes about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The questions in their order. The last one that matters is the last one asked.
    pub answers: Vec<Answer>,
    /// The rule that decides.
    pub rule: RuleId,
    /// That rule in one sentence.
    pub description: &'static str,
    /// The decision.
    pub decision: Decision,
    /// Settings of the switches that would change it.
    pub alternatives: Vec<Alternative>,
}

impl Explanation {
    /// Whether the decision is our own reading, or hangs on a choice that the documentation leaves open.
    pub fn is_uncertain(&self) -> bool {
        self.rule.confidence == Confidence::Inferred || !self.alternatives.is_empty()
    }
}

/// Explains the decision that the documentation asks for in this situation.
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
    all.push(refusal(facts));
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
    let Some(Effect::Tokens { mfa, device_proof, new_device }) = applicable_rule(facts).map(|rule| rule.then)
    else {
        all.push(mfa_impossible(facts));
        return all;
    };
    let asks_anyway = risk_requires_mfa(facts) && !note_applies(facts) && usable_factor(facts);
    if pool_mfa_due(facts) || asks_anyway {
        all.push(mfa_replaced(facts, mfa));
    }
    all.push(second_factor(facts, mfa));
    all.push(proof(facts, mfa, device_proof));
    if decision.outcome == Outcome::Tokens {
        all.push(key(facts, new_device));
    }
    all
}

fn password(facts: &Facts) -> Answer {
    let question = "Does the password's claim hold?";
    match (facts.lock, facts.claim) {
        (LockoutState::Locked, _) => {
            answer(question, "Not asked", "The user is locked out by earlier failures.")
        }
        (_, Claim::Wrong) => answer(question, "No", "It was made with a wrong password."),
        (_, Claim::Replayed) => answer(question, "No", "It has led to tokens before."),
        (_, Claim::Right) => {
            answer(question, "Yes", "The password is always proved first, whatever the device can do.")
        }
    }
}

fn refusal(facts: &Facts) -> Answer {
    let question = "Does risk refuse?";
    match facts.risk {
        None => answer(question, "No", "None is seen, or the pool takes no action on it."),
        Some((level, RiskAction::Block)) => answer(
            question,
            "Yes",
            format!("The action for {level} risk is block. Nothing is said about the device."),
        ),
        Some((level, action)) => answer(question, "No", format!("The action for {level} risk is {action}.")),
    }
}

fn device(facts: &Facts) -> Answer {
    let question = "Is the device known?";
    match (facts.remember, facts.device) {
        (RememberMode::No, Device::None) => answer(question, "Not asked", "The pool remembers no devices."),
        (RememberMode::No, _) => {
            answer(question, "Not asked", "The pool remembers no devices: the key that is named is ignored.")
        }
        (_, Device::None) => answer(question, "No", "No device's key is named: to the pool it is a new one."),
        (RememberMode::Always, Device::Remembered) => {
            answer(question, "Remembered", "It was confirmed, and this pool remembers what is confirmed.")
        }
        (RememberMode::OptIn, Device::Remembered) => {
            answer(question, "Remembered", "It was confirmed, and the user chose to have it remembered.")
        }
        (_, Device::NotRemembered) => {
            answer(question, "Yes", "It was confirmed and is not remembered: it replaces and proves nothing.")
        }
        (_, Device::Issued) => answer(
            question,
            "No",
            "Its key was handed out and never confirmed: to the pool the device does not exist.",
        ),
        (_, Device::Forgotten) => answer(
            question,
            "No",
            "It was forgotten, was never known, or is another user's. The claim stays good: a client says it \
             again without the key.",
        ),
    }
}

fn pool_mfa(facts: &Facts) -> Answer {
    let why = match (facts.mfa, facts.factors.any()) {
        (MfaMode::Off, _) => "MFA is off in this pool.",
        (MfaMode::Optional, false) => "MFA is optional, and the user has no second factor.",
        (MfaMode::Optional, true) => "MFA is optional, and the user has a second factor.",
        (MfaMode::On, false) => "MFA is on: whoever has no second factor must set one up.",
        (MfaMode::On, true) => "MFA is on: everyone is asked.",
    };
    answer("Does the pool ask for an MFA?", yes_no(pool_mfa_due(facts)), why)
}

const fn usable_factor(facts: &Facts) -> bool {
    facts.factors.any() && !matches!(facts.mfa, MfaMode::Off)
}

fn risk_mfa(facts: &Facts) -> Answer {
    let question = "Does risk ask for an MFA?";
    let Some((level, action)) = facts.risk else { return answer(question, "No", "There is none.") };
    match action {
        RiskAction::NoAction => answer(question, "No", format!("{level} risk has no_action here.")),
        RiskAction::MfaIfConfigured if facts.mfa == MfaMode::Off => {
            answer(question, "No", "mfa_if_configured finds no MFA in this pool.")
        }
        RiskAction::MfaIfConfigured if !facts.factors.any() => {
            answer(question, "No", "mfa_if_configured asks whoever has a second factor; this user has none.")
        }
        RiskAction::MfaIfConfigured => {
            answer(question, "Yes", "mfa_if_configured asks whoever has a second factor, and this user has.")
        }
        RiskAction::MfaRequired => answer(question, "Yes", "mfa_required asks everyone."),
        RiskAction::Block => answer(question, "No", "It refuses."),
    }
}

fn note(facts: &Facts) -> Answer {
    let question = "Does the Note set that aside?";
    if note_applies(facts) {
        let whose = match facts.risk_note {
            RiskNote::Device => "from a remembered device (risk_note: device)",
            RiskNote::Pool | RiskNote::Off => "in such a pool (risk_note: pool)",
        };
        let why = format!(
            "With remember always and suppress_mfa, the MFA settings of medium and high risk are ignored for \
             sign-ins {whose}."
        );
        return answer(question, "Yes", why);
    }
    let low = matches!(facts.risk, Some((RiskLevel::Low, _)));
    let why = if facts.risk_note == RiskNote::Off {
        "It is switched off (risk_note: off)."
    } else if facts.remember != RememberMode::Always {
        "It speaks of pools that always remember devices, and of no others."
    } else if !facts.suppress_mfa {
        "It speaks of pools where a remembered device replaces the MFA; this one has suppress_mfa false."
    } else if facts.mfa == MfaMode::Off {
        "It is about which MFA is asked for, and this pool has none."
    } else if low {
        "It speaks of medium and high risk; this risk is low."
    } else {
        "It is read as being about remembered devices only (risk_note: device)."
    };
    answer(question, "No", why)
}

fn mfa_impossible(facts: &Facts) -> Answer {
    let why = match facts.mfa {
        MfaMode::Off => "The pool has no MFA: what risk requires cannot be done, so the sign-in is refused.",
        MfaMode::Optional | MfaMode::On => {
            "The user has no second factor: what risk requires cannot be done, so the sign-in is refused."
        }
    };
    answer("Can the user do that MFA?", "No", why)
}

fn mfa_replaced(facts: &Facts, mfa: bool) -> Answer {
    let trusted = facts.device == Device::Remembered;
    let why = if !facts.remember.tracks() {
        "The pool remembers no devices."
    } else if !mfa {
        "A remembered device replaces the MFA that the pool asks for (suppress_mfa)."
    } else if !trusted {
        "Only a remembered device can."
    } else if !facts.suppress_mfa {
        "The pool does not want that (suppress_mfa false)."
    } else if !mfa_binding_met(facts) {
        "It has been through no MFA itself (strict_mfa_binding)."
    } else {
        "It replaces the MFA that the pool asks for, not the one that risk asks for."
    };
    answer("Does the device replace the MFA?", yes_no(!mfa), why)
}

fn second_factor(facts: &Facts, mfa: bool) -> Answer {
    let question = "Which second factor is asked for?";
    if !mfa {
        return answer(question, "None", "No MFA is left to be asked for.");
    }
    match facts.factors {
        Factors::None => answer(question, "MFA_SETUP", "The user has none and sets one up."),
        Factors::Sms => answer(question, "SMS_MFA", "The user's phone gets a code."),
        Factors::Totp => answer(question, "SOFTWARE_TOKEN_MFA", "The user has an authenticator app."),
        Factors::SmsAndTotp => answer(
            question,
            "SELECT_MFA_TYPE",
            "The user has two and prefers neither, so chooses; users of poolproof choose the app.",
        ),
    }
}

fn proof(facts: &Facts, mfa: bool, device_proof: bool) -> Answer {
    let question = "Must the device prove itself?";
    let why = match (device_proof, mfa) {
        (true, _) if !facts.device_secret_valid => {
            "It is remembered; but its secret is damaged, and it fails."
        }
        (true, false) => "It is remembered: its own proof by SRP follows the password's.",
        (true, true) => "It is remembered: its own proof by SRP follows the MFA.",
        (false, _) if !facts.remember.tracks() => "The pool remembers no devices.",
        (false, _) => "Only a remembered device has anything to prove.",
    };
    answer(question, yes_no(device_proof), why)
}

fn key(facts: &Facts, new_device: bool) -> Answer {
    let why = match (facts.remember, facts.device) {
        (RememberMode::No, _) => "The pool remembers no devices.",
        (_, Device::None) => "The pool remembers devices, and no key was named.",
        _ => "One was named.",
    };
    answer("Do the tokens bring a new key?", yes_no(new_device), why)
}

/// The switches' other settings that lead to another decision.
fn alternatives(facts: &Facts, decision: &Decision) -> Vec<Alternative> {
    let mut others: Vec<(&'static str, Facts)> = Vec::new();
    for risk_note in RiskNote::ALL {
        let setting = match risk_note {
            RiskNote::Pool => "risk_note: pool",
            RiskNote::Device => "risk_note: device",
            RiskNote::Off => "risk_note: off",
        };
        others.push((setting, Facts { risk_note, ..*facts }));
    }
    others.push(("strict_mfa_binding: false", Facts { strict_mfa_binding: false, ..*facts }));
    let unbound = Facts { strict_mfa_binding: true, mfa_bound: false, ..*facts };
    others.push(("strict_mfa_binding: true, while the device has been through no MFA", unbound));
    let judged = others.into_iter().map(|(setting, facts)| (setting, expect(&facts)));
    judged
        .filter(|(_, (_, other))| other != decision)
        .map(|(setting, (rule, decision))| Alternative { setting, rule, decision })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::tests::every_situation;
    use poolproof_cognito::protocol::ChallengeName;

    /// The answer to the question that begins so.
    fn answer_to(explanation: &Explanation, question: &str) -> Option<&'static str> {
        let found = explanation.answers.iter().find(|answer| answer.question.starts_with(question));
        found.map(|answer| answer.answer)
    }

    #[test]
    fn what_is_told_is_what_is_decided_in_every_situation() {
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
            // An MFA is asked for exactly if somebody asks for it and nothing replaces it or sets it aside.
            let by_risk = answer_to(&explanation, "Does risk ask") == Some("Yes")
                && answer_to(&explanation, "Does the Note") == Some("No");
            let by_pool = answer_to(&explanation, "Does the pool ask") == Some("Yes");
            let mfa_replaced = answer_to(&explanation, "Does the device replace") == Some("Yes");
            assert_eq!((by_pool || by_risk) && !mfa_replaced, mfa.is_some(), "{facts}");
            assert!(!(mfa_replaced && by_risk), "{facts}");
        }
    }

    #[test]
    fn a_no_has_its_reason_everywhere() {
        for facts in every_situation() {
            for answer in explain(&facts).answers {
                assert!(answer.why.ends_with('.'), "{facts}: {answer:?}");
            }
        }
    }
}
