//! One pool and those who sign in to it, on one thread, without a runtime, at a time that the caller sets.
//!
//! The same machines as in a run, driven the shortest way: for playing single situations, and for tests of histories.
//! Time stands still, but for the wait for the next code of an authenticator app.

use rand::Rng as _;

use poolproof_client::{
    Action, CodeSource, Device, DeviceAnswer, DeviceRequest, DeviceStep, Event, SignIn, SignInOptions,
};
use poolproof_cognito::protocol::{Origin, Reply, Request};
use poolproof_cognito::seed::{Rng, Seed};
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::{STEP_S, TotpSecret, step_at};
use poolproof_pool::{Pool, Step};

/// A pool and the time.
#[derive(Debug)]
pub struct Harness {
    /// The pool.
    pub pool: Pool,
    /// The time now.
    pub now: Timestamp,
    /// What the pool's door knows of whoever asks.
    pub origin: Origin,
}

/// What somebody who signs in has at hand.
#[derive(Debug, Default)]
pub struct Authenticators {
    /// The device; a new one once it was enrolled.
    pub device: Option<Device>,
    /// The authenticator app.
    pub totp: Option<TotpSecret>,
    /// The time step of the app's code that was used last.
    pub totp_step_used: Option<u64>,
}

impl Harness {
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
    pub fn sign_in(
        &mut self,
        options: SignInOptions,
        authenticators: &mut Authenticators,
        rng: &Rng,
    ) -> SignIn {
        let (group, bits, username) = (options.group, options.ephemeral_bits, options.username.clone());
        let mut rng = rng.clone();
        // A new device draws from a stream of its own: its secret has nothing to do with the app's.
        let devices = Seed::new(rng.next_u64());
        let mut machine = SignIn::new(options, rng);
        let mut event = Event::Start;
        loop {
            event = match machine.next(self.now, event) {
                Action::Finished => return machine,
                Action::Send(request) => Event::Answer(self.ask(request)),
                Action::Compute(job) => Event::JobResult(job.run()),
                Action::Device(ask) => {
                    if let DeviceRequest::Enroll(metadata) = &ask {
                        authenticators.device =
                            Some(Device::new(group, bits, metadata, devices.rng("new device", 0)));
                    }
                    Event::Device(authenticators.ask_device(self.now, ask))
                }
                Action::EnterCode(CodeSource::Phone) => {
                    self.pool.delivered_code(&username).map_or(Event::Abandoned, Event::Code)
                }
                Action::EnterCode(CodeSource::NewApp(secret)) => {
                    Event::Code(self.next_totp_code(authenticators, &secret))
                }
                Action::EnterCode(CodeSource::App) => match authenticators.totp.clone() {
                    Some(secret) => Event::Code(self.next_totp_code(authenticators, &secret)),
                    None => Event::Abandoned,
                },
            };
        }
    }

    /// Reads a code that was not used yet, waiting for the next if need be.
    fn next_totp_code(&mut self, authenticators: &mut Authenticators, secret: &TotpSecret) -> String {
        if let Some(used) = authenticators.totp_step_used.filter(|used| *used >= step_at(self.now)) {
            self.now = Timestamp::from_us((used + 1) * STEP_S * 1_000_000);
        }
        let step = step_at(self.now);
        authenticators.totp_step_used = Some(step);
        secret.code(step)
    }
}

impl Authenticators {
    fn ask_device(&mut self, now: Timestamp, ask: DeviceRequest) -> DeviceAnswer {
        let Some(device) = &mut self.device else {
            return DeviceAnswer::Unanswerable("no device is available".to_owned());
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
