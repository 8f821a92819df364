//! One finished sign-in, as the actors report it.

use std::time::Duration;

use crate::failure::Failure;
use poolproof_client::Intent;
use poolproof_cognito::protocol::SignInStep;
use poolproof_oracle::Judgement;

/// How a sign-in ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SignInStatus {
    /// With tokens, and everything that follows them.
    Completed,
    /// With a refusal.
    Refused,
    /// The user abandoned it.
    Abandoned,
    /// There was no response.
    TransportFailed,
}

impl SignInStatus {
    /// All values.
    pub const ALL: [Self; 4] = [Self::Completed, Self::Refused, Self::Abandoned, Self::TransportFailed];

    /// Returns whether the pool decided the sign-in: it ended with tokens or a refusal.
    pub const fn is_decided(self) -> bool {
        matches!(self, Self::Completed | Self::Refused)
    }
}

/// An arrival that is due, whatever its outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DueSignIn {
    /// The intended start, since the start of the run.
    pub intended: Duration,
    /// Index of the workload in the scenario.
    pub workload: u16,
    /// Whether it is warm-up.
    pub warm_up: bool,
    /// Whether it is cool-down.
    pub cool_down: bool,
}

impl DueSignIn {
    /// Returns whether it is excluded from latency and throughput.
    pub const fn is_excluded(&self) -> bool {
        self.warm_up || self.cool_down
    }
}

/// One finished sign-in. Times count from the start of the run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignInRecord {
    /// Its index in the schedule, the same in every replay.
    pub number: u64,
    /// Index of the user in the population.
    pub user: u32,
    /// Index of the workload in the scenario.
    pub workload: u16,
    /// Its kind.
    pub intent: Intent,
    /// Whether it is warm-up: its decisions count, its latency and throughput do not.
    pub warm_up: bool,
    /// Whether it is cool-down, treated like warm-up.
    pub cool_down: bool,
    /// How it ended.
    pub end: SignInStatus,
    /// The intended start.
    pub intended: Duration,
    /// The end.
    pub finished: Duration,
    /// From the intended start to the end, without human time.
    pub latency: Duration,
    /// From the actual start to the end, without human time.
    pub service: Duration,
    /// Generator lag: actual start minus intended start.
    pub lag: Duration,
    /// The decided steps in order, each with the time from request to response. Steps without a response and
    /// those that stayed throttled are omitted.
    pub steps: Vec<(SignInStep, Duration)>,
    /// The judged decisions.
    pub judgements: Vec<Judgement>,
    /// The steps that got `TooManyRequestsException`, once per response.
    pub throttled: Vec<SignInStep>,
    /// Requests sent, throttled ones included.
    pub requests: u32,
    /// The requests that failed. If there was no response, the last one ended the sign-in.
    pub failures: Vec<Failure>,
}

impl SignInRecord {
    /// Returns the arrival.
    pub(super) const fn due(&self) -> DueSignIn {
        let Self { intended, workload, warm_up, cool_down, .. } = *self;
        DueSignIn { intended, workload, warm_up, cool_down }
    }

    /// Returns whether it is excluded from latency and throughput.
    pub const fn is_excluded(&self) -> bool {
        self.warm_up || self.cool_down
    }

    /// Returns whether it has a latency. A sign-in without a decision has none: if the pool throttles it, it
    /// would count as a fast one.
    pub(super) const fn has_latency(&self) -> bool {
        !self.is_excluded() && self.end.is_decided()
    }
}
