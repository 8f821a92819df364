//! Lock-outs: how many failures of what kind, for how long, and what ends them (M9, P7).

use std::time::Duration;

use poolproof_cognito::ids::ClientId;
use poolproof_cognito::policy::{MfaMode, PoolPolicy};
use poolproof_cognito::protocol::{Parameters, keys};
use poolproof_pool::{AppClient, PasswordFlow};
use poolproof_srp::Group;

use crate::pool_factors::{answer, asked, key_of, pool, with_sms};
use crate::pool_world::{
    CLIENT, INCORRECT, LOCKED, PASSWORD, WRONG_CODE, World, begin, finish, initiate, refusal, respond, tokens,
};

#[test]
fn four_failures_lock_nobody_and_the_fifth_locks_for_a_second() {
    // M9: 4 … 20 failures, each at the very end of the lock before it.
    let mut world = pool(MfaMode::Off);
    world.add("ann", |_| {});
    for failure in 1..=20_u32 {
        assert_eq!(refusal(world.password("ann", "wrong", None)), INCORRECT, "failure {failure}");
        let lock = if failure < 5 { 0 } else { 2_u64.pow((failure - 5).min(16)).min(900) };
        if lock > 0 {
            for _ in 0..3 {
                // Attempts within the lock do not count, right or wrong.
                assert_eq!(refusal(world.password("ann", "wrong", None)), LOCKED, "failure {failure}");
                assert_eq!(refusal(world.password("ann", PASSWORD, None)), LOCKED, "failure {failure}");
            }
            world.pair.now = world.pair.now.plus(Duration::from_secs(lock)).minus(Duration::from_micros(1));
            assert_eq!(refusal(world.password("ann", PASSWORD, None)), LOCKED, "1 µs before its end");
            world.pair.now = world.pair.now.plus(Duration::from_micros(1));
        }
        if failure == 20 {
            break;
        }
    }
    assert_eq!(world.way("ann", None), "tokens", "at its end");
    for _ in 0..4 {
        assert_eq!(refusal(world.password("ann", "wrong", None)), INCORRECT);
    }
    assert_eq!(world.way("ann", None), "tokens", "success has forgotten all");
}

#[test]
fn a_quarter_of_an_hour_without_attempts_forgets() {
    for (idle, locked) in [(899, true), (900, false)] {
        let mut world = pool(MfaMode::Off);
        world.add("ann", |_| {});
        for _ in 0..4 {
            assert_eq!(refusal(world.password("ann", "wrong", None)), INCORRECT);
        }
        world.pass(idle);
        assert_eq!(refusal(world.password("ann", "wrong", None)), INCORRECT);
        let next = world.password("ann", PASSWORD, None);
        assert_eq!(next.is_err(), locked, "{idle} s");
    }
}

#[test]
fn wrong_codes_lock_as_wrong_passwords_do() {
    for with_app in [true, false] {
        let mut world = pool(MfaMode::Optional);
        if with_app {
            world.add_with_app("ann", |_| {});
        } else {
            world.add("ann", with_sms);
        }
        world.pass(1000);
        let asked = asked(&mut world, "ann");
        let key = key_of(asked.name);
        for _ in 0..5 {
            assert_eq!(refusal(answer(&mut world, &asked, key, "wrong")), WRONG_CODE);
        }
        assert_eq!(refusal(world.password("ann", PASSWORD, None)), LOCKED);
        // Nor can codes be tried: 10^6 of them are soon through.
        let right = if with_app { world.read_app("ann") } else { world.delivered("ann") };
        for _ in 0..10 {
            assert_eq!(refusal(answer(&mut world, &asked, key, "wrong")), LOCKED);
            assert_eq!(refusal(answer(&mut world, &asked, key, &right)), LOCKED);
        }
        world.pass(1);
        tokens(answer(&mut world, &asked, key, &right));
    }
}

#[test]
fn claims_that_come_all_at_once_are_no_more_guesses_than_claims_in_a_row() {
    // P7, P10: where the arithmetic is done, and how long it takes, must not decide how often one may guess.
    let mut world = pool(MfaMode::Off);
    world.add("ann", |_| {});
    let mut said = Vec::new();
    let mut under_way = Vec::new();
    let exchanges: Vec<_> = (0..20).map(|_| world.start("ann")).collect();
    for exchange in &exchanges {
        let claim = respond("PASSWORD_VERIFIER", None, world.claim(exchange, "wrong"));
        under_way.push(begin(&mut world, claim));
    }
    let late = respond("PASSWORD_VERIFIER", None, world.claim(&exchanges[0], PASSWORD));
    for waiting in under_way {
        said.push(refusal(finish(&mut world, waiting)));
    }
    assert_eq!(said.iter().filter(|said| *said == INCORRECT).count(), 5, "{said:?}");
    assert!(said[5..].iter().all(|said| said == LOCKED));
    assert_eq!(refusal(world.ask(late)), LOCKED);
    // Those that were not looked at did not count, and their challenges stand.
    world.pass(1);
    assert_eq!(world.prove(&exchanges[19], PASSWORD).map(drop), Ok(()));
}

#[test]
fn plain_passwords_that_come_all_at_once_are_no_more_guesses_either() {
    let client =
        AppClient { password_flow: PasswordFlow::WithDevices, ..AppClient::public(ClientId::new(CLIENT)) };
    for name in ["ann", "nobody"] {
        let client = AppClient { hides_users: true, ..client.clone() };
        let mut world = World::with(PoolPolicy::DEFAULT, Group::toy(), client);
        world.add("ann", |_| {});
        let guess = Parameters::new().with(keys::USERNAME, name).with(keys::PASSWORD, "wrong");
        let guess = initiate("USER_PASSWORD_AUTH", guess);
        let under_way: Vec<_> = (0..20).map(|_| begin(&mut world, guess.clone())).collect();
        let said: Vec<_> =
            under_way.into_iter().map(|waiting| refusal(finish(&mut world, waiting))).collect();
        assert_eq!(said.iter().filter(|said| *said == INCORRECT).count(), 5, "{name}: {said:?}");
    }
}

#[test]
fn passwords_and_codes_count_together() {
    let mut world = pool(MfaMode::Optional);
    world.add_with_app("ann", |_| {});
    let asked = asked(&mut world, "ann");
    for _ in 0..3 {
        assert_eq!(refusal(world.password("ann", "wrong", None)), INCORRECT);
    }
    for _ in 0..2 {
        assert_eq!(refusal(answer(&mut world, &asked, keys::SOFTWARE_TOKEN_MFA_CODE, "wrong")), WRONG_CODE);
    }
    assert_eq!(refusal(world.password("ann", PASSWORD, None)), LOCKED);
}

#[test]
fn a_right_password_alone_forgets_no_failures() {
    // Or codes could be tried four at a time for ever.
    let mut world = pool(MfaMode::Optional);
    world.add_with_app("ann", |_| {});
    for _ in 0..4 {
        let asked = asked(&mut world, "ann");
        assert_eq!(refusal(answer(&mut world, &asked, keys::SOFTWARE_TOKEN_MFA_CODE, "wrong")), WRONG_CODE);
    }
    let asked = asked(&mut world, "ann");
    assert_eq!(refusal(answer(&mut world, &asked, keys::SOFTWARE_TOKEN_MFA_CODE, "wrong")), WRONG_CODE);
    assert_eq!(refusal(world.password("ann", PASSWORD, None)), LOCKED);
}

#[test]
fn a_wrong_code_is_an_attempt_as_far_as_idleness_goes() {
    let mut world = World::new(PoolPolicy {
        mfa: MfaMode::Optional,
        session_validity: Duration::from_secs(900),
        ..PoolPolicy::DEFAULT
    });
    world.add_with_app("ann", |_| {});
    let asked = asked(&mut world, "ann");
    world.pass(800);
    for _ in 0..4 {
        assert_eq!(refusal(answer(&mut world, &asked, keys::SOFTWARE_TOKEN_MFA_CODE, "wrong")), WRONG_CODE);
    }
    world.pass(800);
    assert_eq!(refusal(world.password("ann", "wrong", None)), INCORRECT);
    assert_eq!(refusal(world.password("ann", PASSWORD, None)), LOCKED, "four codes and a password");
}

#[test]
fn failures_of_one_user_are_no_others() {
    let mut world = pool(MfaMode::Off);
    world.add("ann", |account| account.email = Some("ann@example.org".to_owned()));
    world.add("bob", |_| {});
    // By whatever name: it is one account.
    for name in ["ann", "ann@example.org", "00000000-0000-4000-8000-000000000001", "ann", "ann"] {
        assert_eq!(refusal(world.password(name, "wrong", None)), INCORRECT);
    }
    assert_eq!(refusal(world.password("ann@example.org", PASSWORD, None)), LOCKED);
    assert_eq!(world.way("bob", None), "tokens");
}

#[test]
fn a_clock_that_steps_back_shortens_no_lock_out() {
    let mut world = pool(MfaMode::Off);
    world.add("ann", |_| {});
    let start = world.pair.now;
    for _ in 0..5 {
        assert_eq!(refusal(world.password("ann", "wrong", None)), INCORRECT);
    }
    for back in [1, 100, 10_000] {
        world.pair.now = start.minus(Duration::from_secs(back));
        assert_eq!(refusal(world.password("ann", PASSWORD, None)), LOCKED);
    }
    world.pair.now = start.plus(Duration::from_secs(1));
    assert_eq!(world.way("ann", None), "tokens");
}

#[test]
fn a_code_that_was_used_is_a_guess_like_any_other() {
    // M1–M6: refused, and it counts.
    let mut world = pool(MfaMode::Optional);
    world.add_with_app("ann", |_| {});
    let first = asked(&mut world, "ann");
    let code = world.read_app("ann");
    tokens(answer(&mut world, &first, key_of(first.name), &code));
    let again = asked(&mut world, "ann");
    for _ in 0..5 {
        let reused = refusal(answer(&mut world, &again, key_of(again.name), &code));
        assert_eq!(reused, "ExpiredCodeException: Your software token has already been used once.");
    }
    assert_eq!(refusal(answer(&mut world, &again, key_of(again.name), &code)), LOCKED);
}
