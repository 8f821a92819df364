//! One pool on one thread without a runtime, at a time that the caller sets.
//!
//! It answers each request at once, for single situations and for tests of histories. Time does not advance
//! by itself.

use poolproof_cognito::protocol::{Origin, Reply, Request};
use poolproof_cognito::time::Timestamp;

use crate::trigger::TriggerFailure;
use crate::{Pool, Step};

/// A pool and the time.
///
/// ```
/// use poolproof_cognito::ids::{ClientId, PoolId};
/// use poolproof_cognito::policy::PoolPolicy;
/// use poolproof_cognito::protocol::{InitiateAuth, Parameters, Request};
/// use poolproof_cognito::seed::Seed;
/// use poolproof_pool::{Harness, Pool, PoolIdentity};
/// use poolproof_srp::Group;
///
/// let identity = PoolIdentity {
///     pool_id: PoolId::new("eu-west-1_example"),
///     client_id: ClientId::new("app"),
///     group: Group::toy(),
/// };
/// let mut harness = Harness::new(Pool::new(identity, PoolPolicy::DEFAULT, Seed::new(7).rng("pool", 0)));
/// let refusal = harness.ask(Request::InitiateAuth(InitiateAuth {
///     client_id: "app".to_owned(),
///     auth_flow: "SMALL_TALK".to_owned(),
///     auth_parameters: Parameters::new(),
/// }));
/// assert!(refusal.is_err());
/// ```
#[derive(Debug)]
pub struct Harness {
    /// The pool.
    pub pool: Pool,
    /// The current time.
    pub now: Timestamp,
    /// The client's address, and the risk level of its requests.
    pub origin: Origin,
}

impl Harness {
    /// Creates a harness at the start of virtual time.
    pub const fn new(pool: Pool) -> Self {
        Self { pool, now: Timestamp::VIRTUAL_START, origin: Origin { risk: None, address: None } }
    }

    /// Sends a request and runs its jobs.
    pub fn ask(&mut self, request: Request) -> Reply {
        let mut step = self.pool.handle(self.now, self.origin, request);
        loop {
            match step {
                Step::Reply(reply) => return reply,
                Step::Sign(signing) => return signing.run(),
                // A pool without a server decides itself about custom challenges.
                Step::Trigger(_, pending) => {
                    step = self.pool.resume_trigger(self.now, pending, Err(TriggerFailure::no_endpoint()));
                }
                Step::Compute(job, pending) => step = self.pool.resume(self.now, pending, job.run()),
            }
        }
    }
}
