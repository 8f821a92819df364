//! Scenario files: parses YAML to a [`Scenario`], or returns a [`Diagnostic`] with the position of the error.
//!
//! There are two forms: the raw form (`RawScenario`, the keys of the file) and the validated form
//! ([`Scenario`]). A file passes these steps:
//!
//! 1. `decode_text`: size, UTF-8
//! 2. `scan`: nesting, aliases, tabs, documents
//! 3. `yaml`: duplicate keys, empty values, misplaced lists
//! 4. `raw`: keys, types, limits of single values
//! 5. `validate` and `workloads`: rules between values
//!
//! `to_yaml` converts back to the raw form. The JSON Schema `scenarios/scenario.schema.json` is derived from
//! the raw types.

mod delay;
mod diagnostic;
mod flows;
mod key_paths;
mod quotas;
mod raw;
mod raw_pool;
mod scan;
mod schedule;
mod schema_rules;
mod seek;
mod service;
mod threshold;
mod to_yaml;
mod validate;
mod validated;
mod validation;
mod values;
mod weights;
mod word_or_map;
mod workloads;
mod yaml;

use std::path::Path;
use std::time::Duration;

pub use delay::Delay;
pub use diagnostic::Diagnostic;
pub(crate) use diagnostic::nearest;
use diagnostic::{TextError, TextSpan};
use raw::RawScenario;
use schedule::{RateSchedules, ScheduleError};
pub(crate) use seek::{Seek, Segment};
pub use threshold::{
    Comparison, DecisionStat, LatencyStat, Metric, Selector, SignInStat, Threshold, ThroughputStat, Unit,
};
pub use validated::{
    ArrivalProcess, AuthFlow, Bursts, ClientPlan, ClosedStage, DeviceCount, GroupName, Model, OpenStage,
    Population, Scenario, ScheduleFile, Service, ServiceModel, SignInName, SourceAddress, WorkloadLimits,
    WorkloadPlan,
};
use values::TextValue as _;
pub use weights::Weights;

/// The longest time in a scenario, and the longest run.
const MAX_TIME: Duration = Duration::from_secs(24 * 3600);
/// The largest scenario or schedule file.
const MAX_BYTES: usize = 1 << 20;
/// The paths at which a list is allowed.
const LISTS: [&str; 8] = [
    "workload.stages",
    "workloads",
    "workloads[].stages",
    "thresholds",
    "pool.first_factors",
    "pool.custom_auth",
    "pool.risk.always_block",
    "pool.risk.always_allow",
];

/// Reads the scenario file at `path`.
///
/// # Errors
///
/// Returns a diagnostic if the file cannot be read or is invalid.
pub fn read(path: &Path) -> Result<Scenario, Diagnostic> {
    read_with_text(path).map(|(scenario, _)| scenario)
}

/// Reads the scenario file at `path` and returns its text too, because a pipe can be read only once.
///
/// # Errors
///
/// Returns a diagnostic if the file cannot be read or is invalid.
pub fn read_with_text(path: &Path) -> Result<(Scenario, String), Diagnostic> {
    let name = path.display().to_string();
    let bytes = crate::input::read_bytes(path, MAX_BYTES).map_err(|error| {
        Diagnostic::new(&name, "", TextError::whole_file(format!("cannot read the file: {error}")))
    })?;
    let scenario = parse_with(&name, &bytes, ScheduleFiles::beside(path))?;
    Ok((scenario, String::from_utf8_lossy(&bytes).into_owned()))
}

/// Parses the bytes of the scenario file `file_name`. Paths in the scenario are relative to the working
/// directory.
///
/// # Errors
///
/// Returns the first error and its position.
pub fn parse(file_name: &str, bytes: &[u8]) -> Result<Scenario, Diagnostic> {
    parse_with(file_name, bytes, ScheduleFiles::Directory(Path::new("")))
}

/// Where to find the schedule files that a scenario names.
#[derive(Clone, Copy, Debug)]
pub enum ScheduleFiles<'f> {
    /// In this directory.
    Directory(&'f Path),
    /// Only in this list, as in a report.
    Inline(&'f [ScheduleFile]),
}

impl<'f> ScheduleFiles<'f> {
    /// In the directory of the scenario at `path`.
    pub fn beside(path: &'f Path) -> Self {
        Self::Directory(path.parent().unwrap_or_else(|| Path::new("")))
    }
}

/// Parses the bytes of the scenario file `file_name`; reads its schedules from `files`.
///
/// # Errors
///
/// Returns the first error in the scenario or in one of its schedules, and its position.
pub fn parse_with(file_name: &str, bytes: &[u8], files: ScheduleFiles<'_>) -> Result<Scenario, Diagnostic> {
    let text = decode_text(file_name, bytes, "scenario")?;
    let diagnostic = |text_error| Diagnostic::new(file_name, text, text_error);
    let raw = parse_raw(text).map_err(diagnostic)?;
    let mut schedules = RateSchedules::new();
    for (path, name) in raw.schedules() {
        if schedules.contains_key(name) {
            continue;
        }
        let schedule = schedule::read(files, name).map_err(|schedule_error| match schedule_error {
            ScheduleError::Invalid(diagnostic) => diagnostic,
            ScheduleError::Unreadable(message) => {
                let message = format!("{}: {message}", validation::display_path(&path));
                diagnostic(TextError { message, help: None, span: yaml::locate(text, &path) })
            }
        })?;
        schedules.insert(name.to_owned(), schedule);
    }
    validate(text, raw, &schedules).map_err(diagnostic)
}

/// Returns a warning about the value at `path` in the scenario file `file_name`.
pub(crate) fn warning(file_name: &str, text: &str, path: &[Segment], message: String) -> Diagnostic {
    let span = yaml::locate(text, path);
    Diagnostic::new(file_name, text, TextError { message, help: None, span }).into_warning()
}

/// Returns the JSON Schema (draft 2020-12) of scenario files.
pub fn schema() -> serde_json::Value {
    let without_null = schemars::transform::RecursiveTransform(schema_rules::without_null);
    let settings = schemars::generate::SchemaSettings::default().with_transform(without_null);
    settings.into_generator().into_root_schema_for::<RawScenario>().to_value()
}

/// Parses sign-ins per second as scenarios write them: `120/s`.
///
/// # Errors
///
/// Returns a message if the text is not a rate.
pub fn rate(text: &str) -> Result<f64, String> {
    values::Rate::parse(text).map(|rate| rate.0)
}

/// Parses a time as scenarios write it: `20s`.
///
/// # Errors
///
/// Returns a message if the text is not a time.
pub fn time(text: &str) -> Result<Duration, String> {
    values::Time::parse(text).map(|time| time.0)
}

/// Returns the line, from 1, of the first of these paths that a scenario's text has.
pub(crate) fn line_of(text: &str, paths: &[Vec<Segment>]) -> Option<usize> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    paths.iter().find_map(|path| yaml::line_of(text, path))
}

/// Decodes the text of a file; `what` names its kind in errors.
fn decode_text<'b>(file_name: &str, bytes: &'b [u8], what: &str) -> Result<&'b str, Diagnostic> {
    if bytes.len() > MAX_BYTES {
        let text_error = TextError::whole_file(format!("the {what} is larger than 1 MiB"));
        return Err(Diagnostic::new(file_name, "", text_error));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let offset = error.valid_up_to();
        let good = String::from_utf8_lossy(&bytes[..offset]);
        let line = good.split('\n').count();
        let column = good.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let message = format!("not UTF-8: byte 0x{:02x} at offset {offset}", bytes[offset]);
        Diagnostic::new(file_name, &String::from_utf8_lossy(bytes), TextError::at(line, column, 1, message))
    })?;
    // Some editors write a byte order mark.
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn parse_raw(text: &str) -> Result<RawScenario, TextError> {
    scan::scan(text)?;
    yaml::check_form(text, &LISTS)?;
    yaml::read(text)
}

fn validate(text: &str, raw: RawScenario, schedules: &RateSchedules) -> Result<Scenario, TextError> {
    validate::scenario(raw, leading_comment(text), schedules).map_err(|validation_error| {
        let span = yaml::locate(text, &validation_error.path).map(|span| match &validation_error.part {
            Some(part) => narrow_span(text, span, part),
            None => span,
        });
        TextError { message: validation_error.message, help: validation_error.help, span }
    })
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

/// Returns the comment lines at the top of a file, without the line for editors.
fn leading_comment(text: &str) -> String {
    let comments = text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim);
    let lines: Vec<&str> = comments.filter(|line| !line.starts_with("yaml-language-server:")).collect();
    lines.join("\n").trim().to_owned()
}
