//! What a session does as time passes: heartbeats, reports, and attempts to reach the master.

use std::time::Duration;

use super::{Action, Link, REPORT, Run, Session, WorkerError};
use crate::locust::action::SessionConfig;
use crate::locust::protocol::WorkerMessage;
use poolproof_cognito::time::Timestamp;

/// Time between two heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Time after which a master that does not answer is asked over a new connection.
const ANSWER: Duration = Duration::from_secs(5);
/// Time without an echo of heartbeats after which the worker connects again. TCP needs about 13 s to recover
/// from a loss of all packets for 10 s.
const ECHO: Duration = Duration::from_secs(15);
/// Time after which the worker asks for its assignment again. A master that starts misses the first messages.
const HELLO: Duration = Duration::from_secs(1);

impl Session {
    /// Handles the time. Call it several times a second.
    pub fn on_timer(&mut self, now: Timestamp) -> Vec<Action> {
        if self.exit_at.is_some_and(|at| at <= now) {
            return self.exit_now();
        }
        if !matches!(self.link, Link::Registered(_) | Link::Preparing)
            && now.since(self.unregistered_since) > self.config.connect_timeout
        {
            let error = WorkerError::NoMaster(self.why_unregistered());
            return self.exit(Err(error));
        }
        let mut actions = Vec::new();
        match self.link {
            Link::Registered(echo) if now.since(echo) > ECHO => {
                actions.extend(self.reconnect(now, "it does not answer heartbeats"));
            }
            Link::Registered(_) if self.next_heartbeat <= now => {
                self.next_heartbeat = now.plus(HEARTBEAT);
                actions.push(Action::Heartbeat(self.state()));
            }
            Link::Greeting(at) if now.since(at) > ANSWER => {
                actions.extend(self.reconnect(now, "it does not answer `poolproof_hello`"));
            }
            Link::Greeting(_) if self.next_hello <= now => actions.push(self.hello(now)),
            Link::Announced(at) if now.since(at) > ANSWER => {
                actions.extend(self.reconnect(now, "it does not answer `client_ready`"));
            }
            Link::Waiting(at) if now.since(at) > ANSWER => actions.extend(self.greet(now)),
            _ => {}
        }
        let reports = self.run == Run::Running && self.pending.is_empty() && !self.awaits_sample;
        if reports && matches!(self.link, Link::Registered(_)) && self.next_report <= now {
            self.awaits_sample = true;
            self.next_report = now.plus(REPORT);
            actions.push(Action::Sample);
        }
        actions
    }

    /// Returns the state in heartbeats.
    const fn state(&self) -> &'static str {
        match self.run {
            Run::Running | Run::Finishing | Run::Finished => "running",
            Run::None | Run::Preparing | Run::Prepared => "ready",
        }
    }

    pub(super) fn why_unregistered(&self) -> String {
        let SessionConfig { master, node, connect_timeout, .. } = &self.config;
        let why = match self.link {
            Link::Down => self.last_error.clone().unwrap_or_else(|| "no connection".to_owned()),
            Link::Announced(_) => {
                format!("it does not register this worker; another worker may have the id {node}")
            }
            _ => format!(
                "it does not answer: it runs without the locustfile that `poolproof locustfile` prints, or \
                 another worker has the id {node}"
            ),
        };
        format!("no Locust master at {master} within {connect_timeout:?}: {why}")
    }

    /// Starts the time in which the worker must register.
    pub(super) fn unregister(&mut self, now: Timestamp) {
        if matches!(self.link, Link::Registered(_) | Link::Preparing) {
            self.unregistered_since = now;
        }
    }

    pub(super) fn reconnect(&mut self, now: Timestamp, why: &str) -> Vec<Action> {
        self.unregister(now);
        self.link = Link::Down;
        let line = format!("connecting to {} again: {why}", self.config.master);
        vec![Action::Log(line), Action::Reconnect]
    }

    /// Asks for the assignment.
    pub(super) fn greet(&mut self, now: Timestamp) -> Vec<Action> {
        self.unregister(now);
        self.link = Link::Greeting(now);
        vec![self.hello(now)]
    }

    pub(super) fn hello(&mut self, now: Timestamp) -> Action {
        self.next_hello = now.plus(HELLO);
        Action::Send(WorkerMessage::Hello { session: self.master.clone() })
    }
}
