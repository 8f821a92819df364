//! Refuses YAML features that a scenario does not need, before the text is parsed.
//!
//! The parser takes quadratic time on deep nesting, follows aliases, and has unclear errors for tabs and
//! second documents. This scanner understands just enough YAML to refuse them at their position. It may
//! misread unusual text. Therefore it also limits the number of all opening brackets, wherever they are.

use super::diagnostic::TextError;

/// The deepest nesting; a scenario has five levels.
const MAX_DEPTH: usize = 64;
/// The highest number of opening brackets.
const MAX_BRACKETS: usize = 4096;

/// Checks the text.
pub(super) fn scan(text: &str) -> Result<(), TextError> {
    Scanner { chars: text.chars().collect(), line: 1, fresh: true, ..Scanner::default() }.document()
}

#[derive(Default)]
struct Scanner {
    chars: Vec<char>,
    at: usize,
    line: usize,
    line_start: usize,
    /// Number of open brackets.
    flow: usize,
    /// Columns at which the enclosing blocks start, ascending.
    indents: Vec<usize>,
    /// Whether the line has had only dashes so far.
    fresh: bool,
    brackets: usize,
}

impl Scanner {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// Whether the character `ahead` from here is white space or the end.
    fn blank(&self, ahead: usize) -> bool {
        self.peek(ahead).is_none_or(|c| matches!(c, ' ' | '\t' | '\n' | '\r'))
    }

    fn column(&self) -> usize {
        self.at - self.line_start
    }

    fn text_error(&self, length: usize, message: &str) -> TextError {
        TextError::at(self.line, self.column() + 1, length, message)
    }

    /// Advances one character; refuses control characters.
    fn step(&mut self) -> Result<(), TextError> {
        match self.peek(0) {
            Some('\n') => {
                self.at += 1;
                self.line += 1;
                self.line_start = self.at;
                self.fresh = true;
                return Ok(());
            }
            Some('[' | '{') => {
                self.brackets += 1;
                if self.brackets > MAX_BRACKETS {
                    return Err(self.text_error(1, "too many opening brackets: at most 4096 are allowed"));
                }
            }
            Some('\r') if self.peek(1) == Some('\n') => {}
            // YAML parsers disagree on whether the first two end a line.
            Some(c) if (c.is_control() && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                return Err(
                    self.text_error(1, &format!("the character U+{:04X} is not allowed here", c as u32))
                );
            }
            _ => {}
        }
        self.at += 1;
        Ok(())
    }

    fn document(&mut self) -> Result<(), TextError> {
        let (mut begun, mut ended) = (false, false);
        while let Some(c) = self.peek(0) {
            if self.column() == 0 {
                self.tabs_in_indentation()?;
            }
            match c {
                ' ' | '\t' | '\n' | '\r' => self.step()?,
                '#' => self.rest_of_line()?,
                '.' if self.marker("...") => {
                    ended = true;
                    self.rest_of_line()?;
                }
                _ if ended => return Err(self.second_document()),
                '-' if self.marker("---") => {
                    if begun {
                        return Err(self.second_document());
                    }
                    begun = true;
                    (0..3).try_for_each(|_| self.step())?;
                }
                '%' if self.column() == 0 && self.flow == 0 => {
                    return Err(self.text_error(1, "directives are not allowed in a scenario"));
                }
                _ => {
                    begun = true;
                    self.token(c)?;
                }
            }
        }
        if begun { Ok(()) } else { Err(TextError::whole_file("the file is empty: it has no scenario")) }
    }

    fn marker(&self, marker: &str) -> bool {
        self.column() == 0
            && marker.chars().enumerate().all(|(i, c)| self.peek(i) == Some(c))
            && self.blank(3)
    }

    fn second_document(&self) -> TextError {
        self.text_error(3, "a second document starts here: a file has one scenario")
    }

    fn tabs_in_indentation(&self) -> Result<(), TextError> {
        let indentation = self.chars[self.at..].iter().take_while(|c| matches!(c, ' ' | '\t'));
        let (mut width, mut tab) = (0, None);
        for (i, c) in indentation.enumerate() {
            width = i + 1;
            if *c == '\t' && tab.is_none() {
                tab = Some(i);
            }
        }
        match (tab, self.peek(width)) {
            (None, _) | (Some(_), None | Some('\n' | '\r' | '#')) => Ok(()),
            (Some(tab), Some(_)) => {
                let text_error =
                    TextError::at(self.line, tab + 1, 1, "a tab is not allowed in the indentation");
                Err(text_error.with_help("indent with spaces"))
            }
        }
    }

    fn rest_of_line(&mut self) -> Result<(), TextError> {
        while self.peek(0).is_some_and(|c| c != '\n') {
            self.step()?;
        }
        Ok(())
    }

    fn token(&mut self, first: char) -> Result<(), TextError> {
        if self.flow == 0 && self.fresh {
            self.block(self.column())?;
            self.fresh = first == '-' && self.blank(1);
        }
        match first {
            '"' | '\'' => self.quoted(first),
            '[' | '{' => {
                self.flow += 1;
                self.depth()?;
                self.step()
            }
            ']' | '}' => {
                self.flow = self.flow.saturating_sub(1);
                self.step()
            }
            ',' => self.step(),
            '-' | ':' if self.blank(1) => self.step(),
            '?' if self.blank(1) => {
                Err(self.text_error(1, "`?` is not allowed here: write the key as a plain word"))
            }
            '&' => Err(self.text_error(1, "anchors are not allowed: write the value where it is used")),
            '*' => Err(self.text_error(1, "aliases are not allowed: write the value where it is used")),
            '!' => Err(self.text_error(1, "tags are not allowed: write a plain word or a map")),
            '|' | '>' if self.flow == 0 => {
                Err(self.text_error(1, "text of several lines is not allowed in a scenario"))
            }
            _ => self.plain(),
        }
    }

    /// Records that an entry of a block starts at this column.
    fn block(&mut self, column: usize) -> Result<(), TextError> {
        while self.indents.last().is_some_and(|indent| *indent > column) {
            self.indents.pop();
        }
        if self.indents.last() != Some(&column) {
            self.indents.push(column);
        }
        self.depth()
    }

    fn depth(&self) -> Result<(), TextError> {
        if self.flow + self.indents.len() > MAX_DEPTH {
            return Err(self.text_error(1, "nested too deeply: at most 64 levels are allowed"));
        }
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), TextError> {
        self.step()?;
        while let Some(c) = self.peek(0) {
            self.step()?;
            let escaped = c == '\\' && quote == '"';
            let doubled = c == quote && quote == '\'' && self.peek(0) == Some('\'');
            if (escaped || doubled) && self.peek(0).is_some() {
                self.step()?;
            } else if c == quote {
                break;
            }
        }
        Ok(())
    }

    fn plain(&mut self) -> Result<(), TextError> {
        while let Some(c) = self.peek(0) {
            let flow_sign = self.flow > 0 && matches!(c, ',' | '[' | ']' | '{' | '}');
            let comment = matches!(c, ' ' | '\t') && self.peek(1) == Some('#');
            let key = c == ':'
                && (self.blank(1) || (self.flow > 0 && matches!(self.peek(1), Some(',' | ']' | '}'))));
            if key {
                return self.step();
            }
            if c == '\n' || flow_sign || comment {
                return Ok(());
            }
            self.step()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> Option<(usize, usize)> {
        scan(text).unwrap_err().span.map(|span| (span.line, span.column))
    }

    #[test]
    fn ordinary_yaml_is_accepted() {
        let text = "# [{ & * !\n---\na: \"[ \\\" & * ! #\"\nb: '[ '' &'\nc: a & b * c ! d #x\nd: [x, {y: z}]\n\
               e:\n- f: 1\n  g: 2\n- {}\r\nh: http://x/[\n...\n# the end\n";
        assert_eq!(scan(text), Ok(()));
    }

    #[test]
    fn forbidden_features_are_refused_at_their_position() {
        for (text, at) in [
            ("a: &b c", (1, 4)),
            ("a: 1\nb: [*a]", (2, 5)),
            ("a: !x y", (1, 4)),
            ("a: |\n  b", (1, 4)),
            ("? a\n: b", (1, 1)),
            ("%YAML 1.2\n---\na: 1", (1, 1)),
            ("a: 1\n---\nb: 2", (2, 1)),
            ("---\na: 1\n--- \nb: 2", (3, 1)),
            ("a: 1\n...\nb: 2", (3, 1)),
            ("a:\n\tb: 1", (2, 1)),
            ("a:\n  \tb: 1", (2, 3)),
            ("a: \u{1b}[2J", (1, 4)),
            ("ä: 'ö' \u{2028}", (1, 8)),
            ("a: 1\rb: 2", (1, 5)),
        ] {
            assert_eq!(span(text), Some(at), "{text:?}");
        }
        for empty in ["", " \n\n", "# only a comment\n"] {
            assert_eq!(span(empty), None, "{empty:?}");
        }
    }

    #[test]
    fn depth_is_limited_in_every_form() {
        let flow = |depth: usize| format!("a: {}{}", "[".repeat(depth), "]".repeat(depth));
        let dashes = |depth: usize| "- ".repeat(depth) + "x";
        let block = |depth: usize| (0..depth).map(|i| format!("{}a:\n", " ".repeat(i))).collect::<String>();
        assert_eq!(scan(&flow(63)), Ok(()));
        assert_eq!(span(&flow(64)), Some((1, 67)));
        assert_eq!(scan(&dashes(63)), Ok(()));
        assert_eq!(span(&dashes(64)), Some((1, 129)));
        assert_eq!(scan(&block(64)), Ok(()));
        assert_eq!(span(&block(65)), Some((65, 65)));
    }

    #[test]
    fn brackets_are_counted_even_in_misread_text() {
        // In YAML the quote is part of a plain text of two lines, so the brackets after it are brackets.
        let hidden = format!("a: b\n  \"\nc: {}", "[".repeat(5000));
        assert_eq!(span(&hidden), Some((3, 4100)));
    }
}
