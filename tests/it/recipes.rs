//! The CI recipes of `docs/ci.md` work: the tests parse their YAML and run their commands on small scenarios.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_yaml::Value;

use crate::cli::TOY;
use crate::run_fixture::{empty_folder, root};

/// Returns the recipe under this heading of `docs/ci.md`.
fn recipe(heading: &str) -> Value {
    let guide = fs::read_to_string(root().join("docs/ci.md")).unwrap();
    let section = guide.split(&format!("## {heading}\n")).nth(1).unwrap_or_else(|| panic!("no {heading}"));
    let text = section.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    serde_yaml::from_str(text).unwrap()
}

/// Creates a project folder with scenarios.
pub(crate) fn project(name: &str, more: &str) -> PathBuf {
    let folder = empty_folder("recipes", name);
    fs::create_dir_all(folder.join("scenarios")).unwrap();
    fs::write(folder.join("scenarios/toy.yaml"), format!("{TOY}{more}")).unwrap();
    fs::write(folder.join("scenarios/other.yaml"), TOY.replace("name: toy", "name: other")).unwrap();
    folder
}

/// Runs a step as CI does, with this program on the path, and returns its exit code and output. Installation
/// steps are skipped.
fn step(folder: &Path, script: &str) -> (i32, String) {
    if script.starts_with("cargo install") {
        return (0, String::new());
    }
    let bin = Path::new(env!("CARGO_BIN_EXE_poolproof")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.args(["-eo", "pipefail", "-c", script]).current_dir(folder).env("PATH", path).env("CI", "true");
    let output = command.env("GITHUB_STEP_SUMMARY", folder.join("step-summary")).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), text)
}

/// Runs the steps of the GitHub recipe. After a failure, only steps with `always()` run. Returns the first
/// exit code that is not zero.
fn github(folder: &Path) -> i32 {
    let recipe = recipe("GitHub Actions");
    let steps = recipe["jobs"]["sign-ins"]["steps"].as_sequence().unwrap();
    let mut failed = 0;
    let mut ran = 0;
    for one in steps {
        let Some(script) = one["run"].as_str() else { continue };
        if failed == 0 || one["if"].as_str() == Some("always()") {
            let (code, out) = step(folder, script);
            assert!(code == 0 || failed == 0, "a step after the failure also fails: {out}");
            failed = if failed == 0 { code } else { failed };
            ran += 1;
        }
    }
    assert_eq!(ran, 3, "install, run, summary");
    failed
}

/// Checks that every path that the recipe gives to CI exists.
fn assert_exist(folder: &Path, paths: &[&str]) {
    for path in paths {
        assert!(folder.join(path).exists(), "{path}");
    }
}

#[test]
fn the_github_recipe_passes_and_fails_correctly() {
    let recipe = recipe("GitHub Actions");
    let steps = recipe["jobs"]["sign-ins"]["steps"].as_sequence().unwrap();
    let artifact_paths: Vec<&str> = steps
        .iter()
        .filter_map(|one| one["with"]["path"].as_str().or_else(|| one["with"]["report_paths"].as_str()))
        .collect();
    assert_eq!(artifact_paths, ["reports", "reports/junit.xml"]);
    for (name, more, code, verdict) in [
        ("github-good", "", 0, "## ✅ poolproof: 2 scenarios passed"),
        (
            "github-bad",
            "thresholds: [ sign_ins.completed > 1000 ]\n",
            99,
            "## ❌ poolproof: 1 of 2 scenarios failed",
        ),
    ] {
        let folder = project(name, more);
        assert_eq!(github(&folder), code, "{name}");
        assert_exist(&folder, &artifact_paths);
        assert!(fs::read_to_string(folder.join("step-summary")).unwrap().starts_with(verdict), "{name}");
    }
}

#[test]
fn the_github_recipe_warns_on_a_slow_runner() {
    let folder = project("github-slow", "");
    let text = TOY.replace("users: 5", "users: 20").replace("rate: 10/s", "rate: 20000/s");
    fs::write(folder.join("scenarios/toy.yaml"), format!("clock: wall\n{text}")).unwrap();
    assert_eq!(github(&folder), 0);
    let summary = fs::read_to_string(folder.join("step-summary")).unwrap();
    assert!(summary.contains("failed (exit code 83)"), "{summary}");
}

#[test]
fn the_gitlab_recipe_passes_and_fails_correctly() {
    let recipe = recipe("GitLab CI");
    let job = &recipe["sign-ins"];
    let allowed: Vec<u64> =
        job["allow_failure"]["exit_codes"].as_sequence().unwrap().iter().filter_map(Value::as_u64).collect();
    assert_eq!(allowed, [83]);
    let artifacts = &job["artifacts"];
    let junit = artifacts["reports"]["junit"].as_str().unwrap();
    let path = artifacts["paths"][0].as_str().unwrap();
    assert_eq!(artifacts["when"].as_str(), Some("always"));
    for (name, more, wanted) in
        [("gitlab-good", "", 0), ("gitlab-bad", "thresholds: [ sign_ins.completed > 1000 ]\n", 99)]
    {
        let folder = project(name, more);
        let lines = job["script"].as_sequence().unwrap().iter().map(|line| line.as_str().unwrap());
        let code = lines.map(|line| step(&folder, line).0).find(|code| *code != 0).unwrap_or(0);
        assert_eq!(code, wanted, "{name}");
        assert_exist(&folder, &[junit, path, "reports/index.html"]);
    }
}
