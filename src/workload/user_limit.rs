//! Whether a population is large enough for Cognito's limit of requests of one user.

use crate::scenario::{Model, Scenario, WorkloadPlan};
use poolproof_client::Intent;
use poolproof_cognito::policy::{Factors, MfaMode};

/// Returns the approximate number of requests in a sign-in of this workload that Cognito counts as reads:
/// `InitiateAuth`, every answer to a challenge, and refreshes.
fn reads_per_sign_in(scenario: &Scenario, plan: &WorkloadPlan) -> f64 {
    let policy = &scenario.pool;
    let asked = |set: Factors| match policy.mfa {
        MfaMode::Off => false,
        MfaMode::Optional => set.is_active(),
        MfaMode::On => true,
    };
    let mfa: f64 =
        scenario.population.factors.iter().filter(|(set, _)| asked(*set)).map(|(_, share)| share).sum();
    let reads = |intent: Intent| {
        let proves_device = intent.needs_device() && policy.remember.tracks();
        let device = if proves_device { 2.0 } else { 0.0 };
        let mfa = if proves_device && policy.suppress_mfa { 0.0 } else { mfa };
        let refreshes = if intent.uses_tokens() { 2.0 } else { 0.0 };
        2.0 + device + mfa + refreshes
    };
    plan.mix.iter().map(|(intent, share)| share * reads(intent)).sum()
}

/// Returns the highest rate of a workload; `None` if it is closed.
pub(super) fn highest_rate(plan: &WorkloadPlan) -> Option<f64> {
    match &plan.model {
        Model::Open { stages, .. } => {
            Some(stages.iter().map(|stage| stage.from.max(stage.to)).fold(0.0, f64::max))
        }
        Model::Closed { .. } => None,
    }
}

/// Returns the subject and the verb of a sentence about this number of users.
pub(super) fn users_are(users: u32) -> String {
    if users == 1 { "1 user is".to_owned() } else { format!("{users} users are") }
}

/// Returns a warning if the population is too small for this limit of reads of one user, at `rate` sign-ins a
/// second or at the highest rates of its workloads.
pub(super) fn too_few_users(scenario: &Scenario, rate: Option<f64>, reads_per_user: u32) -> Option<String> {
    let requests = |plan| Some(rate.or_else(|| highest_rate(plan))? * reads_per_sign_in(scenario, plan));
    let requests: f64 = scenario.workloads.iter().map(requests).sum::<Option<f64>>()?;
    let needed = (requests / f64::from(reads_per_user)).ceil();
    let users = scenario.population.users;
    (f64::from(users) < needed).then(|| {
        format!(
            "{} too few for about {requests:.0} requests a second: Cognito admits {reads_per_user} reads a second of \
             each user, so they need at least {needed:.0} users",
            users_are(users)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(users: u32, pool: &str, rate: Option<f64>) -> Option<String> {
        let text = format!(
            "version: 1\nname: x\npool: {pool}\npopulation: {{ users: {users}, factors: {{ totp: 100 }} }}\n\
             workload: {{ stages: [ {{ for: 1s, rate: 10/s, to: 40/s }} ] }}\n"
        );
        let scenario = crate::scenario::parse("x.yaml", text.as_bytes()).unwrap();
        too_few_users(&scenario, rate, 10)
    }

    /// Developer guide, quotas: 10 reads a second of each user.
    #[test]
    fn the_population_is_compared_with_a_tenth_of_the_requests() {
        // 40 sign-ins a second of InitiateAuth and three answers.
        let suppressed = "{ remember: always, suppress_mfa: true, mfa: on }";
        assert_eq!(warning(16, suppressed, None), None);
        let why = warning(15, suppressed, None).unwrap();
        assert!(why.contains("about 160 requests") && why.contains("at least 16 users"), "{why}");
        // With an MFA before the device proof there are four answers.
        let asked = "{ remember: always, mfa: on }";
        assert_eq!(warning(20, asked, None), None);
        assert!(warning(19, asked, None).is_some());
        assert_eq!(warning(15, suppressed, Some(37.5)), None, "a given rate replaces that of the stages");
        assert!(warning(15, suppressed, Some(38.0)).is_some());
        assert!(warning(8, "{ remember: \"no\" }", None).is_none());
        assert!(warning(7, "{ remember: \"no\" }", None).is_some());
        let one = warning(1, "{ remember: \"no\" }", None).unwrap();
        assert!(one.starts_with("1 user is too few for about 80 requests a second"), "{one}");
    }
}
