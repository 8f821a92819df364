//! Worker threads: a queue, and a way back for each result. What waits together is computed together, four at a time where
//! the machine can.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::Usage;
use super::queue::Queue;
use crate::clock::{Clock, ClockKind, ThreadCpu, Timestamp};
use crate::srp::{Done, Job, run_all};

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
    pub(super) fn start(name: &str, threads: usize) -> std::io::Result<Self> {
        let threads = threads.max(1);
        let shared = Arc::new(Shared {
            clock: Clock::start(ClockKind::Wall),
            room: Arc::new(Semaphore::new(CAPACITY)),
            queue: Mutex::new(Queue::new()),
            ready: Condvar::new(),
            usage: Mutex::new(Usage::nothing(threads)),
        });
        let start = |number| {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("{name}-{number}")).spawn(move || work(&shared))
        };
        let threads = (0..threads).map(start).collect::<Result<_, _>>()?;
        Ok(Self { shared, threads })
    }

    pub(super) async fn run(&self, job: Job) -> Done {
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
            Err(_) => Done::Failed(crate::srp::Misfortune::Interrupted),
        }
    }

    pub(super) fn usage(&self) -> Usage {
        lock(&self.shared.usage).clone()
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

/// A worker's life: take what waits, work, give it back.
fn work(shared: &Shared) {
    let cpu = ThreadCpu::start();
    let mut told = Duration::ZERO;
    while let Some(batch) = take(shared) {
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
fn take(shared: &Shared) -> Option<Vec<(Job, Waiting)>> {
    let mut queue = lock(&shared.queue);
    queue.idle += 1;
    loop {
        if let Some(batch) = queue.take() {
            queue.idle -= 1;
            return Some(batch);
        }
        if queue.closed {
            return None;
        }
        queue = shared.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

/// A lock is never given up on: what it guards is whole after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
