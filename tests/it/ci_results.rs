//! Results of earlier runs in the same folder, and commands with several scenarios. The comment of a test
//! names the public report that it comes from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli::{TOY, output, poolproof};
use crate::run_fixture::empty_folder;

/// Returns an empty folder for this test.
fn folder(name: &str) -> PathBuf {
    empty_folder("ci-results", name)
}

/// Returns the paths of all files below a folder, relative to it, sorted.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(inner) = open.pop() {
        for entry in fs::read_dir(inner).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// Runs a scenario in the folder, with reports in `out`.
fn run(folder: &Path, text: &str, flags: &[&str]) -> (i32, String, String) {
    let file = folder.join("toy.yaml");
    fs::write(&file, text).unwrap();
    output(poolproof().arg("run").arg(file).arg("--out").arg(folder.join("out")).args(flags))
}

const EVERY_FORMAT: [&str; 2] = ["--format", "html,junit,markdown,hlog,csv"];

/// Report kiali#10275: an old page with "passed" remained after a run that failed to start.
#[test]
fn a_run_leaves_no_result_of_an_earlier_one() {
    let invalid = TOY.replace("remember:", "rember:");
    let down = ["--target", "http://127.0.0.1:1", "--format", "json,junit"];
    /// A name, the second scenario, its options, its exit code and the files that it leaves.
    type Case<'c> = (&'c str, &'c str, &'c [&'c str], i32, &'c [&'c str]);
    let cases: [Case<'_>; 5] = [
        ("invalid", &invalid, &["--format", "json"], 104, &[]),
        ("invalid-junit", &invalid, &["--format", "junit,markdown"], 104, &["junit.xml", "summary.md"]),
        ("broken", "name: toy\n\tx", &["--format", "junit"], 104, &["junit.xml"]),
        ("fewer", TOY, &["--format", "json"], 0, &["toy/report.json"]),
        ("down", &TOY.replace("group: toy", "clock: wall"), &down, 107, &["junit.xml"]),
    ];
    for (name, text, flags, exit, left) in cases {
        let folder = folder(name);
        let (code, out, err) = run(&folder, TOY, &EVERY_FORMAT);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        let out = folder.join("out");
        assert!(files(&out).len() > 7, "{:?}", files(&out));
        // Files of others stay.
        fs::write(out.join("notes.txt"), "").unwrap();
        fs::write(out.join("toy/notes.txt"), "").unwrap();
        let (code, ..) = run(&folder, text, flags);
        let mut expected: Vec<String> = left.iter().map(|name| (*name).to_owned()).collect();
        expected.extend(["notes.txt", "toy/notes.txt"].map(str::to_owned));
        expected.sort();
        assert_eq!((code, files(&out)), (exit, expected), "{name}");
        if let Ok(junit) = fs::read_to_string(out.join("junit.xml")) {
            let document = roxmltree::Document::parse(&junit).unwrap();
            let error = document.descendants().find(|node| node.has_tag_name("error")).unwrap();
            assert!(!error.attribute("message").unwrap().is_empty() && junit.contains("errors=\"1\""));
        }
    }
}

#[test]
fn shared_files_of_other_programs_stay() {
    let folder = folder("foreign");
    let out = folder.join("out");
    fs::create_dir_all(&out).unwrap();
    for name in ["junit.xml", "summary.md"] {
        fs::write(out.join(name), "<testsuites name=\"pytest\"/>").unwrap();
    }
    let (code, ..) = run(&folder, TOY, &["--format", "json"]);
    assert_eq!(
        (code, files(&out)),
        (0, ["junit.xml", "summary.md", "toy/report.json"].map(str::to_owned).to_vec())
    );
}

#[cfg(unix)]
#[test]
fn a_killed_run_leaves_no_result_of_an_earlier_one() {
    let folder = folder("killed");
    assert_eq!(run(&folder, TOY, &EVERY_FORMAT).0, 0);
    let slow = format!("clock: wall\n{}", TOY.replace("for: 2s", "for: 1h"));
    fs::write(folder.join("toy.yaml"), slow).unwrap();
    let mut command = poolproof();
    command.arg("run").arg(folder.join("toy.yaml")).arg("--out").arg(folder.join("out")).args(EVERY_FORMAT);
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    for _ in 0..1500 {
        if files(&folder.join("out")).is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(files(&folder.join("out")), Vec::<String>::new());
}

/// Report birda#350: two containers with equal process ids used the same temporary names.
#[cfg(unix)]
#[test]
fn temporary_names_do_not_depend_on_the_process_id() {
    let folder = folder("equal-ids");
    fs::write(folder.join("toy.yaml"), TOY).unwrap();
    // Folders block the names that another process with this id would use. `exec` keeps the id.
    let script = "mkdir -p out/toy/.probe.$$.tmp out/toy/.report.json.$$.tmp out/.probe.$$.tmp && exec \"$0\" run toy.yaml --out out";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_poolproof")]).current_dir(&folder);
    let (code, out, err) = output(&mut command);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
}

/// Report nomenclature#85: `.yml` files and subfolders were skipped in silence.
#[test]
fn a_folder_run_takes_yml_and_names_folders_that_it_does_not_search() {
    let folder = folder("yml");
    let scenarios = folder.join("scenarios");
    fs::create_dir_all(scenarios.join("sub")).unwrap();
    fs::create_dir_all(scenarios.join("data")).unwrap();
    for name in ["a.yaml", "b.yml", "sub/d.yaml", "data/e.json"] {
        let scenario = name.replace(['.', '/'], "-");
        fs::write(scenarios.join(name), TOY.replace("name: toy", &format!("name: {scenario}"))).unwrap();
    }
    let mut command = poolproof();
    command.arg("run").arg(&scenarios).arg("--out").arg(folder.join("out")).args(["--format", "json"]);
    let (code, out, err) = output(&mut command);
    assert_eq!(
        (code, files(&folder.join("out"))),
        (0, ["a-yaml/report.json", "b-yml/report.json"].map(str::to_owned).to_vec())
    );
    assert!(err.contains("sub is not searched") && err.lines().count() == 1, "{err}");
    let end: Vec<&str> = out.trim_end().lines().rev().take(3).collect();
    assert_eq!(end, ["  2 scenarios passed", "  ✓ b-yml   passed", "  ✓ a-yaml  passed"], "{out}");
}

/// Report criterion#530: a scenario that only one side has made the comparison fail.
#[test]
fn compare_uses_the_scenarios_that_both_sides_have() {
    let folder = folder("compare");
    let run = |out: &str, names: &[&str], text: &str| {
        for name in names {
            let file = folder.join(format!("{name}.yaml"));
            fs::write(&file, text.replace("name: toy", &format!("name: {name}"))).unwrap();
            let (code, ..) = output(poolproof().arg("run").arg(&file).arg("--out").arg(folder.join(out)));
            assert_eq!(code, 0);
        }
    };
    run("base", &["a", "gone", "changed"], TOY);
    run("head", &["a", "more"], TOY);
    run("head", &["changed"], &TOY.replace("[ { for: 2s, rate: 10/s } ]", "[ { for: 2s, rate: 11/s } ]"));
    run("other", &["more"], TOY);
    let compare = |base: &str, head: &str, format: &str| {
        output(
            poolproof()
                .arg("compare")
                .arg(folder.join(base))
                .arg(folder.join(head))
                .args(["--format", format]),
        )
    };
    let (code, out, err) = compare("base", "head", "text");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for wanted in [
        "✓ decisions identical",
        "3 scenarios were not compared.",
        "gone  only in base",
        "more  only in head",
        "changed  scenario: base has `workload.stages[0].rate: 10/s`",
    ] {
        assert!(out.contains(wanted), "no `{wanted}` in:\n{out}");
    }
    let (_, out, _) = compare("base", "head", "json");
    let result: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(result["not_compared"].as_array().unwrap().len(), 3);
    assert!(compare("base", "head", "markdown").1.contains("- more: only in head"));
    // Nothing in common.
    let (code, out, err) = compare("other", "base", "text");
    assert_eq!((code, out.as_str()), (84, ""));
    assert!(err.contains("scenarios: base has `more`, head has `a`, `changed`, `gone`"), "{err}");
}

#[test]
fn a_folder_of_several_reports_is_named_with_its_reports() {
    let folder = folder("several");
    for name in ["a", "b"] {
        let file = folder.join(format!("{name}.yaml"));
        fs::write(&file, TOY.replace("name: toy", &format!("name: {name}"))).unwrap();
        assert_eq!(output(poolproof().arg("run").arg(&file).arg("--out").arg(folder.join("out"))).0, 0);
    }
    let (code, _, err) = output(poolproof().arg("report").arg(folder.join("out")));
    assert_eq!(code, 2);
    assert!(err.contains("has the reports a, b: name one, as in ") && err.contains("out/a"), "{err}");
}
