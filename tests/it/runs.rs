//! Whole runs: consistent sums, both clocks, closed workloads and replays.

use std::sync::Arc;

use poolproof::report::{Report, TimelineInterval};
use poolproof::run::{CancellationToken, RunEvent, RunOptions, run};
use poolproof_srp::Backend;

use crate::run_fixture::{play, run_options, scenario};

fn toy(workload: &str) -> String {
    format!(
        "version: 1
name: toy
group: toy
pool: {{ remember: always, suppress_mfa: true, mfa: optional }}
population: {{ users: 100, factors: {{ none: 50, totp: 50 }} }}
workload: {workload}
"
    )
}

fn assert_consistent(report: &Report) {
    let sums = &report.sign_ins;
    assert_eq!(sums.started, sums.completed + sums.refused + sums.abandoned + sums.transport_failed);
    let undecided = report.latency.undecided.map_or(0, |undecided| undecided.count);
    let decided = sums.started - sums.warm_up - undecided;
    assert_eq!(report.latency.sign_in.intended.count, decided);
    assert_eq!(report.latency.sign_in.service.count, decided);
    assert!(undecided <= sums.abandoned + sums.transport_failed);
    let sum = |of: fn(&TimelineInterval) -> u64| report.timeline.intervals.iter().map(of).sum::<u64>();
    let (offered, dropped) = (sum(|interval| interval.offered), sum(|interval| interval.dropped));
    assert_eq!(offered, sums.started + dropped + sums.unfinished);
    assert_eq!(sum(|interval| interval.unfinished), sums.unfinished);
    // Arrivals that the warm-up dropped are only in the timeline.
    assert!(dropped >= report.generator.dropped && (sums.warm_up > 0 || dropped == report.generator.dropped));
    let rules: u64 = report.decisions.rules.iter().map(|rule| rule.seen).sum();
    assert_eq!(rules, report.decisions.checked);
}

#[test]
fn an_open_constant_workload_starts_the_exact_count() {
    let report = play(&scenario(&toy(
        "{ arrivals: constant, stages: [ { for: 2s, rate: 10/s, warm_up: true }, { for: 10s, rate: 50/s } ] }",
    )));
    assert_consistent(&report);
    assert_eq!((report.sign_ins.started, report.sign_ins.warm_up), (520, 20));
    assert_eq!(report.throughput.offered_per_s, Some(50.0));
    assert_eq!(report.generator.lag_max_us, Some(0), "under the virtual clock no sign-in is late");
}

#[test]
fn a_closed_workload_runs_as_many_loops_as_configured() {
    // Each sign-in takes some milliseconds and is followed by a think time of one second. 30 users start
    // about 300 sign-ins in 10 s.
    let report = play(&scenario(&toy(
        "{ model: closed, think_time: 1s, stages: [ { for: 2s, users: 10, warm_up: true }, { for: 10s, users: 30 } ] }",
    )));
    assert_consistent(&report);
    assert_eq!(report.sign_ins.warm_up, 20);
    assert_eq!(report.sign_ins.started, 20 + 300);
    let fewer = play(&scenario(&toy(
        "{ model: closed, think_time: 1s, stages: [ { for: 5s, users: 30 }, { for: 5s, users: 3 } ] }",
    )));
    assert_consistent(&fewer);
    assert_eq!(fewer.sign_ins.started, 150 + 15);
}

#[test]
fn a_closed_workload_waits_when_loops_exceed_users() {
    let text = toy("{ model: closed, stages: [ { for: 1s, users: 30 } ] }").replace("users: 100", "users: 5");
    let report = play(&scenario(&text));
    assert_consistent(&report);
    assert_eq!(report.decisions.mismatched, 0);
    assert!(report.sign_ins.started > 100);
}

#[test]
fn the_report_does_not_depend_on_the_backend() {
    let text = toy("{ stages: [ { for: 4s, rate: 10/s } ], mix: { known_device: 60, new_device: 20, wrong_password: 10, wrong_device_secret: 10 } }")
        .replace("group: toy", "group: cognito")
        .replace("users: 100", "users: 20");
    let scenario = scenario(&text);
    let report = |backend| {
        run(
            &scenario,
            &RunOptions { backend: Some(backend), ..run_options(None) },
            &CancellationToken::default(),
        )
        .unwrap()
        .report
    };
    let right = report(Backend::Reference);
    assert_consistent(&right);
    assert!(right.decisions.checked > 30 && right.decisions.mismatched == 0);
    for backend in Backend::ALL.into_iter().filter(|backend| backend.is_available()) {
        assert_eq!(report(backend).to_json(), right.to_json(), "{backend}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let text = toy("{ stages: [ { for: 20s, rate: 30/s } ], mix: { known_device: 50, new_device: 50 } }");
    let once = play(&scenario(&text)).to_json();
    assert_eq!(once, play(&scenario(&text)).to_json());
    assert!(once.len() > 1000);
}

#[test]
fn queues_form_if_the_pool_has_too_few_cores() {
    let with = |service: &str| {
        let text = toy("{ stages: [ { for: 20s, rate: 400/s } ] }").replace("users: 100", "users: 2000");
        let report = play(&scenario(&format!("{text}service: {service}\n")));
        assert_consistent(&report);
        report.latency.sign_in.intended.p99_us.unwrap()
    };
    let (none, one, eight) = (with("none"), with("{ cores: 1 }"), with("{ cores: 8 }"));
    assert!(none <= eight && eight < one, "{none} {eight} {one}");
}

#[test]
fn throttled_clients_retry_and_finally_give_up() {
    let text = toy("{ arrivals: constant, stages: [ { for: 20s, rate: 60/s } ], mix: { new_device: 100 } }")
        .replace("optional }", "optional, quotas: { user_authentication: 20/s } }")
        .replace("users: 100", "users: 2000");
    let report = play(&scenario(&text));
    assert_consistent(&report);
    assert!(report.throughput.throttled > 100);
    assert!(report.sign_ins.abandoned > 0, "{:?}", report.sign_ins);
    assert!(report.sign_ins.completed > 300, "{:?}", report.sign_ins);
    assert_eq!(report.decisions.mismatched, 0, "throttling is not a decision");
}

/// Runs a bundled scenario with one change and returns its throttled steps.
fn throttled_steps(file: &str, from: &str, to: &str) -> Vec<String> {
    let text = std::fs::read_to_string(crate::run_fixture::root().join("scenarios").join(file)).unwrap();
    assert!(text.contains(from), "{file} has no `{from}`");
    let report = play(&scenario(&text.replace(from, to)));
    assert_consistent(&report);
    assert_eq!(report.decisions.mismatched, 0);
    report.throughput.throttled_steps.into_keys().collect()
}

#[test]
fn cognito_quotas_limit_at_the_computed_rate() {
    // A cold fleet: 25 confirmations per second reach a quota; all others have reserves.
    assert_eq!(throttled_steps("cognito-quotas.yaml", "60/s", "25/s"), Vec::<String>::new());
    assert_eq!(throttled_steps("cognito-quotas.yaml", "60/s", "26/s"), ["CONFIRM_DEVICE"]);
    assert_eq!(throttled_steps("cognito-quotas.yaml", "60/s", "110/s"), ["CONFIRM_DEVICE"]);
    // A cold fleet that sets up authenticator apps: three changes a user, so 25 / 3 = 8.3 users per second.
    assert_eq!(
        throttled_steps("cognito-quotas-totp.yaml", "rate: 10/s", "rate: 8.3/s"),
        Vec::<String>::new()
    );
    assert_eq!(
        throttled_steps("cognito-quotas-totp.yaml", "rate: 10/s", "rate: 9/s"),
        ["CONFIRM_DEVICE", "MFA"]
    );
    // Too few users: 10 reads a second for each, and a sign-in with a device is four of them.
    assert_eq!(
        throttled_steps("cognito-quotas-few-users.yaml", "users: 10", "users: 4000"),
        Vec::<String>::new()
    );
    assert!(throttled_steps("cognito-quotas-few-users.yaml", "users: 10", "users: 9").len() > 1);
    // Device sign-ins: 120 starts and 360 answers per second are within the quotas.
    assert_eq!(throttled_steps("cognito-quotas-devices.yaml", "120/s", "120/s"), Vec::<String>::new());
    assert_eq!(throttled_steps("cognito-quotas-devices.yaml", "120/s", "124/s"), ["INITIATE_AUTH"]);
    // An MFA before the device's proof exceeds the quota of answers: r + (4r − 360) ≤ 120, so r ≤ 96.
    assert_eq!(throttled_steps("cognito-quotas-mfa.yaml", "96/s", "96/s"), Vec::<String>::new());
    assert!(throttled_steps("cognito-quotas-mfa.yaml", "96/s", "99/s").len() > 1);
}

#[test]
fn wall_clock_timeline_shows_worker_load() {
    let text = toy("{ stages: [ { for: 3s, rate: 100/s } ] }");
    let report = play(&scenario(&format!("{text}clock: wall\n")));
    assert_consistent(&report);
    let loads: Vec<_> = report.timeline.intervals.iter().filter_map(|interval| interval.load).collect();
    assert_eq!(loads.len(), report.timeline.intervals.len(), "the last second has no load: {loads:?}");
    let started = report.sign_ins.started;
    let (client, server) = (report.cpu.client_us_per_sign_in, report.cpu.server_us_per_sign_in);
    // The values per sign-in are rounded down.
    assert!(loads.iter().map(|load| load.client_cpu_us).sum::<u64>() <= (client.unwrap() + 1) * started);
    assert!(loads.iter().map(|load| load.server_cpu_us).sum::<u64>() <= (server.unwrap() + 1) * started);
    let workers = report.generator.workers.unwrap();
    assert!(loads.iter().all(|load| load.client_queue <= workers.client.deepest_queue));
    assert!(loads.iter().all(|load| load.server_queue <= workers.server.deepest_queue));
    let machine = std::path::Path::new("/proc/loadavg").exists();
    assert_eq!(report.generator.machine.is_some(), machine);
    let virtual_report = play(&scenario(&text));
    assert!(virtual_report.timeline.intervals.iter().all(|interval| interval.load.is_none()));
    assert!(virtual_report.generator.machine.is_none());
}

/// Runs for ten minutes of real time. There are no new devices, because users would collect up to eight of
/// them. `cargo test --release ten_minutes -- --ignored --nocapture`.
#[test]
#[ignore = "ten minutes of load"]
fn ten_minutes_of_load_take_no_more_memory_than_one() {
    let text =
        toy("{ stages: [ { for: 10m, rate: 400/s } ], mix: { known_device: 90, wrong_password: 10 } }")
            .replace("users: 100", "users: 4000");
    let thresholds = "['sign_in.p99[10s] < 1h', 'PASSWORD_VERIFIER.p95[10m] < 1h', 'decisions{rule:wrong-password}.mismatched == 0']";
    let scenario = scenario(&format!("{text}clock: wall\nthresholds: {thresholds}\n"));
    let sizes = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sizes_in_run = Arc::clone(&sizes);
    let observer = Arc::new(move |event| {
        let RunEvent::Running { progress, .. } = event else { return };
        let mut sizes_in_run = sizes_in_run.lock().unwrap();
        let minute = progress.elapsed.as_secs() / 60;
        if sizes_in_run.len() as u64 <= minute {
            let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
            let pages: u64 = statm.split_whitespace().nth(1).unwrap().parse().unwrap();
            println!("minute {minute}: {} sign-ins, {} KiB resident", progress.live.started, pages * 4);
            sizes_in_run.push(pages * 4);
        }
    });
    let report = run(&scenario, &RunOptions { observer, ..run_options(None) }, &CancellationToken::default())
        .unwrap()
        .report;
    assert_consistent(&report);
    println!("lag p99 {:?} µs, {}", report.generator.lag_p99_us, report.verdict.sentences.join(" "));
    let sizes = sizes.lock().unwrap().clone();
    assert!(sizes.len() >= 10, "{sizes:?}");
    // The embedded pool keeps a challenge for twice its validity: three minutes. After six minutes the number
    // of challenges is constant. The ten-minute window still grows, by 16 bytes for each distinct latency in
    // a second.
    let window_kib = 600 * 400 * 16 / 1024;
    assert!(sizes[9] <= sizes[7] + sizes[7] / 20 + window_kib, "{sizes:?} KiB after each minute");
}

#[test]
fn an_interrupt_gives_a_consistent_partial_report() {
    let scenario = scenario(&toy("{ stages: [ { for: 1h, rate: 50/s } ] }"));
    let cancel = CancellationToken::default();
    let canceled_in_run = cancel.clone();
    let observer = Arc::new(move |event| {
        if matches!(event, RunEvent::Running { progress, .. } if progress.live.started >= 200) {
            canceled_in_run.cancel();
        }
    });
    let report = run(&scenario, &RunOptions { observer, ..run_options(None) }, &cancel).unwrap().report;
    assert_consistent(&report);
    assert!(report.partial);
    assert!(report.sign_ins.started >= 200 && report.sign_ins.started < 10_000, "{:?}", report.sign_ins);
    assert_eq!(report.verdict.exit_code, 105);
}

#[test]
fn an_interrupt_before_the_first_sign_in_gives_a_report() {
    let cancel = CancellationToken::default();
    cancel.cancel();
    let report = run(&scenario(&toy("{ stages: [ { for: 1h, rate: 50/s } ] }")), &run_options(None), &cancel)
        .unwrap()
        .report;
    assert_consistent(&report);
    assert_eq!((report.partial, report.verdict.exit_code), (true, 105));
}

#[test]
fn a_too_small_population_is_reported_under_both_clocks() {
    let text = toy("{ arrivals: constant, stages: [ { for: 10s, rate: 1000/s } ] }")
        .replace("users: 100", "users: 1");
    let report = play(&scenario(&text));
    assert_consistent(&report);
    assert_eq!(report.verdict.exit_code, 83);
    assert!(report.generator.dropped > 1000);
    // Dropped arrivals count as offered.
    assert_eq!(report.throughput.offered_per_s, Some(1000.0));
    let sentence = report.generator.saturated.unwrap();
    assert!(sentence.contains("ran out of users"), "{sentence}");
}

/// Regression: an attempt with the right password that the user abandons also postpones the expiry of failed
/// attempts.
#[test]
fn abandoning_an_mfa_counts_as_an_attempt() {
    let text = "version: 1
name: walker
group: toy
seed: 26
pool: { remember: always, mfa: optional }
population: { users: 1, factors: { totp: 100 } }
workload:
  stages: [ { for: 24h, rate: 0.02/s } ]
  mix: { known_device: 30, new_device: 20, wrong_password: 50 }
client: { mfa_delay: { log_normal: { median: 600s, sigma: 0.6 } } }
";
    let report = play(&scenario(text));
    assert_consistent(&report);
    assert!(report.sign_ins.abandoned > 50, "{:?}", report.sign_ins);
    assert_eq!(report.decisions.mismatched, 0, "{:?}", report.decisions.mismatches.first());
}

/// Regression: a TOTP set-up whose last step was throttled does not add a factor.
#[test]
fn an_unfinished_mfa_setup_does_not_count() {
    let text = "version: 1
name: setup
group: toy
seed: 4
pool: { remember: always, mfa: on, quotas: { user_authentication: 1/s } }
population: { users: 60, factors: { none: 100 }, devices: 2 }
workload: { stages: [ { for: 30m, rate: 1/s } ] }
client: { retries: 0 }
";
    let report = play(&scenario(text));
    assert_consistent(&report);
    assert!(report.sign_ins.abandoned > 100, "{:?}", report.sign_ins);
    assert_eq!(report.decisions.mismatched, 0, "{:?}", report.decisions.mismatches.first());
}

/// Regression: challenges that expire because the pool is slow are not mismatches.
#[test]
fn an_expired_challenge_in_a_slow_pool_is_not_a_mismatch() {
    let text = toy("{ stages: [ { for: 60s, rate: 5/s } ] }").replace("users: 100", "users: 2000");
    let report = play(&scenario(&format!("{text}service: {{ modexp_256: 1ms, modexp_513: 200s }}\n")));
    assert_consistent(&report);
    assert!(report.sign_ins.refused > 50, "{:?}", report.sign_ins);
    assert_eq!(report.decisions.mismatched, 0, "{:?}", report.decisions.mismatches.first());
}

/// Users type their addresses; clients answer challenges with `USER_ID_FOR_SRP`, so that new devices can be
/// confirmed and are found again (amplify-js#4047).
#[test]
fn users_sign_in_by_their_addresses() {
    for sign_in_by in ["email", "alias"] {
        let mix = "{ known_device: 60, new_device: 20, forgotten_device: 10, refresh: 10 }";
        let text = toy(&format!("{{ stages: [ {{ for: 60s, rate: 20/s }} ], mix: {mix} }}"))
            .replace("users: 100,", &format!("users: 100, sign_in_by: {sign_in_by}, "));
        let report = play(&scenario(&text));
        assert_consistent(&report);
        assert_eq!(report.decisions.mismatched, 0, "{:?}", report.decisions.mismatches.first());
        assert_eq!(report.sign_ins.completed, report.sign_ins.started, "{sign_in_by}");
        let seen = |rule: &str| report.decisions.rules.iter().find(|one| one.id == rule).map(|one| one.seen);
        assert!(seen("suppressed") > Some(100), "{:?}", report.decisions.rules);
        assert!(report.latency.steps["CONFIRM_DEVICE"].count > 100);
    }
}

/// A client that leaves its device key out of the MFA answer gets a new device at every sign-in, and the
/// report shows it (amplify-js#14622).
#[test]
fn the_report_shows_how_many_devices_users_have_collected() {
    let devices = |intent: &str| {
        let text = toy(&format!("{{ stages: [ {{ for: 60s, rate: 20/s }} ], mix: {{ {intent}: 100 }} }}"))
            .replace("suppress_mfa: true", "suppress_mfa: false")
            .replace("none: 50, totp: 50", "sms: 100");
        let report = play(&scenario(&text));
        assert_eq!(report.decisions.mismatched, 0, "{:?}", report.decisions.mismatches.first());
        report.devices.unwrap()
    };
    let usual = devices("known_device");
    assert_eq!((usual.issued, usual.per_user_p50, usual.per_user_max), (0, 1, 1));
    let collected = devices("key_omitted_after_mfa");
    assert!(collected.issued > 1000 && collected.per_user_p50 > 8, "{collected:?}");
}
