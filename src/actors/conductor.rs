//! The conductor: tells users when to sign in, and keeps the record of what came of it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::oneshot;

use super::idle::IdleUsers;
use super::user::{SignInResult, StartSignIn, User};
use crate::clock::Clock;
use crate::metrics::{DueSignIn, LiveStats, Recorder, SignInRecord};
use crate::workload::{Arrival, ClosedWorkload, MergedArrivals, home_address};
use poolproof_cognito::time::Timestamp;

/// Messages that may wait for the conductor before senders have to.
const MAILBOX: usize = 4096;
/// Sign-ins between two tellings of how it goes, at most.
const PROGRESS_EVERY: u32 = 16;
/// Time after which the next sign-in has it told again.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// When sign-ins start.
pub struct Schedule {
    /// Those of open workloads: at their times, whatever became of those before.
    pub open_arrivals: MergedArrivals,
    /// Those of closed workloads: one after the other for each of so many users, with time to think between.
    pub closed_workloads: Vec<ClosedWorkload>,
}

/// Hears now and then how the run goes.
pub type Observer = Box<dyn Fn(RunProgress)>;

/// Looks at the record after every second of the run and at its end, given what is over of it, and may note something there. The number
/// of a threshold cuts the run short.
pub type Tick = Box<dyn FnMut(&mut Recorder, Duration) -> Option<usize>>;

/// Time between two looks.
const TICK_INTERVAL: Duration = Duration::from_secs(1);

/// A threshold has cut a run short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThresholdAbort {
    /// The number of the threshold in the scenario, from 0.
    pub threshold: usize,
    /// How much of the run was over.
    pub elapsed: Duration,
}

/// What a conductor keeps a record with.
pub struct RunContext {
    /// Where sign-ins are recorded.
    pub recorder: Recorder,
    /// Hears how it goes.
    pub observer: Observer,
    /// Looks at the record every second.
    pub tick: Option<Tick>,
}

/// How a run goes.
#[derive(Clone, Copy, Debug)]
pub struct RunProgress {
    /// What was counted so far.
    pub live: LiveStats,
    /// How much of the run's length is over.
    pub elapsed: Duration,
    /// Sign-ins under way.
    pub in_flight: usize,
    /// Sign-ins that wait until a suitable user is free.
    pub waiting: usize,
}

/// A run that is over.
#[derive(Debug, Default)]
pub struct Finished {
    /// What was recorded.
    pub recorder: Recorder,
    /// The moment from which it counted time.
    pub started: Timestamp,
    /// Whether it was cut short.
    pub interrupted: bool,
    /// By which threshold, if by one.
    pub abort: Option<ThresholdAbort>,
    /// How those of open workloads came in time, by the workload's number.
    pub arrival_counts: BTreeMap<u16, ArrivalCounts>,
}

/// How an open workload's sign-ins came in time, warm-up too.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ArrivalCounts {
    /// Sign-ins that were due.
    pub asked: u64,
    /// Those of them that had to wait until a suitable user was free.
    pub waited: u64,
    /// Those that could not start at all.
    pub dropped: u64,
}

/// Cuts the run short: what is in flight has no end, and is counted apart.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
pub struct Interrupt;

/// The actor that conducts a run.
pub struct Conductor {
    clock: Clock,
    start: Timestamp,
    users: Vec<Addr<User>>,
    idle: IdleUsers,
    open_arrivals: MergedArrivals,
    /// Closed workloads by their numbers in the scenario.
    closed_workloads: BTreeMap<u16, ClosedWorkload>,
    /// The next of the timetable.
    next: Option<Arrival>,
    /// Arrivals that wait for somebody to be free.
    waiting: VecDeque<Arrival>,
    in_flight: BTreeMap<u64, Arrival>,
    recorder: Recorder,
    arrival_counts: BTreeMap<u16, ArrivalCounts>,
    observer: Observer,
    tick: Option<Tick>,
    abort: Option<ThresholdAbort>,
    /// Sign-ins since it was told how it goes, and when that was.
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
    /// A conductor of these users; `owners` tells who starts with a device. When all is over, `done` hears of it.
    pub fn new(
        clock: Clock,
        users: Vec<Addr<User>>,
        owners: Vec<bool>,
        schedule: Schedule,
        run_context: RunContext,
        done: oneshot::Sender<Finished>,
    ) -> Self {
        let RunContext { recorder, observer, tick } = run_context;
        Self {
            clock,
            start: clock.now(),
            users,
            idle: IdleUsers::new(owners),
            open_arrivals: schedule.open_arrivals,
            closed_workloads: schedule
                .closed_workloads
                .into_iter()
                .map(|closed_workloads| (closed_workloads.workload(), closed_workloads))
                .collect(),
            next: None,
            waiting: VecDeque::new(),
            in_flight: BTreeMap::new(),
            recorder,
            arrival_counts: BTreeMap::new(),
            observer,
            tick,
            abort: None,
            unreported: 0,
            reported_at: Duration::ZERO,
            done: Some(done),
        }
    }

    fn elapsed(&self) -> Duration {
        self.clock.now().since(self.start)
    }

    /// Starts whoever is due by the timetable, and waits for the next.
    fn start_due_arrivals(&mut self, ctx: &mut Context<Self>) {
        loop {
            if self.next.is_none() {
                self.next = self.open_arrivals.next();
                for (workload, at) in self.open_arrivals.take_ends() {
                    self.recorder.end_load(workload, at);
                }
            }
            let Some(arrival) = self.next else { return self.finish_if_idle() };
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

    /// Starts an arrival, or lets it wait until somebody is free. Of open workloads as many may wait as there are users;
    /// of a closed one no more can than it has loops, and these set their own pace.
    fn admit(&mut self, arrival: Arrival, ctx: &mut Context<Self>) {
        self.recorder.due(due(&arrival));
        let free = self.idle.take(arrival.user, arrival.intent.needs_device());
        let closed = self.closed_workloads.contains_key(&arrival.workload);
        let room = closed || self.waiting.len() < self.users.len();
        if !closed {
            let counts = self.arrival_counts.entry(arrival.workload).or_default();
            counts.asked += 1;
            counts.waited += u64::from(free.is_none() && room);
            counts.dropped += u64::from(free.is_none() && !room);
        }
        match free {
            Some(user) => self.dispatch(user, arrival, ctx),
            None if room => self.waiting.push_back(arrival),
            None => self.recorder.dropped(due(&arrival)),
        }
    }

    fn dispatch(&mut self, user: usize, arrival: Arrival, ctx: &mut Context<Self>) {
        // Whoever comes in another's place comes from their own home.
        let at_home = arrival.address == home_address(arrival.user);
        let address =
            if at_home { home_address(u32::try_from(user).unwrap_or(u32::MAX)) } else { arrival.address };
        let Arrival { number, intent, risk, .. } = arrival;
        let command = StartSignIn { number, intent, risk, address };
        self.in_flight.insert(arrival.number, arrival);
        let (addr, conductor) = (self.users[user].clone(), ctx.address());
        // A task of its own: futures that an actor spawns in its context are all polled when one of them is ready.
        actix::spawn(async move {
            let sign_in_result = addr.send(command).await.ok();
            // A conductor that is gone needs no more news.
            conductor.send(SignInDone { user, arrival, sign_in_result }).await.unwrap_or_default();
        });
    }

    fn record(&mut self, user: usize, arrival: Arrival, sign_in_result: SignInResult) {
        let intended = self.start.plus(arrival.at);
        let SignInResult { end, began, prepared, ended, human_time, steps, judgements, throttled, requests } =
            sign_in_result;
        let lag = began.since(intended).saturating_sub(prepared);
        self.recorder.sign_in(&SignInRecord {
            number: arrival.number,
            user: u32::try_from(user).unwrap_or(u32::MAX),
            workload: arrival.workload,
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
        });
        let elapsed = self.elapsed();
        self.unreported += 1;
        if self.unreported >= PROGRESS_EVERY || elapsed >= self.reported_at + PROGRESS_INTERVAL {
            (self.unreported, self.reported_at) = (0, elapsed);
            let (in_flight, waiting) = (self.in_flight.len(), self.waiting.len());
            (self.observer)(RunProgress { live: self.recorder.live(), elapsed, in_flight, waiting });
        }
    }

    /// After a sign-in: the next who waited, and the next of the same loop.
    fn after_sign_in(&mut self, user: usize, workload: u16, ctx: &mut Context<Self>) {
        self.idle.release(user);
        let fits = |arrival: &Arrival| !arrival.intent.needs_device() || self.idle.is_owner(user);
        let next = self.waiting.iter().position(fits).and_then(|at| self.waiting.remove(at));
        if let Some(arrival) = next {
            self.idle.take_user(user);
            self.dispatch(user, arrival, ctx);
        }
        let Some(next_think_time) =
            self.closed_workloads.get_mut(&workload).map(ClosedWorkload::next_think_time)
        else {
            return self.finish_if_idle();
        };
        let (clock, conductor) = (self.clock, ctx.address());
        actix::spawn(async move {
            clock.sleep(next_think_time).await;
            conductor.send(NextIteration { workload }).await.unwrap_or_default();
        });
    }

    /// Waits for the next stage of a closed workload, and begins it.
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

    /// One loop's next sign-in, or its end.
    fn next_iteration(&mut self, workload: u16, ctx: &mut Context<Self>) {
        let elapsed = self.elapsed();
        let Some(closed_workloads) = self.closed_workloads.get_mut(&workload) else {
            return self.finish_if_idle();
        };
        match closed_workloads.next(elapsed) {
            Some(arrival) => {
                if closed_workloads.is_exhausted() {
                    self.recorder.end_load(workload, elapsed);
                }
                self.admit(arrival, ctx);
            }
            None => self.finish_if_idle(),
        }
    }

    /// Waits for the end of a second of the run, and has the record looked at.
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
            self.interrupt(ctx);
        }
    }

    /// Ends the run. How that would have ended which is in flight or waits, nobody knows.
    fn interrupt(&mut self, ctx: &mut Context<Self>) {
        let in_flight = std::mem::take(&mut self.in_flight).into_values();
        for arrival in in_flight.chain(std::mem::take(&mut self.waiting)) {
            self.recorder.unfinished(due(&arrival));
        }
        self.finish(true);
        ctx.stop();
    }

    fn finish_if_idle(&mut self) {
        let elapsed = self.elapsed();
        let more = self.next.is_some()
            || !self.closed_workloads.values().all(|closed_workloads| closed_workloads.is_over(elapsed));
        if !more && self.in_flight.is_empty() && self.waiting.is_empty() {
            self.finish(false);
        }
    }

    fn finish(&mut self, interrupted: bool) {
        let Some(done) = self.done.take() else { return };
        let elapsed = self.elapsed();
        if let Some(mut tick) = self.tick.take() {
            // What there was since the last look. A threshold has nothing left to cut short.
            tick(&mut self.recorder, elapsed);
        }
        // The last second of a run is a whole one, though nobody waits for its end.
        let begun = u64::from(elapsed.subsec_nanos() > 0);
        let whole = Duration::from_secs(elapsed.as_secs() + begun);
        self.recorder.tick(if interrupted { elapsed } else { whole });
        let recorder = std::mem::take(&mut self.recorder);
        // Whoever asked for the run may have gone; then nobody needs to know.
        let arrival_counts = std::mem::take(&mut self.arrival_counts);
        drop(done.send(Finished {
            recorder,
            started: self.start,
            interrupted,
            abort: self.abort,
            arrival_counts,
        }));
    }
}

/// An arrival as the recorder knows it.
const fn due(arrival: &Arrival) -> DueSignIn {
    let Arrival { at, workload, warm_up, cool_down, .. } = *arrival;
    DueSignIn { intended: at, workload, warm_up, cool_down }
}

impl Actor for Conductor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        // First what is due by the timetable: then it is known whether more is to come.
        self.start_due_arrivals(ctx);
        for workload in self.closed_workloads.keys().copied().collect::<Vec<_>>() {
            self.await_stage(workload, ctx);
        }
        self.schedule_tick(1, ctx);
    }
}

/// A sign-in is over; `None` if its user is gone.
#[derive(Message, Debug)]
#[rtype(result = "()")]
struct SignInDone {
    user: usize,
    arrival: Arrival,
    sign_in_result: Option<SignInResult>,
}

/// A loop of a closed workload has thought.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
struct NextIteration {
    workload: u16,
}

impl Handler<SignInDone> for Conductor {
    type Result = ();

    fn handle(&mut self, SignInDone { user, arrival, sign_in_result }: SignInDone, ctx: &mut Self::Context) {
        self.in_flight.remove(&arrival.number);
        if let Some(sign_in_result) = sign_in_result {
            self.record(user, arrival, sign_in_result);
        }
        self.after_sign_in(user, arrival.workload, ctx);
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
