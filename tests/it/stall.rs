//! A target that stalls: the latency from the intended start includes all sign-ins that were due during the
//! stall, not only those in flight.

use std::rc::Rc;
use std::time::Duration;

use actix::Actor as _;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use poolproof::actors::{PoolActor, PoolTarget, RunContext};
use poolproof::clock::Clock;
use poolproof::compute::Compute;
use poolproof::metrics::Recorder;
use poolproof::scenario::Scenario;
use poolproof::target::{Target, TransportError};
use poolproof_cognito::ids::Username;
use poolproof_cognito::protocol::{Origin, Reply, Request};
use poolproof_cognito::time::Timestamp;
use poolproof_pool::Pool;

use crate::run_fixture::{play_with_target, scenario};

/// A pool that does not answer from `from` to `to`.
struct Stalling {
    pool: PoolTarget,
    clock: Clock,
    from: Timestamp,
    to: Timestamp,
}

impl Stalling {
    async fn wait(&self) {
        if (self.from..self.to).contains(&self.clock.now()) {
            self.clock.sleep_until(self.to).await;
        }
    }
}

impl Target for Stalling {
    fn call(&self, origin: Origin, request: Request) -> LocalBoxFuture<'_, Result<Reply, TransportError>> {
        async move {
            self.wait().await;
            let answer = self.pool.call(origin, request).await;
            self.wait().await;
            answer
        }
        .boxed_local()
    }

    fn delivered_code(&self, username: &Username) -> LocalBoxFuture<'_, Option<String>> {
        self.pool.delivered_code(username)
    }
}

/// Runs a scenario against a pool that stalls from the fourth second for `stall`.
fn play(scenario: &Scenario, stall: Duration) -> Recorder {
    let target = |pool: Pool, clock: Clock, compute: &Compute| -> Rc<dyn Target> {
        let from = clock.now().plus(Duration::from_secs(4));
        let pool = PoolTarget(PoolActor::new(pool, clock, compute.clone()).start());
        Rc::new(Stalling { pool, clock, from, to: from.plus(stall) })
    };
    let run_context = RunContext {
        recorder: Recorder::new(),
        observer: Box::new(|_| {}),
        tick: None,
        snapshot_reader: None,
        plan_log: None,
    };
    play_with_target(scenario, target, run_context).recorder
}

#[test]
fn a_one_second_stall_is_visible_in_p99_from_the_intended_start() {
    let scenario = scenario(
        "version: 1
name: stall
group: toy
pool: { remember: always, suppress_mfa: true }
population: { users: 3000 }
workload: { arrivals: constant, stages: [ { for: 10s, rate: 1000/s } ] }
",
    );
    let p99 = |recorder: &Recorder| recorder.summary().latency_us(None, 0.99).unwrap();
    let undisturbed = play(&scenario, Duration::ZERO);
    assert!(p99(&undisturbed) < 100_000, "{}", p99(&undisturbed));
    let stalled = play(&scenario, Duration::from_secs(1));
    assert!(p99(&stalled) >= 900_000, "{} µs", p99(&stalled));
    for recorder in [&undisturbed, &stalled] {
        let summary = recorder.summary();
        assert_eq!((summary.sign_ins().completed, summary.dropped()), (10_000, 0));
        assert_eq!(summary.decisions().mismatched(), 0);
        let offered = summary.offered_per_s().unwrap();
        assert!((offered / 1000.0 - 1.0).abs() < 0.01, "{offered}/s");
    }
}

/// The same with too few users. The actual start is late, and only the intended start shows the latency that
/// users notice.
#[test]
fn service_time_hides_queueing_that_intended_start_shows() {
    let scenario = scenario(
        "version: 1
name: stall
group: toy
pool: { remember: always, suppress_mfa: true }
population: { users: 600 }
workload: { arrivals: constant, stages: [ { for: 10s, rate: 1000/s } ] }
",
    );
    let recorder = play(&scenario, Duration::from_secs(1));
    let summary = recorder.summary();
    // 600 sign-ins are in flight during the stall. Some 400 others wait for an idle user and start late.
    let (intended, service) = (summary.intended().quantile_us(0.93), summary.service().quantile_us(0.93));
    let (intended, service) = (intended.unwrap(), service.unwrap());
    assert!(intended > 200_000 && service < 100_000, "{intended} and {service} µs");
    assert_eq!((summary.sign_ins().started, summary.dropped()), (10_000, 0));
}
