//! The switches about MFA: `email_mfa_suppressed`, `proof_after_mfa` and `risk_mfa_setup`.

use poolproof_cognito::policy::{
    FactorTypes, MfaMode, PoolPolicy, ProofAfterMfa, RememberMode, RiskAction, RiskLevel, RiskMode,
    RiskPolicy, Switches,
};
use poolproof_cognito::protocol::{ChallengeName, DeviceStatus};
use poolproof_pool::NewAccount;

use crate::fixture::{INCORRECT, PASSWORD, PoolFixture, challenge, parameter, policy, set_status};

const MAIL_THEN_PROOF: &str = "EMAIL_OTP DEVICE_SRP_AUTH tokens";
const PROOF: &str = "DEVICE_SRP_AUTH tokens";

fn by_mail(account: &mut NewAccount) {
    account.email = Some("ann@example.org".to_owned());
    account.email_mfa = true;
}

fn with(switches: Switches, mfa: MfaMode) -> PoolPolicy {
    PoolPolicy { switches, ..policy(RememberMode::OptIn, true, mfa) }
}

/// amplify-js#14349: a remembered device that did not replace an MFA by e-mail.
#[test]
fn a_device_replaces_an_mfa_by_mail_only_with_the_switch() {
    for mfa in [MfaMode::Optional, MfaMode::On] {
        for (suppressed, expected) in [(true, PROOF), (false, MAIL_THEN_PROOF)] {
            let switches = Switches { email_mfa_suppressed: suppressed, ..Switches::DEFAULT };
            let mut fixture = PoolFixture::new(with(switches, mfa));
            let (phone, owned) = fixture.device(DeviceStatus::Remembered, true);
            fixture.add("ann", |account| {
                by_mail(account);
                account.devices.push(owned);
            });
            for _ in 0..2 {
                assert_eq!(fixture.sign_in_path("ann", Some(&phone)), expected, "{mfa} {suppressed}");
            }
            // Other factors are replaced.
            let (phone, owned) = fixture.device(DeviceStatus::Remembered, true);
            fixture.add_with_app("bob", |account| account.devices.push(owned));
            assert_eq!(fixture.sign_in_path("bob", Some(&phone)), PROOF);
        }
    }
    // An app that is preferred comes before e-mail, and is replaced.
    let switches = Switches { email_mfa_suppressed: false, ..Switches::DEFAULT };
    let mut fixture = PoolFixture::new(with(switches, MfaMode::On));
    let (phone, owned) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add_with_app("ann", |account| {
        by_mail(account);
        account.preferred = Some(ChallengeName::SoftwareTokenMfa);
        account.devices.push(owned);
    });
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), PROOF);
}

#[test]
fn a_device_that_is_not_remembered_proves_its_secret_after_an_mfa_only_with_the_switch() {
    let cases = [
        (ProofAfterMfa::Remembered, "SOFTWARE_TOKEN_MFA tokens"),
        (ProofAfterMfa::Confirmed, "SOFTWARE_TOKEN_MFA DEVICE_SRP_AUTH tokens"),
    ];
    for (proof_after_mfa, expected) in cases {
        let switches = Switches { proof_after_mfa, ..Switches::DEFAULT };
        let mut fixture = PoolFixture::new(with(switches, MfaMode::Optional));
        let (phone, owned) = fixture.device(DeviceStatus::NotRemembered, false);
        fixture.add_with_app("ann", |account| account.devices.push(owned));
        fixture.add("bob", |_| {});
        for _ in 0..2 {
            assert_eq!(fixture.sign_in_path("ann", Some(&phone)), expected);
        }
        let mut damaged = phone.clone();
        damaged.secret.push('x');
        let result = fixture.run_sign_in("ann", Some(&damaged)).end.map(drop);
        assert_eq!(result.is_err(), proof_after_mfa == ProofAfterMfa::Confirmed);
        if let Err(error) = result {
            assert_eq!(error.to_string(), INCORRECT);
        }
        // The device was not remembered at the MFA, so that MFA has not bound it.
        let tokens = fixture.sign_in("ann");
        fixture.ask(set_status(&tokens.access_token, &phone.key, "remembered")).unwrap();
        let path = fixture.sign_in_path("ann", Some(&phone));
        assert_eq!(path, "SOFTWARE_TOKEN_MFA DEVICE_SRP_AUTH tokens");
        // Without an MFA such a device proves nothing.
        let (phone, owned) = fixture.device(DeviceStatus::NotRemembered, false);
        fixture.add("cyd", |account| account.devices.push(owned));
        assert_eq!(fixture.sign_in_path("cyd", Some(&phone)), "tokens");
    }
}

#[test]
fn risk_asks_a_user_without_a_factor_to_set_one_up_only_with_the_switch() {
    let risk = RiskPolicy {
        mode: RiskMode::Enforced,
        low: RiskAction::MfaIfConfigured,
        medium: RiskAction::MfaRequired,
        ..RiskPolicy::OFF
    };
    let blocked = "NotAuthorizedException: Unable to login because of security reasons.";
    for setup in [false, true] {
        let switches = Switches { risk_mfa_setup: setup, ..Switches::DEFAULT };
        let base = PoolPolicy { risk, ..with(switches, MfaMode::Optional) };
        let mut fixture = PoolFixture::of_ann(base);
        assert_eq!(fixture.sign_in_path("ann", None), "tokens +N", "no risk");
        fixture.harness.origin.risk = Some(RiskLevel::Low);
        if setup {
            let asked = challenge(fixture.password("ann", PASSWORD, None));
            assert_eq!(asked.name, ChallengeName::MfaSetup);
            assert!(parameter(&asked, "MFAS_CAN_SETUP").contains("SOFTWARE_TOKEN_MFA"));
        } else {
            assert_eq!(fixture.sign_in_path("ann", None), "tokens +N");
        }
        fixture.harness.origin.risk = Some(RiskLevel::Medium);
        assert_eq!(fixture.sign_in_path("ann", None), blocked, "mfa_required");
        // Nothing can be set up without apps or without MFA.
        for base in [
            PoolPolicy { factor_types: FactorTypes { totp: false, ..FactorTypes::ALL }, ..base },
            PoolPolicy { mfa: MfaMode::Off, ..base },
        ] {
            let mut fixture = PoolFixture::of_ann(base);
            fixture.harness.origin.risk = Some(RiskLevel::Low);
            assert_eq!(fixture.sign_in_path("ann", None), "tokens +N");
        }
    }
}
