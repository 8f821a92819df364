//! The steps after a correct password, plain passwords, and new passwords that replace temporary ones.

use rand::Rng as _;

use super::account::{AccountId, UserStatus};
use super::answer::SessionAnswer;
use super::app_client::{AppClient, PasswordFlow};
use super::auth_events::DecidedRisk;
use super::decide::{Decision, Proven};
use super::event_record::EventResult;
use super::lockout::Failures;
use super::session_store::{ExpectedAnswer, Owner, ProvenBy, SignInState, UnprovenSignIn};
use super::sign_in::{named_device, required};
use super::{Pending, PendingWork, Pool, Step, refuse, reply};
use poolproof_cognito::ids::{ClientId, DeviceKey};
use poolproof_cognito::policy::{Lockout, PasswordPolicy};
use poolproof_cognito::protocol::{ApiError, ErrorKind, Origin, Parameters, keys};
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{Job, Salt, Verifier};

/// The first failure that locks a user out.
pub(super) const FIRST_LOCKING_FAILURE: u32 = 5;
/// The start of the keys in an answer to `NEW_PASSWORD_REQUIRED` that set attributes.
pub(super) const ATTRIBUTE_PREFIX: &str = "userAttributes.";
/// The refusal of a temporary password that has expired: the text that applications check for. Reports of
/// 2018 have "User account has expired, it must be reset by an administrator."
const TEMPORARY_EXPIRED: &str = "Temporary password has expired and must be reset by an administrator.";
/// Most characters in a password.
const MAX_PASSWORD_CHARS: usize = 256;
/// The characters that count as symbols (developer guide, password requirements).
const SYMBOLS: &str = "^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+-";
/// The start of a refusal's message; three operations use different wordings.
pub(super) const DOES_NOT_CONFORM: &str = "Password does not conform to policy";
pub(super) const SIGN_UP_CONFORM: &str = "Password did not conform with policy";
pub(super) const CREATE_CONFORM: &str = "Password did not conform with password policy";

/// A plain password that waits for its verifier.
#[derive(Debug)]
pub(super) struct PendingPlainPassword {
    pub(super) client_id: ClientId,
    pub(super) owner: Owner,
    pub(super) named_device: Option<DeviceKey>,
    pub(super) origin: Origin,
    /// Whether an earlier request named the device, and this one none.
    pub(super) device_from_start: bool,
    pub(super) username: String,
    pub(super) password: String,
    /// The salt with which the verifier is computed.
    pub(super) salt: Salt,
    /// Identifies the answered session, if there is one.
    pub(super) answer: Option<Box<SessionAnswer>>,
}

/// A plain password to check.
pub(super) struct PlainPassword<'p> {
    pub(super) sign_in: UnprovenSignIn,
    /// The name under which the user signs in.
    pub(super) username: &'p str,
    pub(super) password: &'p str,
    /// Whether an earlier request named the device, and this one none.
    pub(super) device_from_start: bool,
    /// Identifies the answered session, if there is one.
    pub(super) answer: Option<SessionAnswer>,
}

/// Returns the first policy rule that a password violates, in Cognito's words; `None` if it satisfies all.
fn unmet_rule(policy: &PasswordPolicy, password: &str) -> Option<&'static str> {
    let length = password.chars().count();
    let shortest = usize::try_from(policy.minimum_length).unwrap_or(MAX_PASSWORD_CHARS);
    let any = |kind: fn(char) -> bool| password.chars().any(kind);
    let rules = [
        (length >= shortest, "Password not long enough"),
        (length <= MAX_PASSWORD_CHARS, "Password is too long"),
        (!any(char::is_whitespace), "Password must not have spaces"),
        (
            !policy.uppercase || any(|letter| letter.is_ascii_uppercase()),
            "Password must have uppercase characters",
        ),
        (
            !policy.lowercase || any(|letter| letter.is_ascii_lowercase()),
            "Password must have lowercase characters",
        ),
        (!policy.numbers || any(|letter| letter.is_ascii_digit()), "Password must have numeric characters"),
        (!policy.symbols || any(|letter| SYMBOLS.contains(letter)), "Password must have symbol characters"),
    ];
    rules.into_iter().find(|(satisfied, _)| !satisfied).map(|(_, unmet_rule)| unmet_rule)
}

impl Pool {
    /// Refuses a password that the pool's policy does not allow; `begin` starts the message.
    pub(super) fn check_password(&self, begin: &str, password: &str) -> Result<(), ApiError> {
        match unmet_rule(&self.passwords, password) {
            Some(unmet_rule) => {
                Err(ApiError::new(ErrorKind::InvalidPassword, format!("{begin}: {unmet_rule}")))
            }
            None => Ok(()),
        }
    }

    pub(super) fn new_salt(&mut self) -> Result<Salt, ApiError> {
        let mut bytes = vec![0; 16];
        self.rng.fill_bytes(&mut bytes);
        Salt::from_bytes(bytes).map_err(|bad| ApiError::internal(bad.to_string()))
    }

    /// Records a password attempt, and refuses it if its owner may not sign in with any password.
    pub(super) fn admit_attempt(
        &mut self,
        now: Timestamp,
        client: &AppClient,
        owner: &Owner,
    ) -> Result<(), ApiError> {
        if !self.failures(owner).record_attempt(now) {
            return Err(ApiError::attempts_exceeded());
        }
        match Self::account_of(owner) {
            // A client that hides user existence reveals a user's status only after a correct password (E3).
            Some(id) if !client.prevents_user_existence_errors => self.check_user_status(id),
            _ => Ok(()),
        }
    }

    /// Refuses users that may not sign in, whatever their password.
    pub(super) fn check_user_status(&self, id: AccountId) -> Result<(), ApiError> {
        let account = self.directory.account(id);
        if account.disabled {
            return Err(ApiError::not_authorized("User is disabled."));
        }
        if account.user_status == UserStatus::Unconfirmed {
            return Err(ApiError::new(ErrorKind::UserNotConfirmed, "User is not confirmed."));
        }
        Ok(())
    }

    /// Refuses users that may not continue after a correct password. Every step of a sign-in checks again,
    /// since an administrator may have changed the user (D14).
    pub(super) fn check_may_continue(&self, id: AccountId) -> Result<(), ApiError> {
        self.check_user_status(id)?;
        if self.directory.account(id).user_status == UserStatus::ResetRequired {
            let message = "Password reset required for the user";
            return Err(ApiError::new(ErrorKind::PasswordResetRequired, message));
        }
        Ok(())
    }

    /// Refuses a sign-in whose user was deleted or may not continue, or whose password was changed since it
    /// began.
    pub(super) fn check_sign_in(&self, sign_in: &SignInState) -> Result<(), ApiError> {
        if !self.directory.has_account(sign_in.account) {
            return Err(ApiError::invalid_session());
        }
        self.check_may_continue(sign_in.account)?;
        if self.directory.account(sign_in.account).credential_version != sign_in.credentials {
            return Err(ApiError::invalid_session());
        }
        Ok(())
    }

    /// Counts a failed attempt.
    pub(super) fn count_failure(&mut self, now: Timestamp, owner: &Owner) {
        if let Some(id) = Self::account_of(owner) {
            self.directory.account_mut(id).sign_in_history.record_failure();
        }
        if self.policy.lockout == Lockout::Off {
            return;
        }
        self.failures(owner).record_failure(now, FIRST_LOCKING_FAILURE);
    }

    /// Records an attempt with a wrong password, if the user exists.
    pub(super) fn record_wrong_password(&mut self, now: Timestamp, owner: &Owner, origin: Origin) {
        if let Some(id) = Self::account_of(owner) {
            self.record_password(now, id, origin, DecidedRisk::default(), EventResult::Fail);
        }
    }

    /// Returns the failures of the attempt's owner.
    pub(super) fn failures(&mut self, owner: &Owner) -> &mut Failures {
        match owner {
            Owner::Account(id) => self.directory.failures_mut(*id),
            Owner::UnknownUser(sub) => {
                let failure_key = self.simulated_users.failure_key(sub);
                &mut self.session_store.unknown_user(failure_key, &mut self.rng).failures
            }
        }
    }

    /// Continues after a correct first factor. If the pool knows the password, it can detect a compromised
    /// one. Then the user must choose another one; that is the only change that a refusal makes.
    pub(super) fn after_first_factor(&mut self, now: Timestamp, proven: Proven) -> Step {
        let (id, by, origin) = (proven.account, proven.by, proven.origin);
        let metadata = proven.metadata.clone();
        if let Err(error) = self.check_may_continue(id) {
            return refuse(error);
        }
        let account = self.directory.account(id);
        let user_status = account.user_status;
        if user_status == UserStatus::ForceChangePassword
            && account.password_set.is_some_and(|set| now.since(set) >= self.passwords.temporary_validity())
        {
            self.record_password(now, id, origin, DecidedRisk::default(), EventResult::Fail);
            return refuse(ApiError::not_authorized(TEMPORARY_EXPIRED));
        }
        let (client_id, named) = (&proven.client_id, proven.named_device.as_ref());
        let level = self.risk_level(client_id, self.directory.account(id), named, origin);
        let level = level.filter(|_| by != ProvenBy::CustomAfterPassword);
        let risk = DecidedRisk { level, ..DecidedRisk::default() };
        if by == ProvenBy::PlainPassword && self.refuses_compromised(client_id, id, origin) {
            self.directory.account_mut(id).user_status = UserStatus::ResetRequired;
            let risk = DecidedRisk { compromised: true, ..risk };
            self.record_password(now, id, origin, risk, EventResult::Fail);
            return refuse(ApiError::blocked_by_risk());
        }
        let (mut sign_in, mfa) = match self.decide_sign_in(proven) {
            // The client may send the claim again without the device key.
            Err(error) if error.kind == ErrorKind::ResourceNotFound => return refuse(error),
            Err(error) => {
                let risk = DecidedRisk { blocked: true, ..risk };
                self.record_password(now, id, origin, risk, EventResult::Fail);
                return refuse(error);
            }
            Ok(decided) => decided,
        };
        sign_in.event_id = self.record_password(now, id, origin, risk, EventResult::InProgress);
        if user_status == UserStatus::ForceChangePassword {
            let attributes = self.directory.account(id).attributes_as_json();
            let missing = self.missing_attributes(id).into_iter();
            let missing: Vec<_> = missing.map(|name| format!("{ATTRIBUTE_PREFIX}{name}")).collect();
            let missing = serde_json::Value::from(missing).to_string();
            let extra_parameters =
                [("requiredAttributes", missing.as_str()), ("userAttributes", attributes.as_str())];
            return reply(Ok(self.challenge(
                now,
                sign_in,
                ExpectedAnswer::NewPassword { origin },
                &extra_parameters,
            )));
        }
        self.proceed(now, sign_in, mfa, origin, metadata)
    }

    /// Returns the sign-in after a correct first factor and whether it requires an MFA, or why it is refused.
    pub(super) fn decide_sign_in(&self, proven: Proven) -> Result<(SignInState, bool), ApiError> {
        match self.decide(proven) {
            Decision::Refuse(error) => Err(error),
            Decision::UnknownDevice => Err(ApiError::device_not_found()),
            Decision::Proceed { sign_in, mfa } => Ok((sign_in, mfa)),
        }
    }

    /// Continues with the MFA, with custom challenges or with the end of the sign-in. After an MFA there
    /// are no custom challenges (docs/semantics.md, custom challenges).
    pub(super) fn proceed(
        &mut self,
        now: Timestamp,
        sign_in: SignInState,
        mfa: bool,
        origin: Origin,
        metadata: Parameters,
    ) -> Step {
        if mfa {
            return reply(Ok(self.ask_for_factor(now, sign_in)));
        }
        if sign_in.proven_by == ProvenBy::CustomAfterPassword {
            return self.continue_custom(now, sign_in, origin, metadata);
        }
        reply(Ok(self.after_factor(now, sign_in)))
    }

    /// `USER_PASSWORD_AUTH`. It costs the same for a user that does not exist.
    pub(super) fn start_password(
        &mut self,
        now: Timestamp,
        origin: Origin,
        client: &AppClient,
        parameters: &Parameters,
        flow: PasswordFlow,
    ) -> Step {
        self.read_password(now, origin, client, parameters, flow).unwrap_or_else(refuse)
    }

    fn read_password(
        &mut self,
        now: Timestamp,
        origin: Origin,
        client: &AppClient,
        parameters: &Parameters,
        flow: PasswordFlow,
    ) -> Result<Step, ApiError> {
        if flow == PasswordFlow::Off {
            return Err(ApiError::invalid_parameter("USER_PASSWORD_AUTH flow not enabled for this client"));
        }
        let username = required(parameters, keys::USERNAME)?;
        let password = required(parameters, keys::PASSWORD)?;
        client.check_hash_at_start(parameters)?;
        let owner = self.owner(client, username)?;
        let named_device = named_device(parameters).filter(|_| flow == PasswordFlow::WithDevices);
        let (client_id, credentials) = (client.id.clone(), self.credentials_of(&owner));
        let started_as = username.chars().take(129).collect();
        let sign_in = UnprovenSignIn { client_id, owner, started_as, credentials, named_device, origin };
        let (device_from_start, answer) = (false, None);
        let plain = PlainPassword { sign_in, username, password, device_from_start, answer };
        self.check_plain_password(now, client, plain)
    }

    /// Checks a password that the client has sent.
    pub(super) fn check_plain_password(
        &mut self,
        now: Timestamp,
        client: &AppClient,
        plain: PlainPassword<'_>,
    ) -> Result<Step, ApiError> {
        let PlainPassword { sign_in, username, password, device_from_start, answer } = plain;
        let UnprovenSignIn { client_id, owner, named_device, origin, .. } = sign_in;
        self.admit_attempt(now, client, &owner)?;
        let pending = PendingPlainPassword {
            client_id,
            salt: self.salt_of(&owner),
            owner,
            named_device,
            origin,
            device_from_start,
            username: username.to_owned(),
            password: password.chars().take(MAX_PASSWORD_CHARS + 1).collect(),
            answer: answer.map(Box::new),
        };
        Ok(self.compute_plain_password(pending))
    }

    fn compute_plain_password(&self, pending: PendingPlainPassword) -> Step {
        let identity = self.srp_identity(&pending.owner);
        let (salt, password) = (pending.salt.clone(), pending.password.clone());
        let job = Job::Verifier { group: self.identity.group, salt, identity, password };
        let client_id = pending.client_id.clone();
        Step::Compute(job, Pending::new(&client_id, PendingWork::PlainPassword(pending)))
    }

    /// Returns the salt of the owner's password.
    pub(super) fn salt_of(&self, owner: &Owner) -> Salt {
        match owner {
            Owner::Account(id) => self.directory.account(*id).salt.clone(),
            Owner::UnknownUser(simulated_id) => self.simulated_users.salt(simulated_id),
        }
    }

    /// Continues with a plain password: it is correct if it produces the stored verifier. If the password was
    /// changed meanwhile, the verifier is computed again with the new salt.
    pub(super) fn verify_plain_password(
        &mut self,
        now: Timestamp,
        pending_work: PendingPlainPassword,
        verifier: &Verifier,
    ) -> Step {
        let taken = pending_work.answer.as_ref().map(|answer| self.take_unproven(now, answer)).transpose();
        let (session, client) = match (taken, self.client(pending_work.client_id.as_str())) {
            (Ok(session), Ok(client)) => (session, client),
            (Err(error), _) | (_, Err(error)) => return refuse(error),
        };
        let owner = match &session {
            Some((_, unproven)) => Ok(unproven.sign_in.owner.clone()),
            None => self.owner(&client, &pending_work.username),
        };
        let admitted = owner.and_then(|owner| {
            self.admit_attempt(now, &client, &owner)?;
            let salt = self.salt_of(&owner);
            Ok((owner, salt))
        });
        let owner = match admitted {
            Ok((owner, salt)) if salt == pending_work.salt => owner,
            undecided => {
                if let Some((session, unproven)) = session {
                    self.session_store.restore_unproven(&session, unproven);
                }
                return match undecided {
                    Ok((owner, salt)) => {
                        self.compute_plain_password(PendingPlainPassword { owner, salt, ..pending_work })
                    }
                    Err(error) => refuse(error),
                };
            }
        };
        let account = Self::account_of(&owner);
        let right = account.filter(|id| self.directory.account(*id).verifier == *verifier);
        let Some(account) = right else {
            self.count_failure(now, &owner);
            self.record_wrong_password(now, &owner, pending_work.origin);
            return refuse(ApiError::incorrect_credentials());
        };
        let PendingPlainPassword { client_id, named_device, device_from_start, origin, .. } = pending_work;
        let forgotten = device_from_start
            && session.as_ref().is_some_and(|(_, unproven)| unproven.sign_in.named_device.is_none());
        let named_device = named_device.filter(|_| !forgotten);
        let by = ProvenBy::PlainPassword;
        let metadata = Parameters::new();
        let step =
            self.after_first_factor(now, Proven { client_id, account, by, named_device, origin, metadata });
        if let (Some((session, mut unproven)), true) = (session, step.refuses_unknown_device()) {
            unproven.sign_in.named_device = None;
            self.session_store.restore_unproven(&session, unproven);
        }
        step
    }
}
