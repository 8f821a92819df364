//! Sets up the users of a run at an endpoint.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use futures_util::stream;
use futures_util::{Stream as _, StreamExt as _};

use super::{RunError, RunEvent, RunInputs};
use crate::actors::{Drain, StartedUser, TestUser, UserContext};
use crate::clock::{Clock, ClockKind};
use crate::compute::Compute;
use crate::endpoint::{EndpointConfig, EndpointSession, NewPool, SetupError};
use crate::scenario::{AuthFlow, GroupName, Scenario, SignInName};
use crate::target::AdminTarget as _;
use crate::workload::UserSpec;
use poolproof_cognito::policy::{
    CompromisedAction, FactorTypes, Factors, Lockout, PoolPolicy, RiskPolicy, RiskSource,
};

/// Users that are set up at the same time.
const MAX_CONCURRENT_USERS: usize = 16;

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
        return check_flows(scenario);
    };
    Err(RunError::Unsupported(reason.to_owned()))
}

/// Refuses flows that need triggers or first factors in the pool of an endpoint.
fn check_flows(scenario: &Scenario) -> Result<(), RunError> {
    let Some(plan) = scenario.workloads.iter().find(|plan| plan.flow != AuthFlow::UserSrpAuth) else {
        return Ok(());
    };
    Err(RunError::Unsupported(format!(
        "a target is tested by `flow: user_srp_auth` only: the workload `{}` has `flow: {}`, so run it without --target",
        plan.name,
        plan.flow.key()
    )))
}

/// Returns the settings that the oracle assumes for a target, including Cognito's lockout.
fn expected(scenario: &Scenario, accepts_risk_level: bool) -> PoolPolicy {
    // A pool at an endpoint activates only the factors that its users have: messages need a sender there.
    // Every user can set up an authenticator app.
    let any = |wanted: fn(Factors) -> bool| {
        scenario.population.factors.iter().any(|(set, share)| share > 0.0 && wanted(set))
    };
    let factor_types =
        FactorTypes { sms: any(Factors::has_phone), totp: true, email: any(Factors::has_email) };
    let policy = PoolPolicy { lockout: Lockout::Cognito, factor_types, ..scenario.pool };
    // Without a way to set the risk level, every sign-in is without risk.
    if accepts_risk_level { policy } else { PoolPolicy { risk: RiskPolicy::OFF, ..policy } }
}

/// Opens a session at an endpoint, sets up the users, and starts their actors. On an error the session is
/// closed.
pub(super) async fn set_up(
    inputs: RunInputs<'_>,
    at: &EndpointConfig,
    people: Vec<UserSpec>,
    clock: Clock,
    compute: &Compute,
    drain: &Drain,
) -> Result<(EndpointSession, Vec<StartedUser>), RunError> {
    let unusable = |error: String| RunError::Target(format!("{}: {error}", at.address));
    let pool_name = format!("poolproof-{}", inputs.scenario.name);
    let new_pool = NewPool {
        name: &pool_name,
        rotation: inputs.scenario.rotation,
        usernames: inputs.scenario.population.sign_in_by.username_settings(),
    };
    let session = EndpointSession::open(at, &new_pool, clock, inputs.scenario.seed)
        .await
        .map_err(|error| unusable(error.to_string()))?;
    let policy = expected(inputs.scenario, session.target.accepts_risk_level());
    let (pool_id, client_id) = (session.pool_id.clone(), session.client_id.clone());
    let target = Rc::clone(&session.target) as _;
    let context = inputs.user_context(clock, compute, drain, target, (pool_id, client_id));
    let test_users = match settle(inputs, &session, &context, test_users(inputs, at, people), &policy).await {
        Ok(test_users) => test_users,
        Err(error) => {
            let cleanup_error = session.close().await.err().map(Box::new).or(error.cleanup_error);
            return Err(unusable(SetupError { cleanup_error, ..error }.to_string()));
        }
    };
    let users = test_users.into_iter().map(|test_user| test_user.start(&context, policy)).collect();
    Ok((session, users))
}

/// Returns the users before their setup, each with whether it exists.
fn test_users(inputs: RunInputs<'_>, at: &EndpointConfig, people: Vec<UserSpec>) -> Vec<(TestUser, bool)> {
    let Some(existing_users) = at.existing_users() else {
        let seed = inputs.scenario.seed;
        return people.into_iter().map(|user_spec| (TestUser::new_user(seed, user_spec), false)).collect();
    };
    // A shard has some of the users.
    let existing = |user_spec: &UserSpec| existing_users.get(usize::try_from(user_spec.number).ok()?);
    people
        .into_iter()
        .filter_map(|user_spec| Some((existing(&user_spec)?, user_spec)))
        .map(|(existing_user, user_spec)| {
            let factors = if existing_user.totp.is_some() { Factors::Totp } else { Factors::None };
            let (username, sign_in_by) = (existing_user.username.clone(), SignInName::Username);
            let user_spec = UserSpec { username, sign_in_by, factors, ..user_spec };
            (TestUser::of(user_spec, existing_user.password.clone(), existing_user.totp.clone()), true)
        })
        .collect()
}

/// Sets up all users and applies the pool's settings. If the run is canceled, returns the users so far.
async fn settle(
    inputs: RunInputs<'_>,
    session: &EndpointSession,
    context: &UserContext,
    test_users: Vec<(TestUser, bool)>,
    policy: &PoolPolicy,
) -> Result<Vec<TestUser>, SetupError> {
    let users = test_users.len() as u64;
    let (mut settled, mut done) = (Vec::with_capacity(test_users.len()), 0);
    let closed = Cell::new(false);
    let open_setups = test_users.into_iter().take_while(|_| !closed.get());
    let setups = open_setups.map(|(mut test_user, exists)| async move {
        match exists {
            true => drop(test_user.enroll_devices(context).await?),
            false => test_user.set_up(session, context).await?,
        }
        Ok(test_user)
    });
    let mut setups = pin!(stream::iter(setups).buffered(MAX_CONCURRENT_USERS));
    let mut result = Ok(());
    while let Some(setup) = setups.next().await {
        result = setup.map(|test_user| settled.push(test_user));
        done += 1;
        (inputs.options.observer)(RunEvent::Provisioned { done, users });
        if result.is_err() || inputs.cancel_token.is_cancelled() {
            break;
        }
    }
    closed.set(true);
    // Wait for creations in flight; otherwise their users would appear after the clean-up.
    poll_fn(|cx| {
        while session.created_users.any_in_progress() {
            match setups.as_mut().poll_next(cx) {
                Poll::Ready(None) => break,
                Poll::Pending if session.created_users.any_in_progress() => return Poll::Pending,
                Poll::Ready(Some(_)) | Poll::Pending => {}
            }
        }
        Poll::Ready(())
    })
    .await;
    result?;
    session.apply_settings(policy).await?;
    Ok(settled)
}
