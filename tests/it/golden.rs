//! The reports of the bundled scenarios are equal to the committed ones, byte for byte, on every machine.
//!
//! After an intended change, run `POOLPROOF_BLESS=1 cargo test golden` and read the difference before you
//! commit it.

use std::fs;
use std::path::{Path, PathBuf};

use poolproof::clock::ClockKind;
use poolproof::report::{Report, html};
use poolproof::run::{CancellationToken, RunOptions, run};
use poolproof::scenario;
use poolproof_pool::Defect;

use crate::run_fixture::{bundled, root, run_options};

/// The scenario whose page is a golden file too.
const PASSING_PAGE: &str = "storm";

/// Runs a bundled scenario as `poolproof run` does in the project's folder, with a defect if one is given.
/// Returns its name and report, or `None` if it uses the wall clock.
fn report(file: &Path, defect: Option<Defect>) -> Option<(String, Report)> {
    let (scenario, text) = scenario::read_with(file, &[], None).unwrap();
    if scenario.clock == ClockKind::Wall {
        return None;
    }
    let name = file.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
    let run_options = RunOptions { file: name, text, ..run_options(defect) };
    let report = run(&scenario, &run_options, &CancellationToken::default()).unwrap().report;
    Some((scenario.name, report))
}

/// Returns the path of a golden file.
fn golden(name: &str) -> PathBuf {
    root().join("reports/golden").join(name)
}

/// Returns the first line in which two texts differ.
fn first_difference(golden: &str, now: &str) -> String {
    let mut lines = golden.lines().zip(now.lines()).enumerate();
    match lines.find(|(_, (golden, now))| golden != now) {
        Some((number, (golden, now))) => format!("line {}: golden {golden}, now {now}", number + 1),
        None => "one text is longer than the other".to_owned(),
    }
}

/// Returns whether the test writes the golden files.
fn bless() -> bool {
    std::env::var_os("POOLPROOF_BLESS").is_some()
}

/// Compares `now` with the committed file. With POOLPROOF_BLESS, writes the file first.
fn compare(file: &str, now: &str) {
    let path = golden(file);
    if bless() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, now).unwrap();
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(committed == now, "{file} has changed: {}", first_difference(&committed, now));
}

#[test]
fn every_virtual_scenario_matches_its_golden_report() {
    let mut compared = 0;
    for file in bundled() {
        let Some((name, report)) = report(&file, None) else { continue };
        compare(&format!("{name}/report.json"), &report.to_json());
        if name == PASSING_PAGE {
            compare(&format!("{name}/report.html"), &html::page(&report, None));
        }
        assert_eq!(report.decisions.mismatched, 0, "{name}");
        assert_eq!(report.verdict.exit_code, 0, "{name}");
        compared += 1;
    }
    assert_eq!(compared, 20, "the number of scenarios with a golden report");
}

#[test]
fn a_failing_run_matches_its_golden_page() {
    let risk = root().join("scenarios/risk.yaml");
    let (_, report) = report(&risk, Some(Defect::BlockIgnored)).unwrap();
    assert_eq!(report.verdict.exit_code, 80);
    compare("failing/report.html", &html::page(&report, None));
}

#[test]
fn a_changed_digit_in_a_golden_report_is_detected() {
    let now = fs::read_to_string(golden("risk").join("report.json")).unwrap();
    let tampered = now.replacen("\"p50_us\": 4", "\"p50_us\": 5", 1);
    assert_ne!(tampered, now);
    assert!(first_difference(&tampered, &now).contains("p50_us"));
}

#[test]
fn another_seed_gives_another_report() {
    let text = fs::read_to_string(root().join("scenarios/risk.yaml")).unwrap();
    let play = |seed: &str| {
        let scenario = crate::run_fixture::scenario(&text.replace("seed: 16", seed));
        crate::run_fixture::play(&scenario).to_json()
    };
    assert_eq!(play("seed: 17"), play("seed: 17"));
    assert_ne!(play("seed: 17"), play("seed: 18"));
}
