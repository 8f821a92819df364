//! Plays trials at an endpoint, one pool for each configuration.

use std::cell::{Cell as Count, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio_util::sync::CancellationToken;

use super::trial::{Trial, sample};
use super::trial_user::TrialUser;
use super::{Conformance, Example, Outcome, RuleResult};
use crate::actors::{Drain, UserContext, system};
use crate::clock::{Clock, ClockKind};
use crate::compute::Compute;
use crate::control_groups::usable_cores;
use crate::endpoint::{EndpointConfig, EndpointSession, NewPool, SessionError, SetupError};
use crate::scenario::Delay;
use crate::target::AdminTarget as _;
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::policy::{
    Lockout, MfaMode, PoolPolicy, Quotas, RememberMode, RiskMode, RiskPolicy, RiskSource,
};
use poolproof_cognito::seed::Seed;
use poolproof_oracle::{self, RuleId};
use poolproof_srp::Group;

/// Maximum number of users of one pool who are set up, or sign in, at the same time.
const MAX_CONCURRENT_USERS: usize = 16;

/// Nothing could be tried.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// Threads or a runtime cannot be created.
    #[error("cannot start threads: {0}")]
    Threads(#[from] io::Error),
    /// The endpoint does not answer.
    #[error("the target cannot be used: {0}")]
    Target(String),
}

/// Plays these trials, or a sample of them, at an endpoint whose pools are expected to have the switches of
/// `base`. `on_progress` receives the number done. If `cancel_token` is canceled, the other trials are not
/// played, and the pools that were created are deleted.
///
/// If the endpoint accepts no risk level, situations with risk are not tried and not part of the sample. If
/// the first response is not one of the AWS protocol, no other request follows.
///
/// # Errors
///
/// Nothing could be tried at all.
pub fn play_at_endpoint(
    at: &EndpointConfig,
    base: &PoolPolicy,
    trials: &[Trial],
    wanted: Option<usize>,
    on_progress: &dyn Fn(usize),
    cancel_token: &CancellationToken,
) -> Result<Conformance, EndpointError> {
    let system = system(ClockKind::Wall)?;
    system.block_on(async {
        let clock = Clock::start(ClockKind::Wall);
        let threads = usable_cores();
        let mut rng = Seed::new(clock.now().as_us()).rng("prepared", 0);
        let compute = Compute::threads(threads, 1, &mut rng)?;
        let accepts_risk_level = match at.connect(clock).await {
            Ok(target) => target.accepts_risk_level(),
            Err(error) => return Err(EndpointError::Target(format!("{}: {error}", at.address))),
        };
        let runner = TrialRunner {
            at,
            base,
            clock,
            compute,
            done: Count::new(0),
            left_behind: RefCell::default(),
            on_progress,
            cancel_token,
        };
        let (possible, impossible): (Vec<Trial>, Vec<Trial>) =
            trials.iter().partition(|trial| accepts_risk_level || trial.cell.risk.is_none());
        let (possible, rules_left_out) = match wanted {
            Some(wanted) => sample(&possible, wanted),
            None => (possible, 0),
        };
        // An endpoint that accepts a risk level publishes the codes that it delivers.
        let reachable =
            |trial: Trial| if accepts_risk_level { trial } else { trial.without_delivered_codes() };
        let mut of_configuration: BTreeMap<_, Vec<Trial>> = BTreeMap::new();
        for trial in possible.into_iter().map(reachable) {
            of_configuration.entry(trial.configuration()).or_default().push(trial);
        }
        let mut outcomes = Vec::with_capacity(trials.len());
        for trials in of_configuration.into_values() {
            outcomes.extend(runner.play_configuration(trials, outcomes.is_empty()).await?);
        }
        let why = "the endpoint does not accept a risk level";
        // A sample consists of the trials that were run.
        let reported = if wanted.is_none() { impossible.as_slice() } else { &[] };
        outcomes.extend(untried(reported, why));
        let partial = cancel_token.is_cancelled();
        let rules = rule_results(base, outcomes);
        Ok(Conformance {
            target: at.address.to_string(),
            accepts_risk_level,
            partial,
            left_behind: runner.left_behind.take(),
            rules_left_out,
            risk_trials_left_out: impossible.len() - reported.len(),
            rules,
        })
    })
}

struct TrialRunner<'s> {
    at: &'s EndpointConfig,
    base: &'s PoolPolicy,
    clock: Clock,
    compute: Compute,
    done: Count<usize>,
    /// The pools that could not be deleted, each with the reason.
    left_behind: RefCell<Vec<String>>,
    on_progress: &'s dyn Fn(usize),
    cancel_token: &'s CancellationToken,
}

fn untried(trials: &[Trial], why: &str) -> Vec<(Trial, Outcome)> {
    trials.iter().map(|trial| (*trial, Outcome::Untried(why.to_owned()))).collect()
}

impl TrialRunner<'_> {
    /// Plays the trials of one configuration in a pool of their own. Returns an error if this is the first
    /// one and the endpoint does not answer in the AWS protocol.
    async fn play_configuration(
        &self,
        trials: Vec<Trial>,
        is_first: bool,
    ) -> Result<Vec<(Trial, Outcome)>, EndpointError> {
        if self.cancel_token.is_cancelled() {
            return Ok(untried(&trials, "interrupted"));
        }
        let seed = Seed::new(self.clock.now().as_us());
        let session =
            match EndpointSession::open(self.at, &NewPool::named("poolproof-matrix"), self.clock, seed).await
            {
                Ok(session) => session,
                Err(error) => {
                    if let SessionError::Setup(SetupError { cleanup_error: Some(left), .. }) = &error {
                        self.left_behind.borrow_mut().push(left.to_string());
                    }
                    return match &error {
                        SessionError::Setup(setup) if is_first && setup.is_foreign() => {
                            let why = format!(
                                "{}: {setup}, which is no answer of Cognito; check the URL",
                                self.at.address
                            );
                            Err(EndpointError::Target(why))
                        }
                        _ => Ok(untried(&trials, &error.to_string())),
                    };
                }
            };
        let played = self.play_in(&session, &self.context(&session), &trials).await;
        // The decisions count all the same; the undeleted pool is reported.
        let cleanup_error = session.close().await.err();
        self.left_behind.borrow_mut().extend(cleanup_error.map(|cleanup_error| cleanup_error.to_string()));
        Ok(played)
    }

    async fn play_in(
        &self,
        session: &EndpointSession,
        context: &UserContext,
        trials: &[Trial],
    ) -> Vec<(Trial, Outcome)> {
        if trials.iter().any(|trial| trial.mfa_bound)
            && let Err(error) = session.apply_settings(&self.enrollment_policy()).await
        {
            return untried(trials, &error.to_string());
        }
        let preparing = trials.iter().zip(0..).map(|(trial, number)| async move {
            if self.cancel_token.is_cancelled() {
                return (*trial, Err("interrupted".to_owned()));
            }
            (*trial, TrialUser::prepare(*trial, number, session, context).await)
        });
        let prepared: Vec<_> = stream::iter(preparing).buffered(MAX_CONCURRENT_USERS).collect().await;
        let policy = trials.first().map_or(*self.base, |trial| self.policy(trial));
        let settled = session.apply_settings(&policy).await.map_err(|error| error.to_string());
        let settled = &settled;
        let playing = prepared.into_iter().map(|(trial, user)| async move {
            let (_, expected) = trial.expected(self.base);
            let outcome = match (settled, user) {
                (Err(why), _) => Outcome::Untried(why.clone()),
                (Ok(()), Err(why)) => Outcome::Untried(why),
                (Ok(()), Ok(user)) => user.play(context, &expected).await,
            };
            self.done.set(self.done.get() + 1);
            (self.on_progress)(self.done.get());
            (trial, outcome)
        });
        stream::iter(playing).buffered(MAX_CONCURRENT_USERS).collect().await
    }

    /// Returns the settings with which users enroll devices: users with an active factor complete an MFA.
    const fn enrollment_policy(&self) -> PoolPolicy {
        PoolPolicy {
            remember: RememberMode::OptIn,
            suppress_mfa: false,
            mfa: MfaMode::Optional,
            risk: RiskPolicy::OFF,
            ..*self.base
        }
    }

    /// Returns the settings of the pool of this trial.
    fn policy(&self, trial: &Trial) -> PoolPolicy {
        let (remember, suppress_mfa, mfa, action) = trial.configuration();
        let risk = action.map_or(RiskPolicy::OFF, |action| RiskPolicy {
            mode: RiskMode::Enforced,
            levels: RiskSource::Given,
            low: action,
            medium: action,
            high: action,
            ..RiskPolicy::OFF
        });
        PoolPolicy {
            remember,
            suppress_mfa,
            mfa,
            risk,
            lockout: Lockout::Cognito,
            quotas: Quotas::NONE,
            ..*self.base
        }
    }

    fn context(&self, session: &EndpointSession) -> UserContext {
        UserContext {
            clock: self.clock,
            target: Rc::clone(&session.target) as _,
            compute: self.compute.clone(),
            // No two plays draw alike: an endpoint that keeps something from one must not take another for
            // it.
            seed: Seed::new(self.clock.now().as_us()),
            pool_id: session.pool_id.clone(),
            client_id: session.client_id.clone(),
            group: Group::cognito(),
            ephemeral_bits: 256,
            retries: 5,
            mfa_delay: Delay::None,
            session_validity: PoolPolicy::SESSION_VALIDITY,
            exceptions: Rc::new(RiskExceptions::default()),
            rotation: None,
            flows: [].into(),
            custom_auth: [].into(),
            drain: Drain::default(),
            keeps_tokens: false,
        }
    }
}

/// Counts what became of the trials by rule, in the order of the rules' table.
fn rule_results(base: &PoolPolicy, outcomes: Vec<(Trial, Outcome)>) -> Vec<RuleResult> {
    let mut of_rule: BTreeMap<RuleId, RuleResult> = BTreeMap::new();
    for (trial, outcome) in outcomes {
        let (rule, expected) = trial.expected(base);
        let result = of_rule.entry(rule).or_insert_with(|| RuleResult {
            rule,
            description: poolproof_oracle::description(rule),
            followed: 0,
            broken: 0,
            untried: 0,
            example: None,
            reason: None,
        });
        match outcome {
            Outcome::Decided(actual, _) if actual == expected => result.followed += 1,
            Outcome::Decided(actual, message) => {
                result.broken += 1;
                result.example.get_or_insert(Example { trial, expected, actual, message });
            }
            Outcome::Untried(why) => {
                result.untried += 1;
                result.reason.get_or_insert(why);
            }
        }
    }
    poolproof_oracle::rules().filter_map(|rule| of_rule.remove(&rule)).collect()
}
