//! Builds one report of a run and writes it in several formats.
//!
//! [`Report`] is the only model: [`Report::new`] builds it from a [`RunInfo`] (the facts about the run) and a
//! summary (the measurements). `report.json` is the model itself and can be read back. [`html`], [`junit()`],
//! [`summary()`], [`timeline_csv`] and [`text()`] show only data of the model, so they agree. Only the
//! histograms use the measurements directly ([`interval_log`], [`distributions`]).
//!
//! Files about one run are in the directory of that run, files about all runs of a command in its parent: see
//! [`run_files`] and [`common_files`].

mod build;
mod devices;
mod environment;
mod failures;
mod files;
mod format;
mod generator;
mod github;
mod histograms;
pub mod html;
mod index;
mod junit;
pub(crate) mod markup;
mod model;
mod run_info;
mod scenario_result;
mod shards;
mod source_lines;
mod stages;
mod summary;
mod text;
mod timeline_csv;
mod verdict;
mod write;

/// Parts that the report shares with other pages: the style, the content security policy and the icons.
pub(crate) mod page {
    pub(crate) use super::html::icons::confidence;
    pub(crate) use super::html::{POLICY, head, script, script_policy};
    #[cfg(test)]
    pub(crate) use super::html::{STYLE, contrast};
}

/// Number formats for other modules that print results of runs.
pub(crate) mod figures {
    pub(crate) use super::format::{UNKNOWN, count, exact_number, measured, number, percent, tick, time};
}

pub use devices::Devices;
pub use environment::Environment;
pub use failures::Failures;
pub use files::{File, Format, HTML, INDEX, MARKDOWN, common_files, common_names, run_files};
pub use format::Unit;
pub use generator::{Generator, MachineLoad, Shortage, SideWorkers, Workers};
pub use github::{Annotation, AnnotationLevel, annotations};
pub use histograms::{MeasuredRun, distributions, interval_log};
pub use index::index;
pub use junit::junit;
pub use model::{
    ConfusionCell, Cpu, CurvePoint, Decisions, IntervalLoad, Latency, Mismatch, NamedFile, PolicyCase,
    Quantiles, Report, Rule, Scenario, SignInLatency, SignIns, ThresholdResult, Throughput, Timeline,
    TimelineInterval, UnexpectedDecision, Verdict, Workload, WorstWindow,
};
pub use run_info::{CpuSpent, RunInfo};
pub use scenario_result::{RunStatus, ScenarioResult};
pub use shards::Shards;
pub use stages::{StagePart, StageSummary, StepInterval, StepTimeline};
pub use summary::summary;
pub use text::{closing, text};
pub use timeline_csv::timeline_csv;
pub(crate) use verdict::{INTERRUPTED, MISMATCH, SATURATED, THRESHOLD, UNREACHABLE};
pub use verdict::{MAX_STEAL, MAX_THROTTLED};
pub use write::{
    ReportError, WrittenFiles, check_writable, check_writable_names, read, remove_stale, write, write_files,
    write_run,
};
