//! Answers to sessions. An answer that needs arithmetic is checked before it and again after it; only then
//! does the answer remove its session. So of several answers to one session, the first that is complete
//! counts, and the outcome is the same as if the requests had come one after the other.

use super::Pool;
use super::session_store::{LookupKey, OpenSession, UnprovenSession};
use super::sign_in::required;
use poolproof_cognito::ids::Session;
use poolproof_cognito::protocol::{ApiError, ChallengeName, RespondToAuthChallenge, keys};
use poolproof_cognito::time::Timestamp;

/// The session that an answer refers to.
#[derive(Clone, Debug)]
pub(super) struct SessionAnswer {
    /// The session; `None` if no sign-in waits for the answer.
    pub(super) session: Option<LookupKey>,
    username: String,
    client_id: String,
    challenge: ChallengeName,
}

impl SessionAnswer {
    /// Reads an answer that names its session.
    pub(super) fn read(request: &RespondToAuthChallenge, challenge: ChallengeName) -> Result<Self, ApiError> {
        let session = request.session.as_deref().ok_or_else(|| ApiError::missing_parameter("Session"))?;
        Self::with_session(request, Some(LookupKey::from_text(session)), challenge)
    }

    /// Reads an answer to this session.
    pub(super) fn with_session(
        request: &RespondToAuthChallenge,
        session: Option<LookupKey>,
        challenge: ChallengeName,
    ) -> Result<Self, ApiError> {
        let username = required(&request.challenge_responses, keys::USERNAME)?.to_owned();
        Ok(Self { session, username, client_id: request.client_id.clone(), challenge })
    }

    /// Returns the app client that sent the answer.
    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }
}

impl Pool {
    /// Returns the session of this answer, if it belongs to the named user, waits for this challenge and its
    /// user may still sign in. Nothing changes.
    pub(super) fn check_session(
        &self,
        now: Timestamp,
        answer: &SessionAnswer,
    ) -> Result<&OpenSession, ApiError> {
        self.check_allowed(now, answer.session, |open| self.is_for(answer, open))
    }

    /// Returns this session, if it is `wanted` and its user may still sign in. Nothing changes.
    pub(super) fn check_allowed(
        &self,
        now: Timestamp,
        session: Option<LookupKey>,
        wanted: impl Fn(&OpenSession) -> bool,
    ) -> Result<&OpenSession, ApiError> {
        let open = self.session_store.check(now, session, wanted)?;
        self.check_sign_in(&open.sign_in)?;
        Ok(open)
    }

    /// Removes and returns the session of this answer, under the same conditions.
    pub(super) fn take_answered(
        &mut self,
        now: Timestamp,
        answer: &SessionAnswer,
    ) -> Result<(Session, OpenSession), ApiError> {
        self.check_session(now, answer)?;
        self.session_store.take(now, answer.session)
    }

    fn is_for(&self, answer: &SessionAnswer, open: &OpenSession) -> bool {
        Some(open.sign_in.account) == self.directory.find(&answer.username)
            && open.sign_in.client_id.as_str() == answer.client_id
            && open.expected_answer.challenge() == answer.challenge
    }

    /// Removes and returns the unproven session of this answer, if it belongs to the named user and waits for
    /// this challenge.
    pub(super) fn take_unproven(
        &mut self,
        now: Timestamp,
        answer: &SessionAnswer,
    ) -> Result<(Session, UnprovenSession), ApiError> {
        let (session, unproven) = self.session_store.take_unproven(now, answer.session, |unproven| {
            unproven.sign_in.client_id.as_str() == answer.client_id
                && unproven.expected_answer.challenge() == answer.challenge
        })?;
        if self.owner_matches(&unproven.sign_in.owner, &answer.username) {
            let current = self.credentials_of(&unproven.sign_in.owner) == unproven.sign_in.credentials;
            return if current { Ok((session, unproven)) } else { Err(ApiError::invalid_session()) };
        }
        self.session_store.restore_unproven(&session, unproven);
        Err(ApiError::invalid_session())
    }
}
