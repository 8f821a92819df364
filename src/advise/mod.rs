//! What will surprise in a pool's settings: advice in sentences, each resting on named rules and counted cells.
//!
//! The table of advice says when each piece is given and in which words; how many decisions it touches is counted by asking
//! the oracle for the pool's own matrix, as it is and with the setting changed.

mod cells;
mod markdown;
mod table;
mod text;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::settings::PoolSettings;
use cells::CellComparison;
use poolproof_cognito::policy::{PoolPolicy, Quotas, RememberMode};
use poolproof_oracle::{self, Confidence, RuleId};
use table::{Basis, CellCount, Entry, TABLE};

pub use markdown::markdown;
pub use text::text;

/// How much harm an advice that is not heeded can do. Ordered from mild to grave.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Note,
    /// A surprise without harm to most.
    Low,
    /// Users or operators will be surprised.
    Medium,
    /// A protection does not work, or people are shut out.
    High,
}

impl Severity {
    /// All severities, the gravest first.
    pub const ALL: [Self; 4] = [Self::High, Self::Medium, Self::Low, Self::Note];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Advice on one pool. Serialised, it is what `--format json` prints.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AdviceReport {
    /// Of this form.
    pub schema_version: u32,
    /// The pool.
    pub pool: PoolSummary,
    /// What was not known of it and what was assumed.
    pub notes: Vec<String>,
    /// The advice, gravest first.
    pub advice: Vec<Advice>,
}

/// The settings that advice is about, in the words of scenarios.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PoolSummary {
    /// Untrusted text.
    pub name: String,
    /// Untrusted text.
    pub id: Option<String>,
    /// `scenario` or `aws`.
    pub source: &'static str,
    /// `no`, `always` or `opt_in`.
    pub remember: &'static str,
    /// Whether a remembered device replaces the second factor.
    pub suppress_mfa: bool,
    /// `off`, `optional` or `on`.
    pub mfa: &'static str,
    /// What risk does.
    pub risk: RiskSummary,
}

/// What risk does, in the words of scenarios.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RiskSummary {
    /// `off`, `audit` or `enforced`.
    pub mode: poolproof_cognito::policy::RiskMode,
    /// The action at level low.
    pub low: &'static str,
    /// The action at level medium.
    pub medium: &'static str,
    /// The action at level high.
    pub high: &'static str,
}

/// One advice.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Advice {
    /// Short, stable, kebab-case.
    pub id: &'static str,
    /// How grave.
    pub severity: Severity,
    /// What surprises, in one sentence.
    pub headline: String,
    /// Why, in one to three sentences.
    pub why: String,
    /// What to do.
    pub what_to_do: String,
    /// How many of the pool's cells are touched; `None` where it is not about decisions.
    pub cells: Option<Affected>,
    /// What the advice rests on.
    pub rests_on: Vec<Evidence>,
}

/// How many of a pool's cells (factors × device × risk) are decided otherwise than one would think.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Affected {
    /// So many.
    pub affected: usize,
    /// Of so many.
    pub of: usize,
}

/// What an advice rests on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Evidence {
    /// The oracle's rule, where it is one.
    pub rule: Option<&'static str>,
    /// Where it comes from.
    pub source: &'static str,
    /// `documented`, `observed` or `inferred`.
    pub confidence: &'static str,
}

impl Evidence {
    fn of_rule(rule: RuleId) -> Self {
        Self { rule: Some(rule.id), source: rule.source, confidence: rule.confidence.as_str() }
    }

    fn of_text(source: &'static str, confidence: Confidence) -> Self {
        Self { rule: None, source, confidence: confidence.as_str() }
    }
}

impl AdviceReport {
    /// The gravest severity given.
    pub fn highest_severity(&self) -> Option<Severity> {
        self.advice.iter().map(|advice| advice.severity).max()
    }
}

/// Every advice that there is, as id and severity, in the order of the table.
pub fn catalog() -> impl Iterator<Item = (&'static str, Severity)> {
    TABLE.iter().map(|entry| (entry.id, entry.severity))
}

/// The advice that applies to these settings, gravest first.
pub fn advise(settings: &PoolSettings) -> AdviceReport {
    let numbers = Numbers::of(settings);
    let mut advice: Vec<Advice> =
        TABLE.iter().filter_map(|entry| evaluate_entry(entry, settings, &numbers)).collect();
    advice.sort_by_key(|advice| std::cmp::Reverse(advice.severity));
    let policy = &settings.policy;
    let pool = PoolSummary {
        name: settings.name.clone(),
        id: settings.pool_id.clone(),
        source: settings.source.as_str(),
        remember: policy.remember.as_str(),
        suppress_mfa: policy.suppress_mfa,
        mfa: policy.mfa.as_str(),
        risk: RiskSummary {
            mode: policy.risk.mode,
            low: policy.risk.low.as_str(),
            medium: policy.risk.medium.as_str(),
            high: policy.risk.high.as_str(),
        },
    };
    let notes = settings.notes.iter().chain(&settings.quota_note).cloned().collect();
    AdviceReport { schema_version: 1, pool, notes, advice }
}

fn evaluate_entry(entry: &Entry, settings: &PoolSettings, numbers: &Numbers) -> Option<Advice> {
    if !(entry.applies)(settings) {
        return None;
    }
    let compare = |against| cells::compare(&settings.policy, settings.factors, against);
    let found = match entry.cells {
        CellCount::Uncounted => None,
        CellCount::Any(against) => Some(compare(against)),
        CellCount::Some(against) => Some(compare(against)).filter(|found| found.affected > 0),
    };
    if found.is_none() && matches!(entry.cells, CellCount::Some(_)) {
        return None;
    }
    Some(Advice {
        id: entry.id,
        severity: entry.severity,
        headline: numbers.fill(entry.headline),
        why: numbers.fill(entry.why),
        what_to_do: numbers.fill(entry.what_to_do),
        cells: found.as_ref().map(|found| Affected { affected: found.affected, of: found.of }),
        rests_on: evidence_list(entry, found.as_ref()),
    })
}

/// What the table says first, then the rules that decide the affected cells.
fn evidence_list(entry: &Entry, found: Option<&CellComparison>) -> Vec<Evidence> {
    let stated = entry.rests_on.iter().filter_map(|basis| match *basis {
        Basis::Rule(id) => poolproof_oracle::rules().find(|rule| rule.id == id).map(Evidence::of_rule),
        Basis::Text(source, confidence) => Some(Evidence::of_text(source, confidence)),
    });
    let counted = found.into_iter().flat_map(|found| &found.rules).map(|rule| Evidence::of_rule(*rule));
    let mut seen = BTreeSet::new();
    stated.chain(counted).filter(|evidence| seen.insert((evidence.rule, evidence.source))).collect()
}

/// A fleet that comes to a pool for the first time.
const FLEET_SIZE: u64 = 100_000;

/// The numbers in the words of the table, computed from the settings.
struct Numbers(Vec<(&'static str, String)>);

impl Numbers {
    fn of(settings: &PoolSettings) -> Self {
        let policy = &settings.policy;
        let answer_count = cells::answer_count(policy, settings.factors);
        let (sign_ins, updates) = rates(&policy.quotas);
        Self(vec![
            ("{sign_ins}", sign_ins.to_string()),
            ("{updates}", updates.to_string()),
            ("{fleet}", group_digits(FLEET_SIZE)),
            ("{per_device}", changes_per_device(policy).to_string()),
            ("{enroll_minutes}", enroll_minutes(policy).to_string()),
            ("{answer_count}", answer_count.to_string()),
            ("{sustained}", sustained(sign_ins, answer_count).to_string()),
        ])
    }

    fn fill(&self, words: &str) -> String {
        self.0.iter().fold(words.to_owned(), |words, (name, number)| words.replace(name, number))
    }
}

/// `100,000`.
fn group_digits(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Sign-ins and changes of devices a second; Cognito's where a pool has no limit, for words that are then not used.
fn rates(quotas: &Quotas) -> (u32, u32) {
    let or = |own: Option<u32>, cognito: Option<u32>| own.or(cognito).unwrap_or(0);
    let cognito = Quotas::COGNITO;
    (
        or(quotas.user_authentication, cognito.user_authentication),
        or(quotas.user_resource_update, cognito.user_resource_update),
    )
}

/// A new device is confirmed, and where users choose it is then marked as remembered: one change or two.
fn changes_per_device(policy: &PoolPolicy) -> u64 {
    if policy.remember == RememberMode::OptIn { 2 } else { 1 }
}

/// The least time in which the fleet can be remembered, rounded up.
fn enroll_minutes(policy: &PoolPolicy) -> u64 {
    let changes = FLEET_SIZE * changes_per_device(policy);
    let seconds = changes.div_ceil(u64::from(rates(&policy.quotas).1.max(1)));
    seconds.div_ceil(60)
}

/// Sign-ins a second that a quota sustains when each takes this many answers: three times the quota are free for
/// answers, and what exceeds them counts as sign-ins do (SEMANTICS f).
fn sustained(quota: u32, answer_count: u32) -> u64 {
    let (quota, answer_count) = (u64::from(quota), u64::from(answer_count));
    if answer_count <= 3 { quota } else { 4 * quota / (answer_count + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example_of_the_quotas_holds() {
        // 70 sign-ins a second of 4 answers are too many for a quota of 80: 280 answers are 40 over 240, and 110 > 80.
        let fits = |rate: u64| rate + (4 * rate).saturating_sub(3 * 80) <= 80;
        assert!(!fits(70) && fits(sustained(80, 4)) && !fits(sustained(80, 4) + 1));
        assert_eq!((sustained(120, 3), sustained(120, 4), sustained(120, 5)), (120, 96, 80));
    }

    #[test]
    fn a_cold_fleet_takes_its_time() {
        let always = PoolPolicy { remember: RememberMode::Always, ..PoolPolicy::DEFAULT };
        let opt_in = PoolPolicy { remember: RememberMode::OptIn, ..PoolPolicy::DEFAULT };
        assert_eq!((enroll_minutes(&always), enroll_minutes(&opt_in)), (67, 134));
    }

    #[test]
    fn the_table_names_rules_that_are_there_and_each_advice_once() {
        let rules: BTreeSet<_> = poolproof_oracle::rules().map(|rule| rule.id).collect();
        let mut ids = BTreeSet::new();
        for entry in TABLE {
            assert!(ids.insert(entry.id), "{} is there twice", entry.id);
            for basis in entry.rests_on {
                if let Basis::Rule(id) = basis {
                    assert!(rules.contains(id), "{}: no rule {id}", entry.id);
                }
            }
        }
    }
}
