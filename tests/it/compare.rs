//! `poolproof compare`, with two sets of reports or with two commands in pairs. No verdict depends on real
//! time.

use std::fs;
use std::path::{Path, PathBuf};

use poolproof::compare;
use poolproof::report::{Report, ThresholdResult, Unit};
use serde_json::Value;

use crate::cli::{output, poolproof};
use crate::run_fixture::{empty_folder, root};

/// A scenario with many users and few simultaneous sign-ins. There is an idle user for every arrival, however
/// slow the pool is.
const SCENARIO: &str = "version: 1
name: pairs
group: toy
pool: { remember: always, suppress_mfa: true, mfa: optional }
population: { users: 50, factors: { none: 50, totp: 50 }, devices: 1 }
workload: { stages: [ { for: 30s, rate: 10/s } ] }
";

/// Returns an empty folder for this test, with the scenario as `base.yaml` and a changed one as `head.yaml`.
fn folder(name: &str, head: impl Fn(&str) -> String) -> PathBuf {
    let folder = empty_folder("compare", name);
    fs::write(folder.join("base.yaml"), SCENARIO).unwrap();
    fs::write(folder.join("head.yaml"), head(SCENARIO)).unwrap();
    folder
}

/// Returns the command line that runs a scenario file of the folder.
fn run_command_line(folder: &Path, file: &str) -> String {
    format!("'{}' run '{}'", env!("CARGO_BIN_EXE_poolproof"), folder.join(file).display())
}

/// Runs `compare` with the scenarios of the folder in pairs.
fn pairs(folder: &Path, flags: &[&str]) -> (i32, String, String) {
    let (base, head) = (run_command_line(folder, "base.yaml"), run_command_line(folder, "head.yaml"));
    let out = folder.join("runs");
    output(
        poolproof()
            .args(["compare", "--base", &base, "--head", &head, "--pairs", "5", "--out"])
            .arg(out)
            .args(flags),
    )
}

/// Runs a scenario file of the folder once. Returns the folder `out`, which has its report.
fn run_once(folder: &Path, file: &str, out: &str, flags: &[&str]) -> PathBuf {
    let out = folder.join(out);
    let (code, stdout, err) =
        output(poolproof().arg("run").arg(folder.join(file)).arg("--out").arg(&out).args(flags));
    assert!(code == 0 || code == 99, "{stdout}{err}");
    out
}

/// Runs `compare` with two folders of reports.
fn compare_reports(base: &Path, head: &Path, flags: &[&str]) -> (i32, String, String) {
    output(poolproof().arg("compare").arg(base).arg(head).args(flags))
}

/// Adds service times that make the pool slower.
fn slower(yaml: &str) -> String {
    format!("{yaml}service: {{ modexp_256: 680us, modexp_513: 1360us, modexp_1025: 2720us }}\n")
}

#[test]
fn the_same_command_is_equivalent_to_itself_with_identical_decisions() {
    let folder = folder("same", str::to_owned);
    let (code, out, err) = pairs(&folder, &["--aa", "2", "--format", "json"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let result: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(result["verdict"]["word"], "equivalent");
    assert_eq!(result["experiment"]["same_pairs"], 2);
    let scenario = &result["scenarios"][0];
    assert_eq!(scenario["decisions"]["identical"], true);
    assert_eq!(scenario["decisions"]["base"], scenario["decisions"]["head"]);
    // The counts are the sums over all pairs.
    let checked = |pair| {
        report(&folder.join("runs").join(format!("pair-0{pair}/base/pairs/report.json"))).decisions.checked
    };
    assert_eq!(scenario["decisions"]["base"]["seen"], (1..=5).map(checked).sum::<u64>());
    assert_eq!(scenario["decisions"]["pairs"], 5);
    assert!(scenario["decisions"]["base"]["seen"].as_u64().unwrap() > 5 * 200, "{out}");
    let metrics = scenario["metrics"].as_array().unwrap();
    assert_eq!(metrics.len(), 4);
    for metric in metrics {
        assert_eq!(
            (&metric["judgement"], &metric["change"]),
            (&"equivalent".into(), &0.0.into()),
            "{metric}"
        );
        assert_eq!(metric["noise_floor"], 0.0);
    }
    // Both runs of a pair have the same seed. Different pairs have different seeds.
    let seed = |run: &str| report(&folder.join("runs").join(run).join("pairs/report.json")).seed;
    assert_eq!(seed("pair-01/base"), seed("pair-01/head"));
    assert_ne!(seed("pair-01/base"), seed("pair-02/base"));
    assert_eq!(seed("same-02/first"), seed("same-02/second"));
}

#[test]
fn a_slower_pool_regresses_and_the_reverse_improves() {
    let folder = folder("slower", slower);
    let (code, out, err) = pairs(&folder, &[]);
    assert_eq!((code, err.as_str()), (81, ""), "{out}");
    for wanted in ["✗ regressed", "Regressed: pairs p50, p90, p99.", "identical in all 5 pairs", "equivalent"]
    {
        assert!(out.contains(wanted), "no `{wanted}` in:\n{out}");
    }
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    fs::rename(folder.join("head.yaml"), folder.join("slow.yaml")).unwrap();
    fs::rename(folder.join("base.yaml"), folder.join("head.yaml")).unwrap();
    fs::rename(folder.join("slow.yaml"), folder.join("base.yaml")).unwrap();
    let (code, out, _) = pairs(&folder, &["--format", "markdown"]);
    assert_eq!(code, 0, "{out}");
    for wanted in ["### ✅ poolproof compare: improved", "Improved: pairs p50, p90, p99.", "| p50 | "] {
        assert!(out.contains(wanted), "no `{wanted}` in:\n{out}");
    }
}

#[test]
fn different_scenarios_exit_84_with_the_difference() {
    let folder = folder("other", |yaml| yaml.replace("remember: always", "remember: opt_in"));
    let (code, out, err) = pairs(&folder, &[]);
    assert_eq!((code, out.as_str()), (84, ""), "{err}");
    let wanted = "scenario: base has `pool.remember: always`, head has `pool.remember: opt_in`";
    assert!(err.contains(wanted), "no `{wanted}` in:\n{err}");
    assert!(!folder.join("runs/pair-02").exists(), "the second pair was run");
}

#[test]
fn a_failed_command_is_reported_with_exit_code_and_stderr() {
    let folder = folder("fails", |yaml| yaml.replace("remember:", "rember:"));
    let (code, out, err) = pairs(&folder, &[]);
    assert_eq!((code, out.as_str()), (2, ""));
    for wanted in ["the head's command exited with code 104", "did you mean `remember`?", "--seed "] {
        assert!(err.contains(wanted), "no `{wanted}` in:\n{err}");
    }
    for (base, wanted) in [
        ("no-such-program-anywhere x", "--base: cannot run no-such-program-anywhere"),
        ("a 'b", "--base: a ' is not closed"),
        ("true", "left no readable report: no report.json in "),
    ] {
        let line = ["compare", "--base", base, "--head", "true", "--seed", "1", "--out"];
        // The seed decides which command runs first. The messages differ only in the name of the command.
        let (code, _, err) = output(poolproof().args(line).arg(folder.join("runs")));
        let wanted_of_head = wanted.replace("--base", "--head");
        assert_eq!(code, 2, "{err}");
        assert!(
            err.contains(wanted) || err.contains(&wanted_of_head) || err.contains("left no readable report"),
            "{err}"
        );
    }
}

/// Returns the command line of a shell script. The program's path is in `$BIN`. `compare` passes the folder
/// in `$2` and the seed in `$4`.
fn scripted(script: &str) -> String {
    format!("sh -c 'BIN=\"{}\"; {script}' sh", env!("CARGO_BIN_EXE_poolproof"))
}

#[test]
fn a_command_that_ignores_seed_is_detected() {
    let folder = folder("deaf", str::to_owned);
    let ignores_seed =
        scripted(&format!("\"$BIN\" run \"{}\" --out \"$2\"", folder.join("base.yaml").display()));
    let line = ["compare", "--base", &ignores_seed, "--head", &ignores_seed, "--out"];
    let (code, out, err) = output(poolproof().args(line).arg(folder.join("runs")));
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("'s command ignored --seed: `pairs` was run with 1\n"), "{err}");
}

/// Returns a command that runs `base.yaml`. It writes the CPU steal `steal` into the report of its n-th run
/// if n matches the shell pattern `runs`.
fn with_steal(folder: &Path, name: &str, runs: &str, steal: &str) -> String {
    let (file, count) = (folder.join("base.yaml"), folder.join(name));
    let machine = format!(
        "\\\"machine\\\": {{ \\\"steal_share\\\": {steal}, \\\"load_before\\\": 1, \\\"load_after\\\": 1 }}"
    );
    scripted(&format!(
        "\"$BIN\" run \"{}\" \"$@\" >\"{count}.out\" || exit; echo x >>\"{count}\"; number=$(wc -l <\"{count}\"); \
         case \"$number\" in {runs}) sed -i \"s/\\\"saturated\\\": null/&, {machine}/\" \"$2/pairs/report.json\";; esac",
        file.display(),
        count = count.display(),
    ))
}

#[test]
fn pairs_with_too_much_steal_are_rerun_or_excluded() {
    let folder = folder("steal", str::to_owned);
    let base = run_command_line(&folder, "base.yaml");
    let run_pairs = |head: &str, flags: &[&str]| {
        let line = ["compare", "--base", &base, "--head", head, "--pairs", "5", "--format", "json", "--out"];
        let (code, out, err) = output(poolproof().args(line).arg(folder.join("runs")).args(flags));
        assert_eq!(err, "", "{out}");
        let result: Value = serde_json::from_str(&out).unwrap();
        let counts = ["pairs", "steal_excluded_pairs", "left_out_pairs"]
            .map(|name| result["experiment"][name].as_u64().unwrap());
        let sentences = result["verdict"]["sentences"].to_string();
        (code, counts, result["scenarios"][0]["decisions"]["pairs"].as_u64().unwrap(), sentences)
    };
    // The second pair has too much steal once, the third twice. Both are run again and then accepted.
    let (code, counts, decided, sentences) = run_pairs(&with_steal(&folder, "twice", "2|4|5", "0.3"), &[]);
    assert_eq!((code, counts, decided), (0, [5, 3, 0], 8), "{sentences}");
    assert!(sentences.contains("The times of 3 pairs do not count: steal was above 5 %"), "{sentences}");
    // The third pair always has too much steal. It is excluded, and four pairs are inconclusive.
    let (code, counts, decided, sentences) = run_pairs(&with_steal(&folder, "always", "3|4|5", "0.3"), &[]);
    assert_eq!((code, counts, decided), (82, [4, 3, 1], 7), "{sentences}");
    assert!(sentences.contains("1 of them stayed above the limit and is excluded"), "{sentences}");
    // Pairs with steal up to the limit are accepted, and a flag changes the limit.
    for (name, steal, flags) in [("little", "0.05", &[][..]), ("allowed", "0.3", &["--max-steal", "30%"])] {
        let (code, counts, decided, sentences) = run_pairs(&with_steal(&folder, name, "*", steal), flags);
        assert_eq!((code, counts, decided), (0, [5, 0, 0], 5), "{name}: {sentences}");
    }
    // A used-up CPU quota excludes a pair, too.
    let throttled = "0, \\\"throttled_share\\\": 0.2";
    let (code, counts, _, sentences) = run_pairs(&with_steal(&folder, "throttled", "2", throttled), &[]);
    assert_eq!((code, counts), (0, [5, 1, 0]), "{sentences}");
    assert!(sentences.contains("CPU time, or the CPU quota was used up"), "{sentences}");
}

#[test]
fn an_inconclusive_experiment_gets_a_second_look() {
    let folder = folder("twice", slower);
    // The head is slow in about half of the pairs, so that five pairs are inconclusive.
    let (base, head) = (folder.join("base.yaml"), folder.join("head.yaml"));
    let sometimes_slow = scripted(&format!(
        "if [ $(($4 % 2)) = 0 ]; then file=\"{}\"; else file=\"{}\"; fi; \"$BIN\" run \"$file\" \"$@\"",
        base.display(),
        head.display()
    ));
    let line = ["compare", "--base", &run_command_line(&folder, "base.yaml"), "--head", &sometimes_slow];
    let flags = ["--pairs", "5", "--max-pairs", "7", "--format", "json", "--out"];
    let (code, out, err) = output(poolproof().args(line).args(flags).arg(folder.join("runs")));
    assert_eq!(code, 82, "{out}{err}");
    let result: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&result["experiment"]["pairs"], &result["experiment"]["looks"]),
        (&7.into(), &2.into()),
        "{out}"
    );
    // A verdict at the first look ends the experiment.
    let (code, out, _) = pairs(&folder, &["--max-pairs", "7", "--format", "json"]);
    let result: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &result["experiment"]["pairs"]), (81, &5.into()), "{out}");
}

#[test]
fn too_few_sign_ins_give_no_quantile_verdict() {
    let folder = folder("few", |yaml| yaml.replace("rate: 10/s", "rate: 2/s"));
    fs::copy(folder.join("head.yaml"), folder.join("base.yaml")).unwrap();
    let (code, out, _) = pairs(&folder, &[]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("too few to say") && out.contains("1 metric is not judged"), "{out}");
}

/// Reads a report.
pub(crate) fn report(file: &Path) -> Report {
    poolproof::report::read(file).unwrap()
}

#[test]
fn folder_comparison_has_decisions_but_no_speed_verdict() {
    let folder = folder("folders", slower);
    let base = run_once(&folder, "base.yaml", "a", &[]);
    let head = run_once(&folder, "base.yaml", "b", &[]);
    let (code, out, err) = compare_reports(&base, &head, &[]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("✓ decisions identical") && out.contains(compare::ADVISORY), "{out}");
    // The folder of a single report is accepted too.
    let (code, _, err) = compare_reports(&base.join("pairs"), &head, &[]);
    assert_eq!(code, 0, "{err}");
    // The speed of reports gives no verdict, however large the difference is.
    let slow = run_once(&folder, "head.yaml", "c", &[]);
    let (code, out, _) = compare_reports(&base, &slow, &["--format", "json"]);
    assert_eq!(code, 0, "{out}");
    let result: Value = serde_json::from_str(&out).unwrap();
    let p50 = &result["scenarios"][0]["numbers"][0];
    assert_eq!(p50["what"], "sign_in p50");
    assert!(p50["ratio"].as_f64().unwrap() > 1.5, "{p50}");
    let (code, out, _) = output(poolproof().args(["compare", "reports/golden", "reports/golden"]));
    assert_eq!(code, 0, "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
}

#[test]
fn any_decision_difference_exits_80() {
    let folder = folder("decisions", str::to_owned);
    let base = run_once(&folder, "base.yaml", "a", &[]);
    let file = base.join("pairs/report.json");
    let original = report(&file);
    let changed = |name: &str, change: &dyn Fn(&mut Report)| {
        let mut other = original.clone();
        change(&mut other);
        let head = folder.join(name);
        poolproof::report::write(&head, &other, false).unwrap();
        compare_reports(&base, &head, &[])
    };
    type Change = (&'static str, &'static str, fn(&mut Report));
    let changes: [Change; 5] = [
        ("checked", "decisions ", |report| report.decisions.checked += 1),
        ("mismatched", "decisions ", |report| report.decisions.mismatched += 1),
        ("rule", "rule ", |report| report.decisions.rules[0].seen += 1),
        ("cell", "cell tokens → tokens", |report| report.decisions.confusion[0].mismatched += 1),
        ("ended", "sign-ins refused", |report| report.sign_ins.refused += 1),
    ];
    for (name, wanted, change) in changes {
        let (code, out, err) = changed(name, &change);
        assert_eq!((code, err.as_str()), (80, ""), "{name}: {out}");
        assert!(out.contains("✗ decisions differ") && out.contains(wanted), "{name}: {out}");
    }
    let (code, _, _) = changed("none", &|_| {});
    assert_eq!(code, 0);
}

#[test]
fn wall_clock_counts_may_differ_but_mismatches_may_not() {
    let folder = folder("wall", str::to_owned);
    let base = run_once(&folder, "base.yaml", "a", &[]);
    let mut wall = report(&base.join("pairs/report.json"));
    wall.clock = poolproof::clock::ClockKind::Wall;
    let write = |name: &str, report: &Report| {
        let folder = folder.join(name);
        poolproof::report::write(&folder, report, false).unwrap();
        folder
    };
    let base = write("base", &wall);
    let mut more = wall.clone();
    (more.decisions.checked, more.decisions.rules[0].seen) =
        (wall.decisions.checked + 1, wall.decisions.rules[0].seen + 1);
    let (code, out, _) = compare_reports(&base, &write("more", &more), &[]);
    assert!(code == 0 && out.contains("Some rules were seen more or less often"), "{code}: {out}");
    more.decisions.rules[0].mismatched += 1;
    let (code, out, _) = compare_reports(&base, &write("wrong", &more), &[]);
    assert!(code == 80 && out.contains("✗ decisions differ") && out.contains("rule "), "{code}: {out}");
}

#[test]
fn reports_that_are_not_comparable_are_refused_with_84() {
    let folder = folder("refused", str::to_owned);
    let base = run_once(&folder, "base.yaml", "a", &[]);
    let original = report(&base.join("pairs/report.json"));
    type Change = (&'static str, fn(&mut Report));
    let changes: [Change; 8] = [
        ("group: base has toy, head has cognito", |report| report.group = "cognito".to_owned()),
        ("seed: base has ", |report| report.seed += 1),
        ("clock: base has virtual, head has wall", |report| {
            report.clock = poolproof::clock::ClockKind::Wall;
        }),
        ("target: base has embedded, head has http://x", |report| report.target = "http://x".to_owned()),
        ("head has a partial run that was interrupted", |report| report.partial = true),
        ("head has a partial run that `failed.rate < 1%` ended", |report| {
            report.partial = true;
            report.thresholds.push(ThresholdResult {
                text: "failed.rate < 1%".to_owned(),
                value: Some(0.5),
                limit: 0.01,
                unit: Unit::Share,
                passed: false,
                window: None,
                canceled_at_us: Some(1_000_000),
            });
        }),
        ("base has `pairs`, head has `others`", |report| report.scenario.name = "others".to_owned()),
        ("base has `population.users: 50`, head has `population.users: 51`", |report| {
            report.scenario.yaml = report.scenario.yaml.replace("users: 50", "users: 51");
        }),
    ];
    for (number, (wanted, change)) in changes.into_iter().enumerate() {
        let mut other = original.clone();
        change(&mut other);
        let head = folder.join(format!("head-{number}"));
        poolproof::report::write(&head, &other, false).unwrap();
        let (code, out, err) = compare_reports(&base, &head, &[]);
        assert_eq!((code, out.as_str()), (84, ""), "{wanted}: {err}");
        assert!(err.contains(wanted), "no `{wanted}` in:\n{err}");
    }
    // Scenarios are the same if only their notation, comments or thresholds differ.
    let mut other = original;
    other.scenario.yaml =
        format!("# Why.\n{}thresholds: [ failed.rate < 1% ]\n", SCENARIO.replace("30s", "30000ms"));
    let head = folder.join("alike");
    poolproof::report::write(&head, &other, false).unwrap();
    let (code, _, err) = compare_reports(&base, &head, &[]);
    assert_eq!(code, 0, "{err}");
}

#[test]
fn an_invalid_report_exits_2() {
    let folder = folder("foreign", str::to_owned);
    let base = run_once(&folder, "base.yaml", "a", &[]);
    let complete = fs::read_to_string(base.join("pairs/report.json")).unwrap();
    for (name, text, wanted) in [
        ("cut", complete[..complete.len() / 2].to_owned(), "before the report does"),
        ("foreign", "{ \"metrics\": {} }".to_owned(), "missing field `schema_version`"),
        ("empty", String::new(), "is not a report"),
        (
            "older",
            complete.replace("\"schema_version\": 2", "\"schema_version\": 1"),
            "its schema_version is 1",
        ),
    ] {
        let head = folder.join(name);
        fs::create_dir_all(&head).unwrap();
        fs::write(head.join("report.json"), text).unwrap();
        let (code, out, err) = compare_reports(&base, &head, &[]);
        assert_eq!((code, out.as_str()), (2, ""), "{name}: {err}");
        assert!(err.contains(wanted) && err.contains(&format!("{name}/report.json")), "{name}: {err}");
    }
    let (code, _, err) = compare_reports(&base, &folder.join("nowhere"), &[]);
    assert!(code == 2 && err.contains("cannot read"), "{err}");
    let (code, _, err) = compare_reports(&base, root(), &[]);
    assert!(code == 2 && err.contains("no report.json in"), "{err}");
}

#[test]
fn invalid_flag_combinations_are_rejected() {
    for (line, wanted) in [
        ("compare", "required"),
        ("compare one", "2 values required"),
        ("compare one two --base x --head y", "cannot be used with"),
        ("compare --base x", "--head <CMD>"),
        ("compare one two --pairs 10", "--base <CMD>"),
        ("compare --base x --head y --pairs 4", "expected a whole number from 5 to 1000"),
        ("compare --base x --head y --pairs 10 --max-pairs 9", "--max-pairs 9 is lower than --pairs 10"),
        ("compare --base x --head y --min-effect 5", "such as 5%"),
        ("compare --base x --head y --max-steal 101%", "at most 100 %"),
        ("compare --base x --head y --noise 2% --aa 5", "cannot be used with"),
    ] {
        let (code, out, err) = output(poolproof().args(line.split(' ')));
        assert_eq!((code, out.as_str()), (2, ""), "{line}");
        assert!(err.contains(wanted), "no `{wanted}` for `{line}` in: {err}");
    }
}
