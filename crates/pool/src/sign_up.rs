//! Signing up, and the code that confirms it.

use std::sync::Arc;

use super::account::{Account, AccountId, Confirmation, NewAccount, UserStatus};
use super::codes::{CODE_VALIDITY, MAX_CODE_REQUESTS, code_expired, code_mismatch};
use super::event_record::{EventKind, EventResult};
use super::password::SIGN_UP_CONFORM;
use super::recovery::code_sent;
use super::users::{NewUser, Purpose};
use super::{AppClient, Pool, Step, refuse};
use poolproof_cognito::ids::Sub;
use poolproof_cognito::policy::AddressKind;
use poolproof_cognito::protocol::{
    AccountResponse, AdminUserCall, ApiError, ClientUserCall, CodeDelivery, ConfirmSignUp, ErrorKind, Origin,
    Parameters, Reply, Response, SignUp, keys,
};
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{Salt, Verifier};

/// The first wrong code that locks a sign-up's code for a while.
const FIRST_LOCKING_FAILURE: u32 = 5;

impl Pool {
    /// `SignUp`.
    pub(super) fn sign_up(&mut self, origin: Origin, request: SignUp) -> Step {
        match self.read_sign_up(origin, request) {
            Ok((password, purpose)) => self.make_verifier(password, purpose),
            Err(error) => refuse(error),
        }
    }

    fn read_sign_up(&mut self, origin: Origin, request: SignUp) -> Result<(String, Purpose), ApiError> {
        let client =
            self.check_client(&request.client_id, request.secret_hash.as_deref(), &request.username)?;
        let password = request.password.ok_or_else(|| ApiError::missing_parameter("Password"))?;
        self.check_password(SIGN_UP_CONFORM, &password)?;
        let sub = Sub::new(self.new_uuid());
        let (name, attributes) = self.check_new_user(&request.username, &sub, true, request.attributes)?;
        let user = NewUser { given_name: request.username, name, sub, attributes };
        Ok((password, Purpose::SignUp { client_id: client.id.clone(), user, origin }))
    }

    /// Checks the client and its hash, which these operations carry outside the parameters.
    pub(super) fn check_client(
        &self,
        client_id: &str,
        hash: Option<&str>,
        name: &str,
    ) -> Result<Arc<AppClient>, ApiError> {
        let client = self.client(client_id)?;
        let parameters = Parameters::new().with(keys::USERNAME, name);
        let hash = hash.map_or_else(Parameters::new, |hash| parameters.with(keys::SECRET_HASH, hash));
        client.check_hash(&hash, name)?;
        Ok(client)
    }

    /// Continues `SignUp`: adds the user and sends the code.
    pub(super) fn finish_sign_up(
        &mut self,
        now: Timestamp,
        origin: Origin,
        user: NewUser,
        password: &str,
        (salt, verifier): (Salt, Verifier),
    ) -> Reply {
        self.check_password(SIGN_UP_CONFORM, password)?;
        let NewUser { given_name, name, sub, attributes } = user;
        self.check_name_is_free(&given_name, &attributes)?;
        let account = NewAccount {
            user_status: UserStatus::Unconfirmed,
            created: now,
            ..attributes.apply_to(NewAccount::new(name, sub.clone(), salt, verifier))
        };
        let id = self.add(account)?;
        self.record_event(now, id, origin, EventKind::SignUp, EventResult::Pass);
        let delivery = self.send_confirmation(now, id);
        Ok(Response::Account(AccountResponse::SignedUp { user_confirmed: false, sub, delivery }))
    }

    /// Sends the code of a sign-up to an address that the pool verifies, a phone before e-mail. It replaces
    /// an earlier one, but the wrong guesses still count. A pool that verifies no address of the user sends
    /// nothing.
    fn send_confirmation(&mut self, now: Timestamp, id: AccountId) -> Option<CodeDelivery> {
        let account = self.directory.account(id);
        let verified = |kind: &AddressKind| self.account_settings.auto_verifies(*kind);
        let mut verified = [AddressKind::Phone, AddressKind::Email].into_iter().filter(verified).peekable();
        verified.peek()?;
        let sent_to = verified.find_map(|kind| Some((kind, account.address(kind)?.clone())));
        if sent_to.is_none() && AddressKind::ALL.into_iter().any(|kind| account.address(kind).is_some()) {
            return None;
        }
        let code = self.new_code();
        let account = self.directory.account_mut(id);
        let failures = account.confirmation.take().map(|earlier| earlier.failures).unwrap_or_default();
        let expires = now.plus(CODE_VALIDITY);
        account.confirmation =
            Some(Confirmation { code: code.clone(), sent_to: sent_to.clone(), expires, failures });
        let Some((kind, address)) = sent_to else {
            // An administrator confirms a user without an address; the code is still added to the outbox.
            self.send(id, &code);
            return None;
        };
        Some(self.send_to(id, kind, &address, code))
    }

    /// `ResendConfirmationCode`.
    pub(super) fn resend_code(&mut self, now: Timestamp, origin: Origin, request: &ClientUserCall) -> Reply {
        let client =
            self.check_client(&request.client_id, request.secret_hash.as_deref(), &request.username)?;
        let found = self.find_unconfirmed(&request.username);
        let id = match found {
            Err(_) if client.prevents_user_existence_errors => {
                self.unknown_user(&request.username).requests.admit(now, MAX_CODE_REQUESTS)?;
                return Ok(code_sent(self.simulated_delivery(&request.username)));
            }
            found => found?,
        };
        self.directory.account_mut(id).codes.requests.admit(now, MAX_CODE_REQUESTS)?;
        self.record_event(now, id, origin, EventKind::ResendCode, EventResult::Pass);
        let delivery = self.send_confirmation(now, id);
        delivery.map(code_sent).ok_or_else(|| {
            ApiError::invalid_parameter("Cannot resend codes. Auto verification not turned on.")
        })
    }

    /// Returns the user of this name, who has signed up and is not confirmed yet.
    fn find_unconfirmed(&self, name: &str) -> Result<AccountId, ApiError> {
        let id = self.directory.find(name).ok_or_else(|| {
            ApiError::new(ErrorKind::UserNotFound, "Username/client id combination not found.")
        })?;
        let account = self.directory.account(id);
        if account.disabled {
            return Err(ApiError::not_authorized("User is disabled."));
        }
        if account.user_status != UserStatus::Unconfirmed {
            return Err(ApiError::invalid_parameter("User is already confirmed."));
        }
        Ok(id)
    }

    /// `ConfirmSignUp`.
    pub(super) fn confirm_sign_up(&mut self, now: Timestamp, request: &ConfirmSignUp) -> Reply {
        let client =
            self.check_client(&request.client_id, request.secret_hash.as_deref(), &request.username)?;
        let Some(id) = self.directory.find(&request.username) else {
            let message = "Username/client id combination not found.";
            let unknown = ApiError::new(ErrorKind::UserNotFound, message);
            return Err(if client.prevents_user_existence_errors { code_expired() } else { unknown });
        };
        self.check_unconfirmed(id)?;
        let account = self.directory.account_mut(id);
        let confirmation = account.confirmation.as_mut().ok_or_else(code_expired)?;
        if !confirmation.failures.record_attempt(now) {
            let message = "Too many failed attempts; try again later.";
            return Err(ApiError::new(ErrorKind::TooManyFailedAttempts, message));
        }
        if confirmation.code != request.confirmation_code {
            confirmation.failures.record_failure(now, FIRST_LOCKING_FAILURE);
            return Err(code_mismatch());
        }
        if now >= confirmation.expires {
            return Err(code_expired());
        }
        // A correct code proves that the user receives messages at the address that it was sent to.
        let sent_to = confirmation.sent_to.clone();
        let proven = sent_to.filter(|(kind, address)| account.address(*kind) == Some(address));
        let username = account.username.clone();
        let verify = |account: &mut Account| {
            if let Some((kind, address)) = proven {
                account.set_address(kind, Some(address), true);
            }
        };
        self.directory.change_attributes(id, verify).map_err(|_| {
            ApiError::new(
                ErrorKind::AliasExists,
                "An account with the given email or phone number already exists.",
            )
        })?;
        self.directory.account_mut(id).first_sign_in_pending = true;
        self.confirm(now, id);
        self.session_store.discard_code(&username);
        Ok(Response::Empty)
    }

    /// `AdminConfirmSignUp`.
    pub(super) fn admin_confirm(&mut self, now: Timestamp, request: &AdminUserCall) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        self.check_unconfirmed(id)?;
        self.confirm(now, id);
        Ok(Response::Empty)
    }

    fn check_unconfirmed(&self, id: AccountId) -> Result<(), ApiError> {
        let account = self.directory.account(id);
        if account.user_status == UserStatus::Unconfirmed {
            return Ok(());
        }
        let status = account.status();
        Err(ApiError::not_authorized(format!("User cannot be confirmed. Current status is {status}")))
    }

    fn confirm(&mut self, now: Timestamp, id: AccountId) {
        let account = self.directory.account_mut(id);
        account.user_status = UserStatus::Confirmed;
        account.confirmation = None;
        account.modified = now;
    }
}
