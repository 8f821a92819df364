//! Drives one sign-in: does what the client machine asks for, and measures the times.

use std::time::Duration;

use actix::Addr;
use actix::prelude::*;

use super::context::UserContext;
use super::device::{Ask, DeviceActor};
use crate::compute::Side;
use crate::endpoint::Backoff;
use crate::failure::FailureCause;
use crate::target::TransportError;
use poolproof_client::{Action, CodeSource, Device, DeviceAnswer, DeviceRequest, Event, SignIn};
use poolproof_cognito::ids::Username;
use poolproof_cognito::protocol::{ErrorKind, Origin, Reply, Request, SignInStep};
use poolproof_cognito::seed::Rng;
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::{STEP_S, TotpSecret, step_at};

/// People answer a challenge at least this long before it expires, or not at all.
const MARGIN: Duration = Duration::from_secs(5);

/// A request that was refused or failed for good.
#[derive(Clone, Debug)]
pub(super) struct LastError {
    /// Its step and the error.
    pub(super) text: String,
    pub(super) repetition: Repetition,
}

/// How often a set-up may be tried again after an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Repetition {
    /// The endpoint refused.
    Never,
    /// A connection can end at any time.
    Once,
    /// The endpoint is busy.
    Often,
}

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
    /// Requests that failed: when, why, and the error.
    pub(super) failures: Vec<(Timestamp, FailureCause, String)>,
    /// The last refusal or failure.
    pub(super) last_error: Option<LastError>,
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
                    Err(TransportError { why, .. }) => Event::NoAnswer(why),
                },
                Action::Device(ask) => self.ask_device(ask).await,
                Action::EnterCode(of) => self.type_code(&of).await,
            };
        }
    }

    /// Sends a request, retries it after backoff when the pool throttles or asks for a repetition, and
    /// measures the time.
    pub(super) async fn send(&mut self, request: Request) -> Result<Reply, TransportError> {
        let clock = self.context.clock;
        let (step, start) = (request.step(), clock.now());
        let mut backoff = Backoff::new();
        let mut retries = self.context.retries;
        let (answer, busy) = loop {
            let answer = self.call(request.clone()).await;
            let busy = matches!(&answer, Ok(Err(error)) if error.kind == ErrorKind::TooManyRequests);
            let retry_after = match &answer {
                Ok(reply) => reply.as_ref().err().and_then(|error| error.retry_after),
                Err(error) => error.retry_after,
            };
            self.requests += 1;
            self.throttled.extend(busy.then_some(step));
            let again = busy || answer.is_err() && retry_after.is_some();
            if !again || retries == 0 || self.context.drain.is_over() {
                break (answer, busy);
            }
            retries -= 1;
            clock.sleep(backoff.wait(&mut self.rng, retry_after)).await;
        };
        match &answer {
            Ok(Ok(_)) => {}
            Ok(Err(refusal)) => {
                let may_pass = matches!(refusal.kind, ErrorKind::TooManyRequests | ErrorKind::InternalError);
                let repetition = if may_pass { Repetition::Often } else { Repetition::Never };
                self.last_error = Some(LastError { text: format!("{step}: {refusal}"), repetition });
            }
            Err(error) => {
                self.record_failure(error.cause, format!("{step}: {}", error.why));
                let repetition = if error.is_server_failure() { Repetition::Often } else { Repetition::Once };
                self.last_error = Some(LastError { text: format!("{step}: {}", error.why), repetition });
            }
        }
        // A step that the pool did not decide has no latency: it would count as a fast one.
        if answer.is_ok() && !busy {
            self.steps.push((step, clock.now().since(start)));
        }
        answer
    }

    /// Sends a request once. After the end of the run, no request follows one that was canceled.
    async fn call(&self, request: Request) -> Result<Reply, TransportError> {
        if let Some((_, FailureCause::Unfinished, _)) = self.failures.last() {
            return Err(TransportError::new(FailureCause::Unfinished, "not sent after the end of the run"));
        }
        let answer = self.context.target.call(self.origin, request);
        self.context.drain.limit(self.context.clock, answer).await
    }

    fn record_failure(&mut self, cause: FailureCause, error: String) {
        self.failures.push((self.context.clock.now(), cause, error));
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
            Err(error) => {
                let why = format!("the device actor has stopped: {error}");
                self.record_failure(FailureCause::ConnectionClosed, why.clone());
                Event::NoAnswer(why)
            }
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
        let code = match of {
            CodeSource::Phone | CodeSource::Email | CodeSource::FirstFactor(_) => {
                self.context.target.delivered_code(&self.username).await
            }
            CodeSource::App => self.totp.clone().map(|secret| self.next_totp_code(&secret)),
            CodeSource::NewApp(secret) => Some(self.next_totp_code(secret)),
        };
        // The code's way to the user, from the outbox of a target, is the user's time too.
        self.human_time += clock.now().since(start);
        code.map_or(Event::Abandoned, Event::Code)
    }

    fn next_totp_code(&mut self, secret: &TotpSecret) -> String {
        let step = step_at(self.context.clock.now());
        self.totp_step_used = Some(step);
        secret.code(step)
    }
}
