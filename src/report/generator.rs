//! The generator and its machine, as in `report.json`.

use serde::{Deserialize, Serialize};

/// Lag of sign-in starts, without warm-up.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Generator {
    /// Median.
    pub lag_p50_us: Option<u64>,
    /// 99th percentile.
    pub lag_p99_us: Option<u64>,
    /// Maximum.
    pub lag_max_us: Option<u64>,
    /// Sign-ins that could not start because no user was idle; they count as offered.
    pub dropped: u64,
    /// Why the numbers of this report are unreliable; null if they are not.
    pub saturated: Option<String>,
    /// The resource that the generator lacked. Omitted if it lacked none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_of: Option<Shortage>,
    /// The worker threads; absent under the virtual clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<Workers>,
    /// The load of the machine; absent under the virtual clock and if the system does not report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineLoad>,
}

/// The load of the machine during the run.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct MachineLoad {
    /// Share of CPU steal; null if the system does not report it.
    pub steal_share: Option<f64>,
    /// CPU quota of the process's control group in cores; omitted without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_quota: Option<f64>,
    /// Share of the scheduler's periods in which the quota was used up; omitted without a quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_share: Option<f64>,
    /// Load average of the minute before the run.
    pub load_before: f64,
    /// Load average of its last minute.
    pub load_after: f64,
}

impl MachineLoad {
    /// Returns the worse figures of two machines.
    pub fn worse(one: Option<Self>, two: Option<Self>) -> Option<Self> {
        let (Some(one), Some(two)) = (one, two) else { return one.or(two) };
        let pick = |one: Option<f64>, two: Option<f64>, worse: fn(f64, f64) -> f64| {
            one.zip(two).map(|(one, two)| worse(one, two)).or(one).or(two)
        };
        Some(Self {
            steal_share: pick(one.steal_share, two.steal_share, f64::max),
            cpu_quota: pick(one.cpu_quota, two.cpu_quota, f64::min),
            throttled_share: pick(one.throttled_share, two.throttled_share, f64::max),
            load_before: one.load_before.max(two.load_before),
            load_after: one.load_after.max(two.load_after),
        })
    }
}

/// The worker threads of both sides.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Workers {
    /// The kernel for modular powers; absent for the toy group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// The workers of users and devices.
    pub client: SideWorkers,
    /// The workers of the pool.
    pub server: SideWorkers,
}

/// The work of one side's workers, warm-up included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SideWorkers {
    /// Threads.
    pub threads: usize,
    /// Jobs done.
    pub jobs: u64,
    /// Jobs whose power of g was precomputed, so that they were in no batch.
    #[serde(default)]
    pub prepared: u64,
    /// Batches of the other jobs.
    pub batches: u64,
    /// Longest queue of jobs.
    pub deepest_queue: usize,
    /// Median wait of jobs for a thread.
    pub waited_p50_us: u64,
    /// 99th percentile of that wait.
    pub waited_p99_us: u64,
}

/// The resource whose lack kept the generator from the scenario's rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortage {
    /// Idle users in the population.
    Users,
    /// CPU cores: sign-ins started late, or computations of the clients waited.
    Cores,
    /// Open files, ports or memory for the generator's connections.
    Limits,
}
