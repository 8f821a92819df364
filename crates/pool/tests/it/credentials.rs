//! A sign-in in progress ends with the credentials it was begun with: steps × changes.

use std::time::Duration;

use poolproof_cognito::policy::{MfaMode, PoolPolicy, RememberMode};
use poolproof_cognito::protocol::{
    AccountRequest, AdminUserCall, AssociateSoftwareToken, ChallengeName, ConfirmForgotPassword,
    GlobalSignOut, Parameters, ProfileRequest, Request, Response, VerifySoftwareToken, keys,
};
use poolproof_cognito::totp::{TotpSecret, step_at};
use poolproof_pool::UserStatus;

use crate::accounts::{ask, sent, set_password};
use crate::admin_changes::interrupted_sign_ins;
use crate::fixture::{
    BAD_SESSION, CLIENT, INCORRECT, LATE_SESSION, PASSWORD, POOL, PoolFixture, begin, challenge, finish,
    policy, refusal, respond,
};

/// Changes of a user's credentials.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Change {
    AdminSetUserPassword,
    TemporaryPassword,
    ConfirmForgotPassword,
    AdminResetUserPassword,
    AdminUserGlobalSignOut,
}

impl Change {
    const ALL: [Self; 5] = [
        Self::AdminSetUserPassword,
        Self::TemporaryPassword,
        Self::ConfirmForgotPassword,
        Self::AdminResetUserPassword,
        Self::AdminUserGlobalSignOut,
    ];

    fn make(self, fixture: &mut PoolFixture) {
        let ann = AdminUserCall { user_pool_id: POOL.to_owned(), username: "ann".to_owned() };
        let reset = || AccountRequest::Profile(ProfileRequest::AdminResetUserPassword(ann.clone()));
        let request = match self {
            Self::AdminSetUserPassword => set_password("ann", "of-the-admin-1", true),
            Self::TemporaryPassword => set_password("ann", "of-the-admin-1", false),
            Self::AdminResetUserPassword => reset(),
            Self::AdminUserGlobalSignOut => AccountRequest::AdminUserGlobalSignOut(ann),
            Self::ConfirmForgotPassword => {
                ask(fixture, reset()).unwrap();
                AccountRequest::Profile(ProfileRequest::ConfirmForgotPassword(ConfirmForgotPassword {
                    client_id: CLIENT.to_owned(),
                    username: "ann".to_owned(),
                    confirmation_code: sent(fixture).code,
                    password: "of-the-user-1".to_owned(),
                    secret_hash: None,
                }))
            }
        };
        ask(fixture, request).unwrap();
    }
}

/// Gives Ann an address that can receive a recovery code.
fn verify_address(fixture: &mut PoolFixture) {
    let attributes = [("email", "ann@example.org"), ("email_verified", "true")];
    let update = poolproof_cognito::protocol::AdminUpdateUserAttributes {
        user_pool_id: POOL.to_owned(),
        username: "ann".to_owned(),
        attributes: attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
    };
    ask(fixture, AccountRequest::Profile(ProfileRequest::AdminUpdateUserAttributes(update))).unwrap();
}

#[test]
fn no_step_outlives_a_change_of_the_credentials() {
    for change in Change::ALL {
        for (stop, mut fixture, request) in interrupted_sign_ins() {
            // A temporary password cannot be recovered (SEMANTICS a.9).
            let recovers = matches!(change, Change::ConfirmForgotPassword | Change::AdminResetUserPassword);
            if stop == "a new password" && recovers {
                continue;
            }
            verify_address(&mut fixture);
            change.make(&mut fixture);
            let reply = fixture.ask(request);
            assert!(reply.is_err(), "{change:?} at {stop}: {reply:?}");
            if change != Change::AdminResetUserPassword {
                assert_eq!(refusal(reply), BAD_SESSION, "{change:?} at {stop}");
            }
        }
    }
}

#[test]
fn a_change_during_the_arithmetic_ends_the_sign_in_too() {
    let arithmetic = ["a new password", "the device's turn", "the device's claim"];
    for change in [Change::AdminSetUserPassword, Change::AdminUserGlobalSignOut] {
        for (stop, mut fixture, request) in interrupted_sign_ins() {
            if arithmetic.contains(&stop) {
                let begun = begin(&mut fixture, request);
                change.make(&mut fixture);
                assert_eq!(refusal(finish(&mut fixture, begun)), BAD_SESSION, "{change:?} at {stop}");
            }
        }
        let mut fixture = PoolFixture::of_ann(PoolPolicy::DEFAULT);
        let exchange = fixture.start("ann");
        let claim = fixture.claim(&exchange, PASSWORD);
        change.make(&mut fixture);
        assert_eq!(refusal(fixture.answer(ChallengeName::PasswordVerifier, None, claim)), INCORRECT);
    }
}

#[test]
fn a_sign_out_by_the_user_and_another_new_password_end_sign_ins() {
    let mut fixture = PoolFixture::new(policy(RememberMode::No, false, MfaMode::Optional));
    fixture.add("ann", |_| {});
    let tokens = fixture.sign_in("ann");
    let exchange = fixture.start("ann");
    let access_token = tokens.access_token.as_str().to_owned();
    fixture.ask(Request::GlobalSignOut(GlobalSignOut { access_token })).unwrap();
    assert_eq!(refusal(fixture.prove(&exchange, PASSWORD)), INCORRECT);
    // Two sign-ins with one temporary password: the first new password ends the second sign-in.
    fixture.add("bob", |account| account.user_status = UserStatus::ForceChangePassword);
    let asked = [
        challenge(fixture.password("bob", PASSWORD, None)),
        challenge(fixture.password("bob", PASSWORD, None)),
    ];
    let answer =
        |password: &str| Parameters::new().with(keys::USERNAME, "bob").with(keys::NEW_PASSWORD, password);
    let [first, second] = asked;
    fixture.answer(first.name, first.session.as_ref(), answer("brand-new-1")).unwrap();
    assert_eq!(
        refusal(fixture.answer(second.name, second.session.as_ref(), answer("brand-new-2"))),
        BAD_SESSION
    );
}

#[test]
fn a_repeated_set_up_does_not_prolong_the_challenge() {
    let mut fixture = PoolFixture::of_ann(policy(RememberMode::No, false, MfaMode::On));
    let validity = fixture.harness.pool.policy().session_validity;
    let asked = challenge(fixture.password("ann", PASSWORD, None));
    let mut session = asked.session.unwrap();
    let mut secret = String::new();
    for _ in 0..5 {
        let request = AssociateSoftwareToken { session: Some(session.as_str().to_owned()) };
        let Ok(Response::SecretCode { secret_code, session: next }) =
            fixture.ask(Request::AssociateSoftwareToken(request))
        else {
            panic!("no secret")
        };
        (session, secret) = (next, secret_code);
        fixture.harness.now = fixture.harness.now.plus(validity / 6);
    }
    let code = TotpSecret::from_base32(&secret).unwrap().code(step_at(fixture.harness.now));
    let verify = VerifySoftwareToken {
        session: Some(session.as_str().to_owned()),
        user_code: code,
        friendly_device_name: None,
    };
    let Ok(Response::SoftwareTokenVerified { session }) = fixture.ask(Request::VerifySoftwareToken(verify))
    else {
        panic!("not verified")
    };
    fixture.harness.now = fixture.harness.now.plus(validity / 6 + Duration::from_secs(1));
    let name = Parameters::new().with(keys::USERNAME, "ann");
    assert_eq!(refusal(fixture.ask(respond("MFA_SETUP", Some(session.as_str()), name))), LATE_SESSION);
}
