//! Text for terminals.

use textwrap::{Options, WordSeparator, WordSplitter, core::display_width};

/// Wraps `text` to lines of at most `width` columns, each with a line end.
///
/// The first line starts with `indent`, the others with as many spaces. Only words that are too long for a
/// line are broken.
pub fn wrap(text: &str, width: usize, indent: &str) -> String {
    let hanging = " ".repeat(display_width(indent));
    let options = Options::new(width)
        .initial_indent(indent)
        .subsequent_indent(&hanging)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Returns a number with a separator between groups of three digits.
pub fn group_digits(number: u64, separator: char) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_are_indented_below_the_head() {
        assert_eq!(wrap("one two three", 7, ""), "one two\nthree\n");
        assert_eq!(wrap("unbreakable", 4, ""), "unbr\neaka\nble\n");
        let text = wrap(&"word ".repeat(40), 100, "  head  ");
        assert!(text.lines().skip(1).all(|line| line.starts_with("        word")));
        assert!(text.lines().all(|line| line.chars().count() <= 100));
    }

    #[test]
    fn digits_are_grouped_by_three() {
        let grouped = [7, 100, 4_680, 1_234_567].map(|number| group_digits(number, ' '));
        assert_eq!(grouped, ["7", "100", "4 680", "1 234 567"]);
    }
}
