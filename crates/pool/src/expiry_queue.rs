//! Queues of challenges and sessions by expiry.
//!
//! Challenges of one app client have the same lifetime, so they expire in the order in which they began.
//! Clients with other lifetimes differ. So there is one queue for each lifetime. Cognito allows 13 lifetimes,
//! and every insertion or removal checks each queue.

use std::collections::VecDeque;
use std::time::Duration;

use poolproof_cognito::time::Timestamp;

/// Entries that expire, in the order in which they began.
#[derive(Debug)]
pub(super) struct ExpiryQueue<T>(Vec<LifetimeQueue<T>>);

/// Entries with the same lifetime, each with its start.
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
    /// Adds an entry that begins at `now`; `now` must not decrease.
    pub(super) fn begin(&mut self, now: Timestamp, lifetime: Duration, what: T) {
        let known = self.0.iter().position(|queue| queue.lifetime == lifetime);
        let at = known.unwrap_or_else(|| {
            self.0.push(LifetimeQueue { lifetime, entries: VecDeque::new() });
            self.0.len() - 1
        });
        self.0[at].entries.push_back((now, what));
    }

    /// Removes and returns an expired entry, if there is one.
    pub(super) fn pop_expired(&mut self, now: Timestamp) -> Option<T> {
        self.0.iter_mut().find_map(|queue| {
            queue.entries.front().filter(|(begin, _)| begin.plus(queue.lifetime) <= now)?;
            queue.entries.pop_front().map(|(_, what)| what)
        })
    }

    /// Returns the start of the oldest entry.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.0.iter().filter_map(|queue| queue.entries.front()).map(|(begin, _)| *begin).min()
    }

    /// Removes and returns the oldest entry, expired or not.
    pub(super) fn pop_oldest(&mut self) -> Option<T> {
        let entries = self.0.iter_mut().map(|queue| &mut queue.entries).filter(|entries| !entries.is_empty());
        let oldest = entries.min_by_key(|entries| entries.front().map(|(begin, _)| *begin))?;
        oldest.pop_front().map(|(_, what)| what)
    }

    /// Returns the number of entries.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|queue| queue.entries.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lived_entries_do_not_delay_the_expiry_of_others() {
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
