//! What a run has shown, told once and written in several ways.
//!
//! [`Report`] is the one model: [`Report::new`] makes it from a [`Subject`] (what was run) and a summary (what was
//! measured). `report.json` is the model itself and can be read back; [`html`] and [`text()`] say nothing that is not in
//! it. So they cannot disagree.

mod build;
mod environment;
mod format;
pub mod html;
mod model;
mod subject;
mod text;
mod verdict;
mod write;

/// What other pages share with the report's: its style, its policy, its marks.
pub(crate) mod page {
    pub(crate) use super::html::head;
    pub(crate) use super::html::marks::confidence;
    #[cfg(test)]
    pub(crate) use super::html::{STYLE, contrast};
}

/// Numbers for people, for others that tell of reports.
pub(crate) mod figures {
    pub(crate) use super::format::{count, number, time};
}

pub use model::{
    Confused, Cpu, CurvePoint, Decisions, Environment, Generator, Latency, Mismatch, NamedFile, Quantiles,
    Report, Rule, Scenario, SideWorkers, SignInLatency, SignIns, ThresholdResult, Throughput, Timeline,
    TimelineInterval, Unit, Verdict, Workers, Workload,
};
pub use subject::{CpuSpent, Subject};
pub use text::text;
pub use write::{ReportError, Written, read, writable, write};
