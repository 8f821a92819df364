//! When sign-ins start in open workloads, each in the order of time and all of them together.

use std::net::IpAddr;
use std::time::Duration;

use rand_distr::{Distribution, Exp1};

use super::draws::{Draw, Draws};
use super::population::Owners;
use super::stages::{States, Walk};
use crate::scenario::{Arrivals, Limits, Model, Scenario, Stage, WorkloadPlan};
use poolproof_client::Intent;
use poolproof_cognito::policy::RiskLevel;
use poolproof_cognito::seed::Stream;

/// One sign-in that is to start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// Number in the run: that in its workload, from 0, and [`Arrival::APART`] for each workload before that.
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
    pub const APART: u64 = 1_000_000_000_000;

    /// Sign-in `nth` of workload `workload`, both from 0.
    pub(super) fn of(
        workload: u16,
        nth: u64,
        draw: Draw,
        at: Duration,
        warm_up: bool,
        cool_down: bool,
    ) -> Self {
        let Draw { user, intent, risk, address } = draw;
        let number = u64::from(workload) * Self::APART + nth;
        Self { number, at, workload, user, intent, risk, address, warm_up, cool_down }
    }
}

/// The sign-ins of all open workloads in the order of time. Those of closed ones come when their users are ready: see
/// [`super::loops`].
pub fn arrivals(scenario: &Scenario, owners: &Owners) -> Timetable {
    let mut lines: Vec<Line> = numbered(scenario)
        .filter_map(|(number, plan)| match &plan.model {
            Model::Open { arrivals, stages } => {
                let draws = Draws::new(scenario, plan, owners);
                Some(Line::new(scenario, number, plan, *arrivals, stages.clone(), draws))
            }
            Model::Closed { .. } => None,
        })
        .collect();
    let heads = lines.iter_mut().map(Iterator::next).collect();
    let ends = lines.iter_mut().filter_map(Line::take_end).collect();
    Timetable { lines, heads, ends }
}

/// The workloads with their numbers.
pub(super) fn numbered(scenario: &Scenario) -> impl Iterator<Item = (u16, &WorkloadPlan)> {
    (0..).zip(&scenario.workloads)
}

/// Several workloads' [`Arrival`]s in the order of time; where two are due at once, that of the first workload comes first.
/// Its size does not depend on their number.
#[derive(Clone, Debug)]
pub struct Timetable {
    lines: Vec<Line>,
    /// The next of each line.
    heads: Vec<Option<Arrival>>,
    /// When lines have ended, and nobody has asked yet.
    ends: Vec<(u16, Duration)>,
}

impl Timetable {
    /// The workloads that were found to end since this was asked last, and when: at the moment for which the first sign-in was
    /// meant that their limits forbid. It is known as soon as their last arrival is.
    pub fn take_ends(&mut self) -> Vec<(u16, Duration)> {
        std::mem::take(&mut self.ends)
    }
}

impl Iterator for Timetable {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let due = |(index, head): (usize, &Option<Arrival>)| head.map(|arrival| (arrival.at, index));
        let (_, first) = self.heads.iter().enumerate().filter_map(due).min()?;
        let next = self.lines[first].next();
        self.ends.extend(self.lines[first].take_end());
        std::mem::replace(&mut self.heads[first], next)
    }
}

/// One open workload's arrivals.
#[derive(Clone, Debug)]
struct Line {
    workload: u16,
    starts_at: Duration,
    limits: Limits,
    draws: Draws,
    spread: Spread,
    walk: Walk,
    /// Number of the next arrival.
    nth: u64,
    /// When its limits have ended it, if nobody has asked yet.
    end: Option<Duration>,
}

/// How many sign-ins have been asked for at each arrival.
#[derive(Clone, Debug)]
enum Spread {
    /// One more at each.
    Even,
    /// An exponential number more, 1 on average: a Poisson process.
    Chance { stream: Box<Stream>, point: f64 },
}

impl Spread {
    fn point(&mut self, nth: u64) -> f64 {
        match self {
            Self::Even => nth as f64,
            Self::Chance { stream, point } => {
                *point += Distribution::<f64>::sample(&Exp1, stream);
                *point
            }
        }
    }
}

impl Line {
    fn new(
        scenario: &Scenario,
        workload: u16,
        plan: &WorkloadPlan,
        arrivals: Arrivals,
        stages: Vec<Stage>,
        draws: Draws,
    ) -> Self {
        let stream = |what| super::stream(scenario.seed, plan, what);
        let spread = match arrivals {
            Arrivals::Constant => Spread::Even,
            Arrivals::Poisson | Arrivals::Bursty(_) => {
                Spread::Chance { stream: Box::new(stream("arrivals")), point: 0.0 }
            }
        };
        let states = match arrivals {
            Arrivals::Bursty(bursts) => Some(States::new(bursts, stream("bursts"))),
            Arrivals::Constant | Arrivals::Poisson => None,
        };
        let walk = Walk::new(stages, states);
        let (starts_at, limits) = (plan.starts_at, plan.limits);
        Self { workload, starts_at, limits, draws, spread, walk, nth: 0, end: None }
    }

    /// When its limits have ended it; once.
    fn take_end(&mut self) -> Option<(u16, Duration)> {
        self.end.take().map(|end| (self.workload, end))
    }
}

impl Iterator for Line {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let (at, stage) = self.walk.moment(self.spread.point(self.nth))?;
        if !self.limits.allow(self.nth, at) {
            self.end = Some(self.starts_at + self.limits.stops_after.map_or(at, |end| at.min(end)));
            return None;
        }
        let draw = self.draws.draw(self.nth);
        let Stage { warm_up, cool_down, .. } = stage;
        let arrival = Arrival::of(self.workload, self.nth, draw, self.starts_at + at, warm_up, cool_down);
        self.nth += 1;
        Some(arrival)
    }
}
