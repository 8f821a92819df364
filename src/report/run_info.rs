//! What was run: everything that a report tells and that was not measured by a recorder.

use std::time::Duration;

use super::{Environment, MachineLoad, NamedFile, Shortage, StageSummary, ThresholdResult, Workers};
use crate::clock::ClockKind;

/// CPU time that a run spent on each side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CpuSpent {
    /// By the generator's sign-ins.
    pub client: Duration,
    /// By the pool, where it is part of the run.
    pub server: Option<Duration>,
}

/// What was run, and what only the caller can know about how it went.
#[derive(Clone, PartialEq, Debug)]
pub struct RunInfo {
    /// The scenario's name.
    pub name: String,
    /// The line that says why the scenario exists.
    pub about: String,
    /// The scenario's file as the command line named it, for replaying.
    pub file: String,
    /// The scenario's text.
    pub yaml: String,
    /// The files that it names.
    pub files: Vec<NamedFile>,
    /// Its workloads in their order, each with the mean rate that it asks for.
    pub workloads: Vec<(String, Option<f64>)>,
    /// The stages of all workloads.
    pub stages: Vec<StageSummary>,
    /// The seed that the run used.
    pub seed: u64,
    /// The clock that it lived by.
    pub clock: ClockKind,
    /// The SRP group: `cognito` or `toy`.
    pub group: String,
    /// The pool: `embedded`, or the URL of another.
    pub target: String,
    /// What the command line said of it besides, word by word.
    pub target_options: Vec<String>,
    /// Whether the run was interrupted.
    pub partial: bool,
    /// What was made at a target for the run and could not be removed, and why.
    pub left_behind: Option<String>,
    /// Mean rate that the scenario asks for after the warm-up; `None` when the users set the pace (closed
    /// model).
    pub asked_per_s: Option<f64>,
    /// CPU time of the whole run; not told under the virtual clock.
    pub cpu: Option<CpuSpent>,
    /// Where arithmetic ran; not told under the virtual clock.
    pub workers: Option<Workers>,
    /// Modular exponentiations of the whole run, both sides.
    pub modexps: u64,
    /// The thresholds, evaluated.
    pub thresholds: Vec<ThresholdResult>,
    /// Why the generator's numbers cannot be trusted, if they cannot: one sentence.
    pub saturated: Option<String>,
    /// Why of some workload nothing was measured, where that is so: one sentence.
    pub unmeasured: Option<String>,
    /// What the generator was short of, if that is why.
    pub short_of: Option<Shortage>,
    /// How busy the machine was; not told under the virtual clock.
    pub machine: Option<MachineLoad>,
    /// The machine; not told under the virtual clock.
    pub environment: Option<Environment>,
}
