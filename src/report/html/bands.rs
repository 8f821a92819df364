//! Shows the stages of the run along its time axis: as named bands and as plot backgrounds.

use maud::{Markup, html};

use super::chart::{WIDTH, coordinate};
use super::icons::legend_area;
use crate::metrics::merged_spans;
use crate::report::format::{count, tick};
use crate::report::{Report, StagePart, StageSummary, Timeline, TimelineInterval};

/// Most stages on the page.
const MAX_STAGES: usize = 60;

/// The stages with their time axis.
#[derive(Clone, Copy)]
pub(super) struct StageBands<'r> {
    stages: &'r [StageSummary],
    timeline: &'r Timeline,
    /// Whether there are several workloads, so that their names are shown.
    several: bool,
}

impl<'r> StageBands<'r> {
    pub(super) fn of(report: &'r Report) -> Self {
        let stages = &report.stages[..report.stages.len().min(MAX_STAGES)];
        Self { stages, timeline: &report.timeline, several: !report.workloads.is_empty() }
    }

    /// Returns the position of a moment on the axis, 0 to 1.
    fn at(&self, us: u64) -> f64 {
        (us as f64 / self.timeline.duration_us() as f64).min(1.0)
    }

    /// Returns the merged spans that are excluded from the results. Reports without stages have them in their
    /// intervals.
    fn excluded_spans(&self) -> Vec<(f64, f64)> {
        let by_stage = self.stages.iter().filter(|stage| stage.part != StagePart::Measured);
        let mut spans: Vec<(f64, f64)> =
            by_stage.map(|stage| (self.at(stage.from_us), self.at(stage.to_us))).collect();
        if self.stages.is_empty() {
            spans.extend(self.intervals_with(|interval| interval.warm_up));
            spans.extend(self.intervals_with(|interval| interval.cool_down));
        }
        merged_spans(spans)
    }

    /// Returns the span from the first to the last interval with such sign-ins.
    fn intervals_with(&self, count: fn(&TimelineInterval) -> u64) -> Option<(f64, f64)> {
        let intervals = &self.timeline.intervals;
        let has = |interval: &TimelineInterval| count(interval) > 0;
        let (first, last) = (intervals.iter().position(has)?, intervals.iter().rposition(has)?);
        let share = |index: usize| index as f64 / intervals.len() as f64;
        Some((share(first), share(last + 1)))
    }

    /// Shades the excluded spans.
    pub(super) fn shades(&self, height: u32) -> Markup {
        html! {
            @for (from, to) in self.excluded_spans() {
                rect.band x=(coordinate(from * WIDTH)) width=(coordinate((to - from) * WIDTH)) height=(height) {}
            }
        }
    }

    /// Shades the excluded spans and marks the stage boundaries.
    pub(super) fn background(&self, height: u32) -> Markup {
        let mut edges: Vec<f64> =
            self.stages.iter().flat_map(|stage| [self.at(stage.from_us), self.at(stage.to_us)]).collect();
        edges.retain(|at| (0.001..0.999).contains(at));
        edges.sort_by(f64::total_cmp);
        edges.dedup();
        let lines: String =
            edges.iter().map(|at| format!("M{} 0V{height}", coordinate(at * WIDTH))).collect();
        html! {
            (self.shades(height))
            @if !lines.is_empty() { path.edge d=(lines) {} }
        }
    }

    /// Returns the legend of the shades.
    pub(super) fn legend(&self) -> Markup {
        let has = |part, count: fn(&TimelineInterval) -> u64| {
            self.stages.iter().any(|stage| stage.part == part)
                || self.timeline.intervals.iter().any(|interval| count(interval) > 0)
        };
        let warm_up = has(StagePart::WarmUp, |interval| interval.warm_up);
        let cool_down = has(StagePart::CoolDown, |interval| interval.cool_down);
        let word = match (warm_up, cool_down) {
            (true, true) => "warm-up and cool-down",
            (true, false) => "warm-up",
            (false, true) => "cool-down",
            (false, false) => return html! {},
        };
        html! { span { (legend_area("band")) (word) } }
    }

    /// Returns a lane per workload with a band per stage.
    pub(super) fn lanes(&self) -> Markup {
        let lanes: Vec<&[StageSummary]> =
            self.stages.chunk_by(|one, other| one.workload == other.workload).collect();
        html! {
            @if !lanes.is_empty() {
                div.lanes role="img" aria-label="Stages; the table below the plot lists them" {
                    @for lane in lanes {
                        div.lane {
                            @if self.several { div.of title=(lane[0].workload) { (lane[0].workload) } }
                            @for stage in lane { (self.band(stage)) }
                        }
                    }
                }
            }
        }
    }

    fn band(&self, stage: &StageSummary) -> Markup {
        let (from, to) = (self.at(stage.from_us), self.at(stage.to_us));
        let part = Some(stage.part.as_str()).filter(|_| stage.part != StagePart::Measured);
        let label =
            [Some(stage.load_text().as_str()), part].into_iter().flatten().collect::<Vec<_>>().join(" · ");
        let style = format!("left:{}%;width:{}%", coordinate(from * 100.0), coordinate((to - from) * 100.0));
        html! {
            @if from < to {
                div.stage.out[stage.part != StagePart::Measured] style=(style) title={ (label) ", " (stage.span()) } { span { (label) } }
            }
        }
    }

    /// Returns the stages as a table.
    pub(super) fn table(&self, all: usize) -> Markup {
        html! {
            @if !self.stages.is_empty() {
                details {
                    summary { "Stages" @if all > self.stages.len() { ", the first " (count(self.stages.len() as u64)) " of " (count(all as u64)) } }
                    div.scroll tabindex="0" role="region" aria-label="Stages" {
                        table.stages {
                            thead { tr {
                                @if self.several { th.left scope="col" { "Workload" } }
                                th scope="col" { "From" } th scope="col" { "To" }
                                th.left scope="col" { "Part" } th scope="col" { "Asks for" }
                            } }
                            tbody {
                                @for stage in self.stages {
                                    tr {
                                        @if self.several { th scope="row" { (stage.workload) } }
                                        td { (tick(stage.from_us)) } td { (tick(stage.to_us)) }
                                        td.left { (stage.part.as_str()) } td { (stage.load_text()) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
