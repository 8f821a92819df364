//! The command line: exit codes, messages about invalid input, and complete reports.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::run_fixture::{empty_folder, root};

/// Returns an empty folder for this test.
fn folder(name: &str) -> PathBuf {
    empty_folder("cli", name)
}

/// Returns a command that runs the program in the project's folder.
pub(crate) fn poolproof() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_poolproof"));
    command.current_dir(root()).env("CI", "true").stdin(Stdio::null());
    command
}

/// Runs a command. Returns its exit code, standard output and standard error.
pub(crate) fn output(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

pub(crate) const TOY: &str = "version: 1
name: toy
group: toy
pool: { remember: always }
population: { users: 5 }
workload: { stages: [ { for: 2s, rate: 10/s } ] }
";

#[test]
fn a_passing_run_exits_0_and_prints_the_report_path() {
    let folder = folder("good");
    fs::write(folder.join("toy.yaml"), TOY).unwrap();
    let (code, out, err) =
        output(poolproof().arg("run").arg(folder.join("toy.yaml")).arg("--out").arg(&folder));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let report = folder.join("toy/report.html");
    for wanted in ["passed", "0 mismatched", "PASSWORD_VERIFIER", report.to_str().unwrap()] {
        assert!(out.contains(wanted), "no `{wanted}` in:\n{out}");
    }
    assert!(report.is_file() && folder.join("toy/report.json").is_file());
    let files: Vec<_> = fs::read_dir(folder.join("toy")).unwrap().collect();
    assert_eq!(files.len(), 2, "the run left other files");
}

#[test]
fn a_crossed_threshold_exits_99_and_seed_overrides_the_scenario() {
    let folder = folder("threshold");
    let text = format!("{TOY}thresholds: [ sign_ins.completed > 1000 ]\n");
    fs::write(folder.join("toy.yaml"), text).unwrap();
    let run = || {
        let mut command = poolproof();
        command.arg("run").arg(folder.join("toy.yaml")).arg("--out").arg(&folder).args(["--format", "json"]);
        command
    };
    let (code, out, _) = output(&mut run());
    assert_eq!(code, 99, "{out}");
    assert!(!folder.join("toy/report.html").exists(), "the run wrote a page with --format json");
    let (_, out, _) = output(run().args(["--seed", "77"]));
    assert!(out.contains("seed 77"), "{out}");
}

#[test]
fn an_invalid_scenario_exits_104_before_the_run() {
    let folder = folder("bad");
    fs::write(folder.join("toy.yaml"), TOY).unwrap();
    fs::write(folder.join("bad.yaml"), TOY.replace("remember:", "rember:")).unwrap();
    let files = [folder.join("toy.yaml"), folder.join("bad.yaml"), folder.join("missing.yaml")];
    let (code, out, err) = output(poolproof().arg("run").args(&files).arg("--out").arg(&folder));
    assert_eq!((code, out.as_str()), (104, ""));
    for wanted in ["bad.yaml:4:9", "rember", "did you mean `remember`?", "missing.yaml"] {
        assert!(err.contains(wanted), "no `{wanted}` in:\n{err}");
    }
    assert!(!folder.join("toy").exists(), "a scenario was run");
    let (code, _, err) = output(poolproof().arg("check").args(&files));
    assert_eq!(code, 104, "{err}");
}

#[test]
fn an_unwritable_folder_is_reported_before_the_run() {
    let folder = folder("unwritable");
    fs::write(folder.join("toy.yaml"), TOY).unwrap();
    // Not even root can write to a folder whose path is a file.
    fs::write(folder.join("taken"), "").unwrap();
    let out = folder.join("taken");
    let (code, out, err) = output(poolproof().arg("run").arg(folder.join("toy.yaml")).arg("--out").arg(&out));
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("taken") && err.contains("Nothing was run"), "{err}");
}

#[test]
fn a_folder_at_the_report_path_is_reported_before_the_run() {
    let folder = folder("in-its-place");
    fs::write(folder.join("toy.yaml"), TOY).unwrap();
    fs::create_dir_all(folder.join("toy/report.html")).unwrap();
    let (code, out, err) =
        output(poolproof().arg("run").arg(folder.join("toy.yaml")).arg("--out").arg(&folder));
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("report.html") && err.contains("Nothing was run"), "{err}");
    assert!(!folder.join("toy/report.json").exists(), "the command wrote an incomplete report");
}

#[test]
fn a_run_that_checks_nothing_does_not_pass() {
    let folder = folder("nothing");
    fs::write(folder.join("toy.yaml"), TOY.replace("rate: 10/s", "rate: 0.001/s")).unwrap();
    let (code, out, _) =
        output(poolproof().arg("run").arg(folder.join("toy.yaml")).arg("--out").arg(&folder));
    assert_eq!(code, 99, "{out}");
    assert!(out.contains("decisions.mismatched == 0 (too few samples to say)"), "{out}");
}

/// Returns the exit codes of a `--help` text, each with its description.
fn exit_codes(help: &str) -> Vec<(String, String)> {
    let list = help.split("Exit codes:\n").nth(1).unwrap();
    let lines = list.lines().map_while(|line| line.strip_prefix("  ")?.trim_start().split_once("  "));
    lines.map(|(code, text)| (code.to_owned(), text.to_owned())).collect()
}

#[test]
fn exit_codes_match_between_help_and_docs() {
    let (_, help, _) = output(poolproof().arg("--help"));
    let codes = exit_codes(&help);
    assert_eq!(codes.len(), 13, "{codes:?}");
    let docs = fs::read_to_string(root().join("docs/cli.md")).unwrap();
    for (code, text) in &codes {
        assert!(docs.contains(&format!("| {code} | {text} |")), "docs/cli.md does not have {code}: {text}");
    }
    assert!(docs.contains(help.lines().last().unwrap()), "docs/cli.md does not have the order of the codes");
    let listed: Vec<String> = codes.iter().map(|(code, text)| format!("{code} {text}")).collect();
    // The help of each command lists a part of the same codes.
    for command in ["capacity", "compare"] {
        let (_, help, _) = output(poolproof().args([command, "--help"]));
        let codes = exit_codes(&help);
        assert!(
            codes.len() >= 6
                && codes.iter().all(|(code, _)| listed.iter().any(|line| line.starts_with(code))),
            "{codes:?}"
        );
    }
}

#[test]
fn two_scenarios_with_the_same_name_are_refused() {
    let folder = folder("twins");
    fs::write(folder.join("one.yaml"), TOY).unwrap();
    fs::write(folder.join("two.yaml"), TOY).unwrap();
    let files = [folder.join("one.yaml"), folder.join("two.yaml")];
    let (code, _, err) = output(poolproof().arg("run").args(files).arg("--out").arg(&folder));
    assert_eq!(code, 2);
    assert!(err.contains("both named `toy`"), "{err}");
}

#[test]
fn a_saturated_generator_exits_83_with_a_message() {
    let folder = folder("saturated");
    let text = TOY.replace("users: 5", "users: 20").replace("rate: 10/s", "rate: 20000/s");
    fs::write(folder.join("toy.yaml"), format!("clock: wall\n{text}")).unwrap();
    let (code, out, _) =
        output(poolproof().arg("run").arg(folder.join("toy.yaml")).arg("--out").arg(&folder));
    assert_eq!(code, 83, "{out}");
    assert!(out.contains("The generator"), "{out}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_exits_105_with_a_partial_report() {
    let folder = folder("interrupted");
    let text = TOY.replace("for: 2s", "for: 1h");
    fs::write(folder.join("toy.yaml"), format!("clock: wall\n{text}")).unwrap();
    let mut command = poolproof();
    command.arg("run").arg(folder.join("toy.yaml")).arg("--out").arg(&folder);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(105), "{out}");
    let report = poolproof::report::read(&folder.join("toy/report.json")).unwrap();
    assert!(report.partial);
    let sums = &report.sign_ins;
    assert!(sums.started > 0, "no sign-in started in two seconds at 10/s");
    assert_eq!(sums.started, sums.completed + sums.refused + sums.abandoned + sums.transport_failed);
}

#[test]
fn scenarios_skipped_by_an_interrupt_are_named() {
    let folder = folder("rest");
    let long =
        |name| TOY.replace("name: toy", &format!("clock: wall\nname: {name}")).replace("for: 2s", "for: 60s");
    for name in ["first", "second"] {
        fs::write(folder.join(name).with_extension("yaml"), long(name)).unwrap();
    }
    let files = ["first.yaml", "second.yaml"].map(|name| folder.join(name));
    let child = poolproof()
        .arg("run")
        .args(&files)
        .arg("--out")
        .arg(folder.join("out"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let ended = child.wait_with_output().unwrap();
    let err = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(105), "{err}");
    assert!(err.contains("second.yaml was not run."), "{err}");
    assert!(!err.contains("first.yaml"), "{err}");
    assert!(folder.join("out/first/report.json").is_file() && !folder.join("out/second").exists());
}

#[test]
fn schema_command_prints_the_shipped_schema() {
    let (code, out, _) = output(poolproof().arg("schema"));
    assert_eq!(code, 0);
    let shipped = fs::read_to_string(root().join("scenarios/scenario.schema.json")).unwrap();
    assert!(out.trim() == shipped.trim(), "scenarios/scenario.schema.json is not what `schema` prints");
}

#[test]
fn check_prints_defaults_and_expected_decisions() {
    let (code, out, err) = output(poolproof().args(["check", "scenarios/opt-in.yaml"]));
    assert_eq!((code, err.as_str()), (0, ""));
    for wanted in ["session_validity: 3m", "not_remembered", "suppressed", "documented"] {
        assert!(out.contains(wanted), "no `{wanted}` in:\n{out}");
    }
}

/// Developer guide, quotas: 10 reads a second of each user.
#[test]
fn too_few_users_are_reported_before_a_run() {
    let file = "scenarios/cognito-quotas-few-users.yaml";
    let wanted = "10 users are too few for about 160 requests a second";
    let (code, out, _) = output(poolproof().args(["check", file]));
    assert!(code == 0 && out.contains(wanted), "{out}");
    let (code, _, err) = output(poolproof().args(["run", file, "--out"]).arg(folder("few-users")));
    assert!(
        code == 0 && err.starts_with("warning: cognito-quotas-few-users: ") && err.contains(wanted),
        "{err}"
    );
    let slow = "scenarios/opt-in.yaml";
    let (_, out, _) = output(poolproof().args(["check", slow, "--set", "population.users=10"]));
    assert!(out.contains("# Warning: 10 users are too few, because about "), "{out}");
    assert!(!output(poolproof().args(["check", slow])).1.contains("too few"));
    // An endpoint is taken to have Cognito's limit, whatever the quotas of the scenario.
    let text = TOY.replace("users: 5", "users: 3").replace("group: toy", "clock: wall");
    let scenario = folder("few-users-target").join("toy.yaml");
    fs::write(&scenario, text).unwrap();
    for command in ["run", "capacity"] {
        let mut command_line = poolproof();
        command_line.arg(command).arg(&scenario).args(["--target", "http://127.0.0.1:1"]);
        if command == "capacity" {
            command_line.args(["--slo", "sign_in.p99 < 1s"]);
        }
        let (code, _, err) = output(&mut command_line);
        assert!(
            code == 107 && err.contains("3 users are too few for about 40 requests a second"),
            "{command}: {err}"
        );
    }
}

/// A scenario with five mistakes that are no errors.
const WITHOUT_EFFECT: &str = "version: 1
name: no-effect
group: toy
pool: { remember: always, suppress_mfa: true, mfa: optional, custom_auth: [ { challenge: a, answer: b } ] }
population: { users: 40, factors: { none: 60, totp: 20 } }
workload:
  stages: [ { for: 1s, rate: 130/s } ]
  risk: { none: 1, high: 2 }
service: { cores: 8 }
thresholds:
  - 'decisions{rule:wrong-password}.mismatched == 0'
  - CONFIRM_DEVICE.p99 < 1s
  - throttled.rate < 1%
  - DEVICE_SRP_AUTH.p99 < 10s
";

#[test]
fn settings_without_effect_are_reported_with_their_lines() {
    let file = folder("no-effect").join("no-effect.yaml");
    fs::write(&file, WITHOUT_EFFECT).unwrap();
    let misleading = [
        "the risk of the workload has no effect, because `pool.risk.mode` is not `enforced`",
        "the custom challenges have no effect, because no workload has `flow: custom_auth`",
        "`decisions{rule:wrong-password}.mismatched == 0` cannot change: the rule wrong-password cannot apply",
        "`CONFIRM_DEVICE.p99 < 1s` has no samples: no sign-in of this scenario has the step CONFIRM_DEVICE",
        "`throttled.rate < 1%` cannot change: `quotas: none` throttles nothing",
    ];
    let (code, out, err) = output(poolproof().arg("check").arg(&file));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for (wanted, line) in misleading.into_iter().zip([8, 4, 11, 12, 13]) {
        let warning = out.lines().find(|text| text.starts_with("# Warning: ") && text.contains(wanted));
        assert!(
            warning.is_some_and(|text| text.ends_with(&format!(" (line {line})."))),
            "no `{wanted}` of line {line} in:\n{out}"
        );
    }
    let quota = "about 130 sign-ins and refreshes a second are more than Cognito's default of 120/s";
    assert!(out.contains(quota) && !out.contains("DEVICE_SRP_AUTH.p99 < 10s` has no"), "{out}");
    assert!(out.contains("#   population.factors: none 75 %, totp 25 %\n"), "{out}");
    assert!(out.contains("#   workload.risk: none 33.33 %, high 66.67 %\n"), "{out}");
    let (_, _, err) = output(poolproof().arg("run").arg(&file).arg("--out").arg(folder("no-effect-run")));
    for (wanted, line) in misleading.into_iter().zip([8, 4, 11, 12, 13]) {
        assert!(err.contains(&format!("warning: no-effect: {wanted}")), "no `{wanted}` in:\n{err}");
        assert!(err.contains(&format!("no-effect.yaml:{line}:")), "no line {line} in:\n{err}");
    }
    assert!(!err.contains("Cognito's default"), "a rate does not make a result misleading: {err}");
}

#[test]
fn only_decisions_that_can_occur_are_listed() {
    let list = |from: &str, to: &str| {
        let file = folder("can-occur").join("toy.yaml");
        fs::write(&file, WITHOUT_EFFECT.replace(from, to)).unwrap();
        let (code, out, _) = output(poolproof().arg("check").arg(&file));
        assert_eq!(code, 0, "{out}");
        out
    };
    let users = "users: 40,";
    assert!(list(users, users).contains("device remembered"));
    assert!(!list(users, "users: 40, devices: 0,").contains("device remembered"));
    let file = folder("can-occur").join("opt-in.yaml");
    for (share, kinds) in [("0%", [false, true]), ("50%", [true, true]), ("100%", [true, false])] {
        let text = WITHOUT_EFFECT.replace("remember: always", "remember: opt_in");
        fs::write(&file, text.replace("users: 40,", &format!("users: 40, opt_in: {share},"))).unwrap();
        let (_, out, _) = output(poolproof().arg("check").arg(&file));
        let listed = ["device remembered", "device not_remembered"].map(|kind| out.contains(kind));
        assert_eq!(listed, kinds, "{share}: {out}");
    }
}

#[test]
fn an_invalid_command_line_exits_2() {
    for line in [&["rum"][..], &["run"], &["run", "x.yaml", "--seed", "-1"], &["run", "x", "--clock", "sun"]]
    {
        let (code, out, err) = output(poolproof().args(line));
        assert_eq!((code, out.as_str()), (2, ""), "{line:?}");
        assert!(err.contains("error:"), "{err}");
    }
    assert_eq!(output(poolproof().arg("--help")).0, 0);
    assert_eq!(output(poolproof().arg("--version")).0, 0);
}

#[test]
fn switches_apply_to_an_aws_pool() {
    let pool = "tests/data/aws/merged.json";
    let stdout = |line: &[&str]| {
        let (code, out, err) = output(poolproof().args(line));
        assert_eq!((code, err.as_str()), (0, ""), "{line:?}");
        out
    };
    let advice = |flags: &[&str]| stdout(&[&["advise", pool, "--format", "json"], flags].concat());
    assert_ne!(advice(&[]), advice(&["--risk-note", "off"]));
    assert_eq!(advice(&[]), advice(&["--risk-note", "pool", "--strict-mfa-binding=false"]));
    let cells = |flags: &[&str]| stdout(&[&["matrix", "--format", "json"], flags].concat());
    let (all, unnoted) = (cells(&[]), cells(&["--risk-note", "off"]));
    assert!(all.contains("\"note-device\"") && !unnoted.contains("\"note-device\""));
    let differs = cells(&["--pool", pool]) != cells(&["--pool", pool, "--risk-note=off"]);
    assert!(differs, "the switch does not change the cells of the pool");
    let situation = ["explain", "--pool", pool, "--factor", "totp", "--device", "remembered"];
    let explained = stdout(&[&situation[..], &["--strict-mfa-binding", "--not-mfa-bound"]].concat());
    assert!(explained.contains("Rule suppression-unbound"), "{explained}");
    assert!(explained.contains("docs/semantics.md"), "{explained}");
}

#[test]
fn check_prints_ip_lists_passwords_and_tokens() {
    let (code, out, _) = output(poolproof().args(["check", "scenarios/threat-protection.yaml"]));
    assert_eq!(code, 0);
    for wanted in
        ["always_block:", "198.18.0.0/17", "levels: estimated", "address-blocked", "address-allowed"]
    {
        assert!(out.contains(wanted), "no `{wanted}` in:\n{out}");
    }
    for wanted in ["compromised-blocked", "compromised-srp", "reset-required", "elsewhere_v6: 10"] {
        assert!(out.contains(wanted), "no `{wanted}` in:\n{out}");
    }
    let (code, out, _) = output(poolproof().args(["check", "scenarios/refresh.yaml"]));
    assert_eq!(code, 0);
    for wanted in ["refresh_after_sign_out: 5", "refresh-device-forgotten", "refresh-signed-out"] {
        assert!(out.contains(wanted), "no `{wanted}` in:\n{out}");
    }
}

#[test]
fn aws_documents_are_merged_and_assumptions_printed() {
    let aws = |name: &str| root().join("scenarios/aws").join(name);
    let pool = aws("describe-user-pool.json");
    let explain = |files: &[PathBuf]| {
        let mut command = poolproof();
        command.args(["explain", "--risk", "medium", "--factor", "totp", "--pool"]).args(files);
        output(&mut command)
    };
    let (code, out, err) = explain(std::slice::from_ref(&pool));
    assert_eq!((code, err.contains("assumed: ")), (0, true), "{err}");
    assert!(out.contains("medium: block"), "{out}");
    let risk = aws("describe-risk-configuration.json");
    let (code, out, err) = explain(&[pool, risk, aws("get-user-pool-mfa-config.json")]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("medium: mfa_required"), "{out}");
}

#[test]
fn a_baseline_of_another_pool_is_refused() {
    let folder = folder("other-pool");
    let matrix = |pool: &str| {
        let mut command = poolproof();
        command.args(["matrix", "--pool"]).arg(root().join("scenarios").join(pool));
        command
    };
    let (code, json, _) = output(matrix("opt-in.yaml").args(["--format", "json"]));
    assert_eq!(code, 0);
    let baseline = folder.join("opt-in.json");
    fs::write(&baseline, json).unwrap();
    let (code, out, _) = output(matrix("opt-in.yaml").arg("--baseline").arg(&baseline));
    assert_eq!(code, 0, "{out}");
    let (code, out, err) = output(matrix("mfa-suppressed.yaml").arg("--baseline").arg(&baseline));
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("the matrix of another pool"), "{err}");
}
