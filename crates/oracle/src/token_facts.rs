//! The situation of a refresh token that is sent in, as far as it can be known from outside.

use std::fmt;

/// The device that a refresh token was given to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BoundDevice {
    /// None: the pool tracked no devices then.
    Nothing,
    /// One that was confirmed.
    Confirmed,
    /// One whose key was handed out and never confirmed.
    Unconfirmed,
    /// One that was forgotten since.
    Forgotten,
}

/// The device that is named with a refresh token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PresentedKey {
    /// None.
    Nothing,
    /// The one that the token was given to.
    Same,
    /// Another.
    Other,
}

/// How a refresh token was ended before its time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Revocation {
    /// It was not.
    Not,
    /// By `RevokeToken`.
    Revoked,
    /// By `GlobalSignOut`.
    SignedOut,
}

/// A situation of a refresh token that is sent in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TokenFacts {
    /// Whether the pool tracks devices.
    pub tracked: bool,
    /// The device that the token was given to.
    pub bound: BoundDevice,
    /// The device that is named.
    pub named: PresentedKey,
    /// Whether the token was ended.
    pub revocation: Revocation,
}

impl fmt::Display for TokenFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = match self.bound {
            BoundDevice::Nothing => "no device",
            BoundDevice::Confirmed => "a confirmed device",
            BoundDevice::Unconfirmed => "a device that was never confirmed",
            BoundDevice::Forgotten => "a device that was forgotten",
        };
        let named = match self.named {
            PresentedKey::Nothing => "no key named",
            PresentedKey::Same => "its key named",
            PresentedKey::Other => "another key named",
        };
        let revocation = match self.revocation {
            Revocation::Not => "",
            Revocation::Revoked => ", revoked",
            Revocation::SignedOut => ", signed out everywhere",
        };
        write!(f, "refresh token of {bound}, {named}{revocation}; devices tracked: {}", self.tracked)
    }
}
