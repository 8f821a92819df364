//! Devices in sign-ins: which device is trusted, when the pool decides it, and what a device must never do.

use data_encoding::BASE64;
use poolproof_cognito::ids::Session;
use poolproof_cognito::policy::{MfaMode, PoolPolicy, RememberMode, Switches};
use poolproof_cognito::protocol::{ChallengeName, DeviceStatus, Parameters, SecretVerifierConfig, keys};
use poolproof_pool::UserStatus;
use poolproof_srp::{Identity, Job, JobResult, Salt};

use crate::fixture::{
    BAD_SESSION, INCORRECT, NO_SUCH_DEVICE, PASSWORD, PoolFixture, TestDevice, USED_SESSION, begin,
    challenge, confirm_device, finish, parameter, policy, refusal, respond, set_status, tokens,
};

const SUPPRESSING: PoolPolicy = PoolPolicy {
    remember: RememberMode::Always,
    suppress_mfa: true,
    mfa: MfaMode::Optional,
    ..PoolPolicy::DEFAULT
};

/// Returns a pool in which a device replaces MFA, with the user Ann, her app and her remembered device.
fn trusted() -> (PoolFixture, TestDevice) {
    trusted_in(SUPPRESSING)
}

fn trusted_in(policy: PoolPolicy) -> (PoolFixture, TestDevice) {
    let mut fixture = PoolFixture::new(policy);
    let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add_with_app("ann", |account| account.devices.push(known));
    (fixture, phone)
}

#[test]
fn a_confirmed_device_replaces_the_mfa_code() {
    for group in [poolproof_srp::Group::toy(), poolproof_srp::Group::cognito()] {
        let client =
            poolproof_pool::AppClient::public(poolproof_cognito::ids::ClientId::new(crate::fixture::CLIENT));
        let mut fixture = PoolFixture::with(SUPPRESSING, group, client);
        fixture.add_with_app("ann", |_| {});
        let first = fixture.run_sign_in("ann", None);
        assert_eq!(first.path(), "SOFTWARE_TOKEN_MFA tokens +N");
        let (phone, necessary) = fixture.confirm(&first.end.unwrap());
        assert!(!necessary);
        assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens");
    }
}

#[test]
fn an_opt_in_device_replaces_nothing_until_remembered() {
    let mut fixture = PoolFixture::new(policy(RememberMode::OptIn, true, MfaMode::Optional));
    fixture.add_with_app("ann", |_| {});
    let tokens = fixture.sign_in("ann");
    let (phone, necessary) = fixture.confirm(&tokens);
    assert!(necessary);
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "SOFTWARE_TOKEN_MFA tokens");
    for (status, expected) in [
        ("remembered", "DEVICE_SRP_AUTH tokens"),
        ("not_remembered", "SOFTWARE_TOKEN_MFA tokens"),
        ("remembered", "DEVICE_SRP_AUTH tokens"),
    ] {
        fixture.ask(set_status(&tokens.access_token, &phone.key, status)).unwrap();
        assert_eq!(fixture.sign_in_path("ann", Some(&phone)), expected);
    }
}

#[test]
fn without_suppression_the_device_comes_after_the_code() {
    let (mut fixture, phone) = trusted_in(PoolPolicy { suppress_mfa: false, ..SUPPRESSING });
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "SOFTWARE_TOKEN_MFA DEVICE_SRP_AUTH tokens");
}

#[test]
fn the_current_policy_decides() {
    // The device stays stored when the pool no longer tracks devices.
    let (mut fixture, phone) = trusted_in(PoolPolicy { remember: RememberMode::No, ..SUPPRESSING });
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "SOFTWARE_TOKEN_MFA tokens");
    assert_eq!(fixture.sign_in_path("ann", None), "SOFTWARE_TOKEN_MFA tokens");
}

#[test]
fn another_users_device_is_unknown() {
    // The text is the same for all, so that it does not reveal which keys exist.
    let (mut fixture, phone) = trusted();
    fixture.add_with_app("eve", |_| {});
    let other_pools =
        TestDevice { key: poolproof_cognito::ids::DeviceKey::new("eu-west-1_x"), ..phone.clone() };
    let malformed =
        TestDevice { key: poolproof_cognito::ids::DeviceKey::new("\0 '\u{1f}\n"), ..phone.clone() };
    let wrong_secret = TestDevice { secret: "wrong".to_owned(), ..phone.clone() };
    for stolen in [&phone, &wrong_secret, &other_pools, &malformed] {
        assert_eq!(fixture.sign_in_path("eve", Some(stolen)), NO_SUCH_DEVICE);
    }
    assert_eq!(fixture.sign_in_path("eve", None), "SOFTWARE_TOKEN_MFA tokens +N");
    assert_eq!(fixture.sign_in_path("ann", Some(&wrong_secret)), format!("DEVICE_SRP_AUTH {INCORRECT}"));
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens");
}

#[test]
fn a_key_that_was_issued_and_never_confirmed_is_unknown() {
    let mut fixture = PoolFixture::of_ann(SUPPRESSING);
    let metadata = fixture.sign_in("ann").new_device.unwrap();
    assert_eq!(refusal(fixture.password("ann", PASSWORD, Some(&metadata.device_key))), NO_SUCH_DEVICE);
}

#[test]
fn a_forgotten_device_is_unknown() {
    // Also if it is forgotten during its exchange.
    let (mut fixture, phone) = trusted();
    let turn = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    let second = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    let proof = fixture.start_device("ann", turn.session.as_ref(), &phone).unwrap();
    fixture.forget("ann", &phone);
    for _ in 0..2 {
        // The challenge stays, so a second answer is not "used".
        assert_eq!(refusal(fixture.prove(&proof, &phone.secret)), NO_SUCH_DEVICE);
        assert_eq!(refusal(fixture.start_device("ann", second.session.as_ref(), &phone)), NO_SUCH_DEVICE);
    }
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), NO_SUCH_DEVICE);
    assert_eq!(fixture.sign_in_path("ann", None), "SOFTWARE_TOKEN_MFA tokens +N");
}

/// docs/semantics.md, step 8: the state of the device is read at each answer, and the challenge stays.
#[test]
fn forgetting_a_device_during_a_computation_keeps_its_challenge() {
    let (mut fixture, phone) = trusted();
    let turns: Vec<_> =
        (0..2).map(|_| challenge(fixture.password("ann", PASSWORD, Some(&phone.key)))).collect();
    let proof = fixture.start_device("ann", turns[0].session.as_ref(), &phone).unwrap();
    let claim = fixture.claim(&proof, &phone.secret);
    let proof_session = proof.challenge.session.as_ref().map(Session::as_str);
    let claiming = respond("DEVICE_PASSWORD_VERIFIER", proof_session, claim);
    let (_, public_a) = fixture.draw_a();
    let answers = Parameters::new()
        .with(keys::USERNAME, "ann")
        .with(keys::DEVICE_KEY, phone.key.as_str())
        .with(keys::SRP_A, public_a.to_hex());
    let starting = respond("DEVICE_SRP_AUTH", turns[1].session.as_ref().map(Session::as_str), answers);
    let claimed = begin(&mut fixture, claiming.clone());
    let started = begin(&mut fixture, starting.clone());
    fixture.forget("ann", &phone);
    assert_eq!(refusal(finish(&mut fixture, claimed)), NO_SUCH_DEVICE);
    assert_eq!(refusal(finish(&mut fixture, started)), NO_SUCH_DEVICE);
    assert_eq!(refusal(fixture.ask(claiming)), NO_SUCH_DEVICE);
    assert_eq!(refusal(fixture.ask(starting)), NO_SUCH_DEVICE);
}

#[test]
fn a_device_that_is_no_longer_remembered_cannot_finish_its_exchange() {
    let (mut fixture, phone) = trusted();
    let tokens = fixture.sign_in("ann");
    let turn = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    let second = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    let proof = fixture.start_device("ann", turn.session.as_ref(), &phone).unwrap();
    fixture.ask(set_status(&tokens.access_token, &phone.key, "not_remembered")).unwrap();
    assert_eq!(refusal(fixture.prove(&proof, &phone.secret)), INCORRECT);
    assert_eq!(refusal(fixture.start_device("ann", second.session.as_ref(), &phone)), INCORRECT);
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "SOFTWARE_TOKEN_MFA tokens");
}

#[test]
fn a_stolen_device_needs_the_password() {
    let disabled = "NotAuthorizedException: User is disabled.";
    let unconfirmed = "UserNotConfirmedException: User is not confirmed.";
    let reset = "PasswordResetRequiredException: Password reset required for the user";
    let trusted = "DEVICE_SRP_AUTH tokens";
    for (user_status, off, wrong, right) in [
        (UserStatus::Confirmed, false, INCORRECT, trusted),
        (UserStatus::Confirmed, true, disabled, disabled),
        (UserStatus::Unconfirmed, false, unconfirmed, unconfirmed),
        (UserStatus::ResetRequired, false, INCORRECT, reset),
    ] {
        let mut fixture = PoolFixture::new(SUPPRESSING);
        let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
        fixture.add("ann", |account| {
            account.devices.push(known);
            account.user_status = user_status;
            account.disabled = off;
        });
        assert_eq!(refusal(fixture.password("ann", "wrong", Some(&phone.key))), wrong);
        assert_eq!(refusal(fixture.start_device("ann", None, &phone)), BAD_SESSION);
        assert_eq!(fixture.sign_in_path("ann", Some(&phone)), right);
        let nothing_waits = if right == trusted { USED_SESSION } else { BAD_SESSION };
        assert_eq!(refusal(fixture.start_device("ann", None, &phone)), nothing_waits);
    }
}

#[test]
fn a_device_signs_the_secret_block_it_received() {
    // A claim over another secret block is no answer, even with a correct signature.
    let (mut fixture, phone) = trusted();
    let turn = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    let proof = fixture.start_device("ann", turn.session.as_ref(), &phone).unwrap();
    let mut other = proof.clone();
    let block = BASE64.encode(&[7; 48]);
    other.challenge.parameters = other.challenge.parameters.with(keys::SECRET_BLOCK, block);
    assert_eq!(refusal(fixture.prove(&other, &phone.secret)), INCORRECT);
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens");
}

#[test]
fn invalid_public_values_are_rejected_in_device_srp() {
    // The challenge stays open.
    let (mut fixture, phone) = trusted();
    let turn = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    let n = fixture.group.modulus_hex();
    let last = format!("{:x}", u64::from_str_radix(&n, 16).unwrap() - 1);
    let long = "f".repeat(100_000);
    for bad in ["", "0", "000", "1", "xyz", "-5", " 5", &n, &last, &format!("{n}00"), &long] {
        let answers = Parameters::new()
            .with(keys::USERNAME, "ann")
            .with(keys::DEVICE_KEY, phone.key.as_str())
            .with(keys::SRP_A, bad);
        let refused = refusal(fixture.answer(turn.name, turn.session.as_ref(), answers));
        assert!(refused.starts_with("InvalidParameterException: "), "{bad:.20}: {refused}");
    }
    let proof = fixture.start_device("ann", turn.session.as_ref(), &phone).unwrap();
    tokens(fixture.prove(&proof, &phone.secret));
}

#[test]
fn a_wrong_device_secret_does_not_lock_the_user() {
    let (mut fixture, phone) = trusted();
    let wrong = TestDevice { secret: "wrong".to_owned(), ..phone.clone() };
    for _ in 0..20 {
        assert_eq!(fixture.sign_in_path("ann", Some(&wrong)), format!("DEVICE_SRP_AUTH {INCORRECT}"));
    }
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens");
}

#[test]
fn a_cloned_device_works_like_the_original() {
    // The pool cannot distinguish the two, and forgetting the device ends both.
    let (mut fixture, phone) = trusted();
    let clone = phone.clone();
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens");
    assert_eq!(fixture.sign_in_path("ann", Some(&clone)), "DEVICE_SRP_AUTH tokens");
    fixture.forget("ann", &phone);
    assert_eq!(fixture.sign_in_path("ann", Some(&clone)), NO_SUCH_DEVICE);
}

#[test]
fn ten_thousand_devices_on_one_user_are_all_known() {
    // No limit is documented, and the pool has none.
    let mut fixture = PoolFixture::new(SUPPRESSING);
    let (first, known) = fixture.device(DeviceStatus::Remembered, true);
    let others: Vec<_> = (0..9_999).map(|_| fixture.device(DeviceStatus::Remembered, true)).collect();
    let last = others.last().unwrap().0.clone();
    fixture.add("ann", |account| {
        account.devices.push(known);
        account.devices.extend(others.into_iter().map(|(_, known)| known));
    });
    assert_eq!(fixture.sign_in_path("ann", Some(&first)), "DEVICE_SRP_AUTH tokens");
    assert_eq!(fixture.sign_in_path("ann", Some(&last)), "DEVICE_SRP_AUTH tokens");
}

/// Returns the paths of the sign-ins of one device with the switch `strict_mfa_binding` on or off.
fn history(strict: bool, with_app_from_start: bool) -> Vec<String> {
    let switches = Switches { strict_mfa_binding: strict, ..Switches::default() };
    let mut fixture = PoolFixture::new(PoolPolicy { switches, mfa: MfaMode::On, ..SUPPRESSING });
    let mut paths = Vec::new();
    if with_app_from_start {
        fixture.add_with_app("ann", |_| {});
        let first = fixture.run_sign_in("ann", None);
        paths.push(first.path());
        let (phone, _) = fixture.confirm(&first.end.unwrap());
        paths.push(fixture.sign_in_path("ann", Some(&phone)));
    } else {
        // The device was remembered before the user had an MFA factor.
        let (phone, known) = fixture.device(DeviceStatus::Remembered, false);
        fixture.add_with_app("ann", |account| account.devices.push(known));
        paths.extend((0..3).map(|_| fixture.sign_in_path("ann", Some(&phone))));
    }
    paths
}

#[test]
fn strict_binding_needs_an_mfa_bound_device() {
    const MFA_FIRST: &str = "SOFTWARE_TOKEN_MFA DEVICE_SRP_AUTH tokens";
    const DEVICE: &str = "DEVICE_SRP_AUTH tokens";
    assert_eq!(history(false, false), [DEVICE, DEVICE, DEVICE]);
    assert_eq!(history(true, false), [MFA_FIRST, DEVICE, DEVICE], "the first MFA with it binds it");
    for strict in [false, true] {
        assert_eq!(history(strict, true), ["SOFTWARE_TOKEN_MFA tokens +N", DEVICE], "minted with an MFA");
    }
}

#[test]
fn a_device_remembered_after_its_mfa_gets_one_more_mfa() {
    // SEMANTICS c.2: an MFA binds a device only if the device is remembered at that time.
    let switches = Switches { strict_mfa_binding: true, ..Switches::default() };
    let mut fixture = PoolFixture::new(PoolPolicy { switches, ..SUPPRESSING });
    let (phone, known) = fixture.device(DeviceStatus::NotRemembered, false);
    fixture.add_with_app("ann", |account| account.devices.push(known));
    assert_eq!(
        fixture.sign_in_path("ann", Some(&phone)),
        "SOFTWARE_TOKEN_MFA tokens",
        "not remembered: not bound"
    );
    let tokens = fixture.sign_in("ann");
    fixture.ask(set_status(&tokens.access_token, &phone.key, "remembered")).unwrap();
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "SOFTWARE_TOKEN_MFA DEVICE_SRP_AUTH tokens");
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens");
}

#[test]
fn a_salt_is_returned_unchanged() {
    // The Rust client sends 32 bytes of ASCII digits. Other clients could send leading zeros or a single
    // byte.
    let ascii = b"98073476a0b1c2d3e4f5061728394a5b".to_vec();
    for salt in [ascii, vec![0, 0, 5], vec![9], vec![0xff; 64]] {
        let mut fixture = PoolFixture::of_ann(SUPPRESSING);
        let first = fixture.sign_in("ann");
        let metadata = first.new_device.unwrap();
        let (key, group_key) = (metadata.device_key, metadata.device_group_key);
        let secret = "s3cret".to_owned();
        let job = Job::Verifier {
            group: fixture.group,
            salt: Salt::from_bytes(salt.clone()).unwrap(),
            identity: Identity::device(group_key.as_str(), key.as_str()),
            password: secret.clone(),
        };
        let JobResult::Verifier(verifier) = job.run() else { panic!("no verifier") };
        let config =
            SecretVerifierConfig { password_verifier: verifier.to_base64(), salt: BASE64.encode(&salt) };
        fixture.ask(confirm_device(&first.access_token, &key, config)).unwrap();
        let phone = TestDevice { key, group_key, secret };
        let turn = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
        let proof = fixture.start_device("ann", turn.session.as_ref(), &phone).unwrap();
        assert_eq!(parameter(&proof.challenge, keys::SALT), hex::encode(&salt));
        tokens(fixture.prove(&proof, &phone.secret));
    }
}

#[test]
fn the_device_key_in_the_last_answer_counts() {
    let (mut fixture, phone) = trusted();
    let start = Parameters::new().with(keys::USERNAME, "ann");
    let at_start = start.clone().with(keys::DEVICE_KEY, phone.key.as_str());
    let exchange = fixture.start_with(at_start.clone());
    assert_eq!(challenge(fixture.prove(&exchange, PASSWORD)).name, ChallengeName::DeviceSrpAuth);
    let exchange = fixture.start_with(at_start);
    let claim = fixture.claim(&exchange, PASSWORD).with(keys::DEVICE_KEY, "us-east-1_unknown");
    assert_eq!(refusal(fixture.send_claim(&exchange, claim)), NO_SUCH_DEVICE);
    // InitiateAuth accepts an unknown key, because no client would retry a refused start.
    let exchange = fixture.start_with(start.with(keys::DEVICE_KEY, "us-east-1_unknown"));
    assert_eq!(refusal(fixture.prove(&exchange, PASSWORD)), NO_SUCH_DEVICE);
}
