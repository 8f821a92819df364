//! What a run has shown, told once and written in several ways.
//!
//! [`Report`] is the one model: [`Report::new`] makes it from a [`Subject`] (what was run) and a summary (what was
//! measured). `report.json` is the model itself and can be read back; [`html`], [`junit()`], [`summary()`],
//! [`timeline_csv`] and [`text()`] say nothing that is not in it. So they cannot disagree. Only the histograms are written from what was
//! measured ([`interval_log`], [`distributions`]).
//!
//! What tells of one run stands in the run's folder, what tells of all runs of a command above it: see [`run_files`] and [`common_files`].

mod build;
mod entry;
mod environment;
mod files;
mod format;
mod generator;
mod histograms;
pub mod html;
mod index;
mod junit;
pub(crate) mod markup;
mod model;
mod sheet;
mod stages;
mod subject;
mod summary;
mod text;
mod verdict;
mod write;

/// What other pages share with the report's: its style, its policy, its marks.
pub(crate) mod page {
    pub(crate) use super::html::marks::confidence;
    pub(crate) use super::html::{POLICY, head, script, scripted};
    #[cfg(test)]
    pub(crate) use super::html::{STYLE, contrast};
}

/// Numbers for people, for others that tell of reports.
pub(crate) mod figures {
    pub(crate) use super::format::{UNKNOWN, count, exactly, measured, number, percent, time};
}

pub use entry::{Came, Entry};
pub use environment::Environment;
pub use files::{File, Format, MARKDOWN, common_files, common_names, run_files};
pub use format::Unit;
pub use generator::{Generator, MachineLoad, Shortage, SideWorkers, Workers};
pub use histograms::{Measured, distributions, interval_log};
pub use index::index;
pub use junit::junit;
pub use model::{
    Case, Confused, Cpu, CurvePoint, Decisions, Instead, IntervalLoad, Latency, Mismatch, NamedFile,
    Quantiles, Report, Rule, Scenario, SignInLatency, SignIns, ThresholdResult, Throughput, Timeline,
    TimelineInterval, Verdict, Workload, WorstWindow,
};
pub use sheet::timeline_csv;
pub use stages::{Part, Stage, StepCourse, StepInterval};
pub use subject::{CpuSpent, Subject};
pub use summary::summary;
pub use text::text;
pub use verdict::MOST_STOLEN;
pub(crate) use verdict::{INTERRUPTED, MISMATCH, SATURATED, THRESHOLD, UNREACHABLE};
pub use write::{ReportError, Written, read, writable, writable_as, write, write_files, write_run};
