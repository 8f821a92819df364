//! Renders the report as Markdown for a job summary or a pull request. The verdict is first; details are
//! folded.

use std::fmt::Write as _;

use super::format::{UNKNOWN, count, percent, rate, share, time_or_unknown};
use super::markup::{code_block, code_cell, cut, markdown};
use super::scenario_result::{RunStatus, ScenarioResult, overall_result};
use super::{Devices, Environment, Mismatch, Quantiles, Report, ThresholdResult};
use crate::clock::ClockKind;
use crate::scenario::Diagnostic;

/// GitHub refuses a comment that is longer than 65,536 characters.
const MAX_BYTES: usize = 65_536;
/// Space that is kept free for the line about omitted parts.
const RESERVED_BYTES: usize = 512;
/// Most space for the table of scenarios, so that failed ones can be shown in full.
const MAX_TABLE_BYTES: usize = 16 << 10;
/// A text at the end of every summary, by which the program recognizes its own files.
pub(super) const SUMMARY_SIGNATURE: &str = "<!-- Summary written by poolproof. -->";

/// Limits on the parts of a section that can be long. `report.json` has all of them.
#[derive(Clone, Copy)]
struct Limits {
    /// Most rows of a table.
    rows: usize,
    /// Most mismatches.
    mismatches: usize,
    /// Most characters of an untrusted text.
    chars: usize,
}

/// If a section does not fit with one of these, the next applies.
const LIMITS: [Limits; 4] = [
    Limits { rows: 100, mismatches: 25, chars: 400 },
    Limits { rows: 30, mismatches: 10, chars: 200 },
    Limits { rows: 10, mismatches: 3, chars: 100 },
    Limits { rows: 3, mismatches: 1, chars: 60 },
];

// Writing to a String cannot fail, so the results of `writeln!` are dropped below.

/// Renders all scenarios as one text of at most 65,536 bytes. Several scenarios start with a table, failed
/// ones first. The sections of those that passed are folded, and left out first.
pub fn summary(entries: &[ScenarioResult]) -> String {
    let mut out = String::new();
    let (passed, failed): (Vec<&ScenarioResult>, Vec<&ScenarioResult>) =
        entries.iter().partition(|entry| entry.passed());
    let ordered: Vec<&ScenarioResult> = failed.into_iter().chain(passed).collect();
    if entries.len() > 1 {
        let all = entries.iter().all(ScenarioResult::passed);
        let _ = writeln!(out, "## {} poolproof: {}\n", mark(all), overall_result(entries));
        table(&mut out, &ordered);
    }
    let mut left = 0;
    for entry in ordered {
        let room = MAX_BYTES.saturating_sub(out.len() + RESERVED_BYTES);
        let mut sections = LIMITS.into_iter().map(|limits| section(entry, entries.len() > 1, limits));
        match sections.find(|section| section.len() <= room) {
            Some(section) => out.push_str(&section),
            None => left += 1,
        }
    }
    if left > 0 {
        let _ = writeln!(
            out,
            "\n_Not shown, because a comment can have 65,536 characters: the details of {left} more. Their `report.json` has the results._"
        );
    }
    let _ = writeln!(out, "\n{SUMMARY_SIGNATURE}");
    out
}

const fn mark(good: bool) -> &'static str {
    if good { "✅" } else { "❌" }
}

impl Limits {
    /// Shortens and escapes an untrusted text.
    fn text(self, text: &str) -> String {
        markdown(&cut(text, self.chars))
    }
}

/// Writes a table with a row for each scenario, as many as fit.
fn table(out: &mut String, entries: &[&ScenarioResult]) {
    let limits = LIMITS[1];
    out.push_str("| | scenario | decisions | mismatched | sign-in p50 | p99 | exit code |\n|---|---|--:|--:|--:|--:|--:|\n");
    let from = out.len();
    let mut shown = 0;
    for entry in entries {
        let name = limits.text(&entry.name);
        let row = match &entry.status {
            RunStatus::Played(report) => {
                let (decisions, intended) = (&report.decisions, &report.latency.sign_in.intended);
                format!(
                    "| {} | {name} | {} | {} | {} | {} | {} |\n",
                    mark(report.verdict.passed),
                    count(decisions.checked),
                    count(decisions.mismatched),
                    time_or_unknown(intended.p50_us),
                    time_or_unknown(intended.p99_us),
                    report.verdict.exit_code,
                )
            }
            RunStatus::Failed(why) => format!("| ❌ | {name} | {} | | | | |\n", limits.text(why)),
            RunStatus::Invalid(mistakes) => {
                let why = mistakes.first().map_or("", Diagnostic::message);
                format!("| ❌ | {name} | invalid: {} | | | | |\n", limits.text(why))
            }
            RunStatus::NotStarted => format!("| ❌ | {name} | not run: another is invalid | | | | |\n"),
            RunStatus::NotRun => format!("| ❌ | {name} | not run: interrupted | | | | |\n"),
        };
        if out.len() - from + row.len() > MAX_TABLE_BYTES {
            break;
        }
        out.push_str(&row);
        shown += 1;
    }
    more(out, entries.len(), shown, "scenarios");
}

/// Writes how many of `all` rows were omitted if only `shown` are in the table.
fn more(out: &mut String, all: usize, shown: usize, things: &str) {
    if let Some(left) = all.checked_sub(shown).filter(|left| *left > 0) {
        let _ = writeln!(out, "\n… and {} more {things}.", count(left as u64));
    }
}

fn section(entry: &ScenarioResult, one_of_several: bool, limits: Limits) -> String {
    let RunStatus::Played(report) = &entry.status else {
        // The table already has this message.
        return if one_of_several { String::new() } else { not_run_section(entry) };
    };
    let mut out = String::new();
    let verdict = &report.verdict;
    let name = limits.text(&report.scenario.name);
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
    about(&mut out, report, limits);
    thresholds(&mut out, report, limits);
    headline(&mut out, report);
    failures(&mut out, report);
    rules(&mut out, report, limits);
    mismatch_details(&mut out, report, limits);
    latencies(&mut out, report, limits);
    let replay = cut(&report.replay(), LIMITS[0].chars);
    let _ = writeln!(out, "\nTo repeat it:\n\n{}", code_block("sh", &replay));
    if one_of_several {
        out.push_str("\n</details>\n");
    }
    out
}

fn not_run_section(entry: &ScenarioResult) -> String {
    let limits = LIMITS[0];
    let why = match &entry.status {
        RunStatus::Failed(why) => limits.text(why),
        RunStatus::Invalid(mistakes) => {
            let mistakes: Vec<String> =
                mistakes.iter().take(limits.rows).map(|one| mistake(one, limits)).collect();
            mistakes.join("\n")
        }
        _ => "It was not run.".to_owned(),
    };
    format!("## ❌ {}\n\n{why}\n", limits.text(&entry.name))
}

/// Returns a mistake of a scenario with its position, as an item of a list.
fn mistake(mistake: &Diagnostic, limits: Limits) -> String {
    let place =
        mistake.position().map_or_else(String::new, |(line, column)| format!("line {line}:{column}, "));
    let help = mistake.help().map_or_else(String::new, |help| format!("; {}", limits.text(help)));
    format!("- {place}{}{help}", limits.text(mistake.message()))
}

fn about(out: &mut String, report: &Report, limits: Limits) {
    for sentence in report.verdict.sentences.iter().take(limits.rows) {
        let _ = writeln!(out, "{}\n", limits.text(sentence));
    }
    let clock = match report.clock {
        ClockKind::Wall => "wall",
        ClockKind::Virtual => "virtual",
    };
    let (group, target) = (limits.text(&report.group), limits.text(&report.target));
    let _ = writeln!(out, "Seed {}, {clock} clock, {group} group, {target} pool.", report.seed);
    if let Some(environment) = &report.environment {
        origin(out, environment, limits);
    }
    if !report.scenario.about.is_empty() {
        // The comment can have several lines. The summary shows it as one paragraph.
        let words: Vec<&str> = report.scenario.about.split_whitespace().collect();
        let _ = writeln!(out, "\n> {}", limits.text(&words.join(" ")));
    }
}

/// Writes when the run started, the commit and the CI job.
fn origin(out: &mut String, environment: &Environment, limits: Limits) {
    let Environment { started_at, git_commit, ci_job, .. } = environment;
    let facts = [("started", started_at), ("commit", git_commit), ("job", ci_job)];
    let facts = facts.into_iter().filter_map(|(what, value)| Some((what, value.as_ref()?)));
    let facts: Vec<String> = facts.map(|(what, value)| format!("{what} {}", limits.text(value))).collect();
    if !facts.is_empty() {
        let _ = writeln!(out, "Origin: {}.", facts.join(", "));
    }
}

fn thresholds(out: &mut String, report: &Report, limits: Limits) {
    if report.thresholds.is_empty() {
        return;
    }
    let mut thresholds: Vec<&ThresholdResult> = report.thresholds.iter().collect();
    // Failed thresholds are first. The sort is stable and keeps the scenario's order.
    thresholds.sort_by_key(|threshold| threshold.passed);
    out.push_str("\n| | threshold | measured |\n|---|---|--:|\n");
    for threshold in thresholds.iter().take(limits.rows) {
        let value = threshold.value.map_or_else(|| UNKNOWN.to_owned(), |value| threshold.measured(value));
        let canceled = threshold.cut().map_or_else(String::new, |cut| format!(", {cut}"));
        let text = code_cell(&cut(&threshold.text, limits.chars));
        let _ = writeln!(out, "| {} | {text} | {value}{canceled} |", mark(threshold.passed));
    }
    more(out, thresholds.len(), limits.rows, "thresholds");
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
    if let Some((undecided, share)) = report.latency.undecided_share() {
        row("without a decision, in no latency", format!("{} ({})", count(undecided), percent(share)));
    }
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
        let (cause, first) = (failures.cause.describe(), code_cell(&failures.first()));
        let _ = writeln!(out, "| {cause} | {requests} | {sign_ins} | {first} |");
    }
}

fn rules(out: &mut String, report: &Report, limits: Limits) {
    let wrong: Vec<_> = report.decisions.rules.iter().filter(|rule| rule.mismatched > 0).collect();
    if wrong.is_empty() {
        return;
    }
    out.push_str(
        "\n| rule with mismatches | confidence | decisions | mismatched | |\n|---|---|--:|--:|--:|\n",
    );
    for rule in wrong.iter().take(limits.rows) {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            limits.text(&rule.id),
            limits.text(&rule.confidence),
            count(rule.seen),
            count(rule.mismatched),
            share(rule.mismatched, rule.seen),
        );
    }
    more(out, wrong.len(), limits.rows, "rules");
}

fn mismatch_details(out: &mut String, report: &Report, limits: Limits) {
    let mismatches = &report.decisions.mismatches;
    if mismatches.is_empty() {
        return;
    }
    let (all, shown) = (report.decisions.mismatched, mismatches.len().min(limits.mismatches));
    let _ = writeln!(out, "\n<details><summary>Mismatches: {} of {}</summary>\n", shown, count(all));
    for Mismatch { number, user, at_us, rule, situation, expected, seen, .. } in &mismatches[..shown] {
        let _ = writeln!(
            out,
            "- **Sign-in {number}** of user {user}, {} into the run, rule {}\n  - situation: {}\n  - \
                expected: {}\n  - actual: {}",
            time_or_unknown(Some(*at_us)),
            limits.text(rule),
            limits.text(situation),
            limits.text(expected),
            limits.text(seen),
        );
    }
    out.push_str("\n</details>\n");
}

fn latencies(out: &mut String, report: &Report, limits: Limits) {
    let sign_in = &report.latency.sign_in;
    let mut rows = vec![("sign-in, intended", &sign_in.intended), ("sign-in, service", &sign_in.service)];
    rows.extend(report.latency.undecided.iter().map(|undecided| ("undecided, to the end", undecided)));
    rows.extend(report.steps());
    out.push_str(
        "\n<details><summary>Latency by step</summary>\n\n| | count | p50 | p90 | p99 | max |\n|---|--:|--:|--:|--:|--:|\n",
    );
    for (name, Quantiles { count: samples, p50_us, p90_us, p99_us, max_us, .. }) in rows {
        let times = [p50_us, p90_us, p99_us, max_us].map(|us| time_or_unknown(*us));
        let _ = writeln!(out, "| {} | {} | {} |", limits.text(name), count(*samples), times.join(" | "));
    }
    out.push_str("\n</details>\n");
}
