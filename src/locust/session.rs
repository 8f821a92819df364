//! What a worker does with each message of the master: a state machine without I/O.
//!
//! ```text
//! connection   down ─▶ greeting ─ assignment ▶ preparing ▶ announced ─ ack ▶ registered
//! run          none ─▶ preparing ─▶ prepared ─ spawn ▶ running ─ finish, stop, quit ▶ finishing ▶ finished
//! ```
//!
//! A worker asks for its assignment first and registers when its users exist. So a test starts with users
//! that can sign in, and its time does not include their setup. A worker that loses its master keeps its
//! load, asks for the assignment again and registers again. If its test has ended, the run is discarded.
//!
//! Reports have numbers and stay here until the master has counted them. After a lost connection they are
//! sent again, and the locustfile counts each once.

mod timers;

use std::collections::BTreeMap;
use std::time::Duration;

use super::action::{Action, SessionConfig, WorkerError};
use super::engine::{EngineEvent, Sample};
use super::protocol::{
    Assignment, Bytes, MasterMessage, PROTOCOL, ProtocolError, Report, Spawn, WorkerMessage,
};
use super::stats::Counts;
use poolproof_cognito::time::Timestamp;

/// Time between two reports.
const REPORT: Duration = Duration::from_secs(3);
/// Time that sign-ins in flight get after `quit`: the master waits for half a second.
const QUIT_DRAIN: Duration = Duration::from_millis(200);
/// Time that the last report gets after `quit`.
const QUIT: Duration = Duration::from_secs(2);
/// Frames in a row that are no messages, after which the worker gives up.
const MAX_BAD_FRAMES: u32 = 16;

/// The connection to the master.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Link {
    Down,
    /// Asked for the assignment at this time.
    Greeting(Timestamp),
    /// The master asked the worker to wait, at this time.
    Waiting(Timestamp),
    /// Has the assignment, but no users yet.
    Preparing,
    /// Sent `client_ready` at this time.
    Announced(Timestamp),
    /// Registered, with the time of the last echo.
    Registered(Timestamp),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Run {
    None,
    Preparing,
    Prepared,
    Running,
    Finishing,
    Finished,
}

/// What follows after the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    /// The master has not decided yet.
    Wait,
    /// The next test.
    Ready,
    /// The end of the worker at the master's request.
    Quit,
    /// The end of the worker at a signal.
    Interrupt,
}

/// The state of a worker.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    link: Link,
    /// Since when the worker has tried to register.
    unregistered_since: Timestamp,
    last_error: Option<String>,
    bad_frames: u32,
    /// The life of the master that gave the assignment.
    master: Option<String>,
    shard: u32,
    run: Run,
    run_number: u64,
    next: Next,
    exit_at: Option<Timestamp>,
    /// The test of the run.
    test: Option<u64>,
    last_spawn: f64,
    users: BTreeMap<String, u32>,
    next_hello: Timestamp,
    next_heartbeat: Timestamp,
    next_report: Timestamp,
    awaits_sample: bool,
    /// What the reports so far contain, and when the last was made.
    reported: (Counts, Timestamp),
    sequence: u64,
    /// Reports that the master has not acknowledged.
    pending: Vec<Report>,
}

impl Session {
    /// Creates the session of a worker without a connection.
    pub fn new(config: SessionConfig, now: Timestamp) -> Self {
        Self {
            config,
            link: Link::Down,
            unregistered_since: now,
            last_error: None,
            bad_frames: 0,
            master: None,
            shard: 0,
            run: Run::None,
            run_number: 0,
            next: Next::Wait,
            exit_at: None,
            test: None,
            last_spawn: 0.0,
            users: BTreeMap::new(),
            next_hello: now,
            next_heartbeat: now,
            next_report: now,
            awaits_sample: false,
            reported: (Counts::default(), now),
            sequence: 0,
            pending: Vec::new(),
        }
    }

    /// Handles a new connection.
    pub fn on_connected(&mut self, now: Timestamp) -> Vec<Action> {
        self.greet(now)
    }

    /// Handles the loss of the connection, or a failed attempt to connect.
    pub fn on_disconnected(&mut self, now: Timestamp, error: String) -> Vec<Action> {
        self.last_error = Some(error);
        self.unregister(now);
        self.link = Link::Down;
        match self.next {
            // The master has ended.
            Next::Quit if self.run == Run::Finished => vec![Action::Exit(Ok(()))],
            _ => Vec::new(),
        }
    }

    /// Handles a frame that is no message.
    pub fn on_bad_frame(&mut self, error: &ProtocolError) -> Vec<Action> {
        self.bad_frames += 1;
        let master = &self.config.master;
        match self.bad_frames {
            1 => vec![Action::Log(format!("{master} sent {error}"))],
            MAX_BAD_FRAMES => {
                let error = format!(
                    "{master} is no Locust master: {MAX_BAD_FRAMES} frames in a row, the last {error}"
                );
                self.exit(Err(WorkerError::NoMaster(error)))
            }
            _ => Vec::new(),
        }
    }

    /// Handles a message of the master.
    pub fn on_message(&mut self, now: Timestamp, message: MasterMessage) -> Vec<Action> {
        self.bad_frames = 0;
        match message {
            MasterMessage::Assignment(assignment) => self.on_assignment(now, *assignment),
            MasterMessage::Ack => self.on_ack(now),
            MasterMessage::Heartbeat => {
                if let Link::Registered(echo) = &mut self.link {
                    *echo = now;
                }
                Vec::new()
            }
            MasterMessage::Spawn(spawn) => self.on_spawn(now, spawn),
            MasterMessage::Finish if self.run == Run::Running => self.finish(self.config.drain),
            MasterMessage::Stop => self.on_stop(now),
            MasterMessage::Quit => self.end(now, Next::Quit),
            MasterMessage::Reconnect => self.reconnect(now, "the master asks for it"),
            MasterMessage::ReportAck(sequence) => {
                self.pending.retain(|report| report.sequence > sequence);
                self.exit_if_done()
            }
            MasterMessage::Finish | MasterMessage::Other => Vec::new(),
        }
    }

    /// Handles an event of the run with this number.
    pub fn on_event(&mut self, now: Timestamp, (run, event): (u64, EngineEvent)) -> Vec<Action> {
        if run != self.run_number || self.run == Run::None {
            return Vec::new();
        }
        match event {
            EngineEvent::Prepared => {
                self.run = Run::Prepared;
                if self.link == Link::Preparing { self.announce(now) } else { Vec::new() }
            }
            EngineEvent::Failed(error) => {
                let exception = WorkerMessage::Exception(format!("{}: {error}", self.config.node));
                let mut actions = vec![Action::Send(exception), Action::Send(WorkerMessage::Quit)];
                self.run = Run::None;
                actions.extend(self.exit(Err(error.into())));
                actions
            }
            EngineEvent::Sample(sample) => {
                self.awaits_sample = false;
                self.report(now, sample, false)
            }
            EngineEvent::Finished(sample) => {
                let aborted = self.run == Run::Running;
                self.run = Run::Finished;
                let mut actions = self.report(now, sample, aborted);
                match self.next {
                    Next::Ready => actions.extend(self.become_ready(now)),
                    Next::Wait | Next::Quit | Next::Interrupt => actions.extend(self.exit_if_done()),
                }
                actions
            }
        }
    }

    /// Handles a signal that ends the program.
    pub fn on_signal(&mut self, now: Timestamp) -> Vec<Action> {
        self.end(now, Next::Interrupt)
    }

    fn on_assignment(&mut self, now: Timestamp, assignment: Assignment) -> Vec<Action> {
        if !matches!(self.link, Link::Greeting(_)) {
            return Vec::new();
        }
        if assignment.protocol != PROTOCOL {
            let error = format!(
                "the locustfile of the master has version {} of the messages and this worker version \
                 {PROTOCOL}: print it again with `poolproof locustfile` of the same version",
                assignment.protocol
            );
            return self.exit(Err(WorkerError::Refused(error)));
        }
        if let Some(error) = assignment.error {
            return self.exit(Err(WorkerError::Refused(error)));
        }
        if let Some(why) = assignment.wait {
            self.link = Link::Waiting(now);
            self.unregistered_since = now;
            return vec![Action::Log(format!("the master asks this worker to wait: {why}"))];
        }
        let same_master = self.master.as_deref() == Some(assignment.session.as_str());
        match self.run {
            Run::Preparing if same_master => {
                self.link = Link::Preparing;
                Vec::new()
            }
            Run::Prepared if same_master => self.announce(now),
            Run::Running | Run::Finishing if same_master && assignment.test == self.test => {
                self.announce(now)
            }
            Run::Finished if same_master && !self.pending.is_empty() => self.announce(now),
            _ => self.prepare(same_master, assignment),
        }
    }

    fn prepare(&mut self, same_master: bool, assignment: Assignment) -> Vec<Action> {
        let mut actions = Vec::new();
        if !matches!(self.run, Run::None | Run::Finished) {
            actions.push(Action::Log("the test of this run has ended; the run is discarded".to_owned()));
            actions.push(Action::Discard);
        }
        if !same_master {
            self.pending.clear();
        }
        self.master = Some(assignment.session.clone());
        self.shard = assignment.shard;
        (self.run, self.next, self.link) = (Run::Preparing, Next::Wait, Link::Preparing);
        (self.test, self.awaits_sample) = (None, false);
        self.run_number += 1;
        actions.push(Action::Prepare(self.run_number, Box::new(assignment)));
        actions
    }

    fn announce(&mut self, now: Timestamp) -> Vec<Action> {
        self.unregister(now);
        self.link = Link::Announced(now);
        vec![Action::Send(WorkerMessage::ClientReady)]
    }

    fn on_ack(&mut self, now: Timestamp) -> Vec<Action> {
        if !matches!(self.link, Link::Announced(_)) {
            return Vec::new();
        }
        self.link = Link::Registered(now);
        self.next_heartbeat = now;
        let line = format!("registered at {} as shard {}", self.config.master, self.shard);
        let again =
            self.pending.iter().cloned().map(|report| Action::Send(WorkerMessage::Report(Box::new(report))));
        std::iter::once(Action::Log(line)).chain(again).collect()
    }

    fn on_spawn(&mut self, now: Timestamp, spawn: Spawn) -> Vec<Action> {
        let test = spawn.parsed_options.poolproof_test;
        match self.run {
            Run::Prepared => {
                self.test = Some(test);
                self.last_spawn = 0.0;
                self.reported = (Counts::default(), now);
                self.next_report = now.plus(REPORT);
            }
            // The end of the test before was lost with a connection.
            Run::Running if self.test != Some(test) => return self.on_stop(now),
            Run::Finished if self.test != Some(test) => return self.become_ready(now),
            Run::Running => {}
            Run::None | Run::Preparing | Run::Finishing | Run::Finished => return Vec::new(),
        }
        if spawn.timestamp <= self.last_spawn {
            return Vec::new();
        }
        self.run = Run::Running;
        self.last_spawn = spawn.timestamp;
        let rate = spawn.parsed_options.rate_per_user.unwrap_or(1.0);
        let users = spawn.users();
        self.users = spawn.user_classes_count;
        vec![
            Action::Send(WorkerMessage::Spawning),
            Action::SetUsers(users, rate),
            Action::Send(WorkerMessage::SpawningComplete(self.users.clone())),
        ]
    }

    fn finish(&mut self, drain: Duration) -> Vec<Action> {
        self.run = Run::Finishing;
        vec![Action::Finish(drain)]
    }

    fn on_stop(&mut self, now: Timestamp) -> Vec<Action> {
        match self.run {
            Run::Running => {
                self.next = Next::Ready;
                self.finish(self.config.drain)
            }
            Run::Finishing => {
                self.next = Next::Ready;
                Vec::new()
            }
            Run::Finished => self.become_ready(now),
            Run::Prepared => {
                let mut actions = vec![Action::Send(WorkerMessage::ClientStopped)];
                actions.extend(self.announce(now));
                actions
            }
            Run::None | Run::Preparing => Vec::new(),
        }
    }

    /// Leaves a finished test and asks for the next assignment.
    fn become_ready(&mut self, now: Timestamp) -> Vec<Action> {
        (self.run, self.next) = (Run::None, Next::Wait);
        self.users.clear();
        let mut actions = vec![Action::Send(WorkerMessage::ClientStopped)];
        actions.extend(self.greet(now));
        actions
    }

    /// Ends the worker as soon as its last report is counted.
    fn end(&mut self, now: Timestamp, next: Next) -> Vec<Action> {
        self.next = next;
        self.exit_at = self.exit_at.or_else(|| Some(now.plus(QUIT)));
        match self.run {
            Run::Running | Run::Finishing => self.finish(QUIT_DRAIN),
            Run::Finished => self.exit_if_done(),
            Run::None | Run::Preparing | Run::Prepared => self.exit_now(),
        }
    }

    fn exit_if_done(&mut self) -> Vec<Action> {
        let ends = matches!(self.next, Next::Quit | Next::Interrupt);
        if ends && self.run == Run::Finished && self.pending.is_empty() {
            self.exit_now()
        } else {
            Vec::new()
        }
    }

    fn exit_now(&mut self) -> Vec<Action> {
        let mut actions = match self.next {
            Next::Interrupt => vec![Action::Send(WorkerMessage::Quit)],
            _ => Vec::new(),
        };
        let end = if self.next == Next::Interrupt { Err(WorkerError::Interrupted) } else { Ok(()) };
        actions.extend(self.exit(end));
        actions
    }

    fn exit(&mut self, end: Result<(), WorkerError>) -> Vec<Action> {
        let discard = !matches!(self.run, Run::None | Run::Finished);
        let actions = discard.then_some(Action::Discard).into_iter();
        actions.chain([Action::Exit(end)]).collect()
    }

    /// Reports what is new in this sample.
    fn report(&mut self, now: Timestamp, sample: Sample, aborted: bool) -> Vec<Action> {
        let Some(test) = self.test else { return Vec::new() };
        let Sample { counts, state } = sample;
        let (before, at) = &self.reported;
        let stats = counts.since(before, (at.as_secs(), now.as_secs()), &self.users);
        self.reported = (counts, now);
        self.sequence += 1;
        let last = self.run == Run::Finished;
        let report = Report {
            sequence: self.sequence,
            test,
            shard: self.shard,
            last,
            aborted,
            stats,
            state: Bytes(state),
        };
        self.pending.push(report.clone());
        match self.link {
            Link::Registered(_) => vec![Action::Send(WorkerMessage::Report(Box::new(report)))],
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
