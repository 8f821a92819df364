//! The events of threat protection: each sign-in with the risk that was decided (API model).

use poolproof_cognito::ids::ClientId;
use poolproof_cognito::policy::{
    CompromisedAction, MfaMode, PoolPolicy, RiskAction, RiskLevel, RiskMode, RiskPolicy,
};
use poolproof_cognito::protocol::{
    AccountRequest, AccountResponse, AuthEvent, ChangePassword, ClientUserCall, ListUserAuthEvents,
    Parameters, ProfileRequest, Reply, Response, SignUp, UpdateAuthEventFeedback, keys,
};
use poolproof_pool::{AppClient, ClientRisk, PasswordFlow};
use poolproof_srp::Group;

use crate::accounts::{ask, sent};
use crate::attributes::admin_update;
use crate::fixture::{CLIENT, PASSWORD, POOL, PoolFixture, WRONG_CODE, challenge, refusal, respond, tokens};

const BLOCKED: &str = "NotAuthorizedException: Unable to login because of security reasons.";

fn fixture(mode: RiskMode) -> PoolFixture {
    let risk = RiskPolicy {
        mode,
        medium: RiskAction::MfaIfConfigured,
        high: RiskAction::Block,
        compromised: CompromisedAction::Block,
        ..RiskPolicy::OFF
    };
    let client =
        AppClient { password_flow: PasswordFlow::WithDevices, ..AppClient::public(ClientId::new(CLIENT)) };
    let policy = PoolPolicy { risk, mfa: MfaMode::Optional, ..PoolPolicy::DEFAULT };
    let mut fixture = PoolFixture::with(policy, Group::toy(), client);
    fixture.add("ann", |account| account.phone = Some("+15550100".to_owned()));
    fixture
}

fn list(fixture: &mut PoolFixture, limit: Option<u32>, token: Option<String>) -> Reply {
    let request = ListUserAuthEvents {
        user_pool_id: POOL.to_owned(),
        username: "ann".to_owned(),
        max_results: limit,
        next_token: token,
    };
    ask(fixture, AccountRequest::Profile(ProfileRequest::AdminListUserAuthEvents(request)))
}

fn page(reply: Reply) -> (Vec<AuthEvent>, Option<String>) {
    match reply {
        Ok(Response::Account(AccountResponse::AuthEvents { auth_events, next_token })) => {
            (auth_events, next_token)
        }
        other => panic!("{other:?}"),
    }
}

/// The events in words, the latest first.
fn events(fixture: &mut PoolFixture) -> Vec<String> {
    let word = |event: AuthEvent| {
        let risk = event.event_risk.unwrap();
        let answers = event.challenge_responses.iter();
        let answers = answers.map(|one| format!("{} {}", one.challenge_name, one.challenge_response));
        let level = risk.risk_level.unwrap_or_else(|| "-".to_owned());
        let decision = risk.risk_decision.unwrap();
        format!("{} {decision} {level}: {}", event.event_response, answers.collect::<Vec<_>>().join(", "))
    };
    page(list(fixture, None, None)).0.into_iter().map(word).collect()
}

fn at(fixture: &mut PoolFixture, level: Option<RiskLevel>) -> Reply {
    fixture.harness.origin.risk = level;
    fixture.password("ann", PASSWORD, None)
}

#[test]
fn each_sign_in_is_recorded_with_its_decided_risk() {
    let mut fixture = fixture(RiskMode::Enforced);
    tokens(at(&mut fixture, None));
    tokens(at(&mut fixture, Some(RiskLevel::Low)));
    assert_eq!(refusal(at(&mut fixture, Some(RiskLevel::High))), BLOCKED);
    let asked = challenge(at(&mut fixture, Some(RiskLevel::Medium)));
    assert_eq!(events(&mut fixture)[0], "InProgress AccountTakeover Medium: Password Success");
    let answers = |code: &str| Parameters::new().with(keys::USERNAME, "ann").with(keys::SMS_MFA_CODE, code);
    let session = asked.session.as_ref().map(poolproof_cognito::ids::Session::as_str);
    let code = sent(&mut fixture).code;
    assert_eq!(refusal(fixture.ask(respond("SMS_MFA", session, answers("x")))), WRONG_CODE);
    tokens(fixture.ask(respond("SMS_MFA", session, answers(&code))));
    fixture.harness.origin.risk = None;
    fixture.password("ann", "wrong", None).unwrap_err();
    assert_eq!(
        events(&mut fixture),
        [
            "Fail NoRisk -: Password Failure",
            "Pass AccountTakeover Medium: Password Success, Mfa Failure, Mfa Success",
            "Fail Block High: Password Success",
            "Pass AccountTakeover Low: Password Success",
            "Pass NoRisk -: Password Success",
        ]
    );
}

/// API reference, AuthEventType: the other types of events.
#[test]
fn sign_ups_and_changes_of_passwords_are_recorded() {
    let mut fixture = fixture(RiskMode::Audit);
    fixture.harness.origin.address = "192.0.2.7".parse().ok();
    let request = SignUp {
        client_id: CLIENT.to_owned(),
        username: "bob".to_owned(),
        password: Some("permanent-1".to_owned()),
        attributes: vec![("email".to_owned(), "bob@example.org".to_owned())],
        ..SignUp::default()
    };
    ask(&mut fixture, AccountRequest::SignUp(request)).unwrap();
    let call = |name: &str| ClientUserCall {
        client_id: CLIENT.to_owned(),
        username: name.to_owned(),
        ..ClientUserCall::default()
    };
    let resend = ProfileRequest::ResendConfirmationCode(call("bob"));
    ask(&mut fixture, AccountRequest::Profile(resend)).unwrap();
    let token = tokens(fixture.password("ann", PASSWORD, None)).access_token;
    let change = |previous: &str| {
        AccountRequest::ChangePassword(ChangePassword {
            access_token: token.as_str().to_owned(),
            previous_password: Some(previous.to_owned()),
            proposed_password: "permanent-2".to_owned(),
        })
    };
    ask(&mut fixture, change("wrong")).unwrap_err();
    ask(&mut fixture, change(PASSWORD)).unwrap();
    let verified = [("email", "ann@example.org"), ("email_verified", "true")];
    admin_update(&mut fixture, "ann", &verified).unwrap();
    let forgot = ProfileRequest::ForgotPassword(call("ann"));
    ask(&mut fixture, AccountRequest::Profile(forgot)).unwrap();
    let mut types = |name: &str| -> Vec<String> {
        let request = ListUserAuthEvents {
            user_pool_id: POOL.to_owned(),
            username: name.to_owned(),
            ..ListUserAuthEvents::default()
        };
        let reply =
            ask(&mut fixture, AccountRequest::Profile(ProfileRequest::AdminListUserAuthEvents(request)));
        let word = |event: AuthEvent| {
            let address = event.event_context_data.and_then(|context| context.ip_address);
            assert_eq!(address.as_deref(), Some("192.0.2.7"));
            format!("{} {}", event.event_type, event.event_response)
        };
        page(reply).0.into_iter().map(word).collect()
    };
    assert_eq!(types("bob"), ["ResendCode Pass", "SignUp Pass"]);
    let ann = ["ForgotPassword Pass", "PasswordChange Pass", "PasswordChange Fail", "SignIn Pass"];
    assert_eq!(types("ann"), ann);
}

#[test]
fn audit_records_the_risk_and_acts_on_nothing() {
    let mut audit = fixture(RiskMode::Audit);
    tokens(at(&mut audit, Some(RiskLevel::High)));
    assert_eq!(events(&mut audit), ["Pass AccountTakeover High: Password Success"]);
    let mut off = fixture(RiskMode::Off);
    tokens(at(&mut off, Some(RiskLevel::High)));
    let refused = refusal(list(&mut off, None, None));
    assert!(refused.starts_with("UserPoolAddOnNotEnabledException"), "{refused}");
    assert_eq!(off.harness.pool.entry_counts().events, 0);
}

#[test]
fn a_compromised_password_is_recorded() {
    let mut fixture = fixture(RiskMode::Enforced);
    fixture.add("bob", |account| account.compromised = true);
    let parameters = Parameters::new().with(keys::USERNAME, "bob").with(keys::PASSWORD, PASSWORD);
    assert_eq!(refusal(fixture.initiate("USER_PASSWORD_AUTH", parameters)), BLOCKED);
    let request = ListUserAuthEvents {
        user_pool_id: POOL.to_owned(),
        username: "bob".to_owned(),
        ..ListUserAuthEvents::default()
    };
    let request = AccountRequest::Profile(ProfileRequest::AdminListUserAuthEvents(request));
    let (events, _) = page(ask(&mut fixture, request));
    let risk = events[0].event_risk.clone().unwrap();
    assert_eq!(risk.compromised_credentials_detected, Some(true));
    assert_eq!(risk.risk_decision.as_deref(), Some("Block"));
}

#[test]
fn the_last_fifty_events_are_kept_and_paged() {
    let mut fixture = fixture(RiskMode::Audit);
    for _ in 0..60 {
        tokens(at(&mut fixture, None));
    }
    assert_eq!(fixture.harness.pool.entry_counts().events, 50);
    let (first, token) = page(list(&mut fixture, Some(20), None));
    let (second, rest) = page(list(&mut fixture, Some(20), token));
    let (third, end) = page(list(&mut fixture, Some(20), rest));
    let mut ids: Vec<_> = [first, second, third].concat().into_iter().map(|event| event.event_id).collect();
    assert_eq!((ids.len(), end), (50, None));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 50);
    let refused = refusal(list(&mut fixture, None, Some("x".to_owned())));
    assert_eq!(refused, "InvalidParameterException: Invalid pagination token.");
}

#[test]
fn feedback_is_stored_with_the_event() {
    let mut fixture = fixture(RiskMode::Audit);
    tokens(at(&mut fixture, None));
    let (events, _) = page(list(&mut fixture, None, None));
    let feedback = |event_id: &str, value: &str| {
        AccountRequest::Profile(ProfileRequest::AdminUpdateAuthEventFeedback(UpdateAuthEventFeedback {
            user_pool_id: POOL.to_owned(),
            username: "ann".to_owned(),
            event_id: event_id.to_owned(),
            feedback_value: value.to_owned(),
        }))
    };
    let id = &events[0].event_id;
    assert_eq!(ask(&mut fixture, feedback(id, "Invalid")), Ok(Response::Empty));
    let (events, _) = page(list(&mut fixture, None, None));
    assert_eq!(events[0].event_feedback.clone().unwrap().feedback_value, "Invalid");
    assert!(refusal(ask(&mut fixture, feedback(id, "Maybe"))).starts_with("InvalidParameterException"));
    assert!(refusal(ask(&mut fixture, feedback("none", "Valid"))).starts_with("ResourceNotFoundException"));
}

#[test]
fn the_risk_configuration_of_a_client_replaces_the_pools_in_its_sign_ins() {
    // API model: SetRiskConfiguration with ClientId.
    let mut fixture = fixture(RiskMode::Enforced);
    let risk = ClientRisk {
        low: RiskAction::Block,
        medium: RiskAction::Block,
        high: RiskAction::Block,
        compromised: CompromisedAction::NoAction,
        exceptions: poolproof_cognito::addresses::RiskExceptions {
            blocked: vec!["192.0.2.7/32".parse().unwrap()],
            skipped: vec!["192.0.2.8/32".parse().unwrap()],
        },
    };
    let own = AppClient { risk: Some(Box::new(risk)), ..AppClient::public(ClientId::new("own")) };
    tokens(at(&mut fixture, Some(RiskLevel::Low)));
    fixture.harness.pool.put_client(AppClient { id: ClientId::new(CLIENT), ..own });
    assert_eq!(refusal(at(&mut fixture, Some(RiskLevel::Low))), BLOCKED);
    fixture.harness.origin.address = Some("192.0.2.8".parse().unwrap());
    tokens(at(&mut fixture, Some(RiskLevel::High)));
    fixture.harness.origin.address = Some("192.0.2.7".parse().unwrap());
    let address = "NotAuthorizedException: Request not allowed due to security reasons.";
    assert_eq!(refusal(at(&mut fixture, None)), address);
}
