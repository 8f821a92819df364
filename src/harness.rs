//! One pool and its users on one thread without a runtime, at a time that the caller sets.
//!
//! It drives the same machines as a run, for single situations and for tests of histories. Time does not
//! advance, except to wait for the next TOTP code.

use rand::Rng as _;

use poolproof_client::{
    Action, CodeSource, Device, DeviceAnswer, DeviceRequest, DeviceStep, Event, SignIn, SignInOptions,
};
use poolproof_cognito::protocol::{Origin, Reply, Request};
use poolproof_cognito::seed::{Rng, Seed};
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::{STEP_S, TotpSecret, step_at};
use poolproof_pool::{Pool, Step, TriggerFailure};

/// A pool and the time.
#[derive(Debug)]
pub struct Harness {
    /// The pool.
    pub pool: Pool,
    /// The current time.
    pub now: Timestamp,
    /// What the server knows about the client.
    pub origin: Origin,
}

/// What a user has at hand.
#[derive(Debug, Default)]
pub struct Authenticators {
    /// The device, or a new one after enrollment.
    pub device: Option<Device>,
    /// The authenticator app.
    pub totp: Option<TotpSecret>,
    /// The time step of the last TOTP code that was used.
    pub totp_step_used: Option<u64>,
}

impl Harness {
    /// Creates a harness at the start of virtual time.
    pub const fn new(pool: Pool) -> Self {
        Self { pool, now: Timestamp::VIRTUAL_START, origin: Origin { risk: None, address: None } }
    }

    /// Sends a request and runs its jobs.
    pub fn ask(&mut self, request: Request) -> Reply {
        let mut step = self.pool.handle(self.now, self.origin, request);
        loop {
            match step {
                Step::Reply(reply) => return reply,
                Step::Sign(signing) => return signing.run(),
                // A pool without a server decides itself about custom challenges.
                Step::Trigger(_, pending) => {
                    step = self.pool.resume_trigger(self.now, pending, Err(TriggerFailure::no_endpoint()));
                }
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
        // A new device has its own random stream, so its secret is independent of the app's.
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
                Action::EnterCode(CodeSource::Phone | CodeSource::Email | CodeSource::FirstFactor(_)) => {
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

    /// Returns an unused code, waiting for the next if necessary.
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
