//! The report as data, what of it runs along the time axis beside the intervals: stages, and how each step
//! went.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::format::{rate, tick};

/// A stage of a workload, as far as the workload lasts. Moments count from the start of the run.
///
/// It says what it asks for in one of three ways: at a rate, with so many users, or as a schedule has it. All
/// stages of a schedule that are of one part count as one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StageSummary {
    /// The name of its workload.
    pub workload: String,
    /// When it begins.
    pub from_us: u64,
    /// When it ends.
    pub to_us: u64,
    /// Whether it is measured.
    pub part: StagePart,
    /// Sign-ins a second at its start, of an open workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_per_s: Option<f64>,
    /// And at its end; in between the rate changes evenly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_per_s: Option<f64>,
    /// Users, of a closed workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<u32>,
    /// The file that the rate comes from, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
}

/// Whether a stage is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StagePart {
    /// Judged, and not measured: the beginning.
    WarmUp,
    /// Judged and measured.
    Measured,
    /// Judged, and not measured: the end.
    CoolDown,
}

impl StagePart {
    /// Its name for people.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::WarmUp => "warm-up",
            Self::Measured => "measured",
            Self::CoolDown => "cool-down",
        }
    }
}

impl StageSummary {
    /// What it asks for: `20/s`, `20/s → 80/s`, `50 users`, or the name of a file.
    pub(super) fn load_text(&self) -> String {
        match (&self.schedule, self.users, self.from_per_s, self.to_per_s) {
            (Some(path), ..) => path.clone(),
            (_, Some(1), ..) => "1 user".to_owned(),
            (_, Some(users), ..) => format!("{} users", super::format::count(users.into())),
            (_, _, from, to) if from == to => rate(from),
            (_, _, from, to) => format!("{} → {}", rate(from), rate(to)),
        }
    }

    /// From when to when: `from 10 s to 1 min`.
    pub(super) fn span(&self) -> String {
        format!("from {} to {}", tick(self.from_us), tick(self.to_us))
    }
}

/// How the steps' latency went, warm-up and cool-down left out: in intervals of the timeline's joined until
/// there are few, so that each has enough of every step to tell.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StepTimeline {
    /// How long each interval is; the last may end with the timeline.
    pub interval_us: u64,
    /// The intervals of each step, at most 24, from the start of the run on.
    pub by_step: BTreeMap<String, Vec<StepInterval>>,
}

/// One step of the sign-ins that were meant to start in an interval, within 1 %.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct StepInterval {
    /// How often it was taken.
    pub count: u64,
    /// Median.
    pub p50_us: Option<u64>,
    /// 99th percentile; null below 100.
    pub p99_us: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_says_what_it_asks_for() {
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
