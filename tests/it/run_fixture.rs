//! What the tests of whole runs share.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use actix::Actor as _;
use poolproof::actors::{
    Conductor, Finished, NewUser, ProvisionConfig, RunContext, Schedule, UserContext, provision, system,
};
use poolproof::clock::Clock;
use poolproof::compute::{Compute, CostModel, Costs};
use poolproof::report::Report;
use poolproof::run::{CancellationToken, RunOptions, run};
use poolproof::scenario::{self, Scenario, ServiceModel};
use poolproof::target::Target;
use poolproof::workload::{arrivals, closed_workloads, device_owners, population};
use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_pool::{Defect, Pool, PoolIdentity};
use poolproof_srp::Group;
use tokio::sync::oneshot;

/// The folder of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The bundled scenario files, by name.
pub(crate) fn bundled() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("scenarios")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

/// A scenario from its text.
pub(crate) fn scenario(text: &str) -> Scenario {
    scenario::parse("test.yaml", text.as_bytes()).unwrap_or_else(|diagnostic| panic!("{diagnostic}"))
}

/// Plays a scenario to its end.
pub(crate) fn play(scenario: &Scenario) -> Report {
    play_with(scenario, None)
}

/// Plays a scenario against a pool with a planted fault.
pub(crate) fn play_with(scenario: &Scenario, defect: Option<Defect>) -> Report {
    run(scenario, &run_options(defect), &CancellationToken::default()).unwrap()
}

/// Settings for a run that nobody watches.
pub(crate) fn run_options(defect: Option<Defect>) -> RunOptions {
    RunOptions {
        file: "test.yaml".to_owned(),
        text: String::new(),
        command: String::new(),
        workers: None,
        backend: None,
        defect,
        endpoint: None,
        observer: Arc::new(|_| {}),
    }
}

/// Plays a scenario of the toy group at whatever `target` makes of its pool, and keeps the record at
/// `run_context`.
pub(crate) fn play_with_target(
    scenario: &Scenario,
    target: impl FnOnce(Pool, Clock, &Compute) -> Rc<dyn Target>,
    run_context: RunContext,
) -> Finished {
    let (pool_id, client_id) = (PoolId::new("us-east-1_byhand"), ClientId::new("client"));
    let (group, ephemeral_bits) = (Group::toy(), scenario.client.ephemeral_bits);
    let config = ProvisionConfig { seed: scenario.seed, pool_id: pool_id.clone(), group, ephemeral_bits };
    let people = provision(&config, population(scenario).collect(), &|_| true);
    system(scenario.clock).unwrap().block_on(async {
        let clock = Clock::start(scenario.clock);
        let ServiceModel { modexp_256, modexp_513, modexp_1025, .. } = ServiceModel::NOMINAL;
        let costs = Costs { bits_256: modexp_256, bits_513: modexp_513, bits_1025: modexp_1025 };
        let compute = Compute::inline(clock, CostModel { cores: None, variable: costs, generator: costs });
        let identity = PoolIdentity { pool_id: pool_id.clone(), client_id: client_id.clone(), group };
        let mut pool = Pool::new(identity, scenario.pool, scenario.seed.rng("pool", 0));
        let new_users: Vec<NewUser> = people
            .into_iter()
            .map(|(account, new_user)| {
                pool.add_account(account).unwrap();
                new_user
            })
            .collect();
        let context = UserContext {
            clock,
            target: target(pool, clock, &compute),
            compute,
            seed: scenario.seed,
            pool_id,
            client_id,
            group,
            ephemeral_bits,
            retries: scenario.client.retries,
            mfa_delay: scenario.client.mfa_delay,
            session_validity: scenario.pool.session_validity,
            exceptions: Rc::default(),
            keeps_tokens: scenario.intents().any(poolproof_client::Intent::uses_tokens),
        };
        let with_device = new_users.iter().map(NewUser::has_device).collect();
        let users = new_users.into_iter().map(|one| one.start(&context, scenario.pool)).collect();
        let device_owners = device_owners(scenario);
        let schedule = Schedule {
            open_arrivals: arrivals(scenario, &device_owners),
            closed_workloads: closed_workloads(scenario, &device_owners),
        };
        let (done, finished) = oneshot::channel::<Finished>();
        Conductor::new(clock, users, with_device, schedule, run_context, done).start();
        finished.await.unwrap()
    })
}
