//! `NEW_PASSWORD_REQUIRED`: attributes and device keys in its answer.
//!
//! Sources: API reference, RespondToAuthChallenge (`userAttributes.[name]` sets attributes).
//! amazon-cognito-identity-js and Amplify send them, and send an answer again without DEVICE_KEY if the pool
//! does not know the device.

use poolproof_cognito::protocol::{
    AccountRequest, AdminCreateUser, Challenge, ChallengeName, Parameters, Reply, Response, keys,
};

use crate::accounts::{ask, fixture, user};
use crate::attributes::list;
use crate::fixture::{NO_SUCH_DEVICE, POOL, PoolFixture, challenge, parameter, refusal, tokens};

/// Creates `ann` with a temporary password.
fn create(fixture: &mut PoolFixture, attributes: &[(&str, &str)]) {
    let request = AdminCreateUser {
        user_pool_id: POOL.to_owned(),
        username: "ann".to_owned(),
        attributes: list(attributes),
        temporary_password: Some("temporary-1".to_owned()),
        message_action: Some("SUPPRESS".to_owned()),
    };
    user(ask(fixture, AccountRequest::AdminCreateUser(request)));
}

/// Signs in with the temporary password.
fn asked(fixture: &mut PoolFixture) -> Challenge {
    let parameters = Parameters::new().with(keys::USERNAME, "ann").with(keys::PASSWORD, "temporary-1");
    let asked = challenge(fixture.initiate("USER_PASSWORD_AUTH", parameters));
    assert_eq!(asked.name, ChallengeName::NewPasswordRequired);
    asked
}

fn answer(fixture: &mut PoolFixture, asked: &Challenge, extra: &[(&str, &str)]) -> Reply {
    let answers = Parameters::new().with(keys::USERNAME, "ann").with(keys::NEW_PASSWORD, "permanent-1");
    let answers = extra.iter().fold(answers, |all, (key, value)| all.with(key, *value));
    fixture.answer(asked.name, asked.session.as_ref(), answers)
}

fn attributes(fixture: &mut PoolFixture) -> Vec<(String, String)> {
    let request = poolproof_cognito::protocol::AdminUserCall {
        user_pool_id: POOL.to_owned(),
        username: "ann".to_owned(),
    };
    let attributes = user(ask(fixture, AccountRequest::AdminGetUser(request))).attributes.into_iter();
    attributes.filter(|(name, _)| name != "sub").map(|(name, value)| (name, value.to_string())).collect()
}

#[test]
fn attributes_in_the_answer_are_set() {
    let mut fixture = fixture();
    create(&mut fixture, &[("locale", "en")]);
    let asked = asked(&mut fixture);
    // The schema is Cognito's default, in which no attribute is required.
    assert_eq!(parameter(&asked, "requiredAttributes"), "[]");
    assert_eq!(parameter(&asked, "userAttributes"), r#"{"locale":"en"}"#);
    let given = [
        ("userAttributes.given_name", "Amy"),
        ("userAttributes.email", "a@example.org"),
        ("userAttributes.locale", "de"),
    ];
    tokens(answer(&mut fixture, &asked, &given));
    let expected =
        [("email", "a@example.org"), ("email_verified", "false"), ("given_name", "Amy"), ("locale", "de")];
    assert_eq!(attributes(&mut fixture), list(&expected));
}

#[test]
fn refused_attributes_change_nothing_and_keep_the_challenge() {
    let mut fixture = fixture();
    fixture.allow_email_alias();
    create(&mut fixture, &[("email", "ann@example.org"), ("email_verified", "true")]);
    let before = attributes(&mut fixture);
    let asked = asked(&mut fixture);
    for (name, value, refused) in [
        (
            "email_verified",
            "true",
            "NotAuthorizedException: A client attempted to write unauthorized attribute",
        ),
        ("email", "no address", "InvalidParameterException: Invalid email address format."),
        ("sub", "x", "InvalidParameterException: user.attributes: Attributes did not conform to the schema."),
    ] {
        let key = format!("userAttributes.{name}");
        assert_eq!(refusal(answer(&mut fixture, &asked, &[(&key, value)])), refused);
    }
    assert_eq!(attributes(&mut fixture), before);
    let answered = answer(&mut fixture, &asked, &[]);
    assert!(matches!(answered, Ok(Response::Auth(_))), "{answered:?}");
}

#[test]
fn an_unknown_device_keeps_the_challenge() {
    let unknown = [(keys::DEVICE_KEY, "us-east-1_00000000-0000-4000-8000-00000000ffff")];
    let mut fixture = fixture();
    create(&mut fixture, &[]);
    let asked = asked(&mut fixture);
    for _ in 0..2 {
        assert_eq!(refusal(answer(&mut fixture, &asked, &unknown)), NO_SUCH_DEVICE);
    }
    tokens(answer(&mut fixture, &asked, &[]));
}
