//! The work after every second of a run: load of the worker threads, and thresholds that cancel the run.

use std::time::Duration;

use super::thresholds;
use crate::actors::Tick;
use crate::compute::{Compute, LoadSample, Side};
use crate::metrics::WorkerLoad;
use crate::scenario::Scenario;
use crate::workload::run_measured_span;

/// Returns the tick of a run; `None` if there is nothing to do.
pub(super) fn tick(scenario: &Scenario, compute: &Compute) -> Option<Tick> {
    let (mut before, mut last_tick) = (load_samples(compute), Duration::ZERO);
    let aborts = scenario.thresholds.iter().any(|threshold| threshold.abort);
    if before.is_none() && !aborts {
        return None;
    }
    let (compute, thresholds) = (compute.clone(), scenario.thresholds.clone());
    let (from, _) = run_measured_span(scenario);
    Some(Box::new(move |recorder, elapsed| {
        let now = load_samples(&compute);
        if let (Some(before), Some(now)) = (before, now) {
            // Recorded at the middle of the interval, however late the tick is.
            recorder.load((last_tick + elapsed) / 2, load(before, now));
        }
        (before, last_tick) = (now, elapsed);
        thresholds::first_to_abort(&thresholds, recorder, elapsed, from)
    }))
}

/// Samples the load of the worker threads of clients and pool; `None` without worker threads.
fn load_samples(compute: &Compute) -> Option<[LoadSample; 2]> {
    Some([compute.load_sample(Side::Client)?, compute.load_sample(Side::Server)?])
}

fn load(before: [LoadSample; 2], now: [LoadSample; 2]) -> WorkerLoad {
    let spent = |side: usize| now[side].cpu.saturating_sub(before[side].cpu);
    WorkerLoad {
        max_queue_depth: now.map(|load_sample| load_sample.max_queue_depth),
        cpu: [spent(0), spent(1)],
    }
}
