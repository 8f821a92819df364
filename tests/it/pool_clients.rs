//! App clients of one pool, and pools of one issuer: none can go on with what another began.

use std::sync::Arc;

use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::jwt::Keys;
use poolproof_cognito::policy::PoolPolicy;
use poolproof_cognito::protocol::{
    AccountRequest, AdminInitiateAuth, ChallengeName, Parameters, Request, RespondToAuthChallenge,
    RevokeToken, keys,
};
use poolproof_cognito::seed::Seed;
use poolproof_pool::{AppClient, Identity, PasswordFlow, Pool, Rs256};
use poolproof_srp::Group;

use crate::pool_accounts::{access, ask, profile, sent, user, world};
use crate::pool_world::{CLIENT, INCORRECT, PASSWORD, POOL, challenge, refusal, tokens};

#[test]
fn a_client_goes_on_with_what_it_began_and_with_nothing_else() {
    let mut world = world();
    let other = AppClient { secret: None, ..AppClient::public(ClientId::new("other")) };
    world.pair.pool.put_client(other);
    world.add("ann", |account| {
        account.phone = Some("+15550100".to_owned());
        account.sms_mfa = true;
    });
    let respond = |name: ChallengeName, session: Option<String>, answers: Parameters| {
        Request::RespondToAuthChallenge(RespondToAuthChallenge {
            client_id: "other".to_owned(),
            challenge_name: name.as_str().to_owned(),
            session,
            challenge_responses: answers,
        })
    };
    let begun = world.start("ann");
    let claim = world.claim(&begun, PASSWORD);
    let foreign = world.ask(respond(ChallengeName::PasswordVerifier, None, claim.clone()));
    assert_eq!(refusal(foreign), INCORRECT);
    let asked = challenge(world.answer(ChallengeName::PasswordVerifier, None, claim));
    let code = sent(&mut world).code;
    let answers = Parameters::new().with(keys::USERNAME, "ann").with(keys::SMS_MFA_CODE, code);
    let session = asked.session.as_ref().map(|session| session.as_str().to_owned());
    let foreign = world.ask(respond(asked.name, session, answers.clone()));
    assert_eq!(refusal(foreign), "NotAuthorizedException: Invalid session for the user.");
    let signed_in = tokens(world.answer(asked.name, asked.session.as_ref(), answers));
    let revoke = |client_id: &str| {
        Request::RevokeToken(RevokeToken {
            token: signed_in.refresh_token.clone().unwrap(),
            client_id: client_id.to_owned(),
            client_secret: None,
        })
    };
    assert_eq!(refusal(world.ask(revoke("other"))), "NotAuthorizedException: Invalid Refresh Token.");
    user(profile(&mut world, signed_in.access_token.as_str()));
    // What a client began ends with it.
    let begun = world.start("ann");
    let claim = world.claim(&begun, PASSWORD);
    world.pair.pool.remove_client(&ClientId::new(CLIENT));
    assert_eq!(
        refusal(world.answer(ChallengeName::PasswordVerifier, None, claim)),
        format!("ResourceNotFoundException: User pool client {CLIENT} does not exist.")
    );
    let nobody = crate::pool_requests::initiate("USER_SRP_AUTH", Parameters::new());
    let Request::InitiateAuth(mut nobody) = nobody else { panic!("another request") };
    nobody.client_id = String::new();
    assert_eq!(
        refusal(world.ask(Request::InitiateAuth(nobody))),
        "ResourceNotFoundException: User pool client  does not exist."
    );
}

#[test]
fn administrators_sign_in_with_passwords_where_the_client_may() {
    let mut world = world();
    world.add("ann", |_| {});
    let start = |flow: &str, pool: &str| {
        AccountRequest::AdminInitiateAuth(AdminInitiateAuth {
            user_pool_id: pool.to_owned(),
            client_id: CLIENT.to_owned(),
            auth_flow: flow.to_owned(),
            auth_parameters: Parameters::new().with(keys::USERNAME, "ann").with(keys::PASSWORD, PASSWORD),
        })
    };
    for flow in ["ADMIN_NO_SRP_AUTH", "ADMIN_USER_PASSWORD_AUTH"] {
        tokens(ask(&mut world, start(flow, POOL)));
    }
    assert_eq!(
        refusal(ask(&mut world, start("USER_PASSWORD_AUTH", POOL))),
        "InvalidParameterException: USER_PASSWORD_AUTH is not for administrators."
    );
    assert_eq!(
        refusal(ask(&mut world, start("ADMIN_NO_SRP_AUTH", "us-east-1_Other"))),
        "ResourceNotFoundException: User pool us-east-1_Other does not exist."
    );
    world.pair.pool.put_client(AppClient::public(ClientId::new(CLIENT)));
    assert_eq!(
        refusal(ask(&mut world, start("ADMIN_USER_PASSWORD_AUTH", POOL))),
        "InvalidParameterException: Auth flow not enabled for this client"
    );
}

#[test]
fn a_token_of_another_pool_with_the_same_keys_is_worth_nothing() {
    let keys = Arc::new(Keys::generate().unwrap());
    let [mut one, mut two] = ["http://host/one", "http://host/two"].map(|issuer| {
        let mut world = world();
        let group = Group::toy();
        let identity = Identity { pool_id: PoolId::new(POOL), client_id: ClientId::new(CLIENT), group };
        let client = AppClient {
            password_flow: PasswordFlow::WithDevices,
            ..AppClient::public(ClientId::new(CLIENT))
        };
        let rs256 = Rs256 { keys: Arc::clone(&keys), issuer: issuer.to_owned() };
        let pool = Pool::new(identity, PoolPolicy::DEFAULT, Seed::new(3).stream("pool", 0));
        world.pair.pool = pool.with_client(client).with_rs256(rs256);
        world.add("ann", |_| {});
        world
    });
    let token = access(&mut one, "ann", PASSWORD);
    user(profile(&mut one, &token));
    assert_eq!(refusal(profile(&mut two, &token)), "NotAuthorizedException: Invalid Access Token");
}
