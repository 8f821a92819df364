//! The report's data along the time axis: stages, and the latency of each step.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::format::{rate, tick};

/// A stage of a workload, cut at the end of the workload. Times count from the start of the run.
///
/// Its load is a rate, a number of users or a schedule. Adjacent pieces of a schedule with the same
/// [`StagePart`] are one stage.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StageSummary {
    /// The name of its workload.
    pub workload: String,
    /// Its start.
    pub from_us: u64,
    /// Its end.
    pub to_us: u64,
    /// Whether it is measured.
    pub part: StagePart,
    /// Sign-ins per second at its start, in an open workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_per_s: Option<f64>,
    /// Sign-ins per second at its end. The rate changes linearly in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_per_s: Option<f64>,
    /// Number of users, in a closed workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<u32>,
    /// The file that defines the rate, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
}

/// The part of a run: warm-up, measured or cool-down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StagePart {
    /// The start of a run: decisions are checked, latencies are not measured.
    WarmUp,
    /// Decisions are checked and latencies are measured.
    Measured,
    /// The end of a run: decisions are checked, latencies are not measured.
    CoolDown,
}

impl StagePart {
    /// Returns its name in prose.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::WarmUp => "warm-up",
            Self::Measured => "measured",
            Self::CoolDown => "cool-down",
        }
    }
}

impl StageSummary {
    /// Returns its load: `20/s`, `20/s → 80/s`, `50 users`, or the name of a file.
    pub(super) fn load_text(&self) -> String {
        match (&self.schedule, self.users, self.from_per_s, self.to_per_s) {
            (Some(path), ..) => path.clone(),
            (_, Some(1), ..) => "1 user".to_owned(),
            (_, Some(users), ..) => format!("{} users", super::format::count(users.into())),
            (_, _, from, to) if from == to => rate(from),
            (_, _, from, to) => format!("{} → {}", rate(from), rate(to)),
        }
    }

    /// Returns its time span: `from 10 s to 1 min`.
    pub(super) fn span(&self) -> String {
        format!("from {} to {}", tick(self.from_us), tick(self.to_us))
    }
}

/// The latency of each step over time, without warm-up and cool-down. Intervals of the timeline are merged so
/// that each has enough samples of every step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StepTimeline {
    /// Length of each interval. The last one can be shorter.
    pub interval_us: u64,
    /// The intervals of each step from the start of the run, at most 24.
    pub by_step: BTreeMap<String, Vec<StepInterval>>,
}

/// One step of the sign-ins that were due in an interval, within 1 %.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct StepInterval {
    /// How often the step occurred.
    pub count: u64,
    /// Median.
    pub p50_us: Option<u64>,
    /// 99th percentile; null below 100 samples.
    pub p99_us: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_shows_its_load_and_time() {
        let stage = StageSummary {
            workload: "calm".to_owned(),
            from_us: 0,
            to_us: 10_000_000,
            part: StagePart::WarmUp,
            from_per_s: Some(20.0),
            to_per_s: Some(20.0),
            users: None,
            schedule: None,
        };
        assert_eq!((stage.load_text().as_str(), stage.span().as_str()), ("20/s", "from 0 to 10 s"));
        assert_eq!(StageSummary { to_per_s: Some(80.5), ..stage.clone() }.load_text(), "20/s → 80.5/s");
        let closed = StageSummary { from_per_s: None, to_per_s: None, users: Some(50), ..stage };
        assert_eq!(closed.load_text(), "50 users");
        assert_eq!(StageSummary { users: Some(1), ..closed.clone() }.load_text(), "1 user");
        assert_eq!(StageSummary { schedule: Some("a.csv".to_owned()), ..closed }.load_text(), "a.csv");
    }
}
