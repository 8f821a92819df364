//! The condensed matrix as Markdown.

use std::fmt::Write as _;

use super::condense::blocks;
use super::row::Matrix;
use super::summary::LEGEND;
use super::text::{MARKS, about, mark};

// Writing to a String cannot fail, so the results of `writeln!` are dropped below.

/// Renders the matrix, condensed as in [`table`](super::table), with one Markdown table per configuration.
pub fn markdown(matrix: &Matrix) -> String {
    let mut out = format!("# Policy matrix\n\n{}\n\n", about(matrix));
    for (term, meaning) in LEGEND.into_iter().chain([("rule", MARKS)]) {
        let _ = writeln!(out, "- **{}**: {}", escaped(term), escaped(meaning));
    }
    for block in blocks(matrix) {
        let _ = writeln!(out, "\n## {}\n\n{} cells.\n", escaped(&block.title()), block.cells());
        out.push_str("| device | factor | risk | decision | rule |\n|---|---|---|---|---|\n");
        for line in block.lines() {
            let rule = format!("`{}` {}", line.rule.id, mark(line.rule.confidence));
            let rule = rule.trim_end();
            let fields =
                [&line.device, &line.factor, &line.risk, &line.summary.to_string()].map(|text| escaped(text));
            let _ = writeln!(out, "| {} | {rule} |", fields.join(" | "));
        }
    }
    out.push_str("\n## Rules\n\n| rule | description | source | confidence | cells |\n");
    out.push_str("|---|---|---|---|--:|\n");
    for (rule, cells) in matrix.rules() {
        let (description, source) = (escaped(poolproof_oracle::description(rule)), escaped(rule.source));
        let confidence = rule.confidence.as_str();
        let _ = writeln!(out, "| `{}` | {description} | {source} | {confidence} | {cells} |", rule.id);
    }
    out
}

/// Escapes the characters that have a meaning in Markdown.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        if matches!(letter, '\\' | '`' | '*' | '_' | '|' | '[' | ']' | '<' | '>' | '#') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn markdown_characters_are_escaped() {
        assert_eq!(escaped("mfa_* | `a`"), "mfa\\_\\* \\| \\`a\\`");
    }
}
