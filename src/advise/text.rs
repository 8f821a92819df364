//! Advice as text for a terminal, at most 100 columns wide.

use super::{Advice, AdviceReport, Evidence, Severity};
use crate::report::markup::cut;
use crate::text::{width, wrap};
use poolproof_cognito::policy::RiskMode;

/// The width of the column of labels.
const INDENT: usize = 11;
/// The maximum length of a pool's name or id.
const LONGEST_NAME: usize = 80;

/// Renders the advice as text, with a summary at the end.
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
    out.push_str(&wrap(&summary(advised), width(), ""));
    out
}

/// Returns the number of pieces of advice by severity, in one sentence.
pub(super) fn summary(advised: &AdviceReport) -> String {
    let counts: Vec<String> = Severity::ALL
        .into_iter()
        .map(|severity| (advised.advice.iter().filter(|a| a.severity == severity).count(), severity))
        .filter(|(count, _)| *count > 0)
        .map(|(count, severity)| format!("{count} {}", severity.as_str()))
        .collect();
    match advised.advice.len() {
        0 => "No advice: these settings have no known unexpected effects.".to_owned(),
        1 => format!("1 piece of advice: {}.", counts.join(", ")),
        all => format!("{all} pieces of advice: {}.", counts.join(", ")),
    }
}

/// Returns the settings in one line.
pub(super) fn settings(advised: &AdviceReport) -> String {
    let pool = &advised.pool;
    let risk = &pool.risk;
    let mode = match risk.mode {
        RiskMode::Off => "off".to_owned(),
        RiskMode::Audit => "audit".to_owned(),
        RiskMode::Enforced => {
            format!("enforced (low {}, medium {}, high {})", risk.low, risk.medium, risk.high)
        }
    };
    format!("remember {}, suppress_mfa {}, mfa {}, risk {mode}", pool.remember, pool.suppress_mfa, pool.mfa)
}

/// Returns evidence as text, for example `note-new (SEMANTICS c.6, inferred)`.
pub(super) fn evidence(evidence: &Evidence) -> String {
    match evidence.rule {
        Some(rule) => format!("{rule} ({}, {})", evidence.source, evidence.confidence),
        None => format!("{} ({})", evidence.source, evidence.confidence),
    }
}

/// Returns untrusted text as one line without control characters, truncated.
pub(super) fn plain(text: &str) -> String {
    cut(text, LONGEST_NAME)
}

fn head(advised: &AdviceReport) -> String {
    let pool = &advised.pool;
    let id = pool.id.as_deref().map_or_else(String::new, |id| format!(" ({})", plain(id)));
    let mut out = String::new();
    labeled(&mut out, 0, "pool", &format!("{}{id}", plain(&pool.name)));
    labeled(&mut out, 0, "settings", &settings(advised));
    for line in &advised.unknown {
        labeled(&mut out, 0, "unknown", line);
    }
    for note in &advised.notes {
        labeled(&mut out, 0, "assumed", note);
    }
    out
}

fn write_advice(out: &mut String, advice: &Advice) {
    out.push_str(&format!("\n  {}\n", advice.id));
    labeled(out, 2, "effect", &advice.headline);
    labeled(out, 2, "why", &advice.why);
    labeled(out, 2, "to do", &advice.what_to_do);
    if let Some(cells) = advice.cells {
        labeled(out, 2, "cells", &format!("{} of {}", cells.affected, cells.of));
    }
    let evidence_list: Vec<String> = advice.rests_on.iter().map(evidence).collect();
    labeled(out, 2, "evidence", &evidence_list.join(", "));
}

/// Writes a label indented by `left`, and text beside it.
fn labeled(out: &mut String, left: usize, label: &str, text: &str) {
    let head = format!("{:left$}{label:INDENT$}", "");
    out.push_str(&wrap(text, width(), &head));
}
