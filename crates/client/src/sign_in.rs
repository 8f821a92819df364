//! A sign-in as the user's app lives it: its states, and the password's leg.

use data_encoding::BASE64;

use super::attempt::{Attempt, AttemptEnd, Enrolment};
use super::device::{DeviceAnswer, DeviceAsk};
use poolproof_cognito::ids::{AccessToken, ClientId, DeviceKey, Password, PoolId, Session, Username};
use poolproof_cognito::protocol::{
    ApiError, AuthOutcome, Authentication, Challenge, ChallengeName, ErrorKind, InitiateAuth, Parameters,
    Reply, Request, RespondToAuthChallenge, Response, keys,
};
use poolproof_cognito::seed::Stream;
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::TotpSecret;
use poolproof_srp::{ClaimTimestamp, Done, Ephemeral, Group, Identity, Job, PublicA, PublicB, Salt};

/// A sign-in takes fewer requests than this; a pool that asks for more is leading us by the nose.
const MOST_REQUESTS: u32 = 24;

/// What a sign-in sets out with.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The pool.
    pub pool_id: PoolId,
    /// The app client.
    pub client_id: ClientId,
    /// The group of its SRP.
    pub group: Group,
    /// Bits of the secret exponent `a`.
    pub ephemeral_bits: u32,
    /// Who signs in.
    pub username: Username,
    /// The password as typed, right or wrong.
    pub password: Password,
    /// Whether the password is sent as it is (`USER_PASSWORD_AUTH`), and not proved by SRP.
    pub sends_password: bool,
    /// The device that signs in, if it has a key.
    pub device: Option<DeviceKey>,
    /// Whether that device's secret turns out to be damaged.
    pub device_damaged: bool,
    /// Whether the app confirms a new device at all.
    pub confirms: bool,
    /// Whether the user wants a new device to be remembered, when asked.
    pub opts_in: bool,
    /// Whether to send the password's claim once more in the end.
    pub replay: bool,
    /// A device to give up once a new one is enrolled.
    pub give_up: Option<DeviceKey>,
}

/// What happened to a sign-in.
#[derive(Debug)]
pub enum Event {
    /// It begins.
    Begin,
    /// The pool answered or refused.
    Answer(Reply),
    /// Arithmetic is done.
    Done(Done),
    /// The device said something.
    Device(DeviceAnswer),
    /// The user typed this code.
    Code(String),
    /// The user walked away instead of answering.
    WalkedAway,
    /// No answer came, for this reason.
    NoAnswer(String),
}

/// What a sign-in wants next.
#[derive(Debug)]
pub enum Action {
    /// Send this; answer with [`Event::Answer`] or [`Event::NoAnswer`].
    Send(Request),
    /// Run this; answer with [`Event::Done`].
    Compute(Job),
    /// Ask the user's device; answer with [`Event::Device`].
    Device(DeviceAsk),
    /// Let the user type a code; answer with [`Event::Code`] or [`Event::WalkedAway`].
    TypeCode(CodeOf),
    /// It is over; see [`SignIn::attempts`].
    Over,
}

/// Where the user reads a code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CodeOf {
    /// On the phone.
    Phone,
    /// In the authenticator app.
    App,
    /// In the authenticator app, which has just been given this secret.
    NewApp(TotpSecret),
}

/// How a sign-in ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// With tokens.
    SignedIn,
    /// With a refusal.
    Refused(ApiError),
    /// The client stopped trying: throttled too often, or the user walked away.
    GaveUp,
    /// The pool said something that no pool may say.
    Misbehaved(String),
    /// The pool could not be reached.
    NoAnswer(String),
}

/// A sign-in in progress.
#[derive(Debug)]
pub struct SignIn {
    pub(super) plan: Plan,
    pub(super) state: State,
    pub(super) chance: Stream,
    pub(super) attempts: Vec<Attempt>,
    pub(super) username_for_srp: String,
    pub(super) enrolment: Option<Enrolment>,
    pub(super) given_up: Option<DeviceKey>,
    pub(super) new_app: Option<TotpSecret>,
    pub(super) end: Option<(Timestamp, End)>,
    /// What shows that the password is known, without a device's key.
    claim: Option<Request>,
    /// The tokens that came in the end.
    pub(super) tokens: Option<Authentication>,
    /// What the answer to `InitiateAuth` asked for, where a claim is to follow it.
    asked_first: Option<ChallengeName>,
    requests: u32,
    /// When the request before the one under way was sent, and that one.
    sent: [Timestamp; 2],
}

/// What a sign-in waits for.
#[derive(Debug)]
pub(super) enum State {
    Start,
    PublicA,
    PasswordChallenge { a: Ephemeral, public_a: PublicA },
    SessionKey { block: String, identity: Identity, timestamp: String },
    PasswordAnswer { sent: Timestamp },
    Code { of: CodeOf, session: Option<Session> },
    FactorAnswer,
    SecretCode,
    SetupAnswer { secret: TotpSecret },
    SetupFinished { secret: TotpSecret },
    DevicePublic { session: Option<Session> },
    DeviceChallenge,
    DeviceClaim { session: Option<Session> },
    DeviceAnswer,
    Enrolment { token: AccessToken },
    Confirmation { token: AccessToken },
    OptIn { token: AccessToken },
    GivingUp,
    Replay { sent: Timestamp },
    Over,
}

impl State {
    /// What is waited for, for whoever hears of a misbehaviour.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Enrolment { .. } => "the device was asked to enrol",
            Self::Confirmation { .. } => "ConfirmDevice",
            Self::OptIn { .. } => "UpdateDeviceStatus",
            Self::GivingUp => "ForgetDevice",
            _ => "a challenge",
        }
    }
}

impl SignIn {
    /// A sign-in that has not begun. All its random values come from `chance`.
    pub fn new(plan: Plan, chance: Stream) -> Self {
        Self {
            username_for_srp: plan.username.as_str().to_owned(),
            plan,
            state: State::Start,
            chance,
            attempts: Vec::new(),
            enrolment: None,
            given_up: None,
            new_app: None,
            end: None,
            claim: None,
            tokens: None,
            asked_first: None,
            requests: 0,
            sent: [Timestamp::default(); 2],
        }
    }

    /// The attempts so far.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// When and how the sign-in ended: what follows (enrolling a device, a replay) comes after that.
    pub const fn ended(&self) -> Option<&(Timestamp, End)> {
        self.end.as_ref()
    }

    /// The device that was enrolled on the way.
    pub const fn enrolment(&self) -> Option<&Enrolment> {
        self.enrolment.as_ref()
    }

    /// The tokens that came in the end.
    pub const fn tokens(&self) -> Option<&Authentication> {
        self.tokens.as_ref()
    }

    /// The device that was given up on the way.
    pub const fn given_up(&self) -> Option<&DeviceKey> {
        self.given_up.as_ref()
    }

    /// The authenticator app that was set up on the way.
    pub const fn new_app(&self) -> Option<&TotpSecret> {
        self.new_app.as_ref()
    }

    /// Goes on. Events that do not fit what it waits for end it as the pool's misbehaviour.
    pub fn next(&mut self, now: Timestamp, event: Event) -> Action {
        let state = std::mem::replace(&mut self.state, State::Over);
        if matches!(event, Event::Answer(_)) {
            self.time_leg(now);
        }
        match (state, event) {
            (_, Event::NoAnswer(why)) => self.stop(now, End::NoAnswer(why)),
            (_, Event::WalkedAway) => self.stop(now, End::GaveUp),
            (_, Event::Done(Done::Failed(misfortune))) => self.misbehaved(now, misfortune.to_string()),
            (_, Event::Device(DeviceAnswer::Unanswerable(why))) => self.misbehaved(now, why),
            (State::Start, Event::Begin) if self.plan.sends_password => self.send_password(now),
            (State::Start, Event::Begin) => self.begin(),
            (State::PublicA, Event::Done(Done::PublicA { a, public_a })) => self.initiate(now, a, public_a),
            (State::PasswordChallenge { a, public_a }, Event::Answer(answer)) => {
                self.on_first_answer(now, a, public_a, answer)
            }
            (State::SessionKey { block, identity, timestamp }, Event::Done(Done::SessionKey(key))) => {
                let bytes = BASE64.decode(block.as_bytes()).unwrap_or_default();
                let signature = key.sign(&identity, &bytes, &timestamp).to_base64();
                self.send_claim(now, block, signature, timestamp)
            }
            (State::PasswordAnswer { sent }, Event::Answer(answer)) => {
                self.on_password_answer(now, sent, answer)
            }
            (State::Replay { sent }, Event::Answer(answer)) => self.on_replay_answer(now, sent, answer),
            (state, event) => self.next_leg(now, state, event),
        }
    }

    fn begin(&mut self) -> Action {
        let a = Ephemeral::draw(self.plan.ephemeral_bits, &mut self.chance);
        self.state = State::PublicA;
        Action::Compute(Job::ClientPublic { group: self.plan.group, a })
    }

    fn send_password(&mut self, now: Timestamp) -> Action {
        self.claim = Some(Request::InitiateAuth(InitiateAuth {
            client_id: self.plan.client_id.as_str().to_owned(),
            auth_flow: "USER_PASSWORD_AUTH".to_owned(),
            auth_parameters: Parameters::new()
                .with(keys::USERNAME, self.plan.username.as_str())
                .with(keys::PASSWORD, self.plan.password.as_str()),
        }));
        self.claim_again(now, self.plan.device.clone())
    }

    fn initiate(&mut self, now: Timestamp, a: Ephemeral, public_a: PublicA) -> Action {
        let auth_parameters = Parameters::new()
            .with(keys::USERNAME, self.plan.username.as_str())
            .with(keys::SRP_A, public_a.to_hex());
        let state = State::PasswordChallenge { a, public_a };
        let request = InitiateAuth {
            client_id: self.plan.client_id.as_str().to_owned(),
            auth_flow: "USER_SRP_AUTH".to_owned(),
            auth_parameters,
        };
        self.send(now, Request::InitiateAuth(request), state)
    }

    /// Reads the answer to `InitiateAuth`: whatever is no PASSWORD_VERIFIER decides before anything was proved.
    fn on_first_answer(&mut self, now: Timestamp, a: Ephemeral, public_a: PublicA, answer: Reply) -> Action {
        match answer {
            Ok(Response::Auth(AuthOutcome::Challenge(challenge))) => {
                self.asked_first = Some(challenge.name);
                if challenge.name == ChallengeName::PasswordVerifier {
                    return self.on_password_challenge(now, a, public_a, &challenge);
                }
                self.misbehaved(now, format!("{} in answer to InitiateAuth", challenge.name))
            }
            Ok(Response::Auth(AuthOutcome::Tokens(tokens))) => {
                self.decided_early(now);
                self.close_attempt(AttemptEnd::Tokens { new_device: tokens.new_device.is_some() });
                // They are nobody's: the client has proved nothing, and does not take them.
                self.misbehaved(now, "tokens in answer to InitiateAuth, before the password was proved")
            }
            Ok(_) => self.misbehaved(now, "an answer of another operation"),
            Err(error) => self.refused(now, error),
        }
    }

    fn on_password_challenge(
        &mut self,
        now: Timestamp,
        a: Ephemeral,
        public_a: PublicA,
        challenge: &Challenge,
    ) -> Action {
        let told = |key| challenge.parameters.value(key);
        let (Some(user_id), Some(salt), Some(b), Some(block)) =
            (told(keys::USER_ID_FOR_SRP), told(keys::SALT), told(keys::SRP_B), told(keys::SECRET_BLOCK))
        else {
            return self.misbehaved(now, "a PASSWORD_VERIFIER without one of its parameters");
        };
        let Ok(salt) = Salt::from_hex(salt) else {
            return self.misbehaved(now, "a SALT that is not hexadecimal");
        };
        let Ok(public_b) = PublicB::parse_hex(self.plan.group, b) else {
            return self.misbehaved(now, "an SRP_B outside 0 < B < N");
        };
        if BASE64.decode(block.as_bytes()).is_err() {
            return self.misbehaved(now, "a SECRET_BLOCK that is not base64");
        }
        self.username_for_srp = user_id.to_owned();
        let identity = Identity::user(self.plan.pool_id.name(), user_id);
        self.state = State::SessionKey {
            block: block.to_owned(),
            identity: identity.clone(),
            timestamp: ClaimTimestamp::format(now.as_secs()),
        };
        let password = self.plan.password.as_str().to_owned();
        let group = self.plan.group;
        Action::Compute(Job::ClientKey { group, a, public_a, public_b, salt, identity, password })
    }

    fn send_claim(&mut self, now: Timestamp, block: String, signature: String, timestamp: String) -> Action {
        let responses = Parameters::new()
            .with(keys::PASSWORD_CLAIM_SECRET_BLOCK, block)
            .with(keys::PASSWORD_CLAIM_SIGNATURE, signature)
            .with(keys::TIMESTAMP, timestamp);
        let claim = self.answer_to(ChallengeName::PasswordVerifier, None, responses);
        self.claim = Some(Request::RespondToAuthChallenge(claim));
        self.claim_again(now, self.plan.device.clone())
    }

    /// Sends the claim, naming this device. Clients send the very same claim again when the device is unknown.
    fn claim_again(&mut self, now: Timestamp, device: Option<DeviceKey>) -> Action {
        let Some(mut claim) = self.claim.clone() else {
            return self.misbehaved(now, "nothing to claim");
        };
        if let (Some(key), Some(said)) = (&device, parameters_of(&mut claim)) {
            *said = std::mem::take(said).with(keys::DEVICE_KEY, key.as_str());
        }
        self.attempts.push(Attempt::new(device, self.first_challenge()));
        self.send(now, claim, State::PasswordAnswer { sent: now })
    }

    fn on_password_answer(&mut self, now: Timestamp, sent: Timestamp, answer: Reply) -> Action {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.claimed = Some((sent, now));
        }
        match answer {
            Err(error) if error.kind == ErrorKind::ResourceNotFound && self.names_device() => {
                // As identity-js and Amplify do: drop the device, and say the same without it.
                self.close_attempt(AttemptEnd::Refused(error));
                self.claim_again(now, None)
            }
            answer => self.on_auth(now, answer),
        }
    }

    /// Sends the claim once more after it has led to tokens.
    pub(super) fn replay(&mut self, now: Timestamp) -> Action {
        let (Some(claim), true) = (self.claim.take(), self.plan.replay) else {
            self.state = State::Over;
            return Action::Over;
        };
        self.attempts.push(Attempt { replayed: true, ..Attempt::new(None, self.first_challenge()) });
        self.send(now, claim, State::Replay { sent: now })
    }

    fn on_replay_answer(&mut self, now: Timestamp, sent: Timestamp, answer: Reply) -> Action {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.claimed = Some((sent, now));
        }
        self.close_attempt(match answer {
            Err(error) if error.kind == ErrorKind::TooManyRequests => return Action::Over,
            Err(error) => AttemptEnd::Refused(error),
            Ok(Response::Auth(AuthOutcome::Tokens(tokens))) => {
                AttemptEnd::Tokens { new_device: tokens.new_device.is_some() }
            }
            Ok(_) => AttemptEnd::Misbehaved,
        });
        Action::Over
    }

    /// The challenge that a claim of the password answers, where there is one.
    fn first_challenge(&self) -> Vec<ChallengeName> {
        if self.plan.sends_password { Vec::new() } else { vec![ChallengeName::PasswordVerifier] }
    }

    fn names_device(&self) -> bool {
        self.attempts.last().is_some_and(|attempt| attempt.device.is_some())
    }

    /// An answer to a challenge, with the name that the pool knows the user by.
    pub(super) fn answer_to(
        &self,
        challenge: ChallengeName,
        session: Option<&Session>,
        responses: Parameters,
    ) -> RespondToAuthChallenge {
        RespondToAuthChallenge {
            client_id: self.plan.client_id.as_str().to_owned(),
            challenge_name: challenge.as_str().to_owned(),
            session: session.map(|session| session.as_str().to_owned()),
            challenge_responses: responses.with(keys::USERNAME, self.username_for_srp.as_str()),
        }
    }

    /// Sends a request and waits in `state` for its answer.
    pub(super) fn send(&mut self, now: Timestamp, request: Request, state: State) -> Action {
        self.requests += 1;
        if self.requests > MOST_REQUESTS {
            return self.misbehaved(now, "challenges without end");
        }
        self.sent = [self.sent[1], now];
        self.state = state;
        Action::Send(request)
    }

    /// An answer is heard: the challenge that it settles was asked for by the request before.
    fn time_leg(&mut self, now: Timestamp) {
        let first = self.requests < 2;
        let leg = now.since(self.sent[0]);
        if let Some(attempt) = self.attempts.last_mut().filter(|attempt| !first && attempt.end.is_none()) {
            attempt.longest_leg = attempt.longest_leg.max(leg);
        }
    }

    /// The pool has decided before there was a claim: an attempt all the same, so that it is judged.
    fn decided_early(&mut self, now: Timestamp) {
        if self.attempts.is_empty() && self.requests > 0 {
            let asked = self.asked_first.into_iter().collect();
            let claimed = Some((self.sent[1], now));
            self.attempts.push(Attempt { claimed, ..Attempt::new(self.plan.device.clone(), asked) });
        }
    }

    /// Notes how the attempt in progress ended.
    pub(super) fn close_attempt(&mut self, end: AttemptEnd) {
        if let Some(attempt) = self.attempts.last_mut().filter(|attempt| attempt.end.is_none()) {
            attempt.end = Some(end);
        }
    }

    /// Ends the sign-in by a refusal. A throttled client has tried often enough by now, and gives up.
    pub(super) fn refused(&mut self, now: Timestamp, error: ApiError) -> Action {
        if error.kind == ErrorKind::TooManyRequests {
            return self.stop(now, End::GaveUp);
        }
        self.decided_early(now);
        self.close_attempt(AttemptEnd::Refused(error.clone()));
        self.stop(now, End::Refused(error))
    }

    /// Ends the sign-in because the pool said something that no pool may say.
    pub(super) fn misbehaved(&mut self, now: Timestamp, why: impl Into<String>) -> Action {
        self.decided_early(now);
        self.close_attempt(AttemptEnd::Misbehaved);
        self.stop(now, End::Misbehaved(why.into()))
    }

    /// Ends everything. A sign-in that had ended before stays as it was.
    pub(super) fn stop(&mut self, now: Timestamp, end: End) -> Action {
        self.end.get_or_insert((now, end));
        self.state = State::Over;
        Action::Over
    }
}

/// The parameters of a request that starts a sign-in or answers a challenge.
const fn parameters_of(request: &mut Request) -> Option<&mut Parameters> {
    match request {
        Request::InitiateAuth(start) => Some(&mut start.auth_parameters),
        Request::RespondToAuthChallenge(answer) => Some(&mut answer.challenge_responses),
        _ => None,
    }
}
