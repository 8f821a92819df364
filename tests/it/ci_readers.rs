//! Reports for CI: annotations at the right lines, and files that GitHub, GitLab and Jenkins read. The
//! comment of a test names the public report that it comes from.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use poolproof::clock::ClockKind;
use poolproof::report::{Report, RunStatus, ScenarioResult, annotations, html, junit, read, summary};
use poolproof_pool::Defect;

use crate::browser::{Browser, picture};
use crate::cli::{TOY, output, poolproof};
use crate::interop::{node_with, run_ok};
use crate::run_fixture::{empty_folder, play, play_with, scenario};
use crate::sample::report;

/// Returns an empty folder for this test.
fn folder(name: &str) -> PathBuf {
    empty_folder("ci-readers", name)
}

/// A scenario in which risk blocks, and a pool that ignores that.
const RISKY: &str = "version: 1
name: risky
group: toy
pool:
  remember: always
  suppress_mfa: true
  mfa: optional
  risk: { mode: enforced, high: block }
population: { users: 20, factors: { totp: 50, none: 50 } }
workload:
  stages: [ { for: 20s, rate: 10/s } ]
  mix:
    known_device: 90
    wrong_password: 10
  risk: { none: 80, high: 20 }
thresholds:
  - decisions.mismatched == 0
  - sign_ins.completed > 5
";

/// Returns the line of a text in a scenario, from 1.
fn line_of(text: &str, part: &str) -> usize {
    text.lines().position(|line| line.contains(part)).unwrap() + 1
}

#[test]
fn annotations_name_the_lines_of_thresholds_and_settings() {
    let mut failing = play_with(&scenario(RISKY), Some(Defect::BlockIgnored));
    failing.scenario.yaml = RISKY.to_owned();
    failing.scenario.file = "scenarios/risky.yaml".to_owned();
    assert!(
        failing.decisions.mismatches.iter().all(|one| one.workload == "workload" && !one.intent.is_empty())
    );
    let entries = [ScenarioResult::played(failing)];
    let found = annotations(&entries);
    let lines: Vec<(String, usize)> = found.iter().map(|one| (one.title.clone(), one.line)).collect();
    let of = |part: &str| line_of(RISKY, part);
    let expected = [
        ("risky: rule risk-block".to_owned(), of("risk: { none")),
        ("risky: decisions.mismatched == 0".to_owned(), of("decisions.mismatched")),
    ];
    assert_eq!(lines, expected);
    let command = found[0].command("scenarios/risky.yaml");
    assert!(command.starts_with("::error file=scenarios/risky.yaml,line="), "{command}");
    assert!(
        command.contains("%0Areplay: poolproof run scenarios/risky.yaml") && !command.contains('\n'),
        "{command}"
    );
    // The same lines are in junit.xml.
    let junit = junit(&entries);
    let document = roxmltree::Document::parse(&junit).unwrap();
    for (name, line) in [("risk-block", expected[0].1), ("decisions.mismatched == 0", expected[1].1)] {
        let case = document.descendants().find(|node| node.attribute("name") == Some(name)).unwrap();
        assert_eq!(case.attribute("line"), Some(line.to_string().as_str()), "{name}");
        assert_eq!(case.attribute("file"), Some("scenarios/risky.yaml"));
    }
    // A mismatch of a kind of sign-in is at its entry in `mix`.
    let mut wrong = play(&scenario(RISKY));
    wrong.scenario.yaml = RISKY.replace("name: risky\n", "name: risky\n\n");
    let rule = wrong.decisions.rules.iter_mut().find(|rule| rule.id == "wrong-password").unwrap();
    rule.mismatched = 1;
    wrong.decisions.mismatches = vec![poolproof::report::Mismatch {
        number: 1,
        user: 1,
        workload: "workload".to_owned(),
        intent: "wrong_password".to_owned(),
        at_us: 1,
        rule: "wrong-password".to_owned(),
        situation: String::new(),
        expected: String::new(),
        seen: String::new(),
    }];
    assert_eq!(annotations(&[ScenarioResult::played(wrong)])[0].line, of("wrong_password") + 1);
}

#[test]
fn the_format_github_annotates_files_of_the_repository() {
    let folder = folder("github");
    let scenarios = folder.join("scenarios");
    fs::create_dir_all(&scenarios).unwrap();
    let threshold = "thresholds:\n  - sign_ins.completed > 1000\n";
    fs::write(scenarios.join("bad.yaml"), format!("{}{threshold}", TOY.replace("name: toy", "name: bad")))
        .unwrap();
    let few = TOY
        .replace("remember: always", "remember: always, quotas: cognito")
        .replace("rate: 10/s", "rate: 60/s");
    fs::write(
        scenarios.join("few.yaml"),
        few.replace("name: toy", "name: few").replace("users: 5", "users: 2"),
    )
    .unwrap();
    let run = |format: &str| {
        let mut command = poolproof();
        command.current_dir(&scenarios).env("GITHUB_WORKSPACE", &folder);
        output(command.args(["run", ".", "--out", "../out", "--format", format]))
    };
    let (code, out, _) = run("junit,github");
    assert_eq!(code, 99, "{out}");
    let error = "::error file=scenarios/bad.yaml,line=8,title=bad%3A sign_ins.completed > 1000::\
                 sign_ins.completed > 1000 does not hold: it was ";
    assert!(out.contains(error), "{out}");
    assert!(
        out.contains("::warning file=scenarios/few.yaml,line=5,title=few%3A warning::2 users are too few"),
        "{out}"
    );
    assert!(out.trim_end().ends_with("scenarios failed"), "{out}");
    assert!(folder.join("out/junit.xml").is_file());
    assert!(!run("junit").1.contains("::error"));
    // Invalid scenarios, too.
    fs::write(scenarios.join("wrong.yaml"), TOY.replace("remember:", "rember:")).unwrap();
    let (code, out, _) = run("junit,github");
    assert_eq!((code, out.lines().count()), (104, 1), "{out}");
    assert!(
        out.starts_with("::error file=scenarios/wrong.yaml,line=4,col=9,title=toy%3A invalid scenario::"),
        "{out}"
    );
    assert!(out.contains("%0Adid you mean `remember`?"), "{out}");
    let junit = fs::read_to_string(folder.join("out/junit.xml")).unwrap();
    assert!(
        junit.contains("another scenario of the command is invalid") && junit.contains("line=\"4\""),
        "{junit}"
    );
}

/// Reports action-junit-report#1065, shellspec#284 and SecScanner2JUnit#9: annotations on other files, "NaN
/// ms", and lost cases with equal names.
#[test]
fn junit_has_files_times_and_unique_names() {
    let mut twice = report(ClockKind::Wall, 3000, true);
    let threshold = twice.thresholds[0].clone();
    twice.thresholds.extend([threshold.clone(), threshold]);
    let entries = [
        ScenarioResult::played(twice),
        ScenarioResult { name: "gone".to_owned(), file: "gone.yaml".to_owned(), status: RunStatus::NotRun },
    ];
    let text = junit(&entries);
    let document = roxmltree::Document::parse(&text).unwrap();
    let mut names = BTreeSet::new();
    for node in document.descendants().filter(|node| node.has_tag_name("testcase")) {
        let of =
            |name: &str| node.attribute(name).unwrap_or_else(|| panic!("no {name} in {node:?}")).to_owned();
        assert!(names.insert((of("classname"), of("name"))), "{node:?} occurs twice");
        assert!(of("file").ends_with(".yaml") && of("time").parse::<f64>().is_ok());
        // A reader that finds no line searches for one in the text.
        assert!(node.first_element_child().is_none() || of("line").parse::<u32>().is_ok(), "{node:?}");
    }
    for node in document.descendants().filter(|node| node.tag_name().name().starts_with("testsuite")) {
        assert!(node.attribute("time").unwrap().parse::<f64>().unwrap() >= 0.0, "{node:?}");
    }
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
    assert_eq!(suite.attribute("file"), Some("scenarios/opt-in-mfa.yaml"));
    assert_eq!(suite.attribute("timestamp"), Some("2026-01-01T00:00:00Z"));
}

/// Report github-pr-resource#259: a summary of 60 scenarios did not fit into a comment.
#[test]
fn a_summary_of_many_scenarios_fits_into_a_comment_with_failures_first() {
    let (good, bad) = (report(ClockKind::Virtual, 2000, false), report(ClockKind::Virtual, 2000, true));
    let named = |report: &Report, number: usize| {
        let mut report = report.clone();
        report.scenario.name = format!("scenario-{number}");
        ScenarioResult::played(report)
    };
    let mut entries: Vec<ScenarioResult> = (0..60).map(|number| named(&good, number)).collect();
    entries.push(named(&bad, 60));
    let text = summary(&entries);
    assert!(text.len() <= 65_536, "{} bytes", text.len());
    assert!(text.contains("Not shown, because a comment can have 65,536 characters"), "{text}");
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| ✅ | scenario-") || line.starts_with("| ❌ | scenario-"));
    assert_eq!(rows.clone().count(), 61);
    assert!(rows.clone().next().unwrap().contains("scenario-60"));
    let first = text.find("<details").unwrap();
    assert!(
        text[first..].starts_with("<details open><summary>❌ <b>scenario-60</b>"),
        "{}",
        &text[first..first + 90]
    );
    // Metrics are readable as text.
    assert!(
        text.contains("| `decisions.mismatched == 0` |") && text.contains("`sign_in.p99 < 400ms`"),
        "{text}"
    );
}

/// Report k6#2748: no report of a run said when it was. Report s2n-quic PR 2718: JavaScript rounds large
/// seeds.
#[test]
fn a_run_in_real_time_has_its_start_commit_and_job() {
    let folder = folder("origin");
    let run = |clock: &str, job: &str| {
        fs::write(folder.join("toy.yaml"), TOY).unwrap();
        let mut command = poolproof();
        command.arg("run").arg(folder.join("toy.yaml")).arg("--out").arg(folder.join("out"));
        command.args(["--clock", clock, "--seed", "9007199254740993", "--format", "html,junit,markdown"]);
        for name in ["GITHUB_SERVER_URL", "GITHUB_SHA", "CI_JOB_URL", "BUILD_URL", "GIT_COMMIT"] {
            command.env_remove(name);
        }
        let (code, out, err) = output(command.env("CI_JOB_URL", job).env("CI_COMMIT_SHA", "abcdef0123"));
        assert!(code == 0 || code == 83, "{out}{err}");
        let text = |name: &str| fs::read_to_string(folder.join("out").join(name)).unwrap();
        (
            read(&folder.join("out/toy/report.json")).unwrap(),
            [text("toy/report.html"), text("summary.md"), text("junit.xml")],
        )
    };
    let (report, texts) = run("wall", "https://gitlab.example/-/jobs/7");
    let environment = report.environment.unwrap();
    let started = environment.started_at.unwrap();
    assert!(started.starts_with("20") && started.ends_with('Z'), "{started}");
    assert_eq!(environment.git_commit.as_deref(), Some("abcdef0123"));
    assert_eq!((report.seed, report.seed_text.as_str()), (9_007_199_254_740_993, "9007199254740993"));
    for text in &texts {
        let text = text.replace("&#58;", ":");
        for wanted in [&started, "abcdef0123", "gitlab.example/-/jobs/7"] {
            assert!(text.contains(wanted), "no {wanted} in {text}");
        }
    }
    // Virtual time depends on nothing of the machine.
    let (one, other) = (run("virtual", "https://a.example"), run("virtual", "https://b.example"));
    assert_eq!(one, other);
    assert!(one.0.environment.is_none());
}

#[test]
fn a_page_says_once_that_decisions_match() {
    let mut report = report(ClockKind::Virtual, 2000, false);
    report.throughput.throttled = 9;
    report.throughput.throttled_steps = [("INITIATE_AUTH", 2), ("MFA", 1), ("PASSWORD_VERIFIER", 6)]
        .map(|(step, n)| (step.to_owned(), n))
        .into();
    let page = html::page(&report, None);
    // In the verdict, and in the data inside the page.
    assert_eq!(page.matches("decisions match the rules.").count(), 2, "{page}");
    assert!(!page.contains("<h2>Mismatches</h2>") && !page.contains("It kept its schedule"));
    assert!(!page.contains("are expanded"));
    assert!(page.contains("6 of them to PASSWORD_VERIFIER") && !page.contains("2 at INITIATE_AUTH"));
}

/// Report k6-reporter#33: under Jenkins' content security policy, icons filled the page.
#[test]
#[ignore = "needs Chromium: --ignored ci_readers::"]
fn a_page_is_readable_without_styles() {
    // Jenkins' default, as a meta element can express it.
    let policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self'; style-src 'self'\">";
    let folder = folder("styles");
    let mut browser = Browser::start("jenkins");
    browser.set(1200, "light", true);
    for (name, report) in
        [("failed", report(ClockKind::Wall, 6000, true)), ("passed", report(ClockKind::Virtual, 6000, false))]
    {
        let page = html::page(&report, None)
            .replace("<meta charset=\"utf-8\">", &format!("<meta charset=\"utf-8\">{policy}"));
        let file = folder.join(format!("{name}.html"));
        fs::write(&file, page).unwrap();
        browser.open(&file);
        assert!(!browser.console_errors().is_empty(), "the policy did not apply");
        let large = "[...document.querySelectorAll('svg')].filter(svg => { \
            const box = svg.getBoundingClientRect(); return box.height > 300 || box.width > 60 && box.height > box.width; \
            }).map(svg => svg.outerHTML.slice(0, 120))";
        assert_eq!(browser.evaluate(large), serde_json::json!([]), "{name}");
        let icon = "(() => { const box = document.querySelector('svg.icon').getBoundingClientRect(); \
            return [box.width, box.height, getComputedStyle(document.querySelector('svg.icon')).color] })()";
        let color = if report.verdict.passed { "rgb(13, 107, 57)" } else { "rgb(179, 33, 26)" };
        assert_eq!(browser.evaluate(icon), serde_json::json!([34, 34, color]), "{name}");
        let screenshot = browser.screenshot();
        fs::write(folder.join(format!("{name}.png")), &screenshot).unwrap();
        let picture = picture(&screenshot);
        let black =
            picture.rows.iter().flat_map(|row| row.chunks(3)).filter(|pixel| *pixel == [0, 0, 0]).count();
        let share = black as f64 / (picture.width * picture.rows.len()) as f64;
        assert!(share < 0.1, "{name}: {share:.2} of the page is black");
    }
}

#[test]
#[ignore = "needs node and installs packages: --ignored ci_readers::"]
fn npm_readers_find_every_case_with_its_file_and_time() {
    let folder = folder("npm");
    let mut twice = report(ClockKind::Wall, 3000, true);
    let threshold = twice.thresholds[0].clone();
    twice.thresholds.push(threshold);
    let mut other = report(ClockKind::Virtual, 300, false);
    other.scenario.name = "other".to_owned();
    let entries = [
        ScenarioResult::played(twice),
        ScenarioResult::played(other),
        ScenarioResult {
            name: "gone".to_owned(),
            file: "gone.yaml".to_owned(),
            status: RunStatus::Failed("it is down".to_owned()),
        },
    ];
    let text = junit(&entries);
    let file = folder.join("junit.xml");
    fs::write(&file, &text).unwrap();
    let cases = text.matches("<testcase ").count();
    let failed = text.matches("<failure ").count() + text.matches("<error ").count();
    let out = run_ok(node_with("readers.json", "readers", "junit-readers.mjs").arg(&file));
    assert_eq!(
        out,
        format!(
            "junit2json {cases} cases, {failed} failed\ntest-results-parser {cases} cases, {failed} failed\n"
        )
    );
}
