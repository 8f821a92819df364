//! The stages of a run for its report.

use std::time::Duration;

use crate::report::{StagePart, StageSummary};
use crate::scenario::{Model, Scenario, WorkloadPlan};
use crate::workload::{length, open_stages};
use poolproof_cognito::time::as_us;

/// Returns the stages of all workloads in order.
pub(super) fn stages(scenario: &Scenario) -> Vec<StageSummary> {
    scenario.workloads.iter().flat_map(of).collect()
}

/// The target of a stage: a rate at its start and end, or a number of users.
#[derive(Clone, Copy)]
enum StageLoad {
    Rate(f64, f64),
    Users(u32),
}

/// Returns the stages of a workload within its length. A schedule, which can have many, becomes one stage per
/// part.
fn of(plan: &WorkloadPlan) -> Vec<StageSummary> {
    let end = plan.starts_at + length(plan);
    let schedule = plan.schedule.as_ref().map(|schedule| schedule.path.clone());
    let mut at = plan.starts_at;
    let mut stages: Vec<StageSummary> = Vec::new();
    for (length, part, load) in pieces(plan) {
        let from = at.min(end);
        at = (at + length).min(end);
        match stages.last_mut() {
            Some(last) if schedule.is_some() && last.part == part => last.to_us = as_us(at),
            _ if from == at => {}
            _ => stages.push(stage(plan, (from, at), part, load, schedule.clone())),
        }
    }
    stages
}

fn stage(
    plan: &WorkloadPlan,
    (from, to): (Duration, Duration),
    part: StagePart,
    load: StageLoad,
    schedule: Option<String>,
) -> StageSummary {
    let (rate, users) = match load {
        StageLoad::Rate(from, to) => (Some((from, to)).filter(|_| schedule.is_none()), None),
        StageLoad::Users(users) => (None, Some(users)),
    };
    StageSummary {
        workload: plan.name.clone(),
        from_us: as_us(from),
        to_us: as_us(to),
        part,
        from_per_s: rate.map(|(from, _)| from),
        to_per_s: rate.map(|(_, to)| to),
        users,
        schedule,
    }
}

fn pieces(plan: &WorkloadPlan) -> Vec<(Duration, StagePart, StageLoad)> {
    let part = |warm_up, cool_down| match (warm_up, cool_down) {
        (true, _) => StagePart::WarmUp,
        (_, true) => StagePart::CoolDown,
        _ => StagePart::Measured,
    };
    match &plan.model {
        Model::Open { .. } => open_stages(plan)
            .into_iter()
            .map(|one| (one.length, part(one.warm_up, one.cool_down), StageLoad::Rate(one.from, one.to)))
            .collect(),
        Model::Closed { stages, .. } => stages
            .iter()
            .map(|one| (one.length, part(one.warm_up, one.cool_down), StageLoad::Users(one.users)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    fn stages_of(workload: &str) -> Vec<(String, u64, u64, StagePart, String)> {
        let text = format!(
            "version: 1\nname: a\npool: {{ remember: no }}\npopulation: {{ users: 10 }}\n{workload}\n"
        );
        let scenario = scenario::parse("a.yaml", text.as_bytes()).unwrap_or_else(|flaw| panic!("{flaw}"));
        let load = |stage: &StageSummary| match (stage.users, stage.from_per_s.zip(stage.to_per_s)) {
            (Some(users), _) => users.to_string(),
            (_, rates) => format!("{rates:?}"),
        };
        stages(&scenario)
            .iter()
            .map(|one| {
                let s = 1_000_000;
                (one.workload.clone(), one.from_us / s, one.to_us / s, one.part, load(one))
            })
            .collect()
    }

    #[test]
    fn a_stage_ends_where_its_workload_does() {
        let both = stages_of(
            "workloads:
  - name: calm
    stages: [ { for: 10s, rate: 10/s, warm_up: true }, { for: 20s, rate: 10/s }, { for: 5s, rate: 1/s, cool_down: true } ]
  - name: storm
    starts_at: 20s
    stops_after: 15s
    stages: [ { for: 10s, rate: 20/s, to: 80/s }, { for: 10s, to: 20/s }, { for: 9s, rate: 1/s } ]",
        );
        let calm = |from, to, part, load: &str| ("calm".to_owned(), from, to, part, load.to_owned());
        let storm =
            |from, to, load: &str| ("storm".to_owned(), from, to, StagePart::Measured, load.to_owned());
        let expected = [
            calm(0, 10, StagePart::WarmUp, "Some((10.0, 10.0))"),
            calm(10, 30, StagePart::Measured, "Some((10.0, 10.0))"),
            calm(30, 35, StagePart::CoolDown, "Some((1.0, 1.0))"),
            storm(20, 30, "Some((20.0, 80.0))"),
            storm(30, 35, "Some((80.0, 50.0))"),
        ];
        assert_eq!(both, expected);
    }

    #[test]
    fn a_closed_workload_has_stages_of_users() {
        let closed = stages_of(
            "workload: { model: closed, stages: [ { for: 10s, users: 3, warm_up: true }, { for: 20s, users: 5 } ] }",
        );
        let of = |from, to, part, users: &str| ("workload".to_owned(), from, to, part, users.to_owned());
        assert_eq!(closed, [of(0, 10, StagePart::WarmUp, "3"), of(10, 30, StagePart::Measured, "5")]);
    }
}
