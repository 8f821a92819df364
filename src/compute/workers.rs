//! Worker threads: a queue, and a way back for each result.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Usage;
use crate::clock::{Clock, ClockKind, ThreadCpu, Timestamp};
use crate::srp::{Done, Job, run_all};

/// Jobs that a worker takes at once. The present arithmetic gains nothing from several, and the first would wait for
/// the last.
const BATCH: usize = 1;

/// The threads of one side.
#[derive(Debug)]
pub(super) struct Group {
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    queue: Mutex<Queue>,
    ready: Condvar,
    usage: Mutex<Usage>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    closed: bool,
}

#[derive(Debug)]
struct Waiting {
    job: Job,
    since: Timestamp,
    back: oneshot::Sender<Done>,
}

impl Group {
    pub(super) fn start(name: &str, threads: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            clock: Clock::start(ClockKind::Wall),
            queue: Mutex::default(),
            ready: Condvar::new(),
            usage: Mutex::new(Usage::nothing(Some(Duration::ZERO))),
        });
        let start = |number| {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("{name}-{number}")).spawn(move || work(&shared))
        };
        let threads = (0..threads.max(1)).map(start).collect::<Result<_, _>>()?;
        Ok(Self { shared, threads })
    }

    pub(super) async fn run(&self, job: Job) -> Done {
        let (back, result) = oneshot::channel();
        let since = self.shared.clock.now();
        lock(&self.shared.queue).waiting.push_back(Waiting { job, since, back });
        self.shared.ready.notify_one();
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
        for waiting in batch {
            costs.push((waiting.job.costs().count(), now.since(waiting.since)));
            jobs.push(waiting.job);
            backs.push(waiting.back);
        }
        let results = run_all(jobs);
        {
            let mut usage = lock(&shared.usage);
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

/// Waits for work. A batch is what waits already, at most its share, so that no thread is left idle.
fn take(shared: &Shared) -> Option<Vec<Waiting>> {
    let mut queue = lock(&shared.queue);
    loop {
        if !queue.waiting.is_empty() {
            let many = queue.waiting.len().min(BATCH);
            return Some(queue.waiting.drain(..many).collect());
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
