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
    /// Sign in with a known device and the password sent as it is (`USER_PASSWORD_AUTH`).
    PlainPassword,
    /// Sign in with a known device, then get new tokens for its refresh token, and for the oldest one at hand.
    Refresh,
    /// Sign in with a known device, then send the refresh token without the device's key.
    RefreshWithoutDevice,
    /// Sign in with a known device, forget the device, then send its refresh token.
    RefreshAfterForget,
    /// Sign in with a known device, revoke its refresh token, then send that and the oldest one at hand.
    RefreshAfterRevoke,
    /// Sign in with a known device, sign out everywhere, then send its refresh token and the oldest one at hand.
    RefreshAfterSignOut,
}

impl Intent {
    /// All intents.
    pub const ALL: [Self; 12] = [
        Self::KnownDevice,
        Self::NewDevice,
        Self::WrongPassword,
        Self::ForgottenDevice,
        Self::WrongDeviceSecret,
        Self::ReplayedClaim,
        Self::PlainPassword,
        Self::Refresh,
        Self::RefreshWithoutDevice,
        Self::RefreshAfterForget,
        Self::RefreshAfterRevoke,
        Self::RefreshAfterSignOut,
    ];

    /// Whether it needs a device that the user has had before.
    pub const fn needs_device(self) -> bool {
        !matches!(self, Self::NewDevice | Self::WrongPassword | Self::ReplayedClaim)
    }

    /// Whether tokens are used after the sign-in that gave them.
    pub const fn uses_tokens(self) -> bool {
        matches!(
            self,
            Self::Refresh
                | Self::RefreshWithoutDevice
                | Self::RefreshAfterForget
                | Self::RefreshAfterRevoke
                | Self::RefreshAfterSignOut
        )
    }
}
