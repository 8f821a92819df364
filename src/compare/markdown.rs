//! Renders a comparison for a pull request.

use std::fmt::Write as _;

use super::model::{Comparison, Verdict};
use super::render::{Table, changes, common, conditions, decision_sentence, metrics, notes, numbers};
use crate::report::markup::{code, markdown as escaped};

/// Renders the comparison as GitHub-flavored Markdown with tables.
pub fn markdown(comparison: &Comparison) -> String {
    let mut out = String::new();
    let mark = if comparison.verdict.exit_code == Verdict::PASS { "✅" } else { "❌" };
    let _ = writeln!(out, "### {mark} poolproof compare: {}\n", comparison.verdict.word);
    for sentence in &comparison.verdict.sentences {
        let _ = writeln!(out, "{}", escaped(sentence));
    }
    let _ = writeln!(out, "\n- base {}\n- head {}", code(&comparison.base), code(&comparison.head));
    if let Some(how) = conditions(comparison) {
        let _ = writeln!(out, "- {how}");
    }
    for one in &comparison.scenarios {
        let _ = writeln!(out, "\n**{}** ({})\n", escaped(&one.scenario), escaped(&common(one)));
        let _ = writeln!(out, "Decisions: {}.", decision_sentence(one, comparison));
        for note in notes(one) {
            let _ = writeln!(out, "{note}");
        }
        let judged = comparison.experiment.as_ref().and_then(|how| metrics(one, how));
        for shown in [changes(one), judged, numbers(one)].into_iter().flatten() {
            table(&mut out, &shown);
        }
    }
    if !comparison.not_compared.is_empty() {
        out.push_str("\nNot compared:\n\n");
    }
    for one in &comparison.not_compared {
        let _ = writeln!(out, "- {}: {}", escaped(&one.scenario), escaped(&one.reasons.join("; ")));
    }
    out
}

fn table(out: &mut String, Table(rows): &Table) {
    out.push('\n');
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
        if number == 0 {
            let rule: Vec<&str> =
                (0..row.len()).map(|column| if column == 0 { "---" } else { "---:" }).collect();
            let _ = writeln!(out, "| {} |", rule.join(" | "));
        }
    }
}
