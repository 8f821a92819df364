//! The stored records of sign-ins and other events, as plain data.

use std::collections::VecDeque;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use poolproof_cognito::policy::RiskLevel;
use poolproof_cognito::time::Timestamp;

/// The recorded events of a user, the oldest first.
pub type AuthEvents = VecDeque<AuthEventRecord>;

/// A recorded sign-in, or another event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthEventRecord {
    /// `EventId`.
    pub id: String,
    /// `EventType`.
    #[serde(default)]
    pub kind: EventKind,
    /// When the event happened; of a sign-in, when the password was judged.
    pub created: Timestamp,
    /// The result so far.
    pub result: EventResult,
    /// The estimated risk.
    pub level: Option<RiskLevel>,
    /// Whether risk has refused the sign-in.
    pub blocked: bool,
    /// Whether the password is known to be compromised.
    pub compromised: bool,
    /// The answers to challenges.
    pub answers: Vec<EventAnswer>,
    /// The client's address.
    pub address: Option<IpAddr>,
    /// Whether an administrator has called the event valid or invalid, and when.
    pub feedback: Option<(bool, Timestamp)>,
}

/// `EventType`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A sign-in.
    #[default]
    SignIn,
    /// A sign-up.
    SignUp,
    /// A request for a code that allows a new password.
    ForgotPassword,
    /// A change of the password by the user.
    PasswordChange,
    /// A request for another code of a sign-up.
    ResendCode,
}

/// `EventResponse`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventResult {
    /// The user was signed in.
    Pass,
    /// The sign-in was refused.
    Fail,
    /// A challenge waits for an answer, or was never answered.
    InProgress,
}

/// An answer to a challenge.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventAnswer {
    /// Whether the challenge was a second factor; otherwise it was the password.
    pub mfa: bool,
    /// Whether the answer was right.
    pub success: bool,
}
