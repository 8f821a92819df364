//! Advice on the settings of a pool: effects that users or operators do not expect.
//!
//! A table lists each piece of advice with its condition and its text. The number of affected cells comes
//! from the oracle: the pool's matrix is compared with the matrix of a changed setting.

mod cells;
mod markdown;
mod table;
mod text;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::settings::PoolSettings;
use crate::text::group_digits;
use cells::CellComparison;
use poolproof_cognito::policy::{PoolPolicy, Quotas, RememberMode, RiskMode};
use poolproof_oracle::{Confidence, RuleId};
use table::{Basis, CellCount, Entry, TABLE};

pub use markdown::markdown;
pub use text::text;

/// The severity of advice, ordered from the lowest to the highest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// An effect to know about.
    Note,
    /// An unexpected effect without harm to most users.
    Low,
    /// An effect that users or operators do not expect.
    Medium,
    /// A protection does not work, or users cannot sign in.
    High,
}

impl Severity {
    /// All severities, the highest first.
    pub const ALL: [Self; 4] = [Self::High, Self::Medium, Self::Low, Self::Note];

    /// Returns the name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// The advice on one pool. Its serde form is the output of `--format json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AdviceReport {
    /// The version of this schema.
    pub schema_version: u32,
    /// The pool.
    pub pool: PoolSummary,
    /// Keys of the documents that are ignored because the API model does not have them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// Assumptions about unknown settings.
    pub notes: Vec<String>,
    /// The advice, highest severity first.
    pub advice: Vec<Advice>,
}

/// The settings that the advice is about, with the values of scenario files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PoolSummary {
    /// The name of the pool. Untrusted text.
    pub name: String,
    /// The id of the pool. Untrusted text.
    pub id: Option<String>,
    /// `scenario` or `aws`.
    pub source: &'static str,
    /// `no`, `always` or `opt_in`.
    pub remember: &'static str,
    /// Whether a remembered device replaces the second factor.
    pub suppress_mfa: bool,
    /// `off`, `optional` or `on`.
    pub mfa: &'static str,
    /// The risk settings.
    pub risk: RiskSummary,
}

/// The risk settings, with the values of scenario files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RiskSummary {
    /// `off`, `audit` or `enforced`.
    pub mode: RiskMode,
    /// The action at level low.
    pub low: &'static str,
    /// The action at level medium.
    pub medium: &'static str,
    /// The action at level high.
    pub high: &'static str,
}

/// A piece of advice.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Advice {
    /// A short, stable id in kebab-case.
    pub id: &'static str,
    /// The severity.
    pub severity: Severity,
    /// The effect, in one sentence.
    pub headline: String,
    /// The reason, in one to three sentences.
    pub why: String,
    /// The recommended action.
    pub what_to_do: String,
    /// The number of affected cells; `None` if the advice is not about decisions.
    pub cells: Option<Affected>,
    /// The evidence for the advice.
    pub rests_on: Vec<Evidence>,
}

/// How many of a pool's cells (factors × device × risk) have a decision that the advice is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Affected {
    /// The number of affected cells.
    pub affected: usize,
    /// The number of all cells.
    pub of: usize,
}

/// The evidence for a piece of advice: a rule or a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Evidence {
    /// The id of the oracle's rule, if the evidence is a rule.
    pub rule: Option<&'static str>,
    /// The source.
    pub source: &'static str,
    /// `documented`, `formerly_documented`, `observed` or `inferred`.
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
    /// Returns the highest severity.
    pub fn highest_severity(&self) -> Option<Severity> {
        self.advice.iter().map(|advice| advice.severity).max()
    }
}

/// Returns the id and the severity of all advice, in the order of the table.
pub fn catalog() -> impl Iterator<Item = (&'static str, Severity)> {
    TABLE.iter().map(|entry| (entry.id, entry.severity))
}

/// Returns the advice that applies to these settings, highest severity first.
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
    let unknown = settings.unknown.clone();
    AdviceReport { schema_version: 1, pool, unknown, notes, advice }
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

/// Returns the evidence in the table, then the rules that decide the affected cells, without duplicates.
fn evidence_list(entry: &Entry, found: Option<&CellComparison>) -> Vec<Evidence> {
    let listed = entry.rests_on.iter().filter_map(|basis| match *basis {
        Basis::Rule(id) => poolproof_oracle::rules().find(|rule| rule.id == id).map(Evidence::of_rule),
        Basis::Text(source, confidence) => Some(Evidence::of_text(source, confidence)),
    });
    let counted = found.into_iter().flat_map(|found| &found.rules).map(|rule| Evidence::of_rule(*rule));
    let mut seen = BTreeSet::new();
    listed.chain(counted).filter(|evidence| seen.insert((evidence.rule, evidence.source))).collect()
}

/// The number of devices in the examples of the table.
const FLEET_SIZE: u64 = 100_000;

/// The placeholders of the table's text, with numbers computed from the settings.
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

/// Returns the quotas of sign-ins and of device changes per second. A pool without a quota gets Cognito's;
/// its advice then does not apply.
fn rates(quotas: &Quotas) -> (u32, u32) {
    let or = |own: Option<u32>, cognito: Option<u32>| own.or(cognito).unwrap_or(0);
    let cognito = Quotas::COGNITO;
    (
        or(quotas.user_authentication, cognito.user_authentication),
        or(quotas.user_resource_update, cognito.user_resource_update),
    )
}

/// Returns how many quota-limited calls a new device needs: ConfirmDevice, and UpdateDeviceStatus if users
/// opt in.
fn changes_per_device(policy: &PoolPolicy) -> u64 {
    if policy.remember == RememberMode::OptIn { 2 } else { 1 }
}

/// Returns the minimum time to enroll all devices of the example, in minutes, rounded up.
fn enroll_minutes(policy: &PoolPolicy) -> u64 {
    let changes = FLEET_SIZE * changes_per_device(policy);
    let seconds = changes.div_ceil(u64::from(rates(&policy.quotas).1.max(1)));
    seconds.div_ceil(60)
}

/// Returns the sign-ins per second that a quota sustains if each needs this many challenge answers.
///
/// The pool allows three answers per sign-in of the quota. Further answers count against the quota, see
/// docs/semantics.md.
fn sustained(quota: u32, answer_count: u32) -> u64 {
    let (quota, answer_count) = (u64::from(quota), u64::from(answer_count));
    if answer_count <= 3 { quota } else { 4 * quota / (answer_count + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sustained_rate_matches_the_definition_of_the_quota() {
        // 70 sign-ins of 4 answers exceed a quota of 80: their 280 answers are 40 more than 240, and 70 + 40
        // > 80.
        let fits = |rate: u64| rate + (4 * rate).saturating_sub(3 * 80) <= 80;
        assert!(!fits(70) && fits(sustained(80, 4)) && !fits(sustained(80, 4) + 1));
        assert_eq!((sustained(120, 3), sustained(120, 4), sustained(120, 5)), (120, 96, 80));
    }

    #[test]
    fn enroll_minutes_double_with_opt_in() {
        let always = PoolPolicy { remember: RememberMode::Always, ..PoolPolicy::DEFAULT };
        let opt_in = PoolPolicy { remember: RememberMode::OptIn, ..PoolPolicy::DEFAULT };
        assert_eq!((enroll_minutes(&always), enroll_minutes(&opt_in)), (67, 134));
    }

    #[test]
    fn table_ids_are_unique_and_its_rules_exist() {
        let rules: BTreeSet<_> = poolproof_oracle::rules().map(|rule| rule.id).collect();
        let mut ids = BTreeSet::new();
        for entry in TABLE {
            assert!(ids.insert(entry.id), "duplicate id {}", entry.id);
            for basis in entry.rests_on {
                if let Basis::Rule(id) = basis {
                    assert!(rules.contains(id), "{}: no rule {id}", entry.id);
                }
            }
        }
    }
}
