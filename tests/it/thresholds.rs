//! Thresholds with windows, with selectors, and with `abort`.

use poolproof::report::html::page;
use poolproof::report::{
    Report, RunStatus, ScenarioResult, ThresholdResult, TimelineInterval, index, junit, summary, text,
};
use poolproof_pool::Defect;

use crate::run_fixture::{play, play_with, scenario};

/// A moderate load, five seconds of overload for the pool's single core, and a moderate load again. Users
/// have no second factor.
fn crowd(thresholds: &str) -> String {
    format!(
        "version: 1
name: crowd
group: toy
pool: {{ remember: always, suppress_mfa: true }}
population: {{ users: 4000 }}
service: {{ cores: 1 }}
workload:
  arrivals: constant
  stages:
    - {{ for: 2500ms, rate: 20/s, warm_up: true }}
    - {{ for: 10s, rate: 50/s }}
    - {{ for: 5s, rate: 600/s }}
    - {{ for: 40s, rate: 50/s }}
  mix: {{ known_device: 90, wrong_password: 10 }}
thresholds: [ {thresholds} ]
"
    )
}

fn result<'r>(report: &'r Report, start: &str) -> &'r ThresholdResult {
    report.thresholds.iter().find(|threshold| threshold.text.starts_with(start)).unwrap()
}

#[test]
fn a_windowed_threshold_fails_where_the_whole_run_passes() {
    let report = play(&scenario(&crowd(
        "'sign_in.p50[5s] < 100ms', sign_in.p50 < 400s, 'throughput.achieved[5s] >= 45/s', 'failed.rate[1s] < 1%'",
    )));
    let worst = result(&report, "sign_in.p50[5s]");
    let whole = result(&report, "sign_in.p50 ");
    assert!(!worst.passed && whole.window.is_none());
    assert!(worst.value > whole.value, "{worst:?} {whole:?}");
    let window = worst.window.unwrap();
    assert_eq!(window.to_us - window.from_us, 5_000_000);
    assert!(window.from_us >= 12_000_000, "the overload starts at 12.5 s: {window:?}");
    // Before the overload the pool answers all 50 sign-ins per second. After it the pool works off the
    // backlog.
    let least = result(&report, "throughput.achieved[5s]");
    assert!(least.passed && least.window.unwrap().from_us >= 3_000_000, "{least:?}");
    let failed = result(&report, "failed.rate[1s]");
    assert_eq!((failed.value, failed.passed), (Some(0.0), true));
    assert_eq!((report.verdict.exit_code, report.partial), (99, false));
    let sentence = &report.verdict.sentences[0];
    assert!(
        sentence.contains("sign_in.p50[5s] < 100ms (it was ") && sentence.contains(" from "),
        "{sentence}"
    );
    assert!(text(&report, None, false).lines().any(|line| line.contains("[5s]") && line.contains(" from ")));
}

#[test]
fn a_window_with_too_few_samples_fails() {
    let report = play(&scenario(&crowd("'sign_in.p50[2m] < 1h', 'sign_in.p999[1s] < 1h'")));
    for threshold in &report.thresholds {
        let Some(_) = threshold.value else {
            assert!(!threshold.passed && threshold.window.is_none(), "{threshold:?}");
            continue;
        };
        panic!("{threshold:?} has a value");
    }
    assert_eq!(report.verdict.exit_code, 99);
}

#[test]
fn sign_ins_are_selected_by_rule_and_by_workload() {
    let report = play(&scenario(&crowd(
        "'decisions{rule:wrong-password}.checked > 20', 'decisions{rule:wrong-password}.mismatched == 0', \
         'sign_in{rule:wrong-password}.max < 1h', 'decisions{rule:risk-block}.mismatched == 0', \
         'sign_in{workload:workload}.p99 < 1h', sign_in.p99 < 1h, service.p99 < 1h, lag.max <= 0s, \
         'service{workload: workload}.p99 < 1h', 'throughput{workload:workload}.achieved > 1/s', throughput.achieved > 1/s",
    )));
    let value = |start| result(&report, start).value;
    let rule = report.decisions.rules.iter().find(|rule| rule.id == "wrong-password").unwrap();
    assert_eq!(value("decisions{rule:wrong-password}.checked"), Some(rule.seen as f64));
    assert_eq!(value("decisions{rule:wrong-password}.mismatched"), Some(0.0));
    assert!(
        value("sign_in{rule:wrong-password}.max") < value("sign_in.p99"),
        "a wrong password ends the sign-in after one step"
    );
    assert_eq!(
        value("decisions{rule:risk-block}.mismatched"),
        None,
        "no decision was checked under this rule"
    );
    assert_eq!(value("sign_in{workload:workload}.p99"), value("sign_in.p99"));
    assert_eq!(value("service{workload: workload}.p99"), value("service.p99"));
    assert_eq!(value("throughput{workload:workload}.achieved"), value("throughput.achieved"));
    let service = report.latency.sign_in.service.p99_us.unwrap();
    assert_eq!((value("service.p99"), value("lag.max")), (Some(service as f64), Some(0.0)));
}

#[test]
fn a_windowed_threshold_aborts_the_run() {
    let with = |more: &str| {
        play(&scenario(&crowd(&format!(
            "{{ threshold: 'sign_in.p50[5s] < 100ms', abort: true{more} }}, failed.rate < 0.1%, sign_ins.abandoned == 0, {COMPUTED_THRESHOLDS}"
        ))))
    };
    let (cut, whole) = (with(""), play(&scenario(&crowd("'sign_in.p50[5s] < 100ms'"))));
    assert!(cut.partial && cut.sign_ins.started < whole.sign_ins.started);
    let first = &cut.thresholds[0];
    let at = first.canceled_at_us.unwrap();
    assert_eq!((first.passed, at % 1_000_000), (false, 0));
    assert_eq!(first.window.unwrap().to_us, at, "the worst window so far is the one that closed");
    assert!((14_000_000..30_000_000).contains(&at), "{at}");
    assert_eq!(cut.verdict.exit_code, 99);
    let sentence = &cut.verdict.sentences[0];
    assert!(
        sentence.starts_with("Canceled after ") && sentence.contains("sign_in.p50[5s] < 100ms"),
        "{sentence}"
    );
    // Sign-ins in flight have no outcome and do not fail a threshold.
    let sums = &cut.sign_ins;
    assert!(sums.unfinished > 0 && sums.abandoned == 0, "{sums:?}");
    let in_flight = format!(" {} sign-ins were in flight; their outcomes are unknown.", sums.unfinished);
    assert!(sentence.ends_with(&in_flight), "{sentence}");
    assert_eq!(sums.started, sums.completed + sums.refused + sums.abandoned + sums.transport_failed);
    assert!(cut.thresholds[1].passed && cut.thresholds[2].passed, "{:?}", cut.thresholds);
    for report in [&cut, &report_with_thresholds()] {
        assert_matches_report(report);
    }
    assert_eq!(with("").to_json(), cut.to_json(), "runs under the virtual clock differ");
    // `after` counts 15 s of the measured part, without the warm-up.
    let late = with(", after: 15s");
    assert_eq!(late.thresholds[0].canceled_at_us.map(|at| at / 1_000_000), Some(18));
    assert_eq!(with(", after: 10m").thresholds[0].canceled_at_us, None);
}

/// Thresholds on values of the report, for the whole run and for its only workload.
const COMPUTED_THRESHOLDS: &str = "sign_ins.started > 0, sign_ins.completed > 0, sign_ins.refused > 0, decisions.checked > 0, throughput.offered > 0.1/s, \
                    throughput.achieved > 0.1/s, sign_in.p50 > 0s, 'sign_ins{workload:workload}.started > 0', \
                    'throughput{workload:workload}.offered > 0.1/s', 'throughput{workload:workload}.achieved > 0.1/s', \
                    'sign_in{workload:workload}.p50 > 0s'";

fn report_with_thresholds() -> Report {
    play(&scenario(&crowd(COMPUTED_THRESHOLDS)))
}

/// Thresholds and report have equal counts, however the run ends.
fn assert_matches_report(report: &Report) {
    let value = |start: &str| result(report, start).value;
    let (sums, throughput) = (&report.sign_ins, &report.throughput);
    let p50 = report.latency.sign_in.intended.p50_us.map(|us| us as f64);
    assert_eq!(value("sign_ins.started"), Some(sums.started as f64));
    assert_eq!(value("sign_ins{workload:workload}.started"), Some(sums.started as f64));
    assert_eq!(value("sign_ins.completed"), Some(sums.completed as f64));
    assert_eq!(value("sign_ins.refused"), Some(sums.refused as f64));
    assert_eq!(value("decisions.checked"), Some(report.decisions.checked as f64));
    for (of, p50) in [("", p50), ("{workload:workload}", p50)] {
        assert_eq!(value(&format!("throughput{of}.offered")), throughput.offered_per_s);
        assert_eq!(value(&format!("throughput{of}.achieved")), throughput.achieved_per_s);
        assert_eq!(value(&format!("sign_in{of}.p50 ")), p50);
    }
    let course = |of: fn(&TimelineInterval) -> u64| report.timeline.intervals.iter().map(of).sum::<u64>();
    assert_eq!(course(|one| one.offered), sums.started + course(|one| one.dropped) + sums.unfinished);
}

/// Users who take a minute to enter a code, or longer than the pool waits: failures take longest. Some have a
/// wrong password, which the pool refuses at once.
fn slow_users(more: &str) -> String {
    format!(
        "version: 1
name: slow
group: toy
pool: {{ remember: no, mfa: optional }}
population: {{ users: 9000, factors: {{ totp: 100 }} }}
client: {{ mfa_delay: {{ log_normal: {{ median: 60s, sigma: 0.8 }} }} }}
workload:
  arrivals: constant
  stages:
    - {{ for: 4m, rate: 20/s, warm_up: true }}
    - {{ for: 4m, rate: 20/s }}
{more}  mix: {{ new_device: 90, wrong_password: 10 }}
thresholds:
  - {{ threshold: 'failed.rate[30s] < 20%', abort: true }}
  - {{ threshold: 'refused.rate[30s] < 20%', abort: true }}
  - 'throughput.achieved[30s] > 15/s'
  - failed.rate < 20%
"
    )
}

/// Regression test: windows extended into the drain, in which mostly failures end. They excluded sign-ins of
/// the warm-up, so the first windows contained refusals only.
#[test]
fn ratios_are_stable_from_warm_up_to_drain() {
    for cool_down in ["", "    - { for: 1m, rate: 1/s, cool_down: true }\n"] {
        let report = play(&scenario(&slow_users(cool_down)));
        assert!(report.verdict.passed && !report.partial, "{:?} {:?}", report.verdict, report.thresholds);
        let failed = report.thresholds[3].value.unwrap();
        assert!((0.04..0.15).contains(&failed), "the share of failed sign-ins is {failed}");
        for threshold in &report.thresholds[..3] {
            let window = threshold.window.unwrap();
            let load = 240_000_000..=480_000_000;
            assert!(load.contains(&window.from_us) && load.contains(&window.to_us), "{threshold:?}");
        }
    }
}

#[test]
fn a_windowed_rate_needs_the_minimum_sample_count() {
    // 50 sign-ins per second, and 600 under overload. A second with 50 has too few samples for 1 %, and
    // enough for 10 %.
    let text = crowd(
        "'refused.rate[1s] < 1%', 'refused.rate[1s] < 30%', 'refused.rate[1s] <= 100%', 'failed.rate[1s] == 0%'",
    );
    let report = play(&scenario(&text));
    let from = |number: usize| report.thresholds[number].window.unwrap().from_us / 1_000_000;
    assert!(from(0) >= 12 && from(1) >= 3, "{:?}", report.thresholds);
    assert_eq!((report.thresholds[2].passed, report.thresholds[3].passed), (true, true));
    let few = crowd("'refused.rate[1s] < 0.1%'");
    assert_eq!(play(&scenario(&few)).thresholds[0].value, None, "no second has a thousand sign-ins");
}

/// Regression test: windows with a lower bound evaluated the zero rate after the last sign-in of a load.
#[test]
fn a_finished_load_does_not_lower_the_rate() {
    let beside = "  - { name: beside, arrivals: constant, stages: [ { for: 40s, rate: 5/s } ] }\n";
    let few = [
        "name: few, model: closed, think_time: 1s, at_most: 300, stages: [ { for: 40s, users: 30 } ]",
        "name: few, arrivals: constant, at_most: 300, stages: [ { for: 40s, rate: 30/s } ]",
        "name: few, arrivals: { bursty: { bursts: 5x, for: 2s, every: 10s } }, at_most: 300, stages: [ { for: 40s, rate: 50/s } ]",
        "name: few, model: closed, think_time: 1s, stops_after: 10s, stages: [ { for: 40s, users: 30 } ]",
    ];
    for (seed, few) in (1..4).flat_map(|seed| few.map(|few| (seed, few))) {
        let report = play(&scenario(&format!(
            "version: 1
name: few
seed: {seed}
group: toy
pool: {{ remember: always, suppress_mfa: true }}
population: {{ users: 500 }}
workloads:
  - {{ {few} }}
{beside}thresholds:
  - {{ threshold: 'throughput{{workload:few}}.achieved[3s] > 10/s', abort: true }}
  - {{ threshold: 'throughput{{workload:few}}.offered[3s] > 10/s', abort: true }}
  - {{ threshold: 'throughput.offered[3s] >= 4/s', abort: true }}
"
        )));
        assert!(
            report.verdict.passed && !report.partial,
            "{few}: {:?} {:?}",
            report.verdict,
            report.thresholds
        );
        let few = report.workloads.iter().find(|one| one.name == "few").unwrap();
        assert!(few.sign_ins.started >= 300, "{few:?}");
        // For both together the worst windows are those in which only the other workload runs. They count.
        assert_eq!(report.thresholds[2].value, Some(5.0), "{:?}", report.thresholds);
    }
}

/// Every output format names the threshold that stopped the run, and the time.
#[test]
fn every_format_names_the_aborting_threshold() {
    let report = play(&scenario(&crowd("{ threshold: 'sign_in.p50[5s] < 100ms', abort: true }")));
    let at = format!("{} s", report.thresholds[0].canceled_at_us.unwrap() / 1_000_000);
    let cut = format!("canceled the run after {at}");
    let entries = [ScenarioResult::played(report.clone())];
    let junit = junit(&entries);
    let texts = [text(&report, None, false), summary(&entries), page(&report, None), junit.clone()];
    for text in texts {
        let signs = [("&lt;", "<"), ("&#60;", "<"), ("&#95;", "_"), ("&#91;", "["), ("&#93;", "]")];
        let plain = signs.iter().fold(text.clone(), |text, (code, sign)| text.replace(code, sign));
        assert!(plain.contains("sign_in.p50[5s] < 100ms"), "{text}");
        assert!(text.contains(&cut), "no `{cut}` in:\n{text}");
        assert!(text.contains(&format!("Canceled after {at}")) || text == junit, "{text}");
        assert!(!text.contains("interrupted"), "{text}");
    }
    assert!(junit.contains(&format!("The threshold sign_in.p50[5s] &lt; 100ms {cut}")), "{junit}");
    let several = index(&[
        entries[0].clone(),
        ScenarioResult { name: "other".to_owned(), file: "other".to_owned(), status: RunStatus::NotRun },
    ]);
    assert!(several.contains("✗ canceled"), "{several}");
}

#[test]
fn a_run_that_ends_in_warm_up_explains_missing_measurements() {
    let play_workload = |workload: &str| {
        let text = crowd("decisions.mismatched == 0");
        let head = text.split_once("workload:").unwrap().0.replace("cores: 1", "cores: 8");
        play(&scenario(&format!("{head}{workload}\n")))
    };
    // Two users sign in every second: the warm-up has five or six sign-ins.
    let closed = "model: closed, think_time: 1s, at_most: 5, stages: [ { for: 3s, users: 2, warm_up: true }, { for: 9s, users: 2 } ]";
    let report = play_workload(&format!("workload: {{ {closed} }}"));
    assert_eq!((report.sign_ins.started, report.sign_ins.warm_up), (5, 5));
    let why = "Nothing was measured: `at_most: 5` ended the workload during its warm-up.";
    assert!(report.verdict.sentences.iter().any(|one| one.starts_with(why)), "{:?}", report.verdict);

    let rare = "stages: [ { for: 20s, rate: 1/s, warm_up: true }, { for: 1s, rate: 0.001/s } ]";
    let report = play_workload(&format!("workload: {{ {rare} }}"));
    let why = "Nothing was measured: no sign-in was due between warm-up and cool-down.";
    assert!(report.verdict.sentences.iter().any(|one| one.starts_with(why)), "{:?}", report.verdict);

    let both = format!(
        "workloads:\n  - {{ name: few, {closed} }}\n  - {{ name: much, stages: [ {{ for: 5s, rate: 9/s }} ] }}"
    );
    let report = play_workload(&both);
    let unmeasured: Vec<_> =
        report.verdict.sentences.iter().filter(|one| one.starts_with("Nothing")).collect();
    assert_eq!(unmeasured.len(), 1, "{:?}", report.verdict);
    assert!(
        unmeasured[0].starts_with("Nothing of workload few was measured: `at_most: 5`"),
        "{unmeasured:?}"
    );
}

#[test]
fn a_whole_run_threshold_aborts_once_decidable() {
    let text = crowd("{ threshold: sign_in.p99 < 100ms, abort: true }");
    let report = play(&scenario(&text));
    assert!(report.thresholds[0].canceled_at_us.is_some() && report.partial, "{:?}", report.thresholds);
    // A limit of 1 % needs a hundred samples; one of the first ten is not enough. One in ten has a wrong
    // password.
    let text = crowd("{ threshold: refused.rate < 1%, abort: true }");
    let report = play(&scenario(&text));
    assert_eq!(
        report.thresholds[0].canceled_at_us.map(|at| at / 1_000_000),
        Some(5),
        "2.5 s of warm-up and 2 s with 100 sign-ins, rounded up"
    );
    // A count that can still grow is decided at the end.
    let report = play(&scenario(&crowd("{ threshold: decisions.mismatched == 0, abort: true }")));
    assert!(!report.partial && report.verdict.passed, "{:?}", report.verdict);
}

#[test]
fn a_mismatch_aborts_the_run_and_sets_the_exit_code() {
    let text = crowd("{ threshold: 'decisions{rule:wrong-password}.mismatched == 0', abort: true }");
    let report = play_with(&scenario(&text), Some(Defect::PasswordClaimUnchecked));
    assert!(report.partial && report.thresholds[0].canceled_at_us.is_some(), "{:?}", report.thresholds);
    assert_eq!(report.verdict.exit_code, 80);
    assert!(report.verdict.sentences[1].starts_with("Canceled after "), "{:?}", report.verdict);
}

#[test]
fn dropped_is_a_share_of_offered() {
    let text = crowd("dropped.rate < 1%, 'dropped.rate[5s] < 1%', 'throughput.offered[5s] >= 49/s'")
        .replace("users: 4000", "users: 1");
    let report = play(&scenario(&text));
    let due = (report.sign_ins.started - report.sign_ins.warm_up + report.generator.dropped) as f64;
    let share = report.generator.dropped as f64 / due;
    let dropped: u64 = report.timeline.intervals.iter().map(|interval| interval.dropped).sum();
    let offered: u64 = report.timeline.intervals.iter().map(|interval| interval.offered).sum();
    assert_eq!(offered, report.sign_ins.started + dropped);
    // The warm-up offers 50 sign-ins and the rest 5500. Dropped ones count as offered.
    assert_eq!((offered, dropped >= report.generator.dropped), (5550, true));
    let value = report.thresholds[0].value.unwrap();
    assert!(share > 0.1 && (value - share).abs() < 1e-5, "{share} {value}");
    assert!(report.thresholds[1].value.unwrap() > value);
    // Dropped sign-ins count as offered.
    assert!(report.thresholds[2].passed, "{:?}", report.thresholds[2]);
    assert_eq!(report.throughput.offered_per_s.map(f64::round), Some(100.0));
}
