//! Which user signs in when, known before a run: a shard plays its sign-ins of the whole run.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::workload::{Arrival, Shard};

/// An arrival whose user and start are known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlannedSignIn {
    /// The arrival.
    pub arrival: Arrival,
    /// How it met its time.
    pub wait: Wait,
    /// Its user and start; `None` if it could not start.
    pub start: Option<PlannedStart>,
}

/// How an arrival met its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wait {
    /// Whether it waited for a user.
    pub waited: bool,
    /// Whether it waited for the next TOTP code of an idle user.
    pub waited_for_code: bool,
    /// Whether it could not start because too many waited.
    pub dropped: bool,
}

/// The user and the start of an arrival.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlannedStart {
    /// Number of the user in the population: the drawn one or a substitute.
    pub user: u32,
    /// The start, since the start of the run.
    pub at: Duration,
    /// Number of the user's sign-ins that start before it.
    pub turn: u32,
    /// Whether the time until then was a wait for a TOTP code, which is no latency.
    pub waited_for_code: bool,
}

/// Logs the sign-ins of one shard while the whole run is played.
#[derive(Debug)]
pub struct PlanLog {
    shard: Shard,
    /// Arrivals that have not started, by number.
    waiting: BTreeMap<u64, (Arrival, Wait)>,
    /// Started sign-ins by user.
    turns: BTreeMap<u32, u32>,
    planned: Vec<PlannedSignIn>,
}

impl PlanLog {
    /// Creates a log of the sign-ins of this shard.
    pub const fn new(shard: Shard) -> Self {
        Self { shard, waiting: BTreeMap::new(), turns: BTreeMap::new(), planned: Vec::new() }
    }

    /// Logs an arrival that is due.
    pub(super) fn due(&mut self, arrival: Arrival, wait: Wait) {
        self.waiting.insert(arrival.number, (arrival, wait));
        if wait.dropped {
            self.end(arrival, None);
        }
    }

    /// Logs the start of an arrival by this user of the population, at this time of the run.
    pub(super) fn start(&mut self, arrival: Arrival, user: u32, at: Duration, waited_for_code: bool) {
        let turns = self.turns.entry(user).or_default();
        let turn = *turns;
        *turns += 1;
        self.end(arrival, Some(PlannedStart { user, at, turn, waited_for_code }));
    }

    fn end(&mut self, arrival: Arrival, start: Option<PlannedStart>) {
        let Some((arrival, wait)) = self.waiting.remove(&arrival.number) else { return };
        if self.shard.owns(start.map_or(arrival.user, |start| start.user)) {
            self.planned.push(PlannedSignIn { arrival, wait, start });
        }
    }

    /// Returns the shard's sign-ins in order of time. Arrivals that never started are without a start.
    pub fn into_planned(mut self) -> Vec<PlannedSignIn> {
        let waiting: Vec<Arrival> = self.waiting.values().map(|(arrival, _)| *arrival).collect();
        waiting.into_iter().for_each(|arrival| self.end(arrival, None));
        self.planned.sort_by_key(|one| (one.arrival.at, one.arrival.number));
        self.planned
    }
}
