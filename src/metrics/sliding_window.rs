//! The last seconds of a run, and the worst value of a window.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::statistic::{Counts, RatePeriod, StatisticInput};
use super::watch_spec::{LoadSpan, WindowSpec, WindowValue, WorseDirection, merged_spans};
use super::{Latencies, Statistic};
use poolproof_cognito::time::as_us;

const SECOND_US: u64 = 1_000_000;

/// Windows of one length over a statistic.
#[derive(Clone, Debug)]
pub(super) struct SlidingWindow {
    statistic: Statistic,
    /// Length of a window in seconds.
    seconds: u64,
    worse: WorseDirection,
    /// Fewest samples of a rate.
    min_samples: u64,
    load: Vec<LoadSpan>,
    /// The seconds with load: start and end of each span, increasing and disjoint.
    load_seconds: Vec<(u64, u64)>,
    /// The first second in a window.
    first: u64,
    /// The current second.
    open: u64,
    /// Counts of the current second.
    now: Counts,
    times: Vec<u64>,
    /// Closed seconds, at most as many as a window has.
    closed: VecDeque<SecondBucket>,
    /// Their sums.
    counts: Counts,
    latencies: Option<Sums>,
    worst: Option<WindowValue>,
    latest: Option<WindowValue>,
    /// The closed seconds in which something happened, if they are kept.
    history: Option<BTreeMap<u64, SecondBucket>>,
}

/// A closed second.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(super) struct SecondBucket {
    counts: Counts,
    /// Distinct times in µs, rounded as in the histogram, with their counts.
    times: Vec<(u64, u64)>,
    /// The exact shortest and longest time in µs, if there is any.
    extremes: Option<(u64, u64)>,
}

/// The latencies of all closed seconds, merged.
#[derive(Clone, Debug)]
struct Sums {
    all: Latencies,
    /// Buffer for the times to remove.
    evicted: Latencies,
}

impl SlidingWindow {
    pub(super) fn new(statistic: Statistic, windows: &WindowSpec) -> Self {
        let load_seconds = load_seconds(&windows.load);
        // Without load no second counts.
        let first = load_seconds.first().map_or(u64::MAX, |(first, _)| *first);
        Self {
            statistic,
            seconds: u64::from(windows.seconds.max(1)),
            worse: windows.worse,
            min_samples: windows.min_samples,
            load: windows.load.clone(),
            load_seconds,
            first,
            open: first,
            now: Counts::default(),
            times: Vec::new(),
            closed: VecDeque::new(),
            counts: Counts::default(),
            latencies: statistic
                .timing()
                .map(|_| Sums { all: Latencies::fine(), evicted: Latencies::fine() }),
            worst: None,
            latest: None,
            history: None,
        }
    }

    /// Keeps all closed seconds from now on.
    pub(super) fn keep_history(&mut self) {
        self.history = Some(BTreeMap::new());
    }

    /// Returns the closed seconds in which something happened, if they are kept.
    pub(super) const fn history(&self) -> Option<&BTreeMap<u64, SecondBucket>> {
        self.history.as_ref()
    }

    /// Adds the seconds of another part of the run. [`Self::replay_history`] then evaluates them.
    pub(super) fn add_history(&mut self, other: &BTreeMap<u64, SecondBucket>) {
        let history = self.history.get_or_insert_default();
        for (second, bucket) in other {
            history.entry(*second).or_default().merge(bucket);
        }
    }

    /// Closes the kept seconds in order, as if they had just been recorded.
    pub(super) fn replay_history(&mut self) {
        for (second, bucket) in self.history.take().unwrap_or_default() {
            self.advance(second);
            if self.open == second {
                self.push(bucket);
            }
        }
    }

    pub(super) const fn worst(&self) -> Option<WindowValue> {
        self.worst
    }

    pub(super) const fn latest(&self) -> Option<WindowValue> {
        self.latest
    }

    /// Returns the counts of a second, or of the first open one if that is closed; `None` if no window
    /// contains it.
    pub(super) fn at(&mut self, second: u64) -> Option<&mut Counts> {
        self.advance(second);
        (second >= self.first).then_some(&mut self.now)
    }

    /// Records a time in the current second.
    pub(super) fn time(&mut self, time: Duration) {
        self.times.push(as_us(time));
    }

    /// Ends the load of a workload at a future time.
    pub(super) fn end_load(&mut self, workload: u16, at: Duration) {
        for span in self.load.iter_mut().filter(|span| span.workload == workload) {
            span.until = span.until.min(at);
        }
        self.load_seconds = load_seconds(&self.load);
    }

    /// Closes every second before this one.
    pub(super) fn advance(&mut self, second: u64) {
        while self.open < second {
            self.close();
            // After an empty window nothing changes until something happens or the load starts again.
            let empty =
                self.counts == Counts::default() && self.closed.iter().all(|one| one.times.is_empty());
            if empty && self.closed.len() as u64 == self.seconds {
                let last_of_first = self.load_seconds.iter().map(|(first, _)| first + self.seconds - 1);
                let next = last_of_first.filter(|last| *last >= self.open).min().unwrap_or(u64::MAX);
                self.open = self.open.max(next.min(second - 1));
            }
        }
    }

    /// Closes the current second.
    fn close(&mut self) {
        // The oldest second's buffer is reused.
        let mut second = self.evict_oldest();
        second.counts = std::mem::take(&mut self.now);
        if let Some(Sums { all, .. }) = &self.latencies {
            let exact = |us: &u64| (*us, *us);
            second.extremes = self.times.iter().map(exact).reduce(wider);
            self.times.iter_mut().for_each(|us| *us = all.lowest_equivalent_us(*us));
            self.times.sort_unstable();
            for equal in self.times.chunk_by(|one, two| one == two) {
                second.times.push((equal[0], equal.len() as u64));
            }
            self.times.clear();
        }
        if let Some(history) = self.history.as_mut().filter(|_| second != SecondBucket::default()) {
            history.insert(self.open, second.clone());
        }
        self.append(second);
    }

    /// Closes the current second with this content, which is instead of what was recorded in it.
    fn push(&mut self, second: SecondBucket) {
        self.evict_oldest();
        self.append(second);
    }

    /// Adds a closed second to the window, which has room for it, and evaluates the window.
    fn append(&mut self, second: SecondBucket) {
        self.counts.add(&second.counts);
        if let Some(Sums { all, .. }) = &mut self.latencies {
            second.times.iter().for_each(|(us, times)| all.record_us(*us, *times));
            all.set_extremes(
                self.closed.iter().chain([&second]).filter_map(|one| one.extremes).reduce(wider),
            );
        }
        self.closed.push_back(second);
        self.open += 1;
        self.evaluate();
    }

    /// Removes the oldest second of a full window and returns it empty.
    fn evict_oldest(&mut self) -> SecondBucket {
        if (self.closed.len() as u64) < self.seconds {
            return SecondBucket::default();
        }
        let Some(mut oldest) = self.closed.pop_front() else { return SecondBucket::default() };
        self.counts.subtract(&oldest.counts);
        if let Some(Sums { all, evicted }) = &mut self.latencies {
            evicted.clear();
            oldest.times.drain(..).for_each(|(us, times)| evicted.record_us(us, times));
            all.subtract(evicted);
        }
        oldest
    }

    /// Evaluates the window that ends with the last closed second.
    fn evaluate(&mut self) {
        self.latest = None;
        if (self.closed.len() as u64) < self.seconds {
            return;
        }
        let (from, to) = (self.open - self.seconds, self.open);
        if !self.load_seconds.iter().any(|(first, last)| *first <= from && to <= *last) {
            return;
        }
        let part = StatisticInput {
            counts: self.counts,
            latencies: self.latencies.as_ref().map(|sums| &sums.all),
            over: RatePeriod::Seconds(self.seconds as f64),
        };
        let enough =
            part.denominator(self.statistic).is_none_or(|denominator| denominator >= self.min_samples);
        self.latest = part.value(self.statistic).filter(|_| enough).map(|value| WindowValue {
            value,
            from_us: from * SECOND_US,
            to_us: to * SECOND_US,
        });
        if let Some(seen) = self.latest {
            let worse = self.worst.is_none_or(|worst| self.worse.is(seen.value, worst.value));
            self.worst = if worse { Some(seen) } else { self.worst };
        }
    }

    /// Returns the bytes on the heap that can grow.
    pub(super) fn heap_bytes(&self) -> usize {
        let sums = self.latencies.as_ref().map_or(0, |sums| 2 * sums.all.heap_bytes());
        let times = |second: &SecondBucket| second.times.capacity() * size_of::<(u64, u64)>();
        sums + self.times.capacity() * size_of::<u64>()
            + self.closed.capacity() * size_of::<SecondBucket>()
            + self.closed.iter().map(times).sum::<usize>()
    }
}

impl SecondBucket {
    /// Adds what happened in the same second elsewhere.
    fn merge(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        for (us, count) in &other.times {
            match self.times.binary_search_by_key(us, |(known, _)| *known) {
                Ok(at) => self.times[at].1 += count,
                Err(at) => self.times.insert(at, (*us, *count)),
            }
        }
        self.extremes = [self.extremes, other.extremes].into_iter().flatten().reduce(wider);
    }
}

/// Returns the extremes of two groups of times.
fn wider(one: (u64, u64), two: (u64, u64)) -> (u64, u64) {
    (one.0.min(two.0), one.1.max(two.1))
}

/// Returns the spans in whole seconds: start and end, increasing and disjoint.
fn load_seconds(spans: &[LoadSpan]) -> Vec<(u64, u64)> {
    let whole = |(from, until)| (as_us(from).div_ceil(SECOND_US), as_us(until) / SECOND_US);
    merged_spans(spans.iter().map(|span| (span.from, span.until)))
        .into_iter()
        .map(whole)
        .filter(|(first, last)| first < last)
        .collect()
}
