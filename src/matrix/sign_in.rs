//! Plays sign-ins of one user at a pool without a runtime.

use rand::Rng as _;

use poolproof_client::{
    Action, CodeSource, Device, DeviceAnswer, DeviceRequest, DeviceStep, Event, SignIn, SignInOptions,
};
use poolproof_cognito::seed::{Rng, Seed};
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::{STEP_S, TotpSecret, step_at};
use poolproof_pool::Harness;

/// The device and the app of a user.
#[derive(Debug, Default)]
pub(super) struct Authenticators {
    /// The device, or a new one after enrollment.
    pub(super) device: Option<Device>,
    /// The authenticator app.
    pub(super) totp: Option<TotpSecret>,
    /// The time step of the last TOTP code that was used.
    pub(super) totp_step_used: Option<u64>,
}

impl Authenticators {
    /// Plays a sign-in to its end.
    pub(super) fn sign_in(&mut self, harness: &mut Harness, options: SignInOptions, rng: &Rng) -> SignIn {
        let (group, bits, username) = (options.group, options.ephemeral_bits, options.username.clone());
        let mut rng = rng.clone();
        // A new device has its own random stream, so its secret is independent of the app's.
        let devices = Seed::new(rng.next_u64());
        let mut machine = SignIn::new(options, rng);
        let mut event = Event::Start;
        loop {
            event = match machine.next(harness.now, event) {
                Action::Finished => return machine,
                Action::Send(request) => Event::Answer(harness.ask(request)),
                Action::Compute(job) => Event::JobResult(job.run()),
                Action::Device(ask) => {
                    if let DeviceRequest::Enroll(metadata) = &ask {
                        self.device = Some(Device::new(group, bits, metadata, devices.rng("new device", 0)));
                    }
                    Event::Device(self.ask_device(harness.now, ask))
                }
                Action::EnterCode(CodeSource::Phone | CodeSource::Email | CodeSource::FirstFactor(_)) => {
                    harness.pool.delivered_code(&username).map_or(Event::Abandoned, Event::Code)
                }
                Action::EnterCode(CodeSource::NewApp(secret)) => {
                    Event::Code(self.next_totp_code(harness, &secret))
                }
                Action::EnterCode(CodeSource::App) => match self.totp.clone() {
                    Some(secret) => Event::Code(self.next_totp_code(harness, &secret)),
                    None => Event::Abandoned,
                },
            };
        }
    }

    /// Returns an unused code, waiting for the next if necessary.
    fn next_totp_code(&mut self, harness: &mut Harness, secret: &TotpSecret) -> String {
        if let Some(used) = self.totp_step_used.filter(|used| *used >= step_at(harness.now)) {
            harness.now = Timestamp::from_us((used + 1) * STEP_S * 1_000_000);
        }
        let step = step_at(harness.now);
        self.totp_step_used = Some(step);
        secret.code(step)
    }

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
