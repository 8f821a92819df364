//! Renders the report as Markdown for a job summary or a pull request. The verdict is first; details are
//! folded.

use std::fmt::Write as _;

use super::format::{UNKNOWN, count, rate, share, time_or_unknown};
use super::markup::{code_block, cut, markdown};
use super::scenario_result::{RunStatus, ScenarioResult, overall_result};
use super::{Devices, Mismatch, Quantiles, Report, ThresholdResult};
use crate::clock::ClockKind;

/// GitHub refuses a step summary that is longer than 1 MiB.
const MAX_BYTES: usize = 1 << 20;
/// Space that is kept free for the line about omitted parts.
const RESERVED_BYTES: usize = 512;
/// Maximum number of rows in a table. `report.json` has all rows.
const MAX_ROWS: usize = 100;
/// Maximum number of mismatches. `report.json` has more.
const MAX_MISMATCHES: usize = 25;
/// Maximum length of an untrusted text, in characters.
const MAX_CHARS: usize = 400;

// Writing to a String cannot fail, so the results of `writeln!` are dropped below.

/// Renders all scenarios as one text of at most 1 MiB. Several scenarios start with a table, and those that
/// passed are folded.
pub fn summary(entries: &[ScenarioResult]) -> String {
    let mut out = String::new();
    if entries.len() > 1 {
        let all = entries.iter().all(ScenarioResult::passed);
        let _ = writeln!(out, "## {} poolproof: {}\n", mark(all), overall_result(entries));
        table(&mut out, entries);
    }
    let mut left = 0;
    for entry in entries {
        let section = section(entry, entries.len() > 1);
        if out.len() + section.len() + RESERVED_BYTES > MAX_BYTES {
            left += 1;
        } else {
            out.push_str(&section);
        }
    }
    if left > 0 {
        let _ = writeln!(
            out,
            "\n_Not shown, because this file is full: {left} more. Their `report.json` has the results._"
        );
    }
    out
}

const fn mark(good: bool) -> &'static str {
    if good { "✅" } else { "❌" }
}

/// Shortens and escapes an untrusted text.
fn text(text: &str) -> String {
    markdown(&cut(text, MAX_CHARS))
}

/// Writes a table with a row for each scenario.
fn table(out: &mut String, entries: &[ScenarioResult]) {
    out.push_str("| | scenario | decisions | mismatched | sign-in p50 | p99 | exit code |\n|---|---|--:|--:|--:|--:|--:|\n");
    // Failed scenarios are first. Within each group the order of the command line is kept.
    let (passed, failed): (Vec<&ScenarioResult>, Vec<&ScenarioResult>) =
        entries.iter().partition(|entry| entry.passed());
    for entry in failed.iter().chain(&passed).take(MAX_ROWS) {
        let name = text(&entry.name);
        let _ = match &entry.status {
            RunStatus::Played(report) => {
                let (decisions, intended) = (&report.decisions, &report.latency.sign_in.intended);
                writeln!(
                    out,
                    "| {} | {name} | {} | {} | {} | {} | {} |",
                    mark(report.verdict.passed),
                    count(decisions.checked),
                    count(decisions.mismatched),
                    time_or_unknown(intended.p50_us),
                    time_or_unknown(intended.p99_us),
                    report.verdict.exit_code,
                )
            }
            RunStatus::Failed(why) => writeln!(out, "| ❌ | {name} | {} | | | | |", text(why)),
            RunStatus::NotRun => writeln!(out, "| ❌ | {name} | not run: interrupted | | | | |"),
        };
    }
    more(out, entries.len(), MAX_ROWS, "scenarios");
}

/// Writes how many of `all` rows were omitted if only `shown` are in the table.
fn more(out: &mut String, all: usize, shown: usize, things: &str) {
    if let Some(left) = all.checked_sub(shown).filter(|left| *left > 0) {
        let _ = writeln!(out, "\n… and {} more {things}.", count(left as u64));
    }
}

fn section(entry: &ScenarioResult, one_of_several: bool) -> String {
    let RunStatus::Played(report) = &entry.status else {
        // The table already has this message.
        return if one_of_several { String::new() } else { not_run_section(entry) };
    };
    let mut out = String::new();
    let verdict = &report.verdict;
    let name = text(&report.scenario.name);
    let word = if verdict.passed {
        "passed".to_owned()
    } else {
        format!("failed (exit code {})", verdict.exit_code)
    };
    if one_of_several {
        let open = if verdict.passed { "" } else { " open" };
        let _ = writeln!(
            out,
            "\n<details{open}><summary>{} <b>{name}</b>: {word}</summary>\n",
            mark(verdict.passed)
        );
    } else {
        let _ = writeln!(out, "## {} {name}: {word}\n", mark(verdict.passed));
    }
    about(&mut out, report);
    thresholds(&mut out, report);
    headline(&mut out, report);
    failures(&mut out, report);
    rules(&mut out, report);
    mismatch_details(&mut out, report);
    latencies(&mut out, report);
    let _ = writeln!(out, "\nTo repeat it:\n\n{}", code_block("sh", &cut(&report.replay(), MAX_CHARS)));
    if one_of_several {
        out.push_str("\n</details>\n");
    }
    out
}

fn not_run_section(entry: &ScenarioResult) -> String {
    let why = match &entry.status {
        RunStatus::Failed(why) => text(why),
        RunStatus::Played(_) | RunStatus::NotRun => "It was not run.".to_owned(),
    };
    format!("## ❌ {}\n\n{why}\n", text(&entry.name))
}

fn about(out: &mut String, report: &Report) {
    for sentence in report.verdict.sentences.iter().take(MAX_ROWS) {
        let _ = writeln!(out, "{}\n", text(sentence));
    }
    let clock = match report.clock {
        ClockKind::Wall => "wall",
        ClockKind::Virtual => "virtual",
    };
    let (group, target) = (text(&report.group), text(&report.target));
    let _ = writeln!(out, "Seed {}, {clock} clock, {group} group, {target} pool.", report.seed);
    if !report.scenario.about.is_empty() {
        // The comment can have several lines. The summary shows it as one paragraph.
        let words: Vec<&str> = report.scenario.about.split_whitespace().collect();
        let _ = writeln!(out, "\n> {}", text(&words.join(" ")));
    }
}

fn thresholds(out: &mut String, report: &Report) {
    if report.thresholds.is_empty() {
        return;
    }
    let mut thresholds: Vec<&ThresholdResult> = report.thresholds.iter().collect();
    // Failed thresholds are first. The sort is stable and keeps the scenario's order.
    thresholds.sort_by_key(|threshold| threshold.passed);
    out.push_str("\n| | threshold | measured |\n|---|---|--:|\n");
    for threshold in thresholds.iter().take(MAX_ROWS) {
        let value = threshold.value.map_or_else(|| UNKNOWN.to_owned(), |value| threshold.measured(value));
        let cut = threshold.cut().map_or_else(String::new, |cut| format!(", {cut}"));
        let _ = writeln!(out, "| {} | {} | {value}{cut} |", mark(threshold.passed), text(&threshold.text));
    }
    more(out, thresholds.len(), MAX_ROWS, "thresholds");
}

fn headline(out: &mut String, report: &Report) {
    let (sign_ins, decisions, throughput) = (&report.sign_ins, &report.decisions, &report.throughput);
    let intended = &report.latency.sign_in.intended;
    out.push_str("\n| | |\n|---|--:|\n");
    let mut row = |what: &str, value: String| {
        let _ = writeln!(out, "| {what} | {value} |");
    };
    row("sign-ins", count(sign_ins.started));
    row("completed", count(sign_ins.completed));
    row("refused", count(sign_ins.refused));
    row("abandoned", count(sign_ins.abandoned));
    row("without a response", count(sign_ins.transport_failed));
    if sign_ins.unfinished > 0 {
        let when = if report.partial {
            "in flight when the run was canceled"
        } else {
            "waiting for a user at the end"
        };
        row(when, count(sign_ins.unfinished));
    }
    row("decisions checked", count(decisions.checked));
    row("decisions mismatched", count(decisions.mismatched));
    if let Some(Devices { issued, per_user_p50, per_user_p99, per_user_max }) = report.devices {
        let numbers = [per_user_p50, per_user_p99, per_user_max].map(|number| count(number.into()));
        row("devices per user: median, p99, max", numbers.join(", "));
        row("new devices", count(issued));
    }
    row("sign-in p50, from the intended start", time_or_unknown(intended.p50_us));
    row("sign-in p99, from the intended start", time_or_unknown(intended.p99_us));
    row("offered", rate(throughput.offered_per_s));
    row("achieved", rate(throughput.achieved_per_s));
    row("throttled answers", count(throughput.throttled));
}

fn failures(out: &mut String, report: &Report) {
    if report.failures.is_empty() {
        return;
    }
    out.push_str("\n| failed requests | requests | sign-ins | first |\n|---|--:|--:|---|\n");
    for failures in &report.failures {
        let (requests, sign_ins) = (count(failures.requests), count(failures.sign_ins));
        let (cause, first) = (failures.cause.describe(), text(&failures.first()));
        let _ = writeln!(out, "| {cause} | {requests} | {sign_ins} | {first} |");
    }
}

fn rules(out: &mut String, report: &Report) {
    let wrong: Vec<_> = report.decisions.rules.iter().filter(|rule| rule.mismatched > 0).collect();
    if wrong.is_empty() {
        return;
    }
    out.push_str(
        "\n| rule with mismatches | confidence | decisions | mismatched | |\n|---|---|--:|--:|--:|\n",
    );
    for rule in wrong.iter().take(MAX_ROWS) {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            text(&rule.id),
            text(&rule.confidence),
            count(rule.seen),
            count(rule.mismatched),
            share(rule.mismatched, rule.seen),
        );
    }
    more(out, wrong.len(), MAX_ROWS, "rules");
}

fn mismatch_details(out: &mut String, report: &Report) {
    let mismatches = &report.decisions.mismatches;
    if mismatches.is_empty() {
        return;
    }
    let (all, shown) = (report.decisions.mismatched, mismatches.len().min(MAX_MISMATCHES));
    let _ = writeln!(out, "\n<details><summary>Mismatches: {} of {}</summary>\n", shown, count(all));
    for Mismatch { number, user, at_us, rule, situation, expected, seen } in &mismatches[..shown] {
        let _ = writeln!(
            out,
            "- **Sign-in {number}** of user {user}, {} into the run, rule {}\n  - situation: {}\n  - \
                expected: {}\n  - actual: {}",
            time_or_unknown(Some(*at_us)),
            text(rule),
            text(situation),
            text(expected),
            text(seen),
        );
    }
    out.push_str("\n</details>\n");
}

fn latencies(out: &mut String, report: &Report) {
    let sign_in = &report.latency.sign_in;
    let mut rows = vec![("sign-in, intended", &sign_in.intended), ("sign-in, service", &sign_in.service)];
    rows.extend(report.steps());
    out.push_str(
        "\n<details><summary>Latency by step</summary>\n\n| | count | p50 | p90 | p99 | max |\n|---|--:|--:|--:|--:|--:|\n",
    );
    for (name, Quantiles { count: samples, p50_us, p90_us, p99_us, max_us, .. }) in rows {
        let times = [p50_us, p90_us, p99_us, max_us].map(|us| time_or_unknown(*us));
        let _ = writeln!(out, "| {} | {} | {} |", text(name), count(*samples), times.join(" | "));
    }
    out.push_str("\n</details>\n");
}
