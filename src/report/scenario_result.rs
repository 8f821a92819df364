//! What a command that plays several scenarios has to tell of each.

use super::Report;

/// A scenario and what came of it.
#[derive(Clone, PartialEq, Debug)]
pub struct ScenarioResult {
    /// The scenario's name, which is also its folder's.
    pub name: String,
    /// What came of it.
    pub status: RunStatus,
}

/// What came of a scenario.
#[derive(Clone, PartialEq, Debug)]
pub enum RunStatus {
    /// It was played, in whole or in part.
    Played(Box<Report>),
    /// It could not be played, and why.
    Failed(String),
    /// An interrupt came before it.
    NotRun,
}

impl ScenarioResult {
    /// A scenario that was played.
    pub fn played(report: Report) -> Self {
        Self { name: report.scenario.name.clone(), status: RunStatus::Played(Box::new(report)) }
    }

    /// Whether it was played and everything is as it should be.
    pub const fn passed(&self) -> bool {
        matches!(&self.status, RunStatus::Played(report) if report.verdict.passed)
    }

    /// The report, if it was played.
    pub const fn report(&self) -> Option<&Report> {
        match &self.status {
            RunStatus::Played(report) => Some(report),
            RunStatus::Failed(_) | RunStatus::NotRun => None,
        }
    }
}

/// How they came out together: `12 scenarios passed`, `2 of 12 scenarios failed`.
pub(super) fn overall_result(entries: &[ScenarioResult]) -> String {
    let all = entries.len();
    let failed = entries.iter().filter(|entry| !entry.passed()).count();
    match (failed, all) {
        (0, 1) => "1 scenario passed".to_owned(),
        (0, all) => format!("{all} scenarios passed"),
        (failed, all) => format!("{failed} of {all} scenarios failed"),
    }
}
