//! A run detects every defect of the embedded pool and names the rule that the defect breaks.

use std::collections::BTreeSet;

use poolproof::report::Report;
use poolproof::scenario::Scenario;
use poolproof_cognito::policy::CustomAuthDevices;
use poolproof_pool::Defect;

use crate::run_fixture::{play, play_with, root, scenario};

/// Returns a scenario with many kinds of sign-ins, factors and risk levels, so that most defects have an
/// effect.
pub(crate) fn mixed_scenario(pool: &str) -> Scenario {
    mixed_scenario_with(pool, "for: 100s, rate: 40/s")
}

/// Returns such a scenario with this load.
fn mixed_scenario_with(pool: &str, load: &str) -> Scenario {
    scenario(&format!(
        "version: 1
name: everyone
seed: 5
group: toy
pool: {pool}
population:
  users: 200
  factors: {{ none: 40, totp: 40, sms: 20 }}
  devices: {{ poisson: 1.3 }}
  opt_in: 50%
workload:
  stages: [ {{ {load} }} ]
  mix: {{ known_device: 50, new_device: 15, wrong_password: 15, forgotten_device: 5, wrong_device_secret: 5, replayed_claim: 10 }}
  risk: {{ none: 70, low: 10, medium: 10, high: 10 }}
"
    ))
}

/// Returns a scenario with compromised passwords and several source networks, for a pool with threat
/// protection.
fn threat_protection_scenario(risk: &str) -> Scenario {
    scenario(&format!(
        "version: 1
name: protected
seed: 5
group: toy
pool:
  remember: always
  mfa: optional
  risk: {risk}
population:
  users: 150
  factors: {{ none: 40, totp: 40, sms: 20 }}
  compromised: 20%
workload:
  stages: [ {{ for: 100s, rate: 40/s }} ]
  mix: {{ known_device: 50, new_device: 15, wrong_password: 50, plain_password: 10 }}
  risk: {{ none: 60, medium: 20, high: 20 }}
  from: {{ home: 60, elsewhere: 20, elsewhere_v6: 20 }}
"
    ))
}

/// Returns a scenario in which users use their tokens after they sign in.
fn token_scenario() -> Scenario {
    scenario(
        "version: 1
name: returning
seed: 5
group: toy
pool: { remember: opt_in, suppress_mfa: true, mfa: optional }
population: { users: 200, factors: { none: 50, totp: 50 }, devices: 2 }
workload:
  stages: [ { for: 100s, rate: 30/s } ]
  mix:
    known_device: 10
    forgotten_device: 5
    refresh: 40
    refresh_without_device: 10
    refresh_after_forget: 10
    refresh_after_revoke: 10
    refresh_after_sign_out: 10
",
    )
}

/// Returns a scenario in which refresh tokens rotate and are used again, within and after the grace period.
fn rotation_scenario() -> Scenario {
    scenario(
        "version: 1
name: rotating
seed: 5
group: toy
pool: { remember: opt_in, refresh_token_rotation: { grace_period: 5s } }
population: { users: 200, devices: 2 }
workload:
  stages: [ { for: 100s, rate: 30/s } ]
  mix: { known_device: 10, refresh: 30, refresh_reuse: 50, refresh_after_forget: 5, refresh_after_revoke: 5 }
",
    )
}

/// Users who sign in by their address, and whose user name is neither the address nor the sub.
fn alias_scenario() -> Scenario {
    scenario(
        "version: 1
name: aliases
seed: 5
group: toy
pool: { remember: always, mfa: optional }
population: { users: 200, sign_in_by: alias, factors: { none: 50, totp: 50 }, devices: 1 }
workload:
  stages: [ { for: 60s, rate: 20/s } ]
  mix: { known_device: 60, new_device: 20, wrong_password: 20 }
",
    )
}

/// Users whose clients leave the device key out of the MFA answer.
fn omitted_key_scenario() -> Scenario {
    scenario(
        "version: 1
name: omitted-key
seed: 5
group: toy
pool: { remember: always, mfa: optional }
population: { users: 200, factors: { sms: 100 }, devices: 1 }
workload:
  stages: [ { for: 60s, rate: 20/s } ]
  mix: { key_omitted_after_mfa: 100 }
",
    )
}

/// Users whose phone number is registered and not active, in a pool that requires MFA by risk.
fn registered_factor_scenario() -> Scenario {
    scenario(
        "version: 1
name: registered-factors
seed: 5
group: toy
pool: { remember: \"no\", mfa: optional, risk: { mode: enforced, low: mfa_if_configured } }
population: { users: 200, factors: { phone: 100 } }
workload:
  stages: [ { for: 60s, rate: 20/s } ]
  mix: { new_device: 100 }
  risk: { none: 50, low: 50 }
",
    )
}

/// Users who sign in by custom challenges and by a code as the first factor.
fn flow_scenario(remember: &str, keys: CustomAuthDevices, proof: bool) -> Scenario {
    scenario(&format!(
        "version: 1
name: flows
seed: 5
group: toy
pool:
  remember: {remember}
  suppress_mfa: true
  mfa: optional
  first_factors: [email_otp, sms_otp]
  custom_auth: [ {{ challenge: captcha, answer: \"42\" }}, {{ challenge: motto, answer: semper }} ]
  switches: {{ custom_auth_devices: {keys}, passwordless_device_proof: {proof} }}
population: {{ users: 200, factors: {{ none: 40, phone: 30, sms: 15, totp: 15 }}, devices: 1, opt_in: 50% }}
workloads:
  - name: challenges
    flow: custom_auth
    stages: [ {{ for: 60s, rate: 10/s }} ]
    mix: {{ known_device: 60, new_device: 15, forgotten_device: 10, wrong_device_secret: 5, wrong_custom_answer: 10 }}
  - name: after-password
    flow: custom_auth_after_password
    stages: [ {{ for: 60s, rate: 10/s }} ]
    mix: {{ known_device: 55, new_device: 20, wrong_password: 10, forgotten_device: 10, wrong_custom_answer: 5 }}
  - name: sms-codes
    flow: user_auth_sms_otp
    stages: [ {{ for: 60s, rate: 10/s }} ]
    mix: {{ known_device: 60, new_device: 30, forgotten_device: 10 }}
  - name: mail-codes
    flow: user_auth_email_otp
    stages: [ {{ for: 60s, rate: 5/s }} ]
    mix: {{ known_device: 100 }}
  - name: srp
    flow: user_auth_password_srp
    stages: [ {{ for: 60s, rate: 5/s }} ]
    mix: {{ known_device: 70, wrong_password: 10, refresh: 20 }}
  - name: plain
    flow: user_auth_password
    stages: [ {{ for: 60s, rate: 5/s }} ]
    mix: {{ known_device: 70, wrong_password: 10, forgotten_device: 20 }}
"
    ))
}

/// With every switch the pool decides about all flows as the oracle expects.
#[test]
fn a_correct_pool_has_no_mismatches_in_any_flow() {
    let mut met = BTreeSet::new();
    for (remember, keys, proof) in [
        ("always", CustomAuthDevices::Never, false),
        ("always", CustomAuthDevices::AfterPassword, true),
        ("opt_in", CustomAuthDevices::Always, false),
        ("\"no\"", CustomAuthDevices::Always, true),
    ] {
        let report = play(&flow_scenario(remember, keys, proof));
        assert!(report.decisions.checked > 2000, "{}", report.decisions.checked);
        assert_eq!(mismatched_rules(&report), Vec::<&str>::new(), "{remember} {keys}");
        met.extend(report.decisions.rules.iter().map(|rule| rule.id.clone()));
    }
    for rule in poolproof_oracle::rules().filter(|rule| rule.source == "SEMANTICS a.8") {
        assert!(met.contains(rule.id), "{} applies nowhere", rule.id);
    }
}

const LISTS: &str = "{ mode: enforced, low: no_action, medium: mfa_required, high: block, compromised: block, \
     always_block: [ 198.18.0.0/17, 2001:db8:8000::/33 ], always_allow: [ 198.19.0.0/16, 2001:db8::/34 ] }";
const ESTIMATED: &str =
    "{ mode: enforced, levels: estimated, low: no_action, medium: mfa_if_configured, high: block }";

/// Returns a scenario in which three users enter so many wrong passwords that the pool locks them out.
fn failing_sign_ins_scenario() -> Scenario {
    scenario(
        "version: 1
name: clumsy
seed: 5
group: toy
pool: { remember: always }
population: { users: 3 }
workload:
  stages: [ { for: 100s, rate: 4/s } ]
  mix: { known_device: 10, wrong_password: 90 }
",
    )
}

pub(crate) const ALWAYS: &str = "{ remember: always, suppress_mfa: true, mfa: optional, switches: { claims: once }, \
     risk: { mode: enforced, low: mfa_if_configured, medium: mfa_required, high: block } }";
const ALWAYS_ASKING: &str =
    "{ remember: always, suppress_mfa: false, mfa: optional, switches: { claims: once } }";
const OPT_IN: &str = "{ remember: opt_in, suppress_mfa: true, mfa: optional, switches: { claims: once } }";

/// Each defect with a pool in which it has an effect, and a rule that it breaks.
const EXPECTED_RULES: [(Defect, &str, &str); 25] = [
    (Defect::ForgottenDeviceAccepted, ALWAYS, "device-unknown"),
    (Defect::SuppressesAlways, ALWAYS_ASKING, "not-suppressed"),
    (Defect::OptInRemembersAtOnce, OPT_IN, "not-remembered"),
    (Defect::BlockIgnored, ALWAYS, "risk-block"),
    (Defect::NoteUnknown, ALWAYS, "note-device"),
    (Defect::DeviceClaimUnchecked, ALWAYS, "wrong-device-secret"),
    (Defect::PasswordClaimUnchecked, ALWAYS, "wrong-password"),
    (Defect::ClaimReusable, ALWAYS, "replayed-claim"),
    (Defect::LockoutOffByOne, "", "locked-out"),
    (Defect::NewDeviceAlways, ALWAYS, "suppressed"),
    (Defect::BlockedAddressIgnored, LISTS, "address-blocked"),
    (Defect::AllowedAddressIgnored, LISTS, "address-allowed"),
    (Defect::CompromisedIgnored, LISTS, "compromised-blocked"),
    (Defect::CompromisedSeenInSrp, LISTS, "compromised-srp"),
    (Defect::EstimateWithoutAddress, ESTIMATED, "risk-block"),
    (Defect::RefreshUnbound, "tokens", "refresh-without-device"),
    (Defect::ForgottenDeviceRefreshes, "tokens", "refresh-device-forgotten"),
    (Defect::RevokeIgnored, "tokens", "refresh-revoked"),
    (Defect::SignOutIgnored, "tokens", "refresh-signed-out"),
    (Defect::PasswordStepKeyCounts, "omitted key", "mfa-answer-without-key"),
    (Defect::RiskNeedsActiveFactor, "registered factors", "risk-mfa"),
    (Defect::UsedTokenRefreshes, "rotation", "refresh-reused"),
    (Defect::CustomDeviceProofSkipped, "flows", "custom-device-proof"),
    (Defect::CodeOfferedBeforeMfa, "flows", "first-factor-code-not-offered"),
    (Defect::SubForSrp, "aliases", "remembered-always"),
];

/// Each defect that no decision shows, with a bundled scenario and its threshold that does not hold.
const EXPECTED_THRESHOLDS: [(Defect, &str, &str); 1] =
    [(Defect::AppSetupUncounted, "cognito-quotas-totp", "throttled.rate > 30%")];

/// Returns the scenario for a pool of [`EXPECTED_RULES`].
fn scenario_for(pool: &str) -> Scenario {
    match pool {
        "" => failing_sign_ins_scenario(),
        "tokens" => token_scenario(),
        "aliases" => alias_scenario(),
        "omitted key" => omitted_key_scenario(),
        "registered factors" => registered_factor_scenario(),
        "rotation" => rotation_scenario(),
        "flows" => flow_scenario("always", CustomAuthDevices::Never, false),
        LISTS | ESTIMATED => threat_protection_scenario(pool),
        pool => mixed_scenario(pool),
    }
}

fn mismatched_rules(report: &Report) -> Vec<&str> {
    let wrong = report.decisions.rules.iter().filter(|rule| rule.mismatched > 0);
    wrong.map(|rule| rule.id.as_str()).collect()
}

#[test]
fn a_correct_pool_has_no_mismatches() {
    for pool in [ALWAYS, ALWAYS_ASKING, OPT_IN] {
        // The rate is low, so that users have enough TOTP codes.
        let report = play(&mixed_scenario_with(pool, "for: 700s, rate: 5/s"));
        assert!(report.decisions.checked > 3000, "{}", report.decisions.checked);
        assert_eq!(mismatched_rules(&report), Vec::<&str>::new(), "{pool}");
        assert_eq!(report.verdict.exit_code, 0);
    }
    for (scenario, rules) in [
        (
            threat_protection_scenario(LISTS),
            [
                "address-blocked",
                "address-allowed",
                "compromised-blocked",
                "compromised-srp",
                "reset-required",
                "risk-block",
            ]
            .as_slice(),
        ),
        (
            threat_protection_scenario(ESTIMATED),
            ["risk-block", "risk-mfa-new", "remembered-always"].as_slice(),
        ),
        (
            token_scenario(),
            [
                "refresh",
                "refresh-without-device",
                "refresh-device-forgotten",
                "refresh-revoked",
                "refresh-signed-out",
            ]
            .as_slice(),
        ),
        (rotation_scenario(), ["refresh", "refresh-in-grace", "refresh-reused"].as_slice()),
        (alias_scenario(), ["remembered-always", "wrong-password"].as_slice()),
    ] {
        let report = play(&scenario);
        assert_eq!(mismatched_rules(&report), Vec::<&str>::new(), "{}", scenario.name);
        for rule in rules {
            let is_checked =
                report.decisions.rules.iter().any(|checked| checked.id == *rule && checked.seen > 10);
            assert!(is_checked, "{}: rule {rule} has too few sign-ins", scenario.name);
        }
    }
    for (scenario, rule) in
        [(omitted_key_scenario(), "mfa-answer-without-key"), (registered_factor_scenario(), "risk-mfa")]
    {
        let report = play(&scenario);
        assert_eq!(mismatched_rules(&report), Vec::<&str>::new(), "{}", scenario.name);
        assert!(
            report.decisions.rules.iter().any(|checked| checked.id == rule && checked.seen > 10),
            "{rule}"
        );
    }
    let report = play(&failing_sign_ins_scenario());
    assert_eq!(mismatched_rules(&report), Vec::<&str>::new());
    assert!(report.decisions.rules.iter().any(|rule| rule.id == "locked-out" && rule.seen > 10));
}

#[test]
fn every_defect_is_found_under_the_right_rule() {
    for defect in Defect::ALL {
        let found = EXPECTED_RULES.iter().chain(&EXPECTED_THRESHOLDS).any(|(known, ..)| *known == defect);
        assert!(found, "{defect:?} has no expected rule");
    }
    for (defect, pool, rule) in EXPECTED_RULES {
        let scenario = scenario_for(pool);
        let report = play_with(&scenario, Some(defect));
        let wrong = mismatched_rules(&report);
        assert!(wrong.contains(&rule), "{defect:?} must break {rule}, but breaks {wrong:?}");
        assert_eq!(report.verdict.exit_code, 80, "{defect:?}");
        assert!(!report.decisions.mismatches.is_empty());
    }
}

#[test]
fn a_defect_of_the_quotas_is_found_by_a_threshold() {
    for (defect, name, threshold) in EXPECTED_THRESHOLDS {
        let file = root().join("scenarios").join(name).with_extension("yaml");
        let scenario = poolproof::scenario::read(&file).unwrap();
        let report = play_with(&scenario, Some(defect));
        let crossed = report.thresholds.iter().filter(|one| !one.passed).map(|one| one.text.as_str());
        assert_eq!(crossed.collect::<Vec<_>>(), [threshold], "{defect:?}");
        assert_eq!(report.verdict.exit_code, 99, "{defect:?}");
    }
}
