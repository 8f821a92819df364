//! A look at the text before it is parsed: what no scenario needs and what would cost the parser dear.
//!
//! The parser takes quadratic time on deep nesting and follows aliases, and its own words for a stray tab or a second
//! document help little. This reads just enough of YAML's form to refuse them at their place. It may take an odd text
//! for something else: so the number of brackets, which no oddity hides, is limited too.

use super::diagnostic::TextError;

/// Deeper nesting than this is refused; a scenario has five levels.
const DEEPEST: usize = 64;
/// More opening brackets than this are refused, wherever they are.
const MOST_BRACKETS: usize = 4096;

/// Refuses what a scenario may not contain.
pub(super) fn scan(text: &str) -> Result<(), TextError> {
    let chars: Vec<char> = text.chars().collect();
    let mut scanner = Scanner {
        chars,
        at: 0,
        line: 1,
        line_start: 0,
        flow: 0,
        indents: Vec::new(),
        fresh: true,
        brackets: 0,
    };
    scanner.document()
}

struct Scanner {
    chars: Vec<char>,
    at: usize,
    line: usize,
    line_start: usize,
    /// How many brackets are open.
    flow: usize,
    /// Columns at which the enclosing blocks begin, rising.
    indents: Vec<usize>,
    /// Whether nothing but dashes has stood in this line.
    fresh: bool,
    brackets: usize,
}

impl Scanner {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// Whether a word ends `ahead` characters from here.
    fn blank(&self, ahead: usize) -> bool {
        self.peek(ahead).is_none_or(|c| matches!(c, ' ' | '\t' | '\n' | '\r'))
    }

    fn column(&self) -> usize {
        self.at - self.line_start
    }

    fn text_error(&self, length: usize, message: &str) -> TextError {
        TextError::at(self.line, self.column() + 1, length, message)
    }

    /// One character on; refuses what no text contains.
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
                if self.brackets > MOST_BRACKETS {
                    return Err(self.text_error(1, "too many opening brackets: a scenario has at most 4096"));
                }
            }
            Some('\r') if self.peek(1) == Some('\n') => {}
            // Some readers of YAML take the last two for the end of a line, some do not.
            Some(c) if (c.is_control() && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                return Err(
                    self.text_error(1, &format!("the character U+{:04X} does not belong here", c as u32))
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
                    return Err(self.text_error(1, "directives do not belong in a scenario"));
                }
                _ => {
                    begun = true;
                    self.token(c)?;
                }
            }
        }
        if begun { Ok(()) } else { Err(TextError::whole_file("the file holds no scenario: it is empty")) }
    }

    fn marker(&self, marker: &str) -> bool {
        self.column() == 0
            && marker.chars().enumerate().all(|(i, c)| self.peek(i) == Some(c))
            && self.blank(3)
    }

    fn second_document(&self) -> TextError {
        self.text_error(3, "a second document begins here; a file holds one scenario")
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
                let text_error = TextError::at(self.line, tab + 1, 1, "a tab stands in the indentation");
                Err(text_error.with_help("YAML is indented with spaces"))
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
            '?' if self.blank(1) => Err(self.text_error(1, "keys are plain words; `?` does not belong here")),
            '&' => Err(self.text_error(1, "anchors are not taken: write the value where it is used")),
            '*' => Err(self.text_error(1, "aliases are not taken: write the value where it is used")),
            '!' => Err(self.text_error(1, "tags are not taken: write the bare word or a map")),
            '|' | '>' if self.flow == 0 => {
                Err(self.text_error(1, "no key of a scenario takes a text of several lines"))
            }
            _ => self.plain(),
        }
    }

    /// Something begins at this column of a block.
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
        if self.flow + self.indents.len() > DEEPEST {
            return Err(self.text_error(1, "nested too deeply: a scenario has at most 64 levels"));
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
    fn ordinary_yaml_passes() {
        let text = "# [{ & * !\n---\na: \"[ \\\" & * ! #\"\nb: '[ '' &'\nc: a & b * c ! d #x\nd: [x, {y: z}]\n\
               e:\n- f: 1\n  g: 2\n- {}\r\nh: http://x/[\n...\n# the end\n";
        assert_eq!(scan(text), Ok(()));
    }

    #[test]
    fn what_no_scenario_needs_is_refused_at_its_place() {
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
    fn brackets_that_hide_in_an_odd_text_are_counted_all_the_same() {
        // To YAML the quote is part of a plain text of two lines, so the brackets after it count.
        let hidden = format!("a: b\n  \"\nc: {}", "[".repeat(5000));
        assert_eq!(span(&hidden), Some((3, 4100)));
    }
}
