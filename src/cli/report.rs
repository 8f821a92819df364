//! `poolproof report`: renders a `report.json` in other forms.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::args::ReportArgs;
use super::output_args::Format;
use super::{Exit, print_error, print_stdout, shows_color, usage_error};
use crate::compare::{self, Comparison, Incomparable};
use crate::report::{self, File, Report, ReportError, ScenarioResult, WrittenFiles};

/// Renders a report. Nothing is written unless everything can be rendered.
pub(super) fn report(args: &ReportArgs) -> Exit {
    match render_report(args) {
        Ok(output) => print_stdout(&output),
        Err(ReportCommandError::Unusable(message)) => usage_error(message),
        Err(ReportCommandError::Incomparable(error)) => {
            print_error(format_args!("{error}Nothing was written."));
            Exit::Incomparable
        }
    }
}

/// Why a report is not rendered.
enum ReportCommandError {
    Unusable(String),
    Incomparable(Incomparable),
}

impl From<ReportError> for ReportCommandError {
    fn from(error: ReportError) -> Self {
        Self::Unusable(error.to_string())
    }
}

fn render_report(args: &ReportArgs) -> Result<String, ReportCommandError> {
    let source = source(&args.file)?;
    let report = report::read(&source)?;
    let baseline = args
        .baseline
        .as_deref()
        .map(|file| Ok::<_, ReportCommandError>(report::read(&self::source(file)?)?))
        .transpose()?;
    let comparison = match (&baseline, &args.baseline) {
        (Some(baseline), Some(file)) => Some(compare_with_baseline((file, baseline), (&args.file, &report))?),
        _ => None,
    };
    let dir = args.out.clone().unwrap_or_else(|| folder_of(&source));
    let files = files(args, &report, baseline.as_ref(), comparison.as_ref(), &dir, &source);
    report::check_writable_names(&dir, files.iter().map(|file| &file.name))?;
    report::write_files(&dir, &files)?;
    let html = args.format.contains(&Format::Html).then(|| dir.join("report.html"));
    let json = if html.is_none() && args.out.is_some() { dir.clone() } else { source };
    let mut output = report::text(&report, Some(&WrittenFiles { json, html }), shows_color(&io::stdout()));
    if let Some(comparison) = comparison {
        output.push_str(&format!("\n{}", compare::text(&comparison)));
    }
    Ok(output)
}

/// Returns the report file; of a folder, the report in it.
///
/// # Errors
///
/// The folder has no report, but folders in it have.
fn source(file: &Path) -> Result<PathBuf, ReportCommandError> {
    /// Most names of reports in a message.
    const MOST: usize = 8;
    if !file.is_dir() {
        return Ok(file.to_owned());
    }
    let source = file.join("report.json");
    let folders = fs::read_dir(file).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let mut reports: Vec<PathBuf> = folders.filter(|folder| folder.join("report.json").is_file()).collect();
    reports.sort();
    let Some(first) = reports.first().filter(|_| !source.exists()) else { return Ok(source) };
    let names = reports.iter().take(MOST).filter_map(|folder| folder.file_name());
    let names: Vec<String> = names.map(|name| name.display().to_string()).collect();
    let more = if reports.len() > MOST { ", …" } else { "" };
    Err(ReportCommandError::Unusable(format!(
        "{} has the reports {}{more}: name one, as in {}",
        file.display(),
        names.join(", "),
        first.display()
    )))
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn compare_with_baseline(
    base: (&Path, &Report),
    head: (&Path, &Report),
) -> Result<Comparison, ReportCommandError> {
    let only = |report: &Report| BTreeMap::from([(report.scenario.name.clone(), report.clone())]);
    let name = |file: &Path| file.display().to_string();
    let (one, other) = (only(base.1), only(head.1));
    compare::reports((&name(base.0), &one), (&name(head.0), &other)).map_err(ReportCommandError::Incomparable)
}

/// Returns all requested output files, except one that would overwrite the report that is read.
fn files(
    args: &ReportArgs,
    report: &Report,
    baseline: Option<&Report>,
    comparison: Option<&Comparison>,
    dir: &Path,
    source: &Path,
) -> Vec<File> {
    let formats: Vec<report::Format> = args.format.iter().filter_map(|format| format.file_format()).collect();
    let mut files = report::run_files(report, baseline, None, &formats);
    files.extend(report::common_files(&[ScenarioResult::played(report.clone())], &formats));
    if let Some(comparison) = comparison {
        for file in files.iter_mut().filter(|file| file.name == report::MARKDOWN) {
            file.text.push_str(&format!("\n{}", compare::markdown(comparison)));
        }
    }
    let same = |name: &str| match (dir.join(name).canonicalize(), source.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    };
    files.retain(|file| !same(&file.name));
    files
}
