//! The situation of a refresh token that is sent in, as far as it can be known from outside.

use std::fmt;

/// The device that a refresh token was given to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Bound {
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
pub enum Named {
    /// None.
    Nothing,
    /// The one that the token was given to.
    Same,
    /// Another.
    Other,
}

/// How a refresh token was ended before its time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Ended {
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
    pub bound: Bound,
    /// The device that is named.
    pub named: Named,
    /// Whether the token was ended.
    pub ended: Ended,
}

impl fmt::Display for TokenFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = match self.bound {
            Bound::Nothing => "no device",
            Bound::Confirmed => "a confirmed device",
            Bound::Unconfirmed => "a device that was never confirmed",
            Bound::Forgotten => "a device that was forgotten",
        };
        let named = match self.named {
            Named::Nothing => "no key named",
            Named::Same => "its key named",
            Named::Other => "another key named",
        };
        let ended = match self.ended {
            Ended::Not => "",
            Ended::Revoked => ", revoked",
            Ended::SignedOut => ", signed out everywhere",
        };
        write!(f, "refresh token of {bound}, {named}{ended}; devices tracked: {}", self.tracked)
    }
}
