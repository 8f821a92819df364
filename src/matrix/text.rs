//! The condensed matrix in a terminal.

use std::fmt::Write as _;

use super::condense::{Block, Line, blocks};
use super::row::Matrix;
use super::summary::LEGEND;
use super::wrap::hanging_indent;
use poolproof_cognito::policy::{PoolPolicy, RiskMode};
use poolproof_oracle::{self, Confidence};

// Writing to a String cannot fail: that is why the results of `writeln!` are dropped below.

/// The matrix, condensed, at most 100 columns wide.
pub fn table(matrix: &Matrix) -> String {
    let blocks = blocks(matrix);
    let lines: Vec<Vec<Line>> = blocks.iter().map(Block::lines).collect();
    let widths = Widths::of(lines.iter().flatten());
    let mut out = head(matrix);
    for (block, lines) in blocks.iter().zip(&lines) {
        let _ = writeln!(out, "\n── {} ── {} cells\n", block.title(), block.cells());
        let _ = writeln!(out, "{}", widths.line(["device", "factor", "risk", "decision", "rule"]));
        let mut before: Option<&Line> = None;
        for line in lines {
            let repeats = before.is_some_and(|before| before.device == line.device);
            let device = if repeats { "" } else { &line.device };
            let same = before.is_some_and(|before| repeats && before.factor == line.factor);
            let factor = if same { "" } else { &line.factor };
            let rule = format!("{}{}", line.rule.id, mark(line.rule.confidence));
            let columns = [device, factor, &line.risk, &line.summary.to_string(), &rule];
            let _ = writeln!(out, "{}", widths.line(columns));
            before = Some(line);
        }
    }
    rules(&mut out, matrix);
    out
}

fn head(matrix: &Matrix) -> String {
    let mut out = match matrix.pool() {
        None => format!(
            "The decision that is asked for after a right password, in every situation: {} cells.\n",
            matrix.rows().len()
        ),
        Some(pool) => about(pool, matrix.rows().len()),
    };
    out.push('\n');
    for (word, meaning) in LEGEND {
        out.push_str(&hanging_indent(&format!("  {word:<18}"), meaning));
    }
    out.push_str(&hanging_indent(
        "  rule              ",
        "° observed on AWS, ? inferred by us; unmarked: documented by AWS",
    ));
    out
}

/// What a pool has besides its title.
pub(super) fn about(pool: &PoolPolicy, cells: usize) -> String {
    let risk = match pool.risk.mode {
        RiskMode::Off => "risk is not looked at".to_owned(),
        RiskMode::Audit => "risk is noted and changes nothing".to_owned(),
        RiskMode::Enforced => {
            let policy = &pool.risk;
            format!("risk is enforced (low {}, medium {}, high {})", policy.low, policy.medium, policy.high)
        }
    };
    let switches = format!(
        "risk_note {}, strict_mfa_binding {}",
        pool.switches.risk_note, pool.switches.strict_mfa_binding
    );
    let text = format!(
        "The decision that this pool is asked for after a right password, in every situation: {cells} cells. Here \
         {risk}; {switches}."
    );
    hanging_indent("", &text)
}

fn rules(out: &mut String, matrix: &Matrix) {
    let rules = matrix.rules();
    let width = rules.iter().map(|(rule, _)| rule.id.len()).max().unwrap_or(0);
    let _ = writeln!(out, "\n── rules\n");
    for (rule, cells) in rules {
        let text = format!(
            "{} [{}, {}; {cells} cell{}]",
            poolproof_oracle::description(rule),
            rule.source,
            rule.confidence.as_str(),
            if cells == 1 { "" } else { "s" }
        );
        out.push_str(&hanging_indent(&format!("  {:width$}  ", rule.id), &text));
    }
}

/// A mark for rules that are less than documented.
pub(super) const fn mark(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Documented => "",
        Confidence::Observed => " °",
        Confidence::Inferred => " ?",
    }
}

/// The widths of the columns, the same in the whole table.
struct Widths([usize; 4]);

impl Widths {
    fn of<'l>(lines: impl Iterator<Item = &'l Line>) -> Self {
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
        format!("  {one:device$}  {two:factor$}  {three:risk$}  {four:decision$}  {five}")
            .trim_end()
            .to_owned()
    }
}
