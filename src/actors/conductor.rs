//! The conductor: tells users when to sign in, and keeps the record of what came of it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::oneshot;

use super::idle::Idle;
use super::user::{Settled, SignInNow, User};
use crate::clock::{Clock, Timestamp};
use crate::metrics::{End, Live, Recorder, SignInRecord};
use crate::scenario::{ClosedStage, Delay};
use crate::seed::Stream;
use crate::workload::{Arrival, Draws, Timetable, home};

/// The shortest time between two sign-ins of one loop.
const SHORTEST_PAUSE: Duration = Duration::from_micros(1);
/// Messages that may wait for the conductor before senders have to.
const MAILBOX: usize = 4096;
/// Sign-ins between two tellings of how it goes, at most.
const TELL_EVERY: u32 = 16;
/// Time after which the next sign-in has it told again.
const TELL_AFTER: Duration = Duration::from_millis(250);

/// When sign-ins start.
pub enum Course {
    /// At their times, whatever became of those before.
    Open(Timetable),
    /// One after the other for each of so many users, with time to think between.
    Closed {
        /// Who comes, and what for.
        draws: Draws,
        /// How many at once.
        stages: Vec<ClosedStage>,
        /// Time between two sign-ins of one user.
        think_time: Delay,
        /// Draws that time.
        chance: Stream,
    },
}

/// Hears now and then how the run goes.
pub type Observer = Box<dyn Fn(Progress)>;

/// How a run goes.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// What was counted so far.
    pub live: Live,
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
    /// Sign-ins that had to wait until a suitable user was free.
    pub waited: u64,
}

/// Cuts the run short: what is in flight counts as abandoned.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
pub struct Interrupt;

/// The actor that conducts a run.
pub struct Conductor {
    clock: Clock,
    start: Timestamp,
    users: Vec<Addr<User>>,
    idle: Idle,
    course: Course,
    /// The next of an open course.
    next: Option<Arrival>,
    /// Arrivals that wait for somebody to be free.
    waiting: VecDeque<Arrival>,
    in_flight: BTreeMap<u64, Arrival>,
    /// Loops of a closed course.
    loops: u32,
    numbers: u64,
    recorder: Recorder,
    waited: u64,
    observer: Observer,
    /// Sign-ins since it was told how it goes, and when that was.
    untold: u32,
    told: Duration,
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
        course: Course,
        observer: Observer,
        done: oneshot::Sender<Finished>,
    ) -> Self {
        Self {
            clock,
            start: clock.now(),
            users,
            idle: Idle::new(owners),
            course,
            next: None,
            waiting: VecDeque::new(),
            in_flight: BTreeMap::new(),
            loops: 0,
            numbers: 0,
            recorder: Recorder::new(),
            waited: 0,
            observer,
            untold: 0,
            told: Duration::ZERO,
            done: Some(done),
        }
    }

    fn elapsed(&self) -> Duration {
        self.clock.now().since(self.start)
    }

    /// Open course: starts whoever is due, and waits for the next.
    fn proceed(&mut self, ctx: &mut Context<Self>) {
        loop {
            if self.next.is_none() {
                self.next = match &mut self.course {
                    Course::Open(timetable) => timetable.next(),
                    Course::Closed { .. } => return,
                };
            }
            let Some(arrival) = self.next else { return self.finish_if_idle() };
            if arrival.at > self.elapsed() {
                let (clock, due) = (self.clock, self.start.plus(arrival.at));
                let wait = async move { clock.sleep_until(due).await };
                ctx.spawn(wait.into_actor(self).map(|(), conductor, ctx| conductor.proceed(ctx)));
                return;
            }
            self.next = None;
            self.admit(arrival, ctx);
        }
    }

    /// Starts an arrival, or lets it wait until somebody is free. Of an open course as many may wait as there are users;
    /// of a closed one no more can than it has loops.
    fn admit(&mut self, arrival: Arrival, ctx: &mut Context<Self>) {
        match self.idle.take(arrival.user, arrival.intent.needs_device()) {
            Some(user) => self.dispatch(user, arrival, ctx),
            None if self.may_wait() => {
                self.waited += 1;
                self.waiting.push_back(arrival);
            }
            None if arrival.warm_up => {}
            None => self.recorder.missed(arrival.at),
        }
    }

    fn may_wait(&self) -> bool {
        matches!(self.course, Course::Closed { .. }) || self.waiting.len() < self.users.len()
    }

    fn dispatch(&mut self, user: usize, arrival: Arrival, ctx: &mut Context<Self>) {
        // Whoever comes in another's place comes from their own home.
        let at_home = arrival.address == home(arrival.user);
        let address = if at_home { home(u32::try_from(user).unwrap_or(u32::MAX)) } else { arrival.address };
        let Arrival { number, intent, risk, .. } = arrival;
        let order = SignInNow { number, intent, risk, address };
        self.in_flight.insert(arrival.number, arrival);
        let (addr, conductor) = (self.users[user].clone(), ctx.address());
        // A task of its own: futures that an actor spawns in its context are all polled when one of them is ready.
        actix::spawn(async move {
            let settled = addr.send(order).await.ok();
            // A conductor that is gone needs no more news.
            conductor.send(Done { user, arrival, settled }).await.unwrap_or_default();
        });
    }

    fn record(&mut self, user: usize, arrival: Arrival, settled: Settled) {
        let intended = self.start.plus(arrival.at);
        let Settled { end, began, prepared, ended, human, steps, verdicts, throttled, requests } = settled;
        let lag = began.since(intended).saturating_sub(prepared);
        self.recorder.sign_in(&SignInRecord {
            number: arrival.number,
            user: u32::try_from(user).unwrap_or(u32::MAX),
            workload: arrival.workload,
            warm_up: arrival.warm_up,
            end,
            intended: arrival.at,
            finished: ended.since(self.start),
            latency: (lag + ended.since(began)).saturating_sub(human),
            service: ended.since(began).saturating_sub(human),
            lag,
            steps,
            verdicts,
            throttled,
            requests,
        });
        let elapsed = self.elapsed();
        self.untold += 1;
        if self.untold >= TELL_EVERY || elapsed >= self.told + TELL_AFTER {
            (self.untold, self.told) = (0, elapsed);
            let (in_flight, waiting) = (self.in_flight.len(), self.waiting.len());
            (self.observer)(Progress { live: self.recorder.live(), elapsed, in_flight, waiting });
        }
    }

    /// After a sign-in: the next who waited, or the next of a closed course.
    fn go_on(&mut self, user: usize, ctx: &mut Context<Self>) {
        self.idle.give_back(user);
        let fits = |arrival: &Arrival| !arrival.intent.needs_device() || self.idle.is_owner(user);
        let next = self.waiting.iter().position(fits).and_then(|at| self.waiting.remove(at));
        if let Some(arrival) = next {
            self.idle.take_this(user);
            self.dispatch(user, arrival, ctx);
        }
        match &mut self.course {
            Course::Open(_) => self.finish_if_idle(),
            Course::Closed { think_time, chance, .. } => {
                // Never no time at all, or sign-ins that cost nothing would go on at one instant for ever.
                let pause = think_time.draw(chance).max(SHORTEST_PAUSE);
                let (clock, conductor) = (self.clock, ctx.address());
                actix::spawn(async move {
                    clock.sleep(pause).await;
                    conductor.send(OnceMore).await.unwrap_or_default();
                });
            }
        }
    }

    /// Closed course: begins a stage, and waits for the next.
    fn begin_stage(&mut self, number: usize, ctx: &mut Context<Self>) {
        let Course::Closed { stages, .. } = &self.course else { return };
        let Some(wanted) = stages.get(number).map(|stage| stage.users) else { return self.finish_if_idle() };
        let ends = stages[..=number].iter().map(|stage| stage.length).sum::<Duration>();
        while self.loops < wanted {
            self.loops += 1;
            self.once_more(ctx);
        }
        let (clock, due) = (self.clock, self.start.plus(ends));
        let wait = async move { clock.sleep_until(due).await };
        ctx.spawn(
            wait.into_actor(self).map(move |(), conductor, ctx| conductor.begin_stage(number + 1, ctx)),
        );
    }

    /// Closed course: one loop's next sign-in, or its end when the stage wants fewer.
    fn once_more(&mut self, ctx: &mut Context<Self>) {
        let elapsed = self.elapsed();
        let Course::Closed { stages, draws, .. } = &self.course else { return };
        let mut ends = Duration::ZERO;
        let stage = stages.iter().find(|stage| {
            ends += stage.length;
            elapsed < ends
        });
        let Some(stage) = stage.filter(|stage| self.loops <= stage.users) else {
            self.loops -= 1;
            return self.finish_if_idle();
        };
        let draw = draws.draw(self.numbers);
        let arrival = Arrival {
            number: self.numbers,
            at: elapsed,
            workload: 0,
            user: draw.user,
            intent: draw.intent,
            risk: draw.risk,
            address: draw.address,
            warm_up: stage.warm_up,
        };
        self.numbers += 1;
        self.admit(arrival, ctx);
    }

    fn finish_if_idle(&mut self) {
        let more = match &self.course {
            Course::Open(_) => self.next.is_some(),
            Course::Closed { .. } => self.loops > 0,
        };
        if !more && self.in_flight.is_empty() && self.waiting.is_empty() {
            self.finish(false);
        }
    }

    fn finish(&mut self, interrupted: bool) {
        let Some(done) = self.done.take() else { return };
        let recorder = std::mem::take(&mut self.recorder);
        // Whoever asked for the run may have gone; then nobody needs to know.
        drop(done.send(Finished { recorder, started: self.start, interrupted, waited: self.waited }));
    }
}

impl Actor for Conductor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        match self.course {
            Course::Open(_) => self.proceed(ctx),
            Course::Closed { .. } => self.begin_stage(0, ctx),
        }
    }
}

/// A sign-in is over; `None` if its user is gone.
#[derive(Message, Debug)]
#[rtype(result = "()")]
struct Done {
    user: usize,
    arrival: Arrival,
    settled: Option<Settled>,
}

/// A loop of a closed course has thought.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
struct OnceMore;

impl Handler<Done> for Conductor {
    type Result = ();

    fn handle(&mut self, Done { user, arrival, settled }: Done, ctx: &mut Self::Context) {
        self.in_flight.remove(&arrival.number);
        if let Some(settled) = settled {
            self.record(user, arrival, settled);
        }
        self.go_on(user, ctx);
    }
}

impl Handler<OnceMore> for Conductor {
    type Result = ();

    fn handle(&mut self, OnceMore: OnceMore, ctx: &mut Self::Context) {
        self.once_more(ctx);
    }
}

impl Handler<Interrupt> for Conductor {
    type Result = ();

    fn handle(&mut self, Interrupt: Interrupt, ctx: &mut Self::Context) {
        let elapsed = self.elapsed();
        for (_, arrival) in std::mem::take(&mut self.in_flight) {
            self.recorder.sign_in(&SignInRecord {
                number: arrival.number,
                user: arrival.user,
                workload: arrival.workload,
                warm_up: arrival.warm_up,
                end: End::Abandoned,
                intended: arrival.at,
                finished: elapsed,
                latency: elapsed.saturating_sub(arrival.at),
                service: elapsed.saturating_sub(arrival.at),
                lag: Duration::ZERO,
                steps: Vec::new(),
                verdicts: Vec::new(),
                throttled: Vec::new(),
                requests: 0,
            });
        }
        self.finish(true);
        ctx.stop();
    }
}
