//! Shows the latency of sign-ins: the steps side by side, and the whole distribution.

use maud::{Markup, html};

use super::chart::{Plot, TableRef, Tick, WIDTH, anchor, coordinate, line_path, scale};
use super::icons::{legend_area, legend_line};
use super::step_breakdown;
use crate::report::format::{count, percent, tick, time_or_unknown};
use crate::report::{CurvePoint, Quantiles, Report};

/// The table for the readout of the curve.
const CURVE: &str = "curve";

/// Returns whole sign-ins and their steps, each with its range on one logarithmic scale.
pub(super) fn steps(report: &Report) -> Markup {
    let sign_in = &report.latency.sign_in;
    let rows: Vec<(&str, &Quantiles)> = report.steps().collect();
    let all = rows.iter().map(|(_, quantiles)| *quantiles).chain([&sign_in.intended, &sign_in.service]);
    let all = all.chain(&report.latency.undecided);
    let decades = Decades::around(all);
    html! {
        section {
            h2 { "Steps" }
            p.lead { "Time from request to response, as the client sees it. The time that people need for \
                codes and the warm-up are not included. Logarithmic scale: a dot for p50, a stroke for p99, \
                a thin line to the maximum." }
            div.scroll tabindex="0" role="region" aria-label="Latency by step" {
                table.steps.sortable.stack {
                    thead {
                        tr {
                            th scope="col" { "Step" }
                            th scope="col" { "Count" }
                            th scope="col" { "p50" }
                            th scope="col" { "p90" }
                            th scope="col" { "p99" }
                            th scope="col" { "p99.9" }
                            th scope="col" { "Max" }
                            th.range scope="col" { (decades.header()) }
                        }
                    }
                    tbody {
                        (row(&html! { "Sign-in, intended start" }, "intended", &sign_in.intended, &decades, Some(false)))
                        (row(&html! { "Sign-in, service" }, "service", &sign_in.service, &decades, Some(true)))
                        @if let Some(undecided) = &report.latency.undecided {
                            (row(&html! { "Undecided, until the end" }, "undecided", undecided, &decades, None))
                        }
                        @for (name, quantiles) in rows { (row(&html! { code { (name) } }, name, quantiles, &decades, None)) }
                    }
                }
            }
            (step_breakdown::cascade(report))
            (step_breakdown::multiples(report))
        }
    }
}

fn row(head: &Markup, key: &str, quantiles: &Quantiles, decades: &Decades, whole: Option<bool>) -> Markup {
    html! {
        tr.whole[whole.is_some()].last-whole[whole == Some(true)] data-row=(key) {
            th scope="row" { (head) }
            td data-head="Count" { (count(quantiles.count)) }
            td data-head="p50" { (time_or_unknown(quantiles.p50_us)) }
            td data-head="p90" { (time_or_unknown(quantiles.p90_us)) }
            td data-head="p99" { (time_or_unknown(quantiles.p99_us)) }
            td data-head="p99.9" { (time_or_unknown(quantiles.p999_us)) }
            td data-head="Max" { (time_or_unknown(quantiles.max_us)) }
            td.range { (decades.range(quantiles)) }
        }
    }
}

/// A logarithmic scale from one power of ten, in µs, to another.
struct Decades {
    low: u32,
    high: u32,
}

impl Decades {
    fn around<'a>(all: impl Iterator<Item = &'a Quantiles>) -> Self {
        let (mut low, mut high) = (u64::MAX, 1);
        for quantiles in all {
            low = low.min(quantiles.p50_us.unwrap_or(u64::MAX));
            high = high.max(quantiles.max_us.unwrap_or(1));
        }
        let low = low.clamp(1, high).ilog10();
        let power = high.ilog10();
        let high = if high == 10_u64.pow(power) { power } else { power + 1 };
        Self { low, high: high.max(low + 1) }
    }

    /// Returns the position on the scale as a percentage of its width.
    fn at(&self, us: u64) -> String {
        let log = (us.max(1) as f64).log10();
        let share = (log - f64::from(self.low)) / f64::from(self.high - self.low);
        format!("{}%", coordinate(share.clamp(0.0, 1.0) * 100.0))
    }

    fn header(&self) -> Markup {
        // Labels need space, so with many decades only every second or third has one.
        let every = ((self.high - self.low) as usize).div_ceil(4).max(1);
        html! {
            svg width="100%" height="18" role="img" aria-label="Latency scale: bars from p50 to p99, lines to the maximum" {
                @for power in (self.low..=self.high).step_by(every) {
                    @let us = 10_u64.pow(power);
                    @let anchor = anchor(if power == self.high { 1.0 } else { 0.0 });
                    text x=(self.at(us)) y="12" text-anchor=(anchor) { (tick(us)) }
                }
            }
        }
    }

    /// Draws p50 as a dot, p99 as a stroke, the range between them as a bar, and the maximum as the end of a
    /// thin line.
    fn range(&self, quantiles: &Quantiles) -> Markup {
        let (Some(p50), Some(max)) = (quantiles.p50_us, quantiles.max_us) else { return html! {} };
        let (from, end) = (self.at(p50), self.at(max));
        html! {
            svg width="100%" height="16" aria-hidden="true" {
                @for power in self.low..=self.high {
                    @let x = self.at(10_u64.pow(power));
                    line.grid x1=(x) x2=(x) y1="-10" y2="26" {}
                }
                line.thin x1=(from) x2=(end) y1="8" y2="8" {}
                @if let Some(p99) = quantiles.p99_us {
                    @let to = self.at(p99);
                    line.thick x1=(from) x2=(to) y1="8" y2="8" {}
                    line.stop x1=(to) x2=(to) y1="2" y2="14" {}
                }
                circle.dot cx=(from) cy="8" r="4.5" {}
            }
        }
    }
}

/// Returns the distribution of whole sign-ins; each further nine has the same width.
pub(super) fn curve(report: &Report, baseline: Option<&Report>) -> Markup {
    let curve = &report.latency.sign_in.curve;
    let missing_of = |report: &Report| report.latency.undecided_share().map_or(0.0, |(_, share)| share);
    let missing = missing_of(report);
    let before = baseline.map_or(0.0, missing_of);
    let baseline = baseline.map(|report| report.latency.sign_in.curve.as_slice());
    html! {
        section {
            h2 { "Latency by percentile" }
            p.lead { "Measured from the intended start of a sign-in, and from its actual start. Where the \
                two differ, sign-ins waited before they started." }
            @if let Some((undecided, share)) = report.latency.undecided_share() {
                p.lead { b { (percent(share)) } " of the sign-ins, " (count(undecided)) ", ended without a \
                    decision and have no latency. In the plot they are the shaded part: slower than all others." }
            }
            @if let [.., last] = curve.as_slice() {
                figure {
                    figcaption {
                        b { "Sign-in latency" }
                        span.legend {
                            span { (legend_line("one")) "from the intended start" }
                            span { (legend_line("two")) "from the actual start (service)" }
                            @if baseline.is_some() { span { (legend_line("three")) "baseline, from the intended start" } }
                            @if missing > 0.0 { span { (legend_area("undecided")) "without a decision" } }
                        }
                    }
                    (plot(&of_all(curve, missing), &of_all(baseline.unwrap_or_default(), before), last, missing))
                    (table(curve, last, baseline, missing))
                }
            } @else {
                p.lead { "No sign-in was measured." }
            }
        }
    }
}

/// Moves the points of decided sign-ins to their percentiles of all sign-ins, of which the share `missing`
/// has no decision and counts as the slowest.
fn of_all(curve: &[CurvePoint], missing: f64) -> Vec<CurvePoint> {
    let moved =
        |point: &CurvePoint| CurvePoint { beyond_ppm: beyond_of_all(point.beyond_ppm, missing), ..*point };
    curve.iter().map(moved).collect()
}

fn beyond_of_all(beyond_ppm: u32, missing: f64) -> u32 {
    (1e6 - f64::from(1_000_000 - beyond_ppm) * (1.0 - missing)).round() as u32
}

/// Draws points that [`of_all`] returned, on an axis that ends at `last`.
fn plot(curve: &[CurvePoint], baseline: &[CurvePoint], last: &CurvePoint, missing: f64) -> Markup {
    const HEIGHT: u32 = 260;
    let place_of = places(last);
    // The baseline ends where the report's own curve ends.
    let baseline: Vec<CurvePoint> =
        baseline.iter().copied().filter(|point| point.beyond_ppm >= last.beyond_ppm).collect();
    let both = curve.iter().chain(&baseline);
    let most = both.map(|point| point.intended_us.max(point.service_us)).max().unwrap_or(0);
    let (y, top) = scale(most as f64, 5.0, |us| tick(us as u64));
    let line = |curve: &[CurvePoint], us: fn(&CurvePoint) -> u64| {
        line_path(curve.iter().map(|point| {
            let x = place_of(point.beyond_ppm) * WIDTH;
            Some((x, f64::from(HEIGHT) * (1.0 - us(point) as f64 / top)))
        }))
    };
    let names =
        [(1_000_000, "0"), (500_000, "50"), (100_000, "90"), (10_000, "99"), (1000, "99.9"), (100, "99.99")];
    let x = names
        .into_iter()
        .map(|(beyond_ppm, name)| Tick { at: place_of(beyond_ppm), label: format!("{name} %") })
        .filter(|tick| tick.at <= 1.0)
        .collect();
    let columns = if baseline.is_empty() { "1 2" } else { "1 2 3" };
    let description = format!("{} points; the table below the plot has the numbers.", curve.len());
    let from = place_of(beyond_of_all(0, missing)).clamp(0.0, 1.0) * WIDTH;
    let background = html! {
        @if missing > 0.0 {
            rect.band.undecided x=(coordinate(from)) y="0" width=(coordinate(WIDTH - from)) height=(HEIGHT) {}
        }
    };
    let curves = html! {
        path.line.three d=(line(&baseline, |point| point.intended_us)) {}
        path.line.two d=(line(curve, |point| point.service_us)) {}
        path.line.one d=(line(curve, |point| point.intended_us)) {}
    };
    let (title, table_ref) = ("Sign-in latency by percentile".to_owned(), TableRef::of(CURVE, columns));
    Plot { title, description, table_ref, height: HEIGHT, x, y, background, curves }.draw()
}

/// Returns the axis position of a percentile, 0 to 1; each further nine has the same width, up to `last`.
fn places(last: &CurvePoint) -> impl Fn(u32) -> f64 {
    let nines = |beyond_ppm: u32| 6.0 - f64::from(beyond_ppm.max(1)).log10();
    let reach = nines(last.beyond_ppm).max(0.5);
    move |beyond_ppm| nines(beyond_ppm) / reach
}

fn table(curve: &[CurvePoint], last: &CurvePoint, baseline: Option<&[CurvePoint]>, missing: f64) -> Markup {
    let place_of = places(last);
    let before = |beyond_ppm: u32| {
        let points = baseline.unwrap_or_default();
        points.iter().find(|point| point.beyond_ppm == beyond_ppm).map(|point| point.intended_us)
    };
    html! {
        details {
            summary { "The numbers" }
            div.scroll tabindex="0" role="region" aria-label="Latency by percentile" {
                table id=(CURVE) {
                    thead { tr { th scope="col" { "Percentile" } th scope="col" { "Intended start" } th scope="col" { "Service" } @if baseline.is_some() { th scope="col" { "Baseline, intended start" } } } }
                    tbody {
                        @for point in curve {
                            tr data-at=(format!("{:.3}", place_of(beyond_of_all(point.beyond_ppm, missing)))) {
                                th scope="row" { (f64::from(1_000_000 - point.beyond_ppm) / 1e4) " %" }
                                td { (time_or_unknown(Some(point.intended_us))) }
                                td { (time_or_unknown(Some(point.service_us))) }
                                @if baseline.is_some() { td { (time_or_unknown(before(point.beyond_ppm))) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
