//! The index page for the reports of a command with several scenarios.

use maud::{DOCTYPE, Markup, html};

use super::format::{count, rate, time_or_unknown};
use super::scenario_result::{RunStatus, ScenarioResult, overall_result};
use super::{Report, page};

/// A text on every index page, by which the program recognizes its own pages.
pub(super) const INDEX_SIGNATURE: &str = "Index of reports made by poolproof.";

const STYLE: &str = "
.index { margin-top: 32px; } .index td.outcome { white-space: nowrap; } .index a { color: var(--one); }
.index td.why { white-space: normal; min-width: 16em; text-align: left; overflow-wrap: anywhere; }
";

/// Returns the index as HTML text with links to `NAME/report.html` beside it. Equal reports give equal bytes.
pub fn index(entries: &[ScenarioResult]) -> String {
    let title = overall_result(entries);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            (page::head(&title, STYLE, page::script_policy()))
            body {
                main {
                    header.top {
                        p.mark { b { "poolproof" } " · sign-in reports" }
                        h1 { (title) }
                    }
                    div.scroll tabindex="0" role="region" aria-label="Scenarios" {
                        table.index.sortable {
                            thead { tr {
                                th scope="col" { "Scenario" }
                                th.left scope="col" { "Outcome" }
                                @for head in ["Sign-ins", "Decisions", "Mismatched", "p50", "p99", "Achieved", "Exit code"] {
                                    th scope="col" { (head) }
                                }
                            } }
                            tbody { @for entry in entries { (row(entry)) } }
                        }
                    }
                    footer { (INDEX_SIGNATURE) " Latency is of whole sign-ins from their intended start." }
                }
                (page::script())
            }
        }
    };
    markup.into_string()
}

fn row(entry: &ScenarioResult) -> Markup {
    html! {
        tr data-scenario=(entry.name) {
            @match &entry.status {
                RunStatus::Played(report) => { (played(report)) }
                _ => {
                    th scope="row" { (entry.name) }
                    td.outcome.left.bad { "✗ not played" }
                    td.why colspan="7" { (entry.not_run().unwrap_or_default()) }
                }
            }
        }
    }
}

fn played(report: &Report) -> Markup {
    let (decisions, intended) = (&report.decisions, &report.latency.sign_in.intended);
    html! {
        th scope="row" { a href={ (link(&report.scenario.name)) "/report.html" } { (report.scenario.name) } }
        @if report.verdict.passed {
            td.outcome.left.good { "✓ passed" }
        } @else if report.canceled_by().is_some() {
            td.outcome.left.bad { "✗ canceled" }
        } @else if report.partial {
            td.outcome.left.bad { "✗ interrupted" }
        } @else {
            td.outcome.left.bad { "✗ failed" }
        }
        td { (count(report.sign_ins.started)) }
        td { (count(decisions.checked)) }
        td.bad[decisions.mismatched > 0] { (count(decisions.mismatched)) }
        td { (time_or_unknown(intended.p50_us)) }
        td { (time_or_unknown(intended.p99_us)) }
        td { (rate(report.throughput.achieved_per_s)) }
        td { (report.verdict.exit_code) }
    }
}

/// Encodes a name as part of a relative URL.
fn link(name: &str) -> String {
    let mut out = "./".to_owned();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
