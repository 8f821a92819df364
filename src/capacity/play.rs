//! Runs of a scenario at a rate.

use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use rand::Rng as _;

use super::model::Cores;
use crate::clock::ClockKind;
use crate::report::Report;
use crate::run::{RunError, Settings, Stop, run};
use crate::scenario::{ClosedStage, Delay, Limits, Model, Scenario, Service, Stage, Threshold};
use crate::seed::Seed;

/// A level is measured until about so many sign-ins are expected, or for [`LONGEST`].
const FEWEST_SIGN_INS: f64 = 300.0;
/// No level takes longer for want of sign-ins.
const LONGEST: Duration = Duration::from_secs(300);
/// Sign-ins at once in the probe that tells where to begin.
const PROBE_USERS: u32 = 64;
/// How long the closed runs are, before and while they are measured.
const CLOSED: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(6)];

/// How long the parts of a level take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lengths {
    /// Before it is measured.
    pub settle: Duration,
    /// While it is measured.
    pub measure: Duration,
    /// While the answer is confirmed.
    pub confirm: Duration,
}

/// Why no capacity can be had of a scenario.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

/// A scenario that is played at rates.
pub(super) struct Course<'s> {
    scenario: Scenario,
    settings: &'s Settings,
    lengths: Lengths,
    stop: &'s Stop,
}

impl<'s> Course<'s> {
    /// The scenario with these objectives.
    ///
    /// # Errors
    ///
    /// When its users set their own pace, or nothing in it takes longer at a higher rate.
    pub(super) fn new(
        scenario: &Scenario,
        objectives: &[Threshold],
        settings: &'s Settings,
        lengths: Lengths,
        stop: &'s Stop,
    ) -> Result<Self, Unfit> {
        let [plan] = scenario.workloads.as_slice() else {
            let why = "it has several workloads, and one rate is searched for. Give a scenario with the one that you mean";
            return Err(Unfit(why.to_owned()));
        };
        if matches!(plan.model, Model::Closed { .. }) {
            let why = "its workload is closed: users who come again when they are done set their own pace, and there is no rate to \
                       search for. Write `model: open`";
            return Err(Unfit(why.to_owned()));
        }
        let queues = match scenario.service {
            Service::None => false,
            Service::Calibrated => true,
            Service::Model(model) => model.cores.is_some(),
        };
        if scenario.clock == ClockKind::Virtual && !queues {
            let why = "by the virtual clock with `service: none` nobody waits for anybody, at any rate. Say how many cores the pool \
                       has, as in `service: { cores: 4 }`, or measure this machine with `--clock wall`";
            return Err(Unfit(why.to_owned()));
        }
        let too_long = |one: &&Threshold| one.window.is_some_and(|window| window > lengths.measure);
        if let Some(one) = objectives.iter().find(too_long) {
            let seconds = lengths.measure.as_secs();
            let why = format!(
                "`{}` looks at more than the {seconds} s that a level is measured; use a longer --measure",
                one.text
            );
            return Err(Unfit(why));
        }
        let mut scenario = scenario.clone();
        scenario.thresholds = objectives.to_vec();
        // A level ends when it is long enough, and not earlier.
        scenario.workloads.iter_mut().for_each(|plan| plan.limits = Limits::default());
        Ok(Self { scenario, settings, lengths, stop })
    }

    /// Plays a level: repeat `repeat`, whose chance is the same at every rate.
    pub(super) fn level(&self, per_s: f64, repeat: u32, confirm: bool) -> Result<Report, RunError> {
        let wanted = if confirm { self.lengths.confirm } else { self.lengths.measure };
        let needed = Duration::from_secs_f64((FEWEST_SIGN_INS / per_s).ceil().min(LONGEST.as_secs_f64()));
        let stage = |length, warm_up| Stage { length, from: per_s, to: per_s, warm_up, cool_down: false };
        let mut scenario = self.again(repeat);
        for plan in &mut scenario.workloads {
            if let Model::Open { stages, .. } = &mut plan.model {
                *stages = vec![stage(self.lengths.settle, true), stage(wanted.max(needed), false)];
            }
        }
        self.play(&scenario)
    }

    /// Plays `users` who sign in again as soon as they are done, and take no time to type. Sign-ins a second.
    pub(super) fn closed(&self, users: u32) -> Result<Option<f64>, RunError> {
        let users = users.min(self.scenario.population.users);
        let [before, measured] = CLOSED;
        let mut scenario = self.again(0);
        scenario.client.mfa_delay = Delay::None;
        let stage = |length, warm_up| ClosedStage { length, users, warm_up, cool_down: false };
        for plan in &mut scenario.workloads {
            let stages = vec![stage(before, true), stage(measured, false)];
            plan.model = Model::Closed { think_time: Delay::None, stages };
        }
        Ok(self.play(&scenario)?.throughput.achieved_per_s)
    }

    /// About as much as the pool can do at all.
    pub(super) fn probe(&self) -> Result<Option<f64>, RunError> {
        self.closed(PROBE_USERS)
    }

    /// How many users there are at most at once.
    pub(super) const fn users(&self) -> u32 {
        self.scenario.population.users
    }

    /// The cores of a run; `None` where the pool is elsewhere.
    pub(super) fn cores(&self, report: &Report) -> Option<Cores> {
        if self.settings.endpoint.is_some() {
            return None;
        }
        if let Some(workers) = &report.generator.workers {
            let (client, server) = (workers.client.threads as u64, workers.server.threads as u64);
            return Some(Cores { client: Some(client), server });
        }
        let server = match self.scenario.service {
            Service::Calibrated => available_parallelism().map_or(1, NonZero::get) as u64,
            service => u64::from(service.model().cores?),
        };
        Some(Cores { client: None, server })
    }

    /// Whether somebody asked for an end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_pulled()
    }

    fn again(&self, repeat: u32) -> Scenario {
        let seed = self.scenario.seed.stream("capacity", u64::from(repeat)).next_u32();
        Scenario { seed: Seed::new(u64::from(seed)), ..self.scenario.clone() }
    }

    fn play(&self, scenario: &Scenario) -> Result<Report, RunError> {
        run(scenario, self.settings, self.stop)
    }
}
