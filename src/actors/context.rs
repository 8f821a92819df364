//! What every user of a run works with.

use std::rc::Rc;
use std::time::Duration;

use crate::clock::Clock;
use crate::compute::Compute;
use crate::scenario::Delay;
use crate::target::Target;
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::seed::Seed;
use poolproof_srp::Group;

/// The pool under test and its ids, time, chance and arithmetic, and how people behave.
#[derive(Clone)]
pub struct UserContext {
    /// The time.
    pub clock: Clock,
    /// The pool under test.
    pub target: Rc<dyn Target>,
    /// Where arithmetic runs.
    pub compute: Compute,
    /// Where chance comes from.
    pub seed: Seed,
    /// The pool's id.
    pub pool_id: PoolId,
    /// The app client's id.
    pub client_id: ClientId,
    /// The group of the pool's SRP.
    pub group: Group,
    /// Bits of the clients' secret exponents.
    pub ephemeral_bits: u32,
    /// How often a throttled request is tried again.
    pub retries: u32,
    /// How long people take to type a code.
    pub mfa_delay: Delay,
    /// How long a challenge may be answered.
    pub session_validity: Duration,
    /// Addresses that the pool's threat protection treats otherwise than all others.
    pub exceptions: Rc<RiskExceptions>,
    /// Whether anybody does anything with tokens.
    pub keeps_tokens: bool,
}

impl std::fmt::Debug for UserContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ports(…)")
    }
}
