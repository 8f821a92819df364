//! Sign-in requests: field names, the exact text of each refusal, and deviations of real clients that are
//! accepted.

use poolproof_cognito::ids::ClientId;
use poolproof_cognito::policy::{MfaMode, PoolPolicy, Quotas, RememberMode};
use poolproof_cognito::protocol::{
    ChallengeName, DeviceStatus, InitiateAuth, Parameters, Request, RespondToAuthChallenge, keys,
};
use poolproof_pool::{AppClient, UserStatus};
use poolproof_srp::Group;

use crate::fixture::{
    BAD_SESSION, CLIENT, INCORRECT, NO_SUCH_DEVICE, PASSWORD, PoolFixture, TestDevice, USED_SESSION,
    challenge, parameter, policy, refusal, respond, secret_hash, tokens, with_email_alias,
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn plain() -> PoolFixture {
    PoolFixture::of_ann(PoolPolicy::DEFAULT)
}

/// Returns a pool that asks for a TOTP code and then for the device, with the user Ann, who has both.
fn pool_with_mfa_and_device() -> (PoolFixture, TestDevice) {
    let mut fixture = PoolFixture::new(policy(RememberMode::Always, false, MfaMode::On));
    let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add_with_app("ann", |account| {
        account.devices.push(known);
        account.email = Some("ann@example.org".to_owned());
    });
    (fixture, phone)
}

fn keys_of(parameters: &Parameters) -> Vec<&str> {
    parameters.iter().map(|(key, _)| key).collect()
}

fn from(pairs: &[(&str, &str)]) -> Parameters {
    pairs.iter().fold(Parameters::new(), |parameters, (key, value)| parameters.with(key, *value))
}

#[test]
fn every_challenge_has_the_fields_that_clients_read() {
    let (mut fixture, phone) = pool_with_mfa_and_device();
    let start = fixture.start("ann");
    assert_eq!(start.challenge.session, None, "as on AWS");
    let expected = ["SALT", "SECRET_BLOCK", "SRP_B", "USERNAME", "USER_ID_FOR_SRP"];
    assert_eq!(keys_of(&start.challenge.parameters), expected);
    assert_eq!(parameter(&start.challenge, keys::USERNAME), "ann");

    let claim = fixture.claim(&start, PASSWORD).with(keys::DEVICE_KEY, phone.key.as_str());
    let code = challenge(fixture.send_claim(&start, claim));
    assert_eq!(code.name, ChallengeName::SoftwareTokenMfa);
    assert_eq!(keys_of(&code.parameters), ["FRIENDLY_DEVICE_NAME", "USERNAME", "USER_ID_FOR_SRP"]);

    let typed = fixture.next_app_code("ann");
    let key = phone.key.as_str();
    let answer = from(&[("USERNAME", "ann"), ("SOFTWARE_TOKEN_MFA_CODE", &typed), ("DEVICE_KEY", key)]);
    let device = challenge(fixture.answer(code.name, code.session.as_ref(), answer));
    assert_eq!(device.name, ChallengeName::DeviceSrpAuth);
    assert_eq!(keys_of(&device.parameters), ["DEVICE_KEY", "USERNAME", "USER_ID_FOR_SRP"]);

    let proof = fixture.start_device("ann", device.session.as_ref(), &phone).unwrap();
    let expected = ["DEVICE_KEY", "SALT", "SECRET_BLOCK", "SRP_B", "USERNAME"];
    assert_eq!(keys_of(&proof.challenge.parameters), expected);
    assert!(proof.challenge.session.is_some());
    let tokens = tokens(fixture.prove(&proof, &phone.secret));
    assert_eq!((tokens.expires_in_s, tokens.new_device), (3600, None));
    assert!(tokens.refresh_token.is_some());
}

#[test]
fn numbers_are_minimal_lower_case_hex_in_both_groups() {
    for group in [Group::toy(), Group::cognito()] {
        let mut fixture =
            PoolFixture::with(PoolPolicy::DEFAULT, group, AppClient::public(ClientId::new(CLIENT)));
        fixture.add("ann", |_| {});
        let start = fixture.start("ann");
        for key in [keys::SRP_B, keys::SALT] {
            let digits = parameter(&start.challenge, key);
            assert!(digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{digits}");
        }
        assert_eq!(fixture.sign_in_path("ann", None), "tokens");
        assert_eq!(refusal(fixture.password("ann", "wrong", None)), INCORRECT);
    }
}

#[test]
fn an_invalid_start_is_rejected_with_the_aws_message() {
    let mut fixture = plain();
    let (_, public_a) = fixture.draw_a();
    let a = public_a.to_hex();
    let not_hex = |value: &str| {
        format!(
            "InvalidParameterException: 1 validation error detected: Value '{value}' at 'sRPA' failed to satisfy \
             constraint: Member must satisfy regular expression pattern: ^[0-9a-fA-F]+$"
        )
    };
    let out_of_range = "InvalidParameterException: Invalid SRP_A: it must be a number A with 1 < A < N - 1.";
    let n = fixture.group.modulus_hex();
    let last = format!("{:x}", u64::from_str_radix(&n, 16).unwrap() - 1);
    let digits = "f".repeat(100_000);
    for (flow, parameters, expected) in [
        (
            "USER_SRP_AUTH",
            vec![("SRP_A", a.as_str())],
            "InvalidParameterException: Missing required parameter USERNAME",
        ),
        (
            "USER_SRP_AUTH",
            vec![("USERNAME", "ann")],
            "InvalidParameterException: Missing required parameter SRP_A",
        ),
        (
            "USER_SRP_AUTH",
            vec![("USERNAME", "bob"), ("SRP_A", &a)],
            "UserNotFoundException: User does not exist.",
        ),
        ("USER_SRP_AUTH", vec![("USERNAME", "ann"), ("SRP_A", "xyz")], not_hex("xyz").as_str()),
        ("USER_SRP_AUTH", vec![("USERNAME", "ann"), ("SRP_A", "")], not_hex("").as_str()),
        ("USER_SRP_AUTH", vec![("USERNAME", "ann"), ("SRP_A", "0x2a")], not_hex("0x2a").as_str()),
        ("USER_SRP_AUTH", vec![("USERNAME", "ann"), ("SRP_A", "０１２")], not_hex("０１２").as_str()),
        ("USER_SRP_AUTH", vec![("USERNAME", "ann"), ("SRP_A", "000")], out_of_range),
        ("USER_SRP_AUTH", vec![("USERNAME", "ann"), ("SRP_A", "1")], out_of_range),
        ("USER_SRP_AUTH", vec![("USERNAME", "ann"), ("SRP_A", &n)], out_of_range),
        ("USER_SRP_AUTH", vec![("USERNAME", "ann"), ("SRP_A", &last)], out_of_range),
        ("USER_SRP_AUTH", vec![("USERNAME", "ann"), ("SRP_A", &digits)], out_of_range),
        (
            "USER_PASSWORD_AUTH",
            vec![("USERNAME", "ann"), ("PASSWORD", PASSWORD)],
            "InvalidParameterException: USER_PASSWORD_AUTH flow not enabled for this client",
        ),
        (
            "USER_SRP_AUTH",
            vec![("USERNAME", "ann"), ("SRP_A", &a), ("SECRET_HASH", "aGFzaA==")],
            "InvalidParameterException: App client 4q3example is not configured for secret but secret hash was received",
        ),
    ] {
        assert_eq!(refusal(fixture.initiate(flow, from(&parameters))), expected, "{parameters:?}");
        assert_eq!(fixture.sign_in_path("ann", None), "tokens");
    }
    let start = InitiateAuth { client_id: "other".to_owned(), ..InitiateAuth::default() };
    let expected = "ResourceNotFoundException: User pool client other does not exist.";
    assert_eq!(refusal(fixture.ask(Request::InitiateAuth(start))), expected);
}

#[test]
fn an_invalid_claim_is_rejected_with_the_aws_message() {
    let mut fixture = plain();
    let exchange = fixture.start("ann");
    let claim = fixture.claim(&exchange, PASSWORD);
    let missing = |key: &str| format!("InvalidParameterException: Missing required parameter {key}");
    let mut left = claim.clone();
    for key in ["USERNAME", "TIMESTAMP", "PASSWORD_CLAIM_SIGNATURE", "PASSWORD_CLAIM_SECRET_BLOCK"] {
        left = left.without(key);
        assert_eq!(refusal(fixture.send_claim(&exchange, claim.clone().without(key))), missing(key));
    }
    // If all fields are missing, the message names the first in AWS's order.
    assert_eq!(refusal(fixture.send_claim(&exchange, left.with("NOTHING", ""))), missing("USERNAME"));
    let only_name = from(&[("USERNAME", "ann")]);
    assert_eq!(refusal(fixture.send_claim(&exchange, only_name)), missing("TIMESTAMP"));
    let nothing = "InvalidParameterException: Missing required parameter challenge responses.";
    assert_eq!(refusal(fixture.send_claim(&exchange, Parameters::new())), nothing);
    let format =
        "InvalidParameterException: TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.";
    let bad = claim.clone().with(keys::TIMESTAMP, "yesterday");
    assert_eq!(refusal(fixture.send_claim(&exchange, bad)), format);
    let bad = claim.clone().with(keys::PASSWORD_CLAIM_SIGNATURE, "§§§");
    let format =
        "InvalidParameterException: Invalid PASSWORD_CLAIM_SIGNATURE format. Must be a Base64 string.";
    assert_eq!(refusal(fixture.send_claim(&exchange, bad)), format);
    let unheard = fixture.ask(respond("CUSTOM_CHALLENGE", None, claim.clone()));
    assert!(refusal(unheard).starts_with("InvalidParameterException: "));
    // None of these was a claim, so the challenge can still be answered.
    tokens(fixture.send_claim(&exchange, claim));
}

#[test]
fn a_client_with_a_secret_needs_a_hash_in_every_request() {
    let client = AppClient { secret: Some(SECRET.to_owned()), ..AppClient::public(ClientId::new(CLIENT)) };
    let mut fixture = PoolFixture::with(PoolPolicy::DEFAULT, Group::toy(), client);
    fixture.allow_email_alias();
    fixture.add("ann", with_email_alias);
    let missing = "NotAuthorizedException: Client 4q3example is configured with secret but SECRET_HASH was not received";
    let wrong = "NotAuthorizedException: Unable to verify secret hash for client 4q3example";
    let (_, a) = fixture.draw_a();
    let start = from(&[("USERNAME", "ann@example.org"), ("SRP_A", &a.to_hex())]);
    assert_eq!(refusal(fixture.initiate("USER_SRP_AUTH", start.clone())), missing);
    for hash in
        ["", "aGFzaA==", "not base64", &secret_hash(SECRET, "ann"), &secret_hash("other", "ann@example.org")]
    {
        let hashed = start.clone().with(keys::SECRET_HASH, hash);
        assert_eq!(refusal(fixture.initiate("USER_SRP_AUTH", hashed)), wrong, "{hash}");
    }
    // The hash covers the name of the same request: first the alias, then the user name.
    let hash = secret_hash(SECRET, "ann@example.org");
    let exchange = fixture.start_with(from(&[("USERNAME", "ann@example.org"), ("SECRET_HASH", &hash)]));
    let claim = fixture.claim(&exchange, PASSWORD);
    assert_eq!(refusal(fixture.send_claim(&exchange, claim.clone())), missing);
    assert_eq!(refusal(fixture.send_claim(&exchange, claim.clone().with(keys::SECRET_HASH, hash))), wrong);
    let claim = claim.with(keys::SECRET_HASH, secret_hash(SECRET, "ann"));
    tokens(fixture.send_claim(&exchange, claim));
}

#[test]
fn a_public_client_may_send_a_hash_with_answers_where_it_is_ignored() {
    let mut fixture = plain();
    let exchange = fixture.start("ann");
    let claim = fixture.claim(&exchange, PASSWORD).with(keys::SECRET_HASH, "aGFzaA==");
    tokens(fixture.send_claim(&exchange, claim));
}

#[test]
fn a_refused_user_gets_the_reason() {
    let mut fixture = plain();
    fixture.add("disabled", |account| account.disabled = true);
    fixture.add("both", |account| {
        account.disabled = true;
        account.user_status = UserStatus::Unconfirmed;
    });
    fixture.add("unconfirmed", |account| account.user_status = UserStatus::Unconfirmed);
    fixture.add("reset", |account| account.user_status = UserStatus::ResetRequired);
    let reset = "PasswordResetRequiredException: Password reset required for the user";
    for (name, right, wrong) in [
        (
            "disabled",
            "NotAuthorizedException: User is disabled.",
            "NotAuthorizedException: User is disabled.",
        ),
        ("both", "NotAuthorizedException: User is disabled.", "NotAuthorizedException: User is disabled."),
        (
            "unconfirmed",
            "UserNotConfirmedException: User is not confirmed.",
            "UserNotConfirmedException: User is not confirmed.",
        ),
        ("reset", reset, INCORRECT),
    ] {
        assert_eq!(refusal(fixture.password(name, PASSWORD, None)), right, "{name}");
        assert_eq!(refusal(fixture.password(name, "wrong", None)), wrong, "{name}");
    }
}

#[test]
fn clients_without_sessions_complete_device_srp() {
    // pycognito sends no Session with DEVICE_SRP_AUTH and DEVICE_PASSWORD_VERIFIER, and the name as typed.
    let mut fixture = PoolFixture::new(policy(RememberMode::Always, true, MfaMode::Optional));
    let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.allow_email_alias();
    fixture.add("ann", |account| {
        account.devices.push(known);
        with_email_alias(account);
    });
    for name in ["ann", "ann@example.org"] {
        let turn = challenge(fixture.password(name, PASSWORD, Some(&phone.key)));
        assert_eq!(turn.name, ChallengeName::DeviceSrpAuth);
        let mut proof = fixture.start_device(name, None, &phone).unwrap();
        proof.challenge.session = None;
        let claim = fixture.claim(&proof, &phone.secret).with(keys::USERNAME, name);
        tokens(fixture.send_claim(&proof, claim.clone()));
        assert_eq!(refusal(fixture.send_claim(&proof, claim)), USED_SESSION);
    }
    // Without a pending sign-in, the same request is refused.
    assert_eq!(refusal(fixture.start_device("ann", None, &phone)), USED_SESSION);
    let mut fixture = PoolFixture::new(policy(RememberMode::Always, true, MfaMode::Optional));
    let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add("ann", |account| account.devices.push(known));
    assert_eq!(refusal(fixture.start_device("ann", None, &phone)), BAD_SESSION);
    assert_eq!(refusal(fixture.start_device("bob", None, &phone)), BAD_SESSION);
}

#[test]
fn device_srp_without_a_session_needs_the_same_address() {
    // The strictest reading of SEMANTICS a.3: a copied device elsewhere cannot use the password step of its
    // user.
    let mut fixture = PoolFixture::new(policy(RememberMode::Always, true, MfaMode::Optional));
    let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add("ann", |account| account.devices.push(known));
    let here = Some([192, 0, 2, 7].into());
    fixture.harness.origin.address = here;
    let turn = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    for elsewhere in [Some([192, 0, 2, 8].into()), None] {
        fixture.harness.origin.address = elsewhere;
        assert_eq!(refusal(fixture.start_device("ann", None, &phone)), BAD_SESSION);
    }
    // A client with the session may change its address, as phones do.
    let proof = fixture.start_device("ann", turn.session.as_ref(), &phone).unwrap();
    tokens(fixture.prove(&proof, &phone.secret));
    fixture.harness.origin.address = here;
    challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    assert!(fixture.start_device("ann", None, &phone).is_ok());
}

#[test]
fn device_srp_accepts_the_answered_mfa_session() {
    // identity-js does not store the session that it receives with DEVICE_SRP_AUTH after an MFA.
    let (mut fixture, phone) = pool_with_mfa_and_device();
    let code = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    let typed = fixture.next_app_code("ann");
    let key = phone.key.as_str();
    let answer = from(&[("USERNAME", "ann"), ("SOFTWARE_TOKEN_MFA_CODE", &typed), ("DEVICE_KEY", key)]);
    let turn = challenge(fixture.answer(code.name, code.session.as_ref(), answer));
    let proof = fixture.start_device("ann", code.session.as_ref(), &phone).unwrap();
    // The session of DEVICE_SRP_AUTH is used up as well.
    let again = fixture.start_device("ann", turn.session.as_ref(), &phone);
    assert_eq!(refusal(again), USED_SESSION);
    let again = fixture.start_device("ann", code.session.as_ref(), &phone);
    assert_eq!(refusal(again), USED_SESSION);
    tokens(fixture.prove(&proof, &phone.secret));
}

#[test]
fn device_srp_rejects_an_older_mfa_session() {
    let mut fixture = PoolFixture::new(policy(RememberMode::Always, false, MfaMode::On));
    let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add_with_app("ann", |account| {
        account.devices.push(known);
        account.phone = Some("+15551234567".to_owned());
        account.sms_mfa = true;
    });
    let choice = challenge(fixture.password("ann", PASSWORD, Some(&phone.key)));
    assert_eq!(choice.name, ChallengeName::SelectMfaType);
    let answer = from(&[("USERNAME", "ann"), ("ANSWER", "SOFTWARE_TOKEN_MFA")]);
    let code = challenge(fixture.answer(choice.name, choice.session.as_ref(), answer));
    let early = fixture.start_device("ann", code.session.as_ref(), &phone);
    assert_eq!(refusal(early), BAD_SESSION, "the code comes first");
    let early = fixture.start_device("ann", choice.session.as_ref(), &phone);
    assert_eq!(refusal(early), USED_SESSION, "two steps back");
    let typed = fixture.next_app_code("ann");
    let key = phone.key.as_str();
    let answer = from(&[("USERNAME", "ann"), ("SOFTWARE_TOKEN_MFA_CODE", &typed), ("DEVICE_KEY", key)]);
    let turn = challenge(fixture.answer(code.name, code.session.as_ref(), answer));
    let late = fixture.start_device("ann", choice.session.as_ref(), &phone);
    assert_eq!(refusal(late), USED_SESSION, "two steps back");
    let proof = fixture.start_device("ann", turn.session.as_ref(), &phone).unwrap();
    tokens(fixture.prove(&proof, &phone.secret));
}

#[test]
fn the_same_claim_succeeds_without_the_unknown_device() {
    // identity-js and Amplify send the same claim again without DEVICE_KEY.
    let mut fixture = PoolFixture::of_ann(policy(RememberMode::Always, true, MfaMode::Optional));
    for at_start in [false, true] {
        let unknown = "us-east-1_00000000-0000-4000-8000-999999999999";
        let start = from(&[("USERNAME", "ann")]);
        let start = if at_start { start.with(keys::DEVICE_KEY, unknown) } else { start };
        let exchange = fixture.start_with(start);
        let claim = fixture.claim(&exchange, PASSWORD);
        let named = claim.clone().with(keys::DEVICE_KEY, unknown);
        for _ in 0..7 {
            assert_eq!(refusal(fixture.send_claim(&exchange, named.clone())), NO_SUCH_DEVICE, "no failure");
        }
        let tokens = tokens(fixture.send_claim(&exchange, claim.clone()));
        assert!(tokens.new_device.is_some());
    }
}

#[test]
fn a_wrong_proof_is_reported_before_an_unknown_device() {
    let mut fixture = PoolFixture::of_ann(policy(RememberMode::Always, true, MfaMode::Optional));
    let (phone, _) = fixture.device(DeviceStatus::Remembered, true);
    assert_eq!(refusal(fixture.password("ann", "wrong", Some(&phone.key))), INCORRECT);
    assert_eq!(refusal(fixture.password("ann", PASSWORD, Some(&phone.key))), NO_SUCH_DEVICE);
}

#[test]
fn username_sub_and_email_identify_a_user() {
    let mut fixture = PoolFixture::new(PoolPolicy::DEFAULT);
    fixture.allow_email_alias();
    fixture.add("ann", with_email_alias);
    for started in ["ann", "ann@example.org"] {
        for answered in ["ann", "ann@example.org", "00000000-0000-4000-8000-000000000001"] {
            let exchange = fixture.start(started);
            assert_eq!(parameter(&exchange.challenge, keys::USERNAME), "ann");
            let claim = fixture.claim(&exchange, PASSWORD).with(keys::USERNAME, answered);
            let claim = claim.with(keys::SRP_A, "00").with("SMS_MFA_CODE", "1").with("X-Y", "z");
            tokens(fixture.send_claim(&exchange, claim));
        }
    }
}

#[test]
fn another_client_cannot_answer() {
    let mut fixture = plain();
    let exchange = fixture.start("ann");
    let answer = RespondToAuthChallenge {
        client_id: "other".to_owned(),
        challenge_name: "PASSWORD_VERIFIER".to_owned(),
        session: None,
        challenge_responses: fixture.claim(&exchange, PASSWORD),
        ..RespondToAuthChallenge::default()
    };
    let expected = "ResourceNotFoundException: User pool client other does not exist.";
    assert_eq!(refusal(fixture.ask(Request::RespondToAuthChallenge(answer))), expected);
    tokens(fixture.prove(&exchange, PASSWORD));
}

#[test]
fn an_exhausted_quota_is_reported_without_side_effects() {
    // SEMANTICS d, throttled requests; SEMANTICS f.
    let quotas = Quotas { user_authentication: Some(1), ..Quotas::COGNITO };
    let mut fixture = PoolFixture::of_ann(PoolPolicy { quotas, ..PoolPolicy::DEFAULT });
    let throttled = "TooManyRequestsException: Rate exceeded";
    let exchange = fixture.start("ann");
    let (_, public_a) = fixture.draw_a();
    let again = from(&[("USERNAME", "ann"), ("SRP_A", &public_a.to_hex())]);
    for _ in 0..10 {
        assert_eq!(refusal(fixture.initiate("USER_SRP_AUTH", again.clone())), throttled);
    }
    let stray = fixture.claim(&exchange, PASSWORD).with(keys::PASSWORD_CLAIM_SECRET_BLOCK, "c3RyYXk=");
    // Three answers have their own quota. The fourth is refused and the challenge can still be answered.
    for _ in 0..3 {
        assert_eq!(refusal(fixture.answer(ChallengeName::PasswordVerifier, None, stray.clone())), INCORRECT);
    }
    let claim = fixture.claim(&exchange, PASSWORD);
    assert_eq!(refusal(fixture.send_claim(&exchange, claim.clone())), throttled);
    fixture.advance_clock(1);
    tokens(fixture.send_claim(&exchange, claim));
}
