//! Text that keeps within a terminal.

/// No line of a table or of an explanation is longer.
pub(super) const WIDTH: usize = 100;

/// `text` in lines of at most `width` characters, broken between words; a longer word stays whole.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `head`, and beside it `text`, wrapped so that nothing stands under the head.
pub(super) fn hanging_indent(head: &str, text: &str) -> String {
    let indent = head.chars().count();
    let lines = wrapped(text, WIDTH.saturating_sub(indent));
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        let left = if number == 0 { head.to_owned() } else { " ".repeat(indent) };
        out.push_str(&format!("{left}{line}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_keep_their_left_edge() {
        assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrapped("", 7), Vec::<String>::new());
        assert_eq!(wrapped("unbreakable", 3), ["unbreakable"]);
        let text = hanging_indent("  head  ", &"word ".repeat(40));
        assert!(text.lines().skip(1).all(|line| line.starts_with("        word")));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
    }
}
