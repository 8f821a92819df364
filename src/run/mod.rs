//! A run: a scenario becomes a workload, actors, and a report.

mod endpoint;
mod health;
mod machine;
mod stages;
mod stop;
mod thresholds;
mod tick;

use std::io;
use std::num::NonZero;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use actix::{Actor as _, Addr};
use futures_util::future::{Either, select};
use tokio::sync::oneshot;

use crate::actors::{
    self, Conductor, Finished, Interrupt, NewUser, PoolActor, PoolTarget, ProvisionConfig, RunContext,
    RunProgress, Schedule, User, UserContext, provision, system,
};
use crate::clock::{Clock, ClockKind};
use crate::compute::{Compute, ComputeUsage, CostModel, Costs, Side, calibrate};
use crate::metrics::{Recorder, Snapshot};
use crate::report::{CpuSpent, Environment, MachineLoad, NamedFile, Report, RunInfo, SideWorkers, Workers};
use crate::scenario::{GroupName, Scenario, ScheduleFile, Service, ServiceModel};
use crate::target::Target;
use crate::workload::{
    DeviceOwners, arrivals, closed_workloads, device_owners as owners_of, population, run_length,
    run_target_per_s, target_per_s,
};
use poolproof_client::Intent;
use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::time::Timestamp;
use poolproof_pool::{AppClient, Defect, NewAccount, PasswordFlow, Pool, PoolIdentity};
use poolproof_srp::{Backend, Group};

use endpoint::TargetRun;
use machine::MachineSample;

pub use endpoint::{EndpointConfig, ExistingUser, PoolSource};
pub use stop::CancellationToken;

/// The id of the embedded pool.
const POOL_ID: &str = "us-east-1_poolproof";
/// The id of its app client.
const CLIENT_ID: &str = "poolproofclient";

/// An event of a run.
#[derive(Clone, Copy, Debug)]
pub enum RunEvent {
    /// Users are being provisioned.
    Provisioned {
        /// Users so far.
        done: u64,
        /// All users.
        users: u64,
    },
    /// Sign-ins are under way.
    Running {
        /// Counts so far.
        progress: RunProgress,
        /// Length of the workload.
        length: Duration,
    },
}

/// Receives events of a run. Called from several threads while users are provisioned.
pub type Observer = Arc<dyn Fn(RunEvent) + Send + Sync>;

/// The options of a run besides its scenario.
#[derive(Clone)]
pub struct RunOptions {
    /// The scenario's file as named by the user.
    pub file: String,
    /// The scenario's text.
    pub text: String,
    /// The command line, for the report.
    pub command: String,
    /// Worker threads of clients and pool under the wall clock; by default half of the cores each.
    pub workers: Option<(usize, usize)>,
    /// The SRP backend; by default the fastest.
    pub backend: Option<Backend>,
    /// A fault to plant in the pool, in tests only.
    pub defect: Option<Defect>,
    /// An endpoint instead of the embedded pool.
    pub endpoint: Option<EndpointConfig>,
    /// Receives the events.
    pub observer: Observer,
}

/// A run could not be started.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Threads or a runtime cannot be created.
    #[error("cannot start worker threads: {0}")]
    Threads(#[from] io::Error),
    /// The endpoint does not answer, or it refuses the setup.
    #[error("the target cannot be used: {0}")]
    Target(String),
    /// The scenario cannot run at an endpoint.
    #[error("{0}")]
    Unsupported(String),
}

/// A completed run: its report and its measurements.
#[derive(Clone, Debug)]
pub struct RunOutput {
    /// The report.
    pub report: Report,
    /// The histograms, of which the report contains some quantiles.
    pub measured: Snapshot,
    /// Start of the run's time.
    pub started: Timestamp,
    /// What the run created at its target and could not delete, with the reason.
    pub left_behind: Option<String>,
}

/// Plays a scenario and returns its report, as [`play`] does.
///
/// # Errors
///
/// Threads cannot be created, or the endpoint cannot be used.
pub fn run(
    scenario: &Scenario,
    run_options: &RunOptions,
    stop: &CancellationToken,
) -> Result<Report, RunError> {
    play(scenario, run_options, stop).map(|played| played.report)
}

/// Plays a scenario. If `stop` is canceled before the end, the report is partial.
///
/// # Errors
///
/// Threads cannot be created, or the endpoint cannot be used.
pub fn play(
    scenario: &Scenario,
    run_options: &RunOptions,
    stop: &CancellationToken,
) -> Result<RunOutput, RunError> {
    let group = group(scenario.group, run_options.backend);
    let people = match &run_options.endpoint {
        Some(_) => {
            endpoint::check(scenario)?;
            Vec::new()
        }
        None => provisioned(scenario, run_options, group, stop),
    };
    let model = cost_model(scenario.service, group);
    let system = system(scenario.clock)?;
    system.block_on(async {
        let clock = Clock::start(scenario.clock);
        let compute = match scenario.clock {
            ClockKind::Virtual => Compute::inline(clock, model),
            ClockKind::Wall => {
                let (clients, server) = run_options.workers.unwrap_or_else(|| match run_options.endpoint {
                    None => (threads_per_side(), threads_per_side()),
                    // The pool's SRP runs at the endpoint.
                    Some(_) => (threads_per_side() * 2, 1),
                });
                Compute::threads(clients, server, &mut scenario.seed.rng("prepared", 0))?
            }
        };
        let runner = Runner { scenario, run_options, clock, compute: &compute, group, stop };
        let before = MachineSample::now(scenario.clock);
        let target_run = match &run_options.endpoint {
            None => TargetRun { finished: runner.play_embedded(people).await, cleanup_error: None },
            Some(at) => runner.play_over_http(at).await?,
        };
        let after = MachineSample::now(scenario.clock);
        let machine = before.zip(after).map(|(before, after)| before.load_until(after));
        Ok(assemble(&runner, target_run, machine))
    })
}

/// Provisions the users of the embedded pool on all cores, before time starts.
fn provisioned(
    scenario: &Scenario,
    run_options: &RunOptions,
    group: Group,
    stop: &CancellationToken,
) -> Vec<(NewAccount, NewUser)> {
    let config = ProvisionConfig {
        seed: scenario.seed,
        pool_id: PoolId::new(POOL_ID),
        group,
        ephemeral_bits: scenario.client.ephemeral_bits,
    };
    let users = u64::from(scenario.population.users);
    let on_progress = |done| {
        (run_options.observer)(RunEvent::Provisioned { done, users });
        !stop.is_cancelled()
    };
    provision(&config, population(scenario).collect(), &on_progress)
}

fn group(name: GroupName, backend: Option<Backend>) -> Group {
    match name {
        GroupName::Cognito => backend.map_or_else(Group::cognito, Group::cognito_with_backend),
        GroupName::Toy => Group::toy(),
    }
}

/// Worker threads of each side: clients and pool share the machine.
fn threads_per_side() -> usize {
    (available_parallelism().map_or(1, NonZero::get) / 2).max(1)
}

fn cost_model(service: Service, group: Group) -> CostModel {
    if service == Service::Calibrated {
        let cores = available_parallelism().map_or(1, NonZero::get);
        return calibrate(group, u32::try_from(cores).unwrap_or(u32::MAX));
    }
    let ServiceModel { cores, modexp_256, modexp_513, modexp_1025 } = service.model();
    // The scenario's costs apply to any base.
    let each = Costs { bits_256: modexp_256, bits_513: modexp_513, bits_1025: modexp_1025 };
    CostModel { cores, variable: each, generator: each }
}

/// What a run needs.
struct Runner<'r> {
    scenario: &'r Scenario,
    run_options: &'r RunOptions,
    clock: Clock,
    compute: &'r Compute,
    group: Group,
    stop: &'r CancellationToken,
}

impl Runner<'_> {
    fn uses(&self, wanted: fn(Intent) -> bool) -> bool {
        self.scenario.intents().any(wanted)
    }

    /// Returns the users' context for this target.
    fn context(&self, target: Rc<dyn Target>, pool_id: PoolId, client_id: ClientId) -> UserContext {
        let scenario = self.scenario;
        UserContext {
            clock: self.clock,
            target,
            compute: self.compute.clone(),
            seed: scenario.seed,
            pool_id,
            client_id,
            group: self.group,
            ephemeral_bits: scenario.client.ephemeral_bits,
            retries: scenario.client.retries,
            mfa_delay: scenario.client.mfa_delay,
            session_validity: scenario.pool.session_validity,
            exceptions: Rc::new(scenario.exceptions.clone()),
            keeps_tokens: self.uses(Intent::uses_tokens),
        }
    }

    async fn play_embedded(&self, people: Vec<(NewAccount, NewUser)>) -> Finished {
        let scenario = self.scenario;
        let (pool_id, client_id) = (PoolId::new(POOL_ID), ClientId::new(CLIENT_ID));
        let identity =
            PoolIdentity { pool_id: pool_id.clone(), client_id: client_id.clone(), group: self.group };
        let client = AppClient {
            // Allowed if a workload uses it.
            password_flow: match self.uses(|intent| intent == Intent::PlainPassword) {
                true => PasswordFlow::WithDevices,
                false => PasswordFlow::Off,
            },
            ..AppClient::public(client_id.clone())
        };
        let mut pool = Pool::new(identity, scenario.pool, scenario.seed.rng("pool", 0))
            .with_client(client)
            .with_exceptions(scenario.exceptions.clone())
            .with_defect(self.run_options.defect);
        let mut new_users = Vec::with_capacity(people.len());
        for (account, new_user) in people {
            let added = pool.add_account(account);
            debug_assert!(added.is_ok(), "user names and subs of a population are unique");
            new_users.push(new_user);
        }
        let target = PoolTarget(PoolActor::new(pool, self.clock, self.compute.clone()).start());
        let context = self.context(Rc::new(target), pool_id, client_id);
        let device_owners: Vec<bool> = new_users.iter().map(NewUser::has_device).collect();
        let users = new_users.into_iter().map(|new_user| new_user.start(&context, scenario.pool)).collect();
        self.conduct(users, device_owners, schedule(scenario, &owners_of(scenario))).await
    }

    /// Creates the recorder of the run.
    fn run_context(&self, observer: actors::Observer) -> RunContext {
        let recorder = Recorder::with_watches(thresholds::watches(self.scenario));
        RunContext {
            recorder: recorder.with_workloads(self.scenario.workloads.len()),
            observer,
            tick: tick::tick(self.scenario, self.compute),
        }
    }

    /// Runs the sign-ins of these users until the schedule ends or the run is canceled.
    async fn conduct(
        &self,
        users: Vec<Addr<User>>,
        device_owners: Vec<bool>,
        schedule: Schedule,
    ) -> Finished {
        let (observer, length) = (Arc::clone(&self.run_options.observer), run_length(self.scenario));
        let on_progress = Box::new(move |progress| observer(RunEvent::Running { progress, length }));
        let (done, finished) = oneshot::channel();
        let conductor =
            Conductor::new(self.clock, users, device_owners, schedule, self.run_context(on_progress), done)
                .start();
        let mut finished = match select(finished, pin!(self.stop.cancelled())).await {
            Either::Left((finished, _)) => return finished.unwrap_or_default(),
            Either::Right(((), finished)) => finished,
        };
        match conductor.send(Interrupt).await {
            Ok(()) | Err(_) => (&mut finished).await.unwrap_or_default(),
        }
    }
}

fn schedule(scenario: &Scenario, device_owners: &DeviceOwners) -> Schedule {
    Schedule {
        open_arrivals: arrivals(scenario, device_owners),
        closed_workloads: closed_workloads(scenario, device_owners),
    }
}

fn assemble(runner: &Runner<'_>, target_run: TargetRun, machine: Option<MachineLoad>) -> RunOutput {
    let TargetRun { finished, cleanup_error } = target_run;
    let left_behind = cleanup_error.map(|cleanup_error| cleanup_error.to_string());
    let Runner { scenario, run_options, compute, group, .. } = *runner;
    let (client, server) = (compute.usage(Side::Client), compute.usage(Side::Server));
    let workers = Workers {
        backend: group.backend().map(|backend| backend.to_string()),
        client: side(&client),
        server: side(&server),
    };
    let thresholds = thresholds::evaluate(&scenario.thresholds, &finished.recorder, finished.abort);
    let measured = finished.recorder.into_snapshot();
    let summary = measured.summary();
    let here = run_options.endpoint.is_none();
    let cpu = client.cpu.map(|client| CpuSpent { client, server: server.cpu.filter(|_| here) });
    let (short_of, saturated) =
        health::saturated(scenario, &summary, &client, &finished.arrival_counts).unzip();
    let whole = !finished.interrupted;
    let unmeasured = whole.then(|| health::unmeasured(scenario, &summary)).flatten();
    let run_info = RunInfo {
        name: scenario.name.clone(),
        about: scenario.about.clone(),
        file: run_options.file.clone(),
        yaml: run_options.text.clone(),
        files: files(scenario),
        workloads: scenario.workloads.iter().map(|plan| (plan.name.clone(), target_per_s(plan))).collect(),
        stages: stages::stages(scenario),
        seed: scenario.seed.number(),
        clock: scenario.clock,
        group: group.name().to_owned(),
        target_options: run_options.endpoint.as_ref().map(|at| at.options.clone()).unwrap_or_default(),
        target: run_options
            .endpoint
            .as_ref()
            .map_or_else(|| "embedded".to_owned(), |at| at.address.to_string()),
        partial: finished.interrupted,
        left_behind: left_behind.clone(),
        asked_per_s: run_target_per_s(scenario),
        cpu,
        workers: Some(workers),
        modexps: client.modexps + server.modexps,
        thresholds,
        saturated,
        unmeasured,
        short_of,
        machine,
        environment: Some(Environment::here(run_options.command.clone())),
    };
    let report = Report::new(run_info, &summary);
    RunOutput { report, measured, started: finished.started, left_behind }
}

/// Returns the files that a scenario names, each once.
fn files(scenario: &Scenario) -> Vec<NamedFile> {
    let mut files: Vec<NamedFile> = Vec::new();
    for ScheduleFile { path, text } in scenario.workloads.iter().filter_map(|plan| plan.schedule.as_ref()) {
        if files.iter().all(|file| file.path != *path) {
            files.push(NamedFile { path: path.clone(), text: text.clone() });
        }
    }
    files
}

fn side(usage: &ComputeUsage) -> SideWorkers {
    SideWorkers {
        threads: usage.threads,
        jobs: usage.jobs,
        prepared: usage.prepared,
        batches: usage.batches,
        deepest_queue: usage.max_queue_depth,
        waited_p50_us: usage.waited_us.value_at_quantile(0.5),
        waited_p99_us: usage.waited_us.value_at_quantile(0.99),
    }
}
