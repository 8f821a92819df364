//! Drives one sign-in: carries what the machine wants to whoever does it, and takes the times.

use std::time::Duration;

use actix::Addr;
use actix::prelude::*;

use super::backoff::Backoff;
use super::device::{Ask, DeviceActor};
use super::ports::Ports;
use crate::compute::Side;
use crate::target::Unreachable;
use poolproof_client::{Action, CodeOf, Device, DeviceAnswer, DeviceAsk, Event, SignIn};
use poolproof_cognito::ids::Username;
use poolproof_cognito::protocol::{ErrorKind, Origin, Reply, Request, Step};
use poolproof_cognito::seed::Stream;
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::{STEP_S, TotpSecret, step_at};

/// People answer a challenge this long before it ends, or not at all.
const MARGIN: Duration = Duration::from_secs(5);

/// Someone who signs in, for as long as it takes.
pub(super) struct Drive {
    pub(super) ports: Ports,
    pub(super) origin: Origin,
    pub(super) username: Username,
    pub(super) chance: Stream,
    /// The device at hand, if it has a key already.
    pub(super) device: Option<Addr<DeviceActor>>,
    pub(super) totp: Option<TotpSecret>,
    /// The time step of the app's code that was used last.
    pub(super) totp_step_used: Option<u64>,
    /// Names the random stream of a device that is new.
    pub(super) number: u64,
    /// Steps and how long each took.
    pub(super) steps: Vec<(Step, Duration)>,
    /// Time that people took, which is nobody's latency.
    pub(super) human: Duration,
    /// The steps in which the pool said "too many requests".
    pub(super) throttled: Vec<Step>,
    /// Requests sent.
    pub(super) requests: u32,
    /// A device that was enrolled on the way.
    pub(super) new_device: Option<Addr<DeviceActor>>,
}

impl Drive {
    /// Drives the machine to its end.
    pub(super) async fn run(&mut self, machine: &mut SignIn) {
        let mut event = Event::Begin;
        loop {
            let action = machine.next(self.ports.clock.now(), event);
            event = match action {
                Action::Over => return,
                Action::Compute(job) => Event::Done(self.ports.compute.run(Side::Client, job).await),
                Action::Send(request) => match self.send(request).await {
                    Ok(reply) => Event::Answer(reply),
                    Err(Unreachable(why)) => Event::NoAnswer(why),
                },
                Action::Device(ask) => self.ask_device(ask).await,
                Action::TypeCode(of) => self.type_code(&of).await,
            };
        }
    }

    /// Sends a request, again after a while when the pool is too busy, and takes its time.
    pub(super) async fn send(&mut self, request: Request) -> Result<Reply, Unreachable> {
        let clock = self.ports.clock;
        let (step, start) = (request.step(), clock.now());
        let mut backoff = Backoff::new();
        let mut retries = self.ports.retries;
        let answer = loop {
            let answer = self.ports.target.call(self.origin, request.clone()).await;
            let busy = matches!(&answer, Ok(Err(error)) if error.kind == ErrorKind::TooManyRequests);
            self.requests += 1;
            self.throttled.extend(busy.then_some(step));
            if !busy || retries == 0 {
                break answer;
            }
            retries -= 1;
            clock.sleep(backoff.draw(&mut self.chance)).await;
        };
        self.steps.push((step, clock.now().since(start)));
        answer
    }

    async fn ask_device(&mut self, ask: DeviceAsk) -> Event {
        if let DeviceAsk::Enrol(metadata) = &ask {
            let chance = self.ports.seed.stream("new device", self.number);
            let device = Device::new(self.ports.group, self.ports.ephemeral_bits, metadata, chance);
            let actor = DeviceActor::new(device, self.ports.clock, self.ports.compute.clone());
            self.new_device = Some(actor.start());
            self.device.clone_from(&self.new_device);
        }
        let Some(device) = &self.device else {
            return Event::Device(DeviceAnswer::Unanswerable("no device at hand".to_owned()));
        };
        match device.send(Ask(ask)).await {
            Ok(answer) => Event::Device(answer),
            Err(error) => Event::NoAnswer(format!("the device is gone: {error}")),
        }
    }

    /// Lets the user read and type a code, which takes as long as people take.
    async fn type_code(&mut self, of: &CodeOf) -> Event {
        let clock = self.ports.clock;
        let start = clock.now();
        let mut ready = start.plus(self.ports.mfa_delay.draw(&mut self.chance));
        if *of == CodeOf::App {
            // A code can be used once: wait for the next.
            if let Some(used) = self.totp_step_used.filter(|used| *used >= step_at(ready)) {
                ready = ready.max(Timestamp::from_us((used + 1) * STEP_S * 1_000_000));
            }
        }
        if ready.since(start) + MARGIN >= self.ports.session_validity {
            return Event::WalkedAway;
        }
        clock.sleep_until(ready).await;
        self.human += clock.now().since(start);
        let code = match of {
            CodeOf::Phone => self.ports.target.delivered_code(&self.username).await,
            CodeOf::App => self.totp.clone().map(|secret| self.read_app(&secret)),
            CodeOf::NewApp(secret) => Some(self.read_app(secret)),
        };
        code.map_or(Event::WalkedAway, Event::Code)
    }

    fn read_app(&mut self, secret: &TotpSecret) -> String {
        let step = step_at(self.ports.clock.now());
        self.totp_step_used = Some(step);
        secret.code(step)
    }
}
