//! What the threads that compute had to do over the run: how busy they were, and how much waited for them.

use maud::{Markup, html};

use super::bands::Bands;
use super::chart::{Plot, Reads, numbers, scale, stairs, times};
use super::marks::sample;
use crate::report::format::{count, number, tick, time};
use crate::report::{IntervalLoad, Timeline};

/// Pixels that each plot is high.
const HEIGHT: u32 = 90;
/// The table that the plots are read out of.
const TABLE: &str = "load";

/// Two small plots and their numbers; nothing by the virtual clock, where work takes no time.
pub(super) fn figure(timeline: &Timeline, bands: &Bands<'_>) -> Markup {
    let loads: Option<Vec<IntervalLoad>> = timeline.intervals.iter().map(|interval| interval.load).collect();
    let Some(loads) = loads.filter(|loads| !loads.is_empty()) else { return html! {} };
    let interval_us = timeline.interval_us.max(1) as f64;
    let cores = Course {
        title: "Cores busy over time",
        columns: "1 2",
        client: loads.iter().map(|load| load.client_cpu_us as f64 / interval_us).collect(),
        pool: loads.iter().map(|load| load.server_cpu_us as f64 / interval_us).collect(),
    };
    let waiting = Course {
        title: "Jobs that waited at once over time",
        columns: "3 4",
        client: loads.iter().map(|load| load.client_queue as f64).collect(),
        pool: loads.iter().map(|load| load.server_queue as f64).collect(),
    };
    html! {
        figure {
            figcaption {
                b { "The threads that compute" }
                span.legend { span { (sample("one")) "pool" } span { (sample("two")) "clients" } }
            }
            div.multiples.two {
                div { p.name { "Cores busy" } (cores.draw(timeline, bands)) }
                div { p.name { "Jobs that waited at once, at most" } (waiting.draw(timeline, bands)) }
            }
            (table(timeline, &loads))
        }
    }
}

/// A figure of both sides, interval by interval.
struct Course {
    title: &'static str,
    columns: &'static str,
    client: Vec<f64>,
    pool: Vec<f64>,
}

impl Course {
    fn draw(&self, timeline: &Timeline, bands: &Bands<'_>) -> Markup {
        let most = self.client.iter().chain(&self.pool).fold(0.0, |most: f64, one| most.max(*one));
        let (y, top) = scale(most, 2.0, number);
        let line = |values: &[f64]| {
            let heights: Vec<f64> =
                values.iter().map(|value| f64::from(HEIGHT) * (1.0 - value / top)).collect();
            stairs(&heights)
        };
        Plot {
            title: self.title.to_owned(),
            told: "The table below has the numbers.".to_owned(),
            reads: Reads::of(TABLE, self.columns),
            height: HEIGHT,
            x: times(timeline, 3),
            y,
            behind: bands.shades(HEIGHT),
            curves: html! {
                path.line.two d=(line(&self.client)) {}
                path.line.one d=(line(&self.pool)) {}
            },
        }
        .draw()
    }
}

fn table(timeline: &Timeline, loads: &[IntervalLoad]) -> Markup {
    let rows = loads.iter().enumerate().map(|(index, load)| {
        let from = tick(timeline.interval_us.saturating_mul(index as u64));
        let waited = [load.client_queue, load.server_queue].map(|jobs| count(jobs as u64));
        let [client, server] = waited;
        (None, vec![from, time(load.client_cpu_us), time(load.server_cpu_us), client, server])
    });
    html! {
        details.long {
            summary { "The numbers, interval by interval" }
            div.scroll tabindex="0" role="region" aria-label="The threads that compute by interval" {
                table id=(TABLE) {
                    thead { tr {
                        @for head in ["From", "CPU, clients", "CPU, pool", "Waiting, clients", "Waiting, pool"] { th scope="col" { (head) } }
                    } }
                    tbody { (numbers(rows)) }
                }
            }
        }
    }
}
