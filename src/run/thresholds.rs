//! Evaluates a scenario's thresholds during a run and at its end.

use std::time::Duration;

use crate::actors::ThresholdAbort;
use crate::metrics::{
    Counter, LoadSpan, Recorder, Statistic, Summary, Timing, Watch, WatchSpec, WindowSpec, WorseDirection,
};
use crate::report::{ThresholdResult, Unit, WorstWindow};
use crate::scenario::{
    self, Comparison, DecisionStat, LatencyStat, Metric, Scenario, Selector, SignInStat, Threshold,
    ThroughputStat,
};
use crate::workload::load_span;
use poolproof_cognito::time::as_us;

/// Minimum number of samples of a ratio in a window. A limit of 0 or 1 needs only one sample.
const MIN_WINDOW_SAMPLES: u64 = 10;

/// Returns the watches of a scenario's thresholds, in order.
pub(super) fn watches(scenario: &Scenario) -> Vec<Watch> {
    let watch_spec = |threshold: &Threshold| WatchSpec {
        statistic: statistic(threshold.metric),
        rule: threshold.selector.rule,
        workload: threshold.selector.workload,
        windows: threshold.window.map(|window| WindowSpec {
            seconds: u32::try_from(window.as_secs()).unwrap_or(u32::MAX),
            worse: match threshold.op {
                Comparison::Less | Comparison::LessOrEqual => WorseDirection::Higher,
                Comparison::Greater | Comparison::GreaterOrEqual => WorseDirection::Lower,
                Comparison::Equal => WorseDirection::FartherFrom(threshold.limit),
            },
            min_samples: min_window_samples(threshold.limit),
            load: load(scenario, threshold.selector.workload),
        }),
    };
    scenario
        .thresholds
        .iter()
        .filter(|threshold| needs_watch(threshold))
        .map(|one| Watch::new(watch_spec(one)))
        .collect()
}

/// Returns when the load of a threshold is on: that of one workload, or of all.
fn load(scenario: &Scenario, of: Option<u16>) -> Vec<LoadSpan> {
    let wanted = |(workload, _): &(u16, _)| of.is_none_or(|of| of == *workload);
    (0..)
        .zip(&scenario.workloads)
        .filter(wanted)
        .map(|(workload, plan)| {
            let (from, until) = load_span(plan);
            LoadSpan { workload, from, until }
        })
        .collect()
}

/// The ratio's fewest samples for this limit: 1/min(limit, 1 − limit). A limit of 0 or 1 needs one.
fn min_ratio_samples(limit: f64) -> u64 {
    let rarer = limit.min(1.0 - limit);
    // Limits have few digits: 0.1 % needs a thousand, and rounding must not add one.
    if rarer > 0.0 { (1.0 / rarer - 1e-6).ceil() as u64 } else { 1 }
}

/// The fewest samples of a window: as above, but at least ten unless one is enough.
fn min_window_samples(limit: f64) -> u64 {
    match min_ratio_samples(limit) {
        1 => 1,
        min_samples => min_samples.max(MIN_WINDOW_SAMPLES),
    }
}

/// Evaluates these thresholds. One without enough samples does not hold.
pub(super) fn evaluate(
    thresholds: &[Threshold],
    recorder: &Recorder,
    abort: Option<ThresholdAbort>,
) -> Vec<ThresholdResult> {
    let summary = recorder.summary();
    let result = |(number, (threshold, watch)): (usize, (&Threshold, Option<&Watch>))| {
        let value = current_value(threshold, watch, &summary);
        ThresholdResult {
            text: threshold.text.clone(),
            value,
            limit: threshold.limit,
            unit: unit(threshold.metric),
            passed: value.is_some_and(|value| threshold.op.holds(value, threshold.limit)),
            window: watch
                .and_then(Watch::worst)
                .map(|seen| WorstWindow { from_us: seen.from_us, to_us: seen.to_us }),
            canceled_at_us: abort.filter(|abort| abort.threshold == number).map(|abort| as_us(abort.elapsed)),
        }
    };
    pair_with_watches(thresholds, recorder).enumerate().map(result).collect()
}

/// Returns the index of the first threshold that cancels the run now. Measuring started at `from`.
pub(super) fn first_to_abort(
    thresholds: &[Threshold],
    recorder: &Recorder,
    elapsed: Duration,
    from: Duration,
) -> Option<usize> {
    let summary = recorder.summary();
    pair_with_watches(thresholds, recorder).position(|(threshold, watch)| {
        threshold.abort && elapsed >= from + threshold.after && is_crossed(threshold, watch, &summary)
    })
}

/// Returns whether the threshold can no longer hold.
fn is_crossed(threshold: &Threshold, watch: Option<&Watch>, summary: &Summary<'_>) -> bool {
    let Threshold { op, limit, window, .. } = *threshold;
    let (value, denominator) = match (window, watch) {
        (Some(_), watch) => (watch.and_then(Watch::latest).map(|seen| seen.value), None),
        (None, Some(watch)) => (watch.value(), watch.denominator()),
        (None, None) => {
            let statistic = statistic(threshold.metric);
            (summary.value(statistic), summary.denominator(statistic))
        }
    };
    let Some(value) = value else { return false };
    let too_few = denominator.is_some_and(|denominator| denominator < min_ratio_samples(limit));
    let still_counts = window.is_none()
        && threshold.metric.unit() == scenario::Unit::Count
        && op == Comparison::Equal
        && value < limit;
    !op.holds(value, limit) && !too_few && !still_counts
}

/// Returns the value of the run, or of its worst window.
fn current_value(threshold: &Threshold, watch: Option<&Watch>, summary: &Summary<'_>) -> Option<f64> {
    if needs_watch(threshold) {
        watch.and_then(Watch::value)
    } else {
        summary.value(statistic(threshold.metric))
    }
}

/// Pairs each threshold with its watch, if it has one.
fn pair_with_watches<'t>(
    thresholds: &'t [Threshold],
    recorder: &'t Recorder,
) -> impl Iterator<Item = (&'t Threshold, Option<&'t Watch>)> {
    let mut watches = recorder.watches().iter();
    thresholds.iter().map(move |threshold| {
        let watch = if needs_watch(threshold) { watches.next() } else { None };
        (threshold, watch)
    })
}

/// Returns whether a threshold needs something that not every run records.
fn needs_watch(threshold: &Threshold) -> bool {
    threshold.window.is_some() || threshold.selector != Selector::default()
}

fn statistic(metric: Metric) -> Statistic {
    match metric {
        Metric::Decisions(DecisionStat::Checked) => Statistic::Count(Counter::Checked),
        Metric::Decisions(DecisionStat::Mismatched) => Statistic::Count(Counter::Mismatched),
        Metric::SignIns(stat) => Statistic::Count(match stat {
            SignInStat::Started => Counter::Started,
            SignInStat::Completed => Counter::Completed,
            SignInStat::Refused => Counter::Refused,
            SignInStat::Abandoned => Counter::Abandoned,
            SignInStat::TransportFailed => Counter::TransportFailed,
        }),
        Metric::SignIn(stat) => time(Timing::Intended, stat),
        Metric::Service(stat) => time(Timing::Service, stat),
        Metric::Lag(stat) => time(Timing::Lag, stat),
        Metric::SignInStep(step, stat) => time(Timing::SignInStep(step), stat),
        Metric::FailedRate => Statistic::Share(Counter::Failed, Counter::Started),
        Metric::RefusedRate => Statistic::Share(Counter::Refused, Counter::Started),
        Metric::ThrottledRate => Statistic::Share(Counter::Throttled, Counter::Requests),
        Metric::DroppedRate => Statistic::Share(Counter::Dropped, Counter::Offered),
        Metric::Throughput(ThroughputStat::Offered) => Statistic::PerSecond(Counter::Offered),
        Metric::Throughput(ThroughputStat::Achieved) => Statistic::PerSecond(Counter::Answered),
    }
}

fn time(timing: Timing, stat: LatencyStat) -> Statistic {
    match stat {
        LatencyStat::Percentile(thousandths) => {
            Statistic::Quantile(timing, f64::from(thousandths) / 100_000.0)
        }
        LatencyStat::Max => Statistic::Quantile(timing, 1.0),
        LatencyStat::Mean => Statistic::Mean(timing),
    }
}

const fn unit(metric: Metric) -> Unit {
    match metric.unit() {
        scenario::Unit::Time => Unit::Us,
        scenario::Unit::Share => Unit::Share,
        scenario::Unit::PerSecond => Unit::PerS,
        scenario::Unit::Count => Unit::Count,
    }
}
