//! Shared parts of the plots: an area that stretches with the page while its text keeps its size.
//!
//! Each plot is an SVG of full width and fixed height whose labels are at percentages of the width. A second
//! SVG inside it, 1000 units wide, is stretched over the same area and holds the curves.

use maud::{Markup, PreEscaped, html};

use crate::report::Timeline;
use crate::report::format::tick;

/// Width of the stretched part in units.
pub(super) const WIDTH: f64 = 1000.0;

/// An axis mark: its position (0 to 1) and its label.
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) label: String,
}

/// A plot: its curves, drawn in `WIDTH` × `height` units, between its axes.
pub(super) struct Plot {
    /// The title for screen readers.
    pub(super) title: String,
    /// The description for screen readers.
    pub(super) description: String,
    /// The table with its numbers, and the columns for the readout.
    pub(super) table_ref: TableRef,
    /// Height in pixels.
    pub(super) height: u32,
    pub(super) x: Vec<Tick>,
    pub(super) y: Vec<Tick>,
    /// Markup behind the grid, in the stretched part.
    pub(super) background: Markup,
    /// The curves.
    pub(super) curves: Markup,
}

/// The table for the readout of a plot, with one row per position along the plot.
pub(super) struct TableRef {
    /// The `id` of the table.
    pub(super) table: &'static str,
    /// Its columns from 0, separated by blanks. The first column, the position, is always read out.
    pub(super) columns: String,
}

impl TableRef {
    pub(super) fn of(table: &'static str, columns: impl Into<String>) -> Self {
        Self { table, columns: columns.into() }
    }
}

impl Plot {
    pub(super) fn draw(&self) -> Markup {
        let height = f64::from(self.height);
        let view = format!("0 0 {WIDTH} {height}");
        html! {
            div.plot data-of=(self.table_ref.table) data-columns=(self.table_ref.columns) {
                svg width="100%" overflow="visible" height=(self.height) role="img" {
                    title { (self.title) }
                    desc { (self.description) }
                    (stretched(&view, &self.background))
                    @for tick in &self.y {
                        @let y = coordinate(height * (1.0 - tick.at));
                        line.grid x1="0" x2="100%" y1=(y) y2=(y) {}
                        text x="-10" y=(y) dy="4" text-anchor="end" { (tick.label) }
                    }
                    @for (index, tick) in self.x.iter().enumerate() {
                        @let x = format!("{}%", coordinate(tick.at * 100.0));
                        line.axis x1=(x) x2=(x) y1=(height) y2=(height + 5.0) {}
                        text class=[(index == 0).then_some("first")] x=(x) y=(height + 20.0) text-anchor="middle" { (tick.label) }
                    }
                    line.axis x1="0" x2="100%" y1=(height) y2=(height) {}
                    (stretched(&view, &self.curves))
                }
            }
            // Room for the labels of the time axis where no style sheet applies.
            br.bare; br.bare;
        }
    }
}

fn stretched(view: &str, content: &Markup) -> Markup {
    html! {
        svg x="0" y="0" width="100%" height="100%" viewBox=(view) preserveAspectRatio="none" overflow="visible" { (content) }
    }
}

/// Returns the text anchor for a position on a scale, so that text at the ends stays inside.
pub(super) fn anchor(at: f64) -> &'static str {
    if at > 0.99 { "end" } else { "middle" }
}

/// Formats a coordinate with one decimal: a tenth of a pixel is enough, and the text stays short.
pub(super) fn coordinate(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    format!("{rounded}")
}

/// Returns rows of a long table of numbers, each with its position along the plot if the positions are
/// uneven. HTML allows omitting the end tags of cells and rows, which saves about a third of the size.
pub(super) fn number_rows(rows: impl Iterator<Item = (Option<f64>, Vec<String>)>) -> Markup {
    let mut text = String::new();
    for (at, cells) in rows {
        text.push_str(&at.map_or_else(|| "<tr>".to_owned(), |at| format!("<tr data-at={at:.3}>")));
        for (column, cell) in cells.iter().enumerate() {
            text.push_str(if column == 0 { "<th>" } else { "<td>" });
            text.push_str(cell);
        }
    }
    PreEscaped(text)
}

/// Returns the path through points. A missing point breaks the line; an isolated point is a short stroke.
pub(super) fn line_path(points: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let mut path = String::new();
    let mut joined = 0;
    for point in points.chain(std::iter::once(None)) {
        if let Some((x, y)) = point {
            path.push(if joined == 0 { 'M' } else { 'L' });
            path.push_str(&format!("{} {}", coordinate(x), coordinate(y)));
            joined += 1;
        } else {
            path.push_str(if joined == 1 { "m-5 0h10" } else { "" });
            joined = 0;
        }
    }
    path
}

/// Returns the path through the middles of intervals, on a scale from 0 to `top` in a plot of this height.
pub(super) fn midpoint_line_path(values: &[Option<f64>], top: f64, height: u32) -> String {
    line_path(values.iter().enumerate().map(|(index, value)| {
        let x = (index as f64 + 0.5) / values.len() as f64 * WIDTH;
        Some((x, f64::from(height) * (1.0 - (*value)? / top)))
    }))
}

/// Returns a step of 1, 2 or 5 times a power of ten that divides `most` into at most `pieces`; at least 1.
pub(super) fn round_step(most: f64, pieces: f64) -> f64 {
    let raw = (most / pieces).max(1.0);
    let power = 10_f64.powi(raw.log10().floor() as i32);
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= raw).unwrap_or(raw)
}

/// Returns marks from 0 in round steps, and the end of the scale: the first step at or above `most`.
pub(super) fn scale(most: f64, pieces: f64, label: impl Fn(f64) -> String) -> (Vec<Tick>, f64) {
    let step = round_step(most, pieces);
    let steps = (most / step).ceil().max(1.0);
    let ticks =
        (0..=steps as u32).map(|n| Tick { at: f64::from(n) / steps, label: label(f64::from(n) * step) });
    (ticks.collect(), steps * step)
}

/// Returns a step line with one level per interval.
pub(super) fn step_path(levels: &[f64]) -> String {
    let x = |index: usize| coordinate(index as f64 / levels.len() as f64 * WIDTH);
    let mut path = String::new();
    let mut last = None;
    for (index, level) in levels.iter().enumerate() {
        let y = coordinate(*level);
        match &last {
            None => path.push_str(&format!("M0 {y}")),
            Some(before) if *before == y => {}
            Some(_) => path.push_str(&format!("H{}V{y}", x(index))),
        }
        last = Some(y);
    }
    path.push_str(&format!("H{}", x(levels.len())));
    path
}

/// Returns the area between two step lines.
pub(super) fn area_path(upper: &[f64], lower: &[f64]) -> String {
    if upper == lower {
        return String::new();
    }
    let mut path = step_path(upper);
    let x = |index: usize| coordinate(index as f64 / lower.len() as f64 * WIDTH);
    let mut last = None;
    for (index, level) in lower.iter().enumerate().rev() {
        let y = coordinate(*level);
        if last.as_ref() != Some(&y) {
            path.push_str(&if last.is_none() { format!("V{y}") } else { format!("H{}V{y}", x(index + 1)) });
        }
        last = Some(y);
    }
    path.push_str("H0Z");
    path
}

/// Returns marks on the time axis, in round time steps, for at most `most` pieces.
pub(super) fn times(timeline: &Timeline, most: u64) -> Vec<Tick> {
    const STEPS_S: [u64; 19] = [
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400,
        604_800,
    ];
    let duration_us = timeline.duration_us();
    let fits = |step_s: &u64| duration_us / (step_s * 1_000_000) <= most;
    // Beyond weeks only the end is marked.
    let step_us = STEPS_S.into_iter().find(fits).map_or(duration_us, |step_s| step_s * 1_000_000);
    (0..=duration_us / step_us)
        .map(|n| Tick { at: (n * step_us) as f64 / duration_us as f64, label: tick(n * step_us) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_gaps_at_missing_values() {
        let points = [Some((0.0, 1.0)), Some((1.0, 2.5)), None, Some((3.0, 4.04)), None, None];
        assert_eq!(line_path(points.into_iter()), "M0 1L1 2.5M3 4m-5 0h10");
        assert_eq!(line_path([None, Some((0.0, 1.0))].into_iter()), "M0 1m-5 0h10");
        assert_eq!(line_path(std::iter::empty()), "");
    }

    #[test]
    fn scales_end_at_a_round_step_at_or_above_the_maximum() {
        for (most, step, end) in [(0.0, 1.0, 1.0), (5.0, 1.0, 5.0), (7.0, 2.0, 8.0), (1234.0, 500.0, 1500.0)]
        {
            let (ticks, is) = scale(most, 5.0, |value| format!("{value}"));
            assert_eq!((is, ticks[1].label.as_str()), (end, format!("{step}").as_str()), "{most}");
            assert!(ticks.len() <= 6);
        }
    }
}
