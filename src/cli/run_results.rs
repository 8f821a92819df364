//! What `run` writes about all scenarios together: files, annotations and the last lines.

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use super::output_args::{Format, OutputArgs};
use super::{Exit, print_error, print_stderr, print_stdout, shows_color, usage_error};
use crate::report::{self, Annotation, MeasuredRun, Report, ReportError, RunStatus, ScenarioResult};
use crate::run::RunOutput;
use crate::scenario::{self, Diagnostic};

/// Longest name of a scenario.
const MAX_NAME: usize = 64;
/// Most bytes of an invalid scenario that are read for its name.
const MAX_BYTES: usize = 1 << 20;

/// Writes the files about all scenarios and prints their names, the annotations and the results.
pub(super) fn write_results(
    output: &OutputArgs,
    entries: &[ScenarioResult],
    warnings: Vec<Annotation>,
) -> Exit {
    let files = match write_shared(output, entries) {
        Ok(files) => files,
        Err(error) => return usage_error(error),
    };
    let mut out = String::new();
    for (index, path) in files.iter().enumerate() {
        let head = if index == 0 { "\n  all         " } else { "              " };
        out.push_str(&format!("{head}{}\n", path.display()));
    }
    let printed = print_text(output, || out).or(print_annotations(output, entries, warnings));
    if entries.len() < 2 {
        return printed;
    }
    printed.or(print_text(output, || report::closing(entries, shows_color(&io::stdout()))))
}

/// Writes and prints the report of a finished run.
pub(super) fn publish(output: &OutputArgs, dir: &Path, played: RunOutput) -> (Exit, RunStatus) {
    let report = played.report;
    let measured = MeasuredRun { snapshot: &played.measured, started: played.started };
    let written = report::write_run(dir, &report, Some(measured), &output.formats());
    let printed = if output.json {
        print_json(&report)
    } else {
        print_text(output, || report::text(&report, written.as_ref().ok(), shows_color(&io::stdout())))
    };
    if output.quiet && !report.verdict.passed {
        let (name, code) = (&report.scenario.name, report.verdict.exit_code);
        let why = report.verdict.sentences.first().map_or("", String::as_str);
        print_error(format_args!("{name} failed (exit code {code}): {why}"));
    }
    let exit = match written {
        Ok(_) => printed.or(Exit::from_code(report.verdict.exit_code)),
        Err(error) => usage_error(error),
    };
    (exit, RunStatus::Played(Box::new(report)))
}

/// Prints the report as one line of JSON.
fn print_json(report: &Report) -> Exit {
    match serde_json::to_string(report) {
        Ok(json) => print_stdout(&(json + "\n")),
        Err(error) => usage_error(error),
    }
}

/// Opens the page of a single scenario, or the index of several, if the options ask for it. The run is over,
/// so a failure is a warning.
pub(super) fn open_page(output: &OutputArgs, folders: &[PathBuf]) {
    if !output.open {
        return;
    }
    let page = match folders {
        [folder] => folder.join(report::HTML),
        _ => output.out.join(report::INDEX),
    };
    if let Err(error) = open::that_detached(&page) {
        print_stderr(&format!("warning: cannot open {}: {error}", page.display()));
    }
}

/// Prints text for people, unless the options ask for silence or for JSON.
pub(super) fn print_text(output: &OutputArgs, text: impl FnOnce() -> String) -> Exit {
    if output.quiet || output.json { Exit::Pass } else { print_stdout(&text()) }
}

/// Prints the annotations that `--format github` asks for. GitHub reads them from standard error, too, if
/// standard output is JSON.
fn print_annotations(output: &OutputArgs, entries: &[ScenarioResult], warnings: Vec<Annotation>) -> Exit {
    let lines = annotation_lines(output, entries, warnings);
    if lines.is_empty() {
        return Exit::Pass;
    }
    if output.json {
        print_stderr(&lines);
        return Exit::Pass;
    }
    print_stdout(&lines)
}

fn write_shared(output: &OutputArgs, entries: &[ScenarioResult]) -> Result<Vec<PathBuf>, ReportError> {
    let files = report::common_files(entries, &output.formats());
    if !files.is_empty() {
        report::check_writable_names(&output.out, files.iter().map(|file| &file.name))?;
        report::write_files(&output.out, &files)?;
    }
    Ok(files.iter().map(|file| output.out.join(&file.name)).collect())
}

/// Returns the annotations as lines, errors first; nothing without the format `github`.
fn annotation_lines(output: &OutputArgs, entries: &[ScenarioResult], warnings: Vec<Annotation>) -> String {
    if !output.format.contains(&Format::Github) {
        return String::new();
    }
    let all = report::annotations(entries).into_iter().chain(warnings);
    all.map(|one| format!("{}\n", one.command(&repository_path(&one.file)))).collect()
}

/// Returns the path of a file in the repository of the job, or as it is outside of GitHub.
fn repository_path(file: &str) -> String {
    let clean = |path: &Path| path.components().collect::<PathBuf>().display().to_string();
    let in_repository = || {
        let root = env::var_os("GITHUB_WORKSPACE")?;
        let path: PathBuf = env::current_dir().ok()?.join(file).components().collect();
        Some(clean(path.strip_prefix(root).ok()?))
    };
    in_repository().unwrap_or_else(|| clean(Path::new(file.strip_prefix("./").unwrap_or(file))))
}

/// A scenario file that was read: its name, or its mistakes.
pub(super) type ReadFile<'f> = (&'f Path, Result<&'f str, Diagnostic>);

/// Replaces the results of an earlier run by the mistakes of invalid scenarios. Returns the exit.
pub(super) fn write_invalid(output: &OutputArgs, files: Vec<ReadFile<'_>>) -> Exit {
    let entries: Vec<ScenarioResult> = files
        .into_iter()
        .map(|(path, read)| {
            let file = path.display().to_string();
            match read {
                Ok(name) => ScenarioResult { name: name.to_owned(), file, status: RunStatus::NotStarted },
                Err(mistake) => {
                    let name = likely_name(path).unwrap_or_else(|| file.clone());
                    ScenarioResult { name, file, status: RunStatus::Invalid(mistake.into_all()) }
                }
            }
        })
        .collect();
    let folders: Vec<PathBuf> = entries
        .iter()
        .filter(|entry| is_name(&entry.name))
        .map(|entry| output.out.join(&entry.name))
        .collect();
    let removed = report::remove_stale(&output.out, folders.iter().map(PathBuf::as_path));
    if let Err(error) = removed.and_then(|()| write_shared(output, &entries).map(drop)) {
        return usage_error(error);
    }
    Exit::InvalidScenario.or(print_annotations(output, &entries, Vec::new()))
}

/// Returns the name that an invalid scenario probably has: that of its first line with a name, or that of the
/// file.
fn likely_name(path: &Path) -> Option<String> {
    // A pipe can be read only once.
    let text = if path.is_file() { crate::input::read_text(path, MAX_BYTES).ok() } else { None };
    let written = text.as_deref().and_then(|text| {
        let value = text.lines().find_map(|line| line.strip_prefix("name:"))?;
        let value = value.split(" #").next()?.trim().trim_matches(['"', '\'']);
        Some(value.to_owned())
    });
    let stem = || Some(path.file_stem()?.to_str()?.to_owned());
    written.filter(|name| is_name(name)).or_else(|| stem().filter(|name| is_name(name)))
}

/// Returns whether a text can be the name of a scenario, and so of a folder.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=MAX_NAME).contains(&text.len()) && text.chars().all(plain)
}

/// Returns the annotation of a warning about the setting at `path`, or the nearest one that the file has.
pub(super) fn warning(
    file: &Path,
    name: &str,
    text: &str,
    path: &[scenario::Segment],
    message: &str,
) -> Annotation {
    let paths: Vec<_> = (1..=path.len()).rev().map(|length| path[..length].to_vec()).collect();
    Annotation {
        level: report::AnnotationLevel::Warning,
        file: file.display().to_string(),
        line: scenario::line_of(text, &paths).unwrap_or(1),
        column: None,
        title: format!("{name}: warning"),
        message: message.to_owned(),
    }
}
