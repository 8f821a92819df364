//! Writes the histograms of a run in HdrHistogram's formats: an interval log and percentile distributions.
//!
//! They come from the measurements, because `report.json` has only some quantiles.

use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use super::Report;
use crate::clock::ClockKind;
use crate::metrics::{Latencies, Snapshot};
use poolproof_cognito::protocol::SignInStep;
use poolproof_cognito::time::Timestamp;

/// Lines of a percentile distribution per halving of the distance to 100 %.
const TICKS_PER_HALF: u32 = 5;
/// Values are in µs, and shown in ms.
const US_PER_MS: f64 = 1e3;

/// The measurements of a run and its start.
#[derive(Clone, Copy, Debug)]
pub struct MeasuredRun<'m> {
    /// The histograms.
    pub snapshot: &'m Snapshot,
    /// The moment at which the run's time started.
    pub started: Timestamp,
}

/// Returns the interval log (HdrHistogram's V2, compressed): one line per interval of the timeline, and one
/// with `Tag=STEP` per step in it. Values are in µs, within 1 %, without warm-up; an interval covers the
/// sign-ins intended to start in it. Under the virtual clock time starts at 0.
pub fn interval_log(report: &Report, measured: MeasuredRun<'_>) -> String {
    let mut bytes = Vec::new();
    // Writing to memory cannot fail, and every histogram here can be serialized.
    let _ = log_into(&mut bytes, report, measured);
    String::from_utf8(bytes).unwrap_or_default()
}

fn log_into(
    out: &mut Vec<u8>,
    report: &Report,
    measured: MeasuredRun<'_>,
) -> Result<(), Box<dyn std::error::Error>> {
    let started = match report.clock {
        ClockKind::Wall => measured.started,
        ClockKind::Virtual => Timestamp::default(),
    };
    let mut serializer = V2DeflateSerializer::new();
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment("[Logged by poolproof]")
        .add_comment("[Histogram log format version 1.3]")
        .add_comment(
            "[Latency of sign-ins from their intended start, and of each step with a tag; values \
            in us, Interval_Max in ms]",
        )
        .with_start_time(started.as_system_time())
        .with_max_value_divisor(US_PER_MS)
        .begin_log_with(out, &mut serializer)?;
    let timeline = measured.snapshot.summary().timeline();
    let width = Duration::from_micros(timeline.width_us());
    for (index, interval) in timeline.intervals().iter().enumerate() {
        let start = width.saturating_mul(u32::try_from(index).unwrap_or(u32::MAX));
        if let Some(latency) = &interval.latency {
            log.write_histogram(latency.histogram(), start, width, None)?;
        }
        for (step, counts) in &interval.steps {
            log.write_histogram(counts.latencies().histogram(), start, width, Tag::new(step.as_str()))?;
        }
    }
    Ok(())
}

/// Returns the percentile distributions with their file names: of sign-ins from the intended start, and of
/// each step, and of sign-ins without a decision if there are any.
pub fn distributions(measured: MeasuredRun<'_>) -> Vec<(String, String)> {
    let summary = measured.snapshot.summary();
    let mut files = vec![(distribution_name(None), distribution(summary.intended()))];
    for step in SignInStep::ALL.iter().copied() {
        if let Some(latencies) = summary.step(step) {
            files.push((distribution_name(Some(step)), distribution(latencies)));
        }
    }
    if summary.undecided().count() > 0 {
        files.push((UNDECIDED_NAME.to_owned(), distribution(summary.undecided())));
    }
    files
}

/// The distribution of sign-ins without a decision, from the intended start to their end.
pub(super) const UNDECIDED_NAME: &str = "latency.undecided.hgrm";

/// `latency.hgrm`, `latency.MFA.hgrm`.
pub(super) fn distribution_name(step: Option<SignInStep>) -> String {
    step.map_or_else(|| "latency.hgrm".to_owned(), |step| format!("latency.{step}.hgrm"))
}

/// Returns a distribution in the format of `outputPercentileDistribution`, in ms.
fn distribution(latencies: &Latencies) -> String {
    let histogram = latencies.histogram();
    let ms = |us: u64| us as f64 / US_PER_MS;
    let mut out =
        format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    let mut total = 0;
    for point in histogram.iter_quantiles(TICKS_PER_HALF) {
        total += point.count_since_last_iteration();
        let (value, quantile) = (ms(point.value_iterated_to()), point.quantile_iterated_to());
        let _ = write!(out, "{value:12.3} {quantile:.12} {total:10}");
        // No value is beyond the longest, so the last line has no number there.
        let _ =
            if quantile < 1.0 { writeln!(out, " {:14.2}", 1.0 / (1.0 - quantile)) } else { writeln!(out) };
    }
    let (mean, deviation) = (histogram.mean() / US_PER_MS, histogram.stdev() / US_PER_MS);
    let _ = writeln!(out, "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]");
    let (max, count) = (ms(if histogram.is_empty() { 0 } else { histogram.max() }), histogram.len());
    let _ = writeln!(out, "#[Max     = {max:12.3}, Total count    = {count:12}]");
    // Number of buckets for the histogram's range, each with 2,048 sub-buckets for three figures.
    let sub_buckets = 1_u64 << (64 - (2 * 10_u64.pow(histogram.sigfig().into()) - 1).leading_zeros());
    let buckets = 64 - (histogram.high() / sub_buckets).leading_zeros() + 1;
    let _ = writeln!(out, "#[Buckets = {buckets:12}, SubBuckets     = {sub_buckets:12}]");
    out
}
