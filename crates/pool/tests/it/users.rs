//! Users: temporary and plain passwords, what an unknown user's answers reveal, and similar names.

use std::collections::BTreeSet;

use poolproof_cognito::ids::ClientId;
use poolproof_cognito::policy::{
    MfaMode, PoolPolicy, RememberMode, RiskAction, RiskLevel, RiskMode, RiskPolicy,
};
use poolproof_cognito::protocol::{Challenge, ChallengeName, DeviceStatus, Parameters, Reply, Request, keys};
use poolproof_pool::{AppClient, NewAccount, PasswordFlow, Step, UserStatus};
use poolproof_srp::{Group, Salt};

use crate::fixture::{
    BAD_SESSION, CLIENT, INCORRECT, LOCKED, NO_SUCH_DEVICE, PASSWORD, PoolFixture, USED_SESSION, challenge,
    initiate, parameter, policy, refusal, respond, secret_hash, tokens, with_email_alias,
};

fn client() -> AppClient {
    AppClient::public(ClientId::new(CLIENT))
}

/// Returns a pool that hides which users exist, with the user Ann.
fn pool_that_hides_users() -> PoolFixture {
    let client = AppClient {
        prevents_user_existence_errors: true,
        password_flow: PasswordFlow::WithDevices,
        ..client()
    };
    let mut fixture =
        PoolFixture::with(policy(RememberMode::Always, true, MfaMode::Optional), Group::toy(), client);
    fixture.add("ann", |account| account.email = Some("ann@example.org".to_owned()));
    fixture
}

/// Returns the same with e-mail addresses as aliases.
fn pool_that_hides_users_with_aliases() -> PoolFixture {
    let client = AppClient { prevents_user_existence_errors: true, ..client() };
    let mut fixture = PoolFixture::with(PoolPolicy::DEFAULT, Group::toy(), client);
    fixture.allow_email_alias();
    fixture.add("ann", with_email_alias);
    fixture
}

fn plain(fixture: &mut PoolFixture, name: &str, password: &str) -> Reply {
    let parameters = Parameters::new().with(keys::USERNAME, name).with(keys::PASSWORD, password);
    fixture.initiate("USER_PASSWORD_AUTH", parameters)
}

/// Adds a user with a temporary password. Returns the challenge that asks for a new one.
fn with_temporary_password(
    policy: PoolPolicy,
    configure: impl FnOnce(&mut NewAccount),
) -> (PoolFixture, Challenge) {
    let mut fixture = PoolFixture::new(policy);
    fixture.add("ann", |account| {
        account.user_status = UserStatus::ForceChangePassword;
        configure(account);
    });
    let asked = challenge(fixture.password("ann", PASSWORD, None));
    assert_eq!(asked.name, ChallengeName::NewPasswordRequired);
    (fixture, asked)
}

fn choose_password(fixture: &mut PoolFixture, asked: &Challenge, password: &str) -> Reply {
    let answers = Parameters::new().with(keys::USERNAME, "ann").with(keys::NEW_PASSWORD, password);
    fixture.answer(asked.name, asked.session.as_ref(), answers)
}

#[test]
fn a_temporary_password_is_replaced_during_sign_in() {
    let (mut fixture, asked) =
        with_temporary_password(policy(RememberMode::Always, true, MfaMode::Optional), |_| {});
    assert_eq!(parameter(&asked, "requiredAttributes"), "[]");
    for bad in ["", "short", "1234567", "white space", "tab\tinside", &"x".repeat(257)] {
        let refused = refusal(choose_password(&mut fixture, &asked, bad));
        assert!(refused.starts_with("InvalidPasswordException: "), "{refused}");
    }
    assert_eq!(refusal(fixture.password("ann", "wrong", None)), INCORRECT);
    let tokens = tokens(choose_password(&mut fixture, &asked, "brand-new-password"));
    assert!(tokens.new_device.is_some(), "as every completed sign-in without a device");
    assert_eq!(refusal(choose_password(&mut fixture, &asked, "another-password")), USED_SESSION);
    assert_eq!(refusal(fixture.password("ann", PASSWORD, None)), INCORRECT);
    assert!(fixture.password("ann", "brand-new-password", None).is_ok());
}

#[test]
fn passwords_of_minimum_and_maximum_length_are_accepted() {
    for good in ["12345678".to_owned(), "é".repeat(8), "x".repeat(256)] {
        let (mut fixture, asked) = with_temporary_password(PoolPolicy::DEFAULT, |_| {});
        tokens(choose_password(&mut fixture, &asked, &good));
        assert!(fixture.password("ann", &good, None).is_ok());
    }
}

#[test]
fn mfa_is_required_after_the_new_password() {
    let (mut fixture, asked) =
        with_temporary_password(policy(RememberMode::Always, true, MfaMode::Optional), |account| {
            account.phone = Some("+15551234567".to_owned());
            account.sms_mfa = true;
        });
    let reply = choose_password(&mut fixture, &asked, "brand-new-password");
    assert_eq!(fixture.finish_sign_in("ann", None, reply).path(), "SMS_MFA tokens +N");
}

#[test]
fn a_temporary_password_allows_one_new_password() {
    // Two sessions with the same temporary password: the second one must not replace the password that the
    // first one has set.
    let (mut fixture, first) = with_temporary_password(PoolPolicy::DEFAULT, |_| {});
    let second = challenge(fixture.password("ann", PASSWORD, None));
    tokens(choose_password(&mut fixture, &first, "the-users-own-password"));
    assert_eq!(refusal(choose_password(&mut fixture, &second, "the-thiefs-password")), BAD_SESSION);
    assert!(fixture.password("ann", "the-users-own-password", None).is_ok());
}

#[test]
fn risk_and_device_are_checked_before_a_new_password_is_requested() {
    // Steps 1 and 2 of the decision follow the password proof. A refusal changes nothing, and in
    // particular not the password.
    let risk = RiskPolicy { mode: RiskMode::Enforced, high: RiskAction::Block, ..RiskPolicy::OFF };
    let always = policy(RememberMode::Always, true, MfaMode::Optional);
    let (mut fixture, asked) = with_temporary_password(PoolPolicy { risk, ..always }, |_| {});
    fixture.harness.origin.risk = Some(RiskLevel::High);
    let blocked = "NotAuthorizedException: Unable to login because of security reasons.";
    assert_eq!(refusal(fixture.password("ann", PASSWORD, None)), blocked);
    fixture.harness.origin.risk = None;
    let (phone, _) = fixture.device(DeviceStatus::Remembered, true);
    assert_eq!(refusal(fixture.password("ann", PASSWORD, Some(&phone.key))), NO_SUCH_DEVICE);
    tokens(choose_password(&mut fixture, &asked, "brand-new-password"));
}

#[test]
fn a_device_forgotten_before_the_new_password_keeps_the_old_password() {
    let mut fixture = PoolFixture::new(policy(RememberMode::Always, true, MfaMode::Optional));
    let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add("ann", |account| {
        account.user_status = UserStatus::ForceChangePassword;
        account.devices.push(known);
    });
    let asked = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    fixture.forget("ann", &phone);
    assert_eq!(refusal(choose_password(&mut fixture, &asked, "brand-new-password")), NO_SUCH_DEVICE);
    let asked = challenge(fixture.password("ann", PASSWORD, None));
    assert_eq!(asked.name, ChallengeName::NewPasswordRequired, "nothing has changed");
    tokens(choose_password(&mut fixture, &asked, "brand-new-password"));
}

#[test]
fn plain_passwords_follow_the_same_rules_as_srp() {
    let always = policy(RememberMode::Always, true, MfaMode::Optional);
    for (flow, named, unnamed) in [
        (PasswordFlow::WithDevices, "DEVICE_SRP_AUTH tokens", "SOFTWARE_TOKEN_MFA tokens +N"),
        // The MFA answer carries the device key, which counts there.
        (
            PasswordFlow::WithoutDevices,
            "SOFTWARE_TOKEN_MFA DEVICE_SRP_AUTH tokens",
            "SOFTWARE_TOKEN_MFA tokens +N",
        ),
    ] {
        let mut fixture =
            PoolFixture::with(always, Group::toy(), AppClient { password_flow: flow, ..client() });
        let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
        fixture.add_with_app("ann", |account| account.devices.push(known));
        let reply = plain(&mut fixture, "ann", PASSWORD);
        assert_eq!(fixture.finish_sign_in("ann", None, reply).path(), unnamed);
        let start = Parameters::new().with(keys::USERNAME, "ann").with(keys::PASSWORD, PASSWORD);
        let with_key = start.clone().with(keys::DEVICE_KEY, phone.key.as_str());
        let reply = fixture.initiate("USER_PASSWORD_AUTH", with_key);
        assert_eq!(fixture.finish_sign_in("ann", Some(&phone), reply).path(), named);
        let unknown = start.clone().with(keys::DEVICE_KEY, "us-east-1_unknown");
        let reply = fixture.initiate("USER_PASSWORD_AUTH", unknown);
        assert_eq!(reply.is_err(), flow == PasswordFlow::WithDevices);
        let missing = "InvalidParameterException: Missing required parameter PASSWORD";
        let no_password = start.without(keys::PASSWORD);
        assert_eq!(refusal(fixture.initiate("USER_PASSWORD_AUTH", no_password)), missing);
        assert_eq!(
            refusal(plain(&mut fixture, "eve", PASSWORD)),
            "UserNotFoundException: User does not exist."
        );
        for wrong in ["", "wrong", "correct horse battery ", &"x".repeat(100_000)] {
            assert_eq!(refusal(plain(&mut fixture, "ann", wrong)), INCORRECT);
        }
        assert_eq!(refusal(plain(&mut fixture, "ann", "fifth")), INCORRECT);
        assert_eq!(refusal(plain(&mut fixture, "ann", PASSWORD)), LOCKED);
    }
}

#[test]
fn plain_passwords_need_the_secret_hash_too() {
    let secret = Some("s3cret".to_owned());
    let client = AppClient { secret, password_flow: PasswordFlow::WithDevices, ..client() };
    let mut fixture = PoolFixture::with(PoolPolicy::DEFAULT, Group::toy(), client);
    fixture.add("ann", |_| {});
    assert!(refusal(plain(&mut fixture, "ann", PASSWORD)).ends_with("SECRET_HASH was not received"));
    let start = Parameters::new().with(keys::USERNAME, "ann").with(keys::PASSWORD, PASSWORD);
    let hashed = start.with(keys::SECRET_HASH, secret_hash("s3cret", "ann"));
    tokens(fixture.initiate("USER_PASSWORD_AUTH", hashed));
}

/// Returns the visible form of a challenge: keys, and lengths of the values that do not depend on the name.
fn shape(challenge: &Challenge) -> Vec<(String, usize)> {
    let parameters = challenge.parameters.iter().filter(|(key, _)| *key != keys::SRP_B && *key != keys::SALT);
    parameters.map(|(key, value)| (key.to_owned(), value.len())).collect()
}

#[test]
fn an_unknown_user_gets_the_same_challenges() {
    let mut fixture = pool_that_hides_users();
    let known = fixture.start("ann").challenge;
    let mut values = BTreeSet::new();
    for _ in 0..5 {
        let unknown = fixture.start("bob").challenge;
        assert_eq!((unknown.name, &unknown.session), (known.name, &known.session));
        assert_eq!(shape(&unknown), shape(&known));
        assert_eq!(parameter(&unknown, keys::USERNAME), "bob");
        let stable = [keys::SALT, keys::USER_ID_FOR_SRP].map(|key| parameter(&unknown, key).to_owned());
        values.insert(stable);
        assert!(Salt::from_hex(parameter(&unknown, keys::SALT)).is_ok());
    }
    assert_eq!(values.len(), 1, "salt and id are stable");
    let fresh: BTreeSet<String> =
        (0..20).map(|_| parameter(&fixture.start("bob").challenge, keys::SRP_B).to_owned()).collect();
    assert_eq!(fresh.len(), 20, "B is fresh");
    let other = fixture.start("rob").challenge;
    let (id, salt) = values.pop_first().map(|[salt, id]| (id, salt)).unwrap();
    assert!(parameter(&other, keys::USER_ID_FOR_SRP) != id && parameter(&other, keys::SALT) != salt);
}

#[test]
fn salts_of_unknown_users_have_the_same_length() {
    let mut fixture = pool_that_hides_users();
    let mut lengths = |name: &str, people: bool| -> BTreeSet<usize> {
        (0..100)
            .map(|n| {
                let name = format!("{name}{n}");
                if people {
                    fixture.add(&name, |_| {});
                }
                parameter(&fixture.start(&name).challenge, keys::SALT).len()
            })
            .collect()
    };
    let (users, strangers) = (lengths("user", true), lengths("stranger", false));
    assert_eq!(users.last(), strangers.last(), "16 bytes");
    assert!(users.first().into_iter().chain(strangers.first()).all(|shortest| *shortest >= 28));
}

#[test]
fn an_unknown_user_fails_and_locks_like_a_known_one() {
    // With SRP and with plain passwords, under both names of the challenge.
    for by_srp in [true, false] {
        let mut said = Vec::new();
        for name in ["ann", "bob"] {
            let mut fixture = pool_that_hides_users();
            let mut heard = Vec::new();
            for n in 0..9 {
                let reply = if by_srp {
                    let exchange = fixture.start(name);
                    let mut claim = fixture.claim(&exchange, "wrong");
                    if n % 2 == 0 {
                        claim =
                            claim.with(keys::USERNAME, parameter(&exchange.challenge, keys::USER_ID_FOR_SRP));
                    }
                    claim = claim.with(keys::DEVICE_KEY, "us-east-1_0");
                    fixture.send_claim(&exchange, claim)
                } else {
                    plain(&mut fixture, name, "wrong")
                };
                heard.push(refusal(reply));
                if n == 6 {
                    fixture.advance_clock(1);
                }
            }
            said.push(heard);
        }
        assert_eq!(said[0], said[1]);
        let expected =
            [INCORRECT, INCORRECT, INCORRECT, INCORRECT, INCORRECT, LOCKED, LOCKED, INCORRECT, LOCKED];
        assert_eq!(said[0], expected);
    }
}

#[test]
fn an_unknown_user_with_a_known_device_is_unknown() {
    // Claims for unknown users are always wrong.
    let mut fixture = pool_that_hides_users();
    let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add("cat", |account| account.devices.push(known));
    for password in ["", PASSWORD, "wrong"] {
        let exchange = fixture.start("bob");
        let claim = fixture.claim(&exchange, password).with(keys::DEVICE_KEY, phone.key.as_str());
        assert_eq!(refusal(fixture.send_claim(&exchange, claim)), INCORRECT);
    }
    assert_eq!(refusal(fixture.start_device("bob", None, &phone)), BAD_SESSION);
    assert_eq!(refusal(fixture.start_device("cat", None, &phone)), BAD_SESSION);
    assert_eq!(fixture.sign_in_path("cat", Some(&phone)), "DEVICE_SRP_AUTH tokens");
}

#[test]
fn user_id_for_srp_is_consistent_for_unknown_users() {
    // The id of an unknown user looks like that of an existing user, and a client can start with it.
    let mut fixture = pool_that_hides_users();
    for name in ["ann", "bob"] {
        let first = fixture.start(name).challenge;
        let second = fixture.start(name).challenge;
        for challenge in [&first, &second] {
            assert_eq!(parameter(challenge, keys::USERNAME), name);
            assert_eq!(parameter(challenge, keys::USER_ID_FOR_SRP), name);
        }
        assert_eq!(parameter(&second, keys::SALT), parameter(&first, keys::SALT), "{name}");
    }
    let long = fixture.start(&"x".repeat(100_000)).challenge;
    assert_eq!(parameter(&long, keys::USER_ID_FOR_SRP).len(), 36, "only a short id is kept for a long name");
    // An unknown address gets a UUID, which leads to the same simulated user.
    let mut aliases = pool_that_hides_users_with_aliases();
    let first = aliases.start("dog@example.org").challenge;
    let id = parameter(&first, keys::USER_ID_FOR_SRP).to_owned();
    assert_eq!(id.len(), 36, "{id}");
    let second = aliases.start(&id).challenge;
    assert_eq!(parameter(&second, keys::USER_ID_FOR_SRP), id);
    assert_eq!(parameter(&second, keys::SALT), parameter(&first, keys::SALT));
    // Failures under both names count together.
    for name in ["ann", "bob"] {
        let id = parameter(&fixture.start(name).challenge, keys::USER_ID_FOR_SRP).to_owned();
        for called in [name, &id, name, &id, name] {
            assert_eq!(refusal(fixture.password(called, "wrong", None)), INCORRECT);
        }
        assert_eq!(refusal(fixture.password(&id, "wrong", None)), LOCKED, "{name}");
    }
}

#[test]
fn a_disabled_user_is_indistinguishable_from_an_unknown_one() {
    // Clients that do not hide users get the reason before the password step (SEMANTICS d). Here only the
    // right password reveals it.
    let mut fixture = pool_that_hides_users();
    fixture.add("disabled", |account| account.disabled = true);
    fixture.add("unconfirmed", |account| account.user_status = UserStatus::Unconfirmed);
    for name in ["disabled", "unconfirmed", "bob"] {
        assert_eq!(refusal(fixture.password(name, "wrong", None)), INCORRECT, "{name}");
        assert_eq!(refusal(plain(&mut fixture, name, "wrong")), INCORRECT, "{name}");
    }
    for (name, expected) in [
        ("disabled", "NotAuthorizedException: User is disabled."),
        ("unconfirmed", "UserNotConfirmedException: User is not confirmed."),
    ] {
        assert_eq!(refusal(fixture.password(name, PASSWORD, None)), expected);
        assert_eq!(refusal(plain(&mut fixture, name, PASSWORD)), expected);
    }
}

/// Returns the jobs that a request and its answer need, with the sizes of their exponents.
fn work(fixture: &mut PoolFixture, request: Request) -> Vec<String> {
    let mut jobs = Vec::new();
    let mut step = fixture.harness.pool.handle(fixture.harness.now, fixture.harness.origin, request);
    while let Step::Compute(job, pending) = step {
        jobs.push(format!(
            "{job:?} {:?}",
            job.costs().map(|cost| (cost.base, cost.class)).collect::<Vec<_>>()
        ));
        step = fixture.harness.pool.resume(fixture.harness.now, pending, job.run());
    }
    jobs
}

#[test]
fn an_unknown_user_costs_the_same_work() {
    // Compares the computed jobs, not durations: each step must have the same jobs with exponents of the same
    // size.
    let mut fixture = pool_that_hides_users();
    let mut seen = BTreeSet::new();
    for name in ["ann", "bob", &"x".repeat(128), "😀"] {
        for n in 0..4 {
            let mut jobs = Vec::new();
            let (_, public_a) = fixture.draw_a();
            let start = Parameters::new().with(keys::USERNAME, name).with(keys::SRP_A, public_a.to_hex());
            jobs.extend(work(&mut fixture, initiate("USER_SRP_AUTH", start)));
            let exchange = fixture.start(name);
            let claim = fixture.claim(&exchange, "wrong");
            jobs.extend(work(&mut fixture, respond("PASSWORD_VERIFIER", None, claim)));
            let password = Parameters::new().with(keys::USERNAME, name).with(keys::PASSWORD, "wrong");
            if n == 0 {
                jobs.extend(work(&mut fixture, initiate("USER_PASSWORD_AUTH", password)));
                assert_eq!(jobs.len(), 3, "{name}");
                seen.insert(jobs);
            }
            fixture.advance_clock(1000);
        }
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

#[test]
fn names_are_compared_character_by_character() {
    // The pool does not fold, trim or normalize names, so different names are different accounts.
    let alike = [
        "ann",
        "Ann",
        "ann ",
        " ann",
        "ann\0",
        "ann\0x",
        "é",
        "e\u{301}",
        "ﬁ",
        "fi",
        "ß",
        "ss",
        "ı",
        "i",
        "I",
        "İ",
        "\u{202e}ann",
        "a\u{200d}nn",
        "аnn",
        "👩‍👩‍👧",
        "👩👩👧",
        "ann\u{1f}",
        "ann'--",
        "../ann",
    ];
    let mut fixture = PoolFixture::new(policy(RememberMode::Always, true, MfaMode::Optional));
    for name in alike {
        fixture.add(name, |_| {});
    }
    let mut subs = BTreeSet::new();
    for name in alike {
        let exchange = fixture.start(name);
        assert_eq!(parameter(&exchange.challenge, keys::USERNAME), name);
        subs.insert(parameter(&exchange.challenge, keys::USER_ID_FOR_SRP).to_owned());
        let first = tokens(fixture.prove(&exchange, PASSWORD));
        fixture.confirm(&first);
        assert_eq!(fixture.all_devices(name).len(), 1, "{name:?}: the tokens are theirs");
    }
    assert_eq!(subs.len(), alike.len());
    for (one, other) in [("ann", "Ann"), ("é", "e\u{301}"), ("ann", "ann ")] {
        let exchange = fixture.start(one);
        let claim = fixture.claim(&exchange, PASSWORD).with(keys::USERNAME, other);
        assert_eq!(refusal(fixture.send_claim(&exchange, claim)), INCORRECT, "{one:?} as {other:?}");
    }
    let unknown = "UserNotFoundException: User does not exist.";
    for stranger in ["", "ANN", "aNN", "ann  ", "\0", "a".repeat(129).as_str()] {
        let parameters = Parameters::new().with(keys::USERNAME, stranger).with(keys::SRP_A, "5");
        assert_eq!(refusal(fixture.initiate("USER_SRP_AUTH", parameters)), unknown, "{stranger:?}");
    }
}

#[test]
fn a_username_cannot_equal_anothers_sub_or_email() {
    let mut fixture = PoolFixture::new(PoolPolicy::DEFAULT);
    fixture.allow_email_alias();
    fixture.add("ann", with_email_alias);
    let mut taken = |name: &str, email: Option<&str>| {
        let mut other = PoolFixture::new(PoolPolicy::DEFAULT);
        let (_, known) = other.device(DeviceStatus::Remembered, true);
        let sub = poolproof_cognito::ids::Sub::new("a-sub-of-its-own");
        let username = poolproof_cognito::ids::Username::new(name);
        let mut account = NewAccount::new(username, sub, known.salt, known.verifier);
        account.email = email.map(str::to_owned);
        account.attributes.insert("email_verified".to_owned(), "true".to_owned());
        fixture.harness.pool.add_account(account).is_err()
    };
    assert!(taken("ann", None));
    assert!(taken("ann@example.org", None));
    assert!(taken("00000000-0000-4000-8000-000000000001", None));
    assert!(taken("eve", Some("ann@example.org")));
    assert!(taken("eve", Some("ann")));
    assert!(!taken("eve", Some("eve@example.org")), "a refused account takes no name");
    assert_eq!(fixture.sign_in_path("ann@example.org", None), "tokens");
}
