//! The second phase of a sign-in: second factor and device proof.

use super::device::{DeviceAnswer, DeviceRequest};
use super::sign_in::{SignIn, State};
use super::types::{Action, AttemptEnd, CodeSource, End, Event};
use poolproof_cognito::ids::Session;
use poolproof_cognito::protocol::{
    AssociateSoftwareToken, AuthOutcome, Challenge, ChallengeName, Parameters, Reply, Request, Response,
    VerifySoftwareToken, keys,
};
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::TotpSecret;

impl SignIn {
    /// Handles the events of the second phase.
    pub(super) fn next_challenge(&mut self, now: Timestamp, state: State, event: Event) -> Action {
        match (state, event) {
            (State::Code { of, session }, Event::Code(code)) => self.on_code(now, of, session, code),
            (State::FactorAnswer | State::DeviceAnswer | State::SetupFinished, Event::Answer(answer)) => {
                self.on_auth(now, answer)
            }
            (State::Offer, Event::Answer(answer)) => self.on_offer(now, answer),
            (State::FirstCodeSent, Event::Answer(answer)) => self.on_first_code_sent(now, answer),
            (State::CustomChallenge, Event::Answer(answer)) => self.on_custom_start(now, answer),
            (State::CustomAnswer { request, sent }, Event::Answer(answer)) => {
                self.on_custom_answer(now, request, sent, answer)
            }
            (State::SecretCode, Event::Answer(answer)) => self.on_secret_code(now, answer),
            (State::SetupAnswer { secret }, Event::Answer(answer)) => self.on_verified(now, secret, answer),
            (State::DevicePublic { session }, Event::Device(DeviceAnswer::PublicValue(public_a))) => {
                self.send_device_public(now, session.as_ref(), &public_a)
            }
            (State::DeviceChallenge, Event::Answer(answer)) => self.on_device_challenge(now, answer),
            (State::DeviceClaim { session }, Event::Device(DeviceAnswer::Claim(claim))) => {
                let claim = self.with_device(claim);
                let answer = self.answer_to(ChallengeName::DevicePasswordVerifier, session.as_ref(), claim);
                self.send(now, Request::RespondToAuthChallenge(answer), State::DeviceAnswer)
            }
            (state, event) => self.next_follow_up(now, state, event),
        }
    }

    /// Handles an answer with tokens or the next challenge.
    pub(super) fn on_auth(&mut self, now: Timestamp, answer: Reply) -> Action {
        match answer {
            Err(error) => self.refused(now, error),
            Ok(Response::Auth(AuthOutcome::Tokens(tokens))) => {
                self.close_attempt(AttemptEnd::Tokens { new_device: tokens.new_device.is_some() });
                self.end = Some((now, End::SignedIn));
                self.tokens = Some(tokens.clone());
                self.enroll(now, tokens)
            }
            Ok(Response::Auth(AuthOutcome::Challenge(challenge))) => self.on_challenge(now, challenge),
            Ok(_) => self.protocol_violation(now, "the answer belongs to another operation"),
        }
    }

    fn on_challenge(&mut self, now: Timestamp, challenge: Challenge) -> Action {
        let Challenge { name, session, .. } = challenge;
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.challenges.push(name);
        }
        match name {
            ChallengeName::SmsMfa => self.enter_code(CodeSource::Phone, session),
            ChallengeName::EmailOtp => self.enter_code(CodeSource::Email, session),
            ChallengeName::SoftwareTokenMfa => self.enter_code(CodeSource::App, session),
            ChallengeName::SelectMfaType => {
                let choice = Parameters::new().with(keys::ANSWER, ChallengeName::SoftwareTokenMfa.as_str());
                let answer = self.answer_to(name, session.as_ref(), choice);
                self.send(now, Request::RespondToAuthChallenge(answer), State::FactorAnswer)
            }
            ChallengeName::MfaSetup => {
                let session = session.map(|session| session.as_str().to_owned());
                let request = Request::AssociateSoftwareToken(AssociateSoftwareToken { session });
                self.send(now, request, State::SecretCode)
            }
            ChallengeName::DeviceSrpAuth if self.options.device.is_some() => {
                self.state = State::DevicePublic { session };
                Action::Device(DeviceRequest::PublicValue)
            }
            ChallengeName::DeviceSrpAuth => self.protocol_violation(now, "DEVICE_SRP_AUTH without a device"),
            ChallengeName::NewPasswordRequired => {
                self.protocol_violation(now, format!("{name} is not for this user"))
            }
            ChallengeName::CustomChallenge => self.answer_custom(now, session.as_ref()),
            ChallengeName::PasswordVerifier
            | ChallengeName::DevicePasswordVerifier
            | ChallengeName::SelectChallenge
            | ChallengeName::Password
            | ChallengeName::PasswordSrp
            | ChallengeName::SmsOtp
            | ChallengeName::WebAuthn => {
                self.protocol_violation(now, format!("the pool sent {name} out of order"))
            }
        }
    }

    pub(super) fn enter_code(&mut self, of: CodeSource, session: Option<Session>) -> Action {
        self.state = State::Code { of: of.clone(), session };
        Action::EnterCode(of)
    }

    fn on_code(&mut self, now: Timestamp, of: CodeSource, session: Option<Session>, code: String) -> Action {
        let (challenge, key) = match of {
            CodeSource::Phone => (ChallengeName::SmsMfa, keys::SMS_MFA_CODE),
            CodeSource::Email => (ChallengeName::EmailOtp, keys::EMAIL_OTP_CODE),
            CodeSource::App => (ChallengeName::SoftwareTokenMfa, keys::SOFTWARE_TOKEN_MFA_CODE),
            CodeSource::FirstFactor(factor) => {
                return self.send_first_code(now, factor, session.as_ref(), code);
            }
            CodeSource::NewApp(secret) => {
                let session = session.map(|session| session.as_str().to_owned());
                let request = VerifySoftwareToken { session, user_code: code, friendly_device_name: None };
                return self.send(now, Request::VerifySoftwareToken(request), State::SetupAnswer { secret });
            }
        };
        let responses = self.with_device_after_mfa(Parameters::new().with(key, code));
        let answer = self.answer_to(challenge, session.as_ref(), responses);
        self.send(now, Request::RespondToAuthChallenge(answer), State::FactorAnswer)
    }

    fn on_secret_code(&mut self, now: Timestamp, answer: Reply) -> Action {
        match answer {
            Ok(Response::SecretCode { secret_code, session }) => {
                match TotpSecret::from_base32(&secret_code) {
                    Some(secret) => self.enter_code(CodeSource::NewApp(secret), Some(session)),
                    None => self.protocol_violation(now, "SecretCode is not base32"),
                }
            }
            Ok(_) => self.protocol_violation(now, "the answer belongs to another operation"),
            Err(error) => self.refused(now, error),
        }
    }

    fn on_verified(&mut self, now: Timestamp, secret: TotpSecret, answer: Reply) -> Action {
        match answer {
            Ok(Response::SoftwareTokenVerified { session }) => {
                let responses = self.with_device_after_mfa(Parameters::new());
                let answer = self.answer_to(ChallengeName::MfaSetup, Some(&session), responses);
                // The app is a factor from here on, however the sign-in ends.
                self.new_app = Some(secret);
                self.send(now, Request::RespondToAuthChallenge(answer), State::SetupFinished)
            }
            Ok(_) => self.protocol_violation(now, "the answer belongs to another operation"),
            Err(error) => self.refused(now, error),
        }
    }

    fn send_device_public(&mut self, now: Timestamp, session: Option<&Session>, public_a: &str) -> Action {
        let responses = self.with_device(Parameters::new().with(keys::SRP_A, public_a));
        let answer = self.answer_to(ChallengeName::DeviceSrpAuth, session, responses);
        self.send(now, Request::RespondToAuthChallenge(answer), State::DeviceChallenge)
    }

    fn on_device_challenge(&mut self, now: Timestamp, answer: Reply) -> Action {
        match answer {
            Ok(Response::Auth(AuthOutcome::Challenge(challenge)))
                if challenge.name == ChallengeName::DevicePasswordVerifier =>
            {
                if let Some(attempt) = self.attempts.last_mut() {
                    attempt.challenges.push(challenge.name);
                }
                self.state = State::DeviceClaim { session: challenge.session };
                let damaged = self.options.device_secret_damaged;
                Action::Device(DeviceRequest::Claim { challenge: challenge.parameters, damaged })
            }
            Ok(_) => self.protocol_violation(now, "DEVICE_SRP_AUTH did not lead to DEVICE_PASSWORD_VERIFIER"),
            Err(error) => self.refused(now, error),
        }
    }

    /// Adds the device key to an MFA answer, unless the client leaves it out there.
    fn with_device_after_mfa(&self, responses: Parameters) -> Parameters {
        if self.options.omits_key_after_mfa { responses } else { self.with_device(responses) }
    }

    /// Adds the device key of the current attempt, if it has one.
    pub(super) fn with_device(&self, responses: Parameters) -> Parameters {
        match self.attempts.last().and_then(|attempt| attempt.device.as_ref()) {
            Some(key) => responses.with(keys::DEVICE_KEY, key.as_str()),
            None => responses,
        }
    }
}
