//! TOTP codes: how many sign-ins with a code a population allows, and how many its workloads need.

use std::time::Duration;

use super::length::open_stages;
use super::user_limit::users_are;
use crate::scenario::{OpenStage, Scenario, WorkloadPlan};
use poolproof_client::Intent;
use poolproof_cognito::policy::{Factors, MfaMode, RememberMode};
use poolproof_cognito::totp::STEP_S;

/// Returns the share of users with an authenticator app, including those who set one up during the run.
fn app_share(scenario: &Scenario) -> f64 {
    let sets_up = |set: Factors| scenario.pool.mfa == MfaMode::On && set == Factors::None;
    let factors = scenario.population.factors.iter();
    factors.filter(|(set, _)| set.has_totp() || sets_up(*set)).map(|(_, share)| share).sum()
}

/// Returns how many sign-ins with a TOTP code the users of a scenario allow, as a clause.
pub fn totp_limit(scenario: &Scenario) -> String {
    let users = (f64::from(scenario.population.users) * app_share(scenario)).round();
    if users < 1.0 {
        // The factors of users from a list are not in the scenario.
        return format!("each user with an authenticator app allows a sign-in with a code in {STEP_S} s");
    }
    let per_s = crate::rounding::rounded(users / STEP_S as f64, 2);
    let who = if users == 1.0 {
        "1 user with an authenticator app allows".to_owned()
    } else {
        format!("{users:.0} users with an authenticator app allow")
    };
    format!("{who} {per_s} sign-ins with a code a second")
}

/// Returns the share of a workload's sign-ins in which a user with an active factor enters a code.
pub(super) fn mfa_share(scenario: &Scenario, plan: &WorkloadPlan) -> f64 {
    let pool = &scenario.pool;
    let suppressed = match pool.remember {
        _ if !pool.suppress_mfa => 0.0,
        RememberMode::Always => 1.0,
        RememberMode::OptIn => scenario.population.opt_in,
        RememberMode::No => 0.0,
    };
    let share = |intent: Intent| match intent {
        Intent::WrongPassword => 0.0,
        intent if intent.needs_device() => 1.0 - suppressed,
        _ => 1.0,
    };
    match pool.mfa {
        MfaMode::Off => 0.0,
        MfaMode::Optional | MfaMode::On => plan.mix.iter().map(|(intent, part)| part * share(intent)).sum(),
    }
}

/// Returns a warning if the open workloads need more TOTP codes than their users have, at their rates or at
/// `rate` sign-ins a second.
pub(super) fn too_few_codes(scenario: &Scenario, rate: Option<f64>) -> Option<String> {
    let app_share = app_share(scenario);
    // A sign-in of a user with an app is never replaced by that of a user without one.
    let available = f64::from(scenario.population.users) * app_share;
    let needed = match rate {
        Some(rate) => {
            let shares = scenario.workloads.iter().map(|plan| mfa_share(scenario, plan));
            rate * STEP_S as f64 * app_share * shares.fold(0.0, f64::max)
        }
        None => app_share * most_within(scenario, STEP_S),
    };
    (needed > available && available > 0.0).then(|| {
        let users = (needed / app_share).ceil();
        format!(
            "{} too few for about {needed:.0} sign-ins with a TOTP code in {STEP_S} s: {}, because a code can be used \
             once in {STEP_S} s; use at least {users:.0} users or a lower rate",
            users_are(scenario.population.users),
            totp_limit(scenario)
        )
    })
}

/// Returns a warning if all users would be entering codes at the same time: at the rates of the open
/// workloads, or at `rate` sign-ins a second.
pub(super) fn too_few_for_typing(scenario: &Scenario, rate: Option<f64>) -> Option<String> {
    let policy = &scenario.pool;
    let asked = |set: Factors| policy.mfa == MfaMode::On || set.is_active();
    let asked = scenario.population.factors.iter().filter(|(set, _)| asked(*set));
    let asked: f64 = asked.map(|(_, share)| share).sum();
    let mean = scenario.client.mfa_delay.mean();
    let mean_s = mean.as_secs_f64();
    let window = mean.as_secs() + u64::from(mean.subsec_nanos() > 0);
    // Others who sign in instead of users with a factor would change the mix. So the share is the same in
    // sign-ins and in users.
    let needed = match rate {
        Some(rate) => {
            let shares = scenario.workloads.iter().map(|plan| mfa_share(scenario, plan));
            rate * mean_s * shares.fold(0.0, f64::max)
        }
        None if window == 0 => 0.0,
        None => most_within(scenario, window) * mean_s / window as f64,
    };
    let users = scenario.population.users;
    (asked > 0.0 && needed > f64::from(users)).then(|| {
        format!(
            "{} too few, because about {:.0} users at a time would be reading and typing a code, which takes \
             {:.3} s on average (`client.mfa_delay`): use at least {:.0} users, a lower rate or a shorter delay",
            users_are(users),
            needed * asked,
            mean_s,
            needed.ceil()
        )
    })
}

/// Returns the highest number of sign-ins with an MFA in this many seconds, as if all users had a factor.
fn most_within(scenario: &Scenario, window_s: u64) -> f64 {
    // The number of sign-ins in each second of the run.
    let mut seconds = Vec::new();
    for plan in &scenario.workloads {
        let share = mfa_share(scenario, plan);
        let mut start = plan.starts_at;
        for stage in open_stages(plan) {
            let end = start + stage.length;
            for second in start.as_secs()..=end.as_secs() {
                let at = usize::try_from(second).unwrap_or_default();
                if seconds.len() <= at {
                    seconds.resize(at + 1, 0.0);
                }
                seconds[at] += share * within(&stage, start, second);
            }
            start = end;
        }
    }
    let window = usize::try_from(window_s).unwrap_or(usize::MAX);
    let mut most = 0.0_f64;
    let mut sum = 0.0;
    for (at, count) in seconds.iter().enumerate() {
        sum += count - at.checked_sub(window).map_or(0.0, |gone| seconds[gone]);
        most = most.max(sum);
    }
    most
}

/// Returns the expected sign-ins of a stage in this second of the run.
fn within(stage: &OpenStage, start: Duration, second: u64) -> f64 {
    let length = stage.length.as_secs_f64();
    let place = |at: f64| (at - start.as_secs_f64()).clamp(0.0, length);
    let (from, to) = (place(second as f64), place(second as f64 + 1.0));
    let rate = |at: f64| stage.from + (stage.to - stage.from) * at / length;
    (to - from) * rate(f64::midpoint(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(users: u32, totp: u32, pool: &str, stages: &str, rate: Option<f64>) -> Option<String> {
        let text = format!(
            "version: 1\nname: x\npool: {pool}\npopulation: {{ users: {users}, factors: {{ none: {}, totp: {totp} }} }}\n\
             workload: {{ stages: [ {stages} ] }}\n",
            100 - totp
        );
        too_few_codes(&crate::scenario::parse("x.yaml", text.as_bytes()).unwrap(), rate)
    }

    #[test]
    fn n_users_with_an_app_allow_a_thirtieth_of_n_codes_a_second() {
        let pool = "{ remember: always, mfa: optional }";
        let constant = "{ for: 1m, rate: 100/s }";
        assert_eq!(warning(3000, 60, pool, constant, None), None);
        let why = warning(2999, 60, pool, constant, None).unwrap();
        assert!(
            why.starts_with("2999 users are too few for about 1800 sign-ins with a TOTP code in 30 s"),
            "{why}"
        );
        assert!(
            why.contains("1799 users with an authenticator app allow 59.97 sign-ins with a code"),
            "{why}"
        );
        assert!(why.ends_with("use at least 3000 users or a lower rate"), "{why}");
        assert_eq!(warning(3000, 0, pool, constant, None), None, "no user has an app");
        assert_eq!(warning(10, 60, "{ remember: always }", constant, None), None, "no MFA");
        let suppressed = "{ remember: always, suppress_mfa: true, mfa: optional }";
        assert_eq!(warning(10, 60, suppressed, constant, None), None, "devices replace the MFA");
        // Users without a factor set up an app.
        assert!(warning(10, 0, "{ remember: always, mfa: on }", constant, None).is_some());
    }

    /// Little's law: arrivals in the time that each takes.
    #[test]
    fn users_who_enter_codes_start_no_other_sign_in() {
        let warning = |users: u32, delay: &str, stages: &str, rate: Option<f64>| {
            let text = format!(
                "version: 1\nname: x\npool: {{ remember: always, mfa: optional }}\n\
                 population: {{ users: {users}, factors: {{ none: 1, sms: 1 }} }}\n\
                 workload: {{ stages: [ {stages} ] }}\nclient: {{ mfa_delay: {delay} }}\n"
            );
            too_few_for_typing(&crate::scenario::parse("x.yaml", text.as_bytes()).unwrap(), rate)
        };
        let constant = "{ for: 1m, rate: 10/s }";
        assert_eq!(warning(80, "8s", constant, None), None);
        let why = warning(79, "8s", constant, None).unwrap();
        assert!(why.starts_with("79 users are too few, because about 40 users at a time"), "{why}");
        assert!(why.contains("8.000 s on average") && why.contains("at least 80 users"), "{why}");
        let human = "{ log_normal: { median: 8s, sigma: 0.6 } }";
        assert!(warning(95, human, constant, None).is_some() && warning(96, human, constant, None).is_none());
        // Half a second, and a load that ends before the first code is typed.
        assert!(
            warning(4, "500ms", constant, None).is_some() && warning(5, "500ms", constant, None).is_none()
        );
        assert_eq!(warning(20, "8s", "{ for: 2s, rate: 10/s }", None), None);
        assert_eq!(warning(1, "none", constant, None), None);
        assert!(warning(79, "8s", "{ for: 1m, rate: 1/s }", Some(10.0)).is_some(), "a given rate");
    }

    #[test]
    fn only_the_codes_of_one_time_step_count() {
        let pool = "{ remember: always, mfa: optional }";
        assert_eq!(warning(1000, 60, pool, "{ for: 10s, rate: 100/s }", None), None);
        assert!(warning(999, 60, pool, "{ for: 10s, rate: 100/s }", None).is_some());
        // A ramp over a minute has 2,250 sign-ins in its last 30 s.
        let ramp = "{ for: 60s, rate: 1/s, to: 100/s }";
        assert_eq!(warning(2270, 60, pool, ramp, None), None);
        assert!(warning(2240, 60, pool, ramp, None).is_some());
        assert!(
            warning(2999, 60, pool, ramp, Some(100.0)).is_some(),
            "a given rate replaces that of the stages"
        );
        assert_eq!(warning(3000, 60, pool, ramp, Some(100.0)), None);
    }
}
