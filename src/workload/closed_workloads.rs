//! Closed workloads: a number of loops, each a sign-in and a think time. The caller decides when a loop
//! continues; the workload decides on user and intent.

use std::time::Duration;

use super::arrivals::{Arrival, indexed_workloads};
use super::population::DeviceOwners;
use super::sampler::{DrawnSignIn, SignInSampler};
use super::shard::Shard;
use crate::scenario::{ClosedStage, Delay, Model, Scenario, WorkloadLimits};
use poolproof_cognito::seed::Rng;

/// Most sign-ins of other shards in a row. With 10,000 shards, a longer row has a probability below 10⁻⁴⁰.
const MAX_SKIPPED: u32 = 1_000_000;

/// Longer than any run, in a form that can be added to a time.
const LONGEST: Duration = Duration::from_secs(1 << 32);

/// The shortest think time.
const MIN_THINK_TIME: Duration = Duration::from_micros(1);

/// Returns the closed workloads of a scenario, or a shard's part of their loops.
pub fn closed_workloads(
    scenario: &Scenario,
    device_owners: &DeviceOwners,
    shard: Option<Shard>,
) -> Vec<ClosedWorkload> {
    let users = |all| shard.map_or(all, |shard| shard.share(all));
    let part = |stage: &ClosedStage| ClosedStage { users: users(stage.users), ..*stage };
    indexed_workloads(scenario)
        .filter_map(|(workload, plan)| match &plan.model {
            Model::Open { .. } => None,
            Model::Closed { think_time, stages } => Some(ClosedWorkload {
                workload,
                starts_at: plan.starts_at,
                limits: plan.limits,
                sampler: SignInSampler::new(scenario, plan, device_owners),
                stages: stages.iter().map(part).collect(),
                shard,
                think_time: *think_time,
                rng: super::rng(scenario.seed, plan, "think"),
                stages_started: 0,
                active: 0,
                nth: 0,
            }),
        })
        .collect()
}

/// A closed workload.
#[derive(Clone, Debug)]
pub struct ClosedWorkload {
    workload: u16,
    starts_at: Duration,
    limits: WorkloadLimits,
    shard: Option<Shard>,
    sampler: SignInSampler,
    stages: Vec<ClosedStage>,
    think_time: Delay,
    rng: Rng,
    /// Number of stages that have started.
    stages_started: usize,
    /// Number of running loops.
    active: u32,
    /// Number of the next sign-in in the workload.
    nth: u64,
}

impl ClosedWorkload {
    /// Replaces the stages and limits by a number of users that is set while the run goes on; 0 at first.
    pub fn live(self) -> Self {
        let stage = ClosedStage { length: LONGEST, users: 0, warm_up: false, cool_down: false };
        let limits = WorkloadLimits::default();
        Self { starts_at: Duration::ZERO, limits, stages: vec![stage], stages_started: 1, ..self }
    }

    /// Sets the number of users of a live workload and returns the number of loops to start. Loops beyond it
    /// end with their next sign-in.
    pub fn set_users(&mut self, users: u32) -> u32 {
        self.stages.iter_mut().for_each(|stage| stage.users = users);
        let more = users.saturating_sub(self.active);
        self.active += more;
        more
    }

    /// Ends a live workload: no loop continues.
    pub fn end_live(&mut self, elapsed: Duration) {
        self.active = 0;
        for stage in &mut self.stages {
            (stage.length, stage.users) = (elapsed, 0);
        }
    }

    /// Returns the highest number of users of its stages.
    pub fn most_users(&self) -> u32 {
        self.stages.iter().map(|stage| stage.users).max().unwrap_or_default()
    }

    /// Returns the index of the workload in the scenario.
    pub const fn workload(&self) -> u16 {
        self.workload
    }

    /// Returns the start of the next stage, since the start of the run; `None` if all stages have started.
    pub fn next_stage_at(&self) -> Option<Duration> {
        let before =
            self.stages.get(..self.stages_started).filter(|before| before.len() < self.stages.len())?;
        Some(self.starts_at + before.iter().map(|stage| stage.length).sum::<Duration>())
    }

    /// Starts the next stage and returns the number of loops to start.
    pub fn begin_stage(&mut self) -> u32 {
        let Some(stage) = self.stages.get(self.stages_started) else { return 0 };
        self.stages_started += 1;
        let more = stage.users.saturating_sub(self.active);
        self.active += more;
        more
    }

    /// Returns the next sign-in of a loop at `elapsed` since the start of the run. Returns `None` if the loop
    /// ends because the stage has fewer users or the workload is over.
    pub fn next(&mut self, elapsed: Duration) -> Option<Arrival> {
        let draw = self.next_draw();
        let (Some(ClosedStage { warm_up, cool_down, .. }), Some(draw)) = (self.stage(elapsed), draw) else {
            self.active = self.active.saturating_sub(1);
            return None;
        };
        let arrival = Arrival::new(self.workload, self.nth, draw, elapsed, warm_up, cool_down);
        self.nth += 1;
        Some(arrival)
    }

    /// Draws the next sign-in. Those of other shards' users are skipped, so that no two shards have one of
    /// the same number; `None` if this shard has no users.
    fn next_draw(&mut self) -> Option<DrawnSignIn> {
        for _ in 0..MAX_SKIPPED {
            let draw = self.sampler.draw(self.nth);
            if self.shard.is_none_or(|shard| shard.owns(draw.user)) {
                return Some(draw);
            }
            self.nth += 1;
        }
        None
    }

    /// Whether the workload has reached its number of sign-ins.
    pub fn is_exhausted(&self) -> bool {
        self.limits.at_most.is_some_and(|most| self.nth >= most)
    }

    /// Returns the stage at a time of the run, if it has at least as many users as there are loops.
    fn stage(&self, elapsed: Duration) -> Option<ClosedStage> {
        let within = elapsed.saturating_sub(self.starts_at);
        let mut ends = Duration::ZERO;
        let stage = self.stages.iter().find(|stage| {
            ends += stage.length;
            within < ends
        })?;
        (self.active <= stage.users && self.limits.allow(self.nth, within)).then_some(*stage)
    }

    /// Draws a think time. It is more than zero, because sign-ins without cost would otherwise repeat forever
    /// at one instant.
    pub fn next_think_time(&mut self) -> Duration {
        self.think_time.draw(&mut self.rng).max(MIN_THINK_TIME)
    }

    /// Returns the latest time at which a sign-in can start, since the start of the run.
    pub fn end(&self) -> Duration {
        let whole = self.stages.iter().map(|stage| stage.length).sum::<Duration>();
        self.starts_at + self.limits.stops_after.map_or(whole, |end| whole.min(end))
    }

    /// Whether no sign-in starts any more, though loops may be waiting for the end of their last one.
    pub fn ends_by(&self, elapsed: Duration) -> bool {
        elapsed >= self.end() || self.is_exhausted()
    }

    /// Whether no sign-in follows.
    pub fn is_over(&self, elapsed: Duration) -> bool {
        let allowed = self.limits.allow(self.nth, elapsed.saturating_sub(self.starts_at));
        self.active == 0 && (self.stages_started == self.stages.len() || !allowed)
    }
}
