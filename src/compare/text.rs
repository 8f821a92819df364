//! A comparison in a terminal.

use std::fmt::Write as _;

use super::model::{Comparison, Verdict};
use super::words::{Table, changes, common, conditions, decided, metrics, notes, numbers};
use crate::report::markup::plain;

/// No line is longer.
const WIDTH: usize = 100;

/// The comparison in tables of at most 100 columns.
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
        line(&mut out, "  decisions  ", &decided(one, comparison));
        for note in notes(one) {
            line(&mut out, "  ", &note);
        }
        let judged = comparison.experiment.as_ref().and_then(|how| metrics(one, how));
        for shown in [changes(one), judged, numbers(one)].into_iter().flatten() {
            table(&mut out, &shown);
        }
    }
    out
}

/// `text` after `head`, in lines that fit; what is too long for one is broken between words where it has any.
fn line(out: &mut String, head: &str, text: &str) {
    let indent = head.chars().count();
    let room = WIDTH - indent;
    let mut left: Vec<char> = text.chars().collect();
    let mut before = head.to_owned();
    loop {
        let cut = if left.len() <= room {
            left.len()
        } else {
            left[..=room].iter().rposition(|c| *c == ' ').filter(|at| *at > 0).unwrap_or(room)
        };
        let rest = left.split_off(cut);
        let text: String = left.into_iter().collect();
        let _ = writeln!(out, "{before}{}", text.trim_end());
        left = rest.into_iter().skip_while(|c| *c == ' ').collect();
        if left.is_empty() {
            return;
        }
        before = " ".repeat(indent);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_and_nothing_is_lost() {
        let mut out = String::new();
        line(&mut out, "  base  ", &"a-word ".repeat(40));
        line(&mut out, "  head  ", &"x".repeat(250));
        assert!(out.lines().all(|line| line.chars().count() <= WIDTH), "{out}");
        assert_eq!(out.matches("a-word").count(), 40);
        assert_eq!(out.matches('x').count(), 250);
    }
}
