//! Validates a raw scenario: rules between keys. Each error has the path of the value at fault.

use std::time::Duration;

use super::raw::{RawPool, RawRisk, RawRotation, RawScenario, SESSION_VALIDITY_MAX, SESSION_VALIDITY_MIN};
use super::schedule::RateSchedules;
use super::threshold::{RawThreshold, Threshold};
use super::validated::{ClientPlan, Population, Scenario, Service, SignInName, WorkloadPlan};
use super::validation::{
    ValidationError, ValidationResult, conflict, delay, display_path, error, join, weights,
};
use super::values::{Cidr, Time};
use super::word_or_map::WordOrMap;
use super::{Segment, flows, workloads};
use crate::clock::ClockKind;
use poolproof_client::Intent;
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::policy::{
    ClaimReuse, FactorTypes, Factors, PoolPolicy, Quotas, RiskAction, RiskLevel, RiskMode, RiskPolicy,
};
use poolproof_cognito::seed::Seed;

/// Cognito's longest `RetryGracePeriodSeconds`.
const MAX_GRACE_PERIOD: Duration = Duration::from_secs(60);

/// Validates a scenario. `about` is its leading comment, `schedules` are the schedule files that it names.
pub(super) fn scenario(
    raw: RawScenario,
    about: String,
    schedules: &RateSchedules,
) -> ValidationResult<Scenario> {
    let service = raw.service.0;
    if raw.clock == ClockKind::Wall && service != Service::None {
        return conflict(
            &["service"],
            &["clock"],
            "under the wall clock the pool's arithmetic takes its real time, so `service` has no effect",
        )
        .map_err(|error: ValidationError| {
            let help = "remove `service`, override it with --set service=none, or use the virtual clock";
            ValidationError { help: Some(help.to_owned()), ..error }
        });
    }
    let population = Population {
        users: raw.population.users.get(),
        sign_in_by: raw.population.sign_in_by,
        factors: weights(join(&[], &["population", "factors"]), raw.population.factors.weights())?,
        devices: raw.population.devices.0,
        opt_in: raw.population.opt_in.0,
        compromised: raw.population.compromised.0,
    };
    let ephemeral_bits = raw.client.ephemeral_bits.get();
    if !matches!(ephemeral_bits, 256 | 1024) {
        return error(&["client", "ephemeral_bits"], "the size must be 256 or 1024 bits");
    }
    let client = ClientPlan {
        ephemeral_bits,
        retries: raw.client.retries.get(),
        mfa_delay: delay(&join(&[], &["client", "mfa_delay"]), raw.client.mfa_delay)?,
    };
    let workloads = workloads::workloads(raw.workload.as_ref(), raw.workloads.as_deref(), schedules)?;
    let replays = workloads.iter().any(|plan| plan.mix.share(Intent::ReplayedClaim) > 0.0);
    if replays && raw.pool.switches.claims == ClaimReuse::Cognito {
        let workload = workloads.iter().position(|plan| plan.mix.share(Intent::ReplayedClaim) > 0.0);
        return mix_conflict(
            &raw,
            workload,
            "replayed_claim",
            &["pool.switches.claims"],
            "`replayed_claim` needs `switches: { claims: once }`: Cognito accepts a claim again until its challenge \
             expires, so a replay is no attack there",
        );
    }
    let rotation = rotation(&raw, &workloads)?;
    let custom_auth = flows::custom_auth(&raw.pool.custom_auth)?;
    let policy = pool(&raw.pool, &population)?;
    let retries_throttled = policy.quotas != Quotas::NONE && client.retries > 0;
    let latency_depends_on_load = raw.clock == ClockKind::Wall || service.queues() || retries_throttled;
    flows::check(&workloads, policy, !custom_auth.is_empty())?;
    let names: Vec<&str> = workloads.iter().map(|plan| plan.name.as_str()).collect();
    Ok(Scenario {
        name: raw.name.0,
        about,
        seed: Seed::new(raw.seed.0),
        clock: raw.clock,
        group: raw.group,
        pool: policy,
        rotation,
        exceptions: raw.pool.risk.as_ref().map_or_else(|| Ok(RiskExceptions::default()), exceptions)?,
        custom_auth,
        population,
        thresholds: thresholds(&raw.thresholds, &names, latency_depends_on_load)?,
        workloads,
        client,
        service,
    })
}

/// Returns an error at an intent in the mix of this workload.
fn mix_conflict<T>(
    raw: &RawScenario,
    workload: Option<usize>,
    intent: &str,
    involves: &'static [&'static str],
    message: &str,
) -> ValidationResult<T> {
    let workload = match (raw.workload.is_some(), workload) {
        (false, Some(index)) => vec!["workloads".into(), index.into()],
        _ => vec!["workload".into()],
    };
    let error = ValidationError::at(join(&workload, &["mix", intent]), message);
    Err(ValidationError { involves, ..error })
}

/// Returns the grace period of refresh token rotation.
fn rotation(scenario: &RawScenario, workloads: &[WorkloadPlan]) -> ValidationResult<Option<Duration>> {
    let Some(RawRotation { grace_period: Time(grace) }) = scenario.pool.refresh_token_rotation else {
        let reuses = workloads.iter().any(|plan| plan.mix.share(Intent::RefreshReuse) > 0.0);
        if reuses {
            let message = "`refresh_reuse` needs `refresh_token_rotation`: without it a refresh token can be used \
                           any number of times";
            let workload = workloads.iter().position(|plan| plan.mix.share(Intent::RefreshReuse) > 0.0);
            let involves = &["pool.refresh_token_rotation"];
            return mix_conflict(scenario, workload, "refresh_reuse", involves, message);
        }
        return Ok(None);
    };
    if grace > MAX_GRACE_PERIOD || grace.subsec_nanos() > 0 {
        let path = ["pool", "refresh_token_rotation", "grace_period"];
        return error(&path, "Cognito allows 0s to 60s in whole seconds");
    }
    Ok(Some(grace))
}

fn pool(raw: &RawPool, population: &Population) -> ValidationResult<PoolPolicy> {
    let session_validity = raw.session_validity.0;
    if !(SESSION_VALIDITY_MIN..=SESSION_VALIDITY_MAX).contains(&session_validity) {
        return error(&["pool", "session_validity"], "Cognito allows 3m to 15m");
    }
    let risk = raw.risk.as_ref().map_or(Ok(RiskPolicy::OFF), risk)?;
    Ok(PoolPolicy {
        remember: raw.remember,
        suppress_mfa: raw.suppress_mfa,
        mfa: raw.mfa,
        factor_types: factor_types(&risk, population)?,
        risk,
        first_factors: flows::first_factors(&raw.first_factors),
        lockout: raw.lockout,
        quotas: raw.quotas.0,
        switches: raw.switches,
        session_validity,
    })
}

/// Returns the types of factors that the pool activates. An address to sign in by is a registered e-mail
/// factor where e-mail is activated, so it is activated only for users who have that factor.
fn factor_types(risk: &RiskPolicy, population: &Population) -> ValidationResult<FactorTypes> {
    if population.sign_in_by == SignInName::Username {
        return Ok(FactorTypes::ALL);
    }
    let email = population.factors.share(Factors::Email) > 0.0;
    let asks = |action| matches!(action, RiskAction::MfaIfConfigured | RiskAction::MfaRequired);
    let asks =
        risk.mode == RiskMode::Enforced && RiskLevel::ALL.iter().any(|level| asks(risk.action(*level)));
    if email && asks {
        let message = "with the factor `email`, every user who signs in by an address has an e-mail factor that risk \
                       can require; use other factors";
        return conflict(&["population", "sign_in_by"], &["population.factors", "pool.risk"], message);
    }
    Ok(FactorTypes { email, ..FactorTypes::ALL })
}

fn risk(raw: &RawRisk) -> ValidationResult<RiskPolicy> {
    let low = raw.low.unwrap_or(RiskAction::NoAction);
    let medium = raw.medium.unwrap_or(low);
    let high = raw.high.unwrap_or(medium);
    for (level, action, below, below_action) in
        [("medium", medium, "low", low), ("high", high, "medium", medium)]
    {
        if action < below_action {
            let message = format!("the action is laxer than that of the lower level `{below}`");
            return error(&["pool", "risk", level], &message);
        }
    }
    Ok(RiskPolicy { mode: raw.mode, levels: raw.levels, compromised: raw.compromised, low, medium, high })
}

fn exceptions(raw: &RawRisk) -> ValidationResult<RiskExceptions> {
    for (key, list) in [("always_block", &raw.always_block), ("always_allow", &raw.always_allow)] {
        if list.len() > RiskExceptions::MAX_RANGES {
            let message = format!("Cognito allows at most {} ranges", RiskExceptions::MAX_RANGES);
            return error(&["pool", "risk", key], &message);
        }
    }
    let ranges = |list: &[Cidr]| list.iter().map(|Cidr(range)| *range).collect();
    Ok(RiskExceptions { blocked: ranges(&raw.always_block), skipped: ranges(&raw.always_allow) })
}

fn thresholds(
    raw: &[WordOrMap<RawThreshold>],
    workloads: &[&str],
    latency_depends_on_load: bool,
) -> ValidationResult<Vec<Threshold>> {
    let validate = |(index, WordOrMap(threshold)): (usize, &WordOrMap<RawThreshold>)| {
        threshold.validate(workloads, latency_depends_on_load).map_err(|(key, threshold_error)| {
            let item = [Segment::from("thresholds"), index.into()];
            let path = join(&item, &[key]);
            let message = format!("{}: {}", display_path(&item), threshold_error.message);
            ValidationError {
                path,
                part: Some(threshold_error.part.to_owned()),
                message,
                help: threshold_error.help,
                involves: threshold_error.involves,
            }
        })
    };
    raw.iter().enumerate().map(validate).collect()
}
