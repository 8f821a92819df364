//! Holds what was measured against a scenario's thresholds, at the end of a run and in its course.

use std::time::Duration;

use crate::actors::Cut;
use crate::metrics::{Aim, Counted, Figure, Recorder, Span, Summary, Timed, Watch, Windows, Worse};
use crate::report::{ThresholdResult, Unit, WorstWindow};
use crate::scenario::{
    self, Comparison, DecisionStat, LatencyStat, Metric, Scenario, Selector, SignInStat, Threshold,
    ThroughputStat,
};
use crate::workload::load_span;
use poolproof_cognito::time::as_us;

/// A window's share is one of at least so many, unless a single one decides.
const LEAST_IN_A_WINDOW: u64 = 10;

/// The watches that a scenario's thresholds need, in their order.
pub(super) fn watches(scenario: &Scenario) -> Vec<Watch> {
    let aim = |threshold: &Threshold| Aim {
        figure: figure(threshold.metric),
        rule: threshold.of.rule,
        workload: threshold.of.workload,
        windows: threshold.window.map(|window| Windows {
            seconds: u32::try_from(window.as_secs()).unwrap_or(u32::MAX),
            worse: match threshold.op {
                Comparison::Less | Comparison::LessOrEqual => Worse::Higher,
                Comparison::Greater | Comparison::GreaterOrEqual => Worse::Lower,
                Comparison::Equal => Worse::FartherFrom(threshold.limit),
            },
            least: least_in_a_window(threshold.limit),
            load: load(scenario, threshold.of.workload),
        }),
    };
    scenario
        .thresholds
        .iter()
        .filter(|threshold| needs_watch(threshold))
        .map(|one| Watch::new(aim(one)))
        .collect()
}

/// When the load is on that a threshold looks at: that of one workload, or of all.
fn load(scenario: &Scenario, of: Option<u16>) -> Vec<Span> {
    let wanted = |(workload, _): &(u16, _)| of.is_none_or(|of| of == *workload);
    (0..)
        .zip(&scenario.workloads)
        .filter(wanted)
        .map(|(workload, plan)| {
            let (from, until) = load_span(plan);
            Span { workload, from, until }
        })
        .collect()
}

/// Of how many a share is told that is held against `limit`: a single one is not to be more than the limit, nor than what is
/// left to all. Nothing or all of however few is what it is.
fn least_to_say(limit: f64) -> u64 {
    let rarer = limit.min(1.0 - limit);
    // A share is written with few digits: 0.1 % takes a thousand, and not one more for what binary fractions miss.
    if rarer > 0.0 { (1.0 / rarer - 1e-6).ceil() as u64 } else { 1 }
}

/// The same in a window, of which there are many, and some have few: not less than ten.
fn least_in_a_window(limit: f64) -> u64 {
    match least_to_say(limit) {
        1 => 1,
        least => least.max(LEAST_IN_A_WINDOW),
    }
}

/// How these thresholds came out. One that cannot be told, for want of samples, does not hold.
pub(super) fn evaluate(
    thresholds: &[Threshold],
    recorder: &Recorder,
    cut: Option<Cut>,
) -> Vec<ThresholdResult> {
    let summary = recorder.summary();
    let result = |(number, (threshold, watch)): (usize, (&Threshold, Option<&Watch>))| {
        let value = so_far(threshold, watch, &summary);
        ThresholdResult {
            text: threshold.text.clone(),
            value,
            limit: threshold.limit,
            unit: unit(threshold.metric),
            passed: value.is_some_and(|value| threshold.op.holds(value, threshold.limit)),
            window: watch
                .and_then(Watch::worst)
                .map(|seen| WorstWindow { from_us: seen.from_us, to_us: seen.to_us }),
            cut_at_us: cut.filter(|cut| cut.threshold == number).map(|cut| as_us(cut.elapsed)),
        }
    };
    paired(thresholds, recorder).enumerate().map(result).collect()
}

/// The number of the first threshold that is to cut the run short now. What is measured began at `from`.
pub(super) fn broken(
    thresholds: &[Threshold],
    recorder: &Recorder,
    elapsed: Duration,
    from: Duration,
) -> Option<usize> {
    let summary = recorder.summary();
    paired(thresholds, recorder).position(|(threshold, watch)| {
        threshold.abort && elapsed >= from + threshold.after && is_broken(threshold, watch, &summary)
    })
}

/// Whether nothing that is still to come can, or should, make this threshold hold.
fn is_broken(threshold: &Threshold, watch: Option<&Watch>, summary: &Summary<'_>) -> bool {
    let Threshold { op, limit, window, .. } = *threshold;
    let (value, among) = match (window, watch) {
        (Some(_), watch) => (watch.and_then(Watch::latest).map(|seen| seen.value), None),
        (None, Some(watch)) => (watch.value(), watch.among()),
        (None, None) => {
            let figure = figure(threshold.metric);
            (summary.value(figure), summary.among(figure))
        }
    };
    let Some(value) = value else { return false };
    let too_few = among.is_some_and(|among| among < least_to_say(limit));
    let still_counts = window.is_none()
        && threshold.metric.unit() == scenario::Unit::Count
        && op == Comparison::Equal
        && value < limit;
    !op.holds(value, limit) && !too_few && !still_counts
}

/// The figure of the run, or of its worst window.
fn so_far(threshold: &Threshold, watch: Option<&Watch>, summary: &Summary<'_>) -> Option<f64> {
    if needs_watch(threshold) {
        watch.and_then(Watch::value)
    } else {
        summary.value(figure(threshold.metric))
    }
}

/// Each threshold with its watch, if it has one.
fn paired<'t>(
    thresholds: &'t [Threshold],
    recorder: &'t Recorder,
) -> impl Iterator<Item = (&'t Threshold, Option<&'t Watch>)> {
    let mut watches = recorder.watches().iter();
    thresholds.iter().map(move |threshold| {
        let watch = if needs_watch(threshold) { watches.next() } else { None };
        (threshold, watch)
    })
}

/// Whether a threshold asks for something that is not recorded of every run.
fn needs_watch(threshold: &Threshold) -> bool {
    threshold.window.is_some() || threshold.of != Selector::default()
}

const fn figure(metric: Metric) -> Figure {
    match metric {
        Metric::Decisions(DecisionStat::Checked) => Figure::Count(Counted::Checked),
        Metric::Decisions(DecisionStat::Mismatched) => Figure::Count(Counted::Mismatched),
        Metric::SignIns(stat) => Figure::Count(match stat {
            SignInStat::Started => Counted::Started,
            SignInStat::Completed => Counted::Completed,
            SignInStat::Refused => Counted::Refused,
            SignInStat::Abandoned => Counted::Abandoned,
            SignInStat::TransportFailed => Counted::TransportFailed,
        }),
        Metric::SignIn(stat) => time(Timed::Intended, stat),
        Metric::Service(stat) => time(Timed::Service, stat),
        Metric::Lag(stat) => time(Timed::Lag, stat),
        Metric::Step(step, stat) => time(Timed::Step(step), stat),
        Metric::FailedRate => Figure::Share(Counted::Failed, Counted::Started),
        Metric::RefusedRate => Figure::Share(Counted::Refused, Counted::Started),
        Metric::ThrottledRate => Figure::Share(Counted::Throttled, Counted::Requests),
        Metric::OfferedMissedRate => Figure::Share(Counted::Missed, Counted::Offered),
        Metric::Throughput(ThroughputStat::Offered) => Figure::PerSecond(Counted::Offered),
        Metric::Throughput(ThroughputStat::Achieved) => Figure::PerSecond(Counted::Answered),
    }
}

const fn time(timed: Timed, stat: LatencyStat) -> Figure {
    let quantile = match stat {
        LatencyStat::P50 => 0.5,
        LatencyStat::P90 => 0.9,
        LatencyStat::P95 => 0.95,
        LatencyStat::P99 => 0.99,
        LatencyStat::P999 => 0.999,
        LatencyStat::Max => 1.0,
        LatencyStat::Mean => return Figure::Mean(timed),
    };
    Figure::Quantile(timed, quantile)
}

const fn unit(metric: Metric) -> Unit {
    match metric.unit() {
        scenario::Unit::Time => Unit::Us,
        scenario::Unit::Share => Unit::Share,
        scenario::Unit::PerSecond => Unit::PerS,
        scenario::Unit::Count => Unit::Count,
    }
}
