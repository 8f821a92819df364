//! The data that all users of a run share.

use std::rc::Rc;
use std::time::Duration;

use super::drain::Drain;
use crate::clock::Clock;
use crate::compute::Compute;
use crate::scenario::{AuthFlow, Delay};
use crate::target::Target;
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::seed::Seed;
use poolproof_pool::CustomChallenge;
use poolproof_srp::Group;

/// The pool under test and its ids, time, random numbers, compute and the behavior of people.
#[derive(Clone)]
pub struct UserContext {
    /// The clock.
    pub clock: Clock,
    /// The pool under test.
    pub target: Rc<dyn Target>,
    /// Runs SRP jobs.
    pub compute: Compute,
    /// The seed of all random numbers.
    pub seed: Seed,
    /// The pool's id.
    pub pool_id: PoolId,
    /// The app client's id.
    pub client_id: ClientId,
    /// The group of the pool's SRP.
    pub group: Group,
    /// Bits of the clients' secret exponents.
    pub ephemeral_bits: u32,
    /// Retries of a throttled request.
    pub retries: u32,
    /// Time that people need to type a code.
    pub mfa_delay: Delay,
    /// Validity of a challenge.
    pub session_validity: Duration,
    /// Address lists of the pool's threat protection.
    pub exceptions: Rc<RiskExceptions>,
    /// The grace period of the app client's refresh token rotation; `None` is off.
    pub rotation: Option<Duration>,
    /// The flow of each workload.
    pub flows: Rc<[AuthFlow]>,
    /// The pool's custom challenges.
    pub custom_auth: Rc<[CustomChallenge]>,
    /// The time that requests get after the end of the load.
    pub drain: Drain,
    /// Whether any workload uses tokens after a sign-in.
    pub keeps_tokens: bool,
}

impl std::fmt::Debug for UserContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ports(…)")
    }
}
