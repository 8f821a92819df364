//! Decisions of two runs: equal or not. They are no statistics.

use std::collections::BTreeMap;

use serde::Serialize;

use super::comparable::same_service;
use crate::clock::ClockKind;
use crate::report::{self, Report};

/// How many decisions, and how many of them were not as the rules ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct DecisionCounts {
    /// All.
    pub seen: u64,
    /// Those that differ from what their rule asks.
    pub mismatched: u64,
}

impl DecisionCounts {
    /// This one and another.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { seen: self.seen + other.seen, mismatched: self.mismatched + other.mismatched }
    }
}

/// Something that was counted differently.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CountChange {
    /// What was counted: `sign-ins completed`, `rule suppressed`, `cell tokens → blocked` (expected → seen),
    /// `mismatches`.
    pub what: String,
    /// By the base.
    pub base: DecisionCounts,
    /// By the head.
    pub head: DecisionCounts,
}

/// The decisions of two runs side by side.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Decisions {
    /// Whether nothing differs.
    pub identical: bool,
    /// The base's.
    pub base: DecisionCounts,
    /// The head's.
    pub head: DecisionCounts,
    /// What differs.
    pub differing: Vec<CountChange>,
    /// What was only counted more or less often, where time decides who is free to sign in: by the wall
    /// clock, and where the pool's arithmetic was given other costs.
    pub shifted: Vec<CountChange>,
}

/// Holds the decisions of two comparable runs against each other.
///
/// By the virtual clock and with the same costs everything must be equal: how sign-ins ended, what was
/// checked and mismatched, each rule, each cell of the confusion, and the mismatches themselves. Elsewhere an
/// arrival whose user is busy takes another of the same kind, and so rules are seen more or less often with
/// every run; there what must be equal is what mismatched.
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
