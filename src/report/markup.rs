//! Escapes untrusted text for the terminal, Markdown, XML and CSV.

use std::fmt::Write as _;

use crate::text::width;

/// Returns text as one line for a terminal. Control characters become `�`.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(replace_control_char).collect()
}

/// Returns the same line, shortened to at most `most` characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let cut = text.chars().nth(most).map(|_| '…');
    text.chars().take(most).map(replace_control_char).chain(cut).collect()
}

/// Replaces control characters and characters that are invisible, join others or change the writing
/// direction.
pub(super) fn replace_control_char(c: char) -> char {
    let steers = c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    if steers { '\u{fffd}' } else { c }
}

/// Escapes text for Markdown, tables and HTML in Markdown: special characters become entities.
pub(crate) fn markdown(text: &str) -> String {
    let text = plain(text);
    // Leading spaces would start a code block and trailing spaces a line break.
    let text = text.trim();
    let next = |at: usize| text[at..].chars().next();
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let special = match c {
            // Names of metrics stay readable as text: no emphasis starts inside a word.
            '_' => {
                let word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
                !(word(text[..at].chars().next_back()) && word(next(at + 1)))
            }
            '<' | '>' | '&' | '"' | '\'' | '|' | '\\' | '`' | '*' | '[' | ']' | '#' | '~' | '!' | '@'
            | '$' => true,
            // Lists and underlined headings, at the start of a line.
            '-' | '+' | '=' => at == 0,
            '.' | ')' => at > 0 && text[..at].bytes().all(|b| b.is_ascii_digit()),
            // Addresses that become links automatically.
            ':' => text[at..].starts_with("://"),
            _ => false,
        };
        if special {
            out.push_str(&format!("&#{};", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// Formats text as inline code in a cell of a Markdown table. A `|` would end the cell and becomes `¦`.
pub(super) fn code_cell(text: &str) -> String {
    let text = plain(text).replace('|', "¦");
    if text.trim().is_empty() { markdown(&text) } else { code(&text) }
}

/// Formats text as inline code in Markdown. The fence is longer than any run of backticks in the text.
pub(crate) fn code(text: &str) -> String {
    let text = plain(text);
    let longest = longest_fence(&text);
    let fence = "`".repeat(longest + 1);
    // Markdown removes one space on each side. The spaces separate backticks in the text from the fence.
    if longest == 0 { format!("{fence}{text}{fence}") } else { format!("{fence} {text} {fence}") }
}

/// Formats a line of text as a Markdown code block in `language`.
pub(super) fn code_block(language: &str, text: &str) -> String {
    let text = plain(text);
    let fence = "`".repeat(longest_fence(&text).max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}")
}

fn longest_fence(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Escapes text for an element or an attribute of XML 1.0. Characters that XML does not allow become `�`.
/// Line ends are kept.
pub(super) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // A parser would replace these by spaces in an attribute.
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(c))),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Formats text as a CSV field (RFC 4180). A `'` before a formula keeps spreadsheets from evaluating it.
pub(super) fn csv(text: &str) -> String {
    let mut text = plain(text);
    if text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\u{fffd}']) {
        text.insert(0, '\'');
    }
    if text.contains([',', '"', ';']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Writes `text` after `head` in lines of at most [`width()`] columns. Longer text is broken between words
/// where possible.
pub(crate) fn line(out: &mut String, head: &str, text: &str) {
    let indent = head.chars().count();
    let room = width().saturating_sub(indent).max(1);
    let mut left: Vec<char> = text.chars().collect();
    let mut before = head.to_owned();
    loop {
        let cut = if left.len() <= room {
            left.len()
        } else {
            left[..=room].iter().rposition(|c| *c == ' ').filter(|at| *at > 0).unwrap_or(room)
        };
        let rest = left.split_off(cut);
        let text: String = left.into_iter().collect();
        let _ = writeln!(out, "{before}{}", text.trim_end());
        left = rest.into_iter().skip_while(|c| *c == ' ').collect();
        if left.is_empty() {
            return;
        }
        before = " ".repeat(indent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_text_has_no_markdown_syntax() {
        let hostile = "</details>|`a`*b*_c_[d](e)<!-- # ~~f~~ @g $h$ https://i";
        let escaped = markdown(hostile);
        for sign in ["<", ">", "|", "`", "*", "_", "[", "]", "~", "@", "$", "!", "://"] {
            assert!(!escaped.contains(sign), "{sign} in {escaped}");
        }
        assert_eq!(markdown("- a - b"), "&#45; a - b");
        assert_eq!(markdown("12. x. y"), "12&#46; x. y");
        assert_eq!(markdown("    code\nnext"), "code\u{fffd}next");
        assert_eq!(markdown("sign_in.p99 < 1ms: 5 %"), "sign_in.p99 &#60; 1ms: 5 %");
        for (hostile, escaped) in [
            ("> a", "&#62; a"),
            ("<a_b>", "&#60;a_b&#62;"),
            ("_a_", "&#95;a&#95;"),
            ("a_ b", "a&#95; b"),
            ("a __b__", "a &#95;&#95;b&#95;&#95;"),
        ] {
            assert_eq!(markdown(hostile), escaped);
        }
    }

    #[test]
    fn a_fence_is_longer_than_any_run_of_backticks_in_its_text() {
        assert_eq!(code("a b"), "`a b`");
        assert_eq!(code("``a`"), "``` ``a` ```");
        assert_eq!(code_block("sh", "a ````\n"), "`````sh\na ````\u{fffd}\n`````");
    }

    #[test]
    fn xml_has_no_forbidden_characters() {
        assert_eq!(xml("<a b=\"&\">"), "&lt;a b=&quot;&amp;&quot;&gt;");
        assert_eq!(xml("a\0\x1b[31m\u{7f}\u{85}\u{fffe}b"), "a\u{fffd}\u{fffd}[31m\u{fffd}\u{fffd}\u{fffd}b");
        assert_eq!(xml("a\tb\r\n"), "a&#9;b&#13;&#10;");
    }

    #[test]
    fn csv_fields_are_never_formulas() {
        for (field, escaped) in [
            ("smoke", "smoke"),
            ("=1+1", "'=1+1"),
            (" @SUM(A1)", "' @SUM(A1)"),
            ("-1", "'-1"),
            ("\t=1", "'\u{fffd}=1"),
            ("a,\"b\"", "\"a,\"\"b\"\"\""),
            ("=a,b", "\"'=a,b\""),
            ("a\r\nb", "a\u{fffd}\u{fffd}b"),
        ] {
            assert_eq!(csv(field), escaped, "{field:?}");
        }
    }

    #[test]
    fn long_lines_are_broken_and_nothing_is_lost() {
        let mut out = String::new();
        line(&mut out, "  base  ", &"a-word ".repeat(40));
        line(&mut out, "  head  ", &"x".repeat(250));
        assert!(out.lines().all(|line| line.chars().count() <= width()), "{out}");
        assert_eq!(out.matches("a-word").count(), 40);
        assert_eq!(out.matches('x').count(), 250);
    }
}
