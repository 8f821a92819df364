//! A sign-in as the user's app lives it: its states, and the password's leg.

use data_encoding::BASE64;

use super::attempt::{Attempt, AttemptEnd, Enrollment};
use super::device::{DeviceAnswer, DeviceRequest};
use poolproof_cognito::ids::{AccessToken, ClientId, DeviceKey, Password, PoolId, Session, Username};
use poolproof_cognito::protocol::{
    ApiError, AuthOutcome, AuthenticationResult, Challenge, ChallengeName, ErrorKind, InitiateAuth,
    Parameters, Reply, Request, RespondToAuthChallenge, Response, keys,
};
use poolproof_cognito::seed::Rng;
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::TotpSecret;
use poolproof_srp::{ClaimTimestamp, Ephemeral, Group, Identity, Job, JobResult, PublicA, PublicB, Salt};

/// A sign-in takes fewer requests than this; a pool that asks for more is leading us by the nose.
const MAX_REQUESTS: u32 = 24;

/// What a sign-in sets out with.
#[derive(Clone, Debug)]
pub struct SignInOptions {
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
    pub device_secret_damaged: bool,
    /// Whether the app confirms a new device at all.
    pub confirms_device: bool,
    /// Whether the user wants a new device to be remembered, when asked.
    pub opts_in: bool,
    /// Whether to send the password's claim once more in the end.
    pub replay: bool,
    /// A device to give up once a new one is enrolled.
    pub device_to_forget: Option<DeviceKey>,
}

/// What happened to a sign-in.
#[derive(Debug)]
pub enum Event {
    /// It begins.
    Start,
    /// The pool answered or refused.
    Answer(Reply),
    /// Arithmetic is done.
    JobResult(JobResult),
    /// The device said something.
    Device(DeviceAnswer),
    /// The user typed this code.
    Code(String),
    /// The user walked away instead of answering.
    Abandoned,
    /// No answer came, for this reason.
    NoAnswer(String),
}

/// What a sign-in wants next.
#[derive(Debug)]
pub enum Action {
    /// Send this; answer with [`Event::Answer`] or [`Event::NoAnswer`].
    Send(Request),
    /// Run this; answer with [`Event::JobResult`].
    Compute(Job),
    /// Ask the user's device; answer with [`Event::Device`].
    Device(DeviceRequest),
    /// Let the user type a code; answer with [`Event::Code`] or [`Event::Abandoned`].
    EnterCode(CodeSource),
    /// It is over; see [`SignIn::attempts`].
    Finished,
}

/// Where the user reads a code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CodeSource {
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
    Abandoned,
    /// The pool said something that no pool may say.
    ProtocolViolation(String),
    /// The pool could not be reached.
    NoAnswer(String),
}

/// A sign-in in progress.
#[derive(Debug)]
pub struct SignIn {
    pub(super) options: SignInOptions,
    pub(super) state: State,
    pub(super) rng: Rng,
    pub(super) attempts: Vec<Attempt>,
    pub(super) username_for_srp: String,
    pub(super) enrollment: Option<Enrollment>,
    pub(super) forgotten_device: Option<DeviceKey>,
    pub(super) new_app: Option<TotpSecret>,
    pub(super) end: Option<(Timestamp, End)>,
    /// What shows that the password is known, without a device's key.
    claim: Option<Request>,
    /// The tokens that came in the end.
    pub(super) tokens: Option<AuthenticationResult>,
    /// What the answer to `InitiateAuth` asked for, where a claim is to follow it.
    initial_challenge: Option<ChallengeName>,
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
    Code { of: CodeSource, session: Option<Session> },
    FactorAnswer,
    SecretCode,
    SetupAnswer { secret: TotpSecret },
    SetupFinished { secret: TotpSecret },
    DevicePublic { session: Option<Session> },
    DeviceChallenge,
    DeviceClaim { session: Option<Session> },
    DeviceAnswer,
    Enrollment { token: AccessToken },
    Confirmation { token: AccessToken },
    OptIn { token: AccessToken },
    Forgetting,
    Replay { sent: Timestamp },
    Finished,
}

impl State {
    /// What is waited for, for whoever hears of a misbehaviour.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Enrollment { .. } => "the device was asked for its enrollment data",
            Self::Confirmation { .. } => "ConfirmDevice",
            Self::OptIn { .. } => "UpdateDeviceStatus",
            Self::Forgetting => "ForgetDevice",
            _ => "a challenge",
        }
    }
}

impl SignIn {
    /// A sign-in that has not begun. All its random values come from `rng`.
    pub fn new(options: SignInOptions, rng: Rng) -> Self {
        Self {
            username_for_srp: options.username.as_str().to_owned(),
            options,
            state: State::Start,
            rng,
            attempts: Vec::new(),
            enrollment: None,
            forgotten_device: None,
            new_app: None,
            end: None,
            claim: None,
            tokens: None,
            initial_challenge: None,
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
    pub const fn enrollment(&self) -> Option<&Enrollment> {
        self.enrollment.as_ref()
    }

    /// The tokens that came in the end.
    pub const fn tokens(&self) -> Option<&AuthenticationResult> {
        self.tokens.as_ref()
    }

    /// The device that was given up on the way.
    pub const fn forgotten_device(&self) -> Option<&DeviceKey> {
        self.forgotten_device.as_ref()
    }

    /// The authenticator app that was set up on the way.
    pub const fn new_app(&self) -> Option<&TotpSecret> {
        self.new_app.as_ref()
    }

    /// Goes on. Events that do not fit what it waits for end it as the pool's misbehaviour.
    pub fn next(&mut self, now: Timestamp, event: Event) -> Action {
        let state = std::mem::replace(&mut self.state, State::Finished);
        if matches!(event, Event::Answer(_)) {
            self.record_challenge_time(now);
        }
        match (state, event) {
            (_, Event::NoAnswer(why)) => self.finish(now, End::NoAnswer(why)),
            (_, Event::Abandoned) => self.finish(now, End::Abandoned),
            (_, Event::JobResult(JobResult::Failed(error))) => {
                self.protocol_violation(now, error.to_string())
            }
            (_, Event::Device(DeviceAnswer::Unanswerable(why))) => self.protocol_violation(now, why),
            (State::Start, Event::Start) if self.options.sends_password => self.send_password(now),
            (State::Start, Event::Start) => self.begin(),
            (State::PublicA, Event::JobResult(JobResult::PublicA { a, public_a })) => {
                self.initiate(now, a, public_a)
            }
            (State::PasswordChallenge { a, public_a }, Event::Answer(answer)) => {
                self.on_first_answer(now, a, public_a, answer)
            }
            (
                State::SessionKey { block, identity, timestamp },
                Event::JobResult(JobResult::SessionKey(key)),
            ) => {
                let bytes = BASE64.decode(block.as_bytes()).unwrap_or_default();
                let signature = key.sign(&identity, &bytes, &timestamp).to_base64();
                self.send_claim(now, block, signature, timestamp)
            }
            (State::PasswordAnswer { sent }, Event::Answer(answer)) => {
                self.on_password_answer(now, sent, answer)
            }
            (State::Replay { sent }, Event::Answer(answer)) => self.on_replay_answer(now, sent, answer),
            (state, event) => self.next_challenge(now, state, event),
        }
    }

    fn begin(&mut self) -> Action {
        let a = Ephemeral::draw(self.options.ephemeral_bits, &mut self.rng);
        self.state = State::PublicA;
        Action::Compute(Job::ClientPublic { group: self.options.group, a })
    }

    fn send_password(&mut self, now: Timestamp) -> Action {
        self.claim = Some(Request::InitiateAuth(InitiateAuth {
            client_id: self.options.client_id.as_str().to_owned(),
            auth_flow: "USER_PASSWORD_AUTH".to_owned(),
            auth_parameters: Parameters::new()
                .with(keys::USERNAME, self.options.username.as_str())
                .with(keys::PASSWORD, self.options.password.as_str()),
        }));
        self.send_claim_for_device(now, self.options.device.clone())
    }

    fn initiate(&mut self, now: Timestamp, a: Ephemeral, public_a: PublicA) -> Action {
        let auth_parameters = Parameters::new()
            .with(keys::USERNAME, self.options.username.as_str())
            .with(keys::SRP_A, public_a.to_hex());
        let state = State::PasswordChallenge { a, public_a };
        let request = InitiateAuth {
            client_id: self.options.client_id.as_str().to_owned(),
            auth_flow: "USER_SRP_AUTH".to_owned(),
            auth_parameters,
        };
        self.send(now, Request::InitiateAuth(request), state)
    }

    /// Reads the answer to `InitiateAuth`: whatever is no PASSWORD_VERIFIER decides before anything was proved.
    fn on_first_answer(&mut self, now: Timestamp, a: Ephemeral, public_a: PublicA, answer: Reply) -> Action {
        match answer {
            Ok(Response::Auth(AuthOutcome::Challenge(challenge))) => {
                self.initial_challenge = Some(challenge.name);
                if challenge.name == ChallengeName::PasswordVerifier {
                    return self.on_password_challenge(now, a, public_a, &challenge);
                }
                self.protocol_violation(now, format!("{} in answer to InitiateAuth", challenge.name))
            }
            Ok(Response::Auth(AuthOutcome::Tokens(tokens))) => {
                self.record_early_decision(now);
                self.close_attempt(AttemptEnd::Tokens { new_device: tokens.new_device.is_some() });
                // They are nobody's: the client has proved nothing, and does not take them.
                self.protocol_violation(
                    now,
                    "tokens in answer to InitiateAuth, before the password was proved",
                )
            }
            Ok(_) => self.protocol_violation(now, "an answer of another operation"),
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
        let parameter = |key| challenge.parameters.value(key);
        let (Some(user_id), Some(salt), Some(b), Some(block)) = (
            parameter(keys::USER_ID_FOR_SRP),
            parameter(keys::SALT),
            parameter(keys::SRP_B),
            parameter(keys::SECRET_BLOCK),
        ) else {
            return self.protocol_violation(now, "a PASSWORD_VERIFIER without one of its parameters");
        };
        let Ok(salt) = Salt::from_hex(salt) else {
            return self.protocol_violation(now, "a SALT that is not hexadecimal");
        };
        let Ok(public_b) = PublicB::parse_hex(self.options.group, b) else {
            return self.protocol_violation(now, "an SRP_B outside 0 < B < N");
        };
        if BASE64.decode(block.as_bytes()).is_err() {
            return self.protocol_violation(now, "a SECRET_BLOCK that is not base64");
        }
        self.username_for_srp = user_id.to_owned();
        let identity = Identity::user(self.options.pool_id.name(), user_id);
        self.state = State::SessionKey {
            block: block.to_owned(),
            identity: identity.clone(),
            timestamp: ClaimTimestamp::format(now.as_secs()),
        };
        let password = self.options.password.as_str().to_owned();
        let group = self.options.group;
        Action::Compute(Job::ClientKey { group, a, public_a, public_b, salt, identity, password })
    }

    fn send_claim(&mut self, now: Timestamp, block: String, signature: String, timestamp: String) -> Action {
        let responses = Parameters::new()
            .with(keys::PASSWORD_CLAIM_SECRET_BLOCK, block)
            .with(keys::PASSWORD_CLAIM_SIGNATURE, signature)
            .with(keys::TIMESTAMP, timestamp);
        let claim = self.answer_to(ChallengeName::PasswordVerifier, None, responses);
        self.claim = Some(Request::RespondToAuthChallenge(claim));
        self.send_claim_for_device(now, self.options.device.clone())
    }

    /// Sends the claim, naming this device. Clients send the very same claim again when the device is unknown.
    fn send_claim_for_device(&mut self, now: Timestamp, device: Option<DeviceKey>) -> Action {
        let Some(mut claim) = self.claim.clone() else {
            return self.protocol_violation(now, "there is nothing to sign");
        };
        if let (Some(key), Some(parameters)) = (&device, parameters_of(&mut claim)) {
            *parameters = std::mem::take(parameters).with(keys::DEVICE_KEY, key.as_str());
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
                self.send_claim_for_device(now, None)
            }
            answer => self.on_auth(now, answer),
        }
    }

    /// Sends the claim once more after it has led to tokens.
    pub(super) fn replay(&mut self, now: Timestamp) -> Action {
        let (Some(claim), true) = (self.claim.take(), self.options.replay) else {
            self.state = State::Finished;
            return Action::Finished;
        };
        self.attempts.push(Attempt { replayed: true, ..Attempt::new(None, self.first_challenge()) });
        self.send(now, claim, State::Replay { sent: now })
    }

    fn on_replay_answer(&mut self, now: Timestamp, sent: Timestamp, answer: Reply) -> Action {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.claimed = Some((sent, now));
        }
        self.close_attempt(match answer {
            Err(error) if error.kind == ErrorKind::TooManyRequests => return Action::Finished,
            Err(error) => AttemptEnd::Refused(error),
            Ok(Response::Auth(AuthOutcome::Tokens(tokens))) => {
                AttemptEnd::Tokens { new_device: tokens.new_device.is_some() }
            }
            Ok(_) => AttemptEnd::ProtocolViolation,
        });
        Action::Finished
    }

    /// The challenge that a claim of the password answers, where there is one.
    fn first_challenge(&self) -> Vec<ChallengeName> {
        if self.options.sends_password { Vec::new() } else { vec![ChallengeName::PasswordVerifier] }
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
            client_id: self.options.client_id.as_str().to_owned(),
            challenge_name: challenge.as_str().to_owned(),
            session: session.map(|session| session.as_str().to_owned()),
            challenge_responses: responses.with(keys::USERNAME, self.username_for_srp.as_str()),
        }
    }

    /// Sends a request and waits in `state` for its answer.
    pub(super) fn send(&mut self, now: Timestamp, request: Request, state: State) -> Action {
        self.requests += 1;
        if self.requests > MAX_REQUESTS {
            return self.protocol_violation(now, "challenges without end");
        }
        self.sent = [self.sent[1], now];
        self.state = state;
        Action::Send(request)
    }

    /// An answer is heard: the challenge that it settles was asked for by the request before.
    fn record_challenge_time(&mut self, now: Timestamp) {
        let first = self.requests < 2;
        let challenge_time = now.since(self.sent[0]);
        if let Some(attempt) = self.attempts.last_mut().filter(|attempt| !first && attempt.end.is_none()) {
            attempt.longest_challenge_time = attempt.longest_challenge_time.max(challenge_time);
        }
    }

    /// The pool has decided before there was a claim: an attempt all the same, so that it is judged.
    fn record_early_decision(&mut self, now: Timestamp) {
        if self.attempts.is_empty() && self.requests > 0 {
            let asked = self.initial_challenge.into_iter().collect();
            let claimed = Some((self.sent[1], now));
            self.attempts.push(Attempt { claimed, ..Attempt::new(self.options.device.clone(), asked) });
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
            return self.finish(now, End::Abandoned);
        }
        self.record_early_decision(now);
        self.close_attempt(AttemptEnd::Refused(error.clone()));
        self.finish(now, End::Refused(error))
    }

    /// Ends the sign-in because the pool said something that no pool may say.
    pub(super) fn protocol_violation(&mut self, now: Timestamp, why: impl Into<String>) -> Action {
        self.record_early_decision(now);
        self.close_attempt(AttemptEnd::ProtocolViolation);
        self.finish(now, End::ProtocolViolation(why.into()))
    }

    /// Ends everything. A sign-in that had ended before stays as it was.
    pub(super) fn finish(&mut self, now: Timestamp, end: End) -> Action {
        self.end.get_or_insert((now, end));
        self.state = State::Finished;
        Action::Finished
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
