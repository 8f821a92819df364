//! Random scenarios: the oracle reports no mismatches for a correct pool.

use poolproof::scenario::Scenario;
use poolproof_cognito::seed::{Rng, Seed};
use rand::RngExt as _;

use crate::run_fixture::{play, scenario};

fn pick<'w>(rng: &mut Rng, words: &[&'w str]) -> &'w str {
    words[rng.random_range(0..words.len())]
}

/// Returns random weights for these keys. The first key always has a weight; others can be missing.
fn weights(rng: &mut Rng, keys: &[&str]) -> String {
    let mut parts = Vec::new();
    for (number, key) in keys.iter().enumerate() {
        if number == 0 || rng.random_bool(0.6) {
            parts.push(format!("{key}: {}", rng.random_range(1..40)));
        }
    }
    format!("{{ {} }}", parts.join(", "))
}

fn risk(rng: &mut Rng) -> String {
    let actions = ["no_action", "mfa_if_configured", "mfa_required", "block"];
    let mut levels = [0, 1, 2].map(|_| rng.random_range(0..actions.len()));
    levels.sort_unstable();
    let [low, medium, high] = levels.map(|level| actions[level]);
    let mode = pick(rng, &["off", "audit", "enforced", "enforced", "enforced"]);
    let source = pick(rng, &["given", "estimated"]);
    let compromised = pick(rng, &["no_action", "block"]);
    let block = pick(rng, &["[]", "[ 198.18.0.0/17 ]", "[ 2001:db8:8000::/33, 198.18.0.0/15 ]"]);
    let allow = pick(rng, &["[]", "[ 198.19.0.0/16 ]", "[ 2001:db8::/32, 10.0.0.0/25 ]"]);
    format!(
        "{{ mode: {mode}, low: {low}, medium: {medium}, high: {high}, levels: {source}, compromised: {compromised}, \
         always_block: {block}, always_allow: {allow} }}"
    )
}

/// Returns the random scenario with this number. It has about `sign_ins` sign-ins.
fn random_scenario(number: u64, sign_ins: u32) -> Scenario {
    let rng = &mut Seed::new(20_261_125).rng("hunt", number);
    let (seconds, users) = (rng.random_range(20..400), rng.random_range(3..400));
    let rate = f64::from(sign_ins) / f64::from(seconds);
    let (remember, mfa) = (pick(rng, &["no", "always", "opt_in"]), pick(rng, &["off", "optional", "on"]));
    let (suppress, strict) = (rng.random_bool(0.5), rng.random_bool(0.3));
    let (note, lockout) = (pick(rng, &["pool", "device", "off"]), pick(rng, &["cognito", "off"]));
    // Only with `once` is a claim that is sent again refused, and so a kind of sign-in.
    let (claims, again) = if number.is_multiple_of(2) {
        ("cognito", "key_omitted_after_mfa")
    } else {
        ("once", "replayed_claim")
    };
    let rotates = number.is_multiple_of(3);
    let rotation = if rotates { "\n  refresh_token_rotation: { grace_period: 3s }" } else { "" };
    let mut intents = vec![
        "known_device",
        "new_device",
        "wrong_password",
        "forgotten_device",
        "wrong_device_secret",
        again,
        "plain_password",
        "refresh",
        "refresh_without_device",
        "refresh_after_forget",
        "refresh_after_revoke",
        "refresh_after_sign_out",
    ];
    intents.extend(rotates.then_some("refresh_reuse"));
    let mix = weights(rng, &intents);
    let sign_in_by = ["username", "email", "alias", "username"][usize::try_from(number % 4).unwrap()];
    let mut factors = vec!["none", "totp", "sms", "sms_and_totp", "phone"];
    // Risk could require an e-mail code from every user who signs in by an address.
    factors.extend((sign_in_by == "username").then_some("email"));
    let factors = weights(rng, &factors);
    let levels = weights(rng, &["none", "low", "medium", "high"]);
    let from = weights(rng, &["home", "elsewhere", "elsewhere_v6"]);
    let (opt_in, compromised) = (rng.random_range(0..=100), rng.random_range(0..40));
    let delay = pick(rng, &["none", "{ log_normal: { median: 8s, sigma: 0.6 } }"]);
    let quotas = pick(rng, &["none", "none", "{ user_authentication: 20/s, user_resource_update: 5/s }"]);
    let risk = risk(rng);
    let mfa_switches = mfa_switches(number);
    scenario(&format!(
        "version: 1
name: hunt-{number}
seed: {number}
group: toy
pool:
  remember: {remember}
  suppress_mfa: {suppress}
  mfa: {mfa}
  lockout: {lockout}
  quotas: {quotas}{rotation}
  switches: {{ risk_note: {note}, strict_mfa_binding: {strict}, claims: {claims}, {mfa_switches} }}
  risk: {risk}
population:
  users: {users}
  sign_in_by: {sign_in_by}
  factors: {factors}
  devices: {{ poisson: 1.3 }}
  opt_in: {opt_in}%
  compromised: {compromised}%
workload:
  stages: [ {{ for: {seconds}s, rate: {rate:.3}/s }} ]
  mix: {mix}
  risk: {levels}
  from: {from}
client: {{ mfa_delay: {delay} }}
"
    ))
}

/// Returns the switches about MFA. They follow from the number, so that the other choices of a scenario
/// stay the same.
fn mfa_switches(number: u64) -> String {
    let proof = if number % 4 == 1 { "confirmed" } else { "remembered" };
    let (email, setup) = (!number.is_multiple_of(3), number % 2 == 1);
    format!("email_mfa_suppressed: {email}, proof_after_mfa: {proof}, risk_mfa_setup: {setup}")
}

/// Runs these scenarios and returns the number of sign-ins.
fn run_random_scenarios(numbers: std::ops::Range<u64>, sign_ins: u32) -> u64 {
    let mut played = 0;
    for number in numbers {
        let scenario = random_scenario(number, sign_ins);
        let report = play(&scenario);
        let mismatches = &report.decisions.mismatches;
        assert!(mismatches.is_empty(), "{}\n{:#?}", scenario.to_yaml(), mismatches.first());
        assert!(report.decisions.checked > 0, "{}", scenario.to_yaml());
        played += report.sign_ins.started;
    }
    played
}

#[test]
fn a_correct_pool_has_no_mismatches_in_random_scenarios() {
    assert!(run_random_scenarios(0..12, 400) > 3000);
}

#[test]
#[ignore = "takes minutes; run it after changes of the pool or the oracle: cargo test --release -- --ignored 200_000"]
fn a_correct_pool_has_no_mismatches_in_200_000_sign_ins() {
    assert!(run_random_scenarios(0..120, 2000) > 200_000);
}
