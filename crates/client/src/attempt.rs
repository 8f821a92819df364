//! What a sign-in has shown so far.

use std::time::Duration;

use poolproof_cognito::ids::DeviceKey;
use poolproof_cognito::protocol::{ApiError, ChallengeName, NewDeviceMetadata};
use poolproof_cognito::time::Timestamp;

/// One claim of the password and what came of it. A sign-in has several when the device turns out to be unknown, and one without
/// a claim when the pool decides before there was any.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// The device that was named with the claim.
    pub device: Option<DeviceKey>,
    /// Whether the claim had been used before.
    pub replayed: bool,
    /// What was asked for, in order.
    pub challenges: Vec<ChallengeName>,
    /// When the claim was sent and answered; of an attempt without one, `InitiateAuth`.
    pub claimed: Option<(Timestamp, Timestamp)>,
    /// The longest time from asking for a challenge to hearing what became of its answer.
    pub longest_challenge_time: Duration,
    /// How it ended, if it did.
    pub end: Option<AttemptEnd>,
}

impl Attempt {
    /// A claim that is about to be made, naming this device, in answer to these challenges.
    pub(super) const fn new(device: Option<DeviceKey>, challenges: Vec<ChallengeName>) -> Self {
        let longest_challenge_time = Duration::ZERO;
        Self { device, replayed: false, challenges, claimed: None, longest_challenge_time, end: None }
    }
}

/// How an attempt ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AttemptEnd {
    /// Tokens came, with a key for a new device or not.
    Tokens {
        /// Whether a key came.
        new_device: bool,
    },
    /// A refusal.
    Refused(ApiError),
    /// Something that no pool may say.
    ProtocolViolation,
}

/// A device that was enrolled on the way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Enrollment {
    /// Its keys.
    pub metadata: NewDeviceMetadata,
    /// Whether the pool took its verifier.
    pub confirmed: bool,
    /// Whether the user has opted in to have it remembered.
    pub opted_in: bool,
}
