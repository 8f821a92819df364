//! What one workload of several came to.

use super::window::Window;
use super::{Due, Latencies, SignInRecord, SignIns, Unended};

/// What one workload of several came to. Its size does not depend on the number of its sign-ins.
#[derive(Clone, PartialEq, Debug)]
pub struct Tally {
    all: SignIns,
    measured: SignIns,
    cool_down: u64,
    unended: Unended,
    /// Of them those between warm-up and cool-down.
    measured_unended: Unended,
    window: Option<Window>,
    intended: Latencies,
    service: Latencies,
}

impl Tally {
    pub(super) fn empty() -> Self {
        Self {
            all: SignIns::default(),
            measured: SignIns::default(),
            cool_down: 0,
            unended: Unended::default(),
            measured_unended: Unended::default(),
            window: None,
            intended: Latencies::fine(),
            service: Latencies::fine(),
        }
    }

    pub(super) fn record(&mut self, sign_in: &SignInRecord) {
        self.all.count(sign_in.end);
        self.cool_down += u64::from(sign_in.cool_down);
        if sign_in.left_out() {
            return;
        }
        self.measured.count(sign_in.end);
        self.intended.record(sign_in.latency);
        self.service.record(sign_in.service);
        self.window = Window::joined(self.window, Some(Window::of(sign_in)));
    }

    pub(super) fn unended(&mut self, due: Due, one: Unended) {
        self.unended.add(&one);
        if !due.left_out() {
            self.measured_unended.add(&one);
            self.window = Window::joined(self.window, Some(Window::at(due.intended)));
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.all.add(&other.all);
        self.measured.add(&other.measured);
        self.cool_down += other.cool_down;
        self.unended.add(&other.unended);
        self.measured_unended.add(&other.measured_unended);
        self.window = Window::joined(self.window, other.window);
        self.intended.merge(&other.intended);
        self.service.merge(&other.service);
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.intended.heap_bytes() + self.service.heap_bytes()
    }

    /// All sign-ins, warm-up and cool-down too.
    pub const fn sign_ins(&self) -> SignIns {
        self.all
    }

    /// Those between warm-up and cool-down.
    pub const fn measured(&self) -> SignIns {
        self.measured
    }

    /// Those of the cool-down.
    pub const fn cool_down(&self) -> u64 {
        self.cool_down
    }

    /// Measured ones that could not start when they were meant to.
    pub const fn missed(&self) -> u64 {
        self.measured_unended.missed
    }

    /// Those that had not ended when the run was cut short, warm-up and cool-down too.
    pub const fn cut_off(&self) -> u64 {
        self.unended.cut_off
    }

    /// Measured ones that were due, whether they ended or not.
    pub const fn offered(&self) -> u64 {
        self.measured.started + self.measured_unended.count()
    }

    /// Latency from the intended start.
    pub const fn intended(&self) -> &Latencies {
        &self.intended
    }

    /// Latency from the actual start.
    pub const fn service(&self) -> &Latencies {
        &self.service
    }

    /// As [`super::Summary::offered_per_s`].
    pub fn offered_per_s(&self) -> Option<f64> {
        self.window?.offered_per_s(self.offered())
    }

    /// As [`super::Summary::achieved_per_s`].
    pub fn achieved_per_s(&self) -> Option<f64> {
        self.window?.achieved_per_s(self.offered(), self.measured.answered())
    }
}
