//! The layout of the page on wide and narrow screens, in light and dark colors, with and without scripts.
//! Nothing overlaps, is cut off or is blank. The tests need Chromium (see `browser`).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use poolproof::clock::ClockKind;
use poolproof::report::{Report, ScenarioResult, html, index};
use serde_json::Value;

use crate::browser::{Browser, Picture, picture};
use crate::page::full_report;
use crate::run_fixture::root;
use crate::sample::{recorded, report, run_info, sign_ins};

const PROBE: &str = include_str!("../looks/probe.js");

/// Writes a page of this name to a file.
fn file(name: &str, page: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("looks");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(format!("{name}.html"));
    fs::write(&file, page).unwrap();
    file
}

fn golden() -> String {
    fs::read_to_string(root().join("reports/golden/storm/report.html")).unwrap()
}

/// Runs the probe on the open page and returns its result and the layout errors.
fn run_probe(browser: &mut Browser) -> (Value, Vec<String>) {
    let seen = browser.evaluate(PROBE);
    let flaws = seen["flaws"].as_array().unwrap().iter().map(|flaw| flaw.as_str().unwrap().to_owned());
    let flaws = flaws.chain(browser.console_errors()).collect();
    (seen, flaws)
}

/// Returns the blank parts of a screenshot: bands of 400 rows with few colors, and plots without the colors
/// of their curves.
fn blank_plots(picture: &Picture, plots: &[Value]) -> Vec<String> {
    let mut flaws = Vec::new();
    for (band, rows) in picture.rows.chunks(400).enumerate().filter(|(_, rows)| rows.len() == 400) {
        let colors: BTreeSet<&[u8]> = rows.iter().flat_map(|row| row.chunks(3)).collect();
        if colors.len() < 12 {
            flaws.push(format!("rows from {} are blank: {} colors", band * 400, colors.len()));
        }
    }
    for plot in plots {
        let number = |key: &str| plot[key].as_f64().unwrap() as usize;
        let rows = number("top")..number("top") + number("height");
        let columns = number("left")..(number("left") + number("width")).min(picture.width);
        for color in plot["colours"].as_array().unwrap() {
            let wanted = rgb(color.as_str().unwrap());
            let near = |seen: [u8; 3]| (0..3).all(|channel| seen[channel].abs_diff(wanted[channel]) <= 16);
            if !rows.clone().any(|y| columns.clone().any(|x| near(picture.at(x, y)))) {
                flaws.push(format!("no {color} in the plot {}", plot["title"]));
            }
        }
    }
    flaws
}

/// Parses `rgb(1, 2, 3)`.
fn rgb(text: &str) -> [u8; 3] {
    let numbers = text.trim_start_matches("rgb(").trim_end_matches(')').split(", ");
    numbers.map(|number| number.parse().unwrap()).collect::<Vec<u8>>().try_into().unwrap()
}

/// Checks a page with the probe and a screenshot, and compares the screenshot with one without scripts.
fn check_page(browser: &mut Browser, file: &Path, width: u32, scheme: &str) {
    let what = format!("{} at {width}, {scheme}", file.display());
    browser.set(width, scheme, true);
    browser.open(file);
    let (seen, flaws) = run_probe(browser);
    assert!(flaws.is_empty(), "{what}: {flaws:#?}");
    assert!(seen["lines"].as_u64().unwrap() > 100, "{what}: {} lines of text", seen["lines"]);
    let screenshot = browser.screenshot();
    let (with, plots) = (picture(&screenshot), seen["plots"].as_array().unwrap());
    assert!(!plots.is_empty(), "{what}: {} plots", plots.len());
    assert_eq!((with.width, with.rows.len() as u64), (width as usize, seen["height"].as_u64().unwrap()));
    let flaws = blank_plots(&with, plots);
    assert!(flaws.is_empty(), "{what}: {flaws:#?}");
    let paper = if scheme == "dark" { [0x12, 0x15, 0x18] } else { [255; 3] };
    assert_eq!(with.at(0, 0), paper, "{what}: wrong background color");
    browser.set(width, scheme, false);
    browser.open(file);
    let without = browser.screenshot();
    assert!(
        screenshot == without,
        "{what}: the page looks different without scripts: {}",
        difference(&with, &picture(&without))
    );
}

/// Describes where two pictures differ.
fn difference(one: &Picture, other: &Picture) -> String {
    let rows = one.rows.iter().zip(&other.rows).position(|(one, other)| one != other);
    format!("{} and {} rows, from row {rows:?} on", one.rows.len(), other.rows.len())
}

/// Returns the report on a run of one sign-in, without measured steps.
fn minimal_report() -> Report {
    let mut sign_in = sign_ins(7, 300, false).pop().unwrap();
    sign_in.steps.clear();
    let report = Report::new(run_info(), &recorded(&[sign_in]).summary());
    assert_eq!((report.latency.sign_in.intended.count, report.timeline.steps.is_none()), (1, true));
    report
}

#[test]
#[ignore = "needs Chromium: --ignored page_layout::"]
fn page_layout_is_correct_at_every_screen_size() {
    let mut browser = Browser::start("looks");
    let storm = file("storm", &golden());
    let small = file("small", &html::page(&report(ClockKind::Virtual, 3, false), None));
    let failed = file("failed", &html::page(&report(ClockKind::Wall, 6000, true), None));
    let minimal_report = file("bare", &html::page(&minimal_report(), None));
    // Thresholds with windows. One of them canceled the run.
    let mut windowed = full_report();
    windowed.thresholds[0].canceled_at_us = Some(36_000_000);
    let windowed = file("windowed", &html::page(&windowed, None));
    for width in [1280, 400] {
        for page in [&storm, &small] {
            for scheme in ["light", "dark"] {
                check_page(&mut browser, page, width, scheme);
            }
        }
        check_page(&mut browser, &failed, width, "light");
        check_page(&mut browser, &minimal_report, width, "light");
        check_page(&mut browser, &windowed, width, "dark");
    }
}

#[test]
#[ignore = "needs Chromium: --ignored page_layout::"]
fn layout_errors_are_detected() {
    let mut browser = Browser::start("planted");
    let sound = golden();
    browser.set(1280, "light", true);
    for (name, from, to, message) in [
        ("wide", "<h2>Steps", "<div style=\"width:2000px\">wide</div><h2>Steps", "beyond the page"),
        ("overlap", "</style>", ".plot text { font-size: 90px; }</style>", "one text over another"),
        (
            "cut",
            "<h2>Steps",
            "<p style=\"width:3em;overflow:hidden;white-space:nowrap\">a long sentence</p><h2>Steps",
            "cut off",
        ),
        ("empty", " d=\"", " data-d=\"", "an empty plot"),
        (
            "squeezed",
            "<h2>Steps",
            "<p style=\"width:2em\">from 16 s to 26 s it was so</p><h2>Steps",
            "squeezed",
        ),
        ("flat", "height=\"180\" role=\"img\"", "height=\"0\" role=\"img\"", "of no size"),
        (
            "script",
            "'use strict';\nconst all",
            "'use strict';\nlet more;\nconst all",
            "Content Security Policy",
        ),
        ("error", "<h2>Steps", "<table class=\"sortable\"></table><h2>Steps", "TypeError"),
    ] {
        let broken = sound.replace(from, to);
        assert_ne!(broken, sound, "{name}: the page did not change");
        browser.open(&file(&format!("planted-{name}"), &broken));
        let (_, flaws) = run_probe(&mut browser);
        assert!(flaws.iter().any(|flaw| flaw.contains(message)), "{name} is not detected: {flaws:#?}");
    }
    // Invisible curves count as missing.
    browser.open(&file("planted-pale", &sound.replace("</style>", ".line, .area { opacity: 0; }</style>")));
    let (seen, _) = run_probe(&mut browser);
    let flaws = blank_plots(&picture(&browser.screenshot()), seen["plots"].as_array().unwrap());
    assert!(flaws.iter().any(|flaw| flaw.contains("in the plot")), "{flaws:#?}");
    browser.open(&file("planted-blank", "<!DOCTYPE html><body style=\"height:2000px\">"));
    assert!(!blank_plots(&picture(&browser.screenshot()), &[]).is_empty());
}

#[test]
#[ignore = "needs Chromium: --ignored page_layout::"]
fn plot_tooltips_and_table_sorting_work() {
    let mut browser = Browser::start("script");
    browser.set(1280, "light", true);
    browser.open(&file("script", &html::page(&report(ClockKind::Wall, 6000, true), None)));
    let plots = browser.evaluate("document.querySelectorAll('.plot').length").as_u64().unwrap();
    assert!(plots > 5);
    for plot in 0..plots {
        let of = format!("document.querySelectorAll('.plot')[{plot}]");
        browser.evaluate(&format!("{of}.scrollIntoView({{ block: 'center' }})"));
        let middle = format!(
            "(() => {{ const box = {of}.querySelector('svg').getBoundingClientRect(); return [box.left + box.width / 2, box.top + box.height / 2] }})()"
        );
        let middle = browser.evaluate(&middle);
        browser.move_mouse(middle[0].as_f64().unwrap(), middle[1].as_f64().unwrap());
        let tooltip =
            format!("[...{of}.querySelectorAll('.tip:not([hidden]) span')].map(span => span.textContent)");
        let by_mouse = browser.evaluate(&tooltip);
        // The expected values are in the table: the row that is nearest to the middle.
        let wanted = format!(
            "(() => {{ const {{ of, columns }} = {of}.dataset, table = document.getElementById(of), rows = [...table.tBodies[0].rows]; \
             const off = (row, at) => Math.abs((row.dataset.at ?? (at + .5) / rows.length) - .5); \
             const row = rows.reduce((best, row, at) => off(row, at) < off(rows[best], best) ? at : best, 0); \
             return [0, ...columns.split(' ')].map(column => table.tHead.rows[0].cells[column].textContent + ' ' + rows[row].cells[column].textContent) }})()"
        );
        assert_eq!(by_mouse, browser.evaluate(&wanted), "plot {plot}");
        browser.evaluate(&format!("{of}.focus()"));
        browser.press("ArrowRight", None);
        let by_key = browser.evaluate(&tooltip);
        assert!(by_key != by_mouse && by_key.as_array().unwrap().len() == by_mouse.as_array().unwrap().len());
        browser.press("Escape", None);
        assert_eq!(browser.evaluate(&tooltip), serde_json::json!([]));
    }
    check_sorting(&mut browser, "rules", 3, &["descending", "ascending"]);
    check_sorting(&mut browser, "steps", 2, &["descending", "ascending"]);
    check_sorting(&mut browser, "rules", 0, &["ascending", "descending"]);
    assert_eq!(browser.console_errors(), Vec::<String>::new());
    let entries = [report(ClockKind::Wall, 6000, true), report(ClockKind::Virtual, 300, false)]
        .map(ScenarioResult::played);
    browser.open(&file("index", &index(&entries)));
    let (_, flaws) = run_probe(&mut browser);
    assert!(flaws.is_empty(), "{flaws:#?}");
    check_sorting(&mut browser, "index", 2, &["descending", "ascending"]);
}

/// Presses Enter on the head of a column repeatedly and compares the order of the table with `orders`.
fn check_sorting(browser: &mut Browser, table: &str, column: usize, orders: &[&str]) {
    let head = format!("document.querySelectorAll('table.{table} thead th')[{column}]");
    // Whole sign-ins stay first, and unknown values are last.
    let cells = format!(
        "[...document.querySelector('table.{table}').tBodies[0].rows].filter(row => !row.matches('.whole')).map(row => row.cells[{column}].textContent).filter(text => text !== '–')"
    );
    for order in orders {
        browser.evaluate(&format!("{head}.querySelector('button').focus()"));
        browser.press("Enter", Some("\r"));
        assert_eq!(
            browser.evaluate(&format!("{head}.getAttribute('aria-sort')")),
            *order,
            "{table} {column}"
        );
        let cells: Vec<String> = serde_json::from_value(browser.evaluate(&cells)).unwrap();
        let mut keys: Vec<(f64, String)> =
            cells.iter().map(|text| (parse_amount(text), text.clone())).collect();
        assert!(keys.len() > 1);
        if *order == "descending" {
            keys.reverse();
        }
        assert!(keys.is_sorted(), "{table} by column {column}, {order}: {cells:?}");
    }
}

/// Returns a time in µs or a count from a table cell. Words give 0 and are compared as texts.
fn parse_amount(text: &str) -> f64 {
    let text = text.replace(',', "");
    let text = text.trim_start_matches("✗ ");
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let factor = match unit {
        "ms" => 1e3,
        "s" => 1e6,
        _ => 1.0,
    };
    number.parse::<f64>().map_or(0.0, |number| number * factor)
}
