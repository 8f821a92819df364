//! What arithmetic costs in virtual time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use num_bigint::BigUint;
use rand::Rng as _;

use crate::clock::ThreadCpu;
use poolproof_cognito::seed::{Rng, Seed};
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{Backend, BaseKind, Ephemeral, ExponentClass, Exponentiation, Group, Job, run_all};

/// What modular exponentiations of each length cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Costs {
    /// One with an exponent of 256 bits.
    pub bits_256: Duration,
    /// One with an exponent of 513 bits.
    pub bits_513: Duration,
    /// One with an exponent of 1025 bits.
    pub bits_1025: Duration,
}

impl Costs {
    /// What `one` takes for each class.
    fn measure(one: impl Fn(ExponentClass) -> Duration) -> Self {
        let [bits_256, bits_513, bits_1025] =
            [ExponentClass::Bits256, ExponentClass::Bits513, ExponentClass::Bits1025].map(one);
        Self { bits_256, bits_513, bits_1025 }
    }

    const fn of(&self, class: ExponentClass) -> Duration {
        match class {
            ExponentClass::Bits256 => self.bits_256,
            ExponentClass::Bits513 => self.bits_513,
            ExponentClass::Bits1025 => self.bits_1025,
        }
    }
}

/// What arithmetic costs, and how much of it goes on at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CostModel {
    /// The pool's cores; `None` is as many as are needed, so that nothing queues.
    pub cores: Option<u32>,
    /// Powers of any base.
    pub variable: Costs,
    /// Powers of g, for which there are tables.
    pub generator: Costs,
}

impl CostModel {
    /// What a job costs.
    pub fn cost(&self, job: &Job) -> Duration {
        let each = |cost: Exponentiation| match cost.base {
            BaseKind::Variable => self.variable.of(cost.class),
            BaseKind::Generator => self.generator.of(cost.class),
        };
        job.costs().map(each).sum()
    }
}

/// Measures what this machine takes, CPU time, for a model with this many cores: in full batches, as under load. Takes a
/// few hundred milliseconds.
pub fn calibrate(group: Group, cores: u32) -> CostModel {
    let generator = Costs::measure(|class| {
        spent(|rng, lanes| {
            let a = |_| Job::ClientPublic { group, a: Ephemeral::draw(class.bits(), rng) };
            let jobs = (0..lanes).map(a).collect();
            move || drop(run_all(jobs))
        })
    });
    let variable = match group.backend() {
        // In a group of machine words all powers cost about the same: next to nothing.
        None => generator,
        Some(backend) => Costs::measure(|class| {
            spent(|rng, lanes| {
                let mut number = |bits: u32| {
                    let mut bytes = vec![0xff; bits as usize / 8];
                    rng.fill_bytes(&mut bytes);
                    BigUint::from_bytes_be(&bytes)
                };
                let powers: Vec<_> = (0..lanes).map(|_| (Some(number(3064)), number(class.bits()))).collect();
                move || drop(backend.raise(&powers, class))
            })
        }),
    };
    CostModel { cores: Some(cores), variable, generator }
}

/// CPU time of one of the powers that `prepared` makes ready, so many at a time.
fn spent<Work: FnOnce()>(mut prepared: impl FnMut(&mut Rng, usize) -> Work) -> Duration {
    const ROUNDS: u32 = 4;
    let lanes = Backend::best().lanes();
    let mut rng = Seed::new(1).rng("calibrate", 0);
    // The first round builds tables.
    prepared(&mut rng, lanes)();
    let rounds: Vec<Work> = (0..ROUNDS).map(|_| prepared(&mut rng, lanes)).collect();
    let cpu = ThreadCpu::start();
    rounds.into_iter().for_each(|work| work());
    cpu.spent() / (ROUNDS * u32::try_from(lanes).unwrap_or(1))
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
