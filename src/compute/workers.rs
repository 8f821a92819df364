//! Worker threads: a queue, and a way back for each result. What waits together is computed together where the machine's best
//! kernel gains by it, and one by one where it does not. Who has nothing to do makes powers of g for exchanges to come.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rand::Rng as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::queue::Queue;
use super::stash::Stash;
use super::{Gauge, Usage};
use crate::clock::{Clock, ClockKind, ThreadCpu};
use poolproof_cognito::seed::{Stream, from_entropy};
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{Backend, Done, Job, Prepared, Shape, run_all};

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
    room: Arc<Semaphore>,
    queue: Mutex<Queue<Waiting>>,
    ready: Condvar,
    stash: Mutex<Stash>,
    usage: Mutex<Usage>,
}

#[derive(Debug)]
struct Waiting {
    since: Timestamp,
    back: oneshot::Sender<Done>,
    /// Its place in the queue, given up when it is taken out.
    _room: Option<OwnedSemaphorePermit>,
}

impl Group {
    /// Threads whose exponents are as hard to foresee as `chance`.
    pub(super) fn start(name: &str, threads: usize, chance: &mut Stream) -> std::io::Result<Self> {
        let threads = threads.max(1);
        let shared = Arc::new(Shared {
            clock: Clock::start(ClockKind::Wall),
            room: Arc::new(Semaphore::new(CAPACITY)),
            queue: Mutex::new(Queue::new()),
            ready: Condvar::new(),
            stash: Mutex::default(),
            usage: Mutex::new(Usage::nothing(threads)),
        });
        let start = |number| {
            let shared = Arc::clone(&shared);
            let mut seed = [0; 32];
            chance.fill_bytes(&mut seed);
            let worker = move || work(&shared, from_entropy(seed));
            thread::Builder::new().name(format!("{name}-{number}")).spawn(worker)
        };
        let threads = (0..threads).map(start).collect::<Result<_, _>>()?;
        Ok(Self { shared, threads })
    }

    pub(super) async fn run(&self, job: Job) -> Done {
        if let Some(pair) = Shape::of(&job).and_then(|shape| lock(&self.shared.stash).take(shape)) {
            return self.serve(job, pair);
        }
        let (back, result) = oneshot::channel();
        let since = self.shared.clock.now();
        let room = Arc::clone(&self.shared.room).acquire_owned().await.ok();
        let waiting = Waiting { since, back, _room: room };
        let (deep, idle) = {
            let mut queue = lock(&self.shared.queue);
            (queue.push(job, waiting), queue.idle > 0)
        };
        // Whoever is busy looks into the queue by itself.
        if idle {
            self.shared.ready.notify_one();
        }
        lock(&self.shared.usage).saw_queue(deep);
        match result.await {
            Ok(done) => done,
            // Only when a worker has died, which nothing in a job can bring about.
            Err(_) => Done::Failed(poolproof_srp::Misfortune::Interrupted),
        }
    }

    /// Finishes a job on the spot, and has a pair made in the place of the one it takes.
    fn serve(&self, job: Job, pair: Prepared) -> Done {
        if lock(&self.shared.queue).idle > 0 {
            self.shared.ready.notify_one();
        }
        lock(&self.shared.usage).add_prepared(job.costs().count());
        pair.serve(job)
    }

    pub(super) fn usage(&self) -> Usage {
        lock(&self.shared.usage).clone()
    }

    pub(super) fn gauge(&self) -> Gauge {
        // What waits now will have waited in the time to come as well.
        let waiting = lock(&self.shared.queue).waiting();
        let mut usage = lock(&self.shared.usage);
        let deepest = std::mem::replace(&mut usage.lately, waiting);
        Gauge { deepest, cpu: usage.cpu.unwrap_or_default() }
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
    Batch(Vec<(Job, Waiting)>),
    /// Nobody waits: pairs of this shape.
    Prepare(Shape),
}

/// A worker's life: take what waits, work, give it back.
fn work(shared: &Shared, mut chance: Stream) {
    let cpu = ThreadCpu::start();
    let mut told = Duration::ZERO;
    while let Some(task) = take(shared) {
        let batch = match task {
            Task::Batch(batch) => batch,
            Task::Prepare(shape) => {
                let pairs = Prepared::several(shape, Backend::best().lanes(), &mut chance);
                lock(&shared.stash).bring(shape, pairs);
                continue;
            }
        };
        let now = shared.clock.now();
        let mut jobs = Vec::with_capacity(batch.len());
        let mut backs = Vec::with_capacity(batch.len());
        let mut costs = Vec::with_capacity(batch.len());
        for (job, waiting) in batch {
            costs.push((job.costs().count(), now.since(waiting.since)));
            jobs.push(job);
            backs.push(waiting.back);
        }
        let results = run_all(jobs);
        {
            let mut usage = lock(&shared.usage);
            usage.batches += 1;
            for (modexps, waited) in costs {
                usage.add(modexps, waited);
            }
            let spent = cpu.spent();
            usage.cpu = usage.cpu.map(|cpu| cpu + (spent - told));
            told = spent;
        }
        for (back, done) in backs.into_iter().zip(results) {
            // Whoever asked may have gone; then nobody needs the result.
            drop(back.send(done));
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
        if let Some(shape) = lock(&shared.stash).order(Backend::best().lanes()) {
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
        let chance = &mut Seed::new(1).stream("workers", 0);
        let workers = Group::start("test", 2, chance).unwrap();
        let group = poolproof_srp::Group::toy();
        let (salt, identity) = (Salt::draw(chance), Identity::user("AbC", "ann"));
        let job = Job::Verifier { group, salt, identity, password: "secret".to_owned() };
        let Done::Verifier(verifier) = runtime.block_on(workers.run(job)) else { panic!("no verifier") };
        assert_eq!(workers.usage().prepared, 0, "a verifier needs a power of its own");

        let mut secrets = Vec::new();
        let mut jobs = 1;
        while workers.usage().prepared < 200 {
            assert!(jobs < 1_000_000, "nobody prepares anything");
            let (a, b) = (Ephemeral::draw(256, chance), Ephemeral::draw(256, chance));
            let job = Job::ClientPublic { group, a };
            let done = runtime.block_on(workers.run(job));
            let Done::PublicA { a, .. } = &done else { panic!("no A") };
            assert_eq!((Job::ClientPublic { group, a: a.clone() }).run(), done);
            let server = |b| Job::ServerPublic { group, b, verifier: verifier.clone() };
            let done = runtime.block_on(workers.run(server(b)));
            let Done::PublicB { b, .. } = &done else { panic!("no B") };
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
