//! `poolproof report`, folders of scenarios, and the files that cover all runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use poolproof::report::{Report, read};

use crate::cli::{TOY, output, poolproof};
use crate::run_fixture::empty_folder;

/// Creates an empty folder for one test.
fn folder(name: &str) -> PathBuf {
    empty_folder("report-command", name)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Runs a toy scenario and returns the path of its report, `folder/NAME.json`.
fn toy_report(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(format!("{name}.yaml"));
    fs::write(&file, text).unwrap();
    let (_, out, err) =
        output(poolproof().arg("run").arg(&file).arg("--out").arg(folder).args(["--format", "json"]));
    let report = folder.join("toy/report.json");
    assert!(report.is_file(), "{out}{err}");
    let kept = folder.join(format!("{name}.json"));
    fs::rename(&report, &kept).unwrap();
    kept
}

#[test]
fn a_folder_of_scenarios_gets_an_index_and_one_file_for_ci() {
    let folder = folder("several");
    for name in ["b", "a"] {
        fs::write(
            folder.join(format!("{name}.yaml")),
            TOY.replace("name: toy", &format!("name: toy-{name}")),
        )
        .unwrap();
    }
    fs::write(
        folder.join("c.yaml"),
        format!("{}thresholds: [ sign_ins.completed > 1000 ]\n", TOY.replace("name: toy", "name: toy-c")),
    )
    .unwrap();
    fs::write(folder.join("notes.txt"), "no scenario").unwrap();
    fs::write(folder.join(".hidden.yaml"), "no scenario").unwrap();
    let out = folder.join("out");
    let run = |formats: &str| {
        output(poolproof().arg("run").arg(&folder).arg("--out").arg(&out).args(["--format", formats]))
    };
    let (code, stdout, err) = run("html,junit,markdown,hlog,csv");
    assert_eq!((code, err.as_str()), (99, ""), "{stdout}");
    assert_eq!(names(&out), ["index.html", "junit.xml", "summary.md", "toy-a", "toy-b", "toy-c"]);
    let own = names(&out.join("toy-b"));
    for wanted in [
        "latency.PASSWORD_VERIFIER.hgrm",
        "latency.hgrm",
        "latency.hlog",
        "report.html",
        "report.json",
        "timeline.csv",
    ] {
        assert!(own.iter().any(|name| name == wanted), "no {wanted} in {own:?}");
    }
    for wanted in ["index.html", "junit.xml", "summary.md"] {
        assert!(stdout.contains(out.join(wanted).to_str().unwrap()), "{stdout}");
    }
    let order: Vec<usize> =
        ["toy-a  passed", "toy-b  passed", "toy-c  failed"].map(|name| stdout.find(name).unwrap()).into();
    assert!(order.is_sorted(), "the scenarios are not sorted by name");
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    assert_eq!(page.matches("/report.html\"").count(), 3);
    assert!(page.contains("1 of 3 scenarios failed"));
    let junit = fs::read_to_string(out.join("junit.xml")).unwrap();
    let document = roxmltree::Document::parse(&junit).unwrap();
    assert_eq!(document.descendants().filter(|node| node.has_tag_name("testsuite")).count(), 3);
    assert!(
        fs::read_to_string(out.join("summary.md"))
            .unwrap()
            .starts_with("## ❌ poolproof: 1 of 3 scenarios failed")
    );
    // The command deletes files in other formats because they describe the previous run.
    let (code, ..) = run("json");
    assert_eq!((code, names(&out.join("toy-b"))), (99, vec!["report.json".to_owned()]));
}

#[test]
fn an_empty_folder_is_reported_and_check_accepts_folders() {
    let folder = folder("none");
    let (code, out, err) = output(poolproof().arg("run").arg(&folder));
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("no *.yaml in"), "{err}");
    fs::write(folder.join("toy.yaml"), TOY).unwrap();
    let (code, out, err) = output(poolproof().arg("check").arg(&folder));
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("name: toy"), "{out}");
}

#[test]
fn a_foreign_file_is_not_overwritten() {
    let folder = folder("not-ours");
    let scenarios = folder.join("scenarios");
    fs::create_dir_all(&scenarios).unwrap();
    for name in ["a", "b"] {
        fs::write(
            scenarios.join(format!("{name}.yaml")),
            TOY.replace("name: toy", &format!("name: toy-{name}")),
        )
        .unwrap();
    }
    fs::write(folder.join("index.html"), "<p>my page</p>").unwrap();
    let run = || output(poolproof().arg("run").arg(&scenarios).arg("--out").arg(&folder));
    let (code, out, err) = run();
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("index.html exists") && err.contains("Nothing was run"), "{err}");
    assert_eq!(fs::read_to_string(folder.join("index.html")).unwrap(), "<p>my page</p>");
    assert_eq!(names(&folder), ["index.html", "scenarios"]);
    fs::remove_file(folder.join("index.html")).unwrap();
    assert_eq!((run().0, run().0), (0, 0), "the command replaces its own index");
}

#[cfg(unix)]
#[test]
fn an_interrupted_command_writes_an_index_with_missing_runs() {
    let folder = folder("interrupted");
    let slow =
        |name| TOY.replace("name: toy", &format!("clock: wall\nname: {name}")).replace("for: 2s", "for: 60s");
    for name in ["first", "second"] {
        fs::write(folder.join(name).with_extension("yaml"), slow(name)).unwrap();
    }
    let out = folder.join("out");
    let mut command = poolproof();
    command.arg("run").arg(&folder).arg("--out").arg(&out).args(["--format", "html,junit,markdown"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The command creates the folder before the run, and then installs its signal handler.
    for _ in 0..1500 {
        if out.join("second").is_dir() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(1500));
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let exited = child.wait_with_output().unwrap();
    assert_eq!(exited.status.code(), Some(105));
    assert_eq!(names(&out), ["first", "index.html", "junit.xml", "summary.md"]);
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(page.contains("✗ interrupted") && page.contains("2 of 2 scenarios failed"), "{page}");
    let junit = fs::read_to_string(out.join("junit.xml")).unwrap();
    let document = roxmltree::Document::parse(&junit).unwrap();
    let suites: Vec<_> = document.descendants().filter(|node| node.has_tag_name("testsuite")).collect();
    let attribute = |suite: usize, key: &str| suites[suite].attribute(key).unwrap().to_owned();
    assert_eq!((attribute(0, "name"), attribute(0, "errors")), ("first".to_owned(), "1".to_owned()));
    assert_eq!((attribute(1, "name"), attribute(1, "skipped")), ("second".to_owned(), "1".to_owned()));
    assert!(fs::read_to_string(out.join("summary.md")).unwrap().contains("not run: interrupted"));
}

#[test]
fn a_report_is_rendered_again_from_its_json() {
    let folder = folder("again");
    let file = toy_report(&folder, "one", TOY);
    let out = folder.join("out");
    let before = fs::read(&file).unwrap();
    let (code, stdout, err) = output(
        poolproof()
            .arg("report")
            .arg(&file)
            .arg("--out")
            .arg(&out)
            .args(["--format", "html,json,junit,markdown,csv"]),
    );
    assert_eq!((code, err.as_str()), (0, ""), "{stdout}");
    assert_eq!(names(&out), ["junit.xml", "report.html", "report.json", "summary.md", "timeline.csv"]);
    assert!(stdout.contains("0 mismatched") && stdout.contains("report.html"), "{stdout}");
    assert_eq!(fs::read(out.join("report.json")).unwrap(), before, "the report changed");
    // Without --out, the files are written to the report's folder. The argument can be the folder or the
    // file.
    let (code, ..) = output(poolproof().arg("report").arg(&out).args(["--format", "markdown,json"]));
    assert_eq!((code, fs::read(out.join("report.json")).unwrap() == before), (0, true));
    assert!(fs::read_to_string(out.join("summary.md")).unwrap().starts_with("## ✅ toy: passed"));
}

#[test]
fn hlog_is_rejected_for_a_report() {
    let folder = folder("histograms");
    let file = toy_report(&folder, "one", TOY);
    let (code, out, err) = output(poolproof().arg("report").arg(&file).args(["--format", "html,hlog"]));
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.contains("'hlog'") && err.contains("[possible values: json, html, junit, markdown, csv]"),
        "{err}"
    );
    assert!(!folder.join("report.html").exists(), "the command wrote a part of the formats");
    let (_, help, _) = output(poolproof().args(["report", "--help"]));
    assert!(!help.contains("- hlog") && help.contains("- csv"), "{help}");
    assert!(help.contains("only `run` writes them"), "{help}");
}

#[test]
fn an_invalid_report_is_rejected_without_writing() {
    let folder = folder("broken");
    let whole = fs::read_to_string(toy_report(&folder, "one", TOY)).unwrap();
    fs::write(folder.join("report.html"), "the page of before").unwrap();
    for (name, text, wanted) in [
        ("cut", whole[..whole.len() / 2].to_owned(), "before the report does"),
        ("foreign", "{ \"metrics\": {} }".to_owned(), "missing field `schema_version`"),
        ("list", "[1, 2]".to_owned(), "is not a report"),
        ("words", "no report".to_owned(), "is not a report"),
        ("empty", String::new(), "before the report does"),
        (
            "older",
            whole.replace("\"schema_version\": 2", "\"schema_version\": 1"),
            "its schema_version is 1, this version reads 2; run the scenario again",
        ),
        ("fewer", whole.replace("\"sign_ins\"", "\"signs\""), "missing field `sign_ins`"),
    ] {
        let file = folder.join(format!("{name}.json"));
        fs::write(&file, &text).unwrap();
        for line in [&["report"][..], &["report", folder.join("one.json").to_str().unwrap(), "--baseline"]] {
            let (code, out, err) = output(poolproof().args(line).arg(&file));
            assert_eq!((code, out.as_str()), (2, ""), "{name}: {err}");
            assert!(err.contains(wanted) && err.contains(&format!("{name}.json")), "{name}: {err}");
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
    assert_eq!(fs::read_to_string(folder.join("report.html")).unwrap(), "the page of before");
    let (code, _, err) = output(poolproof().arg("report").arg(folder.join("nowhere.json")));
    assert!(code == 2 && err.contains("cannot read"), "{err}");
    if cfg!(unix) {
        let (code, _, err) = output(poolproof().args(["report", "/dev/zero"]));
        assert!(code == 2 && err.contains("cannot read /dev/zero: file is larger than 64 MiB"), "{err}");
    }
}

#[test]
fn a_comparable_baseline_is_shown() {
    let folder = folder("baseline");
    let slower = format!("{TOY}service: {{ modexp_256: 3ms, modexp_513: 3ms, modexp_1025: 3ms }}\n");
    let (base, head) = (toy_report(&folder, "base", TOY), toy_report(&folder, "head", &slower));
    let other = toy_report(&folder, "other", &TOY.replace("rate: 10/s", "rate: 11/s"));
    let out = folder.join("out");
    let report = |baseline: &Path| {
        let mut command = poolproof();
        command.arg("report").arg(&head).arg("--baseline").arg(baseline).arg("--out").arg(&out);
        output(command.args(["--format", "html,markdown"]))
    };
    let (code, stdout, err) = report(&base);
    assert_eq!((code, err.as_str()), (0, ""), "{stdout}");
    let p50 = |file: &Path| -> u64 { read(file).unwrap().latency.sign_in.intended.p50_us.unwrap() };
    assert!(p50(&head) > p50(&base), "the head is not slower");
    let summary = fs::read_to_string(out.join("summary.md")).unwrap();
    for text in [&summary, &stdout] {
        let text = text.replace("&#95;", "_");
        assert!(text.contains("proves nothing about speed") && text.contains("sign_in p50"), "{text}");
    }
    fs::remove_dir_all(&out).unwrap();
    let (code, stdout, err) = report(&other);
    assert_eq!((code, stdout.as_str()), (84, ""));
    assert!(err.contains("11/s") && err.contains("Nothing was written."), "{err}");
    assert!(!out.exists());
    let base_report: Report = read(&base).unwrap();
    assert_eq!(base_report.scenario.name, "toy");
}
