//! The start of a sign-in in each flow, codes as first factors, and custom challenges.

use super::sign_in::{SignIn, State};
use super::types::{Action, Attempt, AttemptEnd, CodeSource, FirstFactor, SignInFlow};
use poolproof_cognito::ids::Session;
use poolproof_cognito::protocol::{
    AuthOutcome, Challenge, ChallengeName, ErrorKind, InitiateAuth, Parameters, Reply, Request,
    RespondToAuthChallenge, Response, keys,
};
use poolproof_cognito::time::Timestamp;
use poolproof_srp::PublicA;

impl SignIn {
    /// Starts the sign-in.
    pub(super) fn start(&mut self, now: Timestamp) -> Action {
        match &self.options.flow {
            SignInFlow::Srp
            | SignInFlow::Choice(FirstFactor::PasswordSrp)
            | SignInFlow::Custom { password_first: true, .. } => self.begin_srp(None),
            SignInFlow::Password => self.send_password(now, "USER_PASSWORD_AUTH", Parameters::new()),
            SignInFlow::Choice(FirstFactor::Password) => {
                let preferred = ChallengeName::Password.as_str();
                let parameters = Parameters::new().with(keys::PREFERRED_CHALLENGE, preferred);
                self.send_password(now, "USER_AUTH", parameters)
            }
            // Without a preference the pool offers what it has.
            SignInFlow::Choice(FirstFactor::SmsCode | FirstFactor::EmailCode) => {
                let request = self.initiate_auth("USER_AUTH", Parameters::new());
                self.send(now, request, State::Offer)
            }
            SignInFlow::Custom { password_first: false, .. } => {
                let device = self.options.device.clone();
                let parameters = match &device {
                    Some(key) => Parameters::new().with(keys::DEVICE_KEY, key.as_str()),
                    None => Parameters::new(),
                };
                let request = self.initiate_auth("CUSTOM_AUTH", parameters);
                self.send(now, request, State::CustomChallenge)
            }
        }
    }

    fn send_password(&mut self, now: Timestamp, flow: &str, parameters: Parameters) -> Action {
        let parameters = parameters.with(keys::PASSWORD, self.options.password.as_str());
        self.claim = Some(self.initiate_auth(flow, parameters));
        self.send_claim_for_device(now, self.options.device.clone())
    }

    /// Returns the request that starts the proof of the password.
    pub(super) fn srp_start(&self, offer: Option<&Session>, public_a: &PublicA) -> Request {
        let parameters = Parameters::new().with(keys::SRP_A, public_a.to_hex());
        let chosen = ChallengeName::PasswordSrp.as_str();
        if offer.is_some() {
            let answers = parameters.with(keys::ANSWER, chosen);
            let answer = self.answer_to(ChallengeName::SelectChallenge, offer, answers);
            return Request::RespondToAuthChallenge(answer);
        }
        match &self.options.flow {
            SignInFlow::Choice(_) => {
                self.initiate_auth("USER_AUTH", parameters.with(keys::PREFERRED_CHALLENGE, chosen))
            }
            SignInFlow::Custom { .. } => {
                self.initiate_auth("CUSTOM_AUTH", parameters.with(keys::CHALLENGE_NAME, keys::SRP_A))
            }
            SignInFlow::Srp | SignInFlow::Password => self.initiate_auth("USER_SRP_AUTH", parameters),
        }
    }

    fn initiate_auth(&self, flow: &str, parameters: Parameters) -> Request {
        Request::InitiateAuth(InitiateAuth {
            client_id: self.options.client_id.as_str().to_owned(),
            auth_flow: flow.to_owned(),
            auth_parameters: parameters.with(keys::USERNAME, self.options.username.as_str()),
        })
    }

    /// Returns the challenge with this name in a reply; otherwise ends the sign-in.
    fn expect_challenge(
        &mut self,
        now: Timestamp,
        name: ChallengeName,
        reply: Reply,
    ) -> Result<Challenge, Box<Action>> {
        match reply {
            Ok(Response::Auth(AuthOutcome::Challenge(challenge))) if challenge.name == name => {
                self.asked.push(name);
                if let Some(username) = challenge.parameters.value(keys::USERNAME) {
                    self.username_for_srp = username.to_owned();
                }
                Ok(challenge)
            }
            Ok(_) => Err(Box::new(self.protocol_violation(now, format!("the pool did not send {name}")))),
            Err(error) => Err(Box::new(self.refused(now, error))),
        }
    }

    /// Handles `SELECT_CHALLENGE`: chooses the code, or the password if the code is not offered.
    pub(super) fn on_offer(&mut self, now: Timestamp, reply: Reply) -> Action {
        let offer = match self.expect_challenge(now, ChallengeName::SelectChallenge, reply) {
            Ok(offer) => offer,
            Err(action) => return *action,
        };
        let code = self.code_challenge();
        if !offer.available.contains(&code) {
            return self.begin_srp(offer.session);
        }
        let answers = Parameters::new().with(keys::ANSWER, code.as_str());
        let answer = self.answer_to(ChallengeName::SelectChallenge, offer.session.as_ref(), answers);
        self.send(now, Request::RespondToAuthChallenge(answer), State::FirstCodeSent)
    }

    /// Returns the challenge of the code that is the first factor.
    const fn code_challenge(&self) -> ChallengeName {
        match self.options.flow {
            SignInFlow::Choice(FirstFactor::SmsCode) => ChallengeName::SmsOtp,
            _ => ChallengeName::EmailOtp,
        }
    }

    pub(super) fn on_first_code_sent(&mut self, now: Timestamp, reply: Reply) -> Action {
        let factor = match &self.options.flow {
            SignInFlow::Choice(factor) => *factor,
            _ => return self.protocol_violation(now, "there is no first factor"),
        };
        match self.expect_challenge(now, self.code_challenge(), reply) {
            Ok(asked) => self.enter_code(CodeSource::FirstFactor(factor), asked.session),
            Err(action) => *action,
        }
    }

    /// Answers with the code that is the first factor.
    pub(super) fn send_first_code(
        &mut self,
        now: Timestamp,
        factor: FirstFactor,
        session: Option<&Session>,
        code: String,
    ) -> Action {
        let key = if factor == FirstFactor::SmsCode { keys::SMS_OTP_CODE } else { keys::EMAIL_OTP_CODE };
        let answer = self.answer_to(self.code_challenge(), session, Parameters::new().with(key, code));
        self.claim = Some(Request::RespondToAuthChallenge(answer));
        self.send_claim_for_device(now, self.options.device.clone())
    }

    /// Handles the first custom challenge of a sign-in without a password.
    pub(super) fn on_custom_start(&mut self, now: Timestamp, reply: Reply) -> Action {
        match self.expect_challenge(now, ChallengeName::CustomChallenge, reply) {
            Ok(challenge) => {
                self.attempts.push(Attempt::new(self.options.device.clone(), self.asked.clone()));
                self.answer_custom(now, challenge.session.as_ref())
            }
            Err(action) => *action,
        }
    }

    /// Answers a custom challenge.
    pub(super) fn answer_custom(&mut self, now: Timestamp, session: Option<&Session>) -> Action {
        let SignInFlow::Custom { answers, .. } = &self.options.flow else {
            return self.protocol_violation(now, "the pool sent CUSTOM_CHALLENGE out of order");
        };
        let asked = self.attempts.last().map_or(0, |attempt| {
            let custom = attempt.challenges.iter().filter(|name| **name == ChallengeName::CustomChallenge);
            custom.count()
        });
        let answer =
            answers.get(asked.saturating_sub(1)).or_else(|| answers.last()).cloned().unwrap_or_default();
        let responses = Parameters::new().with(keys::ANSWER, answer);
        let request = self.answer_to(ChallengeName::CustomChallenge, session, responses);
        self.send_custom(now, request)
    }

    fn send_custom(&mut self, now: Timestamp, request: RespondToAuthChallenge) -> Action {
        let challenge_responses = self.with_device(request.challenge_responses.clone());
        let sent = RespondToAuthChallenge { challenge_responses, ..request.clone() };
        self.send(now, Request::RespondToAuthChallenge(sent), State::CustomAnswer { request, sent: now })
    }

    /// Handles the reply to a custom answer. If the pool does not know the device, the client answers once
    /// more without its key, as Amplify does.
    pub(super) fn on_custom_answer(
        &mut self,
        now: Timestamp,
        request: RespondToAuthChallenge,
        sent: Timestamp,
        reply: Reply,
    ) -> Action {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.claimed.get_or_insert((sent, now));
        }
        match reply {
            Err(error) if error.kind == ErrorKind::ResourceNotFound && self.names_device() => {
                self.close_attempt(AttemptEnd::Refused(error));
                let before =
                    self.attempts.last().map(|attempt| (attempt.challenges.clone(), attempt.claimed));
                let (challenges, claimed) = before.unwrap_or_default();
                self.attempts.push(Attempt { claimed, ..Attempt::new(None, challenges) });
                self.send_custom(now, request)
            }
            reply => self.on_auth(now, reply),
        }
    }
}
