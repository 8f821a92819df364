//! Shows the conditions of the run: the generator, the machine, the scenario.

use maud::{Markup, html};

use super::icons::{command, tick};
use crate::clock::ClockKind;
use crate::report::format::{UNKNOWN, count, number, percent, rate, time_or_unknown};
use crate::report::{Report, SideWorkers};

/// A longer scenario, in bytes, is truncated on the page; `report.json` has all of it.
const MAX_SCENARIO_BYTES: usize = 8 * 1024;

/// Describes whether the generator kept up, and the cost of a sign-in.
pub(super) fn generator(report: &Report) -> Markup {
    let (generator, cpu) = (&report.generator, &report.cpu);
    let wall = report.clock == ClockKind::Wall;
    html! {
        section {
            h2 { "Generator" }
            // Under the virtual clock nothing can be late.
            @if wall || generator.saturated.is_some() {
                p.lead {
                    (tick(generator.saturated.is_none())) " "
                    @match &generator.saturated {
                        Some(sentence) => span.bad { (sentence) },
                        None => "It kept its schedule, so the figures above are valid.",
                    }
                }
            }
            dl.ground {
                dt { "Lag p50" } dd { (time_or_unknown(generator.lag_p50_us)) }
                dt { "Lag p99" } dd { (time_or_unknown(generator.lag_p99_us)) }
                dt { "Lag max" } dd { (time_or_unknown(generator.lag_max_us)) }
                dt { "Asked for" } dd { @if report.throughput.asked_per_s.is_some() { (rate(report.throughput.asked_per_s)) } @else { "offered \
                    by its users" } }
                @if wall {
                    dt { "CPU, client" } dd { (time_or_unknown(cpu.client_us_per_sign_in)) " a sign-in" }
                    dt { "CPU, pool" } dd { (time_or_unknown(cpu.server_us_per_sign_in)) " a sign-in" }
                }
                @if let Some(workers) = &generator.workers {
                    dt { "Workers, client" } dd { (side_workers_text(&workers.client)) }
                    dt { "Workers, pool" } dd { (side_workers_text(&workers.server)) }
                    @if let Some(backend) = &workers.backend { dt { "Kernel" } dd { (backend) } }
                }
                @if let Some(machine) = &generator.machine {
                    dt { "Machine" } dd {
                        "load " (number(machine.load_before)) " before and " (number(machine.load_after)) " at the end"
                        @if let Some(share) = machine.steal_share { ", " (percent(share)) " stolen by others" }
                    }
                    @if let Some(cores) = machine.cpu_quota {
                        dt { "CPU quota" } dd {
                            (number(cores)) " cores"
                            @if let Some(share) = machine.throttled_share { ", used up in " (percent(share)) " of periods" }
                        }
                    }
                }
                dt { "Modexps" } dd { (cpu.modexps_per_sign_in.map_or_else(|| UNKNOWN.to_owned(), number)) " a sign-in" }
            }
        }
    }
}

/// Returns the work of one side's workers in a line.
fn side_workers_text(side: &SideWorkers) -> String {
    format!(
        "{} of {}, {} precomputed, {} jobs a batch, waited {} at p99, {} at most",
        count(side.jobs),
        if side.threads == 1 { "1 thread".to_owned() } else { format!("{} threads", side.threads) },
        count(side.prepared),
        number((10.0 * side.mean_batch_size()).round() / 10.0),
        time_or_unknown(Some(side.waited_p99_us)),
        count(side.deepest_queue as u64),
    )
}

/// Returns the machine and the replay command.
pub(super) fn environment(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Environment" }
            @if report.clock == ClockKind::Virtual {
                p.lead { "Virtual time: this report is byte-equal on every machine. Times are those of the \
                    model." }
            } @else {
                p.lead { "Wall clock: times are those of this machine." }
            }
            dl.ground {
                @if let Some(environment) = &report.environment {
                    dt { "System" } dd { (environment.os) ", " (environment.arch) }
                    dt { "Processor" } dd { (environment.cpu.as_deref().unwrap_or(UNKNOWN)) }
                    dt { "Cores" } dd { (count(environment.cores as u64)) }
                    dt { "Version" } dd { "poolproof " (environment.version) }
                    @if let Some(started) = &environment.started_at { dt { "Started" } dd { (started) } }
                    @if let Some(commit) = &environment.git_commit { dt { "Commit" } dd { code { (commit) } } }
                    @if let Some(address) = &environment.ci_job { dt { "CI job" } dd { (link(address)) } }
                    dt { "Command" } dd { (command(&environment.command)) }
                }
                dt { "Seed" } dd { (report.seed) }
                dt { "Replay" } dd { (command(&report.replay())) }
            }
        }
    }
}

/// Returns a link to an address of the web, or the text.
fn link(address: &str) -> Markup {
    let web = address.starts_with("https://") || address.starts_with("http://");
    html! { @if web { a href=(address) { (address) } } @else { (address) } }
}

/// Returns the part of a scenario that the page shows.
pub(super) fn shown(yaml: &str) -> &str {
    let end =
        (0..=MAX_SCENARIO_BYTES.min(yaml.len())).rev().find(|end| yaml.is_char_boundary(*end)).unwrap_or(0);
    &yaml[..end]
}

/// The scenario's text.
pub(super) fn scenario(report: &Report) -> Markup {
    let yaml = &report.scenario.yaml;
    let shown = shown(yaml);
    html! {
        section {
            h2 { "Scenario" }
            p.lead { code { (report.scenario.file) } @if shown.len() < yaml.len() { ", its beginning; " code { "report.json" } " \
                contains all of it" } }
            pre tabindex="0" aria-label="Scenario" { code { (shown) } }
        }
    }
}
