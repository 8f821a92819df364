//! Second factors: selection, codes and setup.

use super::Pool;
use super::account::Account;
use super::answer::SessionAnswer;
use super::codes::DeliveredCode;
use super::session_store::{ExpectedAnswer, LookupKey, OpenSession, Owner, SignInState};
use super::sign_in::{named_device, required};
use poolproof_cognito::ids::{DeviceKey, Session};
use poolproof_cognito::policy::{AddressKind, MfaMode, ProofAfterMfa};
use poolproof_cognito::protocol::{
    ApiError, AssociateSoftwareToken, AuthOutcome, Challenge, ChallengeName, DeviceStatus, ErrorKind,
    Parameters, Reply, RespondToAuthChallenge, Response, VerifySoftwareToken, keys,
};
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::{TotpSecret, step_at};

/// The device that an MFA answer names.
struct AnsweredDevice {
    key: Option<DeviceKey>,
    /// Whether the device must prove its secret.
    proves: bool,
    /// Whether the answer used an alias as the user name.
    by_alias: bool,
}

impl Pool {
    /// Asks for the user's second factor: sends a code, asks for a code, offers a selection or starts a
    /// setup.
    pub(super) fn ask_for_factor(&mut self, now: Timestamp, sign_in: SignInState) -> Response {
        let types = self.policy.factor_types;
        let account = self.directory.account(sign_in.account);
        let factors = self.factors_to_ask(&sign_in);
        let preferred = account.preferred.filter(|preferred| factors.contains(preferred));
        match (preferred, factors.as_slice()) {
            (Some(preferred), _) => self.ask_for(now, sign_in, preferred),
            (None, [one]) => self.ask_for(now, sign_in, *one),
            (None, []) => {
                let possible = [
                    (types.sms, ChallengeName::SmsMfa),
                    (types.totp, ChallengeName::SoftwareTokenMfa),
                    (types.email, ChallengeName::EmailOtp),
                ];
                let possible = possible.into_iter().filter_map(|(offered, name)| offered.then_some(name));
                let names = json_list(possible);
                self.challenge(now, sign_in, ExpectedAnswer::Setup, &[(keys::MFAS_CAN_SETUP, &names)])
            }
            (None, several) => {
                let names = json_list(several.iter().copied());
                self.challenge(now, sign_in, ExpectedAnswer::FactorChoice, &[(keys::MFAS_CAN_CHOOSE, &names)])
            }
        }
    }

    /// Returns the factors that can satisfy a required MFA: the active ones. Without any, risk takes every
    /// registered factor, and a pool that requires MFA a registered phone number.
    fn factors_to_ask(&self, sign_in: &SignInState) -> Vec<ChallengeName> {
        let types = self.policy.factor_types;
        let account = self.directory.account(sign_in.account);
        let active = account.active_factors(types);
        if !active.is_empty() {
            return active;
        }
        let mut registered = account.registered_factors(types);
        if !sign_in.risk_mfa {
            registered.retain(|factor| *factor == ChallengeName::SmsMfa);
        }
        registered
    }

    fn ask_for(&mut self, now: Timestamp, sign_in: SignInState, factor: ChallengeName) -> Response {
        match factor {
            ChallengeName::SmsMfa => self.send_code(now, sign_in, AddressKind::Phone),
            ChallengeName::EmailOtp => self.send_code(now, sign_in, AddressKind::Email),
            _ => self.ask_for_totp(now, sign_in),
        }
    }

    /// Sends a code and asks for it.
    fn send_code(&mut self, now: Timestamp, sign_in: SignInState, kind: AddressKind) -> Response {
        let (id, code) = (sign_in.account, self.new_code());
        let address = self.directory.account(id).address(kind).cloned().unwrap_or_default();
        let shown = self.send_to(id, kind, &address, code.clone());
        let extra_parameters = [
            (keys::CODE_DELIVERY_DELIVERY_MEDIUM, shown.medium),
            (keys::CODE_DELIVERY_DESTINATION, shown.destination.as_str()),
        ];
        let expected_answer = ExpectedAnswer::Code(DeliveredCode { kind, address, code });
        self.challenge(now, sign_in, expected_answer, &extra_parameters)
    }

    fn ask_for_totp(&mut self, now: Timestamp, sign_in: SignInState) -> Response {
        let name = self.directory.account(sign_in.account).totp_name.clone().unwrap_or_default();
        self.challenge(now, sign_in, ExpectedAnswer::TotpCode, &[(keys::FRIENDLY_DEVICE_NAME, &name)])
    }

    /// Opens a session that waits for this challenge and returns the challenge to the client.
    pub(super) fn challenge(
        &mut self,
        now: Timestamp,
        sign_in: SignInState,
        expected_answer: ExpectedAnswer,
        extra_parameters: &[(&str, &str)],
    ) -> Response {
        let name = expected_answer.challenge();
        let account = self.directory.account(sign_in.account);
        let mut parameters = Parameters::new()
            .with(keys::USERNAME, account.username.as_str())
            .with(keys::USER_ID_FOR_SRP, account.username.as_str());
        for (key, value) in extra_parameters {
            parameters = parameters.with(key, *value);
        }
        let session = self.open_session(now, sign_in, expected_answer);
        let (session, available) = (Some(session), Vec::new());
        Response::Auth(AuthOutcome::Challenge(Challenge { name, session, parameters, available }))
    }

    /// Opens a session that waits for this challenge.
    pub(super) fn open_session(
        &mut self,
        now: Timestamp,
        sign_in: SignInState,
        expected_answer: ExpectedAnswer,
    ) -> Session {
        let expires = now.plus(self.session_validity(&sign_in.client_id));
        self.open_session_until(now, sign_in, expected_answer, expires)
    }

    /// Opens a session that waits for this challenge and cannot be answered after `expires`.
    fn open_session_until(
        &mut self,
        now: Timestamp,
        sign_in: SignInState,
        expected_answer: ExpectedAnswer,
        expires: Timestamp,
    ) -> Session {
        let session = self.new_session();
        let validity = self.session_validity(&sign_in.client_id);
        self.session_store.open(now, &session, OpenSession { sign_in, expected_answer, expires }, validity);
        session
    }

    /// Takes the session that this request answers, if it belongs to the named user and waits for this
    /// challenge.
    pub(super) fn take_session(
        &mut self,
        now: Timestamp,
        request: &RespondToAuthChallenge,
        challenge: ChallengeName,
    ) -> Result<(Session, OpenSession), ApiError> {
        self.take_answered(now, &SessionAnswer::read(request, challenge)?)
    }

    /// Removes and returns this session, if it is `wanted` and its user may still sign in.
    fn take_allowed_session(
        &mut self,
        now: Timestamp,
        session: Option<LookupKey>,
        wanted: impl Fn(&OpenSession) -> bool,
    ) -> Result<(Session, OpenSession), ApiError> {
        self.check_allowed(now, session, wanted)?;
        self.session_store.take(now, session)
    }

    /// Takes the session that this code answers. A code counts as an attempt, as a password does. While the
    /// user is locked out every code is refused, and the session can still be answered.
    fn take_session_for_code(
        &mut self,
        now: Timestamp,
        request: &RespondToAuthChallenge,
        challenge: ChallengeName,
    ) -> Result<(Session, OpenSession), ApiError> {
        let answer = SessionAnswer::read(request, challenge)?;
        let account = self.check_session(now, &answer)?.sign_in.account;
        if !self.directory.failures_mut(account).record_attempt(now) {
            return Err(ApiError::attempts_exceeded());
        }
        self.take_answered(now, &answer)
    }

    /// Answers `SELECT_MFA_TYPE`.
    pub(super) fn choose_factor(&mut self, now: Timestamp, request: &RespondToAuthChallenge) -> Reply {
        let answer = required(&request.challenge_responses, keys::ANSWER)?;
        // The API model uses EMAIL_MFA here and EMAIL_OTP everywhere else.
        let chosen = if answer == "EMAIL_MFA" { Ok(ChallengeName::EmailOtp) } else { answer.parse() };
        let (session, open) = self.take_session(now, request, ChallengeName::SelectMfaType)?;
        let offered = self.factors_to_ask(&open.sign_in);
        match chosen {
            Ok(chosen) if offered.contains(&chosen) => Ok(self.ask_for(now, open.sign_in, chosen)),
            _ => {
                self.session_store.restore_session(&session, open);
                Err(ApiError::invalid_parameter("Invalid ANSWER: choose one of MFAS_CAN_CHOOSE."))
            }
        }
    }

    /// Answers `SMS_MFA` or `EMAIL_OTP`.
    pub(super) fn answer_code(
        &mut self,
        now: Timestamp,
        challenge: ChallengeName,
        request: &RespondToAuthChallenge,
    ) -> Reply {
        let key = if challenge == ChallengeName::SmsMfa { keys::SMS_MFA_CODE } else { keys::EMAIL_OTP_CODE };
        let answer = required(&request.challenge_responses, key)?;
        let (session, open) = self.take_session_for_code(now, request, challenge)?;
        let ExpectedAnswer::Code(delivered) = &open.expected_answer else {
            return Err(ApiError::internal("the session expects another challenge"));
        };
        if !self.directory.account(open.sign_in.account).is_answered(delivered, answer) {
            return Err(self.wrong_code(now, &session, open));
        }
        let (open, device) = self.device_or_restore(&session, open, request)?;
        let types = self.policy.factor_types;
        let account = self.directory.account_mut(open.sign_in.account);
        let by_phone = challenge == ChallengeName::SmsMfa && self.policy.mfa == MfaMode::On;
        if by_phone && account.active_factors(types).is_empty() {
            account.sms_mfa = true;
        }
        let username = account.username.clone();
        if by_phone {
            // The correct code verifies the phone number, unless it is another user's alias.
            let verify = |account: &mut Account| {
                account.attributes.insert("phone_number_verified".to_owned(), "true".into());
            };
            self.directory.change_attributes(open.sign_in.account, verify).ok();
        }
        self.session_store.discard_code(&username);
        Ok(self.factor_done(now, open.sign_in, device))
    }

    /// Answers `SOFTWARE_TOKEN_MFA`.
    pub(super) fn answer_totp(&mut self, now: Timestamp, request: &RespondToAuthChallenge) -> Reply {
        let answer = required(&request.challenge_responses, keys::SOFTWARE_TOKEN_MFA_CODE)?;
        let (session, open) = self.take_session_for_code(now, request, ChallengeName::SoftwareTokenMfa)?;
        let id = open.sign_in.account;
        let account = self.directory.account(id);
        let steps =
            account.totp.as_ref().map(|secret| matching_steps(secret, answer, now)).unwrap_or_default();
        if steps.is_empty() {
            return Err(self.wrong_code(now, &session, open));
        }
        let unused = steps.into_iter().find(|step| account.totp_step_used.is_none_or(|used| *step > used));
        if unused.is_none() {
            // A used code counts as a wrong guess, since someone may have observed it (M1–M6).
            self.count_failure(now, &Owner::Account(id));
            self.record_factor(id, open.sign_in.event_id.as_deref(), false);
            self.session_store.restore_session(&session, open);
            let message = "Your software token has already been used once.";
            return Err(ApiError::new(ErrorKind::ExpiredCode, message));
        }
        let (open, device) = self.device_or_restore(&session, open, request)?;
        // This code and those of earlier time steps cannot be used again.
        self.directory.account_mut(id).totp_step_used = unused;
        Ok(self.factor_done(now, open.sign_in, device))
    }

    /// Handles a wrong code: the session can still be answered, and a failure is counted.
    fn wrong_code(&mut self, now: Timestamp, session: &Session, open: OpenSession) -> ApiError {
        self.count_failure(now, &Owner::Account(open.sign_in.account));
        self.record_factor(open.sign_in.account, open.sign_in.event_id.as_deref(), false);
        self.session_store.restore_session(session, open);
        ApiError::new(ErrorKind::CodeMismatch, "Invalid code received for user")
    }

    /// Refuses the setup of an authenticator app during a sign-in if the pool does not activate apps. The app
    /// would count for nothing, and the setup would pass for an MFA.
    fn check_totp_activated(&self) -> Result<(), ApiError> {
        if self.policy.factor_types.totp {
            return Ok(());
        }
        Err(ApiError::invalid_parameter("Software token MFA is not enabled for this user pool."))
    }

    /// `AssociateSoftwareToken`: returns a secret for the app.
    pub(super) fn associate_token(&mut self, now: Timestamp, request: &AssociateSoftwareToken) -> Reply {
        self.check_totp_activated()?;
        let session = request.session.as_deref().map(LookupKey::from_text);
        let (_, open) = self.take_allowed_session(now, session, |open| {
            matches!(open.expected_answer, ExpectedAnswer::Setup | ExpectedAnswer::SetupCode { .. })
        })?;
        let secret = TotpSecret::draw(&mut self.rng);
        let secret_code = secret.to_base32();
        // The set-up can be repeated, but it does not prolong the challenge.
        let expected_answer = ExpectedAnswer::SetupCode { secret };
        let session = self.open_session_until(now, open.sign_in, expected_answer, open.expires);
        Ok(Response::SecretCode { secret_code, session })
    }

    /// `VerifySoftwareToken`: a first code proves that the app has the secret.
    pub(super) fn verify_token(&mut self, now: Timestamp, request: &VerifySoftwareToken) -> Reply {
        self.check_totp_activated()?;
        let session = request.session.as_deref().map(LookupKey::from_text);
        let (session, open) = self.take_allowed_session(now, session, |open| {
            matches!(open.expected_answer, ExpectedAnswer::SetupCode { .. })
        })?;
        let secret = match &open.expected_answer {
            ExpectedAnswer::SetupCode { secret } => secret.clone(),
            _ => return Err(ApiError::internal("the session expects another challenge")),
        };
        let Some(step) = matching_steps(&secret, &request.user_code, now).pop() else {
            self.session_store.restore_session(&session, open);
            return Err(ApiError::new(ErrorKind::EnableSoftwareTokenMfa, "Code mismatch"));
        };
        // The app counts at once, so that a sign-in that starts anew asks for its code. A sign-in that has
        // proven only the password must not replace an app that another one has set up meanwhile.
        let types = self.policy.factor_types;
        let account = self.directory.account_mut(open.sign_in.account);
        if !account.active_factors(types).is_empty() {
            return Err(ApiError::invalid_session());
        }
        account.totp_step_used = Some(step);
        account.totp = Some(secret);
        account.totp_mfa = true;
        account.totp_name.clone_from(&request.friendly_device_name);
        let expected_answer = ExpectedAnswer::SetupDone;
        let session = self.open_session_until(now, open.sign_in, expected_answer, open.expires);
        Ok(Response::SoftwareTokenVerified { session })
    }

    /// Answers `MFA_SETUP`: the app becomes the user's factor.
    pub(super) fn finish_setup(&mut self, now: Timestamp, request: &RespondToAuthChallenge) -> Reply {
        let (session, open) = self.take_session(now, request, ChallengeName::MfaSetup)?;
        let ExpectedAnswer::SetupDone = open.expected_answer else {
            self.session_store.restore_session(&session, open);
            return Err(ApiError::invalid_parameter(
                "Set up a factor with VerifySoftwareToken, and answer with the session that it returns.",
            ));
        };
        let (open, device) = self.device_or_restore(&session, open, request)?;
        Ok(self.factor_done(now, open.sign_in, device))
    }

    /// Returns the device that this answer names. If the pool does not know it, the session can still be
    /// answered.
    fn device_or_restore(
        &mut self,
        session: &Session,
        open: OpenSession,
        request: &RespondToAuthChallenge,
    ) -> Result<(OpenSession, AnsweredDevice), ApiError> {
        match self.answered_device(&open.sign_in, &request.challenge_responses) {
            Ok(device) => Ok((open, device)),
            Err(error) => {
                self.session_store.restore_session(session, open);
                Err(error)
            }
        }
    }

    /// Returns the device that an MFA answer names, as the pool knows it now. After an MFA this device
    /// counts, not the one that the password step named (docs/semantics.md, which device key counts).
    fn answered_device(
        &self,
        sign_in: &SignInState,
        answers: &Parameters,
    ) -> Result<AnsweredDevice, ApiError> {
        let by_alias = self.directory.is_alias(sign_in.account, required(answers, keys::USERNAME)?);
        let key = named_device(answers).filter(|_| self.policy.remember.tracks());
        let Some(key) = key else {
            return Ok(AnsweredDevice { key: None, proves: false, by_alias });
        };
        let device = self.directory.account(sign_in.account).confirmed(&key);
        let status = device.ok_or_else(ApiError::device_not_found)?.status();
        let proves = status == Some(DeviceStatus::Remembered)
            || self.policy.switches.proof_after_mfa == ProofAfterMfa::Confirmed;
        Ok(AnsweredDevice { key: Some(key), proves, by_alias })
    }

    fn factor_done(&mut self, now: Timestamp, sign_in: SignInState, device: AnsweredDevice) -> Response {
        let AnsweredDevice { key, proves, by_alias } = device;
        let trusted_device = key.clone().filter(|_| proves);
        self.record_factor(sign_in.account, sign_in.event_id.as_deref(), true);
        let sign_in = SignInState {
            mfa_done: true,
            named_device: key,
            trusted_device,
            answered_by_alias: by_alias,
            ..sign_in
        };
        self.after_factor(now, sign_in)
    }
}

/// Returns the names of these challenges as a JSON list.
fn json_list(names: impl Iterator<Item = ChallengeName>) -> String {
    let names: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", names.join(","))
}

/// Masks a phone number except for its last four digits.
pub(super) fn masked_phone(phone: &str) -> String {
    let last = phone.char_indices().rev().nth(3).map_or(phone, |(at, _)| &phone[at..]);
    format!("+*******{last}")
}

/// Masks an e-mail address except for two letters.
pub(super) fn masked_email(email: &str) -> String {
    let (name, domain) = email.split_once('@').unwrap_or((email, ""));
    let initial = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    format!("{}***@{}***", initial(name), initial(domain))
}

/// Returns the time steps that this code matches among the current, the previous and the next one, in
/// ascending order (RFC 6238 section 5.2).
pub(super) fn matching_steps(secret: &TotpSecret, code: &str, now: Timestamp) -> Vec<u64> {
    let step = step_at(now);
    let mut near = vec![step.saturating_sub(1), step, step.saturating_add(1)];
    near.retain(|step| secret.code(*step) == code);
    near
}
