//! Renders a comparison for a terminal.

use std::fmt::Write as _;

use super::model::{Comparison, Verdict};
use super::render::{Table, changes, common, conditions, decision_sentence, metrics, notes, numbers};
use crate::report::markup::{cut, line, plain};

/// Longest name of a scenario that is not compared.
const MAX_NAME: usize = 64;

/// Renders the comparison in tables of at most 100 columns.
pub fn text(comparison: &Comparison) -> String {
    let mut out = String::new();
    let mark = if comparison.verdict.exit_code == Verdict::PASS { "✓" } else { "✗" };
    let how = conditions(comparison).map_or_else(String::new, |how| format!("  {how}"));
    line(&mut out, "", &format!("{mark} {}{how}", comparison.verdict.word));
    for sentence in &comparison.verdict.sentences {
        line(&mut out, "  ", &plain(sentence));
    }
    line(&mut out, "  base  ", &plain(&comparison.base));
    line(&mut out, "  head  ", &plain(&comparison.head));
    for one in &comparison.scenarios {
        out.push('\n');
        line(&mut out, "  ", &format!("{}  {}", plain(&one.scenario), common(one)));
        line(&mut out, "  decisions  ", &decision_sentence(one, comparison));
        for note in notes(one) {
            line(&mut out, "  ", &note);
        }
        let judged = comparison.experiment.as_ref().and_then(|how| metrics(one, how));
        for shown in [changes(one), judged, numbers(one)].into_iter().flatten() {
            table(&mut out, &shown);
        }
    }
    if !comparison.not_compared.is_empty() {
        out.push_str("\n  Not compared:\n");
    }
    for one in &comparison.not_compared {
        line(&mut out, &format!("    {}  ", cut(&one.scenario, MAX_NAME)), &plain(&one.reasons.join("; ")));
    }
    out
}

fn table(out: &mut String, Table(rows): &Table) {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    out.push('\n');
    for row in rows {
        let mut text = format!(" {:<first$}", row[0], first = widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            let _ = write!(text, "  {cell:>width$}");
        }
        let _ = writeln!(out, " {}", text.trim_end());
    }
}
