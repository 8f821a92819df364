//! Validation errors with the path of the value at fault, and checks that several modules share.

use super::Segment;
use super::delay::Delay;
use super::weights::Weights;
use super::word_or_map::WordOrMap;

/// A broken rule, and the value that breaks it.
pub(super) struct ValidationError {
    pub(super) path: Vec<Segment>,
    /// The wrong part of the value's text; `None` if the whole value is wrong.
    pub(super) part: Option<String>,
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// Other keys that the rule is about, without the indexes of lists. It may be broken only because one of
    /// them is wrong.
    pub(super) involves: &'static [&'static str],
}

pub(super) type ValidationResult<T> = Result<T, ValidationError>;

impl ValidationError {
    /// An error at `path`; the message starts with the path.
    pub(super) fn at(path: Vec<Segment>, message: &str) -> Self {
        let message = match path[..] {
            [] => message.to_owned(),
            _ => format!("{}: {message}", display_path(&path)),
        };
        Self { path, part: None, message, help: None, involves: &[] }
    }
}

/// Returns `path` followed by `more`.
pub(super) fn join(path: &[Segment], more: &[&str]) -> Vec<Segment> {
    path.iter().cloned().chain(more.iter().map(|key| Segment::from(*key))).collect()
}

/// Returns an error at a path of keys about a rule between it and the keys that it `involves`.
pub(super) fn conflict<T>(
    path: &[&str],
    involves: &'static [&'static str],
    message: &str,
) -> ValidationResult<T> {
    Err(ValidationError { involves, ..ValidationError::at(join(&[], path), message) })
}

/// Returns an error at a path of keys.
pub(super) fn error<T>(path: &[&str], message: &str) -> ValidationResult<T> {
    Err(ValidationError::at(join(&[], path), message))
}

/// Formats a path as messages show it: `workloads[1].stages[0].for`.
pub(super) fn display_path(path: &[Segment]) -> String {
    path.iter().fold(String::new(), |text, segment| match segment {
        Segment::Key(key) if text.is_empty() => key.clone(),
        Segment::Key(key) => format!("{text}.{key}"),
        Segment::Index(index) => format!("{text}[{index}]"),
    })
}

/// Returns the weights at `path`, or an error if all are zero.
pub(super) fn weights<T>(path: Vec<Segment>, weights: Option<Weights<T>>) -> ValidationResult<Weights<T>> {
    weights.ok_or_else(|| ValidationError::at(path, "all weights are zero: give at least one a larger value"))
}

/// Checks the distribution at `path`.
pub(super) fn delay(path: &[Segment], WordOrMap(delay): WordOrMap<Delay>) -> ValidationResult<Delay> {
    let (more, message) = match delay {
        Delay::Uniform { min, max } if max < min => (["uniform", "max"], "`max` is shorter than `min`"),
        Delay::Exponential { mean } if mean.is_zero() => (["exponential", "mean"], "the mean is zero"),
        Delay::LogNormal { median, .. } if median.is_zero() => {
            (["log_normal", "median"], "the median is zero")
        }
        delay => return Ok(delay),
    };
    Err(ValidationError::at(join(path, &more), message))
}
