//! The cost of jobs in virtual time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use num_bigint::BigUint;
use rand::Rng as _;

use crate::clock::ThreadCpu;
use poolproof_cognito::seed::{Rng, Seed};
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{
    Backend, BaseKind, Ephemeral, ExponentClass, Exponentiation, Group, Job, Modexp, run_all,
};

/// The cost of one modular exponentiation, by exponent class.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Costs {
    /// With an exponent of up to 256 bits.
    pub bits_256: Duration,
    /// With an exponent of up to 513 bits.
    pub bits_513: Duration,
    /// With an exponent of up to 1025 bits.
    pub bits_1025: Duration,
}

impl Costs {
    fn measure(one: impl Fn(ExponentClass) -> Duration) -> Self {
        Self {
            bits_256: one(ExponentClass::Bits256),
            bits_513: one(ExponentClass::Bits513),
            bits_1025: one(ExponentClass::Bits1025),
        }
    }

    const fn of(&self, class: ExponentClass) -> Duration {
        match class {
            ExponentClass::Bits256 => self.bits_256,
            ExponentClass::Bits513 => self.bits_513,
            ExponentClass::Bits1025 => self.bits_1025,
        }
    }
}

/// The cost of jobs, and the number of jobs that the pool computes at the same time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CostModel {
    /// The pool's cores; `None` for an unlimited number, so that no job waits.
    pub cores: Option<u32>,
    /// Costs of powers of any base.
    pub variable: Costs,
    /// Costs of powers of g, which use precomputed tables.
    pub generator: Costs,
}

impl CostModel {
    /// Returns the cost of a job.
    pub fn cost(&self, job: &Job) -> Duration {
        let each = |cost: Exponentiation| match cost.base {
            BaseKind::Variable => self.variable.of(cost.class),
            BaseKind::Generator => self.generator.of(cost.class),
        };
        job.costs().map(each).sum()
    }
}

/// Measures the CPU time of exponentiations on this machine, in full batches as under load.
///
/// The measurement takes a few hundred milliseconds. The model has `cores` cores.
pub fn calibrate(group: Group, cores: u32) -> CostModel {
    let generator = Costs::measure(|class| {
        cpu_per_power(|rng, lanes| {
            let a = |_| Job::ClientPublic { group, a: Ephemeral::draw(class.bits(), rng) };
            let jobs = (0..lanes).map(a).collect();
            move || drop(run_all(jobs))
        })
    });
    let variable = match group.backend() {
        // In small groups all powers take about the same negligible time.
        None => generator,
        Some(backend) => Costs::measure(|class| {
            cpu_per_power(|rng, lanes| {
                let mut number = |bits: u32| {
                    let mut bytes = vec![0; bits as usize / 8];
                    rng.fill_bytes(&mut bytes);
                    BigUint::from_bytes_be(&bytes)
                };
                let powers: Vec<_> = (0..lanes)
                    .map(|_| Modexp { base: Some(number(3064)), exponent: number(class.bits()), class })
                    .collect();
                move || drop(backend.raise(&powers))
            })
        }),
    };
    CostModel { cores: Some(cores), variable, generator }
}

/// Returns the CPU time of one power. `prepare` returns a closure that computes the given number of powers.
fn cpu_per_power<Work: FnOnce()>(mut prepare: impl FnMut(&mut Rng, usize) -> Work) -> Duration {
    const ROUNDS: u32 = 4;
    let lanes = Backend::best().lanes();
    let mut rng = Seed::new(1).rng("calibrate", 0);
    // The first round builds tables.
    prepare(&mut rng, lanes)();
    let rounds: Vec<Work> = (0..ROUNDS).map(|_| prepare(&mut rng, lanes)).collect();
    let cpu = ThreadCpu::start();
    rounds.into_iter().for_each(|work| work());
    cpu.spent() / (ROUNDS * u32::try_from(lanes).unwrap_or(1))
}

/// Cores that compute jobs in the order of arrival.
#[derive(Debug)]
pub(super) struct Cores {
    /// The time at which each core becomes free; `None` for an unlimited number of cores.
    free_at: Option<BinaryHeap<Reverse<Timestamp>>>,
}

impl Cores {
    pub(super) fn new(cores: Option<u32>) -> Self {
        let idle = |cores: u32| (0..cores.max(1)).map(|_| Reverse(Timestamp::default())).collect();
        Self { free_at: cores.map(idle) }
    }

    /// Occupies the core that becomes free first for `cost`, and returns the start time.
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
    fn jobs_wait_for_a_core_in_the_order_of_arrival() {
        let at = |us| Timestamp::from_us(us);
        let cost = Duration::from_micros(10);
        let mut cores = Cores::new(Some(2));
        let starts = [0, 1, 2, 3, 100].map(|now| cores.occupy(at(now), cost));
        assert_eq!(starts, [0, 1, 10, 11, 100].map(at));
        let mut many = Cores::new(None);
        assert_eq!([0, 0, 0].map(|now| many.occupy(at(now), cost)), [0, 0, 0].map(at));
    }
}
