//! The condensed matrix as text for a terminal.

use std::fmt::Write as _;

use super::baseline::cell_count;
use super::condense::{Block, Line, blocks};
use super::row::Matrix;
use super::summary::LEGEND;
use crate::text::{self, wrap};
use poolproof_cognito::policy::RiskMode;
use poolproof_oracle::Confidence;

// Writing to a String cannot fail, so the results of `writeln!` are dropped below.

/// Explains the marks of rules.
pub(super) const MARKS: &str = "~ documented by AWS once, not today; ° observed on AWS; ? inferred by this \
                                project; unmarked: documented by AWS";

/// Renders the condensed matrix, at most 100 columns wide.
pub fn table(matrix: &Matrix) -> String {
    let blocks = blocks(matrix);
    let lines: Vec<Vec<Line>> = blocks.iter().map(Block::lines).collect();
    let widths = Widths::new(lines.iter().flatten());
    let mut out = format!("{}\n", wrap(&about(matrix), text::width(), ""));
    for (term, meaning) in LEGEND.into_iter().chain([("rule", MARKS)]) {
        out.push_str(&wrap(meaning, text::width(), &format!("  {term:<18}")));
    }
    for (block, lines) in blocks.iter().zip(&lines) {
        let _ = writeln!(out, "\n── {} ── {} cells\n", block.title(), block.cells());
        let _ = writeln!(out, "{}", widths.line(["device", "factor", "risk", "decision", " rule"]));
        let mut before: Option<&Line> = None;
        for line in lines {
            let same_device = before.is_some_and(|before| before.device == line.device);
            let same_factor = same_device && before.is_some_and(|before| before.factor == line.factor);
            let device = if same_device { "" } else { &line.device };
            let factor = if same_factor { "" } else { &line.factor };
            let rule = format!("{:1}{}", mark(line.rule.confidence), line.rule.id);
            let _ = writeln!(
                out,
                "{}",
                widths.line([device, factor, &line.risk, &line.summary.to_string(), &rule])
            );
            before = Some(line);
        }
    }
    write_rules(&mut out, matrix);
    out
}

/// Describes the matrix in one paragraph.
pub(super) fn about(matrix: &Matrix) -> String {
    let cells = matrix.rows().len();
    let Some(pool) = matrix.pool() else {
        return format!("The decision after a right password in every situation: {cells} cells.");
    };
    let policy = &pool.risk;
    let risk = match policy.mode {
        RiskMode::Off => "risk is off".to_owned(),
        RiskMode::Audit => "risk is audited and changes no decision".to_owned(),
        RiskMode::Enforced => {
            format!("risk is enforced (low {}, medium {}, high {})", policy.low, policy.medium, policy.high)
        }
    };
    format!(
        "The decision of this pool after a right password in every situation: {cells} cells. In this pool \
         {risk}; risk_note {}, strict_mfa_binding {}.",
        pool.switches.risk_note, pool.switches.strict_mfa_binding
    )
}

fn write_rules(out: &mut String, matrix: &Matrix) {
    let rules = matrix.rules();
    let width = rules.iter().map(|(rule, _)| rule.id.len()).max().unwrap_or(0);
    out.push_str("\n── rules\n\n");
    for (rule, cells) in rules {
        let (description, confidence) = (poolproof_oracle::description(rule), rule.confidence.as_str());
        let text = format!("{description} [{}, {confidence}; {}]", rule.source, cell_count(cells));
        out.push_str(&wrap(&text, text::width(), &format!("  {:width$}  ", rule.id)));
    }
}

/// Returns the mark of rules that AWS does not document today.
pub(super) const fn mark(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Documented => "",
        Confidence::FormerlyDocumented => "~",
        Confidence::Observed => "°",
        Confidence::Inferred => "?",
    }
}

/// The widths of the first four columns, the same in the whole table.
struct Widths([usize; 4]);

impl Widths {
    fn new<'l>(lines: impl Iterator<Item = &'l Line>) -> Self {
        let mut widths = ["device".len(), "factor".len(), "risk".len(), "decision".len()];
        for line in lines {
            let summary = line.summary.to_string();
            for (width, text) in widths.iter_mut().zip([&line.device, &line.factor, &line.risk, &summary]) {
                *width = (*width).max(text.chars().count());
            }
        }
        Self(widths)
    }

    fn line(&self, columns: [&str; 5]) -> String {
        let Self([device, factor, risk, decision]) = *self;
        let [one, two, three, four, five] = columns;
        format!("  {one:device$}  {two:factor$}  {three:risk$}  {four:decision$} {five}")
            .trim_end()
            .to_owned()
    }
}
