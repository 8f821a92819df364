//! The report as one self-contained page without network access, for light and dark screens and paper.
//!
//! External text (names, YAML, URLs) is escaped by maud. The page shows only data of `report.json` and of its
//! baseline. Its script (`script`) sorts tables and reads out plots; the page is complete without it.

mod bands;
mod chart;
mod decisions;
mod devices;
mod failures;
mod heatmap;
pub(super) mod icons;
mod latency;
mod live;
mod load;
mod policy_table;
mod run_details;
mod step_breakdown;
mod timeline;
mod unstyled;
mod verdict;
mod workloads;

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::Report;
use crate::clock::ClockKind;

pub use live::{LiveBar, live_page, message_page};

/// The one style sheet, part of the page.
pub(crate) const STYLE: &str = include_str!("style.css");

/// The script without comments and indentation.
static SCRIPT: LazyLock<String> = LazyLock::new(|| script_code(include_str!("page.js")));

/// Returns a script without comments and indentation.
fn script_code(text: &str) -> String {
    let lines = text.lines().map(str::trim_start);
    let code: Vec<&str> = lines.filter(|line| !line.is_empty() && !line.starts_with("//")).collect();
    code.join("\n")
}

/// The page may load nothing and run nothing, whatever text it contains.
pub(crate) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Only [`SCRIPT`] may run, by its hash.
static SCRIPT_POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(SCRIPT.as_bytes()));
    format!("{POLICY}; script-src 'sha256-{hash}'")
});

/// Returns the policy of a page with the [`script`].
pub(crate) fn script_policy() -> &'static str {
    &SCRIPT_POLICY
}

/// Returns the script that sorts tables of class `sortable` and reads out plots with a table. It must be last
/// in a page.
pub(crate) fn script() -> Markup {
    html! { script { (PreEscaped(&*SCRIPT)) } }
}

/// Returns the head of a page with this title, `more` style and a content security policy.
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

/// Largest page in bytes; pages are sent in mails and artifacts.
const MAX_PAGE_BYTES: usize = 200 * 1024;
/// Limits on the content; if the page is too long with one, the next applies.
const PAGE_LIMITS: [PageLimits; 5] = [
    PageLimits::of(1000, 100),
    PageLimits::of(200, 100),
    PageLimits::of(100, 50),
    PageLimits::of(50, 25),
    PageLimits::of(20, 10),
];

/// Limits on the parts that can be long.
#[derive(Clone, Copy)]
struct PageLimits {
    /// Most situations of each kind: mismatched, and as expected.
    situations: usize,
    /// Most mismatches.
    mismatches: usize,
}

impl PageLimits {
    const fn of(situations: usize, mismatches: usize) -> Self {
        Self { situations, mismatches }
    }
}

/// Returns the page as HTML text, with the latency of a baseline, if any, beside the report's own. Equal
/// reports give equal bytes.
pub fn page(report: &Report, baseline: Option<&Report>) -> String {
    render_limited(report, baseline, None)
}

/// Renders the page with the first limits that make it short enough.
fn render_limited(report: &Report, baseline: Option<&Report>, live: Option<&LiveBar>) -> String {
    let mut page = String::new();
    for limits in PAGE_LIMITS {
        page = render_page(limits, report, baseline, live);
        if page.len() <= MAX_PAGE_BYTES {
            break;
        }
    }
    page
}

fn render_page(
    limits: PageLimits,
    report: &Report,
    baseline: Option<&Report>,
    live: Option<&LiveBar>,
) -> String {
    let name = &report.scenario.name;
    let word = if report.verdict.passed { "passed" } else { "failed" };
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            @match live {
                Some(_) => (live::head(name)),
                None => (head(&format!("{name} · {word}"), "", script_policy())),
            }
            body {
                @if let Some(bar) = live { (live::bar(bar)) }
                main {
                    (top(report))
                    @match live { Some(_) => (live::strip(report)), None => (verdict::strip(report)) }
                    (verdict::headline(report))
                    (failures::section(report))
                    (policy_table::table(report, limits.situations))
                    (workloads::section(report))
                    (decisions::rules_and_outcomes(report))
                    @if report.decisions.mismatched > 0 { (decisions::mismatches(report, limits.mismatches)) }
                    (devices::section(report))
                    (latency::curve(report, baseline))
                    (latency::steps(report))
                    (timeline::section(report))
                    div.grounds { (run_details::generator(report)) (run_details::environment(report)) }
                    (run_details::scenario(report))
                    footer { "Made by poolproof. The same data for programs is in " code { "report.json" } ", \
                        and most of it inside this page." }
                }
                @if live.is_none() { (embedded(report, limits.situations)) }
                (script())
                @if live.is_some() { (live::script()) }
            }
        }
    };
    unstyled::with_attributes(&markup.into_string())
}

/// Returns the report as embedded data. Its scenario and mismatches are limited to what the page shows; data
/// of the heat map and small plots is left out. The browser does not execute it.
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
    // In JSON `<` occurs only in strings and may be escaped, so no text can end the element. Serialization
    // cannot fail, because keys are strings.
    let json = serde_json::to_string(&report).unwrap_or_default().replace('<', "\\u003c");
    html! { script type="application/json" id="report" { (PreEscaped(json)) } }
}

/// Returns the description of the run.
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

/// Returns the contrast ratio of two colors `#rrggbb` (WCAG 2.2): 1 to 21.
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
    fn text_has_enough_contrast_in_both_themes() {
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
