//! Tokens: what they allow and what ends them (SEMANTICS a.6).

use poolproof_cognito::ids::ClientId;
use poolproof_cognito::policy::{MfaMode, PoolPolicy, RememberMode};
use poolproof_cognito::protocol::{
    AuthenticationResult, ErrorKind, GetTokensFromRefreshToken, GlobalSignOut, ListDevices, Parameters,
    Reply, Request, Response, RevokeToken, keys,
};
use poolproof_pool::AppClient;
use poolproof_srp::Group;

use crate::fixture::{
    CLIENT, INCORRECT, PASSWORD, PoolFixture, TestDevice, policy, refusal, secret_hash, set_status, tokens,
};

const INVALID: &str = "NotAuthorizedException: Invalid Refresh Token.";
const REVOKED: &str = "NotAuthorizedException: Refresh Token has been revoked";
const DAY: u64 = 24 * 3600;

fn tracking() -> PoolFixture {
    PoolFixture::of_ann(policy(RememberMode::OptIn, true, MfaMode::Optional))
}

/// Refreshes with both operations, which must agree.
fn refresh(fixture: &mut PoolFixture, token: &str, key: Option<&str>) -> Reply {
    let mut parameters = Parameters::new().with(keys::REFRESH_TOKEN, token);
    if let Some(key) = key {
        parameters = parameters.with(keys::DEVICE_KEY, key);
    }
    let old_name = fixture.initiate("REFRESH_TOKEN", parameters.clone());
    let reply = fixture.initiate("REFRESH_TOKEN_AUTH", parameters);
    let other = fixture.ask(Request::GetTokensFromRefreshToken(GetTokensFromRefreshToken {
        refresh_token: token.to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: None,
        device_key: key.map(str::to_owned),
    }));
    assert_eq!(reply.clone().map(drop), other.map(drop));
    assert_eq!(reply.clone().map(drop), old_name.map(drop));
    reply
}

fn token_of(tokens: &AuthenticationResult) -> String {
    tokens.refresh_token.clone().unwrap()
}

/// Returns the pool's answer to the access token.
fn access(fixture: &mut PoolFixture, tokens: &AuthenticationResult) -> String {
    let access_token = tokens.access_token.as_str().to_owned();
    let request = ListDevices { access_token, ..ListDevices::default() };
    match fixture.ask(Request::ListDevices(request)) {
        // A pool that tracks no devices refuses to list them, but only after it has accepted the token.
        Err(error) if error.kind != ErrorKind::InvalidUserPoolConfiguration => error.to_string(),
        _ => "good".to_owned(),
    }
}

fn revoke(fixture: &mut PoolFixture, token: &str) -> Reply {
    let (token, client_id) = (token.to_owned(), CLIENT.to_owned());
    fixture.ask(Request::RevokeToken(RevokeToken { token, client_id, client_secret: None }))
}

/// Signs in with a confirmed device.
fn enrolled(fixture: &mut PoolFixture) -> (AuthenticationResult, TestDevice) {
    let tokens = fixture.sign_in("ann");
    let (phone, _) = fixture.confirm(&tokens);
    (tokens, phone)
}

#[test]
fn a_refresh_token_is_bound_to_its_device() {
    let mut fixture = tracking();
    let unconfirmed = fixture.sign_in("ann");
    let issued = unconfirmed.new_device.clone().unwrap().device_key;
    assert_eq!(refusal(refresh(&mut fixture, &token_of(&unconfirmed), Some(issued.as_str()))), INVALID);
    let (tokens_of_ann, phone) = enrolled(&mut fixture);
    let (_, other) = enrolled(&mut fixture);
    let token = token_of(&tokens_of_ann);
    for wrong in [None, Some(""), Some("us-east-1_0"), Some(other.key.as_str()), Some(issued.as_str())] {
        assert_eq!(refusal(refresh(&mut fixture, &token, wrong)), INVALID, "{wrong:?}");
    }
    let new = tokens(refresh(&mut fixture, &token, Some(phone.key.as_str())));
    assert_eq!((new.refresh_token.as_deref(), &new.new_device), (None, &None));
    assert_ne!(new.access_token, tokens_of_ann.access_token);
    assert_eq!(access(&mut fixture, &new), "good");
    // The device need not be remembered, but it must exist.
    fixture.ask(set_status(&new.access_token, &phone.key, "remembered")).unwrap();
    tokens(refresh(&mut fixture, &token, Some(phone.key.as_str())));
    fixture.forget("ann", &phone);
    assert_eq!(refusal(refresh(&mut fixture, &token, Some(phone.key.as_str()))), INVALID);
    assert_eq!(refusal(refresh(&mut fixture, &token, None)), INVALID);
}

#[test]
fn without_tracking_any_device_key_is_ignored() {
    let mut fixture = PoolFixture::of_ann(PoolPolicy::DEFAULT);
    let signed_in = fixture.sign_in("ann");
    for key in [None, Some(""), Some("us-east-1_0")] {
        tokens(refresh(&mut fixture, &token_of(&signed_in), key));
    }
}

#[test]
fn a_refresh_token_is_valid_for_30_days() {
    let mut fixture = PoolFixture::of_ann(PoolPolicy::DEFAULT);
    let signed_in = fixture.sign_in("ann");
    let token = token_of(&signed_in);
    let mut flipped = token.clone().into_bytes();
    flipped[5] ^= 1;
    let flipped = String::from_utf8(flipped).unwrap();
    let access_token = signed_in.access_token.as_str();
    for wrong in ["", ".", "garbage", access_token, &signed_in.id_token, &flipped, &token[1..]] {
        assert_eq!(refusal(refresh(&mut fixture, wrong, None)), INVALID, "{wrong}");
    }
    fixture.advance_clock(30 * DAY - 1);
    tokens(refresh(&mut fixture, &token, None));
    fixture.advance_clock(1);
    assert_eq!(
        refusal(refresh(&mut fixture, &token, None)),
        "NotAuthorizedException: Refresh Token has expired"
    );
    let missing = fixture.initiate("REFRESH_TOKEN_AUTH", Parameters::new());
    assert_eq!(refusal(missing), "InvalidParameterException: Missing required parameter REFRESH_TOKEN");
}

#[test]
fn revoking_ends_one_sign_in_and_no_other() {
    let mut fixture = PoolFixture::of_ann(PoolPolicy::DEFAULT);
    let (mine, other) = (fixture.sign_in("ann"), fixture.sign_in("ann"));
    let refreshed = tokens(refresh(&mut fixture, &token_of(&mine), None));
    for _ in 0..2 {
        assert_eq!(revoke(&mut fixture, &token_of(&mine)), Ok(Response::Empty));
        assert_eq!(refusal(refresh(&mut fixture, &token_of(&mine), None)), REVOKED);
        let dead = "NotAuthorizedException: Access Token has been revoked";
        assert_eq!(access(&mut fixture, &mine), dead);
        assert_eq!(access(&mut fixture, &refreshed), dead, "and those that came of it");
        assert_eq!(access(&mut fixture, &other), "good");
        tokens(refresh(&mut fixture, &token_of(&other), None));
    }
    for token in [other.access_token.as_str(), other.id_token.as_str()] {
        let refused = refusal(revoke(&mut fixture, token));
        assert!(refused.starts_with("UnsupportedTokenTypeException: "), "{refused}");
    }
    assert_eq!(revoke(&mut fixture, "garbage"), Ok(Response::Empty));
    let elsewhere = RevokeToken { token: token_of(&other), client_id: "x".to_owned(), client_secret: None };
    let expected = "ResourceNotFoundException: User pool client x does not exist.";
    assert_eq!(refusal(fixture.ask(Request::RevokeToken(elsewhere))), expected);
    assert_eq!(access(&mut fixture, &other), "good");
}

#[test]
fn signing_out_everywhere_ends_all_tokens_and_keeps_devices() {
    let mut fixture = PoolFixture::of_ann(policy(RememberMode::Always, true, MfaMode::Optional));
    fixture.add("bob", |_| {});
    let bob = fixture.sign_in("bob");
    let (first, phone) = enrolled(&mut fixture);
    let second = fixture.sign_in("ann");
    // A global sign-out also ends a sign-in that has started.
    let under_way = fixture.start("ann");
    let access_token = first.access_token.as_str().to_owned();
    let sign_out = Request::GlobalSignOut(GlobalSignOut { access_token });
    assert_eq!(fixture.ask(sign_out.clone()), Ok(Response::Empty));
    let dead = "NotAuthorizedException: Access Token has been revoked";
    assert_eq!(refusal(fixture.ask(sign_out)), dead);
    for ended in [&first, &second] {
        assert_eq!(access(&mut fixture, ended), dead);
        let key = ended.new_device.as_ref().map(|new| new.device_key.as_str());
        assert_eq!(refusal(refresh(&mut fixture, &token_of(ended), key)), REVOKED);
    }
    assert_eq!(access(&mut fixture, &bob), "good");
    assert_eq!(refusal(fixture.prove(&under_way, PASSWORD)), INCORRECT);
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens");
    for wrong in ["", "garbage", bob.id_token.as_str()] {
        let sign_out = Request::GlobalSignOut(GlobalSignOut { access_token: wrong.to_owned() });
        assert_eq!(refusal(fixture.ask(sign_out)), "NotAuthorizedException: Invalid Access Token");
    }
}

#[test]
fn an_access_token_is_valid_for_one_hour() {
    let mut fixture = PoolFixture::of_ann(PoolPolicy::DEFAULT);
    let signed_in = fixture.sign_in("ann");
    fixture.advance_clock(3599);
    assert_eq!(access(&mut fixture, &signed_in), "good");
    fixture.advance_clock(1);
    assert_eq!(access(&mut fixture, &signed_in), "NotAuthorizedException: Access Token has expired");
    let new = tokens(refresh(&mut fixture, &token_of(&signed_in), None));
    assert_eq!(access(&mut fixture, &new), "good");
}

#[test]
fn a_client_with_a_secret_needs_it_to_refresh_and_to_revoke() {
    let secret = "0123456789abcdef0123456789abcdef";
    let client = AppClient { secret: Some(secret.to_owned()), ..AppClient::public(ClientId::new(CLIENT)) };
    let mut fixture = PoolFixture::with(PoolPolicy::DEFAULT, Group::toy(), client);
    fixture.add("ann", |_| {});
    let hash = secret_hash(secret, "ann");
    let start = Parameters::new().with(keys::USERNAME, "ann").with(keys::SECRET_HASH, &hash);
    let exchange = fixture.start_with(start);
    let claim = fixture.claim(&exchange, PASSWORD).with(keys::SECRET_HASH, &hash);
    let refresh_token = token_of(&tokens(fixture.send_claim(&exchange, claim)));
    let parameters = Parameters::new().with(keys::REFRESH_TOKEN, &refresh_token);
    assert!(refusal(fixture.initiate("REFRESH_TOKEN_AUTH", parameters.clone())).contains("SECRET_HASH"));
    tokens(fixture.initiate("REFRESH_TOKEN_AUTH", parameters.with(keys::SECRET_HASH, &hash)));
    for (client_secret, good) in [(None, false), (Some("wrong"), false), (Some(secret), true)] {
        let client_secret = client_secret.map(str::to_owned);
        let get = GetTokensFromRefreshToken {
            refresh_token: refresh_token.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: client_secret.clone(),
            device_key: None,
        };
        assert_eq!(fixture.ask(Request::GetTokensFromRefreshToken(get)).is_ok(), good);
        let (token, client_id) = (refresh_token.clone(), CLIENT.to_owned());
        let revoke = RevokeToken { token, client_id, client_secret };
        assert_eq!(fixture.ask(Request::RevokeToken(revoke)).is_ok(), good);
    }
}
