//! One finished sign-in, as the actors tell it.

use std::time::Duration;

use poolproof_cognito::protocol::SignInStep;
use poolproof_oracle::Judgement;

/// How a sign-in ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SignInStatus {
    /// With tokens, and with everything done that follows them.
    Completed,
    /// With an answer that is not tokens.
    Refused,
    /// The user gave up.
    Abandoned,
    /// No answer could be had.
    TransportFailed,
}

impl SignInStatus {
    /// All ends.
    pub const ALL: [Self; 4] = [Self::Completed, Self::Refused, Self::Abandoned, Self::TransportFailed];
}

/// A sign-in that is due, whatever becomes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DueSignIn {
    /// When it is meant to start, since the start of the run.
    pub intended: Duration,
    /// The number of its workload in the scenario, from 0.
    pub workload: u16,
    /// Whether it is warm-up.
    pub warm_up: bool,
    /// Whether it is cool-down.
    pub cool_down: bool,
}

impl DueSignIn {
    /// Whether it is left out of latency and throughput.
    pub const fn is_excluded(&self) -> bool {
        self.warm_up || self.cool_down
    }
}

/// One finished sign-in. Moments count from the start of the run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignInRecord {
    /// Its number in the run's plan: the same whenever the run is replayed.
    pub number: u64,
    /// The number of the user in the population.
    pub user: u32,
    /// The number of its workload in the scenario, from 0.
    pub workload: u16,
    /// Whether it is warm-up: then its decisions count, and its latency and its share of the throughput do not.
    pub warm_up: bool,
    /// Whether it is cool-down, of which the same holds.
    pub cool_down: bool,
    /// How it ended.
    pub end: SignInStatus,
    /// When it was meant to start.
    pub intended: Duration,
    /// When it ended.
    pub finished: Duration,
    /// From the intended start to the end, without the time that people took.
    pub latency: Duration,
    /// From the actual start to the end, without the time that people took.
    pub service: Duration,
    /// How late the generator was: actual start less intended start.
    pub lag: Duration,
    /// Its steps in order, each with the time from request to answer.
    pub steps: Vec<(SignInStep, Duration)>,
    /// What the pool decided in its course, judged.
    pub judgements: Vec<Judgement>,
    /// The steps in which it was told `TooManyRequestsException`, once for each such answer.
    pub throttled: Vec<SignInStep>,
    /// Requests that it sent, those that were throttled too.
    pub requests: u32,
}

impl SignInRecord {
    /// That it was due.
    pub(super) const fn due(&self) -> DueSignIn {
        let Self { intended, workload, warm_up, cool_down, .. } = *self;
        DueSignIn { intended, workload, warm_up, cool_down }
    }

    /// Whether it is left out of latency and throughput.
    pub const fn is_excluded(&self) -> bool {
        self.warm_up || self.cool_down
    }
}
