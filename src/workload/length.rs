//! Lengths and expected sign-ins of workloads.

use std::time::Duration;

use super::arrival_times::{ArrivalTimes, truncate_stages};
use crate::scenario::{Model, OpenStage, Scenario, WorkloadPlan};

/// Returns the length of a workload. If a number of sign-ins ends it, this is the time at which the expected
/// number of sign-ins reaches the limit.
pub fn length(plan: &WorkloadPlan) -> Duration {
    let whole = plan.model.length();
    let by_time = plan.limits.stops_after.map_or(whole, |end| whole.min(end));
    let (Model::Open { stages, .. }, Some(most)) = (&plan.model, plan.limits.at_most) else { return by_time };
    let by_count = ArrivalTimes::new(stages.clone(), None).time_at(most as f64).map(|(at, _)| at);
    by_count.map_or(by_time, |end| by_time.min(end))
}

/// Returns the length of the warm-up, which comes first.
pub fn warm_up(plan: &WorkloadPlan) -> Duration {
    plan.model.warm_up().min(length(plan))
}

/// Returns the length of the measured part between warm-up and cool-down.
pub fn measured(plan: &WorkloadPlan) -> Duration {
    let end = (plan.model.length() - plan.model.cool_down()).min(length(plan));
    end.saturating_sub(warm_up(plan))
}

/// Returns the mean rate of the measured part in sign-ins per second; `None` for a closed workload.
pub fn target_per_s(plan: &WorkloadPlan) -> Option<f64> {
    per_second(measured_sign_ins(plan)?, measured(plan))
}

/// Returns the expected number of sign-ins in the measured part; exact for constant arrivals. `None` for a
/// closed workload.
pub fn measured_sign_ins(plan: &WorkloadPlan) -> Option<f64> {
    match &plan.model {
        Model::Open { stages, .. } => {
            let measured = |stage: &_| !is_excluded(stage);
            Some(
                truncate_stages(stages, length(plan))
                    .filter(measured)
                    .map(|stage| stage.expected_sign_ins())
                    .sum(),
            )
        }
        Model::Closed { .. } => None,
    }
}

fn is_excluded(stage: &OpenStage) -> bool {
    stage.warm_up || stage.cool_down
}

/// Returns the stages of an open workload up to its end; no stages for a closed one.
pub fn open_stages(plan: &WorkloadPlan) -> Vec<OpenStage> {
    match &plan.model {
        Model::Open { stages, .. } => truncate_stages(stages, length(plan)).collect(),
        Model::Closed { .. } => Vec::new(),
    }
}

/// Returns the time until the last workload ends.
pub fn run_length(scenario: &Scenario) -> Duration {
    scenario.workloads.iter().map(|plan| plan.starts_at + length(plan)).max().unwrap_or_default()
}

/// Returns the mean rate of all workloads in sign-ins per second over the measured span of the run; `None` if
/// one of them is closed.
pub fn run_target_per_s(scenario: &Scenario) -> Option<f64> {
    let counts: Option<f64> = scenario.workloads.iter().map(measured_sign_ins).sum();
    let (first, last) = run_measured_span(scenario);
    per_second(counts?, last.saturating_sub(first))
}

/// Returns start and end of a workload's load, since the start of the run: from the end of its warm-up to the
/// start of its cool-down. A limit on the number of sign-ins may end it earlier; only the run knows when.
pub fn load_span(plan: &WorkloadPlan) -> (Duration, Duration) {
    let whole = plan.model.length() - plan.model.cool_down();
    let end = plan.limits.stops_after.map_or(whole, |end| whole.min(end));
    (plan.starts_at + plan.model.warm_up().min(end), plan.starts_at + end)
}

/// Returns start and end of the measured part of a workload, since the start of the run.
fn measured_span(plan: &WorkloadPlan) -> (Duration, Duration) {
    let from = plan.starts_at + warm_up(plan);
    (from, from + measured(plan))
}

/// Returns the start of the first measured part and the end of the last, since the start of the run.
pub fn run_measured_span(scenario: &Scenario) -> (Duration, Duration) {
    let spans = || scenario.workloads.iter().map(measured_span);
    let first = spans().map(|(from, _)| from).min().unwrap_or_default();
    (first, spans().map(|(_, until)| until).max().unwrap_or_default())
}

/// Returns the measured span of a workload; `None` if a number of sign-ins ends it, at a time that only the
/// run knows.
pub fn known_load(plan: &WorkloadPlan) -> Option<(Duration, Duration)> {
    plan.limits.at_most.is_none().then(|| measured_span(plan))
}

/// Returns the measured span of a run, as [`known_load`] does.
pub fn known_run_load(scenario: &Scenario) -> Option<(Duration, Duration)> {
    let known = scenario.workloads.iter().all(|plan| known_load(plan).is_some());
    known.then(|| run_measured_span(scenario))
}

fn per_second(count: f64, time: Duration) -> Option<f64> {
    (!time.is_zero()).then(|| count / time.as_secs_f64())
}
