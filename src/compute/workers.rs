//! Worker threads with a queue. A worker takes batches of waiting jobs, and prepares powers of g while it is
//! idle.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rand::Rng as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::pair_cache::PairCache;
use super::queue::Queue;
use super::{ComputeUsage, LoadSample};
use crate::clock::{Clock, ClockKind, ThreadCpu};
use poolproof_cognito::seed::{Rng, rng_from_bytes};
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{Backend, Job, JobResult, PairShape, PreparedPair, SrpError, run_all};

/// Maximum number of queued jobs of one side. Further jobs wait for a permit, so that the queue stays
/// bounded.
const CAPACITY: usize = 4096;

/// The worker threads of one side.
#[derive(Debug)]
pub(super) struct WorkerGroup {
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    permits: Arc<Semaphore>,
    queue: Mutex<Queue<PendingReply>>,
    ready: Condvar,
    pair_cache: Mutex<PairCache>,
    usage: Mutex<ComputeUsage>,
}

#[derive(Debug)]
struct PendingReply {
    since: Timestamp,
    reply_sender: oneshot::Sender<JobResult>,
    /// The permit for a place in the queue, dropped when a worker takes the job.
    _permit: Option<OwnedSemaphorePermit>,
}

impl WorkerGroup {
    /// Starts at least one thread. The exponents of prepared pairs are as unpredictable as `rng`.
    pub(super) fn start(name: &str, threads: usize, rng: &mut Rng) -> std::io::Result<Self> {
        let threads = threads.max(1);
        let shared = Arc::new(Shared {
            clock: Clock::start(ClockKind::Wall),
            permits: Arc::new(Semaphore::new(CAPACITY)),
            queue: Mutex::new(Queue::new()),
            ready: Condvar::new(),
            pair_cache: Mutex::default(),
            usage: Mutex::new(ComputeUsage::new(threads)),
        });
        let start = |number| {
            let shared = Arc::clone(&shared);
            let mut seed = [0; 32];
            rng.fill_bytes(&mut seed);
            let worker = move || run_worker(&shared, rng_from_bytes(seed));
            thread::Builder::new().name(format!("{name}-{number}")).spawn(worker)
        };
        let threads = (0..threads).map(start).collect::<Result<_, _>>()?;
        Ok(Self { shared, threads })
    }

    pub(super) async fn run(&self, job: Job) -> JobResult {
        if let Some(pair) = PairShape::of(&job).and_then(|shape| lock(&self.shared.pair_cache).take(shape)) {
            return self.complete(job, pair);
        }
        let (reply_sender, result) = oneshot::channel();
        let since = self.shared.clock.now();
        let permit = Arc::clone(&self.shared.permits).acquire_owned().await.ok();
        let pending = PendingReply { since, reply_sender, _permit: permit };
        let (depth, idle) = {
            let mut queue = lock(&self.shared.queue);
            (queue.push(job, pending), queue.idle > 0)
        };
        // A busy worker checks the queue when it has finished.
        if idle {
            self.shared.ready.notify_one();
        }
        lock(&self.shared.usage).record_queue_depth(depth);
        // The sender is dropped only if a worker thread panics.
        result.await.unwrap_or(JobResult::Failed(SrpError::Interrupted))
    }

    /// Completes a job on the calling thread, and wakes an idle worker to replace the pair.
    fn complete(&self, job: Job, pair: PreparedPair) -> JobResult {
        if lock(&self.shared.queue).idle > 0 {
            self.shared.ready.notify_one();
        }
        let mut usage = lock(&self.shared.usage);
        usage.prepared += 1;
        usage.add(job.costs().count(), Duration::ZERO);
        drop(usage);
        pair.complete(job)
    }

    pub(super) fn usage(&self) -> ComputeUsage {
        lock(&self.shared.usage).clone()
    }

    pub(super) fn load_sample(&self) -> LoadSample {
        // The jobs that wait now also count for the next sample.
        let waiting = lock(&self.shared.queue).waiting();
        let mut usage = lock(&self.shared.usage);
        let max_queue_depth = std::mem::replace(&mut usage.max_queue_depth_since_read, waiting);
        LoadSample { max_queue_depth, cpu: usage.cpu.unwrap_or_default() }
    }
}

impl Drop for WorkerGroup {
    fn drop(&mut self) {
        lock(&self.shared.queue).closed = true;
        self.shared.ready.notify_all();
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

/// The next task of a worker.
enum Task {
    /// Compute these jobs.
    Batch(Vec<(Job, PendingReply)>),
    /// Prepare pairs of this shape, because no job waits.
    Prepare(PairShape),
}

/// Runs tasks until the queue is closed and empty.
fn run_worker(shared: &Shared, mut rng: Rng) {
    let cpu = ThreadCpu::start();
    let mut reported_cpu = Duration::ZERO;
    while let Some(task) = next_task(shared) {
        let batch = match task {
            Task::Batch(batch) => batch,
            Task::Prepare(shape) => {
                let pairs = PreparedPair::generate(shape, Backend::best().lanes(), &mut rng);
                lock(&shared.pair_cache).insert(shape, pairs);
                continue;
            }
        };
        let now = shared.clock.now();
        let without_permit =
            |(job, PendingReply { since, reply_sender, .. })| (job, (now.since(since), reply_sender));
        let (jobs, replies): (Vec<Job>, Vec<_>) = batch.into_iter().map(without_permit).unzip();
        let modexps: Vec<usize> = jobs.iter().map(|job| job.costs().count()).collect();
        let results = run_all(jobs);
        {
            let mut usage = lock(&shared.usage);
            usage.batches += 1;
            for (modexps, (waited, _)) in modexps.into_iter().zip(&replies) {
                usage.add(modexps, *waited);
            }
            let spent = cpu.spent();
            usage.cpu = usage.cpu.map(|cpu| cpu + (spent - reported_cpu));
            reported_cpu = spent;
        }
        for ((_, reply_sender), result) in replies.into_iter().zip(results) {
            // Sending fails if the caller no longer waits.
            drop(reply_sender.send(result));
        }
    }
}

/// Waits for the next task. Returns `None` if the queue is closed and empty.
fn next_task(shared: &Shared) -> Option<Task> {
    let mut queue = lock(&shared.queue);
    queue.idle += 1;
    loop {
        if let Some(batch) = queue.take() {
            queue.idle -= 1;
            return Some(Task::Batch(batch));
        }
        if queue.closed {
            return None;
        }
        // The queue stays locked here. A caller that takes a pair later therefore sees this worker as idle
        // and wakes it.
        if let Some(shape) = lock(&shared.pair_cache).reserve(Backend::best().lanes()) {
            queue.idle -= 1;
            return Some(Task::Prepare(shape));
        }
        queue = shared.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Locks a mutex. It ignores poisoning, because the data is consistent after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    use poolproof_cognito::seed::Seed;
    use poolproof_srp::{Ephemeral, Identity, Salt};

    #[test]
    fn idle_workers_prepare_pairs_and_every_job_has_its_own_secret() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let rng = &mut Seed::new(1).rng("workers", 0);
        let workers = WorkerGroup::start("test", 2, rng).unwrap();
        let group = poolproof_srp::Group::toy();
        let (salt, identity) = (Salt::draw(rng), Identity::user("AbC", "ann"));
        let job = Job::Verifier { group, salt, identity, password: "secret".to_owned() };
        let JobResult::Verifier(verifier) = runtime.block_on(workers.run(job)) else { panic!("no verifier") };
        assert_eq!(workers.usage().prepared, 0, "no pair can complete a verifier");

        let mut secrets = Vec::new();
        let mut jobs = 1;
        while workers.usage().prepared < 200 {
            assert!(jobs < 1_000_000, "no worker prepares pairs");
            let (a, b) = (Ephemeral::draw(256, rng), Ephemeral::draw(256, rng));
            let job = Job::ClientPublic { group, a };
            let done = runtime.block_on(workers.run(job));
            let JobResult::PublicA { a, .. } = &done else { panic!("no A") };
            assert_eq!((Job::ClientPublic { group, a: a.clone() }).run(), done);
            let server = |b| Job::ServerPublic { group, b, verifier: verifier.clone() };
            let done = runtime.block_on(workers.run(server(b)));
            let JobResult::PublicB { b, .. } = &done else { panic!("no B") };
            assert_eq!(server(b.clone()).run(), done);
            secrets.extend([a.clone(), b.clone()]);
            jobs += 2;
        }
        let usage = workers.usage();
        assert_eq!((usage.jobs, usage.modexps), (jobs, jobs));
        let all = secrets.len();
        for at in 1..all {
            assert!(!secrets[..at].contains(&secrets[at]), "secret {at} of {all} is used twice");
        }
    }
}
