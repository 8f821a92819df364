//! Threat protection: lists of addresses, compromised passwords, and the pool's own estimate (SEMANTICS c.4).

use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::ClientId;
use poolproof_cognito::policy::{
    CompromisedAction, MfaMode, PoolPolicy, RememberMode, RiskAction, RiskLevel, RiskMode, RiskPolicy,
    RiskSource,
};
use poolproof_cognito::protocol::{DeviceStatus, Parameters, Reply, keys};
use poolproof_pool::{AppClient, PasswordFlow};
use poolproof_srp::Group;

use crate::fixture::{
    CLIENT, INCORRECT, NO_SUCH_DEVICE, PASSWORD, PoolFixture, parameter, policy, refusal, tokens,
};

const NOT_ALLOWED: &str = "NotAuthorizedException: Request not allowed due to security reasons.";
const BLOCKED: &str = "NotAuthorizedException: Unable to login because of security reasons.";
const RESET: &str = "PasswordResetRequiredException: Password reset required for the user";

/// Returns a pool that blocks every risk and every compromised password, with these address lists.
fn strict(mode: RiskMode, blocked: &[&str], skipped: &[&str]) -> PoolFixture {
    let risk = RiskPolicy {
        mode,
        low: RiskAction::Block,
        medium: RiskAction::Block,
        high: RiskAction::Block,
        compromised: CompromisedAction::Block,
        ..RiskPolicy::OFF
    };
    let client =
        AppClient { password_flow: PasswordFlow::WithDevices, ..AppClient::public(ClientId::new(CLIENT)) };
    let policy = PoolPolicy { risk, ..policy(RememberMode::Always, false, MfaMode::Off) };
    let mut fixture = PoolFixture::with(policy, Group::toy(), client);
    let ranges = |list: &[&str]| list.iter().map(|range| range.parse().unwrap()).collect();
    fixture.exceptions(RiskExceptions { blocked: ranges(blocked), skipped: ranges(skipped) });
    fixture.add("ann", |_| {});
    fixture.add("known", |account| account.compromised = true);
    fixture
}

fn from(fixture: &mut PoolFixture, address: &str) {
    fixture.harness.origin.address = Some(address.parse().unwrap());
}

fn plain(fixture: &mut PoolFixture, name: &str, password: &str) -> Reply {
    let start = Parameters::new().with(keys::USERNAME, name).with(keys::PASSWORD, password);
    fixture.initiate("USER_PASSWORD_AUTH", start)
}

#[test]
fn a_blocked_address_is_refused_after_a_correct_password() {
    let mut fixture = strict(RiskMode::Enforced, &["192.0.2.0/24", "2001:db8::/32"], &["0.0.0.0/0"]);
    let (phone, _) = fixture.device(DeviceStatus::Remembered, true);
    for (address, blocked) in [
        ("192.0.2.0", true),
        ("192.0.2.255", true),
        ("::ffff:192.0.2.9", true),
        ("2001:db8:1::1", true),
        ("192.0.3.0", false),
        ("192.0.1.255", false),
        ("2001:db9::1", false),
    ] {
        from(&mut fixture, address);
        assert_eq!(refusal(fixture.password("ann", "wrong", None)), INCORRECT, "{address}");
        let path = fixture.sign_in_path("ann", None);
        assert_eq!(path, if blocked { NOT_ALLOWED } else { "tokens +N" }, "{address}");
        // The refusal reveals nothing about devices.
        let named = refusal(fixture.password("ann", PASSWORD, Some(&phone.key)));
        assert_eq!(named, if blocked { NOT_ALLOWED } else { NO_SUCH_DEVICE }, "{address}");
        fixture.sign_in_from_unlisted_address("ann");
    }
    // An unknown address is on no list.
    fixture.harness.origin.address = None;
    assert_eq!(fixture.sign_in_path("ann", None), "tokens +N");
}

#[test]
fn an_allowed_address_skips_risk() {
    let mut fixture = strict(RiskMode::Enforced, &[], &["192.0.2.0/24"]);
    fixture.harness.origin.risk = Some(RiskLevel::High);
    from(&mut fixture, "192.0.2.1");
    assert_eq!(fixture.sign_in_path("ann", None), "tokens +N");
    tokens(plain(&mut fixture, "known", PASSWORD));
    from(&mut fixture, "192.0.3.1");
    assert_eq!(fixture.sign_in_path("ann", None), BLOCKED);
}

#[test]
fn ip_lists_and_compromised_passwords_need_enforced_mode() {
    for mode in [RiskMode::Off, RiskMode::Audit] {
        let mut fixture = strict(mode, &["192.0.2.0/24"], &[]);
        from(&mut fixture, "192.0.2.1");
        assert_eq!(fixture.sign_in_path("ann", None), "tokens +N");
        tokens(plain(&mut fixture, "known", PASSWORD));
        assert_eq!(fixture.sign_in_path("known", None), "tokens +N");
    }
}

#[test]
fn a_compromised_plain_password_is_refused_and_must_be_reset() {
    let mut fixture = strict(RiskMode::Enforced, &["192.0.2.0/24"], &[]);
    assert_eq!(fixture.sign_in_path("known", None), "tokens +N", "SRP shows no password");
    assert_eq!(refusal(plain(&mut fixture, "known", "wrong")), INCORRECT);
    // From a blocked address the password is not checked for compromise, and nothing changes.
    from(&mut fixture, "192.0.2.1");
    assert_eq!(refusal(plain(&mut fixture, "known", PASSWORD)), NOT_ALLOWED);
    fixture.harness.origin.address = None;
    assert_eq!(fixture.sign_in_path("known", None), "tokens +N");
    assert_eq!(refusal(plain(&mut fixture, "known", PASSWORD)), BLOCKED);
    assert_eq!(refusal(plain(&mut fixture, "known", PASSWORD)), RESET);
    assert_eq!(fixture.sign_in_path("known", None), RESET, "by SRP too, from now on");
    assert_eq!(refusal(fixture.password("known", "wrong", None)), INCORRECT);
    tokens(plain(&mut fixture, "ann", PASSWORD));
}

#[test]
fn new_devices_new_addresses_and_failures_are_a_level_each() {
    let actions = [RiskAction::NoAction, RiskAction::MfaRequired, RiskAction::Block];
    let [low, medium, high] = actions;
    let risk = RiskPolicy {
        mode: RiskMode::Enforced,
        levels: RiskSource::Estimated,
        low,
        medium,
        high,
        ..RiskPolicy::OFF
    };
    let mut fixture =
        PoolFixture::new(PoolPolicy { risk, ..policy(RememberMode::Always, true, MfaMode::Off) });
    let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add("ann", |account| {
        account.devices.push(known);
        account.addresses.push([10, 0, 0, 1].into());
    });
    let fail = |fixture: &mut PoolFixture| {
        for _ in 0..3 {
            assert_eq!(refusal(fixture.password("ann", "wrong", None)), INCORRECT);
        }
    };
    // The pool ignores the risk that the request itself claims.
    fixture.harness.origin.risk = Some(RiskLevel::High);
    from(&mut fixture, "10.0.0.1");
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens", "no sign");
    assert_eq!(fixture.sign_in_path("ann", None), "tokens +N", "low: a new device");
    from(&mut fixture, "10.0.0.2");
    assert_eq!(fixture.sign_in_path("ann", None), BLOCKED, "medium, and no factor in a pool without MFA");
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens", "low: a new address");
    assert_eq!(fixture.sign_in_path("ann", None), "tokens +N", "which is not new any more");
    fail(&mut fixture);
    assert_eq!(fixture.sign_in_path("ann", None), BLOCKED, "medium: failures and a new device");
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens", "low: failures");
    assert_eq!(fixture.sign_in_path("ann", None), "tokens +N", "which are forgotten");
    // The pool knows eight addresses and forgets the one that was unused for the longest time.
    for last in 3..=10 {
        from(&mut fixture, &format!("10.0.0.{last}"));
        assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens");
    }
    for (last, sign_in_path) in [(2, BLOCKED), (3, "tokens +N"), (1, BLOCKED)] {
        from(&mut fixture, &format!("10.0.0.{last}"));
        assert_eq!(fixture.sign_in_path("ann", None), sign_in_path, "{last}");
    }
    // High: all three. The key of another user's device counts as no key.
    fail(&mut fixture);
    from(&mut fixture, "192.0.2.1");
    let (stolen, _) = fixture.device(DeviceStatus::Remembered, true);
    assert_eq!(refusal(fixture.password("ann", PASSWORD, Some(&stolen.key))), BLOCKED);
    assert_eq!(parameter(&fixture.start("ann").challenge, keys::USERNAME), "ann");
}

#[test]
fn ipv4_mapped_ipv6_ranges_match() {
    let mut fixture = strict(RiskMode::Enforced, &["::ffff:192.0.2.0/120"], &[]);
    for (address, refused) in [("192.0.2.9", true), ("::ffff:192.0.2.9", true), ("192.0.3.9", false)] {
        from(&mut fixture, address);
        let reply = fixture.password("ann", PASSWORD, None);
        if refused {
            assert_eq!(refusal(reply), NOT_ALLOWED, "{address}");
        } else {
            assert!(reply.is_ok(), "{address}: {reply:?}");
        }
    }
}
