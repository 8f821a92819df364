//! The memory of a run does not grow with its length: twice as many sign-ins need the same memory.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use poolproof::actors::RunContext;
use poolproof::clock::Clock;
use poolproof::compute::{Compute, Side};
use poolproof::metrics::{
    Counter, LoadSpan, Recorder, Statistic, Timing, Watch, WatchSpec, WindowSpec, WorseDirection,
};
use poolproof::run::{CancellationToken, RunEvent, RunOptions, run};
use poolproof::scenario::Scenario;
use poolproof::target::{Target, TransportError};
use poolproof_cognito::ids::Username;
use poolproof_cognito::protocol::{Origin, Reply, Request};
use poolproof_pool::{EntryCounts, Pool, Step};

use crate::run_fixture::{play_with_target, run_options, scenario};

/// A pool that tests can inspect during a run.
struct Open {
    pool: Rc<RefCell<Pool>>,
    clock: Clock,
    compute: Compute,
}

impl Target for Open {
    fn call(&self, origin: Origin, request: Request) -> LocalBoxFuture<'_, Result<Reply, TransportError>> {
        async move {
            let mut step = self.pool.borrow_mut().handle(self.clock.now(), origin, request);
            loop {
                match step {
                    Step::Reply(reply) => return Ok(reply),
                    Step::Sign(signing) => return Ok(signing.run()),
                    Step::Trigger(call, _) => panic!("{call:?}"),
                    Step::Compute(job, pending) => {
                        let done = self.compute.run(Side::Server, job).await;
                        step = self.pool.borrow_mut().resume(self.clock.now(), pending, done);
                    }
                }
            }
        }
        .boxed_local()
    }

    fn delivered_code(&self, username: &Username) -> LocalBoxFuture<'_, Option<String>> {
        let code = self.pool.borrow().delivered_code(username);
        async move { code }.boxed_local()
    }
}

/// The sizes of a run's data at one time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct HeldSizes {
    started: u64,
    entry_counts: EntryCounts,
    recorder_bytes: usize,
}

/// Runs this scenario and returns its sizes after these minutes, and the maximum numbers of sign-ins in
/// flight or waiting before and after the first of them.
fn measure_held(scenario: &Scenario, minutes: [u64; 2]) -> ([HeldSizes; 2], [usize; 2]) {
    let (pool, measurements) = (Rc::new(RefCell::new(None)), Rc::new(RefCell::new(Vec::new())));
    let (shown, sizes_in_run) = (Rc::clone(&pool), Rc::clone(&measurements));
    let target = move |pool: Pool, clock: Clock, compute: &Compute| -> Rc<dyn Target> {
        let pool = Rc::new(RefCell::new(pool));
        *shown.borrow_mut() = Some(Rc::clone(&pool));
        Rc::new(Open { pool, clock, compute: compute.clone() })
    };
    let most = Rc::new(RefCell::new([0; 2]));
    let busiest = Rc::clone(&most);
    let half = Duration::from_secs(60 * minutes[0]);
    let run_context = RunContext {
        recorder: Recorder::with_watches(watches(half * 2)),
        observer: Box::new(move |progress| {
            let most = &mut busiest.borrow_mut()[usize::from(progress.elapsed > half)];
            *most = (*most).max(progress.in_flight + progress.waiting);
        }),
        tick: Some(Box::new(move |recorder, elapsed| {
            if minutes.map(|minute| Duration::from_secs(60 * minute)).contains(&elapsed) {
                let pool: &RefCell<Option<Rc<RefCell<Pool>>>> = &pool;
                sizes_in_run.borrow_mut().push(HeldSizes {
                    started: recorder.live().started,
                    entry_counts: pool.borrow().as_ref().unwrap().borrow().entry_counts(),
                    recorder_bytes: recorder.heap_bytes(),
                });
            }
            None
        })),
        snapshot_reader: None,
        plan_log: None,
    };
    let finished = play_with_target(scenario, target, run_context);
    assert_eq!(finished.recorder.summary().decisions().mismatched(), 0);
    let measurements = measurements.borrow().clone();
    let most = *most.borrow();
    (measurements.try_into().unwrap(), most)
}

/// Returns watches of each kind: of the whole run, and of short and long windows.
fn watches(until: Duration) -> Vec<Watch> {
    let load = vec![LoadSpan { workload: 0, from: Duration::ZERO, until }];
    let windows = |seconds| {
        Some(WindowSpec { seconds, worse: WorseDirection::Higher, min_samples: 1, load: load.clone() })
    };
    let watch_spec =
        |statistic, windows| Watch::new(WatchSpec { statistic, rule: None, workload: None, windows });
    let p99 = Statistic::Quantile(Timing::Intended, 0.99);
    let failed = Statistic::Share(Counter::Failed, Counter::Started);
    vec![
        watch_spec(p99, None),
        watch_spec(p99, windows(10)),
        watch_spec(p99, windows(600)),
        watch_spec(failed, windows(30)),
    ]
}

/// Each kind of sign-in arrives at a constant rate in its own workload. Its data is kept for six minutes.
#[test]
fn memory_after_a_run_does_not_depend_on_its_length() {
    let kinds = [
        "known_device",
        "new_device",
        "wrong_password",
        "wrong_device_secret",
        "key_omitted_after_mfa",
        "forgotten_device",
    ];
    let workloads: String = kinds
        .iter()
        .map(|kind| {
            let name = kind.replace('_', "-");
            format!("  - {{ name: {name}, arrivals: constant, stages: [ {{ for: 21m, rate: 4/s }} ], mix: {{ {kind}: 1 }} }}\n")
        })
        .collect();
    let scenario = scenario(&format!(
        "version: 1
name: held
group: toy
pool: {{ remember: always, suppress_mfa: true, lockout: off }}
population: {{ users: 200, devices: 8 }}
workloads:
{workloads}"
    ));
    let ([once, twice], [before, after]) = measure_held(&scenario, [10, 20]);
    println!("{once:?}\n{twice:?}\nat most {before} and {after} in flight");
    assert!(once.started > 14_000 && twice.started >= 2 * once.started - 10, "{once:?} {twice:?}");
    assert!(
        once.entry_counts.sessions > 4 * 360 && once.entry_counts.expiry_queue > once.entry_counts.sessions,
        "{once:?}"
    );
    // The number of devices and of recently used devices is random.
    for HeldSizes { entry_counts, .. } in [once, twice] {
        assert!(
            entry_counts.devices <= 200 * 8 && entry_counts.handles <= entry_counts.sessions,
            "{entry_counts:?}"
        );
    }
    let EntryCounts { handles, devices, .. } = once.entry_counts;
    assert_eq!(once.entry_counts, EntryCounts { handles, devices, ..twice.entry_counts });
    assert_eq!(once.recorder_bytes, twice.recorder_bytes);
    assert!(after <= before, "{before} and then {after} in flight");
}

/// Returns the resident memory of this process, in KiB.
fn resident_kib() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4
}

/// Runs forty minutes at 400 sign-ins per second under the virtual clock: `cargo test --release memory --
/// --ignored --nocapture`.
#[test]
#[ignore = "it measures the memory of the whole process, which other tests share"]
fn memory_is_constant_once_challenges_expire() {
    let scenario = scenario(
        "version: 1
name: resident
group: toy
pool: { remember: always, suppress_mfa: true, mfa: optional }
population: { users: 4000, factors: { none: 50, totp: 50 }, devices: 8 }
workload: { stages: [ { for: 40m, rate: 400/s } ], mix: { known_device: 80, new_device: 10, wrong_password: 10 } }
thresholds: ['sign_in.p99[10s] < 1h', 'failed.rate[10m] < 1%']
",
    );
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let sizes_in_run = Arc::clone(&sizes);
    let observer = Arc::new(move |event| {
        let RunEvent::Running { progress, .. } = event else { return };
        let mut sizes_in_run = sizes_in_run.lock().unwrap();
        if sizes_in_run.len() as u64 <= progress.elapsed.as_secs() / 60 {
            sizes_in_run.push(resident_kib());
            println!(
                "minute {}: {} sign-ins, {} KiB resident",
                sizes_in_run.len() - 1,
                progress.live.started,
                sizes_in_run[sizes_in_run.len() - 1]
            );
        }
    });
    let report = run(&scenario, &RunOptions { observer, ..run_options(None) }, &CancellationToken::default())
        .unwrap()
        .report;
    assert!(report.verdict.passed && report.sign_ins.started > 950_000, "{:?}", report.verdict);
    let sizes = sizes.lock().unwrap().clone();
    assert!(sizes.len() >= 40, "{sizes:?}");
    // A challenge is kept for twice its validity: three minutes. After that the number of entries is
    // constant, but tables double once more while entries are replaced. A quarter more is about 60 bytes for
    // each sign-in of these 31 minutes.
    assert!(sizes[39] <= sizes[8] + sizes[8] / 4, "{sizes:?} KiB after each minute");
}
