//! What is looked at after every second of a run: how busy the worker threads are, and what is to cut the run short.

use std::time::Duration;

use super::thresholds;
use crate::actors::Pulse;
use crate::compute::{Compute, Gauge, Side};
use crate::metrics::Load;
use crate::scenario::Scenario;
use crate::workload::run_measured;

/// The pulse of a run; `None` where there is nothing to look at.
pub(super) fn pulse(scenario: &Scenario, compute: &Compute) -> Option<Pulse> {
    let (mut before, mut looked) = (gauges(compute), Duration::ZERO);
    let aborts = scenario.thresholds.iter().any(|threshold| threshold.abort);
    if before.is_none() && !aborts {
        return None;
    }
    let (compute, thresholds) = (compute.clone(), scenario.thresholds.clone());
    let (from, _) = run_measured(scenario);
    Some(Box::new(move |recorder, elapsed| {
        let now = gauges(&compute);
        if let (Some(before), Some(now)) = (before, now) {
            // In the middle of what there was since the last look, however late this comes.
            recorder.load((looked + elapsed) / 2, load(before, now));
        }
        (before, looked) = (now, elapsed);
        thresholds::broken(&thresholds, recorder, elapsed, from)
    }))
}

/// The clients' gauge and the pool's.
fn gauges(compute: &Compute) -> Option<[Gauge; 2]> {
    Some([compute.gauge(Side::Client)?, compute.gauge(Side::Server)?])
}

fn load(before: [Gauge; 2], now: [Gauge; 2]) -> Load {
    let spent = |side: usize| now[side].cpu.saturating_sub(before[side].cpu);
    Load { deepest: now.map(|gauge| gauge.deepest), cpu: [spent(0), spent(1)] }
}
