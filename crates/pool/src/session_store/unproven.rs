//! Sessions of sign-ins whose user is not proven yet.

use std::time::Duration;

use super::{ExpiredSession, LookupKey, Owner, SessionEntry, SessionStore};
use crate::codes::DeliveredCode;
use crate::trigger::CustomState;
use poolproof_cognito::ids::{ClientId, DeviceKey, Session};
use poolproof_cognito::policy::AddressKind;
use poolproof_cognito::protocol::{ApiError, ChallengeName, Origin};
use poolproof_cognito::time::Timestamp;

/// How the user of a sign-in was proven.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ProvenBy {
    /// By an SRP claim of the password.
    Srp,
    /// By the password itself, so that the pool knows it.
    PlainPassword,
    /// By a code as the first factor.
    Code,
    /// By custom challenges without a password.
    Custom,
    /// By the password, before custom challenges.
    CustomAfterPassword,
}

/// A sign-in whose user is not proven yet: `USER_AUTH` without a first factor, or `CUSTOM_AUTH`.
#[derive(Clone, Debug)]
pub(crate) struct UnprovenSignIn {
    /// The app client that started it; no other client may continue it.
    pub(crate) client_id: ClientId,
    pub(crate) owner: Owner,
    /// The name with which the sign-in started.
    pub(crate) started_as: String,
    /// The version of the user's credentials at the first request. A later one ends the sign-in.
    pub(crate) credentials: u64,
    /// The device that the last request with a device key named.
    pub(crate) named_device: Option<DeviceKey>,
    /// The address and the risk of the first request.
    pub(crate) origin: Origin,
}

/// The answer that a session of an unproven sign-in waits for.
#[derive(Clone, Debug)]
pub(crate) enum FirstAnswer {
    /// The choice of the first factor.
    Choice,
    /// The password.
    Password,
    /// The public value that starts the proof of the password.
    PasswordSrp,
    /// This code, sent to an address of this kind. No code matches `None`.
    Code(AddressKind, Option<DeliveredCode>),
    /// The answer to a custom challenge.
    Custom(Box<CustomState>),
}

impl FirstAnswer {
    /// Returns the challenge that the client must answer.
    pub(crate) const fn challenge(&self) -> ChallengeName {
        match self {
            Self::Choice => ChallengeName::SelectChallenge,
            Self::Password => ChallengeName::Password,
            Self::PasswordSrp => ChallengeName::PasswordSrp,
            Self::Code(AddressKind::Phone, _) => ChallengeName::SmsOtp,
            Self::Code(AddressKind::Email, _) => ChallengeName::EmailOtp,
            Self::Custom(_) => ChallengeName::CustomChallenge,
        }
    }
}

/// An unproven sign-in and the answer that it waits for.
#[derive(Clone, Debug)]
pub(crate) struct UnprovenSession {
    pub(crate) sign_in: UnprovenSignIn,
    pub(crate) expected_answer: FirstAnswer,
    pub(crate) expires: Timestamp,
}

impl SessionStore {
    /// Opens a session of an unproven sign-in that can be answered for `validity` from now on.
    pub(crate) fn open_unproven(&mut self, session: &Session, unproven: UnprovenSession, validity: Duration) {
        let expired = ExpiredSession { session: LookupKey::from_text(session.as_str()), handle: None };
        self.session_expiry.begin(unproven.expires.minus(validity), validity * 2, expired);
        self.restore_unproven(session, unproven);
    }

    /// Restores a session of an unproven sign-in with its original expiry.
    pub(crate) fn restore_unproven(&mut self, session: &Session, unproven: UnprovenSession) {
        self.sessions.insert(
            LookupKey::from_text(session.as_str()),
            SessionEntry::Unproven(Box::new((session.clone(), unproven))),
        );
    }

    /// Returns the challenge of this session if its user is not proven yet.
    pub(crate) fn unproven_challenge(&self, session: &str) -> Option<ChallengeName> {
        match self.sessions.get(&LookupKey::from_text(session)) {
            Some(SessionEntry::Unproven(open)) => Some(open.1.expected_answer.challenge()),
            _ => None,
        }
    }

    /// Removes and returns the session of an unproven sign-in if it is `wanted`.
    pub(crate) fn take_unproven(
        &mut self,
        now: Timestamp,
        session: Option<LookupKey>,
        wanted: impl Fn(&UnprovenSession) -> bool,
    ) -> Result<(Session, UnprovenSession), ApiError> {
        let session = session.ok_or_else(ApiError::invalid_session)?;
        let taken = self.sessions.change(&session, |entry| match entry {
            SessionEntry::OpenSession(_) => Err(ApiError::invalid_session()),
            SessionEntry::Used { .. } => Err(ApiError::session_used()),
            SessionEntry::Unproven(open) if open.1.expires <= now => Err(ApiError::session_expired()),
            SessionEntry::Unproven(open) if !wanted(&open.1) => Err(ApiError::invalid_session()),
            entry => match std::mem::replace(entry, SessionEntry::Used { next: None }) {
                SessionEntry::Unproven(open) => Ok(*open),
                _ => Err(ApiError::session_used()),
            },
        });
        taken.unwrap_or_else(|| Err(ApiError::invalid_session()))
    }
}
