//! Finds all mistakes of a scenario: each is reported, removed from the tree, and the rest is read again.
//!
//! A removal can cause errors that the file does not have. Such errors are not reported: those at, above or
//! below a reported place, missing keys beside it, and rules between several keys of which one is wrong.

use super::diagnostic::{Diagnostic, TextError, TextSpan};
use super::overrides::Override;
use super::raw::RawScenario;
use super::tree::Tree;
use super::validation::{ValidationError, display_path, join};
use super::yaml::{self, ErrorAt};
use super::{Segment, hints};

/// Most mistakes that are reported.
const MAX_REPORTED: usize = 20;
/// Most mistakes that are removed, reported or not.
const MAX_REMOVED: usize = 100;
/// The longest text that is read again after a mistake. Of a longer one only the first mistake is reported.
const MAX_BYTES: usize = 64 << 10;

/// A mistake in the text of a scenario.
pub(super) enum Mistake {
    /// A mistake of the scenario itself.
    Here(Box<MistakeHere>),
    /// A mistake in the schedule that the key at this path names.
    InSchedule(Vec<Segment>, Box<Diagnostic>),
}

/// A mistake and the path of its value.
pub(super) struct MistakeHere {
    path: Vec<Segment>,
    kind: MistakeKind,
    /// The wrong part of the value's text.
    part: Option<String>,
    /// Other keys that the broken rule is about, without the indexes of lists.
    involves: &'static [&'static str],
    error: TextError,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MistakeKind {
    UnknownKey,
    MissingKey,
    DuplicateKey,
    Value,
}

impl From<ErrorAt> for Mistake {
    fn from((path, error): ErrorAt) -> Self {
        Self::Here(Box::new(MistakeHere::new(path, error)))
    }
}

impl From<ValidationError> for Mistake {
    fn from(error: ValidationError) -> Self {
        let ValidationError { path, part, message, help, involves } = error;
        let mistake = MistakeHere::new(path, TextError { message, help, span: None });
        Self::Here(Box::new(MistakeHere { part, involves, ..mistake }))
    }
}

impl MistakeHere {
    fn new(path: Vec<Segment>, error: TextError) -> Self {
        let named = |start: &str| {
            let (before, rest) = error.message.split_once(start)?;
            let is_start = before.is_empty() || before.ends_with(": ");
            is_start.then(|| rest.split('`').next().unwrap_or_default().to_owned())
        };
        let kinds = [
            (MistakeKind::UnknownKey, "unknown key `"),
            (MistakeKind::MissingKey, "missing key `"),
            (MistakeKind::DuplicateKey, "duplicate key `"),
        ];
        let found = kinds.into_iter().find_map(|(kind, start)| Some((kind, Segment::Key(named(start)?))));
        let (kind, path) = match found {
            Some((kind, key)) if path.last() != Some(&key) => (kind, [path, vec![key]].concat()),
            Some((kind, _)) => (kind, path),
            None => (MistakeKind::Value, path),
        };
        Self { path, kind, part: None, involves: &[], error }
    }

    /// Whether the broken rule is about a key at, above or below a path of keys.
    fn involves(&self, path: &[String]) -> bool {
        self.involves.iter().any(|key| {
            let mut both = key.split('.').zip(path);
            both.all(|(one, other)| one == other)
        })
    }
}

/// Returns a path without the indexes of lists.
fn keys(path: &[Segment]) -> Vec<String> {
    let key = |segment: &Segment| match segment {
        Segment::Key(key) => Some(key.clone()),
        Segment::Index(_) => None,
    };
    path.iter().filter_map(key).collect()
}

/// The file, the text and the overrides of a scenario.
pub(super) struct Source<'s> {
    pub(super) file: &'s str,
    pub(super) text: &'s str,
    pub(super) overrides: &'s [Override],
}

impl Source<'_> {
    /// Returns the text with the overrides.
    pub(super) fn tree(&self) -> Result<Tree, Diagnostic> {
        let mut tree = Tree::parse(self.text).map_err(|error| self.syntax(error))?;
        for one in self.overrides {
            tree.set(&one.path, one.value.clone()).map_err(|message| one.diagnostic(message, None))?;
        }
        Ok(tree)
    }

    /// Returns the diagnostic of an error after which nothing else can be read.
    pub(super) fn syntax(&self, error: TextError) -> Diagnostic {
        let help = hints::syntax(self.text, error.span).or(error.help);
        Diagnostic::new(self.file, self.text, TextError { help, ..error })
    }

    /// Returns all mistakes. `first` was found in the text with overrides, `attempt` reads a text again.
    pub(super) fn mistakes(
        &self,
        first: Mistake,
        mut attempt: impl FnMut(&str) -> Result<(), Mistake>,
    ) -> Diagnostic {
        let mut tree = match self.tree() {
            Ok(tree) => tree,
            Err(diagnostic) => return diagnostic,
        };
        let mut report = MistakeReport {
            source: self,
            found: Vec::new(),
            places: Vec::new(),
            wrong: Vec::new(),
            missing: Vec::new(),
        };
        let mut mistake = first;
        for number in 0..MAX_REMOVED {
            let (path, kind) = report.add(mistake, &tree, number == 0 && self.overrides.is_empty());
            if self.text.len() > MAX_BYTES
                || report.found.len() >= MAX_REPORTED
                || !without(&mut tree, &path, kind)
            {
                break;
            }
            match attempt(&tree.to_text()) {
                Ok(()) => break,
                Err(next) => mistake = next,
            }
        }
        report.joined()
    }
}

/// The mistakes that were found so far.
struct MistakeReport<'s> {
    source: &'s Source<'s>,
    found: Vec<Diagnostic>,
    /// The paths of all mistakes in the file, including those that are not reported.
    places: Vec<Vec<Segment>>,
    /// The same without the indexes of lists, and for an unknown key the map that it is in: another key of it
    /// may be meant.
    wrong: Vec<Vec<String>>,
    /// Paths of missing keys, which one message names.
    missing: Vec<Vec<Segment>>,
}

impl MistakeReport<'_> {
    /// Adds a mistake, unless it follows from another one. Returns its path in the file.
    fn add(&mut self, mistake: Mistake, tree: &Tree, is_original: bool) -> (Vec<Segment>, MistakeKind) {
        let mut mistake = match mistake {
            Mistake::InSchedule(path, diagnostic) => {
                let path = tree.path_in_file(&path);
                self.found.push(*diagnostic);
                self.add_place(&path, MistakeKind::Value);
                return (path, MistakeKind::Value);
            }
            Mistake::Here(mistake) => mistake,
        };
        let (path, kind) = (tree.path_in_file(&mistake.path), mistake.kind);
        mistake.error.message = renumbered(mistake.error.message, &mistake.path, &path);
        if !self.follows_from_others(&mistake, &path) {
            match kind {
                MistakeKind::MissingKey if self.source.overrides.iter().all(|one| !one.covers(&path)) => {
                    self.missing.push(path.clone());
                }
                _ => self.found.push(self.diagnostic(*mistake, &path, is_original)),
            }
        }
        self.add_place(&path, kind);
        (path, kind)
    }

    fn add_place(&mut self, path: &[Segment], kind: MistakeKind) {
        let inner = usize::from(kind == MistakeKind::UnknownKey);
        self.wrong.push(keys(&path[..path.len().saturating_sub(inner)]));
        self.places.push(path.to_vec());
    }

    fn follows_from_others(&self, mistake: &MistakeHere, path: &[Segment]) -> bool {
        let parent = |path: &[Segment]| path.split_last().map_or(0, |(_, parents)| parents.len());
        let misses = mistake.kind == MistakeKind::MissingKey;
        let follows_from = |place: &Vec<Segment>| {
            let beside = misses
                && !self.missing.contains(place)
                && parent(place) > 0
                && place[..parent(place)] == path[..parent(path)];
            // A wrong list `workloads` is no reason to add `workload`.
            let instead = misses && path == [Segment::from("workload")] && place[..] == ["workloads".into()];
            place.starts_with(path) || path.starts_with(place) || beside || instead
        };
        self.wrong.iter().any(|wrong| mistake.involves(wrong)) || self.places.iter().any(follows_from)
    }

    fn diagnostic(&self, mistake: MistakeHere, path: &[Segment], is_original: bool) -> Diagnostic {
        let Source { file, text, overrides } = *self.source;
        let covers = |one: &&Override| one.covers(path) || mistake.involves(&keys(&one.path));
        let origin = overrides.iter().rev().find(covers);
        let MistakeHere { kind, part, mut error, .. } = mistake;
        if error.message.ends_with(hints::LIST_REFUSED)
            && let Some(expected) = self.expected(path)
        {
            error.message =
                error.message.replace(hints::LIST_REFUSED, &format!("invalid type: list, {expected}"));
        }
        let help = hints::value(path, &error.message).or(error.help);
        if let Some(one) = origin {
            return one.diagnostic(error.message, help);
        }
        let span = match (error.span, kind) {
            // An error in the file itself is at its own place.
            (Some(span), _) if is_original => Some(span),
            (_, MistakeKind::UnknownKey) => yaml::locate_key(text, path).or_else(|| yaml::locate(text, path)),
            _ => yaml::locate(text, path),
        };
        let span = span.map(|span| match &part {
            Some(part) => narrow_span(text, span, part),
            None => span,
        });
        Diagnostic::new(file, text, TextError { message: error.message, help, span })
    }

    /// Returns what is expected in place of a list, as the message about another wrong value says.
    fn expected(&self, path: &[Segment]) -> Option<String> {
        let mut tree = self.source.tree().ok()?;
        tree.set(path, Tree::Leaf(true.into())).ok()?;
        let (found, error) = yaml::read::<RawScenario>(&tree.to_text()).err()?;
        let (_, expected) = error.message.split_once("`true` is not ")?;
        (found == path).then(|| format!("expected {expected}"))
    }

    /// Returns all diagnostics as one.
    fn joined(mut self) -> Diagnostic {
        while let Some(first) = self.missing.first() {
            let parent = first[..first.len() - 1].to_vec();
            let (here, others) = self.missing.into_iter().partition(|path| path[..path.len() - 1] == parent);
            self.missing = others;
            self.found.push(missing_keys(self.source, &parent, &here));
        }
        let limit = Diagnostic::new(self.source.file, "", TextError::whole_file("not a scenario"));
        Diagnostic::joined(self.found).unwrap_or(limit)
    }
}

/// Replaces the path at the start of a message, or a part of it, by the path in the file.
fn renumbered(message: String, path: &[Segment], in_file: &[Segment]) -> String {
    let renumbered = |length: usize| {
        let rest = message.strip_prefix(&display_path(path.get(..length)?))?;
        rest.starts_with(": ").then(|| Some(display_path(in_file.get(..length)?) + rest))?
    };
    (1..=path.len()).rev().find_map(renumbered).unwrap_or(message)
}

/// Returns one diagnostic for the keys that are missing in one map.
fn missing_keys(source: &Source<'_>, parent: &[Segment], paths: &[Vec<Segment>]) -> Diagnostic {
    let keys: Vec<&str> = paths
        .iter()
        .filter_map(|path| match path.last() {
            Some(Segment::Key(key)) => Some(key.as_str()),
            _ => None,
        })
        .collect();
    let place = if parent.is_empty() { String::new() } else { format!("{}: ", display_path(parent)) };
    let plural = if keys.len() > 1 { "keys" } else { "key" };
    let message = format!("{place}missing {plural} `{}`", keys.join("`, `"));
    let examples: Vec<String> = keys.iter().map(|key| format!("`{}`", hints::example(key))).collect();
    let help = Some(format!("add {}", examples.join(", ")));
    let span = yaml::locate(source.text, parent);
    Diagnostic::new(source.file, source.text, TextError { message, help, span })
}

/// Takes a mistake out of the tree: removes the key or the value, or adds the missing key. Returns whether
/// the tree can be read again.
fn without(tree: &mut Tree, path: &[Segment], kind: MistakeKind) -> bool {
    match (kind, path.split_last()) {
        (MistakeKind::MissingKey, Some((Segment::Key(key), parent))) => {
            let closed = Tree::Leaf("closed".into());
            let is_closed = tree.get(&join(parent, &["model"])) == Some(&closed);
            let value = hints::filler(key, parent, is_closed).and_then(|text| Tree::parse(&text).ok());
            value.is_some_and(|value| tree.set(path, value).is_ok())
        }
        // The tree has the first of duplicate keys only.
        (MistakeKind::DuplicateKey, _) => true,
        _ => tree.remove(path) || path.split_last().is_some_and(|(_, parent)| tree.remove(parent)),
    }
}

/// Narrows a span to `part`. Returns the whole span if `part` is written with escapes and cannot be found.
fn narrow_span(text: &str, span: TextSpan, part: &str) -> TextSpan {
    let line = text.split('\n').nth(span.line - 1).unwrap_or_default();
    let quoted = line.chars().nth(span.column - 1).is_some_and(|c| matches!(c, '"' | '\''));
    // Without quotes a bracket ends the span, but not always the value.
    let length = if quoted { span.length } else { usize::MAX };
    let marked: String = line.chars().skip(span.column - 1).take(length).collect();
    match marked.find(part) {
        Some(bytes) if !part.is_empty() => TextSpan {
            column: span.column + marked[..bytes].chars().count(),
            length: part.chars().count(),
            ..span
        },
        _ => span,
    }
}
