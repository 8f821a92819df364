//! How the generator and its machine did, as `report.json` has it.

use serde::{Deserialize, Serialize};

/// How late the generator started sign-ins, without warm-up.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Generator {
    /// Median.
    pub lag_p50_us: Option<u64>,
    /// 99th percentile.
    pub lag_p99_us: Option<u64>,
    /// Most.
    pub lag_max_us: Option<u64>,
    /// Sign-ins that could not start because nobody was free; they count as offered.
    pub dropped: u64,
    /// Why the numbers of this report cannot be trusted, if so.
    pub saturated: Option<String>,
    /// What the generator was short of, if that is why; left out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_of: Option<Shortage>,
    /// Where arithmetic ran; absent under the virtual clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<Workers>,
    /// How busy the machine was; absent under the virtual clock, and where the system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineLoad>,
}

/// How busy the machine was while the run was under way.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct MachineLoad {
    /// Share of the cores' time that other machines on the same host had while this one wanted it; null where
    /// the system does not tell.
    pub steal_share: Option<f64>,
    /// Mean number of tasks that ran or wanted to in the minute before the run.
    pub load_before: f64,
    /// The same in its last minute.
    pub load_after: f64,
}

/// The worker threads of both sides.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Workers {
    /// How powers were computed; absent for the toy group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// The users' and their devices'.
    pub client: SideWorkers,
    /// The pool's.
    pub server: SideWorkers,
}

/// What one side's workers did, warm-up too.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SideWorkers {
    /// Threads.
    pub threads: usize,
    /// Jobs done.
    pub jobs: u64,
    /// Jobs for which a power of g lay ready, so that they came into no batch.
    #[serde(default)]
    pub prepared: u64,
    /// Batches that the others were done in.
    pub batches: u64,
    /// Jobs that waited at the same time, at most.
    pub deepest_queue: usize,
    /// How long jobs waited for a thread, median.
    pub waited_p50_us: u64,
    /// And the 99th percentile.
    pub waited_p99_us: u64,
}

/// What a generator that could not keep up was short of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortage {
    /// Users who were free to sign in.
    Users,
    /// Cores, to start sign-ins in time or to compute for its users.
    Cores,
}
