//! The search for the highest rate: where queueing theory says it lies, and what is said where there is none.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use poolproof::capacity::{Asked, Capacity, Lengths, Limit, find};
use poolproof::pool::Defect;
use poolproof::run::{Settings, Stop};
use poolproof::scenario::{self, Threshold};
use serde_json::Value;

use crate::cli::{output, poolproof};

/// One core, and sign-ins of six powers of a millisecond each on the pool's side: 166.7 a second are its end.
const SCENARIO: &str = "version: 1
name: core
group: toy
pool: { remember: always, suppress_mfa: true, mfa: optional }
population: { users: 500, devices: 1 }
workload: { stages: [ { for: 10s, rate: 10/s } ], mix: { known_device: 100 } }
service: { cores: 1, modexp_256: 1ms, modexp_513: 1ms, modexp_1025: 1ms }
";

/// What one core can do at most.
const END: f64 = 1000.0 / 6.0;

fn asked(objectives: &[&str]) -> Asked {
    let s = Duration::from_secs;
    Asked {
        objectives: objectives.iter().map(|text| Threshold::parse(text).unwrap()).collect(),
        from: None,
        to: None,
        factor: 2.0,
        precision: 0.05,
        lengths: Lengths { settle: s(2), measure: s(10), confirm: s(20) },
        usl: false,
        want: None,
    }
}

fn found(yaml: &str, asked: &Asked, defect: Option<Defect>) -> Capacity {
    let scenario = scenario::parse("core.yaml", yaml.as_bytes()).unwrap();
    let settings = Settings {
        file: "core.yaml".to_owned(),
        text: yaml.to_owned(),
        command: String::new(),
        workers: None,
        backend: None,
        defect,
        endpoint: None,
        observer: Arc::new(|_| {}),
    };
    find(&scenario, asked, &settings, &Stop::default(), &|_| {}).unwrap()
}

#[test]
fn a_core_takes_what_its_arithmetic_leaves_time_for() {
    let found = found(SCENARIO, &Asked { want: Some(1000.0), ..asked(&["sign_in.p99 < 1s"]) }, None);
    let answer = found.answer.as_ref().unwrap();
    assert_eq!(
        (found.verdict.exit_code, answer.limit, answer.confirmed),
        (0, Limit::Pool, true),
        "{found:?}"
    );
    let below = answer.below_per_s.unwrap();
    // A queue that is allowed a second ends within a few per cent of the core's own end.
    assert!(answer.per_s < END * 1.02 && below > END * 0.9, "{} {below}", answer.per_s);
    assert!(below / answer.per_s <= 1.05 + 1e-9);
    let wanted = found.wanted.unwrap().server_cores.unwrap();
    assert!(wanted.least.unwrap() <= wanted.most && (wanted.most - 1000.0 / answer.per_s).abs() < 0.01);
    // A level that fails for the pool's sake says so.
    assert!(found.levels.iter().any(|level| !level.passed && level.per_s > END && !level.reasons.is_empty()));
}

#[test]
fn a_tighter_objective_has_less_capacity() {
    let rate = |slo: &str| found(SCENARIO, &asked(&[slo]), None).answer.unwrap().per_s;
    let (loose, tight) = (rate("sign_in.p99 < 1s"), rate("sign_in.p99 < 20ms"));
    assert!(tight < loose * 0.9, "{tight} {loose}");
}

#[test]
fn a_pool_that_decides_wrongly_has_no_capacity() {
    let asked = Asked { from: Some(10.0), to: Some(20.0), ..asked(&["sign_in.p99 < 1s"]) };
    let mut met = Vec::new();
    for defect in Defect::ALL {
        let found = found(SCENARIO, &asked, Some(defect));
        // A fault is either never met in this mix, or ends the search at once.
        if found.verdict.exit_code == 80 {
            assert_eq!((found.levels.len(), &found.answer), (1, &None), "{defect:?}");
            met.push(format!("{defect:?}"));
        } else {
            assert_eq!(found.verdict.exit_code, 0, "{defect:?}");
        }
    }
    // Of known devices without risk or factors this one alone is met.
    assert_eq!(met, ["NewDeviceAlways"]);
}

fn file(name: &str, yaml: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("capacity");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(name);
    fs::write(&file, yaml).unwrap();
    file
}

/// `capacity` with short levels.
fn capacity(file: &Path, flags: &[&str]) -> (i32, String, String) {
    let short = ["--settle", "1s", "--measure", "5s", "--confirm", "5s", "--step", "2"];
    output(poolproof().arg("capacity").arg(file).args(short).args(flags))
}

#[test]
fn the_command_tells_it_as_text_and_as_json_and_the_same_each_time() {
    let file = file("core.yaml", SCENARIO);
    let (code, out, err) = capacity(&file, &["--slo", "p99<250ms", "--want", "1000/s", "--usl"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for wanted in [
        "✓ core  ",
        " sign-ins/s [",
        ") at sign_in.p99<250ms on 1 core of the pool",
        "confirm",
        "USL",
        "for 1 000/s",
    ] {
        assert!(out.replace('\u{202f}', " ").contains(wanted), "no `{wanted}` in:\n{out}");
    }
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    let json = || capacity(&file, &["--slo", "p99<250ms", "--format", "json"]);
    let (code, out, _) = json();
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &told["schema_version"], &told["answer"]["limit"]), (0, &1.into(), &"pool".into()));
    assert_eq!(json().1, out, "by the virtual clock it is the same each time");
}

#[test]
fn what_has_no_capacity_says_why() {
    let core = file("core.yaml", SCENARIO);
    let slow = ["--slo", "p99<1ms"];
    let (code, out, _) = capacity(&core, &slow);
    assert_eq!(code, 99, "{out}");
    assert!(out.contains("fails already") && out.contains("--from"), "{out}");
    let closed = SCENARIO
        .replace("stages: [ { for: 10s, rate: 10/s } ]", "model: closed, stages: [ { for: 10s, users: 5 } ]");
    let free = SCENARIO.split("service:").next().unwrap();
    for (file, flags, code, wanted) in [
        (file("closed.yaml", &closed), vec!["--slo", "p99<1s"], 2, "its workload is closed"),
        (file("free.yaml", free), vec!["--slo", "p99<1s"], 2, "`service: { cores: 4 }`"),
        (core.clone(), vec!["--slo", "p98<1s"], 2, "unknown metric `sign_in.p98`"),
        (
            core.clone(),
            vec!["--slo", "p99<1s", "--from", "9/s", "--to", "5/s"],
            2,
            "--to 5/s is less than --from 9/s",
        ),
        (core.clone(), vec![], 2, "--slo <OBJECTIVE>"),
        (core.clone(), vec!["--slo", "p99<1s", "--from", "0/s"], 2, "--from"),
        (file("bad.yaml", "version: 2\n"), vec!["--slo", "p99<1s"], 104, "bad.yaml"),
    ] {
        let (seen, out, err) = capacity(&file, &flags);
        assert_eq!((seen, out.as_str()), (code, ""), "{err}");
        assert!(err.contains(wanted), "no `{wanted}` in:\n{err}");
    }
}

#[test]
fn where_the_range_ends_the_pool_may_take_more() {
    let (code, out, _) =
        capacity(&file("core.yaml", SCENARIO), &["--slo", "p99<1s", "--from", "10/s", "--to", "20/s"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("[20, …)") && out.contains("Search on with --to"), "{out}");
}
