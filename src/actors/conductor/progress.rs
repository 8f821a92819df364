//! The conductor's progress reports.

use std::time::Duration;

use super::{Conductor, Finished, RunProgress};

impl Conductor {
    pub(super) fn report_progress(&self, elapsed: Duration) {
        let (in_flight, waiting) = (self.in_flight.len(), self.waiting.len());
        (self.observer)(RunProgress { live: self.recorder.live(), elapsed, in_flight, waiting });
    }

    /// Offers a copy of the results so far. A copy is made here, between two events of the run, because a
    /// message that asks for one could change the order of other messages.
    pub(super) fn offer_snapshot(&self) {
        let Some(read) = &self.snapshot_reader else { return };
        read(&|| Finished {
            recorder: self.recorder.clone(),
            started: self.start,
            interrupted: false,
            abort: None,
            arrival_counts: self.arrival_counts.clone(),
            devices: self.devices.clone(),
            new_devices: self.new_devices,
            drained_since: None,
            plan_log: None,
        });
    }
}
