//! Threat protection: lists of addresses, compromised passwords, and the pool's own estimate (SEMANTICS c.4).

use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::ClientId;
use poolproof_cognito::policy::{
    CompromisedAction, MfaMode, PoolPolicy, RememberMode, RiskAction, RiskLevel, RiskLevels, RiskMode,
    RiskPolicy,
};
use poolproof_cognito::protocol::{DeviceStatus, Parameters, Reply, keys};
use poolproof_pool::{AppClient, PasswordFlow};
use poolproof_srp::Group;

use crate::pool_world::{CLIENT, INCORRECT, NO_SUCH_DEVICE, PASSWORD, World, policy, refusal, tokens, told};

const NOT_ALLOWED: &str = "NotAuthorizedException: Request not allowed due to security reasons.";
const BLOCKED: &str = "NotAuthorizedException: Unable to login because of security reasons.";
const RESET: &str = "PasswordResetRequiredException: Password reset required for the user";

/// A pool that blocks every risk and every compromised password, with these lists.
fn strict(mode: RiskMode, blocked: &[&str], skipped: &[&str]) -> World {
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
    let mut world = World::with(policy, Group::toy(), client);
    let ranges = |list: &[&str]| list.iter().map(|range| range.parse().unwrap()).collect();
    world.exceptions(RiskExceptions { blocked: ranges(blocked), skipped: ranges(skipped) });
    world.add("ann", |_| {});
    world.add("known", |account| account.compromised = true);
    world
}

fn from(world: &mut World, address: &str) {
    world.pair.origin.address = Some(address.parse().unwrap());
}

fn plain(world: &mut World, name: &str, password: &str) -> Reply {
    let start = Parameters::new().with(keys::USERNAME, name).with(keys::PASSWORD, password);
    world.initiate("USER_PASSWORD_AUTH", start)
}

#[test]
fn an_address_that_is_always_blocked_is_refused_once_the_password_was_right() {
    let mut world = strict(RiskMode::Enforced, &["192.0.2.0/24", "2001:db8::/32"], &["0.0.0.0/0"]);
    let (phone, _) = world.device(DeviceStatus::Remembered, true);
    for (address, blocked) in [
        ("192.0.2.0", true),
        ("192.0.2.255", true),
        ("::ffff:192.0.2.9", true),
        ("2001:db8:1::1", true),
        ("192.0.3.0", false),
        ("192.0.1.255", false),
        ("2001:db9::1", false),
    ] {
        from(&mut world, address);
        assert_eq!(refusal(world.password("ann", "wrong", None)), INCORRECT, "{address}");
        let told = world.way("ann", None);
        assert_eq!(told, if blocked { NOT_ALLOWED } else { "tokens +N" }, "{address}");
        // Nothing is said of devices.
        let named = refusal(world.password("ann", PASSWORD, Some(&phone.key)));
        assert_eq!(named, if blocked { NOT_ALLOWED } else { NO_SUCH_DEVICE }, "{address}");
        world.sign_in_from_nowhere("ann");
    }
    // An address that nobody knows is on no list.
    world.pair.origin.address = None;
    assert_eq!(world.way("ann", None), "tokens +N");
}

#[test]
fn an_address_that_is_always_allowed_is_not_looked_at() {
    let mut world = strict(RiskMode::Enforced, &[], &["192.0.2.0/24"]);
    world.pair.origin.risk = Some(RiskLevel::High);
    from(&mut world, "192.0.2.1");
    assert_eq!(world.way("ann", None), "tokens +N");
    tokens(plain(&mut world, "known", PASSWORD));
    from(&mut world, "192.0.3.1");
    assert_eq!(world.way("ann", None), BLOCKED);
}

#[test]
fn lists_and_passwords_count_only_where_threat_protection_is_enforced() {
    for mode in [RiskMode::Off, RiskMode::Audit] {
        let mut world = strict(mode, &["192.0.2.0/24"], &[]);
        from(&mut world, "192.0.2.1");
        assert_eq!(world.way("ann", None), "tokens +N");
        tokens(plain(&mut world, "known", PASSWORD));
        assert_eq!(world.way("known", None), "tokens +N");
    }
}

#[test]
fn a_compromised_password_is_refused_where_it_is_seen_and_must_be_reset() {
    let mut world = strict(RiskMode::Enforced, &["192.0.2.0/24"], &[]);
    assert_eq!(world.way("known", None), "tokens +N", "SRP shows no password");
    assert_eq!(refusal(plain(&mut world, "known", "wrong")), INCORRECT);
    // From a blocked address nothing is looked at, and nothing changes.
    from(&mut world, "192.0.2.1");
    assert_eq!(refusal(plain(&mut world, "known", PASSWORD)), NOT_ALLOWED);
    world.pair.origin.address = None;
    assert_eq!(world.way("known", None), "tokens +N");
    assert_eq!(refusal(plain(&mut world, "known", PASSWORD)), BLOCKED);
    assert_eq!(refusal(plain(&mut world, "known", PASSWORD)), RESET);
    assert_eq!(world.way("known", None), RESET, "by SRP too, from now on");
    assert_eq!(refusal(world.password("known", "wrong", None)), INCORRECT);
    tokens(plain(&mut world, "ann", PASSWORD));
}

#[test]
fn new_devices_new_addresses_and_failures_are_a_level_each() {
    let actions = [RiskAction::NoAction, RiskAction::MfaRequired, RiskAction::Block];
    let [low, medium, high] = actions;
    let risk = RiskPolicy {
        mode: RiskMode::Enforced,
        levels: RiskLevels::Estimated,
        low,
        medium,
        high,
        ..RiskPolicy::OFF
    };
    let mut world = World::new(PoolPolicy { risk, ..policy(RememberMode::Always, true, MfaMode::Off) });
    let (phone, known) = world.device(DeviceStatus::Remembered, true);
    world.add("ann", |account| {
        account.devices.push(known);
        account.addresses.push([10, 0, 0, 1].into());
    });
    let fail = |world: &mut World| {
        for _ in 0..3 {
            assert_eq!(refusal(world.password("ann", "wrong", None)), INCORRECT);
        }
    };
    // What the request says of its own risk does not count (M8).
    world.pair.origin.risk = Some(RiskLevel::High);
    from(&mut world, "10.0.0.1");
    assert_eq!(world.way("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens", "no sign");
    assert_eq!(world.way("ann", None), "tokens +N", "low: a new device");
    from(&mut world, "10.0.0.2");
    assert_eq!(world.way("ann", None), BLOCKED, "medium, and no factor in a pool without MFA");
    assert_eq!(world.way("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens", "low: a new address");
    assert_eq!(world.way("ann", None), "tokens +N", "which is not new any more");
    fail(&mut world);
    assert_eq!(world.way("ann", None), BLOCKED, "medium: failures and a new device");
    assert_eq!(world.way("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens", "low: failures");
    assert_eq!(world.way("ann", None), "tokens +N", "which are forgotten");
    // Eight addresses are known, and the one longest unused is the next to be new.
    for last in 3..=10 {
        from(&mut world, &format!("10.0.0.{last}"));
        assert_eq!(world.way("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens");
    }
    for (last, way) in [(2, BLOCKED), (3, "tokens +N"), (1, BLOCKED)] {
        from(&mut world, &format!("10.0.0.{last}"));
        assert_eq!(world.way("ann", None), way, "{last}");
    }
    // High: all three. The key of a device that is not ann's is as good as none.
    fail(&mut world);
    from(&mut world, "192.0.2.1");
    let (stolen, _) = world.device(DeviceStatus::Remembered, true);
    assert_eq!(refusal(world.password("ann", PASSWORD, Some(&stolen.key))), BLOCKED);
    assert_eq!(told(&world.start("ann").challenge, keys::USERNAME), "ann");
}

#[test]
fn a_list_of_version_4_written_as_version_6_holds_all_the_same() {
    let mut world = strict(RiskMode::Enforced, &["::ffff:192.0.2.0/120"], &[]);
    for (address, refused) in [("192.0.2.9", true), ("::ffff:192.0.2.9", true), ("192.0.3.9", false)] {
        from(&mut world, address);
        let reply = world.password("ann", PASSWORD, None);
        if refused {
            assert_eq!(refusal(reply), NOT_ALLOWED, "{address}");
        } else {
            assert!(reply.is_ok(), "{address}: {reply:?}");
        }
    }
}
