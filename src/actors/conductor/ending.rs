//! The end of a run: sign-ins in flight get a limited time after the end of the load.

use std::time::Duration;

use actix::prelude::*;

use super::{Conductor, Finished, due};
use crate::workload::ClosedWorkload;

impl Conductor {
    /// Waits for the end of the last closed workload: if no sign-in ends, nothing else shows it.
    pub(super) fn await_closed_ends(&self, ctx: &mut Context<Self>) {
        let end = self.closed_workloads.values().map(ClosedWorkload::end).max();
        let Some(end) = end.filter(|_| self.drain.time().is_some()) else { return };
        let (clock, due) = (self.clock, self.start.plus(end));
        let wait = async move { clock.sleep_until(due).await };
        ctx.spawn(wait.into_actor(self).map(|(), conductor, ctx| conductor.finish_if_idle(ctx)));
    }

    /// Starts the time that the sign-ins in flight get after the end of the load.
    pub(super) fn start_drain(&mut self, ctx: &mut Context<Self>) {
        let Some(time) = self.drain.time() else { return };
        self.load_ended = Some(self.clock.now());
        let clock = self.clock;
        let wait = async move { clock.sleep(time).await };
        ctx.spawn(wait.into_actor(self).map(|(), conductor, _| conductor.end_drain()));
    }

    /// Cancels all requests in flight. The sign-ins end at once and are recorded as usual. Those that wait
    /// for a user cannot start any more.
    fn end_drain(&mut self) {
        for (arrival, _) in std::mem::take(&mut self.waiting) {
            self.recorder.unfinished(due(&arrival));
        }
        self.drain.end();
        if self.in_flight.is_empty() {
            self.finish(false);
        }
    }

    /// Ends the run and returns its results. `interrupted` is whether it was canceled.
    pub(super) fn finish(&mut self, interrupted: bool) {
        let Some(done) = self.done.take() else { return };
        let elapsed = self.elapsed();
        self.report_progress(elapsed);
        if let Some(mut tick) = self.tick.take() {
            // Record what happened since the last tick. There is nothing left to cancel.
            tick(&mut self.recorder, elapsed);
        }
        // The last second of a run counts as a whole one.
        let begun = u64::from(elapsed.subsec_nanos() > 0);
        let whole = Duration::from_secs(elapsed.as_secs() + begun);
        self.recorder.tick(if interrupted { elapsed } else { whole });
        if !interrupted {
            self.recorder.complete();
        }
        let recorder = std::mem::take(&mut self.recorder);
        // The receiver may be gone; then the result is not needed.
        let arrival_counts = std::mem::take(&mut self.arrival_counts);
        drop(done.send(Finished {
            recorder,
            started: self.start,
            interrupted,
            abort: self.abort,
            arrival_counts,
            devices: std::mem::take(&mut self.devices),
            new_devices: self.new_devices,
            drained_since: self.load_ended.filter(|_| self.drain.is_over()),
            plan_log: self.plan_log.take(),
        }));
    }
}
