//! Compares one run with one run: decisions exactly, times side by side without a verdict.

use std::collections::BTreeMap;
use std::fmt;

use super::comparable::{Difference, differences};
use super::decisions::decisions;
use super::model::{
    ComparedValue, Comparison, DecisionComparison, NotCompared, ScenarioComparison, ValueUnit, Verdict,
};
use crate::report::{Quantiles, Report};
use crate::rounding::rounded;

/// Reports by the name of their scenario.
pub type Reports = BTreeMap<String, Report>;

/// The caveat on times of one run against one run.
pub const ADVISORY: &str =
    "One run against one run proves nothing about speed; run pairs with --base and --head.";

/// Why reports cannot be compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Incomparable {
    /// The scenario, if the differences belong to one.
    pub scenario: Option<String>,
    /// The differences.
    pub differences: Vec<Difference>,
}

impl Incomparable {
    /// Creates an error for a scenario that only some runs of an arm have.
    pub(super) fn inconsistent_scenario(name: &str) -> Self {
        let (some, others) = (format!("`{name}` in some pairs"), "not in others".to_owned());
        Self { scenario: None, differences: vec![Difference { what: "scenarios", base: some, head: others }] }
    }
}

impl fmt::Display for Incomparable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scenario {
            Some(name) => writeln!(f, "the reports of `{name}` cannot be compared")?,
            None => writeln!(f, "the reports cannot be compared")?,
        }
        for difference in &self.differences {
            writeln!(f, "  {difference}")?;
        }
        Ok(())
    }
}

/// Both sides must have the same scenarios. If each has one report, the comparison of the reports lists the
/// differences.
pub(super) fn same_scenarios(base: &Reports, head: &Reports) -> Result<(), Incomparable> {
    let listed = |own: &Reports, other: &Reports, of_other: &str| {
        let only: Vec<String> =
            own.keys().filter(|name| !other.contains_key(*name)).map(|name| format!("`{name}`")).collect();
        if only.is_empty() { format!("none that {of_other} lacks") } else { only.join(", ") }
    };
    if base.keys().eq(head.keys()) {
        return Ok(());
    }
    let difference =
        Difference { what: "scenarios", base: listed(base, head, "head"), head: listed(head, base, "base") };
    Err(Incomparable { scenario: None, differences: vec![difference] })
}

/// Compares reports by scenario; `base` and `head` are their directories. Scenarios that only one side has,
/// or whose reports are incomparable, are listed and decide nothing.
///
/// # Errors
///
/// No scenario can be compared. Returns the differences of the first one that both sides have.
pub fn reports(base: (&str, &Reports), head: (&str, &Reports)) -> Result<Comparison, Incomparable> {
    let mut scenarios = Vec::new();
    let mut not_compared = Vec::new();
    let mut first = None;
    for (name, one) in base.1 {
        let Some(other) = head.1.get(name) else {
            not_compared.push(only_in("base", name));
            continue;
        };
        let found = differences(one, other);
        if found.is_empty() {
            scenarios.push(compared(name, one, other));
            continue;
        }
        let reasons = found.iter().map(ToString::to_string).collect();
        not_compared.push(NotCompared { scenario: name.clone(), reasons });
        first.get_or_insert_with(|| Incomparable { scenario: Some(name.clone()), differences: found });
    }
    not_compared
        .extend(head.1.keys().filter(|name| !base.1.contains_key(*name)).map(|name| only_in("head", name)));
    if scenarios.is_empty() {
        return Err(match (first, same_scenarios(base.1, head.1)) {
            (Some(error), _) | (None, Err(error)) => error,
            (None, Ok(())) => Incomparable { scenario: None, differences: Vec::new() },
        });
    }
    let differing: Vec<&str> = scenarios
        .iter()
        .filter(|one| !one.decisions.first.identical)
        .map(|one| one.scenario.as_str())
        .collect();
    let (word, exit_code, sentence) = if differing.is_empty() {
        ("decisions identical", Verdict::PASS, "Decisions are identical.".to_owned())
    } else {
        (
            "decisions differ",
            Verdict::DECISIONS_DIFFER,
            format!("Decisions differ in {}.", differing.join(", ")),
        )
    };
    let mut sentences = vec![sentence];
    match not_compared.len() {
        0 => {}
        1 => sentences.push("One scenario was not compared.".to_owned()),
        n => sentences.push(format!("{n} scenarios were not compared.")),
    }
    sentences.push(ADVISORY.to_owned());
    Ok(Comparison {
        schema_version: Comparison::SCHEMA_VERSION,
        base: base.0.to_owned(),
        head: head.0.to_owned(),
        verdict: Verdict { word: word.to_owned(), exit_code, sentences },
        experiment: None,
        scenarios,
        not_compared,
    })
}

fn only_in(side: &str, name: &str) -> NotCompared {
    NotCompared { scenario: name.to_owned(), reasons: vec![format!("only in {side}")] }
}

fn compared(name: &str, base: &Report, head: &Report) -> ScenarioComparison {
    let first = decisions(base, head);
    let differing_pairs = u32::from(!first.identical);
    ScenarioComparison {
        scenario: name.to_owned(),
        clock: base.clock,
        group: base.group.clone(),
        target: base.target.clone(),
        seed: Some(base.seed),
        decisions: DecisionComparison { first, pairs: 1, differing_pairs, base_differs_from_itself: false },
        metrics: Vec::new(),
        numbers: numbers(base, head),
    }
}

fn numbers(base: &Report, head: &Report) -> Vec<ComparedValue> {
    let mut rows = Vec::new();
    let mut row = |what: &str, unit, base: Option<f64>, head: Option<f64>| {
        let ratio =
            base.zip(head).filter(|(base, _)| *base > 0.0).map(|(base, head)| rounded(head / base, 3));
        if base.is_some() || head.is_some() {
            rows.push(ComparedValue { what: what.to_owned(), unit, base, head, ratio });
        }
    };
    let us = |us: Option<u64>| us.map(|us| us as f64);
    let (one, other) = (&base.latency.sign_in.intended, &head.latency.sign_in.intended);
    for (name, of) in QUANTILES {
        row(&format!("sign_in {name}"), ValueUnit::Us, us(of(one)), us(of(other)));
    }
    let none = Quantiles::default();
    let (one, other) = (&base.latency.steps, &head.latency.steps);
    let steps = one.keys().chain(other.keys().filter(|step| !one.contains_key(*step)));
    for step in steps {
        let (one, other) = (one.get(step).unwrap_or(&none), other.get(step).unwrap_or(&none));
        for (name, of) in [QUANTILES[0], QUANTILES[2]] {
            row(&format!("{step} {name}"), ValueUnit::Us, us(of(one)), us(of(other)));
        }
    }
    let (one, other) = (&base.throughput, &head.throughput);
    row("throughput", ValueUnit::PerS, one.achieved_per_s, other.achieved_per_s);
    let (one, other) = (&base.cpu, &head.cpu);
    row(
        "client CPU a sign-in",
        ValueUnit::Us,
        us(one.client_us_per_sign_in),
        us(other.client_us_per_sign_in),
    );
    row(
        "server CPU a sign-in",
        ValueUnit::Us,
        us(one.server_us_per_sign_in),
        us(other.server_us_per_sign_in),
    );
    row("modexps a sign-in", ValueUnit::Count, one.modexps_per_sign_in, other.modexps_per_sign_in);
    rows
}

/// A quantile by its name.
type NamedQuantile = (&'static str, fn(&Quantiles) -> Option<u64>);

const QUANTILES: [NamedQuantile; 4] = [
    ("p50", |quantiles| quantiles.p50_us),
    ("p90", |quantiles| quantiles.p90_us),
    ("p99", |quantiles| quantiles.p99_us),
    ("max", |quantiles| quantiles.max_us),
];
