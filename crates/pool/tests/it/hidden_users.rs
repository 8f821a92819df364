//! `PreventUserExistenceErrors`: no pair of operations shows whether a user exists.
//!
//! Source: developer guide, managing error responses (a simulated destination for a user that does not
//! exist).

use poolproof_cognito::ids::{ClientId, Username};
use poolproof_cognito::policy::{FirstFactors, PoolPolicy};
use poolproof_cognito::protocol::{
    AccountRequest, AccountResponse, AuthOutcome, ChallengeName, ClientUserCall, Parameters, ProfileRequest,
    Response, keys,
};
use poolproof_pool::AppClient;
use poolproof_srp::Group;

use crate::accounts::ask;
use crate::fixture::{CLIENT, PoolFixture, challenge, parameter};

fn fixture() -> PoolFixture {
    let client = AppClient {
        choice_flow: true,
        prevents_user_existence_errors: true,
        ..AppClient::public(ClientId::new(CLIENT))
    };
    let first_factors = FirstFactors { email_otp: true, sms_otp: true };
    let policy = PoolPolicy { first_factors, ..PoolPolicy::DEFAULT };
    let mut fixture = PoolFixture::with(policy, Group::toy(), client);
    fixture.allow_email_alias();
    fixture.add("ann", |account| {
        account.email = Some("ann@example.org".to_owned());
        account.attributes.insert("email_verified".to_owned(), "true".to_owned());
    });
    fixture.add("unverified", |account| account.email = Some("q@other.example".to_owned()));
    fixture.add("disabled", |account| account.email = Some("d@z.example".to_owned()));
    fixture.harness.pool.set_disabled(&Username::new("disabled"), true);
    fixture
}

/// The destination of `EMAIL_OTP`; `None` if the user cannot choose it. With `by_choice` the factor is
/// selected in a second request under the id that the first one returned.
fn destination_of_code(fixture: &mut PoolFixture, name: &str, by_choice: bool) -> Option<String> {
    let named = |name: &str| Parameters::new().with(keys::USERNAME, name);
    let asked = match by_choice {
        false => fixture.initiate("USER_AUTH", named(name).with(keys::PREFERRED_CHALLENGE, "EMAIL_OTP")),
        true => {
            let offer = challenge(fixture.initiate("USER_AUTH", named(name)));
            let answers = named(parameter(&offer, keys::USER_ID_FOR_SRP)).with(keys::ANSWER, "EMAIL_OTP");
            fixture.answer(ChallengeName::SelectChallenge, offer.session.as_ref(), answers)
        }
    };
    match asked {
        Ok(Response::Auth(AuthOutcome::Challenge(asked))) if asked.name == ChallengeName::EmailOtp => {
            Some(parameter(&asked, keys::CODE_DELIVERY_DESTINATION).to_owned())
        }
        _ => None,
    }
}

fn destination(fixture: &mut PoolFixture, name: &str, of: fn(ClientUserCall) -> ProfileRequest) -> String {
    let (client_id, username) = (CLIENT.to_owned(), name.to_owned());
    let call = of(ClientUserCall { client_id, username, secret_hash: None });
    match ask(fixture, AccountRequest::Profile(call)) {
        Ok(Response::Account(AccountResponse::CodeSent(delivery))) => delivery.destination,
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_operations_show_one_address_of_a_user_who_exists_or_not() {
    let mut fixture = fixture();
    let mut compared = 0;
    let unknown = (0..20).map(|n| format!("unknown{n}"));
    let names = ["ann", "ann@example.org", "unverified", "disabled", "zoe@example.org", "Unknown0"];
    for name in names.into_iter().map(str::to_owned).chain(unknown) {
        let recovery = destination(&mut fixture, &name, ProfileRequest::ForgotPassword);
        let resent = destination(&mut fixture, &name, ProfileRequest::ResendConfirmationCode);
        assert_eq!(recovery, resent, "{name}");
        for by_choice in [false, true] {
            if let Some(shown) = destination_of_code(&mut fixture, &name, by_choice) {
                assert_eq!(shown, recovery, "{name}");
                compared += 1;
            }
        }
    }
    assert!(compared > 16, "{compared}");
    assert_eq!(destination_of_code(&mut fixture, "zoe@example.org", true).as_deref(), Some("z***@e***"));
}
