//! What ends when.
//!
//! Challenges of one app client live equally long, so that they end in the order in which they began; those
//! of a client with another validity do not. So there is a queue for each lifetime, of which Cognito takes
//! thirteen, and beginning and ending costs a look at each.

use std::collections::VecDeque;
use std::time::Duration;

use poolproof_cognito::time::Timestamp;

/// Things that end, in the order in which they began.
#[derive(Debug)]
pub(super) struct ExpiryQueue<T>(Vec<LifetimeQueue<T>>);

/// Things that live equally long, each with its beginning.
#[derive(Debug)]
struct LifetimeQueue<T> {
    lifetime: Duration,
    entries: VecDeque<(Timestamp, T)>,
}

impl<T> Default for ExpiryQueue<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> ExpiryQueue<T> {
    /// Notes what begins `now`, which is never earlier than it was before.
    pub(super) fn begin(&mut self, now: Timestamp, lifetime: Duration, what: T) {
        let known = self.0.iter().position(|queue| queue.lifetime == lifetime);
        let at = known.unwrap_or_else(|| {
            self.0.push(LifetimeQueue { lifetime, entries: VecDeque::new() });
            self.0.len() - 1
        });
        self.0[at].entries.push_back((now, what));
    }

    /// Takes one of what has ended, if something has.
    pub(super) fn pop_expired(&mut self, now: Timestamp) -> Option<T> {
        self.0.iter_mut().find_map(|queue| {
            queue.entries.front().filter(|(begin, _)| begin.plus(queue.lifetime) <= now)?;
            queue.entries.pop_front().map(|(_, what)| what)
        })
    }

    /// When the oldest began.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.0.iter().filter_map(|queue| queue.entries.front()).map(|(begin, _)| *begin).min()
    }

    /// Takes the oldest, whenever it would end.
    pub(super) fn pop_oldest(&mut self) -> Option<T> {
        let entries = self.0.iter_mut().map(|queue| &mut queue.entries).filter(|entries| !entries.is_empty());
        let oldest = entries.min_by_key(|entries| entries.front().map(|(begin, _)| *begin))?;
        oldest.pop_front().map(|(_, what)| what)
    }

    /// How many have not been taken.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|queue| queue.entries.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lives_long_keeps_nothing_else() {
        let second = |seconds: u64| Timestamp::from_us(seconds * 1_000_000);
        let lives = |minutes: u64| Duration::from_secs(60 * minutes);
        let entries = || {
            let mut expiry_queue = ExpiryQueue::default();
            for (at, minutes) in [(0, 15), (1, 3), (2, 15), (3, 3), (4, 5)] {
                expiry_queue.begin(second(at), lives(minutes), (at, minutes));
            }
            expiry_queue
        };
        for now in [180, 181, 183, 303, 304, 899, 900, 902] {
            let mut expiry_queue = entries();
            let mut taken: Vec<_> = std::iter::from_fn(|| expiry_queue.pop_expired(second(now))).collect();
            taken.sort_unstable();
            let all = [(0, 15), (1, 3), (2, 15), (3, 3), (4, 5)];
            let wanted: Vec<_> = all.into_iter().filter(|(at, minutes)| at + minutes * 60 <= now).collect();
            assert_eq!(taken, wanted, "at second {now}");
            assert_eq!(expiry_queue.len(), all.len() - wanted.len());
        }
        let mut expiry_queue = entries();
        let oldest = std::iter::from_fn(|| Some((expiry_queue.oldest()?, expiry_queue.pop_oldest()?.0)));
        assert_eq!(oldest.collect::<Vec<_>>(), [0, 1, 2, 3, 4].map(|at| (second(at), at)));
    }
}
