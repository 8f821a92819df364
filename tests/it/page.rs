//! Every number on the page is one of report.json's: in every table, list, sentence and curve, and in the place where it belongs.

use poolproof::clock::ClockKind;
use poolproof::metrics::Recorder;
use poolproof::protocol::Step;
use poolproof::report::{
    MachineLoad, Part, Report, SideWorkers, Stage, Subject, ThresholdResult, Unit, Workers, WorstWindow, html,
};
use serde_json::Value;

use crate::report::{between, words};
use crate::sample::{sign_ins, subject};

/// A report in which every part of the page has something to tell.
fn full() -> Report {
    let mut recorder = Recorder::new().of_workloads(2);
    for mut sign_in in sign_ins(7, 6000, true) {
        sign_in.workload = u16::from(sign_in.number.is_multiple_of(3));
        sign_in.cool_down = sign_in.intended.as_secs() >= 44;
        if sign_in.number.is_multiple_of(97) {
            sign_in.throttled.push(Step::PasswordVerifier);
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
        cut_at_us: None,
    };
    let stage = |workload: &str, from, to, part, rates: [f64; 2]| Stage {
        workload: workload.to_owned(),
        from_us: from,
        to_us: to,
        part,
        from_per_s: Some(rates[0]),
        to_per_s: Some(rates[1]),
        users: None,
        schedule: None,
    };
    let subject = Subject {
        workloads: vec![("calm".to_owned(), Some(61.5)), ("storm".to_owned(), Some(43.25))],
        stages: vec![
            stage("calm", 0, 5_000_000, Part::WarmUp, [41.0, 41.0]),
            stage("calm", 5_000_000, 44_000_000, Part::Measured, [41.0, 201.0]),
            stage("storm", 7_500_000, 44_000_000, Part::Measured, [19.0, 19.0]),
            stage("storm", 44_000_000, 46_000_000, Part::CoolDown, [17.5, 17.5]),
        ],
        thresholds: vec![
            threshold("sign_in.p99[5s] < 1ms", Some(91_234.0), Unit::Us),
            threshold("failed.rate < 1%", Some(0.0123), Unit::Share),
            threshold("throughput.achieved >= 150/s", Some(137.25), Unit::PerS),
            threshold("decisions.checked > 9000", Some(5963.0), Unit::Count),
            threshold("MFA.p999 < 1ms", None, Unit::Us),
        ],
        workers: Some(Workers { backend: None, client: side(3, 8123), server: side(5, 9241) }),
        machine: Some(MachineLoad { steal_share: Some(0.0371), load_before: 0.53, load_after: 1.87 }),
        clock: ClockKind::Wall,
        ..subject()
    };
    Report::new(subject, &snapshot.summary())
}

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Of {
    Things,
    Us,
    PerS,
    Percent,
}

/// A number as it is told, and how exactly.
#[derive(Clone, PartialEq, Debug)]
struct Told {
    text: String,
    value: f64,
    within: f64,
    of: Of,
}

impl Told {
    fn is(&self, value: f64) -> bool {
        (self.value - value).abs() <= self.within + value.abs() * 1e-9
    }
}

const UNITS: [(&str, f64, Of); 7] = [
    ("µs", 1.0, Of::Us),
    ("ms", 1e3, Of::Us),
    ("s", 1e6, Of::Us),
    ("min", 6e7, Of::Us),
    ("h", 3.6e9, Of::Us),
    ("%", 1.0, Of::Percent),
    ("/s", 1.0, Of::PerS),
];

/// The unit at the start of a text and how many bytes it takes, the blank before it too.
fn unit(text: &str) -> Option<(usize, &'static str, f64, Of)> {
    let rest = text.strip_prefix(' ').unwrap_or(text);
    let (name, factor, of) =
        UNITS.into_iter().filter(|(name, ..)| rest.starts_with(name)).max_by_key(|unit| unit.0.len())?;
    let blank = text.len() - rest.len();
    let joined = (blank == 0) == (name == "/s");
    let ends = !rest[name.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
    (joined && ends).then_some((blank + name.len(), name, factor, of))
}

/// The numbers in a text that stand by themselves, each with its unit: `p99` and `c.5` have none.
fn numbers(text: &str) -> Vec<Told> {
    let mut found: Vec<Told> = Vec::new();
    let mut at = 0;
    let mut open = None;
    while let Some(start) = text[at..].find(|c: char| c.is_ascii_digit()).map(|digit| at + digit) {
        let length = text[start..].find(|c: char| !(c.is_ascii_digit() || ".\u{202f}".contains(c)));
        let mut end = length.map_or(text.len(), |length| start + length);
        while text[start..end].ends_with(['.', '\u{202f}']) {
            end -= text[start..end].chars().next_back().unwrap().len_utf8();
        }
        let before = text[..start].chars().next_back();
        let after = text[end..].chars().next();
        let word = before.is_some_and(|c| c.is_alphanumeric() || "_.-#".contains(c))
            || after.is_some_and(char::is_alphanumeric);
        let gap = text[at..start].trim().is_empty();
        at = end;
        let figures = text[start..end].replace('\u{202f}', "");
        let Ok(value) = figures.parse::<f64>() else { continue };
        if word {
            open = None;
            continue;
        }
        let last = figures.split_once('.').map_or(1.0, |(_, decimals)| 0.1_f64.powi(decimals.len() as i32));
        let (skip, name, factor, of) = unit(&text[end..]).unwrap_or((0, "", 1.0, Of::Things));
        at += skip;
        let text = text[start..at].to_owned();
        // Of minutes and hours the rest may be left out or rounded up.
        let within = match name {
            "h" => 6e7,
            "min" => 1e6,
            "s" if open.is_some() => 1e6,
            _ => last / 2.0 * factor,
        };
        match found.last_mut() {
            Some(hours) if open.is_some() && gap && of == Of::Us => {
                hours.text.push_str(&format!(" {text}"));
                hours.value += value * factor;
                hours.within = if name == "min" { 6e7 } else { within };
            }
            _ => found.push(Told { text, value: value * factor, within: within + 1e-9, of }),
        }
        open = (name == "h" || name == "min").then_some(());
    }
    found
}

#[test]
fn numbers_are_found_with_their_units() {
    let told =
        |text: &str| -> Vec<(f64, Of)> { numbers(text).iter().map(|told| (told.value, told.of)).collect() };
    assert_eq!(told("p99 of 1\u{202f}234, c.5."), [(1234.0, Of::Things)]);
    assert_eq!(told("12.5 ms from 1 min 30 s to 2 h"), [(12_500.0, Of::Us), (9e7, Of::Us), (7.2e9, Of::Us)]);
    assert_eq!(told("3.5/s, 20 % of 7."), [(3.5, Of::PerS), (20.0, Of::Percent), (7.0, Of::Things)]);
    assert_eq!(told("2 stages 1 min 3"), [(2.0, Of::Things), (6e7, Of::Us), (3.0, Of::Things)]);
}

/// All numbers below a value.
fn numbers_of(json: &Value, into: &mut Vec<f64>) {
    match json {
        Value::Number(number) => into.push(number.as_f64().unwrap()),
        Value::Array(all) => all.iter().for_each(|one| numbers_of(one, into)),
        Value::Object(all) => all.values().for_each(|one| numbers_of(one, into)),
        _ => {}
    }
}

/// All texts below a value, keys too.
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

fn float(json: &Value) -> f64 {
    json.as_f64().unwrap()
}

fn list<'a>(json: &'a Value, path: &str) -> &'a Vec<Value> {
    json.pointer(path).and_then(Value::as_array).unwrap_or_else(|| panic!("{path}"))
}

/// A part of the page: its heading, where its numbers are in report.json, and what is reckoned from these.
struct Section {
    heading: &'static str,
    from: &'static [&'static str],
    reckoned: Vec<f64>,
}

/// Sums over the intervals of the timeline.
fn sum(json: &Value, key: &str) -> f64 {
    list(json, "/timeline/intervals").iter().map(|one| float(&one[key])).sum()
}

fn sections(json: &Value) -> Vec<Section> {
    let section = |heading, from, reckoned| Section { heading, from, reckoned };
    let decisions = &json["decisions"];
    let share = 100.0 * float(&decisions["mismatched"]) / float(&decisions["checked"]);
    let percents = list(json, "/thresholds").iter().filter_map(|one| Some(100.0 * one["value"].as_f64()?));
    let good = list(json, "/decisions/cases").iter().filter(|case| case["mismatched"] == 0).count();
    let told = list(json, "/decisions/mismatches").len();
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
    let stolen = 100.0 * float(&json["generator"]["machine"]["steal_share"]);
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
            // `5 thresholds`, and how many sign-ins a p99 takes.
            percents.chain([share, list(json, "/thresholds").len() as f64]).collect(),
        ),
        section("Policy, situation by situation", &["/decisions/cases"], vec![good as f64]),
        section("Workloads", &["/workloads"], Vec::new()),
        section("Decisions", &["/decisions/rules", "/decisions/confusion"], Vec::new()),
        section(
            "Mismatches",
            &["/seed", "/decisions/checked", "/decisions/mismatched", "/decisions/mismatches"],
            vec![told as f64, told as f64 - 6.0],
        ),
        section(
            "Latency, percentile by percentile",
            &["/latency/sign_in/curve"],
            percentiles.chain([curve.len() as f64]).collect(),
        ),
        section(
            "Steps",
            &["/latency/sign_in", "/latency/steps", "/cpu", "/timeline/steps"],
            // The last: `p99, where 100 tell it`.
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
            batches.into_iter().chain([stolen]).collect(),
        ),
        section("Environment", &["/environment", "/seed"], Vec::new()),
        section("Scenario", &[], Vec::new()),
    ]
}

/// What is reckoned from the timeline: sums of its intervals, and the heat map's table.
fn over_time(json: &Value) -> Vec<f64> {
    let sums = ["offered", "completed", "refused", "failed", "throttled"].map(|key| sum(json, key));
    let rows = spread(json).into_iter().flat_map(|(us, n)| {
        let end = 10_f64.powf(((us as f64).log10() * 5.0).round() / 5.0 + 0.2).round();
        [us as f64, n as f64, end]
    });
    sums.into_iter().chain(rows).collect()
}

/// How latencies spread over all intervals.
fn spread(json: &Value) -> std::collections::BTreeMap<u64, u64> {
    let mut all = std::collections::BTreeMap::new();
    for interval in list(json, "/timeline/intervals") {
        for (us, n) in interval["spread"].as_object().into_iter().flatten() {
            *all.entry(us.parse().unwrap()).or_default() += n.as_u64().unwrap();
        }
    }
    all
}

/// The pieces of the page by their headings, without its data, its scripts and the words on axes.
fn pieces(page: &str) -> Vec<(String, String)> {
    let body = page.split("<body>").nth(1).unwrap().split("<footer>").next().unwrap();
    let mut pieces = vec![(String::new(), String::new())];
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
        // A blank for each tag, so that what stands in two cells does not become one number.
        let rest = axes(rest).replace("<small>", "").replace("</small>", "").replace('<', " <");
        let text = words(&rest);
        match pieces.iter_mut().find(|(known, _)| known == heading) {
            Some((_, known)) => known.push_str(&text),
            None => pieces.push((heading.to_owned(), text)),
        }
    }
    pieces
}

/// What stands on the page and not in the JSON, by the headings of its sections.
fn strangers(page: &str, json: &Value) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    texts_of(json, &mut texts);
    texts.retain(|text| text.contains(|c: char| c.is_ascii_digit()));
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let mut strangers = Vec::new();
    let sections = sections(json);
    let pieces = pieces(page);
    assert_eq!(
        pieces.len(),
        sections.len(),
        "{:?}",
        pieces.iter().map(|(heading, _)| heading).collect::<Vec<_>>()
    );
    for (heading, text) in pieces {
        let section =
            sections.iter().find(|section| section.heading == heading).unwrap_or_else(|| panic!("{heading}"));
        let mut known = section.reckoned.clone();
        for path in section.from {
            numbers_of(json.pointer(path).unwrap_or_else(|| panic!("{path}")), &mut known);
        }
        let mut text =
            text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        for outside in &texts {
            text = text.replace(outside.as_str(), " ");
            // A command and a decision stand in pieces.
            text = text.replace(&outside.replace(' ', "  "), " ");
        }
        let told = numbers(&text);
        let unknown = told.iter().filter(|told| !known.iter().any(|is| told.is(*is)));
        strangers.extend(unknown.map(|told| (heading.clone(), told.text.clone())));
    }
    strangers
}

#[test]
fn every_number_on_the_page_is_in_the_json() {
    let report = full();
    let (page, json) = (html::page(&report, None), serde_json::to_value(&report).unwrap());
    assert_eq!(strangers(&page, &json), []);
}

/// In each section the numbers with the most figures are made false, one after the other: a false one must not be told from chance.
#[test]
fn a_number_that_is_changed_anywhere_is_seen() {
    let report = full();
    let (page, json) = (html::page(&report, None), serde_json::to_value(&report).unwrap());
    for section in sections(&json).iter().filter(|section| section.heading != "Scenario") {
        let start = if section.heading.is_empty() {
            page.find("<body>")
        } else {
            page.find(&format!("<h2>{}</h2>", section.heading))
        };
        let start = start.unwrap();
        let end = page[start + 5..].find("<section>").map_or(page.len(), |end| start + 5 + end);
        let mut told: Vec<&str> = page[start..end]
            .split('<')
            .filter_map(|part| part.split_once('>'))
            .map(|(_, text)| text)
            .collect();
        told.retain(|text| numbers(text).len() == 1 && numbers(text)[0].text == *text);
        told.sort_by_key(|text| std::cmp::Reverse(text.chars().filter(char::is_ascii_digit).count()));
        let text = told.first().unwrap_or_else(|| panic!("no number in {}", section.heading));
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
        assert!(!strangers(&broken, &json).is_empty(), "{}: {text} became {changed}", section.heading);
    }
}

/// The texts of the cells of a table that is found by what stands in its tag, row by row; without its head.
fn rows(page: &str, mark: &str) -> Vec<Vec<String>> {
    let at = page.find(mark).unwrap_or_else(|| panic!("no {mark}"));
    let table = page[at..].split("</table>").next().unwrap();
    let body = table.split("<tbody>").nth(1).unwrap();
    let cells = |row: &str| {
        let row = row.replace("<th", "<td").replace("</th>", "</td>");
        row.split("<td")
            .skip(1)
            .map(|cell| words(&format!("<td{}", cell.split("</td>").next().unwrap())))
            .collect()
    };
    body.split("<tr").skip(1).map(cells).collect()
}

/// Whether a cell says this number of the JSON; `–` where it is null.
fn says(cell: &str, is: &Value) {
    match (is.as_f64(), numbers(cell).as_slice()) {
        (None, []) => assert_eq!(cell, "–"),
        (Some(is), [told]) => assert!(told.is(is), "{cell} is not {is}"),
        (is, _) => panic!("{cell} is not {is:?}"),
    }
}

/// Holds the numbers of each row against those of an object.
fn held(page: &str, mark: &str, objects: &[Value], columns: &[(usize, &str)]) {
    let rows = rows(page, mark);
    assert_eq!(rows.len(), objects.len(), "{mark}");
    for (row, object) in rows.iter().zip(objects) {
        for (column, path) in columns {
            says(&row[*column], object.pointer(path).unwrap_or(&Value::Null));
        }
    }
}

#[test]
fn every_table_has_the_numbers_of_the_json_in_their_places() {
    let report = full();
    let (page, json) = (html::page(&report, None), serde_json::to_value(&report).unwrap());
    let workloads = [(1, "/sign_ins/started"), (2, "/offered_per_s"), (3, "/achieved_per_s"), (4, "/missed")];
    let latencies = [(5, "/intended/p50_us"), (6, "/intended/p99_us"), (7, "/service/p99_us")];
    let of_workloads = "aria-label=\"Workloads\"";
    held(&page, of_workloads, list(&json, "/workloads"), &workloads);
    held(&page, of_workloads, list(&json, "/workloads"), &latencies);
    held(
        &page,
        "id=\"curve\"",
        list(&json, "/latency/sign_in/curve"),
        &[(1, "/intended_us"), (2, "/service_us")],
    );
    let counts = [(1, "/offered"), (2, "/completed"), (3, "/refused"), (4, "/failed"), (8, "/throttled")];
    let intervals = list(&json, "/timeline/intervals");
    held(&page, "id=\"course\"", intervals, &counts);
    held(&page, "id=\"course\"", intervals, &[(5, "/p50_us"), (6, "/p99_us"), (7, "/max_us")]);
    held(&page, "aria-label=\"Stages\"", list(&json, "/stages"), &[(1, "/from_us"), (2, "/to_us")]);
    for (row, stage) in rows(&page, "aria-label=\"Stages\"").iter().zip(list(&json, "/stages")) {
        assert_eq!(
            (row[0].as_str(), row[3].replace('-', "_")),
            (stage["workload"].as_str().unwrap(), stage["part"].as_str().unwrap().to_owned())
        );
        let rates = numbers(&row[4]);
        assert!(
            rates[0].is(float(&stage["from_per_s"])) && rates.last().unwrap().is(float(&stage["to_per_s"]))
        );
    }
    let more = &list(&json, "/decisions/mismatches")[6..];
    held(&page, "More mismatches\">", more, &[(0, "/number"), (1, "/user"), (2, "/at_us")]);
    for (row, is) in rows(&page, "More mismatches\">").iter().zip(more) {
        let texts = ["rule", "situation", "expected", "seen"].map(|key| is[key].as_str().unwrap().to_owned());
        assert_eq!(row[3..], texts);
    }
    confusion(&page, &json);
    steps_over_time(&page, &json);
    median_after_median(&page, &json);
}

fn confusion(page: &str, json: &Value) {
    let at = page.find("class=\"matrix\"").unwrap();
    let head = between(page[at..].split("</table>").next().unwrap(), "<thead>", "</thead>");
    let seen: Vec<String> = head.split("<th").skip(2).map(|cell| words(&format!("<th{cell}"))).collect();
    let mut found = 0;
    for row in rows(page, "class=\"matrix\"") {
        for (column, cell) in row[1..].iter().enumerate().filter(|(_, cell)| *cell != "·") {
            let is = list(json, "/decisions/confusion")
                .iter()
                .find(|one| one["expected"] == row[0] && one["seen"] == seen[column]);
            let is = is.unwrap_or_else(|| panic!("{} {}", row[0], seen[column]));
            let told = numbers(&cell.replace('✗', " ✗ "));
            assert!(told[0].is(float(&is["count"])), "{cell} {is}");
            assert_eq!(
                told.get(1).map(|told| told.value),
                is["mismatched"].as_f64().filter(|n| *n > 0.0 && row[0] == seen[column]),
                "{cell}"
            );
            found += 1;
        }
    }
    assert_eq!(found, list(json, "/decisions/confusion").len());
    assert!(found > 3);
}

fn steps_over_time(page: &str, json: &Value) {
    let course = &json["timeline"]["steps"];
    let head = between(
        page.split("id=\"step-course\"").nth(1).unwrap().split("</table>").next().unwrap(),
        "<thead>",
        "</thead>",
    );
    let heads: Vec<String> = head.split("<th").skip(1).map(|cell| words(&format!("<th{cell}"))).collect();
    assert_eq!(heads.len(), 1 + 2 * course["by_step"].as_object().unwrap().len());
    let rows = rows(page, "id=\"step-course\"");
    for (column, head) in heads.iter().enumerate().skip(1) {
        let (step, figure) = head.split_once(' ').unwrap();
        let went = list(course, &format!("/by_step/{step}"));
        assert_eq!(rows.len(), went.len());
        rows.iter().zip(went).for_each(|(row, one)| says(&row[column], &one[format!("{figure}_us")]));
    }
    for (at, row) in rows.iter().enumerate().skip(1) {
        assert!(numbers(&row[0])[0].is(at as f64 * float(&course["interval_us"])), "{row:?}");
    }
}

/// The bars of the steps begin where those before them end, and are as long as their medians.
fn median_after_median(page: &str, json: &Value) {
    let whole = &json["latency"]["sign_in"]["service"];
    let table = page.split("class=\"cascade").nth(1).unwrap().split("</table>").next().unwrap();
    let ticks = between(table, "<thead>", "</thead>");
    let top = numbers(&words(ticks.rsplit("<text").next().unwrap()))[0].value;
    let mut at = 0.0;
    let mut bars = 0;
    for row in table.split("data-part=\"").skip(1) {
        let name = row.split('"').next().unwrap();
        let (is, from) = match name {
            "service" => (float(&whole["p50_us"]), 0.0),
            "CPU, client" => (float(&json["cpu"]["client_us_per_sign_in"]), 0.0),
            "CPU, pool" => (float(&json["cpu"]["server_us_per_sign_in"]), 0.0),
            step => (float(&json["latency"]["steps"][step]["p50_us"]), at),
        };
        let end = |mark: &str| {
            row.split(&format!("{mark}=\""))
                .nth(1)
                .unwrap()
                .split('%')
                .next()
                .unwrap()
                .parse::<f64>()
                .unwrap()
                / 100.0
                * top
        };
        for (told, is) in [(end("x1"), from), (end("x2"), from + is)] {
            assert!((told - is).abs() <= top * 0.0006, "{name}: {told} {is}");
        }
        at += if json["latency"]["steps"].get(name).is_some() { is } else { 0.0 };
        let cells: Vec<String> = row
            .split("<td")
            .skip(1)
            .map(|cell| words(&format!("<td{}", cell.split("</td>").next().unwrap())))
            .collect();
        says(&cells[1], &Value::from(is));
        if let Some(step) = json["latency"]["steps"].get(name) {
            assert!(
                numbers(&cells[0].replace(" ×", ""))[0].is(float(&step["count"]) / float(&whole["count"])),
                "{cells:?}"
            );
        }
        bars += 1;
    }
    assert!(bars > 5, "{bars}");
}

#[test]
fn every_list_has_the_numbers_of_the_json_beside_their_words() {
    let report = full();
    let (page, json) = (html::page(&report, None), serde_json::to_value(&report).unwrap());
    let told = |word: &str| {
        let dd = between(&page, &format!("<dt>{word}</dt>"), "</dd>");
        numbers(&words(dd)).into_iter().map(|told| (told.value, told.within)).collect::<Vec<_>>()
    };
    let same = |word: &str, paths: &[&str]| {
        let told = told(word);
        assert_eq!(told.len(), paths.len(), "{word}: {told:?}");
        for ((value, within), path) in told.into_iter().zip(paths) {
            let is = float(json.pointer(path).unwrap_or_else(|| panic!("{path}")));
            assert!((value - is).abs() <= within, "{word}: {value}, {path} {is}");
        }
    };
    same("Lag p50", &["/generator/lag_p50_us"]);
    same("Lag p99", &["/generator/lag_p99_us"]);
    same("Lag max", &["/generator/lag_max_us"]);
    same("Asked for", &["/throughput/asked_per_s"]);
    same("CPU, client", &["/cpu/client_us_per_sign_in"]);
    same("CPU, pool", &["/cpu/server_us_per_sign_in"]);
    same("Modexps", &["/cpu/modexps_per_sign_in"]);
    same("Cores", &["/environment/cores"]);
    let machine = told("Machine").into_iter().map(|(value, _)| value).collect::<Vec<_>>();
    assert_eq!(machine, [0.53, 1.87, 3.71]);
    for side in ["client", "pool"] {
        let key = if side == "pool" { "server" } else { side };
        let is = &json["generator"]["workers"][key];
        let told: Vec<f64> = told(&format!("Workers, {side}")).into_iter().map(|(value, _)| value).collect();
        let plain = ["jobs", "threads", "prepared"].map(|key| float(&is[key]));
        assert_eq!(told[..3], plain);
        assert!((told[3] - (plain[0] - plain[2]) / float(&is["batches"])).abs() < 0.051);
        assert_eq!(told[4..], [3460.0, 23.0]);
    }
    let system = between(&page, "<dt>System</dt>", "</dd>");
    assert_eq!(words(system), "linux, x86_64");
    assert_eq!(
        words(between(&page, "<dt>Processor</dt>", "</dd>")),
        json["environment"]["cpu"].as_str().unwrap()
    );
    assert_eq!(
        words(between(&page, "<dt>Version</dt>", "</dd>")),
        format!("poolproof {}", json["environment"]["version"].as_str().unwrap())
    );
    let thresholds: Vec<&str> = page
        .split("class=\"thresholds\"")
        .nth(1)
        .unwrap()
        .split("</ul>")
        .next()
        .unwrap()
        .split("<li>")
        .skip(1)
        .collect();
    assert_eq!(thresholds.len(), list(&json, "/thresholds").len());
    for (item, is) in thresholds.iter().zip(list(&json, "/thresholds")) {
        assert_eq!(
            words(between(item, "<code>", "</code>")).replace("&lt;", "<").replace("&gt;", ">"),
            is["text"]
        );
        let value = words(&format!("<{}", between(item, "<span class=\"value", "</span>")));
        let times = if is["unit"] == "share" { 100.0 } else { 1.0 };
        says(&value, &is["value"].as_f64().map_or(Value::Null, |is| Value::from(is * times)));
        let window = numbers(&words(item.split("class=\"fine\">").nth(1).unwrap()));
        assert!(window[0].is(float(&is["window"]["from_us"])) && window[1].is(float(&is["window"]["to_us"])));
    }
}

/// A plot by its title: what is in it, what its curves' unit is worth, and how high it is.
struct Drawn<'a> {
    curves: &'a str,
    a_pixel: f64,
    height: f64,
}

impl<'a> Drawn<'a> {
    fn of(page: &'a str, title: &str) -> Self {
        let plot =
            page.split("class=\"plot\"").find(|plot| plot.contains(&format!("<title>{title}</title>")));
        let plot = plot.unwrap_or_else(|| panic!("no plot {title}")).split("</svg></div>").next().unwrap();
        let height: f64 = between(plot.split("role=").next().unwrap(), "height=\"", "\"").parse().unwrap();
        let marks = plot.split("<text x=\"-10\" y=\"").skip(1);
        let marks: Vec<(f64, f64)> = marks
            .map(|mark| {
                (
                    mark.split('"').next().unwrap().parse().unwrap(),
                    numbers(&words(&format!("<{}", mark.split("</text>").next().unwrap())))[0].value,
                )
            })
            .collect();
        let (top, bottom) = (marks.last().unwrap(), marks[0]);
        assert_eq!((top.0, bottom), (0.0, (height, 0.0)), "{title}");
        Self { curves: plot.rsplit("<svg ").next().unwrap(), a_pixel: top.1 / height, height }
    }

    /// The numbers of a path, with the letters before them.
    fn path(&self, class: &str) -> Vec<(char, Vec<f64>)> {
        let path = self
            .curves
            .split(&format!("class=\"{class}\" d=\""))
            .nth(1)
            .unwrap_or_else(|| panic!("no {class}"))
            .split('"')
            .next()
            .unwrap();
        let mut steps: Vec<(char, String)> = Vec::new();
        for c in path.chars() {
            match steps.last_mut() {
                _ if c.is_ascii_alphabetic() => steps.push((c, String::new())),
                Some((_, numbers)) => numbers.push(c),
                None => panic!("{path}"),
            }
        }
        steps
            .into_iter()
            .map(|(c, numbers)| (c, numbers.split_whitespace().map(|n| n.parse().unwrap()).collect()))
            .collect()
    }

    /// Levels of `n` intervals out of a line of stairs, as far as it goes to the right.
    fn levels(&self, class: &str, n: usize) -> Vec<f64> {
        let (mut levels, mut level) = (Vec::new(), f64::NAN);
        for (letter, numbers) in self.path(class) {
            match letter {
                'M' => level = numbers[1],
                'V' => level = numbers[0],
                'H' => {
                    let until = (numbers[0] / 1000.0 * n as f64).round() as usize;
                    levels.resize(until.max(levels.len()), level);
                    if until == n {
                        break;
                    }
                }
                other => panic!("{other}"),
            }
        }
        levels.into_iter().map(|level| (self.height - level) * self.a_pixel).collect()
    }

    /// The points of a line: how far along, 0 to 1, and their value.
    fn points(&self, class: &str) -> Vec<(f64, f64)> {
        let path = self.path(class);
        path.iter()
            .filter(|(letter, _)| "ML".contains(*letter))
            .map(|(_, at)| (at[0] / 1000.0, (self.height - at[1]) * self.a_pixel))
            .collect()
    }

    fn same(&self, told: f64, is: f64, what: &str) {
        assert!((told - is).abs() <= self.a_pixel * 0.051 + 1e-6, "{what}: {told} is not {is}");
    }
}

#[test]
fn every_curve_goes_through_the_numbers_of_the_json() {
    let report = full();
    let (page, json) = (html::page(&report, None), serde_json::to_value(&report).unwrap());
    let intervals = list(&json, "/timeline/intervals");
    let (n, per_s) = (intervals.len(), 1e6 / float(&json["timeline"]["interval_us"]));
    let stairs = |title: &str, class: &str, keys: &[&str]| {
        let plot = Drawn::of(&page, title);
        let levels = plot.levels(class, n);
        assert_eq!(levels.len(), n, "{class}");
        for (level, interval) in levels.into_iter().zip(intervals) {
            plot.same(level, keys.iter().map(|key| float(&interval[*key])).sum::<f64>() * per_s, class);
        }
    };
    let flow = "Sign-ins a second over time";
    stairs(flow, "line offered", &["offered"]);
    stairs(flow, "area completed", &["completed"]);
    stairs(flow, "area refused", &["completed", "refused"]);
    stairs(flow, "area failed", &["completed", "refused", "failed"]);
    stairs("Answers throttled a second over time", "line two", &["throttled"]);
    let line = |title: &str, class: &str, wanted: Vec<(f64, f64)>| {
        let plot = Drawn::of(&page, title);
        let points = plot.points(class);
        assert_eq!(points.len(), wanted.len(), "{title}, {class}");
        for ((x, y), (place, is)) in points.into_iter().zip(wanted) {
            assert!((x - place).abs() <= 0.0002, "{title}, {class}: {x} {place}");
            plot.same(y, is, class);
        }
    };
    for (class, key) in [("line one", "p50_us"), ("line two", "p99_us"), ("line three", "max_us")] {
        let known = intervals
            .iter()
            .enumerate()
            .filter_map(|(at, one)| Some(((at as f64 + 0.5) / n as f64, one[key].as_f64()?)));
        line("Latency over time", class, known.collect());
    }
    let curve = list(&json, "/latency/sign_in/curve");
    let nines = |point: &Value| 6.0 - float(&point["beyond_ppm"]).log10();
    for (class, key) in [("line one", "intended_us"), ("line two", "service_us")] {
        let known =
            curve.iter().map(|point| (nines(point) / nines(curve.last().unwrap()), float(&point[key])));
        line("Sign-in latency by percentile", class, known.collect());
    }
    let course = &json["timeline"]["steps"];
    assert_eq!(course["by_step"].as_object().unwrap().len(), 6);
    let (whole, wide) = (n as f64 / per_s * 1e6, float(&course["interval_us"]));
    for (step, went) in course["by_step"].as_object().unwrap() {
        for (class, key) in [("line one", "p50_us"), ("line two", "p99_us")] {
            let known = went.as_array().unwrap().iter().enumerate().filter_map(|(at, one)| {
                let (from, to) = (at as f64 * wide, ((at + 1) as f64 * wide).min(whole));
                Some(((from + to) / 2.0 / whole, one[key].as_f64()?))
            });
            line(&format!("{step} over time"), class, known.collect());
        }
    }
}
