//! Compares the decisions of two runs exactly, without statistics.

use std::collections::BTreeMap;

use serde::Serialize;

use super::comparable::same_service;
use crate::clock::ClockKind;
use crate::report::{self, Report};

/// Numbers of decisions and of mismatches.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct DecisionCounts {
    /// All decisions.
    pub seen: u64,
    /// Decisions that differ from their rule.
    pub mismatched: u64,
}

impl DecisionCounts {
    /// Returns the sums of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { seen: self.seen + other.seen, mismatched: self.mismatched + other.mismatched }
    }
}

/// A count that differs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CountChange {
    /// The subject: `sign-ins completed`, `rule suppressed`, `cell tokens → blocked` (expected → actual),
    /// `mismatches`.
    pub what: String,
    /// The count of the base.
    pub base: DecisionCounts,
    /// The count of the head.
    pub head: DecisionCounts,
}

/// The decisions of two runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Decisions {
    /// Whether nothing differs.
    pub identical: bool,
    /// The counts of the base.
    pub base: DecisionCounts,
    /// The counts of the head.
    pub head: DecisionCounts,
    /// The counts that differ.
    pub differing: Vec<CountChange>,
    /// Counts that differ only because timing decides which user is idle: under the wall clock, or with
    /// different costs of the pool's arithmetic.
    pub shifted: Vec<CountChange>,
}

/// Compares the decisions of two comparable runs.
///
/// Under the virtual clock with equal costs everything must be equal: outcomes, checked and mismatched
/// decisions, rules, confusion cells and mismatches. Otherwise an arrival whose user is busy uses another
/// user of the same kind, so rule counts vary; only mismatches must be equal.
pub fn decisions(base: &Report, head: &Report) -> Decisions {
    let exact = base.clock == ClockKind::Virtual && same_service(base, head);
    let (one, other) = (counted(base), counted(head));
    let names: Vec<&String> =
        one.keys().chain(other.keys().filter(|name| !one.contains_key(*name))).collect();
    let (mut differing, mut shifted) = (Vec::new(), Vec::new());
    for name in names {
        let tally = |side: &BTreeMap<String, DecisionCounts>| side.get(name).copied().unwrap_or_default();
        let changed = CountChange { what: name.clone(), base: tally(&one), head: tally(&other) };
        if changed.base.mismatched != changed.head.mismatched || (exact && changed.base != changed.head) {
            differing.push(changed);
        } else if changed.base != changed.head {
            shifted.push(changed);
        }
    }
    let (base_all, head_all) = (all(base), all(head));
    if differing.is_empty() && exact && base.decisions.mismatches != head.decisions.mismatches {
        differing.push(CountChange { what: "mismatches".to_owned(), base: base_all, head: head_all });
    }
    Decisions { identical: differing.is_empty(), base: base_all, head: head_all, differing, shifted }
}

const fn all(report: &Report) -> DecisionCounts {
    DecisionCounts { seen: report.decisions.checked, mismatched: report.decisions.mismatched }
}

fn counted(report: &Report) -> BTreeMap<String, DecisionCounts> {
    let report::Decisions { rules, confusion, .. } = &report.decisions;
    let ends = &report.sign_ins;
    let mut counted = BTreeMap::from([("decisions".to_owned(), all(report))]);
    for (end, seen) in [
        ("started", ends.started),
        ("completed", ends.completed),
        ("refused", ends.refused),
        ("abandoned", ends.abandoned),
        ("transport_failed", ends.transport_failed),
    ] {
        counted.insert(format!("sign-ins {end}"), DecisionCounts { seen, mismatched: 0 });
    }
    for rule in rules {
        let tally = DecisionCounts { seen: rule.seen, mismatched: rule.mismatched };
        counted.insert(format!("rule {}", rule.id), tally);
    }
    for cell in confusion {
        let tally = DecisionCounts { seen: cell.count, mismatched: cell.mismatched };
        counted.insert(format!("cell {} → {}", cell.expected, cell.seen), tally);
    }
    counted
}
