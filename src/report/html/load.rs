//! Shows the load of the worker threads over the run: CPU use and queue length.

use maud::{Markup, html};

use super::bands::StageBands;
use super::chart::{Plot, TableRef, midpoint_line_path, number_rows, scale, times};
use super::icons::legend_line;
use crate::report::format::{UNKNOWN, count, number, tick, time};
use crate::report::{IntervalLoad, Timeline};

/// Height of each plot in pixels.
const HEIGHT: u32 = 90;
/// The table for the readout of the plots.
const TABLE: &str = "load";

/// Returns two small plots of the load of the worker threads, and their numbers. Empty under the virtual
/// clock, where work takes no time.
pub(super) fn figure(timeline: &Timeline, bands: &StageBands<'_>) -> Markup {
    if timeline.intervals.iter().all(|interval| interval.load.is_none()) {
        return html! {};
    }
    let interval_us = timeline.interval_us.max(1) as f64;
    let of = |figure: &dyn Fn(&IntervalLoad) -> f64| {
        timeline.intervals.iter().map(|interval| interval.load.as_ref().map(figure)).collect()
    };
    let cores = LoadSeries {
        title: "Cores busy over time",
        columns: "1 2",
        client: of(&|load| load.client_cpu_us as f64 / interval_us),
        pool: of(&|load| load.server_cpu_us as f64 / interval_us),
    };
    let waiting = LoadSeries {
        title: "Waiting jobs over time",
        columns: "3 4",
        client: of(&|load| load.client_queue as f64),
        pool: of(&|load| load.server_queue as f64),
    };
    html! {
        figure {
            figcaption {
                b { "Worker threads" }
                span.legend { span { (legend_line("one")) "pool" } span { (legend_line("two")) "clients" } }
            }
            div.multiples.two {
                div { p.name { "Cores busy" } (cores.draw(timeline, bands)) }
                div { p.name { "Maximum of jobs waiting at once" } (waiting.draw(timeline, bands)) }
            }
            (table(timeline))
        }
    }
}

/// A series of both sides per interval; `None` where there is no measurement.
struct LoadSeries {
    title: &'static str,
    columns: &'static str,
    client: Vec<Option<f64>>,
    pool: Vec<Option<f64>>,
}

impl LoadSeries {
    fn draw(&self, timeline: &Timeline, bands: &StageBands<'_>) -> Markup {
        let known = self.client.iter().chain(&self.pool).flatten();
        let (y, top) = scale(known.fold(0.0, |most: f64, one| most.max(*one)), 2.0, number);
        let line = |values: &[Option<f64>]| midpoint_line_path(values, top, HEIGHT);
        Plot {
            title: self.title.to_owned(),
            description: "The table below has the numbers.".to_owned(),
            table_ref: TableRef::of(TABLE, self.columns),
            height: HEIGHT,
            x: times(timeline, 3),
            y,
            background: bands.shades(HEIGHT),
            curves: html! {
                path.line.two d=(line(&self.client)) {}
                path.line.one d=(line(&self.pool)) {}
            },
        }
        .draw()
    }
}

fn table(timeline: &Timeline) -> Markup {
    let rows = timeline.intervals.iter().enumerate().map(|(index, interval)| {
        let mut cells = vec![tick(timeline.interval_us.saturating_mul(index as u64))];
        cells.extend(match interval.load {
            Some(load) => {
                let [client, server] = [load.client_queue, load.server_queue].map(|jobs| count(jobs as u64));
                [time(load.client_cpu_us), time(load.server_cpu_us), client, server]
            }
            None => [UNKNOWN; 4].map(str::to_owned),
        });
        (None, cells)
    });
    html! {
        details.long {
            summary { "CPU time and waiting jobs of the threads, by interval" }
            div.scroll tabindex="0" role="region" aria-label="Worker threads by interval" {
                table id=(TABLE) {
                    thead { tr {
                        @for head in ["From", "CPU, clients", "CPU, pool", "Waiting, clients", "Waiting, pool"] { th scope="col" { (head) } }
                    } }
                    tbody { (number_rows(rows)) }
                }
            }
        }
    }
}
