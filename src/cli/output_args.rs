//! The options of `run` and `merge` about what they write and print.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::report;

#[derive(clap::Args, Clone, Debug)]
pub(super) struct OutputArgs {
    /// Folder for the reports; each scenario gets a subfolder. Files of an earlier run there are deleted
    /// first.
    #[arg(long, value_name = "DIR", default_value = "reports/latest")]
    pub(super) out: PathBuf,
    /// Reports to write: those of a scenario into its folder, those of all into DIR.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "html,json")]
    pub(super) format: Vec<Format>,
    /// Print only errors and why a run failed: neither the report nor progress nor warnings.
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// Print each report as one line of JSON. Standard output then contains nothing else.
    #[arg(long)]
    pub(super) json: bool,
    /// Open the HTML report in a browser at the end; for several scenarios, the index.
    #[arg(long)]
    pub(super) open: bool,
}

impl OutputArgs {
    /// Returns the formats that are files.
    pub(super) fn formats(&self) -> Vec<report::Format> {
        self.format.iter().filter_map(|format| format.file_format()).collect()
    }
}

/// A form of the report. A run always writes `report.json`; the others contain nothing else, except the
/// histograms.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Format {
    /// `report.json`, always written by a run.
    Json,
    /// `report.html`, and for several scenarios `index.html`.
    Html,
    /// `junit.xml`, for CI: a suite per scenario, a case per threshold and rule.
    Junit,
    /// `summary.md`, for a job summary or a pull request.
    Markdown,
    /// `latency.hlog`, HdrHistogram's interval log by step, and `latency.hgrm`, its distributions.
    Hlog,
    /// `timeline.csv`, a line per interval.
    Csv,
    /// Annotations for GitHub Actions on standard output, at lines of the scenario.
    Github,
}

impl Format {
    /// Returns the form if it is one of files.
    pub(super) const fn file_format(self) -> Option<report::Format> {
        Some(match self {
            Self::Json => report::Format::Json,
            Self::Html => report::Format::Html,
            Self::Junit => report::Format::Junit,
            Self::Markdown => report::Format::Markdown,
            Self::Hlog => report::Format::Hlog,
            Self::Csv => report::Format::Csv,
            Self::Github => return None,
        })
    }
}
