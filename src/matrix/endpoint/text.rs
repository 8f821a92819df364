//! How an endpoint stands to the rules, for a terminal.

use std::fmt::Write as _;

use super::{Conformance, Example, RuleResult};
use crate::matrix::wrapped;
use crate::report::markup::plain;
use poolproof_oracle::Confidence;

// Writing to a String cannot fail: that is why the results of `writeln!` are dropped below.

/// All that there are, with the word for each.
pub(super) const CONFIDENCES: [Confidence; 3] =
    [Confidence::Documented, Confidence::Observed, Confidence::Inferred];

/// The report for a terminal: sums, then each rule that is broken with an example, then the others.
pub fn conformance_text(conformance: &Conformance) -> String {
    let mut out = format!("{}, held against the rules\n\n", conformance.target);
    let _ = writeln!(out, "  {}\n", totals(conformance));
    let _ = writeln!(out, "  {:<12}{:>10}{:>10}{:>14}", "rules", "followed", "broken", "not tried");
    for confidence in CONFIDENCES {
        let count =
            |of: fn(&RuleResult) -> bool| conformance.of(Some(confidence)).filter(|one| of(one)).count();
        let (followed, untried) = (count(RuleResult::is_followed), count(RuleResult::is_untried));
        let broken = count(|one| one.broken > 0);
        let _ = writeln!(out, "  {:<12}{followed:>10}{broken:>10}{untried:>14}", confidence.as_str());
    }
    for one in conformance.of(None).filter(|one| one.broken > 0) {
        let all = one.followed + one.broken;
        let _ = writeln!(out, "\n✗ {}  {} of {all} trials", name(one), one.broken);
        for line in wrapped(one.description, 96) {
            let _ = writeln!(out, "  {line}");
        }
        if let Some(example) = &one.example {
            out.push_str(&example_text(example));
        }
    }
    if conformance.of(None).any(RuleResult::is_followed) {
        out.push('\n');
    }
    for one in conformance.of(None).filter(|one| one.is_followed()) {
        let _ = writeln!(out, "✓ {}  {}", name(one), trials(one.followed));
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

fn trials(count: usize) -> String {
    if count == 1 { "1 trial".to_owned() } else { format!("{count} trials") }
}

fn name(one: &RuleResult) -> String {
    format!("{} ({}, {})", one.rule.id, one.rule.source, one.rule.confidence.as_str())
}

fn example_text(example: &Example) -> String {
    let mut out = format!("  done      {}\n  expected  {}\n", example.trial, example.expected);
    let _ = writeln!(out, "  came      {}", example.actual);
    if let Some(message) = &example.message {
        let _ = writeln!(out, "            {}", message.escape_debug());
    }
    out
}

/// How many trials there were, and what became of them.
pub(super) fn totals(conformance: &Conformance) -> String {
    let (followed, broken, untried) = conformance.totals();
    let mut text = format!(
        "{} trials: {followed} decided as the rules ask, {broken} otherwise, {untried} could not be made.",
        followed + broken + untried
    );
    match conformance.rules_left_out {
        0 => {}
        1 => text.push_str(" The sample has none of 1 rule."),
        rules => text.push_str(&format!(" The sample has none of {rules} rules.")),
    }
    if conformance.partial {
        text.push_str(" Interrupted: this is not all.");
    }
    text
}
