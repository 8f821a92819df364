//! Error messages for text files, with file, line, column, an excerpt and a suggestion.

use std::fmt;

use annotate_snippets::{AnnotationKind, Element, Level, Renderer, Snippet};

/// An error in a text, and its position.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TextError {
    /// The error message.
    pub(super) message: String,
    /// The next step for the user.
    pub(super) help: Option<String>,
    /// The position; `None` for the whole file.
    pub(super) span: Option<TextSpan>,
}

/// A range of characters in one line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TextSpan {
    /// Line, from 1.
    pub(super) line: usize,
    /// Column in characters, from 1.
    pub(super) column: usize,
    /// Number of characters; zero is displayed as one.
    pub(super) length: usize,
}

impl TextError {
    /// Creates an error for the whole file.
    pub(super) fn whole_file(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, span: None }
    }

    /// Creates an error at a position.
    pub(super) fn at(line: usize, column: usize, length: usize, message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, span: Some(TextSpan { line, column, length }) }
    }

    /// Adds what to do next.
    pub(super) fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// An error in a scenario file or another input file, and further errors in the same file. `Display` writes
/// all messages without colors.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    file: String,
    message: String,
    help: Option<String>,
    /// The place and its line. Boxed, because results with a diagnostic are returned by value.
    span: Option<Box<(TextSpan, String)>>,
    is_warning: bool,
    others: Vec<Self>,
}

/// Longer messages are truncated: they may quote the file.
const MAX_MESSAGE_CHARS: usize = 800;
/// Number of characters after the start of the span up to which the line is shown.
const MAX_TRAILING_CHARS: usize = 200;

impl Diagnostic {
    /// Creates the diagnostic for `text_error` in the file named `file`, whose content is `text`.
    pub(super) fn new(file: &str, text: &str, text_error: TextError) -> Self {
        let TextError { message, help, span } = text_error;
        let span = span.map(|span| {
            let line = text.split('\n').nth(span.line - 1).unwrap_or_default().trim_end_matches('\r');
            // Replaces control characters, which a terminal could execute, one for one to keep the columns.
            let shown = line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c });
            Box::new((span, shown.take(span.column + MAX_TRAILING_CHARS).collect()))
        });
        Self {
            file: printable(file),
            message: printable(&message),
            help: help.as_deref().map(printable),
            span,
            is_warning: false,
            others: Vec::new(),
        }
    }

    /// Joins the errors of one file, in the order of their positions.
    pub(super) fn joined(mut all: Vec<Self>) -> Option<Self> {
        all.sort_by_key(|diagnostic| (diagnostic.file.clone(), diagnostic.position()));
        let mut all = all.into_iter();
        let first = all.next()?;
        Some(Self { others: all.collect(), ..first })
    }

    /// Creates a diagnostic for a file that is not a scenario.
    ///
    /// `span` is a line, a column and a length in characters, the first two from 1; `None` is the whole file.
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

    /// Makes it a warning.
    pub(super) fn into_warning(self) -> Self {
        Self { is_warning: true, ..self }
    }

    /// Returns each error of the file on its own.
    pub fn into_all(self) -> Vec<Self> {
        let others = self.others;
        [vec![Self { others: Vec::new(), ..self }], others].concat()
    }

    /// Returns the first message without the position.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns what to do next, if known.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Returns line and column, both from 1, the column in characters; `None` for the whole file.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.span.as_ref().map(|place| (place.0.line, place.0.column))
    }

    /// Returns the whole message with colors, for a terminal.
    pub fn to_colored(&self) -> String {
        self.render(&Renderer::styled())
    }

    fn render(&self, renderer: &Renderer) -> String {
        let others = self.others.iter().map(|other| format!("\n\n{}", other.render_one(renderer)));
        self.render_one(renderer) + &others.collect::<String>()
    }

    fn render_one(&self, renderer: &Renderer) -> String {
        let level = if self.is_warning { Level::WARNING } else { Level::ERROR };
        let Some((span, line)) = self.span.as_deref() else {
            let title = format!("{}: {}", self.file, self.message);
            let report = level.primary_title(title.as_str());
            let help = self.help.as_deref().map(|help| Element::from(Level::HELP.message(help)));
            return renderer.render(&[report.elements(help)]);
        };
        // The byte offset of character `count`; positions after the end of the line count as its end.
        let bytes = |count: usize| line.char_indices().nth(count).map_or(line.len(), |(index, _)| index);
        let start = bytes(span.column - 1);
        let end = bytes(span.column - 1 + span.length.max(1));
        let snippet = Snippet::source(line.as_str())
            .line_start(span.line)
            .path(self.file.as_str())
            .annotation(AnnotationKind::Primary.span(start..end));
        let help = self.help.as_deref().map(|help| Element::from(Level::HELP.message(help)));
        let report = level.primary_title(self.message.as_str()).element(snippet).elements(help);
        renderer.render(&[report])
    }
}

/// Escapes control characters and truncates long text.
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

/// The lowest Jaro–Winkler similarity for a suggestion; 1 is the same word.
const MIN_SIMILARITY: f64 = 0.8;
/// At most one edit for this many letters turns a word into a suggestion.
const MIN_LETTERS_PER_EDIT: usize = 3;

/// Words of other tools, and those of scenarios.
const OTHER_WORDS: [(&str, &str); 5] = [
    ("duration", "for"),
    ("required", "on"),
    ("disabled", "off"),
    ("srp", "user_srp_auth"),
    ("password", "user_auth_password"),
];

/// Returns the candidate that is most similar to `word`, if one is similar enough.
pub(crate) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // The comparison takes time proportional to the product of both lengths.
    if word.len() > 64 {
        return None;
    }
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let lower = word.to_lowercase();
    let known = OTHER_WORDS.iter().find(|(other, ours)| *other == lower && candidates.contains(ours));
    if let Some((_, ours)) = known {
        return candidates.into_iter().find(|candidate| candidate == ours);
    }
    // Beginnings of a word are more likely to mean it than words with similar letters.
    let longer = candidates
        .iter()
        .filter(|candidate| lower.len() >= 3 && candidate.to_lowercase().starts_with(&lower));
    if let Some(longer) = longer.min_by_key(|candidate| candidate.len()) {
        return Some(longer);
    }
    let is_short = |candidate: &&&str| lower.len() == 3 && candidate.len() == 3;
    if let Some(near) =
        candidates.iter().filter(is_short).find(|near| strsim::osa_distance(&lower, near) == 1)
    {
        return Some(near);
    }
    let similarity = |candidate: &str| strsim::jaro_winkler(&lower, &candidate.to_lowercase());
    // A common beginning alone makes words similar, such as `nope` and `not-suppressed`.
    let near = |candidate: &str| {
        let edits = strsim::osa_distance(&lower, &candidate.to_lowercase());
        edits * MIN_LETTERS_PER_EDIT <= candidate.chars().count().max(lower.chars().count())
    };
    let ranked = candidates.into_iter().map(|candidate| (similarity(candidate), candidate));
    ranked
        .filter(|(similarity, candidate)| *similarity >= MIN_SIMILARITY && near(candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// Formats a suggestion.
pub(super) fn did_you_mean(word: &str) -> String {
    format!("did you mean `{word}`?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text_error = TextError::at(2, 8, 5, "no such color").with_help("did you mean `green`?");
        let text = Diagnostic::new("a.yaml", "first\näöü:   grün!\n", text_error).to_string();
        assert_eq!(
            text,
            "error: no such color\n --> a.yaml:2:8\n  |\n2 | äöü:   grün!\n  |        ^^^^^\n  |\n  \
             = help: did you mean `green`?"
        );
    }

    #[test]
    fn control_characters_are_not_printed() {
        let text_error = TextError::at(1, 1, 1, "unknown key `\u{1b}[2J\n`".repeat(1000));
        let text = Diagnostic::new("a\u{1b}.yaml", "\u{1b}[2J \u{9b}2J", text_error).to_string();
        assert!(!text.contains(['\u{1b}', '\u{9b}']) && text.len() < 2000, "{text}");
    }

    #[test]
    fn positions_outside_of_the_text_do_not_panic() {
        for (line, column) in [(1, 99), (7, 1), (2, 1)] {
            let text = Diagnostic::new("f", "ab\n", TextError::at(line, column, 9, "m")).to_string();
            assert!(text.contains("error: m"), "{text}");
        }
    }

    #[test]
    fn only_similar_words_are_suggested() {
        let words = ["remember", "suppress_mfa", "mfa", "session_validity"];
        assert_eq!(nearest("remeber", words), Some("remember"));
        assert_eq!(nearest("MFA", words), Some("mfa"));
        assert_eq!(nearest("supress-mfa", words), Some("suppress_mfa"));
        assert_eq!(nearest("colour", words), None);
        assert_eq!(nearest("nope", ["not-suppressed", "no-device"]), None);
        assert_eq!(nearest("foo.p99", ["MFA.p99", "lag.p99"]), None);
        assert_eq!(nearest("user_auth", ["user_update", "user_authentication"]), Some("user_authentication"));
        assert_eq!(nearest("MfaConfig", ["LambdaConfig", "MfaConfiguration"]), Some("MfaConfiguration"));
        assert_eq!(nearest("sns", ["none", "phone", "sms", "totp"]), Some("sms"));
        assert_eq!(nearest("duration", ["for", "rate", "to"]), Some("for"));
        assert_eq!(nearest("required", ["off", "optional", "on"]), Some("on"));
        assert_eq!(nearest(&"r".repeat(100_000), words), None);
    }
}
