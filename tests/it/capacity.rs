//! `poolproof capacity`: the highest rate, compared with queueing theory, and the messages of a search that
//! does not find one.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use poolproof::capacity::{Capacity, CapacityOptions, LevelDurations, Limit, find};
use poolproof::run::{CancellationToken, RunOptions};
use poolproof::scenario::{self, Threshold};
use poolproof_pool::Defect;
use serde_json::Value;

use crate::cli::{output, poolproof};
use crate::run_fixture::play_with;
use crate::server_process::ServerProcess;

/// The pool has one core and computes six powers of a millisecond each per sign-in. It can therefore serve
/// 166.7 sign-ins per second.
const SCENARIO: &str = "version: 1
name: core
group: toy
pool: { remember: always, suppress_mfa: true, mfa: optional }
population: { users: 500, devices: 1 }
workload: { stages: [ { for: 10s, rate: 10/s } ], mix: { known_device: 100 } }
service: { cores: 1, modexp_256: 1ms, modexp_513: 1ms, modexp_1025: 1ms }
";

/// The highest rate of one core, in sign-ins per second.
const MAX_PER_S: f64 = 1000.0 / 6.0;

fn options_for(objectives: &[&str]) -> CapacityOptions {
    let s = Duration::from_secs;
    CapacityOptions {
        objectives: objectives.iter().map(|text| Threshold::parse(text).unwrap()).collect(),
        from: None,
        to: None,
        factor: 2.0,
        precision: 0.05,
        durations: LevelDurations { settle: s(2), measure: s(10), confirm: s(20) },
        usl: false,
        want: None,
    }
}

fn search(yaml: &str, options: &CapacityOptions, defect: Option<Defect>) -> Capacity {
    let scenario = scenario::parse("core.yaml", yaml.as_bytes()).unwrap();
    let run_options =
        RunOptions { file: "core.yaml".to_owned(), text: yaml.to_owned(), defect, ..RunOptions::default() };
    find(&scenario, options, &run_options, &CancellationToken::default(), &|_| {}).unwrap()
}

#[test]
fn capacity_matches_the_cost_of_srp_on_one_core() {
    let found =
        search(SCENARIO, &CapacityOptions { want: Some(1000.0), ..options_for(&["sign_in.p99 < 1s"]) }, None);
    let answer = found.answer.as_ref().unwrap();
    assert_eq!(
        (found.verdict.exit_code, answer.limit, answer.confirmed),
        (0, Limit::Pool, true),
        "{found:?}"
    );
    let below = answer.below_per_s.unwrap();
    // With an objective of one second, the capacity is within a few percent of the core's highest rate.
    assert!(answer.per_s < MAX_PER_S * 1.02 && below > MAX_PER_S * 0.9, "{} {below}", answer.per_s);
    assert!(below / answer.per_s <= 1.05 + 1e-9);
    let wanted = found.wanted.unwrap().server_cores.unwrap();
    assert!(wanted.least.unwrap() <= wanted.most && (wanted.most - 1000.0 / answer.per_s).abs() < 0.01);
    // A level that fails because of the pool has a reason.
    assert!(
        found
            .levels
            .iter()
            .any(|level| !level.passed && level.per_s > MAX_PER_S && !level.reasons.is_empty())
    );
}

/// The core is a thousand times slower, so that it can serve one sign-in in six seconds.
#[test]
fn capacity_below_one_per_second_is_found() {
    let slow = SCENARIO.replace("1ms", "1s");
    let options = CapacityOptions { precision: 0.02, ..options_for(&["sign_in.p99 < 120s"]) };
    let found = search(&slow, &options, None);
    let (answer, max_per_s) = (found.answer.as_ref().unwrap(), MAX_PER_S / 1000.0);
    assert_eq!((found.verdict.exit_code, answer.limit), (0, Limit::Pool), "{found:?}");
    // The reported rate is sustainable, and the failing rate is close to the highest rate.
    assert!(answer.per_s < max_per_s * 1.01, "{} is more than {max_per_s}", answer.per_s);
    assert!(answer.below_per_s.unwrap() > max_per_s * 0.8, "{answer:?}");
    let text = poolproof::capacity::text(&found);
    assert!(text.contains(&format!(" {} sign-ins/s [{}, ", answer.per_s, answer.per_s)), "{text}");
    for level in &found.levels {
        let offered = level.figures.offered_per_s.unwrap();
        assert!((offered / level.per_s - 1.0).abs() < 0.01, "the level does not offer its rate: {level:?}");
    }
}

#[test]
fn too_few_sign_ins_give_no_capacity() {
    let options =
        CapacityOptions { from: Some(0.001), to: Some(0.002), ..options_for(&["sign_in.p50 < 1s"]) };
    let found = search(SCENARIO, &options, None);
    assert_eq!((found.verdict.exit_code, &found.answer), (99, &None), "{found:?}");
    assert!(found.verdict.sentences[0].contains("there were too few sign-ins"), "{found:?}");
}

#[test]
fn busy_users_are_reported_as_the_scenario_limit() {
    // Thirty users who each type for ten seconds sign in at most three times per second. The pool can serve
    // more than a hundred.
    let slow_typing = SCENARIO
        .replace("users: 500, devices: 1", "users: 30, factors: { totp: 100 }, devices: 0")
        .replace("known_device: 100 }", "new_device: 100 }")
        .replace("service:", "client: { mfa_delay: 10s }\nservice:");
    let options = CapacityOptions { from: Some(0.5), to: Some(50.0), ..options_for(&["service.p99 < 1s"]) };
    let found = search(&slow_typing, &options, None);
    assert_eq!(found.answer.as_ref().map(|answer| answer.limit), Some(Limit::Generator), "{found:?}");
    let sentences = found.verdict.sentences.join(" ");
    assert!(sentences.contains("Raise population.users") && !sentences.contains("cores"), "{sentences}");
}

#[test]
fn users_waiting_for_the_pool_are_the_pool_limit() {
    // The queue of a hundred users cannot grow further. If all of them wait for the pool, no user is idle
    // because of the pool.
    let few_users = SCENARIO.replace("users: 500", "users: 100");
    let found = search(
        &few_users,
        &CapacityOptions { from: Some(50.0), to: Some(800.0), ..options_for(&["service.p99 < 10s"]) },
        None,
    );
    let answer = found.answer.as_ref().unwrap();
    assert_eq!(answer.limit, Limit::Pool, "{found:?}");
    assert!(
        answer.per_s < MAX_PER_S * 1.05 && !found.verdict.sentences.concat().contains("population.users"),
        "{found:?}"
    );
    let text = poolproof::capacity::text(&found);
    assert!(text.contains("all 100 users wait for the pool"), "{text}");
}

#[test]
fn a_growing_queue_fails_a_level() {
    // No latency reaches one hour in such a short level, so that only the growing queue can fail it.
    let options =
        CapacityOptions { from: Some(100.0), to: Some(200.0), ..options_for(&["sign_in.p99 < 1h"]) };
    let found = search(SCENARIO, &options, None);
    let answer = found.answer.as_ref().unwrap();
    assert!(answer.limit == Limit::Pool && answer.per_s < MAX_PER_S * 1.02, "{found:?}");
    let text = poolproof::capacity::text(&found);
    assert!(text.contains("falls behind: the median latency grows by"), "{text}");
}

#[test]
fn a_tighter_objective_has_less_capacity() {
    let rate = |slo: &str| search(SCENARIO, &options_for(&[slo]), None).answer.unwrap().per_s;
    let (loose, tight) = (rate("sign_in.p99 < 1s"), rate("sign_in.p99 < 20ms"));
    assert!(tight < loose * 0.9, "{tight} {loose}");
}

/// A search takes thousands of sign-ins. A hundred show which defects have an effect on the mix, so only
/// these and one other are searched with.
#[test]
fn a_pool_that_decides_wrongly_has_no_capacity() {
    let few = SCENARIO.replace("users: 500", "users: 40");
    let short = scenario::parse("core.yaml", few.replace("for: 10s", "for: 1s").as_bytes()).unwrap();
    let detected: Vec<Defect> = Defect::ALL
        .into_iter()
        .filter(|defect| match play_with(&short, Some(*defect)).verdict.exit_code {
            80 => true,
            code => {
                assert_eq!(code, 0, "{defect:?}");
                false
            }
        })
        .collect();
    // The mix has only known devices, without risk or factors. Only these defects have an effect on them.
    let names: Vec<String> = detected.iter().map(|defect| format!("{defect:?}")).collect();
    assert_eq!(names, ["NewDeviceAlways", "SubForSrp"]);
    let options = CapacityOptions { from: Some(20.0), to: Some(20.0), ..options_for(&["sign_in.p99 < 1s"]) };
    for defect in &detected {
        // The defect ends the search at once.
        let found = search(&few, &options, Some(*defect));
        assert_eq!(found.verdict.exit_code, 80, "{defect:?}");
        assert_eq!((found.levels.len(), found.levels[0].runs, &found.answer), (1, 1, &None), "{defect:?}");
    }
    let without_effect = Defect::ALL.into_iter().find(|defect| !detected.contains(defect));
    assert_eq!(search(&few, &options, without_effect).verdict.exit_code, 0);
}

/// Writes a scenario file and returns its path.
fn file(name: &str, yaml: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("capacity");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(name);
    fs::write(&file, yaml).unwrap();
    file
}

/// Runs `poolproof capacity` with short levels.
fn capacity(file: &Path, flags: &[&str]) -> (i32, String, String) {
    let short = ["--settle", "1s", "--measure", "5s", "--confirm", "5s", "--step", "2"];
    output(poolproof().arg("capacity").arg(file).args(short).args(flags))
}

#[test]
fn capacity_output_is_reproducible_in_text_and_json() {
    let file = file("core.yaml", SCENARIO);
    let (code, out, err) = capacity(&file, &["--slo", "p99<250ms", "--want", "1000/s", "--usl"]);
    // A slow machine prints progress from time to time.
    assert!(code == 0 && err.lines().all(|line| line.ends_with(" mismatched")), "{out}{err}");
    for wanted in [
        "✓ core  ",
        " sign-ins/s [",
        ") at sign_in.p99<250ms on 1 core of the pool",
        "confirm",
        "USL",
        "for 1,000/s",
    ] {
        assert!(out.contains(wanted), "no `{wanted}` in:\n{out}");
    }
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    let json = || capacity(&file, &["--slo", "p99<250ms", "--format", "json"]);
    let (code, out, _) = json();
    let result: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &result["schema_version"], &result["answer"]["limit"]), (0, &1.into(), &"pool".into()));
    assert_eq!(json().1, out, "two searches by the virtual clock differ");
}

#[test]
fn a_failed_search_explains_why() {
    let core = file("core.yaml", SCENARIO);
    let strict = ["--slo", "p99<1ms"];
    let (code, out, _) = capacity(&core, &strict);
    assert_eq!(code, 99, "{out}");
    assert!(out.contains("fails already") && out.contains("--from"), "{out}");
    let closed = SCENARIO
        .replace("stages: [ { for: 10s, rate: 10/s } ]", "model: closed, stages: [ { for: 10s, users: 5 } ]");
    let free = SCENARIO.split("service:").next().unwrap();
    for (file, flags, code, wanted) in [
        (file("closed.yaml", &closed), vec!["--slo", "p99<1s"], 2, "its workload is closed"),
        (file("free.yaml", free), vec!["--slo", "p99<1s"], 2, "`service: { cores: 4 }`"),
        (core.clone(), vec!["--slo", "p100<1s"], 2, "unknown metric `p100`"),
        (
            core.clone(),
            vec!["--slo", "p99<1s", "--from", "9/s", "--to", "5/s"],
            2,
            "--to 5/s is lower than --from 9/s",
        ),
        (core.clone(), vec![], 2, "--slo <OBJECTIVE>"),
        (core.clone(), vec!["--slo", "p99<1s", "--from", "0/s"], 2, "--from"),
        (file("bad.yaml", "version: 2\n"), vec!["--slo", "p99<1s"], 104, "bad.yaml"),
    ] {
        let (actual, out, err) = capacity(&file, &flags);
        assert_eq!((actual, out.as_str()), (code, ""), "{err}");
        assert!(err.contains(wanted), "no `{wanted}` in:\n{err}");
    }
}

/// Returns whether a search by the wall clock can end with this exit code on a busy machine. It finds a rate,
/// the generator is late, or the pool is too slow.
const fn passed_or_saturated(code: i32) -> bool {
    matches!(code, 0 | 83 | 99)
}

#[test]
fn an_endpoint_search_completes_and_cleans_up() {
    let server = ServerProcess::start(&[]);
    let scenario = "version: 1
name: abroad
clock: wall
pool: { remember: no }
population: { users: 60, devices: 0 }
workload: { stages: [ { for: 1s, rate: 1/s } ], mix: { new_device: 100 } }
";
    let target = format!("http://{}", server.address);
    let flags =
        ["--slo", "p99<30s", "--from", "100/s", "--to", "100/s", "--format", "json", "--target", &target];
    let (code, out, err) = capacity(&file("abroad.yaml", scenario), &flags);
    assert!(passed_or_saturated(code), "{code}: {out}{err}");
    let result: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(result["target"].as_str().map(|url| url.trim_end_matches('/')), Some(target.as_str()));
    let levels = result["levels"].as_array().unwrap();
    assert!(
        levels
            .iter()
            .all(|level| level["per_s"] == 100.0 && level["figures"]["server_us_per_sign_in"].is_null())
    );
    if code == 0 {
        let stages: Vec<&str> = levels.iter().filter_map(|level| level["stage"].as_str()).collect();
        assert_eq!(stages, ["climb", "confirm"]);
        let answer = &result["answer"];
        assert!(
            answer["cores"].is_null() && answer["limit"] == "range" && answer["confirmed"] == true,
            "{answer}"
        );
        assert!(answer["figures"]["client_us_per_sign_in"].as_u64().unwrap() > 0, "{answer}");
    }
    let pools = server.call("ListUserPools", &serde_json::json!({ "MaxResults": 60 })).json();
    assert_eq!(pools["UserPools"].as_array().unwrap().len(), 1, "{pools}");
    assert!(server.is_healthy());
    // The search reports an unreachable target before it starts.
    let (code, out, err) =
        capacity(&file("abroad.yaml", scenario), &["--slo", "p99<1s", "--target", "http://127.0.0.1:9"]);
    assert_eq!((code, out.as_str()), (107, ""), "{err}");
    assert!(err.contains("the target cannot be used: http://127.0.0.1:9"), "{err}");
}

#[test]
fn wall_clock_search_reports_client_and_pool_cpu() {
    let wall = SCENARIO.split("service:").next().unwrap().replace("group:", "clock: wall\ngroup:");
    let flags = ["--slo", "p99<30s", "--from", "300/s", "--to", "300/s"];
    let (code, out, err) = capacity(&file("wall.yaml", &wall), &flags);
    assert!(passed_or_saturated(code) && err.is_empty(), "{code}: {out}{err}");
    if code == 0 {
        for wanted in ["300 sign-ins/s [300, …)", "of the clients", "CPU       clients ", "; pool "] {
            assert!(out.contains(wanted), "no `{wanted}` in:\n{out}");
        }
    }
}

#[test]
fn a_passing_upper_bound_is_reported_as_a_minimum() {
    let (code, out, _) =
        capacity(&file("core.yaml", SCENARIO), &["--slo", "p99<1s", "--from", "10/s", "--to", "20/s"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("[20, …)") && out.contains("Continue with --to"), "{out}");
}
