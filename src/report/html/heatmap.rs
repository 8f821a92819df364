//! Draws latency over time: a column per interval, a row per fifth of a decade, darker for more sign-ins.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::bands::StageBands;
use super::chart::{Plot, TableRef, Tick, WIDTH, coordinate, line_path, times};
use super::icons::legend_line;
use crate::report::Timeline;
use crate::report::format::{count, tick, time};

/// Height of a row in pixels.
const ROW: u32 = 16;
/// Lower bounds of the shades, as shares of the largest count.
const SHADES: [f64; 5] = [0.0, 0.03, 0.12, 0.3, 0.6];

/// Returns the heat map with a line for the maximum; empty if nothing was measured.
pub(super) fn map(timeline: &Timeline, bands: &StageBands<'_>, table_ref: TableRef) -> Markup {
    let rows = || timeline.intervals.iter().flat_map(|interval| interval.spread.keys().map(|us| row(*us)));
    let (Some(low), Some(high)) = (rows().min(), rows().max()) else { return html! {} };
    let fullest = timeline.intervals.iter().flat_map(|interval| interval.spread.values()).max();
    let fullest = fullest.copied().unwrap_or(1);
    let height = ROW * (high - low + 1);
    let shades = fields(timeline, low, high, fullest);
    let column = coordinate(WIDTH / timeline.intervals.len() as f64);
    let curves = html! {
        @for (shade, path) in &shades { path.heat.(format!("h{shade}")) d=(path) stroke-width=(column) {} }
        path.line.longest d=(longest(timeline, low, high)) {}
    };
    let plot = Plot {
        title: "Number of sign-ins by latency, over time".to_owned(),
        description: format!(
            "The fullest cell has {} sign-ins; the table below has the numbers.",
            count(fullest)
        ),
        table_ref,
        height,
        x: times(timeline, 6),
        y: decades(low, high),
        background: bands.background(height),
        curves,
    };
    html! {
        figure {
            figcaption {
                b { "Latency by intended start, number of sign-ins" }
                span.legend {
                    @for shade in 0..SHADES.len() {
                        span { svg width="22" height="10" viewBox="0 0 22 10" aria-hidden="true" { rect.heat.(format!("h{shade}")) width="22" height="10" {} } @if shade == 0 { "few" } @else if shade == SHADES.len() - 1 { "up to " (count(fullest)) } }
                    }
                    span { (legend_line("longest")) "longest" }
                }
            }
            (plot.draw())
            (table(timeline))
        }
    }
}

/// Returns the row: fifths of a decade above one microsecond.
fn row(us: u64) -> u32 {
    ((us.max(1) as f64).log10() * 5.0).round() as u32
}

/// Returns one path per shade, with strokes as wide as a column.
fn fields(timeline: &Timeline, low: u32, high: u32, fullest: u64) -> BTreeMap<usize, String> {
    let width = WIDTH / timeline.intervals.len() as f64;
    let mut shades: BTreeMap<usize, String> = BTreeMap::new();
    for (column, interval) in timeline.intervals.iter().enumerate() {
        for (us, n) in &interval.spread {
            let share = *n as f64 / fullest as f64;
            let shade = SHADES.iter().rposition(|least| share > *least).unwrap_or(0);
            let (x, y) = (column as f64 * width, f64::from((high - row(*us).max(low)) * ROW));
            shades.entry(shade).or_default().push_str(&format!("M{} {y}v{ROW}", coordinate(x + width / 2.0)));
        }
    }
    shades
}

/// Returns the line of the maxima of the intervals.
fn longest(timeline: &Timeline, low: u32, high: u32) -> String {
    let width = WIDTH / timeline.intervals.len() as f64;
    line_path(timeline.intervals.iter().enumerate().map(|(column, interval)| {
        let rows = (interval.max_us?.max(1) as f64).log10() * 5.0 - f64::from(low);
        let height = f64::from(high - low + 1);
        Some(((column as f64 + 0.5) * width, (height - rows.clamp(0.0, height)) * f64::from(ROW)))
    }))
}

/// Returns marks at powers of ten of each unit.
fn decades(low: u32, high: u32) -> Vec<Tick> {
    let rows = f64::from(high - low + 1);
    let marks = (low.div_ceil(5)..=high.div_ceil(5)).filter(|decade| decade * 5 <= high + 1);
    let mut ticks: Vec<Tick> = marks
        .map(|decade| Tick { at: f64::from(decade * 5 - low) / rows, label: tick(10_u64.pow(decade)) })
        .collect();
    if ticks.is_empty() {
        // Within a single decade, label the lower end.
        ticks = vec![Tick { at: 0.5, label: time(lower(low)) }];
    }
    ticks
}

fn lower(row: u32) -> u64 {
    10_f64.powf(f64::from(row) / 5.0).round() as u64
}

/// Returns the sum of all intervals as numbers.
fn table(timeline: &Timeline) -> Markup {
    let mut all: BTreeMap<u64, u64> = BTreeMap::new();
    for interval in &timeline.intervals {
        for (us, n) in &interval.spread {
            *all.entry(*us).or_default() += n;
        }
    }
    html! {
        details {
            summary { "The numbers, all intervals together" }
            div.scroll tabindex="0" role="region" aria-label="Sign-ins by latency" {
                table {
                    thead { tr { th scope="col" { "Latency from" } th scope="col" { "below" } th scope="col" { "Sign-ins" } } }
                    tbody {
                        @for (us, n) in &all {
                            tr { th scope="row" { (time(*us)) } td { (time(lower(row(*us) + 1))) } td { (count(*n)) } }
                        }
                    }
                }
            }
        }
    }
}
