//! Decides whether a run passed, and why.

use super::failures::{local, target_causes};
use super::format::{Unit, count, measured, number, percent, tick};
use super::{Report, RunInfo, Shards, ThresholdResult, Verdict};
use crate::clock::ClockKind;
use crate::metrics::Summary;

/// A decision differs from a rule.
pub(crate) const MISMATCH: u8 = 80;
/// A threshold is not met.
pub(crate) const THRESHOLD: u8 = 99;
/// The generator could not keep up.
pub(crate) const SATURATED: u8 = 83;
/// The run was interrupted and the report is partial.
pub(crate) const INTERRUPTED: u8 = 105;
/// The target did not answer, or refused to delete resources that the run created.
pub(crate) const UNREACHABLE: u8 = 107;

/// If a larger share of the sign-ins ends without a decision, the run fails: no latency includes them.
const MAX_UNDECIDED: f64 = 0.01;

/// CPU steal above this share makes times unreliable.
pub const MAX_STEAL: f64 = 0.05;

/// If the CPU quota is used up in more than this share of the scheduler's periods, times are unreliable.
pub const MAX_THROTTLED: f64 = 0.01;

impl Verdict {
    /// Evaluates a run. The most severe fault sets the exit code: 80, 105, 107, 99, 83; a threshold that
    /// canceled the run ranks like an interruption.
    pub(super) fn evaluate(run_info: &RunInfo, summary: &Summary<'_>) -> Self {
        let decisions = summary.decisions();
        let mut faults = Vec::new();
        if decisions.mismatched() > 0 {
            let (wrong, all) = (count(decisions.mismatched()), count(decisions.checked()));
            faults.push((MISMATCH, format!("{wrong} of {all} decisions do not match the rules.")));
        }
        let in_flight = in_flight(summary);
        let cut = run_info.thresholds.iter().find_map(cancellation_sentence);
        if let Some(sentence) = cut {
            faults.push((THRESHOLD, format!("{sentence}{in_flight}")));
        } else if let Some(sentence) = run_info.shards.as_ref().and_then(Shards::partial_sentence) {
            faults.push((INTERRUPTED, sentence));
        } else if run_info.partial {
            let sentence = format!("The run was interrupted; this report is partial.{in_flight}");
            faults.push((INTERRUPTED, sentence));
        }
        if let Some(left) = &run_info.left_behind {
            faults.push((UNREACHABLE, format!("Not deleted at the target: {left}.")));
        }
        if let Some(sentence) = unanswered(run_info, summary) {
            faults.push((UNREACHABLE, sentence));
        }
        let undecided = undecided(run_info, summary);
        if let Some((true, sentence)) = &undecided {
            faults.push((THRESHOLD, sentence.clone()));
        }
        if let Some(sentence) = crossed(&run_info.thresholds) {
            faults.push((THRESHOLD, sentence));
        }
        if let Some(sentence) = &run_info.saturated {
            faults.push((SATURATED, sentence.clone()));
        }
        let exit_code = faults.first().map_or(0, |(code, _)| *code);
        let passed = faults.is_empty();
        let mut sentences: Vec<String> = faults.into_iter().map(|(_, sentence)| sentence).collect();
        if decisions.mismatched() == 0 {
            sentences.push(good_decisions(decisions.checked()));
        }
        if passed && !run_info.thresholds.is_empty() {
            sentences.push(match run_info.thresholds.len() {
                1 => "The threshold holds.".to_owned(),
                2 => "Both thresholds hold.".to_owned(),
                n => format!("All {} thresholds hold.", count(n as u64)),
            });
        }
        if let Some((false, sentence)) = undecided {
            sentences.push(sentence);
        }
        sentences.extend(run_info.unmeasured.clone());
        let embedded = run_info.target == "embedded";
        sentences.extend(run_info.shards.as_ref().and_then(|shards| shards.division_sentence(embedded)));
        sentences.extend(machine_warnings(run_info));
        Self { exit_code, passed, sentences }
    }
}

/// Describes sign-ins without an answer. A threshold on them replaces this check, unless no sign-in got an
/// answer.
fn unanswered(run_info: &RunInfo, summary: &Summary<'_>) -> Option<String> {
    let sign_ins = summary.sign_ins();
    let (local, _) = local(summary.failures());
    let (failed, all) = (sign_ins.transport_failed.saturating_sub(local), sign_ins.started);
    let covers_transport_failures = |threshold: &ThresholdResult| {
        let of = |metric, stat| threshold.text.starts_with(metric) && threshold.text.contains(stat);
        of("failed", ".rate") || of("sign_ins", ".transport_failed")
    };
    if run_info.target == "embedded"
        || failed == 0
        || failed < all && run_info.thresholds.iter().any(covers_transport_failures)
    {
        return None;
    }
    let causes = match target_causes(summary.failures()) {
        causes if causes.is_empty() => String::new(),
        causes => format!(": {causes}"),
    };
    Some(format!("{} of {} sign-ins got no response from the target{causes}.", count(failed), count(all)))
}

/// Describes measured sign-ins without a decision, if there are any, and returns whether there are too many.
/// A threshold on them replaces this check.
fn undecided(run_info: &RunInfo, summary: &Summary<'_>) -> Option<(bool, String)> {
    const COVERED_BY: [&str; 3] = ["failed.rate", "sign_ins.abandoned", "sign_ins.transport_failed"];
    let measured = summary.measured();
    // A limit of this machine says nothing about the pool; it has an exit code of its own.
    let (_, local) = local(summary.failures());
    let failed = measured.failed().saturating_sub(local);
    if failed == 0 {
        return None;
    }
    let share = failed as f64 / measured.started as f64;
    let covers = |threshold: &ThresholdResult| COVERED_BY.iter().any(|one| threshold.text.starts_with(one));
    let too_many = share > MAX_UNDECIDED && !run_info.thresholds.iter().any(covers);
    // For a target, the sentence about missing responses has the causes.
    let causes = match target_causes(summary.failures()) {
        causes if run_info.target == "embedded" && !causes.is_empty() => format!(" ({causes})"),
        _ => String::new(),
    };
    let mut sentence = format!(
        "{} of {} sign-ins ({}) ended without a decision{causes} and are in no latency",
        count(failed),
        count(measured.started),
        percent(share)
    );
    if too_many {
        sentence += ", more than 1 %. A threshold on failed.rate can allow a larger share";
    }
    Some((too_many, sentence + "."))
}

/// Returns warnings about CPU steal and about a used-up CPU quota. A warning does not fail the run.
fn machine_warnings(run_info: &RunInfo) -> Vec<String> {
    let Some(machine) = run_info.machine.filter(|_| run_info.clock == ClockKind::Wall) else {
        return Vec::new();
    };
    let stolen = machine.steal_share.filter(|share| *share > MAX_STEAL).map(|stolen| {
        format!("Warning: steal was {} of the machine's CPU time, so times are unreliable.", percent(stolen))
    });
    let throttled = machine.throttled_share.filter(|share| *share > MAX_THROTTLED).map(|throttled| {
        let quota =
            machine.cpu_quota.map_or_else(String::new, |cores| format!(" of {} cores", number(cores)));
        format!(
            "Warning: the CPU quota{quota} was used up in {} of the scheduler's periods, so times are \
                unreliable. Raise the quota of the control group, or lower the rate.",
            percent(throttled)
        )
    });
    stolen.into_iter().chain(throttled).collect()
}

/// Returns a sentence about the unfinished sign-ins of a canceled run. It follows the reason for the
/// cancellation.
fn in_flight(summary: &Summary<'_>) -> String {
    match summary.unfinished() {
        0 => String::new(),
        1 => " One sign-in was in flight; its outcome is unknown.".to_owned(),
        n => format!(" {} sign-ins were in flight; their outcomes are unknown.", count(n)),
    }
}

impl ThresholdResult {
    /// Formats its value, with more digits if it would look equal to the limit.
    pub(super) fn measured(&self, value: f64) -> String {
        let short = measured(value, self.unit);
        if value == self.limit || short != measured(self.limit, self.unit) {
            return short;
        }
        match self.unit {
            Unit::Us => format!("{} µs", count(value.round().max(0.0) as u64)),
            Unit::Share => format!("{} %", value * 100.0),
            Unit::PerS => format!("{value}/s"),
            Unit::Count => short,
        }
    }

    /// Describes when this threshold canceled the run, if it did.
    pub(super) fn cut(&self) -> Option<String> {
        self.canceled_at_us.map(|us| format!("canceled the run after {}", tick(us)))
    }
}

impl Report {
    /// Returns the threshold that canceled the run, if there is one.
    pub(crate) fn canceled_by(&self) -> Option<&ThresholdResult> {
        self.thresholds.iter().find(|threshold| threshold.canceled_at_us.is_some())
    }
}

/// Returns the sentence that this threshold canceled the run, if it did.
fn cancellation_sentence(threshold: &ThresholdResult) -> Option<String> {
    let at = tick(threshold.canceled_at_us?);
    Some(format!(
        "Canceled after {at}, so this report is partial: {} does not hold.",
        threshold_text(threshold)
    ))
}

/// Describes a threshold that is not met and the measured value.
fn threshold_text(threshold: &ThresholdResult) -> String {
    let text = &threshold.text;
    match (threshold.value.map(|value| threshold.measured(value)), threshold.window) {
        (Some(value), Some(window)) => {
            format!("{text} (it was {value} from {} to {})", tick(window.from_us), tick(window.to_us))
        }
        (Some(value), None) => format!("{text} (it was {value})"),
        (None, _) => format!("{text} ({})", too_few_samples(text)),
    }
}

/// Says that there were too few samples, and how many a high percentile needs.
pub(super) fn too_few_samples(threshold: &str) -> String {
    let percent: Option<(&str, f64)> = threshold.split_once(".p").and_then(|(_, rest)| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number = &rest[..end];
        let percent = if number == "999" { 99.9 } else { number.parse().ok()? };
        Some((number, percent))
    });
    match percent {
        Some((number, percent)) if percent > 90.0 && percent < 100.0 => {
            let needed = (100.0 / (100.0 - percent) - 1e-6).ceil() as u64;
            format!("too few samples to say: p{number} needs {}", count(needed))
        }
        _ => "too few samples to say".to_owned(),
    }
}

/// Returns a sentence about the failed thresholds, except one that canceled the run.
fn crossed(thresholds: &[ThresholdResult]) -> Option<String> {
    let failing: Vec<String> = thresholds
        .iter()
        .filter(|threshold| !threshold.passed && threshold.canceled_at_us.is_none())
        .map(threshold_text)
        .collect();
    let cut = thresholds.iter().any(|threshold| threshold.canceled_at_us.is_some());
    match (failing.len(), thresholds.len()) {
        (0, _) => None,
        (1, 1) => Some(format!("The threshold does not hold: {}.", failing[0])),
        (some, all) => {
            let (some, all) = (count(some as u64), count(all as u64));
            let verb = if failing.len() == 1 { "does" } else { "do" };
            let more = if cut { " more" } else { "" };
            Some(format!("{some}{more} of {all} thresholds {verb} not hold: {}.", failing.join(", ")))
        }
    }
}

fn good_decisions(checked: u64) -> String {
    match checked {
        0 => "No decision was checked.".to_owned(),
        1 => "The one decision checked matches the rules.".to_owned(),
        n => format!("All {} decisions match the rules.", count(n)),
    }
}
