//! The parts of the report besides the measurements.

use super::{RunInputs, health, stages, thresholds};
use crate::actors::Finished;
use crate::clock::ClockKind;
use crate::compute::ComputeUsage;
use crate::metrics::Snapshot;
use crate::report::{CpuSpent, Environment, MachineLoad, NamedFile, RunInfo, SideWorkers, Workers};
use crate::scenario::{Scenario, ScheduleFile};
use crate::workload::{run_target_per_s, target_per_s};

/// Evaluates the thresholds and describes the run. Returns the description and the measurements.
pub(super) fn run_info(
    inputs: RunInputs<'_>,
    [client, server]: &[ComputeUsage; 2],
    machine: Option<MachineLoad>,
    finished: Finished,
    left_behind: Option<String>,
) -> (RunInfo, Snapshot) {
    let RunInputs { scenario, options, group, .. } = inputs;
    let workers = Workers {
        backend: group.backend().map(|backend| backend.to_string()),
        client: side(client),
        server: side(server),
    };
    let started = finished.started;
    let thresholds = thresholds::evaluate(&scenario.thresholds, &finished.recorder, finished.abort);
    let measured = finished.recorder.into_snapshot();
    let summary = measured.summary();
    let endpoint = options.endpoint.as_ref();
    let cpu = client.cpu.map(|client| CpuSpent { client, server: server.cpu.filter(|_| endpoint.is_none()) });
    let (short_of, saturated) =
        health::saturated(scenario, &summary, client, &finished.arrival_counts).unzip();
    let whole = !finished.interrupted;
    let unmeasured = whole.then(|| health::unmeasured(scenario, &summary)).flatten();
    let run_info = RunInfo {
        name: scenario.name.clone(),
        about: scenario.about.clone(),
        file: options.file.clone(),
        yaml: options.text.clone(),
        files: files(scenario),
        workloads: scenario.workloads.iter().map(|plan| (plan.name.clone(), target_per_s(plan))).collect(),
        stages: stages::stages(scenario),
        seed: scenario.seed.number(),
        clock: scenario.clock,
        group: group.name().to_owned(),
        options: options.replay_options.clone(),
        target_options: endpoint.map(|at| at.options.clone()).unwrap_or_default(),
        target: endpoint.map_or_else(|| "embedded".to_owned(), |at| at.address.to_string()),
        partial: finished.interrupted,
        left_behind,
        asked_per_s: run_target_per_s(scenario),
        cpu,
        workers: Some(workers),
        modexps: client.modexps + server.modexps,
        thresholds,
        saturated,
        unmeasured,
        short_of,
        machine,
        environment: (scenario.clock == ClockKind::Wall)
            .then(|| Environment::here(options.command.clone(), started)),
    };
    (run_info, measured)
}

/// Returns the files that a scenario names, each once.
fn files(scenario: &Scenario) -> Vec<NamedFile> {
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
