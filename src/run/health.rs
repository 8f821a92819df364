//! Whether figures are valid: the generator kept up, and something was measured.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::actors::ArrivalCounts;
use crate::clock::ClockKind;
use crate::compute::ComputeUsage;
use crate::failure::FailureCause;
use crate::metrics::Summary;
use crate::report::Shortage;
use crate::scenario::{Scenario, WorkloadPlan};
use crate::workload::totp_limit;
use poolproof_cognito::time::as_us;

/// 99 of 100 sign-ins must start within this time of their intended start.
const MAX_START_LAG: Duration = Duration::from_millis(50);
/// 99 of 100 client computations must find a worker within this time.
const MAX_QUEUE_WAIT: Duration = Duration::from_millis(250);
/// This share of arrivals must have started without waiting for a user.
const MIN_ON_TIME_SHARE: f64 = 0.99;

/// Returns what the generator was short of and why the figures are not valid, if so.
pub(super) fn saturated(
    scenario: &Scenario,
    summary: &Summary<'_>,
    client: &ComputeUsage,
    arrival_counts: &BTreeMap<u16, ArrivalCounts>,
) -> Option<(Shortage, String)> {
    let kept_up = |counts: &ArrivalCounts| {
        (counts.asked - counts.dropped - counts.waited) as f64 >= MIN_ON_TIME_SHARE * counts.asked as f64
    };
    if let Some(failed) = summary.failures().get(FailureCause::LocalLimit) {
        let why = format!(
            "{} requests failed at a limit of this machine and not at the target: {}. Raise the limit of open \
                files (`ulimit -n`) or of ports, or lower the rate.",
            failed.requests, failed.example
        );
        return Some((Shortage::Limits, why));
    }
    if let Some((number, ArrivalCounts { asked, waited, waited_for_code, dropped })) =
        arrival_counts.iter().find(|(_, counts)| !kept_up(counts))
    {
        let whose = match scenario.workloads.as_slice() {
            [_] => String::new(),
            plans => plans
                .get(usize::from(*number))
                .map_or_else(String::new, |plan| format!(" of workload {}", plan.name)),
        };
        let codes = match waited_for_code {
            0 => String::new(),
            count => format!(
                " {count} of them waited for the next TOTP code, because a code can be used once: {}.",
                totp_limit(scenario)
            ),
        };
        let why = format!(
            "The generator ran out of users: of {asked} sign-ins{whose}, {waited} waited for an idle user \
                and {dropped} were dropped.{codes} Raise population.users or lower the rate."
        );
        return Some((Shortage::Users, why));
    }
    let clock = scenario.clock;
    if clock == ClockKind::Virtual {
        // Under the virtual clock only users can be late.
        return None;
    }
    let lag = summary.lag().quantile_us(0.99).unwrap_or_default();
    if lag > as_us(MAX_START_LAG) {
        let why = format!(
            "The generator could not keep its schedule: 1 of 100 sign-ins started more than {} ms late. \
                Lower the rate, use more cores, or stop other programs on this machine.",
            lag / 1000
        );
        return Some((Shortage::Cores, why));
    }
    let waited = client.waited_us.value_at_quantile(0.99);
    if waited > as_us(MAX_QUEUE_WAIT) {
        let why = format!(
            "The generator could not keep up: 1 of 100 client computations waited more than {} ms for a \
                core, so the latencies describe the generator and not the pool. Lower the rate, use more cores, \
                or stop other programs on this machine.",
            waited / 1000
        );
        return Some((Shortage::Cores, why));
    }
    None
}

/// Returns the reason if some workloads of a completed run have no measured sign-ins.
pub(super) fn unmeasured(scenario: &Scenario, summary: &Summary<'_>) -> Option<String> {
    let plans = scenario.workloads.as_slice();
    let why: Vec<String> = match (plans, summary.workload_totals()) {
        ([plan], _) if summary.offered() == 0 => {
            vec![unmeasured_reason(plan, "", summary.sign_ins().started)]
        }
        ([_], _) => Vec::new(),
        (plans, workload_totals) => plans
            .iter()
            .zip(workload_totals)
            .filter(|(_, totals)| totals.offered() == 0)
            .map(|(plan, totals)| {
                unmeasured_reason(plan, &format!(" of workload {}", plan.name), totals.sign_ins().started)
            })
            .collect(),
    };
    (!why.is_empty()).then(|| why.join(" "))
}

/// Returns why nothing was measured of a workload that started this many sign-ins.
fn unmeasured_reason(plan: &WorkloadPlan, whose: &str, started: u64) -> String {
    match plan.limits.at_most {
        Some(most) if most <= started => format!(
            "Nothing{whose} was measured: `at_most: {most}` ended the workload during its warm-up. Raise \
                it, or shorten the warm-up."
        ),
        _ => format!(
            "Nothing{whose} was measured: no sign-in was due between warm-up and cool-down. Raise the rate, \
                or measure longer."
        ),
    }
}
