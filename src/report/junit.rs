//! Writes the report as JUnit XML that CI servers such as Jenkins and GitLab read. Each scenario is a suite.
//! Each threshold and each rule is a case.
//!
//! Readers find a case's place in the source by `file` and `line`; without them some search the file tree for
//! the last part of the class name. Readers that store cases by class and name keep one of several with equal
//! names, so names are unique.

use std::collections::BTreeMap;

use super::format::{count, time};
use super::markup::xml;
use super::scenario_result::{RunStatus, ScenarioResult};
use super::verdict::too_few_samples;
use super::{Environment, Mismatch, Report, ThresholdResult};
use crate::clock::ClockKind;
use crate::scenario::Diagnostic;

/// Maximum number of mismatches that one case lists. `report.json` lists more.
const MAX_MISMATCHES: usize = 20;

/// The result of a case that did not pass.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A check failed.
    Failure,
    /// The result is unknown.
    Error,
    /// The check did not run.
    Skipped,
}

impl Kind {
    const fn tag(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Error => "error",
            Self::Skipped => "skipped",
        }
    }
}

/// A test case of a suite.
struct TestCase {
    /// The kind of check: the second half of the case's class name.
    group: &'static str,
    name: String,
    /// The line of the scenario's file that it is about; `None` if no line is known.
    line: Option<usize>,
    /// Why the case did not pass: the kind, a one-line message and the details.
    fault: Option<(Kind, String, String)>,
}

impl TestCase {
    fn new(group: &'static str, name: impl Into<String>, fault: Option<(Kind, String, String)>) -> Self {
        Self { group, name: name.into(), line: None, fault }
    }

    fn at(self, line: usize) -> Self {
        Self { line: Some(line), ..self }
    }
}

/// The start of the root element, by which the program recognizes its own files.
pub(super) const JUNIT_SIGNATURE: &str = "<testsuites name=\"poolproof\"";

/// Renders all scenarios as one file. The time of a suite is the length of its run. That of a case is zero,
/// because the cases are checks, not timed tests. Equal reports give equal bytes.
pub fn junit(entries: &[ScenarioResult]) -> String {
    let suites: Vec<(&ScenarioResult, Vec<TestCase>)> =
        entries.iter().map(|entry| (entry, cases(entry))).collect();
    let all = || suites.iter().flat_map(|(_, cases)| cases);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{JUNIT_SIGNATURE} tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{}\">\n",
        all().count(),
        count_kind(all(), Kind::Failure),
        count_kind(all(), Kind::Error),
        seconds(entries.iter().map(length_us).sum()),
    );
    for (entry, cases) in &suites {
        suite(&mut out, entry, cases);
    }
    out.push_str("</testsuites>\n");
    out
}

/// Returns the length of a scenario's run; zero if it did not run.
fn length_us(entry: &ScenarioResult) -> u64 {
    entry.report().map_or(0, |report| report.timeline.duration_us())
}

/// Formats a time in seconds.
fn seconds(us: u64) -> String {
    let ms = us / 1000;
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn count_kind<'c>(cases: impl Iterator<Item = &'c TestCase>, kind: Kind) -> usize {
    cases.filter(|case| case.fault.as_ref().is_some_and(|(own, ..)| *own == kind)).count()
}

fn suite(out: &mut String, entry: &ScenarioResult, cases: &[TestCase]) {
    let (name, file) = (xml(&entry.name), xml(&entry.file));
    let started = entry.report().and_then(|report| report.environment.as_ref()?.started_at.as_ref());
    let started = started.map_or_else(String::new, |started| format!(" timestamp=\"{}\"", xml(started)));
    out.push_str(&format!(
        "  <testsuite name=\"{name}\" file=\"{file}\" time=\"{}\"{started} tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n",
        seconds(length_us(entry)),
        cases.len(),
        count_kind(cases.iter(), Kind::Failure),
        count_kind(cases.iter(), Kind::Error),
        count_kind(cases.iter(), Kind::Skipped),
    ));
    if let Some(report) = entry.report() {
        out.push_str("    <properties>\n");
        for (key, value) in properties(report) {
            out.push_str(&format!("      <property name=\"{key}\" value=\"{}\"/>\n", xml(&value)));
        }
        out.push_str("    </properties>\n");
    }
    for TestCase { group, name: case, line, fault } in cases {
        let line = line.map_or_else(String::new, |line| format!(" line=\"{line}\""));
        // Some readers require a time for each case.
        let head = format!(
            "    <testcase classname=\"{name}.{group}\" name=\"{}\" file=\"{file}\"{line} time=\"0\"",
            xml(case)
        );
        match fault {
            None => out.push_str(&format!("{head}/>\n")),
            Some((kind, message, text)) => {
                let (tag, message, text) = (kind.tag(), xml(message), xml(text).replace("&#10;", "\n"));
                out.push_str(&format!(
                    "{head}>\n      <{tag} message=\"{message}\">{text}</{tag}>\n    </testcase>\n"
                ));
            }
        }
    }
    out.push_str("  </testsuite>\n");
}

fn properties(report: &Report) -> Vec<(String, String)> {
    let clock = match report.clock {
        ClockKind::Wall => "wall",
        ClockKind::Virtual => "virtual",
    };
    let mut properties: Vec<_> = [
        ("file", report.scenario.file.clone()),
        ("seed", report.seed.to_string()),
        ("clock", clock.to_owned()),
        ("group", report.group.clone()),
        ("target", report.target.clone()),
        ("exit_code", report.verdict.exit_code.to_string()),
        ("replay", report.replay()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    if let Some(Environment { git_commit, ci_job, .. }) = &report.environment {
        properties.extend(git_commit.clone().map(|commit| ("git_commit".to_owned(), commit)));
        properties.extend(ci_job.clone().map(|address| ("ci_job".to_owned(), address)));
    }
    properties.extend(report.failures.iter().map(|failures| {
        let text = format!("{} requests, {}", count(failures.requests), failures.first());
        (format!("failures.{}", failures.cause.as_str()), text)
    }));
    properties
}

/// Returns the cases of a suite, with unique names.
fn cases(entry: &ScenarioResult) -> Vec<TestCase> {
    let why = entry.not_run().unwrap_or_default();
    let only = |kind, message: &str, text: String, line| {
        let fault = Some((kind, message.to_owned(), text));
        vec![TestCase::new("run", RUN_CASE_NAME, fault).at(line)]
    };
    let mut cases = match &entry.status {
        RunStatus::Played(report) => cases_of(report),
        RunStatus::Failed(_) => only(Kind::Error, "It could not be run.", why, 1),
        RunStatus::Invalid(mistakes) => {
            let first = mistakes.first();
            let line = first.and_then(Diagnostic::position).map_or(1, |(line, _)| line);
            let message = first.map_or("", Diagnostic::message);
            only(Kind::Error, &format!("The scenario is invalid: {message}"), why, line)
        }
        RunStatus::NotStarted | RunStatus::NotRun => only(Kind::Skipped, &why, String::new(), 1),
    };
    let mut uses: BTreeMap<(&'static str, String), u32> = BTreeMap::new();
    for case in &mut cases {
        let count = uses.entry((case.group, case.name.clone())).or_default();
        *count += 1;
        if *count > 1 {
            case.name = format!("{} ({count})", case.name);
        }
    }
    cases
}

const RUN_CASE_NAME: &str = "the run was completed";

fn cases_of(report: &Report) -> Vec<TestCase> {
    let mut cases = run(report);
    cases.push(TestCase::new("decisions", "decisions match the rules", decisions(report)));
    for rule in &report.decisions.rules {
        let wrong = (rule.mismatched > 0).then(|| {
            let own = report.decisions.mismatches.iter().filter(|mismatch| mismatch.rule == rule.id);
            let message =
                format!("{} of {} decisions do not match", count(rule.mismatched), count(rule.seen));
            (Kind::Failure, message, mismatch_details(report, own, rule.mismatched))
        });
        let case = TestCase::new("rules", &rule.id, wrong);
        cases.push(if rule.mismatched > 0 { case.at(report.rule_line(&rule.id)) } else { case });
    }
    for (index, threshold) in report.thresholds.iter().enumerate() {
        let case = TestCase::new("thresholds", &threshold.text, crossed(threshold));
        cases.push(case.at(report.threshold_line(index)));
    }
    // A run that failed for any reason is never reported as passed.
    if !report.verdict.passed
        && count_kind(cases.iter(), Kind::Failure) + count_kind(cases.iter(), Kind::Error) == 0
    {
        let message = format!("exit code {}", report.verdict.exit_code);
        cases.push(TestCase::new(
            "run",
            "it passed",
            Some((Kind::Failure, message, report.verdict.sentences.join("\n"))),
        ));
    }
    // A reader that finds no line searches the text of a failure for one.
    cases
        .into_iter()
        .map(|case| if case.fault.is_some() && case.line.is_none() { case.at(1) } else { case })
        .collect()
}

fn run(report: &Report) -> Vec<TestCase> {
    let partial = report.partial.then(|| match report.canceled_by() {
        Some(threshold) => {
            let cut = threshold.cut().unwrap_or_default();
            let message = format!("The threshold {} {cut}; this report is partial.", threshold.text);
            (Kind::Failure, message, report.replay())
        }
        None => (Kind::Error, "The run was interrupted; this report is partial.".to_owned(), report.replay()),
    });
    let saturated =
        report.generator.saturated.as_ref().map(|why| (Kind::Failure, why.clone(), String::new()));
    let mut cases = vec![
        TestCase::new("run", RUN_CASE_NAME, partial),
        TestCase::new("run", "the generator kept up", saturated),
    ];
    if report.target != "embedded" {
        /// The exit code of a run whose target did not answer.
        const UNREACHABLE: u8 = 107;
        let silent = (report.verdict.exit_code == UNREACHABLE).then(|| {
            let (failed, all) = (report.sign_ins.transport_failed, report.sign_ins.started);
            let message = format!("{} of {} sign-ins got no response", count(failed), count(all));
            let by_cause = report.failures.iter().map(|failures| {
                format!("{} {}, {}\n", count(failures.requests), failures.cause.describe(), failures.first())
            });
            (Kind::Error, message, by_cause.collect())
        });
        cases.push(TestCase::new("run", "the target responded", silent));
    }
    cases
}

fn decisions(report: &Report) -> Option<(Kind, String, String)> {
    let decisions = &report.decisions;
    if decisions.checked == 0 {
        return Some((Kind::Skipped, "No decision was checked.".to_owned(), String::new()));
    }
    (decisions.mismatched > 0).then(|| {
        let (wrong, all) = (count(decisions.mismatched), count(decisions.checked));
        let message = format!("{wrong} of {all} decisions do not match the rules");
        (Kind::Failure, message, mismatch_details(report, decisions.mismatches.iter(), decisions.mismatched))
    })
}

fn crossed(threshold: &ThresholdResult) -> Option<(Kind, String, String)> {
    (!threshold.passed).then(|| {
        let mut message = match threshold.value {
            Some(value) => format!("it was {}", threshold.measured(value)),
            None => too_few_samples(&threshold.text),
        };
        message.extend(threshold.cut().map(|cut| format!(", and {cut}")));
        (Kind::Failure, message.clone(), format!("{}: {message}", threshold.text))
    })
}

/// Lists mismatches, then the command that reproduces them.
fn mismatch_details<'m>(report: &Report, mismatches: impl Iterator<Item = &'m Mismatch>, all: u64) -> String {
    let mut text = String::new();
    let mut written = 0;
    for mismatch in mismatches.take(MAX_MISMATCHES) {
        let Mismatch { number, user, at_us, rule, situation, expected, seen, .. } = mismatch;
        text.push_str(&format!(
            "sign-in {number} of user {user}, {} into the run\n  rule       {rule}\n  situation  \
                {situation}\n  expected   {expected}\n  actual     {seen}\n",
            time(*at_us)
        ));
        written += 1;
    }
    if written < all {
        text.push_str(&format!("… and {} more\n", count(all - written)));
    }
    text.push_str(&format!("replay: {}\n", report.replay()));
    text
}
