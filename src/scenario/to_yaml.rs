//! Converts a validated scenario back to its raw form, with every default written out.

use super::flows;
use super::numbers::BoundedInt;
use super::raw::{
    RawClient, RawModel, RawPool, RawPopulation, RawRisk, RawRotation, RawScenario, RawStage, RawWorkload,
};
use super::validated::{Model, Scenario, WorkloadPlan};
use super::values::{Cidr, LoadRate, Name, Share, Time};
use super::word_or_map::WordOrMap;
use super::yaml;
use poolproof_cognito::addresses::AddressRange;

impl Scenario {
    /// Returns the scenario as a file with every default written out and schedules as stages. Parsing the
    /// file gives the same scenario.
    pub fn to_yaml(&self) -> String {
        let about: String =
            self.about.lines().map(|line| format!("# {line}").trim_end().to_owned() + "\n").collect();
        about + &yaml::write(&self.to_raw())
    }

    /// Returns the weights of several values, by path: each value of more than zero with its share of the
    /// sum.
    pub fn weight_shares(&self) -> Vec<(String, Vec<(String, f64)>)> {
        let raw = self.to_raw();
        let mut all = Vec::new();
        let mut add = |path: String, weights: yaml::Value| {
            let entry = |(key, weight): (&yaml::Value, &yaml::Value)| {
                Some((key.as_str()?.to_owned(), weight.as_f64().filter(|weight| *weight > 0.0)?))
            };
            let weights: Vec<(String, f64)> =
                weights.as_mapping().into_iter().flatten().filter_map(entry).collect();
            let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
            if weights.len() > 1 {
                all.push((path, weights.into_iter().map(|(key, weight)| (key, weight / sum)).collect()));
            }
        };
        add("population.factors".to_owned(), yaml::value(&raw.population.factors));
        let single = raw.workload.iter().map(|plan| ("workload".to_owned(), plan));
        let several = raw.workloads.iter().flatten().enumerate();
        for (path, plan) in single.chain(several.map(|(index, plan)| (format!("workloads[{index}]"), plan))) {
            add(format!("{path}.mix"), yaml::value(&plan.mix));
            add(format!("{path}.risk"), yaml::value(&plan.risk));
            add(format!("{path}.from"), yaml::value(&plan.from));
        }
        all
    }

    /// Returns the pool's raw form.
    pub(super) fn raw_pool(&self) -> RawPool {
        pool(self)
    }

    fn to_raw(&self) -> RawScenario {
        let (population, client) = (&self.population, &self.client);
        let (workload, workloads) = workloads(&self.workloads);
        RawScenario {
            version: BoundedInt(1),
            name: Name(self.name.clone()),
            seed: BoundedInt(self.seed.number()),
            clock: self.clock,
            group: self.group,
            pool: pool(self),
            population: RawPopulation {
                users: BoundedInt(population.users.into()),
                sign_in_by: population.sign_in_by,
                factors: (&population.factors).into(),
                devices: WordOrMap(population.devices),
                opt_in: Share(population.opt_in),
                compromised: Share(population.compromised),
            },
            workload,
            workloads,
            client: RawClient {
                ephemeral_bits: BoundedInt(client.ephemeral_bits.into()),
                retries: BoundedInt(client.retries.into()),
                mfa_delay: WordOrMap(client.mfa_delay),
            },
            service: WordOrMap(self.service),
            thresholds: self.thresholds.iter().map(|threshold| WordOrMap(threshold.to_raw())).collect(),
        }
    }
}

fn pool(scenario: &Scenario) -> RawPool {
    let (policy, exceptions) = (&scenario.pool, &scenario.exceptions);
    let ranges = |list: &[AddressRange]| list.iter().copied().map(Cidr).collect();
    RawPool {
        remember: policy.remember,
        suppress_mfa: policy.suppress_mfa,
        mfa: policy.mfa,
        risk: Some(RawRisk {
            mode: policy.risk.mode,
            low: Some(policy.risk.low),
            medium: Some(policy.risk.medium),
            high: Some(policy.risk.high),
            levels: policy.risk.levels,
            compromised: policy.risk.compromised,
            always_block: ranges(&exceptions.blocked),
            always_allow: ranges(&exceptions.skipped),
        }),
        lockout: policy.lockout,
        first_factors: flows::raw_first_factors(policy.first_factors),
        custom_auth: flows::raw_custom_auth(&scenario.custom_auth),
        quotas: WordOrMap(policy.quotas),
        refresh_token_rotation: scenario.rotation.map(|grace| RawRotation { grace_period: Time(grace) }),
        switches: policy.switches,
        session_validity: Time(policy.session_validity),
    }
}

/// Returns the key `workload` for a single workload without a name of its own, else the list `workloads`.
fn workloads(plans: &[WorkloadPlan]) -> (Option<RawWorkload>, Option<Vec<RawWorkload>>) {
    match plans {
        [plan] if plan.name == WorkloadPlan::DEFAULT_NAME && plan.starts_at.is_zero() => {
            (Some(workload(plan)), None)
        }
        plans => {
            let named = |plan: &WorkloadPlan| RawWorkload {
                name: Some(Name(plan.name.clone())),
                starts_at: Some(Time(plan.starts_at)),
                ..workload(plan)
            };
            (None, Some(plans.iter().map(named).collect()))
        }
    }
}

fn workload(plan: &WorkloadPlan) -> RawWorkload {
    let stage = |length, warm_up, cool_down| RawStage {
        length: Time(length),
        rate: None,
        to: None,
        users: None,
        warm_up,
        cool_down,
    };
    let (model, arrivals, think_time, stages) = match &plan.model {
        Model::Open { arrivals, stages } => {
            let stages = stages.iter().map(|open| RawStage {
                rate: Some(LoadRate(open.from)),
                to: (open.to != open.from).then_some(LoadRate(open.to)),
                ..stage(open.length, open.warm_up, open.cool_down)
            });
            (RawModel::Open, Some(WordOrMap(*arrivals)), None, stages.collect())
        }
        Model::Closed { think_time, stages } => {
            let stages = stages.iter().map(|closed| RawStage {
                users: Some(BoundedInt(closed.users.into())),
                ..stage(closed.length, closed.warm_up, closed.cool_down)
            });
            (RawModel::Closed, None, Some(WordOrMap(*think_time)), stages.collect())
        }
    };
    RawWorkload {
        name: None,
        starts_at: None,
        at_most: plan.limits.at_most.map(BoundedInt),
        stops_after: plan.limits.stops_after.map(Time),
        model,
        arrivals,
        think_time,
        stages: Some(stages),
        // A schedule is written as the stages that it stands for.
        schedule: None,
        warm_up: None,
        flow: plan.flow,
        mix: (&plan.mix).into(),
        risk: (&plan.risk).into(),
        from: (&plan.from).into(),
    }
}
