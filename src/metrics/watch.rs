//! Watches: what a threshold asks of some sign-ins, or of every stretch of the run.
//!
//! A watch of the whole run counts. A watch of windows keeps the seconds that the window reaches back, and nothing that is
//! older, so that its size follows from the window and not from the run.

use std::time::Duration;

use super::aim::{Aim, Seen};
use super::figure::{Counts, Over, Part};
use super::sliding::Sliding;
use super::window::Window;
use super::{Due, Latencies, SignInRecord, Timed};
use poolproof_cognito::time::as_us;

/// A watch. Sign-ins count in the second in which they end; one that is told after its second was closed counts in the first
/// that is open. Sign-ins that are due count in the second in which they are.
#[derive(Clone, Debug)]
pub struct Watch {
    aim: Aim,
    over: Reach,
}

#[derive(Clone, Debug)]
enum Reach {
    Run(Box<Tally>),
    Windows(Box<Sliding>),
}

/// Counts of a whole run.
#[derive(Clone, Debug)]
struct Tally {
    counts: Counts,
    latencies: Option<Latencies>,
    window: Option<Window>,
}

impl Watch {
    /// A watch that has seen nothing.
    pub fn new(aim: Aim) -> Self {
        let latencies = aim.figure.timed().map(|_| Latencies::fine());
        let over = match &aim.windows {
            None => Reach::Run(Box::new(Tally { counts: Counts::default(), latencies, window: None })),
            Some(windows) => Reach::Windows(Box::new(Sliding::new(aim.figure, windows))),
        };
        Self { aim, over }
    }

    /// The figure of the whole run so far, or of the worst window; `None` where there was too little to say.
    pub fn value(&self) -> Option<f64> {
        match &self.over {
            Reach::Run(tally) => tally.part().value(self.aim.figure),
            Reach::Windows(sliding) => sliding.worst().map(|seen| seen.value),
        }
    }

    /// Of how many the share is that is watched in the whole run.
    pub fn among(&self) -> Option<u64> {
        match &self.over {
            Reach::Run(tally) => tally.part().among(self.aim.figure),
            Reach::Windows(_) => None,
        }
    }

    /// The first of the worst windows, if windows are watched and one could be told.
    pub const fn worst(&self) -> Option<Seen> {
        match &self.over {
            Reach::Run(_) => None,
            Reach::Windows(sliding) => sliding.worst(),
        }
    }

    /// The window that ended last, if windows are watched and it can be told.
    pub const fn latest(&self) -> Option<Seen> {
        match &self.over {
            Reach::Run(_) => None,
            Reach::Windows(sliding) => sliding.latest(),
        }
    }

    /// Notes a measured sign-in that is due.
    pub(super) fn offer(&mut self, due: Due) {
        if let (Reach::Windows(sliding), true) = (&mut self.over, self.aim.concerns(due.workload)) {
            sliding.at(second(due.intended)).into_iter().for_each(|counts| counts.offered += 1);
        }
    }

    /// Notes a measured one that could not start.
    pub(super) fn miss(&mut self, due: Due) {
        if !self.aim.concerns(due.workload) {
            return;
        }
        match &mut self.over {
            Reach::Run(tally) => {
                tally.offer(due);
                tally.counts.missed += 1;
            }
            Reach::Windows(sliding) => {
                sliding.at(second(due.intended)).into_iter().for_each(|counts| counts.missed += 1);
            }
        }
    }

    /// Notes a measured one that had not ended when the run was cut short. Windows know that it was due.
    pub(super) fn cut_off(&mut self, due: Due) {
        if let (Reach::Run(tally), true) = (&mut self.over, self.aim.concerns(due.workload)) {
            tally.offer(due);
        }
    }

    /// A workload's load ends, at a moment that is not over.
    pub(super) fn load_ends(&mut self, workload: u16, at: Duration) {
        if let Reach::Windows(sliding) = &mut self.over {
            sliding.load_ends(workload, at);
        }
    }

    /// Notes a sign-in that has ended.
    pub(super) fn record(&mut self, sign_in: &SignInRecord) {
        let Aim { figure, rule, workload, .. } = self.aim;
        if workload.is_some_and(|workload| workload != sign_in.workload) {
            return;
        }
        let falls_under = |id| sign_in.verdicts.iter().any(|verdict| verdict.rule.id == id);
        let times = figure.timed().filter(|_| !sign_in.left_out() && rule.is_none_or(falls_under));
        match &mut self.over {
            Reach::Run(tally) => {
                if !sign_in.left_out() || figure.counts_warm_up() {
                    tally.counts.record(sign_in, rule);
                    tally.counts.offered += 1;
                }
                if !sign_in.left_out() {
                    tally.window = Window::joined(tally.window, Some(Window::of(sign_in)));
                }
                if let (Some(timed), Some(latencies)) = (times, &mut tally.latencies) {
                    each(sign_in, timed, |time| latencies.record(time));
                }
            }
            Reach::Windows(sliding) => {
                // Those of the warm-up too: of what ends in a window, a share or a rate without them would be askew while they last.
                let Some(counts) = sliding.at(second(sign_in.finished)) else { return };
                counts.record(sign_in, rule);
                if let Some(timed) = times {
                    each(sign_in, timed, |time| sliding.time(time));
                }
            }
        }
    }

    /// It is `elapsed` since the start of the run: whatever seconds are over, are over.
    pub(super) fn tick(&mut self, elapsed: Duration) {
        if let Reach::Windows(sliding) = &mut self.over {
            sliding.advance(second(elapsed));
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        match &self.over {
            Reach::Run(tally) => {
                size_of::<Tally>() + tally.latencies.as_ref().map_or(0, Latencies::heap_bytes)
            }
            Reach::Windows(sliding) => size_of::<Sliding>() + sliding.heap_bytes(),
        }
    }
}

impl Aim {
    fn concerns(&self, workload: u16) -> bool {
        self.workload.is_none_or(|wanted| wanted == workload)
    }
}

impl Tally {
    /// One that was due, and has no end.
    fn offer(&mut self, due: Due) {
        self.counts.offered += 1;
        self.window = Window::joined(self.window, Some(Window::at(due.intended)));
    }

    fn part(&self) -> Part<'_> {
        Part { counts: self.counts, latencies: self.latencies.as_ref(), over: Over::Run(self.window) }
    }
}

/// The second of the run that a moment lies in.
fn second(moment: Duration) -> u64 {
    as_us(moment) / 1_000_000
}

/// Each such time of a sign-in.
fn each(sign_in: &SignInRecord, timed: Timed, mut note: impl FnMut(Duration)) {
    match timed {
        Timed::Intended => note(sign_in.latency),
        Timed::Service => note(sign_in.service),
        Timed::Lag => note(sign_in.lag),
        Timed::Step(step) => {
            sign_in.steps.iter().filter(|(known, _)| *known == step).for_each(|(_, time)| note(*time));
        }
    }
}
