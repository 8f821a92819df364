//! Shows what a sign-in's time consists of: the medians of its steps in sequence, the CPU time of each side,
//! and each step over time.

use maud::{Markup, html};

use super::bands::StageBands;
use super::chart::{Plot, TableRef, Tick, WIDTH, anchor, coordinate, line_path, number_rows, scale, times};
use super::icons::legend_line;
use crate::report::format::{number, tick, time_or_unknown};
use crate::report::{Report, StepInterval, StepTimeline, Timeline};
use poolproof_cognito::protocol::SignInStep;

/// Height of each small plot in pixels.
const HEIGHT: u32 = 90;
/// The table for the readout of the small plots.
const TABLE: &str = "step-course";

/// A bar between two moments of a sign-in, in µs.
struct Bar {
    from: u64,
    to: u64,
    class: &'static str,
}

impl Bar {
    /// Draws the bar on a scale that ends at `top` µs.
    fn draw(&self, top: f64) -> Markup {
        let at = |us: u64| percent(us as f64 / top);
        html! { svg width="100%" height="16" aria-hidden="true" { line.(self.class) x1=(at(self.from)) x2=(at(self.to)) y1="8" y2="8" {} } }
    }
}

/// Returns the steps with a nonzero time in order, each starting at the sum of the medians before it; empty
/// if there are none.
pub(super) fn cascade(report: &Report) -> Markup {
    let whole = report.latency.sign_in.service;
    let mut at = 0;
    let steps: Vec<(&str, f64, Option<u64>, Bar)> = report
        .steps()
        .filter(|(_, step)| step.p50_us > Some(0))
        .map(|(name, step)| {
            let from = at;
            at += step.p50_us.unwrap_or(0);
            let times = step.count as f64 / whole.count.max(1) as f64;
            (name, times, step.p50_us, Bar { from, to: at, class: "part" })
        })
        .collect();
    let cpu =
        [("CPU, client", report.cpu.client_us_per_sign_in), ("CPU, pool", report.cpu.server_us_per_sign_in)];
    let longest = cpu.iter().filter_map(|(_, us)| *us).chain(whole.p50_us).fold(at, u64::max);
    if at == 0 {
        return html! {};
    }
    let (ticks, top) = scale(longest as f64, 4.0, |us| tick(us as u64));
    html! {
        figure {
            figcaption { b { "A sign-in, step by step (medians)" } }
            p.lead { "Each step starts where the medians of the earlier steps end. The sum is not the \
                median of whole sign-ins: not every sign-in has every step, and client computation between \
                steps is not included." @if cpu[0].1.is_some() { " \
                Below, hatched: CPU time of the threads of each side, mean per sign-in." } }
            div.scroll tabindex="0" role="region" aria-label="Step by step (medians)" {
                table.cascade.stack {
                    thead { tr {
                        th scope="col" { "Step" } th scope="col" { "A sign-in" } th scope="col" { "p50" }
                        th.range scope="col" { (header(&ticks)) }
                    } }
                    tbody {
                        @for (name, times, p50_us, part) in &steps {
                            tr data-part=(name) {
                                th scope="row" { code { (name) } }
                                td data-head="A sign-in" { (number(*times)) " ×" }
                                td data-head="p50" { (time_or_unknown(*p50_us)) }
                                td.range { (part.draw(top)) }
                            }
                        }
                        tr.whole data-part="service" {
                            th scope="row" { "Sign-in, service" } td {} td data-head="p50" { (time_or_unknown(whole.p50_us)) }
                            td.range { (Bar { from: 0, to: whole.p50_us.unwrap_or(0), class: "part" }.draw(top)) }
                        }
                        @for (name, us) in cpu {
                            @if us.is_some() {
                                tr data-part=(name) {
                                    th scope="row" { (name) } td.soft { "mean" } td { (time_or_unknown(us)) }
                                    td.range { (Bar { from: 0, to: us.unwrap_or(0), class: "cpu" }.draw(top)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn header(ticks: &[Tick]) -> Markup {
    html! {
        svg width="100%" height="18" role="img" aria-label="Time since the start" {
            @for tick in ticks { text x=(percent(tick.at)) y="12" text-anchor=(anchor(tick.at)) { (tick.label) } }
        }
    }
}

fn percent(share: f64) -> String {
    format!("{}%", coordinate(share * 100.0))
}

/// Returns a small plot per step with a nonzero time, all on one scale.
pub(super) fn multiples(report: &Report) -> Markup {
    let timeline = &report.timeline;
    let Some(step_timeline) = timeline.steps.as_ref().filter(|_| !timeline.intervals.is_empty()) else {
        return html! {};
    };
    let of = |step: &SignInStep| step_timeline.by_step.get_key_value(step.as_str());
    let steps: Vec<StepSeries<'_>> = SignInStep::ALL
        .iter()
        .filter_map(of)
        .filter(|(_, points)| points.iter().any(|one| one.p99_us.max(one.p50_us) > Some(0)))
        .map(|(name, points)| StepSeries { name, points, step_timeline, timeline })
        .collect();
    if steps.is_empty() {
        return html! {};
    }
    let all = steps.iter().flat_map(|step| step.points);
    let most = all.filter_map(|one| one.p99_us.max(one.p50_us)).max().unwrap_or(0);
    let background = StageBands::of(report).shades(HEIGHT);
    html! {
        figure {
            figcaption {
                b { "Each step over time" }
                span.legend { span { (legend_line("one")) "p50" } span { (legend_line("two")) "p99, where \
                    at least 100 were measured" } }
            }
            div.multiples {
                @for (index, step) in steps.iter().enumerate() {
                    div { p.name { code { (step.name) } } (step.plot(index, most, background.clone())) }
                }
            }
            (table(step_timeline, &steps))
        }
    }
}

/// A step with its intervals.
struct StepSeries<'r> {
    name: &'r str,
    points: &'r [StepInterval],
    step_timeline: &'r StepTimeline,
    timeline: &'r Timeline,
}

impl StepSeries<'_> {
    /// Returns the time axis position of the middle of an interval, 0 to 1.
    fn middle(&self, index: usize) -> f64 {
        let duration_us = self.timeline.duration_us();
        let start = |index: usize| {
            self.step_timeline.interval_us.saturating_mul(index as u64).min(duration_us) as f64
        };
        (start(index) + start(index + 1)) / 2.0 / duration_us as f64
    }

    /// Returns the plot with this index, on a scale to at least `most` µs.
    fn plot(&self, index: usize, most: u64, background: Markup) -> Markup {
        let (y, top) = scale(most as f64, 2.0, |us| tick(us as u64));
        let line = |us: fn(&StepInterval) -> Option<u64>| {
            line_path(self.points.iter().enumerate().map(|(at, one)| {
                Some((self.middle(at) * WIDTH, f64::from(HEIGHT) * (1.0 - us(one)? as f64 / top)))
            }))
        };
        let description = self.points.iter().filter_map(|one| one.p99_us).max().map_or_else(
            || "There were too few for a p99.".to_owned(),
            |us| format!("p99 is {} at most.", time_or_unknown(Some(us))),
        );
        Plot {
            title: format!("{} over time", self.name),
            description,
            table_ref: TableRef::of(TABLE, format!("{} {}", 2 * index + 1, 2 * index + 2)),
            height: HEIGHT,
            x: times(self.timeline, 3),
            y,
            background,
            curves: html! {
                path.line.two d=(line(|one| one.p99_us)) {}
                path.line.one d=(line(|one| one.p50_us)) {}
            },
        }
        .draw()
    }
}

fn table(step_timeline: &StepTimeline, steps: &[StepSeries<'_>]) -> Markup {
    let intervals = steps.iter().map(|step| step.points.len()).max().unwrap_or(0);
    let rows = (0..intervals).map(|at| {
        let mut cells = vec![tick(step_timeline.interval_us.saturating_mul(at as u64))];
        for step in steps {
            let one = step.points.get(at).copied().unwrap_or_default();
            cells.extend([one.p50_us, one.p99_us].map(time_or_unknown));
        }
        (steps.first().map(|step| step.middle(at)), cells)
    });
    html! {
        details.long {
            summary { "The numbers, in intervals of " (tick(step_timeline.interval_us)) }
            div.scroll tabindex="0" role="region" aria-label="Each step by interval" {
                table id=(TABLE) {
                    thead { tr {
                        th scope="col" { "From" }
                        @for step in steps { @for figure in ["p50", "p99"] { th scope="col" { code { (step.name) } " " (figure) } } }
                    } }
                    tbody { (number_rows(rows)) }
                }
            }
        }
    }
}
