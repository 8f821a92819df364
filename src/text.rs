//! Text for terminals.

use std::sync::atomic::{AtomicUsize, Ordering};

use textwrap::{Options, WordSeparator, WordSplitter, core::display_width};

/// The longest lines of text for people: easy to read, and the width without a terminal.
pub const MAX_WIDTH: usize = 100;
/// The shortest lines. Tables need this width.
const MIN_WIDTH: usize = 60;

static WIDTH: AtomicUsize = AtomicUsize::new(MAX_WIDTH);
static COLUMNS: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Returns the most columns of a line of text for people, 60 to 100.
pub fn width() -> usize {
    WIDTH.load(Ordering::Relaxed)
}

/// Returns the columns of the terminal, at least 60; without a terminal there is no limit.
pub fn columns() -> usize {
    COLUMNS.load(Ordering::Relaxed)
}

/// Sets the width of lines to that of a terminal with this number of columns, within limits.
pub fn set_width(columns: usize) {
    WIDTH.store(columns.clamp(MIN_WIDTH, MAX_WIDTH), Ordering::Relaxed);
    COLUMNS.store(columns.max(MIN_WIDTH), Ordering::Relaxed);
}

/// Wraps the lines of `text` that are longer than `width`. Their rest starts below the text after the label.
/// Paths and commands stay whole, so that they can be copied.
pub fn fit(text: &str, width: usize) -> String {
    const WHOLE: [&str; 2] = ["  report      ", "    replay     "];
    let fitted = text.lines().map(|line| {
        if display_width(line) <= width || WHOLE.iter().any(|label| line.starts_with(label)) {
            return format!("{line}\n");
        }
        let (label, words) = line.split_at(label(line));
        wrap_with(words, label, Options::new(width).break_words(false))
    });
    fitted.collect()
}

/// Returns the bytes of a line up to the text after its label: `  sign-ins    `, or only its indentation.
fn label(line: &str) -> usize {
    /// Longer labels leave too little space.
    const LONGEST: usize = 20;
    let indent = line.len() - line.trim_start().len();
    let words = &line[indent..];
    let Some(gap) = words.find("  ").filter(|_| indent > 0) else { return indent };
    let end = indent + gap + words[gap..].len() - words[gap..].trim_start().len();
    if end <= LONGEST { end } else { indent }
}

/// Wraps `text` to lines of at most `width` columns, each with a line end.
///
/// The first line starts with `indent`, the others with as many spaces. Only words that are too long for a
/// line are broken.
pub fn wrap(text: &str, width: usize, indent: &str) -> String {
    wrap_with(text, indent, Options::new(width))
}

fn wrap_with(text: &str, indent: &str, options: Options<'_>) -> String {
    let hanging = " ".repeat(display_width(indent));
    let options = options
        .initial_indent(indent)
        .subsequent_indent(&hanging)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Formats a number with a comma between groups of three digits: `1,234,567`.
pub fn group_digits(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
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
    fn long_lines_continue_below_the_text_after_their_label() {
        let text = "title  x\n  sign-ins    one two three four\n  plain words of a long sentence\n\nunbroken short\n";
        let fitted = "title  x\n  sign-ins    one two\n              three four\n  plain words of a long\n  sentence\n\nunbroken short\n";
        assert_eq!(fit(text, 24), fitted);
        assert_eq!(fit(text, 100), text);
        // Escape codes of colors have no width.
        assert_eq!(fit("  \u{1b}[31mred\u{1b}[0m text", 10), "  \u{1b}[31mred\u{1b}[0m text\n");
    }

    #[test]
    fn digits_are_grouped_by_three() {
        let grouped = [0, 7, 100, 999, 1_000, 4_680, 1_234_567].map(group_digits);
        assert_eq!(grouped, ["0", "7", "100", "999", "1,000", "4,680", "1,234,567"]);
    }
}
