//! Changes by an administrator between two steps of a sign-in count at the next step.

use poolproof_cognito::ids::{Session, Username};
use poolproof_cognito::policy::{MfaMode, PoolPolicy, RememberMode, Switches};
use poolproof_cognito::protocol::{
    AssociateSoftwareToken, Challenge, ChallengeName, DeviceStatus, Parameters, Reply, Request, Response,
    VerifySoftwareToken, keys,
};
use poolproof_cognito::totp::{TotpSecret, step_at};
use poolproof_pool::{NewAccount, UserStatus};

use crate::fixture::{
    INCORRECT, PASSWORD, PoolFixture, TestDevice, begin, call, challenge, finish, policy, refusal, respond,
    tokens,
};

const DISABLED: &str = "NotAuthorizedException: User is disabled.";
const RESET: &str = "PasswordResetRequiredException: Password reset required for the user";

const SUPPRESSING: PoolPolicy = PoolPolicy {
    remember: RememberMode::Always,
    suppress_mfa: true,
    mfa: MfaMode::Optional,
    ..PoolPolicy::DEFAULT
};

fn ann() -> Username {
    Username::new("ann")
}

fn answer_parameters(key: &str, value: &str) -> Parameters {
    Parameters::new().with(keys::USERNAME, "ann").with(key, value)
}

fn respond_to(challenge: &Challenge, answers: Parameters) -> Request {
    respond(challenge.name.as_str(), challenge.session.as_ref().map(Session::as_str), answers)
}

fn with_phone(account: &mut NewAccount) {
    account.phone = Some("+15551234567".to_owned());
    account.sms_mfa = true;
}

/// Returns a pool with the user Ann, her app and a remembered device.
fn trusted(policy: PoolPolicy) -> (PoolFixture, TestDevice) {
    let mut fixture = PoolFixture::new(policy);
    let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add_with_app("ann", |account| account.devices.push(known));
    (fixture, phone)
}

/// Returns a sign-in of Ann's before DEVICE_SRP_AUTH, and that request.
fn before_device_srp(policy: PoolPolicy) -> (PoolFixture, TestDevice, Request) {
    let (mut fixture, phone) = trusted(policy);
    let turn = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    assert_eq!(turn.name, ChallengeName::DeviceSrpAuth);
    let (_, public_a) = fixture.draw_a();
    let answers =
        answer_parameters(keys::DEVICE_KEY, phone.key.as_str()).with(keys::SRP_A, public_a.to_hex());
    let request = respond_to(&turn, answers);
    (fixture, phone, request)
}

/// Returns a sign-in of Ann's before DEVICE_PASSWORD_VERIFIER, and the request with its claim.
fn before_device_claim(policy: PoolPolicy) -> (PoolFixture, Request) {
    let (mut fixture, phone) = trusted(policy);
    let turn = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    let proof = fixture.start_device("ann", turn.session.as_ref(), &phone).unwrap();
    let claim = fixture.claim(&proof, &phone.secret);
    let request = respond_to(&proof.challenge, claim);
    (fixture, request)
}

/// Returns a sign-in at each step after the password, with the correct answer.
pub(crate) fn interrupted_sign_ins() -> Vec<(&'static str, PoolFixture, Request)> {
    let plain = policy(RememberMode::No, false, MfaMode::Optional);
    let mut interrupted_sign_ins = Vec::new();

    let mut fixture = PoolFixture::new(plain);
    fixture.add("ann", |account| account.user_status = UserStatus::ForceChangePassword);
    let asked = challenge(fixture.password("ann", PASSWORD, None));
    interrupted_sign_ins.push((
        "a new password",
        fixture,
        respond_to(&asked, answer_parameters(keys::NEW_PASSWORD, "brand-new-password")),
    ));

    let mut fixture = PoolFixture::new(plain);
    fixture.add_with_app("ann", with_phone);
    let asked = challenge(fixture.password("ann", PASSWORD, None));
    interrupted_sign_ins.push((
        "the choice",
        fixture,
        respond_to(&asked, answer_parameters(keys::ANSWER, "SMS_MFA")),
    ));

    let mut fixture = PoolFixture::new(plain);
    fixture.add("ann", with_phone);
    let asked = challenge(fixture.password("ann", PASSWORD, None));
    let code = fixture.delivered("ann");
    interrupted_sign_ins.push((
        "a code on the phone",
        fixture,
        respond_to(&asked, answer_parameters(keys::SMS_MFA_CODE, &code)),
    ));

    let mut fixture = PoolFixture::new(plain);
    fixture.add_with_app("ann", |_| {});
    let asked = challenge(fixture.password("ann", PASSWORD, None));
    let code = fixture.next_app_code("ann");
    interrupted_sign_ins.push((
        "the app's code",
        fixture,
        respond_to(&asked, answer_parameters(keys::SOFTWARE_TOKEN_MFA_CODE, &code)),
    ));

    let session = |session: &Session| Some(session.as_str().to_owned());
    for stop in ["the app's secret", "the app's first code", "the end of the set-up"] {
        let mut fixture = PoolFixture::of_ann(policy(RememberMode::No, false, MfaMode::On));
        let asked = challenge(fixture.password("ann", PASSWORD, None));
        let first = asked.session.as_ref().and_then(session);
        let mut request = Request::AssociateSoftwareToken(AssociateSoftwareToken { session: first });
        if stop != "the app's secret" {
            let Ok(Response::SecretCode { secret_code, session: next }) = fixture.ask(request) else {
                panic!("no secret")
            };
            let secret = TotpSecret::from_base32(&secret_code).unwrap();
            let user_code = secret.code(step_at(fixture.harness.now));
            let session = session(&next);
            request = Request::VerifySoftwareToken(VerifySoftwareToken {
                session,
                user_code,
                friendly_device_name: None,
            });
        }
        if stop == "the end of the set-up" {
            let Ok(Response::SoftwareTokenVerified { session: last }) = fixture.ask(request) else {
                panic!("not verified")
            };
            let name = Parameters::new().with(keys::USERNAME, "ann");
            request = respond("MFA_SETUP", Some(last.as_str()), name);
        }
        interrupted_sign_ins.push((stop, fixture, request));
    }

    let (fixture, _, request) = before_device_srp(SUPPRESSING);
    interrupted_sign_ins.push(("the device's turn", fixture, request));
    let (fixture, request) = before_device_claim(SUPPRESSING);
    interrupted_sign_ins.push(("the device's claim", fixture, request));
    interrupted_sign_ins
}

#[test]
fn a_user_disabled_between_steps_is_refused_until_enabled() {
    for (stop, mut fixture, request) in interrupted_sign_ins() {
        assert!(fixture.harness.pool.set_disabled(&ann(), true));
        for _ in 0..10 {
            assert_eq!(refusal(fixture.ask(request.clone())), DISABLED, "at {stop}");
        }
        // Nothing has changed: the session is unused and no failure was counted.
        assert!(fixture.harness.pool.set_disabled(&ann(), false));
        let reply = fixture.ask(request);
        assert!(reply.is_ok(), "at {stop}: {reply:?}");
    }
}

#[test]
fn a_password_reset_between_steps_stops_the_sign_in() {
    for (stop, mut fixture, request) in interrupted_sign_ins() {
        assert!(fixture.harness.pool.require_reset(&ann()));
        for _ in 0..2 {
            assert_eq!(refusal(fixture.ask(request.clone())), RESET, "at {stop}");
        }
        assert_eq!(refusal(fixture.password("ann", PASSWORD, None)), RESET, "and stays so, at {stop}");
    }
}

#[test]
fn a_user_disabled_during_srp_computation_is_refused() {
    let arithmetic = ["a new password", "the device's turn", "the device's claim"];
    for (stop, mut fixture, request) in
        interrupted_sign_ins().into_iter().filter(|(stop, ..)| arithmetic.contains(stop))
    {
        let begun = begin(&mut fixture, request);
        fixture.harness.pool.set_disabled(&ann(), true);
        assert_eq!(refusal(finish(&mut fixture, begun)), DISABLED, "at {stop}");
    }
    let mut fixture = PoolFixture::of_ann(SUPPRESSING);
    let exchange = fixture.start("ann");
    let claim = fixture.claim(&exchange, PASSWORD);
    let begun = begin(&mut fixture, respond_to(&exchange.challenge, claim));
    fixture.harness.pool.set_disabled(&ann(), true);
    assert_eq!(refusal(finish(&mut fixture, begun)), DISABLED, "at the password's claim");
}

#[test]
fn a_temporary_password_stays_when_its_user_is_disabled() {
    let (_, mut fixture, request) = interrupted_sign_ins().swap_remove(0);
    let begun = begin(&mut fixture, request);
    fixture.harness.pool.set_disabled(&ann(), true);
    assert_eq!(refusal(finish(&mut fixture, begun)), DISABLED);
    fixture.harness.pool.set_disabled(&ann(), false);
    let asked = challenge(fixture.password("ann", PASSWORD, None));
    assert_eq!(asked.name, ChallengeName::NewPasswordRequired, "nothing has changed");
}

#[test]
fn a_disabled_users_tokens_are_refused_until_enabled() {
    let mut fixture = PoolFixture::of_ann(SUPPRESSING);
    let first = fixture.sign_in("ann");
    let (phone, _) = fixture.confirm(&first);
    let refresh = Parameters::new()
        .with(keys::REFRESH_TOKEN, first.refresh_token.clone().unwrap())
        .with(keys::DEVICE_KEY, phone.key.as_str());
    let get = Request::GetDevice(call(&first.access_token, &phone.key));
    let forget = Request::ForgetDevice(call(&first.access_token, &phone.key));
    fixture.harness.pool.set_disabled(&ann(), true);
    for request in [get.clone(), forget] {
        assert_eq!(refusal(fixture.ask(request)), DISABLED);
    }
    assert_eq!(refusal(fixture.initiate("REFRESH_TOKEN_AUTH", refresh.clone())), DISABLED);
    assert_eq!(fixture.all_devices("ann").len(), 1, "administrators see what they did before");
    fixture.harness.pool.set_disabled(&ann(), false);
    assert!(fixture.ask(get).is_ok());
    tokens(fixture.initiate("REFRESH_TOKEN_AUTH", refresh));
}

#[test]
fn disabling_or_resetting_an_unknown_user_fails() {
    let mut fixture = PoolFixture::of_ann(SUPPRESSING);
    let bob = Username::new("bob");
    assert!(!fixture.harness.pool.set_disabled(&bob, true) && !fixture.harness.pool.require_reset(&bob));
    assert_eq!(fixture.sign_in_path("ann", None), "tokens +N");
}

/// Returns the replies at both device steps if the policy changes before each.
fn with_changed_policy(before: PoolPolicy, after: PoolPolicy) -> [Reply; 2] {
    let (mut fixture, _, request) = before_device_srp(before);
    fixture.harness.pool.set_policy(after);
    let turn = fixture.ask(request);
    let (mut fixture, request) = before_device_claim(before);
    fixture.harness.pool.set_policy(after);
    [turn, fixture.ask(request)]
}

#[test]
fn device_trust_follows_the_current_policy() {
    let strict = Switches { strict_mfa_binding: true, ..SUPPRESSING.switches };
    for (after, good) in [
        (PoolPolicy { remember: RememberMode::OptIn, ..SUPPRESSING }, true),
        (PoolPolicy { mfa: MfaMode::On, ..SUPPRESSING }, true),
        (PoolPolicy { mfa: MfaMode::Off, suppress_mfa: false, ..SUPPRESSING }, true),
        (PoolPolicy { switches: strict, ..SUPPRESSING }, true),
        (PoolPolicy { remember: RememberMode::No, ..SUPPRESSING }, false),
        (PoolPolicy { suppress_mfa: false, ..SUPPRESSING }, false),
    ] {
        for reply in with_changed_policy(SUPPRESSING, after) {
            match (good, reply) {
                (true, reply) => assert!(reply.is_ok(), "{after:?}: {reply:?}"),
                (false, reply) => assert_eq!(refusal(reply), INCORRECT, "{after:?}"),
            }
        }
    }
}

#[test]
fn strict_binding_requires_mfa_for_an_unbound_device() {
    let mut fixture = PoolFixture::new(SUPPRESSING);
    let (phone, known) = fixture.device(DeviceStatus::Remembered, false);
    fixture.add_with_app("ann", |account| account.devices.push(known));
    let switches = Switches { strict_mfa_binding: false, ..SUPPRESSING.switches };
    fixture.harness.pool.set_policy(PoolPolicy { switches, ..SUPPRESSING });
    let turn = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    fixture.harness.pool.set_policy(SUPPRESSING);
    assert_eq!(refusal(fixture.start_device("ann", turn.session.as_ref(), &phone)), INCORRECT);
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "SOFTWARE_TOKEN_MFA DEVICE_SRP_AUTH tokens");
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens");
}

#[test]
fn no_device_challenge_after_tracking_is_turned_off() {
    let asking = PoolPolicy { suppress_mfa: false, ..SUPPRESSING };
    for (after, expected) in [
        (PoolPolicy { remember: RememberMode::No, ..asking }, "tokens"),
        (PoolPolicy { remember: RememberMode::OptIn, ..asking }, "DEVICE_SRP_AUTH tokens"),
    ] {
        let (mut fixture, phone) = trusted(asking);
        let asked = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
        let code = fixture.next_app_code("ann");
        fixture.harness.pool.set_policy(after);
        let answers = answer_parameters(keys::SOFTWARE_TOKEN_MFA_CODE, &code);
        let answers = answers.with(keys::DEVICE_KEY, phone.key.as_str());
        let reply = fixture.ask(respond_to(&asked, answers));
        assert_eq!(fixture.finish_sign_in("ann", Some(&phone), reply).path(), expected);
    }
}
