//! Every number on the page is in `report.json`: in every table, list, sentence and curve.

use poolproof::clock::ClockKind;
use poolproof::metrics::Recorder;
use poolproof::report::{
    IntervalLoad, MachineLoad, Report, RunInfo, SideWorkers, StagePart, StageSummary, ThresholdResult, Unit,
    Workers, WorstWindow, html,
};
use poolproof_cognito::protocol::SignInStep;
use serde_json::Value;

use crate::report::words;
use crate::sample::{run_info, sign_ins};

/// Returns a report in which every part of the page has values.
pub(crate) fn full_report() -> Report {
    let mut recorder = Recorder::new().with_workloads(2);
    for mut sign_in in sign_ins(7, 6000, true) {
        sign_in.workload = u16::from(sign_in.number.is_multiple_of(3));
        sign_in.cool_down = sign_in.intended.as_secs() >= 44;
        if sign_in.number.is_multiple_of(97) {
            sign_in.throttled.push(SignInStep::PasswordVerifier);
        }
        recorder.sign_in(&sign_in);
    }
    let snapshot = recorder.into_snapshot();
    let side = |threads, jobs| SideWorkers {
        threads,
        jobs,
        prepared: 417,
        batches: jobs / 3,
        deepest_queue: 23,
        waited_p50_us: 12,
        waited_p99_us: 3456,
    };
    let threshold = |text: &str, value, unit| ThresholdResult {
        text: text.to_owned(),
        value,
        limit: 1.0,
        unit,
        passed: false,
        window: Some(WorstWindow { from_us: 31_000_000, to_us: 36_000_000 }),
        canceled_at_us: None,
    };
    let stage = |workload: &str, from, to, part, rates: [f64; 2]| StageSummary {
        workload: workload.to_owned(),
        from_us: from,
        to_us: to,
        part,
        from_per_s: Some(rates[0]),
        to_per_s: Some(rates[1]),
        users: None,
        schedule: None,
    };
    let run_info = RunInfo {
        workloads: vec![("calm".to_owned(), Some(61.5)), ("storm".to_owned(), Some(43.25))],
        stages: vec![
            stage("calm", 0, 5_000_000, StagePart::WarmUp, [41.0, 41.0]),
            stage("calm", 5_000_000, 44_000_000, StagePart::Measured, [41.0, 201.0]),
            stage("storm", 7_500_000, 44_000_000, StagePart::Measured, [19.0, 19.0]),
            stage("storm", 44_000_000, 46_000_000, StagePart::CoolDown, [17.5, 17.5]),
        ],
        thresholds: vec![
            threshold("sign_in.p99[5s] < 1ms", Some(91_234.0), Unit::Us),
            threshold("failed.rate < 1%", Some(0.0123), Unit::Share),
            threshold("throughput.achieved >= 150/s", Some(137.25), Unit::PerS),
            threshold("decisions.checked > 9000", Some(5963.0), Unit::Count),
            threshold("MFA.p999 < 1ms", None, Unit::Us),
        ],
        workers: Some(Workers { backend: None, client: side(3, 8123), server: side(5, 9241) }),
        machine: Some(machine()),
        clock: ClockKind::Wall,
        ..run_info()
    };
    let mut report = Report::new(run_info, &snapshot.summary());
    for (at, interval) in report.timeline.intervals.iter_mut().enumerate() {
        let us = at as u64;
        interval.load = Some(IntervalLoad {
            client_queue: at % 7,
            server_queue: 31 + at,
            client_cpu_us: 123_457 + 10_133 * us,
            server_cpu_us: 1_345_678 - 20_277 * us,
        });
    }
    // The fifth interval has no measurement.
    report.timeline.intervals[4].load = None;
    report
}

/// Returns the load of a machine with a quota.
const fn machine() -> MachineLoad {
    MachineLoad {
        steal_share: Some(0.0371),
        cpu_quota: Some(1.75),
        throttled_share: Some(0.0083),
        load_before: 0.53,
        load_after: 1.87,
    }
}

/// The quantity of a number.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Quantity {
    Items,
    Us,
    PerS,
    Percent,
}

/// A number as the page shows it, with its precision.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct PageNumber {
    text: String,
    pub(crate) value: f64,
    pub(crate) within: f64,
    of: Quantity,
}

impl PageNumber {
    pub(crate) fn is(&self, value: f64) -> bool {
        (self.value - value).abs() <= self.within + value.abs() * 1e-9
    }
}

const UNITS: [(&str, f64, Quantity); 7] = [
    ("µs", 1.0, Quantity::Us),
    ("ms", 1e3, Quantity::Us),
    ("s", 1e6, Quantity::Us),
    ("min", 6e7, Quantity::Us),
    ("h", 3.6e9, Quantity::Us),
    ("%", 1.0, Quantity::Percent),
    ("/s", 1.0, Quantity::PerS),
];

/// Returns the unit at the start of a text and its length in bytes, including a space before it.
fn unit(text: &str) -> Option<(usize, &'static str, f64, Quantity)> {
    let rest = text.strip_prefix(' ').unwrap_or(text);
    let (name, factor, of) =
        UNITS.into_iter().filter(|(name, ..)| rest.starts_with(name)).max_by_key(|unit| unit.0.len())?;
    let blank = text.len() - rest.len();
    let joined = (blank == 0) == (name == "/s");
    let ends = !rest[name.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
    (joined && ends).then_some((blank + name.len(), name, factor, of))
}

/// Returns the separate numbers in a text, each with its unit. `p99` and `c.5` are not numbers.
pub(crate) fn numbers(text: &str) -> Vec<PageNumber> {
    let mut found: Vec<PageNumber> = Vec::new();
    let mut at = 0;
    let mut previous_is_long = None;
    while let Some(start) = text[at..].find(|c: char| c.is_ascii_digit()).map(|digit| at + digit) {
        let length = text[start..].find(|c: char| !(c.is_ascii_digit() || ".,".contains(c)));
        let mut end = length.map_or(text.len(), |length| start + length);
        while text[start..end].ends_with(['.', ',']) {
            end -= text[start..end].chars().next_back().unwrap().len_utf8();
        }
        let before = text[..start].chars().next_back();
        let after = text[end..].chars().next();
        let word = before.is_some_and(|c| c.is_alphanumeric() || "_.-#".contains(c))
            || after.is_some_and(char::is_alphanumeric);
        let gap = text[at..start].trim().is_empty();
        at = end;
        let digits = text[start..end].replace(',', "");
        let Ok(value) = digits.parse::<f64>() else { continue };
        if word {
            previous_is_long = None;
            continue;
        }
        let last = digits.split_once('.').map_or(1.0, |(_, decimals)| 0.1_f64.powi(decimals.len() as i32));
        let (skip, name, factor, of) = unit(&text[end..]).unwrap_or((0, "", 1.0, Quantity::Items));
        at += skip;
        let text = text[start..at].to_owned();
        // The page omits or rounds up the remainder of minutes and hours.
        let within = match name {
            "h" => 6e7,
            "min" => 1e6,
            "s" if previous_is_long.is_some() => 1e6,
            _ => last / 2.0 * factor,
        };
        match found.last_mut() {
            Some(hours) if previous_is_long.is_some() && gap && of == Quantity::Us => {
                hours.text.push_str(&format!(" {text}"));
                hours.value += value * factor;
                hours.within = if name == "min" { 6e7 } else { within };
            }
            _ => found.push(PageNumber { text, value: value * factor, within: within + 1e-9, of }),
        }
        previous_is_long = (name == "h" || name == "min").then_some(());
    }
    found
}

#[test]
fn numbers_are_found_with_their_units() {
    let shown = |text: &str| -> Vec<(f64, Quantity)> {
        numbers(text).iter().map(|shown| (shown.value, shown.of)).collect()
    };
    assert_eq!(shown("p99 of 1,234, c.5."), [(1234.0, Quantity::Items)]);
    assert_eq!(
        shown("12.5 ms from 1 min 30 s to 2 h"),
        [(12_500.0, Quantity::Us), (9e7, Quantity::Us), (7.2e9, Quantity::Us)]
    );
    assert_eq!(
        shown("3.5/s, 20 % of 7."),
        [(3.5, Quantity::PerS), (20.0, Quantity::Percent), (7.0, Quantity::Items)]
    );
    assert_eq!(
        shown("2 stages 1 min 3"),
        [(2.0, Quantity::Items), (6e7, Quantity::Us), (3.0, Quantity::Items)]
    );
}

/// Collects all numbers in a JSON value.
fn numbers_of(json: &Value, into: &mut Vec<f64>) {
    match json {
        Value::Number(number) => into.push(number.as_f64().unwrap()),
        Value::Array(all) => all.iter().for_each(|one| numbers_of(one, into)),
        Value::Object(all) => all.values().for_each(|one| numbers_of(one, into)),
        _ => {}
    }
}

/// Collects all texts in a JSON value, including keys.
fn texts_of(json: &Value, into: &mut Vec<String>) {
    match json {
        Value::String(text) => into.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|one| texts_of(one, into)),
        Value::Object(all) => all.iter().for_each(|(key, one)| {
            into.push(key.clone());
            texts_of(one, into);
        }),
        _ => {}
    }
}

pub(crate) fn float(json: &Value) -> f64 {
    json.as_f64().unwrap()
}

pub(crate) fn list<'a>(json: &'a Value, path: &str) -> &'a Vec<Value> {
    json.pointer(path).and_then(Value::as_array).unwrap_or_else(|| panic!("{path}"))
}

/// A section of the page: its heading, the paths of its numbers in `report.json`, and the numbers computed
/// from these.
struct Section {
    heading: &'static str,
    from: &'static [&'static str],
    computed: Vec<f64>,
}

/// Returns a sum over the intervals of the timeline.
fn sum(json: &Value, key: &str) -> f64 {
    list(json, "/timeline/intervals").iter().map(|one| float(&one[key])).sum()
}

fn sections(json: &Value) -> Vec<Section> {
    let section = |heading, from, computed| Section { heading, from, computed };
    let decisions = &json["decisions"];
    let share = 100.0 * float(&decisions["mismatched"]) / float(&decisions["checked"]);
    let percents = list(json, "/thresholds").iter().filter_map(|one| Some(100.0 * one["value"].as_f64()?));
    let good = list(json, "/decisions/cases").iter().filter(|case| case["mismatched"] == 0).count();
    let shown = list(json, "/decisions/mismatches").len();
    let curve = list(json, "/latency/sign_in/curve");
    let percentiles = curve.iter().map(|point| 100.0 - float(&point["beyond_ppm"]) / 1e4);
    let starts =
        |interval: &Value, n: usize| (0..n).map(|at| float(interval) * at as f64).collect::<Vec<_>>();
    let intervals = list(json, "/timeline/intervals").len();
    let all = float(&json["latency"]["sign_in"]["service"]["count"]);
    let times =
        json["latency"]["steps"].as_object().unwrap().values().map(|step| float(&step["count"]) / all);
    let batches = ["client", "server"].map(|side| {
        let side = &json["generator"]["workers"][side];
        (float(&side["jobs"]) - float(&side["prepared"])) / float(&side["batches"])
    });
    let of_machine = ["steal_share", "throttled_share"];
    let disturbed = of_machine.map(|share| 100.0 * float(&json["generator"]["machine"][share]));
    vec![
        section(
            "",
            &[
                "/seed",
                "/verdict",
                "/sign_ins",
                "/decisions/checked",
                "/decisions/mismatched",
                "/throughput",
                "/latency/sign_in/intended",
                "/thresholds",
            ],
            // `5 thresholds`, and the number of sign-ins that a p99 requires.
            percents.chain([share, list(json, "/thresholds").len() as f64]).collect(),
        ),
        section("Policy by situation", &["/decisions/cases"], vec![good as f64]),
        section("Workloads", &["/workloads"], Vec::new()),
        section("Decisions", &["/decisions/rules", "/decisions/confusion"], Vec::new()),
        section(
            "Mismatches",
            &["/seed", "/decisions/checked", "/decisions/mismatched", "/decisions/mismatches"],
            vec![shown as f64, shown as f64 - 6.0],
        ),
        section(
            "Latency by percentile",
            &["/latency/sign_in/curve", "/latency/undecided"],
            percentiles.chain([curve.len() as f64, undecided_percent(json)]).collect(),
        ),
        section(
            "Steps",
            &["/latency/sign_in", "/latency/undecided", "/latency/steps", "/cpu", "/timeline/steps"],
            // The last number is that of `p99, where at least 100 were measured`.
            times.chain(starts(&json["timeline"]["steps"]["interval_us"], 24)).chain([100.0]).collect(),
        ),
        section(
            "Over time",
            &["/timeline", "/stages"],
            over_time(json).into_iter().chain(starts(&json["timeline"]["interval_us"], intervals)).collect(),
        ),
        section(
            "Generator",
            &["/generator", "/cpu", "/throughput/asked_per_s"],
            batches.into_iter().chain(disturbed).collect(),
        ),
        section("Environment", &["/environment", "/seed"], Vec::new()),
        section("Scenario", &[], Vec::new()),
    ]
}

/// Returns the numbers computed from the timeline: sums of its intervals, and the table of the heat map.
fn over_time(json: &Value) -> Vec<f64> {
    let sums = ["offered", "completed", "refused", "failed", "throttled"].map(|key| sum(json, key));
    let rows = latency_buckets(json).into_iter().flat_map(|(us, n)| {
        let end = 10_f64.powf(((us as f64).log10() * 5.0).round() / 5.0 + 0.2).round();
        [us as f64, n as f64, end]
    });
    sums.into_iter().chain(rows).collect()
}

/// Returns the histogram of the latencies over all intervals.
fn latency_buckets(json: &Value) -> std::collections::BTreeMap<u64, u64> {
    let mut all = std::collections::BTreeMap::new();
    for interval in list(json, "/timeline/intervals") {
        for (us, n) in interval["spread"].as_object().into_iter().flatten() {
            *all.entry(us.parse().unwrap()).or_default() += n.as_u64().unwrap();
        }
    }
    all
}

/// Returns the share of measured sign-ins without a decision, in percent.
fn undecided_percent(json: &Value) -> f64 {
    let count = |path: &str| json.pointer(path).and_then(Value::as_f64).unwrap();
    let undecided = count("/latency/undecided/count");
    undecided / (undecided + count("/latency/sign_in/intended/count")) * 100.0
}

/// Returns the text of the page by heading, without its data, its scripts and the labels of axes.
fn text_pieces(page: &str) -> Vec<(String, String)> {
    let body = page.split("<body>").nth(1).unwrap().split("<footer>").next().unwrap();
    let mut text_pieces = vec![(String::new(), String::new())];
    for part in body.split("<section>") {
        let (heading, rest) = match part.strip_prefix("<h2>").and_then(|rest| rest.split_once("</h2>")) {
            Some((heading, rest)) => (heading, rest),
            None => ("", part),
        };
        let axes = |piece: &str| {
            piece
                .split("<text ")
                .enumerate()
                .map(|(n, one)| if n == 0 { one } else { one.split_once("</text>").unwrap().1 })
                .collect::<String>()
        };
        // A space before each tag keeps the numbers of two cells apart.
        let rest = axes(rest).replace("<small>", "").replace("</small>", "").replace('<', " <");
        let text = words(&rest);
        match text_pieces.iter_mut().find(|(known, _)| known == heading) {
            Some((_, known)) => known.push_str(&text),
            None => text_pieces.push((heading.to_owned(), text)),
        }
    }
    text_pieces
}

/// Returns the numbers on the page that are not in the JSON, with the headings of their sections.
fn numbers_not_in_json(page: &str, json: &Value) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    texts_of(json, &mut texts);
    // A text that is a number, such as the seed, must not hide other numbers.
    texts.retain(|text| text.contains(|c: char| c.is_ascii_digit()) && text.parse::<f64>().is_err());
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let mut numbers_not_in_json = Vec::new();
    let sections = sections(json);
    let text_pieces = text_pieces(page);
    assert_eq!(
        text_pieces.len(),
        sections.len(),
        "{:?}",
        text_pieces.iter().map(|(heading, _)| heading).collect::<Vec<_>>()
    );
    for (heading, text) in text_pieces {
        let section =
            sections.iter().find(|section| section.heading == heading).unwrap_or_else(|| panic!("{heading}"));
        let mut known = section.computed.clone();
        for path in section.from {
            numbers_of(json.pointer(path).unwrap_or_else(|| panic!("{path}")), &mut known);
        }
        let mut text =
            text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        for json_text in &texts {
            text = text.replace(json_text.as_str(), " ");
            // The page splits commands and decisions into several elements.
            text = text.replace(&json_text.replace(' ', "  "), " ");
        }
        let shown = numbers(&text);
        let unknown = shown.iter().filter(|shown| !known.iter().any(|is| shown.is(*is)));
        numbers_not_in_json.extend(unknown.map(|shown| (heading.clone(), shown.text.clone())));
    }
    numbers_not_in_json
}

#[test]
fn every_number_on_the_page_is_in_the_json() {
    let report = full_report();
    let (page, json) = (html::page(&report, None), serde_json::to_value(&report).unwrap());
    assert_eq!(numbers_not_in_json(&page, &json), []);
}

/// In each section, the number with the most digits is changed. The check must detect each changed number,
/// not accept it by coincidence.
#[test]
fn a_changed_number_is_detected() {
    let report = full_report();
    let (page, json) = (html::page(&report, None), serde_json::to_value(&report).unwrap());
    for section in sections(&json).iter().filter(|section| section.heading != "Scenario") {
        let start = if section.heading.is_empty() {
            page.find("<body>")
        } else {
            page.find(&format!("<h2>{}</h2>", section.heading))
        };
        let start = start.unwrap();
        let end = page[start + 5..].find("<section>").map_or(page.len(), |end| start + 5 + end);
        let mut shown: Vec<&str> = page[start..end]
            .split('<')
            .filter_map(|part| part.split_once('>'))
            .map(|(_, text)| text)
            .collect();
        shown.retain(|text| numbers(text).len() == 1 && numbers(text)[0].text == *text);
        shown.sort_by_key(|text| std::cmp::Reverse(text.chars().filter(char::is_ascii_digit).count()));
        let text = shown.first().unwrap_or_else(|| panic!("no number in {}", section.heading));
        let changed: String = text
            .chars()
            .map(|c| c.to_digit(10).map_or(c, |digit| char::from(b'0' + ((digit + 4) % 10) as u8)))
            .collect();
        let broken = format!(
            "{}{}{}",
            &page[..start],
            page[start..end].replacen(&format!(">{text}<"), &format!(">{changed}<"), 1),
            &page[end..]
        );
        assert_ne!(broken, page);
        assert!(
            !numbers_not_in_json(&broken, &json).is_empty(),
            "{}: {text} became {changed}",
            section.heading
        );
    }
}
