//! What is wrong with a scenario file, told with the place and, where one is near, the word that was meant.

use std::fmt;

use annotate_snippets::{AnnotationKind, Element, Level, Renderer, Snippet};

/// A place in a text and what is wrong there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TextError {
    /// What is wrong.
    pub(super) message: String,
    /// What would be right.
    pub(super) help: Option<String>,
    /// Where; `None` when it is the whole file.
    pub(super) span: Option<TextSpan>,
}

/// Some characters of one line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TextSpan {
    /// Line, from 1.
    pub(super) line: usize,
    /// Column in characters, from 1.
    pub(super) column: usize,
    /// How many characters; one at least is marked.
    pub(super) length: usize,
}

impl TextError {
    /// Something wrong with the whole file.
    pub(super) fn whole_file(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, span: None }
    }

    /// Something wrong at one place.
    pub(super) fn at(line: usize, column: usize, length: usize, message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, span: Some(TextSpan { line, column, length }) }
    }

    /// The same, and what would be right.
    pub(super) fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// Why a scenario file is refused. `Display` gives the whole message without colour.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    file: String,
    message: String,
    help: Option<String>,
    span: Option<(TextSpan, String)>,
}

/// A message that quotes the file is cut here; a name of a megabyte helps nobody.
const MAX_MESSAGE_CHARS: usize = 500;
/// A line is shown up to this many characters beyond the marked place.
const MAX_TRAILING_CHARS: usize = 200;

impl Diagnostic {
    /// This fault of the file called `file`, which holds `text`.
    pub(super) fn new(file: &str, text: &str, text_error: TextError) -> Self {
        let TextError { message, help, span } = text_error;
        let span = span.map(|span| {
            let line = text.split('\n').nth(span.line - 1).unwrap_or_default().trim_end_matches('\r');
            // One sign for one, so that the columns stay; some of these a terminal would obey.
            let shown = line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c });
            (span, shown.take(span.column + MAX_TRAILING_CHARS).collect())
        });
        Self {
            file: printable(file),
            message: printable(&message),
            help: help.as_deref().map(printable),
            span,
        }
    }

    /// What is wrong with a file beside the scenarios, told as a scenario's flaws are.
    ///
    /// `span` is a line, a column and a length, the first two from 1 and all in characters; `None` is the whole file.
    pub fn from_parts(
        file: &str,
        text: &str,
        span: Option<(usize, usize, usize)>,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Self {
        let span =
            span.map(|(line, column, length)| TextSpan { line: line.max(1), column: column.max(1), length });
        Self::new(file, text, TextError { message: message.into(), help, span })
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What would be right, where that can be said.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Line and column, both from 1, the column in characters. `None` when the whole file is at fault.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.span.as_ref().map(|(span, _)| (span.line, span.column))
    }

    /// The whole message with colours, for a terminal that shows them.
    pub fn to_colored(&self) -> String {
        self.render(&Renderer::styled())
    }

    fn render(&self, renderer: &Renderer) -> String {
        let Some((span, line)) = &self.span else {
            let title = format!("{}: {}", self.file, self.message);
            let report = Level::ERROR.primary_title(title.as_str());
            let help = self.help.as_deref().map(|help| Element::from(Level::HELP.message(help)));
            return renderer.render(&[report.elements(help)]);
        };
        // Bytes of the characters up to `count`; a place behind the end of its line is marked at its end.
        let bytes = |count: usize| line.char_indices().nth(count).map_or(line.len(), |(index, _)| index);
        let start = bytes(span.column - 1);
        let end = bytes(span.column - 1 + span.length.max(1));
        let snippet = Snippet::source(line.as_str())
            .line_start(span.line)
            .path(self.file.as_str())
            .annotation(AnnotationKind::Primary.span(start..end));
        let help = self.help.as_deref().map(|help| Element::from(Level::HELP.message(help)));
        let report = Level::ERROR.primary_title(self.message.as_str()).element(snippet).elements(help);
        renderer.render(&[report])
    }
}

/// Text that a terminal shows and does not obey, of readable length.
fn printable(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(MAX_MESSAGE_CHARS)
        .flat_map(|c| {
            let hidden = c.is_control();
            let escaped = c.escape_default().take(if hidden { 16 } else { 0 });
            escaped.chain((!hidden).then_some(c))
        })
        .collect();
    if text.chars().nth(MAX_MESSAGE_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Renderer::plain()))
    }
}

impl std::error::Error for Diagnostic {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_marked_in_characters() {
        let text_error = TextError::at(2, 8, 5, "no such colour").with_help("did you mean `green`?");
        let told = Diagnostic::new("a.yaml", "first\näöü:   grün!\n", text_error).to_string();
        assert_eq!(
            told,
            "error: no such colour\n --> a.yaml:2:8\n  |\n2 | äöü:   grün!\n  |        ^^^^^\n  |\n  \
             = help: did you mean `green`?"
        );
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_printed() {
        let text_error = TextError::at(1, 1, 1, "unknown key `\u{1b}[2J\n`".repeat(1000));
        let told = Diagnostic::new("a\u{1b}.yaml", "\u{1b}[2J \u{9b}2J", text_error).to_string();
        assert!(!told.contains(['\u{1b}', '\u{9b}']) && told.len() < 2000, "{told}");
    }

    #[test]
    fn places_outside_of_the_text_are_told_without_a_panic() {
        for (line, column) in [(1, 99), (7, 1), (2, 1)] {
            let told = Diagnostic::new("f", "ab\n", TextError::at(line, column, 9, "m")).to_string();
            assert!(told.contains("error: m"), "{told}");
        }
    }
}
