//! Renders the report for a terminal: the most important facts in some thirty lines.

use std::fmt::Write as _;

use super::format::{UNKNOWN, count, percent, rate, share, tick, time, time_or_unknown};
use super::markup::{cut, line, plain};
use super::scenario_result::{RunStatus, ScenarioResult, overall_result};
use super::{Devices, Quantiles, Report, WrittenFiles};
use crate::clock::ClockKind;
use crate::text::{columns, fit, width as text_width};

/// Maximum number of reasons. The page has all of them.
const MAX_SENTENCES: usize = 3;
/// Maximum number of thresholds, failed ones first. The page has all of them.
const MAX_THRESHOLDS: usize = 6;

/// Maximum length of a name in the list of several scenarios.
const MAX_NAME: usize = 64;

/// Columns of the widest table.
const TABLE_WIDTH: usize = 81;

/// Renders the report. `written` is the file that has the details; `colour` enables colors.
pub fn text(report: &Report, written: Option<&WrittenFiles>, colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    head(&mut out, report, &paint);
    numbers(&mut out, report, &paint);
    latencies(&mut out, report);
    workloads(&mut out, report);
    thresholds(&mut out, report, &paint);
    first_mismatch(&mut out, report);
    if let Some(written) = written {
        let path = written.html.as_ref().unwrap_or(&written.json);
        let gap = if report.decisions.mismatches.is_empty() { "\n" } else { "" };
        let _ = writeln!(out, "{gap}  report      {}", plain(&path.display().to_string()));
    }
    fit(&out, columns())
}

/// Renders the end of a command with several scenarios: a line for each, failed ones last, and the count.
pub fn closing(entries: &[ScenarioResult], colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::from("\n");
    let (passed, failed): (Vec<&ScenarioResult>, Vec<&ScenarioResult>) =
        entries.iter().partition(|entry| entry.passed());
    let names = entries.iter().map(|entry| entry.name.chars().count());
    let width = names.max().unwrap_or(0).min(MAX_NAME);
    for entry in passed.into_iter().chain(failed) {
        let result = match &entry.status {
            RunStatus::Played(report) if report.verdict.passed => "passed".to_owned(),
            RunStatus::Played(report) => {
                let why = report.verdict.sentences.first().map_or("", String::as_str);
                format!("failed (exit code {}): {why}", report.verdict.exit_code)
            }
            _ => format!("not run: {}", entry.not_run().unwrap_or_default()),
        };
        let name = cut(&entry.name, MAX_NAME);
        line(&mut out, &format!("  {} {name:width$}  ", paint.mark(entry.passed())), &plain(&result));
    }
    let _ = writeln!(out, "  {}", overall_result(entries));
    out
}

/// Writes colors as ANSI escape codes, or not at all.
struct Paint(bool);

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn mark(&self, good: bool) -> String {
        if good { self.with("32", "✓") } else { self.with("31", "✗") }
    }

    fn alarm(&self, alarming: bool, text: &str) -> String {
        if alarming { self.with("1;31", text) } else { text.to_owned() }
    }
}

// Writing to a String cannot fail, so the results of `writeln!` are dropped below.

fn head(out: &mut String, report: &Report, paint: &Paint) {
    let verdict = &report.verdict;
    let word = if verdict.passed {
        paint.with("1;32", "passed")
    } else {
        paint.with("1;31", &format!("failed (exit code {})", verdict.exit_code))
    };
    let clock = match report.clock {
        ClockKind::Wall => "wall clock",
        ClockKind::Virtual => "virtual clock",
    };
    let _ = writeln!(
        out,
        "{} {}  {word}  seed {}, {clock}, {} group, {} pool",
        paint.mark(verdict.passed),
        paint.with("1", &plain(&report.scenario.name)),
        report.seed,
        plain(&report.group),
        plain(&report.target),
    );
    for sentence in verdict.sentences.iter().take(MAX_SENTENCES) {
        let _ = writeln!(out, "  {}", plain(sentence));
    }
    if let Some(more) = verdict.sentences.len().checked_sub(MAX_SENTENCES + 1) {
        let _ = writeln!(out, "  … and {} more", count(more as u64 + 1));
    }
}

fn numbers(out: &mut String, report: &Report, paint: &Paint) {
    let (sign_ins, decisions) = (&report.sign_ins, &report.decisions);
    let _ = writeln!(
        out,
        "\n  sign-ins    {} started: {} completed, {} refused, {} abandoned, {}{}",
        count(sign_ins.started),
        count(sign_ins.completed),
        count(sign_ins.refused),
        count(sign_ins.abandoned),
        paint.alarm(
            sign_ins.transport_failed > 0,
            &format!("{} transport failures", count(sign_ins.transport_failed))
        ),
        match sign_ins.warm_up {
            0 => String::new(),
            n => format!("; {} of them in the warm-up", count(n)),
        } + &match sign_ins.cool_down {
            0 => String::new(),
            n => format!("; {} of them in the cool-down", count(n)),
        } + &match sign_ins.unfinished {
            0 => String::new(),
            n if report.partial => format!("; {} more in flight when the run was canceled", count(n)),
            n => format!("; {} more waited for a user at the end", count(n)),
        },
    );
    failures(out, report, paint);
    let mismatched = format!("{} mismatched", count(decisions.mismatched));
    // A sign-in that continues with a new device, and a refresh, are decisions of their own.
    let several = if decisions.checked > sign_ins.started { " (a sign-in can have several)" } else { "" };
    let _ = writeln!(
        out,
        "  decisions   {} checked{several}, {}",
        count(decisions.checked),
        paint.alarm(decisions.mismatched > 0, &mismatched)
    );
    devices(out, report);
    let throughput = &report.throughput;
    let _ = write!(
        out,
        "  throughput  {} offered, {} achieved",
        rate(throughput.offered_per_s),
        rate(throughput.achieved_per_s)
    );
    match throughput.throttled {
        0 => out.push('\n'),
        n => {
            let most = throughput.throttled_steps.iter().max_by_key(|(_, n)| **n);
            let at = most.map_or_else(String::new, |(step, n)| format!(", {} of them to {step}", count(*n)));
            let _ = writeln!(out, "\n  throttled   {} responses{at}", count(n));
        }
    }
    let cpu = &report.cpu;
    if let (Some(client), Some(server)) = (cpu.client_us_per_sign_in, cpu.server_us_per_sign_in) {
        let _ = writeln!(out, "  cpu         {} client, {} server, per sign-in", time(client), time(server));
    }
    generator(out, report);
}

/// Writes how the generator kept its schedule, and the load of the machine.
fn generator(out: &mut String, report: &Report) {
    let lag = time_or_unknown(report.generator.lag_p99_us.or(report.generator.lag_max_us));
    let which = if report.generator.lag_p99_us.is_some() { "p99" } else { "max" };
    let workers = report.generator.workers.as_ref().map_or_else(String::new, |workers| {
        let (client, server) = (&workers.client, &workers.server);
        let (jobs, prepared) = (client.jobs + server.jobs, client.prepared + server.prepared);
        let share = 100.0 * prepared as f64 / jobs.max(1) as f64;
        format!(
            ", {:.1} (clients) and {:.1} (pool) jobs a batch, {share:.0} % precomputed",
            client.mean_batch_size(),
            server.mean_batch_size()
        )
    });
    // Under the virtual clock the generator is never late by itself.
    if report.clock == ClockKind::Wall {
        let _ = writeln!(out, "  generator   lag {which} {lag}{workers}");
    }
    if let Some(machine) = &report.generator.machine {
        let load = format!("{} before and {} at the end", machine.load_before, machine.load_after);
        let steal = machine.steal_share.map_or_else(|| UNKNOWN.to_owned(), percent);
        let throttled = machine.throttled_share.map_or_else(String::new, |share| {
            format!(", CPU quota used up in {} of periods", percent(share))
        });
        let _ = writeln!(out, "  machine     load {load}, {steal} steal{throttled}");
    }
}

fn failures(out: &mut String, report: &Report, paint: &Paint) {
    for (number, failures) in report.failures.iter().enumerate() {
        let label = if number == 0 { "failures" } else { "" };
        let cause = paint.alarm(true, failures.cause.describe());
        let first = plain(&failures.first());
        let _ = writeln!(out, "  {label:<10}  {} {cause}, {first}", count(failures.requests));
    }
}

fn devices(out: &mut String, report: &Report) {
    if let Some(Devices { issued, per_user_p50, per_user_p99, per_user_max }) = report.devices {
        let _ = writeln!(
            out,
            "  devices     median {}, p99 {}, max {} per user; {} new",
            count(per_user_p50.into()),
            count(per_user_p99.into()),
            count(per_user_max.into()),
            count(issued)
        );
    }
}

fn latencies(out: &mut String, report: &Report) {
    let sign_in = &report.latency.sign_in;
    let mut rows = vec![("sign-in, intended", &sign_in.intended), ("sign-in, service", &sign_in.service)];
    rows.extend(report.latency.undecided.iter().map(|undecided| ("undecided, to the end", undecided)));
    rows.extend(report.steps());
    let has_few = rows.iter().any(|(_, quantiles)| quantiles.count > 0 && quantiles.p99_us.is_none());
    let title = if has_few { "latency (– under 100)" } else { "latency" };
    let names = rows.iter().map(|(name, _)| *name).chain([title]);
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
    // Narrow terminals have no columns for the count and p90.
    let is_wide = text_width() >= TABLE_WIDTH;
    let cells = |all: [String; 5]| -> String {
        let kept = all.into_iter().enumerate().filter(|(index, _)| is_wide || ![0, 2].contains(index));
        kept.map(|(_, cell)| format!("  {cell:>9}")).collect()
    };
    let titles = ["count", "p50", "p90", "p99", "max"].map(str::to_owned);
    let _ = writeln!(out, "\n  {title:width$}{}", cells(titles));
    for (name, quantiles) in &rows {
        let Quantiles { p50_us, p90_us, p99_us, max_us, .. } = **quantiles;
        let [p50, p90, p99, max] = [p50_us, p90_us, p99_us, max_us].map(time_or_unknown);
        let _ =
            writeln!(out, "  {:width$}{}", plain(name), cells([count(quantiles.count), p50, p90, p99, max]));
    }
}

/// Writes a row for each workload if there are several. Latencies count from the scheduled start.
fn workloads(out: &mut String, report: &Report) {
    if report.workloads.is_empty() {
        return;
    }
    let names: Vec<String> = report.workloads.iter().map(|workload| plain(&workload.name)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max("workload".len());
    let _ = writeln!(
        out,
        "\n  {:width$}  {:>9}  {:>9}  {:>9}  {:>9}  {:>9}",
        "workload", "sign-ins", "offered", "achieved", "p50", "p99"
    );
    for (name, workload) in names.iter().zip(&report.workloads) {
        let _ = writeln!(
            out,
            "  {name:width$}  {:>9}  {:>9}  {:>9}  {:>9}  {:>9}",
            count(workload.sign_ins.started),
            rate(workload.offered_per_s),
            rate(workload.achieved_per_s),
            time_or_unknown(workload.intended.p50_us),
            time_or_unknown(workload.intended.p99_us),
        );
    }
}

fn thresholds(out: &mut String, report: &Report, paint: &Paint) {
    if report.thresholds.is_empty() {
        return;
    }
    let mut thresholds: Vec<_> = report.thresholds.iter().collect();
    // Failed thresholds are first. The sort is stable and keeps the scenario's order.
    thresholds.sort_by_key(|threshold| threshold.passed);
    let shown = &thresholds[..thresholds.len().min(MAX_THRESHOLDS)];
    let texts: Vec<String> = shown.iter().map(|threshold| plain(&threshold.text)).collect();
    let width = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
    out.push('\n');
    for (threshold, text) in shown.iter().zip(&texts) {
        let value = threshold.value.map_or_else(|| UNKNOWN.to_owned(), |value| threshold.measured(value));
        let mut when = threshold.window.map_or_else(String::new, |window| {
            format!("  from {} to {}", tick(window.from_us), tick(window.to_us))
        });
        when.extend(threshold.cut().map(|cut| format!("  {cut}")));
        let _ = writeln!(out, "  {} {text:width$}  {value:>9}{when}", paint.mark(threshold.passed));
    }
    if thresholds.len() > shown.len() {
        let _ = writeln!(out, "  … and {} more", count((thresholds.len() - shown.len()) as u64));
    }
}

fn first_mismatch(out: &mut String, report: &Report) {
    let decisions = &report.decisions;
    if let Some(mismatch) = decisions.mismatches.first() {
        let _ = writeln!(
            out,
            "\n  first mismatch: sign-in {}, rule {} ({} of all decisions do not match)",
            mismatch.number,
            plain(&mismatch.rule),
            share(decisions.mismatched, decisions.checked),
        );
        let _ = writeln!(out, "    situation  {}", plain(&mismatch.situation));
        let _ = writeln!(out, "    expected   {}", plain(&mismatch.expected));
        let _ = writeln!(out, "    seen       {}", plain(&mismatch.seen));
        let _ = writeln!(out, "    replay     {}", plain(&report.replay()));
    }
}
