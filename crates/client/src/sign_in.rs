//! The states of a sign-in, and its first phase: the password claim.

use data_encoding::BASE64;

use super::device::DeviceAnswer;
use super::types::{Action, Attempt, AttemptEnd, CodeSource, End, Enrollment, Event, SignInOptions};
use poolproof_cognito::ids::{AccessToken, DeviceKey, Session};
use poolproof_cognito::protocol::{
    ApiError, AuthOutcome, AuthenticationResult, Challenge, ChallengeName, ErrorKind, Parameters, Reply,
    Request, RespondToAuthChallenge, Response, keys,
};
use poolproof_cognito::seed::Rng;
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::TotpSecret;
use poolproof_srp::{ClaimTimestamp, Ephemeral, Identity, Job, JobResult, PublicA, PublicB, Salt};

/// No sign-in needs this many requests. The limit ends a sign-in whose pool sends challenges without end.
const MAX_REQUESTS: u32 = 24;

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
    /// The request that proves the password, without a device key.
    pub(super) claim: Option<Request>,
    pub(super) tokens: Option<AuthenticationResult>,
    /// The challenges before the claim.
    pub(super) asked: Vec<ChallengeName>,
    requests: u32,
    /// When the last request but one was sent, and when the last one was.
    sent: [Timestamp; 2],
}

/// The state of a sign-in: the event that it waits for.
#[derive(Debug)]
pub(super) enum State {
    Start,
    /// `offer` is the session of `SELECT_CHALLENGE`, if the pool has offered first factors.
    PublicA {
        offer: Option<Session>,
    },
    PasswordChallenge {
        a: Ephemeral,
        public_a: PublicA,
    },
    SessionKey {
        block: String,
        identity: Identity,
        timestamp: String,
    },
    PasswordAnswer {
        sent: Timestamp,
    },
    Code {
        of: CodeSource,
        session: Option<Session>,
    },
    Offer,
    FirstCodeSent,
    CustomChallenge,
    CustomAnswer {
        request: RespondToAuthChallenge,
        sent: Timestamp,
    },
    FactorAnswer,
    SecretCode,
    SetupAnswer {
        secret: TotpSecret,
    },
    SetupFinished,
    DevicePublic {
        session: Option<Session>,
    },
    DeviceChallenge,
    DeviceClaim {
        session: Option<Session>,
    },
    DeviceAnswer,
    Enrollment {
        token: AccessToken,
    },
    Confirmation {
        token: AccessToken,
    },
    OptIn {
        token: AccessToken,
    },
    Forgetting,
    Replay {
        sent: Timestamp,
    },
    Finished,
}

impl State {
    /// Returns what the sign-in waits for, for messages.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Enrollment { .. } => "the enrollment of the device",
            Self::Confirmation { .. } => "ConfirmDevice",
            Self::OptIn { .. } => "UpdateDeviceStatus",
            Self::Forgetting => "ForgetDevice",
            _ => "a challenge",
        }
    }
}

impl SignIn {
    /// Creates a sign-in that starts with [`Event::Start`]. All its random values are drawn from `rng`.
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
            asked: Vec::new(),
            requests: 0,
            sent: [Timestamp::default(); 2],
        }
    }

    /// Returns the attempts so far.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Returns when and how the sign-in ended. The enrollment of a device and a replay follow after that.
    pub const fn ended(&self) -> Option<&(Timestamp, End)> {
        self.end.as_ref()
    }

    /// Returns the device that was enrolled.
    pub const fn enrollment(&self) -> Option<&Enrollment> {
        self.enrollment.as_ref()
    }

    /// Returns the tokens.
    pub const fn tokens(&self) -> Option<&AuthenticationResult> {
        self.tokens.as_ref()
    }

    /// Returns the device that was forgotten.
    pub const fn forgotten_device(&self) -> Option<&DeviceKey> {
        self.forgotten_device.as_ref()
    }

    /// Returns the secret of the authenticator app that was set up.
    pub const fn new_app(&self) -> Option<&TotpSecret> {
        self.new_app.as_ref()
    }

    /// Handles an event. An event that the state does not allow ends the sign-in as a protocol violation.
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
            (State::Start, Event::Start) => self.start(now),
            (State::PublicA { offer }, Event::JobResult(JobResult::PublicA { a, public_a })) => {
                let request = self.srp_start(offer.as_ref(), &public_a);
                self.send(now, request, State::PasswordChallenge { a, public_a })
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

    /// Begins the proof of the password. `offer` is the session of `SELECT_CHALLENGE`, if there is one.
    pub(super) fn begin_srp(&mut self, offer: Option<Session>) -> Action {
        let a = Ephemeral::draw(self.options.ephemeral_bits, &mut self.rng);
        self.state = State::PublicA { offer };
        Action::Compute(Job::ClientPublic { group: self.options.group, a })
    }

    /// Handles the answer to `InitiateAuth`. Any answer other than PASSWORD_VERIFIER ends the sign-in before
    /// the client has proved the password.
    fn on_first_answer(&mut self, now: Timestamp, a: Ephemeral, public_a: PublicA, answer: Reply) -> Action {
        match answer {
            Ok(Response::Auth(AuthOutcome::Challenge(challenge))) => {
                self.asked.push(challenge.name);
                if challenge.name == ChallengeName::PasswordVerifier {
                    return self.on_password_challenge(now, a, public_a, &challenge);
                }
                self.protocol_violation(
                    now,
                    format!("the pool answered InitiateAuth with {}", challenge.name),
                )
            }
            Ok(Response::Auth(AuthOutcome::Tokens(tokens))) => {
                self.record_early_decision(now);
                self.close_attempt(AttemptEnd::Tokens { new_device: tokens.new_device.is_some() });
                // The client has proved nothing yet, so it must not accept tokens.
                self.protocol_violation(now, "the pool issued tokens before the password was proved")
            }
            Ok(_) => self.protocol_violation(now, "the answer belongs to another operation"),
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
            return self.protocol_violation(now, "PASSWORD_VERIFIER lacks a parameter");
        };
        let Ok(salt) = Salt::from_hex(salt) else {
            return self.protocol_violation(now, "SALT is not hexadecimal");
        };
        let Ok(public_b) = PublicB::parse_hex(self.options.group, b) else {
            return self.protocol_violation(now, "SRP_B is outside 0 < B < N");
        };
        if BASE64.decode(block.as_bytes()).is_err() {
            return self.protocol_violation(now, "SECRET_BLOCK is not base64");
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

    /// Sends the claim with this device key. Clients send the same claim without the key if the device is
    /// unknown.
    pub(super) fn send_claim_for_device(&mut self, now: Timestamp, device: Option<DeviceKey>) -> Action {
        let Some(mut claim) = self.claim.clone() else {
            return self.protocol_violation(now, "there is no claim to send");
        };
        if let (Some(key), Some(parameters)) = (&device, parameters_of(&mut claim)) {
            *parameters = std::mem::take(parameters).with(keys::DEVICE_KEY, key.as_str());
        }
        self.attempts.push(Attempt::new(device, self.asked.clone()));
        self.send(now, claim, State::PasswordAnswer { sent: now })
    }

    fn on_password_answer(&mut self, now: Timestamp, sent: Timestamp, answer: Reply) -> Action {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.claimed = Some((sent, now));
        }
        match answer {
            Err(error) if error.kind == ErrorKind::ResourceNotFound && self.names_device() => {
                // amazon-cognito-identity-js and Amplify do the same.
                self.close_attempt(AttemptEnd::Refused(error));
                self.send_claim_for_device(now, None)
            }
            answer => self.on_auth(now, answer),
        }
    }

    /// Sends the claim again after the pool has issued tokens for it, if the options require this.
    pub(super) fn replay(&mut self, now: Timestamp) -> Action {
        let (Some(claim), true) = (self.claim.take(), self.options.replay) else {
            self.state = State::Finished;
            return Action::Finished;
        };
        self.attempts.push(Attempt { replayed: true, ..Attempt::new(None, self.asked.clone()) });
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

    pub(super) fn names_device(&self) -> bool {
        self.attempts.last().is_some_and(|attempt| attempt.device.is_some())
    }

    /// Builds the response to a challenge, with the username that the pool uses for SRP.
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
            client_metadata: Parameters::new(),
        }
    }

    /// Sends a request and waits in `state` for the answer.
    pub(super) fn send(&mut self, now: Timestamp, request: Request, state: State) -> Action {
        self.requests += 1;
        if self.requests > MAX_REQUESTS {
            return self.protocol_violation(now, "the pool sends challenges without end");
        }
        self.sent = [self.sent[1], now];
        self.state = state;
        Action::Send(request)
    }

    /// Measures the challenge that this answer completes: its time starts with the request before the last.
    fn record_challenge_time(&mut self, now: Timestamp) {
        let first = self.requests < 2;
        let challenge_time = now.since(self.sent[0]);
        if let Some(attempt) = self.attempts.last_mut().filter(|attempt| !first && attempt.end.is_none()) {
            attempt.longest_challenge_time = attempt.longest_challenge_time.max(challenge_time);
        }
    }

    /// Records an attempt if the pool decided before the claim, so that the oracle can judge it.
    fn record_early_decision(&mut self, now: Timestamp) {
        if self.attempts.is_empty() && self.requests > 0 {
            let claimed = Some((self.sent[1], now));
            let device = self.options.device.clone();
            self.attempts.push(Attempt { claimed, ..Attempt::new(device, self.asked.clone()) });
        }
    }

    /// Records how the attempt in progress ended.
    pub(super) fn close_attempt(&mut self, end: AttemptEnd) {
        if let Some(attempt) = self.attempts.last_mut().filter(|attempt| attempt.end.is_none()) {
            attempt.end = Some(end);
        }
    }

    /// Ends the sign-in after a refusal. The caller has retried throttled requests before, so throttling
    /// abandons it.
    pub(super) fn refused(&mut self, now: Timestamp, error: ApiError) -> Action {
        if error.kind == ErrorKind::TooManyRequests {
            return self.finish(now, End::Abandoned);
        }
        self.record_early_decision(now);
        self.close_attempt(AttemptEnd::Refused(error.clone()));
        self.finish(now, End::Refused(error))
    }

    /// Ends the sign-in because the pool's answer violates the protocol.
    pub(super) fn protocol_violation(&mut self, now: Timestamp, why: impl Into<String>) -> Action {
        self.record_early_decision(now);
        self.close_attempt(AttemptEnd::ProtocolViolation);
        self.finish(now, End::ProtocolViolation(why.into()))
    }

    /// Finishes. Keeps the end of a sign-in that has ended before.
    pub(super) fn finish(&mut self, now: Timestamp, end: End) -> Action {
        self.end.get_or_insert((now, end));
        self.state = State::Finished;
        Action::Finished
    }
}

/// Returns the parameters of `InitiateAuth` or `RespondToAuthChallenge`.
const fn parameters_of(request: &mut Request) -> Option<&mut Parameters> {
    match request {
        Request::InitiateAuth(start) => Some(&mut start.auth_parameters),
        Request::RespondToAuthChallenge(answer) => Some(&mut answer.challenge_responses),
        _ => None,
    }
}
