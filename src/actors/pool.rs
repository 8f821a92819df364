//! The embedded pool as an actor.

use std::cell::RefCell;
use std::rc::Rc;

use actix::prelude::*;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use crate::clock::Clock;
use crate::compute::{Compute, Side};
use crate::failure::FailureCause;
use crate::request_log::{LoggedRequest, outcome};
use crate::target::{Target, TransportError};
use poolproof_cognito::ids::Username;
use poolproof_cognito::protocol::{Origin, Reply, Request};
use poolproof_pool::{Pool, Step, TriggerFailure};

/// Requests that can wait for the pool before senders wait.
const MAILBOX: usize = 4096;

/// The actor that owns the pool. While one request waits for an exponentiation, others are answered.
#[derive(Debug)]
pub struct PoolActor {
    pool: Rc<RefCell<Pool>>,
    clock: Clock,
    compute: Compute,
}

impl PoolActor {
    /// Creates an actor for this pool.
    pub fn new(pool: Pool, clock: Clock, compute: Compute) -> Self {
        Self { pool: Rc::new(RefCell::new(pool)), clock, compute }
    }
}

impl Actor for PoolActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
    }
}

#[derive(Message)]
#[rtype(result = "Reply")]
struct Call(Origin, Request);

#[derive(Message)]
#[rtype(result = "Option<String>")]
struct GetDeliveredCode(Username);

impl Handler<Call> for PoolActor {
    type Result = ResponseFuture<Reply>;

    fn handle(&mut self, Call(origin, request): Call, _: &mut Self::Context) -> Self::Result {
        let (pool, clock, compute) = (Rc::clone(&self.pool), self.clock, self.compute.clone());
        let (start, measured_as) = (clock.now(), request.step());
        let mut step = pool.borrow_mut().handle(start, origin, request);
        Box::pin(async move {
            let reply = loop {
                match step {
                    Step::Reply(reply) => break reply,
                    // Embedded pools have opaque tokens, so signing needs no thread.
                    Step::Sign(signing) => break signing.run(),
                    // A pool without a server decides itself about custom challenges.
                    Step::Trigger(_, pending) => {
                        let failure = TriggerFailure::no_endpoint();
                        step = pool.borrow_mut().resume_trigger(clock.now(), pending, Err(failure));
                    }
                    Step::Compute(job, pending) => {
                        let done = compute.run(Side::Server, job).await;
                        step = pool.borrow_mut().resume(clock.now(), pending, done);
                    }
                }
            };
            let logged = LoggedRequest {
                operation: measured_as.as_str(),
                duration: clock.now().since(start),
                outcome: outcome(&reply),
                request_id: None,
            };
            logged.log();
            reply
        })
    }
}

impl Handler<GetDeliveredCode> for PoolActor {
    type Result = Option<String>;

    fn handle(
        &mut self,
        GetDeliveredCode(username): GetDeliveredCode,
        _: &mut Self::Context,
    ) -> Self::Result {
        self.pool.borrow().delivered_code(&username)
    }
}

/// The embedded pool as a target.
#[derive(Clone, Debug)]
pub struct PoolTarget(pub Addr<PoolActor>);

impl PoolTarget {
    /// Starts the actor of this pool.
    pub fn start(pool: Pool, clock: Clock, compute: &Compute) -> Rc<dyn Target> {
        Rc::new(Self(PoolActor::new(pool, clock, compute.clone()).start()))
    }
}

impl Target for PoolTarget {
    fn call(&self, origin: Origin, request: Request) -> LocalBoxFuture<'_, Result<Reply, TransportError>> {
        let answer = self.0.send(Call(origin, request));
        let stopped = |error: MailboxError| {
            TransportError::new(FailureCause::ConnectionClosed, format!("the pool actor: {error}"))
        };
        answer.map(move |answer| answer.map_err(stopped)).boxed_local()
    }

    fn delivered_code(&self, username: &Username) -> LocalBoxFuture<'_, Option<String>> {
        let answer = self.0.send(GetDeliveredCode(username.clone()));
        answer.map(|answer| answer.ok().flatten()).boxed_local()
    }
}
