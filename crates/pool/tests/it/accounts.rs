//! Operations on users, by the users themselves and by administrators.

use poolproof_cognito::ids::{ClientId, Username};
use poolproof_cognito::policy::{MfaMode, PoolPolicy, RememberMode};
use poolproof_cognito::protocol::{
    AccountRequest, AccountResponse, AdminCreateUser, AdminSetUserMfaPreference, AdminSetUserPassword,
    AdminUserCall, BearerCall, ChallengeName, ChangePassword, ConfirmSignUp, DeviceStatus, ListUsers,
    MfaPreference, MfaPreferences, Parameters, Reply, Response, SetUserMfaPreference, SignUp,
    UserDescription, VerifyOwnSoftwareToken, keys,
};
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::{TotpSecret, step_at};
use poolproof_pool::{AppClient, Delivery, PasswordFlow, Step};
use poolproof_srp::Group;

use crate::fixture::{CLIENT, INCORRECT, PASSWORD, POOL, PoolFixture, challenge, policy, refusal, tokens};

pub(super) fn ask(fixture: &mut PoolFixture, request: AccountRequest) -> Reply {
    let harness = &mut fixture.harness;
    let mut step = harness.pool.handle_account(harness.now, harness.origin, request);
    let reply = loop {
        match step {
            Step::Reply(reply) => break reply,
            Step::Sign(signing) => break signing.run(),
            Step::Trigger(call, _) => panic!("{call:?}"),
            Step::Compute(job, pending) => step = harness.pool.resume(harness.now, pending, job.run()),
        }
    };
    fixture.check_memory();
    reply
}

/// Returns a pool whose client allows passwords without SRP for users and administrators.
pub(super) fn fixture() -> PoolFixture {
    let client = AppClient {
        password_flow: PasswordFlow::WithDevices,
        admin_flow: true,
        ..AppClient::public(ClientId::new(CLIENT))
    };
    PoolFixture::with(policy(RememberMode::Always, true, MfaMode::Optional), Group::toy(), client)
}

fn named(username: &str) -> AdminUserCall {
    AdminUserCall { user_pool_id: POOL.to_owned(), username: username.to_owned() }
}

fn create(name: &str) -> AdminCreateUser {
    AdminCreateUser {
        user_pool_id: POOL.to_owned(),
        username: name.to_owned(),
        attributes: vec![("email".to_owned(), format!("{name}@example.com"))],
        temporary_password: Some("temporary-1".to_owned()),
        message_action: None,
    }
}

fn sign_up(name: &str) -> SignUp {
    SignUp {
        client_id: CLIENT.to_owned(),
        username: name.to_owned(),
        password: Some(PASSWORD.replace(' ', "-")),
        attributes: vec![("email".to_owned(), format!("{name}@example.com"))],
        ..SignUp::default()
    }
}

pub(super) fn set_password(name: &str, password: &str, permanent: bool) -> AccountRequest {
    AccountRequest::AdminSetUserPassword(AdminSetUserPassword {
        user_pool_id: POOL.to_owned(),
        username: name.to_owned(),
        password: password.to_owned(),
        permanent: Some(permanent),
    })
}

fn plain(fixture: &mut PoolFixture, name: &str, password: &str) -> Reply {
    let parameters = Parameters::new().with(keys::USERNAME, name).with(keys::PASSWORD, password);
    fixture.initiate("USER_PASSWORD_AUTH", parameters)
}

/// Returns the access token of a user who has only a password.
pub(super) fn access(fixture: &mut PoolFixture, name: &str, password: &str) -> String {
    tokens(plain(fixture, name, password)).access_token.as_str().to_owned()
}

pub(super) fn user(reply: Reply) -> UserDescription {
    match reply {
        Ok(Response::Account(
            AccountResponse::User(user) | AccountResponse::Created(user) | AccountResponse::Profile(user),
        )) => user,
        other => panic!("{other:?}"),
    }
}

pub(super) fn profile(fixture: &mut PoolFixture, token: &str) -> Reply {
    ask(fixture, AccountRequest::GetUser(BearerCall { access_token: token.to_owned() }))
}

/// Returns the last code that was sent to the user.
pub(super) fn sent(fixture: &mut PoolFixture) -> Delivery {
    fixture.harness.pool.take_deliveries().pop().unwrap()
}

#[test]
fn a_created_user_sets_a_password_and_signs_in() {
    let mut fixture = fixture();
    let made = user(ask(&mut fixture, AccountRequest::AdminCreateUser(create("ann"))));
    assert_eq!((made.status, made.enabled), ("FORCE_CHANGE_PASSWORD", true));
    assert_eq!(made.attributes[1], ("email".to_owned(), "ann@example.com".into()));
    let mail = sent(&mut fixture);
    assert_eq!(
        (mail.medium, mail.destination.as_str(), mail.code.as_str()),
        ("EMAIL", "ann@example.com", "temporary-1")
    );
    let asked = challenge(plain(&mut fixture, "ann", "temporary-1"));
    assert_eq!(asked.name, ChallengeName::NewPasswordRequired);
    let answers = Parameters::new().with(keys::USERNAME, "ann").with(keys::NEW_PASSWORD, "permanent-1");
    tokens(fixture.answer(asked.name, asked.session.as_ref(), answers));
    assert_eq!(user(ask(&mut fixture, AccountRequest::AdminGetUser(named("ann")))).status, "CONFIRMED");
    tokens(plain(&mut fixture, "ann", "permanent-1"));
    let again = ask(&mut fixture, AccountRequest::AdminCreateUser(create("ann")));
    assert_eq!(refusal(again), "UsernameExistsException: User already exists");
    // An address is no alias in this pool, so two users can have the same one.
    let same_address = AdminCreateUser { username: "ANN".to_owned(), ..create("ann") };
    user(ask(&mut fixture, AccountRequest::AdminCreateUser(same_address)));
    let resend = AdminCreateUser { message_action: Some("RESEND".to_owned()), ..create("ann") };
    assert_eq!(
        refusal(ask(&mut fixture, AccountRequest::AdminCreateUser(resend))),
        "UnsupportedUserStateException: Resend not possible. User status is not FORCE_CHANGE_PASSWORD"
    );
}

#[test]
fn invalid_names_and_attributes_are_rejected() {
    let mut fixture = fixture();
    let mut with = |name: &str, attributes: &[(&str, &str)]| {
        let attributes = attributes.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let request = AdminCreateUser { username: name.to_owned(), attributes, ..create("x") };
        ask(&mut fixture, AccountRequest::AdminCreateUser(request)).map(drop).map_err(|error| error.message)
    };
    // Separators (Z); control, format, private-use and unassigned characters (C).
    let unseen = [
        "a\u{200b}",
        "a\u{200d}b",
        "\u{202e}ann",
        "ann\u{feff}",
        "a\u{ad}b",
        "\u{e000}",
        "\u{378}",
        "\u{10ffff}",
    ];
    for name in ["", "a b", "a\u{0}", "a\u{a0}b", "a\u{2028}", &"x".repeat(129)].iter().chain(&unseen) {
        assert!(with(name, &[]).unwrap_err().contains("'username'"), "{name:?}");
    }
    for name in ["e\u{301}", "Ångström", "山田", "٣", "½", "a+b@c.d", "€", "👩", "\"'<>&\\"] {
        assert_eq!(with(name, &[]), Ok(()), "{name:?}");
    }
    assert_eq!(with(&"x".repeat(128), &[]), Ok(()));
    assert_eq!(with("b", &[("email", "no-at")]), Err("Invalid email address format.".to_owned()));
    for phone in ["5550100", "+", "+1", "+1555x", "+１５５５", &format!("+{}", "1".repeat(16))] {
        assert_eq!(
            with("b", &[("phone_number", phone)]),
            Err("Invalid phone number format.".to_owned()),
            "{phone}"
        );
    }
    assert_eq!(with("b", &[("a", "1"), ("a", "2")]), Err("Attribute a is given twice.".to_owned()));
    let schema = Err("user.attributes: Attributes did not conform to the schema.".to_owned());
    assert_eq!(with("b", &[("sub", "mine")]), schema);
    assert_eq!(with("b", &[("", "1")]), schema);
    assert_eq!(with("b", &[("a", &"x".repeat(2049))]), schema);
    assert_eq!(with("b", &[("a", &"x".repeat(2048)), ("email", "")]), Ok(()));
}

#[test]
fn a_sign_up_needs_its_own_confirmation_code() {
    let mut fixture = fixture();
    let up = ask(&mut fixture, AccountRequest::SignUp(sign_up("ann")));
    let Ok(Response::Account(AccountResponse::SignedUp { delivery: Some(delivery), .. })) = up else {
        panic!("{up:?}")
    };
    assert_eq!((delivery.destination.as_str(), delivery.attribute), ("a***@e***", "email"));
    let code = sent(&mut fixture).code;
    let password = PASSWORD.replace(' ', "-");
    assert_eq!(
        refusal(plain(&mut fixture, "ann", &password)),
        "UserNotConfirmedException: User is not confirmed."
    );
    assert_eq!(
        refusal(ask(&mut fixture, AccountRequest::SignUp(sign_up("ann")))),
        "UsernameExistsException: User already exists"
    );
    let confirm = |code: &str| {
        AccountRequest::ConfirmSignUp(ConfirmSignUp {
            client_id: CLIENT.to_owned(),
            username: "ann".to_owned(),
            confirmation_code: code.to_owned(),
            ..ConfirmSignUp::default()
        })
    };
    let wrong = format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000);
    let mismatch = "CodeMismatchException: Invalid verification code provided, please try again.";
    for _ in 0..5 {
        assert_eq!(refusal(ask(&mut fixture, confirm(&wrong))), mismatch);
    }
    let many = "TooManyFailedAttemptsException: Too many failed attempts; try again later.";
    assert_eq!(refusal(ask(&mut fixture, confirm(&code))), many, "the right one too, while it is locked");
    fixture.advance_clock(1);
    assert_eq!(ask(&mut fixture, confirm(&code)), Ok(Response::Empty));
    assert_eq!(
        refusal(ask(&mut fixture, confirm(&code))),
        "NotAuthorizedException: User cannot be confirmed. Current status is CONFIRMED"
    );
    let token = access(&mut fixture, "ann", &password);
    let attributes = user(profile(&mut fixture, &token)).attributes;
    assert!(attributes.contains(&("email_verified".to_owned(), "true".into())), "{attributes:?}");
}

#[test]
fn a_code_expires_and_an_administrator_needs_none() {
    let mut fixture = fixture();
    ask(&mut fixture, AccountRequest::SignUp(sign_up("ann"))).unwrap();
    let code = sent(&mut fixture).code;
    fixture.advance_clock(24 * 3600);
    let confirm = ConfirmSignUp {
        client_id: CLIENT.to_owned(),
        username: "ann".to_owned(),
        confirmation_code: code,
        ..ConfirmSignUp::default()
    };
    assert_eq!(
        refusal(ask(&mut fixture, AccountRequest::ConfirmSignUp(confirm))),
        "ExpiredCodeException: Invalid code provided, please request a code again."
    );
    assert_eq!(ask(&mut fixture, AccountRequest::AdminConfirmSignUp(named("ann"))), Ok(Response::Empty));
    access(&mut fixture, "ann", &PASSWORD.replace(' ', "-"));
}

#[test]
fn deleting_a_user_invalidates_tokens_devices_and_pending_sign_ins() {
    let mut fixture = fixture();
    ask(&mut fixture, AccountRequest::AdminCreateUser(create("ann"))).unwrap();
    ask(&mut fixture, set_password("ann", "permanent-1", true)).unwrap();
    let token = access(&mut fixture, "ann", "permanent-1");
    let begun = fixture.start("ann");
    // The pool is checking a password when the user is deleted.
    let parameters = Parameters::new().with(keys::USERNAME, "ann").with(keys::PASSWORD, "permanent-1");
    let request = crate::requests::initiate("USER_PASSWORD_AUTH", parameters);
    let (now, origin) = (fixture.harness.now, fixture.harness.origin);
    let Step::Compute(job, pending) = fixture.harness.pool.handle(now, origin, request) else {
        panic!("no job")
    };

    assert_eq!(ask(&mut fixture, AccountRequest::AdminDeleteUser(named("ann"))), Ok(Response::Empty));
    assert_eq!(fixture.harness.pool.users(), 0);
    let Step::Reply(late) = fixture.harness.pool.resume(now, pending, job.run()) else { panic!("more work") };
    assert_eq!(refusal(late), "UserNotFoundException: User does not exist.");
    assert_eq!(refusal(profile(&mut fixture, &token)), "UserNotFoundException: User does not exist.");
    assert_eq!(
        refusal(ask(&mut fixture, AccountRequest::AdminGetUser(named("ann")))),
        "UserNotFoundException: User does not exist."
    );

    // A new user gets the same name. Nothing of the first user works for the new one, or the reverse.
    ask(&mut fixture, AccountRequest::AdminCreateUser(create("ann"))).unwrap();
    ask(&mut fixture, set_password("ann", "permanent-1", true)).unwrap();
    assert_eq!(
        refusal(profile(&mut fixture, &token)),
        "NotAuthorizedException: Access Token has been revoked"
    );
    let claim = fixture.claim(&begun, "permanent-1");
    assert_eq!(refusal(fixture.answer(ChallengeName::PasswordVerifier, None, claim)), INCORRECT);
    access(&mut fixture, "ann", "permanent-1");
}

#[test]
fn disabling_takes_effect_immediately_and_can_be_undone() {
    let mut fixture = fixture();
    fixture.add("ann", |account| {
        account.phone = Some("+15550100".to_owned());
        account.sms_mfa = true;
    });
    let asked = challenge(plain(&mut fixture, "ann", PASSWORD));
    let code = sent(&mut fixture).code;
    assert_eq!(ask(&mut fixture, AccountRequest::AdminDisableUser(named("ann"))), Ok(Response::Empty));
    let answers = Parameters::new().with(keys::USERNAME, "ann").with(keys::SMS_MFA_CODE, code);
    let disabled = "NotAuthorizedException: User is disabled.";
    assert_eq!(refusal(fixture.answer(asked.name, asked.session.as_ref(), answers.clone())), disabled);
    assert_eq!(refusal(plain(&mut fixture, "ann", PASSWORD)), disabled);
    assert!(!user(ask(&mut fixture, AccountRequest::AdminGetUser(named("ann")))).enabled);
    ask(&mut fixture, AccountRequest::AdminEnableUser(named("ann"))).unwrap();
    // The refusal did not use up the challenge.
    let token = tokens(fixture.answer(asked.name, asked.session.as_ref(), answers)).access_token;
    user(profile(&mut fixture, token.as_str()));
    ask(&mut fixture, AccountRequest::AdminDisableUser(named("ann"))).unwrap();
    assert_eq!(refusal(profile(&mut fixture, token.as_str())), disabled);
    ask(&mut fixture, AccountRequest::AdminEnableUser(named("ann"))).unwrap();
    assert_eq!(
        refusal(profile(&mut fixture, token.as_str())),
        "NotAuthorizedException: Access Token has been revoked",
        "enabled again, but signed out"
    );
}

#[test]
fn change_password_needs_the_old_one_and_locks_after_guesses() {
    let mut fixture = fixture();
    ask(&mut fixture, AccountRequest::AdminCreateUser(create("ann"))).unwrap();
    ask(&mut fixture, set_password("ann", "permanent-1", true)).unwrap();
    let token = access(&mut fixture, "ann", "permanent-1");
    let change = |previous: Option<&str>, proposed: &str| {
        AccountRequest::ChangePassword(ChangePassword {
            access_token: token.clone(),
            previous_password: previous.map(str::to_owned),
            proposed_password: proposed.to_owned(),
        })
    };
    assert_eq!(
        refusal(ask(&mut fixture, change(None, "permanent-2"))),
        "InvalidParameterException: Missing required parameter PreviousPassword"
    );
    assert!(
        refusal(ask(&mut fixture, change(Some("permanent-1"), "short")))
            .starts_with("InvalidPasswordException")
    );
    assert_eq!(ask(&mut fixture, change(Some("permanent-1"), "permanent-2")), Ok(Response::Empty));
    assert_eq!(refusal(plain(&mut fixture, "ann", "permanent-1")), INCORRECT);
    access(&mut fixture, "ann", "permanent-2");
    assert_eq!(refusal(plain(&mut fixture, "ann", "permanent-1")), INCORRECT);
    for _ in 0..4 {
        assert_eq!(refusal(ask(&mut fixture, change(Some("permanent-1"), "permanent-3"))), INCORRECT);
    }
    assert_eq!(
        refusal(ask(&mut fixture, change(Some("permanent-2"), "permanent-3"))),
        "LimitExceededException: Attempt limit exceeded, please try after some time."
    );
    assert_eq!(
        refusal(plain(&mut fixture, "ann", "permanent-2")),
        "NotAuthorizedException: Password attempts exceeded",
        "a stolen token is no way round the lock-out"
    );
}

#[test]
fn mfa_preferences_need_available_factors() {
    let mut fixture = fixture();
    ask(&mut fixture, AccountRequest::AdminCreateUser(create("ann"))).unwrap();
    ask(&mut fixture, set_password("ann", "permanent-1", true)).unwrap();
    let token = access(&mut fixture, "ann", "permanent-1");
    let on = Some(MfaPreference { enabled: Some(true), preferred: Some(true) });
    let off = Some(MfaPreference { enabled: Some(false), preferred: Some(false) });
    let choose = |preferences: MfaPreferences| {
        AccountRequest::SetUserMfaPreference(SetUserMfaPreference {
            access_token: token.clone(),
            preferences,
        })
    };
    let app = |setting| MfaPreferences { software_token: setting, ..MfaPreferences::default() };
    assert_eq!(
        refusal(ask(&mut fixture, choose(MfaPreferences { sms: on, ..MfaPreferences::default() }))),
        "InvalidParameterException: User does not have delivery config set to turn on SMS_MFA"
    );
    assert_eq!(
        refusal(ask(&mut fixture, choose(app(on)))),
        "InvalidParameterException: User has not verified software token mfa"
    );
    let bearer = BearerCall { access_token: token.clone() };
    let Ok(Response::Account(AccountResponse::SecretCode(secret))) =
        ask(&mut fixture, AccountRequest::AssociateSoftwareToken(bearer))
    else {
        panic!("no secret")
    };
    let secret = TotpSecret::from_base32(&secret).unwrap();
    let verify = |code: String| {
        AccountRequest::VerifySoftwareToken(VerifyOwnSoftwareToken {
            access_token: token.clone(),
            user_code: code,
            friendly_device_name: None,
        })
    };
    let step = step_at(fixture.harness.now);
    assert_eq!(
        refusal(ask(&mut fixture, verify(secret.code(step + 9)))),
        "EnableSoftwareTokenMFAException: Code mismatch"
    );
    assert_eq!(
        ask(&mut fixture, verify(secret.code(step))),
        Ok(Response::Account(AccountResponse::SoftwareTokenVerified))
    );
    tokens(plain(&mut fixture, "ann", "permanent-1"));
    assert_eq!(ask(&mut fixture, choose(app(on))), Ok(Response::Empty));
    let user = user(profile(&mut fixture, &token));
    assert_eq!((user.preferred, user.factors.len()), (Some(ChallengeName::SoftwareTokenMfa), 1));
    let asked = challenge(plain(&mut fixture, "ann", "permanent-1"));
    let typed = |code: String| {
        Parameters::new().with(keys::USERNAME, "ann").with(keys::SOFTWARE_TOKEN_MFA_CODE, code)
    };
    assert_eq!(
        refusal(fixture.answer(asked.name, asked.session.as_ref(), typed(secret.code(step)))),
        "ExpiredCodeException: Your software token has already been used once."
    );
    tokens(fixture.answer(asked.name, asked.session.as_ref(), typed(secret.code(step + 1))));
    assert_eq!(ask(&mut fixture, choose(app(off))), Ok(Response::Empty));
    tokens(plain(&mut fixture, "ann", "permanent-1"));
    let admin = AdminSetUserMfaPreference {
        user_pool_id: POOL.to_owned(),
        username: "ann".to_owned(),
        preferences: MfaPreferences { email: on, ..app(on) },
    };
    assert_eq!(ask(&mut fixture, AccountRequest::AdminSetUserMfaPreference(admin)), Ok(Response::Empty));
    assert_eq!(challenge(plain(&mut fixture, "ann", "permanent-1")).name, ChallengeName::EmailOtp);
}

#[test]
fn lists_are_paged_and_filtered() {
    let mut fixture = fixture();
    for name in ["ann", "bob", "bea", "cyd"] {
        ask(&mut fixture, AccountRequest::AdminCreateUser(create(name))).unwrap();
    }
    ask(&mut fixture, AccountRequest::AdminDeleteUser(named("cyd"))).unwrap();
    ask(&mut fixture, set_password("bob", "permanent-1", true)).unwrap();
    let list = |fixture: &mut PoolFixture, filter: &str, limit: Option<u32>, token: Option<String>| {
        let request = ListUsers {
            user_pool_id: POOL.to_owned(),
            limit,
            pagination_token: token,
            filter: Some(filter.to_owned()),
            ..ListUsers::default()
        };
        match ask(fixture, AccountRequest::ListUsers(request)) {
            Ok(Response::Account(AccountResponse::Users { users, pagination_token })) => {
                let names = users.iter().map(|user| user.username.as_str()).collect::<Vec<_>>().join(" ");
                Ok((names, pagination_token))
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.message),
        }
    };
    let (names, token) = list(&mut fixture, "", Some(2), None).unwrap();
    assert_eq!(names, "ann bob");
    assert_eq!(list(&mut fixture, "", None, token), Ok(("bea".to_owned(), None)));
    for (filter, found) in [
        ("username = \"bob\"", "bob"),
        ("username ^= \"b\"", "bob bea"),
        ("\"email\" = \"ann@example.com\"", "ann"),
        ("cognito:user_status=\"CONFIRMED\"", "bob"),
        ("status = \"Disabled\"", ""),
        ("given_name = \"x\"", ""),
    ] {
        assert_eq!(list(&mut fixture, filter, None, None), Ok((found.to_owned(), None)), "{filter}");
    }
    for filter in
        ["username", "username = bob", "username \"bob\"", "= \"x\"", "a b = \"x\"", "username = \""]
    {
        assert_eq!(
            list(&mut fixture, filter, None, None),
            Err("Error while parsing filter.".to_owned()),
            "{filter}"
        );
    }
    assert_eq!(list(&mut fixture, "", None, Some("x".to_owned())).unwrap_err(), "Invalid pagination token.");
}

#[test]
fn a_new_account_keeps_its_admin_attributes() {
    let mut fixture = PoolFixture::new(PoolPolicy::DEFAULT);
    let (_, known) = fixture.device(DeviceStatus::Remembered, false);
    fixture.add("ann", |account| {
        account.devices.push(known);
        account.attributes.insert("locale".to_owned(), "en".to_owned());
        account.created = Timestamp::from_us(7);
    });
    let user = user(ask(&mut fixture, AccountRequest::AdminGetUser(named("ann"))));
    assert_eq!((user.username, user.created), (Username::new("ann"), Timestamp::from_us(7)));
    assert_eq!(user.attributes[1], ("locale".to_owned(), "en".into()));
}
