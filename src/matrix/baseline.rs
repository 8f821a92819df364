//! What changed between a matrix that was written down and the one that holds now.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use super::cell::{Cell, Risk};
use super::json::{Baseline, RecordedDecision};
use super::row::Matrix;
use super::summary;
use super::wrap::hanging_indent;
use poolproof_cognito::policy::{Factors, MfaMode, RememberMode};
use poolproof_oracle::Device;

/// So many cells of one kind of change are named one by one; more are told by what they have in common.
const MAX_LISTED_CELLS: usize = 8;

/// A cell that is told otherwise than before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The cell.
    pub cell: Cell,
    /// Whether the decision changed, and not only the rule behind it.
    pub decision: bool,
    before: RecordedDecision,
    now: RecordedDecision,
}

/// All that changed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// Cells that both have, told otherwise.
    pub changed: Vec<Change>,
    /// Cells that are in the baseline alone.
    pub gone: Vec<Cell>,
    /// Cells that are new.
    pub new: Vec<Cell>,
    /// How many cells both have.
    pub common: usize,
}

/// What changed from `baseline` to `matrix`.
pub fn compare(baseline: &Baseline, matrix: &Matrix) -> Changes {
    let now: BTreeMap<Cell, RecordedDecision> =
        matrix.rows().iter().map(|row| (row.cell, RecordedDecision::new(row))).collect();
    let mut changes = Changes::default();
    for (cell, before) in &baseline.0 {
        match now.get(cell) {
            None => changes.gone.push(*cell),
            Some(now) => {
                changes.common += 1;
                if now != before {
                    let decision = now.decision() != before.decision();
                    let (before, now) = (before.clone(), now.clone());
                    changes.changed.push(Change { cell: *cell, decision, before, now });
                }
            }
        }
    }
    changes.new = now.into_keys().filter(|cell| !baseline.0.contains_key(cell)).collect();
    changes
}

impl Changes {
    /// Whether nothing changed.
    pub const fn is_none(&self) -> bool {
        self.changed.is_empty() && self.gone.is_empty() && self.new.is_empty()
    }
}

impl RecordedDecision {
    fn decision(&self) -> String {
        let key = if self.new_device { " +key" } else { "" };
        format!("{} → {}{key}", self.challenges.join(" → "), self.outcome)
    }

    fn rule_text(&self) -> String {
        format!("{} ({}, {})", self.rule, self.source, self.confidence)
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What changed in the same way is told together.
        let mut kinds: BTreeMap<(&RecordedDecision, &RecordedDecision), Vec<Cell>> = BTreeMap::new();
        for change in &self.changed {
            kinds.entry((&change.before, &change.now)).or_default().push(change.cell);
        }
        let (decisions, rules): (Vec<_>, Vec<_>) =
            kinds.into_iter().partition(|((before, now), _)| before.decision() != now.decision());
        let mut text = String::new();
        for ((before, now), cells) in decisions.iter().chain(&rules) {
            let how_many = format!("{}\n", cell_count(cells.len()));
            text.push_str(&how_many);
            if before.decision() == now.decision() {
                let _ = writeln!(text, "  same decision  {}", now.decision());
            } else {
                let _ = writeln!(text, "  before  {}", before.decision());
                let _ = writeln!(text, "  now     {}", now.decision());
            }
            if before.rule_text() == now.rule_text() {
                let _ = writeln!(text, "  rule    {}", now.rule_text());
            } else {
                let _ = writeln!(text, "  rule    {} → {}", before.rule_text(), now.rule_text());
            }
            write_cells(&mut text, cells);
            text.push('\n');
        }
        for (cells, words) in [(&self.gone, "only in the baseline"), (&self.new, "not in the baseline")] {
            if !cells.is_empty() {
                let _ = writeln!(text, "{} {words}", cell_count(cells.len()));
                write_cells(&mut text, cells);
                text.push('\n');
            }
        }
        f.write_str(&text)?;
        self.write_summary(f)
    }
}

impl Changes {
    fn write_summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() {
            return writeln!(f, "Nothing changed in {}.", cell_count(self.common));
        }
        let decisions = self.changed.iter().filter(|change| change.decision).count();
        let rules = self.changed.len() - decisions;
        write!(f, "{} of {} decide otherwise", group_digits(decisions), cell_count(self.common))?;
        if rules > 0 {
            write!(f, "; {} more give another rule for the same decision", group_digits(rules))?;
        }
        for (cells, words) in [(&self.gone, "only in the baseline"), (&self.new, "not in the baseline")] {
            if !cells.is_empty() {
                write!(f, "; {} {words}", group_digits(cells.len()))?;
            }
        }
        f.write_str(".\n")
    }
}

/// The cells one by one, or what they have in common when they are many.
fn write_cells(text: &mut String, cells: &[Cell]) {
    if cells.len() <= MAX_LISTED_CELLS {
        for cell in cells {
            text.push_str(&hanging_indent("    ", &cell.to_string()));
        }
    } else {
        text.push_str(&hanging_indent("    ", &common_values(cells)));
    }
}

/// The values that the cells have, setting by setting.
fn common_values(cells: &[Cell]) -> String {
    fn values<T: Ord>(cells: &[Cell], of: impl Fn(&Cell) -> T) -> Vec<T> {
        let set: BTreeSet<T> = cells.iter().map(of).collect();
        set.into_iter().collect()
    }
    let some =
        |words: Vec<&str>, all: usize| if words.len() == all { "any".to_owned() } else { words.join(", ") };
    let remember = values(cells, |cell| cell.remember).into_iter().map(RememberMode::as_str).collect();
    let suppress = values(cells, |cell| cell.suppress_mfa).into_iter();
    let suppress = suppress.map(|yes| if yes { "true" } else { "false" }).collect();
    let mfa = values(cells, |cell| cell.mfa).into_iter().map(MfaMode::as_str).collect();
    let factors: Vec<Factors> = values(cells, |cell| cell.factor);
    let devices: Vec<Device> = values(cells, |cell| cell.device);
    let risks: Vec<Option<Risk>> = values(cells, |cell| cell.risk);
    format!(
        "among remember {}; suppress_mfa {}; mfa {}; factor {}; device {}; risk {}",
        some(remember, RememberMode::ALL.len()),
        some(suppress, 2),
        some(mfa, MfaMode::ALL.len()),
        summary::factors(&factors),
        summary::devices(&devices),
        summary::risks(&risks),
    )
}

/// `4 680`
pub(super) fn group_digits(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

fn cell_count(cells: usize) -> String {
    format!("{} cell{}", group_digits(cells), if cells == 1 { "" } else { "s" })
}
