//! Second factors and lockout: which codes are accepted and how often.

use std::time::Duration;

use poolproof_cognito::ids::Session;
use poolproof_cognito::policy::{MfaMode, PoolPolicy, RememberMode};
use poolproof_cognito::protocol::{
    AssociateSoftwareToken, Challenge, ChallengeName, Parameters, Reply, Request, Response,
    VerifySoftwareToken, keys,
};
use poolproof_cognito::totp::{TotpSecret, step_at};
use poolproof_pool::NewAccount;

use crate::fixture::{
    BAD_SESSION, LATE_SESSION, PASSWORD, PoolFixture, USED_SESSION, WRONG_CODE, challenge, parameter, policy,
    refusal, tokens,
};

const REUSED: &str = "ExpiredCodeException: Your software token has already been used once.";

pub(crate) fn pool(mfa: MfaMode) -> PoolFixture {
    PoolFixture::new(policy(RememberMode::No, false, mfa))
}

pub(crate) fn with_sms(account: &mut NewAccount) {
    account.phone = Some("+15551234567".to_owned());
    account.sms_mfa = true;
}

fn with_email(account: &mut NewAccount) {
    account.email = Some("ann@example.org".to_owned());
    account.email_mfa = true;
}

/// Returns the challenge after the password.
pub(crate) fn asked(fixture: &mut PoolFixture, name: &str) -> Challenge {
    challenge(fixture.password(name, PASSWORD, None))
}

pub(crate) fn answer(fixture: &mut PoolFixture, asked: &Challenge, key: &str, value: &str) -> Reply {
    let answers = Parameters::new().with(keys::USERNAME, parameter(asked, keys::USERNAME)).with(key, value);
    fixture.answer(asked.name, asked.session.as_ref(), answers)
}

pub(crate) fn key_of(name: ChallengeName) -> &'static str {
    match name {
        ChallengeName::SmsMfa => keys::SMS_MFA_CODE,
        ChallengeName::EmailOtp => keys::EMAIL_OTP_CODE,
        _ => keys::SOFTWARE_TOKEN_MFA_CODE,
    }
}

#[test]
fn a_wrong_code_is_refused_and_the_right_one_still_counts() {
    // For all three kinds of factors. The session stays usable, and the fifth failure would lock the user
    // out.
    let long = "1".repeat(1_000_000);
    let wrongs =
        ["", "abcdef", "12345", "1234567", " 123456", "１２３４５６", "٠١٢٣٤٥", long.as_str(), "-12345"];
    for (configure, with_app) in
        [(with_sms as fn(&mut NewAccount), false), (with_email, false), (|_| {}, true)]
    {
        for wrong in wrongs {
            let mut fixture = pool(MfaMode::Optional);
            if with_app {
                fixture.add_with_app("ann", configure);
            } else {
                fixture.add("ann", configure);
            }
            let asked = asked(&mut fixture, "ann");
            let key = key_of(asked.name);
            for _ in 0..4 {
                assert_eq!(refusal(answer(&mut fixture, &asked, key, wrong)), WRONG_CODE, "{wrong:.20}");
            }
            let right = if with_app { fixture.next_app_code("ann") } else { fixture.delivered("ann") };
            tokens(answer(&mut fixture, &asked, key, &right));
            assert_eq!(refusal(answer(&mut fixture, &asked, key, &right)), USED_SESSION);
        }
    }
}

#[test]
fn a_code_is_bound_to_its_sign_in_and_user() {
    let mut fixture = pool(MfaMode::Optional);
    fixture.add("ann", with_sms);
    fixture.add("bob", with_sms);
    let first = asked(&mut fixture, "ann");
    let first_code = fixture.delivered("ann");
    let second = asked(&mut fixture, "ann");
    let second_code = fixture.delivered("ann");
    asked(&mut fixture, "bob");
    let bobs = fixture.delivered("bob");
    assert!(first_code != second_code && second_code != bobs);
    assert_eq!(refusal(answer(&mut fixture, &second, keys::SMS_MFA_CODE, &first_code)), WRONG_CODE);
    assert_eq!(refusal(answer(&mut fixture, &second, keys::SMS_MFA_CODE, &bobs)), WRONG_CODE);
    assert_eq!(refusal(answer(&mut fixture, &first, keys::SMS_MFA_CODE, &second_code)), WRONG_CODE);
    tokens(answer(&mut fixture, &second, keys::SMS_MFA_CODE, &second_code));
    tokens(answer(&mut fixture, &first, keys::SMS_MFA_CODE, &first_code));
}

#[test]
fn a_sent_code_expires_with_its_session() {
    // No code outlives its session, and the error names the session.
    let validity = PoolPolicy::DEFAULT.session_validity.as_secs();
    for (configure, key) in
        [(with_sms as fn(&mut NewAccount), keys::SMS_MFA_CODE), (with_email, keys::EMAIL_OTP_CODE)]
    {
        let mut fixture = pool(MfaMode::Optional);
        fixture.add("ann", configure);
        let in_time = asked(&mut fixture, "ann");
        let code = fixture.delivered("ann");
        fixture.advance_clock(validity - 1);
        tokens(answer(&mut fixture, &in_time, key, &code));
        let late = asked(&mut fixture, "ann");
        let code = fixture.delivered("ann");
        fixture.advance_clock(validity);
        // A late code is no guess and does not lock the user out.
        for _ in 0..10 {
            assert_eq!(refusal(answer(&mut fixture, &late, key, &code)), LATE_SESSION);
        }
        let expected = if key == keys::SMS_MFA_CODE { "SMS_MFA tokens" } else { "EMAIL_OTP tokens" };
        assert_eq!(fixture.sign_in_path("ann", None), expected);
    }
}

#[test]
fn a_totp_code_works_once_within_one_step() {
    let mut fixture = pool(MfaMode::Optional);
    fixture.add_with_app("ann", |_| {});
    fixture.advance_clock(300);
    let now = fixture.harness.now;
    let step = Duration::from_secs(30);
    for (early, good) in [(now.minus(2 * step), false), (now.plus(2 * step), false)] {
        let asked = asked(&mut fixture, "ann");
        let code = fixture.app_code("ann", early);
        assert_eq!(answer(&mut fixture, &asked, keys::SOFTWARE_TOKEN_MFA_CODE, &code).is_ok(), good);
    }
    for moment in [now.minus(step), now, now.plus(step)] {
        let first = asked(&mut fixture, "ann");
        let code = fixture.app_code("ann", moment);
        tokens(answer(&mut fixture, &first, keys::SOFTWARE_TOKEN_MFA_CODE, &code));
        let again = asked(&mut fixture, "ann");
        for _ in 0..3 {
            let reused = answer(&mut fixture, &again, keys::SOFTWARE_TOKEN_MFA_CODE, &code);
            assert_eq!(refusal(reused), REUSED);
        }
    }
    // Codes of earlier steps are used up as well.
    let asked = asked(&mut fixture, "ann");
    let code = fixture.app_code("ann", now);
    assert_eq!(refusal(answer(&mut fixture, &asked, keys::SOFTWARE_TOKEN_MFA_CODE, &code)), REUSED);
}

#[test]
fn a_user_selects_an_offered_factor() {
    let mut fixture = pool(MfaMode::Optional);
    fixture.add_with_app("two", with_sms);
    fixture.add_with_app("three", |account| {
        with_sms(account);
        with_email(account);
    });
    for (name, offered, refused) in [
        (
            "two",
            r#"["SMS_MFA","SOFTWARE_TOKEN_MFA"]"#,
            vec!["EMAIL_MFA", "EMAIL_OTP", "", "MFA_SETUP", "sms_mfa", "DEVICE_SRP_AUTH"],
        ),
        ("three", r#"["SMS_MFA","SOFTWARE_TOKEN_MFA","EMAIL_OTP"]"#, vec!["PASSWORD_VERIFIER", "*"]),
    ] {
        let choice = asked(&mut fixture, name);
        assert_eq!(choice.name, ChallengeName::SelectMfaType);
        assert_eq!(parameter(&choice, keys::MFAS_CAN_CHOOSE), offered);
        for wrong in refused {
            let refused = refusal(answer(&mut fixture, &choice, keys::ANSWER, wrong));
            assert_eq!(refused, "InvalidParameterException: Invalid ANSWER: choose one of MFAS_CAN_CHOOSE.");
        }
        // The challenge stays open, and a code is no answer to it.
        let early = Parameters::new().with(keys::USERNAME, name).with(keys::SMS_MFA_CODE, "000000");
        let early = fixture.answer(ChallengeName::SmsMfa, choice.session.as_ref(), early);
        assert_eq!(refusal(early), BAD_SESSION);
        let code = challenge(answer(&mut fixture, &choice, keys::ANSWER, "SMS_MFA"));
        assert_eq!(refusal(answer(&mut fixture, &choice, keys::ANSWER, "SOFTWARE_TOKEN_MFA")), USED_SESSION);
        // A factor that was offered but not selected cannot be answered.
        let typed = fixture.app_code(name, fixture.harness.now);
        let other = Parameters::new().with(keys::USERNAME, name).with(keys::SOFTWARE_TOKEN_MFA_CODE, typed);
        let other = fixture.answer(ChallengeName::SoftwareTokenMfa, code.session.as_ref(), other);
        assert_eq!(refusal(other), BAD_SESSION);
        let sent = fixture.delivered(name);
        tokens(answer(&mut fixture, &code, keys::SMS_MFA_CODE, &sent));
    }
    for spelling in ["EMAIL_OTP", "EMAIL_MFA"] {
        let choice = asked(&mut fixture, "three");
        let code = challenge(answer(&mut fixture, &choice, keys::ANSWER, spelling));
        assert_eq!(code.name, ChallengeName::EmailOtp);
        let sent = fixture.delivered("three");
        tokens(answer(&mut fixture, &code, keys::EMAIL_OTP_CODE, &sent));
    }
}

#[test]
fn an_enabled_preference_skips_the_selection() {
    for (preferred, expected) in [
        (ChallengeName::SmsMfa, "SMS_MFA tokens"),
        (ChallengeName::SoftwareTokenMfa, "SOFTWARE_TOKEN_MFA tokens"),
        (ChallengeName::EmailOtp, "SELECT_MFA_TYPE SOFTWARE_TOKEN_MFA tokens"),
    ] {
        let mut fixture = pool(MfaMode::Optional);
        fixture.add_with_app("ann", |account| {
            with_sms(account);
            account.preferred = Some(preferred);
        });
        assert_eq!(fixture.sign_in_path("ann", None), expected);
    }
}

#[test]
fn code_delivery_destination_is_masked() {
    let mut fixture = pool(MfaMode::Optional);
    fixture.add("ann", with_sms);
    fixture.add("bob", |account| {
        account.email = Some("bob@example.org".to_owned());
        account.email_mfa = true;
    });
    let sms = asked(&mut fixture, "ann");
    assert_eq!(parameter(&sms, keys::CODE_DELIVERY_DELIVERY_MEDIUM), "SMS");
    assert_eq!(parameter(&sms, keys::CODE_DELIVERY_DESTINATION), "+*******4567");
    let email = asked(&mut fixture, "bob");
    assert_eq!(email.name, ChallengeName::EmailOtp);
    assert_eq!(parameter(&email, keys::CODE_DELIVERY_DELIVERY_MEDIUM), "EMAIL");
    assert_eq!(parameter(&email, keys::CODE_DELIVERY_DESTINATION), "b***@e***");
    assert_eq!(fixture.delivered("bob").len(), 6);
    assert_eq!(fixture.sign_in_path("bob", None), "EMAIL_OTP tokens");
}

#[test]
fn unusual_destinations_are_masked() {
    for odd in ["", "1", "日本", "@", "@@", "é@"] {
        let mut fixture = pool(MfaMode::Optional);
        fixture.add("ann", |account| {
            account.phone = Some(odd.to_owned());
            account.sms_mfa = true;
        });
        fixture.add("bob", |account| {
            account.email = Some(odd.to_owned());
            account.email_mfa = true;
        });
        assert_eq!(fixture.sign_in_path("ann", None), "SMS_MFA tokens");
        assert_eq!(fixture.sign_in_path("bob", None), "EMAIL_OTP tokens");
    }
}

#[test]
fn required_mfa_uses_the_registered_phone() {
    let mut fixture = pool(MfaMode::On);
    fixture.add("ann", |account| account.phone = Some("+15551234567".to_owned()));
    assert_eq!(fixture.sign_in_path("ann", None), "SMS_MFA tokens");
    assert_eq!(fixture.sign_in_path("ann", None), "SMS_MFA tokens", "and has it as a factor from then on");
}

/// Associates an app during a sign-in. Returns its secret and the session that verifies it.
fn associate(fixture: &mut PoolFixture, session: Option<&Session>) -> (TotpSecret, Session) {
    let session = session.map(|session| session.as_str().to_owned());
    let request = Request::AssociateSoftwareToken(AssociateSoftwareToken { session });
    let Ok(Response::SecretCode { secret_code, session }) = fixture.ask(request) else { panic!("no secret") };
    (TotpSecret::from_base32(&secret_code).unwrap(), session)
}

/// Sets up an app up to `VerifySoftwareToken`.
fn set_up(fixture: &mut PoolFixture, session: Option<&Session>) -> (TotpSecret, Session) {
    let associate = |session: Option<&Session>| {
        let session = session.map(|session| session.as_str().to_owned());
        Request::AssociateSoftwareToken(AssociateSoftwareToken { session })
    };
    let Ok(Response::SecretCode { secret_code, session: next }) = fixture.ask(associate(session)) else {
        panic!("no secret")
    };
    assert_eq!(refusal(fixture.ask(associate(session))), USED_SESSION);
    let secret = TotpSecret::from_base32(&secret_code).unwrap();
    let code = secret.code(step_at(fixture.harness.now));
    let verify = |user_code: &str| {
        let session = Some(next.as_str().to_owned());
        Request::VerifySoftwareToken(VerifySoftwareToken {
            session,
            user_code: user_code.to_owned(),
            friendly_device_name: None,
        })
    };
    for wrong in ["", "abc", "1234567"] {
        assert_eq!(refusal(fixture.ask(verify(wrong))), "EnableSoftwareTokenMFAException: Code mismatch");
    }
    let Ok(Response::SoftwareTokenVerified { session: last }) = fixture.ask(verify(&code)) else {
        panic!("not verified")
    };
    assert_eq!(refusal(fixture.ask(verify(&code))), USED_SESSION);
    (secret, last)
}

#[test]
fn totp_is_set_up_during_sign_in() {
    let mut fixture = pool(MfaMode::On);
    fixture.add("ann", |_| {});
    let asked_first = asked(&mut fixture, "ann");
    assert_eq!(asked_first.name, ChallengeName::MfaSetup);
    assert_eq!(
        parameter(&asked_first, keys::MFAS_CAN_SETUP),
        r#"["SMS_MFA","SOFTWARE_TOKEN_MFA","EMAIL_OTP"]"#
    );
    let answers = Parameters::new().with(keys::USERNAME, "ann");
    let skip = |fixture: &mut PoolFixture, session: Option<&Session>| {
        refusal(fixture.answer(ChallengeName::MfaSetup, session, answers.clone()))
    };
    // The set-up cannot be skipped, and an attempt to skip it does not end it.
    let skipped = "InvalidParameterException: Set up a factor with VerifySoftwareToken, and answer with the session that it returns.";
    assert_eq!(skip(&mut fixture, asked_first.session.as_ref()), skipped);
    assert_eq!(skip(&mut fixture, None), "InvalidParameterException: Missing required parameter Session");
    let (secret, session) = set_up(&mut fixture, asked_first.session.as_ref());
    assert_eq!(skip(&mut fixture, asked_first.session.as_ref()), USED_SESSION);
    tokens(fixture.answer(ChallengeName::MfaSetup, Some(&session), answers.clone()));
    assert_eq!(skip(&mut fixture, Some(&session)), USED_SESSION);
    // The code of the set-up cannot be used again in the same step. The next code is accepted.
    let code = secret.code(step_at(fixture.harness.now));
    let next = asked(&mut fixture, "ann");
    assert_eq!(refusal(answer(&mut fixture, &next, keys::SOFTWARE_TOKEN_MFA_CODE, &code)), REUSED);
    fixture.advance_clock(30);
    let code = secret.code(step_at(fixture.harness.now));
    tokens(answer(&mut fixture, &next, keys::SOFTWARE_TOKEN_MFA_CODE, &code));
}

#[test]
fn a_second_setup_does_not_replace_the_first_factor() {
    // A client that knows only the password may set up a factor only if the user has none.
    let mut fixture = pool(MfaMode::On);
    fixture.add("ann", |_| {});
    let (ann, thief) = (asked(&mut fixture, "ann"), asked(&mut fixture, "ann"));
    let thief = associate(&mut fixture, thief.session.as_ref());
    let (secret, ann) = set_up(&mut fixture, ann.session.as_ref());
    let answers = Parameters::new().with(keys::USERNAME, "ann");
    tokens(fixture.answer(ChallengeName::MfaSetup, Some(&ann), answers));
    let code = thief.0.code(step_at(fixture.harness.now));
    let verify = Request::VerifySoftwareToken(VerifySoftwareToken {
        session: Some(thief.1.as_str().to_owned()),
        user_code: code,
        friendly_device_name: None,
    });
    assert_eq!(refusal(fixture.ask(verify)), BAD_SESSION);
    fixture.advance_clock(30);
    let code = secret.code(step_at(fixture.harness.now));
    let next = asked(&mut fixture, "ann");
    tokens(answer(&mut fixture, &next, keys::SOFTWARE_TOKEN_MFA_CODE, &code));
}
