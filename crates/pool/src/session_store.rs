//! The pool's state between two requests of a sign-in.
//!
//! Every entry expires. A challenge is stored for its validity and for the same time again, so that a late
//! answer gets the right error. An answer removes a session. A password challenge can be answered again, but
//! only its session key is kept after the first answer.
//!
//! At hundreds of sign-ins per second most entries are answered challenges. They are stored only to
//! distinguish used challenges from unknown ones. So strings are stored with open challenges, and a
//! [`LookupKey`] finds them. A finished sign-in takes some hundred bytes and no strings.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use rand::Rng as _;

pub(super) use lookup::{LookupKey, SessionHandle};
pub(super) use unproven::{FirstAnswer, ProvenBy, UnprovenSession, UnprovenSignIn};

use super::account::AccountId;
use super::codes::{DeliveredCode, HourlyCount};
use super::entry_counts::EntryCounts;
use super::expiry_queue::ExpiryQueue;
use super::lockout::{FailureKey, Failures};
use super::memory::CountedMap;
use poolproof_cognito::ids::{ClientId, DeviceKey, SecretBlock, Session, Sub, Username};
use poolproof_cognito::policy::AddressKind;
use poolproof_cognito::protocol::{ApiError, ChallengeName, Origin};
use poolproof_cognito::seed::Rng;
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::TotpSecret;
use poolproof_srp::{Ephemeral, PublicA, PublicB, SessionKey};

/// The pool's part of an SRP exchange that waits for the claim.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) public_a: PublicA,
    pub(super) public_b: PublicB,
    pub(super) b: Ephemeral,
}

/// The value that checks a password claim.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    /// The exchange, from which the session key is computed.
    Exchange(Exchange),
    /// The session key, once it is computed.
    Key(SessionKey),
    /// Nothing: the challenge was answered and can be answered only once.
    Used,
}

/// A `PASSWORD_VERIFIER` challenge. Its key is the secret block, since clients send no session with the
/// claim.
#[derive(Clone, Debug)]
pub(super) struct PasswordChallenge {
    /// The app client that started the sign-in; no other client may answer.
    pub(super) client_id: ClientId,
    pub(super) owner: Owner,
    pub(super) proof: Proof,
    /// The version of the user's credentials when the challenge was issued. A later one ends the challenge.
    pub(super) credentials: u64,
    /// The device that `InitiateAuth` named.
    pub(super) device_key: Option<DeviceKey>,
    /// Whether custom challenges follow the password (`CUSTOM_AUTH`).
    pub(super) custom: bool,
    /// The wrong claims so far; none is counted twice.
    pub(super) failed_claims: Vec<LookupKey>,
    pub(super) expires: Timestamp,
}

/// A sign-in whose first factor was correct.
#[derive(Clone, Debug)]
pub(super) struct SignInState {
    /// The app client that started it; no other client may continue it.
    pub(super) client_id: ClientId,
    pub(super) account: AccountId,
    /// The version of the user's credentials when the password was judged. A later one ends the sign-in.
    pub(super) credentials: u64,
    pub(super) proven_by: ProvenBy,
    /// The device that the last answer named: that to the MFA, or else that to the password.
    pub(super) named_device: Option<DeviceKey>,
    /// The named device if the pool remembered it then; the device must authenticate.
    pub(super) trusted_device: Option<DeviceKey>,
    /// Whether the sign-in included an MFA.
    pub(super) mfa_done: bool,
    /// The client's address.
    pub(super) address: Option<IpAddr>,
    /// The session that was answered last; some clients send it again for device authentication.
    pub(super) answered_session: Option<Session>,
    /// Whether an MFA was answered under an alias. A new device of such a sign-in cannot be confirmed
    /// (docs/semantics.md, SEMANTICS a.3).
    pub(super) answered_by_alias: bool,
    /// Whether risk requires the MFA, for which a registered factor is enough.
    pub(super) risk_mfa: bool,
    /// The recorded event of the sign-in, if threat protection is on.
    pub(super) event_id: Option<String>,
}

/// The owner of a challenge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Owner {
    Account(AccountId),
    /// A user that does not exist, hidden from the client: its simulated id.
    UnknownUser(Sub),
}

/// The answer that a session waits for.
#[derive(Clone, Debug)]
pub(super) enum ExpectedAnswer {
    /// The selection of a factor.
    FactorChoice,
    /// A new password; the decision then uses `origin`.
    NewPassword { origin: Origin },
    /// This code.
    Code(DeliveredCode),
    /// A code of the authenticator app.
    TotpCode,
    /// The setup of an authenticator app.
    Setup,
    /// A first code of the app with this secret.
    SetupCode { secret: TotpSecret },
    /// The end of the setup; the app is verified.
    SetupDone,
    /// The device's public value.
    DevicePublic,
    /// The device's claim for this secret block. If the device named no session, `turn` is the one that waits
    /// for the device; a correct claim ends it.
    DeviceClaim { exchange: Exchange, secret_block: SecretBlock, turn: Option<LookupKey> },
}

impl ExpectedAnswer {
    /// Returns the challenge that the client must answer.
    pub(super) const fn challenge(&self) -> ChallengeName {
        match self {
            Self::FactorChoice => ChallengeName::SelectMfaType,
            Self::NewPassword { .. } => ChallengeName::NewPasswordRequired,
            Self::Code(DeliveredCode { kind: AddressKind::Phone, .. }) => ChallengeName::SmsMfa,
            Self::Code(DeliveredCode { kind: AddressKind::Email, .. }) => ChallengeName::EmailOtp,
            Self::TotpCode => ChallengeName::SoftwareTokenMfa,
            Self::Setup | Self::SetupCode { .. } | Self::SetupDone => ChallengeName::MfaSetup,
            Self::DevicePublic => ChallengeName::DeviceSrpAuth,
            Self::DeviceClaim { .. } => ChallengeName::DevicePasswordVerifier,
        }
    }
}

/// A sign-in and the answer that it waits for.
#[derive(Debug)]
pub(super) struct OpenSession {
    pub(super) sign_in: SignInState,
    pub(super) expected_answer: ExpectedAnswer,
    pub(super) expires: Timestamp,
}

/// The state of a session.
#[derive(Debug)]
enum SessionEntry {
    OpenSession(Box<(Session, OpenSession)>),
    Unproven(Box<(Session, UnprovenSession)>),
    /// The session was answered. It is stored to detect a second answer. It refers to the next session of the
    /// same sign-in.
    Used {
        next: Option<LookupKey>,
    },
}

/// The stored challenges, sessions and codes of a pool.
#[derive(Debug, Default)]
pub(super) struct SessionStore {
    password_challenges: CountedMap<LookupKey, PasswordChallenge>,
    sessions: CountedMap<LookupKey, SessionEntry>,
    /// Sessions by the values that clients send instead: the key of a [`SessionHandle`]. Several sign-ins can
    /// wait with the same device; the newest is last.
    sessions_by_handle: CountedMap<LookupKey, Vec<LookupKey>>,
    /// When each entry can be removed.
    password_expiry: ExpiryQueue<LookupKey>,
    session_expiry: ExpiryQueue<ExpiredSession>,
    unused_codes: CountedMap<Username, String>,
    /// Recently sent messages that were not fetched yet.
    deliveries: VecDeque<Delivery>,
    /// Unknown user names.
    unknown_users: BTreeMap<FailureKey, UnknownUser>,
}

/// The data of a user name that does not exist, for app clients that hide which users exist.
#[derive(Debug, Default)]
pub(super) struct UnknownUser {
    pub(super) failures: Failures,
    /// Requests for a recovery code, and attempts to enter one.
    pub(super) recoveries: HourlyCount,
    /// Requests for a sign-up code.
    pub(super) requests: HourlyCount,
    /// The expiry of the simulated recovery code: the response described a delivery, but no code was sent.
    pub(super) reset_code_until: Timestamp,
}

/// A message with a code or a password, sent by SMS or e-mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// The recipient.
    pub username: Username,
    /// `SMS` or `EMAIL`.
    pub medium: &'static str,
    /// The phone number or e-mail address; empty if none is registered.
    pub destination: String,
    /// The code, or the temporary password.
    pub code: String,
}

/// Most unknown names whose failures are stored, and the sample from which one is evicted.
const MAX_UNKNOWN_USERS: usize = 10_000;
const EVICTION_SAMPLE: usize = 32;

/// Most wrong claims of one challenge that are recognized when they are sent again.
const MAX_FAILED_CLAIMS: usize = 16;
/// A session that can be removed, and its handle.
#[derive(Debug)]
struct ExpiredSession {
    session: LookupKey,
    handle: Option<LookupKey>,
}

impl SessionStore {
    /// Removes entries that expired before `now`.
    pub(super) fn remove_expired(&mut self, now: Timestamp) {
        while let Some(block) = self.password_expiry.pop_expired(now) {
            self.password_challenges.remove(&block);
        }
        while let Some(expired) = self.session_expiry.pop_expired(now) {
            self.remove_session(&expired);
        }
    }

    /// Removes the oldest entry, expired or not; returns whether there was one.
    pub(super) fn evict_oldest(&mut self) -> bool {
        let (password, session) = (self.password_expiry.oldest(), self.session_expiry.oldest());
        if session.is_none_or(|session| password.is_some_and(|password| password <= session)) {
            let block = self.password_expiry.pop_oldest();
            block.map(|block| self.password_challenges.remove(&block)).is_some()
        } else {
            self.session_expiry.pop_oldest().map(|oldest| self.remove_session(&oldest)).is_some()
        }
    }

    fn remove_session(&mut self, ExpiredSession { session, handle }: &ExpiredSession) {
        self.sessions.remove(session);
        let Some(handle) = handle else { return };
        let left = self.sessions_by_handle.change(handle, |sessions| {
            sessions.retain(|other| other != session);
            sessions.len()
        });
        if left == Some(0) {
            self.sessions_by_handle.remove(handle);
        }
    }

    /// Returns the number of entries in both expiry queues.
    pub(super) fn len(&self) -> usize {
        self.password_expiry.len() + self.session_expiry.len()
    }

    /// Returns the numbers of stored entries.
    pub(super) fn entry_counts(&self) -> EntryCounts {
        EntryCounts {
            challenges: self.password_challenges.len(),
            sessions: self.sessions.len(),
            handles: self.sessions_by_handle.len(),
            expiry_queue: self.len(),
            codes: self.unused_codes.len() + self.deliveries.len(),
            unknown_users: self.unknown_users.len(),
            ..EntryCounts::default()
        }
    }

    /// Opens a session of a client whose sessions have this validity.
    pub(super) fn open(&mut self, now: Timestamp, session: &Session, open: OpenSession, validity: Duration) {
        let lookup_key = LookupKey::from_text(session.as_str());
        let handle = match (&open.expected_answer, &open.sign_in.trusted_device) {
            (ExpectedAnswer::DevicePublic, Some(key)) => {
                Some(SessionHandle::Device(open.sign_in.account, key.clone()))
            }
            (ExpectedAnswer::DeviceClaim { secret_block, .. }, _) => {
                Some(SessionHandle::Block(secret_block.clone()))
            }
            _ => None,
        };
        let handle = handle.as_ref().map(SessionHandle::lookup_key);
        if let Some(handle) = handle {
            let known = self.sessions_by_handle.change(&handle, |sessions| sessions.push(lookup_key));
            if known.is_none() {
                self.sessions_by_handle.insert(handle, vec![lookup_key]);
            }
        }
        let expired = ExpiredSession { session: lookup_key, handle };
        self.session_expiry.begin(now, validity * 2, expired);
        if let Some(answered_session) = &open.sign_in.answered_session {
            let used = SessionEntry::Used { next: Some(lookup_key) };
            self.sessions.change(&LookupKey::from_text(answered_session.as_str()), |entry| *entry = used);
        }
        self.restore_session(session, open);
    }

    /// Returns whether this session exists, open or answered.
    pub(super) fn contains_session(&self, session: &str) -> bool {
        self.sessions.get(&LookupKey::from_text(session)).is_some()
    }

    /// Returns the user of an open session.
    pub(super) fn account_of(&self, session: &str) -> Option<AccountId> {
        match self.sessions.get(&LookupKey::from_text(session))? {
            SessionEntry::OpenSession(open) => Some(open.1.sign_in.account),
            // Only a set-up of an app, which comes after the first factor, names its user by a session.
            SessionEntry::Unproven(_) | SessionEntry::Used { .. } => None,
        }
    }

    /// Returns the newest session of this handle that still waits for an answer and is `wanted`; if none
    /// waits, the newest that was answered or has expired.
    pub(super) fn find(
        &self,
        now: Timestamp,
        handle: &SessionHandle,
        wanted: impl Fn(&OpenSession) -> bool,
    ) -> Option<LookupKey> {
        let sessions = self.sessions_by_handle.get(&handle.lookup_key())?;
        let waiting = sessions.iter().rev().find(|session| match self.sessions.get(session) {
            Some(SessionEntry::OpenSession(open)) => open.1.expires > now && wanted(&open.1),
            _ => false,
        });
        let ended = |session: &&LookupKey| match self.sessions.get(session) {
            Some(SessionEntry::OpenSession(open)) => open.1.expires <= now,
            _ => true,
        };
        waiting.or_else(|| sessions.iter().rev().find(ended)).copied()
    }

    /// Returns the session that follows `session` if `session` was answered and the next one waits for the
    /// device's A.
    pub(super) fn next_device_session(&self, session: LookupKey) -> Option<LookupKey> {
        let Some(SessionEntry::Used { next: Some(next) }) = self.sessions.get(&session) else { return None };
        match self.sessions.get(next) {
            Some(SessionEntry::OpenSession(open))
                if matches!(open.1.expected_answer, ExpectedAnswer::DevicePublic) =>
            {
                Some(*next)
            }
            _ => None,
        }
    }

    /// Returns what is stored of an unknown name. When there are too many names, one is evicted: the one with
    /// the fewest attempts among a few next to a key drawn by `rng`. So a flood of other names cannot evict a
    /// locked name unless each of them fails as often. No client can choose the evicted name.
    pub(super) fn unknown_user(&mut self, failure_key: FailureKey, rng: &mut Rng) -> &mut UnknownUser {
        while self.unknown_users.len() >= MAX_UNKNOWN_USERS && !self.unknown_users.contains_key(&failure_key)
        {
            self.evict_unknown_user(rng);
        }
        self.unknown_users.entry(failure_key).or_default()
    }

    /// Removes what is stored of one unknown name, as described at [`Self::unknown_user`]. Returns whether
    /// there was one.
    pub(super) fn evict_unknown_user(&mut self, rng: &mut Rng) -> bool {
        let mut from = [0; 16];
        rng.fill_bytes(&mut from);
        let round = self.unknown_users.range(FailureKey(from)..).chain(&self.unknown_users);
        let attempts = |unknown: &UnknownUser| {
            let counts = [unknown.failures.count(), unknown.recoveries.count, unknown.requests.count];
            counts.into_iter().max()
        };
        let fewest = round.take(EVICTION_SAMPLE).min_by_key(|(_, unknown)| attempts(unknown));
        let evicted = fewest.map(|(failure_key, _)| *failure_key);
        evicted.and_then(|evicted| self.unknown_users.remove(&evicted)).is_some()
    }

    /// Removes and returns the session; a second attempt gets the error for used sessions.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        session: Option<LookupKey>,
    ) -> Result<(Session, OpenSession), ApiError> {
        self.check(now, session, |_| true)?;
        let take = |entry: &mut SessionEntry| std::mem::replace(entry, SessionEntry::Used { next: None });
        match session.and_then(|session| self.sessions.change(&session, take)) {
            Some(SessionEntry::OpenSession(open)) => {
                let (session, mut open) = *open;
                open.sign_in.answered_session = Some(session.clone());
                Ok((session, open))
            }
            _ => Err(ApiError::session_used()),
        }
    }

    /// Returns the session if it waits for `wanted`.
    pub(super) fn check(
        &self,
        now: Timestamp,
        session: Option<LookupKey>,
        wanted: impl Fn(&OpenSession) -> bool,
    ) -> Result<&OpenSession, ApiError> {
        let session = session.ok_or_else(ApiError::invalid_session)?;
        match self.sessions.get(&session) {
            None | Some(SessionEntry::Unproven(_)) => Err(ApiError::invalid_session()),
            Some(SessionEntry::Used { .. }) => Err(ApiError::session_used()),
            Some(SessionEntry::OpenSession(open)) if open.1.expires <= now => {
                Err(ApiError::session_expired())
            }
            Some(SessionEntry::OpenSession(open)) if !wanted(&open.1) => Err(ApiError::invalid_session()),
            Some(SessionEntry::OpenSession(open)) => Ok(&open.1),
        }
    }

    /// Restores a session with its original expiry.
    pub(super) fn restore_session(&mut self, session: &Session, open: OpenSession) {
        self.sessions.insert(
            LookupKey::from_text(session.as_str()),
            SessionEntry::OpenSession(Box::new((session.clone(), open))),
        );
    }
}

mod bytes;
mod deliveries;
mod lookup;
mod password_challenge;
#[cfg(test)]
mod tests;
mod unproven;
