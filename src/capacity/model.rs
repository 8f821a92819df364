//! What a capacity search found, as data: the fields of `--format json`, in its order.
//!
//! Times are integers in µs, rates sign-ins a second, `null` is "cannot be said".

use serde::Serialize;

use super::usl::Usl;
use crate::clock::ClockKind;
use crate::report::{Shortage, Unit};
use crate::rounding;

/// The result of a capacity search.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Capacity {
    /// The version of this format. It increases when a field changes its meaning or is removed.
    pub schema_version: u32,
    /// The scenario's name.
    pub scenario: String,
    /// Its file.
    pub file: String,
    /// The seed from which the seeds of all runs derive.
    pub seed: u64,
    /// The clock of all runs.
    pub clock: ClockKind,
    /// The SRP group.
    pub group: String,
    /// The pool: `embedded`, or a URL.
    pub target: String,
    /// The objectives.
    pub objectives: Vec<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// The answer; absent if no level passed.
    pub answer: Option<CapacityEstimate>,
    /// The levels that were tried, in their order.
    pub levels: Vec<Level>,
    /// The fit of the scalability law, if requested and possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usl: Option<Usl>,
    /// The estimate for a wanted rate, if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<CoreEstimate>,
}

/// The verdict of a search.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verdict {
    /// The exit code.
    pub exit_code: u8,
    /// Sentences, the most important first.
    pub sentences: Vec<String>,
}

/// The highest rate that met all objectives.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CapacityEstimate {
    /// The highest rate that passed.
    pub per_s: f64,
    /// The lowest rate that failed; null if none failed.
    pub below_per_s: Option<f64>,
    /// Whether this rate passed the long run at the end of the search.
    pub confirmed: bool,
    /// What limited the search upward.
    pub limit: Limit,
    /// The cores of the measurement; null for a remote pool.
    pub cores: Option<Cores>,
    /// The figures of the run at this rate; those of the long run, if it passed.
    pub figures: Figures,
}

/// What limited the search upward.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// An objective failed, or the pool fell behind.
    Pool,
    /// The generator could not keep up: the pool may take more.
    Generator,
    /// Nothing above was tried.
    Range,
}

/// Cores, or worker threads, by side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Cores {
    /// The clients' threads; null under the virtual clock, where every client computes on its own.
    pub client: Option<u64>,
    /// The pool's.
    pub server: u64,
}

/// One rate that was tried.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Level {
    /// Sign-ins a second that were asked for.
    pub per_s: f64,
    /// Why it was tried.
    #[serde(rename = "stage")]
    pub phase: SearchPhase,
    /// Number of runs.
    pub runs: u32,
    /// Number of runs that passed.
    pub runs_passed: u32,
    /// Whether it passed.
    pub passed: bool,
    /// Why the last failed run failed; empty if the level passed.
    pub reasons: Vec<Reason>,
    /// The figures of the last run with the level's result.
    pub figures: Figures,
}

/// Why a level was tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchPhase {
    /// On the way up.
    Climb,
    /// Between a level that passed and one that did not.
    Halve,
    /// A long run at the answer.
    Confirm,
}

impl SearchPhase {
    /// `climb`, `halve` or `confirm`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Climb => "climb",
            Self::Halve => "halve",
            Self::Confirm => "confirm",
        }
    }
}

/// The figures of a run.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct Figures {
    /// What the generator offered.
    pub offered_per_s: Option<f64>,
    /// Answered sign-ins per second, from the first intended start to the last end, including the drain of
    /// the last sign-ins.
    pub achieved_per_s: Option<f64>,
    /// Median latency from the intended start.
    pub p50_us: Option<u64>,
    /// 90th percentile.
    pub p90_us: Option<u64>,
    /// 99th percentile.
    pub p99_us: Option<u64>,
    /// Longest.
    pub max_us: Option<u64>,
    /// Growth of the median latency per second; 10,000 means falling behind by 1 %.
    pub latency_growth_us_per_s: Option<i64>,
    /// CPU time of the clients' side for each sign-in.
    pub client_us_per_sign_in: Option<u64>,
    /// CPU time of the pool's side.
    pub server_us_per_sign_in: Option<u64>,
}

/// A reason against a run.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// An objective failed, or could not be measured.
    Objective {
        /// The objective as configured.
        text: String,
        /// What was measured.
        value: Option<f64>,
        /// Its unit.
        unit: Unit,
    },
    /// More than 1 % of the sign-ins were abandoned or could not start.
    Unanswered {
        /// The share of them.
        share: f64,
    },
    /// The pool answers less than 99 % of the due sign-ins in time, so its queue grows.
    FallsBehind {
        /// Growth of the median latency per second.
        us_per_s: u64,
    },
    /// The generator could not keep up.
    Generator {
        /// Why.
        why: String,
        /// What it was short of.
        short_of: Shortage,
    },
    /// No user was idle, because the users were waiting for the pool.
    AllWait {
        /// Number of users.
        users: u64,
    },
    /// Too few sign-ins to decide whether the pool keeps up.
    TooFew {
        /// Number of sign-ins.
        sign_ins: u64,
        /// Approximate number needed.
        needed: u64,
    },
    /// More than 1 % of the sign-ins got no answer from the target.
    NoAnswer {
        /// Their share.
        share: f64,
    },
    /// Decisions differ from the rules.
    Mismatched {
        /// How many.
        count: u64,
    },
    /// The run was canceled.
    Interrupted,
}

/// The estimate for a wanted rate.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CoreEstimate {
    /// Sign-ins a second.
    pub per_s: f64,
    /// The multiple of the measured rate.
    pub times: Range,
    /// Cores of the pool, assuming linear scaling; null for a remote pool.
    pub server_cores: Option<Range>,
    /// Cores of the load generator, assuming linear scaling.
    pub client_cores: Option<Range>,
}

/// An estimate for each bound of the answer.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Range {
    /// The estimate if the pool sustains nearly the lowest rate that failed; null if none failed.
    pub least: Option<f64>,
    /// The estimate if the pool sustains only the highest rate that passed.
    pub most: f64,
}

impl CoreEstimate {
    /// Scales the measured cores linearly to the wanted rate.
    pub(super) fn of(per_s: f64, answer: &CapacityEstimate) -> Self {
        let times = Range {
            least: answer.below_per_s.map(|rate| rounded(per_s / rate)),
            most: rounded(per_s / answer.per_s),
        };
        let of = |cores: u64| Range {
            least: times.least.map(|least| rounded(least * cores as f64)),
            most: rounded(times.most * cores as f64),
        };
        Self {
            per_s,
            times,
            server_cores: answer.cores.map(|cores| of(cores.server)),
            client_cores: answer.cores.and_then(|cores| cores.client).map(of),
        }
    }
}

fn rounded(number: f64) -> f64 {
    rounding::rounded(number, 3)
}

impl Capacity {
    /// The version of the form.
    pub const SCHEMA_VERSION: u32 = 1;

    /// Returns the result as JSON: indented, with a final newline.
    pub fn to_json(&self) -> String {
        // Keys are strings and numbers are finite, so serialization cannot fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
