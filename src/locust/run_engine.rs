//! The engine of a worker: runs on a thread of their own, one after the other.

use std::sync::{Arc, mpsc as std_mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::engine::{EngineError, EngineEvent, LoadEngine, Sample};
use super::protocol::Assignment;
use super::stats::Counts;
use super::worker::EngineEvents;
use crate::actors::LoadUpdate;
use crate::endpoint::EndpointConfig;
use crate::run::{
    ControlledLoad, LiveEvent, LiveSample, LoadControl, RunOptions, ShardOptions, ShardQuotas, run_live,
};
use crate::scenario::{self, Override, Scenario};
use crate::workload::Shard;

/// Longest time after the drain before a run is canceled: people who type codes go on after it.
const MAX_GRACE: Duration = Duration::from_secs(5);

/// Creates the endpoint at an address that the master names, or says why it is not allowed.
pub type MakeEndpoint = Arc<dyn Fn(&str) -> Result<EndpointConfig, String> + Send + Sync>;

/// What the worker's command line decides about its runs.
#[derive(Clone)]
pub struct EngineConfig {
    /// Options of each run; the master's assignment sets file, text, endpoint and shard.
    pub options: RunOptions,
    /// Creates the endpoint.
    pub make_endpoint: MakeEndpoint,
    /// Prints a line.
    pub log: Arc<dyn Fn(&str) + Send + Sync>,
}

/// Runs scenarios as the master assigns them.
pub struct RunEngine {
    config: EngineConfig,
    events: mpsc::UnboundedSender<(u64, EngineEvent)>,
    control: Option<(LoadControl, CancellationToken)>,
    /// The thread of the newest run; it waits for the one before.
    thread: Option<JoinHandle<()>>,
}

impl RunEngine {
    /// Creates an engine without a run, and the receiver of its events.
    pub fn new(config: EngineConfig) -> (Self, EngineEvents) {
        let (events, receiver) = mpsc::unbounded_channel();
        (Self { config, events, control: None, thread: None }, receiver)
    }

    fn cancel(&mut self) {
        if let Some((_, cancel_token)) = &self.control {
            cancel_token.cancel();
        }
    }
}

impl LoadEngine for RunEngine {
    fn prepare(&mut self, run: u64, assignment: Assignment) {
        self.cancel();
        let (control, load) = LoadControl::new();
        let cancel_token = CancellationToken::new();
        self.control = Some((control, cancel_token.clone()));
        let (before, config, events) = (self.thread.take(), self.config.clone(), self.events.clone());
        let spawned = thread::Builder::new().name("run".to_owned()).spawn(move || {
            if let Some(before) = before {
                before.join().unwrap_or_default();
            }
            let send = |event| events.send((run, event)).unwrap_or_default();
            let emitter = Emitter { run, events: events.clone() };
            if let Err(error) = play(&config, &assignment, load, &cancel_token, &emitter) {
                send(EngineEvent::Failed(error));
            }
        });
        match spawned {
            Ok(thread) => self.thread = Some(thread),
            Err(error) => {
                let failed = EngineEvent::Failed(EngineError::Run(error.into()));
                self.events.send((run, failed)).unwrap_or_default();
            }
        }
    }

    fn set_users(&mut self, users: u32, rate_per_user: f64) {
        if let Some((control, _)) = &self.control {
            control.set(LoadUpdate::Users { users, rate_per_user });
        }
    }

    fn sample(&mut self) {
        if let Some((control, _)) = &self.control {
            control.ask_for_sample();
        }
    }

    fn finish(&mut self, drain: Duration) {
        let Some((control, cancel_token)) = &self.control else { return };
        control.set(LoadUpdate::End(drain));
        let cancel_token = cancel_token.clone();
        tokio::spawn(async move {
            tokio::time::sleep(drain + drain.min(MAX_GRACE)).await;
            cancel_token.cancel();
        });
    }

    fn discard(&mut self) {
        self.cancel();
        self.control = None;
    }

    async fn close(&mut self) {
        self.discard();
        let Some(thread) = self.thread.take() else { return };
        let joined = tokio::task::spawn_blocking(move || thread.join().unwrap_or_default()).await;
        joined.unwrap_or_default();
    }
}

/// Sends the events of one run.
#[derive(Clone)]
struct Emitter {
    run: u64,
    events: mpsc::UnboundedSender<(u64, EngineEvent)>,
}

impl Emitter {
    fn emit(&self, event: EngineEvent) {
        // A session that has ended needs no events.
        self.events.send((self.run, event)).unwrap_or_default();
    }
}

/// Reads the scenario of an assignment and runs it until its load ends.
fn play(
    config: &EngineConfig,
    assignment: &Assignment,
    load: ControlledLoad,
    cancel_token: &CancellationToken,
    emitter: &Emitter,
) -> Result<(), EngineError> {
    let (scenario, options, shard) = configure(config, assignment)?;
    (config.log)(&format!("preparing {} as shard {}", scenario.name, shard.shard));
    let (samples, received) = std_mpsc::channel();
    let (emit, on_event) = (emitter.clone(), move |event| match event {
        LiveEvent::Prepared => None,
        LiveEvent::Sample(sample) => Some((sample, false)),
        LiveEvent::Finished(sample) => Some((sample, true)),
    });
    let prepared = emitter.clone();
    let handle_event = move |event: LiveEvent| match on_event(event) {
        None => prepared.emit(EngineEvent::Prepared),
        // The renderer ends after this sender.
        Some(sample) => samples.send(sample).unwrap_or_default(),
    };
    thread::scope(|scope| {
        // Rendering takes milliseconds, which the thread of the run does not have.
        let (scenario, options) = (&scenario, &options);
        let renderer = thread::Builder::new().name("report".to_owned());
        let renderer =
            renderer.spawn_scoped(scope, move || render(&received, scenario, options, shard, &emit));
        renderer.map_err(|error| EngineError::Run(error.into()))?;
        let left_behind = run_live(scenario, options, shard, load, cancel_token, handle_event)?;
        if let Some(left) = left_behind {
            (config.log)(&format!("warning: {left}"));
        }
        Ok(())
    })
}

/// Renders samples in their order.
fn render(
    samples: &std_mpsc::Receiver<(Box<LiveSample>, bool)>,
    scenario: &Scenario,
    options: &RunOptions,
    shard: ShardOptions,
    emitter: &Emitter,
) {
    let workloads: Vec<String> = scenario.workload_names().map(str::to_owned).collect();
    while let Ok((sample, last)) = samples.recv() {
        let (snapshot, file) = sample.render(scenario, options, shard);
        let counts = Counts::of(&snapshot, &workloads);
        let sample = Sample { counts, state: file.to_json().into_bytes() };
        emitter.emit(if last { EngineEvent::Finished(sample) } else { EngineEvent::Sample(sample) });
    }
}

/// Returns what an assignment asks for.
fn configure(
    config: &EngineConfig,
    assignment: &Assignment,
) -> Result<(Scenario, RunOptions, ShardOptions), EngineError> {
    let Assignment { shard, shards, file, scenario, set, target, .. } = assignment;
    let overrides: Result<Vec<Override>, String> = set
        .iter()
        .map(|text| Override::parse(text).map_err(|error| format!("--set {text}: {error}")))
        .collect();
    let overrides = overrides.map_err(EngineError::Unsupported)?;
    let (scenario, text) = scenario::parse_overridden_text(file, scenario.as_bytes(), &overrides)
        .map_err(|diagnostic| EngineError::Scenario(Box::new(diagnostic)))?;
    let shard = Shard::new(*shard, *shards).map_err(EngineError::Unsupported)?;
    // The pool of each worker has the quotas of the scenario.
    let shard = ShardOptions { shard, allow_coupled: true, quotas: ShardQuotas::Whole };
    let endpoint = target.as_deref().map(|target| (config.make_endpoint)(target)).transpose();
    let options = RunOptions {
        file: file.clone(),
        text,
        replay_options: set.iter().flat_map(|text| ["--set".to_owned(), text.clone()]).collect(),
        endpoint: endpoint.map_err(EngineError::Unsupported)?,
        shard: Some(shard),
        ..config.options.clone()
    };
    Ok((scenario, options, shard))
}
