//! The conformance of an endpoint as text, Markdown and JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Conformance, Example, RuleResult};
use crate::report::markup::plain;
use crate::text::wrap;
use poolproof_oracle::Confidence;

// Writing to a String cannot fail, so the results of `writeln!` are dropped below.

/// Renders for a terminal: the totals, the broken rules with an example each, then the other rules.
pub fn conformance_text(conformance: &Conformance) -> String {
    let mut out = format!("Rules at {}\n\n  {}\n\n", conformance.target, totals(conformance));
    let _ = writeln!(out, "  {:<20}{:>10}{:>10}{:>14}", "rules", "followed", "broken", "not tried");
    for confidence in Confidence::ALL {
        let count =
            |of: fn(&RuleResult) -> bool| conformance.of(Some(confidence)).filter(|one| of(one)).count();
        let (followed, untried) = (count(RuleResult::is_followed), count(RuleResult::is_untried));
        let broken = count(RuleResult::is_broken);
        let _ = writeln!(out, "  {:<20}{followed:>10}{broken:>10}{untried:>14}", confidence.as_str());
    }
    for one in conformance.of(None).filter(|one| one.is_broken()) {
        let all = one.followed + one.broken;
        let _ = writeln!(out, "\n✗ {}  {} of {all} trials", name(one), one.broken);
        out.push_str(&wrap(one.description, 98, "  "));
        if let Some(Example { trial, expected, actual, message }) = &one.example {
            let _ = writeln!(out, "  trial     {trial}\n  expected  {expected}\n  actual    {actual}");
            if let Some(message) = message {
                let _ = writeln!(out, "            {}", message.escape_debug());
            }
        }
    }
    if conformance.of(None).any(RuleResult::is_followed) {
        out.push('\n');
    }
    for one in conformance.of(None).filter(|one| one.is_followed()) {
        let plural = if one.followed == 1 { "" } else { "s" };
        let _ = writeln!(out, "✓ {}  {} trial{plural}", name(one), one.followed);
    }
    if conformance.of(None).any(RuleResult::is_untried) {
        out.push('\n');
    }
    for one in conformance.of(None).filter(|one| one.is_untried()) {
        let reason = one.reason.as_deref().unwrap_or("not tried");
        let _ = writeln!(out, "– {}  {}", name(one), plain(reason));
    }
    out
}

fn name(one: &RuleResult) -> String {
    format!("{} ({}, {})", one.rule.id, one.rule.source, one.rule.confidence.as_str())
}

/// Returns the number of trials by result.
fn totals(conformance: &Conformance) -> String {
    let (followed, broken, untried) = conformance.totals();
    let mut text = format!(
        "{} trials: {followed} followed the rules, {broken} broke a rule, {untried} could not be run.",
        followed + broken + untried
    );
    match conformance.rules_left_out {
        0 => {}
        1 => text.push_str(" The sample leaves out 1 rule."),
        rules => text.push_str(&format!(" The sample leaves out {rules} rules.")),
    }
    if conformance.risk_trials_left_out > 0 {
        let count = conformance.risk_trials_left_out;
        text.push_str(&format!(
            " It leaves out {count} trials with a risk level, which the endpoint does not accept."
        ));
    }
    if conformance.partial {
        text.push_str(" Interrupted: not all trials were run.");
    }
    text
}

/// Renders as Markdown: a table of all rules, then an example of each broken rule.
pub fn conformance_markdown(conformance: &Conformance) -> String {
    let mut out = format!("# Rules at {}\n\n{}\n\n", conformance.target, totals(conformance));
    out.push_str("| | rule | confidence | followed | broken | not tried |\n|---|---|---|---|---|---|\n");
    for one in conformance.of(None) {
        let mark = match one.word() {
            "broken" => "✗",
            "untried" => "–",
            _ => "✓",
        };
        let RuleResult { rule, followed, broken, untried, .. } = one;
        let confidence = rule.confidence.as_str();
        let _ = writeln!(out, "| {mark} | {} | {confidence} | {followed} | {broken} | {untried} |", rule.id);
    }
    for one in conformance.of(None).filter(|one| one.is_broken()) {
        let _ = write!(out, "\n## {}\n\n{} ({})\n\n", one.rule.id, one.description, one.rule.source);
        if let Some(Example { trial, expected, actual, message }) = &one.example {
            let _ = writeln!(out, "- Trial: {trial}\n- Expected: {expected}\n- Actual: {actual}");
            if let Some(message) = message {
                let _ =
                    writeln!(out, "- Message: `{}`", message.escape_debug().to_string().replace('`', "'"));
            }
        }
    }
    out
}

/// Renders as JSON.
///
/// The keys are `target`, `takes_risk`, `partial`, `left_behind`, `rules_left_out`, `risk_trials_left_out`,
/// `trials` and `rules`.
/// Each rule has its counts, a `standing` of `followed`, `broken` or `untried`, an `example` if it is broken,
/// and the `reason` if a trial could not be run.
pub fn conformance_json(conformance: &Conformance) -> String {
    let (followed, broken, untried) = conformance.totals();
    let document = json!({
        "schema_version": 1,
        "target": conformance.target,
        "takes_risk": conformance.accepts_risk_level,
        "partial": conformance.partial,
        "left_behind": conformance.left_behind,
        "rules_left_out": conformance.rules_left_out,
        "risk_trials_left_out": conformance.risk_trials_left_out,
        "trials": { "followed": followed, "broken": broken, "untried": untried },
        "rules": conformance.of(None).map(rule_json).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn rule_json(one: &RuleResult) -> Value {
    let example = one.example.as_ref().map(|example| {
        json!({
            "done": example.trial.to_string(),
            "expected": example.expected.to_string(),
            "came": example.actual.to_string(),
            "said": example.message,
        })
    });
    json!({
        "id": one.rule.id,
        "source": one.rule.source,
        "confidence": one.rule.confidence.as_str(),
        "says": one.description,
        "standing": one.word(),
        "followed": one.followed,
        "broken": one.broken,
        "untried": one.untried,
        "example": example,
        "reason": one.reason,
    })
}
