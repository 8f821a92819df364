//! App clients of one pool and pools of one issuer: each continues only the sign-ins that it has started.

use std::sync::Arc;

use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::jwt::Keys;
use poolproof_cognito::policy::PoolPolicy;
use poolproof_cognito::protocol::{
    AccountRequest, AdminInitiateAuth, ChallengeName, Parameters, Request, RespondToAuthChallenge,
    RevokeToken, keys,
};
use poolproof_cognito::seed::Seed;
use poolproof_pool::{AppClient, PasswordFlow, Pool, PoolIdentity, Rs256};
use poolproof_srp::Group;

use crate::accounts::{access, ask, fixture, profile, sent, user};
use crate::fixture::{CLIENT, INCORRECT, PASSWORD, POOL, challenge, refusal, tokens};

#[test]
fn a_client_continues_only_its_own_sign_ins() {
    let mut fixture = fixture();
    let other = AppClient { secret: None, ..AppClient::public(ClientId::new("other")) };
    fixture.harness.pool.put_client(other);
    fixture.add("ann", |account| {
        account.phone = Some("+15550100".to_owned());
        account.sms_mfa = true;
    });
    let respond = |name: ChallengeName, session: Option<String>, answers: Parameters| {
        Request::RespondToAuthChallenge(RespondToAuthChallenge {
            client_id: "other".to_owned(),
            challenge_name: name.as_str().to_owned(),
            session,
            challenge_responses: answers,
            client_metadata: Parameters::new(),
        })
    };
    let begun = fixture.start("ann");
    let claim = fixture.claim(&begun, PASSWORD);
    let foreign = fixture.ask(respond(ChallengeName::PasswordVerifier, None, claim.clone()));
    assert_eq!(refusal(foreign), INCORRECT);
    let asked = challenge(fixture.answer(ChallengeName::PasswordVerifier, None, claim));
    let code = sent(&mut fixture).code;
    let answers = Parameters::new().with(keys::USERNAME, "ann").with(keys::SMS_MFA_CODE, code);
    let session = asked.session.as_ref().map(|session| session.as_str().to_owned());
    let foreign = fixture.ask(respond(asked.name, session, answers.clone()));
    assert_eq!(refusal(foreign), "NotAuthorizedException: Invalid session for the user.");
    let signed_in = tokens(fixture.answer(asked.name, asked.session.as_ref(), answers));
    let revoke = |client_id: &str| {
        Request::RevokeToken(RevokeToken {
            token: signed_in.refresh_token.clone().unwrap(),
            client_id: client_id.to_owned(),
            client_secret: None,
        })
    };
    assert_eq!(
        refusal(fixture.ask(revoke("other"))),
        "UnauthorizedException: The token belongs to another app client."
    );
    user(profile(&mut fixture, signed_in.access_token.as_str()));
    // A deleted client ends the sign-ins that it has started.
    let begun = fixture.start("ann");
    let claim = fixture.claim(&begun, PASSWORD);
    fixture.harness.pool.remove_client(&ClientId::new(CLIENT));
    assert_eq!(
        refusal(fixture.answer(ChallengeName::PasswordVerifier, None, claim)),
        format!("ResourceNotFoundException: User pool client {CLIENT} does not exist.")
    );
    let start = crate::requests::initiate("USER_SRP_AUTH", Parameters::new());
    let Request::InitiateAuth(mut start) = start else { panic!("another request") };
    start.client_id = String::new();
    assert_eq!(
        refusal(fixture.ask(Request::InitiateAuth(start))),
        "ResourceNotFoundException: User pool client  does not exist."
    );
}

#[test]
fn admin_password_flow_needs_the_client_permission() {
    let mut fixture = fixture();
    fixture.add("ann", |_| {});
    let start = |flow: &str, pool: &str| {
        AccountRequest::AdminInitiateAuth(AdminInitiateAuth {
            user_pool_id: pool.to_owned(),
            client_id: CLIENT.to_owned(),
            auth_flow: flow.to_owned(),
            auth_parameters: Parameters::new().with(keys::USERNAME, "ann").with(keys::PASSWORD, PASSWORD),
        })
    };
    for flow in ["ADMIN_NO_SRP_AUTH", "ADMIN_USER_PASSWORD_AUTH"] {
        tokens(ask(&mut fixture, start(flow, POOL)));
    }
    assert_eq!(
        refusal(ask(&mut fixture, start("USER_PASSWORD_AUTH", POOL))),
        "InvalidParameterException: Initiate Auth method not supported."
    );
    assert_eq!(
        refusal(ask(&mut fixture, start("ADMIN_NO_SRP_AUTH", "us-east-1_Other"))),
        "ResourceNotFoundException: User pool us-east-1_Other does not exist."
    );
    fixture.harness.pool.put_client(AppClient::public(ClientId::new(CLIENT)));
    assert_eq!(
        refusal(ask(&mut fixture, start("ADMIN_USER_PASSWORD_AUTH", POOL))),
        "InvalidParameterException: Auth flow not enabled for this client"
    );
}

#[test]
fn a_token_of_another_pool_is_rejected() {
    let keys = Arc::new(Keys::generate().unwrap());
    let [mut one, mut two] = ["http://host/one", "http://host/two"].map(|issuer| {
        let mut fixture = fixture();
        let group = Group::toy();
        let identity = PoolIdentity { pool_id: PoolId::new(POOL), client_id: ClientId::new(CLIENT), group };
        let client = AppClient {
            password_flow: PasswordFlow::WithDevices,
            ..AppClient::public(ClientId::new(CLIENT))
        };
        let rs256 = Rs256 { keys: Arc::clone(&keys), issuer: issuer.to_owned() };
        let pool = Pool::new(identity, PoolPolicy::DEFAULT, Seed::new(3).rng("pool", 0));
        fixture.harness.pool = pool.with_client(client).with_rs256(rs256);
        fixture.add("ann", |_| {});
        fixture
    });
    let token = access(&mut one, "ann", PASSWORD);
    user(profile(&mut one, &token));
    assert_eq!(refusal(profile(&mut two, &token)), "NotAuthorizedException: Invalid Access Token");
}
