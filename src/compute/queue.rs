//! Jobs that wait for a worker, by kind. Jobs whose powers have the same lengths can be computed together.

use std::collections::{BTreeMap, VecDeque};

use poolproof_srp::{Backend, Exponentiation, Job};

/// Maximum number of full batches that may arrive after a job and still be taken before it.
const MAX_BATCHES_AHEAD: u64 = 8;

/// The powers of a job, in order.
type Kind = Vec<Exponentiation>;

/// A job with its item, numbered in the order of arrival.
type Numbered<T> = (u64, (Job, T));

/// Waiting jobs, each with an item of the caller.
#[derive(Debug)]
pub(super) struct Queue<T> {
    kinds: BTreeMap<Kind, VecDeque<Numbered<T>>>,
    /// Jobs that have arrived so far.
    sequence: u64,
    waiting: usize,
    /// Maximum number of jobs of a batch.
    batch_size: usize,
    /// Idle workers.
    pub(super) idle: usize,
    /// True if no more jobs will arrive.
    pub(super) closed: bool,
}

impl<T> Queue<T> {
    /// Returns an empty queue whose batches have the size that the best backend prefers.
    pub(super) fn new() -> Self {
        Self::with_batch_size(Backend::best().lanes())
    }

    const fn with_batch_size(batch_size: usize) -> Self {
        Self { kinds: BTreeMap::new(), sequence: 0, waiting: 0, batch_size, idle: 0, closed: false }
    }

    /// Adds a job and returns the number of waiting jobs.
    pub(super) fn push(&mut self, job: Job, item: T) -> usize {
        self.kinds.entry(job.costs().collect()).or_default().push_back((self.sequence, (job, item)));
        self.sequence += 1;
        self.waiting += 1;
        self.waiting
    }

    /// Returns the number of waiting jobs.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Takes a batch for one of the idle workers, from the kind whose first job has waited longest.
    ///
    /// Idle workers share the jobs of a kind. No job waits for a batch to fill, and no worker stays idle for
    /// a fuller batch. A kind that fills a batch precedes one that does not, unless more than
    /// [`MAX_BATCHES_AHEAD`] batches of jobs arrived after the oldest job.
    pub(super) fn take(&mut self) -> Option<Vec<(Job, T)>> {
        let first = |jobs: &VecDeque<Numbered<T>>| jobs.front().map(|(sequence, _)| *sequence);
        let oldest = self.kinds.values().filter_map(first).min()?;
        let may_wait = self.sequence - oldest <= MAX_BATCHES_AHEAD * self.batch_size as u64;
        let waiting = self.kinds.values_mut().filter(|jobs| !jobs.is_empty());
        let jobs = waiting.min_by_key(|jobs| (may_wait && jobs.len() < self.batch_size, first(jobs)))?;
        let share = jobs.len().div_ceil(self.idle.max(1)).min(self.batch_size);
        self.waiting -= share;
        Some(jobs.drain(..share).map(|(_, item)| item).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolproof_cognito::seed::Seed;
    use poolproof_srp::{Ephemeral, Group};

    fn job(bits: u32) -> Job {
        Job::ClientPublic { group: Group::toy(), a: Ephemeral::draw(bits, &mut Seed::new(1).rng("queue", 0)) }
    }

    fn queue(idle: usize, jobs: &[(u32, char)]) -> Queue<char> {
        let mut queue = Queue::with_batch_size(4);
        queue.idle = idle;
        for (place, (bits, name)) in jobs.iter().enumerate() {
            assert_eq!(queue.push(job(*bits), *name), place + 1);
        }
        queue
    }

    fn taken(queue: &mut Queue<char>) -> String {
        queue.take().unwrap_or_default().into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn batches_have_one_kind_and_the_longest_waiting_is_first() {
        let mut queue = queue(1, &[(256, 'a'), (1024, 'b'), (256, 'c'), (1024, 'd'), (100, 'e')]);
        assert_eq!(taken(&mut queue), "ace");
        assert_eq!(taken(&mut queue), "bd");
        assert!(queue.take().is_none());
        assert_eq!(queue.push(job(256), 'f'), 1);
        assert_eq!(taken(&mut queue), "f");
    }

    #[test]
    fn a_full_batch_is_first_for_a_limited_time() {
        let full: Vec<_> = ('b'..='z').map(|name| (256, name)).collect();
        let mut queue = queue(1, &[&[(1024, 'a')], full.as_slice()].concat());
        assert_eq!(taken(&mut queue), "bcde");
        for _ in 0..MAX_BATCHES_AHEAD * 4 {
            queue.push(job(256), '+');
        }
        assert_eq!(taken(&mut queue), "a");
        assert_eq!(taken(&mut queue), "fghi");
    }

    #[test]
    fn a_batch_has_at_most_the_batch_size() {
        let jobs: Vec<_> = ('a'..='f').map(|name| (256, name)).collect();
        let mut queue = queue(1, &jobs);
        assert_eq!(taken(&mut queue), "abcd");
        assert_eq!(taken(&mut queue), "ef");
    }

    #[test]
    fn idle_workers_share_the_waiting_jobs() {
        let mut queue = queue(2, &[(256, 'a'), (256, 'b'), (256, 'c')]);
        assert_eq!(taken(&mut queue), "ab");
        queue.idle = 1;
        assert_eq!(taken(&mut queue), "c");
    }
}
