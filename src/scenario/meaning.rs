//! From what was typed to what is meant: rules between keys, each refusal with the path of the value at fault.

use std::time::Duration;

use super::choices::As;
use super::delay::Delay;
use super::meant::{
    Arrivals, ClientPlan, ClosedStage, Model, Population, Scenario, Service, Stage, Whence, WorkloadPlan,
};
use super::threshold::{Threshold, ThresholdFile};
use super::typed::{
    ModelWord, PoolFile, RiskFile, SESSION_VALIDITY_MAX, SESSION_VALIDITY_MIN, ScenarioFile, StageFile,
    Weight, WorkloadFile,
};
use super::weights::Weights;
use super::words::{Range, Rate};
use super::{MAX_TIME, Segment};
use crate::addresses::RiskExceptions;
use crate::client::Intent;
use crate::clock::ClockKind;
use crate::policy::{Factors, PoolPolicy, RiskAction, RiskLevel, RiskPolicy, Switches};
use crate::seed::Seed;

/// A rule that is broken, and by which value.
pub(super) struct Problem {
    pub(super) path: Vec<Segment>,
    /// The part of the value's text that is wrong, when it is not all of it.
    pub(super) part: Option<String>,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// What the workloads of a scenario are called.
const WORKLOADS: [&str; 1] = ["workload"];

type Meaning<T> = Result<T, Problem>;

fn problem<T>(path: &[&str], message: impl Into<String>) -> Meaning<T> {
    let path = path.iter().map(|key| Segment::Key((*key).to_owned())).collect();
    Err(Problem { path, part: None, message: message.into(), help: None })
}

/// The scenario that the file means; `about` is told beside it.
pub(super) fn scenario(file: ScenarioFile, about: String) -> Meaning<Scenario> {
    let service = file.service.0;
    if file.clock == ClockKind::Wall && service != Service::None {
        return problem(
            &["service"],
            "under the wall clock the pool's arithmetic costs what it costs; `service` is for the virtual clock",
        );
    }
    let population = Population {
        users: file.population.users.get(),
        factors: factors(&file)?,
        devices: file.population.devices.0,
        opt_in: file.population.opt_in.0,
        compromised: file.population.compromised.0,
    };
    let client = ClientPlan {
        ephemeral_bits: file.client.ephemeral_bits.0,
        retries: file.client.retries.get(),
        mfa_delay: delay(&["client", "mfa_delay"], file.client.mfa_delay)?,
    };
    Ok(Scenario {
        name: file.name.0,
        about,
        seed: Seed::new(file.seed.0),
        clock: file.clock,
        group: file.group,
        pool: pool(&file.pool)?,
        exceptions: file.pool.risk.as_ref().map_or_else(|| Ok(RiskExceptions::default()), exceptions)?,
        population,
        workload: workload(&file.workload)?,
        client,
        service,
        thresholds: thresholds(&file.thresholds, &WORKLOADS)?,
    })
}

fn weights<T: Copy>(path: &[&str], entries: impl IntoIterator<Item = (T, Weight)>) -> Meaning<Weights<T>> {
    let entries = entries.into_iter().map(|(value, weight)| (value, weight.0));
    match Weights::new(entries) {
        Some(weights) => Ok(weights),
        None => problem(path, format!("{}: all weights are zero; at least one must be more", path.join("."))),
    }
}

fn factors(file: &ScenarioFile) -> Meaning<Weights<Factors>> {
    let typed = &file.population.factors;
    let entries = Factors::ALL.map(|factors| {
        let weight = match factors {
            Factors::None => typed.none,
            Factors::Sms => typed.sms,
            Factors::Totp => typed.totp,
            Factors::SmsAndTotp => typed.sms_and_totp,
        };
        (factors, weight)
    });
    weights(&["population", "factors"], entries)
}

fn pool(file: &PoolFile) -> Meaning<PoolPolicy> {
    let validity = file.session_validity.0;
    if !(SESSION_VALIDITY_MIN..=SESSION_VALIDITY_MAX).contains(&validity) {
        return problem(&["pool", "session_validity"], "pool.session_validity: Cognito takes 3m to 15m");
    }
    Ok(PoolPolicy {
        remember: file.remember,
        suppress_mfa: file.suppress_mfa,
        mfa: file.mfa,
        risk: file.risk.as_ref().map_or(Ok(RiskPolicy::OFF), risk)?,
        lockout: file.lockout,
        quotas: file.quotas.0,
        switches: Switches {
            risk_note: file.switches.risk_note,
            strict_mfa_binding: file.switches.strict_mfa_binding,
        },
        session_validity: validity,
    })
}

fn risk(file: &RiskFile) -> Meaning<RiskPolicy> {
    let low = file.low.unwrap_or(RiskAction::NoAction);
    let medium = file.medium.unwrap_or(low);
    let high = file.high.unwrap_or(medium);
    for (level, action, below, below_action) in
        [("medium", medium, "low", low), ("high", high, "medium", medium)]
    {
        if action < below_action {
            let message =
                format!("pool.risk.{level}: a higher level may not have a laxer action than `{below}` has");
            return problem(&["pool", "risk", level], message);
        }
    }
    Ok(RiskPolicy { mode: file.mode, levels: file.levels, compromised: file.compromised, low, medium, high })
}

fn exceptions(file: &RiskFile) -> Meaning<RiskExceptions> {
    for (key, list) in [("always_block", &file.always_block), ("always_allow", &file.always_allow)] {
        if list.len() > RiskExceptions::MOST {
            let message = format!("pool.risk.{key}: Cognito takes at most {} ranges", RiskExceptions::MOST);
            return problem(&["pool", "risk", key], message);
        }
    }
    let ranges = |list: &[Range]| list.iter().map(|Range(range)| *range).collect();
    Ok(RiskExceptions { blocked: ranges(&file.always_block), skipped: ranges(&file.always_allow) })
}

fn workload(file: &WorkloadFile) -> Meaning<WorkloadPlan> {
    stages_in_order(&file.stages)?;
    let model = match file.model {
        ModelWord::Open => open(file)?,
        ModelWord::Closed => closed(file)?,
    };
    let mix = Intent::ALL.map(|intent| {
        let weight = match intent {
            Intent::KnownDevice => file.mix.known_device,
            Intent::NewDevice => file.mix.new_device,
            Intent::WrongPassword => file.mix.wrong_password,
            Intent::ForgottenDevice => file.mix.forgotten_device,
            Intent::WrongDeviceSecret => file.mix.wrong_device_secret,
            Intent::ReplayedClaim => file.mix.replayed_claim,
            Intent::PlainPassword => file.mix.plain_password,
            Intent::Refresh => file.mix.refresh,
            Intent::RefreshWithoutDevice => file.mix.refresh_without_device,
            Intent::RefreshAfterForget => file.mix.refresh_after_forget,
            Intent::RefreshAfterRevoke => file.mix.refresh_after_revoke,
            Intent::RefreshAfterSignOut => file.mix.refresh_after_sign_out,
        };
        (intent, weight)
    });
    let risk = [
        (None, file.risk.none),
        (Some(RiskLevel::Low), file.risk.low),
        (Some(RiskLevel::Medium), file.risk.medium),
        (Some(RiskLevel::High), file.risk.high),
    ];
    let from = Whence::ALL.map(|whence| {
        let weight = match whence {
            Whence::Home => file.from.home,
            Whence::Elsewhere => file.from.elsewhere,
            Whence::ElsewhereV6 => file.from.elsewhere_v6,
        };
        (whence, weight)
    });
    Ok(WorkloadPlan {
        model,
        from: weights(&["workload", "from"], from)?,
        mix: weights(&["workload", "mix"], mix)?,
        risk: weights(&["workload", "risk"], risk)?,
    })
}

fn open(file: &WorkloadFile) -> Meaning<Model> {
    if file.think_time.is_some() {
        return problem(
            &["workload", "think_time"],
            "workload.think_time: users think in model `closed` only",
        );
    }
    let mut stages = Vec::with_capacity(file.stages.len());
    let mut before = None;
    for (index, stage) in file.stages.iter().enumerate() {
        if stage.users.is_some() {
            return stage_problem(
                index,
                Some("users"),
                "model `open` has a rate; `users` are for model `closed`",
            );
        }
        let (from, to) = match (stage.rate, stage.to, before) {
            (Some(Rate(rate)), None, _) => (rate, rate),
            (Some(Rate(from)), Some(Rate(to)), _) => (from, to),
            (None, Some(Rate(to)), Some(from)) => (from, to),
            (None, Some(_), None) => {
                let message = "the first stage has nothing to start from: give `rate` beside `to`";
                return stage_problem(index, Some("to"), message);
            }
            (None, None, _) => return stage_problem(index, None, "give a `rate`, or `to` for a ramp"),
        };
        stages.push(Stage { length: stage.length.0, from, to, warm_up: stage.warm_up });
        before = Some(to);
    }
    Ok(Model::Open { arrivals: file.arrivals.unwrap_or(Arrivals::Poisson), stages })
}

fn closed(file: &WorkloadFile) -> Meaning<Model> {
    if file.arrivals.is_some() {
        return problem(
            &["workload", "arrivals"],
            "workload.arrivals: sign-ins arrive at a rate in model `open` only",
        );
    }
    let mut stages = Vec::with_capacity(file.stages.len());
    for (index, stage) in file.stages.iter().enumerate() {
        for (key, given) in [("rate", stage.rate), ("to", stage.to)] {
            if given.is_some() {
                return stage_problem(
                    index,
                    Some(key),
                    "model `closed` has `users`; rates are for model `open`",
                );
            }
        }
        let Some(users) = stage.users else {
            return stage_problem(index, None, "give the number of `users`");
        };
        stages.push(ClosedStage { length: stage.length.0, users: users.get(), warm_up: stage.warm_up });
    }
    let think_time = file.think_time.unwrap_or(As(Delay::None));
    Ok(Model::Closed { think_time: delay(&["workload", "think_time"], think_time)?, stages })
}

fn stage_problem<T>(index: usize, key: Option<&str>, message: &str) -> Meaning<T> {
    let mut path =
        vec![Segment::Key("workload".into()), Segment::Key("stages".into()), Segment::Index(index)];
    path.extend(key.map(|key| Segment::Key(key.to_owned())));
    let message = format!("workload.stages[{index}]: {message}");
    Err(Problem { path, part: None, message, help: None })
}

/// What holds for the stages of both models.
fn stages_in_order(stages: &[StageFile]) -> Meaning<()> {
    let mut total = Duration::ZERO;
    let mut measured = false;
    for (index, stage) in stages.iter().enumerate() {
        if stage.length.0.is_zero() {
            return stage_problem(index, Some("for"), "a stage lasts longer than no time");
        }
        total += stage.length.0;
        if total > MAX_TIME {
            return stage_problem(index, Some("for"), "with this stage the run is longer than 24 hours");
        }
        if stage.warm_up && measured {
            return stage_problem(index, Some("warm_up"), "warm-up comes before all that is measured");
        }
        measured |= !stage.warm_up;
    }
    if measured {
        Ok(())
    } else {
        problem(&["workload", "stages"], "workload.stages: at least one stage must be measured, not warm-up")
    }
}

fn delay(path: &[&str], As(delay): As<Delay>) -> Meaning<Delay> {
    let at = |keys: [&str; 2], message: &str| {
        let path = [path, keys.as_slice()].concat();
        problem(&path, format!("{}: {message}", path.join(".")))
    };
    match delay {
        Delay::Uniform { min, max } if max < min => {
            at(["uniform", "max"], "the longest is shorter than the shortest")
        }
        Delay::Exponential { mean } if mean.is_zero() => {
            at(["exponential", "mean"], "the mean is more than no time")
        }
        Delay::LogNormal { median, .. } if median.is_zero() => {
            at(["log_normal", "median"], "the median is more than no time")
        }
        delay => Ok(delay),
    }
}

fn thresholds(typed: &[ThresholdFile], workloads: &[&str]) -> Meaning<Vec<Threshold>> {
    let read = |(index, threshold): (usize, &ThresholdFile)| {
        threshold.meant(workloads).map_err(|misfit| {
            let mut path = vec![Segment::Key("thresholds".to_owned()), Segment::Index(index)];
            path.extend(misfit.key.map(|key| Segment::Key(key.to_owned())));
            let message = format!("thresholds[{index}]: {}", misfit.message);
            Problem { path, part: misfit.part, message, help: misfit.help }
        })
    };
    typed.iter().enumerate().map(read).collect()
}
