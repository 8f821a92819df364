//! The results of commands that run several scenarios.

use super::Report;

/// A scenario and its result.
#[derive(Clone, PartialEq, Debug)]
pub struct ScenarioResult {
    /// The scenario's name and the name of its folder.
    pub name: String,
    /// The result.
    pub status: RunStatus,
}

/// The result of a scenario.
#[derive(Clone, PartialEq, Debug)]
pub enum RunStatus {
    /// The scenario ran, completely or in part.
    Played(Box<Report>),
    /// The scenario could not run, with the reason.
    Failed(String),
    /// An interrupt arrived before the scenario started.
    NotRun,
}

impl ScenarioResult {
    /// Returns the result of a scenario that ran.
    pub fn played(report: Report) -> Self {
        Self { name: report.scenario.name.clone(), status: RunStatus::Played(Box::new(report)) }
    }

    /// Returns whether the scenario ran and all checks passed.
    pub const fn passed(&self) -> bool {
        matches!(&self.status, RunStatus::Played(report) if report.verdict.passed)
    }

    /// Returns the report, if the scenario ran.
    pub const fn report(&self) -> Option<&Report> {
        match &self.status {
            RunStatus::Played(report) => Some(report),
            RunStatus::Failed(_) | RunStatus::NotRun => None,
        }
    }
}

/// Summarizes all results: `12 scenarios passed`, `2 of 12 scenarios failed`.
pub(super) fn overall_result(entries: &[ScenarioResult]) -> String {
    let all = entries.len();
    let failed = entries.iter().filter(|entry| !entry.passed()).count();
    match (failed, all) {
        (0, 1) => "1 scenario passed".to_owned(),
        (0, all) => format!("{all} scenarios passed"),
        (failed, all) => format!("{failed} of {all} scenarios failed"),
    }
}
