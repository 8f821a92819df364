//! Renders a capacity search for a terminal.

use std::fmt::Write as _;

use super::model::{Capacity, CapacityEstimate, CoreEstimate, Cores, Level, Range, Reason};
use super::usl::{Interval, Usl};
use crate::report::figures::{UNKNOWN, count, exact_number, measured, number, percent, time};
use crate::report::markup::{line, plain};
use crate::rounding::significant;

/// The longest bar of the curve, in columns.
const CURVE: usize = 24;

/// Renders the result in lines of at most 100 columns.
pub fn text(found: &Capacity) -> String {
    let mut out = String::new();
    let mark = if found.verdict.exit_code == 0 { "✓" } else { "✗" };
    let answer = found
        .answer
        .as_ref()
        .map_or_else(|| "no rate passed".to_owned(), |answer| sentence(answer, &found.objectives));
    line(&mut out, "", &format!("{mark} {}  {answer}", found.scenario));
    for sentence in &found.verdict.sentences {
        line(&mut out, "  ", &plain(sentence));
    }
    let _ = writeln!(out, "  {} pool, {} group, seed {}", found.target, found.group, found.seed);
    out.push('\n');
    levels(&mut out, &found.levels);
    if let Some(answer) = &found.answer {
        cpu(&mut out, answer);
    }
    if let Some(usl) = &found.usl {
        write_usl(&mut out, usl);
    }
    if let Some(wanted) = &found.wanted {
        needed(&mut out, wanted);
    }
    out
}

/// `412 sign-ins/s [412, 430) at sign_in.p99 < 250ms on 1 core`.
fn sentence(answer: &CapacityEstimate, objectives: &[String]) -> String {
    let upper = answer.below_per_s.map_or_else(|| "…".to_owned(), exact_number);
    let on = answer.cores.map_or_else(String::new, |cores| format!(" on {}", cores_text(cores)));
    let rate = exact_number(answer.per_s);
    format!("{rate} sign-ins/s [{rate}, {upper}) at {}{on}", objectives.join(", "))
}

/// `1 core of the pool, 1 of the clients`.
pub fn cores_text(cores: Cores) -> String {
    let noun = if cores.server == 1 { "core" } else { "cores" };
    let clients = cores.client.map_or_else(String::new, |client| format!(", {client} of the clients"));
    format!("{} {noun} of the pool{clients}", cores.server)
}

fn levels(out: &mut String, levels: &[Level]) {
    let unknown_or = |us: Option<u64>| us.map_or_else(|| UNKNOWN.to_owned(), time);
    let rate = |rate: Option<f64>| rate.map_or_else(|| UNKNOWN.to_owned(), three_digits);
    let longest = levels.iter().filter_map(|level| level.figures.p99_us).max().unwrap_or(1);
    let mut sorted: Vec<&Level> = levels.iter().collect();
    sorted.sort_by(|one, other| one.per_s.total_cmp(&other.per_s));
    let _ = writeln!(
        out,
        "  {:>8} {:>10} {:>9} {:>9} {:>9}  {:<7} {:>5}  p99",
        "asked/s", "achieved/s", "p50", "p90", "p99", "", "runs"
    );
    for level in sorted {
        let Level { figures, .. } = level;
        let _ = writeln!(
            out,
            "  {:>8} {:>10} {:>9} {:>9} {:>9}  {:<7} {:>5}  {}",
            exact_number(level.per_s),
            rate(figures.achieved_per_s),
            unknown_or(figures.p50_us),
            unknown_or(figures.p90_us),
            unknown_or(figures.p99_us),
            level.phase.as_str(),
            format!("{}/{}", level.runs_passed, level.runs),
            bar(figures.p99_us, longest, level.passed)
        );
        for reason in &level.reasons {
            let mark = if *reason == Reason::Interrupted { "–" } else { "✗" };
            let _ = writeln!(out, "           {mark} {}", reason_text(reason));
        }
    }
}

/// Formats a measured rate with three significant figures.
fn three_digits(rate: f64) -> String {
    if rate < 1.0 { exact_number(significant(rate, 3)) } else { number(rate) }
}

/// Returns a bar for the 99th percentile on a logarithmic scale.
fn bar(p99: Option<u64>, longest: u64, passed: bool) -> String {
    let Some(us) = p99.filter(|us| *us > 0) else { return String::new() };
    let share = 1.0 - ((longest as f64 / us as f64).log10() / 4.0).min(1.0);
    let columns = ((share * CURVE as f64).round() as usize).max(1);
    (if passed { "█" } else { "░" }).repeat(columns)
}

fn reason_text(reason: &Reason) -> String {
    match reason {
        Reason::Objective { text, value, unit } => {
            let seen = value.map_or_else(
                || "too few sign-ins to say".to_owned(),
                |value| format!("is {}", measured(value, *unit)),
            );
            format!("{text}: {seen}")
        }
        Reason::Unanswered { share } => format!("{} of the sign-ins got no decision", percent(*share)),
        Reason::NoAnswer { share } => format!("{} of the sign-ins got no answer", percent(*share)),
        Reason::AllWait { users } => format!("all {} users wait for the pool", count(*users)),
        Reason::TooFew { sign_ins, needed } => {
            format!("too few sign-ins: {} of the {} needed", count(*sign_ins), count(*needed))
        }
        Reason::FallsBehind { us_per_s } => {
            format!("falls behind: the median latency grows by {} each second", time(*us_per_s))
        }
        // The rest of the text gives advice about a run, which does not apply to a search.
        Reason::Generator { why, .. } => why.split([':', '.']).next().unwrap_or_default().to_owned(),
        Reason::Mismatched { count } => format!("{count} decisions do not match the rules"),
        Reason::Interrupted => "interrupted".to_owned(),
    }
}

fn cpu(out: &mut String, answer: &CapacityEstimate) {
    let figures = answer.figures;
    let (Some(client), server) = (figures.client_us_per_sign_in, figures.server_us_per_sign_in) else {
        return;
    };
    let share = |us: u64| us as f64 * answer.per_s / 1e6;
    let side = |us: u64| format!("{} per sign-in, {} cores busy", time(us), number(share(us)));
    let _ = write!(out, "\n  CPU       clients {}", side(client));
    match server {
        Some(server) => {
            let _ = writeln!(out, "; pool {}", side(server));
        }
        None => out.push_str("; the pool's CPU is not known\n"),
    }
}

fn write_usl(out: &mut String, usl: &Usl) {
    let shown = |name: &str, Interval { value, low, high }: Interval| {
        format!("{name} {value:.4} [{low:.4}, {high:.4}]")
    };
    let _ = writeln!(
        out,
        "\n  USL       one at a time {}/s [{}, {}], R² {:.3}",
        number(usl.lambda.value),
        number(usl.lambda.low),
        number(usl.lambda.high),
        usl.r2
    );
    let _ = writeln!(out, "            {}, {}", shown("σ", usl.sigma), shown("κ", usl.kappa));
    let points: Vec<String> =
        usl.points.iter().map(|(n, rate)| format!("{n}: {}/s", number(*rate))).collect();
    let _ = writeln!(out, "            at once  {}", points.join("  "));
    let peak = usl.peak_n.map_or_else(
        || "no peak within twice the concurrency that was tried".to_owned(),
        |peak| format!("peak at {} at once", number(peak)),
    );
    let _ = writeln!(out, "            {peak}");
}

fn needed(out: &mut String, wanted: &CoreEstimate) {
    let range = |range: Range| match range.least {
        Some(least) => format!("{} to {}", number(least), number(range.most)),
        None => format!("at most {}", number(range.most)),
    };
    let _ = write!(
        out,
        "\n  for {}/s  {} times the measured rate",
        exact_number(wanted.per_s),
        range(wanted.times)
    );
    if let Some(cores) = wanted.server_cores {
        let _ = write!(out, ": {} cores of the pool", range(cores));
    }
    if let Some(cores) = wanted.client_cores {
        let _ = write!(out, ", {} of the clients", range(cores));
    }
    out.push_str(
        "\n            if each further core brings as much as one (--usl measures how far that holds)\n",
    );
}
