//! Histories that were played against an independent model of Cognito, each as a test. The comment of each
//! test has the number of the report and its source.

use poolproof_cognito::policy::{
    FactorTypes, MfaMode, PoolPolicy, RememberMode, RiskAction, RiskLevel, RiskMode, RiskPolicy,
};
use poolproof_cognito::protocol::{ChallengeName, DeviceStatus, Parameters, Response, keys};

use crate::field_reports::{always, ann_with_app_and_device, answer_app};
use crate::fixture::{NO_SUCH_DEVICE, PASSWORD, PoolFixture, challenge, parameter, policy, refusal, tokens};

/// The state of a device counts when the answer is judged.
#[test]
fn the_state_of_the_device_at_the_mfa_answer_counts() {
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

/// The device of another user, named while the pool tracked none, does not exist once it does.
#[test]
fn the_device_of_another_user_does_not_exist_once_the_pool_tracks_devices() {
    let tracking = policy(RememberMode::Always, true, MfaMode::Optional);
    let mut fixture = PoolFixture::new(PoolPolicy { remember: RememberMode::No, ..tracking });
    let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add("xenia", |account| account.devices.push(known));
    fixture.add_with_app("ann", |_| {});
    let asked = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    fixture.harness.pool.set_policy(tracking);
    assert_eq!(refusal(answer_app(&mut fixture, "ann", &asked, Some(&phone.key))), NO_SUCH_DEVICE);
    assert!(tokens(answer_app(&mut fixture, "ann", &asked, None)).new_device.is_some());
}

/// A device that was remembered and is forgotten before the MFA answer leads to no device proof.
#[test]
fn a_device_that_is_forgotten_before_the_mfa_answer_does_not_exist() {
    let mut fixture = PoolFixture::new(policy(RememberMode::OptIn, false, MfaMode::Optional));
    let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add_with_app("ann", |account| account.devices.push(known));
    let asked = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    fixture.forget("ann", &phone);
    assert_eq!(refusal(answer_app(&mut fixture, "ann", &asked, Some(&phone.key))), NO_SUCH_DEVICE);
    assert!(tokens(answer_app(&mut fixture, "ann", &asked, None)).new_device.is_some(), "it can be answered");
}

/// Two pycognito clients, which send no session.
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

/// Developer guide, adding MFA: risk needs only a registered factor.
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

/// Developer guide: only activated types count, and they are listed.
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
    let factor_types = FactorTypes { sms: true, email: false, totp: false };
    let mut fixture =
        PoolFixture::new(PoolPolicy { factor_types, ..policy(RememberMode::No, false, MfaMode::On) });
    fixture.add_with_app("bob", |_| {});
    let asked = challenge(fixture.password("bob", PASSWORD, None));
    assert_eq!(asked.name, ChallengeName::MfaSetup, "an app does not count in a pool without apps");
    assert_eq!(parameter(&asked, keys::MFAS_CAN_SETUP), r#"["SMS_MFA"]"#);
}
