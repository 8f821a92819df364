//! Decides which files a report consists of: those of one run, and those of all runs of a command.

use super::histograms::{MeasuredRun, UNDECIDED_NAME, distribution_name, distributions, interval_log};
use super::scenario_result::ScenarioResult;
use super::{Report, html, index, junit, summary, timeline_csv};
use poolproof_cognito::protocol::SignInStep;

/// The name of the JSON report.
pub(super) const JSON: &str = "report.json";
/// The name of the HTML report.
pub const HTML: &str = "report.html";
/// The name of the interval log.
const HLOG: &str = "latency.hlog";
/// The name of the timeline.
const CSV: &str = "timeline.csv";
/// The name of the index page of several reports.
pub const INDEX: &str = "index.html";
/// The name of the report for CI.
const JUNIT: &str = "junit.xml";
/// The name of the report for a job's summary.
pub const MARKDOWN: &str = "summary.md";

/// The files about all runs of a command, each with a text by which the program recognizes its own.
pub(super) const SHARED: [(&str, &str); 3] = [
    (INDEX, index::INDEX_SIGNATURE),
    (JUNIT, junit::JUNIT_SIGNATURE),
    (MARKDOWN, summary::SUMMARY_SIGNATURE),
];

/// A report format.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Format {
    /// `report.json`.
    Json,
    /// `report.html`, and `index.html` for several.
    Html,
    /// `junit.xml`.
    Junit,
    /// `summary.md`.
    Markdown,
    /// `latency.hlog` and percentile distributions, `latency.hgrm`.
    Hlog,
    /// `timeline.csv`.
    Csv,
}

/// A file to write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    /// Its name, without a directory.
    pub name: String,
    /// Its content.
    pub text: String,
}

impl File {
    fn new(name: impl Into<String>, text: String) -> Self {
        Self { name: name.into(), text }
    }
}

/// Returns the files of one run in these formats. Histograms need the measured data.
pub fn run_files(
    report: &Report,
    baseline: Option<&Report>,
    measured: Option<MeasuredRun<'_>>,
    formats: &[Format],
) -> Vec<File> {
    let mut files = Vec::new();
    if formats.contains(&Format::Html) {
        files.push(File::new(HTML, html::page(report, baseline)));
    }
    if formats.contains(&Format::Csv) {
        files.push(File::new(CSV, timeline_csv(report)));
    }
    if let Some(measured) = measured.filter(|_| formats.contains(&Format::Hlog)) {
        files.push(File::new(HLOG, interval_log(report, measured)));
        files.extend(distributions(measured).into_iter().map(|(name, text)| File { name, text }));
    }
    // Last, so that a program that waits for this file finds the others.
    if formats.contains(&Format::Json) {
        files.push(File::new(JSON, report.to_json()));
    }
    files
}

/// Returns every name that a file of one run can have.
pub(super) fn run_names() -> impl Iterator<Item = String> {
    let distributions =
        std::iter::once(None).chain(SignInStep::ALL.iter().copied().map(Some)).map(distribution_name);
    [JSON, HTML, CSV, HLOG, UNDECIDED_NAME].into_iter().map(str::to_owned).chain(distributions)
}

/// Returns the files about all runs of a command: `junit.xml`, `summary.md`, and an index for several runs.
pub fn common_files(entries: &[ScenarioResult], formats: &[Format]) -> Vec<File> {
    let mut files = Vec::new();
    for name in common_names(entries.len(), formats) {
        let text = match name {
            INDEX => index(entries),
            JUNIT => junit(entries),
            _ => summary(entries),
        };
        files.push(File::new(name, text));
    }
    files
}

/// Returns the names of the files about all runs of `scenarios` scenarios.
pub fn common_names(scenarios: usize, formats: &[Format]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for (format, name) in [(Format::Html, INDEX), (Format::Junit, JUNIT), (Format::Markdown, MARKDOWN)] {
        if formats.contains(&format) && (name != INDEX || scenarios > 1) {
            names.push(name);
        }
    }
    names
}
