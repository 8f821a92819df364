//! What ends when.
//!
//! Challenges of one app client live equally long, so that they end in the order in which they began; those of a client with another
//! validity do not. So there is a queue for each lifetime, of which Cognito takes thirteen, and beginning and ending costs a look at each.

use std::collections::VecDeque;
use std::time::Duration;

use poolproof_cognito::time::Timestamp;

/// Things that end, in the order in which they began.
#[derive(Debug)]
pub(super) struct Ends<T>(Vec<Lane<T>>);

/// Things that live equally long, each with its beginning.
#[derive(Debug)]
struct Lane<T> {
    lifetime: Duration,
    begun: VecDeque<(Timestamp, T)>,
}

impl<T> Default for Ends<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Ends<T> {
    /// Notes what begins `now`, which is never earlier than it was before.
    pub(super) fn begin(&mut self, now: Timestamp, lifetime: Duration, what: T) {
        let known = self.0.iter().position(|lane| lane.lifetime == lifetime);
        let at = known.unwrap_or_else(|| {
            self.0.push(Lane { lifetime, begun: VecDeque::new() });
            self.0.len() - 1
        });
        self.0[at].begun.push_back((now, what));
    }

    /// Takes one of what has ended, if something has.
    pub(super) fn take_ended(&mut self, now: Timestamp) -> Option<T> {
        self.0.iter_mut().find_map(|lane| {
            lane.begun.front().filter(|(begin, _)| begin.plus(lane.lifetime) <= now)?;
            lane.begun.pop_front().map(|(_, what)| what)
        })
    }

    /// When the oldest began.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.0.iter().filter_map(|lane| lane.begun.front()).map(|(begin, _)| *begin).min()
    }

    /// Takes the oldest, whenever it would end.
    pub(super) fn take_oldest(&mut self) -> Option<T> {
        let begun = self.0.iter_mut().map(|lane| &mut lane.begun).filter(|begun| !begun.is_empty());
        let oldest = begun.min_by_key(|begun| begun.front().map(|(begin, _)| *begin))?;
        oldest.pop_front().map(|(_, what)| what)
    }

    /// How many have not been taken.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|lane| lane.begun.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lives_long_keeps_nothing_else() {
        let second = |seconds: u64| Timestamp::from_us(seconds * 1_000_000);
        let lives = |minutes: u64| Duration::from_secs(60 * minutes);
        let begun = || {
            let mut ends = Ends::default();
            for (at, minutes) in [(0, 15), (1, 3), (2, 15), (3, 3), (4, 5)] {
                ends.begin(second(at), lives(minutes), (at, minutes));
            }
            ends
        };
        for now in [180, 181, 183, 303, 304, 899, 900, 902] {
            let mut ends = begun();
            let mut taken: Vec<_> = std::iter::from_fn(|| ends.take_ended(second(now))).collect();
            taken.sort_unstable();
            let all = [(0, 15), (1, 3), (2, 15), (3, 3), (4, 5)];
            let wanted: Vec<_> = all.into_iter().filter(|(at, minutes)| at + minutes * 60 <= now).collect();
            assert_eq!(taken, wanted, "at second {now}");
            assert_eq!(ends.len(), all.len() - wanted.len());
        }
        let mut ends = begun();
        let oldest = std::iter::from_fn(|| Some((ends.oldest()?, ends.take_oldest()?.0)));
        assert_eq!(oldest.collect::<Vec<_>>(), [0, 1, 2, 3, 4].map(|at| (second(at), at)));
    }
}
