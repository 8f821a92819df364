//! `ChangePassword`: the user proves the previous password and sets another one.

use super::account::{AccountId, UserStatus};
use super::codes::MAX_PASSWORD_CHANGES;
use super::event_record::{EventKind, EventResult};
use super::password::DOES_NOT_CONFORM;
use super::session_store::Owner;
use super::users::Purpose;
use super::{Pool, Step, refuse, reply};
use poolproof_cognito::protocol::{ApiError, ChangePassword, ErrorKind, Origin, Response};
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{Salt, Verifier};

impl Pool {
    /// `ChangePassword`. A wrong previous password counts as a failed sign-in.
    pub(super) fn change_own_password(
        &mut self,
        now: Timestamp,
        origin: Origin,
        request: ChangePassword,
    ) -> Step {
        match self.check_change(now, &request, false) {
            Ok(account) => self.check_previous(account, origin, request),
            Err(error) => refuse(error),
        }
    }

    /// Checks whether a user may change the password now. Refusals count as an attempt; success does only
    /// with `count`, once the previous password is judged.
    fn check_change(
        &mut self,
        now: Timestamp,
        request: &ChangePassword,
        count: bool,
    ) -> Result<AccountId, ApiError> {
        let (account, _) = self.bearer(&request.access_token, now)?;
        if request.previous_password.is_none() {
            return Err(ApiError::missing_parameter("PreviousPassword"));
        }
        self.check_password(DOES_NOT_CONFORM, &request.proposed_password)?;
        let changes = &mut self.directory.account_mut(account).codes.password_changes;
        let before = *changes;
        changes.admit(now, MAX_PASSWORD_CHANGES)?;
        if !self.directory.failures_mut(account).record_attempt(now) {
            let message = "Attempt limit exceeded, please try after some time.";
            return Err(ApiError::new(ErrorKind::LimitExceeded, message));
        }
        if !count {
            self.directory.account_mut(account).codes.password_changes = before;
        }
        Ok(account)
    }

    /// Requests the verifier of the previous password with the user's salt.
    fn check_previous(&mut self, account: AccountId, origin: Origin, request: ChangePassword) -> Step {
        let salt = self.directory.account(account).salt.clone();
        let previous = request.previous_password.as_deref().unwrap_or_default().chars().take(257).collect();
        self.make_verifier_with(salt, previous, Purpose::Check { account, origin, request })
    }

    /// Continues `ChangePassword` with the verifier of the previous password.
    pub(super) fn judge_previous(
        &mut self,
        now: Timestamp,
        origin: Origin,
        request: ChangePassword,
        (salt, verifier): (Salt, Verifier),
    ) -> Step {
        let account = match self.check_change(now, &request, false) {
            Ok(account) => account,
            Err(error) => return refuse(error),
        };
        if self.directory.account(account).salt != salt {
            return self.check_previous(account, origin, request);
        }
        if self.directory.account(account).verifier == verifier {
            let password = request.proposed_password.clone();
            return self.make_verifier(password, Purpose::Change { account, origin, request, checked: salt });
        }
        if let Err(error) = self.check_change(now, &request, true) {
            return refuse(error);
        }
        self.count_failure(now, &Owner::Account(account));
        self.record_event(now, account, origin, EventKind::PasswordChange, EventResult::Fail);
        refuse(ApiError::incorrect_credentials())
    }

    /// Continues `ChangePassword` with the verifier of the new password.
    pub(super) fn replace_password(
        &mut self,
        now: Timestamp,
        origin: Origin,
        request: ChangePassword,
        checked: &Salt,
        (salt, verifier): (Salt, Verifier),
    ) -> Step {
        match self.check_change(now, &request, false) {
            // The password was changed meanwhile, so the previous one must be compared with the new one.
            Ok(account) if self.directory.account(account).salt != *checked => {
                self.check_previous(account, origin, request)
            }
            Ok(_) => reply(self.check_change(now, &request, true).map(|account| {
                self.directory.account_mut(account).failures.reset();
                self.record_event(now, account, origin, EventKind::PasswordChange, EventResult::Pass);
                self.set_password(now, account, UserStatus::Confirmed, (salt, verifier));
                Response::Empty
            })),
            Err(error) => refuse(error),
        }
    }
}
