//! From what is meant back to what could be typed: every default written out.

use super::raw::{
    RawClient, RawFactors, RawMix, RawModel, RawPool, RawPopulation, RawRisk, RawRiskMix, RawScenario,
    RawSourceMix, RawStage, RawSwitches, RawWorkload, Weight,
};
use super::threshold::Threshold;
use super::validated::{Model, Scenario, SourceAddress, WorkloadPlan};
use super::values::{BoundedInt, BoundedNumber, Cidr, Name, Rate, Share, Time};
use super::word_or_map::{EphemeralBits, WordOrMap};
use super::yaml;
use poolproof_client::Intent;
use poolproof_cognito::addresses::{AddressRange, RiskExceptions};
use poolproof_cognito::policy::{Factors, PoolPolicy, RiskLevel};

impl Scenario {
    /// The scenario as a file with every default written out, schedules as stages; read again, it is the same scenario.
    pub fn to_yaml(&self) -> String {
        let about: String =
            self.about.lines().map(|line| format!("# {line}").trim_end().to_owned() + "\n").collect();
        about + &yaml::write(&typed(self))
    }
}

fn typed(scenario: &Scenario) -> RawScenario {
    let population = &scenario.population;
    let (workload, workloads) = workloads(&scenario.workloads);
    RawScenario {
        version: BoundedInt(1),
        name: Name(scenario.name.clone()),
        seed: BoundedInt(scenario.seed.number()),
        clock: scenario.clock,
        group: scenario.group,
        pool: pool(&scenario.pool, &scenario.exceptions),
        population: RawPopulation {
            users: BoundedInt(u64::from(population.users)),
            factors: factors(population.factors.raw_weights()),
            devices: WordOrMap(population.devices),
            opt_in: Share(population.opt_in),
            compromised: Share(population.compromised),
        },
        workload,
        workloads,
        client: RawClient {
            ephemeral_bits: EphemeralBits(scenario.client.ephemeral_bits),
            retries: BoundedInt(u64::from(scenario.client.retries)),
            mfa_delay: WordOrMap(scenario.client.mfa_delay),
        },
        service: WordOrMap(scenario.service),
        thresholds: scenario.thresholds.iter().map(Threshold::typed).collect(),
    }
}

fn pool(policy: &PoolPolicy, exceptions: &RiskExceptions) -> RawPool {
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
        quotas: WordOrMap(policy.quotas),
        switches: RawSwitches {
            risk_note: policy.switches.risk_note,
            strict_mfa_binding: policy.switches.strict_mfa_binding,
        },
        session_validity: Time(policy.session_validity),
    }
}

fn factors(weights: impl Iterator<Item = (Factors, f64)>) -> RawFactors {
    let mut file = RawFactors::all_zero();
    for (factors, weight) in weights {
        let slot: &mut Weight = match factors {
            Factors::None => &mut file.none,
            Factors::Sms => &mut file.sms,
            Factors::Totp => &mut file.totp,
            Factors::SmsAndTotp => &mut file.sms_and_totp,
        };
        *slot = BoundedNumber(weight);
    }
    file
}

fn mix(weights: impl Iterator<Item = (Intent, f64)>) -> RawMix {
    let mut file = RawMix::all_zero();
    for (intent, weight) in weights {
        let slot: &mut Weight = match intent {
            Intent::KnownDevice => &mut file.known_device,
            Intent::NewDevice => &mut file.new_device,
            Intent::WrongPassword => &mut file.wrong_password,
            Intent::ForgottenDevice => &mut file.forgotten_device,
            Intent::WrongDeviceSecret => &mut file.wrong_device_secret,
            Intent::ReplayedClaim => &mut file.replayed_claim,
            Intent::PlainPassword => &mut file.plain_password,
            Intent::Refresh => &mut file.refresh,
            Intent::RefreshWithoutDevice => &mut file.refresh_without_device,
            Intent::RefreshAfterForget => &mut file.refresh_after_forget,
            Intent::RefreshAfterRevoke => &mut file.refresh_after_revoke,
            Intent::RefreshAfterSignOut => &mut file.refresh_after_sign_out,
        };
        *slot = BoundedNumber(weight);
    }
    file
}

fn risk(weights: impl Iterator<Item = (Option<RiskLevel>, f64)>) -> RawRiskMix {
    let mut file = RawRiskMix::all_zero();
    for (level, weight) in weights {
        let slot: &mut Weight = match level {
            None => &mut file.none,
            Some(RiskLevel::Low) => &mut file.low,
            Some(RiskLevel::Medium) => &mut file.medium,
            Some(RiskLevel::High) => &mut file.high,
        };
        *slot = BoundedNumber(weight);
    }
    file
}

fn from(weights: impl Iterator<Item = (SourceAddress, f64)>) -> RawSourceMix {
    let mut file = RawSourceMix::all_zero();
    for (source_address, weight) in weights {
        let slot: &mut Weight = match source_address {
            SourceAddress::Home => &mut file.home,
            SourceAddress::Elsewhere => &mut file.elsewhere,
            SourceAddress::ElsewhereV6 => &mut file.elsewhere_v6,
        };
        *slot = BoundedNumber(weight);
    }
    file
}

/// The one workload that stands alone, or the list.
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
    let (model, arrivals, think_time) = match plan.model {
        Model::Open { arrivals, .. } => (RawModel::Open, Some(WordOrMap(arrivals)), None),
        Model::Closed { think_time, .. } => (RawModel::Closed, None, Some(WordOrMap(think_time))),
    };
    let stages = match &plan.model {
        Model::Open { stages, .. } => stages
            .iter()
            .map(|stage| RawStage {
                length: Time(stage.length),
                rate: Some(Rate(stage.from)),
                to: (stage.to != stage.from).then_some(Rate(stage.to)),
                users: None,
                warm_up: stage.warm_up,
                cool_down: stage.cool_down,
            })
            .collect(),
        Model::Closed { stages, .. } => stages
            .iter()
            .map(|stage| RawStage {
                length: Time(stage.length),
                rate: None,
                to: None,
                users: Some(BoundedInt(u64::from(stage.users))),
                warm_up: stage.warm_up,
                cool_down: stage.cool_down,
            })
            .collect(),
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
        // Told as the stages that it means.
        schedule: None,
        warm_up: None,
        mix: mix(plan.mix.raw_weights()),
        risk: risk(plan.risk.raw_weights()),
        from: from(plan.from.raw_weights()),
    }
}
