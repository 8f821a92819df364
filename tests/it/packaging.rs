//! Workflows, the action for GitHub and the container image: their command lines are those of the program,
//! and they agree on the names of archives.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_yaml::Value;

use crate::cli::{output, poolproof};
use crate::recipes::project;
use crate::run_fixture::root;

const CI: &str = ".github/workflows/ci.yml";
const RELEASE: &str = ".github/workflows/release.yml";
const ACTION: &str = "action.yml";

fn text(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

fn yaml(file: &str) -> Value {
    serde_yaml::from_str(&text(file)).unwrap()
}

/// Returns all values of this key, at any depth.
fn values<'v>(within: &'v Value, key: &str) -> Vec<&'v str> {
    match within {
        Value::Mapping(mapping) => {
            let own = mapping.get(key).and_then(Value::as_str);
            own.into_iter().chain(mapping.values().flat_map(|value| values(value, key))).collect()
        }
        Value::Sequence(all) => all.iter().flat_map(|value| values(value, key)).collect(),
        _ => Vec::new(),
    }
}

/// Returns the script of the step of this name of the action.
fn action_step(name: &str) -> String {
    let action = yaml(ACTION);
    let steps = action["runs"]["steps"].as_sequence().unwrap();
    let step = steps.iter().find(|step| step["name"].as_str() == Some(name)).unwrap();
    step["run"].as_str().unwrap().to_owned()
}

/// Returns the lines of a script that call the program, without its name.
fn calls(script: &str) -> Vec<&str> {
    let names = ["poolproof ", "\"$program\" "];
    let lines = script.lines().map(str::trim);
    lines.filter_map(|line| names.iter().find_map(|name| line.strip_prefix(name))).collect()
}

/// Returns what is wrong with the options of a command line, as the program's help describes them.
fn unknown_options(line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split_whitespace().take_while(|word| !matches!(*word, "--" | "||")).collect();
    let help_line: &[&str] = if words[0].starts_with("--") { &["--help"] } else { &[words[0], "--help"] };
    let (code, help, _) = output(poolproof().args(help_line));
    if code != 0 {
        return vec![format!("{line}: no command {}", words[0])];
    }
    let known: BTreeSet<&str> =
        help.split_whitespace().map(|word| word.trim_end_matches([',', '.', ';', ')'])).collect();
    let formats = words.iter().zip(&words[1..]).filter(|(flag, _)| **flag == "--format");
    let formats = formats.flat_map(|(_, list)| list.split(',')).map(|format| (format!("{format}:"), format));
    let unknown_formats = formats.filter(|(form, _)| !help.contains(&format!("- {form}")));
    let unknown_formats: Vec<String> =
        unknown_formats.map(|(_, format)| format!("{line}: no format {format}")).collect();
    let flags = words.iter().filter(|word| word.starts_with("--") && !known.contains(**word));
    flags.map(|flag| format!("{line}: no option {flag}")).chain(unknown_formats).collect()
}

#[test]
fn command_lines_have_options_of_the_program() {
    let mut found = Vec::new();
    let mut scripts: Vec<String> = Vec::new();
    for file in [CI, RELEASE, ACTION] {
        scripts.extend(values(&yaml(file), "run").into_iter().map(str::to_owned));
    }
    let examples = text("Containerfile")
        .lines()
        .filter_map(|line| line.split_once(" poolproof "))
        .map(|(_, line)| line.to_owned())
        .filter(|line| line.starts_with("run ") || line.starts_with("serve "))
        .collect::<Vec<_>>();
    assert_eq!(examples.len(), 2, "{examples:?}");
    let lines: Vec<&str> =
        scripts.iter().flat_map(|script| calls(script)).chain(examples.iter().map(String::as_str)).collect();
    assert_eq!(lines.len(), 6, "{lines:?}");
    for line in lines {
        found.extend(unknown_options(line));
    }
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(unknown_options("run x --fromat html").len(), 1);
    assert_eq!(unknown_options("run x --format html,pdf").len(), 1);
    assert_eq!(unknown_options("runs x").len(), 1);
}

#[test]
fn workflows_call_ci_run_and_pin_what_they_use() {
    let ci = yaml(CI);
    let scripts = values(&ci, "run");
    assert_eq!(scripts.iter().filter(|script| **script == "bash .ci/run").count(), 1);
    assert!(!scripts.iter().any(|script| script.contains("cargo ")), "CI is defined twice: {scripts:?}");
    for file in [CI, RELEASE, ACTION] {
        let document = yaml(file);
        // Text of a caller that is part of a script would be executed.
        for script in values(&document, "run") {
            assert!(!script.contains("${{"), "{file}: {script}");
        }
        for used in values(&document, "uses") {
            let commit = used.split_once('@').unwrap().1;
            assert!(
                commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{file}: {used}"
            );
        }
    }
    for file in [CI, RELEASE] {
        let document = yaml(file);
        assert!(document["permissions"].as_mapping().unwrap().is_empty(), "{file}");
        for (name, job) in document["jobs"].as_mapping().unwrap() {
            let permissions = job["permissions"].as_mapping().unwrap();
            let contents = if name.as_str() == Some("publish") { "write" } else { "read" };
            assert_eq!(permissions.len(), 1, "{file}: {name:?}");
            assert_eq!(job["permissions"]["contents"].as_str(), Some(contents), "{file}: {name:?}");
        }
    }
}

#[test]
fn the_names_of_archives_agree() {
    let release = yaml(RELEASE);
    let rows = release["jobs"]["build"]["strategy"]["matrix"]["include"].as_sequence().unwrap();
    let archives: BTreeSet<String> = rows
        .iter()
        .map(|row| {
            format!("poolproof-{}.{}", row["target"].as_str().unwrap(), row["archive"].as_str().unwrap())
        })
        .collect();
    assert_eq!(archives.len(), 4);
    let install = action_step("Install poolproof");
    let installed: Vec<&str> =
        install.lines().filter_map(|line| line.split_once("archive=")?.1.split(' ').next()).collect();
    assert_eq!(installed.len(), 3, "{install}");
    for archive in installed {
        assert!(archives.contains(archive), "{archive}");
    }
    let manifest = text("Cargo.toml");
    for archive in archives {
        let (target, _) = archive.strip_prefix("poolproof-").unwrap().split_once('.').unwrap();
        let url = format!("/v{{ version }}/{}\"", archive.replace(target, "{ target }"));
        assert!(manifest.contains(&url), "{url}");
    }
    assert!(manifest.contains("bin-dir = \"poolproof-{ target }/{ bin }{ binary-ext }\""));
}

/// Runs a script of the action as GitHub does, with this program on the path. Returns the exit code and what
/// was printed.
fn run_script(folder: &Path, script: &str, variables: &[(&str, &str)]) -> (i32, String) {
    let bin = Path::new(env!("CARGO_BIN_EXE_poolproof")).parent().unwrap();
    let mut command = Command::new("bash");
    command.args(["-eo", "pipefail", "-c", script]).current_dir(folder).envs(variables.iter().copied());
    command.env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap())).env("CI", "true");
    command.env("GITHUB_OUTPUT", folder.join("output")).env("GITHUB_STEP_SUMMARY", folder.join("summary"));
    let (code, out, err) = output(&mut command);
    (code, out + &err)
}

#[test]
fn the_action_runs_scenarios_and_never_its_inputs() {
    let (run, summary) = (action_step("Run the scenarios"), action_step("Job summary"));
    let crossed = "thresholds: [ sign_ins.completed > 1000 ]\n";
    for (name, more, code, annotation) in [
        ("action-good", "", 0, None),
        ("action-bad", crossed, 99, Some("::error title=poolproof::The run failed with exit code 99.")),
    ] {
        let folder = project(name, more);
        let variables = [("SCENARIOS", "scenarios\n\n"), ("OUT", "out folder"), ("SLOW_RUNNER", "warn")];
        let (seen, out) = run_script(&folder, &run, &variables);
        assert_eq!(seen, code, "{out}");
        assert_eq!(out.contains("::error"), annotation.is_some(), "{out}");
        assert!(annotation.is_none_or(|line| out.contains(line)), "{out}");
        assert_eq!(fs::read_to_string(folder.join("output")).unwrap(), format!("exit-code={code}\n"));
        assert_eq!(run_script(&folder, &summary, &variables).0, 0);
        assert!(fs::read_to_string(folder.join("summary")).unwrap().contains("poolproof: "));
    }
    let folder = project("action-hostile", "");
    for input in ["$(touch pwned)", "`touch pwned`", "x; touch pwned", "--out=pwned", "x'\"; touch pwned #"] {
        let variables = [("SCENARIOS", input), ("OUT", "reports"), ("SLOW_RUNNER", "warn")];
        let (code, out) = run_script(&folder, &run, &variables);
        assert_ne!(code, 0, "{input}: {out}");
        assert!(!folder.join("pwned").exists(), "{input}: {out}");
    }
    let install = action_step("Install poolproof");
    for version in ["", "main", "v1", "v1.2.3; touch pwned", "$(touch pwned)", "v1.2.3\nv1.2.3"] {
        let (code, out) = run_script(&folder, &install, &[("VERSION", version)]);
        assert!(code == 2 && out.contains("the version must be a release"), "{version}: {out}");
    }
    assert!(!folder.join("pwned").exists());
}
