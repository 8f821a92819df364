//! Which files a report becomes: those of one run, and those of all runs of a command.

use super::histograms::{MeasuredRun, distribution_name, distributions, interval_log};
use super::scenario_result::ScenarioResult;
use super::{Report, html, index, junit, summary, timeline_csv};
use poolproof_cognito::protocol::SignInStep;

/// The name of the report for machines.
pub(super) const JSON: &str = "report.json";
/// The name of the report for people.
pub(super) const HTML: &str = "report.html";
/// The name of the interval log.
const HLOG: &str = "latency.hlog";
/// The name of the timeline.
const CSV: &str = "timeline.csv";
/// The name of the page that leads to several reports.
pub(super) const INDEX: &str = "index.html";
/// The name of the report for CI.
const JUNIT: &str = "junit.xml";
/// The name of the report for a job's summary.
pub const MARKDOWN: &str = "summary.md";

/// A form in which reports can be had.
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

/// A file that is to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    /// Its name, without a folder.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl File {
    fn new(name: impl Into<String>, text: String) -> Self {
        Self { name: name.into(), text }
    }
}

/// The files that stand in the folder of one run: whatever of `formats` tells of a single run. Histograms
/// need what was measured.
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
    // Last, for who waits for it finds the others there.
    if formats.contains(&Format::Json) {
        files.push(File::new(JSON, report.to_json()));
    }
    files
}

/// Every name that a file of one run can have.
pub(super) fn run_names() -> impl Iterator<Item = String> {
    let distributions =
        std::iter::once(None).chain(SignInStep::ALL.iter().copied().map(Some)).map(distribution_name);
    [JSON, HTML, CSV, HLOG].into_iter().map(str::to_owned).chain(distributions)
}

/// The files that tell of all runs of a command: `junit.xml` and `summary.md`, and for several a page that
/// leads to theirs.
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

/// The names of the files that tell of all of `scenarios` runs.
pub fn common_names(scenarios: usize, formats: &[Format]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for (format, name) in [(Format::Html, INDEX), (Format::Junit, JUNIT), (Format::Markdown, MARKDOWN)] {
        if formats.contains(&format) && (name != INDEX || scenarios > 1) {
            names.push(name);
        }
    }
    names
}
