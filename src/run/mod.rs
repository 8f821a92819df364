//! The weave: a scenario becomes a workload, actors, and a report.

mod health;
mod stop;
mod thresholds;

use std::cell::RefCell;
use std::io;
use std::num::NonZero;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use actix::{Actor as _, System, SystemRunner};
use futures_util::future::{Either, select};
use tokio::sync::oneshot;

use crate::actors::{
    Conductor, Course, Finished, Interrupt, Newcomer, PoolActor, PoolTarget, Ports, Progress, Setting,
    provision,
};
use crate::client::Intent;
use crate::clock::{Clock, ClockKind};
use crate::compute::{Compute, CostModel, Costs, Side, Usage, calibrate};
use crate::ids::{ClientId, PoolId};
use crate::pool::{AppClient, Defect, Identity, NewAccount, PasswordFlow, Pool};
use crate::report::{CpuSpent, Environment, Report, SideWorkers, Subject, Workers};
use crate::scenario::{GroupName, Model, Scenario, Service, ServiceModel};
use crate::srp::{Backend, Group};
use crate::workload::{Draws, arrivals, asked_per_s, length, owners, population};

pub use stop::Stop;

/// The id of the embedded pool.
const POOL_ID: &str = "us-east-1_poolproof";
/// The id of its app client.
const CLIENT_ID: &str = "poolproofclient";

/// Hears how a run goes.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// So many of the users are provisioned.
    Provisioned {
        /// So far.
        done: u64,
        /// In all.
        users: u64,
    },
    /// Sign-ins are under way.
    Running {
        /// What was counted so far.
        progress: Progress,
        /// How long the workload is.
        length: Duration,
    },
}

/// Hears how a run goes. Called from several threads while users are provisioned.
pub type Observer = Arc<dyn Fn(Event) + Send + Sync>;

/// What a run is told besides its scenario.
#[derive(Clone)]
pub struct Settings {
    /// The scenario's file, as the user named it.
    pub file: String,
    /// The scenario's text.
    pub text: String,
    /// The command line, for the report.
    pub command: String,
    /// Worker threads of each side by the wall clock, clients' and pool's; by default half of the cores each.
    pub workers: Option<(usize, usize)>,
    /// How powers are computed; by default as quickly as the machine can.
    pub backend: Option<Backend>,
    /// A fault to plant in the pool. Only the tests' pools can have one.
    pub defect: Option<Defect>,
    /// Hears how it goes.
    pub observer: Observer,
}

/// A run could not be started: the operating system gives no thread or no runtime.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the run's threads: {0}")]
pub struct RunError(#[from] io::Error);

/// Plays a scenario and reports. When `stop` is pulled before it is over, the report is partial.
///
/// # Errors
///
/// When the operating system gives no thread.
pub fn run(scenario: &Scenario, settings: &Settings, stop: &Stop) -> Result<Report, RunError> {
    let group = group(scenario.group, settings.backend);
    let setting = Setting {
        seed: scenario.seed,
        pool_id: PoolId::new(POOL_ID),
        group,
        ephemeral_bits: scenario.client.ephemeral_bits,
    };
    let users = u64::from(scenario.population.users);
    let told = |done| {
        (settings.observer)(Event::Provisioned { done, users });
        !stop.is_pulled()
    };
    let people = provision(&setting, population(scenario).collect(), &told);
    let model = cost_model(scenario.service, group);
    let system = system(scenario.clock)?;
    system.block_on(async {
        let clock = Clock::start(scenario.clock);
        let compute = match scenario.clock {
            ClockKind::Virtual => Compute::inline(clock, model),
            ClockKind::Wall => {
                let (clients, server) =
                    settings.workers.unwrap_or_else(|| (threads_a_side(), threads_a_side()));
                Compute::threads(clients, server, &mut scenario.seed.stream("prepared", 0))?
            }
        };
        let finished = play(scenario, settings, &setting, clock, &compute, people, stop).await;
        Ok(report(scenario, settings, finished, &compute, group))
    })
}

fn group(name: GroupName, backend: Option<Backend>) -> Group {
    match name {
        GroupName::Cognito => backend.map_or_else(Group::cognito, Group::cognito_by),
        GroupName::Toy => Group::toy(),
    }
}

/// The runtime of the actors: one thread, its time paused when it is virtual.
fn system(clock: ClockKind) -> io::Result<SystemRunner> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(clock == ClockKind::Virtual);
    // Built here, where a failure can be told.
    let runtime = RefCell::new(Some(builder.build()?));
    Ok(System::with_tokio_rt(|| match runtime.borrow_mut().take() {
        Some(runtime) => runtime,
        None => unreachable!("actix asks for its runtime once"),
    }))
}

/// Worker threads of each side: the users' and the pool's share the machine.
fn threads_a_side() -> usize {
    (available_parallelism().map_or(1, NonZero::get) / 2).max(1)
}

fn cost_model(service: Service, group: Group) -> CostModel {
    if service == Service::Calibrated {
        let cores = available_parallelism().map_or(1, NonZero::get);
        return calibrate(group, u32::try_from(cores).unwrap_or(u32::MAX));
    }
    let ServiceModel { cores, modexp_256, modexp_513, modexp_1025 } = service.model();
    // The scenario's costs are those of any power.
    let each = Costs { bits_256: modexp_256, bits_513: modexp_513, bits_1025: modexp_1025 };
    CostModel { cores, variable: each, generator: each }
}

async fn play(
    scenario: &Scenario,
    settings: &Settings,
    setting: &Setting,
    clock: Clock,
    compute: &Compute,
    people: Vec<(NewAccount, Newcomer)>,
    stop: &Stop,
) -> Finished {
    let client_id = ClientId::new(CLIENT_ID);
    let identity =
        Identity { pool_id: setting.pool_id.clone(), client_id: client_id.clone(), group: setting.group };
    let uses = |wanted: fn(Intent) -> bool| scenario.workload.mix.iter().any(|(intent, _)| wanted(intent));
    let client = AppClient {
        // Allowed where somebody does it.
        password_flow: match uses(|intent| intent == Intent::PlainPassword) {
            true => PasswordFlow::WithDevices,
            false => PasswordFlow::Off,
        },
        ..AppClient::public(client_id.clone())
    };
    let mut pool = Pool::new(identity, scenario.pool, scenario.seed.stream("pool", 0))
        .with_client(client)
        .with_exceptions(scenario.exceptions.clone())
        .planted(settings.defect);
    let mut newcomers = Vec::with_capacity(people.len());
    for (account, newcomer) in people {
        let added = pool.add_account(account);
        debug_assert!(added.is_ok(), "names and subs of a population are all different");
        newcomers.push(newcomer);
    }
    let target = PoolTarget(PoolActor::new(pool, clock, compute.clone()).start());
    let ports = Ports {
        clock,
        target: Rc::new(target),
        compute: compute.clone(),
        seed: scenario.seed,
        pool_id: setting.pool_id.clone(),
        client_id,
        group: setting.group,
        ephemeral_bits: setting.ephemeral_bits,
        retries: scenario.client.retries,
        mfa_delay: scenario.client.mfa_delay,
        session_validity: scenario.pool.session_validity,
        exceptions: Rc::new(scenario.exceptions.clone()),
        keeps_tokens: uses(Intent::uses_tokens),
    };
    let owners: Vec<bool> = newcomers.iter().map(Newcomer::has_device).collect();
    let users = newcomers.into_iter().map(|newcomer| newcomer.start(&ports, scenario.pool)).collect();
    let (observer, length) = (Arc::clone(&settings.observer), length(&scenario.workload));
    let told = Box::new(move |progress| observer(Event::Running { progress, length }));
    let (done, finished) = oneshot::channel();
    let conductor = Conductor::new(clock, users, owners, course(scenario), told, done).start();
    let mut finished = match select(finished, pin!(stop.pulled())).await {
        Either::Left((finished, _)) => return finished.unwrap_or_default(),
        Either::Right(((), finished)) => finished,
    };
    match conductor.send(Interrupt).await {
        Ok(()) | Err(_) => (&mut finished).await.unwrap_or_default(),
    }
}

fn course(scenario: &Scenario) -> Course {
    let draws = Draws::new(scenario, owners(scenario));
    match &scenario.workload.model {
        Model::Open { .. } => Course::Open(arrivals(scenario, draws)),
        Model::Closed { think_time, stages } => Course::Closed {
            draws,
            stages: stages.clone(),
            think_time: *think_time,
            chance: scenario.seed.stream("think", 0),
        },
    }
}

fn report(
    scenario: &Scenario,
    settings: &Settings,
    finished: Finished,
    compute: &Compute,
    group: Group,
) -> Report {
    let (client, server) = (compute.usage(Side::Client), compute.usage(Side::Server));
    let workers = Workers {
        backend: group.backend().map(|backend| backend.to_string()),
        client: side(&client),
        server: side(&server),
    };
    let snapshot = finished.recorder.into_snapshot();
    let summary = snapshot.summary();
    let cpu = client.cpu.zip(server.cpu).map(|(client, server)| CpuSpent { client, server });
    // The users of a closed workload set their own pace.
    let waited = if matches!(scenario.workload.model, Model::Closed { .. }) { 0 } else { finished.waited };
    let saturated = health::saturated(scenario.clock, &summary, &client, waited);
    let subject = Subject {
        name: scenario.name.clone(),
        about: scenario.about.clone(),
        file: settings.file.clone(),
        yaml: settings.text.clone(),
        seed: scenario.seed.number(),
        clock: scenario.clock,
        group: group.name().to_owned(),
        target: "embedded".to_owned(),
        partial: finished.interrupted,
        offered_per_s_asked: asked_per_s(&scenario.workload),
        cpu,
        workers: Some(workers),
        modexps: client.modexps + server.modexps,
        thresholds: scenario.thresholds.iter().map(|one| thresholds::evaluate(one, &summary)).collect(),
        saturated,
        environment: Some(Environment::here(settings.command.clone())),
    };
    Report::new(subject, &summary)
}

fn side(usage: &Usage) -> SideWorkers {
    SideWorkers {
        threads: usage.threads,
        jobs: usage.jobs,
        prepared: usage.prepared,
        batches: usage.batches,
        deepest_queue: usage.deepest,
        waited_p50_us: usage.waited_us.value_at_quantile(0.5),
        waited_p99_us: usage.waited_us.value_at_quantile(0.99),
    }
}
