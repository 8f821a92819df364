//! The facts about a run that its recorder does not measure.

use std::time::Duration;

use super::{Environment, MachineLoad, NamedFile, Shards, Shortage, StageSummary, ThresholdResult, Workers};
use crate::clock::ClockKind;

/// CPU time of each side of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CpuSpent {
    /// CPU time of the generator's sign-ins.
    pub client: Duration,
    /// CPU time of the pool, if it is part of the run.
    pub server: Option<Duration>,
}

/// The facts about a run that only the caller knows.
#[derive(Clone, PartialEq, Debug)]
pub struct RunInfo {
    /// The scenario's name.
    pub name: String,
    /// The description: why the scenario exists.
    pub about: String,
    /// The scenario's path as the command line gives it, to reproduce the run.
    pub file: String,
    /// The scenario's text.
    pub yaml: String,
    /// The files that it refers to.
    pub files: Vec<NamedFile>,
    /// The workloads in the scenario's order, each with its mean configured rate.
    pub workloads: Vec<(String, Option<f64>)>,
    /// The stages of all workloads.
    pub stages: Vec<StageSummary>,
    /// The seed that the run used.
    pub seed: u64,
    /// The clock of the run.
    pub clock: ClockKind,
    /// The SRP group: `cognito` or `toy`.
    pub group: String,
    /// The pool: `embedded`, or the URL of another.
    pub target: String,
    /// Options of the command line that change the scenario or the end of the run, word by word.
    pub options: Vec<String>,
    /// Other target options of the command line, word by word.
    pub target_options: Vec<String>,
    /// Whether the run was interrupted.
    pub partial: bool,
    /// The resources that the run created at a target and could not delete, with the reason.
    pub left_behind: Option<String>,
    /// Mean configured rate after the warm-up; `None` in a closed model, where the users determine the rate.
    pub asked_per_s: Option<f64>,
    /// CPU time of the whole run; `None` under the virtual clock.
    pub cpu: Option<CpuSpent>,
    /// The worker threads that computed; `None` under the virtual clock.
    pub workers: Option<Workers>,
    /// Modular exponentiations of the whole run, both sides.
    pub modexps: u64,
    /// The thresholds, evaluated.
    pub thresholds: Vec<ThresholdResult>,
    /// Why the generator's measurements are unreliable, if they are: one sentence.
    pub saturated: Option<String>,
    /// Why a workload has no measurements, if that is so: one sentence.
    pub unmeasured: Option<String>,
    /// The resource that the generator lacked, if that is the reason.
    pub short_of: Option<Shortage>,
    /// Load of the machine; `None` under the virtual clock.
    pub machine: Option<MachineLoad>,
    /// The machine; `None` under the virtual clock.
    pub environment: Option<Environment>,
    /// How the run was divided, if the report cannot say the same as that of an undivided run.
    pub shards: Option<Shards>,
}
