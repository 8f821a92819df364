//! What an administrator does between two steps of a sign-in is judged at the next one (D4, D7, D14).

use poolproof_cognito::ids::{Session, Username};
use poolproof_cognito::policy::{MfaMode, PoolPolicy, RememberMode, Switches};
use poolproof_cognito::protocol::{
    AssociateSoftwareToken, Challenge, ChallengeName, DeviceStatus, Parameters, Reply, Request, Response,
    VerifySoftwareToken, keys,
};
use poolproof_cognito::totp::{TotpSecret, step_at};
use poolproof_pool::{NewAccount, Standing};

use crate::pool_world::{
    INCORRECT, PASSWORD, Phone, World, begin, call, challenge, finish, policy, refusal, respond, tokens,
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

fn says(key: &str, value: &str) -> Parameters {
    Parameters::new().with(keys::USERNAME, "ann").with(key, value)
}

fn to(challenge: &Challenge, answers: Parameters) -> Request {
    respond(challenge.name.as_str(), challenge.session.as_ref().map(Session::as_str), answers)
}

fn with_phone(account: &mut NewAccount) {
    account.phone = Some("+15551234567".to_owned());
    account.sms_mfa = true;
}

/// Ann with an app and a remembered device.
fn trusted(policy: PoolPolicy) -> (World, Phone) {
    let mut world = World::new(policy);
    let (phone, known) = world.device(DeviceStatus::Remembered, true);
    world.add_with_app("ann", |account| account.devices.push(known));
    (world, phone)
}

/// A sign-in of Ann's that has come as far as its device's turn, and the device's first word.
fn at_devices_turn(policy: PoolPolicy) -> (World, Phone, Request) {
    let (mut world, phone) = trusted(policy);
    let turn = challenge(world.password("ann", PASSWORD, Some(&phone.key)));
    assert_eq!(turn.name, ChallengeName::DeviceSrpAuth);
    let (_, public_a) = world.draw_a();
    let answers = says(keys::DEVICE_KEY, phone.key.as_str()).with(keys::SRP_A, public_a.to_hex());
    let request = to(&turn, answers);
    (world, phone, request)
}

/// A sign-in of Ann's that has come as far as its device's claim, and the claim.
fn at_devices_claim(policy: PoolPolicy) -> (World, Request) {
    let (mut world, phone) = trusted(policy);
    let turn = challenge(world.password("ann", PASSWORD, Some(&phone.key)));
    let proof = world.start_device("ann", turn.session.as_ref(), &phone).unwrap();
    let claim = world.claim(&proof, &phone.secret);
    let request = to(&proof.challenge, claim);
    (world, request)
}

/// Every place where a sign-in may stop after the password, with the right answer there.
fn stops() -> Vec<(&'static str, World, Request)> {
    let plain = policy(RememberMode::No, false, MfaMode::Optional);
    let mut stops = Vec::new();

    let mut world = World::new(plain);
    world.add("ann", |account| account.standing = Standing::ForceChangePassword);
    let asked = challenge(world.password("ann", PASSWORD, None));
    stops.push(("a new password", world, to(&asked, says(keys::NEW_PASSWORD, "brand-new-password"))));

    let mut world = World::new(plain);
    world.add_with_app("ann", with_phone);
    let asked = challenge(world.password("ann", PASSWORD, None));
    stops.push(("the choice", world, to(&asked, says(keys::ANSWER, "SMS_MFA"))));

    let mut world = World::new(plain);
    world.add("ann", with_phone);
    let asked = challenge(world.password("ann", PASSWORD, None));
    let code = world.delivered("ann");
    stops.push(("a code on the phone", world, to(&asked, says(keys::SMS_MFA_CODE, &code))));

    let mut world = World::new(plain);
    world.add_with_app("ann", |_| {});
    let asked = challenge(world.password("ann", PASSWORD, None));
    let code = world.read_app("ann");
    stops.push(("the app's code", world, to(&asked, says(keys::SOFTWARE_TOKEN_MFA_CODE, &code))));

    let session = |session: &Session| Some(session.as_str().to_owned());
    for stop in ["the app's secret", "the app's first code", "the end of the set-up"] {
        let mut world = World::of_ann(policy(RememberMode::No, false, MfaMode::On));
        let asked = challenge(world.password("ann", PASSWORD, None));
        let first = asked.session.as_ref().and_then(session);
        let mut request = Request::AssociateSoftwareToken(AssociateSoftwareToken { session: first });
        if stop != "the app's secret" {
            let Ok(Response::SecretCode { secret_code, session: next }) = world.ask(request) else {
                panic!("no secret")
            };
            let secret = TotpSecret::from_base32(&secret_code).unwrap();
            let user_code = secret.code(step_at(world.pair.now));
            let session = session(&next);
            request = Request::VerifySoftwareToken(VerifySoftwareToken { session, user_code });
        }
        if stop == "the end of the set-up" {
            let Ok(Response::SoftwareTokenVerified { session: last }) = world.ask(request) else {
                panic!("not verified")
            };
            let name = Parameters::new().with(keys::USERNAME, "ann");
            request = respond("MFA_SETUP", Some(last.as_str()), name);
        }
        stops.push((stop, world, request));
    }

    let (world, _, request) = at_devices_turn(SUPPRESSING);
    stops.push(("the device's turn", world, request));
    let (world, request) = at_devices_claim(SUPPRESSING);
    stops.push(("the device's claim", world, request));
    stops
}

#[test]
fn a_user_who_is_disabled_between_two_steps_gets_no_further_until_enabled() {
    // D14, at use.
    for (stop, mut world, request) in stops() {
        assert!(world.pair.pool.set_disabled(&ann(), true));
        for _ in 0..10 {
            assert_eq!(refusal(world.ask(request.clone())), DISABLED, "at {stop}");
        }
        // Nothing has changed: neither is the session used, nor was anything counted as a guess.
        assert!(world.pair.pool.set_disabled(&ann(), false));
        let reply = world.ask(request);
        assert!(reply.is_ok(), "at {stop}: {reply:?}");
    }
}

#[test]
fn a_user_who_must_reset_the_password_between_two_steps_gets_no_further() {
    for (stop, mut world, request) in stops() {
        assert!(world.pair.pool.require_reset(&ann()));
        for _ in 0..2 {
            assert_eq!(refusal(world.ask(request.clone())), RESET, "at {stop}");
        }
        assert_eq!(refusal(world.password("ann", PASSWORD, None)), RESET, "and stays so, at {stop}");
    }
}

#[test]
fn a_user_who_is_disabled_while_the_arithmetic_is_under_way_gets_no_further() {
    let arithmetic = ["a new password", "the device's turn", "the device's claim"];
    for (stop, mut world, request) in stops().into_iter().filter(|(stop, ..)| arithmetic.contains(stop)) {
        let begun = begin(&mut world, request);
        world.pair.pool.set_disabled(&ann(), true);
        assert_eq!(refusal(finish(&mut world, begun)), DISABLED, "at {stop}");
    }
    let mut world = World::of_ann(SUPPRESSING);
    let exchange = world.start("ann");
    let claim = world.claim(&exchange, PASSWORD);
    let begun = begin(&mut world, to(&exchange.challenge, claim));
    world.pair.pool.set_disabled(&ann(), true);
    assert_eq!(refusal(finish(&mut world, begun)), DISABLED, "at the password's claim");
}

#[test]
fn a_temporary_password_stays_when_its_user_is_disabled_meanwhile() {
    let (_, mut world, request) = stops().swap_remove(0);
    let begun = begin(&mut world, request);
    world.pair.pool.set_disabled(&ann(), true);
    assert_eq!(refusal(finish(&mut world, begun)), DISABLED);
    world.pair.pool.set_disabled(&ann(), false);
    let asked = challenge(world.password("ann", PASSWORD, None));
    assert_eq!(asked.name, ChallengeName::NewPasswordRequired, "nothing has changed");
}

#[test]
fn a_disabled_users_tokens_are_refused_until_enabled() {
    let mut world = World::of_ann(SUPPRESSING);
    let first = world.sign_in("ann");
    let (phone, _) = world.confirm(&first);
    let refresh = Parameters::new()
        .with(keys::REFRESH_TOKEN, first.refresh_token.clone().unwrap())
        .with(keys::DEVICE_KEY, phone.key.as_str());
    let get = Request::GetDevice(call(&first.access_token, &phone.key));
    let forget = Request::ForgetDevice(call(&first.access_token, &phone.key));
    world.pair.pool.set_disabled(&ann(), true);
    for request in [get.clone(), forget] {
        assert_eq!(refusal(world.ask(request)), DISABLED);
    }
    assert_eq!(refusal(world.initiate("REFRESH_TOKEN_AUTH", refresh.clone())), DISABLED);
    assert_eq!(world.all_devices("ann").len(), 1, "administrators see what they did before");
    world.pair.pool.set_disabled(&ann(), false);
    assert!(world.ask(get).is_ok());
    tokens(world.initiate("REFRESH_TOKEN_AUTH", refresh));
}

#[test]
fn only_users_who_exist_are_disabled_or_made_to_reset() {
    let mut world = World::of_ann(SUPPRESSING);
    let bob = Username::new("bob");
    assert!(!world.pair.pool.set_disabled(&bob, true) && !world.pair.pool.require_reset(&bob));
    assert_eq!(world.way("ann", None), "tokens +N");
}

/// What becomes of the device's leg, at its turn and at its claim, when the pool is set otherwise before it.
fn set_otherwise(before: PoolPolicy, after: PoolPolicy) -> [Reply; 2] {
    let (mut world, _, request) = at_devices_turn(before);
    world.pair.pool.set_policy(after);
    let turn = world.ask(request);
    let (mut world, request) = at_devices_claim(before);
    world.pair.pool.set_policy(after);
    [turn, world.ask(request)]
}

#[test]
fn a_device_counts_only_as_far_as_the_policy_now_in_force_trusts_it() {
    // D7, P5.
    let strict = Switches { strict_mfa_binding: true, ..SUPPRESSING.switches };
    for (after, good) in [
        (PoolPolicy { remember: RememberMode::OptIn, ..SUPPRESSING }, true),
        (PoolPolicy { mfa: MfaMode::On, ..SUPPRESSING }, true),
        (PoolPolicy { mfa: MfaMode::Off, suppress_mfa: false, ..SUPPRESSING }, true),
        (PoolPolicy { switches: strict, ..SUPPRESSING }, true),
        (PoolPolicy { remember: RememberMode::No, ..SUPPRESSING }, false),
        (PoolPolicy { suppress_mfa: false, ..SUPPRESSING }, false),
    ] {
        for reply in set_otherwise(SUPPRESSING, after) {
            match (good, reply) {
                (true, reply) => assert!(reply.is_ok(), "{after:?}: {reply:?}"),
                (false, reply) => assert_eq!(refusal(reply), INCORRECT, "{after:?}"),
            }
        }
    }
}

#[test]
fn a_device_that_has_been_through_no_mfa_stands_for_none_once_that_is_strict() {
    let mut world = World::new(SUPPRESSING);
    let (phone, known) = world.device(DeviceStatus::Remembered, false);
    world.add_with_app("ann", |account| account.devices.push(known));
    let turn = challenge(world.password("ann", PASSWORD, Some(&phone.key)));
    let switches = Switches { strict_mfa_binding: true, ..SUPPRESSING.switches };
    world.pair.pool.set_policy(PoolPolicy { switches, ..SUPPRESSING });
    assert_eq!(refusal(world.start_device("ann", turn.session.as_ref(), &phone)), INCORRECT);
    assert_eq!(world.way("ann", Some(&phone)), "SOFTWARE_TOKEN_MFA DEVICE_SRP_AUTH tokens");
    assert_eq!(world.way("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens");
}

#[test]
fn after_a_code_no_device_is_asked_for_in_a_pool_that_has_stopped_to_track() {
    let asking = PoolPolicy { suppress_mfa: false, ..SUPPRESSING };
    for (after, expected) in [
        (PoolPolicy { remember: RememberMode::No, ..asking }, "tokens"),
        (PoolPolicy { remember: RememberMode::OptIn, ..asking }, "DEVICE_SRP_AUTH tokens"),
    ] {
        let (mut world, phone) = trusted(asking);
        let asked = challenge(world.password("ann", PASSWORD, Some(&phone.key)));
        let code = world.read_app("ann");
        world.pair.pool.set_policy(after);
        let reply = world.ask(to(&asked, says(keys::SOFTWARE_TOKEN_MFA_CODE, &code)));
        assert_eq!(world.go_on("ann", Some(&phone), reply).told(), expected);
    }
}
