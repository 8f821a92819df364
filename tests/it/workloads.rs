//! Several workloads: bursts, limits, offsets, and independence of each other.

use std::time::Duration;

use poolproof::report::Report;
use poolproof::scenario::Scenario;
use poolproof::workload::{self, Arrival};
use poolproof_cognito::seed::Seed;
use proptest::prelude::*;

use crate::run_fixture::{play, scenario};

const HEAD: &str =
    "version: 1\nname: w\ngroup: toy\npool: { remember: always }\npopulation: { users: 300 }\n";

/// A scenario with these workloads; each item has the keys of a workload.
fn several(workloads: &[String]) -> Scenario {
    let list: String = workloads.iter().map(|inside| format!("  - {{ {inside} }}\n")).collect();
    scenario(&format!("{HEAD}workloads:\n{list}"))
}

fn arrivals(scenario: &Scenario) -> Vec<Arrival> {
    workload::arrivals(scenario, &workload::device_owners(scenario)).collect()
}

fn alone(inside: &str, seed: u64) -> Scenario {
    Scenario { seed: Seed::new(seed), ..scenario(&format!("{HEAD}workload: {{ {inside} }}\n")) }
}

/// Returns the variance of the counts per second divided by their mean. It is 1 for a Poisson process of
/// constant rate.
fn dispersion(all: &[Arrival], seconds: usize) -> f64 {
    let mut counts = vec![0.0_f64; seconds];
    all.iter().for_each(|arrival| counts[arrival.at.as_secs() as usize] += 1.0);
    let mean = counts.iter().sum::<f64>() / seconds as f64;
    counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / (seconds - 1) as f64 / mean
}

const BURSTY: &str = "arrivals: { bursty: { bursts: 5x, for: 2s, every: 10s } }";

#[test]
fn bursts_keep_the_mean_rate_and_are_overdispersed() {
    for seed in [1, 2, 3] {
        let seconds = 40_000;
        let stage = "stages: [{ for: 40000s, rate: 20/s }]";
        let bursty = arrivals(&alone(&format!("{BURSTY}, {stage}"), seed));
        let poisson = arrivals(&alone(stage, seed));
        for all in [&bursty, &poisson] {
            let rate = all.len() as f64 / seconds as f64;
            assert!((rate / 20.0 - 1.0).abs() < 0.01, "seed {seed}: {rate}/s");
        }
        let (bursty_dispersion, poisson_dispersion) =
            (dispersion(&bursty, seconds), dispersion(&poisson, seconds));
        // A Poisson process has 1 with a standard deviation of √(2/40000) ≈ 0.007. The rate of bursts has a
        // variance over its mean of 20·p(1−p)(f−1)²/(1+p(f−1))² = 15.8. Windows of a second reduce it only
        // slightly.
        assert!((poisson_dispersion - 1.0).abs() < 0.03, "seed {seed}: {poisson_dispersion}");
        assert!((8.0..17.0).contains(&bursty_dispersion), "seed {seed}: {bursty_dispersion}");
    }
}

#[test]
fn bursts_follow_a_ramp() {
    // 3600 s from 10/s to 30/s: the first half has 27,000 sign-ins, the second 45,000.
    let ramp = format!("{BURSTY}, stages: [{{ for: 3600s, rate: 10/s, to: 30/s }}]");
    let (mut first, mut second) = (0, 0);
    for seed in 1..=20 {
        let all = arrivals(&alone(&ramp, seed));
        assert!(all.windows(2).all(|pair| pair[0].at <= pair[1].at));
        let half = all.partition_point(|arrival| arrival.at < Duration::from_secs(1800));
        first += half;
        second += all.len() - half;
    }
    for (count, expected) in [(first, 27_000.0), (second, 45_000.0)] {
        let share = count as f64 / 20.0 / expected;
        assert!((share - 1.0).abs() < 0.03, "{count}, expected {expected}: {share}");
    }
}

#[test]
fn limits_and_offsets_are_exact() {
    let scenario = several(&[
        "name: a, arrivals: constant, at_most: 25, stages: [{ for: 10s, rate: 10/s }]".to_owned(),
        "name: b, arrivals: constant, starts_at: 3s, stops_after: 2s, stages: [{ for: 10s, rate: 5/s }]"
            .to_owned(),
    ]);
    let all = arrivals(&scenario);
    let of = |number| all.iter().filter(move |arrival| arrival.workload == number).collect::<Vec<_>>();
    let (a, b) = (of(0), of(1));
    assert_eq!((a.len(), b.len()), (25, 10));
    assert_eq!((b[0].at, b[9].at), (Duration::from_secs(3), Duration::from_millis(4800)));
    assert_eq!((b[0].number, b[9].number), (Arrival::WORKLOAD_STRIDE, Arrival::WORKLOAD_STRIDE + 9));
    let [first, second] = [&scenario.workloads[0], &scenario.workloads[1]];
    assert_eq!(workload::length(first), Duration::from_millis(2500));
    assert_eq!(
        (workload::measured_sign_ins(first), workload::measured_sign_ins(second)),
        (Some(25.0), Some(10.0))
    );
    assert_eq!(workload::run_length(&scenario), Duration::from_secs(5));
    assert_eq!(workload::run_target_per_s(&scenario), Some(7.0));
}

/// Workloads that differ only in their names use different random numbers.
#[test]
fn equal_workloads_have_independent_random_streams() {
    for arrivals_are in ["arrivals: poisson", BURSTY] {
        let of = |name| format!("name: {name}, {arrivals_are}, stages: [{{ for: 60s, rate: 20/s }}]");
        let all = arrivals(&several(&[of("one"), of("two")]));
        let (one, two): (Vec<Arrival>, Vec<Arrival>) = all.iter().partition(|arrival| arrival.workload == 0);
        let at_once = one.iter().filter(|one| two.iter().any(|two| two.at == one.at)).count();
        // Independent arrivals share a microsecond of the minute with probability 1/50,000.
        assert!(one.len() > 600 && at_once < 5, "{at_once} of {} come in pairs", one.len());
        let same_user = one.iter().zip(&two).filter(|(one, two)| one.user == two.user).count();
        assert!(same_user < one.len() / 20, "{same_user} of {} pairs are of the same user", one.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn adding_a_workload_changes_no_other_workload(
        seed in any::<u64>(),
        kinds in proptest::collection::vec((0..3_usize, 1..40_u32, 0..5_u32, 1..4_u32), 2..6),
        // The position of the new workload in the list. Random numbers depend on names, not on positions.
        place in any::<prop::sample::Index>(),
    ) {
        let of = |(index, (kind, rate, starts, length)): (usize, &(usize, u32, u32, u32))| {
            let arrivals = ["arrivals: poisson", "arrivals: constant", BURSTY][*kind];
            format!("name: w{index}, starts_at: {starts}s, {arrivals}, stages: [{{ for: {length}s, rate: {rate}/s }}]")
        };
        let all: Vec<String> = kinds.iter().enumerate().map(of).collect();
        let extra = place.index(all.len());
        let fewer: Vec<String> = [&all[..extra], &all[extra + 1..]].concat();
        let open_arrivals = |list: &[String]| arrivals(&Scenario { seed: Seed::new(seed), ..several(list) });
        let (with, without) = (open_arrivals(&all), open_arrivals(&fewer));

        prop_assert!(with.windows(2).all(|pair| pair[0].at <= pair[1].at), "the arrivals are not in order");
        let mut numbers: Vec<u64> = with.iter().map(|arrival| arrival.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        prop_assert_eq!(numbers.len(), with.len(), "a number occurs twice");
        for index in 0..fewer.len() {
            let before = without.iter().filter(|arrival| usize::from(arrival.workload) == index);
            let now = if index < extra { index } else { index + 1 };
            let after = with.iter().filter(|arrival| usize::from(arrival.workload) == now);
            let what = |arrival: &Arrival| {
                let nth = arrival.number % Arrival::WORKLOAD_STRIDE;
                (nth, arrival.at, arrival.user, arrival.intent, arrival.risk, arrival.address)
            };
            prop_assert!(before.map(what).eq(after.map(what)), "workload {} of {:?}", index, fewer);
        }
    }
}

fn assert_consistent(report: &Report) {
    let sum = |of: fn(&poolproof::report::Workload) -> u64| report.workloads.iter().map(of).sum::<u64>();
    assert_eq!(sum(|one| one.sign_ins.started), report.sign_ins.started);
    assert_eq!(sum(|one| one.sign_ins.completed), report.sign_ins.completed);
    assert_eq!(sum(|one| one.sign_ins.cool_down), report.sign_ins.cool_down);
    assert_eq!(sum(|one| one.intended.count), report.latency.sign_in.intended.count);
    assert_eq!(sum(|one| one.dropped), report.generator.dropped);
}

#[test]
fn open_and_closed_workloads_run_together() {
    let report = play(&several(&[
        "name: open, arrivals: constant, stages: [{ for: 2s, rate: 10/s, warm_up: true }, { for: 10s, rate: 10/s }, \
         { for: 1s, rate: 10/s, cool_down: true }]"
            .to_owned(),
        "name: closed, starts_at: 5s, model: closed, think_time: 1s, stages: [{ for: 10s, users: 30 }]".to_owned(),
        "name: few, model: closed, think_time: 1s, at_most: 7, stages: [{ for: 30s, users: 2 }]".to_owned(),
    ]));
    assert_consistent(&report);
    let of = |name: &str| report.workloads.iter().find(|one| one.name == name).unwrap();
    let open = of("open");
    assert_eq!((open.sign_ins.started, open.sign_ins.warm_up, open.sign_ins.cool_down), (130, 20, 10));
    assert_eq!((open.asked_per_s, open.offered_per_s), (Some(10.0), Some(10.0)));
    assert_eq!((of("closed").sign_ins.started, of("closed").asked_per_s), (300, None));
    assert_eq!(of("few").sign_ins.started, 7);
    assert_eq!(report.throughput.asked_per_s, None, "closed workloads have no configured rate");
    assert_eq!(report.verdict.exit_code, 0, "{:?}", report.verdict);
}

#[test]
fn a_single_workload_has_no_separate_rows() {
    let report = play(&alone("stages: [{ for: 2s, rate: 10/s }]", 1));
    assert!(report.workloads.is_empty() && !report.to_json().contains("\"workloads\""));
}

#[test]
fn a_workload_below_its_rate_is_named_and_saturates_the_run() {
    let slow = "client: { mfa_delay: 60s }\npopulation: { users: 20, factors: { totp: 1 } }\n";
    let head = HEAD.replace("population: { users: 300 }\n", slow).replace("always }", "always, mfa: on }");
    // Users take a minute to enter a code. The closed workload waits for them; the open one drops arrivals.
    let text = format!(
        "{head}workloads:\n  - {{ name: patient, model: closed, stages: [{{ for: 20s, users: 10 }}] }}\n  \
         - {{ name: storm, starts_at: 1s, arrivals: constant, stages: [{{ for: 10s, rate: 5/s }}] }}\n"
    );
    let report = play(&scenario(&text));
    assert_consistent(&report);
    assert_eq!(report.verdict.exit_code, 83, "{:?}", report.verdict);
    let why = report.generator.saturated.clone().unwrap();
    assert!(why.contains("of 50 sign-ins of workload storm"), "{why}");
    let storm = report.workloads.iter().find(|one| one.name == "storm").unwrap();
    assert!(storm.dropped > 0 && storm.achieved_per_s < storm.asked_per_s, "{storm:?}");

    let patient = text.lines().filter(|line| !line.contains("storm")).collect::<Vec<_>>().join("\n");
    assert_eq!(play(&scenario(&patient)).verdict.exit_code, 0, "closed workloads cannot be below a rate");
}

#[test]
fn the_text_has_a_row_for_each_workload() {
    let report = play(&several(&[
        "name: calm, stages: [{ for: 5s, rate: 10/s }]".to_owned(),
        "name: storm, stages: [{ for: 5s, rate: 50/s }]".to_owned(),
    ]));
    let text = poolproof::report::text(&report, None, false);
    let rows = text.lines().skip_while(|line| !line.trim().starts_with("workload")).skip(1).take(2);
    let names: Vec<_> = rows.filter_map(|row| row.split_whitespace().next()).collect();
    assert_eq!(names, ["calm", "storm"], "{text}");
    assert!(text.lines().filter(|line| line.contains("storm")).all(|line| line.chars().count() <= 80));
    let page = poolproof::report::html::page(&report, None);
    assert!(page.contains(">calm<") && page.contains(">storm<"));
}
