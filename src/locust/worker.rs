//! Drives a session: connects it with the master, the run and the time.

use std::fs;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::action::{Action, SessionConfig, WorkerError};
use super::connection::{Connection, Incoming};
use super::engine::{EngineEvent, LoadEngine};
use super::protocol::{Heartbeat, MasterMessage, WorkerMessage};
use super::session::Session;
use crate::clock::{Clock, ClockKind, RealTime};
use crate::control_groups::usable_cores;

/// Time between two looks at the session's timers.
const TIMER: Duration = Duration::from_millis(50);

/// Receives the events of runs, each with the number of its run.
pub type EngineEvents = mpsc::UnboundedReceiver<(u64, EngineEvent)>;

/// Works for a Locust master until it ends, gives up, or `cancel_token` is canceled. `log` prints lines.
///
/// # Errors
///
/// There is no master, it refuses the worker, the run fails, or the worker was canceled.
pub async fn work(
    config: SessionConfig,
    engine: &mut impl LoadEngine,
    events: &mut EngineEvents,
    cancel_token: &CancellationToken,
    log: &dyn Fn(&str),
) -> Result<(), WorkerError> {
    let clock = Clock::start(ClockKind::Wall);
    let node = config.node.clone();
    let (master, patience) = (config.master.clone(), config.connect_timeout);
    log(&format!("waiting for the Locust master at {master} (at most {patience:?})"));
    let mut connection = Connection::start(master, node.clone());
    let mut session = Session::new(config, clock.now());
    let mut usage = Usage::start();
    let mut timer = interval(TIMER);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut canceled = false;
    let end = loop {
        let actions = tokio::select! {
            incoming = connection.next() => match incoming {
                Incoming::Connected => session.on_connected(clock.now()),
                Incoming::Lost(error) => session.on_disconnected(clock.now(), error),
                Incoming::Frame(frame) => match MasterMessage::decode(&frame) {
                    Ok(message) => session.on_message(clock.now(), message),
                    Err(error) => session.on_bad_frame(&error),
                },
            },
            Some(event) = events.recv() => session.on_event(clock.now(), event),
            () = cancel_token.cancelled(), if !canceled => {
                canceled = true;
                session.on_signal(clock.now())
            }
            _ = timer.tick() => session.on_timer(clock.now()),
        };
        if let Some(end) = actions
            .into_iter()
            .find_map(|action| perform(action, &connection, engine, &node, (&mut usage, log)))
        {
            break end;
        }
    };
    connection.close().await;
    engine.close().await;
    end
}

/// Performs an action. Returns the end of the worker, if the action is that.
fn perform(
    action: Action,
    connection: &Connection,
    engine: &mut impl LoadEngine,
    node: &str,
    (usage, log): (&mut Usage, &dyn Fn(&str)),
) -> Option<Result<(), WorkerError>> {
    let send = |message: &WorkerMessage| match message.encode(node) {
        Ok(frame) => connection.send(frame),
        Err(error) => log(&format!("cannot write a message as msgpack: {error}")),
    };
    match action {
        Action::Send(message) => send(&message),
        Action::Heartbeat(state) => send(&WorkerMessage::Heartbeat(usage.heartbeat(state))),
        Action::Reconnect => connection.reconnect(),
        Action::Prepare(run, assignment) => engine.prepare(run, *assignment),
        Action::SetUsers(users, rate) => engine.set_users(users, rate),
        Action::Sample => engine.sample(),
        Action::Finish(drain) => engine.finish(drain),
        Action::Discard => engine.discard(),
        Action::Log(line) => log(&line),
        Action::Exit(end) => return Some(end),
    }
    None
}

/// CPU time and memory of this process.
struct Usage {
    cpu: cpu_time::ProcessTime,
    since: RealTime,
}

impl Usage {
    fn start() -> Self {
        Self { cpu: cpu_time::ProcessTime::now(), since: RealTime::start() }
    }

    /// Returns the usage since the last call. All usable cores together are 100 %, so Locust's warning above
    /// 90 % means that the generator has no core left.
    fn heartbeat(&mut self, state: &'static str) -> Heartbeat {
        let cores = self.since.elapsed().as_secs_f64() * usable_cores() as f64;
        let current_cpu_usage = (100.0 * self.cpu.elapsed().as_secs_f64() / cores.max(1e-3)).min(100.0);
        *self = Self::start();
        Heartbeat { state, current_cpu_usage, current_memory_usage: resident_bytes().unwrap_or_default() }
    }
}

/// Returns the memory of this process in bytes, on Linux.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(kilobytes.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
