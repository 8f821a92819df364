//! Failed requests by cause, as in `report.json` and as lines of text.

use serde::{Deserialize, Serialize};

use super::format::{count, time};
use crate::failure::{self, FailureCause};
use poolproof_cognito::time::as_us;

/// The failed requests with one cause.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failures {
    /// The cause.
    pub cause: FailureCause,
    /// Requests.
    pub requests: u64,
    /// Sign-ins that ended with one of them: part of `sign_ins.transport_failed`.
    pub sign_ins: u64,
    /// Time of the first one since the start of the run.
    pub first_us: u64,
    /// The request and the error of that one.
    pub example: String,
}

/// Returns the causes that occurred.
pub(super) fn failures(failures: &failure::Failures) -> Vec<Failures> {
    let by_cause = failures.iter().map(|(cause, counted)| Failures {
        cause,
        requests: counted.requests,
        sign_ins: counted.sign_ins,
        first_us: as_us(counted.first),
        example: counted.example.clone(),
    });
    by_cause.collect()
}

impl Failures {
    /// Returns the first failure as text.
    pub(super) fn first(&self) -> String {
        format!("first after {}: {}", time(self.first_us), self.example)
    }
}

/// Returns the causes that ended sign-ins, with their counts, without those of this machine.
pub(super) fn target_causes(failures: &failure::Failures) -> String {
    let by_target = failures.iter().filter(|(cause, counted)| counted.sign_ins > 0 && !cause.is_local());
    let mut by_target: Vec<(FailureCause, u64)> =
        by_target.map(|(cause, counted)| (cause, counted.sign_ins)).collect();
    // The most frequent cause is first.
    by_target.sort_by_key(|(_, sign_ins)| std::cmp::Reverse(*sign_ins));
    let texts: Vec<String> = by_target
        .iter()
        .map(|(cause, sign_ins)| format!("{} {}", count(*sign_ins), cause.describe()))
        .collect();
    texts.join(", ")
}

/// Returns how many sign-ins ended because of a limit of this machine: all, and the measured ones.
pub(super) fn local(failures: &failure::Failures) -> (u64, u64) {
    let local = failures.iter().filter(|(cause, _)| cause.is_local());
    local.fold((0, 0), |(all, measured), (_, counted)| {
        (all + counted.sign_ins, measured + counted.measured_sign_ins)
    })
}
