//! What is decided about a sign-in, and the verdict on it.

use std::fmt;

use super::{Facts, TokenFacts};
use poolproof_cognito::protocol::ChallengeName;

/// How a decision ends. `Tokens` and the refusals that a client can tell apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Outcome {
    /// Signed in.
    Tokens,
    /// "Device does not exist.": the client may try again without the device's key.
    DeviceNotFound,
    /// "Unable to login because of security reasons."
    Blocked,
    /// "Incorrect username or password.", to the password's claim, to the device's, or to one used before.
    Incorrect,
    /// "Password attempts exceeded".
    LockedOut,
    /// "Request not allowed due to security reasons."
    AddressBlocked,
    /// "Password reset required for the user"
    ResetRequired,
    /// "Invalid Refresh Token."
    RefreshInvalid,
    /// "Refresh Token has been revoked"
    RefreshRevoked,
    /// The session was used already or has expired.
    SessionOver,
    /// Any other refusal; never expected.
    Other,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 11] = [
        Self::Tokens,
        Self::DeviceNotFound,
        Self::Blocked,
        Self::Incorrect,
        Self::LockedOut,
        Self::AddressBlocked,
        Self::ResetRequired,
        Self::RefreshInvalid,
        Self::RefreshRevoked,
        Self::SessionOver,
        Self::Other,
    ];

    /// The word for reports.
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

/// How well a rule is known (the marks of SEMANTICS).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Confidence {
    /// AWS documents it.
    Documented,
    /// Others have seen it on AWS, or real clients depend on it.
    Observed,
    /// Our reading, where nobody says.
    Inferred,
}

impl Confidence {
    /// The word for reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Observed => "observed",
            Self::Inferred => "inferred",
        }
    }
}

/// A rule of the table: its id, where it comes from, and how well it is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RuleId {
    /// Short, stable, kebab-case.
    pub id: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// How well it is known.
    pub confidence: Confidence,
}

/// What is asked of the client, in order, and how it ends.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Decision {
    /// The challenges, in order.
    pub challenges: Vec<ChallengeName>,
    /// The end.
    pub outcome: Outcome,
    /// Whether a key for a new device came with the tokens.
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

/// What was decided about.
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

/// One decision of the pool, judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judgement {
    /// The rule that applies.
    pub rule: RuleId,
    /// The situation.
    pub situation: Situation,
    /// What the rule asks for.
    pub expected: Decision,
    /// What was seen.
    pub seen: Decision,
}

impl Judgement {
    /// Whether the pool decided as the rule asks.
    pub fn matches(&self) -> bool {
        self.expected == self.seen
    }
}
