//! Shows the run over time: load, outcomes and latency.

use maud::{Markup, html};

use super::bands::StageBands;
use super::chart::{Plot, TableRef, area_path, midpoint_line_path, number_rows, scale, step_path, times};
use super::icons::{legend_area, legend_line};
use super::{heatmap, load};
use crate::report::format::{count, number, tick, time_or_unknown};
use crate::report::{Report, Timeline, TimelineInterval};

/// Height of each plot in pixels.
const HEIGHT: u32 = 180;
/// The table for the readout of the plots.
const TABLE: &str = "course";

/// Returns the plots on a common time axis, and their numbers.
pub(super) fn section(report: &Report) -> Markup {
    let (timeline, bands) = (&report.timeline, StageBands::of(report));
    html! {
        section {
            h2 { "Over time" }
            @if timeline.intervals.is_empty() {
                p.lead { "There were no sign-ins." }
            } @else {
                p.lead { "In intervals of " (tick(timeline.interval_us)) ". Sign-ins are offered at their \
                    intended start and end at their actual end." }
                div.charts {
                    div { (flow(timeline, &bands)) (bands.table(report.stages.len())) }
                    (throttled(timeline, &bands))
                    (latency(timeline, &bands))
                    (heatmap::map(timeline, &bands, latencies()))
                    (table(timeline))
                    (load::figure(timeline, &bands))
                }
            }
        }
    }
}

/// Returns the latency columns of the table.
fn latencies() -> TableRef {
    TableRef::of(TABLE, "5 6 7")
}

fn flow(timeline: &Timeline, bands: &StageBands<'_>) -> Markup {
    let per_s = |count: u64| count as f64 * 1e6 / timeline.interval_us as f64;
    let ended = |interval: &TimelineInterval| interval.completed + interval.refused + interval.failed;
    let highest = |interval: &TimelineInterval| interval.offered.max(ended(interval));
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
    let description = format!(
        "{} offered, {} completed, {} refused, {} failed.",
        count(sum(|interval| interval.offered)),
        count(sum(|interval| interval.completed)),
        count(sum(|interval| interval.refused)),
        count(sum(|interval| interval.failed)),
    );
    let curves = html! {
        path.area.completed d=(area_path(&completed, &ground)) {}
        path.area.refused d=(area_path(&refused, &completed)) {}
        path.area.failed d=(area_path(&failed, &refused)) {}
        path.line.offered d=(step_path(&heights(|interval| interval.offered))) {}
    };
    let plot = Plot {
        title: "Sign-ins per second, over time".to_owned(),
        description,
        table_ref: TableRef::of(TABLE, "1 2 3 4"),
        height: HEIGHT,
        x: times(timeline, 6),
        y,
        background: bands.background(HEIGHT),
        curves,
    };
    html! {
        figure {
            figcaption {
                b { "Sign-ins a second, stacked" }
                span.legend {
                    span { (legend_line("offered")) "offered" }
                    span { (legend_area("completed")) "completed" }
                    span { (legend_area("refused")) "refused" }
                    span { (legend_area("failed")) "failed" }
                    (bands.legend())
                }
            }
            (bands.lanes())
            (plot.draw())
        }
    }
}

/// Returns throttled answers by the end of their sign-in; empty if there were none.
fn throttled(timeline: &Timeline, bands: &StageBands<'_>) -> Markup {
    let all: u64 = timeline.intervals.iter().map(|interval| interval.throttled).sum();
    let per_s = |count: u64| count as f64 * 1e6 / timeline.interval_us as f64;
    let most = timeline.intervals.iter().map(|interval| interval.throttled).max().unwrap_or(0);
    if all == 0 {
        return html! {};
    }
    let (y, top) = scale(per_s(most), 2.0, number);
    let height = HEIGHT / 2;
    let levels: Vec<f64> = timeline
        .intervals
        .iter()
        .map(|interval| f64::from(height) * (1.0 - per_s(interval.throttled) / top))
        .collect();
    let plot = Plot {
        title: "Throttled responses per second, over time".to_owned(),
        description: format!("{} responses in all.", count(all)),
        table_ref: TableRef::of(TABLE, "8"),
        height,
        x: times(timeline, 6),
        y,
        background: bands.background(height),
        curves: html! { path.line.two d=(step_path(&levels)) {} },
    };
    html! {
        figure {
            figcaption { b { "Throttled responses a second" } span.legend { "counted at the end of their \
                sign-in" } }
            (plot.draw())
        }
    }
}

fn latency(timeline: &Timeline, bands: &StageBands<'_>) -> Markup {
    let most = timeline.intervals.iter().filter_map(|interval| interval.max_us).max();
    let Some(most) = most else { return html! {} };
    let (y, top) = scale(most as f64, 4.0, |us| tick(us as u64));
    let line = |us: fn(&TimelineInterval) -> Option<u64>| {
        let values: Vec<Option<f64>> =
            timeline.intervals.iter().map(|interval| us(interval).map(|us| us as f64)).collect();
        midpoint_line_path(&values, top, HEIGHT)
    };
    let p99 = line(|interval| interval.p99_us);
    let curves = html! {
        path.line.three d=(line(|interval| interval.max_us)) {}
        path.line.two d=(p99) {}
        path.line.one d=(line(|interval| interval.p50_us)) {}
    };
    let plot = Plot {
        title: "Latency over time".to_owned(),
        description: format!("The longest sign-in took {}.", time_or_unknown(Some(most))),
        table_ref: latencies(),
        height: HEIGHT,
        x: times(timeline, 6),
        y,
        background: bands.background(HEIGHT),
        curves,
    };
    html! {
        figure {
            figcaption {
                b { "Latency by intended start" }
                span.legend {
                    span { (legend_line("one")) "p50" }
                    @if !p99.is_empty() { span { (legend_line("two")) "p99" } }
                    span { (legend_line("three")) "longest" }
                }
            }
            (plot.draw())
        }
    }
}

/// Returns all intervals as numbers, for the readout of the plots.
fn table(timeline: &Timeline) -> Markup {
    let throttled = timeline.intervals.iter().any(|interval| interval.throttled > 0);
    let rows = timeline.intervals.iter().enumerate().map(|(index, interval)| {
        let mut cells = vec![tick(timeline.interval_us.saturating_mul(index as u64))];
        cells.extend([interval.offered, interval.completed, interval.refused, interval.failed].map(count));
        cells.extend([interval.p50_us, interval.p99_us, interval.max_us].map(time_or_unknown));
        cells.extend(throttled.then(|| count(interval.throttled)));
        (None, cells)
    });
    html! {
        details.long {
            summary { "The numbers by interval" }
            div.scroll tabindex="0" role="region" aria-label="Timeline by interval" {
                table.sortable id=(TABLE) {
                    thead { tr {
                        @for head in ["From", "Offered", "Completed", "Refused", "Failed", "p50", "p99", "Longest"] { th scope="col" { (head) } }
                        @if throttled { th scope="col" { "Throttled" } }
                    } }
                    tbody { (number_rows(rows)) }
                }
            }
        }
    }
}
