//! `poolproof matrix --sources`: the public texts behind each rule and each switch.

use std::fmt::Write as _;

use crate::text::{width, wrap};
use poolproof_oracle::{Basis, SWITCHES};

// Writing to a String cannot fail: that is why the results of `writeln!` are dropped below.

/// Lists all rules, then all switches, each with what it rests on.
pub(super) fn list() -> String {
    let mut out = "── rules\n".to_owned();
    for rule in poolproof_oracle::rules() {
        let (id, source, confidence) = (rule.id, rule.source, rule.confidence.as_str());
        let _ = writeln!(out, "\n  {id} ({source}, {confidence})");
        out.push_str(&wrap(poolproof_oracle::description(rule), width(), "    "));
        if let Some(basis) = poolproof_oracle::basis(rule) {
            write_basis(&mut out, basis);
        }
    }
    out.push_str("\n── switches\n");
    for switch in SWITCHES {
        let _ = writeln!(out, "\n  {} ({})", switch.name, switch.confidence.as_str());
        out.push_str(&wrap(switch.description, width(), "    "));
        write_basis(&mut out, switch.basis);
    }
    out
}

fn write_basis(out: &mut String, basis: Basis) {
    out.push_str(&wrap(basis.note, width(), "    "));
    for source in basis.sources {
        out.push_str(&wrap(&format!("{}, {}", source.title, source.date), width(), "    - "));
        let _ = writeln!(out, "      {}", source.address);
    }
}
