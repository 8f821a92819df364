//! Runs a scenario at a given rate.

use std::time::Duration;

use rand::Rng as _;

use super::model::Cores;
use crate::clock::ClockKind;
use crate::control_groups::usable_cores;
use crate::report::Report;
use crate::run::{CancellationToken, RunError, RunOptions, run};
use crate::scenario::{ClosedStage, Delay, Model, OpenStage, Scenario, Service, Threshold, WorkloadLimits};
use crate::workload::{DeviceOwners, arrivals};
use poolproof_cognito::seed::Seed;

/// Concurrency of the probe that estimates the first rate.
const PROBE_USERS: u32 = 64;
/// Initial durations of closed runs: warm-up and measured part.
const CLOSED_DURATIONS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(6)];
/// A closed run with fewer answers is repeated with a longer duration.
const MIN_CLOSED_ANSWERS: u64 = 20;
/// Growth factor of that duration.
const CLOSED_GROWTH: u32 = 10;
/// The confirming run has this multiple of a level's sign-ins, if time allows.
const CONFIRM_FACTOR: f64 = 3.0;
/// A level with fewer sign-ins than about this number is inconclusive.
pub(super) const MIN_SIGN_INS: u32 = 300;
/// Largest relative deviation between the expected and the actual sign-ins of a level.
const MAX_DEVIATION: f64 = 0.005;
/// Most seeds to try for that.
const MAX_SEEDS: u64 = 50;

/// Time limits that depend on the clock.
#[derive(Clone, Copy, PartialEq, Debug)]
struct TimeLimits {
    /// A level is measured until this many sign-ins are expected, up to [`TimeLimits::longest`].
    sign_ins: u32,
    /// Longest measurement of a level.
    longest: Duration,
    /// Longest closed run.
    closed: Duration,
}

impl TimeLimits {
    /// Virtual time costs nothing, so its limits are large.
    const fn for_clock(clock: ClockKind) -> Self {
        match clock {
            ClockKind::Virtual => Self {
                sign_ins: 10 * MIN_SIGN_INS,
                longest: Duration::from_secs(24 * 3600),
                closed: Duration::from_secs(60_000),
            },
            ClockKind::Wall => Self {
                sign_ins: MIN_SIGN_INS,
                longest: Duration::from_secs(300),
                closed: Duration::from_secs(60),
            },
        }
    }
}

/// How long the parts of a level take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LevelDurations {
    /// Before it is measured.
    pub settle: Duration,
    /// While it is measured.
    pub measure: Duration,
    /// While the answer is confirmed.
    pub confirm: Duration,
}

/// Why a scenario has no capacity.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct UnsuitableScenario(pub String);

/// Runs a scenario at given rates.
pub(super) struct LevelRunner<'s> {
    scenario: Scenario,
    run_options: &'s RunOptions,
    durations: LevelDurations,
    cancel_token: &'s CancellationToken,
}

impl<'s> LevelRunner<'s> {
    /// Creates a runner for the scenario with these objectives.
    ///
    /// # Errors
    ///
    /// Returns an error if its users set their own pace, or if no latency can grow with the rate.
    pub(super) fn new(
        scenario: &Scenario,
        objectives: &[Threshold],
        run_options: &'s RunOptions,
        durations: LevelDurations,
        cancel_token: &'s CancellationToken,
    ) -> Result<Self, UnsuitableScenario> {
        let [plan] = scenario.workloads.as_slice() else {
            let why = "it has several workloads, and the search varies one rate; use a scenario with one \
                workload";
            return Err(UnsuitableScenario(why.to_owned()));
        };
        if matches!(plan.model, Model::Closed { .. }) {
            let why = "its workload is closed: its users set their own pace, so there is no rate to search \
                for; use `model: open`";
            return Err(UnsuitableScenario(why.to_owned()));
        }
        let queues = match scenario.service {
            Service::None => false,
            Service::Calibrated => true,
            Service::Model(model) => model.cores.is_some(),
        };
        if scenario.clock == ClockKind::Virtual && !queues {
            let why = "under the virtual clock with `service: none` no request waits for another at any \
                rate; give the pool cores, as in `service: { cores: 4 }`, or measure this machine with \
                `--clock wall`";
            return Err(UnsuitableScenario(why.to_owned()));
        }
        let too_long = |one: &&Threshold| one.window.is_some_and(|window| window > durations.measure);
        if let Some(one) = objectives.iter().find(too_long) {
            let seconds = durations.measure.as_secs();
            let why = format!(
                "`{}` has a window longer than the {seconds} s that a level is measured; use a longer \
                    --measure",
                one.text
            );
            return Err(UnsuitableScenario(why));
        }
        let mut scenario = scenario.clone();
        scenario.thresholds = objectives.to_vec();
        // Only the duration ends a level.
        scenario.workloads.iter_mut().for_each(|plan| plan.limits = WorkloadLimits::default());
        Ok(Self { scenario, run_options, durations, cancel_token })
    }

    /// Runs a level; `repeat` is the index of the repetition.
    pub(super) fn level(&self, per_s: f64, repeat: u32, confirm: bool) -> Result<Report, RunError> {
        let length = self.length(per_s, confirm);
        let stage = |length, warm_up| OpenStage { length, from: per_s, to: per_s, warm_up, cool_down: false };
        let mut scenario = self.scenario.clone();
        for plan in &mut scenario.workloads {
            if let Model::Open { stages, .. } = &mut plan.model {
                *stages = vec![stage(self.durations.settle, true), stage(length, false)];
            }
        }
        scenario.seed = representative_seed(&scenario, per_s * length.as_secs_f64(), repeat);
        self.play(&scenario)
    }

    /// Returns the measured duration of a level: the configured one, or long enough for a conclusive number
    /// of sign-ins.
    fn length(&self, per_s: f64, confirm: bool) -> Duration {
        let time_limits = self.time_limits();
        let (asked, times) =
            if confirm { (self.durations.confirm, CONFIRM_FACTOR) } else { (self.durations.measure, 1.0) };
        let needed = (times * f64::from(time_limits.sign_ins) / per_s).ceil();
        asked.max(Duration::from_secs_f64(needed.min(time_limits.longest.as_secs_f64())))
    }

    const fn time_limits(&self) -> TimeLimits {
        TimeLimits::for_clock(self.scenario.clock)
    }

    /// Runs `users` without think time who sign in again at once. Repeats with longer durations until there
    /// are enough answers or no time is left.
    pub(super) fn closed(&self, users: u32) -> Result<Report, RunError> {
        let users = users.min(self.scenario.population.users);
        let [mut before, mut measured] = CLOSED_DURATIONS;
        let mut scenario = Scenario { seed: seed(self.scenario.seed, 0), ..self.scenario.clone() };
        scenario.client.mfa_delay = Delay::None;
        loop {
            let stage = |length, warm_up| ClosedStage { length, users, warm_up, cool_down: false };
            for plan in &mut scenario.workloads {
                let stages = vec![stage(before, true), stage(measured, false)];
                plan.model = Model::Closed { think_time: Delay::None, stages };
            }
            let report = self.play(&scenario)?;
            let answered = report.sign_ins.answered();
            (before, measured) = (before * CLOSED_GROWTH, measured * CLOSED_GROWTH);
            if answered >= MIN_CLOSED_ANSWERS || measured > self.time_limits().closed || self.is_stopped() {
                return Ok(report);
            }
        }
    }

    /// Runs the pool at about its maximum throughput.
    pub(super) fn probe(&self) -> Result<Report, RunError> {
        self.closed(PROBE_USERS)
    }

    /// Returns the largest number of concurrent users.
    pub(super) const fn users(&self) -> u32 {
        self.scenario.population.users
    }

    /// Returns the cores of a run; `None` for a remote pool.
    pub(super) fn cores(&self, report: &Report) -> Option<Cores> {
        if self.run_options.endpoint.is_some() {
            return None;
        }
        if let Some(workers) = &report.generator.workers {
            let (client, server) = (workers.client.threads as u64, workers.server.threads as u64);
            return Some(Cores { client: Some(client), server });
        }
        let server = match self.scenario.service {
            Service::Calibrated => usable_cores() as u64,
            service => u64::from(service.model().cores?),
        };
        Some(Cores { client: None, server })
    }

    /// Returns whether the search was canceled.
    pub(super) fn is_stopped(&self) -> bool {
        self.cancel_token.is_cancelled()
    }

    fn play(&self, scenario: &Scenario) -> Result<Report, RunError> {
        let played = run(scenario, self.run_options, self.cancel_token)?;
        // Another level would leave more resources behind.
        played.left_behind.map_or(Ok(played.report), |left| Err(RunError::Target(left)))
    }
}

/// Returns the first seed of this repetition whose arrivals in the measured part match `expected` within
/// [`MAX_DEVIATION`], or the closest one.
///
/// The random count of 300 expected arrivals varies by about 17, so the level would run at a different rate.
fn representative_seed(scenario: &Scenario, expected: f64, repeat: u32) -> Seed {
    let mut best = (f64::INFINITY, scenario.seed);
    for number in 0..MAX_SEEDS {
        let seed = seed(scenario.seed, u64::from(repeat) * MAX_SEEDS + number);
        let tried = Scenario { seed, ..scenario.clone() };
        // Arrival times do not depend on the users.
        let arrival_count =
            arrivals(&tried, &DeviceOwners::default()).filter(|arrival| !arrival.warm_up).count();
        let deviation = (arrival_count as f64 / expected - 1.0).abs();
        if deviation < best.0 {
            best = (deviation, seed);
        }
        if deviation <= MAX_DEVIATION {
            break;
        }
    }
    best.1
}

/// Derives a 32-bit seed, which is short enough to type.
fn seed(from: Seed, number: u64) -> Seed {
    Seed::new(u64::from(from.rng("capacity", number).next_u32()))
}
