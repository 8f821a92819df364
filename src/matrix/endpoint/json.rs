//! How an endpoint stands to the rules, as JSON.

use serde_json::{Value, json};

use super::{Conformance, RuleResult};

/// The report as JSON: `target`, `accepts_risk_level`, `partial`, `left_behind`, `rules_left_out`, `trials` and `rules`, each rule with its counts, a `result` of `followed`,
/// `broken` or `untried`, an `example` where it is broken, and the `reason` why trials could not be made.
pub fn conformance_json(conformance: &Conformance) -> String {
    let (followed, broken, untried) = conformance.totals();
    let document = json!({
        "schema_version": 1,
        "target": conformance.target,
        "takes_risk": conformance.accepts_risk_level,
        "partial": conformance.partial,
        "left_behind": conformance.left_behind,
        "rules_left_out": conformance.rules_left_out,
        "trials": { "followed": followed, "broken": broken, "untried": untried },
        "rules": conformance.of(None).map(rule).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn rule(one: &RuleResult) -> Value {
    let result = match one {
        one if one.broken > 0 => "broken",
        one if one.is_untried() => "untried",
        _ => "followed",
    };
    let example = one.example.as_ref().map(|example| {
        json!({
            "done": example.trial.to_string(),
            "expected": example.expected.to_string(),
            "came": example.actual.to_string(),
            "said": example.message,
        })
    });
    json!({
        "id": one.rule.id,
        "source": one.rule.source,
        "confidence": one.rule.confidence.as_str(),
        "says": one.description,
        "standing": result,
        "followed": one.followed,
        "broken": one.broken,
        "untried": one.untried,
        "example": example,
        "reason": one.reason,
    })
}
