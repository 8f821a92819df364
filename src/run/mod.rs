//! A run: a scenario becomes a workload, actors, and a report.
//!
//! [`run`] calls four functions, which follow below in this order:
//!
//! | phase | from | to |
//! |---|---|---|
//! | [`plan`] | the scenario and the options | people, their schedule, the target |
//! | [`prepare`] | [`Plan`] | accounts, devices and verifiers at the target; users as actors |
//! | [`play`] | [`Prepared`] | everything that the recorder counted |
//! | [`report`] | [`Played`] | [`RunOutput`] |

mod endpoint;
mod health;
mod live;
mod live_load;
mod machine;
mod merge;
mod options;
mod report_info;
mod shard;
mod shard_file;
mod shard_options;
mod snapshot;
mod stages;
mod start;
mod thresholds;
mod tick;

use std::rc::Rc;
use std::sync::Arc;

use actix::Actor as _;
use tokio::sync::oneshot;

use crate::actors::{
    Conductor, Drain, Finished, Interrupt, NewUser, PoolTarget, ProvisionConfig, RunContext, Schedule,
    StartedUser, UserContext, provision, system,
};
use crate::clock::{Clock, ClockKind};
use crate::compute::{Compute, CostModel, Costs, Side, calibrate};
use crate::control_groups::usable_cores;
use crate::endpoint::{CleanupError, EndpointConfig, EndpointSession};
use crate::metrics::Recorder;
use crate::report::MachineLoad;
use crate::scenario::{GroupName, Scenario, Service, ServiceModel};
use crate::target::Target;
use crate::workload::{
    DeviceOwners, UserSpec, arrivals, closed_workloads, known_load, known_run_load, population, run_length,
};
use poolproof_client::Intent;
use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::time::Timestamp;
use poolproof_pool::{AppClient, CustomAuth, NewAccount, PasswordFlow, Pool, PoolIdentity};
use poolproof_srp::{Backend, Group};

use machine::MachineSample;
use report_info::Description;

pub use live::{BuildReport, LiveReports};
pub use live_load::{ControlledLoad, LiveEvent, LiveSample, LoadControl, run_live};
pub use merge::{Merge, MergeError};
pub use options::{DEFAULT_DRAIN, Observer, RunError, RunEvent, RunOptions, RunOutput};
pub use shard_file::ShardFile;
pub use shard_options::{Division, ShardOptions, ShardQuotas};
pub use tokio_util::sync::CancellationToken;

/// The id of the embedded pool.
const POOL_ID: &str = "us-east-1_poolproof";
/// The id of its app client.
const CLIENT_ID: &str = "poolproofclient";

/// Runs a scenario. If `cancel_token` is canceled before the end, the report is partial.
///
/// # Errors
///
/// Threads cannot be created, or the endpoint cannot be used.
pub fn run(
    scenario: &Scenario,
    options: &RunOptions,
    cancel_token: &CancellationToken,
) -> Result<RunOutput, RunError> {
    match options.shard {
        None => run_phases(scenario, options, cancel_token).map(report),
        Some(shard) => shard::run(scenario, options, shard, cancel_token),
    }
}

/// Plans, prepares and plays a run.
fn run_phases<'r>(
    scenario: &'r Scenario,
    options: &'r RunOptions,
    cancel_token: &'r CancellationToken,
) -> Result<Played<'r>, RunError> {
    let plan = plan(scenario, options, cancel_token)?;
    system(scenario.clock)?.block_on(async {
        let prepared = start::wait_for_start(prepare(plan).await?).await?;
        Ok(play(prepared).await)
    })
}

/// The input of all phases of a run.
#[derive(Clone, Copy)]
struct RunInputs<'r> {
    scenario: &'r Scenario,
    options: &'r RunOptions,
    cancel_token: &'r CancellationToken,
    group: Group,
}

/// Creates a target around the embedded pool.
pub type MakeTarget<'r> = Box<dyn FnOnce(Pool, Clock, &Compute) -> Rc<dyn Target> + 'r>;

/// The pool that users sign in to.
pub enum PlannedTarget<'r> {
    /// The embedded pool, behind the target that this function returns.
    Embedded(MakeTarget<'r>),
    /// A pool at an endpoint.
    Endpoint(&'r EndpointConfig),
}

/// A planned run. Nothing exists yet.
pub struct Plan<'r> {
    inputs: RunInputs<'r>,
    people: Vec<UserSpec>,
    schedule: Schedule,
    /// The pool that users sign in to.
    pub target: PlannedTarget<'r>,
}

/// Plans a run: draws the users of the scenario and their schedule, and chooses the target.
///
/// # Errors
///
/// The scenario cannot run at the endpoint.
pub fn plan<'r>(
    scenario: &'r Scenario,
    options: &'r RunOptions,
    cancel_token: &'r CancellationToken,
) -> Result<Plan<'r>, RunError> {
    let target = match &options.endpoint {
        None => PlannedTarget::Embedded(Box::new(PoolTarget::start)),
        Some(at) => {
            endpoint::check(scenario)?;
            PlannedTarget::Endpoint(at)
        }
    };
    let group = group(scenario.group, options.backend);
    let mut people: Vec<UserSpec> = population(scenario).collect();
    let device_owners = people.iter().filter(|one| one.devices > 0).map(|one| one.number).collect();
    let inputs = RunInputs { scenario, options, cancel_token, group };
    let schedule = inputs.schedule(&device_owners);
    if let Some(ShardOptions { shard, .. }) = inputs.options.shard {
        people.retain(|one| shard.owns(one.number));
    }
    Ok(Plan { inputs, schedule, people, target })
}

/// A prepared run: its users can sign in.
pub struct Prepared<'r> {
    inputs: RunInputs<'r>,
    clock: Clock,
    compute: Compute,
    users: Vec<StartedUser>,
    schedule: Schedule,
    drain: Drain,
    /// The recorder and the callbacks.
    pub run_context: RunContext,
    session: Option<EndpointSession>,
}

/// Prepares a run: creates accounts, devices and verifiers at the target, and starts the users' actors. Must
/// be called inside a [`system`] of the scenario's clock.
///
/// # Errors
///
/// Threads cannot be created, or the endpoint cannot be used. What was created there is deleted again.
pub async fn prepare(plan: Plan<'_>) -> Result<Prepared<'_>, RunError> {
    let Plan { inputs, mut people, mut schedule, target } = plan;
    // The accounts of the embedded pool are created on all cores, before time starts.
    let accounts = match &target {
        PlannedTarget::Embedded(_) => inputs.provision(std::mem::take(&mut people)),
        PlannedTarget::Endpoint(_) => Vec::new(),
    };
    let model = cost_model(inputs.scenario.service, inputs.group);
    let clock = Clock::start(inputs.scenario.clock);
    let compute = inputs.compute(clock, model)?;
    let drain = inputs.drain();
    let (users, session) = match target {
        PlannedTarget::Embedded(make_target) => {
            (inputs.embed(accounts, clock, &compute, &drain, make_target), None)
        }
        PlannedTarget::Endpoint(at) => {
            let (session, users) = endpoint::set_up(inputs, at, people, clock, &compute, &drain).await?;
            // Existing users may have got no device. A shard does not know that of the others' users, so its
            // schedule stays.
            if inputs.options.shard.is_none() {
                let owners = (0..).zip(&users).filter_map(|(place, user)| user.has_device().then_some(place));
                schedule = inputs.schedule(&owners.collect());
            }
            (users, Some(session))
        }
    };
    let run_context = inputs.run_context(&compute);
    Ok(Prepared { inputs, clock, compute, users, schedule, drain, run_context, session })
}

/// A played run.
pub struct Played<'r> {
    inputs: RunInputs<'r>,
    compute: Compute,
    machine: Option<MachineLoad>,
    /// The recorded data.
    pub finished: Finished,
    cleanup_error: Option<CleanupError>,
}

/// Plays a run until the schedule ends or the run is canceled, and deletes what was created at an endpoint.
pub async fn play(prepared: Prepared<'_>) -> Played<'_> {
    let Prepared { inputs, clock, compute, users, schedule, drain, run_context, session } = prepared;
    let machine_before = MachineSample::now(inputs.scenario.clock);
    let finished = conduct(inputs, (clock, users, schedule, run_context, drain), session.is_some()).await;
    let machine_after = MachineSample::now(inputs.scenario.clock);
    let machine = machine_before.zip(machine_after).map(|(before, after)| before.load_until(&after));
    let cleanup_error = close_session(session, finished.drained_since).await;
    Played { inputs, compute, machine, finished, cleanup_error }
}

/// What a conductor conducts.
type Conducted = (Clock, Vec<StartedUser>, Schedule, RunContext, Drain);

/// Conducts a run until the schedule ends or the run is canceled.
async fn conduct(inputs: RunInputs<'_>, conducted: Conducted, at_endpoint: bool) -> Finished {
    let (clock, users, schedule, run_context, drain) = conducted;
    let no_users = users.is_empty() && inputs.options.shard.is_none();
    if at_endpoint && (no_users || inputs.cancel_token.is_cancelled()) {
        return Finished { interrupted: true, ..Finished::default() };
    }
    let (done, mut finished) = oneshot::channel();
    let conductor = Conductor::new(clock, users, schedule, run_context, drain, done).start();
    let finished = match inputs.cancel_token.run_until_cancelled(&mut finished).await {
        Some(finished) => finished,
        None => {
            // A conductor that has stopped has sent its result before.
            conductor.send(Interrupt).await.unwrap_or_default();
            finished.await
        }
    };
    finished.unwrap_or_default()
}

/// Deletes what was created at an endpoint.
async fn close_session(
    session: Option<EndpointSession>,
    drained_since: Option<Timestamp>,
) -> Option<CleanupError> {
    let session = session?;
    let silent = drained_since.is_some_and(|since| session.target.is_silent_since(since));
    if silent { session.close_silent().await.err() } else { session.close().await.err() }
}

/// Compares what was recorded with the thresholds and writes the report.
pub fn report(played: Played<'_>) -> RunOutput {
    let Played { inputs, compute, machine, finished, cleanup_error } = played;
    let started = finished.started;
    let left_behind = cleanup_error.map(|cleanup_error| cleanup_error.to_string());
    let usage = [Side::Client, Side::Server].map(|side| compute.usage(side));
    let description = Description::of(inputs, machine, left_behind.clone(), started);
    let (report, measured) = report_info::report(inputs, &usage, description, finished);
    RunOutput { report, measured, started, left_behind, shard: None }
}

impl RunInputs<'_> {
    /// Returns when sign-ins start if these users start with a device.
    fn schedule(&self, device_owners: &DeviceOwners) -> Schedule {
        let shard = self.options.shard.map(|options| options.shard);
        Schedule {
            open_arrivals: arrivals(self.scenario, device_owners).of_shard(shard),
            closed_workloads: closed_workloads(self.scenario, device_owners, shard),
            ..Schedule::default()
        }
    }

    /// Returns how long requests may take after the end of the load.
    fn drain(&self) -> Drain {
        let default = (self.scenario.clock == ClockKind::Wall).then_some(DEFAULT_DRAIN);
        Drain::new(self.options.drain.or(default))
    }

    /// Creates the accounts of the embedded pool, on all cores.
    fn provision(&self, people: Vec<UserSpec>) -> Vec<(NewAccount, NewUser)> {
        let config = ProvisionConfig {
            seed: self.scenario.seed,
            pool_id: PoolId::new(POOL_ID),
            group: self.group,
            ephemeral_bits: self.scenario.client.ephemeral_bits,
        };
        let users = people.len() as u64;
        let on_progress = |done| {
            (self.options.observer)(RunEvent::Provisioned { done, users });
            !self.cancel_token.is_cancelled()
        };
        provision(&config, people, &on_progress)
    }

    /// Starts what runs the SRP jobs.
    fn compute(&self, clock: Clock, model: CostModel) -> Result<Compute, RunError> {
        if self.scenario.clock == ClockKind::Virtual {
            return Ok(Compute::inline(clock, model));
        }
        let (clients, server) = self.options.workers.unwrap_or_else(|| match self.options.endpoint {
            None => (threads_per_side(), threads_per_side()),
            // The pool's SRP runs at the endpoint.
            Some(_) => (threads_per_side() * 2, 1),
        });
        Ok(Compute::threads(clients, server, &mut self.scenario.seed.rng("prepared", 0))?)
    }

    /// Starts the embedded pool with these accounts, and returns their users.
    fn embed(
        &self,
        accounts: Vec<(NewAccount, NewUser)>,
        clock: Clock,
        compute: &Compute,
        drain: &Drain,
        make_target: MakeTarget<'_>,
    ) -> Vec<StartedUser> {
        let scenario = self.scenario;
        let (pool_id, client_id) = (PoolId::new(POOL_ID), ClientId::new(CLIENT_ID));
        let identity =
            PoolIdentity { pool_id: pool_id.clone(), client_id: client_id.clone(), group: self.group };
        let client = AppClient {
            // Allowed if a workload uses it.
            password_flow: match scenario.intents().any(|intent| intent == Intent::PlainPassword) {
                true => PasswordFlow::WithDevices,
                false => PasswordFlow::Off,
            },
            rotation: scenario.rotation,
            refresh_flow: scenario.rotation.is_none(),
            choice_flow: scenario.workloads.iter().any(|plan| plan.flow.is_choice()),
            ..AppClient::public(client_id.clone())
        };
        let mut pool = Pool::new(identity, scenario.pool, scenario.seed.rng("pool", 0))
            .with_client(client)
            .with_exceptions(scenario.exceptions.clone())
            .with_usernames(scenario.population.sign_in_by.username_settings())
            .with_custom_auth(custom_auth(scenario))
            .with_defect(self.options.defect);
        let mut new_users = Vec::with_capacity(accounts.len());
        for (account, new_user) in accounts {
            let added = pool.add_account(account);
            debug_assert!(added.is_ok(), "user names and subs of a population are unique");
            new_users.push(new_user);
        }
        let target = make_target(pool, clock, compute);
        let context = self.user_context(clock, compute, drain, target, (pool_id, client_id));
        new_users.into_iter().map(|new_user| new_user.start(&context, scenario.pool)).collect()
    }

    /// Returns the users' context for this target.
    fn user_context(
        &self,
        clock: Clock,
        compute: &Compute,
        drain: &Drain,
        target: Rc<dyn Target>,
        (pool_id, client_id): (PoolId, ClientId),
    ) -> UserContext {
        let scenario = self.scenario;
        UserContext {
            clock,
            target,
            compute: compute.clone(),
            seed: scenario.seed,
            pool_id,
            client_id,
            group: self.group,
            ephemeral_bits: scenario.client.ephemeral_bits,
            retries: scenario.client.retries,
            mfa_delay: scenario.client.mfa_delay,
            session_validity: scenario.pool.session_validity,
            exceptions: Rc::new(scenario.exceptions.clone()),
            rotation: scenario.rotation,
            flows: scenario.workloads.iter().map(|plan| plan.flow).collect(),
            custom_auth: scenario.custom_auth.iter().cloned().collect(),
            drain: drain.clone(),
            keeps_tokens: scenario.intents().any(Intent::uses_tokens),
        }
    }

    /// Creates the recorder of the run, its observer and its tick.
    fn run_context(&self, compute: &Compute) -> RunContext {
        let recorder = recorder(self.scenario);
        let recorder = if self.options.shard.is_some() { recorder.with_history() } else { recorder };
        let (observer, length) = (Arc::clone(&self.options.observer), run_length(self.scenario));
        RunContext {
            recorder,
            observer: Box::new(move |progress| observer(RunEvent::Running { progress, length })),
            tick: tick::tick(self.scenario, compute),
            snapshot_reader: snapshot::snapshot_reader(*self, compute),
            plan_log: None,
        }
    }
}

/// Creates the recorder of a run of this scenario.
fn recorder(scenario: &Scenario) -> Recorder {
    let loads: Vec<_> = scenario.workloads.iter().map(known_load).collect();
    recorder_without_load(scenario).with_loads(known_run_load(scenario), &loads)
}

/// Creates the recorder of a run of this scenario whose load is not that of its stages.
fn recorder_without_load(scenario: &Scenario) -> Recorder {
    Recorder::with_watches(thresholds::watches(scenario)).with_workloads(scenario.workloads.len())
}

/// Returns what decides about the custom challenges of a scenario's pool.
fn custom_auth(scenario: &Scenario) -> Option<CustomAuth> {
    let challenges = scenario.custom_auth.clone();
    (!challenges.is_empty()).then_some(CustomAuth::Challenges(challenges))
}

fn group(name: GroupName, backend: Option<Backend>) -> Group {
    match name {
        GroupName::Cognito => backend.map_or_else(Group::cognito, Group::cognito_with_backend),
        GroupName::Toy => Group::toy(),
    }
}

/// Worker threads of each side: clients and pool share the machine.
fn threads_per_side() -> usize {
    (usable_cores() / 2).max(1)
}

fn cost_model(service: Service, group: Group) -> CostModel {
    if service == Service::Calibrated {
        return calibrate(group, u32::try_from(usable_cores()).unwrap_or(u32::MAX));
    }
    let ServiceModel { cores, modexp_256, modexp_513, modexp_1025 } = service.model();
    // The scenario's costs apply to any base.
    let each = Costs { bits_256: modexp_256, bits_513: modexp_513, bits_1025: modexp_1025 };
    CostModel { cores, variable: each, generator: each }
}
