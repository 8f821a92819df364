//! Runs whose load is set while they go on, as a shard: a Locust worker's runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::machine::MachineSample;
use super::shard::{Recorded, shard_file};
use super::shard_file::ShardFile;
use super::shard_options::{Division, ShardOptions};
use super::{Prepared, RunError, RunOptions, close_session, conduct, prepare};
use crate::actors::{Finished, LiveSchedule, LoadUpdate, system};
use crate::clock::ClockKind;
use crate::compute::{Compute, ComputeUsage, Side};
use crate::metrics::Snapshot;
use crate::report::MachineLoad;
use crate::scenario::{Model, Scenario};
use crate::workload::{
    ClosedWorkload, DeviceOwners, LiveArrivals, MergedArrivals, closed_workloads, device_owners,
};

/// Sets the load of a run and asks for samples.
#[derive(Debug)]
pub struct LoadControl {
    updates: watch::Sender<LoadUpdate>,
    wanted: Arc<AtomicBool>,
}

impl LoadControl {
    /// Creates a control and what the run needs of it.
    pub fn new() -> (Self, ControlledLoad) {
        let none = LoadUpdate::Users { users: 0, rate_per_user: 0.0 };
        let ((updates, receiver), wanted) = (watch::channel(none), Arc::default());
        (Self { updates, wanted: Arc::clone(&wanted) }, ControlledLoad { updates: receiver, wanted })
    }

    /// Sets the load. The first call starts the time of the run.
    pub fn set(&self, update: LoadUpdate) {
        // A run that has ended needs no load.
        self.updates.send(update).unwrap_or_default();
    }

    /// Asks for a sample. It arrives within a second.
    pub fn ask_for_sample(&self) {
        self.wanted.store(true, Ordering::Release);
    }
}

/// The load of a run that a [`LoadControl`] sets.
#[derive(Debug)]
pub struct ControlledLoad {
    updates: watch::Receiver<LoadUpdate>,
    wanted: Arc<AtomicBool>,
}

/// An event of a run with controlled load.
#[derive(Debug)]
pub enum LiveEvent {
    /// The users exist. Time starts with the first load.
    Prepared,
    /// Everything so far.
    Sample(Box<LiveSample>),
    /// Everything. Afterwards the run deletes what it created at an endpoint.
    Finished(Box<LiveSample>),
}

/// Everything that a run has recorded up to a moment.
#[derive(Debug)]
pub struct LiveSample {
    finished: Finished,
    usage: [ComputeUsage; 2],
    machine: Option<MachineLoad>,
}

impl LiveSample {
    /// Returns the counts and the shard's file, as if the run had ended at the moment of the sample.
    pub fn render(
        self,
        scenario: &Scenario,
        options: &RunOptions,
        shard: ShardOptions,
    ) -> (Snapshot, ShardFile) {
        let Self { finished, usage, machine } = self;
        let recorded = Recorded { finished: &finished, usage, machine, left_behind: None };
        let file = shard_file(scenario, options, (shard, Division::Separate), recorded).of_live_load();
        (finished.recorder.into_snapshot(), file)
    }
}

/// Runs a shard whose load is controlled, and returns what it created at its target and could not delete.
/// `on_event` is called on the thread of the run, which must not wait.
///
/// # Errors
///
/// As for [`super::run`], or the scenario cannot have controlled load.
pub fn run_live(
    scenario: &Scenario,
    options: &RunOptions,
    shard: ShardOptions,
    load: ControlledLoad,
    cancel_token: &CancellationToken,
    on_event: impl Fn(LiveEvent) + Clone + 'static,
) -> Result<Option<String>, RunError> {
    check(scenario, shard)?;
    let mut plan = super::plan(scenario, options, cancel_token)?;
    let owners = device_owners(scenario);
    let ControlledLoad { mut updates, wanted } = load;
    plan.schedule.live = Some(schedule(scenario, &owners, shard, updates.clone()));
    plan.schedule.open_arrivals = MergedArrivals::default();
    let closed = closed_workloads(scenario, &owners, Some(shard.shard));
    plan.schedule.closed_workloads = closed.into_iter().map(ClosedWorkload::live).collect();
    system(scenario.clock)?.block_on(async {
        let mut prepared = prepare(plan).await?;
        prepared.run_context.recorder = super::recorder_without_load(scenario);
        on_event(LiveEvent::Prepared);
        // The time of the run begins with its load.
        tokio::select! {
            _ = updates.changed() => {}
            () = cancel_token.cancelled() => {}
        }
        let Prepared { inputs, clock, compute, users, schedule, drain, mut run_context, session } = prepared;
        let before = MachineSample::now(scenario.clock);
        let (sampled, on_sample) = (compute.clone(), on_event.clone());
        run_context.snapshot_reader = Some(Box::new(move |copy| {
            if wanted.swap(false, Ordering::AcqRel) {
                let finished = Finished { interrupted: true, ..copy() };
                let usage = usage(&sampled);
                on_sample(LiveEvent::Sample(Box::new(LiveSample { finished, usage, machine: None })));
            }
        }));
        let finished = conduct(inputs, (clock, users, schedule, run_context, drain), session.is_some()).await;
        let after = MachineSample::now(scenario.clock);
        let machine = before.zip(after).map(|(before, after)| before.load_until(&after));
        let drained_since = finished.drained_since;
        let sample = LiveSample { finished, usage: usage(&compute), machine };
        on_event(LiveEvent::Finished(Box::new(sample)));
        let left_behind = close_session(session, drained_since).await;
        Ok(left_behind.map(|error| error.to_string()))
    })
}

fn usage(compute: &Compute) -> [ComputeUsage; 2] {
    [Side::Client, Side::Server].map(|side| compute.usage(side))
}

/// Refuses scenarios that cannot have controlled load.
fn check(scenario: &Scenario, shard: ShardOptions) -> Result<(), RunError> {
    let closed = scenario.workloads.iter().filter(|plan| matches!(plan.model, Model::Closed { .. })).count();
    let reason = if scenario.clock == ClockKind::Virtual {
        "its load is set in real time: use `clock: wall` or --set clock=wall".to_owned()
    } else if closed != 0 && closed != scenario.workloads.len() {
        "its workloads must be all open or all closed, because one user is a rate of the former and a loop of \
         the latter"
            .to_owned()
    } else if !(0..scenario.population.users).any(|user| shard.shard.owns(user)) {
        format!("shard {} has none of its {} users: use more users", shard.shard, scenario.population.users)
    } else {
        return Ok(());
    };
    Err(RunError::Unsupported(format!("{}: {reason}", scenario.name)))
}

fn schedule(
    scenario: &Scenario,
    owners: &DeviceOwners,
    shard: ShardOptions,
    updates: watch::Receiver<LoadUpdate>,
) -> LiveSchedule {
    let closed = closed_workloads(scenario, owners, None);
    let weight = |one: &ClosedWorkload| (one.workload(), one.most_users().max(1));
    LiveSchedule {
        arrivals: LiveArrivals::new(scenario, owners, Some(shard.shard)),
        updates,
        closed: closed.iter().map(weight).collect(),
    }
}
