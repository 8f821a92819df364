//! The changes from a baseline to the current matrix.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use super::cell::{Cell, Risk};
use super::export::{Baseline, RecordedDecision};
use super::row::Matrix;
use super::summary;
use crate::text::{group_digits, width, wrap};
use poolproof_cognito::policy::{Factors, MfaMode, RememberMode};
use poolproof_oracle::Device;

/// The largest number of cells that are listed one by one. More are summarized by their common values.
const MAX_LISTED_CELLS: usize = 8;

/// A cell whose decision or rule changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The cell.
    pub cell: Cell,
    /// Whether the decision changed, and not only its rule.
    pub decision: bool,
    before: RecordedDecision,
    now: RecordedDecision,
}

/// The changes from a baseline to a matrix.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// Cells in both whose decision or rule changed.
    pub changed: Vec<Change>,
    /// Cells only in the baseline.
    pub gone: Vec<Cell>,
    /// Cells only in the matrix.
    pub new: Vec<Cell>,
    /// The number of cells in both.
    pub common: usize,
}

/// Compares a matrix with a baseline.
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
    /// Returns whether nothing changed.
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
        // Cells with the same change are listed together.
        let mut kinds: BTreeMap<(&RecordedDecision, &RecordedDecision), Vec<Cell>> = BTreeMap::new();
        for change in &self.changed {
            kinds.entry((&change.before, &change.now)).or_default().push(change.cell);
        }
        let (decisions, rules): (Vec<_>, Vec<_>) =
            kinds.into_iter().partition(|((before, now), _)| before.decision() != now.decision());
        let mut text = String::new();
        for ((before, now), cells) in decisions.iter().chain(&rules) {
            let _ = writeln!(text, "{}", cell_count(cells.len()));
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
        for (cells, words) in self.unmatched() {
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
    /// Returns the cells that only one of the two has.
    const fn unmatched(&self) -> [(&Vec<Cell>, &'static str); 2] {
        [(&self.gone, "only in the baseline"), (&self.new, "not in the baseline")]
    }

    fn write_summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() {
            return writeln!(f, "Nothing changed in {}.", cell_count(self.common));
        }
        let decisions = self.changed.iter().filter(|change| change.decision).count();
        let rules = self.changed.len() - decisions;
        let all = cell_count(self.common);
        write!(f, "{} of {all} have another decision", group_digits(decisions as u64))?;
        if rules > 0 {
            write!(f, "; {} more have another rule for the same decision", group_digits(rules as u64))?;
        }
        for (cells, words) in self.unmatched() {
            if !cells.is_empty() {
                write!(f, "; {} {words}", group_digits(cells.len() as u64))?;
            }
        }
        f.write_str(".\n")
    }
}

/// Writes the cells one by one, or their common values if there are many.
fn write_cells(text: &mut String, cells: &[Cell]) {
    if cells.len() <= MAX_LISTED_CELLS {
        for cell in cells {
            text.push_str(&wrap(&cell.to_string(), width(), "    "));
        }
    } else {
        text.push_str(&wrap(&common_values(cells), width(), "    "));
    }
}

/// Returns the values of each setting among the cells.
fn common_values(cells: &[Cell]) -> String {
    fn values<T: Ord>(cells: &[Cell], value: impl Fn(&Cell) -> T) -> Vec<T> {
        cells.iter().map(value).collect::<BTreeSet<T>>().into_iter().collect()
    }
    let names =
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
        names(remember, RememberMode::ALL.len()),
        names(suppress, 2),
        names(mfa, MfaMode::ALL.len()),
        summary::factors(&factors),
        summary::devices(&devices),
        summary::risks(&risks),
    )
}

/// Returns for example `7,020 cells`.
pub(super) fn cell_count(cells: usize) -> String {
    format!("{} cell{}", group_digits(cells as u64), if cells == 1 { "" } else { "s" })
}
