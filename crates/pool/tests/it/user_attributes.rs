//! Administrators' requests: filters of `ListUsers`, and the values of verification flags.

use poolproof_cognito::policy::{PoolPolicy, UsernameSettings};
use poolproof_cognito::protocol::{
    AccountRequest, AccountResponse, AdminCreateUser, AdminUserCall, ListUsers, Response,
};

use crate::accounts::{ask, user};
use crate::attributes::{admin_update, list};
use crate::fixture::{POOL, PoolFixture, refusal};

fn create(fixture: &mut PoolFixture, name: &str, attributes: &[(&str, &str)]) -> Result<(), String> {
    let request = AdminCreateUser {
        user_pool_id: POOL.to_owned(),
        username: name.to_owned(),
        attributes: list(attributes),
        temporary_password: Some("temporary-1".to_owned()),
        message_action: None,
    };
    ask(fixture, AccountRequest::AdminCreateUser(request)).map(drop).map_err(|error| error.to_string())
}

fn found(fixture: &mut PoolFixture, filter: &str) -> Result<Vec<String>, String> {
    let request =
        ListUsers { user_pool_id: POOL.to_owned(), filter: Some(filter.to_owned()), ..ListUsers::default() };
    match ask(fixture, AccountRequest::ListUsers(request)) {
        Ok(Response::Account(AccountResponse::Users { users, .. })) => {
            Ok(users.into_iter().map(|user| user.username.as_str().to_owned()).collect())
        }
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

fn attribute(fixture: &mut PoolFixture, name: &str, attribute: &str) -> Option<String> {
    let call = AdminUserCall { user_pool_id: POOL.to_owned(), username: name.to_owned() };
    let attributes = user(ask(fixture, AccountRequest::AdminGetUser(call))).attributes;
    attributes.into_iter().find(|(one, _)| one == attribute).map(|(_, value)| value.to_string())
}

/// API reference, ListUsers; texts from aws-sdk-php#1088 and moto#4407.
#[test]
fn only_ten_attributes_are_searchable() {
    let mut fixture = PoolFixture::new(PoolPolicy::DEFAULT);
    let attributes =
        [("custom:nope", "1"), ("foo", "x"), ("given_name", "Amy"), ("nickname", "a\"b"), ("name", "a\"b")];
    create(&mut fixture, "Amy", &attributes).unwrap();
    for filter in ["custom:nope = \"1\"", "foo = \"x\"", "enabled = \"true\"", "nickname ^= \"a\""] {
        let name = filter.split(' ').next().unwrap();
        let refused = format!("InvalidParameterException: Invalid search attribute: {name}");
        assert_eq!(found(&mut fixture, filter), Err(refused));
    }
    let parsing = "InvalidParameterException: Error while parsing filter.".to_owned();
    for filter in ["username = \"Amy\" and email = \"x\"", "name = \"a\"b\""] {
        assert_eq!(found(&mut fixture, filter), Err(parsing.clone()), "{filter}");
    }
    for filter in [
        "cognito:user_status = \"force_Change_password\"",
        "cognito:user_status ^= \"FORCE\"",
        "status = \"Enabled\"",
        "name = \"a\\\"b\"",
        "given_name ^= \"A\"",
        "username = \"Amy\"",
    ] {
        assert_eq!(found(&mut fixture, filter), Ok(vec!["Amy".to_owned()]), "{filter}");
    }
    for filter in ["status = \"enabled\"", "username = \"amy\"", "sub = \"x\""] {
        assert_eq!(found(&mut fixture, filter), Ok(Vec::new()), "{filter}");
    }
    let usernames = UsernameSettings { case_sensitive: false, ..UsernameSettings::DEFAULT };
    let mut fixture = PoolFixture::new(PoolPolicy::DEFAULT);
    fixture.replace_pool(|pool| pool.with_usernames(usernames));
    create(&mut fixture, "Amy", &[]).unwrap();
    assert_eq!(found(&mut fixture, "username = \"Amy\""), Ok(vec!["amy".to_owned()]));
}

/// API reference, AdminCreateUser: `email_verified` is True or False, and needs the address.
#[test]
fn verification_flags_are_true_or_false_in_any_case() {
    let mut fixture = PoolFixture::new(PoolPolicy::DEFAULT);
    fixture.allow_email_alias();
    let email = ("email", "amy@example.org");
    for value in ["banana", "1", ""] {
        let refused = "InvalidParameterException: Invalid value of email_verified: true or false expected.";
        let created = create(&mut fixture, "amy", &[email, ("email_verified", value)]);
        assert_eq!(created, Err(refused.to_owned()));
    }
    create(&mut fixture, "amy", &[email, ("email_verified", "True"), ("phone_number_verified", "FALSE")])
        .unwrap();
    assert_eq!(attribute(&mut fixture, "amy", "email_verified").as_deref(), Some("true"));
    assert_eq!(attribute(&mut fixture, "amy", "phone_number_verified").as_deref(), Some("false"));
    assert_eq!(attribute(&mut fixture, "amy@example.org", "email").as_deref(), Some("amy@example.org"));
    let updated = admin_update(&mut fixture, "amy", &[("email_verified", "yes")]);
    assert_eq!(
        refusal(updated),
        "InvalidParameterException: Invalid value of email_verified: true or false expected."
    );
    admin_update(&mut fixture, "amy", &[("email", "new@example.org"), ("email_verified", "TRUE")]).unwrap();
    assert_eq!(attribute(&mut fixture, "new@example.org", "email_verified").as_deref(), Some("true"));
    let without = create(&mut fixture, "bob", &[("phone_number_verified", "true")]);
    let refused = "InvalidParameterException: phone_number_verified is true, but there is no phone_number.";
    assert_eq!(without, Err(refused.to_owned()));
    assert_eq!(refusal(admin_update(&mut fixture, "amy", &[("phone_number_verified", "true")])), refused);
    let deleted = admin_update(&mut fixture, "amy", &[("email", ""), ("email_verified", "true")]);
    assert!(refusal(deleted).ends_with("email_verified is true, but there is no email."));
    admin_update(&mut fixture, "amy", &[("email_verified", "true")]).unwrap();
}

/// API reference, `ForceAliasCreation` of AdminCreateUser.
#[test]
fn the_alias_of_another_user_is_refused_as_an_alias() {
    let mut fixture = PoolFixture::new(PoolPolicy::DEFAULT);
    fixture.allow_email_alias();
    let verified = [("email", "amy@example.org"), ("email_verified", "true")];
    create(&mut fixture, "amy", &verified).unwrap();
    let taken = "AliasExistsException: An account with the given email or phone number already exists.";
    assert_eq!(create(&mut fixture, "bob", &verified), Err(taken.to_owned()));
    assert_eq!(
        create(&mut fixture, "amy", &[]),
        Err("UsernameExistsException: User already exists".to_owned())
    );
}
