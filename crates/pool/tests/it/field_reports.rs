//! Public reports and measurements of Cognito's behavior, each as a test: user names, device keys, second
//! factors and tokens. The comment of each test names the source.
//!
//! `field_reports_histories` has sequences of requests that were compared with an independent model. The
//! interop tests repeat the report amplify-js#14349 with Amplify itself. `cargo test field_reports` runs the
//! tests of all these modules.

use poolproof_cognito::ids::{ClientId, DeviceKey, Session};
use poolproof_cognito::policy::{
    ClaimReuse, FactorTypes, MfaMode, PoolPolicy, RememberMode, Switches, UsernameSettings,
};
use poolproof_cognito::protocol::{
    AssociateSoftwareToken, Challenge, ChallengeName, DeviceStatus, GlobalSignOut, Parameters, Reply,
    Request, Response, SecretVerifierConfig, keys,
};
use poolproof_pool::{AppClient, CustomAuth, CustomChallenge, Pool, PoolIdentity};
use poolproof_srp::Group;

use crate::fixture::{
    CLIENT, INCORRECT, NO_SUCH_DEVICE, PASSWORD, PoolFixture, TestDevice, call, challenge, parameter, policy,
    refusal, tokens,
};

const NOT_FOUND: &str = "UserNotFoundException: User does not exist.";
const INVALID_KEY: &str = "InvalidParameterException: Invalid device key given.";
const SUB: &str = "00000000-0000-4000-8000-000000000001";

pub(crate) fn always(mfa: MfaMode) -> PoolPolicy {
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
pub(crate) fn answer_app(
    fixture: &mut PoolFixture,
    name: &str,
    asked: &Challenge,
    key: Option<&DeviceKey>,
) -> Reply {
    let code = fixture.next_app_code("ann");
    let answers = Parameters::new().with(keys::USERNAME, name).with(keys::SOFTWARE_TOKEN_MFA_CODE, code);
    let answers = match key {
        Some(key) => answers.with(keys::DEVICE_KEY, key.as_str()),
        None => answers,
    };
    fixture.answer(asked.name, asked.session.as_ref(), answers)
}

/// A user `ann` with an app and a device that does not replace MFA.
pub(crate) fn ann_with_app_and_device(status: DeviceStatus, mfa_bound: bool) -> (PoolFixture, TestDevice) {
    let mut fixture = PoolFixture::new(policy(RememberMode::OptIn, true, MfaMode::Optional));
    let (phone, known) = fixture.device(status, mfa_bound);
    fixture.add_with_app("ann", |account| account.devices.push(known));
    (fixture, phone)
}

/// User names: amplify-js#14349, ministackorg/ministack#1758, cognito-srp-helper
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

/// amplify-js#14349. Amplify finds its device under USER_ID_FOR_SRP, so the device must replace
/// the MFA from the second sign-in on.
#[test]
fn a_device_that_is_stored_under_user_id_for_srp_replaces_mfa() {
    let mut fixture = PoolFixture::new(always(MfaMode::Optional));
    fixture.add_with_app("amy", |_| {});
    let first = fixture.run_sign_in("amy", None);
    assert_eq!(first.path(), "SOFTWARE_TOKEN_MFA tokens +N");
    let (phone, _) = fixture.confirm(&first.end.unwrap());
    for _ in 0..2 {
        let exchange = fixture.start("amy");
        assert_eq!(parameter(&exchange.challenge, keys::USER_ID_FOR_SRP), "amy");
        let claim = fixture.claim(&exchange, PASSWORD).with(keys::DEVICE_KEY, phone.key.as_str());
        let next = fixture.send_claim(&exchange, claim);
        assert_eq!(fixture.finish_sign_in("amy", Some(&phone), next).path(), "DEVICE_SRP_AUTH tokens");
    }
}

/// identity-js#410: an address is an alias once it is verified.
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

/// amplify-js#4047 and a Python client: the alias in the MFA answer makes ConfirmDevice fail.
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

/// amplify-js#14622 and PR 14626, amplify-android PR 3289.
#[test]
fn a_key_in_the_password_step_only_gets_a_new_device_after_an_mfa() {
    let (mut fixture, phone) = ann_with_app_and_device(DeviceStatus::Remembered, false);
    let asked = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    assert_eq!(asked.name, ChallengeName::SoftwareTokenMfa);
    let signed_in = tokens(answer_app(&mut fixture, "ann", &asked, None));
    assert!(signed_in.new_device.is_some_and(|new| new.device_key != phone.key));
}

/// The same reports; clients handle DEVICE_SRP_AUTH after an MFA.
#[test]
fn a_key_in_the_mfa_answer_only_leads_to_the_device_proof() {
    let (mut fixture, phone) = ann_with_app_and_device(DeviceStatus::Remembered, false);
    let asked = challenge(fixture.password("ann", PASSWORD, None));
    let next = answer_app(&mut fixture, "ann", &asked, Some(&phone.key));
    let result = fixture.finish_sign_in("ann", Some(&phone), next);
    assert_eq!(result.path(), "DEVICE_SRP_AUTH tokens");
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

/// amplify-js#8977, #932, #4174: the default of `strict_mfa_binding`.
#[test]
fn a_device_of_a_sign_in_without_mfa_needs_one_mfa_before_it_replaces_any() {
    let (mut fixture, phone) = ann_with_app_and_device(DeviceStatus::Remembered, false);
    let paths: Vec<_> = (0..2).map(|_| fixture.sign_in_path("ann", Some(&phone))).collect();
    assert_eq!(paths, ["SOFTWARE_TOKEN_MFA DEVICE_SRP_AUTH tokens", "DEVICE_SRP_AUTH tokens"]);
}

/// identity-js#270, #542.
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

/// amplify-js#2705, #12220 and amplify-flutter#3541 use `CUSTOM_AUTH`. The text for a pool
/// without triggers is from amplify-ui#3452.
#[test]
fn custom_auth_works_where_the_pool_has_challenges_and_the_client_lists_the_flow() {
    let with = |client: AppClient, challenges: bool| {
        let mut fixture = PoolFixture::with(always(MfaMode::Off), Group::toy(), client);
        if challenges {
            let (challenge, answer) = ("captcha".to_owned(), "42".to_owned());
            fixture.custom_auth(CustomAuth::Challenges(vec![CustomChallenge { challenge, answer }]));
        }
        fixture.add("ann", |_| {});
        fixture
    };
    let listed = || AppClient::public(ClientId::new(CLIENT));
    let ann = Parameters::new().with(keys::USERNAME, "ann");
    let mut fixture = with(listed(), true);
    let asked = challenge(fixture.initiate("CUSTOM_AUTH", ann.clone()));
    assert_eq!((asked.name, parameter(&asked, "challenge")), (ChallengeName::CustomChallenge, "captcha"));
    let answers = ann.clone().with(keys::ANSWER, "42");
    tokens(fixture.answer(asked.name, asked.session.as_ref(), answers));
    let message =
        "InvalidParameterException: Custom auth lambda trigger is not configured for the user pool.";
    assert_eq!(refusal(with(listed(), false).initiate("CUSTOM_AUTH", ann.clone())), message);
    let message = "InvalidParameterException: CUSTOM_AUTH is not enabled for the client.";
    let unlisted = AppClient { custom_flow: false, ..listed() };
    assert_eq!(refusal(with(unlisted, false).initiate("CUSTOM_AUTH", ann)), message);
}
