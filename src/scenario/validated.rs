//! A validated scenario: every default applied, every rule checked.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::delay::Delay;
use super::numbers::BoundedNumber;
use super::schema_rules::describe_variants;
use super::threshold::Threshold;
use super::values::{Multiple, Time};
use super::weights::Weights;
use crate::clock::ClockKind;
use poolproof_client::Intent;
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::policy::{Factors, PoolPolicy, RiskLevel, UsernameSettings};
use poolproof_cognito::seed::Seed;
use poolproof_oracle::Flow;
use poolproof_pool::CustomChallenge;

pub use super::service::{Service, ServiceModel};

/// A scenario: a user pool, its users, their sign-ins, and the thresholds of the run.
#[derive(Clone, PartialEq, Debug)]
pub struct Scenario {
    /// Name of the scenario and of the directory of its report: 1 to 64 of `[a-z0-9-]`.
    pub name: String,
    /// The comment lines at the top of its file, without `#`.
    pub about: String,
    /// Seed of all random numbers.
    pub seed: Seed,
    /// The clock of the run.
    pub clock: ClockKind,
    /// The group that SRP computes in.
    pub group: GroupName,
    /// Settings of the user pool.
    pub pool: PoolPolicy,
    /// The grace period of the app client's refresh token rotation; `None` is off.
    pub rotation: Option<Duration>,
    /// Addresses that threat protection always blocks or skips.
    pub exceptions: RiskExceptions,
    /// The challenges of `CUSTOM_AUTH`; none if the pool does not allow it.
    pub custom_auth: Vec<CustomChallenge>,
    /// The users of the pool at the start.
    pub population: Population,
    /// The sign-ins: 1 to [`WorkloadPlan::MAX_COUNT`] workloads with different names.
    pub workloads: Vec<WorkloadPlan>,
    /// Behavior of the clients.
    pub client: ClientPlan,
    /// Cost of the pool's arithmetic under the virtual clock.
    pub service: Service,
    /// Conditions that the run must meet.
    pub thresholds: Vec<Threshold>,
}

impl Scenario {
    /// Returns the names of the workloads, in order.
    pub fn workload_names(&self) -> impl Iterator<Item = &str> {
        self.workloads.iter().map(|plan| plan.name.as_str())
    }

    /// Returns the intents that occur in any workload.
    pub fn intents(&self) -> impl Iterator<Item = Intent> {
        let wanted = |intent: &Intent| self.workloads.iter().any(|plan| plan.mix.share(*intent) > 0.0);
        Intent::ALL.into_iter().filter(wanted)
    }

    /// Returns the risk levels that occur in any workload.
    pub fn risks(&self) -> impl Iterator<Item = Option<RiskLevel>> {
        let wanted =
            |level: &Option<RiskLevel>| self.workloads.iter().any(|plan| plan.risk.share(*level) > 0.0);
        std::iter::once(None).chain(RiskLevel::ALL.map(Some)).filter(wanted)
    }
}

/// The group that SRP computes in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupName {
    /// Cognito's group: 3072 bits, g = 2.
    #[default]
    Cognito,
    /// A 61-bit group: fast and insecure, for runs with very many decisions.
    Toy,
}

/// The users of the pool at the start.
#[derive(Clone, PartialEq, Debug)]
pub struct Population {
    /// Number of users: 1 to 1,000,000.
    pub users: u32,
    /// The name that users type to sign in.
    pub sign_in_by: SignInName,
    /// Second factors of the users.
    pub factors: Weights<Factors>,
    /// Number of devices of each user at the start.
    pub devices: DeviceCount,
    /// Share of users who let the pool remember a device when it asks, 0 to 1.
    pub opt_in: f64,
    /// Share of users whose password is compromised, 0 to 1.
    pub compromised: f64,
}

/// The name that users type to sign in. It also sets how the pool names users.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignInName {
    /// Their user names.
    #[default]
    Username,
    /// Their e-mail addresses, in a pool with `UsernameAttributes: [email]`. The user names are
    /// their `sub`s.
    Email,
    /// Their verified e-mail addresses, in a pool with `AliasAttributes: [email]`.
    Alias,
}

impl SignInName {
    /// Returns whether this is the default.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(super) fn is_username(&self) -> bool {
        *self == Self::Username
    }

    /// Returns how a pool names these users.
    pub const fn username_settings(self) -> UsernameSettings {
        UsernameSettings {
            email_as_username: matches!(self, Self::Email),
            email_alias: matches!(self, Self::Alias),
            ..UsernameSettings::DEFAULT
        }
    }
}

/// The number of devices of a user at the start.
// The derived serde code handles the map form; `word_or_map` handles numbers.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", rename_all = "snake_case")]
#[schemars(rename = "DeviceMap", transform = describe_variants)]
pub enum DeviceCount {
    /// The same number for all, at most [`DeviceCount::MAX`].
    #[serde(skip)]
    Exactly(u32),
    /// A Poisson distribution with this mean, cut off at 8.
    #[serde(with = "BoundedNumber::<8>")]
    Poisson(f64),
}

impl DeviceCount {
    /// The highest number of devices of a user at the start.
    pub const MAX: u32 = 8;
}

impl Default for DeviceCount {
    fn default() -> Self {
        Self::Exactly(1)
    }
}

/// One workload: when sign-ins start, and what each does.
#[derive(Clone, PartialEq, Debug)]
pub struct WorkloadPlan {
    /// Name, 1 to 64 of `[a-z0-9-]`. The workload's random numbers depend on it.
    pub name: String,
    /// Time from the start of the run to the start of the workload.
    pub starts_at: Duration,
    /// Limits that stop the workload before the end of its last stage.
    pub limits: WorkloadLimits,
    /// When sign-ins start.
    pub model: Model,
    /// The file that the stages were read from, if any.
    pub schedule: Option<ScheduleFile>,
    /// How the clients prove who their users are.
    pub flow: AuthFlow,
    /// Intents of the sign-ins.
    pub mix: Weights<Intent>,
    /// Risk levels of the sign-ins.
    pub risk: Weights<Option<RiskLevel>>,
    /// Source addresses of the sign-ins.
    pub from: Weights<SourceAddress>,
}

/// How a client starts a sign-in and proves who the user is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthFlow {
    /// `USER_SRP_AUTH`; `USER_PASSWORD_AUTH` for the intent `plain_password`.
    #[default]
    UserSrpAuth,
    /// `USER_AUTH`: the client prefers an SRP proof of the password.
    UserAuthPasswordSrp,
    /// `USER_AUTH`: the client prefers the password itself.
    UserAuthPassword,
    /// `USER_AUTH`: the client chooses a code sent by e-mail if the pool offers it, else an SRP proof of the
    /// password.
    UserAuthEmailOtp,
    /// `USER_AUTH`: the client chooses a code sent to a phone if the pool offers it, else an SRP proof of the
    /// password.
    UserAuthSmsOtp,
    /// `CUSTOM_AUTH`: the client answers the pool's custom challenges.
    CustomAuth,
    /// `CUSTOM_AUTH` with `CHALLENGE_NAME: SRP_A`: an SRP proof of the password, then custom challenges.
    CustomAuthAfterPassword,
}

impl AuthFlow {
    /// All flows.
    pub(super) const ALL: [Self; 7] = [
        Self::UserSrpAuth,
        Self::UserAuthPasswordSrp,
        Self::UserAuthPassword,
        Self::UserAuthEmailOtp,
        Self::UserAuthSmsOtp,
        Self::CustomAuth,
        Self::CustomAuthAfterPassword,
    ];

    /// Returns whether the flow has custom challenges.
    pub const fn is_custom(self) -> bool {
        matches!(self, Self::CustomAuth | Self::CustomAuthAfterPassword)
    }

    /// Returns whether the client sends `USER_AUTH`.
    pub const fn is_choice(self) -> bool {
        !self.is_custom() && !matches!(self, Self::UserSrpAuth)
    }

    /// Returns how the oracle judges sign-ins of this flow with this intent.
    pub const fn judged_as(self, intent: Intent) -> Flow {
        match self {
            Self::UserSrpAuth if matches!(intent, Intent::PlainPassword) => Flow::Password,
            Self::UserSrpAuth | Self::UserAuthPasswordSrp => Flow::Srp,
            Self::UserAuthPassword => Flow::Password,
            Self::UserAuthEmailOtp => Flow::EmailCode,
            Self::UserAuthSmsOtp => Flow::SmsCode,
            Self::CustomAuth => Flow::Custom,
            Self::CustomAuthAfterPassword => Flow::CustomAfterPassword,
        }
    }

    /// Returns whether a client of this flow can have this intent.
    pub(super) const fn allows(self, intent: Intent) -> bool {
        match intent {
            Intent::KnownDevice | Intent::NewDevice | Intent::ForgottenDevice | Intent::WrongDeviceSecret => {
                true
            }
            Intent::WrongCustomAnswer => self.is_custom(),
            Intent::WrongPassword => {
                !matches!(self, Self::UserAuthEmailOtp | Self::UserAuthSmsOtp | Self::CustomAuth)
            }
            Intent::PlainPassword | Intent::ReplayedClaim => matches!(self, Self::UserSrpAuth),
            Intent::KeyOmittedAfterMfa
            | Intent::Refresh
            | Intent::RefreshReuse
            | Intent::RefreshWithoutDevice
            | Intent::RefreshAfterForget
            | Intent::RefreshAfterRevoke
            | Intent::RefreshAfterSignOut => {
                matches!(self, Self::UserSrpAuth | Self::UserAuthPasswordSrp | Self::UserAuthPassword)
            }
        }
    }
}

impl WorkloadPlan {
    /// The name of a single workload without a name of its own.
    pub const DEFAULT_NAME: &str = "workload";
    /// The highest number of workloads in a scenario.
    pub const MAX_COUNT: usize = 16;
}

/// Limits that stop a workload before the end of its last stage. The first that is reached counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WorkloadLimits {
    /// Number of sign-ins, including warm-up; at least one.
    pub at_most: Option<u64>,
    /// Time since the start of the workload; more than zero.
    pub stops_after: Option<Duration>,
}

impl WorkloadLimits {
    /// Whether sign-in `nth` of the workload, from 0, may start at `at`, counted from the workload's start.
    pub fn allow(&self, nth: u64, at: Duration) -> bool {
        self.at_most.is_none_or(|most| nth < most) && self.stops_after.is_none_or(|end| at < end)
    }
}

/// A file with the rate over time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScheduleFile {
    /// Path as the scenario gives it.
    pub path: String,
    /// The text of the file.
    pub text: String,
}

/// The source address of a sign-in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SourceAddress {
    /// The user's own address, one of 10.0.0.0/8, from which they have signed in before.
    Home,
    /// A random address of 198.18.0.0/15.
    Elsewhere,
    /// A random address of 2001:db8::/32.
    ElsewhereV6,
}

/// When sign-ins start.
#[derive(Clone, PartialEq, Debug)]
pub enum Model {
    /// At a rate, independent of how long they take.
    Open {
        /// Distribution of arrivals over time.
        arrivals: ArrivalProcess,
        /// The rate over time; at least one stage is measured.
        stages: Vec<OpenStage>,
    },
    /// For a number of users, each after their last sign-in and a think time.
    Closed {
        /// Time between one sign-in of a user and the next.
        think_time: Delay,
        /// The number of users over time; at least one stage is measured.
        stages: Vec<ClosedStage>,
    },
}

impl Model {
    /// Returns the length of the stages for which `included(warm_up, cool_down)` holds.
    fn length_of(&self, included: impl Fn(bool, bool) -> bool) -> Duration {
        match self {
            Self::Open { stages, .. } => {
                let stages = stages.iter().filter(|stage| included(stage.warm_up, stage.cool_down));
                stages.map(|stage| stage.length).sum()
            }
            Self::Closed { stages, .. } => {
                let stages = stages.iter().filter(|stage| included(stage.warm_up, stage.cool_down));
                stages.map(|stage| stage.length).sum()
            }
        }
    }

    /// Returns the length of all stages.
    pub fn length(&self) -> Duration {
        self.length_of(|_, _| true)
    }

    /// Returns the length of the warm-up, which comes first.
    pub fn warm_up(&self) -> Duration {
        self.length_of(|warm_up, _| warm_up)
    }

    /// Returns the length of the cool-down, which comes last.
    pub fn cool_down(&self) -> Duration {
        self.length_of(|_, cool_down| cool_down)
    }

    /// Returns a lower bound for the number of sign-ins in the warm-up. Random arrivals fall below it with
    /// probability 1.5 × 10⁻⁸.
    pub(super) fn min_warm_up_sign_ins(&self) -> u64 {
        /// Standard deviations below the mean. A Poisson count is lower with probability exp(−6²/2) at most.
        const DEVIATIONS: f64 = 6.0;
        match self {
            Self::Open { arrivals, stages } => {
                let expected: f64 =
                    stages.iter().filter(|stage| stage.warm_up).map(OpenStage::expected_sign_ins).sum();
                let random = |mean: f64| (mean - DEVIATIONS * mean.sqrt()).floor().max(0.0);
                let least = match arrivals {
                    // Sign-ins start at 0, 1, 2, … below the sum, which may be off by a rounding error.
                    ArrivalProcess::Constant => (expected - 1e-6).ceil(),
                    ArrivalProcess::Poisson => random(expected),
                    ArrivalProcess::Bursty(bursts) => random(expected * bursts.calm()),
                };
                least as u64
            }
            // Each user starts with a sign-in.
            Self::Closed { stages, .. } => {
                let users = stages.iter().filter(|stage| stage.warm_up).map(|stage| stage.users);
                users.max().unwrap_or(0).into()
            }
        }
    }
}

/// The distribution of arrivals over time.
// The derived serde code handles the map form; `word_or_map` handles words.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", rename_all = "snake_case")]
#[schemars(rename = "ArrivalsMap", transform = describe_variants)]
pub enum ArrivalProcess {
    /// Independent arrivals.
    #[serde(skip)]
    Poisson,
    /// Equal distances.
    #[serde(skip)]
    Constant,
    /// A Poisson process whose rate alternates between calm and bursts; the mean rate is the stage's.
    Bursty(Bursts),
}

/// A Markov-modulated Poisson process with two states, calm and burst, of exponentially distributed length.
///
/// With p = `for` / `every`, the share of time in bursts, the rate in the calm is that of the stage times 1 /
/// (1 + p·(`bursts` − 1)). In a burst it is `bursts` times as high. So the mean rate is that of the stage.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the keys `bursts`, `for`, `every`")]
pub struct Bursts {
    /// Rate in a burst as a multiple of the rate in the calm; more than one.
    #[serde(rename = "bursts", with = "Multiple")]
    pub multiplier: f64,
    /// Mean length of a burst; at least 1 ms.
    #[serde(rename = "for", with = "Time")]
    pub length: Duration,
    /// Mean time from the start of one burst to that of the next; more than `for`.
    #[serde(with = "Time")]
    pub every: Duration,
}

impl Bursts {
    /// Returns the share of time in bursts, 0 to 1.
    pub fn share(&self) -> f64 {
        self.length.as_secs_f64() / self.every.as_secs_f64()
    }

    /// Returns the factor of the stage's rate in the calm.
    pub fn calm(&self) -> f64 {
        1.0 / (1.0 + self.share() * (self.multiplier - 1.0))
    }
}

/// A stage of an open workload, in which the rate is constant or changes linearly.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OpenStage {
    /// Length; more than zero.
    pub length: Duration,
    /// Sign-ins per second at the start.
    pub from: f64,
    /// Sign-ins per second at the end.
    pub to: f64,
    /// Whether results exclude the stage as warm-up. Warm-up stages come first.
    pub warm_up: bool,
    /// Whether results exclude the stage as cool-down. Cool-down stages come last.
    pub cool_down: bool,
}

impl OpenStage {
    /// Returns the mean number of sign-ins.
    pub fn expected_sign_ins(&self) -> f64 {
        self.length.as_secs_f64() * (self.from + self.to) / 2.0
    }
}

/// A stage of a closed workload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClosedStage {
    /// Length; more than zero.
    pub length: Duration,
    /// Number of active users; at least one.
    pub users: u32,
    /// Whether results exclude the stage as warm-up. Warm-up stages come first.
    pub warm_up: bool,
    /// Whether results exclude the stage as cool-down. Cool-down stages come last.
    pub cool_down: bool,
}

/// Behavior of the clients.
#[derive(Clone, PartialEq, Debug)]
pub struct ClientPlan {
    /// Size of SRP's secret ephemeral value: 256 or 1024 bits.
    pub ephemeral_bits: u32,
    /// How often the client retries a throttled or failed request.
    pub retries: u32,
    /// Time that users take to enter a code.
    pub mfa_delay: Delay,
}
