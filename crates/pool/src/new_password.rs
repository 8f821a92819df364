//! New passwords that replace temporary ones (`NEW_PASSWORD_REQUIRED`).

use super::account::{AccountId, UserStatus};
use super::answer::SessionAnswer;
use super::decide::Proven;
use super::event_record::EventResult;
use super::password::{ATTRIBUTE_PREFIX, DOES_NOT_CONFORM};
use super::session_store::{ExpectedAnswer, Owner, SignInState};
use super::sign_in::{named_device, required};
use super::{Pending, PendingWork, Pool, Step, refuse};
use poolproof_cognito::protocol::{
    ApiError, ChallengeName, ErrorKind, Origin, Parameters, RespondToAuthChallenge, keys,
};
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{Job, Salt, Verifier};

/// A new password that waits for its verifier.
#[derive(Debug)]
pub(super) struct PendingNewPassword {
    answer: SessionAnswer,
    pub(super) sign_in: SignInState,
    /// Whether the answer itself names a device.
    names_device: bool,
    /// The attributes that the answer sets (`userAttributes.`).
    attributes: Vec<(String, String)>,
    metadata: Parameters,
    password: String,
    salt: Salt,
    pub(super) origin: Origin,
}

impl Pool {
    /// Answers `NEW_PASSWORD_REQUIRED`.
    pub(super) fn change_password(&mut self, now: Timestamp, request: &RespondToAuthChallenge) -> Step {
        match self.read_new_password(now, request) {
            Ok((job, password)) => {
                let client_id = password.sign_in.client_id.clone();
                Step::Compute(job, Pending::new(&client_id, PendingWork::NewPassword(password)))
            }
            Err(error) => refuse(error),
        }
    }

    fn read_new_password(
        &mut self,
        now: Timestamp,
        request: &RespondToAuthChallenge,
    ) -> Result<(Job, PendingNewPassword), ApiError> {
        let password = required(&request.challenge_responses, keys::NEW_PASSWORD)?;
        self.check_password(DOES_NOT_CONFORM, password)?;
        let answer = SessionAnswer::read(request, ChallengeName::NewPasswordRequired)?;
        let open = self.check_session(now, &answer)?;
        let ExpectedAnswer::NewPassword { origin } = open.expected_answer else {
            return Err(ApiError::internal("the session expects another challenge"));
        };
        let mut sign_in = open.sign_in.clone();
        // This answer is the last one, so the device that it names counts.
        let named_device = named_device(&request.challenge_responses);
        let names_device = named_device.is_some();
        sign_in.named_device = named_device.or(sign_in.named_device);
        let attribute = |(key, value): (&str, &str)| {
            let name = key.strip_prefix(ATTRIBUTE_PREFIX)?;
            Some((name.to_owned(), value.to_owned()))
        };
        let attributes = request.challenge_responses.iter().filter_map(attribute).collect();
        let salt = self.new_salt()?;
        let identity = self.srp_identity(&Owner::Account(sign_in.account));
        let password = password.to_owned();
        let job = Job::Verifier {
            group: self.identity.group,
            salt: salt.clone(),
            identity,
            password: password.clone(),
        };
        let metadata = request.client_metadata.clone();
        let pending_work = PendingNewPassword {
            answer,
            sign_in,
            names_device,
            attributes,
            metadata,
            password,
            salt,
            origin,
        };
        Ok((job, pending_work))
    }

    /// Sets the attributes of an answer, which must contain the required ones that the user does not have.
    fn set_required_attributes(
        &mut self,
        now: Timestamp,
        id: AccountId,
        attributes: Vec<(String, String)>,
    ) -> Result<(), ApiError> {
        let given = |name: &str| attributes.iter().any(|(one, value)| one == name && !value.is_empty());
        let missing: Vec<_> = self.missing_attributes(id).into_iter().filter(|name| !given(name)).collect();
        if !missing.is_empty() {
            // The text of AWS (aws/aws-sdk-js#1290, pmill/aws-cognito#25).
            let message = format!("Invalid attributes given, {} is missing", missing.join(" and "));
            return Err(ApiError::invalid_parameter(message));
        }
        if attributes.is_empty() {
            return Ok(());
        }
        self.update_attributes(now, id, attributes, true).map(drop)
    }

    /// Continues `NEW_PASSWORD_REQUIRED`: stores the new verifier and the attributes, and signs in. Changes
    /// since the challenge are checked before anything is stored. If the pool does not know the device or
    /// refuses the attributes, the session can still be answered.
    pub(super) fn store_new_password(
        &mut self,
        now: Timestamp,
        pending_work: PendingNewPassword,
        verifier: Verifier,
    ) -> Step {
        let PendingNewPassword {
            answer,
            sign_in,
            names_device,
            attributes,
            metadata,
            password,
            salt,
            origin,
        } = pending_work;
        let id = sign_in.account;
        let taken = self.check_password(DOES_NOT_CONFORM, &password);
        let (session, mut open) = match taken.and_then(|()| self.take_answered(now, &answer)) {
            Ok(taken) => taken,
            Err(error) => return refuse(error),
        };
        let SignInState { client_id, proven_by: by, named_device, event_id, .. } = sign_in;
        let named_device = if names_device { named_device } else { open.sign_in.named_device.clone() };
        let proven = Proven { client_id, account: id, by, named_device, origin, metadata: metadata.clone() };
        let decided = match self.decide_sign_in(proven) {
            Err(error) if error.kind == ErrorKind::ResourceNotFound => {
                open.sign_in.named_device = None;
                Err(error)
            }
            Err(error) => {
                self.record_end(id, event_id.as_deref(), EventResult::Fail);
                return refuse(error);
            }
            Ok(decided) => self.set_required_attributes(now, id, attributes).map(|()| decided),
        };
        let (sign_in, mfa) = match decided {
            Ok(decided) => decided,
            Err(error) => {
                self.session_store.restore_session(&session, open);
                return refuse(error);
            }
        };
        let account = self.directory.account_mut(id);
        // Other sign-ins with the temporary password end.
        account.end_sign_ins();
        let sign_in = SignInState { event_id, credentials: account.credential_version, ..sign_in };
        account.salt = salt;
        account.verifier = verifier;
        account.user_status = UserStatus::Confirmed;
        account.password_set = Some(now);
        self.proceed(now, sign_in, mfa, origin, metadata)
    }
}
