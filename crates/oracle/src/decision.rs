//! The decision about a sign-in, and the judgement on it.

use std::fmt;

use super::{Facts, TokenFacts};
use poolproof_cognito::protocol::ChallengeName;

/// How a decision ends: with tokens, or with one of the refusals that a client can distinguish.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Outcome {
    /// The user is signed in.
    Tokens,
    /// "Device does not exist.": the client may try again without the device key.
    DeviceNotFound,
    /// "Unable to login because of security reasons."
    Blocked,
    /// "Incorrect username or password.": the password or the device secret is wrong, or the claim was used
    /// before.
    Incorrect,
    /// "Password attempts exceeded"
    LockedOut,
    /// "Request not allowed due to security reasons."
    AddressBlocked,
    /// "Password reset required for the user"
    ResetRequired,
    /// "Invalid Refresh Token."
    RefreshInvalid,
    /// "Refresh Token has been revoked"
    RefreshRevoked,
    /// The refresh token was exchanged for another one before.
    RefreshReused,
    /// The session was used before or has expired.
    SessionOver,
    /// Any other refusal. No rule expects it.
    Other,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 12] = [
        Self::Tokens,
        Self::DeviceNotFound,
        Self::Blocked,
        Self::Incorrect,
        Self::LockedOut,
        Self::AddressBlocked,
        Self::ResetRequired,
        Self::RefreshInvalid,
        Self::RefreshRevoked,
        Self::RefreshReused,
        Self::SessionOver,
        Self::Other,
    ];

    /// Returns the name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::DeviceNotFound => "device_not_found",
            Self::Blocked => "blocked",
            Self::Incorrect => "incorrect",
            Self::LockedOut => "locked_out",
            Self::AddressBlocked => "address_blocked",
            Self::ResetRequired => "reset_required",
            Self::RefreshInvalid => "refresh_invalid",
            Self::RefreshRevoked => "refresh_revoked",
            Self::RefreshReused => "refresh_reused",
            Self::SessionOver => "session_over",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How well a rule is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Confidence {
    /// A page of AWS documents it today.
    Documented,
    /// An older page of AWS documented it, and today's page no longer does.
    FormerlyDocumented,
    /// Others have observed it on AWS, or real clients depend on it.
    Observed,
    /// AWS does not document it and no observation is known: this project chose a reading.
    Inferred,
}

impl Confidence {
    /// All variants.
    pub const ALL: [Self; 4] = [Self::Documented, Self::FormerlyDocumented, Self::Observed, Self::Inferred];

    /// Returns the name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::FormerlyDocumented => "formerly_documented",
            Self::Observed => "observed",
            Self::Inferred => "inferred",
        }
    }

    /// Returns who says so, in a few words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Documented => "AWS's documentation says so",
            Self::FormerlyDocumented => "an older page of AWS says so, but today's page does not",
            Self::Observed => "others saw it on AWS, or real clients depend on it",
            Self::Inferred => "our reading where no source gives the answer",
        }
    }
}

/// Identifies a rule: its id, its source, and how well it is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RuleId {
    /// A short, stable id in kebab-case.
    pub id: &'static str,
    /// The section of the semantics page that the rule implements.
    pub source: &'static str,
    /// How well it is known.
    pub confidence: Confidence,
}

/// A decision: the challenges that the client must answer, and the outcome.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Decision {
    /// The challenges, in order.
    pub challenges: Vec<ChallengeName>,
    /// How the sign-in ends.
    pub outcome: Outcome,
    /// Whether the tokens include a key for a new device (`NewDeviceMetadata`).
    pub new_device: bool,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for challenge in &self.challenges {
            write!(f, "{challenge} → ")?;
        }
        write!(f, "{}{}", self.outcome, if self.new_device { " + new device" } else { "" })
    }
}

/// The situation that a decision is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Situation {
    /// An attempt to sign in.
    SignIn(Facts),
    /// An attempt to get new tokens for a refresh token.
    Refresh(TokenFacts),
}

impl fmt::Display for Situation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn(facts) => facts.fmt(f),
            Self::Refresh(facts) => facts.fmt(f),
        }
    }
}

/// The comparison of one decision of the pool with the rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judgement {
    /// The rule that applies.
    pub rule: RuleId,
    /// The situation.
    pub situation: Situation,
    /// The decision that the rule requires.
    pub expected: Decision,
    /// The decision that the pool made.
    pub seen: Decision,
}

impl Judgement {
    /// Returns whether the pool decided as the rule requires.
    pub fn matches(&self) -> bool {
        self.expected == self.seen
    }
}
