//! Evaluates whether a run at a rate meets the objectives.

use super::model::{Figures, Reason};
use super::runner::MIN_SIGN_INS;
use crate::failure::FailureCause;
use crate::report::{Failures, Report, Shortage};

/// A run keeps up if it answers at least this share of the due sign-ins within their time.
const MIN_ACHIEVED: f64 = 0.99;
/// If more than this share of the users wait for the pool at any moment, the pool is the reason that no user
/// is idle.
const MAX_WAITING: f64 = 0.25;
/// The random arrivals may yield slightly fewer sign-ins than a level needs.
const MIN_SAMPLE_SHARE: f64 = 0.9;
/// Fewest intervals for a latency trend.
const MIN_INTERVALS: usize = 5;

/// The result of a run: its figures and the reasons against it. A run without reasons passed.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct LevelResult {
    pub(super) figures: Figures,
    pub(super) reasons: Vec<Reason>,
}

/// Evaluates a run with this number of users, whose thresholds are the objectives.
pub(super) fn evaluate_level(report: &Report, users: u32) -> LevelResult {
    let latency_growth = latency_growth(report);
    let mut reasons = Vec::new();
    if report.decisions.mismatched > 0 {
        reasons.push(Reason::Mismatched { count: report.decisions.mismatched });
    }
    if report.partial {
        reasons.push(Reason::Interrupted);
    }
    if let Some((why, short_of)) = report.generator.saturated.clone().zip(report.generator.short_of) {
        reasons.push(match short_of {
            Shortage::Users if users_in_flight(report) > MAX_WAITING * f64::from(users) => {
                Reason::AllWait { users: users.into() }
            }
            _ => Reason::Generator { why, short_of },
        });
    }
    let measured_sign_ins = due_sign_ins(report) - report.sign_ins.warm_up;
    if (measured_sign_ins as f64) < MIN_SAMPLE_SHARE * f64::from(MIN_SIGN_INS) && !report.partial {
        reasons.push(Reason::TooFew { sign_ins: measured_sign_ins, needed: MIN_SIGN_INS.into() });
    }
    let dropped = report.thresholds.iter().filter(|threshold| !threshold.passed);
    reasons.extend(dropped.map(|threshold| Reason::Objective {
        text: threshold.text.clone(),
        value: threshold.value,
        unit: threshold.unit,
    }));
    let part =
        |count: u64| if due_sign_ins(report) == 0 { 0.0 } else { count as f64 / due_sign_ins(report) as f64 };
    let lost = part(report.sign_ins.transport_failed);
    // A limit of this machine and a queue at the end of the level are not the silence of a target.
    let explained =
        |failures: &&Failures| failures.cause.is_local() || failures.cause == FailureCause::Unfinished;
    let explained: u64 = report.failures.iter().filter(explained).map(|failures| failures.sign_ins).sum();
    let lost = lost - part(explained);
    if lost > 1.0 - MIN_ACHIEVED {
        reasons.push(Reason::NoAnswer { share: lost });
    }
    let decided = part(report.sign_ins.answered());
    if decided + lost < MIN_ACHIEVED {
        reasons.push(Reason::Unanswered { share: 1.0 - decided - lost });
    }
    // If a second of load takes longer than a second, the sign-ins of each second wait longer than those
    // before.
    if let Some(us_per_s) =
        latency_growth.filter(|latency_growth| latency_growth / 1e6 > 1.0 / MIN_ACHIEVED - 1.0)
    {
        reasons.push(Reason::FallsBehind { us_per_s: us_per_s.round() as u64 });
    }
    let sign_in = &report.latency.sign_in.intended;
    LevelResult {
        figures: Figures {
            offered_per_s: report.throughput.offered_per_s,
            achieved_per_s: report.throughput.achieved_per_s,
            p50_us: sign_in.p50_us,
            p90_us: sign_in.p90_us,
            p99_us: sign_in.p99_us,
            max_us: sign_in.max_us,
            latency_growth_us_per_s: latency_growth.map(|latency_growth| latency_growth.round() as i64),
            client_us_per_sign_in: report.cpu.client_us_per_sign_in,
            server_us_per_sign_in: report.cpu.server_us_per_sign_in,
        },
        reasons,
    }
}

/// Returns the mean number of users who wait for the pool, by Little's law with the median instead of the
/// mean.
fn users_in_flight(report: &Report) -> f64 {
    let each = report.latency.sign_in.service.p50_us.unwrap_or_default() as f64 / 1e6;
    report.throughput.achieved_per_s.unwrap_or_default() * each
}

/// Returns the number of due sign-ins, warm-up included.
const fn due_sign_ins(report: &Report) -> u64 {
    report.sign_ins.started + report.sign_ins.unfinished + report.generator.dropped
}

/// Returns the growth of the median latency in µs per second of the measured part: the median of the slopes
/// between all pairs of intervals (Theil and Sen), which is robust to outliers. `None` if there are too few
/// intervals.
///
/// In an open workload this shows how fast the pool falls behind. A pool that answers 99 of 100 due sign-ins
/// has a queue that grows by 10 ms per second.
fn latency_growth(report: &Report) -> Option<f64> {
    let width_s = report.timeline.interval_us as f64 / 1e6;
    let medians: Vec<(f64, f64)> = (0..)
        .zip(&report.timeline.intervals)
        .filter(|(_, interval)| interval.warm_up == 0)
        .filter_map(|(place, interval)| Some((f64::from(place) * width_s, interval.p50_us? as f64)))
        .collect();
    if medians.len() < MIN_INTERVALS {
        return None;
    }
    let mut slopes: Vec<f64> = Vec::new();
    for (at, (x, y)) in medians.iter().enumerate() {
        slopes.extend(medians[at + 1..].iter().map(|(later, higher)| (higher - y) / (later - x)));
    }
    slopes.sort_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied()
}
