//! What arithmetic costs in virtual time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::clock::{ThreadCpu, Timestamp};
use crate::seed::Seed;
use crate::srp::{Ephemeral, ExponentClass, Group, Job};

/// What a modular exponentiation costs, by the length of its exponent, and how many run at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CostModel {
    /// The pool's cores; `None` is as many as are needed, so that nothing queues.
    pub cores: Option<u32>,
    /// One with an exponent of 256 bits.
    pub modexp_256: Duration,
    /// One with an exponent of 513 bits.
    pub modexp_513: Duration,
    /// One with an exponent of 1025 bits.
    pub modexp_1025: Duration,
}

impl CostModel {
    /// What a job costs.
    pub fn cost(&self, job: &Job) -> Duration {
        let each = |class| match class {
            ExponentClass::Bits256 => self.modexp_256,
            ExponentClass::Bits513 => self.modexp_513,
            ExponentClass::Bits1025 => self.modexp_1025,
        };
        job.costs().map(|exponentiation| each(exponentiation.class)).sum()
    }
}

/// Measures what this machine takes, CPU time, for a model with this many cores. Takes a few hundred milliseconds.
pub fn calibrate(group: Group, cores: u32) -> CostModel {
    let verifier = |bits: u32, rounds: u32| {
        let mut chance = Seed::new(1).stream("calibrate", u64::from(bits));
        let cpu = ThreadCpu::start();
        for _ in 0..rounds {
            Job::ClientPublic { group, a: Ephemeral::draw(bits, &mut chance) }.run();
        }
        cpu.spent() / rounds
    };
    CostModel {
        cores: Some(cores),
        modexp_256: verifier(256, 16),
        modexp_513: verifier(513, 8),
        modexp_1025: verifier(1025, 4),
    }
}

/// A number of cores that work through jobs in the order in which they come.
#[derive(Debug)]
pub(super) struct Cores {
    /// When each becomes free; `None` when there are always enough.
    free_at: Option<BinaryHeap<Reverse<Timestamp>>>,
}

impl Cores {
    pub(super) fn new(cores: Option<u32>) -> Self {
        Self {
            free_at: cores.map(|cores| (0..cores.max(1)).map(|_| Reverse(Timestamp::default())).collect()),
        }
    }

    /// Takes the core that is free first for `cost`, and returns when it starts.
    pub(super) fn occupy(&mut self, now: Timestamp, cost: Duration) -> Timestamp {
        let Some(free_at) = &mut self.free_at else { return now };
        let free = free_at.pop().map_or(now, |Reverse(free)| free);
        let start = free.max(now);
        free_at.push(Reverse(start.plus(cost)));
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_wait_for_a_core_in_the_order_in_which_they_come() {
        let at = |us| Timestamp::from_us(us);
        let cost = Duration::from_micros(10);
        let mut cores = Cores::new(Some(2));
        let starts = [0, 1, 2, 3, 100].map(|now| cores.occupy(at(now), cost));
        assert_eq!(starts, [0, 1, 10, 11, 100].map(at));
        let mut many = Cores::new(None);
        assert_eq!([0, 0, 0].map(|now| many.occupy(at(now), cost)), [0, 0, 0].map(at));
    }
}
