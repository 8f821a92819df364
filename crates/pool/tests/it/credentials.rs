//! A sign-in in progress ends with the credentials it was begun with: steps × changes.

use std::time::Duration;

use poolproof_cognito::policy::{MfaMode, RememberMode};
use poolproof_cognito::protocol::{
    AccountRequest, AdminUserCall, AssociateSoftwareToken, AuthOutcome, BearerCall, ChangePassword,
    ClientUserCall, ConfirmForgotPassword, GetTokensFromRefreshToken, GlobalSignOut, Parameters,
    ProfileRequest, Request, Response, RevokeToken, VerifySoftwareToken, keys,
};
use poolproof_cognito::totp::{TotpSecret, step_at};
use poolproof_pool::{Step, UserStatus};

use crate::accounts::{ask, sent, set_password};
use crate::fixture::{
    BAD_SESSION, CLIENT, INCORRECT, LATE_SESSION, PASSWORD, POOL, PoolFixture, challenge, policy, refusal,
    respond, tokens,
};
use crate::parallel::ask_any;
use crate::parallel_requests::AnyRequest;
use crate::pending_steps::{PendingStep, pending_steps};

/// Changes of a user's credentials, and what else ends a user's sign-ins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    AdminSetUserPassword,
    TemporaryPassword,
    ChangePassword,
    NewPasswordRequired,
    ConfirmForgotPassword,
    AdminResetUserPassword,
    AdminUserGlobalSignOut,
    GlobalSignOut,
    AdminDisableUser,
    AdminDeleteUser,
    DeleteUser,
}

impl Ending {
    const ALL: [Self; 11] = [
        Self::AdminSetUserPassword,
        Self::TemporaryPassword,
        Self::ChangePassword,
        Self::NewPasswordRequired,
        Self::ConfirmForgotPassword,
        Self::AdminResetUserPassword,
        Self::AdminUserGlobalSignOut,
        Self::GlobalSignOut,
        Self::AdminDisableUser,
        Self::AdminDeleteUser,
        Self::DeleteUser,
    ];

    /// Returns whether a user with a temporary password, or one without, can make the change.
    const fn is_possible(self, temporary_password: bool) -> bool {
        match self {
            Self::NewPasswordRequired => temporary_password,
            // A temporary password cannot be recovered, and gives no access token (SEMANTICS a.9).
            Self::ChangePassword
            | Self::ConfirmForgotPassword
            | Self::AdminResetUserPassword
            | Self::GlobalSignOut
            | Self::DeleteUser => !temporary_password,
            _ => true,
        }
    }

    /// Prepares the change before the sign-in continues, and returns it.
    fn prepare(self, fixture: &mut PoolFixture) -> Vec<AnyRequest> {
        let ann = || AdminUserCall { user_pool_id: POOL.to_owned(), username: "ann".to_owned() };
        let account = |request| vec![AnyRequest::Account(request)];
        match self {
            Self::AdminSetUserPassword => account(set_password("ann", "of-the-admin-1", true)),
            Self::TemporaryPassword => account(set_password("ann", "of-the-admin-1", false)),
            Self::ChangePassword => account(AccountRequest::ChangePassword(ChangePassword {
                access_token: access_token(fixture),
                previous_password: Some(PASSWORD.to_owned()),
                proposed_password: "of-the-user-1".to_owned(),
            })),
            Self::NewPasswordRequired => {
                let asked = challenge(fixture.password("ann", PASSWORD, None));
                let answer =
                    Parameters::new().with(keys::USERNAME, "ann").with(keys::NEW_PASSWORD, "of-the-user-1");
                let session = asked.session.as_ref().map(poolproof_cognito::ids::Session::as_str);
                vec![AnyRequest::Pool(respond("NEW_PASSWORD_REQUIRED", session, answer))]
            }
            Self::ConfirmForgotPassword => {
                let call = ClientUserCall {
                    client_id: CLIENT.to_owned(),
                    username: "ann".to_owned(),
                    secret_hash: None,
                };
                ask(fixture, AccountRequest::Profile(ProfileRequest::ForgotPassword(call))).unwrap();
                account(AccountRequest::Profile(ProfileRequest::ConfirmForgotPassword(
                    ConfirmForgotPassword {
                        client_id: CLIENT.to_owned(),
                        username: "ann".to_owned(),
                        confirmation_code: sent(fixture).code,
                        password: "of-the-user-1".to_owned(),
                        secret_hash: None,
                    },
                )))
            }
            Self::AdminResetUserPassword => {
                account(AccountRequest::Profile(ProfileRequest::AdminResetUserPassword(ann())))
            }
            Self::AdminUserGlobalSignOut => account(AccountRequest::AdminUserGlobalSignOut(ann())),
            Self::GlobalSignOut => {
                let access_token = access_token(fixture);
                vec![AnyRequest::Pool(Request::GlobalSignOut(GlobalSignOut { access_token }))]
            }
            Self::AdminDisableUser => account(AccountRequest::AdminDisableUser(ann())),
            Self::AdminDeleteUser => account(AccountRequest::AdminDeleteUser(ann())),
            Self::DeleteUser => {
                let access_token = access_token(fixture);
                account(AccountRequest::Profile(ProfileRequest::DeleteUser(BearerCall { access_token })))
            }
        }
    }

    fn make(self, fixture: &mut PoolFixture) {
        for request in self.prepare(fixture) {
            ask_any(fixture, request).unwrap();
        }
    }
}

/// Returns an access token of Ann's from a sign-in with the password alone.
fn access_token(fixture: &mut PoolFixture) -> String {
    let before = *fixture.harness.pool.policy();
    fixture.harness.pool.set_policy(policy(RememberMode::No, false, MfaMode::Off));
    let token = tokens(fixture.password("ann", PASSWORD, None)).access_token.as_str().to_owned();
    fixture.harness.pool.set_policy(before);
    token
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

/// The refusals of a step whose sign-in has ended: by another password or a sign-out, by a state of the user,
/// or because there is no such user.
fn is_end(change: Ending, refused: &str) -> bool {
    match change {
        Ending::AdminDisableUser => refused == "NotAuthorizedException: User is disabled.",
        Ending::AdminDeleteUser | Ending::DeleteUser => refused == BAD_SESSION || refused == INCORRECT,
        Ending::AdminResetUserPassword => {
            refused.starts_with("PasswordResetRequiredException")
                || [BAD_SESSION, INCORRECT].contains(&refused)
        }
        _ => refused == BAD_SESSION || refused == INCORRECT,
    }
}

/// Every step of every flow and every change, before the step and during its arithmetic: no step continues.
#[test]
fn changed_credentials_end_every_pending_step() {
    let (mut before, mut during) = (0, 0);
    for change in Ending::ALL {
        for PendingStep { name, mut fixture, request } in pending_steps() {
            // A disabled user can start the proof of the password, but not finish it.
            let starts = name == "PASSWORD_SRP" && change == Ending::AdminDisableUser;
            if starts || !change.is_possible(name == "a new password") {
                continue;
            }
            verify_address(&mut fixture);
            change.make(&mut fixture);
            let refused = refusal(fixture.ask(request));
            assert!(is_end(change, &refused), "{change:?} before {name}: {refused}");
            before += 1;
        }
        for PendingStep { name, mut fixture, request } in pending_steps() {
            if !change.is_possible(name == "a new password") {
                continue;
            }
            verify_address(&mut fixture);
            let prepared = change.prepare(&mut fixture);
            let (now, origin) = (fixture.harness.now, fixture.harness.origin);
            let Step::Compute(job, pending) = fixture.harness.pool.handle(now, origin, request) else {
                continue;
            };
            // The arithmetic of PASSWORD_SRP only starts the proof: its claim is a step of its own.
            if name == "PASSWORD_SRP" {
                continue;
            }
            prepared.into_iter().for_each(|request| drop(ask_any(&mut fixture, request).unwrap()));
            let refused = match fixture.harness.pool.resume(now, pending, job.run()) {
                Step::Reply(reply) => refusal(reply),
                other => panic!("{change:?} during {name}: {other:?}"),
            };
            assert!(is_end(change, &refused), "{change:?} during {name}: {refused}");
            during += 1;
        }
    }
    assert_eq!((before, during), (275, 146), "pairs of changes and steps");
}

/// Returns the answer to a refresh token, which both operations give.
fn refresh(fixture: &mut PoolFixture, token: &str) -> String {
    let parameters = Parameters::new().with(keys::REFRESH_TOKEN, token);
    let reply = fixture.initiate("REFRESH_TOKEN_AUTH", parameters).map(drop);
    let request = GetTokensFromRefreshToken {
        refresh_token: token.to_owned(),
        client_id: CLIENT.to_owned(),
        ..Default::default()
    };
    let other = fixture.ask(Request::GetTokensFromRefreshToken(request)).map(drop);
    assert_eq!(reply, other);
    reply.map_or_else(|error| error.to_string(), |()| "tokens".to_owned())
}

/// Returns every sign-in that a step completes, and its refresh token. The pool tracks no devices afterwards,
/// so that the token is not bound to one.
fn completed_sign_ins() -> Vec<(&'static str, PoolFixture, String)> {
    let steps = pending_steps().into_iter().filter(|step| step.name != "a new password");
    let completed = steps.filter_map(|PendingStep { name, mut fixture, request }| {
        let Ok(Response::Auth(AuthOutcome::Tokens(tokens))) = fixture.ask(request) else { return None };
        fixture.harness.pool.set_policy(policy(RememberMode::No, false, MfaMode::Off));
        Some((name, fixture, tokens.refresh_token.unwrap()))
    });
    completed.collect()
}

fn revoke(fixture: &mut PoolFixture, token: &str) {
    let revoke = RevokeToken { token: token.to_owned(), client_id: CLIENT.to_owned(), client_secret: None };
    fixture.ask(Request::RevokeToken(revoke)).unwrap();
}

/// Every step that gives a refresh token and every change. Sign-outs, the end of the user and RevokeToken end
/// the token (SEMANTICS a.6); a new password and a reset do not.
#[test]
fn refresh_tokens_end_with_a_sign_out_and_not_with_a_password() {
    let revoked = "NotAuthorizedException: Refresh Token has been revoked";
    let mut checked = 0;
    for change in Ending::ALL.into_iter().filter(|change| change.is_possible(false)) {
        // A temporary password is not asked for here.
        if change == Ending::NewPasswordRequired {
            continue;
        }
        for (name, mut fixture, token) in completed_sign_ins() {
            assert_eq!(refresh(&mut fixture, &token), "tokens", "{name}");
            verify_address(&mut fixture);
            change.make(&mut fixture);
            let expected = match change {
                Ending::AdminUserGlobalSignOut | Ending::GlobalSignOut => revoked,
                Ending::AdminDisableUser => "NotAuthorizedException: User is disabled.",
                Ending::AdminDeleteUser | Ending::DeleteUser => {
                    "NotAuthorizedException: Invalid Refresh Token."
                }
                _ => "tokens",
            };
            assert_eq!(refresh(&mut fixture, &token), expected, "{change:?} after {name}");
            if matches!(change, Ending::AdminDeleteUser | Ending::DeleteUser) {
                fixture.add("ann", |_| {});
                assert_ne!(refresh(&mut fixture, &token), "tokens", "another user of the name, after {name}");
            }
            checked += 1;
        }
    }
    for (name, mut fixture, token) in completed_sign_ins() {
        let other = tokens(fixture.password("ann", PASSWORD, None)).refresh_token.unwrap();
        revoke(&mut fixture, &other);
        assert_eq!(refresh(&mut fixture, &token), "tokens", "{name}");
        revoke(&mut fixture, &token);
        assert_eq!(refresh(&mut fixture, &token), revoked, "{name}");
        checked += 1;
    }
    assert_eq!(checked, 11 * 15, "pairs of changes and steps");
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
