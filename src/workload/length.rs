//! How long a workload is and how much it asks for.

use std::time::Duration;

use super::arrivals::asked_for;
use crate::scenario::{Model, WorkloadPlan};

/// Length of the whole workload.
pub fn length(plan: &WorkloadPlan) -> Duration {
    warm_up(plan) + measured(plan)
}

/// Length of the warm-up, which comes first.
pub fn warm_up(plan: &WorkloadPlan) -> Duration {
    sum(plan, true)
}

/// Length of what is measured.
pub fn measured(plan: &WorkloadPlan) -> Duration {
    sum(plan, false)
}

/// Sign-ins a second that the measured part asks for, on average; `None` in a closed workload, which asks for none.
pub fn asked_per_s(plan: &WorkloadPlan) -> Option<f64> {
    expected_count(plan).map(|count| count / measured(plan).as_secs_f64())
}

/// How many sign-ins are expected in the measured part: exactly so many when they come evenly, on average when they
/// come as a Poisson process; `None` in a closed workload.
pub fn expected_count(plan: &WorkloadPlan) -> Option<f64> {
    match &plan.model {
        Model::Open { stages, .. } => Some(stages.iter().filter(|stage| !stage.warm_up).map(asked_for).sum()),
        Model::Closed { .. } => None,
    }
}

fn sum(plan: &WorkloadPlan, warm_up: bool) -> Duration {
    let of = |stages: &mut dyn Iterator<Item = (bool, Duration)>| {
        stages.filter(|(warms_up, _)| *warms_up == warm_up).map(|(_, length)| length).sum()
    };
    match &plan.model {
        Model::Open { stages, .. } => of(&mut stages.iter().map(|stage| (stage.warm_up, stage.length))),
        Model::Closed { stages, .. } => of(&mut stages.iter().map(|stage| (stage.warm_up, stage.length))),
    }
}
