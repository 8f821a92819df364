//! The end of a run: sign-ins in flight get a limited time after the end of the load.

use actix::prelude::*;

use super::{Conductor, due};
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
}
