//! Holds what was measured against a scenario's thresholds, at the end of a run and in its course.

use std::time::Duration;

use crate::actors::Cut;
use crate::clock::as_us;
use crate::metrics::{Aim, Counted, Figure, Recorder, Summary, Timed, Watch, Windows, Worse};
use crate::report::{ThresholdResult, Unit, WorstWindow};
use crate::scenario::{
    self, Comparison, DecisionStat, LatencyStat, Metric, Scenario, Selector, SignInStat, Threshold,
    ThroughputStat,
};
use crate::workload::{measured_span, run_measured};

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
            from: span(scenario, threshold).0,
            until: span(scenario, threshold).1,
        }),
    };
    scenario
        .thresholds
        .iter()
        .filter(|threshold| needs_watch(threshold))
        .map(|one| Watch::new(aim(one)))
        .collect()
}

/// Between which moments of the run that is measured which a threshold is of.
fn span(scenario: &Scenario, threshold: &Threshold) -> (Duration, Duration) {
    let of = threshold.of.workload.and_then(|number| scenario.workloads.get(usize::from(number)));
    of.map_or_else(|| run_measured(scenario), measured_span)
}

/// How these thresholds came out. One that cannot be told, for want of samples, does not hold.
pub(super) fn evaluate(
    thresholds: &[Threshold],
    recorder: &Recorder,
    cut: Option<Cut>,
) -> Vec<ThresholdResult> {
    let summary = recorder.judged();
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
    let summary = recorder.judged();
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
    // Of so few that a single one is more than the limit, none decides.
    let too_few = among.is_some_and(|among| limit > 0.0 && (among as f64) * limit < 1.0);
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
