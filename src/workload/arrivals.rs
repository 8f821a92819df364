//! When sign-ins start in an open workload.
//!
//! A rate that changes over time is undone by its integral: Λ(t) is how many sign-ins have been asked for by t. Evenly
//! spaced arrivals are Λ⁻¹(0), Λ⁻¹(1), …; Poisson arrivals are Λ⁻¹ of a Poisson process of rate 1. Both are exact on
//! ramps too, and need no memory but the place on the way.

use std::net::IpAddr;
use std::time::Duration;

use rand_distr::{Distribution, Exp1};

use super::draws::{Draw, Draws};
use crate::client::Intent;
use crate::policy::RiskLevel;
use crate::scenario::{self, Model, Scenario, Stage};
use crate::seed::Stream;

/// One sign-in that is to start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// Number in the run, from 0.
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
    /// Whether it is left out of the results.
    pub warm_up: bool,
}

/// The sign-ins of an open workload in the order of time; none of a closed one, whose users come when they are ready.
pub fn arrivals(scenario: &Scenario, draws: Draws) -> Timetable {
    let (stages, poisson) = match &scenario.workload.model {
        Model::Open { arrivals, stages } => (stages.clone(), *arrivals == scenario::Arrivals::Poisson),
        Model::Closed { .. } => (Vec::new(), false),
    };
    let stream = scenario.seed.stream("arrivals", 0);
    Timetable {
        draws,
        stream,
        poisson,
        stages,
        stage: 0,
        before: 0.0,
        started: Duration::ZERO,
        next: 0,
        point: 0.0,
    }
}

/// Makes [`Arrival`]s one by one; its size does not depend on their number.
#[derive(Clone, Debug)]
pub struct Timetable {
    draws: Draws,
    stream: Stream,
    poisson: bool,
    stages: Vec<Stage>,
    /// The stage in which the last arrival was.
    stage: usize,
    /// How many sign-ins the stages before it asked for.
    before: f64,
    /// When it began.
    started: Duration,
    /// Number of the next arrival.
    next: u64,
    /// How many sign-ins had been asked for at the last arrival of a Poisson process.
    point: f64,
}

/// A part of a sign-in that is lost in the sums: what is asked for from 0 to 10 s at 20/s are 200, and not 200 and a
/// rounding error.
const SLACK: f64 = 1e-6;

impl Iterator for Timetable {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let point = if self.poisson {
            self.point += Distribution::<f64>::sample(&Exp1, &mut self.stream);
            self.point
        } else {
            self.next as f64
        };
        let (at, warm_up) = self.moment(point)?;
        let number = self.next;
        self.next += 1;
        let Draw { user, intent, risk, address } = self.draws.draw(number);
        Some(Arrival { number, at, workload: 0, user, intent, risk, address, warm_up })
    }
}

impl Timetable {
    /// The moment by which `point` sign-ins have been asked for, and whether it is warm-up. `point` never falls.
    fn moment(&mut self, point: f64) -> Option<(Duration, bool)> {
        loop {
            let stage = self.stages.get(self.stage)?;
            let asked = asked_for(stage);
            if point + SLACK < self.before + asked {
                let at = self.started + Duration::from_micros(into(stage, point - self.before));
                return Some((at, stage.warm_up));
            }
            self.before += asked;
            self.started += stage.length;
            self.stage += 1;
        }
    }
}

/// How many sign-ins a stage asks for.
pub(super) fn asked_for(stage: &Stage) -> f64 {
    stage.length.as_secs_f64() * (stage.from + stage.to) / 2.0
}

/// How far into the stage, in µs, `count` sign-ins have been asked for.
///
/// Solves `from·s + slope·s²/2 = count` in the form that loses no digits when the rate hardly changes.
fn into(stage: &Stage, count: f64) -> u64 {
    let count = count.max(0.0);
    let slope = (stage.to - stage.from) / stage.length.as_secs_f64();
    let root = (stage.from * stage.from + 2.0 * slope * count).max(0.0).sqrt();
    let seconds = 2.0 * count / (stage.from + root);
    (seconds * 1e6).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_into_a_ramp_undoes_its_integral() {
        let s = Duration::from_secs;
        for (from, to) in [(20.0, 200.0), (200.0, 20.0), (5.0, 5.0), (1.0, 1.0 + 1e-12), (1e-3, 1e6)] {
            let stage = Stage { length: s(30), from, to, warm_up: false };
            let middle = from * 15.0 + (to - from) / 30.0 * 15.0 * 15.0 / 2.0;
            assert_eq!(into(&stage, 0.0), 0);
            assert_eq!(into(&stage, middle), 15_000_000, "{from} to {to}");
            assert_eq!(into(&stage, asked_for(&stage)), 30_000_000, "{from} to {to}");
        }
    }
}
