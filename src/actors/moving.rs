//! Our people move in: an account with a password, devices by signing in, factors.

use actix::Addr;
use rand::RngExt as _;

use super::administrator::{Administrator, Unwelcome};
use super::device::DeviceActor;
use super::drive::Drive;
use super::guests::Guests;
use super::ledger::through_mfa;
use super::ports::Ports;
use super::provision::{Resident, remembers};
use crate::workload::Person;
use poolproof_client::{End, Plan, SignIn};
use poolproof_cognito::ids::{AccessToken, DeviceKey, Password};
use poolproof_cognito::policy::{Factors, RiskLevel};
use poolproof_cognito::protocol::{
    AccountRequest, AccountResponse, AdminCreateUser, AdminSetUserMfaPreference, AdminSetUserPassword,
    Answer, BearerCall, ErrorKind, MfaSetting, MfaSettings, Operation, Origin, Response,
    VerifyOwnSoftwareToken,
};
use poolproof_cognito::seed::Seed;
use poolproof_cognito::totp::{TotpSecret, step_at};

/// What a [`Resident`] wants of one sign-in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Visit {
    /// The device to sign in with, by its place among theirs; a new one otherwise.
    pub device: Option<usize>,
    /// Whether the app confirms a new device.
    pub confirms: bool,
    /// Whether a new device is to be remembered, where the pool asks.
    pub opts_in: bool,
    /// How risky the sign-in is to look.
    pub risk: Option<RiskLevel>,
    /// Whether the password is wrong.
    pub wrong_password: bool,
    /// Whether the device's secret is damaged.
    pub device_damaged: bool,
    /// Whether the password's claim is sent once more in the end.
    pub replay: bool,
}

impl Resident {
    /// Somebody who lives here already: their password and the secret of their authenticator app, if they have one.
    pub const fn of(person: Person, password: Password, totp: Option<TotpSecret>) -> Self {
        Self { person, password, totp, totp_step_used: None, devices: Vec::new(), mfa_bound: false }
    }

    /// Somebody who is to live here, with a password that any policy takes.
    pub fn newcomer(seed: Seed, person: Person) -> Self {
        let mut chance = seed.stream("account", person.number.into());
        let drawn: String = (0..16).map(|_| char::from(chance.sample(rand::distr::Alphanumeric))).collect();
        Self::of(person, Password::new(format!("Aa1-{drawn}")), None)
    }

    /// Who they are.
    pub const fn person(&self) -> &Person {
        &self.person
    }

    /// The keys of their devices.
    pub fn device_keys(&self) -> impl Iterator<Item = &DeviceKey> {
        self.devices.iter().map(|(key, _)| key)
    }

    /// Moves in where [`Premises`](super::Premises) are friendly: account, password, as many devices as the person has, each remembered
    /// or not, then the factors.
    ///
    /// # Errors
    ///
    /// The endpoint does not let them.
    pub async fn move_in(
        &mut self,
        admin: &Administrator<'_>,
        ports: &Ports,
        guests: &Guests,
    ) -> Result<(), Unwelcome> {
        self.register(admin, ports, guests).await?;
        let ended = self.gather_devices(ports).await?;
        if self.person.devices > 0 && self.devices.is_empty() {
            let why = match ended {
                Some(End::SignedIn) => "it got no key for a new device: the pool tracks none".to_owned(),
                Some(End::GaveUp) => {
                    "it was given up on the way: a challenge could not be answered".to_owned()
                }
                Some(End::Misbehaved(why) | End::NoAnswer(why)) => why,
                Some(End::Refused(error)) => error.to_string(),
                None => "it did not end".to_owned(),
            };
            return Err(Unwelcome::odd(&self.signing_in(), format!("no device could be enrolled: {why}")));
        }
        self.set_factors(admin, ports).await
    }

    /// Makes the account, with a password for good, and notes it among the guests.
    ///
    /// # Errors
    ///
    /// The endpoint does not let them, or somebody of that name is there already, and stays as they are.
    pub async fn register(
        &self,
        admin: &Administrator<'_>,
        ports: &Ports,
        guests: &Guests,
    ) -> Result<(), Unwelcome> {
        let (user_pool_id, username) =
            (ports.pool_id.as_str().to_owned(), self.person.username.as_str().to_owned());
        let attributes = if self.person.factors.has_sms() {
            let phone = format!("+1555{:07}", self.person.number % 10_000_000);
            vec![("phone_number".to_owned(), phone), ("phone_number_verified".to_owned(), "true".to_owned())]
        } else {
            Vec::new()
        };
        let created = AccountRequest::AdminCreateUser(AdminCreateUser {
            user_pool_id: user_pool_id.clone(),
            username: username.clone(),
            attributes,
            temporary_password: None,
            message_action: Some("SUPPRESS".to_owned()),
        });
        guests.begin(&self.person.username);
        let made = admin.ask("AdminCreateUser", Operation::Account(created)).await;
        guests.note(&self.person.username, &made);
        made.map_err(|error| match error.refusal {
            Some(ErrorKind::UsernameExists) => {
                let why = format!(
                    "{} is there already, and was left as it is. Take another pool, or name users who live there",
                    self.person.username
                );
                Unwelcome { why, ..error }
            }
            _ => error,
        })?;
        let password = AccountRequest::AdminSetUserPassword(AdminSetUserPassword {
            user_pool_id,
            username,
            password: self.password.as_str().to_owned(),
            permanent: Some(true),
        });
        admin.ask("AdminSetUserPassword", Operation::Account(password)).await.map(drop)
    }

    /// Signs in as often as they are to have devices, and keeps those that the pool gives. Returns how the last sign-in ended.
    ///
    /// # Errors
    ///
    /// They are refused, so that they have no device.
    pub async fn gather_devices(&mut self, ports: &Ports) -> Result<Option<End>, Unwelcome> {
        let mut last = None;
        for number in 0..self.person.devices {
            let opts_in = remembers(&self.person, number);
            let sign_in = self.sign_in(ports, Visit { confirms: true, opts_in, ..Visit::default() }).await;
            last = sign_in.ended().map(|(_, end)| end.clone());
        }
        match last {
            Some(End::Refused(error)) if self.devices.is_empty() => {
                Err(Unwelcome::odd(&self.signing_in(), error.to_string()))
            }
            last => Ok(last),
        }
    }

    fn signing_in(&self) -> String {
        format!("a sign-in of {}", self.person.username)
    }

    /// Sets up the factors that the person has.
    ///
    /// # Errors
    ///
    /// The endpoint does not let them.
    pub async fn set_factors(&mut self, admin: &Administrator<'_>, ports: &Ports) -> Result<(), Unwelcome> {
        let factors = self.person.factors;
        if factors.has_totp() && self.totp.is_none() {
            let sign_in = self.clone_for_totp().sign_in(ports, Visit::default()).await;
            let Some(tokens) = sign_in.tokens() else {
                let why = sign_in.ended().map_or_else(String::new, |(_, end)| format!("{end:?}"));
                return Err(Unwelcome::odd(&self.signing_in(), why));
            };
            self.set_up_app(admin, ports, &tokens.access_token).await?;
        }
        if !factors.any() {
            return Ok(());
        }
        let enabled = MfaSetting { enabled: Some(true), preferred: Some(false) };
        let preference = AccountRequest::AdminSetUserMfaPreference(AdminSetUserMfaPreference {
            user_pool_id: ports.pool_id.as_str().to_owned(),
            username: self.person.username.as_str().to_owned(),
            settings: MfaSettings {
                sms: factors.has_sms().then_some(enabled),
                software_token: factors.has_totp().then_some(enabled),
                email: None,
            },
        });
        admin.ask("AdminSetUserMFAPreference", Operation::Account(preference)).await.map(drop)
    }

    fn clone_for_totp(&self) -> Self {
        Self {
            person: self.person.clone(),
            password: self.password.clone(),
            totp: None,
            totp_step_used: None,
            devices: Vec::new(),
            mfa_bound: false,
        }
    }

    async fn set_up_app(
        &mut self,
        admin: &Administrator<'_>,
        ports: &Ports,
        token: &AccessToken,
    ) -> Result<(), Unwelcome> {
        let access_token = token.as_str().to_owned();
        let doing = "AssociateSoftwareToken";
        let request =
            AccountRequest::AssociateSoftwareToken(BearerCall { access_token: access_token.clone() });
        let answer = admin.ask(doing, Operation::Account(request)).await?;
        let secret = match answer {
            Answer::Pool(Response::Account(AccountResponse::SecretCode(code)))
            | Answer::Pool(Response::SecretCode { secret_code: code, .. }) => TotpSecret::from_base32(&code),
            _ => None,
        };
        let secret = secret.ok_or_else(|| Unwelcome::odd(doing, "no SecretCode in base32"))?;
        // The code of the step before is good too (RFC 6238), and leaves this step's to the first sign-in.
        let step = step_at(ports.clock.now()).saturating_sub(1);
        let request = VerifyOwnSoftwareToken { access_token, user_code: secret.code(step) };
        let request = Operation::Account(AccountRequest::VerifySoftwareToken(request));
        admin.ask("VerifySoftwareToken", request).await?;
        (self.totp, self.totp_step_used) = (Some(secret), Some(step));
        Ok(())
    }

    /// Signs in, and keeps the device that was enrolled and the app that was set up on the way.
    pub async fn sign_in(&mut self, ports: &Ports, visit: Visit) -> SignIn {
        let device = visit.device.and_then(|place| self.devices.get(place)).cloned();
        let plan = self.plan(ports, &visit, device.as_ref().map(|(key, _)| key.clone()));
        // Nobody signs in twice with the same chance: the time and the person draw it apart from the run's.
        let number = u64::from(self.person.number) << 20 | ports.clock.now().as_us() & 0xF_FFFF;
        let mut drive = self.drive(ports, visit.risk, device.map(|(_, device)| device), number);
        let mut machine = SignIn::new(plan, ports.seed.stream("moving in", number));
        drive.run(&mut machine).await;
        self.totp_step_used = drive.totp_step_used;
        if let Some(secret) = machine.new_app() {
            self.totp = Some(secret.clone());
            self.person.factors = Factors::Totp;
        }
        if let (Some(new), Some(device)) = (machine.enrolment(), &drive.new_device)
            && new.confirmed
        {
            self.devices.push((new.metadata.device_key.clone(), device.clone()));
            self.mfa_bound = machine.attempts().iter().any(through_mfa);
        }
        machine
    }

    /// Takes up a key that was handed out and never confirmed: it goes to the end of their devices, without a secret.
    pub fn take_up(&mut self, ports: &Ports, sign_in: &SignIn) -> Option<usize> {
        let metadata = &sign_in.enrolment()?.metadata;
        let chance = ports.seed.stream("issued", self.person.number.into());
        let device = poolproof_client::Device::new(ports.group, ports.ephemeral_bits, metadata, chance);
        let actor = DeviceActor::new(device, ports.clock, ports.compute.clone());
        self.devices.push((metadata.device_key.clone(), actix::Actor::start(actor)));
        Some(self.devices.len() - 1)
    }

    fn plan(&self, ports: &Ports, visit: &Visit, device: Option<DeviceKey>) -> Plan {
        Plan {
            pool_id: ports.pool_id.clone(),
            client_id: ports.client_id.clone(),
            group: ports.group,
            ephemeral_bits: ports.ephemeral_bits,
            username: self.person.username.clone(),
            password: match visit.wrong_password {
                true => Password::new(format!("{}?", self.password.as_str())),
                false => self.password.clone(),
            },
            sends_password: false,
            device,
            device_damaged: visit.device_damaged,
            confirms: visit.confirms,
            opts_in: visit.opts_in,
            replay: visit.replay,
            give_up: None,
        }
    }

    fn drive(
        &self,
        ports: &Ports,
        risk: Option<RiskLevel>,
        device: Option<Addr<DeviceActor>>,
        number: u64,
    ) -> Drive {
        Drive {
            ports: ports.clone(),
            origin: Origin { risk, address: None },
            username: self.person.username.clone(),
            chance: ports.seed.stream("moving pace", number),
            device,
            totp: self.totp.clone(),
            totp_step_used: self.totp_step_used,
            number,
            steps: Vec::new(),
            human: std::time::Duration::ZERO,
            throttled: Vec::new(),
            requests: 0,
            new_device: None,
        }
    }
}
