//! Plays sign-ins whose users and starts are known.

use actix::prelude::*;

use super::{Conductor, due};
use crate::actors::planned::{PlannedSignIn, PlannedStart, Wait};
use crate::workload::Arrival;

/// A planned sign-in whose start has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlannedTurn {
    /// The place of its user.
    user: usize,
    /// Number of the user's sign-ins before it.
    turn: u32,
    arrival: Arrival,
    waited_for_code: bool,
}

impl Conductor {
    /// Logs an arrival that is due, if the run is played for a plan, and counts how it met its time.
    pub(super) fn count_due(&mut self, arrival: &Arrival, wait: Wait) {
        let counts = self.arrival_counts.entry(arrival.workload).or_default();
        counts.asked += 1;
        counts.waited += u64::from(wait.waited);
        counts.waited_for_code += u64::from(wait.waited_for_code);
        counts.dropped += u64::from(wait.dropped);
        if let Some(log) = &mut self.plan_log {
            log.due(*arrival, wait);
        }
    }

    /// Logs the start of an arrival, if the run is played for a plan.
    pub(super) fn log_start(&mut self, user: usize, arrival: &Arrival, waited_for_code: bool) {
        let (user, at) = (self.number(user), self.elapsed());
        if let Some(log) = &mut self.plan_log {
            log.start(*arrival, user, at, waited_for_code);
        }
    }

    /// Starts all planned sign-ins that are due and waits for the next.
    pub(super) fn start_planned(&mut self, ctx: &mut Context<Self>) {
        while let Some(next) = self.planned.front().map(|one| one.arrival.at) {
            if next > self.elapsed() {
                let (clock, due) = (self.clock, self.start.plus(next));
                let wait = async move { clock.sleep_until(due).await };
                ctx.spawn(wait.into_actor(self).map(|(), conductor, ctx| conductor.start_planned(ctx)));
                return;
            }
            if let Some(planned) = self.planned.pop_front() {
                self.admit_planned(planned, ctx);
            }
        }
        self.finish_if_idle(ctx);
    }

    fn admit_planned(&mut self, planned: PlannedSignIn, ctx: &mut Context<Self>) {
        let PlannedSignIn { arrival, wait, start } = planned;
        self.recorder.due(due(&arrival));
        self.count_due(&arrival, wait);
        let Some(PlannedStart { user, at, turn, waited_for_code }) = start else {
            match wait.dropped {
                true => self.recorder.dropped(due(&arrival)),
                false => self.recorder.unfinished(due(&arrival)),
            }
            return;
        };
        let turn = PlannedTurn { user: self.idle.place(user), turn, arrival, waited_for_code };
        if at <= self.elapsed() {
            return self.take_turn(turn, ctx);
        }
        // It counts as in flight, so that the run does not end before it has started.
        self.in_flight.insert(arrival.number, arrival);
        let (clock, start) = (self.clock, self.start.plus(at));
        let wait = async move { clock.sleep_until(start).await };
        ctx.spawn(wait.into_actor(self).map(move |(), conductor, ctx| {
            conductor.take_turn(turn, ctx);
        }));
    }

    /// Starts a planned sign-in, or lets it wait for those before it: several sign-ins of one user can start
    /// and end at the same time.
    fn take_turn(&mut self, turn: PlannedTurn, ctx: &mut Context<Self>) {
        self.in_flight.insert(turn.arrival.number, turn.arrival);
        self.starting.push(turn);
        if !self.idle.is_busy(turn.user) {
            self.start_next_turn(turn.user, ctx);
        }
    }

    /// Starts the planned sign-in whose turn it is, if this user is idle and its start has come.
    pub(super) fn start_next_turn(&mut self, user: usize, ctx: &mut Context<Self>) {
        let next = self.turns.get(user).copied().unwrap_or_default();
        let is_next = |turn: &PlannedTurn| turn.user == user && turn.turn == next;
        let Some(at) = self.starting.iter().position(is_next) else { return };
        if let Some(turns) = self.turns.get_mut(user) {
            *turns += 1;
        }
        let PlannedTurn { arrival, waited_for_code, .. } = self.starting.remove(at);
        self.idle.take_user(user);
        self.dispatch(user, arrival, waited_for_code, ctx);
    }
}
