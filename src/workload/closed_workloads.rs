//! Closed workloads: users who come again and again. When, is up to whoever plays them; who and what for, is not.

use std::time::Duration;

use super::arrivals::{Arrival, indexed_workloads};
use super::population::DeviceOwners;
use super::sampler::SignInSampler;
use crate::scenario::{ClosedStage, Delay, Model, Scenario, WorkloadLimits};
use poolproof_cognito::seed::Rng;

/// The shortest time between two sign-ins of one loop.
const MIN_THINK_TIME: Duration = Duration::from_micros(1);

/// The closed workloads of a scenario.
pub fn closed_workloads(scenario: &Scenario, device_owners: &DeviceOwners) -> Vec<ClosedWorkload> {
    indexed_workloads(scenario)
        .filter_map(|(workload, plan)| match &plan.model {
            Model::Open { .. } => None,
            Model::Closed { think_time, stages } => Some(ClosedWorkload {
                workload,
                starts_at: plan.starts_at,
                limits: plan.limits,
                sampler: SignInSampler::new(scenario, plan, device_owners),
                stages: stages.clone(),
                think_time: *think_time,
                rng: super::rng(scenario.seed, plan, "think"),
                stages_started: 0,
                active: 0,
                nth: 0,
            }),
        })
        .collect()
}

/// One closed workload: so many loops, each a sign-in and some time to think, again and again.
#[derive(Clone, Debug)]
pub struct ClosedWorkload {
    workload: u16,
    starts_at: Duration,
    limits: WorkloadLimits,
    sampler: SignInSampler,
    stages: Vec<ClosedStage>,
    think_time: Delay,
    rng: Rng,
    /// Stages that have begun.
    stages_started: usize,
    /// Loops that go round.
    active: u32,
    /// Number of the next sign-in.
    nth: u64,
}

impl ClosedWorkload {
    /// The number of the workload in the scenario.
    pub const fn workload(&self) -> u16 {
        self.workload
    }

    /// When the next stage begins, since the start of the run; `None` when all have begun.
    pub fn next_stage_at(&self) -> Option<Duration> {
        let before =
            self.stages.get(..self.stages_started).filter(|before| before.len() < self.stages.len())?;
        Some(self.starts_at + before.iter().map(|stage| stage.length).sum::<Duration>())
    }

    /// Begins the next stage. Gives how many loops it has more than there are: so many begin now.
    pub fn begin_stage(&mut self) -> u32 {
        let Some(stage) = self.stages.get(self.stages_started) else { return 0 };
        self.stages_started += 1;
        let more = stage.users.saturating_sub(self.active);
        self.active += more;
        more
    }

    /// One loop's next sign-in, at `elapsed` since the start of the run; `None` when the loop ends here, since its stage wants
    /// fewer or the workload is over.
    pub fn next(&mut self, elapsed: Duration) -> Option<Arrival> {
        let Some(ClosedStage { warm_up, cool_down, .. }) = self.stage(elapsed) else {
            self.active = self.active.saturating_sub(1);
            return None;
        };
        let draw = self.sampler.draw(self.nth);
        let arrival = Arrival::new(self.workload, self.nth, draw, elapsed, warm_up, cool_down);
        self.nth += 1;
        Some(arrival)
    }

    /// Whether it has had as many sign-ins as it may.
    pub fn is_exhausted(&self) -> bool {
        self.limits.at_most.is_some_and(|most| self.nth >= most)
    }

    /// The stage at a moment of the run, if it has room for all loops that there are.
    fn stage(&self, elapsed: Duration) -> Option<ClosedStage> {
        let within = elapsed.saturating_sub(self.starts_at);
        let mut ends = Duration::ZERO;
        let stage = self.stages.iter().find(|stage| {
            ends += stage.length;
            within < ends
        })?;
        (self.active <= stage.users && self.limits.allow(self.nth, within)).then_some(*stage)
    }

    /// Time that a user thinks before the next sign-in: never no time at all, or sign-ins that cost nothing would go on at one
    /// instant for ever.
    pub fn next_think_time(&mut self) -> Duration {
        self.think_time.draw(&mut self.rng).max(MIN_THINK_TIME)
    }

    /// Whether nobody will come any more.
    pub fn is_over(&self, elapsed: Duration) -> bool {
        let allowed = self.limits.allow(self.nth, elapsed.saturating_sub(self.starts_at));
        self.active == 0 && (self.stages_started == self.stages.len() || !allowed)
    }
}
