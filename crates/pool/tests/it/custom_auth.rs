//! Custom challenges (`CUSTOM_AUTH`): the challenges of a list, an endpoint's triggers, and devices after
//! them.

use poolproof_cognito::ids::{ClientId, Username};
use poolproof_cognito::policy::{CustomAuthDevices, MfaMode, PoolPolicy, RememberMode, Switches};
use poolproof_cognito::protocol::{
    Challenge, ChallengeName, DeviceStatus, Parameters, Reply, Response, SecretVerifierConfig, keys,
};
use poolproof_pool::{AppClient, CustomAuth, CustomChallenge, Pending, Step, TriggerCall, TriggerFailure};
use poolproof_srp::Group;
use serde_json::{Value, json};

use crate::fixture::{
    BAD_SESSION, CLIENT, INCORRECT, LOCKED, NO_SUCH_DEVICE, PASSWORD, PoolFixture, TestDevice, USED_SESSION,
    challenge, confirm_device, initiate, parameter, policy, refusal, respond, tokens,
};

const UNKNOWN_KEY: &str = "us-east-1_00000000-0000-4000-8000-00000000ffff";

/// A pool whose custom challenges are `captcha` (42) and `motto` (semper), with the user `ann`.
fn fixture(policy: PoolPolicy) -> PoolFixture {
    with_client(policy, client())
}

fn with_client(policy: PoolPolicy, client: AppClient) -> PoolFixture {
    let challenges = [("captcha", "42"), ("motto", "semper")]
        .map(|(name, answer)| CustomChallenge { challenge: name.to_owned(), answer: answer.to_owned() });
    let mut fixture = PoolFixture::with(policy, Group::toy(), client);
    fixture.custom_auth(CustomAuth::Challenges(challenges.to_vec()));
    fixture.add("ann", |_| {});
    fixture
}

fn client() -> AppClient {
    AppClient::public(ClientId::new(CLIENT))
}

pub(crate) fn named(name: &str) -> Parameters {
    Parameters::new().with(keys::USERNAME, name)
}

fn with_key(parameters: Parameters, phone: Option<&TestDevice>) -> Parameters {
    match phone {
        Some(phone) => parameters.with(keys::DEVICE_KEY, phone.key.as_str()),
        None => parameters,
    }
}

fn enter(fixture: &mut PoolFixture, asked: &Challenge, answers: Parameters) -> Reply {
    fixture.answer(asked.name, asked.session.as_ref(), answers)
}

pub(crate) fn says(name: &str, answer: &str) -> Parameters {
    named(name).with(keys::ANSWER, answer)
}

/// Answers both challenges correctly.
fn answer_both(fixture: &mut PoolFixture, name: &str, first: Reply) -> Reply {
    let second = enter(fixture, &challenge(first), says(name, "42"));
    enter(fixture, &challenge(second), says(name, "semper"))
}

/// Signs in by custom challenges, naming a device or not, in words.
fn path(fixture: &mut PoolFixture, name: &str, phone: Option<&TestDevice>) -> String {
    let first = fixture.initiate("CUSTOM_AUTH", with_key(named(name), phone));
    let reply = answer_both(fixture, name, first);
    fixture.finish_sign_in(name, phone, reply).path()
}

/// Proves the password in a sign-in with custom challenges.
fn password_first(
    fixture: &mut PoolFixture,
    name: &str,
    password: &str,
    phone: Option<&TestDevice>,
) -> Reply {
    let parameters = named(name).with(keys::CHALLENGE_NAME, "SRP_A");
    let exchange = fixture.start_flow(|fixture, public_a| {
        fixture.initiate("CUSTOM_AUTH", parameters.with(keys::SRP_A, public_a))
    });
    let claim = with_key(fixture.claim(&exchange, password), phone);
    fixture.send_claim(&exchange, claim)
}

#[test]
fn right_answers_to_all_challenges_sign_in() {
    let mut fixture = fixture(PoolPolicy::DEFAULT);
    let first = challenge(fixture.initiate("CUSTOM_AUTH", named("ann")));
    assert_eq!((first.name, parameter(&first, "challenge")), (ChallengeName::CustomChallenge, "captcha"));
    assert_eq!(parameter(&first, keys::USERNAME), "ann");
    let second = challenge(enter(&mut fixture, &first, says("ann", "42")));
    assert_eq!((second.name, parameter(&second, "challenge")), (ChallengeName::CustomChallenge, "motto"));
    assert_eq!(refusal(enter(&mut fixture, &first, says("ann", "42"))), USED_SESSION);
    let missing = refusal(enter(&mut fixture, &second, named("ann")));
    assert_eq!(missing, "InvalidParameterException: Missing required parameter ANSWER");
    fixture.add("bob", |_| {});
    assert_eq!(refusal(enter(&mut fixture, &second, says("bob", "semper"))), BAD_SESSION);
    tokens(enter(&mut fixture, &second, says("ann", "semper")));
    let named_so = named("ann").with(keys::CHALLENGE_NAME, "CUSTOM_CHALLENGE");
    assert_eq!(challenge(fixture.initiate("CUSTOM_AUTH", named_so)).name, ChallengeName::CustomChallenge);
}

#[test]
fn the_third_wrong_answer_refuses_and_locks_no_user_out() {
    // Developer guide, lockout: custom challenges do not count.
    let mut fixture = fixture(PoolPolicy::DEFAULT);
    for _ in 0..3 {
        let mut asked = challenge(fixture.initiate("CUSTOM_AUTH", named("ann")));
        for _ in 0..2 {
            asked = challenge(enter(&mut fixture, &asked, says("ann", "wrong")));
            assert_eq!(parameter(&asked, "challenge"), "captcha", "the same challenge again");
        }
        assert_eq!(refusal(enter(&mut fixture, &asked, says("ann", "wrong"))), INCORRECT);
    }
    fixture.sign_in("ann");
    // A right answer after two wrong ones counts, and a third wrong one later does not.
    let asked = challenge(fixture.initiate("CUSTOM_AUTH", named("ann")));
    let asked = challenge(enter(&mut fixture, &asked, says("ann", "wrong")));
    let asked = challenge(enter(&mut fixture, &asked, says("ann", "42")));
    let asked = challenge(enter(&mut fixture, &asked, says("ann", "wrong")));
    assert_eq!(refusal(enter(&mut fixture, &asked, says("ann", "wrong"))), INCORRECT);
}

#[test]
fn a_password_lockout_applies_in_custom_auth_only_to_the_password() {
    let mut fixture = fixture(PoolPolicy::DEFAULT);
    for _ in 0..5 {
        assert_eq!(refusal(password_first(&mut fixture, "ann", "wrong", None)), INCORRECT);
    }
    assert_eq!(refusal(password_first(&mut fixture, "ann", PASSWORD, None)), LOCKED);
    assert_eq!(path(&mut fixture, "ann", None), "tokens");
    fixture.advance_clock(1);
    let reply = password_first(&mut fixture, "ann", PASSWORD, None);
    tokens(answer_both(&mut fixture, "ann", reply));
}

/// amplify-js#3876: after the password the pool asks for an active factor and calls no further trigger.
/// amplify-js#12887: without a password there is no MFA.
#[test]
fn mfa_replaces_custom_challenges_after_a_password_and_never_follows_them() {
    let mut fixture = fixture(policy(RememberMode::No, false, MfaMode::Optional));
    fixture.add_with_app("bob", |_| {});
    let reply = password_first(&mut fixture, "bob", PASSWORD, None);
    assert_eq!(fixture.finish_sign_in("bob", None, reply).path(), "SOFTWARE_TOKEN_MFA tokens");
    assert_eq!(path(&mut fixture, "bob", None), "tokens");
    let reply = password_first(&mut fixture, "ann", PASSWORD, None);
    tokens(answer_both(&mut fixture, "ann", reply));
}

/// Developer guide, devices: one last `DEVICE_SRP_AUTH` follows `issueTokens: true` if the client names a
/// device. The other states are as after a password (docs/semantics.md).
#[test]
fn a_remembered_device_proves_its_secret_after_custom_challenges() {
    for mfa in MfaMode::ALL {
        let mut fixture = fixture(policy(RememberMode::Always, true, mfa));
        let (phone, owned) = fixture.device(DeviceStatus::Remembered, true);
        let (laptop, also_owned) = fixture.device(DeviceStatus::NotRemembered, true);
        fixture.add("bob", |account| account.devices.extend([owned, also_owned]));
        assert_eq!(path(&mut fixture, "bob", Some(&phone)), "DEVICE_SRP_AUTH tokens", "{mfa}");
        assert_eq!(path(&mut fixture, "bob", Some(&laptop)), "tokens", "{mfa}");
        let damaged = TestDevice { secret: "other".to_owned(), ..phone.clone() };
        let refused = format!("DEVICE_SRP_AUTH {INCORRECT}");
        assert_eq!(path(&mut fixture, "bob", Some(&damaged)), refused, "{mfa}");
        // The device can be named in the last answer too.
        let first = challenge(fixture.initiate("CUSTOM_AUTH", named("bob")));
        let second = challenge(enter(&mut fixture, &first, says("bob", "42")));
        let last = with_key(says("bob", "semper"), Some(&phone));
        let reply = enter(&mut fixture, &second, last);
        assert_eq!(fixture.finish_sign_in("bob", Some(&phone), reply).path(), "DEVICE_SRP_AUTH tokens");
        // Suppression lets the custom challenges follow the password.
        let reply = password_first(&mut fixture, "bob", PASSWORD, Some(&phone));
        let reply = answer_both(&mut fixture, "bob", reply);
        assert_eq!(fixture.finish_sign_in("bob", Some(&phone), reply).path(), "DEVICE_SRP_AUTH tokens");
    }
}

#[test]
fn an_unknown_device_refuses_the_last_answer_and_the_challenge_stays() {
    let mut fixture = fixture(policy(RememberMode::Always, false, MfaMode::Off));
    let parameters = named("ann").with(keys::DEVICE_KEY, UNKNOWN_KEY);
    let first = challenge(fixture.initiate("CUSTOM_AUTH", parameters));
    let second = challenge(enter(&mut fixture, &first, says("ann", "42")));
    let last = says("ann", "semper");
    assert_eq!(refusal(enter(&mut fixture, &second, last.clone())), NO_SUCH_DEVICE);
    tokens(enter(&mut fixture, &second, last));
    let mut untracked = self::fixture(policy(RememberMode::No, false, MfaMode::Off));
    let first = untracked.initiate("CUSTOM_AUTH", named("ann").with(keys::DEVICE_KEY, UNKNOWN_KEY));
    tokens(answer_both(&mut untracked, "ann", first));
}

/// amplify-js#14909: no `NewDeviceMetadata` from `CUSTOM_AUTH`. amplify-js#2705: after the password there is
/// one, and without it ConfirmDevice fails. amplify-flutter#3541: devices are tracked.
#[test]
fn a_new_device_gets_a_key_after_custom_challenges_only_with_the_switch() {
    for (keys_after, alone, after_password) in [
        (CustomAuthDevices::Never, "tokens", "tokens"),
        (CustomAuthDevices::AfterPassword, "tokens", "tokens +N"),
        (CustomAuthDevices::Always, "tokens +N", "tokens +N"),
    ] {
        let switches = Switches { custom_auth_devices: keys_after, ..Switches::DEFAULT };
        let pool = policy(RememberMode::Always, false, MfaMode::Off);
        let mut fixture = fixture(PoolPolicy { switches, ..pool });
        assert_eq!(path(&mut fixture, "ann", None), alone, "{keys_after}");
        let reply = password_first(&mut fixture, "ann", PASSWORD, None);
        let reply = answer_both(&mut fixture, "ann", reply);
        let signed_in = fixture.finish_sign_in("ann", None, reply);
        assert_eq!(signed_in.path(), after_password, "{keys_after}");
        let signed_in = signed_in.end.unwrap();
        if signed_in.new_device.is_some() {
            let (phone, _) = fixture.confirm(&signed_in);
            assert_eq!(path(&mut fixture, "ann", Some(&phone)), "DEVICE_SRP_AUTH tokens");
            continue;
        }
        let (phone, unknown) = fixture.device(DeviceStatus::Remembered, false);
        let (password_verifier, salt) = (unknown.verifier.to_base64(), unknown.salt.to_base64());
        let config = SecretVerifierConfig { password_verifier, salt };
        let reply = fixture.ask(confirm_device(&signed_in.access_token, &phone.key, config));
        assert_eq!(refusal(reply), "InvalidParameterException: Invalid device key given.");
    }
}

#[test]
fn an_unknown_user_gets_custom_challenges_and_never_signs_in() {
    let hiding = AppClient { prevents_user_existence_errors: true, ..client() };
    let mut fixture = with_client(PoolPolicy::DEFAULT, hiding);
    for name in ["ann", "unknown"] {
        let first = challenge(fixture.initiate("CUSTOM_AUTH", named(name)));
        assert_eq!(parameter(&first, keys::USERNAME), name);
        assert_eq!(parameter(&first, "challenge"), "captcha");
        let again = challenge(enter(&mut fixture, &first, says(name, "wrong")));
        assert_eq!(parameter(&again, "challenge"), "captcha");
        let second = challenge(enter(&mut fixture, &again, says(name, "42")));
        let reply = enter(&mut fixture, &second, says(name, "semper"));
        match name {
            "ann" => drop(tokens(reply)),
            _ => assert_eq!(refusal(reply), INCORRECT),
        }
        assert_eq!(refusal(password_first(&mut fixture, name, "wrong", None)), INCORRECT);
    }
    let mut open = self::fixture(PoolPolicy::DEFAULT);
    let refused = refusal(open.initiate("CUSTOM_AUTH", named("unknown")));
    assert_eq!(refused, "UserNotFoundException: User does not exist.");
}

#[test]
fn a_user_who_may_not_sign_in_is_refused_at_the_start_and_at_the_end() {
    let disabled = "NotAuthorizedException: User is disabled.";
    let hiding = AppClient { prevents_user_existence_errors: true, ..client() };
    let mut hidden = with_client(PoolPolicy::DEFAULT, hiding);
    let first = hidden.initiate("CUSTOM_AUTH", named("ann"));
    hidden.harness.pool.set_disabled(&Username::new("ann"), true);
    assert_eq!(refusal(answer_both(&mut hidden, "ann", first)), disabled);
    let mut fixture = fixture(PoolPolicy::DEFAULT);
    fixture.harness.pool.set_disabled(&Username::new("ann"), true);
    assert_eq!(refusal(fixture.initiate("CUSTOM_AUTH", named("ann"))), disabled);
    // The first of two answers is refused, unless the client hides this without a password.
    for (hides, password, refused) in
        [(false, false, true), (false, true, true), (true, true, true), (true, false, false)]
    {
        let client = AppClient { prevents_user_existence_errors: hides, ..client() };
        let mut fixture = with_client(PoolPolicy::DEFAULT, client);
        let first = match password {
            true => password_first(&mut fixture, "ann", PASSWORD, None),
            false => fixture.initiate("CUSTOM_AUTH", named("ann")),
        };
        let first = challenge(first);
        fixture.harness.pool.set_disabled(&Username::new("ann"), true);
        let reply = enter(&mut fixture, &first, says("ann", "42"));
        assert_eq!(reply.is_err(), refused, "{hides} {password}");
        if refused {
            assert_eq!(refusal(reply), disabled);
        }
    }
}

/// A pool whose triggers are at an endpoint that this test plays.
pub(crate) struct Endpoint(pub(crate) PoolFixture);

impl Endpoint {
    pub(crate) fn new() -> Self {
        let mut fixture = PoolFixture::of_ann(PoolPolicy::DEFAULT);
        fixture.custom_auth(CustomAuth::Endpoint);
        Self(fixture)
    }

    pub(crate) fn called(step: Step) -> (TriggerCall, Pending) {
        match step {
            Step::Trigger(call, pending) => (*call, pending),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn start(&mut self) -> (TriggerCall, Pending) {
        let harness = &mut self.0.harness;
        Self::called(harness.pool.handle(harness.now, harness.origin, initiate("CUSTOM_AUTH", named("ann"))))
    }

    pub(crate) fn answer(&mut self, asked: &Challenge, answer: &str) -> (TriggerCall, Pending) {
        let session = asked.session.as_ref().map(poolproof_cognito::ids::Session::as_str);
        let request = respond("CUSTOM_CHALLENGE", session, says("ann", answer));
        let harness = &mut self.0.harness;
        Self::called(harness.pool.handle(harness.now, harness.origin, request))
    }

    /// Answers a call with its own event and this response.
    pub(crate) fn respond(&mut self, (call, pending): (TriggerCall, Pending), response: Value) -> Step {
        let mut event = call.event;
        event["response"] = response;
        let now = self.0.harness.now;
        self.0.harness.pool.resume_trigger(now, pending, Ok(event.to_string().into_bytes()))
    }
}

pub(crate) fn reply(step: Step) -> Reply {
    match step {
        Step::Reply(reply) => reply,
        other => panic!("{other:?}"),
    }
}

/// The events have the form of the developer guide, "Define Auth challenge Lambda trigger" and the two pages
/// after it.
#[test]
fn an_endpoint_gets_the_events_of_the_three_triggers() {
    let mut endpoint = Endpoint::new();
    let define = endpoint.start();
    let common = |source: &str, request: Value, response: Value| {
        json!({
            "version": "1",
            "region": "us-east-1",
            "userPoolId": "us-east-1_AbCdEf123",
            "userName": "ann",
            "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": CLIENT },
            "triggerSource": source,
            "request": request,
            "response": response,
        })
    };
    let attributes =
        json!({ "sub": "00000000-0000-4000-8000-000000000001", "cognito:user_status": "CONFIRMED" });
    let undecided = json!({ "challengeName": null, "issueTokens": null, "failAuthentication": null });
    assert_eq!(define.0.trigger, "DefineAuthChallenge");
    assert_eq!(
        define.0.event,
        common(
            "DefineAuthChallenge_Authentication",
            json!({ "userAttributes": attributes, "userNotFound": false, "session": [] }),
            undecided.clone(),
        )
    );
    let custom =
        json!({ "challengeName": "CUSTOM_CHALLENGE", "issueTokens": false, "failAuthentication": false });
    let create = Endpoint::called(endpoint.respond(define, custom));
    assert_eq!(
        create.0.event,
        common(
            "CreateAuthChallenge_Authentication",
            json!({
                "userAttributes": attributes, "userNotFound": false, "session": [],
                "challengeName": "CUSTOM_CHALLENGE",
            }),
            json!({
                "publicChallengeParameters": null, "privateChallengeParameters": null, "challengeMetadata": null,
            }),
        )
    );
    let challenge_parameters = json!({
        "publicChallengeParameters": { "captchaUrl": "url/123.jpg" },
        "privateChallengeParameters": { "answer": "5" },
        "challengeMetadata": "CAPTCHA_CHALLENGE",
    });
    let asked = challenge(reply(endpoint.respond(create, challenge_parameters)));
    assert_eq!(parameter(&asked, "captchaUrl"), "url/123.jpg");
    assert_eq!(asked.parameters.value("answer"), None, "private parameters stay in the pool");
    let verify = endpoint.answer(&asked, "5");
    assert_eq!(
        verify.0.event,
        common(
            "VerifyAuthChallengeResponse_Authentication",
            json!({
                "userAttributes": attributes, "userNotFound": false,
                "privateChallengeParameters": { "answer": "5" }, "challengeAnswer": "5",
            }),
            json!({ "answerCorrect": null }),
        )
    );
    let define = Endpoint::called(endpoint.respond(verify, json!({ "answerCorrect": true })));
    let session = json!([{
        "challengeName": "CUSTOM_CHALLENGE", "challengeResult": true, "challengeMetadata": "CAPTCHA_CHALLENGE",
    }]);
    assert_eq!(define.0.event["request"]["session"], session);
    tokens(reply(endpoint.respond(define, json!({ "issueTokens": true, "failAuthentication": false }))));
}

#[test]
fn an_endpoint_that_fails_ends_the_sign_in_with_the_errors_of_aws() {
    // dart-2#204 and amplify-js#9127 have the texts of UnexpectedLambda and UserLambdaValidation.
    let mut endpoint = Endpoint::new();
    let mut fail = |failure| {
        let (_, pending) = endpoint.start();
        let now = endpoint.0.harness.now;
        refusal(reply(endpoint.0.harness.pool.resume_trigger(now, pending, Err(failure))))
    };
    assert_eq!(
        fail(TriggerFailure::Unreachable("Socket timeout while invoking Lambda function".to_owned())),
        "UnexpectedLambdaException: DefineAuthChallenge invocation failed due to error Socket timeout while invoking \
         Lambda function."
    );
    assert_eq!(
        fail(TriggerFailure::Refused("no robots".to_owned())),
        "UserLambdaValidationException: DefineAuthChallenge failed with error no robots."
    );
    let unrecognizable = "InvalidLambdaResponseException: Unrecognizable lambda output";
    for response in [
        json!({}),
        // There is no SRP_A to prove a password with.
        json!({ "challengeName": "PASSWORD_VERIFIER" }),
        json!({ "issueTokens": 1 }),
    ] {
        let define = endpoint.start();
        assert_eq!(refusal(reply(endpoint.respond(define, response.clone()))), unrecognizable, "{response}");
    }
    let define = endpoint.start();
    let both = json!({ "issueTokens": true, "failAuthentication": true });
    assert_eq!(refusal(reply(endpoint.respond(define, both))), INCORRECT);
}

#[test]
fn the_number_of_custom_challenges_is_limited() {
    let mut endpoint = Endpoint::new();
    let custom = json!({ "challengeName": "CUSTOM_CHALLENGE" });
    let mut define = endpoint.start();
    for asked in 0.. {
        assert!(asked <= 50, "the history is bounded");
        let step = endpoint.respond(define, custom.clone());
        let Step::Trigger(call, pending) = step else {
            assert_eq!(refusal(reply(step)), INCORRECT);
            assert_eq!(asked, 50);
            break;
        };
        let asked = challenge(reply(endpoint.respond((*call, pending), json!({}))));
        let verify = endpoint.answer(&asked, "x");
        define = Endpoint::called(endpoint.respond(verify, json!({ "answerCorrect": false })));
    }
}

#[test]
fn a_user_who_is_deleted_during_a_trigger_is_not_signed_in() {
    let mut endpoint = Endpoint::new();
    let define = endpoint.start();
    let delete = poolproof_cognito::protocol::AccountRequest::AdminDeleteUser(
        poolproof_cognito::protocol::AdminUserCall {
            user_pool_id: "us-east-1_AbCdEf123".to_owned(),
            username: "ann".to_owned(),
        },
    );
    let deleted = crate::accounts::ask(&mut endpoint.0, delete);
    assert!(matches!(deleted, Ok(Response::Empty | Response::Account(_))));
    let refused = refusal(reply(endpoint.respond(define, json!({ "issueTokens": true }))));
    assert_eq!(refused, "UserNotFoundException: User does not exist.");
}
