//! What the pool remembers between two requests of a sign-in.
//!
//! Everything here has an end: a challenge is kept for its validity and, so that a late answer can be told that it is
//! late, once more as long. Whoever answers a challenge takes it out.
//!
//! At hundreds of sign-ins a second most of what is kept was answered long ago, and is there to be told from what never was.
//! So texts are kept with what can be answered, and found by a [`Mark`]: what remains of a sign-in is some hundred bytes, and no
//! strings.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use rand::Rng as _;
use sha2::{Digest as _, Sha256};

use super::account::AccountId;
use super::ends::Ends;
use super::held::Held;
use super::lockout::{Failures, Place};
use poolproof_cognito::ids::{ClientId, DeviceKey, SecretBlock, Session, Sub, Username};
use poolproof_cognito::protocol::{ApiError, ChallengeName, Origin};
use poolproof_cognito::seed::Stream;
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

/// A `PASSWORD_VERIFIER` challenge. It is found by its secret block, since clients send no session with the claim.
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
pub(super) struct SignIn {
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
    pub(super) answered: Option<Session>,
}

/// Whose a challenge is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Owner {
    Account(AccountId),
    /// Nobody of this name is in the pool, and nobody is to notice: the id made up for it.
    Nobody(Sub),
}

/// What a session waits for.
#[derive(Debug)]
pub(super) enum Awaiting {
    /// Which factor the user wants.
    Choice,
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

impl Awaiting {
    /// The challenge that the client must answer.
    pub(super) const fn challenge(&self) -> ChallengeName {
        match self {
            Self::Choice => ChallengeName::SelectMfaType,
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
pub(super) struct Open {
    pub(super) sign_in: SignIn,
    pub(super) awaiting: Awaiting,
    pub(super) expires: Timestamp,
}

/// What a session or a secret block is found by: half of its hash, of which nobody can find another one's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Mark([u8; 16]);

impl Mark {
    /// The mark of a text.
    pub(super) fn of(text: &str) -> Self {
        Self::made_of(&[text.as_bytes()])
    }

    fn made_of(parts: &[&[u8]]) -> Self {
        let hash: [u8; 32] = parts.iter().fold(Sha256::new(), Sha256::chain_update).finalize().into();
        let mut mark = [0; 16];
        mark.copy_from_slice(&hash[..16]);
        Self(mark)
    }
}

/// A session's place in the books.
#[derive(Debug)]
enum Entry {
    Open(Box<(Session, Open)>),
    /// Answered: kept to tell a second answer that it is one. Of the same sign-in, this session came next.
    Used {
        next: Option<Mark>,
    },
}

/// The pool's books.
#[derive(Debug, Default)]
pub(super) struct Books {
    password_challenges: HashMap<Mark, PasswordChallenge>,
    sessions: HashMap<Mark, Entry>,
    /// Sessions that can be found without their name, by what clients send instead: a [`Handle`]'s mark.
    found_by: HashMap<Mark, Mark>,
    /// When what can be forgotten.
    password_ends: Ends<Mark>,
    session_ends: Ends<Ended>,
    outbox: BTreeMap<Username, String>,
    /// What was sent lately and not fetched yet.
    deliveries: VecDeque<Delivery>,
    /// Failures of names that are nobody's.
    strangers: BTreeMap<Place, Failures>,
}

/// What clients that send no session send instead (SEMANTICS a.3).
#[derive(Debug)]
pub(super) enum Handle {
    /// User and device, with `DEVICE_SRP_AUTH`.
    Device(AccountId, DeviceKey),
    /// The secret block, with `DEVICE_PASSWORD_VERIFIER`.
    Block(SecretBlock),
}

impl Handle {
    /// What stands for it in the books. The first part has a length of its own, so that no two handles are made of the same bytes.
    fn mark(&self) -> Mark {
        match self {
            Self::Device(account, key) => {
                Mark::made_of(&[b"device", &account.0.to_be_bytes(), key.as_str().as_bytes()])
            }
            Self::Block(block) => Mark::made_of(&[b"block.", block.as_str().as_bytes()]),
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
const MOST_DELIVERIES: usize = 256;

/// Failures of so many unknown names are kept, and of so many of them one is given up for another.
const MOST_STRANGERS: usize = 10_000;
const LOOKED_AT: usize = 32;

/// A session that can be forgotten, and what it was found by besides.
#[derive(Debug)]
struct Ended {
    session: Mark,
    handle: Option<Mark>,
}

impl Books {
    /// Forgets what ended before `now`.
    pub(super) fn forget_expired(&mut self, now: Timestamp) {
        while let Some(block) = self.password_ends.take_ended(now) {
            self.password_challenges.remove(&block);
        }
        while let Some(ended) = self.session_ends.take_ended(now) {
            self.forget_session(&ended);
        }
    }

    /// Forgets what began first, whenever it would end; whether there was something.
    pub(super) fn forget_oldest(&mut self) -> bool {
        let (password, session) = (self.password_ends.oldest(), self.session_ends.oldest());
        if session.is_none_or(|session| password.is_some_and(|password| password <= session)) {
            let block = self.password_ends.take_oldest();
            block.map(|block| self.password_challenges.remove(&block)).is_some()
        } else {
            self.session_ends.take_oldest().map(|oldest| self.forget_session(&oldest)).is_some()
        }
    }

    fn forget_session(&mut self, Ended { session, handle }: &Ended) {
        self.sessions.remove(session);
        // Another session may be found by it since.
        if let Some(handle) = handle.filter(|handle| self.found_by.get(handle) == Some(session)) {
            self.found_by.remove(&handle);
        }
    }

    /// How much is remembered that will be forgotten.
    pub(super) fn len(&self) -> usize {
        self.password_ends.len() + self.session_ends.len()
    }

    /// How much is kept here.
    pub(super) fn held(&self) -> Held {
        Held {
            challenges: self.password_challenges.len(),
            sessions: self.sessions.len(),
            handles: self.found_by.len(),
            ends: self.len(),
            codes: self.outbox.len() + self.deliveries.len(),
            strangers: self.strangers.len(),
            ..Held::default()
        }
    }

    /// Opens a `PASSWORD_VERIFIER` challenge, known by `block`.
    pub(super) fn open_password(
        &mut self,
        now: Timestamp,
        block: &SecretBlock,
        challenge: PasswordChallenge,
    ) {
        let block = Mark::of(block.as_str());
        self.password_ends.begin(now, challenge.expires.since(now), block);
        self.password_challenges.insert(block, challenge);
    }

    /// The challenge with this secret block.
    pub(super) fn peek_password(&self, block: &SecretBlock) -> Option<&PasswordChallenge> {
        self.password_challenges.get(&Mark::of(block.as_str()))
    }

    /// Takes the challenge with this secret block, if it is `owned` and still good.
    pub(super) fn take_password(
        &mut self,
        now: Timestamp,
        block: &SecretBlock,
        owned: impl Fn(&PasswordChallenge) -> bool,
    ) -> Option<PasswordChallenge> {
        let block = Mark::of(block.as_str());
        let found = self.password_challenges.get(&block)?;
        if !owned(found) || found.expires <= now {
            return None;
        }
        self.password_challenges.remove(&block)
    }

    /// Leaves a challenge answerable after all, unless it has ended: then nothing would ever forget it.
    pub(super) fn put_back_password(
        &mut self,
        now: Timestamp,
        block: &SecretBlock,
        challenge: PasswordChallenge,
    ) {
        if challenge.expires > now {
            self.password_challenges.insert(Mark::of(block.as_str()), challenge);
        }
    }

    /// Opens a session that can be answered for as long as `validity` from now on.
    pub(super) fn open(&mut self, session: &Session, open: Open, validity: Duration) {
        let mark = Mark::of(session.as_str());
        let handle = match (&open.awaiting, &open.sign_in.trusted_device) {
            (Awaiting::DevicePublic, Some(key)) => Some(Handle::Device(open.sign_in.account, key.clone())),
            (Awaiting::DeviceClaim { secret_block, .. }, _) => Some(Handle::Block(secret_block.clone())),
            _ => None,
        };
        let handle = handle.as_ref().map(Handle::mark);
        if let Some(handle) = handle {
            self.found_by.insert(handle, mark);
        }
        let ended = Ended { session: mark, handle };
        self.session_ends.begin(open.expires.minus(validity), validity * 2, ended);
        if let Some(answered) = &open.sign_in.answered {
            let used = Entry::Used { next: Some(mark) };
            self.sessions.entry(Mark::of(answered.as_str())).and_modify(|entry| *entry = used);
        }
        self.put_back(session, open);
    }

    /// Whether there is such a session, open or answered.
    pub(super) fn knows(&self, session: &str) -> bool {
        self.sessions.contains_key(&Mark::of(session))
    }

    /// The session that this handle leads to.
    pub(super) fn find(&self, handle: &Handle) -> Option<Mark> {
        self.found_by.get(&handle.mark()).copied()
    }

    /// The address that the sign-in of an open session comes from.
    pub(super) fn address_of(&self, session: Mark) -> Option<Option<IpAddr>> {
        match self.sessions.get(&session) {
            Some(Entry::Open(open)) => Some(open.1.sign_in.address),
            _ => None,
        }
    }

    /// The session that came after this one, if this one was answered and it is the device's turn in the next.
    pub(super) fn device_turn_after(&self, session: Mark) -> Option<Mark> {
        let Some(Entry::Used { next: Some(next) }) = self.sessions.get(&session) else { return None };
        match self.sessions.get(next) {
            Some(Entry::Open(open)) if matches!(open.1.awaiting, Awaiting::DevicePublic) => Some(*next),
            _ => None,
        }
    }

    /// The failures of a name that is nobody's. When there are too many, one is given up: of a few that stand beside a
    /// place drawn by `chance` the one with the fewest. So a name that is locked out cannot be washed away by a flood of
    /// others, unless each of them fails as often; and which name goes is nobody's choice.
    pub(super) fn stranger(&mut self, place: Place, chance: &mut Stream) -> &mut Failures {
        while self.strangers.len() >= MOST_STRANGERS && !self.strangers.contains_key(&place) {
            let mut from = [0; 16];
            chance.fill_bytes(&mut from);
            let round = self.strangers.range(Place(from)..).chain(&self.strangers);
            let fewest = round.take(LOOKED_AT).min_by_key(|(_, failures)| failures.count());
            let Some(given_up) = fewest.map(|(place, _)| *place) else { break };
            self.strangers.remove(&given_up);
        }
        self.strangers.entry(place).or_default()
    }

    /// Takes the session if `wanted` is what it waits for; a second taker is told that it was used.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        session: Option<Mark>,
        wanted: impl Fn(&Open) -> bool,
    ) -> Result<(Session, Open), ApiError> {
        let session = session.ok_or_else(ApiError::invalid_session)?;
        match self.sessions.get_mut(&session) {
            None => Err(ApiError::invalid_session()),
            Some(Entry::Used { .. }) => Err(ApiError::session_used()),
            Some(Entry::Open(open)) if open.1.expires <= now => Err(ApiError::session_expired()),
            Some(Entry::Open(open)) if !wanted(&open.1) => Err(ApiError::invalid_session()),
            Some(entry) => match std::mem::replace(entry, Entry::Used { next: None }) {
                Entry::Open(open) => {
                    let (session, mut open) = *open;
                    open.sign_in.answered = Some(session.clone());
                    Ok((session, open))
                }
                Entry::Used { .. } => Err(ApiError::session_used()),
            },
        }
    }

    /// Leaves a session answerable after all, with the end that it had.
    pub(super) fn put_back(&mut self, session: &Session, open: Open) {
        self.sessions.insert(Mark::of(session.as_str()), Entry::Open(Box::new((session.clone(), open))));
    }

    /// Sends a code to a user's phone or by e-mail.
    pub(super) fn deliver(&mut self, delivery: Delivery) {
        self.outbox.insert(delivery.username.clone(), delivery.code.clone());
        if self.deliveries.len() >= MOST_DELIVERIES {
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
        self.outbox.get(username).cloned()
    }

    /// Takes back the code that was sent: it was used.
    pub(super) fn withdraw_code(&mut self, username: &Username) {
        self.outbox.remove(username);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolproof_cognito::seed::Seed;
    use poolproof_srp::{Done, Group, Job, Verifier};

    fn second(seconds: u64) -> Timestamp {
        Timestamp::from_us(seconds * 1_000_000)
    }

    /// A challenge that ends with second 10.
    fn challenge() -> PasswordChallenge {
        let (group, mut chance) = (Group::toy(), Seed::new(1).stream("pool", 0));
        let (a, b) = (Ephemeral::draw(256, &mut chance), Ephemeral::draw(256, &mut chance));
        let verifier = Verifier::draw(group, &mut chance);
        let Done::PublicA { public_a, .. } = (Job::ClientPublic { group, a }).run() else { panic!("no A") };
        let public = Job::ServerPublic { group, b: b.clone(), verifier };
        let Done::PublicB { public_b, .. } = public.run() else { panic!("no B") };
        PasswordChallenge {
            client_id: ClientId::new("client"),
            owner: Owner::Nobody(Sub::new("nobody")),
            exchange: Exchange { public_a, public_b, b },
            device_key: None,
            expires: second(10),
        }
    }

    #[test]
    fn a_challenge_that_has_ended_is_not_put_back() {
        // Whoever took it may come back after its end; nothing would forget it then.
        let block = SecretBlock::new("block");
        for (back_at, kept) in [(9, true), (10, false), (11, false)] {
            let mut books = Books::default();
            books.open_password(second(0), &block, challenge());
            let taken = books.take_password(second(5), &block, |_| true).unwrap();
            books.forget_expired(second(back_at));
            books.put_back_password(second(back_at), &block, taken);
            assert_eq!(books.peek_password(&block).is_some(), kept, "put back at second {back_at}");
            books.forget_expired(second(10));
            assert!(books.password_challenges.is_empty() && books.len() == 0, "nothing outlives its end");
        }
    }

    #[test]
    fn a_locked_stranger_is_not_washed_away_by_a_flood_of_others() {
        let mut books = Books::default();
        let mut chance = Seed::new(1).stream("pool", 0);
        // Places are spread evenly, as the pool's key spreads them.
        let mut names = Seed::new(2).stream("names", 0);
        let mut place = || {
            let mut place = [0; 16];
            names.fill_bytes(&mut place);
            Place(place)
        };
        let victim = place();
        for _ in 0..5 {
            books.stranger(victim, &mut chance).failed(second(1), 5);
        }
        for _ in 0..5 * MOST_STRANGERS {
            books.stranger(place(), &mut chance).failed(second(1), 5);
            assert!(books.strangers.len() <= MOST_STRANGERS);
        }
        assert!(books.stranger(victim, &mut chance).locked(second(1)), "still locked out");
    }
}
