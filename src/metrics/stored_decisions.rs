//! The stored form of decisions: rules, outcomes and devices by name.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::cases::{CaseKey, attempts};
use super::decisions::{ConfusionCell, Decisions, Mismatch, RuleCount};
use poolproof_cognito::policy::{Factors, RiskAction, RiskLevel};
use poolproof_cognito::protocol::ChallengeName;
use poolproof_oracle::{Decision, Device, Outcome, RuleId, rules};

/// The stored form of [`Decisions`].
#[derive(Serialize, Deserialize)]
struct StoredDecisions {
    rules: Vec<StoredRule>,
    confusion: Vec<StoredCell>,
    cases: Vec<StoredCase>,
    refreshes: u64,
    mismatches: Vec<Mismatch>,
}

#[derive(Serialize, Deserialize)]
struct StoredRule {
    id: String,
    seen: u64,
    mismatched: u64,
}

#[derive(Serialize, Deserialize)]
struct StoredCell {
    expected: String,
    seen: String,
    count: u64,
    mismatched: u64,
}

#[derive(Serialize, Deserialize)]
struct StoredCase {
    device: String,
    factors: Factors,
    risk: Option<(RiskLevel, RiskAction)>,
    attempt: String,
    rule: String,
    expected: StoredDecision,
    seen: StoredDecision,
    count: u64,
}

#[derive(Serialize, Deserialize)]
struct StoredDecision {
    challenges: Vec<ChallengeName>,
    outcome: String,
    new_device: bool,
}

impl Serialize for Decisions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        StoredDecisions::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Decisions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(StoredDecisions::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl From<&Decisions> for StoredDecisions {
    fn from(decisions: &Decisions) -> Self {
        let rule = |(rule, count): (&RuleId, &RuleCount)| StoredRule {
            id: rule.id.to_owned(),
            seen: count.seen,
            mismatched: count.mismatched,
        };
        let cell = |(expected, seen, cell): (Outcome, Outcome, &ConfusionCell)| StoredCell {
            expected: expected.to_string(),
            seen: seen.to_string(),
            count: cell.count,
            mismatched: cell.mismatched,
        };
        let cases = decisions.cases.iter().flat_map(|(case, all)| {
            all.iter().map(|one| StoredCase {
                device: case.device.as_str().to_owned(),
                factors: case.factors,
                risk: case.risk,
                attempt: case.attempt.to_owned(),
                rule: one.rule.id.to_owned(),
                expected: StoredDecision::from(&one.expected),
                seen: StoredDecision::from(&one.seen),
                count: one.count,
            })
        });
        Self {
            rules: decisions.rules().map(rule).collect(),
            confusion: decisions.confusion().map(cell).collect(),
            cases: cases.collect(),
            refreshes: decisions.cases.refreshes,
            mismatches: decisions.mismatches.clone(),
        }
    }
}

impl TryFrom<StoredDecisions> for Decisions {
    type Error = String;

    fn try_from(stored: StoredDecisions) -> Result<Self, String> {
        let mut decisions = Self { mismatches: stored.mismatches, ..Self::default() };
        for StoredRule { id, seen, mismatched } in stored.rules {
            decisions.checked = decisions.checked.saturating_add(seen);
            decisions.mismatched = decisions.mismatched.saturating_add(mismatched);
            decisions.rules.insert(rule(&id)?, RuleCount { seen, mismatched });
        }
        for StoredCell { expected, seen, count, mismatched } in stored.confusion {
            let outcomes = (outcome(&expected)?, outcome(&seen)?);
            decisions.confusion.insert(outcomes, ConfusionCell { count, mismatched });
        }
        for one in stored.cases {
            let case = CaseKey {
                device: named(Device::ALL, Device::as_str, "device", &one.device)?,
                factors: one.factors,
                risk: one.risk,
                attempt: named(attempts(), |words| words, "attempt", &one.attempt)?,
            };
            let (expected, seen) = (Decision::try_from(one.expected)?, Decision::try_from(one.seen)?);
            decisions.cases.add(case, rule(&one.rule)?, &expected, &seen, one.count);
        }
        decisions.cases.refreshes = stored.refreshes;
        if decisions.is_consistent() { Ok(decisions) } else { Err("its decisions do not add up".to_owned()) }
    }
}

impl From<&Decision> for StoredDecision {
    fn from(decision: &Decision) -> Self {
        Self {
            challenges: decision.challenges.clone(),
            outcome: decision.outcome.to_string(),
            new_device: decision.new_device,
        }
    }
}

impl TryFrom<StoredDecision> for Decision {
    type Error = String;

    fn try_from(stored: StoredDecision) -> Result<Self, String> {
        let StoredDecision { challenges, outcome: name, new_device } = stored;
        Ok(Self { challenges, outcome: outcome(&name)?, new_device })
    }
}

fn rule(id: &str) -> Result<RuleId, String> {
    named(rules(), |rule| rule.id, "rule", id)
}

fn outcome(name: &str) -> Result<Outcome, String> {
    named(Outcome::ALL, Outcome::as_str, "outcome", name)
}

/// Returns the value with this name.
fn named<T: Copy>(
    all: impl IntoIterator<Item = T>,
    name_of: fn(T) -> &'static str,
    what: &str,
    name: &str,
) -> Result<T, String> {
    let found = all.into_iter().find(|one| name_of(*one) == name);
    found.ok_or_else(|| format!("this version has no {what} `{name}`"))
}
