//! How scenarios are given: `--set`, `--pool`, standard input, `init`, and the forms of values that people
//! write.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use poolproof::scenario::{self, Model, Override, Scenario};
use poolproof_client::Intent;
use poolproof_cognito::policy::{Lockout, MfaMode, RememberMode, RiskMode, RiskNote};

use crate::cli::{TOY, output, poolproof};
use crate::run_fixture::{empty_folder, play, root};

fn folder(name: &str) -> PathBuf {
    empty_folder("scenario_input", name)
}

fn toy_file(folder: &Path) -> PathBuf {
    let file = folder.join("toy.yaml");
    fs::write(&file, TOY).unwrap();
    file
}

fn parse(text: &str) -> Result<Scenario, String> {
    scenario::parse("test.yaml", text.as_bytes()).map_err(|diagnostic| diagnostic.to_string())
}

fn parsed(text: &str) -> Scenario {
    parse(text).unwrap_or_else(|diagnostic| panic!("{text}\n{diagnostic}"))
}

fn with(overrides: &[&str]) -> Result<Scenario, String> {
    let file = toy_file(&folder(&format!("with-{}", overrides.join("-").len())));
    let overrides: Vec<Override> = overrides.iter().map(|one| Override::parse(one).unwrap()).collect();
    scenario::read_with(&file, &overrides, None)
        .map(|(scenario, _)| scenario)
        .map_err(|error| error.to_string())
}

/// Runs a command with this standard input.
fn output_of(command: &mut Command, stdin: &str) -> (i32, String, String) {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ended.status.code().unwrap(), text(ended.stdout), text(ended.stderr))
}

#[test]
fn overrides_change_keys_and_are_validated() {
    let scenario =
        with(&["pool.remember=opt_in", "workload.stages[0].rate=3/s", "population.factors={ totp: 1 }"]);
    let scenario = scenario.unwrap();
    assert_eq!(scenario.pool.remember, RememberMode::OptIn);
    let Model::Open { stages, .. } = &scenario.workloads[0].model else { panic!("not open") };
    assert_eq!(stages[0].from, 3.0);
    // The last one of a key counts, missing maps are created, and items can be added.
    let scenario =
        with(&["client.retries=1", "client.retries=2", "thresholds=[]", "thresholds[0]=dropped.rate < 1%"]);
    let scenario = scenario.unwrap();
    assert_eq!((scenario.client.retries, scenario.thresholds.len()), (2, 1));
    for (given, wanted) in [
        ("pool.remember=sometimes", "pool.remember: unknown word `sometimes`"),
        ("pool.rember=no", "unknown key `rember`"),
        ("workload.stages[0].rate=fast", "workload.stages[0].rate: `fast` is not a rate"),
        ("workload.stages[7].rate=1/s", "`workload.stages` is a list with one item"),
        ("pool.remember.x=1", "`pool.remember` is `always`, not a map"),
        ("client.retries=", "the value is empty"),
        ("pool.session_validity=1h", "pool.session_validity: Cognito allows 3m to 15m"),
    ] {
        let error = with(&[given]).unwrap_err();
        assert!(error.contains(wanted) && error.contains("--> --set:1:") && error.contains(given), "{error}");
    }
}

#[test]
fn a_mistake_of_the_file_beside_an_override_is_shown_in_the_file() {
    let file = folder("beside").join("bad.yaml");
    fs::write(&file, format!("{TOY}thresholds: [ failed.rate < 1 ]\n")).unwrap();
    let overrides = [Override::parse("pool.mfa=maybe").unwrap()];
    let error = scenario::read_with(&file, &overrides, None).unwrap_err().to_string();
    assert!(error.contains("bad.yaml:7:") && error.contains("--> --set:1:10"), "{error}");
}

#[test]
fn the_command_line_sets_keys_and_reports_the_scenario_that_was_played() {
    let folder = folder("set");
    let file = toy_file(&folder);
    let run = |more: &[&str]| output(poolproof().arg("run").arg(&file).arg("--out").arg(&folder).args(more));
    let (code, _, err) = run(&["--set", "name=other", "--set", "pool.remember=no", "--drain", "2s"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let report = poolproof::report::read(&folder.join("other/report.json")).unwrap();
    assert!(report.scenario.yaml.contains("remember: 'no'"), "{}", report.scenario.yaml);
    // The command that repeats the run has the same options.
    let replay = report.replay();
    assert!(replay.ends_with(" --set name=other --set pool.remember=no --drain 2000ms"), "{replay}");
    let (code, out, err) = run(&["--set", "pool.remember=yes"]);
    assert_eq!((code, out.as_str()), (104, ""));
    assert!(err.contains("--> --set:1:15"), "{err}");
    let (code, _, err) = run(&["--set", "pool"]);
    assert!(code == 2 && err.contains("KEY=VALUE"), "{err}");
    let (code, out, err) = output(poolproof().args(["check", "--set", "seed=77"]).arg(&file));
    assert!(code == 0 && out.contains("seed: 77"), "{out}{err}");
}

#[test]
fn run_and_capacity_take_the_settings_of_a_pool() {
    let folder = folder("pool");
    let file = toy_file(&folder);
    let pool = root().join("scenarios/aws/describe-user-pool.json");
    let run = |more: &[&str]| {
        let mut command = poolproof();
        command.arg("run").arg(&file).arg("--out").arg(&folder).args(more).arg("--pool").arg(&pool);
        output(&mut command)
    };
    let (code, _, err) = run(&[]);
    assert!(code == 0 && err.contains("assumed: "), "{err}");
    let text = poolproof::report::read(&folder.join("toy/report.json")).unwrap().scenario.yaml;
    for wanted in ["suppress_mfa: true", "mfa: optional", "mode: enforced"] {
        assert!(text.contains(wanted), "no `{wanted}` in:\n{text}");
    }
    // A code of an authenticator app can be used once, so that few users are not enough.
    let (code, _, err) = run(&["--set", "pool.mfa=on", "--set", "population.users=50"]);
    assert_eq!(code, 0, "{err}");
    let text = poolproof::report::read(&folder.join("toy/report.json")).unwrap().scenario.yaml;
    assert!(text.contains("mfa: 'on'"), "{text}");
    // The pool activates no e-mail factor.
    let mfa = root().join("scenarios/aws/get-user-pool-mfa-config.json");
    let (code, _, err) = output(
        poolproof()
            .args(["check", "--set", "population.factors={ email: 1 }"])
            .arg(&file)
            .arg("--pool")
            .arg(&pool)
            .arg(&mfa),
    );
    assert!(
        code == 104 && err.contains("does not activate the factor `email`") && err.contains("`sms_and_totp`"),
        "{err}"
    );
    // A scenario gives its whole pool.
    let (code, out, err) =
        output(poolproof().arg("check").arg(&file).args(["--pool", "scenarios/rotation.yaml"]));
    assert!(code == 0 && out.contains("refresh_token_rotation"), "{out}{err}");
    let (code, _, err) = output(
        poolproof()
            .args(["capacity", "--slo", "p99<1s"])
            .arg(&file)
            .arg("--pool")
            .arg(folder.join("none.json")),
    );
    assert!(code == 104 && err.contains("none.json"), "{err}");
}

#[test]
fn a_scenario_can_come_from_standard_input() {
    let folder = folder("stdin");
    let run = |stdin: &str| output_of(poolproof().args(["run", "-", "--out"]).arg(&folder), stdin);
    let (code, out, err) = run(TOY);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(folder.join("toy/report.json").is_file());
    let (code, _, err) = run(&TOY.replace("remember", "rember"));
    assert!(code == 104 && err.contains("--> standard input:4:9"), "{err}");
}

/// `init` writes valid scenarios that pass, for the documents of a pool on AWS too, and whose latency
/// threshold can fail.
#[test]
fn init_writes_a_scenario_that_passes() {
    let folder = folder("init");
    let aws = |name: &str| root().join("scenarios/aws").join(name);
    let (pool, risk, mfa) = (
        aws("describe-user-pool.json"),
        aws("describe-risk-configuration.json"),
        aws("get-user-pool-mfa-config.json"),
    );
    let cases: [&[&PathBuf]; 3] = [&[], &[&pool], &[&pool, &risk, &mfa]];
    for (number, files) in cases.into_iter().enumerate() {
        let mut command = poolproof();
        command.args(["init", "--rate", "20/s"]);
        if !files.is_empty() {
            command.arg("--from").args(files);
        }
        let (code, text, err) = output(&mut command);
        assert_eq!(code, 0, "{err}");
        let file = folder.join(format!("{number}.yaml"));
        fs::write(&file, &text).unwrap();
        assert!(text.lines().count() < 50 && text.lines().all(|line| line.chars().count() <= 130), "{text}");
        let (code, out, err) = output(poolproof().arg("check").arg(&file));
        assert_eq!((code, err.as_str()), (0, ""), "{text}");
        assert!(!out.contains("# Warning"), "{out}");
        let run = |more: &[&str]| {
            output(
                poolproof()
                    .arg("run")
                    .arg(&file)
                    .arg("--out")
                    .arg(&folder)
                    .args(["--format", "json"])
                    .args(more),
            )
        };
        let (code, out, _) = run(&[]);
        assert_eq!(code, 0, "{out}");
        // One core cannot serve this rate, so the latency grows.
        let (code, out, _) =
            run(&["--set", "workload.stages[1]={ for: 10s, rate: 700/s }", "--set", "pool.quotas=none"]);
        assert!(code == 99 && out.contains("sign_in.p99 < 100ms"), "{out}");
    }
    let (_, text, _) = output(poolproof().args(["init", "--users", "7", "--rate", "0.5/s"]));
    assert_eq!(parsed(&text).population.users, 7);
    let (_, text, _) = output(poolproof().args(["init", "--from"]).arg(&pool));
    let scenario = parsed(&text);
    assert_eq!((scenario.name.as_str(), scenario.pool.risk.mode), ("example-customers", RiskMode::Enforced));
    assert!(text.contains("  quotas: cognito             # assumed, not in the documents: "), "{text}");
    // A scenario keeps its quotas.
    for (quotas, wanted) in [
        ("", "  quotas: cognito             # added, the scenario has none: "),
        (", quotas: { user_authentication: 240/s }", "  quotas: { user_authentication: 240/s }\n"),
    ] {
        let file = folder.join("own.yaml");
        fs::write(&file, TOY.replace("remember: always", &format!("remember: always{quotas}"))).unwrap();
        let (_, text, err) = output(poolproof().args(["init", "--from"]).arg(&file));
        assert!(text.contains(wanted), "{text}{err}");
        parsed(&text);
    }
    let piped = output_of(poolproof().args(["init", "--from", "-"]), &fs::read_to_string(&pool).unwrap());
    assert_eq!((piped.0, piped.1), (0, text));
}

/// Kibana, Artillery and others write compound durations, and users give them to every tool.
#[test]
fn durations_can_be_compound_or_have_a_space() {
    for (text, seconds) in [("1m30s", 90), ("5 min", 300), ("1h 5m", 3900), ("2000 ms", 2)] {
        let scenario = parsed(&TOY.replace("for: 2s", &format!("for: {text}")));
        assert_eq!(scenario.workloads[0].model.length(), Duration::from_secs(seconds), "{text}");
        assert_eq!(parsed(&scenario.to_yaml()), scenario);
    }
    let window = format!("{TOY}service: {{ cores: 1 }}\nthresholds: [ \"p99[1m30s] < 300 ms\" ]\n");
    let threshold = &parsed(&window).thresholds[0];
    assert_eq!((threshold.window, threshold.limit), (Some(Duration::from_secs(90)), 300_000.0));
    assert_eq!(threshold.text, "sign_in.p99[1m30s] < 300 ms");
}

#[test]
fn stages_and_schedules_can_rest() {
    let stages = "stages: [ { for: 1s, rate: 0/s }, { for: 1s, to: 20/s }, { for: 1s, rate: 0/s }, { for: 1s, rate: 10/s } ]";
    let text = TOY.replace("stages: [ { for: 2s, rate: 10/s } ]", stages);
    let scenario = parsed(&text);
    let report = play(&scenario);
    assert!((10..40).contains(&report.sign_ins.started), "{}", report.sign_ins.started);
    assert!(report.verdict.passed, "{:?}", report.verdict);
    let resolved = scenario.to_yaml();
    assert!(resolved.contains("rate: 0/s"), "{resolved}");
    assert_eq!(parsed(&resolved), scenario);
    // The load of a run is not zero.
    for stages in ["{ for: 2s, rate: 0/s }", "{ for: 1s, rate: 5/s, warm_up: true }, { for: 1s, rate: 0/s }"]
    {
        let error = parse(&TOY.replace("{ for: 2s, rate: 10/s }", stages)).unwrap_err();
        assert!(error.contains("no measured stage has a rate above zero"), "{error}");
    }
    let folder = folder("schedule");
    fs::write(folder.join("day.csv"), "at,rate\n0s,0/s\n1s,0/s\n2s,30/s\n3s,0/s\n").unwrap();
    let file = folder.join("day.yaml");
    fs::write(&file, TOY.replace("stages: [ { for: 2s, rate: 10/s } ]", "schedule: day.csv")).unwrap();
    let report = play(&scenario::read(&file).unwrap());
    assert!((10..50).contains(&report.sign_ins.started), "{}", report.sign_ins.started);
}

#[test]
fn any_percentile_is_a_metric() {
    let text = |thresholds: &str| {
        format!(
            "{}service: {{ cores: 1 }}\nthresholds: [ {thresholds} ]\n",
            TOY.replace("for: 2s", "for: 30s")
        )
    };
    let report = play(&parsed(&text("sign_in.p75 < 1s, 'PASSWORD_VERIFIER.p99.5 < 1s', p0.5 < 1s")));
    assert!(report.verdict.passed, "{:?}", report.verdict);
    assert!(report.thresholds.iter().all(|threshold| threshold.value.is_some()));
    // A tenth of a thousandth needs ten thousand sign-ins.
    let report = play(&parsed(&text("sign_in.p99.99 < 1s")));
    let said = report.verdict.sentences.concat();
    assert!(said.contains("sign_in.p99.99 < 1s (too few samples to say: p99.99 needs 10"), "{said}");
}

/// Swagger and others read and write YAML 1.1, which has no word `no`.
#[test]
fn words_survive_a_round_trip_through_yaml_1_1() {
    let pool = "pool: { remember: false, mfa: true, lockout: false, risk: { mode: false }, switches: { risk_note: false } }";
    let scenario = parsed(&TOY.replace("pool: { remember: always }", pool));
    let pool = &scenario.pool;
    assert_eq!((pool.remember, pool.mfa, pool.lockout), (RememberMode::No, MfaMode::On, Lockout::Off));
    assert_eq!((pool.risk.mode, pool.switches.risk_note), (RiskMode::Off, RiskNote::Off));
    let resolved = scenario.to_yaml();
    for wanted in ["remember: 'no'", "mfa: 'on'", "lockout: 'off'", "mode: 'off'", "risk_note: 'off'"] {
        assert!(resolved.contains(wanted), "no {wanted} in:\n{resolved}");
    }
    assert_eq!(parsed(&resolved), scenario);
    // A pool that remembers devices does so always or on request.
    let error = parse(&TOY.replace("always", "true")).unwrap_err();
    assert!(error.contains("unknown word `true`, expected one of `no`, `always`, `opt_in`"), "{error}");
}

#[test]
fn weights_and_shares_need_no_percent_sign() {
    let population = "{ users: 5, opt_in: 60, compromised: 12.5, factors: { none: 40%, totp: 60 } }";
    let scenario = parsed(&TOY.replace("{ users: 5 }", population));
    assert_eq!((scenario.population.opt_in, scenario.population.compromised), (0.6, 0.125));
    let totp = poolproof_cognito::policy::Factors::Totp;
    assert_eq!(scenario.population.factors.share(totp), 0.6);
    let mixed =
        parsed(&TOY.replace("workload: {", "workload: { mix: { known_device: 80%, new_device: '20' },"));
    assert_eq!(mixed.workloads[0].mix.share(Intent::NewDevice), 0.2);
    let error = parse(&TOY.replace("{ users: 5 }", "{ users: 5, opt_in: 0.6 }")).unwrap_err();
    assert!(error.contains("`0.6` is ambiguous: write `60%` or `0.6%`"), "{error}");
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let bytes = fs::read(root().join("tests/data/scenarios/bad/several-mistakes.yaml")).unwrap();
    let error = scenario::parse("f.yaml", &bytes).unwrap_err().to_string();
    let places: Vec<&str> =
        error.lines().filter_map(|line| line.trim_start().strip_prefix("--> f.yaml:")).collect();
    assert_eq!(places, ["4:1", "6:13", "7:3", "8:22", "11:14", "12:7", "13:28", "15:5"], "{error}");
    // Mistakes that only follow from another one are not reported.
    let broken = TOY.replace("rate: 10/s", "rate: fast") + "clock: wal\nservice: { cores: 1 }\n";
    let error = parse(&broken).unwrap_err();
    assert_eq!(error.matches("error: ").count(), 2, "{error}");
}

/// Parses TOY with these lines and this entry of its workload, and returns the first line of each error.
fn mistakes(lines: &str, workload: &str) -> Vec<String> {
    let text = TOY.replace("workload: {", &format!("workload: {{ {workload},")) + lines;
    let error = parse(&text).unwrap_err();
    error.lines().filter_map(|line| line.strip_prefix("error: ")).map(str::to_owned).collect()
}

#[test]
fn rules_between_keys_are_reported_beside_other_mistakes() {
    let mix = "mix: { replayed_claim: 1, refresh_reuse: 1, wrong_custom_answer: 1 }";
    let starts = |found: &[String], wanted: &[&str]| {
        let same = found.len() == wanted.len()
            && found.iter().zip(wanted).all(|(message, start)| message.starts_with(start));
        assert!(same, "{found:#?}");
    };
    let intents = ["workload.mix.replayed_claim", "workload.mix.refresh_reuse", "workload.mix.wrong_custom"];
    starts(&mistakes("", mix), &intents);
    // Neither a wrong rate nor wrong thresholds hide them.
    let text = TOY.replace("rate: 10/s", "rate: 0/s").replace("workload: {", &format!("workload: {{ {mix},"));
    let error = parse(&text).unwrap_err();
    assert!(error.contains("no measured stage has a rate") && error.contains("mix.refresh_reuse"), "{error}");
    let thresholds = "thresholds:\n- failed.rate\n- decisions.mismatched == 0\n- lag.max < 1\n\
                      - failed{workload:storm}.rate < 1%\n- { threshold: dropped.rate < 1%, after: 1s }\n";
    starts(
        &mistakes(thresholds, mix),
        &[&intents[..], &["thresholds[0]: ", "thresholds[2]: ", "thresholds[3]: unknown", "thresholds[4]"]]
            .concat(),
    );
    // A rule is not reported if a key that it is about is wrong itself, or may be misspelled.
    for (line, name) in [("switchs: { claims: once }", "switchs"), ("switches: { claims: twice }", "twice")] {
        let text = TOY.replace("remember: always", &format!("remember: always, {line}"));
        let error =
            parse(&text.replace("workload: {", "workload: { mix: { replayed_claim: 1 },")).unwrap_err();
        assert!(error.matches("error: ").count() == 1 && error.contains(name), "{error}");
    }
}

#[test]
fn a_service_is_refused_under_the_wall_clock_of_every_source() {
    let folder = folder("wall");
    let file = folder.join("toy.yaml");
    let service = "service: { cores: 2 }\nthresholds: [ p99 < 1s ]\n";
    fs::write(&file, format!("{TOY}{service}")).unwrap();
    let out = folder.join("out");
    let run = |more: &[&str]| output(poolproof().arg("run").arg(&file).arg("--out").arg(&out).args(more));
    for (option, place) in [(["--clock", "wall"], "toy.yaml:7:10"), (["--set", "clock=wall"], "--set:1:7")] {
        let (code, _, err) = run(&option);
        assert_eq!(code, 104, "{err}");
        for wanted in ["service: under the wall clock", &format!("--> {place}"), "--set service=none"] {
            assert!(err.replace(&format!("{}/", folder.display()), "").contains(wanted), "{err}");
        }
    }
    let (code, _, err) =
        output(poolproof().args(["capacity", "--slo", "p99<1s", "--clock", "wall"]).arg(&file));
    assert!(code == 104 && err.contains("service: under the wall clock"), "{err}");
    // Without the service the threshold on latency has a meaning under the wall clock only.
    assert_eq!(run(&["--set", "service=none"]).0, 104);
    let (code, out, err) = run(&["--set", "service=none", "--clock", "wall"]);
    assert!(code != 104 && code != 2, "{out}{err}");
}

#[test]
fn files_of_other_kinds_are_recognized() {
    let folder = folder("other-kinds");
    let file = |name: &str, text: &str| {
        fs::write(folder.join(name), text).unwrap();
        folder.join(name)
    };
    let pool = root().join("scenarios/aws/describe-user-pool.json");
    for command in [&["run"][..], &["check"], &["capacity", "--slo", "p99<1s"]] {
        let (code, _, err) = output(poolproof().args(command).arg(&pool));
        assert_eq!(code, 104, "{err}");
        for wanted in
            ["the output of describe-user-pool, not a scenario", "poolproof advise", "init --from", "--pool"]
        {
            assert!(err.contains(wanted), "no `{wanted}` in:\n{err}");
        }
    }
    let check = |file: &Path| output(poolproof().arg("check").arg(file)).2;
    let err = check(&file("monday.csv", "at,rate\n0s,1/s\n"));
    assert!(err.contains("a schedule of rates, not a scenario") && err.contains("schedule: FILE"), "{err}");
    let err = check(&file("report.json", "{ \"schema_version\": 1 }"));
    assert!(err.contains("poolproof report"), "{err}");
    toy_file(&folder);
    let err = check(&folder.join("toy.yml"));
    assert!(err.contains("did you mean") && err.contains("toy.yaml"), "{err}");
    let (code, _, err) =
        output(poolproof().arg("run").args([folder.join("toy.yaml"), folder.join("toy.yaml")]));
    assert!(code == 2 && err.contains("is given twice"), "{err}");
}

#[test]
fn completions_and_manual_pages_cover_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, err) = output(poolproof().args(["completions", shell]));
        assert_eq!((code, err.as_str()), (0, ""), "{shell}");
        assert!(out.contains("capacity") && out.contains("ignore-unsimulated"), "{shell}");
    }
    let (code, page, _) = output(poolproof().arg("man"));
    assert!(code == 0 && page.contains(".TH poolproof") && page.contains("capacity"), "{page}");
    let (code, page, _) = output(poolproof().args(["man", "run"]));
    assert!(code == 0 && page.contains("format"), "{page}");
    assert_eq!(output(poolproof().args(["man", "dance"])).0, 2);
}
