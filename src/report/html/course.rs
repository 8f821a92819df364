//! The course of the run: what was offered and what came of it, and how latency went.

use maud::{Markup, html};

use super::chart::{Plot, Tick, WIDTH, place, scale, through};
use super::heat;
use super::latency::sample;
use crate::report::format::{count, number, tick};
use crate::report::{Report, Timeline, TimelineInterval};

/// Pixels that each plot is high.
const HEIGHT: u32 = 180;

/// Both plots, one above the other on the same time axis.
pub(super) fn section(report: &Report) -> Markup {
    let timeline = &report.timeline;
    html! {
        section {
            h2 { "Over time" }
            @if timeline.intervals.is_empty() {
                p.lead { "There was no sign-in." }
            } @else {
                p.lead { "In intervals of " (tick(timeline.interval_us)) ". Sign-ins are offered when they are meant to start, and end when they end." }
                div.charts { (flow(timeline)) (latency(timeline)) (heat::map(timeline)) }
            }
        }
    }
}

fn flow(timeline: &Timeline) -> Markup {
    let per_s = |count: u64| count as f64 * 1e6 / timeline.interval_us as f64;
    let ended = |interval: &TimelineInterval| interval.completed + interval.refused + interval.failed;
    let highest = |interval: &TimelineInterval| interval.offered.max(ended(interval)).max(interval.throttled);
    let most = timeline.intervals.iter().map(highest).max().unwrap_or(0);
    let (y, top) = scale(per_s(most), 4.0, number);
    let heights = |count: fn(&TimelineInterval) -> u64| -> Vec<f64> {
        let height = |interval| f64::from(HEIGHT) * (1.0 - per_s(count(interval)) / top);
        timeline.intervals.iter().map(height).collect()
    };
    let ground = vec![f64::from(HEIGHT); timeline.intervals.len()];
    let completed = heights(|interval| interval.completed);
    let refused = heights(|interval| interval.completed + interval.refused);
    let failed = heights(|interval| interval.completed + interval.refused + interval.failed);
    let sum = |count: fn(&TimelineInterval) -> u64| timeline.intervals.iter().map(count).sum::<u64>();
    let told = format!(
        "{} offered, {} completed, {} refused, {} failed.",
        count(sum(|interval| interval.offered)),
        count(sum(|interval| interval.completed)),
        count(sum(|interval| interval.refused)),
        count(sum(|interval| interval.failed)),
    );
    let throttled = sum(|interval| interval.throttled);
    let curves = html! {
        path.area.completed d=(between(&completed, &ground)) {}
        path.area.refused d=(between(&refused, &completed)) {}
        path.area.failed d=(between(&failed, &refused)) {}
        path.line.offered d=(stairs(&heights(|interval| interval.offered))) {}
        @if throttled > 0 { path.line.two d=(stairs(&heights(|interval| interval.throttled))) {} }
    };
    let plot = Plot {
        title: "Sign-ins a second over time",
        told,
        height: HEIGHT,
        x: times(timeline),
        y,
        behind: warm_up(timeline),
        curves,
    };
    html! {
        figure {
            figcaption {
                b { "Sign-ins a second, stacked" }
                span.legend {
                    span { (sample("offered")) "offered" }
                    span { (patch("completed")) "completed" }
                    span { (patch("refused")) "refused" }
                    span { (patch("failed")) "failed" }
                    @if throttled > 0 { span { (sample("two")) "answers throttled" } }
                    @if warm_up_ends(timeline) > 0 { span { (patch("band")) "warm-up" } }
                }
            }
            (plot.draw())
        }
    }
}

fn latency(timeline: &Timeline) -> Markup {
    let most = timeline.intervals.iter().filter_map(|interval| interval.max_us).max();
    let Some(most) = most else { return html! {} };
    let (y, top) = scale(most as f64, 4.0, |us| tick(us as u64));
    let line = |us: fn(&TimelineInterval) -> Option<u64>| {
        let points = timeline.intervals.iter().enumerate().filter_map(|(index, interval)| {
            let x = (index as f64 + 0.5) / timeline.intervals.len() as f64 * WIDTH;
            Some((x, f64::from(HEIGHT) * (1.0 - us(interval)? as f64 / top)))
        });
        through(points)
    };
    let p99 = line(|interval| interval.p99_us);
    let curves = html! {
        path.line.three d=(line(|interval| interval.max_us)) {}
        path.line.two d=(p99) {}
        path.line.one d=(line(|interval| interval.p50_us)) {}
    };
    let plot = Plot {
        title: "Latency over time",
        told: format!("The longest sign-in took {}.", tick(most)),
        height: HEIGHT,
        x: times(timeline),
        y,
        behind: warm_up(timeline),
        curves,
    };
    html! {
        figure {
            figcaption {
                b { "Latency of those meant to start then" }
                span.legend {
                    span { (sample("one")) "p50" }
                    @if !p99.is_empty() { span { (sample("two")) "p99" } }
                    span { (sample("three")) "longest" }
                }
            }
            (plot.draw())
        }
    }
}

/// A piece of an area as the legend shows it.
fn patch(class: &str) -> Markup {
    html! { svg viewBox="0 0 22 10" aria-hidden="true" { rect.area.(class) width="22" height="10" {} } }
}

/// A level for each interval, as a line.
fn stairs(levels: &[f64]) -> String {
    through(corners(levels).into_iter())
}

/// The area between two such lines.
fn between(upper: &[f64], lower: &[f64]) -> String {
    if upper == lower {
        return String::new();
    }
    format!("{}Z", through(corners(upper).into_iter().chain(corners(lower).into_iter().rev())))
}

fn corners(levels: &[f64]) -> Vec<(f64, f64)> {
    let x = |index: usize| index as f64 / levels.len() as f64 * WIDTH;
    levels
        .iter()
        .enumerate()
        .flat_map(|(index, level)| [(x(index), *level), (x(index + 1), *level)])
        .collect()
}

/// How many intervals from the start on have warm-up in them.
fn warm_up_ends(timeline: &Timeline) -> usize {
    timeline.intervals.iter().rposition(|interval| interval.warm_up > 0).map_or(0, |last| last + 1)
}

fn warm_up(timeline: &Timeline) -> Markup {
    let width = warm_up_ends(timeline) as f64 / timeline.intervals.len() as f64 * WIDTH;
    html! { @if width > 0.0 { rect.band width=(place(width)) height=(HEIGHT) {} } }
}

/// Marks on the time axis, in steps that a clock has.
pub(super) fn times(timeline: &Timeline) -> Vec<Tick> {
    const STEPS_S: [u64; 19] = [
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400,
        604_800,
    ];
    let whole_us = timeline.interval_us * timeline.intervals.len() as u64;
    let fits = |step_s: &u64| whole_us / (step_s * 1_000_000) <= 6;
    // Beyond weeks nobody counts: then the end alone is marked.
    let step_us = STEPS_S.into_iter().find(fits).map_or(whole_us, |step_s| step_s * 1_000_000);
    (0..=whole_us / step_us)
        .map(|n| Tick { at: (n * step_us) as f64 / whole_us as f64, label: tick(n * step_us) })
        .collect()
}
