//! Password recovery: who gets a code, where it goes, how often, and what it does.

use poolproof_cognito::ids::ClientId;
use poolproof_cognito::policy::{AccountSettings, AddressKind, MfaMode, PoolPolicy, Recovery, RiskLevel};
use poolproof_cognito::protocol::{
    AccountRequest, AccountResponse, AdminUserCall, BearerCall, ChallengeName, ClientUserCall, CodeDelivery,
    ConfirmForgotPassword, ConfirmSignUp, Parameters, ProfileRequest, Reply, Response, SignUp, keys,
};
use poolproof_pool::{AppClient, NewAccount, PasswordFlow, Step, UserStatus};
use poolproof_srp::Group;

use crate::accounts::{access, ask, profile, sent, set_password};
use crate::fixture::{CLIENT, INCORRECT, PASSWORD, POOL, PoolFixture, challenge, refusal, tokens};

const NO_ADDRESS: &str = "InvalidParameterException: Cannot reset password for the user as there is no \
                          registered/verified email or phone_number";
const LIMIT: &str = "LimitExceededException: Attempt limit exceeded, please try after some time.";
const MISMATCH: &str = "CodeMismatchException: Invalid verification code provided, please try again.";
const EXPIRED: &str = "ExpiredCodeException: Invalid code provided, please request a code again.";

fn fixture(mfa: MfaMode, hides_users: bool) -> PoolFixture {
    let client = AppClient {
        password_flow: PasswordFlow::WithDevices,
        prevents_user_existence_errors: hides_users,
        ..AppClient::public(ClientId::new(CLIENT))
    };
    PoolFixture::with(PoolPolicy { mfa, ..PoolPolicy::DEFAULT }, Group::toy(), client)
}

/// Gives an account both addresses, verified.
fn with_addresses(account: &mut NewAccount) {
    account.email = Some("ann@example.org".to_owned());
    account.phone = Some("+15550100".to_owned());
    for flag in ["email_verified", "phone_number_verified"] {
        account.attributes.insert(flag.to_owned(), "true".to_owned());
    }
}

fn call(username: &str) -> ClientUserCall {
    ClientUserCall { client_id: CLIENT.to_owned(), username: username.to_owned(), secret_hash: None }
}

fn request(fixture: &mut PoolFixture, request: ProfileRequest) -> Reply {
    ask(fixture, AccountRequest::Profile(request))
}

fn forgot(fixture: &mut PoolFixture, username: &str) -> Reply {
    request(fixture, ProfileRequest::ForgotPassword(call(username)))
}

fn confirmation(username: &str, code: &str, password: &str) -> ProfileRequest {
    ProfileRequest::ConfirmForgotPassword(ConfirmForgotPassword {
        client_id: CLIENT.to_owned(),
        secret_hash: None,
        username: username.to_owned(),
        confirmation_code: code.to_owned(),
        password: password.to_owned(),
    })
}

fn confirm(fixture: &mut PoolFixture, username: &str, code: &str) -> Reply {
    request(fixture, confirmation(username, code, "brand-new-1"))
}

fn reset(fixture: &mut PoolFixture, username: &str) -> Reply {
    let call = AdminUserCall { user_pool_id: POOL.to_owned(), username: username.to_owned() };
    request(fixture, ProfileRequest::AdminResetUserPassword(call))
}

fn delivery(reply: Reply) -> CodeDelivery {
    match reply {
        Ok(Response::Account(AccountResponse::CodeSent(delivery))) => delivery,
        other => panic!("{other:?}"),
    }
}

fn plain(fixture: &mut PoolFixture, name: &str, password: &str) -> Reply {
    let parameters = Parameters::new().with(keys::USERNAME, name).with(keys::PASSWORD, password);
    fixture.initiate("USER_PASSWORD_AUTH", parameters)
}

fn other_code(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

#[test]
fn a_forgotten_password_is_replaced_with_the_code_that_was_sent() {
    let mut fixture = fixture(MfaMode::Off, false);
    fixture.add("ann", with_addresses);
    assert_eq!(refusal(confirm(&mut fixture, "ann", "123456")), EXPIRED, "no code was asked for");
    // Without AccountRecoverySetting a phone comes before e-mail (API reference, AccountRecoverySettingType).
    let answer = delivery(forgot(&mut fixture, "ann"));
    assert_eq!(
        (answer.medium, answer.attribute, answer.destination.as_str()),
        ("SMS", "phone_number", "+*******0100")
    );
    let code = sent(&mut fixture).code;
    tokens(plain(&mut fixture, "ann", PASSWORD));
    assert_eq!(refusal(confirm(&mut fixture, "ann", &other_code(&code))), MISMATCH);
    let short = request(&mut fixture, confirmation("ann", &code, "short"));
    assert!(refusal(short).starts_with("InvalidPasswordException: Password does not conform to policy"));
    assert_eq!(confirm(&mut fixture, "ann", &code), Ok(Response::Empty));
    assert_eq!(refusal(confirm(&mut fixture, "ann", &code)), EXPIRED, "a code sets one password");
    assert_eq!(refusal(plain(&mut fixture, "ann", PASSWORD)), INCORRECT);
    access(&mut fixture, "ann", "brand-new-1");
    assert_eq!(refusal(forgot(&mut fixture, "bob")), "UserNotFoundException: User does not exist.");
    assert_eq!(refusal(confirm(&mut fixture, "bob", "1")), "UserNotFoundException: User does not exist.");
}

#[test]
fn a_recovery_code_is_valid_for_an_hour_and_a_new_one_replaces_it() {
    // Developer guide, code validity: one hour.
    let mut fixture = fixture(MfaMode::Off, false);
    fixture.add("ann", with_addresses);
    forgot(&mut fixture, "ann").unwrap();
    let first = sent(&mut fixture).code;
    fixture.advance_clock(3599);
    forgot(&mut fixture, "ann").unwrap();
    let second = sent(&mut fixture).code;
    assert_eq!(refusal(confirm(&mut fixture, "ann", &first)), MISMATCH);
    fixture.advance_clock(3600);
    assert_eq!(refusal(confirm(&mut fixture, "ann", &second)), EXPIRED);
}

#[test]
fn attempts_are_limited_for_each_user_and_fewer_are_allowed_at_risk() {
    // Quotas page: 5 to 20 attempts an hour to request or enter a code, depending on risk.
    for (risk, limit) in [(None, 20), (Some(RiskLevel::Low), 5)] {
        for hides_users in [false, true] {
            let mut fixture = fixture(MfaMode::Off, hides_users);
            fixture.harness.origin.risk = risk;
            fixture.add("ann", with_addresses);
            for name in if hides_users { &["ann", "unknown"][..] } else { &["ann"] } {
                delivery(forgot(&mut fixture, name));
                for _ in 1..limit {
                    assert_eq!(refusal(confirm(&mut fixture, name, "x")), MISMATCH);
                }
                assert_eq!(refusal(confirm(&mut fixture, name, "x")), LIMIT);
                assert_eq!(refusal(forgot(&mut fixture, name)), LIMIT);
            }
            let code = sent(&mut fixture).code;
            assert_eq!(refusal(confirm(&mut fixture, "ann", &code)), LIMIT, "the right code too");
            fixture.advance_clock(3600);
            delivery(forgot(&mut fixture, "ann"));
            let code = sent(&mut fixture).code;
            assert_eq!(confirm(&mut fixture, "ann", &code), Ok(Response::Empty));
        }
    }
}

#[test]
fn recovery_uses_the_configured_address_unless_it_is_an_active_factor() {
    // API reference, AccountRecoverySetting: an address whose MFA is active does not qualify; without the
    // setting SMS is preferred. MFA page: a user whose preferred MFA is by e-mail gets no code by e-mail.
    let (email, phone) = (AddressKind::Email, AddressKind::Phone);
    let both = |first, second| Recovery::Addresses { first, second };
    let preferred = |factor| move |account: &mut NewAccount| account.preferred = Some(factor);
    type Change = Box<dyn Fn(&mut NewAccount)>;
    let nothing: Change = Box::new(|_| {});
    let sms: Change = Box::new(|account| account.sms_mfa = true);
    let email_mfa: Change = Box::new(|account| account.email_mfa = true);
    let sms_preferred: Change = Box::new(move |account| {
        account.sms_mfa = true;
        preferred(ChallengeName::SmsMfa)(account);
    });
    let email_preferred: Change = Box::new(move |account| {
        account.email_mfa = true;
        account.phone = None;
        preferred(ChallengeName::EmailOtp)(account);
    });
    let both_factors: Change = Box::new(|account| (account.sms_mfa, account.email_mfa) = (true, true));
    let unverified: Change = Box::new(|account| account.attributes.clear());
    let admin = "NotAuthorizedException: Contact administrator to reset password.";
    for (recovery, change, wanted) in [
        (Recovery::Legacy, &nothing, Ok("SMS")),
        (Recovery::Legacy, &sms, Ok("SMS")),
        (Recovery::Legacy, &sms_preferred, Ok("EMAIL")),
        (Recovery::Legacy, &email_preferred, Err(NO_ADDRESS)),
        (Recovery::Legacy, &unverified, Err(NO_ADDRESS)),
        (Recovery::AdminOnly, &nothing, Err(admin)),
        (both(email, None), &nothing, Ok("EMAIL")),
        (both(email, None), &email_mfa, Err(NO_ADDRESS)),
        (both(email, Some(phone)), &email_mfa, Ok("SMS")),
        (both(phone, Some(email)), &nothing, Ok("SMS")),
        (both(phone, Some(email)), &sms, Ok("EMAIL")),
        (both(phone, Some(email)), &both_factors, Err(NO_ADDRESS)),
        (both(phone, Some(email)), &unverified, Err(NO_ADDRESS)),
    ] {
        let mut fixture = fixture(MfaMode::Optional, false);
        fixture.harness.pool.set_account_settings(AccountSettings { recovery, ..AccountSettings::default() });
        fixture.add("ann", |account| {
            with_addresses(account);
            change(account);
        });
        let answer = forgot(&mut fixture, "ann");
        match wanted {
            Ok(medium) => assert_eq!(delivery(answer).medium, medium, "{recovery:?}"),
            Err(text) => assert_eq!(refusal(answer), text, "{recovery:?}"),
        }
    }
}

#[test]
fn a_reset_by_an_administrator_refuses_the_old_password_until_it_is_replaced() {
    let mut fixture = fixture(MfaMode::Off, false);
    fixture.add("ann", with_addresses);
    fixture.add("bob", |_| {});
    assert_eq!(reset(&mut fixture, "ann"), Ok(Response::Empty));
    let code = sent(&mut fixture).code;
    let required = "PasswordResetRequiredException: Password reset required for the user";
    assert_eq!(refusal(plain(&mut fixture, "ann", PASSWORD)), required);
    assert_eq!(confirm(&mut fixture, "ann", &code), Ok(Response::Empty));
    access(&mut fixture, "ann", "brand-new-1");
    assert_eq!(refusal(reset(&mut fixture, "bob")), NO_ADDRESS);
    assert_eq!(refusal(reset(&mut fixture, "cyd")), "UserNotFoundException: User does not exist.");
    tokens(plain(&mut fixture, "bob", PASSWORD));
}

#[test]
fn a_temporary_password_and_a_disabled_user_are_not_recovered() {
    // aws-amplify/amplify-js#1340, aws-amplify/amplify-flutter#3048.
    let mut fixture = fixture(MfaMode::Off, false);
    fixture.add("ann", |account| {
        with_addresses(account);
        account.user_status = UserStatus::ForceChangePassword;
    });
    fixture.add("bob", |account| {
        with_addresses(account);
        account.disabled = true;
    });
    let state = "NotAuthorizedException: User password cannot be reset in the current state.";
    assert_eq!(refusal(forgot(&mut fixture, "ann")), state);
    assert_eq!(refusal(reset(&mut fixture, "ann")), state);
    let disabled = "NotAuthorizedException: User is disabled.";
    assert_eq!(refusal(forgot(&mut fixture, "bob")), disabled);
    assert_eq!(refusal(confirm(&mut fixture, "bob", "1")), disabled);
}

#[test]
fn a_client_that_hides_users_simulates_the_delivery() {
    // Developer guide, "Managing user existence error responses": of a user who does not exist, is disabled
    // or has no verified address.
    let mut fixture = fixture(MfaMode::Off, true);
    fixture.add("ann", with_addresses);
    fixture.add("bob", |_| {});
    fixture.add("cyd", |account| {
        with_addresses(account);
        account.disabled = true;
    });
    for name in ["unknown", "bob", "cyd"] {
        assert_eq!(refusal(confirm(&mut fixture, name, "1")), EXPIRED, "{name}");
        let answer = delivery(forgot(&mut fixture, name));
        assert_eq!(answer, delivery(forgot(&mut fixture, name)), "the same every time");
        assert_eq!((answer.medium, answer.attribute), ("EMAIL", "email"));
        assert_eq!(answer.destination.len(), "a***@e***".len(), "{answer:?}");
        assert_eq!(refusal(confirm(&mut fixture, name, "1")), MISMATCH, "{name}");
    }
    assert!(fixture.harness.pool.take_deliveries().is_empty(), "nothing is sent");
    assert_eq!(delivery(forgot(&mut fixture, "x@example.org")).destination, "x***@e***");
    assert_eq!(delivery(forgot(&mut fixture, "+15550199")).destination, "+*******0199");
    assert_eq!(refusal(confirm(&mut fixture, "ann", "1")), EXPIRED);
    delivery(forgot(&mut fixture, "ann"));
    assert_eq!(refusal(confirm(&mut fixture, "ann", "x")), MISMATCH);
    let code = sent(&mut fixture).code;
    assert_eq!(confirm(&mut fixture, "ann", &code), Ok(Response::Empty));
}

#[test]
fn a_password_that_is_set_meanwhile_ends_the_recovery() {
    // Whatever is checked before the arithmetic is checked again after it.
    let mut fixture = fixture(MfaMode::Off, false);
    fixture.add("ann", with_addresses);
    forgot(&mut fixture, "ann").unwrap();
    let code = sent(&mut fixture).code;
    let (now, origin) = (fixture.harness.now, fixture.harness.origin);
    let request = AccountRequest::Profile(confirmation("ann", &code, "the-thiefs-1"));
    let Step::Compute(job, pending) = fixture.harness.pool.handle_account(now, origin, request) else {
        panic!("no job")
    };
    ask(&mut fixture, set_password("ann", "of-the-admin-1", true)).unwrap();
    let Step::Reply(late) = fixture.harness.pool.resume(now, pending, job.run()) else { panic!("more work") };
    assert_eq!(refusal(late), EXPIRED);
    access(&mut fixture, "ann", "of-the-admin-1");
}

#[test]
fn change_password_is_limited_to_five_an_hour() {
    // Quotas page: 5 calls of ChangePassword an hour for each user.
    let mut fixture = fixture(MfaMode::Off, false);
    fixture.add("ann", |_| {});
    let token = access(&mut fixture, "ann", PASSWORD);
    let mut previous = PASSWORD.to_owned();
    for n in 0..6 {
        let proposed = format!("password-{n}");
        let change = poolproof_cognito::protocol::ChangePassword {
            access_token: token.clone(),
            previous_password: Some(previous),
            proposed_password: proposed.clone(),
        };
        let answer = ask(&mut fixture, AccountRequest::ChangePassword(change));
        if n == 5 {
            assert_eq!(refusal(answer), LIMIT);
        } else {
            assert_eq!(answer, Ok(Response::Empty));
        }
        previous = proposed;
    }
}

#[test]
fn the_code_of_a_sign_up_is_sent_again() {
    let mut fixture = fixture(MfaMode::Off, false);
    fixture.add("bob", |_| {});
    let sign_up = SignUp {
        client_id: CLIENT.to_owned(),
        username: "ann".to_owned(),
        password: Some("password-1".to_owned()),
        attributes: vec![("email".to_owned(), "ann@example.org".to_owned())],
        ..SignUp::default()
    };
    ask(&mut fixture, AccountRequest::SignUp(sign_up)).unwrap();
    let first = sent(&mut fixture).code;
    let again = |fixture: &mut PoolFixture, name: &str| {
        request(fixture, ProfileRequest::ResendConfirmationCode(call(name)))
    };
    assert_eq!(delivery(again(&mut fixture, "ann")).destination, "a***@e***");
    let second = sent(&mut fixture).code;
    let entered = |code: &str| {
        AccountRequest::ConfirmSignUp(ConfirmSignUp {
            client_id: CLIENT.to_owned(),
            username: "ann".to_owned(),
            confirmation_code: code.to_owned(),
            ..ConfirmSignUp::default()
        })
    };
    assert_eq!(refusal(ask(&mut fixture, entered(&first))), MISMATCH);
    for _ in 1..5 {
        delivery(again(&mut fixture, "ann"));
    }
    assert_eq!(refusal(again(&mut fixture, "ann")), LIMIT);
    assert_ne!(first, second);
    let last = sent(&mut fixture).code;
    assert_eq!(ask(&mut fixture, entered(&last)), Ok(Response::Empty));
    // amazon-cognito-identity-js#525, amazon-cognito-identity-dart-2#103.
    let confirmed = "InvalidParameterException: User is already confirmed.";
    assert_eq!(refusal(again(&mut fixture, "ann")), confirmed);
    assert_eq!(
        refusal(again(&mut fixture, "unknown")),
        "UserNotFoundException: Username/client id combination not found."
    );
}

#[test]
fn users_delete_themselves() {
    let mut fixture = fixture(MfaMode::Off, false);
    fixture.add("ann", |_| {});
    let token = access(&mut fixture, "ann", PASSWORD);
    let delete = || ProfileRequest::DeleteUser(BearerCall { access_token: token.clone() });
    assert_eq!(request(&mut fixture, delete()), Ok(Response::Empty));
    let gone = "UserNotFoundException: User does not exist.";
    assert_eq!(refusal(request(&mut fixture, delete())), gone);
    assert_eq!(refusal(profile(&mut fixture, &token)), gone);
    assert_eq!(fixture.harness.pool.users(), 0);
}

#[test]
fn a_challenge_of_a_reset_user_cannot_be_answered() {
    let mut fixture = fixture(MfaMode::Optional, false);
    fixture.add("ann", |account| {
        with_addresses(account);
        account.sms_mfa = true;
    });
    let asked = challenge(plain(&mut fixture, "ann", PASSWORD));
    let code = sent(&mut fixture).code;
    reset(&mut fixture, "ann").unwrap();
    let answers = Parameters::new().with(keys::USERNAME, "ann").with(keys::SMS_MFA_CODE, code);
    let refused = fixture.answer(asked.name, asked.session.as_ref(), answers);
    assert_eq!(refusal(refused), "PasswordResetRequiredException: Password reset required for the user");
}
