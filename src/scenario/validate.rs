//! From what was typed to what is meant: rules between keys, each refusal with the path of the value at fault.

use super::raw::{RawPool, RawRisk, RawScenario, SESSION_VALIDITY_MAX, SESSION_VALIDITY_MIN};
use super::schedule::RateSchedules;
use super::threshold::{RawThreshold, Threshold};
use super::validated::{ClientPlan, Population, Scenario, Service};
use super::validation::{ValidationError, ValidationResult, delay, key_path, validation_error, weights};
use super::values::Cidr;
use super::weights::Weights;
use super::{Segment, workloads};
use crate::clock::ClockKind;
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::policy::{Factors, PoolPolicy, RiskAction, RiskPolicy, Switches};
use poolproof_cognito::seed::Seed;

/// The scenario that the file means; `about` and the files of its schedules are told beside it.
pub(super) fn scenario(
    file: RawScenario,
    about: String,
    schedules: &RateSchedules,
) -> ValidationResult<Scenario> {
    let service = file.service.0;
    if file.clock == ClockKind::Wall && service != Service::None {
        return validation_error(
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
        mfa_delay: delay(&key_path(&["client", "mfa_delay"]), file.client.mfa_delay)?,
    };
    let workloads = workloads::workloads(file.workload.as_ref(), file.workloads.as_deref(), schedules)?;
    let names: Vec<&str> = workloads.iter().map(|plan| plan.name.as_str()).collect();
    Ok(Scenario {
        name: file.name.0,
        about,
        seed: Seed::new(file.seed.0),
        clock: file.clock,
        group: file.group,
        pool: pool(&file.pool)?,
        exceptions: file.pool.risk.as_ref().map_or_else(|| Ok(RiskExceptions::default()), exceptions)?,
        population,
        thresholds: thresholds(&file.thresholds, &names)?,
        workloads,
        client,
        service,
    })
}

fn factors(file: &RawScenario) -> ValidationResult<Weights<Factors>> {
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
    weights(&key_path(&["population", "factors"]), entries)
}

fn pool(file: &RawPool) -> ValidationResult<PoolPolicy> {
    let validity = file.session_validity.0;
    if !(SESSION_VALIDITY_MIN..=SESSION_VALIDITY_MAX).contains(&validity) {
        return validation_error(
            &["pool", "session_validity"],
            "pool.session_validity: Cognito takes 3m to 15m",
        );
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

fn risk(file: &RawRisk) -> ValidationResult<RiskPolicy> {
    let low = file.low.unwrap_or(RiskAction::NoAction);
    let medium = file.medium.unwrap_or(low);
    let high = file.high.unwrap_or(medium);
    for (level, action, below, below_action) in
        [("medium", medium, "low", low), ("high", high, "medium", medium)]
    {
        if action < below_action {
            let message =
                format!("pool.risk.{level}: a higher level may not have a laxer action than `{below}` has");
            return validation_error(&["pool", "risk", level], message);
        }
    }
    Ok(RiskPolicy { mode: file.mode, levels: file.levels, compromised: file.compromised, low, medium, high })
}

fn exceptions(file: &RawRisk) -> ValidationResult<RiskExceptions> {
    for (key, list) in [("always_block", &file.always_block), ("always_allow", &file.always_allow)] {
        if list.len() > RiskExceptions::MAX_RANGES {
            let message =
                format!("pool.risk.{key}: Cognito takes at most {} ranges", RiskExceptions::MAX_RANGES);
            return validation_error(&["pool", "risk", key], message);
        }
    }
    let ranges = |list: &[Cidr]| list.iter().map(|Cidr(range)| *range).collect();
    Ok(RiskExceptions { blocked: ranges(&file.always_block), skipped: ranges(&file.always_allow) })
}

fn thresholds(typed: &[RawThreshold], workloads: &[&str]) -> ValidationResult<Vec<Threshold>> {
    let read = |(index, threshold): (usize, &RawThreshold)| {
        threshold.validate(workloads).map_err(|field_error| {
            let mut path = vec![Segment::Key("thresholds".to_owned()), Segment::Index(index)];
            path.extend(field_error.key.map(|key| Segment::Key(key.to_owned())));
            let message = format!("thresholds[{index}]: {}", field_error.message);
            ValidationError { path, part: field_error.part, message, help: field_error.help }
        })
    };
    typed.iter().enumerate().map(read).collect()
}
