//! The semantics page has one entry for each rule of the oracle, with the same description, source and
//! confidence.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

const PAGE: &str = include_str!("../../../docs/semantics.md");

/// Returns the entry of a rule: the text from its heading to the next.
fn entry(id: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("\n### {id}\n")).unwrap_or_else(|| panic!("no entry for {id}"));
    rest.split("\n#").next().unwrap()
}

#[test]
fn every_rule_has_its_entry() {
    for rule in poolproof_oracle::rules() {
        let entry = entry(rule.id);
        let expected = format!(
            "\n{}\n\n- Source: {}\n- Confidence: {}\n- Rests on: ",
            poolproof_oracle::description(rule),
            rule.source,
            rule.confidence.as_str()
        );
        let rest =
            entry.strip_prefix(&expected).unwrap_or_else(|| panic!("{}: {expected}\nis {entry}", rule.id));
        assert!(rest.trim().len() > 10 && rest.trim().ends_with('.'), "{}: {rest}", rule.id);
    }
}

#[test]
fn every_entry_has_a_rule() {
    let entries = PAGE.matches("\n### ").count();
    assert_eq!(entries, poolproof_oracle::rules().count());
}

#[test]
fn every_source_is_documented() {
    for rule in poolproof_oracle::rules() {
        // `SEMANTICS c.5 #11 #12` names rows of `SEMANTICS c.5`; `SEMANTICS d, lockout` names a part of
        // `SEMANTICS d`.
        let section: Vec<&str> = rule.source.split([' ', ',']).take(2).collect();
        let section = section.join(" ");
        assert!(PAGE.contains(&format!("\n- **{section}** ")), "{}: {section}", rule.id);
    }
}
