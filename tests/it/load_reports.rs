//! Public reports about load tests, each as a test: figures that flatter, and gates that cannot fail. The
//! comment of each test names the tool and the number of its report.

use poolproof::report::{Report, text};
use poolproof::scenario;

use crate::run_fixture::{play, scenario as parse};

/// 3,000 sign-ins at ten times the quota, by clients that do not retry.
fn overload(more: &str) -> String {
    format!(
        "version: 1
name: overload
group: toy
pool: {{ remember: always, quotas: {{ user_authentication: 5/s }} }}
population: {{ users: 400 }}
client: {{ retries: 0 }}
workload: {{ arrivals: constant, stages: [ {{ for: 60s, rate: 50/s }} ] }}
{more}
"
    )
}

fn overload_report(thresholds: &str) -> Report {
    play(&parse(&overload(&format!("service: {{ cores: 2 }}\nthresholds: [ {thresholds} ]"))))
}

/// Report oha#212: rejected requests count as fast ones, so most of them can fail while p99 improves.
#[test]
fn sign_ins_without_a_decision_have_no_latency_and_fail_the_run() {
    let report = overload_report("sign_in.p99 < 300ms, sign_in.p50 < 300ms");
    let (decided, undecided) = (report.sign_ins.answered(), report.sign_ins.abandoned);
    assert_eq!(decided + undecided, 3000);
    assert!(undecided > 2500, "{undecided}");
    assert_eq!(report.latency.sign_in.intended.count, decided);
    assert_eq!(report.latency.sign_in.service.count, decided);
    assert_eq!(report.latency.undecided.map(|undecided| undecided.count), Some(undecided));
    // A refused request is no step of a sign-in either: it took no time.
    assert!(report.steps().all(|(_, step)| step.p50_us > Some(0)), "{:?}", report.latency.steps);
    assert!(report.thresholds.iter().all(|threshold| threshold.passed), "{:?}", report.thresholds);
    assert_eq!((report.verdict.exit_code, report.verdict.passed), (99, false));
    let sentence = &report.verdict.sentences[0];
    let start = format!("{} of 3\u{202f}000 sign-ins (", undecided.to_string().replacen('2', "2\u{202f}", 1));
    assert!(sentence.starts_with(&start) && sentence.contains("more than 1 %"), "{sentence}");
    assert!(text(&report, None, false).contains(&start), "{}", text(&report, None, false));
}

#[test]
fn a_threshold_can_allow_sign_ins_without_a_decision() {
    for (thresholds, passed) in [("failed.rate < 95%", true), ("failed.rate < 50%", false)] {
        let report = overload_report(thresholds);
        assert_eq!(report.verdict.passed, passed, "{:?}", report.verdict);
        // The share is in the verdict all the same.
        let sentences = report.verdict.sentences.join(" ");
        assert!(sentences.contains("ended without a decision and are in no latency."), "{sentences}");
    }
    // A threshold of one workload says nothing about the others.
    let report = overload_report("'failed{workload:workload}.rate < 95%'");
    assert_eq!(report.verdict.exit_code, 99);
}

#[test]
fn a_latency_threshold_that_cannot_fail_is_an_error() {
    for metric in ["sign_in.p99", "service.max", "PASSWORD_VERIFIER.p50"] {
        let text = overload(&format!("thresholds: [ {metric} < 300ms ]"));
        let error = scenario::parse("a.yaml", text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("shows nothing") && error.contains("{ cores: 2 }"), "{error}");
        assert!(error.contains("`clock: wall`"), "{error}");
        // Clients that retry wait longer at a higher load.
        let text = text.replace("retries: 0", "retries: 1");
        assert!(scenario::parse("a.yaml", text.as_bytes()).is_ok(), "{text}");
    }
}

/// Report locust#1563: `max <= 4690us` failed although no request took longer, and the message showed
/// 4.69 ms.
#[test]
fn a_value_is_printed_with_the_digits_that_its_limit_needs() {
    let of = |limit: &str| {
        let thresholds = format!("failed.rate < 95%, sign_in.max {limit}");
        overload_report(&thresholds)
    };
    let longest = of("< 1h").latency.sign_in.intended.max_us.unwrap();
    assert!(longest > 1000, "{longest}");
    assert!(of(&format!("<= {longest}us")).verdict.passed, "the maximum is exact");
    let failed = of(&format!("<= {}us", longest - 1));
    let digits = longest.to_string();
    let (thousands, rest) = digits.split_at(digits.len() - 3);
    let shown = format!("(it was {thousands}\u{202f}{rest} µs)");
    assert!(failed.verdict.sentences[0].contains(&shown), "{:?} lacks {shown}", failed.verdict);
}
