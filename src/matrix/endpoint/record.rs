//! How an endpoint stands to the rules, as JSON.

use serde_json::{Value, json};

use super::{Conformance, Standing};

/// The report as JSON: `target`, `takes_risk`, `partial`, `left_behind`, `rules_left_out`, `trials` and `rules`, each rule with its counts, a `standing` of `followed`,
/// `broken` or `untried`, an `example` where it is broken, and the `reason` why trials could not be made.
pub fn conformance_json(conformance: &Conformance) -> String {
    let (followed, broken, untried) = conformance.sums();
    let told = json!({
        "schema_version": 1,
        "target": conformance.target,
        "takes_risk": conformance.takes_risk,
        "partial": conformance.partial,
        "left_behind": conformance.left_behind,
        "rules_left_out": conformance.rules_left_out,
        "trials": { "followed": followed, "broken": broken, "untried": untried },
        "rules": conformance.of(None).map(rule).collect::<Vec<_>>(),
    });
    format!("{told:#}\n")
}

fn rule(one: &Standing) -> Value {
    let standing = match one {
        one if one.broken > 0 => "broken",
        one if one.is_untried() => "untried",
        _ => "followed",
    };
    let example = one.example.as_ref().map(|example| {
        json!({
            "done": example.trial.to_string(),
            "expected": example.expected.to_string(),
            "came": example.seen.to_string(),
            "said": example.said,
        })
    });
    json!({
        "id": one.rule.id,
        "source": one.rule.source,
        "confidence": one.rule.confidence.as_str(),
        "says": one.says,
        "standing": standing,
        "followed": one.followed,
        "broken": one.broken,
        "untried": one.untried,
        "example": example,
        "reason": one.reason,
    })
}
