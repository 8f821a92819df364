//! Advice as Markdown, for a pull request or a wiki.

use super::text::{evidence, plain, settings, summary};
use super::{Advice, AdviceReport, Severity};

/// The advice as Markdown. What comes from outside stands in code spans, where it is nothing but text.
pub fn markdown(advised: &AdviceReport) -> String {
    let pool = &advised.pool;
    let id = pool.id.as_deref().map_or_else(String::new, |id| format!(" ({})", code(id)));
    let mut out = format!("# Advice on the pool {}{id}\n\n", code(&pool.name));
    out.push_str(&format!("Settings: {}.\n", settings(advised)));
    if !advised.notes.is_empty() {
        out.push('\n');
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
    out.push_str(&format!("- **Rests on:** {}\n", evidence_list.join(", ")));
    out.push_str(&format!("- **Id:** `{}`\n", advice.id));
}

/// Untrusted text in a code span: fenced by more backticks than it has in a row.
fn code(text: &str) -> String {
    let text = plain(text);
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    // With a space on each side, which Markdown takes away again, backticks may stand at the ends.
    format!("{fence} {text} {fence}")
}

fn capitalized(word: &str) -> String {
    let mut signs = word.chars();
    signs.next().map(|first| first.to_uppercase().chain(signs).collect()).unwrap_or_default()
}
