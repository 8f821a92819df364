//! What a capacity search found, as data: the fields of `--format json`, in its order.
//!
//! Times are integers in µs, rates sign-ins a second, `null` is "cannot be said".

use serde::Serialize;

use super::usl::Usl;
use crate::clock::ClockKind;
use crate::report::{Shortage, Unit};
use crate::rounding;

/// How much a pool takes.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Capacity {
    /// The version of this form: 1. It rises when a field changes its meaning or goes.
    pub schema_version: u32,
    /// The scenario's name.
    pub scenario: String,
    /// Its file.
    pub file: String,
    /// The seed that the seeds of all runs follow from.
    pub seed: u64,
    /// The clock of all runs.
    pub clock: ClockKind,
    /// The SRP group.
    pub group: String,
    /// The pool: `embedded`, or a URL.
    pub target: String,
    /// What had to hold.
    pub objectives: Vec<String>,
    /// How it came out.
    pub verdict: Verdict,
    /// The answer; absent where no level passed.
    pub answer: Option<CapacityEstimate>,
    /// The levels that were tried, in their order.
    pub levels: Vec<Level>,
    /// How throughput follows concurrency, where that was asked for and can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usl: Option<Usl>,
    /// What a wanted rate takes, where one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<CoreEstimate>,
}

/// How a search came out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verdict {
    /// The exit code.
    pub exit_code: u8,
    /// What is to be said, the most important first.
    pub sentences: Vec<String>,
}

/// The highest rate at which everything held.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CapacityEstimate {
    /// The highest rate that passed.
    pub per_s: f64,
    /// The lowest that did not; null where none was found.
    pub below_per_s: Option<f64>,
    /// Whether it held in the long run at the end.
    pub confirmed: bool,
    /// What ended the search upward.
    pub limit: Limit,
    /// The cores that it was measured on; null for a pool elsewhere.
    pub cores: Option<Cores>,
    /// What the run at this rate showed: the long one where it passed.
    pub figures: Figures,
}

/// What ended the search upward.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// An objective did not hold any more, or the pool fell behind.
    Pool,
    /// The generator could not keep up: the pool may take more.
    Generator,
    /// Nothing above was tried.
    Range,
}

/// Cores, or worker threads, by side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Cores {
    /// The clients' threads; null by the virtual clock, where every client has a device of its own.
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
    /// How often it was played, and how often it passed.
    pub runs: u32,
    /// So many of them passed.
    pub runs_passed: u32,
    /// Whether it passed.
    pub passed: bool,
    /// What spoke against it in the last run that failed; empty if it passed.
    pub reasons: Vec<Reason>,
    /// What the last run of its verdict showed.
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

/// What a run showed.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct Figures {
    /// What the generator offered.
    pub offered_per_s: Option<f64>,
    /// What was answered, from the first intended start to the last end: the way out of the last sign-ins
    /// counts.
    pub achieved_per_s: Option<f64>,
    /// Median latency from the intended start.
    pub p50_us: Option<u64>,
    /// 90th percentile.
    pub p90_us: Option<u64>,
    /// 99th percentile.
    pub p99_us: Option<u64>,
    /// Longest.
    pub max_us: Option<u64>,
    /// By how much the median latency grew each second: 10,000 is falling behind by 1 %.
    pub latency_growth_us_per_s: Option<i64>,
    /// CPU time of the clients' side for each sign-in.
    pub client_us_per_sign_in: Option<u64>,
    /// CPU time of the pool's side.
    pub server_us_per_sign_in: Option<u64>,
}

/// What speaks against a run.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// An objective does not hold, or cannot be told.
    Objective {
        /// As it was asked for.
        text: String,
        /// What was measured.
        value: Option<f64>,
        /// Its unit.
        unit: Unit,
    },
    /// More than one of a hundred sign-ins were given up, or could not start.
    Unanswered {
        /// The share of them.
        share: f64,
    },
    /// The pool answers less than 99 of 100 in the time in which they come: its queue grows.
    FallsBehind {
        /// By so much does the median latency grow each second.
        us_per_s: u64,
    },
    /// The generator could not keep up.
    Generator {
        /// Why.
        why: String,
        /// What it was short of.
        short_of: Shortage,
    },
    /// Nobody was free to sign in, since the users were waiting for the pool.
    AllWait {
        /// So many there are.
        users: u64,
    },
    /// Too few sign-ins came in the time that there was: whether the pool keeps up cannot be told.
    TooFew {
        /// So many came.
        sign_ins: u64,
        /// It takes about so many.
        needed: u64,
    },
    /// More than one of a hundred sign-ins got no answer from the target.
    NoAnswer {
        /// The share of them.
        share: f64,
    },
    /// Decisions differ from what the rules ask.
    Mismatched {
        /// How many.
        count: u64,
    },
    /// The run was cut short.
    Interrupted,
}

/// What a wanted rate takes.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CoreEstimate {
    /// Sign-ins a second.
    pub per_s: f64,
    /// How many times what was measured.
    pub times: Range,
    /// Cores of the pool, if a core more brings what a core brings; null for a pool elsewhere.
    pub server_cores: Option<Range>,
    /// Cores to make such a load with, the same way.
    pub client_cores: Option<Range>,
}

/// From the bounds of the answer.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Range {
    /// If the pool takes nearly as much as the lowest rate that failed; null where none did.
    pub least: Option<f64>,
    /// If it takes no more than the highest that passed.
    pub most: f64,
}

impl CoreEstimate {
    /// As many times more as is wanted: a core more is taken to bring what a core brings.
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

    /// The findings as JSON: indented, with a line end at the end.
    pub fn to_json(&self) -> String {
        // Keys are text and numbers finite: nothing here can fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
