//! Whether a run passed, and why.

use super::format::{count, measured};
use super::{Subject, ThresholdResult, Verdict};
use crate::metrics::Summary;

/// The pool decided otherwise than a rule asks.
const MISMATCH: u8 = 80;
/// A threshold is crossed.
const THRESHOLD: u8 = 99;
/// The generator could not keep its own times.
const SATURATED: u8 = 83;
/// Interrupted: the report is partial.
const INTERRUPTED: u8 = 105;
/// The target gave no answers.
const UNREACHABLE: u8 = 107;

impl Verdict {
    /// The verdict on a run. Of several faults the gravest sets the exit code: 80, 105, 107, 99, 83.
    pub(super) fn on(subject: &Subject, summary: &Summary<'_>) -> Self {
        let decisions = summary.decisions();
        let mut faults = Vec::new();
        if decisions.mismatched() > 0 {
            let (wrong, all) = (count(decisions.mismatched()), count(decisions.checked()));
            faults.push((MISMATCH, format!("{wrong} of {all} decisions differ from what the rules ask.")));
        }
        if subject.partial {
            let sentence = "The run was interrupted: this tells only its beginning.".to_owned();
            faults.push((INTERRUPTED, sentence));
        }
        if let Some(sentence) = unanswered(subject, summary) {
            faults.push((UNREACHABLE, sentence));
        }
        if let Some(sentence) = crossed(&subject.thresholds) {
            faults.push((THRESHOLD, sentence));
        }
        if let Some(sentence) = &subject.saturated {
            faults.push((SATURATED, sentence.clone()));
        }
        let exit_code = faults.first().map_or(0, |(code, _)| *code);
        let passed = faults.is_empty();
        let mut sentences: Vec<String> = faults.into_iter().map(|(_, sentence)| sentence).collect();
        if decisions.mismatched() == 0 {
            sentences.push(good_decisions(decisions.checked()));
        }
        if passed && !subject.thresholds.is_empty() {
            sentences.push(match subject.thresholds.len() {
                1 => "The threshold holds.".to_owned(),
                n => format!("All {} thresholds hold.", count(n as u64)),
            });
        }
        Self { exit_code, passed, sentences }
    }
}

/// How many sign-ins got no answer from a target. A scenario with a threshold for that judges it by the threshold alone, unless
/// nobody got one.
fn unanswered(subject: &Subject, summary: &Summary<'_>) -> Option<String> {
    let sign_ins = summary.sign_ins();
    let (failed, all) = (sign_ins.transport_failed, sign_ins.started);
    let speaks = |threshold: &ThresholdResult| {
        threshold.text.starts_with("failed.") || threshold.text.starts_with("sign_ins.transport_failed")
    };
    if subject.target == "embedded" || failed == 0 || failed < all && subject.thresholds.iter().any(speaks) {
        return None;
    }
    Some(format!("{} of {} sign-ins got no answer from the target.", count(failed), count(all)))
}

/// Which thresholds do not hold, and what was measured instead.
fn crossed(thresholds: &[ThresholdResult]) -> Option<String> {
    let told: Vec<String> = thresholds
        .iter()
        .filter(|threshold| !threshold.passed)
        .map(|threshold| match threshold.value {
            Some(value) => format!("{} (it was {})", threshold.text, measured(value, threshold.unit)),
            None => format!("{} (too few samples to say)", threshold.text),
        })
        .collect();
    match (told.len(), thresholds.len()) {
        (0, _) => None,
        (1, 1) => Some(format!("The threshold does not hold: {}.", told[0])),
        (some, all) => {
            let (some, all) = (count(some as u64), count(all as u64));
            let verb = if told.len() == 1 { "does" } else { "do" };
            Some(format!("{some} of {all} thresholds {verb} not hold: {}.", told.join(", ")))
        }
    }
}

fn good_decisions(checked: u64) -> String {
    match checked {
        0 => "No decision was checked.".to_owned(),
        1 => "The one decision checked is as the rules ask.".to_owned(),
        n => format!("All {} decisions are as the rules ask.", count(n)),
    }
}
