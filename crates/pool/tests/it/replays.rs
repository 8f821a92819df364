//! Sessions, claims and replays: an answer that is used, stolen, swapped or late does not advance a sign-in.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use poolproof_cognito::ids::{ClientId, DeviceGroupKey, PoolId, Session};
use poolproof_cognito::policy::{ClaimReuse, Lockout, MfaMode, PoolPolicy, RememberMode, Switches};
use poolproof_cognito::protocol::{ChallengeName, DeviceStatus, Parameters, Request, keys};
use poolproof_cognito::time::Timestamp;
use poolproof_pool::AppClient;
use poolproof_srp::{Group, Identity, JobResult};

use crate::fixture::{
    BAD_SESSION, CLIENT, INCORRECT, LATE_SESSION, PASSWORD, POOL, PoolFixture, TestDevice, USED_SESSION,
    begin, call, challenge, finish, initiate, parameter, policy, refusal, respond, tokens,
};

/// Returns a pool with the users Ann and Bob, who have the same password and are never locked out.
fn two_users() -> PoolFixture {
    // A challenge can be answered once.
    let switches = Switches { claims: ClaimReuse::Once, ..Switches::DEFAULT };
    let mut fixture =
        PoolFixture::of_ann(PoolPolicy { lockout: Lockout::Off, switches, ..PoolPolicy::DEFAULT });
    fixture.add("bob", |_| {});
    fixture
}

/// Returns a pool in which Ann and Bob have a device each that replaces the code of their apps.
fn with_devices() -> (PoolFixture, [TestDevice; 2]) {
    let mut fixture = PoolFixture::new(policy(RememberMode::Always, true, MfaMode::Optional));
    let phones = ["ann", "bob"].map(|name| {
        let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
        fixture.add_with_app(name, |account| account.devices.push(known));
        phone
    });
    (fixture, phones)
}

fn code(name: &str, code: &str) -> Parameters {
    Parameters::new().with(keys::USERNAME, name).with(keys::SOFTWARE_TOKEN_MFA_CODE, code)
}

/// Checks that a correct sign-in still succeeds.
fn assert_can_sign_in(fixture: &mut PoolFixture, name: &str) {
    assert_eq!(fixture.sign_in_path(name, None), "tokens");
}

#[test]
fn a_claim_works_once() {
    let mut fixture = two_users();
    let exchange = fixture.start("ann");
    let claim = fixture.claim(&exchange, PASSWORD);
    tokens(fixture.send_claim(&exchange, claim.clone()));
    assert_eq!(refusal(fixture.send_claim(&exchange, claim.clone())), INCORRECT);
    // In a new exchange: with the old secret block and with the new one.
    let next = fixture.start("ann");
    assert_eq!(refusal(fixture.send_claim(&next, claim.clone())), INCORRECT);
    let block = parameter(&next.challenge, keys::SECRET_BLOCK);
    let spliced = claim.with(keys::PASSWORD_CLAIM_SECRET_BLOCK, block);
    assert_eq!(refusal(fixture.send_claim(&next, spliced)), INCORRECT);
    assert_can_sign_in(&mut fixture, "ann");
}

#[test]
fn an_exchange_allows_one_guess() {
    let mut fixture = two_users();
    let exchange = fixture.start("ann");
    assert_eq!(refusal(fixture.prove(&exchange, "wrong")), INCORRECT);
    assert_eq!(refusal(fixture.prove(&exchange, PASSWORD)), INCORRECT);
    assert_can_sign_in(&mut fixture, "ann");
}

#[test]
fn a_challenge_rejects_another_username() {
    // Two open exchanges with correct claims, and the names swapped.
    let mut fixture = two_users();
    let (ann, bob) = (fixture.start("ann"), fixture.start("bob"));
    let (ann_claim, bob_claim) = (fixture.claim(&ann, PASSWORD), fixture.claim(&bob, PASSWORD));
    let as_bob = ann_claim.clone().with(keys::USERNAME, "bob");
    let as_ann = bob_claim.clone().with(keys::USERNAME, "ann");
    assert_eq!(refusal(fixture.send_claim(&ann, as_bob)), INCORRECT);
    assert_eq!(refusal(fixture.send_claim(&bob, as_ann)), INCORRECT);
    // Neither claim answered the other challenge, so both can still be answered.
    tokens(fixture.send_claim(&ann, ann_claim));
    tokens(fixture.send_claim(&bob, bob_claim));
}

#[test]
fn mfa_and_device_sessions_are_bound_to_their_user() {
    let (mut fixture, [ann, bob]) = with_devices();
    let ann_code = challenge(fixture.password("ann", PASSWORD, None));
    let bob_code = challenge(fixture.password("bob", PASSWORD, None));
    let typed = fixture.next_app_code("ann");
    let swapped = fixture.answer(ann_code.name, bob_code.session.as_ref(), code("ann", &typed));
    assert_eq!(refusal(swapped), BAD_SESSION);
    let swapped = fixture.answer(ann_code.name, ann_code.session.as_ref(), code("bob", &typed));
    assert_eq!(refusal(swapped), BAD_SESSION);
    let theirs = fixture.app_code("bob", fixture.harness.now);
    let other = fixture.answer(ann_code.name, ann_code.session.as_ref(), code("ann", &theirs));
    assert!(refusal(other).starts_with("CodeMismatch"), "another user's code");
    tokens(fixture.answer(ann_code.name, ann_code.session.as_ref(), code("ann", &typed)));

    let ann_turn = challenge(fixture.password("ann", PASSWORD, Some(&ann.key)));
    let bob_turn = challenge(fixture.password("bob", PASSWORD, Some(&bob.key)));
    assert_eq!(refusal(fixture.start_device("ann", bob_turn.session.as_ref(), &ann)), BAD_SESSION);
    assert_eq!(refusal(fixture.start_device("ann", ann_turn.session.as_ref(), &bob)), INCORRECT);
    let mut proof = fixture.start_device("ann", ann_turn.session.as_ref(), &ann).unwrap();
    let other = fixture.start_device("bob", bob_turn.session.as_ref(), &bob).unwrap();
    let claim = fixture.claim(&proof, &ann.secret);
    let right = proof.challenge.session.clone();
    proof.challenge.session = other.challenge.session.clone();
    assert_eq!(refusal(fixture.send_claim(&proof, claim.clone())), BAD_SESSION);
    proof.challenge.session = right;
    tokens(fixture.send_claim(&proof, claim));
    tokens(fixture.prove(&other, &bob.secret));
}

#[test]
fn a_secret_block_must_match_exactly() {
    let mut fixture = two_users();
    let (exchange, other) = (fixture.start("ann"), fixture.start("ann"));
    let claim = fixture.claim(&exchange, PASSWORD);
    let block = parameter(&exchange.challenge, keys::SECRET_BLOCK).to_owned();
    let mut bytes = BASE64.decode(block.as_bytes()).unwrap();
    let url = BASE64URL_NOPAD.encode(&bytes);
    bytes[0] ^= 1;
    let flipped = BASE64.encode(&bytes);
    let changed = [
        parameter(&other.challenge, keys::SECRET_BLOCK).to_owned(),
        flipped,
        block[..block.len() - 4].to_owned(),
        format!("{block}\n"),
        format!(" {block}"),
        format!("{block}===="),
        block.to_lowercase(),
        String::new(),
        "x".repeat(1_000_000),
    ];
    let reencoded = (url != block).then_some(url);
    for changed in changed.into_iter().chain(reencoded) {
        let claim = claim.clone().with(keys::PASSWORD_CLAIM_SECRET_BLOCK, changed.clone());
        assert_eq!(refusal(fixture.send_claim(&exchange, claim)), INCORRECT, "{changed:.80}");
    }
    tokens(fixture.send_claim(&exchange, claim));
}

#[test]
fn only_the_signature_of_this_user_in_this_pool_counts() {
    let mut fixture = two_users();
    let now = fixture.harness.now;
    let name = "ann";
    let user = |pool: &str, name: &str| Identity::user(PoolId::new(pool).name(), name);
    let swapped = Identity::device(name, "AbCdEf123");
    let sub = "00000000-0000-4000-8000-000000000001";
    let whole = Identity::device(POOL, name);
    let wrong = [user(POOL, sub), user(POOL, "bob"), user("eu_Other", name), swapped, whole];
    for identity in wrong {
        let exchange = fixture.start("ann");
        let block = BASE64.decode(parameter(&exchange.challenge, keys::SECRET_BLOCK).as_bytes()).unwrap();
        // Signed for another name with the correct key, and sent for that name.
        let key = fixture.key(&exchange, PASSWORD);
        let timestamp = poolproof_srp::ClaimTimestamp::format(now.as_secs());
        let signature = key.sign(&identity, &block, &timestamp).to_base64();
        let claim = fixture.claim(&exchange, PASSWORD).with(keys::PASSWORD_CLAIM_SIGNATURE, signature);
        assert_eq!(refusal(fixture.send_claim(&exchange, claim)), INCORRECT, "{identity:?}");
        let mut exchange = fixture.start("ann");
        exchange.identity = identity.clone();
        assert_eq!(refusal(fixture.prove(&exchange, PASSWORD)), INCORRECT, "{identity:?}");
    }
    for signature in [vec![], vec![7; 31], vec![7; 32], vec![7; 33], vec![0; 32]] {
        let exchange = fixture.start("ann");
        let signature = BASE64.encode(&signature);
        let claim = fixture.claim(&exchange, PASSWORD).with(keys::PASSWORD_CLAIM_SIGNATURE, signature);
        assert_eq!(refusal(fixture.send_claim(&exchange, claim)), INCORRECT);
        assert_eq!(refusal(fixture.prove(&exchange, PASSWORD)), INCORRECT, "one guess");
    }
    assert_can_sign_in(&mut fixture, "ann");
}

#[test]
fn a_timestamp_is_read_leniently_and_signed_strictly() {
    // The pool's clock is Thu Jan 1 00:00:00 UTC 2026.
    let plain = "Thu Jan 1 00:00:00 UTC 2026";
    let unreadable =
        "InvalidParameterException: TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.";
    for (says, signs, expected) in [
        (plain, plain, "tokens"),
        ("Thu Jan 01 00:00:00 UTC 2026", "Thu Jan 01 00:00:00 UTC 2026", INCORRECT),
        ("Thu Jan 01 00:00:00 UTC 2026", plain, "tokens"),
        ("Mon Jan 1 00:00:00 UTC 2026", "Mon Jan 1 00:00:00 UTC 2026", INCORRECT),
        ("thu jan 1 00:00:00 UTC 2026", "thu jan 1 00:00:00 UTC 2026", INCORRECT),
        ("Thu Jan 1 00:00:00 GMT 2026", "Thu Jan 1 00:00:00 GMT 2026", INCORRECT),
        ("Thu Jan 1 00:00:00 GMT 2026", plain, "tokens"),
        ("Thu Jan 1 00:00:00 CET 2026", plain, unreadable),
        ("Thu Jan 1 00:00:00 utc 2026", plain, unreadable),
        ("Do Jan 1 00:00:00 UTC 2026", plain, unreadable),
        ("Thu Jan 1 00:00:00 UTC 26", plain, unreadable),
        ("Mon Feb 30 00:00:00 UTC 2026", plain, unreadable),
        ("Wed Dec 31 23:59:60 UTC 2025", plain, unreadable),
        ("Thu Jan 1 24:00:00 UTC 2026", plain, unreadable),
        ("2026-01-01T00:00:00Z", plain, unreadable),
        ("", plain, unreadable),
        // No limit for the age of a timestamp is documented, so only the validity of the session counts.
        ("Thu Jan 1 00:04:00 UTC 2026", "Thu Jan 1 00:04:00 UTC 2026", "tokens"),
        ("Wed Dec 31 23:56:00 UTC 2025", "Wed Dec 31 23:56:00 UTC 2025", "tokens"),
        ("Thu Jan 1 01:00:00 UTC 2026", "Thu Jan 1 01:00:00 UTC 2026", "tokens"),
        ("Wed Jan 1 00:00:00 UTC 2036", "Tue Jan 1 00:00:00 UTC 2036", "tokens"),
        ("Fri Jan 1 00:00:00 UTC 2016", "Fri Jan 1 00:00:00 UTC 2016", "tokens"),
    ] {
        let mut fixture = two_users();
        let exchange = fixture.start("ann");
        let claim = fixture.claim_at(&exchange, PASSWORD, says, signs);
        let reply = fixture.send_claim(&exchange, claim);
        assert_eq!(fixture.finish_sign_in("ann", None, reply).path(), expected, "{says}, signed {signs}");
    }
}

#[test]
fn password_and_device_claims_are_not_interchangeable() {
    let (mut fixture, [phone, _]) = with_devices();
    let exchange = fixture.start("ann");
    let password_claim = fixture.claim(&exchange, PASSWORD);
    let with_key = password_claim.clone().with(keys::DEVICE_KEY, phone.key.as_str());
    let early = fixture.answer(ChallengeName::DevicePasswordVerifier, None, with_key.clone());
    assert_eq!(refusal(early), BAD_SESSION);
    let turn = challenge(fixture.send_claim(&exchange, with_key.clone()));
    let proof = fixture.start_device("ann", turn.session.as_ref(), &phone).unwrap();
    let device_claim = fixture.claim(&proof, &phone.secret);
    let reverse = fixture.answer(ChallengeName::PasswordVerifier, None, device_claim.clone());
    assert_eq!(refusal(reverse), INCORRECT);
    // The device challenge was not answered and stays open. The password claim in its place counts as an
    // answer.
    let proof_session = proof.challenge.session.as_ref();
    let wrong = fixture.answer(ChallengeName::DevicePasswordVerifier, proof_session, with_key);
    assert_eq!(refusal(wrong), INCORRECT);
    assert_eq!(refusal(fixture.send_claim(&proof, device_claim)), USED_SESSION);
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens");
}

#[test]
fn every_device_exchange_is_fresh() {
    // The A of the password step is an ordinary public value, and its secret block matches no device
    // exchange.
    let (mut fixture, [phone, _]) = with_devices();
    let turn = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    let proof = fixture.start_device("ann", turn.session.as_ref(), &phone).unwrap();
    assert_eq!(refusal(fixture.prove(&proof, "another secret")), INCORRECT);
    assert_eq!(refusal(fixture.prove(&proof, &phone.secret)), USED_SESSION, "one guess");
    let wrong_group = TestDevice { group_key: DeviceGroupKey::new("-Other"), ..phone.clone() };
    assert_eq!(
        fixture.sign_in_path("ann", Some(&wrong_group)),
        format!("DEVICE_SRP_AUTH {INCORRECT}"),
        "the device group key is signed"
    );
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens");
}

#[test]
fn an_unissued_challenge_cannot_be_answered() {
    // Also with forged sessions.
    let (mut fixture, [phone, _]) = with_devices();
    let long = "s".repeat(1_000_000);
    for session in [None, Some(""), Some("forged"), Some(long.as_str())] {
        let session = session.map(Session::new);
        let session = session.as_ref();
        let name = Parameters::new().with(keys::USERNAME, "ann");
        for (challenge, answers) in [
            (ChallengeName::SelectMfaType, name.clone().with(keys::ANSWER, "SMS_MFA")),
            (ChallengeName::SmsMfa, name.clone().with(keys::SMS_MFA_CODE, "000000")),
            (ChallengeName::EmailOtp, name.clone().with(keys::EMAIL_OTP_CODE, "000000")),
            (ChallengeName::SoftwareTokenMfa, code("ann", "000000")),
            (ChallengeName::MfaSetup, name.clone()),
            (
                ChallengeName::NewPasswordRequired,
                name.clone().with(keys::NEW_PASSWORD, "long enough".replace(' ', "-")),
            ),
        ] {
            let expected = match session {
                None => "InvalidParameterException: Missing required parameter Session",
                Some(_) => BAD_SESSION,
            };
            assert_eq!(refusal(fixture.answer(challenge, session, answers)), expected, "{challenge}");
        }
        assert_eq!(refusal(fixture.start_device("ann", session, &phone)), BAD_SESSION);
    }
    assert_eq!(fixture.sign_in_path("ann", None), "SOFTWARE_TOKEN_MFA tokens +N");
}

#[test]
fn values_from_another_pool_are_rejected() {
    // Values from the same pool before a restart are refused as well.
    let (mut before, [phone, _]) = with_devices();
    let policy = policy(RememberMode::Always, true, MfaMode::Optional);
    let client = AppClient::public(ClientId::new(CLIENT));
    let mut fixture = PoolFixture::seeded(policy, Group::toy(), client, 12);
    fixture.add_with_app("ann", |_| {});
    let exchange = before.start("ann");
    let claim = before.claim(&exchange, PASSWORD);
    assert_eq!(refusal(fixture.send_claim(&exchange, claim)), INCORRECT);
    let asked = challenge(before.password("ann", PASSWORD, None));
    let typed = before.next_app_code("ann");
    let answer = code("ann", &typed);
    assert_eq!(refusal(fixture.answer(asked.name, asked.session.as_ref(), answer.clone())), BAD_SESSION);
    let turn = challenge(before.password("ann", PASSWORD, Some(&phone.key)));
    assert_eq!(refusal(fixture.start_device("ann", turn.session.as_ref(), &phone)), BAD_SESSION);
    let tokens = tokens(before.answer(asked.name, asked.session.as_ref(), answer));
    let get = Request::GetDevice(call(&tokens.access_token, &phone.key));
    assert_eq!(refusal(fixture.ask(get)), "NotAuthorizedException: Invalid Access Token");
    let refresh = Parameters::new().with(keys::REFRESH_TOKEN, tokens.refresh_token.unwrap());
    let refused = refusal(fixture.initiate("REFRESH_TOKEN_AUTH", refresh));
    assert_eq!(refused, "NotAuthorizedException: Invalid Refresh Token.");
    assert_eq!(fixture.sign_in_path("ann", None), "SOFTWARE_TOKEN_MFA tokens +N");
}

#[test]
fn a_challenge_expires_after_the_configured_time() {
    let validity = PoolPolicy::DEFAULT.session_validity.as_secs();
    for (wait, good) in
        [(validity - 1, true), (validity, false), (validity + 1, false), (validity + 3600, false)]
    {
        let (mut fixture, _) = with_devices();
        // An entry with a longer validity was added first.
        challenge(fixture.password("bob", PASSWORD, None));
        let exchange = fixture.start("ann");
        fixture.advance_clock(wait);
        let reply = fixture.prove(&exchange, PASSWORD);
        assert_eq!(reply.is_ok(), good, "the password's, {wait} s");
        if !good {
            assert_eq!(refusal(reply), INCORRECT);
        }
        let asked = challenge(fixture.password("ann", PASSWORD, None));
        fixture.advance_clock(wait);
        let typed = fixture.next_app_code("ann");
        let reply = fixture.answer(asked.name, asked.session.as_ref(), code("ann", &typed));
        if good {
            tokens(reply);
        } else if wait >= 2 * validity {
            assert_eq!(refusal(reply), BAD_SESSION, "forgotten");
        } else {
            assert_eq!(refusal(reply), LATE_SESSION, "{wait} s");
        }
    }
}

#[test]
fn a_device_challenge_expires_after_the_configured_time() {
    // At both device steps: with and without a session at the first, and at the claim.
    let validity = PoolPolicy::DEFAULT.session_validity.as_secs();
    for (wait, late) in [
        (validity - 1, None),
        (validity, Some(LATE_SESSION)),
        (validity + 1, Some(LATE_SESSION)),
        (validity + 3600, Some(BAD_SESSION)),
    ] {
        for named in [true, false] {
            let (mut fixture, [phone, _]) = with_devices();
            let turn = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
            fixture.advance_clock(wait);
            match (late, fixture.start_device("ann", turn.session.as_ref().filter(|_| named), &phone)) {
                (None, started) => assert!(started.is_ok(), "{started:?}"),
                (Some(late), started) => assert_eq!(refusal(started), late, "the turn, {wait} s, {named}"),
            }
            let turn = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
            let mut proof = fixture.start_device("ann", turn.session.as_ref(), &phone).unwrap();
            proof.challenge.session = proof.challenge.session.filter(|_| named);
            fixture.advance_clock(wait);
            match (late, fixture.prove(&proof, &phone.secret)) {
                (None, reply) => drop(tokens(reply)),
                (Some(late), reply) => assert_eq!(refusal(reply), late, "the claim, {wait} s, {named}"),
            }
            assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens");
        }
    }
}

#[test]
fn a_backward_clock_step_restores_no_expired_challenge() {
    // With and without a request between the expiry and the clock change.
    let validity = PoolPolicy::DEFAULT.session_validity.as_secs();
    for tried in [true, false] {
        let (mut fixture, _) = with_devices();
        let (exchange, asked) = (fixture.start("ann"), challenge(fixture.password("ann", PASSWORD, None)));
        let alive = fixture.harness.now;
        fixture.advance_clock(validity + 1);
        if tried {
            assert_eq!(refusal(fixture.prove(&exchange, PASSWORD)), INCORRECT);
            let typed = fixture.next_app_code("ann");
            let late = fixture.answer(asked.name, asked.session.as_ref(), code("ann", &typed));
            assert_eq!(refusal(late), LATE_SESSION);
        } else {
            fixture.start("bob");
        }
        fixture.harness.now = Timestamp::from_us(alive.as_us() + 1);
        assert_eq!(refusal(fixture.prove(&exchange, PASSWORD)), INCORRECT, "tried: {tried}");
        let typed = fixture.next_app_code("ann");
        let revived = fixture.answer(asked.name, asked.session.as_ref(), code("ann", &typed));
        assert_eq!(refusal(revived), LATE_SESSION, "tried: {tried}");
        fixture.advance_clock(2 * validity);
        assert_eq!(fixture.sign_in_path("ann", None), "SOFTWARE_TOKEN_MFA tokens +N");
    }
}

#[test]
fn only_one_of_two_concurrent_answers_succeeds() {
    // The answer whose arithmetic is complete first uses up the challenge. The other one is refused, and it
    // does not count as a failed attempt.
    for (first, second, accepted) in
        [(PASSWORD, PASSWORD, true), (PASSWORD, "wrong", false), ("wrong", PASSWORD, true)]
    {
        let mut fixture = two_users();
        let exchange = fixture.start("ann");
        let claims = [first, second].map(|secret| {
            let claim = fixture.claim(&exchange, secret);
            respond("PASSWORD_VERIFIER", None, claim)
        });
        let [first, second] = claims;
        let first = begin(&mut fixture, first);
        match accepted {
            true => drop(tokens(fixture.ask(second))),
            false => assert_eq!(refusal(fixture.ask(second)), INCORRECT),
        }
        assert_eq!(refusal(finish(&mut fixture, first)), INCORRECT);
        assert_can_sign_in(&mut fixture, "ann");
    }
}

#[test]
fn only_one_of_two_concurrent_device_claims_succeeds() {
    let (mut fixture, [phone, _]) = with_devices();
    let turn = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    let proof = fixture.start_device("ann", turn.session.as_ref(), &phone).unwrap();
    let session = proof.challenge.session.as_ref().map(Session::as_str);
    let claim = respond("DEVICE_PASSWORD_VERIFIER", session, fixture.claim(&proof, &phone.secret));
    let first = begin(&mut fixture, claim.clone());
    tokens(fixture.ask(claim));
    assert_eq!(refusal(finish(&mut fixture, first)), USED_SESSION);
}

#[test]
fn a_mismatched_job_result_is_an_internal_error() {
    let mut fixture = two_users();
    let (a, public_a) = fixture.draw_a();
    let start = Parameters::new().with(keys::USERNAME, "ann").with(keys::SRP_A, public_a.to_hex());
    let (_, pending) = begin(&mut fixture, initiate("USER_SRP_AUTH", start));
    let other = JobResult::PublicA { a, public_a };
    assert!(refusal(finish(&mut fixture, (other, pending))).starts_with("InternalErrorException"));
    assert_can_sign_in(&mut fixture, "ann");
}
