//! The parts of the report besides the measurements.

use super::{RunInputs, RunOptions, health, stages, thresholds};
use crate::actors::Finished;
use crate::clock::ClockKind;
use crate::compute::ComputeUsage;
use crate::endpoint::EndpointConfig;
use crate::metrics::Snapshot;
use crate::report::{
    CpuSpent, Devices, Environment, MachineLoad, NamedFile, Report, RunInfo, Shards, SideWorkers,
    StageSummary, Workers,
};
use crate::scenario::{Scenario, ScheduleFile};
use crate::workload::{run_target_per_s, target_per_s};
use poolproof_cognito::time::Timestamp;

/// What a report says about a run that neither its scenario nor its recorder knows.
#[derive(Debug)]
pub(super) struct Description {
    pub(super) files: Vec<NamedFile>,
    pub(super) stages: Vec<StageSummary>,
    pub(super) target: String,
    pub(super) target_options: Vec<String>,
    pub(super) machine: Option<MachineLoad>,
    pub(super) environment: Option<Environment>,
    pub(super) left_behind: Option<String>,
    pub(super) shards: Option<Shards>,
    /// Whether the load was not that of the scenario's stages.
    pub(super) live_load: bool,
}

impl Description {
    /// Describes the run of these inputs, which started at this time.
    pub(super) fn of(
        inputs: RunInputs<'_>,
        machine: Option<MachineLoad>,
        left_behind: Option<String>,
        started: Timestamp,
    ) -> Self {
        let endpoint = inputs.options.endpoint.as_ref();
        Self {
            files: files(inputs.scenario),
            stages: stages::stages(inputs.scenario),
            target: target(endpoint),
            target_options: endpoint.map(|at| at.options.clone()).unwrap_or_default(),
            machine,
            environment: environment(inputs.scenario, inputs.options, started),
            left_behind,
            shards: None,
            live_load: false,
        }
    }
}

/// Returns the report of a run and its measurements.
pub(super) fn report(
    inputs: RunInputs<'_>,
    usage: &[ComputeUsage; 2],
    description: Description,
    mut finished: Finished,
) -> (Report, Snapshot) {
    let devices = Devices::new(std::mem::take(&mut finished.devices), finished.new_devices);
    let (run_info, measured) = run_info(inputs, usage, description, finished);
    (Report { devices, ..Report::new(run_info, &measured.summary()) }, measured)
}

/// Evaluates the thresholds and describes the run. Returns the description and the measurements.
fn run_info(
    inputs: RunInputs<'_>,
    [client, server]: &[ComputeUsage; 2],
    description: Description,
    finished: Finished,
) -> (RunInfo, Snapshot) {
    let RunInputs { scenario, options, group, .. } = inputs;
    let workers = Workers {
        backend: group.backend().map(|backend| backend.to_string()),
        client: side(client),
        server: side(server),
    };
    let thresholds = thresholds::evaluate(&scenario.thresholds, &finished.recorder, finished.abort);
    let measured = finished.recorder.into_snapshot();
    let summary = measured.summary();
    let Description {
        files, stages, target, target_options, machine, environment, left_behind, shards, ..
    } = description;
    let asked = |rate: Option<f64>| rate.filter(|_| !description.live_load);
    let embedded = target == EMBEDDED;
    let cpu = client.cpu.map(|client| CpuSpent { client, server: server.cpu.filter(|_| embedded) });
    let (short_of, saturated) =
        health::saturated(scenario, &summary, client, &finished.arrival_counts).unzip();
    let whole = !finished.interrupted;
    let unmeasured = whole.then(|| health::unmeasured(scenario, &summary)).flatten();
    let run_info = RunInfo {
        name: scenario.name.clone(),
        about: scenario.about.clone(),
        file: options.file.clone(),
        yaml: options.text.clone(),
        files,
        workloads: scenario
            .workloads
            .iter()
            .map(|plan| (plan.name.clone(), asked(target_per_s(plan))))
            .collect(),
        stages,
        seed: scenario.seed.number(),
        clock: scenario.clock,
        group: group.name().to_owned(),
        options: options.replay_options.clone(),
        target_options,
        target,
        partial: finished.interrupted,
        left_behind,
        asked_per_s: asked(run_target_per_s(scenario)),
        cpu,
        workers: Some(workers),
        modexps: client.modexps + server.modexps,
        thresholds,
        saturated,
        unmeasured,
        short_of,
        machine,
        environment,
        shards,
    };
    (run_info, measured)
}

/// The name of the embedded pool in reports.
const EMBEDDED: &str = "embedded";

/// Returns the name of the target in reports.
pub(super) fn target(endpoint: Option<&EndpointConfig>) -> String {
    endpoint.map_or_else(|| EMBEDDED.to_owned(), |at| at.address.to_string())
}

/// Returns the machine of a run under the wall clock.
pub(super) fn environment(
    scenario: &Scenario,
    options: &RunOptions,
    started: Timestamp,
) -> Option<Environment> {
    let wall = scenario.clock == ClockKind::Wall;
    wall.then(|| Environment::here(options.command.clone(), started))
}

/// Returns the files that a scenario names, each once.
pub(super) fn files(scenario: &Scenario) -> Vec<NamedFile> {
    let mut files: Vec<NamedFile> = Vec::new();
    for ScheduleFile { path, text } in scenario.workloads.iter().filter_map(|plan| plan.schedule.as_ref()) {
        if files.iter().all(|file| file.path != *path) {
            files.push(NamedFile { path: path.clone(), text: text.clone() });
        }
    }
    files
}

fn side(usage: &ComputeUsage) -> SideWorkers {
    SideWorkers {
        threads: usage.threads,
        jobs: usage.jobs,
        prepared: usage.prepared,
        batches: usage.batches,
        deepest_queue: usage.max_queue_depth,
        waited_p50_us: usage.waited_us.value_at_quantile(0.5),
        waited_p99_us: usage.waited_us.value_at_quantile(0.99),
    }
}
