//! Runs SRP jobs and records their cost.
//!
//! Under the wall clock, jobs run on worker threads, with separate threads for clients and for the pool. The
//! CPU time of each side is therefore known, neither side delays the other, and no job runs on the thread
//! that keeps time. Under the virtual clock, jobs run inline and take the virtual time of a cost model.

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
use workers::WorkerGroup;

/// The side that needs a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Users and their devices.
    Client,
    /// The pool.
    Server,
}

/// Runs jobs.
#[derive(Clone, Debug)]
pub struct Compute(Rc<Executor>);

#[derive(Debug)]
enum Executor {
    Inline(Box<Inline>),
    Threads([WorkerGroup; 2]),
}

#[derive(Debug)]
struct Inline {
    clock: Clock,
    model: CostModel,
    cores: RefCell<Cores>,
    usage: RefCell<[ComputeUsage; 2]>,
}

/// The resources that one side has used.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct ComputeUsage {
    /// Worker threads; 0 under the virtual clock.
    pub threads: usize,
    /// Finished jobs.
    pub jobs: u64,
    /// Modular exponentiations.
    pub modexps: u64,
    /// Jobs that used a prepared pair and belong to no batch.
    pub prepared: u64,
    /// Batches of the other jobs.
    pub batches: u64,
    /// Maximum number of waiting jobs.
    pub max_queue_depth: usize,
    /// Maximum number of waiting jobs since the last [`LoadSample`].
    #[serde(skip)]
    max_queue_depth_since_read: usize,
    /// CPU time of the worker threads; `None` under the virtual clock.
    pub cpu: Option<Duration>,
    /// Time that jobs waited for a worker, in µs.
    #[serde(with = "waits")]
    pub waited_us: Histogram<u64>,
}

/// The stored form of waits: the used buckets.
mod waits {
    use hdrhistogram::Histogram;
    use serde::{Deserialize as _, Deserializer, Serializer};

    /// One hour.
    const LONGEST_WAIT_US: u64 = 3_600_000_000;

    pub(super) fn empty() -> Histogram<u64> {
        Histogram::new_with_bounds(1, LONGEST_WAIT_US, 3)
            .unwrap_or_else(|_| unreachable!("the bounds are valid"))
    }

    pub(super) fn serialize<S: Serializer>(waits: &Histogram<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_seq(waits.iter_recorded().map(|one| (one.value_iterated_to(), one.count_at_value())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Histogram<u64>, D::Error> {
        let mut waits = empty();
        for (us, count) in Vec::<(u64, u64)>::deserialize(deserializer)? {
            waits.saturating_record_n(us, count);
        }
        Ok(waits)
    }
}

/// The load of one side's worker threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LoadSample {
    /// Maximum number of waiting jobs since the last sample.
    pub max_queue_depth: usize,
    /// Total CPU time so far.
    pub cpu: Duration,
}

impl Compute {
    /// Runs jobs on the calling thread. Each job takes the virtual time of `model`.
    pub fn inline(clock: Clock, model: CostModel) -> Self {
        let usage = RefCell::new([ComputeUsage::new(0), ComputeUsage::new(0)]);
        let cores = RefCell::new(Cores::new(model.cores));
        Self(Rc::new(Executor::Inline(Box::new(Inline { clock, model, cores, usage }))))
    }

    /// Starts the worker threads of both sides.
    ///
    /// Idle threads compute random exponents and the matching powers of g in advance. The exponents derive
    /// from `rng`, so `rng` must be unpredictable.
    ///
    /// # Errors
    ///
    /// A thread cannot be started.
    pub fn threads(clients: usize, server: usize, rng: &mut Rng) -> std::io::Result<Self> {
        let groups =
            [WorkerGroup::start("client", clients, rng)?, WorkerGroup::start("server", server, rng)?];
        Ok(Self(Rc::new(Executor::Threads(groups))))
    }

    /// Runs a job.
    pub async fn run(&self, side: Side, job: Job) -> JobResult {
        match &*self.0 {
            Executor::Threads(groups) => groups[side as usize].run(job).await,
            Executor::Inline(inline) => inline.run(side, job).await,
        }
    }

    /// Returns the resources that this side has used so far.
    pub fn usage(&self, side: Side) -> ComputeUsage {
        match &*self.0 {
            Executor::Threads(groups) => groups[side as usize].usage(),
            Executor::Inline(inline) => inline.usage.borrow()[side as usize].clone(),
        }
    }

    /// Samples the load of one side. Returns `None` under the virtual clock, where no job waits for a thread.
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
        // Every user has a separate device, and only the pool's cores are shared.
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
    /// Nothing was used yet.
    pub(crate) fn new(threads: usize) -> Self {
        Self {
            threads,
            jobs: 0,
            modexps: 0,
            prepared: 0,
            batches: 0,
            max_queue_depth: 0,
            max_queue_depth_since_read: 0,
            cpu: (threads > 0).then_some(Duration::ZERO),
            waited_us: waits::empty(),
        }
    }

    /// Adds what another process used for the same run.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.threads += other.threads;
        self.jobs += other.jobs;
        self.modexps += other.modexps;
        self.prepared += other.prepared;
        self.batches += other.batches;
        self.max_queue_depth = self.max_queue_depth.max(other.max_queue_depth);
        self.cpu = match (self.cpu, other.cpu) {
            (Some(cpu), Some(more)) => Some(cpu + more),
            (cpu, more) => cpu.or(more),
        };
        // Both have the same bounds, so nothing is lost.
        let _ = self.waited_us.add(&other.waited_us);
    }

    fn record_queue_depth(&mut self, depth: usize) {
        self.max_queue_depth = self.max_queue_depth.max(depth);
        self.max_queue_depth_since_read = self.max_queue_depth_since_read.max(depth);
    }

    fn add(&mut self, modexps: usize, waited: Duration) {
        self.jobs += 1;
        self.modexps += u64::try_from(modexps).unwrap_or(u64::MAX);
        self.waited_us.saturating_record(poolproof_cognito::time::as_us(waited));
    }
}
