//! Lockout: which failures count, how long a lockout lasts and what ends it.

use std::time::Duration;

use poolproof_cognito::ids::ClientId;
use poolproof_cognito::policy::{MfaMode, PoolPolicy};
use poolproof_cognito::protocol::{Parameters, keys};
use poolproof_pool::{AppClient, PasswordFlow};
use poolproof_srp::Group;

use crate::factors::{answer, asked, key_of, pool, with_sms};
use crate::fixture::{
    CLIENT, INCORRECT, LOCKED, PASSWORD, PoolFixture, WRONG_CODE, begin, finish, initiate, refusal, respond,
    tokens, with_email_alias,
};

#[test]
fn the_fifth_failure_locks_for_one_second() {
    // 4 to 20 failures, each at the end of the lockout before.
    let mut fixture = pool(MfaMode::Off);
    fixture.add("ann", |_| {});
    for failure in 1..=20_u32 {
        assert_eq!(refusal(fixture.password("ann", "wrong", None)), INCORRECT, "failure {failure}");
        let lock = if failure < 5 { 0 } else { 2_u64.pow((failure - 5).min(16)).min(900) };
        if lock > 0 {
            for _ in 0..3 {
                // Attempts during the lockout do not count, whether right or wrong.
                assert_eq!(refusal(fixture.password("ann", "wrong", None)), LOCKED, "failure {failure}");
                assert_eq!(refusal(fixture.password("ann", PASSWORD, None)), LOCKED, "failure {failure}");
            }
            fixture.harness.now =
                fixture.harness.now.plus(Duration::from_secs(lock)).minus(Duration::from_micros(1));
            assert_eq!(refusal(fixture.password("ann", PASSWORD, None)), LOCKED, "1 µs before its end");
            fixture.harness.now = fixture.harness.now.plus(Duration::from_micros(1));
        }
        if failure == 20 {
            break;
        }
    }
    assert_eq!(fixture.sign_in_path("ann", None), "tokens", "at its end");
    for _ in 0..4 {
        assert_eq!(refusal(fixture.password("ann", "wrong", None)), INCORRECT);
    }
    assert_eq!(fixture.sign_in_path("ann", None), "tokens", "success has forgotten all");
}

#[test]
fn failures_reset_after_15_minutes_without_attempts() {
    for (idle, locked) in [(899, true), (900, false)] {
        let mut fixture = pool(MfaMode::Off);
        fixture.add("ann", |_| {});
        for _ in 0..4 {
            assert_eq!(refusal(fixture.password("ann", "wrong", None)), INCORRECT);
        }
        fixture.advance_clock(idle);
        assert_eq!(refusal(fixture.password("ann", "wrong", None)), INCORRECT);
        let next = fixture.password("ann", PASSWORD, None);
        assert_eq!(next.is_err(), locked, "{idle} s");
    }
}

#[test]
fn wrong_codes_lock_as_wrong_passwords_do() {
    for with_app in [true, false] {
        let mut fixture = pool(MfaMode::Optional);
        if with_app {
            fixture.add_with_app("ann", |_| {});
        } else {
            fixture.add("ann", with_sms);
        }
        fixture.advance_clock(1000);
        let asked = asked(&mut fixture, "ann");
        let key = key_of(asked.name);
        for _ in 0..5 {
            assert_eq!(refusal(answer(&mut fixture, &asked, key, "wrong")), WRONG_CODE);
        }
        assert_eq!(refusal(fixture.password("ann", PASSWORD, None)), LOCKED);
        // Codes cannot be guessed either: there are only 10^6.
        let right = if with_app { fixture.next_app_code("ann") } else { fixture.delivered("ann") };
        for _ in 0..10 {
            assert_eq!(refusal(answer(&mut fixture, &asked, key, "wrong")), LOCKED);
            assert_eq!(refusal(answer(&mut fixture, &asked, key, &right)), LOCKED);
        }
        fixture.advance_clock(1);
        tokens(answer(&mut fixture, &asked, key, &right));
    }
}

#[test]
fn concurrent_claims_allow_no_extra_guesses() {
    // The duration of computations must not change the number of allowed guesses.
    let mut fixture = pool(MfaMode::Off);
    fixture.add("ann", |_| {});
    let mut said = Vec::new();
    let mut under_way = Vec::new();
    let exchanges: Vec<_> = (0..20).map(|_| fixture.start("ann")).collect();
    for exchange in &exchanges {
        let claim = respond("PASSWORD_VERIFIER", None, fixture.claim(exchange, "wrong"));
        under_way.push(begin(&mut fixture, claim));
    }
    let late = respond("PASSWORD_VERIFIER", None, fixture.claim(&exchanges[0], PASSWORD));
    for waiting in under_way {
        said.push(refusal(finish(&mut fixture, waiting)));
    }
    assert_eq!(said.iter().filter(|said| *said == INCORRECT).count(), 5, "{said:?}");
    assert!(said[5..].iter().all(|said| said == LOCKED));
    assert_eq!(refusal(fixture.ask(late)), LOCKED);
    // Claims that were not checked did not count, and their challenges can still be answered.
    fixture.advance_clock(1);
    assert_eq!(fixture.prove(&exchanges[19], PASSWORD).map(drop), Ok(()));
}

#[test]
fn concurrent_plain_passwords_allow_no_extra_guesses() {
    let client =
        AppClient { password_flow: PasswordFlow::WithDevices, ..AppClient::public(ClientId::new(CLIENT)) };
    for name in ["ann", "unknown"] {
        let client = AppClient { prevents_user_existence_errors: true, ..client.clone() };
        let mut fixture = PoolFixture::with(PoolPolicy::DEFAULT, Group::toy(), client);
        fixture.add("ann", |_| {});
        let guess = Parameters::new().with(keys::USERNAME, name).with(keys::PASSWORD, "wrong");
        let guess = initiate("USER_PASSWORD_AUTH", guess);
        let under_way: Vec<_> = (0..20).map(|_| begin(&mut fixture, guess.clone())).collect();
        let said: Vec<_> =
            under_way.into_iter().map(|waiting| refusal(finish(&mut fixture, waiting))).collect();
        assert_eq!(said.iter().filter(|said| *said == INCORRECT).count(), 5, "{name}: {said:?}");
    }
}

#[test]
fn passwords_and_codes_count_together() {
    let mut fixture = pool(MfaMode::Optional);
    fixture.add_with_app("ann", |_| {});
    let asked = asked(&mut fixture, "ann");
    for _ in 0..3 {
        assert_eq!(refusal(fixture.password("ann", "wrong", None)), INCORRECT);
    }
    for _ in 0..2 {
        assert_eq!(refusal(answer(&mut fixture, &asked, keys::SOFTWARE_TOKEN_MFA_CODE, "wrong")), WRONG_CODE);
    }
    assert_eq!(refusal(fixture.password("ann", PASSWORD, None)), LOCKED);
}

#[test]
fn a_correct_password_alone_does_not_reset_failures() {
    // Otherwise a client could guess codes, four at a time, without a lockout.
    let mut fixture = pool(MfaMode::Optional);
    fixture.add_with_app("ann", |_| {});
    for _ in 0..4 {
        let asked = asked(&mut fixture, "ann");
        assert_eq!(refusal(answer(&mut fixture, &asked, keys::SOFTWARE_TOKEN_MFA_CODE, "wrong")), WRONG_CODE);
    }
    let asked = asked(&mut fixture, "ann");
    assert_eq!(refusal(answer(&mut fixture, &asked, keys::SOFTWARE_TOKEN_MFA_CODE, "wrong")), WRONG_CODE);
    assert_eq!(refusal(fixture.password("ann", PASSWORD, None)), LOCKED);
}

#[test]
fn a_wrong_code_counts_as_an_attempt_for_the_idle_reset() {
    let mut fixture = PoolFixture::new(PoolPolicy {
        mfa: MfaMode::Optional,
        session_validity: Duration::from_secs(900),
        ..PoolPolicy::DEFAULT
    });
    fixture.add_with_app("ann", |_| {});
    let asked = asked(&mut fixture, "ann");
    fixture.advance_clock(800);
    for _ in 0..4 {
        assert_eq!(refusal(answer(&mut fixture, &asked, keys::SOFTWARE_TOKEN_MFA_CODE, "wrong")), WRONG_CODE);
    }
    fixture.advance_clock(800);
    assert_eq!(refusal(fixture.password("ann", "wrong", None)), INCORRECT);
    assert_eq!(refusal(fixture.password("ann", PASSWORD, None)), LOCKED, "four codes and a password");
}

#[test]
fn failures_count_per_user() {
    let mut fixture = pool(MfaMode::Off);
    fixture.allow_email_alias();
    fixture.add("ann", with_email_alias);
    fixture.add("bob", |_| {});
    // Failures under all names of a user count for the same account.
    for name in ["ann", "ann@example.org", "ann@example.org", "ann", "ann"] {
        assert_eq!(refusal(fixture.password(name, "wrong", None)), INCORRECT);
    }
    assert_eq!(refusal(fixture.password("ann@example.org", PASSWORD, None)), LOCKED);
    assert_eq!(fixture.sign_in_path("bob", None), "tokens");
}

#[test]
fn a_backward_clock_step_does_not_shorten_a_lockout() {
    let mut fixture = pool(MfaMode::Off);
    fixture.add("ann", |_| {});
    let start = fixture.harness.now;
    for _ in 0..5 {
        assert_eq!(refusal(fixture.password("ann", "wrong", None)), INCORRECT);
    }
    for back in [1, 100, 10_000] {
        fixture.harness.now = start.minus(Duration::from_secs(back));
        assert_eq!(refusal(fixture.password("ann", PASSWORD, None)), LOCKED);
    }
    fixture.harness.now = start.plus(Duration::from_secs(1));
    assert_eq!(fixture.sign_in_path("ann", None), "tokens");
}

#[test]
fn a_reused_code_counts_as_a_failure() {
    // The code is refused, and the refusal counts as a failure.
    let mut fixture = pool(MfaMode::Optional);
    fixture.add_with_app("ann", |_| {});
    let first = asked(&mut fixture, "ann");
    let code = fixture.next_app_code("ann");
    tokens(answer(&mut fixture, &first, key_of(first.name), &code));
    let again = asked(&mut fixture, "ann");
    for _ in 0..5 {
        let reused = refusal(answer(&mut fixture, &again, key_of(again.name), &code));
        assert_eq!(reused, "ExpiredCodeException: Your software token has already been used once.");
    }
    assert_eq!(refusal(answer(&mut fixture, &again, key_of(again.name), &code)), LOCKED);
}
