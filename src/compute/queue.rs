//! What waits for a worker, by kind: jobs whose powers are of the same lengths can be computed together.

use std::collections::{BTreeMap, VecDeque};

use poolproof_srp::{Backend, Exponentiation, Job};

/// So many full batches may come after a job and still be taken before it.
const MAX_BATCHES_AHEAD: u64 = 8;

/// The powers of a job, in their order.
type Kind = Vec<Exponentiation>;

/// A job, what comes with it, and its number in the order of coming.
type Numbered<T> = (u64, (Job, T));

/// Jobs that wait, each with whatever comes with it.
#[derive(Debug)]
pub(super) struct Queue<T> {
    kinds: BTreeMap<Kind, VecDeque<Numbered<T>>>,
    /// Jobs that have come so far.
    sequence: u64,
    waiting: usize,
    /// Jobs of one kind that are taken at once, at most.
    batch_size: usize,
    /// Workers that have nothing to do.
    pub(super) idle: usize,
    /// Nothing more will come.
    pub(super) closed: bool,
}

impl<T> Queue<T> {
    /// An empty queue, for workers that compute as many powers at once as the best kernel here likes to: with one that does them
    /// singly, every job is a batch.
    pub(super) fn new() -> Self {
        Self::with_batch_size(Backend::best().lanes())
    }

    const fn with_batch_size(batch_size: usize) -> Self {
        Self { kinds: BTreeMap::new(), sequence: 0, waiting: 0, batch_size, idle: 0, closed: false }
    }

    /// Adds a job; how many wait now.
    pub(super) fn push(&mut self, job: Job, item: T) -> usize {
        self.kinds.entry(job.costs().collect()).or_default().push_back((self.sequence, (job, item)));
        self.sequence += 1;
        self.waiting += 1;
        self.waiting
    }

    /// How many wait.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// A batch for one of the idle workers: of the kind whose first has waited longest, the worker's share of what is
    /// there. Nobody waits for a batch to fill, and no worker is left idle for the sake of a fuller one. But a kind that
    /// fills a batch goes before one that does not, unless that has been passed over too often.
    pub(super) fn take(&mut self) -> Option<Vec<(Job, T)>> {
        let oldest =
            self.kinds.values().filter_map(|jobs| jobs.front()).map(|(sequence, _)| *sequence).min()?;
        let may_wait = self.sequence - oldest <= MAX_BATCHES_AHEAD * self.batch_size as u64;
        let (_, jobs) =
            self.kinds.iter_mut().filter(|(_, jobs)| !jobs.is_empty()).min_by_key(|(_, jobs)| {
                (may_wait && jobs.len() < self.batch_size, jobs.front().map(|(sequence, _)| *sequence))
            })?;
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
    fn batches_are_of_one_kind_and_the_longest_waiting_goes_first() {
        let mut queue = queue(1, &[(256, 'a'), (1024, 'b'), (256, 'c'), (1024, 'd'), (100, 'e')]);
        assert_eq!(taken(&mut queue), "ace");
        assert_eq!(taken(&mut queue), "bd");
        assert!(queue.take().is_none());
        assert_eq!(queue.push(job(256), 'f'), 1);
        assert_eq!(taken(&mut queue), "f");
    }

    #[test]
    fn a_full_batch_goes_first_but_not_for_ever() {
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
    fn a_batch_is_no_larger_than_the_kernel_takes() {
        let jobs: Vec<_> = ('a'..='f').map(|name| (256, name)).collect();
        let mut queue = queue(1, &jobs);
        assert_eq!(taken(&mut queue), "abcd");
        assert_eq!(taken(&mut queue), "ef");
    }

    #[test]
    fn idle_workers_share_what_there_is() {
        let mut queue = queue(2, &[(256, 'a'), (256, 'b'), (256, 'c')]);
        assert_eq!(taken(&mut queue), "ab");
        queue.idle = 1;
        assert_eq!(taken(&mut queue), "c");
    }
}
