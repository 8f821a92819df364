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

use super::cast::Player;
use super::trial::{Trial, sample};
use super::{Conformance, Example, Outcome, Standing};
use crate::actors::{Administrator, Guests, Ports, Premises, system};
use crate::clock::{Clock, ClockKind};
use crate::compute::Compute;
use crate::http::client::{Address, Credentials, HttpTarget, Limits};
use crate::scenario::Delay;
use crate::target::{Endpoint as _, Target, Unreachable};
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::policy::{Lockout, PoolPolicy, Quotas, RiskLevels, RiskMode, RiskPolicy};
use poolproof_cognito::seed::Seed;
use poolproof_oracle::{self, RuleId};
use poolproof_srp::Group;

/// Users of one pool who do something at the same time.
const AT_ONCE: usize = 16;

/// An endpoint, and how it is spoken to.
#[derive(Clone, Debug)]
pub struct At {
    /// Where it is.
    pub address: Address,
    /// What administrators' requests are signed with.
    pub credentials: Option<Credentials>,
    /// How it is spoken to.
    pub limits: Limits,
}

/// Nothing could be tried.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The operating system gives no thread or no runtime.
    #[error("cannot start threads: {0}")]
    Threads(#[from] io::Error),
    /// Nobody answers there.
    #[error("the target cannot be used: {0}")]
    Target(String),
}

/// Plays these trials, or a sample of them, at an endpoint whose pools are expected to have the switches of `base`. `told` hears how
/// many are done; when `stop` becomes true the rest is left, and no pool of ours stays behind that can be removed.
///
/// Where the endpoint cannot be told of risk, those with risk are not tried, and no part of the sample.
///
/// # Errors
///
/// Nothing could be tried at all.
pub fn play_at(
    at: &At,
    base: &PoolPolicy,
    trials: &[Trial],
    wanted: Option<usize>,
    told: &dyn Fn(usize),
    stop: &Arc<AtomicBool>,
) -> Result<Conformance, Unusable> {
    let system = system(ClockKind::Wall)?;
    system.block_on(async {
        let clock = Clock::start(ClockKind::Wall);
        let threads = available_parallelism().map_or(1, NonZero::get);
        let mut chance = Seed::new(clock.now().as_us()).stream("prepared", 0);
        let compute = Compute::threads(threads, 1, &mut chance)?;
        let target = HttpTarget::new(at.address.clone(), at.credentials.clone(), clock, at.limits);
        let mut target = target?;
        target.look().await.map_err(|Unreachable(why)| Unusable::Target(format!("{}: {why}", at.address)))?;
        let takes_risk = target.takes_risk();
        drop(target);
        let stage =
            Stage { at, base, clock, compute, done: Count::new(0), left: RefCell::default(), told, stop };
        let (possible, impossible): (Vec<Trial>, Vec<Trial>) =
            trials.iter().partition(|trial| takes_risk || trial.cell.risk.is_none());
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
            outcomes.extend(stage.play_configuration(trials).await);
        }
        let why = "the endpoint cannot be told how risky a sign-in is to look";
        outcomes.extend(untried(&impossible, why));
        let partial = stop.load(Ordering::SeqCst);
        let rules = standings(base, outcomes);
        let left_behind = stage.left.take();
        Ok(Conformance {
            target: at.address.to_string(),
            takes_risk,
            partial,
            left_behind,
            rules_left_out,
            rules,
        })
    })
}

struct Stage<'s> {
    at: &'s At,
    base: &'s PoolPolicy,
    clock: Clock,
    compute: Compute,
    done: Count<usize>,
    /// What of ours could not be removed.
    left: RefCell<Vec<String>>,
    told: &'s dyn Fn(usize),
    stop: &'s Arc<AtomicBool>,
}

fn untried(trials: &[Trial], why: &str) -> Vec<(Trial, Outcome)> {
    trials.iter().map(|trial| (*trial, Outcome::Untried(why.to_owned()))).collect()
}

impl Stage<'_> {
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
        if let Err(Unreachable(why)) = target.look().await {
            return untried(&trials, &why);
        }
        let seed = Seed::new(self.clock.now().as_us());
        let made = Premises::make(&Administrator::new(&target, self.clock, seed), "poolproof-matrix").await;
        let premises = match made {
            Ok(premises) => premises,
            Err(error) => {
                self.left.borrow_mut().extend(error.left.as_ref().map(ToString::to_string));
                return untried(&trials, &error.to_string());
            }
        };
        let target = Rc::new(target.for_pool(premises.pool_id.clone()));
        let ports = self.ports(Rc::clone(&target) as Rc<dyn Target>, &premises);
        let admin = Administrator::new(&*target, self.clock, seed);
        let played = self.play_in(&admin, &premises, &ports, &trials).await;
        // What was decided counts all the same; whoever owns the endpoint is told of the pool.
        let left = premises.remove(&admin).await.err();
        self.left.borrow_mut().extend(left.map(|left| left.to_string()));
        played
    }

    async fn play_in(
        &self,
        admin: &Administrator<'_>,
        premises: &Premises,
        ports: &Ports,
        trials: &[Trial],
    ) -> Vec<(Trial, Outcome)> {
        // They go with the pool.
        let guests = Guests::from_now(self.clock.now());
        let guests = &guests;
        let preparing = trials.iter().zip(0..).map(|(trial, number)| async move {
            if self.stop.load(Ordering::SeqCst) {
                return (*trial, Err("interrupted".to_owned()));
            }
            (*trial, Player::prepare(*trial, number, admin, ports, guests).await)
        });
        let prepared: Vec<_> = stream::iter(preparing).buffered(AT_ONCE).collect().await;
        let policy = trials.first().map_or(*self.base, |trial| self.policy(trial));
        let settled = premises.settle(admin, &policy).await.map_err(|error| error.to_string());
        let settled = &settled;
        let playing = prepared.into_iter().map(|(trial, player)| async move {
            let (_, expected) = trial.expected(self.base);
            let outcome = match (settled, player) {
                (Err(why), _) => Outcome::Untried(why.clone()),
                (Ok(()), Err(why)) => Outcome::Untried(why),
                (Ok(()), Ok(player)) => player.play(ports, &expected).await,
            };
            self.done.set(self.done.get() + 1);
            (self.told)(self.done.get());
            (trial, outcome)
        });
        stream::iter(playing).buffered(AT_ONCE).collect().await
    }

    /// The settings of the pool of this trial.
    fn policy(&self, trial: &Trial) -> PoolPolicy {
        let (remember, suppress_mfa, mfa, action) = trial.configuration();
        let risk = action.map_or(RiskPolicy::OFF, |action| RiskPolicy {
            mode: RiskMode::Enforced,
            levels: RiskLevels::Given,
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

    fn ports(&self, target: Rc<dyn Target>, premises: &Premises) -> Ports {
        Ports {
            clock: self.clock,
            target,
            compute: self.compute.clone(),
            // No two plays draw alike: an endpoint that keeps something from one must not take another for it.
            seed: Seed::new(self.clock.now().as_us()),
            pool_id: premises.pool_id.clone(),
            client_id: premises.client_id.clone(),
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
fn standings(base: &PoolPolicy, outcomes: Vec<(Trial, Outcome)>) -> Vec<Standing> {
    let mut of_rule: BTreeMap<RuleId, Standing> = BTreeMap::new();
    for (trial, outcome) in outcomes {
        let (rule, expected) = trial.expected(base);
        let standing = of_rule.entry(rule).or_insert_with(|| Standing {
            rule,
            says: poolproof_oracle::says(rule),
            followed: 0,
            broken: 0,
            untried: 0,
            example: None,
            reason: None,
        });
        match outcome {
            Outcome::Seen(seen, _) if seen == expected => standing.followed += 1,
            Outcome::Seen(seen, said) => {
                standing.broken += 1;
                standing.example.get_or_insert(Example { trial, expected, seen, said });
            }
            Outcome::Untried(why) => {
                standing.untried += 1;
                standing.reason.get_or_insert(why);
            }
        }
    }
    poolproof_oracle::rules().filter_map(|rule| of_rule.remove(&rule)).collect()
}
