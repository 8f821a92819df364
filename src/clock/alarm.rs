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
    moments: Mutex<BinaryHeap<Reverse<Moment>>>,
    earlier: Condvar,
}

struct Moment {
    due: Instant,
    wake: oneshot::Sender<()>,
}

impl PartialEq for Moment {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Moment {}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

/// The process's alarm, if the operating system gives it a thread.
static ALARM: LazyLock<Option<&'static Alarm>> = LazyLock::new(|| {
    let alarm: &'static Alarm = Box::leak(Box::default());
    let started = thread::Builder::new().name("alarm".to_owned()).spawn(move || alarm.watch());
    started.is_ok().then_some(alarm)
});

/// Returns at `due`, or a little later; at once when that is past.
pub(super) async fn until(due: Instant) {
    let Some(alarm) = *ALARM else { return tokio::time::sleep_until(due.into()).await };
    let (wake, woken) = oneshot::channel();
    alarm.set(Moment { due, wake });
    // The alarm's thread never ends.
    let _ = woken.await;
}

impl Alarm {
    fn set(&self, moment: Moment) {
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        let first = moments.peek().is_none_or(|Reverse(first)| moment.due < first.due);
        moments.push(Reverse(moment));
        drop(moments);
        if first {
            self.earlier.notify_one();
        }
    }

    fn watch(&self) {
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            #[expect(clippy::disallowed_methods, reason = "the clock's own file reads the time")]
            let now = Instant::now();
            while moments.peek().is_some_and(|Reverse(first)| first.due <= now) {
                if let Some(Reverse(moment)) = moments.pop() {
                    // Whoever waited may have gone.
                    let _ = moment.wake.send(());
                }
            }
            moments = match moments.peek() {
                None => self.earlier.wait(moments).unwrap_or_else(PoisonError::into_inner),
                Some(Reverse(next)) => {
                    let wait = next.due.saturating_duration_since(now);
                    self.earlier.wait_timeout(moments, wait).unwrap_or_else(PoisonError::into_inner).0
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
    fn nobody_is_woken_early_and_everybody_in_the_end() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let start = Instant::now();
            let sleeps = [30u64, 0, 7, 7, 19].map(|ms| async move {
                let due = start + Duration::from_millis(ms);
                until(due).await;
                (due, Instant::now())
            });
            for (due, woken) in futures_util::future::join_all(sleeps).await {
                assert!(woken >= due);
            }
        });
    }
}
