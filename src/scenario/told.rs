//! From what is meant back to what could be typed: every default written out.

use super::choices::{As, EphemeralBits};
use super::meant::{Model, Scenario, Whence, WorkloadPlan};
use super::threshold::Threshold;
use super::typed::{
    ClientFile, FactorsFile, FromFile, MixFile, ModelWord, PoolFile, PopulationFile, RiskFile, RiskMixFile,
    ScenarioFile, StageFile, SwitchesFile, Weight, WorkloadFile,
};
use super::words::{Amount, Name, Range, Rate, Share, Time, Whole};
use super::yaml;
use poolproof_client::Intent;
use poolproof_cognito::addresses::{AddressRange, RiskExceptions};
use poolproof_cognito::policy::{Factors, PoolPolicy, RiskLevel};

impl Scenario {
    /// The scenario as a file with every default written out, schedules as stages; read again, it is the same scenario.
    pub fn resolved_yaml(&self) -> String {
        let about: String =
            self.about.lines().map(|line| format!("# {line}").trim_end().to_owned() + "\n").collect();
        about + &yaml::write(&typed(self))
    }
}

fn typed(scenario: &Scenario) -> ScenarioFile {
    let population = &scenario.population;
    let (workload, workloads) = workloads(&scenario.workloads);
    ScenarioFile {
        version: Whole(1),
        name: Name(scenario.name.clone()),
        seed: Whole(scenario.seed.number()),
        clock: scenario.clock,
        group: scenario.group,
        pool: pool(&scenario.pool, &scenario.exceptions),
        population: PopulationFile {
            users: Whole(u64::from(population.users)),
            factors: factors(population.factors.as_given()),
            devices: As(population.devices),
            opt_in: Share(population.opt_in),
            compromised: Share(population.compromised),
        },
        workload,
        workloads,
        client: ClientFile {
            ephemeral_bits: EphemeralBits(scenario.client.ephemeral_bits),
            retries: Whole(u64::from(scenario.client.retries)),
            mfa_delay: As(scenario.client.mfa_delay),
        },
        service: As(scenario.service),
        thresholds: scenario.thresholds.iter().map(Threshold::typed).collect(),
    }
}

fn pool(policy: &PoolPolicy, exceptions: &RiskExceptions) -> PoolFile {
    let ranges = |list: &[AddressRange]| list.iter().copied().map(Range).collect();
    PoolFile {
        remember: policy.remember,
        suppress_mfa: policy.suppress_mfa,
        mfa: policy.mfa,
        risk: Some(RiskFile {
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
        quotas: As(policy.quotas),
        switches: SwitchesFile {
            risk_note: policy.switches.risk_note,
            strict_mfa_binding: policy.switches.strict_mfa_binding,
        },
        session_validity: Time(policy.session_validity),
    }
}

fn factors(weights: impl Iterator<Item = (Factors, f64)>) -> FactorsFile {
    let mut file = FactorsFile::none_at_all();
    for (factors, weight) in weights {
        let slot: &mut Weight = match factors {
            Factors::None => &mut file.none,
            Factors::Sms => &mut file.sms,
            Factors::Totp => &mut file.totp,
            Factors::SmsAndTotp => &mut file.sms_and_totp,
        };
        *slot = Amount(weight);
    }
    file
}

fn mix(weights: impl Iterator<Item = (Intent, f64)>) -> MixFile {
    let mut file = MixFile::none_at_all();
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
        *slot = Amount(weight);
    }
    file
}

fn risk(weights: impl Iterator<Item = (Option<RiskLevel>, f64)>) -> RiskMixFile {
    let mut file = RiskMixFile::none_at_all();
    for (level, weight) in weights {
        let slot: &mut Weight = match level {
            None => &mut file.none,
            Some(RiskLevel::Low) => &mut file.low,
            Some(RiskLevel::Medium) => &mut file.medium,
            Some(RiskLevel::High) => &mut file.high,
        };
        *slot = Amount(weight);
    }
    file
}

fn from(weights: impl Iterator<Item = (Whence, f64)>) -> FromFile {
    let mut file = FromFile::none_at_all();
    for (whence, weight) in weights {
        let slot: &mut Weight = match whence {
            Whence::Home => &mut file.home,
            Whence::Elsewhere => &mut file.elsewhere,
            Whence::ElsewhereV6 => &mut file.elsewhere_v6,
        };
        *slot = Amount(weight);
    }
    file
}

/// The one workload that stands alone, or the list.
fn workloads(plans: &[WorkloadPlan]) -> (Option<WorkloadFile>, Option<Vec<WorkloadFile>>) {
    match plans {
        [plan] if plan.name == WorkloadPlan::ALONE && plan.starts_at.is_zero() => {
            (Some(workload(plan)), None)
        }
        plans => {
            let named = |plan: &WorkloadPlan| WorkloadFile {
                name: Some(Name(plan.name.clone())),
                starts_at: Some(Time(plan.starts_at)),
                ..workload(plan)
            };
            (None, Some(plans.iter().map(named).collect()))
        }
    }
}

fn workload(plan: &WorkloadPlan) -> WorkloadFile {
    let (model, arrivals, think_time) = match plan.model {
        Model::Open { arrivals, .. } => (ModelWord::Open, Some(As(arrivals)), None),
        Model::Closed { think_time, .. } => (ModelWord::Closed, None, Some(As(think_time))),
    };
    let stages = match &plan.model {
        Model::Open { stages, .. } => stages
            .iter()
            .map(|stage| StageFile {
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
            .map(|stage| StageFile {
                length: Time(stage.length),
                rate: None,
                to: None,
                users: Some(Whole(u64::from(stage.users))),
                warm_up: stage.warm_up,
                cool_down: stage.cool_down,
            })
            .collect(),
    };
    WorkloadFile {
        name: None,
        starts_at: None,
        at_most: plan.limits.at_most.map(Whole),
        stops_after: plan.limits.stops_after.map(Time),
        model,
        arrivals,
        think_time,
        stages: Some(stages),
        // Told as the stages that it means.
        schedule: None,
        warm_up: None,
        mix: mix(plan.mix.as_given()),
        risk: risk(plan.risk.as_given()),
        from: from(plan.from.as_given()),
    }
}
