//! The semantics page lists the rules of the oracle and the switches of a pool, with their sources, as the
//! oracle's tables do.
//!
//! After a change of a table, run `POOLPROOF_BLESS=1 cargo test -p poolproof-oracle --test semantics` and
//! read the difference before you commit it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::fmt::Write as _;
use std::fs;

use poolproof_oracle::{Basis, SWITCHES, basis, description, rules};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/semantics.md");
/// The headings around the part of the page that is made from the tables.
const FIRST: &str = "\n## Rules\n";
const AFTER: &str = "\n## What a client can still do\n";

fn page() -> String {
    fs::read_to_string(PATH).unwrap()
}

fn write_basis(out: &mut String, basis: Basis) {
    writeln!(out, "- Rests on: {}", basis.note).unwrap();
    for source in basis.sources {
        writeln!(out, "  - [{}]({}), {}", source.title, source.address, source.date).unwrap();
    }
}

/// Returns the rules and the switches as the page shows them.
fn rules_and_switches() -> String {
    let mut out = format!("{FIRST}\n");
    out.push_str(
        "`poolproof matrix --sources` prints these lists. The date of a source is the day on which it was\n",
    );
    out.push_str("written. For pages that AWS changes it is the day on which they were read.\n");
    for rule in rules() {
        let (section, confidence) = (rule.source, rule.confidence.as_str());
        write!(out, "\n### {}\n\n{}\n\n", rule.id, description(rule)).unwrap();
        write!(out, "- Source: {section}\n- Confidence: {confidence}\n").unwrap();
        write_basis(&mut out, basis(rule).unwrap_or_else(|| panic!("{} has no sources", rule.id)));
    }
    out.push_str("\n## Switches\n\nEach is a key of `pool.switches`. Confidence is that of the default.\n");
    for switch in SWITCHES {
        let (name, confidence) = (switch.name, switch.confidence.as_str());
        write!(out, "\n### `{name}`\n\n{}\n\n- Confidence: {confidence}\n", switch.description).unwrap();
        write_basis(&mut out, switch.basis);
    }
    out
}

#[test]
fn rules_and_switches_are_as_in_the_tables() {
    let page = page();
    let (before, rest) = page.split_once(FIRST).unwrap();
    let (_, after) = rest.split_once(AFTER).unwrap();
    let expected = format!("{before}{}{AFTER}{after}", rules_and_switches());
    if std::env::var_os("POOLPROOF_BLESS").is_some() {
        fs::write(PATH, &expected).unwrap();
    }
    let page = self::page();
    let mut lines = expected.lines().zip(page.lines());
    let difference = lines.find(|(expected, found)| expected != found);
    assert!(page == expected, "the tables have, and the page has: {difference:?}");
}

#[test]
fn every_section_is_documented() {
    let page = page();
    for rule in rules() {
        // `SEMANTICS c.5 #11 #12` names rows of `SEMANTICS c.5`; `SEMANTICS d, lockout` names a part of
        // `SEMANTICS d`.
        let section: Vec<&str> = rule.source.split([' ', ',']).take(2).collect();
        let section = section.join(" ");
        assert!(page.contains(&format!("\n- **{section}** ")), "{}: {section}", rule.id);
    }
}
