//! The totals of one of several workloads.

use serde::{Deserialize, Serialize};

use super::rate_window::RateWindow;
use super::{DueSignIn, Latencies, SignInCounts, SignInRecord, UnresolvedCounts};

/// The totals of one workload. Their size does not depend on the number of sign-ins.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct WorkloadTotals {
    all: SignInCounts,
    measured: SignInCounts,
    cool_down: u64,
    unresolved: UnresolvedCounts,
    /// Those between warm-up and cool-down.
    measured_unresolved: UnresolvedCounts,
    pub(super) window: Option<RateWindow>,
    intended: Latencies,
    service: Latencies,
}

impl WorkloadTotals {
    pub(super) fn empty() -> Self {
        Self {
            all: SignInCounts::default(),
            measured: SignInCounts::default(),
            cool_down: 0,
            unresolved: UnresolvedCounts::default(),
            measured_unresolved: UnresolvedCounts::default(),
            window: None,
            intended: Latencies::fine(),
            service: Latencies::fine(),
        }
    }

    pub(super) fn record(&mut self, sign_in: &SignInRecord) {
        self.all.count(sign_in.end);
        self.cool_down += u64::from(sign_in.cool_down);
        if sign_in.is_excluded() {
            return;
        }
        self.measured.count(sign_in.end);
        if sign_in.has_latency() {
            self.intended.record(sign_in.latency);
            self.service.record(sign_in.service);
        }
        self.window = RateWindow::merged(self.window, Some(RateWindow::of(sign_in)));
    }

    pub(super) fn unresolved(&mut self, due: DueSignIn, one: UnresolvedCounts) {
        self.unresolved.add(&one);
        if !due.is_excluded() {
            self.measured_unresolved.add(&one);
            self.window = RateWindow::merged(self.window, Some(RateWindow::at(due.intended)));
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.all.add(&other.all);
        self.measured.add(&other.measured);
        self.cool_down += other.cool_down;
        self.unresolved.add(&other.unresolved);
        self.measured_unresolved.add(&other.measured_unresolved);
        self.window = RateWindow::merged(self.window, other.window);
        self.intended.merge(&other.intended);
        self.service.merge(&other.service);
    }

    /// Returns whether its histograms have the precision of a run.
    pub(super) fn is_fine(&self) -> bool {
        self.intended.is_fine() && self.service.is_fine()
    }

    /// Returns the bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.intended.heap_bytes() + self.service.heap_bytes()
    }

    /// Returns all sign-ins, warm-up and cool-down included.
    pub const fn sign_ins(&self) -> SignInCounts {
        self.all
    }

    /// Returns those between warm-up and cool-down.
    pub const fn measured(&self) -> SignInCounts {
        self.measured
    }

    /// Returns those of the cool-down.
    pub const fn cool_down(&self) -> u64 {
        self.cool_down
    }

    /// Returns measured arrivals that could not start.
    pub const fn dropped(&self) -> u64 {
        self.measured_unresolved.dropped
    }

    /// Returns arrivals without an outcome, warm-up and cool-down included.
    pub const fn unfinished(&self) -> u64 {
        self.unresolved.unfinished
    }

    /// Returns measured arrivals.
    pub const fn offered(&self) -> u64 {
        self.measured.started + self.measured_unresolved.count()
    }

    /// Returns the latency from the intended start.
    pub const fn intended(&self) -> &Latencies {
        &self.intended
    }

    /// Returns the latency from the actual start.
    pub const fn service(&self) -> &Latencies {
        &self.service
    }

    /// As in [`super::Summary::offered_per_s`].
    pub fn offered_per_s(&self) -> Option<f64> {
        self.window?.offered_per_s(self.offered())
    }

    /// As in [`super::Summary::achieved_per_s`].
    pub fn achieved_per_s(&self) -> Option<f64> {
        self.window?.achieved_per_s(self.offered(), self.measured.answered())
    }
}
