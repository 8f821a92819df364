//! A scenario as typed: the keys of the file, their defaults, and their descriptions in the schema.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Segment;
use super::delay::Delay;
use super::threshold::RawThreshold;
use super::validated::{ArrivalProcess, DeviceCount, GroupName, Service};
use super::values::{BoundedInt, BoundedNumber, Cidr, Name, Rate, Share, Time};
use super::word_or_map::{EphemeralBits, WordOrMap, given};
use crate::clock::ClockKind;
use poolproof_cognito::policy::{
    CompromisedAction, Lockout, MfaMode, PoolPolicy, Quotas, RememberMode, RiskAction, RiskMode, RiskNote,
    RiskSource,
};

/// A number of users.
pub(super) type Users = BoundedInt<1, 1_000_000>;
/// A number of sign-ins.
pub(super) type SignIns = BoundedInt<1, 1_000_000_000>;
/// How much something weighs against the others of its map.
pub(super) type Weight = BoundedNumber<1_000_000_000>;

/// A scenario of poolproof: a pool, its people, what they do, and what must hold.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the keys of a scenario")]
#[schemars(rename = "Scenario", transform = super::schema_rules::scenario)]
pub(super) struct RawScenario {
    /// Version of this format: 1.
    pub(super) version: BoundedInt<1, 1>,
    /// Name of the scenario and of the folder of its report: 1 to 64 of a-z, 0-9 and `-`.
    pub(super) name: Name,
    /// Where all chance comes from: the same seed gives the same run.
    #[serde(default = "one")]
    pub(super) seed: BoundedInt<0, { u64::MAX }>,
    /// The time that the run lives in.
    #[serde(default = "virtual_clock")]
    pub(super) clock: ClockKind,
    /// The group that SRP computes in.
    #[serde(default = "cognito_group")]
    pub(super) group: GroupName,
    /// The pool's settings.
    pub(super) pool: RawPool,
    /// Who is in the pool at the start.
    pub(super) population: RawPopulation,
    /// Who comes when, and what for. Either this or `workloads` is given.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "RawWorkload")]
    pub(super) workload: Option<RawWorkload>,
    /// Several workloads at once, 1 to 16, each with a `name`: they share the pool and its people.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<RawWorkload>", length(min = 1, max = 16))]
    pub(super) workloads: Option<Vec<RawWorkload>>,
    /// How the clients behave.
    #[serde(default)]
    pub(super) client: RawClient,
    /// What the pool's arithmetic costs under the virtual clock: `none` (nominal cost, no queue), `calibrated` (as
    /// measured on this machine before the run), or costs.
    #[serde(default = "no_service")]
    pub(super) service: WordOrMap<Service>,
    /// What must hold; one that does not fails the run, at its end or, with `abort`, at once.
    #[serde(default = "default_thresholds")]
    pub(super) thresholds: Vec<RawThreshold>,
}

impl RawScenario {
    /// The files of rates that it names, each with the path of the key that does.
    pub(super) fn schedules(&self) -> impl Iterator<Item = (Vec<Segment>, &str)> {
        let key = |key: &str| Segment::Key(key.to_owned());
        let single = self.workload.iter().map(move |workload| (vec![key("workload")], workload));
        let list = self.workloads.iter().flatten().enumerate();
        let listed =
            list.map(move |(index, workload)| (vec![key("workloads"), Segment::Index(index)], workload));
        single.chain(listed).filter_map(move |(mut path, workload)| {
            path.push(key("schedule"));
            Some((path, workload.schedule.as_deref()?))
        })
    }
}

/// The pool's settings.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the pool's settings")]
#[schemars(rename = "Pool")]
pub(super) struct RawPool {
    /// Whether devices are remembered.
    pub(super) remember: RememberMode,
    /// Whether a remembered device replaces the second factor (`ChallengeRequiredOnNewDevice`).
    #[serde(default)]
    pub(super) suppress_mfa: bool,
    /// When a second factor is asked for.
    #[serde(default = "mfa_off")]
    pub(super) mfa: MfaMode,
    /// What risk does. Left out: risk is not looked at.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "RawRisk")]
    pub(super) risk: Option<RawRisk>,
    /// Whether repeated failures lock a user out.
    #[serde(default)]
    pub(super) lockout: Lockout,
    /// How many requests a second are taken.
    #[serde(default = "no_quotas")]
    pub(super) quotas: WordOrMap<Quotas>,
    /// Choices where Cognito's documentation is silent or contradicts itself.
    #[serde(default)]
    pub(super) switches: RawSwitches,
    /// How long a challenge may be answered (`AuthSessionValidity`): 3m to 15m.
    #[serde(default = "three_minutes")]
    pub(super) session_validity: Time,
}

/// What risk does. A higher level may not have a laxer action; one that is left out does what the level below does.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the keys `mode`, `low`, `medium`, `high`, …")]
#[schemars(rename = "Risk")]
pub(super) struct RawRisk {
    /// Whether the actions are taken.
    pub(super) mode: RiskMode,
    /// Action at level low. Left out: `no_action`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "RiskAction")]
    pub(super) low: Option<RiskAction>,
    /// Action at level medium. Left out: as for `low`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "RiskAction")]
    pub(super) medium: Option<RiskAction>,
    /// Action at level high. Left out: as for `medium`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "RiskAction")]
    pub(super) high: Option<RiskAction>,
    /// Who says how risky a sign-in looks: the scenario (`workload.risk`), or the pool by a rule of poolproof's own, which
    /// is not AWS's. Estimated, a new device, a new address and three failures since the last sign-in are a level each.
    #[serde(default)]
    pub(super) levels: RiskSource,
    /// What a compromised password leads to where it is sent as it is; one that is proved by SRP is never looked at.
    #[serde(default)]
    pub(super) compromised: CompromisedAction,
    /// Addresses that are always refused (`BlockedIPRangeList`): at most 200 ranges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    pub(super) always_block: Vec<Cidr>,
    /// Addresses that are never looked at for risk (`SkippedIPRangeList`): at most 200 ranges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    pub(super) always_allow: Vec<Cidr>,
}

/// Choices where Cognito's documentation is silent or contradicts itself.
#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default, expecting = "a map with the keys `risk_note`, `strict_mfa_binding`")]
#[schemars(rename = "Switches")]
pub(super) struct RawSwitches {
    /// Which sign-ins the Note covers: remember `always` and suppress_mfa ignore the MFA of medium and high risk.
    pub(super) risk_note: RiskNote,
    /// Whether a device suppresses MFA only once it has been through an MFA itself.
    pub(super) strict_mfa_binding: bool,
}

/// Who is in the pool at the start.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the keys of a population")]
#[schemars(rename = "Population")]
pub(super) struct RawPopulation {
    /// How many users there are.
    pub(super) users: Users,
    /// Which second factors users have: weights.
    #[serde(default)]
    pub(super) factors: RawFactors,
    /// How many devices each user has had before: a number, or `{ poisson: 1.3 }`.
    #[serde(default = "one_device")]
    pub(super) devices: WordOrMap<DeviceCount>,
    /// Share of users who let a device be remembered when the pool asks (`remember: opt_in`).
    #[serde(default = "everyone")]
    pub(super) opt_in: Share,
    /// Share of users whose password is known to others, as threat protection finds out where it sees the password.
    #[serde(default = "nobody")]
    pub(super) compromised: Share,
}

macro_rules! weights {
    ($($(#[$doc:meta])* $name:ident {
        $($(#[$key_doc:meta])* $key:ident,)*
    } default $default:ident;)*) => {$(
        #[derive(Serialize, Deserialize, JsonSchema)]
        $(#[$doc])*
        #[schemars(extend("minProperties" = 1))]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {$(
            $(#[$key_doc])*
            #[serde(default, skip_serializing_if = "BoundedNumber::is_zero")]
            pub(super) $key: Weight,
        )*}

        impl $name {
            /// All weights zero.
            pub(super) fn all_zero() -> Self {
                Self { $($key: BoundedNumber(0.0),)* }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $default: BoundedNumber(100.0), ..Self::all_zero() }
            }
        }
    )*};
}

weights! {
    /// Which second factors users have: weights, which need not sum to anything.
    #[schemars(rename = "Factors")]
    #[serde(expecting = "a map of weights such as `{ none: 40, totp: 60 }`")]
    RawFactors {
        /// None.
        none,
        /// A code sent to a phone.
        sms,
        /// A code of an authenticator app.
        totp,
        /// Both, with no preference between them.
        sms_and_totp,
    } default none;

    /// What sign-ins set out to do: weights, which need not sum to anything.
    #[schemars(rename = "Mix")]
    #[serde(expecting = "a map of weights such as `{ known_device: 90, new_device: 10 }`")]
    RawMix {
        /// Sign in with a device that the user has had before.
        known_device,
        /// Sign in from a device that is new; confirm it, and opt in if asked and willing.
        new_device,
        /// Sign in with a wrong password.
        wrong_password,
        /// Sign in with a device that the administrator has removed meanwhile.
        forgotten_device,
        /// Sign in with a known device whose stored secret is damaged.
        wrong_device_secret,
        /// Sign in, then send the password's claim once more.
        replayed_claim,
        /// Sign in with a known device and the password sent as it is (`USER_PASSWORD_AUTH`).
        plain_password,
        /// Sign in with a known device, then get new tokens for its refresh token, and for the oldest one at hand.
        refresh,
        /// Sign in with a known device, then send the refresh token without the device's key.
        refresh_without_device,
        /// Sign in with a known device, forget the device, then send its refresh token.
        refresh_after_forget,
        /// Sign in with a known device, revoke its refresh token, then send that and the oldest one at hand.
        refresh_after_revoke,
        /// Sign in with a known device, sign out everywhere, then send its refresh token and the oldest one at hand.
        refresh_after_sign_out,
    } default known_device;

    /// How risky sign-ins look: weights, which need not sum to anything.
    #[schemars(rename = "RiskMix")]
    #[serde(expecting = "a map of weights such as `{ none: 90, high: 10 }`")]
    RawRiskMix {
        /// No risk.
        none,
        /// Low risk.
        low,
        /// Medium risk.
        medium,
        /// High risk.
        high,
    } default none;

    /// Where sign-ins come from: weights, which need not sum to anything.
    #[schemars(rename = "From")]
    #[serde(expecting = "a map of weights such as `{ home: 90, elsewhere: 10 }`")]
    RawSourceMix {
        /// The user's own address, one of 10.0.0.0/8, from which they have signed in before.
        home,
        /// Any address of 198.18.0.0/15.
        elsewhere,
        /// Any address of 2001:db8::/32.
        elsewhere_v6,
    } default home;
}

/// Whether sign-ins come at a rate or from a number of users.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawModel {
    /// Sign-ins start at a rate, however long the answers take.
    Open,
    /// A number of users come again after their last sign-in and some time to think.
    Closed,
}

/// Who comes when, and what for.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the keys of a workload")]
#[schemars(rename = "Workload", transform = super::schema_rules::workload)]
pub(super) struct RawWorkload {
    /// Its name in reports and thresholds, from which its chance follows (in `workloads` only).
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Name")]
    pub(super) name: Option<Name>,
    /// When it begins, since the start of the run (in `workloads` only). Left out: `0s`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Time")]
    pub(super) starts_at: Option<Time>,
    /// It stops after so many sign-ins, warm-up too. Left out: at the end of its stages.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SignIns")]
    pub(super) at_most: Option<SignIns>,
    /// It stops after this time since its start. Left out: at the end of its stages.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Time")]
    pub(super) stops_after: Option<Time>,
    /// Whether sign-ins come at a rate or from a number of users.
    #[serde(default = "open")]
    pub(super) model: RawModel,
    /// How arrivals are spread over time (model open only). Left out: `poisson`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WordOrMap<ArrivalProcess>")]
    pub(super) arrivals: Option<WordOrMap<ArrivalProcess>>,
    /// Time between one sign-in of a user and the next (model closed only). Left out: `none`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WordOrMap<Delay>")]
    pub(super) think_time: Option<WordOrMap<Delay>>,
    /// The load over time. Warm-up stages come first, cool-down stages last; at least one stage is measured; at most 24
    /// hours in all.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<RawStage>")]
    pub(super) stages: Option<Vec<RawStage>>,
    /// Instead of stages, a file of the rate over time (model open only): a line `at,rate`, then lines such as `30s,200/s`.
    /// The rate changes evenly from line to line. The path starts from the scenario's folder.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1))]
    pub(super) schedule: Option<String>,
    /// How much of the schedule's start is left out of the results. Left out: `0s`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Time")]
    pub(super) warm_up: Option<Time>,
    /// What sign-ins set out to do: weights.
    #[serde(default)]
    pub(super) mix: RawMix,
    /// How risky sign-ins look: weights.
    #[serde(default)]
    pub(super) risk: RawRiskMix,
    /// Where sign-ins come from: weights.
    #[serde(default)]
    pub(super) from: RawSourceMix,
}

/// A stretch of the load: `{ for: 10s, rate: 20/s }`, a ramp `{ for: 30s, to: 200/s }`, or, in model closed,
/// `{ for: 30s, users: 50 }`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a stage such as `{ for: 10s, rate: 20/s }`")]
#[schemars(rename = "Stage")]
pub(super) struct RawStage {
    /// How long it lasts; more than zero.
    #[serde(rename = "for")]
    pub(super) length: Time,
    /// Sign-ins a second: all the time, or at the start of a ramp (model open).
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Rate")]
    pub(super) rate: Option<Rate>,
    /// Sign-ins a second at the end: the rate changes evenly, from `rate` or from where the stage before ended.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Rate")]
    pub(super) to: Option<Rate>,
    /// Active users (model closed).
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Users")]
    pub(super) users: Option<Users>,
    /// Whether it is left out of the results. Warm-up stages come first.
    #[serde(default)]
    pub(super) warm_up: bool,
    /// Whether it is left out of the results. Cool-down stages come last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) cool_down: bool,
}

/// How the clients behave.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map with the keys of a client")]
#[schemars(rename = "Client")]
pub(super) struct RawClient {
    /// Size of SRP's secret ephemeral value `a` in bits: 256, or 1024 as today's SDKs have it.
    pub(super) ephemeral_bits: EphemeralBits,
    /// How often a throttled or failed request is tried again.
    pub(super) retries: BoundedInt<0, 10>,
    /// How long people take to enter a code: `none`, a time, or a distribution.
    pub(super) mfa_delay: WordOrMap<Delay>,
}

impl Default for RawClient {
    fn default() -> Self {
        Self { ephemeral_bits: EphemeralBits(256), retries: BoundedInt(3), mfa_delay: WordOrMap(Delay::None) }
    }
}

// What a key means when it is left out.

fn one() -> BoundedInt<0, { u64::MAX }> {
    BoundedInt(1)
}

fn virtual_clock() -> ClockKind {
    ClockKind::Virtual
}

fn cognito_group() -> GroupName {
    GroupName::Cognito
}

fn no_service() -> WordOrMap<Service> {
    WordOrMap(Service::None)
}

fn default_thresholds() -> Vec<RawThreshold> {
    vec![RawThreshold::from_text("decisions.mismatched == 0")]
}

fn mfa_off() -> MfaMode {
    MfaMode::Off
}

fn no_quotas() -> WordOrMap<Quotas> {
    WordOrMap(Quotas::NONE)
}

fn three_minutes() -> Time {
    Time(SESSION_VALIDITY_MIN)
}

fn one_device() -> WordOrMap<DeviceCount> {
    WordOrMap(DeviceCount::Exactly(1))
}

fn everyone() -> Share {
    Share(1.0)
}

fn nobody() -> Share {
    Share(0.0)
}

fn open() -> RawModel {
    RawModel::Open
}

/// Cognito's shortest `AuthSessionValidity`, which is its default too.
pub(super) const SESSION_VALIDITY_MIN: Duration = PoolPolicy::SESSION_VALIDITY;
/// Cognito's longest.
pub(super) const SESSION_VALIDITY_MAX: Duration = Duration::from_secs(15 * 60);
