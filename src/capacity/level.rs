//! Whether a run at a rate keeps what was asked for.

use super::model::{Figures, Reason};
use super::runner::MIN_SIGN_INS;
use crate::report::{Report, Shortage};

/// A run keeps up when it answers at least this share of what was asked for in the time in which it was asked
/// for.
const MIN_ACHIEVED: f64 = 0.99;
/// Where more of the users than this share wait for the pool at any moment, it is the pool that nobody is
/// free for.
const MAX_WAITING: f64 = 0.25;
/// Chance may bring a little less than the sign-ins that it takes to tell.
const MIN_SAMPLE_SHARE: f64 = 0.9;
/// A trend of the latency takes this many intervals.
const MIN_INTERVALS: usize = 5;

/// How a run came out: what it showed, and what speaks against it. One without reasons passed.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct LevelResult {
    pub(super) figures: Figures,
    pub(super) reasons: Vec<Reason>,
}

/// Judges a run of so many users whose thresholds are the objectives.
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
    if lost > 1.0 - MIN_ACHIEVED {
        reasons.push(Reason::NoAnswer { share: lost });
    }
    let decided = part(report.sign_ins.answered());
    if decided + lost < MIN_ACHIEVED {
        reasons.push(Reason::Unanswered { share: 1.0 - decided - lost });
    }
    // Where a second of load takes longer than a second, each second's sign-ins wait that much longer than
    // those before.
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

/// How many users were waiting for the pool, and not typing, at any moment: their number by Little's law,
/// with the median for the mean.
fn users_in_flight(report: &Report) -> f64 {
    let each = report.latency.sign_in.service.p50_us.unwrap_or_default() as f64 / 1e6;
    report.throughput.achieved_per_s.unwrap_or_default() * each
}

/// Sign-ins asked for, warm-up too.
const fn due_sign_ins(report: &Report) -> u64 {
    report.sign_ins.started + report.generator.dropped
}

/// By how many µs the median latency grows with each second of the measured part: the median of the slopes
/// between all pairs of intervals (Theil and Sen), which a few odd intervals cannot turn. `None` where there
/// are too few.
///
/// In an open workload this is how far the pool falls behind: a pool that answers 99 of 100 sign-ins in the
/// time in which they come has a queue that grows by 10 ms each second.
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
