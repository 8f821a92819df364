//! The report as one page that needs nothing but itself: no network; light and dark, screen and paper.
//!
//! Everything that came from outside (names, YAML, URLs) goes through maud, which escapes it. The page says
//! nothing that `report.json`, or that of its baseline, does not say. Its script (`script`) sorts tables and
//! reads plots out; without it nothing is lost, since whatever works by it alone is made by it.

mod bands;
mod chart;
mod decisions;
mod heatmap;
pub(super) mod icons;
mod latency;
mod load;
mod policy_table;
mod run_details;
mod step_breakdown;
mod timeline;
mod verdict;
mod workloads;

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::Report;
use crate::clock::ClockKind;

/// The one style sheet, part of the page.
pub(crate) const STYLE: &str = include_str!("style.css");

/// The script as pages have it: without its comments and indentation.
static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    let lines = include_str!("page.js").lines().map(str::trim_start);
    let code: Vec<&str> = lines.filter(|line| !line.is_empty() && !line.starts_with("//")).collect();
    code.join("\n")
});

/// Nothing may be loaded and nothing may run, whatever has got into the page.
pub(crate) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Nothing but [`SCRIPT`], to the letter, may run.
static SCRIPT_POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(SCRIPT.as_bytes()));
    format!("{POLICY}; script-src 'sha256-{hash}'")
});

/// The policy of a page that has the [`script`] in it.
pub(crate) fn script_policy() -> &'static str {
    &SCRIPT_POLICY
}

/// What sorts tables of class `sortable`, and reads plots out that name a table. It comes last in a page.
pub(crate) fn script() -> Markup {
    html! { script { (PreEscaped(&*SCRIPT)) } }
}

/// The head of a page of this name, with `more` style than reports have, and what may run in it.
pub(crate) fn head(title: &str, more: &str, policy: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · poolproof" }
            style { (PreEscaped(STYLE)) (PreEscaped(more)) }
        }
    }
}

/// No page is longer, in bytes: it goes into mails and artifacts.
const MAX_PAGE_BYTES: usize = 200 * 1024;
/// What there is room for; where the page gets too long with the first, the next.
const PAGE_LIMITS: [PageLimits; 5] = [
    PageLimits::of(1000, 100),
    PageLimits::of(200, 100),
    PageLimits::of(100, 50),
    PageLimits::of(50, 25),
    PageLimits::of(20, 10),
];

/// How much of what may be long is shown.
#[derive(Clone, Copy)]
struct PageLimits {
    /// So many situations of a kind: that differ, and that are as expected.
    situations: usize,
    /// So many mismatches.
    mismatches: usize,
}

impl PageLimits {
    const fn of(situations: usize, mismatches: usize) -> Self {
        Self { situations, mismatches }
    }
}

/// The page, as the text of an HTML file, with the latency of a baseline beside the report's own if there is
/// one. Equal reports give equal bytes.
pub fn page(report: &Report, baseline: Option<&Report>) -> String {
    let mut page = String::new();
    for limits in PAGE_LIMITS {
        page = render_page(limits, report, baseline);
        if page.len() <= MAX_PAGE_BYTES {
            break;
        }
    }
    page
}

fn render_page(limits: PageLimits, report: &Report, baseline: Option<&Report>) -> String {
    let word = if report.verdict.passed { "passed" } else { "failed" };
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&format!("{} · {word}", report.scenario.name), "", script_policy()))
            body {
                main {
                    (top(report))
                    (verdict::strip(report))
                    (verdict::headline(report))
                    (policy_table::table(report, limits.situations))
                    (workloads::section(report))
                    (decisions::rules_and_outcomes(report))
                    (decisions::mismatches(report, limits.mismatches))
                    (latency::curve(report, baseline))
                    (latency::steps(report))
                    (timeline::section(report))
                    div.grounds { (run_details::generator(report)) (run_details::environment(report)) }
                    (run_details::scenario(report))
                    footer { "Made by poolproof. The same data for programs is in " code { "report.json" } ", \
                        and most of it inside this page." }
                }
                (embedded(report, limits.situations))
                (script())
            }
        }
    };
    markup.into_string()
}

/// The report as data, for whoever has nothing but the page; of a scenario as much as the page shows, the
/// mismatches that stand open, and without what the heat map and the small plots are drawn from. It is no
/// script: nothing in it runs.
fn embedded(report: &Report, situations: usize) -> Markup {
    let mut report = report.clone();
    let (mut differing, mut as_expected) = (0, 0);
    report.decisions.cases.retain(|case| {
        let shown = if case.mismatched > 0 { &mut differing } else { &mut as_expected };
        *shown += 1;
        *shown <= situations
    });
    report.decisions.mismatches.truncate(decisions::MAX_EXPANDED);
    report.timeline.steps = None;
    let yaml = &mut report.scenario.yaml;
    yaml.truncate(run_details::shown(yaml).len());
    for file in &mut report.scenario.files {
        file.text.truncate(run_details::shown(&file.text).len());
    }
    report.timeline.intervals.iter_mut().for_each(|interval| interval.spread.clear());
    // In JSON a `<` stands in texts only, and may be written so there; then no text can end the element. A
    // report is plain data with text for keys: to write it cannot fail.
    let json = serde_json::to_string(&report).unwrap_or_default().replace('<', "\\u003c");
    html! { script type="application/json" id="report" { (PreEscaped(json)) } }
}

/// What was run.
fn top(report: &Report) -> Markup {
    let clock = match report.clock {
        ClockKind::Wall => "wall",
        ClockKind::Virtual => "virtual",
    };
    html! {
        header.top {
            p.mark { b { "poolproof" } " · sign-in report" }
            h1 { (report.scenario.name) }
            @if !report.scenario.about.is_empty() { p.about { (report.scenario.about) } }
            dl.facts {
                div { dt { "Seed" } dd { (report.seed) } }
                div { dt { "Clock" } dd { (clock) } }
                div { dt { "SRP group" } dd { (report.group) } }
                div { dt { "Pool" } dd { (report.target) } }
            }
        }
    }
}

/// How well two colours `#rrggbb` are told apart, after WCAG 2.2: 1 to 21.
#[cfg(test)]
pub(crate) fn contrast(one: &str, two: &str) -> f64 {
    let luminance = |colour: &str| {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    };
    let (one, two) = (luminance(one), luminance(two));
    (one.max(two) + 0.05) / (one.min(two) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::{STYLE, contrast};

    #[test]
    fn the_script_is_short_and_cannot_end_its_element() {
        assert!(super::SCRIPT.len() <= 3300, "{} bytes", super::SCRIPT.len());
        for bad in ["</", "<!"] {
            assert!(!super::SCRIPT.contains(bad), "{bad}");
        }
    }

    #[test]
    fn every_text_can_be_read_on_every_ground_in_light_and_dark() {
        let mut themes = 0;
        for block in STYLE.split(":root {").skip(1).map(|rest| rest.split('}').next().unwrap()) {
            let colour =
                |name: &str| block.split(&format!("--{name}: ")).nth(1).unwrap().split(';').next().unwrap();
            for text in ["ink", "soft", "good", "bad"] {
                for ground in ["paper", "panel", "good-wash", "bad-wash"] {
                    let contrast = contrast(colour(text), colour(ground));
                    assert!(contrast >= 4.5, "{text} on {ground}: {contrast:.2}");
                }
            }
            for line in ["one", "two", "three"] {
                assert!(contrast(colour(line), colour("paper")) >= 3.0, "{line} on paper");
            }
            themes += 1;
        }
        assert_eq!(themes, 3, "light, dark and paper");
    }
}
