//! Holds what was measured against a scenario's thresholds.

use crate::metrics::{Latencies, Summary};
use crate::report::{ThresholdResult, Unit};
use crate::scenario::{self, DecisionStat, LatencyStat, Metric, SignInStat, Threshold, ThroughputStat};

/// How this threshold came out. One that cannot be told, for want of samples, does not hold.
pub(super) fn evaluate(threshold: &Threshold, summary: &Summary<'_>) -> ThresholdResult {
    let value = value(threshold.metric, summary);
    ThresholdResult {
        text: threshold.text.clone(),
        value,
        limit: threshold.limit,
        unit: unit(threshold.metric),
        passed: value.is_some_and(|value| threshold.op.holds(value, threshold.limit)),
    }
}

fn value(metric: Metric, summary: &Summary<'_>) -> Option<f64> {
    let sign_ins = summary.sign_ins();
    match metric {
        Metric::Decisions(DecisionStat::Checked) => Some(summary.decisions().checked() as f64),
        // Where nothing was checked, nothing has been shown to agree.
        Metric::Decisions(DecisionStat::Mismatched) => {
            let decisions = summary.decisions();
            (decisions.checked() > 0).then_some(decisions.mismatched() as f64)
        }
        Metric::SignIns(stat) => Some(match stat {
            SignInStat::Started => sign_ins.started,
            SignInStat::Completed => sign_ins.completed,
            SignInStat::Refused => sign_ins.refused,
            SignInStat::Abandoned => sign_ins.abandoned,
            SignInStat::TransportFailed => sign_ins.transport_failed,
        } as f64),
        Metric::SignIn(stat) => figure(summary.intended(), stat),
        Metric::Step(step, stat) => summary.step(step).and_then(|latencies| figure(latencies, stat)),
        Metric::FailedRate => summary.failed_share(),
        Metric::RefusedRate => summary.refused_share(),
        Metric::ThrottledRate => summary.throttled_share(),
        Metric::Throughput(ThroughputStat::Offered) => summary.offered_per_s(),
        Metric::Throughput(ThroughputStat::Achieved) => summary.achieved_per_s(),
    }
}

fn figure(latencies: &Latencies, stat: LatencyStat) -> Option<f64> {
    let us = match stat {
        LatencyStat::P50 => latencies.quantile_us(0.5),
        LatencyStat::P90 => latencies.quantile_us(0.9),
        LatencyStat::P95 => latencies.quantile_us(0.95),
        LatencyStat::P99 => latencies.quantile_us(0.99),
        LatencyStat::P999 => latencies.quantile_us(0.999),
        LatencyStat::Max => latencies.max_us(),
        LatencyStat::Mean => return latencies.mean_us(),
    };
    us.map(|us| us as f64)
}

const fn unit(metric: Metric) -> Unit {
    match metric.unit() {
        scenario::Unit::Time => Unit::Us,
        scenario::Unit::Share => Unit::Share,
        scenario::Unit::PerSecond => Unit::PerS,
        scenario::Unit::Count => Unit::Count,
    }
}
