//! The page shows the numbers of `report.json` in the right places: in cells, texts and points of curves.

use poolproof::report::html;
use serde_json::Value;

use crate::page::{float, full_report, list, numbers};
use crate::report::{between, words};

/// Returns the cell texts of a table, row by row, without its head. `mark` is a part of the table's tag.
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

/// Checks that a cell shows this number of the JSON, or `–` if it is null.
fn assert_cell(cell: &str, expected: &Value) {
    match (expected.as_f64(), numbers(cell).as_slice()) {
        (None, []) => assert_eq!(cell, "–"),
        (Some(expected), [shown]) => assert!(shown.is(expected), "{cell} is not {expected}"),
        (expected, _) => panic!("{cell} is not {expected:?}"),
    }
}

/// Compares the numbers of each row with those of an object.
fn check_table(page: &str, mark: &str, objects: &[Value], columns: &[(usize, &str)]) {
    let rows = rows(page, mark);
    assert_eq!(rows.len(), objects.len(), "{mark}");
    for (row, object) in rows.iter().zip(objects) {
        for (column, path) in columns {
            assert_cell(&row[*column], object.pointer(path).unwrap_or(&Value::Null));
        }
    }
}

#[test]
fn every_table_cell_matches_report_json() {
    let report = full_report();
    let (page, json) = (html::page(&report, None), serde_json::to_value(&report).unwrap());
    let workloads =
        [(1, "/sign_ins/started"), (2, "/offered_per_s"), (3, "/achieved_per_s"), (4, "/dropped")];
    let latencies = [(5, "/intended/p50_us"), (6, "/intended/p99_us"), (7, "/service/p99_us")];
    let of_workloads = "aria-label=\"Workloads\"";
    check_table(&page, of_workloads, list(&json, "/workloads"), &workloads);
    check_table(&page, of_workloads, list(&json, "/workloads"), &latencies);
    check_table(
        &page,
        "id=\"curve\"",
        list(&json, "/latency/sign_in/curve"),
        &[(1, "/intended_us"), (2, "/service_us")],
    );
    let counts = [(1, "/offered"), (2, "/completed"), (3, "/refused"), (4, "/failed"), (8, "/throttled")];
    let intervals = list(&json, "/timeline/intervals");
    check_table(&page, "id=\"course\"", intervals, &counts);
    check_table(&page, "id=\"course\"", intervals, &[(5, "/p50_us"), (6, "/p99_us"), (7, "/max_us")]);
    let cpu = [(1, "/load/client_cpu_us"), (2, "/load/server_cpu_us")];
    let queues = [(3, "/load/client_queue"), (4, "/load/server_queue")];
    check_table(&page, "id=\"load\"", intervals, &cpu);
    check_table(&page, "id=\"load\"", intervals, &queues);
    check_table(&page, "aria-label=\"Stages\"", list(&json, "/stages"), &[(1, "/from_us"), (2, "/to_us")]);
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
    check_table(&page, "More mismatches\">", more, &[(0, "/number"), (1, "/user"), (2, "/at_us")]);
    for (row, expected) in rows(&page, "More mismatches\">").iter().zip(more) {
        let texts =
            ["rule", "situation", "expected", "seen"].map(|key| expected[key].as_str().unwrap().to_owned());
        assert_eq!(row[3..], texts);
    }
    check_confusion_matrix(&page, &json);
    check_steps_over_time(&page, &json);
    check_step_bars(&page, &json);
}

fn check_confusion_matrix(page: &str, json: &Value) {
    let at = page.find("class=\"matrix\"").unwrap();
    let head = between(page[at..].split("</table>").next().unwrap(), "<thead>", "</thead>");
    let seen: Vec<String> = head.split("<th").skip(2).map(|cell| words(&format!("<th{cell}"))).collect();
    let mut found = 0;
    for row in rows(page, "class=\"matrix\"") {
        for (column, cell) in row[1..].iter().enumerate().filter(|(_, cell)| *cell != "·") {
            let expected = list(json, "/decisions/confusion")
                .iter()
                .find(|one| one["expected"] == row[0] && one["seen"] == seen[column]);
            let expected = expected.unwrap_or_else(|| panic!("{} {}", row[0], seen[column]));
            let shown = numbers(&cell.replace('✗', " ✗ "));
            assert!(shown[0].is(float(&expected["count"])), "{cell} {expected}");
            assert_eq!(
                shown.get(1).map(|shown| shown.value),
                expected["mismatched"].as_f64().filter(|n| *n > 0.0 && row[0] == seen[column]),
                "{cell}"
            );
            found += 1;
        }
    }
    assert_eq!(found, list(json, "/decisions/confusion").len());
    assert!(found > 3);
}

fn check_steps_over_time(page: &str, json: &Value) {
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
        rows.iter().zip(went).for_each(|(row, one)| assert_cell(&row[column], &one[format!("{figure}_us")]));
    }
    for (at, row) in rows.iter().enumerate().skip(1) {
        assert!(numbers(&row[0])[0].is(at as f64 * float(&course["interval_us"])), "{row:?}");
    }
}

/// Each step's bar starts where the previous bar ends and is as long as the step's median.
fn check_step_bars(page: &str, json: &Value) {
    let whole = &json["latency"]["sign_in"]["service"];
    let table = page.split("class=\"cascade").nth(1).unwrap().split("</table>").next().unwrap();
    let ticks = between(table, "<thead>", "</thead>");
    let top = numbers(&words(ticks.rsplit("<text").next().unwrap()))[0].value;
    let mut at = 0.0;
    let mut bars = 0;
    for row in table.split("data-part=\"").skip(1) {
        let name = row.split('"').next().unwrap();
        let (expected, from) = match name {
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
        for (shown, expected) in [(end("x1"), from), (end("x2"), from + expected)] {
            assert!((shown - expected).abs() <= top * 0.0006, "{name}: {shown} {expected}");
        }
        at += if json["latency"]["steps"].get(name).is_some() { expected } else { 0.0 };
        let cells: Vec<String> = row
            .split("<td")
            .skip(1)
            .map(|cell| words(&format!("<td{}", cell.split("</td>").next().unwrap())))
            .collect();
        assert_cell(&cells[1], &Value::from(expected));
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
fn every_list_value_matches_report_json() {
    let report = full_report();
    let (page, json) = (html::page(&report, None), serde_json::to_value(&report).unwrap());
    let shown = |word: &str| {
        let dd = between(&page, &format!("<dt>{word}</dt>"), "</dd>");
        numbers(&words(dd)).into_iter().map(|shown| (shown.value, shown.within)).collect::<Vec<_>>()
    };
    let same = |word: &str, paths: &[&str]| {
        let shown = shown(word);
        assert_eq!(shown.len(), paths.len(), "{word}: {shown:?}");
        for ((value, within), path) in shown.into_iter().zip(paths) {
            let expected = float(json.pointer(path).unwrap_or_else(|| panic!("{path}")));
            assert!((value - expected).abs() <= within, "{word}: {value}, {path} {expected}");
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
    let machine = shown("Machine").into_iter().map(|(value, _)| value).collect::<Vec<_>>();
    assert_eq!(machine, [0.53, 1.87, 3.71]);
    for side in ["client", "pool"] {
        let key = if side == "pool" { "server" } else { side };
        let expected = &json["generator"]["workers"][key];
        let shown: Vec<f64> =
            shown(&format!("Workers, {side}")).into_iter().map(|(value, _)| value).collect();
        let plain = ["jobs", "threads", "prepared"].map(|key| float(&expected[key]));
        assert_eq!(shown[..3], plain);
        assert!((shown[3] - (plain[0] - plain[2]) / float(&expected["batches"])).abs() < 0.051);
        assert_eq!(shown[4..], [3460.0, 23.0]);
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
    for (item, expected) in thresholds.iter().zip(list(&json, "/thresholds")) {
        assert_eq!(
            words(between(item, "<code>", "</code>")).replace("&lt;", "<").replace("&gt;", ">"),
            expected["text"]
        );
        let value = words(&format!("<{}", between(item, "<span class=\"value", "</span>")));
        let times = if expected["unit"] == "share" { 100.0 } else { 1.0 };
        let expected_value =
            expected["value"].as_f64().map_or(Value::Null, |number| Value::from(number * times));
        assert_cell(&value, &expected_value);
        let window = numbers(&words(item.split("class=\"fine\">").nth(1).unwrap()));
        let expected = &expected["window"];
        assert!(window[0].is(float(&expected["from_us"])) && window[1].is(float(&expected["to_us"])));
    }
}

/// A plot: the SVG text of its curves, the value of one pixel, and its height in pixels.
struct Plot<'a> {
    curves: &'a str,
    a_pixel: f64,
    height: f64,
}

impl<'a> Plot<'a> {
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

    /// Returns the commands of a path: letters with their numbers.
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

    /// Returns the levels of the first `n` intervals of a stepped line, as far as it extends to the right.
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

    /// Returns the points of a line: their position from 0 to 1 and their value.
    fn points(&self, class: &str) -> Vec<(f64, f64)> {
        let path = self.path(class);
        path.iter()
            .filter(|(letter, _)| "ML".contains(*letter))
            .map(|(_, at)| (at[0] / 1000.0, (self.height - at[1]) * self.a_pixel))
            .collect()
    }

    fn same(&self, shown: f64, expected: f64, what: &str) {
        assert!((shown - expected).abs() <= self.a_pixel * 0.051 + 1e-6, "{what}: {shown} is not {expected}");
    }
}

#[test]
fn every_plot_matches_report_json() {
    let report = full_report();
    let (page, json) = (html::page(&report, None), serde_json::to_value(&report).unwrap());
    let intervals = list(&json, "/timeline/intervals");
    let (n, per_s) = (intervals.len(), 1e6 / float(&json["timeline"]["interval_us"]));
    let stairs = |title: &str, class: &str, keys: &[&str]| {
        let plot = Plot::of(&page, title);
        let levels = plot.levels(class, n);
        assert_eq!(levels.len(), n, "{class}");
        for (level, interval) in levels.into_iter().zip(intervals) {
            plot.same(level, keys.iter().map(|key| float(&interval[*key])).sum::<f64>() * per_s, class);
        }
    };
    let flow = "Sign-ins per second, over time";
    stairs(flow, "line offered", &["offered"]);
    stairs(flow, "area completed", &["completed"]);
    stairs(flow, "area refused", &["completed", "refused"]);
    stairs(flow, "area failed", &["completed", "refused", "failed"]);
    stairs("Throttled responses per second, over time", "line two", &["throttled"]);
    let line = |title: &str, class: &str, wanted: Vec<(f64, f64)>| {
        let plot = Plot::of(&page, title);
        let points = plot.points(class);
        assert_eq!(points.len(), wanted.len(), "{title}, {class}");
        for ((x, y), (place, expected)) in points.into_iter().zip(wanted) {
            assert!((x - place).abs() <= 0.0002, "{title}, {class}: {x} {place}");
            plot.same(y, expected, class);
        }
    };
    let middles = |path: &str, times: f64| -> Vec<(f64, f64)> {
        let known = intervals.iter().enumerate();
        known
            .filter_map(|(at, one)| {
                Some(((at as f64 + 0.5) / n as f64, one.pointer(path)?.as_f64()? * times))
            })
            .collect()
    };
    for (class, path) in [("line one", "/p50_us"), ("line two", "/p99_us"), ("line three", "/max_us")] {
        line("Latency over time", class, middles(path, 1.0));
    }
    for (class, side) in [("line one", "server"), ("line two", "client")] {
        let cores = middles(&format!("/load/{side}_cpu_us"), per_s / 1e6);
        assert_eq!(cores.len(), n - 1);
        line("Cores busy over time", class, cores);
        line("Waiting jobs over time", class, middles(&format!("/load/{side}_queue"), 1.0));
    }
    let curve = list(&json, "/latency/sign_in/curve");
    // The percentiles are those of all sign-ins. Undecided ones are beyond every decided one.
    let number = |path: &str| json.pointer(path).map_or(0.0, float);
    let [decided, undecided] = ["/latency/sign_in/intended/count", "/latency/undecided/count"].map(number);
    let of_all = |beyond: f64| (1e6 - (1e6 - beyond) * decided / (decided + undecided)).round();
    let last = 6.0 - float(&curve.last().unwrap()["beyond_ppm"]).log10();
    let place = |point: &Value| (6.0 - of_all(float(&point["beyond_ppm"])).log10()) / last;
    for (class, key) in [("line one", "intended_us"), ("line two", "service_us")] {
        let known = curve.iter().map(|point| (place(point), float(&point[key])));
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
