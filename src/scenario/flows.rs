//! Validates the first factors and the custom challenges of a pool, and which flows its workloads can use.

use super::raw_pool::{RawCustomChallenge, RawFirstFactor};
use super::validated::{AuthFlow, WorkloadPlan};
use super::validation::{ValidationError, ValidationResult, conflict, error, join};
use poolproof_client::Intent;
use poolproof_cognito::policy::{FirstFactors, MfaMode, PoolPolicy};
use poolproof_pool::CustomChallenge;

/// Most custom challenges of a pool.
const MAX_CHALLENGES: usize = 10;

/// Returns the pool's custom challenges.
pub(super) fn custom_auth(raw: &[RawCustomChallenge]) -> ValidationResult<Vec<CustomChallenge>> {
    if raw.len() > MAX_CHALLENGES {
        return error(&["pool", "custom_auth"], "give at most 10 custom challenges");
    }
    for (index, RawCustomChallenge { challenge, answer }) in raw.iter().enumerate() {
        let path = [join(&[], &["pool", "custom_auth"]), vec![index.into()]].concat();
        for (key, text, longest) in [("challenge", challenge, 64), ("answer", answer, 256)] {
            if !(1..=longest).contains(&text.chars().count()) {
                let message = format!("give 1 to {longest} characters");
                return Err(ValidationError::at(join(&path, &[key]), &message));
            }
        }
    }
    let challenge = |raw: &RawCustomChallenge| CustomChallenge {
        challenge: raw.challenge.clone(),
        answer: raw.answer.clone(),
    };
    Ok(raw.iter().map(challenge).collect())
}

/// Returns custom challenges in their raw form.
pub(super) fn raw_custom_auth(challenges: &[CustomChallenge]) -> Vec<RawCustomChallenge> {
    let raw = |challenge: &CustomChallenge| RawCustomChallenge {
        challenge: challenge.challenge.clone(),
        answer: challenge.answer.clone(),
    };
    challenges.iter().map(raw).collect()
}

/// Returns the first factors of a pool.
pub(super) fn first_factors(raw: &[RawFirstFactor]) -> FirstFactors {
    FirstFactors {
        email_otp: raw.contains(&RawFirstFactor::EmailOtp),
        sms_otp: raw.contains(&RawFirstFactor::SmsOtp),
    }
}

/// Returns first factors in their raw form.
pub(super) fn raw_first_factors(first_factors: FirstFactors) -> Vec<RawFirstFactor> {
    let FirstFactors { email_otp, sms_otp } = first_factors;
    let all = [(email_otp, RawFirstFactor::EmailOtp), (sms_otp, RawFirstFactor::SmsOtp)];
    all.into_iter().filter(|(on, _)| *on).map(|(_, factor)| factor).collect()
}

/// Checks that the pool allows the flows of the workloads, and the flows their intents.
pub(super) fn check(
    workloads: &[WorkloadPlan],
    pool: PoolPolicy,
    has_custom_auth: bool,
) -> ValidationResult<()> {
    let FirstFactors { email_otp, sms_otp } = pool.first_factors;
    if pool.mfa == MfaMode::On && pool.first_factors.any() {
        return conflict(
            &["pool", "first_factors"],
            &["pool.mfa"],
            "Cognito allows no first factors besides the password where `mfa` is `on`",
        );
    }
    let single = matches!(workloads, [plan] if plan.name == WorkloadPlan::DEFAULT_NAME);
    for (index, plan) in workloads.iter().enumerate() {
        let path = if single { vec!["workload".into()] } else { vec!["workloads".into(), index.into()] };
        let missing = match plan.flow {
            flow if flow.is_custom() && !has_custom_auth => Some("`pool.custom_auth`"),
            AuthFlow::UserAuthEmailOtp if !email_otp => Some("`pool.first_factors: [email_otp]`"),
            AuthFlow::UserAuthSmsOtp if !sms_otp => Some("`pool.first_factors: [sms_otp]`"),
            _ => None,
        };
        if let Some(missing) = missing {
            let message = format!("this flow needs {missing}");
            let error = ValidationError::at(join(&path, &["flow"]), &message);
            return Err(ValidationError { involves: &["pool.custom_auth", "pool.first_factors"], ..error });
        }
        let excluded = Intent::ALL
            .into_iter()
            .find(|intent| plan.mix.share(*intent) > 0.0 && !plan.flow.allows(*intent));
        if let Some(intent) = excluded {
            let error =
                ValidationError::at(join(&path, &["mix", &key(intent)]), &flow_message(plan.flow, intent));
            return Err(ValidationError { involves: &["workload.flow", "workloads.flow"], ..error });
        }
    }
    Ok(())
}

impl AuthFlow {
    /// Returns the value of `flow` in scenarios.
    pub fn key(self) -> String {
        snake_case(&format!("{self:?}"))
    }
}

/// Says which flow a workload has, and which ones its intent needs.
fn flow_message(flow: AuthFlow, intent: Intent) -> String {
    let allowing: Vec<String> = AuthFlow::ALL
        .into_iter()
        .filter(|flow| flow.allows(intent))
        .map(|flow| format!("`{}`", flow.key()))
        .collect();
    format!("this intent needs `flow`: {}; this workload has `{}`", allowing.join(" or "), flow.key())
}

/// Returns the key of an intent in `mix`.
fn key(intent: Intent) -> String {
    snake_case(&format!("{intent:?}"))
}

/// Returns the name of a variant as scenarios write it.
fn snake_case(variant: &str) -> String {
    let mut key = String::new();
    for letter in variant.chars() {
        if letter.is_ascii_uppercase() && !key.is_empty() {
            key.push('_');
        }
        key.push(letter.to_ascii_lowercase());
    }
    key
}
