//! Sets up a user at an endpoint: an account with a password, devices by signing in, factors.

use actix::Addr;
use rand::RngExt as _;

use super::context::UserContext;
use super::device::DeviceActor;
use super::driver::{LastError, Repetition, SignInDriver};
use super::provision::{TestUser, remembers};
use super::user_state::through_mfa;
use crate::endpoint::{Backoff, EndpointSession, RETRIES, SetupError};
use crate::scenario::SignInName;
use crate::workload::UserSpec;
use poolproof_client::{End, SignIn, SignInFlow, SignInOptions};
use poolproof_cognito::ids::{AccessToken, DeviceKey, Password};
use poolproof_cognito::policy::{Factors, RiskLevel};
use poolproof_cognito::protocol::{
    AccountRequest, AccountResponse, AdminCreateUser, AdminSetUserMfaPreference, AdminSetUserPassword,
    BearerCall, ErrorKind, MfaPreference, MfaPreferences, Operation, OperationResponse, Origin, Response,
    VerifyOwnSoftwareToken,
};
use poolproof_cognito::seed::Seed;
use poolproof_cognito::totp::{TotpSecret, step_at};

/// Options of one sign-in of a [`TestUser`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SignInVariation {
    /// Index of the device to sign in with; otherwise a new one.
    pub device: Option<usize>,
    /// Whether the client confirms a new device.
    pub confirms_device: bool,
    /// Whether the user opts in to remember a new device.
    pub opts_in: bool,
    /// Risk level of the sign-in.
    pub risk: Option<RiskLevel>,
    /// Whether the password is wrong.
    pub wrong_password: bool,
    /// Whether the device secret is wrong.
    pub device_secret_damaged: bool,
    /// Whether the password claim is sent again at the end.
    pub replay: bool,
}

impl TestUser {
    /// An existing user, with the password and the TOTP secret, if there is one.
    pub const fn of(user_spec: UserSpec, password: Password, totp: Option<TotpSecret>) -> Self {
        Self { user_spec, password, totp, totp_step_used: None, devices: Vec::new(), mfa_bound: false }
    }

    /// A user to create, with a password that satisfies every policy.
    pub fn new_user(seed: Seed, user_spec: UserSpec) -> Self {
        let mut rng = seed.rng("account", user_spec.number.into());
        let drawn: String = (0..16).map(|_| char::from(rng.sample(rand::distr::Alphanumeric))).collect();
        Self::of(user_spec, Password::new(format!("Aa1-{drawn}")), None)
    }

    /// The user's specification.
    pub const fn user_spec(&self) -> &UserSpec {
        &self.user_spec
    }

    /// The keys of the user's devices.
    pub fn device_keys(&self) -> impl Iterator<Item = &DeviceKey> {
        self.devices.iter().map(|(key, _)| key)
    }

    /// Creates the user in a new or existing pool of an endpoint: account, password, devices, factors.
    ///
    /// # Errors
    ///
    /// The endpoint refused.
    pub async fn set_up(
        &mut self,
        session: &EndpointSession,
        context: &UserContext,
    ) -> Result<(), SetupError> {
        self.register(session, context).await?;
        let ended = self.enroll_devices(context).await?;
        if self.user_spec.devices > 0 && self.devices.is_empty() {
            let why = match ended {
                Some(End::SignedIn) => {
                    "the pool returned no key for a new device, so it does not track devices".to_owned()
                }
                Some(End::Abandoned) => {
                    "the sign-in was abandoned: a challenge could not be answered".to_owned()
                }
                Some(End::ProtocolViolation(why) | End::NoAnswer(why)) => why,
                Some(End::Refused(error)) => error.to_string(),
                None => "the sign-in did not finish".to_owned(),
            };
            return Err(SetupError::unexpected(
                &self.sign_in_label(),
                format!("cannot enroll a device: {why}"),
            ));
        }
        self.set_factors(session, context).await
    }

    /// Creates the account with a permanent password and records it for clean-up.
    ///
    /// # Errors
    ///
    /// The endpoint refused, or a user of that name exists and is left unchanged.
    pub async fn register(
        &mut self,
        session: &EndpointSession,
        context: &UserContext,
    ) -> Result<(), SetupError> {
        let user_pool_id = context.pool_id.as_str().to_owned();
        let name = match self.user_spec.sign_in_by {
            SignInName::Username | SignInName::Alias => self.user_spec.username.clone(),
            SignInName::Email => self.user_spec.typed_name(),
        };
        let username = name.as_str().to_owned();
        let mut attributes = if self.user_spec.factors.has_phone() {
            let phone = format!("+1555{:07}", self.user_spec.number % 10_000_000);
            vec![("phone_number".to_owned(), phone), ("phone_number_verified".to_owned(), "true".to_owned())]
        } else {
            Vec::new()
        };
        if let Some(email) = self.user_spec.email() {
            attributes.push(("email".to_owned(), email));
            attributes.push(("email_verified".to_owned(), "true".to_owned()));
        }
        let created = AccountRequest::AdminCreateUser(AdminCreateUser {
            user_pool_id: user_pool_id.clone(),
            username: username.clone(),
            attributes,
            temporary_password: None,
            message_action: Some("SUPPRESS".to_owned()),
        });
        session.created_users.begin(&name);
        let made = session.admin.execute("AdminCreateUser", Operation::Account(created)).await;
        session.created_users.note(&name, &made);
        let made = made.map_err(|error| match error.refusal {
            Some(ErrorKind::UsernameExists) => {
                let why = format!(
                    "user {name} exists and was left unchanged; use another pool, or name existing users with \
                        --users"
                );
                SetupError { why, ..error }
            }
            _ => error,
        })?;
        if self.user_spec.sign_in_by == SignInName::Email
            && let OperationResponse::Pool(Response::Account(AccountResponse::Created(created))) = made
        {
            // The pool chooses the user names of users who are named by addresses.
            self.user_spec.username = created.username;
        }
        let password = AccountRequest::AdminSetUserPassword(AdminSetUserPassword {
            user_pool_id,
            username,
            password: self.password.as_str().to_owned(),
            permanent: Some(true),
        });
        session.admin.execute("AdminSetUserPassword", Operation::Account(password)).await.map(drop)
    }

    /// Signs in once for each device that the user is to have and confirms the devices. Returns the end of
    /// the last sign-in.
    ///
    /// # Errors
    ///
    /// The endpoint refused, so the user has no device.
    pub async fn enroll_devices(&mut self, context: &UserContext) -> Result<Option<End>, SetupError> {
        let mut last = None;
        for number in 0..self.user_spec.devices {
            let opts_in = remembers(&self.user_spec, number);
            let variation = SignInVariation { confirms_device: true, opts_in, ..SignInVariation::default() };
            let enrolled = |sign_in: &SignIn| sign_in.enrollment().is_some_and(|new| new.confirmed);
            let (sign_in, error) = self.sign_in_until(context, variation, enrolled).await;
            last = sign_in.ended().map(|(_, end)| end.clone());
            match (&last, error) {
                (Some(End::Refused(refusal)), _) if self.devices.is_empty() => {
                    return Err(SetupError::unexpected(&self.sign_in_label(), refusal.to_string()));
                }
                (_, Some(error)) => {
                    let why = format!("cannot enroll a device: {error}");
                    return Err(SetupError::unexpected(&self.sign_in_label(), why));
                }
                _ => {}
            }
        }
        Ok(last)
    }

    /// Signs in. If the endpoint was busy or gave no answer before `done`, signs in again, as
    /// administrators' requests are repeated. Returns the last sign-in and its last error.
    async fn sign_in_until(
        &mut self,
        context: &UserContext,
        variation: SignInVariation,
        done: fn(&SignIn) -> bool,
    ) -> (SignIn, Option<String>) {
        let patient = UserContext { retries: context.retries.max(RETRIES), ..context.clone() };
        let mut rng = context.seed.rng("set-up again", self.user_spec.number.into());
        let mut backoff = Backoff::new();
        let mut retries = RETRIES;
        loop {
            let (sign_in, error) = self.play(&patient, variation).await;
            let again = match error.as_ref().map(|error| error.repetition) {
                Some(Repetition::Often) => true,
                Some(Repetition::Once) => retries == RETRIES,
                Some(Repetition::Never) | None => false,
            };
            if done(&sign_in) || !again || retries == 0 {
                return (sign_in, error.map(|error| error.text));
            }
            retries -= 1;
            context.clock.sleep(backoff.wait(&mut rng, None)).await;
        }
    }

    fn sign_in_label(&self) -> String {
        format!("a sign-in of {}", self.user_spec.username)
    }

    /// Sets up the user's factors.
    ///
    /// # Errors
    ///
    /// The endpoint refused.
    pub async fn set_factors(
        &mut self,
        session: &EndpointSession,
        context: &UserContext,
    ) -> Result<(), SetupError> {
        let factors = self.user_spec.factors;
        if factors.has_totp() && self.totp.is_none() {
            let mut without_devices = Self::of(self.user_spec.clone(), self.password.clone(), None);
            let signed_in = |sign_in: &SignIn| sign_in.tokens().is_some();
            let variation = SignInVariation::default();
            let (sign_in, error) = without_devices.sign_in_until(context, variation, signed_in).await;
            let Some(tokens) = sign_in.tokens() else {
                let end = || sign_in.ended().map_or_else(String::new, |(_, end)| format!("{end:?}"));
                return Err(SetupError::unexpected(&self.sign_in_label(), error.unwrap_or_else(end)));
            };
            self.set_up_totp(session, context, &tokens.access_token).await?;
        }
        if !factors.is_active() {
            return Ok(());
        }
        let enabled = MfaPreference { enabled: Some(true), preferred: Some(false) };
        let preference = AccountRequest::AdminSetUserMfaPreference(AdminSetUserMfaPreference {
            user_pool_id: context.pool_id.as_str().to_owned(),
            username: self.user_spec.username.as_str().to_owned(),
            preferences: MfaPreferences {
                sms: factors.has_sms().then_some(enabled),
                software_token: factors.has_totp().then_some(enabled),
                email: factors.has_email().then_some(enabled),
            },
        });
        session.admin.execute("AdminSetUserMFAPreference", Operation::Account(preference)).await.map(drop)
    }

    async fn set_up_totp(
        &mut self,
        session: &EndpointSession,
        context: &UserContext,
        token: &AccessToken,
    ) -> Result<(), SetupError> {
        let access_token = token.as_str().to_owned();
        let attempted = "AssociateSoftwareToken";
        let request =
            AccountRequest::AssociateSoftwareToken(BearerCall { access_token: access_token.clone() });
        let answer = session.admin.execute(attempted, Operation::Account(request)).await?;
        let secret = match answer {
            OperationResponse::Pool(Response::Account(AccountResponse::SecretCode(code)))
            | OperationResponse::Pool(Response::SecretCode { secret_code: code, .. }) => {
                TotpSecret::from_base32(&code)
            }
            _ => None,
        };
        let secret = secret.ok_or_else(|| SetupError::unexpected(attempted, "no base32 SecretCode"))?;
        // The code of the previous step is valid too (RFC 6238) and leaves the current one to the first
        // sign-in.
        let step = step_at(context.clock.now()).saturating_sub(1);
        let request =
            VerifyOwnSoftwareToken { access_token, user_code: secret.code(step), friendly_device_name: None };
        let request = Operation::Account(AccountRequest::VerifySoftwareToken(request));
        session.admin.execute("VerifySoftwareToken", request).await?;
        (self.totp, self.totp_step_used) = (Some(secret), Some(step));
        Ok(())
    }

    /// Signs in, and keeps a device and an authenticator app that were set up during it.
    pub async fn sign_in(&mut self, context: &UserContext, variation: SignInVariation) -> SignIn {
        self.play(context, variation).await.0
    }

    /// Signs in and also returns the last request that was refused or failed.
    async fn play(
        &mut self,
        context: &UserContext,
        variation: SignInVariation,
    ) -> (SignIn, Option<LastError>) {
        let device = variation.device.and_then(|place| self.devices.get(place)).cloned();
        let options = self.options(context, &variation, device.as_ref().map(|(key, _)| key.clone()));
        // Time and user make the random numbers of each sign-in different.
        let number = u64::from(self.user_spec.number) << 20 | context.clock.now().as_us() & 0xF_FFFF;
        let mut driver = self.driver(context, variation.risk, device.map(|(_, device)| device), number);
        let mut machine = SignIn::new(options, context.seed.rng("moving in", number));
        driver.run(&mut machine).await;
        self.totp_step_used = driver.totp_step_used;
        if let Some(secret) = machine.new_app() {
            self.totp = Some(secret.clone());
            self.user_spec.factors = Factors::Totp;
        }
        if let (Some(new), Some(device)) = (machine.enrollment(), &driver.new_device)
            && new.confirmed
        {
            self.devices.push((new.metadata.device_key.clone(), device.clone()));
            self.mfa_bound = machine.attempts().iter().any(through_mfa);
        }
        (machine, driver.last_error)
    }

    /// Keeps a key that was issued and never confirmed: a device without a secret, at the end of the list.
    pub fn add_unconfirmed_device(&mut self, context: &UserContext, sign_in: &SignIn) -> Option<usize> {
        let metadata = &sign_in.enrollment()?.metadata;
        let rng = context.seed.rng("issued", self.user_spec.number.into());
        let device = poolproof_client::Device::new(context.group, context.ephemeral_bits, metadata, rng);
        let actor = DeviceActor::new(device, context.clock, context.compute.clone());
        self.devices.push((metadata.device_key.clone(), actix::Actor::start(actor)));
        Some(self.devices.len() - 1)
    }

    fn options(
        &self,
        context: &UserContext,
        variation: &SignInVariation,
        device: Option<DeviceKey>,
    ) -> SignInOptions {
        SignInOptions {
            pool_id: context.pool_id.clone(),
            client_id: context.client_id.clone(),
            group: context.group,
            ephemeral_bits: context.ephemeral_bits,
            username: self.user_spec.typed_name(),
            password: match variation.wrong_password {
                true => Password::new(format!("{}?", self.password.as_str())),
                false => self.password.clone(),
            },
            flow: SignInFlow::Srp,
            device,
            device_secret_damaged: variation.device_secret_damaged,
            omits_key_after_mfa: false,
            confirms_device: variation.confirms_device,
            opts_in: variation.opts_in,
            replay: variation.replay,
            device_to_forget: None,
        }
    }

    fn driver(
        &self,
        context: &UserContext,
        risk: Option<RiskLevel>,
        device: Option<Addr<DeviceActor>>,
        number: u64,
    ) -> SignInDriver {
        SignInDriver {
            context: context.clone(),
            origin: Origin { risk, address: None },
            username: self.user_spec.username.clone(),
            rng: context.seed.rng("moving pace", number),
            device,
            totp: self.totp.clone(),
            totp_step_used: self.totp_step_used,
            number,
            steps: Vec::new(),
            human_time: std::time::Duration::ZERO,
            throttled: Vec::new(),
            requests: 0,
            failures: Vec::new(),
            last_error: None,
            new_device: None,
        }
    }
}
