//! Runs end on time at targets that stop answering, and wait as long as a target asks them to.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use actix::Actor as _;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use poolproof::actors::{Finished, PoolActor, PoolTarget, system};
use poolproof::clock::Clock;
use poolproof::compute::Compute;
use poolproof::failure::FailureCause;
use poolproof::run::{self, CancellationToken, PlannedTarget, RunOptions};
use poolproof::target::{Target, TransportError};
use poolproof_cognito::ids::Username;
use poolproof_cognito::protocol::{ApiError, Origin, Reply, Request};
use poolproof_cognito::time::Timestamp;
use poolproof_pool::Pool;

use crate::run_fixture::{run_options, scenario};

/// A pool that stops answering at a time.
struct Hanging {
    pool: PoolTarget,
    clock: Clock,
    at: Timestamp,
}

impl Target for Hanging {
    fn call(&self, origin: Origin, request: Request) -> LocalBoxFuture<'_, Result<Reply, TransportError>> {
        async move {
            if self.clock.now() >= self.at {
                std::future::pending::<()>().await;
            }
            self.pool.call(origin, request).await
        }
        .boxed_local()
    }

    fn delivered_code(&self, username: &Username) -> LocalBoxFuture<'_, Option<String>> {
        self.pool.delivered_code(username)
    }
}

/// Plays a scenario against the target that `target` makes, with a drain of one second.
fn play(text: &str, target: impl FnOnce(PoolTarget, Clock) -> Rc<dyn Target>) -> Finished {
    let scenario = scenario(text);
    let run_options = RunOptions { drain: Some(Duration::from_secs(1)), ..run_options(None) };
    let cancel_token = CancellationToken::new();
    let mut plan = run::plan(&scenario, &run_options, &cancel_token).unwrap();
    plan.target = PlannedTarget::Embedded(Box::new(|pool: Pool, clock: Clock, compute: &Compute| {
        target(PoolTarget(PoolActor::new(pool, clock, compute.clone()).start()), clock)
    }));
    system(scenario.clock).unwrap().block_on(async {
        let prepared = run::prepare(plan).await.unwrap();
        run::play(prepared).await.finished
    })
}

/// Plays a scenario against a pool that stops answering after a second.
fn hang(workload: &str, users: u32) -> Finished {
    let text = format!(
        "version: 1
name: hang
group: toy
pool: {{ remember: always, suppress_mfa: true }}
population: {{ users: {users} }}
workload: {workload}
client: {{ retries: 0 }}
"
    );
    play(&text, |pool, clock| Rc::new(Hanging { pool, clock, at: clock.now().plus(Duration::from_secs(1)) }))
}

#[test]
fn requests_that_hang_after_the_load_are_canceled_and_counted() {
    let open = "{ arrivals: constant, stages: [ { for: 2s, rate: 50/s } ] }";
    let finished = hang(open, 100);
    let summary = finished.recorder.summary();
    let ends = summary.sign_ins();
    assert_eq!((ends.started, ends.completed, ends.transport_failed), (100, 50, 50));
    let unfinished = summary.failures().get(FailureCause::Unfinished).unwrap();
    assert_eq!((unfinished.requests, unfinished.sign_ins), (50, 50));
    assert!(!finished.interrupted && finished.drained_since.is_some());
    assert!(unfinished.example.starts_with("INITIATE_AUTH: canceled 1s after"), "{}", unfinished.example);

    // With few users, arrivals wait for one; at the end they cannot start any more.
    let finished = hang(open, 20);
    let summary = finished.recorder.summary();
    let ends = summary.sign_ins();
    assert_eq!((ends.started, ends.completed, ends.transport_failed), (70, 50, 20));
    assert_eq!(summary.unfinished() + summary.dropped(), 30);

    // The loops of a closed workload all hang, so no end of a sign-in shows the end of the load.
    let finished = hang("{ model: closed, think_time: 100ms, stages: [ { for: 2s, users: 5 } ] }", 5);
    let ends = finished.recorder.summary().sign_ins();
    assert_eq!(ends.transport_failed, 5);
    assert!(ends.completed > 0 && !finished.interrupted);
}

#[test]
fn a_run_whose_requests_are_answered_is_not_canceled() {
    let text = "version: 1
name: answered
group: toy
pool: { remember: always, suppress_mfa: true, mfa: optional }
population: { users: 20, factors: { sms: 100 } }
workload: { arrivals: constant, stages: [ { for: 1s, rate: 10/s } ], mix: { new_device: 1 } }
client: { mfa_delay: 20s }
";
    let finished = play(text, |pool, _| Rc::new(pool));
    let ends = finished.recorder.summary().sign_ins();
    // People who type a code when the drain ends go on.
    assert_eq!((ends.started, ends.completed), (10, 10));
    assert_eq!(finished.recorder.summary().failures().iter().count(), 0);
}

/// A pool that asks the first request to wait.
struct Asking {
    pool: PoolTarget,
    clock: Clock,
    asks: Cell<bool>,
    asked: RefCell<Vec<Timestamp>>,
    refusal: fn() -> Result<Reply, TransportError>,
}

impl Target for Asking {
    fn call(&self, origin: Origin, request: Request) -> LocalBoxFuture<'_, Result<Reply, TransportError>> {
        self.asked.borrow_mut().push(self.clock.now());
        if self.asks.replace(false) {
            return async { (self.refusal)() }.boxed_local();
        }
        self.pool.call(origin, request)
    }

    fn delivered_code(&self, username: &Username) -> LocalBoxFuture<'_, Option<String>> {
        self.pool.delivered_code(username)
    }
}

#[test]
fn clients_wait_as_long_as_the_target_asks_within_bounds() {
    fn throttled(seconds: u64) -> Result<Reply, TransportError> {
        let retry_after = Some(Duration::from_secs(seconds));
        Ok(Err(ApiError { retry_after, ..ApiError::too_many_requests() }))
    }
    fn unavailable() -> Result<Reply, TransportError> {
        let (status, retry_after) = (Some(503), Some(Duration::from_secs(7)));
        let error = TransportError::new(FailureCause::HttpStatus, "HTTP status 503");
        Err(TransportError { status, retry_after, ..error })
    }
    for (refusal, at_least, at_most) in [
        ((|| throttled(7)) as fn() -> _, 7, 8),
        (|| throttled(0), 0, 1),
        (|| throttled(9999), 20, 21),
        (unavailable, 7, 8),
    ] {
        let text = "version: 1
name: asked
group: toy
pool: { remember: always, suppress_mfa: true }
population: { users: 1 }
workload: { arrivals: constant, stages: [ { for: 100s, rate: 0.01/s } ] }
client: { retries: 1 }
";
        let kept: Rc<RefCell<Option<Rc<Asking>>>> = Rc::default();
        let keep = Rc::clone(&kept);
        let finished = play(text, move |pool, clock| {
            let (asks, asked) = (Cell::new(true), RefCell::default());
            let target = Rc::new(Asking { pool, clock, asks, asked, refusal });
            keep.replace(Some(Rc::clone(&target)));
            target
        });
        let ends = finished.recorder.summary().sign_ins();
        assert_eq!((ends.started, ends.completed), (1, 1));
        let target = kept.take().unwrap();
        let asked = target.asked.borrow();
        let waited = asked[1].since(asked[0]).as_secs();
        assert!((at_least..=at_most).contains(&waited), "waited {waited} s");
    }
}
