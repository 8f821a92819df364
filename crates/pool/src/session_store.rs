//! What the pool remembers between two requests of a sign-in.
//!
//! Everything here has an end: a challenge is kept for its validity and, so that a late answer can be told
//! that it is late, once more as long. Whoever answers a challenge takes it out.
//!
//! At hundreds of sign-ins a second most of what is kept was answered long ago, and is there to be told from
//! what never was. So texts are kept with what can be answered, and found by a [`LookupKey`]: what remains of
//! a sign-in is some hundred bytes, and no strings.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use rand::Rng as _;
use sha2::{Digest as _, Sha256};

use super::account::AccountId;
use super::entry_counts::EntryCounts;
use super::expiry_queue::ExpiryQueue;
use super::lockout::{FailureKey, Failures};
use poolproof_cognito::ids::{ClientId, DeviceKey, SecretBlock, Session, Sub, Username};
use poolproof_cognito::protocol::{ApiError, ChallengeName, Origin};
use poolproof_cognito::seed::Rng;
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::TotpSecret;
use poolproof_srp::{Ephemeral, PublicA, PublicB};

/// The pool's half of an SRP exchange that waits for the claim.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) public_a: PublicA,
    pub(super) public_b: PublicB,
    pub(super) b: Ephemeral,
}

/// A `PASSWORD_VERIFIER` challenge. It is found by its secret block, since clients send no session with the
/// claim.
#[derive(Debug)]
pub(super) struct PasswordChallenge {
    /// The app client that started the sign-in: no other may answer.
    pub(super) client_id: ClientId,
    pub(super) owner: Owner,
    pub(super) exchange: Exchange,
    /// The device that `InitiateAuth` named.
    pub(super) device_key: Option<DeviceKey>,
    pub(super) expires: Timestamp,
}

/// A sign-in whose password was right.
#[derive(Clone, Debug)]
pub(super) struct SignInState {
    /// The app client that started it: no other may go on with it.
    pub(super) client_id: ClientId,
    pub(super) account: AccountId,
    /// The device that the client named, whatever the pool thinks of it.
    pub(super) named_device: Option<DeviceKey>,
    /// That device, if the pool remembers it: it must prove itself.
    pub(super) trusted_device: Option<DeviceKey>,
    /// Whether an MFA was completed on the way.
    pub(super) mfa_done: bool,
    /// The address that it comes from.
    pub(super) address: Option<IpAddr>,
    /// The session that was answered last: some clients answer it again when the device's turn has come.
    pub(super) answered_session: Option<Session>,
}

/// Whose a challenge is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Owner {
    Account(AccountId),
    /// Nobody of this name is in the pool, and nobody is to notice: the id made up for it.
    UnknownUser(Sub),
}

/// What a session waits for.
#[derive(Debug)]
pub(super) enum ExpectedAnswer {
    /// Which factor the user wants.
    FactorChoice,
    /// A new password, from where on `origin` has its say.
    NewPassword { origin: Origin },
    /// This code, sent to the phone.
    SmsCode { code: String },
    /// This code, sent by e-mail.
    EmailCode { code: String },
    /// A code of the authenticator app.
    TotpCode,
    /// That an authenticator app is set up.
    Setup,
    /// A first code of the app with this secret.
    SetupCode { secret: TotpSecret },
    /// That the set-up is finished with this secret.
    SetupDone { secret: TotpSecret },
    /// The device's public value.
    DevicePublic,
    /// The device's claim with this secret block.
    DeviceClaim { exchange: Exchange, secret_block: SecretBlock },
}

impl ExpectedAnswer {
    /// The challenge that the client must answer.
    pub(super) const fn challenge(&self) -> ChallengeName {
        match self {
            Self::FactorChoice => ChallengeName::SelectMfaType,
            Self::NewPassword { .. } => ChallengeName::NewPasswordRequired,
            Self::SmsCode { .. } => ChallengeName::SmsMfa,
            Self::EmailCode { .. } => ChallengeName::EmailOtp,
            Self::TotpCode => ChallengeName::SoftwareTokenMfa,
            Self::Setup | Self::SetupCode { .. } | Self::SetupDone { .. } => ChallengeName::MfaSetup,
            Self::DevicePublic => ChallengeName::DeviceSrpAuth,
            Self::DeviceClaim { .. } => ChallengeName::DevicePasswordVerifier,
        }
    }
}

/// A sign-in and what it waits for.
#[derive(Debug)]
pub(super) struct OpenSession {
    pub(super) sign_in: SignInState,
    pub(super) expected_answer: ExpectedAnswer,
    pub(super) expires: Timestamp,
}

/// What a session or a secret block is found by: half of its hash, of which nobody can find another one's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct LookupKey([u8; 16]);

impl LookupKey {
    /// The mark of a text.
    pub(super) fn from_text(text: &str) -> Self {
        Self::from_parts(&[text.as_bytes()])
    }

    fn from_parts(parts: &[&[u8]]) -> Self {
        let hash: [u8; 32] = parts.iter().fold(Sha256::new(), Sha256::chain_update).finalize().into();
        let mut lookup_key = [0; 16];
        lookup_key.copy_from_slice(&hash[..16]);
        Self(lookup_key)
    }
}

/// A session's place in the books.
#[derive(Debug)]
enum SessionEntry {
    OpenSession(Box<(Session, OpenSession)>),
    /// Answered: kept to tell a second answer that it is one. Of the same sign-in, this session came next.
    Used {
        next: Option<LookupKey>,
    },
}

/// The pool's books.
#[derive(Debug, Default)]
pub(super) struct SessionStore {
    password_challenges: HashMap<LookupKey, PasswordChallenge>,
    sessions: HashMap<LookupKey, SessionEntry>,
    /// Sessions that can be found without their name, by what clients send instead: a [`SessionHandle`]'s
    /// mark.
    session_by_handle: HashMap<LookupKey, LookupKey>,
    /// When what can be forgotten.
    password_expiry: ExpiryQueue<LookupKey>,
    session_expiry: ExpiryQueue<ExpiredSession>,
    unused_codes: BTreeMap<Username, String>,
    /// What was sent lately and not fetched yet.
    deliveries: VecDeque<Delivery>,
    /// Failures of names that are nobody's.
    unknown_users: BTreeMap<FailureKey, Failures>,
}

/// What clients that send no session send instead (SEMANTICS a.3).
#[derive(Debug)]
pub(super) enum SessionHandle {
    /// User and device, with `DEVICE_SRP_AUTH`.
    Device(AccountId, DeviceKey),
    /// The secret block, with `DEVICE_PASSWORD_VERIFIER`.
    Block(SecretBlock),
}

impl SessionHandle {
    /// What stands for it in the books. The first part has a length of its own, so that no two handles are
    /// made of the same bytes.
    fn lookup_key(&self) -> LookupKey {
        match self {
            Self::Device(account, key) => {
                LookupKey::from_parts(&[b"device", &account.0.to_be_bytes(), key.as_str().as_bytes()])
            }
            Self::Block(block) => LookupKey::from_parts(&[b"block.", block.as_str().as_bytes()]),
        }
    }
}

/// A message with a code or a password, as it goes out by SMS or e-mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// To whom.
    pub username: Username,
    /// `SMS` or `EMAIL`.
    pub medium: &'static str,
    /// The phone number or the e-mail address; empty where there is none on file.
    pub destination: String,
    /// The code, or the temporary password.
    pub code: String,
}

/// So many messages wait to be fetched; of more, the oldest are lost.
const MAX_DELIVERIES: usize = 256;

/// Failures of so many unknown names are kept, and of so many of them one is given up for another.
const MAX_UNKNOWN_USERS: usize = 10_000;
const EVICTION_SAMPLE: usize = 32;

/// A session that can be forgotten, and what it was found by besides.
#[derive(Debug)]
struct ExpiredSession {
    session: LookupKey,
    handle: Option<LookupKey>,
}

impl SessionStore {
    /// Forgets what ended before `now`.
    pub(super) fn remove_expired(&mut self, now: Timestamp) {
        while let Some(block) = self.password_expiry.pop_expired(now) {
            self.password_challenges.remove(&block);
        }
        while let Some(expired) = self.session_expiry.pop_expired(now) {
            self.remove_session(&expired);
        }
    }

    /// Forgets what began first, whenever it would end; whether there was something.
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
        // Another session may be found by it since.
        if let Some(handle) = handle.filter(|handle| self.session_by_handle.get(handle) == Some(session)) {
            self.session_by_handle.remove(&handle);
        }
    }

    /// How much is remembered that will be forgotten.
    pub(super) fn len(&self) -> usize {
        self.password_expiry.len() + self.session_expiry.len()
    }

    /// How much is kept here.
    pub(super) fn entry_counts(&self) -> EntryCounts {
        EntryCounts {
            challenges: self.password_challenges.len(),
            sessions: self.sessions.len(),
            handles: self.session_by_handle.len(),
            expiry_queue: self.len(),
            codes: self.unused_codes.len() + self.deliveries.len(),
            unknown_users: self.unknown_users.len(),
            ..EntryCounts::default()
        }
    }

    /// Opens a `PASSWORD_VERIFIER` challenge, known by `block`.
    pub(super) fn insert_password_challenge(
        &mut self,
        now: Timestamp,
        block: &SecretBlock,
        challenge: PasswordChallenge,
    ) {
        let block = LookupKey::from_text(block.as_str());
        self.password_expiry.begin(now, challenge.expires.since(now), block);
        self.password_challenges.insert(block, challenge);
    }

    /// The challenge with this secret block.
    pub(super) fn password_challenge(&self, block: &SecretBlock) -> Option<&PasswordChallenge> {
        self.password_challenges.get(&LookupKey::from_text(block.as_str()))
    }

    /// Takes the challenge with this secret block, if it is `owned` and still good.
    pub(super) fn take_password_challenge(
        &mut self,
        now: Timestamp,
        block: &SecretBlock,
        owned: impl Fn(&PasswordChallenge) -> bool,
    ) -> Option<PasswordChallenge> {
        let block = LookupKey::from_text(block.as_str());
        let found = self.password_challenges.get(&block)?;
        if !owned(found) || found.expires <= now {
            return None;
        }
        self.password_challenges.remove(&block)
    }

    /// Leaves a challenge answerable after all, unless it has ended: then nothing would ever forget it.
    pub(super) fn restore_password_challenge(
        &mut self,
        now: Timestamp,
        block: &SecretBlock,
        challenge: PasswordChallenge,
    ) {
        if challenge.expires > now {
            self.password_challenges.insert(LookupKey::from_text(block.as_str()), challenge);
        }
    }

    /// Opens a session that can be answered for as long as `validity` from now on.
    pub(super) fn open(&mut self, session: &Session, open: OpenSession, validity: Duration) {
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
            self.session_by_handle.insert(handle, lookup_key);
        }
        let expired = ExpiredSession { session: lookup_key, handle };
        self.session_expiry.begin(open.expires.minus(validity), validity * 2, expired);
        if let Some(answered_session) = &open.sign_in.answered_session {
            let used = SessionEntry::Used { next: Some(lookup_key) };
            self.sessions
                .entry(LookupKey::from_text(answered_session.as_str()))
                .and_modify(|entry| *entry = used);
        }
        self.restore_session(session, open);
    }

    /// Whether there is such a session, open or answered.
    pub(super) fn contains_session(&self, session: &str) -> bool {
        self.sessions.contains_key(&LookupKey::from_text(session))
    }

    /// The session that this handle leads to.
    pub(super) fn find(&self, handle: &SessionHandle) -> Option<LookupKey> {
        self.session_by_handle.get(&handle.lookup_key()).copied()
    }

    /// The address that the sign-in of an open session comes from.
    pub(super) fn address_of(&self, session: LookupKey) -> Option<Option<IpAddr>> {
        match self.sessions.get(&session) {
            Some(SessionEntry::OpenSession(open)) => Some(open.1.sign_in.address),
            _ => None,
        }
    }

    /// The session that came after this one, if this one was answered and it is the device's turn in the
    /// next.
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

    /// The failures of a name that is nobody's. When there are too many, one is given up: of a few that stand
    /// beside a place drawn by `rng` the one with the fewest. So a name that is locked out cannot be washed
    /// away by a flood of others, unless each of them fails as often; and which name goes is nobody's choice.
    pub(super) fn unknown_user_failures(&mut self, failure_key: FailureKey, rng: &mut Rng) -> &mut Failures {
        while self.unknown_users.len() >= MAX_UNKNOWN_USERS && !self.unknown_users.contains_key(&failure_key)
        {
            let mut from = [0; 16];
            rng.fill_bytes(&mut from);
            let round = self.unknown_users.range(FailureKey(from)..).chain(&self.unknown_users);
            let fewest = round.take(EVICTION_SAMPLE).min_by_key(|(_, failures)| failures.count());
            let Some(evicted) = fewest.map(|(failure_key, _)| *failure_key) else { break };
            self.unknown_users.remove(&evicted);
        }
        self.unknown_users.entry(failure_key).or_default()
    }

    /// Takes the session if `wanted` is what it waits for; a second taker is told that it was used.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        session: Option<LookupKey>,
        wanted: impl Fn(&OpenSession) -> bool,
    ) -> Result<(Session, OpenSession), ApiError> {
        let session = session.ok_or_else(ApiError::invalid_session)?;
        match self.sessions.get_mut(&session) {
            None => Err(ApiError::invalid_session()),
            Some(SessionEntry::Used { .. }) => Err(ApiError::session_used()),
            Some(SessionEntry::OpenSession(open)) if open.1.expires <= now => {
                Err(ApiError::session_expired())
            }
            Some(SessionEntry::OpenSession(open)) if !wanted(&open.1) => Err(ApiError::invalid_session()),
            Some(entry) => match std::mem::replace(entry, SessionEntry::Used { next: None }) {
                SessionEntry::OpenSession(open) => {
                    let (session, mut open) = *open;
                    open.sign_in.answered_session = Some(session.clone());
                    Ok((session, open))
                }
                SessionEntry::Used { .. } => Err(ApiError::session_used()),
            },
        }
    }

    /// Leaves a session answerable after all, with the end that it had.
    pub(super) fn restore_session(&mut self, session: &Session, open: OpenSession) {
        self.sessions.insert(
            LookupKey::from_text(session.as_str()),
            SessionEntry::OpenSession(Box::new((session.clone(), open))),
        );
    }

    /// Sends a code to a user's phone or by e-mail.
    pub(super) fn deliver(&mut self, delivery: Delivery) {
        self.unused_codes.insert(delivery.username.clone(), delivery.code.clone());
        if self.deliveries.len() >= MAX_DELIVERIES {
            self.deliveries.pop_front();
        }
        self.deliveries.push_back(delivery);
    }

    /// What was sent since this was asked last.
    pub(super) fn take_deliveries(&mut self) -> Vec<Delivery> {
        self.deliveries.drain(..).collect()
    }

    /// The code that was last sent to this user.
    pub(super) fn delivered_code(&self, username: &Username) -> Option<String> {
        self.unused_codes.get(username).cloned()
    }

    /// Takes back the code that was sent: it was used.
    pub(super) fn discard_code(&mut self, username: &Username) {
        self.unused_codes.remove(username);
    }
}

#[cfg(test)]
mod tests;
