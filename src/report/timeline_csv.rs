//! Writes the timeline of a run as CSV for spreadsheets and plots, one line for each interval.

use super::markup::csv as field;
use super::{Report, TimelineInterval};

const HEADER: &str = "scenario,start_s,length_s,offered,warm_up,cool_down,dropped,unfinished,completed,refused,failed,p50_us,p99_us,max_us";

/// Renders the intervals with a header line (RFC 4180). Four columns count the sign-ins of `offered` that
/// were warm-up, were cool-down, could not start, or had not ended when the run was canceled. Latencies are
/// those of measured sign-ins. Unknown values are empty fields.
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
