//! What somebody at the door is up to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a sign-in sets out to do: the keys of a scenario's `mix`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Sign in with a device that the user has had before.
    KnownDevice,
    /// Sign in from a device that is new; confirm it, and opt in if asked and willing.
    NewDevice,
    /// Sign in with a wrong password.
    WrongPassword,
    /// Sign in with a device that the administrator has removed meanwhile.
    ForgottenDevice,
    /// Sign in with a known device whose stored secret is damaged.
    WrongDeviceSecret,
    /// Sign in, then send the password's claim once more.
    ReplayedClaim,
}

impl Intent {
    /// All intents.
    pub const ALL: [Self; 6] = [
        Self::KnownDevice,
        Self::NewDevice,
        Self::WrongPassword,
        Self::ForgottenDevice,
        Self::WrongDeviceSecret,
        Self::ReplayedClaim,
    ];

    /// Whether it needs a device that the user has had before.
    pub const fn needs_device(self) -> bool {
        matches!(self, Self::KnownDevice | Self::ForgottenDevice | Self::WrongDeviceSecret)
    }
}
