//! The settings of a pool in Cognito's terms: remembered devices, second factors, risk, quotas and passwords.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether the pool remembers devices (`DeviceConfiguration`; docs/semantics.md, settings).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RememberMode {
    /// The pool does not track devices: it issues no device keys and ignores `DEVICE_KEY`.
    No,
    /// The pool remembers a device as soon as it is confirmed (`DeviceOnlyRememberedOnUserPrompt = false`).
    Always,
    /// The pool remembers a confirmed device after the user opts in (`DeviceOnlyRememberedOnUserPrompt =
    /// true`).
    OptIn,
}

impl RememberMode {
    /// All modes, in the order of the AWS console.
    pub const ALL: [Self; 3] = [Self::No, Self::Always, Self::OptIn];

    /// Returns whether the pool tracks devices.
    pub const fn tracks(self) -> bool {
        !matches!(self, Self::No)
    }
}

/// When the pool requires a second factor (`MfaConfiguration`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MfaMode {
    /// Never.
    Off,
    /// Required from users who have a second factor.
    Optional,
    /// Required from all users; a user without a second factor must set one up.
    On,
}

impl MfaMode {
    /// All modes, from least to most strict.
    pub const ALL: [Self; 3] = [Self::Off, Self::Optional, Self::On];
}

/// The second factors that a user has enabled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Factors {
    /// No second factor.
    None,
    /// A code sent to a phone.
    Sms,
    /// A code from an authenticator app.
    Totp,
    /// Both, without a preference.
    SmsAndTotp,
}

impl Factors {
    /// All combinations of factors.
    pub const ALL: [Self; 4] = [Self::None, Self::Sms, Self::Totp, Self::SmsAndTotp];

    /// Returns whether the user has a second factor.
    pub const fn any(self) -> bool {
        !matches!(self, Self::None)
    }

    /// Returns whether the user has an authenticator app.
    pub const fn has_totp(self) -> bool {
        matches!(self, Self::Totp | Self::SmsAndTotp)
    }

    /// Returns whether the user has SMS codes.
    pub const fn has_sms(self) -> bool {
        matches!(self, Self::Sms | Self::SmsAndTotp)
    }
}

/// The risk level of an attempt (docs/semantics.md, threat protection). `None` in place of a level means no
/// risk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskLevel {
    /// Low risk.
    Low,
    /// Medium risk.
    Medium,
    /// High risk.
    High,
}

impl RiskLevel {
    /// All levels, in ascending order.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];
}

/// The pool's action at a risk level (`AccountTakeoverEventActionType`), from least to most strict.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskAction {
    /// Ignores the risk.
    NoAction,
    /// Requires a second factor if the user has one; otherwise allows the sign-in.
    MfaIfConfigured,
    /// Requires a second factor if the user has one; otherwise refuses the sign-in.
    MfaRequired,
    /// Refuses the sign-in.
    Block,
}

impl RiskAction {
    /// All actions, from least to most strict.
    pub const ALL: [Self; 4] = [Self::NoAction, Self::MfaIfConfigured, Self::MfaRequired, Self::Block];
}

/// Whether the pool acts on risk (`AdvancedSecurityMode`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskMode {
    /// Risk is not evaluated.
    #[default]
    Off,
    /// Risk is recorded but has no effect.
    Audit,
    /// The pool takes the configured actions.
    Enforced,
}

/// The source of an attempt's risk level.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskSource {
    /// The scenario gives every attempt a level.
    #[default]
    Given,
    /// The pool estimates the level from three signs: a new device, a new address, and three failures since
    /// the last sign-in. One sign is low risk, two are medium, three are high. This rule is this project's
    /// own, because AWS does not publish its rule.
    Estimated,
}

/// The pool's action for a compromised password (`CompromisedCredentialsActionsType`). Passwords verified by
/// SRP are never checked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CompromisedAction {
    /// No action.
    #[default]
    NoAction,
    /// The pool refuses the sign-in, and the user must reset the password.
    Block,
}

/// A pool's risk settings. A higher level cannot have a less strict action.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RiskPolicy {
    /// Whether the pool takes the actions.
    pub mode: RiskMode,
    /// The source of an attempt's risk level.
    pub levels: RiskSource,
    /// The action for a compromised password.
    pub compromised: CompromisedAction,
    /// The action at level low.
    pub low: RiskAction,
    /// The action at level medium.
    pub medium: RiskAction,
    /// The action at level high.
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

    /// Returns the action configured for `level`, regardless of the mode.
    pub const fn action(&self, level: RiskLevel) -> RiskAction {
        match level {
            RiskLevel::Low => self.low,
            RiskLevel::Medium => self.medium,
            RiskLevel::High => self.high,
        }
    }
}

/// Whether repeated failures lock a user out (docs/semantics.md, errors).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lockout {
    /// Locks out for 2^(n−5) seconds from the fifth failure on, at most 15 minutes.
    #[default]
    Cognito,
    /// Never locks out.
    Off,
}

/// Which sign-ins the documentation's Note covers. It says that Always + suppress ignores the MFA settings of
/// medium and high risk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskNote {
    /// All sign-ins of such a pool, as the Note is worded.
    #[default]
    Pool,
    /// Only sign-ins from a remembered device.
    Device,
    /// None: the current documentation no longer has the Note.
    Off,
}

impl RiskNote {
    /// All interpretations, widest first.
    pub const ALL: [Self; 3] = [Self::Pool, Self::Device, Self::Off];
}

/// The requirements for passwords (`PasswordPolicyType`). Passwords are at most 256 characters long and
/// contain no spaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
    /// `TemporaryPasswordValidityDays`, 0 to 365. The pool returns it, but temporary passwords do not expire.
    pub temporary_days: u32,
}

impl PasswordPolicy {
    /// At least eight characters of any kind: the policy of a pool that configures none.
    pub const LENGTH_ONLY: Self = Self {
        minimum_length: 8,
        uppercase: false,
        lowercase: false,
        numbers: false,
        symbols: false,
        temporary_days: 7,
    };

    /// The policy that `CreateUserPool` sets if the request has none.
    pub const COGNITO: Self =
        Self { uppercase: true, lowercase: true, numbers: true, symbols: true, ..Self::LENGTH_ONLY };
}

/// Choices where Cognito's documentation is incomplete or contradictory (docs/semantics.md, conflicts).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Switches {
    /// Which sign-ins the Note covers.
    pub risk_note: RiskNote,
    /// Whether a device suppresses MFA only after it completed an MFA itself (docs/semantics.md, states of a
    /// device).
    pub strict_mfa_binding: bool,
}

/// Request quotas per second in each category; `None` is unlimited.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Quotas {
    /// Sign-in requests. Challenge responses have a separate allowance of three times this number; only the
    /// excess counts here.
    pub user_authentication: Option<u32>,
    /// Requests that read devices.
    pub user_resource_read: Option<u32>,
    /// Requests that change devices.
    pub user_resource_update: Option<u32>,
}

impl Quotas {
    /// No limits.
    pub const NONE: Self =
        Self { user_authentication: None, user_resource_read: None, user_resource_update: None };

    /// Cognito's defaults per account and region.
    pub const COGNITO: Self =
        Self { user_authentication: Some(120), user_resource_read: Some(50), user_resource_update: Some(25) };
}

/// Defines the text of each setting and protocol word, as used on the wire, in scenarios and in reports.
macro_rules! string_enums {
    ($($name:ident { $($variant:ident = $text:literal,)* })*) => {$(
        impl $name {
            /// Returns the text used on the wire, in scenarios, reports and tables.
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
    Factors { None = "none", Sms = "sms", Totp = "totp", SmsAndTotp = "sms_and_totp", }
    RiskLevel { Low = "low", Medium = "medium", High = "high", }
    RiskAction {
        NoAction = "no_action",
        MfaIfConfigured = "mfa_if_configured",
        MfaRequired = "mfa_required",
        Block = "block",
    }
    RiskNote { Pool = "pool", Device = "device", Off = "off", }
}

/// All settings that determine a pool's responses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolPolicy {
    /// Whether the pool remembers devices.
    pub remember: RememberMode,
    /// Whether a remembered device replaces the second factor (`ChallengeRequiredOnNewDevice`).
    pub suppress_mfa: bool,
    /// When the pool requires a second factor.
    pub mfa: MfaMode,
    /// The risk settings.
    pub risk: RiskPolicy,
    /// Whether repeated failures lock a user out.
    pub lockout: Lockout,
    /// Request quotas per second.
    pub quotas: Quotas,
    /// Choices where the documentation is unclear.
    pub switches: Switches,
    /// How long a challenge stays valid (`AuthSessionValidity`, 3 to 15 minutes).
    pub session_validity: Duration,
}

impl PoolPolicy {
    /// Cognito's default `AuthSessionValidity`.
    pub const SESSION_VALIDITY: Duration = Duration::from_secs(180);

    /// The settings of a new Cognito pool: no remembered devices, second factor, threat protection or quotas.
    pub const DEFAULT: Self = Self {
        remember: RememberMode::No,
        suppress_mfa: false,
        mfa: MfaMode::Off,
        risk: RiskPolicy::OFF,
        lockout: Lockout::Cognito,
        quotas: Quotas::NONE,
        switches: Switches { risk_note: RiskNote::Pool, strict_mfa_binding: false },
        session_validity: Self::SESSION_VALIDITY,
    };
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::str::FromStr;

    use super::*;

    #[test]
    fn a_setting_has_one_word_everywhere() {
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
