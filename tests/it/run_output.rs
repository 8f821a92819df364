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
fn a_quiet_run_says_why_it_failed() {
    let folder = scenarios("quiet-failure");
    let (code, out, err) = run(&folder, &["--quiet", "--set", "thresholds=[ decisions.checked < 1 ]"]);
    assert_eq!((code, out.as_str()), (99, ""));
    let lines: Vec<&str> = err.lines().collect();
    assert_eq!(lines.len(), 2, "{err}");
    for (line, name) in lines.into_iter().zip(["toy", "risky"]) {
        let start = format!(
            "error: {name} failed (exit code 99): The threshold does not hold: decisions.checked < 1"
        );
        assert!(line.starts_with(&start), "{line}");
    }
}

#[test]
fn arguments_that_are_no_scenarios_have_hints() {
    let folder = scenarios("hints");
    let refused = |args: &[&str], wanted: &[&str]| {
        let (code, _, err) = output(poolproof().current_dir(&folder).args(args));
        assert!(code == 2 || code == 104, "{code} {err}");
        for text in wanted {
            assert!(err.contains(text), "no `{text}` of {args:?} in:\n{err}");
        }
    };
    refused(&["run", "-", "-"], &["`-`, standard input, can be given only once"]);
    refused(
        &["run", "a.yaml", "--seed", "x"],
        &["--seed <N>': expected a whole number from 0 to 18446744073709551615"],
    );
    refused(&["init", "--users", "0"], &["expected a whole number from 1 to 1000000"]);
    refused(&["man", "dance"], &["no command `dance`; the pages are those of run, check, "]);
    fs::create_dir_all(folder.join("pool")).unwrap();
    fs::write(folder.join("pool/describe.json"), "{}").unwrap();
    refused(&["advise", "pool"], &["pool: a folder, not a file", "as in `pool/*.json`"]);
    refused(&["check", "pool"], &["no *.yaml in pool, and no *.yml: name a file", "poolproof init"]);
    fs::create_dir_all(folder.join("action/scenarios")).unwrap();
    fs::write(folder.join("action/scenarios/a.yaml"), TOY).unwrap();
    let action = "name: x\ndescription: >-\n  text\n  more\ninputs:\n  a: { b: c }\nruns: { using: node }\n";
    fs::write(folder.join("action/action.yml"), action).unwrap();
    let wanted =
        ["not a scenario: it has neither `pool` nor `population`", "it has 1 scenario file; name it, too"];
    refused(&["check", "action"], &wanted);
    fs::write(folder.join("Cargo.toml"), "[workspace]\nresolver = \"3\"\n").unwrap();
    refused(&["init", "--from", "Cargo.toml"], &["Cargo.toml:1:2", "neither a scenario nor JSON", "*.yaml"]);
    let set = |change: &str, wanted: &str| refused(&["check", "a.yaml", "--set", change], &[wanted]);
    set("population.users=0", "`0` is not a whole number from 1 to 1000000");
    set("workload.stages[0].for=10", "`10` is not a time such as `8s`");
    set("workload.stages[0].rate=-3/s", "`-3/s` is negative: write a rate such as `20/s`");
    set("workload.stages[9].rate=1/s", "is a list with one item: choose [0], or [1] to add one");
    let (_, _, err) = output(poolproof().current_dir(&folder).args([
        "check",
        "a.yaml",
        "--set",
        "thresholds=['foo.p99 < 1s', 'decisions{rule:nope}.checked > 1']",
    ]));
    assert!(
        err.contains("`poolproof matrix` and every report show") && !err.contains("did you mean"),
        "{err}"
    );
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
