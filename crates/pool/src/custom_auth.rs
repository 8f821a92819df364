//! Custom challenges (`CUSTOM_AUTH`, docs/semantics.md): the pool's triggers decide which challenges a client
//! answers, alone or after the password.

use super::account::{Account, Device};
use super::answer::SessionAnswer;
use super::app_client::AppClient;
use super::session_store::{FirstAnswer, Owner, ProvenBy, SignInState, UnprovenSession, UnprovenSignIn};
use super::sign_in::{named_device, required};
use super::trigger::{
    self, CUSTOM_CHALLENGE, ChallengeResult, CreateOutput, CustomAuth, CustomState, DefineOutput,
    EventContext, MAX_CHALLENGES, Output, PASSWORD_VERIFIER, SRP_A, Trigger, TriggerFailure,
};
use super::{Pending, PendingWork, Pool, Step, refuse, reply};
use poolproof_cognito::ids::Session;
use poolproof_cognito::protocol::{
    ApiError, ChallengeName, DeviceStatus, ErrorKind, Origin, Parameters, RespondToAuthChallenge, keys,
};
use poolproof_cognito::time::Timestamp;
use poolproof_srp::PublicA;

/// A sign-in that waits for a trigger.
#[derive(Debug)]
pub(super) struct PendingTrigger {
    sign_in: CustomSignIn,
    username: String,
    trigger: Trigger,
}

/// A sign-in with custom challenges.
#[derive(Debug)]
struct CustomSignIn {
    sign_in: UnprovenSignIn,
    /// The public value with which the client starts the proof of the password.
    public_a: Option<PublicA>,
    /// Whether the password was correct.
    password_proven: bool,
    history: Vec<ChallengeResult>,
    /// The recorded event of the sign-in, if the password was proven and threat protection is on.
    event_id: Option<String>,
    /// `ClientMetadata` of the request.
    metadata: Parameters,
    /// The session that was answered. It is restored if the device is unknown.
    session: Option<Box<AnsweredSession>>,
}

/// The session that an answer to a custom challenge has removed. While the pool waits for a trigger it is
/// restored, since another answer may come first.
#[derive(Debug)]
struct AnsweredSession {
    answer: SessionAnswer,
    session: Session,
    unproven: UnprovenSession,
    /// Whether an earlier request named the device, and this one none.
    device_from_start: bool,
}

impl Pool {
    /// `InitiateAuth` with `CUSTOM_AUTH`. With `CHALLENGE_NAME: SRP_A` the password is proven first.
    pub(super) fn start_custom(
        &mut self,
        now: Timestamp,
        origin: Origin,
        client: &AppClient,
        parameters: &Parameters,
    ) -> Step {
        let started = self.read_unproven(origin, client, parameters).and_then(|sign_in| {
            let password_first = match parameters.value(keys::CHALLENGE_NAME) {
                Some(SRP_A) => true,
                Some(CUSTOM_CHALLENGE) => false,
                None => parameters.value(keys::SRP_A).is_some(),
                Some(_) => {
                    return Err(ApiError::invalid_parameter(
                        "Invalid CHALLENGE_NAME: SRP_A or CUSTOM_CHALLENGE.",
                    ));
                }
            };
            let public_a = match password_first {
                true => Some(self.read_public_a(required(parameters, keys::SRP_A)?)?),
                false => None,
            };
            let history = public_a.iter().map(|_| ChallengeResult::right(SRP_A)).collect();
            Ok(CustomSignIn {
                sign_in,
                public_a,
                password_proven: false,
                history,
                event_id: None,
                // Cognito passes the metadata of InitiateAuth to none of these triggers (API reference).
                metadata: Parameters::new(),
                session: None,
            })
        });
        match started {
            Ok(custom) => self.call_trigger(now, custom, Trigger::Define),
            Err(error) => refuse(error),
        }
    }

    /// Continues after the correct password with the custom challenges.
    pub(super) fn continue_custom(
        &mut self,
        now: Timestamp,
        sign_in: SignInState,
        origin: Origin,
        metadata: Parameters,
    ) -> Step {
        let SignInState { client_id, account, credentials, named_device, event_id, .. } = sign_in;
        let owner = Owner::Account(account);
        let started_as = self.name_of(&owner).to_owned();
        let custom = CustomSignIn {
            sign_in: UnprovenSignIn { client_id, owner, started_as, credentials, named_device, origin },
            public_a: None,
            password_proven: true,
            history: [SRP_A, PASSWORD_VERIFIER].map(ChallengeResult::right).to_vec(),
            event_id,
            metadata,
            session: None,
        };
        self.call_trigger(now, custom, Trigger::Define)
    }

    /// Answers `CUSTOM_CHALLENGE`. Wrong answers do not count as failed attempts to sign in.
    pub(super) fn answer_custom(
        &mut self,
        now: Timestamp,
        origin: Origin,
        request: &RespondToAuthChallenge,
    ) -> Step {
        let answers = &request.challenge_responses;
        let taken = required(answers, keys::ANSWER).and_then(|text| {
            let answer = SessionAnswer::read(request, ChallengeName::CustomChallenge)?;
            Ok((text, self.take_unproven(now, &answer)?, answer))
        });
        let (text, (session, unproven), answer) = match taken {
            Ok(taken) => taken,
            Err(error) => return refuse(error),
        };
        let UnprovenSession { sign_in, expected_answer: FirstAnswer::Custom(state), .. } = unproven.clone()
        else {
            return refuse(ApiError::internal("the session expects another challenge"));
        };
        let CustomState { mut history, private, metadata, event_id } = *state;
        let password_proven = history.iter().any(|result| result.name == PASSWORD_VERIFIER);
        if let Err(error) = self.check_custom_user(&sign_in, password_proven) {
            return refuse(error);
        }
        // The result is known when the trigger has answered.
        history.push(ChallengeResult { name: CUSTOM_CHALLENGE, right: false, metadata });
        let named_device = named_device(answers);
        let device_from_start = named_device.is_none();
        let named_device = named_device.or(sign_in.named_device);
        let custom = CustomSignIn {
            sign_in: UnprovenSignIn { named_device, origin, ..sign_in },
            public_a: None,
            password_proven,
            history,
            event_id,
            metadata: request.client_metadata.clone(),
            session: Some(Box::new(AnsweredSession { answer, session, unproven, device_from_start })),
        };
        self.call_trigger(now, custom, Trigger::Verify { private, answer: text.to_owned() })
    }

    /// Refuses the answer of a user who may not sign in now. Without a password, an app client that hides
    /// which users exist hides this too until all answers are right.
    fn check_custom_user(&self, sign_in: &UnprovenSignIn, password_proven: bool) -> Result<(), ApiError> {
        let hides = self.client(sign_in.client_id.as_str())?.prevents_user_existence_errors;
        match Self::account_of(&sign_in.owner) {
            Some(id) if password_proven || !hides => self.check_may_continue(id),
            _ => Ok(()),
        }
    }

    /// Calls a trigger: the built-in one at once, an endpoint as an effect.
    fn call_trigger(&mut self, now: Timestamp, sign_in: CustomSignIn, trigger: Trigger) -> Step {
        match &self.custom_auth {
            None => {
                let message = "Custom auth lambda trigger is not configured for the user pool.";
                refuse(ApiError::invalid_parameter(message))
            }
            Some(CustomAuth::Challenges(challenges)) => {
                let output = trigger::built_in(challenges, &trigger, &sign_in.history);
                self.continue_after_trigger(now, sign_in, output)
            }
            Some(CustomAuth::Endpoint) => {
                let call = trigger::event(&trigger, &self.event_context(&sign_in, &trigger));
                if let Some(answered) = &sign_in.session {
                    self.session_store.restore_unproven(&answered.session, answered.unproven.clone());
                }
                let client_id = sign_in.sign_in.client_id.clone();
                let username = self.name_of(&sign_in.sign_in.owner).to_owned();
                let pending = PendingTrigger { sign_in, username, trigger };
                Step::Trigger(Box::new(call), Pending::new(&client_id, PendingWork::Trigger(pending)))
            }
        }
    }

    fn event_context<'e>(&'e self, custom: &'e CustomSignIn, trigger: &Trigger) -> EventContext<'e> {
        let CustomSignIn { sign_in, history, .. } = custom;
        let account = Self::account_of(&sign_in.owner).map(|id| self.directory.account(id));
        // The challenge that is being verified is not answered yet.
        let answered = match trigger {
            Trigger::Verify { .. } => history.len().saturating_sub(1),
            Trigger::Define | Trigger::Create { .. } => history.len(),
        };
        EventContext {
            region: self.identity.pool_id.region(),
            pool_id: self.identity.pool_id.as_str(),
            client_id: sign_in.client_id.as_str(),
            username: self.name_of(&sign_in.owner),
            attributes: account.map(Account::trigger_attributes).unwrap_or_default(),
            user_not_found: account.is_none(),
            history: &history[..answered],
            metadata: &custom.metadata,
        }
    }

    /// Continues a request with the answer of the trigger endpoint.
    pub(super) fn read_trigger_answer(
        &mut self,
        now: Timestamp,
        pending_work: PendingTrigger,
        answer: Result<Vec<u8>, TriggerFailure>,
    ) -> Step {
        let PendingTrigger { mut sign_in, username, trigger } = pending_work;
        if let Err(error) = self.check_custom(now, &mut sign_in, &username) {
            return refuse(error);
        }
        match trigger::read(&trigger, answer) {
            Ok(output) => self.continue_after_trigger(now, sign_in, output),
            Err(error) => {
                // The trigger has judged nothing, so the challenge can be answered again (our reading).
                let answered = sign_in.session.filter(|_| error.kind == ErrorKind::UnexpectedLambda);
                if let Some(AnsweredSession { session, unproven, .. }) = answered.map(|answered| *answered) {
                    self.session_store.restore_unproven(&session, unproven);
                }
                refuse(error)
            }
        }
    }

    /// Checks what may have changed while the trigger ran: whether the session still waits for an answer and
    /// whether the user still exists.
    fn check_custom(
        &mut self,
        now: Timestamp,
        custom: &mut CustomSignIn,
        username: &str,
    ) -> Result<(), ApiError> {
        if let Some(answered) = &mut custom.session {
            (answered.session, answered.unproven) = self.take_unproven(now, &answered.answer)?;
            if answered.device_from_start {
                custom.sign_in.named_device.clone_from(&answered.unproven.sign_in.named_device);
            }
        }
        let exists = Self::account_of(&custom.sign_in.owner).is_none_or(|id| self.directory.has_account(id));
        if exists {
            return Ok(());
        }
        let client = self.client(custom.sign_in.client_id.as_str())?;
        let owner = self.owner(&client, username)?;
        if custom.password_proven {
            return Err(ApiError::incorrect_credentials());
        }
        custom.sign_in.credentials = self.credentials_of(&owner);
        custom.sign_in.owner = owner;
        Ok(())
    }

    fn continue_after_trigger(&mut self, now: Timestamp, mut custom: CustomSignIn, output: Output) -> Step {
        match output {
            Output::Verify { correct } => {
                if let Some(last) = custom.history.last_mut() {
                    last.right = correct;
                }
                self.call_trigger(now, custom, Trigger::Define)
            }
            Output::Define(output) => self.follow_definition(now, custom, &output),
            Output::Create(output) => self.ask_custom(now, custom, output),
        }
    }

    fn follow_definition(&mut self, now: Timestamp, custom: CustomSignIn, output: &DefineOutput) -> Step {
        if output.fail_authentication == Some(true) || custom.history.len() >= MAX_CHALLENGES {
            return refuse(ApiError::incorrect_credentials());
        }
        if output.issue_tokens == Some(true) {
            return self.finish_custom(now, custom);
        }
        match output.challenge_name.as_deref() {
            Some(name @ CUSTOM_CHALLENGE) => {
                self.call_trigger(now, custom, Trigger::Create { challenge_name: name.to_owned() })
            }
            Some(PASSWORD_VERIFIER) => {
                match (self.client(custom.sign_in.client_id.as_str()), custom.public_a) {
                    (Err(error), _) => refuse(error),
                    (Ok(_), None) => refuse(trigger::unrecognizable()),
                    (Ok(client), Some(public_a)) => {
                        let UnprovenSignIn { owner, named_device, .. } = custom.sign_in;
                        self.begin_srp(&client, owner, public_a, named_device, true)
                    }
                }
            }
            // AWS documents these names too.
            Some(name) if name.parse::<ChallengeName>().is_ok() => {
                refuse(ApiError::not_simulated(format!("{name} in the output of DefineAuthChallenge")))
            }
            _ => refuse(trigger::unrecognizable()),
        }
    }

    fn ask_custom(&mut self, now: Timestamp, custom: CustomSignIn, output: CreateOutput) -> Step {
        let public = output.public_challenge_parameters.unwrap_or_default();
        let public: Vec<(&str, &str)> =
            public.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let state = CustomState {
            history: custom.history,
            private: output.private_challenge_parameters.unwrap_or_default(),
            metadata: output.challenge_metadata,
            event_id: custom.event_id,
        };
        let expected_answer = FirstAnswer::Custom(Box::new(state));
        reply(Ok(self.ask_unproven(now, custom.sign_in, expected_answer, Vec::new(), &public)))
    }

    /// Ends the custom challenges: with the proof of the device or with tokens.
    fn finish_custom(&mut self, now: Timestamp, custom: CustomSignIn) -> Step {
        let UnprovenSignIn { client_id, owner, credentials, named_device, origin, .. } = custom.sign_in;
        // All answers of an unknown user can be right, but there is no account to sign in to.
        let Some(id) = Self::account_of(&owner) else { return refuse(ApiError::incorrect_credentials()) };
        if let Err(error) = self.check_may_continue(id) {
            return refuse(error);
        }
        if self.directory.account(id).credential_version != credentials {
            return refuse(ApiError::invalid_session());
        }
        let mut trusted_device = None;
        if let (true, Some(key)) = (self.policy.remember.tracks(), &named_device) {
            match self.directory.account(id).confirmed(key).map(Device::status) {
                None => {
                    if let Some(mut answered) = custom.session {
                        answered.unproven.sign_in.named_device = None;
                        self.session_store.restore_unproven(&answered.session, answered.unproven);
                    }
                    return refuse(ApiError::device_not_found());
                }
                Some(Some(DeviceStatus::Remembered)) => trusted_device = Some(key.clone()),
                Some(_) => {}
            }
        }
        let proven_by = if custom.password_proven { ProvenBy::CustomAfterPassword } else { ProvenBy::Custom };
        let sign_in = SignInState {
            client_id,
            account: id,
            credentials,
            proven_by,
            named_device,
            trusted_device,
            mfa_done: false,
            address: origin.address,
            answered_session: custom.session.map(|answered| answered.session),
            answered_by_alias: false,
            risk_mfa: false,
            event_id: custom.event_id,
        };
        reply(Ok(self.after_factor(now, sign_in)))
    }
}
