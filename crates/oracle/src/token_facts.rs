//! The facts of a request that exchanges a refresh token for new tokens.

use std::fmt;

/// The device that a refresh token was issued to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BoundDevice {
    /// No device: the pool did not track devices then.
    Nothing,
    /// A confirmed device.
    Confirmed,
    /// A device whose key was issued but never confirmed.
    Unconfirmed,
    /// A device that has been forgotten since.
    Forgotten,
}

/// The device key that the client sends with a refresh token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PresentedKey {
    /// No key.
    Nothing,
    /// The key of the device that the token was issued to.
    Same,
    /// Another key.
    Other,
}

/// Whether and how a refresh token was revoked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Revocation {
    /// Not revoked.
    Not,
    /// Revoked by `RevokeToken`.
    Revoked,
    /// Revoked by `GlobalSignOut`.
    SignedOut,
}

/// Whether a refresh token was exchanged for another one before (`RefreshTokenRotation`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Exchanged {
    /// It was not, or the app client does not rotate tokens.
    Not,
    /// It was, and the grace period has not ended.
    WithinGrace,
    /// It was, and the grace period has ended.
    AfterGrace,
}

/// The facts of a request that exchanges a refresh token for new tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TokenFacts {
    /// Whether the pool tracks devices.
    pub tracked: bool,
    /// The device that the token was issued to.
    pub bound: BoundDevice,
    /// The device key in the request.
    pub named: PresentedKey,
    /// Whether the token was revoked.
    pub revocation: Revocation,
    /// Whether the token was exchanged for another one before.
    pub exchanged: Exchanged,
}

impl fmt::Display for TokenFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let device = match self.bound {
            BoundDevice::Nothing => "no device",
            BoundDevice::Confirmed => "a confirmed device",
            BoundDevice::Unconfirmed => "a device that was never confirmed",
            BoundDevice::Forgotten => "a device that was forgotten",
        };
        let key = match self.named {
            PresentedKey::Nothing => "no key sent",
            PresentedKey::Same => "its key sent",
            PresentedKey::Other => "another key sent",
        };
        let revoked = match self.revocation {
            Revocation::Not => "",
            Revocation::Revoked => ", revoked",
            Revocation::SignedOut => ", signed out everywhere",
        };
        let exchanged = match self.exchanged {
            Exchanged::Not => "",
            Exchanged::WithinGrace => ", used before, within its grace period",
            Exchanged::AfterGrace => ", used before, after its grace period",
        };
        write!(f, "refresh token of {device}, {key}{revoked}{exchanged}; devices tracked: {}", self.tracked)
    }
}
