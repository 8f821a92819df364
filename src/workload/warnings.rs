//! Settings of a scenario that have no effect, or that its pool and its users cannot sustain.

use super::codes::{mfa_share, too_few_codes, too_few_for_typing};
use super::situations::{possible_facts, tokens};
use super::user_limit::{highest_rate, too_few_users};
use crate::scenario::{Metric, Scenario, Segment, Threshold, Unit, WorkloadPlan};
use poolproof_client::Intent;
use poolproof_cognito::policy::{Quotas, RememberMode, RiskAction, RiskMode, RiskSource};
use poolproof_cognito::protocol::{ChallengeName, SignInStep};
use poolproof_oracle::{Decision, rules};

/// A warning about a scenario.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ScenarioWarning {
    /// The setting that it is about.
    pub(crate) path: Vec<Segment>,
    /// The warning, without a full stop.
    pub(crate) message: String,
    /// Whether the result of a run misleads a reader who does not know it.
    pub(crate) misleads: bool,
}

impl ScenarioWarning {
    fn new(path: &[&str], message: String) -> Self {
        Self { path: path.iter().map(|key| Segment::from(*key)).collect(), message, misleads: true }
    }
}

/// Returns the warnings about a scenario. `quotas` are those of the pool that it runs against, and `rate`
/// replaces the rates of its workloads.
pub(crate) fn warnings(scenario: &Scenario, quotas: &Quotas, rate: Option<f64>) -> Vec<ScenarioWarning> {
    let users = |message| ScenarioWarning::new(&["population", "users"], message);
    let few_users = quotas.reads_per_user.and_then(|limit| too_few_users(scenario, rate, limit));
    let few =
        few_users.into_iter().chain(too_few_codes(scenario, rate)).chain(too_few_for_typing(scenario, rate));
    let mut all: Vec<ScenarioWarning> = few.map(users).collect();
    all.extend(risk_without_effect(scenario));
    all.extend(custom_auth_without_flow(scenario));
    all.extend(thresholds_without_samples(scenario));
    all.extend(rate_above_quotas(scenario, quotas, rate));
    all
}

/// Returns the path of a workload.
fn workload_path(scenario: &Scenario, index: usize) -> Vec<Segment> {
    match scenario.workloads.as_slice() {
        [plan] if plan.name == WorkloadPlan::DEFAULT_NAME => vec!["workload".into()],
        _ => vec!["workloads".into(), index.into()],
    }
}

fn risk_without_effect(scenario: &Scenario) -> Vec<ScenarioWarning> {
    let risk = &scenario.pool.risk;
    let warning = |(index, plan): (usize, &WorkloadPlan)| {
        let levels: Vec<_> = plan.risk.iter().filter_map(|(level, _)| level).collect();
        let why = if levels.is_empty() {
            return None;
        } else if risk.mode != RiskMode::Enforced {
            "`pool.risk.mode` is not `enforced`: add `mode: enforced` and actions to `pool.risk`, or remove it"
        } else if risk.levels == RiskSource::Estimated {
            "with `levels: estimated` the pool estimates the risk itself: remove one of the two"
        } else if levels.iter().all(|level| risk.action(*level) == RiskAction::NoAction) {
            "`pool.risk` takes no action at these levels: add one, such as `high: mfa_required`, or remove it"
        } else {
            return None;
        };
        let path = [workload_path(scenario, index), vec!["risk".into()]].concat();
        let message = format!("the risk of the workload has no effect, because {why}");
        Some(ScenarioWarning { path, message, misleads: true })
    };
    scenario.workloads.iter().enumerate().filter_map(warning).collect()
}

fn custom_auth_without_flow(scenario: &Scenario) -> Option<ScenarioWarning> {
    let unused =
        !scenario.custom_auth.is_empty() && !scenario.workloads.iter().any(|plan| plan.flow.is_custom());
    unused.then(|| {
        let message = "the custom challenges have no effect, because no workload has `flow: custom_auth` or \
                       `flow: custom_auth_after_password`";
        ScenarioWarning::new(&["pool", "custom_auth"], message.to_owned())
    })
}

/// Returns warnings about thresholds on steps and rules that cannot occur.
fn thresholds_without_samples(scenario: &Scenario) -> Vec<ScenarioWarning> {
    let mut rules_applied: Vec<&str> = Vec::new();
    let mut steps = vec![SignInStep::InitiateAuth];
    for facts in possible_facts(scenario) {
        let (rule, decision) = poolproof_oracle::expect(&facts);
        if !rules_applied.contains(&rule.id) {
            rules_applied.push(rule.id);
        }
        steps.extend(
            steps_of(scenario, &decision)
                .into_iter()
                .filter(|step| !steps.contains(step))
                .collect::<Vec<_>>(),
        );
    }
    let refreshes = !tokens(scenario).is_empty();
    let intends = |wanted: &[Intent]| scenario.intents().any(|intent| wanted.contains(&intent));
    steps.extend(refreshes.then_some(SignInStep::RefreshTokens));
    if intends(&[Intent::ForgottenDevice, Intent::RefreshAfterForget]) {
        steps.push(SignInStep::ForgetDevice);
    }
    if intends(&[Intent::RefreshAfterRevoke, Intent::RefreshAfterSignOut]) {
        steps.push(SignInStep::SignOut);
    }
    let sign_in_rule = |id: &str| rules().any(|rule| rule.id == id && !rule.id.starts_with("refresh"));
    let why = |threshold: &Threshold| match (threshold.metric, threshold.selector.rule) {
        (Metric::SignInStep(step, _), _) if !steps.contains(&step) => {
            Some(format!("no sign-in of this scenario has the step {step}"))
        }
        (_, Some(rule)) if !rules_applied.contains(&rule) && (sign_in_rule(rule) || !refreshes) => {
            Some(format!("the rule {rule} cannot apply in this scenario"))
        }
        (Metric::ThrottledRate, _) if scenario.pool.quotas == Quotas::NONE => {
            Some("`quotas: none` throttles nothing".to_owned())
        }
        _ => None,
    };
    let warning = |(index, threshold): (usize, &Threshold)| {
        let effect = match threshold.metric.unit() {
            Unit::Time => "has no samples",
            Unit::Share | Unit::PerSecond | Unit::Count => "cannot change",
        };
        let message = format!("`{}` {effect}: {}", threshold.text, why(threshold)?);
        Some(ScenarioWarning { path: vec!["thresholds".into(), index.into()], message, misleads: true })
    };
    scenario.thresholds.iter().enumerate().filter_map(warning).collect()
}

/// Returns the steps of a decision.
fn steps_of(scenario: &Scenario, decision: &Decision) -> Vec<SignInStep> {
    let step = |challenge: &ChallengeName| match challenge {
        ChallengeName::PasswordVerifier | ChallengeName::NewPasswordRequired | ChallengeName::Password => {
            SignInStep::PasswordVerifier
        }
        ChallengeName::SelectChallenge | ChallengeName::PasswordSrp => SignInStep::SelectChallenge,
        ChallengeName::CustomChallenge => SignInStep::CustomChallenge,
        ChallengeName::DeviceSrpAuth => SignInStep::DeviceSrpAuth,
        ChallengeName::DevicePasswordVerifier => SignInStep::DevicePasswordVerifier,
        _ => SignInStep::Mfa,
    };
    let mut steps: Vec<SignInStep> = decision.challenges.iter().map(step).collect();
    if decision.challenges.contains(&ChallengeName::PasswordSrp) {
        steps.push(SignInStep::PasswordVerifier);
    }
    if decision.new_device {
        // A client with many devices forgets the oldest one.
        steps.extend([SignInStep::ConfirmDevice, SignInStep::ForgetDevice]);
        let asks = scenario.pool.remember == RememberMode::OptIn && scenario.population.opt_in > 0.0;
        steps.extend(asks.then_some(SignInStep::UpdateDeviceStatus));
    }
    steps
}

/// Returns warnings about rates above the quotas of the pool, or above Cognito's defaults if it has none.
fn rate_above_quotas(scenario: &Scenario, quotas: &Quotas, rate: Option<f64>) -> Vec<ScenarioWarning> {
    let (limits, whose) =
        if *quotas == Quotas::NONE { (&Quotas::COGNITO, "Cognito's default") } else { (quotas, "the quota") };
    let demand = |requests: &dyn Fn(&WorkloadPlan) -> f64| -> f64 {
        let workloads = scenario.workloads.iter();
        workloads.filter_map(|plan| Some(rate.or_else(|| highest_rate(plan))? * requests(plan))).sum()
    };
    let share = |plan: &WorkloadPlan, wanted: fn(Intent) -> bool| -> f64 {
        plan.mix.iter().filter(|(intent, _)| wanted(*intent)).map(|(_, share)| share).sum()
    };
    let active =
        scenario.population.factors.iter().filter(|(set, _)| set.is_active()).map(|(_, share)| share);
    let active: f64 = active.sum();
    let tracks = scenario.pool.remember.tracks();
    let starts = demand(&|plan| 1.0 + 2.0 * share(plan, Intent::uses_tokens));
    let answers = demand(&|plan| {
        let proofs = if tracks { 2.0 * share(plan, Intent::needs_device) } else { 0.0 };
        1.0 + proofs + active * mfa_share(scenario, plan)
    });
    let new_devices = |intent| intent == Intent::NewDevice;
    let writes = demand(&|plan| if tracks { share(plan, new_devices) } else { 0.0 });
    let path = ["pool", "quotas"];
    let lines = [
        ("sign-ins and refreshes", starts, limits.user_authentication, "user_authentication"),
        (
            "answers to challenges",
            answers,
            limits.user_authentication.map(|limit| limit.saturating_mul(3)),
            "user_authentication, times three",
        ),
        ("confirmations of devices", writes, limits.user_resource_update, "user_resource_update"),
    ];
    let above = |(what, demand, limit, name): (&str, f64, Option<u32>, &str)| {
        let limit = limit.filter(|limit| demand > f64::from(*limit) * (1.0 + 1e-9))?;
        let message =
            format!("about {demand:.0} {what} a second are more than {whose} of {limit}/s ({name})");
        Some(ScenarioWarning { misleads: false, ..ScenarioWarning::new(&path, message) })
    };
    lines.into_iter().filter_map(above).collect()
}
