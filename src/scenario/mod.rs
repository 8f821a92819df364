//! Scenario files: YAML as typed becomes a [`Scenario`] as meant, or a [`Diagnostic`] that shows where it goes wrong.
//!
//! The way of a file: bytes → text (size, UTF-8) → `scan` (nesting, aliases, tabs, documents) → `yaml` (keys given
//! twice, lists out of place) → `typed` (keys, types, limits of single values) → `meaning` (rules between values).
//! What a file may say is in the schema, which comes from the same types: `scenarios/scenario.schema.json`.

mod delay;
mod diagnostic;
mod raw;
mod scan;
mod schedule;
mod schema_rules;
mod seek;
mod suggest;
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
use diagnostic::{TextError, TextSpan};
use raw::RawScenario;
use schedule::{RateSchedules, ScheduleError};
pub(crate) use seek::{Seek, Segment};
pub use threshold::{
    Comparison, DecisionStat, LatencyStat, Metric, Selector, SignInStat, Threshold, ThroughputStat, Unit,
};
pub use validated::{
    ArrivalProcess, Bursts, ClientPlan, ClosedStage, DeviceCount, GroupName, Model, OpenStage, Population,
    Scenario, ScheduleFile, Service, ServiceModel, SourceAddress, WorkloadLimits, WorkloadPlan,
};
use values::Text as _;
pub use weights::Weights;

/// Longer times than this are slips of the pen.
const MAX_TIME: Duration = Duration::from_secs(24 * 3600);
/// Larger files than this are not scenarios.
const MAX_BYTES: usize = 1 << 20;
/// The paths at which a list belongs.
const LISTS: [&str; 6] = [
    "workload.stages",
    "workloads",
    "workloads[].stages",
    "thresholds",
    "pool.risk.always_block",
    "pool.risk.always_allow",
];

/// Reads the scenario file at `path`.
///
/// # Errors
///
/// What is wrong with the file or with reading it.
pub fn read(path: &Path) -> Result<Scenario, Diagnostic> {
    read_with_text(path).map(|(scenario, _)| scenario)
}

/// Reads the scenario file at `path`, and its text: of what may be a pipe both can be had only at once.
///
/// # Errors
///
/// What is wrong with the file or with reading it.
pub fn read_with_text(path: &Path) -> Result<(Scenario, String), Diagnostic> {
    let name = path.display().to_string();
    let bytes = crate::input::read_bytes(path, MAX_BYTES).map_err(|error| {
        Diagnostic::new(&name, "", TextError::whole_file(format!("cannot be read: {error}")))
    })?;
    let scenario = parse_with(&name, &bytes, ScheduleFiles::beside(path))?;
    Ok((scenario, String::from_utf8_lossy(&bytes).into_owned()))
}

/// Reads a scenario from the bytes of the file called `file_name`. Files that it names are looked for in the working
/// directory.
///
/// # Errors
///
/// The first thing that is wrong, with its place.
pub fn parse(file_name: &str, bytes: &[u8]) -> Result<Scenario, Diagnostic> {
    parse_with(file_name, bytes, ScheduleFiles::Directory(Path::new("")))
}

/// Where the files are that a scenario names.
#[derive(Clone, Copy, Debug)]
pub enum ScheduleFiles<'f> {
    /// In this folder.
    Directory(&'f Path),
    /// Nowhere but here, as in a report.
    Inline(&'f [ScheduleFile]),
}

impl<'f> ScheduleFiles<'f> {
    /// In the folder of the scenario at `path`.
    pub fn beside(path: &'f Path) -> Self {
        Self::Directory(path.parent().unwrap_or_else(|| Path::new("")))
    }
}

/// Reads a scenario from the bytes of the file called `file_name`, and what it names from `files`.
///
/// # Errors
///
/// The first thing that is wrong, with its place, be it in the scenario or in a file that it names.
pub fn parse_with(file_name: &str, bytes: &[u8], files: ScheduleFiles<'_>) -> Result<Scenario, Diagnostic> {
    let text = text(file_name, bytes, "scenario")?;
    let told = |text_error| Diagnostic::new(file_name, text, text_error);
    let file = typed(text).map_err(told)?;
    let mut schedules = RateSchedules::new();
    for (path, name) in file.schedules() {
        if schedules.contains_key(name) {
            continue;
        }
        let schedule = schedule::read(files, name).map_err(|schedule_error| match schedule_error {
            ScheduleError::Invalid(diagnostic) => diagnostic,
            ScheduleError::Unreadable(message) => {
                let message = format!("{}: {message}", validation::display_path(&path));
                told(TextError { message, help: None, span: yaml::locate(text, &path) })
            }
        })?;
        schedules.insert(name.to_owned(), schedule);
    }
    validate(text, file, &schedules).map_err(told)
}

/// The JSON Schema (draft 2020-12) of scenario files.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(RawScenario).to_value()
}

/// Sign-ins a second, as scenarios have them: `120/s`.
///
/// # Errors
///
/// Why the text is no rate.
pub fn rate(text: &str) -> Result<f64, String> {
    values::Rate::read(text).map(|rate| rate.0)
}

/// A time, as scenarios have it: `20s`.
///
/// # Errors
///
/// Why the text is no time.
pub fn time(text: &str) -> Result<Duration, String> {
    values::Time::read(text).map(|time| time.0)
}

/// The text of a file that is to be a `what`.
fn text<'b>(file_name: &str, bytes: &'b [u8], what: &str) -> Result<&'b str, Diagnostic> {
    if bytes.len() > MAX_BYTES {
        let text_error = TextError::whole_file(format!("larger than 1 MiB; that is no {what}"));
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
    // Some editors mark UTF-8 with three bytes at the start.
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn typed(text: &str) -> Result<RawScenario, TextError> {
    scan::scan(text)?;
    yaml::check_form(text, &LISTS)?;
    yaml::read(text)
}

fn validate(text: &str, file: RawScenario, schedules: &RateSchedules) -> Result<Scenario, TextError> {
    validate::scenario(file, about(text), schedules).map_err(|validation_error| {
        let span = yaml::locate(text, &validation_error.path).map(|span| match &validation_error.part {
            Some(part) => narrow_span(text, span, part),
            None => span,
        });
        TextError { message: validation_error.message, help: validation_error.help, span }
    })
}

/// The part of a place where `part` stands; the whole place when it is typed with escapes and so not to be found.
fn narrow_span(text: &str, span: TextSpan, part: &str) -> TextSpan {
    let line = text.split('\n').nth(span.line - 1).unwrap_or_default();
    let quoted = line.chars().nth(span.column - 1).is_some_and(|c| matches!(c, '"' | '\''));
    // Without quotes a bracket ends what is marked, and not always the value.
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

/// The comment lines at the top of a file, but for one that is meant for editors.
fn about(text: &str) -> String {
    let comments = text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim);
    let lines: Vec<&str> = comments.filter(|line| !line.starts_with("yaml-language-server:")).collect();
    lines.join("\n").trim().to_owned()
}
