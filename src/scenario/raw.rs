//! The raw form of a scenario: the keys of the file, their defaults, and their descriptions in the schema.
//!
//! Files are read into these types and `check` writes resolved scenarios from them. A key that may be left
//! out is an `Option`: [`super::yaml`] refuses empty values before these types see them and leaves out `None`
//! when it writes.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Segment;
use super::delay::Delay;
use super::numbers::{BoundedInt, Weight};
use super::raw_pool::{RawCustomChallenge, RawFirstFactor};
use super::schema_rules;
use super::threshold::RawThreshold;
use super::validated::{
    ArrivalProcess, AuthFlow, DeviceCount, GroupName, Service, SignInName, SourceAddress,
};
use super::values::{Cidr, LoadRate, Name, Share, Time};
use super::weights::Weights;
use super::word_or_map::WordOrMap;
use crate::clock::ClockKind;
use poolproof_client::Intent;
use poolproof_cognito::boolean_word;
use poolproof_cognito::policy::{
    CompromisedAction, Factors, Lockout, MfaMode, PoolPolicy, Quotas, RememberMode, RiskAction, RiskLevel,
    RiskMode, RiskSource, Switches,
};

/// A number of users.
pub(super) type Users = BoundedInt<1, 1_000_000>;
/// A number of sign-ins.
pub(super) type SignIns = BoundedInt<1, 1_000_000_000>;

/// A scenario of poolproof: a user pool, its users, their sign-ins, and the thresholds of the run.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the keys of a scenario")]
#[schemars(rename = "Scenario", transform = schema_rules::scenario)]
pub(super) struct RawScenario {
    /// Version of this format: 1.
    pub(super) version: BoundedInt<1, 1>,
    /// Name of the scenario and of the directory of its report: 1 to 64 of a-z, 0-9 and `-`.
    pub(super) name: Name,
    /// Seed of the random number generators: the same seed gives the same run.
    #[serde(default = "default_seed")]
    pub(super) seed: BoundedInt<0, { u64::MAX }>,
    /// The clock of the run.
    #[serde(default = "default_clock")]
    pub(super) clock: ClockKind,
    /// The group that SRP computes in.
    #[serde(default)]
    pub(super) group: GroupName,
    /// Settings of the user pool.
    pub(super) pool: RawPool,
    /// The users of the pool at the start.
    pub(super) population: RawPopulation,
    /// The sign-ins of the run. Give either this or `workloads`.
    pub(super) workload: Option<RawWorkload>,
    /// Several workloads at once, 1 to 16, each with a `name`: they share the pool and its users.
    #[schemars(length(min = 1, max = 16))]
    pub(super) workloads: Option<Vec<RawWorkload>>,
    /// Behavior of the clients.
    #[serde(default)]
    pub(super) client: RawClient,
    /// Cost of the pool's arithmetic under the virtual clock: `none` (nominal cost, no queue), `calibrated`
    /// (measured on this machine before the run), or a map of costs.
    #[serde(default)]
    pub(super) service: WordOrMap<Service>,
    /// Conditions that the run must meet. A crossed one fails the run, at its end or, with `abort`, at once.
    #[serde(default = "default_thresholds")]
    pub(super) thresholds: Vec<WordOrMap<RawThreshold>>,
}

impl RawScenario {
    /// The schedule files that the scenario names, each with the path of its key.
    pub(super) fn schedules(&self) -> impl Iterator<Item = (Vec<Segment>, &str)> {
        let single = self.workload.iter().map(|workload| (vec!["workload".into()], workload));
        let list = self.workloads.iter().flatten().enumerate();
        let listed = list.map(|(index, workload)| (vec!["workloads".into(), index.into()], workload));
        single.chain(listed).filter_map(|(mut path, workload): (Vec<Segment>, _)| {
            path.push("schedule".into());
            Some((path, workload.schedule.as_deref()?))
        })
    }
}

/// Settings of the user pool.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the pool's settings")]
#[schemars(rename = "Pool")]
pub(super) struct RawPool {
    /// Whether the pool remembers devices.
    #[serde(deserialize_with = "boolean_word::deserialize")]
    pub(super) remember: RememberMode,
    /// Whether a remembered device replaces the second factor (`ChallengeRequiredOnNewDevice`).
    #[serde(default)]
    pub(super) suppress_mfa: bool,
    /// Whether the pool asks for a second factor.
    #[serde(default = "default_mfa", deserialize_with = "boolean_word::deserialize")]
    pub(super) mfa: MfaMode,
    /// Threat protection. Left out: the pool ignores risk.
    pub(super) risk: Option<RawRisk>,
    /// Whether repeated failures lock a user out.
    #[serde(default, deserialize_with = "boolean_word::deserialize")]
    pub(super) lockout: Lockout,
    /// First factors that `USER_AUTH` allows besides the password (`AllowedFirstAuthFactors`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2))]
    pub(super) first_factors: Vec<RawFirstFactor>,
    /// Challenges of `CUSTOM_AUTH`, at most 10, in place of Lambda triggers. A sign-in needs a right answer
    /// to each; the third wrong one refuses it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub(super) custom_auth: Vec<RawCustomChallenge>,
    /// Request quotas of the pool's account: `none`, `cognito`, or a map of limits.
    #[serde(default)]
    pub(super) quotas: WordOrMap<Quotas>,
    /// Rotation of refresh tokens (`RefreshTokenRotation` of the app client). Left out: off.
    pub(super) refresh_token_rotation: Option<RawRotation>,
    /// Choices where Cognito's documentation is silent or contradicts itself.
    #[serde(default)]
    pub(super) switches: Switches,
    /// How long a client may take to answer a challenge (`AuthSessionValidity`): 3m to 15m.
    #[serde(default = "default_session_validity")]
    pub(super) session_validity: Time,
}

/// Rotation of refresh tokens: each refresh returns a new refresh token and ends the used one.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map such as `{ grace_period: 10s }`")]
#[schemars(rename = "RefreshTokenRotation")]
pub(super) struct RawRotation {
    /// How long a used refresh token can be used again (`RetryGracePeriodSeconds`): 0s to 60s.
    pub(super) grace_period: Time,
}

impl Default for RawRotation {
    fn default() -> Self {
        Self { grace_period: Time(Duration::ZERO) }
    }
}

/// Threat protection. The action of a higher level must be at least as strict as that of the level below. A
/// level that is left out has the action of the level below.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the keys `mode`, `low`, `medium`, `high`, …")]
#[schemars(rename = "Risk")]
pub(super) struct RawRisk {
    /// Whether the pool takes the actions.
    #[serde(deserialize_with = "boolean_word::deserialize")]
    pub(super) mode: RiskMode,
    /// Action at level low. Left out: `no_action`.
    pub(super) low: Option<RiskAction>,
    /// Action at level medium. Left out: as for `low`.
    pub(super) medium: Option<RiskAction>,
    /// Action at level high. Left out: as for `medium`.
    pub(super) high: Option<RiskAction>,
    /// Source of the risk level: the scenario (`workload.risk`), or an estimate by a rule of poolproof, which
    /// is not AWS's rule. The estimate adds one level each for a new device, a new address, and three
    /// failures since the last sign-in.
    #[serde(default)]
    pub(super) levels: RiskSource,
    /// Action on a compromised password that a client sends in plain text. SRP does not reveal the password,
    /// so the pool cannot check it there.
    #[serde(default)]
    pub(super) compromised: CompromisedAction,
    /// Addresses that the pool always refuses (`BlockedIPRangeList`): at most 200 ranges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    pub(super) always_block: Vec<Cidr>,
    /// Addresses whose risk the pool never assesses (`SkippedIPRangeList`): at most 200 ranges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    pub(super) always_allow: Vec<Cidr>,
}

/// The users of the pool at the start.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the keys of a population")]
#[schemars(rename = "Population")]
pub(super) struct RawPopulation {
    /// Number of users.
    pub(super) users: Users,
    /// The name that users type to sign in. It also sets how the pool names users.
    #[serde(default, skip_serializing_if = "SignInName::is_username")]
    pub(super) sign_in_by: SignInName,
    /// Second factors of the users: weights.
    #[serde(default)]
    pub(super) factors: RawFactors,
    /// Number of devices that each user has at the start: a number, or `{ poisson: 1.3 }`.
    #[serde(default)]
    pub(super) devices: WordOrMap<DeviceCount>,
    /// Share of users who let the pool remember a device when it asks (`remember: opt_in`).
    #[serde(default = "default_opt_in")]
    pub(super) opt_in: Share,
    /// Share of users whose password is compromised. Threat protection detects it only if it sees the
    /// password.
    #[serde(default)]
    pub(super) compromised: Share,
}

macro_rules! weights {
    ($($(#[$doc:meta])* $name:ident of $value_type:ty {
        $($(#[$key_doc:meta])* $key:ident = $value:expr,)*
    } default $default:ident;)*) => {$(
        #[derive(Serialize, Deserialize, JsonSchema)]
        $(#[$doc])*
        #[schemars(extend("minProperties" = 1))]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {$(
            $(#[$key_doc])*
            #[serde(default, skip_serializing_if = "Weight::is_zero")]
            $key: Weight,
        )*}

        impl $name {
            /// The weights; `None` if all are zero.
            pub(super) fn weights(&self) -> Option<Weights<$value_type>> {
                Weights::new([$(($value, self.$key.0),)*])
            }
        }

        impl From<&Weights<$value_type>> for $name {
            fn from(weights: &Weights<$value_type>) -> Self {
                Self { $($key: Weight(weights.raw_weight($value)),)* }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $default: Weight(100.0), ..Self { $($key: Weight(0.0),)* } }
            }
        }
    )*};
}

weights! {
    /// Second factors of the users: weights, of which only the ratios matter.
    #[schemars(rename = "Factors")]
    #[serde(expecting = "a map of weights such as `{ none: 40, totp: 60 }`")]
    RawFactors of Factors {
        /// No second factor.
        none = Factors::None,
        /// A phone number that is registered and not enabled as a factor. Risk can require a code sent to it.
        phone = Factors::Phone,
        /// A code sent to a phone.
        sms = Factors::Sms,
        /// A code of an authenticator app.
        totp = Factors::Totp,
        /// A code sent by e-mail.
        email = Factors::Email,
        /// Both, with no preference.
        sms_and_totp = Factors::SmsAndTotp,
    } default none;

    /// Intents of sign-ins: weights, of which only the ratios matter.
    #[schemars(rename = "Mix")]
    #[serde(expecting = "a map of weights such as `{ known_device: 90, new_device: 10 }`")]
    RawMix of Intent {
        /// Sign in with a device that the user already has.
        known_device = Intent::KnownDevice,
        /// Sign in from a new device and confirm it. If the pool asks, users who opt in let it remember the
        /// device.
        new_device = Intent::NewDevice,
        /// Sign in with a wrong password.
        wrong_password = Intent::WrongPassword,
        /// Sign in with a device that the administrator has removed in the meantime.
        forgotten_device = Intent::ForgottenDevice,
        /// Sign in with a known device whose stored secret is damaged.
        wrong_device_secret = Intent::WrongDeviceSecret,
        /// Sign in with a known device whose key the client leaves out of the MFA answer.
        key_omitted_after_mfa = Intent::KeyOmittedAfterMfa,
        /// Sign in, then send the password claim once more. Needs `switches: { claims: once }`: Cognito
        /// accepts a claim again until its challenge expires.
        replayed_claim = Intent::ReplayedClaim,
        /// Sign in with a known device and the password in plain text (`USER_PASSWORD_AUTH`).
        plain_password = Intent::PlainPassword,
        /// Sign in with a known device and wrong answers to custom challenges.
        wrong_custom_answer = Intent::WrongCustomAnswer,
        /// Sign in with a known device, then use its refresh token and the oldest one that the client holds.
        refresh = Intent::Refresh,
        /// Sign in with a known device, refresh, then use the same refresh token again, and the used one of
        /// the oldest sign-in that the client knows. Needs `refresh_token_rotation`.
        refresh_reuse = Intent::RefreshReuse,
        /// Sign in with a known device, then send the refresh token without the device key.
        refresh_without_device = Intent::RefreshWithoutDevice,
        /// Sign in with a known device, forget the device, then send its refresh token.
        refresh_after_forget = Intent::RefreshAfterForget,
        /// Sign in with a known device, revoke its refresh token, then send that and the oldest one that the
        /// client holds.
        refresh_after_revoke = Intent::RefreshAfterRevoke,
        /// Sign in with a known device, sign out globally, then send its refresh token and the oldest one
        /// that the client holds.
        refresh_after_sign_out = Intent::RefreshAfterSignOut,
    } default known_device;

    /// Risk levels of sign-ins: weights, of which only the ratios matter.
    #[schemars(rename = "RiskMix")]
    #[serde(expecting = "a map of weights such as `{ none: 90, high: 10 }`")]
    RawRiskMix of Option<RiskLevel> {
        /// No risk.
        none = None,
        /// Low risk.
        low = Some(RiskLevel::Low),
        /// Medium risk.
        medium = Some(RiskLevel::Medium),
        /// High risk.
        high = Some(RiskLevel::High),
    } default none;

    /// Source addresses of sign-ins: weights, of which only the ratios matter.
    #[schemars(rename = "From")]
    #[serde(expecting = "a map of weights such as `{ home: 90, elsewhere: 10 }`")]
    RawSourceMix of SourceAddress {
        /// The user's own address, one of 10.0.0.0/8, from which they have signed in before.
        home = SourceAddress::Home,
        /// A random address of 198.18.0.0/15.
        elsewhere = SourceAddress::Elsewhere,
        /// A random address of 2001:db8::/32.
        elsewhere_v6 = SourceAddress::ElsewhereV6,
    } default home;
}

/// Whether sign-ins start at a rate or follow one another for a number of users.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Model")]
pub(super) enum RawModel {
    /// Sign-ins start at a rate, independent of how long they take.
    #[default]
    Open,
    /// A number of users sign in again after their last sign-in and a think time.
    Closed,
}

/// The sign-ins of the run: when they start, and what each does.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the keys of a workload")]
#[schemars(rename = "Workload", transform = schema_rules::workload)]
pub(super) struct RawWorkload {
    /// Name in reports and thresholds (in `workloads` only). The workload's random numbers depend on it.
    pub(super) name: Option<Name>,
    /// Time from the start of the run to the start of the workload (in `workloads` only). Left out: `0s`.
    pub(super) starts_at: Option<Time>,
    /// The workload stops after this number of sign-ins, including warm-up. Left out: at the end of its
    /// stages.
    pub(super) at_most: Option<SignIns>,
    /// The workload stops after this time since its start. Left out: at the end of its stages.
    pub(super) stops_after: Option<Time>,
    /// Whether sign-ins start at a rate or follow one another for a number of users.
    #[serde(default)]
    pub(super) model: RawModel,
    /// Distribution of arrivals over time (model open only). Left out: `poisson`.
    pub(super) arrivals: Option<WordOrMap<ArrivalProcess>>,
    /// Time between one sign-in of a user and the next (model closed only). Left out: `none`.
    pub(super) think_time: Option<WordOrMap<Delay>>,
    /// The load over time. Warm-up stages come first, cool-down stages last; at least one stage is measured;
    /// at most 24 hours in all.
    pub(super) stages: Option<Vec<RawStage>>,
    /// Instead of stages, a file with the rate over time (model open only): a line `at,rate`, then lines such
    /// as `30s,200/s`. The rate changes linearly from line to line. The path is relative to the scenario's
    /// directory.
    #[schemars(length(min = 1))]
    pub(super) schedule: Option<String>,
    /// Time at the start of the schedule that results exclude. Left out: `0s`.
    pub(super) warm_up: Option<Time>,
    /// How the clients prove who their users are. Intents that the flow does not allow are refused.
    #[serde(default)]
    pub(super) flow: AuthFlow,
    /// Intents of sign-ins: weights.
    #[serde(default)]
    pub(super) mix: RawMix,
    /// Risk levels of sign-ins: weights.
    #[serde(default)]
    pub(super) risk: RawRiskMix,
    /// Source addresses of sign-ins: weights.
    #[serde(default)]
    pub(super) from: RawSourceMix,
}

/// A stage of the load: `{ for: 10s, rate: 20/s }`, a ramp `{ for: 30s, to: 200/s }`, or, in model closed,
/// `{ for: 30s, users: 50 }`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a stage such as `{ for: 10s, rate: 20/s }`")]
#[schemars(rename = "Stage")]
pub(super) struct RawStage {
    /// Length of the stage; more than zero.
    #[serde(rename = "for")]
    pub(super) length: Time,
    /// Sign-ins per second: constant, or at the start of a ramp (model open). At least one measured stage has
    /// more than zero.
    pub(super) rate: Option<LoadRate>,
    /// Sign-ins per second at the end of a ramp. The ramp starts at `rate`, or at the last rate of the
    /// previous stage.
    pub(super) to: Option<LoadRate>,
    /// Active users (model closed).
    pub(super) users: Option<Users>,
    /// Whether results exclude the stage as warm-up. Warm-up stages come first.
    #[serde(default)]
    pub(super) warm_up: bool,
    /// Whether results exclude the stage as cool-down. Cool-down stages come last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) cool_down: bool,
}

/// Behavior of the clients.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map with the keys of a client")]
#[schemars(rename = "Client")]
pub(super) struct RawClient {
    /// Size of SRP's secret ephemeral value `a` in bits: 256, or 1024 as in current SDKs.
    #[schemars(extend("enum" = [256, 1024]))]
    pub(super) ephemeral_bits: BoundedInt<256, 1024>,
    /// How often the client retries a throttled or failed request.
    pub(super) retries: BoundedInt<0, 10>,
    /// Time that users take to enter a code: `none`, a time, or a distribution.
    pub(super) mfa_delay: WordOrMap<Delay>,
}

impl Default for RawClient {
    fn default() -> Self {
        Self { ephemeral_bits: BoundedInt(256), retries: BoundedInt(3), mfa_delay: WordOrMap::default() }
    }
}

// Defaults of keys that differ from the type's own default.

fn default_seed() -> BoundedInt<0, { u64::MAX }> {
    BoundedInt(1)
}

fn default_clock() -> ClockKind {
    ClockKind::Virtual
}

fn default_thresholds() -> Vec<WordOrMap<RawThreshold>> {
    vec![WordOrMap(RawThreshold::from_text("decisions.mismatched == 0"))]
}

fn default_mfa() -> MfaMode {
    MfaMode::Off
}

fn default_session_validity() -> Time {
    Time(SESSION_VALIDITY_MIN)
}

fn default_opt_in() -> Share {
    Share(1.0)
}

/// Cognito's shortest `AuthSessionValidity`, which is also its default.
pub(super) const SESSION_VALIDITY_MIN: Duration = PoolPolicy::SESSION_VALIDITY;
/// Cognito's longest `AuthSessionValidity`.
pub(super) const SESSION_VALIDITY_MAX: Duration = Duration::from_secs(15 * 60);
