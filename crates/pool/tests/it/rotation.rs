//! Refresh token rotation: tokens in their grace period, and many sign-ins of one user.
//!
//! Source: developer guide, refresh token rotation (the token that is rotated out can remain valid for up to
//! 60 seconds).

use std::time::Duration;

use poolproof_cognito::ids::ClientId;
use poolproof_cognito::policy::PoolPolicy;
use poolproof_cognito::protocol::{
    AuthOutcome, GetTokensFromRefreshToken, Reply, Request, Response, RevokeToken,
};
use poolproof_pool::AppClient;
use poolproof_srp::Group;

use crate::fixture::{CLIENT, PoolFixture, refusal, tokens};

const REUSE: &str = "RefreshTokenReuseException: Refresh token has been used already.";
const REVOKED: &str = "NotAuthorizedException: Refresh Token has been revoked";

fn fixture(grace_s: u64) -> PoolFixture {
    let rotation = Some(Duration::from_secs(grace_s));
    let client = AppClient { rotation, ..AppClient::public(ClientId::new(CLIENT)) };
    let mut fixture = PoolFixture::with(PoolPolicy::DEFAULT, Group::toy(), client);
    fixture.add("ann", |_| {});
    fixture
}

fn sign_in(fixture: &mut PoolFixture) -> String {
    fixture.sign_in("ann").refresh_token.unwrap()
}

fn refresh(fixture: &mut PoolFixture, token: &str) -> Reply {
    let (refresh_token, client_id) = (token.to_owned(), CLIENT.to_owned());
    let request = GetTokensFromRefreshToken { refresh_token, client_id, ..Default::default() };
    fixture.ask(Request::GetTokensFromRefreshToken(request))
}

fn next(fixture: &mut PoolFixture, token: &str) -> String {
    tokens(refresh(fixture, token)).refresh_token.unwrap()
}

#[test]
fn every_token_in_its_grace_period_leads_to_the_current_one() {
    let mut fixture = fixture(60);
    let first = sign_in(&mut fixture);
    let second = next(&mut fixture, &first);
    fixture.advance_clock(20);
    let third = next(&mut fixture, &second);
    assert!(first != second && second != third);
    // Two tabs with one stored token: the second tab still has the first token.
    assert_eq!(next(&mut fixture, &first), third);
    assert_eq!(next(&mut fixture, &second), third);
    fixture.advance_clock(39);
    assert_eq!(next(&mut fixture, &first), third);
    fixture.advance_clock(1);
    assert_eq!(refusal(refresh(&mut fixture, &first)), REUSE);
    assert_eq!(next(&mut fixture, &second), third, "its own period has not ended");
    fixture.advance_clock(20);
    assert_eq!(refusal(refresh(&mut fixture, &second)), REUSE);
    let fourth = next(&mut fixture, &third);
    assert_ne!(fourth, third);
    assert_eq!(refusal(refresh(&mut fixture, &first)), REUSE);
}

#[test]
fn without_a_grace_period_a_token_is_used_once() {
    let mut fixture = fixture(0);
    let first = sign_in(&mut fixture);
    let second = next(&mut fixture, &first);
    assert_eq!(refusal(refresh(&mut fixture, &first)), REUSE);
    let third = next(&mut fixture, &second);
    assert_eq!(refusal(refresh(&mut fixture, &second)), REUSE);
    next(&mut fixture, &third);
}

#[test]
fn at_the_limit_a_new_sign_in_ends_only_the_oldest() {
    let mut fixture = fixture(0);
    let mut current = Vec::new();
    for _ in 0..1001 {
        let token = sign_in(&mut fixture);
        fixture.advance_clock(1);
        let rotated = next(&mut fixture, &token);
        current.push((token, rotated));
    }
    let (used, oldest) = &current[0];
    assert_eq!(refusal(refresh(&mut fixture, oldest)), REVOKED);
    assert_eq!(refusal(refresh(&mut fixture, used)), REVOKED, "its earlier tokens are not revived");
    for (used, rotated) in current.iter().skip(1) {
        assert_eq!(refusal(refresh(&mut fixture, used)), REUSE);
        assert!(matches!(refresh(&mut fixture, rotated), Ok(Response::Auth(AuthOutcome::Tokens(_)))));
    }
}

#[test]
fn any_number_of_sign_ins_can_be_revoked() {
    let mut fixture = fixture(0);
    for n in 0..1002 {
        let token = sign_in(&mut fixture);
        fixture.advance_clock(1);
        let revoke = RevokeToken { token: token.clone(), client_id: CLIENT.to_owned(), client_secret: None };
        assert_eq!(fixture.ask(Request::RevokeToken(revoke)), Ok(Response::Empty), "{n}");
        assert_eq!(refusal(refresh(&mut fixture, &token)), REVOKED, "{n}");
    }
}
