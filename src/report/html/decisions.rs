//! Shows the pool's decisions: by rule, by outcome, and every mismatch.

use maud::{Markup, html};

use super::icons::{command, confidence};
use crate::report::format::{count, time};
use crate::report::{ConfusionCell, Decisions, Mismatch, Report, Rule};
use poolproof_oracle;

/// Most mismatches shown in full; the rest is a collapsed table.
pub(super) const MAX_EXPANDED: usize = 6;

/// Returns the rules that applied, and the outcomes.
pub(super) fn rules_and_outcomes(report: &Report) -> Markup {
    let decisions = &report.decisions;
    html! {
        section {
            h2 { "Decisions" }
            p.lead { "Each decision of the pool is compared with a table of rules that shares no code with \
                it. Confidence says how well a rule is known: documented by AWS, documented by an older page of \
                AWS only, observed on AWS, or inferred by us." }
            @if decisions.rules.is_empty() {
                p.lead { "No decision was checked." }
            } @else {
                (rules(&decisions.rules))
                (matrix(decisions))
            }
        }
    }
}

fn rules(rules: &[Rule]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Decisions by rule" {
            table.rules.sortable {
                thead {
                    tr {
                        th scope="col" { "Rule" }
                        th.left.wide scope="col" { "Source" }
                        th.left scope="col" { "Confidence" }
                        th scope="col" { "Seen" }
                        th scope="col" { "Mismatched" }
                    }
                }
                tbody {
                    @for rule in rules {
                        tr data-rule=(rule.id) {
                            th scope="row" { code { (rule.id) } }
                            td.left.wrap.wide.soft { (rule.source) }
                            td.left { (confidence(&rule.confidence)) }
                            td { (count(rule.seen)) }
                            td.bad[rule.mismatched > 0].soft[rule.mismatched == 0] {
                                @if rule.mismatched > 0 { (tick_before(&count(rule.mismatched))) } @else { "0" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn tick_before(text: &str) -> Markup {
    html! { b { "✗ " (text) } }
}

/// Returns the matrix of expected (rows) and actual outcomes (columns).
fn matrix(decisions: &Decisions) -> Markup {
    // The report has them in the order of the outcomes.
    let mut expected: Vec<&str> = decisions.confusion.iter().map(|cell| cell.expected.as_str()).collect();
    expected.dedup();
    let otherwise = decisions.confusion.iter().any(|cell| cell.expected == cell.seen && cell.mismatched > 0);
    let mut seen: Vec<&str> = expected.clone();
    for cell in &decisions.confusion {
        if !seen.contains(&cell.seen.as_str()) {
            seen.push(&cell.seen);
        }
    }
    html! {
        div.scroll tabindex="0" role="region" aria-label="Expected and actual outcomes" {
            table.matrix {
                caption {
                    b { "Outcomes" } " expected and actual"
                    @if otherwise { "; “otherwise”: the outcome is right, but the challenges or the new device key differ" }
                }
                thead {
                    tr { th scope="col" { "Expected ↓ · seen →" } @for outcome in &seen { th scope="col" { code { (outcome) } } } }
                }
                tbody {
                    @for row in &expected {
                        tr {
                            th scope="row" { code { (row) } }
                            @for column in &seen {
                                (outcome(decisions.confusion.iter().find(|cell| cell.expected == *row && cell.seen == *column)))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn outcome(cell: Option<&ConfusionCell>) -> Markup {
    let Some(cell) = cell else { return html! { td.soft { "·" } } };
    let same = cell.expected == cell.seen;
    html! {
        td.hit[same].miss[!same] {
            (count(cell.count))
            @if same && cell.mismatched > 0 { span.of.bad { "✗ " (count(cell.mismatched)) " otherwise" } }
            @if !same { span.of { "✗ wrong" } }
        }
    }
}

/// Returns at most `most` mismatches with their replay command.
pub(super) fn mismatches(report: &Report, most: usize) -> Markup {
    let decisions = &report.decisions;
    let replay = report.replay();
    let shown = &decisions.mismatches[..decisions.mismatches.len().min(most)];
    let (open, folded) = shown.split_at(shown.len().min(MAX_EXPANDED));
    html! {
        section {
            h2 { "Mismatches" }
            p.lead {
                (count(decisions.mismatched)) " of " (count(decisions.checked)) " decisions do not \
                    match the rules"
                @if decisions.mismatched > shown.len() as u64 { "; the first " (count(shown.len() as u64)) " \
                    are listed here" }
                "."
            }
            @for mismatch in open { (card(mismatch, &replay)) }
            @if !folded.is_empty() { (others(folded)) }
        }
    }
}

/// Returns further mismatches, one line each.
fn others(mismatches: &[Mismatch]) -> Markup {
    html! {
        details {
            summary { (count(mismatches.len() as u64)) " more, repeated by the same command" }
            div.scroll tabindex="0" role="region" aria-label="More mismatches" {
                table.others.sortable {
                    thead { tr {
                        @for head in ["Sign-in", "User", "Ended at"] { th scope="col" { (head) } }
                        @for head in ["Rule", "Situation", "Expected", "Seen"] { th.left scope="col" { (head) } }
                    } }
                    tbody {
                        @for mismatch in mismatches {
                            tr {
                                th scope="row" { (count(mismatch.number)) }
                                td { (count(u64::from(mismatch.user))) } td { (time(mismatch.at_us)) }
                                @for text in [&mismatch.rule, &mismatch.situation, &mismatch.expected, &mismatch.seen] { td { (text) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Returns a mismatch with its user, expected and actual decision, reason and replay command.
fn card(mismatch: &Mismatch, replay: &str) -> Markup {
    let rule = poolproof_oracle::rules().find(|rule| rule.id == mismatch.rule);
    html! {
        article.card {
            header {
                h3 { "Sign-in " (count(mismatch.number)) }
                span { "rule " code { (mismatch.rule) } }
                span { "user " (count(u64::from(mismatch.user))) }
                span { "ended at " (time(mismatch.at_us)) }
            }
            dl {
                dt { "Situation" } dd { (mismatch.situation) }
                dt { "Expected" } dd { code { (mismatch.expected) } }
                dt { "Seen" } dd { code.bad { (mismatch.seen) } }
                @if let Some(rule) = rule { dt { "The rule" } dd { (poolproof_oracle::description(rule)) span.soft { " " (rule.source) } } }
                dt { "Replay" } dd { (command(replay)) }
            }
        }
    }
}
