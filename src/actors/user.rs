//! A user as an actor: signs in when told to, with the device that the occasion asks for, and keeps their own book.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use actix::prelude::*;
use rand::RngExt as _;

use super::drive::Drive;
use super::errands::{self, Held};
use super::ledger::{Beforehand, Ledger, Owned, through_mfa};
use super::ports::Ports;
use crate::metrics;
use poolproof_client::{End, Intent, Plan, SignIn};
use poolproof_cognito::ids::{DeviceKey, Password, Username};
use poolproof_cognito::policy::{Factors, RememberMode, RiskLevel};
use poolproof_cognito::protocol::{AdminDeviceCall, Origin, Request, Step};
use poolproof_cognito::seed::Stream;
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::TotpSecret;
use poolproof_oracle::{self, TokenBook, Verdict};

/// A user keeps this many devices; who enrols one more gives the oldest up. So nothing grows with the length of a run.
const MOST_DEVICES: usize = 8;

/// The actor of a user.
#[derive(Debug)]
pub struct User {
    pub(super) ports: Ports,
    pub(super) username: Username,
    pub(super) password: Password,
    pub(super) opts_in: bool,
    pub(super) totp: Option<TotpSecret>,
    pub(super) totp_step_used: Option<u64>,
    pub(super) ledger: Ledger,
    /// Refresh tokens at hand, the oldest first, where they are used at all.
    pub(super) held: VecDeque<Held>,
    pub(super) chance: Stream,
}

impl Actor for User {
    type Context = Context<Self>;
}

/// Tells a user to sign in now.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "Settled")]
pub(super) struct SignInNow {
    pub(super) number: u64,
    pub(super) intent: Intent,
    pub(super) risk: Option<RiskLevel>,
    pub(super) address: IpAddr,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) end: metrics::End,
    /// When the client began.
    pub(super) began: Timestamp,
    /// What came before that and is nobody's latency: an administrator removing the device.
    pub(super) prepared: Duration,
    /// When tokens or a refusal came, or it was given up.
    pub(super) ended: Timestamp,
    pub(super) human: Duration,
    pub(super) steps: Vec<(Step, Duration)>,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) throttled: Vec<Step>,
    pub(super) requests: u32,
}

impl Handler<SignInNow> for User {
    type Result = ResponseActFuture<Self, Settled>;

    fn handle(&mut self, order: SignInNow, _: &mut Self::Context) -> Self::Result {
        let device = self.choose_device(order.intent);
        let plan = self.plan(order, device);
        let machine_chance = self.ports.seed.stream("sign-in", order.number);
        let mut drive = self.drive(order, device);
        let forget = device.filter(|_| order.intent == Intent::ForgottenDevice);
        let forget = forget.map(|at| self.forget_request(&self.ledger.devices[at].key));
        let mut machine = SignIn::new(plan, machine_chance);
        let oldest = self.held.front().cloned();
        let work = async move {
            let mut forgotten = false;
            let told = drive.ports.clock.now();
            if let Some(request) = forget {
                forgotten = matches!(drive.send(request).await, Ok(Ok(_)));
            }
            let began = drive.ports.clock.now();
            drive.human = Duration::ZERO;
            drive.run(&mut machine).await;
            let done = errands::run(&mut drive, order.intent, order.number, &machine, oldest).await;
            (machine, drive, began, began.since(told), forgotten, done)
        };
        Box::pin(work.into_actor(self).map(
            move |(machine, drive, began, prepared, forgotten, done), user, _| {
                if let (Some(at), true) = (device, forgotten) {
                    user.ledger.forget_at(at);
                }
                let mut settled = user.settle(order, &machine, drive, began);
                settled.verdicts.extend(user.settle_tokens(order.number, &machine, &done));
                Settled { prepared, ..settled }
            },
        ))
    }
}

impl User {
    /// The device for the occasion, by its place among the user's.
    fn choose_device(&mut self, intent: Intent) -> Option<usize> {
        let devices = self.ledger.devices.len();
        // Drawn in any case, so that what a user does later does not depend on what they have now.
        let at = self.chance.random_range(0..u32::MAX);
        (intent.needs_device() && devices > 0).then(|| usize::try_from(at).unwrap_or(0) % devices)
    }

    fn plan(&self, order: SignInNow, device: Option<usize>) -> Plan {
        let password = match order.intent {
            Intent::WrongPassword => Password::new(format!("{}?", self.password.as_str())),
            _ => self.password.clone(),
        };
        let full = self.ledger.devices.len() >= MOST_DEVICES;
        let oldest = self.ledger.devices.first().map(|owned| owned.key.clone());
        Plan {
            pool_id: self.ports.pool_id.clone(),
            client_id: self.ports.client_id.clone(),
            group: self.ports.group,
            ephemeral_bits: self.ports.ephemeral_bits,
            username: self.username.clone(),
            password,
            sends_password: order.intent == Intent::PlainPassword,
            device: device.map(|at| self.ledger.devices[at].key.clone()),
            device_damaged: order.intent == Intent::WrongDeviceSecret,
            confirms: true,
            opts_in: self.opts_in,
            replay: order.intent == Intent::ReplayedClaim,
            give_up: oldest.filter(|_| full),
        }
    }

    fn drive(&self, order: SignInNow, device: Option<usize>) -> Drive {
        Drive {
            ports: self.ports.clone(),
            origin: Origin { risk: order.risk, address: Some(order.address) },
            username: self.username.clone(),
            chance: self.ports.seed.stream("pace", order.number),
            device: device.map(|at| self.ledger.devices[at].device.clone()),
            totp: self.totp.clone(),
            totp_step_used: self.totp_step_used,
            number: order.number,
            steps: Vec::new(),
            human: Duration::ZERO,
            throttled: Vec::new(),
            requests: 0,
            new_device: None,
        }
    }

    fn forget_request(&self, key: &DeviceKey) -> Request {
        Request::AdminForgetDevice(AdminDeviceCall {
            user_pool_id: self.ports.pool_id.as_str().to_owned(),
            username: self.username.as_str().to_owned(),
            device_key: key.as_str().to_owned(),
        })
    }

    /// Notes what the sign-in has changed, and has its decisions judged.
    fn settle(&mut self, order: SignInNow, machine: &SignIn, drive: Drive, began: Timestamp) -> Settled {
        let before = Beforehand {
            risk: order.risk,
            address: order.address,
            sends_password: order.intent == Intent::PlainPassword,
            wrong_password: order.intent == Intent::WrongPassword,
            device_damaged: order.intent == Intent::WrongDeviceSecret,
        };
        let judge = |attempt| self.ledger.judge(attempt, before);
        let verdicts: Vec<Verdict> = machine.attempts().iter().filter_map(judge).collect();
        self.totp_step_used = drive.totp_step_used;
        if let Some(secret) = machine.new_app() {
            self.totp = Some(secret.clone());
            self.ledger.factors = Factors::Totp;
        }
        self.keep_devices(machine, &drive);
        let now = self.ports.clock.now();
        let (ended, end) = match machine.ended() {
            None => (now, metrics::End::Abandoned),
            Some((ended, end)) => (*ended, report(end)),
        };
        let Drive { human, steps, throttled, requests, .. } = drive;
        Settled { end, began, prepared: Duration::ZERO, ended, human, steps, verdicts, throttled, requests }
    }

    /// Keeps the token that came, and has what was done with tokens judged.
    fn settle_tokens(&mut self, number: u64, machine: &SignIn, done: &errands::Done) -> Vec<Verdict> {
        if !self.ports.keeps_tokens {
            return Vec::new();
        }
        if let Some(held) = errands::held(number, machine) {
            self.ledger.tokens.given(number, held.device.clone());
            self.held.push_back(held);
            if self.held.len() > TokenBook::MOST {
                self.held.pop_front();
            }
        }
        done.iter().filter_map(|(errand, reply)| self.ledger.judge_errand(errand, reply)).collect()
    }

    fn keep_devices(&mut self, machine: &SignIn, drive: &Drive) {
        let given_up = machine.given_up();
        if let Some(key) = given_up {
            self.ledger.tokens.forgot(key);
        }
        self.ledger.devices.retain(|owned| {
            owned.standing != poolproof_oracle::Device::Forgotten && Some(&owned.key) != given_up
        });
        let confirmed = machine.enrolment().filter(|enrolment| enrolment.confirmed);
        let (Some(new), Some(device)) = (confirmed, &drive.new_device) else { return };
        let remembered = match self.ledger.remember() {
            RememberMode::Always => true,
            RememberMode::OptIn => new.opted_in,
            RememberMode::No => false,
        };
        let through_mfa = machine.attempts().iter().any(through_mfa);
        self.ledger.devices.push(Owned {
            key: new.metadata.device_key.clone(),
            device: device.clone(),
            standing: if remembered {
                poolproof_oracle::Device::Remembered
            } else {
                poolproof_oracle::Device::NotRemembered
            },
            mfa_bound: through_mfa,
        });
    }
}

const fn report(end: &End) -> metrics::End {
    match end {
        End::SignedIn => metrics::End::Completed,
        End::Refused(_) => metrics::End::Refused,
        End::GaveUp | End::Misbehaved(_) => metrics::End::Abandoned,
        End::NoAnswer(_) => metrics::End::TransportFailed,
    }
}
