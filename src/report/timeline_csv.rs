//! The course of a run as CSV, one line for each interval, for spreadsheets and plots.

use super::markup::csv as field;
use super::{Report, TimelineInterval};

const HEADER: &str = "scenario,start_s,length_s,offered,warm_up,cool_down,dropped,unfinished,completed,refused,failed,p50_us,p99_us,max_us";

/// The intervals with a header line (RFC 4180). Of the sign-ins `offered` in an interval, which were meant to
/// start in it, four columns tell which were warm-up or cool-down, could not start, or had not ended when the
/// run was cut short. Latencies are of those measured; where nothing can be said, the field is empty.
pub fn timeline_csv(report: &Report) -> String {
    let timeline = &report.timeline;
    let name = field(&report.scenario.name);
    let seconds = |us: u64| us as f64 / 1e6;
    let length = seconds(timeline.interval_us);
    let mut text = format!("{HEADER}\r\n");
    for (index, interval) in timeline.intervals.iter().enumerate() {
        let start = seconds((index as u64).saturating_mul(timeline.interval_us));
        let mut fields = vec![name.clone(), start.to_string(), length.to_string()];
        let TimelineInterval { offered, warm_up, cool_down, dropped, unfinished, .. } = *interval;
        let TimelineInterval { completed, refused, failed, .. } = *interval;
        let counts = [offered, warm_up, cool_down, dropped, unfinished, completed, refused, failed];
        fields.extend(counts.map(|count| count.to_string()));
        let times = [interval.p50_us, interval.p99_us, interval.max_us];
        fields.extend(times.map(|us| us.map_or_else(String::new, |us| us.to_string())));
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    }
    text
}
