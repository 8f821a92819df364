//! Drives one sign-in: does what the client machine asks for, and measures the times.

use std::time::Duration;

use actix::Addr;
use actix::prelude::*;

use super::context::UserContext;
use super::device::{Ask, DeviceActor};
use crate::compute::Side;
use crate::endpoint::Backoff;
use crate::target::TransportError;
use poolproof_client::{Action, CodeSource, Device, DeviceAnswer, DeviceRequest, Event, SignIn};
use poolproof_cognito::ids::Username;
use poolproof_cognito::protocol::{ErrorKind, Origin, Reply, Request, SignInStep};
use poolproof_cognito::seed::Rng;
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::{STEP_S, TotpSecret, step_at};

/// People answer a challenge at least this long before it expires, or not at all.
const MARGIN: Duration = Duration::from_secs(5);

/// A user during one sign-in.
pub(super) struct SignInDriver {
    pub(super) context: UserContext,
    pub(super) origin: Origin,
    pub(super) username: Username,
    pub(super) rng: Rng,
    /// The device in use, if it has a key.
    pub(super) device: Option<Addr<DeviceActor>>,
    pub(super) totp: Option<TotpSecret>,
    /// The time step of the last TOTP code that was used.
    pub(super) totp_step_used: Option<u64>,
    /// Names the random stream of a new device.
    pub(super) number: u64,
    /// Steps with their durations.
    pub(super) steps: Vec<(SignInStep, Duration)>,
    /// Time that people needed, which is not part of any latency.
    pub(super) human_time: Duration,
    /// The steps in which the pool throttled.
    pub(super) throttled: Vec<SignInStep>,
    /// Requests sent.
    pub(super) requests: u32,
    /// A device that was enrolled during the sign-in.
    pub(super) new_device: Option<Addr<DeviceActor>>,
}

impl SignInDriver {
    /// Drives the machine to its end.
    pub(super) async fn run(&mut self, machine: &mut SignIn) {
        let mut event = Event::Start;
        loop {
            let action = machine.next(self.context.clock.now(), event);
            event = match action {
                Action::Finished => return,
                Action::Compute(job) => Event::JobResult(self.context.compute.run(Side::Client, job).await),
                Action::Send(request) => match self.send(request).await {
                    Ok(reply) => Event::Answer(reply),
                    Err(TransportError(why)) => Event::NoAnswer(why),
                },
                Action::Device(ask) => self.ask_device(ask).await,
                Action::EnterCode(of) => self.type_code(&of).await,
            };
        }
    }

    /// Sends a request, retries it after backoff when the pool throttles, and measures the time.
    pub(super) async fn send(&mut self, request: Request) -> Result<Reply, TransportError> {
        let clock = self.context.clock;
        let (step, start) = (request.step(), clock.now());
        let mut backoff = Backoff::new();
        let mut retries = self.context.retries;
        let (answer, busy) = loop {
            let answer = self.context.target.call(self.origin, request.clone()).await;
            let busy = matches!(&answer, Ok(Err(error)) if error.kind == ErrorKind::TooManyRequests);
            self.requests += 1;
            self.throttled.extend(busy.then_some(step));
            if !busy || retries == 0 {
                break (answer, busy);
            }
            retries -= 1;
            clock.sleep(backoff.draw(&mut self.rng)).await;
        };
        // A step that the pool did not decide has no latency: it would count as a fast one.
        if answer.is_ok() && !busy {
            self.steps.push((step, clock.now().since(start)));
        }
        answer
    }

    async fn ask_device(&mut self, ask: DeviceRequest) -> Event {
        if let DeviceRequest::Enroll(metadata) = &ask {
            let rng = self.context.seed.rng("new device", self.number);
            let device = Device::new(self.context.group, self.context.ephemeral_bits, metadata, rng);
            let actor = DeviceActor::new(device, self.context.clock, self.context.compute.clone());
            self.new_device = Some(actor.start());
            self.device.clone_from(&self.new_device);
        }
        let Some(device) = &self.device else {
            return Event::Device(DeviceAnswer::Unanswerable("no device is available".to_owned()));
        };
        match device.send(Ask(ask)).await {
            Ok(answer) => Event::Device(answer),
            Err(error) => Event::NoAnswer(format!("the device actor has stopped: {error}")),
        }
    }

    /// Lets the user read and type a code.
    async fn type_code(&mut self, of: &CodeSource) -> Event {
        let clock = self.context.clock;
        let start = clock.now();
        let mut ready = start.plus(self.context.mfa_delay.draw(&mut self.rng));
        if *of == CodeSource::App {
            // A code can be used once, so wait for the next.
            if let Some(used) = self.totp_step_used.filter(|used| *used >= step_at(ready)) {
                ready = ready.max(Timestamp::from_us((used + 1) * STEP_S * 1_000_000));
            }
        }
        if ready.since(start) + MARGIN >= self.context.session_validity {
            return Event::Abandoned;
        }
        clock.sleep_until(ready).await;
        self.human_time += clock.now().since(start);
        let code = match of {
            CodeSource::Phone | CodeSource::Email | CodeSource::FirstFactor(_) => {
                self.context.target.delivered_code(&self.username).await
            }
            CodeSource::App => self.totp.clone().map(|secret| self.next_totp_code(&secret)),
            CodeSource::NewApp(secret) => Some(self.next_totp_code(secret)),
        };
        code.map_or(Event::Abandoned, Event::Code)
    }

    fn next_totp_code(&mut self, secret: &TotpSecret) -> String {
        let step = step_at(self.context.clock.now());
        self.totp_step_used = Some(step);
        secret.code(step)
    }
}
