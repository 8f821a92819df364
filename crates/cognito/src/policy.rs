//! A pool's settings, in Cognito's terms: what it remembers, when it asks for a second factor, what risk
//! does.

use std::time::Duration;

pub use crate::quota::{QuotaCategory, Quotas, UserAccess};
pub use crate::user_settings::{
    AccountSettings, AddressKind, FactorTypes, Factors, FirstFactors, FirstFactorsError, Recovery,
    UsernameSettings,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether devices are remembered (`DeviceConfiguration`, SEMANTICS c.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RememberMode {
    /// Devices are not tracked: no keys are handed out, and a `DEVICE_KEY` is ignored.
    No,
    /// A confirmed device is remembered at once (`DeviceOnlyRememberedOnUserPrompt = false`).
    Always,
    /// A confirmed device is remembered when the user says so (`DeviceOnlyRememberedOnUserPrompt = true`).
    OptIn,
}

impl RememberMode {
    /// All modes, in the order of the console.
    pub const ALL: [Self; 3] = [Self::No, Self::Always, Self::OptIn];

    /// Whether the pool knows devices at all.
    pub const fn tracks(self) -> bool {
        !matches!(self, Self::No)
    }
}

/// When the pool asks for a second factor (`MfaConfiguration`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MfaMode {
    /// Never.
    Off,
    /// From users who have one.
    Optional,
    /// From every user. A user without one must set one up.
    On,
}

impl MfaMode {
    /// All modes, from lax to strict.
    pub const ALL: [Self; 3] = [Self::Off, Self::Optional, Self::On];
}

/// How risky an attempt looks (threat protection, SEMANTICS c.4). "None" is the absence of a level.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskLevel {
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
}

impl RiskLevel {
    /// All levels, rising.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];
}

/// The pool's action at a risk level (`AccountTakeoverEventActionType`), from lax to strict.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskAction {
    /// As if there were no risk.
    NoAction,
    /// Ask for a second factor if the user has one, else let in.
    MfaIfConfigured,
    /// Ask for a second factor if the user has one, else refuse.
    MfaRequired,
    /// Refuse.
    Block,
}

impl RiskAction {
    /// All actions, from lax to strict.
    pub const ALL: [Self; 4] = [Self::NoAction, Self::MfaIfConfigured, Self::MfaRequired, Self::Block];
}

/// Whether risk has consequences (`AdvancedSecurityMode`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskMode {
    /// Risk is not looked at.
    #[default]
    Off,
    /// Risk is noted, and changes nothing.
    Audit,
    /// The actions are taken.
    Enforced,
}

/// The source of the risk level of an attempt.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskSource {
    /// The scenario gives every attempt a level.
    #[default]
    Given,
    /// The pool, by three signs: a new device, a new address, three failures since the last sign-in. One is
    /// low risk, two are medium, three are high. This rule is ours; AWS does not publish its own.
    Estimated,
}

/// The pool's action for a compromised password (`CompromisedCredentialsActionsType`). The pool cannot check
/// passwords that are proved by SRP.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CompromisedAction {
    /// Nothing.
    #[default]
    NoAction,
    /// The sign-in is refused, and the user must reset the password.
    Block,
}

/// The risk settings of a pool. A higher level may not have a laxer action.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskPolicy {
    /// Whether the actions are taken.
    pub mode: RiskMode,
    /// The source of the risk level of an attempt.
    pub levels: RiskSource,
    /// The action for a compromised password.
    pub compromised: CompromisedAction,
    /// Action at level low.
    pub low: RiskAction,
    /// Action at level medium.
    pub medium: RiskAction,
    /// Action at level high.
    pub high: RiskAction,
}

impl RiskPolicy {
    /// A pool without threat protection.
    pub const OFF: Self = Self {
        mode: RiskMode::Off,
        levels: RiskSource::Given,
        compromised: CompromisedAction::NoAction,
        low: RiskAction::NoAction,
        medium: RiskAction::NoAction,
        high: RiskAction::NoAction,
    };

    /// The action configured for `level`, whatever the mode.
    pub const fn action(&self, level: RiskLevel) -> RiskAction {
        match level {
            RiskLevel::Low => self.low,
            RiskLevel::Medium => self.medium,
            RiskLevel::High => self.high,
        }
    }
}

/// Whether repeated failures lock a user out (SEMANTICS d).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lockout {
    /// 2^(n−5) seconds from the fifth failure on, at most 15 minutes.
    #[default]
    Cognito,
    /// Never.
    Off,
}

/// Which sign-ins the Note covers: Always + suppress ignores the MFA of medium and high risk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskNote {
    /// All sign-ins of such a pool, as the Note is worded.
    #[default]
    Pool,
    /// Only those from a remembered device.
    Device,
    /// None: today's documentation no longer has the Note.
    Off,
}

impl RiskNote {
    /// All readings, from the widest.
    pub const ALL: [Self; 3] = [Self::Pool, Self::Device, Self::Off];
}

/// The rules for passwords (`PasswordPolicyType`). None is longer than 256 characters or contains a space.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordPolicy {
    /// `MinimumLength`, 6 to 99.
    pub minimum_length: u32,
    /// `RequireUppercase`.
    pub uppercase: bool,
    /// `RequireLowercase`.
    pub lowercase: bool,
    /// `RequireNumbers`.
    pub numbers: bool,
    /// `RequireSymbols`.
    pub symbols: bool,
    /// `TemporaryPasswordValidityDays`, 1 to 365.
    pub temporary_days: u32,
}

impl PasswordPolicy {
    /// The policy of a pool that sets none: at least eight characters of any kind.
    pub const LENGTH_ONLY: Self = Self {
        minimum_length: 8,
        uppercase: false,
        lowercase: false,
        numbers: false,
        symbols: false,
        temporary_days: 7,
    };

    /// Returns the validity of a temporary password.
    pub fn temporary_validity(self) -> Duration {
        Duration::from_secs(u64::from(self.temporary_days) * 24 * 3600)
    }

    /// The policy that `CreateUserPool` sets if a request has none.
    pub const COGNITO: Self =
        Self { uppercase: true, lowercase: true, numbers: true, symbols: true, ..Self::LENGTH_ONLY };
}

/// How many password claims can answer one `PASSWORD_VERIFIER` challenge.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimReuse {
    /// Any number until the challenge expires, as measured on AWS. A wrong claim that is sent again counts as
    /// one failure.
    #[default]
    Cognito,
    /// One. A claim that is sent again is refused.
    Once,
}

/// After which sign-ins with custom challenges (`CUSTOM_AUTH`) a new device gets a key.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CustomAuthDevices {
    /// After none.
    #[default]
    Never,
    /// After those that proved the password first.
    AfterPassword,
    /// After all.
    Always,
}

/// Which device of an MFA answer must prove its secret.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ProofAfterMfa {
    /// A remembered one.
    #[default]
    Remembered,
    /// Every confirmed one, also if it is not remembered.
    Confirmed,
}

/// Choices where Cognito's documentation is silent or contradicts itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a map with the keys `risk_note`, `strict_mfa_binding`, `claims`, …"
)]
pub struct Switches {
    /// Sign-ins that the documentation's Note covers: with remember `always` and suppress_mfa, the pool
    /// ignores the MFA actions of medium and high risk.
    #[serde(deserialize_with = "crate::boolean_word::deserialize")]
    pub risk_note: RiskNote,
    /// Whether a device suppresses MFA only after a sign-in with MFA on that device.
    pub strict_mfa_binding: bool,
    /// How many password claims can answer one challenge: any number until it expires (`cognito`), or one
    /// (`once`).
    pub claims: ClaimReuse,
    /// After which sign-ins with custom challenges a new device gets a key: `never`, those that prove the
    /// password first (`after_password`), or `always`.
    pub custom_auth_devices: CustomAuthDevices,
    /// Whether a remembered device must prove its secret after a first factor without a password.
    pub passwordless_device_proof: bool,
    /// Whether a remembered device suppresses an MFA by e-mail as it does other MFAs.
    pub email_mfa_suppressed: bool,
    /// Which device that an MFA answer names must prove its secret: a `remembered` one, or every `confirmed`
    /// one.
    pub proof_after_mfa: ProofAfterMfa,
    /// Whether risk with `mfa_if_configured` asks a user without a factor to set up an authenticator app.
    pub risk_mfa_setup: bool,
}

impl Switches {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        risk_note: RiskNote::Pool,
        strict_mfa_binding: true,
        claims: ClaimReuse::Cognito,
        custom_auth_devices: CustomAuthDevices::Never,
        passwordless_device_proof: false,
        email_mfa_suppressed: true,
        proof_after_mfa: ProofAfterMfa::Remembered,
        risk_mfa_setup: false,
    };
}

impl Default for Switches {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Gives each setting, and each word of the protocol, the one text that it has on the wire, in scenarios and
/// in reports.
macro_rules! string_enums {
    ($($name:ident { $($variant:ident = $text:literal,)* })*) => {$(
        impl $name {
            /// The word on the wire, in scenarios, reports and tables.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                [$(Self::$variant,)*].into_iter().find(|word| word.as_str() == text).ok_or(())
            }
        }
    )*};
}

pub(crate) use string_enums;

string_enums! {
    RememberMode { No = "no", Always = "always", OptIn = "opt_in", }
    MfaMode { Off = "off", Optional = "optional", On = "on", }
    Factors {
        None = "none",
        Phone = "phone",
        Sms = "sms",
        Totp = "totp",
        Email = "email",
        SmsAndTotp = "sms_and_totp",
    }
    RiskLevel { Low = "low", Medium = "medium", High = "high", }
    RiskAction {
        NoAction = "no_action",
        MfaIfConfigured = "mfa_if_configured",
        MfaRequired = "mfa_required",
        Block = "block",
    }
    RiskNote { Pool = "pool", Device = "device", Off = "off", }
    ClaimReuse { Cognito = "cognito", Once = "once", }
    ProofAfterMfa { Remembered = "remembered", Confirmed = "confirmed", }
    CustomAuthDevices { Never = "never", AfterPassword = "after_password", Always = "always", }
}

/// Everything that decides how a pool answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolPolicy {
    /// Whether devices are remembered.
    pub remember: RememberMode,
    /// Whether a remembered device replaces the second factor (`ChallengeRequiredOnNewDevice`).
    pub suppress_mfa: bool,
    /// When a second factor is asked for.
    pub mfa: MfaMode,
    /// The types of second factors that count.
    #[serde(default)]
    pub factor_types: FactorTypes,
    /// The first factors besides the password (`SignInPolicy`).
    #[serde(default)]
    pub first_factors: FirstFactors,
    /// The risk settings.
    pub risk: RiskPolicy,
    /// Whether failures lock out.
    pub lockout: Lockout,
    /// The request limits of the account.
    pub quotas: Quotas,
    /// Choices where the documentation leaves one.
    pub switches: Switches,
    /// How long a challenge may be answered (`AuthSessionValidity`, 3 to 15 minutes).
    pub session_validity: Duration,
}

impl PoolPolicy {
    /// Cognito's default `AuthSessionValidity`.
    pub const SESSION_VALIDITY: Duration = Duration::from_secs(180);

    /// A pool as Cognito creates it: nothing remembered, no second factor, no risk, no quotas.
    pub const DEFAULT: Self = Self {
        remember: RememberMode::No,
        suppress_mfa: false,
        mfa: MfaMode::Off,
        factor_types: FactorTypes::ALL,
        first_factors: FirstFactors::PASSWORD,
        risk: RiskPolicy::OFF,
        lockout: Lockout::Cognito,
        quotas: Quotas::NONE,
        switches: Switches::DEFAULT,
        session_validity: Self::SESSION_VALIDITY,
    };
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::str::FromStr;

    use super::*;

    #[test]
    fn display_serde_and_parsing_use_the_same_words() {
        fn same<T: Serialize + fmt::Display + FromStr<Err = ()> + PartialEq + fmt::Debug>(all: &[T]) {
            for one in all {
                assert_eq!(serde_json::to_value(one).unwrap(), one.to_string());
                assert_eq!(one.to_string().parse().as_ref(), Ok(one));
            }
        }
        same(&RememberMode::ALL);
        same(&MfaMode::ALL);
        same(&Factors::ALL);
        same(&RiskLevel::ALL);
        same(&RiskAction::ALL);
        same(&RiskNote::ALL);
    }
}
