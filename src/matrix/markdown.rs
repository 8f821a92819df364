//! The condensed matrix as Markdown.

use std::fmt::Write as _;

use super::condense::blocks;
use super::row::Matrix;
use super::summary::LEGEND;
use super::text;
use poolproof_oracle;

// Writing to a String cannot fail: that is why the results of `writeln!` are dropped below.

/// The matrix, condensed as in [`table`](super::table), with one Markdown table per configuration.
pub fn markdown(matrix: &Matrix) -> String {
    let cells = matrix.rows().len();
    let mut out = "# Policy matrix\n\n".to_owned();
    let _ = match matrix.pool() {
        None => writeln!(
            out,
            "The decision that is asked for after a right password, in every situation: {cells} cells."
        ),
        Some(pool) => write!(out, "{}", text::about(pool, cells)),
    };
    out.push('\n');
    for (word, meaning) in LEGEND {
        let _ = writeln!(out, "- **{}**: {}", escaped(word), escaped(meaning));
    }
    let _ = writeln!(out, "- **rule**: ° observed on AWS, ? inferred by us; unmarked: documented by AWS");
    for block in blocks(matrix) {
        let _ = writeln!(out, "\n## {}\n\n{} cells.\n", escaped(&block.title()), block.cells());
        let _ = writeln!(out, "| device | factor | risk | decision | rule |\n|---|---|---|---|---|");
        for line in block.lines() {
            let rule = format!("`{}`{}", line.rule.id, text::mark(line.rule.confidence));
            let words =
                [&line.device, &line.factor, &line.risk, &line.summary.to_string()].map(|word| escaped(word));
            let _ = writeln!(out, "| {} | {rule} |", words.join(" | "));
        }
    }
    let _ =
        writeln!(out, "\n## Rules\n\n| rule | says | source | confidence | cells |\n|---|---|---|---|--:|");
    for (rule, cells) in matrix.rules() {
        let (description, source) = (escaped(poolproof_oracle::description(rule)), escaped(rule.source));
        let confidence = rule.confidence.as_str();
        let _ = writeln!(out, "| `{}` | {description} | {source} | {confidence} | {cells} |", rule.id);
    }
    out
}

/// Text that Markdown shows as it is.
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
    fn what_markdown_would_take_for_its_own_is_escaped() {
        assert_eq!(escaped("mfa_* | `a`"), "mfa\\_\\* \\| \\`a\\`");
    }
}
