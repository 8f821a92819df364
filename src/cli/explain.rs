//! `poolproof explain`: how the decision about one situation is made.

use std::fmt::Write as _;

use super::policy_args::{ExplainArgs, RiskArg};
use super::{Exit, pool_file, print_stdout, usage_error};
use crate::text::{width, wrap};
use poolproof_cognito::policy::{Factors, PoolPolicy, RiskLevel, RiskMode};
use poolproof_oracle::{self, Circumstances, Claim, Device, Explanation, Facts, LockoutState};

/// Explains the decision.
pub(super) fn explain(args: &ExplainArgs) -> Result<Exit, Exit> {
    let (facts, ignored) = facts(args)?;
    Ok(print_stdout(&render_explanation(&facts, ignored, &poolproof_oracle::explain(&facts))))
}

/// Returns the situation, and a risk level that has no effect in this pool.
fn facts(args: &ExplainArgs) -> Result<(Facts, Option<RiskLevel>), Exit> {
    let pool = pool_file::read(&args.pool, args.switches.unsimulated())?;
    let policy = args.switches.apply_to(pool.unwrap_or_else(|| policy_from_flags(args)));
    let enforced = pool.is_none() || policy.risk.mode == RiskMode::Enforced;
    let risk = match (args.risk, pool) {
        (None, _) => None,
        (Some(RiskArg { level, action: None }), Some(pool)) => Some((level, pool.risk.action(level))),
        (Some(RiskArg { level, action: Some(action) }), None) => Some((level, action)),
        (Some(RiskArg { level, action: None }), None) => {
            let why = format_args!("--risk {level} needs an action, as in --risk {level}:block");
            return Err(usage_error(why));
        }
        (Some(RiskArg { level, action: Some(_) }), Some(_)) => {
            return Err(usage_error(format_args!(
                "with --pool the action comes from the pool: use --risk {level}"
            )));
        }
    };
    let facts = Facts {
        remember: policy.remember,
        suppress_mfa: policy.suppress_mfa,
        mfa: policy.mfa,
        risk_note: policy.switches.risk_note,
        strict_mfa_binding: policy.switches.strict_mfa_binding,
        factors: args.factor,
        claim: Claim::Right,
        device: args.device,
        mfa_bound: !args.not_mfa_bound,
        device_secret_valid: true,
        risk: risk.filter(|_| enforced),
        lock: LockoutState::Unlocked,
        circumstances: Circumstances::of_switches(&policy.switches),
    };
    Ok((facts, risk.filter(|_| !enforced).map(|(level, _)| level)))
}

/// Builds the pool's settings from the options, with the defaults of a pool.
fn policy_from_flags(args: &ExplainArgs) -> PoolPolicy {
    let default = PoolPolicy::DEFAULT;
    PoolPolicy {
        remember: args.remember.unwrap_or(default.remember),
        suppress_mfa: args.suppress_mfa,
        mfa: args.mfa.unwrap_or(default.mfa),
        ..default
    }
}

// Writing to a String cannot fail: that is why the results of `writeln!` are dropped below.

fn render_explanation(facts: &Facts, ignored: Option<RiskLevel>, explanation: &Explanation) -> String {
    let mut out = String::new();
    situation(&mut out, facts, ignored);
    let _ = writeln!(out, "\nDecision");
    paragraph(&mut out, "  ", &explanation.decision.to_string());
    let _ = writeln!(out, "\nHow the decision is made");
    let width = explanation.answers.iter().map(|answer| answer.question.len()).max().unwrap_or(0);
    for (answer, number) in explanation.answers.iter().zip(1..) {
        let head = format!("  {number:>2}. {:width$}  ", answer.question);
        paragraph(&mut out, &head, &format!("{}. {}", answer.answer, answer.why));
    }
    let rule = explanation.rule;
    let _ = writeln!(out, "\nRule {}", rule.id);
    paragraph(&mut out, "  ", explanation.description);
    let known = format!("{}: {}", rule.confidence.as_str(), rule.confidence.meaning());
    paragraph(&mut out, "  Source      ", rule.source);
    paragraph(&mut out, "  Confidence  ", &known);
    if let Some(basis) = poolproof_oracle::basis(rule) {
        paragraph(&mut out, "  Rests on    ", basis.note);
        for source in basis.sources {
            paragraph(&mut out, "              - ", &format!("{}, {}", source.title, source.date));
        }
    }
    let addresses = "poolproof matrix --sources, for the addresses";
    paragraph(&mut out, "  Read on     ", &format!("docs/semantics.md, under {}; {addresses}", rule.id));
    if !explanation.alternatives.is_empty() {
        let _ = writeln!(out, "\nThis depends on a choice that the documentation leaves open");
        for other in &explanation.alternatives {
            let text = format!("With {}: {}", other.setting, other.decision);
            paragraph(&mut out, "  ", &text);
            let (id, confidence) = (other.rule.id, other.rule.confidence.as_str());
            paragraph(&mut out, "    ", &format!("by rule {id} ({confidence})"));
        }
    }
    out
}

fn situation(out: &mut String, facts: &Facts, ignored: Option<RiskLevel>) {
    let _ = writeln!(out, "Situation");
    let Facts { remember, suppress_mfa, mfa, risk_note, strict_mfa_binding, .. } = facts;
    let pool = format!(
        "remember {remember}, suppress_mfa {suppress_mfa}, mfa {mfa}; risk_note {risk_note}, \
         strict_mfa_binding {strict_mfa_binding}"
    );
    paragraph(out, "  Pool    ", &pool);
    let user = match facts.factors {
        Factors::None => "has no second factor",
        Factors::Phone => "has a registered phone number that is not enabled as a factor (phone)",
        Factors::Sms => "has a phone for codes (sms)",
        Factors::Email => "has an e-mail address for codes (email)",
        Factors::Totp => "has an authenticator app (totp)",
        Factors::SmsAndTotp => "has a phone and an authenticator app (sms_and_totp)",
    };
    paragraph(out, "  User    ", user);
    let device = match facts.device {
        Device::None => "new: the client sends no key",
        Device::Remembered if facts.strict_mfa_binding && !facts.mfa_bound => {
            "confirmed and remembered, in a sign-in without MFA"
        }
        Device::Remembered => "confirmed and remembered",
        Device::NotRemembered => "confirmed, not remembered",
        Device::Issued => "its key was issued and never confirmed",
        Device::Forgotten => "forgotten, unknown, or another user's",
    };
    paragraph(out, "  Device  ", device);
    let risk = match (facts.risk, ignored) {
        (Some((level, action)), _) => format!("{level}: {action}"),
        (None, Some(level)) => format!("{level}, without effect: the pool does not enforce its actions"),
        (None, None) => "none".to_owned(),
    };
    paragraph(out, "  Risk    ", &risk);
}

/// Writes `text` beside `head`, wrapped and indented below it.
fn paragraph(out: &mut String, head: &str, text: &str) {
    out.push_str(&wrap(text, width(), head));
}
