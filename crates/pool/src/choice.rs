//! Choice-based sign-in (`USER_AUTH`, docs/semantics.md): the client chooses the first factor.

use super::account::AccountId;
use super::answer::SessionAnswer;
use super::code_delivery::delivery_details;
use super::codes::DeliveredCode;
use super::decide::Proven;
use super::password::PlainPassword;
use super::session_store::{FirstAnswer, Owner, ProvenBy, UnprovenSession, UnprovenSignIn};
use super::sign_in::{named_device, required};
use super::{AppClient, Pending, PendingWork, Pool, Step, refuse, reply};
use poolproof_cognito::policy::{AddressKind, MfaMode};
use poolproof_cognito::protocol::{
    ApiError, AuthOutcome, Challenge, ChallengeName, ErrorKind, Origin, Parameters, RespondToAuthChallenge,
    Response, keys,
};
use poolproof_cognito::time::Timestamp;

impl Pool {
    /// `InitiateAuth` with `USER_AUTH`.
    pub(super) fn start_choice(
        &mut self,
        now: Timestamp,
        origin: Origin,
        client: &AppClient,
        parameters: &Parameters,
    ) -> Step {
        let started = self.read_unproven(origin, client, parameters).and_then(|sign_in| {
            let preferred = parameters.value(keys::PREFERRED_CHALLENGE);
            let preferred = preferred.map(|name| self.first_factor(&sign_in, name)).transpose()?;
            match preferred.flatten() {
                Some(factor) => self.begin_factor(now, client, sign_in, factor, parameters, None),
                // Also if the preferred one is not available.
                None => Ok(reply(Ok(self.offer_factors(now, sign_in)))),
            }
        });
        started.unwrap_or_else(refuse)
    }

    /// Reads who starts a sign-in without a proof.
    pub(super) fn read_unproven(
        &self,
        origin: Origin,
        client: &AppClient,
        parameters: &Parameters,
    ) -> Result<UnprovenSignIn, ApiError> {
        let username = required(parameters, keys::USERNAME)?;
        client.check_hash_at_start(parameters)?;
        let owner = self.owner(client, username)?;
        if let (Owner::Account(id), false) = (&owner, client.prevents_user_existence_errors) {
            self.check_user_status(*id)?;
        }
        let (credentials, named_device) = (self.credentials_of(&owner), named_device(parameters));
        // A name has at most 128 characters (API model), so only the start of a longer one is kept.
        let (client_id, started_as) = (client.id.clone(), username.chars().take(129).collect());
        Ok(UnprovenSignIn { client_id, owner, started_as, credentials, named_device, origin })
    }

    /// Returns the version of a user's credentials.
    pub(super) fn credentials_of(&self, owner: &Owner) -> u64 {
        Self::account_of(owner).map_or(0, |id| self.directory.account(id).credential_version)
    }

    /// Returns the first factors that this user can choose.
    ///
    /// Codes are not offered where an MFA would follow: with MFA required, and to a user with an active
    /// factor if MFA is optional. An unknown user is offered a selection that is the same every time.
    fn first_factors(&self, sign_in: &UnprovenSignIn) -> Vec<ChallengeName> {
        let allowed = self.policy.first_factors;
        let (email, phone, active) = match &sign_in.owner {
            Owner::Account(id) => {
                let account = self.directory.account(*id);
                let active = !account.active_factors(self.policy.factor_types).is_empty();
                (account.email.is_some(), account.phone.is_some(), active)
            }
            Owner::UnknownUser(_) => {
                let has = |kind| self.simulates_address(kind, &sign_in.started_as);
                (has(AddressKind::Email), has(AddressKind::Phone), false)
            }
        };
        let codes = match self.policy.mfa {
            MfaMode::Off => true,
            MfaMode::Optional => !active,
            MfaMode::On => false,
        };
        let factors = [
            (true, ChallengeName::PasswordSrp),
            (true, ChallengeName::Password),
            (codes && allowed.email_otp && email, ChallengeName::EmailOtp),
            (codes && allowed.sms_otp && phone, ChallengeName::SmsOtp),
        ];
        factors.into_iter().filter_map(|(offered, name)| offered.then_some(name)).collect()
    }

    /// Returns the first factor with this name; `None` if the user cannot choose it.
    fn first_factor(&self, sign_in: &UnprovenSignIn, name: &str) -> Result<Option<ChallengeName>, ApiError> {
        match name.parse() {
            Ok(ChallengeName::WebAuthn) => Err(ApiError::not_simulated("WEB_AUTHN")),
            Ok(
                factor @ (ChallengeName::Password
                | ChallengeName::PasswordSrp
                | ChallengeName::EmailOtp
                | ChallengeName::SmsOtp),
            ) => Ok(Some(factor).filter(|factor| self.first_factors(sign_in).contains(factor))),
            _ => {
                let shown: String = name.chars().take(64).collect();
                Err(ApiError::invalid_parameter(format!("{shown} is not a first factor.")))
            }
        }
    }

    fn offer_factors(&mut self, now: Timestamp, sign_in: UnprovenSignIn) -> Response {
        let available = self.first_factors(&sign_in);
        self.ask_unproven(now, sign_in, FirstAnswer::Choice, available, &[])
    }

    /// Opens a session that waits for this answer and returns its challenge.
    pub(super) fn ask_unproven(
        &mut self,
        now: Timestamp,
        sign_in: UnprovenSignIn,
        expected_answer: FirstAnswer,
        available: Vec<ChallengeName>,
        extra_parameters: &[(&str, &str)],
    ) -> Response {
        let name = expected_answer.challenge();
        let mut parameters = Parameters::new();
        for (key, value) in extra_parameters {
            parameters = parameters.with(key, *value);
        }
        let username = self.name_of(&sign_in.owner);
        let parameters = parameters.with(keys::USERNAME, username).with(keys::USER_ID_FOR_SRP, username);
        let session = self.new_session();
        let validity = self.session_validity(&sign_in.client_id);
        let unproven = UnprovenSession { sign_in, expected_answer, expires: now.plus(validity) };
        self.session_store.open_unproven(&session, unproven, validity);
        Response::Auth(AuthOutcome::Challenge(Challenge {
            name,
            session: Some(session),
            parameters,
            available,
        }))
    }

    /// Answers `SELECT_CHALLENGE`, `PASSWORD` or `PASSWORD_SRP`.
    pub(super) fn answer_choice(
        &mut self,
        now: Timestamp,
        origin: Origin,
        client: &AppClient,
        challenge: ChallengeName,
        request: &RespondToAuthChallenge,
    ) -> Step {
        let answers = &request.challenge_responses;
        let chosen = match challenge {
            ChallengeName::SelectChallenge => required(answers, keys::ANSWER),
            ChallengeName::Password => required(answers, keys::PASSWORD).map(|_| challenge.as_str()),
            _ => required(answers, keys::SRP_A).map(|_| challenge.as_str()),
        };
        let taken = chosen.and_then(|chosen| {
            let answer = SessionAnswer::read(request, challenge)?;
            Ok((chosen, self.take_unproven(now, &answer)?, answer))
        });
        let (chosen, (session, unproven), answer) = match taken {
            Ok(taken) => taken,
            Err(error) => return refuse(error),
        };
        let named_device = named_device(answers).or_else(|| unproven.sign_in.named_device.clone());
        let sign_in = UnprovenSignIn { named_device, origin, ..unproven.sign_in.clone() };
        let factor = self.first_factor(&sign_in, chosen).and_then(|factor| {
            factor.ok_or_else(|| {
                ApiError::invalid_parameter("Invalid ANSWER: choose one of AvailableChallenges.")
            })
        });
        let answer = Some(answer);
        let begun =
            factor.and_then(|factor| self.begin_factor(now, client, sign_in, factor, answers, answer));
        match begun {
            // The session is answered when the password is judged.
            Ok(step @ Step::Compute(_, Pending { work: PendingWork::PlainPassword(_), .. })) => {
                self.session_store.restore_unproven(&session, unproven);
                step
            }
            Ok(step) => step,
            Err(error) => {
                self.session_store.restore_unproven(&session, unproven);
                refuse(error)
            }
        }
    }

    /// Begins the proof of this first factor. `answer` is what the answered session is found by, if there is
    /// one.
    fn begin_factor(
        &mut self,
        now: Timestamp,
        client: &AppClient,
        sign_in: UnprovenSignIn,
        factor: ChallengeName,
        parameters: &Parameters,
        answer: Option<SessionAnswer>,
    ) -> Result<Step, ApiError> {
        let challenge = match factor {
            ChallengeName::PasswordSrp => match parameters.value(keys::SRP_A) {
                Some(public_a) => {
                    let public_a = self.read_public_a(public_a)?;
                    return Ok(self.begin_srp(client, sign_in.owner, public_a, sign_in.named_device, false));
                }
                None => self.ask_unproven(now, sign_in, FirstAnswer::PasswordSrp, Vec::new(), &[]),
            },
            ChallengeName::Password => match parameters.value(keys::PASSWORD) {
                Some(password) => {
                    let username = required(parameters, keys::USERNAME)?;
                    let device_from_start = named_device(parameters).is_none();
                    let plain = PlainPassword { sign_in, username, password, device_from_start, answer };
                    return self.check_plain_password(now, client, plain);
                }
                None => self.ask_unproven(now, sign_in, FirstAnswer::Password, Vec::new(), &[]),
            },
            _ => self.send_first_code(now, sign_in, factor),
        };
        Ok(reply(Ok(challenge)))
    }

    /// Sends a code as the first factor and asks for it. Users that may not sign in get none, and neither do
    /// unknown users; the challenge does not show it.
    fn send_first_code(
        &mut self,
        now: Timestamp,
        sign_in: UnprovenSignIn,
        factor: ChallengeName,
    ) -> Response {
        let code = self.new_code();
        let sms = factor == ChallengeName::SmsOtp;
        let kind = if sms { AddressKind::Phone } else { AddressKind::Email };
        let (address, sent) = match &sign_in.owner {
            Owner::Account(id) => {
                let address = self.directory.account(*id).address(kind).cloned();
                (address.unwrap_or_default(), self.check_user_status(*id).is_ok())
            }
            Owner::UnknownUser(_) => (self.simulated_address(kind, &sign_in.started_as), false),
        };
        let shown = delivery_details(kind, &address);
        if let (Some(id), true) = (Self::account_of(&sign_in.owner), sent) {
            self.send_to(id, kind, &address, code.clone());
        }
        let delivered = sent.then_some(DeliveredCode { kind, address, code });
        let extra_parameters = [
            (keys::CODE_DELIVERY_DELIVERY_MEDIUM, shown.medium),
            (keys::CODE_DELIVERY_DESTINATION, shown.destination.as_str()),
        ];
        self.ask_unproven(now, sign_in, FirstAnswer::Code(kind, delivered), Vec::new(), &extra_parameters)
    }

    /// Returns whether a request answers a code that is the first factor.
    pub(super) fn asks_for_first_code(&self, request: &RespondToAuthChallenge) -> bool {
        let session = request.session.as_deref().unwrap_or_default();
        self.session_store.unproven_challenge(session) == Some(ChallengeName::EmailOtp)
    }

    /// Answers `SMS_OTP`, or `EMAIL_OTP` as the first factor. A code counts as an attempt, as a password
    /// does.
    pub(super) fn answer_first_code(
        &mut self,
        now: Timestamp,
        origin: Origin,
        challenge: ChallengeName,
        request: &RespondToAuthChallenge,
    ) -> Step {
        let answers = &request.challenge_responses;
        let key = if challenge == ChallengeName::SmsOtp { keys::SMS_OTP_CODE } else { keys::EMAIL_OTP_CODE };
        let taken = required(answers, key).and_then(|answer| {
            Ok((answer, self.take_unproven(now, &SessionAnswer::read(request, challenge)?)?))
        });
        let (answer, (session, mut unproven)) = match taken {
            Ok(taken) => taken,
            Err(error) => return refuse(error),
        };
        let owner = unproven.sign_in.owner.clone();
        if !self.failures(&owner).record_attempt(now) {
            self.session_store.restore_unproven(&session, unproven);
            return refuse(ApiError::attempts_exceeded());
        }
        let right = |id: &AccountId| match &unproven.expected_answer {
            FirstAnswer::Code(_, Some(delivered)) => {
                self.directory.account(*id).is_answered(delivered, answer)
            }
            _ => false,
        };
        let Some(id) = Self::account_of(&owner).filter(right) else {
            self.count_failure(now, &owner);
            self.session_store.restore_unproven(&session, unproven);
            return refuse(ApiError::new(ErrorKind::CodeMismatch, "Invalid code received for user"));
        };
        let username = self.directory.account(id).username.clone();
        let proven = Proven {
            client_id: unproven.sign_in.client_id.clone(),
            account: id,
            by: ProvenBy::Code,
            named_device: named_device(answers).or_else(|| unproven.sign_in.named_device.clone()),
            origin,
            metadata: Parameters::new(),
        };
        let step = self.after_first_factor(now, proven);
        if step.refuses_unknown_device() {
            unproven.sign_in.named_device = None;
            self.session_store.restore_unproven(&session, unproven);
        } else {
            self.session_store.discard_code(&username);
        }
        step
    }
}
