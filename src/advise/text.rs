//! Advice for a terminal: grouped by severity, aligned, never wider than a hundred columns.

use super::{Advice, AdviceReport, Evidence, Severity};
use crate::report::markup::cut;

/// No line is wider.
const WIDTH: usize = 100;
/// Where the words of an advice begin, after its labels.
const INDENT: usize = 11;
/// More of a pool's name says nothing more.
const LONGEST_NAME: usize = 80;

/// The advice as text, ending with a sentence that sums it up.
pub fn text(advised: &AdviceReport) -> String {
    let mut out = head(advised);
    for severity in Severity::ALL {
        let group: Vec<&Advice> =
            advised.advice.iter().filter(|advice| advice.severity == severity).collect();
        if group.is_empty() {
            continue;
        }
        out.push_str(&format!("\n{}\n", severity.as_str().to_uppercase()));
        for advice in group {
            write_advice(&mut out, advice);
        }
    }
    out.push('\n');
    labeled(&mut out, 0, "", &summary(advised));
    out
}

/// How much advice there is, in one sentence.
pub(super) fn summary(advised: &AdviceReport) -> String {
    let counts: Vec<String> = Severity::ALL
        .into_iter()
        .map(|severity| (advised.advice.iter().filter(|a| a.severity == severity).count(), severity))
        .filter(|(count, _)| *count > 0)
        .map(|(count, severity)| format!("{count} {}", severity.as_str()))
        .collect();
    match advised.advice.len() {
        0 => "Nothing surprises in these settings, as far as is known.".to_owned(),
        1 => format!("1 advice: {}.", counts.join(", ")),
        all => format!("{all} pieces of advice: {}.", counts.join(", ")),
    }
}

/// The settings in one sentence.
pub(super) fn settings(advised: &AdviceReport) -> String {
    let pool = &advised.pool;
    let risk = &pool.risk;
    let mode = match risk.mode {
        poolproof_cognito::policy::RiskMode::Off => "off".to_owned(),
        poolproof_cognito::policy::RiskMode::Audit => "audit".to_owned(),
        poolproof_cognito::policy::RiskMode::Enforced => {
            format!("enforced (low {}, medium {}, high {})", risk.low, risk.medium, risk.high)
        }
    };
    format!("remember {}, suppress_mfa {}, mfa {}, risk {mode}", pool.remember, pool.suppress_mfa, pool.mfa)
}

/// A ground in the words of both text forms: `note-new (SEMANTICS c.6, inferred)`.
pub(super) fn evidence(evidence: &Evidence) -> String {
    match evidence.rule {
        Some(rule) => format!("{rule} ({}, {})", evidence.source, evidence.confidence),
        None => format!("{} ({})", evidence.source, evidence.confidence),
    }
}

/// Untrusted text as one line that a terminal shows and does not obey, cut to a readable length.
pub(super) fn plain(text: &str) -> String {
    cut(text, LONGEST_NAME)
}

fn head(advised: &AdviceReport) -> String {
    let pool = &advised.pool;
    let id = pool.id.as_deref().map_or_else(String::new, |id| format!(" ({})", plain(id)));
    let mut out = String::new();
    labeled(&mut out, 0, "pool", &format!("{}{id}", plain(&pool.name)));
    labeled(&mut out, 0, "settings", &settings(advised));
    for note in &advised.notes {
        labeled(&mut out, 0, "assumed", note);
    }
    out
}

fn write_advice(out: &mut String, advice: &Advice) {
    out.push_str(&format!("\n  {}\n", advice.id));
    labeled(out, 2, "what", &advice.headline);
    labeled(out, 2, "why", &advice.why);
    labeled(out, 2, "to do", &advice.what_to_do);
    if let Some(cells) = advice.cells {
        labeled(out, 2, "cells", &format!("{} of {}", cells.affected, cells.of));
    }
    let evidence_list: Vec<String> = advice.rests_on.iter().map(evidence).collect();
    labeled(out, 2, "rests on", &evidence_list.join(", "));
}

/// A label at `left`, and words beside it that go on below themselves.
fn labeled(out: &mut String, left: usize, label: &str, words: &str) {
    let indent = if label.is_empty() { 0 } else { INDENT + left };
    let label = format!("{:left$}{label}", "");
    for (number, line) in wrapped(words, WIDTH - indent).iter().enumerate() {
        let label = if number == 0 { label.as_str() } else { "" };
        let text_line = format!("{label:indent$}{line}");
        out.push_str(text_line.trim_end());
        out.push('\n');
    }
}

/// The words in lines of at most `width` columns; a longer word is broken.
fn wrapped(words: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in words.split_whitespace() {
        let length: usize = word.chars().map(columns).sum();
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        for (number, c) in word.chars().enumerate() {
            if number == 0 && used > 0 {
                push(&mut lines, ' ');
                used += 1;
            }
            if used + columns(c) > width {
                lines.push(String::new());
                used = 0;
            }
            push(&mut lines, c);
            used += columns(c);
        }
    }
    lines
}

fn push(lines: &mut [String], c: char) {
    if let Some(line) = lines.last_mut() {
        line.push(c);
    }
}

/// How many columns a character takes at most: what may be wide is taken to be.
const fn columns(c: char) -> usize {
    if (c as u32) < 0x1100 || matches!(c, '\u{2010}'..='\u{2027}' | '\u{fffd}') { 1 } else { 2 }
}
