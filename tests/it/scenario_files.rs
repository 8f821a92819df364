//! Scenario files are parsed, or refused with position and reason.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use poolproof::clock::ClockKind;
use poolproof::scenario::{
    self, ArrivalProcess, Delay, DeviceCount, GroupName, Model, OpenStage, Scenario, Service, ServiceModel,
};
use poolproof_client::Intent;
use poolproof_cognito::policy::{
    Factors, MfaMode, PoolPolicy, Quotas, RememberMode, RiskAction, RiskLevel, RiskMode,
};
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../data/scenarios/good/opt-in-mfa.yaml");

/// Invalid files that the schema accepts; files that are not YAML are not listed.
const NOT_IN_SCHEMA: [&str; 55] = [
    // Lost in the conversion to JSON: YAML features, duplicate keys, and number formats.
    "anchor",
    "complex-key",
    "directive",
    "duplicate-key",
    "duplicate-key-in-flow",
    "duplicate-key-quoted",
    "users-exponent",
    // Rules between values, and sums.
    "address-prefix-too-long",
    "compromised-share",
    "factors-all-zero",
    "from-all-zero",
    "mean-of-no-time",
    "mix-all-zero",
    "rate-too-high",
    "rate-zero",
    "risk-laxer-above",
    "service-under-wall-clock",
    "share-without-percent",
    "session-validity",
    "sign-in-by-email-factor",
    "stage-of-no-time",
    "stages-over-a-day",
    "latency-without-queue",
    "threshold-after-without-abort",
    "threshold-count-that-aborts",
    "threshold-rate-by-rule",
    "threshold-unknown-rule",
    "threshold-unknown-workload",
    "threshold-window-too-long",
    "time-of-two-days",
    "uniform-backwards",
    "warm-up-last",
    "bursts-of-no-time",
    "bursts-of-one",
    "bursts-without-calm",
    "cool-down-and-warm-up",
    "cool-down-first",
    "at-most-within-warm-up",
    "stops-within-warm-up",
    "workloads-mix-all-zero",
    "workloads-over-a-day",
    "workloads-same-name",
    "workloads-stage-of-no-time",
    // Errors in the schedule file.
    "schedule-absent",
    "schedule-all-warm-up",
    "schedule-control-character",
    "schedule-folder",
    "schedule-header",
    "schedule-not-utf-8",
    "schedule-one-line",
    "schedule-rate-without-unit",
    "schedule-rate-zero",
    "schedule-starts-late",
    "schedule-three-columns",
    "schedule-time-falls",
];

pub(crate) fn path(under_root: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(under_root)
}

/// Compares with a committed file, or writes it if `POOLPROOF_BLESS` is set.
pub(crate) fn assert_same_as_file(file: &Path, text: &str) {
    if std::env::var_os("POOLPROOF_BLESS").is_some() {
        fs::write(file, text).unwrap();
    }
    let golden = fs::read_to_string(file).unwrap_or_default();
    let hint = "differs; check the difference, then run the tests once with POOLPROOF_BLESS=1";
    assert!(text == golden, "{} {hint}\n--- is\n{text}\n--- was\n{golden}", file.display());
}

fn bad_files() -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(path("tests/data/scenarios/bad")).unwrap().map(|entry| entry.unwrap().path());
    let yaml = entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let mut files: Vec<(String, Vec<u8>)> = yaml
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    assert!(files.len() > 100, "files are missing");
    files
}

fn schema() -> jsonschema::Validator {
    jsonschema::validator_for(&scenario::schema()).unwrap()
}

fn parse(text: &str) -> Scenario {
    scenario::parse("test.yaml", text.as_bytes()).unwrap_or_else(|diagnostic| panic!("{text}\n{diagnostic}"))
}

#[test]
fn the_example_parses_to_the_expected_scenario() {
    let scenario = parse(EXAMPLE);
    assert_eq!(scenario.name, "opt-in-mfa");
    assert_eq!(scenario.about, "Opt-in devices replace MFA only after the user said yes.");
    assert_eq!((scenario.seed.number(), scenario.clock), (7, ClockKind::Virtual));
    let service = Service::Model(ServiceModel { cores: Some(2), ..ServiceModel::NOMINAL });
    assert_eq!((scenario.group, scenario.service), (GroupName::Cognito, service));

    let pool = &scenario.pool;
    assert_eq!((pool.remember, pool.suppress_mfa, pool.mfa), (RememberMode::OptIn, true, MfaMode::Optional));
    assert_eq!((pool.risk.mode, pool.risk.medium), (RiskMode::Enforced, RiskAction::MfaRequired));
    assert_eq!((pool.quotas, pool.session_validity), (Quotas::NONE, PoolPolicy::SESSION_VALIDITY));

    let population = &scenario.population;
    assert_eq!((population.users, population.devices), (2000, DeviceCount::Poisson(1.3)));
    assert_eq!((population.opt_in, population.factors.share(Factors::Sms)), (0.6, 0.15));

    let Model::Open { arrivals, stages } = &scenario.workloads[0].model else { panic!("not open") };
    let stage = |s, from, to, warm_up| OpenStage {
        length: Duration::from_secs(s),
        from,
        to,
        warm_up,
        cool_down: false,
    };
    assert_eq!(*arrivals, ArrivalProcess::Poisson);
    assert_eq!(*stages, [stage(10, 20.0, 20.0, true), stage(30, 20.0, 200.0, false)]);
    assert_eq!(scenario.workloads[0].mix.share(Intent::KnownDevice), 0.85);
    assert_eq!(scenario.workloads[0].risk.share(Some(RiskLevel::High)), 0.02);

    let median = Duration::from_secs(8);
    assert_eq!((scenario.client.ephemeral_bits, scenario.client.retries), (256, 3));
    assert_eq!(scenario.client.mfa_delay, Delay::LogNormal { median, sigma: 0.6 });
    assert_eq!(
        scenario.thresholds.iter().map(|t| t.limit).collect::<Vec<_>>(),
        [0.0, 400_000.0, 50_000.0, 0.001]
    );
}

const SHORTEST: &str = "version: 1\nname: s\npool: { remember: always }\npopulation: { users: 1 }\n\
                        workload: { stages: [{ for: 1s, rate: 1/s }] }\n";

/// Scenarios with features that the example does not use.
fn other_scenarios() -> Vec<String> {
    let closed = "workload:\n  model: closed\n  think_time: { uniform: { min: 1s, max: 1500ms } }\n  stages:\n    \
                  - { for: 1m, users: 50, warm_up: true }\n    - { for: 1.5h, users: 1000000 }\n";
    let head = SHORTEST.split("workload").next().unwrap();
    let wide = SHORTEST.replace(
        "{ remember: always }",
        "{ remember: no, quotas: { user_resource_read: 7/s }, lockout: off, session_validity: 15m, \
         risk: { mode: audit, low: mfa_if_configured }, switches: { strict_mfa_binding: true, risk_note: off } }",
    );
    let more = "client: { mfa_delay: { exponential: { mean: 2s } }, ephemeral_bits: 1024, retries: 0 }\n\
                service: { cores: 4, modexp_256: 1ms }\ngroup: toy\nseed: 18446744073709551615\n\
                thresholds: [\"throughput.achieved >= 0.5/s\", 'READ_DEVICES.max<1h']\n";
    let ramps = "  stages:\n    - { for: 1s, rate: 0.25/s, to: 3/s }\n    - { for: 1s, to: 0.1/s }\n  arrivals: constant\n  \
                 mix: { new_device: 0.7 }\n  risk: { high: 1, none: 2 }\n";
    let several = "workloads:\n  - { name: workload, arrivals: { bursty: { bursts: 2.5x, for: 1500ms, every: 1m } }, at_most: 7, \
                   stages: [{ for: 1s, rate: 1/s, warm_up: true }, { for: 1m, to: 3/s }, { for: 1s, rate: 2/s, cool_down: true }] }\n  \
                   - { name: crowd, starts_at: 10s, stops_after: 20s, model: closed, think_time: 1s, mix: { new_device: 1 }, \
                   risk: { low: 1 }, from: { elsewhere: 1 }, stages: [{ for: 1h, users: 3 }, { for: 1m, users: 1, cool_down: true }] }\n";
    vec![
        SHORTEST.to_owned(),
        format!("{head}{several}"),
        format!("{head}workloads: [{{ name: alone, stages: [{{ for: 1s, rate: 1/s }}] }}]\n"),
        SHORTEST.replace("workload: {", "workload: { stops_after: 500ms, at_most: 3, arrivals: constant,"),
        format!("{head}{closed}"),
        format!("{wide}{more}"),
        format!("{head}workload:\n{ramps}clock: wall\nthresholds: []\n"),
        format!(
            "{SHORTEST}service: {{ cores: 1 }}\nthresholds:\n  - sign_in{{workload:workload}}.p99[10s] < 1s\n  - {{ threshold: lag.max < 1s }}\n  \
             - {{ threshold: 'decisions{{ rule: new-device, workload: workload }}.mismatched[1m] == 0', abort: true }}\n  \
             - {{ threshold: dropped.rate < 1%, abort: true, after: 30s }}\n"
        ),
        format!(
            "#Why\n#\n#   Two lines\n{head}workload:\n{ramps}service: calibrated\nclient: {{ mfa_delay: 5ms }}\n"
        ),
        SHORTEST
            .replace("users: 1 }", "users: 1, devices: 0, opt_in: 0.07%, factors: { sms: 0.1, totp: 3 } }"),
    ]
}

#[test]
fn omitted_keys_have_defaults() {
    let scenario = parse(SHORTEST);
    assert_eq!(
        (scenario.seed.number(), scenario.clock, scenario.group),
        (1, ClockKind::Virtual, GroupName::Cognito)
    );
    assert_eq!(scenario.about, "");
    let pool = PoolPolicy { remember: RememberMode::Always, ..PoolPolicy::DEFAULT };
    assert_eq!(scenario.pool, pool);
    let population = &scenario.population;
    assert_eq!((population.devices, population.opt_in), (DeviceCount::Exactly(1), 1.0));
    assert_eq!(population.factors.share(Factors::None), 1.0);
    assert_eq!(scenario.workloads[0].mix.share(Intent::KnownDevice), 1.0);
    assert_eq!(scenario.workloads[0].risk.share(None), 1.0);
    assert_eq!((scenario.client.ephemeral_bits, scenario.client.retries), (256, 3));
    assert_eq!((scenario.client.mfa_delay, scenario.service), (Delay::None, Service::None));
    assert_eq!(
        scenario.thresholds.iter().map(|t| t.text.as_str()).collect::<Vec<_>>(),
        ["decisions.mismatched == 0"]
    );
}

#[test]
fn a_ramp_begins_where_the_stage_before_ended() {
    let text =
        SHORTEST.replace("rate: 1/s }", "rate: 1/s, to: 5/s }, { for: 1s, to: 2/s }, { for: 1s, rate: 7/s }");
    let Model::Open { stages, .. } = &parse(&text).workloads[0].model else { panic!("not open") };
    let ends: Vec<_> = stages.iter().map(|stage| (stage.from, stage.to)).collect();
    assert_eq!(ends, [(1.0, 5.0), (5.0, 2.0), (7.0, 7.0)]);
}

#[test]
fn an_omitted_risk_level_uses_the_action_of_the_lower_level() {
    let text = SHORTEST.replace("always", "always, risk: { mode: enforced, low: mfa_required }");
    let risk = parse(&text).pool.risk;
    assert_eq!([risk.low, risk.medium, risk.high], [RiskAction::MfaRequired; 3]);
}

#[test]
fn the_resolved_scenario_is_the_same_scenario() {
    for text in other_scenarios().iter().map(String::as_str).chain([EXAMPLE]) {
        let scenario = parse(text);
        let resolved = scenario.to_yaml();
        assert_eq!(parse(&resolved), scenario, "{resolved}");
        assert_eq!(parse(&resolved).to_yaml(), resolved);
    }
}

#[test]
fn valid_files_match_the_schema_before_and_after_resolving() {
    let schema = schema();
    for text in other_scenarios().iter().map(String::as_str).chain([EXAMPLE]) {
        for text in [text, &parse(text).to_yaml()] {
            let value: serde_json::Value = serde_yaml::from_str(text).unwrap();
            let errors: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?}\n{text}");
        }
    }
}

#[test]
fn crlf_and_a_byte_order_mark_are_accepted() {
    let windows = format!("\u{feff}{}", EXAMPLE.replace('\n', "\r\n"));
    assert_eq!(parse(&windows), parse(EXAMPLE));
}

#[test]
fn every_invalid_file_is_rejected_with_line_and_column() {
    for (name, bytes) in bad_files() {
        let Err(diagnostic) = scenario::parse(&format!("{name}.yaml"), &bytes) else {
            panic!("{name}.yaml is accepted");
        };
        let golden = path("tests/data/scenarios/bad").join(format!("{name}.txt"));
        assert_same_as_file(&golden, &format!("{diagnostic}\n"));
        assert_eq!(diagnostic.position().is_none(), name == "empty", "{name} has no position");
    }
}

#[test]
fn the_schema_rejects_what_the_parser_rejects() {
    let schema = schema();
    let mut beyond = Vec::new();
    for (name, bytes) in bad_files() {
        // The schema does not apply to files that are not YAML or not JSON.
        let Ok(value) = serde_yaml::from_slice::<serde_json::Value>(&bytes) else { continue };
        if schema.is_valid(&value) {
            beyond.push(name);
        }
    }
    let mut listed = NOT_IN_SCHEMA;
    listed.sort_unstable();
    assert_eq!(beyond, listed);
}

#[test]
fn the_committed_schema_matches_the_program() {
    let text = serde_json::to_string_pretty(&scenario::schema()).unwrap() + "\n";
    assert_same_as_file(&path("scenarios/scenario.schema.json"), &text);
}

#[test]
fn every_key_of_the_schema_is_described() {
    fn keys(path: &str, schema: &serde_json::Value, found: &mut Vec<(String, bool)>) {
        let serde_json::Value::Object(map) = schema else { return };
        for (name, value) in map {
            let path = format!("{path}/{name}");
            if name == "properties"
                && !path.contains("/if/")
                && !path.contains("/then/")
                && !path.contains("/else/")
            {
                for (key, property) in value.as_object().into_iter().flatten().filter(|(_, p)| p.is_object())
                {
                    found.push((format!("{path}/{key}"), property.get("description").is_some()));
                }
            }
            if name != "contains" {
                keys(&path, value, found);
            }
        }
    }
    let mut found = Vec::new();
    keys("", &scenario::schema(), &mut found);
    assert!(found.len() > 50, "{}", found.len());
    let bare: Vec<_> = found.iter().filter(|(_, described)| !described).collect();
    assert!(bare.is_empty(), "{bare:?}");
}

#[test]
fn files_that_cannot_be_read_are_diagnosed() {
    let missing = scenario::read(Path::new("no/such/file.yaml")).unwrap_err();
    assert!(missing.to_string().contains("no/such/file.yaml: cannot read the file"), "{missing}");
    assert!(scenario::read(&path("tests")).is_err());
    assert!(scenario::read(&path("tests/data/scenarios/good/opt-in-mfa.yaml")).is_ok());
    let large = scenario::parse("large.yaml", " ".repeat((1 << 20) + 1).as_bytes()).unwrap_err();
    assert!(large.to_string().contains("1 MiB"), "{large}");
}

#[test]
fn a_megabyte_of_any_input_is_rejected_quickly() {
    // The YAML library takes quadratic time for the first of these.
    for unit in [
        "[",
        "{",
        "- ",
        "a: [",
        "[]",
        "\"",
        "'\n",
        "- - a\n",
        "a:\n",
        "a: {\n",
        "#",
        "a: b\n  \"\nc: ['] ', ",
        "? ",
        "é: x\n",
    ] {
        let text = unit.repeat((1 << 20) / unit.len());
        let diagnostic = scenario::parse("f.yaml", text.as_bytes()).unwrap_err().to_string();
        assert!(diagnostic.len() < 4000, "{unit}: {}", diagnostic.len());
    }
}

#[test]
fn colors_are_only_used_on_request() {
    let diagnostic = scenario::parse("f.yaml", b"name: x").unwrap_err();
    assert!(!diagnostic.to_string().contains('\u{1b}'));
    assert!(diagnostic.to_colored().contains("\u{1b}["));
}

/// Checks that any bytes give a scenario or a valid diagnostic.
fn check_no_panic(bytes: &[u8]) {
    match scenario::parse("any.yaml", bytes) {
        Ok(scenario) => assert_eq!(parse(&scenario.to_yaml()), scenario),
        Err(diagnostic) => {
            let text = diagnostic.to_string();
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
            let lines = bytes.split(|byte| *byte == b'\n').count();
            let column_and_line = diagnostic.position().unwrap_or((1, 1));
            assert!(column_and_line.0 <= lines + 1 && column_and_line.1 >= 1, "{text}");
        }
    }
}

/// YAML syntax and extreme numbers.
const FRAGMENTS: [&str; 40] = [
    "[",
    "]",
    "{",
    "}",
    ",",
    ": ",
    ":",
    "- ",
    "\n",
    "\n  ",
    "#",
    " #",
    "\"",
    "'",
    "&a ",
    "*a",
    "!t ",
    "|",
    ">",
    "? ",
    "%",
    "@",
    "`",
    "---\n",
    "...\n",
    "\t",
    "\r",
    "~",
    "null",
    "true",
    ".nan",
    ".inf",
    "-1",
    "0",
    "1e308",
    "99999999999",
    "\u{feff}",
    "\u{85}",
    "\\",
    "<<: ",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        check_no_panic(&bytes);
    }

    #[test]
    fn arbitrary_yaml_fragments_do_not_panic(parts in proptest::collection::vec(proptest::sample::select(&FRAGMENTS[..]), 0..30)) {
        check_no_panic(parts.concat().as_bytes());
    }

    #[test]
    fn mutated_files_do_not_panic(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..12_usize, 0..FRAGMENTS.len() + 2), 1..4),
    ) {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        for (place, length, what) in edits {
            let start = place.index(bytes.len());
            let end = (start + length).min(bytes.len());
            let new = match what.checked_sub(FRAGMENTS.len()) {
                None => FRAGMENTS[what].as_bytes().to_vec(),
                Some(0) => bytes[start..end].repeat(2),
                Some(_) => vec![bytes[start] ^ 0x20],
            };
            bytes.splice(start..end, new);
        }
        check_no_panic(&bytes);
    }
}

#[test]
fn a_schedule_file_is_resolved_to_stages() {
    let (scenario, _) = scenario::read_with(&path("scenarios/monday.yaml"), &[], None).unwrap();
    let plan = &scenario.workloads[0];
    let Model::Open { stages, .. } = &plan.model else { panic!("not open") };
    // Ten lines are nine stages, and the warm-up ends within the first.
    assert_eq!(stages.len(), 10);
    assert_eq!(stages.iter().map(|stage| stage.warm_up).collect::<Vec<_>>()[..2], [true, false]);
    assert_eq!((stages[0].from, stages[0].to, stages[1].to), (0.5, 0.75, 1.0));
    let schedule = plan.schedule.as_ref().unwrap();
    assert_eq!(schedule.path, "monday.csv");
    assert_eq!(schedule.text, fs::read_to_string(path("scenarios/monday.csv")).unwrap());
    // The resolved scenario needs no other file and is equivalent.
    let again = parse(&scenario.to_yaml());
    assert_eq!(again.workloads[0].model, plan.model);
    assert_eq!(again.workloads[0].schedule, None);
}

#[test]
fn a_single_workload_equals_a_list_of_one() {
    let listed =
        SHORTEST.replace("workload: { ", "workloads: [{ name: workload, ").replace("}] }\n", "}] }]\n");
    assert_eq!(parse(&listed), parse(SHORTEST));
    assert_eq!(parse(SHORTEST).workload_names().collect::<Vec<_>>(), ["workload"]);
    let several = other_scenarios().into_iter().find(|text| text.contains("crowd")).unwrap();
    assert_eq!(parse(&several).workload_names().collect::<Vec<_>>(), ["workload", "crowd"]);
}
