//! The administrator's operations on users, and the passwords that administrators and users set.

use rand::RngExt as _;

use super::account::{AccountId, NewAccount, UserStatus};
use super::app_client::PasswordFlow;
use super::password::{CREATE_CONFORM, DOES_NOT_CONFORM};
use super::profile::{Attributes, alias_exists};
use super::session_store::Delivery;
use super::{Pending, PendingWork, Pool, Step, refuse, reply};
use poolproof_cognito::ids::{ClientId, Sub, Username};
use poolproof_cognito::protocol::{
    AccountRequest, AccountResponse, AdminCreateUser, AdminInitiateAuth, AdminRespondToAuthChallenge,
    AdminSetUserPassword, AdminUserCall, ApiError, ChangePassword, ConfirmForgotPassword, ErrorKind,
    InitiateAuth, Origin, Reply, Request, RespondToAuthChallenge, Response,
};
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{Identity, Job, Salt, Verifier};

/// A password that waits for its verifier.
#[derive(Debug)]
pub(crate) struct PendingVerifier {
    salt: Salt,
    password: String,
    purpose: Purpose,
}

impl PendingVerifier {
    /// Returns whether the request adds a user.
    pub(crate) const fn adds_user(&self) -> bool {
        matches!(self.purpose, Purpose::Create { .. } | Purpose::SignUp { .. })
    }

    /// Returns whether the user of the request signs up.
    pub(crate) const fn signs_up(&self) -> bool {
        matches!(self.purpose, Purpose::SignUp { .. })
    }

    /// Returns whether the request named its pool by an access token.
    pub(crate) const fn has_token(&self) -> bool {
        matches!(self.purpose, Purpose::Check { .. } | Purpose::Change { .. })
    }
}

impl Pending {
    /// Returns the work of a request about a user.
    pub(crate) const fn account_work(&self) -> Option<&PendingVerifier> {
        match &self.work {
            PendingWork::Account(work) => Some(work),
            _ => None,
        }
    }
}

/// The purpose of a password's verifier.
#[derive(Debug)]
pub(super) enum Purpose {
    /// Adds a user for an administrator. The password is sent unless the request suppresses it.
    Create { user: NewUser, send: bool },
    /// Signs a user up.
    SignUp { client_id: ClientId, user: NewUser, origin: Origin },
    /// Sets a user's password and status.
    Set { account: AccountId, user_status: UserStatus },
    /// Sends another temporary password to a user who has not replaced the first one.
    Resend { account: AccountId },
    /// Sets the password of a user who has entered a recovery code.
    Recover { account: AccountId, origin: Origin, request: ConfirmForgotPassword },
    /// Compares the verifier of the previous password with the stored one.
    Check { account: AccountId, origin: Origin, request: ChangePassword },
    /// Replaces the password. The previous one was compared with the verifier of this salt.
    Change { account: AccountId, origin: Origin, request: ChangePassword, checked: Salt },
}

/// A user to add.
#[derive(Debug)]
pub(super) struct NewUser {
    /// The name in the request.
    pub(super) given_name: String,
    /// The canonical name.
    pub(super) name: Username,
    pub(super) sub: Sub,
    pub(super) attributes: Attributes,
}

impl Pool {
    pub(super) fn answer_account(&mut self, now: Timestamp, origin: Origin, request: AccountRequest) -> Step {
        match request {
            AccountRequest::AdminInitiateAuth(request) => self.admin_initiate(now, origin, request),
            AccountRequest::AdminRespondToAuthChallenge(request) => self.admin_respond(now, origin, request),
            AccountRequest::AdminCreateUser(request) => self.admin_create_user(request),
            AccountRequest::AdminSetUserPassword(request) => self.admin_set_password(request),
            AccountRequest::SignUp(request) => self.sign_up(origin, request),
            AccountRequest::ChangePassword(request) => self.change_own_password(now, origin, request),
            AccountRequest::AdminGetUser(request) => reply(self.admin_get_user(&request)),
            AccountRequest::AdminDeleteUser(request) => reply(self.admin_delete_user(&request)),
            AccountRequest::AdminEnableUser(request) => reply(self.enable(now, &request, true)),
            AccountRequest::AdminDisableUser(request) => reply(self.enable(now, &request, false)),
            AccountRequest::AdminConfirmSignUp(request) => reply(self.admin_confirm(now, &request)),
            AccountRequest::AdminUserGlobalSignOut(request) => reply(self.admin_sign_out(&request)),
            AccountRequest::AdminDeleteSoftwareToken(request) => reply(self.admin_delete_app(now, &request)),
            AccountRequest::AdminSetUserMfaPreference(request) => {
                reply(self.admin_set_preference(now, &request))
            }
            AccountRequest::SetUserMfaPreference(request) => reply(self.set_own_preference(now, &request)),
            AccountRequest::ConfirmSignUp(request) => reply(self.confirm_sign_up(now, &request)),
            AccountRequest::GetUser(request) => reply(self.get_own_user(now, &request)),
            AccountRequest::ListUsers(request) => reply(self.list_users(&request)),
            AccountRequest::AssociateSoftwareToken(request) => reply(self.associate_own(now, &request)),
            AccountRequest::VerifySoftwareToken(request) => reply(self.verify_own(now, &request)),
            AccountRequest::Group(request) => reply(self.answer_group(now, request)),
            AccountRequest::Profile(request) => self.answer_profile(now, origin, request),
        }
    }

    fn admin_initiate(&mut self, now: Timestamp, origin: Origin, request: AdminInitiateAuth) -> Step {
        let AdminInitiateAuth { user_pool_id, client_id, auth_flow, auth_parameters } = request;
        if let Err(error) = self.check_pool(&user_pool_id) {
            return refuse(error);
        }
        if !matches!(auth_flow.as_str(), "ADMIN_NO_SRP_AUTH" | "ADMIN_USER_PASSWORD_AUTH") {
            let request = InitiateAuth { client_id, auth_flow, auth_parameters };
            return match request.auth_flow.as_str() {
                "USER_PASSWORD_AUTH" => {
                    refuse(ApiError::invalid_parameter("Initiate Auth method not supported."))
                }
                _ => self.answer(now, origin, Request::InitiateAuth(request)),
            };
        }
        let client = match self.client(&client_id) {
            Ok(client) => client,
            Err(error) => return refuse(error),
        };
        if !client.admin_flow {
            return refuse(ApiError::invalid_parameter("Auth flow not enabled for this client"));
        }
        self.start_password(now, origin, &client, &auth_parameters, PasswordFlow::WithDevices)
    }

    fn admin_respond(
        &mut self,
        now: Timestamp,
        origin: Origin,
        request: AdminRespondToAuthChallenge,
    ) -> Step {
        let AdminRespondToAuthChallenge {
            user_pool_id,
            client_id,
            challenge_name,
            session,
            challenge_responses,
            client_metadata,
        } = request;
        if let Err(error) = self.check_pool(&user_pool_id) {
            return refuse(error);
        }
        let request = RespondToAuthChallenge {
            client_id,
            challenge_name,
            session,
            challenge_responses,
            client_metadata,
        };
        self.answer(now, origin, Request::RespondToAuthChallenge(request))
    }

    fn admin_create_user(&mut self, request: AdminCreateUser) -> Step {
        match self.read_new_user(request) {
            Ok((password, purpose)) => self.make_verifier(password, purpose),
            Err(error) => refuse(error),
        }
    }

    fn read_new_user(&mut self, request: AdminCreateUser) -> Result<(String, Purpose), ApiError> {
        self.check_pool(&request.user_pool_id)?;
        let (send, again) = match request.message_action.as_deref() {
            None => (true, false),
            Some("SUPPRESS") => (false, false),
            Some("RESEND") => (true, true),
            Some(_) => return Err(ApiError::invalid_parameter("Unknown value of MessageAction.")),
        };
        let password = match request.temporary_password {
            Some(password) => password,
            None => self.draw_password(),
        };
        self.check_password(CREATE_CONFORM, &password)?;
        if again {
            let account = self.find_administered_user(&request.user_pool_id, &request.username)?;
            self.check_resend(account)?;
            return Ok((password, Purpose::Resend { account }));
        }
        let sub = Sub::new(self.new_uuid());
        let (name, attributes) = self.check_new_user(&request.username, &sub, false, request.attributes)?;
        let user = NewUser { given_name: request.username, name, sub, attributes };
        Ok((password, Purpose::Create { user, send }))
    }

    fn check_resend(&self, account: AccountId) -> Result<(), ApiError> {
        if self.directory.account(account).user_status == UserStatus::ForceChangePassword {
            return Ok(());
        }
        let message = "Resend not possible. User status is not FORCE_CHANGE_PASSWORD";
        Err(ApiError::new(ErrorKind::UnsupportedUserState, message))
    }

    fn draw_password(&mut self) -> String {
        let letters: String = (0..12.max(self.passwords.minimum_length))
            .map(|_| char::from(self.rng.sample(rand::distr::Alphanumeric)))
            .collect();
        // One character of each class that policies can require.
        format!("{letters}aA1!")
    }

    /// Sends a password or a code to the user, by e-mail if both are available.
    pub(super) fn send(&mut self, account: AccountId, code: &str) {
        let account = self.directory.account(account);
        let (medium, destination) = match (&account.email, &account.phone) {
            (None, Some(phone)) => ("SMS", phone.clone()),
            (email, _) => ("EMAIL", email.clone().unwrap_or_default()),
        };
        let (username, code) = (account.username.clone(), code.to_owned());
        self.session_store.deliver(Delivery { username, medium, destination, code });
    }

    fn admin_set_password(&mut self, request: AdminSetUserPassword) -> Step {
        let read = self.find_administered_user(&request.user_pool_id, &request.username);
        match read
            .and_then(|account| self.check_password(DOES_NOT_CONFORM, &request.password).map(|()| account))
        {
            Ok(account) => {
                let permanent = request.permanent == Some(true);
                let user_status =
                    if permanent { UserStatus::Confirmed } else { UserStatus::ForceChangePassword };
                self.make_verifier(request.password, Purpose::Set { account, user_status })
            }
            Err(error) => refuse(error),
        }
    }

    /// Requests the verifier of this password with a new salt.
    pub(super) fn make_verifier(&mut self, password: String, purpose: Purpose) -> Step {
        match self.new_salt() {
            Ok(salt) => self.make_verifier_with(salt, password, purpose),
            Err(error) => refuse(error),
        }
    }

    /// Requests the verifier of this password.
    pub(super) fn make_verifier_with(&self, salt: Salt, password: String, purpose: Purpose) -> Step {
        let name = match &purpose {
            Purpose::Create { user, .. } | Purpose::SignUp { user, .. } => &user.name,
            Purpose::Set { account, .. }
            | Purpose::Resend { account }
            | Purpose::Check { account, .. }
            | Purpose::Change { account, .. }
            | Purpose::Recover { account, .. } => &self.directory.account(*account).username,
        };
        let identity = Identity::user(self.identity.pool_id.name(), name.as_str());
        let (group, password_to_hash) = (self.identity.group, password.clone());
        let job = Job::Verifier { group, salt: salt.clone(), identity, password: password_to_hash };
        let client_id = match &purpose {
            Purpose::SignUp { client_id, .. } => Some(client_id.clone()),
            Purpose::Recover { request, .. } => Some(ClientId::new(&request.client_id)),
            _ => None,
        };
        let work = PendingWork::Account(PendingVerifier { salt, password, purpose });
        Step::Compute(job, Pending { client_id, work })
    }

    /// Continues after a password's verifier is computed. It checks again what may have changed meanwhile.
    pub(super) fn resume_account(
        &mut self,
        now: Timestamp,
        pending_work: PendingVerifier,
        verifier: Verifier,
    ) -> Step {
        let PendingVerifier { salt, password, purpose } = pending_work;
        let made = (salt, verifier);
        match purpose {
            Purpose::Create { user, send } => reply(self.create(now, user, &password, made, send)),
            Purpose::SignUp { user, origin, .. } => {
                reply(self.finish_sign_up(now, origin, user, &password, made))
            }
            Purpose::Set { account, user_status } => reply(
                self.check_existing(account, DOES_NOT_CONFORM, &password)
                    .map(|()| self.set_password(now, account, user_status, made)),
            ),
            Purpose::Resend { account } => reply(
                self.check_existing(account, CREATE_CONFORM, &password)
                    .and_then(|()| self.check_resend(account))
                    .map(|()| {
                        self.send(account, &password);
                        self.set_password(now, account, UserStatus::ForceChangePassword, made)
                    }),
            ),
            Purpose::Recover { account, origin, request } => {
                self.finish_recovery(now, origin, request, account, made)
            }
            Purpose::Check { origin, request, .. } => self.judge_previous(now, origin, request, made),
            Purpose::Change { origin, request, checked, .. } => {
                self.replace_password(now, origin, request, &checked, made)
            }
        }
    }

    fn check_existing(&self, account: AccountId, begin: &str, password: &str) -> Result<(), ApiError> {
        if !self.directory.has_account(account) {
            return Err(ApiError::user_not_found());
        }
        self.check_password(begin, password)
    }

    /// Stores a password. The codes that allowed another one end.
    pub(super) fn set_password(
        &mut self,
        now: Timestamp,
        id: AccountId,
        user_status: UserStatus,
        (salt, verifier): (Salt, Verifier),
    ) -> Response {
        let account = self.directory.account_mut(id);
        account.salt = salt;
        account.verifier = verifier;
        account.user_status = user_status;
        account.password_set = Some(now);
        account.confirmation = None;
        account.codes.reset = None;
        account.modified = now;
        account.end_sign_ins();
        Response::Empty
    }

    fn create(
        &mut self,
        now: Timestamp,
        user: NewUser,
        password: &str,
        (salt, verifier): (Salt, Verifier),
        send: bool,
    ) -> Reply {
        self.check_password(CREATE_CONFORM, password)?;
        let NewUser { given_name, name, sub, attributes } = user;
        self.check_name_is_free(&given_name, &attributes)?;
        let account = NewAccount {
            user_status: UserStatus::ForceChangePassword,
            created: now,
            password_set: Some(now),
            ..attributes.apply_to(NewAccount::new(name.clone(), sub, salt, verifier))
        };
        let id = self.add(account)?;
        if send {
            self.send(id, password);
        }
        Ok(Response::Account(AccountResponse::Created(self.describe_user(id))))
    }

    /// Adds an account; its name may be taken meanwhile.
    pub(super) fn add(&mut self, account: NewAccount) -> Result<AccountId, ApiError> {
        // The name is free (`check_name_is_free`), so another user has one of the addresses as an alias.
        self.directory.add(account).map_err(|_| alias_exists())
    }

    fn admin_get_user(&self, request: &AdminUserCall) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        Ok(Response::Account(AccountResponse::User(self.describe_user(id))))
    }

    fn admin_delete_user(&mut self, request: &AdminUserCall) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        self.delete_user(id);
        Ok(Response::Empty)
    }

    /// Deletes a user and all their data.
    pub(super) fn delete_user(&mut self, id: AccountId) {
        let username = self.directory.account(id).username.clone();
        self.session_store.discard_code(&username);
        self.directory.remove(id);
    }

    /// Enables or disables a user; disabling also revokes the user's access tokens. Refresh tokens can be
    /// used again after the user is enabled (docs/semantics.md, refresh, sign-out and revocation).
    fn enable(&mut self, now: Timestamp, request: &AdminUserCall, enabled: bool) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        let account = self.directory.account_mut(id);
        if !enabled && !account.disabled {
            account.access_revocations += 1;
        }
        account.disabled = !enabled;
        account.modified = now;
        Ok(Response::Empty)
    }

    fn admin_sign_out(&mut self, request: &AdminUserCall) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        self.directory.account_mut(id).sign_out();
        Ok(Response::Empty)
    }
}
