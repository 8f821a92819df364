//! One pool and those who sign in to it, on one thread, without a runtime, at a time that the caller sets.
//!
//! The same machines as in a run, driven the shortest way: for playing single situations, and for tests of histories.
//! Time stands still, but for the wait for the next code of an authenticator app.

use rand::Rng as _;

use poolproof_client::{Action, CodeOf, Device, DeviceAnswer, DeviceAsk, DeviceStep, Event, Plan, SignIn};
use poolproof_cognito::protocol::{Origin, Reply, Request};
use poolproof_cognito::seed::{Seed, Stream};
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::{STEP_S, TotpSecret, step_at};
use poolproof_pool::{Pool, Step};

/// A pool and the time.
#[derive(Debug)]
pub struct Pair {
    /// The pool.
    pub pool: Pool,
    /// The time now.
    pub now: Timestamp,
    /// What the pool's door knows of whoever asks.
    pub origin: Origin,
}

/// What somebody who signs in has at hand.
#[derive(Debug, Default)]
pub struct Hands {
    /// The device; a new one once it was enrolled.
    pub device: Option<Device>,
    /// The authenticator app.
    pub totp: Option<TotpSecret>,
    /// The time step of the app's code that was used last.
    pub totp_step_used: Option<u64>,
}

impl Pair {
    /// This pool at the start of virtual time.
    pub const fn new(pool: Pool) -> Self {
        Self { pool, now: Timestamp::VIRTUAL_START, origin: Origin { risk: None, address: None } }
    }

    /// Sends a request and does whatever arithmetic its reply takes.
    pub fn ask(&mut self, request: Request) -> Reply {
        let mut step = self.pool.handle(self.now, self.origin, request);
        loop {
            match step {
                Step::Reply(reply) => return reply,
                Step::Sign(signing) => return signing.run(),
                Step::Compute(job, pending) => step = self.pool.resume(self.now, pending, job.run()),
            }
        }
    }

    /// Plays a sign-in to its end.
    pub fn sign_in(&mut self, plan: Plan, hands: &mut Hands, chance: &Stream) -> SignIn {
        let (group, bits, username) = (plan.group, plan.ephemeral_bits, plan.username.clone());
        let mut chance = chance.clone();
        // A new device draws from a stream of its own: its secret has nothing to do with the app's.
        let devices = Seed::new(chance.next_u64());
        let mut machine = SignIn::new(plan, chance);
        let mut event = Event::Begin;
        loop {
            event = match machine.next(self.now, event) {
                Action::Over => return machine,
                Action::Send(request) => Event::Answer(self.ask(request)),
                Action::Compute(job) => Event::Done(job.run()),
                Action::Device(ask) => {
                    if let DeviceAsk::Enrol(metadata) = &ask {
                        hands.device =
                            Some(Device::new(group, bits, metadata, devices.stream("new device", 0)));
                    }
                    Event::Device(hands.ask_device(self.now, ask))
                }
                Action::TypeCode(CodeOf::Phone) => {
                    self.pool.delivered_code(&username).map_or(Event::WalkedAway, Event::Code)
                }
                Action::TypeCode(CodeOf::NewApp(secret)) => Event::Code(self.read_app(hands, &secret)),
                Action::TypeCode(CodeOf::App) => match hands.totp.clone() {
                    Some(secret) => Event::Code(self.read_app(hands, &secret)),
                    None => Event::WalkedAway,
                },
            };
        }
    }

    /// Reads a code that was not used yet, waiting for the next if need be.
    fn read_app(&mut self, hands: &mut Hands, secret: &TotpSecret) -> String {
        if let Some(used) = hands.totp_step_used.filter(|used| *used >= step_at(self.now)) {
            self.now = Timestamp::from_us((used + 1) * STEP_S * 1_000_000);
        }
        let step = step_at(self.now);
        hands.totp_step_used = Some(step);
        secret.code(step)
    }
}

impl Hands {
    fn ask_device(&mut self, now: Timestamp, ask: DeviceAsk) -> DeviceAnswer {
        let Some(device) = &mut self.device else {
            return DeviceAnswer::Unanswerable("no device at hand".to_owned());
        };
        let mut step = device.ask(now, ask);
        loop {
            match step {
                DeviceStep::Answer(answer) => return answer,
                DeviceStep::Compute(job) => step = device.resume(job.run()),
            }
        }
    }
}
