//! Table cells and sentences that text and Markdown share.

use super::decisions::{CountChange, DecisionCounts};
use super::model::{
    ComparedValue, Comparison, Conditions, DecisionComparison, ScenarioComparison, ValueUnit,
};
use super::verdict::{Metric, MetricResult};
use crate::clock::ClockKind;
use crate::report::figures::{UNKNOWN, count, number, time};
use crate::report::markup::plain;

/// Most differences to print; JSON has all.
const MAX_CHANGES: usize = 12;

/// A table whose first column is text and whose other columns are numbers.
pub(super) struct Table(pub(super) Vec<Vec<String>>);

/// Returns the heading of a scenario: the data that both sides have in common.
pub(super) fn common(one: &ScenarioComparison) -> String {
    let clock = match one.clock {
        ClockKind::Wall => "wall",
        ClockKind::Virtual => "virtual",
    };
    let seed = one.seed.map_or_else(String::new, |seed| format!("seed {seed}, "));
    plain(&format!("{seed}{clock} clock, {} group, {} pool", one.group, one.target))
}

/// Returns a sentence about the decisions of a scenario.
pub(super) fn decision_sentence(one: &ScenarioComparison, comparison: &Comparison) -> String {
    let totals = &one.decisions.first;
    let counts = if totals.base == totals.head {
        format!(
            "{} checked and {} mismatched by each",
            count(totals.base.seen),
            count(totals.base.mismatched)
        )
    } else {
        format!("base {}, head {}", tally(totals.base), tally(totals.head))
    };
    let DecisionComparison { pairs, differing_pairs, .. } = one.decisions;
    match (totals.identical, comparison.experiment.is_some()) {
        (true, false) => format!("{counts}: identical"),
        (true, true) => format!("{counts}: identical in all {pairs} pairs"),
        (false, false) => format!("{counts}: different"),
        (false, true) => format!("{counts}: different in {differing_pairs} of {pairs} pairs"),
    }
}

fn tally(tally: DecisionCounts) -> String {
    format!("{} checked, {} mismatched", count(tally.seen), count(tally.mismatched))
}

/// Returns notes on a scenario.
pub(super) fn notes(one: &ScenarioComparison) -> Vec<String> {
    let mut notes = Vec::new();
    if one.decisions.base_differs_from_itself {
        notes.push(
            "Two runs of the base decided differently, so a difference may not come from the head."
                .to_owned(),
        );
    }
    if one.decisions.first.identical && one.decisions.first.base.mismatched > 0 {
        notes.push(
            "The decisions are identical, but on both sides some of them do not match the rules.".to_owned(),
        );
    }
    if !one.decisions.first.shifted.is_empty() {
        notes.push(
            "Some rules were seen more or less often, because timing decides which user is idle; none of \
                their decisions mismatched."
                .to_owned(),
        );
    }
    notes
}

/// Returns a table of the differing decisions.
pub(super) fn changes(one: &ScenarioComparison) -> Option<Table> {
    let differing = &one.decisions.first.differing;
    if differing.is_empty() {
        return None;
    }
    let mut rows = vec![cells(["differs", "base", "mismatched", "head", "mismatched"])];
    for CountChange { what, base, head } in differing.iter().take(MAX_CHANGES) {
        let numbers = [base.seen, base.mismatched, head.seen, head.mismatched].map(count);
        rows.push(std::iter::once(plain(what)).chain(numbers).collect());
    }
    if let Some(more) = differing.len().checked_sub(MAX_CHANGES).filter(|more| *more > 0) {
        rows.push(cells([&format!("… and {more} more"), "", "", "", ""]));
    }
    Some(Table(rows))
}

/// Returns a table of times side by side.
pub(super) fn numbers(one: &ScenarioComparison) -> Option<Table> {
    let mut rows = vec![cells(["", "base", "head", "ratio"])];
    for ComparedValue { what, unit, base, head, ratio } in &one.numbers {
        let value = |value: &Option<f64>| value.map_or_else(unknown, |value| measured(value, *unit));
        let ratio = ratio.map_or_else(unknown, |ratio| format!("{ratio:.3}"));
        rows.push(vec![plain(what), value(base), value(head), ratio]);
    }
    (rows.len() > 1).then_some(Table(rows))
}

/// Returns a table of the metrics with their verdicts.
pub(super) fn metrics(one: &ScenarioComparison, conditions: &Conditions) -> Option<Table> {
    let interval = format!("{} % interval", number(conditions.confidence * 100.0));
    let mut rows =
        vec![cells(["", "base", "head", "change", &interval, "matters from", "p-value", "verdict"])];
    for judged in &one.metrics {
        rows.push(judged_row(judged));
    }
    (rows.len() > 1).then_some(Table(rows))
}

fn judged_row(judged: &MetricResult) -> Vec<String> {
    let unit = if judged.metric == Metric::Throughput { ValueUnit::PerS } else { ValueUnit::Us };
    let value = |value: Option<f64>| value.map_or_else(unknown, |value| measured(value, unit));
    let verdict =
        if judged.change.is_some() { judged.judgement.to_string() } else { "too few to say".to_owned() };
    let interval = judged.low.zip(judged.high);
    vec![
        judged.metric.as_str().to_owned(),
        value(judged.base),
        value(judged.head),
        judged.change.map_or_else(unknown, percent),
        interval.map_or_else(unknown, |(low, high)| format!("{} … {}", percent(low), percent(high))),
        format!("{:.1} %", judged.effect * 100.0),
        judged.p.map_or_else(unknown, p_value_text),
        verdict,
    ]
}

fn measured(value: f64, unit: ValueUnit) -> String {
    match unit {
        ValueUnit::Us => time(value.round().max(0.0) as u64),
        ValueUnit::PerS => format!("{}/s", number(value)),
        ValueUnit::Count => number(value),
    }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent.abs() < 0.05 { "0.0 %".to_owned() } else { format!("{percent:+.1} %").replace('-', "−") }
}

fn p_value_text(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

fn unknown() -> String {
    UNKNOWN.to_owned()
}

fn cells<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}

/// Returns a sentence about the conditions of the experiment.
pub(super) fn conditions(comparison: &Comparison) -> Option<String> {
    let Conditions { seed, pairs, same_pairs, looks, resamples, .. } = comparison.experiment.as_ref()?;
    let same =
        if *same_pairs > 0 { format!(", {same_pairs} pairs of base against base") } else { String::new() };
    let looks = if *looks > 1 { format!(", judged at most {looks} times") } else { String::new() };
    Some(format!("{pairs} pairs{same}, seed {seed}{looks}; {} resamples", count(*resamples as u64)))
}
