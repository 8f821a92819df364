//! How an endpoint stands to the rules, as Markdown.

use std::fmt::Write as _;

use super::text::totals;
use super::{Conformance, RuleResult};

// Writing to a String cannot fail: that is why the results of `writeln!` are dropped below.

/// The report as Markdown: one table of all rules, then an example of each that is broken.
pub fn conformance_markdown(conformance: &Conformance) -> String {
    let mut out = format!("# {}, held against the rules\n\n{}\n\n", conformance.target, totals(conformance));
    out.push_str("| | rule | confidence | followed | broken | not tried |\n|---|---|---|---|---|---|\n");
    for one in conformance.of(None) {
        let mark = match one {
            one if one.broken > 0 => "✗",
            one if one.is_untried() => "–",
            _ => "✓",
        };
        let RuleResult { rule, followed, broken, untried, .. } = one;
        let confidence = rule.confidence.as_str();
        let _ = writeln!(out, "| {mark} | {} | {confidence} | {followed} | {broken} | {untried} |", rule.id);
    }
    for one in conformance.of(None).filter(|one| one.broken > 0) {
        let _ = write!(out, "\n## {}\n\n{} ({})\n\n", one.rule.id, one.description, one.rule.source);
        if let Some(example) = &one.example {
            let _ = writeln!(out, "- done: {}", example.trial);
            let _ = writeln!(out, "- expected: {}", example.expected);
            let _ = writeln!(out, "- came: {}", example.actual);
            if let Some(message) = &example.message {
                let _ =
                    writeln!(out, "- it said: `{}`", message.escape_debug().to_string().replace('`', "'"));
            }
        }
    }
    out
}
