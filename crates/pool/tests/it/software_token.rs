//! `AdminDeleteSoftwareToken`: the user loses the authenticator app.
//!
//! Source: API reference, AdminDeleteSoftwareToken.

use poolproof_cognito::policy::{MfaMode, RememberMode};
use poolproof_cognito::protocol::{
    AccountRequest, AdminUserCall, ChallengeName, Parameters, Reply, Response, keys,
};

use crate::accounts::{ask, user};
use crate::fixture::{PASSWORD, POOL, PoolFixture, WRONG_CODE, challenge, policy, refusal, tokens};

fn call(name: &str) -> AdminUserCall {
    AdminUserCall { user_pool_id: POOL.to_owned(), username: name.to_owned() }
}

fn delete(fixture: &mut PoolFixture, name: &str) -> Reply {
    ask(fixture, AccountRequest::AdminDeleteSoftwareToken(call(name)))
}

#[test]
fn a_user_without_the_app_sets_up_another_one() {
    let mut fixture = PoolFixture::new(policy(RememberMode::No, false, MfaMode::On));
    fixture.add_with_app("ann", |account| account.preferred = Some(ChallengeName::SoftwareTokenMfa));
    let open = challenge(fixture.password("ann", PASSWORD, None));
    assert_eq!(open.name, ChallengeName::SoftwareTokenMfa);
    let code = fixture.next_app_code("ann");
    assert_eq!(delete(&mut fixture, "ann"), Ok(Response::Empty));
    let described = user(ask(&mut fixture, AccountRequest::AdminGetUser(call("ann"))));
    assert_eq!((described.factors, described.preferred), (Vec::new(), None));
    // A sign-in in progress is judged by what holds now.
    let answers = Parameters::new().with(keys::USERNAME, "ann").with(keys::SOFTWARE_TOKEN_MFA_CODE, code);
    assert_eq!(refusal(fixture.answer(open.name, open.session.as_ref(), answers)), WRONG_CODE);
    assert_eq!(challenge(fixture.password("ann", PASSWORD, None)).name, ChallengeName::MfaSetup);
    assert_eq!(delete(&mut fixture, "ann"), Ok(Response::Empty));
    assert_eq!(refusal(delete(&mut fixture, "bob")), "UserNotFoundException: User does not exist.");
}

#[test]
fn removing_the_app_ends_optional_mfa() {
    let mut fixture = PoolFixture::new(policy(RememberMode::No, false, MfaMode::Optional));
    fixture.add_with_app("ann", |_| {});
    assert_eq!(fixture.sign_in_path("ann", None), "SOFTWARE_TOKEN_MFA tokens");
    assert_eq!(delete(&mut fixture, "ann"), Ok(Response::Empty));
    tokens(fixture.password("ann", PASSWORD, None));
}
