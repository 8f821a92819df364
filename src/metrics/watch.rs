//! Watches: a statistic of some sign-ins, or of every window of the run.
//!
//! A watch of the whole run counts. A watch of windows keeps the seconds of one window, so its size depends
//! on the window and not on the run.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::rate_window::RateWindow;
use super::sliding_window::{SecondBucket, SlidingWindow};
use super::statistic::{Counts, RatePeriod, StatisticInput};
use super::watch_spec::{WatchSpec, WindowValue};
use super::{DueSignIn, Latencies, MeasuredLoad, SignInRecord, Timing};
use poolproof_cognito::time::as_us;

/// A watch. Sign-ins count in the second of their end; one that is recorded after that second was closed
/// counts in the first open one. Arrivals count in the second in which they are due.
#[derive(Clone, Debug)]
pub struct Watch {
    watch_spec: WatchSpec,
    over: WatchScope,
}

#[derive(Clone, Debug)]
enum WatchScope {
    Run(Box<RunTotals>),
    Windows(Box<SlidingWindow>),
}

/// Counts of a whole run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RunTotals {
    counts: Counts,
    latencies: Option<Latencies>,
    window: Option<RateWindow>,
}

/// What a watch has recorded, to be stored and merged.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredWatch {
    /// The counts of the whole run.
    Run(Box<RunTotals>),
    /// The seconds in which something happened.
    Seconds(BTreeMap<u64, SecondBucket>),
}

impl Watch {
    /// Keeps what [`Self::stored`] needs, which grows with the length of the run.
    pub(super) fn keep_history(&mut self) {
        if let WatchScope::Windows(sliding) = &mut self.over {
            sliding.keep_history();
        }
    }

    /// Returns what was recorded since [`Self::keep_history`].
    pub(super) fn stored(&self) -> StoredWatch {
        match &self.over {
            WatchScope::Run(totals) => StoredWatch::Run(totals.clone()),
            WatchScope::Windows(sliding) => {
                StoredWatch::Seconds(sliding.history().cloned().unwrap_or_default())
            }
        }
    }

    /// Adds what another part of the run recorded. Returns false if that is of another kind of watch.
    pub(super) fn merge(&mut self, other: &StoredWatch) -> bool {
        match (&mut self.over, other) {
            (WatchScope::Run(totals), StoredWatch::Run(other)) => totals.merge(other),
            (WatchScope::Windows(sliding), StoredWatch::Seconds(other)) => {
                sliding.add_history(other);
                true
            }
            _ => false,
        }
    }

    /// Evaluates the windows of what was merged.
    pub(super) fn replay_history(&mut self) {
        if let WatchScope::Windows(sliding) = &mut self.over {
            sliding.replay_history();
        }
    }

    /// Creates an empty watch.
    pub fn new(watch_spec: WatchSpec) -> Self {
        let latencies = watch_spec.statistic.timing().map(|_| Latencies::fine());
        let over = match &watch_spec.windows {
            None => {
                WatchScope::Run(Box::new(RunTotals { counts: Counts::default(), latencies, window: None }))
            }
            Some(windows) => WatchScope::Windows(Box::new(SlidingWindow::new(watch_spec.statistic, windows))),
        };
        Self { watch_spec, over }
    }

    /// Returns the value of the whole run so far, or of the worst window; `None` if there are too few
    /// samples.
    pub fn value(&self) -> Option<f64> {
        match &self.over {
            WatchScope::Run(totals) => totals.part().value(self.watch_spec.statistic),
            WatchScope::Windows(sliding) => sliding.worst().map(|seen| seen.value),
        }
    }

    /// Returns the ratio's denominator over the whole run.
    pub fn denominator(&self) -> Option<u64> {
        match &self.over {
            WatchScope::Run(totals) => totals.part().denominator(self.watch_spec.statistic),
            WatchScope::Windows(_) => None,
        }
    }

    /// Returns the first of the worst windows, if there are windows with enough samples.
    pub const fn worst(&self) -> Option<WindowValue> {
        match &self.over {
            WatchScope::Run(_) => None,
            WatchScope::Windows(sliding) => sliding.worst(),
        }
    }

    /// Returns the latest window, if it has enough samples.
    pub const fn latest(&self) -> Option<WindowValue> {
        match &self.over {
            WatchScope::Run(_) => None,
            WatchScope::Windows(sliding) => sliding.latest(),
        }
    }

    /// Records a measured arrival.
    pub(super) fn record_due(&mut self, due: DueSignIn) {
        if let (WatchScope::Windows(sliding), true) =
            (&mut self.over, self.watch_spec.covers_workload(due.workload))
        {
            sliding.at(second(due.intended)).into_iter().for_each(|counts| counts.offered += 1);
        }
    }

    /// Records a measured arrival that could not start.
    pub(super) fn record_dropped(&mut self, due: DueSignIn) {
        if !self.watch_spec.covers_workload(due.workload) {
            return;
        }
        match &mut self.over {
            WatchScope::Run(totals) => {
                totals.record_due(due);
                totals.counts.dropped += 1;
            }
            WatchScope::Windows(sliding) => {
                sliding.at(second(due.intended)).into_iter().for_each(|counts| counts.dropped += 1);
            }
        }
    }

    /// Records a measured arrival without an outcome. Windows already counted it as due.
    pub(super) fn unfinished(&mut self, due: DueSignIn) {
        if let (WatchScope::Run(totals), true) =
            (&mut self.over, self.watch_spec.covers_workload(due.workload))
        {
            totals.record_due(due);
        }
    }

    /// Ends the load of a workload at a future time.
    pub(super) fn end_load(&mut self, workload: u16, at: Duration) {
        if let WatchScope::Windows(sliding) = &mut self.over {
            sliding.end_load(workload, at);
        }
    }

    /// Records a finished sign-in.
    pub(super) fn record(&mut self, sign_in: &SignInRecord) {
        let WatchSpec { statistic, rule, workload, .. } = self.watch_spec;
        if workload.is_some_and(|workload| workload != sign_in.workload) {
            return;
        }
        let falls_under = |id| sign_in.judgements.iter().any(|verdict| verdict.rule.id == id);
        let times = statistic.timing().filter(|timing| {
            let has_time = match timing {
                Timing::Intended | Timing::Service => sign_in.has_latency(),
                Timing::Lag | Timing::SignInStep(_) => !sign_in.is_excluded(),
            };
            has_time && rule.is_none_or(falls_under)
        });
        match &mut self.over {
            WatchScope::Run(totals) => {
                if !sign_in.is_excluded() || statistic.includes_warm_up() {
                    totals.counts.record(sign_in, rule);
                    totals.counts.offered += 1;
                }
                if !sign_in.is_excluded() {
                    totals.window = RateWindow::merged(totals.window, Some(RateWindow::of(sign_in)));
                }
                if let (Some(timing), Some(latencies)) = (times, &mut totals.latencies) {
                    each(sign_in, timing, |time| latencies.record(time));
                }
            }
            WatchScope::Windows(sliding) => {
                // Warm-up is included: without it, rates of what ends in a window would be wrong while it
                // lasts.
                let Some(counts) = sliding.at(second(sign_in.finished)) else { return };
                counts.record(sign_in, rule);
                if let Some(timing) = times {
                    each(sign_in, timing, |time| sliding.time(time));
                }
            }
        }
    }

    /// Sets the times of the load of the run and of each workload, where they are known.
    pub(super) fn set_loads(&mut self, run: Option<MeasuredLoad>, workloads: &[Option<MeasuredLoad>]) {
        let load = match self.watch_spec.workload {
            None => run,
            Some(workload) => workloads.get(usize::from(workload)).copied().flatten(),
        };
        if let WatchScope::Run(totals) = &mut self.over {
            totals.window = load.map(RateWindow::planned);
        }
    }

    /// Closes all seconds before `elapsed`.
    pub(super) fn tick(&mut self, elapsed: Duration) {
        if let WatchScope::Windows(sliding) = &mut self.over {
            sliding.advance(second(elapsed));
        }
        self.elapse(elapsed);
    }

    /// Sets the time up to which the run lasted.
    pub(super) fn elapse(&mut self, elapsed: Duration) {
        if let WatchScope::Run(totals) = &mut self.over {
            totals.window.iter_mut().for_each(|window| window.elapse(elapsed));
        }
    }

    /// Returns the bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        match &self.over {
            WatchScope::Run(totals) => {
                size_of::<RunTotals>() + totals.latencies.as_ref().map_or(0, Latencies::heap_bytes)
            }
            WatchScope::Windows(sliding) => size_of::<SlidingWindow>() + sliding.heap_bytes(),
        }
    }
}

impl WatchSpec {
    fn covers_workload(&self, workload: u16) -> bool {
        self.workload.is_none_or(|wanted| wanted == workload)
    }
}

impl RunTotals {
    /// Adds other totals. Returns false if those are about another statistic.
    fn merge(&mut self, other: &Self) -> bool {
        self.counts.add(&other.counts);
        self.window = RateWindow::merged(self.window, other.window);
        match (&mut self.latencies, &other.latencies) {
            (Some(latencies), Some(other)) if other.is_fine() => latencies.merge(other),
            (None, None) => {}
            _ => return false,
        }
        true
    }

    /// Records an arrival without a result.
    fn record_due(&mut self, due: DueSignIn) {
        self.counts.offered += 1;
        self.window = RateWindow::merged(self.window, Some(RateWindow::at(due.intended)));
    }

    fn part(&self) -> StatisticInput<'_> {
        StatisticInput {
            counts: self.counts,
            latencies: self.latencies.as_ref(),
            over: RatePeriod::Run(self.window),
        }
    }
}

/// Returns the second of a moment.
fn second(moment: Duration) -> u64 {
    as_us(moment) / 1_000_000
}

/// Calls `note` for each such time of a sign-in.
fn each(sign_in: &SignInRecord, timing: Timing, mut note: impl FnMut(Duration)) {
    match timing {
        Timing::Intended => note(sign_in.latency),
        Timing::Service => note(sign_in.service),
        Timing::Lag => note(sign_in.lag),
        Timing::SignInStep(step) => {
            sign_in.steps.iter().filter(|(known, _)| *known == step).for_each(|(_, time)| note(*time));
        }
    }
}
