//! Wakes whoever waits for a moment of the wall clock, to a tenth of a millisecond where there is a core for it.
//!
//! The runtime's own timers know whole milliseconds only, and round up: too coarse for an open workload, whose latencies
//! count from the intended start. One thread of the process sleeps until the next moment that somebody waits for.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Condvar, LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use tokio::sync::oneshot;

/// The moments that are waited for.
#[derive(Default)]
struct Alarm {
    timers: Mutex<BinaryHeap<Reverse<Timer>>>,
    rescheduled: Condvar,
}

struct Timer {
    due: Instant,
    wake: oneshot::Sender<()>,
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Timer {}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

/// The process's alarm, if the operating system gives it a thread.
static ALARM: LazyLock<Option<&'static Alarm>> = LazyLock::new(|| {
    let alarm: &'static Alarm = Box::leak(Box::default());
    let started = thread::Builder::new().name("alarm".to_owned()).spawn(move || alarm.run());
    started.is_ok().then_some(alarm)
});

/// Returns at `due`, or a little later; at once when that is past.
pub(super) async fn sleep_until(due: Instant) {
    let Some(alarm) = *ALARM else { return tokio::time::sleep_until(due.into()).await };
    let (wake, woken) = oneshot::channel();
    alarm.set(Timer { due, wake });
    // The alarm's thread never ends.
    let _ = woken.await;
}

impl Alarm {
    fn set(&self, timer: Timer) {
        let mut timers = self.timers.lock().unwrap_or_else(PoisonError::into_inner);
        let first = timers.peek().is_none_or(|Reverse(first)| timer.due < first.due);
        timers.push(Reverse(timer));
        drop(timers);
        if first {
            self.rescheduled.notify_one();
        }
    }

    fn run(&self) {
        let mut timers = self.timers.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            #[expect(clippy::disallowed_methods, reason = "this file implements the clock")]
            let now = Instant::now();
            while timers.peek().is_some_and(|Reverse(first)| first.due <= now) {
                if let Some(Reverse(timer)) = timers.pop() {
                    // Whoever waited may have gone.
                    let _ = timer.wake.send(());
                }
            }
            timers = match timers.peek() {
                None => self.rescheduled.wait(timers).unwrap_or_else(PoisonError::into_inner),
                Some(Reverse(next)) => {
                    let wait = next.due.saturating_duration_since(now);
                    self.rescheduled.wait_timeout(timers, wait).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the clock's own tests read the time")]
    fn every_sleeper_wakes_and_none_wakes_early() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let start = Instant::now();
            let sleeps = [30u64, 0, 7, 7, 19].map(|ms| async move {
                let due = start + Duration::from_millis(ms);
                sleep_until(due).await;
                (due, Instant::now())
            });
            for (due, woken) in futures_util::future::join_all(sleeps).await {
                assert!(woken >= due);
            }
        });
    }
}
