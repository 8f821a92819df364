//! Parts of the raw form of a pool: switches, first factors and custom challenges.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use poolproof_cognito::policy::{ClaimReuse, CustomAuthDevices, ProofAfterMfa, RiskNote, Switches};

/// A first factor besides the password.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "FirstFactor")]
pub(super) enum RawFirstFactor {
    /// A code sent by e-mail.
    EmailOtp,
    /// A code sent to a phone.
    SmsOtp,
}

/// A challenge of `CUSTOM_AUTH`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the keys `challenge` and `answer`")]
#[schemars(rename = "CustomChallenge")]
pub(super) struct RawCustomChallenge {
    /// Name of the challenge: its parameter `challenge`, 1 to 64 characters.
    #[schemars(length(min = 1, max = 64))]
    pub(super) challenge: String,
    /// The right answer, 1 to 256 characters.
    #[schemars(length(min = 1, max = 256))]
    pub(super) answer: String,
}

/// Choices where Cognito's documentation is silent or contradicts itself.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a map with the keys `risk_note`, `strict_mfa_binding`, `claims`, …"
)]
#[schemars(rename = "Switches")]
pub(super) struct RawSwitches {
    /// Sign-ins that the documentation's Note covers: with remember `always` and suppress_mfa, the pool
    /// ignores the MFA actions of medium and high risk.
    #[serde(deserialize_with = "super::boolean_word::deserialize")]
    pub(super) risk_note: RiskNote,
    /// Whether a device suppresses MFA only after a sign-in with MFA on that device.
    pub(super) strict_mfa_binding: bool,
    /// How many password claims can answer one challenge: any number until it expires (`cognito`), or one
    /// (`once`).
    pub(super) claims: ClaimReuse,
    /// After which sign-ins with custom challenges a new device gets a key: `never`, those that prove the
    /// password first (`after_password`), or `always`.
    pub(super) custom_auth_devices: CustomAuthDevices,
    /// Whether a remembered device must prove its secret after a first factor without a password.
    pub(super) passwordless_device_proof: bool,
    /// Whether a remembered device suppresses an MFA by e-mail as it does other MFAs.
    pub(super) email_mfa_suppressed: bool,
    /// Which device that an MFA answer names must prove its secret: a `remembered` one, or every `confirmed`
    /// one.
    pub(super) proof_after_mfa: ProofAfterMfa,
    /// Whether risk with `mfa_if_configured` asks a user without a factor to set up an authenticator app.
    pub(super) risk_mfa_setup: bool,
}

impl Default for RawSwitches {
    fn default() -> Self {
        Switches::DEFAULT.into()
    }
}

impl From<Switches> for RawSwitches {
    fn from(switches: Switches) -> Self {
        let Switches {
            risk_note,
            strict_mfa_binding,
            claims,
            custom_auth_devices,
            passwordless_device_proof,
            email_mfa_suppressed,
            proof_after_mfa,
            risk_mfa_setup,
        } = switches;
        Self {
            risk_note,
            strict_mfa_binding,
            claims,
            custom_auth_devices,
            passwordless_device_proof,
            email_mfa_suppressed,
            proof_after_mfa,
            risk_mfa_setup,
        }
    }
}

impl From<&RawSwitches> for Switches {
    fn from(raw: &RawSwitches) -> Self {
        let RawSwitches {
            risk_note,
            strict_mfa_binding,
            claims,
            custom_auth_devices,
            passwordless_device_proof,
            email_mfa_suppressed,
            proof_after_mfa,
            risk_mfa_setup,
        } = *raw;
        Self {
            risk_note,
            strict_mfa_binding,
            claims,
            custom_auth_devices,
            passwordless_device_proof,
            email_mfa_suppressed,
            proof_after_mfa,
            risk_mfa_setup,
        }
    }
}
