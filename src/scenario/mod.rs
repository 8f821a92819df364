//! Scenario files: parses YAML to a [`Scenario`], or returns a [`Diagnostic`] with the positions of all
//! errors.
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
//! After a mistake, `mistakes` removes it and repeats the steps, to find the others. `overrides` are keys
//! that the command line sets.
//!
//! `to_yaml` converts back to the raw form. The JSON Schema `scenarios/scenario.schema.json` is derived from
//! the raw types.

mod delay;
mod diagnostic;
mod flows;
mod hints;
mod key_paths;
mod mistakes;
mod numbers;
mod overrides;
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
mod tree;
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

use crate::clock::ClockKind;
pub use delay::Delay;
pub use diagnostic::Diagnostic;
use diagnostic::TextError;
pub(crate) use diagnostic::nearest;
use mistakes::{Mistake, Source};
pub use overrides::Override;
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
use validation::ValidationError;
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

/// Reads the scenario file at `path`; `-` is standard input.
///
/// # Errors
///
/// Returns a diagnostic if the file cannot be read or is invalid.
pub fn read(path: &Path) -> Result<Scenario, Diagnostic> {
    read_with(path, &[], None).map(|(scenario, _)| scenario)
}

/// Reads the scenario file at `path` with these overrides, and returns its text with them too, because a pipe
/// can be read only once. `clock` replaces the scenario's clock, but not that in the text.
///
/// # Errors
///
/// Returns a diagnostic if the file cannot be read, or if it or an override is invalid.
pub fn read_with(
    path: &Path,
    overrides: &[Override],
    clock: Option<ClockKind>,
) -> Result<(Scenario, String), Diagnostic> {
    let name = crate::input::name(path);
    let bytes = crate::input::read_bytes(path, MAX_BYTES).map_err(|error| {
        let help = similar_file(path).map(|similar| diagnostic::did_you_mean(&similar));
        let text_error =
            TextError { help, ..TextError::whole_file(format!("cannot read the file: {error}")) };
        Diagnostic::new(&name, "", text_error)
    })?;
    parse_overridden(&name, &bytes, ScheduleFiles::beside(path), (overrides, clock))
}

/// Returns the file with the other ending of YAML files, if it exists.
fn similar_file(path: &Path) -> Option<String> {
    let similar = match path.extension()?.to_str()? {
        "yml" => path.with_extension("yaml"),
        "yaml" => path.with_extension("yml"),
        _ => return None,
    };
    similar.is_file().then(|| similar.display().to_string())
}

/// Parses the bytes of the scenario file `file_name`. Paths in the scenario are relative to the working
/// directory.
///
/// # Errors
///
/// Returns all errors and their positions.
pub fn parse(file_name: &str, bytes: &[u8]) -> Result<Scenario, Diagnostic> {
    parse_with(file_name, bytes, ScheduleFiles::Directory(Path::new("")))
}

/// The place of the schedule files that a scenario names.
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
/// Returns all errors in the scenario and its schedules, and their positions.
pub fn parse_with(file_name: &str, bytes: &[u8], files: ScheduleFiles<'_>) -> Result<Scenario, Diagnostic> {
    parse_overridden(file_name, bytes, files, (&[], None)).map(|(scenario, _)| scenario)
}

/// Parses the bytes of the scenario file `file_name` with these overrides, and returns its text with them.
/// Paths in the scenario are relative to the working directory.
///
/// # Errors
///
/// Returns all errors in the scenario and the overrides, and their positions.
pub fn parse_overridden_text(
    file_name: &str,
    bytes: &[u8],
    overrides: &[Override],
) -> Result<(Scenario, String), Diagnostic> {
    parse_overridden(file_name, bytes, ScheduleFiles::Directory(Path::new("")), (overrides, None))
}

fn parse_overridden(
    file: &str,
    bytes: &[u8],
    files: ScheduleFiles<'_>,
    (overrides, clock): (&[Override], Option<ClockKind>),
) -> Result<(Scenario, String), Diagnostic> {
    let text = decode_text(file, bytes, "scenario")?;
    if let Some(diagnostic) = hints::other_kind(file, text) {
        return Err(diagnostic);
    }
    let source = Source { file, text, overrides };
    scan::scan(text).map_err(|error| source.syntax(error))?;
    let about = leading_comment(text);
    let overridden = match overrides {
        [] => text.to_owned(),
        _ => {
            let comment = |line: &str| format!("# {line}").trim_end().to_owned() + "\n";
            about.lines().map(comment).collect::<String>() + &source.tree()?.to_text()
        }
    };
    match attempt(&overridden, &about, files, clock) {
        Ok(scenario) => Ok((scenario, overridden)),
        Err(first) => Err(source.mistakes(first, |text| attempt(text, &about, files, clock).map(drop))),
    }
}

/// Reads a text that [`scan`] has accepted, up to the first mistake.
fn attempt(
    text: &str,
    about: &str,
    files: ScheduleFiles<'_>,
    clock: Option<ClockKind>,
) -> Result<Scenario, Mistake> {
    yaml::check_form(text, &LISTS)?;
    let mut raw: RawScenario = yaml::read(text)?;
    raw.clock = clock.unwrap_or(raw.clock);
    let mut schedules = RateSchedules::new();
    for (path, name) in raw.schedules() {
        if schedules.contains_key(name) {
            continue;
        }
        let schedule = schedule::read(files, name).map_err(|schedule_error| match schedule_error {
            ScheduleError::Invalid(diagnostic) => Mistake::InSchedule(path, Box::new(diagnostic)),
            ScheduleError::Unreadable(message) => ValidationError::at(path, &message).into(),
        })?;
        schedules.insert(name.to_owned(), schedule);
    }
    Ok(validate::scenario(raw, about.to_owned(), &schedules)?)
}

/// Returns a warning about the value at `path` in the scenario file `file_name`, without a position if `text`
/// is empty.
pub(crate) fn warning(file_name: &str, text: &str, path: &[Segment], message: String) -> Diagnostic {
    let span = if text.is_empty() { None } else { yaml::locate(text, path) };
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

/// Returns the comment lines at the top of a file, without the line for editors.
fn leading_comment(text: &str) -> String {
    let comments = text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim);
    let lines: Vec<&str> = comments.filter(|line| !line.starts_with("yaml-language-server:")).collect();
    lines.join("\n").trim().to_owned()
}
