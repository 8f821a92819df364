//! All formats of a report have the same content, and third-party tools read them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use poolproof::clock::ClockKind;
use poolproof::metrics::Snapshot;
use poolproof::report::{
    Format, MeasuredRun, Report, RunInfo, RunStatus, ScenarioResult, common_files, distributions, index,
    interval_log, junit, run_files, summary, timeline_csv,
};
use poolproof::run::{CancellationToken, RunOutput, run};
use poolproof_cognito::time::Timestamp;
use poolproof_pool::Defect;

use crate::defects::{ALWAYS, mixed_scenario};
use crate::interop::{python_with, run_ok};
use crate::run_fixture::{empty_folder, root, run_options};
use crate::sample::{recorded, report, run_info, sign_ins};
use crate::untrusted_text::{HOSTILE, hostile_report, words};

const ALL: [Format; 6] =
    [Format::Json, Format::Html, Format::Junit, Format::Markdown, Format::Hlog, Format::Csv];

/// Runs a scenario with many kinds of sign-ins.
fn run_mixed(defect: Option<Defect>) -> RunOutput {
    run(&mixed_scenario(ALWAYS), &run_options(defect), &CancellationToken::default()).unwrap()
}

fn measured(output: &RunOutput) -> MeasuredRun<'_> {
    MeasuredRun { snapshot: &output.measured, started: output.started }
}

/// Returns reports of all kinds: failed, passed, small, empty, partial, saturated.
fn all_kinds() -> Vec<Report> {
    let with = |change: fn(&mut RunInfo), faulty| {
        let mut run_info = run_info();
        change(&mut run_info);
        Report::new(run_info, &recorded(&sign_ins(7, 900, faulty)).summary())
    };
    vec![
        report(ClockKind::Wall, 6000, true),
        report(ClockKind::Virtual, 6000, false),
        report(ClockKind::Virtual, 3, false),
        report(ClockKind::Wall, 0, false),
        with(|run_info| run_info.partial = true, false),
        with(|run_info| run_info.saturated = Some("The generator was late.".to_owned()), false),
        with(|run_info| run_info.target = "http://127.0.0.1:9229".to_owned(), true),
        with(|_| {}, false),
    ]
}

#[test]
fn junit_failures_match_the_verdict_and_sums_are_correct() {
    let mut passed = 0;
    for report in all_kinds() {
        let entry = ScenarioResult::played(report.clone());
        let text = junit(std::slice::from_ref(&entry));
        let document = roxmltree::Document::parse(&text).unwrap();
        let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
        let count = |name: &str| suite.descendants().filter(|node| node.has_tag_name(name)).count();
        for (attribute, tag) in
            [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]
        {
            assert_eq!(suite.attribute(attribute), Some(&*count(tag).to_string()), "{attribute}");
        }
        let failed = count("failure") + count("error");
        assert_eq!(failed == 0, report.verdict.passed, "{:?}\n{text}", report.verdict);
        passed += usize::from(report.verdict.passed);
        let cases = |class: &str| {
            let class = format!("opt-in-mfa.{class}");
            suite.descendants().filter(|node| node.attribute("classname") == Some(&class)).count()
        };
        assert_eq!(cases("thresholds"), report.thresholds.len());
        assert_eq!(cases("rules"), report.decisions.rules.len());
        assert_eq!(cases("decisions"), 1);
    }
    assert!(passed > 0, "no sample passes");
}

#[test]
fn a_failure_without_a_test_case_is_reported() {
    let mut report = report(ClockKind::Virtual, 1500, false);
    report.thresholds.clear();
    report.verdict.passed = false;
    report.verdict.exit_code = 42;
    report.verdict.sentences = vec!["Something new.".to_owned()];
    let text = junit(&[ScenarioResult::played(report)]);
    assert!(text.contains("failures=\"1\"") && text.contains("Something new."), "{text}");
}

#[test]
fn a_defect_appears_in_every_format() {
    let output = run_mixed(Some(Defect::BlockIgnored));
    let report = &output.report;
    let rule = report.decisions.rules.iter().find(|rule| rule.id == "risk-block").unwrap();
    assert!(rule.mismatched > 0);
    let entries = [ScenarioResult::played(report.clone())];

    let text = junit(&entries);
    let document = roxmltree::Document::parse(&text).unwrap();
    let case = document.descendants().find(|node| node.attribute("name") == Some("risk-block")).unwrap();
    let failure = case.first_element_child().unwrap();
    assert_eq!(failure.tag_name().name(), "failure");
    let first = report.decisions.mismatches.iter().find(|mismatch| mismatch.rule == "risk-block").unwrap();
    let text = failure.text().unwrap();
    for wanted in [&first.situation, &first.expected, &first.seen, &report.replay()] {
        assert!(text.contains(&**wanted), "no `{wanted}` in:\n{text}");
    }
    let passed =
        document.descendants().find(|node| node.attribute("name") == Some("wrong-password")).unwrap();
    assert!(passed.first_element_child().is_none(), "a rule without mismatches fails");

    let text = summary(&entries);
    let words = words(&text);
    assert!(words.starts_with("❌ everyone: failed (exit code 80)"), "{words}");
    for wanted in ["risk-block", &first.situation, &first.expected, &first.seen, &report.replay()] {
        assert!(words.contains(wanted), "no `{wanted}` in:\n{words}");
    }
    let page = index(&[
        entries[0].clone(),
        ScenarioResult { name: "other".to_owned(), file: "other".to_owned(), status: RunStatus::NotRun },
    ]);
    assert!(page.contains("2 of 2 scenarios failed") && page.contains("./everyone/report.html"));
    assert!(page.contains("✗ failed") && page.contains("interrupted earlier"));
}

#[test]
fn formats_match_their_snapshots() {
    let mut report = report(ClockKind::Virtual, 2000, true);
    report.decisions.mismatches.truncate(2);
    let entries = [
        ScenarioResult::played(report.clone()),
        ScenarioResult {
            name: "gone".to_owned(),
            file: "gone".to_owned(),
            status: RunStatus::Failed("the target does not answer".to_owned()),
        },
        ScenarioResult { name: "later".to_owned(), file: "later".to_owned(), status: RunStatus::NotRun },
    ];
    insta::assert_snapshot!("junit", junit(&entries));
    insta::assert_snapshot!("summary_of_three", summary(&entries));
    insta::assert_snapshot!("summary_of_one", summary(&entries[..1]));
    insta::assert_snapshot!("timeline", timeline_csv(&report).replace("\r\n", "\n"));
}

#[test]
fn timeline_csv_matches_the_report() {
    let mut report = report(ClockKind::Wall, 6000, true);
    let interval = &mut report.timeline.intervals[7];
    (interval.cool_down, interval.dropped, interval.unfinished) = (3, 5, 7);
    let text = timeline_csv(&report);
    let mut lines = text.split_terminator("\r\n");
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    let rows: Vec<BTreeMap<&str, &str>> =
        lines.map(|line| head.iter().copied().zip(line.split(',')).collect()).collect();
    assert_eq!(rows.len(), report.timeline.intervals.len());
    for (index, (row, interval)) in rows.iter().zip(&report.timeline.intervals).enumerate() {
        assert_eq!(row["start_s"], index.to_string());
        assert_eq!(row["offered"], interval.offered.to_string());
        assert_eq!(row["failed"], interval.failed.to_string());
        for (column, count) in [
            ("warm_up", interval.warm_up),
            ("cool_down", interval.cool_down),
            ("dropped", interval.dropped),
            ("unfinished", interval.unfinished),
        ] {
            assert_eq!(row[column], count.to_string(), "{column}");
        }
        assert_eq!(row["p99_us"], interval.p99_us.map_or_else(String::new, |us| us.to_string()));
    }
}

/// Histograms by tag, each with its start in µs.
type Tagged = BTreeMap<String, Vec<(u64, Histogram<u64>)>>;

/// Reads an interval log. Returns its start time in s, and its histograms.
fn read_log(log: &str) -> (Option<f64>, Tagged) {
    let mut histograms = Tagged::new();
    let mut started = None;
    for entry in IntervalLogIterator::new(log.as_bytes()) {
        match entry.unwrap() {
            LogEntry::StartTime(time) => started = Some(time.as_secs_f64()),
            LogEntry::BaseTime(_) => panic!("the log has a base time"),
            LogEntry::Interval(interval) => {
                use base64::Engine as _;
                let bytes = base64::engine::general_purpose::STANDARD.decode(interval.encoded_histogram());
                let histogram = Deserializer::new().deserialize(&mut bytes.unwrap().as_slice()).unwrap();
                let tag = interval.tag().map_or_else(String::new, |tag| tag.as_str().to_owned());
                let start = interval.start_timestamp().as_micros() as u64;
                histograms.entry(tag).or_default().push((start, histogram));
            }
        }
    }
    (started, histograms)
}

/// Checks that a value differs from `expected` by at most this share plus one.
fn assert_close(actual: u64, expected: u64, share: f64) {
    let difference = (actual as f64 - expected as f64).abs();
    assert!(difference <= expected as f64 * share + 1.0, "{actual} {expected}");
}

#[test]
fn interval_log_has_every_sign_in_and_step() {
    let output = run_mixed(None);
    let report = &output.report;
    let (started, tagged) = read_log(&interval_log(report, measured(&output)));
    assert_eq!(started, Some(0.0), "virtual time starts at 0");
    let tags: Vec<&str> = tagged.keys().map(String::as_str).collect();
    let steps: Vec<&str> = report.latency.steps.keys().map(String::as_str).collect();
    assert_eq!(tags[1..], steps, "one tag for each step");
    for (tag, histograms) in &tagged {
        let quantiles = match tag.as_str() {
            "" => &report.latency.sign_in.intended,
            step => &report.latency.steps[step],
        };
        let mut whole = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 2).unwrap();
        histograms.iter().for_each(|(_, histogram)| whole.add(histogram).unwrap());
        assert_eq!(whole.len(), quantiles.count, "{tag}");
        assert_close(whole.value_at_quantile(0.5), quantiles.p50_us.unwrap(), 0.01);
        assert_close(whole.max(), quantiles.max_us.unwrap(), 0.01);
        assert!(histograms.windows(2).all(|pair| pair[0].0 < pair[1].0), "{tag} is not in order");
    }
    for (start, histogram) in &tagged[""] {
        let interval = &report.timeline.intervals[(start / report.timeline.interval_us) as usize];
        let started = interval.offered - interval.warm_up - interval.dropped;
        assert_eq!(histogram.len(), started, "at {start} µs");
        assert_close(histogram.max(), interval.max_us.unwrap(), 0.01);
    }
}

#[test]
fn wall_clock_interval_log_has_its_start_time() {
    let snapshot = recorded(&sign_ins(7, 300, false));
    let report = report(ClockKind::Wall, 300, false);
    let started = Timestamp::from_us(1_767_225_600_123_000);
    let log = interval_log(&report, MeasuredRun { snapshot: &snapshot, started });
    assert_eq!(read_log(&log).0, Some(1_767_225_600.123));
}

#[test]
fn distributions_end_at_the_maximum_with_the_total_count() {
    let output = run_mixed(None);
    let files = distributions(measured(&output));
    let report = &output.report;
    assert_eq!(files.len(), 1 + report.latency.steps.len());
    for (name, text) in &files {
        let quantiles = match name.strip_prefix("latency.").unwrap().strip_suffix("hgrm").unwrap() {
            "" => &report.latency.sign_in.intended,
            step => &report.latency.steps[step.trim_end_matches('.')],
        };
        let rows: Vec<Vec<f64>> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .skip(2)
            .map(|line| line.split_whitespace().map(|number| number.parse().unwrap()).collect())
            .collect();
        let last = rows.last().unwrap();
        assert_eq!((last[1], last[2] as u64, last.len()), (1.0, quantiles.count, 3), "{name}");
        assert_close((last[0] * 1e3).round() as u64, quantiles.max_us.unwrap(), 0.001);
        assert!(rows.windows(2).all(|pair| pair[0][0] <= pair[1][0] && pair[0][2] <= pair[1][2]), "{name}");
        // The first line at or above the quantile 0.5 has the median.
        let median = rows.iter().find(|row| row[1] >= 0.5).unwrap();
        assert_close((median[0] * 1e3).round() as u64, quantiles.p50_us.unwrap(), 0.001);
        assert!(text.contains("#[Buckets =           22, SubBuckets     =         2048]"), "{text}");
    }
}

/// Returns an empty folder for this test.
fn folder(name: &str) -> PathBuf {
    empty_folder("formats", name)
}

#[test]
#[ignore = "needs python3 and installs packages: --ignored formats::third_party_tools_read_hlog_and_junit"]
fn third_party_tools_read_hlog_and_junit() {
    let python = python_with("formats.txt", "formats");
    let folder = folder("others");
    let failing = run_mixed(Some(Defect::BlockIgnored));
    fs::write(folder.join("latency.hlog"), interval_log(&failing.report, measured(&failing))).unwrap();
    let mut entries: Vec<ScenarioResult> = all_kinds().into_iter().map(ScenarioResult::played).collect();
    entries.push(ScenarioResult::played(hostile_report(HOSTILE)));
    entries.push(ScenarioResult {
        name: "gone".to_owned(),
        file: "gone".to_owned(),
        status: RunStatus::Failed(HOSTILE.to_owned()),
    });
    entries.push(ScenarioResult {
        name: "later".to_owned(),
        file: "later".to_owned(),
        status: RunStatus::NotRun,
    });
    fs::write(folder.join("junit.xml"), junit(&entries)).unwrap();
    let mut expected = String::new();
    let intended = &failing.report.latency.sign_in.intended;
    let steps = failing.report.latency.steps.iter().map(|(step, quantiles)| (step.as_str(), quantiles));
    for (tag, quantiles) in std::iter::once(("-", intended)).chain(steps) {
        let _ = writeln!(expected, "{tag} {}", quantiles.count);
    }
    let out = run_ok(Command::new(python).arg("tests/interop/formats.py").arg(&folder));
    assert_eq!(out, format!("{expected}junit.xml is valid\n"));
}

/// Returns the total length of all files in all formats.
fn all_formats(report: &Report, snapshot: &Snapshot) -> usize {
    let measured = MeasuredRun { snapshot, started: Timestamp::default() };
    let files = run_files(report, None, Some(measured), &ALL);
    let entries = [ScenarioResult::played(report.clone()), ScenarioResult::played(report.clone())];
    let common = common_files(&entries, &ALL);
    files.iter().chain(&common).map(|file| file.text.len()).sum()
}

#[test]
#[ignore = "prints durations: --release --ignored --nocapture"]
#[expect(clippy::disallowed_methods, reason = "the test prints durations and does not compare them")]
fn rendering_a_million_sign_ins() {
    let mut recorder = poolproof::metrics::Recorder::new();
    let sample = sign_ins(7, 20_000, true);
    let start = Instant::now();
    let mut count = 0;
    for round in 0..50_u32 {
        for sign_in in &sample {
            let shift = std::time::Duration::from_secs(200) * round;
            let mut sign_in = sign_in.clone();
            sign_in.intended += shift;
            sign_in.finished += shift;
            recorder.sign_in(&sign_in);
            count += 1;
        }
    }
    let recorded = start.elapsed() / count;
    let snapshot = recorder.into_snapshot();
    let report = Report::new(run_info(), &snapshot.summary());
    assert_eq!(report.sign_ins.started, 1_000_000);
    let measured = MeasuredRun { snapshot: &snapshot, started: Timestamp::default() };
    for format in ALL {
        let start = Instant::now();
        let files = run_files(&report, None, Some(measured), &[format]);
        let common = common_files(&[ScenarioResult::played(report.clone())], &[format]);
        let bytes: usize = files.iter().chain(&common).map(|file| file.text.len()).sum();
        println!("{format:?}: {:.1} ms, {bytes} bytes", start.elapsed().as_secs_f64() * 1e3);
    }
    let start = Instant::now();
    let bytes = all_formats(&report, &snapshot);
    println!("all formats: {:.1} ms, {bytes} bytes", start.elapsed().as_secs_f64() * 1e3);
    println!("recorded in {} ns per sign-in, including a copy", recorded.as_nanos());
    let intervals = snapshot.summary().timeline().intervals();
    println!("{} intervals", intervals.len());
}

#[test]
fn the_junit_schema_rejects_invalid_files() {
    let text = fs::read_to_string(root().join("tests/data/junit.xsd")).unwrap();
    assert!(roxmltree::Document::parse(&text).unwrap().root_element().has_tag_name("schema"));
}
