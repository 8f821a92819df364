//! `matrix --sources` and `explain` print the public texts that rules and switches rest on.

use std::collections::BTreeSet;

use poolproof_cognito::policy::Switches;
use poolproof_oracle::Confidence;
use serde_json::Value;

use crate::cli::{output, poolproof};

fn run(line: &str) -> (i32, String, String) {
    output(poolproof().args(line.split(' ')))
}

/// Rules on the Note are not called documented: today's page of AWS does not have the Note.
#[test]
fn the_note_is_not_called_documented() {
    let of = |confidence| poolproof_oracle::rules().filter(move |rule| rule.confidence == confidence);
    let formerly: Vec<&str> = of(Confidence::FormerlyDocumented).map(|rule| rule.id).collect();
    assert_eq!(formerly, ["note-device", "note-new-mfa", "note-not-remembered-mfa"]);
    assert!(!of(Confidence::Documented).any(|rule| rule.id.starts_with("note-")));
    let line = "explain --remember always --suppress-mfa --mfa optional --factor totp --device remembered --risk high:mfa_required";
    let (code, out, _) = run(line);
    assert_eq!(code, 0);
    assert!(out.contains("Rule note-device\n") && !out.contains("AWS's documentation says so"), "{out}");
}

#[test]
fn sources_of_every_rule_and_switch_are_listed() {
    let (code, out, err) = run("matrix --sources");
    assert_eq!((code, err.as_str()), (0, ""));
    for rule in poolproof_oracle::rules() {
        let entry = format!("\n  {} ({}, {})\n", rule.id, rule.source, rule.confidence.as_str());
        assert!(out.contains(&entry), "no {entry} in:\n{out}");
    }
    let Ok(Value::Object(switches)) = serde_json::to_value(Switches::DEFAULT) else {
        panic!("not an object")
    };
    let listed: BTreeSet<&str> = poolproof_oracle::SWITCHES.iter().map(|switch| switch.name).collect();
    assert_eq!(listed, switches.keys().map(String::as_str).collect(), "all switches have sources");
    for switch in listed {
        assert!(out.contains(&format!("\n  {switch} (")), "no {switch} in:\n{out}");
    }
    assert!(out.lines().all(|line| line.contains("https://") || line.chars().count() <= 100), "{out}");
    assert!(out.contains("https://github.com/aws-amplify/amplify-js/issues/8977\n"), "{out}");
    let (code, out, err) = run("matrix --sources --format json");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("--sources"), "{err}");
}
