//! A run at an endpoint: create users, run, and delete what was created.

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

/// Users that are set up at the same time.
const MAX_CONCURRENT_USERS: usize = 16;

/// An endpoint, and what of it is used.
#[derive(Clone, Debug)]
pub struct EndpointConfig {
    /// Its address.
    pub address: EndpointUrl,
    /// The credentials for administrators' requests.
    pub credentials: Option<Credentials>,
    /// Timeouts and rate limits.
    pub limits: ClientLimits,
    /// The pool and its users.
    pub pool_source: PoolSource,
    /// The options of the command line besides the address, to repeat the run.
    pub options: Vec<String>,
}

/// Which pool of an endpoint is used, and by whom.
#[derive(Clone, Debug)]
pub enum PoolSource {
    /// A pool that is created for the run and deleted after it, with the scenario's users.
    New,
    /// An existing pool with the scenario's settings.
    Existing {
        /// The pool.
        pool_id: PoolId,
        /// Its app client, which has no secret.
        client_id: ClientId,
        /// Existing users; without them the run creates and deletes the scenario's users.
        existing_users: Option<Vec<ExistingUser>>,
    },
}

/// An existing user of a pool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExistingUser {
    /// The name.
    pub username: Username,
    /// The password.
    pub password: Password,
    /// The TOTP secret, if that is the second factor.
    pub totp: Option<TotpSecret>,
}

/// Refuses scenarios that an endpoint cannot run.
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

/// The settings that the oracle expects of a target: it locks out as Cognito does.
fn expected(scenario: &Scenario, accepts_risk_level: bool) -> PoolPolicy {
    let policy = PoolPolicy { lockout: Lockout::Cognito, ..scenario.pool };
    // Without a way to set the risk level, every sign-in is without risk.
    if accepts_risk_level { policy } else { PoolPolicy { risk: RiskPolicy::OFF, ..policy } }
}

/// A finished run at an endpoint, and what could not be deleted afterwards.
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
        // Clean up, whatever the result of the run.
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

    /// The users before their setup.
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

    /// Sets up all users and applies the pool's settings. Without `created_users` the users exist already.
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
        // Wait for creations in flight; otherwise their users would appear after the clean-up.
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
