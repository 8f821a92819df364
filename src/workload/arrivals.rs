//! When sign-ins start in open workloads, each in the order of time and all of them together.

use std::net::IpAddr;
use std::time::Duration;

use rand_distr::{Distribution, Exp1};

use super::arrival_times::{ArrivalTimes, BurstProcess};
use super::population::DeviceOwners;
use super::sampler::{DrawnSignIn, SignInSampler};
use crate::scenario::{ArrivalProcess, Model, OpenStage, Scenario, WorkloadLimits, WorkloadPlan};
use poolproof_client::Intent;
use poolproof_cognito::policy::RiskLevel;
use poolproof_cognito::seed::Rng;

/// One sign-in that is to start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// Number in the run: that in its workload, from 0, and [`Arrival::WORKLOAD_STRIDE`] for each workload before that.
    pub number: u64,
    /// When, since the start of the run.
    pub at: Duration,
    /// The number of its workload in the scenario, from 0.
    pub workload: u16,
    /// The user's number.
    pub user: u32,
    /// What they set out to do.
    pub intent: Intent,
    /// How risky it looks.
    pub risk: Option<RiskLevel>,
    /// Where it comes from.
    pub address: IpAddr,
    /// Whether it is left out of the results as warm-up.
    pub warm_up: bool,
    /// Whether it is left out of the results as cool-down.
    pub cool_down: bool,
}

impl Arrival {
    /// From the numbers of one workload to those of the next: more than a workload of a day can have.
    pub const WORKLOAD_STRIDE: u64 = 1_000_000_000_000;

    /// Sign-in `nth` of workload `workload`, both from 0.
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

/// The sign-ins of all open workloads in the order of time. Those of closed ones come when their users are ready: see
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
    MergedArrivals { workloads, next_arrivals, ends }
}

/// The workloads with their numbers.
pub(super) fn indexed_workloads(scenario: &Scenario) -> impl Iterator<Item = (u16, &WorkloadPlan)> {
    (0..).zip(&scenario.workloads)
}

/// Several workloads' [`Arrival`]s in the order of time; where two are due at once, that of the first workload comes first.
/// Its size does not depend on their number.
#[derive(Clone, Debug)]
pub struct MergedArrivals {
    workloads: Vec<WorkloadArrivals>,
    /// The next of each line.
    next_arrivals: Vec<Option<Arrival>>,
    /// When lines have ended, and nobody has asked yet.
    ends: Vec<(u16, Duration)>,
}

impl MergedArrivals {
    /// The workloads that were found to end since this was asked last, and when: at the moment for which the first sign-in was
    /// meant that their limits forbid. It is known as soon as their last arrival is.
    pub fn take_ends(&mut self) -> Vec<(u16, Duration)> {
        std::mem::take(&mut self.ends)
    }
}

impl Iterator for MergedArrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let due = |(index, next_arrival): (usize, &Option<Arrival>)| {
            next_arrival.map(|arrival| (arrival.at, index))
        };
        let (_, first) = self.next_arrivals.iter().enumerate().filter_map(due).min()?;
        let next = self.workloads[first].next();
        self.ends.extend(self.workloads[first].take_end());
        std::mem::replace(&mut self.next_arrivals[first], next)
    }
}

/// One open workload's arrivals.
#[derive(Clone, Debug)]
struct WorkloadArrivals {
    workload: u16,
    starts_at: Duration,
    limits: WorkloadLimits,
    sampler: SignInSampler,
    spacing: Spacing,
    arrival_times: ArrivalTimes,
    /// Number of the next arrival.
    nth: u64,
    /// When its limits have ended it, if nobody has asked yet.
    end: Option<Duration>,
}

/// How many sign-ins have been asked for at each arrival.
#[derive(Clone, Debug)]
enum Spacing {
    /// One more at each.
    Constant,
    /// An exponential number more, 1 on average: a Poisson process.
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

    /// When its limits have ended it; once.
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
