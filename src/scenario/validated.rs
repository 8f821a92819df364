//! A scenario as meant: every key resolved, every number checked, nothing left to choose.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::delay::Delay;
use super::threshold::Threshold;
use super::weights::Weights;
use crate::clock::ClockKind;
use poolproof_client::Intent;
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::policy::{Factors, PoolPolicy, RiskLevel};
use poolproof_cognito::seed::Seed;

/// One scenario: a pool, its people, what they do, and what must hold.
#[derive(Clone, PartialEq, Debug)]
pub struct Scenario {
    /// Name of the scenario and of the folder of its report: 1 to 64 of `[a-z0-9-]`.
    pub name: String,
    /// Why it exists: the comment lines at the top of its file, without `#`.
    pub about: String,
    /// Where all chance comes from.
    pub seed: Seed,
    /// The time that it lives in.
    pub clock: ClockKind,
    /// The group that SRP computes in.
    pub group: GroupName,
    /// The pool's settings.
    pub pool: PoolPolicy,
    /// Addresses that its threat protection treats otherwise than all others.
    pub exceptions: RiskExceptions,
    /// Who is in the pool at the start.
    pub population: Population,
    /// Who comes when, and what for: 1 to [`WorkloadPlan::MAX_COUNT`], each with a name of its own.
    pub workloads: Vec<WorkloadPlan>,
    /// How the clients behave.
    pub client: ClientPlan,
    /// What the pool's arithmetic costs under the virtual clock.
    pub service: Service,
    /// What must hold at the end.
    pub thresholds: Vec<Threshold>,
}

impl Scenario {
    /// The names of its workloads, in their order.
    pub fn workload_names(&self) -> impl Iterator<Item = &str> {
        self.workloads.iter().map(|plan| plan.name.as_str())
    }

    /// What sign-ins of any workload can set out to do.
    pub fn intents(&self) -> impl Iterator<Item = Intent> {
        let wanted = |intent: &Intent| self.workloads.iter().any(|plan| plan.mix.share(*intent) > 0.0);
        Intent::ALL.into_iter().filter(wanted)
    }

    /// How risky sign-ins of any workload can look.
    pub fn risks(&self) -> impl Iterator<Item = Option<RiskLevel>> {
        let wanted =
            |level: &Option<RiskLevel>| self.workloads.iter().any(|plan| plan.risk.share(*level) > 0.0);
        std::iter::once(None).chain(RiskLevel::ALL.map(Some)).filter(wanted)
    }
}

/// The group that SRP computes in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupName {
    /// Cognito's: 3072 bits, g = 2.
    Cognito,
    /// A 61-bit group: quick and worthless as protection, for judging many decisions.
    Toy,
}

/// Who is in the pool at the start.
#[derive(Clone, PartialEq, Debug)]
pub struct Population {
    /// How many users there are: 1 to 1,000,000.
    pub users: u32,
    /// Which second factors they have.
    pub factors: Weights<Factors>,
    /// How many devices each has had before.
    pub devices: DeviceCount,
    /// Share of users who let devices be remembered where the pool asks, 0 to 1.
    pub opt_in: f64,
    /// Share of users whose password is known to others, 0 to 1.
    pub compromised: f64,
}

/// How many devices a user starts with.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum DeviceCount {
    /// Everyone this many, at most [`DeviceCount::MAX`].
    Exactly(u32),
    /// A Poisson distribution with this mean; a drawn count is at most [`DeviceCount::MAX`].
    Poisson(f64),
}

impl DeviceCount {
    /// No user starts with more devices than this.
    pub const MAX: u32 = 8;
}

/// Who comes when, and what for.
#[derive(Clone, PartialEq, Debug)]
pub struct WorkloadPlan {
    /// Its name, from which its chance follows: 1 to 64 of `[a-z0-9-]`.
    pub name: String,
    /// When it begins, since the start of the run.
    pub starts_at: Duration,
    /// When it stops, if not at the end of its last stage.
    pub limits: WorkloadLimits,
    /// When sign-ins start.
    pub model: Model,
    /// The file that its stages were read from, where they were.
    pub schedule: Option<ScheduleFile>,
    /// What they set out to do.
    pub mix: Weights<Intent>,
    /// How risky they look.
    pub risk: Weights<Option<RiskLevel>>,
    /// Where they come from.
    pub from: Weights<SourceAddress>,
}

impl WorkloadPlan {
    /// The name of a workload that stands alone and has none.
    pub const DEFAULT_NAME: &str = "workload";
    /// A scenario has no more workloads than this.
    pub const MAX_COUNT: usize = 16;
}

/// When a workload stops, if not at the end of its last stage: whichever comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WorkloadLimits {
    /// After so many sign-ins, warm-up too; at least one.
    pub at_most: Option<u64>,
    /// After this time since its own start; more than zero.
    pub stops_after: Option<Duration>,
}

impl WorkloadLimits {
    /// Whether sign-in `nth` of the workload, from 0, may start at `at`, counted from the workload's start.
    pub fn allow(&self, nth: u64, at: Duration) -> bool {
        self.at_most.is_none_or(|most| nth < most) && self.stops_after.is_none_or(|end| at < end)
    }
}

/// A file that the rate over time was read from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScheduleFile {
    /// Its path as the scenario gives it.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Where a sign-in comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SourceAddress {
    /// The user's own address, one of 10.0.0.0/8, from which they have signed in before.
    Home,
    /// Any address of 198.18.0.0/15.
    Elsewhere,
    /// Any address of 2001:db8::/32.
    ElsewhereV6,
}

impl SourceAddress {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Home, Self::Elsewhere, Self::ElsewhereV6];
}

/// When sign-ins start.
#[derive(Clone, PartialEq, Debug)]
pub enum Model {
    /// At a rate, however long the answers take.
    Open {
        /// How they are spread over time.
        arrivals: ArrivalProcess,
        /// The rate over time; at least one stage is measured.
        stages: Vec<OpenStage>,
    },
    /// A number of users who come again after their last sign-in and some time to think.
    Closed {
        /// Time between one sign-in of a user and the next.
        think_time: Delay,
        /// The number of users over time; at least one stage is measured.
        stages: Vec<ClosedStage>,
    },
}

impl Model {
    /// The lengths of its stages, and whether they are warm-up and cool-down.
    fn parts(&self) -> Box<dyn Iterator<Item = (Duration, bool, bool)> + '_> {
        match self {
            Self::Open { stages, .. } => {
                Box::new(stages.iter().map(|stage| (stage.length, stage.warm_up, stage.cool_down)))
            }
            Self::Closed { stages, .. } => {
                Box::new(stages.iter().map(|stage| (stage.length, stage.warm_up, stage.cool_down)))
            }
        }
    }

    /// Length of all stages.
    pub fn length(&self) -> Duration {
        self.parts().map(|(length, ..)| length).sum()
    }

    /// Length of the warm-up, which comes first.
    pub fn warm_up(&self) -> Duration {
        self.parts().filter(|(_, warm_up, _)| *warm_up).map(|(length, ..)| length).sum()
    }

    /// How many sign-ins begin in the warm-up for certain: where they come by chance, all but once in sixty million times.
    pub(super) fn min_warm_up_sign_ins(&self) -> u64 {
        /// So many standard deviations a Poisson count stays above its mean less that, but for exp(−6²/2).
        const DEVIATIONS: f64 = 6.0;
        match self {
            Self::Open { arrivals, stages } => {
                let asked: f64 =
                    stages.iter().filter(|stage| stage.warm_up).map(OpenStage::expected_sign_ins).sum();
                let by_chance = |mean: f64| (mean - DEVIATIONS * mean.sqrt()).floor().max(0.0);
                let least = match arrivals {
                    // Those at 0, 1, 2, … below it; without what the sum may have lost or won by rounding.
                    ArrivalProcess::Constant => (asked - 1e-6).ceil(),
                    ArrivalProcess::Poisson => by_chance(asked),
                    ArrivalProcess::Bursty(bursts) => by_chance(asked * bursts.calm()),
                };
                least as u64
            }
            // Each stage begins with a sign-in of every user whom the one before had not.
            Self::Closed { stages, .. } => {
                let users = stages.iter().filter(|stage| stage.warm_up).map(|stage| stage.users);
                users.max().unwrap_or(0).into()
            }
        }
    }

    /// Length of the cool-down, which comes last.
    pub fn cool_down(&self) -> Duration {
        self.parts().filter(|(.., cool_down)| *cool_down).map(|(length, ..)| length).sum()
    }
}

/// How arrivals are spread over time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ArrivalProcess {
    /// Independently of one another, as people come.
    Poisson,
    /// Evenly.
    Constant,
    /// As a Poisson process whose rate jumps up and down.
    Bursty(Bursts),
}

/// A Markov-modulated Poisson process of two states, calm and burst, whose lengths are exponential.
///
/// With p = `length` / `every`, the share of time in bursts, the stage's rate is multiplied by 1 / (1 + p·(`multiplier` − 1)) in
/// the calm and by `multiplier` as much in a burst, so that its mean is what the stage asks for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Bursts {
    /// How many times the rate of the calm a burst has; more than one.
    pub multiplier: f64,
    /// How long a burst lasts on average; more than zero.
    pub length: Duration,
    /// The mean time from the start of one burst to that of the next; more than `length`.
    pub every: Duration,
}

impl Bursts {
    /// The share of time that is burst, 0 to 1.
    pub fn share(&self) -> f64 {
        self.length.as_secs_f64() / self.every.as_secs_f64()
    }

    /// What a stage's rate is multiplied by in the calm.
    pub fn calm(&self) -> f64 {
        1.0 / (1.0 + self.share() * (self.multiplier - 1.0))
    }
}

/// A stretch of an open workload in which the rate is constant or changes evenly.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OpenStage {
    /// How long it lasts; more than zero.
    pub length: Duration,
    /// Sign-ins a second at its start; more than zero.
    pub from: f64,
    /// Sign-ins a second at its end; more than zero.
    pub to: f64,
    /// Whether it is left out of the results. Warm-up stages come first.
    pub warm_up: bool,
    /// Whether it is left out of the results. Cool-down stages come last.
    pub cool_down: bool,
}

impl OpenStage {
    /// How many sign-ins it asks for, on average.
    pub fn expected_sign_ins(&self) -> f64 {
        self.length.as_secs_f64() * (self.from + self.to) / 2.0
    }
}

/// A stretch of a closed workload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClosedStage {
    /// How long it lasts; more than zero.
    pub length: Duration,
    /// How many users are active; at least one.
    pub users: u32,
    /// Whether it is left out of the results. Warm-up stages come first.
    pub warm_up: bool,
    /// Whether it is left out of the results. Cool-down stages come last.
    pub cool_down: bool,
}

/// How the clients behave.
#[derive(Clone, PartialEq, Debug)]
pub struct ClientPlan {
    /// Size of SRP's secret ephemeral value: 256 or 1024 bits.
    pub ephemeral_bits: u32,
    /// How often a throttled or failed request is tried again.
    pub retries: u32,
    /// How long people take to enter a code.
    pub mfa_delay: Delay,
}

/// What the pool's arithmetic costs under the virtual clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Service {
    /// [`ServiceModel::NOMINAL`], with no queue.
    None,
    /// What it costs on this machine, measured before the run.
    Calibrated,
    /// What the scenario says.
    Model(ServiceModel),
}

impl Service {
    /// The costs that the scenario states: [`ServiceModel::NOMINAL`] unless it gives its own.
    ///
    /// Of [`Service::Calibrated`] too: whoever runs it measures first and puts a [`Service::Model`] in its place.
    pub const fn model(&self) -> ServiceModel {
        match self {
            Self::None | Self::Calibrated => ServiceModel::NOMINAL,
            Self::Model(model) => *model,
        }
    }
}

/// Costs of the pool's arithmetic, by the exponent's size in bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServiceModel {
    /// How many operations run at once; `None`: all of them, with no queue.
    pub cores: Option<u32>,
    /// One modular exponentiation with an exponent of 256 bits.
    pub modexp_256: Duration,
    /// One with 513 bits.
    pub modexp_513: Duration,
    /// One with 1025 bits.
    pub modexp_1025: Duration,
}

impl ServiceModel {
    /// Costs of a common server core, with no queue.
    pub const NOMINAL: Self = Self {
        cores: None,
        modexp_256: Duration::from_micros(340),
        modexp_513: Duration::from_micros(645),
        modexp_1025: Duration::from_micros(1304),
    };
}
