//! Attributes: changes, deletion and the verification of addresses.

use poolproof_cognito::ids::ClientId;
use poolproof_cognito::policy::{AccountSettings, PoolPolicy};
use poolproof_cognito::protocol::{
    AccountRequest, AccountResponse, AdminCreateUser, AdminDeleteUserAttributes, AdminUpdateUserAttributes,
    CodeDelivery, DeleteUserAttributes, GetUserAttributeVerificationCode, GroupRequest, GroupSpec,
    Parameters, ProfileRequest, Reply, Response, UpdateUserAttributes, VerifyUserAttribute, keys,
};
use poolproof_pool::{AppClient, PasswordFlow};
use poolproof_srp::Group;

use crate::accounts::{access, ask, profile, sent, user};
use crate::fixture::{CLIENT, PASSWORD, POOL, PoolFixture, refusal, with_email_alias};

const MISMATCH: &str = "CodeMismatchException: Invalid verification code provided, please try again.";
const EXPIRED: &str = "ExpiredCodeException: Invalid code provided, please request a code again.";
const NOT_FOUND: &str = "UserNotFoundException: User does not exist.";

/// A pool with e-mail aliases, Ann in it, and her access token.
pub(super) fn fixture() -> (PoolFixture, String) {
    let client =
        AppClient { password_flow: PasswordFlow::WithDevices, ..AppClient::public(ClientId::new(CLIENT)) };
    let mut fixture = PoolFixture::with(PoolPolicy::DEFAULT, Group::toy(), client);
    fixture.allow_email_alias();
    fixture.add("ann", with_email_alias);
    let token = access(&mut fixture, "ann", PASSWORD);
    (fixture, token)
}

pub(super) fn list(attributes: &[(&str, &str)]) -> Vec<(String, String)> {
    attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(super) fn request(fixture: &mut PoolFixture, request: ProfileRequest) -> Reply {
    ask(fixture, AccountRequest::Profile(request))
}

pub(super) fn update(fixture: &mut PoolFixture, token: &str, attributes: &[(&str, &str)]) -> Reply {
    let (access_token, attributes) = (token.to_owned(), list(attributes));
    request(fixture, ProfileRequest::UpdateUserAttributes(UpdateUserAttributes { access_token, attributes }))
}

pub(super) fn admin_update(fixture: &mut PoolFixture, name: &str, attributes: &[(&str, &str)]) -> Reply {
    let (username, user_pool_id) = (name.to_owned(), POOL.to_owned());
    let attributes = list(attributes);
    let update = AdminUpdateUserAttributes { user_pool_id, username, attributes };
    request(fixture, ProfileRequest::AdminUpdateUserAttributes(update))
}

pub(super) fn ask_code(fixture: &mut PoolFixture, token: &str, attribute: &str) -> Reply {
    let (access_token, attribute_name) = (token.to_owned(), attribute.to_owned());
    let call = GetUserAttributeVerificationCode { access_token, attribute_name };
    request(fixture, ProfileRequest::GetUserAttributeVerificationCode(call))
}

pub(super) fn verify(fixture: &mut PoolFixture, token: &str, attribute: &str, code: &str) -> Reply {
    let (access_token, attribute_name) = (token.to_owned(), attribute.to_owned());
    let call = VerifyUserAttribute { access_token, attribute_name, code: code.to_owned() };
    request(fixture, ProfileRequest::VerifyUserAttribute(call))
}

fn delete(fixture: &mut PoolFixture, token: &str, names: &[&str]) -> Reply {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let call = DeleteUserAttributes { access_token: token.to_owned(), names };
    request(fixture, ProfileRequest::DeleteUserAttributes(call))
}

fn deliveries(reply: Reply) -> Vec<CodeDelivery> {
    match reply {
        Ok(Response::Account(AccountResponse::CodesSent(sent))) => sent,
        other => panic!("{other:?}"),
    }
}

/// Ann's attribute of this name.
pub(super) fn attribute(fixture: &mut PoolFixture, token: &str, name: &str) -> Option<String> {
    let attributes = user(profile(fixture, token)).attributes;
    attributes.into_iter().find(|(one, _)| one == name).map(|(_, value)| value.to_string())
}

pub(super) fn signs_in(fixture: &mut PoolFixture, name: &str) -> Result<(), String> {
    let parameters = Parameters::new().with(keys::USERNAME, name).with(keys::PASSWORD, PASSWORD);
    let answer = fixture.initiate("USER_PASSWORD_AUTH", parameters);
    answer.map(drop).map_err(|error| error.to_string())
}

#[test]
fn names_with_invisible_characters_are_refused() {
    let (mut fixture, token) = fixture();
    // Of each range the first and the last, besides those that are formats or not assigned.
    let invisible = "\u{34f}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}\u{180d}\u{180f}\u{2800}\u{3164}\u{fe00}\u{fe0f}\u{ffa0}\u{e0100}\u{e01ef}";
    for letter in invisible.chars() {
        let name = format!("ann{letter}");
        let create = AdminCreateUser {
            user_pool_id: POOL.to_owned(),
            username: name.clone(),
            ..AdminCreateUser::default()
        };
        let refused = refusal(ask(&mut fixture, AccountRequest::AdminCreateUser(create)));
        assert!(refused.contains("'username'"), "{letter:?}: {refused}");
        let address = update(&mut fixture, &token, &[("email", &format!("{name}@example.org"))]);
        assert!(refusal(address).contains("Invalid email address format."), "{letter:?}");
        let alias = update(&mut fixture, &token, &[("preferred_username", &name)]);
        assert!(refusal(alias).contains("Invalid preferred_username"), "{letter:?}");
        let (user_pool_id, group_name) = (POOL.to_owned(), name);
        let group = GroupSpec { user_pool_id, group_name, ..GroupSpec::default() };
        let group = ask(&mut fixture, AccountRequest::Group(GroupRequest::CreateGroup(group)));
        assert!(refusal(group).contains("Invalid GroupName"), "{letter:?}");
    }
}

#[test]
fn a_new_address_is_no_alias_until_it_is_verified() {
    let (mut fixture, token) = fixture();
    assert_eq!(signs_in(&mut fixture, "ann@example.org"), Ok(()));
    let answer = deliveries(update(&mut fixture, &token, &[("email", "new@example.org"), ("locale", "en")]));
    assert_eq!(answer.len(), 1);
    assert_eq!((answer[0].destination.as_str(), answer[0].attribute), ("n***@e***", "email"));
    let mail = sent(&mut fixture);
    assert_eq!(mail.destination, "new@example.org");
    assert_eq!(attribute(&mut fixture, &token, "email").as_deref(), Some("new@example.org"));
    assert_eq!(attribute(&mut fixture, &token, "email_verified").as_deref(), Some("false"));
    assert_eq!(attribute(&mut fixture, &token, "locale").as_deref(), Some("en"));
    for name in ["ann@example.org", "new@example.org"] {
        assert_eq!(signs_in(&mut fixture, name), Err(NOT_FOUND.to_owned()), "{name}");
    }
    assert_eq!(refusal(verify(&mut fixture, &token, "email", "x")), MISMATCH);
    assert_eq!(refusal(verify(&mut fixture, &token, "phone_number", &mail.code)), EXPIRED);
    assert_eq!(verify(&mut fixture, &token, "email", &mail.code), Ok(Response::Empty));
    assert_eq!(refusal(verify(&mut fixture, &token, "email", &mail.code)), EXPIRED);
    assert_eq!(attribute(&mut fixture, &token, "email_verified").as_deref(), Some("true"));
    assert_eq!(signs_in(&mut fixture, "new@example.org"), Ok(()));
    assert_eq!(signs_in(&mut fixture, "ann@example.org"), Err(NOT_FOUND.to_owned()));
    // The same address again changes nothing.
    assert_eq!(deliveries(update(&mut fixture, &token, &[("email", "new@example.org")])), []);
    assert_eq!(attribute(&mut fixture, &token, "email_verified").as_deref(), Some("true"));
}

#[test]
fn an_address_can_be_required_to_be_verified_before_it_counts() {
    // API reference, UserAttributeUpdateSettingsType.
    let (mut fixture, token) = fixture();
    let settings = AccountSettings { verify_email_first: true, ..AccountSettings::default() };
    fixture.harness.pool.set_account_settings(settings);
    assert_eq!(deliveries(update(&mut fixture, &token, &[("email", "new@example.org")])).len(), 1);
    assert_eq!(attribute(&mut fixture, &token, "email").as_deref(), Some("ann@example.org"));
    assert_eq!(attribute(&mut fixture, &token, "email_verified").as_deref(), Some("true"));
    assert_eq!(signs_in(&mut fixture, "ann@example.org"), Ok(()));
    let first = sent(&mut fixture).code;
    ask_code(&mut fixture, &token, "email").unwrap();
    let mail = sent(&mut fixture);
    assert_eq!(mail.destination, "new@example.org", "the pending address gets the code");
    assert_eq!(refusal(verify(&mut fixture, &token, "email", &first)), MISMATCH);
    assert_eq!(verify(&mut fixture, &token, "email", &mail.code), Ok(Response::Empty));
    assert_eq!(attribute(&mut fixture, &token, "email").as_deref(), Some("new@example.org"));
    assert_eq!(signs_in(&mut fixture, "new@example.org"), Ok(()));
    // An administrator can verify it at once.
    let verified = [("email", "last@example.org"), ("email_verified", "true")];
    assert_eq!(admin_update(&mut fixture, "ann", &verified), Ok(Response::Empty));
    assert!(fixture.harness.pool.take_deliveries().is_empty());
    assert_eq!(signs_in(&mut fixture, "last@example.org"), Ok(()));
}

#[test]
fn the_verified_address_of_another_user_is_refused() {
    let (mut fixture, token) = fixture();
    fixture.add("bob", |account| account.email = Some("bob@example.org".to_owned()));
    let taken =
        "AliasExistsException: An account with the given email or phone number already exists.".to_owned();
    let verified = [("email", "ann@example.org"), ("email_verified", "true")];
    assert_eq!(refusal(admin_update(&mut fixture, "bob", &verified)), taken);
    assert_eq!(signs_in(&mut fixture, "ann@example.org"), Ok(()));
    // Two may claim an address; the first who verifies it has it.
    admin_update(&mut fixture, "bob", &[("email", "shared@example.org")]).unwrap();
    deliveries(update(&mut fixture, &token, &[("email", "shared@example.org")]));
    let code = sent(&mut fixture).code;
    let verified = [("email_verified", "true")];
    admin_update(&mut fixture, "bob", &verified).unwrap();
    assert_eq!(refusal(verify(&mut fixture, &token, "email", &code)), taken);
    assert_eq!(attribute(&mut fixture, &token, "email_verified").as_deref(), Some("false"));
}

#[test]
fn users_cannot_verify_themselves_nor_write_what_the_pool_sets() {
    let (mut fixture, token) = fixture();
    let written = "NotAuthorizedException: A client attempted to write unauthorized attribute";
    assert_eq!(refusal(update(&mut fixture, &token, &[("email_verified", "true")])), written);
    for (name, value) in [("sub", ""), ("email_verified", ""), ("phone_number_verified", "")] {
        let text = format!("InvalidParameterException: user.{name}: Attribute cannot be updated.");
        assert_eq!(refusal(update(&mut fixture, &token, &[(name, value)])), text);
        assert_eq!(refusal(delete(&mut fixture, &token, &[name])), text);
    }
    let email = "InvalidParameterException: Invalid email address format.";
    assert_eq!(refusal(update(&mut fixture, &token, &[("email", "no-at")])), email);
    assert_eq!(attribute(&mut fixture, &token, "email").as_deref(), Some("ann@example.org"));
}

#[test]
fn deleting_an_attribute_removes_its_verification_and_alias() {
    let (mut fixture, token) = fixture();
    update(&mut fixture, &token, &[("locale", "en"), ("zoneinfo", "x"), ("nickname", "n")]).unwrap();
    assert_eq!(delete(&mut fixture, &token, &["locale", "unset"]), Ok(Response::Empty));
    // API reference, UpdateUserAttributes: a blank value deletes.
    deliveries(update(&mut fixture, &token, &[("zoneinfo", "")]));
    assert_eq!(attribute(&mut fixture, &token, "locale"), None);
    assert_eq!(attribute(&mut fixture, &token, "zoneinfo"), None);
    let call = AdminDeleteUserAttributes {
        user_pool_id: POOL.to_owned(),
        username: "ann".to_owned(),
        names: vec!["email".to_owned()],
    };
    let deleted = request(&mut fixture, ProfileRequest::AdminDeleteUserAttributes(call));
    assert_eq!(deleted, Ok(Response::Empty));
    assert_eq!(attribute(&mut fixture, &token, "email_verified"), None);
    assert_eq!(attribute(&mut fixture, &token, "nickname").as_deref(), Some("n"));
    assert_eq!(signs_in(&mut fixture, "ann@example.org"), Err(NOT_FOUND.to_owned()));
    assert_eq!(
        refusal(ask_code(&mut fixture, &token, "email")),
        "InvalidParameterException: User does not have the attribute email."
    );
}

#[test]
fn verification_codes_expire_and_are_limited() {
    let limit = "LimitExceededException: Attempt limit exceeded, please try after some time.";
    let (mut fixture, token) = fixture();
    for _ in 0..5 {
        ask_code(&mut fixture, &token, "email").unwrap();
    }
    assert_eq!(refusal(ask_code(&mut fixture, &token, "email")), limit);
    let code = sent(&mut fixture).code;
    for _ in 0..15 {
        assert_eq!(refusal(verify(&mut fixture, &token, "email", "x")), MISMATCH);
    }
    assert_eq!(refusal(verify(&mut fixture, &token, "email", &code)), limit);
    fixture.advance_clock(24 * 3600);
    let token = access(&mut fixture, "ann", PASSWORD);
    assert_eq!(refusal(verify(&mut fixture, &token, "email", &code)), EXPIRED);
    assert_eq!(
        refusal(ask_code(&mut fixture, &token, "locale")),
        "InvalidParameterException: Invalid attribute name: email or phone_number expected."
    );
}

#[test]
fn the_number_of_attributes_is_bounded() {
    let (mut fixture, token) = fixture();
    let mut refused = 0;
    for n in 0..300 {
        refused += u32::from(update(&mut fixture, &token, &[(&format!("custom:{n}"), "x")]).is_err());
    }
    assert_eq!(refused, 201, "with email_verified a user has 100");
    assert!(update(&mut fixture, &token, &[("custom:7", "y")]).is_ok(), "changes are no additions");
}

#[test]
fn a_recovery_code_ends_with_its_address() {
    let (mut fixture, token) = fixture();
    let call = || {
        ProfileRequest::ForgotPassword(poolproof_cognito::protocol::ClientUserCall {
            client_id: CLIENT.to_owned(),
            username: "ann".to_owned(),
            secret_hash: None,
        })
    };
    request(&mut fixture, call()).unwrap();
    let code = sent(&mut fixture).code;
    update(&mut fixture, &token, &[("email", "new@example.org")]).unwrap();
    let confirm = ProfileRequest::ConfirmForgotPassword(poolproof_cognito::protocol::ConfirmForgotPassword {
        client_id: CLIENT.to_owned(),
        username: "ann".to_owned(),
        confirmation_code: code,
        password: "brand-new-1".to_owned(),
        ..Default::default()
    });
    assert_eq!(refusal(request(&mut fixture, confirm)), EXPIRED);
}
