//! A code proves only the address that received it.
//!
//! Sources: API reference, UpdateUserAttributes and `AliasAttributes` (a changed address is not verified, and
//! an address is an alias only once it is verified).

use poolproof_cognito::ids::ClientId;
use poolproof_cognito::policy::{FirstFactors, MfaMode, PoolPolicy, RememberMode};
use poolproof_cognito::protocol::{
    AccountRequest, AdminDeleteUserAttributes, AdminUserCall, Challenge, ChallengeName, ConfirmSignUp,
    Parameters, ProfileRequest, Reply, Response, SignUp, keys,
};
use poolproof_pool::{AppClient, NewAccount};
use poolproof_srp::Group;

use crate::accounts::{ask, user};
use crate::attributes::{admin_update, attribute, request, update, verify};
use crate::fixture::{CLIENT, PASSWORD, POOL, PoolFixture, WRONG_CODE, challenge, policy, refusal, tokens};

const OLD_PHONE: (&str, &str) = ("phone_number", "+15550001111");
const OLD_EMAIL: (&str, &str) = ("email", "old@example.org");

fn reachable(account: &mut NewAccount) {
    account.phone = Some(OLD_PHONE.1.to_owned());
    account.email = Some(OLD_EMAIL.1.to_owned());
}

/// Ann's attribute of this name, as administrators see it.
fn stored(fixture: &mut PoolFixture, name: &str) -> Option<String> {
    let call = AdminUserCall { user_pool_id: POOL.to_owned(), username: "ann".to_owned() };
    let attributes = user(ask(fixture, AccountRequest::AdminGetUser(call))).attributes;
    attributes.into_iter().find(|(one, _)| one == name).map(|(_, value)| value.to_string())
}

fn answer(fixture: &mut PoolFixture, asked: &Challenge, key: &str, code: &str) -> Reply {
    let answers = Parameters::new().with(keys::USERNAME, "ann").with(key, code);
    fixture.answer(asked.name, asked.session.as_ref(), answers)
}

/// Changes or removes an address of Ann.
fn change(fixture: &mut PoolFixture, name: &str, value: Option<&str>) {
    let changed = match value {
        Some(value) => admin_update(fixture, "ann", &[(name, value)]),
        None => {
            let call = AdminDeleteUserAttributes {
                user_pool_id: POOL.to_owned(),
                username: "ann".to_owned(),
                names: vec![name.to_owned()],
            };
            request(fixture, ProfileRequest::AdminDeleteUserAttributes(call))
        }
    };
    assert_eq!(changed, Ok(Response::Empty));
}

#[test]
fn an_mfa_code_counts_only_for_the_address_that_received_it() {
    for (name, value) in [("phone_number", Some("+15557654321")), ("phone_number", None)] {
        let mut fixture = PoolFixture::new(policy(RememberMode::No, false, MfaMode::On));
        fixture.add("ann", reachable);
        let asked = challenge(fixture.password("ann", PASSWORD, None));
        assert_eq!(asked.name, ChallengeName::SmsMfa);
        let code = fixture.delivered("ann");
        change(&mut fixture, name, value);
        assert_eq!(refusal(answer(&mut fixture, &asked, keys::SMS_MFA_CODE, &code)), WRONG_CODE);
        assert_ne!(stored(&mut fixture, "phone_number_verified").as_deref(), Some("true"));
        // The session is not used up.
        change(&mut fixture, OLD_PHONE.0, Some(OLD_PHONE.1));
        tokens(answer(&mut fixture, &asked, keys::SMS_MFA_CODE, &code));
        assert_eq!(stored(&mut fixture, "phone_number_verified").as_deref(), Some("true"));
    }
    let mut fixture = PoolFixture::new(policy(RememberMode::No, false, MfaMode::On));
    fixture.add("ann", |account| {
        reachable(account);
        account.email_mfa = true;
    });
    let asked = challenge(fixture.password("ann", PASSWORD, None));
    assert_eq!(asked.name, ChallengeName::EmailOtp);
    let code = fixture.delivered("ann");
    change(&mut fixture, "email", Some("new@example.org"));
    assert_eq!(refusal(answer(&mut fixture, &asked, keys::EMAIL_OTP_CODE, &code)), WRONG_CODE);
}

#[test]
fn a_code_as_first_factor_counts_only_for_the_address_that_received_it() {
    for (factor, key, name, new, old) in [
        ("EMAIL_OTP", keys::EMAIL_OTP_CODE, "email", Some("new@example.org"), OLD_EMAIL.1),
        ("EMAIL_OTP", keys::EMAIL_OTP_CODE, "email", None, OLD_EMAIL.1),
        ("SMS_OTP", keys::SMS_OTP_CODE, "phone_number", Some("+15557654321"), OLD_PHONE.1),
    ] {
        let first_factors = FirstFactors { email_otp: true, sms_otp: true };
        let client = AppClient { choice_flow: true, ..AppClient::public(ClientId::new(CLIENT)) };
        let policy = PoolPolicy { first_factors, ..PoolPolicy::DEFAULT };
        let mut fixture = PoolFixture::with(policy, Group::toy(), client);
        fixture.add("ann", reachable);
        let parameters =
            Parameters::new().with(keys::USERNAME, "ann").with(keys::PREFERRED_CHALLENGE, factor);
        let asked = challenge(fixture.initiate("USER_AUTH", parameters));
        let code = fixture.delivered("ann");
        change(&mut fixture, name, new);
        assert_eq!(refusal(answer(&mut fixture, &asked, key, &code)), WRONG_CODE, "{factor} {new:?}");
        change(&mut fixture, name, Some(old));
        tokens(answer(&mut fixture, &asked, key, &code));
    }
}

#[test]
fn a_code_of_an_earlier_address_verifies_no_later_one() {
    let expired = "ExpiredCodeException: Invalid code provided, please request a code again.";
    let (mut fixture, token) = crate::attributes::fixture();
    update(&mut fixture, &token, &[("email", "new@example.org")]).unwrap();
    let code = fixture.harness.pool.take_deliveries().pop().unwrap().code;
    let verified = [("email", "victim@example.org"), ("email_verified", "true")];
    admin_update(&mut fixture, "ann", &verified).unwrap();
    admin_update(&mut fixture, "ann", &[("email_verified", "false")]).unwrap();
    assert_eq!(refusal(verify(&mut fixture, &token, "email", &code)), expired);
    assert_eq!(attribute(&mut fixture, &token, "email_verified").as_deref(), Some("false"));
    // A refused change leaves the code as it is.
    fixture.add("bob", |account| {
        account.email = Some("bob@example.org".to_owned());
        account.attributes.insert("email_verified".to_owned(), "true".to_owned());
    });
    update(&mut fixture, &token, &[("email", "new@example.org")]).unwrap();
    let code = fixture.harness.pool.take_deliveries().pop().unwrap().code;
    let taken = [("email", "bob@example.org"), ("email_verified", "true")];
    assert!(refusal(admin_update(&mut fixture, "ann", &taken)).starts_with("AliasExistsException"));
    assert_eq!(verify(&mut fixture, &token, "email", &code), Ok(Response::Empty));
}

/// Signs `ann` up and returns her code.
fn sign_up(fixture: &mut PoolFixture, attributes: &[(&str, &str)]) -> String {
    let request = SignUp {
        client_id: CLIENT.to_owned(),
        username: "ann".to_owned(),
        password: Some("long-password-1".to_owned()),
        attributes: crate::attributes::list(attributes),
        ..SignUp::default()
    };
    ask(fixture, AccountRequest::SignUp(request)).unwrap();
    fixture.harness.pool.take_deliveries().pop().unwrap().code
}

fn confirm(fixture: &mut PoolFixture, code: &str) -> Reply {
    let (client_id, username) = (CLIENT.to_owned(), "ann".to_owned());
    let request =
        ConfirmSignUp { client_id, username, confirmation_code: code.to_owned(), ..ConfirmSignUp::default() };
    ask(fixture, AccountRequest::ConfirmSignUp(request))
}

#[test]
fn the_code_of_a_sign_up_verifies_only_the_address_that_received_it() {
    let phone = [("phone_number", "+15550001111")];
    let email = [("email", "ann@example.org")];
    for (given, changed, verified) in [
        (&email[..], None, Some("email_verified")),
        (&phone[..], None, Some("phone_number_verified")),
        (&email[..], Some(("email", "victim@example.org")), None),
        // The e-mail address was added after the code had gone to the phone.
        (&phone[..], Some(("email", "victim@example.org")), Some("phone_number_verified")),
        (&[][..], None, None),
        (&[][..], Some(("email", "victim@example.org")), None),
    ] {
        let mut fixture = PoolFixture::new(PoolPolicy::DEFAULT);
        fixture.allow_email_alias();
        let code = sign_up(&mut fixture, given);
        if let Some((name, value)) = changed {
            change(&mut fixture, name, Some(value));
        }
        assert_eq!(confirm(&mut fixture, &code), Ok(Response::Empty), "{given:?} {changed:?}");
        for flag in ["email_verified", "phone_number_verified"] {
            let expected = verified == Some(flag);
            let actual = stored(&mut fixture, flag).as_deref() == Some("true");
            assert_eq!(actual, expected, "{flag} {given:?} {changed:?}");
        }
        let parameters = Parameters::new().with(keys::USERNAME, "victim@example.org");
        let refused = refusal(fixture.initiate("USER_SRP_AUTH", parameters.with(keys::SRP_A, "5")));
        assert_eq!(refused, "UserNotFoundException: User does not exist.");
    }
}
