//! Worker threads: a queue, and a way back for each result. What waits together is computed together where the machine's best
//! kernel gains by it, and one by one where it does not. Who has nothing to do makes powers of g for exchanges to come.

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
use poolproof_srp::{Backend, Job, JobResult, PairShape, PreparedPair, run_all};

/// Jobs of one side that may wait. Whoever has one more waits outside, so that the queue stays bounded.
const CAPACITY: usize = 4096;

/// The threads of one side.
#[derive(Debug)]
pub(super) struct Group {
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
    /// Its place in the queue, given up when it is taken out.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Group {
    /// Threads whose exponents are as hard to foresee as `rng`.
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
        let permits = Arc::clone(&self.shared.permits).acquire_owned().await.ok();
        let waiting = PendingReply { since, reply_sender, _permit: permits };
        let (depth, idle) = {
            let mut queue = lock(&self.shared.queue);
            (queue.push(job, waiting), queue.idle > 0)
        };
        // Whoever is busy looks into the queue by itself.
        if idle {
            self.shared.ready.notify_one();
        }
        lock(&self.shared.usage).record_queue_depth(depth);
        match result.await {
            Ok(done) => done,
            // Only when a worker has died, which nothing in a job can bring about.
            Err(_) => JobResult::Failed(poolproof_srp::SrpError::Interrupted),
        }
    }

    /// Finishes a job on the spot, and has a pair made in the place of the one it takes.
    fn complete(&self, job: Job, pair: PreparedPair) -> JobResult {
        if lock(&self.shared.queue).idle > 0 {
            self.shared.ready.notify_one();
        }
        lock(&self.shared.usage).add_prepared(job.costs().count());
        pair.complete(job)
    }

    pub(super) fn usage(&self) -> ComputeUsage {
        lock(&self.shared.usage).clone()
    }

    pub(super) fn load_sample(&self) -> LoadSample {
        // What waits now will have waited in the time to come as well.
        let waiting = lock(&self.shared.queue).waiting();
        let mut usage = lock(&self.shared.usage);
        let max_queue_depth = std::mem::replace(&mut usage.max_queue_depth_since_read, waiting);
        LoadSample { max_queue_depth, cpu: usage.cpu.unwrap_or_default() }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        lock(&self.shared.queue).closed = true;
        self.shared.ready.notify_all();
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

/// What there is to do for a worker.
enum Task {
    /// Somebody waits for these.
    Batch(Vec<(Job, PendingReply)>),
    /// Nobody waits: pairs of this shape.
    Prepare(PairShape),
}

/// A worker's life: take what waits, work, give it back.
fn run_worker(shared: &Shared, mut rng: Rng) {
    let cpu = ThreadCpu::start();
    let mut reported_cpu = Duration::ZERO;
    while let Some(task) = take(shared) {
        let batch = match task {
            Task::Batch(batch) => batch,
            Task::Prepare(shape) => {
                let pairs = PreparedPair::generate(shape, Backend::best().lanes(), &mut rng);
                lock(&shared.pair_cache).insert(shape, pairs);
                continue;
            }
        };
        let now = shared.clock.now();
        let mut jobs = Vec::with_capacity(batch.len());
        let mut reply_senders = Vec::with_capacity(batch.len());
        let mut costs = Vec::with_capacity(batch.len());
        for (job, waiting) in batch {
            costs.push((job.costs().count(), now.since(waiting.since)));
            jobs.push(job);
            reply_senders.push(waiting.reply_sender);
        }
        let results = run_all(jobs);
        {
            let mut usage = lock(&shared.usage);
            usage.batches += 1;
            for (modexps, waited) in costs {
                usage.add(modexps, waited);
            }
            let spent = cpu.spent();
            usage.cpu = usage.cpu.map(|cpu| cpu + (spent - reported_cpu));
            reported_cpu = spent;
        }
        for (reply_sender, done) in reply_senders.into_iter().zip(results) {
            // Whoever asked may have gone; then nobody needs the result.
            drop(reply_sender.send(done));
        }
    }
}

/// Waits for work.
fn take(shared: &Shared) -> Option<Task> {
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
        // With the queue in hand: who takes a pair after this look finds this worker idle, and wakes it.
        if let Some(shape) = lock(&shared.pair_cache).reserve(Backend::best().lanes()) {
            queue.idle -= 1;
            return Some(Task::Prepare(shape));
        }
        queue = shared.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

/// A lock is never given up on: what it guards is whole after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    use poolproof_cognito::seed::Seed;
    use poolproof_srp::{Ephemeral, Identity, Salt};

    #[test]
    fn idle_workers_prepare_and_every_job_is_right_with_a_secret_of_its_own() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let rng = &mut Seed::new(1).rng("workers", 0);
        let workers = Group::start("test", 2, rng).unwrap();
        let group = poolproof_srp::Group::toy();
        let (salt, identity) = (Salt::draw(rng), Identity::user("AbC", "ann"));
        let job = Job::Verifier { group, salt, identity, password: "secret".to_owned() };
        let JobResult::Verifier(verifier) = runtime.block_on(workers.run(job)) else { panic!("no verifier") };
        assert_eq!(workers.usage().prepared, 0, "a verifier needs a power of its own");

        let mut secrets = Vec::new();
        let mut jobs = 1;
        while workers.usage().prepared < 200 {
            assert!(jobs < 1_000_000, "nobody prepares anything");
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
