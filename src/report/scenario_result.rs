//! The results of commands that run several scenarios.

use super::Report;
use crate::scenario::Diagnostic;

/// A scenario and its result.
#[derive(Clone, PartialEq, Debug)]
pub struct ScenarioResult {
    /// The scenario's name and the name of its folder.
    pub name: String,
    /// The scenario's file as the command line gives it.
    pub file: String,
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
    /// The scenario is invalid, with its mistakes.
    Invalid(Vec<Diagnostic>),
    /// The scenario did not start, because another one is invalid.
    NotStarted,
    /// An interrupt arrived before the scenario started.
    NotRun,
}

/// Why a scenario did not start because of another one.
const NOT_STARTED: &str = "Not run, because another scenario of the command is invalid.";
/// Why a scenario did not start after an interrupt.
const INTERRUPTED: &str = "Not run: the command was interrupted earlier.";

impl ScenarioResult {
    /// Returns the result of a scenario that ran.
    pub fn played(report: Report) -> Self {
        let (name, file) = (report.scenario.name.clone(), report.scenario.file.clone());
        Self { name, file, status: RunStatus::Played(Box::new(report)) }
    }

    /// Returns whether the scenario ran and all checks passed.
    pub const fn passed(&self) -> bool {
        matches!(&self.status, RunStatus::Played(report) if report.verdict.passed)
    }

    /// Returns the report, if the scenario ran.
    pub const fn report(&self) -> Option<&Report> {
        match &self.status {
            RunStatus::Played(report) => Some(report),
            _ => None,
        }
    }

    /// Returns why the scenario did not run, if it did not.
    pub(crate) fn not_run(&self) -> Option<String> {
        Some(match &self.status {
            RunStatus::Played(_) => return None,
            RunStatus::Failed(why) => why.clone(),
            RunStatus::Invalid(mistakes) => {
                let texts: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
                texts.join("\n")
            }
            RunStatus::NotStarted => NOT_STARTED.to_owned(),
            RunStatus::NotRun => INTERRUPTED.to_owned(),
        })
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
