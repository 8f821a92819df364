//! How long workloads are and how much they ask for.

use std::time::Duration;

use super::arrival_times::{ArrivalTimes, until};
use crate::scenario::{Model, OpenStage, Scenario, WorkloadPlan};

/// Length of a workload. Where it ends after a number of sign-ins: until so many have been asked for, on average.
pub fn length(plan: &WorkloadPlan) -> Duration {
    let whole = plan.model.length();
    let by_time = plan.limits.stops_after.map_or(whole, |end| whole.min(end));
    let (Model::Open { stages, .. }, Some(most)) = (&plan.model, plan.limits.at_most) else { return by_time };
    let by_count = ArrivalTimes::new(stages.clone(), None).time_at(most as f64).map(|(at, _)| at);
    by_count.map_or(by_time, |end| by_time.min(end))
}

/// Length of the warm-up, which comes first.
pub fn warm_up(plan: &WorkloadPlan) -> Duration {
    plan.model.warm_up().min(length(plan))
}

/// Length of what is measured, between warm-up and cool-down.
pub fn measured(plan: &WorkloadPlan) -> Duration {
    let end = (plan.model.length() - plan.model.cool_down()).min(length(plan));
    end.saturating_sub(warm_up(plan))
}

/// Sign-ins a second that the measured part asks for, on average; `None` in a closed workload, which asks for none.
pub fn target_per_s(plan: &WorkloadPlan) -> Option<f64> {
    per_second(measured_sign_ins(plan)?, measured(plan))
}

/// How many sign-ins are expected in the measured part: exactly so many when they come evenly, on average when by chance;
/// `None` in a closed workload.
pub fn measured_sign_ins(plan: &WorkloadPlan) -> Option<f64> {
    match &plan.model {
        Model::Open { stages, .. } => {
            let measured = |stage: &_| !is_excluded(stage);
            Some(until(stages, length(plan)).filter(measured).map(|stage| stage.expected_sign_ins()).sum())
        }
        Model::Closed { .. } => None,
    }
}

fn is_excluded(stage: &OpenStage) -> bool {
    stage.warm_up || stage.cool_down
}

/// The stages of an open workload, the last as far as it comes; none of a closed one.
pub fn open_stages(plan: &WorkloadPlan) -> Vec<OpenStage> {
    match &plan.model {
        Model::Open { stages, .. } => until(stages, length(plan)).collect(),
        Model::Closed { .. } => Vec::new(),
    }
}

/// Length of the run: until its last workload ends.
pub fn run_length(scenario: &Scenario) -> Duration {
    scenario.workloads.iter().map(|plan| plan.starts_at + length(plan)).max().unwrap_or_default()
}

/// Sign-ins a second that all workloads together ask for, on average from where the first is measured to where the last is;
/// `None` where one of them is closed.
pub fn run_target_per_s(scenario: &Scenario) -> Option<f64> {
    let counts: Option<f64> = scenario.workloads.iter().map(measured_sign_ins).sum();
    let (first, last) = run_measured_span(scenario);
    per_second(counts?, last.saturating_sub(first))
}

/// From where to where a workload's load is on, since the start of the run: from the end of its warm-up to the start of its
/// cool-down. Where it ends after a number of sign-ins, that may be earlier: when, the run itself tells.
pub fn load_span(plan: &WorkloadPlan) -> (Duration, Duration) {
    let whole = plan.model.length() - plan.model.cool_down();
    let end = plan.limits.stops_after.map_or(whole, |end| whole.min(end));
    (plan.starts_at + plan.model.warm_up().min(end), plan.starts_at + end)
}

/// From where to where a workload is measured, since the start of the run.
fn measured_span(plan: &WorkloadPlan) -> (Duration, Duration) {
    let from = plan.starts_at + warm_up(plan);
    (from, from + measured(plan))
}

/// From where the first workload is measured to where the last is, since the start of the run.
pub fn run_measured_span(scenario: &Scenario) -> (Duration, Duration) {
    let spans = || scenario.workloads.iter().map(measured_span);
    let first = spans().map(|(from, _)| from).min().unwrap_or_default();
    (first, spans().map(|(_, until)| until).max().unwrap_or_default())
}

fn per_second(count: f64, time: Duration) -> Option<f64> {
    (!time.is_zero()).then(|| count / time.as_secs_f64())
}
