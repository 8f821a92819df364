//! Thresholds on windows, on selected sign-ins, and such as cut a run short.

use poolproof::pool::Defect;
use poolproof::report::{Report, ThresholdResult, text};

use crate::stage::{play, play_with, scenario};

/// A calm pool, five seconds of too much for its one core, and calm again; people without second factors.
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
fn a_window_shows_what_the_whole_run_hides() {
    let report = play(&scenario(&crowd(
        "'sign_in.p50[5s] < 100ms', sign_in.p50 < 400s, 'throughput.achieved[5s] >= 45/s', 'failed.rate[1s] < 1%'",
    )));
    let worst = result(&report, "sign_in.p50[5s]");
    let whole = result(&report, "sign_in.p50 ");
    assert!(!worst.passed && whole.window.is_none());
    assert!(worst.value > whole.value, "{worst:?} {whole:?}");
    let window = worst.window.unwrap();
    assert_eq!(window.to_us - window.from_us, 5_000_000);
    assert!(window.from_us >= 12_000_000, "the crowd comes at 12.5 s: {window:?}");
    // Before the crowd 50 a second come and are answered, and afterwards the backlog is worked off.
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
fn a_window_that_cannot_be_told_does_not_hold() {
    let report = play(&scenario(&crowd("'sign_in.p50[2m] < 1h', 'sign_in.p999[1s] < 1h'")));
    for threshold in &report.thresholds {
        let Some(_) = threshold.value else {
            assert!(!threshold.passed && threshold.window.is_none(), "{threshold:?}");
            continue;
        };
        panic!("{threshold:?} was told");
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
        "only a password is waited for"
    );
    assert_eq!(value("decisions{rule:risk-block}.mismatched"), None, "nothing was shown to agree");
    assert_eq!(value("sign_in{workload:workload}.p99"), value("sign_in.p99"));
    assert_eq!(value("service{workload: workload}.p99"), value("service.p99"));
    assert_eq!(value("throughput{workload:workload}.achieved"), value("throughput.achieved"));
    let service = report.latency.sign_in.service.p99_us.unwrap();
    assert_eq!((value("service.p99"), value("lag.max")), (Some(service as f64), Some(0.0)));
}

#[test]
fn a_threshold_cuts_the_run_short_when_its_window_closes() {
    let with = |more: &str| {
        play(&scenario(&crowd(&format!(
            "{{ threshold: 'sign_in.p50[5s] < 100ms', abort: true{more} }}, failed.rate < 0.1%, sign_ins.abandoned == 0"
        ))))
    };
    let (cut, whole) = (with(""), play(&scenario(&crowd("'sign_in.p50[5s] < 100ms'"))));
    assert!(cut.partial && cut.sign_ins.started < whole.sign_ins.started);
    let first = &cut.thresholds[0];
    let at = first.cut_at_us.unwrap();
    assert_eq!((first.passed, at % 1_000_000), (false, 0));
    assert_eq!(first.window.unwrap().to_us, at, "the worst window so far is the one that closed");
    assert!((14_000_000..30_000_000).contains(&at), "{at}");
    assert_eq!(cut.verdict.exit_code, 99);
    let sentence = &cut.verdict.sentences[0];
    assert!(
        sentence.starts_with("Cut short after ") && sentence.contains("sign_in.p50[5s] < 100ms"),
        "{sentence}"
    );
    // What was in flight is told as abandoned, and no threshold fails by it.
    let sums = &cut.sign_ins;
    assert!(sums.abandoned > 0);
    assert_eq!(sums.started, sums.completed + sums.refused + sums.abandoned + sums.transport_failed);
    assert!(cut.thresholds[1].passed && cut.thresholds[2].passed, "{:?}", cut.thresholds);
    assert_eq!(with("").to_json(), cut.to_json(), "by the virtual clock it is the same every time");
    // 15 s of what is measured: the warm-up does not count.
    let late = with(", after: 15s");
    assert_eq!(late.thresholds[0].cut_at_us.map(|at| at / 1_000_000), Some(18));
    assert_eq!(with(", after: 10m").thresholds[0].cut_at_us, None);
}

#[test]
fn a_threshold_on_the_whole_run_cuts_it_short_as_soon_as_it_can_be_told() {
    let text = crowd("{ threshold: sign_in.p99 < 100ms, abort: true }");
    let report = play(&scenario(&text));
    assert!(report.thresholds[0].cut_at_us.is_some() && report.partial, "{:?}", report.thresholds);
    // One of the first ten is no 1 %: a hundred are needed to say so. One in ten has a wrong password.
    let text = crowd("{ threshold: refused.rate < 1%, abort: true }");
    let report = play(&scenario(&text));
    assert_eq!(
        report.thresholds[0].cut_at_us.map(|at| at / 1_000_000),
        Some(5),
        "2.5 s of warm-up, 100 at 50/s"
    );
    // What still grows is not judged before the end.
    let report = play(&scenario(&crowd("{ threshold: decisions.mismatched == 0, abort: true }")));
    assert!(!report.partial && report.verdict.passed, "{:?}", report.verdict);
}

#[test]
fn a_wrong_decision_cuts_the_run_short_and_stays_the_gravest() {
    let text = crowd("{ threshold: 'decisions{rule:wrong-password}.mismatched == 0', abort: true }");
    let report = play_with(&scenario(&text), Some(Defect::PasswordClaimUnchecked));
    assert!(report.partial && report.thresholds[0].cut_at_us.is_some(), "{:?}", report.thresholds);
    assert_eq!(report.verdict.exit_code, 80);
    assert!(report.verdict.sentences[1].starts_with("Cut short after "), "{:?}", report.verdict);
}

#[test]
fn what_could_not_start_is_a_share_of_what_was_due() {
    let text =
        crowd("offered_missed.rate < 1%, 'offered_missed.rate[5s] < 1%', 'throughput.offered[5s] >= 49/s'")
            .replace("users: 4000", "users: 1");
    let report = play(&scenario(&text));
    let due = (report.sign_ins.started - report.sign_ins.warm_up + report.generator.missed) as f64;
    let share = report.generator.missed as f64 / due;
    let told = report.thresholds[0].value.unwrap();
    assert!(share > 0.1 && (told - share).abs() < 1e-5, "{share} {told}");
    assert!(report.thresholds[1].value.unwrap() > told);
    // Whether they could start or not, so many were offered.
    assert!(report.thresholds[2].passed, "{:?}", report.thresholds[2]);
    assert_eq!(report.throughput.offered_per_s.map(f64::round), Some(100.0));
}
