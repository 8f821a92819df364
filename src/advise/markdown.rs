//! Advice as Markdown.

use super::text::{evidence, plain, settings, summary};
use super::{Advice, AdviceReport, Severity};

/// Renders the advice as Markdown. Untrusted text is in code spans.
pub fn markdown(advised: &AdviceReport) -> String {
    let pool = &advised.pool;
    let id = pool.id.as_deref().map_or_else(String::new, |id| format!(" ({})", code(id)));
    let mut out = format!("# Advice on the pool {}{id}\n\n", code(&pool.name));
    out.push_str(&format!("Settings: {}.\n", settings(advised)));
    if !advised.notes.is_empty() || !advised.unknown.is_empty() {
        out.push('\n');
        for line in &advised.unknown {
            out.push_str(&format!("- Unknown: `{line}`\n"));
        }
        for note in &advised.notes {
            out.push_str(&format!("- Assumed: {note}\n"));
        }
    }
    out.push_str(&format!("\n{}\n", summary(advised)));
    for severity in Severity::ALL {
        let mut group = advised.advice.iter().filter(|advice| advice.severity == severity).peekable();
        if group.peek().is_some() {
            out.push_str(&format!("\n## {}\n", capitalized(severity.as_str())));
        }
        for advice in group {
            write_advice(&mut out, advice);
        }
    }
    out
}

fn write_advice(out: &mut String, advice: &Advice) {
    out.push_str(&format!("\n### {}\n\n", advice.headline));
    out.push_str(&format!("{}\n\n", advice.why));
    out.push_str(&format!("- **To do:** {}\n", advice.what_to_do));
    if let Some(cells) = advice.cells {
        out.push_str(&format!("- **Cells:** {} of {}\n", cells.affected, cells.of));
    }
    let evidence_list: Vec<String> = advice.rests_on.iter().map(evidence).collect();
    out.push_str(&format!("- **Evidence:** {}\n", evidence_list.join(", ")));
    out.push_str(&format!("- **Id:** `{}`\n", advice.id));
}

/// Returns untrusted text as a code span, with more backticks around it than it contains in a row.
fn code(text: &str) -> String {
    let text = plain(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // Markdown removes one space on each side. With it the text can start or end with a backtick.
    format!("{fence} {text} {fence}")
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
