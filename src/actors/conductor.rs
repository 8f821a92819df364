//! The conductor starts sign-ins at their times and records their results.

mod ending;
mod live_load;
mod planned;
mod progress;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::oneshot;

use super::drain::Drain;
use super::idle::{IdleUsers, Unavailable, next_code_at};
use super::planned::{PlanLog, PlannedSignIn, Wait};
use super::run_context::{
    ArrivalCounts, Finished, LiveSchedule, Observer, RunContext, RunProgress, Schedule, SnapshotReader,
    ThresholdAbort, Tick,
};
use super::user::{SignInResult, StartSignIn, StartedUser, User};
use planned::PlannedTurn;

use crate::clock::Clock;
use crate::failure::Failure;
use crate::metrics::{DueSignIn, Recorder, SignInRecord};
use crate::workload::{Arrival, ClosedWorkload, MergedArrivals, home_address};
use poolproof_cognito::time::Timestamp;

/// Messages that can wait for the conductor before senders wait.
const MAILBOX: usize = 4096;
/// Most sign-ins between two progress reports.
const PROGRESS_EVERY: u32 = 16;
/// Time after which the next sign-in causes a progress report.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// Time between two ticks.
const TICK_INTERVAL: Duration = Duration::from_secs(1);

/// Cancels the run. Sign-ins in flight have no outcome and are counted as unfinished.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
pub struct Interrupt;

/// The actor that conducts a run.
pub struct Conductor {
    clock: Clock,
    start: Timestamp,
    users: Vec<Addr<User>>,
    idle: IdleUsers,
    /// The devices that each user has collected, and the number of them that are new in the run.
    devices: Vec<u32>,
    new_devices: u64,
    open_arrivals: MergedArrivals,
    /// Closed workloads by their index in the scenario.
    closed_workloads: BTreeMap<u16, ClosedWorkload>,
    /// Sign-ins of known users at known times.
    planned: VecDeque<PlannedSignIn>,
    /// Those whose start has come before the end of their user's last sign-in was processed.
    starting: Vec<PlannedTurn>,
    /// Planned sign-ins that have started, by user.
    turns: Vec<u32>,
    /// Load that is set from outside, until it ends.
    live: Option<LiveSchedule>,
    /// The next arrival of the schedule.
    next: Option<Arrival>,
    /// Arrivals that wait for a user, each with whether it waits for a TOTP code.
    waiting: VecDeque<(Arrival, bool)>,
    /// Whether the conductor waits for the next TOTP codes.
    awaits_codes: bool,
    in_flight: BTreeMap<u64, Arrival>,
    recorder: Recorder,
    arrival_counts: BTreeMap<u16, ArrivalCounts>,
    observer: Observer,
    tick: Option<Tick>,
    snapshot_reader: Option<SnapshotReader>,
    plan_log: Option<PlanLog>,
    abort: Option<ThresholdAbort>,
    drain: Drain,
    /// When the load was over, while sign-ins were in flight.
    load_ended: Option<Timestamp>,
    /// Sign-ins since the last progress report, and its time.
    unreported: u32,
    reported_at: Duration,
    done: Option<oneshot::Sender<Finished>>,
}

impl std::fmt::Debug for Conductor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Conductor({} users)", self.users.len())
    }
}

impl Conductor {
    /// Creates a conductor of these users. `done` receives the finished run.
    pub fn new(
        clock: Clock,
        users: Vec<StartedUser>,
        schedule: Schedule,
        run_context: RunContext,
        drain: Drain,
        done: oneshot::Sender<Finished>,
    ) -> Self {
        let RunContext { mut recorder, observer, tick, snapshot_reader, plan_log } = run_context;
        schedule.load_ends.iter().for_each(|(workload, at)| recorder.end_load(*workload, *at));
        Self {
            clock,
            start: clock.now(),
            idle: IdleUsers::new(users.iter().map(|user| (user.number, user.kind(), user.totp_step_used))),
            devices: users.iter().map(|user| user.devices).collect(),
            turns: vec![0; users.len()],
            users: users.into_iter().map(|user| user.actor).collect(),
            new_devices: 0,
            open_arrivals: schedule.open_arrivals,
            closed_workloads: schedule
                .closed_workloads
                .into_iter()
                .map(|closed_workloads| (closed_workloads.workload(), closed_workloads))
                .collect(),
            planned: schedule.planned.into(),
            starting: Vec::new(),
            live: schedule.live,
            next: None,
            waiting: VecDeque::new(),
            awaits_codes: false,
            in_flight: BTreeMap::new(),
            recorder,
            arrival_counts: BTreeMap::new(),
            observer,
            tick,
            snapshot_reader,
            plan_log,
            abort: None,
            drain,
            load_ended: None,
            unreported: 0,
            reported_at: Duration::ZERO,
            done: Some(done),
        }
    }

    /// Returns the number of a user in the population.
    fn number(&self, user: usize) -> u32 {
        self.idle.number(user).unwrap_or(u32::MAX)
    }

    fn elapsed(&self) -> Duration {
        self.clock.now().since(self.start)
    }

    /// Starts all arrivals that are due and waits for the next.
    fn start_due_arrivals(&mut self, ctx: &mut Context<Self>) {
        loop {
            if self.next.is_none() {
                self.next = self.open_arrivals.next();
                for (workload, at) in self.open_arrivals.take_ends() {
                    self.recorder.end_load(workload, at);
                }
            }
            let Some(arrival) = self.next else { return self.finish_if_idle(ctx) };
            if arrival.at > self.elapsed() {
                let (clock, due) = (self.clock, self.start.plus(arrival.at));
                let wait = async move { clock.sleep_until(due).await };
                ctx.spawn(wait.into_actor(self).map(|(), conductor, ctx| conductor.start_due_arrivals(ctx)));
                return;
            }
            self.next = None;
            self.admit(arrival, ctx);
        }
    }

    /// Starts an arrival, or queues it until a user is idle and ready. An open workload can queue as many
    /// arrivals as there are users; a closed one has at most one per loop.
    fn admit(&mut self, arrival: Arrival, ctx: &mut Context<Self>) {
        self.recorder.due(due(&arrival));
        let free = self.idle.take(arrival.user, arrival.intent.needs_device(), self.clock.now());
        let for_code = free == Err(Unavailable::CodesUsed);
        let closed = self.closed_workloads.contains_key(&arrival.workload);
        let room = closed || self.waiting.len() < self.users.len();
        // A loop of a closed workload waits for a user at its own pace, but not for a code.
        let waits = room && (for_code || free.is_err() && !closed);
        let (waited_for_code, dropped) = (waits && for_code, free.is_err() && !room);
        self.count_due(&arrival, Wait { waited: waits, waited_for_code, dropped });
        match free {
            Ok(user) => self.dispatch(user, arrival, false, ctx),
            Err(_) if room => {
                self.waiting.push_back((arrival, for_code));
                self.await_codes(for_code, ctx);
            }
            Err(_) => self.recorder.dropped(due(&arrival)),
        }
    }

    /// Waits for the next TOTP codes if an arrival needs one, and then starts the arrivals that wait.
    fn await_codes(&mut self, needed: bool, ctx: &mut Context<Self>) {
        if !needed || std::mem::replace(&mut self.awaits_codes, true) {
            return;
        }
        let (clock, next) = (self.clock, next_code_at(self.clock.now()));
        let wait = async move { clock.sleep_until(next).await };
        ctx.spawn(wait.into_actor(self).map(|(), conductor, ctx| {
            conductor.awaits_codes = false;
            conductor.start_waiting(ctx);
        }));
    }

    /// Starts the arrivals that wait and for which a user is ready.
    fn start_waiting(&mut self, ctx: &mut Context<Self>) {
        let (now, mut unavailable) = (self.clock.now(), Vec::new());
        for (arrival, for_code) in std::mem::take(&mut self.waiting) {
            let needs_device = arrival.intent.needs_device();
            let needed = self.idle.needed(arrival.user, needs_device);
            // If there is no user for one arrival, there is none for others with the same needs.
            if unavailable.contains(&needed) {
                self.waiting.push_back((arrival, for_code));
                continue;
            }
            match self.idle.take(arrival.user, needs_device, now) {
                Ok(user) => self.dispatch(user, arrival, for_code, ctx),
                Err(why) => {
                    unavailable.push(needed);
                    self.waiting.push_back((arrival, for_code));
                    self.await_codes(why == Unavailable::CodesUsed, ctx);
                }
            }
        }
    }

    /// Starts an arrival with this user. Its wait for a TOTP code is no latency: the pool did not cause it.
    fn dispatch(&mut self, user: usize, arrival: Arrival, waited_for_code: bool, ctx: &mut Context<Self>) {
        let code_wait =
            if waited_for_code { self.elapsed().saturating_sub(arrival.at) } else { Duration::ZERO };
        self.log_start(user, &arrival, waited_for_code);
        // A substitute user signs in from their own home address.
        let at_home = arrival.address == home_address(arrival.user);
        let address = if at_home { home_address(self.number(user)) } else { arrival.address };
        let Arrival { number, workload, intent, risk, .. } = arrival;
        let command = StartSignIn { number, workload, intent, risk, address };
        self.in_flight.insert(arrival.number, arrival);
        let (addr, conductor) = (self.users[user].clone(), ctx.address());
        // A task of its own, because actix polls all futures of an actor's context when one of them is ready.
        actix::spawn(async move {
            let sign_in_result = addr.send(command).await.ok();
            // A conductor that has stopped needs no results.
            conductor.send(SignInDone { user, arrival, code_wait, sign_in_result }).await.unwrap_or_default();
        });
    }

    fn record(&mut self, user: usize, arrival: Arrival, code_wait: Duration, sign_in_result: SignInResult) {
        let intended = self.start.plus(arrival.at);
        let SignInResult { end, began, prepared, ended, human_time, steps, judgements, throttled, .. } =
            sign_in_result;
        let (requests, new_device) = (sign_in_result.requests, sign_in_result.new_device);
        let failures = sign_in_result.failures.into_iter().map(|(at, cause, example)| Failure {
            cause,
            at: at.since(self.start),
            example,
        });
        self.new_devices += u64::from(new_device);
        if let Some(devices) = self.devices.get_mut(user) {
            *devices += u32::from(new_device);
        }
        let lag = began.since(intended).saturating_sub(prepared + code_wait);
        self.recorder.sign_in(&SignInRecord {
            number: arrival.number,
            user: self.number(user),
            workload: arrival.workload,
            intent: arrival.intent,
            warm_up: arrival.warm_up,
            cool_down: arrival.cool_down,
            end,
            intended: arrival.at,
            finished: ended.since(self.start),
            latency: (lag + ended.since(began)).saturating_sub(human_time),
            service: ended.since(began).saturating_sub(human_time),
            lag,
            steps,
            judgements,
            throttled,
            requests,
            failures: failures.collect(),
        });
        let elapsed = self.elapsed();
        self.unreported += 1;
        if self.unreported >= PROGRESS_EVERY || elapsed >= self.reported_at + PROGRESS_INTERVAL {
            (self.unreported, self.reported_at) = (0, elapsed);
            self.report_progress(elapsed);
            self.offer_snapshot();
        }
    }

    /// Continues after a sign-in: starts the next queued arrival, and the next iteration of the same loop.
    fn after_sign_in(&mut self, user: usize, step_used: Option<u64>, workload: u16, ctx: &mut Context<Self>) {
        let ready = self.idle.release(user, step_used, self.clock.now());
        self.start_next_turn(user, ctx);
        let fits = |(arrival, _): &(Arrival, bool)| {
            self.idle.meets(user, self.idle.needed(arrival.user, arrival.intent.needs_device()))
        };
        match self.waiting.iter().position(fits) {
            Some(place) if ready => {
                if let Some((arrival, for_code)) = self.waiting.remove(place) {
                    self.idle.take_user(user);
                    self.dispatch(user, arrival, for_code, ctx);
                }
            }
            waits => self.await_codes(waits.is_some(), ctx),
        }
        let Some(next_think_time) = self
            .closed_workloads
            .get_mut(&workload)
            .filter(|_| !self.drain.is_over())
            .map(ClosedWorkload::next_think_time)
        else {
            return self.finish_if_idle(ctx);
        };
        let (clock, conductor) = (self.clock, ctx.address());
        actix::spawn(async move {
            clock.sleep(next_think_time).await;
            conductor.send(NextIteration { workload }).await.unwrap_or_default();
        });
    }

    /// Waits for the next stage of a closed workload and starts it.
    fn await_stage(&mut self, workload: u16, ctx: &mut Context<Self>) {
        let due = self.closed_workloads.get(&workload).and_then(ClosedWorkload::next_stage_at);
        let Some(due) = due else { return };
        if due <= self.elapsed() {
            return self.begin_stage(workload, ctx);
        }
        let (clock, due) = (self.clock, self.start.plus(due));
        let wait = async move { clock.sleep_until(due).await };
        ctx.spawn(wait.into_actor(self).map(move |(), conductor, ctx| conductor.begin_stage(workload, ctx)));
    }

    fn begin_stage(&mut self, workload: u16, ctx: &mut Context<Self>) {
        let more = self.closed_workloads.get_mut(&workload).map_or(0, ClosedWorkload::begin_stage);
        for _ in 0..more {
            self.next_iteration(workload, ctx);
        }
        self.await_stage(workload, ctx);
    }

    /// Schedules the next sign-in of a loop, or ends the loop.
    fn next_iteration(&mut self, workload: u16, ctx: &mut Context<Self>) {
        let elapsed = self.elapsed();
        let Some(closed_workloads) = self.closed_workloads.get_mut(&workload) else {
            return self.finish_if_idle(ctx);
        };
        match closed_workloads.next(elapsed) {
            Some(arrival) => {
                if closed_workloads.is_exhausted() {
                    self.recorder.end_load(workload, elapsed);
                }
                self.admit(arrival, ctx);
            }
            None => self.finish_if_idle(ctx),
        }
    }

    /// Waits for the end of a second of the run and calls the tick.
    fn schedule_tick(&mut self, number: u32, ctx: &mut Context<Self>) {
        if self.tick.is_none() {
            return;
        }
        let (clock, due) = (self.clock, self.start.plus(TICK_INTERVAL * number));
        let wait = async move { clock.sleep_until(due).await };
        ctx.spawn(wait.into_actor(self).map(move |(), conductor, ctx| {
            conductor.on_tick(ctx);
            conductor.schedule_tick(number.saturating_add(1), ctx);
        }));
    }

    fn on_tick(&mut self, ctx: &mut Context<Self>) {
        let elapsed = self.elapsed();
        let Some(tick) = self.tick.as_mut().filter(|_| self.done.is_some()) else { return };
        self.recorder.tick(elapsed);
        if let Some(threshold) = tick(&mut self.recorder, elapsed) {
            self.abort = Some(ThresholdAbort { threshold, elapsed });
            return self.interrupt(ctx);
        }
        self.report_progress(elapsed);
        self.offer_snapshot();
    }

    /// Ends the run. Sign-ins in flight or waiting have an unknown outcome.
    fn interrupt(&mut self, ctx: &mut Context<Self>) {
        let in_flight = std::mem::take(&mut self.in_flight).into_values();
        let waiting = std::mem::take(&mut self.waiting).into_iter().map(|(arrival, _)| arrival);
        for arrival in in_flight.chain(waiting) {
            self.recorder.unfinished(due(&arrival));
        }
        self.finish(true);
        ctx.stop();
    }

    fn finish_if_idle(&mut self, ctx: &mut Context<Self>) {
        let elapsed = self.elapsed();
        let is_over = |closed_workloads: &ClosedWorkload| closed_workloads.is_over(elapsed);
        let more = self.next.is_some()
            || !self.planned.is_empty()
            || self.live.is_some()
            || !self.drain.is_over() && !self.closed_workloads.values().all(is_over);
        if !more && self.in_flight.is_empty() && self.waiting.is_empty() {
            return self.finish(false);
        }
        let no_more_due = self.next.is_none()
            && self.planned.is_empty()
            && self.live.is_none()
            && self.closed_workloads.values().all(|closed_workloads| closed_workloads.ends_by(elapsed));
        if no_more_due && self.load_ended.is_none() {
            self.start_drain(ctx);
        }
    }
}

/// The arrival in the recorder's form.
const fn due(arrival: &Arrival) -> DueSignIn {
    let Arrival { at, workload, warm_up, cool_down, .. } = *arrival;
    DueSignIn { intended: at, workload, warm_up, cool_down }
}

impl Actor for Conductor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        // Start the due arrivals first; then it is known whether more follow.
        self.start_due_arrivals(ctx);
        self.start_planned(ctx);
        self.follow_live_load(ctx);
        for workload in self.closed_workloads.keys().copied().collect::<Vec<_>>() {
            self.await_stage(workload, ctx);
        }
        self.await_closed_ends(ctx);
        self.schedule_tick(1, ctx);
    }
}

/// The result of a sign-in; `None` if its user actor has stopped.
#[derive(Message, Debug)]
#[rtype(result = "()")]
struct SignInDone {
    user: usize,
    arrival: Arrival,
    /// How long it waited for a TOTP code.
    code_wait: Duration,
    sign_in_result: Option<SignInResult>,
}

/// The think time of a closed workload's loop is over.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
struct NextIteration {
    workload: u16,
}

impl Handler<SignInDone> for Conductor {
    type Result = ();

    fn handle(&mut self, done: SignInDone, ctx: &mut Self::Context) {
        let SignInDone { user, arrival, code_wait, sign_in_result } = done;
        self.in_flight.remove(&arrival.number);
        let step_used = sign_in_result.as_ref().and_then(|sign_in_result| sign_in_result.totp_step_used);
        if let Some(sign_in_result) = sign_in_result {
            self.record(user, arrival, code_wait, sign_in_result);
        }
        self.after_sign_in(user, step_used, arrival.workload, ctx);
    }
}

impl Handler<NextIteration> for Conductor {
    type Result = ();

    fn handle(&mut self, NextIteration { workload }: NextIteration, ctx: &mut Self::Context) {
        self.next_iteration(workload, ctx);
    }
}

impl Handler<Interrupt> for Conductor {
    type Result = ();

    fn handle(&mut self, Interrupt: Interrupt, ctx: &mut Self::Context) {
        self.interrupt(ctx);
    }
}
