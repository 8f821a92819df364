//! How a broken rule is told, and the rules that hold in several places of a file.

use super::Segment;
use super::delay::Delay;
use super::raw::Weight;
use super::weights::Weights;
use super::word_or_map::WordOrMap;

/// A rule that is broken, and by which value.
pub(super) struct ValidationError {
    pub(super) path: Vec<Segment>,
    /// The part of the value's text that is wrong, when it is not all of it.
    pub(super) part: Option<String>,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

pub(super) type ValidationResult<T> = Result<T, ValidationError>;

/// The keys of a path.
pub(super) fn key_path(path: &[&str]) -> Vec<Segment> {
    path.iter().map(|key| Segment::Key((*key).to_owned())).collect()
}

pub(super) fn validation_error<T>(path: &[&str], message: impl Into<String>) -> ValidationResult<T> {
    Err(ValidationError { path: key_path(path), part: None, message: message.into(), help: None })
}

/// The weights at `path`.
pub(super) fn weights<T: Copy>(
    path: &[Segment],
    entries: impl IntoIterator<Item = (T, Weight)>,
) -> ValidationResult<Weights<T>> {
    let entries = entries.into_iter().map(|(value, weight)| (value, weight.0));
    Weights::new(entries).ok_or_else(|| ValidationError {
        path: path.to_vec(),
        part: None,
        message: format!("{}: all weights are zero; at least one must be more", display_path(path)),
        help: None,
    })
}

/// A path as messages show it: `workloads[1].stages[0].for`.
pub(super) fn display_path(path: &[Segment]) -> String {
    path.iter().fold(String::new(), |text, segment| match segment {
        Segment::Key(key) if text.is_empty() => key.clone(),
        Segment::Key(key) => format!("{text}.{key}"),
        Segment::Index(index) => format!("{text}[{index}]"),
    })
}

/// The time at `path`, which has a length where it must.
pub(super) fn delay(path: &[Segment], WordOrMap(delay): WordOrMap<Delay>) -> ValidationResult<Delay> {
    let at = |more: [&str; 2], message: &str| {
        let path = [path, &key_path(&more)].concat();
        let message = format!("{}: {message}", display_path(&path));
        Err(ValidationError { path, part: None, message, help: None })
    };
    match delay {
        Delay::Uniform { min, max } if max < min => {
            at(["uniform", "max"], "the longest is shorter than the shortest")
        }
        Delay::Exponential { mean } if mean.is_zero() => {
            at(["exponential", "mean"], "the mean is more than no time")
        }
        Delay::LogNormal { median, .. } if median.is_zero() => {
            at(["log_normal", "median"], "the median is more than no time")
        }
        delay => Ok(delay),
    }
}
