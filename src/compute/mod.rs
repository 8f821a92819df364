//! Where the arithmetic runs, and what it costs.
//!
//! Under the wall clock on worker threads of its own, the clients' and the pool's in separate groups, so that the CPU of
//! each side is known and neither takes the other's place; never on the thread that keeps the time. Under the
//! virtual clock inline, with the virtual time that a cost model gives.

mod model;
mod pair_cache;
mod queue;
mod workers;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::clock::Clock;
use poolproof_cognito::seed::Rng;
use poolproof_srp::{Job, JobResult};

pub use model::{CostModel, Costs, calibrate};

use model::Cores;
use workers::Group;

/// Whose arithmetic it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The users' and their devices'.
    Client,
    /// The pool's.
    Server,
}

/// Runs jobs.
#[derive(Clone, Debug)]
pub struct Compute(Rc<Executor>);

#[derive(Debug)]
enum Executor {
    Inline(Box<Inline>),
    Threads([Group; 2]),
}

#[derive(Debug)]
struct Inline {
    clock: Clock,
    model: CostModel,
    cores: RefCell<Cores>,
    usage: RefCell<[ComputeUsage; 2]>,
}

/// What one side has used.
#[derive(Clone, Debug)]
pub struct ComputeUsage {
    /// Worker threads; none where time is virtual.
    pub threads: usize,
    /// Jobs done.
    pub jobs: u64,
    /// Modular exponentiations done.
    pub modexps: u64,
    /// Jobs for which a power of g lay ready, so that they came into no batch.
    pub prepared: u64,
    /// Batches that the others were done in.
    pub batches: u64,
    /// Jobs that waited at the same time, at most.
    pub max_queue_depth: usize,
    /// The same, since it was last read.
    max_queue_depth_since_read: usize,
    /// CPU time of the worker threads; `None` where time is virtual.
    pub cpu: Option<Duration>,
    /// How long jobs waited for a worker, µs.
    pub waited_us: Histogram<u64>,
}

/// How busy one side's worker threads are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LoadSample {
    /// Jobs that waited at the same time, at most, since the gauge was last read.
    pub max_queue_depth: usize,
    /// CPU time that was spent so far.
    pub cpu: Duration,
}

impl Compute {
    /// Runs jobs at once on the calling thread, and lets virtual time pass as `model` says.
    pub fn inline(clock: Clock, model: CostModel) -> Self {
        let usage = RefCell::new([ComputeUsage::new(0), ComputeUsage::new(0)]);
        let cores = RefCell::new(Cores::new(model.cores));
        Self(Rc::new(Executor::Inline(Box::new(Inline { clock, model, cores, usage }))))
    }

    /// Runs jobs on this many threads for each side. While they have nothing to do they prepare exchanges, with secrets that are
    /// drawn from `rng`: as hard to foresee as that is.
    pub fn threads(clients: usize, server: usize, rng: &mut Rng) -> std::io::Result<Self> {
        let groups = [Group::start("client", clients, rng)?, Group::start("server", server, rng)?];
        Ok(Self(Rc::new(Executor::Threads(groups))))
    }

    /// Runs a job.
    pub async fn run(&self, side: Side, job: Job) -> JobResult {
        match &*self.0 {
            Executor::Threads(groups) => groups[side as usize].run(job).await,
            Executor::Inline(inline) => inline.run(side, job).await,
        }
    }

    /// What this side has used so far.
    pub fn usage(&self, side: Side) -> ComputeUsage {
        match &*self.0 {
            Executor::Threads(groups) => groups[side as usize].usage(),
            Executor::Inline(inline) => inline.usage.borrow()[side as usize].clone(),
        }
    }

    /// Reads the gauge of one side; `None` where time is virtual and nothing waits for a thread.
    pub fn load_sample(&self, side: Side) -> Option<LoadSample> {
        match &*self.0 {
            Executor::Threads(groups) => Some(groups[side as usize].load_sample()),
            Executor::Inline(_) => None,
        }
    }
}

impl Inline {
    async fn run(&self, side: Side, job: Job) -> JobResult {
        let now = self.clock.now();
        let cost = self.model.cost(&job);
        // Every user has a device of their own; only the pool's cores are shared.
        let start = match side {
            Side::Client => now,
            Side::Server => self.cores.borrow_mut().occupy(now, cost),
        };
        self.usage.borrow_mut()[side as usize].add(job.costs().count(), start.since(now));
        let result = job.run();
        self.clock.sleep_until(start.plus(cost)).await;
        result
    }
}

impl ComputeUsage {
    /// Waits are kept from 1 µs to an hour.
    const LONGEST_WAIT_US: u64 = 3_600_000_000;

    fn new(threads: usize) -> Self {
        let waited_us = Histogram::new_with_bounds(1, Self::LONGEST_WAIT_US, 3)
            .unwrap_or_else(|_| unreachable!("the bounds are valid"));
        let cpu = (threads > 0).then_some(Duration::ZERO);
        Self {
            threads,
            jobs: 0,
            modexps: 0,
            prepared: 0,
            batches: 0,
            max_queue_depth: 0,
            max_queue_depth_since_read: 0,
            cpu,
            waited_us,
        }
    }

    fn record_queue_depth(&mut self, depth: usize) {
        self.max_queue_depth = self.max_queue_depth.max(depth);
        self.max_queue_depth_since_read = self.max_queue_depth_since_read.max(depth);
    }

    /// A job that had not to wait.
    fn add_prepared(&mut self, modexps: usize) {
        self.prepared += 1;
        self.add(modexps, Duration::ZERO);
    }

    fn add(&mut self, modexps: usize, waited: Duration) {
        self.jobs += 1;
        self.modexps += u64::try_from(modexps).unwrap_or(u64::MAX);
        self.waited_us.saturating_record(poolproof_cognito::time::as_us(waited));
    }
}
