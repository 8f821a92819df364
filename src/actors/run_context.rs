//! The input and the output of the conductor.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::planned::{PlanLog, PlannedSignIn};
use crate::metrics::{LiveStats, Recorder};
use crate::workload::{ClosedWorkload, LiveArrivals, MergedArrivals};
use poolproof_cognito::time::Timestamp;

/// When sign-ins start.
#[derive(Default)]
pub struct Schedule {
    /// Open workloads: arrivals at fixed times, whatever the earlier ones do.
    pub open_arrivals: MergedArrivals,
    /// Closed workloads: a number of users who sign in one time after the other, with think time between.
    pub closed_workloads: Vec<ClosedWorkload>,
    /// Sign-ins of known users at known times, in order of time. They replace the workloads.
    pub planned: Vec<PlannedSignIn>,
    /// The workloads that end before their planned time, and when; those of `planned`.
    pub load_ends: Vec<(u16, Duration)>,
    /// Load that is set while the run goes on. It replaces the workloads.
    pub live: Option<LiveSchedule>,
}

/// The load of a run from now on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum LoadUpdate {
    /// This many users: loops of closed workloads, or a rate of open ones.
    Users {
        /// Their number.
        users: u32,
        /// Arrivals per second of each in open workloads.
        rate_per_user: f64,
    },
    /// No load. Sign-ins in flight get this time.
    End(Duration),
}

/// Load that is set while a run goes on.
#[derive(Debug)]
pub struct LiveSchedule {
    /// Arrivals of open workloads.
    pub arrivals: LiveArrivals,
    /// Receives each change. A sender that has gone ends the load.
    pub updates: watch::Receiver<LoadUpdate>,
    /// The closed workloads and their weights: they share the users.
    pub closed: Vec<(u16, u32)>,
}

/// Receives the progress of a run.
pub type Observer = Box<dyn Fn(RunProgress)>;

/// Called after every second of the run and at its end, with the elapsed time. It may record load, and
/// returns the index of a threshold that cancels the run.
pub type Tick = Box<dyn FnMut(&mut Recorder, Duration) -> Option<usize>>;

/// Called at every progress report and tick, with a function that copies the results so far. A reader that
/// wants no copy does not call it.
pub type SnapshotReader = Box<dyn Fn(&dyn Fn() -> Finished)>;

/// A threshold that canceled a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ThresholdAbort {
    /// Index of the threshold in the scenario, from 0.
    pub threshold: usize,
    /// Elapsed time of the run.
    pub elapsed: Duration,
}

/// The recorder and the callbacks of a conductor.
pub struct RunContext {
    /// Records sign-ins.
    pub recorder: Recorder,
    /// Receives the progress.
    pub observer: Observer,
    /// Called every second.
    pub tick: Option<Tick>,
    /// Reads results while the run goes on.
    pub snapshot_reader: Option<SnapshotReader>,
    /// Logs who signs in when, to plan a shard.
    pub plan_log: Option<PlanLog>,
}

/// Progress of a run.
#[derive(Clone, Debug)]
pub struct RunProgress {
    /// Counts so far.
    pub live: LiveStats,
    /// Elapsed time of the run.
    pub elapsed: Duration,
    /// Sign-ins in flight.
    pub in_flight: usize,
    /// Arrivals that wait for an idle user.
    pub waiting: usize,
}

/// A finished run.
#[derive(Debug, Default)]
pub struct Finished {
    /// The recorded data.
    pub recorder: Recorder,
    /// Start of the run's time.
    pub started: Timestamp,
    /// Whether it was canceled.
    pub interrupted: bool,
    /// The threshold that canceled it, if any.
    pub abort: Option<ThresholdAbort>,
    /// Arrival counts of workloads, by workload index.
    pub arrival_counts: BTreeMap<u16, ArrivalCounts>,
    /// The devices that each user has collected.
    pub devices: Vec<u32>,
    /// How many of them are new in the run.
    pub new_devices: u64,
    /// When the load was over, if requests were canceled after it.
    pub drained_since: Option<Timestamp>,
    /// The log of the run context.
    pub plan_log: Option<PlanLog>,
}

/// How the arrivals of a workload met their times, warm-up included. In a closed workload only TOTP codes
/// make arrivals wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ArrivalCounts {
    /// Arrivals that were due.
    pub asked: u64,
    /// Arrivals that waited for a user.
    pub waited: u64,
    /// Those of them that waited for the next TOTP code of an idle user.
    pub waited_for_code: u64,
    /// Arrivals that could not start.
    pub dropped: u64,
}

impl ArrivalCounts {
    /// Adds the counts of another part of the run.
    pub const fn add(&mut self, other: &Self) {
        self.asked += other.asked;
        self.waited += other.waited;
        self.waited_for_code += other.waited_for_code;
        self.dropped += other.dropped;
    }
}
