//! The top of the page: the verdict and its headline figures.

use maud::{Markup, html};

use super::icons::{tick, verdict_icon};
use crate::report::format::{UNKNOWN, count, rate, share, tick as moment, time_or_unknown};
use crate::report::{Report, ThresholdResult};

/// Returns passed or failed, the exit code, the reasons, and the thresholds.
pub(super) fn strip(report: &Report) -> Markup {
    let verdict = &report.verdict;
    html! {
        section.verdict.passed[verdict.passed].failed[!verdict.passed] aria-label="Verdict" {
            div.call {
                (verdict_icon(verdict.passed))
                h2 {
                    @if verdict.passed { "Passed" } @else { "Failed" }
                    @if report.partial { ", partial run" }
                }
                div.code { "exit code " b.mono { (verdict.exit_code) } }
                div.why { @for sentence in &verdict.sentences { p { (sentence) } } }
            }
            (thresholds(report))
        }
    }
}

/// Returns the thresholds with their results, if there are any.
pub(super) fn thresholds(report: &Report) -> Markup {
    html! {
        @if !report.thresholds.is_empty() {
            ul.thresholds aria-label="Thresholds" { @for result in &report.thresholds { (threshold(result)) } }
        }
    }
}

fn threshold(result: &ThresholdResult) -> Markup {
    let value = result.value.map_or_else(|| UNKNOWN.to_owned(), |value| result.measured(value));
    html! {
        li {
            (tick(result.passed)) code { (result.text) } span.value.bad[!result.passed] { (value) }
            @if let Some(window) = &result.window {
                span.fine { " from " (moment(window.from_us)) " to " (moment(window.to_us)) }
            }
            @if let Some(cut) = result.cut() { span.fine { " " (cut) } }
        }
    }
}

/// Returns the headline figures: counts, correctness, throughput and latency.
pub(super) fn headline(report: &Report) -> Markup {
    let (sign_ins, decisions) = (&report.sign_ins, &report.decisions);
    let intended = &report.latency.sign_in.intended;
    html! {
        dl.headline aria-label="Headline numbers" {
            div {
                dt { "Sign-ins" }
                dd.big data-field="sign_ins.started" { (count(sign_ins.started)) }
                dd.fine { (count(sign_ins.completed)) " completed, " (count(sign_ins.refused)) " refused" }
                @if sign_ins.abandoned > 0 { dd.fine.plain { (count(sign_ins.abandoned)) " abandoned" } }
                @if sign_ins.unfinished > 0 {
                    dd.fine {
                        (count(sign_ins.unfinished))
                        @if report.partial { " more in flight when the run was canceled" }
                        @else { " more waited for a user at the end" }
                    }
                }
                @if sign_ins.transport_failed > 0 { dd.fine.plain { (count(sign_ins.transport_failed)) " \
                    got no response" } }
                @if sign_ins.warm_up > 0 { dd.fine { (count(sign_ins.warm_up)) " of them warm-up" } }
                @if sign_ins.cool_down > 0 { dd.fine { (count(sign_ins.cool_down)) " of them cool-down" } }
            }
            div {
                dt { "Decisions checked" }
                dd.big data-field="decisions.checked" { (count(decisions.checked)) }
                dd.fine.bad[decisions.mismatched > 0] {
                    span data-field="decisions.mismatched" { (count(decisions.mismatched)) } " mismatched"
                    @if decisions.mismatched > 0 { " (" (share(decisions.mismatched, decisions.checked)) ")" }
                }
            }
            div {
                dt { "Throughput" }
                dd.big data-field="throughput.achieved_per_s" { (big(&rate(report.throughput.achieved_per_s))) }
                dd.fine { "achieved, of " (rate(report.throughput.offered_per_s)) " offered" }
                @if report.throughput.throttled > 0 {
                    dd.fine { (count(report.throughput.throttled)) " answers throttled" }
                    @let most = report.throughput.throttled_steps.iter().max_by_key(|(_, n)| **n);
                    @if let Some((step, n)) = most { dd.fine { (count(*n)) " of them to " (step) } }
                }
            }
            div {
                dt { "Latency p50" }
                dd.big data-field="latency.p50" { (big(&time_or_unknown(intended.p50_us))) }
                dd.fine { "from the intended start" }
            }
            div {
                dt { "Latency p99" }
                dd.big data-field="latency.p99" { (big(&time_or_unknown(intended.p99_us))) }
                dd.fine { @if intended.p99_us.is_some() { "from the intended start" } @else { "needs 100 \
                    sign-ins" } }
            }
        }
    }
}

/// Returns a number with its unit in smaller type.
fn big(text: &str) -> Markup {
    let unit = text.find(['/', ' ']).unwrap_or(text.len());
    html! { (text[..unit]) small { (text[unit..]) } }
}
