//! Arrivals of open workloads, each workload alone and all merged in order of time.

use std::net::IpAddr;
use std::time::Duration;

use rand_distr::{Distribution, Exp1};

use super::arrival_times::{ArrivalTimes, BurstProcess};
use super::population::DeviceOwners;
use super::sampler::{DrawnSignIn, SignInSampler};
use super::shard::Shard;
use crate::scenario::{ArrivalProcess, Model, OpenStage, Scenario, WorkloadLimits, WorkloadPlan};
use poolproof_client::Intent;
use poolproof_cognito::policy::RiskLevel;
use poolproof_cognito::seed::Rng;

/// A sign-in and its intended start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// Number in the run: the number in its workload, from 0, plus [`Arrival::WORKLOAD_STRIDE`] for each
    /// workload before it.
    pub number: u64,
    /// Intended start, since the start of the run.
    pub at: Duration,
    /// Index of its workload in the scenario.
    pub workload: u16,
    /// Index of the user.
    pub user: u32,
    /// The user's intent.
    pub intent: Intent,
    /// Risk level; `None` is no risk.
    pub risk: Option<RiskLevel>,
    /// Source address.
    pub address: IpAddr,
    /// Whether results exclude it as warm-up.
    pub warm_up: bool,
    /// Whether results exclude it as cool-down.
    pub cool_down: bool,
}

impl Arrival {
    /// Offset between the sign-in numbers of two consecutive workloads. It exceeds the number of sign-ins
    /// that a workload can have in 24 hours.
    pub const WORKLOAD_STRIDE: u64 = 1_000_000_000_000;

    /// Creates sign-in `nth` of workload `workload`, both from 0.
    pub(super) fn new(
        workload: u16,
        nth: u64,
        draw: DrawnSignIn,
        at: Duration,
        warm_up: bool,
        cool_down: bool,
    ) -> Self {
        let DrawnSignIn { user, intent, risk, address } = draw;
        let number = u64::from(workload) * Self::WORKLOAD_STRIDE + nth;
        Self { number, at, workload, user, intent, risk, address, warm_up, cool_down }
    }
}

/// Returns the arrivals of all open workloads in order of time. For closed workloads see
/// [`super::closed_workloads`].
pub fn arrivals(scenario: &Scenario, device_owners: &DeviceOwners) -> MergedArrivals {
    let mut workloads: Vec<WorkloadArrivals> = indexed_workloads(scenario)
        .filter_map(|(number, plan)| match &plan.model {
            Model::Open { arrivals, stages } => {
                let sampler = SignInSampler::new(scenario, plan, device_owners);
                Some(WorkloadArrivals::new(scenario, number, plan, *arrivals, stages.clone(), sampler))
            }
            Model::Closed { .. } => None,
        })
        .collect();
    let next_arrivals = workloads.iter_mut().map(Iterator::next).collect();
    let ends = workloads.iter_mut().filter_map(WorkloadArrivals::take_end).collect();
    MergedArrivals { workloads, next_arrivals, ends, shard: None }
}

/// Returns the workloads with their indices.
pub(super) fn indexed_workloads(scenario: &Scenario) -> impl Iterator<Item = (u16, &WorkloadPlan)> {
    (0..).zip(&scenario.workloads)
}

/// Merges the [`Arrival`]s of several workloads in order of time; at equal times the first workload comes
/// first. Its size does not depend on the number of arrivals.
#[derive(Clone, Debug, Default)]
pub struct MergedArrivals {
    workloads: Vec<WorkloadArrivals>,
    /// The next arrival of each workload.
    next_arrivals: Vec<Option<Arrival>>,
    /// Ends of workloads that [`Self::take_ends`] has not returned yet.
    ends: Vec<(u16, Duration)>,
    /// The users whose arrivals are returned; `None` is all.
    shard: Option<Shard>,
}

impl MergedArrivals {
    /// Returns only the arrivals of a shard's users. Their numbers and times stay those of the whole run.
    pub fn of_shard(self, shard: Option<Shard>) -> Self {
        Self { shard, ..self }
    }

    /// Returns the workloads whose limits have ended them since the last call, and the time: the intended
    /// start of the first sign-in that the limits forbid. It is known as soon as the workload's last arrival
    /// is.
    pub fn take_ends(&mut self) -> Vec<(u16, Duration)> {
        std::mem::take(&mut self.ends)
    }
}

impl Iterator for MergedArrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        loop {
            let next = self.next_of_all()?;
            if self.shard.is_none_or(|shard| shard.owns(next.user)) {
                return Some(next);
            }
        }
    }
}

impl MergedArrivals {
    /// Returns the next arrival of the whole run.
    fn next_of_all(&mut self) -> Option<Arrival> {
        let due = |(index, next_arrival): (usize, &Option<Arrival>)| {
            next_arrival.map(|arrival| (arrival.at, index))
        };
        let (_, first) = self.next_arrivals.iter().enumerate().filter_map(due).min()?;
        let next = self.workloads[first].next();
        self.ends.extend(self.workloads[first].take_end());
        std::mem::replace(&mut self.next_arrivals[first], next)
    }
}

/// The arrivals of one open workload.
#[derive(Clone, Debug)]
struct WorkloadArrivals {
    workload: u16,
    starts_at: Duration,
    limits: WorkloadLimits,
    sampler: SignInSampler,
    spacing: Spacing,
    arrival_times: ArrivalTimes,
    /// Number of the next arrival in the workload.
    nth: u64,
    /// The time at which limits ended the workload, until [`Self::take_end`] returns it.
    end: Option<Duration>,
}

/// The increase of Λ from one arrival to the next.
#[derive(Clone, Debug)]
enum Spacing {
    /// Always 1.
    Constant,
    /// Exponentially distributed with mean 1: a Poisson process.
    Poisson { rng: Box<Rng>, point: f64 },
}

impl Spacing {
    fn point(&mut self, nth: u64) -> f64 {
        match self {
            Self::Constant => nth as f64,
            Self::Poisson { rng, point } => {
                *point += Distribution::<f64>::sample(&Exp1, rng);
                *point
            }
        }
    }
}

impl WorkloadArrivals {
    fn new(
        scenario: &Scenario,
        workload: u16,
        plan: &WorkloadPlan,
        arrivals: ArrivalProcess,
        stages: Vec<OpenStage>,
        sampler: SignInSampler,
    ) -> Self {
        let rng = |what| super::rng(scenario.seed, plan, what);
        let spacing = match arrivals {
            ArrivalProcess::Constant => Spacing::Constant,
            ArrivalProcess::Poisson | ArrivalProcess::Bursty(_) => {
                Spacing::Poisson { rng: Box::new(rng("arrivals")), point: 0.0 }
            }
        };
        let burst_process = match arrivals {
            ArrivalProcess::Bursty(bursts) => Some(BurstProcess::new(bursts, rng("bursts"))),
            ArrivalProcess::Constant | ArrivalProcess::Poisson => None,
        };
        let arrival_times = ArrivalTimes::new(stages, burst_process);
        let (starts_at, limits) = (plan.starts_at, plan.limits);
        Self { workload, starts_at, limits, sampler, spacing, arrival_times, nth: 0, end: None }
    }

    /// Returns the time at which limits ended the workload, once.
    fn take_end(&mut self) -> Option<(u16, Duration)> {
        self.end.take().map(|end| (self.workload, end))
    }
}

impl Iterator for WorkloadArrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let (at, stage) = self.arrival_times.time_at(self.spacing.point(self.nth))?;
        if !self.limits.allow(self.nth, at) {
            self.end = Some(self.starts_at + self.limits.stops_after.map_or(at, |end| at.min(end)));
            return None;
        }
        let draw = self.sampler.draw(self.nth);
        let OpenStage { warm_up, cool_down, .. } = stage;
        let arrival = Arrival::new(self.workload, self.nth, draw, self.starts_at + at, warm_up, cool_down);
        self.nth += 1;
        Some(arrival)
    }
}
