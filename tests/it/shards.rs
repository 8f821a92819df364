//! Shards of a run, and their merge.

use std::fs;

use poolproof::clock::ClockKind;
use poolproof::report::Report;
use poolproof::run::{
    CancellationToken, Merge, RunOptions, RunOutput, ShardFile, ShardOptions, ShardQuotas, run,
};
use poolproof::scenario::{self, Scenario};
use poolproof::workload::Shard;

use serde_json::{Value, json};

use crate::run_fixture::{bundled, run_options};

fn shard_options(index: u32, count: u32) -> ShardOptions {
    let shard = Shard::new(index, count).unwrap();
    ShardOptions { shard, allow_coupled: false, quotas: ShardQuotas::Divided }
}

fn options_of(text: &str) -> RunOptions {
    RunOptions { text: text.to_owned(), ..run_options(None) }
}

fn whole(scenario: &Scenario, text: &str) -> Report {
    run(scenario, &options_of(text), &CancellationToken::default()).unwrap().report
}

/// Runs all shards and sends each through its file.
fn shard_files(scenario: &Scenario, text: &str, count: u32) -> Result<Vec<ShardFile>, String> {
    let one = |index| {
        let options = RunOptions { shard: Some(shard_options(index, count)), ..options_of(text) };
        let played =
            run(scenario, &options, &CancellationToken::default()).map_err(|error| error.to_string())?;
        ShardFile::parse(&played.shard.unwrap().to_json())
    };
    (0..count).map(one).collect()
}

fn merged(files: Vec<ShardFile>) -> RunOutput {
    let mut files = files.into_iter().zip(0..);
    let (first, _) = files.next().unwrap();
    let mut merge = Merge::new("0", first).unwrap();
    for (file, number) in files {
        merge.add(&number.to_string(), file).unwrap();
    }
    merge.finish()
}

/// Every bundled scenario that does not couple its users. Under the wall clock each does.
#[test]
fn merged_shards_equal_the_whole_run_to_the_byte() {
    let (mut exact, mut coupled) = (Vec::new(), Vec::new());
    for path in bundled() {
        let text = fs::read_to_string(&path).unwrap();
        let scenario = Scenario { clock: ClockKind::Virtual, ..scenario::read(&path).unwrap() };
        let name = scenario.name.clone();
        match shard_files(&scenario, &text, 3) {
            Ok(files) => {
                assert_eq!(merged(files).report.to_json(), whole(&scenario, &text).to_json(), "{name}");
                exact.push(name);
            }
            Err(why) => {
                assert!(why.contains("--allow-coupled"), "{name}: {why}");
                coupled.push(name);
            }
        }
    }
    assert_eq!((exact.len(), coupled.len()), (14, 9), "{exact:?} {coupled:?}");
}

const WINDOWS: &str = "version: 1
name: windows
seed: 7
clock: virtual
group: toy
pool: { remember: always, suppress_mfa: true, mfa: optional }
population: { users: 400, factors: { none: 30, totp: 50, sms: 20 }, devices: { poisson: 1.1 } }
workloads:
  - name: people
    stages: [ { for: 20s, rate: 8/s, warm_up: true }, { for: 40s, rate: 8/s, to: 20/s } ]
    mix: { known_device: 70, new_device: 20, wrong_password: 10 }
    at_most: 500
  - name: kiosks
    model: closed
    think_time: 2s
    stages: [ { for: 50s, users: 12 } ]
client: { mfa_delay: { log_normal: { median: 6s, sigma: 0.7 } } }
thresholds:
  - decisions.mismatched == 0
  - throughput.achieved[10s] > 1/s
  - refused.rate{workload:people}[10s] < 40%
  - decisions.checked{rule:suppressed} > 3
";

/// Closed workloads, limits, windows, users who wait for codes, and more shards than some have users.
#[test]
fn windows_and_closed_workloads_merge_exactly() {
    let scenario = scenario::parse("windows.yaml", WINDOWS.as_bytes()).unwrap();
    let report = whole(&scenario, WINDOWS);
    assert!(report.sign_ins.started > 400 && report.thresholds.iter().any(|one| one.window.is_some()));
    for count in [1, 2, 16, 60] {
        let files = shard_files(&scenario, WINDOWS, count).unwrap();
        assert_eq!(merged(files).report.to_json(), report.to_json(), "{count} shards");
    }
}

#[test]
fn sums_that_do_not_agree_and_large_numbers_are_refused() {
    let scenario = scenario::parse("windows.yaml", WINDOWS.as_bytes()).unwrap();
    let text = shard_files(&scenario, WINDOWS, 2).unwrap().remove(0).to_json();
    let replaced = |old: &str, new: &str| {
        assert!(text.contains(old), "{old}");
        text.replacen(old, new, 1)
    };
    for (damaged, why) in [
        (text[..text.len() / 2].to_owned(), "EOF while parsing"),
        ("{}".to_owned(), "missing field `format`"),
        (replaced("\"format\":1", "\"format\":2"), "this version reads 1"),
        (replaced("\"version\":\"", "\"version\":\"9."), "use one version"),
        (replaced("\"warm_up\":", "\"warm_up\":18446744073709551615,\"x\":"), "too large"),
        (replaced("\"id\":\"", "\"id\":\"no-such-"), "has no rule"),
    ] {
        let error = ShardFile::parse(&damaged).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    let file = ShardFile::parse(&replaced("\"completed\":", "\"completed\":1")).unwrap();
    let error = Merge::new("0", file).unwrap_err().to_string();
    assert_eq!(error, "0 is not a shard that this version can read: its sums do not agree");
    let error =
        Merge::new("0", ShardFile::parse(&replaced("\"index\":0", "\"index\":2")).unwrap()).unwrap_err();
    assert!(error.to_string().contains("from 0 to 1"), "{error}");
}

#[test]
fn shards_of_other_runs_and_shards_given_twice_are_refused() {
    let scenario = scenario::parse("windows.yaml", WINDOWS.as_bytes()).unwrap();
    let file = |scenario: &Scenario, text: &str, index, count| {
        shard_files(scenario, text, count).unwrap().remove(index)
    };
    let other_seed = Scenario { seed: poolproof_cognito::seed::Seed::new(8), ..scenario.clone() };
    let first = file(&scenario, WINDOWS, 0, 2);
    for (other, why) in [
        (first.clone(), "b and a are both shard 0 of 2"),
        (file(&scenario, WINDOWS, 1, 3), "it is one of 3 shards, not of 2"),
        (file(&other_seed, WINDOWS, 1, 2), "its seed, its clock or options such as --set differ"),
        (file(&scenario, &format!("{WINDOWS}\n# other\n"), 1, 2), "its scenario file has another text"),
    ] {
        let mut merge = Merge::new("a", first.clone()).unwrap();
        let error = merge.add("b", other).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_report_without_all_shards_is_partial_and_names_them() {
    let scenario = scenario::parse("windows.yaml", WINDOWS.as_bytes()).unwrap();
    let mut files = shard_files(&scenario, WINDOWS, 4).unwrap();
    let lost = files.remove(2);
    let started = whole(&scenario, WINDOWS).sign_ins.started;
    let report = merged(files).report;
    assert_eq!(report.sign_ins.started, started - lost.sign_ins());
    assert_eq!((report.verdict.exit_code, report.partial), (105, true));
    assert_eq!(report.verdict.sentences[0], "Shard 2 of 4 is missing; no figure includes its sign-ins.");
}

/// Quotas and cores couple users: each shard is a smaller pool.
#[test]
fn coupled_scenarios_are_divided_only_on_request() {
    let text = "version: 1\nname: coupled\nclock: virtual\ngroup: toy\n\
        pool: { remember: always, quotas: { user_authentication: 10/s } }\n\
        population: { users: 300 }\nservice: { cores: 2 }\n\
        workload: { stages: [ { for: 20s, rate: 20/s } ] }\nthresholds: [ decisions.mismatched == 0 ]\n";
    let scenario = scenario::parse("coupled.yaml", text.as_bytes()).unwrap();
    let error = shard_files(&scenario, text, 2).unwrap_err();
    for part in ["`service.cores: 2`", "`pool.quotas`", "--allow-coupled"] {
        assert!(error.contains(part), "{error}");
    }
    let play = |count, quotas| {
        let shard = |index| {
            let shard = ShardOptions { allow_coupled: true, quotas, ..shard_options(index, count) };
            let options = RunOptions { shard: Some(shard), ..options_of(text) };
            run(&scenario, &options, &CancellationToken::default())
                .map(|played| played.shard.unwrap())
                .map_err(|error| error.to_string())
        };
        Ok::<_, String>(merged((0..count).map(shard).collect::<Result<_, _>>()?).report)
    };
    let divided = play(2, ShardQuotas::Divided).unwrap();
    let undivided = play(2, ShardQuotas::Whole).unwrap();
    let started = whole(&scenario, text).sign_ins.started;
    assert_eq!((divided.sign_ins.started, undivided.sign_ins.started), (started, started));
    assert!(divided.throughput.throttled > undivided.throughput.throttled);
    let shards = divided.shards.unwrap();
    assert!(shards.separate && shards.quotas_divided);
    assert!(
        divided.verdict.sentences.last().unwrap().contains("a pool of its own with its share of the quotas")
    );
    assert!(play(3, ShardQuotas::Divided).unwrap_err().contains("2 cores cannot be divided among 3 shards"));
    let too_many = play(16, ShardQuotas::Divided).unwrap_err();
    assert!(too_many.contains("cannot be divided among 16 shards"), "{too_many}");
}

/// One user, whose sign-ins follow each other without a pause: a closed loop and arrivals that wait.
#[test]
fn sign_ins_that_wait_for_their_user_merge_exactly() {
    let head = "version: 1\nname: one\nclock: virtual\ngroup: toy\n";
    let loops = format!(
        "{head}pool: {{ remember: always, mfa: off }}\npopulation: {{ users: 1, factors: {{ none: 1 }} }}\n\
         workloads:\n\
         \x20 - {{ name: x, model: closed, think_time: 100ms, stages: [ {{ for: 20s, users: 1 }} ], mix: {{ known_device: 40, new_device: 20, forgotten_device: 20 }} }}\n\
         \x20 - {{ name: y, model: closed, think_time: 150ms, stages: [ {{ for: 20s, users: 1 }} ], mix: {{ new_device: 20, forgotten_device: 20, known_device: 20 }} }}\n\
         service: {{ modexp_256: 30ms }}\n"
    );
    let arrivals = format!(
        "{head}pool: {{ remember: always, mfa: on }}\npopulation: {{ users: 1, factors: {{ sms: 1 }} }}\n\
         workload: {{ arrivals: constant, stages: [ {{ for: 10s, rate: 1/s }} ], mix: {{ known_device: 50, forgotten_device: 50 }} }}\n\
         client: {{ mfa_delay: 4s }}\n"
    );
    for text in [loops, arrivals] {
        let scenario = scenario::parse("one.yaml", text.as_bytes()).unwrap();
        let report = whole(&scenario, &text).to_json();
        for count in [1, 2] {
            assert_eq!(
                merged(shard_files(&scenario, &text, count).unwrap()).report.to_json(),
                report,
                "{text}"
            );
        }
    }
}

/// Files that no run writes: none may panic, loop, or write outside of the folder.
#[test]
fn files_that_no_run_writes_are_refused() {
    let scenario = scenario::parse("windows.yaml", WINDOWS.as_bytes()).unwrap();
    let file: Value =
        serde_json::from_str(&shard_files(&scenario, WINDOWS, 1).unwrap().remove(0).to_json()).unwrap();
    let edits: [(&str, Value); 11] = [
        ("/run/name", json!("../../elsewhere")),
        ("/data/recorder/snapshot/intended/extremes", json!([9, 0])),
        ("/data/recorder/snapshot/intended/extremes", Value::Null),
        ("/data/recorder/snapshot/intended/figures", json!(2)),
        ("/data/recorder/snapshot/timeline/intervals/0/warm_up", json!(99_999)),
        ("/data/recorder/snapshot/timeline/width_us", json!(0)),
        ("/data/recorder/snapshot/timeline/width_us", json!(3_000_000)),
        ("/data/recorder/snapshot/workload_totals", json!([])),
        ("/data/recorder/watches/1", json!({ "seconds": { "18446744073709551615": {} } })),
        ("/data/recorder/elapsed/secs", json!(1_u64 << 53)),
        (
            "/data/arrival_counts",
            json!({ "9": { "asked": 1, "waited": 0, "waited_for_code": 0, "dropped": 0 } }),
        ),
    ];
    for (place, value) in edits {
        let mut edited = file.clone();
        *edited.pointer_mut(place).unwrap_or_else(|| panic!("{place}")) = value;
        let refused = match ShardFile::parse(&edited.to_string()) {
            Err(_) => true,
            Ok(file) => Merge::new("edited", file).is_err(),
        };
        assert!(refused, "{place}");
    }
}
