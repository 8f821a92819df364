//! The page, the terminal output and `report.json` agree, and untrusted text is escaped.

use std::path::{Path, PathBuf};

use poolproof::clock::ClockKind;
use poolproof::report::{
    MachineLoad, Report, RunInfo, ThresholdResult, Unit, WorstWindow, html, read, text, write,
};
use serde_json::Value;

use crate::sample::{recorded, report, run_info, sign_ins};

#[test]
fn report_sums_are_consistent() {
    let report: Value = serde_json::from_str(&report(ClockKind::Wall, 6000, true).to_json()).unwrap();
    let number = |path: &str| report.pointer(path).and_then(Value::as_u64).unwrap();
    let sum = |path: &str, key: &str| -> u64 {
        let rows = report.pointer(path).and_then(Value::as_array).unwrap();
        rows.iter().map(|row| row[key].as_u64().unwrap()).sum()
    };
    let ends = ["completed", "refused", "abandoned", "transport_failed"]
        .map(|end| number(&format!("/sign_ins/{end}")));
    assert_eq!(number("/sign_ins/started"), ends.iter().sum::<u64>());
    assert_eq!(number("/sign_ins/started"), sum("/timeline/intervals", "offered"));
    for kind in ["intended", "service"] {
        let count = number(&format!("/latency/sign_in/{kind}/count"));
        let measured = number("/sign_ins/started") - number("/sign_ins/warm_up");
        assert_eq!(count, measured - number("/latency/undecided/count"));
    }
    for of in ["rules", "confusion"] {
        let seen = if of == "rules" { "seen" } else { "count" };
        assert_eq!(number("/decisions/checked"), sum(&format!("/decisions/{of}"), seen));
        assert_eq!(number("/decisions/mismatched"), sum(&format!("/decisions/{of}"), "mismatched"));
    }
    assert!(number("/decisions/mismatched") > 0, "the sample has no mismatches");
}

#[test]
fn page_numbers_match_report_json() {
    let report = report(ClockKind::Wall, 6000, true);
    let page = html::page(&report, None);
    let json: Value = serde_json::from_str(&report.to_json()).unwrap();
    let field = |name: &str| words(between(&page, &format!("data-field=\"{name}\">"), "</"));
    for name in ["sign_ins.started", "decisions.checked", "decisions.mismatched"] {
        assert_eq!(
            whole(&field(name)),
            json.pointer(&format!("/{}", name.replace('.', "/"))).unwrap().as_u64()
        );
    }
    let intended = &json["latency"]["sign_in"]["intended"];
    for name in ["p50", "p99"] {
        let shown = words(between(&page, &format!("data-field=\"latency.{name}\">"), "</dd>"));
        same_time(&shown, &intended[format!("{name}_us")]);
    }
    let achieved = words(between(&page, "data-field=\"throughput.achieved_per_s\">", "</dd>"));
    let shown: f64 = achieved.trim_end_matches("/s").parse().unwrap();
    let expected = json["throughput"]["achieved_per_s"].as_f64().unwrap();
    assert!((shown - expected).abs() <= expected * 0.005, "{shown} {expected}");

    let mut rows: Vec<(String, &Value)> =
        ["intended", "service"].map(|kind| (kind.to_owned(), &json["latency"]["sign_in"][kind])).to_vec();
    rows.push(("undecided".to_owned(), &json["latency"]["undecided"]));
    rows.extend(json["latency"]["steps"].as_object().unwrap().iter().map(|(step, row)| (step.clone(), row)));
    assert_eq!(page.matches("data-row=").count(), rows.len());
    for (name, row) in rows {
        let cells = cells(between(&page, &format!("data-row=\"{name}\">"), "</tr>"));
        assert_eq!(whole(&cells[0]), row["count"].as_u64(), "{name}");
        for (cell, key) in cells[1..].iter().zip(["p50_us", "p90_us", "p99_us", "p999_us", "max_us"]) {
            same_time(cell, &row[key]);
        }
    }
    let rules = json["decisions"]["rules"].as_array().unwrap();
    assert_eq!(page.matches("data-rule=").count(), rules.len());
    for rule in rules {
        let id = rule["id"].as_str().unwrap();
        let cells = cells(between(&page, &format!("data-rule=\"{id}\">"), "</tr>"));
        assert_eq!(cells[1], rule["confidence"].as_str().unwrap());
        assert_eq!(whole(&cells[2]), rule["seen"].as_u64(), "{id}");
        assert_eq!(whole(cells[3].trim_start_matches("✗ ")), rule["mismatched"].as_u64(), "{id}");
    }
    let cases = json["decisions"]["cases"].as_array().unwrap();
    let rows: Vec<&str> =
        page.split("data-case=").skip(1).map(|row| row.split("</tr>").next().unwrap()).collect();
    assert_eq!(rows.len(), cases.len());
    // Mismatched cases are first.
    let (bad, good): (Vec<&Value>, Vec<&Value>) = cases.iter().partition(|case| case["mismatched"] != 0);
    assert!(!bad.is_empty() && !good.is_empty());
    for (row, case) in rows.iter().zip(bad.iter().chain(&good)) {
        let cells = cells(row);
        assert_eq!(whole(&cells[3]), case["count"].as_u64(), "{row}");
        assert_eq!(whole(&cells[4]), case["mismatched"].as_u64(), "{row}");
        assert!(cells[2].starts_with(case["expected"].as_str().unwrap()), "{row}");
    }
    let data = between(&page, "<script type=\"application/json\" id=\"report\">", "</script>");
    let mut expected = json.clone();
    expected["decisions"]["mismatches"].as_array_mut().unwrap().truncate(6);
    expected["timeline"].as_object_mut().unwrap().remove("steps");
    for interval in expected["timeline"]["intervals"].as_array_mut().unwrap() {
        interval.as_object_mut().unwrap().remove("spread");
    }
    assert_eq!(serde_json::from_str::<Value>(data).unwrap(), expected);
    let (cards, rest) =
        (page.matches("class=\"card\"").count(), between(&page, "More mismatches\">", "</table>"));
    let rows = rest.matches("<tr>").count() - 1;
    assert_eq!((cards, cards + rows), (6, json["decisions"]["mismatches"].as_array().unwrap().len()));
}

#[test]
fn external_text_is_escaped() {
    let hostile =
        "]]></style></title></pre><script>alert(\"x\")</script><img src=x onerror='y'>&amp;\x1b[31m";
    let snapshot = recorded(&sign_ins(7, 300, true));
    let run_info = RunInfo {
        name: hostile.to_owned(),
        about: hostile.to_owned(),
        yaml: hostile.to_owned(),
        file: hostile.to_owned(),
        group: hostile.to_owned(),
        target: hostile.to_owned(),
        saturated: Some(hostile.to_owned()),
        thresholds: vec![ThresholdResult {
            text: hostile.to_owned(),
            value: None,
            limit: f64::NAN,
            unit: Unit::Us,
            passed: false,
            window: None,
            canceled_at_us: None,
        }],
        ..run_info()
    };
    let report = Report::new(run_info, &snapshot.summary());
    let page = html::page(&report, None);
    assert_eq!(
        (page.matches("<script").count(), page.matches("</script>").count()),
        (2, 2),
        "only the data and the page's own script"
    );
    assert!(!page.contains("<img"));
    assert_eq!(page.matches("</style>").count(), 1);
    assert_eq!(page.matches("</pre>").count(), 1);
    let plots = page.matches("class=\"plot\"").count();
    assert!(plots > 4);
    assert_eq!(page.matches("</title>").count(), 1 + plots);
    assert!(page.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;"));
    assert!(!text(&report, None, false).contains('\x1b'));
    assert!(serde_json::from_str::<Report>(&report.to_json()).is_ok());
    // The replay command quotes words with special characters.
    let mut report = report;
    (report.scenario.file, report.target) = ("-a b.yaml".to_owned(), "http://127.0.0.1:1".to_owned());
    report.target_options = ["--pool-id", "x;y", "--users", "o'b.csv"].map(str::to_owned).to_vec();
    assert_eq!(
        report.replay(),
        format!(
            "poolproof run '-a b.yaml' --seed {} --clock wall --target http://127.0.0.1:1 --pool-id 'x;y' --users 'o'\\''b.csv'",
            report.seed
        )
    );
}

#[test]
fn the_page_is_self_contained() {
    let mut report = report(ClockKind::Wall, 6000, true);
    report.scenario.yaml = "ü".repeat(600_000);
    let mismatch = report.decisions.mismatches[0].clone();
    report.decisions.mismatches = vec![mismatch; 100];
    let interval = report.timeline.intervals[9].clone();
    report.timeline.intervals = vec![interval; 240];
    let page = html::page(&report, None);
    assert!(page.len() <= 200 * 1024, "{} bytes", page.len());
    // The page shows as many situations as fit, mismatched ones first.
    let some = report.decisions.cases.clone();
    report.decisions.cases = some.iter().cycle().take(3000).cloned().collect();
    let crowded = html::page(&report, None);
    assert!(crowded.len() <= 200 * 1024, "{} bytes", crowded.len());
    assert!(words(&crowded).contains("; the first "));
    assert_eq!(crowded.matches("class=\"lead\">And ").count(), 2, "both tables mention omitted rows");
    let differ = report.decisions.cases.iter().filter(|case| case.mismatched > 0).count();
    let shown = between(&crowded, "Situations with mismatches", "</table>").matches("<tr").count() - 1;
    let more = format!("And {} situations more", differ - shown);
    assert!(shown >= 10 && crowded.replace(',', "").contains(&more), "{shown} of {differ}");
    for loads in ["http://", "https://", "url(", "@import", "src=", "href="] {
        assert!(!page.contains(loads), "{loads}");
    }
}

#[test]
fn a_report_round_trips() {
    for (name, clock, count, faulty) in [
        ("failed", ClockKind::Wall, 6000, true),
        ("passed", ClockKind::Virtual, 6000, false),
        ("small", ClockKind::Virtual, 3, false),
        ("empty", ClockKind::Wall, 0, false),
    ] {
        let report = report(clock, count, faulty);
        let folder = folder(&format!("report/{name}"));
        let written = write(&folder, &report, true).unwrap();
        assert_eq!(read(&written.json).unwrap(), report);
        assert!(written.html.unwrap().is_file());
        let files = std::fs::read_dir(&folder).unwrap().count();
        assert_eq!(files, 2, "no other files remain");
    }
}

#[test]
fn read_and_write_errors_name_the_file() {
    let existing_file = folder("report").join("a-file");
    std::fs::create_dir_all(existing_file.parent().unwrap()).unwrap();
    std::fs::write(&existing_file, "no report").unwrap();
    let report = report(ClockKind::Virtual, 3, false);
    for message in [
        write(&existing_file.join("below"), &report, true).unwrap_err().to_string(),
        read(&existing_file).unwrap_err().to_string(),
        read(&existing_file.with_extension("absent")).unwrap_err().to_string(),
    ] {
        assert!(message.contains("a-file"), "{message}");
    }
}

#[test]
fn equal_runs_have_equal_reports() {
    let once = report(ClockKind::Virtual, 3000, true);
    let again = report(ClockKind::Virtual, 3000, true);
    assert_eq!(once.to_json(), again.to_json());
    assert_eq!(html::page(&once, None), html::page(&again, None));
    assert_eq!(text(&once, None, true), text(&again, None, true));
}

#[test]
fn virtual_clock_reports_have_no_machine_data() {
    let json: Value = serde_json::from_str(&report(ClockKind::Virtual, 300, false).to_json()).unwrap();
    assert!(json.get("environment").is_none());
    assert!(json["cpu"]["client_us_per_sign_in"].is_null() && json["cpu"]["server_us_per_sign_in"].is_null());
    let json: Value = serde_json::from_str(&report(ClockKind::Wall, 300, false).to_json()).unwrap();
    assert!(json["environment"]["cores"].is_u64() && json["cpu"]["client_us_per_sign_in"].is_u64());
}

#[test]
fn the_most_severe_failure_sets_the_exit_code() {
    let (good, bad) = (recorded(&sign_ins(7, 1500, false)), recorded(&sign_ins(7, 1500, true)));
    let crossed = ThresholdResult {
        text: "sign_in.p99 < 1ms".to_owned(),
        value: Some(9000.0),
        limit: 1000.0,
        unit: Unit::Us,
        passed: false,
        window: None,
        canceled_at_us: None,
    };
    let verdict =
        |snapshot: &poolproof::metrics::Snapshot, crossed: Option<ThresholdResult>, saturated, partial| {
            let saturated = if saturated { Some("The generator was late.".to_owned()) } else { None };
            let thresholds = crossed.into_iter().collect();
            Report::new(RunInfo { thresholds, saturated, partial, ..run_info() }, &snapshot.summary()).verdict
        };
    assert_eq!(verdict(&good, None, false, false).exit_code, 0);
    assert_eq!(verdict(&good, None, false, true).exit_code, 105);
    assert_eq!(verdict(&good, None, true, false).exit_code, 83);
    assert_eq!(verdict(&good, Some(crossed.clone()), true, false).exit_code, 99);
    // In an interrupted run, thresholds and saturation are less important than the interruption.
    assert_eq!(verdict(&good, Some(crossed.clone()), true, true).exit_code, 105);
    let worst = verdict(&bad, Some(crossed), true, true);
    assert_eq!((worst.exit_code, worst.passed, worst.sentences.len()), (80, false, 5));
    assert!(worst.sentences[2].contains("9.00 ms"), "{}", worst.sentences[2]);
}

#[test]
fn the_worst_window_has_its_time_and_an_aborting_threshold_is_first() {
    let snapshot = recorded(&sign_ins(7, 1500, false));
    let threshold = |canceled_at_us| ThresholdResult {
        text: "sign_in.p99[5s] < 1ms".to_owned(),
        value: Some(9000.0),
        limit: 1000.0,
        unit: Unit::Us,
        passed: false,
        window: Some(WorstWindow { from_us: 31_000_000, to_us: 36_000_000 }),
        canceled_at_us,
    };
    let whole = Report::new(RunInfo { thresholds: vec![threshold(None)], ..run_info() }, &snapshot.summary());
    let cut = RunInfo { thresholds: vec![threshold(Some(36_000_000))], partial: true, ..run_info() };
    let cut = Report::new(cut, &snapshot.summary());
    for report in [&whole, &cut] {
        assert!(words(&html::page(report, None)).contains("9.00 ms from 31 s to 36 s"));
        assert!(text(report, None, false).contains("9.00 ms  from 31 s to 36 s"));
        assert_eq!(report.verdict.exit_code, 99);
        assert_eq!(Report::clone(report), serde_json::from_str(&report.to_json()).unwrap());
    }
    let first = "Canceled after 36 s, so this report is partial: \
                 sign_in.p99[5s] < 1ms (it was 9.00 ms from 31 s to 36 s) does not hold.";
    assert_eq!(cut.verdict.sentences[0], first);
    assert!(cut.verdict.sentences.iter().all(|sentence| !sentence.contains("interrupted")));
    assert_eq!(cut.verdict.sentences.len(), 3, "{:?}", cut.verdict.sentences);
}

#[test]
fn cpu_steal_gives_a_warning() {
    let snapshot = recorded(&sign_ins(7, 1500, false));
    let on = |steal_share, clock| {
        let machine = Some(MachineLoad {
            steal_share,
            cpu_quota: None,
            throttled_share: None,
            load_before: 0.5,
            load_after: 1.9,
        });
        Report::new(RunInfo { machine, clock, ..run_info() }, &snapshot.summary())
    };
    let warning = |report: &Report| {
        report.verdict.sentences.iter().any(|one| one.starts_with("Warning: steal was 7 %"))
    };
    let high_steal = on(Some(0.07), ClockKind::Wall);
    assert!(warning(&high_steal) && high_steal.verdict.passed);
    assert!(text(&high_steal, None, false).contains("load 0.5 before and 1.9 at the end, 7 % steal"));
    assert!(!warning(&on(Some(0.05), ClockKind::Wall)) && !warning(&on(None, ClockKind::Wall)));
    let virtual_clock = on(Some(0.07), ClockKind::Virtual);
    assert!(!warning(&virtual_clock) && virtual_clock.generator.machine.is_none());
}

#[test]
fn a_used_up_cpu_quota_gives_a_warning() {
    let snapshot = recorded(&sign_ins(7, 1500, false));
    let with_quota = |throttled_share| {
        let (load_before, load_after) = (0.5, 1.9);
        let (steal_share, cpu_quota) = (Some(0.0), Some(0.2));
        let machine = MachineLoad { steal_share, cpu_quota, throttled_share, load_before, load_after };
        let run_info = RunInfo { machine: Some(machine), clock: ClockKind::Wall, ..run_info() };
        Report::new(run_info, &snapshot.summary())
    };
    let warning = "Warning: the CPU quota of 0.2 cores was used up in 63 % of the scheduler's periods";
    let warns = |report: &Report| report.verdict.sentences.iter().any(|one| one.starts_with(warning));
    let throttled = with_quota(Some(0.63));
    assert!(warns(&throttled) && throttled.verdict.passed);
    assert!(text(&throttled, None, false).contains("0 % steal, CPU quota used up in 63 % of periods"));
    assert!(html::page(&throttled, None).contains("0.2 cores, used up in 63 % of periods"));
    let held = with_quota(Some(0.01));
    assert!(!held.verdict.sentences.iter().any(|one| one.contains("quota")));
    assert!(!with_quota(None).to_json().contains("throttled_share"));
}

#[test]
fn a_run_without_mismatches_is_reported() {
    let report = report(ClockKind::Virtual, 1500, false);
    let (page, words) = (html::page(&report, None), text(&report, None, false));
    assert!(page.contains("<p>All ") && page.contains("decisions match the rules."));
    assert!(!page.contains("<h2>Mismatches</h2>"), "an empty section");
    assert!(words.contains("0 mismatched") && words.contains("decisions match the rules."));
}

#[test]
fn terminal_output_fits_one_screen() {
    let folder = folder("report/terminal");
    let report = report(ClockKind::Wall, 6000, true);
    let written = write(&folder, &report, true).unwrap();
    let words = text(&report, Some(&written), false);
    assert!(words.lines().count() <= 34, "{words}");
    assert!(
        words.contains("report.html") && words.contains("poolproof run scenarios/opt-in-mfa.yaml --seed 7")
    );
    assert_eq!(strip(&text(&report, Some(&written), true)), words);
}

#[test]
fn the_replay_command_quotes_any_file_name() {
    let mut report = report(ClockKind::Virtual, 3, false);
    report.scenario.file = "my scenarios/it's.yaml".to_owned();
    assert_eq!(report.replay(), r"poolproof run 'my scenarios/it'\''s.yaml' --seed 7 --clock virtual");
}

/// Returns the path of this test's own folder, which is empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if name != "report" {
        let _ = std::fs::remove_dir_all(&folder);
    }
    folder
}

/// Returns the text between the only `start` and the next `end`.
pub(crate) fn between<'a>(page: &'a str, start: &str, end: &str) -> &'a str {
    let mut parts = page.split(start);
    let after = parts.nth(1).unwrap_or_else(|| panic!("no {start}"));
    assert!(parts.next().is_none(), "{start} occurs twice");
    after.split(end).next().unwrap()
}

/// Returns the text of a piece of the page without its tags.
pub(crate) fn words(piece: &str) -> String {
    let texts = piece.split('<').enumerate().map(|(n, part)| match part.split_once('>') {
        Some((_, text)) => text,
        None if n == 0 => part,
        None => "",
    });
    texts.collect()
}

/// Returns the texts of the data cells of a row.
fn cells(row: &str) -> Vec<String> {
    row.split("<td")
        .skip(1)
        .map(|cell| words(&format!("<td{}", cell.split("</td>").next().unwrap())))
        .collect()
}

/// Parses an integer as the page shows it.
fn whole(text: &str) -> Option<u64> {
    text.replace(',', "").parse().ok()
}

/// Checks that `shown`, with three digits and a unit, equals `expected` in µs.
fn same_time(shown: &str, expected: &Value) {
    let Some(expected) = expected.as_f64() else { return assert_eq!(shown, "–") };
    let (number, unit) = shown.split_once(' ').unwrap();
    let factor = match unit {
        "µs" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        other => panic!("{other}"),
    };
    let shown = number.parse::<f64>().unwrap() * factor;
    assert!((shown - expected).abs() <= expected * 0.005 + 0.001, "{shown} {expected}");
}

/// Removes the color codes of a terminal text.
fn strip(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + part.split_once('m').unwrap().1)
}

#[test]
fn the_heat_map_and_its_table_have_every_measured_sign_in() {
    let report = report(ClockKind::Wall, 6000, false);
    let json: Value = serde_json::from_str(&report.to_json()).unwrap();
    let spread = |interval: &Value| -> u64 {
        interval["spread"].as_object().map_or(0, |all| all.values().map(|n| n.as_u64().unwrap()).sum())
    };
    let all: u64 = json["timeline"]["intervals"].as_array().unwrap().iter().map(spread).sum();
    assert_eq!(Some(all), json["latency"]["sign_in"]["intended"]["count"].as_u64());
    let page = html::page(&report, None);
    let rows = between(&page, "Sign-ins by latency\">", "</table>");
    let shown: u64 = rows.split("<tr>").skip(2).map(|row| whole(&cells(row)[1]).unwrap()).sum();
    assert_eq!(shown, all);
    let fields = page.matches("class=\"heat h").count();
    assert!(fields > 6, "shades in the map and in the legend: {fields}");
}

#[test]
fn a_baseline_is_shown_next_to_the_run() {
    let report = report(ClockKind::Wall, 6000, false);
    let mut before = report.clone();
    before.latency.sign_in.curve.iter_mut().for_each(|point| point.intended_us = 4_321_000);
    let page = html::page(&report, Some(&before));
    let row = between(&page, "<th scope=\"row\">60 %</th>", "</tr>");
    assert_eq!(cells(row)[2], "4.32 s");
    assert!(
        page.contains("baseline, from the intended start")
            && !html::page(&report, None).contains("baseline, from")
    );
}
