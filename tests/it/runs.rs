//! Whole runs: sums that must come out, clocks, closed workloads, and that a run can be replayed.

use std::time::Duration;

use poolproof::report::Report;

use crate::stage::{play, scenario, settings};

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

fn adds_up(report: &Report) {
    let sums = &report.sign_ins;
    assert_eq!(sums.started, sums.completed + sums.refused + sums.abandoned + sums.transport_failed);
    let measured = sums.started - sums.warm_up;
    assert_eq!(report.latency.sign_in.intended.count, measured);
    assert_eq!(report.latency.sign_in.service.count, measured);
    let offered: u64 = report.timeline.intervals.iter().map(|interval| interval.offered).sum();
    assert_eq!(offered, sums.started);
    let rules: u64 = report.decisions.rules.iter().map(|rule| rule.seen).sum();
    assert_eq!(rules, report.decisions.checked);
}

#[test]
fn an_open_constant_workload_starts_exactly_what_was_asked_for() {
    let report = play(&scenario(&toy(
        "{ arrivals: constant, stages: [ { for: 2s, rate: 10/s, warm_up: true }, { for: 10s, rate: 50/s } ] }",
    )));
    adds_up(&report);
    assert_eq!((report.sign_ins.started, report.sign_ins.warm_up), (520, 20));
    assert_eq!(report.throughput.offered_per_s, Some(50.0));
    assert_eq!(report.generator.lag_max_us, Some(0), "in virtual time nobody is late");
}

#[test]
fn a_closed_workload_has_so_many_users_and_no_more() {
    // Each sign-in takes some milliseconds and is followed by a second of thought: 30 users, 10 s, some 300 sign-ins.
    let report = play(&scenario(&toy(
        "{ model: closed, think_time: 1s, stages: [ { for: 2s, users: 10, warm_up: true }, { for: 10s, users: 30 } ] }",
    )));
    adds_up(&report);
    assert_eq!(report.sign_ins.warm_up, 20);
    assert_eq!(report.sign_ins.started, 20 + 300);
    let fewer = play(&scenario(&toy(
        "{ model: closed, think_time: 1s, stages: [ { for: 5s, users: 30 }, { for: 5s, users: 3 } ] }",
    )));
    adds_up(&fewer);
    assert_eq!(fewer.sign_ins.started, 150 + 15);
}

#[test]
fn a_closed_workload_with_more_loops_than_people_waits_for_them() {
    let text = toy("{ model: closed, stages: [ { for: 1s, users: 30 } ] }").replace("users: 100", "users: 5");
    let report = play(&scenario(&text));
    adds_up(&report);
    assert_eq!(report.decisions.mismatched, 0);
    assert!(report.sign_ins.started > 100);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let text = toy("{ stages: [ { for: 20s, rate: 30/s } ], mix: { known_device: 50, new_device: 50 } }");
    let once = play(&scenario(&text)).to_json();
    assert_eq!(once, play(&scenario(&text)).to_json());
    assert!(once.len() > 1000);
}

#[test]
fn queues_form_where_the_pool_has_too_few_cores() {
    let with = |service: &str| {
        let text = toy("{ stages: [ { for: 20s, rate: 400/s } ] }").replace("users: 100", "users: 2000");
        let report = play(&scenario(&format!("{text}service: {service}\n")));
        adds_up(&report);
        report.latency.sign_in.intended.p99_us.unwrap()
    };
    let (none, one, eight) = (with("none"), with("{ cores: 1 }"), with("{ cores: 8 }"));
    assert!(none <= eight && eight < one, "{none} {eight} {one}");
}

#[test]
fn throttled_clients_try_again_and_give_up_in_the_end() {
    let text = toy("{ arrivals: constant, stages: [ { for: 20s, rate: 60/s } ], mix: { new_device: 100 } }")
        .replace("optional }", "optional, quotas: { user_authentication: 20/s } }")
        .replace("users: 100", "users: 2000");
    let report = play(&scenario(&text));
    adds_up(&report);
    assert!(report.throughput.throttled > 100);
    assert!(report.sign_ins.abandoned > 0, "{:?}", report.sign_ins);
    assert!(report.sign_ins.completed > 300, "{:?}", report.sign_ins);
    assert_eq!(report.decisions.mismatched, 0, "throttling is no decision");
}

/// Plays a bundled scenario with one thing changed; its throttled steps.
fn throttled_steps(file: &str, from: &str, to: &str) -> Vec<String> {
    let text = std::fs::read_to_string(crate::stage::root().join("scenarios").join(file)).unwrap();
    assert!(text.contains(from), "{file} has no `{from}`");
    let report = play(&scenario(&text.replace(from, to)));
    adds_up(&report);
    assert_eq!(report.decisions.mismatched, 0);
    report.throughput.throttled_steps.into_keys().collect()
}

#[test]
fn cognitos_quotas_bind_where_their_arithmetic_says() {
    // A cold fleet: 25 confirmations a second, and nothing else is short.
    assert_eq!(throttled_steps("cognito-quotas.yaml", "60/s", "25/s"), Vec::<String>::new());
    assert_eq!(throttled_steps("cognito-quotas.yaml", "60/s", "26/s"), ["CONFIRM_DEVICE"]);
    assert_eq!(throttled_steps("cognito-quotas.yaml", "60/s", "110/s"), ["CONFIRM_DEVICE"]);
    // Device sign-ins: 120 starts a second, and their 360 answers fit beside.
    assert_eq!(throttled_steps("cognito-quotas-devices.yaml", "120/s", "120/s"), Vec::<String>::new());
    assert_eq!(throttled_steps("cognito-quotas-devices.yaml", "120/s", "124/s"), ["INITIATE_AUTH"]);
    // With an MFA before the device's proof the answers overflow: r + (4r − 360) ≤ 120, so r ≤ 96.
    assert_eq!(throttled_steps("cognito-quotas-mfa.yaml", "96/s", "96/s"), Vec::<String>::new());
    assert!(throttled_steps("cognito-quotas-mfa.yaml", "96/s", "99/s").len() > 1);
}

#[test]
fn an_interrupt_leaves_a_partial_report_that_adds_up() {
    let scenario = scenario(&toy("{ stages: [ { for: 1h, rate: 50/s } ] }"));
    let report = poolproof::run::run(&scenario, &settings(None), || async {
        tokio::time::sleep(Duration::from_secs(20_000)).await;
    });
    let report = report.unwrap();
    adds_up(&report);
    assert!(report.partial);
    assert!(report.sign_ins.started > 100);
    assert_eq!(report.verdict.exit_code, 105);
}
