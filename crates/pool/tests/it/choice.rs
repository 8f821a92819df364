//! Choice-based sign-in (`USER_AUTH`): which first factors are offered, and what follows each.

use poolproof_cognito::ids::ClientId;
use poolproof_cognito::policy::{FirstFactors, MfaMode, PoolPolicy, RememberMode, Switches};
use poolproof_cognito::protocol::{Challenge, ChallengeName, DeviceStatus, Parameters, Reply, keys};
use poolproof_pool::{AppClient, NewAccount};
use poolproof_srp::Group;

use crate::fixture::{
    BAD_SESSION, CLIENT, INCORRECT, LOCKED, NO_SUCH_DEVICE, PASSWORD, PoolFixture, USED_SESSION, WRONG_CODE,
    challenge, parameter, policy, refusal, tokens,
};

const BOTH_CODES: FirstFactors = FirstFactors { email_otp: true, sms_otp: true };

/// A pool with codes as first factors, and a user with both addresses.
fn fixture(policy: PoolPolicy, client: AppClient) -> PoolFixture {
    let policy = PoolPolicy { first_factors: BOTH_CODES, ..policy };
    let client = AppClient { choice_flow: true, ..client };
    let mut fixture = PoolFixture::with(policy, Group::toy(), client);
    fixture.add("ann", reachable);
    fixture
}

fn reachable(account: &mut NewAccount) {
    account.email = Some("ann@example.org".to_owned());
    account.phone = Some("+15550001234".to_owned());
}

fn client() -> AppClient {
    AppClient::public(ClientId::new(CLIENT))
}

fn named(name: &str) -> Parameters {
    Parameters::new().with(keys::USERNAME, name)
}

fn choose(fixture: &mut PoolFixture, parameters: Parameters) -> Reply {
    fixture.initiate("USER_AUTH", parameters)
}

fn preferring(name: &str, factor: &str) -> Parameters {
    named(name).with(keys::PREFERRED_CHALLENGE, factor)
}

/// Answers `SELECT_CHALLENGE`.
fn select(fixture: &mut PoolFixture, name: &str, factor: &str, rest: &Parameters) -> Reply {
    let offer = challenge(choose(fixture, named(name)));
    let rest =
        rest.iter().fold(named(name).with(keys::ANSWER, factor), |all, (key, value)| all.with(key, value));
    fixture.answer(ChallengeName::SelectChallenge, offer.session.as_ref(), rest)
}

fn enter(fixture: &mut PoolFixture, asked: &Challenge, answers: Parameters) -> Reply {
    fixture.answer(asked.name, asked.session.as_ref(), answers)
}

fn code(name: &str, code: &str) -> Parameters {
    named(name).with(keys::EMAIL_OTP_CODE, code)
}

#[test]
fn codes_are_offered_only_if_no_mfa_follows() {
    // Developer guide, MFA: with MFA required, and to users with a factor if it is optional, only passwords.
    let passwords = ["PASSWORD_SRP", "PASSWORD"];
    let all = ["PASSWORD_SRP", "PASSWORD", "EMAIL_OTP", "SMS_OTP"];
    for (mfa, user, expected) in [
        (MfaMode::Off, "ann", &all[..]),
        (MfaMode::Off, "factor", &["PASSWORD_SRP", "PASSWORD", "SMS_OTP"]),
        (MfaMode::Off, "bare", &passwords),
        (MfaMode::Optional, "ann", &all),
        (MfaMode::Optional, "factor", &passwords),
        (MfaMode::On, "ann", &passwords),
    ] {
        let mut fixture = fixture(policy(RememberMode::No, false, mfa), client());
        fixture.add("bare", |_| {});
        fixture.add("factor", |account| {
            account.phone = Some("+15550009876".to_owned());
            account.sms_mfa = true;
        });
        let offer = challenge(choose(&mut fixture, named(user)));
        assert_eq!(offer.name, ChallengeName::SelectChallenge);
        let available: Vec<_> = offer.available.iter().map(|name| name.as_str()).collect();
        assert_eq!(available, expected, "{mfa} {user}");
    }
    let mut only =
        PoolFixture::with(PoolPolicy::DEFAULT, Group::toy(), AppClient { choice_flow: true, ..client() });
    only.add("ann", reachable);
    let offer = challenge(choose(&mut only, named("ann")));
    assert_eq!(offer.available, [ChallengeName::PasswordSrp, ChallengeName::Password], "the default");
}

#[test]
fn every_first_factor_signs_in_whether_it_is_preferred_or_selected() {
    let mut fixture = fixture(PoolPolicy::DEFAULT, client());
    for preferred in [true, false] {
        let ask = |fixture: &mut PoolFixture, factor: &str, rest: &Parameters| match preferred {
            true => {
                let all =
                    rest.iter().fold(preferring("ann", factor), |all, (key, value)| all.with(key, value));
                choose(fixture, all)
            }
            false => select(fixture, "ann", factor, rest),
        };
        let password = Parameters::new().with(keys::PASSWORD, PASSWORD);
        tokens(ask(&mut fixture, "PASSWORD", &password));
        let asked = challenge(ask(&mut fixture, "PASSWORD", &Parameters::new()));
        assert_eq!(asked.name, ChallengeName::Password, "without the password the pool asks for it");
        tokens(enter(&mut fixture, &asked, named("ann").with(keys::PASSWORD, PASSWORD)));
        for (factor, key) in [("EMAIL_OTP", keys::EMAIL_OTP_CODE), ("SMS_OTP", keys::SMS_OTP_CODE)] {
            let asked = challenge(ask(&mut fixture, factor, &Parameters::new()));
            assert_eq!(asked.name.as_str(), factor);
            let shown = parameter(&asked, keys::CODE_DELIVERY_DESTINATION);
            assert_eq!(shown, if factor == "SMS_OTP" { "+*******1234" } else { "a***@e***" });
            let code = fixture.delivered("ann");
            tokens(enter(&mut fixture, &asked, named("ann").with(key, code)));
        }
        // SRP: the exchange of the fixture does the rest.
        let exchange = fixture.start_flow(|fixture, public_a| {
            ask(fixture, "PASSWORD_SRP", &Parameters::new().with(keys::SRP_A, public_a))
        });
        tokens(fixture.prove(&exchange, PASSWORD));
        let exchange = fixture.start_flow(|fixture, public_a| {
            let asked = challenge(ask(fixture, "PASSWORD_SRP", &Parameters::new()));
            assert_eq!(asked.name, ChallengeName::PasswordSrp);
            enter(fixture, &asked, named("ann").with(keys::SRP_A, public_a))
        });
        tokens(fixture.prove(&exchange, PASSWORD));
    }
}

#[test]
fn a_preferred_factor_that_the_user_cannot_use_leads_to_the_offer() {
    let mut fixture = fixture(PoolPolicy::DEFAULT, client());
    fixture.add("bare", |_| {});
    let offer = challenge(choose(&mut fixture, preferring("bare", "EMAIL_OTP")));
    assert_eq!(offer.name, ChallengeName::SelectChallenge);
    let session = offer.session.as_ref();
    let answer = named("bare").with(keys::ANSWER, "EMAIL_OTP");
    let refused = refusal(fixture.answer(ChallengeName::SelectChallenge, session, answer));
    assert_eq!(refused, "InvalidParameterException: Invalid ANSWER: choose one of AvailableChallenges.");
    let answer = named("bare").with(keys::ANSWER, "PASSWORD").with(keys::PASSWORD, PASSWORD);
    tokens(fixture.answer(ChallengeName::SelectChallenge, session, answer.clone()));
    assert_eq!(refusal(fixture.answer(ChallengeName::SelectChallenge, session, answer)), USED_SESSION);
}

#[test]
fn passkeys_and_clients_without_the_flow_are_refused_by_name() {
    let mut choosing = fixture(PoolPolicy::DEFAULT, client());
    let unsimulated = "InvalidParameterException: poolproof does not simulate WEB_AUTHN";
    assert_eq!(refusal(choose(&mut choosing, preferring("ann", "WEB_AUTHN"))), unsimulated);
    assert_eq!(refusal(select(&mut choosing, "ann", "WEB_AUTHN", &Parameters::new())), unsimulated);
    let answer = choosing.answer(ChallengeName::WebAuthn, None, named("ann"));
    assert_eq!(refusal(answer), unsimulated);
    let unknown = refusal(choose(&mut choosing, preferring("ann", "SMS_MFA")));
    assert_eq!(unknown, "InvalidParameterException: SMS_MFA is not a first factor.");
    let mut without = PoolFixture::of_ann(PoolPolicy::DEFAULT);
    let refused = refusal(choose(&mut without, named("ann")));
    assert_eq!(refused, "InvalidParameterException: USER_AUTH is not enabled for the client.");
}

#[test]
fn mfa_and_devices_follow_a_password_as_in_the_other_flows() {
    let mut fixture = fixture(policy(RememberMode::Always, true, MfaMode::Optional), client());
    let (phone, owned) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add_with_app("bob", |account| account.devices.push(owned));
    let with_password = |key: Option<&str>| {
        let all = preferring("bob", "PASSWORD").with(keys::PASSWORD, PASSWORD);
        key.map_or_else(|| all.clone(), |key| all.clone().with(keys::DEVICE_KEY, key))
    };
    let reply = choose(&mut fixture, with_password(None));
    assert_eq!(fixture.finish_sign_in("bob", None, reply).path(), "SOFTWARE_TOKEN_MFA tokens +N");
    let reply = choose(&mut fixture, with_password(Some(phone.key.as_str())));
    assert_eq!(fixture.finish_sign_in("bob", Some(&phone), reply).path(), "DEVICE_SRP_AUTH tokens");
    let unknown = "us-east-1_00000000-0000-4000-8000-00000000ffff";
    assert_eq!(refusal(choose(&mut fixture, with_password(Some(unknown)))), NO_SUCH_DEVICE);
    // The answer to SELECT_CHALLENGE can be given again without the key.
    let offer = challenge(choose(&mut fixture, named("bob")));
    let answer = named("bob").with(keys::ANSWER, "PASSWORD").with(keys::PASSWORD, PASSWORD);
    let with_key = answer.clone().with(keys::DEVICE_KEY, unknown);
    let session = offer.session.as_ref();
    assert_eq!(refusal(fixture.answer(ChallengeName::SelectChallenge, session, with_key)), NO_SUCH_DEVICE);
    let reply = fixture.answer(ChallengeName::SelectChallenge, session, answer);
    assert_eq!(fixture.finish_sign_in("bob", None, reply).path(), "SOFTWARE_TOKEN_MFA tokens +N");
}

#[test]
fn after_a_code_a_device_proves_its_secret_only_with_the_switch() {
    for (proof, expected) in [(false, "tokens"), (true, "DEVICE_SRP_AUTH tokens")] {
        let switches = Switches { passwordless_device_proof: proof, ..Switches::DEFAULT };
        let pool = policy(RememberMode::Always, true, MfaMode::Off);
        let mut fixture = fixture(PoolPolicy { switches, ..pool }, client());
        let (phone, owned) = fixture.device(DeviceStatus::Remembered, true);
        fixture.add("bob", |account| {
            reachable(account);
            account.devices.push(owned);
        });
        let sign_in = |fixture: &mut PoolFixture, key: Option<&str>| {
            let asked = challenge(choose(fixture, preferring("bob", "EMAIL_OTP")));
            let answers = code("bob", &fixture.delivered("bob"));
            let with_key = |key| answers.clone().with(keys::DEVICE_KEY, key);
            let reply = enter(fixture, &asked, key.map_or_else(|| answers.clone(), with_key));
            (asked, answers, reply)
        };
        let (.., reply) = sign_in(&mut fixture, None);
        assert_eq!(fixture.finish_sign_in("bob", None, reply).path(), "tokens +N");
        let (.., reply) = sign_in(&mut fixture, Some(phone.key.as_str()));
        assert_eq!(fixture.finish_sign_in("bob", Some(&phone), reply).path(), expected);
        let unknown = "us-east-1_00000000-0000-4000-8000-00000000ffff";
        let (asked, answers, reply) = sign_in(&mut fixture, Some(unknown));
        assert_eq!(refusal(reply), NO_SUCH_DEVICE);
        tokens(enter(&mut fixture, &asked, answers));
    }
}

#[test]
fn wrong_codes_lock_out_as_wrong_passwords_do() {
    let mut fixture = fixture(PoolPolicy::DEFAULT, client());
    let asked = challenge(choose(&mut fixture, preferring("ann", "EMAIL_OTP")));
    for _ in 0..4 {
        assert_eq!(refusal(enter(&mut fixture, &asked, code("ann", "wrong"))), WRONG_CODE);
    }
    assert_eq!(refusal(fixture.password("ann", "wrong", None)), INCORRECT);
    let right = code("ann", &fixture.delivered("ann"));
    assert_eq!(refusal(enter(&mut fixture, &asked, right.clone())), LOCKED);
    let with_password = preferring("ann", "PASSWORD").with(keys::PASSWORD, PASSWORD);
    assert_eq!(refusal(choose(&mut fixture, with_password)), LOCKED);
    fixture.advance_clock(1);
    tokens(enter(&mut fixture, &asked, right));
}

#[test]
fn an_unknown_user_looks_like_any_other() {
    let hiding = AppClient { prevents_user_existence_errors: true, ..client() };
    let mut hidden = fixture(PoolPolicy::DEFAULT, hiding);
    let offers: Vec<_> = (0..40).map(|user| format!("unknown{user}")).collect();
    let mut with_email = 0;
    for name in &offers {
        let offer = challenge(choose(&mut hidden, named(name)));
        assert_eq!(
            offer.available,
            challenge(choose(&mut hidden, named(name))).available,
            "the same every time"
        );
        assert_eq!(parameter(&offer, keys::USERNAME), name);
        let wrong = named(name).with(keys::ANSWER, "PASSWORD").with(keys::PASSWORD, PASSWORD);
        let session = offer.session.as_ref();
        assert_eq!(refusal(hidden.answer(ChallengeName::SelectChallenge, session, wrong)), INCORRECT);
        if offer.available.contains(&ChallengeName::EmailOtp) {
            with_email += 1;
            let asked = challenge(choose(&mut hidden, preferring(name, "EMAIL_OTP")));
            let again = challenge(choose(&mut hidden, preferring(name, "EMAIL_OTP")));
            assert_eq!(asked.parameters, again.parameters);
            assert_eq!(refusal(enter(&mut hidden, &asked, code(name, "123456"))), WRONG_CODE);
        }
    }
    assert!((5..35).contains(&with_email), "some unknown users have an address: {with_email}");
    assert!(hidden.harness.pool.take_deliveries().is_empty(), "no code is sent to an unknown user");
    let exchange = hidden.start_flow(|fixture, public_a| {
        choose(fixture, preferring("unknown", "PASSWORD_SRP").with(keys::SRP_A, public_a))
    });
    assert_eq!(refusal(hidden.prove(&exchange, PASSWORD)), INCORRECT);
    let mut open = fixture(PoolPolicy::DEFAULT, client());
    let refused = refusal(choose(&mut open, named("unknown")));
    assert_eq!(refused, "UserNotFoundException: User does not exist.");
}

#[test]
fn an_unknown_user_is_locked_out_like_any_other() {
    let hiding = AppClient { prevents_user_existence_errors: true, ..client() };
    let mut fixture = fixture(PoolPolicy::DEFAULT, hiding);
    for name in ["ann", "unknown"] {
        let wrong = preferring(name, "PASSWORD").with(keys::PASSWORD, "wrong");
        for _ in 0..5 {
            assert_eq!(refusal(choose(&mut fixture, wrong.clone())), INCORRECT, "{name}");
        }
        assert_eq!(refusal(choose(&mut fixture, wrong)), LOCKED, "{name}");
    }
}

#[test]
fn disabled_users_get_no_code_and_no_tokens() {
    for hides in [false, true] {
        let mut fixture =
            fixture(PoolPolicy::DEFAULT, AppClient { prevents_user_existence_errors: hides, ..client() });
        let asked = challenge(choose(&mut fixture, preferring("ann", "EMAIL_OTP")));
        let right = code("ann", &fixture.delivered("ann"));
        fixture.harness.pool.take_deliveries();
        fixture.harness.pool.set_disabled(&poolproof_cognito::ids::Username::new("ann"), true);
        let disabled = "NotAuthorizedException: User is disabled.";
        assert_eq!(refusal(enter(&mut fixture, &asked, right)), disabled);
        let reply = choose(&mut fixture, preferring("ann", "EMAIL_OTP"));
        match hides {
            false => assert_eq!(refusal(reply), disabled),
            true => assert_eq!(challenge(reply).name, ChallengeName::EmailOtp),
        }
        assert!(fixture.harness.pool.take_deliveries().is_empty());
    }
}

#[test]
fn a_session_belongs_to_its_user_its_challenge_and_its_client() {
    let mut fixture = fixture(PoolPolicy::DEFAULT, client());
    fixture.add("bob", reachable);
    let asked = challenge(choose(&mut fixture, preferring("ann", "EMAIL_OTP")));
    let right = fixture.delivered("ann");
    assert_eq!(refusal(enter(&mut fixture, &asked, code("bob", &right))), BAD_SESSION);
    let as_sms = named("ann").with(keys::SMS_OTP_CODE, right.as_str());
    let session = asked.session.as_ref();
    assert_eq!(refusal(fixture.answer(ChallengeName::SmsOtp, session, as_sms)), BAD_SESSION);
    let as_choice = named("ann").with(keys::ANSWER, "PASSWORD").with(keys::PASSWORD, PASSWORD);
    assert_eq!(refusal(fixture.answer(ChallengeName::SelectChallenge, session, as_choice)), BAD_SESSION);
    let missing =
        refusal(fixture.answer(ChallengeName::SmsOtp, None, named("ann").with(keys::SMS_OTP_CODE, "1")));
    assert_eq!(missing, "InvalidParameterException: Missing required parameter Session");
    fixture.advance_clock(180);
    let late = "NotAuthorizedException: Invalid session for the user, session is expired.";
    assert_eq!(refusal(enter(&mut fixture, &asked, code("ann", &right))), late);
}
