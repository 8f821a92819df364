//! Password recovery, and deletion of the caller (docs/semantics.md, around sign-in).

use std::time::Duration;

use super::account::{AccountId, UserStatus};
use super::app_client::AppClient;
use super::code_delivery::delivery_details;
use super::codes::{self, SentCode};
use super::event_record::{EventKind, EventResult};
use super::password::DOES_NOT_CONFORM;
use super::users::Purpose;
use super::{Pool, Step, refuse, reply};
use poolproof_cognito::policy::{AddressKind, MfaMode, Recovery};
use poolproof_cognito::protocol::{
    AccountResponse, AdminUserCall, ApiError, BearerCall, ChallengeName, ClientUserCall, CodeDelivery,
    ConfirmForgotPassword, Origin, ProfileRequest, Reply, Response,
};
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{Salt, Verifier};

/// Validity of a recovery code: Cognito's.
const RESET_CODE_VALIDITY: Duration = Duration::from_secs(3600);
/// Most recovery codes that a user can ask for or enter in an hour. Cognito allows 5 to 20, depending on
/// risk.
const MAX_RECOVERIES: u32 = 20;
const MAX_RISKY_RECOVERIES: u32 = 5;

impl Pool {
    /// Answers a request about recovery, attributes, deletion or recorded sign-ins.
    pub(super) fn answer_profile(&mut self, now: Timestamp, origin: Origin, request: ProfileRequest) -> Step {
        reply(match request {
            ProfileRequest::ForgotPassword(request) => self.forgot_password(now, origin, &request),
            ProfileRequest::ConfirmForgotPassword(request) => {
                return match self.read_recovery(now, origin, &request, false) {
                    Ok(account) => self.request_recovery(account, origin, request),
                    Err(error) => refuse(error),
                };
            }
            ProfileRequest::AdminResetUserPassword(request) => self.admin_reset_password(now, &request),
            ProfileRequest::ResendConfirmationCode(request) => self.resend_code(now, origin, &request),
            ProfileRequest::UpdateUserAttributes(request) => self.update_own_attributes(now, request),
            ProfileRequest::AdminUpdateUserAttributes(request) => self.admin_update_attributes(now, request),
            ProfileRequest::DeleteUserAttributes(request) => self.delete_own_attributes(now, &request),
            ProfileRequest::AdminDeleteUserAttributes(request) => self.admin_delete_attributes(now, &request),
            ProfileRequest::GetUserAttributeVerificationCode(request) => {
                self.send_verification_code(now, &request)
            }
            ProfileRequest::VerifyUserAttribute(request) => self.verify_attribute(now, &request),
            ProfileRequest::DeleteUser(request) => self.delete_own_user(now, &request),
            ProfileRequest::AdminListUserAuthEvents(request) => self.list_auth_events(&request),
            ProfileRequest::AdminUpdateAuthEventFeedback(request) => self.give_feedback(now, &request),
        })
    }

    /// `ForgotPassword`.
    fn forgot_password(&mut self, now: Timestamp, origin: Origin, request: &ClientUserCall) -> Reply {
        let client =
            self.check_client(&request.client_id, request.secret_hash.as_deref(), &request.username)?;
        let limit = recovery_limit(origin);
        let found = self.find_for_recovery(&client, &request.username)?;
        let Some((id, kind)) = found else {
            let name = &request.username;
            let unknown = self.unknown_user(name);
            unknown.recoveries.admit(now, limit)?;
            unknown.reset_code_until = now.plus(RESET_CODE_VALIDITY);
            return Ok(code_sent(self.simulated_delivery(name)));
        };
        self.directory.account_mut(id).codes.recoveries.admit(now, limit)?;
        self.record_event(now, id, origin, EventKind::ForgotPassword, EventResult::Pass);
        Ok(code_sent(self.send_reset_code(now, id, kind)))
    }

    fn send_reset_code(&mut self, now: Timestamp, id: AccountId, kind: AddressKind) -> CodeDelivery {
        let code = self.new_code();
        let account = self.directory.account_mut(id);
        let address = account.address(kind).cloned().unwrap_or_default();
        let expires = now.plus(RESET_CODE_VALIDITY);
        account.codes.reset = Some(SentCode { code: code.clone(), expires, new_address: None });
        self.send_to(id, kind, &address, code)
    }

    /// Returns the user of this name and the address that receives the code. `None` is a user whom the client
    /// must not learn about: one that does not exist, is disabled or cannot recover a password.
    fn find_for_recovery(
        &self,
        client: &AppClient,
        name: &str,
    ) -> Result<Option<(AccountId, AddressKind)>, ApiError> {
        let found = self.directory.find(name).ok_or_else(ApiError::user_not_found).and_then(|id| {
            if self.directory.account(id).disabled {
                return Err(ApiError::not_authorized("User is disabled."));
            }
            if self.account_settings.recovery == Recovery::AdminOnly {
                return Err(ApiError::not_authorized("Contact administrator to reset password."));
            }
            Ok((id, self.recovery_address(id)?))
        });
        match found {
            Ok(found) => Ok(Some(found)),
            Err(_) if client.prevents_user_existence_errors => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the address that receives the user's recovery code: a verified one that is not a factor as
    /// well.
    fn recovery_address(&self, id: AccountId) -> Result<AddressKind, ApiError> {
        let account = self.directory.account(id);
        if account.user_status == UserStatus::ForceChangePassword {
            return Err(ApiError::not_authorized("User password cannot be reset in the current state."));
        }
        let factors = account.active_factors(self.policy.factor_types);
        let is_factor = |kind: AddressKind| {
            let factor = match kind {
                AddressKind::Email => ChallengeName::EmailOtp,
                AddressKind::Phone => ChallengeName::SmsMfa,
            };
            let preferred = account.preferred == Some(factor);
            let counts = self.policy.mfa != MfaMode::Off && factors.contains(&factor);
            counts && (preferred || matches!(self.account_settings.recovery, Recovery::Addresses { .. }))
        };
        let usable = |kind: &AddressKind| {
            account.address(*kind).is_some() && account.is_verified(*kind) && !is_factor(*kind)
        };
        let order = match self.account_settings.recovery {
            Recovery::Legacy | Recovery::AdminOnly => [Some(AddressKind::Phone), Some(AddressKind::Email)],
            Recovery::Addresses { first, second } => [Some(first), second],
        };
        order.into_iter().flatten().find(usable).ok_or_else(|| {
            ApiError::invalid_parameter(
                "Cannot reset password for the user as there is no registered/verified email or phone_number",
            )
        })
    }

    fn request_recovery(
        &mut self,
        account: AccountId,
        origin: Origin,
        request: ConfirmForgotPassword,
    ) -> Step {
        self.make_verifier(request.password.clone(), Purpose::Recover { account, origin, request })
    }

    /// Reads `ConfirmForgotPassword`. A refusal counts as an attempt. A correct code counts only with
    /// `count`, after the arithmetic.
    fn read_recovery(
        &mut self,
        now: Timestamp,
        origin: Origin,
        request: &ConfirmForgotPassword,
        count: bool,
    ) -> Result<AccountId, ApiError> {
        let name = &request.username;
        let client = self.check_client(&request.client_id, request.secret_hash.as_deref(), name)?;
        self.check_password(DOES_NOT_CONFORM, &request.password)?;
        let limit = recovery_limit(origin);
        let Some(id) = self.find_for_new_password(&client, name)? else {
            // No entry matches the code of a simulated delivery.
            let unknown = self.unknown_user(name);
            unknown.recoveries.admit(now, limit)?;
            let requested = unknown.reset_code_until > now;
            return Err(if requested { codes::code_mismatch() } else { codes::code_expired() });
        };
        let codes = &mut self.directory.account_mut(id).codes;
        let before = codes.recoveries;
        codes.recoveries.admit(now, limit)?;
        SentCode::check(codes.reset.as_ref(), now, &request.confirmation_code)?;
        if !count {
            codes.recoveries = before;
        }
        Ok(id)
    }

    /// Returns the user who enters a code. `None` is a user whom the client must not learn about.
    fn find_for_new_password(&self, client: &AppClient, name: &str) -> Result<Option<AccountId>, ApiError> {
        if let Some(id) = self.directory.find(name) {
            let account = self.directory.account(id);
            if !account.disabled && (account.codes.reset.is_some() || !client.prevents_user_existence_errors)
            {
                return Ok(Some(id));
            }
        }
        self.find_for_recovery(client, name).map(|found| found.map(|(id, _)| id))
    }

    /// Continues `ConfirmForgotPassword`: sets the password if the code still counts.
    pub(super) fn finish_recovery(
        &mut self,
        now: Timestamp,
        origin: Origin,
        request: ConfirmForgotPassword,
        computed_for: AccountId,
        (salt, verifier): (Salt, Verifier),
    ) -> Step {
        match self.read_recovery(now, origin, &request, false) {
            // The name was an alias, which another user has now.
            Ok(id) if id != computed_for => self.request_recovery(id, origin, request),
            Ok(_) => reply(self.read_recovery(now, origin, &request, true).map(|id| {
                let username = self.directory.account(id).username.clone();
                self.session_store.discard_code(&username);
                self.set_password(now, id, UserStatus::Confirmed, (salt, verifier))
            })),
            Err(error) => refuse(error),
        }
    }

    /// `AdminResetUserPassword`.
    fn admin_reset_password(&mut self, now: Timestamp, request: &AdminUserCall) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        let kind = self.recovery_address(id)?;
        let account = self.directory.account_mut(id);
        account.user_status = UserStatus::ResetRequired;
        account.end_sign_ins();
        account.modified = now;
        self.send_reset_code(now, id, kind);
        Ok(Response::Empty)
    }

    /// Returns the delivery that the answer names if a user's existence must not show: to the user's address
    /// if there is one, so that it is the address that other answers show, and else to a simulated one.
    pub(super) fn simulated_delivery(&self, name: &str) -> CodeDelivery {
        let kind = match self.account_settings.recovery {
            _ if name.contains('@') => AddressKind::Email,
            _ if name.starts_with('+') => AddressKind::Phone,
            Recovery::Addresses { first: AddressKind::Phone, .. } => AddressKind::Phone,
            _ => AddressKind::Email,
        };
        let account = self.directory.find(name).map(|id| self.directory.account(id));
        match account.and_then(|account| account.address(kind)) {
            Some(address) => delivery_details(kind, address),
            None => delivery_details(kind, &self.simulated_address(kind, name)),
        }
    }

    /// `DeleteUser`.
    fn delete_own_user(&mut self, now: Timestamp, request: &BearerCall) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        self.delete_user(id);
        Ok(Response::Empty)
    }
}

/// Returns how many recovery codes can be asked for or entered in an hour.
const fn recovery_limit(origin: Origin) -> u32 {
    if origin.risk.is_some() { MAX_RISKY_RECOVERIES } else { MAX_RECOVERIES }
}

/// Returns the response of an operation that sends a code.
pub(super) const fn code_sent(delivery: CodeDelivery) -> Response {
    Response::Account(AccountResponse::CodeSent(delivery))
}
