//! What the pool remembers between two requests of a sign-in.
//!
//! Everything here has an end: a challenge is kept for its validity and, so that a late answer can be told that it is
//! late, once more as long. Whoever answers a challenge takes it out.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use super::account::AccountId;
use crate::clock::Timestamp;
use crate::ids::{DeviceKey, SecretBlock, Session, Username};
use crate::protocol::{ApiError, ChallengeName};
use crate::srp::{Ephemeral, PublicA, PublicB};
use crate::totp::TotpSecret;

/// The pool's half of an SRP exchange that waits for the claim.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) public_a: PublicA,
    pub(super) public_b: PublicB,
    pub(super) b: Ephemeral,
}

/// A `PASSWORD_VERIFIER` challenge. It is found by its secret block, since clients send no session with the claim.
#[derive(Debug)]
pub(super) struct PasswordChallenge {
    pub(super) account: AccountId,
    pub(super) exchange: Exchange,
    /// The device that `InitiateAuth` named.
    pub(super) device_key: Option<DeviceKey>,
    pub(super) expires: Timestamp,
}

/// A sign-in whose password was right.
#[derive(Clone, Debug)]
pub(super) struct SignIn {
    pub(super) account: AccountId,
    /// The device that the client named, whatever the pool thinks of it.
    pub(super) named_device: Option<DeviceKey>,
    /// That device, if the pool remembers it: it must prove itself.
    pub(super) trusted_device: Option<DeviceKey>,
    /// Whether an MFA was completed on the way.
    pub(super) mfa_done: bool,
}

/// What a session waits for.
#[derive(Debug)]
pub(super) enum Awaiting {
    /// Which factor the user wants.
    Choice,
    /// This code, sent to the phone.
    SmsCode { code: String },
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

impl Awaiting {
    /// The challenge that the client must answer.
    pub(super) const fn challenge(&self) -> ChallengeName {
        match self {
            Self::Choice => ChallengeName::SelectMfaType,
            Self::SmsCode { .. } => ChallengeName::SmsMfa,
            Self::TotpCode => ChallengeName::SoftwareTokenMfa,
            Self::Setup | Self::SetupCode { .. } | Self::SetupDone { .. } => ChallengeName::MfaSetup,
            Self::DevicePublic => ChallengeName::DeviceSrpAuth,
            Self::DeviceClaim { .. } => ChallengeName::DevicePasswordVerifier,
        }
    }
}

/// A sign-in and what it waits for.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) sign_in: SignIn,
    pub(super) awaiting: Awaiting,
    pub(super) expires: Timestamp,
}

/// A session's place in the books.
#[derive(Debug)]
enum Entry {
    Open(Box<Open>),
    /// Answered: kept to tell a second answer that it is one.
    Used,
}

/// The pool's books.
#[derive(Debug, Default)]
pub(super) struct Books {
    password_challenges: HashMap<String, PasswordChallenge>,
    sessions: HashMap<String, Entry>,
    /// When what can be forgotten, in the order of time.
    ends: VecDeque<(Timestamp, End)>,
    outbox: BTreeMap<Username, String>,
}

#[derive(Debug)]
enum End {
    PasswordChallenge(String),
    Session(String),
}

impl Books {
    /// Forgets what ended before `now`.
    pub(super) fn forget_expired(&mut self, now: Timestamp) {
        while self.ends.front().is_some_and(|(end, _)| *end <= now) {
            match self.ends.pop_front() {
                Some((_, End::PasswordChallenge(block))) => drop(self.password_challenges.remove(&block)),
                Some((_, End::Session(session))) => drop(self.sessions.remove(&session)),
                None => return,
            }
        }
    }

    /// Opens a `PASSWORD_VERIFIER` challenge, known by `block`.
    pub(super) fn open_password(
        &mut self,
        now: Timestamp,
        block: &SecretBlock,
        challenge: PasswordChallenge,
    ) {
        self.ends.push_back((challenge.expires.max(now), End::PasswordChallenge(block.as_str().to_owned())));
        self.put_back_password(block, challenge);
    }

    /// Takes the challenge with this secret block, if it is `account`'s and still good.
    pub(super) fn take_password(
        &mut self,
        now: Timestamp,
        block: &SecretBlock,
        account: AccountId,
    ) -> Option<PasswordChallenge> {
        let found = self.password_challenges.get(block.as_str())?;
        if found.account != account || found.expires <= now {
            return None;
        }
        self.password_challenges.remove(block.as_str())
    }

    /// Leaves a challenge answerable after all.
    pub(super) fn put_back_password(&mut self, block: &SecretBlock, challenge: PasswordChallenge) {
        self.password_challenges.insert(block.as_str().to_owned(), challenge);
    }

    /// Opens a session.
    pub(super) fn open(&mut self, session: &Session, open: Open, validity: Duration) {
        self.ends.push_back((open.expires.plus(validity), End::Session(session.as_str().to_owned())));
        self.put_back(session, open);
    }

    /// Takes the session if `wanted` is what it waits for; a second taker is told that it was used.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        session: Option<&str>,
        wanted: impl Fn(&Open) -> bool,
    ) -> Result<(Session, Open), ApiError> {
        let key = session.ok_or_else(ApiError::invalid_session)?;
        match self.sessions.get_mut(key) {
            None => Err(ApiError::invalid_session()),
            Some(Entry::Used) => Err(ApiError::session_used()),
            Some(Entry::Open(open)) if open.expires <= now => Err(ApiError::session_expired()),
            Some(Entry::Open(open)) if !wanted(open) => Err(ApiError::invalid_session()),
            Some(entry) => match std::mem::replace(entry, Entry::Used) {
                Entry::Open(open) => Ok((Session::new(key), *open)),
                Entry::Used => Err(ApiError::session_used()),
            },
        }
    }

    /// Leaves a session answerable after all, with the end that it had.
    pub(super) fn put_back(&mut self, session: &Session, open: Open) {
        self.sessions.insert(session.as_str().to_owned(), Entry::Open(Box::new(open)));
    }

    /// Sends a code to a user's phone.
    pub(super) fn deliver(&mut self, username: Username, code: String) {
        self.outbox.insert(username, code);
    }

    /// The code that was last sent to this user.
    pub(super) fn delivered_code(&self, username: &Username) -> Option<String> {
        self.outbox.get(username).cloned()
    }

    /// Takes back the code that was sent: it was used.
    pub(super) fn withdraw_code(&mut self, username: &Username) {
        self.outbox.remove(username);
    }
}
