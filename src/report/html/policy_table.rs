//! The policy truth table: each situation of the run with its expected and actual decisions.

use maud::{Markup, html};

use super::icons::tick;
use crate::report::format::count;
use crate::report::{PolicyCase, Report};

/// Mismatched situations are expanded, others collapsed. At most `most` of each kind are shown, with the
/// number of the rest.
pub(super) fn table(report: &Report, most: usize) -> Markup {
    let (differing, as_expected): (Vec<&PolicyCase>, Vec<&PolicyCase>) =
        report.decisions.cases.iter().partition(|case| case.mismatched > 0);
    html! {
        section {
            h2 { "Policy by situation" }
            p.lead { "What distinguishes sign-ins of this pool: the device that was named, the user's \
                factors, the risk level. " @if !differing.is_empty() { "Situations whose decisions differ are \
                expanded. " } "Refresh tokens are listed by rule, below." }
            @if report.decisions.cases.is_empty() {
                p.lead { "No sign-in was decided." }
            } @else {
                @if differing.is_empty() {
                    div.clean {
                        (tick(true))
                        p { (all_match(as_expected.len())) }
                    }
                } @else {
                    (rows(&differing, most, "Situations with mismatches"))
                }
                @if !as_expected.is_empty() {
                    details {
                        summary { (situations(as_expected.len())) " as expected" }
                        (rows(&as_expected, most, "Situations as expected"))
                    }
                }
            }
        }
    }
}

fn all_match(number: usize) -> String {
    match number {
        1 => "Every decision in the one situation matches the rules.".to_owned(),
        _ => format!("Every decision in all {} matches the rules.", situations(number)),
    }
}

fn situations(number: usize) -> String {
    if number == 1 { "1 situation".to_owned() } else { format!("{} situations", count(number as u64)) }
}

fn rows(cases: &[&PolicyCase], most: usize, label: &str) -> Markup {
    let left = cases.len().saturating_sub(most);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table.cases.sortable {
                thead {
                    tr {
                        th.left scope="col" { "Device" }
                        th.left scope="col" { "Factors" }
                        th.left scope="col" { "Risk" }
                        th.left scope="col" { "Expected decision, and what was observed instead" }
                        th scope="col" { "Seen" }
                        th scope="col" { "Differ" }
                    }
                }
                tbody { @for case in cases.iter().take(most) { (row(case)) } }
            }
        }
        @if left > 0 { p.lead { "And " (situations(left)) " more are in " code { "report.json" } "." } }
    }
}

fn row(case: &PolicyCase) -> Markup {
    html! {
        tr data-case=(case.rule) {
            th scope="row" { (words(&case.device)) @if !case.attempt.is_empty() { span.of { (case.attempt) } } }
            td.left { (words(&case.factors)) }
            td.left.wrap { @match &case.risk { Some(risk) => (words(risk)), None => span.soft { "none" } } }
            td.left.wrap {
                (decision(&case.expected))
                @for unexpected in &case.unexpected {
                    span.of.bad { "✗ " (count(unexpected.count)) " × " (decision(&unexpected.decision)) }
                }
                span.of.soft { "rule " code { (case.rule) } }
            }
            td { (count(case.count)) }
            td.bad[case.mismatched > 0].soft[case.mismatched == 0] { (count(case.mismatched)) }
        }
    }
}

/// Formats `not_remembered` for people.
fn words(text: &str) -> String {
    text.replace('_', " ")
}

/// Returns a decision that wraps between its steps.
fn decision(text: &str) -> Markup {
    html! { span.decision { @for (at, part) in text.split(" → ").enumerate() { @if at > 0 { " → " } code { (part) } } } }
}
