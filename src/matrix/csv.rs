//! The matrix as CSV (RFC 4180), one line per cell.

use super::row::{Matrix, Row};

const HEADER: &str = "remember,suppress_mfa,mfa,factor,device,risk_level,risk_action,challenges,outcome,new_device,rule,\
                      source,confidence";

/// The matrix with a header line. Without risk its two fields are empty; challenges are separated by spaces.
pub fn csv(matrix: &Matrix) -> String {
    let mut text = format!("{HEADER}\r\n");
    for row in matrix.rows() {
        text.push_str(&fields(row).map(|field| quoted(&field)).join(","));
        text.push_str("\r\n");
    }
    text
}

fn fields(row: &Row) -> [String; 13] {
    let Row { cell, rule, decision } = row;
    let (level, action) = cell.risk.map_or(("", ""), |(level, action)| (level.as_str(), action.as_str()));
    let challenges: Vec<&str> = decision.challenges.iter().map(|name| name.as_str()).collect();
    [
        cell.remember.as_str().to_owned(),
        cell.suppress_mfa.to_string(),
        cell.mfa.as_str().to_owned(),
        cell.factor.as_str().to_owned(),
        cell.device.as_str().to_owned(),
        level.to_owned(),
        action.to_owned(),
        challenges.join(" "),
        decision.outcome.as_str().to_owned(),
        decision.new_device.to_string(),
        rule.id.to_owned(),
        rule.source.to_owned(),
        rule.confidence.as_str().to_owned(),
    ]
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn what_would_be_taken_for_an_end_is_quoted() {
        assert_eq!(quoted("SEMANTICS c.1"), "SEMANTICS c.1");
        assert_eq!(quoted("d, lockout"), "\"d, lockout\"");
        assert_eq!(quoted("a \"word\"\n"), "\"a \"\"word\"\"\n\"");
    }
}
