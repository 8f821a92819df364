//! A user as an actor: signs in on request, with the device that the intent asks for, and keeps the user's
//! state.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use actix::prelude::*;
use rand::RngExt as _;

use super::context::UserContext;
use super::driver::SignInDriver;
use super::idle::UserKind;
use super::token_actions::{self, HeldToken, TokenAction, TokenReply};
use super::user_state::{AttemptInputs, OwnedDevice, UserState, through_mfa};
use crate::failure::FailureCause;
use crate::metrics;
use crate::scenario::AuthFlow;
use poolproof_client::{End, FirstFactor, Intent, SignIn, SignInFlow, SignInOptions};
use poolproof_cognito::ids::{DeviceKey, Password, Username};
use poolproof_cognito::policy::{Factors, RememberMode, RiskLevel};
use poolproof_cognito::protocol::{AdminDeviceCall, Origin, Request, SignInStep};
use poolproof_cognito::seed::Rng;
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::TotpSecret;
use poolproof_oracle::{self, Judgement, RefreshTokenTracker};

/// Most devices of a user. A new one replaces the oldest, so memory does not grow with the length of a run.
const MAX_DEVICES: usize = 8;

/// The actor of a user.
#[derive(Debug)]
pub struct User {
    pub(super) context: UserContext,
    pub(super) username: Username,
    /// The name that the user types.
    pub(super) typed_name: Username,
    pub(super) password: Password,
    pub(super) opts_in: bool,
    pub(super) totp: Option<TotpSecret>,
    pub(super) totp_step_used: Option<u64>,
    pub(super) user_state: UserState,
    /// Refresh tokens, the oldest first, if any workload uses them.
    pub(super) held: VecDeque<HeldToken>,
    pub(super) rng: Rng,
}

impl Actor for User {
    type Context = Context<Self>;
}

/// Tells a user to sign in now.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "SignInResult")]
pub(super) struct StartSignIn {
    pub(super) number: u64,
    pub(super) workload: u16,
    pub(super) intent: Intent,
    pub(super) risk: Option<RiskLevel>,
    pub(super) address: IpAddr,
}

/// The result of a sign-in.
#[derive(Debug)]
pub(super) struct SignInResult {
    pub(super) end: metrics::SignInStatus,
    /// Start of the client's work.
    pub(super) began: Timestamp,
    /// Time before `began` that is not latency. In it an administrator forgot the device.
    pub(super) prepared: Duration,
    /// Time of tokens, refusal or abandonment.
    pub(super) ended: Timestamp,
    pub(super) human_time: Duration,
    pub(super) steps: Vec<(SignInStep, Duration)>,
    pub(super) judgements: Vec<Judgement>,
    pub(super) throttled: Vec<SignInStep>,
    pub(super) requests: u32,
    /// The requests that failed: when, why, and the error.
    pub(super) failures: Vec<(Timestamp, FailureCause, String)>,
    /// Whether the pool issued a key for a new device.
    pub(super) new_device: bool,
    /// The time step of the last TOTP code that the user entered.
    pub(super) totp_step_used: Option<u64>,
}

/// A running user, and what decides when they can sign in.
#[derive(Debug)]
pub struct StartedUser {
    /// Index in the population.
    pub(super) number: u32,
    pub(super) actor: Addr<User>,
    pub(super) devices: u32,
    pub(super) has_app: bool,
    pub(super) totp_step_used: Option<u64>,
}

impl StartedUser {
    pub(super) const fn kind(&self) -> UserKind {
        UserKind { has_device: self.devices > 0, has_app: self.has_app }
    }

    /// Returns whether the user has a device.
    pub const fn has_device(&self) -> bool {
        self.devices > 0
    }
}

impl Handler<StartSignIn> for User {
    type Result = ResponseActFuture<Self, SignInResult>;

    fn handle(&mut self, command: StartSignIn, _: &mut Self::Context) -> Self::Result {
        let device = self.choose_device(command.intent);
        let options = self.options(command, device);
        let machine_rng = self.context.seed.rng("sign-in", command.number);
        let mut driver = self.driver(command, device);
        let forget = device.filter(|_| command.intent == Intent::ForgottenDevice);
        let forget = forget.map(|at| self.forget_request(&self.user_state.devices[at].key));
        let mut machine = SignIn::new(options, machine_rng);
        let oldest = self.held.front().cloned();
        let work = async move {
            let mut forgotten = false;
            let requested = driver.context.clock.now();
            if let Some(request) = forget {
                forgotten = matches!(driver.send(request).await, Ok(Ok(_)));
            }
            let began = driver.context.clock.now();
            driver.human_time = Duration::ZERO;
            driver.run(&mut machine).await;
            let done =
                token_actions::run(&mut driver, command.intent, command.number, &machine, oldest).await;
            (machine, driver, began, began.since(requested), forgotten, done)
        };
        Box::pin(work.into_actor(self).map(
            move |(machine, driver, began, prepared, forgotten, done), user, _| {
                if let (Some(at), true) = (device, forgotten) {
                    user.user_state.forget_at(at);
                }
                let mut sign_in_result = user.record_result(command, &machine, driver, began);
                sign_in_result.judgements.extend(user.record_tokens(command.number, &machine, &done));
                SignInResult { prepared, ..sign_in_result }
            },
        ))
    }
}

impl User {
    /// Chooses the device for the intent, as an index.
    fn choose_device(&mut self, intent: Intent) -> Option<usize> {
        let devices = self.user_state.devices.len();
        // Always drawn, so that later draws do not depend on the devices of the user.
        let at = self.rng.random_range(0..u32::MAX);
        (intent.needs_device() && devices > 0).then(|| usize::try_from(at).unwrap_or(0) % devices)
    }

    fn options(&self, command: StartSignIn, device: Option<usize>) -> SignInOptions {
        let password = match command.intent {
            Intent::WrongPassword => Password::new(format!("{}?", self.password.as_str())),
            _ => self.password.clone(),
        };
        let full = self.user_state.devices.len() >= MAX_DEVICES;
        let oldest = self.user_state.devices.first().map(|owned| owned.key.clone());
        SignInOptions {
            pool_id: self.context.pool_id.clone(),
            client_id: self.context.client_id.clone(),
            group: self.context.group,
            ephemeral_bits: self.context.ephemeral_bits,
            username: self.typed_name.clone(),
            password,
            flow: self.sign_in_flow(command),
            device: device.map(|at| self.user_state.devices[at].key.clone()),
            device_secret_damaged: command.intent == Intent::WrongDeviceSecret,
            omits_key_after_mfa: command.intent == Intent::KeyOmittedAfterMfa,
            confirms_device: true,
            opts_in: self.opts_in,
            replay: command.intent == Intent::ReplayedClaim,
            device_to_forget: oldest.filter(|_| full),
        }
    }

    /// Returns the flow of this sign-in.
    fn auth_flow(&self, command: StartSignIn) -> AuthFlow {
        self.context.flows.get(usize::from(command.workload)).copied().unwrap_or_default()
    }

    fn sign_in_flow(&self, command: StartSignIn) -> SignInFlow {
        let custom = |password_first| SignInFlow::Custom {
            password_first,
            answers: match command.intent {
                Intent::WrongCustomAnswer => vec!["?".to_owned()],
                _ => self.context.custom_auth.iter().map(|challenge| challenge.answer.clone()).collect(),
            },
        };
        match self.auth_flow(command) {
            AuthFlow::UserSrpAuth if command.intent == Intent::PlainPassword => SignInFlow::Password,
            AuthFlow::UserSrpAuth => SignInFlow::Srp,
            AuthFlow::UserAuthPasswordSrp => SignInFlow::Choice(FirstFactor::PasswordSrp),
            AuthFlow::UserAuthPassword => SignInFlow::Choice(FirstFactor::Password),
            AuthFlow::UserAuthEmailOtp => SignInFlow::Choice(FirstFactor::EmailCode),
            AuthFlow::UserAuthSmsOtp => SignInFlow::Choice(FirstFactor::SmsCode),
            AuthFlow::CustomAuth => custom(false),
            AuthFlow::CustomAuthAfterPassword => custom(true),
        }
    }

    fn driver(&self, command: StartSignIn, device: Option<usize>) -> SignInDriver {
        SignInDriver {
            context: self.context.clone(),
            origin: Origin { risk: command.risk, address: Some(command.address) },
            username: self.username.clone(),
            rng: self.context.seed.rng("pace", command.number),
            device: device.map(|at| self.user_state.devices[at].device.clone()),
            totp: self.totp.clone(),
            totp_step_used: self.totp_step_used,
            number: command.number,
            steps: Vec::new(),
            human_time: Duration::ZERO,
            throttled: Vec::new(),
            requests: 0,
            failures: Vec::new(),
            last_error: None,
            new_device: None,
        }
    }

    fn forget_request(&self, key: &DeviceKey) -> Request {
        Request::AdminForgetDevice(AdminDeviceCall {
            user_pool_id: self.context.pool_id.as_str().to_owned(),
            username: self.username.as_str().to_owned(),
            device_key: key.as_str().to_owned(),
        })
    }

    /// Records the changes of a sign-in and has its decisions judged.
    fn record_result(
        &mut self,
        command: StartSignIn,
        machine: &SignIn,
        driver: SignInDriver,
        began: Timestamp,
    ) -> SignInResult {
        let inputs = AttemptInputs {
            risk: command.risk,
            address: command.address,
            flow: self.auth_flow(command).judged_as(command.intent),
            custom_challenges: u8::try_from(self.context.custom_auth.len()).unwrap_or(u8::MAX),
            wrong_custom_answer: command.intent == Intent::WrongCustomAnswer,
            wrong_password: command.intent == Intent::WrongPassword,
            device_secret_damaged: command.intent == Intent::WrongDeviceSecret,
            omits_key_after_mfa: command.intent == Intent::KeyOmittedAfterMfa,
        };
        let judge = |attempt| self.user_state.judge(attempt, inputs);
        let judgements: Vec<Judgement> = machine.attempts().iter().filter_map(judge).collect();
        self.totp_step_used = driver.totp_step_used;
        if let Some(secret) = machine.new_app() {
            self.totp = Some(secret.clone());
            self.user_state.factors = Factors::Totp;
        }
        self.keep_devices(machine, &driver);
        let now = self.context.clock.now();
        let (ended, end) = match machine.ended() {
            None => (now, metrics::SignInStatus::Abandoned),
            Some((ended, end)) => (*ended, metrics_end(end)),
        };
        let SignInDriver { human_time, steps, throttled, requests, failures, .. } = driver;
        SignInResult {
            end,
            began,
            prepared: Duration::ZERO,
            ended,
            human_time,
            steps,
            judgements,
            throttled,
            requests,
            failures,
            new_device: machine.enrollment().is_some(),
            totp_step_used: self.totp_step_used,
        }
    }

    /// Keeps the new token and has the token actions judged.
    fn record_tokens(&mut self, number: u64, machine: &SignIn, done: &[TokenReply]) -> Vec<Judgement> {
        if !self.context.keeps_tokens {
            return Vec::new();
        }
        if let Some(held) = token_actions::held(number, machine) {
            self.user_state.tokens.record_issued(number, held.device.clone());
            self.held.push_back(held);
            if self.held.len() > RefreshTokenTracker::CAPACITY {
                self.held.pop_front();
            }
        }
        let mut judgements = Vec::new();
        for done in done {
            judgements.extend(self.user_state.judge_token_action(done, self.context.rotation));
            let TokenAction::Refresh { number, used: false, .. } = done.action else { continue };
            match &done.reply {
                Some(reply) => {
                    let held = self.held.iter_mut().filter(|held| held.number == number);
                    held.for_each(|held| held.exchange(reply));
                }
                None => self.held.retain(|held| held.number != number),
            }
        }
        judgements
    }

    fn keep_devices(&mut self, machine: &SignIn, driver: &SignInDriver) {
        let forgotten_device = machine.forgotten_device();
        if let Some(key) = forgotten_device {
            self.user_state.tokens.record_forgotten(key);
        }
        self.user_state.devices.retain(|owned| {
            owned.status != poolproof_oracle::Device::Forgotten && Some(&owned.key) != forgotten_device
        });
        let confirmed = machine.enrollment().filter(|enrollment| enrollment.confirmed);
        let (Some(new), Some(device)) = (confirmed, &driver.new_device) else { return };
        let remembered = match self.user_state.remember() {
            RememberMode::Always => true,
            RememberMode::OptIn => new.opted_in,
            RememberMode::No => false,
        };
        let through_mfa = machine.attempts().iter().any(through_mfa);
        self.user_state.devices.push(OwnedDevice {
            key: new.metadata.device_key.clone(),
            device: device.clone(),
            status: if remembered {
                poolproof_oracle::Device::Remembered
            } else {
                poolproof_oracle::Device::NotRemembered
            },
            mfa_bound: through_mfa,
        });
    }
}

const fn metrics_end(end: &End) -> metrics::SignInStatus {
    match end {
        End::SignedIn => metrics::SignInStatus::Completed,
        End::Refused(_) => metrics::SignInStatus::Refused,
        End::Abandoned | End::ProtocolViolation(_) => metrics::SignInStatus::Abandoned,
        End::NoAnswer(_) => metrics::SignInStatus::TransportFailed,
    }
}
