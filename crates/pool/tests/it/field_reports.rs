//! Public reports and measurements of Cognito's behavior, each as a test: user names, device keys, second
//! factors and tokens. The comment of each test has the number of the report and its source.
//!
//! Reports A are public reports and documentation, reports C are histories that were played against an
//! independent model. `cargo test field_reports` runs them all. Report A1 is also played by Amplify
//! itself, see the interop tests.

use poolproof_cognito::ids::{DeviceKey, Session};
use poolproof_cognito::policy::{
    ClaimReuse, FactorTypes, MfaMode, PoolPolicy, RememberMode, RiskAction, RiskLevel, RiskMode, RiskPolicy,
    Switches, UsernameSettings,
};
use poolproof_cognito::protocol::{
    AssociateSoftwareToken, Challenge, ChallengeName, DeviceStatus, GlobalSignOut, Parameters, Reply,
    Request, Response, SecretVerifierConfig, keys,
};
use poolproof_pool::{Pool, PoolIdentity};

use crate::fixture::{
    INCORRECT, NO_SUCH_DEVICE, PASSWORD, PoolFixture, TestDevice, call, challenge, parameter, policy,
    refusal, tokens,
};

const NOT_FOUND: &str = "UserNotFoundException: User does not exist.";
const INVALID_KEY: &str = "InvalidParameterException: Invalid device key given.";
const SUB: &str = "00000000-0000-4000-8000-000000000001";

fn always(mfa: MfaMode) -> PoolPolicy {
    policy(RememberMode::Always, true, mfa)
}

fn with_usernames(policy: PoolPolicy, usernames: UsernameSettings) -> PoolFixture {
    let mut fixture = PoolFixture::new(policy);
    let identity: PoolIdentity = fixture.harness.pool.identity().clone();
    let rng = poolproof_cognito::seed::Seed::new(12).rng("pool", 0);
    fixture.harness.pool = Pool::new(identity, policy, rng).with_usernames(usernames);
    fixture
}

/// Answers a challenge of the authenticator app, with a device key or without.
fn answer_app(fixture: &mut PoolFixture, name: &str, asked: &Challenge, key: Option<&DeviceKey>) -> Reply {
    let code = fixture.next_app_code("ann");
    let answers = Parameters::new().with(keys::USERNAME, name).with(keys::SOFTWARE_TOKEN_MFA_CODE, code);
    let answers = match key {
        Some(key) => answers.with(keys::DEVICE_KEY, key.as_str()),
        None => answers,
    };
    fixture.answer(asked.name, asked.session.as_ref(), answers)
}

/// A user `ann` with an app and a device that does not replace MFA.
fn ann_with_app_and_device(status: DeviceStatus, mfa_bound: bool) -> (PoolFixture, TestDevice) {
    let mut fixture = PoolFixture::new(policy(RememberMode::OptIn, true, MfaMode::Optional));
    let (phone, known) = fixture.device(status, mfa_bound);
    fixture.add_with_app("ann", |account| account.devices.push(known));
    (fixture, phone)
}

/// Reports A1, A2, A3: User names: amplify-js#14349, ministackorg/ministack#1758, cognito-srp-helper
/// README.
#[test]
fn srp_hashes_the_user_name_and_a_sub_starts_no_sign_in() {
    let mut fixture = PoolFixture::of_ann(always(MfaMode::Off));
    let exchange = fixture.start("ann");
    assert_eq!(parameter(&exchange.challenge, keys::USER_ID_FOR_SRP), "ann");
    assert_eq!(parameter(&exchange.challenge, keys::USERNAME), "ann");
    tokens(fixture.prove(&exchange, PASSWORD));
    let parameters = Parameters::new().with(keys::USERNAME, SUB).with(keys::SRP_A, "2a");
    assert_eq!(refusal(fixture.initiate("USER_SRP_AUTH", parameters)), NOT_FOUND);
    // A challenge can still be answered under the sub.
    let exchange = fixture.start("ann");
    let claim = fixture.claim(&exchange, PASSWORD).with(keys::USERNAME, SUB);
    tokens(fixture.send_claim(&exchange, claim));
}

/// Report A8: identity-js#410: an address is an alias once it is verified.
#[test]
fn an_unverified_address_is_no_alias() {
    let usernames = UsernameSettings { email_alias: true, ..UsernameSettings::DEFAULT };
    for (verified, found) in [("false", false), ("true", true)] {
        let mut fixture = with_usernames(always(MfaMode::Off), usernames);
        fixture.add("ann", |account| {
            account.email = Some("ann@example.org".to_owned());
            account.attributes.insert("email_verified".to_owned(), verified.to_owned());
        });
        let parameters = Parameters::new().with(keys::USERNAME, "ann@example.org").with(keys::SRP_A, "2a");
        let reply = fixture.initiate("USER_SRP_AUTH", parameters);
        if found {
            assert_eq!(parameter(&challenge(reply), keys::USER_ID_FOR_SRP), "ann");
        } else {
            assert_eq!(refusal(reply), NOT_FOUND);
        }
    }
}

/// Report A6: amplify-js#4047 and a Python client: the alias in the MFA answer makes ConfirmDevice fail.
#[test]
fn a_device_of_an_mfa_answered_by_alias_cannot_be_confirmed() {
    let usernames = UsernameSettings { email_alias: true, ..UsernameSettings::DEFAULT };
    for (name, confirmed) in [("ann", true), ("ann@example.org", false)] {
        let mut fixture = with_usernames(always(MfaMode::Optional), usernames);
        fixture.add_with_app("ann", |account| {
            account.email = Some("ann@example.org".to_owned());
            account.attributes.insert("email_verified".to_owned(), "true".to_owned());
        });
        let asked = challenge(fixture.password("ann", PASSWORD, None));
        let signed_in = tokens(answer_app(&mut fixture, name, &asked, None));
        let key = signed_in.new_device.clone().expect("a new device").device_key;
        let config = SecretVerifierConfig {
            password_verifier: crate::fixture::a_verifier(),
            salt: "AAECAwQFBgcICQoLDA0ODw==".to_owned(),
        };
        let request = crate::fixture::confirm_device(&signed_in.access_token, &key, config);
        let reply = fixture.ask(request);
        if confirmed {
            assert_eq!(reply, Ok(Response::DeviceConfirmed { user_confirmation_necessary: false }));
        } else {
            assert_eq!(refusal(reply), INVALID_KEY);
        }
    }
}

/// Developer guide, user pool case sensitivity.
#[test]
fn user_names_ignore_case_only_if_the_pool_says_so() {
    for (case_sensitive, found) in [(true, false), (false, true)] {
        let usernames = UsernameSettings { case_sensitive, ..UsernameSettings::DEFAULT };
        let mut fixture = with_usernames(always(MfaMode::Off), usernames);
        fixture.add("ann", |_| {});
        let parameters = Parameters::new().with(keys::USERNAME, "ANN").with(keys::SRP_A, "2a");
        let reply = fixture.initiate("USER_SRP_AUTH", parameters);
        assert_eq!(reply.is_ok(), found, "{reply:?}");
    }
}

/// Report A4: amplify-js#14622 and PR 14626, amplify-android PR 3289.
#[test]
fn a_key_in_the_password_step_only_gets_a_new_device_after_an_mfa() {
    let (mut fixture, phone) = ann_with_app_and_device(DeviceStatus::Remembered, false);
    let asked = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    assert_eq!(asked.name, ChallengeName::SoftwareTokenMfa);
    let signed_in = tokens(answer_app(&mut fixture, "ann", &asked, None));
    assert!(signed_in.new_device.is_some_and(|new| new.device_key != phone.key));
}

/// Report A5: The same reports; clients handle DEVICE_SRP_AUTH after an MFA.
#[test]
fn a_key_in_the_mfa_answer_only_leads_to_the_device_proof() {
    let (mut fixture, phone) = ann_with_app_and_device(DeviceStatus::Remembered, false);
    let asked = challenge(fixture.password("ann", PASSWORD, None));
    let next = answer_app(&mut fixture, "ann", &asked, Some(&phone.key));
    let result = fixture.finish_sign_in("ann", Some(&phone), next);
    assert_eq!(result.path(), "DEVICE_SRP_AUTH tokens");
}

/// Reports C1 to C4: Histories against an independent model: the state of a device counts when the answer
/// is judged.
#[test]
fn a_device_counts_as_it_is_when_the_mfa_is_answered() {
    let (mut fixture, phone) = ann_with_app_and_device(DeviceStatus::NotRemembered, false);
    // Forgotten in the meantime: the challenge stays, and the code is not used up.
    let asked = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    let code = fixture.next_app_code("ann");
    let answers = Parameters::new().with(keys::USERNAME, "ann").with(keys::SOFTWARE_TOKEN_MFA_CODE, code);
    fixture.forget("ann", &phone);
    let with_key = answers.clone().with(keys::DEVICE_KEY, phone.key.as_str());
    assert_eq!(refusal(fixture.answer(asked.name, asked.session.as_ref(), with_key)), NO_SUCH_DEVICE);
    tokens(fixture.answer(asked.name, asked.session.as_ref(), answers));
    // Remembered in the meantime: the device must prove itself.
    let (mut fixture, phone) = ann_with_app_and_device(DeviceStatus::NotRemembered, false);
    let signed_in = fixture.run_sign_in("ann", Some(&phone)).end.unwrap();
    let asked = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    let remember = crate::fixture::set_status(&signed_in.access_token, &phone.key, "remembered");
    assert_eq!(fixture.ask(remember), Ok(Response::Empty));
    let next = challenge(answer_app(&mut fixture, "ann", &asked, Some(&phone.key)));
    assert_eq!(next.name, ChallengeName::DeviceSrpAuth);
    // Forgotten before the proof: the challenge stays.
    fixture.forget("ann", &phone);
    let refused = fixture.start_device("ann", next.session.as_ref(), &phone).unwrap_err();
    assert_eq!(refused.to_string(), NO_SUCH_DEVICE);
    let again = fixture.start_device("ann", next.session.as_ref(), &phone).unwrap_err();
    assert_eq!(again.to_string(), NO_SUCH_DEVICE);
}

/// Report C8: Two pycognito clients, which send no session.
#[test]
fn two_sign_ins_of_one_device_can_wait_at_once() {
    let mut fixture = PoolFixture::new(always(MfaMode::Off));
    let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add("ann", |account| account.devices.push(known));
    for _ in 0..2 {
        let asked = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
        assert_eq!(asked.name, ChallengeName::DeviceSrpAuth);
    }
    let exchanges: Vec<_> = (0..2).map(|_| fixture.start_device("ann", None, &phone).unwrap()).collect();
    for exchange in exchanges {
        tokens(fixture.prove(&exchange, &phone.secret));
    }
    assert!(fixture.start_device("ann", None, &phone).is_err(), "no third sign-in waits");
}

/// MiniStack, measured on AWS: a challenge can be answered until it expires.
#[test]
fn a_password_claim_can_be_sent_again_and_a_wrong_one_counts_once() {
    let mut fixture = PoolFixture::of_ann(always(MfaMode::Off));
    let exchange = fixture.start("ann");
    let wrong = fixture.claim(&exchange, "wrong");
    for _ in 0..10 {
        assert_eq!(refusal(fixture.send_claim(&exchange, wrong.clone())), INCORRECT);
    }
    let right = fixture.claim(&exchange, PASSWORD);
    tokens(fixture.send_claim(&exchange, right.clone()));
    tokens(fixture.send_claim(&exchange, right.clone()));
    fixture.advance_clock(180);
    assert_eq!(refusal(fixture.send_claim(&exchange, right)), INCORRECT);
    let switches = Switches { claims: ClaimReuse::Once, ..Switches::DEFAULT };
    let mut fixture = PoolFixture::of_ann(PoolPolicy { switches, ..always(MfaMode::Off) });
    let exchange = fixture.start("ann");
    let right = fixture.claim(&exchange, PASSWORD);
    tokens(fixture.send_claim(&exchange, right.clone()));
    assert_eq!(refusal(fixture.send_claim(&exchange, right)), INCORRECT);
}

/// Report A13: amplify-js#8977, #932, #4174: the default of `strict_mfa_binding`.
#[test]
fn a_device_of_a_sign_in_without_mfa_needs_one_mfa_before_it_replaces_any() {
    let (mut fixture, phone) = ann_with_app_and_device(DeviceStatus::Remembered, false);
    let paths: Vec<_> = (0..2).map(|_| fixture.sign_in_path("ann", Some(&phone))).collect();
    assert_eq!(paths, ["SOFTWARE_TOKEN_MFA DEVICE_SRP_AUTH tokens", "DEVICE_SRP_AUTH tokens"]);
}

/// Report C6: Developer guide, adding MFA: risk needs only a registered factor.
#[test]
fn risk_asks_for_a_registered_factor() {
    for action in [RiskAction::MfaIfConfigured, RiskAction::MfaRequired] {
        let risk = RiskPolicy {
            mode: RiskMode::Enforced,
            low: action,
            medium: action,
            high: action,
            ..RiskPolicy::OFF
        };
        let mut fixture =
            PoolFixture::new(PoolPolicy { risk, ..policy(RememberMode::No, false, MfaMode::Optional) });
        fixture.add("ann", |account| account.phone = Some("+15551234567".to_owned()));
        assert_eq!(fixture.sign_in_path("ann", None), "tokens", "the pool asks only for active factors");
        fixture.harness.origin.risk = Some(RiskLevel::Low);
        assert_eq!(fixture.sign_in_path("ann", None), "SMS_MFA tokens");
        let policy = *fixture.harness.pool.policy();
        let factor_types = FactorTypes { sms: false, ..FactorTypes::ALL };
        fixture.harness.pool.set_policy(PoolPolicy { factor_types, ..policy });
        let path = fixture.sign_in_path("ann", None);
        let blocked = "NotAuthorizedException: Unable to login because of security reasons.";
        assert_eq!(path, if action == RiskAction::MfaRequired { blocked } else { "tokens" });
    }
}

/// Report C7: Developer guide: only activated types count, and they are listed.
#[test]
fn a_pool_without_sms_offers_only_its_own_types() {
    let factor_types = FactorTypes { sms: false, email: false, totp: true };
    let mut fixture =
        PoolFixture::new(PoolPolicy { factor_types, ..policy(RememberMode::No, false, MfaMode::On) });
    fixture.add("ann", |account| {
        account.phone = Some("+15551234567".to_owned());
        account.sms_mfa = true;
    });
    let asked = challenge(fixture.password("ann", PASSWORD, None));
    assert_eq!(asked.name, ChallengeName::MfaSetup);
    assert_eq!(parameter(&asked, keys::MFAS_CAN_SETUP), r#"["SOFTWARE_TOKEN_MFA"]"#);
}

/// Report A15: identity-js#270, #542.
#[test]
fn an_mfa_answer_needs_a_session() {
    let (mut fixture, _) = ann_with_app_and_device(DeviceStatus::Remembered, false);
    let asked = challenge(fixture.password("ann", PASSWORD, None));
    let answers = Parameters::new().with(keys::USERNAME, "ann").with(keys::SOFTWARE_TOKEN_MFA_CODE, "123456");
    let none: Option<&Session> = None;
    let missing = "InvalidParameterException: Missing required parameter Session";
    assert_eq!(refusal(fixture.answer(asked.name, none, answers)), missing);
}

/// amplify-js pull request 12171; integration tests of the AWS SDK for iOS.
#[test]
fn get_device_shows_remembered_devices_only() {
    let (mut fixture, phone) = ann_with_app_and_device(DeviceStatus::NotRemembered, false);
    let signed_in = fixture.run_sign_in("ann", Some(&phone)).end.unwrap();
    let reply = fixture.ask(Request::GetDevice(call(&signed_in.access_token, &phone.key)));
    assert_eq!(refusal(reply), NO_SUCH_DEVICE);
}

/// A global sign-out ends the challenges of sign-ins that it does not know yet.
#[test]
fn a_global_sign_out_ends_a_password_challenge() {
    let mut fixture = PoolFixture::of_ann(always(MfaMode::Off));
    let exchange = fixture.start("ann");
    let claim = fixture.claim(&exchange, PASSWORD);
    let signed_in = tokens(fixture.send_claim(&exchange, claim.clone()));
    let access_token = signed_in.access_token.as_str().to_owned();
    let sign_out = Request::GlobalSignOut(GlobalSignOut { access_token });
    assert_eq!(fixture.ask(sign_out), Ok(Response::Empty));
    assert_eq!(refusal(fixture.send_claim(&exchange, claim)), INCORRECT);
}

/// A setup of a factor that the pool does not activate is no MFA.
#[test]
fn an_app_cannot_be_set_up_in_a_pool_that_does_not_activate_apps() {
    let factor_types = FactorTypes { sms: true, ..FactorTypes::NONE };
    let mut fixture =
        PoolFixture::new(PoolPolicy { factor_types, ..policy(RememberMode::No, false, MfaMode::On) });
    fixture.add_with_app("ann", |_| {});
    let asked = challenge(fixture.password("ann", PASSWORD, None));
    assert_eq!(asked.name, ChallengeName::MfaSetup);
    let session = asked.session.as_ref().map(|session| session.as_str().to_owned());
    let associate = Request::AssociateSoftwareToken(AssociateSoftwareToken { session });
    let refused = "InvalidParameterException: Software token MFA is not enabled for this user pool.";
    assert_eq!(refusal(fixture.ask(associate)), refused);
}
