//! Schedule files, which have the rate over time: a line `at,rate`, then lines such as `30s,200/s`.
//!
//! The rate changes linearly from line to line; the same time twice is a jump. Empty lines and comments (`#`)
//! are ignored.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::diagnostic::{Diagnostic, TextError};
use super::validated::{OpenStage, ScheduleFile};
use super::values::{LoadRate, TextValue as _, Time};
use super::{MAX_BYTES, ScheduleFiles};

/// The first line.
const HEADER: &str = "at,rate";
/// The highest number of lines.
const MAX_LINES: usize = 10_000;

/// The schedules of a scenario by their paths as given.
pub(super) type RateSchedules = BTreeMap<String, RateSchedule>;

/// A parsed schedule.
pub(super) struct RateSchedule {
    /// Times in ascending order, and the rates at them.
    points: Vec<(Duration, f64)>,
    /// The file.
    pub(super) source: ScheduleFile,
}

/// An error in reading a schedule.
pub(super) enum ScheduleError {
    /// The file cannot be read; the error belongs to the key that names it.
    Unreadable(String),
    /// A line of the file is invalid.
    Invalid(Diagnostic),
}

/// Reads the schedule at the path `name` of a scenario.
pub(super) fn read(files: ScheduleFiles<'_>, name: &str) -> Result<RateSchedule, ScheduleError> {
    match files {
        ScheduleFiles::Directory(folder) => {
            let path = folder.join(name);
            parse(&path.display().to_string(), name, &bytes(&path)?)
        }
        ScheduleFiles::Inline(all) => match all.iter().find(|file| file.path == name) {
            Some(file) => parse(name, name, file.text.as_bytes()),
            None => Err(ScheduleError::Unreadable(format!("the report does not contain the file {name}"))),
        },
    }
}

/// Reads a regular file, up to one byte more than the limit.
fn bytes(path: &Path) -> Result<Vec<u8>, ScheduleError> {
    let unreadable = |error: std::io::Error| {
        ScheduleError::Unreadable(match error.kind() {
            std::io::ErrorKind::NotFound => format!("the file {} does not exist", path.display()),
            _ => format!("cannot read {}: {error}", path.display()),
        })
    };
    // Reading a pipe or a device may block or never end.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(ScheduleError::Unreadable(format!("{} is not a regular file", path.display())));
    }
    crate::input::read_bytes(path, MAX_BYTES).map_err(unreadable)
}

fn parse(file: &str, name: &str, bytes: &[u8]) -> Result<RateSchedule, ScheduleError> {
    let text = super::decode_text(file, bytes, "schedule").map_err(ScheduleError::Invalid)?;
    let points =
        points(text).map_err(|text_error| ScheduleError::Invalid(Diagnostic::new(file, text, text_error)))?;
    Ok(RateSchedule { points, source: ScheduleFile { path: name.to_owned(), text: text.to_owned() } })
}

fn points(text: &str) -> Result<Vec<(Duration, f64)>, TextError> {
    let mut points: Vec<(Duration, f64)> = Vec::new();
    let mut header = false;
    let mut last = 1;
    for (number, line) in text.split('\n').enumerate().map(|(index, line)| (index + 1, line.trim_end())) {
        if line.trim_start().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        last = number;
        if number > MAX_LINES {
            let message = format!("a schedule has at most {MAX_LINES} lines");
            return Err(TextError::at(number, 1, 1, message));
        }
        if !std::mem::replace(&mut header, true) {
            if columns(line).map(|[at, rate]| (at.1, rate.1)) != Some(("at", "rate")) {
                let length = line.chars().count();
                let text_error =
                    TextError::at(number, 1, length, format!("a schedule starts with the line `{HEADER}`"));
                return Err(text_error.with_help("lines such as `30s,200/s` follow it"));
            }
            continue;
        }
        points.push(point(number, line, points.last().map(|(at, _)| *at))?);
    }
    match points[..] {
        [(first, _), .., (end, _)] if end > first && points.iter().all(|(_, rate)| *rate == 0.0) => {
            Err(TextError::at(last, 1, 1, "every rate of the schedule is zero: give a higher one"))
        }
        [(first, _), .., (end, _)] if end > first => Ok(points),
        _ => Err(TextError::at(last, 1, 1, "a schedule needs at least two lines with different times")
            .with_help(format!("for example the lines `{HEADER}`, `0s,20/s`, `30s,200/s`"))),
    }
}

/// Splits a line into its two columns, each with the position of its first character from 1.
fn columns(line: &str) -> Option<[(usize, &str); 2]> {
    let (at, rate) = line.split_once(',').filter(|(_, rate)| !rate.contains(','))?;
    let column = |before: &str, text: &'_ str| {
        before.chars().count() + text.chars().take_while(|c| c.is_whitespace()).count() + 1
    };
    let before = &line[..=at.len()];
    Some([(column("", at), at.trim()), (column(before, rate), rate.trim())])
}

fn point(number: usize, line: &str, before: Option<Duration>) -> Result<(Duration, f64), TextError> {
    let Some([(at_column, at), (rate_column, rate)]) = columns(line) else {
        let message = "a line needs two columns, a time and a rate, such as `30s,200/s`";
        return Err(TextError::at(number, 1, line.chars().count(), message));
    };
    let wrong =
        |column, text: &str, message: String| TextError::at(number, column, text.chars().count(), message);
    let Time(moment) = Time::parse(at).map_err(|message| wrong(at_column, at, message))?;
    let LoadRate(rate) = LoadRate::parse(rate).map_err(|message| wrong(rate_column, rate, message))?;
    match before {
        None if !moment.is_zero() => {
            Err(wrong(at_column, at, format!("a schedule starts at `0s`, not at `{at}`")))
        }
        Some(before) if moment < before => Err(wrong(
            at_column,
            at,
            format!("`{at}` is before the time of the previous line, `{}`", Time(before)),
        )),
        _ => Ok((moment, rate)),
    }
}

impl RateSchedule {
    /// Returns the stages; results exclude the first `warm_up` of them.
    pub(super) fn stages(&self, warm_up: Duration) -> Vec<OpenStage> {
        let mut stages = Vec::with_capacity(self.points.len());
        for pair in self.points.windows(2) {
            let [(start, from), (end, to)] = [pair[0], pair[1]];
            // A stage in which the warm-up ends is split in two.
            let cut = warm_up.clamp(start, end);
            let share = (cut - start).as_secs_f64() / (end - start).as_secs_f64();
            // Exact at the end, where a sum could have a rounding error.
            let middle = if cut == end { to } else { from + (to - from) * share };
            for (start, from, end, to) in [(start, from, cut, middle), (cut, middle, end, to)] {
                if start < end {
                    let (length, warm_up) = (end - start, end <= warm_up);
                    stages.push(OpenStage { length, from, to, warm_up, cool_down: false });
                }
            }
        }
        stages
    }

    /// Returns the length.
    pub(super) fn length(&self) -> Duration {
        self.points.last().map_or(Duration::ZERO, |(end, _)| *end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_ramps_and_jumps() {
        let text = "# Monday\nat,rate\n0s,20/s\n\n 10s , 40/s\r\n10s,100/s\n20s,100/s\n";
        let points = points(text).unwrap();
        let source = ScheduleFile { path: String::new(), text: String::new() };
        let schedule = RateSchedule { points, source };
        let stage = |s, from, to, warm_up| OpenStage {
            length: Duration::from_secs(s),
            from,
            to,
            warm_up,
            cool_down: false,
        };
        assert_eq!(
            schedule.stages(Duration::ZERO),
            [stage(10, 20.0, 40.0, false), stage(10, 100.0, 100.0, false)]
        );
        assert_eq!(
            schedule.stages(Duration::from_secs(5)),
            [stage(5, 20.0, 30.0, true), stage(5, 30.0, 40.0, false), stage(10, 100.0, 100.0, false)]
        );
        assert_eq!(schedule.length(), Duration::from_secs(20));
    }

    #[test]
    fn errors_have_line_and_column() {
        for (text, line, column) in [
            ("", 1, 1),
            ("at;rate\n", 1, 1),
            ("at,rate\n0s,1/s\n", 2, 1),
            ("at,rate\n0s,1/s\n0s,2/s\n", 3, 1),
            ("at,rate\n1s,1/s\n", 2, 1),
            ("at,rate\n0s,1\n", 2, 4),
            ("at,rate\n0s,  1/h\n", 2, 6),
            ("at,rate\n0s,1/s\n  2,1/s\n", 3, 3),
            ("at,rate\n0s,1/s\n9s,2/s\n8s,2/s\n", 4, 1),
            ("at,rate\n0s,1/s,3\n", 2, 1),
            ("at,rate\n0s,0/s\n9s,0/s\n", 3, 1),
        ] {
            let span = points(text).unwrap_err().span.unwrap();
            assert_eq!((span.line, span.column), (line, column), "{text:?}");
        }
        assert!(points(&format!("at,rate\n{}", "0s,1/s\n".repeat(MAX_LINES))).is_err());
    }
}
