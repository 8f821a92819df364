//! Whether a run passed, and why.

use super::format::{count, measured};
use super::{Subject, Verdict};
use crate::metrics::Summary;

/// The pool decided otherwise than a rule asks.
const MISMATCH: u8 = 80;
/// A threshold is crossed.
const THRESHOLD: u8 = 99;
/// The generator could not keep its own times.
const SATURATED: u8 = 83;
/// Interrupted: the report is partial.
const INTERRUPTED: u8 = 105;

impl Verdict {
    /// The verdict on a run. Of several faults the gravest sets the exit code: 80 before 99 before 83 before 105.
    pub(super) fn on(subject: &Subject, summary: &Summary<'_>) -> Self {
        let decisions = summary.decisions();
        let mut faults = Vec::new();
        if decisions.mismatched() > 0 {
            let (wrong, all) = (count(decisions.mismatched()), count(decisions.checked()));
            faults.push((MISMATCH, format!("{wrong} of {all} decisions differ from what the rules ask.")));
        }
        for threshold in subject.thresholds.iter().filter(|threshold| !threshold.passed) {
            let value = threshold.value.map_or_else(
                || "there are too few samples to say".to_owned(),
                |value| format!("it was {}", measured(value, threshold.unit)),
            );
            faults.push((THRESHOLD, format!("{} does not hold: {value}.", threshold.text)));
        }
        if let Some(sentence) = &subject.saturated {
            faults.push((SATURATED, sentence.clone()));
        }
        if subject.partial {
            let sentence = "The run was interrupted: this tells only its beginning.".to_owned();
            faults.push((INTERRUPTED, sentence));
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

fn good_decisions(checked: u64) -> String {
    match checked {
        0 => "No decision was checked.".to_owned(),
        1 => "The one decision checked is as the rules ask.".to_owned(),
        n => format!("All {} decisions are as the rules ask.", count(n)),
    }
}
