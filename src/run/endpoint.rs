//! A run at an endpoint: our people move in, the run is played, and what was made is removed again.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use futures_util::stream;
use futures_util::{Stream as _, StreamExt as _};

use super::{RunError, RunEvent, Runner, schedule};
use crate::actors::{
    AdminClient, CleanupError, CreatedUsers, Finished, SetupError, TestPool, TestUser, UserContext,
};
use crate::clock::ClockKind;
use crate::http::client::{ClientLimits, Credentials, EndpointUrl, HttpTarget};
use crate::scenario::{GroupName, Scenario};
use crate::target::{AdminTarget as _, Target, TransportError};
use crate::workload::{DeviceOwners, UserSpec, population};
use poolproof_cognito::ids::{ClientId, Password, PoolId, Username};
use poolproof_cognito::policy::{CompromisedAction, Factors, Lockout, PoolPolicy, RiskPolicy, RiskSource};
use poolproof_cognito::totp::TotpSecret;

/// People who move in at the same time.
const MAX_CONCURRENT_USERS: usize = 16;

/// An endpoint, and what of it is used.
#[derive(Clone, Debug)]
pub struct EndpointConfig {
    /// Where it is.
    pub address: EndpointUrl,
    /// What administrators' requests are signed with.
    pub credentials: Option<Credentials>,
    /// How it is spoken to.
    pub limits: ClientLimits,
    /// Which pool, and who lives there.
    pub pool_source: PoolSource,
    /// What the command line said of all this besides the address, word by word: for playing a run again.
    pub options: Vec<String>,
}

/// Which pool of an endpoint is used, and by whom.
#[derive(Clone, Debug)]
pub enum PoolSource {
    /// One that is made for the run and removed after it, with the scenario's people.
    New,
    /// One that is there and is as the scenario says.
    Existing {
        /// The pool.
        pool_id: PoolId,
        /// Its app client, which has no secret.
        client_id: ClientId,
        /// Users who live there; without them the scenario's people move in, and out again.
        existing_users: Option<Vec<ExistingUser>>,
    },
}

/// A user who lives in a pool already.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExistingUser {
    /// Their name.
    pub username: Username,
    /// Their password.
    pub password: Password,
    /// The secret of their authenticator app, if that is their second factor.
    pub totp: Option<TotpSecret>,
}

/// Refuses what no endpoint can be told.
pub(super) fn check(scenario: &Scenario) -> Result<(), RunError> {
    let risk = scenario.pool.risk;
    let reason = if scenario.clock == ClockKind::Virtual {
        "a target needs real time: use `clock: wall` or --clock wall"
    } else if scenario.group == GroupName::Toy {
        "a target needs `group: cognito`: `group: toy` proves nothing about it"
    } else if risk.levels == RiskSource::Estimated {
        "`levels: estimated` is poolproof's own rule and cannot be tested at a target"
    } else if risk.compromised == CompromisedAction::Block {
        "`compromised: block` cannot be tested at a target, which does not know the compromised passwords"
    } else if scenario.exceptions != poolproof_cognito::addresses::RiskExceptions::default() {
        "address lists cannot be tested at a target: all requests come from this machine"
    } else {
        return Ok(());
    };
    Err(RunError::Unsupported(reason.to_owned()))
}

/// What the judge is to expect of a target: it locks out as Cognito does.
fn expected(scenario: &Scenario, accepts_risk_level: bool) -> PoolPolicy {
    let policy = PoolPolicy { lockout: Lockout::Cognito, ..scenario.pool };
    // Where nobody can say how risky a sign-in looks, none looks risky.
    if accepts_risk_level { policy } else { PoolPolicy { risk: RiskPolicy::OFF, ..policy } }
}

/// A stay at an endpoint that is over: the run, and what of ours could not be removed afterwards.
pub(super) struct TargetRun {
    pub(super) finished: Finished,
    pub(super) cleanup_error: Option<CleanupError>,
}

impl Runner<'_> {
    pub(super) async fn play_over_http(&self, at: &EndpointConfig) -> Result<TargetRun, RunError> {
        let unusable = |error: String| RunError::Target(format!("{}: {error}", at.address));
        let target = HttpTarget::new(at.address.clone(), at.credentials.clone(), self.clock, at.limits);
        let mut target = target.map_err(|error| unusable(error.to_string()))?;
        target.probe().await.map_err(|TransportError(why)| unusable(why))?;
        let policy = expected(self.scenario, target.accepts_risk_level());
        let (test_pool, pool_id, client_id) = match &at.pool_source {
            PoolSource::New => {
                let name = format!("poolproof-{}", self.scenario.name);
                let admin = AdminClient::new(&target, self.clock, self.scenario.seed);
                let made =
                    TestPool::create(&admin, &name).await.map_err(|error| unusable(error.to_string()))?;
                let (pool_id, client_id) = (made.pool_id.clone(), made.client_id.clone());
                (Some(made), pool_id, client_id)
            }
            PoolSource::Existing { pool_id, client_id, .. } => (None, pool_id.clone(), client_id.clone()),
        };
        let target = Rc::new(target.for_pool(pool_id.clone()));
        let context = self.context(Rc::clone(&target) as Rc<dyn Target>, pool_id, client_id);
        let admin = AdminClient::new(&*target, self.clock, self.scenario.seed);
        let new_users = self.new_users(at);
        let existing_users = matches!(&at.pool_source, PoolSource::Existing { existing_users: Some(_), .. });
        let created_users = (!existing_users).then(|| CreatedUsers::created_since(self.clock.now()));
        let settled = self
            .settle(&admin, &context, new_users, created_users.as_ref(), test_pool.as_ref(), &policy)
            .await;
        let finished = match settled {
            Ok(test_users) => Ok(self.play_test_users(test_users, &context, policy).await),
            Err(error) => Err(error),
        };
        // Whatever became of the run, nothing of ours is left behind.
        let cleanup = match (&test_pool, &created_users) {
            (Some(test_pool), _) => test_pool.remove(&admin).await,
            (None, Some(created_users)) => created_users.delete_all(&admin, &context.pool_id).await,
            (None, None) => Ok(()),
        };
        let cleanup_error = cleanup.err();
        match finished {
            Ok(finished) => Ok(TargetRun { finished, cleanup_error }),
            Err(error) => Err(unusable(
                SetupError { cleanup_error: cleanup_error.map(Box::new).or(error.cleanup_error), ..error }
                    .to_string(),
            )),
        }
    }

    /// Those who are to sign in, before they have anything.
    fn new_users(&self, at: &EndpointConfig) -> Vec<TestUser> {
        let people = population(self.scenario);
        if let PoolSource::Existing { existing_users: Some(existing_users), .. } = &at.pool_source {
            let pair = existing_users.iter().zip(people);
            return pair
                .map(|(existing_user, user_spec)| {
                    let factors = if existing_user.totp.is_some() { Factors::Totp } else { Factors::None };
                    let user_spec =
                        UserSpec { username: existing_user.username.clone(), factors, ..user_spec };
                    TestUser::of(user_spec, existing_user.password.clone(), existing_user.totp.clone())
                })
                .collect();
        }
        let seed = self.scenario.seed;
        people.map(|user_spec| TestUser::new_user(seed, user_spec)).collect()
    }

    /// Has everybody move in, and gives the pool its settings. Without `created_users` people live there already.
    async fn settle(
        &self,
        admin: &AdminClient<'_>,
        context: &UserContext,
        new_users: Vec<TestUser>,
        created_users: Option<&CreatedUsers>,
        test_pool: Option<&TestPool>,
        policy: &PoolPolicy,
    ) -> Result<Vec<TestUser>, SetupError> {
        let users = u64::from(self.scenario.population.users);
        let (mut test_users, mut done) = (Vec::with_capacity(new_users.len()), 0);
        let closed = Cell::new(false);
        let setups = new_users.into_iter().take_while(|_| !closed.get()).map(|mut test_user| async move {
            match created_users {
                Some(created_users) => test_user.set_up(admin, context, created_users).await?,
                None => drop(test_user.enroll_devices(context).await?),
            }
            Ok(test_user)
        });
        let mut setups = pin!(stream::iter(setups).buffered(MAX_CONCURRENT_USERS));
        let mut reason = None;
        while let Some(setup) = setups.next().await {
            match setup {
                Ok(test_user) => test_users.push(test_user),
                Err(error) => reason = Some(error),
            }
            done += 1;
            (self.run_options.observer)(RunEvent::Provisioned { done, users });
            if reason.is_some() || self.stop.is_cancelled() {
                break;
            }
        }
        closed.set(true);
        // Whoever is being made just now is waited for, or they would come when all others have gone.
        poll_fn(|cx| {
            while created_users.is_some_and(CreatedUsers::any_in_progress) {
                match setups.as_mut().poll_next(cx) {
                    Poll::Ready(Some(_)) => {}
                    Poll::Ready(None) => return Poll::Ready(()),
                    Poll::Pending if created_users.is_some_and(CreatedUsers::any_in_progress) => {
                        return Poll::Pending;
                    }
                    Poll::Pending => {}
                }
            }
            Poll::Ready(())
        })
        .await;
        if let Some(error) = reason {
            return Err(error);
        }
        if let Some(test_pool) = test_pool {
            test_pool.settle(admin, policy).await?;
        }
        Ok(test_users)
    }

    async fn play_test_users(
        &self,
        test_users: Vec<TestUser>,
        context: &UserContext,
        policy: PoolPolicy,
    ) -> Finished {
        if test_users.is_empty() || self.stop.is_cancelled() {
            return Finished { interrupted: true, ..Finished::default() };
        }
        let owners: Vec<bool> = test_users.iter().map(TestUser::has_device).collect();
        let device_owners: DeviceOwners =
            owners.iter().zip(0..).filter_map(|(owns, number)| owns.then_some(number)).collect();
        let users = test_users.into_iter().map(|test_user| test_user.start(context, policy)).collect();
        self.conduct(users, owners, schedule(self.scenario, &device_owners)).await
    }
}
