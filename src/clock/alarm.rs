//! Timers of the wall clock, exact to a tenth of a millisecond if a core is free.
//!
//! The runtime's timers have whole milliseconds and round up. That is too coarse for an open workload, whose
//! latencies count from the intended start. One thread of the process sleeps until the next timer is due.

use std::collections::BTreeMap;
use std::sync::{Condvar, LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use tokio::sync::oneshot;

/// The waiting tasks, by due time.
#[derive(Default)]
struct Alarm {
    timers: Mutex<BTreeMap<Instant, Vec<oneshot::Sender<()>>>>,
    rescheduled: Condvar,
}

/// The process's alarm, or `None` if its thread cannot start.
static ALARM: LazyLock<Option<&'static Alarm>> = LazyLock::new(|| {
    let alarm: &'static Alarm = Box::leak(Box::default());
    let started = thread::Builder::new().name("alarm".to_owned()).spawn(move || alarm.run());
    started.is_ok().then_some(alarm)
});

/// Returns at `due` or slightly later, and immediately if `due` is past.
pub(super) async fn sleep_until(due: Instant) {
    let Some(alarm) = *ALARM else { return tokio::time::sleep_until(due.into()).await };
    let (wake, woken) = oneshot::channel();
    alarm.set(due, wake);
    // Receiving cannot fail, because the alarm's thread never ends.
    let _ = woken.await;
}

impl Alarm {
    fn set(&self, due: Instant, wake: oneshot::Sender<()>) {
        let mut timers = self.timers.lock().unwrap_or_else(PoisonError::into_inner);
        let first = timers.first_key_value().is_none_or(|(first, _)| due < *first);
        timers.entry(due).or_default().push(wake);
        drop(timers);
        if first {
            self.rescheduled.notify_one();
        }
    }

    fn run(&self) {
        let mut timers = self.timers.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            #[expect(clippy::disallowed_methods, reason = "the clock module reads the time")]
            let now = Instant::now();
            while let Some(first) = timers.first_entry().filter(|first| *first.key() <= now) {
                for wake in first.remove() {
                    // Sending fails if the task no longer waits.
                    let _ = wake.send(());
                }
            }
            timers = match timers.first_key_value() {
                None => self.rescheduled.wait(timers).unwrap_or_else(PoisonError::into_inner),
                Some((next, _)) => {
                    let wait = next.saturating_duration_since(now);
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
    #[expect(clippy::disallowed_methods, reason = "the clock module reads the time")]
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
