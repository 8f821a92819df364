//! Runs of one shard: which scenarios can be divided, and who signs in when.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::shard_file::{ShardData, ShardFile, ShardedRun};
use super::shard_options::{Division, ShardOptions, ShardQuotas};
use super::start::wait_for_start;
use super::{RunError, RunOptions, RunOutput, play, prepare, report_info, stages};
use crate::actors::{Finished, PlanLog, Schedule, system};
use crate::clock::ClockKind;
use crate::compute::{ComputeUsage, Side};
use crate::report::MachineLoad;
use crate::scenario::{GroupName, Model, Scenario, Service, ServiceModel};
use crate::workload::Shard;

/// Returns how this run can be divided.
///
/// # Errors
///
/// The scenario couples its users, and the options do not allow that.
fn division(scenario: &Scenario, options: &RunOptions, shard: ShardOptions) -> Result<Division, RunError> {
    let couplings = couplings(scenario, options);
    if !couplings.is_empty() && !shard.allow_coupled {
        return Err(RunError::Unsupported(format!(
            "the shards would not add up to the whole run: {}. With --allow-coupled each shard is a smaller pool of its own, \
             and the merged report says so",
            couplings.join("; ")
        )));
    }
    Ok(match scenario.clock {
        ClockKind::Virtual if couplings.is_empty() => Division::Exact,
        ClockKind::Virtual | ClockKind::Wall => Division::Separate,
    })
}

/// Returns what makes the sign-ins of one user depend on those of others.
fn couplings(scenario: &Scenario, options: &RunOptions) -> Vec<String> {
    let mut couplings = Vec::new();
    let (embedded, wall) = (options.endpoint.is_none(), scenario.clock == ClockKind::Wall);
    if embedded && wall {
        couplings.push("under the wall clock, all sign-ins use the cores of one embedded pool".to_owned());
    }
    if !wall {
        match scenario.service {
            Service::None | Service::Model(ServiceModel { cores: None, .. }) => {}
            Service::Calibrated => {
                couplings.push("`service: calibrated` measures the machine of each shard".to_owned());
            }
            Service::Model(ServiceModel { cores: Some(cores), .. }) => couplings
                .push(format!("all sign-ins wait for the same cores of the pool (`service.cores: {cores}`)")),
        }
        if options.drain.is_some() {
            couplings.push("--drain counts from the last sign-in of the whole run".to_owned());
        }
    }
    if embedded && has_quotas(scenario) {
        couplings.push("all sign-ins count against the same quotas (`pool.quotas`)".to_owned());
    }
    if wall && scenario.workloads.iter().any(|plan| matches!(plan.model, Model::Closed { .. })) {
        couplings.push("the users of a closed workload are those who are idle at a time".to_owned());
    }
    if let Some(threshold) = scenario.thresholds.iter().find(|threshold| threshold.abort) {
        couplings.push(format!("the threshold `{}` can cancel the whole run", threshold.text));
    }
    couplings
}

/// Returns whether the pool limits the requests of all users together.
fn has_quotas(scenario: &Scenario) -> bool {
    use poolproof_cognito::policy::QuotaCategory;
    QuotaCategory::ALL.iter().any(|category| scenario.pool.quotas.limit(*category).is_some())
}

/// Returns the scenario of a shard that is a pool of its own: with its share of quotas and cores.
///
/// # Errors
///
/// A quota or the cores cannot be divided by the number of shards.
fn smaller_pool(scenario: &Scenario, options: ShardOptions) -> Result<Scenario, RunError> {
    let (mut scenario, shard, count) = (scenario.clone(), options.shard, options.shard.count());
    if options.quotas == ShardQuotas::Divided {
        let mut too_small = None;
        let quotas = scenario.pool.quotas;
        for category in poolproof_cognito::policy::QuotaCategory::ALL {
            if let Some(limit) = quotas.limit(*category).filter(|limit| *limit < count) {
                too_small = Some((category, limit));
            }
        }
        if let Some((category, limit)) = too_small {
            return Err(RunError::Unsupported(format!(
                "the quota {category} of {limit} requests a second cannot be divided among {count} shards: use fewer shards, or \
                 --shard-quotas whole"
            )));
        }
        scenario.pool.quotas = quotas.map_limits(|_, limit| shard.share(limit));
    }
    if let Service::Model(ServiceModel { cores: Some(cores), .. }) = &mut scenario.service {
        if *cores % count != 0 {
            return Err(RunError::Unsupported(format!(
                "the pool's {cores} cores cannot be divided among {count} shards: choose a number of shards that divides \
                 `service.cores`"
            )));
        }
        *cores /= count;
    }
    Ok(scenario)
}

/// Runs one shard.
///
/// # Errors
///
/// As for [`super::run`], or the run cannot be divided.
pub(super) fn run(
    scenario: &Scenario,
    options: &RunOptions,
    shard: ShardOptions,
    cancel_token: &CancellationToken,
) -> Result<RunOutput, RunError> {
    let division = division(scenario, options, shard)?;
    let smaller;
    let (played_scenario, planned) = match division {
        Division::Exact => (scenario, Some(exact_schedule(scenario, options, shard.shard, cancel_token)?)),
        Division::Separate => {
            smaller = smaller_pool(scenario, shard)?;
            (&smaller, None)
        }
    };
    let mut plan = super::plan(played_scenario, options, cancel_token)?;
    plan.schedule = planned.unwrap_or(plan.schedule);
    let played = system(scenario.clock)?.block_on(async {
        let prepared = wait_for_start(prepare(plan).await?).await?;
        Ok::<_, RunError>(play(prepared).await)
    })?;
    let recorded = Recorded {
        finished: &played.finished,
        usage: [Side::Client, Side::Server].map(|side| played.compute.usage(side)),
        machine: played.machine,
        left_behind: played.cleanup_error.as_ref().map(ToString::to_string),
    };
    let file = shard_file(scenario, options, (shard, division), recorded);
    Ok(RunOutput { shard: Some(file), ..super::report(played) })
}

/// Returns the schedule of a shard in an exact division.
///
/// Which user takes an arrival depends on all users: a busy one is substituted. So the whole run is played
/// first, in the toy group, where SRP costs next to nothing. Who is busy when does not depend on the group.
///
/// # Errors
///
/// The runtime cannot be created.
fn exact_schedule(
    scenario: &Scenario,
    options: &RunOptions,
    shard: Shard,
    cancel_token: &CancellationToken,
) -> Result<Schedule, RunError> {
    let scenario = Scenario { group: GroupName::Toy, thresholds: Vec::new(), ..scenario.clone() };
    let options =
        RunOptions { shard: None, start_at: None, live: None, observer: Arc::new(|_| {}), ..options.clone() };
    let plan = super::plan(&scenario, &options, cancel_token)?;
    let finished = system(scenario.clock)?.block_on(async {
        let mut prepared = prepare(plan).await?;
        prepared.run_context.plan_log = Some(PlanLog::new(shard));
        Ok::<_, RunError>(play(prepared).await.finished)
    })?;
    let planned = finished.plan_log.map(PlanLog::into_planned).unwrap_or_default();
    Ok(Schedule { planned, load_ends: finished.recorder.load_ends().to_vec(), ..Schedule::default() })
}

/// What a shard has recorded.
pub(super) struct Recorded<'r> {
    pub(super) finished: &'r Finished,
    /// The work of clients and pool.
    pub(super) usage: [ComputeUsage; 2],
    pub(super) machine: Option<MachineLoad>,
    pub(super) left_behind: Option<String>,
}

/// Returns the file of a shard that has been played.
pub(super) fn shard_file(
    scenario: &Scenario,
    options: &RunOptions,
    (shard, division): (ShardOptions, Division),
    recorded: Recorded<'_>,
) -> ShardFile {
    let endpoint = options.endpoint.as_ref();
    let quotas = match division {
        Division::Exact => ShardQuotas::default(),
        Division::Separate => shard.quotas,
    };
    let run = ShardedRun {
        count: shard.shard.count(),
        division,
        quotas,
        name: scenario.name.clone(),
        scenario: scenario.to_yaml(),
        file: options.file.clone(),
        text: options.text.clone(),
        files: report_info::files(scenario),
        stages: stages::stages(scenario),
        options: options.replay_options.clone(),
        target: report_info::target(endpoint),
        target_options: endpoint.map(|at| at.options.clone()).unwrap_or_default(),
        live_load: false,
    };
    let Recorded { finished, usage, machine, left_behind } = recorded;
    let data = ShardData {
        started: finished.started,
        interrupted: finished.interrupted,
        abort: finished.abort,
        left_behind,
        recorder: finished.recorder.stored(),
        arrival_counts: finished.arrival_counts.clone(),
        devices: finished.devices.clone(),
        new_devices: finished.new_devices,
        usage,
        machine,
        environment: report_info::environment(scenario, options, finished.started),
    };
    ShardFile {
        format: ShardFile::FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        index: shard.shard.index(),
        run,
        data,
    }
}
