//! Plays trials at an endpoint, one pool for each configuration.

use std::cell::{Cell as Count, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::trial::{Trial, sample};
use super::trial_user::TrialUser;
use super::{Conformance, Example, Outcome, RuleResult};
use crate::actors::{AdminClient, CreatedUsers, TestPool, UserContext, system};
use crate::clock::{Clock, ClockKind};
use crate::compute::Compute;
use crate::http::client::{ClientLimits, Credentials, EndpointUrl, HttpTarget};
use crate::scenario::Delay;
use crate::target::{AdminTarget as _, Target, TransportError};
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::policy::{Lockout, PoolPolicy, Quotas, RiskMode, RiskPolicy, RiskSource};
use poolproof_cognito::seed::Seed;
use poolproof_oracle::{self, RuleId};
use poolproof_srp::Group;

/// Users of one pool who do something at the same time.
const MAX_CONCURRENT_USERS: usize = 16;

/// An endpoint, and how it is spoken to.
#[derive(Clone, Debug)]
pub struct EndpointOptions {
    /// Where it is.
    pub address: EndpointUrl,
    /// What administrators' requests are signed with.
    pub credentials: Option<Credentials>,
    /// How it is spoken to.
    pub limits: ClientLimits,
}

/// Nothing could be tried.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The operating system gives no thread or no runtime.
    #[error("cannot start threads: {0}")]
    Threads(#[from] io::Error),
    /// The endpoint does not answer.
    #[error("the target cannot be used: {0}")]
    Target(String),
}

/// Plays these trials, or a sample of them, at an endpoint whose pools are expected to have the switches of
/// `base`. `on_progress` hears how many are done; when `stop` becomes true the rest is left, and no pool of
/// ours stays behind that can be removed.
///
/// If the endpoint accepts no risk level, situations with risk are not tried and not part of the sample.
///
/// # Errors
///
/// Nothing could be tried at all.
pub fn play_at_endpoint(
    at: &EndpointOptions,
    base: &PoolPolicy,
    trials: &[Trial],
    wanted: Option<usize>,
    on_progress: &dyn Fn(usize),
    stop: &Arc<AtomicBool>,
) -> Result<Conformance, EndpointError> {
    let system = system(ClockKind::Wall)?;
    system.block_on(async {
        let clock = Clock::start(ClockKind::Wall);
        let threads = available_parallelism().map_or(1, NonZero::get);
        let mut rng = Seed::new(clock.now().as_us()).rng("prepared", 0);
        let compute = Compute::threads(threads, 1, &mut rng)?;
        let target = HttpTarget::new(at.address.clone(), at.credentials.clone(), clock, at.limits);
        let mut target = target?;
        target
            .probe()
            .await
            .map_err(|TransportError(why)| EndpointError::Target(format!("{}: {why}", at.address)))?;
        let accepts_risk_level = target.accepts_risk_level();
        drop(target);
        let runner = TrialRunner {
            at,
            base,
            clock,
            compute,
            done: Count::new(0),
            cleanup_error: RefCell::default(),
            on_progress,
            stop,
        };
        let (possible, impossible): (Vec<Trial>, Vec<Trial>) =
            trials.iter().partition(|trial| accepts_risk_level || trial.cell.risk.is_none());
        let (possible, rules_left_out) = match wanted {
            Some(wanted) => sample(&possible, wanted),
            None => (possible, 0),
        };
        let mut of_configuration: BTreeMap<_, Vec<Trial>> = BTreeMap::new();
        for trial in possible {
            of_configuration.entry(trial.configuration()).or_default().push(trial);
        }
        let mut outcomes = Vec::with_capacity(trials.len());
        for trials in of_configuration.into_values() {
            outcomes.extend(runner.play_configuration(trials).await);
        }
        let why = "the endpoint does not accept a risk level";
        outcomes.extend(untried(&impossible, why));
        let partial = stop.load(Ordering::SeqCst);
        let rules = rule_results(base, outcomes);
        let left_behind = runner.cleanup_error.take();
        Ok(Conformance {
            target: at.address.to_string(),
            accepts_risk_level,
            partial,
            left_behind,
            rules_left_out,
            rules,
        })
    })
}

struct TrialRunner<'s> {
    at: &'s EndpointOptions,
    base: &'s PoolPolicy,
    clock: Clock,
    compute: Compute,
    done: Count<usize>,
    /// What of ours could not be removed.
    cleanup_error: RefCell<Vec<String>>,
    on_progress: &'s dyn Fn(usize),
    stop: &'s Arc<AtomicBool>,
}

fn untried(trials: &[Trial], why: &str) -> Vec<(Trial, Outcome)> {
    trials.iter().map(|trial| (*trial, Outcome::Untried(why.to_owned()))).collect()
}

impl TrialRunner<'_> {
    /// Plays the trials of one configuration in a pool of their own.
    async fn play_configuration(&self, trials: Vec<Trial>) -> Vec<(Trial, Outcome)> {
        if self.stop.load(Ordering::SeqCst) {
            return untried(&trials, "interrupted");
        }
        let target =
            HttpTarget::new(self.at.address.clone(), self.at.credentials.clone(), self.clock, self.at.limits);
        let target = match target {
            Ok(target) => target,
            Err(error) => return untried(&trials, &error.to_string()),
        };
        let mut target = target;
        if let Err(TransportError(why)) = target.probe().await {
            return untried(&trials, &why);
        }
        let seed = Seed::new(self.clock.now().as_us());
        let made = TestPool::create(&AdminClient::new(&target, self.clock, seed), "poolproof-matrix").await;
        let test_pool = match made {
            Ok(test_pool) => test_pool,
            Err(error) => {
                self.cleanup_error.borrow_mut().extend(error.cleanup_error.as_ref().map(ToString::to_string));
                return untried(&trials, &error.to_string());
            }
        };
        let target = Rc::new(target.for_pool(test_pool.pool_id.clone()));
        let context = self.context(Rc::clone(&target) as Rc<dyn Target>, &test_pool);
        let admin = AdminClient::new(&*target, self.clock, seed);
        let played = self.play_in(&admin, &test_pool, &context, &trials).await;
        // The decisions count all the same; the undeleted pool is reported.
        let cleanup_error = test_pool.remove(&admin).await.err();
        self.cleanup_error.borrow_mut().extend(cleanup_error.map(|cleanup_error| cleanup_error.to_string()));
        played
    }

    async fn play_in(
        &self,
        admin: &AdminClient<'_>,
        test_pool: &TestPool,
        context: &UserContext,
        trials: &[Trial],
    ) -> Vec<(Trial, Outcome)> {
        // They go with the pool.
        let created_users = CreatedUsers::created_since(self.clock.now());
        let created_users = &created_users;
        let preparing = trials.iter().zip(0..).map(|(trial, number)| async move {
            if self.stop.load(Ordering::SeqCst) {
                return (*trial, Err("interrupted".to_owned()));
            }
            (*trial, TrialUser::prepare(*trial, number, admin, context, created_users).await)
        });
        let prepared: Vec<_> = stream::iter(preparing).buffered(MAX_CONCURRENT_USERS).collect().await;
        let policy = trials.first().map_or(*self.base, |trial| self.policy(trial));
        let settled = test_pool.settle(admin, &policy).await.map_err(|error| error.to_string());
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

    /// The settings of the pool of this trial.
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

    fn context(&self, target: Rc<dyn Target>, test_pool: &TestPool) -> UserContext {
        UserContext {
            clock: self.clock,
            target,
            compute: self.compute.clone(),
            // No two plays draw alike: an endpoint that keeps something from one must not take another for
            // it.
            seed: Seed::new(self.clock.now().as_us()),
            pool_id: test_pool.pool_id.clone(),
            client_id: test_pool.client_id.clone(),
            group: Group::cognito(),
            ephemeral_bits: 256,
            retries: 5,
            mfa_delay: Delay::None,
            session_validity: PoolPolicy::SESSION_VALIDITY,
            exceptions: Rc::new(RiskExceptions::default()),
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
