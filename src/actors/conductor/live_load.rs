//! Load that is set while the run goes on.

use std::future::pending;

use actix::prelude::*;

use super::Conductor;
use crate::actors::run_context::{LiveSchedule, LoadUpdate};

impl LiveSchedule {
    /// Returns the update since the last call, if there is one.
    fn take_update(&mut self) -> Option<LoadUpdate> {
        match self.updates.has_changed() {
            Ok(false) => None,
            Ok(true) => Some(*self.updates.borrow_and_update()),
            Err(_) => Some(LoadUpdate::End(std::time::Duration::ZERO)),
        }
    }

    /// Returns how many of these users each closed workload has.
    fn shares(&self, users: u32) -> Vec<(u16, u32)> {
        let all: u64 = self.closed.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let (mut weights, mut given) = (0, 0);
        let shares = self.closed.iter().map(|(workload, weight)| {
            weights += u64::from(*weight);
            let until = u64::from(users) * weights / all.max(1);
            let share = until - given;
            given = until;
            (*workload, u32::try_from(share).unwrap_or(u32::MAX))
        });
        shares.collect()
    }
}

impl Conductor {
    /// Waits for the next live arrival or the next change of the load, if there is live load.
    pub(super) fn follow_live_load(&self, ctx: &mut Context<Self>) {
        let Some(live) = &self.live else { return };
        let (clock, mut updates) = (self.clock, live.updates.clone());
        let due = live.arrivals.next_at().map(|at| self.start.plus(at));
        let wait = async move {
            let arrival = async {
                match due {
                    Some(due) => clock.sleep_until(due).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = arrival => {}
                _ = updates.changed() => {}
            }
        };
        ctx.spawn(wait.into_actor(self).map(|(), conductor, ctx| conductor.on_live_load(ctx)));
    }

    /// Starts the live arrivals that are due, and applies a change of the load.
    fn on_live_load(&mut self, ctx: &mut Context<Self>) {
        let elapsed = self.elapsed();
        while let Some(arrival) = self.live.as_mut().and_then(|live| live.arrivals.next_due(elapsed)) {
            self.admit(arrival, ctx);
        }
        match self.live.as_mut().and_then(LiveSchedule::take_update) {
            None => {}
            Some(LoadUpdate::Users { users, rate_per_user }) => {
                self.set_live_users(users, rate_per_user, ctx);
            }
            Some(LoadUpdate::End(drain)) => {
                self.live = None;
                self.drain.set_time(drain);
                self.closed_workloads.values_mut().for_each(|workload| workload.end_live(elapsed));
                return self.finish_if_idle(ctx);
            }
        }
        self.follow_live_load(ctx);
    }

    fn set_live_users(&mut self, users: u32, rate_per_user: f64, ctx: &mut Context<Self>) {
        let elapsed = self.elapsed();
        let Some(live) = &mut self.live else { return };
        live.arrivals.set_rate(elapsed, f64::from(users) * rate_per_user);
        for (workload, users) in live.shares(users) {
            let closed = self.closed_workloads.get_mut(&workload);
            let more = closed.map_or(0, |closed| closed.set_users(users));
            for _ in 0..more {
                self.next_iteration(workload, ctx);
            }
        }
    }
}
