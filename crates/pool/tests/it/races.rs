//! Races between requests: what one request checks before its arithmetic, other requests change meanwhile.

use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::policy::{ClaimReuse, MfaMode, PoolPolicy, Quotas, RememberMode, Switches};
use poolproof_cognito::protocol::{
    AccountRequest, AdminCreateUser, ApiError, ChallengeName, ChangePassword, DeviceStatus,
    ManagementRequest, Operation, OperationResponse, Origin, Parameters, PoolCall, Reply, SignUp, keys,
};
use poolproof_cognito::seed::Seed;
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::wire::from_value;
use poolproof_pool::provider::{
    AccountLimits, DEFAULT_FLOWS, Issuer, Pending, Provider, ProviderConfig, Step, Tokens,
};
use poolproof_pool::{AppClient, UserStatus};
use poolproof_srp::{Group, Job};
use serde_json::json;

use crate::accounts::{access, ask, fixture, set_password};
use crate::fixture::{
    CLIENT, INCORRECT, LOCKED, PASSWORD, POOL, PoolFixture, USED_SESSION, begin, challenge, finish, policy,
    refusal, respond, tokens,
};

/// A request about a user that waits for its arithmetic.
type Waiting = (Job, poolproof_pool::Pending);

fn start(fixture: &mut PoolFixture, request: AccountRequest) -> Waiting {
    let harness = &mut fixture.harness;
    match harness.pool.handle_account(harness.now, harness.origin, request) {
        poolproof_pool::Step::Compute(job, pending) => (job, pending),
        other => panic!("{other:?}"),
    }
}

/// Completes a request.
fn end(fixture: &mut PoolFixture, (job, pending): Waiting) -> Reply {
    let harness = &mut fixture.harness;
    let mut step = harness.pool.resume(harness.now, pending, job.run());
    loop {
        match step {
            poolproof_pool::Step::Reply(reply) => return reply,
            poolproof_pool::Step::Compute(job, pending) => {
                step = harness.pool.resume(harness.now, pending, job.run());
            }
            other => panic!("{other:?}"),
        }
    }
}

fn change(token: &str, previous: &str, proposed: &str) -> AccountRequest {
    AccountRequest::ChangePassword(ChangePassword {
        access_token: token.to_owned(),
        previous_password: Some(previous.to_owned()),
        proposed_password: proposed.to_owned(),
    })
}

#[test]
fn parallel_changes_of_a_password_allow_no_extra_guesses() {
    let mut judged = Vec::new();
    for parallel in [false, true] {
        let mut fixture = fixture();
        fixture.add("ann", |_| {});
        let token = access(&mut fixture, "ann", PASSWORD);
        let guess = |index: usize| change(&token, &format!("guess-{index}"), "of-the-attacker");
        let replies: Vec<_> = if parallel {
            let waiting: Vec<_> = (0..50).map(|index| start(&mut fixture, guess(index))).collect();
            waiting.into_iter().map(|waiting| refusal(end(&mut fixture, waiting))).collect()
        } else {
            (0..50).map(|index| refusal(ask(&mut fixture, guess(index)))).collect()
        };
        judged.push(replies.iter().filter(|reply| *reply == INCORRECT).count());
    }
    assert_eq!(judged, [5, 5]);
}

#[test]
fn a_change_does_not_overwrite_a_password_that_an_administrator_sets_meanwhile() {
    // At both steps: the comparison of the previous password, and the computation of the new verifier.
    for steps in 0..2 {
        let mut fixture = fixture();
        fixture.add("ann", |_| {});
        let token = access(&mut fixture, "ann", PASSWORD);
        let (mut job, mut pending) = start(&mut fixture, change(&token, PASSWORD, "of-the-user-1"));
        for _ in 0..steps {
            let harness = &mut fixture.harness;
            let poolproof_pool::Step::Compute(next_job, next) =
                harness.pool.resume(harness.now, pending, job.run())
            else {
                panic!("no second computation")
            };
            (job, pending) = (next_job, next);
        }
        ask(&mut fixture, set_password("ann", "of-the-admin-1", true)).unwrap();
        assert_eq!(refusal(end(&mut fixture, (job, pending))), INCORRECT, "after {steps} steps");
        access(&mut fixture, "ann", "of-the-admin-1");
    }
}

#[test]
fn an_invitation_does_not_replace_a_password_that_the_user_sets_meanwhile() {
    let mut fixture = fixture();
    fixture.add("bob", |account| account.user_status = UserStatus::ForceChangePassword);
    let asked = challenge(fixture.password("bob", PASSWORD, None));
    let resend = AccountRequest::AdminCreateUser(AdminCreateUser {
        user_pool_id: POOL.to_owned(),
        username: "bob".to_owned(),
        temporary_password: Some("temporary-1".to_owned()),
        message_action: Some("RESEND".to_owned()),
        ..AdminCreateUser::default()
    });
    let waiting = start(&mut fixture, resend);
    assert!(fixture.harness.pool.take_deliveries().is_empty(), "nothing is sent before it counts");
    let answer = Parameters::new().with(keys::USERNAME, "bob").with(keys::NEW_PASSWORD, "of-the-user-1");
    tokens(fixture.answer(asked.name, asked.session.as_ref(), answer));
    assert_eq!(
        refusal(end(&mut fixture, waiting)),
        "UnsupportedUserStateException: Resend not possible. User status is not FORCE_CHANGE_PASSWORD"
    );
    access(&mut fixture, "bob", "of-the-user-1");
}

#[test]
fn one_of_several_copies_of_a_correct_claim_signs_in_and_none_counts_as_a_failure() {
    let switches = Switches { claims: ClaimReuse::Once, ..Switches::DEFAULT };
    for count in [2, 6, 20] {
        let mut fixture = PoolFixture::of_ann(PoolPolicy { switches, ..PoolPolicy::DEFAULT });
        let exchange = fixture.start("ann");
        let claim = respond("PASSWORD_VERIFIER", None, fixture.claim(&exchange, PASSWORD));
        let waiting: Vec<_> = (0..count).map(|_| begin(&mut fixture, claim.clone())).collect();
        let replies: Vec<_> = waiting.into_iter().map(|waiting| finish(&mut fixture, waiting)).collect();
        assert_eq!(replies.iter().filter(|reply| reply.is_ok()).count(), 1, "{count} copies");
        for _ in 0..10 {
            assert_eq!(refusal(fixture.ask(claim.clone())), INCORRECT, "later copies");
        }
        assert_eq!(fixture.sign_in_path("ann", None), "tokens", "{count} copies lock no user out");
        // Guesses still count.
        for _ in 0..5 {
            assert_eq!(refusal(fixture.password("ann", "wrong", None)), INCORRECT);
        }
        assert_eq!(refusal(fixture.password("ann", PASSWORD, None)), LOCKED);
    }
}

#[test]
fn device_proofs_without_a_session_do_not_use_up_a_sign_in() {
    for named in [true, false] {
        let mut fixture = PoolFixture::new(policy(RememberMode::Always, true, MfaMode::Optional));
        let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
        fixture.add("ann", |account| account.devices.push(known));
        let turn = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
        assert_eq!(turn.name, ChallengeName::DeviceSrpAuth);
        // Other clients at the same address know the names, but not the secret of the device.
        for _ in 0..20 {
            let foreign = fixture.start_device("ann", None, &phone).unwrap();
            assert_eq!(refusal(fixture.prove(&foreign, "guess")), INCORRECT);
        }
        let late = fixture.start_device("ann", None, &phone).unwrap();
        let proof = fixture.start_device("ann", turn.session.as_ref().filter(|_| named), &phone).unwrap();
        tokens(fixture.prove(&proof, &phone.secret));
        // The password step gives tokens once, to the first proof of the device.
        assert_eq!(refusal(fixture.prove(&late, &phone.secret)), USED_SESSION);
        assert_eq!(refusal(fixture.start_device("ann", None, &phone)), USED_SESSION);
    }
}

/// The provider's pools, at one time.
struct Account {
    provider: Provider,
    pool_id: PoolId,
}

impl Account {
    fn new(users: usize) -> Self {
        let config = ProviderConfig {
            region: "us-east-1".to_owned(),
            issuer: Issuer::Aws,
            tokens: Tokens::Opaque,
            group: Group::toy(),
            limits: AccountLimits { users, ..AccountLimits::DEFAULT },
            switches: Switches::DEFAULT,
            quotas: Quotas::NONE,
        };
        let mut provider = Provider::new(config, Seed::new(1).rng("provider", 0));
        let (now, pool_id) = (Timestamp::VIRTUAL_START, PoolId::new(POOL));
        provider.add_pool(now, pool_id.clone(), "pool", PoolPolicy::DEFAULT, Default::default());
        provider.add_client(now, &pool_id, AppClient::public(ClientId::new(CLIENT)), "app", &DEFAULT_FLOWS);
        Self { provider, pool_id }
    }

    fn start(&mut self, operation: Operation) -> Result<(Job, Pending), ApiError> {
        match self.provider.handle(Timestamp::VIRTUAL_START, Origin::default(), operation).step {
            Step::Compute(job, pending) => Ok((job, pending)),
            Step::Reply(Err(error)) => Err(error),
            other => panic!("{other:?}"),
        }
    }

    fn end(&mut self, (job, pending): (Job, Pending)) -> Result<OperationResponse, ApiError> {
        match self.provider.resume(Timestamp::VIRTUAL_START, pending, job.run()).step {
            Step::Reply(reply) => reply,
            other => panic!("{other:?}"),
        }
    }
}

fn sign_up(index: usize) -> Operation {
    Operation::Account(AccountRequest::SignUp(SignUp {
        client_id: CLIENT.to_owned(),
        username: format!("user-{index}"),
        password: Some("long-enough-1".to_owned()),
        ..SignUp::default()
    }))
}

#[test]
fn parallel_sign_ups_do_not_exceed_the_limit_of_users() {
    let mut account = Account::new(100);
    let waiting: Vec<_> = (0..2000).map(|index| account.start(sign_up(index)).unwrap()).collect();
    let replies: Vec<_> = waiting.into_iter().map(|waiting| account.end(waiting)).collect();
    assert_eq!(account.provider.counts().1, 100);
    assert_eq!(replies.iter().filter(|reply| reply.is_ok()).count(), 100);
    let refused = replies.into_iter().filter_map(Result::err).map(|error| error.to_string());
    assert!(refused.into_iter().all(|error| error.starts_with("LimitExceededException: You have exceeded")));
}

#[test]
fn a_pool_that_is_deleted_during_a_request_is_not_found() {
    let delete = || {
        let call = PoolCall { user_pool_id: POOL.to_owned() };
        Operation::Management(ManagementRequest::DeleteUserPool(call))
    };
    let create = || {
        Operation::Account(AccountRequest::AdminCreateUser(AdminCreateUser {
            user_pool_id: POOL.to_owned(),
            username: "ann".to_owned(),
            ..AdminCreateUser::default()
        }))
    };
    for request in [&(|| sign_up(1)) as &dyn Fn() -> Operation, &create] {
        let mut account = Account::new(100);
        let waiting = account.start(request()).unwrap();
        let deleted = account.provider.handle(Timestamp::VIRTUAL_START, Origin::default(), delete());
        assert!(matches!(deleted.step, Step::Reply(Ok(_))), "{deleted:?}");
        assert!(!account.provider.has_pool(&account.pool_id));
        let late = refusal(account.end(waiting));
        assert_eq!(late, refusal(account.start(request())));
    }
}

#[test]
fn a_pool_that_is_closed_during_a_sign_up_refuses_it_even_if_the_account_is_full() {
    let mut account = Account::new(1);
    let waiting = [1, 2].map(|index| account.start(sign_up(index)).unwrap());
    let body = json!({ "UserPoolId": POOL, "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true } });
    let close = Operation::Management(ManagementRequest::UpdateUserPool(from_value(&body, 400).unwrap()));
    let [first, second] = waiting;
    account.end(first).unwrap();
    let closed = account.provider.handle(Timestamp::VIRTUAL_START, Origin::default(), close);
    assert!(matches!(closed.step, Step::Reply(Ok(_))), "{closed:?}");
    let refused = "NotAuthorizedException: SignUp is not permitted for this user pool";
    assert_eq!(account.end(second).unwrap_err().to_string(), refused);
    assert_eq!(account.start(sign_up(3)).unwrap_err().to_string(), refused);
}
