//! The output of `run` with `--quiet` and `--json`, for several mistakes, and for changed scenarios.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::{TOY, output, poolproof};
use crate::run_fixture::empty_folder;

/// Two scenarios, one with a warning: its risk has no effect.
fn scenarios(name: &str) -> PathBuf {
    let folder = empty_folder("run_output", name);
    fs::write(folder.join("a.yaml"), TOY).unwrap();
    let risky =
        TOY.replace("name: toy", "name: risky").replace("workload: {", "workload: { risk: { high: 1 },");
    fs::write(folder.join("b.yaml"), risky).unwrap();
    folder
}

/// Runs the folder, with reports below it.
fn run(folder: &Path, flags: &[&str]) -> (i32, String, String) {
    output(poolproof().arg("run").arg(folder).arg("--out").arg(folder.join("out")).args(flags))
}

#[test]
fn a_quiet_run_prints_errors_only() {
    let folder = scenarios("quiet");
    let (code, out, err) = run(&folder, &[]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("2 scenarios passed") && err.contains("warning: "), "{out}{err}");
    // The note about a folder that is not searched is no error either.
    fs::create_dir(folder.join("more")).unwrap();
    fs::write(folder.join("more/d.yaml"), TOY).unwrap();
    assert_eq!(run(&folder, &["--quiet"]), (0, String::new(), String::new()));
    assert!(folder.join("out/index.html").is_file());
    let (code, out, err) = run(&folder, &["--quiet", "--format", "json,github"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.lines().count() == 1 && out.starts_with("::warning file="), "{out}");
    fs::write(folder.join("c.yaml"), TOY.replace("remember:", "rember:")).unwrap();
    let (code, out, err) = run(&folder, &["--quiet"]);
    assert_eq!((code, out.as_str()), (104, ""));
    assert!(err.contains("unknown key `rember`"), "{err}");
}

#[test]
fn standard_output_of_a_json_run_is_its_reports() {
    let folder = scenarios("json");
    let (code, out, err) = run(&folder, &["--json", "--format", "json,github"]);
    assert_eq!(code, 0, "{out}{err}");
    let printed: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let written = ["toy", "risky"].map(|name| {
        let bytes = fs::read(folder.join("out").join(name).join("report.json")).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()
    });
    assert_eq!(printed, written);
    // Annotations are on standard error, where GitHub reads them, too.
    assert!(err.contains("\n::warning file="), "{err}");
}

#[test]
fn every_mistake_has_an_annotation_and_is_in_the_results() {
    let folder = scenarios("mistakes");
    let two = TOY.replace("remember: always", "remember: sometimes").replace("rate: 10/s", "rate: fast");
    fs::write(folder.join("a.yaml"), two).unwrap();
    let (code, out, err) = run(&folder, &["--format", "junit,markdown,github"]);
    assert_eq!((code, err.matches("error: ").count()), (104, 2), "{err}");
    for (number, line) in out.lines().enumerate() {
        let place = ["line=4,", "line=6,"].get(number).copied().unwrap();
        assert!(line.starts_with("::error file=") && line.contains(place), "{out}");
    }
    assert_eq!(out.lines().count(), 2, "{out}");
    let junit = fs::read_to_string(folder.join("out/junit.xml")).unwrap();
    for wanted in ["unknown word `sometimes`", "`fast` is not a rate"] {
        assert!(junit.contains(wanted), "no `{wanted}` in:\n{junit}");
    }
}

#[test]
fn warnings_about_changed_scenarios_name_no_line() {
    let folder = scenarios("changed");
    let file = folder.join("b.yaml");
    let check = |flags: &[&str]| output(poolproof().arg("check").arg(&file).args(flags)).1;
    assert!(check(&[]).contains("(line 6)"), "{}", check(&[]));
    let changed = check(&["--set", "seed=7"]);
    assert!(changed.contains("# Warning: ") && !changed.contains("(line "), "{changed}");
    let (code, _, err) = run(&folder, &["--set", "seed=7"]);
    assert!(code == 0 && err.contains("warning: ") && !err.contains("-->"), "{err}");
}
